"""`convcalc fit`: held against going through the range by hand, and against published widths."""

import json
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from paths import ROOT
from tabled import tabled

from convcalc import analyze, fit, loads, memory, parse
from convcalc.cli import convcalc
from convcalc.diagnostics import ArgumentError
from convcalc.sweeps import fit as module

WIDE = """\
input: 8x8x3
parameters: {width: 4, alpha: 1.0, deep: true}
layers:
  - conv: {filters: width, kernel: 3, padding: 1}
  - {conv: {filters: 8, kernel: 1}, when: deep}
"""
"""With width w: 27w + w and 8w + 8 parameters, so 36w + 8."""
BENT = "{input: 4x4x1, parameters: {n: 1}, layers: [conv: {filters: 1 + (n - 50)**2, kernel: 1}]}"
"""2·(1 + (n − 50)²) parameters: they fall, and rise again."""
ODD = """\
input: 8x8x2
parameters: {n: 1}
layers: [conv: {filters: n, kernel: 1}, flatten, linear: {features: 10 // (n % 3)}]
"""
"""Every third n divides by zero."""


def run(text: str, *arguments: str) -> Result:
    return CliRunner().invoke(convcalc, ["fit", "-", *arguments], input=text)


@pytest.mark.parametrize(
    ("scale", "by_parameters", "parameters", "by_macs"),
    [(2, "48", 25_287_304, "47"), (4, "26", 25_699_120, "25"), (8, "14", 25_059_816, "14")],
)
def test_res2net_has_the_widths_of_its_authors(
    scale: int, by_parameters: str, parameters: int, by_macs: str
) -> None:
    """ResNet-50's complexity, split into pieces: 48w×2s, 26w×4s and 14w×8s (arXiv:1904.01169)."""
    middle = int(by_parameters)
    given: Any = {"vary": f"width={middle - 4}..{middle + 4}", "parameters": {"scale": scale}}
    found = fit("res2net50", nearest={"parameters": 25_557_032}, **given)

    assert found.answer is not None
    assert (found.answer.value, found.answer.figures) == (by_parameters, {"parameters": parameters})
    assert found.complete
    nearest = fit("res2net50", nearest={"macs": 4_089_184_256}, **given).answer
    assert nearest is not None
    assert nearest.value == by_macs


@settings(max_examples=12, deadline=None)
@given(
    first=st.integers(1, 40),
    more=st.integers(1, 12),
    step=st.integers(1, 5),
    figure=st.integers(0, 1600),
    nearest=st.booleans(),
)
def test_the_answer_is_that_of_going_through_by_hand(
    first: int, more: int, step: int, figure: int, *, nearest: bool
) -> None:
    last = first + more * step
    counts = {width: 36 * width + 8 for width in range(first, last + 1, step)}
    asked: Any = {"nearest" if nearest else "limits": {"parameters": figure}}
    for most in (module.ALL, 0):  # all are worked out; halved
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "ALL", most)
            found = fit(parse(WIDE), f"width={first}..{last}:{step}", **asked)
        if nearest:
            wanted = min(counts, key=lambda width: (abs(counts[width] - figure), width))
        else:
            wanted = max((width for width, count in counts.items() if count <= figure), default=0)
        value = int(found.answer.value) if found.answer else 0

        assert value == wanted
        assert found.monotone
        if found.answer:
            assert found.answer.figures == {"parameters": counts[value]}
            for side, tried in ((-step, found.below), (step, found.above)):
                beside = counts.get(value + side)
                assert (tried and tried.figures["parameters"]) == beside


@settings(max_examples=20, deadline=None)
@given(
    least=st.integers(0, 1600),
    more=st.integers(0, 200),
    falling=st.booleans(),
)
def test_a_limit_with_both_ends_is_found_wherever_it_is(
    least: int, more: int, *, falling: bool
) -> None:
    text = WIDE.replace("filters: width", "filters: 50 - width" if falling else "filters: width")
    counts = {width: 36 * (50 - width if falling else width) + 8 for width in range(1, 45)}
    wanted = max((width for width in counts if least <= counts[width] <= least + more), default=0)
    for most in (module.ALL, 0):  # all are worked out; halved
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "ALL", most)
            limits = {"parameters": f"{least}..{least + more}"}
            found = fit(parse(text), "width=1..44", limits=limits)

        assert (int(found.answer.value) if found.answer else 0) == wanted
        assert found.unseen is None


