"""`--fix`, `--diff` and `--watch`: safe edits, and everything else as it was, to the byte."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from convcalc.checks.codes import Selection
from convcalc.checks.fixes import fixed
from convcalc.checks.run import Task, check_text
from convcalc.checks.settings import Settings
from convcalc.cli import convcalc
from convcalc.spec.source import Opened
from convcalc.spec.text import SourceText

HEAD = "name: net  # mine\ninput: 16x16x3\nlayers:\n"


def result(items: str, selection: Selection | None = None, head: str = HEAD) -> tuple[str, ...]:
    """The items after fixing, and what was fixed."""
    task = Task(Settings(selection or Selection()))
    found = fixed(Opened("a.yaml", SourceText("a.yaml", head + items)), task)
    assert found.text.startswith(head)
    return (found.text.removeprefix(head), *found.codes)


@pytest.mark.parametrize(
    ("before", "after", "codes"),
    [
        (  # fields of other frameworks
            "  - conv: {out_channels: 4,  kernel_size: 3, pad: 1}  # odd   spacing\n",
            "  - conv: {filters: 4,  kernel: 3, padding: 1}  # odd   spacing\n",
            ["CC109"] * 3,
        ),
        (
            "  - maxpool:\n      kernel_size: 2\n\n      strides: 2 # two\n",
            "  - maxpool:\n      kernel: 2\n\n      stride: 2 # two\n",
            ["CC109"] * 2,
        ),
        (  # flatten, in a block and in a flow list
            "  -   linear: 10 # classes\n",
            "  -   flatten\n  -   linear: 10 # classes\n",
            ["CC308"],
        ),
        (  # with a name beside it, before and behind
            "  - linear: 10\n    name: fc\n  - name: gc\n    linear: {features: 3}\n",
            "  - flatten\n  - linear: 10\n    name: fc\n  - name: gc\n    linear: {features: 3}\n",
            ["CC308"],
        ),
        ("  - {linear: 10, name: fc}\n", "  - flatten\n  - {linear: 10, name: fc}\n", ["CC308"]),
        (  # keys in quotes
            "  - conv: {\"out_channels\": 4, 'kernel_size': 3, pad: 1}\n",
            "  - conv: {\"filters\": 4, 'kernel': 3, padding: 1}\n",
            ["CC109"] * 3,
        ),
        (
            "  - layers: [ relu,  {linear: 10}]\n",
            "  - layers: [ relu,  flatten, {linear: 10}]\n",
            ["CC308"],
        ),
        (  # what is said above an item stays above it
            "  - relu\n  # not of this\n\n    # nor this\n  # classes\n  # two\n  - linear: 10\n",
            (
                "  - relu\n  # not of this\n\n    # nor this\n  - flatten\n  # classes\n"
                "  # two\n  - linear: 10\n"
            ),
            ["CC308"],
        ),
        (  # bias, in a flow mapping, a block mapping, where it is written, at the end of the file
            "  - conv: {filters: 4, kernel: 3, padding: 1 }\n  - batchnorm\n",
            "  - conv: {filters: 4, kernel: 3, padding: 1, bias: false }\n  - batchnorm\n",
            ["CC408"],
        ),
        (
            (
                "  - conv:\n      filters: 4  # four\n      kernel: 3\n      padding: 1 # one\n"
                "  - batchnorm\n"
            ),
            (
                "  - conv:\n      filters: 4  # four\n      kernel: 3\n      padding: 1 # one\n"
                "      bias: false\n  - batchnorm\n"
            ),
            ["CC408"],
        ),
        (
            "  - conv: {filters: 4, bias: true, kernel: 3, padding: 1}\n  - batchnorm",
            "  - conv: {filters: 4, bias: false, kernel: 3, padding: 1}\n  - batchnorm",
            ["CC408"],
        ),
        (  # padding: of 0, 1 and 2 only 1 tiles a map of 9 that nobody chose
            "  - crop: {amount: [[3, 4], [3, 4]]}\n  - conv: {filters: 4, kernel: 5, stride: 3}\n",
            (
                "  - crop: {amount: [[3, 4], [3, 4]]}\n"
                "  - conv: {filters: 4, kernel: 5, stride: 3, padding: 1}\n"
            ),
            ["CC301"],
        ),
    ],
)
def test_what_is_fixed(before: str, after: str, codes: list[str]) -> None:
    only = Selection(("CC1", "CC2", "CC3", "CC408"))
    assert result(before, only) == (after, *codes)
    # Fixing again changes nothing, and line ends stay.
    assert result(after, only) == (after,)
    windows = HEAD.replace("\n", "\r\n")
    crlf = result(before.replace("\n", "\r\n"), only, windows)
    assert crlf[0] == after.replace("\n", "\r\n")


@pytest.mark.parametrize(
    "items",
    [
        "  - maxpool: {size: 2}\n",  # of the kernel, or of the output
        "  - conv: {filters: 4, out_channels: 4, kernel: 3}\n",  # given already
        "  - {linear: 10, from: input}\n",  # the flatten would not be in between
        "  - {linear: 10, name: fc, when: 1 < 2}\n",
        "  - linear: 10\n    repeat: 2\n",
        "  - conv: {filters: 4, kernel: 5, stride: 2}\n",  # several ways
        "  - conv: {filters: 4, kernel: 3, padding: 1}  # convcalc: ignore[CC408]\n  - batchnorm\n",
        # The same line makes a convolution whose bias is needed.
        (
            "  - layers:\n      - conv: {filters: 4, kernel: 3, padding: 1}\n"
            "      - {batchnorm: , when: index == 1}\n      - relu\n    repeat: 2\n"
        ),
    ],
)
def test_what_is_left_alone(items: str) -> None:
    assert result(items, Selection(("CC1", "CC3", "CC408"))) == (items,)


def test_a_fix_that_breaks_a_promise_is_not_made() -> None:
    items = "  - conv: {filters: 4, kernel: 3, padding: 1}\n  - batchnorm\n"
    promise = "expect: {parameters: 120}\n"
    assert result(items + promise) == (items + promise,)


def test_a_fix_that_leaves_a_comment_without_use_is_not_made() -> None:
    items = "  - conv: {out_channels: 4, kernel: 3}  # convcalc: ignore[CC405] here\n"
    assert result(items) == (items,)


def test_only_what_is_selected_is_fixed() -> None:
    items = "  - conv: {filters: 4, kernel: 3, padding: 1}\n  - batchnorm\n"
    assert result(items, Selection(ignore=("CC408",))) == (items,)


def test_what_a_fix_uncovers_is_fixed_too_or_reported() -> None:
    items = "  - conv: {out_channels: 4, kernel: 3, padding: 1}\n  - relu\n  - linear: 10\n"
    text, *codes = result(items)
    assert codes == ["CC109", "CC308"]
    assert not check_text(
        SourceText("a.yaml", HEAD + text), Task(Settings(Selection(("CC1", "CC3"))))
    ).diagnostics


BROKEN = (HEAD + "  - conv: {out_channels: 4, kernel: 3, padding: 1}\n  - relu\n").encode()


def test_fix_writes_the_file_and_reports_what_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + BROKEN)
    shown = CliRunner().invoke(convcalc, ["check", "--diff", "a.yaml"])
    assert shown.exit_code == 1
    assert shown.stdout.splitlines()[:2] == ["--- a/a.yaml", "+++ b/a.yaml"]
    assert "+  - conv: {filters: 4, kernel: 3, padding: 1}\n" in shown.stdout
    assert path.read_bytes() == b"\xef\xbb\xbf" + BROKEN
    done = CliRunner().invoke(convcalc, ["check", "--fix", "a.yaml"])
    assert done.exit_code == 0
    assert done.stderr == "Fixed 1 finding in 1 file.\n"
    assert path.read_bytes() == b"\xef\xbb\xbf" + BROKEN.replace(b"out_channels", b"filters")
    again = CliRunner().invoke(convcalc, ["check", "--diff", "a.yaml"])
    assert (again.exit_code, again.output) == (0, "")


def test_standard_input_is_shown_and_not_fixed() -> None:
    shown = CliRunner().invoke(
        convcalc, ["check", "--diff", "-", "--stdin-filename", "b.yaml"], input=BROKEN
    )
    assert shown.stdout.startswith("--- a/b.yaml\n+++ b/b.yaml\n")
    refused = CliRunner().invoke(convcalc, ["check", "--fix", "-"], input=BROKEN)
    assert refused.exit_code == 2


@pytest.mark.parametrize("path", ["nothing.yaml", "empty", "*.yml", "binary.yaml", "torn.yaml"])
def test_what_cannot_be_shown_exits_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "binary.yaml").write_bytes(b"\0")
    (tmp_path / "torn.yaml").write_text("layers: [conv: {filters: 96\n", encoding="ascii")
    (tmp_path / "a.yaml").write_bytes(BROKEN)
    shown = CliRunner().invoke(convcalc, ["check", "--diff", path, "a.yaml"])
    assert shown.exit_code == 2
    assert path in shown.stderr
    assert shown.stdout.startswith("--- a/a.yaml")


def test_a_file_that_cannot_be_written_keeps_no_other_from_being_fixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_bytes(BROKEN)
    write = Path.write_bytes

    def refuse(path: Path, data: bytes) -> int:
        if path.name == "a.yaml":
            raise PermissionError(13, "Permission denied")
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", refuse)
    done = CliRunner().invoke(convcalc, ["check", "--fix", "-f", "concise", "."])
    assert done.exit_code == 2
    assert done.stderr == (
        "convcalc: a.yaml: cannot be written: Permission denied\nFixed 1 finding in 1 file.\n"
    )
    assert "a.yaml:4:12: CC109" in done.stdout
    assert "b.yaml" not in done.stdout


def test_watch_ends_when_a_check_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    def late(_: float) -> None:
        pytest.fail("it went on")

    (tmp_path / "a.yaml").write_bytes(BROKEN)
    monkeypatch.setattr("convcalc.cli.check.check_files", interrupt)
    monkeypatch.setattr("convcalc.cli.check.time.sleep", late)
    done = CliRunner().invoke(convcalc, ["check", "--watch", str(tmp_path / "a.yaml")])
    assert done.exit_code == 130


@pytest.fixture
def interrupts() -> Iterator[None]:
    """Processes that heed SIGINT, which a shell has its background jobs ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_watch_checks_again_when_a_file_changes(tmp_path: Path, interrupts: None) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(BROKEN)
    with subprocess.Popen(
        [sys.executable, "-m", "convcalc", "check", "--watch", "-f", "concise", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=Path(__file__).parent.parent,
    ) as process:
        assert process.stdout is not None
        try:
            first = until(process.stdout, "Watching")
            assert any("CC109" in line for line in first)
            time.sleep(0.1)
            path.write_bytes(BROKEN.replace(b"out_channels", b"filters"))
            assert until(process.stdout, "Watching") == ["No findings in 1 spec.\n"]
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=20) == 0
        finally:
            process.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_watch_looks_at_the_configuration_and_the_baseline_too(
    tmp_path: Path, interrupts: None
) -> None:
    (tmp_path / "a.yaml").write_bytes(BROKEN)
    settings = tmp_path / "convcalc.toml"
    settings.write_text('ignore = ["CC1"]\nbaseline = "b.json"\n')
    baseline = tmp_path / "b.json"
    baseline.write_text('{"schema": 1, "files": {}}')
    with subprocess.Popen(
        [sys.executable, "-m", "convcalc", "check", "--watch", "-f", "concise", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=Path(__file__).parent.parent,
    ) as process:
        assert process.stdout is not None
        try:
            assert not any("CC109" in line for line in until(process.stdout, "Watching"))
            time.sleep(0.1)
            settings.write_text('baseline = "b.json"\n')
            assert any("CC109" in line for line in until(process.stdout, "Watching"))
            settings.write_text("baseline = \n")
            until(process.stdout, "convcalc.toml")
            settings.write_text('baseline = "b.json"\n')
            assert any("CC109" in line for line in until(process.stdout, "Watching"))
            baseline.write_text('{"schema": 1, "files": {"a.yaml": {"CC109": 1}}}')
            assert not any("CC109" in line for line in until(process.stdout, "Watching"))
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=20) == 0
        finally:
            process.kill()


def until(lines: Iterable[str], word: str) -> list[str]:
    """The lines before the one with a word."""
    found: list[str] = []
    for line in lines:
        if word in line:
            return found
        found.append(line)
    message = f"it ended without {word!r}: {found}"
    raise AssertionError(message)
