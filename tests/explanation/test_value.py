"""One value of a layer: its formula and its terms, held against what the layer gives."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import numpy as np
import pytest
import recorded
from click.testing import CliRunner, Result
from paths import ROOT
from tabled import tabled
from test_forward import EVERY, arrays, built, weights_of

import convcalc
from convcalc import explain_value
from convcalc.checks.resources import Needs
from convcalc.cli import convcalc as command
from convcalc.explanation.value import EXPLAINERS, UNEXPLAINED, Made, made_of, rounding_bound
from convcalc.explanation.value.base import slice_text
from convcalc.forward.around import around
from convcalc.graph import loads
from convcalc.graph.planned import leading_to, planned
from convcalc.layers import Layer, kinds

Case = tuple[Layer, dict[str, Any], list[Any]]


def evaluated(made: Made, layer: Layer, weights: dict[str, Any], xs: list[Any]) -> float:
    """What NumPy makes of the printed formula and its names.

    V is all that the layer gives; a layer of several layers is called with fewer by its kind.
    """
    inputs = [np.moveaxis(x[0], 0, -1) for x in xs]
    known: dict[str, Any] = {"np": np, "math": math, **weights}
    known["V"] = np.moveaxis(layer.forward(np, weights, xs)[0], 0, -1)

    def with_fewer(_: Any, layers: int) -> Any:
        return np.moveaxis(layer.replace(layers=layers).forward(np, weights, xs)[0], 0, -1)

    known |= dict.fromkeys(kinds("recurrent"), with_fewer)
    projected = {name: each for name, each in weights.items() if name.startswith("out_proj.")}
    known["out_proj"] = SimpleNamespace(
        **{name.removeprefix("out_proj."): each for name, each in projected.items()}
    )
    known.update({f"X{number}": x for number, x in enumerate(inputs, 1)} if xs[1:] else {})
    known.setdefault("X", inputs[0])
    with np.errstate(all="ignore"):
        for name, meant in made.names.items():
            known[name] = eval(meant.text, known)  # noqa: S307 (the text is what is tested)
            if meant.number is not None:
                assert known[name] == pytest.approx(meant.number, rel=1e-12, nan_ok=True)
        return float(eval(made.formula, known))  # noqa: S307


def there(at: tuple[int, ...]) -> tuple[int, ...]:
    """A place as an index of a batch of one, channels first."""
    return (0, at[-1], *at[:-1])


def corners(extents: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """First and last place along each axis, and one in between."""
    yield tuple(0 for _ in extents)
    yield tuple(extent - 1 for extent in extents)
    yield tuple(extent // 2 for extent in extents)
    yield tuple((extent - 1) * (axis % 2) for axis, extent in enumerate(extents))


def hold(kind: str, layer: Layer, weights: dict[str, Any], xs: list[Any]) -> None:
    """At several places the formula, the terms and the value are what the layer's forward gives."""
    y = layer.forward(np, weights, xs)
    for at in {*corners((*y.shape[2:], y.shape[1]))}:
        made = made_of(kind, layer, np, weights, tuple(xs), at)
        given = float(y[there(at)])
        assert evaluated(made, layer, weights, xs) == pytest.approx(
            given, rel=1e-9, abs=1e-9, nan_ok=True
        )
        apart = 0.0 if made.value == given or math.isnan(made.value) else abs(made.value - given)
        assert math.isnan(made.value) == math.isnan(given)
        assert apart <= rounding_bound(made, np.finfo(y.dtype).eps, 0.0), (at, made)
        patch = made.patch
        if patch is None:
            continue
        assert patch.values.shape[-1] == len(patch.channels)
        assert patch.values.shape[:-1] == tuple(map(len, patch.places)) or not patch.places
        if patch.factors is not None:
            total = (patch.values * patch.factors).sum() + sum(made.summands.values())
            assert total == pytest.approx(given, rel=1e-9, abs=1e-9)
        if made.winner is not None:
            x = xs[0][there(made.winner)]
            assert x == given == patch.values.max()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # powers of negative numbers
