"""Expressions over arrays: the spec's arithmetic for many designs at once, to the last digit.

What NumPy gives is what `Expression.evaluate` gives for each design, because wherever the two could
part (numbers beyond 2^53 that meet fractions, results beyond bounds, a division by 0, powers), the
designs in doubt are worked out one by one, which also words what is wrong with them.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from convcalc.spec.expressions import (
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
)
from convcalc.spec.nodes import Value

EXACT = 2**53
"""Whole numbers below are floating-point numbers, too, and so is the next one."""
MOST = 0.999e18
"""Magnitude above which a whole number may be beyond the language's bounds."""
Doubt = Any
"""An array of booleans: which designs are to be worked out one by one; False for none."""


class DesignError(ExpressionError):
    """An expression that has no value for some design."""

    row: int = 0
    """The first such design, as a row of the arrays."""


class _OneByOneError(Exception):
    """What is not worked out over arrays."""


def evaluate(expression: Expression, columns: Mapping[str, Any], count: int) -> Any:
    """The values of an expression for `count` designs, as an array.

    `columns` has an array for each name, of int64, float64, bool or, of texts, objects. Raises
    `DesignError` for the first design that it has no value for.

    >>> from convcalc.spec.syntax import parse
    >>> evaluate(parse("a/2 + 1"), {"a": np.array([2, 3])}, 2)
    array([2. , 2.5])
    """
    try:
        values, doubt = _value(expression, columns)
    except _OneByOneError:
        values, doubt = None, np.True_
    doubt = np.broadcast_to(doubt, (count,))
    if values is not None and not doubt.any():
        return np.broadcast_to(values, (count,))
    rows = np.flatnonzero(doubt)
    given = [_of_row(expression, columns, int(row)) for row in rows]
    if values is None:
        return _column(given)
    whole = np.array(np.broadcast_to(values, (count,)))
    exact = _column(given)
    if exact.dtype != whole.dtype:
        both = [*whole.tolist(), *exact.tolist()]
        whole = whole.astype(_column(both).dtype)
    whole[rows] = exact
    return whole


def _of_row(expression: Expression, columns: Mapping[str, Any], row: int) -> Value:
    """The value for one design."""
    names = {name: _plain(columns[name][row]) for name in expression.names if name in columns}
    try:
        return expression.evaluate(names)
    except ExpressionError as error:
        raised = DesignError(
            error.code, error.message, error.help, error.start, error.end, error.right
        )
        raised.row = row
        raise raised from None


def _plain(value: Any) -> Value:
    plain: Value = value.item() if isinstance(value, np.generic) else value
    return plain


def _column(values: list[Value]) -> Any:
    """Values of Python as an array: of their own type, or of objects."""
    types = {type(value) for value in values}
    if types <= {bool} and types:
        return np.array(values, bool)
    if types <= {int, float} and bool not in types:
        if float not in types:
            return np.array(values, np.int64)
        if all(isinstance(value, float) or abs(value) <= EXACT for value in values):  # type: ignore[arg-type]  # numbers
            return np.array(values, np.float64)
    column = np.empty(len(values), object)
    column[:] = values
    return column


def column_of(values: list[Value]) -> Any:
    """Values of an axis as an array that `evaluate` takes."""
    return _column(values)


def _value(node: Expression, columns: Mapping[str, Any]) -> tuple[Any, Doubt]:
    handler = _HANDLERS.get(type(node))
    if handler is None:
        raise _OneByOneError
    value, doubt = handler(node, columns)
    return value, doubt


def _constant(node: Constant, columns: Mapping[str, Any]) -> tuple[Any, Doubt]:
    del columns
    if isinstance(node.value, str):
        text = np.empty((), object)
        text[()] = node.value
        return text, False
    return np.asarray(node.value), False


def _name(node: Name, columns: Mapping[str, Any]) -> tuple[Any, Doubt]:
    if node.name not in columns:
        raise _OneByOneError
    return columns[node.name], False


