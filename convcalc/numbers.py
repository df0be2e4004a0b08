"""How numbers and bytes are written."""

from collections.abc import Iterable
from typing import Any

_EIGHTHS = " ▏▎▍▌▋▊▉"


def grouped(value: int) -> str:
    """Digits in groups of three.

    >>> grouped(138357544)
    '138,357,544'
    """
    return f"{value:,}"


def scaled(value: float) -> str:
    """A number with a decimal unit, two decimals.

    >>> scaled(15470264320)
    '15.47 G'
    >>> scaled(999)
    '999'
    """
    if value < 1000:
        return f"{value:g}"
    return _in_units(value, 1000, ("k", "M", "G", "T", "P"))


def _in_units(value: float, base: int, units: tuple[str, ...]) -> str:
    """A number in the first unit that leaves less than `base` of it; the last one otherwise."""
    unit = ""
    for unit in units:
        value /= base
        if value < base - 0.005:
            return f"{value:.2f} {unit}"
    return f"{value:.3e} {unit}"


def megabytes(count: int) -> str:
    """Bytes with a decimal unit.

    >>> megabytes(12845056)
    '12.85 MB'
    >>> megabytes(0)
    '0 B'
    """
    if count < 1000:
        return f"{count} B"
    return _in_units(count, 1000, ("kB", "MB", "GB", "TB", "PB"))


def mebibytes(count: int) -> str:
    """Bytes with a binary unit.

    >>> mebibytes(60950432)
    '58.13 MiB'
    """
    if count < 1024:
        return f"{count} B"
    return _in_units(count, 1024, ("KiB", "MiB", "GiB", "TiB", "PiB"))


def both_bytes(count: int) -> str:
    """Bytes in decimal and binary units, as totals show them.

    >>> both_bytes(60950432)
    '60.95 MB (58.13 MiB)'
    """
    return megabytes(count) if count < 1000 else f"{megabytes(count)} ({mebibytes(count)})"


def plural(count: int, noun: str) -> str:
    """A count with its noun.

    >>> plural(2, "error")
    '2 errors'
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def times(extents: Iterable[int]) -> str:
    """Extents as they are written.

    >>> times((224, 320))
    '224×320'
    """
    return "×".join(map(str, extents))


SINGLE = "a single number"
"""What an array without axes is, in words."""


def array_shape(shape: Iterable[int], single: str = "1") -> str:
    """The shape of an array; `single` for that of one number, which has no axes.

    >>> array_shape((3, 2)), array_shape(())
    ('3×2', '1')
    """
    return times(shape) or single


def bar(share: float, width: int = 8) -> str:
    """A share as a bar of eighths of a character.

    >>> bar(0.5)
    '████    '
    """
    full, part = divmod(round(share * width * 8), 8)
    return ("█" * full + (_EIGHTHS[part] if part else "")).ljust(width)


def value_text(value: Any) -> str:
    """A hyperparameter's value as a table shows it.

    >>> value_text(((1, 2), 0))
    '[1,2]×0'
    >>> value_text(((1, 2, 3),))  # of one side, as a spec in error may say it
    '[1,2,3]'
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "×".join(
            f"[{','.join(map(str, part))}]" if isinstance(part, tuple) else value_text(part)
            for part in value
        )
    return f"{value:.10g}" if isinstance(value, float) else str(value)