@tabled("kind", EXPLAINERS)
def test_a_value_is_what_its_formula_and_its_terms_come_to(kind: str) -> None:
    own = [row for row in EVERY if row[0] == kind]
    assert own
    for row in own:
        layer, xs, plan = built(row)
        hold(kind, layer, weights_of(plan), recorded.looked_up(layer, arrays(xs, 1)))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_values_whose_layers_torch_has_confirmed_are_explained() -> None:
    """Every hyperparameter of every kind, in layers whose values PyTorch has confirmed."""
    for kind, row in recorded.values():
        if kind in UNEXPLAINED:
            continue
        layer, shapes, plan = recorded.layer(kind, row)
        weights, xs = recorded.inputs(shapes, plan)
        xs = recorded.looked_up(layer, xs)
        y = layer.forward(np, weights, [x[:1] for x in xs])
        at = (*(extent - 1 for extent in y.shape[2:]), 0)
        made = made_of(kind, layer, np, weights, tuple(x[:1] for x in xs), at)
        given = float(y[there(at)])
        expected = pytest.approx(given, rel=1e-9, abs=1e-9, nan_ok=True)
        assert made.value == expected, (kind, row["fields"])
        assert evaluated(made, layer, weights, [x[:1] for x in xs]) == expected, (
            kind,
            row["fields"],
        )


# -- the examples ------------------------------------------------------------------------------

A = [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]]
B = [[1, 0, 1], [0, 1, 0], [1, 0, 1]]
WORKED = "{input: 5x5x1, layers: [conv: {filters: 1, kernel: 3, bias: false}]}"


@tabled(
    ("row", "column", "result", "products"),
    [
        # By hand: ones of B meet the corners and the middle of each patch of A.
        (0, 0, 4, [[1, 0, 1], [0, 1, 0], [0, 0, 1]]),
        (0, 1, 3, [[1, 0, 0], [0, 1, 0], [0, 0, 1]]),
        (0, 2, 4, [[1, 0, 0], [0, 1, 0], [1, 0, 1]]),
        (1, 0, 2, [[0, 0, 1], [0, 0, 0], [0, 0, 1]]),
        (1, 1, 4, [[1, 0, 1], [0, 1, 0], [0, 0, 1]]),
        (1, 2, 3, [[1, 0, 0], [0, 1, 0], [1, 0, 0]]),
        (2, 0, 2, [[0, 0, 1], [0, 0, 0], [0, 0, 1]]),
        (2, 1, 3, [[0, 0, 1], [0, 1, 0], [1, 0, 0]]),
        (2, 2, 4, [[1, 0, 1], [0, 1, 0], [1, 0, 0]]),
    ],
)
def test_the_example_of_five_by_five(
    row: int, column: int, result: int, products: list[list[int]]
) -> None:
    value = explain_value(
        loads(WORKED),
        "conv1",
        (row, column, 0),
        x=np.array(A, "float32")[None, None],
        weights={"conv1.weight": np.array(B, "float32")[None, None]},
    )

    assert (value.made.value, value.forward) == (result, result)
    assert value.made.patch is not None
    assert value.made.patch.products[..., 0].tolist() == products
    assert value.agrees
    assert value.bound < 1e-4


NOTES = """
name: Notes
input: 11x11x4
layers: [conv: {filters: 2, kernel: 5, stride: 2}]
"""


@tabled(
    ("at", "formula"),
    [
        ((0, 0, 0), "np.sum(X[:5,:5,:] * W0) + b0"),
        ((1, 0, 0), "np.sum(X[2:7,:5,:] * W0) + b0"),
        ((2, 0, 0), "np.sum(X[4:9,:5,:] * W0) + b0"),
        ((3, 0, 0), "np.sum(X[6:11,:5,:] * W0) + b0"),
        ((0, 0, 1), "np.sum(X[:5,:5,:] * W1) + b1"),
        ((1, 0, 1), "np.sum(X[2:7,:5,:] * W1) + b1"),
        ((2, 0, 1), "np.sum(X[4:9,:5,:] * W1) + b1"),
        ((3, 0, 1), "np.sum(X[6:11,:5,:] * W1) + b1"),
        ((0, 1, 1), "np.sum(X[:5,2:7,:] * W1) + b1"),
        ((2, 3, 1), "np.sum(X[4:9,6:11,:] * W1) + b1"),
    ],
)
def test_the_slices_of_the_notes(at: tuple[int, ...], formula: str) -> None:
    """Source: CS231n notes, "Numpy examples" of the convolutional layer."""
    value = explain_value(loads(NOTES), "conv1", at)

    assert value.made.formula == formula
    assert value.agrees
    row, column, k = at
    assert (
        f"row {k} of the weights [2 × 100] times column {4 * row + column} of im2col [100 × 16]"
        in (" ".join(value.made.notes))
    )


