"""Files that are one number away from what an exporter wrote: what is read gives their values.

What is recognised as one layer must not be recognised where a constant, an axis or an order is
another one; then it is another layer, or a finding.
"""

import random
from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_files import onnx, saved, taken
from tabled import tabled

from convcalc import run as run_network
from convcalc.graph import Network, read

runtime: Any = pytest.importorskip("onnxruntime")
FOLDER = Path(__file__).parents[1] / "data" / "onnx"
SMALL = 4096
"""Values of the largest array that is changed."""
SWITCHES = ("to", "allowzero", "ceil_mode", "antialias", "transB", "keepdims", "storage_order",
    "num_outputs")  # fmt: skip
"""Attributes that are 0 or 1, or the number of a type, or end ONNX Runtime where they are wrong."""


def arrays(made: Any) -> list[Any]:
    """The small arrays of a model, as they stand in it."""
    inside = [each.t for node in made.graph.node for each in node.attribute if each.type == 4]
    return [each for each in (*made.graph.initializer, *inside) if np.prod(each.dims) <= SMALL]


def other(array: Any, draw: random.Random) -> None:
    """Change one value of an array, or let two change places."""
    flat = array.reshape(-1)
    at = draw.randrange(flat.size)
    if flat.size > 1 and draw.random() < 0.3:
        second = draw.randrange(flat.size)
        flat[[at, second]] = flat[[second, at]]
    elif flat.dtype.kind == "f":
        flat[at] = draw.choice((flat[at] * 1.1 + 0.01, -flat[at], 0))
    elif flat.dtype.kind == "b":
        flat[at] = not flat[at]
    elif abs(int(flat[at])) < SMALL:
        flat[at] += draw.choice((-1, 1, 2))


def change(made: Any, draw: random.Random) -> None:
    """Change one number of a model."""
    attributes = [
        each
        for node in made.graph.node
        for each in node.attribute
        if each.type in (1, 2, 7) and each.name not in SWITCHES
    ]
    one = draw.choice([*attributes, *arrays(made)])
    if isinstance(one, onnx.TensorProto):
        array = onnx.numpy_helper.to_array(one).copy()
        if array.size:
            other(array, draw)
            one.CopyFrom(onnx.numpy_helper.from_array(array, one.name))
    elif one.type == 1:
        one.f = one.f * 1.1 + 0.01
    elif one.type == 2:
        one.i += draw.choice((-1, 1))
    elif len(one.ints):
        at, second = draw.randrange(len(one.ints)), draw.randrange(len(one.ints))
        if one.name == "perm":
            one.ints[at], one.ints[second] = one.ints[second], one.ints[at]
        else:
            one.ints[at] += draw.choice((-1, 1))


def turned(array: Any) -> Iterator[Any]:
    """An array with its axes behind the examples in any order, as a layer may have them."""
    for order in permutations(range(1, array.ndim)):
        yield array.transpose(0, *order)


def laid(network: Network, given: dict[str, Any]) -> dict[str, Any]:
    """Inputs of a file as its network takes them."""
    made = {}
    for (name, index), array in zip(network.named_inputs.items(), given.values(), strict=True):
        shape = network.shape_of(index)
        assert shape is not None
        made[name] = next(each for each in turned(array) if each.shape[1:] == shape.axes)
    return made


def worst(path: str) -> float | None:
    """The largest error of what a file is read as; None where it is a finding, or none runs it."""
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    try:
        onnx.checker.check_model(path, full_check=True)  # what is none may end the process
        session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        draw = np.random.default_rng(1)
        given = {
            each.name: draw.standard_normal(each.shape).astype(np.float32)
            for each in session.get_inputs()
        }
        wanted = session.run(None, given)
    except Exception:  # noqa: BLE001 (of C++: it is no network any more)
        return None
    network = read(path)
    if network.errors or any(not np.isfinite(each).all() for each in wanted):
        return None
    found = run_network(network, laid(network, given), reference=True)
    return max(
        min(
            float(np.abs(y.reshape(-1) - each.reshape(-1)).max() / max(np.abs(want).max(), 1e-9))
            for each in turned(want)
        )
        for y, want in zip(found.values(), wanted, strict=True)
    )


RECOGNISED = ("adaptive", "cross", "encoder", "gelu", "gn", "l2", "ln", "lrn", "maxvit", "swin")
"""The beginnings of the names of files of which much is recognised as one layer."""


def changed(seed: int, count: int, folder: Path) -> list[float | None]:
    """The errors of files with one number changed."""
    draw = random.Random(seed)  # noqa: S311 (the same changes each time)
    files = sorted(
        path for path in FOLDER.glob("*.onnx") if path.name.partition(".")[0] in RECOGNISED
    )
    errors = []
    for _ in range(count):
        made = onnx.load(draw.choice(files))
        change(made, draw)
        errors.append(worst(saved(made, folder)))
    return errors


def test_a_file_with_one_number_changed_gives_its_values_or_a_finding(tmp_path: Path) -> None:
    errors = changed(1, 10, tmp_path)

    assert not [each for each in errors if each is not None and not each <= 1e-4]
    assert sum(each is not None for each in errors) > len(errors) / 5


