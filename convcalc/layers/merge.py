"""Layers that merge several tensors into one."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, final

from convcalc.diagnostics import Problem, Sizes, Way, either
from convcalc.layers.arrays import summed_to
from convcalc.layers.base import (
    AXIS_WORDS,
    INFERENCE,
    Arrays,
    Axis,
    Gradients,
    Joined,
    Layer,
    Plan,
    Positions,
    Run,
    Weights,
    axis_field,
    axis_number,
    check_axis,
)
from convcalc.shape import Shape, spatial_axes
from convcalc.window import Window

if TYPE_CHECKING:
    from convcalc.layers.kept import Kept
    from convcalc.layers.operations import Operation


def spread_back(kept: "Kept", gradient: Callable[[int], Any]) -> Gradients:
    """Gradients of branches that were spread over the output, each summed to its own shape."""
    return {
        number: _summed(gradient(number), shape)
        for number, shape in enumerate(kept.shapes)
        if kept.asks(number)
    }


def _summed(dy: Any, shape: Shape) -> Any:
    """The gradient of a batch of `shape` that was spread over the output."""
    return summed_to(dy, (dy.shape[0], *shape.axes))


SAME_STEPS = Way("give the branches the same strides and padding")


def _differing(first: Shape, other: Shape) -> tuple[int, ...]:
    """The spatial axes along which two maps do not fit each other."""
    return tuple(
        axis for axis in _apart(first, other) if 1 not in (first.spatial[axis], other.spatial[axis])
    )


def _apart(first: Shape, other: Shape) -> tuple[int, ...]:
    """The spatial axes along which two maps differ."""
    pairs = enumerate(zip(first.spatial, other.spatial, strict=True))
    return tuple(axis for axis, (one, two) in pairs if one != two)


def _broadcast(xs: Sequence[Shape]) -> Shape:
    """The shape that extents of 1 stretch to."""
    return Shape.from_axes(tuple(map(max, *(x.axes for x in xs))) if len(xs) > 1 else xs[0].axes)


AS_MANY_AXES = "give the branches as many axes as each other, for example by `reshape`"
"""What to do about maps of which one is no sequence and another is."""


def _to_spread(first: Shape, x: Shape) -> str:
    """What gives two tensors as many axes as each other."""
    if first.rank and x.rank:
        return AS_MANY_AXES
    vector, rank = (x, first.rank) if first.rank else (first, x.rank)
    text = f"`reshape` the vector to {'1x' * rank}{vector.channels} to spread it over a map"
    alike = first.channels == x.channels or 1 in (first.channels, x.channels)
    return text if alike else f"{text}, and give the branches the same number of channels"


def _check_broadcast(verb: str, xs: Sequence[Shape]) -> Iterator[Problem]:
    first = xs[0]
    for position, x in enumerate(xs[1:], 2):
        if x.rank == first.rank and all(
            a == b or 1 in (a, b) for a, b in zip(first.axes, x.axes, strict=True)
        ):
            first = _broadcast((first, x))
            continue
        sizes = None
        if x.rank != first.rank:
            reason = f"{spatial_axes(first.rank)} against {x.rank}"
            advice = _to_spread(first, x)
        elif x.channels not in (first.channels, 1):
            reason = f"{first.channels} channels against {x.channels}"
            advice = "give the branches the same number of channels, for example by a 1×1 `conv`"
        else:
            reason = "their sizes differ"
            ways = (SAME_STEPS, Way("give one of them a 1×1 map to spread"))
            sizes = Sizes(_differing(first, x), ways)
            advice = either(sizes.clauses)
        yield Problem(
            "CC309",
            f"branch {position} is {x} and cannot be {verb} {first}: {reason}",
            help=advice,
            related=((0, "branch 1 ends here"), (position - 1, f"branch {position} ends here")),
            sizes=sizes,
        )
        return


def check_two(kind: str, xs: Sequence[Shape]) -> Iterator[Problem]:
    """Two branches: what a third is taken from or divides is for the spec to say."""
    if len(xs) != len("ab"):
        advice = (
            "write a second branch; `[]` passes the tensor on as it is"
            if len(xs) == 1
            else f"write one `{kind}` behind another"
        )
        yield Problem("CC302", f"{kind} takes two branches, and has {len(xs)}", None, advice)


@final
class Add(Layer):
    """The sum of the branches; extents of 1 are spread over the others'.

    Shapes: H×W×C, … → H×W×C. Source: ONNX operator Add (broadcasting as in NumPy).
    """

    inputs = "many"
    spreads = True

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """Branches of one shape, or with extents of 1."""
        return _check_broadcast("added to", xs)

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """No weights, no multiply-accumulates."""
        return Plan(_broadcast(xs))

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """Nothing is kept; the gradient goes to each branch as it is."""
        from convcalc.layers.operations import Operation, folded

        return folded(xs, Operation(0, gradient="same"))

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """x₁ + x₂ + …, extents of 1 repeated. Source: ONNX operators Add and Sum."""
        total = xs[0]
        for x in xs[1:]:
            total = total + x
        return total

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """The notes' add gate hands the gradient on; where a branch was spread, its sum."""
        return spread_back(kept, lambda _: dy)


