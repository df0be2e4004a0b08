"""The library: load, analyze, typed values, errors as exceptions, nothing printed."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import convcalc
from convcalc import Shape
from convcalc.analysis.compare import compare
from convcalc.analysis.memory import Answer
from convcalc.checks.report import CheckReport
from convcalc.checks.verify import Run, verify
from convcalc.cli import convcalc as convcalc_command
from convcalc.methods import above

SPEC = (
    "input: 8x8x3\nparameters: {n: 4}\nlayers:\n  - {conv: {filters: n, kernel: 3}, name: first}\n"
)


def test_a_network_is_loaded_and_analysed(capsys: pytest.CaptureFixture[str]) -> None:
    network = convcalc.load("vgg16.yaml")
    report = convcalc.analyze(network, batch=32)

    assert report.totals.parameters == 138357544
    assert report.totals.macs == 32 * 15470264320
    assert report.output == Shape(1000)
    assert report.layer("stage1.conv1").receptive_field == (convcalc.Field(3, 1, -1),) * 2
    assert capsys.readouterr() == ("", "")


def test_paths_inputs_and_parameters_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(SPEC, encoding="utf-8")

    assert convcalc.analyze(convcalc.load(path)).output == Shape(4, (6, 6))
    network = convcalc.load(path, input="10x12x1", parameters={"n": 7})
    assert convcalc.analyze(network).output == Shape(7, (8, 10))
    network = convcalc.loads(SPEC, input=Shape(1, (5, 5)))
    assert convcalc.analyze(network).output == Shape(4, (3, 3))


def test_a_spec_with_errors_raises_them_all() -> None:
    with pytest.raises(convcalc.SpecError) as caught:
        convcalc.loads("input: 8x8x3\nlayers: [linear: 3, wibble]\n", path="net.yaml")

    assert [found.code for found in caught.value.diagnostics] == ["CC308", "CC113"]
    assert str(caught.value).startswith("net.yaml:2:10: CC308 linear needs a vector")
    assert isinstance(caught.value, ValueError)


def test_what_can_be_read_of_a_bad_spec_is_analysed_when_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(SPEC + "  - linear: 3\n", encoding="utf-8")
    network = convcalc.read(path)

    with pytest.raises(convcalc.SpecError):
        convcalc.analyze(network)
    report = convcalc.analyze(network, strict=False)
    assert not report.totals.complete
    assert report.totals.parameters == 4 * 27 + 4
    assert report.layers[1].output is None


@pytest.mark.parametrize("shape", ["8y8", "0", "", "1x2x3x4x5"])
def test_an_input_that_is_no_shape_is_a_value_error(shape: str) -> None:
    with pytest.raises(ValueError, match="input"):
        convcalc.loads(SPEC, input=shape)


def test_wrong_batches_and_types_are_value_errors() -> None:
    network = convcalc.loads(SPEC)

    with pytest.raises(ValueError, match="batch 0"):
        convcalc.analyze(network, batch=0)
    with pytest.raises(ValueError, match="float31"):
        convcalc.analyze(network, dtype="float31")


def test_a_notebook_shows_a_table() -> None:
    html = convcalc.analyze(convcalc.loads("name: <b>\n" + SPEC))._repr_html_()

    assert "<table>" in html
    assert '<td style="text-align:left">first</td>' in html
    assert "&lt;b&gt;" in html
    assert "<b><b>" not in html


def values() -> list[Any]:
    """One of each value that can be asked for text."""
    old, new = convcalc.load("lenet5"), convcalc.load("lenet5", input="36x36x1")
    network = convcalc.loads(SPEC)
    return [
        convcalc.analyze(old, batch=2),
        convcalc.memory(old, training=True),
        compare(old, new),
        verify(network, Run()).verdict,
        CheckReport(("a.yaml",), convcalc.read("missing.yaml").diagnostics, {}),
    ]


@pytest.mark.parametrize("value", values(), ids=lambda value: type(value).__name__)
def test_a_value_is_one_line_at_a_prompt_and_a_table_when_printed(value: Any) -> None:
    kind = type(value).__name__

    assert repr(value).startswith(f"<{kind} ")
    assert "\n" not in repr(value)
    assert len(repr(value)) < 160
    text = above(f"{kind}.__str__", Answer(value) if kind == "MemoryReport" else value)
    assert f"{value}\n" == text
    assert text.count("\n") > 2
    assert "\x1b" not in text


def test_a_network_is_one_line_at_a_prompt() -> None:
    assert repr(convcalc.load("lenet5")) == "<Network 'LeNet-5': 28×28×1 → 10, 12 layers>"
    assert repr(convcalc.read("missing.yaml")) == "<Network 'missing.yaml': ? → ?, 0 layers>"


@pytest.mark.parametrize("value", values(), ids=lambda value: type(value).__name__)
def test_a_value_is_the_same_as_json_and_as_a_dictionary(value: Any) -> None:
    assert value.to_dict() == json.loads(value.to_json())
    assert value.to_json().endswith("}\n")


def test_a_report_makes_every_text_that_the_command_line_writes() -> None:
    network = convcalc.load("resnet18")
    report = convcalc.analyze(network, batch=2)
    usual = ["analyze", "resnet18", "--batch", "2", "--format"]
    some = ["--columns", "name,macs", "--depth", "1"]
    chosen: dict[str, Any] = {"columns": ["name", "macs"], "depth": 1}

    assert report.to_json() == printed(*usual, "json")
    assert report.to_csv() == printed(*usual, "csv")
    assert report.to_csv(**chosen) == printed(*usual, "csv", *some)
    # The command line asks for memory too, and shows its peak below the totals.
    assert _less_peak(report.to_markdown()) == _less_peak(printed(*usual, "markdown"))
    assert _less_peak(report.to_markdown(**chosen)) == _less_peak(
        printed(*usual, "markdown", *some)
    )
    assert "Inference" not in str(report)
    lines = [line.split() for line in _less_peak(printed(*usual, "plain")).split("\n")]
    assert [line.split() for line in f"{report}\n".split("\n")] == lines


def _less_peak(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if "Inference" not in line)


def printed(*arguments: str) -> str:
    return CliRunner().invoke(convcalc_command, arguments).stdout


def test_memory_makes_every_text_that_the_command_line_writes() -> None:
    report = convcalc.memory(convcalc.load("lenet5"), training=True, optimizer="adam")
    usual = ["memory", "lenet5", "--training", "--optimizer", "adam", "--format"]

    assert f"{report}\n" == printed(*usual, "plain")
    assert report.to_json() == printed(*usual, "json")
    assert report.to_csv() == printed(*usual, "csv")
    assert report.to_csv(layers=True) == printed(*usual, "csv", "--layers")
    assert report.to_csv(timeline=True) == printed(*usual, "csv", "--timeline")
    assert report.to_markdown() == printed(*usual, "markdown")
    assert report.to_markdown(layers=True, timeline=True) == printed(
        *usual, "markdown", "--layers", "--timeline"
    )
    with pytest.raises(ValueError, match="layers or timeline"):
        report.to_csv(layers=True, timeline=True)


@pytest.mark.parametrize("method", ["to_markdown", "to_csv"])
def test_columns_and_depths_that_there_are_not_are_value_errors(method: str) -> None:
    report = convcalc.analyze(convcalc.load("lenet5"))

    with pytest.raises(ValueError, match="no column is called 'wibble'; there are name, "):
        getattr(report, method)(columns=["name", "wibble"])
    with pytest.raises(ValueError, match="depth 0 is below 1"):
        getattr(report, method)(depth=0)


def test_every_public_name_is_there_and_nothing_else() -> None:
    assert all(getattr(convcalc, name) for name in convcalc.__all__)
    assert set(convcalc.__all__) <= set(dir(convcalc))
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        convcalc.lode  # noqa: B018


def test_the_garbage_collector_is_left_as_it_was() -> None:
    import gc

    assert gc.isenabled()
    convcalc.analyze(convcalc.load("vgg16"))
    assert gc.isenabled()
    gc.disable()
    try:
        convcalc.analyze(convcalc.load("vgg16"))
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.parametrize("shape", [Shape(0, (8, 8)), Shape(3, (-1, 8)), (8, 8, 3), 8])
def test_an_input_that_is_no_shape_is_refused(shape: object) -> None:
    with pytest.raises(ValueError, match="is no shape"):
        convcalc.loads(SPEC, input=shape)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [None, [1], 2j])
def test_a_parameter_that_is_no_value_is_an_error(value: object) -> None:
    with pytest.raises(convcalc.SpecError, match="which is no number or text"):
        convcalc.loads(SPEC, parameters={"n": value})  # type: ignore[dict-item]
