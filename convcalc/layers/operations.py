"""What a layer does to memory: operations, and what each allocates, keeps and gives back.

The rules are PyTorch's, measured (docs/memory.md): an operation keeps for its backward pass what
autograd saves, and allocates what its kernel returns. Imported only when memory is asked for.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from math import prod
from typing import Literal, NamedTuple

from convcalc.layers.arrays import makes_border
from convcalc.layers.base import BackLayout, Keeps, Plan, Precision, Weight
from convcalc.shape import Shape
from convcalc.window import Window

Gradient = Literal["new", "product", "same", "view"]
"""How gradients of operands and weights come to be: arrays of their own; a product as large as the
output, then summed to size; the output's gradient itself, summed to size if it is smaller; or
a view of the output's gradient."""

Layout = Literal[
    "fresh",
    "kept",
    "format",
    "channels_last",
    "both",
    "one",
    "turned",
    "cut",
    "sliced",
    "image",
    "sequence",
    "steps",
]
"""How values lie in memory: in the order of their shape; as the input's do; channels last if the
input's do; channels last; channels last, which with one channel or position is in order, too; one
channel of what lies as the input does; with axes in some other order; with gaps between them; with
gaps between examples alone if the input lies in order, and else as that does; as a sequence's do,
seen as an image; as those of such an image, as a sequence again; step after step of a sequence,
each with the whole batch."""


VOLUME = 3
"""Spatial axes of what has kernels of its own."""


class Array(NamedTuple):
    """An array that an operation makes beside its output."""

    name: str
    """What it is; a layer's `forward` keeps it under this name."""
    values: int = 0
    """Values for each example of the batch."""
    constant: int = 0
    """Values that a batch has once, however large it is."""
    width: int = 0
    """Bytes of a value; 0 is as many as its kind says."""
    kind: Literal["value", "statistic", "parameter", "change"] = "value"
    """In what precision it is: the output's; a statistic's, at least float32 on CUDA and beside
    weights; a parameter's if there are some, and else the output's; a parameter's if that of
    `parameter` is another, and else no array at all."""
    beside_weights: bool = True
    """Whether the operation has weights or running statistics of its own."""
    cuda_width: int = 0
    """Bytes of a value on CUDA, where it differs from the CPU's; 0 is the same."""
    when: Literal["always", "training"] = "always"
    """Whether both passes of a training step and inference make it, or training alone."""
    first: bool = False
    """Whether it is made before the output by an operation of its own, on the CPU."""
    kept: bool = True
    """Whether a backward pass needs it; otherwise it goes with the operation."""


Move = int | str
"""What is taken on the way, in values of each example, or given back where it is below 0. `once V`
are V values that a batch has once, `bytes V` as many bytes, and `asked V` values of each example
where a gradient of the input is wanted. See `Course` for those of the backward pass alone."""


class Course(NamedTuple):
    """What an operation of several steps takes and gives back on its way.

    What the output and the arrays that are kept take is among it.
    """

    training: tuple[Move, ...]
    """The forward pass of a training step."""
    inference: tuple[Move, ...]
    """The same in inference."""
    backward: tuple[Move, ...]
    """The backward pass. `incoming` lets the output's gradient go, `gradient N` makes that of an
    input by its number, and `sum N` one of all that were made of it; `weight NAME` makes that of a
    weight. `kept NAME` lets an array go that was kept, and `done N` an input."""


