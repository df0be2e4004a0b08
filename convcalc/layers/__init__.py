"""The catalogue of layers: every kind there is, where its class is, and what it is like.

A module is imported when a spec first names one of its kinds, because start-up is a feature; what
others need to know of a kind without its class stands in its row.
"""

from collections.abc import Mapping
from enum import Flag, auto
from importlib import import_module
from types import MappingProxyType
from typing import Literal, NamedTuple

from convcalc.layers.base import Layer, Plan, Product, Weight

__all__ = [
    "CATALOGUE",
    "FIRST",
    "GIVEN",
    "SOURCES",
    "Fact",
    "Family",
    "Kind",
    "Layer",
    "Plan",
    "Product",
    "Weight",
    "kinds",
    "layer_class",
]

Family = Literal[
    "dense", "pool", "norm", "activation", "softmax", "identity", "view", "resize", "channels",
    "merge", "source",
]  # fmt: skip
"""What a kind is: weighted sums, pooling, normalization, an activation function, a softmax, nothing
in inference, the same values in another shape, another size of the map, other channels, branches
that meet, or what reads nothing and stands at the start."""


class Fact(Flag):
    """What holds of every layer of a kind, whatever its fields."""

    MIXES = auto()
    """Every output is a weighted sum over all channels of its group."""
    SLIDES = auto()
    """A kernel slides over the input, so it can leave out values or shrink the map."""
    MAXIMUM = auto()
    """Every output is the largest of its values."""
    LINEAR = auto()
    """Linear in its input in inference, by its place and not by mixing channels."""
    NONNEGATIVE = auto()
    """No output is below 0."""
    KEEPS_NONNEGATIVE = auto()
    """Values that are not below 0 come out as they are."""
    STAYS_NONNEGATIVE = auto()
    """No output is below 0 where no input is."""
    KEEPS_PLACES = auto()
    """Every position of its one input comes out where it went in; its channels may be others."""
    KEEPS_CHANNELS = auto()
    """As many channels come out as its one input has."""
    COUPLED = auto()
    """Every output depends on statistics over positions, so all have to be seen at once."""


NOTHING = Fact(0)
"""No fact beyond the family's."""
KEEPS_SHAPE = Fact.KEEPS_PLACES | Fact.KEEPS_CHANNELS
"""Each value comes out at the position that it went in at, and nothing else does."""
COMMON: Mapping[Family, Fact] = MappingProxyType(
    {
        "pool": Fact.KEEPS_CHANNELS | Fact.STAYS_NONNEGATIVE,
        "norm": KEEPS_SHAPE,
        "activation": KEEPS_SHAPE | Fact.STAYS_NONNEGATIVE,
        "softmax": KEEPS_SHAPE,
        "identity": KEEPS_SHAPE | Fact.STAYS_NONNEGATIVE,
        "view": Fact.STAYS_NONNEGATIVE,
    }
)
"""What holds of every kind of a family. A kind of which it does not is of another family: one that
is like an activation but changes the channels is one of `channels`."""


class Kind(NamedTuple):
    """A kind of layer: where it is, and what others need to know of it without importing it."""

    module: str
    """Module of this package."""
    name: str
    """Name of the class there."""
    family: Family
    """What it is; a family's layers get the same advice."""
    own: Fact = NOTHING
    """What holds of it beyond its family."""

    @property
    def facts(self) -> Fact:
        """What holds of it."""
        return self.own | COMMON.get(self.family, NOTHING)