def test_row_and_column_of_im2col_are_those_that_give_the_value() -> None:
    """Columns of patches, built here in the plainest way, times rows of the weights."""
    spec = "{input: 6x7x4, layers: [conv: {filters: 6, kernel: [3, 2], padding: 1, groups: 2}]}"
    network = planned(loads(spec))
    run = around(network, 1, dtype="float64")
    x = np.pad(run.xs[0][0], ((0, 0), (1, 1), (1, 1)))
    for row, column, k in ((0, 0, 0), (5, 7, 5), (2, 3, 4)):
        value = explain_value(network, "conv1", (row, column, k), dtype="float64")
        (said,) = [note for note in value.made.notes if "im2col" in note]
        group = k // 3
        patches = [
            x[2 * group : 2 * group + 2, i : i + 3, j : j + 2].reshape(-1)
            for i in range(6)
            for j in range(8)
        ]
        weights = run.weights["weight"][3 * group : 3 * group + 3].reshape(3, -1)
        number = row * 8 + column
        product = weights[k % 3] @ np.stack(patches, axis=1)[:, number]
        assert (
            f"row {k % 3} of the weights [3 × 12] times column {number} of im2col [12 × 48]" in said
        )
        assert product + run.weights["bias"][k] == pytest.approx(value.made.value, rel=1e-12)
        assert value.made.im2col == (group, k % 3, number, 12)


def test_a_product_that_is_left_out_is_noticed() -> None:
    """The bound of rounding is far below most products, in a sum of 4,608 as in VGG-16."""
    spec = "{input: 3x3x512, layers: [conv: {filters: 1, kernel: 3}]}"
    value = explain_value(loads(spec), "conv1", (0, 0, 0))
    assert value.made.patch is not None
    products = abs(value.made.patch.products)

    assert products.size == 4608
    assert value.difference < value.bound < np.quantile(products, 0.25)


# -- the run -----------------------------------------------------------------------------------

BRANCHES = """
input: 6x6x4
layers:
  - layers:
      - name: start
      - {conv: {filters: 4, kernel: 3, padding: 1}, name: side}
      - {relu: {}, from: start}
    repeat: 2
    shared: true
    name: round
  - add:
      - - conv: {filters: 4, kernel: 3, padding: 1}
          name: b
        - sigmoid
      - - batchnorm
        - tanh
  - relu
"""


def test_a_layer_runs_as_in_the_whole_network_and_without_what_it_does_not_need() -> None:
    network = planned(loads(BRANCHES))
    x = np.random.default_rng(3).normal(size=(1, 4, 6, 6)).astype("float32")
    kept = convcalc.run(network, x, seed=5, reference=True, keep="all")
    for index, node in enumerate(network.nodes):
        if node.kind != "input":
            y = around(network, index, given={"input": x}, seed=5).y
            assert np.array_equal(y, kept[node.name]), node.name
    names = [node.name for node in network.nodes]
    part = leading_to(network, names.index("sigmoid1"))
    assert [node.name for node in part.nodes] == [
        "input",
        "round1.relu1",
        "round2.relu1",
        "b",
        "sigmoid1",
    ]
    side = names.index("round2.side")
    assert network.nodes[side].shared_with == names.index("round1.side")
    part = leading_to(network, side)
    assert [node.name for node in part.nodes] == ["input", "round1.relu1", "round2.side"]
    assert part.nodes[-1].shared_with is None


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, ["explain", *arguments])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(WORKED)
    np.save("a.npy", np.array(A, "float32"))
    Path("b.json").write_text(json.dumps({"conv1.weight": [[B]]}))
    Path("wrong.json").write_text(json.dumps({"conv1.weight": [[A]]}))


