"""Who runs a sweep: this process, several, or a cluster; one a file.

An executor gives what comes of stretches of designs in the order of their numbers, whatever order
they are done in, so that whoever merges them needs to know nothing of it.
"""