def grouped(groups: int) -> str:
    """A network that is valid for multiples of `groups` alone, with 4n + groups parameters."""
    return (
        "{input: 4x4x2, parameters: {n: 1}, layers: [conv: {filters: n, kernel: 1}, "
        f"conv: {{filters: {groups}, kernel: 1, groups: {groups}}}]}}"
    )


def test_halving_finds_what_is_valid_among_much_that_is_not() -> None:
    found = fit(parse(grouped(200)), "n=1..20000", limits={"parameters": 50_000})  # 4n + 200

    assert found.answer is not None
    assert (found.answer.value, found.answer.figures) == ("12400", {"parameters": 49_800})
    assert found.unseen is None
    for side in (found.below, found.above):
        assert side is not None
        assert f"the {side.value} input channels" in side.problem  # and not those of another


def test_halving_that_ends_early_says_so() -> None:
    found = fit(parse(grouped(1000)), "n=1000..100000", limits={"parameters": 50_000})

    assert found.unseen == ("1001", "99999")  # the first and the last are valid, and none between
    assert "n 1000 is the largest that was tried." in str(found)
    assert "Halving ended early: between 1001 and 99999 no value is valid" in str(found)
    first = fit(parse(grouped(1000)), "n=1..100000", limits={"parameters": 500_000})
    assert first.answer is not None  # the last one, though none was seen at the start
    assert (first.answer.value, first.unseen) == ("100000", ("1", "100000"))


def test_halving_that_is_sure_of_one_end_is_not_so_of_the_other() -> None:
    """Below, all from 400 on are valid; at the end two are, and only the first one is met."""
    valid = "400 <= n and n <= 50000 or n == 99480 or n == 99600"
    text = (
        "{input: 4x4x1, parameters: {n: 1}, "
        f"layers: [conv: {{filters: n if {valid} else 0, kernel: 1}}]}}"
    )
    found = fit(parse(text), "n=1..100000", limits={"parameters": "1M"})

    assert found.answer is not None
    assert (found.answer.value, found.unseen) == ("99480", ("1", "100000"))
    assert "n 99480 is the largest that was tried." in str(found)


def test_limits_hold_together_and_memory_is_that_of_its_page() -> None:
    network = loads(WIDE.replace("width: 4", "width: 24"))
    limit = memory(network, training=True, batch=3, optimizer="adam").peak
    found = fit(
        parse(WIDE),
        "width=1..64",
        limits={"training_memory": limit, "macs": 10**6},
        batch=3,
        optimizer="adam",
    )

    assert found.answer is not None
    assert found.answer.value == "24"
    assert found.answer.figures == {
        "training_memory": limit,
        "macs": analyze(network).totals.macs,
    }
    assert found.above is not None
    assert found.above.figures["training_memory"] > limit


def test_what_does_not_only_rise_is_worked_out_whole_and_said_where_it_is_not() -> None:
    whole = fit(parse(BENT), "n=1..100", limits={"parameters": 52})  # (n − 50)² ≤ 25

    assert whole.answer is not None
    assert (whole.answer.value, whole.broken, whole.monotone) == ("55", 44, False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "ALL", 10)
        part = fit(parse(BENT), "n=30..100", limits={"parameters": 2000})

    assert part.answer is not None
    assert part.answer.value == "81"  # (81 − 50)² + 1 = 962 ≤ 1,000
    assert not part.monotone
    assert "give a range of at most" in str(part)


