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
    """A format that networks come in or go out as, known without what reads or writes it."""

    title: str
    """What people call it."""
    ending: str
    """How names of such files end; one of `content.ENDINGS`."""
    tells: Callable[[bytes], bool]
    """Whether a file that begins so is one."""
    reads: str
    """The module here that has `read`; empty where nothing reads it."""
    writes: str
    """The module here that has `write`; empty where nothing writes it."""
    versions: range
    """Versions that are written."""
    version: int
    """The one that is written unless another is asked for."""
    library: str
    """What both modules import of others."""
    extra: str
    """The extra of convcalc that installs it."""


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "onnx": Format(
            "ONNX",
            ".onnx",
            is_onnx,
            reads="convcalc.exchange.onnx.read",
            writes="convcalc.exchange.onnx.write",
            # Of the operator set: 17 is the first that has layer norms, 27 the last that ONNX
            # Runtime 1.32 runs, and 18 what PyTorch's exporter writes.
            versions=range(17, 28),
            version=18,
            library="onnx",
            extra="onnx",
        )
    }
)
"""What a format is called on the command line → what is known of it."""
READ = tuple(name for name, row in FORMATS.items() if row.reads)
"""The formats that are read."""
WRITTEN = tuple(name for name, row in FORMATS.items() if row.writes)
"""The formats that are written."""


def format_of(head: bytes) -> str | None:
    r"""The format of a file that begins with these bytes; None where it is none of `FORMATS`.

    >>> format_of(b"\x08\x08\x12\x07pytorch"), format_of(b"input: 8x8x3")
    ('onnx', None)
    """
    return next((name for name in READ if FORMATS[name].tells(head)), None)


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
    reader = import_module(row.reads)
    try:
        reader.ready()
    except ImportError:
        from convcalc.exchange.foreign import refused

        return refused(
            "CC101",
            f"is {row.title}, which the package {row.library} reads, and that is not installed",
            f"pip install 'convcalc[{row.extra}]'",
        )
    made: Imported = reader.read(opened, given)
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
