"""Located YAML values become layers: one reading of every field, every error with its place."""

import re
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from functools import cache
from math import floor
from typing import TYPE_CHECKING, Any, NoReturn

from convcalc.diagnostics import (
    Fix,
    Problem,
    closest,
    listed,
    misspelt,
    remove_value,
    rename,
    respell,
    write_value,
)
from convcalc.findings import Findings
from convcalc.layers import layer_class
from convcalc.layers.base import MAX_WHOLE, Declared, Layer, declarations, defaults
from convcalc.shape import Shape
from convcalc.spec.nodes import INCOMING, MAX_INTEGER, List, Map, Node, ScalarNode, Value

if TYPE_CHECKING:
    from convcalc.spec.by_axis import Form
    from convcalc.spec.expressions import Expression, ExpressionError, IncomingError
    from convcalc.spec.flat import Late

MAX_AXES = 3
"""Most spatial axes."""

_PRODUCT = r"[ ]*\d+(?:[ ]*\*[ ]*\d+)+[ ]*"
"""Numbers with a star between them, which many write for 3x3."""

NO_NAMES = frozenset({"null", "true", "false", "and", "or", "not", "if", "else"})
"""Words that have a meaning of their own where a value stands."""

MODIFIERS = {
    "name": "What this item is called; `from` refers to it.",
    "from": "Name of the tensor this item starts from, instead of the one before; expressions in "
    'braces are worked out: "down{depth + 1 - index}".',
    "repeat": "How many times over; 0 drops it. `index` counts the rounds from 1.",
    "when": "Condition without which the item is dropped, or the branch that begins with it.",
    "shared": "With repeat: every round uses the same weights.",
}
"""Keys that may stand beside an item's kind."""

FORM_TEXTS = {
    "whole": "a whole number",
    "number": "a number",
    "flag": "true or false",
    "choice": "a word",
    "axes": "a whole number, or one per axis such as 3x5 or [3, 5]",
    "ratios": "a number, or a list of one per axis",
    "padding": "a whole number, one per axis, [[before, after], …] per axis, `same` or `valid`",
    "extents": "a list of whole numbers such as [4, 4, 64], or 4x4x64",
}
"""What each form of field is written as."""


class FieldError(Exception):
    """A value that cannot be read, with the node at fault."""

    def __init__(
        self,
        problem: Problem,
        start: int,
        end: int,
        written: str = "",
        held: str | None = None,
        value: float | None = None,
    ) -> None:
        super().__init__(problem.message)
        self.problem = problem
        self.start = start
        self.end = end
        self.written = written
        """The part of an expression at fault, which may be the name of a parameter."""
        self.held = held
        """The text that stands where a number, or true or false, is wanted."""
        self.value = value
        """The number that is not whole, or not within its bounds."""


def fail(
    code: str,
    message: str,
    node: Node,
    advice: str | None = None,
    fix: Fix | None = None,
    held: object = None,
) -> NoReturn:
    """Raise the error of a whole node."""
    text = held if isinstance(held, str) else None
    value = held if isinstance(held, float) else None
    problem = Problem(code, message, help=advice, fix=fix)
    raise FieldError(problem, node.start, node.end, _bare(node), text, value)


def _bare(node: Node) -> str:
    """What is written without quotes."""
    return node.text if isinstance(node, ScalarNode) and node.plain else ""


def renamed(name: str | None) -> Fix | None:
    """The fix of a word that can only be a misspelling of a name."""
    return None if name is None else rename(name)


def near_key(key: ScalarNode, known: Iterable[str], among: Map) -> tuple[str | None, Fix | None]:
    """The help, and the fix, of an unknown key that is probably a misspelt one.

    None where it is near none. `among` is the mapping that has it: of a key that is there already,
    under its own name, another one is no misspelling to put right.
    """
    names = list(known)
    near = closest(key.text, names)
    if near is None:
        return None, None
    if near in among.entries:
        return f"`{near}` is given, too: keep one of the two", None
    return f"did you mean `{near}`?", renamed(misspelt(key.text, names))


def misnamed(name: str, known: Iterable[str], among: Map) -> bool:
    """Whether an unknown key of a mapping, with a finding of its own, is meant to be `name`."""
    names = list(known)
    return any(closest(key, names) == name for key in among.entries if key not in names)


class SilencedError(FieldError):
    """A value that depends on one with an error of its own, already reported."""


class WaitingError(FieldError):
    """A value that reads the incoming tensor, which only a layer's fields can wait for."""


class Scope:
    """The names that expressions may use in one place, and the layers already read there."""

    __slots__ = ("causes", "failed", "layers", "products", "used", "values")

    def __init__(self, values: Mapping[str, Value], failed: AbstractSet[str] = frozenset()) -> None:
        self.values = values
        self.failed = failed
        """Names whose values have errors; what uses them is silent."""
        self.causes: Mapping[str, Node] = {}
        """The arguments of the block's call, by parameter: what is wrong with a value is theirs."""
        self.products: Mapping[str, ScalarNode] = {}
        """Where names were given a product of bare numbers, `3*3`."""
        self.layers: dict[tuple[int, str], Layer | Late | None] = {}
        self.used: set[str] = set()

    def within(self, values: Mapping[str, Value]) -> "Scope":
        """The names of this scope, and these beside and before them."""
        names: ChainMap[str, Value] = ChainMap(values, self.values)  # type: ignore[arg-type]
        scope = Scope(names, self.failed)
        scope.causes, scope.products = self.causes, self.products
        return scope


