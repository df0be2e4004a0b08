"""What the help says to write for a number per axis, a shape or a number can be written there."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Any

import pytest
from tabled import tabled

from convcalc.findings import Findings
from convcalc.layers.base import Declared
from convcalc.spec.by_axis import means_one_shape
from convcalc.spec.nodes import Map, Node, node_of
from convcalc.spec.source import compose
from convcalc.spec.text import SourceText
from convcalc.spec.values import FieldError, Scope, read_shape, read_value

FORMS: dict[str, Any] = {
    "axes": Declared("axes", "", 1, maximum=10**9),
    "padding": Declared("padding", "", 0, maximum=10**9),
    "ratios": Declared("ratios", "", above=0, maximum=10**9),
    "extents": Declared("extents", "", 1, maximum=10**9),
    "rest": Declared("extents", "", -1, maximum=10**9),
    "whole": Declared("whole", "", 1, maximum=10**9),
    "number": Declared("number", "", 0, maximum=1),
}
"""One field of each form that numbers have, with the bounds that most have."""
PARTS = ["4", "0.5", "-1", "?", "*", "None", "c", "C", "(3*2)", "c*4", "max(1, c)", ""]
SIGNS = ["x", " x ", "X", "×", ", ", "*", " "]
TEXTS = sorted(
    {
        *(f"{a}{sign}{b}" for a, b in product(PARTS, PARTS) for sign in SIGNS),
        # Of three parts, two that are alike, or one that is a plain number.
        *("x".join(abc) for a, b in product(PARTS, PARTS) for abc in ((a, b, b), (b, a, b))),
        *("x".join(abc) for a, b in product(PARTS, PARTS) for abc in ((b, b, a), ("4", a, b))),
        *("x".join(abc) for a, b in product(PARTS, PARTS) for abc in ((a, "4", b), (a, b, "4"))),
        *(f"({a}, {b}, 8)" for a, b in product(PARTS, PARTS)),
        *(f"[{a}, {b}]" for a, b in product(PARTS[:-1], PARTS[:-1]) if a not in "?*" != b),
        *(f"[4x4, {a}]" for a in PARTS if a not in "?*"),
        *("50%", "50", "1.5", "0,5", "1,000", "1 000", "8,", "8;", "4x4,", "4x4x(3", "-0.5", "c/5"),
        *("32x-4x3", "4px", "box3", "2*x", "3x", "x3", "{h: 8, w: 9, c: 3}", "{shape: 8x8x3}"),
        *("[8x8x1, 8x8x1]", "[8x8x1, 9x8x1]", "[8x8x3]", "8x8x1, 8x8x1", "{a: 8x8, b: 8x8}"),
        *("{h: c, w: 9, c: 3}", "[[8, 8, 3]]", "[[8, 8, 1], [8, 8, 1]]", "{a: 3}", "[]"),
    }
)


@cache
def node(text: str) -> Node | None:
    """The value behind a key, where a text is YAML."""
    written = SourceText("x.yaml", f"key: {text}\n")
    root = compose(written, Findings(written))
    return root.entries.get("key") if isinstance(root, Map) else None


def read(form: str, given: Node) -> Any:
    """What a field of a form reads; raises `FieldError`."""
    scope = Scope({"c": 8})
    if form == "shape" and isinstance(given, Map) and not means_one_shape(given):
        return [read_shape(shape, scope) for shape in given.entries.values()]
    return read_shape(given, scope) if form == "shape" else read_value(FORMS[form], given, scope)


def written(help_: str) -> Iterator[str]:
    """What a help says to write."""
    yield from re.findall(r"(?<!for )`([^`]*\d[^`]*)`", help_)
    for numbers in re.findall(r"write (-?[\d.]+)\b(?! \w)(?: or (-?[\d.]+))?", help_):
        yield from filter(None, numbers)


@pytest.mark.parametrize("form", [*FORMS, "shape"])
def test_what_the_help_says_to_write_is_read(form: str) -> None:
    helped = 0
    for text in TEXTS:
        given = node(text)
        if given is None:
            continue
        try:
            read(form, given)
        except FieldError as error:
            help_, fix = error.problem.help or "", error.problem.fix
            for each in written(help_):
                right = node(each)
                assert right is not None, (text, help_)
                assert read(form, right) is not None, (text, help_)
                helped += 1
            if fix is not None and fix.do == "write":
                assert read(form, node_of(fix.value)) is not None, (text, fix)
    assert helped > 3


@tabled(
    ("form", "text", "help_"),
    [
        ("extents", "4x4x(3*2)", "write it as a list: `[4, 4, (3*2)]`"),
        ("extents", "4x4x(width*4)", "write a number for `width`, or declare it under"),
        ("extents", "4x4x(width*width)", "write a number for `width`, or declare it under"),
        ("extents", "4x4x(width*h)", "write a number for `h`, `width`, or declare them under"),
        ("rest", "1x*x512", "write it as a list: `[1, -1, 512]`"),
        ("extents", "1x*x512", "write a number for `*`"),
        ("shape", "?x?x3", "write a number for `?`"),
        ("shape", "Nonex224x3", "write a number for `None`"),
        ("shape", "Nonex224x224x3", "leave the batch out: `224x224x3`"),
        ("shape", "?x4x224x3", "leave the batch out: `4x224x3`"),
        ("shape", "[-1, 3, 224, 224]", "leave the batch out: `224x224x3`"),
        ("shape", "[1, null]", "write a number for `null`"),
        ("shape", "[8x8x1, 8x8x1]", "several have a name each: `{a: 8x8x1, b: 8x8x1}`"),
        ("shape", "[8x1, 8x2]", "several have a name each: `{a: 8x1, b: 8x2}`"),
        ("shape", "{height: 8, width: 9, channels: 3}", "write `8x9x3`"),
        ("shape", "32X32X3", "write `32x32x3`"),
        ("axes", "3 3", "write `3x3`"),
        ("axes", "2*x", "known names: c"),
        ("whole", "0.5", "write 1"),
        ("whole", "1.5", "write 1 or 2"),
        ("whole", "c/16", "round it to 1 or more"),
        ("whole", "1,000", "write 1000"),
        ("axes", "3x5x", "write `3x5`"),
        ("axes", "x3x5", "a number stands on both sides"),
        ("axes", "×", "a number stands on both sides"),
        ("ratios", "1'000", "write 1000"),
        ("ratios", "1,000", "write 1.000"),
        ("number", "50%", "write 0.5"),
        ("number", "0,5", "write 0.5"),
        ("number", "50", "write 0.5: it is a share of 1"),
        ("whole", "8,", "leave out the `,` at the end"),
    ],
)
def test_a_value_that_is_written_otherwise_is_told_what_to_write(
    form: str, text: str, help_: str
) -> None:
    given = node(text)
    assert given is not None
    with pytest.raises(FieldError) as error:
        read(form, given)

    assert (error.value.problem.help or "").startswith(help_)
