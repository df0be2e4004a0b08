"""What a piece of a network adds to it, worked out once for every tensor that may come in.

The layers of a piece are planned like those of a network whose input is the tensor before the
piece, and counted like them. A result hangs on the layers and on the shape of that tensor, and its
digest on how far back in the list of layers that tensor is.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

from convcalc.analysis.cost import Sums, sums
from convcalc.analysis.memory.terms import one_is_another
from convcalc.findings import Findings, Places
from convcalc.graph import Answers, Network, plan_layers, weightless
from convcalc.graph.planned import Planned
from convcalc.layers import SOURCES
from convcalc.layers.base import Layer, Plan
from convcalc.layers.source import Input
from convcalc.shape import Shape
from convcalc.spec.flat import LayerNode
from convcalc.spec.promises import Promises
from convcalc.spec.tree import Item
from convcalc.sweeps.digest import Digest, digest_of_layer, digest_of_outputs
from convcalc.sweeps.engine.pieces import Leaf

if TYPE_CHECKING:
    from convcalc.graph.planned import PlannedNode

ALONE, JOINS, NORM = 1, 2, 4
"""Bits of `Worked.alone`."""
BEFORE = "before"
"""What the layer is called that stands for all before a piece."""
NOWHERE = Item("relu")


class State(NamedTuple):
    """What comes into a piece."""

    shapes: tuple[Shape, ...]
    """The shape of the tensor before it; of the first piece those of the network's inputs."""
    gap: int
    """How many layers stand between the piece and that tensor."""


class Worked(NamedTuple):
    """What a piece is and adds, for what comes in."""

    nodes: Sequence[LayerNode]
    """Its layers, behind one that stands for what comes in, or behind the network's inputs."""
    plans: Sequence[Plan]
    """The plan of each."""
    leading: int
    """How many of the nodes stand for what comes in."""
    output: int
    """The node whose output goes on."""
    after: State | None
    """What comes into the next piece; None where an error keeps it unknown."""
    sums: Sums
    """What its layers add; with the first piece's are the inputs."""
    layers: int
    """How many a table shows."""
    largest: int
    """Most values in one of its tensors."""
    digest: Digest
    """The digest of its layers."""
    alone: int
    """What makes a batch of one example another thing than one of several: `ALONE` if a layer of it
    does, `JOINS` and `NORM` if one of each in the same network do."""
    wrong: bool = False
    """Whether a layer has an error, so that nothing of it is told."""


class LayerCache:
    """What layers answered before; it holds the layers that it knows by their identity."""

    def __init__(self) -> None:
        self.answers: Answers = {}
        """By layer and what came in; a piece holds its own layers as long as there is this."""
        self._digests: dict[tuple[object, ...], Digest] = {}
        self._inputs: dict[Shape, LayerNode] = {}

    def digest(self, node: LayerNode, plan: Plan, index: int) -> Digest:
        """The digest of a layer, as `digest_of_layer` has it, which looks at these alone."""
        reads = [index - read for read in node.inputs]
        shared = None if node.shared_with is None else index - node.shared_with
        key = (id(node.layer), *reads, shared, bool(node.frozen), plan.output)
        digest = self._digests.get(key) if node.late is None else None
        if digest is None:
            digest = digest_of_layer(node, plan, index)
            if node.late is None:
                self._digests[key] = digest
        return digest

    def before(self, shape: Shape) -> LayerNode:
        """The layer that stands for what comes in, one for each shape."""
        node = self._inputs.get(shape)
        if node is None:
            node = LayerNode(BEFORE, "input", Input.of(shape), (), NOWHERE)
            self._inputs[shape] = node
        return node


def work_out(leaf: Leaf, state: State, places: Places, known: LayerCache, *, first: bool) -> Worked:
    """What a leaf is for what comes in."""
    leading = [known.before(shape) for shape in state.shapes]
    count = len(leading)
    nodes: Sequence[LayerNode] = [*leading, *leaf.nodes]
    findings = Findings(places)
    late = any(node.late is not None for node in leaf.nodes)
    nodes, made, problems = plan_layers(nodes, findings, None if late else known.answers)
    plans = [plan for plan in made if plan is not None]
    output = leaf.output
    gap = len(nodes) - 1 - output if first or output >= count else state.gap + len(leaf.nodes)
    last = None if leaf.lost else made[output]
    after = None if last is None else State((last.output,), gap)
    if (
        leaf.wrong
        or len(plans) < len(made)
        or any(problem.severity == "error" for _, problem in problems)
        or any(each.severity == "error" for each in findings.diagnostics)
        or any(True for _ in weightless(leaf.borrowed, nodes, made))
    ):
        return Worked(
            nodes=(),
            plans=(),
            leading=count,
            output=output,
            after=after,
            sums=Sums(),
            layers=0,
            largest=0,
            digest=Digest(),
            alone=0,
            wrong=True,
        )
    own = slice(0 if first else count, None)
    digest = Digest()
    for index, (node, plan) in enumerate(zip(nodes, plans, strict=True)):
        if first or index >= count:
            digest = digest.then(known.digest(_far(node, first, state.gap), plan, index))
    if leaf.outputs is not None:
        back = [len(nodes) - each for each in leaf.outputs]
        digest = digest.then(digest_of_outputs(back))
    return Worked(
        nodes=nodes,
        plans=plans,
        leading=count,
        output=output,
        after=after,
        sums=sums(nodes[own], plans[own]),
        layers=sum(node.kind not in SOURCES for node in leaf.nodes),
        largest=max((plan.output.size for plan in plans[own]), default=0),
        digest=digest,
        alone=_alone(nodes[count:]),
    )


def _alone(nodes: Sequence[LayerNode]) -> int:
    bits = 0
    for node in nodes:
        planned = cast("PlannedNode", node)
        if one_is_another(planned, joins=False):
            bits |= ALONE
        elif one_is_another(planned, joins=True):
            bits |= NORM
        if node.kind == "concat":
            bits |= JOINS
    return bits


def _far(node: LayerNode, first: bool, gap: int) -> LayerNode:  # noqa: FBT001
    """A layer whose reads of what comes in go back as far as they do in the network."""
    if first or not gap or 0 not in node.inputs:
        return node
    return node._replace(inputs=tuple([read or -gap for read in node.inputs]))


def network_of_piece(worked: Worked) -> Planned:
    """A piece as a network of its own, whose input is what comes in."""
    return _network(worked.nodes, worked.plans, range(worked.leading), worked.output)


def network_behind(worked: Worked, before: Layer) -> Planned:
    """A piece behind a layer that makes what comes in, and reads the network's input.

    The piece is not the first.
    """
    given, own = worked.nodes[0], worked.nodes[1:]
    stand = LayerNode(BEFORE, "input", before, (0,), NOWHERE)
    moved = [
        node._replace(
            inputs=tuple([read + 1 for read in node.inputs]),
            shared_with=None if node.shared_with is None else node.shared_with + 1,
            like=None if node.like is None else node.like + 1,
        )
        for node in own
    ]
    plans = [worked.plans[0], *worked.plans]
    return _network([given, stand, *moved], plans, range(1), worked.output + 1)


def _network(
    nodes: Sequence[LayerNode], plans: Sequence[Plan], inputs: range, output: int
) -> Planned:
    network = Network(
        name="",
        path="",
        reference=None,
        nodes=nodes,
        inputs=tuple(inputs),
        outputs=(output,),
        plans=plans,
        lines=(),
        parameters={},
        promises=Promises(),
        diagnostics=(),
    )
    return Planned(*network)
