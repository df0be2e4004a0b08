"""A network as an ONNX file, which runs elsewhere and gives the same values."""

from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any

import convcalc
from convcalc.diagnostics import ArgumentError
from convcalc.exchange.onnx.kinds import ROWS
from convcalc.exchange.onnx.scopes import CLASSES, GROUP, PRODUCER, SCOPES
from convcalc.exchange.onnx.writer import Graph, Maker, Unwritten
from convcalc.forward.weights import weight_names
from convcalc.graph.planned import Planned
from convcalc.layers import SOURCES
from convcalc.numbers import plural

if TYPE_CHECKING:
    from onnx import ModelProto, ValueInfoProto

UNNAMED = "main_graph"
"""What a graph is called that has no name, as PyTorch's exporter calls every one."""
BATCH = "batch"
"""What a batch of any size is called."""
LEAST_FORMAT = 10
"""Version of the file's form in which nodes say where they stand."""


def write(
    network: Planned,
    weights: Mapping[str, Any],
    *,
    opset: int,
    dynamic_batch: bool = False,
    data: IO[bytes] | None = None,
    located: str = "",
) -> "ModelProto":
    """The network with its weights by "<layer>.<weight>", by operators of a version.

    Tensors have the names of the layers that make them, (N, C, *spatial); N is 1 unless the batch
    is dynamic. They are float32, and int64 what is looked up.
    Arrays go to `data`, which the file calls `located`, if one is given.
    Raises `ValueError` that names all layers which no operators say.
    """
    graph = Graph(opset, data, located)
    tensors = _names(network)
    graph.reserve([*tensors.values(), *network.named_outputs])
    problems: list[str] = []
    scopes = _scopes(network)
    for index, node in enumerate(network.nodes):
        if node.kind in SOURCES:
            continue
        try:
            _write_layer(graph, network, index, tensors, weights, scopes[index])
        except Unwritten as reason:
            problems.append(f"{node.name} ({node.kind}): {reason}")
    if problems:
        message = f"{plural(len(problems), 'layer')} cannot be written as ONNX operators:\n  "
        raise ArgumentError(message + "\n  ".join(problems))
    _again(graph, network, tensors)
    helper, batch = graph.onnx.helper, BATCH if dynamic_batch else 1
    numbers = network.index_inputs

    def told(name: str, index: int) -> "ValueInfoProto":
        shape = [batch, *network.shape_of(index).axes]
        types = graph.onnx.TensorProto
        dtype = types.INT64 if index in numbers else types.FLOAT
        return helper.make_tensor_value_info(name, dtype, shape)

    made = helper.make_graph(
        graph.nodes,
        network.name if network.name != network.path else UNNAMED,
        [told(tensors[index], index) for index in network.inputs],
        [told(name, index) for name, index in network.named_outputs.items()],
        graph.arrays,
        doc_string=network.reference,
    )
    made.value_info.extend(
        told(tensors[index], index)
        for index, node in enumerate(network.nodes)
        if node.kind not in SOURCES and tensors[index] not in network.named_outputs
    )
    sets = [helper.make_opsetid("", opset)]
    form = max(helper.find_min_ir_version_for(sets), LEAST_FORMAT)
    written = helper.make_model(
        made,
        opset_imports=sets,
        producer_name=PRODUCER,
        producer_version=convcalc.__version__,
        ir_version=form,
    )
    helper.set_model_props(written, {"convcalc.spec": network.path})
    return written


def _names(network: Planned) -> dict[int, str]:
    """The tensor of each layer: its name, or the one that the network's output has."""
    names = {index: node.name for index, node in enumerate(network.nodes)}
    ends = reversed(network.named_outputs.items())
    return names | {index: name for name, index in ends if network.nodes[index].kind not in SOURCES}


def _scopes(network: Planned) -> list[list[tuple[str, str]]]:
    """For each layer the groups that it stands in, from the outermost on: name and block."""
    scopes: list[list[tuple[str, str]]] = [[] for _ in network.nodes]
    for group in network.groups:
        for index in group.layers:
            scopes[index].append((group.name, group.block or GROUP))
    return scopes


def _write_layer(
    graph: Graph,
    network: Planned,
    index: int,
    tensors: Mapping[int, str],
    weights: Mapping[str, Any],
    scopes: list[tuple[str, str]],
) -> None:
    node = network.nodes[index]
    plan = network.plans[index]
    within = [("", network.name), *scopes, (node.name, node.kind)]
    maker = Maker(
        graph,
        node.name,
        node.layer,
        plan,
        [(tensors[read], network.shape_of(read)) for read in node.inputs],
        {name: (full, weights[full]) for name, full in weight_names(network, node, plan).items()},
        about={
            SCOPES: str([name for name, _ in within]),
            CLASSES: str([what for _, what in within]),
        },
    )
    made = ROWS[node.kind].write(maker)
    _rename(graph, made, tensors[index])


def _rename(graph: Graph, made: str, name: str) -> None:
    """The last operator of a layer makes the tensor that has the layer's name."""
    outputs = graph.nodes[-1].output
    outputs[list(outputs).index(made)] = name


def _again(graph: Graph, network: Planned, tensors: Mapping[int, str]) -> None:
    """Outputs that are a tensor which has another name already."""
    for name, index in network.named_outputs.items():
        if tensors[index] != name:
            called = graph.unused(f"/{name}/Identity")
            node = graph.onnx.helper.make_node
            graph.nodes.append(node("Identity", [tensors[index]], [name], called))