def quoted(node: Node) -> str:
    """A node as a message shows it."""
    if isinstance(node, ScalarNode):
        if not node.text and node.plain:
            return "nothing"
        text = node.text if len(node.text) <= 40 else node.text[:39] + "…"
        return f"`{text}`"
    return "a list" if isinstance(node, List) else "a mapping"


def evaluate(node: Node, scope: Scope, wanted: str) -> Value:
    """The value of a scalar: a number, or an expression over the names in scope."""
    if not isinstance(node, ScalarNode):
        fail("CC107", f"this takes {wanted}, and is {quoted(node)}", node)
    value = _plain_value(node.text, scope)
    return _calculated(node, scope, wanted) if value is None else value


def _plain_value(text: str, scope: Scope) -> Value | None:
    """The value of a number or a name alone, as most are, for which no arithmetic is imported.

    None where it is something else, or may be beyond the bounds that results are held to.
    """
    if len(text) <= 18 and text.isascii():
        if text.isdecimal():
            return int(text)
        if text.replace(".", "", 1).isdecimal():
            return float(text)
        if text.isidentifier() and text not in NO_NAMES:
            try:
                value = scope.values[text]
            except KeyError:
                return None
            kind = type(value)
            within = kind is int and -MAX_INTEGER <= value <= MAX_INTEGER  # type: ignore[operator]
            if within or kind is bool or kind is str:
                scope.used.add(text)
                return value
    return None


def _calculated(node: ScalarNode, scope: Scope, wanted: str) -> Value:
    """The value of an expression; `FieldError` where it has none."""
    text = node.text
    if not text.strip() or text in ("~", "null"):
        fail("CC107", f"there is no value here, and this takes {wanted}", node, "write the value")
    parse, expression_error, incoming_error = _arithmetic()
    try:
        expression = parse(text)
        if expression.names:
            scope.used.update(expression.names)
        return expression.evaluate(scope.values)
    except expression_error as error:
        start, end, written = node.start, node.end, _bare(node)
        if error.code == "CC111" and scope.failed and scope.failed & parse(text).names:
            raise SilencedError(Problem(error.code, error.message), start, end) from None
        advice, fix = error.help, None
        if advice and error.code == "CC111" and "text" not in wanted:
            advice = advice.partition("; text stands")[0]
        if error.code == "CC110" and node.plain and re.search(r"\b[A-Za-z_]\w*\([^()]*\Z", text):
            advice = (
                "inside { } a comma ends the value: put quotes around the expression, or write "
                "each field on a line of its own"
            )
        opening = 0 if node.plain else 1
        if end - start == len(text) + 2 * opening:  # as written, so offsets point into it
            last = max(error.end, error.start + 1)
            start, end = node.start + opening + error.start, node.start + opening + last
            written, fix = text[error.start : last], renamed(error.right)
        if error.code == "CC110" and (better := _respelled(node, wanted)) is not None:
            (advice, fix), start, end = better, node.start, node.end
        problem = Problem(error.code, error.message, help=advice, fix=fix)
        waits = isinstance(error, incoming_error)
        raise (WaitingError if waits else FieldError)(problem, start, end, written) from None


def _respelled(node: ScalarNode, wanted: str) -> tuple[str, Fix | None] | None:
    """The help and fix of a number that is written as elsewhere."""
    from convcalc.spec.numerals import respelled

    return respelled(node.text, whole="whole" in wanted)


@cache
def _arithmetic() -> (
    "tuple[Callable[[str], Expression], type[ExpressionError], type[IncomingError]]"
):
    """What reads an expression, and its errors, imported for the first one: few specs have any."""
    from convcalc.spec.expressions import ExpressionError, IncomingError
    from convcalc.spec.syntax import parse

    return parse, ExpressionError, IncomingError


def whole(node: Node, scope: Scope, wanted: str = "a whole number") -> int:
    """The value of a scalar that must be a whole number."""
    value = evaluate(node, scope, wanted)
    if value.__class__ is int:
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, float):
        shown = "" if str(value) == getattr(node, "text", "") else f"{quoted(node)} = "
        fail(
            "CC112",
            f"not a whole number: {shown}{value:.10g}",
            node,
            "round it: floor(…), ceil(…), round(…) or divisible(…, 8)"
            if shown
            else f"write {floor(value)} or {floor(value) + 1}",
            held=value,
        )
    message = f"this takes {wanted}, and is {_described(value)}"
    fail("CC107", message, node, _no_text(value), held=value)


def number(node: Node, scope: Scope, wanted: str = "a number") -> float:
    """The value of a scalar that must be a number."""
    value = evaluate(node, scope, wanted)
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = f"this takes {wanted}, and is {_described(value)}"
        fail("CC107", message, node, _no_text(value), held=value)
    return value


