"""What is imported whole, and whether the numbers of files and networks agree: a row each."""

import gc
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from math import prod
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

import convcalc
from convcalc.analysis import analyze
from convcalc.exchange import imported as file_as_spec
from convcalc.graph import Network, load, read
from convcalc.graph.planned import planned
from convcalc.shape import Shape
from convcalc.spec.bundled import bundled_names, find_bundled
from convcalc.spec.fold import fold
from convcalc.spec.source import open_spec
from convcalc.spec.tree import Spec

MOST_MACS = 2 * 10**9
"""Multiply-accumulates of the largest network whose values are compared."""
MOST_PARAMETERS = 4 * 10**8
"""Parameters of the largest network that is written."""
CLOSE = 1e-5
"""Largest error, as a share of the largest value."""


class Row(NamedTuple):
    """What came of one network."""

    name: str
    """The network."""
    whole: bool
    """Whether all of it was imported."""
    same: dict[str, bool | None]
    """What was compared, and whether it is the same; None where it could not be."""
    lines: int
    """Lines of the spec."""
    seconds: float
    """What importing and analysing it took."""
    missing: Counter[str]
    """Findings, by what they say."""


def counted(network: Network) -> tuple[int | None, int | None]:
    """Parameters and multiply-accumulates."""
    totals = analyze(network, strict=False).totals
    return totals.parameters, totals.macs


def shapes(network: Network) -> list[str]:
    """Shapes of the outputs, in their order."""
    return [str(network.shape_of(index)) for index in network.outputs]


def fields(network: Network) -> list[str]:
    """What each output sees of the first input."""
    report = analyze(network)
    by_name = {layer.name: str(layer.receptive_field) for layer in report.layers}
    return [by_name.get(network.nodes[index].name, "") for index in network.outputs]


def grouped(network: Network) -> dict[str, int]:
    """By the names of groups, rounds of repeats among them, how many layers are in each.

    Which comes first of what reads nothing of each other is not said in a file.
    """
    return {each.name: len(each.layers) for each in network.groups if each.layers}


def imported(path: Path) -> tuple[Network, float, Spec | None]:
    """The network of a file, how long that took, and the spec that `import` writes of it."""
    began = perf_counter()
    network = read(str(path))
    analyze(network, strict=False)
    seconds = perf_counter() - began
    made = file_as_spec(open_spec(str(path), find_bundled))
    return network, seconds, made and made.spec and fold(made.spec, made.scopes())


def lines_of(spec: Spec | None) -> int:
    """How many lines a spec is."""
    return 0 if spec is None else len(spec.to_yaml().splitlines())


