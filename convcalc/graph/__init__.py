"""A network: named layers in order, what each reads, and what each one's plan is."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from os import PathLike, fspath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

from convcalc.collector import without_collection
from convcalc.diagnostics import Diagnostic, Problem
from convcalc.findings import Findings, Places
from convcalc.layers import CONSTANTS, SOURCES, UNPOOL, kinds, transposes, weights_fit
from convcalc.layers.base import Layer, Plan
from convcalc.methods import above
from convcalc.shape import Shape
from convcalc.spec.bundled import find_bundled
from convcalc.spec.expand import expand
from convcalc.spec.flat import (
    Borrowed,
    Document,
    Group,
    LayerNode,
    Like,
    Lost,
    source_item,
    source_node,
)
from convcalc.spec.nodes import ScalarNode, Value
from convcalc.spec.promises import Promises
from convcalc.spec.read import read as read_tree
from convcalc.spec.source import Opened, compose, open_spec
from convcalc.spec.text import SourceText

if TYPE_CHECKING:
    from convcalc.spec.tree import Spec
    from convcalc.spec.ways import Way

__all__ = [
    "Given",
    "GivenShape",
    "Group",
    "LayerNode",
    "Made",
    "Network",
    "SpecError",
    "Written",
    "as_written",
    "built",
    "load",
    "loads",
    "made_late",
    "network_of",
    "parse",
    "plan_layers",
    "read",
    "read_opened",
    "read_text",
    "uses_weights",
    "written_of",
]

T = TypeVar("T")

MAX_VALUES = 2**62
"""Most values in one tensor."""
UNREAD = "CC306"
"""What layers say of rows that they do not read."""
MAX_RANK = 3
"""Most spatial axes of a tensor."""
Given: TypeAlias = "Network | Spec | str | PathLike[str]"
"""What stands for a network: itself, its `Spec`, a file, `-` for standard input, or a bundled
name."""
OneShape: TypeAlias = Shape | str | Sequence[int]
"""A shape: as a value, as a spec writes it, "224x224x3", or these numbers."""
GivenShape: TypeAlias = OneShape | Mapping[str, OneShape]
"""An input: a shape; of several some by their names."""
PARTLY_READ = frozenset({UNPOOL, *CONSTANTS})
"""Kinds whose output does not turn on all that they read."""
Answers = dict[tuple[int, object], tuple[Plan | None, tuple[Problem, ...]]]
"""What layers, by their identity, answered for what came in."""
INDEXING = kinds(having="indices")
"""Kinds that read whole numbers, which are an input of the network's and no values."""


