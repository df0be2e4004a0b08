"""The readable definition of every layer, held against the layer's own plan."""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from itertools import product
from typing import Any, ClassVar

import numpy as np
import pytest
import recorded
from draws import examples
from kinds import RUN
from tabled import tabled

from convcalc.layers import CATALOGUE, Layer, Plan, kinds, layer_class
from convcalc.layers.arrays import batch_statistics
from convcalc.layers.special import erfc, normal_distribution
from convcalc.shape import Shape
from convcalc.window import Window

Row = tuple[str, dict[str, Any], list[Shape]]

VECTOR, LINE, IMAGE, BLOCK = Shape(6), Shape(6, (7,)), Shape(6, (7, 9)), Shape(6, (5, 4, 6))
SLIDING: list[Row] = [
    *(("conv", {"filters": 4, "kernel": 3}, [x]) for x in (LINE, IMAGE, BLOCK)),
    ("conv", {"filters": 4, "kernel": 3, "stride": 2, "padding": 1, "groups": 2}, [IMAGE]),
    ("conv", {"filters": 4, "kernel": (3, 2), "padding": ((0, 2), 1), "bias": False}, [IMAGE]),
    ("conv", {"filters": 2, "kernel": 3, "dilation": 2, "padding": "same"}, [IMAGE]),
    ("conv", {"filters": 2, "kernel": 3, "stride": 2, "padding": "same"}, [Shape(3, (8, 8))]),
    ("conv", {"filters": 2, "kernel": 2, "stride": 3, "rounding": "floor"}, [LINE]),
    *(
        ("depthwise_conv", {"kernel": 3, "padding": 1, "multiplier": 2}, [x])
        for x in (LINE, IMAGE, BLOCK)
    ),
    ("depthwise_conv", {"kernel": (1, 3), "stride": (1, 2)}, [IMAGE]),
    *(("conv_transpose", {"filters": 4, "kernel": 3}, [x]) for x in (LINE, IMAGE, BLOCK)),
    (
        "conv_transpose",
        {"filters": 4, "kernel": 4, "stride": 2, "padding": 1, "groups": 2},
        [IMAGE],
    ),
    ("conv_transpose", {"filters": 3, "kernel": 3, "stride": 2, "output_padding": 1}, [LINE]),
    ("conv_transpose", {"filters": 3, "kernel": 2, "stride": 3, "padding": "same"}, [IMAGE]),
    (
        "conv_transpose",
        {"filters": 2, "kernel": 3, "stride": 2, "dilation": 2, "padding": 3},
        [IMAGE],
    ),
    *(("locally_connected", {"filters": 4, "kernel": 3}, [x]) for x in (LINE, IMAGE, BLOCK)),
    ("locally_connected", {"filters": 2, "kernel": 3, "stride": 2, "padding": 1}, [IMAGE]),
    *(("maxpool", {"kernel": 2, "stride": 1}, [x]) for x in (LINE, IMAGE, BLOCK)),
    ("maxpool", {"kernel": 3, "stride": 2, "padding": 1}, [IMAGE]),
    ("maxpool", {"kernel": 2, "dilation": 2, "rounding": "floor"}, [IMAGE]),
    ("maxpool", {"kernel": 2, "rounding": "ceil"}, [IMAGE]),
    *(
        ("avgpool", {"kernel": 3, "stride": 2, "rounding": "ceil"}, [x])
        for x in (LINE, IMAGE, BLOCK)
    ),
    ("avgpool", {"kernel": 3, "stride": 2, "padding": 1, "count_include_pad": False}, [IMAGE]),
    ("avgpool", {"kernel": 3, "stride": 2, "divisor": 2}, [IMAGE]),
    *(("lppool", {"kernel": 2, "stride": 1}, [x]) for x in (LINE, IMAGE, BLOCK)),
    ("lppool", {"kernel": 3, "stride": 2, "norm": 1, "padding": 1}, [IMAGE]),
    *(("adaptive_avgpool", {"size": 3}, [x]) for x in (LINE, IMAGE, BLOCK)),
    *(("adaptive_maxpool", {"size": 4}, [x]) for x in (LINE, IMAGE, BLOCK)),
    *(("global_avgpool", {}, [x]) for x in (LINE, IMAGE, BLOCK)),
    *(("global_maxpool", {}, [x]) for x in (LINE, IMAGE, BLOCK)),
    *(
        ("pixel_shuffle", {"factor": 2}, [x])
        for x in (LINE, Shape(12, (3, 2)), Shape(8, (3, 2, 2)))
    ),
    ("pad", {"padding": ((1, 2), (0, 3)), "value": 7.0}, [IMAGE]),
    *(("crop", {"amount": 1}, [x]) for x in (LINE, IMAGE, BLOCK)),
    ("crop", {"size": (4, 9)}, [IMAGE]),
    *(("upsample", {"scale": 2}, [x]) for x in (LINE, IMAGE, BLOCK)),
    *(("upsample", {"scale": 2, "mode": "linear"}, [x]) for x in (LINE, IMAGE, BLOCK)),
    ("upsample", {"size": (5, 20)}, [IMAGE]),
    ("upsample", {"scale": 0.6, "mode": "linear"}, [IMAGE]),
    ("upsample", {"size": (4, 12), "mode": "linear", "align_corners": True}, [IMAGE]),
    *(
        ("upsample", {"size": (4, 12), "round": word, "positions": positions}, [IMAGE])
        for word, positions in (
            *(("round_prefer_floor", "half_pixel"), ("round_prefer_ceil", "half_pixel")),
            ("floor", "asymmetric"),
        )
    ),
    ("upsample", {"size": (3, 4), "round": "ceil", "positions": "half_pixel"}, [IMAGE]),
    ("upsample", {"size": (14, 4), "mode": "linear", "positions": "asymmetric"}, [IMAGE]),
    ("upsample", {"size": (4, 3), "mode": "linear", "align_corners": True}, [Shape(2, (1, 1))]),
    ("upsample", {"scale": (2.0, 1.5), "mode": "cubic"}, [IMAGE]),
    ("upsample", {"size": (16, 5), "mode": "linear", "align_corners": True}, [IMAGE]),
    ("upsample", {"size": (12, 4), "align_corners": True}, [IMAGE]),
    ("upsample", {"scale": 0.6, "mode": "linear", "positions": "half_pixel_symmetric"}, [IMAGE]),
    ("upsample", {"size": (1, 5), "mode": "linear", "positions": "pytorch_half_pixel"}, [IMAGE]),
    ("upsample", {"size": (3, 4), "mode": "linear", "antialias": True}, [IMAGE]),
    ("upsample", {"scale": 0.4, "mode": "linear", "antialias": True}, [IMAGE]),
    (
        "upsample",
        {"size": (2, 4), "mode": "linear", "antialias": True, "border": "replicate"},
        [IMAGE],
    ),
]
"""Layers whose windows say exactly which inputs each output reads."""

