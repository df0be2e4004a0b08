"""What could not be read of a value, a field or a layer's fields, and what was probably meant.

Imported for the first error. What a help says to write was read, and can stand there.
"""

import re
from collections.abc import Callable, Mapping
from math import floor
from typing import TYPE_CHECKING

from convcalc.diagnostics import Fix, Problem, listed, remove_value, respell, write_value
from convcalc.findings import Findings
from convcalc.layers import layer_class
from convcalc.layers.base import Declared, declarations
from convcalc.spec.nodes import INCOMING, List, Map, Node, ScalarNode, node_of
from convcalc.spec.tree import MODIFIERS
from convcalc.spec.values import (
    FieldError,
    Scope,
    SilencedError,
    WaitingError,
    bare,
    by_x,
    described,
    quoted,
    renamed,
    shown,
)

if TYPE_CHECKING:
    from convcalc.spec.by_axis import Form
    from convcalc.spec.expressions import ExpressionError

_AS_IT_COMES = frozenset({"*", "-1", "none", "null", "~"})
"""What an extent is called that is left as it comes, here and elsewhere, in lower case."""


# Values


def uncalculated(
    error: "ExpressionError", node: ScalarNode, scope: Scope, wanted: str
) -> FieldError:
    """The error of an expression, at the part of it that is at fault."""
    from convcalc.spec.expressions import IncomingError
    from convcalc.spec.syntax import parse

    text = node.text
    start, end, written = node.start, node.end, bare(node)
    if error.code == "CC111" and scope.failed and scope.failed & parse(text).names:
        return SilencedError(Problem(error.code, error.message), start, end)
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
    if error.code == "CC110":
        from convcalc.spec.numerals import respelled

        better = respelled(text, whole="whole" in wanted)
        if better is not None:
            (advice, fix), start, end = better, node.start, node.end
    problem = Problem(error.code, error.message, help=advice, fix=fix)
    kind = WaitingError if isinstance(error, IncomingError) else FieldError
    return kind(problem, start, end, written)


def by_axis(error: FieldError, node: Node, scope: Scope, form: "Form") -> FieldError:
    """The error of what means 3x5 and is written otherwise, with better help."""
    if isinstance(error, SilencedError | WaitingError) or error.written in INCOMING:
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
    return FieldError(problem, node.start, node.end, bare(node))


def left_open(error: FieldError, node: Node) -> FieldError:
    """The error of an axis that is left as it comes, as other frameworks say it, or alone."""
    advice, fix = "write `'*'` for an axis that is left as it comes", None
    if isinstance(node, ScalarNode):
        written = node.text.lower()
        advice = f"{advice}, in a list of one for each axis: ['*', 7]"
    else:
        written = error.written.lower()
        fix = None if written == "-1" else write_value("*")  # a sign may be too much
    if written in _AS_IT_COMES:
        error.problem = error.problem._replace(help=advice, fix=fix)
        if isinstance(node, ScalarNode):
            error.start, error.end = node.start, node.end
    return error


def tried(error: FieldError, node: Node, read: Callable[[Node], object]) -> FieldError:
    """The error, without what its help says to write where that would be one, too."""
    fix = error.problem.fix
    if fix is None or fix.do != "write" or (error.start, error.end) != (node.start, node.end):
        return error
    try:
        read(node_of(fix.value))
    except FieldError:
        kept = error.problem.help if (error.problem.help or "").startswith("leave out") else None
        error.problem = error.problem._replace(help=kept, fix=None)
    return error


def bounded(error: FieldError, declared: Declared) -> FieldError:
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


# Fields


def of_field(
    error: FieldError, kind: str, field: str, value: Node, node: Map, scope: Scope
) -> FieldError:
    """The error of a field's value in the mapping of a kind's fields."""
    declared = declarations(layer_class(kind))
    if declared[field].form == "padding":
        error = _of_padding(error, value, node, declared)
    return _with_names(_counted(_enlarging(error, kind, field), kind, value), scope)


def of_principal(error: FieldError, kind: str, node: Node, scope: Scope) -> FieldError:
    """The error of the value that stands alone behind a kind, for its first field."""
    return _with_names(_counted(_with_fields(error, kind, node), kind, node), scope)


def of_tensor(error: FieldError, value: Node, is_tensor: Callable[[str], bool]) -> FieldError:
    """The error of a name where a number is wanted, which may be a tensor's."""
    name = value.text if isinstance(value, ScalarNode) and value.plain else ""
    if name and is_tensor(name):
        advice = f"it is a tensor's name: write `like: {name}` to make the map as large"
        error.problem = error.problem._replace(help=advice, fix=None)
    return error


