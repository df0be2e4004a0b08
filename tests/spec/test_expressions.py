"""The arithmetic of the spec: values, errors with their places, limits, hostile text."""

import ast
import contextlib
import math
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from draws import Draw, examples
from tabled import tabled
from work import counted

from convcalc import SpecError, loads
from convcalc.spec.expressions import (
    FUNCTIONS,
    MAX_DEPTH,
    MAX_LENGTH,
    Binary,
    Call,
    Compare,
    Condition,
    Connective,
    Constant,
    Expression,
    ExpressionError,
    Name,
    Not,
    Sign,
    clipped,
    constant,
)
from convcalc.spec.nodes import MAX_INTEGER, Value
from convcalc.spec.syntax import evaluate, parse

NAMES: Mapping[str, Value] = {
    "width": 64,
    "groups": 0,
    "alpha": 0.35,
    "depth": 1.2,
    "wide": True,
    "project": False,
    "activation": "silu",
    "if_2": 7,
}


def outcome(text: str, names: Mapping[str, Value]) -> Value | ExpressionError:
    try:
        return evaluate(text, names)
    except ExpressionError as error:
        return error


def refusal(text: str, names: Mapping[str, Value] = NAMES) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        evaluate(text, names)
    return caught.value


# -------------------------------------------------------------------------------- values


@tabled(
    ("text", "expected"),
    [
        # literals
        ("7", 7),
        ("007", 7),
        ("010", 10),  # YAML 1.2: nothing is octal
        ("0.25", 0.25),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e-5", 1e-5),
        ("1E3", 1000.0),
        ("true", True),
        ("false", False),
        ("'silu'", "silu"),
        ('"it\'s"', "it's"),
        ("999999999999999999", 999_999_999_999_999_999),
        ("1000000000000000000", MAX_INTEGER),
        # names
        ("width", 64),
        ("  width\n", 64),
        ("if_2", 7),
        ("alpha", 0.35),
        ("wide", True),
        ("activation", "silu"),
        # arithmetic
        ("4*width", 256),
        ("1 + 2*3", 7),
        ("(1 + 2)*3", 9),
        ("10 - 4 - 3", 3),
        ("64 / 4 / 2", 8),
        ("2 * 7 // 4 % 3", 0),
        ("7 // 2", 3),
        ("-7 // 2", -4),
        ("-7 % 3", 2),
        ("7 % -3", -2),
        ("7.5 // 2", 3.0),
        ("-2**2", -4),
        ("2**-1", 0.5),
        ("2**3**2", 512),
        ("2**-2**2", 0.0625),
        ("--3", 3),
        ("-+-3", 3),
        ("2 - -3", 5),
        ("0**0", 1),
        ("(-8)**3", -512),
        ("(-8.0)**3.0", -512.0),
        # exact where integers divide, floats where they do not
        ("width/4", 16),
        ("width/3", 64 / 3),
        ("6/2.0", 3.0),
        ("999999999999999999/3", 333_333_333_333_333_333),
        ("10**18 - 1", 999_999_999_999_999_999),
        ("-(10**18)", -MAX_INTEGER),
        # comparisons
        ("width > 32", True),
        ("1 < 2 <= 2 < 3", True),
        ("1 < 3 < 2", False),
        ("3 > 1 < 2", True),
        ("1 == 1.0", True),
        ("1 != 2", True),
        ("wide == true", True),
        ("wide != project", True),
        ("activation == 'silu'", True),
        ('activation != "relu"', True),
        ("activation == 1", False),
        ("1 != activation", True),
        ("wide == 'yes'", False),
        # booleans
        ("wide and project", False),
        ("wide or project", True),
        ("not wide", False),
        ("not not wide", True),
        ("not width > 100", True),
        ("true or false and false", True),
        ("not false and false", False),
        ("width > 1 and not project or project", True),
        # conditions
        ("8 if wide else 16", 8),
        ("8 if project else 16", 16),
        ("1 if project else 2 if project else 3", 3),
        ("(1 if wide else 2) + 10", 11),
        ("1 if wide else 2 + 10", 1),
        ("'a' if wide else 'b'", "a"),
        ("1 if width > 2 and wide else 0", 1),
        # what is not needed is not evaluated
        ("project and 1 // 0 > 0", False),
        ("wide or unknown", True),
        ("1 if wide else 1 // 0", 1),
        ("1 // 0 if project else 2", 2),
        ("2 < 1 < 1 // 0", False),
        # functions
        ("min(3)", 3),
        ("min(3, 1, 2)", 1),
        ("max(width, 100)", 100),
        ("max(1, 2.5)", 2.5),
        ("ceil(1.2)", 2),
        ("ceil(-1.2)", -1),
        ("ceil(depth*5)", 6),  # 1.2*5 is 6.0 in doubles, as frameworks have it
        ("ceil(1.1*10)", 12 - 1),
        ("ceil(0.1*3*10)", 4),  # 3.0000000000000004
        ("floor(2.9)", 2),
        ("floor(7)", 7),
        ("round(2.5)", 2),
        ("round(3.5)", 4),
        ("round(2.6)", 3),
        ("abs(-3)", 3),
        ("abs(-.5)", 0.5),
        ("min (1, (2))", 1),
        # MobileNet v2's first channels at widths 0.35, 0.5, 0.75, 1.4 (torchvision)
        ("divisible(32*alpha, 8)", 16),
        ("divisible(32*0.5, 8)", 16),
        ("divisible(32*0.75, 8)", 24),
        ("divisible(32*1.4, 8)", 48),
        ("divisible(16*0.35, 8)", 8),
        ("divisible(1280*1.4, 8)", 1792),
        ("divisible(3, 8)", 8),
        ("divisible(12, 8)", 16),
        ("divisible(11, 8)", 16),  # 8 would lose more than a tenth
        ("divisible(9.5, 8)", 16),
        ("divisible(8.8, 8)", 8),  # less than a tenth is lost
        ("divisible(-5, 8)", 8),
        ("divisible(20, 8.0)", 24),
    ],
)
def test_value(text: str, expected: Value) -> None:
    value = evaluate(text, NAMES)
    assert value == expected
    assert type(value) is type(expected)


