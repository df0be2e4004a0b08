"""Pixels as a PNG file: the few bytes of the format that a grid of them needs.

Written here, because what ships with Python is enough, and libraries of images compress each their
own way: the same pixels are to be the same bytes.
"""

from struct import pack
from zlib import compress, crc32

SIGNATURE = b"\x89PNG\r\n\x1a\n"
"""What a PNG file starts with."""
TYPES = {1: 0, 3: 2}
"""Bytes of a pixel → what PNG calls such pixels: grey, and red, green and blue."""
LEVEL = 9
"""How hard zlib tries."""


def png(width: int, height: int, colours: int, data: bytes) -> bytes:
    """A PNG file (ISO/IEC 15948) of pixels of 8 bits a colour, row by row from the top.

    >>> png(1, 1, 1, b"A")[:8] == SIGNATURE
    True
    """
    row = width * colours
    # Each row says first how it is filtered: not at all.
    lines = b"".join(b"\0" + data[at : at + row] for at in range(0, row * height, row))
    header = pack(">IIBBBBB", width, height, 8, TYPES[colours], 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", compress(lines, LEVEL)), (b"IEND", b""))
    return SIGNATURE + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    """A chunk: its length, its name, its data, and a sum over both."""
    return pack(">I", len(data)) + name + data + pack(">I", crc32(name + data))