@pytest.mark.thorough
def test_many_files_with_one_number_changed_give_their_values_or_a_finding(tmp_path: Path) -> None:
    errors = changed(2, 400, tmp_path)

    assert not [each for each in errors if each is not None and not each <= 1e-4]
    assert sum(each is not None for each in errors) > len(errors) / 5


def scores(made: Any, change_it: Callable[[Any], None]) -> None:
    """Change the biases of the first attention, an array of 1 × heads × pairs."""
    biases = next(each for each in made.graph.initializer if len(each.dims) == 4
                  and each.dims[2] == each.dims[3] and each.dims[2] > 3)  # fmt: skip
    array = onnx.numpy_helper.to_array(biases).copy()
    change_it(array)
    biases.CopyFrom(onnx.numpy_helper.from_array(array, biases.name))


def one_pair(made: Any) -> None:
    """One pair of positions has another bias than others as far apart."""
    scores(made, lambda array: array.__setitem__((0, 0, 0, 0), 9.0))


def transposed(made: Any) -> None:
    """Biases of i and j are those of j and i: of a table that is turned round."""
    scores(made, lambda array: array.__setitem__(slice(None), array.swapaxes(2, 3).copy()))


def unmasked(made: Any) -> None:
    """What a shift brings together is told apart by less than it takes."""
    for each in arrays(made):
        array = onnx.numpy_helper.to_array(each).copy()
        if array.size == 1 and array.reshape(-1)[0] == -100:
            array[...] = -1
            each.CopyFrom(onnx.numpy_helper.from_array(array, each.name))


def shifted_further(made: Any) -> None:
    """Rows are moved by 3 of 8 positions, and the mask is that of 2."""
    slices = [node for node in made.graph.node if node.op_type == "Slice"]
    names = {name for node in slices for name in node.input[1:3]}
    for each in made.graph.initializer:
        if each.name in names and list(each.dims) == [1]:
            array = onnx.numpy_helper.to_array(each).copy()
            if array[0] == 2:
                array[0] = 3
                each.CopyFrom(onnx.numpy_helper.from_array(array, each.name))


def scaled(made: Any) -> None:
    """Queries are multiplied by something else: the weights take it."""
    for each in made.graph.initializer:
        array = onnx.numpy_helper.to_array(each).copy()
        if array.size == 1 and array.dtype == np.float32 and 0 < array.reshape(-1)[0] < 1:
            array[...] *= 1.7
            each.CopyFrom(onnx.numpy_helper.from_array(array, each.name))


def causal(made: Any) -> None:
    """Each position sees none behind it."""
    (one,) = (node for node in made.graph.node if node.op_type == "Attention")
    next(each for each in one.attribute if each.name == "is_causal").i = 1


def counted_on(made: Any) -> None:
    """Values go to where the next map has them."""
    for each in made.graph.initializer:
        if each.name.startswith("mul") and list(each.dims) == [1, 4, 1, 1]:
            array = onnx.numpy_helper.to_array(each).copy() + 1
            each.CopyFrom(onnx.numpy_helper.from_array(array, each.name))


def of_another_pool(made: Any) -> None:
    """Places are those of windows of three."""
    pools = [node for node in made.graph.node if node.op_type == "MaxPool"]
    one = next(node for node in pools if node.output[0] == "getitem")
    (other,) = (node for node in made.graph.node if node.input[:1] == [one.output[1]])
    made.graph.node.insert(0, onnx.helper.make_node("MaxPool", ["y0"], ["z0", "z1"],
        kernel_shape=[2, 2], strides=[2, 2]))  # fmt: skip
    made.graph.node.insert(0, onnx.helper.make_node("Abs", [one.input[0]], ["y0"]))
    other.input[0] = "z1"


CHANGED = [
    ("unpool.dynamo20", counted_on, False),
    ("unpool.dynamo20", of_another_pool, False),
    ("sdpa.dynamo23", causal, False),
    ("swin.dynamo20", one_pair, False),
    ("swin.dynamo20", transposed, True),
    ("swin.dynamo20", unmasked, False),
    ("swin.dynamo20", shifted_further, False),
    ("maxvit.dynamo20", transposed, True),
    ("maxvit.dynamo20", scaled, True),
]


@tabled(("name", "change_it", "whole"), CHANGED)
def test_windows_are_read_only_where_they_are_windows(
    name: str,
    change_it: Callable[[Any], None],
    whole: bool,  # noqa: FBT001
    tmp_path: Path,
) -> None:
    made = onnx.load(FOLDER / f"{name}.onnx")
    before = made.SerializeToString()
    change_it(made)
    assert made.SerializeToString() != before
    error = worst(saved(made, tmp_path))

    assert (error is not None) == whole
    assert error is None or error <= 1e-5


def test_biases_whose_values_are_missing_are_taken_for_a_table_and_it_is_said(
    tmp_path: Path,
) -> None:
    made = onnx.load(FOLDER / "swin.dynamo20.onnx")
    for each in made.graph.initializer:
        if len(each.dims) == 4 and each.dims[2] == each.dims[3] > 4:
            each.ClearField("raw_data")
            each.data_location = onnx.TensorProto.EXTERNAL
            entry = each.external_data.add()
            entry.key, entry.value = "location", "gone.bin"
    result = taken(saved(made, tmp_path))

    assert result.whole
    assert not result.findings
    assert any("their values are missing: 4" in note for note in result.notes)