EVERYWHERE: list[Row] = [
    *(
        (kind, {}, [x])
        for kind in (
            *("batchnorm", "layernorm", "relu", "relu6", "leaky_relu", "prelu", "elu", "selu"),
            *("gelu", "silu", "mish", "sigmoid", "hardsigmoid", "hardswish", "tanh", "softplus"),
            *("softmax", "log_softmax", "dropout", "flatten", "slice", "scale", "abs", "identity"),
            *("l2norm", "channel_avgpool", "channel_maxpool"),
        )
        for x in (VECTOR, LINE, IMAGE, BLOCK)
    ),
    *(("groupnorm", {"groups": 3}, [x]) for x in (VECTOR, LINE, IMAGE, BLOCK)),
    *(("lrn", {"size": size}, [x]) for size in (3, 4) for x in (VECTOR, LINE, IMAGE, BLOCK)),
    *(("channel_shuffle", {"groups": 2}, [x]) for x in (VECTOR, LINE, IMAGE, BLOCK)),
    *(("instancenorm", {"affine": True}, [x]) for x in (LINE, IMAGE, BLOCK)),
    *(
        (kind, {}, [x, x, x])
        for kind in ("add", "multiply", "maximum", "concat")
        for x in (VECTOR, LINE, IMAGE, BLOCK)
    ),
]
CUBIC: Row = ("upsample", {"size": (13, 5), "mode": "cubic", "align_corners": True}, [IMAGE])
"""Where a position meets a value, cubic shares of its neighbours vanish: windows read too much."""
BESIDE: list[Row] = [
    ("upsample", {"size": (4, 12), "round": "floor", "positions": "half_pixel"}, [IMAGE]),
    ("upsample", {"size": (4, 12), "round": "ceil", "positions": "half_pixel"}, [IMAGE]),
    ("upsample", {"size": (4, 12), "round": "ceil", "positions": "asymmetric"}, [IMAGE]),
    (
        "upsample",
        {"size": (14, 4), "round": "round_prefer_ceil", "positions": "asymmetric"},
        [IMAGE],
    ),
]
"""A position rounded beyond the map reads the value at its border, which no window does alone: they
read the value on the other side, too."""