@pytest.mark.usefixtures("folder")
@tabled(
    ("options", "said"),
    [
        ("conv1 --value 3,0,0", "row 3 is outside of the output of conv1, 3×3×1: it may be 0 to 2"),
        ("conv1 --value 0,-1,0", "'0,-1,0' is no position"),
        ("conv1 --value 0,0,1", "channel 1 is outside of the output of conv1, 3×3×1: it may be 0"),
        ("conv1 --value 0,0", "a value of conv1 is at row,column,channel"),
        ("conv1 --value 0,0,x", "'0,0,x' is no position, which is a whole number for each axis"),
        ("conv1 --value 0,,0", "'0,,0' is no position"),
        ("conv1 --value 1_0,0,0", "'1_0,0,0' is no position"),
        ("input --value 0,0,0", "input: the values of the input are given"),
        ("--value 0,0,0", "--value is about one layer"),
        ("conv1 --value 0,0,0 --dtype int8", "float32, float16 or float64, and not in int8"),
        ("conv1 --value 0,0,0 --normalize unit", "--normalize says what becomes of an --image"),
        ("conv1 --value 0,0,0 --weights-map b.json", "--weights-map says what --weights calls"),
        ("conv1 --value 0,0,0 --weights wrong.json", "1×1×5×5"),
        ("conv1 --value 0,0,0 --weights nosuch.npz", "nosuch.npz cannot be read"),
        ("conv1 --value 0,0,0 --image a.npy --weights b.json --seed 1", "both are given"),
        ("conv1 --seed 1", "--seed is an option of --value"),
    ],
)
def test_what_cannot_be_explained_is_said(options: str, said: str) -> None:
    result = run("net.yaml", *options.split())

    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert not result.stdout


