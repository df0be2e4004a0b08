"""Expressions over one name as forms of it: what is linear in whole numbers, with its roundings."""

from convcalc.laws.forms import Form
from convcalc.spec.expressions import Expression
from convcalc.spec.made_of import steps


def linear(expression: Expression) -> Form | None:
    """A name times, plus and minus whole numbers, and rounded quotients; None for anything else.

    >>> from convcalc.spec.syntax import parse
    >>> linear(parse("2*size + 1"))
    Form(steps=((2, 1, 1),))
    """
    known = steps(expression)
    if known is None:
        return None
    form = Form()
    for step in known:
        form = form.then(*step)
    return form
