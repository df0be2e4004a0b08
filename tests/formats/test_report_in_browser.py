"""The report in a browser: what is shown is what the commands print, and all of it can be used.

`CONVCALC_BROWSER` asks for it: the path of a Chromium, or `yes` for the one that Playwright has.
"""

import json
import os
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

import convcalc
from convcalc.cli import convcalc as command
from convcalc.formats.web.picture import graph, graph_data
from convcalc.graph import Network, read
from convcalc.numbers import grouped, megabytes
from convcalc.pictures.scene import Scene

if not os.environ.get("CONVCALC_BROWSER"):
    pytest.skip("CONVCALC_BROWSER names no browser", allow_module_level=True)
pytest.importorskip("pytest_playwright", reason="which runs the browser")
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

# A plugin of pytest-playwright's declares a fixture as pytest 10 will not take it.
pytestmark = pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance")

BROKEN = """\
name: Broken
input: 32x32x3
layers:
  - conv: {filters: 8, kernel: 3, padding: 1}
  - relu
  - conv: {filters: 8, kernel: 5, stride: 4}
  - relu
"""
WRONG = """\
name: Errors in groups
input: 16x16x4
layers:
  - name: first
    layers:
      - {conv: {filters: 4, kernel: 1}}
      - name: inner
        layers: [conv: {filters: 5, kernel: 3}, tanh, conv: {filters: 5, kernel: 3}]
  - name: second
    layers:
      - conv: {filters: 5, kernel: 1}
      - add: [[], [from: first.conv1]]
      - {name: behind, layers: [conv: {filters: 5, kernel: 1}, conv: {filters: 5, kernel: 99}]}
"""
LARGE = """\
name: Large
input: 100000x100000x3
rounding: floor
layers:
  - name: stage
    layers:
      - conv: {filters: 512, kernel: 3, padding: 1}
      - conv: {filters: 512, kernel: 3, padding: 1, dilation: 1000}
  - maxpool: 2
  - global_avgpool
"""
PART = "batchnorm, relu, {dropout: 0.1}"
FLAT = "name: Flat\ninput: 64x64x8\nlayers:\n" + "".join(
    f"  - conv: {{filters: {8 + number % 7}, kernel: {1 + 2 * (number * number % 5 % 3)}, "
    "padding: same}\n  - batchnorm\n  - relu\n  - dropout: 0.1\n  - tanh\n"
    f"  - {{name: part{number}, layers: [conv: {{filters: 8, kernel: 1}}, {PART}, tanh, "
    f"conv: {{filters: {8 + number % 5}, kernel: 1}}, {PART}]}}\n"
    for number in range(720)
)
"""10,080 layers, of which few come again: more than a thousand boxes at once."""
PARTS = "name: Parts\ninput: 64x64x8\nlayers:\n" + "".join(
    f"  - conv: {{filters: {8 + number % 7}, kernel: {1 + 2 * (number * number % 5 % 3)}, "
    f"padding: same}}\n  - {{name: part{number}, layers: [conv: {{filters: 8, kernel: 1}}, "
    f"conv: {{filters: {8 + number % 5}, kernel: 1}}]}}\n"
    for number in range(600)
)
"""Many boxes, half of which unfold."""
LONG_NAME = "stage_of_the_network_with_a_name_that_is_longer_than_a_column_has_room_for_"
FOLDED = ("resnet50", "unet", "googlenet", "fpn")
"""Networks whose groups are folded and unfolded."""


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """The browser of the system, where one is named."""
    named = os.environ["CONVCALC_BROWSER"]
    path = {} if named == "yes" else {"executable_path": named}
    return {"args": ["--no-sandbox"], **path}


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a report of each kind."""
    folder = tmp_path_factory.mktemp("reports")
    (folder / "broken.yaml").write_text(BROKEN)
    (folder / "wrong.yaml").write_text(WRONG)
    (folder / "large.yaml").write_text(LARGE)
    (folder / "long.yaml").write_text(
        "name: Long\ninput: 8x8x4\nlayers:\n  - name: part\n    repeat: 2500\n    layers:\n"
        "      - conv: {filters: 4, kernel: 3, padding: 1}\n      - batchnorm\n      - relu\n"
        "      - identity\n"
    )
    (folder / "flat.yaml").write_text(FLAT)
    (folder / "names.yaml").write_text(
        f"name: Long names\ninput: 8x8x4\nlayers:\n  - name: {LONG_NAME}\n    repeat: 2\n"
        "    layers: [conv: {filters: 4, kernel: 1}, batchnorm]\n"
    )
    (folder / "parts.yaml").write_text(PARTS)
    for name, arguments, code in (
        ("vgg16", ["report", "vgg16"], 0),
        ("resnets", ["report", "resnet18", "resnet34"], 0),
        ("folding", ["report", *FOLDED, str(folder / "wrong.yaml")], 1),
        ("large", ["report", str(folder / "large.yaml")], 0),
        ("broken", ["report", str(folder / "broken.yaml")], 1),
        ("long", ["report", str(folder / "long.yaml")], 0),
        ("flat", ["report", str(folder / "flat.yaml")], 0),
        ("names", ["report", str(folder / "names.yaml")], 0),
        ("parts", ["report", str(folder / "parts.yaml")], 0),
        ("findings", ["check", str(folder / "broken.yaml"), "--format", "html"], 1),
    ):
        result = CliRunner().invoke(command, arguments)
        assert result.exit_code == code, result.stderr
        (folder / f"{name}.html").write_text(result.stdout, encoding="utf-8")
    return folder


class Shown:
    """A report in the browser, and what the browser complained of."""

    def __init__(self, page: "Page", folder: Path) -> None:
        self.page = page
        self.folder = folder
        self.complaints: list[str] = []
        page.set_default_timeout(8_000)
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "request",
            lambda request: (
                self.complaints.append(request.url)
                if not request.url.startswith(("file:", "data:"))
                else None
            ),
        )

    def asked(self, address: str) -> None:
        """Complain of what is loaded from elsewhere."""
        if not address.startswith(("file:", "data:")):
            self.complaints.append(address)

    def open(self, name: str, fragment: str = "") -> "Page":
        self.page.goto(
            (self.folder / f"{name}.html").as_uri() + (f"#{fragment}" if fragment else "")
        )
        self.page.wait_for_selector("h1")
        return self.page


@pytest.fixture
def shown(page: "Page", reports: Path) -> Iterator[Shown]:
    """A report; at the end of a test the browser must have complained of nothing."""
    one = Shown(page, reports)
    yield one
    assert one.complaints == []


def printed(*arguments: str) -> Any:
    return json.loads(CliRunner().invoke(command, [*arguments, "--format", "json"]).stdout)


def draw_all(page: "Page") -> None:
    """Scroll through a page until every chart that it has is drawn."""
    for _ in range(20):
        page.evaluate(
            "async () => { for (const chart of document.querySelectorAll('.chart')) {"
            "chart.scrollIntoView(); await new Promise(done => setTimeout(done, 60)); } }"
        )
        if not page.locator("figure:not([hidden]) > .chart:not(:has(svg))").count():
            return
    pytest.fail("a chart is not drawn")


def rows(page: "Page") -> list[list[str]]:
    """The cells of the rows of the table of layers that are there."""
    told: list[list[str]] = page.eval_on_selector_all(
        ".layers tbody tr", "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
    )
    return told


@pytest.mark.parametrize("name", ["vgg16", "resnets", "broken", "long", "findings"])
def test_a_page_loads_without_a_complaint(shown: Shown, name: str) -> None:
    page = shown.open(name)
    draw_all(page)

    assert page.title().endswith("convcalc")


def test_every_number_of_a_page_is_what_the_commands_print(shown: Shown) -> None:
    page = shown.open("vgg16")
    report = printed("analyze", "vgg16")
    overview = page.inner_text("#overview")

    for name in ("parameters", "macs", "flops", "activations"):
        assert grouped(report["totals"][name]) in overview
    for arguments in ((), ("--training",)):
        assert grouped(printed("memory", "vgg16", *arguments)["memory"]["peak"]) in overview
    table = [row for row in rows(page) if row[1]]
    assert len(table) < len(report["layers"])  # those in sight alone
    seen: dict[int, list[str]] = {}
    for top in range(0, 2_000, 200):
        page.eval_on_selector(".scroller", f"scroller => scroller.scrollTop = {top}")
        page.wait_for_timeout(50)
        told = page.eval_on_selector_all(
            ".layers tbody tr:not(.group)",
            "rows => rows.map(row => [Number(row.dataset.place),"
            "[...row.cells].map(cell => cell.textContent)])",
        )
        seen |= dict(told)
    listed = [seen[place] for place in sorted(seen)]
    assert len(listed) == len(report["layers"])
    for cells, layer in zip(listed, report["layers"], strict=True):
        shape = layer["output"]
        field = layer["receptive_field"]
        assert layer["name"].endswith(cells[0])
        assert cells[1] == layer["kind"]
        assert cells[3] == "×".join(map(str, [*shape["spatial"], shape["channels"]]))
        assert cells[4] == grouped(layer["parameters"])
        assert cells[5] == grouped(layer["macs"])
        assert cells[6] == ("×".join(map(str, field["size"])) if field and field["size"] else "–")
        count = layer["activation_bytes"]
        assert cells[7] == (megabytes(count) if count else "–")


def test_a_layer_shows_the_formulas_of_explain(shown: Shown) -> None:
    page = shown.open("vgg16")
    page.click(".layers td.name >> text=conv2 >> nth=0")
    (layer,) = printed("explain", "vgg16", "stage1.conv2")["layers"]
    details = page.inner_text(".details")

    assert "stage1.conv2" in details
    for figure in layer["figures"]:
        for text in (figure["formula"], figure["filled"], grouped(figure["value"])):
            assert text in details
    page.click(".details .link >> text=stage1.relu1")
    assert page.inner_text(".details h3") == "stage1.relu1"
    assert "layer=stage1.relu1" in page.url
    page.go_back()
    assert page.inner_text(".details h3") == "stage1.conv2"


def test_the_table_is_sorted_and_searched(shown: Shown) -> None:
    page = shown.open("vgg16")
    page.click('.layers th >> text="Parameters"')

    assert rows(page)[0][0] == "linear1"
    assert page.get_attribute("th:has(button:text-is('Parameters'))", "aria-sort") == "descending"
    counts = [int(row[4].replace(",", "")) for row in rows(page)]
    assert counts == sorted(counts, reverse=True)
    page.click('.layers th >> text="Parameters"')
    assert rows(page)[0][4] == "0"
    page.click('.layers th >> text="Parameters"')
    page.keyboard.press("/")
    page.keyboard.type("conv 28×28")
    assert {row[0] for row in rows(page)} == {f"stage4.conv{number}" for number in (1, 2, 3)}
    assert page.inner_text(".table-pane .counted") == "3 of 39 layers"
    assert "find=conv" in page.url


def test_blocks_fold_and_unfold(shown: Shown) -> None:
    page = shown.open("vgg16")
    page.click(".group >> text=stage1")
    report = printed("analyze", "vgg16")["layers"][:5]
    first = rows(page)[0]

    assert first[0] == "stage1"
    assert first[4] == grouped(sum(layer["parameters"] for layer in report))
    assert rows(page)[1][0] == "stage2"
    page.reload()
    assert rows(page)[1][0] == "stage2"
    page.click("text=Unfold all")
    assert rows(page)[1][0] == "conv1"
    page.click("text=Fold all")
    assert [row[0] for row in rows(page)][:6] == [*(f"stage{n}" for n in range(1, 6)), "flatten1"]


def test_a_link_shows_what_its_sender_saw(shown: Shown) -> None:
    page = shown.open("resnets", "network=1&layer=conv1&sort=-macs&find=conv")

    assert page.inner_text("h1") == "ResNet-34"
    assert page.inner_text(".details h3") == "conv1"
    assert page.get_attribute("th:has-text('MACs')", "aria-sort") == "descending"
    shown.open("resnets", "layer=no+such+layer&sort=wibble&network=99&toggle=x&theme=y")
    assert page.inner_text("h1") in ("ResNet-18", "ResNet-34")


def test_a_layer_in_a_folded_block_is_brought_into_sight(shown: Shown) -> None:
    page = shown.open("resnets", "network=1&layer=conv4_x.basic_block3.conv2")
    selected = page.locator("tr[aria-selected=true]")

    assert selected.count() == 1
    assert selected.locator("td").first.inner_text().strip() == "conv2"


def test_the_graph_and_the_table_are_in_step(shown: Shown) -> None:
    page = shown.open("resnets")
    page.click(".picture [data-key='maxpool1']")
    assert page.inner_text(".details h3") == "maxpool1"
    assert page.locator("tr[aria-selected=true] td").first.inner_text() == "maxpool1"

    page.click(".layers td.name >> text=relu1 >> nth=0")
    chosen = page.locator(".picture .chosen")
    assert chosen.count() == 1
    assert chosen.get_attribute("data-key") == "relu1"
    page.click("text=Unfold all")
    page.fill("#find", "conv4_x.basic_block2.conv2")
    page.click(".layers tbody tr")
    assert "conv4_x.basic_block2" in (chosen.get_attribute("data-key") or "")


def test_no_column_of_the_table_is_cut_off(shown: Shown) -> None:
    """Also beside a layer's formulas, in windows as screens have them."""
    for width in (1024, 1280, 1366, 1440, 1920):
        shown.page.set_viewport_size({"width": width, "height": 900})
        for fragment in ("", "layer=stage1.conv2"):
            page = shown.open("vgg16", fragment)
            assert page.locator(".details h3").count() == bool(fragment)
            scroller = page.locator(".table-pane .scroller")
            over = scroller.evaluate("it => it.scrollWidth - it.clientWidth")
            assert over == 0, (width, fragment)