def _of_padding(
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
    known = [f"{name} is {described(scope.values[name])}" for name in names if name in scope.values]
    if not known or error.written in names:
        return error
    where = "" if f"`{error.written}`" in error.problem.message else f"`{error.written}`, "
    message = f"{error.problem.message} ({where}where {listed(known)})"
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


def torn_tuple(findings: Findings, value: Node, name: str | None, field: str) -> int | None:
    """Report a tuple in braces, `{kernel: (3, 3)}`, and say where it ends; None of others."""
    if not isinstance(value, ScalarNode) or not value.plain or value.text[:1] != "(":
        return None
    content: str = getattr(findings.places, "content", "")
    pattern = r"\([ ]*\d{1,18}(?:[ ]*,[ ]*\d{1,18})+[ ]*,?[ ]*\)"
    match = re.compile(pattern).match(content, value.start)
    if match is None or match.end() <= value.end or ")" in value.text:
        return None
    right = "x".join(re.findall(r"\d+", match[0]))
    fix = respell(right, f"write `{right}`")
    message = f"`{match[0][:40]}` is no number"
    start, end = match.span()
    findings.report(
        "CC110", message, start, end, f"write `{right}`", layer=name, field=field, fix=fix
    )
    return end


def product_for_each(
    findings: Findings, field: str, node: Node, written: ScalarNode, value: float, layer: str | None
) -> None:
    """Warn of a product of bare numbers, `3*3`, where a number per axis may be meant.

    `written` is the product, which the name may have that `node` is.
    """
    message = f"{field} {quoted(written)} is a product: {shown(value)}"
    advice = f"write {by_x(written.text)} for one number per axis, or {shown(value)}"
    fix: Fix | None = write_value(by_x(written.text))
    if written is not node:
        message = f"{quoted(written)} is a product: {shown(value)}, and {field} {quoted(node)}"
        advice = (
            f"write {shown(value)}, or `{field}: {by_x(written.text)}` in its place for one "
            "number per axis"
        )
        fix = None
    start, end = written.start, written.end
    findings.report("CC119", message, start, end, advice, "warning", layer, field, fix)


# Layers


def unknown_field(
    findings: Findings, kind: str, key: ScalarNode, fields: list[str], name: str | None, node: Map
) -> None:
    """Report a field in `node` that a kind or block does not have."""
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
        fix = renamed(_only_field(key.text, fields, node))
    elif fields:
        advice = f"its fields are {listed(fields)}"
    else:
        advice = "it has no fields"
    message = f"{kind} has no field {quoted(key)}"
    findings.report("CC109", message, key.start, key.end, advice, layer=name, fix=fix)


def _only_field(key: str, fields: list[str], node: Map) -> str | None:
    """The field that a key surely means, if no other key of the layer means it, too."""
    from convcalc.spec.vocabulary import sure_field

    meant = sure_field(key, fields)
    rivals = (other for other in node.entries if other != key)
    return None if any(sure_field(other, fields) == meant for other in rivals) else meant


def no_value_alone(findings: Findings, kind: str, fields: list[str], node: Node, name: str) -> None:
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
    findings.report(
        "CC107",
        f"{kind} takes no value{' by itself' if fields else ''}, and has {quoted(node)}",
        node.start,
        node.end,
        advice,
        layer=name,
        fix=remove_value() if not fields and _says_nothing(node) else None,
    )


def _says_nothing(node: Node) -> bool:
    """Whether a value behind a kind that takes none can go: `relu: true`, and not `relu: 6`."""
    return isinstance(node, ScalarNode) and node.text.lower() in ("true", "yes", "on", "null", "~")


def missing_fields(
    findings: Findings, kind: str, missing: list[str], node: Node, name: str
) -> None:
    """Report fields that a kind needs and a node does not have."""
    examples = {"filters": "64", "kernel": "3", "features": "1000", "indices": "…"}
    example = ", ".join(f"{field}: {examples.get(field, '2')}" for field in missing)
    known = ""
    if isinstance(node, ScalarNode) and node.text and node.text != kind:
        principal = next(iter(declarations(layer_class(kind))))
        known = f"{principal}: {node.text}, "
    start, end = node.start, node.end
    if isinstance(node, Map) and findings.places.first_line(start, end - 1) < end - 1:
        end = start + 1
    findings.report(
        "CC115",
        f"{kind} needs {' and '.join(f'`{field}`' for field in missing)}",
        start,
        max(end, start + 1),
        f"add it: `{kind}: {{{known}{example}}}`",
        layer=name,
    )