@pytest.mark.usefixtures("folder")
def test_files_are_taken_and_json_has_every_number() -> None:
    files = ["--weights", "b.json", "--image", "a.npy"]
    result = run("net.yaml", "conv1", "--value", "1,2,0", *files, "--format", "json")

    assert result.exit_code == 0, result.output
    value = json.loads(result.stdout)
    schema = json.loads((ROOT / "docs" / "explain.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator(schema).validate(value)
    assert (value["value"], value["forward"], value["agrees"]) == (3, 3, True)
    assert (value["seed"], value["given"]) == (None, ["weights", "input"])
    assert value["patch"]["places"] == [[1, 2, 3], [2, 3, 4]]
    assert np.array(value["patch"]["values"])[..., 0].tolist() == [[1, 1, 0], [1, 1, 1], [1, 1, 0]]
    assert np.array(value["patch"]["factors"])[..., 0].tolist() == B


@pytest.mark.usefixtures("folder")
def test_a_value_that_does_not_agree_is_told_and_fails() -> None:
    """As a mistake in one of the two would show, and a number too large for half precision does."""
    Path("b.json").write_text(json.dumps({"conv1.weight": [[[[30_000] * 3] * 3]]}))
    options = ["--weights", "b.json", "--image", "a.npy", "--dtype", "float16"]
    result = run("net.yaml", "conv1", "--value", "0,0,0", *options, "--format", "plain")

    assert result.exit_code == 1
    assert "They do NOT agree" in result.stdout
    options[-1] = "float32"
    assert run("net.yaml", "conv1", "--value", "0,0,0", *options).exit_code == 0
    data = run("net.yaml", "conv1", "--value", "0,0,0", *options[:-1], "float16", "-f", "json")
    assert json.loads(data.stdout)["forward"] is None


def test_more_than_there_is_memory_for_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """By what the layers in front of it take: those behind it count for nothing."""
    network = planned(convcalc.load("vgg16"))
    first = [node.name for node in network.nodes].index("stage1.conv1")

    def needed(index: int) -> int:
        part = leading_to(network, index)
        needs = Needs(part, dtype="float32", engine=False, threads=1, keep=False, drawn=True)
        return needs.batch(1).total

    assert needed(first) < needed(len(network.nodes) - 1) / 2
    monkeypatch.setattr("convcalc.cli.running.available", lambda: 1_000_000)
    result = run("vgg16", "stage1.conv1", "--value", "0,0,0")
    assert result.exit_code == 2
    assert "vgg16 needs up to" in result.stderr


def test_the_library_refuses_what_the_command_does() -> None:
    network = loads(WORKED)
    x, weights = np.zeros((1, 1, 5, 5)), {"conv1.weight": np.zeros((1, 1, 3, 3))}
    with pytest.raises(ValueError, match="row 3 is outside"):
        explain_value(network, "conv1", (3, 0, 0))
    with pytest.raises(ValueError, match="seed 1 would have no effect"):
        explain_value(network, "conv1", (0, 0, 0), x=x, weights=weights, seed=1)
    with pytest.raises(ValueError, match="no layer of"):
        explain_value(network, "conv9", (0, 0, 0))
    value = explain_value(network, "conv1", (0, 0, 0), x=x)
    assert (value.given, value.seed) == (("input",), 0)
    assert str(value).startswith("conv1[0,0,0] (conv): 5×5×1 → 3×3×1, of ")


def test_lines_are_no_longer_than_a_page_is_wide(tmp_path: Path) -> None:
    spec = tmp_path / "wide.yaml"
    spec.write_text("{input: 30x30x2, layers: [conv: {filters: 1, kernel: 11}, maxpool: 20]}")
    for layer in ("conv1", "maxpool1"):
        for seed in "123":
            result = run(str(spec), layer, "--value", "0,0,0", "--seed", seed, "--format", "plain")
            rows = result.stdout.split("Channel")[1].splitlines()[1:15]
            assert len(rows) == 14
            assert max(map(len, rows)) <= 100


def test_an_error_behind_the_layer_is_told_beside_the_value(tmp_path: Path) -> None:
    spec = tmp_path / "broken.yaml"
    spec.write_text(
        "{input: 6x6x1, layers: [conv: {filters: 2, kernel: 3}, add: [[relu], [tanh, maxpool: 9]]]}"
    )
    for layer, said in (("conv1", "They agree"), ("relu1", "They agree"), ("add1", "")):
        result = run(str(spec), layer, "--value", "0,0,0", "--format", "plain")
        assert result.exit_code == 1, result.output
        assert said in result.stdout
        assert bool(result.stdout) == bool(said)
        assert "error[CC303]" in result.stderr


def test_the_library_answers_beside_an_error_where_the_command_does(tmp_path: Path) -> None:
    spec = tmp_path / "broken.yaml"
    items = "[conv: {filters: 2, kernel: 3}, add: [[relu], [tanh, maxpool: 9]]]"
    spec.write_text(f"{{input: 6x6x1, layers: {items}}}")
    sound = convcalc.loads("{input: 6x6x1, layers: [conv: {filters: 2, kernel: 3}, relu]}")

    for layer in ("conv1", "relu1"):
        printed = run(str(spec), layer, "--value", "0,0,0", "--format", "json").stdout
        value = explain_value(spec, layer, (0, 0, 0))
        alone = explain_value(sound, layer, (0, 0, 0))
        assert (value.made.formula, value.made.value) == (alone.made.formula, alone.made.value)
        assert json.loads(printed) == json.loads(json.dumps(value.page().data))
        assert convcalc.explain_region(spec, layer, (0, 1)) == convcalc.explain_region(
            sound, layer, (0, 1)
        )
    every = convcalc.explain_reach(sound, (1, 1))
    reached = convcalc.explain_reach(spec, (1, 1))
    assert {name: reached[name] for name in every} == every
    assert reached.keys() == {*every, "tanh1"}
    for function in (explain_value, convcalc.explain_region):
        for layer in ("add1", "maxpool1"):
            with pytest.raises(convcalc.SpecError, match="CC303"):
                function(spec, layer, (0, 0, 0) if function is explain_value else (0, 0))
    with pytest.raises(convcalc.SpecError):
        convcalc.explain_reach(convcalc.read("{input: 0x6x1, layers: [relu]}"), (0, 0))


@tabled(
    ("places", "text"),
    [([0], ":1"), ([0, 2], ":3:2"), ([2, 0], "2::-2"), ([3, 2, 1], "3:0:-1"), ([5, 6], "5:7")],
)
def test_slices_are_those_of_python(places: list[int], text: str) -> None:
    assert slice_text(places) == text
    assert eval(f"[*range(8)][{text}]") == places  # noqa: S307
