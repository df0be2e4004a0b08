"""The numbers of a network as values; formats make text of them."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.diagnostics import Diagnostic
from convcalc.graph import Group, Network
from convcalc.layers import SOURCES
from convcalc.layers.base import Layer, Weight, declarations, field_value
from convcalc.methods import above, from_json
from convcalc.shape import Shape
from convcalc.window import Field

if TYPE_CHECKING:
    from convcalc.analysis.conventions import Count

DTYPE_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2, "float64": 8, "int8": 1}
"""Bytes of one value."""
INDEX = 8
"""Bytes of a whole number that says what is looked up, or which class is right: int64."""
EMPTY: Mapping[str, Any] = MappingProxyType({})
"""What is known by name where there are no names."""
MAX_SHOWN = 24
"""Inputs or outputs that a title shows; JSON has all of them."""


class LayerReport(NamedTuple):
    """The numbers of one layer; None where an error keeps one unknown.

    docs/definitions.md defines every figure.
    """

    name: str
    """Full name, as `stage1.conv1`."""
    kind: str
    """What the spec calls it: `conv`, `maxpool`; a key of the catalogue."""
    layer: Layer | None
    """The layer with its hyperparameters; None where its fields have errors."""
    inputs: tuple[str, ...]
    """Full names of the layers it reads, inputs of the network among them."""
    line: int | None
    """Line of the spec that it was written on, from 1 on; None for one made in Python."""
    output: Shape | None
    """Shape of its output for one example; None where an error keeps it unknown."""
    weights: tuple[Weight, ...]
    """Its arrays; also those it shares."""
    parameters: int | None
    """Values an optimizer updates; 0 where they are another layer's."""
    buffers: int | None
    """Values of running statistics; 0 where they are another layer's."""
    macs: int | None
    """Multiply-accumulates of the whole batch."""
    activations: int | None
    """Values of the whole batch in storage of its own; 0 in place or as a view."""
    activation_bytes: int | None
    """The bytes of these values in the report's data type."""
    receptive_field: tuple[Field, ...] | None
    """What an output sees, per spatial axis; None where it has no position in the input, and where
    it sees several inputs and not of each the same."""
    aligned: bool
    """Whether all paths to it have one effective stride."""
    shared_with: str | None
    """Full name of the layer whose weights it uses; None where they are its own."""
    backward_macs: int | None = None
    """Multiply-accumulates of its backward pass, of the whole batch."""
    receptive_fields: Mapping[str, "tuple[tuple[Field, ...] | None, bool]"] = EMPTY
    """Of a network with several inputs, by the names of those that it sees: what an output sees of
    each, as `receptive_field` has it, and whether all paths from there have one stride."""
    origin: str = ""
    """What it is called where it comes from; empty where that is not said."""
    frozen: bool = False
    """Whether training leaves its weights as they are; those of another layer are as there."""
    counted: int | None = None
    """What another tool counts of it, of the whole batch; None where none was asked for."""

    @property
    def fields(self) -> tuple[tuple[Field, ...] | None, ...]:
        """What an output sees of each input that it sees; once, where that is the same of all."""
        if self.receptive_field is not None or not self.receptive_fields:
            return (self.receptive_field,)
        return tuple(fields for fields, _ in self.receptive_fields.values())

    @property
    def hyperparameters(self) -> dict[str, Any] | None:
        """Every field of the layer with its value; None where its fields have errors."""
        if self.layer is None:
            return None
        return {name: field_value(self.layer, name) for name in declarations(type(self.layer))}

    @property
    def flops(self) -> int | None:
        """Floating-point operations of the whole batch, counted as 2 × MACs."""
        return None if self.macs is None else 2 * self.macs

    def __repr__(self) -> str:
        """What it is, makes and takes, in one line."""
        parameters, macs = (
            "?" if count is None else f"{count:,}" for count in (self.parameters, self.macs)
        )
        return (
            f"<LayerReport {self.name!r}: {self.kind}, {self.output or '?'}, "
            f"{parameters} parameters, {macs} MACs>"
        )

    @classmethod
    def unknown(
        cls,
        name: str,
        kind: str,
        layer: Layer | None,
        inputs: tuple[str, ...],
        line: int | None,
        *,
        aligned: bool,
    ) -> "LayerReport":
        """A layer whose plan an error keeps unknown, and with it every figure."""
        return cls(
            name,
            kind,
            layer,
            inputs,
            line,
            output=None,
            weights=(),
            parameters=None,
            buffers=None,
            macs=None,
            activations=None,
            activation_bytes=None,
            receptive_field=None,
            aligned=aligned,
            shared_with=None,
        )


