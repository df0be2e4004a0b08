"""The catalogue of layers: every kind there is, where its class is, and what it is like.

A module is imported when a spec first names one of its kinds, because start-up is a feature; what
others need to know of a kind without its class stands in its row.
"""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Literal, NamedTuple

from convcalc.layers.base import Layer, Plan, Product, Weight, declarations

__all__ = [
    "BRANCHES",
    "CATALOGUE",
    "CONSTANTS",
    "FIRST",
    "FOLLOWING",
    "GIVEN",
    "NAMING",
    "PLACED_BY_PLAN",
    "READING_NOTHING",
    "SOURCES",
    "UNPOOL",
    "Fact",
    "Family",
    "Kind",
    "Layer",
    "Plan",
    "Product",
    "Weight",
    "field_names",
    "keeps_places",
    "kinds",
    "layer_class",
    "takes_branches",
    "transposes",
    "weights_fit",
]

Family = Literal[
    "dense", "pool", "norm", "activation", "softmax", "identity", "view", "resize", "channels",
    "merge", "recurrent", "source",
]  # fmt: skip
"""What a kind is: weighted sums, pooling, normalization, an activation function, a softmax, nothing
in inference, the same values in another shape, another size of the map, other channels, branches
that meet, a state that goes along a sequence, or what reads no values: what a network starts from,
and what is learned."""


Fact = Literal[
    "mixes", "slides", "maximum", "linear", "nonnegative", "keeps_nonnegative",
    "stays_nonnegative", "keeps_places", "keeps_channels", "coupled", "indices", "sums", "follows",
    "sized", "placed_by_plan", "single", "weighted",
]  # fmt: skip
"""What holds of every layer of a kind, whatever its fields; the last three are about those.

- mixes: every output is a weighted sum over all channels of its group
- slides: a kernel slides over the input, so it can leave out values or shrink the map
- maximum: every output is the largest of its values
- linear: linear in its input in inference, by its place and not by mixing channels
- nonnegative: no output is below 0
- keeps_nonnegative: values that are not below 0 come out as they are
- stays_nonnegative: no output is below 0 where no input is
- keeps_places: every position of its one input comes out where it went in; its channels may be
  others
- keeps_channels: as many channels come out as its one input has
- coupled: every output depends on statistics over positions, so all have to be seen at once
- indices: its input is one of the network's, of whole numbers that say what is looked up: int64,
  whatever the data type of all else
- sums: its inputs are added, or taken off, value by value, so that each makes the output vary more
- single: in memory one example alone is another thing to it than each of several
- follows: the field `like` names a tensor, which it makes its map as large as
- sized: the field `size` is how large its map is, whatever comes in
- weighted: with some of its fields it has weights of its own; the others never have any
- placed_by_plan: its fields say whether every position comes out where it went in, which its plan
  tells; so it has no `keeps_places`
"""

Facts = tuple[Fact, ...]