OTHERS: list[Row] = [
    *EVERYWHERE,
    CUBIC,
    *BESIDE,
    ("linear", {"features": 5}, [VECTOR]),
    ("linear", {"features": 5, "bias": False}, [VECTOR]),
    *(
        ("conv", {"filters": 2, "kernel": 5, "padding": 2, "padding_mode": mode}, [x])
        for mode in ("reflect", "replicate", "circular")
        for x in (LINE, IMAGE, BLOCK)
    ),
    *(
        ("pad", {"padding": 2, "mode": mode}, [IMAGE])
        for mode in ("reflect", "replicate", "circular")
    ),
    ("batchnorm", {"track_running_stats": False, "affine": False}, [IMAGE]),
    ("instancenorm", {"track_running_stats": True}, [IMAGE]),
    ("layernorm", {"over": "all"}, [IMAGE]),
    ("layernorm", {"bias": False}, [IMAGE]),
    ("layernorm", {"over": "all", "affine": False, "bias": False}, [IMAGE]),
    ("prelu", {"slopes": "channels"}, [IMAGE]),
    ("gelu", {"approximate": "tanh"}, [IMAGE]),
    ("scale", {"bias": True}, [IMAGE]),
    ("slice", {"start": 1, "stop": -2}, [IMAGE]),
    ("flatten", {"start": 2}, [IMAGE]),
    ("flatten", {"start": 1, "end": 2}, [IMAGE]),
    ("reshape", {"shape": (3, 2, 1)}, [VECTOR]),
    ("reshape", {"shape": (6, -1)}, [IMAGE]),
    ("permute", {"order": (3, 1, 2)}, [IMAGE]),
    ("add", {}, [IMAGE, Shape(6, (1, 1)), Shape(1, (7, 1))]),
    ("multiply", {}, [Shape(6, (1, 1)), IMAGE]),
    *((kind, {}, [x, x]) for kind in ("subtract", "divide") for x in (VECTOR, LINE, IMAGE, BLOCK)),
    (
        "avgpool",
        {"kernel": 3, "stride": 2, "padding": 1, "dilation": 2, "rounding": "floor"},
        [IMAGE],
    ),
    ("separable_conv", {"filters": 5, "kernel": 3, "padding": 1, "multiplier": 2}, [IMAGE]),
    ("separable_conv", {"filters": 5, "kernel": 3, "padding": "same", "bias": False}, [LINE]),
    *(
        (
            "space_to_depth",
            {"factor": 2, "order": order},
            [Shape(3, (4, 6)[:rank] + (2,) * (rank - 2))],
        )
        for order in ("channels", "rows", "columns")
        for rank in (1, 2, 3)
    ),
    ("matmul", {}, [LINE, Shape(5, (LINE.channels,))]),
    *(("affine", {"times": 0.1, "plus": 3.0}, [x]) for x in (VECTOR, LINE, IMAGE, BLOCK)),
    ("concat", {}, [IMAGE, Shape(2, (7, 9))]),
]


def built(row: Row) -> tuple[Layer, list[Shape], Plan]:
    kind, fields, xs = row
    layer = layer_class(kind)(**fields)
    assert not [problem for problem in layer.check(xs) if problem.severity == "error"]
    return layer, xs, layer.plan(xs)


def name(row: Row) -> str:
    kind, fields, xs = row
    return f"{kind} {fields} {xs[0]}"


def failure(test: Callable[[Row], None], row: Row) -> Exception | None:
    try:
        test(row)
    except Exception as error:  # noqa: BLE001 (it is told with its row)
        return error
    return None


def rows(*found: Row) -> Callable[[Callable[[Row], None]], Callable[[str], None]]:
    """Try each kind on all its rows in one test, which names every row that fails.

    A test of its own for each would take longer to start than to run.
    """
    kinds: dict[str, list[Row]] = {}
    for each in found:
        kinds.setdefault(each[0], []).append(each)

    def on_all(test: Callable[[Row], None]) -> Callable[[str], None]:
        @wraps(test)
        def of_kind(kind: str) -> None:
            failed = {name(row): error for row in kinds[kind] if (error := failure(test, row))}
            if failed:
                lines = [f"{row}: {type(error).__name__}: {error}" for row, error in failed.items()]
                raise AssertionError("\n".join(lines)) from next(iter(failed.values()))

        del of_kind.__wrapped__  # pytest would take its parameters for those of the test
        return pytest.mark.parametrize("kind", kinds)(of_kind)

    return on_all


def arrays(xs: Iterable[Shape], count: int = 2, dtype: str = "float64") -> list[Any]:
    random = np.random.default_rng(0)
    return [random.normal(size=(count, *x.axes)).astype(dtype) for x in xs]


def weights_of(plan: Plan, dtype: str = "float64") -> dict[str, Any]:
    random = np.random.default_rng(1)
    made = {weight.name: random.normal(size=weight.shape) for weight in plan.weights}
    return {
        name: (np.abs(value) + 0.5 if name == "running_var" else value).astype(dtype)
        for name, value in made.items()
    }


class Watched:
    """NumPy, noting which of its functions are asked for."""

    asked: ClassVar[set[str]] = set()

    def __getattr__(self, name: str) -> Any:
        self.asked.add(name)
        return getattr(np, name)


WORKED: list[Row] = [(case.kind, case.fields, case.shapes) for case in RUN]
"""Layers of every kind."""
EVERY = [*WORKED, *(row for row in (*SLIDING, *OTHERS) if row not in WORKED)]