def test_shapes_are_searched_for_as_specs_write_them(shown: Shown) -> None:
    page = shown.open("vgg16")
    counts = []
    for shape in ("56×56×256", "56x56x256"):
        page.fill("#find", shape)
        counts.append(page.locator(".counted").first.inner_text())
    assert counts == ["6 of 39 layers"] * 2


NUMBERS_THAT_ARE_CUT = """[...document.querySelectorAll("table :is(.number, th)")]
    .filter(each => each.offsetParent && each.scrollWidth > each.clientWidth)
    .map(each => each.textContent)"""


@pytest.mark.parametrize("name", ["large", "resnets", "broken"])
def test_no_number_is_cut_off(shown: Shown, name: str) -> None:
    """Because that is another number. What there is no room for is left out, or scrolled to."""
    page = shown.open(name)
    for fold in ("Fold all", "Unfold all"):
        button = page.get_by_role("button", name=fold, exact=True)
        if button.count():
            button.click()
        for width in (420, 760, 1024, 1090, 1360, 1920):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate(NUMBERS_THAT_ARE_CUT) == [], (width, fold)
            name_wide = page.locator(".layers .name").first.bounding_box()
            assert name_wide is not None
            assert name_wide["width"] >= 120, (width, fold)


def test_groups_of_the_graph_open_and_close(shown: Shown) -> None:
    page = shown.open("resnets")
    boxes = page.locator(".picture [data-key]")
    before = boxes.count()
    page.click(".picture-pane >> text=Unfold")
    assert boxes.count() > before
    assert "depth=" in page.url
    page.reload()
    page.wait_for_selector("h1")
    assert boxes.count() > before
    page.click(".picture-pane >> text='Fold'")
    assert boxes.count() == before
    key = page.locator(".picture [data-key*='basic_block']").first.get_attribute("data-key")
    page.click(f".picture [data-key='{key}']")  # a folded group
    assert page.locator(f".picture [data-key='{key}.conv1']").count() == 1


