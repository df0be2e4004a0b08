"""Text to expressions: the spec's arithmetic is read by how tightly its operators bind.

What is no expression is answered with what to write instead, for people who come from other
languages and from mathematics.
"""

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NoReturn

from convcalc.diagnostics import closest, misspelt
from convcalc.spec.expressions import (
    ARITHMETIC,
    BINDING,
    CALLABLE,
    FUNCTIONS,
    LIMIT,
    MAX_DEPTH,
    MAX_LENGTH,
    NOT,
    SIGN,
    SYNTAX,
    Binary,
    CalculationError,
    Call,
    Compare,
    Condition,
    Connective,
    Constant,
    Expression,
    ExpressionError,
    Name,
    Names,
    Not,
    Sign,
    bounded,
    clipped,
    no_result,
    too_large,
)
from convcalc.spec.nodes import INCOMING, Value

if TYPE_CHECKING:
    from collections.abc import Callable

_Token = tuple[str, str, int, int]  # kind, text, start, end

_OPERAND = "a number or name"
_WRITE_CONDITIONAL = "write `a if condition else b`"
_NAME_A_PART = "give a part of it a name of its own under `parameters:`"

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
    ".": "there are no attributes but those of `incoming`; use names, numbers and functions alone",
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

    __slots__ = ("amount", "depth", "index", "text", "tokens")

    def __init__(self, text: str, amount: "Callable[[str], int | None] | None" = None) -> None:
        self.text = text
        self.amount = amount
        """What reads a number with a unit, 64MiB, where these and names with dots are meant."""
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

    def placed(self, node: Expression, start: int) -> Expression:
        """The node, which was written from `start` to the end of the last token taken."""
        node.source, node.start, node.end = self.text, start, self.tokens[self.index - 1][3]
        node.at = start, node.end
        return node

    def refuse(self, message: str, advice: str | None, token: _Token) -> NoReturn:
        raise ExpressionError(SYNTAX, message, advice, token[2], token[3])

    def whole(self) -> Expression:
        if len(self.tokens) == 1:
            advice = "write a number, a name or a calculation such as `4*width`"
            raise ExpressionError(SYNTAX, "the expression is empty", advice, 0, len(self.text))
        node = self.expression(0)
        token = self.tokens[self.index]
        if token[1] == ")":
            self.refuse("`)` closes nothing", "remove it, or open it before with `(`", token)
        if token[1] == "else":
            self.refuse("`else` has no `if` before it", _WRITE_CONDITIONAL, token)
        if token[0] != "end":
            self.unexpected("an operator")
        return node

    def expression(self, level: int) -> Expression:
        """An operand and all operators behind it that bind at least as tightly as `level`."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ExpressionError(
                LIMIT,
                f"the expression nests more than {MAX_DEPTH} deep here",
                _NAME_A_PART,
                *self.tokens[self.index][2:],
            )
        node = self.operand(level)
        while True:
            symbol = self.tokens[self.index][1]
            binding = BINDING.get(symbol)
            if binding is None or binding < level:
                break
            if binding == 0:
                node = self.conditional(node)
                continue
            rest: list[tuple[str, Expression]] = []
            while BINDING.get(symbol) == binding:
                self.index += 1
                # ** takes its right side first, and a sign there: 2**-3**2.
                rest.append((symbol, self.expression(SIGN if binding == 8 else binding + 1)))
                symbol = self.tokens[self.index][1]
            start = node.start
            if binding < BINDING["<"]:
                node = Connective(rest[0][0], (node, *(right for _, right in rest)))
            elif binding == BINDING["<"]:
                node = Compare(node, tuple(rest))
            else:
                node = Binary(node, tuple(rest))
            node = self.placed(node, start)
        self.depth -= 1
        return node

    def conditional(self, then: Expression) -> Expression:
        opening = self.tokens[self.index]
        self.index += 1
        condition = self.expression(1)
        token = self.tokens[self.index]
        if token[1] != "else":
            if token[0] == "end" or token[1] in {")", ","}:
                written = clipped(self.text[then.start : condition.end])
                self.refuse(f"`{written}` has no `else`", _WRITE_CONDITIONAL, opening)
            self.unexpected("`else`")
        self.index += 1
        return self.placed(Condition(then, condition, self.expression(0)), then.start)

    def operand(self, level: int) -> Expression:
        token = self.tokens[self.index]
        kind, text, start, end = token
        self.index += 1
        if kind == "number":
            return self.placed(Constant(_number(text, start, end)), start)
        if kind == "misnumber" and self.amount and (known := self.amount(text)) is not None:
            return self.placed(Constant(known), start)
        if kind == "string":
            return self.placed(Constant(text[1:-1]), start)
        if kind == "word" and text not in _KEYWORDS:
            if self.tokens[self.index][1] == "(":
                return self.call(token)
            return self.placed(Name(text + self.attribute(token)), start)
        if text in {"true", "false"}:
            return self.placed(Constant(text == "true"), start)
        if text in {"+", "-"}:
            return self.placed(Sign(text, self.expression(SIGN)), start)
        if text == "not":
            if level > NOT:
                tighter = self.tokens[self.index - 2][1]
                message = f"`not` stands behind `{tighter}`, which binds tighter"
                self.refuse(message, "write `(not …)`", token)
            return self.placed(Not(self.expression(NOT)), start)
        if kind == "end":
            message = f"`{clipped(self.text)}` ends where {_OPERAND} is expected"
            self.refuse(message, None, token)
        if text != "(":
            self.index -= 1
            self.unexpected(_OPERAND)
        inner = self.expression(0)
        self.close(token)
        inner.start, inner.end = start, self.tokens[self.index - 1][3]
        return inner

    def attribute(self, owner: _Token) -> str:
        """The dot and the word behind `incoming`, or behind what can only mean that."""
        dot = self.tokens[self.index]
        if dot[1] != "." or dot[2] != owner[3]:
            return ""
        if self.amount:
            return self.path(owner[3])
        word = self.tokens[self.index + 1]  # what follows a dot is at least the end
        if word[0] != "word" or word[2] != dot[3]:
            return ""
        if owner[1] != "incoming" and closest(f"{owner[1]}.{word[1]}", INCOMING) is None:
            return ""
        self.index += 2
        return dot[1] + word[1]

    def path(self, end: int) -> str:
        """All dots and words that stand behind a name without a gap."""
        said = ""
        while self.tokens[self.index][1:3] == (".", end):
            word = self.tokens[self.index + 1]
            if word[0] != "word" or word[2] != end + 1:
                break
            said, end = f"{said}.{word[1]}", word[3]
            self.index += 2
        return said

    def close(self, opening: _Token) -> None:
        token = self.tokens[self.index]
        if token[0] == "end":
            self.refuse("`(` is never closed", "write the missing `)`", opening)
        if token[1] != ")":
            self.unexpected("an operator or `)`")
        self.index += 1

    def call(self, function: _Token) -> Expression:
        _, name, start, end = function
        if name not in FUNCTIONS:
            near = closest(name, FUNCTIONS)
            known = f"the functions are {', '.join(FUNCTIONS)}; to multiply, write *"
            advice = _INSTEAD_OF_CALL.get(name) or (f"did you mean `{near}`?" if near else known)
            message = f"`{clipped(name)}` is not a function"
            sure = near is not None and name not in _INSTEAD_OF_CALL
            right = misspelt(name, FUNCTIONS) if sure else None
            raise ExpressionError(ARITHMETIC, message, advice, start, end, right)
        opening = self.tokens[self.index]
        self.index += 1
        arguments: list[Expression] = []
        if self.tokens[self.index][1] != ")":
            arguments.append(self.expression(0))
            while self.tokens[self.index][1] == ",":
                self.index += 1
                arguments.append(self.expression(0))
        self.close(opening)
        end = self.tokens[self.index - 1][3]
        signature, _, _, fewest, most = CALLABLE[name]
        if not fewest <= len(arguments) <= most:
            wanted = f"{fewest}" if fewest == most else f"at least {fewest}"
            message = (
                f"`{clipped(self.text[start:end])}` gives {name} {len(arguments)} "
                f"argument{'' if len(arguments) == 1 else 's'} where it takes {wanted}"
            )
            raise ExpressionError(ARITHMETIC, message, f"write {signature}", start, end)
        return self.placed(Call(name, tuple(arguments)), start)

    def unexpected(self, expected: str) -> NoReturn:
        """Refuse the current token, where `expected` should stand."""
        token = self.tokens[self.index]
        kind, text, _, _ = token
        if kind == "misnumber":
            self.refuse(f"`{clipped(text)}` is not a number", _respelled(text), token)
        if kind in {"foreign", "other"}:
            self.foreign(token)
        if text == "if":
            self.refuse(f"`if` stands where {expected} is expected", _WRITE_CONDITIONAL, token)
        if text == ",":
            advice = "use commas between the arguments of a function only"
            self.refuse(f"`,` stands where {expected} is expected", advice, token)
        if expected != _OPERAND and (kind in {"word", "number", "string"} or text == "("):
            before = clipped(self.tokens[self.index - 1][1])
            advice = _INSTEAD_OF_WORD.get(text, "write * to multiply")
            if self.amount and self.amount(f"{before}{text}") is not None:
                advice = f"write {before}{text}"
            message = f"`{clipped(text)}` follows `{before}` without an operator"
            self.refuse(message, None if kind == "string" else advice, token)
        self.refuse(f"`{clipped(text)}` stands where {expected} is expected", None, token)

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
            return bounded(float(text))
        digits = text.lstrip("0") or "0"
        if len(digits) > 19:  # int() takes quadratic time, and refuses more than 4,300 digits
            raise too_large()
        return bounded(int(digits))
    except CalculationError as fault:
        written = clipped(text) if len(text) <= 24 else f"{text[:8]}…{text[-4:]}"
        message = f"`{written}` {fault.what}: it has {len(text):,} digits"
        raise ExpressionError(fault.code, message, fault.advice, start, end) from None
    except OverflowError as error:
        raise no_result(error, text, text, start, end) from None


def _respelled(text: str) -> str:
    """Help for what starts like a number: `1_000`, `3x3`, `2x`, `0x1F`."""
    if text.replace("_", "").isdecimal():
        return f"write {clipped(text.replace('_', ''))}"
    if re.fullmatch(r"[1-9][0-9]*(x[0-9]+)+", text):
        return f"write * to multiply: {clipped(text.replace('x', '*'))}"
    match = re.fullmatch(r"([0-9.]+)([A-Za-z_][A-Za-z0-9_]*)", text)
    if match is None or text[:2] in {"0x", "0b", "0o"}:
        return "write it in decimal digits"
    return f"write * to multiply: {clipped(f'{match[1]}*{match[2]}')}"


def parse(text: str) -> Expression:
    """The expression that a text stands for; raises `ExpressionError`.

    >>> sorted(parse("4*width if wide else width").names)
    ['wide', 'width']
    """
    return _parse(text)


def parse_measures(text: str, amount: "Callable[[str], int | None]") -> Expression:
    """An expression about what a network takes: numbers may have units, and names dots.

    `amount` reads a number with its unit, and gives None for what is none.

    >>> sorted(parse_measures("memory < 64MiB and output.conv1.height > 8", len).names)
    ['memory', 'output.conv1.height']
    """
    if len(text) > MAX_LENGTH:
        message = f"the expression is {len(text):,} characters long; the limit is {MAX_LENGTH:,}"
        raise ExpressionError(LIMIT, message, None, MAX_LENGTH, len(text))
    return _Parser(text, amount).whole()


def mentioned(text: str) -> frozenset[str]:
    """The names that a text speaks of: those of an expression, else its words.

    >>> sorted(mentioned("2*width")), sorted(mentioned("<= 2*width"))
    (['width'], ['width'])
    """
    try:
        return parse(text).names
    except ExpressionError:
        words = (match["word"] for match in re.finditer(_PATTERN, text))
        return frozenset(word for word in words if word)


def evaluate(text: str, names: Names) -> Value:
    """The value of an expression with these values for its names; raises `ExpressionError`.

    >>> evaluate("divisible(32*alpha, 8)", {"alpha": 0.35})
    16
    """
    return _parse(text).evaluate(names)


@lru_cache(maxsize=1024)
def _parse(text: str) -> Expression:
    if len(text) > MAX_LENGTH:
        message = f"the expression is {len(text):,} characters long; the limit is {MAX_LENGTH:,}"
        raise ExpressionError(LIMIT, message, _NAME_A_PART, MAX_LENGTH, len(text))
    if text.isascii() and text.isidentifier() and text not in _KEYWORDS:
        name = Name(text)  # most are just a name
        name.source, name.end, name.at = text, len(text), (0, len(text))
        return name
    return _Parser(text).whole()
