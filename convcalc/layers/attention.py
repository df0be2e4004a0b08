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
    """Multi-head attention: each position is a mean over all, weighted by how alike they are.

    Shapes: unchanged; of a map, its positions are one row. Of branches, queries are made of the
    first, keys and values of the second (or values of a third), which may have another length and
    other channels: L×E, S×K → L×E. Parameters 4E² + 4E for E channels, 2E² + 2EK + 4E for K others.
    Source: Vaswani et al., arXiv:1706.03762, section 3.2; torch.nn.MultiheadAttention.
    """

    inputs = "either"
    as_first = True

    heads: Annotated[int, whole("Number of heads h, each of C/h channels.", 1, letter="h")]
    bias: Annotated[bool, flag("Add learned numbers in all four projections.")] = True

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """Positions, as many of values as of keys, and heads that divide the queries' channels."""
        if len(xs) > len("qkv"):
            yield Problem(
                "CC302",
                f"attention takes queries, keys and values, and has {len(xs)} branches",
                None,
                "write two branches, or three where values are another tensor's than keys",
            )
            return
        for number, x in enumerate(xs, 1):
            if not x.rank:
                what = "its input" if len(xs) == 1 else f"branch {number}"
                yield Problem(
                    "CC311",
                    f"attention is over positions, and {what} {x} is a vector, which has none",
                    None,
                    "leave out what makes one of its positions, or `reshape` it to length × "
                    "channels",
                    related=((number - 1, f"{what} ends here"),) if len(xs) > 1 else (),
                )
                return
        x = xs[0]
        if len(xs) > len("qk") and prod(xs[1].spatial) != prod(xs[2].spatial):
            yield Problem(
                "CC309",
                f"branch 2 is {xs[1]} and branch 3 is {xs[2]}: {prod(xs[1].spatial)} keys against "
                f"{prod(xs[2].spatial)} values",
                None,
                "make keys and values of as many positions",
                related=((1, "branch 2 ends here"), (2, "branch 3 ends here")),
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
        """Projections at each position, and two products of all queries with all keys."""
        queries, keys, values = (xs[0], xs[min(1, len(xs) - 1)], xs[-1])
        width, length, others = queries.channels, prod(queries.spatial), prod(keys.spatial)
        rows: tuple[Weight, ...]
        made: tuple[Product, ...]
        if queries.channels == keys.channels == values.channels:
            rows = (Weight("in_proj_weight", (3 * width, width)),)
            made = (Product(width * width * (length + 2 * others), rows[0].name),)
        else:
            rows = tuple(
                Weight(f"{name}_proj_weight", (width, x.channels))
                for name, x in zip("qkv", (queries, keys, values), strict=True)
            )
            made = tuple(
                Product(row.size * positions, row.name)
                for row, positions in zip(rows, (length, others, others), strict=True)
            )
        out = Weight("out_proj.weight", (width, width))
        weights: tuple[Weight, ...] = (*rows, out)
        if self.bias:
            summands = Weight("in_proj_bias", (3 * width,))
            weights = (*rows, summands, out, Weight("out_proj.bias", (width,)))
        products = (
            *made,
            Product(length * others * width, min(1, len(xs) - 1)),
            Product(length * others * width, len(xs) - 1),
            Product(out.size * length, out.name),
        )
        return Plan(queries, weights, products, positions="lost")

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """One operation, whose course docs/memory.md describes."""
        if len(xs) > 1:
            from convcalc.layers.crossing import crossing

            return crossing(xs, plan, self.heads)
        from convcalc.layers.courses import attending

        return attending(xs[0], plan, self.heads)

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """softmax(q·kᵀ/√d)·v in each head, then the out-projection.

        Source: torch.nn.MultiheadAttention.
        """
        x = xs[0]
        queries, keys, values = map(self._heads, self._projected(weights, xs, run))
        count, _, length, depth = queries.shape
        scores = (queries / depth**0.5) @ keys.transpose(0, 1, 3, 2)
        largest = scores.max(axis=3, keepdims=True)
        shares = xp.exp(scores - largest)
        total = shares.sum(axis=3, keepdims=True)
        run.keep("logarithms", largest + xp.log(total))
        shares = shares / total
        means = (shares @ values).transpose(0, 2, 1, 3).reshape(count, length, x.shape[1])
        means = run.keep("means", means)
        y = means @ weights["out_proj.weight"].T
        if self.bias:
            y = y + weights["out_proj.bias"]
        return y.transpose(0, 2, 1).reshape(x.shape)

    def _projected(self, weights: Weights, xs: Arrays, run: Run) -> tuple[Any, Any, Any]:
        """Queries, keys and values of all heads, each (N, positions, E)."""
        packed = "in_proj_weight" in weights
        width = xs[0].shape[1]

        def project(what: str, x: Any, of: str, first: int) -> Any:
            """Those that `of` names by their first letters; their rows begin with one of E."""
            rows = slice(first * width, (first + len(of)) * width)
            read = "tokens" if not first else f"tokens of {what}"
            weight = weights["in_proj_weight"][rows] if packed else weights[f"{of}_proj_weight"]
            made = run.keep(read, tokens(x)) @ weight.T
            if self.bias:
                made = made + weights["in_proj_bias"][rows]
            return run.keep(what, made)

        if len(xs) == 1:
            made = project("queries, keys and values", xs[0], "qkv", 0)
            return made[:, :, :width], made[:, :, width : 2 * width], made[:, :, 2 * width :]
        queries = project("queries", xs[0], "q", 0)
        if packed and len(xs) == len("qk"):
            made = project("keys and values", xs[1], "kv", 1)
            return queries, made[:, :, :width], made[:, :, width:]
        keys = project("keys", xs[1], "k", 1)
        return queries, keys, project("values", xs[-1], "v", 2)

    def _heads(self, rows: Any) -> Any:
        """(N, L, E) as (N, heads, L, E/heads)."""
        count, length, width = rows.shape
        return rows.reshape(count, length, self.heads, width // self.heads).transpose(0, 2, 1, 3)


def tokens(x: Any) -> Any:
    """Positions of a map (N, C, *spatial) as rows of its channels: (N, positions, C)."""
    return x.reshape(*x.shape[:2], -1).transpose(0, 2, 1)
