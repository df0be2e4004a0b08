"""Expressions over arrays are, to the last digit, what they are design by design."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convcalc.spec.expressions import Expression, ExpressionError
from convcalc.spec.syntax import parse, parse_measures
from convcalc.sweeps.arrays import DesignError, evaluate
from convcalc.sweeps.where import amount_of

INTEGERS = [0, 1, -1, 2, 3, 7, -8, 96, 2**53, 2**53 + 1, 10**9, 10**17, 999_999_999_999_999_999]
FLOATS = [0.0, -0.5, 0.1, 0.3, 1.0, 2.5, 1e-3, 1e15, 9007199254740993.0, 1e300]
COLUMNS: dict[str, Any] = {
    "i": np.array([INTEGERS[at % len(INTEGERS)] for at in range(130)]),
    "j": np.array([INTEGERS[at // 10] for at in range(130)]),
    "f": np.array([FLOATS[at % len(FLOATS)] for at in range(130)]),
    "b": np.array([at % 2 == 0 for at in range(130)]),
    "t": np.array([["same", "valid"][at % 2] for at in range(130)], object),
}
LEAVES = ["i", "j", "f", "2", "0.5", "0", "3"]


def numbers(inner: Any) -> Any:
    pairs = st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//", "%"]), inner)
    return (
        pairs.map(lambda each: f"({each[0]} {each[1]} {each[2]})")
        | inner.map(lambda each: f"-({each})")
        | st.tuples(st.sampled_from(["floor", "ceil", "round", "abs"]), inner).map(
            lambda each: f"{each[0]}({each[1]})"
        )
        | st.tuples(st.sampled_from(["min", "max", "divisible"]), inner, inner).map(
            lambda each: f"{each[0]}({each[1]}, {each[2]})"
        )
        | st.tuples(inner, inner, inner).map(
            lambda each: f"({each[0]} if {each[1]} > {each[2]} else 1)"
        )
    )


TREES = st.recursive(st.sampled_from(LEAVES), numbers, max_leaves=5)
CONDITIONS = st.tuples(
    TREES, st.sampled_from(["<", "<=", "==", "!=", ">"]), TREES, st.sampled_from(["and", "or"])
).map(lambda each: f"{each[0]} {each[1]} {each[2]} {each[3]} not b")


@settings(max_examples=60, deadline=None)
@given(TREES | CONDITIONS)
def test_each_row_is_what_it_is_by_itself(text: str) -> None:
    try:
        expression = parse(text)
    except ExpressionError:
        return
    given_names = [
        {
            name: column[row].item() if hasattr(column[row], "item") else column[row]
            for name, column in COLUMNS.items()
        }
        for row in range(130)
    ]
    each = [by_itself(expression, names) for names in given_names]
    wrong = [(row, value) for row, value in enumerate(each) if isinstance(value, ExpressionError)]
    if not wrong:
        assert evaluate(expression, COLUMNS, 130).tolist() == each
        return
    row, error = wrong[0]
    with pytest.raises(DesignError) as raised:
        evaluate(expression, COLUMNS, 130)
    assert (raised.value.row, raised.value.message) == (row, error.message)


def by_itself(expression: Expression, names: Any) -> Any:
    """The value for one design, or what is wrong with it."""
    try:
        return expression.evaluate(names)
    except ExpressionError as error:
        return error


@pytest.mark.parametrize(
    "text",
    [
        *("t == 'same'", "t != 'same' and i < 3", "b", "not b", "i**2 < 9", "t == 1", "b == b"),
        *("i if b else t", "b if i > 1 else i", "(b if i > 1 else t) == b", "f if b else i"),
    ],
)
def test_words_and_truths_are_compared_too(text: str) -> None:
    few = {name: column[:8] for name, column in COLUMNS.items()}
    names = [
        {name: column[row] if name == "t" else column[row].item() for name, column in few.items()}
        for row in range(8)
    ]
    expression = parse(text)

    assert evaluate(expression, few, 8).tolist() == [expression.evaluate(each) for each in names]


def test_a_boolean_is_no_number_among_values_of_both_either() -> None:
    """`true == 1` is refused in every design by itself, where Python has it hold."""
    columns = {"m": np.array([True, 3], object), "n": np.array([1, 3], object)}
    with pytest.raises(DesignError, match="compares a boolean with a number: true == 1"):
        evaluate(parse("m == n"), columns, 2)


def test_what_mixes_numbers_has_one_type_whichever_are_taken() -> None:
    for rows in (slice(0, 3), slice(3, 5), slice(0, 5)):
        i = np.array([1, 2, 3, 100, 200])[rows]
        assert evaluate(parse("i if i < 9 else 0.5"), {"i": i}, len(i)).dtype == np.float64
        assert evaluate(parse("i if i < 9 else i > 5"), {"i": i}, len(i)).dtype == object


def test_measures_have_units_and_dots() -> None:
    tree = parse_measures("memory < 1.5GiB and output.a1.b.height >= 5M or x.y < 2*3K", amount_of)

    assert tree.names == {"memory", "output.a1.b.height", "x.y"}
    values = {"memory": 1610612735, "output.a1.b.height": 5_000_000, "x.y": 6000}
    assert tree.evaluate(values) is True
    assert tree.evaluate({**values, "memory": 1610612736}) is False


@pytest.mark.parametrize(
    "text", ["memory < 5Q", "memory < 5 M", "a. b < 1", "a .b < 1", "a..b < 1"]
)
def test_what_is_no_unit_and_no_name_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_measures(text, amount_of)
    with pytest.raises(ExpressionError):
        parse("memory < 5M")  # a spec's own arithmetic has none
