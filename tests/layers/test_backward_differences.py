"""The backward pass of layers that are not linear, held against differences of their forward pass.

Central differences of fourth order in float64, along random directions and single values, at points
that are away from every kink by construction: values stand apart by more than they are moved, and
from where a function bends as well.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from tabled import tabled
from test_forward import Watched

from convcalc.forward.recording import Recording, record
from convcalc.layers import CATALOGUE, Layer, kinds, layer_class
from convcalc.shape import Shape

Fields = dict[str, Any]
Key = int | str
"""The number of an input, or the name of a weight."""

STEP = 1e-3
"""How far a value is moved at first; it is moved twice as far, too."""
GAP = 0.13
"""How far values stand apart where some are compared, and none is nearer than a tenth to a kink."""
DIRECTIONS, SINGLE = 2, 2
"""In how many directions all values of an array are moved, and how many are moved by themselves."""
CLOSE = 1e-7
"""Of a derivative, or of what a value of the array makes of the output where that is more."""

VECTOR, LINE, IMAGE, BLOCK = Shape(4), Shape(3, (5,)), Shape(3, (3, 4)), Shape(2, (3, 2, 3))
EVERY = (VECTOR, LINE, IMAGE, BLOCK)
MAPS = EVERY[1:]


class Row(NamedTuple):
    """Layers of one kind with the same fields, and how their inputs are drawn."""

    kind: str
    fields: Fields
    shapes: Sequence[Sequence[Shape]]
    """Inputs of one layer after the other."""
    kinks: tuple[float, ...] = ()
    """Where its function bends: no value is near."""
    gap: float = 0.0
    """How far values stand apart; 0 draws them from a normal distribution."""
    least: float = -np.inf
    """What every value is at least."""
    away: float = 0.0
    """How far every value is from 0."""
    examples: int = 2
    """How many there are in the batch: of one, attention keeps something else."""


def pointwise(kind: str, *kinks: float, **fields: Any) -> Row:
    """Of an activation function: whatever the shape, each value is by itself."""
    return Row(kind, fields, [[LINE], [Shape(40)]], kinks, GAP)


def each(kind: str, shapes: Sequence[Shape], gap: float = 0.0, **fields: Any) -> Row:
    """A layer on inputs of several shapes, one at a time."""
    return Row(kind, fields, [[x] for x in shapes], gap=gap)


ROWS = [
    pointwise("relu", 0),
    pointwise("relu6", 0, 6),
    pointwise("leaky_relu", 0, slope=0.2),
    pointwise("leaky_relu", 0, slope=-0.5),
    *(Row("prelu", {"slopes": slopes}, [[x] for x in EVERY], (0,), GAP)
      for slopes in ("one", "channels")),
    pointwise("elu", alpha=1.0),
    pointwise("elu", 0, alpha=0.3),
    pointwise("selu", 0),
    pointwise("gelu"),
    pointwise("gelu", approximate="tanh"),
    pointwise("silu"),
    pointwise("mish"),
    pointwise("sigmoid"),
    pointwise("hardsigmoid", -3, 3),
    pointwise("hardswish", -3, 3),
    pointwise("tanh"),
    pointwise("abs", 0),
    pointwise("softplus", beta=1.0),
    pointwise("softplus", 1.5, beta=2.0, threshold=3.0),
    each("softmax", EVERY),
    each("log_softmax", EVERY),
    *(each("batchnorm", EVERY, affine=affine, track_running_stats=tracks, eps=0.1)
      for affine, tracks in ((True, True), (False, True), (True, False))),
    *(each("groupnorm", [Shape(6), Shape(4, (3,)), Shape(6, (2, 2))],
           groups=2, affine=affine, eps=0.1) for affine in (True, False)),
    *(each("layernorm", EVERY, over=over, affine=affine, bias=bias, eps=0.1)
      for over in ("channels", "all")
      for affine, bias in ((True, True), (True, False), (False, False))),
    *(each("instancenorm", MAPS, affine=affine, track_running_stats=tracks, eps=0.1)
      for affine, tracks in ((True, True), (False, False), (True, False))),
    *(each("lrn", EVERY, size=size, alpha=2.0, beta=beta, k=1.5)
      for size, beta in ((3, 0.75), (2, 0.5), (4, 1.5), (9, 0.75))),
    each("lrn", [Shape(7, (2,))], size=4, alpha=3.0),
    *(Row("l2norm", fields, [[x] for x in EVERY], away=0.4)
      for fields in ({"affine": True}, {"affine": False}, {"affine": True, "eps": 1.9})),
    *(each("maxpool", [x], GAP, **fields)
      for x in (Shape(2, (7,)), Shape(2, (5, 6)), Shape(1, (4, 3, 4)))
      for fields in (
          {"kernel": 3, "stride": 2, "padding": 1, "rounding": "floor"},
          {"kernel": 2, "stride": 1, "dilation": 2},
          {"kernel": 2, "rounding": "ceil"},
      )),
    *(each("adaptive_maxpool", MAPS, GAP, size=size) for size in (2, 4)),
    each("global_maxpool", MAPS, GAP),
    each("channel_maxpool", EVERY, GAP),
    *(each("kmaxpool", [Shape(3, (7,))], GAP, k=k) for k in (1, 3, 7)),
    *(Row("lppool", {"norm": norm, **fields}, [[x]], least=least)
      for norm, least in ((2, -np.inf), (1, 0.2), (3, 0.2), (1.5, 0.2), (4, -np.inf))
      for x, fields in (
          (Shape(2, (7,)), {"kernel": 3, "stride": 2, "padding": 1}),
          (Shape(2, (5, 6)), {"kernel": 2, "stride": 1}),
          (Shape(1, (5, 6)), {"kernel": 3, "stride": 2, "padding": ((1, 0), 1),
                              "rounding": "ceil"}),
          (Shape(1, (3, 4, 3)), {"kernel": 2, "stride": (1, 2, 1)}),
          (Shape(1, (5, 5, 5)), {"kernel": 2, "rounding": "ceil"}),
      )),
    *(Row("maximum", {}, [shapes], gap=GAP) for shapes in (
        [LINE, LINE],
        [IMAGE],
        [IMAGE, Shape(3, (1, 1)), Shape(1, (3, 4))],
        [Shape(1, (3, 1)), IMAGE, IMAGE, Shape(3, (1, 4))],
        [VECTOR, VECTOR, VECTOR],
    )),
    *(Row("divide", {}, [shapes], away=0.5) for shapes in (
        [LINE, LINE], [IMAGE, Shape(3, (1, 1))], [Shape(1, (3, 1)), IMAGE], [VECTOR, VECTOR],
    )),
    *(each("attention", [x], heads=heads, bias=bias)
      for x, heads, bias in ((Shape(4, (3,)), 2, True), (Shape(3, (2, 2)), 1, False))),
    *(Row("attention", {"heads": 2, "bias": bias}, [shapes]) for bias, shapes in (
        (True, [Shape(4, (3,)), Shape(4, (2,))]),
        (True, [Shape(4, (3,)), Shape(3, (2,))]),
        (True, [Shape(4, (3,)), Shape(4, (2, 1)), Shape(4, (2,))]),
        (False, [Shape(4, (2, 2)), Shape(3, (2,)), Shape(2, (2,))]),
    )),
    *(each("attention", [x], heads=2, relative_bias=relative, **fields)
      for relative in (True, False)
      for x, fields in (
          (Shape(4, (3, 2)), {"window": 2}),
          (Shape(4, (5,)), {"window": 2, "shift": 1}),
          (Shape(4, (3, 4)), {"window": 2, "shift": (1, 0)}),
          (Shape(4, (2, 4)), {"grid": 2}),
      )),
    each("attention", [Shape(4, (3,)), Shape(2, (2, 2))], heads=2, relative_bias=True),
    *(Row("attention", {"heads": 2, **fields}, [shapes], examples=1) for fields, shapes in (
        ({}, [Shape(4, (3,))]),
        ({}, [Shape(4, (3,)), Shape(3, (2,))]),
        ({}, [Shape(4, (3,)), Shape(4, (2,))]),
        ({"relative_bias": True}, [Shape(4, (3,))]),
        ({"window": 3, "bias": False}, [Shape(4, (2, 3))]),
        ({"window": 2}, [Shape(4, (4,))]),
    )),
    *(each(kind, [Shape(2, (3,))], features=2, layers=layers, bidirectional=both, bias=bias)
      for kind in ("lstm", "gru")
      for layers, both, bias in ((1, False, True), (1, True, False), (2, True, True),
                                 (3, False, True))),
    *(each(kind, [Shape(2, (1,))], features=3) for kind in ("lstm", "gru")),
]  # fmt: skip
"""Every kind whose gradients are no whole numbers of whole numbers, with all that it can be."""

KINDS = sorted({row.kind for row in ROWS})


def cases(kind: str) -> Iterator[tuple[Row, Layer, Sequence[Shape]]]:
    """The layers of a kind on their inputs."""
    for row in ROWS:
        if row.kind == kind:
            layer = layer_class(kind)(**row.fields)
            for shapes in row.shapes:
                assert not [one for one in layer.check(shapes) if one.severity == "error"]
                yield row, layer, shapes


def drawn(row: Row, layer: Layer, shapes: Sequence[Shape]) -> tuple[dict[str, Any], list[Any]]:
    """Weights, and inputs of a batch, of which no value is near to where something bends."""
    generator = np.random.default_rng(1)
    plan = layer.plan(shapes)
    weights = {
        weight.name: 0.5 + generator.random(weight.shape)
        if weight.buffer
        else generator.normal(size=weight.shape)
        for weight in plan.weights
    }
    counts = [row.examples * x.size for x in shapes]
    if row.gap:  # all of them different, in random order
        spread = generator.permutation(sum(counts)) - sum(counts) // 2
        values = (spread + 0.25) * row.gap
        assert np.abs(np.subtract.outer(values, np.array(row.kinks))).min(initial=1) > GAP / 20
    else:
        values = generator.normal(size=sum(counts))
        values = np.where(values < row.least, row.least + np.abs(values), values)
        values += np.sign(values) * row.away
    parts = np.split(values, np.cumsum(counts)[:-1])
    return weights, [
        part.reshape(row.examples, *x.axes) for part, x in zip(parts, shapes, strict=True)
    ]


def derivative(value: Any, way: Any, function: Any) -> float:
    """How a number changes as `value` moves along `way`: of fourth order, from four points."""
    near, far = (
        function(value + step * way) - function(value - step * way) for step in (STEP, 2 * STEP)
    )
    return float((8 * near - far) / (12 * STEP))


def ways(generator: np.random.Generator, shape: Sequence[int]) -> Iterator[Any]:
    """Directions in which all values move at once, and single values."""
    for _ in range(DIRECTIONS):
        yield generator.integers(0, 2, shape) * 2.0 - 1
    size = int(np.prod(shape))
    for place in generator.choice(size, min(SINGLE, size), replace=False):
        alone = np.zeros(size)
        alone[place] = 1
        yield alone.reshape(shape)


def moved(layer: Layer, weights: Any, xs: Any, dy: Any, key: Key) -> Any:
    """What the output gives with one of the arrays in another's place."""

    def number(value: Any) -> float:
        given = {**weights, key: value} if isinstance(key, str) else weights
        inputs = [value if at == key else x for at, x in enumerate(xs)]
        run = Recording(np.random.default_rng(0))
        return float((layer.forward(np, given, inputs, run) * dy).sum())

    return number


