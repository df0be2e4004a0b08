"""A network as a file of another format, written whole or not at all."""

from collections.abc import Mapping
from contextlib import ExitStack
from os import PathLike, fspath
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from convcalc.arguments import one_of, switch, text, whole
from convcalc.diagnostics import ArgumentError
from convcalc.exchange import FORMATS, WRITTEN
from convcalc.graph import Given, GivenShape, read
from convcalc.graph.planned import Planned, planned
from convcalc.spec.nodes import Value

if TYPE_CHECKING:
    from onnx import ModelProto

APART = 1_800_000_000
"""Bytes of weights from which on they have a file of their own: a protocol buffer ends at 2 GiB."""
DATA = ".data"
"""What stands behind the name of that file."""


class Exported(NamedTuple):
    """What was written."""

    path: str
    """The file, as it was named."""
    data: str | None
    """The file beside it that has the weights; None where it has them itself."""
    opset: int
    """Version of its operator set."""
    operators: int
    """How many nodes the graph has."""
    bytes: int
    """Size of both files."""


def export(
    network: Given,
    path: "str | PathLike[str]",
    *,
    to: str = "onnx",
    weights: "Mapping[str, Any] | str | PathLike[str] | None" = None,
    seed: int | None = None,
    opset: int | None = None,
    dynamic_batch: bool = False,
    input: GivenShape | None = None,  # noqa: A002 (the spec's own word)
    parameters: Mapping[str, Value] | None = None,
) -> Exported:
    """Write a network with its weights as an ONNX file, which other programs run.

    Tensors are (N, C, *spatial) and have the names of the layers that make them; N is 1, or any
    with `dynamic_batch`. `weights` are arrays by name, or a file of them (docs/verify.md), random
    from `seed` without. Weights of more than 1.8 GB go to a file beside, `path` and `.data`.

    Raises `SpecError` for a spec with errors, `ValueError` for what would have no effect, for
    weights that do not fit and for layers that no operators say, and `ModuleNotFoundError` without
    the package onnx.
    """
    from convcalc.forward.named import given_weights

    one_of(to, "to", WRITTEN)
    file = fspath(path) if isinstance(path, PathLike) else text(path, "path", "'net.onnx'")
    options = ExportOptions(
        seed=0 if seed is None else whole(seed, "seed", least=0),
        opset=checked_opset(opset),
        dynamic_batch=switch(dynamic_batch, "dynamic_batch"),
    )
    network = planned(read(network, input=input, parameters=parameters))
    if seed is not None and weights is not None:
        message = f"seed {seed} would have no effect: weights are given"
        raise ArgumentError(message)
    if weights is not None:
        options = options._replace(weights=given_weights(weights, network).weights)
    return write_file(network, file, options)


def checked_opset(opset: int | None) -> int | None:
    """A version of ONNX's operators that is written; raises `ValueError` for another."""
    versions = FORMATS["onnx"].versions
    if opset is not None and whole(opset, "opset") not in versions:
        message = f"opset {opset} is none of {versions[0]} to {versions[-1]}, which are written"
        raise ArgumentError(message)
    return opset


class ExportOptions(NamedTuple):
    """What a file is to be like."""

    weights: Mapping[str, Any] | None = None
    """Arrays by "<layer>.<weight>"; None for random ones."""
    seed: int = 0
    """What random weights are drawn from."""
    opset: int | None = None
    """Version of ONNX's operators; None for the usual one."""
    dynamic_batch: bool = False
    """Whether the batch may have any size."""


def write_file(network: Planned, path: str, options: ExportOptions) -> Exported:
    """Write a file, and one beside it for weights that it cannot hold: all or nothing."""
    from convcalc.forward.files import whole_file

    file = Path(path)
    beside = file.name + DATA
    with ExitStack() as files:
        data = None
        if weights_bytes(network) > APART:
            data = files.enter_context(whole_file(file.with_name(beside)))
        model = onnx_model(network, options, data, beside)
        content = model.SerializeToString()
        size = len(content) + (data.tell() if data is not None else 0)
        files.enter_context(whole_file(file)).write(content)
    apart = None if data is None else str(file.with_name(beside))
    version, operators = model.opset_import[0].version, len(model.graph.node)
    return Exported(str(file), apart, version, operators, size)


def onnx_model(
    network: Planned, options: ExportOptions, data: IO[bytes] | None = None, located: str = ""
) -> "ModelProto":
    """A network as the model that an ONNX file holds.

    Weights go to `data`, which the model calls `located`, if one is given. Raises `ValueError` for
    layers that no operators say, and `ModuleNotFoundError` without the package onnx.
    """
    try:
        import onnx
    except ImportError as error:
        message = "ONNX files need the package onnx: pip install 'convcalc[onnx]'"
        raise ModuleNotFoundError(message, name="onnx") from error
    del onnx
    from convcalc.exchange.onnx.write import write
    from convcalc.forward.weights import drawn_weights

    return write(
        network,
        drawn_weights(network, options.seed) if options.weights is None else options.weights,
        opset=options.opset or FORMATS["onnx"].version,
        dynamic_batch=options.dynamic_batch,
        data=data,
        located=located,
    )


def weights_bytes(network: Planned) -> int:
    """Bytes of all weights in float32; shared ones once."""
    return sum(
        4 * weight.size
        for node, plan in zip(network.nodes, network.plans, strict=True)
        if node.shared_with is None
        for weight in plan.weights
    )
