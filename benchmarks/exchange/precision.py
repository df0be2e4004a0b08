"""What `check` finds in networks that are ONNX files, beside the verdicts on it."""

import sys
import tempfile
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from benchmarks.findings import agree, write_questions
from benchmarks.timing import print_table
from convcalc.diagnostics import Diagnostic
from convcalc.graph import Network, read
from convcalc.layers.base import hyperparameters

SHARE = 0.95
"""How much of what is found is to hold."""


def precision(given: Sequence[str], questions: str | None) -> int:
    """Check all files, and print how much of what is found holds; how many things are not right.

    That is findings without a verdict, verdicts without a finding, errors in networks that run,
    and verdicts that rest on a lower cost which is none. Of a table of answers it prints how many
    agree with the verdicts.
    """
    tests = Path(__file__).parents[2] / "tests"
    sys.path[:0] = [str(tests / "exchange"), str(tests)]
    import corpus_findings
    import imported_findings

    table = imported_findings.verdicts()
    answers = [Path(each) for each in given if each.endswith(".csv")]
    for each in answers:
        agree({(row.spec, row.code): row.defensible for row in table}, each)
    if answers:
        return 0
    wrong: list[str] = []
    seen: dict[str, list[Diagnostic]] = {}
    counts: dict[str, list[int]] = {}
    blocks: dict[tuple[str, str], str] = {}
    with tempfile.TemporaryDirectory() as folder:
        files = chain(
            imported_findings.light(),
            imported_findings.zoo(Path(folder)),
            imported_findings.torchvision([Path(each) for each in given]),
        )
        for file in files:
            items = imported_findings.said(file)
            wrong += imported_findings.unjudged(file, items, table)
            wrong += imported_findings.without_gain(file, table)
            faults = [item for item in items if item.code not in imported_findings.LIMITS]
            row = counts.setdefault(file.network.partition("/")[0], [0, 0, 0, 0])
            for at, more in enumerate((1, len(faults) == len(items), bool(faults), len(faults))):
                row[at] += more
            if faults and questions is not None and file.network not in seen:
                blocks |= asked(len(blocks), file.network, file.path, faults)
            seen[file.network] = faults
    rows = [row for row in table if row.spec in seen]
    heading = ["", "files", "whole", "with findings", "findings"]
    print_table([heading, *([name, *map(str, numbers)] for name, numbers in counts.items())])
    print(f"\n{corpus_findings.table_of(rows)}")
    unseen = sorted({row.spec for row in table} - seen.keys())
    if unseen:
        print(f"{len(unseen)} networks with verdicts were not looked at: {', '.join(unseen)}")
    for line in wrong:
        print(line)
    holding = sum(row.findings for row in rows if row.defensible)
    if holding < SHARE * sum(row.findings for row in rows):
        wrong.append("too few hold")
    if questions is not None:
        write_questions(Path(questions), [*blocks.values()], [*blocks])
    return len(wrong)


AROUND = 4
"""Layers before and behind one that is asked about which are shown, too."""


def asked(
    before: int, name: str, path: Path, items: Sequence[Diagnostic]
) -> dict[tuple[str, str], str]:
    """A question for each code: what was found, and the layers around."""
    network = read(str(path))
    at = {node.name: index for index, node in enumerate(network.nodes)}
    blocks: dict[tuple[str, str], str] = {}
    for code in sorted({item.code for item in items}):
        given = ", ".join(f"{key} {network.shape_of(i)}" for key, i in network.named_inputs.items())
        lines = [f"## {before + len(blocks) + 1}. {code} in {name} ({given})", ""]
        for item in items:
            if item.code != code:
                continue
            lines += [
                f"- layer {item.layer}: {item.message}",
                f"  - help: {item.help}",
                "",
                "```text",
            ]
            here = at.get(item.layer or "", 0)
            for index in range(max(here - AROUND, 0), min(here + AROUND + 1, len(network.nodes))):
                lines.append(_layer(network, index))
            lines += ["```", ""]
        blocks[name, code] = "\n".join(lines)
    return blocks


def _layer(network: Network, index: int) -> str:
    """A layer in a line: its name, kind, fields, what it reads and its shape."""
    node = network.nodes[index]
    fields = {
        key: value
        for key, value in (hyperparameters(node.layer) if node.layer else {}).items()
        if value is not None
    }
    read_from = ", ".join(network.nodes[each].name for each in node.inputs)
    return f"{node.name}: {node.kind} {fields} of {read_from} → {network.shape_of(index)}"
