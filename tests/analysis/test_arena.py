"""The arena of TensorFlow Lite Micro against what its interpreter was measured to take.

`tests/data/arena.json` has 142 networks with every operator, every array's bytes and the head of
the network cut behind each operator; see the README beside it.
"""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from paths import ROOT
from tabled import tabled

from convcalc.analysis.memory import arena
from convcalc.analysis.memory.arena_fits import ArenaFit, Room, arena_fit
from convcalc.analysis.memory.boards import BOARDS, read_board
from convcalc.analysis.memory.planner import Need, alive, greedy, height, rounded_up
from convcalc.analysis.memory.runtimes import RUNTIMES, Lowered, tflite_micro
from convcalc.graph import loads
from convcalc.graph.planned import planned
from convcalc.layers import CATALOGUE

MEASURED: dict[str, dict[str, Any]] = json.loads(
    (ROOT / "tests" / "data" / "arena.json").read_text(encoding="utf-8")
)["networks"]
MICRO = RUNTIMES["tflite-micro"]


def lowered(row: dict[str, Any]) -> Lowered:
    return MICRO.lower(planned(loads(row["spec"])), row["dtype"])


def listed(low: Lowered) -> list[list[Any]]:
    """Operators as the measurement has them, without the heads."""
    return [
        [
            *(each.name, each.fused, each.padding, [*each.reads], each.makes),
            sum(rounded_up(size, 16) for size in each.scratch),
        ]
        for each in low.operators
    ]


def test_every_operator_list_is_what_the_converter_made() -> None:
    wrong = {}
    for name, row in MEASURED.items():
        low = lowered(row)
        mine = (listed(low), [each.bytes for each in low.maps], [*low.outputs], low.unruled)
        measured = [operator[:6] for operator in row["operators"]]
        if mine != (measured, row["tensors"], row["outputs"], ()):
            wrong[name] = (mine, measured, row["tensors"])
    assert len(MEASURED) == 142
    assert not wrong


def needs_of(tensors: Sequence[int], operators: Sequence[list[Any]], output: int) -> list[Need]:
    """Buffers of measured operators, in the planner's order, by the file alone."""
    made, last = [0] * len(tensors), [0] * len(tensors)
    for number, (*_, reads, makes, _, _) in enumerate(operators, 1):
        made[makes] = last[makes] = number
        for read in reads:
            last[read] = number
    last[output] = len(operators)
    there = [0, *(operator[4] for operator in operators)]
    needs = [Need(rounded_up(tensors[each], 16), made[each], last[each]) for each in there]
    for number, (name, *_, scratch, _) in enumerate(operators, 1):
        parts = [scratch] if name == "TRANSPOSE_CONV" else [16, 16, scratch - 32]
        needs += [Need(part, number, number) for part in parts if part > 0 and scratch]
    return needs


def test_the_planner_gives_every_measured_head_and_knows_no_layer() -> None:
    wrong = []
    cuts = 0
    for name, row in MEASURED.items():
        for cut, operator in enumerate(row["operators"], 1):
            needs = needs_of(row["tensors"], row["operators"][:cut], operator[4])
            cuts += 1
            if height(needs, greedy(needs)) != operator[6]:
                wrong.append((name, cut))
    assert cuts == 588
    assert not wrong


def test_every_measured_head_follows_from_the_spec() -> None:
    heads = {
        name: arena(loads(row["spec"]), dtype=row["dtype"]).size for name, row in MEASURED.items()
    }
    assert heads == {name: row["head"] for name, row in MEASURED.items()}


def test_the_tail_is_an_estimate_within_two_percent() -> None:
    tails = {name: row["tail"] for name, row in MEASURED.items() if "tail" in row}
    assert len(tails) == 10
    for name, tail in tails.items():
        row = MEASURED[name]
        estimate = arena(loads(row["spec"]), dtype=row["dtype"]).tail
        assert estimate == pytest.approx(tail, rel=0.02), name


def test_the_module_of_the_planner_imports_nothing_of_the_project() -> None:
    path = ROOT / "convcalc" / "analysis" / "memory" / "planner.py"
    assert "convcalc" not in path.read_text(encoding="utf-8")


def test_equal_sizes_are_placed_from_the_last_on() -> None:
    # All of 16 bytes: the last is put at 0 first, so the first, alive with it, comes above.
    needs = [Need(16, 0, 1), Need(16, 1, 2), Need(16, 2, 3)]
    assert greedy(needs) == [0, 16, 0]
    assert alive(needs) == [16, 32, 32, 16]


# -- what has no rule ----------------------------------------------------------------------------


