"""What is written as ONNX runs in ONNX Runtime and gives the values of the definitions."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import recorded
import test_forward as definitions
from click.testing import CliRunner
from kinds import RUN, Case
from tabled import tabled
from work import stepped

import convcalc
from convcalc.analysis import analyze
from convcalc.cli import convcalc as program
from convcalc.exchange import FORMATS, imported
from convcalc.exchange import export as exported
from convcalc.exchange.onnx import graph
from convcalc.exchange.onnx.kinds import ROWS
from convcalc.exchange.onnx.scopes import SCOPES, scopes_of
from convcalc.exchange.onnx.writer import Graph, Maker, Unwritten
from convcalc.forward import random_weights
from convcalc.forward.values import random_inputs
from convcalc.graph import INDEXING, load, loads
from convcalc.graph.planned import planned
from convcalc.layers import CATALOGUE, Layer, layer_class
from convcalc.layers.base import declarations
from convcalc.spec.bundled import find_bundled
from convcalc.spec.fold import fold
from convcalc.spec.source import open_spec

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

LAST = FORMATS["onnx"].versions[-1]
"""The newest version of the operators."""
FAR = 100.0
"""A finite value that stands out among normal ones."""
UNWRITTEN = {
    "average pooling with dilation needs opset 19": 19,
    "antialias needs opset 18": 18,
}
"""What older versions of the operators cannot say, and from which on they can."""


def test_every_kind_is_written() -> None:
    assert ROWS.keys() == CATALOGUE.keys()
    assert all(callable(row.write) for row in ROWS.values())


def run(model: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """What ONNX Runtime makes of a model that the checker passes."""
    onnx.checker.check_model(model, full_check=True)
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    session = runtime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    read = {each.name for each in session.get_inputs()}
    asked = {name: x for name, x in given.items() if name in read}
    return dict(zip(names, session.run(None, asked), strict=True))


def indexing(layer: Layer) -> bool:
    """Whether a layer looks up whole numbers."""
    return type(layer) in {layer_class(kind) for kind in INDEXING}


NUMBER = {False: onnx.TensorProto.FLOAT, True: onnx.TensorProto.INT64}
"""By whether numbers are looked up, what they are in a file."""


def alone(row: definitions.Row, opset: int) -> tuple[Any, Any]:
    """A model of one layer, and its definition as a function of the inputs.

    Nothing of one that operators of this version are known not to say.
    """
    layer, xs, plan = definitions.built(row)
    weights = definitions.weights_of(plan, "float32")
    graph = Graph(opset)
    names = [f"x{number}" for number in range(len(xs))]
    graph.reserve(names)
    named = {name: (name, values) for name, values in weights.items()}
    inputs = list(zip(names, xs, strict=True))
    try:
        made = ROWS[row[0]].write(Maker(graph, "layer", layer, plan, inputs, named, about={}))
    except Unwritten as reason:
        if opset < UNWRITTEN[str(reason)]:
            return None, None
        raise
    info = onnx.helper.make_tensor_value_info
    model = onnx.helper.make_model(
        onnx.helper.make_graph(
            graph.nodes,
            "one",
            [info(name, NUMBER[indexing(layer)], ["batch", *x.axes]) for name, x in inputs],
            [info(made, 1, ["batch", *plan.output.axes])],
            graph.arrays,
        ),
        opset_imports=[onnx.helper.make_opsetid("", opset)],
        ir_version=10,
    )
    return model, lambda given: layer.forward(np, weights, given)


@definitions.rows(*definitions.EVERY)
def test_a_layer_gives_its_values(row: definitions.Row) -> None:
    """Also where one value of the input stands out: what it reaches changes in both alike."""
    layer, xs, _ = definitions.built(row)
    given = definitions.arrays(xs, dtype="float32")
    far = [x.copy() for x in given]
    for x in far:
        x.reshape(2, -1)[1, x[0].size // 2] = FAR
    if indexing(layer):
        given, far = (
            [x.astype("int64") for x in recorded.looked_up(layer, each)] for each in (given, far)
        )
    for opset in (FORMATS["onnx"].versions[0], FORMATS["onnx"].versions[-1]):
        model, definition = alone(row, opset)
        if model is None:
            continue
        found, wanted = zip(
            *(beside(model, definition, each) for each in (given, far)), strict=True
        )
        changed = np.abs(wanted[1] - wanted[0]) > 1e-3 * FAR
        assert (found[1] != found[0])[changed].all()


WHOLE = [
    (kind, {name: 1 if kind != "dropout" else 0})
    for kind in CATALOGUE
    for name, declared in declarations(layer_class(kind)).items()
    if declared.form == "number"
]


@tabled(("kind", "fields"), WHOLE)
def test_whole_numbers_stand_for_others(kind: str, fields: dict[str, Any]) -> None:
    """A spec has `k: 2` where an operator has 2.0."""
    [(_, usual, xs), *_] = [row for row in definitions.EVERY if row[0] == kind]
    fields = {"mode": "cubic", "coefficient": -1} if kind == "upsample" else fields
    model, definition = alone((kind, {**usual, **fields}, xs), 18)
    beside(model, definition, definitions.arrays(xs, dtype="float32"))


def beside(model: Any, definition: Any, given: list[Any]) -> tuple[Any, Any]:
    """What both make of an input, which must agree."""
    wanted = definition(given)
    (found,) = run(model, {f"x{at}": x for at, x in enumerate(given)}).values()
    assert found.shape == wanted.shape
    size = max(np.nanmax(np.abs(wanted)), 1e-6)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5 * size)
    return found, wanted


def values(network: Any, *, batch: int = 1) -> dict[str, Any]:
    return random_inputs(network, batch, 0)


def agree(network: Any, path: Path, x: dict[str, Any], weights: Any = None, seed: int = 0) -> None:
    """A file's values are those of the network, output by output."""
    found = run(onnx.load(path), x)
    given = random_weights(network, seed) if weights is None else weights
    wanted = convcalc.run(network, x, given, reference=True)
    assert [*found] == [*wanted]
    for name, each in wanted.items():
        assert np.abs(found[name] - each).max() <= 1e-5 * np.abs(each).max(), name