@rows(*EVERY)
def test_the_values_have_the_planned_shape_and_keep_their_dtype(row: Row) -> None:
    layer, xs, plan = built(row)
    for dtype in ("float16", "float32", "float64"):
        given = recorded.looked_up(layer, arrays(xs, 2, dtype))
        before = [x.copy() for x in given]
        y = layer.forward(np, weights_of(plan, dtype), given)
        assert y.shape == (2, *plan.output.axes)
        assert y.dtype == dtype
        assert all(np.array_equal(x, old) for x, old in zip(given, before, strict=True))


@tabled("kind", CATALOGUE)
def test_the_values_are_those_that_torch_gave(kind: str) -> None:
    rows = [row for of, row in recorded.values() if of == kind]
    assert rows
    for row in rows:
        layer, shapes, plan = recorded.layer(kind, row)
        assert not [problem for problem in layer.check(shapes) if problem.severity == "error"]
        assert {weight.name: list(weight.shape) for weight in plan.weights} == row["weights"]
        weights, xs = recorded.inputs(shapes, plan)
        y = layer.forward(np, weights, recorded.looked_up(layer, xs))
        assert list(y.shape) == [recorded.BATCH, *plan.output.axes] == row["output"], row
        assert recorded.summary(y) == pytest.approx(row["values"], rel=1e-9, abs=1e-9), row


RESIZED: list[tuple[dict[str, Any], list[float]]] = [
    # (o + ½)·4/3 is 2/3, 2 and 10/3; the border's value stands for what lies beyond it.
    ({"size": 3, "positions": "tf_half_pixel_for_nn"}, [0, 2, 3]),
    ({"size": 3, "positions": "tf_half_pixel_for_nn", "round": "ceil"}, [1, 2, 3]),
    # One output reads the first value, where half_pixel reads the middle.
    ({"size": 1, "mode": "linear", "positions": "pytorch_half_pixel"}, [0]),
    ({"size": 1, "mode": "linear"}, [1.5]),
    # 2 outputs stand for 2/0.6 = 10/3 of 4 values: 1/3 is left in front, and ½/0.6 − ½ = 1/3.
    ({"scale": 0.6, "mode": "linear", "positions": "half_pixel_symmetric"}, [2 / 3, 7 / 3]),
    ({"size": 8, "align_corners": True}, [0, 0, 0, 1, 1, 2, 2, 3]),
    # Around ½ the values 0, 1 and 2 have 1 − ¼, 1 − ¼ and 1 − ¾ of a step of 2 values, and −1 too.
    ({"size": 2, "mode": "linear", "antialias": True}, [1.25 / 1.75, 3 - 1.25 / 1.75]),
    (
        {"size": 2, "mode": "linear", "antialias": True, "border": "replicate"},
        [1.25 / 2, 3 - 1.25 / 2],
    ),
    # Keys' kernel with a = −½ gives a line back, which −¾ does not; at the border, where 0 and 3
    # stand for −1 and 4, less their share at a distance of 1.6: a·(1.6³ − 5·1.6² + 8·1.6 − 4).
    (
        {"size": 6, "mode": "cubic", "coefficient": -0.5, "align_corners": True},
        [0.6 - 0.048, 1.2, 1.8, 2.4 + 0.048],
    ),
]
"""Ways to resize 0, 1, 2, 3, and by hand what comes of it; the last without its ends."""


@tabled(("fields", "wanted"), RESIZED)
def test_resampling_is_as_worked_out_by_hand(fields: dict[str, Any], wanted: list[float]) -> None:
    x = np.broadcast_to(np.arange(4.0), (1, 1, 4, 4))
    size = fields.get("size")
    both = {"size": (4, size)} if size else {"scale": (1, fields["scale"])}
    y = layer_class("upsample")(**{**fields, **both}).forward(np, {}, [x])[0, 0, 1]
    middle = y[1:-1] if len(y) > len(wanted) else y
    assert middle.tolist() == pytest.approx(wanted)


def test_only_functions_that_every_array_library_has_are_used() -> None:
    """CuPy offers each of these; see "Comparison Table" in its reference."""
    Watched.asked.clear()
    for row in EVERY:
        layer, xs, plan = built(row)
        given = recorded.looked_up(layer, arrays(xs))
        layer.forward(Watched(), weights_of(plan), given)
    layer = layer_class("gelu")()
    layer.forward(Watched(), {}, [np.zeros((1, 1), "float16")])
    creation = {"arange", "asarray", "concatenate", "full", "moveaxis", "stack", "take", "where"}
    creation |= {"take_along_axis", "zeros"}
    functions = {"abs", "exp", "expm1", "log", "log1p", "sqrt", "tanh", "trunc"}
    comparisons = {"argsort", "max", "maximum", "mean", "minimum", "sort", "isnan"}
    assert Watched.asked == creation | functions | comparisons | {"float32"}