Drawing = list[tuple[str, str, list[float]]]
"""What is drawn: its element with its class, its text or the commands of its path, and where."""


def _drawing(elements: list[tuple[str, str, str, list[str], list[float]]]) -> Drawing:
    told = []
    for tag, name, text, given, (x, y) in elements:
        moves = (x, y) if tag != "path" else (0, 0)  # paths stand where they are
        words = re.sub(r"-?[\d.]+", "#", text) if tag == "path" else text
        numbers = re.findall(r"-?[\d.]+", text) if tag == "path" else given
        values = [float(each) for each in numbers]
        values[:2] = [values[0] + moves[0], values[1] + moves[1]]
        told.append((f"{tag} {name}", words, values))
    return told


def _on_the_page(page: "Page") -> Drawing:
    """All that the graph on a page is drawn of."""
    return _drawing(
        page.eval_on_selector_all(
            ".picture svg :is(rect, text, path)",
            """elements => elements.map(element => {
              let [x, y] = [0, 0];
              for (let at = element; at; at = at.parentElement) {
                const move = at.transform?.baseVal?.[0]?.matrix;
                if (move) { x += move.e; y += move.f; }
              }
              const names = { rect: ["x", "y", "width", "height"],
                              text: ["x", "y", "font-size", "textLength"], path: [] };
              const given = names[element.localName].map(name => element.getAttribute(name) ?? "0");
              const text = element.localName === "path" ? element.getAttribute("d")
                : element.localName === "text" ? element.textContent : "";
              return [element.localName, element.getAttribute("class"), text, given, [x, y]];
            })""",
        )
    )