def test_names_are_all_that_are_mentioned() -> None:
    expression = parse("max(a, b_1) if true or c == 'd' else a")
    assert expression.names == {"a", "b_1", "c"}
    assert parse("width").names == {"width"}
    assert parse("1 + 2").names == frozenset()


def test_an_expression_is_parsed_once_and_evaluated_with_any_values() -> None:
    expression = parse("4*width")
    assert parse("4*width") is expression
    assert [expression.evaluate({"width": width}) for width in (1, 2.5)] == [4, 10.0]
    assert repr(expression) == "Binary(Constant(4), (('*', Name('width')),))"


def test_every_function_is_documented_as_it_is_called() -> None:
    for name, (signature, doc) in FUNCTIONS.items():
        assert signature.startswith(f"{name}(")
        assert doc.endswith(".")
        arguments = ", ".join("7" for _ in signature.split(","))
        assert isinstance(evaluate(f"{name}({arguments})", {}), int)


ARITIES = {
    "min": (1, 999),
    "max": (1, 999),
    "ceil": (1, 1),
    "floor": (1, 1),
    "round": (1, 1),
    "abs": (1, 1),
    "divisible": (2, 2),
}
"""Fewest and most arguments; an expression has room for no more than 999."""


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_take_so_many_arguments_and_no_others(name: str) -> None:
    fewest, most = ARITIES[name]
    for count in (0, 1, 2, 3, 300):
        text = f"{name}({','.join('7' * count)})"
        if fewest <= count <= most:
            assert evaluate(text, {}) == 7
            continue
        with pytest.raises(ExpressionError) as caught:
            evaluate(text, {})
        assert caught.value.code == "CC112"
        assert f"gives {name} {count} argument" in caught.value.message


def test_long_text_is_cut_in_the_middle_and_names_after_the_tenth() -> None:
    """Messages stay on a line: 60 characters of a text, 10 of many names."""
    letters = "".join(chr(ord("a") + number % 26) for number in range(70))
    assert clipped(letters[:60]) == letters[:60]
    assert clipped(letters[:61]) == f"{letters[:40]}…{letters[42:61]}"
    assert len(clipped(letters)) == 60
    assert clipped(" a\n\t b ") == "a b"
    assert clipped("a\x07b") == "a<U+0007>b"

    def known(count: int) -> str:
        names: dict[str, Value] = {f"name{number:02}": 1 for number in range(count)}
        with pytest.raises(ExpressionError) as caught:
            evaluate("quite_another", names)
        return caught.value.help or ""

    assert "name09" in known(10)
    assert "more" not in known(10)
    assert "name09" in known(11)
    assert "name10" not in known(11)
    assert "and 1 more" in known(11)
    assert "and 2 more" in known(12)


# -------------------------------------------------------------------------------- errors

ENDS = "ends where a number or name is expected"
OPERAND = "stands where a number or name is expected"
CONDITIONAL = "write `a if condition else b`"
RANGE = "keep integers between -10**18 and 10**18"
KNOWN = "known names: width, groups, alpha, depth, wide, project, activation, if_2"
COMMAS = "use commas between the arguments of a function only"

