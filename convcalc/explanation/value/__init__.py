"""One value of a layer: the numbers that it is made of, from a run of the layers that it needs."""

from collections.abc import Mapping
from importlib import import_module
from math import sqrt
from types import MappingProxyType
from typing import Any, NamedTuple

from convcalc.explanation.value.base import Asked, Made, Name, Patch, position_names
from convcalc.graph.planned import Planned
from convcalc.shape import Shape

EXPLAINERS: Mapping[str, tuple[str, str]] = MappingProxyType({
    "conv": ("products", "conv"),
    "depthwise_conv": ("products", "depthwise_conv"),
    "conv_transpose": ("products", "conv_transpose"),
    "locally_connected": ("products", "locally_connected"),
    "linear": ("products", "linear"),
    "maxpool": ("pooling", "maxpool"),
    "avgpool": ("pooling", "avgpool"),
    "lppool": ("pooling", "lppool"),
    "adaptive_avgpool": ("pooling", "adaptive_avgpool"),
    "adaptive_maxpool": ("pooling", "adaptive_maxpool"),
    "global_avgpool": ("pooling", "global_avgpool"),
    "global_maxpool": ("pooling", "global_maxpool"),
    "batchnorm": ("norms", "batchnorm"),
    "groupnorm": ("norms", "groupnorm"),
    "layernorm": ("norms", "layernorm"),
    "instancenorm": ("norms", "instancenorm"),
    "lrn": ("norms", "lrn"),
    **dict.fromkeys(
        (
            *("relu", "relu6", "leaky_relu", "elu", "selu", "silu", "mish", "sigmoid"),
            *("hardsigmoid", "hardswish", "tanh", "softplus"),
        ),
        ("pointwise", "activation"),
    ),
    "prelu": ("pointwise", "prelu"),
    "gelu": ("pointwise", "gelu"),
    "softmax": ("pointwise", "softmax"),
    "log_softmax": ("pointwise", "log_softmax"),
    "scale": ("pointwise", "scale"),
    "add": ("pointwise", "add"),
    "multiply": ("pointwise", "multiply"),
    "upsample": ("moves", "upsample"),
    **dict.fromkeys(
        (
            *("dropout", "flatten", "reshape", "permute", "pixel_shuffle", "channel_shuffle"),
            *("pad", "crop", "slice", "concat"),
        ),
        ("moves", "copied"),
    ),
})  # fmt: skip
"""Kind → the module of this package and the function there that explains a value of it."""
UNEXPLAINED: Mapping[str, str] = MappingProxyType(
    {"input": "the values of the input are given, and nothing makes them"}
)
"""Kinds of whose values there is nothing to explain, and why."""


SURE = 8
"""λ of `rounding_bound`."""


class Value(NamedTuple):
    """One value of a layer, and how it comes about."""

    network: str
    """The network's name."""
    spec: str
    """The spec as it was named."""
    layer: str
    """Full name of the layer."""
    kind: str
    """Kind of the layer."""
    reads: tuple[str, ...]
    """Full names of the layers that it reads, `X` in the formula, or `X1`, `X2`, …."""
    inputs: tuple[Shape, ...]
    """Shapes of what it reads."""
    output: Shape
    """Shape of what it gives."""
    at: tuple[int, ...]
    """Where the value stands in the output: row, column and channel, as the axes are."""
    made: Made
    """What it is made of."""
    forward: float
    """What the layer's definition gave there, in the data type."""
    bound: float
    """How far the two may be apart by rounding alone."""
    dtype: str
    """Data type that the network was run in."""
    seed: int | None
    """What random weights or input were drawn from; None where both were given."""
    given: tuple[str, ...]
    """Which of `weights` and `input` were given."""
    notes: tuple[str, ...] = ()
    """What was made of the names of weights that were given."""

    @property
    def difference(self) -> float:
        """How far what is made of the numbers is from what the definition gave; 0 if alike."""
        one, other = self.made.value, self.forward
        alike = one == other or (one != one and other != other)  # noqa: PLR0124 (NaN)
        return 0.0 if alike else abs(one - other)

    @property
    def agrees(self) -> bool:
        """Whether the two are the same but for rounding."""
        return self.difference <= self.bound


