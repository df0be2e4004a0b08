"""Windows of a layer as a picture: what is drawn of them by hand, and of all kinds that slide."""

from collections import Counter

import pytest
from kinds import CASES, Case
from looking import looks_right
from tabled import tabled

import convcalc
from convcalc.diagnostics import ArgumentError
from convcalc.pictures.scene import Box, Part, Scene, everything

INSETS = {"cell", "padding cell", "past cell", "dropped cell", "unread cell", "output cell"}
TAPS = {"tap", "empty tap"}


def _drawn(input_: str, layer: str) -> Scene:
    return convcalc.draw(convcalc.parse(f"{{input: {input_}, layers: [{layer}]}}"), "window")


def _cells(scene: Scene) -> Counter[str]:
    """How many cells of each role are drawn, without those of the legend."""
    boxes = (each for each in everything(scene.items) if isinstance(each, Box))
    return Counter(box.role for box in boxes if box.role.endswith("cell") and box.height > 14)


def _titles(scene: Scene) -> list[str]:
    parts = (each for each in everything(scene.items) if isinstance(each, Part))
    return [part.title for part in parts if " reads " in part.title]


BY_HAND = {
    # (5 − 3 + 2)/2 + 1 = 3: −1…1, 1…3, 3…5; cells −1 and 5 are padding.
    "padding": (
        ("5x1", "conv: {filters: 1, kernel: 3, stride: 2, padding: 1}"),
        {"cell": 5, "padding cell": 2, "output cell": 3},
        [
            "output 0 reads values 0, 1 and 1 cell without a value",
            "output 1 reads values 1, 2, 3",
            "output 2 reads values 3, 4 and 1 cell without a value",
        ],
    ),
    # (8 − 3)/2 rounds down to 2: windows end at 6, and value 7 is never read.
    "dropped": (
        ("8x1", "maxpool: {kernel: 3, stride: 2, rounding: floor}"),
        {"cell": 7, "dropped cell": 1, "output cell": 3},
        [
            "output 0 reads values 0, 1, 2",
            "output 1 reads values 2, 3, 4",
            "output 2 reads values 4, 5, 6",
        ],
    ),
    # Rounded up a fourth window begins at 6 and reads one past 7.
    "ceil": (
        ("8x1", "maxpool: {kernel: 3, stride: 2, rounding: ceil}"),
        {"cell": 8, "past cell": 1, "output cell": 4},
        [
            "output 0 reads values 0, 1, 2",
            "output 1 reads values 2, 3, 4",
            "output 2 reads values 4, 5, 6",
            "output 3 reads values 6, 7 and 1 cell without a value",
        ],
    ),
    # Causal, dilation 2: output o reads o − 4, o − 2 and o.
    "causal": (
        ("4x1", "conv: {filters: 1, kernel: 3, dilation: 2, padding: [[4, 0]]}"),
        {"cell": 4, "padding cell": 4, "output cell": 4},
        [
            "output 0 reads value 0 and 2 cells without a value",
            "output 1 reads value 1 and 2 cells without a value",
            "output 2 reads values 0, 2 and 1 cell without a value",
            "output 3 reads values 1, 3 and 1 cell without a value",
        ],
    ),
    # (2 − 1)·2 + 2 = 4 outputs; each value spreads over two, and one gap lies between the values.
    "transposed": (
        ("2x1", "conv_transpose: {filters: 1, kernel: 2, stride: 2}"),
        {"cell": 2, "padding cell": 2, "output cell": 4},
        [
            "output 0 reads value 0 and 1 cell without a value",
            "output 1 reads value 0 and 1 cell without a value",
            "output 2 reads value 1 and 1 cell without a value",
            "output 3 reads value 1 and 1 cell without a value",
        ],
    ),
    # Output i of 2 over 3 values reads ⌊i·3/2⌋ up to ⌈(i + 1)·3/2⌉.
    "adaptive": (
        ("3x1", "adaptive_avgpool: {size: 2}"),
        {"cell": 3, "output cell": 2},
        ["output 0 reads values 0, 1", "output 1 reads values 1, 2"],
    ),
    "stride beyond the kernel": (
        ("5x1", "conv: {filters: 1, kernel: 1, stride: 2}"),
        {"cell": 3, "unread cell": 2, "output cell": 3},
        ["output 0 reads value 0", "output 1 reads value 2", "output 2 reads value 4"],
    ),
    "upsampled": (
        ("2x1", "upsample: {scale: 2}"),
        {"cell": 2, "output cell": 4},
        [f"output {output} reads value {output // 2}" for output in range(4)],
    ),
}


