"""The rows of a report's table: a tree of blocks by the names' prefixes, folded to a depth."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from convcalc.analysis.report import LayerReport, Report
from convcalc.graph import INPUT, UNKNOWN
from convcalc.layers.base import Layer, hyperparameters
from convcalc.shape import Shape
from convcalc.window import Field


class Row(NamedTuple):
    """One line of the table: a layer, a folded block, or the heading of an unfolded one."""

    name: str
    """Full name."""
    label: str
    """Last part of the name."""
    level: int
    """How many blocks it stands in."""
    heading: bool
    """The heading of a block whose layers follow."""
    kind: str = ""
    hyperparameters: str = ""
    inputs: tuple[str, ...] = ()
    output: Shape | None = None
    parameters: int | None = None
    buffers: int | None = None
    macs: int | None = None
    activations: int | None = None
    activation_bytes: int | None = None
    receptive_field: tuple[Field, ...] | None = None
    line: int = 0
    known: bool = True
    """False where an error keeps something unknown."""
    aligned: bool = True
    """Whether all paths to it have one effective stride."""


def rows(report: Report, depth: int | None = None) -> Iterator[Row]:
    """The rows of `report`, blocks deeper than `depth` folded into one row each."""
    open_blocks: list[str] = []
    folded: list[LayerReport] = []
    folded_name = ""
    for layer in report.layers:
        parts = layer.name.split(".")
        if depth is not None and len(parts) > depth:
            name = ".".join(parts[:depth])
            if folded and name != folded_name:
                yield _folded(report, folded_name, folded)
                folded = []
            if not folded:
                yield from _headings(parts[: depth - 1], open_blocks)
            folded_name = name
            folded.append(layer)
            continue
        if folded:
            yield _folded(report, folded_name, folded)
            folded = []
        yield from _headings(parts[:-1], open_blocks)
        yield _leaf(layer, parts)
    if folded:
        yield _folded(report, folded_name, folded)


def _headings(blocks: list[str], open_blocks: list[str]) -> Iterator[Row]:
    """Headings of the blocks that a row stands in and the row before did not."""
    common = 0
    while common < min(len(blocks), len(open_blocks)) and blocks[common] == open_blocks[common]:
        common += 1
    del open_blocks[common:]
    for level in range(common, len(blocks)):
        open_blocks.append(blocks[level])
        name = ".".join(blocks[: level + 1])
        yield Row(name=name, label=blocks[level], level=level, heading=True)


def _leaf(layer: LayerReport, parts: list[str]) -> Row:
    known = layer.output is not None
    text = describe(layer.layer) if layer.layer is not None else ""
    if len(layer.inputs) > 1:
        text = _merged_inputs(layer, parts)
    if layer.shared_with is not None and layer.weights:
        text = ", ".join(filter(None, (text, f"weights of {layer.shared_with}")))
    return Row(
        name=layer.name,
        label=parts[-1],
        level=len(parts) - 1,
        heading=False,
        kind=layer.kind,
        hyperparameters=text,
        inputs=layer.inputs,
        output=layer.output,
        parameters=layer.parameters,
        buffers=layer.buffers,
        macs=layer.macs,
        activations=layer.activations,
        activation_bytes=layer.activation_bytes,
        receptive_field=layer.receptive_field,
        line=layer.line,
        known=known,
        aligned=layer.aligned,
    )


def _merged_inputs(layer: LayerReport, parts: list[str]) -> str:
    """What a merge reads, names in its own block shortened."""
    prefix = ".".join(parts[:-1]) + "." if len(parts) > 1 else ""
    return "of " + ", ".join(name.removeprefix(prefix) for name in layer.inputs)


def _folded(report: Report, name: str, layers: list[LayerReport]) -> Row:
    def total(values: list[int | None]) -> int | None:
        known = [value for value in values if value is not None]
        return sum(known) if len(known) == len(values) else None

    index = report.outputs.get(name)
    last = layers[-1] if index is None or index < 0 else report.layers[index]
    passed_on = index == INPUT  # a block that hands on the network's input
    parts = name.split(".")
    return Row(
        name=name,
        label=parts[-1],
        level=len(parts) - 1,
        heading=False,
        kind="block",
        hyperparameters=f"{len(layers)} layer{'' if len(layers) == 1 else 's'}",
        inputs=layers[0].inputs,
        output=report.input if passed_on else last.output if index != UNKNOWN else None,
        parameters=total([layer.parameters for layer in layers]),
        buffers=total([layer.buffers for layer in layers]),
        macs=total([layer.macs for layer in layers]),
        activations=total([layer.activations for layer in layers]),
        activation_bytes=total([layer.activation_bytes for layer in layers]),
        receptive_field=None if passed_on else last.receptive_field,
        line=layers[0].line,
        known=all(layer.output is not None for layer in layers),
        aligned=last.aligned,
    )


def describe(layer: Layer) -> str:
    """The hyperparameters of a layer that are not as usual, in the words of the spec.

    >>> from convcalc.layers.convolution import Conv
    >>> describe(Conv(64, kernel=(3, 5), padding=1))
    'filters 64, kernel 3×5, padding 1'
    """
    return ", ".join(
        f"{name} {value_text(value)}"
        for name, value in hyperparameters(layer).items()
        if name != "rounding"
    )


def value_text(value: Any) -> str:
    """A hyperparameter's value as a table shows it.

    >>> value_text(((1, 2), 0))
    '[1,2]×0'
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "×".join(
            f"[{part[0]},{part[1]}]" if isinstance(part, tuple) else value_text(part)
            for part in value
        )
    return f"{value:.10g}" if isinstance(value, float) else str(value)
