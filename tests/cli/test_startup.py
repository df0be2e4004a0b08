"""What is imported on each path: start-up is a feature, and times depend on the machine."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from paths import ROOT

import convcalc
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


@cache
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


ON_THE_WAY = {
    "convcalc", "collector", "diagnostics", "findings", "methods", "shape", "window",
    "analysis", "analysis.cost", "analysis.receptive_field", "analysis.report",
    "cli", "cli.analyze", "cli.options", "cli.output", "formats", "graph",
    "layers", "layers.activation", "layers.arrays", "layers.base", "layers.convolution",
    "layers.dropout", "layers.linear", "layers.pooling", "layers.rearrange", "layers.sliding",
    "layers.source",
    "spec", "spec.bundled", "spec.expand", "spec.fields", "spec.flat", "spec.given", "spec.items",
    "spec.names", "spec.nodes", "spec.parameters", "spec.promises", "spec.read", "spec.source",
    "spec.text", "spec.tree", "spec.values",
}  # fmt: skip
"""All that a clean VGG-16 needs, whatever the format: what only an error, a fix, an expression or a
rare option wants is imported where it is used."""
ROWS = {"formats.columns", "formats.rows", "numbers"}
"""What texts of rows need."""
SUMMED = {
    *ROWS, "formats.summary", "formats.diagnostics",
    "analysis.memory", "analysis.memory.batch", "analysis.memory.optimizer",
    "analysis.memory.program", "analysis.memory.terms", "analysis.memory.walk", "graph.planned",
    "layers.operations",
}  # fmt: skip
"""What texts for people need: totals, and the peak of memory."""
ALSO: dict[str, set[str]] = {
    "table": SUMMED,
    "plain": SUMMED,
    "json": set(),
    "csv": ROWS,
    "markdown": SUMMED,
}
"""What a format needs beyond, and beside itself."""


def bare(found: set[str]) -> set[str]:
    """Our modules without the name of the package."""
    return {name.removeprefix("convcalc.") for name in ours(found)}


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_clean_spec_imports_these_modules_and_no_other(format_name: str) -> None:
    found = imported("", arguments=("analyze", "vgg16", "--format", format_name))
    expected = ON_THE_WAY | ALSO[format_name] | {f"formats.{format_name}"}

    # A file more is time more at every start. Import it where it is used, or join two halves of one
    # idea; else say in the table above that everybody needs it.
    assert sorted(bare(found) - expected) == []
    assert sorted(expected - bare(found)) == [], "no longer on the way: take it out of the table"
    assert {"click", "yaml"} <= found
    if format_name != "table":
        assert not roots(found) & HEAVY
        # It compiles code for every class; layers are made without (layers/base.py).
        assert "dataclasses" not in found - imported("import click, json, yaml")


SWEPT = {
    *SUMMED, "arguments", "analysis.memory.amounts", "cli.sweep",
    "formats.plain", "formats.sweep", "formats.sweep.plain", "graph.given", "nearness",
    "spec.expressions", "spec.made_of", "spec.swept", "spec.syntax",
    "sweeps", "sweeps.arrays", "sweeps.axes", "sweeps.chunk", "sweeps.digest", "sweeps.evaluators",
    "sweeps.executors", "sweeps.executors.serial", "sweeps.executors.tasks", "sweeps.front",
    "sweeps.job", "sweeps.kept", "sweeps.measures", "sweeps.names", "sweeps.plain", "sweeps.report",
    "sweeps.run", "sweeps.space", "sweeps.subject", "sweeps.values", "sweeps.where",
    "sweeps.wording",
}  # fmt: skip
"""What a sweep of a design or two needs beyond: no engine, no file and no state."""


def test_a_small_sweep_imports_arrays_and_little_beside_what_an_analysis_does() -> None:
    arguments = ("sweep", "vgg16", "--vary", "input=224", "--format", "plain")
    found = imported("", arguments=arguments) - imported("import numpy")

    assert sorted(bare(found) - ON_THE_WAY - SWEPT) == []
    assert not roots(found) & (HEAVY - {"numpy"})
    assert not found & {"json", "pathlib", "difflib"}


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


@pytest.mark.parametrize(
    "line", ["an", "analyze res", "check --select CC3,", "memory vgg16 --limit r", "verify --"]
)
def test_completion_imports_nothing_heavy(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_CONVCALC_COMPLETE", "fish_complete")
    monkeypatch.setenv("COMP_WORDS", f"convcalc {line}")
    found = roots(imported("", arguments=()))

    assert "convcalc.cli.candidates" in found
    assert not found & HEAVY


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


ONNX_BESIDE = """
import sys
import convcalc
convcalc.read({path!r})
assert "onnx" not in sys.modules and "numpy" not in sys.modules
import numpy
import onnx
from onnx import numpy_helper, onnx_ml_pb2
model = onnx.load({path!r})
assert type(model) is onnx_ml_pb2.ModelProto is sys.modules["onnx.onnx_ml_pb2"].ModelProto
onnx.checker.check_model(onnx.shape_inference.infer_shapes(model))
arrays = convcalc.read({path!r}).written.arrays(convcalc.read({path!r}))
assert (arrays["conv1.weight"] == numpy_helper.to_array(model.graph.initializer[0])).all()
"""


def test_a_file_is_read_without_all_of_onnx_which_takes_the_parts_for_its_own(
    tmp_path: Path,
) -> None:
    pytest.importorskip("onnx")
    path = str(tmp_path / "network.onnx")
    spec = "{input: 8x8x3, layers: [conv: {filters: 4, kernel: 3}, relu, flatten, linear: 2]}"
    convcalc.export(convcalc.loads(spec), path)

    imported(ONNX_BESIDE.format(path=path))


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
