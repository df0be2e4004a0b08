"""Every option that takes a path says as a person would what is wrong with one."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import pytest
from called import READING, called, needed
from click.testing import CliRunner, Result
from paths import ROOT
from tabled import tabled

from convcalc.cli import COMMANDS
from convcalc.cli import convcalc as command_line

NET = "input: 8x8x3\nlayers: [flatten, linear: 4]\n"

READ = {
    ("verify", "--classes"): ["verify", "net.yaml", "--top", "2"],
    ("verify", "--weights"): ["verify", "net.yaml"],
    ("verify", "--weights-map"): ["verify", "net.yaml", "--weights", "there.npz"],
    ("verify", "--image"): ["verify", "net.yaml"],
    ("explain", "--weights"): ["explain", "net.yaml", "linear1", "--value", "0"],
    ("explain", "--weights-map"): [
        *("explain", "net.yaml", "linear1", "--value", "0", "--weights", "there.npz")
    ],
    ("explain", "--image"): ["explain", "net.yaml", "linear1", "--value", "0"],
    ("draw", "--weights"): ["draw", "sliding.yaml", "--style", "activations"],
    ("draw", "--weights-map"): [
        *("draw", "sliding.yaml", "--style", "activations", "--weights", "there.npz")
    ],
    ("draw", "--image"): ["draw", "sliding.yaml", "--style", "activations"],
    ("export", "--weights"): ["export", "net.yaml"],
    ("export", "--weights-map"): ["export", "net.yaml", "--weights", "there.npz"],
    ("convert", "--weights"): ["convert", "net.yaml", "--linear-to-conv", "--verify"],
    ("convert", "--weights-map"): [
        *("convert", "net.yaml", "--linear-to-conv", "--verify", "--weights", "there.npz")
    ],
    ("sweep", "--resume"): ["sweep", "net.yaml", "--vary", "input=8"],
    ("sweep", "--scheduler"): ["sweep", "net.yaml", "--vary", "input=8"],
    ("check", "--config"): ["check", "net.yaml"],
    ("check", "--baseline"): ["check", "net.yaml"],
    ("format", "--config"): ["format", "net.yaml"],
}
"""Options that read a file, with what else is to be said."""
TEXTS = {("explain", "--error"): ["explain", "net.yaml"]}
"""Options that read a file of any text."""
WRITTEN = {
    ("verify", "--save"): ["verify", "net.yaml"],
    ("check", "--output"): ["check", "net.yaml"],
    ("convert", "--save"): [*("convert", "net.yaml", "--linear-to-conv", "--weights", "there.npz")],
    ("show", "--output"): ["show", "net.yaml"],
    ("export", "--output"): ["export", "net.yaml"],
    ("draw", "--output"): ["draw", "net.yaml", "--to", "svg"],
    ("explain", "--demo"): ["explain", "sliding.yaml", "conv1"],
    ("explain", "--svg"): ["explain", "sliding.yaml", "conv1"],
    ("fold", "--output"): ["fold", "net.yaml"],
    ("diff", "--draw"): ["diff", "net.yaml", "sliding.yaml"],
    ("report", "--output"): ["report", "net.yaml"],
    ("memory", "--plan"): ["memory", "net.yaml"],
    ("verify", "--output"): ["verify", "sliding.yaml", "--training", "--field", "conv1"],
    ("sweep", "--output"): ["sweep", "net.yaml", "--vary", "input=8"],
    ("sweep", "--state"): ["sweep", "net.yaml", "--vary", "input=8"],
    ("check", "--update-baseline"): ["check", "net.yaml", "--update-baseline"],
}
"""Options that write."""
DASH: Mapping[tuple[str, str], tuple[list[str], list[str]]] = {
    ("show", "--output"): (["show", "vgg16"], []),
    ("export", "--output"): (["export", "net.yaml"], []),
    ("draw", "--output"): (["draw", "net.yaml"], []),
    ("fold", "--output"): (["fold", "net.yaml"], []),
    ("report", "--output"): (["report", "net.yaml"], []),
    ("new", "--output"): (["new", "CONV -> FC"], []),
    ("convert", "--output"): (["convert", "net.yaml", "--linear-to-conv"], []),
    ("import", "--output"): (["import", "net.onnx"], []),
    ("explain", "--svg"): (
        ["explain", "sliding.yaml", "conv1"],
        ["draw", "sliding.yaml", "--style", "window"],
    ),
    ("explain", "--demo"): (["explain", "sliding.yaml", "conv1"], []),
    ("diff", "--draw"): (["diff", "net.yaml", "sliding.yaml"], []),
    ("memory", "--plan"): (["memory", "net.yaml"], []),
    ("verify", "--output"): (["verify", "sliding.yaml", "--training", "--field", "conv1"], []),
}
"""Options that write a file or, as -, to standard output: what is called, and what gives the same.

