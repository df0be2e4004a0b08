"""Every kernel of the engine against the reference, over all hyperparameters of its kinds.

What `verify --engine` compares at samples is held against the same.
"""

import json
from collections.abc import Callable, Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, NamedTuple

import numpy as np
import pytest
from draws import Draw, no_advice

from convcalc import forward
from convcalc.forward.engine import kernels
from convcalc.forward.engine.kernels.common import Banded, Whole
from convcalc.forward.values import random_inputs, with_engine
from convcalc.graph import Network, read_text
from convcalc.graph.planned import planned
from convcalc.layers import CATALOGUE, layer_class
from convcalc.layers.base import Declared, declarations, defaults
from convcalc.shape import Shape
from convcalc.spec.text import SourceText

CLOSE = 1e-5
"""Of the largest value; Winograd's filtering errs most."""
SMALL = 0.1
"""What the largest value counts for at least: inputs are near 1, and gelu errs by some 10⁻⁷ of what
it is given, however near to 0 it brings that."""
EXAMPLES = 50
"""Networks of a kind that slides a kernel; of others a third, of those without fields a tenth."""

KERNELS: dict[str, set[str]] = {
    "conv": {"Convolution", "Depthwise", "Winograd", "Definition"},
    "depthwise_conv": {"Convolution", "Depthwise", "Definition"},
    "conv_transpose": {"Transposed", "Definition"},
    "linear": {"Linear"},
    "maxpool": {"Pooling"},
    "avgpool": {"Pooling"},
    "adaptive_avgpool": {"Pooling", "Definition"},
    "adaptive_maxpool": {"Pooling", "Definition"},
    "batchnorm": {"Affine", "Definition"},
    "scale": {"Affine"},
    "layernorm": {"LayerNorm", "Definition"},
    "add": {"Merge"},
    **{kind: {"Merge"} for kind in ("subtract", "multiply", "divide", "maximum")},
    "affine": {"Affine"},
    "concat": {"Concat"},
    "embedding": {"Lookup"},
    **{kind: {"Activation"} for kind in ("relu", "silu", "gelu", "leaky_relu", "softplus")},
    **{kind: {"BandedDefinition"} for kind in ("lrn", "softmax", "slice", "channel_shuffle")},
}
"""What computes a kind, as far as it is known here: each of these must have been met."""


def all_kernels() -> set[str]:
    """The name of every kernel that a file of `forward/engine/kernels` has."""
    for module in iter_modules(kernels.__path__):
        import_module(f"{kernels.__name__}.{module.name}")

    def below(base: Any) -> Iterator[Any]:
        for each in base.__subclasses__():
            yield each
            yield from below(each)

    return {each.__name__ for base in (Banded, Whole) for each in below(base)}


def test_every_kernel_is_among_those_that_are_held_against_the_reference() -> None:
    assert set.union(*KERNELS.values()) == all_kernels()
    assert set(KERNELS) <= set(CATALOGUE)


class Case(NamedTuple):
    """A layer of a kind, with what may be fused with it, and the input it gets."""

    layers: str
    shape: Shape
    batch: int
    threads: int
    band: int


def axis_values(draw: Draw, value: Callable[[], Any], rank: int) -> Any:
    return value() if draw.flag() else [value() for _ in range(rank)]


