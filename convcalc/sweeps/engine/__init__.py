"""Designs worked out all at once: every piece of a network once, and gathered by index."""
