"""Max unpooling: values go back to where the largest ones of a max pooling stood."""

from collections.abc import Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING, Annotated, Any, final

from convcalc.diagnostics import Problem
from convcalc.layers.arrays import meetings
from convcalc.layers.base import (
    INFERENCE,
    Arrays,
    Gradients,
    Layer,
    Plan,
    Run,
    Undone,
    Weights,
    tensor,
)
from convcalc.layers.pooling import largest, maxima, numbered
from convcalc.layers.sliding import AXIS_NAMES, output_sizes
from convcalc.numbers import plural
from convcalc.shape import Shape
from convcalc.window import Window, transposed

if TYPE_CHECKING:
    from convcalc.layers.kept import Kept
    from convcalc.layers.operations import Operation


@final
class MaxUnpool(Layer):
    """Undo a max pooling: each value goes where its window's largest value stood, 0 elsewhere.

    It reads the pool's input, too, of which memory has the indices alone, and looks at the map as
    the pool does.
    Shapes: that of the pool's output → that of the pool's input.
    Source: Badrinarayanan, Kendall and Cipolla, arXiv:1511.00561, section 3; ONNX operator
    MaxUnpool; torch.nn.MaxUnpool2d.
    """

    indices: Annotated[
        str | Undone, tensor("The `maxpool` before it whose largest values say where values go.")
    ]

    @property
    def windows(self) -> tuple[Window, ...]:
        """The pool's window along each spatial axis."""
        return () if isinstance(self.indices, str) else self.indices.windows

    def undoing(self, pool: Undone, written: Sequence[Window]) -> "MaxUnpool | Problem":
        """The layer that undoes a max pooling, or why it cannot."""
        name = pool.name
        for axis, window in zip(AXIS_NAMES.get(len(written), ()), written, strict=False):
            if window.dilation > 1:
                return Problem(
                    "CC302",
                    f"{name} has dilation {window.dilation} along the {axis}, and maxunpool undoes "
                    "pooling whose kernel has no gaps",
                    "indices",
                    f"give {name} dilation 1",
                )
            if window.before != window.after:
                return Problem(
                    "CC302",
                    f"{name} pads the {axis} with {window.before} before and {window.after} "
                    "behind, and maxunpool undoes pooling that pads both sides alike",
                    "indices",
                    f"give {name} one padding for both sides: what no window reads comes back as 0",
                )
        return self.replace(indices=pool)

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """As many values as the pool made of its input."""
        x, pooled = xs
        if len(self.windows) != pooled.rank or not pooled.rank:
            yield Problem(
                "CC314",
                f"the pool that indices names has {plural(len(self.windows), 'window')}, one for "
                f"each axis, and {pooled}, which it read, has {pooled.rank} of them",
                "indices",
                "name a `maxpool` of the network",
            )
            return
        made = Shape(pooled.channels, output_sizes(self.windows, pooled.spatial))
        if x != made:
            yield Problem(
                "CC309",
                f"the input is {x}, and the pool that indices names made {made} of {pooled}: each "
                "value goes where one of those stood",
                "indices",
                f"name the pool that made {x}, or make the input {made}",
            )

    def growth(self, rank: int) -> None:
        """It is as large as the pool's input, whatever comes in."""

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """The shape of the pool's input: no weights, no multiply-accumulates."""
        both = zip(self.windows, xs[0].spatial, xs[1].spatial, strict=True)
        return Plan(xs[1], positions=tuple(_spread(*each) for each in both))

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """A map of zeros that values are put into; the indices of the pool are kept.

        PyTorch does it to a sequence as to an image of width 1, between two views.
        """
        from convcalc.layers.operations import VOLUME, Array, Operation, view

        size, rank = plan.output.size, plan.output.rank
        unpool = Operation(
            size,
            holds=(1,),
            extra=(Array("indices", xs[0].size, width=8),),
            layout="fresh" if rank == VOLUME else "format",
            wants_back="indices",
            back_layout="fresh",
        )
        if rank != 1:
            return (unpool,)
        at = len(xs)  # where the tensors made here begin
        return (view(xs[0].size), unpool._replace(reads=(at,)), view(size, at + 1))

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """y[i] = x[o] where the largest value under window o stood at i, else 0.

        Where windows overlap, one value may be the largest of several, and the last of them counts,
        as in a loop over the outputs. Source: torch.nn.MaxUnpool2d, ONNX operator MaxUnpool.
        """
        x, pooled = xs
        sizes = pooled.shape[2:]
        best = maxima(xp, pooled, self.windows)
        chosen = run.keep("indices", largest(xp, pooled, best, self.windows))
        numbers = numbered(xp, sizes)
        y = xp.zeros(pooled.shape, dtype=x.dtype)
        # The later an output, the earlier the tap with which it meets a value.
        for _, places, values in reversed(list(meetings(self.windows, sizes))):
            y[values] = xp.where(chosen[places] == numbers[values], x[places], y[values])
        return y

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """The gradient from where a value went; none for one that another stands in the place of.

        PyTorch gives the gradient of such a place to all that went there. What was pooled says only
        where values go, and has no gradient.
        """
        x, pooled = kept.shapes
        places = kept["indices"].reshape(dy.shape[0] * x.channels, -1)
        rows = xp.arange(len(places)).reshape(-1, 1)
        number = xp.broadcast_to(xp.arange(places.shape[1]), places.shape)
        last = xp.zeros((len(places), prod(pooled.spatial)), dtype=number.dtype)
        xp.maximum.at(last, (rows, places), number)
        there = dy.reshape(len(places), -1)[rows, places]
        dx = xp.where(last[rows, places] == number, there, xp.zeros_like(there))
        return {0: dx.reshape(dy.shape[0], *x.axes)}


def _spread(window: Window, size: int, output: int) -> Window:
    """The window through which outputs see what comes in: every place where a value may go.

    >>> _spread(Window(kernel=2, stride=2), 22, 45).output(22)
    45
    """
    spread = transposed(window.kernel, window.stride, before=window.before)
    return spread._replace(after=output - 1 - spread._replace(after=0).room(size))
