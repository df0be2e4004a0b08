"""The arena of TensorFlow Lite Micro against what its interpreter was measured to take.

`tests/data/arena.json` has 142 networks with every operator, every array's bytes and the head of
the network cut behind each operator; see the README beside it.
"""

import json
import re
from collections.abc import Sequence
from itertools import combinations, permutations
from typing import Any

import pytest
from draws import Draw
from paths import ROOT
from tabled import tabled

from convcalc.analysis.memory import arena
from convcalc.analysis.memory.arena_fits import ArenaFit, Room, arena_fit
from convcalc.analysis.memory.arena_search import search
from convcalc.analysis.memory.banks import in_banks, read_banks
from convcalc.analysis.memory.boards import BOARDS, Bank, read_board
from convcalc.analysis.memory.plan_search import Node, best_order, best_plan
from convcalc.analysis.memory.planner import (
    Need,
    alive,
    banked,
    greedy,
    height,
    placed,
    rounded_up,
)
from convcalc.analysis.memory.runtimes import RUNTIMES, Lowered, tflite_micro
from convcalc.formats.memory.plan_file import render_c, render_json
from convcalc.graph import SpecError, loads
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


def corners() -> list[list[Any]]:
    """Networks of few layers: spec, head, tail and operators."""
    path = ROOT / "tests" / "data" / "arena_more.json"
    rows: list[list[Any]] = json.loads(path.read_text(encoding="utf-8"))
    return rows


def test_operators_of_corners_are_what_the_converter_made() -> None:
    rows = corners()
    wrong = {}
    for spec, head, _, operators in rows:
        report = arena(loads(spec))
        mine = [[each.name, each.fused, [*each.reads], each.makes] for each in report.operators]
        if (mine, report.size, report.exact) != (operators, head, True):
            wrong[spec] = (mine, operators)
    assert len(rows) == 110
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


