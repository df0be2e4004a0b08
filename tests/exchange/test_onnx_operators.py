"""Operators by hand: what a file may say of each, held against ONNX Runtime."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from onnx_files import FLOAT, helper, model, node, onnx, saved, spec_of, taken, weight
from tabled import tabled

from convcalc import run as run_network
from convcalc.graph import read

runtime: Any = pytest.importorskip("onnxruntime")


class Row(NamedTuple):
    """A graph of one image of 3 channels and 9×10 pixels, and what is in its spec."""

    nodes: list[Any]
    says: str
    """What stands in the spec."""
    weights: dict[str, Any] = {}  # noqa: RUF012 (never written to)
    settings: dict[str, Any] = {}  # noqa: RUF012 (never written to)


W3 = {"w": weight(4, 3, 3, 3)}
WT = {"w": weight(3, 4, 3, 3)}


def branch(name: str, op: str) -> Any:
    """A graph of one operator on the tensor around it."""
    return helper.make_graph(
        [node(op, "x", name)], name, [], [helper.make_tensor_value_info(name, FLOAT, None)]
    )


def loop() -> Any:
    """A body that doubles a tensor."""
    return helper.make_graph(
        [node("Add", "v v", "twice"), node("Identity", "go", "on")],
        "body",
        [
            helper.make_tensor_value_info("i", onnx.TensorProto.INT64, []),
            helper.make_tensor_value_info("go", onnx.TensorProto.BOOL, []),
            helper.make_tensor_value_info("v", FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("on", onnx.TensorProto.BOOL, []),
            helper.make_tensor_value_info("twice", FLOAT, None),
        ],
    )


def of_overload(read: str, made: str, overload: str) -> Any:
    """A call of one of several functions that have the same name."""
    call = node("Several", read, made, domain="own")
    call.overload = overload
    return call


def overloaded(overload: str, operator: str) -> Any:
    """One of several functions that have the same name."""
    made = helper.make_function(
        "own", "Several", ["a"], ["c"], [node(operator, "a", "c")], [helper.make_opsetid("", 17)]
    )
    made.overload = overload
    return made


FUNCTION = helper.make_function(
    "own",
    "Block",
    ["a", "b"],
    ["c"],
    [node("Conv", "a b", "d", "conv"), node("LeakyRelu", "d", "c", "act", alpha=0.3)],
    [helper.make_opsetid("", 17)],
)
ROWS = {
    "same_upper": Row([node("Conv", "x w", "y", auto_pad="SAME_UPPER", strides=[2, 2])],
        "stride: 2, padding: same", W3),
    "same_lower": Row([node("Conv", "x w", "y", auto_pad="SAME_LOWER", strides=[2, 2])],
        "padding: [[1, 1], [1, 0]]", W3),
    "valid": Row([node("Conv", "x w", "y", auto_pad="VALID")], "kernel: 3, bias", W3),
    "apart": Row([node("Conv", "x w", "y", pads=[0, 1, 2, 3])], "padding: [[0, 2], [1, 3]]", W3),
    "grouped": Row([node("Conv", "x w", "y", group=3)], "depthwise_conv: {kernel: 3, multiplier: 2",
        {"w": weight(6, 1, 3, 3)}),
    "conv_and_add": Row([node("Conv", "x w", "c"), node("Add", "c b", "y")],
        "conv: {filters: 4, kernel: 3}", {**W3, "b": weight(1, 4, 1, 1)}),
    "transposed": Row([node("ConvTranspose", "x w", "y", strides=[2, 2], output_padding=[1, 0])],
        "output_padding: [1, 0]", WT),
    "transposed_same": Row(
        [node("ConvTranspose", "x w", "y", strides=[2, 2], auto_pad="SAME_UPPER")],
        "padding: [[0, 1], [0, 1]]", WT),
    "transposed_shape": Row(
        [node("ConvTranspose", "x w", "y", strides=[2, 2], output_shape=[20, 21])],
        "conv_transpose", WT),
    "ceil": Row([node("MaxPool", "x", "y", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)],
        "maxpool: {kernel: 2, rounding: ceil}"),
    "pool_same": Row([node("AveragePool", "x", "y", kernel_shape=[3, 3], strides=[2, 2],
        auto_pad="SAME_UPPER")], "padding: same, count_include_pad: false"),
    "pool_of_one": Row([node("AveragePool", "x", "y", kernel_shape=[1, 1], strides=[1, 1])],
        "adaptive_avgpool: 9x10"),
    "most_of_one": Row([node("MaxPool", "x", "y", kernel_shape=[1, 1])],
        "adaptive_maxpool: 9x10"),
    "pool_of_one_that_strides": Row(
        [node("AveragePool", "x", "y", kernel_shape=[1, 1], strides=[2, 1])],
        "avgpool: {kernel: 1, stride: 2x1}"),
    "lp": Row([node("LpPool", "x", "y", kernel_shape=[2, 2], strides=[2, 2])], "lppool: 2"),
    "sum": Row([node("ReduceSum", "x axes", "y", keepdims=0)], "affine: 90",
        {"axes": np.array([2, 3])}),
    "mean_of_channels": Row([node("ReduceMean", "x", "y", axes=[1])], "channel_avgpool"),
    "most": Row([node("ReduceMax", "x", "y", axes=[2, 3])], "global_maxpool"),
    "lrn": Row([node("LRN", "x", "y", size=3, alpha=0.1, bias=2.0)], "lrn: {size: 3, alpha: 0.1"),
    "group_norm_21": Row([node("GroupNormalization", "x s b", "y", num_groups=3)], "groupnorm: 3",
        {"s": weight(3), "b": weight(3, seed=1)}, {"opset": 21}),
    "nhwc": Row([
        node("Transpose", "x", "t", perm=[0, 2, 3, 1]), node("Relu", "t", "r"),
        node("Transpose", "r", "n", perm=[0, 3, 1, 2]), node("Conv", "n w", "y"),
    ], "  - relu\n  - conv", W3),
    "padded_nhwc": Row([
        node("Transpose", "x", "t", perm=[0, 2, 3, 1]), node("Pad", "t p", "q"),
        node("Transpose", "q", "y", perm=[0, 3, 1, 2]),
    ], "- pad: [[0, 2], [1, 0]]", {"p": np.array([0, 0, 1, 0, 0, 2, 0, 0])}),
    "merged_nhwc": Row([
        node("Transpose", "x", "t", perm=[0, 2, 3, 1]), node("Slice", "t one nine row", "c"),
        node("Slice", "c zero all both two", "a"), node("Slice", "c odd all both two", "b"),
        node("Slice", "c even all both two", "d"), node("Slice", "c last all both two", "e"),
        node("Concat", "a b d e", "m", axis=-1), node("Transpose", "m", "y", perm=[0, 3, 1, 2]),
    ], "space_to_depth: {factor: 2, order: columns}", {
        "one": np.array([1]), "nine": np.array([9]), "row": np.array([1]),
        "both": np.array([1, 2]), "two": np.array([2, 2]), "all": np.array([99, 99]),
        "zero": np.array([0, 0]), "odd": np.array([1, 0]), "even": np.array([0, 1]),
        "last": np.array([1, 1]),
    }),
    "every_second": Row([node("Slice", "x s e a t", "y")],
        "slice: {start: 1, axis: width}\n  - maxpool: {kernel: 1, stride: 3x2}",
        {"s": np.array([0, 1]), "e": np.array([9, 10]), "a": np.array([2, 3]),
            "t": np.array([3, 2])}),
    "cubed": Row([node("Pow", "x /three", "y")], "multiply", {"/three": np.float32(3)}),
    "between": Row([node("Max", "x /zero", "m"), node("Min", "m /six", "y")], "relu6",
        {"/zero": np.float32(0), "/six": np.float32(6)}),
    "product": Row([node("Reshape", "x rows", "r"),
        node("Einsum", "r r", "y", equation="bij, bkj -> bki")], "matmul",
        {"rows": np.array([1, 3, 90])}),
    "of_even_channels": Row([
        node("Mul", "x x", "s"), node("Unsqueeze", "s one", "u"), node("Pad", "u p", "q"),
        node("AveragePool", "q", "m", kernel_shape=[4, 1, 1]), node("Squeeze", "m one", "v"),
        node("Mul", "v /a", "w"), node("Add", "w /k", "k"), node("Pow", "k /b", "d"),
        node("Div", "x d", "y"),
    ], "lrn: {size: 4, alpha: 0.5, beta: 0.25, k: 3.0}", {
        "one": np.array([1]), "p": np.array([0, 0, 2, 0, 0, 0, 0, 1, 0, 0]),
        "/a": np.float32(0.5), "/k": np.float32(3), "/b": np.float32(0.25),
    }),
    "flat_nhwc": Row([
        node("Transpose", "x", "t", perm=[0, 2, 3, 1]), node("Flatten", "t", "f"),
        node("Gemm", "f w", "y", transB=1),
    ], "permute: 2x3x1", {"w": weight(5, 270)}),
    "depth_first": Row(
        [
            node("Slice", "x s e a", "p"),
            node("SpaceToDepth", "p", "d", blocksize=2),
            node("DepthToSpace", "d", "y", blocksize=2),
        ],
        "order: rows",
        {"s": np.array([0]), "e": np.array([8]), "a": np.array([2])},
    ),
    "backwards": Row([node("Slice", "x s e a", "y")], "slice: {start: 1, axis: width}",
        {"s": np.array([-9]), "e": np.array([2**62]), "a": np.array([-1])}),
    "resize_nearest": Row([node("Resize", "x - f", "y", mode="nearest")],
        "positions: half_pixel, round: round_prefer_floor",
        {"f": np.array([1, 1, 2, 3], np.float32)}),
    "resize_size": Row([node("Resize", "x - - f", "y", mode="linear",
        coordinate_transformation_mode="align_corners")], "align_corners: true",
        {"f": np.array([1, 3, 12, 7])}),
    "smoothed_to_the_border": Row([node("Resize", "x - - f", "y", mode="linear", antialias=1)],
        "antialias: true, border: replicate", {"f": np.array([1, 3, 4, 5])}, {"opset": 18}),
    "smoothed_within": Row(
        [node("Resize", "x - - f", "y", mode="cubic", antialias=1, exclude_outside=1)],
        "mode: cubic, antialias: true, coefficient", {"f": np.array([1, 3, 4, 5])}, {"opset": 18}),
    "upsample_9": Row([node("Upsample", "x f", "y", mode="nearest")], "upsample: 2",
        {"f": np.array([1, 1, 2, 2], np.float32)}, {"opset": 9}),
    "minus": Row(
        [node("Sub", "/one x", "s"), node("Div", "s /two", "d"), node("Neg", "d", "y")],
        "affine: {times: -1, plus: 1}\n  - affine: 0.5\n  - affine: -1",
        {"/one": np.float32(1), "/two": np.float32(2)},
    ),
    "mean_of_two": Row([node("Relu", "x", "r"), node("Mean", "x r", "y")], "affine: 0.5"),
    "reflect": Row([node("Pad", "x p", "y", mode="reflect")], "mode: reflect",
        {"p": np.array([0, 0, 1, 1, 0, 0, 2, 1])}),
    "channels_padded": Row([node("Pad", "x p v", "y")], "channels: [1, 2], value: 0.5",
        {"p": np.array([0, 1, 0, 0, 0, 2, 0, 0]), "v": np.float32(0.5)}),
    "if": Row([node("If", "yes", "y", then_branch=branch("a", "Relu"),
        else_branch=branch("b", "Sigmoid"))], "relu", {"yes": np.array(True)}),
    "loop": Row([node("Loop", "n yes x", "y", body=loop())], "add",
        {"n": np.array(2), "yes": np.array(True)}),
    "function": Row([node("Block", "x w", "y", "unit", domain="own")],
        "origin: unit/conv", W3, {"functions": [FUNCTION], "domains": ["own"]}),
    "fused": Row([node("FusedConv", "x w b", "y", domain="com.microsoft", activation="Relu")],
        "  - relu", {**W3, "b": weight(4)}, {"domains": ["com.microsoft"]}),
    "gelu_of_microsoft": Row([node("Gelu", "x", "y", domain="com.microsoft")], "gelu", {},
        {"domains": ["com.microsoft"]}),
    "shape_arithmetic": Row([
        node("Shape", "x", "s"), node("Gather", "s zero", "n"), node("Unsqueeze", "n axis", "u"),
        node("Concat", "u rest", "t", axis=0), node("Reshape", "x t", "f"),
        node("Gemm", "f w", "y", transB=1),
    ], "flatten", {"zero": np.array(0), "axis": np.array([0]), "rest": np.array([-1]),
        "w": weight(5, 270)}),
    "gemm_scaled": Row([node("Flatten", "x", "f"), node("Gemm", "f w b", "y", alpha=0.5, beta=2.0)],
        "linear: 5", {"w": weight(270, 5), "b": weight(1, 5)}),
    "odd_norm": Row([node("LpPool", "x", "y", kernel_shape=[3, 2], p=3)], "norm: 3"),
    "norm_of_1": Row([node("LpPool", "x", "y", kernel_shape=[3, 2], p=1)], "- abs"),
    "halves": Row([node("Split", "w", "a b", axis=0), node("Conv", "x a", "c"),
        node("Conv", "c b", "y")], "kernel: 1, bias: false}\n  - conv", {"w": weight(6, 3, 1, 1)}),
    "negative_twice": Row([node("Neg", "w", "a"), node("Neg", "w", "b"), node("Conv", "x a", "c"),
        node("Conv", "c b", "d"), node("Conv", "d w", "y")],
        "name: c}\n  - {conv: {filters: 3, kernel: 1, bias: false}, weights: c}\n  - conv",
        {"w": weight(3, 3, 1, 1)}),
    "one_matrix_three_times": Row(
        [node("Flatten", "x", "f"), node("Gemm", "f v", "a"), node("Gemm", "a w", "b", alpha=0.5),
            node("Gemm", "b w", "c", transB=1), node("Gemm", "c w", "y")],
        "bias: false}\n  - linear: {features: 5, bias: false}\n  - linear:",
        {"v": weight(270, 5), "w": weight(5, 5)}),
    "one_array_turned": Row(
        [node("Reshape", "x s", "r"), node("Add", "r pos", "a"),
            node("Transpose", "a", "t", perm=[0, 3, 2, 1]), node("Add", "t pos", "b"),
            node("Transpose", "b", "y", perm=[0, 3, 2, 1])],
        "learned: 1x3x3", {"s": np.array([1, 3, 30, 3]), "pos": weight(1, 3, 1, 3)}),
    "of_blocks": Row(
        [node("Flatten", "x", "f"),
            node("DequantizeLinear", "q scales", "w", axis=0, block_size=100),
            node("MatMul", "f w", "y")],
        "linear: {features: 2, bias: false}",
        {"q": np.arange(540).reshape(270, 2).astype(np.int8), "scales": weight(3, 2)},
        {"opset": 21}),
    "norm_of_last": Row(
        [node("Transpose", "x", "t", perm=[0, 2, 3, 1]), node("LayerNormalization", "t s", "n"),
            node("Add", "n b", "a"), node("Transpose", "a", "y", perm=[0, 3, 1, 2])],
        "layernorm", {"s": weight(3), "b": weight(3, seed=1)}),
    "roots_of_whole_numbers": Row([node("Pow", "sixteen half", "r"), node("Cast", "r", "f", to=1),
        node("Mul", "x f", "y")], "learned", {"sixteen": np.array(16), "half": np.float32(0.5)}),
    "rest_of_less_than_nothing": Row([node("Mod", "m n", "r", fmod=1), node("Mul", "x r", "y")],
        "learned", {"m": np.float32(-7), "n": np.float32(4)}),
    "uneven_parts": Row(
        [node("Split", "v", "a b c", num_outputs=3, axis=0), node("Mul", "x b", "y")],
        "learned", {"v": weight(28)}, {"opset": 18}),
    "functions_of_one_name": Row(
        [of_overload("x", "h", "up"), of_overload("h", "y", "down")], "relu\n  - tanh",
        {}, {"functions": [overloaded("up", "Relu"), overloaded("down", "Tanh")],
            "domains": ["own"]}),
    "dropped": Row([node("Dropout", "x", "y")], "dropout: 0.5"),
    "softmax_11": Row([node("Flatten", "x", "f"), node("Softmax", "f", "y")], "softmax", {},
        {"opset": 11}),
}  # fmt: skip


@tabled("name", ROWS)
def test_an_operator_is_the_layer_that_gives_its_values(name: str, tmp_path: Path) -> None:
    row = ROWS[name]
    made = model(row.nodes, row.weights, inputs={"x": (1, 3, 9, 10)}, **row.settings)
    path = saved(made, tmp_path)
    text = spec_of(made, tmp_path) if "origin" not in row.says else ""
    if not text:
        network = read(path)
        assert network.written is not None
        assert network.written.spec is not None
        text = network.written.spec.to_yaml()

    assert row.says in text, text
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    x = np.random.default_rng(1).standard_normal((1, 3, 9, 10)).astype(np.float32)
    (want,) = session.run(None, {"x": x})
    (y,) = run_network(read(path), x, reference=True).values()
    error = np.abs(y.reshape(-1) - want.reshape(-1)).max() / np.abs(want).max()
    assert error <= 1e-5, error


REFUSED = {
    "values_decide": ([node("NonZero", "x", "y")], "NonZero of N×3×9×10"),
    "power": ([node("Exp", "x", "y")], "Exp of N×3×9×10"),
    "strided": (
        [node("Slice", "x s e channels t", "y")],
        "it takes one of 2 channels; a pool does along spatial axes",
    ),
    "reversed": ([node("Slice", "x last first a back", "y")], "it goes backwards, in steps of -1"),
    "larger": ([node("Max", "x /tenth", "y")], "it takes the larger of a tensor and 0.1"),
    "rooted": (
        [node("Pow", "x /tenth", "y")],
        "the power is 0.1, and a product has 2 to 4 factors",
    ),
    "root_mean_square": (
        [
            node("Mul", "x x", "q"),
            node("ReduceMean", "q", "m", axes=[-1]),
            node("Add", "m /tenth", "e"),
            node("Sqrt", "e", "r"),
            node("Div", "x r", "y"),
        ],
        "RMSNormalization of N×3×9×10 cannot be said in a spec: it divides by the root of the mean",
    ),
    "traced": (
        [node("Reshape", "x rows", "r"), node("Einsum", "r r", "y", equation="bij,bji->bi")],
        "bij,bji to bi is no product of one matrix with another",
    ),
    "clipped": ([node("Clip", "x lo hi", "y")], "cuts off below -1.0 and above 1.0"),
    "even": ([node("LRN", "x", "y", size=4)], "its 4 channels begin one later"),
    "cut_off": (
        [node("Cast", "x", "w", to=7), node("Cast", "w", "y", to=1)],
        "Cast of N×3×9×10 cannot be said in a spec: it makes whole numbers",
    ),
    "means_of_a_norm": (
        [node("LayerNormalization", "x wide", "n m"), node("Add", "n m", "y")],
        "its output 2, `m`, is read, too",
    ),
    "biased_gelu": (
        [node("FastGelu", "x wide", "y", domain="com.microsoft")],
        "com.microsoft.FastGelu of N×3×9×10, 10 cannot be said in a spec: it adds a bias in front",
    ),
    "channels_last": (
        [
            node("QuantizeLinear", "x /tenth", "q"),
            node(
                "QLinearGlobalAveragePool",
                "q /tenth zero /tenth zero",
                "y",
                domain="com.microsoft",
                channels_last=1,
            ),
        ],
        "its channels are the last axis, and the layer's the second",
    ),
    "examples": ([node("ReduceMean", "x", "y", axes=[0])], "it reduces N×3×9×10 along axes 0"),
}
NUMBERS = {
    "s": np.array([0]),
    "e": np.array([9]),
    "a": np.array([2]),
    "t": np.array([2]),
    "lo": np.float32(-1),
    "hi": np.float32(1),
    "channels": np.array([1]),
    "last": np.array([8]),
    "first": np.array([-(2**62)]),
    "back": np.array([-1]),
    "rows": np.array([1, 3, 90]),
    "/tenth": np.float32(0.1),
    "wide": weight(10),
    "zero": np.uint8(0),
}


@tabled("name", REFUSED)
def test_what_is_no_layer_is_a_finding_that_says_why(name: str, tmp_path: Path) -> None:
    nodes, message = REFUSED[name]
    network = read(saved(model(nodes, NUMBERS, inputs={"x": (1, 3, 9, 10)}), tmp_path))

    assert not network.complete
    assert message in " ".join(each.message for each in network.errors)


@tabled("node", [node("Add", "x v", "y", axis=1, broadcast=1), node("PRelu", "x v", "y")])
def test_before_version_7_an_array_was_for_channels(node: Any, tmp_path: Path) -> None:
    network = read(
        saved(model([node], {"v": weight(3)}, inputs={"x": (1, 3, 8, 3)}, opset=6), tmp_path)
    )

    assert "before version 7" in " ".join(each.message for each in network.errors)


def test_a_norm_in_training_is_said(tmp_path: Path) -> None:
    arrays = {name: weight(3) ** 2 for name in ("scale", "bias", "mean", "variance")}
    nodes = [node("BatchNormalization", f"x {' '.join(arrays)}", "y a b", training_mode=1)]

    assert taken(saved(model(nodes, arrays), tmp_path)).notes == (
        "batch norms that the file has in training, by the statistics of what comes in: 1",
    )


def test_an_array_that_is_quantized_in_the_file_stays_as_it_is(tmp_path: Path) -> None:
    nodes = [
        node("QuantizeLinear", "w s z", "q"),
        node("DequantizeLinear", "q s z", "f"),
        node("MatMul", "x f", "y"),
    ]
    arrays = {"w": weight(8, 4), "s": np.float32(0.5), "z": np.int8(3)}
    x = weight(1, 8, seed=1)
    (y,) = run_network(
        read(saved(model(nodes, arrays, inputs={"x": (1, 8)}), tmp_path)), x
    ).values()

    np.testing.assert_allclose(y, x @ arrays["w"], rtol=1e-5)
