"""What is counted, by hand, on networks small enough to count with a pencil."""

from typing import Any

import pytest
from tabled import tabled

from convcalc.analysis import analyze
from convcalc.graph import SpecError, loads, read_text
from convcalc.spec.text import SourceText

CONV = "conv: {filters: 2, kernel: 1}"
"""2·2 weights and 2 biases; 2·2 products at each of 4×4 positions."""
TWICE = "{layers: [{conv: {filters: 2, kernel: 1}}], repeat: 2, shared: true}"


def spec(*items: str) -> str:
    return "input: 4x4x2\nlayers:\n" + "".join(f"  - {item}\n" for item in items)


@pytest.mark.parametrize("before", [[], ["pad: 0"], [CONV], [CONV, "batchnorm"]])
def test_weights_that_are_shared_count_where_they_are_first(before: list[str]) -> None:
    report = analyze(loads(spec(*before, TWICE)))
    alone = analyze(loads(spec(*before) if before else "input: 4x4x2\nlayers: []\n"))

    first, second = report.layers[-2:]
    assert (first.parameters, second.parameters) == (6, 0)
    assert (first.shared_with, second.shared_with) == (None, first.name)
    assert (first.macs, second.macs) == (64, 64)
    assert report.totals.parameters == alone.totals.known("parameters") + 6
    assert report.totals.macs == alone.totals.known("macs") + 2 * 64


@tabled(
    ("dtype", "width"),
    [("float64", 8), ("float32", 4), ("float16", 2), ("bfloat16", 2), ("int8", 1)],
)
@tabled("batch", [1, 2, 5])
def test_every_total(batch: int, dtype: str, width: int) -> None:
    net = loads(spec(CONV, "batchnorm", "relu", "flatten", "linear: 3"))
    report = analyze(net, batch=batch, dtype=dtype)

    parameters = 6 + 4 + (32 * 3 + 3)
    buffers = 4  # means and variances of two channels
    macs = 16 * 4 + 32 * 3
    activations = 32 + 32 + 32 + 3  # input, conv, batch norm, linear
    assert report.totals == (
        parameters,
        buffers,
        batch * macs,
        2 * batch * macs,
        parameters * width,
        buffers * width,
        batch * activations,
        batch * activations * width,
        True,
        batch * (16 * 4 + 2 * 32 * 3),  # the first layer's input has no gradient
        0,
    )
    assert [layer.activations for layer in report.layers] == [
        32 * batch,
        32 * batch,
        0,
        0,
        3 * batch,
    ]
    assert [layer.activation_bytes for layer in report.layers] == [
        size * batch * width for size in (32, 32, 0, 0, 3)
    ]
    assert [layer.macs for layer in report.layers] == [64 * batch, 0, 0, 0, 96 * batch]
    assert [layer.parameters for layer in report.layers] == [6, 4, 0, 0, 99]
    assert [layer.buffers for layer in report.layers] == [0, 4, 0, 0, 0]
    assert [layer.inputs for layer in report.layers] == [
        ("input",),
        ("conv1",),
        ("batchnorm1",),
        ("relu1",),
        ("flatten1",),
    ]


def test_equal_layers_count_each_for_itself() -> None:
    report = analyze(loads(spec(CONV, CONV, "add: [[], [batchnorm]]", CONV)))
    assert report.totals.parameters == 3 * 6 + 4
    assert report.totals.macs == 3 * 64
    assert report.layers[3].inputs == ("conv2", "batchnorm1")


@pytest.mark.parametrize(
    ("terms", "error", "said"),
    [
        ({"batch": 0}, ValueError, "batch 0 is below 1"),
        ({"batch": -1}, ValueError, "batch -1 is below 1"),
        ({"batch": 1.0}, TypeError, "batch is a whole number"),
        ({"batch": "2"}, TypeError, "batch is a whole number"),
        ({"dtype": "float8"}, ValueError, "is none of"),
    ],
)
def test_terms_there_are_not(terms: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        analyze(loads(spec(CONV)), **terms)


@pytest.mark.parametrize("text", ["", "layers: [relu]", "input: 8x8x3\nlayers: [nosuch, relu]"])
def test_sums_over_a_network_that_could_not_be_read_are_unknown(text: str) -> None:
    report = analyze(read_text(SourceText("x", text)), strict=False)

    totals = report.totals._asdict()
    assert not totals.pop("complete")
    assert {*totals.values()} == {None}
    assert report.unread
    assert "? parameters, ? MACs" in repr(report)
    with pytest.raises(ValueError, match="macs is unknown"):
        report.totals.known("macs")


def test_what_can_be_known_of_a_network_with_errors() -> None:
    wrong = read_text(SourceText("x", spec(CONV, "conv: {filters: 2, kernel: 5}", "relu")))
    with pytest.raises(SpecError):
        analyze(wrong)
    report = analyze(wrong, strict=False)
    assert not report.totals.complete
    assert report.totals.parameters == 6
    assert report.layers[1][5:13] == (None, (), None, None, None, None, None, None)
    assert report.layers[1].inputs == ("conv1",)