That is the call without the option where nothing is named.
"""
NO_DASH = {
    *(("check", "--output"), ("verify", "--save"), ("convert", "--save")),
    *(("sweep", "--output"), ("sweep", "--state")),
}
"""Those that write and for which - is something else: FORMAT:-, a folder, nothing."""
RAW = re.compile(r"Errno|codec|Traceback|internal error| at 0x")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(NET, encoding="utf-8")
    Path("sliding.yaml").write_text("input: 8x8x3\nlayers: [conv: {filters: 2, kernel: 3}]\n")
    Path("folder.npz").mkdir()
    Path("empty").write_bytes(b"")
    Path("binary").write_bytes(bytes(range(128, 256)) * 40)
    for name in ("binary.npz", "binary.safetensors", "binary.npy", "binary.png", "there.npz"):
        Path(name).write_bytes(Path("binary").read_bytes())
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command_line, arguments, prog_name="convcalc")


def said_well(result: Result, value: str) -> None:
    said = result.stderr
    assert result.exit_code == 2, (said, result.stdout)
    assert not RAW.search(said), said
    assert value in said or not value, said
    assert len(said.strip().splitlines()[-1]) < 300


def with_paths() -> Iterator[tuple[str, str]]:
    """Options of all commands that take a path, by what they call it."""
    for name in COMMANDS:
        for option in of_command(name):
            metavar = getattr(option, "metavar", None) or ""
            if isinstance(option, click.Option) and re.search("FILE|DIR|PATH", metavar):
                yield name, option.opts[-1]


def of_command(name: str) -> list[click.Parameter]:
    command = command_line.get_command(click.Context(command_line), name)
    assert command is not None
    return command.params


def test_every_option_that_takes_a_path_is_looked_at() -> None:
    known = {*READ, *TEXTS, *WRITTEN} - {("check", "--update-baseline")}

    assert set(with_paths()) == known


@tabled("value", ["nosuch", "nosuch.npz", "no/such.npy", "folder.npz", "binary"])
@tabled("option", READ, ids=" ".join)
def test_a_file_that_cannot_be_read(option: tuple[str, str], value: str) -> None:
    said_well(run(*READ[option], option[1], value), value)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--weights", "binary.npz"),
        ("--weights", "binary.safetensors"),
        ("--image", "binary.npy"),
        ("--image", "binary.png"),
        ("--classes", "empty"),
        ("--weights-map", "empty"),
    ],
)
def test_a_file_of_another_kind(option: str, value: str) -> None:
    if value.endswith("png"):
        pytest.importorskip("PIL")
    said_well(run(*READ["verify", option], option, value), value)


@pytest.mark.parametrize("value", ["nosuch", "no/such.npy", "folder.npz"])
@pytest.mark.parametrize("option", TEXTS, ids=" ".join)
def test_a_text_that_cannot_be_read(option: tuple[str, str], value: str) -> None:
    said_well(run(*TEXTS[option], option[1], value), value)


@tabled("value", ["empty", "prose"])
@tabled("option", READ, ids=" ".join)
def test_a_file_with_nothing_that_is_wanted(option: tuple[str, str], value: str) -> None:
    Path("prose").write_text("Words, and more of them.\n", encoding="utf-8")
    result = run(*READ[option], option[1], value)

    if (option[1], value) == ("--config", "empty"):  # which says nothing, and is TOML
        assert result.exit_code == 0, result.stderr
    else:
        said_well(result, value)
        assert "char " not in result.stderr


@pytest.mark.parametrize("name", ["README.md", "pyproject.toml"])
def test_a_file_of_the_repository_is_no_spec(name: str) -> None:
    said = run("check", str(ROOT / name))

    assert said.exit_code == 1
    assert said.stdout.count("error[") == 1
    assert "this is no spec: it reads as" in said.stdout


def test_nothing_found_in_nothing_is_not_said_before_an_error() -> None:
    Path("hollow").mkdir()
    for path in ("hollow", "nosuch*.yaml"):
        said = run("check", path)
        assert (said.exit_code, said.stdout) == (2, "")
        assert path in said.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
@pytest.mark.parametrize("option", [*READ, *TEXTS], ids=" ".join)
def test_a_link_to_itself(option: tuple[str, str]) -> None:
    Path("loop.npz").symlink_to("loop.npz")

    said_well(run(*{**READ, **TEXTS}[option], option[1], "loop.npz"), "loop.npz")


@pytest.mark.skipif(
    sys.platform == "win32" or getattr(os, "geteuid", int)() == 0, reason="root reads everything"
)
@pytest.mark.parametrize("option", READ, ids=" ".join)
def test_a_file_that_may_not_be_read(option: tuple[str, str]) -> None:
    Path("there.npz").chmod(0)

    said_well(run(*READ[option], option[1], "there.npz"), "there.npz")


@tabled("option", [*READ, *TEXTS, ("verify", "--save")], ids=" ".join)
def test_an_empty_text_is_no_path(option: tuple[str, str]) -> None:
    result = run(*{**READ, **TEXTS, **WRITTEN}[option], option[1], "")

    said_well(result, "")
    assert "an empty text names no file" in result.stderr


@tabled("value", ["no/such/place", "net.yaml/below", "folder.npz"])
@tabled("option", WRITTEN, ids=" ".join)
def test_a_place_that_cannot_be_written(option: tuple[str, str], value: str) -> None:
    command, name = option
    if command == "verify":  # makes its folder
        value = {"no/such/place": "net.yaml", "folder.npz": "binary"}.get(value, value)
    given = f"json:{value}" if option == ("check", "--output") else value
    name = "--baseline" if name == "--update-baseline" else name

    said_well(run(*WRITTEN[option], name, given), value.split("/below")[0])


# Standard output


def in_file(option: tuple[str, str], *more: str) -> bytes:
    """What the option writes to a file."""
    picture = option[1] in ("--draw", "--svg") or option == ("verify", "--output")
    ending = "svg" if picture else "txt"
    name = Path(f"{'-'.join(option)}.{ending}")
    to = ["--to", "svg"] if option == ("draw", "--output") and "--to" not in more else []
    result = run(*DASH[option][0], *to, *more, option[1], str(name))

    assert result.exit_code == 0, result.stderr
    return name.read_bytes()


@pytest.fixture
def onnx(folder: Path) -> Path:
    pytest.importorskip("onnx")
    (folder / "net.onnx").write_bytes(run("export", "net.yaml").stdout_bytes)
    return folder


def test_every_option_that_writes_knows_standard_output() -> None:
    outputs = {
        (name, option.opts[-1])
        for name in COMMANDS
        for option in of_command(name)
        if "-o" in option.opts or (name, option.opts[-1]) in WRITTEN
    }
    assert outputs - NO_DASH - {("check", "--update-baseline")} == DASH.keys()


@tabled("option", DASH, ids=" ".join)
def test_a_dash_is_standard_output(option: tuple[str, str], onnx: Path) -> None:
    call, same = DASH[option]
    dashed = run(*call, option[1], "-")

    assert dashed.exit_code == 0, dashed.stderr
    assert dashed.stdout_bytes == in_file(option)
    if same:
        assert dashed.stdout_bytes == run(*same).stdout_bytes
    assert not (onnx / "-").exists()
    said_well(run(*call, option[1], "-", "--force"), "none is named")


@pytest.mark.parametrize("to", ["svg", "png", "mermaid", "tikz"])
def test_a_picture_goes_to_standard_output_in_any_format(to: str) -> None:
    pytest.importorskip("resvg_py")
    option = ("draw", "--output")

    assert run(*DASH[option][0], "--to", to, "-o", "-").stdout_bytes == in_file(option, "--to", to)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (["draw", "net.yaml", "--to", "png"], "the picture is no text"),
        (["export", "net.yaml"], "the file is no text"),
        (["report", "net.yaml"], "a page is nothing to read here"),
        (["explain", "sliding.yaml", "conv1", "--demo", "-"], "a page is nothing to read here"),
    ],
)
def test_a_terminal_gets_no_file_that_is_nothing_to_read(
    call: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnx")
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
    for dash in ([], ["-o", "-"]):
        if "-" in call and dash:
            continue
        result = run(*call, *dash)

        said_well(result, said)
        assert result.stdout_bytes == b""
        assert result.stderr.count("Error: ") == 1


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (["explain", "sliding.yaml", "conv1", "--svg", "-", "--demo", "-"], "both are -"),
        (["explain", "sliding.yaml", "conv1", "--svg", "-", "--format", "json"], "no effect"),
        (["diff", "net.yaml", "sliding.yaml", "--draw", "-", "--format", "json"], "no effect"),
        (["fold", "net.yaml", "--check", "-o", "-"], "--check writes no spec"),
        (["report", "net.yaml", "--open", "-o", "-"], "--open opens a file"),
        (
            [*("convert", "net.yaml", "--linear-to-conv", "--weights", "there.npz", "--save", "-")],
            "--save writes a file of weights",
        ),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_standard_output_holds_one_thing(call: list[str], said: str) -> None:
    result = run(*call)

    said_well(result, said)
    assert result.stdout_bytes == b""
    assert not Path("-").exists()


# Specs


@tabled("command", READING)
@tabled("value", ["nosuch", "folder.npz", "binary", "net.yaml/below"])
def test_a_spec_that_cannot_be_read(command: str, value: str) -> None:
    result = run(*called(command, *["net.yaml"] * (needed(command) - 1), value))
    said = result.stderr + result.stdout

    assert result.exit_code == 2
    assert value in said
    assert not RAW.search(said), said