NETWORKS = ("lenet5", "cifar_tiny_vgg", "sentence_cnn", "dcnn", "tdnn")


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_gives_its_values(name: str, tmp_path: Path) -> None:
    network = planned(load(name))
    convcalc.export(network, tmp_path / "a.onnx")
    agree(network, tmp_path / "a.onnx", values(network))


ENDS = """
input: {left: 8x8x2, right: 8x8x2}
outputs: [stage, left, both]
blocks:
  unit: {layers: [conv: {filters: 2, kernel: 3, padding: 1}, relu]}
layers:
  - {name: stage, layers: [unit, unit]}
  - {unit: {}, name: other, from: right, weights: stage.unit1}
  - {add: [[], [from: stage]], name: both}
"""


LOOKED_UP = """
input: {words: 7x1, values: 7x2}
layers:
  - concat: [[from: words, embedding: {entries: 9, features: 3}], [from: values]]
  - conv: {filters: 2, kernel: 3}
"""


@pytest.mark.parametrize("dynamic", [False, True])
def test_what_is_looked_up_goes_in_as_whole_numbers(tmp_path: Path, dynamic: bool) -> None:  # noqa: FBT001
    network = planned(loads(LOOKED_UP))
    convcalc.export(network, tmp_path / "a.onnx", dynamic_batch=dynamic)
    agree(network, tmp_path / "a.onnx", values(network, batch=1 + dynamic))


