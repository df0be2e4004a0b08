"""The arithmetic of the spec: `4*width`, `divisible(32*alpha, 8)`, `stride > 1 or project`.

A text is parsed once into nested functions and evaluated with the parameters' values. The
language is a subset of Python's expressions with Python's precedence and, save for three rules,
Python's results:

- `/` of two integers is an integer where it divides and a float where it does not;
- `and`, `or`, `not` and conditions take booleans only, and arithmetic takes numbers only;
- integers stay within ±10**18 and floats stay finite.

Texts come from anybody's file, so length, nesting and sizes are bounded before work is done.
"""

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NoReturn

from convcalc.diagnostics import closest

Value = int | float | bool | str
"""What a parameter can be and an expression can give."""

MAX_INTEGER = 10**18
"""Largest magnitude of an integer, written or computed."""
MAX_LENGTH = 1000
"""Characters in one expression."""
MAX_DEPTH = 50
"""Parentheses, calls, signs and right-hand operands that may be open at one place."""

_Names = Mapping[str, Value]
_Run = Callable[[_Names], Value]
_Token = tuple[str, str, int, int]  # kind, text, start, end

_NOT_NUMBERS = (bool, str)  # bool first of all is an int to Python

_LIMIT, _SYNTAX, _UNKNOWN_NAME, _ARITHMETIC = "CC103", "CC110", "CC111", "CC112"

_OPERAND = "a number or name"
_WRITE_CONDITIONAL = "write `a if condition else b`"
_NAME_A_PART = "give a part of it a name of its own under `parameters:`"


class ExpressionError(Exception):
    """What is wrong with an expression, and which of its characters are at fault."""

    def __init__(self, code: str, message: str, advice: str | None, start: int, end: int) -> None:
        # All arguments go to Exception, so that pickling restores the error.
        super().__init__(code, message, advice, start, end)
        self.code = code
        """CC103 beyond a limit, CC110 syntax, CC111 unknown name, CC112 arithmetic."""
        self.message = message
        self.help = advice
        """What to do."""
        self.start = start
        """Offset in characters of the offending part."""
        self.end = end
        """Offset behind it; equal to `start` where something is missing."""

    def __str__(self) -> str:
        return self.message


class Expression:
    """A parsed expression; made by `parse`."""

    __slots__ = ("_run", "names", "text")

    def __init__(self, text: str, names: frozenset[str], run: _Run) -> None:
        self.text = text
        self.names = names
        """Every name it mentions, also where evaluation may not come by."""
        self._run = run

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def evaluate(self, names: _Names) -> Value:
        """The value with these values for the names; raises `ExpressionError`."""
        return self._run(names)


def parse(text: str) -> Expression:
    """The expression that a text stands for; raises `ExpressionError`.

    >>> sorted(parse("4*width if wide else width").names)
    ['wide', 'width']
    """
    return _parse(text)


def evaluate(text: str, names: _Names) -> Value:
    """The value of an expression with these values for its names; raises `ExpressionError`.

    >>> evaluate("divisible(32*alpha, 8)", {"alpha": 0.35})
    16
    """
    return _parse(text).evaluate(names)


# ---------------------------------------------------------------------------- arithmetic


class _CalculationError(ArithmeticError):
    """A calculation that has no result, before anybody knows where it was written."""

    def __init__(self, code: str, what: str, advice: str | None) -> None:
        super().__init__(what)
        self.code = code
        self.what = what
        self.advice = advice


def _too_large() -> _CalculationError:
    return _CalculationError(
        _LIMIT, "is beyond ±10**18", "keep integers between -10**18 and 10**18"
    )


def _bounded(value: float) -> int | float:
    if isinstance(value, int):
        if -MAX_INTEGER <= value <= MAX_INTEGER:
            return value
        raise _too_large()
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
            raise _too_large()
    elif base < 0 and exponent != math.floor(exponent):
        what = "is not a real number"
        raise _CalculationError(_ARITHMETIC, what, "raise a negative number to whole powers only")
    if base == 0 and exponent < 0:
        what = "raises zero to a negative power"
        raise _CalculationError(_ARITHMETIC, what, "keep the base or the exponent above 0")
    result: int | float = base**exponent
    return result


