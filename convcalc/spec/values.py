"""What a value may be written as, of each form that a field can have, and how it is read.

A value that cannot be read is a `FieldError`; `misread.py` says what it may have been meant as.
"""

import re
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from functools import cache
from math import floor
from typing import TYPE_CHECKING, Any, NoReturn

from convcalc.diagnostics import Fix, Problem, closest, misspelt, rename, write_value
from convcalc.layers.base import AXIS_WORDS, MAX_WHOLE, Declared, Layer
from convcalc.shape import Shape
from convcalc.spec.nodes import MAX_INTEGER, List, Map, Node, ScalarNode, Value

if TYPE_CHECKING:
    from convcalc.spec.by_axis import Form
    from convcalc.spec.expressions import Expression, ExpressionError
    from convcalc.spec.flat import Late

AS_IT_COMES = "*"
"""What stands in a list of sizes for the one of the map that comes in."""
MAX_AXES = 3
"""Most spatial axes."""

_PRODUCT = r"[ ]*\d+(?:[ ]*\*[ ]*\d+)+[ ]*"
"""Numbers with a star between them, which many write for 3x3."""

NO_NAMES = frozenset({"null", "true", "false", "and", "or", "not", "if", "else"})
"""Words that have a meaning of their own where a value stands."""

FORM_TEXTS = {
    "whole": "a whole number",
    "number": "a number",
    "flag": "true or false",
    "choice": "a word",
    "axes": "a whole number, or one per axis such as 3x5 or [3, 5]",
    "ratios": "a number, or a list of one per axis",
    "padding": "a whole number, one per axis, [[before, after], …] per axis, `same` or `valid`",
    "extents": "a list of whole numbers such as [4, 4, 64], or 4x4x64",
    "tensor": "the name of an item before this one",
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


class SilencedError(FieldError):
    """A value that depends on one with an error of its own, already reported."""


class WaitingError(FieldError):
    """A value that reads the incoming tensor, which only a layer's fields can wait for."""


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
    raise FieldError(problem, node.start, node.end, bare(node), text, value)


def bare(node: Node) -> str:
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
        scope = self.beside(names, self.failed)
        scope.causes, scope.products = self.causes, self.products
        return scope

    def beside(self, values: Mapping[str, Value], failed: AbstractSet[str]) -> "Scope":
        """A scope of other names that is watched like this one, if this one is."""
        return Scope(values, failed)

    def calculated(self, expression: "Expression") -> Value:
        """The value of an expression here; who works out many designs at once notes what it reads.

        Raises `ExpressionError`.
        """
        return expression.evaluate(self.values)


def readings(incoming: Shape) -> dict[str, Value]:
    """What an expression may read of an incoming tensor, by name.

    >>> readings(Shape(64, (100,)))
    {'incoming.channels': 64, 'incoming.length': 100}
    """
    axes = zip(AXIS_WORDS[incoming.rank], incoming.axes, strict=True)
    return {f"incoming.{word}": size for word, size in axes}


def quoted(node: Node) -> str:
    """A node as a message shows it."""
    if isinstance(node, ScalarNode):
        if not node.text and node.plain:
            return "nothing"
        text = node.text if len(node.text) <= 40 else node.text[:39] + "…"
        return f"`{text}`"
    return "a list" if isinstance(node, List) else "a mapping"


def shown(value: float) -> str:
    """A number as a message shows it: whole ones in digits, up to where nobody counts them.

    >>> shown(10**18), shown(10**300), shown(0.1)
    ('1000000000000000000', '1e+300', '0.1')
    """
    whole = isinstance(value, int) and abs(value) <= MAX_INTEGER
    return str(value) if whole else f"{value:.10g}"


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
    parse, expression_error = _arithmetic()
    try:
        expression = parse(text)
        if expression.names:
            scope.used.update(expression.names)
        return scope.calculated(expression)
    except expression_error as error:
        from convcalc.spec.misread import uncalculated

        raise uncalculated(error, node, scope, wanted) from None


@cache
def _arithmetic() -> "tuple[Callable[[str], Expression], type[ExpressionError]]":
    """What reads an expression, and its error, imported for the first one: few specs have any."""
    from convcalc.spec.expressions import ExpressionError
    from convcalc.spec.syntax import parse

    return parse, ExpressionError


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
    message = f"this takes {wanted}, and is {described(value)}"
    fail("CC107", message, node, _no_text(value), held=value)


def number(node: Node, scope: Scope, wanted: str = "a number") -> float:
    """The value of a scalar that must be a number."""
    value = evaluate(node, scope, wanted)
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = f"this takes {wanted}, and is {described(value)}"
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
        message = f"this takes true or false, and is {described(value)}"
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
        from convcalc.spec.answers import axis_answer, native_value

        meant, sure = native_value(text, choices)
        near = meant or closest(text, choices)
        right = meant if sure else misspelt(text, choices)
        fail(
            "CC107",
            f"this takes {wanted}, and is {quoted(node)}",
            node,
            f"did you mean `{near}`?" if near else axis_answer(text, choices),
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
        raise _by_axis(error, node, scope, "axes") from None


def ratios(node: Node, scope: Scope) -> float | tuple[float, ...]:
    """One number for all axes, or a list of one per axis."""
    if isinstance(node, ScalarNode) and _is_by_axis(node.text):
        return tuple(_bounded_digits(part, node) for part in _parts(node.text))
    try:
        if isinstance(node, List) and node.items:
            return tuple(number(item, scope) for item in node.items)
        return number(node, scope, FORM_TEXTS["ratios"])
    except FieldError as error:
        raise _by_axis(error, node, scope, "ratios") from None


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


def extents(node: Node, scope: Scope, form: "Form | None" = None) -> tuple[int, ...]:
    """A list of whole numbers, or 4x4x64; of the form `rest` one may be −1."""
    if isinstance(node, ScalarNode) and _is_by_axis(node.text):
        return tuple(_bounded_digits(part, node) for part in _parts(node.text))
    try:
        if isinstance(node, List):
            return tuple(whole(item, scope) for item in node.items)
        return (whole(node, scope, FORM_TEXTS["extents"]),)
    except FieldError as error:
        raise _by_axis(error, node, scope, form or "extents") from None


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


def by_x(text: str) -> str:
    """A product of numbers as the shape or size that it may stand for: 3x3."""
    return text.replace(" ", "").replace("*", "x")


def _by_axis(error: FieldError, node: Node, scope: Scope, form: "Form") -> FieldError:
    """The error of what may mean 3x5 and be written otherwise."""
    from convcalc.spec.misread import by_axis

    return by_axis(error, node, scope, form)


def _bounded_digits(digits: str, node: Node) -> int:
    if len(digits) > 18:
        fail(
            "CC103",
            f"a number of {len(digits):,} digits, and numbers have at most 18",
            node,
            "use a smaller number",
        )
    return int(digits)


def described(value: Value) -> str:
    """The value of an expression as a message shows it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"text, '{value[:40]}'" if isinstance(value, str) else f"{value:.10g}"


def tensor(node: Node, scope: Scope) -> None:
    """Nothing: which tensor a name means is known where its layer stands."""


_READERS: dict[str, Callable[[Node, Scope], Any]] = {
    "whole": whole,
    "number": number,
    "flag": flag,
    "axes": axes,
    "ratios": ratios,
    "padding": padding,
    "tensor": tensor,
}


def read_value(declared: Declared, node: Node, scope: Scope) -> Any:
    """The value of a field, of the right form and within its bounds."""
    if declared.form == "choice":
        return word(node, scope, declared.choices)
    value = _read_form(declared, node, scope)
    if declared.form != "flag" and not isinstance(value, str):
        try:
            _check_bounds(declared, value, node)
        except FieldError as error:
            if not declared.starred:
                raise
            from convcalc.spec.misread import left_open

            raise left_open(error, node) from None
    return value


def _read_form(declared: Declared, node: Node, scope: Scope) -> Any:
    """A value of the field's form; what the help says to write can stand there."""

    def read(value: Node) -> Any:
        if declared.starred and isinstance(value, List):
            value = _unstarred(value, scope)
        if declared.form == "extents":
            return extents(value, scope, "rest" if declared.minimum == -1 else None)
        return _READERS[declared.form](value, scope)

    def within_bounds(value: Node) -> None:
        if declared.form != "flag" and not isinstance(right := read(value), str):
            _check_bounds(declared, right, value)

    try:
        return read(node)
    except FieldError as error:
        from convcalc.spec.misread import bounded, left_open, tried

        if declared.starred:
            error = left_open(error, node)
        raise tried(bounded(error, declared), node, within_bounds) from None


def _unstarred(node: List, scope: Scope) -> List:
    """A list of one size per axis with what is read of the incoming tensor in place of each `'*'`.

    Where that has another number of axes the layer says so, whatever stands there.
    """
    if not any(isinstance(item, ScalarNode) and item.text == AS_IT_COMES for item in node.items):
        return node
    words = AXIS_WORDS.get(len(node.items), ())[1:]
    known = [name for name in scope.values if name.startswith("incoming.")]
    items: list[Node] = []
    for axis, item in enumerate(node.items):
        if isinstance(item, ScalarNode) and item.text == AS_IT_COMES:
            read = f"incoming.{words[axis]}" if axis < len(words) else "1"
            text = "1" if known and read not in known else read
            items.append(ScalarNode(text, item.start, item.length))
        else:
            items.append(item)
    return List.at(tuple(items), node.start, node.end)


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
            f"write {by_x(node.text)}, or {shown(value)} if a vector is meant",
        )
    try:
        values = extents(node, scope, "shape")
    except FieldError as error:
        from convcalc.spec.misread import tried

        raise tried(error, node, lambda value: read_shape(value, scope)) from None
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
