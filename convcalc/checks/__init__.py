"""What `convcalc check` does between the files and the formats: find, configure, check, silence."""