def field_value(draw: Draw, name: str, field: Declared, shape: Shape) -> Any:
    """A value that a field declares, small enough to fit; some are not."""
    low = int(field.minimum or 0)
    if field.form == "whole":
        divisors = [each for each in range(1, shape.channels + 1) if shape.channels % each == 0]
        if name == "groups":
            return draw.choice(divisors)
        if name == "filters":
            return draw.choice(divisors) * draw.randint(1, 3)
        return draw.whole(low, 5)
    if field.form == "number":
        usual = [0.1, 0.5, 1.0, 2.0, 3.0]
        return draw.choice([each for each in usual if each <= (field.maximum or each)])
    if field.form == "flag":
        return draw.flag()
    if field.form == "choice":
        return draw.choice(field.choices)
    if field.form == "axes":
        least = max(low, 1 - (name == "output_padding"))
        return axis_values(draw, lambda: draw.randint(least, 4), shape.rank)
    if field.form == "ratios":
        return axis_values(draw, lambda: draw.choice([0.5, 1, 1.5, 2, 3]), shape.rank)
    if field.form == "padding":
        pairs = [[draw.randint(0, 3), draw.randint(0, 3)] for _ in range(shape.rank)]
        return draw.choice([draw.randint(0, 3), pairs, draw.choice(["same", "valid"])])
    if field.sided:
        return [draw.randint(0, 3), draw.randint(0, 3)]
    if name == "order":
        return draw.sample(range(1, shape.rank + 2), shape.rank + 1)
    assert name == "shape", name
    return "x".join(map(str, reversed(shape.axes)))


def layer_fields(draw: Draw, kind: str, shape: Shape) -> dict[str, Any]:
    """Values for the fields of a kind; those that have a default are left out now and then."""
    usual = defaults(layer_class(kind))
    return {
        name: field_value(draw, name, field, shape)
        for name, field in declarations(layer_class(kind)).items()
        if name != "like" and (name not in usual or draw.flag())  # a tensor, and there is one alone
    }


def drawn(draw: Draw, kind: str) -> Case:
    """A network of one layer, or of little more."""
    if kind == "matmul":  # of a matrix and its like, its rows as many as its columns
        side = draw.randint(1, 6)
        return Case("[matmul: [[], [tanh]], relu]", Shape(side, (side,)), draw.randint(1, 3), 2, 1)
    if kind == "maxunpool":
        pool = "{name: p, maxpool: {kernel: 3, stride: 2, padding: 1, rounding: floor}}"
        x = Shape(draw.randint(1, 6), (draw.randint(2, 20),))
        return Case(f"[{pool}, relu, maxunpool: {{indices: p}}]", x, draw.randint(1, 3), 2, 1)
    vector = kind == "linear" or (kind in ("batchnorm", "scale") and draw.flag())
    rank = 0 if vector else draw.randint(1, 3)
    channels = draw.randint(1, 6)
    shape = Shape(channels, tuple(draw.whole(1, (0, 20, 9, 6)[rank]) for _ in range(rank)))
    if kind == "embedding":  # it takes one number a position
        shape = Shape(1, (draw.whole(1, 20),))
    if kind == "conv" and draw.random() < 0.25:  # what Winograd's filtering takes
        shape = Shape(16, (draw.randint(10, 16), draw.randint(10, 16)))
        fields = {"filters": 3, "kernel": draw.choice([3, 5]), "padding": draw.randint(0, 2)}
    else:
        fields = layer_fields(draw, kind, shape)
        if kind == "conv" and draw.random() < 0.25:
            fields |= {"groups": channels, "filters": channels}
    layer = f"{kind}: {json.dumps(fields)}"
    if layer_class(kind).inputs == "many":
        other = draw.choice(["[sigmoid]", "[{global_avgpool: {}}]", "[tanh, relu]", "[]"])
        third = "" if kind in ("subtract", "divide") else ", [silu]"
        layer = f"{kind}: [[], {other}{third}]"
    behind = draw.choice(["", "relu", "batchnorm", "batchnorm, relu6", "scale, gelu", "prelu"])
    items = ", ".join(each for each in (layer, behind) if each)
    if draw.random() < 0.25:
        items = f"add: [[], [{items}]], relu"
    band = draw.choice([1, 200, 1536 * 1024])
    return Case(f"[{items}]", shape, draw.randint(1, 3), draw.randint(1, 3), band)


