"""What a network takes, as values; docs/memory.md defines every line with its formula."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from convcalc.analysis.memory.differences import Inexact
from convcalc.diagnostics import ArgumentError
from convcalc.methods import above, from_json

if TYPE_CHECKING:
    from convcalc.analysis.memory.questions import Answer

Phase = Literal["forward", "backward", "step"]

NOT_INCLUDED = (
    "workspaces that kernels take for themselves (cuDNN, cuBLAS, im2col)",
    "the framework's own memory and the CUDA context, which stands beside a limit that is a GPU",
    "rounding and fragmentation of the allocator (512 B a block, 2 or 20 MiB a segment)",
    "batches that the data loader holds ready",
    "inputs that a module's frame keeps alive longer than its operations need them",
)
"""What no line counts; `overhead` may stand for it."""
FINER_ON_CUDA = "float32 of what only CUDA's autocast computes in it, as layer norm (device cuda)"
"""What is not in mixed precision on the CPU, where a network has such layers."""


class Line(NamedTuple):
    """A share of memory."""

    name: str
    """What takes it: `parameters`, `kept for backward`, `temporaries`."""
    bytes: int
    """Bytes for the whole batch; with data parallelism, those of one device."""


class Moment(NamedTuple):
    """One operation, with the most bytes alive while it runs."""

    phase: Phase
    """The pass that it is an operation of, or the optimizer's step."""
    layer: str
    """Full name of the layer; `loss` or `optimizer` behind the last."""
    bytes: int
    """All bytes alive: parameters and all other lines included."""


class LayerMemory(NamedTuple):
    """What one layer has to do with memory, in bytes for the whole batch."""

    name: str
    """Full name, as `stage1.conv1`."""
    kind: str
    """What the spec calls it: `conv`, `maxpool`; a key of the catalogue."""
    output: int
    """Bytes of storage that its output has of its own; 0 for a view, and where it overwrote its
    input."""
    kept: int
    """Bytes that it keeps for its backward pass and no earlier layer keeps; 0 in inference."""
    live: int
    """Most bytes alive while it runs forward, all lines included."""
    live_backward: int
    """Most bytes alive while it runs backward, all lines included; 0 in inference."""
    in_place: bool
    """Whether its output overwrote its input."""
    recomputed: bool
    """Whether it runs again in the backward pass."""


