"""What a layer learns and multiplies, how many values it makes, and why some numbers are 0."""

from collections.abc import Mapping, Sequence
from math import prod
from types import MappingProxyType

from convcalc.analysis.report import DTYPE_BYTES
from convcalc.explanation.figure import Figure, Group, of_bytes, output_names, reasoned, relettered
from convcalc.layers import CATALOGUE, GIVEN, Family, kinds
from convcalc.layers.base import Layer, Plan
from convcalc.layers.convolution import Conv
from convcalc.layers.linear import Linear
from convcalc.numbers import times
from convcalc.reasons import Names, filled, named
from convcalc.shape import Shape

SHARING = kinds("dense", having="slides") - {"locally_connected", "separable_conv"}
"""Kinds that share their weights over positions, and so have fewer than others would need."""

UNCOUNTED: Mapping[Family, str] = MappingProxyType(
    {
        "dense": "it has no weights to multiply by",
        "pool": "it adds or compares the values of a window, and multiplies by no weights",
        "norm": "means, deviations and factors per channel are not counted",
        "activation": "a function of each value is not counted",
        "softmax": "powers and their sum are not counted",
        "identity": "it does nothing in inference",
        "view": "it calculates nothing: the same values are read as another shape",
        "resize": "it moves or blends values, which is not counted",
        "channels": "it selects, moves or scales channels, which is not counted",
        "merge": "sums, products and copies of branches are not counted",
        "recurrent": "it has no weights to multiply by",
        "source": "it reads nothing",
    }
)
"""Family → why its layers have no multiply-accumulates."""
CALCULATES_NOTHING: Mapping[str, str] = MappingProxyType(
    {
        "pixel_shuffle": "it calculates nothing: values move from channels to positions",
        "channel_shuffle": "it calculates nothing: channels change places",
        "pad": "it calculates nothing: values are copied into a larger map",
        "crop": "it calculates nothing: a part of the values is read",
        "slice": "it calculates nothing: a part of the channels is read",
        "scale": "a factor per channel is not counted",
        "embedding": "it calculates nothing: rows of its weights are copied",
        "learned": "it calculates nothing: its values are its weights",
        "upsample": "copies or blends of neighbours are not counted",
        "add": "sums of branches are not counted",
        "multiply": "products of branches are not counted",
        "concat": "it calculates nothing: branches are copied side by side",
        **dict.fromkeys(
            ("avgpool", "adaptive_avgpool", "global_avgpool"),
            "it adds the values of a window and divides by their number, which is not counted",
        ),
        "lppool": "powers of the values of a window and their sum are not counted",
        "maxpool": "it compares the values of a window, and multiplies nothing",
        "adaptive_maxpool": "it compares the values of a region, and multiplies nothing",
        "global_maxpool": "it compares all values of a channel, and multiplies nothing",
        "lrn": "squares, their sum and its power are not counted",
    }
)
"""Kind → the same, where it is another reason than its family's."""


def why_no_macs(kind: str) -> str:
    """Why a kind of layer has no multiply-accumulates."""
    family = (GIVEN.get(kind) or CATALOGUE[kind]).family
    return CALCULATES_NOTHING.get(kind) or UNCOUNTED[family]


def parameters(kind: str, x: Sequence[Shape], plan: Plan, shared_with: str) -> Group:
    """What is learned, and what it would be without sharing; `plan` and `x` are on letters."""
    names = output_names(plan.output)
    learned = [weight for weight in plan.weights if not weight.buffer]
    buffers = [weight for weight in plan.weights if weight.buffer]
    figures: list[Figure] = []
    if len(learned) > 1:
        figures += [reasoned(weight.name, weight.size, names) for weight in learned]
    total = sum(weight.size for weight in learned)
    if learned:
        figures.append(reasoned("parameters", total, names))
    if buffers:
        held = " and ".join(weight.name.replace("_", " ") for weight in buffers)
        size = sum(weight.size for weight in buffers)
        figures.append(reasoned("buffers", size, names, note=held))
    says = [] if learned else ["It learns nothing."]
    if shared_with:
        says.append(f"The weights are those of {shared_with}, where they are counted.")
    if kind in SHARING:
        figures += _unshared(x[0], plan, names)
    return Group("Parameters", tuple(figures), tuple(says))


def _unshared(x: Shape, plan: Plan, names: Names) -> list[Figure]:
    """What a locally connected and a fully connected layer of these sizes would learn."""
    positions, bias = prod(plan.output.spatial), len(plan.weights) > 1
    local = sum(positions * weight.size for weight in plan.weights)
    linear = Linear(features=plan.output.size, bias=bias).plan([Shape(x.size)])
    full = sum(weight.size for weight in linear.weights)
    return [
        reasoned("locally connected", local, names, note="weights of its own at every position"),
        reasoned("fully connected", full, names, note="every output from every input"),
    ]


def as_convolution(layer: Linear, x: Shape, flattened: str) -> Figure:
    """A linear layer as a convolution over a map before it is flattened: it learns as much."""
    filters = named(layer.features, "K")
    kernel = tuple(named(size, "F") for size in x.spatial)
    conv = Conv(filters=filters, kernel=kernel, bias=layer.bias)
    plan = conv.plan([Shape(named(x.channels, "C"), kernel)])
    size: int = sum(weight.size for weight in plan.weights)
    over = times(x.spatial)
    return Figure(
        "as a convolution",
        "",
        filled(size),
        int(size),
        note=f"{layer.features} filters of {over} over the {x} that {flattened} reads make "
        f"{plan.output}",
    )


def multiplications(kind: str, plan: Plan) -> Group:
    """Multiply-accumulates, and FLOPs; `plan` is on letters."""
    names = output_names(plan.output)
    title = "Multiply-accumulates"
    if not plan.macs:
        return Group(title, (Figure("MACs", "", "", 0, note=why_no_macs(kind)),))
    flops: int = 2 * plan.macs
    sums = (reasoned("MACs", plan.macs, names), reasoned("FLOPs", flops, names))
    if len(plan.products) > 1:
        parts = (
            reasoned(
                f"by {each.by}" if isinstance(each.by, str) else "of positions", each.macs, names
            )
            for each in plan.products
        )
        return Group(title, (*parts, *sums))
    if not plan.weights:
        return Group(title, sums)
    shape = plan.weights[0].shape
    taps = shape[len(plan.output.axes) :] if kind == "locally_connected" else shape[1:]
    each = "for each input value" if kind == "conv_transpose" else "for each output value"
    figures = (
        reasoned(each, prod(taps), names, note="weights, the bias left out"),
        *sums,
    )
    return Group(title, figures)


def activations(layer: Layer, plan: Plan, *, batch: int, dtype: str) -> Group:
    """Values of the output and their bytes, where it has storage of its own."""
    size = reasoned("values", relettered(plan.output).size)
    says = {
        "own": "",
        "in_place": "Its input's memory is overwritten, so that it takes none of its own.",
        "view": "It is a view of its input, and takes no memory of its own.",
    }[layer.storage]
    if says:
        return Group("Activations", (size,), (says,))
    return Group(
        "Activations", (size, of_bytes("bytes", plan.output.size, DTYPE_BYTES[dtype], batch))
    )
