"""What every rule says about networks that work, whatever their comments ignore; and the verdicts.

The networks are the bundled ones, those of the documentation, those of `tests/specs/ok` and those
of `tests/corpus`. A verdict is a row of `tests/corpus/verdicts.csv`: docs/findings.md says what it
rests on.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from paths import ROOT

from convcalc.checks.codes import Selection
from convcalc.checks.run import Task, check_text
from convcalc.checks.settings import Settings
from convcalc.diagnostics import Diagnostic
from convcalc.spec.text import SourceText

CORPUS = ROOT / "tests" / "corpus"
VERDICTS = CORPUS / "verdicts.csv"
ASKED_FOR = "CC414"
"""The rule that is off unless selected; it counts apart."""

DEFENSIBLE = frozenset({"cost", "later", "measured"})
"""What makes a finding right: doing what it says costs less and changes no other shape, or the
source did so later, or somebody measured what it warns of."""
UNTENABLE = frozenset({"explained", "unfounded"})
"""What makes it wrong: the source says why it is so, or nothing outside speaks for the finding."""

LEFT_OUT = {"rules.md"}
"""Pages whose specs are there to be found fault with."""

_BLOCK = re.compile(
    r"^#+ (?P<heading>[^\n]*)$|^```(?P<words>\w+[^\n]*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_CODE = re.compile(r"CC\d{3}")


class Spec(NamedTuple):
    """A text that describes a network that works."""

    name: str
    text: str


class Verdict(NamedTuple):
    """What somebody thinks of the findings with one code about one spec."""

    spec: str
    code: str
    findings: int
    evidence: str
    """One of `DEFENSIBLE` or `UNTENABLE`."""
    source: str
    """Where the evidence is to be found; empty where it is computed."""
    reason: str

    @property
    def defensible(self) -> bool:
        """Whether the findings are right."""
        return self.evidence in DEFENSIBLE


def specs() -> Iterator[Spec]:
    """All of them: files by their paths, specs of the documentation by page and heading."""
    folders = (ROOT / "architectures", CORPUS, ROOT / "tests" / "specs" / "ok")
    for folder in folders:
        for path in sorted(folder.glob("*.yaml")):
            name = path.relative_to(ROOT).as_posix()
            yield Spec(name, path.read_text(encoding="utf-8"))
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        if page.name not in LEFT_OUT:
            yield from _shown(page)


def _shown(page: Path) -> Iterator[Spec]:
    """The clean specs of a page, by the heading that they stand under, so that names last."""
    heading, numbers = "", Counter[str]()
    for match in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        if match["heading"]:
            heading = match["heading"]
            continue
        words, text = match["words"], match["text"]
        if (
            not words.startswith("yaml")
            or _CODE.search(words)
            or "fragment" in words
            or "layers:" not in text
        ):
            continue
        numbers[heading] += 1
        name = f"{page.relative_to(ROOT).as_posix()}: {heading}"
        yield Spec(name if numbers[heading] == 1 else f"{name}, {numbers[heading]}", text)


def findings(spec: Spec) -> list[Diagnostic]:
    """What `convcalc check` would say if no comment silenced anything, notes included.

    Rules that are off by default are on; errors, what is said of comments and notes that tell what
    a name means (CC117) are left out: they find no fault with a network.
    """
    return faults(said(spec))


def faults(items: Iterable[Diagnostic]) -> list[Diagnostic]:
    return [item for item in items if item.severity != "error" and item.code != "CC117"]


def said(spec: Spec) -> tuple[Diagnostic, ...]:
    """The same with errors, broken promises among them, and notes on names."""
    text = spec.text.replace("# convcalc:", "# convcalc;")  # places stay where they are
    settings = Settings(selection=Selection(extend_select=(ASKED_FOR,)))
    return check_text(SourceText(spec.name, text), Task(settings)).diagnostics


def verdicts() -> list[Verdict]:
    """The rows of the table, in its order."""
    return verdicts_of(VERDICTS)


def verdicts_of(table: Path) -> list[Verdict]:
    """The rows of a table, in its order."""
    with table.open(encoding="utf-8", newline="") as file:
        return [
            Verdict(
                row["spec"], row["code"], int(row["findings"]), row["evidence"],
                row["source"], row["reason"],
            )
            for row in csv.DictReader(file)
        ]  # fmt: skip


def table() -> str:
    """The findings and how many of them hold, by code, as a table of Markdown."""
    return table_of(verdicts())


def table_of(rows: list[Verdict]) -> str:
    """The same of some verdicts; the rule that is off by default apart, where it is among them."""
    groups = {
        code: [row for row in rows if row.code == code]
        for code in sorted({one.code for one in rows})
    }
    if ASKED_FOR in groups:
        groups[f"all but {ASKED_FOR}"] = [row for row in rows if row.code != ASKED_FOR]
    groups["all"] = rows
    kinds = ("cost", "later", "measured")
    lines = ["| Code | Specs that hold | Findings | Hold | Cost | Later | Measured |"]
    lines.append("| :--- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, group in groups.items():
        total = sum(row.findings for row in group)
        holding = [sum(row.findings for row in group if row.evidence == kind) for kind in kinds]
        specs_that_hold = f"{sum(row.defensible for row in group)} of {len(group)}"
        share = f"{100 * sum(holding) / total:.1f} %"
        cells = (name, specs_that_hold, total, share, *holding)
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"
