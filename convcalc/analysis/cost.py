"""Parameters, multiply-accumulates and activations: the only place where they are added up."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from convcalc.analysis.receptive_field import Fields, receptive_fields, seen_of_inputs
from convcalc.analysis.report import DTYPE_BYTES, EMPTY, INDEX, LayerReport, Report, Tensor, Totals
from convcalc.collector import without_collection
from convcalc.graph import (
    Given,
    GivenShape,
    LayerNode,
    Network,
    SpecError,
    gradient_reads,
    leading,
    read,
)
from convcalc.layers import CONSTANTS, SOURCES, UNPOOL
from convcalc.layers.base import Plan
from convcalc.spec.nodes import Value

UNKNOWN = Totals(
    parameters=None,
    buffers=None,
    macs=None,
    flops=None,
    parameter_bytes=None,
    buffer_bytes=None,
    activations=None,
    activation_bytes=None,
    complete=False,
    backward_macs=None,
    frozen_parameters=None,
)
"""Of a network that could not be read."""


@without_collection
def analyze(
    network: Given,
    *,
    batch: int = 1,
    dtype: str = "float32",
    strict: bool = True,
    input: GivenShape | None = None,  # noqa: A002 (the spec's own word)
    parameters: Mapping[str, Value] | None = None,
) -> Report:
    """Work out what a network takes for a batch of examples of a data type.

    `network` is one, a `Spec`, or what `load` takes: a name, a path; `input` and `parameters` are
    for one that is read. Raises `ValueError` for a batch below 1 or an unknown dtype, and
    `SpecError` (which is one) for a network with errors; with `strict` false such a network gives
    what can be known, and `totals.complete` is false. See docs/definitions.md for every figure.
    """
    network = read(network, input=input, parameters=parameters)
    if (
        type(batch) is not int
        or batch < 1
        or dtype not in [*DTYPE_BYTES]
        or type(strict) is not bool
    ):
        from convcalc.arguments import one_of, switch, whole

        batch, dtype = whole(batch, "batch"), one_of(dtype, "dtype", DTYPE_BYTES)
        strict = switch(strict, "strict")
    if strict and network.errors:
        raise SpecError(network.errors)
    nodes, plans = network.nodes, network.plans
    width = DTYPE_BYTES[dtype]
    indices = network.index_inputs
    counts: dict[int, tuple[int, int, int, int, bool]] = {}
    learns: list[bool] = []  # by layer, whether a gradient of its output is asked for
    backward_macs = frozen = 0
    layers: list[LayerReport] = []
    learned_values = buffers = macs = 0
    activations = stored_bytes = 0
    several = len(network.inputs) > 1
    by_input = seen_of_inputs(network) if several else ()
    seen = map(_of_all, by_input) if several else receptive_fields(network)
    for node, plan, line, (fields, aligned) in zip(nodes, plans, network.lines, seen, strict=True):
        reads = node.inputs
        if len(reads) == 1:  # as most layers do
            inputs: tuple[str, ...] = (nodes[reads[0]].name,)
        else:
            inputs = tuple([nodes[index].name for index in reads])
        if node.unknown:
            inputs = _with_unknown(node, inputs)
        if plan is None or node.layer is None:
            layers.append(
                LayerReport.unknown(node.name, node.kind, node.layer, inputs, line, aligned=aligned)
            )
            if node.origin:
                layers[-1] = layers[-1]._replace(origin=node.origin)
            learns.append(any(learns[index] for index in reads))
            continue
        shared = node.shared_with
        count = counts.get(id(plan))  # layers that are written alike have one plan
        if count is None:
            count = counts[id(plan)] = _count(node.kind, plan)
        learned, buffered, multiplied, stored, plain = count
        multiplied *= batch
        cold = False
        if not plain or shared is not None or node.frozen is not None:
            owner = node if shared is None else nodes[shared]
            own, asked = (
                learned > 0 and not owner.frozen,
                [learns[read] for read in gradient_reads(node)],
            )
            backward = batch * multiplied_back(plan, asked, own=own)
            learns.append(own or True in asked)
            if shared is not None:
                learned = buffered = 0
            cold = bool(owner.frozen)
            frozen += learned * cold
        elif learned:
            backward = 2 * multiplied if reads and learns[reads[0]] else multiplied
            learns.append(True)
        else:
            backward = 0
            learns.append(True in [learns[index] for index in reads])
        backward_macs += backward
        stored = stored * batch if node.layer.storage == "own" else 0
        learned_values += learned
        buffers += buffered
        macs += multiplied
        activations += stored
        each = INDEX if indices and len(layers) in indices else width
        stored_bytes += stored * each
        values = (
            node.name,
            node.kind,
            node.layer,
            inputs,
            line,
            plan.output,
            plan.weights,
            learned,
            buffered,
            multiplied,
            stored,
            stored * each,
            fields,
            aligned,
            nodes[shared].name if shared is not None and plan.weights else None,
            backward,
            EMPTY,
            node.origin,
            cold,
            None,
        )
        layers.append(tuple.__new__(LayerReport, values))  # what `_make` does
    lead = leading(network)
    if len(lead) < len(nodes):  # what no output is made of has no backward pass
        for index, layer in enumerate(layers):
            if index not in lead and layer.backward_macs:
                backward_macs -= layer.backward_macs
                layers[index] = layer._replace(backward_macs=0)
    totals = Totals(
        parameters=learned_values,
        buffers=buffers,
        macs=macs,
        flops=2 * macs,
        parameter_bytes=learned_values * width,
        buffer_bytes=buffers * width,
        activations=activations,
        activation_bytes=stored_bytes,
        complete=network.complete,
        backward_macs=backward_macs,
        frozen_parameters=frozen,
    )
    if several:
        layers = [
            layer._replace(receptive_fields=fields)
            for layer, fields in zip(layers, by_input, strict=True)
        ]
    if not network.complete and all(
        layer.output is None for layer in layers if layer.kind not in SOURCES
    ):
        totals = UNKNOWN
    return Report(
        name=network.name,
        path=network.path,
        batch=batch,
        dtype=dtype,
        input=network.input,
        nodes=layers,
        totals=totals,
        output=network.shape_of(network.output),
        diagnostics=network.diagnostics,
        groups=network.groups,
        network=network,
        inputs=_tensors(network, network.named_inputs),
        outputs=_tensors(network, network.named_outputs),
    )


class Sums(NamedTuple):
    """What layers of a network add to its totals, for one example."""

    parameters: int = 0
    """Values an optimizer updates; shared ones once."""
    buffers: int = 0
    """Values of running statistics."""
    macs: int = 0
    """Multiply-accumulates of a forward pass."""
    activations: int = 0
    """Values of outputs in storage of their own."""


def sums(nodes: Sequence[LayerNode], plans: Sequence[Plan]) -> Sums:
    """What layers without errors add up to, as `analyze` has it in its totals, without reports."""
    counts: dict[int, tuple[int, int, int, int, bool]] = {}
    parameters = buffers = macs = activations = 0
    for node, plan in zip(nodes, plans, strict=True):
        count = counts.get(id(plan))
        if count is None:
            count = counts[id(plan)] = _count(node.kind, plan)
        learned, buffered, multiplied, stored, _ = count
        macs += multiplied
        if node.shared_with is None:
            parameters += learned
            buffers += buffered
        if node.layer is not None and node.layer.storage == "own":
            activations += stored
    return Sums(parameters, buffers, macs, activations)


def multiplied_back(plan: Plan, asked: Sequence[bool], *, own: bool) -> int:
    """Multiply-accumulates of a layer's backward pass for one example; see docs/definitions.md.

    `asked` are the inputs with a gradient, `own` says whether the layer's weights have one: what
    they make on the way has one then, too.
    """
    count = 0
    for product in plan.products:
        by, of = product.by, product.of
        made = own or True in asked
        operand = made if of is None else asked[of]
        other = own if isinstance(by, str) else made if of is None else asked[by]
        count += product.macs * (operand + other)
    return count


def _tensors(network: Network, named: Mapping[str, int]) -> tuple[Tensor, ...]:
    """Inputs or outputs with their shapes."""
    return tuple(
        [
            Tensor(name, network.nodes[index].name, network.shape_of(index))
            for name, index in named.items()
        ]
    )


def _of_all(seen: Mapping[str, tuple[Fields | None, bool]]) -> tuple[Fields | None, bool]:
    """What is seen of all inputs that are seen, if that is the same; whether all are aligned."""
    fields = [each for each, _ in seen.values()]
    same = fields[0] if fields and all(each == fields[0] for each in fields) else None
    return same, all(aligned for _, aligned in seen.values())


def _with_unknown(node: LayerNode, names: tuple[str, ...]) -> tuple[str, ...]:
    """The names of what a layer reads, `?` for what an error keeps unknown."""
    known = iter(names)
    count = len(names) + len(node.unknown)
    return tuple("?" if at in node.unknown else next(known) for at in range(count))


def _count(kind: str, plan: Plan) -> tuple[int, int, int, int, bool]:
    """Parameters, buffer values, multiply-accumulates and outputs of a layer, for one example.

    And whether its backward pass is plain: it multiplies its one input by its weights, or nothing.
    """
    parameters = buffers = macs = 0
    for weight in plan.weights:
        if weight.buffer:
            buffers += weight.size
        else:
            parameters += weight.size
    plain = kind != UNPOOL and kind not in CONSTANTS
    for product in plan.products:
        macs += product.macs
        if product.of != 0 or not isinstance(product.by, str):
            plain = False
    return parameters, buffers, macs, plan.output.size, plain
