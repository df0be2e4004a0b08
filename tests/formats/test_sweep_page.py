"""The page of a sweep: what it shows is what the command prints, with its script and without it."""

import json
import os
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner
from paths import ROOT

from convcalc.cli import convcalc
from convcalc.formats.web.columns import unpacked
from convcalc.pictures.scatter import MOST

WEB = ROOT / "web"
UPDATE = bool(os.environ.get("CONVCALC_UPDATE"))
SPEC = """
name: Tiny
input: 8x8x3
parameters: {width: 4, mode: "small"}
layers:
  - conv: {filters: round(width), kernel: 3}
  - conv: {filters: "8 if mode == 'large' else 2", kernel: 3}
  - relu
"""
LARGE = """
name: Large
input: 100000x100000x3
parameters: {width: 512}
layers:
  - conv: {filters: width, kernel: 3}
  - conv: {filters: width, kernel: 3}
"""
GRID = """
name: Grid
input: 8x8x3
parameters: {a: 1, b: 1}
layers:
  - conv: {filters: a, kernel: 3}
  - conv: {filters: b, kernel: 3}
"""
HOSTILE = "</noscript></script><script>alert(1)</script><!--"
WIDTHS = ("--vary", "width=2.8..4.2:0.1")
CASES: dict[str, tuple[str, tuple[str, ...]]] = {
    "three goals, and designs that give one network": (
        SPEC,
        (
            *(*WIDTHS, "--vary", "input=8,12", "--pareto", "macs,-activations,parameters"),
            *("--top", "5", "--sort", "-macs"),
        ),
    ),
    "an axis as a goal, and axes of words": (
        SPEC,
        (
            *("--vary", "mode=small,large", *WIDTHS, "--vary", "batch=1,2"),
            *("--vary", "dtype=float32,float16", "--pareto", "memory,-width", "--top", "3"),
            *("--columns", "set.mode,set.width,layers"),
        ),
    ),
    "numbers that JavaScript has not": (
        LARGE,
        ("--vary", "width=512..520", "--pareto", "macs,-activations", "--columns", "memory"),
    ),
    "no front": (SPEC, (*WIDTHS, "--sort", "-macs")),
}