def derivatives(kind: str) -> Iterator[tuple[Any, bool]]:
    """Each derivative of the layers of a kind, and whether it is that of the gradients."""
    for row, layer, shapes in cases(kind):
        weights, xs = drawn(row, layer, shapes)
        made = record(np, layer, weights, xs)
        generator = np.random.default_rng(3)
        dy = generator.standard_normal(made.output.shape)
        gradients = layer.backward(np, weights, made.kept, dy)
        learned = {weight.name for weight in layer.plan(shapes).weights if not weight.buffer}
        assert gradients.keys() == {*range(len(xs)), *learned}, (layer, shapes)
        for key, gradient in gradients.items():
            value = weights[key] if isinstance(key, str) else xs[key]
            assert gradient.shape == value.shape, (layer, shapes, key)
            function = moved(layer, weights, xs, dy, key)
            for way in ways(generator, value.shape):
                expected = derivative(value, way, function)
                given = float((gradient * way).sum())
                close = abs(given - expected) <= CLOSE * max(abs(expected), 1)
                yield (layer, shapes, key, given, expected), close


@tabled("kind", KINDS)
def test_the_gradients_are_those_of_differences(kind: str) -> None:
    for case, close in derivatives(kind):
        assert close, case


def alone(kind: str) -> Iterator[tuple[Any, bool]]:
    """Each gradient of the layers of a kind, and whether it is the same if nobody asks for more."""
    for row, layer, shapes in cases(kind):
        weights, xs = drawn(row, layer, shapes)
        whole = record(np, layer, weights, xs)
        dy = np.random.default_rng(3).standard_normal(whole.output.shape)
        together = layer.backward(np, weights, whole.kept, dy)
        for key, gradient in together.items():
            kept = record(np, layer, weights, xs, [key]).kept
            assert kept.arrays.keys() <= whole.kept.arrays.keys()
            only = layer.backward(np, weights, kept, dy)
            assert only.keys() & {name for name in together if isinstance(name, str)} <= {key}
            yield (layer, shapes, key), np.array_equal(only[key], gradient)


