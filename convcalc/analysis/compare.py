"""Two networks side by side: layers added, removed and changed, and the totals."""

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, Literal, NamedTuple

from convcalc.analysis.cost import analyze
from convcalc.analysis.memory import memory
from convcalc.analysis.report import LayerReport, Report
from convcalc.diagnostics import Diagnostic
from convcalc.graph import Network, SpecError
from convcalc.layers import NAMING, UNPOOL
from convcalc.layers.base import Layer, declarations, field_value, hyperparameters
from convcalc.methods import above, from_json
from convcalc.numbers import plural

MAX_ALIGNED = 3_000
"""Layers up to which the two lists are aligned; longer ones are matched by name alone."""

Status = Literal["added", "removed", "changed", "affected"]


class Change(NamedTuple):
    """One layer that is not as it was."""

    status: Status
    """`changed`: what is written of it; `affected`: only its output or costs, by what came before.
    """
    old: LayerReport | None
    """The layer in the old network; None where it was added."""
    new: LayerReport | None
    """The layer in the new network; None where it was removed."""
    fields: tuple[tuple[str, object, object], ...] = ()
    """Hyperparameters that differ, and `frozen`, `written` and `output`, with the old and the new
    value."""
    weights: tuple[str | None, str | None] | None = None
    """The layer whose weights it used and uses, None of its own; None where that is as it was."""
    reads: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    """What it read and reads, where it reads another tensor that was there before, too."""

    @property
    def name(self) -> str:
        """The name of the layer, both where it was renamed."""
        return " → ".join(dict.fromkeys(one.name for one in (self.old, self.new) if one))


class Delta(NamedTuple):
    """One total before and after."""

    name: str
    """Which total it is, one of `TOTALS`."""
    old: int
    """The old network's: values, MACs, FLOPs or bytes, as the name says."""
    new: int
    """The new network's, in the same unit."""

    @property
    def difference(self) -> int:
        """How much more it is."""
        return self.new - self.old

    @property
    def ratio(self) -> float | None:
        """How much more it is, as a part of what it was; None of nothing.

        >>> Delta("macs", 200, 210).ratio
        0.05
        """
        return self.difference / self.old if self.old else None


class Comparison(NamedTuple):
    """What became of a network."""

    old: Report
    """What the old network takes, layer by layer."""
    new: Report
    """What the new network takes, for the same batch and data type."""
    changes: tuple[Change, ...]
    """The layers that are not as they were; those that are stand nowhere."""
    totals: tuple[Delta, ...]
    """Each of `TOTALS` before and after; without training's memory where nothing trains, and those
    that are `unknown`.
    """
    unknown: tuple[tuple[str, Diagnostic], ...] = ()
    """The totals that one of the networks has no figure for, and why."""

    def total(self, name: str) -> Delta | None:
        """A total by name; None where there is none, as of training in int8, or it is `unknown`.

        Raises `KeyError` for a name that is none of `TOTALS`.
        """
        if name not in [*TOTALS]:
            from convcalc.arguments import unknown

            raise unknown(name, "total", TOTALS)
        return next((delta for delta in self.totals if delta.name == name), None)

    def __repr__(self) -> str:
        """Which networks, and how many layers changed, in one line; `print` shows them."""
        changed = plural(len(self.changes), "change")
        return f"<Comparison {self.old.path!r} → {self.new.path!r}: {changed}>"

    def __str__(self) -> str:
        """What differs as plain text, as `convcalc diff` writes it."""
        text: str = above("Comparison.__str__", self)
        return text.removesuffix("\n")

    def to_markdown(self) -> str:
        """The totals, and the layers that differ behind a fold, for a pull request."""
        text: str = above("Comparison.to_markdown", self)
        return text

    def to_csv(self) -> str:
        """One row for each total, and each figure of a layer that differs."""
        text: str = above("Comparison.to_csv", self)
        return text

    def _repr_html_(self) -> str:
        """The totals and the layers that differ, for notebooks."""
        text: str = above("Comparison._repr_html_", self)
        return text

    def to_json(self) -> str:
        """Everything, stable."""
        text: str = above("Comparison.to_json", self)
        return text

    def to_dict(self) -> dict[str, Any]:
        """What `to_json` says, as Python has it."""
        return from_json(self.to_json())


