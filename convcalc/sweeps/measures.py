"""What can be asked of a design, by name, and what each needs to be worked out."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

from convcalc.diagnostics import ArgumentError
from convcalc.spec.nodes import INCOMING

if TYPE_CHECKING:
    from convcalc.analysis.memory.limits import Limit

Needs = Literal["totals", "field", "peak", "whole"]
"""What a measure is worked out from, the cheapest first."""
NEEDS: tuple[Needs, ...] = ("totals", "field", "peak", "whole")
"""The same as a sequence: totals add up over layers (or are the largest of them), a field composes
along a chain, a peak too, and what is whole is of the network as it stands."""


class Named(NamedTuple):
    """A row of the table of measures."""

    needs: Needs
    """What it is worked out from."""
    unit: Literal["", "bytes"]
    """Whether it is in bytes; else it counts."""
    doc: str
    """What it is, in one sentence."""


MEASURES: Mapping[str, Named] = MappingProxyType(
    {
        "parameters": Named("totals", "", "Values an optimizer updates."),
        "buffers": Named("totals", "", "Values of running statistics."),
        "macs": Named("totals", "", "Multiply-accumulates for one example."),
        "flops": Named("totals", "", "Floating-point operations for one example: 2 × MACs."),
        "activations": Named(
            "totals", "", "Values of the input and of every output with storage of its own."
        ),
        "largest_tensor": Named("totals", "", "Most values in one tensor of one example."),
        "layers": Named("totals", "", "Layers, blocks written out; inputs are none."),
        "receptive_field": Named(
            "field", "", "What the last layer that sees positions sees, along its smallest axis."
        ),
        "memory": Named("peak", "bytes", "Peak of inference."),
        "training_memory": Named("peak", "bytes", "Peak of a training step; takes --training."),
        "arena": Named("whole", "bytes", "Head of a small device's arena, in int8."),
        "flash": Named("whole", "bytes", "Weights in a small device's flash, in int8."),
    }
)
"""The measures that have one name; `budget` of a spec has the same ones, so far as it has them."""
FAMILIES: Mapping[str, Named] = MappingProxyType(
    {
        "largest_batch.GPU": Named("peak", "", "The largest batch that fits into a GPU."),
        "output.height": Named(
            "whole", "", "An extent of the output: channels, length, height, width or depth."
        ),
        "output.LAYER.height": Named("whole", "", "The same of a layer or block."),
    }
)
"""How measures are called that have an argument in their name."""
EXTENTS = tuple(name.partition(".")[2] for name in INCOMING)
"""Extents by name: channels, length, height, width, depth."""
TRAINING = ("training_memory",)
"""Measures of a training step."""


class Measure(NamedTuple):
    """Something that is asked of every design."""

    name: str
    """How it is asked for: `macs`, `largest_batch.t4`, `output.conv1.height`."""
    needs: Needs
    """What it is worked out from."""
    unit: Literal["", "bytes"] = ""
    """Whether it is in bytes; else it counts."""
    limit: "Limit | None" = None
    """Of a largest batch: the GPU that it is to fit into."""
    layer: str | None = None
    """Of an extent: the full name of the layer or block; None is the network's output."""
    extent: str = ""
    """Of an extent: which one it is."""

    @property
    def memory(self) -> bool:
        """Whether it turns on the batch and the data type."""
        return self.needs == "peak"


def read_measure(name: str) -> Measure:
    """The measure of this name; raises `ArgumentError` for what is none, with the nearest.

    >>> read_measure("macs").needs, read_measure("output.conv1.height").layer
    ('totals', 'conv1')
    """
    row = MEASURES.get(name)
    if row is not None:
        return Measure(name, row.needs, row.unit)
    family, _, rest = name.partition(".")
    if family == "largest_batch" and rest:
        from convcalc.analysis.memory.gpus import gpu_names, nearest_gpu
        from convcalc.analysis.memory.limits import read_limit

        gpu = rest.replace("_", "-")
        if not gpu_names(gpu):
            near = nearest_gpu(gpu)
            advice = f"did you mean largest_batch.{near.replace('-', '_')}?" if near else ""
            advice = advice or "t4, rtx4090 and a100_80gb are some of these"
            message = f"{name}: {rest!r} is no GPU: {advice}"
            raise ArgumentError(message)
        return Measure(name, "peak", limit=read_limit(gpu))
    if family == "output" and rest:
        layer, _, extent = rest.rpartition(".")
        if extent not in EXTENTS:
            from convcalc.nearness import asked

            near = asked([extent], EXTENTS)
            message = (
                f"{name} ends in {extent!r}, and an extent is channels, length, height, width or "
                f"depth{near}"
            )
            raise ArgumentError(message)
        return Measure(name, "whole", layer=layer or None, extent=extent)
    raise ArgumentError(unknown_measure(name))


def is_measure(name: str) -> bool:
    """Whether a name is that of a measure, by its form alone."""
    return name in MEASURES or name.partition(".")[0] in ("largest_batch", "output")


def unknown_measure(name: str, others: Iterable[str] = ()) -> str:
    """What is wrong with the name of no measure; `others` are names that may be meant as well."""
    from convcalc.nearness import asked

    known = [*MEASURES, *others]
    near = asked([name], known)
    listed = ", ".join((*MEASURES, *FAMILIES, *others))
    return f"{name!r} is nothing that a design has{near or f'; there are {listed}'}"
