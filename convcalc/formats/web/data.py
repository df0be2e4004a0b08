"""What the page of a report reads: the JSON that the commands print, in columns."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from convcalc.analysis.compare import Change, beside, compare
from convcalc.analysis.memory import Model, Questions, RunTerms, answer, model, refusals
from convcalc.analysis.moved import moved_bytes
from convcalc.analysis.report import Report
from convcalc.checks.report import CheckReport
from convcalc.diagnostics import Diagnostic
from convcalc.explanation.layer import figures
from convcalc.explanation.peak import explain_peak
from convcalc.explanation.peak import page as peak_page
from convcalc.formats.check import json as check_json
from convcalc.formats.columns import COLUMNS
from convcalc.formats.diff import json as diff_json
from convcalc.formats.memory import json as memory_json
from convcalc.formats.rows import folded, rows
from convcalc.formats.web.columns import packed
from convcalc.formats.web.definitions import definitions
from convcalc.formats.web.picture import Graph, graph_data
from convcalc.graph import Network, SpecError
from convcalc.layers import CATALOGUE

SCHEMA = 1
"""Changes only when a field changes its meaning or goes."""
MAX_EXPLAINED = 2_000
"""Layers up to which each has its formulas, and a peak all of its tensors and what would lower it;
`convcalc explain` has those of larger networks."""
MOST_ALIVE = 200
"""Tensors of a peak that are listed of larger networks."""


class Subject(NamedTuple):
    """A network of a report, and what was found in it."""

    report: Report
    """What it takes, layer by layer."""
    checked: CheckReport
    """What `check` finds in its spec."""
    optimizer: str = "sgd"
    """The optimizer of its training step."""

    @property
    def network(self) -> Network:
        """The network that was analysed. Raises `ValueError` for a report made by hand."""
        if self.report.network is None:
            message = "the report has no network: it was not made by analyze"
            raise ValueError(message)
        return self.report.network


Memories: TypeAlias = dict[str, dict[str, Any]]
"""By run, inference or training, what `memory` and `explain --memory` print of it."""


def report_data(
    subjects: Sequence[Subject], graphs: Sequence[Graph | None], memories: Sequence[Memories]
) -> dict[str, Any]:
    """Everything that the page of some networks reads, with their graphs and their memory."""
    return {
        "schema": SCHEMA,
        "networks": [
            _network(subject, graph_data(graph, _sources(subject.report)), memory)
            for subject, graph, memory in zip(subjects, graphs, memories, strict=True)
        ],
        "changes": [packed([_changes(subjects[0], subject)]) for subject in subjects[1:]],
        "rows": packed(_side_by_side(subjects)) if len(subjects) > 1 else None,
        **common(),
    }


def common() -> dict[str, Any]:
    """What every page says of figures, columns and kinds."""
    return {
        "definitions": definitions(),
        "columns": {name: [column.title, column.doc] for name, column in COLUMNS.items()},
        "families": {kind: row.family for kind, row in CATALOGUE.items()},
    }


def _sources(report: Report) -> int:
    """How many inputs stand before the layers, which are counted without them."""
    return len(report.nodes) - len(report.layers)


def _network(subject: Subject, graph: dict[str, Any] | None, memory: Memories) -> dict[str, Any]:
    """One network, as a column of one object, and beside it the names that many columns have."""
    report, network = subject.report, subject.network
    names = [node.name for node in report.nodes]
    column = packed(
        [
            {
                "analyze": report.to_dict(),
                "memory": memory,
                "explain": _explained(network, report),
                "check": check_data(subject.checked),
                "rows": _rows(report),
                "groups": _groups(report),
                "moved": moved_bytes(report),
                "graph": graph,
            }
        ],
        {name: number for number, name in enumerate(names)},
    )
    return {"names": packed(names), "column": column}


def _explained(network: Network, report: Report) -> Mapping[str, Any] | None:
    """What `explain --all` prints; None of more layers than that pays for."""
    if not 0 < len(report.layers) <= MAX_EXPLAINED:
        return None
    layers = range(_sources(report), len(report.nodes))
    return figures(network, layers, batch=report.batch, dtype=report.dtype).data


def check_data(checked: CheckReport) -> dict[str, Any]:
    """What `check` prints as JSON, and the text of the line of each finding."""
    data: dict[str, Any] = json.loads(check_json.render(checked))
    lines = [each.source_line for each in checked.diagnostics]
    return {**data, "lines": lines, "layers": [each.layers for each in checked.diagnostics]}


def memories(subject: Subject) -> Memories:
    """The memory of both runs of a network."""
    return {run: _memory(subject, training=run == "training") for run in ("inference", "training")}


def _memory(subject: Subject, *, training: bool) -> dict[str, Any]:
    """What `memory` and `explain --memory` print; where it is refused, why."""
    network, report = subject.network, subject.report
    refused: Sequence[Diagnostic] = network.errors or refusals(
        network, report.batch, training=training
    )
    if not refused:
        terms = RunTerms(
            dtype=report.dtype,
            training=training,
            optimizer=subject.optimizer if training else "sgd",
        )
        try:
            mine = model(network, terms, ledger=True)
            answered = answer(network, terms, report.batch, Questions(), mine)
        except SpecError as error:
            refused = error.diagnostics
        except ValueError as error:  # a data type that nothing trains in
            return {"refused": [str(error)], "memory": None, "peak": None}
        else:
            return {
                "refused": [],
                "memory": json.loads(memory_json.render(answered)),
                "peak": _peak(network, mine, report.batch),
            }
    return {"refused": [each.message for each in refused], "memory": None, "peak": None}


def _peak(network: Network, mine: Model, batch: int) -> dict[str, Any]:
    """What `explain --memory` prints; of a large network without changes and small tensors."""
    many = len(network.layers) > MAX_EXPLAINED
    explained = explain_peak(network, mine.terms, batch, lower=not many, known=mine)
    data = {**peak_page(explained).data}
    if many:
        data["left_out"] = max(len(data["tensors"]) - MOST_ALIVE, 0)
        data["tensors"] = data["tensors"][:MOST_ALIVE]
    return data


def _rows(report: Report) -> list[dict[str, Any]]:
    """The rows of the table of layers: each a layer, or the heading of a group, by its number."""
    layer = group = -1
    listed = []
    for row in rows(report):
        if row.heading:
            group += 1
        else:
            layer += 1
        listed.append(
            {
                "heading": row.heading,
                "at": group if row.heading else layer,
                "label": row.label,
                "level": row.level,
                "says": row.hyperparameters,
            }
        )
    return listed


def _groups(report: Report) -> list[dict[str, Any]]:
    """The groups that have layers, with the sums over these; `start` and `stop` count layers."""
    first = _sources(report)
    listed = []
    for group in report.groups:
        if group.layers:
            row = folded(report, group)
            listed.append(
                {
                    "name": group.name,
                    "block": group.block,
                    "start": group.layers.start - first,
                    "stop": group.layers.stop - first,
                    "output": None if row.output is None else str(row.output),
                    "parameters": row.parameters,
                    "macs": row.macs,
                    "activation_bytes": row.activation_bytes,
                }
            )
    return listed


def _changes(old: Subject, new: Subject) -> dict[str, Any]:
    """What `diff` prints of two networks, layers by their numbers; of errors why it does not."""
    wrong = [each for each in (old, new) if each.network.errors]
    if wrong:
        paths = " and ".join(each.report.path for each in wrong)
        return {"refused": f"There are errors in {paths}.", "totals": None, "layers": []}
    comparison = compare(old.network, new.network, batch=old.report.batch, dtype=old.report.dtype)
    data = json.loads(diff_json.render(comparison._replace(changes=())))
    before, after = _numbers(old.report), _numbers(new.report)
    return {
        "refused": None,
        "totals": data["totals"],
        "layers": [_change(each, before, after) for each in comparison.changes],
    }


def _numbers(report: Report) -> dict[str, int]:
    return {layer.name: number for number, layer in enumerate(report.layers)}


def _change(change: Change, before: dict[str, int], after: dict[str, int]) -> dict[str, Any]:
    data = diff_json.change_value(change)
    return {
        **data,
        "old": None if change.old is None else before[change.old.name],
        "new": None if change.new is None else after[change.new.name],
    }


def _side_by_side(subjects: Sequence[Subject]) -> list[list[int | None]]:
    """Rows of numbers of layers, one a network: what `diff` puts beside the first's stands there.

    A layer that the first has not stands behind those of its own network that come before it.
    """
    first = subjects[0].report.layers
    count = len(subjects)
    table: list[list[int | None]] = [
        [number, *[None] * (count - 1)] for number in range(len(first))
    ]
    added: dict[int, list[list[int | None]]] = {}
    numbers = {id(layer): number for number, layer in enumerate(first)}
    for place, subject in enumerate(subjects[1:], start=1):
        own = {id(layer): number for number, layer in enumerate(subject.report.layers)}
        behind = -1
        for old, new in beside(first, subject.report.layers):
            if old is not None:
                behind = numbers[id(old)]
            if new is None:
                continue
            if old is not None:
                table[behind][place] = own[id(new)]
            else:
                row: list[int | None] = [None] * count
                row[place] = own[id(new)]
                added.setdefault(behind, []).append(row)
    listed = [*added.get(-1, [])]
    for number, row in enumerate(table):
        listed += [row, *added.get(number, [])]
    return listed
