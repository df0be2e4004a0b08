"""Expressions over one name as forms of it: what is linear in whole numbers, with its roundings."""

from convcalc.laws.forms import IDENTITY, Form
from convcalc.spec.expressions import Binary, Constant, Expression, Name
from convcalc.spec.nodes import List, Map, Node, ScalarNode
from convcalc.spec.syntax import mentioned


def linear(expression: Expression) -> Form | None:
    """A name times, plus and minus whole numbers, and rounded quotients; None for anything else.

    >>> from convcalc.spec.syntax import parse
    >>> linear(parse("2*size + 1"))
    Form(steps=((2, 1, 1),))
    """
    if isinstance(expression, Name):
        return IDENTITY
    if not isinstance(expression, Binary):
        return None
    form = linear(expression.first)
    if form is None and isinstance(expression.first, Constant):
        symbol, second = expression.rest[0]
        first = expression.first.value
        form = linear(second)
        if form is None or type(first) is not int or len(expression.rest) > 1 or first < 1:
            return None
        return {"*": form.then(first, 0, 1), "+": form.then(1, first, 1)}.get(symbol)
    for symbol, operand in expression.rest:
        value = operand.value if isinstance(operand, Constant) else None
        if form is None or type(value) is not int or value < 1:
            return None
        steps = {"*": (value, 0, 1), "+": (1, value, 1), "-": (1, -value, 1), "//": (1, 0, value)}
        form = form.then(*steps[symbol]) if symbol in steps else None
    return form


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