# Every row: the text, the part of it at fault between ⟦ and ⟧, the code, the message, the help.
SYNTAX: list[tuple[str, str, str | None]] = [
    ("4*⟦⟧", f"`4*` {ENDS}", None),
    ("4*⟦⟧  ", f"`4*` {ENDS}", None),
    ("x++⟦⟧", f"`x++` {ENDS}", None),
    ("not⟦⟧", f"`not` {ENDS}", None),
    ("1 if wide else⟦⟧", f"`1 if wide else` {ENDS}", None),
    ("min(⟦⟧", f"`min(` {ENDS}", None),
    ("⟦*⟧ 4", f"`*` {OPERAND}", None),
    ("4 * ⟦/⟧ 2", f"`/` {OPERAND}", None),
    ("(⟦)⟧", f"`)` {OPERAND}", None),
    ("min(1, ⟦)⟧", f"`)` {OPERAND}", None),
    ("wide ⟦not⟧ 3", "`not` follows `wide` without an operator", "write != to compare"),
    ("1 + ⟦and⟧", f"`and` {OPERAND}", None),
    ("⟦(⟧4", "`(` is never closed", "write the missing `)`"),
    ("max⟦(⟧1, 2", "`(` is never closed", "write the missing `)`"),
    ("4⟦)⟧", "`)` closes nothing", "remove it, or open it before with `(`"),
    ("1⟦,⟧ 2", "`,` stands where an operator is expected", COMMAS),
    ("(1⟦,⟧ 2)", "`,` stands where an operator or `)` is expected", COMMAS),
    ("⟦,⟧", f"`,` {OPERAND}", COMMAS),
    ("2 ⟦width⟧", "`width` follows `2` without an operator", "write * to multiply"),
    ("2⟦(⟧3)", "`(` follows `2` without an operator", "write * to multiply"),
    ("(2)⟦(⟧3)", "`(` follows `)` without an operator", "write * to multiply"),
    ("'a' ⟦'b'⟧", "`'b'` follows `'a'` without an operator", None),
    ("1.2⟦.3⟧", "`.3` follows `1.2` without an operator", "write * to multiply"),
    ("width ⟦is⟧ 3", "`is` follows `width` without an operator", "write == to compare"),
    ("width ⟦in⟧ 3", "`in` follows `width` without an operator", "write `x == 1 or x == 2`"),
    ("width ⟦mod⟧ 3", "`mod` follows `width` without an operator", "write %"),
    ("a ⟦AND⟧ b", "`AND` follows `a` without an operator", "write and"),
    ("2 ⟦x⟧ 3", "`x` follows `2` without an operator", "write * to multiply"),
    ("1 ⟦if⟧ wide", "`1 if wide` has no `else`", CONDITIONAL),
    ("(1 ⟦if⟧ wide)", "`1 if wide` has no `else`", CONDITIONAL),
    ("1 if wide ⟦2⟧", "`2` follows `wide` without an operator", "write * to multiply"),
    ("1 if wide ⟦if⟧ wide else 2", "`if` stands where `else` is expected", CONDITIONAL),
    ("1 ⟦else⟧ 2", "`else` has no `if` before it", CONDITIONAL),
    ("⟦if⟧ wide then 3", f"`if` {OPERAND}", CONDITIONAL),
    ("1 + ⟦not⟧ wide", "`not` stands behind `+`, which binds tighter", "write `(not …)`"),
    ("1 == ⟦not⟧ wide", "`not` stands behind `==`, which binds tighter", "write `(not …)`"),
    ("-⟦not⟧ wide", "`not` stands behind `-`, which binds tighter", "write `(not …)`"),
    ("⟦2x⟧", "`2x` is not a number", "write * to multiply: 2*x"),
    ("⟦1.5width⟧", "`1.5width` is not a number", "write * to multiply: 1.5*width"),
    ("⟦3x3⟧", "`3x3` is not a number", "write * to multiply: 3*3"),
    ("⟦1_000⟧", "`1_000` is not a number", "write 1000"),
    ("⟦0x1F⟧", "`0x1F` is not a number", "write it in decimal digits"),
    ("⟦0x10⟧", "`0x10` is not a number", "write it in decimal digits"),
    ("1 + ⟦'⟧abc", "the text that ' opens is never closed", "write the closing '"),
    ("⟦⟧", "the expression is empty", "write a number, a name or a calculation such as `4*width`"),
    (
        "⟦ \n⟧",
        "the expression is empty",
        "write a number, a name or a calculation such as `4*width`",
    ),
]

FOREIGN: list[tuple[str, str]] = [
    ("2⟦^⟧3", "write ** for a power"),
    ("a ⟦&&⟧ b", "write and"),
    ("a ⟦&⟧ b", "write and"),
    ("a ⟦||⟧ b", "write or"),
    ("a ⟦|⟧ b", "write or"),
    ("⟦!⟧a", "write not"),
    ("⟦~⟧a", "write not"),
    ("a ⟦=⟧ b", "write == to compare"),
    ("a ⟦===⟧ b", "write == to compare"),
    ("a ⟦!==⟧ b", "write != to compare"),
    ("a ⟦<>⟧ b", "write != to compare"),
    ("a ⟦≠⟧ b", "write != to compare"),
    ("a ⟦=>⟧ b", "write >= to compare"),
    ("a ⟦≥⟧ b", "write >= to compare"),
    ("a ⟦=<⟧ b", "write <= to compare"),
    ("a ⟦≤⟧ b", "write <= to compare"),
    ("a ⟦<<⟧ 2", "write * and a power: x * 2**n"),
    ("a ⟦>>⟧ 2", "write // and a power: x // 2**n"),
    ("a ⟦?⟧ 1 : 2", CONDITIONAL),
    ("1 ⟦:⟧ 2", CONDITIONAL),
    ("3 ⟦×⟧ 4", "write * to multiply"),
    ("3 ⟦·⟧ 4", "write * to multiply"),
    ("3 ⟦÷⟧ 4", "write / to divide"),
    ("3 ⟦−⟧ 4", "write the hyphen - for minus"),
    ("⟦−⟧4", "write the hyphen - for minus"),
    ("3 ⟦–⟧ 4", "write the hyphen - for minus"),
    ("a⟦²⟧", "write **2"),
    ("⟦√⟧2", "write x**0.5 for a square root"),
    (
        "a⟦.⟧b",
        "there are no attributes but those of `incoming`; use names, numbers and functions alone",
    ),
    ("a⟦[⟧0]", "there are no lists and no indexing; use names, numbers and functions alone"),
    ("⟦[⟧1]", "there are no lists and no indexing; use names, numbers and functions alone"),
    ("⟦$⟧{a}", "write the name alone: `width`, not `${width}`"),
    ("⟦{⟧a}", "write the name alone: `width`, not `{width}`"),
    ("⟦“⟧a”", "write straight quotes: 'text'"),
    ("⟦é⟧", "spell names with the letters a-z, A-Z, digits and _"),
    ("largeur_d⟦é⟧", "spell names with the letters a-z, A-Z, digits and _"),
    ("1⟦;⟧", "use names, numbers, + - * / // % **, comparisons, and, or, not"),
    ("⟦３⟧", "use names, numbers, + - * / // % **, comparisons, and, or, not"),
]