# -- multiplications ---------------------------------------------------------------------------


class Counting:
    """A number that counts the multiplications it takes part in."""

    __slots__ = ("value",)
    multiplications: ClassVar[int] = 0

    def __init__(self, value: float) -> None:
        self.value = value

    def __add__(self, other: "Counting | float") -> "Counting":
        return Counting(self.value + (other.value if isinstance(other, Counting) else other))

    def __mul__(self, other: "Counting | float") -> "Counting":
        Counting.multiplications += 1
        return Counting(self.value * (other.value if isinstance(other, Counting) else other))

    __radd__, __rmul__ = __add__, __mul__


def counting(x: Any) -> Any:
    found = np.empty(x.shape, dtype=object)
    found[...] = np.vectorize(Counting, otypes=[object])(x)
    return found


COUNTED = [
    row for row in EVERY if row[0] not in kinds("recurrent") | {"attention"} and built(row)[2].macs
]  # gates multiply, too, and the softmax of attention is no product


@rows(*COUNTED)
def test_the_multiplications_are_the_macs(row: Row) -> None:
    layer, xs, plan = built(row)
    weights, given = weights_of(plan), arrays(xs)
    Counting.multiplications = 0
    y = layer.forward(
        np, {name: counting(value) for name, value in weights.items()}, [counting(x) for x in given]
    )
    assert Counting.multiplications == 2 * plan.macs
    expected = layer.forward(np, weights, given)
    numbers = np.vectorize(lambda value: getattr(value, "value", value))(y)  # 0 where nothing is
    assert np.allclose(numbers, expected, rtol=1e-12, atol=1e-12)


# -- windows -----------------------------------------------------------------------------------


def reads(window: Window, size: int, output: int) -> list[int]:
    """The input values that an output reads, by the definition of a window."""
    taps = (output * window.stride + tap * window.dilation for tap in range(window.kernel))
    spread = [tap - window.before for tap in taps]
    return [p // window.up for p in spread if p % window.up == 0 and 0 <= p < size * window.up]


@rows(*SLIDING, CUBIC, *BESIDE)
def test_a_dyed_input_dyes_exactly_the_outputs_that_read_it(row: Row) -> None:
    layer, (x,), plan = built(row)
    assert plan.windows
    weights, (clean,) = weights_of(plan), arrays([x], 1)
    if row[0] == "lppool":
        clean = np.abs(clean)
    assert not np.isnan(layer.forward(np, weights, [clean])).any()
    for position in product(*map(range, x.spatial)):
        dyed, place = clean.copy(), (0, slice(None), *position)
        dyed[place] = np.nan
        found = np.isnan(layer.forward(np, weights, [dyed]))
        assert (found.any(axis=1) == found.all(axis=1)).all()
        expected = np.ones(plan.output.spatial, dtype=bool)
        for axis, (window, size) in enumerate(zip(plan.windows, x.spatial, strict=True)):
            seen = [
                position[axis] in reads(window, size, output)
                for output in range(plan.output.spatial[axis])
            ]
            expected &= np.array(seen).reshape(-1, *(1,) * (x.rank - 1 - axis))
        assert (found[0, 0] <= expected).all(), position
        assert row in (CUBIC, *BESIDE) or (found[0, 0] == expected).all(), position


def by_itself(row: Row) -> bool:
    """Whether each position is computed from itself alone; statistics aside (definitions.md)."""
    kind, fields, xs = row
    if kind in kinds(having="indices"):  # no number is NaN; tests/layers/test_embedding.py
        return False
    if kind in ("groupnorm", "instancenorm", "batchnorm", "layernorm"):
        return False
    return (
        layer_class(kind)(**fields).plan(xs).positions == "kept"
        and len({x.spatial for x in xs}) == 1
    )


@rows(*filter(by_itself, EVERY))
def test_other_layers_read_the_position_itself(row: Row) -> None:
    layer, xs, plan = built(row)
    given = arrays(xs, 1)
    for position in product(*map(range, xs[0].spatial)):
        dyed, place = given[0].copy(), (0, slice(None), *position)
        dyed[place] = np.nan
        with np.errstate(invalid="ignore"):  # older NumPys warn of what is no number already
            y = layer.forward(np, weights_of(plan), [dyed, *given[1:]])
        found = np.isnan(y).any(axis=1)
        expected = np.zeros(plan.output.spatial, dtype=bool)
        expected[position] = True
        assert (found[0] == expected).all()


# -- values of the teaching material -----------------------------------------------------------


def run(kind: str, fields: dict[str, Any], x: Any, **weights: Any) -> Any:
    return layer_class(kind)(**fields).forward(np, weights, [np.asarray(x)])


def test_the_worked_example_of_a_convolution() -> None:
    image = [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]]
    kernel = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]])
    y = run(
        "conv", {"filters": 1, "kernel": 3, "bias": False}, [[image]], weight=kernel[None, None]
    )
    assert y.tolist() == [[[[4, 3, 4], [2, 4, 3], [2, 3, 4]]]]