@final
class Multiply(Layer):
    """The product of the branches; extents of 1 are spread over the others'.

    Shapes: H×W×C, 1×1×C → H×W×C (squeeze-and-excitation's gate).
    Source: ONNX operator Mul (broadcasting as in NumPy).
    """

    inputs = "many"
    spreads = True

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """Branches of one shape, or with extents of 1."""
        return _check_broadcast("multiplied with", xs)

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """No weights; its multiplications are not counted as MACs."""
        return Plan(_broadcast(xs))

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """Each factor is kept for the gradient of the other."""
        from convcalc.layers.operations import Operation, folded

        product = Operation(0, keeps="factors", gradient="product", back_layout="gradient")
        return folded(xs, product)

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """x₁·x₂·…, extents of 1 repeated. Source: ONNX operator Mul."""
        result = xs[0]
        for number, x in enumerate(xs[1:], 2):
            result = result * x
            if number < len(xs):
                run.keep(f"of {number}", result)
        return result

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """The notes' multiply gate swaps its inputs: each gets the gradient times the other.

        Of more than two, the last first: what is behind it is the product of all before.
        """
        count = len(kept.shapes)
        gradients: Gradients = {}
        for number in range(count - 1, 0, -1):
            before = f"of {number}" if number > 1 else "input 1"
            if kept.asks(number):
                gradients[number] = _summed(dy * kept[before], kept.shapes[number])
            if not kept.asks(*range(number)):
                return gradients
            dy = _summed(dy * kept[f"input {number + 1}"], _broadcast(kept.shapes[:number]))
        return {0: dy, **gradients}


@final
class Subtract(Layer):
    """The first branch minus the second; extents of 1 are spread over the other's.

    Shapes: H×W×C, H×W×C → H×W×C. Source: ONNX operator Sub (broadcasting as in NumPy); torch.sub.
    """

    inputs = "many"
    spreads = True

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """Two branches of one shape, or with extents of 1."""
        yield from check_two("subtract", xs)
        yield from _check_broadcast("subtracted from", xs)

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """No weights, no multiply-accumulates."""
        return Plan(_broadcast(xs))

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """Nothing is kept; the gradient goes to the first as it is, and turned round to the other.

        That is an array of its own.
        """
        from convcalc.layers.operations import Operation

        return (
            Operation(
                plan.output.size,
                (0, 1),
                gradient=("same", "product"),
                layout="kept",
                back_layout="gradient",
            ),
        )

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """x₁ − x₂, extents of 1 repeated. Source: ONNX operator Sub."""
        return xs[0] - xs[1]

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """As an add gate's, turned round for what is taken away."""
        return spread_back(kept, lambda number: -dy if number else dy)


@final
class Divide(Layer):
    """The first branch divided by the second; extents of 1 are spread over the other's.

    Shapes: H×W×C, H×W×C → H×W×C. Source: ONNX operator Div (broadcasting as in NumPy); torch.div.
    """

    inputs = "many"
    spreads = True

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """Two branches of one shape, or with extents of 1."""
        yield from check_two("divide", xs)
        yield from _check_broadcast("a divisor of", xs)

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """No weights; its divisions are not counted as MACs."""
        return Plan(_broadcast(xs))

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """The divisor is kept, and the dividend for its gradient, −g·(x₁/x₂)/x₂, made first."""
        from convcalc.layers.operations import Operation

        size = plan.output.size
        return (
            Operation(
                size,
                (0, 1),
                keeps="divisor",
                gradient="product",
                ahead=(1, 3 * size),
                layout="kept",
                back_layout="gradient",
            ),
        )

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """x₁/x₂, extents of 1 repeated. Source: ONNX operator Div."""
        return xs[0] / xs[1]

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """dx₁ = dy/x₂; dx₂ = −dy·x₁/x₂². Where one was spread, its sum."""
        divisor = kept["input 2"]

        def gradient(number: int) -> Any:
            back = dy / divisor
            return back if number == 0 else -back * (kept["input 1"] / divisor)

        return spread_back(kept, gradient)