MEANING: list[tuple[str, str, str, str | None]] = [
    # names
    ("2*⟦widht⟧", "CC111", "`widht` is not a known name", "did you mean `width`?"),
    ("⟦True⟧", "CC111", "`True` is not a known name", "did you mean `true`?"),
    ("1 + ⟦min⟧", "CC111", "`min` is not a known name", "it is a function: write min(a, …)"),
    (
        "activation == ⟦relu⟧",
        "CC111",
        "`relu` is not a known name",
        f"{KNOWN}; text stands in quotes: 'relu'",
    ),
    # division
    (
        "⟦width // groups⟧",
        "CC112",
        "`width // groups` divides by zero: 64 // 0",
        "keep the divisor from being 0",
    ),
    ("⟦4 / 0⟧", "CC112", "`4 / 0` divides by zero", "keep the divisor from being 0"),
    ("⟦1.5 // 0⟧", "CC112", "`1.5 // 0` divides by zero", "keep the divisor from being 0"),
    (
        "1 + ⟦width*2 % groups⟧ - 3",
        "CC112",
        "`width*2 % groups` divides by zero: 128 % 0",
        "keep the divisor from being 0",
    ),
    (
        "⟦groups ** -1⟧",
        "CC112",
        "`groups ** -1` raises zero to a negative power: 0 ** -1",
        "keep the base or the exponent above 0",
    ),
    # not finite, not real
    (
        "⟦1e300 * 1e300⟧",
        "CC112",
        "`1e300 * 1e300` is beyond the range of floats: 1e+300 * 1e+300",
        "keep results below 1.8e308",
    ),
    (
        "2 + ⟦8.0**400⟧",
        "CC112",
        "`8.0**400` is beyond the range of floats",
        "keep results below 1.8e308",
    ),
    ("⟦1e999⟧", "CC112", "`1e999` is beyond the range of floats", "keep results below 1.8e308"),
    (
        "⟦(0 - 8) ** .5⟧",
        "CC112",
        "`(0 - 8) ** .5` is not a real number: (-8) ** 0.5",
        "raise a negative number to whole powers only",
    ),
    # wrong kinds of operands
    (
        "⟦wide⟧ + 1",
        "CC112",
        "`wide` is true, a boolean, where `+` takes numbers",
        "write `(1 if wide else 0)` to calculate with it",
    ),
    (
        "2 * ⟦(width > 1)⟧",
        "CC112",
        "`(width > 1)` is true, a boolean, where `*` takes numbers",
        "write `(1 if (width > 1) else 0)` to calculate with it",
    ),
    (
        "-⟦project⟧",
        "CC112",
        "`project` is false, a boolean, where `-` takes numbers",
        "write `(1 if project else 0)` to calculate with it",
    ),
    (
        "max(1, ⟦true⟧)",
        "CC112",
        "`true` is a boolean, where `max` takes numbers",
        "write `(1 if true else 0)` to calculate with it",
    ),
    (
        "1 - ⟦activation⟧",
        "CC112",
        "`activation` is 'silu', text, where `-` takes numbers",
        "compare text with == and != only",
    ),
    (
        "⟦'a'⟧ < 3",
        "CC112",
        "`'a'` is text, where `<` takes numbers",
        "compare text with == and != only",
    ),
    (
        "1 < ⟦wide⟧",
        "CC112",
        "`wide` is true, a boolean, where `<` takes numbers",
        "write `(1 if wide else 0)` to calculate with it",
    ),
    (
        "⟦wide == 1⟧",
        "CC112",
        "`wide == 1` compares a boolean with a number: true == 1",
        "write `wide` or `not wide`",
    ),
    (
        "0 < ⟦width != project⟧",
        "CC112",
        "`width != project` compares a boolean with a number: 64 != false",
        "write `project` or `not project`",
    ),
    (
        "⟦width⟧ and wide",
        "CC112",
        "`width` is 64, a number, where `and` takes true or false",
        "write `width > 0`",
    ),
    (
        "project or ⟦1⟧",
        "CC112",
        "`1` is a number, where `or` takes true or false",
        "write `1 > 0`",
    ),
    (
        "not ⟦alpha⟧",
        "CC112",
        "`alpha` is 0.35, a number, where `not` takes true or false",
        "write `alpha > 0`",
    ),
    (
        "1 if ⟦width - 64⟧ else 2",
        "CC112",
        "`width - 64` is 0, a number, where `if` takes true or false",
        "write `width - 64 > 0`",
    ),
    (
        "wide and ⟦activation⟧",
        "CC112",
        "`activation` is 'silu', text, where `and` takes true or false",
        "write `activation == '…'` to compare it",
    ),
    # functions
    (
        "1 + ⟦min()⟧",
        "CC112",
        "`min()` gives min 0 arguments where it takes at least 1",
        "write min(a, …)",
    ),
    (
        "⟦round(1.5, 2)⟧ + 1",
        "CC112",
        "`round(1.5, 2)` gives round 2 arguments where it takes 1",
        "write round(x)",
    ),
    (
        "⟦divisible(3)⟧",
        "CC112",
        "`divisible(3)` gives divisible 1 argument where it takes 2",
        "write divisible(x, n)",
    ),
    ("⟦cel⟧(2)", "CC112", "`cel` is not a function", "did you mean `ceil`?"),
    ("⟦sqrt⟧(2)", "CC112", "`sqrt` is not a function", "write x**0.5"),
    ("⟦int⟧(2.5)", "CC112", "`int` is not a function", "write floor(x)"),
    (
        "⟦width⟧(3)",
        "CC112",
        "`width` is not a function",
        "the functions are min, max, ceil, floor, round, abs, divisible; to multiply, write *",
    ),
    (
        "⟦divisible(width, groups)⟧",
        "CC112",
        "`divisible(width, groups)` rounds to multiples of 0: divisible(64, 0)",
        "give a whole number of at least 1, such as 8, as second argument",
    ),
    (
        "⟦divisible(64, 2.5)⟧",
        "CC112",
        "`divisible(64, 2.5)` rounds to multiples of 2.5",
        "give a whole number of at least 1, such as 8, as second argument",
    ),
    # limits
    ("⟦9**9**9⟧", "CC103", "`9**9**9` is beyond ±10**18: 9 ** 387420489", RANGE),
    ("⟦(-9)**99⟧ + 1", "CC103", "`(-9)**99` is beyond ±10**18", RANGE),
    ("⟦2**60⟧", "CC103", "`2**60` is beyond ±10**18", RANGE),
    (
        "⟦width * 10**18⟧",
        "CC103",
        "`width * 10**18` is beyond ±10**18: 64 * 1000000000000000000",
        RANGE,
    ),
    ("⟦-1 - 10**18⟧", "CC103", f"`-1 - 10**18` is beyond ±10**18: -1 - {MAX_INTEGER}", RANGE),
    ("⟦ceil(1e300)⟧", "CC103", "`ceil(1e300)` is beyond ±10**18: ceil(1e+300)", RANGE),
    (
        "⟦divisible(1e300, 8)⟧",
        "CC103",
        "`divisible(1e300, 8)` is beyond ±10**18: divisible(1e+300, 8)",
        RANGE,
    ),
    (
        "⟦1000000000000000001⟧",
        "CC103",
        "`1000000000000000001` is beyond ±10**18: it has 19 digits",
        RANGE,
    ),
    (
        f"1 + ⟦{'7' * 900}⟧",
        "CC103",
        "`77777777…7777` is beyond ±10**18: it has 900 digits",
        RANGE,
    ),
    (
        f"{'1+' * 500}⟦{'1' * 4000}⟧",
        "CC103",
        "the expression is 5,000 characters long; the limit is 1,000",
        "give a part of it a name of its own under `parameters:`",
    ),
    (
        f"{'(' * 51}⟦1⟧{')' * 51}",
        "CC103",
        "the expression nests more than 50 deep here",
        "give a part of it a name of its own under `parameters:`",
    ),
]


