"""What a network takes, as values; docs/memory.md defines every line with its formula."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from convcalc.analysis.memory.differences import Inexact
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
    bytes: int


class Moment(NamedTuple):
    """One operation, with the most bytes alive while it runs."""

    phase: Phase
    layer: str
    """Full name of the layer; `loss` or `optimizer` behind the last."""
    bytes: int
    """Everything alive: parameters and all other lines included."""


class LayerMemory(NamedTuple):
    """What one layer has to do with memory, in bytes for the whole batch."""

    name: str
    kind: str
    output: int
    """Storage that its output has of its own; 0 for a view, and where it overwrote its input."""
    kept: int
    """What it keeps for its backward pass and no earlier layer keeps; 0 in inference."""
    live: int
    """Most bytes alive while it runs forward, all lines included."""
    live_backward: int
    """The same while it runs backward; 0 in inference."""
    in_place: bool
    """Whether its output overwrote its input."""
    recomputed: bool
    """Whether it runs again in the backward pass."""


class MemoryReport(NamedTuple):
    """What inference or one training step takes, in bytes for the whole batch."""

    name: str
    path: str
    batch: int
    dtype: str
    training: bool
    optimizer: str
    fused: bool
    mixed_precision: bool
    inplace: bool
    device: str
    parameters: int
    """Values that an optimizer updates; shared ones once."""
    buffers: int
    """Running statistics, and 8 bytes for each counter of batches."""
    gradients: int
    """Gradients of all parameters, at the end of the backward pass; 0 in inference."""
    optimizer_state: int
    """What the optimizer remembers from step to step; 0 in inference."""
    input: int
    targets: int
    """Class indices of 8 bytes, one for each position of the output; 0 in inference."""
    kept: int
    """Kept for the backward pass: distinct storages, those of the input and parameters left out."""
    after_forward: int
    """Alive between the passes, all lines included."""
    forward_peak: int
    """Most alive during the forward pass, all lines included."""
    backward_peak: int
    step_peak: int
    """Most alive while the optimizer steps."""
    activation_peak: int
    """The forward peak without parameters, buffers, state, targets and overhead: the input and what
    is made of it."""
    overhead: int
    """As given; it is in every peak."""
    peak: int
    """The largest of the three peaks."""
    peak_phase: Phase
    peak_layer: str
    """Full name of the layer at which the peak stands; `loss` or `optimizer` behind the last."""
    at_peak: tuple[Line, ...]
    """The peak by what it is made of; the lines add up to it."""
    not_included: tuple[str, ...]
    """What no line counts."""
    inexact: tuple[Inexact, ...]
    """Layers by which what PyTorch takes may differ from this."""
    layers: Sequence[LayerMemory]
    timeline: Sequence[Moment]
    """Bytes alive at every operation, in the order in which they run."""
    learned: Sequence[int]
    """Of each of these, the bytes that are gradients of parameters."""
    recomputed_macs: int
    """Multiply-accumulates that checkpointing does again."""

    @property
    def lines(self) -> tuple[Line, ...]:
        """The parts of memory, each by itself; they are not all alive at once."""
        found = [Line("parameters", self.parameters), Line("buffers", self.buffers)]
        if self.training:
            found += [
                Line("gradients", self.gradients),
                Line("optimizer state", self.optimizer_state),
            ]
        found.append(Line("input", self.input))
        if self.training:
            found += [Line("targets", self.targets), Line("kept for backward", self.kept)]
        if self.overhead:
            found.append(Line("overhead", self.overhead))
        return tuple(found)

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
        found: dict[Phase, Moment] = {"forward": Moment("forward", "input", self.forward_peak)}
        peaks = {
            "forward": self.forward_peak,
            "backward": self.backward_peak,
            "step": self.step_peak,
        }
        for moment in reversed(self.timeline):
            if moment.bytes == peaks[moment.phase]:
                found[moment.phase] = moment
        return tuple(found[phase] for phase in peaks if phase in found)

    def layer(self, name: str) -> LayerMemory:
        """The layer called `name`; `KeyError` when there is none."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(name)

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
        text: str = above(
            "MemoryReport.to_markdown", self._answer(), layers=layers, timeline=timeline
        )
        return text

    def to_csv(self, *, layers: bool = False, timeline: bool = False) -> str:
        """One row a number; or one a layer; or, for the `timeline`, one an operation.

        Raises `ValueError` where both are asked for.
        """
        if layers and timeline:
            message = "one table has one row a layer or one an operation: layers or timeline"
            raise ValueError(message)
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