def test_the_filter_is_not_flipped() -> None:
    fields = {"filters": 1, "kernel": 2, "bias": False}
    assert run(
        "conv", fields, [[[1.0, 10.0, 100.0]]], weight=np.array([[[1.0, 2.0]]])
    ).tolist() == [[[21.0, 210.0]]]


def test_every_output_of_the_notes_volume() -> None:
    random = np.random.default_rng(2)
    image, filters, bias = (random.normal(size=size) for size in ((11, 11, 4), (2, 5, 5, 4), (2,)))
    y = run(
        "conv",
        {"filters": 2, "kernel": 5, "stride": 2},
        image.transpose(2, 0, 1)[None],
        weight=filters.transpose(0, 3, 1, 2),
        bias=bias,
    )
    volume = y[0].transpose(1, 2, 0)
    assert volume.shape == (4, 4, 2)
    assert np.isclose(volume[2, 3, 1], (image[4:9, 6:11, :] * filters[1]).sum() + bias[1])
    for row, column, k in np.ndindex(4, 4, 2):
        patch = image[2 * row : 2 * row + 5, 2 * column : 2 * column + 5, :]
        assert np.isclose(volume[row, column, k], (patch * filters[k]).sum() + bias[k])


@pytest.mark.parametrize(
    ("size", "channels", "kernel", "stride", "filters", "columns"),
    [(227, 3, 11, 4, 96, (363, 3025)), (5, 1, 3, 1, 1, (9, 9))],
)
def test_a_product_of_matrices_is_the_convolution(
    size: int, channels: int, kernel: int, stride: int, filters: int, columns: tuple[int, int]
) -> None:
    random = np.random.default_rng(3)
    image = random.normal(size=(channels, size, size))
    weight = random.normal(size=(filters, channels, kernel, kernel))
    patches = np.lib.stride_tricks.sliding_window_view(image, (kernel, kernel), (1, 2))
    patches = patches[:, ::stride, ::stride]
    matrix = patches.transpose(0, 3, 4, 1, 2).reshape(columns)
    y = run(
        "conv",
        {"filters": filters, "kernel": kernel, "stride": stride, "bias": False},
        image[None],
        weight=weight,
    )
    found = weight.reshape(filters, -1) @ matrix
    assert found.shape == (filters, columns[1])
    assert np.allclose(y[0].reshape(filters, -1), found, rtol=1e-12, atol=1e-10)


