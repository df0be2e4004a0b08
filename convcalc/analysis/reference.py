"""What there is to say about a kind of layer: its fields, its formulas and an example, as values.

The reference in docs/spec.md and `convcalc kinds` are texts of these values, so they say the same.
Sentences and fields come from the layer's class; formulas come from the plan of the example, on
numbers that remember.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from convcalc.graph import loads
from convcalc.graph.planned import planned
from convcalc.layers import BRANCHES, BRANCHES_DOC, CATALOGUE, Family, layer_class
from convcalc.layers.base import (
    MAX_NUMBER,
    MAX_WHOLE,
    Declared,
    Layer,
    Plan,
    declarations,
    defaults,
)
from convcalc.layers.letters import AXES, lettered_call
from convcalc.numbers import value_text
from convcalc.reasons import filled, formula, name_of
from convcalc.shape import Shape

FAMILIES: Mapping[Family, str] = MappingProxyType(
    {
        "dense": "Weighted sums",
        "pool": "Pooling",
        "norm": "Normalization",
        "activation": "Activation functions",
        "softmax": "Softmax",
        "identity": "Nothing in inference",
        "view": "The same values in another shape",
        "resize": "Another size of the map",
        "channels": "Other channels",
        "merge": "Branches that meet",
        "recurrent": "A state that goes along a sequence",
        "source": "What reads no values",
    }
)
"""Family → what its kinds are, in the order of the catalogue."""

_POSITIVE = "32x32x16"

EXAMPLES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "conv": ("227x227x3", "conv: {filters: 96, kernel: 11, stride: 4}"),
        "depthwise_conv": ("112x112x32", "depthwise_conv: {kernel: 3, padding: 1}"),
        "conv_transpose": ("16x16x64", "conv_transpose: {filters: 32, kernel: 2, stride: 2}"),
        "separable_conv": ("32x32x64", "separable_conv: {filters: 128, kernel: 3, padding: 1}"),
        "locally_connected": ("24x24x16", "locally_connected: {filters: 32, kernel: 3}"),
        "linear": ("4096", "linear: 1000"),
        "lstm": ("26x512", "lstm: {features: 256, bidirectional: true}"),
        "gru": ("100x128", "gru: 256"),
        "maxpool": ("55x55x96", "maxpool: {kernel: 3, stride: 2}"),
        "avgpool": ("28x28x6", "avgpool: 2"),
        "lppool": ("28x28x6", "lppool: {kernel: 2, norm: 3}"),
        "adaptive_avgpool": ("14x14x512", "adaptive_avgpool: 7"),
        "adaptive_maxpool": ("14x14x512", "adaptive_maxpool: 7"),
        "global_avgpool": ("7x7x2048", "global_avgpool"),
        "global_maxpool": ("100x128", "global_maxpool"),
        "maxunpool": ("28x28x64", "layers: [{name: pool, maxpool: 2}, maxunpool: {indices: pool}]"),
        "kmaxpool": ("18x48", "kmaxpool: 9"),
        "channel_avgpool": (_POSITIVE, "channel_avgpool"),
        "channel_maxpool": (_POSITIVE, "channel_maxpool"),
        "batchnorm": ("56x56x64", "batchnorm"),
        "groupnorm": ("56x56x64", "groupnorm: 32"),
        "layernorm": ("56x56x96", "layernorm"),
        "instancenorm": ("128x128x32", "instancenorm: {affine: true}"),
        "lrn": ("55x55x96", "lrn: {size: 5, alpha: 0.0001, k: 2}"),
        "l2norm": ("38x38x512", "l2norm"),
        "relu": (_POSITIVE, "relu"),
        "relu6": (_POSITIVE, "relu6"),
        "leaky_relu": (_POSITIVE, "leaky_relu: 0.1"),
        "prelu": (_POSITIVE, "prelu: {slopes: channels}"),
        "elu": (_POSITIVE, "elu: {alpha: 0.5}"),
        "selu": (_POSITIVE, "selu"),
        "gelu": (_POSITIVE, "gelu: {approximate: tanh}"),
        "silu": (_POSITIVE, "silu"),
        "mish": (_POSITIVE, "mish"),
        "sigmoid": (_POSITIVE, "sigmoid"),
        "hardsigmoid": (_POSITIVE, "hardsigmoid"),
        "hardswish": (_POSITIVE, "hardswish"),
        "tanh": (_POSITIVE, "tanh"),
        "abs": (_POSITIVE, "abs"),
        "softplus": (_POSITIVE, "softplus: {beta: 2}"),
        "softmax": ("1000", "softmax"),
        "log_softmax": ("1000", "log_softmax"),
        "dropout": ("4096", "dropout: 0.5"),
        "identity": (_POSITIVE, "identity"),
        "flatten": ("7x7x512", "flatten"),
        "reshape": ("16384", "reshape: 4x4x1024"),
        "permute": ("28x32x1", "permute: [2, 1, 3]"),
        "pixel_shuffle": ("32x32x64", "pixel_shuffle: 2"),
        "space_to_depth": ("26x26x64", "space_to_depth: 2"),
        "channel_shuffle": ("28x28x240", "channel_shuffle: 3"),
        "pad": ("30x30x16", "pad: {padding: 1, mode: reflect}"),
        "crop": ("64x64x16", "crop: 4"),
        "upsample": ("16x16x64", "upsample: {scale: 2, mode: linear}"),
        "slice": ("28x28x64", "slice: {start: 0, stop: 32}"),
        "scale": ("56x56x96", "scale"),
        "affine": ("48x48x256", "affine: {times: 0.1}"),
        "add": (_POSITIVE, "add: [[], [conv: {filters: 16, kernel: 3, padding: 1}]]"),
        "subtract": (_POSITIVE, "subtract: [[], [global_avgpool]]"),
        "multiply": (
            _POSITIVE,
            "multiply: [[], [global_avgpool, conv: {filters: 16, kernel: 1}, sigmoid]]",
        ),
        "divide": (_POSITIVE, "divide: [[], [global_maxpool, softplus]]"),
        "maximum": (_POSITIVE, "maximum: [[], [conv: {filters: 16, kernel: 1}]]"),
        "concat": (
            _POSITIVE,
            "concat: [[], [conv: {filters: 8, kernel: 1}]]",
        ),
        "attention": ("197x768", "attention: 12"),
        "learned": ("196x768", "add: [[], [learned: 196x768]]"),
        "embedding": ("50x1", "embedding: {entries: 30000, features: 128}"),
        "matmul": ("1024x3", "matmul: [[], [global_maxpool, flatten, linear: 9, reshape: 3x3]]"),
    }
)
"""Kind → the input that its example is for, and the item."""


SPLIT = "split"
"""What is described with the kinds and is none: its layers are slices."""
SPLIT_EXAMPLE = "split: {into: {a: 16, b: 48}}"
DESCRIBED = tuple(
    word for kind in CATALOGUE for word in ((kind, SPLIT) if kind == "slice" else (kind,))
)
"""What there is a reference of: every kind, and items that make layers of other kinds."""
LISTED = ("axes", "extents")
"""Forms of fields that may be extents of the output, as `size` is."""


class FieldReference(NamedTuple):
    """A field of a kind, as the reference shows it."""

    name: str
    """What a spec calls it."""
    takes: str
    """Form and bounds of the value, or its words: `whole ≥ 1`."""
    words: tuple[str, ...]
    """The words that it may be, where it is a choice; else ()."""
    default: str | None
    """What it is when it is left out, as a spec says it; None where nothing can be written."""
    required: bool
    """Whether it cannot be left out."""
    doc: str
    """What it means, in a sentence."""


class Formula(NamedTuple):
    """How a number of the example comes about."""

    what: str
    """Which number: `H′` of the output, `Parameters`."""
    letters: str
    """The formula in the letters of the fields: `(H − F + 2·P)/S + 1`."""
    numbers: str
    """The same with the example's numbers; a sum that needs no working out is its result."""
    value: int
    """The example's number: values, multiply-accumulates or positions."""


