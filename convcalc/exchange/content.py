"""Formats told by the bytes that a file begins with, without the libraries that read them."""

from collections.abc import Iterator

ENDINGS = (".onnx",)
"""How names of files from elsewhere end."""
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""How a field of a protocol buffer is written."""
MODEL = {
    1: VARINT, 2: BYTES, 3: BYTES, 4: BYTES, 5: VARINT, 6: BYTES, 7: BYTES, 8: BYTES,
    14: BYTES, 20: BYTES, 25: BYTES, 26: BYTES,
}  # fmt: skip
"""Fields of ONNX's ModelProto: number → how it is written. Source: onnx/onnx.proto."""
VERSION, PRODUCER, GRAPH, OPSETS = 1, 2, 7, 8
MOST_FIELDS = 64
"""Fields that are looked at."""


def is_onnx(head: bytes) -> bool:
    r"""Whether a file that begins so is an ONNX model.

    It is a protocol buffer, which has no mark of its own; but its fields are these, as these are
    written, and one of them says which version it is, or there is a graph.

    >>> is_onnx(b"\x08\x07:\x04\x12\x02ab"), is_onnx(b"PK\x03\x04"), is_onnx(b"")
    (True, False, False)
    """
    seen = set()
    for number, written in fields(head):
        if MODEL.get(number) != written:
            return False
        seen.add(number)
        if GRAPH in seen:
            break
    return GRAPH in seen or {VERSION, PRODUCER} <= seen or {VERSION, OPSETS} <= seen


def fields(head: bytes) -> Iterator[tuple[int, int]]:
    """Number and form of each field that a protocol buffer begins with; (0, 0) for what is none."""
    at = 0
    for _ in range(MOST_FIELDS):
        if at >= len(head):
            return
        tag, at = varint(head, at)
        number, written = tag >> 3, tag & 7
        if not number or written not in (VARINT, FIXED64, BYTES, FIXED32):
            yield 0, 0
            return
        yield number, written
        if written == BYTES:
            length, at = varint(head, at)
            at += length
        elif written == VARINT:
            _, at = varint(head, at)
        else:
            at += 8 if written == FIXED64 else 4


def varint(head: bytes, at: int) -> tuple[int, int]:
    """The whole number that begins at a place, and where it ends."""
    value = shift = 0
    while at < len(head) and shift < 64:
        byte = head[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            break
    return value, at
