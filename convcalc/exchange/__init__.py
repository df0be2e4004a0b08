"""Networks from elsewhere, and for elsewhere: the formats, and their files as specs."""

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from convcalc.exchange.content import is_onnx

if TYPE_CHECKING:
    from convcalc.exchange.foreign import Imported
    from convcalc.graph import Written
    from convcalc.shape import Shape
    from convcalc.spec.source import Opened


class Format(NamedTuple):
    """A format that networks come in, known without what reads it."""

    title: str
    """What people call it."""
    ending: str
    """How names of such files end; one of `content.ENDINGS`."""
    tells: Callable[[bytes], bool]
    """Whether a file that begins so is one."""
    module: str
    """The module here that has `read`."""
    library: str
    """What that imports of others."""
    extra: str
    """The extra of convcalc that installs it."""


FORMATS: Mapping[str, Format] = MappingProxyType(
    {"onnx": Format("ONNX", ".onnx", is_onnx, "convcalc.exchange.onnx.read", "onnx", "onnx")}
)
"""What a format is called on the command line → what is known of it."""


def format_of(head: bytes) -> str | None:
    r"""The format of a file that begins with these bytes; None where it is none of `FORMATS`.

    >>> format_of(b"\x08\x08\x12\x07pytorch"), format_of(b"input: 8x8x3")
    ('onnx', None)
    """
    return next((name for name, row in FORMATS.items() if row.tells(head)), None)


def imported(
    opened: "Opened", given: "Shape | Mapping[str, Shape] | None" = None, *, name: str = ""
) -> "Imported | None":
    """What a file from elsewhere says; None where it is of no format that is known, or of `name`.

    `given` are extents that the file leaves open, as `--input` gives them.
    """
    name = name or format_of(opened.head) or ""
    if not name or not opened.head:
        return None
    row = FORMATS[name]
    try:
        import_module(row.library)
    except ImportError:
        from convcalc.exchange.foreign import refused

        return refused(
            "CC101",
            f"is {row.title}, which the package {row.library} reads, and that is not installed",
            f"pip install 'convcalc[{row.extra}]'",
        )
    made: Imported = import_module(row.module).read(opened, given)
    return made


def read(opened: "Opened", given: "Shape | Mapping[str, Shape] | None" = None) -> "Written | None":
    """A file from elsewhere as a spec that was read, which networks are made of.

    None where it is of no format that is known.
    """
    made = imported(opened, given)
    if made is None:
        return None
    from convcalc.exchange.foreign import written

    return written(opened, made)