class KindReference(NamedTuple):
    """All that the reference says about a kind of layer."""

    kind: str
    """What a spec calls it."""
    family: Family
    """What its kind is like; a family's layers get the same advice."""
    sentences: tuple[str, ...]
    """What it does, what it makes of a shape, and where that is defined."""
    source: str
    """Where it is defined: papers, operators, modules."""
    merges: bool
    """Whether it takes a list of branches."""
    fields: tuple[FieldReference, ...]
    """Its fields, the principal one first; () where it has none."""
    example: str
    """An item of a spec, as YAML."""
    inputs: tuple[Shape, ...]
    """The shapes that the example reads, of one example each."""
    plan: Plan
    """What the example makes of them."""
    formulas: tuple[Formula, ...]
    """Where the example's numbers come from; without those that are the input's."""

    @property
    def summary(self) -> str:
        """What it does, in a sentence."""
        return self.sentences[0]

    @property
    def parameters(self) -> int:
        """Values of the example that an optimizer updates."""
        return sum(weight.size for weight in self.plan.weights if not weight.buffer)

    @property
    def buffers(self) -> int:
        """Values of the example's running statistics."""
        return sum(weight.size for weight in self.plan.weights if weight.buffer)


def describe(kind: str) -> KindReference:
    """What there is to say about a kind of layer; `KeyError` when there is no such kind.

    >>> conv = describe("conv")
    >>> [field.name for field in conv.fields if field.required]
    ['filters', 'kernel']
    >>> conv.formulas[1][:3]
    ('H′', '(H − F + 2·P)/S + 1', '(227 − 11 + 2·0)/4 + 1')
    """
    if kind == SPLIT:
        return _split()
    layer = layer_class(kind)
    doc = " ".join((layer.__doc__ or "").split())
    sentences = tuple(re.split(r"(?<=[.)]) (?=[A-Z])", doc))
    network = planned(loads(example_spec(kind)))
    node = next(each for each in network.nodes if each.kind == kind)
    inputs = tuple(map(network.shape_of, node.inputs))
    return KindReference(
        kind=kind,
        family=CATALOGUE[kind].family,
        sentences=sentences,
        source=doc.partition("Source: ")[2].removesuffix("."),
        merges=layer.inputs == "many",
        fields=tuple(_fields(layer)),
        example=f"- {EXAMPLES[kind][1]}",
        inputs=inputs,
        plan=node.layer.plan(inputs),
        formulas=tuple(_formulas(node.layer, inputs)),
    )


