"""The plan of an arena in letters: a small one by hand, and that pictures keep to their width."""

from itertools import product

import convcalc
from convcalc.analysis.memory import arena
from convcalc.analysis.memory.banks import in_banks, read_banks
from convcalc.formats.memory.arena_picture import drawn_arena

CHAIN = "{input: 4x4x1, layers: [conv: {filters: 1, kernel: 1}, tanh]}"
# Three buffers of 16 bytes. Of equal sizes the last is placed first: tanh1, alive at 2, and what
# meets it, conv1, above it; the input, alive at 0 and 1, meets conv1 alone and lies below. Most,
# 32 bytes, is in use at 1: the input (A) and conv1 (B).
PICTURE = """\
Plan of the arena (greedy): offsets upwards, operators from left to right

               ▼ 32 B in use, conv1
32 B │      BBBBBBBBBBBB
     │      BBBBBBBBBBBB
     │      BBBBBBBBBBBB
     │      BBBBBBBBBBBB
     │      BBBBBBBBBBBB
     │      BBBBBBBBBBBB
16 B │AAAAAAAAAAAA░░░░░░
     │AAAAAAAAAAAA░░░░░░
     │AAAAAAAAAAAA░░░░░░
     │AAAAAAAAAAAA░░░░░░
     │AAAAAAAAAAAA░░░░░░
     │AAAAAAAAAAAA░░░░░░
 0 B └──────────────────
      input   operator 2
      In use at the peak, in bytes: A input 16, B conv1 16"""


def test_a_small_plan_is_drawn_as_by_hand() -> None:
    lines = drawn_arena(arena(convcalc.loads(CHAIN)), None, None, 100)
    assert "\n".join(lines).replace("32 B (32 B)", "32 B") == PICTURE


def test_pictures_keep_to_their_width() -> None:
    for name, width in product(("lenet5", "unet", "densenet121"), (40, 61, 100)):
        report = arena(convcalc.load(name))
        lines = drawn_arena(report, None, None, width)[1:]
        drawn = [line for line in lines if "│" in line or "└" in line]
        assert len(drawn) == 13
        assert max(map(len, drawn)) <= width, (name, width)
        assert sum("▼" in line for line in lines) == 1
        # What the marked column goes through is what is in use at the peak, and nothing else.
        at = next(line.index("▼") for line in lines if "▼" in line)
        column = {line[at] for line in drawn[:-1] if len(line) > at}
        assert "A" in column
        assert column <= {*"ABCDEFGH "} or len(report.operators) > width, (name, width)


def test_each_bank_has_a_picture() -> None:
    report = arena(convcalc.load("lenet5"))
    banks = in_banks(report, read_banks(["dtcm=5KiB", "sram=2KiB", "more=8B"]))
    text = "\n".join(drawn_arena(report, None, banks, 100))
    assert "Plan of the arena (by bank)" in text
    assert "\ndtcm: 4,704 of 5,120 bytes\n" in text
    assert "\nmore: nothing is in it\n" in text
    assert text.endswith("1 buffer in no bank")
    assert text.count("▼") == 2