KEEPS_SHAPE: Facts = ("keeps_places", "keeps_channels")
"""Each value comes out at the position that it went in at, and nothing else does."""
COMMON: Mapping[Family, Facts] = MappingProxyType(
    {
        "dense": ("weighted",),
        "recurrent": ("weighted",),
        "pool": ("keeps_channels", "stays_nonnegative"),
        "norm": KEEPS_SHAPE,
        "activation": (*KEEPS_SHAPE, "stays_nonnegative"),
        "softmax": KEEPS_SHAPE,
        "identity": (*KEEPS_SHAPE, "stays_nonnegative"),
        "view": ("stays_nonnegative",),
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
    own: Facts = ()
    """What holds of it beyond its family."""

    @property
    def facts(self) -> frozenset[Fact]:
        """What holds of it."""
        return frozenset((*self.own, *COMMON.get(self.family, ())))


CATALOGUE: Mapping[str, Kind] = MappingProxyType({
    "conv": Kind("convolution", "Conv", "dense", ("mixes", "slides")),
    "depthwise_conv": Kind("convolution", "DepthwiseConv", "dense", ("slides",)),
    "conv_transpose": Kind("conv_transpose", "ConvTranspose", "dense"),
    "separable_conv": Kind("separable", "SeparableConv", "dense", ("mixes", "slides")),
    "locally_connected": Kind(
        "locally_connected", "LocallyConnected", "dense", ("mixes", "slides")
    ),
    "linear": Kind("linear", "Linear", "dense", ("mixes", "keeps_places")),
    "lstm": Kind("recurrent", "Lstm", "recurrent"),
    "gru": Kind("recurrent", "Gru", "recurrent"),
    "maxpool": Kind("pooling", "MaxPool", "pool", ("slides", "maximum")),
    "avgpool": Kind("pooling", "AvgPool", "pool", ("slides", "linear")),
    "lppool": Kind("pooling", "LpPool", "pool", ("slides",)),
    "adaptive_avgpool": Kind("adaptive_pooling", "AdaptiveAvgPool", "pool", ("linear", "sized")),
    "adaptive_maxpool": Kind("adaptive_pooling", "AdaptiveMaxPool", "pool", ("maximum", "sized")),
    "global_avgpool": Kind("adaptive_pooling", "GlobalAvgPool", "pool", ("linear",)),
    "global_maxpool": Kind("adaptive_pooling", "GlobalMaxPool", "pool", ("maximum",)),
    "kmaxpool": Kind("kmaxpool", "KMaxPool", "pool"),
    "maxunpool": Kind("unpooling", "MaxUnpool", "resize", ("keeps_channels", "stays_nonnegative")),
    "channel_avgpool": Kind(
        "channel_pooling",
        "ChannelAvgPool",
        "channels",
        ("linear", "keeps_places", "stays_nonnegative"),
    ),
    "channel_maxpool": Kind(
        "channel_pooling", "ChannelMaxPool", "channels", ("keeps_places", "stays_nonnegative")
    ),
    "batchnorm": Kind("normalization", "BatchNorm", "norm", ("coupled", "weighted")),
    "groupnorm": Kind("normalization", "GroupNorm", "norm", ("coupled", "weighted")),
    "layernorm": Kind("normalization", "LayerNorm", "norm", ("coupled", "weighted")),
    "instancenorm": Kind("normalization", "InstanceNorm", "norm", ("coupled", "weighted")),
    "lrn": Kind("normalization", "LocalResponseNorm", "norm", ("stays_nonnegative",)),
    "l2norm": Kind("l2norm", "L2Norm", "norm", ("weighted",)),
    "relu": Kind("activation", "Relu", "activation", ("nonnegative", "keeps_nonnegative")),
    "relu6": Kind("activation", "Relu6", "activation", ("nonnegative",)),
    "leaky_relu": Kind(
        "parametric_activation", "LeakyRelu", "activation", ("keeps_nonnegative",)
    ),
    "prelu": Kind(
        "parametric_activation", "Prelu", "activation", ("keeps_nonnegative", "weighted")
    ),
    "elu": Kind("parametric_activation", "Elu", "activation", ("keeps_nonnegative",)),
    "selu": Kind("activation", "Selu", "activation"),
    "gelu": Kind("parametric_activation", "Gelu", "activation"),
    "silu": Kind("activation", "Silu", "activation"),
    "mish": Kind("activation", "Mish", "activation"),
    "sigmoid": Kind("activation", "Sigmoid", "activation", ("nonnegative",)),
    "hardsigmoid": Kind("activation", "Hardsigmoid", "activation", ("nonnegative",)),
    "hardswish": Kind("activation", "Hardswish", "activation"),
    "tanh": Kind("activation", "Tanh", "activation"),
    "abs": Kind("activation", "Abs", "activation", ("nonnegative", "keeps_nonnegative")),
    "softplus": Kind("parametric_activation", "Softplus", "activation", ("nonnegative",)),
    "softmax": Kind(
        "activation", "Softmax", "softmax", ("nonnegative", "stays_nonnegative")
    ),
    "log_softmax": Kind("activation", "LogSoftmax", "softmax"),
    "dropout": Kind("dropout", "Dropout", "identity", ("linear",)),
    "identity": Kind("dropout", "Identity", "identity", ("linear", "keeps_nonnegative")),
    "flatten": Kind("rearrange", "Flatten", "view", ("linear",)),
    "reshape": Kind("rearrange", "Reshape", "view", ("linear",)),
    "permute": Kind("rearrange", "Permute", "view"),
    "pixel_shuffle": Kind("shuffle", "PixelShuffle", "resize", ("stays_nonnegative",)),
    "space_to_depth": Kind("shuffle", "SpaceToDepth", "resize", ("stays_nonnegative",)),
    "channel_shuffle": Kind(
        "shuffle", "ChannelShuffle", "channels", (*KEEPS_SHAPE, "stays_nonnegative")
    ),
    "pad": Kind("border", "Pad", "resize", ("linear", "follows")),
    "crop": Kind(
        "border", "Crop", "resize", ("keeps_channels", "stays_nonnegative", "follows", "sized")
    ),
    "upsample": Kind("upsample", "Upsample", "resize", ("keeps_channels", "follows", "sized")),
    "slice": Kind("channels", "Slice", "channels", ("stays_nonnegative", "placed_by_plan")),
    "scale": Kind("channels", "Scale", "channels", ("linear", *KEEPS_SHAPE, "weighted")),
    "affine": Kind("channels", "Affine", "channels", ("linear", *KEEPS_SHAPE)),
    "add": Kind("merge", "Add", "merge", ("sums",)),
    "subtract": Kind("merge", "Subtract", "merge", ("sums",)),
    "multiply": Kind("merge", "Multiply", "merge"),
    "divide": Kind("merge", "Divide", "merge"),
    "maximum": Kind("merge", "Maximum", "merge"),
    "concat": Kind("merge", "Concat", "merge"),
    "matmul": Kind("matmul", "Matmul", "merge"),
    "attention": Kind(
        "attention", "Attention", "channels", ("coupled", *KEEPS_SHAPE, "single", "weighted")
    ),
    "learned": Kind("learned", "Learned", "source", ("single", "weighted")),
    "embedding": Kind(
        "embedding", "Embedding", "channels", ("indices", "keeps_places", "weighted")
    ),
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

BRANCHES = "branches"
"""What the branches of a layer stand under beside its fields: they are no field of its class, but
what it reads. Of a kind that merges they may stand alone, as the principal field."""
BRANCHES_DOC = "The branches, each a list of items that starts from the current tensor."
"""What stands there, in a sentence."""

_loaded: dict[str, type[Layer]] = {}


def layer_class(kind: str) -> type[Layer]:
    """The class of a kind of layer; `KeyError` when there is no such kind."""
    layer = _loaded.get(kind)
    if layer is None:
        row = GIVEN.get(kind) or CATALOGUE[kind]
        layer = getattr(import_module(f"convcalc.layers.{row.module}"), row.name)
        _loaded[kind] = layer
    return layer


def takes_branches(kind: str) -> bool:
    """Whether an item of a kind may have branches; False for what is no kind of layer.

    >>> takes_branches("concat"), takes_branches("conv"), takes_branches("stage")
    (True, False, False)
    """
    return kind in CATALOGUE and layer_class(kind).inputs != "one"


def field_names(kind: str) -> list[str]:
    """The names that may stand under a kind, its principal field first.

    >>> field_names("add"), field_names("affine")
    (['branches'], ['times', 'plus'])
    """
    names, inputs = list(declarations(layer_class(kind))), layer_class(kind).inputs
    return [BRANCHES, *names] if inputs == "many" else names + [BRANCHES] * (inputs == "either")


def keeps_places(kind: str, plan: Plan | None) -> bool:
    """Whether every position of a layer's one input comes out where it went in.

    That of a kind of which it depends on fields is for its plan to say.
    """
    if kind in PLACED_BY_PLAN:
        return plan is not None and plan.positions == "kept"
    return "keeps_places" in (GIVEN.get(kind) or CATALOGUE[kind]).facts


def kinds(
    *families: Family, having: Fact | Facts = (), lacking: Fact | Facts = ()
) -> frozenset[str]:
    """The kinds of these families (of all, if none is named) that have all of some facts.

    `lacking` leaves out those that have any of its facts.

    >>> sorted(kinds("pool", having="maximum", lacking="slides"))
    ['adaptive_maxpool', 'global_maxpool']
    """
    wanted = {having} if isinstance(having, str) else {*having}
    unwanted = {lacking} if isinstance(lacking, str) else {*lacking}
    return frozenset(
        kind
        for kind, row in (*GIVEN.items(), *CATALOGUE.items())
        if (not families or row.family in families)
        and wanted <= row.facts
        and not unwanted & row.facts
    )


UNPOOL = "maxunpool"
"""The kind whose layers undo a pool that they name, and read what that reads."""
FOLLOWING = kinds(having="follows")
"""Kinds with a field that names a tensor, which they make their map as large as."""
NAMING: Mapping[str, str] = MappingProxyType(
    {**dict.fromkeys(FOLLOWING, "like"), UNPOOL: "indices"}
)
"""Kinds with a field that names a tensor, by that field: one to be as large as, or to undo."""
PLACED_BY_PLAN = kinds(having="placed_by_plan")
"""Kinds whose fields say whether every position comes out where it went in."""
SOURCES = frozenset(GIVEN)
"""Kinds that stand for an input of the network; tables of layers leave them out."""
READING_NOTHING = kinds("source")
"""Kinds that read no values, though a constant of a spec stands behind a tensor."""
CONSTANTS = READING_NOTHING - SOURCES
"""Kinds that read nothing of the tensor that they stand behind: what is learned."""


CONVOLUTIONS = frozenset({"conv", "depthwise_conv"})
"""Kinds whose weight has the layout of a transposed convolution's: what is filters of one is
channels of the other."""


def transposes(kind: str, other: str) -> bool:
    """Whether of two kinds one is a convolution, and the other the transposed one.

    >>> transposes("conv_transpose", "conv"), transposes("conv", "depthwise_conv")
    (True, False)
    """
    pair = (kind, other)
    return "conv_transpose" in pair and not CONVOLUTIONS.isdisjoint(pair)


def weights_fit(
    kind: str, weights: tuple[Weight, ...], other: str, theirs: tuple[Weight, ...]
) -> bool:
    """Whether a layer of a kind, with these weights, can use those of another layer in their place.

    Of the other way round a layer uses the weight alone: their biases belong to different maps.
    """
    return weights == (theirs[:1] if transposes(kind, other) else theirs)