class Network(NamedTuple):
    """A network as read from a spec, with every layer's plan.

    Source: docs/spec.md describes the spec.
    """

    name: str
    """The spec's `name`, or its path."""
    path: str
    """The spec as it was named; `-` is standard input."""
    reference: str | None
    """Where the network is described; None where that is not said."""
    nodes: Sequence[LayerNode]
    """The layers, its inputs first; each reads earlier ones only."""
    inputs: tuple[int, ...]
    """Indices of its inputs, layers of kind `input` that read nothing, in the order in which they
    are written; there is one at least."""
    outputs: tuple[int, ...]
    """Indices of the layers whose outputs are the network's, in the order in which they are
    written; without those that an error keeps unknown."""
    plans: Sequence[Plan | None]
    """The plan of each layer; None where an error keeps it unknown."""
    lines: Sequence[int | None]
    """The line of the spec that each layer was written on; None for values made in Python."""
    parameters: Mapping[str, Value]
    """Values of the spec's parameters."""
    promises: Promises
    """What the spec expects and allows."""
    diagnostics: tuple[Diagnostic, ...]
    """Everything found, in the order of places."""
    year: int | None = None
    """When the network was published; None where that is not said."""
    groups: tuple[Group, ...] = ()
    """Blocks and named groups, by where they start, outer before inner."""
    complete: bool = True
    """Whether every layer that was written is here with its plan."""
    written: "Written | None" = None
    """What it was read from, which knows where everything was written."""
    made: "Made | None" = None
    """What was said beside that; None of networks that were made otherwise."""
    output_names: tuple[str, ...] = ()
    """What `outputs` calls each output; none where the spec does not say which they are."""
    lost_items: tuple[Lost, ...] = ()
    """Items that errors keep out, in order, each as often as it would be written out."""
    lost_reads: Mapping[tuple[int, int], int] = MappingProxyType({})
    """By a layer's index, and which of what it reads is unknown: the lost item that it reads."""
    ways: tuple["Way", ...] = ()
    """What is said of how layers are written in code, in the order in which it is written;
    `graph.written` says what holds."""

    def __repr__(self) -> str:
        """What goes in and comes out of how many layers, in one line."""
        from convcalc.numbers import plural  # `analyze` does without, to start at once

        ends = (self.named_inputs, self.named_outputs)
        given, made = (
            ", ".join(str(self.shape_of(index) or "?") for index in end.values()) or "?"
            for end in ends
        )
        shapes = f"{given} → {made}"
        return f"<Network {self.name!r}: {shapes}, {plural(len(self.layers), 'layer')}>"

    def _repr_html_(self) -> str:
        """The table of its layers, for notebooks."""
        text: str = above("Network._repr_html_", self)
        return text

    def sizes(self) -> Any:
        """Which sizes of its input fit, as exact laws: the `SizesReport` of `convcalc.sizes`."""
        return above("Network.sizes", self)

    def nearest_inputs(
        self,
        nodes: Sequence[LayerNode],
        near: Callable[[int, int], bool],
        meant: Callable[[int, int], bool],
    ) -> list[Shape]:
        """The nearest inputs above and below that these layers take; `graph.sized` names them."""
        shapes: list[Shape] = above("Network.nearest_inputs", self, nodes, near, meant)
        return shapes

    def nearest_whole_inputs(self) -> tuple[Shape | None, Shape | None]:
        """The nearest smaller and larger inputs that drop nothing; `graph.unread` names them."""
        shapes: tuple[Shape | None, Shape | None] = above("Network.nearest_whole_inputs", self)
        return shapes

    @property
    def input(self) -> Shape | None:
        """Shape of one example, of the first input; None when the spec's could not be read."""
        return self.shape_of(self.inputs[0])

    @property
    def output(self) -> int | None:
        """Index of the layer whose output is the network's first; None where it is unknown.

        That of its input when it has no layers.
        """
        return self.outputs[0] if self.outputs else None

    @property
    def alike_inputs(self) -> tuple[int, ...]:
        """The first of its inputs, and those as large along each axis: they change as one."""
        if len(self.inputs) == 1:
            return self.inputs
        first = self.input
        sizes = [self.shape_of(index) for index in self.inputs]
        return tuple(
            index
            for index, shape in zip(self.inputs, sizes, strict=True)
            if index == self.inputs[0] or (first and shape and shape.spatial == first.spatial)
        )

    @property
    def an_input(self) -> str:
        """How a help speaks of another input: of several the first, which has a name."""
        if len(self.inputs) == 1:
            return "an input"
        return f"an input `{self.nodes[self.inputs[0]].name}`"

    @property
    def index_inputs(self) -> frozenset[int]:
        """Indices of the inputs that hold whole numbers, int64 whatever the data type is."""
        return frozenset(
            read for node in self.nodes if node.kind in INDEXING for read in node.inputs
        )

    @property
    def shown_input(self) -> str:
        """The shape of its input, or the shapes of all by their names; `?` for what is unknown."""
        if len(self.inputs) == 1:
            return str(self.input or "?")
        named = self.named_inputs.items()
        return ", ".join(f"{name} {self.shape_of(index) or '?'}" for name, index in named)

    @property
    def named_inputs(self) -> dict[str, int]:
        """Its inputs by their names, in the order in which they are written.

        One that has no name is called `input`.
        """
        return {self.nodes[index].name: index for index in self.inputs}

    @property
    def named_outputs(self) -> dict[str, int]:
        """Its outputs by the names that `outputs` gives them; the last item's by its layer's."""
        names = self.output_names or [self.nodes[index].name for index in self.outputs]
        return dict(zip(names, self.outputs, strict=True))

    @property
    def layers(self) -> list[LayerNode]:
        """The layers that a table shows: all nodes but those of the family "source"."""
        return [node for node in self.nodes if node.kind not in SOURCES]

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The findings that are errors."""
        return tuple(
            diagnostic for diagnostic in self.diagnostics if diagnostic.severity == "error"
        )

    def tensors(self) -> dict[str, int | None]:
        """What every full name means: the index of a layer, or of a group's output."""
        return {
            **{node.name: index for index, node in enumerate(self.nodes)},
            **{group.name: group.output for group in self.groups},
        }

    def shape_of(self, index: int | None) -> Shape | None:
        """Output shape of a layer, or of the input; None when an error keeps it unknown."""
        plan = None if index is None else self.plans[index]
        return None if plan is None else plan.output

    def walk(
        self,
        step: Callable[[LayerNode, Plan | None, list[T]], T],
        *,
        sparing: bool = False,
    ) -> Iterator[T]:
        """What `step` gives for each layer, in order, from what it gave for those that one reads.

        An input reads nothing: `step` knows what to start from. Where an error keeps unknown what a
        layer reads, its plan is None and `step` gets the others. `sparing` holds a result no longer
        than something behind it reads it, so that arrays take no more memory than they must.

        >>> network = loads("{input: 8x8x3, layers: [relu, add: [[], [sigmoid]]]}")
        >>> depths = network.walk(lambda node, plan, depths: 1 + max(depths, default=-1))
        >>> dict(zip((node.name for node in network.nodes), depths, strict=True))
        {'input': 0, 'relu1': 1, 'sigmoid1': 2, 'add1': 3}
        """
        return walk(self.nodes, self.plans, step, sparing=sparing)


