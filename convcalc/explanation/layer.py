"""The figures of layers: each as the formula that worked it out, with its numbers, and the result.

Nothing here is a formula: the layer's own `plan` and `operations` and the field's `through` run on
numbers that remember.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from convcalc.diagnostics import Severity
from convcalc.explanation.counts import activations, as_convolution, multiplications, parameters
from convcalc.explanation.fields import Seen
from convcalc.explanation.figure import Group, legend, listed
from convcalc.explanation.kept import Backward, KeptArrays
from convcalc.explanation.matrices import Matrices, as_matrices
from convcalc.explanation.outputs import failing_size, output_size
from convcalc.explanation.page import Page, Part, Section
from convcalc.explanation.windows import AxisWindow, axis_windows, drawn, grouping
from convcalc.graph import Network
from convcalc.layers import CATALOGUE, GIVEN, UNPOOL, kinds, layer_class
from convcalc.layers.base import Layer, Plan
from convcalc.layers.letters import lettered_call
from convcalc.layers.linear import Linear
from convcalc.methods import from_json
from convcalc.numbers import plural
from convcalc.shape import Shape

SCHEMA = 1
"""Changes only when a field of the JSON changes its meaning or goes."""


class Read(NamedTuple):
    """What a layer reads of another."""

    name: str
    """The other layer's full name."""
    shape: Shape | None
    """The shape of one example; None where an error keeps it unknown."""


class Finding(NamedTuple):
    """What is wrong with a layer, or doubtful."""

    code: str
    """Stable code, `CC301`, as `convcalc check` has it."""
    severity: Severity
    """How grave it is: `error`, `warning` or `note`."""
    message: str
    """What is, with the numbers of the formula."""
    help: str | None
    """What to do about it; None where the message says enough."""


class LayerExplanation(NamedTuple):
    """A layer, and where its numbers come from."""

    name: str
    """Full name, as `stage1.conv1`."""
    kind: str
    """What the spec calls it."""
    line: int | None
    """The line of the spec that it was written on; None for values made in Python."""
    does: str
    """What its kind does, in a sentence."""
    inputs: tuple[Read, ...]
    """What it reads, in the order of the spec."""
    output: Shape | None
    """What it makes; None where an error keeps it unknown."""
    letters: Mapping[str, tuple[str, int]]
    """Letter of the formulas → a word for what it is, and the number that it stands for."""
    findings: tuple[Finding, ...]
    """What is wrong with it, or doubtful."""
    groups: tuple[Group, ...]
    """Its figures, by what they are about; where an error keeps them unknown, as far as it gets."""
    windows: tuple[AxisWindow, ...]
    """What slides along each axis of its input; () where nothing does, or an error hides that."""
    grouping: str
    """Which channels its groups see, in a sentence; "" where all filters see all channels."""
    matrices: Matrices | None
    """Its weighted sums as a product of matrices; None where it has none."""
    kept: KeptArrays | None
    """What it keeps for its backward pass; None of an input, and where an error hides its plan."""
    like: str = ""
    """The layer that it makes its map as large as; "" where its size is its own."""


class Explanation(NamedTuple):
    """Layers of a network, and where their numbers come from."""

    network: str
    """What the network calls itself."""
    path: str
    """The spec as it was named."""
    batch: int
    """Examples that bytes are of; counts are of one."""
    dtype: str
    """Data type that bytes are of."""
    layers: tuple[LayerExplanation, ...]
    """The layers, in the order in which they were asked for."""

    def __str__(self) -> str:
        """The text that `convcalc explain` prints."""
        return str(page(self))

    def __repr__(self) -> str:
        """What is explained, in one line."""
        what = self.layers[0].name if len(self.layers) == 1 else plural(len(self.layers), "layer")
        return f"<Explanation of {what} of {self.network!r}>"

    def page(self) -> Page:
        """The explanation as a page of sentences, formulas and tables."""
        return page(self)

    def to_markdown(self) -> str:
        """The text as Markdown."""
        return self.page().to_markdown()

    def to_json(self) -> str:
        """The values as JSON, as docs/explain.schema.json describes it."""
        return self.page().to_json()

    def to_dict(self) -> dict[str, Any]:
        """The same as Python has it: lists, dictionaries, numbers, texts and None."""
        return from_json(self.to_json())


def figures(
    network: Network, layers: Sequence[int], *, batch: int = 1, dtype: str = "float32"
) -> Page:
    """The page that explains layers, by their indices."""
    return page(explained(network, layers, batch=batch, dtype=dtype))


