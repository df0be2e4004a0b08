"""One value of a layer: the numbers that it is made of, from a run of the layers that it needs."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from math import sqrt
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from convcalc.arguments import one_of, whole
from convcalc.diagnostics import ArgumentError
from convcalc.explanation.chosen import one_named, position
from convcalc.explanation.page import Page
from convcalc.explanation.value.base import Asked, Made, Name, Patch, position_names
from convcalc.graph import Given, GivenShape, Network, read
from convcalc.graph.planned import Planned, leading_to
from convcalc.layers.arrays import example
from convcalc.layers.base import Arrays, Layer, Weights
from convcalc.shape import Shape

if TYPE_CHECKING:
    from os import PathLike

    from convcalc.spec.nodes import Value as Parameter

EXPLAINERS: Mapping[str, tuple[str, str]] = MappingProxyType({
    "conv": ("products", "conv"),
    "depthwise_conv": ("products", "depthwise_conv"),
    "conv_transpose": ("products", "conv_transpose"),
    "separable_conv": ("products", "separable_conv"),
    "locally_connected": ("products", "locally_connected"),
    "linear": ("products", "linear"),
    "maxpool": ("pooling", "maxpool"),
    "avgpool": ("pooling", "avgpool"),
    "lppool": ("pooling", "lppool"),
    "adaptive_avgpool": ("pooling", "adaptive_avgpool"),
    "adaptive_maxpool": ("pooling", "adaptive_maxpool"),
    "global_avgpool": ("pooling", "global_avgpool"),
    "global_maxpool": ("pooling", "global_maxpool"),
    "kmaxpool": ("pooling", "kmaxpool"),
    "maxunpool": ("pooling", "maxunpool"),
    "channel_avgpool": ("pooling", "channel_avgpool"),
    "channel_maxpool": ("pooling", "channel_maxpool"),
    "batchnorm": ("norms", "batchnorm"),
    "groupnorm": ("norms", "groupnorm"),
    "layernorm": ("norms", "layernorm"),
    "instancenorm": ("norms", "instancenorm"),
    "lrn": ("norms", "lrn"),
    "l2norm": ("norms", "l2norm"),
    **dict.fromkeys(
        (
            *("relu", "relu6", "leaky_relu", "elu", "selu", "silu", "mish", "sigmoid"),
            *("hardsigmoid", "hardswish", "tanh", "softplus", "abs"),
        ),
        ("pointwise", "activation"),
    ),
    "prelu": ("pointwise", "prelu"),
    "gelu": ("pointwise", "gelu"),
    "softmax": ("pointwise", "softmax"),
    "log_softmax": ("pointwise", "log_softmax"),
    "scale": ("pointwise", "scale"),
    "learned": ("moves", "learned"),
    "embedding": ("moves", "embedding"),
    "affine": ("pointwise", "affine"),
    "add": ("pointwise", "add"),
    "subtract": ("pointwise", "subtract"),
    "multiply": ("pointwise", "multiply"),
    "divide": ("pointwise", "divide"),
    "maximum": ("pointwise", "maximum"),
    "matmul": ("products", "matmul"),
    "lstm": ("steps", "lstm"),
    "gru": ("steps", "gru"),
    "attention": ("attention", "attention"),
    "upsample": ("moves", "upsample"),
    **dict.fromkeys(
        (
            *("dropout", "flatten", "reshape", "permute", "pixel_shuffle", "channel_shuffle"),
            *("pad", "crop", "slice", "concat", "identity", "space_to_depth"),
        ),
        ("moves", "copied"),
    ),
})  # fmt: skip
"""Kind → the module of this package and the function there that explains a value of it."""
UNEXPLAINED: Mapping[str, str] = MappingProxyType(
    {"input": "the values of the input are given, and nothing makes them"}
)
"""Kinds of whose values there is nothing to explain, and why."""


DTYPES = ("float32", "float16", "float64")
"""What NumPy computes in."""


class ExplainedValue(NamedTuple):
    """One value of a layer, and how it comes about."""

    network: str
    """What the network calls itself, or its path."""
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

    def __str__(self) -> str:
        """The text that `convcalc explain --value` prints."""
        return str(self.page())

    def page(self) -> Page:
        """The page that shows it."""
        from convcalc.explanation.value.page import page_of

        return page_of(self)

    @property
    def difference(self) -> float:
        """How far what is made of the numbers is from what the definition gave; 0 if alike."""
        one, other = self.made.value, self.forward
        alike = one == other or (one != one and other != other)  # noqa: PLR0124 (NaN)
        return 0.0 if alike else abs(one - other)

    @property
    def agrees(self) -> bool:
        """Whether the two are the same but for rounding."""
        return not self.difference or self.difference <= self.bound


def explain_value(
    spec: Given,
    layer: str,
    at: Sequence[int],
    *,
    x: Any = None,
    weights: "Mapping[str, Any] | str | PathLike[str] | None" = None,
    seed: int | None = None,
    dtype: Literal["float32", "float16", "float64"] = "float32",
    input: GivenShape | None = None,  # noqa: A002 (the spec's own word)
    parameters: "Mapping[str, Parameter] | None" = None,
) -> ExplainedValue:
    """Explain one value of a layer: the numbers that it is made of, in a run of one example.

    `layer` is a name, as `explain` takes it, of one layer; `at` is row, column and channel from 0,
    or as many numbers as the axes of its output. `x` of shape (1, C, *spatial) and `weights`, as
    those of `run`, are random from `seed` unless they are given. Only the layers that this one
    needs are run.

    Raises `SpecError` where an error keeps the layer, or one that it needs, unknown, and
    `ValueError` for a layer or place that there is not, for what does not fit and for what would
    have no effect.

    >>> import numpy as np
    >>> from convcalc.graph import loads
    >>> spec = loads("{input: 2x2x1, layers: [conv: {filters: 1, kernel: 2, bias: false}]}")
    >>> x = np.array([[[[1, 2], [3, 4]]]], "float32")
    >>> weights = {"conv1.weight": np.array([[[[1, 0], [0, 1]]]], "float32")}
    >>> value = explain_value(spec, "conv1", (0, 0, 0), x=x, weights=weights)
    >>> value.made.formula, value.made.value, value.forward
    ('np.sum(X[:2,:2,:] * W0)', 5.0, 5.0)
    """
    network = read(spec, input=input, parameters=parameters)
    index, place = one_named(network, layer, "a value"), position(at, "at")
    part = leading_to(network, index)
    one_of(dtype, "dtype", DTYPES)
    if seed is not None:
        seed = whole(seed, "seed", least=0)
        if x is not None and weights is not None:
            message = f"seed {seed} would have no effect: x and weights are given"
            raise ArgumentError(message)
    from convcalc.forward.given import checked_inputs
    from convcalc.forward.named import given_weights

    fitted = None if weights is None else given_weights(weights, network)
    return explained(
        network,
        index,
        place,
        given=None if x is None else checked_inputs(part, x, 1),
        weights=None if fitted is None else fitted.weights,
        notes=() if fitted is None else fitted.notes,
        seed=seed or 0,
        dtype=dtype,
    )


def explained(
    network: Network,
    index: int,
    at: tuple[int, ...],
    *,
    given: Mapping[str, Any] | None = None,
    weights: Mapping[str, Any] | None = None,
    seed: int = 0,
    dtype: str = "float32",
    notes: tuple[str, ...] = (),
) -> ExplainedValue:
    """How one value of a layer comes about, in a run of one example.

    `at` is where it stands: a number for each spatial axis, then the channel. Inputs and `weights`
    are random from `seed`, as those of `verify`, unless they are given: the inputs by their names,
    each (1, C, *spatial), and arrays by full names. Raises `ValueError` for a place that there is
    not, and `SpecError` where an error keeps the layer, or one that it needs, unknown.
    """
    part = leading_to(network, index)
    (last,) = part.outputs
    node, plan = part.nodes[last], part.plans[last]
    refused = refusal(part, at)
    if refused is not None:
        raise ArgumentError(refused)
    from convcalc.forward.around import around

    inputs = None if given is None else {**given}
    arrays = around(network, index, given=inputs, weights=weights, seed=seed, dtype=dtype)
    xp, (*place, channel) = arrays.xp, at
    there = (0, channel, *place)
    made = made_of(node.kind, node.layer, xp, arrays.weights, arrays.xs, at)
    limits = xp.finfo(arrays.y.dtype)
    named = {"weights": weights, "input": given}
    return ExplainedValue(
        network=network.name,
        spec=network.path,
        layer=node.name,
        kind=node.kind,
        reads=tuple(part.nodes[each].name for each in node.inputs),
        inputs=tuple(part.shape_of(each) for each in node.inputs),
        output=plan.output,
        at=at,
        made=made,
        forward=float(arrays.y[there]),
        bound=rounding_bound(made, float(limits.eps), float(limits.tiny)),
        dtype=dtype,
        seed=seed if weights is None or given is None else None,
        given=tuple(name for name, each in named.items() if each is not None),
        notes=notes,
    )


def made_of(
    kind: str, layer: Layer, xp: Any, weights: Weights, xs: Arrays, at: tuple[int, ...]
) -> Made:
    """What a value of a layer is made of; `xs` and `weights` are as in `Layer.forward`."""
    shapes = tuple(map(example, xs))
    asked = Asked(
        xp=xp,
        kind=kind,
        layer=layer,
        plan=layer.plan(shapes),
        shapes=shapes,
        xs=tuple(xp.moveaxis(each[0], 0, -1) for each in xs),
        weights=weights,
        at=at,
    )
    module, name = EXPLAINERS[kind]
    explainer = getattr(import_module(f"convcalc.explanation.value.{module}"), name)
    with xp.errstate(all="ignore"):
        made: Made = explainer(asked)
    return made


def rounding_bound(made: Made, eps: float, tiny: float) -> float:
    """How far a value may be from one that is rounded n times on its way, in any order.

    (4 + 2·√n)·u of the magnitude, u = eps/2. In the worst case it is n·u, but rounding errors are
    as often above as below: even a sum of n numbers of one sign, added one by one, comes to
    √n/3·u of it, one standard deviation. Source: Higham and Mary, "A new approach to probabilistic
    rounding error analysis", SIAM Journal on Scientific Computing 41 (2019), whose λ is 2 here.
    """
    if not made.roundings:
        return 0.0
    return (4 + 2 * sqrt(made.roundings)) * eps / 2 * made.magnitude + made.roundings * tiny


def refusal(part: Planned, at: tuple[int, ...]) -> str | None:
    """Why a value of the output of `part` cannot be explained; None where it can."""
    node, output = part.nodes[part.output], part.shape_of(part.output)
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
    "ExplainedValue",
    "Made",
    "Name",
    "Patch",
    "explain_value",
    "explained",
    "refusal",
]