def _no_text(value: Value) -> str | None:
    """What to do about text where a number is wanted, mostly an expression given in quotes."""
    if not isinstance(value, str):
        return None
    advice = "a parameter in quotes is text: write it without"
    return advice + (", on a line of its own for its commas" if "," in value else "")


def flag(node: Node, scope: Scope) -> bool:
    """The value of a scalar that must be true or false."""
    if isinstance(node, ScalarNode):
        if node.text in ("true", "True", "TRUE"):
            return True
        if node.text in ("false", "False", "FALSE"):
            return False
        word = node.text.lower()
        if word in ("yes", "on", "y", "no", "off", "n") and word not in scope.values:
            right = "true" if word in ("yes", "on", "y") else "false"
            message = f"this takes true or false, and is {quoted(node)}"
            fail("CC107", message, node, f"write {right}", write_value(right == "true"))
    value = evaluate(node, scope, "true or false")
    if not isinstance(value, bool):
        shown = node.text if isinstance(node, ScalarNode) else "x"
        advice, fix = f"compare it: `{shown} > 0`", None
        if isinstance(value, str):
            advice = "leave the quotes out"
        elif isinstance(node, ScalarNode) and node.text in ("0", "1"):
            advice = f"write {'true' if value else 'false'}"
            fix = write_value(bool(value))
        message = f"this takes true or false, and is {_described(value)}"
        fail("CC107", message, node, advice, fix, held=value)
    return value


def word(node: Node, scope: Scope, choices: tuple[str, ...]) -> str:
    """A scalar that must be one of several words, or a parameter that holds one."""
    wanted = "one of " + ", ".join(choices)
    if not isinstance(node, ScalarNode):
        fail("CC107", f"this takes {wanted}, and is {quoted(node)}", node)
    text = node.text
    held = scope.values.get(text)
    if text not in choices and node.plain and isinstance(held, str):
        scope.used.add(text)
        text = held
    elif text not in choices and node.plain and ("'" in text or " if " in text):
        value = evaluate(node, scope, wanted)
        text = value if isinstance(value, str) else text
    if text not in choices:
        from convcalc.spec.answers import native_value

        meant, sure = native_value(text, choices)
        near = meant or closest(text, choices)
        right = meant if sure else misspelt(text, choices)
        fail(
            "CC107",
            f"this takes {wanted}, and is {quoted(node)}",
            node,
            f"did you mean `{near}`?" if near else None,
            renamed(right) if near and text == node.text else None,
        )
    return text


def axes(node: Node, scope: Scope) -> int | tuple[int, ...]:
    """One number for all axes, or one per axis: 3, 3x5, [3, 5]."""
    if isinstance(node, List) and not node.items:
        fail("CC107", "an empty list gives no axis a value", node, FORM_TEXTS["axes"])
    if isinstance(node, ScalarNode) and _is_by_axis(node.text):
        return tuple(_bounded_digits(part, node) for part in _parts(node.text))
    try:
        if isinstance(node, List):
            return tuple(whole(item, scope) for item in node.items)
        return whole(node, scope, FORM_TEXTS["axes"])
    except FieldError as error:
        raise _by_axis_help(error, node, scope, "axes") from None


def ratios(node: Node, scope: Scope) -> float | tuple[float, ...]:
    """One number for all axes, or a list of one per axis."""
    if isinstance(node, ScalarNode) and _is_by_axis(node.text):
        return tuple(_bounded_digits(part, node) for part in _parts(node.text))
    try:
        if isinstance(node, List) and node.items:
            return tuple(number(item, scope) for item in node.items)
        return number(node, scope, FORM_TEXTS["ratios"])
    except FieldError as error:
        raise _by_axis_help(error, node, scope, "ratios") from None


def padding(node: Node, scope: Scope) -> Any:
    """A number, one per axis, (before, after) per axis, `same` or `valid`."""
    if isinstance(node, ScalarNode) and node.text in ("same", "valid"):
        return node.text
    if isinstance(node, ScalarNode) and node.text.isalpha() and node.text not in scope.values:
        near = closest(node.text, ("same", "valid"))
        fail(
            "CC107",
            f"this takes {FORM_TEXTS['padding']}, and is {quoted(node)}",
            node,
            f"did you mean `{near}`?" if near else None,
            renamed(misspelt(node.text, ("same", "valid"))) if near else None,
        )
    if isinstance(node, ScalarNode) and isinstance(scope.values.get(node.text), str):
        return word(node, scope, ("same", "valid"))
    if not isinstance(node, List):
        return axes(node, scope)
    sides: list[int | tuple[int, int]] = []
    for item in node.items:
        if isinstance(item, List):
            if len(item.items) != 2:
                fail(
                    "CC107",
                    f"the padding of an axis is [before, after], and this list has "
                    f"{len(item.items)} values",
                    item,
                )
            sides.append((whole(item.items[0], scope), whole(item.items[1], scope)))
        else:
            sides.append(whole(item, scope))
    if not sides:
        fail("CC107", "an empty list gives no axis a value", node, FORM_TEXTS["padding"])
    return tuple(sides)