@tabled(("drawn", "cells", "titles"), [*BY_HAND.values()], ids=[*BY_HAND])
def test_the_picture_of_one_axis(
    drawn: tuple[str, str], cells: dict[str, int], titles: list[str]
) -> None:
    scene = _drawn(*drawn)
    counted = _cells(scene)
    counted.pop("gap cell", None)
    assert counted == cells
    assert _titles(scene) == titles


SLIDING = [
    case for case in CASES if " " not in case.inputs and case.layer.plan(case.shapes).windows
]


@tabled("case", SLIDING, ids=[str(case) for case in SLIDING])
def test_nothing_overlaps_or_is_cut_off_in_windows_of_any_kind(case: Case) -> None:
    looks_right(_drawn(case.inputs, case.item))


@pytest.mark.thorough
def test_nothing_overlaps_at_any_size() -> None:
    for size in (1, 2, 39, 41, 100, 12_345, 10**9):
        for layer in (
            "conv: {filters: 2, kernel: 1, stride: 3, padding: 1}",
            "conv: {filters: 2, kernel: 7, dilation: 3, padding: same}",
            "maxpool: {kernel: 30, stride: 29, padding: 15, rounding: ceil}",
            "conv_transpose: {filters: 1, kernel: 9, stride: 5}",
            "upsample: {scale: 9, mode: linear}",
            "global_avgpool",
        ):
            looks_right(_drawn(f"{size}x2", layer))


def test_weights_of_a_transposed_convolution_lie_the_other_way_round() -> None:
    # Value 0 gives w0 to output 0 and w1 to output 1.
    scene = _drawn("2x1", "conv_transpose: {filters: 1, kernel: 2, stride: 2}")
    weights = [each.text for each in scene.labels if each.text in ("w0", "w1")]
    assert weights == ["w1", "w0"] * 4


def test_padding_that_repeats_says_which_value_it_holds() -> None:
    # Reflected at value 0: 2, 1 | 0, 1, 2, 3 | 2, 1.
    layer = "conv: {filters: 1, kernel: 5, padding: 2, padding_mode: reflect}"
    scene = _drawn("4x1", layer)
    quiet = [each.text for each in scene.labels if each.role == "quiet" and each.text.isdigit()]
    assert quiet == ["2", "1", "2", "1"]


def test_groups_are_drawn_with_the_channels_that_they_see() -> None:
    texts = [each.text for each in _drawn("4x4", "conv: {filters: 6, kernel: 1, groups: 2}").labels]
    for text in ("filters 0 to 2", "channels 0 to 1", "filters 3 to 5", "channels 2 to 3"):
        assert text in texts


def test_a_layer_with_an_error_is_drawn_with_what_is_wrong() -> None:
    # (7 − 3)/3 + 1 = 2.33: two windows, and value 6 is left over.
    scene = _drawn("7x1", "conv: {filters: 1, kernel: 3, stride: 3}")
    assert _cells(scene) == {"cell": 6, "dropped cell": 1, "output cell": 2}
    assert any("does not tile" in each.text for each in scene.labels if each.role == "fault text")


def test_a_layer_that_slides_nothing_is_refused() -> None:
    with pytest.raises(ArgumentError, match="slides nothing"):
        convcalc.draw("alexnet", "window", layer="relu1")
    assert convcalc.draw("alexnet", "window").title.startswith("conv1 (conv)")
