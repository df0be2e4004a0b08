"""Embeddings: whole numbers that go in as int64, and rows of a table that come out."""

import json
import re
from typing import Any

import numpy as np
import pytest
from click import UsageError
from tabled import tabled

from convcalc import forward
from convcalc.analysis import analyze
from convcalc.analysis.memory import deploy, memory
from convcalc.cli.running import given_inputs
from convcalc.diagnostics import Span
from convcalc.explanation.value import explain_value
from convcalc.graph import loads, read_text
from convcalc.graph.planned import planned
from convcalc.spec.text import SourceText

SENTENCE = """
input: 6x1
layers:
  - embedding: {entries: 5, features: 3}
  - conv: {filters: 2, kernel: 3}
"""
TWO = """
input: {words: 4x1, values: 4x3}
layers:
  - concat: [[from: words, embedding: {entries: 7, features: 2}], [from: values]]
"""


NUMBERS = "`input` is whole numbers, which `embedding1` looks up"


def table(rows: int, columns: int) -> Any:
    return np.arange(rows * columns, dtype=np.float32).reshape(rows, columns)


@tabled("reference", [False, True])
def test_each_number_gives_its_row_and_no_position_reads_another(*, reference: bool) -> None:
    network = loads("{input: 4x1, layers: [embedding: {entries: 5, features: 3}]}")
    weights = {"embedding1.weight": table(5, 3)}
    numbers = [4, 0, 2, 2]
    for changed in (None, 0, 3):
        now = [(n + 1) % 5 if at == changed else n for at, n in enumerate(numbers)]
        y = forward.run(network, [[now]], weights, reference=reference)["embedding1"]
        assert y.tolist() == [[[float(3 * n + c) for n in now] for c in range(3)]]
        assert y.dtype == np.float32


@tabled(
    ("given", "said"),
    [
        ([0, 1, 2, 5], "from 0 to 4, and one is 5"),
        ([-1, 1, 2, 4], "from 0 to 4, and one is -1"),
        ([0, 1.5, 2, 4], "from 0 to 4, and one is 1.5"),
        ([0, float("nan"), 2, 4], "from 0 to 4, and one is nan"),
        ([0, float("inf"), 2, 4], "from 0 to 4, and one is inf"),
        ([0, 2**62, 2, 4], f"from 0 to 4, and one is {2**62}"),
    ],
)
def test_numbers_of_no_row_are_refused(given: list[Any], said: str) -> None:
    network = loads("{input: 4x1, layers: [embedding: {entries: 5, features: 3}]}")
    for reference in (False, True):
        with pytest.raises(ValueError, match="input 'input' is looked up: whole numbers") as told:
            forward.run(network, np.array([[given]]), seed=0, reference=reference)
        assert said in str(told.value)


def test_learned_positions_read_no_numbers() -> None:
    network = loads(
        "{input: 4x1, layers: [add: [[embedding: {entries: 5, features: 3}], [learned: 4x3]]]}"
    )
    weights = {"embedding1.weight": table(5, 3), "learned1.weight": table(4, 3)[None]}
    for reference in (False, True):
        y = forward.run(network, [[[4, 0, 2, 2]]], weights, reference=reference)["add1"]
        assert y.tolist() == [[[12, 3, 12, 15], [14, 5, 14, 17], [16, 7, 16, 19]]]


def test_the_smallest_of_several_tables_bounds_the_numbers() -> None:
    network = loads(
        "{input: 4x1, layers: [add: [[embedding: {entries: 5, features: 3}], "
        "[embedding: {entries: 3, features: 3}]]]}"
    )
    forward.run(network, [[[0, 1, 2, 2]]], seed=0)
    with pytest.raises(ValueError, match="from 0 to 2, and one is 3"):
        forward.run(network, [[[0, 1, 2, 3]]], seed=0)


def test_numbers_that_no_float32_and_no_float16_has_are_looked_up_as_they_are() -> None:
    rows = 2**24 + 2
    network = loads(f"{{input: 1x1, layers: [embedding: {{entries: {rows}, features: 1}}]}}")
    weight = np.zeros((rows, 1), np.float32)
    weight[-1] = 3
    for reference in (False, True):
        y = forward.run(network, [[[rows - 1]]], {"embedding1.weight": weight}, reference=reference)
        assert y["embedding1"].tolist() == [[[3.0]]]
    small = loads("{input: 1x1, layers: [embedding: {entries: 4099, features: 1}]}")
    weight = np.zeros((4099, 1), np.float32)
    weight[4097] = 5  # 4,097 is 4,096 in float16
    explained = explain_value(
        small,
        "embedding1",
        at=(0, 0),
        x=[[[4097]]],
        weights={"embedding1.weight": weight},
        dtype="float16",
    )
    assert (explained.made.value, explained.forward) == (5, 5)


