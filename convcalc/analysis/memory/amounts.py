"""Bytes as they are written: a number with a unit."""

from operator import index

from convcalc.arguments import shown
from convcalc.diagnostics import ArgumentError
from convcalc.spec.promises import amount


def read_bytes(value: int | str, what: str, *, unitless: bool = False) -> int:
    """Bytes: a number, or a text with a unit. Raises `ValueError` for what is neither.

    A text may go without unit if `unitless`, and if it is 0.

    >>> read_bytes("300MB", "context")
    300000000
    """
    if not isinstance(value, str):
        try:
            count = index(value)
        except TypeError:
            count = None
        if count is None or isinstance(value, bool):
            message = f"{what} is a number of bytes, or a text such as '8GiB', not {shown(value)}"
            raise TypeError(message)
        if count < 0:
            message = f"{what} {count:,} is below 0"
            raise ArgumentError(message)
        return count
    text = value.strip()
    read = amount(text, round_up=True)
    if read is None:
        near = with_unit(text)
        asked = f": did you mean {near}?" if near else ", such as 500MB or 1.5GiB"
        message = f"{value!r} is no number of bytes{asked}"
        raise ArgumentError(message)
    if read and text[-1].isdigit() and not unitless:
        raise ArgumentError(without_unit(text))
    return read


def with_unit(text: str) -> str | None:
    """A number of bytes whose unit is written in other letters, as it is written here.

    >>> with_unit("12gb"), with_unit("1.5 gib"), with_unit("t4x")
    ('12GB', '1.5GiB', None)
    """
    units = {f"{prefix}{end}".lower(): f"{prefix}{end}" for prefix in "kMGT" for end in ("B", "iB")}
    number = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    unit = units.get(text[len(number) :].lower(), "").replace("kiB", "KiB")
    known = f"{number.strip()}{unit}"
    return known if unit and amount(known, round_up=False) is not None else None


def without_unit(text: str) -> str:
    """What is wrong with a number that has no unit."""
    return f"{text!r} has no unit: write {text}GiB or {text}MB, or {text}B for bytes"
