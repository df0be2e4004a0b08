"""The page of a sweep in a browser: points and rows that go together, and that all can be used.

`CONVCALC_BROWSER` asks for it, as for the report.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from convcalc.cli import convcalc

if not os.environ.get("CONVCALC_BROWSER"):
    pytest.skip("CONVCALC_BROWSER names no browser", allow_module_level=True)
pytest.importorskip("pytest_playwright", reason="which runs the browser")
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

# A plugin of pytest-playwright's declares a fixture as pytest 10 will not take it.
pytestmark = pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance")

SPEC = """
name: "</script><script>alert(1)</script>"
input: 32x32x3
parameters: {width: 16, depth: 2, stride: 1, mode: "<b>small"}
layers:
  - conv: {filters: "width if mode == '<b>small' else 2*width", kernel: 4, stride: stride}
  - layers:
      - conv: {filters: 2*width, kernel: 3, padding: same, bias: false}
      - relu
    repeat: depth
"""
GRID = """
name: Grid
input: 8x8x3
parameters: {a: 1, b: 1}
layers:
  - conv: {filters: a, kernel: 3}
  - conv: {filters: b, kernel: 3}
"""
AXES = ("--vary", "width=8..16:4", "--vary", "depth=1..3", "--vary", "stride=1,2,3")
MODES = ("--vary", "mode=['<b>small', large]")
SWEEPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "three": (SPEC, (*AXES, *MODES, "--pareto", "macs,-parameters,-receptive_field")),
    "two": (SPEC, (*AXES, "--pareto", "macs,-receptive_field", "--top", "5", "--sort", "-macs")),
    "none": (SPEC, AXES),
    "many": (GRID, ("--vary", "a=1..40", "--vary", "b=1..40", "--pareto", "macs,-a,-b")),
}


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """The browser of the system, where one is named."""
    named = os.environ["CONVCALC_BROWSER"]
    path = {} if named == "yes" else {"executable_path": named}
    return {"args": ["--no-sandbox"], **path}


@pytest.fixture(scope="session")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each sweep prints as JSON, and under "folder" where the pages are."""
    folder = tmp_path_factory.mktemp("sweeps")
    told: dict[str, Any] = {"folder": folder}
    for name, (spec, asked) in SWEEPS.items():
        (folder / "net.yaml").write_text(spec)
        page = str(folder / f"{name}.html")
        arguments = ["sweep", str(folder / "net.yaml"), *asked, "-o", page, "--jobs", "1"]
        result = CliRunner().invoke(convcalc, [*arguments, "-f", "json"])
        assert result.exit_code == 0, result.stderr
        told[name] = json.loads(result.stdout)
    return told


class Shown:
    """A page in the browser, and what the browser complained of."""

    def __init__(self, page: "Page", folder: Path) -> None:
        self.page = page
        self.folder = folder
        self.complaints: list[str] = []
        page.set_default_timeout(8_000)
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.asked(request.url))

    def asked(self, address: str) -> None:
        """Complain of what is loaded from elsewhere."""
        if not address.startswith(("file:", "data:")):
            self.complaints.append(address)

    def open(self, name: str, fragment: str = "") -> "Page":
        address = (self.folder / f"{name}.html").as_uri()
        self.page.goto(address + (f"#{fragment}" if fragment else ""))
        self.page.wait_for_selector(".designs tbody tr")
        return self.page


@pytest.fixture
def shown(page: "Page", answers: dict[str, Any]) -> Iterator[Shown]:
    """A page; at the end of a test the browser must have complained of nothing."""
    one = Shown(page, answers["folder"])
    yield one
    assert one.complaints == []


def cells(page: "Page", table: str) -> list[list[str]]:
    """The cells of the rows of a table that are there."""
    told: list[list[str]] = page.eval_on_selector_all(
        f"section[aria-labelledby={table}-title] tbody tr",
        "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))",
    )
    return told


def fragment(page: "Page") -> str:
    """What is chosen, as the address says it."""
    told: str = page.evaluate("location.hash")
    return told


