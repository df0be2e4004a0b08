"""Advice on networks whose shapes work out, one file a rule; and the table of every code.

A rule is the module named after its code and name, `cc401_odd_size_halved.py`. Its function `check`
yields what it finds with the index of the layer concerned, or None for the network as a whole; then
the field is the path of a top-level entry, as `input`, `parameters.width` or
`blocks.stage.parameters.filters`. Rules never learn where anything was written. A rule about the
spec gets its tree in the place of the context.

    '''CC4xx: what is found.'''

    def check(context: Context) -> Iterator[Advice]:
        '''The layers that it is found at.'''
        for index in context.of("conv"):
            yield Advice(index, "what is, with numbers", "what to do", "field")

What is said of a code stands in `pages/CC4xx.md`, and its severity and name in `CODES`. A module is
imported when its rule first runs, and a page is read when it is shown.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from convcalc.diagnostics import Problem, Severity

if TYPE_CHECKING:
    from convcalc.graph import Network
    from convcalc.rules.base import Advice, Check, SpecCheck

__all__ = ["CODES", "RULES", "Code", "advice", "rule_check"]


class Code(NamedTuple):
    """What is known of a code without its page."""

    severity: Severity
    """Of advice, a warning for what is probably a mistake, a note for a matter of taste or budget;
    of other codes, a warning where the spec stays valid."""
    name: str = ""
    """What an advice rule finds, in words joined by `-`; other codes have none."""
    default: bool = True
    """Whether it is reported unless selected otherwise."""
    about: Literal["network", "spec"] = "network"
    """What an advice rule goes through: the layers, or what is written."""


CODES: Mapping[str, Code] = MappingProxyType(
    {
        "CC100": Code("error"),
        "CC101": Code("error"),
        "CC102": Code("error"),
        "CC103": Code("error"),
        "CC104": Code("error"),
        "CC105": Code("error"),
        "CC106": Code("error"),
        "CC107": Code("error"),
        "CC108": Code("error"),
        "CC109": Code("error"),
        "CC110": Code("error"),
        "CC111": Code("error"),
        "CC112": Code("error"),
        "CC113": Code("error"),
        "CC114": Code("error"),
        "CC115": Code("error"),
        "CC116": Code("error"),  # a warning of an empty list and of `frozen` in vain
        "CC117": Code("error"),  # a note where a block is called like a kind
        "CC118": Code("error"),
        "CC119": Code("warning"),
        "CC120": Code("error"),
        "CC201": Code("error"),
        "CC202": Code("error"),
        "CC203": Code("error"),
        "CC301": Code("error"),
        "CC302": Code("error"),
        "CC303": Code("error"),
        "CC304": Code("error"),
        "CC305": Code("error"),
        "CC306": Code("warning"),
        "CC307": Code("error"),
        "CC308": Code("error"),
        "CC309": Code("error"),
        "CC310": Code("error"),
        "CC311": Code("error"),
        "CC312": Code("error"),
        "CC313": Code("error"),
        "CC314": Code("error"),
        "CC401": Code("warning", "odd-size-halved"),
        "CC402": Code("note", "large-filter"),
        "CC403": Code("note", "size-changing-padding"),
        "CC404": Code("note", "large-pool"),
        "CC405": Code("warning", "unread-pixels"),
        "CC406": Code("note", "stack-is-cheaper"),
        "CC407": Code("warning", "no-nonlinearity"),
        "CC408": Code("warning", "bias-before-norm"),
        "CC409": Code("warning", "norm-after-dropout"),
        "CC410": Code("warning", "softmax-inside"),
        "CC411": Code("warning", "dropout-at-the-end"),
        "CC412": Code("warning", "one-channel-bottleneck"),
        "CC413": Code("note", "heavy-linear"),
        "CC414": Code("note", "channels-for-tensor-cores", default=False),
        "CC415": Code("note", "field-smaller-than-image"),
        "CC416": Code("note", "unproductive-layers"),
        "CC417": Code("warning", "dilation-grid"),
        "CC418": Code("warning", "checkerboard"),
        "CC419": Code("warning", "misaligned-merge"),
        "CC420": Code("warning", "unused-tensor"),
        "CC421": Code("warning", "identity-layer"),
        "CC422": Code("warning", "unused-parameter", about="spec"),
        "CC423": Code("warning", "unused-block", about="spec"),
        "CC424": Code("warning", "overlapping-unpooling"),
        "CC501": Code("error"),
        "CC502": Code("error"),
        "CC503": Code("error"),
        "CC504": Code("error"),
        "CC505": Code("error"),
        "CC506": Code("error"),
        "CC511": Code("error"),
        "CC512": Code("error"),
        "CC513": Code("error"),
        "CC514": Code("error"),
        "CC515": Code("error"),  # a warning where nothing is held against it
        "CC601": Code("error"),
        "CC602": Code("warning"),
        "CC603": Code("error"),
        "CC604": Code("note"),  # an error where memory is asked for
        "CC901": Code("warning"),
        "CC902": Code("warning"),
        "CC903": Code("warning"),
    }
)
"""Code → what is known of it; each has the page `pages/CODE.md`."""

RULES: Mapping[str, Code] = MappingProxyType({code: row for code, row in CODES.items() if row.name})
"""The codes that are advice; each has a module with `check`."""


def rule_module(code: str) -> str:
    """The module of an advice rule.

    >>> rule_module("CC401")
    'convcalc.rules.cc401_odd_size_halved'
    """
    return f"{__name__}.{code}_{RULES[code].name}".lower().replace("-", "_")


@cache
def rule_check(code: str) -> "Check | SpecCheck":
    """The function of an advice rule; `KeyError` where there is no such rule."""
    check: Check | SpecCheck = import_module(rule_module(code)).check
    return check


def advice(
    network: "Network", codes: Collection[str] | None = None
) -> Iterator[tuple[int | None, Problem]]:
    """What the rules with `codes`, by default all that are on, find doubtful about a network.

    Layers that an error keeps unknown are passed over, and nothing is said about a whole network
    with errors.
    """
    from convcalc.rules.context import Context

    about = {"network": Context(network), "spec": network.written and network.written.spec}
    for code, row in RULES.items():
        if row.default if codes is None else code in codes:
            check: Callable[[Any], Iterator[Advice]] = rule_check(code)
            subject = about[row.about]
            for index, message, help_, field, fix in check(subject) if subject else ():
                yield index, Problem(code, message, field, help_, row.severity, fix=fix)