@tabled(
    ("spec", "dtype", "said"),
    [
        ("{input: 8x8x4, layers: [gelu]}", "int8", ("gelu1", "gelu", "does not run")),
        ("{input: 8x8x8x4, layers: [relu]}", "int8", ("relu1", "relu", "three spatial axes")),
        ("{input: 8x8x4, layers: [relu]}", "float16", ("", "", "not float16")),
        (
            "{input: {a: 4, b: 4}, layers: [add: [[from: a], [from: b]]]}",
            "int8",
            ("", "", "several inputs"),
        ),
        (
            "{input: 8x8x4, layers: [conv_transpose: {filters: 4, kernel: 3, padding: 1}]}",
            "int8",
            ("conv_transpose1", "conv_transpose", "otherwise than by 0 or `same`"),
        ),
        (
            "{input: 8x8x4, layers: [maxpool: {kernel: 2, stride: 1, dilation: 2}]}",
            "int8",
            ("maxpool1", "maxpool", "no dilation"),
        ),
        (
            (
                "{input: 8x8x4, layers: [avgpool: {kernel: 3, stride: 1, padding: [[1, 0], [1, 0]],"
                " count_include_pad: false, rounding: floor}]}"
            ),
            "int8",
            ("avgpool1", "avgpool", "counts padding"),
        ),
        (
            (
                "{input: 8x8x4, layers: [conv: {filters: 4, kernel: 3, padding: 1,"
                " padding_mode: circular}]}"
            ),
            "int8",
            ("conv1", "conv", "mode circular"),
        ),
        ("{input: 8x4, layers: [upsample: 2]}", "int8", ("upsample1", "upsample", "one axis")),
        (
            "{input: 8x8x4, layers: [batchnorm: {track_running_stats: false}]}",
            "int8",
            ("batchnorm1", "batchnorm", "statistics of the batch"),
        ),
        (
            "{input: 8x8x4, layers: [linear: {features: 3, axis: channels}]}",
            "int8",
            ("linear1", "linear", "each position"),
        ),
    ],
)
def test_what_has_no_rule_is_said(spec: str, dtype: str, said: tuple[str, str, str]) -> None:
    report = arena(loads(spec), dtype=dtype)
    layer, kind, reason = said
    assert not report.exact
    assert (report.unruled[0].layer, report.unruled[0].kind) == (layer, kind)
    assert reason in report.unruled[0].reason


def test_a_kind_without_a_rule_never_passes_for_one_with() -> None:
    assert tflite_micro.LOWERINGS.keys() | tflite_micro.REASONS.keys() == CATALOGUE.keys()
    assert not tflite_micro.LOWERINGS.keys() & tflite_micro.REASONS.keys()


# -- flash, by hand ------------------------------------------------------------------------------


@tabled(
    ("spec", "dtype", "flash"),
    [
        # 3·3·3·8 weights, 8 biases of 4 bytes, 8 scales of 4 bytes
        ("{input: 8x8x3, layers: [conv: {filters: 8, kernel: 3}]}", "int8", 216 + 32 + 32),
        # A folded batch norm gives it a bias; nothing of it is stored.
        (
            "{input: 8x8x3, layers: [conv: {filters: 8, kernel: 3, bias: false}, batchnorm]}",
            "int8",
            280,
        ),
        ("{input: 8x8x3, layers: [conv: {filters: 8, kernel: 3}]}", "float32", 4 * (216 + 8)),
        ("{input: 10, layers: [linear: 4]}", "int8", 40 + 16 + 16),
        # Of its own: a factor and a summand a channel in int8, a scale each
        ("{input: 8x8x3, layers: [batchnorm]}", "int8", 3 + 4 + 3 + 4),
        # Shared weights once
        (
            (
                "{input: 8x8x3, layers: [{layers: [conv: {filters: 3, kernel: 1}], repeat: 3,"
                " shared: true}]}"
            ),
            "int8",
            9 + 12 + 12,
        ),
    ],
)
def test_flash_is_weights_biases_and_scales(spec: str, dtype: str, flash: int) -> None:
    assert arena(loads(spec), dtype=dtype).flash == flash


# -- boards --------------------------------------------------------------------------------------


def test_every_board_has_a_source_and_memory_that_adds_up() -> None:
    assert len(BOARDS) >= 18
    for name, board in BOARDS.items():
        assert len(board.source.split()) >= 3, name
        assert board.chip, name
        assert board.flash % 1024 == 0 < board.flash, name
        assert all(bank.bytes % 1024 == 0 < bank.bytes for bank in board.banks), name
        assert len({bank.name for bank in board.banks}) == len(board.banks), name
    # 1 MB of RAM: 864 KiB of SRAM for users, and 128 of its 192 KiB of TCM for data.
    assert sum(bank.bytes for bank in BOARDS["nucleo-h743zi"].banks) == (864 + 128) * 1024


@tabled(
    ("written", "name"),
    [
        ("rp2040", "rp2040"),
        ("Raspberry Pi Pico", "rp2040"),
        ("NUCLEO-H743ZI", "nucleo-h743zi"),
        ("Arduino Portenta H7", "portenta-h7"),
        ("STM32F746G-DISCO", "stm32f7-discovery"),
    ],
)
def test_a_board_is_known_in_any_spelling(written: str, name: str) -> None:
    assert read_board(written) == name


def test_an_unknown_board_is_answered_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean rp2040"):
        read_board("rp2041")
    with pytest.raises(ValueError, match="one of nano33ble-sense, esp32"):
        read_board("z80")


def test_fitting_is_to_the_byte_and_the_tail_makes_it_close() -> None:
    report = arena(
        loads("{input: 12x12x8, layers: [conv: {filters: 8, kernel: 3, padding: same}]}")
    )
    assert (report.size, report.tail) == (2304, 1243)

    def fit(room: int) -> ArenaFit:
        return arena_fit(report, Room("", "arena", room))

    assert (fit(2303).fits, fit(2304).fits, fit(2304).close) == (False, True, True)
    assert (fit(2304 + 1242).close, fit(2304 + 1243).close) == (True, False)