def _in_the_file(scene: Scene) -> Drawing:
    """All that a picture is drawn of in a file."""
    names = {"rect": ["x", "y", "width", "height"], "text": ["x", "y", "font-size", "textLength"]}
    return _drawing(
        [
            (
                tag,
                each.get("class", ""),
                each.get("d", "") if tag == "path" else each.text or "",
                [each.get(name, "0") for name in names.get(tag, ())],
                [0, 0],
            )
            for each in ET.fromstring(scene.to_svg()).iter()  # noqa: S314 (our own)
            for tag in [each.tag.rpartition("}")[2]]
            if tag in {"rect", "text", "path"}
        ]
    )


def _same(told: Drawing, expected: Drawing) -> list[str]:
    """In which two pictures differ by more than what is rounded, in any order."""
    left = [*expected]
    differences = []
    for what, words, values in told:
        same = next(
            (
                each
                for each in left
                if each[:2] == (what, words)
                and all(abs(one - other) < 0.03 for one, other in zip(values, each[2], strict=True))
            ),
            None,
        )
        if same is None:
            differences.append(f"only on the page: {what} {words} {values}")
        else:
            left.remove(same)
    return differences + [f"only in the file: {each}" for each in left]


def _groups_alone(network: Network) -> dict[str, list[str]]:
    """Groups that stand in no rounds, by their names, with those around them."""
    made = graph(network)
    data = graph_data(made, 0)
    assert data is not None
    owner: dict[int, int] = {
        chain: number for number, place in enumerate(data["places"]) for chain in place["chains"]
    }
    chain_of = [chain for chain, count in enumerate(data["chains"]) for _ in range(count)]
    alone = {}
    for number, place in enumerate(data["places"]):
        around, at = [], number
        while (outer := owner.get(chain_of[at])) is not None:
            at = outer
            around.append(data["places"][at])
        if place["name"] and all(each["rounds"] == 1 for each in [place, *around]):
            alone[place["name"]] = [each["name"] for each in around if each["name"]]
    return alone


@pytest.mark.parametrize("name", [*FOLDED, "wrong"])
def test_any_combination_of_open_groups_is_drawn_as_draw_does(shown: Shown, name: str) -> None:
    place = [*FOLDED, "wrong"].index(name)
    network = read(str(shown.folder / "wrong.yaml") if name == "wrong" else name)
    alone = _groups_alone(network)
    draw = Random(place)  # noqa: S311 (no secret)
    shown.open("folding")
    for _ in range(6):
        depth = draw.choice([1, 2, 9])
        collapse = [group for group in alone if draw.random() < 0.3]
        expand = [
            group
            for group, around in alone.items()
            if draw.random() < 0.4 and not {group, *around} & {*collapse}
        ]
        asked = [("network", str(place)), ("depth", str(depth))]
        asked += [("expand", each) for each in expand] + [("collapse", each) for each in collapse]
        page = shown.open("folding", urlencode(asked))
        expected = convcalc.draw(network, depth=depth, expand=expand, collapse=collapse)
        assert _same(_on_the_page(page), _in_the_file(expected)) == [], asked


def test_a_group_folds_and_unfolds_alone(shown: Shown) -> None:
    page = shown.open("resnets", "depth=1")
    assert page.locator(".picture [aria-expanded=true]").count() == 0
    page.click(".picture [data-group='conv3_x']")
    opened = page.locator(".picture [aria-expanded=true]")
    assert opened.get_attribute("data-group") == "conv3_x"
    assert "expand=conv3_x" in page.url
    page.reload()
    assert opened.get_attribute("data-group") == "conv3_x"

    page.focus(".picture [data-group='conv3_x.basic_block1']")
    page.keyboard.press("Enter")
    assert page.locator(".picture [data-key='conv3_x.basic_block1.conv1']").count() == 1
    inside = "document.activeElement.dataset.group"
    assert page.evaluate(inside) == "conv3_x.basic_block1"
    page.keyboard.press("Space")
    assert page.locator(".picture [data-key='conv3_x.basic_block1.conv1']").count() == 0
    assert page.evaluate(inside) == "conv3_x.basic_block1"
    page.focus(".picture [data-group='conv3_x']")
    page.keyboard.press("Space")
    assert opened.count() == 0
    assert "expand" not in page.url

    page.click(".picture-pane >> text=Unfold")
    assert opened.count() == 4
    frame = page.locator(".picture [data-group='conv4_x']")
    frame.click(position={"x": 4, "y": 30})  # beside what stands in it
    assert opened.count() == 3
    assert "collapse=conv4_x" in page.url
    page.click(".picture-pane >> text='Fold'")
    assert opened.count() == 0
    assert "collapse" not in page.url


def test_a_group_stays_where_it_is_when_it_is_unfolded(shown: Shown) -> None:
    page = shown.open("resnets", "depth=1")
    group = page.locator(".picture [data-group='conv4_x']")
    group.scroll_into_view_if_needed()
    before = group.bounding_box()
    group.click()
    after = group.bounding_box()
    assert before is not None
    assert after is not None
    assert after["y"] == pytest.approx(before["y"], abs=1)


def test_a_layer_that_is_chosen_is_unfolded_in_the_graph(shown: Shown) -> None:
    page = shown.open("resnets", "depth=1&fold=none")
    page.fill("#find", "conv4_x.basic_block2.conv1")
    page.click(".layers tbody tr")
    chosen = page.locator(".picture .chosen")
    assert chosen.get_attribute("data-key") == "conv4_x.basic_block2.conv1"
    opened = page.locator(".picture [aria-expanded=true]")
    assert {each.get_attribute("data-group") for each in opened.all()} == {
        "conv4_x",
        "conv4_x.basic_block2",
    }
    page.click(".picture [data-group='conv4_x'][aria-expanded=true]", position={"x": 4, "y": 30})
    assert chosen.get_attribute("data-key") == "conv4_x"
    page.reload()
    assert chosen.get_attribute("data-key") == "conv4_x"  # as it was left


