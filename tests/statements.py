"""Statements of a module, without the expressions in them: most of a tree is expressions."""

import ast
from collections.abc import Iterator

BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
"""Fields of a statement that hold statements, or what holds some."""


def statements(tree: ast.AST, *, late: bool = False) -> Iterator[tuple[ast.stmt, bool]]:
    """Every statement below a node in the order of the text, and whether a function holds it."""
    for field in BLOCKS:
        for node in getattr(tree, field, ()):
            if isinstance(node, ast.stmt):
                yield node, late
            yield from statements(node, late=late or isinstance(node, ast.FunctionDef))