@final
class Maximum(Layer):
    """The largest of the branches' values; extents of 1 are spread over the others'.

    Shapes: H×W×C, … → H×W×C.
    Source: ONNX operator Max (broadcasting as in NumPy); torch.maximum.
    """

    inputs = "many"
    spreads = True

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """Branches of one shape, or with extents of 1."""
        return _check_broadcast("compared with", xs)

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """No weights, no multiply-accumulates."""
        return Plan(_broadcast(xs))

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """Both are kept; the gradient goes where the largest value was, halves where both were."""
        from convcalc.layers.operations import Operation, folded

        steps = folded(xs, Operation(0, keeps="input", gradient="product"))
        return tuple(step._replace(scratch=step.output, masks=2 * step.output) for step in steps)

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """max(x₁, x₂, …), extents of 1 repeated. Source: ONNX operator Max."""
        result = xs[0]
        for number, x in enumerate(xs[1:], 2):
            result = xp.maximum(result, x)
            if number < len(xs):
                run.keep(f"of {number}", result)
        return result

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """To the branch that has the largest value; at a tie a half to both, as in PyTorch.

        Branches are compared one after the other: of three that are alike the last has a half.
        """
        gradients: Gradients = {}
        for number in range(len(kept.shapes) - 1, 0, -1):
            if not kept.asks(*range(number + 1)):
                return gradients
            one = kept["input 1" if number == 1 else f"of {number}"]
            other = kept[f"input {number + 1}"]
            tie = xp.where(one == other, dy / 2, 0)
            gradients[number] = summed_to(xp.where(other > one, dy, tie), other.shape)
            dy = summed_to(xp.where(one > other, dy, tie), one.shape)
        gradients[0] = dy
        return gradients


@final
class Concat(Layer):
    """The branches one behind the other: their channels, or their positions along an axis.

    Shapes: H×W×A, H×W×B → H×W×(A + B); along the height A×W×C, B×W×C → (A + B)×W×C.
    Source: ONNX operator Concat; torch.cat.
    """

    inputs = "many"
    stands_alone: ClassVar[bool] = False

    axis: Annotated[Axis, axis_field("Axis along which they stand one behind the other.")] = (
        "channels"
    )

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """An axis that there is, and branches that differ along no other."""
        wrong = list(check_axis(self.axis, xs[0]))
        yield from wrong
        if wrong:
            return
        joined = self.joins(xs[0].rank)
        for position, x in enumerate(xs[1:], 2):
            alike = x.rank == xs[0].rank
            pairs = enumerate(zip(xs[0].axes, x.axes, strict=alike))
            apart = [axis for axis, (one, two) in pairs if one != two and axis != joined]
            if alike and not apart:
                continue
            advice, sizes = "give the branches the same number of channels", None
            if not alike and self.axis == "channels" and not (x.rank and xs[0].rank):
                advice = f"put `flatten` at the end of branch {1 if xs[0].rank else position}"
            elif not alike:
                advice = AS_MANY_AXES
            elif apart[:1] != [0]:
                ways = [SAME_STEPS, Way("`crop`, `pad` or `upsample` one of them")]
                if joined == 0 and len(apart) == 1:
                    along = AXIS_WORDS[x.rank][apart[0]]
                    text = f"join them along the {along}: `{{branches: […], axis: {along}}}`"
                    ways.append(Way(text, (("axis", along),)))
                sizes = Sizes(tuple(axis - 1 for axis in apart), (*ways,))
                advice = either(sizes.clauses)
            yield Problem(
                "CC310",
                f"branch {position} is {x} and branch 1 is {xs[0]}: only the {self.axis} of a "
                f"concat{'' if self.axis == 'channels' else ' along it'} may differ",
                help=advice,
                related=((0, "branch 1 ends here"), (position - 1, f"branch {position} ends here")),
                sizes=sizes,
            )
            return

    def joins(self, rank: int) -> int | None:
        """The axis given, as a number in memory order."""
        return axis_number(self.axis, rank)

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """No weights, no multiply-accumulates."""
        joined = self.joins(xs[0].rank) or 0
        axes = list(xs[0].axes)
        axes[joined] = sum(x.axes[joined] for x in xs)
        positions: Positions = "kept"
        if joined and len(xs) > 1:
            positions = Joined(joined - 1, tuple(self._windows(xs, joined - 1)))
        return Plan(Shape.from_axes(tuple(axes)), positions=positions)

    @staticmethod
    def _windows(xs: Sequence[Shape], axis: int) -> Iterator[Window]:
        """For each branch its window: those before and behind it are its border."""
        before, behind = 0, sum(x.spatial[axis] for x in xs)
        for x in xs:
            behind -= x.spatial[axis]
            yield Window(before=before, after=behind)
            before += x.spatial[axis]

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """Nothing is kept; each branch's gradient is a slice of the output's."""
        from convcalc.layers.operations import Operation

        return (
            Operation(
                plan.output.size,
                tuple(range(len(xs))),
                gradient="view",
                precision="finest_on_cpu",
                layout="format",
            ),
        )

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """x₁, then x₂, …, along the axis. Source: ONNX operator Concat."""
        return xp.concatenate(xs, axis=(self.joins(xs[0].ndim - 2) or 0) + 1)

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """To each branch the gradient of its own part of the output."""
        axis = self.joins(kept.shapes[0].rank) or 0
        gradients: Gradients = {}
        start = 0
        for number, shape in enumerate(kept.shapes):
            stop = start + shape.axes[axis]
            if kept.asks(number):
                part = (slice(None),) * (axis + 1) + (slice(start, stop),)
                gradients[number] = dy[part]
            start = stop
        return gradients
