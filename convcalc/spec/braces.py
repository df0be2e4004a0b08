"""Names with expressions in braces: `down{depth + 1 - index}` is `down3` in one round of many."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from convcalc.spec.expressions import MAX_LENGTH
from convcalc.spec.nodes import ScalarNode, Value
from convcalc.spec.syntax import mentioned
from convcalc.spec.values import FieldError, Scope, evaluate, fail, quoted

WANTED = "a whole number or text"
"""What an expression in braces gives."""
SHORTER = "give the item to start from a shorter name"
MAX_SHOWN = 4
"""Values that a message shows."""


class Piece(NamedTuple):
    """A part of a name as it is written."""

    text: str
    """Letters of the name, or an expression without its braces."""
    start: int
    """Offset of its first character in the text."""
    calculated: bool
    """Whether it is an expression."""


class BracesError(ValueError):
    """Braces that do not pair, with the offset of the one at fault."""

    def __init__(self, message: str, advice: str, at: int) -> None:
        super().__init__(message, advice, at)
        self.message, self.advice, self.at = message, advice, at


def pieces(text: str) -> Iterator[Piece]:
    """The parts of a name in order; raises `BracesError` where braces do not pair.

    Braces within the quotes of an expression are text.

    >>> [piece.text for piece in pieces("{side}_down{depth - index}.conv1")]
    ['side', '_down', 'depth - index', '.conv1']
    """
    start = 0
    while start < len(text):
        if text[start] != "{":
            end = min((at for at in (text.find(b, start) for b in "{}") if at >= 0), default=-1)
            yield Piece(text[start : end if end >= 0 else None], start, calculated=False)
            if end < 0:
                return
            if text[end] == "}":
                raise BracesError("`}` closes nothing", "remove it, or open it with `{`", end)
            start = end
        end = _closing(text, start)
        yield Piece(text[start + 1 : end], start + 1, calculated=True)
        start = end + 1


def _closing(text: str, opening: int) -> int:
    """Where the brace closes that opens at an offset."""
    quote = ""
    for at in range(opening + 1, len(text)):
        letter = text[at]
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == "}":
            return at
        elif letter == "{":
            advice = "braces hold one expression: `down{depth + 1 - index}`"
            raise BracesError("`{` stands within braces", advice, at)
    raise BracesError("`{` is never closed", "write the missing `}` behind the expression", opening)


def names_within(text: str) -> frozenset[str]:
    """The names that the expressions in a name's braces mention.

    >>> sorted(names_within("down{depth + 1 - index}"))
    ['depth', 'index']
    """
    names: frozenset[str] = frozenset()
    try:
        for piece in pieces(text):
            if piece.calculated:
                names |= mentioned(piece.text)
    except BracesError:
        return mentioned(text)
    return names


@lru_cache(maxsize=256)
def _parted(text: str) -> tuple[Piece, ...]:
    """The parts of a name, which each round of a repeat asks for."""
    return tuple(pieces(text))


def written_out(node: ScalarNode, scope: Scope) -> tuple[str, str]:
    """The name that a text with braces means in a place, and what its message says of that.

    Raises `FieldError` where braces do not pair, or an expression has no value for a name.
    """
    name = calculated(node, scope)
    calculations = [piece.text for piece in _parted(node.text) if piece.calculated]
    names = dict.fromkeys(each for text in calculations for each in sorted(mentioned(text)))
    values = [f"{each} = {_shown(scope.values[each])}" for each in names if each in scope.values]
    said = f", which {quoted(node)} is"
    return name, f"{said} with {', '.join(values[:MAX_SHOWN])}" if values else said


def calculated(node: ScalarNode, scope: Scope) -> str:
    """The name that a text with braces means in a place; raises `FieldError` as `written_out`."""
    text = node.text
    if len(text) > MAX_LENGTH:
        message = f"a name of {len(text):,} characters, and the limit is {MAX_LENGTH:,}"
        fail("CC103", message, node, SHORTER)
    opening = 0 if node.plain else 1
    exact = node.length == len(text) + 2 * opening  # as written, so offsets point into it
    made: list[str] = []
    try:
        for piece in _parted(text):
            if not piece.calculated:
                made.append(piece.text)
                continue
            start, length = node.start, node.length
            if exact:
                start, length = start + opening + piece.start, len(piece.text)
            at = ScalarNode(piece.text, start, length)
            made.append(_letters(at, scope, exact=exact))
    except BracesError as error:
        start, length = node.start, node.length
        if exact:
            start, length = start + opening + error.at, len(text[error.at])
        fail("CC110", error.message, ScalarNode("", start, length), error.advice)
    name = "".join(made)
    if len(name) > MAX_LENGTH:
        message = f"{quoted(node)} makes a name of {len(name):,} characters"
        fail("CC103", f"{message}, and the limit is {MAX_LENGTH:,}", node, SHORTER)
    return name


def _letters(node: ScalarNode, scope: Scope, *, exact: bool) -> str:
    """What an expression puts into a name."""
    try:
        value = evaluate(node, scope, WANTED)
    except FieldError as error:
        fix = error.problem.fix
        if fix is not None and (not exact or fix.do != "rename"):
            error.problem = error.problem._replace(fix=None)
        raise
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool):
        message = f"this takes {WANTED}, and is {_shown(value)}"
        advice = f"write `{{1 if {node.text[:40]} else 2}}`, or two items with `when`"
        fail("CC107", message, node, advice, held=value)
    if isinstance(value, float):
        message = f"not a whole number: {quoted(node)} = {value:.10g}"
        fail("CC112", message, node, "round it: floor(…), ceil(…) or round(…)", held=value)
    return str(value)


def _shown(value: Value) -> str:
    """A value as an expression has it, and short."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{value[:20]}{'…' if len(value) > 20 else ''}'"
    return f"{value:.10g}" if isinstance(value, float) else str(value)
