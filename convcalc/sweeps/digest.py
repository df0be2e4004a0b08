"""Digests of networks, which those of pieces compose to.

Two designs with one digest give the same network: the same layers with the same fields in the same
order, which read the same ones and make tensors of the same shapes, and the same outputs. Names of
layers, and what a design was made of, are no part of it.

A layer is a map x → m·x + a of whole numbers modulo 2^64 with an odd m, where m and a are a hash of
what the layer is; the layers of a network one behind the other are such a map, too, which is the
digest: those of two stretches of layers make that of both, whatever stands around them.
"""

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

from convcalc.graph import LayerNode, Network
from convcalc.layers.base import Plan, declarations, field_value

MODULUS = 2**64
"""What both numbers are taken modulo: they are whole numbers of 64 bits without sign."""


class Digest(NamedTuple):
    """What a stretch of layers is, as a map x → times·x + plus modulo 2^64."""

    times: int = 1
    """The factor, an odd number."""
    plus: int = 0
    """What is added, a number of 64 bits."""

    def then(self, other: "Digest") -> "Digest":
        """The digest of this stretch with another one behind it.

        >>> one, two, three = Digest(3, 5), Digest(7, 11), Digest(13, 17)
        >>> one.then(two).then(three) == one.then(two.then(three))
        True
        """
        return Digest(
            self.times * other.times % MODULUS,
            (self.plus * other.times + other.plus) % MODULUS,
        )

    @property
    def hex(self) -> str:
        """Both numbers in 32 digits."""
        return _hex(self.times, self.plus)


def _hex(times: int, plus: int) -> str:
    return f"{times:016x}{plus:016x}"


def hex_of(digests: Any) -> list[str]:
    """Digests in 32 digits each, of an array of uint64 that has the two numbers of one a row."""
    return [_hex(times, plus) for times, plus in digests.tolist()]


@lru_cache(maxsize=65536)
def hashed(text: str) -> Digest:
    """The digest of a text."""
    data = blake2b(text.encode(), digest_size=16).digest()
    return Digest(int.from_bytes(data[:8], "big") | 1, int.from_bytes(data[8:], "big"))


def digest_of_layer(node: LayerNode, plan: Plan, index: int) -> Digest:
    """The digest of a layer of a network without errors, whose number is `index`.

    What it reads, and whose weights it uses, is counted backwards from it, so that a stretch of
    layers is alike wherever it stands.
    """
    layer = node.layer
    fields = (
        []
        if layer is None
        else [f"{name}={field_value(layer, name)!r}" for name in declarations(type(layer))]
    )
    reads = [index - read for read in node.inputs]
    shared = None if node.shared_with is None else index - node.shared_with
    said = (node.kind, fields, reads, shared, bool(node.frozen), tuple(plan.output))
    return hashed(repr(said))


def digest_of_outputs(back: Iterable[int]) -> Digest:
    """The digest of which layers' outputs are the network's, each counted back from behind all."""
    return hashed(f"outputs {tuple(back)!r}")


def digest_of(network: Network) -> Digest:
    """The digest of a network without errors."""
    digest = Digest()
    for index, (node, plan) in enumerate(zip(network.nodes, network.plans, strict=True)):
        if plan is not None:
            digest = digest.then(digest_of_layer(node, plan, index))
    count = len(network.nodes)
    return digest.then(digest_of_outputs(count - output for output in network.outputs))