@tabled("kind", KINDS)
def test_a_gradient_needs_nothing_that_is_kept_for_others(kind: str) -> None:
    """What is asked for alone comes out as with all others, of what is kept for it alone."""
    for case, same in alone(kind):
        assert same, case


def test_the_backward_pass_changes_nothing_that_it_is_given() -> None:
    for kind in KINDS:
        row, layer, shapes = next(cases(kind))
        weights, xs = drawn(row, layer, shapes)
        made = record(np, layer, weights, xs)
        dy = np.random.default_rng(3).standard_normal(made.output.shape)
        given = [dy, *made.kept.arrays.values(), *weights.values()]
        before = [array.copy() for array in given]
        layer.backward(np, weights, made.kept, dy)
        for array, was in zip(given, before, strict=True):
            assert np.array_equal(array, was), layer


@tabled("dtype", ["float16", "float32"])
@tabled("kind", KINDS)
def test_gradients_have_the_type_of_what_they_are_of(kind: str, dtype: str) -> None:
    """Whatever is worked out on the way, and in the array library's own functions alone."""
    row, layer, shapes = next(cases(kind))
    weights, xs = drawn(row, layer, shapes)
    weights = {name: each.astype(dtype) for name, each in weights.items()}
    made = record(np, layer, weights, [x.astype(dtype) for x in xs])
    gradients = layer.backward(Watched(), weights, made.kept, np.ones_like(made.output))
    assert {key: each.dtype.name for key, each in gradients.items()} == dict.fromkeys(
        gradients, dtype
    )


