"""Multi-head attention: every position takes of all positions what is like what it looks for."""

from collections.abc import Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING, Annotated, Any, final

from convcalc.diagnostics import Problem
from convcalc.layers.base import (
    INFERENCE,
    Arrays,
    Layer,
    Plan,
    Product,
    Run,
    Weight,
    Weights,
    flag,
    whole,
)
from convcalc.layers.sliding import decimal
from convcalc.shape import Shape

if TYPE_CHECKING:
    from convcalc.layers.operations import Operation


@final
class Attention(Layer):
    """Multi-head self-attention: each position is a mean over all, weighted by how alike they are.

    Shapes: unchanged; of a map, its positions are one row. Parameters 4E² + 4E for E channels.
    Source: Vaswani et al., arXiv:1706.03762, section 3.2; torch.nn.MultiheadAttention.
    """

    heads: Annotated[int, whole("Number of heads h, each of C/h channels.", 1, letter="h")]
    bias: Annotated[bool, flag("Add learned numbers in all four projections.")] = True

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """Positions, and heads that divide the channels."""
        x = xs[0]
        if not x.rank:
            yield Problem(
                "CC311",
                f"attention is over positions, and its input {x} is a vector, which has none",
                None,
                "leave out what makes one of its positions, or `reshape` it to length × channels",
            )
        elif x.channels % self.heads:
            yield Problem(
                "CC305",
                f"{self.heads} heads do not divide the {x.channels} channels: "
                f"{x.channels}/{self.heads} = {decimal(x.channels, self.heads)}",
                "heads",
                f"use a divisor of {x.channels}",
            )

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """Four projections at each position, and two products of all positions with all."""
        x = xs[0]
        width, length = x.channels, prod(x.spatial)
        rows = Weight("in_proj_weight", (3 * width, width))
        out = Weight("out_proj.weight", (width, width))
        weights: tuple[Weight, ...] = (rows, out)
        if self.bias:
            summands = Weight("in_proj_bias", (3 * width,))
            weights = (rows, summands, out, Weight("out_proj.bias", (width,)))
        products = (
            Product(rows.size * length, rows.name),
            Product(length * length * width, 0),
            Product(length * length * width, 0),
            Product(out.size * length, out.name),
        )
        return Plan(x, weights, products, positions="lost")

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """One operation, whose course docs/memory.md describes."""
        from convcalc.layers.courses import attending

        return attending(xs[0], plan, self.heads)

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """softmax(q·kᵀ/√d)·v in each head, then the out-projection.

        Source: torch.nn.MultiheadAttention.
        """
        x = xs[0]
        count, width = x.shape[:2]
        tokens = run.keep("tokens", x.reshape(count, width, -1).transpose(0, 2, 1))
        length, depth = tokens.shape[1], width // self.heads
        rows = tokens @ weights["in_proj_weight"].T
        if self.bias:
            rows = rows + weights["in_proj_bias"]
        rows = run.keep("queries, keys and values", rows)
        heads = rows.reshape(count, length, 3, self.heads, depth).transpose(2, 0, 3, 1, 4)
        queries, keys, values = heads
        scores = (queries / depth**0.5) @ keys.transpose(0, 1, 3, 2)
        largest = scores.max(axis=3, keepdims=True)
        shares = xp.exp(scores - largest)
        total = shares.sum(axis=3, keepdims=True)
        run.keep("logarithms", largest + xp.log(total))
        shares = shares / total
        means = (shares @ values).transpose(0, 2, 1, 3).reshape(count, length, width)
        means = run.keep("means", means)
        y = means @ weights["out_proj.weight"].T
        if self.bias:
            y = y + weights["out_proj.bias"]
        return y.transpose(0, 2, 1).reshape(x.shape)
