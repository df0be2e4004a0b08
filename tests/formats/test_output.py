"""Text, wherever it goes: every command in every format, whatever a stream can encode.

Machine formats are UTF-8 and the same bytes everywhere; for people other signs stand in the place
of those that cannot be shown. Names of files need not be Unicode.
"""

import ast
import csv
import io
import json
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from called import OF_SEVERAL, ON_NETWORKS, called
from click.testing import CliRunner, Result
from formatted import FORMATTED
from statements import statements
from tabled import tabled

import convcalc
from convcalc.checks.formats import CHECK_FORMATS
from convcalc.cli import convcalc as command_line
from convcalc.cli.output import SIGNS, Output
from convcalc.formats import Format
from convcalc.formats.memory.timeline import drawn
from convcalc.formats.rows import describe
from convcalc.formats.table import render as render_table
from convcalc.formats.verify import BAD, GOOD
from convcalc.spec.bundled import bundled_architectures
from convcalc.spec.slips.lines import SIGNS as READ_SIGNS

PACKAGE = Path(convcalc.__file__).parent
ENCODINGS = ("utf-8", "cp1252", "ascii")
GOOD_SPEC = """\
name: Größe 网 ‘x’
input: 8x8x3
layers: [{conv: {filters: 2, kernel: 3}, name: straße}, relu, flatten, linear: 4]
"""
OTHER_SPEC = GOOD_SPEC.replace("filters: 2", "filters: 3")
BAD_SPEC = """\
name: Größe 网
input: 8x8x3
layers: [{conv: {filters: 2, kernel: 9}, name: straße}]  # größer als 8×8
"""
TRIED = [
    ["analyze", "good.yaml"],
    ["analyze", "bad.yaml"],
    ["analyze", "good.yaml", "other.yaml"],
    ["analyze", "good.yaml", "--verify"],
    ["analyze", "good.yaml", "other.yaml", "--verify"],
    ["check", "bad.yaml", "good.yaml"],
    ["memory", "good.yaml", "--training", "--timeline"],
    ["memory", "good.yaml", "--limit", "1kB", "--layers"],
    ["memory", "good.yaml", "other.yaml"],
    ["verify", "good.yaml", "--top", "2"],
    ["diff", "good.yaml", "other.yaml"],
    ["explain", "good.yaml", "--all"],
    ["explain", "good.yaml", "straße", "--value", "0,0,0"],
    ["list", "lenet"],
    ["kinds", "conv", "add"],
    ["kinds"],
    ["rule", "CC401", "CC303"],
    ["size", "8x9", "--kernel", "3x4", "--padding", "1", "--ceil"],
    ["size", "224", "11", "4", "0"],
    ["sizes", "good.yaml", "--near", "20"],
    ["sweep", "good.yaml", "--vary", "input=8,16"],
    ["fit", "good.yaml", "--vary", "input=8..64:8", "--max-macs", "1M"],
    ["size", "--output-size", "55", "--kernel", "11", "--stride", "4"],
]
"""What is asked of commands in every format that they have."""
RUNS = [
    *((asked, name) for asked in TRIED for name in FORMATTED[asked[0]]),
    (["schema"], ""),
]
"""Commands with the format that they are asked for; `schema` has one alone, JSON."""


def is_machine(command: str, name: str) -> bool:
    """Whether programs read it."""
    return not name or FORMATTED[command][name].machine