def _numbers(value: Any) -> Any:
    """An array of numbers; anything else is worked out one by one, which refuses it in words."""
    if value.dtype.kind not in "if":
        raise _OneByOneError
    return value


def _truths(value: Any) -> Any:
    if value.dtype.kind != "b":
        raise _OneByOneError
    return value


def _sign(node: Sign, columns: Mapping[str, Any]) -> tuple[Any, Doubt]:
    value, doubt = _value(node.operand, columns)
    value = _numbers(value)
    return (-value if node.sign == "-" else value), doubt


def _not(node: Not, columns: Mapping[str, Any]) -> tuple[Any, Doubt]:
    value, doubt = _value(node.operand, columns)
    return ~_truths(value), doubt


def _large(value: Any) -> Doubt:
    """Where a whole number is no floating-point number for sure."""
    return False if value.dtype.kind == "f" else _beyond(value)


def _beyond(value: Any) -> Doubt:
    """Where a number is too large for whole ones and fractions to be told apart by nothing."""
    return (value >= EXACT) | (value <= -EXACT)


def _binary(node: Binary, columns: Mapping[str, Any]) -> tuple[Any, Doubt]:
    value, doubt = _value(node.first, columns)
    value = _numbers(value)
    with np.errstate(all="ignore"):
        for symbol, operand in node.rest:
            right, other = _value(operand, columns)
            value, more = _OPERATIONS.get(symbol, _refused)(value, _numbers(right), symbol)
            doubt = doubt | other | more
    return value, doubt


def _refused(left: Any, right: Any, symbol: str) -> tuple[Any, Doubt]:
    del left, right, symbol
    raise _OneByOneError


def _added(left: Any, right: Any, symbol: str) -> tuple[Any, Doubt]:
    """Sums, differences and products."""
    operation = {"+": np.add, "-": np.subtract, "*": np.multiply}[symbol]
    value = operation(left, right)
    if value.dtype.kind == "f":  # which may stand for a whole number, a quotient without rest
        return value, ~(np.abs(value) < EXACT) | _beyond(left) | _beyond(right)
    return value, np.abs(operation(left.astype(np.float64), right.astype(np.float64))) > MOST


def _divided(left: Any, right: Any, symbol: str) -> tuple[Any, Doubt]:
    """Quotients, which are whole where both numbers are and one divides the other."""
    del symbol
    value = np.true_divide(left, right)
    doubt = (right == 0) | ~np.isfinite(value)
    if left.dtype.kind == right.dtype.kind == "i":
        doubt = doubt | _large(left) | _large(right)
    return value, doubt


def _whole_quotient(left: Any, right: Any, symbol: str) -> tuple[Any, Doubt]:
    """Whole parts and remainders, of whole numbers alone."""
    if left.dtype.kind == "f" or right.dtype.kind == "f":
        raise _OneByOneError
    by = np.where(right == 0, 1, right)
    return (left // by if symbol == "//" else left % by), right == 0


_OPERATIONS: Mapping[str, Callable[[Any, Any, str], tuple[Any, Doubt]]] = {
    "+": _added,
    "-": _added,
    "*": _added,
    "/": _divided,
    "//": _whole_quotient,
    "%": _whole_quotient,
}
_COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}


def _compare(node: Compare, columns: Mapping[str, Any]) -> tuple[Any, Doubt]:
    left, doubt = _value(node.first, columns)
    holds: Any = np.True_
    for symbol, operand in node.rest:
        right, other = _value(operand, columns)
        kinds = {left.dtype.kind, right.dtype.kind}
        if not (kinds <= {"i", "f"} or (symbol in ("==", "!=") and len(kinds) == 1)):
            raise _OneByOneError
        if "O" in kinds and not (_all_text(left) and _all_text(right)):
            raise _OneByOneError  # `true == 1` is refused, which Python has hold
        more = other
        if kinds == {"i", "f"}:
            more = more | _large(left) | _large(right)
        doubt = doubt | (holds & more)  # what follows a false comparison is not asked
        holds = holds & _COMPARISONS[symbol](left, right).astype(bool)
        left = right
    return holds, doubt