def _padding_help(
    error: FieldError, value: Node, node: Map, declared: Mapping[str, Declared]
) -> FieldError:
    """The error of a padding that is said in a word of other frameworks, with better help."""
    if isinstance(value, ScalarNode) and value.plain and error.problem.code == "CC107":
        from convcalc.spec.answers import padding_answer

        answer = padding_answer(value.text, node, declared)
        if answer is not None:
            problem = error.problem._replace(help=answer.advice, fix=answer.fix)
            return FieldError(problem, error.start, error.end, error.written)
    return error


def extents(node: Node, scope: Scope, form: "Form | None" = None) -> tuple[int, ...]:
    """A list of whole numbers, or 4x4x64; of the form `rest` one may be −1."""
    if isinstance(node, ScalarNode) and _is_by_axis(node.text):
        return tuple(_bounded_digits(part, node) for part in _parts(node.text))
    try:
        if isinstance(node, List):
            return tuple(whole(item, scope) for item in node.items)
        return (whole(node, scope, FORM_TEXTS["extents"]),)
    except FieldError as error:
        raise _by_axis_help(error, node, scope, form or "extents") from None


def _is_by_axis(text: str) -> bool:
    """Whether a text is numbers with an x between them: 3x5, or 3×5 as tables show it."""
    parts = _parts(text)
    return len(parts) > 1 and all(part.isascii() and part.isdecimal() for part in parts)


def _parts(text: str) -> list[str]:
    return text.replace("×", "x").split("x")


def product(node: Node, products: Mapping[str, ScalarNode]) -> ScalarNode | None:
    """The product of bare numbers that a node is, or that the name has which it is."""
    if not isinstance(node, ScalarNode):
        return None
    if _is_product(node.text):
        return node
    return products.get(node.text)


def _is_product(text: str) -> bool:
    return "*" in text and re.fullmatch(_PRODUCT, text) is not None


def _by_x(text: str) -> str:
    """A product of numbers as the shape or size that it may stand for: 3x3."""
    return text.replace(" ", "").replace("*", "x")


def _by_axis_help(error: FieldError, node: Node, scope: Scope, form: "Form") -> FieldError:
    """The error of what means 3x5 and is written otherwise, with better help."""
    if isinstance(error, SilencedError | WaitingError):
        return error
    if error.problem.code not in ("CC107", "CC110", "CC111") or error.problem.fix is not None:
        return error
    from convcalc.spec import by_axis

    better = (form == "shape" and by_axis.of_shape(node, scope.values)) or by_axis.advice(
        node, scope.values, form
    )
    if not better:
        return error
    problem = error.problem._replace(help=better.help, fix=better.fix)
    if better.message:
        problem = problem._replace(message=better.message)
    elif not isinstance(node, ScalarNode) and better.fix is None:
        return FieldError(problem, error.start, error.end, error.written)
    elif isinstance(node, ScalarNode) and problem.code == "CC110":
        problem = problem._replace(message=f"{quoted(node)} is no number")
    return FieldError(problem, node.start, node.end, _bare(node))


def _bounded_digits(digits: str, node: Node) -> int:
    if len(digits) > 18:
        fail(
            "CC103",
            f"a number of {len(digits):,} digits, and numbers have at most 18",
            node,
            "use a smaller number",
        )
    return int(digits)


