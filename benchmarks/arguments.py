"""What every benchmark says to --help, and how it reads its arguments."""

import argparse


def parser(name: str, doc: str | None) -> argparse.ArgumentParser:
    """A parser of a benchmark's arguments, whose help is the docstring of its module."""
    return argparse.ArgumentParser(
        prog=f"python -m benchmarks {name}",
        description=doc,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def positive(text: str) -> int:
    """A whole number of 1 or more. Raises `argparse.ArgumentTypeError` for what is none."""
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        message = f"{text!r} is no whole number of 1 or more"
        raise argparse.ArgumentTypeError(message)
    return int(text)
