"""Words of options and of the configuration that are nearly right are told the right one."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from convcalc.cli import convcalc

SPEC = "input: 8x8x3\nlayers:\n  - conv: {filters: 4, kernel: 3}\n"
OPTIONS = [
    # what is called, the word at fault, and the one that is meant
    ("analyze net.yaml --columns", "params", "parameters"),
    ("analyze net.yaml --columns", "paramters", "parameters"),
    ("analyze net.yaml --columns", "MACs", "macs"),
    ("analyze net.yaml --columns", "mac", "macs"),
    ("analyze net.yaml --columns", "flop", "flops"),
    ("analyze net.yaml --columns", "rf", "receptive_field"),
    ("analyze net.yaml --columns", "receptive-field", "receptive_field"),
    ("analyze net.yaml --columns", "shape", "output"),
    ("analyze net.yaml --columns", "type", "kind"),
    ("analyze net.yaml --columns", "hparams", "hyperparameters"),
    ("analyze net.yaml --format", "jsno", "json"),
    ("analyze net.yaml --format", "JSON", "json"),
    ("analyze net.yaml --format", "md", "markdown"),
    ("analyze net.yaml --format", "text", "plain"),
    ("check net.yaml --format", "plain", "text"),
    ("check net.yaml --format", "sarfi", "sarif"),
    ("check net.yaml --format", "xml", "junit"),
    ("check net.yaml --fail-on", "warnings", "warning"),
    ("analyze net.yaml --dtype", "fp16", "float16"),
    ("analyze net.yaml --dtype", "half", "float16"),
    ("analyze net.yaml --dtype", "float", "float32"),
    ("analyze net.yaml --dtype", "bf16", "bfloat16"),
    ("memory net.yaml --training --optimizer", "Adam", "adam"),
    ("memory net.yaml --training --optimizer", "AdamW", "adamw"),
    ("memory net.yaml --limit", "rtx4900", "rtx4090"),
    ("memory net.yaml --limit", "a100-80g", "a100-80gb"),
    ("check net.yaml --ignore", "CC4O8", "CC408"),
    ("check net.yaml --ignore", "bias-befor-norm", "bias-before-norm"),
    ("check net.yaml --select", "large-filer", "large-filter"),
    ("rule", "bias-befor-norm", "bias-before-norm"),
    ("rule", "bias", "bias-before-norm"),
    ("docs", "rounding", "spec#rounding"),
    ("memory net.yaml --limit", "12gb", "12GB"),
    ("memory net.yaml --limit", "1.5 gib", "1.5GiB"),
    ("memory net.yaml --overhead", "300mb", "300MB"),
]


def said(arguments: list[str]) -> tuple[int, str]:
    result = CliRunner().invoke(convcalc, arguments)
    return result.exit_code, result.output


def test_a_word_that_is_nearly_right_is_answered_by_the_right_one_which_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(SPEC, encoding="utf-8")
    wrong = []
    for call, written, meant in OPTIONS:
        code, text = said([*call.split(), written])
        if code != 2 or f"did you mean {meant}?" not in text:
            wrong.append(f"{call} {written}: {text.splitlines()[-1]}")
        elif said([*call.split(), meant])[0] != 0:
            wrong.append(f"{call} {meant}: {said([*call.split(), meant])}")
    assert not wrong, "\n".join(wrong)


def test_a_word_that_is_near_none_is_told_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(SPEC, encoding="utf-8")
    for option, known in (("--columns", "receptive_field"), ("--format", "markdown")):
        code, text = said(["analyze", "net.yaml", option, "wibble"])
        assert code == 2
        assert known in text
        assert "did you mean" not in text


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("convcalc.toml", '[tool.convcalc]\nignore = ["CC408"]\n', "belongs in pyproject.toml"),
        ("convcalc.toml", '[convcalc]\nignore = ["CC408"]\n', "belongs in pyproject.toml"),
        ("convcalc.toml", 'format = "jsno"\n', "did you mean json?"),
        ("convcalc.toml", 'ignroe = ["CC408"]\n', "did you mean 'ignore'?"),
        ("pyproject.toml", "[tool.convclac]\nstrict = true\n", "did you mean [tool.convcalc]?"),
    ],
)
def test_a_configuration_that_is_nearly_right_is_not_passed_over(
    name: str, text: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(SPEC, encoding="utf-8")
    Path(name).write_text(text, encoding="utf-8")
    code, output = said(["check", "net.yaml"])
    assert code == 2
    assert words in output
    Path(name).write_text("[tool.black]\nline-length = 100\n" if name[0] == "p" else "", "utf-8")
    assert said(["check", "net.yaml"])[0] == 0


@pytest.mark.parametrize(
    ("call", "shown"),
    [
        ("help", "`convcalc --help`"),
        ("help analyze", "`convcalc analyze --help`"),
        ("help me", "`convcalc --help`"),
        ("version", "`convcalc --version`"),
        ("resnt50", "did you mean `convcalc analyze resnet50`?"),
        ("resnt50 --batch 2", "did you mean `convcalc analyze resnet50 --batch 2`?"),
    ],
)
def test_a_word_that_is_no_command_names_the_call_that_is_meant(call: str, shown: str) -> None:
    code, text = said(call.split())

    assert code == 2
    assert shown in text


def test_xml_is_answered_by_the_format_that_is_xml() -> None:
    assert "did you mean junit? JUnit's reports are XML." in said(["check", "--format", "xml"])[1]


def test_keras_dense_is_linear_and_dense_the_family_that_names_it() -> None:
    assert said(["kinds", "Dense"])[1].startswith("linear (dense)")
    assert said(["kinds", "keras.layers.Dense"])[1].startswith("linear (dense)")
    code, text = said(["kinds", "dense"])
    assert code == 0
    assert "`convcalc kinds linear`" in text
    assert "conv (dense)" in text


@pytest.mark.parametrize("count", [1, 2])
def test_diff_says_how_many_findings_there_are_where_none_has_a_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """Two maps of 9×9 do not tile by 2; the exit code is 0 without fixes: docs/ci.md."""
    monkeypatch.chdir(tmp_path)
    branches = ", ".join(["[maxpool: 2]"] * count + ["[flatten]"])
    Path("net.yaml").write_text(f"input: 9x9x3\nlayers: [concat: [{branches}]]\n")
    result = CliRunner().invoke(convcalc, ["check", "--isolated", "--diff", "net.yaml"])
    shown = CliRunner().invoke(convcalc, ["check", "--isolated", "net.yaml"]).output
    findings = "1 finding" if count == 1 else f"{count} findings"

    assert f"Found {count} error" in shown
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"convcalc: {findings}, none fixable\n"
