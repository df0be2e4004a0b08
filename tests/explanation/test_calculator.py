"""The calculator without a spec: sizes by hand, and solutions beside trying every value."""

import random
import re
from typing import Any

import pytest
from tabled import tabled

from convcalc.diagnostics import Diagnostic
from convcalc.explanation.backwards import Run, Solved, solve_size
from convcalc.explanation.calculator import Sized, size
from convcalc.layers.remedies import works
from convcalc.shape import Shape

# W, F, S, P → the output; None where it is invalid. Worked numbers of CS231n's notes.
FACTS = [
    ((5, 3, 1, 1), (5,)),
    ((5, 3, 2, 1), (3,)),
    ((5, 3, 3, 1), None),  # 5 − 3 + 2 = 4 is not divisible by 3
    ((10, 3, 2, 0), None),  # (10 − 3)/2 + 1 = 4.5
    ((227, 11, 4, 0), (55,)),
    ((224, 11, 4, 0), None),  # 54.25
    ((224, 11, 4, "[[1, 2]]"), (55,)),
    (("224x224", 11, 4, "[[1, 2], [1, 2]]"), (55, 55)),
    ((11, 5, 2, 0), (4,)),
    (("5x5", 3, 2, 1), (3, 3)),
    (((6, 6), 3, 1, 0), (4, 4)),
    ((224, 2, 2, 0), (112,)),
    ((7, 7, 1, 0), (1,)),
    (("224x320", "3x5", 1, "1x2"), (224, 320)),
    (("8x9x10", 3, 1, "same"), (8, 9, 10)),
    *(((32, kernel, 1, (kernel - 1) // 2), (32,)) for kernel in range(1, 12, 2)),
]


@tabled(("numbers", "output"), FACTS)
def test_worked_numbers(numbers: tuple[Any, ...], output: tuple[int, ...] | None) -> None:
    answer = size(*numbers)

    assert answer.output == output
    assert bool(answer.diagnostics) == (output is None)


OTHERS: list[tuple[tuple[Any, ...], dict[str, Any], tuple[int, ...]]] = [
    # ⌊(112 − 3)/2⌋ + 1 and ⌈(112 − 3)/2⌉ + 1
    ((112, 3, 2), {"rounding": "floor"}, (55,)),
    ((112, 3, 2), {"rounding": "ceil"}, (56,)),
    # K' = K + (K − 1)(D − 1) = 5
    ((7, 3), {"dilation": 2}, (3,)),
    # (W − 1)·S + F − 2P + O = 3·2 + 3 − 2 + 1
    ((4, 3, 2, 1), {"transposed": True, "output_padding": 1}, (8,)),
    ((16, 4, 2, 1), {"transposed": True}, (32,)),
    ((5, 3, 2, "same"), {"transposed": True}, (10,)),
]


@tabled(("numbers", "options", "output"), OTHERS)
def test_other_forms(
    numbers: tuple[Any, ...], options: dict[str, Any], output: tuple[int, ...]
) -> None:
    assert size(*numbers, **options).output == output


def test_the_formula_is_the_notes() -> None:
    assert "length  (W − F + 2·P)/S + 1 = (227 − 11 + 2·0)/4 + 1 = 55\n" in str(size(227, 11, 4))
    assert "H′" not in str(size((8, 8), 3))
    # What both axes have in common is said once.
    assert str(size((8, 8), 3)).count(" = ") == 2


# Helps


def finding(answer: Sized) -> Diagnostic:
    (one,) = answer.diagnostics
    return one


SLIPS: list[tuple[tuple[Any, ...], str]] = [
    (
        (224, 11, 4),
        "round down as frameworks do, with `floor` (drops 1 position), give it a length of 227 or",
    ),
    (
        (224, 11, 4),
        "or 223, or use padding [[1, 2]]",
    ),
    ((5, 7), "use a kernel of at most 5, pad more, or use an input of 7"),
    ((5, 4, 1, "same"), "use kernel 3 or 5, or say which side gets more: padding [[1, 2]]"),
    (("227x227x3", 11, 4), "write 227×227 if the 3 are channels"),
]


@tabled(("numbers", "words"), SLIPS)
def test_a_help_is_for_one_layer(numbers: tuple[Any, ...], words: str) -> None:
    advice = finding(size(*numbers)).help or ""

    assert words in advice
    assert "spec" not in advice
    assert "before this layer" not in advice


def test_what_a_help_says_does() -> None:
    assert size(224, 11, 4, rounding="floor").output == (54,)
    assert size(227, 11, 4).output == (55,)
    assert size(223, 11, 4).output == (54,)
    assert size(224, 11, 4, "[[1, 2]]").output == (55,)
    assert size(5, 5).output == (1,)
    assert size(7, 7).output == (1,)


@tabled("seed", range(40))
def test_helps_of_random_layers_do(seed: int) -> None:
    """Inputs and paddings that a help names have no error on the layer."""
    draws = random.Random(seed)  # noqa: S311 (no secret)
    numbers = draws.randint(1, 30), draws.randint(1, 12), draws.randint(2, 5), draws.randint(0, 2)
    answer = size(*numbers)
    for one in answer.diagnostics:
        for given in re.findall(r"(?:length|input) of ([\d or]+)", one.help or ""):
            for length in re.findall(r"\d+", given):
                assert works(answer.layer, Shape(1, (int(length),))), (numbers, one.help)
        for before, behind in re.findall(r"padding \[\[(\d+), (\d+)\]\]", one.help or ""):
            assert size(*numbers[:3], [[int(before), int(behind)]]).output


# Backwards


def only(answer: Solved) -> list[Run]:
    (solution,) = answer.solutions
    (runs,) = solution.axes
    return [*runs]


def test_each_thing_is_solved_for() -> None:
    assert only(solve_size(55, kernel=11, stride=4)) == [Run(227, 227)]
    assert only(solve_size(55, input=227, stride=4)) == [Run(11, 11)]
    stride, padding, dilation = solve_size(55, input=227, kernel=11).solutions
    assert (stride.field, stride.axes) == ("stride", ((Run(4, 4),),))
    assert (padding.solves, dilation.solves) == (False, False)
    # Three rows in all, the odd one behind: 1 before and 2 after.
    padding, _ = solve_size(55, input=224, kernel=11, stride=4).solutions
    assert padding.axes == ((Run(3, 3),),)
    # 2·D + 1 = 5
    assert solve_size(3, input=7, kernel=3, stride=1, padding=0).solutions[0].axes == (
        (Run(2, 2),),
    )
    assert only(solve_size(32, kernel=4, stride=2, padding=1, transposed=True)) == [Run(16, 16)]
    # (4 − 1)·2 − 2·1 + 3 = 7, and one row more.
    behind = solve_size(8, input=4, kernel=3, stride=2, padding=1, dilation=1, transposed=True)
    assert (behind.solutions[0].field, only(behind)) == ("output_padding", [Run(1, 1)])
    both = solve_size("55x27", kernel=11, stride=4).solutions[0]
    assert both.axes == ((Run(227, 227),), (Run(115, 115),))  # 26·4 + 11


def test_laws_without_end_are_laws() -> None:
    # Any stride makes one output of a kernel that covers all of the input.
    stride = solve_size(1, input=7, kernel=7, padding=0, dilation=1).solutions[0]
    assert stride.axes == ((Run(1, None),),)
    # `same` takes every odd kernel at stride 1.
    assert only(solve_size(5, input=5, padding="same")) == [Run(1, None, 2)]
    # Rounded down, a stride of 10⁶ reads as many inputs alike: (2 − 1)·10⁶ + 1 up to 2·10⁶.
    wide = solve_size(2, kernel=1, stride=10**6, rounding="floor")
    assert only(wide) == [Run(10**6 + 1, 2 * 10**6)]


def test_where_nothing_does_the_nearest_are_named() -> None:
    answer = solve_size(17, kernel=4, stride=2, padding=1, transposed=True)

    assert not answer.solves
    assert answer.solutions[0].near == (((8, 16), (9, 18)),)
    assert "The nearest input: 8 makes 16, 9 makes 18." in str(answer)
    # 2·D + 1 must divide: floor takes what exact does not.
    assert "Rounded down (floor), dilation 2 does." in str(
        solve_size(54, input=112, kernel=3, stride=2)
    )


def drawn(seed: int) -> tuple[str, dict[str, Any], int]:
    """A random layer, the field that is taken from it, and a size that is wanted."""
    draws = random.Random(seed)  # noqa: S311 (no secret)
    transposed = draws.random() < 0.3
    given: dict[str, Any] = {
        "input": draws.randint(1, 12),
        "kernel": draws.randint(1, 5),
        "stride": draws.randint(1, 4),
        "padding": draws.choice([0, 1, 2, [[0, 1]], [[2, 1]], "same"]),
        "dilation": draws.randint(1, 3),
        "transposed": transposed,
    }
    if transposed:
        given["output_padding"] = draws.choice([0, 0, 1])
    else:
        given["rounding"] = draws.choice(["exact", "exact", "floor", "ceil"])
    return draws.choice(["input", "kernel", "stride", "padding", "dilation"]), given, seed % 9 + 1


MOST = 16
"""Values of a field that are tried one by one; beyond are laws alone."""


@tabled("seed", range(50))
def test_solutions_are_all_that_trying_finds(seed: int) -> None:
    field, given, wanted = drawn(seed)
    del given[field]
    least = 0 if field == "padding" else 1
    others = {"input", "kernel", "stride", "padding", "dilation"} - {field}
    answer = solve_size(wanted, **{name: given[name] for name in given})
    (solution,) = [each for each in answer.solutions if each.field == field]
    assert len(answer.solutions) == 1, others
    (runs,) = solution.axes

    for value in range(least, MOST):
        tried = [[value // 2, value - value // 2]] if field == "padding" else value
        made = size(**{**given, field: tried}).output
        assert (made == (wanted,)) == any(value in run for run in runs), (value, given, runs)


@tabled(
    ("options", "message"),
    [
        ({"output": 5}, "input and kernel are both missing"),
        (
            {"output": 5, "input": 5, "kernel": 1, "stride": 1, "padding": 0, "dilation": 1},
            "nothing is missing",
        ),
        ({"output": "5x5", "input": 5}, "these are 1 and 2"),
        ({"output": 5, "kernel": "3x3"}, "kernel has 2 values, and the output has 1 spatial axis"),
        ({"output": 0, "kernel": 3}, "0 is below 1"),
        ({"output": "2x2x2x2", "kernel": 3}, "1 to 3 spatial axes"),
        ({"output": 5, "kernel": 3, "rounding": "ceil", "transposed": True}, "nothing to round"),
        ({"output": 5, "kernel": 3, "output_padding": 1}, "a transposed convolution's"),
        ({"output": 5, "kernel": "3,5"}, "kernel '3,5'"),
        ({"output": 5, "kernel": "[[3"}, "not YAML"),
        ({"output": 5, "kernel": ""}, "kernel ''"),
        ({"output": 5, "kernel": 3.5}, "not a whole number"),
        ({"output": 5, "kernel": "wide"}, "names are those of a spec: write a number"),
        ({"output": 10**10, "kernel": 3}, "above 1,000,000,000"),
    ],
)
def test_what_cannot_be_solved_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        solve_size(**options)
