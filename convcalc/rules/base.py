"""What an advice rule is: one function, whose docstring is its page, found by its code."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from convcalc.diagnostics import Severity
from convcalc.rules.context import Context


class Advice(NamedTuple):
    """One finding of a rule, before it gets the rule's code."""

    layer: int | None
    """Index of the layer concerned; None for the network as a whole."""
    message: str
    """What is, with numbers."""
    help: str
    """What to do."""
    field: str | None = None
    """The layer's field at fault; of the whole network, a path in the spec: `blocks.stage`."""


Check = Callable[[Context], Iterator[Advice]]


class Rule(NamedTuple):
    """One advice rule."""

    code: str
    """Stable code, `CC401`."""
    name: str
    """What it finds, in words joined by `-`."""
    default: bool
    """Whether it is on unless selected otherwise."""
    severity: Severity
    """A warning for what is probably a mistake, a note for a matter of taste or budget."""
    check: Check

    @property
    def text(self) -> str:
        """Its page: a summary, why, and the flagged and the better spec."""
        return self.check.__doc__ or ""


REGISTRY: dict[str, Rule] = {}
"""The rules of the modules imported so far, by code."""


def rule(
    code: str, *, name: str, severity: Severity = "warning", default: bool = True
) -> Callable[[Check], Check]:
    """Register a function as the rule of a code."""

    def register(check: Check) -> Check:
        if code in REGISTRY:
            message = f"{code} is the code of {REGISTRY[code].name} and of {name}"
            raise ValueError(message)
        REGISTRY[code] = Rule(code, name, default, severity, check)
        return check

    return register
