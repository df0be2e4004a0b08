"""A layer on a small input: what is cropped, and every output held against plain arithmetic."""

import json
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from kinds import CASES, Case
from tabled import tabled

from convcalc import parse, read
from convcalc.cli import convcalc
from convcalc.diagnostics import ArgumentError
from convcalc.explanation.demo import DEMONSTRATED, WIDEST, Demo, demo


def shown(shape: str, layer: str) -> Demo:
    network = read(parse(f"{{input: {shape}, layers: [{layer}]}}"))
    return demo(network, len(network.nodes) - 1)


def extents(values: Any) -> tuple[int, ...]:
    return (len(values), *extents(values[0])) if isinstance(values, list) else ()


def at(values: Any, place: tuple[int, ...]) -> float:
    """What stands at a place; 0 beyond it."""
    for one in place:
        if not 0 <= one < len(values):
            return 0
        values = values[one]
    return float(values)


def test_the_demo_of_the_notes() -> None:
    # CS231n: 5×5×3, two filters of 3×3, stride 2 and padding 1.
    made = shown("5x5x3", "conv: {filters: 2, kernel: 3, stride: 2, padding: 1}")
    assert (extents(made.x), extents(made.output)) == ((3, 5, 5), (2, 3, 3))
    assert made.padding == ((1, 1), (1, 1))
    assert "the layer's own size" in made.says[0]
    assert len(made.frames) == 2 * 3 * 3


def test_a_large_layer_is_cropped_to_what_the_notes_show() -> None:
    # (3 − 1)·2 + 3 − 1 − 1 = 5: three windows, whose last ends in the padding behind.
    made = shown(
        "224x224x64", "conv: {filters: 64, kernel: 3, stride: 2, padding: 1, rounding: floor}"
    )
    assert (extents(made.x), extents(made.output)) == ((3, 5, 5), (2, 3, 3))


def test_along_three_axes_there_are_fewer_windows_and_channels() -> None:
    # Two windows of 3 along the depth and three across, each axis with a cell of padding in front
    # and behind: (2 − 1)·1 + 3 − 2 = 2, and (3 − 1)·1 + 3 − 2 = 3.
    made = shown("16x64x64x8", "conv: {filters: 8, kernel: 3, padding: 1}")
    assert (extents(made.x), extents(made.output)) == ((2, 2, 3, 3), (2, 2, 3, 3))
    assert made.padding == ((1, 1),) * 3
    assert len(made.frames) == 2 * 2 * 3 * 3
    # Of the first output the window begins one cell before each axis: 1·2·2 of 3·3·3 are padding.
    inside = [term.at for term in made.frames[0].terms if min(term.at) >= 0]
    assert inside == [(c, d, h, w) for c in (0, 1) for d in (0, 1) for h in (0, 1) for w in (0, 1)]


CONVOLVED = (
    ("9x9x3", {"kernel": 3, "stride": 2, "padding": 1, "dilation": 1, "groups": 1}),
    ("30x30x8", {"kernel": 3, "stride": 1, "padding": 2, "dilation": 2, "groups": 4}),
    ("40x5", {"kernel": 3, "stride": 1, "padding": 3, "dilation": 3, "groups": 1}),
    ("64x64x3", {"kernel": 7, "stride": 2, "padding": 3, "dilation": 1, "groups": 1}),
    ("9x9x9x3", {"kernel": 3, "stride": 2, "padding": 1, "dilation": 1, "groups": 1}),
    ("9x9x9x4", {"kernel": 2, "stride": 1, "padding": 2, "dilation": 2, "groups": 2}),
)


