"""What is imported on each path: start-up is a feature, and times depend on the machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from paths import ROOT

from convcalc.formats import FORMATS

PROBE = """
import sys
before = set(sys.modules)
{code}
print("\\n" + " ".join(sorted(set(sys.modules) - before)), file=sys.stderr)
"""
COMMAND = """
sys.argv = ["convcalc", *{arguments!r}]
from convcalc.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""

HEAVY = {
    "asyncio", "cupy", "concurrent.futures", "convcalc.formats.html", "ctypes", "difflib", "email",
    "fractions", "hypothesis", "importlib.metadata", "jsonschema", "logging", "multiprocessing",
    "numpy", "rich", "socket", "tempfile", "threadpoolctl", "torch", "unittest", "xml", "zipfile",
}  # fmt: skip
"""Modules that no path to plain numbers needs."""


def imported(code: str, *, arguments: tuple[str, ...] = ()) -> set[str]:
    """The modules that code imports in an interpreter of its own, without site-packages' own."""
    text = PROBE.format(code=code or COMMAND.format(arguments=arguments))
    done = subprocess.run(
        [sys.executable, "-c", text],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    assert not done.returncode, done.stderr
    return set(done.stderr.strip().split("\n")[-1].split())


def roots(found: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in found} | found


def ours(found: set[str]) -> set[str]:
    return {name for name in found if name.startswith("convcalc")}


@pytest.mark.parametrize("format_name", [name for name in FORMATS if name != "table"])
def test_plain_output_imports_nothing_heavy(format_name: str) -> None:
    found = imported("", arguments=("analyze", "vgg16", "--format", format_name))

    assert {"click", "yaml", f"convcalc.formats.{format_name}"} <= found
    assert not roots(found) & HEAVY
    assert not {name for name in ours(found) if name.startswith("convcalc.forward")}
    # Markdown, CSV and plain text share rows and columns, and nothing else.
    others = {*FORMATS, "html"} - {format_name}
    assert not {f"convcalc.formats.{name}" for name in others} & found
    # The peak of memory needs nothing of cards, limits, shards and runtimes.
    beyond = {"gpus", "library", "limits", "lower_line", "questions", "sharding", "static_plan"}
    assert not {f"convcalc.analysis.memory.{name}" for name in beyond} & found
    assert "convcalc.reasons" not in found, "only findings show how a number came about"


def test_only_the_layers_that_a_spec_names_are_imported() -> None:
    found = ours(imported("", arguments=("analyze", "vgg16", "--format", "json")))
    layers = {name.rpartition(".")[2] for name in found if name.startswith("convcalc.layers.")}

    assert layers >= {"base", "convolution", "pooling", "linear", "activation", "rearrange"}
    assert not layers & {"normalization", "upsample", "merge", "conv_transpose", "operations"}


def test_one_command_imports_no_other() -> None:
    found = ours(imported("", arguments=("analyze", "vgg16", "--format", "json")))
    commands = {name for name in found if name.startswith("convcalc.cli.")}

    assert commands == {f"convcalc.cli.{name}" for name in ("analyze", "options", "output")}
    assert not {name for name in found if name.startswith(("convcalc.rules", "convcalc.checks"))}
    assert "convcalc.analysis.memory" not in found
    assert "convcalc.numbers" not in found, "JSON has numbers as they are"


def test_the_table_imports_rich_and_no_arrays() -> None:
    found = imported("", arguments=("analyze", "vgg16", "--format", "table"))

    assert "rich" in found
    assert not roots(found) & {
        "numpy",
        "torch",
        "cupy",
        "importlib.metadata",
        "pygments",
        "markdown_it",
    }


def test_help_imports_no_command() -> None:
    found = imported("", arguments=("--help",))

    assert ours(found) == {"convcalc", "convcalc.cli", "convcalc.cli.output"}
    assert not roots(found) & (HEAVY | {"yaml"})


@pytest.mark.parametrize("arguments", [("--version",), ("list", "--format", "names")])
def test_short_answers_import_nothing_heavy(arguments: tuple[str, ...]) -> None:
    assert not roots(imported("", arguments=arguments)) & HEAVY


def test_the_package_alone_imports_next_to_nothing() -> None:
    found = imported("import convcalc")

    assert ours(found) == {"convcalc"}
    assert not roots(found) & (HEAVY | {"click", "yaml", "dataclasses", "json", "inspect"})


def test_the_library_imports_no_command_line_and_no_format() -> None:
    code = "import convcalc; convcalc.analyze(convcalc.load('vgg16')).totals"
    found = imported(code)

    assert not roots(found) & (HEAVY | {"click"})
    assert not {
        name for name in ours(found) if name.startswith(("convcalc.cli", "convcalc.formats"))
    }


def test_globs_and_gitignore_cost_nothing_where_there_are_none(tmp_path: Path) -> None:
    """The library for both is for `check`, and only where it meets some."""
    spec = tmp_path / "a.yaml"
    spec.write_text("input: 8x8x3\nlayers: [relu]\n")
    for command in ("analyze", "memory", "check"):
        assert "pathspec" not in imported("", arguments=(command, str(spec)))


def test_only_the_rules_that_are_asked_for_are_imported_and_no_page_is_read(
    tmp_path: Path,
) -> None:
    spec = tmp_path / "a.yaml"
    spec.write_text("input: 9x9x3\nlayers: [maxpool: {kernel: 3, stride: 3}]\n")
    found = imported("", arguments=("check", "--select", "CC404,bias-before-norm", str(spec)))

    rules = {name for name in ours(found) if name.startswith("convcalc.rules.cc")}
    assert rules == {"convcalc.rules.cc404_large_pool", "convcalc.rules.cc408_bias_before_norm"}
    assert "convcalc.rules.page" not in found
