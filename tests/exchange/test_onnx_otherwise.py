"""Attention that no layer is: one finding that says why, and the linear layers around it count."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from onnx_files import Dims, model, network_of, node, weight
from tabled import tabled

from convcalc import run as run_network
from convcalc.analysis import analyze
from convcalc.graph import read

FOLDER = Path(__file__).parents[1] / "data" / "onnx"
TRIANGLE = np.triu(np.full((6, 6), -np.inf, np.float32), 1)
MASK = "its scores get a mask, of the input `mask`"


class Row(NamedTuple):
    """What stands in attention of 6 positions by 2 heads, and what is said of it."""

    says: str
    """Why no layer is it; empty where one is."""
    scores: tuple[Any, ...] = (node("Identity", "products", "scores"),)
    """From the products of queries and keys to what the softmax reads."""
    shares: tuple[Any, ...] = (node("Identity", "softmax", "shares"),)
    """From the softmax to what values are multiplied by."""
    sides: tuple[Any, ...] = (
        node("Mul", "q scale", "a"),
        node("Transpose", "k", "b", perm=[0, 1, 3, 2]),
    )
    """From queries and keys to what is multiplied."""
    inputs: Mapping[str, Dims] = {}
    weights: Mapping[str, Any] = {}
    more: int = 0
    """Parameters besides those of the linear layers."""


def unit(name: str, out: str) -> tuple[Any, ...]:
    """Nodes that make lengths 1, as PyTorch writes them."""
    return (
        node("ReduceL2", name, f"{name}_length", axes=[-1]),
        node("Clip", f"{name}_length small", f"{name}_clipped"),
        node("Div", f"{name} {name}_clipped", out),
    )


COSINES = (
    *unit("q", "a"),
    *unit("k", "unit"),
    node("Transpose", "unit", "b", perm=[0, 1, 3, 2]),
)
ADDED = (node("Add", "products mask", "scores"),)
CASES = {
    "plain": Row(""),
    "mask_of_pairs": Row(MASK, ADDED, inputs={"mask": (1, 1, 6, 6)}),
    "mask_of_all_examples": Row(MASK, ADDED, inputs={"mask": (6, 6)}),
    "mask_before": Row(
        MASK, (node("Add", "mask products", "scores"),), inputs={"mask": (1, 1, 1, 6)}
    ),
    "mask_that_is_made": Row(
        MASK,
        (
            node("Unsqueeze", "mask ones", "mask4"), node("Sub", "one mask4", "away"),
            node("Mul", "away far", "far_away"), node("Add", "products far_away", "scores"),
        ),
        inputs={"mask": (1, 6)},
        weights={"ones": np.array([1, 2]), "one": np.float32(1), "far": np.float32(-1e4)},
    ),
    "mask_that_chooses": Row(
        MASK,
        (
            node("Greater", "mask zero", "keeps"), node("Where", "keeps products low", "scores"),
        ),
        inputs={"mask": (1, 1, 6, 6)},
        weights={"zero": np.float32(0), "low": np.float32(-np.inf)},
    ),
    "mask_of_the_same": Row(
        "its scores get a mask, of the input `x`",
        (
            node("ReduceSum", "x last", "sums"), node("Reshape", "sums row", "mask"),
            node("Add", "products mask", "scores"),
        ),
        weights={"last": np.array([2]), "row": np.array([1, 1, 1, 6])},
    ),
    "causal": Row(
        "its scores get 6×6 added, which is no bias",
        (node("Add", "products triangle", "scores"),),
        weights={"triangle": TRIANGLE},
    ),
    "temperatures": Row(
        "its scores are multiplied by an array",
        (node("Mul", "products t", "scores"),),
        weights={"t": weight(2, 1, 1)},
    ),
    "cosines": Row(
        "its scores are cosines of queries and keys",
        sides=COSINES,
        weights={"small": np.float32(1e-12)},
    ),
    "cosines_with_temperatures": Row(
        "its scores are cosines of queries and keys and are multiplied by an array",
        (node("Mul", "products t", "scores"),),
        sides=COSINES,
        weights={"small": np.float32(1e-12), "t": weight(2, 1, 1)},
    ),
    "between": Row("its scores go through Relu", (node("Relu", "products", "scores"),)),
    "behind": Row(
        "its scores go through Dropout behind the softmax",
        shares=(node("Dropout", "softmax rate yes", "shares"),),
        weights={"rate": np.float32(0.1), "yes": np.array(True)},
    ),
    "turned": Row(
        "it stands between other things than linear layers",
        sides=(
            node("Mul", "q turns", "a"), node("Transpose", "k", "b", perm=[0, 1, 3, 2]),
        ),
        weights={"turns": weight(6, 4)},
        more=24,
    ),
}  # fmt: skip


def attention(row: Row) -> Any:
    """A file of attention to itself."""
    return model(
        [
            node("MatMul", "x w", "made"), node("Add", "made c", "all"),
            node("Reshape", "all apart", "heads"),
            node("Transpose", "heads", "turned", perm=[2, 0, 3, 1, 4]),
            *(node("Gather", f"turned i{at}", name, axis=0) for at, name in enumerate("qkv")),
            *row.sides, node("MatMul", "a b", "products", "multiply"), *row.scores,
            node("Softmax", "scores", "softmax", axis=-1), *row.shares,
            node("MatMul", "shares v", "means"),
            node("Transpose", "means", "rows", perm=[0, 2, 1, 3]),
            node("Reshape", "rows together", "joined"), node("MatMul", "joined o", "out"),
            node("Add", "out p", "y"),
        ],
        {
            "w": weight(8, 24), "c": weight(24), "o": weight(8, 8), "p": weight(8),
            "apart": np.array([1, 6, 3, 2, 4]), "together": np.array([1, 6, 8]),
            "scale": np.float32(0.5), **{f"i{at}": np.array(at) for at in range(3)}, **row.weights,
        },
        inputs={"x": (1, 6, 8), **row.inputs},
    )  # fmt: skip


@tabled("name", CASES)
def test_attention_that_no_layer_is_is_one_finding(name: str, tmp_path: Path) -> None:
    row = CASES[name]
    network = network_of(attention(row), tmp_path)
    totals = analyze(network, strict=False).totals

    assert network.complete == (not row.says)
    assert [error.code for error in network.errors] == ["CC601"] * bool(row.says)
    for error in network.errors:
        assert getattr(error.place, "name", "") == "multiply"
        assert f"cannot be said in a spec: {row.says}" in error.message
        assert {"1 Softmax", "2 MatMul"} <= inside(error.message)
    assert totals.parameters == (8 * 24 + 24) + (8 * 8 + 8) + row.more
    assert totals.macs == 6 * (8 * 24 + 8 * 8) + (0 if row.says else 2 * 6 * 6 * 8)
    assert str(network.shape_of(network.outputs[0])) == "6×8"


def inside(message: str) -> set[str]:
    """The operators that are one finding, with how often each is there."""
    what, _, written = message.partition(" of ")[0].partition(" (")
    assert what == "MultiHeadAttention"
    return set(written.removesuffix(")").split(", "))


def test_operators_that_are_too_many_to_look_at_are_not_counted_in_part(tmp_path: Path) -> None:
    """Of a mask that 450 operators make."""
    names = ["mask", *(f"mask{at}" for at in range(450))]
    made = [node("Neg", one, other) for one, other in pairwise(names)]
    scores = (*made, node("Add", f"products {names[-1]}", "scores"))
    row = Row(MASK, scores, inputs={"mask": (1, 1, 6, 6)})
    (error, *_) = network_of(attention(row), tmp_path).errors

    assert error.message.startswith("MultiHeadAttention of ")


def test_attention_of_one_head_with_a_mask_is_layers(tmp_path: Path) -> None:
    """The products are then of two matrices, which are layers."""
    runtime = pytest.importorskip("onnxruntime")
    made = model(
        [
            node("MatMul", "x q", "a"), node("MatMul", "x k", "each"),
            node("Transpose", "each", "b", perm=[0, 2, 1]), node("MatMul", "a b", "products"),
            node("Add", "products mask", "scores"), node("Softmax", "scores", "shares", axis=-1),
            node("MatMul", "x v", "values"), node("MatMul", "shares values", "y"),
        ],
        {"q": weight(8, 4), "k": weight(8, 4, seed=1), "v": weight(8, 8, seed=2)},
        inputs={"x": (1, 6, 8), "mask": (1, 6, 6)},
    )  # fmt: skip
    network = network_of(made, tmp_path)
    given = {"x": weight(1, 6, 8, seed=3), "mask": weight(1, 6, 6, seed=4)}
    session = runtime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    (want,) = session.run(None, given)
    (y,) = run_network(network, given_to(network, given), reference=True).values()

    assert network.complete
    np.testing.assert_allclose(np.moveaxis(y, 1, -1), want, atol=1e-5 * np.abs(want).max())


def given_to(network: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs with the channels behind the examples."""
    names = network.named_inputs
    return {name: np.moveaxis(given[name], -1, 1) for name in names}


def test_swin_v2_is_whole_but_for_its_scores() -> None:
    """Torchvision's blocks, of which a network of 2, 8 and 2 units makes the biases.

    A 2×2 convolution with 8 filters, two blocks and the head have 104 + 16, 2·904 and 16 + 27.
    """
    network = read(str(FOLDER / "swinv2.dynamo20.onnx"))
    (error,) = network.errors

    assert "its scores are cosines of queries and keys" in error.message
    assert "(and 1 more)" in error.message
    assert {"2 Softmax", "4 MatMul", "4 LpNormalization"} <= inside(error.message)
    block = (8 * 24 + 24) + (8 * 8 + 8) + 2 * 16 + (8 * 32 + 32) + (32 * 8 + 8)
    wanted = (3 * 2 * 2 * 8 + 8 + 16) + 2 * block + 16 + (8 * 3 + 3)
    assert analyze(network, strict=False).totals.parameters == wanted
    assert str(network.shape_of(network.outputs[0])) == "3"
