"""The figures of layers: each as the formula that worked it out, with its numbers, and the result.

Nothing here is a formula: the layer's own `plan` runs on numbers that remember.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from convcalc.explanation.figure import Figure, reasoned
from convcalc.explanation.page import Page, Part, Section
from convcalc.graph import LayerNode, Network
from convcalc.layers.base import Layer
from convcalc.layers.letters import AXES, lettered, lettered_shape
from convcalc.reasons import formula, name_of
from convcalc.shape import Shape

SCHEMA = 1
"""Changes only when a field of the JSON changes its meaning or goes."""
AXIS_NAMES = {"L": "length", "D": "depth", "H": "height", "W": "width"}
"""Letter of a spatial axis → what it is called."""


class Group(NamedTuple):
    """Figures that belong together."""

    title: str
    """What they are about."""
    figures: tuple[Figure, ...]
    """The figures, in their order."""


class LayerExplanation(NamedTuple):
    """A layer, and where its numbers come from."""

    name: str
    """Full name, as `stage1.conv1`."""
    kind: str
    """What the spec calls it."""
    inputs: tuple[Shape, ...]
    """What it reads, of one example."""
    output: Shape | None
    """What it makes; None where an error keeps it unknown."""
    groups: tuple[Group, ...]
    """Its figures, those that belong together in one group."""


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


def figures(
    network: Network, layers: Sequence[int], *, batch: int = 1, dtype: str = "float32"
) -> Page:
    """The page that explains layers, by their indices."""
    return page(explained(network, layers, batch=batch, dtype=dtype))


def explained(
    network: Network, layers: Sequence[int], *, batch: int = 1, dtype: str = "float32"
) -> Explanation:
    """Explain layers, by their indices."""
    return Explanation(
        network.name,
        network.path,
        batch,
        dtype,
        tuple(_layer(network, network.nodes[index], index) for index in layers),
    )


def _layer(network: Network, node: LayerNode, index: int) -> LayerExplanation:
    inputs = tuple(shape for each in node.inputs if (shape := network.shape_of(each)) is not None)
    groups: tuple[Group, ...] = ()
    if node.layer is not None and network.plans[index] is not None:
        groups = _groups(node.layer, inputs)
    return LayerExplanation(node.name, node.kind, inputs, network.shape_of(index), groups)


def _groups(layer: Layer, inputs: Sequence[Shape]) -> tuple[Group, ...]:
    plan = lettered(layer).plan([lettered_shape(shape) for shape in inputs])
    output = plan.output
    letters = AXES[output.rank]
    sizes = [
        reasoned(AXIS_NAMES[letter], extent)
        for letter, extent in zip(letters, output.spatial, strict=True)
    ]
    sizes.append(reasoned("channels" if output.rank else "values", output.channels))
    names = {
        name_of(extent): f"{letter}′"
        for letter, extent in zip(letters, output.spatial, strict=True)
        if formula(extent) != letter
    }
    learned = sum(weight.size for weight in plan.weights if not weight.buffer)
    return (
        Group("Output size", tuple(sizes)),
        Group("Parameters", (reasoned("parameters", learned, names),)),
        Group("Multiply-accumulates", (reasoned("MACs", plan.macs, names),)),
    )


def page(explanation: Explanation) -> Page:
    """An explanation as a page: a layer's figures, or a section for each of several."""
    layers = explanation.layers
    sections: list[Section] = []
    if len(layers) == 1:
        (layer,) = layers
        title = f"{_title(layer)} of {explanation.network}"
        sections += _sections(layer, 1)
    else:
        title = explanation.network
        for layer in layers:
            sections.append(Section(_title(layer), ()))
            sections += _sections(layer, 2)
    return Page(title, tuple(sections), _data(explanation))


def _title(layer: LayerExplanation) -> str:
    shapes = " and ".join(map(str, layer.inputs))
    return f"{layer.name} ({layer.kind}: {shapes} → {layer.output or '?'})"


def _sections(layer: LayerExplanation, level: int) -> list[Section]:
    sections = []
    for group in layer.groups:
        parts: list[Part] = [figure.shown() for figure in group.figures]
        sections.append(Section(group.title, tuple(parts), level))
    return sections


def _data(explanation: Explanation) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "mode": "figures",
        "name": explanation.network,
        "spec": explanation.path,
        "batch": explanation.batch,
        "dtype": explanation.dtype,
        "layers": [
            {
                "name": layer.name,
                "kind": layer.kind,
                "figures": [
                    {"part": group.title.lower(), **figure._asdict()}
                    for group in layer.groups
                    for figure in group.figures
                ],
            }
            for layer in explanation.layers
        ],
    }