def test_values_with_errors_are_counted_by_reason_and_passed_over() -> None:
    for most in (module.ALL, 10):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "ALL", most)
            found = fit(parse(ODD), "n=1..30", limits={"parameters": "1M"})

        assert found.answer is not None
        assert found.answer.value == "29"
        assert found.above is not None
        assert (found.above.value, found.above.figures) == ("30", {})
        assert found.above.problem
        assert all(int(each.example) % 3 == 0 for each in found.invalid)
    assert sum(each.values for each in fit(parse(ODD), "n=1..30", limits={"macs": 1}).invalid) == 10


def test_a_range_in_which_nothing_holds_says_what_comes_closest() -> None:
    result = run(WIDE, "--vary", "width=1..9", "--max-parameters", "43")

    assert result.exit_code == 1
    assert "the one that comes closest is 1" in result.stdout
    assert "parameters 1 over" in result.stdout  # 36·1 + 8 − 43


def test_equal_figures_are_said() -> None:
    found = fit("mobilenet_v2", "alpha=0.98..1:0.001", nearest={"macs": 300_774_272})

    assert found.answer is not None
    assert (found.answer.value, found.alike) == ("0.988", ("0.988", "1"))


@tabled(
    ("arguments", "said"),
    [
        ("--vary width=1..4", "nothing is to hold: give a limit"),
        ("--vary width --max-macs 1", "write width=FROM..TO:STEP"),
        ("--vary width", "write width=FROM..TO:STEP"),
        ("--vary width=3 --max-macs 1", "width=3: it takes a range"),
        ("--vary width=1,2,3 --max-macs 1", "width=1,2,3: "),
        ("--vary width=1..9:2,3 --max-macs 1", "is no range in equal steps"),
        ("--vary width=1..8:*2 --max-macs 1", "is no range in equal steps"),
        ("--vary alpha=0..2 --max-macs 1", "say in which steps: write alpha=0..2:0.01"),
        ("--vary width=0.5..2 --max-macs 1", "say in which steps"),
        ("--vary deep=0..1 --max-macs 1", "deep is 'true' and no number"),
        ("--vary dtype=1..2 --max-memory 1MB", "its values have no order"),
        ("--vary widht=1..2 --max-macs 1", "did you mean width?"),
        ("--vary width=1..4 --max-macs 1 --batch 2", "a batch has no effect"),
        ("--vary batch=1..4 --max-macs 1", "nothing that is asked turns on the batch"),
        ("--vary batch=1..4 --max-memory 1MB --batch 2", "batch is varied, and given as well"),
        ("--vary width=1..4 --max-memory 1MB --optimizer adam", "an optimizer has no effect"),
        ("--vary width=1..4 --max-macs 1 --nearest macs=1", "are two questions"),
        ("--vary width=1..4 --nearest macs=1M..2M", "is a range, and this takes one number"),
        ("--vary width=1..4 --nearest mac=1M", "did you mean macs?"),
        ("--vary width=1..4 --nearest macs", "is not NAME=FIGURE"),
        ("--vary width=1..4 --max-macs 1GB", "is in bytes, and this is no amount of memory"),
        ("--vary width=1..4 --max-macs many", "--max-macs many: `many` is no number; write"),
        ("--vary width=1..4 --max-macs -1", "--max-macs -1: a limit is 0 or more"),
        ("--vary width=1..4 --max-memory 12", "--max-memory 12: 12 has no unit, and would be"),
        ("--vary width=1..4 --nearest macs=many", "--nearest macs=many: `many` is no number"),
        ("--vary input=8 --max-macs 1", "write input=FROM..TO:STEP, such as input=16..256:16"),
        ("--vary width=1..4 --max-macs 1 --set width=3", "given by --set and varied"),
        ("--vary width=1..1e40 --max-macs 1", "1,000,000,000,000 are the most"),
    ],
)
def test_what_cannot_be_asked_is_refused(arguments: str, said: str) -> None:
    result = run(WIDE, *arguments.split())

    assert result.exit_code == 2, result.output
    assert said in result.stderr


def test_a_question_without_any_range_is_an_error_of_arguments() -> None:
    with pytest.raises(ArgumentError, match="takes one figure, and these are 2"):
        fit("lenet5", "classes=1..2", nearest={"macs": 1, "parameters": 1})


