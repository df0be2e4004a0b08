"""Files that were changed at random: a network or findings, never a traceback, a wait or growth.

`python -m benchmarks exchange mutated` changes as many as one likes.
"""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_files import helper, model, network_of, node, onnx, saved, weight
from tabled import tabled

pytest.importorskip("benchmarks", reason="benchmarks are not shipped")

from benchmarks.exchange.mutations import CHANGES, changed
from convcalc import run
from convcalc.analysis import analyze
from convcalc.diagnostics import ArgumentError
from convcalc.exchange.onnx.read import UNSEEN
from convcalc.exchange.onnx.scopes import SCOPES
from convcalc.graph import read

FOLDER = Path(__file__).parents[1] / "data" / "onnx"
MUTATIONS = 60
REFUSED = {"CC101", "CC102", "CC108", "CC601", "CC603"}


def test_what_is_changed_at_random_is_a_network_or_findings(tmp_path: Path) -> None:
    draw = random.Random(37)  # noqa: S311 (the same changes each time)
    files = [path.read_bytes() for path in sorted(FOLDER.glob("*.onnx"))]
    path = tmp_path / "model.onnx"
    codes = set()
    for _ in range(MUTATIONS):
        path.write_bytes(changed(draw.choice(files), draw))
        network = read(str(path))
        report = analyze(network, strict=False)
        codes |= {item.code for item in network.errors}
        assert network.errors or report.totals.complete
        assert all(item.message for item in network.diagnostics)
        assert not [item for item in network.errors if UNSEEN in item.message]

    assert codes <= REFUSED
    assert {"CC101", "CC601"} <= codes


def cut_off(path: Path, at: int, folder: Path) -> None:
    """What is behind an operation is nobody's any more, whatever it was to become."""
    made = onnx.load(path)
    made.graph.output[0].name = made.graph.node[at].output[0]
    del made.graph.output[1:]
    made.graph.output[0].type.Clear()
    network = read(saved(made, folder))
    assert network.errors or analyze(network).totals.complete, (path.name, at)


def test_any_tensor_may_be_the_output(tmp_path: Path) -> None:
    draw = random.Random(2)  # noqa: S311 (the same ones each time)
    for path in sorted(FOLDER.glob("*.onnx"))[::3]:
        cut_off(path, draw.randrange(len(onnx.load(path).graph.node)), tmp_path)


