"""Files that were changed at random: a network or findings, never a traceback, a wait or growth."""

import random
from pathlib import Path
from typing import Any

import pytest
from onnx_files import onnx, saved

from convcalc.analysis import analyze
from convcalc.graph import read

FOLDER = Path(__file__).parents[1] / "data" / "onnx"
NUMBERS = (-1, 0, 1, 2, 3, 7, 100, 2**31 - 1, 2**40, 2**62, -(2**62), -7)
OPERATORS = (
    "Add",
    "Conv",
    "MatMul",
    "Gemm",
    "Reshape",
    "Transpose",
    "Slice",
    "Concat",
    "Split",
    "Softmax",
    "LayerNormalization",
    "Resize",
    "Pad",
    "Gather",
    "Squeeze",
    "Expand",
    "ReduceMean",
    "MaxPool",
    "LSTM",
    "InstanceNormalization",
    "Clip",
    "If",
    "Loop",
    "ConstantOfShape",
    "Range",
    "Where",
    "Shape",
    "Tile",
    "LRN",
    "DepthToSpace",
    "LpNormalization",
)
MUTATIONS = 100
REFUSED = {"CC101", "CC601", "CC603", "CC108"}


def mutate(made: Any, draw: random.Random) -> None:
    """Change one thing of a model, as no exporter would."""
    graph = made.graph
    node = draw.choice(graph.node)
    weight = draw.choice(graph.initializer) if graph.initializer else None
    attribute = draw.choice(node.attribute) if node.attribute else None
    names = [name for each in graph.node for name in (*each.input, *each.output)]
    way = draw.randrange(9)
    if way == 0:
        node.op_type = draw.choice(OPERATORS)
    elif way == 1 and attribute is not None:
        attribute.i = draw.choice(NUMBERS)
        if attribute.ints:
            attribute.ints[draw.randrange(len(attribute.ints))] = draw.choice(NUMBERS)
    elif way == 2 and attribute is not None:
        attribute.type = draw.randrange(1, 9)
    elif way == 3 and node.input:
        node.input[draw.randrange(len(node.input))] = draw.choice(names)
    elif way == 4 and weight is not None and weight.dims:
        weight.dims[draw.randrange(len(weight.dims))] = draw.choice(NUMBERS)
    elif way == 5 and weight is not None:
        weight.raw_data = weight.raw_data[: draw.randrange(len(weight.raw_data) + 1)]
    elif way == 6:
        draw.choice(graph.input[0].type.tensor_type.shape.dim).dim_value = draw.choice(NUMBERS)
    elif way == 7:
        node.name = draw.choice(["", "../../etc/passwd", "a{b}c", "x\x00y", "\u202e", "/" * 500])
    elif node.input:
        del node.input[draw.randrange(len(node.input))]


def test_what_is_changed_at_random_is_a_network_or_findings(tmp_path: Path) -> None:
    draw = random.Random(37)  # noqa: S311 (the same changes each time)
    files = sorted(FOLDER.glob("*.onnx"))
    models = [path.read_bytes() for path in files]
    codes = set()
    for _ in range(MUTATIONS):
        made = onnx.load_model_from_string(draw.choice(models))
        mutate(made, draw)
        network = read(saved(made, tmp_path))
        report = analyze(network, strict=False)
        codes |= {found.code for found in network.errors}
        assert network.errors or report.totals.complete
        assert all(found.message for found in network.diagnostics)

    assert codes <= REFUSED
    assert {"CC101", "CC601"} <= codes


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