def rows() -> Iterator[tuple[str, str, str, str | None]]:
    for text, message, advice in SYNTAX:
        yield text, "CC110", message, advice
    for text, advice in FOREIGN:
        symbol = text[text.index("⟦") + 1 : text.index("⟧")]
        yield text, "CC110", f"`{symbol}` is not part of an expression", advice
    yield from MEANING


@tabled(("marked", "code", "message", "advice"), list(rows()))
def test_error(marked: str, code: str, message: str, advice: str | None) -> None:
    start, end = marked.index("⟦"), marked.index("⟧") - 1
    error = refusal(marked.replace("⟦", "").replace("⟧", ""))
    assert (error.code, error.message, error.help) == (code, message, advice)
    assert (error.start, error.end) == (start, end)
    assert str(error) == message


def test_what_is_too_long_is_told_to_be_shorter_whatever_ends_it() -> None:
    """Behind a call within braces a comma ends the value, which is not what is wrong here."""
    text = f"input: 8x8x3\nlayers: [conv: {{kernel: 3, filters: max({'1+' * 999}1, 2)}}]"
    with pytest.raises(SpecError) as error:
        loads(text)

    found = error.value.diagnostics
    assert [each.help for each in found if each.code == "CC103"] == [
        "give a part of it a name of its own under `parameters:`"
    ]


def test_the_leftmost_error_is_the_one_told() -> None:
    assert refusal("4 * * 2 ^ 3").message == f"`*` {OPERAND}"


def test_many_known_names_are_cut_short_and_none_are_said_to_be_none() -> None:
    many = {f"parameter{number}": number for number in range(14)}
    listed = ", ".join(list(many)[:10])
    expected = f"known names: {listed} and 4 more; text stands in quotes: 'zzz'"
    assert refusal("zzz", many).help == expected
    expected = "declare it under `parameters:`; text stands in quotes: 'zzz'"
    assert refusal("zzz", {}).help == expected


def test_messages_stay_on_one_short_line() -> None:
    error = refusal("(" + "\n+ ".join(["width"] * 100) + ") //\n\n groups")
    expected = (
        "`(width + width + width + width + width +… + width) // groups` divides by zero: 6400 // 0"
    )
    assert error.message == expected
    assert refusal("\ud800").message == "`U+D800` is not part of an expression"
    assert refusal("'\0' + 1").message == "`'<U+0000>'` is text, where `+` takes numbers"


def test_an_error_survives_pickling() -> None:
    error = refusal("width // groups")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert isinstance(copy, ExpressionError)
    assert vars(copy) == vars(error)


class Channels(int):
    pass


@pytest.mark.parametrize(
    ("value", "code", "message"),
    [
        (math.nan, "CC112", "`x` is nan"),
        (-math.inf, "CC112", "`x` is -inf"),
        (10**18 + 1, "CC103", "`x` is beyond ±10**18: 1000000000000000001"),
        (-(10**6000), "CC103", "`x` is beyond ±10**18: an integer of some 6,001 digits"),
        ([1], "CC112", "`x` is a list"),
        (None, "CC112", "`x` is a NoneType"),
    ],
    ids=["nan", "infinite", "large", "huge", "list", "none"],
)
def test_values_of_names_are_held_to_the_bounds(value: Value, code: str, message: str) -> None:
    error = refusal("1 + x", {"x": value})
    assert (error.code, error.message, error.start, error.end) == (code, message, 4, 5)


