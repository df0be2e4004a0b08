"""What `verify` finds, as values: every number as predicted beside what was observed."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from convcalc.analysis.report import Tensor, shapes_of
from convcalc.methods import above, from_json
from convcalc.numbers import plural
from convcalc.shape import Shape


class Pair(NamedTuple):
    """A number as predicted and as observed; None where it could not be observed."""

    predicted: int
    """What plans and the memory model say; see where the pair stands for its unit."""
    observed: int | None
    """What the run was seen to do; None where it could not be observed."""
    most: bool = False
    """Whether the prediction is a bound that may be stayed below."""

    @property
    def fine(self) -> bool:
        """Whether what was observed is what was predicted."""
        if self.observed is None:
            return True
        return self.observed <= self.predicted if self.most else self.observed == self.predicted


class LayerVerdict(NamedTuple):
    """One layer, predicted and observed."""

    name: str
    """Full name, as `stage1.conv1`."""
    kind: str
    """What the spec calls it: `conv`, `maxpool`; a key of the catalogue."""
    line: int | None
    """Line of the spec that it was written on."""
    predicted: Shape
    """Its output's shape for one example."""
    observed: tuple[int, ...] | None
    """Its output's channels, then extents, without the batch; None when its definition raised."""
    weights: Pair
    """Values of its weights and running statistics; 0 for shared ones."""
    macs: Pair
    """Multiply-accumulates of the whole batch."""
    finite: bool | None
    """Whether all its values are finite; None where they were not looked at."""
    differences: tuple[str, ...]
    """What is not as predicted, in words."""


class Timing(NamedTuple):
    """What ran as one step."""

    layers: tuple[str, ...]
    """Full names of the layers that were done in it, in their order."""
    kernel: str
    """What computed it; of the reference, the kind of the layer."""
    seconds: float
    """Its shortest time of several runs, for the whole batch."""
    macs: int
    """Multiply-accumulates of its layers for the whole batch."""


class Verdict(NamedTuple):
    """A network that was run, beside what was predicted."""

    name: str
    """The spec's `name`, or its path."""
    path: str
    """The spec as it was named; `-` is standard input."""
    batch: int
    """Number of examples that were run at once."""
    dtype: str
    """Data type that was computed in, a key of `DTYPE_BYTES`."""
    backend: str
    """The array library: `numpy`, or `cupy` on a GPU."""
    tier: str
    """`engine` or `reference`; `none` when the values were not computed."""
    seed: int | None
    """What random weights were drawn from; None for weights of a file."""
    input: Shape
    """Shape of one example, of the first input."""
    output: Shape
    """Shape of the network's first output for one example, as it is predicted."""
    layers: Sequence[LayerVerdict]
    """The layers that are shown, in the order of the network."""
    layer_count: int
    """How many were looked at, shown or not."""
    weights: Pair
    """Values of weights and running statistics, shared ones once."""
    macs: Pair
    """Multiply-accumulates of the whole batch."""
    activation_bytes: Pair
    """Most bytes of activations alive at once, for the whole batch; predicted is a bound."""
    allocated: int
    """Bytes of the memory for activations with borders and scratch; by the reference, of the
    outputs that it holds at once."""
    finite: bool | None
    """Whether all values of all layers are finite; None where they were not computed."""
    differences: tuple[str, ...]
    """Everything that is not as predicted, in words."""
    times: Sequence[Timing] = ()
    """What ran, step by step, in order; () unless a profile was asked for."""
    classes: Sequence[Sequence[tuple[int, str, float]]] = ()
    """For each example the likeliest classes: number, name, probability."""
    notes: tuple[str, ...] = ()
    """What else there is to know of the run, in sentences without a full stop."""
    inputs: tuple[Tensor, ...] = ()
    """The network's inputs, in the order in which they are written."""
    outputs: tuple[Tensor, ...] = ()
    """The network's outputs, in the order in which they are written."""

    @property
    def ends(self) -> str:
        """What goes in and what comes out: shapes, with the names of several."""
        return f"{shapes_of(self.inputs, self.input)} → {shapes_of(self.outputs, self.output)}"

    @property
    def good(self) -> bool:
        """Whether everything is as predicted."""
        return not self.differences

    @property
    def allocated_bytes(self) -> int:
        """The same as `allocated`, as JSON calls it."""
        return self.allocated

    def __repr__(self) -> str:
        """Which network, and whether it is as predicted, in one line; `print` shows all."""
        said = plural(len(self.differences), "difference") if self.differences else "as predicted"
        return f"<Verdict {self.name!r}: {plural(self.layer_count, 'layer')}, {said}>"

    def __str__(self) -> str:
        """The verdict as plain text, as `convcalc verify` writes it into a pipe."""
        text: str = above("Verdict.__str__", self)
        return text.removesuffix("\n")

    def to_json(self) -> str:
        """Everything, stable; docs/verify.schema.json describes it."""
        text: str = above("Verdict.to_json", self)
        return text

    def to_dict(self) -> dict[str, Any]:
        """What `to_json` says, as Python has it."""
        return from_json(self.to_json())