@pytest.mark.thorough
def test_each_tensor_may_be_the_output(tmp_path: Path) -> None:
    for path in sorted(FOLDER.glob("*.onnx")):
        count = len(onnx.load(path).graph.node)
        for at in range(0, count, 1 + count // 40):
            cut_off(path, at, tmp_path)


@pytest.mark.thorough
@pytest.mark.parametrize("change", CHANGES, ids=lambda one: one.__name__.strip("_"))
def test_each_change_is_stood(change: Any, tmp_path: Path) -> None:
    draw = random.Random(1)  # noqa: S311 (the same changes each time)
    for file in sorted(FOLDER.glob("*.onnx")):
        made = onnx.load(file)
        change(made, draw)
        network = read(saved(made, tmp_path))
        assert network.errors or analyze(network).totals.complete


GRAPH = helper.make_graph([], "branch", [], [])
TENSOR = onnx.numpy_helper.from_array(weight(4), "t")
MISTYPED = {
    "of_a_turn": [node("Transpose", "x", "t", perm=TENSOR), node("Conv", "t w", "y")],
    "of_a_pool": [node("MaxPool", "x", "y", kernel_shape=[2, 2], strides="two")],
    "of_what_is_fused": [node("FusedConv", "x w", "y", domain="com.microsoft", strides=TENSOR)],
    "of_what_is_fused_and_last": [
        node("FusedGemm", "x w", "y", domain="com.microsoft", alpha="a"),
    ],
}


@tabled("name", MISTYPED)
def test_attributes_of_other_types_are_findings(name: str, tmp_path: Path) -> None:
    made = model(MISTYPED[name], {"w": weight(4, 3, 3, 3)}, domains=["com.microsoft"])
    network = network_of(made, tmp_path)

    assert "is of another type than the operator's" in network.errors[0].message


def test_operators_that_a_version_does_not_have_are_findings(tmp_path: Path) -> None:
    (error,) = network_of(model([node("HardSwish", "x", "y")], opset=13), tmp_path).errors

    assert "there is none in version 13 of the operators" in error.message


NAMED = {
    "tensor": lambda made: made.graph.node[0].output[0],
    "weight": lambda made: made.graph.initializer[0].name,
    "input": lambda made: made.graph.input[0].name,
    "extent": lambda made: made.graph.input[0].type.tensor_type.shape.dim[2].dim_param,
}


@tabled("name", NAMED)
def test_names_by_which_tensors_are_found_are_text(name: str, tmp_path: Path) -> None:
    """Protobuf gives others as bytes, and only when they are asked for."""
    nodes = [node("Mod", "a w", "Same", name="Same1"), node("Relu", "Same", "y")]
    made = model(nodes, {"w": weight(1)}, inputs={"a": (1, 3, "Same5", 4)}, outputs=["y"])
    made.graph.node[0].op_type, made.graph.initializer[0].name = "Same2", "Same3"
    made.graph.node[0].input[:] = ["Same4", "Same3"]
    made.graph.input[0].name, made.graph.name = "Same4", "Same6"
    text = NAMED[name](made).encode()
    path = tmp_path / "model.onnx"
    path.write_bytes(made.SerializeToString().replace(text, b"\xff" + text[1:]))
    (error,) = read(str(path), input="8x4x3").errors

    assert "a name in it is no UTF-8 text" in error.message


def test_metadata_that_is_no_text_says_nothing(tmp_path: Path) -> None:
    made = model([node("Relu", "x", "y")])
    made.graph.node[0].metadata_props.add(key=SCOPES, value="['a', 'b']")
    path = tmp_path / "model.onnx"
    path.write_bytes(made.SerializeToString().replace(b"['a'", b"\xff'a'"))

    assert not read(str(path)).errors


def test_a_loop_whose_body_takes_nothing_is_a_finding(tmp_path: Path) -> None:
    body = helper.make_graph(
        [node("Relu", "x", "r")], "body", [], [helper.make_empty_tensor_value_info("r")]
    )
    nodes = [node("Loop", "n", "", body=body), node("Relu", "x", "y")]
    assert not network_of(model(nodes, {"n": np.array(3)}), tmp_path).errors  # nobody reads it


STRAY = {
    "of_no_operator": ([node("Transpose", "x", "y", axis=GRAPH)], 17, "no attribute axis"),
    "of_an_older_version": ([node("Squeeze", "x", "y", axes=[0])], 17, "no attribute axes"),
    "of_a_newer_version": (
        [node("MaxPool", "x", "y", kernel_shape=[2, 2], ceil_mode=1)],
        9,
        "ceil",
    ),
}


@tabled("name", STRAY)
def test_so_are_attributes_that_an_operator_does_not_have(name: str, tmp_path: Path) -> None:
    """They would mean something if the file said another version, or nothing."""
    nodes, opset, message = STRAY[name]
    (error,) = network_of(model(nodes, opset=opset), tmp_path).errors
    assert message in error.message


def test_so_are_those_that_a_function_is_given(tmp_path: Path) -> None:
    turn = node("Transpose", "a", "b")
    turn.attribute.add(name="perm", ref_attr_name="order", type=onnx.AttributeProto.INTS)
    opsets = [helper.make_opsetid("", 17)]
    own = helper.make_function("own", "Turn", ["a"], ["b"], [turn], opsets, ["order"])
    for order, fits in (([0, 2, 3, 1], True), (1.5, False), ("0231", False)):
        call = node("Turn", "x", "y", domain="own", order=order)
        network = network_of(model([call], functions=[own], domains=["own"]), tmp_path)
        assert bool(network.errors) != fits


UNFIT: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "conv": ("Conv", {"w": weight(4, 2, 3, 3)}, {}),
    "conv_transpose": ("ConvTranspose", {"w": weight(4, 2, 3, 3)}, {}),
    "bias": ("Conv", {"w": weight(4, 3, 3, 3), "b": weight(5)}, {}),
    "batch_norm": ("BatchNormalization", dict.fromkeys("abcd", weight(4)), {}),
    "instance_norm": ("InstanceNormalization", dict.fromkeys("ab", weight(24)), {}),
    "group_norm": ("GroupNormalization", dict.fromkeys("ab", weight(9)), {"num_groups": 3}),
    "layer_norm": ("LayerNormalization", {"a": weight(7)}, {"axis": -1}),
    "prelu": ("PRelu", {"a": weight(5, 1, 1)}, {}),
    "linear": ("MatMul", {"w": weight(5, 4)}, {}),
}


@tabled("name", UNFIT)
def test_arrays_that_are_not_as_large_as_what_is_read_wants_are_findings(
    name: str, tmp_path: Path
) -> None:
    operator, weights, attributes = UNFIT[name]
    nodes = [node(operator, f"x {' '.join(weights)}", "y", **attributes)]
    network = network_of(model(nodes, weights, opset=21), tmp_path)

    assert [item.code for item in network.errors] == ["CC601"]


def test_complex_numbers_are_none(tmp_path: Path) -> None:
    nodes = [node("Add", "x w", "y")]
    network = network_of(model(nodes, {"w": np.ones((3, 1, 1), np.complex64)}), tmp_path)
    if not network.errors:
        with pytest.raises(ArgumentError, match="complex numbers"):
            run(network, np.ones((1, 3, 8, 8), np.float32))