COUNTS = ("parameters", "buffers", "macs", "flops", "activations", "activation_bytes")
TOTALS = (*COUNTS, "largest_tensor", "memory", "training_memory")
"""Totals that are compared.

The largest tensor is of one example; memory is the peak of inference, and of a training step with
SGD.
"""


def compare(old: Network, new: Network, *, batch: int = 1, dtype: str = "float32") -> Comparison:
    """Compare two networks without errors; raises `SpecError` where there are any."""
    before = analyze(old, batch=batch, dtype=dtype)
    after = analyze(new, batch=batch, dtype=dtype)
    pairs = beside(before.layers, after.layers)
    renamed = _renamed(old, new, pairs)
    ways, ends = _ways(old, new), _ends(old, new)
    changes = tuple(
        change
        for one, other in pairs
        if (change := _change(one, other, renamed, ways, ends)) is not None
    )
    totals = [
        Delta(name, getattr(before.totals, name), getattr(after.totals, name)) for name in COUNTS
    ]
    totals.append(Delta("largest_tensor", *(_largest(one) for one in (before, after))))
    unknown: list[tuple[str, Diagnostic]] = []
    for name, training in (("memory", False), ("training_memory", True)):
        if training and dtype == "int8":  # nothing trains in integers
            continue
        try:
            peaks = [
                memory(one, batch=batch, dtype=dtype, training=training).peak for one in (old, new)
            ]
        except SpecError as error:  # of memory alone: the networks themselves have no errors
            unknown.append((name, error.diagnostics[0]))
        else:
            totals.append(Delta(name, *peaks))
    return Comparison(before, after, changes, tuple(totals), tuple(unknown))


Ways = tuple[Mapping[str, str], Mapping[str, str]]
"""How the layers of both networks are written in code, by their names."""


def _ways(old: Network, new: Network) -> Ways:
    """How layers are written, where both specs say it: what one says nothing of is no change."""
    if not old.ways or not new.ways:
        return {}, {}
    from convcalc.graph.written import written  # of what few specs say

    before, after = (
        {
            node.name: " ".join(sorted(words))
            for node, words in zip(each.nodes, written(each), strict=True)
        }
        for each in (old, new)
    )
    return before, after


Ends = tuple[frozenset[str], frozenset[str]]
"""The layers whose outputs are both networks', by their names."""


def _ends(old: Network, new: Network) -> Ends | None:
    """The outputs, where a spec says them: else it is the last layer, and no news."""
    if not old.output_names and not new.output_names:
        return None
    before, after = (
        frozenset(each.nodes[index].name for index in each.outputs) for each in (old, new)
    )
    return before, after


def _largest(report: Report) -> int:
    shapes = [node.output for node in report.nodes]
    return max((shape.size for shape in shapes if shape is not None), default=0)


Pairs = list[tuple[LayerReport | None, LayerReport | None]]


def beside(old: Sequence[LayerReport], new: Sequence[LayerReport]) -> Pairs:
    """The layers beside one another, None where one has no counterpart.

    Unnamed layers are called by kind and number, so one that is added renames those behind it:
    the lists are aligned by name, and by what the layers are, and the closer way is taken.
    """
    if max(len(old), len(new)) > MAX_ALIGNED:
        return _by_name(old, new)
    by_name = _aligned(old, new, [one.name for one in old], [one.name for one in new])
    by_kind = _aligned(old, new, [_signature(one) for one in old], [_signature(one) for one in new])
    return min((by_name, by_kind), key=_distance)


def _renamed(old: Network, new: Network, pairs: Pairs) -> dict[str, str]:
    """What the layers and inputs of the old network that are there still are called in the new."""
    names = {one.name: other.name for one, other in pairs if one is not None and other is not None}
    before, after = old.named_inputs, new.named_inputs
    if len(before) == len(after) == 1:
        return {**dict(zip(before, after, strict=True)), **names}
    return {**{name: name for name in before if name in after}, **names}


def _signature(layer: LayerReport) -> str:
    return f"{layer.kind} {layer.layer!r}"


def _distance(pairs: Pairs) -> int:
    return sum(
        1 if one is None or other is None else int(one.layer != other.layer) for one, other in pairs
    )


def _aligned(
    old: Sequence[LayerReport],
    new: Sequence[LayerReport],
    old_keys: Sequence[str],
    new_keys: Sequence[str],
) -> Pairs:
    pairs: Pairs = []
    matcher = SequenceMatcher(None, old_keys, new_keys, autojunk=False)
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        if tag == "equal":
            pairs += zip(old[start:end], new[new_start:new_end], strict=True)
        else:
            pairs += _by_kind(old[start:end], new[new_start:new_end])
    return pairs