class MemoryReport(NamedTuple):
    """What inference or one training step takes, in bytes for the whole batch."""

    name: str
    """The spec's `name`, or its path."""
    path: str
    """The spec as it was named; `-` is standard input."""
    batch: int
    """Number of examples that all bytes are for."""
    dtype: str
    """Data type of parameters and of the input, a key of `DTYPE_BYTES`."""
    training: bool
    """Whether it is of a training step: forward, backward, and the optimizer's; else of
    inference."""
    optimizer: str
    """What steps in training: `sgd`, `adam`; of inference it says nothing."""
    loss: str
    """What a training step makes small: `cross-entropy`, `squares`."""
    fused: bool
    """Whether the optimizer works on all tensors at once, as PyTorch does on CUDA."""
    mixed_precision: bool
    """Whether autocast is on: float32 parameters, and most operations in half precision."""
    inplace: bool
    """Whether activation functions overwrite their input where they can."""
    device: str
    """"cpu" or "cuda": they differ in masks, and in what autocast leaves in float32."""
    parameters: int
    """Bytes of what an optimizer updates; shared ones once."""
    buffers: int
    """Bytes of running statistics, and 8 for each counter of batches."""
    gradients: int
    """Bytes of the gradients of all parameters, at the end of the backward pass; 0 in inference."""
    optimizer_state: int
    """Bytes that the optimizer remembers from step to step; 0 in inference."""
    input: int
    """Bytes of the input of the whole batch."""
    targets: int
    """Bytes of class indices, 8 for each position of the output; 0 in inference."""
    kept: int
    """Bytes kept for the backward pass: distinct storages, those of the input and parameters left
    out."""
    after_forward: int
    """Bytes alive between the passes, all lines included."""
    forward_peak: int
    """Most bytes alive during the forward pass, all lines included."""
    backward_peak: int
    """Most bytes alive during the backward pass, all lines included; 0 in inference."""
    step_peak: int
    """Most bytes alive while the optimizer steps, all lines included; 0 in inference."""
    activation_peak: int
    """The forward peak without parameters, buffers, state, targets and overhead: the input and what
    is made of it."""
    overhead: int
    """Bytes as they were given; they are in every peak."""
    peak: int
    """Bytes of the largest of the three peaks."""
    peak_phase: Phase
    """The pass in which the peak stands, or the optimizer's step; the first of several."""
    peak_layer: str
    """Full name of the layer at which the peak stands; `loss` or `optimizer` behind the last."""
    at_peak: tuple[Line, ...]
    """The peak by what it is made of, in bytes; the lines add up to it."""
    not_included: tuple[str, ...]
    """What no line counts, in words."""
    inexact: tuple[Inexact, ...]
    """Layers by which what PyTorch takes may differ from this."""
    layers: Sequence[LayerMemory]
    """What each layer has to do with memory, in the order of the network."""
    timeline: Sequence[Moment]
    """Bytes alive at every operation of the passes, and at the optimizer's step, in order."""
    learned: Sequence[int]
    """Of each of these bytes, those that are gradients of parameters."""
    recomputed_macs: int
    """Multiply-accumulates that checkpointing does again, for the whole batch."""
    segments: tuple[str, ...] = ()
    """What runs again in the backward pass, by segments, as `--checkpoint` takes them."""
    attention: str | None = None
    """How attention is computed: "fused", by one kernel, or "math", written out; None where the
    network has none."""

    @property
    def lines(self) -> tuple[Line, ...]:
        """The parts of memory, each by itself; they are not all alive at once."""
        parts = [Line("parameters", self.parameters), Line("buffers", self.buffers)]
        if self.training:
            parts += [
                Line("gradients", self.gradients),
                Line("optimizer state", self.optimizer_state),
            ]
        parts.append(Line("input", self.input))
        if self.training:
            parts += [Line("targets", self.targets), Line("kept for backward", self.kept)]
        if self.overhead:
            parts.append(Line("overhead", self.overhead))
        return tuple(parts)

    @property
    def fixed(self) -> int:
        """Bytes that are there all the time."""
        return (
            self.parameters
            + self.buffers
            + self.optimizer_state
            + self.input
            + self.targets
            + self.overhead
        )

    @property
    def peaks(self) -> tuple[Moment, ...]:
        """The peak of each phase, and the first layer at which it stands."""
        moments: dict[Phase, Moment] = {"forward": Moment("forward", "input", self.forward_peak)}
        peaks = {
            "forward": self.forward_peak,
            "backward": self.backward_peak,
            "step": self.step_peak,
        }
        for moment in reversed(self.timeline):
            if moment.bytes == peaks[moment.phase]:
                moments[moment.phase] = moment
        return tuple(moments[phase] for phase in peaks if phase in moments)

    def layer(self, name: str) -> LayerMemory:
        """The layer called `name`; `KeyError` when there is none, with the nearest name."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        from convcalc.arguments import unknown

        raise unknown(name, "layer", (layer.name for layer in self.layers))

    def __repr__(self) -> str:
        """What it is of, and the peak, in one line; `print` shows the breakdown."""
        under = f"training with {self.optimizer}" if self.training else "inference"
        return (
            f"<MemoryReport {self.name!r}: {under}, batch {self.batch}, {self.dtype}, "
            f"peak {self.peak:,} bytes in {self.peak_phase} at {self.peak_layer}>"
        )

    def __str__(self) -> str:
        """The breakdown as plain text, as `convcalc memory` writes it into a pipe."""
        text: str = above("MemoryReport.__str__", self._answer())
        return text.removesuffix("\n")

    def to_markdown(self, *, layers: bool = False, timeline: bool = False) -> str:
        """Tables for a README, with one of the `layers`, or a picture over time, if asked for."""
        from convcalc.arguments import switch

        layers, timeline = switch(layers, "layers"), switch(timeline, "timeline")
        text: str = above(
            "MemoryReport.to_markdown", self._answer(), layers=layers, timeline=timeline
        )
        return text

    def to_csv(self, *, layers: bool = False, timeline: bool = False) -> str:
        """One row a number; or one a layer; or, for the `timeline`, one an operation.

        Raises `ValueError` where both are asked for.
        """
        from convcalc.arguments import switch

        layers, timeline = switch(layers, "layers"), switch(timeline, "timeline")
        if layers and timeline:
            message = "one table has one row a layer or one an operation: layers or timeline"
            raise ArgumentError(message)
        text: str = above("MemoryReport.to_csv", self._answer(), layers=layers, timeline=timeline)
        return text

    def to_json(self) -> str:
        """Everything, stable; docs/memory.schema.json describes it."""
        text: str = above("MemoryReport.to_json", self._answer())
        return text

    def to_dict(self) -> dict[str, Any]:
        """What `to_json` says, as Python has it."""
        return from_json(self.to_json())

    def _repr_html_(self) -> str:
        """The breakdown, for notebooks."""
        text: str = above("MemoryReport._repr_html_", self)
        return text

    def _answer(self) -> "Answer":
        """What formats are given: the report alone, without limits and other questions."""
        from convcalc.analysis.memory.questions import Answer

        return Answer(self)