@pytest.mark.parametrize("version", [0, -1, -(2**62)])
def test_there_is_no_version_below_one(version: int, tmp_path: Path) -> None:
    made = model([node("Relu", "x", "y")], opset=version)
    (error,) = network_of(made, tmp_path).errors

    assert error.code == "CC101"
    assert f"no version {version}" in error.message


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/passwd", "model.onnx/../../x", ""])
def test_weights_are_read_beside_the_file_and_nowhere_else(location: str, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(4096))
    made = onnx.load(FOLDER / "conv1d.ts17.onnx")
    weight = made.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    entry = weight.external_data.add()
    entry.key, entry.value = "location", location
    network = read(saved(made, folder))

    assert not network.errors  # shapes are enough
    arrays = network.written.arrays if network.written else None
    assert arrays is not None
    with pytest.raises(ValueError, match=r"not beside the model|is missing"):
        arrays(network)


def test_values_beside_the_file_are_read_when_it_runs(tmp_path: Path) -> None:
    made = onnx.load(FOLDER / "conv1d.ts17.onnx")
    before = read(str(FOLDER / "conv1d.ts17.onnx"))
    weight = made.graph.initializer[0]
    (tmp_path / "weights.bin").write_bytes(b"skip" + weight.raw_data)
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", "weights.bin"), ("offset", "4")):
        entry = weight.external_data.add()
        entry.key, entry.value = key, value
    after = read(saved(made, tmp_path))
    held = []
    for network in (before, after):
        assert network.written is not None
        assert network.written.arrays is not None
        arrays = network.written.arrays(network)
        held.append({name: array.tolist() for name, array in arrays.items()})

    assert held[0] == held[1]


def test_numbers_of_half_a_byte_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(bytes([0x21, 0xF3, 0x77, 0x77]))  # 1, 2; 3, −1
    made = model(
        [node("DequantizeLinear", "w s", "f"), node("MatMul", "x f", "y")],
        {"s": np.float32(1)},
        inputs={"x": (1, 2)},
        opset=21,
    )
    array = made.graph.initializer.add()
    array.name, array.data_type, array.data_location = "w", onnx.TensorProto.INT4, 1
    array.dims.extend((2, 2))
    entry = array.external_data.add()
    entry.key, entry.value = "location", "weights.bin"
    (y,) = run(read(saved(made, tmp_path)), np.array([[1, 10]], np.float32)).values()

    assert y.tolist() == [[31, -8]]


def test_two_arrays_of_one_name_are_refused(tmp_path: Path) -> None:
    made = model([node("Conv", "x w", "y")], {"w": weight(4, 3, 3, 3)})
    made.graph.initializer.append(onnx.numpy_helper.from_array(weight(4, 3, 5, 5), "w"))

    (error,) = network_of(made, tmp_path).errors
    assert error.message == "is damaged: two arrays in it are called `w`"


def test_names_that_are_no_text_are_findings(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    made = model([node("Relu", "x", "a"), node("Blur", "a", "y", "blurred")])
    made.graph.name = "Network"
    written = made.SerializeToString()
    for before in (b"Relu", b"Blur", b"blurred", b"Network"):
        path.write_bytes(written.replace(before, b"\xff" * len(before)))
        (found,) = {each.code for each in read(str(path)).errors}
        assert found == "CC601"


BADLY_SAID = {
    "starts": ([node("Slice", "x f i", "y")], "starts has 0.5, which is no whole number"),
    "lengths": ([node("Slice", "x i ii", "y")], "do not go together"),
    "no_step": ([node("Slice", "x i i i z", "y")], "do not go together"),
    "scales": ([node("Resize", "x - f", "y")], "neither scales nor sizes of 4 axes"),
    "no_scale": ([node("Resize", "x - nan", "y")], "a scale of nan"),
    "pads": ([node("Pad", "x f", "y")], "pads has 0.5, which is no whole number"),
    "axes": ([node("ReduceSum", "x f", "y")], "axes has 0.5, which is no whole number"),
    "blocks": ([node("DepthToSpace", "x", "y", blocksize=0)], "groups would be 0"),
    "strides": ([node("MaxPool", "x", "y", kernel_shape=[2, 2], strides=[0, 1])], "strides of (0,"),
    "body": ([node("Loop", "i yes x", "y", body=helper.make_graph([], "body", [], []))], "Loop"),
    "rounds": ([node("Loop", "nan yes x", "y", body=helper.make_graph([], "b", [], []))], "Loop"),
}
WORDS = ("tuple", "index", "NoneType", "zip()", "argument", "object", "int()", "unpack", "shape '")
"""What Python says and nobody who has a file wants to read."""


@tabled("name", BADLY_SAID)
def test_what_is_badly_said_is_a_finding_in_our_words(name: str, tmp_path: Path) -> None:
    nodes, said = BADLY_SAID[name]
    numbers = {
        "f": np.array([0.5], np.float32),
        "nan": np.array([1, 1, np.nan, 1], np.float32),
        "i": np.array([1]),
        "ii": np.array([1, 2]),
        "z": np.array([0]),
        "yes": np.array(True),
    }
    errors = read(saved(model(nodes, numbers, opset=18), tmp_path)).errors

    assert said in errors[0].message
    assert not [word for word in WORDS for each in errors if word in each.message]