def walk(
    nodes: Sequence[LayerNode],
    plans: Iterable[Plan | None],
    step: Callable[[LayerNode, Plan | None, list[T]], T],
    *,
    sparing: bool = False,
) -> Iterator[T]:
    """The one fold over layers, with or without plans; see `Network.walk`."""
    held: list[Any] = []
    if not sparing:
        for node, plan in zip(nodes, plans, strict=False):
            inputs = node.inputs
            if len(inputs) == 1:  # as most layers do, and this costs less than a comprehension
                given = step(node, plan, [held[inputs[0]]])
            else:
                given = step(node, plan, [held[read] for read in inputs])
            held.append(given)
            yield given
        return
    for node, plan, gone in zip(nodes, plans, _last_read(nodes), strict=False):
        given = step(node, plan, [held[read] for read in node.inputs])
        held.append(given)
        for index in gone:
            held[index] = None
        yield given


def gradient_reads(node: LayerNode) -> Sequence[int]:
    """The layers whose outputs a layer's output turns on, by index: a gradient flows to them.

    Of what says where the largest values of a pool stood none does.
    """
    if node.kind in CONSTANTS:
        return ()
    return node.inputs[:1] if node.kind == UNPOOL else node.inputs


def leading(network: Network) -> Collection[int]:
    """Indices of the layers that some output is made of: a gradient reaches no others.

    They are all where an error keeps unknown what is made of what.
    """
    nodes = network.nodes
    if network.errors:
        return range(len(nodes))
    leads = bytearray(len(nodes))
    for output in network.outputs:
        leads[output] = True
    for index in range(len(nodes) - 1, -1, -1):
        if leads[index]:
            node = nodes[index]
            for read in gradient_reads(node) if node.kind in PARTLY_READ else node.inputs:
                leads[read] = True
    if all(leads):  # as in most networks
        return range(len(nodes))
    return {index for index, does in enumerate(leads) if does}