class Totals(NamedTuple):
    """Sums over a network; where `complete` is false, lower bounds, or None if nothing was read."""

    parameters: int | None
    """Values an optimizer updates; shared ones once."""
    buffers: int | None
    """Values of running statistics."""
    macs: int | None
    """Multiply-accumulates of the whole batch."""
    flops: int | None
    """Floating-point operations of the whole batch, counted as 2 × MACs."""
    parameter_bytes: int | None
    """Bytes of the parameters in the report's data type."""
    buffer_bytes: int | None
    """Bytes of the buffers in the report's data type."""
    activations: int | None
    """Values of the input and of every output with storage of its own, for the whole batch."""
    activation_bytes: int | None
    """Bytes of the activations in the report's data type, for the whole batch."""
    complete: bool
    """False when errors keep some layer out of the sums."""
    backward_macs: int | None = 0
    """Multiply-accumulates of the backward pass of a training step, of the whole batch."""
    frozen_parameters: int | None = 0
    """Of the parameters, those that training leaves as they are."""

    @property
    def step_flops(self) -> int | None:
        """Floating-point operations of a training step: 2 × the MACs of both passes."""
        if self.macs is None or self.backward_macs is None:
            return None
        return 2 * (self.macs + self.backward_macs)

    def known(self, name: str) -> int:
        """A sum by its name, where there is one; `ValueError` where nothing could be read."""
        value: int | None = getattr(self, name)
        if value is None:
            message = f"{name} is unknown: errors keep every layer out of it"
            raise ValueError(message)
        return value


class Tensor(NamedTuple):
    """An input or output of a network."""

    name: str
    """What the spec calls it; `input` for an input without a name, and for an output that the spec
    does not name the full name of its layer."""
    layer: str
    """Full name of the layer that makes it; of an input, and of a block, that may be another."""
    shape: Shape | None
    """Its shape for one example; None where an error keeps it unknown."""


def shapes_of(tensors: Sequence[Tensor], first: Shape | None) -> str:
    """The shapes of inputs or outputs, with their names where there are several."""
    if len(tensors) < 2:
        return str(first or "?")
    return enumerated([f"{each.name} {each.shape or '?'}" for each in tensors])


def enumerated(texts: Sequence[str]) -> str:
    """What is said of each input or output, one behind the other; of many, the first.

    >>> enumerated(["left 32×32×3", "right 16×16×3"])
    'left 32×32×3, right 16×16×3'
    """
    more = [f"{len(texts) - MAX_SHOWN:,} more"] if len(texts) > MAX_SHOWN else []
    return ", ".join([*texts[:MAX_SHOWN], *more])


