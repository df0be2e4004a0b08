"""Multi-head attention: every position takes of all positions what is like what it looks for."""

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, final

from convcalc.diagnostics import Problem
from convcalc.layers.arrays import example
from convcalc.layers.base import (
    INFERENCE,
    Arrays,
    Axes,
    Gradients,
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
    from convcalc.layers.kept import Kept
    from convcalc.layers.operations import Operation

CUTTING = ("relative_bias", "window", "grid", "shift")
"""Fields that are about the positions of one tensor."""


class Projection(NamedTuple):
    """Rows that one product makes of the positions of an input."""

    name: str
    """What they are; they are kept under it."""
    read: int
    """The number of the input."""
    of: str
    """The first letters of what they are: queries, keys, values, or several of them."""

    @property
    def tokens(self) -> str:
        """What the positions are kept under, each a row."""
        return "tokens" if self.of[0] == "q" else f"tokens of {self.name}"

    def rows(self, width: int) -> slice:
        """Which rows of the weights of all projections, of `width` each, are its own."""
        first = "qkv".index(self.of[0])
        return slice(first * width, (first + len(self.of)) * width)

    def weight(self, weights: Weights, width: int) -> Any:
        """Its own weights."""
        if "in_proj_weight" in weights:
            return weights["in_proj_weight"][self.rows(width)]
        return weights[f"{self.of}_proj_weight"]


OF_ONE = Projection("queries, keys and values", 0, "qkv")
"""How all are made where there is one input."""


def projections(weights: Weights, inputs: int) -> tuple[Projection, ...]:
    """How queries, keys and values are made of so many inputs: together where they can be."""
    if inputs == 1:
        return (OF_ONE,)
    queries = Projection("queries", 0, "q")
    if "in_proj_weight" in weights and inputs == len("qk"):
        return queries, Projection("keys and values", 1, "kv")
    return queries, Projection("keys", 1, "k"), Projection("values", inputs - 1, "v")


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
        read = ((queries, length, 0), (keys, others, min(1, len(xs) - 1)), (values, others, -1))
        packed = queries.channels == keys.channels == values.channels
        rows: tuple[Weight, ...] = (Weight("in_proj_weight", (3 * width, width)),)
        if not packed:
            rows = tuple(
                Weight(f"{name}_proj_weight", (width, x.channels))
                for name, (x, _, _) in zip("qkv", read, strict=True)
            )
        made: tuple[Product, ...] = (Product(width * width * 3 * length, "in_proj_weight"),)
        if len(xs) > 1:
            made = tuple(
                Product(width * x.channels * positions, row.name, of % len(xs))
                for row, (x, positions, of) in zip(rows * 3 if packed else rows, read, strict=True)
            )
        out = Weight("out_proj.weight", (width, width))
        weights: tuple[Weight, ...] = (*table, *rows, out)
        if self.bias:
            summands = Weight("in_proj_bias", (3 * width,))
            weights = (*table, *rows, summands, out, Weight("out_proj.bias", (width,)))
        products = (
            *made,
            Product(length * others * width, min(1, len(xs) - 1), None),
            Product(length * others * width, len(xs) - 1, None),
            Product(out.size * length, out.name, None),
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
        scores = (queries / queries.shape[3] ** 0.5) @ keys.transpose(0, 1, 3, 2)
        shares, logarithms = softmax(xp, scores)
        run.keep("logarithms", logarithms)
        y = self._out(weights, run.keep("means", self._rows(shares @ values)))
        return y.transpose(0, 2, 1).reshape(x.shape)

    def _within(self, xp: Any, weights: Weights, x: Any, run: Run) -> Any:
        """The same within each part of a map, and with biases of relative positions."""
        cut, width = self.cut(example(x)), x.shape[1]
        rows = cut.rows(xp, x)
        if cut.copied:
            rows = _held(run, "tokens", rows)
        made = rows @ weights["in_proj_weight"].T
        if self.bias:
            made = made + weights["in_proj_bias"]
        queries, keys, values = map(self._heads, split(made, width))
        queries = run.keep("scaled queries", queries / (width // self.heads) ** 0.5)
        if len(rows) > 1:  # of one part they are seen, and not copied
            keys, values = _held(run, "keys", keys), _held(run, "values", values)
        else:
            run.keep(OF_ONE.name, made)
        scores = queries @ keys.transpose(0, 1, 3, 2)
        if self.relative_bias:
            index = relative_index(xp, cut.inner)
            scores = scores + xp.take(weights[TABLE], index, axis=0).transpose(2, 0, 1)
        if cut.shifted:
            mask = cut.mask(xp, scores.dtype)[:, None]
            scores = (scores.reshape(-1, *mask.shape[:1], *scores.shape[1:]) + mask).reshape(
                scores.shape
            )
        shares = run.keep("softmax", softmax(xp, scores)[0])
        means = self._rows(shares @ values)
        return cut.map(xp, self._out(weights, run.keep("means", means)))

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """Back through the out-projection, the means, the shares, the scores, the projections."""
        if self.cuts:
            return self._within_back(xp, weights, kept, dy)
        parts = projections(weights, len(kept.shapes))
        width = kept.shapes[0].channels
        made = [rows for part in parts for rows in split(kept[part.name], width)]
        queries, keys, values = map(self._heads, made)
        queries = queries / queries.shape[3] ** 0.5
        scores = kept.again(lambda: queries @ keys.transpose(0, 1, 3, 2))
        shares = xp.exp(scores - kept["logarithms"])
        means, gradients = self._out_back(weights, kept, tokens(dy))
        back_scores, back_values = shares_back(shares, values, means)
        backs = [*self._scores_back(back_scores, queries, keys), self._rows(back_values)]
        for part in parts:
            back = xp.concatenate([backs["qkv".index(letter)] for letter in part.of], axis=2)
            projected_back(xp, weights, kept, part, _read(kept, part), back, gradients)
            if kept.asks(part.read):
                shape = kept.shapes[part.read]
                dx = (back @ part.weight(weights, width)).transpose(0, 2, 1)
                dx = dx.reshape(-1, *shape.axes)
                before = gradients.get(part.read)
                gradients[part.read] = dx if before is None else before + dx
        return gradients

    def _within_back(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """The same within each part of a map; a bias has the sum of all scores it is added to."""
        cut = self.cut(kept.shapes[0])
        means, gradients = self._out_back(weights, kept, cut.rows(xp, dy))
        if "values" in kept:
            keys, values = kept["keys"], kept["values"]
        else:
            _, keys, values = map(self._heads, split(kept[OF_ONE.name], kept.shapes[0].channels))
        scores, back_values = shares_back(kept["softmax"], values, means)
        if kept.asks(TABLE):
            table = xp.zeros_like(weights[TABLE])
            index = relative_index(xp, cut.inner)
            xp.add.at(table, index, scores.sum(axis=0).transpose(1, 2, 0))
            gradients[TABLE] = table
        backs = self._scores_back(scores, kept["scaled queries"], keys)
        back = xp.concatenate([*backs, self._rows(back_values)], axis=2)
        rows = kept["tokens"] if cut.copied else cut.rows(xp, kept["input"])
        projected_back(xp, weights, kept, OF_ONE, rows, back, gradients)
        if kept.asks(0):
            gradients[0] = cut.map(xp, back @ weights["in_proj_weight"])
        return gradients

    def _out_back(self, weights: Weights, kept: "Kept", rows: Any) -> tuple[Any, Gradients]:
        """Gradients of what the heads give, (N, heads, L, E/heads), and of the out-projection."""
        gradients: Gradients = {}
        if kept.asks("out_proj.weight"):
            gradients["out_proj.weight"] = over_rows(rows, kept["means"])
        if kept.asks("out_proj.bias"):
            gradients["out_proj.bias"] = rows.sum(axis=(0, 1))
        return self._heads(rows @ weights["out_proj.weight"]), gradients

    def _scores_back(self, scores: Any, queries: Any, keys: Any) -> tuple[Any, Any]:
        """Gradients of queries, before they were scaled, and of keys: (N, L, E)."""
        of_queries = scores @ keys / queries.shape[3] ** 0.5
        return self._rows(of_queries), self._rows(scores.transpose(0, 1, 3, 2) @ queries)

    def _out(self, weights: Weights, means: Any) -> Any:
        """The out-projection of what the heads give."""
        y = means @ weights["out_proj.weight"].T
        return y + weights["out_proj.bias"] if self.bias else y

    def _projected(self, weights: Weights, xs: Arrays, run: Run) -> list[Any]:
        """Queries, keys and values of all heads, each (N, positions, E)."""
        width = xs[0].shape[1]
        made: list[Any] = []
        for part in projections(weights, len(xs)):
            read = tokens(xs[part.read])
            if len(read) > 1:  # of one example they are seen, and not copied
                read = _held(run, part.tokens, read)
            rows = read @ part.weight(weights, width).T
            if self.bias:
                rows = rows + weights["in_proj_bias"][part.rows(width)]
            made += split(run.keep(part.name, rows), width)
        return made

    def _heads(self, rows: Any) -> Any:
        """(N, L, E) as (N, heads, L, E/heads)."""
        count, length, width = rows.shape
        return rows.reshape(count, length, self.heads, width // self.heads).transpose(0, 2, 1, 3)

    def _rows(self, heads: Any) -> Any:
        """(N, heads, L, E/heads) as (N, L, E)."""
        count, _, length, depth = heads.shape
        return heads.transpose(0, 2, 1, 3).reshape(count, length, self.heads * depth)


def _held(run: Run, name: str, view: Any) -> Any:
    """What training keeps as an array of its own, as PyTorch does, and inference needs no copy of.

    A view would keep all that it is of.
    """
    return run.keep(name, view.copy()) if run.training else view


def _read(kept: "Kept", part: Projection) -> Any:
    """The rows that a projection is of: an array of their own, or seen in the input."""
    if part.tokens in kept:
        return kept[part.tokens]
    return tokens(kept["input" if len(kept.shapes) == 1 else f"input {part.read + 1}"])


def tokens(x: Any) -> Any:
    """Positions of a map (N, C, *spatial) as rows of its channels: (N, positions, C)."""
    return x.reshape(*x.shape[:2], -1).transpose(0, 2, 1)


def split(rows: Any, width: int) -> list[Any]:
    """Rows of several projections, of `width` values each, one by one."""
    return [rows[:, :, first : first + width] for first in range(0, rows.shape[2], width)]


def over_rows(rows: Any, others: Any) -> Any:
    """The sum over all rows, (N, positions, values), of each value times each of others'."""
    return (rows.transpose(0, 2, 1) @ others).sum(axis=0)


def softmax(xp: Any, scores: Any) -> tuple[Any, Any]:
    """Shares that add up to 1 along the last axis, and the logarithms of what they are parts of."""
    largest = scores.max(axis=3, keepdims=True)
    shares = xp.exp(scores - largest)
    total = shares.sum(axis=3, keepdims=True)
    return shares / total, largest + xp.log(total)


def shares_back(shares: Any, values: Any, means: Any) -> tuple[Any, Any]:
    """Gradients of scores and of values, of those of the means that these shares make of them."""
    back = means @ values.transpose(0, 1, 3, 2)
    scores = shares * (back - (back * shares).sum(axis=3, keepdims=True))
    return scores, shares.transpose(0, 1, 3, 2) @ means


def projected_back(
    xp: Any,
    weights: Weights,
    kept: "Kept",
    part: Projection,
    read: Any,
    back: Any,
    gradients: Gradients,
) -> None:
    """Put a projection's weights, and its summands, into the gradients.

    `read` are the rows that it is of, and `back` is the gradient of those that it makes; where
    projections share an array, each has rows of it.
    """
    rows = part.rows(kept.shapes[0].channels)
    for name in ("in_proj_weight", "in_proj_bias"):
        if kept.asks(name) and name not in gradients:
            gradients[name] = xp.zeros_like(weights[name])
    if kept.asks("in_proj_weight"):
        gradients["in_proj_weight"][rows] = over_rows(back, read)
    if kept.asks("in_proj_bias"):
        gradients["in_proj_bias"][rows] = back.sum(axis=(0, 1))
    if kept.asks(f"{part.of}_proj_weight"):
        gradients[f"{part.of}_proj_weight"] = over_rows(back, read)
