"""How much of a network's parameters, MACs or memory its layers have, as colours and a legend."""

from collections.abc import Sequence
from typing import NamedTuple

from convcalc.arguments import one_of
from convcalc.graph import Network
from convcalc.layers import CATALOGUE, GIVEN
from convcalc.numbers import megabytes, scaled
from convcalc.pictures.words import parameters_of

SHADES = ("parameters", "macs", "memory", "kind")
"""What colours can say."""
LEVELS = (0.0, 0.01, 0.03, 0.10)
"""Shares of the whole above which a colour is the next one."""
BYTES = 4
"""Bytes of a value, in float32."""


class Shades(NamedTuple):
    """What colours say."""

    what: str
    """`parameters`, `macs`, `memory` or `kind`."""
    amounts: Sequence[int]
    """By layer, how much it has; nothing where an error keeps it unknown."""
    whole: int
    """The sum of all of them, in values, MACs or bytes."""

    def role(self, layers: Sequence[int]) -> str:
        """What a box looks like that stands for these layers."""
        amount = sum(self.amounts[index] for index in layers)
        share = amount / self.whole if self.whole else 0.0
        return f"heat {sum(share > level for level in LEVELS)}"


def shades_of(network: Network, what: str | None) -> Shades | None:
    """What colours say of a network, one of `SHADES`; None where they say kinds.

    Memory is what the weights and the output of a layer take in float32, for one example.
    """
    if what is None or one_of(what, "shade", SHADES) == "kind":
        return None
    amounts = []
    for node, plan in zip(network.nodes, network.plans, strict=True):
        if plan is None:
            amounts.append(0)
            continue
        own = sum(weight.size for weight in plan.weights) if node.shared_with is None else 0
        if what == "parameters":
            amounts.append(parameters_of(plan) if node.shared_with is None else 0)
        elif what == "macs":
            amounts.append(plan.macs)
        else:
            amounts.append(BYTES * (own + plan.output.size))
    return Shades(what, amounts, sum(amounts))


def family_of(kind: str) -> str:
    """The family of a kind of layer; of a word that is none, which an error is about, `block`."""
    known = GIVEN.get(kind) or CATALOGUE.get(kind)
    return "block" if known is None else known.family


def legend_of(
    network: Network, shades: Shades | None, indices: Sequence[int]
) -> list[tuple[str, str]]:
    """Roles with what they say, of the layers that are drawn."""
    if shades is None:
        families: dict[str, dict[str, None]] = {}
        for index in indices:
            kind = network.nodes[index].kind
            family = family_of(kind)
            families.setdefault(family, {})[kind.replace("_", " ")] = None
        return [(family, ", ".join(list(kinds)[:3])) for family, kinds in families.items()]
    said = {
        "parameters": f"of {scaled(shades.whole)} parameters",
        "macs": f"of {scaled(shades.whole)} MACs",
        "memory": f"of {megabytes(shades.whole)} for weights and outputs",
    }[shades.what]
    ends = [f"≤ {level:.0%}" for level in LEVELS[1:]]
    texts = ["none", *ends, f"> {LEVELS[-1]:.0%} {said}"]
    return [(f"heat {number}", text) for number, text in enumerate(texts)]
