"""A result is named by what it is: `windows`, `problems`, `networks`, and not `found`."""

import ast
import re
from collections.abc import Iterator

import pytest
from paths import PACKAGE
from statements import statements

SAYS_NOTHING = "found"
"""The name that fits whatever a function looks for, so that a reader has to look for it, too."""
SHORT = 3
"""Most statements of a function that can be taken in at a glance, whatever its names."""


def long_functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """The functions of more than a few statements, those of functions inside them included."""
    for function, _ in statements(tree):
        if isinstance(function, ast.FunctionDef):
            count = sum(1 for _ in statements(function))
            if count - (ast.get_docstring(function) is not None) > SHORT:
                yield function


def named(function: ast.FunctionDef) -> Iterator[str]:
    """All that a function itself gives a name: parameters, results, and what loops go through."""
    arguments = function.args
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        yield argument.arg
    waiting: list[ast.AST] = [*function.body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        if not isinstance(node, ast.FunctionDef):
            waiting.extend(ast.iter_child_nodes(node))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def f(found):\n    a = 1\n    b = 2\n    c = 3\n    return found\n", True),
        ("def f():\n    found = []\n    a = 1\n    b = 2\n    return found\n", True),
        ("def f(xs):\n    a = 1\n    for found in xs:\n        a += found\n    return a\n", True),
        ("def f(xs):\n    a = 1\n    b = 2\n    c = [found for found in xs]\n    return c\n", True),
        ("def f():\n    found = g()\n    return found\n", False),
        ("def f():\n    a = 1\n    b = 2\n    c = a.found\n    return c\n", False),
    ],
)
def test_a_name_that_says_nothing_is_seen(code: str, *, said: bool) -> None:
    names = [name for function in long_functions(ast.parse(code)) for name in named(function)]

    assert (SAYS_NOTHING in names) == said


def test_a_result_is_named_by_what_it_is() -> None:
    wrong = []
    for path in sorted(PACKAGE.rglob("*.py")):
        where, text = path.relative_to(PACKAGE).as_posix(), path.read_text(encoding="utf-8")
        if not re.search(rf"\b{SAYS_NOTHING}\b", text):
            continue
        wrong += [
            f"{where}:{function.lineno} {function.name} names something `{SAYS_NOTHING}`"
            for function in long_functions(ast.parse(text))
            if SAYS_NOTHING in named(function)
        ]

    assert not wrong, "\n".join(wrong)