@tabled("dtype", ["float32", "float16", "bfloat16", "float64", "int8"])
def test_an_input_that_is_looked_up_is_int64_whatever_the_data_type(dtype: str) -> None:
    width = {"float32": 4, "float64": 8, "int8": 1}.get(dtype, 2)
    two = loads(TWO)
    # What comes out: 4·2 looked up, and 4·5 joined.
    total = analyze(two, dtype=dtype, batch=3).totals.activation_bytes
    assert total == 3 * (4 * 8 + (12 + 8 + 20) * width)
    assert memory(two, dtype=dtype, batch=3).input == 3 * (4 * 8 + 12 * width)
    runs = deploy(loads(SENTENCE), dtype=dtype, batch=3)
    # 6 numbers and 18 values of rows, or these and 8 values of the convolution.
    assert runs.activation_peak == 3 * max(6 * 8 + 18 * width, (18 + 8) * width)


def test_a_training_step_keeps_the_numbers_and_has_a_gradient_for_each_row() -> None:
    network = loads("{input: 6x1, layers: [embedding: {entries: 1000, features: 3}, flatten]}")
    step = memory(network, training=True, batch=2)
    assert (step.input, step.gradients) == (2 * 6 * 8, 1000 * 3 * 4)
    # The log-softmax of 2·18 values, and flattened rows are no view of rows that lie turned.
    assert step.kept == 2 * 18 * 4
    half = memory(network, training=True, batch=2, mixed_precision=True)
    assert half.input == step.input


@tabled(
    ("text", "said", "line"),
    [
        (
            "input: 6x3\nlayers:\n  - relu\n  - embedding: {entries: 5, features: 3}\n",
            "embedding looks up whole numbers, and `relu1` makes values",
            4,
        ),
        (
            "input: 6x1\nlayers:\n  - add: [[embedding: {entries: 5, features: 1}],\n    [relu]]\n",
            f"{NUMBERS}, and `relu1` reads them as values",
            4,
        ),
        (
            "input: 6x1\nlayers:\n  - add: [[embedding: {entries: 5, features: 1}], []]\n",
            f"{NUMBERS}, and `add1` reads them as values",
            3,
        ),
        (
            (
                "{input: 6x1, outputs: [input, embedding1],\n"
                "layers: [embedding: {entries: 5, features: 3}]}"
            ),
            f"{NUMBERS}, and `outputs` gives them as values",
            2,
        ),
    ],
)
def test_values_are_not_looked_up_nor_numbers_read_as_values(
    text: str, said: str, line: int
) -> None:
    (problem,) = read_text(SourceText("net", text)).errors
    assert (problem.code, problem.message) == ("CC314", said)
    assert isinstance(problem.place, Span)
    assert problem.place.line == line
    assert re.search("input", problem.help or "")


FILED: dict[str, Any] = {
    "ids.npy": np.array([4, 0, 2, 2]),
    "ids.json": [[4, 0, 2, 2]],
    "floats.json": [4.0, 0, 2, 2],
    "bytes.npy": np.array([[4, 0, 2, 2]], np.uint8),
    "high.json": [4, 0, 2, 5],
    "parts.npy": np.array([4, 0, 2.5, 2]),
    "short.json": [4, 0, 2],
    "flags.npy": np.array([True, False, True, True]),
    "cat.png": None,
}


@tabled(
    ("file", "said"),
    [
        ("ids.npy", ""),
        ("ids.json", ""),
        ("floats.json", ""),
        ("bytes.npy", ""),
        ("high.json", "input 'input' is looked up: whole numbers from 0 to 4, and one is 5"),
        ("parts.npy", "input 'input' is looked up: whole numbers from 0 to 4, and one is 2.5"),
        ("short.json", "short.json holds 1×3 numbers, and the input is 1×4"),
        ("flags.npy", "flags.npy holds bool, and what is looked up is whole numbers"),
        ("cat.png", "cat.png is neither .npy nor .json, which hold whole numbers"),
    ],
)
def test_whole_numbers_come_from_files_and_an_image_is_refused(
    tmp_path_factory: pytest.TempPathFactory, file: str, said: str
) -> None:
    path, given = tmp_path_factory.mktemp("files") / file, FILED[file]
    if path.suffix == ".npy":
        np.save(path, given)
    elif path.suffix == ".json":
        path.write_text(json.dumps(given), encoding="utf-8")
    network = planned(loads("{input: 4x1, layers: [embedding: {entries: 5, features: 3}]}"))
    if said:
        with pytest.raises(ValueError, match=re.escape(said)):
            given_inputs([str(path)], None, network, 2)
    else:
        (x,) = (given_inputs([str(path)], None, network, 2) or {}).values()
        assert (x.tolist(), x.dtype) == ([[[4, 0, 2, 2]]] * 2, np.int64)
    with pytest.raises(UsageError, match="--normalize is of an image's values"):
        given_inputs([str(path)], "unit", network, 2)
