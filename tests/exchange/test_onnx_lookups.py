"""Gather of rows that an input names: embeddings in files and out of them."""

from pathlib import Path
from typing import Any

import numpy as np
from onnx_files import model, network_of, node, onnx, saved, spec_of, taken, weight
from tabled import tabled

import convcalc
from convcalc.analysis import analyze
from convcalc.graph import loads, read
from convcalc.graph.planned import planned


def whole(made: Any) -> Any:
    """A model whose first input is whole numbers."""
    made.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.INT64
    return made


def sentence(*first: Any, dims: Any = (1, 50), **given: Any) -> Any:
    """Rows of a table as channels of a convolution, as PyTorch exports them."""
    read_by = first[-1].output[0] if first else "x"
    nodes = [
        *first,
        node("Gather", f"t {read_by}", "e", "/table/Gather"),
        node("Transpose", "e", "s", perm=[0, 2, 1]),
        node("Conv", "s w", "y", "/conv/Conv"),
    ]
    weights = {"t": weight(90, 12), "w": weight(8, 12, 3), **given}
    return whole(model(nodes, weights, inputs={"x": dims}))


@tabled(
    ("first", "dims", "given"),
    [
        ((), (1, 50), {}),
        ((), ("N", 50), {}),
        ((node("Squeeze", "x a", "q"),), (1, 1, 50), {"a": np.array([1])}),
        ((node("Squeeze", "x a", "q"),), ("N", 50, 1), {"a": np.array([2])}),
        ((node("Reshape", "x a", "q"),), (1, 1, 50), {"a": np.array([1, 50])}),
    ],
)
def test_rows_that_an_input_names_are_an_embedding(
    tmp_path_factory: Any, first: Any, dims: Any, given: Any
) -> None:
    folder = tmp_path_factory.mktemp("files")
    made = sentence(*first, dims=dims, **given)
    assert (
        spec_of(made, folder)
        == """\
input: 50x1
rounding: floor
layers:
  - embedding: {entries: 90, features: 12}
  - conv: {filters: 8, kernel: 3, bias: false}
"""
    )
    network = network_of(made, folder)
    assert analyze(network).totals.parameters == 90 * 12 + 8 * 12 * 3
    assert network.index_inputs == {0}
    (table,) = taken(saved(made, folder)).weights["/table/Gather"].values()
    assert np.array_equal(table(), weight(90, 12))


def test_a_table_that_is_used_twice_is_counted_once(tmp_path: Path) -> None:
    nodes = [
        node("Gather", "t x", "a", "/left/Gather"),
        node("Gather", "t z", "b", "/right/Gather"),
        node("Sub", "a b", "y"),
    ]
    made = whole(model(nodes, {"t": weight(90, 12)}, inputs={"x": (1, 7), "z": (1, 7)}))
    network = network_of(made, tmp_path)
    assert analyze(network).totals.parameters == 90 * 12
    assert len(network.index_inputs) == 2


def test_a_long_row_of_the_same_numbers_ends(tmp_path: Path) -> None:
    """Numbers are followed through so many operators, and a file may have any number of them."""
    turns = [
        node("Unsqueeze" if at % 2 == 0 else "Squeeze", f"i{at} one", f"i{at + 1}")
        for at in range(1000)
    ]
    nodes = [*turns, node("Gather", "t i1000", "y")]
    weights = {"t": weight(90, 12), "one": np.array([1])}
    made = model(nodes, weights, inputs={"i0": (1, 50)})
    (finding, *_) = taken(saved(made, tmp_path)).findings
    assert "is worked out as the network runs" in finding.problem.message


@tabled(
    ("nodes", "said"),
    [
        ([node("Relu", "x", "r"), node("Gather", "t r", "y")], "is worked out as the network runs"),
        ([node("Gather", "t x", "y", axis=1)], "is no matrix of rows"),
        ([node("Gather", "u x", "y")], "is no matrix of rows"),
    ],
)
def test_what_is_no_embedding_is_said(tmp_path_factory: Any, nodes: Any, said: str) -> None:
    weights = {"t": weight(90, 12), "u": weight(90, 3, 4)}
    made = model(nodes, weights, inputs={"x": (1, 50)})
    (finding, *_) = taken(saved(made, tmp_path_factory.mktemp("files"))).findings
    assert said in finding.problem.message


SPEC = """
input: {words: 7x1, values: 7x2}
layers:
  - concat: [[from: words, embedding: {entries: 9, features: 3}], [from: values]]
  - conv: {filters: 2, kernel: 3}
"""


@tabled("dynamic", [False, True])
def test_what_is_written_is_read_again(tmp_path_factory: Any, *, dynamic: bool) -> None:
    path = tmp_path_factory.mktemp("files") / "a.onnx"
    network = planned(loads(SPEC))
    convcalc.export(network, path, dynamic_batch=dynamic)
    again = read(str(path))
    assert not again.errors
    assert [node.kind for node in again.nodes] == [node.kind for node in network.nodes]
    assert analyze(again).totals == analyze(network).totals