@tabled(("shape", "fields"), CONVOLVED)
def test_convolutions_are_sums_of_products(shape: str, fields: dict[str, int]) -> None:
    made = shown(shape, f"conv: {json.dumps({'filters': 8, **fields, 'rounding': 'floor'})}")
    channels, *sizes = extents(made.x)
    filters = extents(made.output)[0]
    weight, bias = made.weights["weight"], made.weights["bias"]
    groups = channels // extents(weight)[1]
    assert groups == min(fields["groups"], 2)
    own, each = channels // groups, filters // groups
    for frame in made.frames:
        k, *place = frame.at
        total = bias[k]
        for channel, *tap in product(range(own), *[range(fields["kernel"])] * len(sizes)):
            where = [
                o * fields["stride"] + t * fields["dilation"] - fields["padding"]
                for o, t in zip(place, tap, strict=True)
            ]
            value = at(made.x, (k // each * own + channel, *where))
            total += value * at(weight, (k, channel, *tap))
        assert frame.value == total == at(made.output, frame.at)
        assert sum(term.product for term in frame.terms) + sum(frame.added.values()) == total


def test_transposed_convolutions_spread_every_value() -> None:
    made = shown("8x8x6", "conv_transpose: {filters: 4, kernel: 4, stride: 2, padding: 1}")
    channels, *sizes = extents(made.x)
    filters, *outputs = extents(made.output)
    assert tuple(outputs) == tuple((size - 1) * 2 - 2 + 4 for size in sizes)
    spread = {
        place: float(made.weights["bias"][place[0]])
        for place in product(range(filters), *map(range, outputs))
    }
    for channel, row, column, k, down, right in product(
        range(channels), *map(range, sizes), range(filters), range(4), range(4)
    ):
        place = (k, row * 2 - 1 + down, column * 2 - 1 + right)
        if place in spread:
            value = made.x[channel][row][column]
            spread[place] += value * made.weights["weight"][channel][k][down][right]
    assert spread == {frame.at: frame.value for frame in made.frames}
    for frame in made.frames:
        for term in frame.terms:
            assert term.weight is not None
            channel, *tap = term.weight
            assert term.factor == made.weights["weight"][channel][frame.at[0]][tap[0]][tap[1]]
            assert term.value == at(made.x, term.at)


KINDS = [case for case in CASES if case.kind in DEMONSTRATED and " " not in case.inputs]


@pytest.mark.thorough
@tabled("case", KINDS, ids=[str(case) for case in KINDS])
def test_every_output_of_every_kind_is_made_of_what_is_shown(case: Case) -> None:
    made = shown(case.inputs, case.item)
    assert json.loads(json.dumps(made.data))["frames"]
    assert max(extents(made.x)[1:]) <= WIDEST
    for frame in made.frames:
        assert frame.value == pytest.approx(at(made.output, frame.at))
        inside = [
            term
            for term in frame.terms
            if all(0 <= p < n for p, n in zip(term.at, extents(made.x), strict=True))
        ]
        assert all(term.value == at(made.x, term.at) for term in inside)
        if case.kind.endswith("maxpool"):
            assert frame.value == max(term.value for term in frame.terms)
            assert frame.winner is not None
            assert at(made.x, frame.winner) == frame.value
        elif case.kind.endswith("avgpool"):
            # Padding that counts is 0, and no number under the kernel.
            assert 0 <= frame.value <= max(term.value for term in frame.terms)
        elif not frame.terms:  # between the values that a transposed convolution spreads out
            assert frame.value in {0, *made.weights.get("bias", [])}
        elif case.kind != "lppool":
            total = sum(term.product for term in frame.terms) + sum(frame.added.values())
            assert frame.value == pytest.approx(total)


@tabled(
    ("shape", "fields", "said"),
    [
        # A causal convolution of WaveNet, and of FCN the first, around whose image are 100 cells.
        ("999x3", {"kernel": 2, "dilation": 512, "padding": [[512, 0]]}, "dilation 6 in the place"),
        ("64x64x3", {"kernel": 3, "padding": 100}, "padding [3,3]×[3,3] in the place"),
        ("99x3", {"kernel": 3, "dilation": 40, "padding": 40}, "dilation 3 in the place of 40"),
        ("99x3", {"kernel": 3, "dilation": 40, "padding": "same"}, "dilation 3 in the place of 40"),
        ("99x3", {"kernel": 3, "dilation": 40}, "dilation 3 in the place of 40"),
    ],
)
def test_a_page_says_what_it_has_no_room_for(shape: str, fields: dict[str, Any], said: str) -> None:
    made = shown(shape, f"conv: {{filters: 2, bias: false, {json.dumps(fields)[1:-1]}}}")
    assert said in made.says[-1]
    sizes = [
        size + sum(sides) for size, sides in zip(extents(made.x)[1:], made.padding, strict=True)
    ]
    assert max(sizes) <= WIDEST
    apart = {"dilation 6": 6, "dilation 3": 3}.get(said[:10], 1)
    for frame in made.frames:
        own = [term for term in frame.terms if term.at[0] == 0]
        assert {b.at[-1] - a.at[-1] for a, b in pairwise(own) if a.at[:-1] == b.at[:-1]} <= {apart}
        assert frame.value == sum(
            at(made.x, term.at) * at(made.weights["weight"][frame.at[0]], term.weight or ())
            for term in frame.terms
        )
    assert any(map(any, made.padding)) == ("padding" in fields)


def test_a_separable_convolution_is_two_steps() -> None:
    item = "separable_conv: {filters: 5, kernel: 3, stride: 2, padding: 1, rounding: floor}"
    deep = shown("64x64x16", item)
    flat = deep.then
    assert flat is not None
    assert ("Step 1 of 2" in deep.says[-1], "Step 2 of 2" in flat.says[-1]) == (True, True)
    assert (extents(deep.x), extents(deep.output)) == ((3, 5, 5), (3, 3, 3))
    assert flat.x == deep.output
    assert extents(flat.output) == (2, 3, 3)
    made = json.loads(json.dumps(deep.data))
    assert made["then"]["frames"]
    assert made["then"]["then"] is None
    # By hand: filters of each channel, then weights of each channel made, and the bias.
    taps, points = deep.weights["weight"], flat.weights["weight"]
    assert deep.weights.keys() == {"weight"}
    for filter_, row, column in product(range(2), range(3), range(3)):
        total = float(flat.weights["bias"][filter_])
        for channel in range(3):
            inside = sum(
                at(deep.x, (channel, 2 * row - 1 + down, 2 * column - 1 + right))
                * taps[channel][0][down][right]
                for down, right in product(range(3), range(3))
            )
            assert deep.output[channel][row][column] == inside
            total += inside * points[filter_][channel][0][0]
        assert flat.output[filter_][row][column] == total


@pytest.mark.thorough
@tabled("name", ["alexnet", "c3d", "dcgan_generator", "fcn", "s3d", "wavenet"])
def test_every_layer_that_slides_has_a_page_or_says_why_not(name: str) -> None:
    network = read(name)
    seen: set[object] = set()
    for index, node in enumerate(network.nodes):
        if node.kind not in DEMONSTRATED or id(node.layer) in seen:
            continue
        seen.add(id(node.layer))
        try:
            made: Demo | None = demo(network, index)
        except ArgumentError as error:
            assert str(error).endswith("room for 16"), str(error)  # noqa: PT017
            continue
        while made is not None:
            for size, sides in zip(extents(made.x)[1:], made.padding, strict=True):
                assert size + sum(sides) <= WIDEST
            made = made.then


@tabled(
    ("shape", "layer"),
    [
        ("8x8x3", "relu"),
        ("64x64x3", "conv: {filters: 2, kernel: 31}"),
        ("999x3", "conv: {filters: 2, kernel: 9, dilation: 40}"),
        ("9x3", "conv_transpose: {filters: 2, kernel: 3, stride: 50}"),
        ("9x3", "upsample: 1000"),
        ("8", "linear: 3"),
    ],
)
def test_other_layers_are_refused(shape: str, layer: str) -> None:
    with pytest.raises(ArgumentError, match="has no demo"):
        shown(shape, layer)


def test_the_command_writes_a_page_with_the_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["explain", "resnet18", "maxpool1", "--demo", "demo.html"]
    result = CliRunner().invoke(convcalc, arguments)
    assert result.exit_code == 0, result.output
    page = Path("demo.html").read_text(encoding="utf-8")
    _, _, rest = page.partition('<script type="application/json" id="data">')
    data = json.loads(rest.partition("</script>")[0])
    network = read("resnet18")
    index = next(at for at, node in enumerate(network.nodes) if node.name == "maxpool1")
    assert data == json.loads(json.dumps(demo(network, index).data | {"title": data["title"]}))
    assert data["title"] == "maxpool1 (maxpool) of ResNet-18, window by window"
    assert "echarts" not in page
    again = CliRunner().invoke(convcalc, arguments)
    assert again.exit_code == 2
    assert "--force" in again.stderr