class Report(NamedTuple):
    """What a network takes, layer by layer and in total."""

    name: str
    """The spec's `name`, or its path."""
    path: str
    """The spec as it was named; `-` is standard input."""
    batch: int
    """Number of examples that multiply-accumulates and activations are for."""
    dtype: str
    """Data type of all values, a key of `DTYPE_BYTES`."""
    input: Shape | None
    """Shape of one example, of the first input; None when the spec's could not be read."""
    nodes: Sequence[LayerReport]
    """Every layer in the order of the network, its inputs first, blocks written out."""
    totals: Totals
    """Sums over all of the layers, shared weights once."""
    output: Shape | None
    """Shape of the network's first output for one example; None where that is unknown."""
    diagnostics: tuple[Diagnostic, ...]
    """Everything found while reading and analysing."""
    groups: tuple[Group, ...] = ()
    """Blocks and named groups, by where they start, outer before inner."""
    network: Network | None = None
    """What was analysed, of which methods work out more; None of a report made by hand."""
    inputs: tuple[Tensor, ...] = ()
    """The network's inputs, in the order in which they are written."""
    outputs: tuple[Tensor, ...] = ()
    """The network's outputs, in the order in which they are written; without those that an error
    keeps unknown."""
    counted: "Count | None" = None
    """What another tool counts of the network, where that is asked for; layers say their part."""

    @property
    def inference_peak(self) -> int | None:
        """Bytes that inference takes at its peak; None where errors keep it unknown.

        `convcalc.memory` says more.
        """
        if self.network is None or self.network.errors:
            return None
        from convcalc.analysis.memory.terms import RunTerms, model  # JSON does without

        return model(self.network, RunTerms(self.dtype)).peak(self.batch)

    @property
    def modules(self) -> tuple[Group, ...]:
        """Its groups, or the modules of the file from elsewhere that it is of."""
        written = None if self.network is None else self.network.written
        if self.groups or self.network is None or written is None or written.modules is None:
            return self.groups
        return written.modules(self.network)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of the file from elsewhere that it is of, in clauses; none of a spec.

        Arrays that it shares or that batch norms were folded into.
        """
        written = None if self.network is None else self.network.written
        return () if written is None else written.notes

    @property
    def ends(self) -> str:
        """What goes in and what comes out: shapes, with the names of several."""
        return f"{self.given} → {self.made}"

    @property
    def given(self) -> str:
        """The shape of its input, or of each with its name; `?` for what is unknown."""
        return shapes_of(self.inputs, self.input)

    @property
    def made(self) -> str:
        """The shape of its output, or of each with its name; `?` for what is unknown."""
        return shapes_of(self.outputs, self.output)

    @property
    def layers(self) -> list[LayerReport]:
        """The layers that a table shows: all but those of the family "source"."""
        return [node for node in self.nodes if node.kind not in SOURCES]

    @property
    def unread(self) -> bool:
        """Whether errors keep every layer out of the totals, which then say nothing."""
        return self.totals.parameters is None

    def layer(self, name: str) -> LayerReport:
        """The layer called `name`; `KeyError` when there is none, with the nearest name."""
        for layer in self.nodes:
            if layer.name == name:
                return layer
        from convcalc.arguments import unknown

        raise unknown(name, "layer", (layer.name for layer in self.nodes))

    def __repr__(self) -> str:
        """What network it is of, in one line; `print` shows the table."""
        unknown = "" if self.totals.complete else "at least "
        parameters, macs = (
            "?" if self.unread else f"{unknown}{self.totals.known(name):,}"
            for name in ("parameters", "macs")
        )
        return (
            f"<Report {self.name!r}: {self.ends}, "
            f"batch {self.batch}, {self.dtype}, {parameters} parameters, {macs} MACs>"
        )

    def __str__(self) -> str:
        """The table as plain text, as `convcalc analyze` writes it into a pipe."""
        text: str = above("Report.__str__", self, peak=self.inference_peak)
        return text.removesuffix("\n")

    def to_markdown(
        self, *, columns: str | Sequence[str] | None = None, depth: int | None = None
    ) -> str:
        """A table for a README: some `columns`, blocks below `depth` folded into one row each.

        Raises `ValueError` for columns that there are not.
        """
        columns, depth = _table_of(columns, depth)
        text: str = above(
            "Report.to_markdown", self, columns=columns, depth=depth, peak=self.inference_peak
        )
        return text

    def to_csv(
        self, *, columns: str | Sequence[str] | None = None, depth: int | None = None
    ) -> str:
        """One row a layer, numbers as programs read them; see `to_markdown`."""
        columns, depth = _table_of(columns, depth)
        text: str = above("Report.to_csv", self, columns=columns, depth=depth)
        return text

    def to_json(self) -> str:
        """Everything, stable; docs/report.schema.json describes it."""
        text: str = above("Report.to_json", self)
        return text

    def to_dict(self) -> dict[str, Any]:
        """What `to_json` says, as Python has it."""
        return from_json(self.to_json())

    def _repr_html_(self) -> str:
        """The table, for notebooks."""
        text: str = above("Report._repr_html_", self, peak=self.inference_peak)
        return text


def _table_of(columns: object, depth: object) -> tuple[list[str] | None, int | None]:
    """Columns, also as the command line takes them, and a depth. Raises `TypeError`."""
    from convcalc.arguments import texts, whole

    names = None
    if columns is not None:
        listed = texts(columns, "columns", "['name', 'macs']")
        names = [name.strip() for each in listed for name in each.split(",")]
    return names, None if depth is None else whole(depth, "depth")
