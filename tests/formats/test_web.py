"""Pages of HTML: all that they show is what the commands print, and nothing of it is markup."""

import json
import os
import re
import shutil
import subprocess
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner, Result
from paths import ROOT
from tabled import tabled

from convcalc import analyze, load, loads
from convcalc.analysis.moved import moved_bytes
from convcalc.cli import convcalc
from convcalc.documentation import read_file
from convcalc.formats.web.columns import packed, unpacked
from convcalc.formats.web.definitions import definitions
from convcalc.formats.web.frame import BUILT
from convcalc.formats.web.picture import graph, rules
from convcalc.numbers import both_bytes, grouped, mebibytes, megabytes, scaled
from convcalc.pictures.svg import element
from convcalc.spec.bundled import bundled_names

WEB = ROOT / "web"
UPDATE = bool(os.environ.get("CONVCALC_UPDATE"))
HOSTILE = "</script><script>alert(1)</script><!--&amp;\"'"


def run(*arguments: str, code: int = 0, given: str | None = None) -> Result:
    result = CliRunner().invoke(convcalc, arguments, input=given)

    assert result.exit_code == code, result.output
    return result


def printed(*arguments: str, code: int = 0) -> Any:
    return json.loads(run(*arguments, "--format", "json", code=code).stdout)