def test_values_may_be_of_derived_types() -> None:
    assert evaluate("2*x", {"x": Channels(3)}) == 6


# ---------------------------------------------------------------------------------- trees


def chain(draw: Draw, depth: int, *symbols: str) -> tuple[Expression, Any]:
    rest = draw.some(lambda: (draw.choice(symbols), tree(draw, depth)), 1, 3)
    return tree(draw, depth), rest


def tree(draw: Draw, depth: int = 4) -> Expression:
    """A value or a name, or an operation on such, so many deep at most."""
    if not depth or draw.random() < 0.3:
        return leaf(draw)

    def operand() -> Expression:
        return tree(draw, depth - 1)

    match draw.randrange(10):
        case 0:
            return Sign(draw.choice("+-"), operand())
        case 1:
            return Not(operand())
        case 2:
            return Binary(*chain(draw, depth - 1, "+", "-"))
        case 3:
            return Binary(*chain(draw, depth - 1, "*", "/", "//", "%"))
        case 4:
            return Binary(operand(), (("**", operand()),))
        case 5:
            return Compare(*chain(draw, depth - 1, "<", "<=", ">", ">=", "==", "!="))
        case 6:
            return Connective(draw.choice(["and", "or"]), draw.some(operand, 2, 3))
        case 7:
            return Condition(operand(), operand(), operand())
        case 8:
            return Call(draw.choice(["min", "max"]), draw.some(operand, 2, 3))
        case _:
            return Call("floor", (operand(),))


def leaf(draw: Draw) -> Expression:
    match draw.randrange(5):
        case 0:
            return Constant(draw.whole(0, draw.choice([3, 300, 10**18])))
        case 1:
            return Constant(draw.choice([0.0, draw.random(), draw.uniform(0, 1e300)]))
        case 2:
            return Constant(draw.flag())
        case 3:
            return Constant("".join(draw.some(lambda: draw.choice("abc x'"), 0, 5)))
        case _:
            return Name(draw.choice(sorted(NAMES)))


@examples(200, tree=tree)
def test_a_tree_is_read_back_from_its_text(tree: Expression) -> None:
    text = tree.text()
    if len(text) <= MAX_LENGTH:
        again = parse(text)

        assert again == tree
        assert hash(again) == hash(tree)
        assert again.text() == text
        assert again.names == tree.names


@examples(200, tree=tree)
def test_a_tree_made_in_python_says_the_same_as_its_text(tree: Expression) -> None:
    text = tree.text()
    if len(text) > MAX_LENGTH:
        return

    def said(expression: Expression) -> tuple[str, Value]:
        try:
            value = expression.evaluate(NAMES)
        except ExpressionError as error:
            return error.code, re.sub(r"[()]", "", error.message)  # brackets are of the text
        return type(value).__name__, value

    made, written = said(tree), said(parse(text))

    assert made[0] == written[0]
    if not any("…" in str(value) for _, value in (made, written)):  # cut with brackets or without
        assert made == written


@examples(200, tree=tree, put=tree)
def test_what_stands_for_a_name_is_what_the_name_would_be(
    tree: Expression, put: Expression
) -> None:
    try:
        value = put.evaluate(NAMES)
        wanted = tree.evaluate({**NAMES, "width": value})
    except ExpressionError:
        return

    assert tree.replace({"width": put}).evaluate(NAMES) == wanted


@tabled(
    ("text", "written"),
    [
        ("4*width", "4*width"),
        (" ( 4 * (width) ) ", "4*width"),
        ("1-(2-3)-4", "1 - (2 - 3) - 4"),
        ("(1-2)-3", "(1 - 2) - 3"),
        ("2**-3**2", "2**-3**2"),
        ("(2**3)**2", "(2**3)**2"),
        ("-2**2", "-2**2"),
        ("(-2)**2", "(-2)**2"),
        ("not(a or b)and c", "not (a or b) and c"),
        ("not(not a)", "not not a"),
        ("a if b else c if d else e", "a if b else c if d else e"),
        ("(a if b else c)if d else e", "(a if b else c) if d else e"),
        ("max( 1,floor(in*se) )", "max(1, floor(in*se))"),
        ("\"it's\" == 'x'", "\"it's\" == 'x'"),
        ("1e-5 + 0010", "1e-05 + 10"),
    ],
)
def test_expressions_are_written_as_a_careful_person_writes_them(text: str, written: str) -> None:
    assert parse(text).text() == written
    assert parse(written) == parse(text)


def test_trees_are_equal_if_they_say_the_same() -> None:
    assert parse("4 * ( width )") == parse("4*width")
    assert parse("1") != parse("1.0")
    assert parse("true") != parse("1")
    assert len({parse("a+b"), parse("a + b"), parse("b+a")}) == 2
    assert constant(-3) == parse("-3")
    assert constant(-3).evaluate({}) == -3
    assert parse("4*width").replace({"width": parse("a+b")}) == parse("4*(a+b)")
    assert {type(each) for each in parse("-a + min(1, b)").walk()} == {
        Binary,
        Sign,
        Name,
        Call,
        Constant,
    }


# -------------------------------------------------------------------------------- limits


@pytest.mark.parametrize(
    ("opening", "closing"),
    [("(", ")"), ("-", ""), ("abs(", ")"), ("1**", ""), ("1 if wide else ", ""), ("1+(", ")")],
)
def test_nesting_is_bounded_by_count(opening: str, closing: str) -> None:
    deepest = 25 if opening == "1+(" else MAX_DEPTH  # there, two things are open at a time
    names = {"wide": False}
    text = opening * deepest + "0" + closing * deepest
    assert len(text) <= MAX_LENGTH
    parse(text).evaluate(names)
    error = refusal(opening * (deepest + 1) + "0" + closing * (deepest + 1), names)
    assert error.code == "CC103"


