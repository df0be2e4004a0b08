"""What a sweep comes to in texts for people: as wide as the terminal, and in few words."""

import re
from typing import Any

import pytest
from tabled import tabled

import convcalc
from convcalc.formats import sweep as sweep_formats
from convcalc.formats.sweep import further, plain, table
from convcalc.sweeps.kept import values_by_size
from convcalc.sweeps.report import SweepReport

SPEC = """
name: Tiny
input: 32x32x3
parameters: {width: 16, depth: 2, stride: 1, bias: true, size: 3}
layers:
  - conv: {filters: width, kernel: 4, stride: stride, bias: bias}
  - layers: [{conv: {filters: 2*width, kernel: size, padding: same}}, relu]
    repeat: depth
  - global_avgpool
"""
NETWORK = convcalc.loads(SPEC, path="net.yaml")
AXES = {"width": "8..64:8", "depth": [1, 2]}


def report(vary: Any = None, **options: Any) -> SweepReport:
    return convcalc.sweep(NETWORK, AXES if vary is None else vary, **options).finish()


def numbers(text: str) -> set[str]:
    return {*re.findall(r"\d[\d,.]*", text)}


MEASURED = {"pareto": "macs,-receptive_field", "where": "memory < 1GB", "columns": "flops,layers"}


@pytest.mark.parametrize("width", [30, 50, 64, 80, 140])
def test_a_table_keeps_to_its_width_and_says_what_it_leaves_out(width: int) -> None:
    asked = report({"width": "8..64:8", "stride": "1..4"}, top=3, **MEASURED)
    text = table.render(asked, width=width, color=False)
    wide = table.render(asked, width=200, color=False)

    longest = max(map(len, text.splitlines()))
    # What is asked for stays: two axes, two goals and two columns take 47 characters.
    assert longest <= max(width, 47)
    assert longest > min(width, 80) - 25
    assert "Not shown" not in wide
    hidden = re.findall(r"for want of width: ([a-z_, ]*) \(--columns", " ".join(text.split()))
    assert len(hidden) == (2 if width < 80 else 0)
    assert {*hidden} <= {"parameters", "parameters, memory"}
    for line in text.splitlines():
        assert numbers(line) <= numbers(wide)  # none is cut


def test_a_measure_that_is_left_out_is_not_the_axis_of_its_name() -> None:
    text = (
        "{input: 8x8x3, parameters: {macs: 1, width: 3}, layers: [{conv: {filters: macs, "
        "kernel: 1}}, {conv: {filters: width, kernel: 1}}]}"
    )
    vary = {"macs": [1, 2], "width": [2, 3]}
    asked = convcalc.sweep(convcalc.loads(text), vary, sort="parameters").finish()
    lines = table.render(asked, width=23, color=False).splitlines()

    # 64 positions · (3·macs + macs·width) MACs are left out, and not the values of macs.
    assert "macs  width  Parameters" in lines
    assert [line.split() for line in lines if line.split()[-1:] == ["8"]] == [["1", "2", "8"]]
    assert "for want of width: macs (--columns" in " ".join(" ".join(lines).split())


def test_a_table_without_need_is_as_it_was() -> None:
    asked = report(top=2, columns="receptive_field")
    rows = [line.split() for line in table.render(asked, width=100, color=False).splitlines()]

    assert ["width", "depth", "Parameters", "MACs", "Receptive", "field"] in rows


@tabled(
    ("values", "said"),
    [
        # (32 − 4)/stride + 1 is whole for 1, 2, 4, 7, 14 and 28.
        ([1, 2, 4, 7], ""),
        ([1, 3, 2], "stride=3"),
        ([6, 1, 5, 3], "stride=3..6"),
        ("1..14", "stride=3, stride=5, stride=6, stride=8..13"),
        ("1..28", "stride=3, stride=5, stride=6, stride=8..13, stride=15..27"),
        ([1, 3, 6], "stride=3, stride=6"),
    ],
)
def test_values_that_spoil_every_design_are_said_in_stretches(values: Any, said: str) -> None:
    lines = further(report({"stride": values}))

    assert lines == ([f"Every design that was worked out is invalid with {said}."] if said else [])


def test_many_values_that_spoil_every_design_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_formats, "MOST_SPOILT", 2)
    (line,) = further(report({"stride": "1..28"}))

    assert line.endswith("invalid with stride=3, stride=5 and 3 more; json has all of them.")


def test_the_least_and_the_greatest_of_truths_stand_in_their_order() -> None:
    # Where `bias` only decides on what is there anyway, both its values give one network.
    flat = SPEC.replace("bias: bias", "bias: true").replace("repeat: depth", "when: bias or true")
    network = convcalc.loads(flat, path="net.yaml")
    swept = convcalc.sweep(network, {"bias": [True, False], "width": [8]}).finish()
    text = plain.render(swept)

    assert "false..true" in text
    assert values_by_size(swept.job.space.axes[0]) == ["false", "true"]
    assert swept.to_dict()["best"][0]["ranges"] == {"bias": ["false", "true"]}
