"""What a page is, and docs/rules.md, which is all of them.

The page of a code is the file `pages/CODE.md`: one sentence, why, of what is no error why it is a
warning or a note, a `Flagged` spec that gives exactly this code and an `Instead` spec that does
not. The tests run both. Severity and name stand in `CODES`; only who shows a page reads it.
"""

import re
from pathlib import Path
from typing import NamedTuple

from convcalc.rules import CODES

FOLDER = Path(__file__).parent / "pages"

STAGES = {
    "CC1": "Spec",
    "CC2": "Wiring",
    "CC3": "Shapes and hyperparameters",
    "CC4": "Advice",
    "CC5": "Expectations and budgets",
    "CC6": "Networks from elsewhere",
    "CC9": "The check itself",
}
"""Prefix of codes → what they are about."""

_SPEC = re.compile(r"^\*\*(Flagged|Instead)\*\*\n\n```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Page(NamedTuple):
    """What there is to say about one code."""

    code: str
    """The code, `CC301`; the first digit is the stage."""
    name: str
    """What an advice rule finds, in words joined by `-`; empty for other codes."""
    severity: str
    """How grave its findings are, unless `strict` makes errors of warnings."""
    default: bool
    """Whether it is reported unless selected otherwise."""
    text: str
    """The whole page in Markdown, without a heading."""

    @property
    def summary(self) -> str:
        """Its first paragraph, on one line."""
        return " ".join(self.text.split("\n\n", 1)[0].split())

    @property
    def stage(self) -> str:
        """What codes like this are about."""
        return STAGES[self.code[:3]]

    @property
    def specs(self) -> dict[str, str]:
        """The specs under `Flagged` and `Instead`, where it has them."""
        return dict(_SPEC.findall(self.text))

    @property
    def heading(self) -> str:
        """Code and name."""
        return f"{self.code} {self.name}".strip()

    @property
    def markdown(self) -> str:
        """The whole page."""
        kind = self.severity if self.default else f"{self.severity}, off unless selected"
        return f"### {self.heading}\n\n*{self.stage}, {kind}.*\n\n{self.text}\n"


def read_page(code: str) -> Page:
    """The page of a code; `KeyError` where there is no such code."""
    row = CODES[code]
    text = (FOLDER / f"{code}.md").read_text(encoding="utf-8").rstrip("\n")
    return Page(code, row.name, row.severity, row.default, text)


def pages() -> dict[str, Page]:
    """Every page, by code."""
    return {code: read_page(code) for code in CODES}


def markdown() -> str:
    """docs/rules.md."""
    everything = pages()
    lines = [
        "# Rules",
        "",
        "Every finding has a code; its first digit says at which stage it comes up.",
        "An error makes the spec invalid or breaks a promise, a warning is probably a mistake,",
        "and a note is a matter of taste or budget, which fails a run only with `--fail-on note`.",
        "`convcalc rule CC401` prints these pages, and the specs on them are run by the tests.",
        "This file is written by `python -m convcalc.rules > docs/rules.md`.",
        "",
        "| Code | | What it says |",
        "|:--|:--|:--|",
    ]
    for page in everything.values():
        state = page.severity if page.default else f"{page.severity}, off"
        lines.append(f"| [{page.code}](#{_anchor(page.heading)}) | {state} | {page.summary} |")
    stage = ""
    for page in everything.values():
        if page.stage != stage:
            stage = page.stage
            lines += ["", f"## {stage}"]
        lines += ["", _marked(page).rstrip("\n")]
    return "\n".join(lines) + "\n"


def _marked(page: Page) -> str:
    """The page, its flagged spec marked with the code that reading it gives."""
    if page.code > "CC4":
        return page.markdown
    flagged = "**Flagged**\n\n```yaml"
    return page.markdown.replace(flagged, f"{flagged} {page.code}")


def _anchor(heading: str) -> str:
    return heading.lower().replace(" ", "-")
