"""The plan of an arena as a picture: where boxes stand, by hand, and that all are apart."""

from itertools import combinations

import pytest
from geometry import of_box
from looking import looks_right
from tabled import tabled

import convcalc
from convcalc.analysis.memory import arena
from convcalc.analysis.memory.arena_search import search
from convcalc.analysis.memory.banks import in_banks, read_banks
from convcalc.analysis.memory.layout import laid_out
from convcalc.pictures.arena_plan import scene
from convcalc.pictures.scene import Box, Part, Scene, everything


def _boxes(drawn: Scene) -> dict[str, Box]:
    """The boxes of buffers, by what is said of each."""
    parts = (each for each in everything(drawn.items) if isinstance(each, Part))
    return {part.title: part.items[0] for part in parts if isinstance(part.items[0], Box)}


def test_boxes_are_as_high_as_bytes_and_as_wide_as_lives() -> None:
    # C1 makes 28·28·6 = 4,704 bytes with operator 1, and tanh1, operator 2, reads and makes as
    # many: 9,408 bytes are 320 pixels, an operator 48.
    boxes = _boxes(scene(arena(convcalc.load("lenet5")), None, None))
    made = boxes["C1: 4,704 bytes at 4,704, 28×28×6 int8, operators 1 to 2"]
    read = boxes["tanh1: 4,704 bytes at 0, 28×28×6 int8, operators 2 to 3"]

    assert (made.width, round(made.height, 9), made.role) == (2 * 48, 160, "heat 3")
    assert (read.x - made.x, round(read.y - made.y, 9)) == (48, 160)
    assert boxes["input: 784 bytes at 0, 28×28×1 int8, operators 0 to 1"].role == "source"
    assert len(boxes) == 13


@tabled(("name",), [("lenet5",), ("mobilenet_v1_0_25",), ("resnet18",), ("unet",)])
def test_the_peak_is_marked_and_nothing_overlaps(name: str) -> None:
    report = arena(convcalc.load(name))
    drawn = scene(report, None, None)
    looks_right(drawn)
    boxes = _boxes(drawn)
    assert len(boxes) == len(report.buffers)
    for one, other in combinations(map(of_box, boxes.values()), 2):
        assert not one.meets(other), (one, other)
    bottom = max(each.y + each.height for each in boxes.values())
    assert bottom - min(each.y for each in boxes.values()) == pytest.approx(320)
    at_peak = [box for box in boxes.values() if box.role == "heat 3"]
    share = report.lower_bound / report.size
    assert sum(each.height for each in at_peak) == pytest.approx(share * 320)
    for box in at_peak:
        assert max(each.x for each in at_peak) < box.x + box.width
    assert any("in use at operator" in label.text and label.bold for label in drawn.labels)


def test_a_plan_by_bank_has_a_picture_a_bank_and_says_what_is_left() -> None:
    report = arena(convcalc.load("lenet5"))
    banks = in_banks(report, read_banks(["dtcm=5KiB", "sram=2KiB", "more=8B"]))
    drawn = scene(report, None, banks)
    looks_right(drawn)
    texts = [label.text for label in drawn.labels]

    assert {"dtcm: 4,704 of 5,120 bytes", "sram: 1,184 of 2,048 bytes"} <= {*texts}
    assert "more: nothing is in it." in texts
    assert "1 buffer in no bank, in bytes: C1 4,704." in texts
    assert len(_boxes(drawn)) == len(report.buffers) - 1


def test_the_best_plan_is_drawn_where_one_was_searched() -> None:
    # The greedy plan of this network is a third higher than its lower bound.
    report = arena(convcalc.load("mobilenet_v1_0_25"))
    found = search(report, 0.5)
    (stretch,) = laid_out(report, found, None).stretches

    assert stretch.bytes == found.plan.size == report.lower_bound < report.size
    assert "(best found)" in scene(report, found, None).title


@tabled(
    ("layers", "said"),
    [
        ("[]", "input"),
        ("[gelu]", "no promise"),
        ("[{conv: {filters: 2, kernel: 3}, name: " + "x" * 700 + "}]", "…"),
        ("[{conv: {filters: 2, kernel: 3}, name: 卷积}]", "卷积"),
    ],
)
def test_odd_networks_are_drawn(layers: str, said: str) -> None:
    drawn = scene(arena(convcalc.loads(f"{{input: 8x8x3, layers: {layers}}}")), None, None)
    looks_right(drawn)
    assert any(said in label.text for label in drawn.labels)
    assert drawn.width < 2000
    assert drawn.to_svg().count("<rect") >= 2
