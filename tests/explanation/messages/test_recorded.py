"""Messages as frameworks said them, each of a program that differs from its spec in one layer."""

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from convcalc.explanation.messages import Diagnosis, diagnose, program
from convcalc.graph import Network, loads
from convcalc.shape import Shape

RECORDED: dict[str, Any] = json.loads(
    (Path(__file__).parent / "recorded.json").read_text(encoding="utf-8")
)
NETWORKS: dict[str, Network] = {
    name: loads("\n".join(lines)) for name, lines in RECORDED["specs"].items()
}
MESSAGES: list[dict[str, str]] = RECORDED["messages"]
LONGEST = 8
"""Most layers of a list: small networks have about twice as many."""


@pytest.fixture(scope="module")
def diagnoses() -> list[Diagnosis]:
    return [diagnose(NETWORKS[row["spec"]], row["message"]) for row in MESSAGES]


def listed(diagnosis: Diagnosis) -> list[str]:
    return [name for suspect in diagnosis.suspects for name in suspect.layers]


def test_the_layer_that_was_changed_is_in_the_list(diagnoses: list[Diagnosis]) -> None:
    wrong = [
        f"{row['spec']}, {row['changed']}: {listed(diagnosis) or diagnosis.verdict}"
        for row, diagnosis in zip(MESSAGES, diagnoses, strict=True)
        if row["layer"] not in listed(diagnosis)
    ]

    assert not wrong, "\n".join(wrong)


def test_lists_are_short(diagnoses: list[Diagnosis]) -> None:
    lengths = [len(listed(diagnosis)) for diagnosis in diagnoses]

    assert len(lengths) >= 50
    assert median(lengths) <= 2
    assert max(lengths) <= LONGEST


def test_the_framework_is_told(diagnoses: list[Diagnosis]) -> None:
    for row, diagnosis in zip(MESSAGES, diagnoses, strict=True):
        assert diagnosis.form is not None
        assert row["from"].startswith(diagnosis.form.framework)
        assert diagnosis.whole


def test_layers_that_a_traceback_names_stand_first() -> None:
    text = "running_mean should contain 20 elements not 24"
    spec = "{conv: {filters: 24, kernel: 1}}, {batchnorm: {}, name: NAME}"
    network = loads(
        f"input: 8x8x3\nlayers: [{spec.replace('NAME', 'one')}, {spec.replace('NAME', 'two')}]"
    )
    firsts = [
        diagnose(network, f"    x = self.features.{name}(x)\nRuntimeError: {text}").suspects[0]
        for name in ("one", "two")
    ]

    assert [first.layers for first in firsts] == [("conv1",), ("conv2",)]


def test_wide_merges_are_as_much_work_as_they_have_branches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared = 0
    concatenated = program._concatenated

    def counted(xs: Sequence[Shape], joined: int | None) -> program.Result:
        nonlocal compared
        compared += len(xs)
        return concatenated(xs, joined)

    monkeypatch.setattr(program, "_concatenated", counted)
    monkeypatch.setattr(program, "MOST_STEPS", 1000)
    conv = "[conv: {filters: 4, kernel: 3, padding: 1}]"
    network = loads(f"{{input: 16x16x2, layers: [concat: [{', '.join([conv] * 100)}]]}}")
    diagnosis = diagnose(
        network,
        "Sizes of tensors must match except in dimension 1. Expected size 16 but got size 14 for "
        "tensor number 7 in the list.",
    )

    assert not diagnosis.whole
    assert compared <= (1000 + 1) * program.BRANCHES + 100
