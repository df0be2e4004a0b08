"""Numbers that remember: every formula, worked out again from its text, gives the plan's number."""

from collections.abc import Callable, Iterator
from typing import Any

from draws import Draw, examples
from formulas import worked_out
from kinds import CASES, Case
from tabled import tabled

from convcalc.layers.base import Plan
from convcalc.layers.letters import lettered_call
from convcalc.reasons import Reasoned, filled, formula, letters, name_of, named
from convcalc.window import Window, same, transposed


def explained(case: Case) -> Plan:
    """The plan of a row on numbers that remember."""
    layer, shapes = lettered_call(case.layer, case.shapes)
    return layer.plan(shapes)


def numbers(plan: Plan) -> Iterator[int]:
    """Every number of a plan, and what is added up of them."""
    yield from plan.output.axes
    yield plan.output.size
    for weight in plan.weights:
        yield from weight.shape
        yield weight.size
    yield sum(weight.size for weight in plan.weights if not weight.buffer)
    yield plan.macs
    for window in plan.windows:
        yield from window


@tabled("case", CASES, ids=str)
def test_every_formula_worked_out_again_gives_the_plan_s_number(case: Case) -> None:
    plan = case.layer.plan(case.shapes)
    reasoned = explained(case)

    assert reasoned == plan
    for number, wanted in zip(numbers(reasoned), numbers(plan), strict=True):
        assert worked_out(filled(number)) == wanted, formula(number)


FORMULAS = [
    ("conv", {"filters": 96, "kernel": 11, "stride": 4}, "(H − F + 2·P)/S + 1"),
    ("conv", {"filters": 1, "kernel": 3, "dilation": 2}, "(H − D·(F − 1) − 1 + 2·P)/S + 1"),
    ("conv", {"filters": 1, "kernel": 3, "padding": 1, "stride": 2}, "⌊(H − F + 2·P)/S⌋ + 1"),
    ("maxpool", {"kernel": 3, "stride": 2, "rounding": "ceil"}, "⌈(H − F + 2·P)/S⌉ + 1"),
    ("conv", {"filters": 1, "kernel": 3, "stride": 3, "padding": "same"}, "⌈H/S⌉"),
    ("conv_transpose", {"filters": 1, "kernel": 3, "stride": 2}, "(H − 1)·S + F − 2·P"),
    (
        "conv_transpose",
        {"filters": 1, "kernel": 3, "stride": 2, "output_padding": 1},
        "(H − 1)·S + F − 2·P + O",
    ),
    ("conv_transpose", {"filters": 1, "kernel": 2, "stride": 3, "padding": "same"}, "S·H"),
    ("conv", {"filters": 1, "kernel": (3, 5), "padding": ((1, 1), 2)}, "(H − F_H + 2·P_H)/S + 1"),
    (
        "conv",
        {"filters": 1, "kernel": 3, "padding": ((0, 2), (1, 2))},
        "(H − F + P_top + P_bottom)/S + 1",
    ),
    ("crop", {"amount": 3}, "H − 2·amount"),
    ("upsample", {"scale": 2}, "H·scale"),
    ("pixel_shuffle", {"factor": 2}, "H·r"),
    ("global_avgpool", {}, "1"),
    ("relu", {}, "H"),
]


@tabled(("kind", "fields", "wanted"), FORMULAS)
def test_output_sizes_read_as_textbooks_write_them(
    kind: str, fields: dict[str, Any], wanted: str
) -> None:
    inputs = "224x224x4" if "⌊" in wanted or "⌈" in wanted else "227x227x4"
    plan = explained(Case(kind, fields, inputs, ""))

    assert formula(plan.output.spatial[0]) == wanted


def test_counts_read_as_textbooks_write_them() -> None:
    plan = explained(Case("conv", {"filters": 96, "kernel": 11, "stride": 4}, "227x227x3", ""))
    height, width = plan.output.spatial
    names = {name_of(height): "H′", name_of(width): "W′"}
    learned = sum(weight.size for weight in plan.weights)

    assert formula(learned) == "K·(C·F·F + 1)"
    assert filled(learned) == "96·(3·11·11 + 1)"
    assert formula(plan.macs, names) == "H′·W′·K·C·F·F"
    assert filled(plan.macs, names) == "55·55·96·3·11·11"


