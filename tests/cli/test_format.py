"""`convcalc format`: one style, nothing lost, nothing else changed."""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from draws import examples
from tabled import tabled
from test_spec_tree import TEXTS, WORKING, Trees, decoded

from convcalc import parse
from convcalc.checks import style
from convcalc.checks.run import Task, check_text
from convcalc.checks.style import styled
from convcalc.cli import convcalc
from convcalc.spec.source import Opened
from convcalc.spec.text import SourceText
from convcalc.spec.tree import Spec
from convcalc.spec.write import write

Run = Callable[..., Result]

UNTIDY = """\
input:   [8,8,3]
layers:
- conv: {filters: 4,kernel: 3}   # a remark
- relu:


- maxpool: 2
"""
TIDY = """\
input: [8, 8, 3]
layers:
  - conv: {filters: 4, kernel: 3}  # a remark
  - relu

  - maxpool: 2
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, stdin: bytes | str | None = None) -> Result:
        return CliRunner().invoke(convcalc, ["format", *arguments], input=stdin)

    return call


def put(name: str, text: str = UNTIDY) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def test_files_are_written_in_one_style(run: Run) -> None:
    put("nets/a.yaml")
    put("nets/b.yaml", TIDY)
    put("compose.yaml", "services:   {}\n")
    done = run()

    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "1 file reformatted, 1 file left unchanged.\n"
    assert Path("nets/a.yaml").read_text() == TIDY
    assert Path("compose.yaml").read_text() == "services:   {}\n"
    assert run().stderr == "2 files left unchanged.\n"


def test_check_changes_nothing_and_says_what_would(run: Run) -> None:
    put("a.yaml")
    done = run("--check", "a.yaml")

    assert (done.exit_code, done.stdout) == (1, "Would reformat: a.yaml\n")
    assert done.stderr == "1 file would be reformatted.\n"
    assert Path("a.yaml").read_text() == UNTIDY
    put("a.yaml", TIDY)
    assert run("--check", "a.yaml").exit_code == 0


def test_diff_is_a_patch_and_changes_nothing(run: Run) -> None:
    put("a.yaml", UNTIDY.rstrip("\n"))
    done = run("--diff", "a.yaml")

    assert done.exit_code == 1
    assert done.stdout.startswith(
        "--- a/a.yaml\n+++ b/a.yaml\n@@ -1,7 +1,6 @@\n-input:   [8,8,3]\n"
    )
    assert "\\ No newline at end of file\n" in done.stdout
    assert Path("a.yaml").read_text() == UNTIDY.rstrip("\n")
    put("a.yaml", TIDY)
    assert run("--diff", "a.yaml").stdout == ""


def test_standard_input_goes_to_standard_output(run: Run) -> None:
    done = run("-", stdin=UNTIDY)
    assert (done.exit_code, done.stdout, done.stderr) == (0, TIDY, "")
    assert run("--check", "-", stdin=TIDY).exit_code == 0
    done = run("--check", "-", "--stdin-filename", "x.yaml", stdin=UNTIDY)
    assert (done.exit_code, done.stdout) == (1, "Would reformat: x.yaml\n")
    assert run("--diff", "-", stdin=UNTIDY).stdout.startswith("--- a/-\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("layers: [}\n", "a.yaml:1:10: CC105 not YAML"),
        ("layers: [[relu]]\n", "a.yaml:1:10: CC116 a list is no item"),
        ("name: a\nname: b\nlayers: [relu]\n", "a.yaml:2:1: CC106 key `name` is given twice"),
        ("layers: &a [relu]\n", "CC104 anchors are not used in specs"),
        ("", "a.yaml: CC107 a spec is a mapping, and this is empty"),
        ("layers: [relu]\n---\na: 1\n", "CC105 a second document starts here"),
        ("services:\n  web: {image: a,   ports: [1]}\n", "CC107 this is no spec: none of its keys"),
        ("name:   a\ndefaults: {}\n", "CC115 neither `input` nor `layers`"),
        ("foo: [1,2]\nname:   a\n", "CC115 neither `input` nor `layers`"),
    ],
)
def test_what_has_not_the_form_of_a_spec_is_left_and_said(run: Run, text: str, said: str) -> None:
    put("a.yaml", text)
    put("b.yaml")
    done = run("a.yaml", "b.yaml")

    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stderr.endswith("\n1 file reformatted.\n")
    assert Path("a.yaml").read_text() == text
    assert Path("b.yaml").read_text() == TIDY, "the others are formatted"


def test_what_is_no_file_is_said(run: Run) -> None:
    Path("empty").mkdir()
    for path, said in [
        ("vgg16", "convcalc: vgg16: CC101 is no file\n"),
        ("empty", "convcalc: no specs in empty\n"),
        ("*.yml", "convcalc: nothing matches *.yml\n"),
    ]:
        done = run(path)
        assert (done.exit_code, said in done.stderr) == (2, True), done.stderr
    put("binary.yaml", "\0\0")
    done = run("binary.yaml")
    assert (done.exit_code, "CC102" in done.stderr) == (2, True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_file_that_cannot_be_written_is_said(run: Run) -> None:
    put("a.yaml").chmod(0o444)
    done = run("a.yaml")

    assert done.exit_code == 2
    assert "convcalc: a.yaml: cannot be written" in done.stderr


def test_line_ends_and_byte_order_mark_stay(run: Run) -> None:
    Path("a.yaml").write_bytes(b"\xef\xbb\xbf" + UNTIDY.replace("\n", "\r\n").encode())
    assert run("a.yaml").exit_code == 0
    assert Path("a.yaml").read_bytes() == b"\xef\xbb\xbf" + TIDY.replace("\n", "\r\n").encode()
    assert run("--check", "a.yaml").exit_code == 0


def test_files_are_found_as_check_finds_them(run: Run) -> None:
    for name in ("a.yaml", "old/b.yaml", "net.yaml", "kept/c.yaml"):
        put(name)
    put("pyproject.toml", '[tool.convcalc]\nexclude = ["old"]\n')
    put(".gitignore", "net.yaml\n")
    Path(".git").mkdir()
    put("compose.yaml", "services: {}\n")

    assert run("--check", "--exclude", "kept").stdout == "Would reformat: a.yaml\n"
    assert run("--check", "--force-exclude", "old/b.yaml").stdout == ""
    done = run("--check", "--only-specs", "compose.yaml", "a.yaml")
    assert done.stdout == "Would reformat: a.yaml\n"
    assert run("--isolated", "--check").stdout.count("Would reformat") == 3


def test_an_option_without_effect_is_refused(run: Run) -> None:
    put("a.yaml")
    assert run("a.yaml", "--stdin-filename", "x.yaml").exit_code == 2


def test_what_would_change_the_spec_is_never_written(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(spec: Spec) -> str:
        return write(spec).replace("filters: 4", "filters: 5")

    monkeypatch.setattr(style, "write", wrong)
    put("a.yaml")
    done = run("a.yaml")

    assert (done.exit_code, "CC100" in done.stderr) == (2, True)
    assert Path("a.yaml").read_text() == UNTIDY


SILENCED = [name for name in TEXTS if "# convcalc:" in decoded(name)]


@pytest.mark.thorough
@tabled("name", WORKING)
def test_a_formatted_spec_is_formatted(name: str) -> None:
    made = styled(Opened("a.yaml", SourceText("a.yaml", decoded(name))))

    assert made.problems == ()
    if made.text != decoded(name):
        assert styled(Opened("a.yaml", SourceText("a.yaml", made.text))) == made


def test_there_are_comments_that_silence_findings() -> None:
    assert len(SILENCED) > 10


@pytest.mark.thorough
@pytest.mark.parametrize("name", SILENCED)
def test_check_finds_the_same_in_a_formatted_spec(name: str) -> None:
    """Comments that silence findings stay with them; the network is the same (test_spec_tree)."""
    text = decoded(name)
    made = styled(Opened("a.yaml", SourceText("a.yaml", text)))

    assert findings(made.text) == findings(text)


@cache
def findings(text: str) -> list[tuple[str, str | None]]:
    found = check_text(SourceText("a.yaml", text), Task()).diagnostics
    return sorted((one.code, one.layer or "") for one in found)


@examples(100, seed=lambda draw: draw.getrandbits(40))
def test_a_random_spec_is_styled_once(seed: int) -> None:
    written = write(Trees(seed).spec())

    assert styled(Opened("a.yaml", SourceText("a.yaml", written))).text == written


# -- where a line ends -----------------------------------------------------------------------

WIDE = 100
"""Characters of a line at most; docs/cli.md."""
ONE_LINE = {
    "an item": ("layers:\n- {conv: {filters: 8, kernel: 3}, name: %s}",
                "  - {conv: {filters: 8, kernel: 3}, name: %s}"),
    "an item of a block": ("blocks: {b: {layers: [{linear: 8, name: %s}]}}\nlayers: [b]",
                           "      - {linear: 8, name: %s}"),
    "lists of a field": ("layers:\n- {pad: {padding: [[1, %s], [1, 2]]}}",
                         "      padding: [[1, %s], [1, 2]]"),
    "a list in a list": ("layers:\n- {pad: {padding: [[1, %s], [12345678901234567890, 2]]}}",
                         "        - [1, %s]"),
    "fields": ("layers:\n- {conv: {filters: %s, kernel: 3}}", "  - conv: {filters: %s, kernel: 3}"),
}  # fmt: skip


@pytest.mark.parametrize("what", ONE_LINE)
def test_spec_lines_are_written_as_one_up_to_a_hundred_characters(what: str) -> None:
    given, line = ONE_LINE[what]
    most = WIDE - len(line % "")

    for length in (most - 1, most, most + 1):
        spec = parse(f"input: 8x8x3\n{given % ('n' * length)}\n")
        written = write(spec).splitlines()
        assert (line % ("n" * length) in written) == (length <= most)
        assert write(parse("\n".join(written))).splitlines() == written


def filled(lines: list[str], separator: str) -> bool:
    """Whether no first part of a line would have found place behind the line before."""
    return all(
        len(line) + 1 + len(following.split(separator)[0] + separator.strip()) > WIDE
        for line, following in zip(lines, (each.lstrip() for each in lines[1:]), strict=False)
    )


@tabled("step", range(1, 13))
def test_spec_remarks_are_written_in_filled_lines(step: int) -> None:
    words = ["w" * (1 + (step * number) % 13) for number in range(80)]
    spec = parse(f'description: "{" ".join(words)}\\n"\ninput: 8x8x3\nlayers: []\n')
    lines = write(spec).split("\ninput")[0].splitlines()

    assert lines[0] == "description: >"
    assert " ".join(lines[1:]).split() == words
    assert max(map(len, lines)) <= WIDE
    assert filled(lines[1:], " ")


@tabled("length", range(18, 40))
def test_spec_fields_are_written_in_filled_lines(length: int) -> None:
    text = "conv: {filters: %s, kernel: 3, stride: %s, padding: %s, dilation: 1, groups: 1}"
    spec = parse(f"input: 8x8x3\nlayers:\n- {text % tuple(sign * length for sign in 'abc')}\n")
    lines = write(spec).splitlines()[2:]

    assert max(map(len, lines)) <= WIDE
    assert filled(lines, ", ")
    assert {len(line) - len(line.lstrip()) for line in lines[1:]} <= {len("  - conv: {")}