def session(path: Path) -> Any:
    """ONNX Runtime on a file."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def inputs(given: Sequence[tuple[str, Shape]]) -> dict[str, Any]:
    """Normal random values, an example of each input."""
    random = np.random.default_rng(0)
    return {name: random.normal(size=(1, *shape.axes)).astype(np.float32) for name, shape in given}


def held(path: Path) -> int:
    """Values of a file's float arrays, without running statistics and single numbers.

    They are not those of the model: exporters make one of a convolution and its batch norm. Equal
    arrays, which are in the file once, count as often as they are used by another name.
    """
    import onnx

    model = onnx.load(path, load_external_data=False)
    norms = [node for node in model.graph.node if node.op_type == "BatchNormalization"]
    statistics = {name for node in norms for name in node.input[3:]}
    # Parts of masks, which are scattered into them.
    statistics |= {
        name for node in model.graph.node if node.op_type == "ScatterND" for name in node.input
    }
    sizes = {
        array.name: prod(array.dims)
        for array in model.graph.initializer
        if array.data_type == onnx.TensorProto.FLOAT and prod(array.dims) > 1
    }
    for node in model.graph.node:
        if node.op_type == "Identity" and node.input[0] in sizes:
            sizes[node.output[0]] = sizes[node.input[0]]
    return sum(size for name, size in sizes.items() if name not in statistics)


def spread_tables(model: Any) -> int:
    """How many values more a file has than a model, whose tables it has for each two positions."""
    return sum(
        module.relative_position_index.numel() * each.shape[1] - each.numel()
        for module in model.modules()
        for name, each in module.named_parameters(recurse=False)
        if name == "relative_position_bias_table"
    )


def near(found: Sequence[Any], wanted: Sequence[Any]) -> bool:
    """Whether all outputs have the same values."""
    return len(found) == len(wanted) and all(
        one.size == other.size
        and float(np.abs(one.reshape(-1) - other.reshape(-1)).max())
        <= CLOSE * float(np.abs(other).max())
        for one, other in zip(found, wanted, strict=True)
    )


def round_trip(name: str, folder: Path) -> Row:
    """A bundled network as an ONNX file and back again."""
    network, path = planned(load(name)), folder / "network.onnx"
    convcalc.export(network, path)
    back, seconds, spec = imported(path)
    same: dict[str, bool | None] = {
        "parameters": counted(network)[0] == counted(back)[0],
        "MACs": counted(network)[1] == counted(back)[1],
        "shapes": shapes(network) == shapes(back),
        "fields": fields(network) == fields(back),
        "groups": spec is not None and grouped(network) == grouped(spec.network()),
        "values": None,
    }
    if (counted(network)[1] or 0) <= MOST_MACS and not network.index_inputs:
        x = inputs([(each, network.shape_of(at)) for each, at in network.named_inputs.items()])
        wanted = convcalc.run(network, x, seed=0)
        same["values"] = near(session(path).run(None, x), [*wanted.values()])
    return Row(name, back.complete, same, lines_of(spec), seconds, found(back))


def found(network: Network) -> Counter[str]:
    """What is said of what could not be imported, by what it says."""
    return Counter(each.message.partition(":")[0] for each in network.errors)


def define_operators() -> None:
    """The names of the operators that torchvision compiles, where those are of another PyTorch.

    Its models need no more than the names to be built and exported.
    """
    import torch

    try:
        import torchvision  # noqa: F401 (which has them)
    except RuntimeError:  # it was not imported whole
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
    else:
        return

    library = torch.library.Library("torchvision", "DEF")
    operators = {
        "nms": "Tensor a, Tensor b, float c",
        "deform_conv2d": "Tensor a, Tensor b, Tensor c, Tensor d, Tensor e, SymInt f, SymInt g, "
        "SymInt h, SymInt i, SymInt j, SymInt k, SymInt l, SymInt m, bool n",
        "roi_align": "Tensor a, Tensor b, float c, SymInt d, SymInt e, int f, bool g",
        "roi_pool": "Tensor a, Tensor b, float c, SymInt d, SymInt e",
        "ps_roi_align": "Tensor a, Tensor b, float c, SymInt d, SymInt e, int f",
        "ps_roi_pool": "Tensor a, Tensor b, float c, SymInt d, SymInt e",
    }
    for name, arguments in operators.items():
        with suppress(RuntimeError):
            library.define(f"{name}({arguments}) -> Tensor")
    _KEPT.append(library)


_KEPT: list[Any] = []
"""Libraries of operators, which are gone with the last who knows them."""


def of_torchvision(
    exporter: str, keep: str | None = None
) -> Iterator[tuple[str, Callable[[Path], Row]]]:
    """Each model's name, and what exports, imports and compares it.

    Files are left in a folder `keep`, without their weights, if one is given.
    """
    define_operators()
    import torchvision

    models = torchvision.models
    for module in (models, models.segmentation):
        for name in models.list_models(module=module):
            yield name, partial(_by_torch, name, exporter, keep)


def _by_torch(name: str, exporter: str, keep: str | None, folder: Path) -> Row:
    import torch
    import torchvision
    from torch.utils.flop_counter import FlopCounterMode

    torch.manual_seed(0)
    segments = name in torchvision.models.list_models(module=torchvision.models.segmentation)
    given = {"weights_backbone": None} if segments else {}
    model = torchvision.models.get_model(name, weights=None, **given).eval()
    with torch.no_grad():  # exporters write equal arrays once, and at first all norms are alike
        for value in (*model.parameters(), *model.buffers()):
            if value.is_floating_point():
                value.add_(torch.rand_like(value) * 0.01)
    size = 299 if name.startswith("inception") else 224
    x = torch.from_numpy(inputs([("x", Shape(3, (size, size)))])["x"])
    path = folder / "network.onnx"
    with torch.no_grad():
        if exporter == "script":  # which has no operator for what attention computes at once
            torch.backends.mha.set_fastpath_enabled(False)
            torch.onnx.export(model, (x,), str(path), dynamo=False, opset_version=17)
        else:
            torch.onnx.export(model, (x,), str(path), dynamo=True, verbose=False)
        with FlopCounterMode(display=False) as counter:
            model.to("meta")(x.to("meta"))
    if keep is not None:
        _keep(path, Path(keep, exporter, f"{name}.onnx"))
    network, seconds, spec = imported(path)
    written_out = spread_tables(model)
    del model
    gc.collect()
    totals = counted(network)
    made = session(path).run(None, {session(path).get_inputs()[0].name: x.numpy()})
    wanted = ["×".join(map(str, (*y.shape[2:], y.shape[1]))) for y in made]
    same: dict[str, bool | None] = {
        "parameters": totals[0] == held(path) - written_out,
        "MACs": totals[1] == counter.get_total_flops() // 2,
        "shapes": shapes(network) == wanted,
        "values": None,
    }
    if network.complete and (totals[1] or 0) <= MOST_MACS:
        same["values"] = near([*convcalc.run(str(path), x.numpy()).values()], made)
    return Row(name, network.complete, same, lines_of(spec), seconds, found(network))


FEW = 1024
"""Most values of an array that is left in a file whose weights are taken out."""


def _keep(path: Path, kept: Path) -> None:
    """The same file without its weights, which it says are in a file that there is not."""
    import onnx

    model = onnx.load(path)
    for array in model.graph.initializer:
        if array.data_type == onnx.TensorProto.FLOAT and prod(array.dims) > FEW:
            array.ClearField("raw_data")
            array.ClearField("float_data")
            array.data_location = onnx.TensorProto.EXTERNAL
            array.external_data.add(key="location", value="left.out")
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(model.SerializeToString())


def light() -> Iterator[tuple[str, Callable[[Path], Row]]]:
    """The models of the package onnx, whose weights are constants of one value."""
    import onnx

    folder = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
    for path in sorted(folder.glob("*.onnx")):
        yield path.stem, partial(_of_file, path)


def _of_file(path: Path, folder: Path) -> Row:
    """Shapes beside those that ONNX Runtime makes."""
    del folder
    network, seconds, spec = imported(path)
    runs = session(path)
    given = runs.get_inputs()[0]
    x = np.random.default_rng(0).normal(size=given.shape).astype(np.float32)
    made = runs.run(None, {given.name: x})
    wanted = ["×".join(map(str, (*y.shape[2:], y.shape[1]))) for y in made]
    return Row(
        path.stem,
        network.complete,
        {"shapes": shapes(network) == wanted},
        lines_of(spec),
        seconds,
        found(network),
    )


SIGNS = {True: "yes", False: "NO", None: "-"}


def scoreboard(rows: Iterator[tuple[str, Callable[[Path], Row]]], names: Sequence[str]) -> int:
    """Print a row a network as it comes, then what is missing; how many are not right.

    `names` are those that are wanted, all if none; one that there is not is not right.
    """
    wrong, whole, count = 0, 0, 0
    unknown = {*names}
    missing: dict[str, Counter[str]] = {}
    for name, work in rows:
        if names and name not in names:
            continue
        unknown.discard(name)
        count += 1
        with tempfile.TemporaryDirectory() as folder:
            try:
                row = work(Path(folder))
            except Exception as error:  # noqa: BLE001 (a row of the table, too)
                said = next(filter(None, map(str.strip, str(error).splitlines())), "")
                print(f"{name:<32}  {type(error).__name__}: {said[:120]}")
                wrong += 1
                continue
        compared = "  ".join(f"{what} {SIGNS[each]}" for what, each in row.same.items())
        print(
            f"{name:<32}  whole {SIGNS[row.whole]:<3}  {compared}  {row.lines} lines  "
            f"{row.seconds:.2f} s",
            flush=True,
        )
        whole += row.whole
        # What is missing of a network that is not whole is said, and no wrong value.
        wrong += any(each is False for each in row.same.values()) and row.whole
        if row.missing:
            missing[name] = row.missing
    print(f"{whole} of {count} whole; {wrong} with another value")
    for name, each in missing.items():
        print(f"{name}: " + ", ".join(f"{what} ({number})" for what, number in each.items()))
    for name in sorted(unknown):
        print(f"{name}: there is no network of that name")
    return wrong + len(unknown)


def zoo() -> Iterator[tuple[str, Callable[[Path], Row]]]:
    """Each bundled network that is not too large."""
    for name in bundled_names():
        if (counted(load(name))[0] or 0) <= MOST_PARAMETERS:
            yield name, partial(round_trip, name)