@tabled("case", CASES, ids=str)
def test_no_letter_of_a_layer_stands_for_two_numbers(case: Case) -> None:
    plan = explained(case)

    known: dict[str, int] = {}
    for number in numbers(plan):
        for letter, value in letters(number).items():
            assert known.setdefault(letter, value) == value, (letter, formula(number))


def test_a_letter_that_an_axis_has_is_no_field_s() -> None:
    """D is the depth of a volume, and else the dilation."""
    plan = explained(Case("conv", {"filters": 1, "kernel": 3, "dilation": 2}, "9x8x7x1", ""))

    assert formula(plan.output.spatial[0]) == "(D − dilation·(F − 1) − 1 + 2·P)/S + 1"


def test_inputs_that_differ_have_letters_of_their_own() -> None:
    plan = explained(Case("concat", {}, "7x7x32 7x7x1 7x7x5", ""))

    assert formula(plan.output.channels) == "C_1 + C_2 + C_3"
    assert formula(plan.output.spatial[0]) == "H"


def small(draw: Draw) -> int:
    return draw.whole(1, 12)


@examples(
    100,
    kernel=small,
    stride=small,
    dilation=small,
    before=small,
    after=small,
    size=lambda draw: draw.whole(1, 60),
)
def test_windows_explain_themselves(
    kernel: int, stride: int, dilation: int, before: int, after: int, size: int
) -> None:
    plain = (kernel, stride, dilation, before, after)
    lettering = [named(value, letter) for value, letter in zip(plain, "FSDPQ", strict=True)]
    width = named(size, "W")
    makers: tuple[Callable[..., Window], ...] = (
        Window,
        lambda f, s, d, p, q: Window(f, s, d, p, q, s),
        transposed,
        lambda f, s, d, *_: same(width if isinstance(f, Reasoned) else size, f, s, d),
    )
    for make in makers:
        window, reasoned = make(*plain), make(*lettering)
        sizes = [reasoned.output(width), reasoned.rounded_up(width).output(width), reasoned.extent]

        assert [window.output(size), window.rounded_up(size).output(size), window.extent] == sizes
        for number in sizes:
            assert worked_out(filled(number)) == number


def test_a_quotient_below_a_quotient_has_its_bracket() -> None:
    """8/(6/3) is 4, and 8/6/3 is not; one that is rounded has signs of its own."""
    over, below = named(8, "C"), named(6, "A")

    assert filled(over // (below // named(3, "B"))) == "8/(6/3)"
    assert filled(over // (below // named(4, "B"))) == "8/⌊6/4⌋"


@examples(150, draw=lambda draw: draw)
def test_arithmetic_is_that_of_plain_numbers(draw: Draw) -> None:
    """Any sum, product, power, negative and quotient, nested at random."""
    values: list[tuple[int, int]] = []
    for _ in range(draw.randint(2, 12)):
        name = draw.choice(["letter", "plain", "+", "-", "*", "//", "neg", "**"])
        if name == "letter" or not values:
            value = draw.whole(-9, 30)
            values.append((value, named(value, draw.choice("ABC") + str(value))))
            continue
        (one, reasoned), (other, second) = (draw.choice(values) for _ in range(2))
        if name == "plain":
            second = other
        if abs(one) > 10**6 or abs(other) > 10**6 or (name == "//" and other <= 0):
            continue
        if name == "neg":
            values.append((-one, -reasoned))
        elif name == "**":
            values.append((one**2, reasoned**2))
        else:
            work: dict[str, Callable[[int, int], int]] = {
                "+": lambda a, b: a + b,
                "plain": lambda a, b: b * a + b,
                "-": lambda a, b: a - b,
                "*": lambda a, b: a * b,
                "//": lambda a, b: a // b,
            }
            values.append((work[name](one, other), work[name](reasoned, second)))

    for plain, number in values:
        assert number == plain
        assert worked_out(filled(number)) == plain, (filled(number), formula(number))
