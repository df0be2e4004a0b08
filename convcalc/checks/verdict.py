"""What `verify` finds, as values: every number as predicted beside what was observed."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from convcalc.methods import above, from_json
from convcalc.numbers import plural
from convcalc.shape import Shape


class Pair(NamedTuple):
    """A number as predicted and as observed; None where it could not be observed."""

    predicted: int
    observed: int | None
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
    kind: str
    line: int
    predicted: Shape
    observed: tuple[int, ...] | None
    """Channels, then extents, as the array has them; None when its definition raised."""
    weights: Pair
    """Values of its weights; 0 for shared ones."""
    macs: Pair
    finite: bool | None
    """Whether all its values are finite; None where they were not looked at."""
    differences: tuple[str, ...]
    """What is not as predicted, in words."""


class Timing(NamedTuple):
    """What ran as one step."""

    layers: tuple[str, ...]
    kernel: str
    seconds: float
    macs: int


class Verdict(NamedTuple):
    """A network that was run, beside what was predicted."""

    name: str
    path: str
    batch: int
    dtype: str
    backend: str
    tier: str
    """`engine` or `reference`; `none` when the values were not computed."""
    seed: int | None
    """Of random weights; None for weights of a file."""
    input: Shape
    output: Shape
    layers: Sequence[LayerVerdict]
    """Those that are shown."""
    layer_count: int
    """All that were looked at."""
    weights: Pair
    macs: Pair
    activation_bytes: Pair
    allocated: int
    """Bytes of the memory for activations with borders and scratch; by the reference, of the
    outputs that it holds at once."""
    finite: bool | None
    differences: tuple[str, ...]
    """Everything that is not as predicted, in words."""
    times: Sequence[Timing] = ()
    classes: Sequence[Sequence[tuple[int, str, float]]] = ()
    """For each example the likeliest classes: number, name, probability."""
    notes: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether everything is as predicted."""
        return not self.differences

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
