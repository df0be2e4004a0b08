"""The values of an axis as they are written: lists, ranges in decimals, and steps by a factor.

Numbers are worked out in decimals and handed on as one would type them, so that `0.1..2:0.001` has
0.3 and not 0.30000000000000004.
"""

import re
from collections.abc import Iterator
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow, localcontext

from convcalc.diagnostics import ArgumentError
from convcalc.findings import Findings
from convcalc.spec.nodes import List, Node, ScalarNode
from convcalc.spec.source import compose
from convcalc.spec.text import SourceText

MOST_VALUES = 100_000
"""Most values of one axis."""
MOST_LENGTH = 10_000_000
"""Most characters that an axis is written in."""
DIGITS = 40
"""Most digits of a number of a range."""
_NUMBER = r"[-+]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][-+]?\d{1,2})?"
_RANGE = re.compile(
    rf"\s*({_NUMBER})\s*\.\.\s*({_NUMBER})\s*(?::\s*(\*?)\s*({_NUMBER})\s*)?", re.ASCII
)
_EXACT = Context(prec=DIGITS, traps=[Inexact, InvalidOperation, Overflow])


def written_values(text: str, axis: str) -> list[str]:
    """The values of an axis, each as one would type it. Raises `ArgumentError` for what is none.

    >>> written_values("0.25..1:0.25", "alpha")
    ['0.25', '0.5', '0.75', '1']
    >>> written_values("16..64:*2, 100", "width")
    ['16', '32', '64', '100']
    >>> written_values("[3x3, '1,2']", "kernel")
    ['3x3', '1,2']
    """
    if len(text) > MOST_LENGTH:
        message = f"{axis}: {len(text):,} characters are more than {MOST_LENGTH:,}"
        raise ArgumentError(message)
    stripped = text.strip()
    pieces = _listed(stripped, axis) if stripped[:1] == "[" else stripped.split(",")
    values: list[str] = []
    for piece in pieces:
        if not piece.strip():
            what = "an empty value between commas" if stripped else "no values"
            message = f"{axis} has {what}: write {axis}=1,2,3 or {axis}=1..3"
            raise ArgumentError(message)
        values += _range(piece, axis)
        if len(values) > MOST_VALUES:
            raise ArgumentError(_too_many(axis, len(values)))
    return values


def _listed(text: str, axis: str) -> list[str]:
    """The items of a YAML list."""
    source = SourceText(f"--vary {axis}", text)
    findings = Findings(source)
    node = compose(source, findings)
    if findings.diagnostics or not isinstance(node, List):
        why = findings.diagnostics[0].told if findings.diagnostics else "it is no list"
        message = f"{axis}: {text[:60]} is read as a list of YAML, [a, b], and {why}"
        raise ArgumentError(message)
    if not node.items:
        message = f"{axis} has no values: write {axis}=1,2,3 or {axis}=1..3"
        raise ArgumentError(message)
    return [_text_of(item, axis) for item in node.items]


def _text_of(node: Node, axis: str) -> str:
    """An item as one would type it: a shape may be a list of its numbers."""
    if isinstance(node, ScalarNode):
        return node.text
    if isinstance(node, List) and all(isinstance(each, ScalarNode) for each in node.items):
        return "x".join(each.text for each in node.items if isinstance(each, ScalarNode))
    message = f"{axis}: a value is a number, a word, a text or a shape, and one is a mapping"
    raise ArgumentError(message)


def _range(text: str, axis: str) -> list[str]:
    """The values of one piece: itself, unless it is a range."""
    if ".." not in text:
        return [text.strip()]
    match = _RANGE.fullmatch(text)
    if match is None:
        message = (
            f"{axis}: {text.strip()[:60]!r} is no range such as 0.25..2:0.05, which goes from the "
            "first number to the second by the third, or 16..512:*2, by a factor"
        )
        raise ArgumentError(message)
    with localcontext(_EXACT):
        try:
            first, last = Decimal(match[1]), Decimal(match[2])
            if match[3]:
                return [_typed(each) for each in _by_factor(axis, first, last, Decimal(match[4]))]
            return [_typed(each) for each in _by_step(axis, first, last, match[4])]
        except (Inexact, InvalidOperation, Overflow):
            message = f"{axis}: {text.strip()[:60]} has numbers of more than {DIGITS} digits"
            raise ArgumentError(message) from None


def _by_step(axis: str, first: Decimal, last: Decimal, written: str | None) -> Iterator[Decimal]:
    step = Decimal(written or "1")
    if not step:
        message = f"{axis}: a step of 0 leads nowhere"
        raise ArgumentError(message)
    if (last - first) * step < 0:
        raise ArgumentError(_nowhere(axis, first, last, f":{_typed(abs(step))}" if written else ""))
    steps = int((last - first) / step) if _divides(last - first, step) else None
    if steps is None:
        before = first + (last - first) // step * step
        ends = f"it meets {_typed(before)} and {_typed(before + step)}"
        said = f"steps of {_typed(step)}" if written else "steps of 1, as none is written,"
        message = f"{axis}: from {_typed(first)}, {said} do not meet {_typed(last)}: {ends}"
        raise ArgumentError(message)
    if steps >= MOST_VALUES:
        raise ArgumentError(_too_many(axis, steps + 1))
    return (first + number * step for number in range(steps + 1))


def _divides(whole: Decimal, part: Decimal) -> bool:
    if abs(whole) / Decimal(MOST_LENGTH) ** 2 > abs(part):  # far too many steps to count exactly
        return True
    return whole % part == 0


def _by_factor(axis: str, first: Decimal, last: Decimal, factor: Decimal) -> list[Decimal]:
    if factor <= 0 or factor == 1:
        message = f"{axis}: a factor of {_typed(factor)} leads nowhere: write one above 1"
        raise ArgumentError(message)
    if first * last <= 0:
        message = (
            f"{axis}: no factor leads from {_typed(first)} to {_typed(last)}: both are above 0, "
            "or both below"
        )
        raise ArgumentError(message)
    if first != last and (abs(last) > abs(first)) != (factor > 1):
        raise ArgumentError(_nowhere(axis, first, last, f":*{_typed(factor)}"))
    values = [first]
    while abs(values[-1]) < abs(last) if factor > 1 else abs(values[-1]) > abs(last):
        values.append(values[-1] * factor)
    if values[-1] != last:
        ends = f"it meets {_typed(values[-2])} and {_typed(values[-1])}"
        message = (
            f"{axis}: from {_typed(first)}, factors of {_typed(factor)} do not meet "
            f"{_typed(last)}: {ends}"
        )
        raise ArgumentError(message)
    return values


def _nowhere(axis: str, first: Decimal, last: Decimal, step: str) -> str:
    return (
        f"{axis}: {_typed(first)}..{_typed(last)}{step} goes nowhere: "
        f"write {_typed(last)}..{_typed(first)}{step}"
    )


def _too_many(axis: str, count: int) -> str:
    return f"{axis} would have {count:,} values, and {MOST_VALUES:,} are the most"


def _typed(number: Decimal) -> str:
    """A number as one would type it.

    >>> _typed(Decimal("2.500")), _typed(Decimal("1E+2")), _typed(Decimal("-0.0"))
    ('2.5', '100', '0')
    """
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
