"""A text that somebody pastes: a file or standard input, of which the end is read, within a cap."""

import codecs
import re
import sys
from io import SEEK_END
from typing import BinaryIO

import click

MOST_BYTES = 1_000_000
"""Most bytes that are read, the last ones: a traceback ends with its message."""
COLOR = re.compile(r"\x1b\[[\d;]{0,20}m")
"""What colours a terminal's text."""


def pasted(path: str) -> str:
    """The end of a file, `-` being standard input, as text without colours.

    Raises `click.UsageError` for a file that cannot be read.
    """
    try:
        if path == "-":
            data = _last(sys.stdin.buffer)
        else:
            with open(path, "rb") as file:  # noqa: PTH123 (pathlib would be imported for this alone)
                if file.seekable():
                    file.seek(max(file.seek(0, SEEK_END) - MOST_BYTES, 0))
                data = _last(file)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        message = f"--error {path}: cannot be read: {reason}"
        raise click.UsageError(message) from None
    return COLOR.sub("", _decoded(data)).replace("\r\n", "\n")


def _last(file: BinaryIO) -> bytes:
    """The last bytes of what may never end."""
    data = b""
    while more := file.read(MOST_BYTES):
        data = (data + more)[-MOST_BYTES:]
    return data


def _decoded(data: bytes) -> str:
    """Text of bytes: UTF-8, or the UTF-16 that a Windows shell writes; no byte is refused."""
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    return data.decode("utf-8-sig", "replace")
