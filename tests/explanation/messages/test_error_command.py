"""`convcalc explain SPEC --error`: what is read, what is said, and how it ends."""

import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result
from paths import ROOT

from convcalc.cli import convcalc

LINEAR = "mat1 and mat2 shapes cannot be multiplied ({} and {})"
CONVOLVED = (
    "Given groups=1, weight of size [96, 3, 11, 11], expected input{} to have 3 channels, but got "
    "{} channels instead"
)


def run(text: str, spec: str = "alexnet", *arguments: str) -> Result:
    return CliRunner().invoke(convcalc, ["explain", spec, "--error", "-", *arguments], input=text)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        # (227 − 11)/4 + 1 = 55, (224 − 11)/4 + 1 = 54.25: 54, 26, 12 and 5 of 55, 27, 13 and 6.
        (LINEAR.format("32x6400", "9216x4096"), ["input of 227×227×3", "224×224×3", "batch 32"]),
        (LINEAR.format("8x9216", "400x4096"), ["1. linear1 (line 28)", "`nn.Linear(9216, 4096)`"]),
        (LINEAR.format("256x36", "9216x4096"), ["`x.unsqueeze(0)`"]),
        (
            LINEAR.format("8x9216", "4096x1000"),
            ["1. linear2 (line 31)", "features 9216 instead"],
        ),
        (CONVOLVED.format("[8, 227, 227, 3]", 227), ["`x.permute(0, 3, 1, 2)`"]),
        (CONVOLVED.format("[8, 1, 227, 227]", 1), ["images of 3 channels"]),
        ("Target 11 is out of bounds.", ["The network ran"]),
        ("CUDA error: out of memory", ["No layer is at fault", "What is alive there"]),
        (
            (
                "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of "
                "1.00 GiB of which 5.00 MiB is free."
            ),
            ["another 2.00 GiB beside what is in the 1.00 GiB", "1.00 GiB hold a batch of"],
        ),
        (
            (
                "Expected more than 1 value per channel when training, got input size "
                "torch.Size([1, 512, 1, 1])"
            ),
            ["batches of 2 or more"],
        ),
    ],
)
def test_what_a_message_leads_to(text: str, lines: list[str]) -> None:
    result = run(f"Traceback (most recent call last):\nRuntimeError: {text}\n")

    assert result.exit_code == 0, result.output
    for line in lines:
        assert line in result.stdout


@pytest.mark.parametrize(
    "text", ["", "hello", LINEAR.format("32x7", "11x13"), ("num_channels (4) must be divisible by "
             "num_groups (3)")],
)  # fmt: skip
def test_without_an_answer_it_ends_with_1(text: str) -> None:
    result = run(text)

    assert result.exit_code == 1
    assert "known" in result.stdout or "cannot be told" in result.stdout


def test_the_spec_itself_may_have_the_numbers(tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text(
        "input: 9x9x3\nlayers:\n  - concat:\n"
        "      - [conv: {filters: 4, kernel: 3}]\n      - [conv: {filters: 4, kernel: 1}]\n",
        encoding="utf-8",
    )
    text = (
        "Sizes of tensors must match except in dimension 1. Expected size 7 but got size 9 for "
        "tensor number 1 in the list."
    )
    result = run(text, str(spec))

    assert result.exit_code == 1
    assert "The spec and the code have the same fault" in result.stdout
    assert "concat1 (line 3)" in result.stdout
    assert "CC310" in result.stdout


def test_json_is_as_its_schema_says() -> None:
    schema = json.loads((ROOT / "docs" / "explain.schema.json").read_text(encoding="utf-8"))
    texts = (LINEAR.format("32x6400", "9216x4096"), "", "CUDA error: out of memory")
    values = [json.loads(run(text, "alexnet", "--format", "json").stdout) for text in texts]
    for value in values:
        jsonschema.Draft7Validator(schema).validate(value)
    first, *_ = values[0]["candidates"]
    assert values[0]["batch"] == 32
    assert [layer["name"] for layer in first["layers"]] == ["conv5"]
    assert first["changes"][0]["makes"] == "11×11×256"
    assert [value["verdict"] for value in values] == ["layers", "unknown", "memory"]


def test_any_bytes_are_read_as_text(tmp_path: Path) -> None:
    file = tmp_path / "log.txt"
    text = f"\x1b[31mRuntimeError\x1b[0m: {LINEAR.format('8x9216', '400x4096')}\r\n"
    for data in (
        text.encode("utf-16"),
        b"\xff\xfe\xfa" * 3 + text.encode(),
        b"x" * 3_000_000 + b"\n" + text.encode(),
    ):
        file.write_bytes(data)
        result = CliRunner().invoke(convcalc, ["explain", "alexnet", "--error", str(file)])
        found = "linear1" in result.stdout
        assert found or data.startswith(b"\xff\xfe\xfa"), result.output
        assert result.exit_code == int(not found)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-", "--error", "-"], "standard input can be the SPEC or the text of --error"),
        (["alexnet", "--error", "no-such-file"], "cannot be read"),
        (["alexnet", "conv1", "--error", "-"], "about the whole network"),
        (["alexnet", "--memory", "--error", "-"], "about different things"),
    ],
)
def test_what_cannot_be_is_refused(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(convcalc, ["explain", *arguments], input="")

    assert result.exit_code == 2
    assert said in result.stderr