class _Parts(HTMLParser):
    """The elements of a page, with what is in scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.tag = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.texts.setdefault(tag, []).append("")
        self.tag = tag

    def handle_endtag(self, tag: str) -> None:
        del tag
        self.tag = ""

    def handle_data(self, data: str) -> None:
        if self.tag:
            self.texts[self.tag][-1] += data


def parts(page: str) -> _Parts:
    parser = _Parts()
    parser.feed(page)
    parser.close()
    return parser


def data_of(page: str) -> Any:
    return json.loads(parts(page).texts["script"][0])


def network_of(page: str, index: int = 0) -> Any:
    told = data_of(page)["networks"][index]
    (network,) = unpacked(told["column"], unpacked(told["names"]))
    return network


# Columns

CASES: dict[str, list[Any]] = {
    "nothing": [],
    "one value": [1],
    "the same": ["conv"] * 12,
    "words": ["conv", "relu", "maxpool", "relu", "conv"] * 9,
    "texts that need escapes": ["</script>", '"', "\\", "×", "\u2028", ""],
    "numbers too large for JavaScript": [2**53, None, 7, 2**70],
    "lists": [[1, 2], [], [3]],
    "lists of lists": [[[1], []], [], [[2, 3]]],
    "objects": [{"a": 1, "b": [1, {"c": None}]}, {"a": 2, "b": []}],
    "objects that differ": [{"a": 1}, {}, {"b": 2, "a": None}, {"c": {"d": [1]}}],
    "gaps in objects": [None, {"a": 1}, None, {"a": 2}],
    "gaps in lists": [[1], None, [2, 3]],
    "values of all sorts": [1, "1", None, True, 1.5, [1], {"a": 1}],
    "true is not 1": [True, 1, 1.0, False, 0],
    "steps": [3 * step for step in range(100)],
    "steps of several sorts": [step + step // 4 for step in range(100)],
    "what comes again": [1, 5, 2, 9] * 30 + [7] * 40 + [1, 5, 2, 9] * 3,
    "words that come again": ["conv", "relu", "conv", "maxpool"] * 30,
    "texts with full stops": [
        f"stage{a}.block{b}.conv{c}" for a in "12" for b in "12345" for c in range(9)
    ],
    "some texts with full stops": [
        f"a.b{number}." if number % 3 else f"{number}" for number in range(90)
    ],
    "objects of which some have more": [
        {"a": number} | ({"b": [number]} if number % 2 else {}) for number in range(150)
    ],
    "many gaps": [None if number % 3 else {"a": number % 2} for number in range(150)],
}


@tabled("values", CASES.values(), ids=[*CASES])
def test_what_is_packed_is_unpacked(values: list[Any]) -> None:
    told = unpacked(json.loads(json.dumps(packed(values))))

    # Fields may come in another order: some objects may lack those that others begin with.
    assert json.dumps(told, sort_keys=True) == json.dumps(values, sort_keys=True)


@tabled("seed", range(40))
def test_any_numbers_and_names_are_packed_and_unpacked(seed: int) -> None:
    draw = Random(seed)  # noqa: S311 (no secret)
    values: list[Any] = []
    while len(values) < 400:
        some: list[Any] = [
            draw.randrange(draw.choice([2, 9, 10**6])) for _ in range(draw.randrange(1, 30))
        ]
        values += some * draw.choice([1, 1, 2, 7])
        values += range(draw.randrange(40))
    names = [
        ".".join(str(value) for value in values[at : at + draw.randrange(3)]) for at in range(400)
    ]
    for each in (
        values,
        names,
        [*values, None],
        [draw.choice([*values[:3], None]) for _ in values],
    ):
        assert unpacked(json.loads(json.dumps(packed(each)))) == each


def _drawn(draw: Random, depth: int) -> Any:
    choice = draw.randrange(7 if depth else 5)
    if choice == 5:
        return [_drawn(draw, depth - 1) for _ in range(draw.randrange(4))]
    if choice == 6:
        names = draw.sample("abcd", draw.randrange(4))
        return {name: _drawn(draw, depth - 1) for name in names}
    return (None, draw.randrange(5), draw.choice(["conv", "relu"]), True, draw.random())[choice]


def test_any_json_is_packed_and_unpacked() -> None:
    draw = Random(38)  # noqa: S311 (no secret)
    for _ in range(300):
        values = [_drawn(draw, 3) for _ in range(draw.randrange(9))]

        told = unpacked(json.loads(json.dumps(packed(values))))

        assert json.dumps(told, sort_keys=True) == json.dumps(values, sort_keys=True)


def test_names_are_written_by_their_numbers() -> None:
    names = ["conv1", "relu1"]
    values = [{"name": "conv1", "inputs": []}, {"name": "relu1", "inputs": ["conv1"], "of": None}]

    column = packed(values, {name: number for number, name in enumerate(names)})

    assert unpacked(json.loads(json.dumps(column)), names) == values
    assert "conv1" not in json.dumps(column)


def test_a_column_of_what_is_the_same_takes_no_more_room() -> None:
    layer = {"kind": "conv", "weights": {"weight": [64, 64, 3, 3]}, "aligned": True}

    assert len(json.dumps(packed([layer] * 10_000))) < 500


def test_what_is_regular_takes_little_room() -> None:
    names = [f"stage{a}.block{b}.{kind}1" for a in range(25) for b in range(100) for kind in "cnrd"]
    kinds = ["conv", "batchnorm", "relu", "conv"] * 2_500
    inputs = [*range(5_000), *range(4_000, 9_000)]

    assert len(json.dumps(packed(names))) < 3_000
    assert len(json.dumps(packed(kinds))) < 200
    assert len(json.dumps(packed(inputs))) < 300


def test_a_large_number_among_other_values_is_refused() -> None:
    with pytest.raises(ValueError, match="JavaScript"):
        packed([2**60, "same"])


def test_the_page_reads_what_python_writes() -> None:
    """The unit tests of web/ hold columns.ts and numbers.ts against these files."""
    columns = [
        {"what": what, "values": values, "packed": packed(values)}
        for what, values in CASES.items()
        if "too large" not in what  # JSON.parse would round the values to compare with
    ]
    sizes = [0, 1, 999, 1000, 1023, 1024, 12_845_056, 999_994, 999_995, 999_999, 15_470_264_320]
    sizes += [1_048_570, 1_048_575, 10**15, 2**53 + 1, 10**18 + 7, 10**21, 123_456_789 * 10**15]
    draw = Random(7)  # noqa: S311 (no secret)
    sizes += [draw.randrange(10 ** (power % 19)) for power in range(2, 120)]
    numbers = [
        {
            "value": str(value),
            "grouped": grouped(value),
            "scaled": scaled(value),
            "megabytes": megabytes(value),
            "mebibytes": mebibytes(value),
            "both_bytes": both_bytes(value),
        }
        for value in sizes
    ]
    for name, told in (("columns", columns), ("numbers", numbers)):
        path = WEB / "test" / f"{name}.json"
        text = json.dumps(told, ensure_ascii=False, indent=1) + "\n"
        if UPDATE:
            path.write_text(text, encoding="utf-8")

        assert path.read_text(encoding="utf-8") == text


# What a page holds


@pytest.fixture(scope="module")
def html() -> str:
    """A network with branches, and beside it another."""
    return run("report", "lenet5", "alexnet", "--batch", "2", "--optimizer", "adam").stdout


def test_every_number_of_a_page_is_what_the_commands_print(html: str) -> None:
    for index, name in enumerate(("lenet5", "alexnet")):
        network = network_of(html, index)
        sized = (name, "--batch", "2")
        trained = (*sized, "--training", "--optimizer", "adam")

        assert network["analyze"] == printed("analyze", *sized)
        assert network["explain"] == printed("explain", name, "--all", "--batch", "2")
        assert network["memory"]["inference"]["memory"] == printed("memory", *sized)
        assert network["memory"]["training"]["memory"] == printed("memory", *trained)
        assert network["memory"]["inference"]["peak"] == printed("explain", *sized, "--memory")
        assert network["memory"]["training"]["peak"] == printed("explain", *trained, "--memory")


def test_networks_stand_side_by_side_as_diff_has_them(html: str) -> None:
    data = data_of(html)
    (changes,) = unpacked(data["changes"][0])
    told = printed("diff", "lenet5", "alexnet", "--batch", "2")
    names = [
        [layer["name"] for layer in network_of(html, index)["analyze"]["layers"]]
        for index in (0, 1)
    ]
    rows = unpacked(data["rows"])

    assert changes["totals"] == told["totals"]
    for one, other in zip(changes["layers"], told["layers"], strict=True):
        assert one["status"] == other["status"]
        for index, side in enumerate(("old", "new")):
            name = None if one[side] is None else names[index][one[side]]
            assert name == (other[side] and other[side]["name"])
        assert [one["old"], one["new"]] in rows
    for index in (0, 1):  # each layer stands once, in order
        there = [row[index] for row in rows if row[index] is not None]
        assert sorted(there) == [*range(len(names[index]))]
    assert [row[1] for row in rows if row[1] is not None] == [*range(len(names[1]))]


def test_rows_and_groups_are_those_of_the_table() -> None:
    network = network_of(run("report", "vgg16").stdout)
    rows, groups = network["rows"], network["groups"]
    first = groups[rows[0]["at"]]

    assert [row["label"] for row in rows[:3]] == ["stage1", "conv1", "relu1"]
    assert [row["level"] for row in rows[:3]] == [0, 1, 1]
    assert rows[1]["says"] == "filters 64, kernel 3, padding 1"
    assert (first["name"], first["start"], first["stop"]) == ("stage1", 0, 5)
    # 3·3·3·64 + 64 and 3·3·64·64 + 64 parameters; each reads every pixel of 224×224 once.
    assert first["parameters"] == 1_792 + 36_928
    assert first["macs"] == 224 * 224 * (1_728 + 36_864)


def test_bytes_that_layers_read_and_write() -> None:
    network = loads(
        """
        input: {image: 4x4x1, more: 4x4x2}
        layers:
          - {conv: {filters: 2, kernel: 3, padding: 1, bias: false}, from: image, name: conv}
          - add: [[from: conv], [from: more]]
        """
    )
    # conv: 16 values, 18 weights and 32 results, add: 32, 32 and 32.
    assert moved_bytes(analyze(network)) == [4 * (16 + 18 + 32), 4 * (32 + 32 + 32)]
    assert moved_bytes(analyze(network, batch=3, dtype="float16")) == [
        2 * (3 * 16 + 18 + 3 * 32),
        2 * 3 * 96,
    ]


def test_figures_are_defined_by_the_words_of_the_documentation() -> None:
    told = definitions()
    written = re.sub(r"[*`]", "", read_file("definitions.md"))

    assert told["macs"].startswith("A MAC is one multiplication whose product is added up")
    assert told["memory.gradients"] == (
        "of all parameters that learn, and that an output is made of, at the end of the backward "
        "pass"
    )
    for name in ("parameters", "buffers", "flops", "activations", "receptive_field"):
        assert told[name] in written
    assert not [text for text in told.values() if not text or "](" in text]


# Pictures


def test_a_picture_on_a_page_has_its_style_from_the_page() -> None:
    made = graph(load("googlenet"))
    assert made is not None
    assert made.scene is not None
    text = element(made.scene, "picture0")
    own = set(" ".join(re.findall(r'class="([^"]+)"', text)).split()) - {"head"}

    assert "style" not in text
    assert 'id="picture0-title"' in text
    assert "picture0-title picture0-description" in text
    for name in own:
        assert f".picture .{name}{{" in rules(made.scenes)


# The file


def test_a_page_loads_nothing_and_runs_its_own_script_alone(html: str) -> None:
    told = parts(html)
    policy = next(
        attributes["content"] or ""
        for _, attributes in told.elements
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    rules = dict(each.split(" ", 1) for each in policy.split("; "))

    def hashed(text: str) -> str:
        return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"

    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == hashed(told.texts["script"][1])
    assert rules["style-src"] == hashed(told.texts["style"][0])
    assert len(told.texts["script"]) == 2
    for tag, attributes in told.elements:
        assert tag not in {"link", "iframe", "img", "object", "embed", "base"}
        loading = {"src", "href", "srcset", "style", "background"} & attributes.keys()
        assert not loading, f"{tag} has {loading}"
        assert not [name for name in attributes if name.startswith("on")]
    assert "url(" not in told.texts["style"][0]


def test_texts_of_a_spec_are_no_markup(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(
        f"name: {json.dumps(HOSTILE)}\ninput: 8x8x3\n"
        "layers:\n  - conv: {filters: 4, kernel: 3}  # </noscript><script>alert(2)</script>\n"
        "  - conv: {filters: 4, kernel: 99}\n",
        encoding="utf-8",
    )

    page = run("report", str(path), code=1).stdout
    told = parts(page)

    assert network_of(page)["analyze"]["name"] == HOSTILE
    assert len([tag for tag, _ in told.elements if tag == "script"]) == 2
    assert told.texts["title"][0].startswith(HOSTILE)


def test_a_page_can_be_read_without_its_script() -> None:
    page = run("report", "lenet5").stdout
    shown = page[page.index("<noscript>") : page.index("</noscript>")]
    assert page.index("<svg") < page.index("<noscript>")

    for text in ("LeNet-5", "61,706", "conv1", "Peak of training", "No findings"):
        assert text in shown or text == "conv1", text
    assert shown.count("<tr>") > len(load("lenet5").layers)


def test_a_network_with_errors_has_a_page_with_its_findings(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(
        "input: 8x8x3\nlayers:\n  - conv: {filters: 4, kernel: 3}\n"
        "  - conv: {filters: 4, kernel: 9}\n  - relu\n"
    )

    network = network_of(run("report", str(path), code=1).stdout)

    assert [
        each["output"] and each["output"]["channels"] for each in network["analyze"]["layers"]
    ] == [4, None, None]
    assert network["moved"][0] == 4 * (192 + 4 * 27 + 4 + 144)
    assert network["moved"][1:] == [None, None]
    assert network["memory"]["training"]["memory"] is None
    assert network["memory"]["training"]["refused"]
    assert [each["code"] for each in network["check"]["diagnostics"]] == ["CC303"]
    assert "kernel: 9" in network["check"]["lines"][0]
    explained = {each["name"]: each for each in network["explain"]["layers"]}
    assert explained["conv2"]["findings"][0]["code"] == "CC303"


def test_findings_are_those_of_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(
        "input: 9x9x3\nlayers:\n  - conv: {filters: 4, kernel: 3}\n  - batchnorm\n"
        "budget: {macs: 9}\n"
    )
    Path("convcalc.toml").write_text('ignore = ["CC408"]\n')
    told = printed("check", "net.yaml", code=1)
    network = network_of(run("report", "net.yaml").stdout)

    assert network["check"].pop("lines")
    network["check"].pop("layers")
    assert network["check"] == told
    assert "CC408" not in told["statistics"]


def test_a_page_is_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    run("report", "lenet5", "-o", str(path))
    text = path.read_text(encoding="utf-8")

    assert "there already" in run("report", "lenet5", "-o", str(path), code=2).stderr
    run("report", "vgg16", "-o", str(path), "--force")
    assert path.read_text(encoding="utf-8") != text


def test_nothing_is_written_of_what_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    run("report", str(tmp_path / "nothing.yaml"), "-o", str(path), code=2)

    assert not path.exists()


def test_standard_input_is_read_once() -> None:
    page = run("report", "-", given="input: 8x8x3\nlayers: [conv: {filters: 2, kernel: 3}]").stdout

    assert [layer["kind"] for layer in network_of(page)["analyze"]["layers"]] == ["conv"]


def test_a_page_of_vgg16_is_small() -> None:
    assert len(run("report", "vgg16").stdout.encode()) <= 1_000_000


@pytest.mark.thorough
@pytest.mark.parametrize("name", bundled_names())
def test_a_page_of_every_bundled_network_is_small(name: str) -> None:
    assert len(run("report", name).stdout.encode()) <= 2_500_000


@pytest.mark.thorough
def test_a_page_of_ten_thousand_layers_is_small(tmp_path: Path) -> None:
    """Of layers that differ: in 25 stages of 100 blocks of 4 layers, none as wide as the last."""
    lines = ["name: Long", "input: 64x64x4", "layers:"]
    for stage in range(25):
        lines += [f"  - name: stage{stage + 1}", "    layers:"]
        for block in range(100):
            filters = 4 + (100 * stage + block) % 61
            lines += [f"      - name: block{block + 1}", "        layers:"]
            lines += [f"          - conv: {{filters: {filters}, kernel: 3, padding: 1}}"]
            lines += ["          - batchnorm", "          - relu"]
            lines += [f"          - conv: {{filters: {filters}, kernel: 1}}"]
    path = tmp_path / "long.yaml"
    path.write_text("\n".join(lines) + "\n")

    page = run("report", str(path)).stdout
    network = network_of(page)
    unscripted = page[page.index("<noscript>") : page.index("<h3>Findings")]

    assert len(page.encode()) <= 3_000_000
    assert len(network["analyze"]["layers"]) == 10_000
    assert network["analyze"] == printed("analyze", str(path))
    assert network["explain"] is None
    peak = network["memory"]["training"]["peak"]
    told = printed("explain", str(path), "--memory", "--training")
    assert peak["peak"] == told["peak"]
    assert peak["tensors"] == told["tensors"][:200]
    assert peak["left_out"] == len(told["tensors"]) - 200
    assert peak["changes"] == []
    assert unscripted.count("<tr>") < 1_020
    assert "<td>stage25</td>" in unscripted
    assert f"convcalc analyze {path}" in unscripted


def test_licences_of_what_a_page_is_made_with_are_on_it(html: str) -> None:
    told = (BUILT / "licences.txt").read_text(encoding="utf-8")

    for text in ("Apache ECharts", "Apache License", "zrender", "BSD 3-Clause", "Mike Bostock"):
        assert text in told
    assert told.split("\n")[0] in parts(html).texts["pre"][0]


def test_what_is_shipped_is_what_the_sources_build() -> None:
    if not (WEB / "node_modules").is_dir() or shutil.which("node") is None:
        pytest.skip("web/node_modules is not there: npm ci in web/ installs what builds the pages")
    done = subprocess.run(
        ["node", "build.mjs", "--check"], cwd=WEB, capture_output=True, text=True, check=False
    )

    assert not done.returncode, done.stderr