def explained(
    network: Network, layers: Sequence[int], *, batch: int = 1, dtype: str = "float32"
) -> Explanation:
    """Explain layers, by their indices."""
    work = _Work(network, batch, dtype)
    return Explanation(
        network.name, network.path, batch, dtype, tuple(work.layer(index) for index in layers)
    )


class _Work:
    """A network, and what is worked out of it once for all of its layers."""

    def __init__(self, network: Network, batch: int, dtype: str) -> None:
        self.network = network
        self.batch = batch
        self.dtype = dtype
        self.seen = Seen(network)
        self.backward = Backward(network, batch=batch, dtype=dtype)

    def layer(self, index: int) -> LayerExplanation:
        """Explain one."""
        network, node = self.network, self.network.nodes[index]
        reads = tuple(
            Read(network.nodes[each].name, network.shape_of(each)) for each in node.inputs
        )
        layer, plan = node.layer, network.plans[index]
        shapes = [read.shape for read in reads if read.shape is not None]
        known = layer is not None and len(shapes) == len(node.inputs) and not node.unknown
        letters: dict[str, tuple[str, int]] = {}
        groups: tuple[Group, ...] = ()
        windows: tuple[AxisWindow, ...] = ()
        grouped = ""
        matrices = kept = None
        if layer is not None and known:
            # An input is given, and has nothing to work out.
            called, lettered = lettered_call(layer, shapes) if shapes else (layer, [])
            letters = legend(called, lettered)
            if plan is None:
                failing = failing_size(called, lettered[0]) if lettered else None
                if failing is not None:  # its windows show what is left over, or does not fit
                    groups = (failing,)
                    windows = axis_windows(layer, shapes[0], layer.plan(shapes))
            else:
                explained_plan = called.plan(lettered)
                groups = self._groups(index, layer, (shapes, lettered), (plan, explained_plan))
                matrices = as_matrices(
                    called,
                    node.kind,
                    (shapes, lettered),
                    (plan, explained_plan),
                    batch=self.batch,
                    dtype=self.dtype,
                )
                if shapes:
                    windows = axis_windows(layer, shapes[0], plan)
                    grouped = grouping(layer, shapes[0], plan.output)
                    kept = self.backward.of(index, called, lettered, explained_plan)
        return LayerExplanation(
            name=node.name,
            kind=node.kind,
            line=network.lines[index],
            does=_sentence(node.kind),
            inputs=reads,
            output=network.shape_of(index),
            letters=letters,
            findings=_findings(network, index, shapes if known else None),
            groups=groups,
            windows=windows,
            grouping=grouped,
            matrices=matrices,
            kept=kept,
            like="" if node.like is None or node.kind == UNPOOL else network.nodes[node.like].name,
        )

    def _groups(
        self,
        index: int,
        layer: Layer,
        shapes: tuple[Sequence[Shape], Sequence[Shape]],
        plans: tuple[Plan, Plan],
    ) -> tuple[Group, ...]:
        """The figures of a layer; of shapes and plans there are two, the second on letters."""
        network, node, (plan, explained_plan) = self.network, self.network.nodes[index], plans
        owner = "" if node.shared_with is None else network.nodes[node.shared_with].name
        return (
            output_size(layer, shapes[0], plan, explained_plan),
            self._parameters(index, layer, parameters(node.kind, shapes[1], explained_plan, owner)),
            multiplications(node.kind, explained_plan),
            *self.seen.of(index, explained_plan),
            activations(layer, explained_plan, batch=self.batch, dtype=self.dtype),
        )

    def _parameters(self, index: int, layer: Layer, group: Group) -> Group:
        """With what a linear layer would be as a convolution over the map that was flattened."""
        network = self.network
        (before,) = network.nodes[index].inputs if isinstance(layer, Linear) else (None,)
        while before is not None and network.nodes[before].kind in PASSING:
            (read,) = network.nodes[before].inputs
            shape = network.shape_of(read)
            if isinstance(layer, Linear) and shape is not None and shape.rank:
                figure = as_convolution(layer, shape, network.nodes[before].name)
                return group._replace(figures=(*group.figures, figure))
            before = read
        return group


PASSING = kinds("identity", "view", having="linear")
"""Kinds that hand the values of a flattened map on in their order."""


def _findings(network: Network, index: int, shapes: Sequence[Shape] | None) -> tuple[Finding, ...]:
    """What was found about a layer, or about one that is built of the same item as it is."""
    node = network.nodes[index]
    reported = tuple(
        Finding(each.code, each.severity, each.message, each.help)
        for each in network.diagnostics
        if node.name == each.layer or node.name in [one.name for one in each.built]
    )
    if reported or node.layer is None or shapes is None or network.plans[index] is not None:
        return reported
    return tuple(
        Finding(each.code, each.severity, each.message, each.help)
        for each in node.layer.check(shapes)
    )