def _last_read(nodes: Sequence[LayerNode]) -> list[list[int]]:
    """By layer, those that nothing behind it reads: what it is the last to read, or itself."""
    last = list(range(len(nodes)))
    for index, node in enumerate(nodes):
        for read in node.inputs:
            last[read] = index
    last_reads: list[list[int]] = [[] for _ in nodes]
    for read, index in enumerate(last):
        last_reads[index].append(read)
    return last_reads


class Written(NamedTuple):
    """A spec that was read, of which each member of a family is made."""

    places: Places
    """The text, or the values of Python, and where everything in it stands."""
    spec: "Spec | None"
    """What it says; None where it has not the form of a spec."""
    findings: Findings
    """What was found in reading it."""
    whole: bool = True
    """Whether it says all that the file does; one from elsewhere may say more than a spec can."""
    arrays: "Callable[[Network], Mapping[str, Any]] | None" = None
    """What gives the weights that a file from elsewhere has, by their names in the network; raises
    `ValueError` where they are not to be had. None of a spec."""
    unmeasured: tuple[Diagnostic, ...] = ()
    """Why its memory is not told, of a file from elsewhere whose numbers are smaller than these."""
    inputs: Mapping[str, str] = {}
    """What a file from elsewhere calls its inputs → what the spec does; "" where that has no name
    for it."""
    notes: tuple[str, ...] = ()
    """What is to be said of a file from elsewhere beside what is wrong, as what it shares."""
    modules: "Callable[[Network], tuple[Group, ...]] | None" = None
    """What gives the modules of a file from elsewhere as groups of its network; None of a spec."""


class Made(NamedTuple):
    """What a network was made with, beside the spec."""

    preset: str
    """The member of the family; empty for the spec as it is written."""
    parameters: Mapping[str, str | Value] | None
    """Values of parameters that were given; None where none were."""
    input: Shape | Mapping[str, Shape] | None
    """The input that was given instead of the spec's own, of several some by name; None where none
    was."""