@pytest.mark.parametrize("fragment", ["depth=1&expand=conv3_x", "layer=conv1"])
def test_the_graph_is_as_wide_as_there_is_room(shown: Shown, fragment: str) -> None:
    page = shown.open("folding", fragment)
    wide, own, room = page.eval_on_selector(
        ".picture",
        "it => { const svg = it.querySelector('svg'); return "
        "[svg.getBoundingClientRect().width, svg.viewBox.baseVal.width, it.clientWidth]; }",
    )
    assert wide == pytest.approx(min(own, room), abs=16)  # a scrollbar


def test_the_graph_is_zoomed(shown: Shown) -> None:
    page = shown.open("vgg16")

    def wide() -> float:
        box = page.locator(".picture svg").bounding_box()
        assert box is not None
        return float(box["width"])

    before = wide()
    page.click("[aria-label=Larger]")
    assert wide() == pytest.approx(1.25 * before, rel=0.01)
    page.click("[aria-label=Smaller]")
    page.click("[aria-label=Smaller]")
    assert wide() == pytest.approx(before / 1.25, rel=0.01)
    page.locator(".picture").hover()
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    page.wait_for_timeout(200)
    assert wide() == pytest.approx(before, rel=0.01)


def test_the_keyboard_is_enough(shown: Shown) -> None:
    page = shown.open("vgg16")
    page.focus(".layers")
    for key in ("ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    assert page.inner_text(".details h3") == "stage1.relu1"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert rows(page)[1][0] == "stage2"
    page.keyboard.press("ArrowRight")
    assert rows(page)[1][0] == "conv1"
    page.keyboard.press("End")
    assert page.inner_text(".details h3") == "linear3"
    page.keyboard.press("Escape")
    assert "layer=" not in page.url


def test_definitions_are_shown_on_hover_and_focus(shown: Shown) -> None:
    page = shown.open("vgg16")
    page.hover(".card .term >> text=MACs")
    assert "one multiplication whose product is added up" in page.inner_text(".hint")
    page.keyboard.press("Escape")
    assert not page.is_visible(".hint")
    page.focus(".card .term >> text=Parameters")
    assert "values that an optimizer updates" in page.inner_text(".hint")


def test_charts_say_what_they_show_and_choose_layers(shown: Shown) -> None:
    page = shown.open("vgg16")
    draw_all(page)
    labels = page.eval_on_selector_all(".chart", "all => all.map(one => one.ariaLabel)")
    memory = printed("memory", "vgg16", "--training")["memory"]

    assert f"peak {megabytes(memory['peak'])} at {memory['peak_layer']}" in labels[3]
    assert "the most is at linear1" in labels[0]
    page.locator(".chart svg").nth(4).wait_for()
    page.select_option("select[aria-label=Measure]", "macs")
    assert "measure=macs" in page.url
    page.locator(".chart").first.scroll_into_view_if_needed()
    page.locator(".chart[aria-label*='stage1.conv2']").wait_for()
    page.select_option("select[aria-label=Run]", "inference")
    peak = printed("explain", "vgg16", "--memory")
    shown_rows = page.locator(".peak tbody").first.locator("tr")
    assert shown_rows.first.locator("td").first.inner_text() == peak["tensors"][0]["name"]
    assert grouped(peak["tensors"][0]["bytes"]) in shown_rows.first.inner_text()


def test_totals_of_a_broken_spec_are_lower_bounds(shown: Shown) -> None:
    page = shown.open("broken")
    least = grouped(printed("analyze", str(shown.folder / "broken.yaml"))["totals"]["macs"])
    card = page.locator(".card", has_text="MACs")
    assert card.locator("span").first.inner_text() == f"at least {least}"


def test_findings_stand_with_their_lines(shown: Shown) -> None:
    for name in ("broken", "findings"):
        page = shown.open(name)
        finding = page.locator(".finding").first

        assert "error CC301" in finding.inner_text()
        assert "- conv: {filters: 8, kernel: 5, stride: 4}" in finding.locator("pre").inner_text()
        assert finding.locator("mark").inner_text() == "4"
        page.click("button.severity.error")
        assert not [text for text in page.locator(".finding").all_inner_texts() if "error" in text]
    assert "lower bounds" in shown.open("broken").inner_text("#overview")


def test_changes_are_those_of_diff(shown: Shown) -> None:
    page = shown.open("resnets")
    told = printed("diff", "resnet18", "resnet34")
    text = page.inner_text("#changes")

    for name in ("parameters", "macs"):
        assert grouped(told["totals"][name]["new"]) in text
        assert f"+{grouped(told['totals'][name]['difference'])}" in text
    added = sum(layer["status"] == "added" for layer in told["layers"])
    assert f"{added} added" in text
    page.check("#changes input[type=checkbox]")
    assert "as they were" in page.inner_text("#changes .counted")
    page.click("#changes .changes td:nth-child(3) .link >> nth=0")
    assert page.inner_text("h1") == "ResNet-34"


def test_ten_thousand_layers_scroll(shown: Shown) -> None:
    page = shown.open("long")
    page.click("text=Unfold all")
    assert page.get_attribute(".layers", "aria-rowcount") == "12501"
    page.focus(".layers")
    page.keyboard.press("End")
    assert page.inner_text(".details h3") == "part2500.identity1"

    assert page.locator(".layers tbody tr").count() < 100
    assert "convcalc explain" in page.inner_text(".details")


def test_the_rows_in_sight_are_there_and_few_others(shown: Shown) -> None:
    """Wherever 10,000 layers are scrolled to, by leaps and by small steps, up and down."""
    page = shown.open("long", "fold=none")
    kinds = ("", "conv", "batchnorm", "relu", "identity")  # of a round, its heading first
    labels = ("", "conv1", "batchnorm1", "relu1", "identity1")
    tops = [0, 30 * 6_000, 30 * 6_000 + 45, *range(30 * 6_000 + 45, 30 * 6_040, 75), 10**7, 300]
    for top in [*tops, *reversed(tops)]:
        first, last, told = page.evaluate(
            """top => new Promise(done => {
              const scroller = document.querySelector(".scroller");
              scroller.scrollTop = top;
              requestAnimationFrame(() => requestAnimationFrame(() => {
                const head = document.querySelector(".layers thead").offsetHeight;
                const inside = scroller.clientHeight - head;
                const area = scroller.getBoundingClientRect();
                const rows = [...document.querySelectorAll(".layers tbody tr")];
                const seen = rows.filter(row => {
                  const box = row.getBoundingClientRect();
                  return box.bottom > area.top + head + 1 && box.top < area.bottom - 1;
                });
                done([Math.floor(scroller.scrollTop / 30),
                      Math.ceil((scroller.scrollTop + inside) / 30),
                      { count: rows.length,
                        rows: seen.map(row => [
                          Number(row.getAttribute("aria-rowindex")) - 2,
                          ...[...row.cells].map(cell => cell.textContent)]) }]);
              }));
            })""",
            top,
        )
        places = [row[0] for row in told["rows"]]
        assert told["count"] < 80
        assert places == [*range(places[0], places[0] + len(places))]
        assert places[0] <= first + 1
        assert places[-1] >= last - 2
        for place, *cells in told["rows"]:
            number, at = divmod(place, 5)
            assert cells[0] == (labels[at] or f"part{number + 1}")
            assert cells[1] == kinds[at]


BOXES_IN_SIGHT = """() => {
  const place = document.querySelector(".picture"), area = place.getBoundingClientRect();
  const boxes = [...place.querySelectorAll("[data-key]")].filter(each => {
    const box = each.getBoundingClientRect();
    return box.bottom > area.top && box.top < area.bottom;
  });
  return [boxes.map(each => each.dataset.key), place.querySelectorAll("[data-key]").length];
}"""


def test_a_graph_of_thousands_of_boxes_has_those_in_sight(shown: Shown) -> None:
    page = shown.open("flat")
    keys = [each["name"] for each in printed("analyze", str(shown.folder / "flat.yaml"))["layers"]]
    assert len(keys) > 10_000
    place = {key.partition(".")[0]: number for number, key in reversed([*enumerate(keys)])}
    lasts = []
    high = page.eval_on_selector(".picture", "it => it.scrollHeight - it.clientHeight")
    for part in (0, 0.3, 0.301, 0.9, 1, 0.5, 0):
        page.eval_on_selector(".picture", f"it => it.scrollTop = {part * high}")
        page.wait_for_timeout(60)
        seen, count = page.evaluate(BOXES_IN_SIGHT)
        there = [place[key.partition(".")[0]] for key in seen if not key.startswith("input")]
        assert len(there) > 5
        assert there == sorted(there)
        assert max(there) - min(there) < 300
        assert count < 400
        lasts.append(max(there))
    assert lasts[0] < 200
    assert lasts[4] > 10_000
    assert lasts[0] == lasts[-1]
    assert lasts[1] == pytest.approx(0.3 * len(keys), rel=0.05)


def test_a_layer_is_found_in_a_graph_of_thousands_of_boxes(shown: Shown) -> None:
    page = shown.open("parts", "layer=conv500")
    for name in ("conv500", "conv77", "part401.conv2"):
        page.fill("#find", name)
        page.click(".layers tbody tr")
        assert page.inner_text(".details h3") == name
        chosen = page.locator(".picture .chosen")
        assert chosen.get_attribute("data-key") == name
        seen, _ = page.evaluate(BOXES_IN_SIGHT)
        assert name in seen


def test_a_group_of_a_graph_of_thousands_of_boxes_unfolds_where_it_is(shown: Shown) -> None:
    page = shown.open("parts")
    page.eval_on_selector(".picture", "it => it.scrollTop = it.scrollHeight / 2")
    page.wait_for_timeout(60)
    folded = page.locator(".picture [data-group][aria-expanded=false]")
    group = folded.nth(folded.count() // 2)
    name = group.get_attribute("data-group")
    button = page.locator(f".picture [data-group='{name}']")
    for _ in range(2):
        before = button.bounding_box()
        button.focus()
        page.keyboard.press("Enter")
        after = button.bounding_box()
        assert before is not None
        assert after is not None
        assert after["y"] == pytest.approx(before["y"], abs=1)
        assert page.evaluate("document.activeElement.dataset.group") == name


def test_paper_says_who_draws_a_graph_of_thousands_of_boxes(shown: Shown) -> None:
    page = shown.open("flat")
    page.emulate_media(media="print")
    said = page.locator(".picture .none:has-text('The graph of these')")
    said.wait_for(timeout=60_000)  # all charts are drawn for paper
    assert "convcalc draw" in said.inner_text()
    assert not page.locator(".picture > svg").is_visible()
    page.emulate_media(media="screen")
    said.wait_for(state="detached", timeout=60_000)


def milliseconds_of_thread(page: "Page", act: str) -> dict[str, float]:
    """Milliseconds of the page's own thread, by what it did, while a script runs.

    Those during which other programs had the processor are not among them.
    """
    client = page.context.new_cdp_session(page)
    told: list[dict[str, Any]] = []
    done: list[object] = []
    client.on("Tracing.dataCollected", lambda data: told.extend(data["value"]))
    client.on("Tracing.tracingComplete", lambda data: done.append(data))  # noqa: PLW0108 (it is marked)
    client.send("Tracing.start", {"categories": "devtools.timeline"})
    page.evaluate(act)
    client.send("Tracing.end")
    while not done:
        page.wait_for_timeout(20)
    events = [each for each in told if each.get("ph") == "X"]
    busy: dict[tuple[int, int], float] = {}
    for each in events:
        if each["name"] in ("FunctionCall", "Layout"):
            thread = each["pid"], each["tid"]
            busy[thread] = busy.get(thread, 0) + each.get("tdur", 0)
    main = max(busy, key=lambda thread: busy[thread])
    times: dict[str, float] = {}
    for each in events:
        if (each["pid"], each["tid"]) == main:
            times[each["name"]] = times.get(each["name"], 0) + each.get("tdur", 0) / 1_000
    return times


@pytest.mark.parametrize(("name", "pixels"), [("long", 100), ("long", 3_000), ("flat", 100)])
def test_a_frame_of_ten_thousand_layers_takes_a_frames_time(
    shown: Shown, name: str, pixels: int
) -> None:
    page = shown.open(name, "fold=none&depth=9")
    frames = 100
    times = milliseconds_of_thread(
        page,
        f"""async () => {{
          const scroller = document.querySelector(".scroller");
          for (let frame = 0; frame < {frames}; frame++) {{
            scroller.scrollTop += {pixels};
            await new Promise(requestAnimationFrame);
          }}
        }}""",
    )
    assert page.evaluate("document.querySelector('.scroller').scrollTop") == frames * pixels
    assert 0 < times["FunctionCall"] / frames < 8
    drawn = sum(times.get(each, 0) for each in ("UpdateLayoutTree", "Layout", "PrePaint", "Paint"))
    assert drawn / frames < 16


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_follow_the_system_and_the_button(shown: Shown, scheme: Any) -> None:
    page = shown.page
    page.emulate_media(color_scheme=scheme)
    shown.open("vgg16")

    def paper() -> str:
        color: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return color

    assert paper() == {"light": "rgb(252, 252, 251)", "dark": "rgb(21, 23, 26)"}[scheme]
    page.click(".theme")
    page.click(".theme")
    assert page.inner_text(".theme") == "Theme: dark"
    assert paper() == "rgb(21, 23, 26)"
    assert "theme=dark" in page.url


def test_all_rows_are_printed_in_light(shown: Shown) -> None:
    page = shown.page
    page.emulate_media(color_scheme="dark")
    shown.open("resnets", "network=1")
    page.click("text=Unfold all")
    before = page.locator(".layers tbody tr").count()
    page.emulate_media(media="print", color_scheme="dark")
    count = len(printed("analyze", "resnet34")["layers"])
    page.locator(".layers tbody tr:not(.group)").nth(count - 1).wait_for()

    assert before < page.locator(".layers tbody tr").count()
    assert page.locator(".layers tbody tr:not(.group)").count() == count
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.locator(".chart svg[viewBox]").nth(4).wait_for()
    inks = page.eval_on_selector_all(
        ".chart svg text", "texts => texts.map(text => text.getAttribute('fill'))"
    )
    assert {*inks} <= {"#000000", "#4a4d52", "#1c1d1f", "#585b62"}  # of print or of light
    assert len(page.pdf()) > 50_000


BEYOND = """() => [...document.querySelectorAll(".chart svg")].flatMap(svg => {
  const all = svg.getBoundingClientRect();
  return [...svg.querySelectorAll("text")].filter(text => {
    const own = text.getBoundingClientRect();
    return own.width && (own.left < all.left - 1 || own.right > all.right + 1);
  }).map(text => text.textContent);
})"""


@pytest.mark.parametrize("name", ["resnets", "long"])
@pytest.mark.parametrize("width", [400, 718, 1360])
def test_no_label_of_a_chart_is_cut_off(shown: Shown, name: str, width: int) -> None:
    page = shown.page
    page.set_viewport_size({"width": width, "height": 900})
    shown.open(name)
    draw_all(page)
    assert page.evaluate(BEYOND) == []
    page.emulate_media(media="print")
    page.locator(".chart svg[viewBox]").nth(4).wait_for(timeout=60_000)
    page.wait_for_timeout(100)
    assert page.evaluate(BEYOND) == []


def test_long_names_that_differ_at_their_ends_differ_in_the_table(shown: Shown) -> None:
    shown.page.set_viewport_size({"width": 1100, "height": 900})
    page = shown.open("names", "fold=none")
    cut = """cells => cells.map(cell => {
      const end = cell.querySelector(".end").getBoundingClientRect();
      const own = cell.getBoundingClientRect();
      const { scrollWidth, clientWidth } = cell.querySelector(".middle");
      return [cell.textContent, cell.title, end.right <= own.right, scrollWidth > clientWidth,
              cell.querySelector(".end").textContent];
    })"""
    told = page.eval_on_selector_all(".layers .name:has(.full)", cut)
    names = [f"{LONG_NAME}{round_}" for round_ in (1, 2)]
    assert [each[0] for each in told] == [names[0], names[1]]
    assert [each[1] for each in told] == names
    assert all(inside and short for _, _, inside, short, _ in told)
    assert told[0][4] != told[1][4]
    page.focus(".layers")  # who goes there by keyboard reads all of it
    page.keyboard.press("Home")
    name = page.locator(".layers tr.active .name .middle")
    assert name.evaluate("it => it.scrollWidth <= it.clientWidth")


def test_what_there_is_not_to_sort_by_sorts_nothing(shown: Shown) -> None:
    page = shown.open("resnets", "sort=wibble")
    assert page.locator(".layers tr.group").count()
    assert page.locator("th[aria-sort=ascending], th[aria-sort=descending]").count() == 0


A4 = {"width": 718, "height": 1047}
"""A sheet without margins of 10 mm, in pixels of 1/96 inch."""

TOO_WIDE = """() => [...document.querySelectorAll("body *")].filter(each => {
    const box = each.getBoundingClientRect();
    return box.width && !each.closest("svg") && (box.right > innerWidth + 1 || box.left < -1);
}).map(each => each.outerHTML.slice(0, 120))"""
CUT = """() => [...document.querySelectorAll("th, td, dd, p, pre, figcaption, .chart, .scroller")]
    .filter(each => each.offsetParent && (each.scrollWidth > each.clientWidth + 1
        || each.scrollHeight > each.clientHeight + 1) && getComputedStyle(each).display != "inline")
    .map(each => `${each.scrollWidth} in ${each.clientWidth}: ${each.outerHTML.slice(0, 120)}`)"""
CONTROLS = """() => [...document.querySelectorAll("button, select, input, nav, .theme")]
    .filter(each => each.getClientRects().length && !each.matches(".link, .term"))
    .filter(each => getComputedStyle(each).appearance != "none"
        || each.matches("input, .quiet, nav") || getComputedStyle(each).borderTopWidth != "0px")
    .map(each => each.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("name", ["vgg16", "resnets", "large", "broken", "findings"])
def test_paper_has_all_of_a_page_and_nothing_to_press(shown: Shown, name: str) -> None:
    page = shown.page
    page.set_viewport_size(A4)
    shown.open(name)
    page.emulate_media(media="print", color_scheme="dark")
    page.wait_for_timeout(100)

    for what in (TOO_WIDE, CUT, CONTROLS):
        assert page.evaluate(what) == []
    # Browsers repeat the head of a table on its next sheet if no button is in it.
    shown_as = "buttons => buttons.map(button => getComputedStyle(button).display)"
    assert {*page.eval_on_selector_all("thead button", shown_as)} <= {"contents"}
    for each in page.locator("details:not(.licences)").all():
        assert each.get_attribute("open") is not None
    for box in (chart.bounding_box() for chart in page.locator(".chart svg").all()):
        assert box is not None
        assert 600 < box["width"] <= A4["width"]
        assert box["height"] == pytest.approx(box["width"] * 260 / 718, abs=1)
    texts = page.eval_on_selector_all(
        ".chart svg text", "texts => texts.map(text => text.getBoundingClientRect().height)"
    )
    assert all(height > 9 for height in texts)


def test_paper_has_every_layer_but_what_its_reader_folded(shown: Shown) -> None:
    page = shown.open("resnets", "network=1")
    count = len(printed("analyze", "resnet34")["layers"])
    listed = page.locator(".layers tbody tr:not(.group)")
    assert page.locator(".layers .group[aria-expanded=false]").count()
    before = listed.count()
    for _ in range(2):
        page.emulate_media(media="print")
        expect(listed).to_have_count(count)
        page.emulate_media(media="screen")
        expect(listed).to_have_count(before)
    page.click(".layers .group >> text=conv5_x")
    page.emulate_media(media="print")
    folded = sum(
        layer["name"].startswith("conv5_x.") for layer in printed("analyze", "resnet34")["layers"]
    )
    expect(listed).to_have_count(count - folded)


@pytest.mark.parametrize(("name", "depth"), [("vgg16", ""), ("resnets", "depth=9"), ("broken", "")])
def test_a_graph_is_printed_whole_in_columns_that_cut_no_box(
    shown: Shown, name: str, depth: str
) -> None:
    page = shown.open(name, depth)
    boxes = "rect:not(.paper, .frame, .inner-frame)"
    heights = """boxes => boxes.map(box => {
        const own = box.getBoundingClientRect(), svg = box.ownerSVGElement;
        const whole = svg.getBoundingClientRect();
        const scale = svg.viewBox.baseVal.height / whole.height;
        return [(own.top - whole.top) * scale, (own.bottom - whole.top) * scale];
    })"""
    there = page.eval_on_selector_all(f".picture > svg {boxes}", heights)
    page.emulate_media(media="print")
    page.wait_for_selector(".sheet svg")
    told = page.eval_on_selector_all(
        ".sheet svg",
        "columns => columns.map(each => [each.viewBox.baseVal.y, each.viewBox.baseVal.height,"
        "each.getBoundingClientRect().width / each.viewBox.baseVal.width])",
    )
    cuts = [top for top, _, _ in told] + [told[-1][0] + told[-1][1]]

    assert cuts == sorted(cuts)
    assert all(abs(sum(one[:2]) - other[0]) < 0.01 for one, other in pairwise(told))
    for top, bottom in there:
        homes = [one for one, other in pairwise(cuts) if one <= top and bottom <= other]
        assert len(homes) == 1, (top, bottom, cuts)
    assert all(height * scale < 1_000 for _, height, scale in told)
    assert all(scale > 0.5 for _, _, scale in told)  # texts of 12 pixels are of 6 or more
    shown_as = "texts => texts.map(text => getComputedStyle(text).display)"
    assert "none" not in page.eval_on_selector_all(".sheet svg text", shown_as)
    assert not page.locator(".picture > svg").is_visible()
    page.emulate_media(media="screen")
    page.wait_for_selector(".sheet svg", state="detached")
    assert page.locator(".picture > svg").is_visible()


def test_a_page_is_read_without_its_script(browser: Any, reports: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((reports / "vgg16.html").as_uri())
    text = page.inner_text("body")

    for layer in printed("analyze", "vgg16")["layers"]:
        assert layer["name"] in text
        assert grouped(layer["parameters"]) in text
    assert grouped(printed("analyze", "vgg16")["totals"]["macs"]) in text
    assert page.locator("svg [data-key='stage1']").is_visible()
    context.close()


@pytest.mark.parametrize("width", [1360, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["vgg16", "resnets", "broken", "findings"])
def test_nothing_keeps_anybody_out(shown: Shown, name: str, scheme: Any, width: int) -> None:
    """Axe's rules of WCAG 2.2, A and AA, and what it holds for good practice."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = shown.page
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    fragment = {
        "vgg16": "layer=stage1.conv1",
        "broken": "layer=conv2",
        "resnets": "depth=1&expand=conv3_x.basic_block1",
    }.get(name, "")
    shown.open(name, fragment)
    draw_all(page)

    violations = axe.run(page).response["violations"]
    told = [
        f"{each['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for each in violations
        for node in each["nodes"][:3]
    ]
    assert not told, "\n".join(told)
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width, f"the page is {wide} wide"


def test_the_page_says_nothing_that_is_no_text_of_its_own(shown: Shown) -> None:
    page = shown.open("broken")

    assert not re.search(r"undefined|NaN|\[object", page.inner_text("body"))