CATALOGUE: Mapping[str, Kind] = MappingProxyType({
    "conv": Kind("convolution", "Conv", "dense", Fact.MIXES | Fact.SLIDES),
    "depthwise_conv": Kind("convolution", "DepthwiseConv", "dense", Fact.SLIDES),
    "conv_transpose": Kind("conv_transpose", "ConvTranspose", "dense"),
    "locally_connected": Kind(
        "locally_connected", "LocallyConnected", "dense", Fact.MIXES | Fact.SLIDES
    ),
    "linear": Kind("linear", "Linear", "dense", Fact.MIXES),
    "maxpool": Kind("pooling", "MaxPool", "pool", Fact.SLIDES | Fact.MAXIMUM),
    "avgpool": Kind("pooling", "AvgPool", "pool", Fact.SLIDES | Fact.LINEAR),
    "lppool": Kind("pooling", "LpPool", "pool", Fact.SLIDES),
    "adaptive_avgpool": Kind("adaptive_pooling", "AdaptiveAvgPool", "pool", Fact.LINEAR),
    "adaptive_maxpool": Kind("adaptive_pooling", "AdaptiveMaxPool", "pool", Fact.MAXIMUM),
    "global_avgpool": Kind("adaptive_pooling", "GlobalAvgPool", "pool", Fact.LINEAR),
    "global_maxpool": Kind("adaptive_pooling", "GlobalMaxPool", "pool", Fact.MAXIMUM),
    "batchnorm": Kind("normalization", "BatchNorm", "norm", Fact.COUPLED),
    "groupnorm": Kind("normalization", "GroupNorm", "norm", Fact.COUPLED),
    "layernorm": Kind("normalization", "LayerNorm", "norm", Fact.COUPLED),
    "instancenorm": Kind("normalization", "InstanceNorm", "norm", Fact.COUPLED),
    "lrn": Kind("normalization", "LocalResponseNorm", "norm", Fact.STAYS_NONNEGATIVE),
    "relu": Kind("activation", "Relu", "activation", Fact.NONNEGATIVE | Fact.KEEPS_NONNEGATIVE),
    "relu6": Kind("activation", "Relu6", "activation", Fact.NONNEGATIVE),
    "leaky_relu": Kind(
        "parametric_activation", "LeakyRelu", "activation", Fact.KEEPS_NONNEGATIVE
    ),
    "prelu": Kind("parametric_activation", "Prelu", "activation", Fact.KEEPS_NONNEGATIVE),
    "elu": Kind("parametric_activation", "Elu", "activation", Fact.KEEPS_NONNEGATIVE),
    "selu": Kind("activation", "Selu", "activation"),
    "gelu": Kind("parametric_activation", "Gelu", "activation"),
    "silu": Kind("activation", "Silu", "activation"),
    "mish": Kind("activation", "Mish", "activation"),
    "sigmoid": Kind("activation", "Sigmoid", "activation", Fact.NONNEGATIVE),
    "hardsigmoid": Kind("activation", "Hardsigmoid", "activation", Fact.NONNEGATIVE),
    "hardswish": Kind("activation", "Hardswish", "activation"),
    "tanh": Kind("activation", "Tanh", "activation"),
    "softplus": Kind("parametric_activation", "Softplus", "activation", Fact.NONNEGATIVE),
    "softmax": Kind(
        "activation", "Softmax", "softmax", Fact.NONNEGATIVE | Fact.STAYS_NONNEGATIVE
    ),
    "log_softmax": Kind("activation", "LogSoftmax", "softmax"),
    "dropout": Kind("dropout", "Dropout", "identity", Fact.LINEAR),
    "flatten": Kind("rearrange", "Flatten", "view", Fact.LINEAR),
    "reshape": Kind("rearrange", "Reshape", "view", Fact.LINEAR),
    "permute": Kind("rearrange", "Permute", "view"),
    "pixel_shuffle": Kind("shuffle", "PixelShuffle", "resize", Fact.STAYS_NONNEGATIVE),
    "channel_shuffle": Kind(
        "shuffle", "ChannelShuffle", "channels", KEEPS_SHAPE | Fact.STAYS_NONNEGATIVE
    ),
    "pad": Kind("border", "Pad", "resize", Fact.LINEAR | Fact.KEEPS_CHANNELS),
    "crop": Kind("border", "Crop", "resize", Fact.KEEPS_CHANNELS | Fact.STAYS_NONNEGATIVE),
    "upsample": Kind("upsample", "Upsample", "resize", Fact.KEEPS_CHANNELS),
    "slice": Kind("channels", "Slice", "channels", Fact.KEEPS_PLACES | Fact.STAYS_NONNEGATIVE),
    "scale": Kind("channels", "Scale", "channels", Fact.LINEAR | KEEPS_SHAPE),
    "add": Kind("merge", "Add", "merge"),
    "multiply": Kind("merge", "Multiply", "merge"),
    "concat": Kind("merge", "Concat", "merge"),
})  # fmt: skip
"""Every kind that a spec can name, in the order of the documentation; it cannot be changed from
outside."""

FIRST = frozenset({
    "conv", "depthwise_conv", "conv_transpose", "locally_connected", "linear", "maxpool", "avgpool",
    "lppool", "adaptive_avgpool", "adaptive_maxpool", "global_avgpool", "global_maxpool",
    "batchnorm", "groupnorm", "layernorm", "instancenorm", "lrn", "relu", "relu6", "leaky_relu",
    "prelu", "elu", "selu", "gelu", "silu", "mish", "sigmoid", "hardsigmoid", "hardswish", "tanh",
    "softplus", "softmax", "log_softmax", "dropout", "flatten", "reshape", "permute",
    "pixel_shuffle", "channel_shuffle", "pad", "crop", "upsample", "slice", "scale", "add",
    "multiply", "concat",
})  # fmt: skip
"""The kinds of version 0.1, which none is added to: a block that has the name of a later kind may
be older than the kind, so what knows no blocks says nothing of that kind's fields."""

GIVEN: Mapping[str, Kind] = MappingProxyType({"input": Kind("source", "Input", "source")})
"""Kinds that no item of a spec names: layers that a network has because it is one."""

_loaded: dict[str, type[Layer]] = {}


def layer_class(kind: str) -> type[Layer]:
    """The class of a kind of layer; `KeyError` when there is no such kind."""
    layer = _loaded.get(kind)
    if layer is None:
        row = GIVEN.get(kind) or CATALOGUE[kind]
        layer = getattr(import_module(f"convcalc.layers.{row.module}"), row.name)
        _loaded[kind] = layer
    return layer


def kinds(*families: Family, having: Fact = NOTHING, lacking: Fact = NOTHING) -> frozenset[str]:
    """The kinds of these families (of all, if none is named) that have all of some facts.

    `lacking` leaves out those that have any of its facts.

    >>> sorted(kinds("pool", having=Fact.MAXIMUM, lacking=Fact.SLIDES))
    ['adaptive_maxpool', 'global_maxpool']
    """
    return frozenset(
        kind
        for kind, row in (*GIVEN.items(), *CATALOGUE.items())
        if (not families or row.family in families)
        and having in row.facts
        and not lacking & row.facts
    )


SOURCES = kinds("source")
"""Kinds that read nothing; tables of layers leave them out."""
