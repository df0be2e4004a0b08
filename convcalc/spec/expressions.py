"""The arithmetic of the spec: `4*width`, `divisible(32*alpha, 8)`, `stride > 1 or project`.

An expression is an immutable tree that is evaluated with the parameters' values; `syntax.py` makes
one of a text, and `text()` writes it back. The language is a subset of Python's expressions with
Python's precedence and, save for three rules, Python's results:

- `/` of two integers is an integer where it divides and a float where it does not;
- `and`, `or`, `not` and conditions take booleans only, and arithmetic takes numbers only;
- integers stay within ±10**18 and floats stay finite.

Texts come from anybody's file, so length, nesting and sizes are bounded before work is done.
"""

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, final

from convcalc.diagnostics import closest, misspelt
from convcalc.spec.nodes import INCOMING, MAX_INTEGER, Value

MAX_LENGTH = 1000
"""Characters in one expression."""
MAX_DEPTH = 50
"""Parentheses, calls, signs and right-hand operands that may be open at one place."""

Names = Mapping[str, Value]
NOT_NUMBERS = (bool, str)  # bool first of all is an int to Python
LIMIT, SYNTAX, UNKNOWN_NAME, ARITHMETIC = "CC103", "CC110", "CC111", "CC112"

COMPARISONS: dict[str, Callable[..., bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
BINDING = {"if": 0, "or": 1, "and": 2, "+": 5, "-": 5, "**": 8}
"""How tightly what stands between two operands binds."""
BINDING.update(dict.fromkeys(COMPARISONS, 4))
BINDING.update(dict.fromkeys(("*", "/", "//", "%"), 6))
NOT, SIGN, ATOM = 3, 7, 9
"""The same of `not`, of a sign, and of what is no operation."""


class ExpressionError(Exception):
    """What is wrong with an expression, and which of its characters are at fault."""

    def __init__(
        self,
        code: str,
        message: str,
        advice: str | None,
        start: int,
        end: int,
        right: str | None = None,
    ) -> None:
        # All arguments go to Exception, so that pickling restores the error.
        super().__init__(code, message, advice, start, end, right)
        self.code = code
        """CC103 beyond a limit, CC110 syntax, CC111 unknown name, CC112 arithmetic."""
        self.message = message
        self.help = advice
        """What to do."""
        self.start = start
        """Offset in characters of the offending part."""
        self.end = end
        """Offset behind it; equal to `start` where something is missing."""
        self.right = right
        """The name that can only be meant, where one is misspelt."""

    def __str__(self) -> str:
        return self.message


class IncomingError(ExpressionError):
    """An expression that reads the incoming tensor, where none is known."""


# ---------------------------------------------------------------------------- arithmetic


class CalculationError(ArithmeticError):
    """A calculation that has no result, before anybody knows where it was written."""

    def __init__(self, code: str, what: str, advice: str | None) -> None:
        super().__init__(what)
        self.code = code
        self.what = what
        self.advice = advice


def too_large() -> CalculationError:
    """An integer beyond the bounds."""
    return CalculationError(LIMIT, "is beyond ±10**18", "keep integers between -10**18 and 10**18")


def bounded(value: float) -> int | float:
    """The result of a calculation, within the bounds; raises `ArithmeticError`."""
    if isinstance(value, int):
        if -MAX_INTEGER <= value <= MAX_INTEGER:
            return value
        raise too_large()
    if math.isfinite(value):
        return value
    raise OverflowError


def _divide(left: float, right: float) -> int | float:
    if isinstance(left, int) and isinstance(right, int) and left % right == 0:
        return left // right
    return left / right


def _power(base: float, exponent: float) -> int | float:
    if isinstance(base, int) and isinstance(exponent, int):
        # |base| is at least 2**(bits - 1), and 2**60 > 10**18: known before computing.
        if exponent > 0 and (abs(base).bit_length() - 1) * exponent >= 60:
            raise too_large()
    elif base < 0 and exponent != math.floor(exponent):
        what = "is not a real number"
        raise CalculationError(ARITHMETIC, what, "raise a negative number to whole powers only")
    if base == 0 and exponent < 0:
        what = "raises zero to a negative power"
        raise CalculationError(ARITHMETIC, what, "keep the base or the exponent above 0")
    result: int | float = base**exponent
    return result


def _divisible(x: float, n: float) -> int:
    # MobileNet v2 (arXiv:1801.04381), reference implementation: `_make_divisible` in
    # tensorflow/models, research/slim/nets/mobilenet; torchvision has the same in
    # torchvision/models/_utils.py, both with their min_value left at the divisor.
    if n < 1 or n != math.floor(n):
        advice = "give a whole number of at least 1, such as 8, as second argument"
        raise CalculationError(ARITHMETIC, f"rounds to multiples of {_shown(n)}", advice)
    n = int(n)
    multiple = max(n, int(x + n / 2) // n * n)
    return multiple + n if multiple < 0.9 * x else multiple


def _smallest(*numbers: float) -> int | float:
    return min(numbers)


def _largest(*numbers: float) -> int | float:
    return max(numbers)


# Name: signature, documentation, implementation, fewest and most arguments.
CALLABLE: dict[str, tuple[str, str, Callable[..., int | float], int, int]] = {
    "min": ("min(a, …)", "The smallest of one or more numbers.", _smallest, 1, MAX_LENGTH),
    "max": ("max(a, …)", "The largest of one or more numbers.", _largest, 1, MAX_LENGTH),
    "ceil": ("ceil(x)", "The smallest integer that is not below x.", math.ceil, 1, 1),
    "floor": ("floor(x)", "The largest integer that is not above x.", math.floor, 1, 1),
    "round": (
        "round(x)",
        "The integer nearest to x; a half goes to the even one, as Python rounds: round(2.5) is 2.",
        round,
        1,
        1,
    ),
    "abs": ("abs(x)", "The magnitude of x.", abs, 1, 1),
    "divisible": (
        "divisible(x, n)",
        "The multiple of n nearest to x, never below n nor below 0.9·x: MobileNet's channel rule.",
        _divisible,
        2,
        2,
    ),
}

FUNCTIONS: Mapping[str, tuple[str, str]] = {name: row[:2] for name, row in CALLABLE.items()}
"""Every function: its signature and one line of documentation."""

_OPERATIONS: dict[str, Callable[..., int | float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": _power,
}


# ------------------------------------------------------------------------------ messages


def clipped(text: str) -> str:
    """Source text for a message: on one line, and short."""
    text = " ".join(text.split())
    if len(text) > 60:
        text = f"{text[:40]}…{text[-19:]}"
    return "".join(char if char.isprintable() else f"<U+{ord(char):04X}>" for char in text)


def _shown(value: object) -> str:
    """A value as one would write it in an expression."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) >= 10**40:  # int to text is quadratic, then refused
        return f"an integer of some {int(value.bit_length() * math.log10(2)) + 1:,} digits"
    if isinstance(value, str):
        return f"'{clipped(value)}'"
    return str(value) if isinstance(value, int | float) else f"a {type(value).__name__}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(clipped(str(name)) for name in names[:10]) + more


def _not_a_number(node: "Expression", value: Value, taker: str) -> ExpressionError:
    if isinstance(value, bool):
        kind, advice = "a boolean", f"write `(1 if {node} else 0)` to calculate with it"
    else:
        kind, advice = "text", "compare text with == and != only"
    message = f"{node.described(value, kind)}, where `{taker}` takes numbers"
    return ExpressionError(ARITHMETIC, message, advice, node.start, node.end)


def _not_a_boolean(node: "Expression", value: Value, taker: str) -> ExpressionError:
    if isinstance(value, str):
        kind, advice = "text", f"write `{node} == '…'` to compare it"
    else:
        kind, advice = "a number", f"write `{node} > 0`"
    message = f"{node.described(value, kind)}, where `{taker}` takes true or false"
    return ExpressionError(ARITHMETIC, message, advice, node.start, node.end)


def no_result(
    error: ArithmeticError, written: str, calculation: str, start: int, end: int
) -> ExpressionError:
    """A calculation without a result, as it was written and with its numbers."""
    code, advice = ARITHMETIC, None
    if isinstance(error, CalculationError):
        code, what, advice = error.code, error.what, error.advice
    elif isinstance(error, ZeroDivisionError):
        what, advice = "divides by zero", "keep the divisor from being 0"
    else:
        what, advice = "is beyond the range of floats", "keep results below 1.8e308"
    written = clipped(written)
    same = written.replace(" ", "") == calculation.replace(" ", "")
    message = f"`{written}` {what}" if same else f"`{written}` {what}: {calculation}"
    return ExpressionError(code, message, advice, start, end)


def _unknown_name(name: str, names: Names, start: int, end: int) -> ExpressionError:
    if name in INCOMING and "incoming.channels" in names:
        return _no_such_axis(name, names, start, end)
    if name in INCOMING:
        message = f"`{name}` is not known here: the graph is written out before any shape is known"
        advice = "write a number, or read it in a field of a layer"
        return IncomingError(UNKNOWN_NAME, message, advice, start, end)
    if "." in name:
        return _no_such_reading(name, start, end)
    known, right = list(names), None
    near = closest(name, [*known, "true", "false"])
    if name == "incoming":
        advice = f"write {' or '.join(f'`{each}`' for each in INCOMING)}"
    elif name in FUNCTIONS:
        advice = f"it is a function: write {FUNCTIONS[name][0]}"
    elif near is not None:
        advice, right = f"did you mean `{near}`?", misspelt(name, [*known, "true", "false"])
    elif known:
        advice = f"known names: {_listed(known)}; text stands in quotes: '{clipped(name)}'"
    else:
        advice = f"declare it under `parameters:`; text stands in quotes: '{clipped(name)}'"
    message = f"`{clipped(name)}` is not a known name"
    return ExpressionError(UNKNOWN_NAME, message, advice, start, end, right)


def _no_such_reading(name: str, start: int, end: int) -> ExpressionError:
    """The error of what cannot be read of an incoming tensor, which may be called otherwise."""
    from convcalc.spec.vocabulary import READINGS

    owner, _, word = name.partition(".")
    near, right = closest(name, INCOMING), misspelt(name, INCOMING)
    if owner == "incoming":  # whose letters are not compared: all have them
        known = [each.partition(".")[2] for each in INCOMING]
        meant = READINGS.get(word.lower())
        near, right = (
            each and f"incoming.{each}"
            for each in (meant or closest(word, known), meant or misspelt(word, known))
        )
    message = f"`{clipped(name)}` is not a known name"
    advice = f"did you mean `{near}`?" if near else f"what can be read is {_listed([*INCOMING])}"
    if owner == "incoming" and word.lower() in READINGS:
        advice = f"it is called `{near}` here"
    return ExpressionError(UNKNOWN_NAME, message, advice, start, end, right)


def _no_such_axis(name: str, names: Names, start: int, end: int) -> ExpressionError:
    """The error of an extent that the incoming tensor does not have, which has others."""
    there = {each: names[each] for each in INCOMING if each in names}
    channels = there.pop("incoming.channels")
    extents = [f"{each.partition('.')[2]} {size}" for each, size in there.items()]
    what = f"of {' and '.join(extents)}" if extents else "without positions"
    message = f"`{name}` is not there: what comes in is a map {what}, with {channels} channels"
    if not extents:
        message = f"`{name}` is not there: what comes in is a vector of {channels}"
    known = [*there, "incoming.channels"]
    advice = f"what can be read of it is {_listed(known)}"
    return ExpressionError(UNKNOWN_NAME, message, advice, start, end)


# ------------------------------------------------------------------------------- meaning


class Expression:
    """A part of an expression, or a whole one: an immutable tree, made by `parse` or in Python.

    Expressions are equal if they say the same, wherever they were written.
    """

    __slots__ = ("_names", "at", "end", "source", "start")
    parts: ClassVar[tuple[str, ...]] = ()
    """Names of the attributes that say what it is."""

    source: str | None
    """The text that it was read from, which messages quote; None if it was made in Python."""
    at: tuple[int, int]
    """Where it stands there: offsets of its first character and behind its last one."""
    start: int
    """Offset of its first character, brackets around it included."""
    end: int
    """Offset behind its last one."""

    def __init__(self) -> None:
        self.source, self.at, self.start, self.end = None, (0, 0), 0, 0
        self._names: frozenset[str] | None = None

    @property
    def binding(self) -> int:
        """How tightly its operator binds."""
        return ATOM

    def evaluate(self, names: Names) -> Value:
        """The value with these values for the names; raises `ExpressionError`."""
        raise NotImplementedError

    def text(self) -> str:
        """The expression as one would write it; `parse` makes the same tree of it."""
        raise NotImplementedError

    def replace(self, expressions: "Mapping[str, Expression]") -> "Expression":
        """The expression with others in place of names."""
        if not self.names & expressions.keys():
            return self
        return type(self)(*(_replaced(part, expressions) for part in self._said()))

    @property
    def names(self) -> frozenset[str]:
        """Every name it mentions, also where evaluation may not come by."""
        if self._names is None:
            self._names = frozenset(each.name for each in self.walk() if isinstance(each, Name))
        return self._names

    def walk(self) -> "Iterator[Expression]":
        """Itself and all expressions in it."""
        left: list[Any] = [self]
        while left:
            part = left.pop()
            if isinstance(part, Expression):
                yield part
                left.extend(part._said())  # noqa: SLF001 (one of its own)
            elif isinstance(part, tuple):
                left.extend(part)

    def _said(self) -> tuple[Any, ...]:
        return tuple(getattr(self, part) for part in self.parts)

    def __eq__(self, other: object) -> bool:
        return (
            type(self) is type(other)
            and isinstance(other, Expression)
            and _typed(self._said()) == _typed(other._said())
        )

    def __hash__(self) -> int:
        return hash((type(self), self._said()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self._said()))})"

    def __str__(self) -> str:
        """The part of its source, for a message."""
        return clipped(self.source[self.start : self.end] if self.source else self.text())

    def described(self, value: Value, kind: str) -> str:
        """`width` is 64, a number; less of it where the number is what was written."""
        source, shown = str(self), _shown(value)
        literal = source.strip("'\"") == shown.strip("'")
        return f"`{source}` is {kind}" if literal else f"`{source}` is {shown}, {kind}"

    def number(self, names: Names, taker: str) -> int | float:
        """Its value, which `taker` wants to be a number."""
        value = self.evaluate(names)
        if isinstance(value, NOT_NUMBERS):
            raise _not_a_number(self, value, taker)
        return value

    def truth(self, names: Names, taker: str) -> bool:
        """Its value, which `taker` wants to be true or false."""
        value = self.evaluate(names)
        if isinstance(value, bool):
            return value
        raise _not_a_boolean(self, value, taker)


def _typed(said: tuple[Any, ...]) -> list[Any]:
    """Parts to compare: 1, 1.0 and true say different things."""
    return [(type(part), part) for part in said]


def _replaced(part: Any, expressions: "Mapping[str, Expression]") -> Any:
    if isinstance(part, Expression):
        return part.replace(expressions)
    if isinstance(part, tuple):
        return tuple(_replaced(each, expressions) for each in part)
    return part


def _within(part: Expression, binding: int) -> str:
    """The text of a part, in brackets unless it binds more tightly."""
    return part.text() if part.binding > binding else f"({part.text()})"


@final
class Constant(Expression):
    """A number that is not negative, true, false or text."""

    __slots__ = ("value",)
    parts = ("value",)

    def __init__(self, value: Value) -> None:
        super().__init__()
        self.value = value

    def evaluate(self, names: Names) -> Value:  # noqa: ARG002 (it is what it is)
        """What it is."""
        return self.value

    def text(self) -> str:
        """The number, the word or the text in quotes."""
        if isinstance(self.value, str):
            quote = '"' if "'" in self.value else "'"
            return f"{quote}{self.value}{quote}"
        return _shown(self.value)


def constant(value: Value) -> Expression:
    """The expression of a value, a negative number with its sign."""
    if isinstance(value, bool | str) or value >= 0:
        return Constant(value)
    return Sign("-", Constant(-value))


@final
class Name(Expression):
    """A name that stands for a value."""

    __slots__ = ("name",)
    parts = ("name",)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self._names = frozenset((name,))

    def evaluate(self, names: Names) -> Value:
        """The value of the name, held to the bounds that results are held to."""
        try:
            value = names[self.name]
        except KeyError:
            raise _unknown_name(self.name, names, *self.at) from None
        kind = type(value)
        if kind is bool or kind is str or (kind is int and -MAX_INTEGER <= value <= MAX_INTEGER):  # type: ignore[operator]
            return value
        return _admitted(value, self.name, *self.at)

    def text(self) -> str:
        """The name."""
        return self.name

    def replace(self, expressions: Mapping[str, Expression]) -> Expression:
        """What stands for the name."""
        return expressions.get(self.name, self)


def _admitted(value: object, name: str, start: int, end: int) -> Value:
    """A parameter's value, held to the bounds that results are held to."""
    if isinstance(value, str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    message, advice = f"`{clipped(name)}` is {_shown(value)}", "use a finite number here"
    if isinstance(value, int):
        if -MAX_INTEGER <= value <= MAX_INTEGER:
            return value
        fault = too_large()
        message = f"`{clipped(name)}` {fault.what}: {_shown(value)}"
        raise ExpressionError(fault.code, message, fault.advice, start, end)
    if not isinstance(value, float):
        advice = "use a number, true, false or text here"
    raise ExpressionError(ARITHMETIC, message, advice, start, end)


@final
class Sign(Expression):
    """`-x` or `+x`."""

    __slots__ = ("operand", "sign")
    parts = ("sign", "operand")

    def __init__(self, sign: str, operand: Expression) -> None:
        super().__init__()
        self.sign, self.operand = sign, operand

    @property
    def binding(self) -> int:
        """How tightly it binds."""
        return SIGN

    def evaluate(self, names: Names) -> Value:
        """The number, or its negative."""
        value = self.operand.number(names, self.sign)
        return -value if self.sign == "-" else value

    def text(self) -> str:
        """The sign and what it is of."""
        return f"{self.sign}{_within(self.operand, SIGN - 1)}"


@final
class Not(Expression):
    """`not x`."""

    __slots__ = ("operand",)
    parts = ("operand",)

    def __init__(self, operand: Expression) -> None:
        super().__init__()
        self.operand = operand

    @property
    def binding(self) -> int:
        """How tightly it binds."""
        return NOT

    def evaluate(self, names: Names) -> Value:
        """The opposite of a boolean."""
        return not self.operand.truth(names, "not")

    def text(self) -> str:
        """The word and what it is of."""
        return f"not {_within(self.operand, NOT - 1)}"


Chain = tuple[tuple[str, Expression], ...]
"""Operators that bind alike, and the operands behind them."""


def _chain_text(first: Expression, rest: Chain, binding: int) -> str:
    power = binding == BINDING["**"]
    text = _within(first, binding)
    for symbol, operand in rest:
        # ** takes its right side first, and a sign there: 2**-3**2.
        right = _within(operand, SIGN - 1 if power else binding)
        text += f"{symbol}{right}" if power or symbol in "*/" else f" {symbol} {right}"
    return text


@final
class Binary(Expression):
    """`a + b - c`, in one flat chain, so that long sums are not deep."""

    __slots__ = ("_steps", "first", "rest")
    parts = ("first", "rest")

    def __init__(self, first: Expression, rest: Chain) -> None:
        super().__init__()
        self.first, self.rest = first, rest
        self._steps = tuple((symbol, _OPERATIONS[symbol], operand) for symbol, operand in rest)

    @property
    def binding(self) -> int:
        """How tightly it binds."""
        return BINDING[self.rest[0][0]]

    def evaluate(self, names: Names) -> Value:
        """The number that it comes to, from the left."""
        value = self.first.evaluate(names)
        if isinstance(value, NOT_NUMBERS):
            raise _not_a_number(self.first, value, self.rest[0][0])
        for symbol, operation, operand in self._steps:
            right = operand.evaluate(names)
            if isinstance(right, NOT_NUMBERS):
                raise _not_a_number(operand, right, symbol)
            try:
                value = bounded(operation(value, right))
            except ArithmeticError as error:
                left = f"({_shown(value)})" if symbol == "**" and value < 0 else _shown(value)
                calculation = f"{left} {symbol} {_shown(right)}"
                start, end = self.first.start, operand.end
                raise no_result(error, self._quoted(operand), calculation, start, end) from None
        return value

    def _quoted(self, last: Expression) -> str:
        """What was written from the first operand to this one."""
        if self.source is not None:
            return self.source[self.first.start : last.end]
        until = next(i for i, (_, operand) in enumerate(self.rest) if operand is last)
        return _chain_text(self.first, self.rest[: until + 1], self.binding)

    def text(self) -> str:
        """The operands with their operators."""
        return _chain_text(self.first, self.rest, self.binding)


@final
class Compare(Expression):
    """`1 < x <= 3`; as in Python, what follows a false comparison is not evaluated."""

    __slots__ = ("first", "rest")
    parts = ("first", "rest")

    def __init__(self, first: Expression, rest: Chain) -> None:
        super().__init__()
        self.first, self.rest = first, rest

    @property
    def binding(self) -> int:
        """How tightly it binds."""
        return BINDING["<"]

    def evaluate(self, names: Names) -> Value:
        """Whether every comparison holds."""
        left_node, left = self.first, self.first.evaluate(names)
        for symbol, node in self.rest:
            right = node.evaluate(names)
            if isinstance(left, NOT_NUMBERS) or isinstance(right, NOT_NUMBERS):
                _check_comparable(left_node, left, symbol, node, right)
            if not COMPARISONS[symbol](left, right):
                return False
            left_node, left = node, right
        return True

    def text(self) -> str:
        """The operands with their comparisons."""
        return _chain_text(self.first, self.rest, self.binding)


def _check_comparable(
    left_node: "Expression", left: Value, symbol: str, right_node: "Expression", right: Value
) -> None:
    if symbol not in {"==", "!="}:
        for node, value in ((left_node, left), (right_node, right)):
            if isinstance(value, NOT_NUMBERS):
                raise _not_a_number(node, value, symbol)
    # Text may well be compared with a number: `padding == 'same'` where padding is 1. A boolean
    # with a number is a slip that Python would answer with true for 1 and false for 2.
    if isinstance(left, str) or isinstance(right, str):
        return
    if isinstance(left, bool) != isinstance(right, bool):
        boolean = left_node if isinstance(left, bool) else right_node
        start, end = left_node.start, right_node.end
        written = f"{left_node} {symbol} {right_node}"
        if left_node.source is not None:
            written = clipped(left_node.source[start:end])
        message = (
            f"`{written}` compares a boolean with a number: {_shown(left)} {symbol} {_shown(right)}"
        )
        advice = f"write `{boolean}` or `not {boolean}`"
        raise ExpressionError(ARITHMETIC, message, advice, start, end)


@final
class Connective(Expression):
    """`a and b and c` or `a or b or c`, evaluated as far as needed."""

    __slots__ = ("operands", "word")
    parts = ("word", "operands")

    def __init__(self, word: str, operands: tuple[Expression, ...]) -> None:
        super().__init__()
        self.word, self.operands = word, operands

    @property
    def binding(self) -> int:
        """How tightly it binds."""
        return BINDING[self.word]

    def evaluate(self, names: Names) -> Value:
        """Whether all are true, or any."""
        decided = self.word == "or"
        for operand in self.operands:
            if operand.truth(names, self.word) is decided:
                return decided
        return not decided

    def text(self) -> str:
        """The operands with the word between them."""
        return f" {self.word} ".join(_within(each, self.binding) for each in self.operands)


@final
class Condition(Expression):
    """`a if condition else b`."""

    __slots__ = ("condition", "otherwise", "then")
    parts = ("then", "condition", "otherwise")

    def __init__(self, then: Expression, condition: Expression, otherwise: Expression) -> None:
        super().__init__()
        self.then, self.condition, self.otherwise = then, condition, otherwise

    @property
    def binding(self) -> int:
        """How tightly it binds."""
        return BINDING["if"]

    def evaluate(self, names: Names) -> Value:
        """One of the two; the other is not evaluated."""
        chosen = self.then if self.condition.truth(names, "if") else self.otherwise
        return chosen.evaluate(names)

    def text(self) -> str:
        """Python's form of it."""
        then, condition = _within(self.then, 0), _within(self.condition, 0)
        return f"{then} if {condition} else {self.otherwise.text()}"


@final
class Call(Expression):
    """`divisible(32*alpha, 8)`."""

    __slots__ = ("arguments", "function")
    parts = ("function", "arguments")

    def __init__(self, function: str, arguments: tuple[Expression, ...]) -> None:
        super().__init__()
        self.function, self.arguments = function, arguments

    def evaluate(self, names: Names) -> Value:
        """What the function gives for the numbers."""
        name = self.function
        values = [argument.number(names, name) for argument in self.arguments]
        try:
            return bounded(CALLABLE[name][2](*values))
        except ArithmeticError as error:
            calculation = f"{name}({clipped(', '.join(map(_shown, values)))})"
            start, end = self.at
            written = self.text() if self.source is None else self.source[start:end]
            raise no_result(error, written, calculation, start, end) from None

    def text(self) -> str:
        """The function and its arguments."""
        return f"{self.function}({', '.join(each.text() for each in self.arguments)})"