@examples(
    60,
    rank=lambda draw: draw.randint(1, 3),
    kernel=lambda draw: draw.randint(1, 4),
    stride=lambda draw: draw.randint(1, 3),
    dilation=lambda draw: draw.randint(1, 2),
    seed=lambda draw: draw.randrange(100),
)
def test_shifting_the_input_by_the_stride_shifts_the_output_by_one(
    rank: int, kernel: int, stride: int, dilation: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    size = dilation * (kernel - 1) + 1 + 3 * stride
    x = random.normal(size=(1, 2, *(size + stride,) * rank))
    fields = {"filters": 3, "kernel": kernel, "stride": stride, "dilation": dilation}
    weight = random.normal(size=(3, 2, *(kernel,) * rank))
    still = run("conv", fields, x, weight=weight, bias=np.ones(3))
    moved = x[(slice(None),) * 2 + (slice(stride, None),) * rank]
    shifted = run("conv", fields, moved, weight=weight, bias=np.ones(3))
    assert np.array_equal(shifted, still[(slice(None),) * 2 + (slice(1, None),) * rank])


def test_pooling_acts_on_each_channel_by_itself() -> None:
    x = np.arange(18.0).reshape(1, 2, 3, 3) - 9
    assert run("maxpool", {"kernel": 2, "stride": 1}, x)[0].tolist() == [
        [[-5, -4], [-2, -1]],
        [[4, 5], [7, 8]],
    ]
    assert run("avgpool", {"kernel": 2, "stride": 1}, x)[0].tolist() == [
        [[-7, -6], [-4, -3]],
        [[2, 3], [5, 6]],
    ]
    assert np.allclose(
        run("lppool", {"kernel": 3}, x).ravel(), [math.sqrt(285), math.sqrt(204)], rtol=1e-15
    )


def test_a_mean_counts_the_padding_but_nothing_beyond_it() -> None:
    x = np.array([[[1.0, 2.0, 3.0, 5.0]]])
    fields = {"kernel": 2, "padding": ((1, 0),), "rounding": "ceil"}
    assert run("avgpool", fields, x).tolist() == [[[0.5, 2.5, 5.0]]]
    fields["count_include_pad"] = False
    assert run("avgpool", fields, x).tolist() == [[[1.0, 2.5, 5.0]]]
    fields["divisor"] = 4
    assert run("avgpool", fields, x).tolist() == [[[0.25, 1.25, 1.25]]]


def test_padding_never_wins() -> None:
    x = np.full((1, 1, 2), -3.0)
    assert run("maxpool", {"kernel": 2, "padding": 1}, x).tolist() == [[[-3.0, -3.0]]]
    numbers = np.array([[[-3, -5]]], dtype=object)
    assert run("maxpool", {"kernel": 2, "padding": 1}, numbers).tolist() == [[[-3, -5]]]


def test_a_linear_layer_is_a_convolution_over_the_whole_map() -> None:
    random = np.random.default_rng(4)
    x, weight, bias = (random.normal(size=size) for size in ((2, 5, 3, 4), (6, 60), (6,)))
    wide = run(
        "conv", {"filters": 6, "kernel": (3, 4)}, x, weight=weight.reshape(6, 5, 3, 4), bias=bias
    )
    flat = run("linear", {"features": 6}, x.reshape(2, -1), weight=weight, bias=bias)
    assert np.allclose(wide[:, :, 0, 0], flat, rtol=1e-12, atol=1e-12)


def test_equal_weights_everywhere_make_a_convolution() -> None:
    random = np.random.default_rng(5)
    x, weight, bias = (random.normal(size=size) for size in ((2, 3, 5, 6), (4, 3, 3, 3), (4,)))
    fields = {"filters": 4, "kernel": 3, "stride": (2, 1), "padding": 1}
    shared = run("conv", fields, x, weight=weight, bias=bias)
    out = shared.shape[2:]
    own = run(
        "locally_connected",
        fields,
        x,
        weight=np.broadcast_to(weight[:, None, None], (4, *out, 3, 3, 3)),
        bias=np.broadcast_to(bias[:, None, None], (4, *out)),
    )
    assert np.allclose(own, shared, rtol=1e-12, atol=1e-12)


@examples(
    60,
    rank=lambda draw: draw.randint(1, 3),
    kernel=lambda draw: draw.randint(1, 4),
    stride=lambda draw: draw.randint(1, 3),
    dilation=lambda draw: draw.randint(1, 2),
    padding=lambda draw: draw.randrange(2),
)
def test_transposed_convolution_is_the_transpose_of_convolution(
    rank: int, kernel: int, stride: int, dilation: int, padding: int
) -> None:
    """⟨conv(x), y⟩ = ⟨x, conv_transpose(y)⟩ for the same weights."""
    random = np.random.default_rng(6)
    size = dilation * (kernel - 1) + 1 + 2 * stride
    x = random.normal(size=(1, 4, *(size,) * rank))
    weight = random.normal(size=(6, 2, *(kernel,) * rank))
    fields = {"kernel": kernel, "stride": stride, "dilation": dilation, "padding": padding}
    fields |= {"groups": 2, "bias": False}
    forward = run("conv", {"filters": 6, "rounding": "floor", **fields}, x, weight=weight)
    y = random.normal(size=forward.shape)
    fields |= {"filters": 4, "output_padding": 2 * padding % stride}
    back = run("conv_transpose", fields, y, weight=weight)
    assert back.shape == x.shape
    assert np.isclose((forward * y).sum(), (x * back).sum(), rtol=1e-10, atol=1e-10)


# -- numbers that are hard on the formulas -----------------------------------------------------

POINTWISE: dict[str, Callable[[float], float]] = {
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)) if x > 0 else math.exp(x) / (1 + math.exp(x)),
    "silu": lambda x: x * POINTWISE["sigmoid"](x),
    "softplus": lambda x: x if x > 20 else math.log1p(math.exp(x)),
    "mish": lambda x: x * math.tanh(x if x > 40 else math.log1p(math.exp(x))),
    "elu": lambda x: x if x > 0 else math.expm1(x),
    "tanh": math.tanh,
    "gelu": lambda x: x * math.erfc(-x / math.sqrt(2)) / 2,
}


@tabled("kind", POINTWISE)
@tabled("dtype", ["float16", "float32", "float64"])
def test_activations_do_not_overflow(kind: str, dtype: str) -> None:
    extremes = [-60000.0, -800.0, -100.0, -20.0, 20.0, 100.0, 800.0, 60000.0]
    x = np.concatenate([extremes, np.linspace(-9, 9, 181)])[None].astype(dtype)
    y = run(kind, {}, x)
    expected = np.array([[POINTWISE[kind](value) for value in x[0].tolist()]])
    epsilon = float(np.finfo(dtype).eps)
    assert np.allclose(y, expected, rtol=8 * epsilon, atol=8 * epsilon)