def test_several_ends_shared_weights_and_scopes(tmp_path: Path) -> None:
    network = planned(loads(ENDS))
    convcalc.export(network, tmp_path / "a.onnx", seed=3, dynamic_batch=True)
    agree(network, tmp_path / "a.onnx", values(network, batch=3), seed=3)
    model = onnx.load(tmp_path / "a.onnx")
    held = [len(array.raw_data) // 4 for array in model.graph.initializer]
    assert sum(held) == convcalc.analyze(network).totals.parameters
    scopes = {
        node.name: {each.key: each.value for each in node.metadata_props}
        for node in model.graph.node
    }
    assert scopes["/stage/unit2/conv1/Conv"][SCOPES] == (
        "['', 'stage', 'stage.unit2', 'stage.unit2.conv1']"
    )


def test_scopes_of_all_layers_are_those_of_each(tmp_path: Path) -> None:
    """What is taken over from another layer of the group is what its own lists say."""
    convcalc.export(planned(loads(ENDS)), tmp_path / "a.onnx")
    told = graph.Graph(onnx.load(tmp_path / "a.onnx"), "", {}).told
    model = onnx.load(tmp_path / "a.onnx")
    alone = {}
    for origin, node in told.items():
        alone.update(scopes_of(model, {origin: node}))
    assert scopes_of(model, told) == alone
    assert alone["/stage/unit2/conv1/Conv"].path == ("stage", "unit2")


TIED = """
input: 8x8x4
layers:
  - {name: down, conv: {filters: 6, kernel: 3, stride: 2, padding: [[0, 1], [0, 1]], groups: 2}}
  - relu
  - {name: deep, depthwise_conv: {kernel: 3, padding: 1}}
  - {conv_transpose: {filters: 6, kernel: 3, padding: 1, groups: 6, bias: false}, weights: deep}
  - {conv_transpose: {filters: 4, kernel: 3, stride: 2, padding: same, groups: 2, bias: false},
     weights: down}
  - {name: up, conv_transpose: {filters: 3, kernel: 2, stride: 2}}
  - {conv: {filters: 4, kernel: 2, stride: 2, bias: false}, weights: up}
"""
"""6·2·9 + 6, 6·9 + 6 and 4·3·4 + 3 parameters."""


def test_a_transpose_shares_its_weight_in_the_file_and_behind_it(tmp_path: Path) -> None:
    network = planned(loads(TIED))
    convcalc.export(network, tmp_path / "a.onnx", seed=3)
    agree(network, tmp_path / "a.onnx", values(network), seed=3)
    held = onnx.load(tmp_path / "a.onnx").graph.initializer
    assert sum(len(array.raw_data) // 4 for array in held) == 114 + 60 + 51
    back = convcalc.analyze(tmp_path / "a.onnx")
    assert back.totals.parameters == 114 + 60 + 51
    assert sum(layer.shared_with is not None for layer in back.layers) == 3


def test_weights_of_a_file(tmp_path: Path) -> None:
    network = planned(load("lenet5"))
    weights = random_weights(network, 7)
    np.savez(tmp_path / "a.npz", **weights)
    convcalc.export("lenet5", tmp_path / "a.onnx", weights=tmp_path / "a.npz")
    agree(network, tmp_path / "a.onnx", values(network), weights)


def test_many_weights_have_a_file_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a protocol buffer cannot hold stands beside it."""
    monkeypatch.setattr(exported, "APART", 1000)
    network = planned(load("lenet5"))
    made = convcalc.export(network, tmp_path / "a.onnx")
    assert made.data == str(tmp_path / "a.onnx.data")
    held = Path(made.data).stat().st_size
    assert held == 4 * 61_706
    assert made.bytes == held + (tmp_path / "a.onnx").stat().st_size
    session = runtime.InferenceSession(str(tmp_path / "a.onnx"))
    x = values(network)
    (found,) = session.run(None, x)
    (wanted,) = convcalc.run(network, x, seed=0).values()
    np.testing.assert_allclose(found, wanted, atol=1e-5 * np.abs(wanted).max())


BACK = {
    "locally_connected": "it is written as a sum over the taps, which no exporter does",
    "maxunpool": "it names a pool: the test below",
    "matmul": "which axis is the channels is not said, where nothing else reads them",
    "permute": "it is a view of the tensor, whose axes are channels first in a spec",
    "learned": "alone, it reads nothing that could say which axis is which",
}
"""Kinds that a file does not give back layer by layer, and why."""


@tabled("case", [case for case in RUN if case.kind not in BACK])
def test_a_layer_comes_back(case: Case, tmp_path: Path) -> None:
    """A file of it is read as a network with the same shapes and totals."""
    named = {f"x{number}": text for number, text in enumerate(case.inputs.split())}
    given = next(iter(named.values())) if len(named) == 1 else json.dumps(named)
    branches = [[{"from": name}] for name in named]
    fields = case.fields if len(named) == 1 else {**case.fields, "branches": branches}
    item = json.dumps({case.kind: fields})
    network = planned(loads(f"{{rounding: floor, input: {given}, layers: [{item}]}}"))
    convcalc.export(network, tmp_path / "a.onnx", opset=LAST)
    back = convcalc.load(tmp_path / "a.onnx")
    one, other = (convcalc.analyze(each).totals for each in (network, back))
    assert (one.parameters, one.macs) == (other.parameters, other.macs)
    assert back.shape_of(back.output) == network.shape_of(network.output)


UNDONE = [
    ("8x8x3", "{kernel: 2}"),
    ("9x7x2", "{kernel: 2}"),
    ("9x7x2", "{kernel: 3, stride: 2, padding: 1}"),
    ("7x7x2", "{kernel: 2, rounding: ceil}"),
    ("11x2", "{kernel: 3, stride: 4}"),
    ("5x6x7x2", "{kernel: 2}"),
]


@tabled(("size", "pool"), UNDONE)
def test_a_pool_that_is_undone_comes_back(size: str, pool: str, tmp_path: Path) -> None:
    channels = size.rpartition("x")[2]
    network = loads(
        f"{{input: {size}, rounding: floor, layers: [{{maxpool: {pool}, name: pool}}, "
        f"conv: {{filters: {channels}, kernel: 1}}, maxunpool: {{indices: pool}}]}}"
    )
    convcalc.export(network, tmp_path / "a.onnx", opset=LAST)
    back = convcalc.load(tmp_path / "a.onnx")
    x = values(network)

    assert [node.kind for node in back.layers] == ["maxpool", "conv", "maxunpool"]
    assert convcalc.analyze(network).totals == convcalc.analyze(back).totals
    (wanted,) = run(onnx.load(tmp_path / "a.onnx"), x).values()
    (y,) = convcalc.run(back, x, weights=None).values()
    np.testing.assert_allclose(y, wanted, atol=1e-5 * np.abs(wanted).max())


def test_who_undoes_a_pool_looks_at_no_other_layers(tmp_path: Path) -> None:
    """Of four times as many pools that are undone each has as much work as before."""
    steps = []
    for count in (30, 120):
        pair = "{{maxpool: 2, name: p{0}}}, {{maxunpool: {{indices: p{0}}}}}, relu"
        pairs = ", ".join(pair.format(at) for at in range(count))
        convcalc.export(loads(f"{{input: 4x4x2, layers: [{pairs}]}}"), tmp_path / f"{count}.onnx")
        opened = open_spec(str(tmp_path / f"{count}.onnx"), find_bundled)
        imported(opened)  # whose imports are no work of its own
        with stepped(10_000_000) as work:
            imported(opened)
        steps.append(work.calls / count)
    assert steps[1] < 1.05 * steps[0]


SPECS = {
    "a.yaml": "{input: 9x9x2, layers: [avgpool: {kernel: 3, dilation: 2, stride: 1}]}",
    "wrong.yaml": "{input: 4x4x2, layers: [conv: {filters: 2, kernel: 7}]}",
    "there.onnx": "",
}
REFUSED = [
    (["a.yaml", "-o", "b.onnx"], 2, "avgpool1 (avgpool): average pooling with dilation needs ops"),
    (["wrong.yaml", "-o", "b.onnx"], 1, "CC303"),
    (["lenet5", "-o", "there.onnx"], 2, "there.onnx is there already: --force writes over it"),
    (["lenet5", "-o", "b.onnx", "--opset", "9"], 2, "opset 9 is none of 17 to 27"),
    (["lenet5", "--force"], 2, "--force is about the FILE of --output"),
    (["lenet5", "-o", "b.onnx", "--seed", "1", "--weights", "w.npz"], 2, "--seed is of random"),
    (["lenet5", "-o", "b.onnx", "--weights", "w.npz"], 2, "w.npz"),
    (["lenet5", "-o", "a.yaml/b.onnx"], 2, "a.yaml"),
]


@tabled(("call", "code", "told"), REFUSED)
def test_what_cannot_be_written_is_said(
    call: list[str], code: int, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in SPECS.items():
        Path(name).write_text(text, encoding="utf-8")
    result = CliRunner().invoke(program, ["export", *call])
    assert (result.exit_code, told in result.stderr) == (code, True), result.stderr
    assert "internal error" not in result.stderr
    assert {path.name for path in Path().iterdir()} == {*SPECS}
    assert not Path("there.onnx").read_bytes()


def test_it_is_written_to_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    result = CliRunner().invoke(program, ["export", "lenet5", "--opset", "21"])
    model = onnx.load_from_string(result.stdout_bytes)
    assert (model.opset_import[0].version, model.producer_name) == (21, "convcalc")
    monkeypatch.setattr(exported, "APART", 1000)
    monkeypatch.setattr("convcalc.cli.export.APART", 1000)
    result = CliRunner().invoke(program, ["export", "lenet5"])
    assert result.exit_code == 2
    assert "of weights need a file of their own: write -o FILE" in result.stderr


def test_a_file_that_is_there_is_written_over_when_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.onnx").write_bytes(b"")
    result = CliRunner().invoke(program, ["export", "lenet5", "-o", "a.onnx", "--force"])
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith("a.onnx: 12 operators, opset 18, ")
    assert Path("a.onnx").stat().st_size > 240_000


# Read back


@tabled(
    "name",
    [
        "lenet5",  # no groups
        "mnasnet0_5",  # rounds of which the first is another
        "squeezenet1_1",  # names that no round would have
        "idcnn",  # weights that rounds share
    ],
)
def test_what_is_read_back_has_the_same_groups(name: str, tmp_path_factory: Any) -> None:
    assert_same_groups(name, tmp_path_factory.mktemp("back"))


@pytest.mark.thorough
@tabled(
    "name",
    [
        "googlenet",  # groups in branches, with names of their own
        "unet",  # an encoder that is read from afar
        "ssd300",  # outputs within a group
        "retinanet",  # weights of one group used in another
        "resnet50",
        "densenet121",
    ],
)
def test_what_is_read_back_has_the_same_groups_wherever_they_stand(
    name: str, tmp_path_factory: Any
) -> None:
    assert_same_groups(name, tmp_path_factory.mktemp("back"))


def assert_same_groups(name: str, folder: Path) -> None:
    """Names, what stands in which, rounds; and with that all totals, shapes and origins."""
    network = planned(load(name))
    path = str(folder / "network.onnx")
    convcalc.export(network, path)
    made = imported(open_spec(path, find_bundled))
    assert made is not None
    assert made.spec is not None
    spec = fold(made.spec, made.scopes())
    back, flat = loads(spec.to_yaml()), made.spec.network()

    for one, other in ((network, back), (flat, back)):
        assert [str(one.shape_of(at)) for at in one.outputs] == [
            str(other.shape_of(at)) for at in other.outputs
        ]
        assert analyze(one).totals == analyze(other).totals
    assert [(each.name, each.layers) for each in back.groups if each.layers] == [
        (each.name, each.layers) for each in network.groups if each.layers
    ]
    origins = [each.origin for each in flat.nodes]
    assert [each.origin for each in back.nodes] == origins
    assert all(origins[len(flat.inputs) :])


def test_a_pad_of_nothing_comes_back_in_its_group(tmp_path: Path) -> None:
    """A 6×6 map needs none, and the 3×3 one behind it a row and a column."""
    spec = tmp_path / "net.yaml"
    spec.write_text(
        "input: 6x6x4\n"
        "blocks:\n"
        "  merging:\n"
        "    layers:\n"
        "      - pad: [[0, incoming.height % 2], [0, incoming.width % 2]]\n"
        "      - {space_to_depth: 2}\n"
        "      - conv: {filters: 4, kernel: 1}\n"
        "layers: [merging, merging]\n"
    )
    network = planned(load(str(spec)))

    pads = [at for at, node in enumerate(network.nodes) if node.kind == "pad"]
    assert [str(network.shape_of(at)) for at in pads] == ["6×6×4", "4×4×4"]
    assert_same_groups(str(spec), tmp_path)
