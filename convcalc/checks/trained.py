"""What `verify --training` finds, as values: a step as it was predicted beside what happened."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from convcalc.analysis.report import Tensor, shapes_of
from convcalc.checks.verdict import Pair

NEAR = 1.2
"""How many times as large as the other the larger of two peaks may be."""
VANISHING = 2.0**-24
"""A gradient that is shorter, as a part of its weights, changes nothing: a step of learning rate 1
is less than half of what float32 tells apart."""
EXPLODING = 1e3
"""A gradient that is longer, as a multiple of its weights, replaces them: a step of the usual
learning rate 0.001 is as long as they are."""


class TrainingRun(NamedTuple):
    """How a network is to be trained."""

    batch: int = 1
    """Number of examples in the batch, the same in every step."""
    dtype: str = "float32"
    """Data type of weights, and of what is computed."""
    backend: str = "numpy"
    """The array library: `numpy`, or `cupy` on a GPU."""
    seed: int = 0
    """What random weights, inputs, targets and dropout are drawn from."""
    threads: int = 1
    """Most threads of the BLAS."""
    given: Mapping[str, Any] | None = None
    """The arrays of the inputs by their names, (N, C, *spatial); None draws random numbers from the
    seed."""
    weights: Mapping[str, Any] | None = None
    """Arrays by "<layer>.<weight>", in PyTorch's layout; None draws them from the seed."""
    pattern: str | None = None
    """Full names of layers to show, with `*` and `?`, or a group's; None is all."""
    optimizer: str = "sgd"
    """A name of `OPTIMIZERS`."""
    learning_rate: float | None = None
    """Factor of a step; None is PyTorch's default for the optimizer."""
    loss: str = "cross-entropy"
    """A name of `LOSSES`."""
    steps: int = 1
    """How many steps to make."""
    progress: Callable[[int, int], None] | None = None
    """Called with how many steps are done, and of how many."""


class Peak(NamedTuple):
    """The most memory at once, as predicted and as observed, and where."""

    predicted: int
    """Bytes that the memory model says, its kernels' and the optimizer's temporaries left out."""
    observed: int
    """Bytes of all storages that the run held."""
    predicted_at: str
    """The pass and the layer of the prediction, as `backward, conv1`."""
    observed_at: str
    """The pass and the layer of what was observed."""

    @property
    def fine(self) -> bool:
        """Whether each is at most `NEAR` times the other."""
        return self.observed <= NEAR * self.predicted and self.predicted <= NEAR * self.observed


class TrainedLayer(NamedTuple):
    """One layer in a training step, predicted and observed."""

    name: str
    """Full name, as `stage1.conv1`."""
    kind: str
    """What the spec calls it: `conv`, `maxpool`; a key of the catalogue."""
    line: int | None
    """Line of the spec that it was written on."""
    kept: tuple[str, ...]
    """What it kept for its backward pass, by name: `input`, `output`, `indices`, …."""
    kept_bytes: Pair
    """Bytes of what it keeps and no layer before it does; not observed where PyTorch keeps
    something that the definition does not make."""
    gradients: Pair
    """Values of the gradients of its weights; 0 for shared ones."""
    macs: Pair
    """Multiply-accumulates of its backward pass, for the whole batch."""
    gradient_norm: float | None
    """Length of the gradient of all its weights together; None without weights that learn."""
    weight_norm: float | None
    """Length of these weights, before the step."""
    finite: bool | None
    """Whether all its gradients are finite; None where it has none."""
    differences: tuple[str, ...]
    """What is not as predicted, in words."""

    @property
    def flag(self) -> str:
        """`vanishing` or `exploding`, by how long the gradient is beside the weights; else ""."""
        gradient, weights = self.gradient_norm, self.weight_norm
        if gradient is None or weights is None or not self.finite:
            return ""
        if gradient <= VANISHING * weights:
            return "vanishing"
        return "exploding" if weights and gradient > EXPLODING * weights else ""


class TrainingVerdict(NamedTuple):
    """A training step that was run, beside what was predicted of it."""

    name: str
    """The spec's `name`, or its path."""
    path: str
    """The spec as it was named; `-` is standard input."""
    batch: int
    """Number of examples in the batch."""
    dtype: str
    """Data type that was computed in, a key of `DTYPE_BYTES`."""
    backend: str
    """The array library: `numpy`, or `cupy` on a GPU."""
    seed: int | None
    """What random weights were drawn from; None for weights of a file."""
    optimizer: str
    """What stepped, a key of `OPTIMIZERS`."""
    learning_rate: float
    """Factor of its steps."""
    loss: str
    """What was made smaller, a key of `LOSSES`."""
    inputs: tuple[Tensor, ...]
    """The network's inputs, in the order in which they are written."""
    outputs: tuple[Tensor, ...]
    """The network's outputs, in the order in which they are written."""
    layers: Sequence[TrainedLayer]
    """The layers that are shown, in the order of the network."""
    layer_count: int
    """How many were looked at, shown or not."""
    kept_bytes: Pair | None
    """Bytes kept for the backward pass, of all layers; None where the memory of a training step is
    not known."""
    loss_bytes: Pair
    """Bytes that the loss keeps, and no layer."""
    gradient_bytes: Pair
    """Bytes of the gradients of all weights, shared ones once."""
    state_bytes: Pair
    """Bytes that the optimizer remembers."""
    macs: Pair
    """Multiply-accumulates of the backward pass, for the whole batch."""
    peak: Peak | None
    """The most memory at once; None where the memory of a training step is not known."""
    losses: tuple[float, ...]
    """The loss of every step that was done, before its change of the weights."""
    steps: int
    """How many steps were asked for."""
    interrupted: bool
    """Whether it was ended before all of them were done."""
    finite: bool
    """Whether all gradients, and the loss, are finite."""
    differences: tuple[str, ...]
    """Everything that is not as predicted, in words."""
    notes: tuple[str, ...] = ()
    """What else there is to know of the run, in sentences without a full stop."""

    @property
    def ends(self) -> str:
        """What goes in and what comes out: shapes, with the names of several."""
        first, last = self.inputs[0].shape, self.outputs[0].shape
        return f"{shapes_of(self.inputs, first)} → {shapes_of(self.outputs, last)}"

    @property
    def good(self) -> bool:
        """Whether everything is as predicted."""
        return not self.differences