FAR = {
    "relu": (0, 40),
    "relu6": (0, 6),
    "leaky_relu": (-0.4, 40),
    "elu": (-1, 40),
    "selu": (-1.7580993, 1.05070098 * 40),  # the scale times alpha, and the scale
    "silu": (0, 40),
    "gelu": (0, 40),
    "mish": (0, 40),
    "softplus": (0, 40),
    "sigmoid": (0, 1),
    "tanh": (-1, 1),
    "abs": (40, 40),
    "hardsigmoid": (0, 1),
    "hardswish": (0, 40),
}
"""What activations make of −40 and of 40, where an exponential of −40 is nothing any more."""


def test_activations_far_from_zero_are_what_their_formulas_tend_to() -> None:
    made = {kind: run(kind, {}, np.array([[-40.0, 40.0]])) for kind in FAR}

    assert set(FAR) == kinds("activation") - {"softmax", "log_softmax", "prelu"}
    for kind, y in made.items():
        assert np.allclose(y, [FAR[kind]], rtol=1e-7, atol=1e-12), kind


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_large_values_do_not_overflow(dtype: str) -> None:
    x = np.array([[30000.0, 29984.0, -30000.0, 0.0]], dtype=dtype)
    assert run("softmax", {}, x).ravel() == pytest.approx([1, 0, 0, 0], abs=1e-6)
    assert run("log_softmax", {}, x).ravel() == pytest.approx([0, -16, -60000, -30000], abs=1e-6)
    assert run("gelu", {"approximate": "tanh"}, x).ravel().tolist() == [30000, 29984, 0, 0]


def test_the_error_function_is_accurate_in_both_tails() -> None:
    x = np.concatenate([np.linspace(-27, 26, 5001), [0.46875, 4.0, -4.0, 1e300, -1e300]])
    expected = np.array([math.erfc(value) for value in x])
    assert np.allclose(erfc(np, x), expected, rtol=2e-15, atol=1e-307)
    assert np.isnan(erfc(np, np.array([math.nan]))).all()
    single = x[:-2].astype("float32")
    expected = np.array([math.erfc(value) for value in single.tolist()])
    assert np.allclose(erfc(np, single), expected, rtol=2e-6, atol=1e-37)
    assert normal_distribution(np, np.array([0.0, 9.0, -9.0])).tolist()[:2] == [0.5, 1.0]


def test_an_odd_norm_of_negative_values_is_no_number() -> None:
    x = np.array([[[-2.0, 1.0], [1.0, 1.0]]])
    assert np.isnan(run("lppool", {"kernel": 2, "norm": 3}, x)).tolist() == [[[True], [False]]]
    assert np.isnan(run("lppool", {"kernel": 2, "norm": 1.5}, x)).tolist() == [[[True], [False]]]


def test_statistics_of_a_batch() -> None:
    x = np.random.default_rng(7).normal(size=(4, 3, 5, 2)) * 3 + 1
    mean, variance = batch_statistics(x)
    assert np.allclose(mean, x.mean(axis=(0, 2, 3)), rtol=1e-12, atol=0)
    assert np.allclose(variance, x.var(axis=(0, 2, 3)), rtol=1e-12, atol=0)
    fields = {"track_running_stats": False, "affine": False, "eps": 0.0}
    y = run("batchnorm", fields, x)
    assert np.allclose(y.mean(axis=(0, 2, 3)), 0, rtol=0, atol=1e-12)
    assert np.allclose(y.std(axis=(0, 2, 3)), 1, rtol=1e-12, atol=0)


def test_layers_that_move_values() -> None:
    x = np.arange(8.0).reshape(1, 8, 1)
    assert run("channel_shuffle", {"groups": 2}, x).ravel().tolist() == [0, 4, 1, 5, 2, 6, 3, 7]
    assert run("pixel_shuffle", {"factor": 4}, x).tolist() == [[[0, 1, 2, 3], [4, 5, 6, 7]]]
    image = x.reshape(1, 8, 1, 1)
    assert run("pixel_shuffle", {"factor": 2}, image)[0, 1].tolist() == [[4, 5], [6, 7]]
    small = np.arange(6.0).reshape(1, 1, 2, 3)
    assert run("reshape", {"shape": (3, 2, 1)}, small)[0, 0].tolist() == [[0, 1], [2, 3], [4, 5]]
    assert run("permute", {"order": (1, 3, 2)}, small)[0, 0].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert run("pad", {"padding": (0, (2, 1)), "mode": "reflect"}, small)[0, 0].tolist() == [
        [2, 1, 0, 1, 2, 1],
        [5, 4, 3, 4, 5, 4],
    ]


def outputs_at(windows: Sequence[Window], sizes: Sequence[int]) -> tuple[int, ...]:
    return tuple(window.output(size) for window, size in zip(windows, sizes, strict=True))


@rows(*SLIDING)
def test_windows_give_the_planned_size(row: Row) -> None:
    _, (x,), plan = built(row)
    assert plan.windows
    assert outputs_at(plan.windows, x.spatial) == plan.output.spatial
