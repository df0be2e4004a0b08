"""What an advice rule is: a function from a network, or from a spec as it is written, to advice."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from convcalc.diagnostics import Fix
from convcalc.rules.context import Context
from convcalc.spec.tree import Spec


class Advice(NamedTuple):
    """One finding of a rule, before it gets the rule's code and severity."""

    layer: int | None
    """Index of the layer concerned; None for the network as a whole."""
    message: str
    """What is, with numbers."""
    help: str
    """What to do about it, without a full stop."""
    field: str | None = None
    """The layer's field at fault; of the whole network, a path in the spec: `blocks.stage`."""
    fix: Fix | None = None
    """What to do, where there is one thing to do, wherever the layer's item is built."""


Check = Callable[[Context], Iterator[Advice]]
"""The function `check` in the module of a rule about the network."""
SpecCheck = Callable[[Spec], Iterator[Advice]]
"""The same of a rule about the spec: what is written, whatever the layers are."""
