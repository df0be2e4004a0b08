"""Pages of HTML, each one file with all that it shows: what is in them, and what they stand in."""
