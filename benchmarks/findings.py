"""What every rule says about networks that work, and how much of it holds.

`python -m benchmarks findings`: the findings in the bundled networks, the documentation's and the
corpus', whatever their comments ignore, with the verdicts of tests/corpus/verdicts.csv by code.

`python -m benchmarks findings FOLDER [SEED]`: findings drawn by the seed, without their verdicts
and with what somebody needs to judge them anew, and a table to write the answers into.
`python -m benchmarks findings ANSWERS.csv`: how many of those answers agree with the verdicts.
"""

import csv
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks.arguments import parser
from convcalc.diagnostics import Diagnostic
from convcalc.rules.page import pages

DRAWN = 100
SEED = 32
TASK = """Each question shows what a rule finds in a network that works, and the network.
Write into template.csv `true` where the findings are defensible and `false` where they are not, and
why, by something outside of this project:

- true: a later version of the network's source did what the help says; or doing it keeps the shapes
  of the other layers and lowers a cost (parameters, multiplications, values kept); or somebody has
  measured what the rule warns of.
- false: the source explains why it is so; or nothing outside speaks for the finding.

Notes are a matter of taste or budget: judge whether what they say is right and can be followed, not
whether it must be. Where several findings differ, say what holds for most of them. The pages of the
rules are at the end."""


def drawn(corpus: Any, seed: int) -> list[tuple[Any, str, list[Diagnostic]]]:
    """Some of the specs with a code, with their findings, in an order by the seed."""
    found = []
    for spec in corpus.specs():
        by_code: dict[str, list[Diagnostic]] = {}
        for item in corpus.findings(spec):
            by_code.setdefault(item.code, []).append(item)
        found += [
            (spec, code, items) for code, items in by_code.items() if code != corpus.ASKED_FOR
        ]
    # By a hash of each, so that one finding more or less does not draw all others anew.
    found.sort(key=lambda one: sha256(f"{seed} {one[0].name} {one[1]}".encode()).digest())
    return found[:DRAWN]


def shown(number: int, spec: Any, code: str, items: list[Diagnostic]) -> str:
    """One question: what was found where, in which text."""
    lines = [f"## {number}. {code} in {spec.name}", ""]
    for item in items:
        layer = f", layer {item.layer}" if item.layer else ""
        lines.append(f"- line {item.line}{layer}: {item.message}")
        lines.append(f"  - help: {item.help}")
    text = re.sub(r" *# convcalc:[^\n]*", "", spec.text).split("\n")  # they give reasons away
    numbered = [f"{line:4}  {words}" for line, words in enumerate(text, 1)]
    return "\n".join([*lines, "", "```text", *numbered, "```", ""])


def questions(corpus: Any, folder: Path, seed: int) -> None:
    """Write the findings and the table for the answers."""
    asked = drawn(corpus, seed)
    blocks = [
        shown(number, spec, code, items) for number, (spec, code, items) in enumerate(asked, 1)
    ]
    blocks[:0] = [f"Drawn by seed {seed}.", ""]
    write_questions(folder, blocks, [(spec.name, code) for spec, code, _ in asked])


def write_questions(folder: Path, blocks: Sequence[str], asked: Sequence[tuple[str, str]]) -> None:
    """Write questions, each about a spec and a code, with the pages of the rules, and the table."""
    known = pages()
    text = ["# Findings to judge", "", TASK, "", *blocks]
    text += ["# What the rules say of themselves", ""]
    codes = sorted({code for _, code in asked})
    text += [f"## {code} {known[code].name}\n\n{known[code].text}\n" for code in codes]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "findings.md").write_text("\n".join(text), encoding="utf-8")
    with (folder / "template.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("number", "spec", "code", "defensible", "reason"))
        for number, (spec, code) in enumerate(asked, 1):
            rows.writerow((number, spec, code, "", ""))


def agreement(corpus: Any, answers: Path) -> None:
    """Print how many answers are those of the table, and Cohen's kappa."""
    agree({(row.spec, row.code): row.defensible for row in corpus.verdicts()}, answers)


def agree(verdicts: Mapping[tuple[str, str], bool], answers: Path) -> None:
    """The same of some verdicts."""
    with answers.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    known = [row for row in rows if (row["spec"], row["code"]) in verdicts]
    if len(known) < len(rows):
        print(f"{len(rows) - len(known)} are about what is no longer found")
    said = {"true": True, "false": False}
    pairs = [
        (said[row["defensible"].strip().lower()], verdicts[row["spec"], row["code"]])
        for row in known
    ]
    counted = Counter(pairs)
    same = (counted[True, True] + counted[False, False]) / len(pairs)
    theirs, ours = (sum(pair[side] for pair in pairs) / len(pairs) for side in (0, 1))
    chance = theirs * ours + (1 - theirs) * (1 - ours)
    kappa = 1.0 if chance == 1 else (same - chance) / (1 - chance)
    print(f"{len(pairs)} judged again: {100 * same:.3g}% as in the table, kappa {kappa:.2f}")
    print(f"defensible: {100 * theirs:.3g}% by the answers, {100 * ours:.3g}% by the table")


def main(arguments: list[str]) -> int:
    """Print the table, write the questions, or compare the answers."""
    given = parser("findings", __doc__)
    given.add_argument("file", nargs="?", type=Path, help="as the text above says")
    given.add_argument("seed", nargs="?", type=int, default=SEED)
    options = given.parse_args(arguments)
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    import corpus_findings

    file: Path | None = options.file
    if file is None:
        print(corpus_findings.table(), end="")
    elif file.suffix == ".csv":
        agreement(corpus_findings, file)
    else:
        questions(corpus_findings, file, options.seed)
    return 0
