"""The sweep that a spec asks for is checked like the rest, without working out any design."""

import pytest

from convcalc.checks.run import Task, check_text
from convcalc.diagnostics import Span
from convcalc.spec.text import SourceText

NET = """\
input: 8x8x3
parameters: {width: 4, depth: 2}
layers:
  - conv: {filters: width, kernel: depth}
  - relu
"""
AXES = "vary: {width: 2..6:2}"


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("vary: {wdith: 1..3}", "6:16 vary 'wdith': nothing is called so: did you mean width?"),
        ("vary: {depth: 1..2, width: 2..9:3}", "6:36 width: from 2, steps of 3 do not meet 9"),
        ("vary: {width: 9..2}", "6:23 width: 9..2 goes nowhere"),
        ("vary: {width: 2*dpth}", "6:23 width=2*dpth reads 'dpth', which is not varied"),
        (
            "vary: {width: '1/(depth-1)', depth: 1..2}",
            "6:23 width, at depth 1: `1/(depth-1)` divides",
        ),
        ("vary: {width: [2, 2]}", "6:23 width has 2 twice"),
        (
            "vary: {optimizer: [sgd, adam]}",
            "6:16 vary optimizer is of a training step: add `training: true` under `sweep`",
        ),
        ("vary: {width: 1..3, set.width: 4..6}", "6:29 set.width is varied twice: write all its"),
        ("vary: {width: 2*depth, depth: width}", "6:23 width and depth: worked out from one anoth"),
        ("vary: {}", "6:15 a sweep varies something: write `vary: {width: 16..64:16}`"),
        (
            "vary: {width: 1..1e5, depth: 1..1e5, batch: 1..9}",
            "6:15 90,000,000,000 designs are more than 10,000,000,000: give the axes fewer",
        ),
        (
            "vary: {checkpoint: [auto, none]}, training: true",
            "6:28 checkpoint 'auto' is found for one network",
        ),
        (
            f"{AXES}, checkpoint: auto, training: true",
            "6:44 checkpoint 'auto' is found for one network",
        ),
        (
            f"{AXES}, columns: training_memory",
            "6:41 columns: training_memory is of a training step: add `training: true` under",
        ),
        (f"{AXES}, where: parametrs < 5M", "6:39 where: "),
        (f"{AXES}, where: 1 < 2", "6:39 where '1 < 2' names nothing"),
        (f"{AXES}, pareto: macs", "6:40 pareto takes 2 to 4 goals, and there is 1: write more"),
        (f"{AXES}, pareto: 'macs,-speed'", "6:40 pareto"),
        (f"{AXES}, sort: speed", "6:38 sort"),
        (f"{AXES}, columns: [layers, speed]", "6:41 columns"),
        (f"{AXES}, sample: 50", "6:40 a sample of 50 designs is more than all 3: leave sample out"),
        (f"{AXES}, seed: 2", "6:38 seed changes nothing without `sample: N` under `sweep`"),
        (
            f"{AXES}, optimizer: adam",
            "6:43 optimizer changes nothing without `training: true` under `sweep`",
        ),
        ("vary: {batch: [1, 2]}, batch: 4", "6:39 batch is given and varied"),
    ],
)
def test_what_a_sweep_would_refuse_is_an_error_at_its_place(said: str, found: str) -> None:
    checked = check_text(SourceText("net.yaml", f"{NET}sweep: {{{said}}}\n"), Task())
    place, _, message = found.partition(" ")
    (item,) = checked.diagnostics
    assert (item.code, item.severity) == ("CC107", "error")
    assert isinstance(item.place, Span)
    assert f"{item.place.line}:{item.place.column}" == place
    assert item.message.startswith(f"sweep: {message}")


@pytest.mark.parametrize(
    "said",
    [
        "vary: {width: 2..6:2, depth: width/2, input: [16, 32]}, where: macs < 5M, sort: -macs",
        "vary: {optimizer: [sgd, adam]}, training: true, pareto: [macs, training_memory]",
        "vary: {width: 1..3}, sample: 2, seed: 4",
        "where: depth < 3",
    ],
)
@pytest.mark.parametrize("given", [{}, {"width": "3"}])
def test_a_sweep_that_can_be_gone_through_is_fine(said: str, given: dict[str, str]) -> None:
    task = Task(parameters=given)
    assert not check_text(SourceText("net.yaml", f"{NET}sweep: {{{said}}}\n"), task).diagnostics