class Operation(NamedTuple):
    """One operation of a layer.

    Tensors are numbered: the layer's inputs first, from 0, then the outputs of its operations. The
    last operation's output is the layer's; a layer without operations passes its input on.
    """

    output: int
    """Values of its output for one example."""
    reads: tuple[int, ...] = (0,)
    """The tensors it reads, and has gradients for."""
    storage: Literal["own", "in_place", "view"] = "own"
    """`in_place` overwrites its input where that is asked for and safe."""
    keeps: Keeps | tuple[int, ...] = "nothing"
    """What its backward pass needs of what there is anyway; numbers are tensors."""
    keeps_in_place: Keeps | None = None
    """The same when it ran in place; None is a copy of what `keeps` says."""
    undone: bool = True
    """Whether its backward pass can do with the output where it overwrote its input."""
    extra: tuple[Array, ...] = ()
    """Arrays it makes; kept for its backward pass if there is one, else gone at once."""
    learns: tuple[Weight, ...] = ()
    """Weights it has gradients for."""
    keeps_to_learn: bool = False
    """Whether it keeps its input for the gradients of its weights alone."""
    weighs_back: bool = False
    """Whether it needs its weights only for the gradient of its input."""
    views_back: bool = False
    """Whether gradients of its weights come as views, so that shared ones add up in new arrays."""
    gradient: Gradient | tuple[Gradient, ...] = "new"
    """How gradients of what it reads and of its weights come to be; see `Gradient`. Several are
    those of what it reads, in order, and those of its weights are new."""
    scratch: int = 0
    """Values per example that its backward pass needs beside its results, at its end."""
    masks: int = 0
    """Truth values, of a byte each, that it needs there as well."""
    ahead: tuple[int, int] = (0, 0)
    """Which of what it reads has its gradient made first, and how many values per example that
    takes beside this gradient."""
    unasked: bool = False
    """Whether its backward pass makes gradients of its input and of its weights even where one of
    them is not wanted."""
    wants_back: Literal["", "output", "indices", "order", "rows"] = ""
    """How its output's gradient has to lie, of which its backward pass makes a copy otherwise:
    without gaps as its output does, or as the indices do that it keeps; in order, as one example
    of all channels; or in rows."""
    precision: Precision = "same"
    """What mixed precision computes it in; see `Precision`."""
    promotes: bool = True
    """Whether its output has the finest precision of what it reads, or else the first one's."""
    holds: tuple[int, ...] = ()
    """Tensors that stay alive until it is done, though it does not read them."""
    training_only: bool = False
    """Whether inference passes the input on instead."""
    layout: Layout = "fresh"
    """How the output's values lie in memory."""
    steps_first: bool = False
    """Whether it is a view where the input lies step after step, and otherwise an array."""
    back_layout: BackLayout = "output"
    """How the gradients that it makes lie."""
    reshapes: bool = False
    """Whether it is a view only where its input's values lie in order, and otherwise a copy."""
    contiguous: Literal["", "format", "order", "last", "one"] = ""
    """Whether it works on a copy in order: where its input's values have gaps between them or lie
    neither in order nor channels last; wherever they do not lie in order; as rows of channels,
    wherever they do not lie channels last; or, as the one row that there is, nowhere."""
    otherwise: "tuple[Operation, ...]" = ()
    """What runs in its place where that is a copy, or a row with gaps, on what it reads; the last
    gives its output."""
    name: str = ""
    """What it is, where a layer has several; its output is kept under this name."""
    course: Course | None = None
    """What it takes on its way, where that is more than its arrays and gradients."""
    alone: "Operation | None" = None
    """What it is for a batch of one example, where that is another."""
    written_out: "Operation | None" = None
    """What it is where attention is written out, and not one kernel."""

    def gradient_of(self, position: int) -> Gradient:
        """How the gradient of one of what it reads comes to be; behind them, of its weights."""
        if isinstance(self.gradient, str):
            return self.gradient
        return self.gradient[position] if position < len(self.gradient) else "new"

    @property
    def by_value(self) -> bool:
        """Whether some gradient has a value for each of the output, before it is summed to size."""
        kinds = (self.gradient,) if isinstance(self.gradient, str) else self.gradient
        return "product" in kinds or "same" in kinds


def statistics(each: Array) -> tuple[Array, Array]:
    """A mean, and a variance or what is made of it, each as large as `each`."""
    each = each._replace(kind="statistic")
    return each._replace(name="mean"), each._replace(name="variance")