def test_the_tail_is_an_estimate_within_ten_percent() -> None:
    tails = [(row["spec"], row["dtype"], row["tail"]) for row in MEASURED.values() if "tail" in row]
    assert len(tails) == 10
    tails += [(spec, "int8", tail) for spec, _, tail, _ in corners()]
    for spec, dtype, tail in tails:
        assert arena(loads(spec), dtype=dtype).tail == pytest.approx(tail, rel=0.1), spec


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
        (
            (
                "{input: 64x4, layers: [conv: {filters: 4, kernel: 1}, add: [[], [conv: {filters: "
                "4, kernel: 1}], [conv: {filters: 4, kernel: 1}]]]}"
            ),
            "int8",
            ("add1", "add", "more than two"),
        ),
        (
            "{input: 8x8x4, layers: [add: [[{maxpool: 2}], [{maxpool: 2}]]]}",
            "int8",
            ("maxpool2", "maxpool", "an equal layer that reads the same"),
        ),
        (
            "{input: 8x8x4, layers: [concat: [[conv: {filters: 4, kernel: 1}, elu], []]]}",
            "int8",
            ("elu1", "elu", "in front of concat"),
        ),
        (
            "{input: 8x8x4, layers: [conv: {filters: 4, kernel: 1}, elu, elu]}",
            "int8",
            ("elu1", "elu", "in front of elu"),
        ),
        (
            "{input: 8x6x4, layers: [permute: [1, 3, 2], permute: [2, 1, 3]]}",
            "int8",
            ("permute2", "permute", "become one, or none"),
        ),
        (
            "{input: 8, layers: [linear: 4, prelu, relu]}",
            "int8",
            ("prelu1", "prelu", "runs twice"),
        ),
        (
            "{input: 8x6x4, layers: [flatten, batchnorm, linear: 3]}",
            "int8",
            ("batchnorm1", "batchnorm", "part of that one's weights"),
        ),
        (
            "{input: 8x6x4, layers: [pixel_shuffle: 2, hardsigmoid]}",
            "int8",
            ("hardsigmoid1", "hardsigmoid", "behind a pixel shuffle"),
        ),
        (
            "{input: 8x6x4, layers: [permute: [1, 3, 2], prelu]}",
            "int8",
            ("prelu1", "prelu", "behind a permutation"),
        ),
        (
            (
                "{input: 8x6x4, layers: [conv: {filters: 4, kernel: 1}, permute: [1, 3, 2], "
                "hardsigmoid, conv: {filters: 4, kernel: 1}]}"
            ),
            "int8",
            ("hardsigmoid1", "hardsigmoid", "between a permutation and what has weights"),
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
        # Each part names a document with a section, or a repository with a file of it.
        for part in board.source.split("; "):
            maker, sign, place = part.partition(", ")
            assert sign, (name, part)
            assert "/" in maker or "Guide" in maker or re.search(r"\d", maker), (name, part)
            assert "/" not in maker or "." in place or "/" in place, (name, part)
        assert board.chip, name
        assert board.flash % 1024 == 0 < board.flash, name
        assert all(bank.bytes > 0 for bank in board.banks), name
        assert len({bank.name for bank in board.banks}) == len(board.banks), name
        assert sum(bank.bytes for bank in board.banks) == board.memory, name


@tabled(
    ("name", "memory", "flash"),
    [
        # Zephyr's device trees (dts/arm): sram0, and dtcm or ccm0 beside it; flash0.
        ("nano33ble-sense", 256, 1024 - 64),  # 64 KiB are its bootloader's
        ("stm32f4-discovery", 128 + 64, 1024),
        ("stm32f7-discovery", 256 + 64, 1024),
        ("nucleo-f746zg", 256 + 64, 1024),
        ("nucleo-f767zi", 384 + 128, 2048),
        ("nucleo-h743zi", 512 + 128 + 128 + 32 + 64 + 128, 2048),
        # Arduino's boards.txt: upload.maximum_data_size 270,336 and maximum_size 2,097,152.
        ("rp2040", 270336 // 1024, 2097152 // 1024),
        # OpenMV's pieces: DTCM, SRAM0, SRAM1, SRAM2 and SRAM4; all but bootloader and file systems.
        ("openmv-h7", 128 + 512 + 280 + 8 + 64, 2048 - 3 * 128),
        # From 0x3FC88000 to where the second bootloader's code begins, 0x403CB700 - 0x6F0000.
        ("esp32-s3", (0x403CB700 - 0x6F0000 - 0x3FC88000) / 1024, 4096),
        # What the linker has for the M7 of 64 MB of SDRAM, the M4's 16 MiB left out; 512 blocks of
        # 128 KiB for files.
        ("coral-micro", 256 - 32 + (64 - 16) * 1024, 512 * 128),
    ],
)
def test_boards_have_what_other_sources_say(name: str, memory: float, flash: int) -> None:
    board = BOARDS[name]
    assert (board.memory / 1024, board.flash / 1024) == (memory, flash)


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
    assert (report.size, report.tail) == (2304, 1062)

    def fit(room: int) -> ArenaFit:
        return arena_fit(report, Room("", "arena", room))

    assert (fit(2303).fits, fit(2304).fits, fit(2304).close) == (False, True, True)
    assert (fit(2304 + 1061).close, fit(2304 + 1062).close) == (True, False)


# -- banks ---------------------------------------------------------------------------------------


def test_one_bank_is_the_plan_in_one_piece() -> None:
    for row in MEASURED.values():
        report = arena(loads(row["spec"]), dtype=row["dtype"])
        plan = in_banks(report, [Bank("all", report.size)])
        assert plan.fits
        assert plan.places == tuple((0, buffer.offset) for buffer in report.buffers)
        assert plan.used == (report.size,)


@pytest.mark.parametrize("seed", range(10))
def test_no_two_buffers_share_a_place_in_a_bank(seed: int) -> None:
    draw = Draw(seed)
    needs = drawn_needs(draw, 12)
    rooms = [draw.whole(1, 12), draw.whole(1, 30)]
    places = banked(needs, rooms)
    for one, other in combinations(range(len(needs)), 2):
        first, second = places[one], places[other]
        if first is None or second is None or first[0] != second[0]:
            continue
        apart = (
            first[1] + needs[one].bytes <= second[1] or second[1] + needs[other].bytes <= first[1]
        )
        assert apart or not needs[one].meets(needs[other])
    for need, place in zip(needs, places, strict=True):
        if place is None:  # nor is there a bank that it alone would fit into
            assert need.bytes > min(rooms) or any(need.meets(each) for each in needs)
        else:
            assert place[1] + need.bytes <= rooms[place[0]]


@tabled(
    ("written", "says"),
    [
        (["dtcm"], "no bank: write NAME=BYTES"),
        (["=64KiB"], "no bank: write NAME=BYTES"),
        (["a=64"], "has no unit"),
        (["a=1KiB", "a=2KiB"], "given twice"),
    ],
)
def test_a_bank_is_a_name_and_bytes(written: list[str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_banks(written)


# -- the best plan and the best order, by trying all ---------------------------------------------


def drawn_needs(draw: Draw, most: int) -> list[Need]:
    firsts = [draw.whole(0, 5) for _ in range(draw.whole(2, most))]
    return [Need(draw.whole(1, 9), each, min(6, each + draw.whole(0, 3))) for each in firsts]


@pytest.mark.parametrize("seed", range(15))
def test_the_best_plan_is_the_lowest_of_all_orders(seed: int) -> None:
    needs = drawn_needs(Draw(seed), 6)
    best = best_plan(needs, seconds=60)
    orders = permutations(range(len(needs)))
    lowest = min(height(needs, placed(needs, order)) for order in orders)
    assert (best.size, best.proven) == (lowest, True)
    assert height(needs, best.offsets) == best.size >= best.lower_bound == max(alive(needs))
    for one, other in combinations(range(len(needs)), 2):
        start, end = best.offsets[one], best.offsets[one] + needs[one].bytes
        apart = end <= best.offsets[other] or best.offsets[other] + needs[other].bytes <= start
        assert apart or not needs[one].meets(needs[other])


@pytest.mark.parametrize("seed", range(15))
def test_the_best_order_has_the_least_alive_of_all(seed: int) -> None:
    draw = Draw(seed)
    count = draw.whole(2, 6)
    sizes = [draw.whole(1, 9) for _ in range(count + 1)]
    nodes = [
        Node(
            tuple(sorted({draw.whole(0, number) for _ in range(draw.whole(1, 2))})),
            number + 1,
            draw.choice([0, 0, 3]),
        )
        for number in range(count)
    ]

    def possible(order: Sequence[int]) -> bool:
        return all(
            {*nodes[each].reads} <= {0, *(before + 1 for before in order[:place])}
            for place, each in enumerate(order)
        )

    def peak(order: Sequence[int]) -> int:
        when = {0: 0} | {nodes[each].makes: time for time, each in enumerate(order, 1)}
        last = dict(when)
        for time, each in enumerate(order, 1):
            last |= dict.fromkeys(nodes[each].reads, time)
        last[count] = count
        taken = [
            sum(sizes[each] for each in when if when[each] <= time <= last[each])
            + (nodes[order[time - 1]].scratch if time else 0)
            for time in range(count + 1)
        ]
        return max(taken)

    best = best_order(nodes, sizes, 1, [count], seconds=60)
    orders = [order for order in permutations(range(count)) if possible(order)]
    assert (best.peak, best.proven) == (min(map(peak, orders)), True)
    assert possible(best.order)
    assert peak(best.order) == best.peak


def test_where_gaps_decide_a_lower_plan_is_found_and_proven() -> None:
    # memory.md of TensorFlow Lite Micro: 8,192 by its planner, and 6,144 are alive at most.
    report = arena(loads(MEASURED["mobilenet_v3"]["spec"]))
    found = search(report, 5)
    assert (report.size, found.plan.size, found.plan.proven) == (8192, 6144, True)


def test_a_better_order_of_branches_is_found() -> None:
    # 32·32·(4 + 32) and the 2 that are made of it, beside the other branch or not
    spec = (
        "{input: 32x32x3, layers: [conv: {filters: 4, kernel: 1}, concat: ["
        "[conv: {filters: 32, kernel: 1}, conv: {filters: 2, kernel: 1}], "
        "[conv: {filters: 2, kernel: 1}, conv: {filters: 30, kernel: 1}, "
        "conv: {filters: 1, kernel: 1}]]]}"
    )
    report = arena(loads(spec))
    found = search(report, 5)
    assert report.size == 1024 * (4 + 32 + 2)
    # The other branch first, which needs 4 + 2 + 30, and then 1 + 4 + 32
    assert found.order.peak == 1024 * (1 + 4 + 32)
    assert found.ordered is not None
    assert found.ordered.size == found.order.peak


# -- files ---------------------------------------------------------------------------------------


def test_a_plan_is_written_as_json_and_for_c() -> None:
    report = arena(loads(MEASURED["mobilenet_v3"]["spec"]))
    found = search(report, 5)
    value = json.loads(render_json(report, found, None))
    assert (value["size"], value["plan"], value["exact"]) == (6144, "best found", True)
    assert [each["offset"] for each in value["buffers"]] == [*found.plan.offsets]
    plain = json.loads(render_json(report, None, None))
    assert (plain["size"], plain["plan"]) == (8192, "greedy")
    text = render_c(report, None, None)
    assert "#define A_SMALL_MOBILENETV3_ARENA_HEAD 8192" in text
    defined = re.findall(r"#define (\w+)", text)
    assert len(defined) == len(set(defined))
    offsets = re.search(r"_offsets\[(\d+)\] = \{(.*)\};", text)
    assert offsets is not None
    maps = [each.offset for each in report.buffers if not each.scratch]
    assert (int(offsets[1]), [*map(int, offsets[2].split(", "))]) == (len(maps), maps)


def test_a_name_ends_no_comment_of_c() -> None:
    spec = "{name: 'a */ int x; /* 9', input: 4, layers: [{relu: , name: '1-*'}]}"
    try:
        report = arena(loads(spec))
    except SpecError:
        report = arena(loads(spec.replace("1-*", "r")))
    text = render_c(report, None, in_banks(report, [Bank("a b", 4096)]))
    assert text.count("/*") == text.count("*/")
    assert "int x; / * 9" in text
    assert "#define A_INT_X_9_BANK_A_B_BYTES 32" in text
