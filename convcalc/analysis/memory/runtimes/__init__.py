"""What runtimes of small devices make of a network: operators, and the maps between them.

A runtime is a module with a function `lower`, and a row of `RUNTIMES`; what plans memory reads
what is here and knows none of them.
"""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from convcalc.graph.planned import Planned


class Map(NamedTuple):
    """An array that the runtime plans a place for: an input, or what an operator makes."""

    name: str
    """The layer that it is of, and what else it is, where a layer has several: `conv1 (PAD)`."""
    layer: str
    """Full name of the layer that makes it; of an input, of the input itself."""
    shape: tuple[int, ...]
    """Its extents in the runtime's order, channels last; the example's axis is left out."""
    dtype: str
    """Its data type: `int8`, `float32`."""
    bytes: int
    """Its own size in bytes, before it is rounded up."""


class Operator(NamedTuple):
    """One operator of the runtime."""

    name: str
    """What the runtime calls it: `CONV_2D`; of a layer without a rule, the kind of layer."""
    layer: str
    """The layer that it is of; of several that are one operator, the first."""
    reads: tuple[int, ...]
    """The maps that it reads, by number."""
    makes: int
    """The map that it makes, by number."""
    fused: str = ""
    """The activation function that is fused into it: `RELU`, `RELU6`; "" for none."""
    padding: str = ""
    """`SAME` or `VALID`, where its kernel slides; else ""."""
    scratch: tuple[int, ...] = ()
    """Bytes of each buffer that its kernel works with while it runs, before rounding up."""
    constants: tuple[int, ...] = ()
    """Bytes of each constant that it reads: weights, biases, what its axes are."""


class Unruled(NamedTuple):
    """A layer that there is no rule for, so that the plan may not be what the runtime's is."""

    layer: str
    """Full name of the layer; "" for the network as a whole."""
    kind: str
    """Its kind; "" for the network as a whole."""
    reason: str
    """Why there is none, in a clause."""


class Lowered(NamedTuple):
    """A network as a runtime has it."""

    maps: tuple[Map, ...]
    """The inputs, then what the operators make, in their order."""
    operators: tuple[Operator, ...]
    """The operators, in the order in which they run."""
    inputs: int
    """How many of the maps are inputs."""
    outputs: tuple[int, ...]
    """The maps that are the network's outputs, by number."""
    flash: int
    """Bytes of all weights, each once; docs/definitions.md says which."""
    tail: int | None
    """Bytes of the arena's persistent part, an estimate; None where there is none."""
    unruled: tuple[Unruled, ...] = ()
    """Layers without a rule: each stands as one operator with a map and no scratch."""


class Runtime(NamedTuple):
    """A runtime, and what its rules were measured on."""

    title: str
    """What it calls itself."""
    kernels: str
    """The kernels whose scratch the rules have."""
    version: str
    """The version that was measured, and what made its files."""
    alignment: int
    """Bytes that every offset and size is a multiple of."""
    module: str
    """The module of this package that has its rules."""

    def lower(self, network: "Planned", dtype: str) -> Lowered:
        """The network's operators for one example, in the order of its layers."""
        lowered: Lowered = import_module(f"{__name__}.{self.module}").lower(network, dtype)
        return lowered

    @property
    def fused_instead(self) -> Mapping[str, str]:
        """By kind of layer that is not fused, the kind that is and may stand for it."""
        table: Mapping[str, str] = import_module(f"{__name__}.{self.module}").FUSED_INSTEAD
        return table

    @property
    def copies_for_padding(self) -> frozenset[str]:
        """The operators that only copy a map with a border, which a kernel may do without."""
        return frozenset(import_module(f"{__name__}.{self.module}").COPIES)


RUNTIMES: Mapping[str, Runtime] = MappingProxyType(
    {
        "tflite-micro": Runtime(
            title="TensorFlow Lite Micro",
            kernels="reference kernels",
            version="tflite-micro of October 2026, files of TensorFlow 2.21's converter",
            alignment=16,
            module="tflite_micro",
        )
    }
)
"""The runtimes, by name."""