def _split() -> KindReference:
    """The item that makes slices of a tensor; its example is the first of them."""
    network = planned(loads(example_spec(SPLIT)))
    shape = network.shape_of(0)
    axis = declarations(layer_class("slice"))["axis"]
    into = "What the parts are called, which are equal, or each name with the part's size."
    return KindReference(
        kind=SPLIT,
        family="channels",
        sentences=(
            "Parts of a tensor, one behind the other, each an ordinary slice with a name.",
            "The item itself passes the tensor on as it is, and `from` starts from a part.",
            "Shapes: H×W×C → H×W×A, H×W×B, …; the example shows the first.",
            "Source: torch.split; torch.chunk; tf.split; ONNX operator Split.",
        ),
        source="torch.split; torch.chunk; tf.split; ONNX operator Split",
        merges=False,
        fields=(
            FieldReference("into", "names, or names with sizes", (), None, True, into),
            FieldReference(
                "axis", takes(axis), axis.choices, "channels", False, "Axis that is cut."
            ),
        ),
        example=f"- {SPLIT_EXAMPLE}",
        inputs=(shape,),
        plan=network.plans[1],
        formulas=(),
    )


def example_spec(kind: str) -> str:
    """The example of a kind as a whole spec."""
    shape, item = ("28x28x64", SPLIT_EXAMPLE) if kind == SPLIT else EXAMPLES[kind]
    return f"input: {shape}\nlayers:\n  - {item}\n"


def takes(declared: Declared) -> str:
    """The values that a field has, by form and bounds, or its words.

    >>> takes(declarations(layer_class("conv"))["kernel"])
    'axes ≥ 1'
    """
    if declared.choices:
        return ", ".join(declared.choices)
    limits = []
    if declared.minimum not in (None, -MAX_WHOLE, -MAX_NUMBER):
        limits.append(f"≥ {declared.minimum:g}")
    if declared.above is not None:
        limits.append(f"> {declared.above:g}")
    if declared.maximum not in (None, MAX_WHOLE, MAX_NUMBER):
        limits.append(f"≤ {declared.maximum:g}")
    return f"{declared.form} {', '.join(limits)}".strip()


def _fields(layer: type[Layer]) -> Iterator[FieldReference]:
    usual, declared_fields = defaults(layer), declarations(layer)
    merges = layer.inputs == "many"
    branches = FieldReference(BRANCHES, "list of branches", (), None, merges, BRANCHES_DOC)
    if merges and declared_fields:
        yield branches
    for name, declared in declared_fields.items():
        value = usual.get(name)
        default = None if value is None else value_text((value,) if declared.sided else value)
        required = name not in usual
        yield FieldReference(
            name, takes(declared), declared.choices, default, required, declared.doc
        )
    if layer.inputs == "either":
        yield branches


def _formulas(layer: Layer, inputs: Sequence[Shape]) -> Iterator[Formula]:
    """The numbers of a layer's plan that are neither an input's nor zero, and where they are from.

    Axes that come about alike are shown once: what holds of the height holds of the width.
    """
    given = {name for name, each in declarations(type(layer)).items() if each.form in LISTED}
    layer, inputs = lettered_call(layer, inputs)
    plan = layer.plan(inputs)
    output, letters = plan.output, AXES[plan.output.rank]
    extents = list(zip(letters, output.spatial, strict=True))
    names = {
        name_of(extent): f"{letter}′"
        for letter, extent in extents
        if not _is_given(extent, {letter, *given})
    }
    seen = set()
    for letter, extent in [("C", output.channels), *extents]:
        text = formula(extent)
        alike = re.sub(rf"\b{letter}\b", "H", text)
        if _is_given(extent, {letter, *given}) or alike in seen:
            continue
        seen.add(alike)
        yield Formula(f"{letter}′", text, filled(extent), int(extent))
    counts = {
        "Parameters": sum(weight.size for weight in plan.weights if not weight.buffer),
        "Buffers": sum(weight.size for weight in plan.weights if weight.buffer),
        "MACs": plan.macs,
    }
    for what, count in counts.items():
        if count:
            yield Formula(what, formula(count, names), filled(count, names), int(count))


def _is_given(extent: int, names: Collection[str]) -> bool:
    """Whether nothing is worked out: a constant of the layer's, an input's extent, or a field."""
    text = formula(extent)
    return text == filled(extent) or (text.isidentifier() and text.partition("_")[0] in names)