class SpecError(ValueError):
    """A spec with errors; `diagnostics` has them all, each with its place."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        lines = []
        for diagnostic in self.diagnostics:
            advice = f" (help: {diagnostic.help})" if diagnostic.help else ""
            place = diagnostic.where if diagnostic.named is None else diagnostic.named
            lines.append(f"{place}: {diagnostic.code} {diagnostic.told}{advice}")
        super().__init__("\n".join(lines))


def load(
    spec: "Given",
    *,
    input: GivenShape | None = None,  # noqa: A002 (the spec's own word)
    parameters: Mapping[str, Value] | None = None,
) -> Network:
    """Read a network from a spec file, `-` for standard input, or a bundled name.

    It may also be a `Spec`, or a network already. `input` replaces the spec's input shape, as text
    ("384x384x3"), as extents in that order, or as a `Shape`; of several inputs it gives some by
    their names, {"left": "64x64x1"}. `parameters` gives values of the spec's parameters. Raises
    `ValueError` for an input that is no shape, and `SpecError` when the spec has errors; `read`
    returns the rest of the network instead.
    """
    return _strict(read(spec, input=input, parameters=parameters))


def loads(
    text: str,
    *,
    path: str = "<text>",
    input: GivenShape | None = None,  # noqa: A002
    parameters: Mapping[str, Value] | None = None,
) -> Network:
    """Read a network from the text of a spec; see `load`."""
    _check_text(text, path, "loads")
    network = read_text(SourceText(path, text), input=input, parameters=parameters)
    return _strict(network)


def _check_text(text: object, path: object, function: str) -> None:
    """Raise `TypeError` for what is no text of a spec, or no name for it."""
    if not isinstance(text, str):
        from convcalc.arguments import shown

        message = f"{function} takes the text of a spec, and this is {shown(text)}"
        if isinstance(text, bytes):
            message += "; decode it first"
        elif isinstance(text, PathLike):
            message += f"; write {function}(path.read_text())"
        raise TypeError(message)
    if not isinstance(path, str):
        from convcalc.arguments import shown

        message = f"path is a text that findings show, such as 'net.yaml', not {shown(path)}"
        raise TypeError(message)


def read(
    spec: "Given",
    *,
    input: GivenShape | None = None,  # noqa: A002
    parameters: Mapping[str, str | Value] | None = None,
) -> Network:
    """Read a network as far as it can be read; errors are among its `diagnostics`.

    Takes all that `load` takes. It is what every function of the library asks for a network.
    """
    if isinstance(spec, str):
        return read_opened(open_spec(spec, find_bundled), input=input, parameters=parameters)
    if isinstance(spec, Network):
        if input is not None or parameters is not None:
            from convcalc.graph.given import refuse_beside_network

            refuse_beside_network(input, parameters)
        return spec
    return _read_other(spec, input, parameters)


def _read_other(
    given: object, shape: GivenShape | None, parameters: Mapping[str, str | Value] | None
) -> Network:
    """The network of a `Spec`, or of a path. Raises `TypeError` for what is neither."""
    from convcalc.spec.tree import Spec

    if isinstance(given, Spec):
        return _of_values(given, shape, parameters)
    path = fspath(given) if isinstance(given, PathLike) else None
    if not isinstance(path, str):
        from convcalc.arguments import shown

        message = (
            "a network is a bundled name such as 'vgg16', a path, a Spec or a Network, and this is "
            f"{shown(given)}"
        )
        raise TypeError(message)
    return read_opened(open_spec(path, find_bundled), input=shape, parameters=parameters)


def read_opened(
    opened: Opened,
    *,
    input: GivenShape | None = None,  # noqa: A002
    parameters: Mapping[str, str | Value] | None = None,
) -> Network:
    """Read a network from a SPEC that was looked for, as far as it can be read; see `read`."""
    return network_of(
        written_of(opened, input),
        name=opened.name,
        preset=opened.preset,
        input=input,
        parameters=parameters,
    )


def read_text(
    text: SourceText,
    *,
    preset: str = "",
    input: GivenShape | None = None,  # noqa: A002
    parameters: Mapping[str, str | Value] | None = None,
) -> Network:
    """Read a network, or a member of a family, from a text as far as it can be read; see `read`."""
    return network_of(as_written(text), preset=preset, input=input, parameters=parameters)


def written_of(opened: Opened, input: GivenShape | None = None) -> Written:  # noqa: A002
    """A SPEC that was looked for as it is written; `input` is what a file from elsewhere may ask.

    What is no text may be a network from elsewhere, which is told by its content.
    """
    if opened.head:
        from convcalc.graph.given import given_shape

        foreign: Written | None = opened.foreign(given_shape(input))
        if foreign is not None:
            return foreign
    return as_written(opened.text, opened.problems)


@without_collection
def as_written(text: SourceText, problems: Sequence[Diagnostic] = ()) -> Written:
    """The text as it is written, and what is wrong with it; `problems` are why there is none."""
    findings = Findings(text, problems)
    spec = None if problems else read_tree(compose(text, findings), findings)
    return Written(text, spec, findings)


def parse(text: str, *, path: str = "<text>") -> "Spec":
    """The tree of a spec's text, nothing of it worked out; raises `SpecError` for what is none.

    >>> parse("{input: 8x8x3, layers: [relu]}").layers[0].kind
    'relu'
    """
    from convcalc.spec.annotate import annotated  # only for who asks for it
    from convcalc.spec.form import misfits

    _check_text(text, path, "parse")
    document = SourceText(path, text)
    written = as_written(document)
    spec, findings = written.spec, written.findings
    for problem, start, end in misfits(spec) if spec else ():
        findings.add(problem, document.place(start, end))
    if spec is None or findings.diagnostics:
        raise SpecError(findings.diagnostics)
    return annotated(document, spec)


def built(
    spec: "Spec",
    *,
    input: GivenShape | None = None,  # noqa: A002
    parameters: Mapping[str, Value] | None = None,
) -> Network:
    """The network of a tree; raises `SpecError`, which names what is at fault in the tree."""
    return _strict(_of_values(spec, input, parameters))


def _of_values(
    spec: "Spec",
    shape: GivenShape | None,
    parameters: Mapping[str, str | Value] | None,
) -> Network:
    from convcalc.spec.named import Values

    values = Values(spec)
    written = Written(values, values.spec, Findings(values))
    return network_of(written, input=shape, parameters=parameters)


def _strict(network: Network) -> Network:
    if network.errors:
        raise SpecError(network.errors)
    return network


@without_collection
def network_of(
    written: Written,
    *,
    name: str = "",
    preset: str = "",
    input: GivenShape | None = None,  # noqa: A002
    parameters: Mapping[str, str | Value] | None = None,
    findings: Findings | None = None,
) -> Network:
    """The network that a spec says, or one member of a family; errors are among `diagnostics`.

    `name` is what the spec was called, its path unless given. `findings` gets what is found.
    """
    shape: Shape | dict[str, Shape] | None = None
    if type(parameters) is dict and not parameters:  # as most commands have none
        parameters = None
    if input is not None or parameters is not None:
        from convcalc.graph.given import given_parameters, given_shape

        shape, parameters = given_shape(input), given_parameters(parameters)
        if written.inputs and isinstance(shape, dict):
            called = {written.inputs.get(name, name): each for name, each in shape.items()}
            shape = called.get("", called)
    if findings is None:
        findings = Findings(written.places, written.findings.diagnostics)
    document: Document | None = None
    if written.spec is not None:
        document = expand(findings, written.spec, parameters, shape, preset)
    name = name or written.places.path
    if document is None:
        nowhere = ScalarNode("", 0, 1)
        unnamed = shape if isinstance(shape, Shape) else None
        document = Document(
            name="",
            reference=None,
            nodes=[source_node("input", unnamed, source_item(nowhere))],
            inputs=(0,),
            outputs=(),
            parameters={},
            promises=Promises(),
            lost=True,
        )
    nodes, plans, problems = plan_layers(document.nodes, findings)
    if any(node.kind in INDEXING for node in nodes):
        from convcalc.graph.indices import misread

        problems = misread(nodes, document, problems)
    network = Network(
        name=document.name or name,
        path=name,
        reference=document.reference,
        nodes=nodes,
        inputs=document.inputs,
        outputs=document.outputs,
        plans=plans,
        lines=[written.places.line_of(node.item.start) for node in nodes],
        parameters=document.parameters,
        promises=document.promises,
        diagnostics=findings.diagnostics,
        year=document.year,
        groups=document.groups,
        complete=not document.lost and written.whole and all(plan for plan in plans),
        written=written,
        made=Made(preset, parameters, shape),
        output_names=document.output_names,
        lost_items=document.lost_items,
        lost_reads=document.lost_reads,
        ways=document.ways,
    )
    if any(problem.sizes and problem.severity == "error" for _, problem in problems):
        from convcalc.graph.sized import helped

        problems = helped(network, problems, others=document.lost or bool(network.errors))
    unread = [each for each in problems if each[1].code == UNREAD]
    if problems:
        from convcalc.graph.places import report

        for index, problem in problems:
            if problem.code != UNREAD:
                report(findings, written.spec, nodes, index, problem)
        network = network._replace(diagnostics=findings.diagnostics)
    for each, problem in weightless(document.borrowed, nodes, plans):
        named = each.item.entries["weights"]
        findings.add(problem, written.places.place(named.start, named.end))
        network = network._replace(diagnostics=findings.diagnostics)
    if document.frozen:
        from convcalc.graph.frozen import idle

        for item, problem in idle(document.frozen, nodes):
            said = item.entries["frozen"]
            findings.add(problem, written.places.place(said.start, said.end))
        network = network._replace(diagnostics=findings.diagnostics)
    if document.ways and not network.errors:
        from convcalc.graph.written import unmatched

        for (start, end), problem in unmatched(network):
            findings.add(problem, written.places.place(start, end))
        network = network._replace(diagnostics=findings.diagnostics)
    if unread and not network.errors:
        from convcalc.graph.places import report
        from convcalc.graph.unread import told

        for index, problem in told(network, unread):
            report(findings, written.spec, network.nodes, index, problem)
        network = network._replace(diagnostics=findings.diagnostics)
    if network.diagnostics:
        from convcalc.graph.occurrences import located

        network = network._replace(diagnostics=located(network, findings))
    if any(diagnostic.fix for diagnostic in network.diagnostics):
        from convcalc.graph.fixes import settled

        network = network._replace(diagnostics=settled(network, network.diagnostics))
    return network


@without_collection
def plan_layers(
    nodes: Sequence[LayerNode],
    findings: Findings | None = None,
    known: "Answers | None" = None,
) -> tuple[Sequence[LayerNode], list[Plan | None], list[tuple[int, Problem]]]:
    """The nodes with layers that were late, the plan of every layer, and what is wrong with which.

    What is wrong with the fields of a late layer goes to `findings`, which know its place. `known`
    is what layers that still are there answered before, and gets what these do.
    A layer that fails, or reads one that did, has None and silences nothing else. What layers do
    not read (CC306) is as they see it: only the whole network shows what to do about it.
    """
    plans: list[Plan | None] = []
    wrong: list[tuple[int, Problem]] = []
    known = {} if known is None else known
    made: dict[int, LayerNode] = {}

    def step(node: LayerNode) -> Plan | None:
        layer, late = node.layer, node.late
        if (layer is None and late is None) or node.unknown:
            return None
        reads = node.inputs
        if len(reads) == 1:  # as most layers do
            before = plans[reads[0]]
            if before is None:
                return None
            xs: tuple[Shape, ...] = (before.output,)
        else:
            known_before = [plan for plan in [plans[read] for read in reads] if plan is not None]
            if len(known_before) < len(reads):
                return None
            xs = tuple([plan.output for plan in known_before])
        if late is not None:
            layer = made_late(node, xs[0], nodes, plans, findings)
            made[len(plans)] = node._replace(layer=layer)
        if layer is None:
            return None
        key = (id(layer), xs)
        answer = known.get(key)
        if answer is None:
            answer = known[key] = plan_of(layer, xs)
        plan, problems = answer
        if problems:
            wrong.extend((len(plans), problem) for problem in problems)
        if plan is not None and node.shared_with is not None:
            unlike = _unlike(node, plan, nodes[node.shared_with], plans[node.shared_with])
            if unlike is not None:
                wrong.append((len(plans), unlike))
                return None
        return plan

    for node in nodes:  # no `walk`: a step looks at all those before it
        plans.append(step(node))  # noqa: PERF401
    return with_made(nodes, made), plans, wrong


def made_late(
    node: LayerNode,
    incoming: Shape,
    nodes: Sequence[LayerNode],
    plans: Sequence[Plan | None],
    findings: Findings | None = None,
) -> Layer | None:
    """The layer of a node that is late, for what comes in; None where that is not to be had.

    `plans` are those of the nodes before it. What is wrong with its fields goes to `findings`.
    """
    if node.late is None:
        return node.layer
    if node.like is None:
        return node.late.layer(incoming, node.name, findings)
    named, plan = nodes[node.like], plans[node.like]
    if plan is None:
        return None
    like = Like(named.name, plan.output)
    if node.kind == UNPOOL:
        from convcalc.layers.sliding import unrounded_windows  # there is a pool, which slides

        read = plans[named.inputs[0]] if named.kind == "maxpool" else None
        pool: Any = None if read is None else made_late(named, read.output, nodes, plans)
        if read is None or pool is None:
            return None  # the pool that it undoes was taken out
        written = unrounded_windows(pool, read.output.spatial)
        like = like._replace(pool=plan.windows, written=written)
    return node.late.layer(incoming, node.name, findings, like)


def with_made(nodes: Sequence[LayerNode], made: Mapping[int, LayerNode]) -> Sequence[LayerNode]:
    """The nodes, with others in the places of some."""
    if not made:
        return nodes
    return [made.get(index, node) for index, node in enumerate(nodes)]


def plan_of(layer: Layer, xs: tuple[Shape, ...]) -> tuple[Plan | None, tuple[Problem, ...]]:
    problems = tuple(layer.check(xs))
    if any(problem.severity == "error" for problem in problems):
        return None, problems
    plan = layer.plan(xs)
    if not xs:  # an input was checked where it was read
        return plan, problems
    if plan.output.rank > MAX_RANK:
        problem = Problem(
            "CC311", f"the output {plan.output} has more than {MAX_RANK} spatial axes"
        )
        return None, (*problems, problem)
    if plan.output.size > MAX_VALUES or any(weight.size > MAX_VALUES for weight in plan.weights):
        problem = Problem(
            "CC313",
            f"the output {plan.output} or a weight has more than 2^62 values",
            help="use smaller numbers",
        )
        return None, (*problems, problem)
    return plan, problems


def uses_weights(
    node: LayerNode, plan: Plan, nodes: Sequence[LayerNode], plans: Sequence[Plan | None]
) -> bool:
    """Whether the weights that a layer uses fit it: its own do, and those of a layer without plan.

    `plans` are those of the layers before it.
    """
    if node.shared_with is None or (owner := plans[node.shared_with]) is None:
        return True
    return weights_fit(node.kind, plan.weights, nodes[node.shared_with].kind, owner.weights)


def _unlike(node: LayerNode, plan: Plan, there: LayerNode, owner: Plan | None) -> Problem | None:
    """What is wrong where a layer cannot use the weights of another, which is `there`."""
    if owner is None or weights_fit(node.kind, plan.weights, there.kind, owner.weights):
        return None
    help_ = "layers that share their weights must have the same fields and channels"
    if transposes(node.kind, there.kind):
        if plan.weights[:1] == owner.weights[:1]:
            return Problem(
                "CC202",
                f"a `{node.kind}` shares no bias with a `{there.kind}`, and this has one beside "
                f"the weight of {there.name}",
                "bias",
                "write `bias: false`",
            )
        help_ = (
            "with the same kernel and groups, the filters of each must be as many as the channels "
            "that come into the other"
        )
    mine, theirs = (
        {weight.name: "×".join(map(str, weight.shape)) for weight in weights}
        for weights in (plan.weights, owner.weights)
    )
    differing = next(name for name in {**theirs, **mine} if mine.get(name) != theirs.get(name))
    return Problem(
        "CC202",
        f"shared {differing} would be {mine.get(differing, 'absent')} here, and is "
        f"{theirs.get(differing, 'absent')} in {there.name}",
        help=help_,
    )


def weightless(
    borrowed: Iterable["Borrowed"], nodes: Sequence[LayerNode], plans: Sequence[Plan | None]
) -> Iterator[tuple["Borrowed", Problem]]:
    """Where weights are named, and what is named has none."""
    for each in borrowed:
        known = [plans[index] for index in each.owner]
        if all(plan is not None and not plan.weights for plan in known):
            names = {nodes[index].kind for index in each.owner}
            what = " and ".join(f"`{kind}`" for kind in sorted(names)[:3])
            verb = "has" if len(names) == 1 else "have"
            message = f"{what} {verb} no weights that could be used"
            if not names:
                message = "there are no layers with weights"
            yield each, Problem("CC202", message, help="leave `weights` out")
