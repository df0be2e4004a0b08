"""What attention to another tensor takes on its way, step by step, as PyTorch does it.

Imported only when memory is asked for; docs/memory.md has where each number comes from.
"""

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from convcalc.layers.base import Plan
from convcalc.layers.operations import Array, Course, Layout, Move, Operation, learned
from convcalc.shape import Shape


class Projected(NamedTuple):
    """Rows that one product makes of the positions of an input: of keys and values at once, say."""

    name: str
    """What they are; the array that is kept is called so."""
    read: int
    """The number of the input."""
    tokens: int
    """Values of that input."""
    size: int
    """Values of what is made of it."""
    weight: str
    """The name of the weights that it is multiplied by; "" where they are a part of others."""
    weights: int
    """How many values these have."""

    @property
    def read_as(self) -> str:
        """What a copy of the input is called, in which positions stand one behind the other."""
        return f"tokens of {self.name}" if self.read else "tokens"


class Crossing(NamedTuple):
    """Numbers of values, of one example, and how projections are done."""

    parts: tuple[Projected, ...]
    """What is projected, in order."""
    queries: int
    """Values of all queries, and of the output."""
    keys: int
    """Values of all keys, and of all values."""
    scores: int
    """Scores of all heads: one for each query and key."""
    rows: int
    """Logarithms of all heads: one for each query."""
    width: int
    """Channels of a query; as many has the bias of each projection."""
    bias: bool
    """Whether projections have one."""
    inputs: int
    """How many inputs there are: two, or three where values are made of one of their own."""

    @property
    def together(self) -> bool:
        """Whether keys and values are made by one product."""
        return len(self.parts) == len(("queries", "keys and values"))

    @property
    def packed(self) -> bool:
        """Whether projections share one array of weights."""
        return not self.parts[0].weight


def crossing(xs: Sequence[Shape], plan: Plan, heads: int) -> tuple[Operation, ...]:
    """Attention by one kernel or written out, for one example and for several."""
    size, output = _sized(xs, plan, heads), plan.output
    turned: Layout = "channels_last" if output.rank > 1 else "turned"
    wide = 1 < prod(output.spatial) < output.size

    def made(written: bool, several: bool) -> Operation:  # noqa: FBT001
        return Operation(
            output.size,
            tuple(range(len(xs))),
            keeps="nothing" if several else "input",
            extra=_kept(size, written=written, several=several),
            learns=learned(plan),
            precision="low",
            layout=turned if wide else "both",
            course=Course(
                _forward(size, written=written, several=several, training=True),
                _forward(size, written=written, several=several, training=False),
                _backward(size, written=written, several=several),
            ),
        )

    several = made(False, True)._replace(alone=made(False, False))
    written_out = made(True, True)._replace(alone=made(True, False))
    return (several._replace(written_out=written_out),)


def _sized(xs: Sequence[Shape], plan: Plan, heads: int) -> Crossing:
    queries, keys, values = xs[0], xs[1], xs[-1]
    width, last = queries.channels, len(xs) - 1
    length, others = prod(queries.spatial), prod(keys.spatial)
    packed = plan.weights[0].name == "in_proj_weight"
    names = ("",) * 3 if packed else tuple(weight.name for weight in plan.weights[:3])
    row = others * width
    parts = [Projected("queries", 0, queries.size, length * width, names[0], width * width)]
    if packed and len(xs) == len("qk"):
        parts.append(Projected("keys and values", 1, keys.size, 2 * row, "", 2 * width * width))
    else:
        parts += [
            Projected("keys", 1, keys.size, row, names[1], width * keys.channels),
            Projected("values", last, values.size, row, names[2], width * values.channels),
        ]
    return Crossing(
        parts=tuple(parts),
        queries=length * width,
        keys=row,
        scores=heads * length * others,
        rows=heads * length,
        width=width,
        bias=any(weight.name == "in_proj_bias" for weight in plan.weights),
        inputs=len(xs),
    )


