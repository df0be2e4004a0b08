"""What attention within parts of a map takes on its way, and what biases of its scores do.

It goes as torchvision's shifted_window_attention does, step by step; along a grid, or over the
whole map, there is no padding. Imported only when memory is asked for.
"""

from math import prod

from convcalc.layers.base import Plan
from convcalc.layers.operations import Array, Course, Layout, Move, Operation, learned
from convcalc.layers.relative import TABLE
from convcalc.layers.windows import Cut
from convcalc.shape import Shape


def within(x: Shape, plan: Plan, cut: Cut, heads: int) -> tuple[Operation, ...]:
    """One operation, for one part in all and for several."""
    several = _made(x, plan, cut, heads, several=True)
    if cut.parts > 1:
        return (several,)
    return (several._replace(alone=_made(x, plan, cut, heads, several=False)),)


def _made(x: Shape, plan: Plan, cut: Cut, heads: int, *, several: bool) -> Operation:
    turned: Layout = "channels_last" if x.rank > 1 else "turned"
    wide = 1 < prod(x.spatial) < x.size
    size = _Sizes(x, plan, cut, heads, several=several)
    return Operation(
        x.size,
        keeps="nothing" if cut.copied else "input",
        extra=size.kept(),
        learns=learned(plan),
        precision="low",
        layout=turned if wide else "both",
        course=Course(size.forward(training=True), size.forward(training=False), size.backward()),
    )


class _Sizes:
    """How many values there are of what, of one example, and in what order they come and go."""

    def __init__(self, x: Shape, plan: Plan, cut: Cut, heads: int, *, several: bool) -> None:
        self.cut, self.several = cut, several
        self.map = x.size
        self.tokens = x.channels * prod(cut.whole)
        self.scores = cut.parts * heads * cut.length**2
        names = {weight.name: weight for weight in plan.weights}
        self.bias = "in_proj_bias" in names
        self.table = names[TABLE].size if TABLE in names else 0
        self.relative = heads * cut.length**2
        self.padded = [
            axis
            for axis, (size, whole) in enumerate(zip(cut.sizes, cut.whole, strict=True))
            if size < whole
        ]
        self.channels = x.channels

    def kept(self) -> tuple[Array, ...]:
        """The arrays that training keeps; several parts copy what two products read."""
        n = self.tokens
        arrays = [Array("tokens", n)] if self.cut.copied else []
        arrays.append(Array("scaled queries", n))
        if self.several:
            arrays += [Array("keys", n), Array("values", n)]
        else:
            arrays.append(Array("queries, keys and values", 3 * n))
        arrays += [Array("softmax", self.scores), Array("means", n)]
        return tuple(each._replace(when="training") for each in arrays)

    def forward(self, *, training: bool) -> tuple[Move, ...]:
        """What is taken and given back; what is left is the output and what is kept."""
        n, s, cut = self.tokens, self.scores, self.cut
        moves: list[Move] = []
        if cut.by == "window":
            moves.append(n)
        moves += [n, -n] * cut.shifted
        if cut.moved:
            moves += [n] if cut.by != "window" else [n, -n]
        moves += [3 * n, n]  # in-projection, scaled queries
        if self.several:
            moves += [n, n, s] + [-n, -n] * (not training)
        else:
            moves.append(s)
        if self.table:
            moves += [f"once {self.relative}", f"once {self.relative}", f"once {-self.relative}"]
            moves += [s, -s]
        if cut.shifted:
            moves += [*self._mask(), s, -s]
        moves += [s, -s]  # softmax
        moves += [n, n] + [-n] * (not training) if self.several else [n]
        moves += [n, -n]  # means, as the out-projection reads them
        if cut.copied and not training:
            moves.append(-n)
        moves += [n] + [-n] * (not training)
        moves += [n, -n] * cut.moved
        moves += [n, -n] * cut.shifted
        if self.padded:
            moves += [self.map, -n]
        gone: list[Move] = []
        if self.several or not training:
            gone += [-n, -3 * n]
        if not training:
            gone.append(-s)
        if self.table:
            gone.append(f"once {-self.relative}")
        if cut.shifted:
            gone.append(f"once {-self._masked()}")
        return (*moves, *gone)

    def _masked(self) -> int:
        return self.cut.parts * self.cut.length**2

    def _mask(self) -> list[Move]:
        """How the mask is made, of which one array is left; truth values have a byte each."""
        whole, m = prod(self.cut.whole), self._masked()
        moves: list[Move] = [f"once {whole}"]
        if self.cut.moved:
            moves += [f"once {whole}", f"once {-whole}"]
        moves += [f"once {m}", f"once {-whole}", f"bytes {m}", f"once {m}", f"bytes {-m}"]
        return [*moves, f"bytes {m}", f"once {m}", f"once {-m}", f"bytes {-m}", f"once {-m}"]

    def backward(self) -> tuple[Move, ...]:
        """The backward pass."""
        n, s, cut = self.tokens, self.scores, self.cut
        moves: list[Move] = []
        whole = self._given()
        moves += whole
        moves += [n, "weight out_proj.weight", *["weight out_proj.bias"] * self.bias]
        moves += [-n] if whole else ["incoming"]
        moves.append("kept means")
        moves += [n, -n] * self.several
        moves += [n, s, -n] + ["kept values"] * self.several
        moves += [s, -s, "kept softmax"]
        if self.table:
            summed = [f"once {self.relative}"] * self.several
            moves += [*summed, f"once {self.table}", f"weight {TABLE}", f"once {-self.table}"]
            moves += [f"once {-self.relative}"] * self.several
        moves += [n, n, -s]
        if self.several:
            moves += ["kept scaled queries", "kept keys"]
        else:
            moves += ["kept queries, keys and values", "kept scaled queries"]
        moves += [n, -n, 3 * n, -n, 3 * n, -n, -3 * n, 3 * n, -n, -3 * n, 3 * n, -3 * n]
        ends: list[Move] = ["weight in_proj_weight", *["weight in_proj_bias"] * self.bias]
        if not cut.copied:
            return (*moves, "gradient 0", *ends, -3 * n)
        moves += [f"asked {n}", *ends, -3 * n, "kept tokens"]
        if cut.by == "window":
            moves += [f"asked {n}", f"asked {-n}"] * (cut.moved + cut.shifted)
        return (*moves, "gradient 0", f"asked {-n}")

    def _given(self) -> list[Move]:
        """How the output's gradient becomes one of all parts, which are put in order."""
        n, cut = self.tokens, self.cut
        moves: list[Move] = []
        before: Move = "incoming"
        sizes = list(cut.sizes)
        for axis in reversed(self.padded):
            sizes[axis] = cut.whole[axis]
            made = self.channels * prod(sizes)
            moves += [made, before]
            before = -made
        for _ in range(cut.shifted + cut.moved):
            moves += [n, before]
            before = -n
        return moves