def centre(page: "Page", selector: str) -> tuple[float, float]:
    box = page.locator(selector).bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_point_and_its_rows_go_together(shown: Shown, answers: dict[str, Any]) -> None:
    page = shown.open("three")
    front = answers["three"]["front"]
    row = page.locator("#front-2")
    row.hover()
    expect(page.locator(".ring.pointed")).to_be_visible()
    expect(row).to_have_class(re.compile("pointed"))
    x, y = centre(page, ".ring.pointed")
    page.mouse.move(x, y)
    hint = page.locator(".hint")
    expect(hint).to_be_visible()
    facts = dict(
        zip(hint.locator("dt").all_inner_texts(), hint.locator("dd").all_inner_texts(), strict=True)
    )
    there = next(
        each for each in front if facts["Parameters"] == f"{each['measures']['parameters']:,}"
    )
    assert facts["width"] == str(there["axes"]["width"])
    assert facts["Receptive field"] == str(there["measures"]["receptive_field"])
    assert {*facts} >= {"width", "depth", "stride", "mode", "MACs", "Parameters"}
    page.mouse.click(x, y)
    assert f"design={there['design']}" in fragment(page)
    chosen = page.locator("tr[aria-selected=true]")
    expect(chosen.first).to_be_visible()
    for each in chosen.all():
        assert each.locator("td").nth(0).inner_text() == str(there["axes"]["width"])
    page.mouse.move(2, 2)
    expect(page.locator(".ring.pointed")).to_be_hidden()
    expect(hint).to_be_hidden()
    expect(page.locator(".ring.chosen")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".ring.chosen")).to_be_hidden()
    page.go_back()
    expect(page.locator("tr[aria-selected=true]").first).to_be_visible()


def test_the_keyboard_goes_through_points_and_rows(shown: Shown, answers: dict[str, Any]) -> None:
    page = shown.open("two")
    front = answers["two"]["front"]
    picture = page.get_by_role("slider")
    page.keyboard.press("Tab")  # the theme
    page.keyboard.press("Tab")
    expect(picture).to_be_focused()
    expect(page.locator(".hint")).to_be_visible()
    page.keyboard.press("Home")
    least = min(front, key=lambda each: each["measures"]["macs"])
    assert f"design={least['design']}" in fragment(page)
    told = picture.get_attribute("aria-valuetext") or ""
    assert told.startswith(f"width {least['axes']['width']}, depth {least['axes']['depth']}")
    count = int(picture.get_attribute("aria-valuemax") or 0)
    seen = {fragment(page)}
    for number in range(2, count + 1):
        page.keyboard.press("ArrowRight")
        assert picture.get_attribute("aria-valuenow") == str(number)
        seen.add(fragment(page))
    assert len(seen) == count
    page.keyboard.press("Escape")
    expect(page.locator(".hint")).to_be_hidden()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(page.get_by_role("grid").first).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#front-1")).to_have_attribute("aria-selected", "true")
    assert page.get_by_role("grid").first.get_attribute("aria-activedescendant") == "front-1"
    assert f"design={front[1]['design']}" in fragment(page)


def test_heads_sort_their_tables(shown: Shown, answers: dict[str, Any]) -> None:
    page = shown.open("three")
    at_first = cells(page, "front")
    assert len(at_first) == len(answers["three"]["front"])
    page.click("section[aria-labelledby=front-title] thead >> text=Parameters")
    numbers = [int(row[4].replace(",", "")) for row in cells(page, "front")]
    assert numbers == sorted(numbers, reverse=True)
    assert "sort=-parameters" in fragment(page)
    page.click("section[aria-labelledby=front-title] thead >> text=Parameters")
    assert [int(row[4].replace(",", "")) for row in cells(page, "front")] == sorted(numbers)
    page.click("section[aria-labelledby=front-title] thead >> text=Parameters")
    assert cells(page, "front") == at_first
    page.click("section[aria-labelledby=best-title] thead >> text=width")
    widths = [int(row[0]) for row in cells(page, "best")]
    assert widths == sorted(widths, reverse=True)
    assert cells(page, "front") == at_first
    page.reload()
    assert [int(row[0]) for row in cells(page, "best")] == widths