def _kept(size: Crossing, *, written: bool, several: bool) -> tuple[Array, ...]:
    arrays: list[Array] = []
    for part in size.parts:
        if several:
            arrays.append(Array(part.read_as, part.tokens))
        if not written or part is size.parts[-1]:
            arrays.append(Array(part.name, part.size))
    if written:
        arrays += [
            Array("scaled queries", size.queries),
            Array("scaled keys", size.keys),
            Array("softmax", size.scores),
        ]
    arrays.append(Array("means", size.queries))
    if not written:
        arrays.append(Array("logarithms", size.rows))
    return tuple(each._replace(when="training") for each in arrays)


def _forward(size: Crossing, *, written: bool, several: bool, training: bool) -> tuple[int, ...]:
    queries, keys, scores = size.queries, size.keys, size.scores
    moves: list[int] = []
    for part in size.parts:
        # Of several examples, rows are copied to stand in order, and the bias is a step of its own.
        if several:
            moves += [part.tokens, part.size] + [-part.tokens] * (not training)
        else:
            moves.append(part.size)
        moves += [part.size, -part.size] * (several and size.bias)
        moves += [part.size, -part.size] * (part.size == 2 * keys and size.together)
    projections = [-part.size for part in size.parts]
    if not written:
        moves += [queries, size.rows]
        moves += [] if training else [-size.rows, *projections]
        return (*moves, queries, *([] if training else [-queries]))
    moves += [queries, keys, scores, *([] if training else [-keys]), scores, -scores, queries]
    if training:
        moves += [-queries, *([] if size.together else [-keys])]
    else:
        moves += [-queries, -scores, *projections]
    return (*moves, queries, -queries, queries, *([] if training else [-queries]))


def _backward(size: Crossing, *, written: bool, several: bool) -> tuple[Move, ...]:
    queries, keys, scores = size.queries, size.keys, size.scores
    moves: list[Move] = []
    moves += [queries, "incoming"] if several else []
    moves += [queries, "weight out_proj.weight", *["weight out_proj.bias"] * size.bias]
    moves += [-queries] if several else ["incoming"]
    if written:
        moves += ["kept means", keys, scores, -queries, f"kept {size.parts[-1].name}"]
        moves += [scores, -scores, "kept softmax", keys, queries, -scores]
        moves += ["kept scaled queries", "kept scaled keys"]
        moves += [keys, -keys, queries, -queries] * 2
    else:
        moves += [queries, keys, keys, "kept means"]
        moves += [f"kept {part.name}" for part in size.parts]
        moves += ["kept logarithms", -queries]
        moves += [keys, -keys, keys, -keys, queries, -queries] * (2 * several)
    if size.together:
        moves += [2 * keys, -keys, 2 * keys, -keys, -2 * keys, 2 * keys, -2 * keys]
    for part in reversed(size.parts):
        weight = f"weight {part.weight}" if part.weight else f"once {part.weights}"
        summed = [f"once {_rows(size, part)}"] * size.bias
        gradient = f"gradient {part.read}"
        if several:
            copied = [part.size, -part.size] * (written and part.name == "keys")
            moves += [*summed, *copied, weight, gradient, -part.size, f"kept {part.read_as}"]
        else:
            moves += [gradient, weight, *summed, -part.size]
        if part.name != "values" or size.inputs > len("qk"):
            moves += [f"done {part.read}", f"sum {part.read}"]
    if size.bias:
        moves.append("weight in_proj_bias")
        moves += [f"once {-_rows(size, part)}" for part in size.parts]
    if size.packed:
        moves.append("weight in_proj_weight")
        moves += [f"once {-part.weights}" for part in size.parts]
    return tuple(moves)


def _rows(size: Crossing, part: Projected) -> int:
    """How many numbers the bias of a projection has."""
    return 2 * size.width if size.together and part.read else size.width
