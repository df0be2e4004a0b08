"""Work out convolutional networks from a YAML file, without a deep-learning framework."""

__version__ = "0.1.0"