def test_any_two_goals_stand_along_the_sides(shown: Shown, answers: dict[str, Any]) -> None:
    page = shown.open("three")
    across, up = page.get_by_label("Across"), page.get_by_label("Up")
    assert (across.input_value(), up.input_value()) == ("macs", "parameters")
    across.select_option("receptive_field")
    assert "across=receptive_field" in fragment(page)
    expect(page.locator(".plot text", has_text="Receptive field, more is better")).to_be_visible()
    page.locator(".plot").focus()
    page.keyboard.press("End")
    design = fragment(page).partition("design=")[2].partition("&")[0]
    every = [*answers["three"]["front"], *answers["three"]["best"]]
    fields = {each["design"]: each["measures"]["receptive_field"] for each in every}
    assert fields[int(design)] == max(fields.values())
    up.select_option("receptive_field")  # which was along the other side
    assert (across.input_value(), up.input_value()) == ("parameters", "receptive_field")
    assert shown.open("two").locator("select").count() == 0


def test_thousands_of_points_are_few_elements(shown: Shown, answers: dict[str, Any]) -> None:
    page = shown.open("many")
    front = answers["many"]["front"]
    assert len(front) == 1_600
    assert page.locator("*").count() < 600
    x, y = centre(page, ".plot")
    for step in range(60):
        page.mouse.move(x - 60 + 2 * step, y - 20 + step)
    assert page.locator("*").count() < 700
    page.locator(".plot").focus()
    page.keyboard.press("End")
    design = int(fragment(page).partition("design=")[2])
    most = max(front, key=lambda each: each["measures"]["macs"])
    assert design == most["design"]
    row = page.locator("tr[aria-selected=true]").first
    assert row.locator("td").first.inner_text() == str(most["axes"]["a"])
    frame = page.locator("section[aria-labelledby=front-title] .scroller").bounding_box()
    box = row.bounding_box()
    assert frame is not None
    assert box is not None
    assert frame["y"] <= box["y"] <= box["y"] + box["height"] <= frame["y"] + frame["height"] + 1


@pytest.mark.parametrize("name", ["three", "two", "none"])
def test_paper_has_every_row_and_nothing_to_press(
    shown: Shown, answers: dict[str, Any], name: str
) -> None:
    page = shown.page
    page.set_viewport_size({"width": 718, "height": 1047})
    shown.open(name)
    page.emulate_media(media="print", color_scheme="dark")
    page.wait_for_timeout(100)

    assert len(cells(page, "best")) == len(answers[name]["best"])
    if name != "none":
        assert len(cells(page, "front")) == len(answers[name]["front"])
        texts = page.locator(".plot text")
        assert texts.count() > 8
        assert all(text.is_visible() for text in texts.all())
    pressed = "buttons => buttons.map(button => getComputedStyle(button).display)"
    assert {*page.eval_on_selector_all("button", pressed)} <= {"none", "contents"}
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("document.documentElement.scrollWidth") <= 718


def test_a_page_is_read_without_its_script(browser: Any, answers: dict[str, Any]) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((answers["folder"] / "three.html").as_uri())
    text = page.inner_text("body")

    for each in answers["three"]["front"]:
        assert f"{each['measures']['parameters']:,}" in text
    page.locator("svg a").last.click()
    assert page.locator("tr:target").is_visible()
    context.close()


@pytest.mark.parametrize("width", [1360, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["three", "two", "none"])
def test_nothing_keeps_anybody_out(shown: Shown, name: str, scheme: Any, width: int) -> None:
    """Axe's rules of WCAG 2.2, A and AA, and what it holds for good practice."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = shown.page
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    shown.open(name)
    if name != "none":
        page.keyboard.press("Tab")
        page.locator(".plot").focus()
        page.keyboard.press("ArrowRight")
        expect(page.locator(".hint")).to_be_visible()

    violations = axe.run(page).response["violations"]
    told = [
        f"{each['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for each in violations
        for node in each["nodes"][:3]
    ]
    assert not told, "\n".join(told)
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width, f"the page is {wide} wide"