def _divisible(x: float, n: float) -> int:
    # MobileNet v2 (arXiv:1801.04381), reference implementation: `_make_divisible` in
    # tensorflow/models, research/slim/nets/mobilenet; torchvision has the same in
    # torchvision/models/_utils.py, both with their min_value left at the divisor.
    if n < 1 or n != math.floor(n):
        advice = "give a whole number of at least 1, such as 8, as second argument"
        raise _CalculationError(_ARITHMETIC, f"rounds to multiples of {_shown(n)}", advice)
    n = int(n)
    multiple = max(n, int(x + n / 2) // n * n)
    return multiple + n if multiple < 0.9 * x else multiple


def _smallest(*numbers: float) -> int | float:
    return min(numbers)


def _largest(*numbers: float) -> int | float:
    return max(numbers)


# Name: signature, documentation, implementation, fewest and most arguments.
_CALLABLE: dict[str, tuple[str, str, Callable[..., int | float], int, int]] = {
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

FUNCTIONS: Mapping[str, tuple[str, str]] = {name: row[:2] for name, row in _CALLABLE.items()}
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

_COMPARISONS: dict[str, Callable[..., bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


# ------------------------------------------------------------------------------ messages


def _clipped(text: str) -> str:
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
        return f"'{_clipped(value)}'"
    return str(value) if isinstance(value, int | float) else f"a {type(value).__name__}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(_clipped(str(name)) for name in names[:10]) + more


class _Node:
    """A part of an expression: how to evaluate it, and where it was written."""

    __slots__ = ("end", "run", "start", "text")

    def __init__(self, run: _Run, text: str, start: int, end: int) -> None:
        self.run = run
        self.text = text
        """The whole expression; messages quote their part of it."""
        self.start = start
        self.end = end

    def __str__(self) -> str:
        return _clipped(self.text[self.start : self.end])

    def described(self, value: Value, kind: str) -> str:
        """`width` is 64, a number; less of it where the number is what was written."""
        source, shown = str(self), _shown(value)
        literal = source.strip("'\"") == shown.strip("'")
        return f"`{source}` is {kind}" if literal else f"`{source}` is {shown}, {kind}"


def _not_a_number(node: _Node, value: Value, taker: str) -> ExpressionError:
    if isinstance(value, bool):
        kind, advice = "a boolean", f"write `(1 if {node} else 0)` to calculate with it"
    else:
        kind, advice = "text", "compare text with == and != only"
    message = f"{node.described(value, kind)}, where `{taker}` takes numbers"
    return ExpressionError(_ARITHMETIC, message, advice, node.start, node.end)


def _not_a_boolean(node: _Node, value: Value, taker: str) -> ExpressionError:
    if isinstance(value, str):
        kind, advice = "text", f"write `{node} == '…'` to compare it"
    else:
        kind, advice = "a number", f"write `{node} > 0`"
    message = f"{node.described(value, kind)}, where `{taker}` takes true or false"
    return ExpressionError(_ARITHMETIC, message, advice, node.start, node.end)


def _no_result(
    error: ArithmeticError, source: str, calculation: str, start: int, end: int
) -> ExpressionError:
    code, advice = _ARITHMETIC, None
    if isinstance(error, _CalculationError):
        code, what, advice = error.code, error.what, error.advice
    elif isinstance(error, ZeroDivisionError):
        what, advice = "divides by zero", "keep the divisor from being 0"
    else:
        what, advice = "is beyond the range of floats", "keep results below 1.8e308"
    written = _clipped(source[start:end])
    same = written.replace(" ", "") == calculation.replace(" ", "")
    message = f"`{written}` {what}" if same else f"`{written}` {what}: {calculation}"
    return ExpressionError(code, message, advice, start, end)


def _unknown_name(name: str, names: _Names, start: int, end: int) -> ExpressionError:
    known = list(names)
    near = closest(name, [*known, "true", "false"])
    if name in FUNCTIONS:
        advice = f"it is a function: write {FUNCTIONS[name][0]}"
    elif near is not None:
        advice = f"did you mean `{near}`?"
    elif known:
        advice = f"known names: {_listed(known)}; text stands in quotes: '{_clipped(name)}'"
    else:
        advice = f"declare it under `parameters:`; text stands in quotes: '{_clipped(name)}'"
    message = f"`{_clipped(name)}` is not a known name"
    return ExpressionError(_UNKNOWN_NAME, message, advice, start, end)


# ------------------------------------------------------------------------------- meaning


def _constant(value: Value) -> _Run:
    return lambda _names: value


def _name(name: str, start: int) -> _Run:
    end = start + len(name)

    def run(names: _Names) -> Value:
        try:
            value = names[name]
        except KeyError:
            raise _unknown_name(name, names, start, end) from None
        kind = type(value)
        if kind is bool or kind is str or (kind is int and -MAX_INTEGER <= value <= MAX_INTEGER):  # type: ignore[operator]
            return value
        return _admitted(value, name, start, end)

    return run


def _admitted(value: object, name: str, start: int, end: int) -> Value:
    """A parameter's value, held to the bounds that results are held to."""
    if isinstance(value, str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    message, advice = f"`{_clipped(name)}` is {_shown(value)}", "use a finite number here"
    if isinstance(value, int):
        if -MAX_INTEGER <= value <= MAX_INTEGER:
            return value
        fault = _too_large()
        message = f"`{_clipped(name)}` {fault.what}: {_shown(value)}"
        raise ExpressionError(fault.code, message, fault.advice, start, end)
    if not isinstance(value, float):
        advice = "use a number, true, false or text here"
    raise ExpressionError(_ARITHMETIC, message, advice, start, end)


def _signed(sign: str, node: _Node) -> _Run:
    inner = node.run

    def run(names: _Names) -> Value:
        value = inner(names)
        if isinstance(value, _NOT_NUMBERS):
            raise _not_a_number(node, value, sign)
        return -value if sign == "-" else value

    return run


def _arithmetic(first: _Node, rest: Sequence[tuple[str, _Node]]) -> _Run:
    """`a + b - c` in one flat chain, so that long sums are not deep."""
    text, start, first_run, first_symbol = first.text, first.start, first.run, rest[0][0]
    steps = tuple((symbol, _OPERATIONS[symbol], node, node.run) for symbol, node in rest)

    def run(names: _Names) -> Value:
        value = first_run(names)
        if isinstance(value, _NOT_NUMBERS):
            raise _not_a_number(first, value, first_symbol)
        for symbol, operation, node, node_run in steps:
            right = node_run(names)
            if isinstance(right, _NOT_NUMBERS):
                raise _not_a_number(node, right, symbol)
            try:
                value = _bounded(operation(value, right))
            except ArithmeticError as error:
                left = f"({_shown(value)})" if symbol == "**" and value < 0 else _shown(value)
                calculation = f"{left} {symbol} {_shown(right)}"
                raise _no_result(error, text, calculation, start, node.end) from None
        return value

    return run


def _comparison(first: _Node, rest: Sequence[tuple[str, _Node]]) -> _Run:
    """`1 < x <= 3`; as in Python, what follows a false comparison is not evaluated."""
    steps = tuple((symbol, _COMPARISONS[symbol], node) for symbol, node in rest)

    def run(names: _Names) -> Value:
        left_node, left = first, first.run(names)
        for symbol, compare, node in steps:
            right = node.run(names)
            if isinstance(left, _NOT_NUMBERS) or isinstance(right, _NOT_NUMBERS):
                _check_comparable(left_node, left, symbol, node, right)
            if not compare(left, right):
                return False
            left_node, left = node, right
        return True

    return run


def _check_comparable(
    left_node: _Node, left: Value, symbol: str, right_node: _Node, right: Value
) -> None:
    if symbol not in {"==", "!="}:
        for node, value in ((left_node, left), (right_node, right)):
            if isinstance(value, _NOT_NUMBERS):
                raise _not_a_number(node, value, symbol)
    # Text may well be compared with a number: `padding == 'same'` where padding is 1. A boolean
    # with a number is a slip that Python would answer with true for 1 and false for 2.
    if isinstance(left, str) or isinstance(right, str):
        return
    if isinstance(left, bool) != isinstance(right, bool):
        boolean = left_node if isinstance(left, bool) else right_node
        start, end = left_node.start, right_node.end
        message = (
            f"`{_clipped(left_node.text[start:end])}` compares a boolean with a number: "
            f"{_shown(left)} {symbol} {_shown(right)}"
        )
        advice = f"write `{boolean}` or `not {boolean}`"
        raise ExpressionError(_ARITHMETIC, message, advice, start, end)


def _boolean(node: _Node, names: _Names, taker: str) -> bool:
    value = node.run(names)
    if isinstance(value, bool):
        return value
    raise _not_a_boolean(node, value, taker)


def _connective(word: str, nodes: Sequence[_Node]) -> _Run:
    """`a and b and c` or `a or b or c`, evaluated as far as needed."""
    decided = word == "or"

    def run(names: _Names) -> Value:
        for node in nodes:
            if _boolean(node, names, word) is decided:
                return decided
        return not decided

    return run


def _conditional(condition: _Node, then: _Node, otherwise: _Node) -> _Run:
    def run(names: _Names) -> Value:
        return then.run(names) if _boolean(condition, names, "if") else otherwise.run(names)

    return run


def _call(name: str, arguments: Sequence[_Node], text: str, start: int, end: int) -> _Run:
    function = _CALLABLE[name][2]

    def run(names: _Names) -> Value:
        values: list[int | float] = []
        for node in arguments:
            value = node.run(names)
            if isinstance(value, _NOT_NUMBERS):
                raise _not_a_number(node, value, name)
            values.append(value)
        try:
            return _bounded(function(*values))
        except ArithmeticError as error:
            calculation = f"{name}({_clipped(', '.join(map(_shown, values)))})"
            raise _no_result(error, text, calculation, start, end) from None

    return run


# -------------------------------------------------------------------------------- syntax

# The operators of other languages are single tokens, to be answered whole.
_PATTERN = (
    r"\s*(?:(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(?P<tail>[A-Za-z0-9_]*)"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)"
    r"""|(?P<string>'[^']*'|"[^"]*")"""
    r"|(?P<foreign>===|!==|<>|=>|=<|<<|>>|&&|\|\|)"
    r"|(?P<symbol>\*\*|//|[<>=!]=|[-+*/%<>(),])"
    r"|(?P<other>\S))"
)

_KEYWORDS = frozenset({"true", "false", "and", "or", "not", "if", "else"})

# How tightly what stands between two operands binds. `not` is 3 and a sign 7.
_BINDING = {"if": 0, "or": 1, "and": 2, "+": 5, "-": 5, "**": 8}
_BINDING.update(dict.fromkeys(_COMPARISONS, 4))
_BINDING.update(dict.fromkeys(("*", "/", "//", "%"), 6))

# What to write in place of a symbol of other languages or of mathematics.
_INSTEAD = {
    "^": "write ** for a power",
    "&&": "write and",
    "&": "write and",
    "||": "write or",
    "|": "write or",
    "!": "write not",
    "~": "write not",
    "=": "write == to compare",
    "===": "write == to compare",
    "!==": "write != to compare",
    "<>": "write != to compare",
    "≠": "write != to compare",
    "=>": "write >= to compare",
    "≥": "write >= to compare",
    "=<": "write <= to compare",
    "≤": "write <= to compare",
    "<<": "write * and a power: x * 2**n",
    ">>": "write // and a power: x // 2**n",
    "?": _WRITE_CONDITIONAL,
    ":": _WRITE_CONDITIONAL,
    "×": "write * to multiply",
    "·": "write * to multiply",
    "⋅": "write * to multiply",
    "∗": "write * to multiply",
    "@": "write * to multiply",
    "÷": "write / to divide",
    "⁄": "write / to divide",
    "∕": "write / to divide",
    "−": "write the hyphen - for minus",
    "–": "write the hyphen - for minus",
    "—": "write the hyphen - for minus",
    "²": "write **2",
    "³": "write **3",
    "√": "write x**0.5 for a square root",
    ".": "there are no attributes; use names, numbers and functions alone",
    "[": "there are no lists and no indexing; use names, numbers and functions alone",
    "]": "there are no lists and no indexing; use names, numbers and functions alone",
    "$": "write the name alone: `width`, not `${width}`",
    "{": "write the name alone: `width`, not `{width}`",
    "}": "write the name alone: `width`, not `{width}`",
    "‘": "write straight quotes: 'text'",
    "’": "write straight quotes: 'text'",
    "“": "write straight quotes: 'text'",
    "”": "write straight quotes: 'text'",
}

# What to write in place of a word that stands where an operator is expected.
_INSTEAD_OF_WORD = {
    "AND": "write and",
    "OR": "write or",
    "is": "write == to compare",
    "in": "write `x == 1 or x == 2`",
    "not": "write != to compare",
    "mod": "write %",
    "div": "write //",
    "x": "write * to multiply",
    "then": _WRITE_CONDITIONAL,
}

# What to write in place of a function of other languages.
_INSTEAD_OF_CALL = {
    "int": "write floor(x)",
    "trunc": "write floor(x)",
    "sqrt": "write x**0.5",
    "pow": "write x**y",
    "make_divisible": "write divisible(x, n)",
}


class _Parser:
    """Reads the tokens of one text, by how tightly operators bind (a Pratt parser)."""

    __slots__ = ("depth", "index", "names", "text", "tokens")

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: set[str] = set()
        self.depth = -1
        self.index = 0
        self.tokens: list[_Token] = []
        end = 0
        for match in re.finditer(_PATTERN, text.rstrip()):
            kind = match.lastgroup or ""
            end = match.end()
            if kind == "tail":  # empty behind most numbers
                kind = "misnumber" if match["tail"] else "number"
                start = match.start("number")
            else:
                start = match.start(kind)
            self.tokens.append((kind, text[start:end], start, end))
        self.tokens.append(("end", "", end, end))

    def node(self, run: _Run, start: int) -> _Node:
        """A node from `start` to the end of the last token taken."""
        return _Node(run, self.text, start, self.tokens[self.index - 1][3])

    def refuse(self, message: str, advice: str | None, token: _Token) -> NoReturn:
        raise ExpressionError(_SYNTAX, message, advice, token[2], token[3])

    def whole(self) -> _Node:
        if len(self.tokens) == 1:
            advice = "write a number, a name or a calculation such as `4*width`"
            raise ExpressionError(_SYNTAX, "the expression is empty", advice, 0, len(self.text))
        node = self.expression(0)
        token = self.tokens[self.index]
        if token[1] == ")":
            self.refuse("`)` closes nothing", "remove it, or open it before with `(`", token)
        if token[1] == "else":
            self.refuse("`else` has no `if` before it", _WRITE_CONDITIONAL, token)
        if token[0] != "end":
            self.unexpected("an operator")
        return node

    def expression(self, level: int) -> _Node:
        """An operand and all operators behind it that bind at least as tightly as `level`."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ExpressionError(
                _LIMIT,
                f"the expression nests more than {MAX_DEPTH} deep here",
                _NAME_A_PART,
                *self.tokens[self.index][2:],
            )
        node = self.operand(level)
        while True:
            symbol = self.tokens[self.index][1]
            binding = _BINDING.get(symbol)
            if binding is None or binding < level:
                break
            if binding == 0:
                node = self.conditional(node)
                continue
            rest: list[tuple[str, _Node]] = []
            while _BINDING.get(symbol) == binding:
                self.index += 1
                # ** takes its right side first, and a sign there: 2**-3**2.
                rest.append((symbol, self.expression(7 if binding == 8 else binding + 1)))
                symbol = self.tokens[self.index][1]
            if binding < 4:
                run = _connective(rest[0][0], (node, *(right for _, right in rest)))
            elif binding == 4:
                run = _comparison(node, rest)
            else:
                run = _arithmetic(node, rest)
            node = self.node(run, node.start)
        self.depth -= 1
        return node

    def conditional(self, then: _Node) -> _Node:
        opening = self.tokens[self.index]
        self.index += 1
        condition = self.expression(1)
        token = self.tokens[self.index]
        if token[1] != "else":
            if token[0] == "end" or token[1] in {")", ","}:
                written = _clipped(self.text[then.start : condition.end])
                self.refuse(f"`{written}` has no `else`", _WRITE_CONDITIONAL, opening)
            self.unexpected("`else`")
        self.index += 1
        return self.node(_conditional(condition, then, self.expression(0)), then.start)

    def operand(self, level: int) -> _Node:
        token = self.tokens[self.index]
        kind, text, start, end = token
        self.index += 1
        if kind == "number":
            return self.node(_constant(_number(text, start, end)), start)
        if kind == "string":
            return self.node(_constant(text[1:-1]), start)
        if kind == "word" and text not in _KEYWORDS:
            if self.tokens[self.index][1] == "(":
                return self.call(token)
            self.names.add(text)
            return self.node(_name(text, start), start)
        if text in {"true", "false"}:
            return self.node(_constant(text == "true"), start)
        if text in {"+", "-"}:
            return self.node(_signed(text, self.expression(7)), start)
        if text == "not":
            if level > 3:
                tighter = self.tokens[self.index - 2][1]
                message = f"`not` stands behind `{tighter}`, which binds tighter"
                self.refuse(message, "write `(not …)`", token)
            operand = self.expression(3)
            return self.node(lambda names: not _boolean(operand, names, "not"), start)
        if kind == "end":
            message = f"`{_clipped(self.text)}` ends where {_OPERAND} is expected"
            self.refuse(message, None, token)
        if text != "(":
            self.index -= 1
            self.unexpected(_OPERAND)
        inner = self.expression(0)
        self.close(token)
        return self.node(inner.run, start)

    def close(self, opening: _Token) -> None:
        token = self.tokens[self.index]
        if token[0] == "end":
            self.refuse("`(` is never closed", "write the missing `)`", opening)
        if token[1] != ")":
            self.unexpected("an operator or `)`")
        self.index += 1

    def call(self, function: _Token) -> _Node:
        _, name, start, end = function
        if name not in FUNCTIONS:
            near = closest(name, FUNCTIONS)
            known = f"the functions are {', '.join(FUNCTIONS)}; to multiply, write *"
            advice = _INSTEAD_OF_CALL.get(name) or (f"did you mean `{near}`?" if near else known)
            message = f"`{_clipped(name)}` is not a function"
            raise ExpressionError(_ARITHMETIC, message, advice, start, end)
        opening = self.tokens[self.index]
        self.index += 1
        arguments: list[_Node] = []
        if self.tokens[self.index][1] != ")":
            arguments.append(self.expression(0))
            while self.tokens[self.index][1] == ",":
                self.index += 1
                arguments.append(self.expression(0))
        self.close(opening)
        end = self.tokens[self.index - 1][3]
        signature, _, _, fewest, most = _CALLABLE[name]
        if not fewest <= len(arguments) <= most:
            wanted = f"{fewest}" if fewest == most else f"at least {fewest}"
            message = (
                f"`{_clipped(self.text[start:end])}` gives {name} {len(arguments)} "
                f"argument{'' if len(arguments) == 1 else 's'} where it takes {wanted}"
            )
            raise ExpressionError(_ARITHMETIC, message, f"write {signature}", start, end)
        return self.node(_call(name, arguments, self.text, start, end), start)

    def unexpected(self, expected: str) -> NoReturn:
        """Refuse the current token, where `expected` should stand."""
        token = self.tokens[self.index]
        kind, text, _, _ = token
        if kind == "misnumber":
            self.refuse(f"`{_clipped(text)}` is not a number", _respelled(text), token)
        if kind in {"foreign", "other"}:
            self.foreign(token)
        if text == "if":
            self.refuse(f"`if` stands where {expected} is expected", _WRITE_CONDITIONAL, token)
        if text == ",":
            advice = "use commas between the arguments of a function only"
            self.refuse(f"`,` stands where {expected} is expected", advice, token)
        if expected != _OPERAND and (kind in {"word", "number", "string"} or text == "("):
            before = _clipped(self.tokens[self.index - 1][1])
            advice = _INSTEAD_OF_WORD.get(text, "write * to multiply")
            message = f"`{_clipped(text)}` follows `{before}` without an operator"
            self.refuse(message, None if kind == "string" else advice, token)
        self.refuse(f"`{_clipped(text)}` stands where {expected} is expected", None, token)

    def foreign(self, token: _Token) -> NoReturn:
        """Refuse what no expression holds, and say what to write in its place."""
        text = token[1]
        if text in {"'", '"'}:
            message = f"the text that {text} opens is never closed"
            self.refuse(message, f"write the closing {text}", token)
        advice = _INSTEAD.get(text)
        if advice is None and text.isalpha():
            advice = "spell names with the letters a-z, A-Z, digits and _"
        elif advice is None:
            advice = "use names, numbers, + - * / // % **, comparisons, and, or, not"
        shown = text if text.isprintable() else f"U+{ord(text):04X}"
        self.refuse(f"`{shown}` is not part of an expression", advice, token)


def _number(text: str, start: int, end: int) -> int | float:
    """The value of a literal; no leading zero makes it octal, as in YAML 1.2."""
    try:
        if not text.isdecimal():
            return _bounded(float(text))
        digits = text.lstrip("0") or "0"
        if len(digits) > 19:  # int() takes quadratic time, and refuses more than 4,300 digits
            raise _too_large()
        return _bounded(int(digits))
    except _CalculationError as fault:
        written = _clipped(text) if len(text) <= 24 else f"{text[:8]}…{text[-4:]}"
        message = f"`{written}` {fault.what}: it has {len(text):,} digits"
        raise ExpressionError(fault.code, message, fault.advice, start, end) from None
    except OverflowError as error:
        raise _no_result(error, " " * start + text, text, start, end) from None


def _respelled(text: str) -> str:
    """Help for what starts like a number: `1_000`, `3x3`, `2x`, `0x1F`."""
    if text.replace("_", "").isdecimal():
        return f"write {_clipped(text.replace('_', ''))}"
    if re.fullmatch(r"[1-9][0-9]*(x[0-9]+)+", text):
        return f"write * to multiply: {_clipped(text.replace('x', '*'))}"
    match = re.fullmatch(r"([0-9.]+)([A-Za-z_][A-Za-z0-9_]*)", text)
    if match is None or text[:2] in {"0x", "0b", "0o"}:
        return "write it in decimal digits"
    return f"write * to multiply: {_clipped(f'{match[1]}*{match[2]}')}"


@lru_cache(maxsize=1024)
def _parse(text: str) -> Expression:
    if len(text) > MAX_LENGTH:
        message = f"the expression is {len(text):,} characters long; the limit is {MAX_LENGTH:,}"
        raise ExpressionError(_LIMIT, message, _NAME_A_PART, MAX_LENGTH, len(text))
    if text.isascii() and text.isidentifier() and text not in _KEYWORDS:
        return Expression(text, frozenset((text,)), _name(text, 0))  # most are just a name
    parser = _Parser(text)
    node = parser.whole()
    return Expression(text, frozenset(parser.names), node.run)
