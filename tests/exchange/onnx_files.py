"""ONNX files made in a few lines, for tests of what becomes of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convcalc.exchange import imported
from convcalc.exchange.foreign import Imported
from convcalc.graph import Network, read
from convcalc.spec.bundled import find_bundled
from convcalc.spec.source import open_spec
from convcalc.spec.tree import Item

onnx: Any = pytest.importorskip("onnx")
helper = onnx.helper
FLOAT = onnx.TensorProto.FLOAT
Dims = Sequence[int | str]


def node(op: str, inputs: str, outputs: str, name: str = "", **attributes: Any) -> Any:
    """An operator that reads and makes tensors, whose names stand in a row."""
    given = ["" if each == "-" else each for each in inputs.split()]
    return helper.make_node(op, given, outputs.split(), name=name, **attributes)


def weight(*dims: int, seed: int = 0) -> Any:
    """Random numbers with these extents."""
    return np.random.default_rng(seed).standard_normal(dims).astype(np.float32)


def model(
    nodes: Sequence[Any],
    weights: Mapping[str, Any] | None = None,
    *,
    inputs: Mapping[str, Dims] | None = None,
    outputs: Sequence[str] = ("y",),
    opset: int = 17,
    functions: Sequence[Any] = (),
    domains: Sequence[str] = (),
) -> Any:
    """A model of these operators; its input is one image of 3 channels unless others are given."""
    given = {"x": (1, 3, 8, 8)} if inputs is None else inputs
    graph = helper.make_graph(
        list(nodes),
        "main_graph",
        [helper.make_tensor_value_info(name, FLOAT, dims) for name, dims in given.items()],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        [
            onnx.numpy_helper.from_array(np.asarray(array), name)
            for name, array in (weights or {}).items()
        ],
    )
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(each, 1) for each in domains)]
    return helper.make_model(graph, opset_imports=opsets, functions=list(functions), ir_version=8)


def saved(made: Any, folder: Path, name: str = "model.onnx") -> str:
    """The file of a model."""
    path = folder / name
    path.write_bytes(made.SerializeToString())
    return str(path)


def taken(path: str) -> Imported:
    """What a file is taken for."""
    made = imported(open_spec(path, find_bundled))
    assert made is not None
    return made


def spec_of(made: Any, folder: Path) -> str:
    """The spec of a model that can be said as a whole."""
    result = taken(saved(made, folder))
    assert not result.findings, result.findings
    assert result.spec is not None
    layers = [nameless(item) for item in result.spec.layers]
    return result.spec.replace(layers=layers).to_yaml()


def nameless(item: Item) -> Item:
    """An item without what it is called where it comes from."""
    bare = item.replace(origin=None)
    if not item.branches:
        return bare
    return bare.replace(branches=[[nameless(each) for each in one] for one in item.branches])


def network_of(made: Any, folder: Path) -> Network:
    """The network of a model."""
    return read(saved(made, folder))