def test_chains_are_not_nested() -> None:
    assert evaluate("+".join("1" * 500), {}) == 500
    assert evaluate(" and ".join(["a"] * 150), {"a": True}) is True
    assert evaluate("1" + "<2>1" * 240, {}) is True


def test_the_deepest_expression_leaves_most_of_the_stack_alone() -> None:
    text = "t"
    for _ in range(MAX_DEPTH - 1):  # the last `or` takes one more
        text = f"({text}==t and t or t)"
    assert len(text) <= MAX_LENGTH
    program = (
        "import sys; from convcalc.spec.syntax import evaluate; sys.setrecursionlimit(320);"
        f"assert evaluate({text!r}, {{'t': True}}) is True"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_limits_hold_exactly() -> None:
    assert evaluate("1" + " " * (MAX_LENGTH - 1), {}) == 1
    assert refusal("1" + " " * MAX_LENGTH).code == "CC103"
    assert evaluate("2**59", {}) == 2**59
    assert evaluate("(-10)**18", {}) == MAX_INTEGER
    assert evaluate("0" * 900 + "1", {}) == 1


@tabled(
    "text",
    [
        "9**9**9**9**9",
        "2**(10**18)",
        "(10**18)**(10**18)",
        "1.0000001**(10**18)",
        "9" * 1000,
        "1e" + "9" * 990,
        "0." + "9" * 990 + "**999999",
        "(" * 1000,
        "-" * 1000,
        "not " * 250,
        "1 if " * 200,
        "a." * 500,
        " " * 1000,
        "x" + " " * 998 + "x",
        "'" * 999,
        "1" * 10_000_000,
        "f(" * 500,
        "min(" + "1," * 490 + "1)" + "**9" * 4,
    ],
)
def test_hostile_text_is_refused_at_once(text: str) -> None:
    with counted(50_000), contextlib.suppress(ExpressionError):
        evaluate(text, NAMES)


# ---------------------------------------------------------------------------- properties

FRAGMENTS = [
    *("1", "2.5", "0", "1e9", "width", "wide", "activation", "unknown", "'silu'", "true", "x3"),
    *("+", "-", "*", "/", "//", "%", "**", "<", "<=", "==", "!=", "and", "or", "not", "if", "else"),
    *("(", ")", ",", "min", "max", "ceil", "round", "divisible", "'", '"', ".", "[", "^", "×", " "),
]


def only_refuses(text: str) -> None:
    value = outcome(text, NAMES)
    if isinstance(value, ExpressionError):
        error = value
        assert error.code in {"CC103", "CC110", "CC111", "CC112"}
        assert 0 <= error.start <= error.end <= len(text)
        assert "\n" not in error.message
        assert len(error.message) < 400
    elif isinstance(value, int):
        assert abs(value) <= MAX_INTEGER
    elif isinstance(value, float):
        assert math.isfinite(value)
    else:
        assert isinstance(value, str)


@examples(300, text=lambda draw: draw.any_text(30))
def test_any_text_gives_a_value_or_an_expression_error(text: str) -> None:
    only_refuses(text)


@examples(
    300,
    tokens=lambda draw: draw.some(lambda: draw.choice(FRAGMENTS), 0, 40),
    gap=lambda draw: draw.choice(["", " "]),
)
def test_any_tokens_give_a_value_or_an_expression_error(tokens: Sequence[str], gap: str) -> None:
    only_refuses(gap.join(tokens))


class Unanswerable(Exception):  # noqa: N818 - nothing is wrong with the test
    """Python has an answer, or looks for one, that this language refuses to give."""


def within_bounds(value: object) -> object:
    if isinstance(value, complex) or (isinstance(value, float) and not math.isfinite(value)):
        raise Unanswerable
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        raise Unanswerable
    return value


def raised(base: float, exponent: float) -> object:
    if isinstance(base, int) and isinstance(exponent, int) and abs(base) > 1 and exponent > 64:
        raise Unanswerable  # Python would compute for minutes
    return base**exponent


def divided(left: float, right: float) -> float:
    quotient = left / right
    whole = isinstance(left, int) and isinstance(right, int) and left % right == 0
    return left // right if whole else quotient


class Instrument(ast.NodeTransformer):
    """Python's own tree, with bounds after every operation and division exact."""

    calls: Mapping[type[ast.operator], str] = {ast.Div: "divided", ast.Pow: "raised"}

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        name = self.calls.get(type(node.op))
        inner: ast.expr = node
        if name is not None:
            inner = ast.Call(ast.Name(name, ast.Load()), [node.left, node.right], [])
        return ast.Call(ast.Name("within_bounds", ast.Load()), [inner], [])


def by_python(text: str, names: Mapping[str, Value]) -> object:
    tree = ast.fix_missing_locations(Instrument().visit(ast.parse(text, mode="eval")))
    known: dict[str, object] = {
        **names,
        "true": True,
        "false": False,
        "ceil": lambda x: within_bounds(math.ceil(x)),
        "floor": lambda x: within_bounds(math.floor(x)),
        "round": lambda x: within_bounds(round(x)),
        "min": lambda *numbers: min(numbers),
        "within_bounds": within_bounds,
        "divided": divided,
        "raised": raised,
    }
    return within_bounds(eval(compile(tree, "test", "eval"), known))  # noqa: S307


OPERATORS = ["+", "-", "*", "/", "//", "%", "**"]
ORDERS = ["<", "<=", ">", ">=", "==", "!="]


class Texts:
    """Numbers and booleans, with parentheses here and there so that precedence matters."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.depth = 2

    def operand(self) -> str:
        """An operand of arithmetic, which never ends in `else …`: that swallows what follows."""
        draw = self.draw
        if not self.depth or draw.random() < 0.4:
            return draw.choice(
                [
                    *(str(draw.whole(0, 20)), str(draw.uniform(0, draw.choice([1, 1e6])))),
                    *("0.0", "a", "b", "c", "0", "1", "1e200"),
                ]
            )
        self.depth -= 1
        try:
            match draw.randrange(5):
                case 0:
                    return f"{draw.choice('-+')} {self.operand()}"
                case 1:
                    return f"{self.operand()} {draw.choice(OPERATORS)} {self.operand()}"
                case 2:
                    return f"( {self.number()} )"
                case 3:
                    called = draw.choice(["abs", "floor", "ceil", "round", "min"])
                    return f"{called} ( {self.number()} )"
                case _:
                    called = draw.choice(["min", "max"])
                    return f"{called} ( {self.number()} , {self.number()} )"
        finally:
            self.depth += 1

    def test(self) -> str:
        draw = self.draw
        match draw.randrange(4 if self.depth else 3):
            case 0:
                return draw.choice(["true", "false", "t", "f"])
            case 1:
                return f"{self.operand()} {draw.choice(ORDERS)} {self.operand()}"
            case 2:
                order, second = draw.choice(ORDERS), draw.choice(ORDERS)
                return f"{self.operand()} {order} {self.operand()} {second} {self.operand()}"
            case _:
                self.depth -= 1
                inner = self.boolean()
                self.depth += 1
                return f"( {inner} )"

    def boolean(self) -> str:
        match self.draw.randrange(5):
            case 0:
                return self.test()
            case 1:
                return f"not {self.test()}"
            case 2:
                return f"{self.test()} {self.draw.choice(['and', 'or'])} {self.test()}"
            case 3:
                return f"{self.test()} or {self.test()} and not {self.test()}"
            case _:
                return f"{self.test()} if {self.test()} else {self.test()}"

    def number(self) -> str:
        match self.draw.randrange(3):
            case 0:
                return self.operand()
            case 1:
                return f"{self.operand()} if {self.test()} else {self.operand()}"
            case _:
                first = f"{self.operand()} if {self.test()} or {self.test()}"
                return f"{first} else {self.operand()} if {self.test()} else {self.operand()}"


def agrees_with_python(text: str) -> None:
    names: Mapping[str, Value] = {"a": 3, "b": -2, "c": 0.1, "t": True, "f": False}
    expected: object = None
    try:
        expected = by_python(text, names)
    except (Unanswerable, ArithmeticError):
        refusal(text, names)
        return
    value = outcome(text, names)
    if isinstance(value, ExpressionError):  # Python's own limits are wider
        assert value.code == "CC103"
        assert "deep" in value.message or "long" in value.message
    else:
        assert value == expected
        assert type(value) is type(expected)


@examples(400, text=lambda draw: Texts(draw).number())
def test_numbers_agree_with_python(text: str) -> None:
    agrees_with_python(text)


@examples(400, text=lambda draw: Texts(draw).boolean())
def test_booleans_agree_with_python(text: str) -> None:
    agrees_with_python(text)


@examples(200, x=lambda draw: draw.number(-100, 300), n=lambda draw: draw.whole(1, 64))
def test_divisible_is_the_reference_implementation(x: float, n: int) -> None:
    def make_divisible(v: float, divisor: int, min_value: int | None = None) -> int:
        # torchvision/models/_utils.py, as published
        if min_value is None:
            min_value = divisor
        new_v = max(min_value, int(v + divisor / 2) // divisor * divisor)
        if new_v < 0.9 * v:
            new_v += divisor
        return new_v

    assert evaluate("divisible(x, n)", {"x": x, "n": n}) == make_divisible(x, n)


def test_start_up_imports_nothing_heavy() -> None:
    program = (
        "import sys, convcalc.spec.expressions;"
        "print([m for m in ('ast', 'dataclasses', 'decimal', 'fractions', 'tokenize', 'difflib')"
        " if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"


def test_the_cache_of_parses_is_bounded() -> None:
    from convcalc.spec import syntax as module

    for number in range(3000):
        parse(f"{number} + 1")
    assert module._parse.cache_info().currsize <= 1024


def test_the_incoming_tensor_is_read_by_one_name() -> None:
    expression = parse("2*incoming.channels - incoming")

    assert expression.names == {"incoming.channels", "incoming"}
    assert expression.evaluate({"incoming.channels": 32, "incoming": 1}) == 63
    assert parse(expression.text()) == expression
    assert expression.text() == "2*incoming.channels - incoming"


@pytest.mark.parametrize(
    "text",
    ["incoming. channels", "incoming .channels", "incoming.", "incoming.3", "a.b.c", "x.abs(1)"],
)
def test_a_dot_is_read_in_the_name_of_what_comes_in_alone(text: str) -> None:
    assert refusal(text, {"incoming": 1, "x": 1, "a": 1, "incoming.channels": 1}).code == "CC110"


@pytest.mark.parametrize("text", ["incoming.channels", "incoming.height", "incomming.channels"])
def test_what_cannot_be_read_of_it_is_named_whole(text: str) -> None:
    error = refusal(f"1 + {text}")

    assert (error.code, error.start, error.end) == ("CC111", 4, 4 + len(text))