def _described(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"text, '{value[:40]}'" if isinstance(value, str) else f"{value:.10g}"


_READERS: dict[str, Callable[[Node, Scope], Any]] = {
    "whole": whole,
    "number": number,
    "flag": flag,
    "axes": axes,
    "ratios": ratios,
    "padding": padding,
}


def read_value(declared: Declared, node: Node, scope: Scope) -> Any:
    """The value of a field, of the right form and within its bounds."""
    if declared.form == "choice":
        return word(node, scope, declared.choices)
    value = _read_form(declared, node, scope)
    if declared.form != "flag" and not isinstance(value, str):
        _check_bounds(declared, value, node)
    return value


def _read_form(declared: Declared, node: Node, scope: Scope) -> Any:
    """A value of the field's form; what the help says to write can stand there."""

    def read(value: Node) -> Any:
        if declared.form == "extents":
            return extents(value, scope, "rest" if declared.minimum == -1 else None)
        return _READERS[declared.form](value, scope)

    def within_bounds(value: Node) -> None:
        if declared.form != "flag" and not isinstance(right := read(value), str):
            _check_bounds(declared, right, value)

    try:
        return read(node)
    except FieldError as error:
        raise _tried(_bounded(error, declared), node, within_bounds) from None


def _tried(error: FieldError, node: Node, read: Callable[[Node], object]) -> FieldError:
    """The error, without what its help says to write where that would be one, too."""
    fix = error.problem.fix
    if fix is None or fix.do != "write" or (error.start, error.end) != (node.start, node.end):
        return error
    from convcalc.spec.nodes import node_of

    try:
        read(node_of(fix.value))
    except FieldError:
        kept = error.problem.help if (error.problem.help or "").startswith("leave out") else None
        error.problem = error.problem._replace(help=kept, fix=None)
    return error


def _bounded(error: FieldError, declared: Declared) -> FieldError:
    """The error of a number that is not whole, whose help stays within the field's bounds."""
    value, minimum = error.value, declared.minimum
    if error.problem.code != "CC112" or value is None or minimum is None:
        return error
    least = int(minimum)
    if (error.problem.help or "").startswith("round it"):
        if floor(value) >= least:
            return error
        error.problem = error.problem._replace(help=f"round it to {least} or more: max({least}, …)")
    elif floor(value) < least:
        advice = f"write {least}" if floor(value) + 1 >= least else f"use {least} or more"
        error.problem = error.problem._replace(help=advice)
    return error


def _check_bounds(declared: Declared, value: Any, node: Node) -> None:
    if isinstance(value, tuple):
        parts = node.items if isinstance(node, List) else []
        for position, part in enumerate(value):
            _check_bounds(declared, part, parts[position] if position < len(parts) else node)
        return
    minimum, above, maximum = declared.minimum, declared.above, declared.maximum
    if minimum is not None and value < minimum:
        least = _bound(minimum)
        advice = f"use {least} or more"
        if minimum == 0 and declared.form == "padding":
            advice += "; to cut rows off, use `crop`"
        fail("CC302", f"{shown(value)} is below {least}, the least this can be", node, advice)
    if above is not None and value <= above:
        over = _bound(above)
        fail("CC302", f"{shown(value)} is not above {over}", node, f"use more than {over}")
    if maximum is not None and value > maximum:
        most = _bound(maximum)
        fail(
            "CC302",
            f"{shown(value)} is above {most}, the most this can be",
            node,
            f"write {value / 100:.9g}: it is a share of 1"
            if maximum == 1 and value <= 100 and float(value).is_integer()
            else f"use {most} or less",
        )


def shown(value: float) -> str:
    """A number as a message shows it: whole ones in digits, up to where nobody counts them.

    >>> shown(10**18), shown(10**300), shown(0.1)
    ('1000000000000000000', '1e+300', '0.1')
    """
    whole = isinstance(value, int) and abs(value) <= MAX_INTEGER
    return str(value) if whole else f"{value:.10g}"


def _bound(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.10g}"


def read_shape(node: Node, scope: Scope) -> Shape:
    """An input shape: 224x224x3, 128x100, 784, or a list of whole numbers."""
    if isinstance(node, ScalarNode) and _is_product(node.text):
        value = whole(node, scope)
        fail(
            "CC108",
            f"{quoted(node)} is a product, and a vector of {shown(value)}",
            node,
            f"write {_by_x(node.text)}, or {shown(value)} if a vector is meant",
        )
    try:
        values = extents(node, scope, "shape")
    except FieldError as error:
        raise _tried(error, node, lambda value: read_shape(value, scope)) from None
    if not 1 <= len(values) <= MAX_AXES + 1:
        fail(
            "CC108",
            f"a shape has 1 to {MAX_AXES} spatial axes and channels, and this has "
            f"{len(values)} numbers",
            node,
            "write height × width × channels: 224x224x3",
        )
    for position, value in enumerate(values):
        if not 1 <= value <= MAX_WHOLE:
            at = node.items[position] if isinstance(node, List) else node
            from convcalc.spec import by_axis

            better = by_axis.advice(node, scope.values, "shape") if value == -1 else None
            message = f"an extent is from 1 to {MAX_WHOLE:,}, and this is {shown(value)}"
            advice, fix = (better.help, better.fix) if better else (None, None)
            fail("CC108", message, node if better else at, advice, fix)
    return Shape(values[-1], values[:-1])


def parse_shape(text: str) -> Shape:
    """The shape that a text such as 384x384x3 says; `FieldError` when it says none.

    >>> parse_shape("384x384x3")
    Shape(channels=3, spatial=(384, 384))
    """
    text = text.strip().replace("×", "x")
    return read_shape(ScalarNode(text, 0, len(text)), Scope({}))


class FieldReader:
    """Reads the layers of one spec."""

    def __init__(self, findings: Findings, rounding: str = "exact") -> None:
        self._findings = findings
        self.rounding = rounding
        self.kind_defaults: dict[str, dict[str, Any]] = {}
        """Values from the spec's `defaults`, by kind."""
        self._usual: dict[str, dict[str, Any]] = {}
        self._told: set[tuple[str, int]] = set()
        self._interned: dict[tuple[object, ...], Layer] = {}

    def report(self, error: FieldError, layer: str | None = None, field: str | None = None) -> None:
        """Put an error on record, its message starting with the field's name."""
        if isinstance(error, SilencedError):
            return
        message = error.problem.message
        if field is not None:
            if message.startswith("this takes "):
                message = f"{field}{message[4:]}"
            elif message.startswith("not a "):
                message = f"{field} is {message}"
            elif message[0].isdigit() or message[0] == "-":
                message = f"{field} {message}"
        problem = error.problem._replace(message=message, field=field)
        self._findings.add(problem, self._findings.places.place(error.start, error.end), layer)

    def caused(self, error: FieldError, scope: Scope) -> FieldError:
        """The error at the argument of a block's call, and once, where that is its cause."""
        if isinstance(error, SilencedError):
            return error
        cause = scope.causes.get(error.written)
        if cause is None:
            return error
        told = (error.problem.code, cause.start)
        if told in self._told:
            return SilencedError(error.problem, cause.start, cause.end)
        self._told.add(told)
        fix = None
        if isinstance(cause, ScalarNode) and not cause.plain and error.held == cause.text:
            fix = write_value(cause.text)  # it was meant as it is without its quotes
        used = self._findings.places.place(error.start, error.end), "used here"
        problem = error.problem._replace(fix=fix, related=(used,))
        return FieldError(problem, cause.start, cause.end)

    def layer(self, kind: str, node: Node, scope: Scope, name: str) -> "Layer | Late | None":
        """The layer of a kind whose fields `node` holds; None, and findings, when it has errors.

        It is `Late` where a field reads the incoming tensor.
        Equal layers written with plain numbers are one object, so that what follows from a layer
        is worked out once.
        """
        at = (id(node), kind)
        if at in scope.layers:
            return scope.layers[at]
        key = _key(kind, node)
        layer: Layer | Late | None = self._interned.get(key) if key else None
        if layer is None:
            outer, scope.used = scope.used, set()
            made = layer = self._read(kind, node, scope, name)
            if made is None and not scope.used.isdisjoint(INCOMING):
                layer = _waiting(self, kind, node, scope)
            elif key and made is not None and not scope.used:
                self._interned[key] = made
            outer.update(scope.used)
            scope.used = outer
            scope.layers[at] = layer
        return layer

    def late(
        self,
        kind: str,
        node: Node,
        scope: Scope,
        name: str,
        incoming: Shape,
        findings: Findings | None,
    ) -> Layer | None:
        """The layer of a kind once it is known what comes in; see `Late.layer`."""
        channels = incoming.channels
        written = _key(kind, node)
        key = (*written, channels) if written else None
        layer = self._interned.get(key) if key else None
        if layer is None:
            known = scope.within({"incoming.channels": channels})
            from copy import copy

            reader = copy(self)  # with all that is known of the spec
            reader._findings = findings or Findings(self._findings.places)  # noqa: SLF001 (its own)
            layer = reader._read(kind, node, known, name)  # noqa: SLF001
            if key and layer is not None and known.used <= INCOMING.keys():
                self._interned[key] = layer
        return layer

    def values(self, kind: str, node: Map, scope: Scope, name: str | None) -> dict[str, Any] | None:
        """The fields given in a mapping; None, and findings, when any has an error.

        One that waits for the incoming tensor is silent, but in `defaults`, which have no `name`.
        """
        declared = declarations(layer_class(kind))
        values: dict[str, Any] = {}
        failed = False
        torn = 0
        for key in node.key_nodes():
            field, value = key.text, node.entries[key.text]
            if key.start < torn:
                continue  # the rest of a tuple, which a comma ends here
            if (end := self._torn_tuple(value, name, field)) is not None:
                torn, failed = end, True
                continue
            declaration = declared.get(field)
            if declaration is None:
                self.unknown_field(kind, key, list(declared), name, node)
                failed = True
                continue
            try:
                values[field] = read_value(declaration, value, scope)
                self._warn_product(declaration, value, values[field], scope, name, field)
            except FieldError as problem:
                failed, error = True, problem
                if declaration.form == "padding":
                    error = _padding_help(error, value, node, declared)
                if name is None or not isinstance(error, WaitingError):
                    said = _with_names(_counted(_enlarging(error, kind, field), kind, value), scope)
                    self.report(self.caused(said, scope), name, field)
        return None if failed else values

    def _torn_tuple(self, value: Node, name: str | None, field: str) -> int | None:
        """Report a tuple in braces, `{kernel: (3, 3)}`, and say where it ends; None of others."""
        if not isinstance(value, ScalarNode) or not value.plain or value.text[:1] != "(":
            return None
        content: str = getattr(self._findings.places, "content", "")
        pattern = r"\([ ]*\d{1,18}(?:[ ]*,[ ]*\d{1,18})+[ ]*,?[ ]*\)"
        match = re.compile(pattern).match(content, value.start)
        if match is None or match.end() <= value.end or ")" in value.text:
            return None
        right = "x".join(re.findall(r"\d+", match[0]))
        fix = respell(right, f"write `{right}`")
        message = f"`{match[0][:40]}` is no number"
        start, end = match.span()
        self._findings.report(
            "CC110", message, start, end, f"write `{right}`", layer=name, field=field, fix=fix
        )
        return end

    def unknown_field(
        self, kind: str, key: ScalarNode, fields: list[str], name: str | None, node: Map
    ) -> None:
        """Report a field in `node` that a kind or block does not have."""
        if self._findings.full:
            return
        from convcalc.spec.answers import field_answer
        from convcalc.spec.slips.keys import field_of
        from convcalc.spec.vocabulary import native_field

        right = native_field(key.text, fields)
        value, fix = node.entries[key.text], None
        empty = isinstance(value, ScalarNode) and not value.text
        if (slip := field_of(key.text, fields, empty=empty)) is not None:
            advice, fix = slip.help, slip.fix
        elif empty and key.text.isdecimal() and len(key.text) == 3:
            advice = "inside { } a comma ends the value: write a number's digits without"
        elif key.text in MODIFIERS:
            beside = kind if "`" in kind else f"`{kind}`"
            advice = f"it stands beside {beside}, not in it"
        elif answer := field_answer(kind, key.text, node, fields):
            advice, fix = answer
        elif right in node.entries:
            advice = f"`{right}` is given, too: keep one of the two"
        elif right is not None:
            advice = f"it is called `{right}` here"
            fix = renamed(self._only_field(key.text, fields, node))
        elif fields:
            advice = f"its fields are {listed(fields)}"
        else:
            advice = "it has no fields"
        message = f"{kind} has no field {quoted(key)}"
        self._findings.report("CC109", message, key.start, key.end, advice, layer=name, fix=fix)

    @staticmethod
    def _only_field(key: str, fields: list[str], node: Map) -> str | None:
        """The field that a key surely means, if no other key of the layer means it, too."""
        from convcalc.spec.vocabulary import sure_field

        meant = sure_field(key, fields)
        rivals = (other for other in node.entries if other != key)
        return None if any(sure_field(other, fields) == meant for other in rivals) else meant

    def usual(self, kind: str) -> dict[str, Any]:
        """The values that the fields of a kind have in this spec unless they are given."""
        values = self._usual.get(kind)
        if values is None:
            cls = layer_class(kind)
            values = defaults(cls)
            if "rounding" in values and self.rounding != "exact":
                ceils = self.rounding == "ceil" and cls.ceils
                values["rounding"] = "ceil" if ceils else "floor"
            values.update(self.kind_defaults.get(kind, {}))
            self._usual[kind] = values
        return values

    def _read(self, kind: str, node: Node, scope: Scope, name: str) -> Layer | None:
        """The layer, made of what is given and of what its kind usually has."""
        given = self._given(kind, node, scope, name)
        usual = self.usual(kind)
        missing = self._missing(kind, node, given, usual)
        if missing and (given is not None or isinstance(node, Map)):
            self._report_missing(kind, missing, node, name)
            return None
        if given is None:
            return None
        return layer_class(kind)(**{**usual, **given})

    def _given(self, kind: str, node: Node, scope: Scope, name: str) -> dict[str, Any] | None:
        """The fields that a node says; None, and findings, when it has errors."""
        if isinstance(node, Map):
            return self.values(kind, node, scope, name)
        if isinstance(node, ScalarNode) and ((not node.text and node.plain) or node.text == kind):
            return {}
        cls = layer_class(kind)
        declared = declarations(cls)
        if not declared or not cls.stands_alone:
            self._report_value(kind, list(declared), node, name)
            return None
        field, declaration = next(iter(declared.items()))
        try:
            value = read_value(declaration, node, scope)
            self._warn_product(declaration, node, value, scope, name, field)
        except FieldError as error:
            if not isinstance(error, WaitingError):
                said = _with_names(_counted(_with_fields(error, kind, node), kind, node), scope)
                self.report(self.caused(said, scope), name, field)
            return None
        return {field: value}

    def _missing(
        self, kind: str, node: Node, given: Mapping[str, Any] | None, usual: Mapping[str, Any]
    ) -> list[str]:
        """The fields that a kind needs and a node does not have, not even under another name."""
        declared = declarations(layer_class(kind))
        present = set(node.entries) if isinstance(node, Map) else set(given or ())
        foreign = present - set(declared)
        if foreign and not self._findings.full:
            from convcalc.spec.slips.keys import field_of
            from convcalc.spec.vocabulary import native_field

            present |= {native_field(field, list(declared)) or "" for field in foreign}
            for field in foreign:
                slip = field_of(field, list(declared), empty=True)
                present |= slip.fields if slip else frozenset()
        return [field for field in declared if field not in usual and field not in present]

    def _report_value(self, kind: str, fields: list[str], node: Node, name: str) -> None:
        """Report a value where a kind takes none that stands alone."""
        advice = f"write `- {kind}`"
        if kind == "relu" and not _says_nothing(node):
            advice += "; `relu6` ends at 6, and `leaky_relu` has a slope"
        if fields:
            advice += f", or fields by name: {', '.join(fields)}"
        parts = node.items if isinstance(node, List) else []
        if 0 < len(parts) <= len(fields) and all(isinstance(part, ScalarNode) for part in parts):
            given = ", ".join(
                f"{field}: {getattr(part, 'text', '')[:20]}"
                for field, part in zip(fields, parts, strict=False)
            )
            advice = f"write its fields by name: `{kind}: {{{given}}}`"
        self._findings.report(
            "CC107",
            f"{kind} takes no value{' by itself' if fields else ''}, and has {quoted(node)}",
            node.start,
            node.end,
            advice,
            layer=name,
            fix=remove_value() if not fields and _says_nothing(node) else None,
        )

    def _warn_product(
        self,
        declared: Declared,
        node: Node,
        value: Any,
        scope: Scope,
        name: str | None,
        field: str,
    ) -> None:
        """Warn of a product of bare numbers, `3*3`, where a number per axis may be meant.

        One that a parameter holds is told of once, where the parameter is given it.
        """
        if declared.form not in ("axes", "ratios", "padding", "extents"):
            return
        written = product(node, scope.products)
        if written is None:
            return
        number = value[0] if isinstance(value, tuple) else value
        message = f"{field} {quoted(written)} is a product: {shown(number)}"
        advice = f"write {_by_x(written.text)} for one number per axis, or {shown(number)}"
        fix: Fix | None = write_value(_by_x(written.text))
        if written is not node:
            if ("CC119", written.start) in self._told:
                return
            self._told.add(("CC119", written.start))
            message = f"{quoted(written)} is a product: {shown(number)}, and {field} {quoted(node)}"
            advice = (
                f"write {shown(number)}, or `{field}: {_by_x(written.text)}` in its place for one "
                "number per axis"
            )
            fix = None
        start, end = written.start, written.end
        self._findings.report("CC119", message, start, end, advice, "warning", name, field, fix)

    def _report_missing(self, kind: str, missing: list[str], node: Node, name: str) -> None:
        examples = {"filters": "64", "kernel": "3", "features": "1000", "groups": "2"}
        example = ", ".join(f"{field}: {examples.get(field, '2')}" for field in missing)
        known = ""
        if isinstance(node, ScalarNode) and node.text and node.text != kind:
            principal = next(iter(declarations(layer_class(kind))))
            known = f"{principal}: {node.text}, "
        start, end = node.start, node.end
        if isinstance(node, Map) and self._findings.places.first_line(start, end - 1) < end - 1:
            end = start + 1
        self._findings.report(
            "CC115",
            f"{kind} needs {' and '.join(f'`{field}`' for field in missing)}",
            start,
            max(end, start + 1),
            f"add it: `{kind}: {{{known}{example}}}`",
            layer=name,
        )


def _says_nothing(node: Node) -> bool:
    """Whether a value behind a kind that takes none can go: `relu: true`, and not `relu: 6`."""
    return isinstance(node, ScalarNode) and node.text.lower() in ("true", "yes", "on", "null", "~")


def _waiting(reader: FieldReader, kind: str, node: Node, scope: Scope) -> "Late":
    from convcalc.spec.flat import Late  # which stands above what reads fields

    return Late(reader, kind, node, scope)


def _enlarging(error: FieldError, kind: str, field: str) -> FieldError:
    """The error of a stride below 1, with what makes a map larger."""
    value = error.value
    if field != "stride" or not value or not 0 < value < 1 or not (1 / value).is_integer():
        return error
    scale = int(1 / value)
    larger = f"`upsample: {scale}`, or `conv_transpose` with a stride of {scale},"
    advice = f"write 1; {larger} makes a map {scale} times as large"
    if kind == "conv_transpose":
        advice = f"write 1; `conv` with a stride of {scale} makes a map {scale} times as small"
    error.problem = error.problem._replace(help=advice)
    return error


def _counted(error: FieldError, kind: str, value: Node) -> FieldError:
    """The error of an order of axes that counts from 0, with how axes count here."""
    if kind != "permute" or error.problem.code != "CC302":
        return error
    from convcalc.spec.elsewhere import counted_from_0

    counted = counted_from_0(value)
    if counted is not None:
        error.problem = error.problem._replace(help=counted)
    return error


def _with_names(error: FieldError, scope: Scope) -> FieldError:
    """The error of an expression whose value cannot stand, with the values of its names."""
    if error.problem.code not in ("CC302", "CC112") or not error.written:
        return error
    if error.problem.code == "CC112" and error.value is None:
        return error  # the message has the numbers of the calculation
    from convcalc.spec.expressions import ExpressionError
    from convcalc.spec.syntax import parse

    try:
        names = sorted(parse(error.written).names)
    except ExpressionError:
        return error
    known = [
        f"{name} is {_described(scope.values[name])}" for name in names if name in scope.values
    ]
    if not known or error.written in names:
        return error
    shown = "" if f"`{error.written}`" in error.problem.message else f"`{error.written}`, "
    message = f"{error.problem.message} ({shown}where {listed(known)})"
    error.problem = error.problem._replace(message=message)
    return error


def _with_fields(error: FieldError, kind: str, node: Node) -> FieldError:
    """The error of a value that holds fields by name without braces: `filters=8, kernel=3`."""
    if error.problem.code != "CC110" or not isinstance(node, ScalarNode) or not node.plain:
        return error
    from convcalc.spec.slips.keys import entries_of

    slip = entries_of(kind, node.text)
    if slip is None:
        return error
    message = f"{kind} has fields, and they stand in no braces"
    problem = error.problem._replace(message=message, help=slip.help, fix=slip.fix)
    return FieldError(problem, node.start, node.end)


def _key(kind: str, node: Node) -> tuple[object, ...] | None:
    """What a layer written with scalars alone is told apart by."""
    if node.__class__ is ScalarNode:
        return None if "*" in node.text else (kind, node.text, node.plain)
    if node.__class__ is not Map:
        return None
    parts: list[object] = [kind]
    for name, value in node.entries.items():
        if value.__class__ is not ScalarNode or not value.plain or "*" in value.text:
            return None  # a product may need a warning wherever it stands
        parts.append(name)
        parts.append(value.text)
    return tuple(parts)
