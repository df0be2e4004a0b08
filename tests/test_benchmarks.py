"""Benchmarks say how they are called, and what is missing where they cannot measure."""

import re
import sys
from importlib import import_module
from pathlib import Path

import pytest
from paths import TESTS

pytest.importorskip("benchmarks", reason="benchmarks are not shipped")

from kinds import CASES

from benchmarks import torch_program
from benchmarks.__main__ import BENCHMARKS, main
from convcalc import SpecError, loads
from convcalc.layers import SOURCES, kinds


def test_the_table_is_complete() -> None:
    folder = Path(str(import_module("benchmarks").__file__)).parent
    modules = {path.stem for path in folder.iterdir() if path.suffix == ".py" or path.is_dir()}
    runs = {
        name
        for name in modules - {"__init__", "__main__", "__pycache__"}
        if "def main(" in _text(folder, name)
    }

    assert runs == set(BENCHMARKS)


def test_kinds_that_a_torch_program_has_words_for_are_these() -> None:
    words = {*torch_program.FUNCTIONS} | torch_program.BY_FIELDS
    where = "FUNCTIONS, BY_FIELDS or UNSPOKEN in benchmarks/torch_program.py"

    missing = kinds() - SOURCES - words - torch_program.UNSPOKEN.keys()
    assert not missing, f"{', '.join(sorted(missing))}: add a row or a reason to {where}"
    assert words | torch_program.UNSPOKEN.keys() == kinds() - SOURCES, where
    assert not words & torch_program.UNSPOKEN.keys(), where
    named = set()
    for case in CASES:
        text = f"rounding: floor\nlayers: [{{{case.item}}}]"
        inputs = case.inputs.split()
        text = f"input: {inputs[0]}\n{text}"
        if len(inputs) > 1:
            text = f"input: {inputs[0]}\nlayers: [{{{case.kind}: [[relu], []]}}]"
        try:
            torch_program.torch_program(loads(text))
        except (torch_program.UnknownKindError, SpecError):  # or no network of equal branches
            continue
        named.add(case.kind)

    assert named == words, where


def _text(folder: Path, name: str) -> str:
    package = folder / name / "__init__.py"
    return (package if package.exists() else folder / f"{name}.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("option", ["--help", "-h"])
@pytest.mark.parametrize("name", BENCHMARKS)
def test_help(name: str, option: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main([name, option])
    except SystemExit as ended:
        code = 0 if ended.code is None else int(ended.code)
    said = capsys.readouterr().out

    if code == 2 and "which is not installed" in said:
        pytest.skip(said.strip())
    assert code == 0
    assert f"usage: python -m benchmarks {name}" in said
    # And what it measures, from its module.
    doc = import_module(f"benchmarks.{name}").__doc__ or ""
    assert doc.split("\n")[0] in said


@pytest.mark.parametrize("name", BENCHMARKS)
def test_arguments_there_are_not(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        raise SystemExit(main([name, "--no-such-option"]))

    assert ended.value.code == 2
    assert capsys.readouterr()


def test_a_package_that_is_missing_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "benchmarks.zoo", raising=False)
    monkeypatch.setitem(sys.modules, "benchmarks.timing", None)

    assert main(["zoo"]) == 2
    assert "zoo needs benchmarks.timing" in capsys.readouterr().out


def test_memory_says_why_it_could_not_measure(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(TESTS))
    for module in ("torch_memory", "torch_zoo"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    for missing in ("torch", "torchinfo"):
        monkeypatch.setitem(sys.modules, missing, None)
    memory = import_module("benchmarks.memory")
    monkeypatch.setattr(memory, "_times", lambda: None)
    monkeypatch.setattr(memory, "_missing", set())

    assert memory.main(["squeezenet"]) == 0
    said = capsys.readouterr().out
    assert "–" in said.split("\n\n")[1]
    assert "– not measured: torch is not installed (pip install '.[test,peers]')" in said
    assert "– no torchinfo and torchsummary: torch is not installed" in said


@pytest.mark.parametrize("benchmark", ["mutation", "backward"])
def test_changes_without_a_difference_are_of_lines_that_there_are(benchmark: str) -> None:
    root = Path(str(import_module("benchmarks").__file__)).parent.parent
    listed = (root / "benchmarks" / benchmark / "survivors.md").read_text(encoding="utf-8")
    files = re.findall(r"^### `(.+?)`$(.*?)(?=^### |\Z)", listed, re.MULTILINE | re.DOTALL)
    gone = [
        f"{file}: {line}"
        for file, rows in files
        for line in re.findall(r"^- (.+)$", rows, re.MULTILINE)
        if not (root / file).exists()
        or line.strip() not in map(str.strip, (root / file).read_text("utf-8").splitlines())
    ]

    assert files
    assert not gone


def test_a_torch_program_reads_a_border_as_the_spec_does() -> None:
    for padding, words in (("1", "padding_mode='circular'"), ("[[1, 2]]", "mode='circular')")):
        layer = f"conv: {{filters: 1, kernel: 3, padding: {padding}, padding_mode: circular}}"
        program = torch_program.torch_program(loads(f"{{input: 9x1, layers: [{layer}]}}"))
        assert words in program
        assert "value=" not in program


@pytest.mark.thorough
@pytest.mark.parametrize("group", ["linear", "curved"])
def test_every_change_of_the_code_that_goes_back_is_noticed(
    group: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that is missed is a missing draw, or belongs to survivors.md with its reason."""
    code = main(["backward", "mutation", group, "--seed", "4"])
    said = capsys.readouterr().out

    assert code == 0, said
    assert "NOT CAUGHT" not in said


def test_names_of_networks_may_stand_behind_options(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnx")
    assert main(["exchange", "light", "--exporter", "script", "no_such_network"]) == 1
    said = capsys.readouterr().out
    assert said.splitlines() == [
        "0 of 0 whole; 0 with another value",
        "no_such_network: there is no network of that name",
    ]


@pytest.mark.thorough
def test_the_table_of_splits_is_what_is_found() -> None:
    from benchmarks.arena import _splits

    text = (TESTS.parent / "docs" / "devices.md").read_text(encoding="utf-8")
    part = text.split("## Patch by patch")[1].split("## ")[0]
    rows = [line.strip("| ").split(" | ") for line in part.splitlines() if line[:3] == "| `"]
    names = [row[0].strip("`") for row in rows]
    assert len(names) > 20
    assert _splits(names, 256 * 1024)[1:] == [
        [name, *row[1:]] for name, row in zip(names, rows, strict=True)
    ]
