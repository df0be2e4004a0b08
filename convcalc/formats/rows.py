"""The rows of a report's table: layers and the groups around them, folded to a depth."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from convcalc.analysis.report import LayerReport, Report
from convcalc.diagnostics import ArgumentError
from convcalc.graph import Group
from convcalc.layers import SOURCES, UNPOOL
from convcalc.layers.base import Layer, declarations, hyperparameters
from convcalc.numbers import value_text
from convcalc.shape import Shape
from convcalc.window import Field


class Row(NamedTuple):
    """One line of the table: a layer, a folded group, or the heading of an unfolded one."""

    name: str
    """Full name, as `stage1.conv1`."""
    label: str
    """Last part of the name."""
    level: int
    """How many blocks it stands in."""
    heading: bool
    """The heading of a block whose layers follow."""
    kind: str = ""
    """What the spec calls the layer; `block` for a folded group, and "" for a heading."""
    hyperparameters: str = ""
    """Fields that are not as usual, or what is merged; of a folded group how many layers."""
    inputs: tuple[str, ...] = ()
    """Full names of the layers that it, or the first of its layers, reads."""
    output: Shape | None = None
    """Output of one example; None for a heading, and where an error keeps it unknown."""
    parameters: int | None = None
    """Values an optimizer updates; of a group their sum, and None if one is unknown."""
    buffers: int | None = None
    """Values of running statistics, summed over a group."""
    macs: int | None = None
    """Multiply-accumulates of the whole batch, summed over a group."""
    backward_macs: int | None = None
    """Those of the backward pass of a training step, summed over a group."""
    activations: int | None = None
    """Values of the whole batch in storage of their own, summed over a group."""
    activation_bytes: int | None = None
    """Bytes of these values, summed over a group."""
    fields: tuple[tuple[Field, ...] | None, ...] = ()
    """What is seen of each input, per spatial axis, of a group its output's; once where that is the
    same of all, and None where there is no position."""
    line: int | None = 0
    """Line of the spec, of a group that of its first layer; 0 for a heading."""
    known: bool = True
    """False where an error keeps something unknown."""
    aligned: bool = True
    """Whether all paths to it have one effective stride."""
    origin: str = ""
    """What it is called where it comes from; empty where that is not said."""
    counted: int | None = None
    """What another tool counts of the layer, summed over a group; None where that is not asked."""


def rows(report: Report, depth: int | None = None) -> Iterator[Row]:
    """The rows of `report`, groups deeper than `depth` folded into one row each.

    Raises `ValueError` for a depth below 1.
    """
    if depth is not None and depth < 1:
        message = f"depth {depth} is below 1"
        raise ArgumentError(message)
    around: list[Group] = []
    every = report.groups if depth is None else report.modules
    groups = iter(group for group in every if group.layers)
    group = next(groups, None)
    index = 0
    while index < len(report.nodes):
        while around and index >= around[-1].layers.stop:
            around.pop()
        if group is None or index < group.layers.start:
            if report.nodes[index].kind not in SOURCES:
                yield _leaf(report.nodes[index], around)
            index += 1
        elif len(around) + 1 != depth:
            yield _heading(group, around)
            around.append(group)
            group = next(groups, None)
        else:
            yield folded(report, group, around)
            index = group.layers.stop
            while group is not None and group.layers.start < index:
                group = next(groups, None)


def _label(name: str, around: Sequence[Group]) -> str:
    """A name, as the groups around it say the rest."""
    return name.removeprefix(f"{around[-1].name}.") if around else name


def _heading(group: Group, around: list[Group]) -> Row:
    label = _label(group.name, around)
    return Row(name=group.name, label=label, level=len(around), heading=True)


def _leaf(layer: LayerReport, around: list[Group]) -> Row:
    known = layer.output is not None
    text = describe(layer.layer) if layer.layer is not None else ""
    if len(layer.inputs) > 1 and layer.kind != UNPOOL:  # which names the pool, and so the second
        read = ", ".join(_label(name, around) for name in layer.inputs)
        text = ", ".join(filter(None, (text, f"of {read}")))
    if layer.shared_with is not None and layer.weights:
        text = ", ".join(filter(None, (text, f"weights of {layer.shared_with}")))
    return Row(
        name=layer.name,
        label=_label(layer.name, around),
        level=len(around),
        heading=False,
        kind=layer.kind,
        hyperparameters=text,
        inputs=layer.inputs,
        output=layer.output,
        parameters=layer.parameters,
        buffers=layer.buffers,
        macs=layer.macs,
        backward_macs=layer.backward_macs,
        activations=layer.activations,
        activation_bytes=layer.activation_bytes,
        fields=layer.fields,
        line=layer.line,
        known=known,
        aligned=layer.aligned,
        origin=layer.origin,
        counted=layer.counted,
    )


def _total(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def folded(report: Report, group: Group, around: Sequence[Group] = ()) -> Row:
    """A group as one row, with the sums over its layers."""
    layers = report.nodes[group.layers.start : group.layers.stop]
    made = None if group.output is None else report.nodes[group.output]
    passed_on = made is not None and made.kind in SOURCES
    return Row(
        name=group.name,
        label=_label(group.name, around),
        level=len(around),
        heading=False,
        kind="block",
        hyperparameters=f"{len(layers)} layer{'' if len(layers) == 1 else 's'}",
        inputs=layers[0].inputs,
        output=made.output if made else None,
        parameters=_total([layer.parameters for layer in layers]),
        buffers=_total([layer.buffers for layer in layers]),
        macs=_total([layer.macs for layer in layers]),
        backward_macs=_total([layer.backward_macs for layer in layers]),
        activations=_total([layer.activations for layer in layers]),
        activation_bytes=_total([layer.activation_bytes for layer in layers]),
        fields=made.fields if made and not passed_on else (None,),
        line=layers[0].line,
        known=all(layer.output is not None for layer in layers),
        aligned=made.aligned if made else True,
        origin=group.origin,
        counted=_total([layer.counted for layer in layers]),
    )


def describe(layer: Layer) -> str:
    """The hyperparameters of a layer that are not as usual, in the words of the spec.

    >>> from convcalc.layers.convolution import Conv
    >>> describe(Conv(64, kernel=(3, 5), padding=1))
    'filters 64, kernel 3×5, padding 1'
    """
    declared = declarations(type(layer))
    return ", ".join(
        f"{name} {value_text((value,) if declared[name].sided else value)}"
        for name, value in hyperparameters(layer).items()
        if name != "rounding"
    )