def learned(plan: Plan) -> tuple[Weight, ...]:
    """The weights that an optimizer updates."""
    return tuple(weight for weight in plan.weights if not weight.buffer)


def border(x: Shape, windows: Sequence[Window], mode: str = "zero") -> tuple[Operation, ...]:
    """The copy with its border that a layer makes which cannot pad by itself; () if it can.

    PyTorch's convolution and pooling pad both sides of an axis alike, with zeros.
    """
    return (padding(x, windows, mode),) if makes_border(windows, mode) else ()


def padding(x: Shape, windows: Sequence[Window], mode: str) -> Operation:
    """The border that `windows` add to `x`, of zeros or of values of `x`."""
    sizes = (
        size + window.before + window.after for size, window in zip(x.spatial, windows, strict=True)
    )
    keeps: Keeps = "input" if mode in ("reflect", "replicate") else "nothing"
    full = mode == "replicate" or (mode == "reflect" and x.rank < VOLUME)
    precision: Precision = "full_on_cpu" if full else "same"
    layout: Layout = "format" if mode != "circular" and x.rank > 1 else "fresh"
    return Operation(
        x.channels * prod(sizes),
        keeps=keeps,
        precision=precision,
        layout=layout,
        back_layout="gradient" if mode == "zero" else "output",
        name="pad",
    )


def pooling_layout(x: Shape, plan: Plan) -> Layout:
    """How pooling lays values out: volumes in order, unless one position is left of them."""
    return "format" if x.rank < VOLUME or prod(plan.output.spatial) == 1 else "fresh"


def pooling_precision(x: Shape) -> Precision:
    """What mixed precision pools in: the CPU's autocast takes volumes in float32."""
    return "full_on_cpu" if x.rank == VOLUME else "same"


def view(size: int, read: int = 0) -> Operation:
    """The same values under another shape."""
    return Operation(size, (read,), "view", gradient="view", layout="kept", name="view")


def turns(axes: Sequence[int], order: Sequence[int]) -> bool:
    """Whether putting the axes in an order moves values: axes of extent 1 may go anywhere.

    >>> turns((3, 1, 5), (1, 0, 2)), turns((3, 2, 5), (1, 0, 2))
    (False, True)
    """
    moved = [axis for axis in order if axes[axis] > 1]
    return moved != sorted(moved)


def strided(axes: Sequence[int], order: Sequence[int]) -> bool:
    """Whether axes of an array, taken in an order, are one axis of one step.

    >>> strided((3, 4, 2), (1, 2)), strided((3, 4, 2), (0, 2)), strided((1, 4, 2), (0, 2))
    (True, False, True)
    """
    steps = [prod(axes[axis + 1 :]) for axis in range(len(axes))]
    moved = [axis for axis in order if axes[axis] > 1]
    return all(steps[one] == steps[two] * axes[two] for one, two in pairwise(moved))


def gaps(axes: Sequence[int], left: Sequence[int]) -> bool:
    """Whether values cut out of an array are apart, so that they are no row of one step.

    >>> gaps((3, 5, 5), (3, 5, 4)), gaps((3, 5, 5), (1, 4, 5)), gaps((3, 5), (3, 1))
    (True, False, False)
    """
    expected = 0
    step = 1
    for extent, size in zip(reversed(axes), reversed(left), strict=True):
        if size > 1:
            if expected and step != expected:
                return True
            expected = step * size
        step *= extent
    return False


def after(first: tuple[Operation, ...], last: Operation) -> tuple[Operation, ...]:
    """`last` on the input, or on what `first` makes of it."""
    return (*first, last._replace(reads=(len(first),)))


def as_image(x: Shape, first: tuple[Operation, ...], pool: Operation) -> tuple[Operation, ...]:
    """Pooling, which PyTorch does to a sequence as to an image of height 1, between two views."""
    if x.rank != 1:
        return after(first, pool)
    size = first[-1].output if first else x.size
    lifted = after(first, view(size)._replace(layout="image"))
    pooled = after(lifted, pool._replace(layout="format"))
    return (*pooled, view(pool.output, len(pooled))._replace(layout="sequence"))


