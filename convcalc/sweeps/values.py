"""The values of an axis as they are written: lists, ranges in decimals, and steps by a factor.

Numbers are worked out in decimals and handed on as one would type them, so that `0.1..2:0.001` has
0.3 and not 0.30000000000000004.
"""

import re
from collections.abc import Callable
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow, localcontext
from typing import NamedTuple, TypeVar

from convcalc.diagnostics import ArgumentError
from convcalc.findings import Findings
from convcalc.spec.nodes import List, Node, ScalarNode, Value
from convcalc.spec.source import compose
from convcalc.spec.text import SourceText

MOST_VALUES = 100_000
"""Most values of one axis."""
MOST_STEPS = 10**12
"""Most values of a range that are not all worked out."""
MOST_LENGTH = 10_000_000
"""Most characters that an axis is written in."""
DIGITS = 40
"""Most digits of a number of a range."""
_NUMBER = r"[-+]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][-+]?\d{1,2})?"
_RANGE = re.compile(
    rf"\s*({_NUMBER})\s*\.\.\s*({_NUMBER})\s*(?::\s*(\*?)\s*({_NUMBER})\s*)?", re.ASCII
)
T = TypeVar("T")
_EXACT = Context(prec=DIGITS, traps=[Inexact, InvalidOperation, Overflow])


def typed(value: Value) -> str:
    """A value as one would type it.

    >>> typed(True), typed(2.0), typed(0.5), typed("same")
    ('true', '2', '0.5', 'same')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value)


class Steps(NamedTuple):
    """Numbers from one to another in equal steps, in decimals, made when they are asked for."""

    first: Decimal
    """The first of them."""
    step: Decimal
    """What is added from one to the next."""
    total: int
    """How many there are."""

    def text(self, number: int) -> str:
        """One of them, counted from 0, as one would type it.

        >>> written_steps("0.1..4:0.01", "alpha").text(20)
        '0.3'
        """
        with localcontext(_EXACT):
            return _plain(self.first + number * self.step)

    def reversed(self) -> "Steps":
        """The same numbers, from the last to the first."""
        with localcontext(_EXACT):
            last = self.first + (self.total - 1) * self.step
            return self._replace(first=last, step=-self.step)


def written_steps(text: str, axis: str) -> Steps:
    """One range in equal steps, however long. Raises `ArgumentError` for what is none."""
    match = _RANGE.fullmatch(text)
    if match is None or match[3]:
        message = (
            f"{axis}: {text.strip()[:60]!r} is no range in equal steps, such as 0.25..2:0.05: "
            "from the first number to the second by the third"
        )
        raise ArgumentError(message)
    first, last = Decimal(match[1]), Decimal(match[2])
    return _exactly(axis, text, lambda: _steps(axis, first, last, match[4], MOST_STEPS))


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
    first, last, written = Decimal(match[1]), Decimal(match[2]), match[4]
    if match[3]:
        numbers = _exactly(axis, text, lambda: _by_factor(axis, first, last, Decimal(written)))
        return [_plain(each) for each in numbers]
    steps = _exactly(axis, text, lambda: _steps(axis, first, last, written))
    return [steps.text(number) for number in range(steps.total)]


def _exactly(axis: str, text: str, made: Callable[[], T]) -> T:
    """What arithmetic in decimals makes; raises `ArgumentError` where it would round."""
    with localcontext(_EXACT):
        try:
            return made()
        except (Inexact, InvalidOperation, Overflow):
            message = f"{axis}: {text.strip()[:60]} has numbers of more than {DIGITS} digits"
            raise ArgumentError(message) from None


def _steps(
    axis: str, first: Decimal, last: Decimal, written: str | None, most: int = MOST_VALUES
) -> Steps:
    step = Decimal(written or "1")
    if not step:
        message = f"{axis}: a step of 0 leads nowhere"
        raise ArgumentError(message)
    if (last - first) * step < 0:
        raise ArgumentError(_nowhere(axis, first, last, f":{_plain(step)}" if written else ""))
    steps, left = divmod(last - first, step)
    if left:
        before = first + steps * step
        ends = f"it meets {_plain(before)} and {_plain(before + step)}"
        said = f"steps of {_plain(step)}" if written else "steps of 1, as none is written,"
        message = f"{axis}: from {_plain(first)}, {said} do not meet {_plain(last)}: {ends}"
        raise ArgumentError(message)
    count = int(steps) + 1
    if count > most:
        raise ArgumentError(_too_many(axis, count, most))
    return Steps(first, step, count)


def _by_factor(axis: str, first: Decimal, last: Decimal, factor: Decimal) -> list[Decimal]:
    if factor <= 0 or factor == 1:
        message = f"{axis}: a factor of {_plain(factor)} leads nowhere: write one above 1"
        raise ArgumentError(message)
    if first * last <= 0:
        message = (
            f"{axis}: no factor leads from {_plain(first)} to {_plain(last)}: both are above 0, "
            "or both below"
        )
        raise ArgumentError(message)
    if first != last and (abs(last) > abs(first)) != (factor > 1):
        raise ArgumentError(_nowhere(axis, first, last, f":*{_plain(factor)}"))
    values = [first]
    while abs(values[-1]) < abs(last) if factor > 1 else abs(values[-1]) > abs(last):
        values.append(values[-1] * factor)
    if values[-1] != last:
        ends = f"it meets {_plain(values[-2])} and {_plain(values[-1])}"
        message = (
            f"{axis}: from {_plain(first)}, factors of {_plain(factor)} do not meet "
            f"{_plain(last)}: {ends}"
        )
        raise ArgumentError(message)
    return values


def _nowhere(axis: str, first: Decimal, last: Decimal, step: str) -> str:
    return (
        f"{axis}: {_plain(first)}..{_plain(last)}{step} goes nowhere: "
        f"write {_plain(last)}..{_plain(first)}{step}"
    )


def _too_many(axis: str, count: int, most: int = MOST_VALUES) -> str:
    return f"{axis} would have {count:,} values, and {most:,} are the most"


def _plain(number: Decimal) -> str:
    """A number as one would type it.

    >>> _plain(Decimal("2.500")), _plain(Decimal("1E+2")), _plain(Decimal("-0.0"))
    ('2.5', '100', '0')
    """
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
