"""What values are made of: the names in them, and how an expression grows with the only one."""

from collections.abc import Mapping
from functools import reduce

from convcalc.spec.expressions import Binary, Constant, Expression, Name
from convcalc.spec.nodes import List, Map, Node, ScalarNode
from convcalc.spec.syntax import mentioned

UNREAD = frozenset(
    {
        *("name", "reference", "description", "year", "input", "expect", "budget", "presets"),
        *("sweep", "written", "origins"),
    }
)
"""Keys of a spec in which a parameter says nothing of a layer."""


def steps(expression: Expression) -> tuple[tuple[int, int, int], ...] | None:
    """Whole numbers q, b, p by which a name becomes ⌊(q·name + b)/p⌋, step by step.

    None for what is not one name times, plus and minus whole numbers, and rounded quotients.

    >>> from convcalc.spec.syntax import parse
    >>> steps(parse("(2*size + 1) // 3"))
    ((2, 0, 1), (1, 1, 1), (1, 0, 3))
    """
    if isinstance(expression, Name):
        return ()
    if not isinstance(expression, Binary):
        return None
    known = steps(expression.first)
    if known is None and isinstance(expression.first, Constant):
        symbol, second = expression.rest[0]
        first, known = expression.first.value, steps(second)
        if known is None or type(first) is not int or len(expression.rest) > 1 or first < 1:
            return None
        more = {"*": (first, 0, 1), "+": (1, first, 1)}.get(symbol)
        return None if more is None else (*known, more)
    for symbol, operand in expression.rest:
        value = operand.value if isinstance(operand, Constant) else None
        if known is None or type(value) is not int or value < 1:
            return None
        more = {
            "*": (value, 0, 1),
            "+": (1, value, 1),
            "-": (1, -value, 1),
            "//": (1, 0, value),
        }.get(symbol)
        known = None if more is None else (*known, more)
    return known


def names_in(node: Node | None) -> set[str]:
    """Every name in a value of the spec."""
    names: set[str] = set()
    waiting = [node]
    while waiting:
        here = waiting.pop()
        if isinstance(here, ScalarNode):
            names |= mentioned(here.text)
        elif isinstance(here, List):
            waiting.extend(here.items)
        elif isinstance(here, Map):
            waiting.extend(here.entries.values())
    return names


def read_by_layers(entries: Mapping[str, Node], name: str) -> set[str]:
    """The names in all that makes layers, in the values of other parameters, too."""
    names = reduce(
        set.union,
        (names_in(node) for key, node in entries.items() if key not in UNREAD),
        set[str](),
    )
    parameters = entries.get("parameters")
    if isinstance(parameters, Map) and name in parameters.entries:
        own = names_in(parameters.entries[name])
        return names | own
    return names