def folded(xs: Sequence[Shape], step: Operation) -> tuple[Operation, ...]:
    """Two tensors merged, then the result with the next: what `a + b + c` does."""
    merges: list[Operation] = []
    so_far, axes = 0, xs[0].axes
    for position, x in enumerate(xs[1:], 1):
        axes = tuple(map(max, axes, x.axes))
        name = f"of {position + 1}"
        merges.append(
            step._replace(output=prod(axes), reads=(so_far, position), layout="kept", name=name)
        )
        so_far = len(xs) + len(merges) - 1
    return tuple(merges)


def power(size: int, read: int) -> Operation:
    """x^p, whose gradient is worked out as grad·(p·x^(p − 1)), one array a step."""
    return Operation(
        size,
        (read,),
        keeps="input",
        scratch=2 * size,
        precision="full_on_cuda",
        layout="kept",
        back_layout="gradient",
        name="power",
    )


def of_batch(operations: Sequence[Operation], batch: int) -> tuple[Operation, ...]:
    """What operations are for a batch of so many: of one example, some are others."""
    return tuple(
        each.alone if batch == 1 and each.alone is not None else each for each in operations
    )


def kept(
    xs: Sequence[Shape],
    operations: Sequence[Operation],
    asked: Collection[int | str] | None = None,
) -> dict[str, Array]:
    """What training keeps of a layer for its backward pass, by name.

    `asked` are the numbers of the inputs, and the names of the weights, that have a gradient; all
    of them unless given. `input` (or `input 1`, `input 2`, … of several) and `output` are there
    anyway; the others are arrays and outputs of operations on the way. A view is kept by what it is
    a view of.
    """
    tensors = [Array(name, x.size) for name, x in zip(input_names(len(xs)), xs, strict=True)]
    inputs = [tensor.name for tensor in tensors]
    for number, operation in enumerate(operations, 1):
        if operation.storage == "view" and operation.reads:
            tensors.append(tensors[operation.reads[0]])
        else:
            name = operation.name if number < len(operations) else "output"
            tensors.append(Array(name, operation.output))
    if operations and tensors[-1].name not in inputs:  # also what the last ones are views of
        made, output = tensors[-1], tensors[-1]._replace(name="output")
        tensors = [output if each is made else each for each in tensors]
    gradient = [asked is None or number in asked for number in range(len(xs))]
    arrays: dict[str, Array] = {}
    for number, operation in enumerate(operations, len(xs)):
        learns = any(asked is None or weight.name in asked for weight in operation.learns)
        backward = learns or any(gradient[read] for read in operation.reads)
        gradient.append(backward)
        if not backward:
            continue
        for tensor in _kept(operation, number, gradient, learns=learns):
            arrays[tensors[tensor].name] = tensors[tensor]
        arrays.update((array.name, array) for array in operation.extra if array.kept)
    return arrays


def input_names(count: int) -> list[str]:
    """What a layer's inputs are kept under.

    >>> input_names(1), input_names(2)
    (['input'], ['input 1', 'input 2'])
    """
    return ["input"] if count == 1 else [f"input {number + 1}" for number in range(count)]


def _kept(
    operation: Operation, output: int, gradient: Sequence[bool], *, learns: bool
) -> Iterator[int]:
    """The tensors of a layer that an operation keeps, by their numbers."""
    reads, keeps = operation.reads, operation.keeps
    if operation.keeps_to_learn and not learns:
        return
    if isinstance(keeps, tuple):
        yield from keeps
    elif keeps == "output":
        yield output
    elif keeps == "factors":
        with_gradient = sum(gradient[read] for read in reads)
        yield from (read for read in reads if with_gradient > gradient[read])
    elif keeps == "divisor":
        dividend, divisor = reads
        yield from (divisor, dividend) if gradient[divisor] else (divisor,)
    elif keeps == "input":
        yield from reads