def test_json_satisfies_its_schema() -> None:
    schema = json.loads((ROOT / "docs" / "fit.schema.json").read_text(encoding="utf-8"))
    for text, *arguments in (
        (WIDE, "--vary", "width=1..9", "--max-parameters", "100"),
        (WIDE, "--vary", "width=1..9", "--max-parameters", "1"),
        (WIDE, "--vary", "width=1..9", "--nearest", "memory=1MB"),
        (ODD, "--vary", "n=1..9", "--max-flops", "1M"),
    ):
        result = run(text, *arguments, "--format", "json")
        jsonschema.Draft7Validator(schema).validate(json.loads(result.stdout))


FALLS = "{input: 4x4x1, parameters: {n: 1}, layers: [conv: {filters: 3001 - n, kernel: 1}]}"
"""2·(3001 − n) parameters, up to n = 3000; from there on it is invalid."""
STARTS = "{input: [n, n, 1], parameters: {n: 301}, layers: [conv: {filters: 1, kernel: 301}]}"
"""(n − 300)²·301² MACs; below n = 301 it is invalid."""
TILES = """\
input: [n, n, 1]
parameters: {n: 307}
layers: [conv: {filters: 1, kernel: 300}, maxpool: 8, conv: {filters: n, kernel: 1}]
"""
"""2·n parameters and those of the first; n − 299 has to be a multiple of 8, 307 the first."""
TURNS = "{input: 4x4x1, parameters: {n: 1}, layers: [conv: {filters: 1 + n % 7, kernel: 1}]}"
"""2·(1 + n % 7) parameters, which rise and fall all the time."""


@pytest.mark.parametrize(
    ("spec", "vary", "asked", "answer"),
    [
        (FALLS, "n=1..6000", {"limits": {"parameters": 2000}}, "3000"),
        (FALLS, "n=1..60000", {"limits": {"parameters": 2000}}, "3000"),
        (FALLS, "n=1..6000", {"nearest": {"parameters": 2000}}, "2001"),  # 2·(3001 − n) = 2000
        (FALLS, "n=1..6000", {"limits": {"parameters": "2000..3000"}}, "2001"),
        (FALLS, "n=1..3000", {"limits": {"parameters": "2000..3000"}}, "2001"),
        (STARTS, "n=1..2000", {"limits": {"macs": 9 * 301**2}}, "303"),
        (STARTS, "n=1..2000", {"limits": {"macs": "1..1G"}}, "405"),  # 105² = 11,025 ≤ 10⁹/301²
        (STARTS, "n=1..20000", {"nearest": {"macs": 400 * 301**2}}, "320"),
        (TILES, "n=200..2000", {"limits": {"parameters": "92K"}}, "995"),  # 2·n ≤ 92,000 − 90,001
        (TILES, "n=200..20000", {"nearest": {"parameters": 92_000}}, "1003"),  # 999.5
        (WIDE, "width=1..5000", {"limits": {"parameters": "1000..2000"}}, "55"),  # (2000 − 8)/36
        (WIDE, "width=1..5000", {"limits": {"parameters": "1001..1007"}}, ""),  # 36·27 + 8 = 980
        (WIDE, "width=1..5000", {"limits": {"parameters": 2000, "macs": "1..1K"}}, ""),
    ],
)
def test_halving_finds_what_going_through_finds(
    spec: str, vary: str, asked: Any, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where only a part is valid, and where neither end of the range holds."""
    monkeypatch.setattr(module, "ALL", 100)
    found = fit(parse(spec), vary, **asked)

    assert (found.answer.value if found.answer else "") == answer
    assert found.monotone
    assert not found.complete


def test_no_value_that_was_tried_is_better_than_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ALL", 100)
    nearest = fit(parse(TURNS), "n=1..20000", nearest={"parameters": 8})
    largest = fit(parse(TURNS), "n=1..20000", limits={"parameters": 2})

    assert nearest.answer is not None
    assert nearest.answer.figures == {"parameters": 8}
    assert largest.answer is not None
    assert largest.answer.figures == {"parameters": 2}
    assert not nearest.monotone
    assert not largest.monotone