class Page(HTMLParser):
    """What stands in a page of a sweep."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.rows: list[list[str]] = []
        self.texts: dict[str, list[str]] = {}
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._tag = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        self.texts.setdefault(tag, []).append("")
        self._tag = tag
        if tag == "table":
            self.tables.append([])
            self.rows.append([])
        elif tag == "tr" and ("class", "designs") in self._of("table"):
            self.tables[-1].append([])
            row = self.elements[-1][1].get("id") or ""
            self.rows[-1].append(row)

    def _of(self, tag: str) -> list[tuple[str, str | None]]:
        return [*next(found for name, found in reversed(self.elements) if name == tag).items()]

    def handle_endtag(self, tag: str) -> None:
        del tag
        self._tag = ""

    def handle_data(self, data: str) -> None:
        if not self._tag:
            return
        self.texts[self._tag][-1] += data
        if self._tag == "td" and self.tables[-1]:
            self.tables[-1][-1].append(data)

    @property
    def data(self) -> Any:
        return json.loads(self.texts["script"][0])

    @property
    def designs(self) -> list[list[list[str]]]:
        """The cells of the tables of networks."""
        return [[row for row in table if row] for table in self.tables if table]


class Swept(NamedTuple):
    """A sweep: its page, and what it prints as JSON."""

    page: str
    answer: Any


def swept(folder: Path, spec: str, arguments: tuple[str, ...]) -> Swept:
    path, page = folder / "net.yaml", folder / "page.html"
    path.write_text(spec, encoding="utf-8")
    asked = ["sweep", str(path), *arguments, "-o", str(page), "--force", "--jobs", "1"]
    result = CliRunner().invoke(convcalc, [*asked, "-f", "json"])
    assert result.exit_code == 0, result.output
    return Swept(page.read_text(encoding="utf-8"), json.loads(result.stdout))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Swept]:
    """The page of each case."""
    folder = tmp_path_factory.mktemp("swept")
    return {what: swept(folder, *case) for what, case in CASES.items()}


def test_every_number_that_the_script_reads_is_what_the_command_prints(
    pages: dict[str, Swept],
) -> None:
    for what, (page, answer) in pages.items():
        data = Page(page).data
        numbers = unpacked(data["designs"])
        known = {each["design"]: each for each in [*(answer["front"] or []), *answer["best"]]}

        assert {*numbers} == {*known}, what
        assert len(numbers) == len(known), what
        assert unpacked(data["count"]) == [known[each]["designs"] for each in numbers], what
        assert numbers[: data["front"]] == [each["design"] for each in answer["front"] or []], what
        measures = [column for column in data["columns"] if column["is"] != "axis"]
        assert len(measures) == len(answer["columns"])
        for name, column in zip(answer["columns"], measures, strict=True):
            told = unpacked(column["values"])
            assert told == [known[each]["measures"][name] for each in numbers], (what, name)
        kept = [answer["front"], answer["best"]] if answer["pareto"] else [answer["best"]]
        for table, networks in zip(data["tables"], kept, strict=True):
            shown = [numbers[at] for at in unpacked(table["at"])]
            assert shown == [each["design"] for each in networks], what


def test_a_column_is_called_as_in_a_file_of_rows(tmp_path: Path) -> None:
    """An axis is told from what is worked out of the same name, by which tables are sorted, too."""
    spec = SPEC.replace("width", "macs")
    page = Page(swept(tmp_path, spec, ("--vary", "macs=1..3", "--vary", "mode=small,large")).page)

    names = [column["name"] for column in page.data["columns"]]
    assert names == ["set.macs", "mode", "parameters", "macs"]


def test_the_script_reads_what_python_writes(pages: dict[str, Swept]) -> None:
    """The unit tests of web/ hold front.ts against this file."""
    cases = []
    for what, (text, answer) in pages.items():
        page = Page(text)
        kept = [answer["front"], answer["best"]] if answer["pareto"] else [answer["best"]]
        cases.append(
            {
                "what": what,
                "data": page.data,
                "tables": page.designs,
                "designs": [[each["design"] for each in networks] for networks in kept],
            }
        )
    path = WEB / "test" / "front.json"
    text = json.dumps(cases, ensure_ascii=False, indent=1) + "\n"
    if UPDATE:
        path.write_text(text, encoding="utf-8")

    assert path.read_text(encoding="utf-8") == text


def test_a_page_loads_nothing_and_runs_its_own_script_alone(pages: dict[str, Swept]) -> None:
    for text, _ in pages.values():
        page = Page(text)
        content = next(
            found["content"] or ""
            for _, found in page.elements
            if found.get("http-equiv") == "Content-Security-Policy"
        )
        policy = dict(each.split(" ", 1) for each in content.split("; "))
        for name, own in (
            ("script-src", page.texts["script"][1]),
            ("style-src", page.texts["style"][0]),
        ):
            told = b64encode(sha256(own.encode()).digest()).decode()
            assert policy[name] == f"'sha256-{told}'"
        assert policy["default-src"] == "'none'"
        assert len(page.texts["script"]) == 2
        assert "url(" not in page.texts["style"][0]
        for tag, found in page.elements:
            assert tag not in {"link", "iframe", "img", "object", "embed", "base"}
            assert not {"src", "srcset", "style", "background"} & found.keys()
            assert (found.get("href") or "#").startswith("#")
            assert not [name for name in found if name.startswith("on")]


def test_names_and_values_are_no_markup(tmp_path: Path) -> None:
    spec = SPEC.replace("name: Tiny", f"name: {json.dumps(HOSTILE)}")
    values = json.dumps([HOSTILE, "large"])
    axes = ("--vary", f"mode={values}", "--vary", "width=0,3", "--pareto", "macs,-width")

    text, _ = swept(tmp_path, spec, axes)
    page = Page(text)

    assert len(page.texts["script"]) == 2
    assert page.texts["title"][0].startswith(HOSTILE)
    assert HOSTILE in page.data["columns"][0]["words"]
    assert any(HOSTILE in row for table in page.designs for row in table)
    assert any(HOSTILE in text for text in page.texts["td"] if text.startswith("at "))
    assert text.count("</noscript>") == 1
    assert not re.search(r"<(script|!--)(?!( type=\"application/json\" id=\"data\")?>)", text)


@pytest.mark.thorough
def test_a_page_of_ten_thousand_points_is_small(tmp_path: Path) -> None:
    axes = ("--vary", "a=1..101", "--vary", "b=1..101", "--pareto", "macs,-a,-b", "--top", "5")

    text, answer = swept(tmp_path, GRID, axes)
    page = Page(text)

    assert len(answer["front"]) == 101 * 101
    assert len(page.designs[0]) == 101 * 101
    assert len(page.texts["script"][0]) < 50_000
    assert len(text.encode()) < 1_500_000
    assert len([found for tag, found in page.elements if tag == "a"]) <= MOST