def _sentence(kind: str) -> str:
    """What a kind of layer does, from its class; "" where there is no such kind."""
    if kind not in CATALOGUE and kind not in GIVEN:
        return ""
    text = " ".join((layer_class(kind).__doc__ or "").split())
    for end in (" Shapes:", " Source:", " Parameters"):
        text = text.partition(end)[0]
    return text


def page(explanation: Explanation) -> Page:
    """An explanation as a page: a layer's figures, or a section for each of several."""
    layers = explanation.layers
    sections: list[Section] = []
    if len(layers) == 1:
        (layer,) = layers
        title = f"{_title(layer)}, of {explanation.network}"
        sections += [Section("", tuple(_about(layer))), *_sections(layer, 1)]
    else:
        title = explanation.network
        if not layers:
            sections.append(Section("", ("It has no layers.",)))
        for layer in layers:
            sections += [Section(_title(layer), tuple(_about(layer))), *_sections(layer, 2)]
    return Page(title, tuple(sections), _data(explanation))


def _title(layer: LayerExplanation) -> str:
    shapes = listed([str(read.shape or "?") for read in layer.inputs])
    return f"{layer.name} ({layer.kind}): {shapes} → {layer.output or '?'}".replace(":  →", ":")


def _about(layer: LayerExplanation) -> list[Part]:
    """What it does and reads, and what its letters are."""
    reads = listed([read.name for read in layer.inputs])
    like = f", and makes its map as large as that of {layer.like}" if layer.like else ""
    parts: list[Part] = [f"{layer.does} {f'It reads {reads}{like}.' if reads else ''}".strip()]
    words: dict[str, list[str]] = {}
    for letter, (word, value) in layer.letters.items():
        words.setdefault(word, []).append(f"{letter} = {value:,}")
    if words:
        said = (
            ", ".join(values)
            if values[0].partition(" ")[0].split("_")[0] == word
            else f"{word} {', '.join(values)}"
            for word, values in words.items()
        )
        parts.append("; ".join(said) + ".")
    return [part for part in parts if part]


def _sections(layer: LayerExplanation, level: int) -> list[Section]:
    sections = []
    if layer.findings:
        said: list[Part] = []
        for each in layer.findings:
            said.append(f"{each.severity}[{each.code}]: {each.message}")
            said += [f"help: {each.help}"] if each.help else []
        sections.append(Section("Findings", tuple(said), level))
    if layer.output is None and not layer.findings:
        unknown = [read.name for read in layer.inputs if read.shape is None]
        of = f" before it, in {listed(unknown)}," if unknown else " before it"
        sections.append(
            Section("", (f"Its figures are unknown: an error{of} keeps them so.",), level)
        )
    for group in layer.groups:
        sections.append(Section(group.title, group.parts(), level))
        if group.title == SIZES and level == 1:  # of many layers they would hide the figures
            sections += drawn(layer.windows, layer.grouping)
        if layer.matrices is not None and group.title == MULTIPLIED:
            sections.append(layer.matrices.section(level))
    if layer.kept is not None:
        sections.append(layer.kept.section(level))
    return sections


SIZES = "Output size"
"""The group behind which a layer's windows are drawn."""
MULTIPLIED = "Multiply-accumulates"
"""The group behind which the product of matrices stands."""


def _data(explanation: Explanation) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "mode": "figures",
        "name": explanation.network,
        "spec": explanation.path,
        "batch": explanation.batch,
        "dtype": explanation.dtype,
        "layers": [_layer_data(layer) for layer in explanation.layers],
    }


def _layer_data(layer: LayerExplanation) -> dict[str, Any]:
    return {
        "name": layer.name,
        "kind": layer.kind,
        "line": layer.line,
        "does": layer.does,
        "inputs": [{"name": read.name, "shape": _shape(read.shape)} for read in layer.inputs],
        "output": _shape(layer.output),
        "like": layer.like or None,
        "letters": {letter: value for letter, (_, value) in layer.letters.items()},
        "findings": [each._asdict() for each in layer.findings],
        "figures": [
            {"part": group.title.lower(), **figure._asdict()}
            for group in layer.groups
            for figure in group.figures
        ],
        "windows": [window.data for window in layer.windows],
        "grouping": layer.grouping or None,
        "says": [sentence for group in layer.groups for sentence in group.says],
        "matrices": None if layer.matrices is None else layer.matrices.data,
        "kept": None if layer.kept is None else layer.kept.data,
    }


def _shape(shape: Shape | None) -> dict[str, Any] | None:
    return None if shape is None else {"channels": shape.channels, "spatial": [*shape.spatial]}