def _by_kind(old: Sequence[LayerReport], new: Sequence[LayerReport]) -> Pairs:
    """Layers of one kind beside one another, in order; the rest was removed or added."""
    pairs: Pairs = []
    matcher = SequenceMatcher(
        None, [one.kind for one in old], [one.kind for one in new], autojunk=False
    )
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        if tag == "equal":
            pairs += zip(old[start:end], new[new_start:new_end], strict=True)
        else:
            pairs += [(one, None) for one in old[start:end]]
            pairs += [(None, one) for one in new[new_start:new_end]]
    return pairs


def _by_name(old: Sequence[LayerReport], new: Sequence[LayerReport]) -> Pairs:
    before = {one.name: one for one in old}
    after = {one.name for one in new}
    pairs: Pairs = [(one, None) for one in old if one.name not in after]
    return pairs + [(before.get(one.name), one) for one in new]


def _change(
    old: LayerReport | None,
    new: LayerReport | None,
    renamed: Mapping[str, str],
    ways: Ways,
    ends: Ends | None,
) -> Change | None:
    if old is None or new is None:
        return Change("removed" if new is None else "added", old, new)
    weights, reads = _other_weights(old, new, renamed), _other_inputs(old, new, renamed)
    cold = _frozen(old), _frozen(new)
    other: tuple[tuple[str, object, object], ...] = ()
    if cold[0] != cold[1]:
        other = (("frozen", *cold),)
    code = ways[0].get(old.name), ways[1].get(new.name)
    if old.kind == new.kind and code[0] != code[1]:
        other += (("written", *code),)
    if ends is not None and (old.name in ends[0]) != (new.name in ends[1]):
        other += (("output", old.name in ends[0], new.name in ends[1]),)
    if old.kind == new.kind and (old.layer == new.layer or _undo_alike(old, new, renamed)):
        if weights or reads or other:
            return Change("changed", old, new, other, weights, reads)
        same = (old.output, old.parameters, old.buffers, old.macs, len(old.inputs)) == (
            new.output,
            new.parameters,
            new.buffers,
            new.macs,
            len(new.inputs),
        )
        return None if same else Change("affected", old, new)
    mine = hyperparameters(old.layer) if old.layer else {}
    theirs = hyperparameters(new.layer) if new.layer else {}
    names = dict.fromkeys([*mine, *theirs])
    fields = tuple(
        (name, _value(old.layer, name), _value(new.layer, name))
        for name in names
        if mine.get(name) != theirs.get(name)
    )
    return Change("changed", old, new, fields + other, weights, reads)


def _frozen(layer: LayerReport) -> bool:
    """Whether it has parameters of its own that do not learn."""
    return bool(layer.frozen and layer.parameters)


def _undo_alike(old: LayerReport, new: LayerReport, renamed: Mapping[str, str]) -> bool:
    """Whether both undo the same pool, which may be called otherwise, or slide otherwise."""
    if old.kind != UNPOOL or old.layer is None or new.layer is None:
        return False
    before, after = (field_value(each, NAMING[UNPOOL]) for each in (old.layer, new.layer))
    return bool(renamed.get(before, before) == after)


def _other_weights(
    old: LayerReport, new: LayerReport, renamed: Mapping[str, str]
) -> tuple[str | None, str | None] | None:
    """Whose weights a layer uses, where that is another; None where it is as it was.

    What was done to the layer that has them is told of that.
    """
    before, after = old.shared_with, new.shared_with
    if before is None or after is None:
        return None if before is after else (before, after)
    return None if renamed.get(before, after) == after else (before, after)


def _other_inputs(
    old: LayerReport, new: LayerReport, renamed: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """What a layer reads, where one of it is another and both are on both sides; else None.

    What is put between two layers, or taken out there, is told by itself.
    """
    known = {*renamed.values()}
    other = any(
        renamed.get(one, two) != two and two in known
        for one, two in zip(old.inputs, new.inputs, strict=False)
    )
    return (old.inputs, new.inputs) if other else None


def _value(layer: Layer | None, name: str) -> object:
    """A field's value; None where a layer has no such field."""
    if layer is None or name not in declarations(type(layer)):
        return None
    return field_value(layer, name)