def explained_value(
    network: Planned,
    index: int,
    at: tuple[int, ...],
    *,
    x: Any = None,
    weights: Mapping[str, Any] | None = None,
    seed: int = 0,
    dtype: str = "float32",
) -> Value:
    """How one value of a layer comes about, in a run of one example.

    `at` is where it stands, as in `value_place`; `x` and `weights` are random from `seed`, as those
    of `verify`, unless they are given: the input (1, C, *spatial), and arrays by full names.
    Raises `ValueError` for a place that there is not.
    """
    node, plan = network.nodes[index], network.plans[index]
    refused = refusal(network, index, at)
    if refused is not None:
        raise ValueError(refused)
    from convcalc.forward.around import around

    arrays = around(network, index, x=x, weights=weights, seed=seed, dtype=dtype)
    xp = arrays.xp
    *place, channel = at
    index_of = (0, channel, *place)
    shapes = tuple(network.shape_of(each) for each in node.inputs)
    asked = Asked(
        xp,
        node.kind,
        node.layer,
        plan,
        shapes,
        tuple(xp.moveaxis(each[0], 0, -1) for each in arrays.xs),
        arrays.weights,
        at,
    )
    module, name = EXPLAINERS[node.kind]
    explainer = getattr(import_module(f"convcalc.explanation.value.{module}"), name)
    with xp.errstate(all="ignore"):
        made: Made = explainer(asked)
    limits = xp.finfo(arrays.y.dtype)
    named = {"weights": weights, "input": x}
    return Value(
        network=network.name,
        spec=network.path,
        layer=node.name,
        kind=node.kind,
        reads=tuple(network.nodes[each].name for each in node.inputs),
        inputs=shapes,
        output=plan.output,
        at=at,
        made=made,
        forward=float(arrays.y[index_of]),
        bound=rounding_bound(made, float(limits.eps), float(limits.tiny)),
        dtype=dtype,
        seed=seed if weights is None or x is None else None,
        given=tuple(name for name, each in named.items() if each is not None),
    )


def rounding_bound(made: Made, eps: float, tiny: float) -> float:
    """How far a value may be from one that is rounded n times on its way, in any order.

    λ·√n·u of the magnitude, u = eps/2, where n·u holds in the worst case: rounding errors are as
    often above as below, and with λ = 8 more than that is less likely than 10⁻⁸ for a million.
    Source: Higham and Mary, "A new approach to probabilistic rounding error analysis", SIAM
    Journal on Scientific Computing 41 (2019), theorem 2.4.
    """
    return SURE * sqrt(made.roundings) * eps / 2 * made.magnitude + made.roundings * tiny


def refusal(network: Planned, index: int, at: tuple[int, ...]) -> str | None:
    """Why a value of a layer cannot be explained; None where it can."""
    node, output = network.nodes[index], network.shape_of(index)
    if node.kind in UNEXPLAINED:
        return f"{node.name}: {UNEXPLAINED[node.kind]}"
    extents = (*output.spatial, output.channels)
    names = position_names(output.rank)
    if len(at) != len(extents):
        numbers = "1 number" if len(at) == 1 else f"{len(at)} numbers"
        return (
            f"a value of {node.name} is at {','.join(names)}, because its output is {output}; "
            f"{','.join(map(str, at))} has {numbers}"
        )
    for name, one, extent in zip(names, at, extents, strict=True):
        if not 0 <= one < extent:
            last = f"0 to {extent - 1:,}" if extent > 1 else "0 alone"
            return (
                f"{name} {one} is outside of the output of {node.name}, {output}: it may be {last}"
            )
    return None


__all__ = [
    "EXPLAINERS",
    "UNEXPLAINED",
    "Asked",
    "Made",
    "Name",
    "Patch",
    "Value",
    "explained_value",
    "refusal",
]