def _all_text(value: Any) -> bool:
    """Whether an array of objects has texts alone."""
    return all(type(each) is str for each in value.flat)


def _connective(node: Connective, columns: Mapping[str, Any]) -> tuple[Any, Doubt]:
    every = node.word == "and"
    value: Any = np.asarray(every)
    doubt: Doubt = False
    for operand in node.operands:
        right, other = _value(operand, columns)
        right = _truths(right)
        asked = value if every else ~value
        doubt = doubt | (asked & other)
        value = value & right if every else value | right
    return value, doubt


def _condition(node: Condition, columns: Mapping[str, Any]) -> tuple[Any, Doubt]:
    chosen, doubt = _value(node.condition, columns)
    chosen = _truths(chosen)
    then, of_then = _value(node.then, columns)
    otherwise, of_otherwise = _value(node.otherwise, columns)
    kinds = {then.dtype.kind, otherwise.dtype.kind}
    if kinds == {"i", "f"}:  # numbers of one type, whichever of them these designs take
        of_then, of_otherwise = of_then | _large(then), of_otherwise | _large(otherwise)
    elif len(kinds) > 1:
        then, otherwise = then.astype(object), otherwise.astype(object)
    return (
        np.where(chosen, then, otherwise),
        doubt | (chosen & of_then) | (~chosen & of_otherwise),
    )


def _call(node: Call, columns: Mapping[str, Any]) -> tuple[Any, Doubt]:
    arguments = [_value(each, columns) for each in node.arguments]
    values = [_numbers(value) for value, _ in arguments]
    doubt: Doubt = False
    for _, each in arguments:
        doubt = doubt | each
    with np.errstate(all="ignore"):
        value, more = _FUNCTIONS[node.function](values)
    return value, doubt | more


def _extreme(smallest: bool) -> Callable[[list[Any]], tuple[Any, Doubt]]:  # noqa: FBT001 (min or max)
    def chosen(values: list[Any]) -> tuple[Any, Doubt]:
        mixed = len({value.dtype.kind for value in values}) > 1
        value, doubt = values[0], False
        for each in values:
            value = np.minimum(value, each) if smallest else np.maximum(value, each)
            doubt = doubt | _large(each) if mixed else doubt
        return value, doubt

    return chosen


def _rounded(by: Callable[[Any], Any]) -> Callable[[list[Any]], tuple[Any, Doubt]]:
    def whole(values: list[Any]) -> tuple[Any, Doubt]:
        (value,) = values
        if value.dtype.kind == "i":
            return value, False
        doubt = np.abs(value) > EXACT
        return by(np.where(doubt, 0, value)).astype(np.int64), doubt

    return whole


def _magnitude(values: list[Any]) -> tuple[Any, Doubt]:
    return np.abs(values[0]), False


def _divisible(values: list[Any]) -> tuple[Any, Doubt]:
    """MobileNet's channel rule, as `expressions` has it."""
    x, given = values
    doubt = (given < 1) | (given != np.floor(given)) | (np.abs(x) > EXACT) | (given > EXACT)
    n = np.where(doubt, 1, given).astype(np.int64)
    x = np.where(doubt, 0, x)
    multiple = np.maximum(n, np.trunc(x + n / 2).astype(np.int64) // n * n)
    return np.where(multiple < 0.9 * x, multiple + n, multiple), doubt


_FUNCTIONS: Mapping[str, Callable[[list[Any]], tuple[Any, Doubt]]] = {
    "min": _extreme(True),
    "max": _extreme(False),
    "ceil": _rounded(np.ceil),
    "floor": _rounded(np.floor),
    "round": _rounded(np.rint),
    "abs": _magnitude,
    "divisible": _divisible,
}
_HANDLERS: Mapping[type, Callable[[Any, Mapping[str, Any]], tuple[Any, Doubt]]] = {
    Constant: _constant,
    Name: _name,
    Sign: _sign,
    Not: _not,
    Binary: _binary,
    Compare: _compare,
    Connective: _connective,
    Condition: _condition,
    Call: _call,
}