def test_only_functions_that_every_array_library_has_are_used() -> None:
    """CuPy offers each of these; see "Comparison Table" in its reference."""
    Watched.asked.clear()
    for kind in KINDS:
        for row, layer, shapes in cases(kind):
            weights, xs = drawn(row, layer, shapes)
            made = record(np, layer, weights, xs)
            layer.backward(Watched(), weights, made.kept, np.ones_like(made.output))
    creation = {"arange", "asarray", "concatenate", "stack", "where", "zeros", "zeros_like", "full"}
    functions = {"abs", "add", "exp", "expm1", "log1p", "sign", "sqrt", "tanh", "trunc"}
    assert Watched.asked <= creation | functions | {"maximum", "minimum", "take"}


ACTIVATIONS = sorted(kinds("activation"))
LIMITS = {
    **dict.fromkeys(("sigmoid", "hardsigmoid", "tanh", "relu6"), (0, 0)),
    "leaky_relu": (0.01, 1),
    "prelu": (0.5, 1),
    "abs": (-1, 1),
    "selu": (0, 1.0507009873554804934),
}
"""The slope far below 0 and far above it, where those are not 0 and 1."""


@tabled("dtype", ["float16", "float32", "float64"])
@tabled("kind", ACTIVATIONS)
def test_slopes_far_from_zero_are_what_they_tend_to(kind: str, dtype: str) -> None:
    """Nothing overflows on the way: warnings are errors."""
    far = float(np.finfo(dtype).max) / 4
    layer = layer_class(kind)()
    weights = {"weight": np.array([0.5], dtype)} if kind == "prelu" else {}
    x = np.array([[-far, -far / 2, far / 2, far]], dtype)
    made = record(np, layer, weights, [x], [0])
    slopes = layer.backward(np, weights, made.kept, np.ones_like(x))[0]
    below, above = np.array(LIMITS.get(kind, (0, 1)), dtype)
    assert slopes.tolist() == [[below, below, above, above]]


def test_every_kind_is_of_the_catalogue() -> None:
    assert {*KINDS} <= CATALOGUE.keys()
