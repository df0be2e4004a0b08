"""Numbers as they are written elsewhere: 50%, 0,5, 1,000, and a comma that a list left behind."""

import re
from decimal import Decimal

from convcalc.diagnostics import Fix, write_value
from convcalc.spec.expressions import ExpressionError
from convcalc.spec.syntax import parse

_THOUSANDS = r"[1-9][0-9]{0,2}(?:[,' _][0-9]{3})+"
"""A whole number in groups of three digits."""


def respelled(text: str, *, whole: bool) -> tuple[str, Fix | None] | None:
    """The help and fix of a text that is a number elsewhere; None where it is none.

    Only a `whole` number has groups of digits, and only another is a share or has a fraction.

    >>> respelled("50%", whole=False)[0], respelled("1,000", whole=True)[0]
    ('write 0.5', 'write 1000')
    """
    text = text.strip()
    right = _right(text, whole=whole)
    if right is not None:
        return f"write {right}", write_value(_value(right))
    if (unit := _without_unit(text)) is not None:
        return f"write {unit}", write_value(int(unit))
    if (remark := re.fullmatch(r"(.*\S)[ ]+(//|--|;)[ ]+.*", text)) and _is_expression(remark[1]):
        return "a comment begins with `#`", None
    rest = text[:-1].rstrip()
    if text[-1:] in (",", ";") and rest[:1] != "-" and _is_expression(rest):
        return f"leave out the `{text[-1]}` at the end", write_value(_value(rest))
    return None


def _without_unit(text: str) -> str | None:
    """A number without its unit: 1k, 3px."""
    match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)[ ]*(k|K|M|px|pixels?)", text)
    if match is None:
        return None
    number, unit = match.groups()
    factor = {"k": 1000, "K": 1000, "M": 1_000_000}.get(unit, 1)
    times = Decimal(number) * factor
    return str(int(times)) if times == int(times) else None


def _right(text: str, *, whole: bool) -> str | None:
    if (percent := re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)[ ]*%", text)) and not whole:
        return f"{float(percent[1]) / 100:.9g}"
    if re.fullmatch(_THOUSANDS, text) and (whole or text.count(",") != 1):
        return re.sub(r"[,' _]", "", text)
    if re.fullmatch(r"[0-9]{1,9},[0-9]{1,9}", text) and not whole:
        return text.replace(",", ".")
    curly = re.fullmatch(r"[“”„‘’‚]([^“”„‘’‚]*)[“”„‘’‚]", text)
    return curly[1] if curly and _is_expression(curly[1]) else None


def _is_expression(text: str) -> bool:
    """Whether a text can stand as a value, numbers with an x between them included."""
    if re.fullmatch(r"[0-9]+(?:[x×][0-9]+)+", text):
        return True
    try:
        parse(text)
    except ExpressionError:
        return False
    return True


def _value(text: str) -> int | str:
    return int(text) if text.isdecimal() and len(text) <= 18 else text
