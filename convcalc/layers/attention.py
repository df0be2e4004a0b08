"""Multi-head attention: every position takes of all positions what is like what it looks for."""

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Annotated, Any, final

from convcalc.diagnostics import Problem
from convcalc.layers.arrays import example
from convcalc.layers.base import (
    INFERENCE,
    Arrays,
    Axes,
    Growth,
    Layer,
    Plan,
    Positions,
    Product,
    Run,
    Tiles,
    Weight,
    Weights,
    axes,
    flag,
    whole,
)
from convcalc.layers.cutting import check_cut
from convcalc.layers.relative import INDEX, TABLE, relative_index, relative_positions
from convcalc.layers.sliding import decimal, per_axis
from convcalc.layers.windows import Cut, cut
from convcalc.shape import Shape

if TYPE_CHECKING:
    from convcalc.layers.operations import Operation

CUTTING = ("relative_bias", "window", "grid", "shift")
"""Fields that are about the positions of one tensor."""


@final
class Attention(Layer):
    """Multi-head attention: each position is a mean over all, weighted by how alike they are.

    Shapes: unchanged; of a map, its positions are one row. Of branches, queries are made of the
    first, keys and values of the second (or values of a third), which may have another length and
    other channels: L×E, S×K → L×E. Parameters 4E² + 4E for E channels, 2E² + 2EK + 4E for K others;
    relative biases are (2H − 1)·(2W − 1)·h more, of windows of H×W, or of the whole map.
    A map that windows do not tile has zeros behind it, which no position is kept from seeing; a
    grid divides it.
    Source: Vaswani et al., arXiv:1706.03762, section 3.2; torch.nn.MultiheadAttention; Liu et al.,
    arXiv:2103.14030, section 3.2 (Swin's windows and biases); Tu et al., arXiv:2204.01697, section
    3.1 (MaxViT's grid).
    """

    inputs = "either"
    as_first = True

    heads: Annotated[int, whole("Number of heads h, each of C/h channels.", 1, letter="h")]
    bias: Annotated[bool, flag("Add learned numbers in all four projections.")] = True
    relative_bias: Annotated[
        bool, flag("Add to the scores a learned number for each head and relative position.")
    ] = False
    window: Annotated[
        Axes | None,
        axes("Positions of a window, within which alone they attend to each other.", letter="M"),
    ] = None
    shift: Annotated[
        Axes, axes("How far windows are moved; what wraps round attends to itself alone.", 0)
    ] = 0
    grid: Annotated[
        Axes | None,
        axes("Positions that attend to each other, evenly spaced over the map.", letter="G"),
    ] = None

    @property
    def cuts(self) -> bool:
        """Whether scores are of parts of a map, or have biases: then they are written out."""
        return self.relative_bias or self.window is not None or self.grid is not None

    def cut(self, x: Shape) -> Cut:
        """How a map is cut into what attends to itself alone."""
        window, shift, grid = (
            None if each is None else per_axis(each, x.rank)
            for each in (self.window, self.shift, self.grid)
        )
        return cut(x.spatial, window=window, shift=shift, grid=grid)

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
        if len(xs) > 1 and self.cuts:
            field = next(name for name in CUTTING if getattr(self, name))
            yield Problem(
                "CC302",
                f"{field} is about the positions of one tensor, and there are {len(xs)} branches",
                field,
                f"leave `{field}` out, or the branches",
            )
            return
        x = xs[0]
        yield from check_cut(x, self.window, self.shift, self.grid)
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

    def growth(self, rank: int) -> tuple[Growth, ...]:
        """As its input, of which a grid takes whole steps alone."""
        grid = per_axis(self.grid or 1, rank)
        return tuple(Growth(each, each, even=each > 1) for each in grid)

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """Projections at each position, and two products of all queries with all keys."""
        queries, keys, values = (xs[0], xs[min(1, len(xs) - 1)], xs[-1])
        width, length, others = queries.channels, prod(queries.spatial), prod(keys.spatial)
        table: tuple[Weight, ...] = ()
        positions: Positions = "lost"
        if self.cuts:  # zeros that fill windows are projected, too
            cut = self.cut(queries)
            length, others = prod(cut.whole), cut.length
            if self.relative_bias:
                table = (Weight(TABLE, (relative_positions(cut.inner), self.heads)),)
            if self.window is not None or self.grid is not None:
                positions = Tiles(cut.tiles())
        rows: tuple[Weight, ...]
        made: tuple[Product, ...]
        if queries.channels == keys.channels == values.channels:
            rows = (Weight("in_proj_weight", (3 * width, width)),)
            read = length if len(xs) == 1 else others
            made = (Product(width * width * (length + 2 * read), rows[0].name),)
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
        weights: tuple[Weight, ...] = (*table, *rows, out)
        if self.bias:
            summands = Weight("in_proj_bias", (3 * width,))
            weights = (*table, *rows, summands, out, Weight("out_proj.bias", (width,)))
        products = (
            *made,
            Product(length * others * width, min(1, len(xs) - 1)),
            Product(length * others * width, len(xs) - 1),
            Product(out.size * length, out.name),
        )
        return Plan(queries, weights, products, positions)

    def integers(self, xs: Sequence[Shape]) -> Mapping[str, tuple[int, ...]]:
        """Which row of the table is for which two positions."""
        return {INDEX: (self.cut(xs[0]).length ** 2,)} if self.relative_bias else {}

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """One operation, whose course docs/memory.md describes."""
        if self.cuts:
            from convcalc.layers.within import within

            return within(xs[0], plan, self.cut(xs[0]), self.heads)
        if len(xs) > 1:
            from convcalc.layers.crossing import crossing

            return crossing(xs, plan, self.heads)
        from convcalc.layers.courses import attending

        return attending(xs[0], plan, self.heads)

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """softmax(q·kᵀ/√d + b)·v in each head, then the out-projection.

        Source: torch.nn.MultiheadAttention; torchvision's shifted_window_attention.
        """
        if self.cuts:
            return self._within(xp, weights, xs[0], run)
        x = xs[0]
        queries, keys, values = map(self._heads, self._projected(weights, xs, run))
        count, _, length, depth = queries.shape
        scores = (queries / depth**0.5) @ keys.transpose(0, 1, 3, 2)
        shares, logarithms = softmax(xp, scores)
        run.keep("logarithms", logarithms)
        means = (shares @ values).transpose(0, 2, 1, 3).reshape(count, length, x.shape[1])
        y = self._out(weights, run.keep("means", means))
        return y.transpose(0, 2, 1).reshape(x.shape)

    def _within(self, xp: Any, weights: Weights, x: Any, run: Run) -> Any:
        """The same within each part of a map, and with biases of relative positions."""
        cut, width = self.cut(example(x)), x.shape[1]
        rows = cut.rows(xp, x)
        if cut.copied:
            rows = run.keep("tokens", rows)
        made = rows @ weights["in_proj_weight"].T
        if self.bias:
            made = made + weights["in_proj_bias"]
        queries, keys, values = (
            self._heads(made[:, :, first : first + width]) for first in range(0, 3 * width, width)
        )
        queries = run.keep("scaled queries", queries / (width // self.heads) ** 0.5)
        scores = queries @ run.keep("keys", keys).transpose(0, 1, 3, 2)
        if self.relative_bias:
            index = relative_index(xp, cut.inner)
            scores = scores + xp.take(weights[TABLE], index, axis=0).transpose(2, 0, 1)
        if cut.shifted:
            mask = cut.mask(xp, scores.dtype)[:, None]
            scores = (scores.reshape(-1, *mask.shape[:1], *scores.shape[1:]) + mask).reshape(
                scores.shape
            )
        shares = run.keep("softmax", softmax(xp, scores)[0])
        means = (shares @ run.keep("values", values)).transpose(0, 2, 1, 3).reshape(rows.shape)
        return cut.map(xp, self._out(weights, run.keep("means", means)))

    def _out(self, weights: Weights, means: Any) -> Any:
        """The out-projection of what the heads give."""
        y = means @ weights["out_proj.weight"].T
        return y + weights["out_proj.bias"] if self.bias else y

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


def softmax(xp: Any, scores: Any) -> tuple[Any, Any]:
    """Shares that add up to 1 along the last axis, and the logarithms of what they are parts of."""
    largest = scores.max(axis=3, keepdims=True)
    shares = xp.exp(scores - largest)
    total = shares.sum(axis=3, keepdims=True)
    return shares / total, largest + xp.log(total)
