"""Advice on networks whose shapes work out; one function a rule, and its docstring is its page.

A rule yields what it finds with the index of the layer concerned, or None for the network as a
whole; then the problem's field is the path of a top-level entry, as `input`, `parameters.width` or
`blocks.stage.parameters.filters`. Rules never learn where anything was written.

    @rule("CC4xx", name="what-it-finds")
    def what_it_finds(context: Context) -> Iterator[Advice]:
        '''One sentence that says what is found.

        Why, with a source; why it is a warning (probably a mistake) or a note (a matter of taste
        or budget); then `Flagged:` and `Instead:`, each with a spec that the tests run.
        '''

`RULES` has all of them, by code; it and the rules' modules are loaded when first asked for.
"""

from collections.abc import Collection, Iterator
from importlib import import_module
from typing import TYPE_CHECKING

from convcalc.diagnostics import Problem

if TYPE_CHECKING:
    from convcalc.graph import Network
    from convcalc.rules.base import Rule

    RULES: dict[str, Rule]

__all__ = ["RULES", "advice"]

MODULES = ("geometry", "order", "cost", "receptive", "structure")
"""The files of rules, by theme."""


def __getattr__(name: str) -> object:
    """Load the rules when they are first asked for."""
    if name != "RULES":
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from convcalc.rules.base import REGISTRY

    for module in MODULES:
        import_module(f"convcalc.rules.{module}")
    found = dict(sorted(REGISTRY.items()))
    globals()["RULES"] = found
    return found


def advice(
    network: "Network", codes: Collection[str] | None = None
) -> Iterator[tuple[int | None, Problem]]:
    """What the rules with `codes`, by default all that are on, find doubtful about a network.

    Layers that an error keeps unknown are passed over, and nothing is said about a whole network
    with errors.
    """
    from convcalc import rules
    from convcalc.rules.context import Context

    context = Context(network)
    for code, found in rules.RULES.items():
        if found.default if codes is None else code in codes:
            for index, message, help_, field in found.check(context):
                yield index, Problem(code, message, field, help_, found.severity)
