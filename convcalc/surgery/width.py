"""Every layer gets more or fewer filters by one factor, as MobileNet's width multiplier does.

The layers whose outputs are the network's keep theirs. Numbers are rounded to multiples of 8 where
all of them are some, as `divisible` does, else to whole ones (Howard et al. 2017, section 3.3).
"""

from fractions import Fraction

from convcalc.graph.planned import Planned
from convcalc.layers import CATALOGUE, GIVEN
from convcalc.layers.base import field_value
from convcalc.numbers import plural
from convcalc.spec.nodes import ScalarNode
from convcalc.spec.tree import Item
from convcalc.surgery.edits import CannotConvertError, Edit, Result, Subject, anew, fields_of

COUNTS = ("filters", "features")
"""Fields that say how many channels come out."""
MULTIPLE = 8
"""What numbers are rounded to multiples of."""


def convert(subject: Subject, value: str) -> Result:
    """The network with a factor on its filters and features."""
    factor = _factor(value)
    network = subject.network
    fixed = _ends(network)
    counts: dict[int, tuple[str, int]] = {}
    for index, node in enumerate(network.nodes):
        if node.layer is None or index in fixed:
            continue
        for name in COUNTS:
            if hasattr(node.layer, name):
                counts[index] = (name, field_value(node.layer, name))
    if not counts:
        message = "no layer but those of the outputs has filters or features"
        raise CannotConvertError(message)
    multiple = MULTIPLE if all(count % MULTIPLE == 0 for _, count in counts.values()) else 1
    edits = {index: _scaled(subject, name, factor, multiple) for index, (name, _) in counts.items()}
    rounded = f"multiples of {multiple}" if multiple > 1 else "whole numbers"
    what = f"{plural(len(edits), 'layer')} have {value} times the filters, rounded to {rounded}"
    return anew(subject, edits, what, sizes=False)


def _factor(value: str) -> Fraction:
    """A factor above 0 as it is written."""
    try:
        factor = Fraction(value)
    except (ValueError, ZeroDivisionError):
        factor = Fraction(0)
    if not 0 < factor <= 1000 or len(value) > 20:
        message = f"a width is a factor such as 0.5, from above 0 to 1000, and this is {value:.40}"
        raise CannotConvertError(message)
    return factor


def _ends(network: Planned) -> set[int]:
    """Layers whose channels are those of an output: what only passes them on is between."""
    ends: set[int] = set()
    waiting = [*network.outputs]
    while waiting:
        index = waiting.pop()
        if index in ends:
            continue
        ends.add(index)
        node = network.nodes[index]
        row = GIVEN.get(node.kind) or CATALOGUE[node.kind]
        if "mixes" not in row.facts and node.kind not in ("conv_transpose", "lstm", "gru"):
            waiting += node.inputs
    return ends


def _scaled(subject: Subject, name: str, factor: Fraction, multiple: int) -> Edit:
    """The edit of a layer whose field `name` counts its outputs."""

    def items(item: Item) -> tuple[Item, ...]:
        said = fields_of(subject.spec, item)[name]
        text = said.text if isinstance(said, ScalarNode) else str(said)
        return (item.replace(**{name: _times(text, factor, multiple)}),)

    return Edit(items)


def _times(text: str, factor: Fraction, multiple: int) -> int | str:
    """A number, or an expression, times a factor."""
    shown = str(factor.numerator) if factor.denominator == 1 else f"{float(factor):g}"
    if text.isdecimal():
        return rounded(int(text) * factor, multiple)
    inner = text if text.isidentifier() else f"({text})"
    if multiple > 1:
        return f"divisible({shown} * {inner}, {multiple})"
    return f"max(1, floor({shown} * {inner} + 0.5))"


def rounded(number: Fraction, multiple: int) -> int:
    """A number as `divisible` of specs rounds it, or to the next whole one.

    >>> rounded(Fraction(100), 8), rounded(Fraction(5, 2), 1)
    (104, 3)
    """
    if multiple == 1:
        return max(1, int(number + Fraction(1, 2)))
    made = max(multiple, int(number + multiple // 2) // multiple * multiple)
    return made + multiple if made < number * 9 / 10 else made
