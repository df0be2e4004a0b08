"""ONNX files as specs: what they become, and what is said of those that are none."""

import json
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from onnx_files import model, network_of, node, onnx, saved, spec_of, taken, weight
from paths import ROOT
from tabled import tabled

from convcalc import run as values_of
from convcalc.analysis import analyze
from convcalc.analysis.memory.library import memory
from convcalc.cli import convcalc
from convcalc.exchange import format_of
from convcalc.exchange.onnx.kinds import ROWS
from convcalc.exchange.onnx.operations import Operation
from convcalc.exchange.onnx.rows import OPERATORS, reads
from convcalc.exchange.onnx.scopes import CLASSES, SCOPES
from convcalc.formats.rows import describe, rows
from convcalc.graph import loads, parse, read
from convcalc.layers import CATALOGUE
from convcalc.shape import Shape
from convcalc.spec.expressions import FUNCTIONS
from convcalc.spec.names import RESERVED


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(convcalc, [*arguments], input=stdin)


def small() -> Any:
    """A convolution, a residual and a linear layer, as PyTorch exports them."""
    nodes = [
        node("Conv", "x w1 b1", "c1", "/stem/Conv", pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
        node("Relu", "c1", "r1", "/act/Relu"),
        node("Conv", "r1 w2", "c2", "/block/conv/Conv", pads=[1, 1, 1, 1]),
        node("BatchNormalization", "c2 g o m v", "n2", "/block/bn/BatchNormalization"),
        node("Add", "n2 r1", "a", "/block/Add"),
        node("MaxPool", "a", "p", kernel_shape=[2, 2], strides=[2, 2]),
        node("Flatten", "p", "f"),
        node("Gemm", "f w3 b3", "y", "/fc/Gemm", transB=1),
    ]
    weights = {
        "w1": weight(4, 3, 3, 3), "b1": weight(4), "w2": weight(4, 4, 3, 3),
        "g": weight(4), "o": weight(4), "m": weight(4), "v": weight(4) ** 2,
        "w3": weight(10, 64), "b3": weight(10),
    }  # fmt: skip
    return model(nodes, weights)


def test_a_file_reads_as_if_a_spec_was_written(tmp_path: Path) -> None:
    assert (
        spec_of(small(), tmp_path)
        == """\
input: 8x8x3
rounding: floor
layers:
  - conv: {filters: 4, kernel: 3, padding: 1}
  - relu
  - add:
      - - conv: {filters: 4, kernel: 3, padding: 1, bias: false}
        - batchnorm
      - []
  - maxpool: 2
  - flatten
  - linear: 10
"""
    )


def test_what_it_takes_is_what_its_arrays_hold(tmp_path: Path) -> None:
    report = analyze(network_of(small(), tmp_path))

    assert report.totals.parameters == 4 * 3 * 9 + 4 + 4 * 4 * 9 + 2 * 4 + 10 * 64 + 10
    assert report.totals.buffers == 2 * 4
    assert report.totals.macs == 64 * (4 * 3 * 9 + 4 * 4 * 9) + 640
    assert str(report.output) == "10"


LIGHT = {
    "bvlc_alexnet": (60_965_224, 0),
    "densenet121": (8_062_504, 83_648),
    "inception_v1": (6_998_552, 0),
    "inception_v2": (11_214_888, 19_904),
    "resnet50": (25_557_032, 53_120),
    "shufflenet": (1_393_320, 26_832),
    "squeezenet": (1_235_496, 0),
    "vgg19": (143_667_240, 0),
    "zfnet512": (87_250_536, 0),
}
"""The models that the onnx package has for the tests of its backends: parameters and running
statistics. AlexNet, ResNet-50, SqueezeNet 1.1 and VGG-19 are as published, GoogLeNet's are those of
Szegedy et al.'s table with biases; of the others each sum is that of the file's arrays, a norm's
scale and shift once in it and once as the Mul and Add that Caffe has behind it."""
SAME_AS = {"resnet50": "resnet50", "squeezenet": "squeezenet1_1", "vgg19": "vgg19"}
"""Those that are bundled, too, with the same multiplications."""


@tabled("name", LIGHT)
def test_the_models_that_onnx_ships_are_read_whole(name: str) -> None:
    folder = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
    path = folder / f"light_{name}.onnx"
    if not path.exists():
        return
    network = read(str(path))
    totals = analyze(network).totals

    assert (totals.parameters, totals.buffers) == LIGHT[name]
    assert totals.complete
    assert not network.errors
    if name in SAME_AS:
        assert totals.macs == analyze(SAME_AS[name]).totals.macs


@tabled(
    "arguments",
    [("analyze",), ("check",), ("memory", "--training"), ("sizes",), ("explain", "--all")],
)
def test_a_command_takes_one_where_it_takes_a_spec(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    path = saved(small(), tmp_path)
    result = run(arguments[0], path, *arguments[1:])

    assert result.exit_code == 0, result.output


def test_two_of_them_are_compared(tmp_path: Path) -> None:
    path = saved(small(), tmp_path)
    spec = str(tmp_path / "net.yaml")

    assert run("import", path, "-o", spec).exit_code == 0
    result = run("diff", path, spec, "--format", "json")

    assert result.exit_code == 0
    assert all(not each["difference"] for each in json.loads(result.stdout)["totals"].values())


def test_one_may_come_from_standard_input() -> None:
    result = run("analyze", "-", "--format", "json", stdin=small().SerializeToString())

    assert json.loads(result.stdout)["totals"]["parameters"] == 914


def test_it_is_told_by_what_it_holds(tmp_path: Path) -> None:
    path = saved(small(), tmp_path, "model.yaml")

    assert read(path).errors == ()
    assert format_of(b"name: a spec\n") is None
    (tmp_path / "text.onnx").write_text("input: 8x8x3\nlayers: [relu]\n")
    assert run("analyze", str(tmp_path / "text.onnx")).exit_code == 0
    result = run("import", str(tmp_path / "text.onnx"))
    assert result.exit_code == 2
    assert "is no ONNX file" in result.stderr


def test_without_the_package_it_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(small(), tmp_path)
    monkeypatch.setitem(sys.modules, "onnx", None)

    for command in ("import", "analyze", "check"):
        result = run(command, path)
        assert result.exit_code == 2
        assert result.output.count("pip install 'convcalc[onnx]'") == 1


def test_all_that_cannot_be_said_is_told_and_the_rest_is_worked_out(tmp_path: Path) -> None:
    nodes = [
        node("Conv", "x w", "c", "first", pads=[1, 1, 1, 1]),
        node("Round", "c", "s1", "odd_one"),
        node("Conv", "s1 w2", "d", "second", pads=[1, 1, 1, 1]),
        node("Round", "d", "s2", "odd_two"),
        node("Det", "s2", "t", "other"),
        node("Relu", "s2", "y", "last"),
    ]
    made = model(nodes, {"w": weight(4, 3, 3, 3), "w2": weight(8, 4, 3, 3)}, outputs=("y", "t"))
    path = saved(made, tmp_path)
    result = taken(path)

    assert [each.origin for each in result.findings] == ["odd_one", "other"]
    messages = [each.problem.message for each in result.findings]
    assert messages[0].startswith("Round of N×4×8×8 cannot be said in a spec")
    assert messages[0].endswith("(and 1 more)")
    assert messages[1].startswith("Det of N×8×8×8 ")
    report = analyze(read(path), strict=False)
    assert report.totals.parameters == 4 * 3 * 9 + 8 * 4 * 9
    assert not report.totals.complete
    assert run("analyze", path).exit_code == 1


def test_open_extents_are_asked_for_and_become_given(tmp_path: Path) -> None:
    nodes = [
        node("Conv", "x w", "c", pads=[1, 1, 1, 1]),
        node("GlobalAveragePool", "c", "g"),
        node("Flatten", "g", "y"),
    ]
    inputs = {"x": ("N", 3, "height", "width")}
    path = saved(model(nodes, {"w": weight(4, 3, 3, 3)}, inputs=inputs), tmp_path)
    asked = run("analyze", path)

    assert asked.exit_code == 1
    assert "CC603" in asked.stderr
    assert "`height`, `width`" in asked.stderr
    assert run("analyze", path, "--input", "16x24x3").exit_code == 0


@tabled(
    ("operator", "dims", "given", "wanted"),
    [
        ("Conv", "n 3 h w", "20x30x3", "20×30×3"),
        ("Conv", "n 3 h w", "20x30x4", "it is N×3×?×?, and --input 20x30x4 is none such"),
        ("Conv", "n 3 h w", "5x20x30x3", "it is N×3×?×?, and --input 5x20x30x3 is none such"),
        ("Conv", "n c h w", "20x30x3", "20×30×3"),
        ("Conv", "n c h w", "3x20x3", "3×20×3"),
        ("Turned", "n h w 3", "20x30x3", "20×30×3"),
        ("Turned", "n h w c", "20x30x3", "20×30×3"),
        ("Turned", "n h w c", "3x20x3", "3×20×3"),
        ("MatMul", "n l 3", "50x3", "50×3"),
        ("MatMul", "n l c", "50x3", "50×3"),
        ("MatMul", "n l 3", "50x4", "it is N×?×3, and --input 50x4 is none such"),
        ("MatMul", "n l 3", "3x3", "3×3"),
    ],
)
def test_what_is_given_has_its_channels_where_the_file_has_them(
    operator: str, dims: str, given: str, wanted: str, tmp_path_factory: Any
) -> None:
    extents = [int(each) if each.isdigit() else each for each in dims.split()]
    nodes, weights = [node("Relu", "x", "r"), node("Conv", "r w", "y")], weight(4, 3, 3, 3)
    if operator == "Turned":
        nodes[1:] = [node("Transpose", "r", "t", perm=[0, 3, 1, 2]), node("Conv", "t w", "y")]
    elif operator == "MatMul":
        nodes[1:], weights = [node("MatMul", "r w", "y")], weight(3, 5)
    made = model(nodes, {"w": weights}, inputs={"x": extents})
    network = read(saved(made, tmp_path_factory.mktemp("given")), input=given)

    if wanted[0].isdigit():
        assert not network.errors
        assert str(network.shape_of(0)) == wanted
    else:
        (error,) = network.errors
        assert error.code == "CC603"
        assert wanted in error.message


@tabled("extents", [("H", "W"), (20, 30)])
def test_numbers_that_were_worked_out_for_an_input_are_said(
    extents: Any, tmp_path_factory: Any
) -> None:
    nodes = [
        node("Conv", "x w", "c", strides=[3, 3]),
        node("Shape", "x", "s", start=2),
        node("Concat", "front s", "size", axis=0),
        node("Resize", "c - - size", "y", mode="linear"),
    ]
    arrays = {"w": weight(4, 3, 3, 3), "front": np.array([1, 4])}
    made = model(nodes, arrays, inputs={"x": ("n", 3, *extents)})
    path = saved(made, tmp_path_factory.mktemp("sized"))
    result = run("import", path, "--input", "20x30x3")

    assert "upsample: {size: 20x30, mode: linear}" in result.stdout
    said = "sizes and places in 1 upsample may hang on those given"
    assert (said in result.stderr) == (extents == ("H", "W"))


def test_inputs_of_other_numbers_of_examples_are_said(tmp_path: Path) -> None:
    for second, said in ((1, ()), (5, ("and they are 1 of `a`, 5 of `b`",))):
        made = model([node("Add", "a b", "y")], inputs={"a": (1, 4), "b": (second, 4)})
        notes = taken(saved(made, tmp_path)).notes
        assert [each in note for each, note in zip(said, notes, strict=True)] == [True] * len(said)


def test_a_damaged_file_is_one_error_and_no_traceback(tmp_path: Path) -> None:
    whole = small().SerializeToString()
    path = tmp_path / "model.onnx"
    for at in range(0, len(whole), 97):
        path.write_bytes(whole[:at])
        result = run("analyze", str(path))
        assert result.exit_code in (0, 1, 2), result.output
        assert "Traceback" not in result.output
        assert "internal error" not in result.output


def test_circles_and_what_nothing_makes_are_refused(tmp_path: Path) -> None:
    circle = [node("Add", "x b", "a"), node("Relu", "a", "b"), node("Relu", "b", "y")]
    gap = [node("Relu", "nowhere", "y")]
    twice = [node("Relu", "x", "a"), node("Tanh", "x", "a"), node("Relu", "a", "y")]
    for nodes, message in (
        (circle, "goes in a circle"),
        (gap, "which nothing makes"),
        (twice, "two operators make `a`"),
    ):
        result = run("analyze", saved(model(nodes), tmp_path))
        assert result.exit_code == 2
        assert message in result.stderr


def test_operators_may_stand_in_any_order(tmp_path: Path) -> None:
    nodes = [node("Relu", "c", "y"), node("Conv", "x w", "c")]
    text = spec_of(model(nodes, {"w": weight(4, 3, 3, 3)}), tmp_path)

    assert text.endswith("  - conv: {filters: 4, kernel: 3, bias: false}\n  - relu\n")


def test_a_folder_says_which_files_it_leaves_out_and_globs_name_them(tmp_path: Path) -> None:
    folder = tmp_path / "nets"
    folder.mkdir()
    (folder / "net.yaml").write_text("input: 8x8x3\nlayers: [relu]\n")
    for name in ("a.onnx", "b.onnx"):
        saved(small(), folder, name)
    walked = run("check", str(folder))
    named = run("check", str(folder / "*.onnx"))

    assert walked.exit_code == 0
    assert "in 1 spec." in walked.output
    assert "2 files from elsewhere are left out" in walked.stderr
    assert "in 2 specs." in named.output
    assert "left out" not in named.stderr
    assert "left out" in run("check", "--show-files", str(folder)).stderr


def test_nothing_is_fixed_or_formatted_in_one(tmp_path: Path) -> None:
    path = saved(small(), tmp_path)
    before = Path(path).read_bytes()

    assert run("check", "--fix", path).exit_code == 0
    assert run("format", path).exit_code == 2
    assert Path(path).read_bytes() == before


def test_names_of_extents_become_parameters_of_the_spec(tmp_path: Path) -> None:
    nodes = [node("Conv", "x w", "y", pads=[1, 1, 1, 1])]
    inputs = {"x": ("N", 3, "height", "index")}
    path = saved(model(nodes, {"w": weight(4, 3, 3, 3)}, inputs=inputs), tmp_path)
    text = run("import", path, "--input", "16x24x3").stdout

    assert text.startswith(
        "input: [height, index_, 3]\nrounding: floor\nparameters: {height: 16, index_: 24}\n"
    )


def test_a_pool_of_one_value_makes_no_size_where_extents_are_open(tmp_path: Path) -> None:
    nodes = [node("AveragePool", "x", "y", kernel_shape=[1, 1], strides=[1, 1])]
    path = saved(model(nodes, inputs={"x": ("N", 3, "height", "width")}), tmp_path)

    assert "avgpool: 1," in run("import", path, "--flat", "--input", "16x24x3").stdout


@pytest.mark.parametrize("outputs", [["c"], ["y", "c"], ["c", "y"], ["w"]])
def test_outputs_that_hang_on_no_input_are_findings(outputs: list[str], tmp_path: Path) -> None:
    nodes = [node("Relu", "x", "y"), node("Dropout", "w", "c")]
    network = read(saved(model(nodes, {"w": weight(5)}, outputs=outputs), tmp_path))

    assert not network.complete
    (error,) = network.errors
    assert error.message == "the output of 5 cannot be said in a spec: it hangs on no input"


def test_names_of_extents_that_mean_something_are_called_otherwise(tmp_path: Path) -> None:
    words = sorted({*RESERVED, *FUNCTIONS, "incoming", "null", "Null", "True", "same", "layers"})
    assert len(words) >= 20
    for word in words:
        nodes = [node("Conv", "x w", "y", pads=[1, 1, 1, 1])]
        inputs = {"x": ("N", 3, word, word)}
        path = saved(model(nodes, {"w": weight(4, 3, 3, 3)}, inputs=inputs), tmp_path)
        network = loads(run("import", path, "--input", "8x8x3").stdout)

        assert not network.errors, word
        assert network.shape_of(network.inputs[0]) == Shape(3, (8, 8))


def test_names_of_layers_and_inputs_that_mean_something_are_called_otherwise(
    tmp_path: Path,
) -> None:
    for word in sorted({*RESERVED, "null", "Null", "True", "layers", "conv"}):
        two = [node("Add", f"{word} q", "a"), node("Relu", "a", "b", word), node("Relu", "b", "c")]
        made = model([*two, node("Add", f"c {word}", "d"), node("Add", "d b", "y")],
                     inputs={word: (1, 3, 8, 8), "q": (1, 3, 8, 8)})  # fmt: skip

        assert loads(spec_of(made, tmp_path)).named_outputs, word


@tabled("seed", range(25))
def test_a_name_that_is_a_kind_and_a_number_is_nobody_elses(seed: int, tmp_path: Path) -> None:
    """Whatever nodes are called that need a name here, none meets a layer that is counted."""
    draw = random.Random(seed)  # noqa: S311 (no secret)
    names = ["relu1", "relu2", "relu3", "tanh1", "tanh2", "add1", "add2", "relu1_2"]
    nodes = []
    made = ["x"]
    for at in range(10):
        op = draw.choice(["Relu", "Tanh", "Add"])
        reads = draw.sample(made, 2) if op == "Add" and len(made) > 1 else [made[-1]]
        op = op if op != "Add" or len(reads) == 2 else "Relu"
        name = draw.choice([f"/{name}/{op}" for name in names])
        nodes.append(node(op, " ".join(reads), f"t{at}", name))
        made.append(f"t{at}")
    path = saved(model(nodes, outputs=[*draw.sample(made[1:-1], 2), made[-1]]), tmp_path)
    text = run("import", path).stdout
    (tmp_path / "net.yaml").write_text(text)

    assert not read(path).errors
    assert not read(str(tmp_path / "net.yaml")).errors, text


@pytest.mark.parametrize("turned", [False, True])
def test_weights_are_of_the_layer_that_stands_first_in_the_spec(
    tmp_path: Path,
    turned: bool,  # noqa: FBT001
) -> None:
    """Whichever tower a merge reads first, and whichever the file made first."""
    nodes = [
        node("Conv", "x w", "a", "/one/Conv"),
        node("Relu", "a", "p", "/one/Relu"),
        node("Conv", "z w", "b", "/other/Conv"),
        node("Tanh", "b", "q", "/other/Tanh"),
        node("Sub", "q p" if turned else "p q", "y", "/Sub"),
    ]
    both: dict[str, tuple[int | str, ...]] = {"x": (1, 3, 8, 8), "z": (1, 3, 8, 8)}
    weights = {"w": weight(4, 3, 3, 3)}
    path = saved(model(nodes, weights, inputs=both), tmp_path)
    network = read(path)

    assert not network.errors, network.errors
    assert analyze(network).totals.parameters == 108
    given = {name: weight(1, 3, 8, 8, seed=seed) for seed, name in enumerate(both, 1)}
    windows = {
        name: np.lib.stride_tricks.sliding_window_view(x, (3, 3), (2, 3))
        for name, x in given.items()
    }
    maps = {name: np.einsum("nchwij,kcij->nkhw", x, weights["w"]) for name, x in windows.items()}
    wanted = np.maximum(maps["x"], 0) - np.tanh(maps["z"])
    (values,) = values_of(path, given).values()
    np.testing.assert_allclose(values, -wanted if turned else wanted, rtol=1e-4, atol=1e-4)


def quantized(style: str) -> Any:
    """A convolution of whole numbers, by its own operator or between scales."""
    weights = {
        "s": np.float32(0.1), "z": np.uint8(128), "ws": np.full(4, 0.02, np.float32),
        "wz": np.zeros(4, np.int8), "b": np.arange(4, dtype=np.int32),
        "wq": np.arange(108).reshape(4, 3, 3, 3).astype(np.int8),
    }  # fmt: skip
    given = node("QuantizeLinear", "x s z", "xq")
    if style == "operator":
        nodes = [
            given,
            node("QLinearConv", "xq s z wq ws wz s z b", "cq", "conv", pads=[1, 1, 1, 1]),
            node("DequantizeLinear", "cq s z", "y"),
        ]
    else:
        nodes = [
            given,
            node("DequantizeLinear", "xq s z", "xd"),
            node("DequantizeLinear", "wq ws wz", "w", axis=0),
            node("Conv", "xd w", "y", "conv", pads=[1, 1, 1, 1]),
        ]
    return model(nodes, weights)


@tabled(("style", "parameters"), [("operator", 112), ("between", 108)])
def test_a_quantized_file_is_the_network_in_floats(
    style: str, parameters: int, tmp_path: Path
) -> None:
    path = saved(quantized(style), tmp_path)
    network = read(path)

    assert [(each.code, each.severity) for each in network.diagnostics] == [("CC604", "note")]
    assert analyze(network).totals.parameters == parameters
    assert run("check", path).exit_code == 0
    refused = run("memory", path)
    assert refused.exit_code == 1
    assert "memory is not told of a quantized file" in refused.stderr
    with pytest.raises(ValueError, match="quantized"):
        memory(path)


def test_what_is_shared_and_folded_is_said(tmp_path: Path) -> None:
    nodes = [
        node("Conv", "x onnx::Conv_1 b", "c", pads=[1, 1, 1, 1]),
        node("Conv", "c onnx::Conv_2 b", "y", pads=[1, 1, 1, 1]),
    ]
    weights = {
        "onnx::Conv_1": weight(4, 3, 3, 3), "onnx::Conv_2": weight(4, 4, 3, 3), "b": weight(4),
    }  # fmt: skip
    result = run("import", saved(model(nodes, weights), tmp_path))

    assert result.exit_code == 0
    assert "shared in the file: 1 array " in result.stderr
    assert "4 values more than the file holds" in result.stderr
    assert "folded: 2 weights" in result.stderr


def test_what_no_output_hangs_on_is_left_out_and_said(tmp_path: Path) -> None:
    nodes = [
        node("Conv", "x w b", "y"),
        node("Conv", "x w v", "side"),
        node("Relu", "side", "r"),
        node("Conv", "r u", "end"),
    ]
    weights = {"w": weight(4, 3, 3, 3), "b": weight(4), "v": weight(4), "u": weight(4, 4, 1, 1)}
    result = taken(saved(model(nodes, weights), tmp_path))

    assert result.spec is not None
    assert len(result.spec.layers) == 1
    assert result.notes == (
        "2 operators with 20 weights are left out: no output hangs on what is made there",
    )


def test_a_report_says_what_is_shared_and_folded(tmp_path: Path) -> None:
    nodes = [
        node("Conv", "x onnx::Conv_1 b", "c", pads=[1, 1, 1, 1]),
        node("Conv", "c onnx::Conv_2 b", "y", pads=[1, 1, 1, 1]),
    ]
    weights = {
        "onnx::Conv_1": weight(4, 3, 3, 3), "onnx::Conv_2": weight(4, 4, 3, 3), "b": weight(4),
    }  # fmt: skip
    path = saved(model(nodes, weights), tmp_path)
    shown = run("analyze", path).stdout
    report = json.loads(run("analyze", path, "--format", "json").stdout)

    assert "Shared in the file: 1 array that several layers read" in shown
    assert "Folded: 2 weights" in shown
    assert [note.partition(":")[0] for note in report["notes"]] == ["shared in the file", "folded"]
    assert report["totals"]["parameters"] == (27 * 4 + 4) + (36 * 4 + 4)
    assert "notes" not in json.loads(run("analyze", "lenet5", "--format", "json").stdout)


def test_a_product_whose_bias_is_added_behind_shares_nothing(tmp_path: Path) -> None:
    nodes = [node("MatMul", "x w", "m"), node("Add", "m b", "y")]
    made = model(nodes, {"w": weight(10, 4), "b": weight(4)}, inputs={"x": (1, 10)})
    result = run("import", saved(made, tmp_path))

    assert (result.exit_code, result.stderr) == (0, "")
    assert "linear: 4" in result.stdout


@tabled(
    ("shape", "said"),
    [
        ("left=8x8x3", ""),
        ("right_1=8x8x3", ""),  # as a spec calls `right.1`
        ("rigth.1=8x8x3", "no input `rigth.1` that --input could set"),
        ("x=8x8x3", "the inputs are `left`, `right.1`"),
    ],
)
def test_inputs_are_given_by_a_name_that_they_have(
    shape: str, said: str, tmp_path_factory: Any
) -> None:
    """By what the file calls them or by what the spec does; any other name is an error."""
    inputs = dict.fromkeys(("left", "right.1"), ("N", 3, 8, 8))
    made = model([node("Add", "left right.1", "y")], inputs=inputs)
    path = saved(made, tmp_path_factory.mktemp("inputs"))
    for command in ("import", "analyze", "check", "memory"):
        result = run(command, path, "--input", shape)

        assert said in result.stderr + result.stdout
        assert (result.exit_code != 0) == bool(said), command
        assert ("CC118" in result.stderr + result.stdout) == bool(said)


def test_the_only_input_is_given_by_its_name_in_the_file(tmp_path: Path) -> None:
    inputs = {"image": ("N", 3, "height", "width")}
    path = saved(model([node("Relu", "image", "y")], inputs=inputs), tmp_path)

    for shape in ("image=16x24x3", "16x24x3"):
        assert read(path, input=given_of(shape)).shape_of(0) == Shape(3, (16, 24))
    assert run("analyze", path, "--input", "picture=16x24x3").exit_code == 1


def given_of(text: str) -> Any:
    name, sign, shape = text.rpartition("=")
    return {name: shape} if sign else shape


@tabled(
    ("factor", "summand", "layers"),
    [
        ("/module/Mul", "/module/Add", ["affine times 2 plus 3"]),
        ("node_mul", "node_add", ["affine times 2 plus 3"]),
        ("/one/Mul", "/other/Add", ["affine times 2", "affine plus 3"]),
    ],
)
def test_a_factor_and_a_summand_of_one_module_are_one_layer(
    factor: str, summand: str, layers: list[str], tmp_path_factory: Any
) -> None:
    numbers = {"onnx::two": np.float32(2), "onnx::three": np.float32(3)}
    nodes = [
        node("Mul", "x onnx::two", "m", factor),
        node("Add", "m onnx::three", "y", summand),
    ]
    made = network_of(model(nodes, numbers), tmp_path_factory.mktemp("affine"))

    said = [
        f"{each.kind} {describe(each.layer)}".replace(",", "") for each in made.layers if each.layer
    ]
    assert said == layers
    (values,) = values_of(made, np.full((1, 3, 8, 8), 5, np.float32)).values()
    assert {*values.reshape(-1)} == {5 * 2 + 3}


@pytest.mark.parametrize("command", ["show", "format"])
def test_commands_that_rewrite_specs_name_the_way_there(command: str, tmp_path: Path) -> None:
    path = saved(model([node("Relu", "x", "y")]), tmp_path)

    assert "convcalc import" in run(command, path).stderr


def test_folding_a_file_is_folding_what_it_is_taken_for(tmp_path: Path) -> None:
    path = saved(small(), tmp_path)
    flat, folded = run("import", path, "--flat").stdout, run("import", path).stdout

    assert run("fold", path).stdout == folded
    assert run("fold", "--flat", path).stdout == flat
    assert run("fold", "--check", path).exit_code == (flat != folded)
    new = tmp_path / "new.yaml"
    assert run("fold", path, "-o", str(new)).exit_code == 0
    assert new.read_text() == folded


def test_folding_says_what_of_a_file_a_spec_cannot(tmp_path: Path) -> None:
    nodes = [node("Conv", "x w", "c", "conv1"), node("Det", "c", "y", "det")]
    path = saved(model(nodes, {"w": weight(4, 3, 3, 3)}), tmp_path)
    result = run("fold", path)

    assert result.exit_code == 1
    assert "conv" in result.stdout
    assert "CC601" in result.stderr
    inputs = {"x": ("N", 3, "height", 8)}
    path = saved(
        model(nodes[:1], {"w": weight(4, 3, 3, 3)}, inputs=inputs, outputs=("c",)), tmp_path
    )
    asked = run("fold", path)
    assert (asked.exit_code, asked.stdout) == (1, "")
    assert f"`convcalc import {path} --input" in asked.stderr


@tabled(
    ("name", "text", "message", "advice"),
    [
        ("vgg16", "", "it is the bundled architecture of that name, a", "`convcalc show vgg16`"),
        ("net.yaml", "input: 8x8x3\nlayers: [relu]\n", "it is a spec already", "`convcalc fold`"),
        ("notes.md", "# Notes\n", "is no ONNX file, by what", ""),
        ("nothing.onnx", "", "is neither a file nor a bundled architecture", "give a path"),
    ],
)
def test_what_needs_no_import_is_said_to_be_what_it_is(
    name: str, text: str, message: str, advice: str, tmp_path_factory: Any
) -> None:
    path = tmp_path_factory.mktemp("none") / name
    if text:
        path.write_text(text)
    result = run("import", str(path) if text or "." in name else name)

    assert result.exit_code == 2
    assert message in result.stderr
    assert advice in result.stderr
    assert "did you mean the bundled `vgg16`" not in result.stderr


NUMBERS_OF_NOTHING = {
    "stride": node("Conv", "x w", "y", strides=[0, 0]),
    "backwards": node("Conv", "x w", "y", strides=[-1, -1]),
    "dilation": node("Conv", "x w", "y", dilations=[0, -2]),
    "groups": node("Conv", "x w", "y", group=0),
    "same": node("Conv", "x w", "y", strides=[0, 0], auto_pad="SAME_UPPER"),
    "transposed": node("ConvTranspose", "x w", "y", strides=[0, 0], auto_pad="SAME_LOWER"),
    "pool": node("MaxPool", "x", "y", kernel_shape=[2, 2], strides=[0, 1], ceil_mode=1),
    "average": node("AveragePool", "x", "y", kernel_shape=[0, 0], strides=[0, 0]),
    "split": node("Split", "x", "y", num_outputs=0),
    "blocks": node("SpaceToDepth", "x", "y", blocksize=0),
    "block": node("DepthToSpace", "x", "y", blocksize=0),
    "norm": node("GroupNormalization", "x b b", "y", num_groups=0),
    "local": node("LRN", "x", "y", size=0),
    "lengths": node("LpNormalization", "x", "y", p=0),
    "states": node("LSTM", "x w w", "y", hidden_size=0),
    "taken": node("Gather", "x none", "y", axis=0),
}


@tabled("operator", NUMBERS_OF_NOTHING.values(), ids=NUMBERS_OF_NOTHING)
def test_attributes_of_nothing_are_findings(operator: Any, tmp_path_factory: Any) -> None:
    weights = {"w": weight(3, 3, 3, 3), "b": weight(3), "none": np.zeros(0, np.int64)}
    made = model([operator], weights, opset=18)
    result = run("import", saved(made, tmp_path_factory.mktemp("nothing")))

    assert result.exit_code == 1, result.output
    assert "error[CC601]" in result.stderr


def test_constants_that_divide_by_nothing_are_findings(tmp_path: Path) -> None:
    nodes = [
        node("Div", "n zero", "s"),
        node("Mod", "n zero", "t"),
        node("Concat", "s t", "u", axis=0),
        node("Reshape", "x u", "y"),
    ]
    weights = {"n": np.array([4], np.int64), "zero": np.array([0], np.int64)}
    result = run("import", saved(model(nodes, weights), tmp_path))

    assert result.exit_code == 1
    assert "error[CC601]" in result.stderr


@pytest.mark.parametrize("operator", ["Add", "Mul", "Concat"])
def test_arrays_that_are_expanded_to_the_batch_are_parameters(
    operator: str, tmp_path: Path
) -> None:
    """As of `x + self.weight.expand(x.shape[0], -1, -1, -1)` in PyTorch: 3 × 8 × 8 values."""
    fields: dict[str, Any] = {"axis": 1} if operator == "Concat" else {}
    nodes = [
        node("Shape", "x", "shape", start=0, end=1),
        node("Concat", "shape rest", "to", axis=0),
        node("Expand", "weight to", "all"),
        node(operator, "x all", "y", **fields),
    ]
    weights = {"weight": weight(1, 3, 8, 8), "rest": np.array([3, 8, 8], np.int64)}
    for extent in (1, "batch"):
        made = model(nodes, weights, inputs={"x": (extent, 3, 8, 8)})
        assert analyze(network_of(made, tmp_path)).totals.parameters == 192


def test_an_input_that_is_given_in_vain_is_said(tmp_path: Path) -> None:
    path = saved(model([node("Relu", "x", "y")]), tmp_path)

    assert (
        "the input `x` is, N×3×8×8, and --input" in run("import", path, "--input", "9x9x3").stderr
    )
    assert run("import", path, "--input", "8x8x3").stderr == ""


@pytest.mark.parametrize("name", ["3.weight", "const.weight", "node_norm.weight", "val_1.scale"])
def test_names_of_modules_are_names(name: str, tmp_path: Path) -> None:
    """An instance norm as it is before training, in an `nn.Sequential`: 2 × 3 parameters."""
    nodes = [node("InstanceNormalization", f"x {name} b", "y")]
    weights = {name: np.ones(3, np.float32), "b": np.zeros(3, np.float32)}
    made = network_of(model(nodes, weights), tmp_path)

    assert analyze(made).totals.parameters == 6


def test_layers_that_have_the_same_weights_count_them_once(tmp_path: Path) -> None:
    nodes = [
        node("Conv", "x w", "a", pads=[1, 1, 1, 1]),
        node("Conv", "a w", "y", pads=[1, 1, 1, 1]),
    ]
    report = analyze(network_of(model(nodes, {"w": weight(3, 3, 3, 3)}), tmp_path))

    assert report.totals.parameters == 81
    assert report.totals.macs == 2 * 81 * 64


@tabled(
    ("producer", "second", "parameters"),
    [
        # Before training all factors are 1, and exporters write equal arrays once.
        ("pytorch", "/b/norm/BatchNormalization", 12),
        # The same module that is called again has its own, as nobody else's files say.
        ("pytorch", "/a/norm_1/BatchNormalization", 6),
        ("pytorch", "/a/norm/BatchNormalization_1", 6),
        ("", "/b/norm/BatchNormalization", 6),
        ("convcalc", "/b/norm/BatchNormalization", 6),
    ],
)
def test_norms_with_arrays_of_another_module(
    producer: str, second: str, parameters: int, tmp_path_factory: Any
) -> None:
    """Factors that are variances, too, and summands that are means."""
    read_by = "a.norm.weight a.norm.bias a.norm.bias a.norm.weight"
    nodes = [
        node("BatchNormalization", f"x {read_by}", "n", "/a/norm/BatchNormalization"),
        node("Relu", "n", "r", "/relu/Relu"),
        node("BatchNormalization", f"r {read_by}", "y", second),
    ]
    arrays = {"a.norm.weight": np.ones(3, np.float32), "a.norm.bias": np.zeros(3, np.float32)}
    made = model(nodes, arrays)
    made.producer_name = producer
    network = network_of(made, tmp_path_factory.mktemp("norms"))

    assert network.complete
    assert analyze(network).totals.parameters == parameters


@tabled(
    ("starts", "ends", "expected"),
    [
        ([1, 2], [7, 6], "crop: [[1, 1], [2, 2]]"),
        ([1, 1], [7, 7], "crop: 1"),
        ([0, 3], [6, 8], "crop: [[0, 2], [3, 0]]"),
    ],
)
def test_a_slice_of_several_axes_is_a_crop(
    starts: list[int], ends: list[int], expected: str, tmp_path_factory: Any
) -> None:
    arrays = {"starts": starts, "ends": ends, "axes": [2, 3]}
    made = model(
        [node("Slice", "x starts ends axes", "y")], {k: np.array(v) for k, v in arrays.items()}
    )
    path = saved(made, tmp_path_factory.mktemp("crops"))

    assert expected in run("import", path).stdout
    wanted = np.arange(192.0, dtype=np.float32).reshape(1, 3, 8, 8)
    (values,) = values_of(path, wanted).values()
    assert np.array_equal(values, wanted[:, :, starts[0] : ends[0], starts[1] : ends[1]])


def test_tables_cover_the_catalogue_and_the_page_names_every_operator() -> None:
    assert ROWS.keys() == CATALOGUE.keys()
    assert not [kind for kind, row in ROWS.items() if bool(row.operators) == bool(row.unread)]
    read_from = {each for row in ROWS.values() for each in row.operators}
    refused = {"Parted", "RMSNormalization", "com.microsoft:SimplifiedLayerNormalization"}
    assert read_from == OPERATORS.keys() - {"Identity", "Cast"} - refused
    for operator in OPERATORS:
        domain, _, name = operator.rpartition(":")
        assert reads(Operation(name, [], {}, "", domain=domain))
    page = (ROOT / "docs" / "exchange.md").read_text(encoding="utf-8")
    recognised = {"AdaptiveAveragePool", "AdaptiveMaxPool", "ChannelShuffle", "KMaxPool"}
    recognised |= {"MultiHeadAttention", "Parted", "Silu"}
    named = {operator.rpartition(":")[2] for operator in OPERATORS} - recognised
    assert not [operator for operator in sorted(named) if f"`{operator}`" not in page]


def test_what_comes_again_is_written_once(tmp_path: Path) -> None:
    nodes, weights, x = [], {}, "x"
    for number in range(1, 5):
        nodes += [
            node("Conv", f"{x} w{number}", f"c{number}", f"/unit{number}/Conv", pads=[1, 1, 1, 1]),
            node("Relu", f"c{number}", f"r{number}", f"/unit{number}/Relu"),
        ]
        weights[f"w{number}"] = weight(3, 3, 3, 3, seed=number)
        x = f"r{number}"
    path = saved(model(nodes, weights, outputs=(x,)), tmp_path)
    folded, flat = run("import", path).stdout, run("import", path, "--flat").stdout

    assert "repeat: 4" in folded
    assert "repeat" not in flat
    assert len(flat.splitlines()) == 3 + 8
    for text in (folded, flat):
        (tmp_path / "net.yaml").write_text(text)
        assert analyze(str(tmp_path / "net.yaml")).totals == analyze(path).totals


def in_modules(names: Sequence[Sequence[str]], classes: Sequence[Sequence[str]]) -> Any:
    """Units of layers whose nodes are numbered, and stand in modules by their metadata."""
    nodes, weights, x, channels = [], {}, "x", 3
    for number, _ in enumerate(names):
        padded = {"pads": [1, 1, 1, 1]}
        for kind, inputs, given in (
            ("Conv", f"{x} w{number}", padded),
            ("Relu", f"c{number}", {}),
        ):
            made = f"{kind[0].lower()}{number}"
            origin = f"node_{kind}_{7 * number + number % 2}"
            nodes.append(node(kind, inputs, made, origin, **given))
            told = {SCOPES: str([*names[number], kind]), CLASSES: str([*classes[number], "aten.f"])}
            for key, value in told.items():
                nodes[-1].metadata_props.add(key=key, value=value)
        filters = 4 + number // 2 * 3
        weights[f"w{number}"] = weight(filters, channels, 3, 3, seed=number)
        x, channels = f"r{number}", filters
    return model(nodes, weights, outputs=(x,))


def test_blocks_are_nested_after_modules_and_called_as_their_classes(tmp_path: Path) -> None:
    names = [["", "units", f"units.{at // 2}", f"units.{at // 2}.{at % 2}"] for at in range(16)]
    classes = [["net.Net", "torch.nn.Sequential", "net.models.MyUnit", "net.models.Half"]] * 16
    path = saved(in_modules(names, classes), tmp_path)
    text = run("import", path).stdout
    spec = parse(text)

    assert [*spec.blocks] == ["half"], "rounds of the inner module, each unit a repeat of it"
    assert all(f"# units.{at}.0 to units.{at}.1" in text for at in range(8))
    origins = [each.origin for each in loads(text).layers]
    assert origins == [each.origin for each in read(path).layers]
    assert origins[:2] == ["node_Conv_0", "node_Relu_0"]


def test_tables_fold_modules_to_a_depth(tmp_path: Path) -> None:
    """Eight units of two halves, each a convolution and what follows; behind them one more."""
    names = [["", "units", f"units.{at // 2}", f"units.{at // 2}.{at % 2}"] for at in range(16)]
    path = saved(in_modules([*names, ["", "last"]], [["net.Net"] * 4] * 17), tmp_path)
    report = analyze(read(path))
    for depth, wanted in {
        1: {"units": 32, "last": 2},
        2: {f"units.{at}": 4 for at in range(8)},
        3: {f"units.{at}.{half}": 2 for at in range(8) for half in (0, 1)},
    }.items():
        table = [row for row in rows(report, depth) if not row.heading]
        folded = {row.name: row.hyperparameters for row in table if row.kind == "block"}
        assert folded == {name: f"{count} layers" for name, count in wanted.items()}
        assert sum(row.parameters or 0 for row in table) == report.totals.parameters
        assert str(table[-1].output) == str(report.output)
    assert not any(row.kind == "block" for row in rows(report))


def test_a_module_that_stands_apart_is_no_group(tmp_path: Path) -> None:
    """What is between its layers is of another one."""
    names = [["", "a"], ["", "b"], ["", "b"], ["", "a"]]
    path = saved(in_modules(names, [["net.Net", "net.One"]] * 4), tmp_path)

    assert [group.name for group in analyze(read(path)).modules] == ["b"]


@tabled(
    "told",
    [
        [[]] * 6,
        [["", "a" * 5000]] * 6,
        [[""] + ["m"] * 60] * 6,
        [["", "x', 'y"]] * 6,
        [["", *"abcdefgh"[: at + 1]] for at in range(6)],
        [["", f"a.{at % 2}", "a"] for at in range(6)],
        [["", "import", "layers", "conv", "index"]] * 6,
    ],
)
def test_scopes_that_agree_with_nothing_change_nothing(
    told: list[list[str]], tmp_path_factory: Any
) -> None:
    for producer in ("pytorch", "convcalc"):
        made = in_modules(told, told)
        made.producer_name = producer
        path = saved(made, tmp_path_factory.mktemp("scopes"))
        result = run("import", path)
        before, after = read(path), loads(result.stdout)

        assert result.exit_code == 0
        assert [each.origin for each in after.layers] == [each.origin for each in before.layers]
        assert analyze(after).totals == analyze(before).totals


def test_dense_blocks_join_what_was_joined_before(tmp_path: Path) -> None:
    nodes, weights, made = [], {}, ["x"]
    for number in range(1, 4):
        joined = "x" if number == 1 else f"j{number}"
        if number > 1:
            nodes.append(node("Concat", " ".join(made), joined, axis=1))
        nodes.append(node("Conv", f"{joined} w{number}", f"c{number}", pads=[1, 1, 1, 1]))
        weights[f"w{number}"] = weight(2, 1 + 2 * number, 3, 3, seed=number)
        made.append(f"c{number}")
    nodes.append(node("Concat", " ".join(made), "y", axis=1))
    text = spec_of(model(nodes, weights), tmp_path)

    assert text.count("from") == 0
    assert text.count("  - concat:\n      - []\n") == 3


def test_a_file_is_compared_with_itself_at_a_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.example"]
    subprocess.run([*git, "init", "-q"], check=True)
    saved(small(), tmp_path)
    subprocess.run([*git, "add", "model.onnx"], check=True)
    subprocess.run([*git, "commit", "-qm", "first"], check=True)
    same = run("diff", "--git", "HEAD", "model.onnx", "--format", "json")
    nodes = [node("Conv", "x w", "y", pads=[1, 1, 1, 1])]
    saved(model(nodes, {"w": weight(4, 3, 3, 3)}), tmp_path)
    other = run("diff", "--git", "HEAD", "model.onnx", "--format", "json")

    assert same.exit_code == 0, same.output
    differences = [
        json.loads(each.stdout)["totals"]["parameters"]["difference"] for each in (same, other)
    ]
    assert differences == [0, 4 * 27 - 914]
