"""Docstrings that an editor shows: of every field of a value, and the contract of a layer."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, NamedTuple, get_origin, get_type_hints

import pytest
from paths import PACKAGE
from statements import statements

import convcalc.layers.base
from convcalc.layers.base import Layer

FEWEST_WORDS = 4
"""Of a docstring that says more than the name of its field."""
UNTOLD = {"a", "an", "and", "as", "in", "is", "it", "its", "of", "that", "the", "this", "to"}
"""Words that say nothing by themselves."""


class Field(NamedTuple):
    """A field of a value, where it is declared."""

    place: str
    """File, line, class and field, as a failing test shows it."""
    name: str
    """What the field is called, in words without `_`."""
    doc: str
    """The docstring below it; empty where there is none."""


def fields(path: Path) -> Iterator[Field]:
    """The fields of every value of a file, nested and private ones included.

    Those of a layer say what they are where they are declared, and so do not need it said again.
    """
    where = path.relative_to(PACKAGE)
    for value, _ in statements(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(value, ast.ClassDef) or not is_value(value):
            continue
        for statement, following in zip(value.body, [*value.body[1:], None], strict=True):
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                if ast.unparse(statement.annotation).startswith(("Annotated[", "ClassVar[")):
                    continue
                name = statement.target.id
                place = f"{where}:{statement.lineno} {value.name}.{name}"
                yield Field(place, name.replace("_", " "), docstring(following))


def is_value(node: ast.ClassDef) -> bool:
    """Whether it is a NamedTuple, a layer or a frozen dataclass."""
    kinds = {"NamedTuple", "Layer", "Pointwise"}
    return any(ast.unparse(base) in kinds for base in node.bases) or any(
        ast.unparse(decorator).startswith("dataclass(frozen=True")
        for decorator in node.decorator_list
    )


def docstring(statement: ast.stmt | None) -> str:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return statement.value.value if isinstance(statement.value.value, str) else ""
    return ""


def complaint(field: Field) -> str | None:
    """What is wrong with the docstring of a field, if anything is."""
    text = " ".join(field.doc.split())
    words = [word.strip(".,;:()`").lower() for word in text.split()]
    if not text:
        return "has no docstring"
    if not (text[0].isupper() or not text[0].isalpha()) or not text.endswith("."):
        return "is no sentence"
    if len(words) < FEWEST_WORDS:
        return "is too short to say what it is, and in what unit"
    if not {*words} - UNTOLD - {*field.name.split()}:
        return "says nothing but the name"
    return None


@pytest.mark.parametrize(
    ("doc", "wrong"),
    [
        ("", True),
        ("Bytes.", True),
        ("bytes of the whole batch.", True),
        ("Bytes of the whole batch", True),
        ("The size of it.", True),
        ("Bytes of the whole batch.", False),
        ("`float32` where nothing is given.", False),
    ],
)
def test_a_docstring_that_says_nothing_is_seen(doc: str, *, wrong: bool) -> None:
    assert (complaint(Field("", "size", doc)) is not None) == wrong


def test_every_field_of_a_value_says_what_it_is() -> None:
    declared = [field for path in sorted(PACKAGE.rglob("*.py")) for field in fields(path)]
    assert len(declared) > 400, "the search finds too little"
    wrong = [f"{field.place} {said}" for field in declared if (said := complaint(field))]

    assert not wrong, f"{len(wrong)} fields:\n" + "\n".join(wrong)


def test_the_contract_of_a_layer_names_all_that_a_class_may_say() -> None:
    table = [
        line.split()[0].partition("(")[0]
        for line in (convcalc.layers.base.__doc__ or "").splitlines()
        if line.startswith("    ")
    ]
    hints = get_type_hints(Layer)
    said = {
        *(name for name, hint in hints.items() if get_origin(hint) is ClassVar),
        *(name for name in vars(Layer) if not name.startswith("_") and name not in hints),
    }

    assert table[0] == "asked"
    # `replace` makes another layer of any, and is nothing that a class says of itself.
    assert sorted(table[1:]) == sorted(said - {"replace"} | {"fields"})