def network_of(case: Case) -> Network | None:
    """The network of a case; None where the layers do not take what they get."""
    shape = "x".join(map(str, (*case.shape.spatial, case.shape.channels)))
    text = f"input: {shape}\nrounding: floor\nlayers: {case.layers}\n"
    with no_advice():
        network = read_text(SourceText("x", text))
    return None if network.errors else network


def largest_error(y: Any, expected: Any) -> float:
    """The largest difference as a part of the largest value; infinite where one is not finite."""
    assert y.shape == expected.shape
    finite = np.isfinite(expected)
    if not np.array_equal(np.isfinite(y), finite):
        return float("inf")
    same = np.where(finite, 0, expected)
    assert np.array_equal(np.where(finite, 0, y), same, equal_nan=True)
    largest = max(float(abs(expected[finite]).max(initial=0)), SMALL)
    return float(abs(y[finite] - expected[finite]).max(initial=0)) / largest


@pytest.mark.parametrize("kind", CATALOGUE)
def test_any_layer_of_a_kind_equals_the_reference(kind: str) -> None:
    fields = declarations(layer_class(kind))
    examples = EXAMPLES if "kernel" in fields else EXAMPLES // 5 if fields else EXAMPLES // 10
    met: set[str] = set()
    tried = 0
    for number in range(20 * examples):
        case = drawn(Draw(f"{kind} {number}"), kind)
        network = network_of(case)
        if network is None:
            continue
        met |= equal(case, network)
        tried += 1
        if tried == examples:
            break
    assert tried == examples
    assert met >= KERNELS.get(kind, set())


@pytest.mark.parametrize(
    "case",
    [
        # An axis that nothing happens along, in bands of a row.
        Case("[maxpool: {kernel: [1, 3], stride: 1}, relu]", Shape(3, (9, 7)), 1, 2, 1),
        Case("[avgpool: {kernel: [1, 3], stride: 1}]", Shape(3, (9, 7)), 2, 3, 1),
        Case("[maxpool: {kernel: [1, 1, 2], stride: 1}]", Shape(2, (5, 4, 3)), 1, 2, 1),
        Case("[maxpool: {kernel: 1, stride: 1}, relu]", Shape(3, (9,)), 2, 2, 1),
        # So many features that a block of rows has no room for a single one.
        Case("[linear: 3]", Shape(600_000, ()), 2, 2, 1),
        Case("[linear: 3]", Shape(600_000, ()), 1, 2, 1),
        Case("[linear: 3]", Shape(70_000, ()), 17, 1, 1),
    ],
)
def test_a_layer_that_chance_seldom_draws_equals_the_reference(case: Case) -> None:
    network = network_of(case)
    assert network is not None
    equal(case, network)


def equal(case: Case, network: Network) -> set[str]:
    """The kernels that a network ran with, whose values are the reference's."""
    assert network.input is not None
    x = random_inputs(planned(network), case.batch, 1)["input"]
    weights = forward.random_weights(network, 3, threads=1)
    output = network.nodes[network.outputs[0]].name
    expected = forward.run(network, x, weights, reference=True, keep="all")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("convcalc.forward.engine.kernels.LITTLE", 0)
        patch.setattr("convcalc.forward.engine.chain.BAND", case.band)
        executable = forward.compile(network, case.batch, weights=weights, threads=case.threads)
        stages = executable.compiled().stages
    for _ in range(2):  # what a run leaves in memory must not change the next
        assert largest_error(executable.run(x), expected[output]) <= CLOSE, case
    for name, y in executable.run_keeping(x, expected).items():
        assert largest_error(y, expected[name]) <= CLOSE, (name, case)
    seen = with_engine(
        planned(network),
        {"input": x},
        weights,
        threads=case.threads,
        keep=(),
        seed=case.band,
    )
    assert {name for each in seen.compared for name in each.layers} == set(expected), case
    for each in seen.compared:
        assert each.error <= CLOSE, (each, case)
    return {name for stage in stages for name in stage.kernel.split("+")}