def run(arguments: Sequence[str], name: str = "", *, encoding: str = "utf-8") -> Result:
    asked = [*arguments, *(["--format", name] if name else [])]
    return CliRunner(charset=encoding).invoke(command_line, asked, prog_name="convcalc")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in ("GITHUB_ACTIONS", "GITHUB_WORKSPACE", "CI_PROJECT_DIR", "FORCE_COLOR"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    for name, text in (("good", GOOD_SPEC), ("other", OTHER_SPEC), ("bad", BAD_SPEC)):
        Path(f"{name}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def read_csv(text: str) -> list[list[str]]:
    rows = list(csv.reader(io.StringIO(text)))
    assert len(set(map(len, rows))) <= 1
    return rows


def read_markdown(text: str) -> str:
    """Every table has as many cells in each of its rows."""
    for tabular, lines in groupby(text.splitlines(), lambda line: line.startswith("|")):
        if tabular:
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1
    return text


def read_annotations(text: str) -> str:
    assert all(line.startswith("::") for line in text.splitlines())
    return text


def read_html(text: str) -> Any:
    """What the script of a page reads."""
    return json.loads(re.findall(r'id="data">(.*?)</script>', text, re.DOTALL)[0])


READERS: dict[str, Callable[[str], Any]] = {
    "": json.loads,
    "json": json.loads,
    "sarif": json.loads,
    "gitlab": json.loads,
    "junit": lambda text: ET.fromstring(text.encode("utf-8")),  # noqa: S314 (our own)
    "csv": read_csv,
    "markdown": read_markdown,
    "card": read_markdown,
    "html": read_html,
    "github": read_annotations,
}
"""Machine format → what a program does with it; it raises where the text is none of the format."""


def parsed(data: bytes, name: str) -> Any:
    """What a program reads of a machine format; raises where it is none of its format."""
    if name not in READERS:
        pytest.fail(f"{name} is a machine format, and READERS does not say how it is read")
    return READERS[name](data.decode("utf-8"))


def test_every_command_with_formats_is_tried() -> None:
    untried = FORMATTED.keys() - {asked[0] for asked in TRIED}

    assert not untried, f"TRIED asks nothing of {untried}"


@pytest.mark.thorough
@pytest.mark.parametrize(("arguments", "name"), RUNS)
def test_every_output_under_every_encoding(arguments: list[str], name: str) -> None:
    seen = {encoding: run(arguments, name, encoding=encoding) for encoding in ENCODINGS}
    whole = seen["utf-8"].stdout_bytes.decode("utf-8")

    for encoding, result in seen.items():
        assert result.exit_code in (0, 1), result.stderr
        assert result.exit_code == seen["utf-8"].exit_code
        # Standard error is for people.
        assert result.stderr_bytes.decode(encoding).count("?") == seen["utf-8"].stderr.count("?")
        if is_machine(arguments[0], name):
            assert result.stdout_bytes == seen["utf-8"].stdout_bytes
            parsed(result.stdout_bytes, name)
        else:
            shown = result.stdout_bytes.decode(encoding)
            assert shown.count("?") == whole.count("?")
            assert shown.count("\n") == whole.count("\n")
    if "good.yaml" in arguments and arguments[0] in ("analyze", "memory"):
        assert "straße" in whole or "Größe" in whole or (arguments[0], name) == ("memory", "csv")


@pytest.mark.parametrize(
    ("command", "name", "verified"),
    [
        *((command, name, False) for command in OF_SEVERAL for name in FORMATTED.get(command, ())),
        *(("analyze", name, True) for name in FORMATTED["analyze"]),
    ],
)
def test_several_specs_are_one_output_of_the_form_that_is_declared(
    command: str, name: str, *, verified: bool
) -> None:
    specs = ["good.yaml", "bad.yaml", "other.yaml"]
    result = run([command, *specs, *(["--verify"] if verified else [])], name)
    row = FORMATTED[command][name]
    assert isinstance(row, Format)
    out = result.stdout_bytes.decode("utf-8")
    said = [line for line in (out + result.stderr).splitlines() if line.startswith("Verified ")]

    assert result.exit_code == 1
    assert "error[CC303]" in result.stderr
    assert said == ["Verified good.yaml by running it:", "Verified other.yaml by running it:"] * (
        verified
    )
    assert all((line in out) != row.data for line in said)
    if row.form == "values":
        assert [each["spec"] for each in parsed(result.stdout_bytes, name)] == specs
    elif row.form == "rows":
        table: list[list[str]] = parsed(result.stdout_bytes, name)
        head, rows = table[0], table[1:]
        assert head[0] == "spec"
        # One table, whose head comes once, and every row says of which spec it is.
        assert [*dict.fromkeys(each[0] for each in rows)] in (specs, [specs[0], specs[2]])
        assert head not in rows
        once = READERS[name](run([command, "good.yaml"], name).stdout_bytes.decode("utf-8"))
        assert [head[1:], *(each[1:] for each in rows if each[0] == "good.yaml")] == once
    else:
        titles = [line for line in out.splitlines() if "Größe" in line]
        assert len(titles) == (3 if command == "analyze" else 2)
        assert all(f"\n\n{title}" in out for title in titles[1:])


def literals() -> Iterator[tuple[str, str]]:
    """Characters beyond ASCII in texts of the package, with their files."""
    for path in sorted(PACKAGE.rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        yield from ((sign, path.name) for sign in set(text) if ord(sign) > 126)
    tables = {PACKAGE / "pictures" / "font.py", PACKAGE / "pictures" / "tikz.py"}  # of letters
    for path in sorted({*PACKAGE.rglob("*.py")} - tables):
        text = path.read_text(encoding="utf-8")
        if text.isascii() and not re.search(r"\\[uUNx]", text):
            continue
        tree = ast.parse(text)
        alone = {id(node.value) for node, _ in statements(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if id(node) in alone:
                    continue
                yield from ((sign, path.name) for sign in set(node.value) if ord(sign) > 126)


ENDS_OF_LINES = {"Cc", "Zl", "Zp"}
"""Categories of characters that are read, and never written for people."""


def test_every_sign_that_is_written_has_another_in_its_place() -> None:
    limits = {"\ud7ff", "\ue000", "\U00010000", "\U0010ffff"}  # of XML's characters
    read = {*READ_SIGNS, *"“”„‘’‚‣•◦"}  # in place of YAML's, and shown by their numbers
    missing = {
        sign: name
        for sign, name in literals()
        if sign not in {*SIGNS, *limits, *read} and unicodedata.category(sign) not in ENDS_OF_LINES
    }

    assert not missing
    assert all(other.isascii() and other.isprintable() for other in SIGNS.values())
    assert "?" not in {other for sign, other in SIGNS.items() if sign != "\ufffd"}


def test_passed_and_failed_look_different_everywhere() -> None:
    assert SIGNS[GOOD] != SIGNS[BAD]
    for encoding in ENCODINGS:
        for name in ("plain", "table"):
            text = run(["verify", "good.yaml"], name, encoding=encoding).stdout_bytes
            mark = b"ok" if encoding != "utf-8" else GOOD.encode()
            assert text.count(mark) == 4 + 3  # layers, and totals


@pytest.mark.parametrize("training", [False, True])
def test_the_picture_of_memory_is_the_same_picture_in_ascii(*, training: bool) -> None:
    net = convcalc.load("resnet18")
    picture = drawn(convcalc.memory(net, training=training, batch=4), 80)
    stands = {line[12:] for line in picture}

    assert stands
    for line in picture:
        ascii_line = line.encode("ascii", "convcalc.signs").decode("ascii")
        # Every sign is one sign, so that columns stay columns; empty stays empty, and what is
        # always there stays apart from what is there for a while.
        assert len(ascii_line) == len(line)
        for sign, other in zip(line, ascii_line, strict=True):
            assert (sign == " ") == (other == " ")
            assert (sign == "░") == (other == ":" and sign not in ":,")
    blocks = [SIGNS[sign] for sign in "▁▂▃▄▅▆▇█"]
    assert blocks == sorted(blocks, key="_-=#".index)
    assert len(set(blocks)) == 4


def test_characters_of_a_user_become_escapes_and_stay_apart() -> None:
    shown = run(["analyze", "good.yaml"], "plain", encoding="ascii").stdout_bytes.decode("ascii")

    assert "Gr\\xf6\\xdfe \\u7f51 'x'" in shown
    assert "stra\\xdfe" in shown


def test_usage_errors_and_findings_can_be_written_too() -> None:
    for arguments in (
        ["analyze", "größe×.yaml"],
        ["rule", "×"],
        ["memory", "good.yaml", "--limit", "×"],
    ):
        result = run(arguments, encoding="ascii")
        assert result.exit_code == 2
        assert b"\\xdf" in result.stderr_bytes or b"'x'" in result.stderr_bytes


# -- names of files ----------------------------------------------------------------------------

UNICODE = "\udcff"
"""What Python has for the byte FF in the name of a file."""


@pytest.fixture
def odd(folder: Path) -> str:
    """The name of a spec with errors that is no Unicode."""
    name = f"n{UNICODE}ö.yaml"
    try:
        with open(os.fsencode(name), "wb") as file:  # noqa: PTH123
            file.write(BAD_SPEC.encode())
        with open(os.fsencode(f"ok{UNICODE}.yaml"), "wb") as file:  # noqa: PTH123
            file.write(GOOD_SPEC.encode())
    except (OSError, UnicodeError):
        pytest.skip("this file system takes Unicode names only")
    assert folder
    return name


@tabled("encoding", ENCODINGS)
@tabled(
    ("command", "name"),
    [(command, name) for command in ON_NETWORKS for name in FORMATTED.get(command, ())],
)
def test_names_of_files_that_are_no_unicode(
    odd: str, command: str, name: str, encoding: str
) -> None:
    good = f"ok{UNICODE}.yaml"
    for asked in (called(command, good), [command, odd, *called(command, good)[2:]]):
        result = run(asked, name, encoding=encoding)
        assert result.exit_code in (0, 1), result.stderr
        if is_machine(command, name) and result.stdout_bytes:
            parsed(result.stdout_bytes, name)
            assert b"?.yaml" not in result.stdout_bytes


@pytest.mark.parametrize("name", CHECK_FORMATS)
def test_output_files_of_names_that_are_no_unicode(odd: str, name: str) -> None:
    result = run(["check", odd, "--output", f"{name}:report"])
    data = Path("report").read_bytes()

    assert result.exit_code == 1, result.stderr
    value: Any = parsed(data, name) if is_machine("check", name) else None
    if name == "sarif":
        (found,) = value["runs"][0]["results"]
        place = found["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert place == "n%FF%C3%B6.yaml"
    elif name in ("json", "gitlab"):
        assert json.dumps(odd)[1:-1] in json.dumps(value)


def test_a_baseline_knows_names_that_are_no_unicode(odd: str) -> None:
    assert run(["check", odd, "--baseline", "known.json"]).exit_code == 2
    written = run(["check", odd, "--baseline", "known.json", "--update-baseline"])

    assert written.exit_code == 0, written.stderr
    assert json.loads(Path("known.json").read_bytes())["files"] == {odd: {"CC303": 1}}
    assert run(["check", odd, "--baseline", "known.json"]).exit_code == 0


def test_files_that_are_shown_can_be_handed_on(odd: str) -> None:
    shown = run(["check", ".", "--show-files"]).stdout_bytes

    assert os.fsencode(odd) in shown.split(b"\n")


def test_fingerprints_tell_names_apart_that_are_no_unicode() -> None:
    Path("names").mkdir()
    try:
        for byte in (b"\xfe", b"\xff"):
            with open(b"names/x" + byte + b".yaml", "wb") as file:  # noqa: PTH123
                file.write(BAD_SPEC.encode())
    except (OSError, UnicodeError):
        pytest.skip("this file system takes Unicode names only")
    issues = json.loads(run(["check", "names"], "gitlab").stdout_bytes)

    assert len(issues) == 2
    assert issues[0]["fingerprint"] != issues[1]["fingerprint"]


# -- byte order marks --------------------------------------------------------------------------

MARK = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("convcalc.toml", 'ignore = ["CC303"]\n'),
        ("pyproject.toml", '[tool.convcalc]\nignore = ["CC303"]\n'),
    ],
)
@pytest.mark.parametrize("named", [False, True])
def test_a_byte_order_mark_in_a_configuration(name: str, text: str, *, named: bool) -> None:
    Path(name).write_bytes(MARK + text.encode())
    result = run(["check", "bad.yaml", *(["--config", name] if named else [])])

    assert result.exit_code == 0, result.stderr + result.stdout


def test_a_byte_order_mark_in_a_baseline_and_in_classes() -> None:
    run(["check", "bad.yaml", "--baseline", "known.json", "--update-baseline"])
    Path("known.json").write_bytes(MARK + Path("known.json").read_bytes())
    assert run(["check", "bad.yaml", "--baseline", "known.json"]).exit_code == 0

    Path("classes.txt").write_bytes(MARK + "größe\nb\nc\nd\n".encode())
    best = run(["verify", "good.yaml", "--top", "4", "--classes", "classes.txt"], "json")
    names = {each["name"] for each in json.loads(best.stdout_bytes)["top"][0]}
    assert names == {"größe", "b", "c", "d"}


# -- colours, and the width of a terminal --------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["analyze", "bad.yaml"],
        ["memory", "bad.yaml"],
        ["verify", "bad.yaml"],
        ["diff", "bad.yaml", "good.yaml"],
    ],
)
def test_force_color_colours_findings(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "\x1b[" not in run(arguments).stderr
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[1;31merror[CC303]\x1b[0m" in run(arguments).stderr
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in run(arguments).stderr


@pytest.fixture(scope="module")
def reports() -> dict[str, convcalc.Report]:
    names = {*list(bundled_architectures())[::12], "vgg16", "resnet50", "lenet5", "mobilenet_v2"}
    return {name: convcalc.analyze(convcalc.load(name)) for name in sorted(names)}


@pytest.mark.thorough
def test_at_80_columns_kind_and_hyperparameters_come_before_memory(
    reports: dict[str, convcalc.Report],
) -> None:
    for name, report in reports.items():
        text = render_table(report, width=80, color=False, peak=1)
        head = text.split("───")[0]
        assert max(map(len, text.split("\n"))) <= 80, name
        assert "Kind" in head, name
        if "Memory" in head:
            assert "yper" in head, name
        if name in {"vgg16", "resnet50", "lenet5"}:
            assert "Hyper" in head


def test_nothing_is_cut_off_however_narrow(reports: dict[str, convcalc.Report]) -> None:
    for name in ("vgg16", "resnet50", "lenet5"):
        wide = render_table(reports[name], width=200, color=False, peak=123_456_789)
        totals = [line for line in wide.splitlines() if re.match("(Param|MACs|Activ|Infer)", line)]
        for width in (1, 40, 80):
            text = render_table(reports[name], width=width, color=False, peak=123_456_789)
            lines = [" ".join(line.split()) for line in text.splitlines()]
            for line in totals:
                assert " ".join(line.split()) in lines
            assert str(reports[name].output) in text
            hidden = "Not shown for want of width:" in " ".join(text.split())
            assert hidden == ("Memory" not in text.split("───")[0])


# -- modules -----------------------------------------------------------------------------------


def test_a_command_without_a_package_of_formats_has_no_renderer() -> None:
    row = Format("Aligned text.", "text")

    assert (
        Output("plain", row, "convcalc.formats").renderer is sys.modules["convcalc.formats.plain"]
    )
    with pytest.raises(ValueError, match="no module renders plain: name its package"):
        Output("plain", row).renderer  # noqa: B018


# -- links -------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
@pytest.mark.parametrize("link", ["a.yaml", "z.yaml", "sub/link.yaml"])
def test_a_link_does_not_hide_the_name_of_its_file(folder: Path, link: str) -> None:
    Path("d", "sub").mkdir(parents=True)
    Path("d", "net.yaml").write_text(BAD_SPEC, encoding="utf-8")
    Path("d", link).symlink_to(folder / "d" / "net.yaml")

    for asked in (["d"], ["d/**/*.yaml"], ["d", f"d/{link}"][:1]):
        shown = run(["check", *asked, "--show-files"]).stdout
        assert shown.split() == ["d/net.yaml"]
    # A link that is named is meant.
    assert run(["check", f"d/{link}", "--show-files"]).stdout.split() == [f"d/{link}"]
    assert run(["check", f"d/{link}", "d", "--show-files"]).stdout.split() == [f"d/{link}"]


def test_channels_before_and_behind_are_no_extents() -> None:
    """8 and 4, where a kernel of 8 by 4 would be 8×4."""
    network = convcalc.loads("input: 8x8x4\nlayers:\n  - pad: {channels: [8, 4]}\n")

    (layer,) = (node.layer for node in network.layers)
    assert layer is not None
    assert describe(layer) == "channels [8,4]"
