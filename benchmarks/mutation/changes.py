"""Single changes of the code, by cosmic-ray's operators, and which of them a seed draws."""

import ast
import random
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.binary_operator_replacement import operators as binary_operators
from cosmic_ray.operators.boolean_replacer import (
    ReplaceAndWithOr,
    ReplaceFalseWithTrue,
    ReplaceOrWithAnd,
    ReplaceTrueWithFalse,
)
from cosmic_ray.operators.break_continue import ReplaceBreakWithContinue, ReplaceContinueWithBreak
from cosmic_ray.operators.comparison_operator_replacement import operators as comparison_operators
from cosmic_ray.operators.number_replacer import NumberReplacer
from cosmic_ray.operators.unary_operator_replacement import operators as unary_operators

ROOT = Path(__file__).parent.parent.parent
PARTS = ("window", "layers", "analysis", "spec", "rules", "forward/engine/kernels")
ARITHMETIC = ("Add", "Sub", "Mul", "FloorDiv", "Div", "Mod", "Pow")
FAMILIES = (
    ARITHMETIC,
    ("BitOr", "BitAnd", "BitXor"),
    ("LShift", "RShift"),
    ("Eq", "NotEq", "Lt", "LtE", "Gt", "GtE"),
    # `is` beside `==`: for small numbers and names Python itself makes them the same
    ("Is", "IsNot"),
    ("UAdd", "USub", "Delete"),
    ("Invert", "Delete"),
    ("Not", "Delete"),
)
"""A symbol becomes another of its family: what a slip makes, and not what any type refuses."""
LEAVES = {"operator", "keyword", "number"}


def _sensible(operator: type) -> bool:
    """Whether an operator's both symbols are of one family; its name ends in both."""
    old, new = operator.__name__.split("_")[-2:]
    return any(old in family and new in family for family in FAMILIES)


OPERATORS: dict[str, Any] = {
    operator.__name__: operator
    for operator in (
        *filter(_sensible, (*binary_operators(), *comparison_operators(), *unary_operators())),
        *(NumberReplacer, ReplaceAndWithOr, ReplaceOrWithAnd),
        *(ReplaceTrueWithFalse, ReplaceFalseWithTrue),
        *(ReplaceBreakWithContinue, ReplaceContinueWithBreak),
    )
}


class Change(NamedTuple):
    """One change of one place."""

    part: str
    path: str
    """From the root of the repository."""
    operator: str
    occurrence: int
    """The how manieth place of the operator in the file, in cosmic-ray's count."""
    line: int
    column: int
    source: str
    """The file with the change made."""
    old: str
    new: str
    """The line before and after."""

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What names the change where lines were added or taken away elsewhere in the file."""
        return (self.path, self.operator, self.old, self.occurrence)

    @property
    def words(self) -> tuple[str, str, str]:
        """What names the change in prose."""
        return (self.path, self.old, self.new)

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.old}  →  {self.new}"


Place = tuple[int, int]
"""Line and column."""


def files(part: str) -> list[Path]:
    """The Python files of a part."""
    whole = ROOT / "convcalc" / part
    return sorted(whole.rglob("*.py")) if whole.is_dir() else [whole.with_suffix(".py")]


@cache
def places(path: Path) -> Mapping[Place, Sequence[tuple[str, int]]]:
    """The places of a file that can be changed: operators by name, and their occurrence."""
    source = path.read_text(encoding="utf-8")
    unread = _alternatives(source) | _guards(source)
    result: dict[Place, list[tuple[str, int]]] = {}
    nodes = [
        node
        for node in ast_nodes(get_ast(source))
        if node.type in LEAVES or node.type in {"comparison", "factor", "not_test"}
    ]
    lines = source.splitlines()
    for name, operator in OPERATORS.items():
        positions = (start for node in nodes for start, _ in operator().mutation_positions(node))
        for occurrence, start in enumerate(positions):
            if start in unread:
                continue
            if name == "NumberReplacer" and occurrence % 2:  # cosmic-ray's second change is − 1
                at = lines[start[0] - 1][start[1] :]
                if at[:1] == "0" and not at[1:2].isalnum() and at[1:2] != ".":
                    continue  # an index of −1 is the other end, and a size of −1 nothing at all
            result.setdefault(start, []).append((name, occurrence))
    return result


def _guards(source: str) -> set[Place]:
    """Where `strict=True` and `frozen=True` stand: they guard, and compute nothing."""
    return {
        (node.value.lineno, node.value.col_offset)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.keyword) and node.arg in {"strict", "frozen"}
    }


def _alternatives(source: str) -> set[Place]:
    """Where the `|` of a type stands that an annotation names: nothing is computed there."""
    annotations = [
        node.annotation if isinstance(node, (ast.AnnAssign, ast.arg)) else node.returns
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.AnnAssign, ast.arg, ast.FunctionDef))
    ]
    lines = source.splitlines()
    return {
        (line, column)
        for annotation in annotations
        if annotation is not None
        for line in range(annotation.lineno, (annotation.end_lineno or 0) + 1)
        for column, sign in enumerate(lines[line - 1])
        if sign == "|" and (annotation.lineno, annotation.col_offset) <= (line, column)
    }


def drawn(seed: int, changes: int) -> tuple[dict[str, Iterator[Change]], dict[str, int]]:
    """For each part its changes in the order of the seed, and how many of them are wanted.

    Each place is drawn once at most, whatever the number of things that can happen to it.
    """
    counts = {part: sum(len(places(path)) for path in files(part)) for part in PARTS}
    total = sum(counts.values())
    shares = {part: changes * count / total for part, count in counts.items()}
    quotas = {part: int(share) for part, share in shares.items()}
    for part in sorted(PARTS, key=lambda part: int(shares[part]) - shares[part]):
        if sum(quotas.values()) < changes:
            quotas[part] += 1
    return {part: _order(part, seed) for part in PARTS}, quotas


def _order(part: str, seed: int) -> Iterator[Change]:
    chance = random.Random(f"{seed} {part}")  # noqa: S311 (a draw, and no secret)
    choices = [(path, place) for path in files(part) for place in sorted(places(path))]
    chance.shuffle(choices)
    for path, place in choices:
        operator, occurrence = chance.choice(places(path)[place])
        yield _change(part, path, place, operator, occurrence)


def _change(part: str, path: Path, place: Place, operator: str, occurrence: int) -> Change:
    source = path.read_text(encoding="utf-8")
    changed = mutate_code(source, OPERATORS[operator](), occurrence)
    line, column = place
    before, after = source.splitlines(), changed.splitlines()
    name = path.relative_to(ROOT).as_posix()
    old, new = before[line - 1].strip(), after[line - 1].strip()
    return Change(part, name, operator, occurrence, line, column, changed, old, new)


def find(path: str, operator: str, old: str, occurrence: int) -> Change | None:
    """The change that had this key, where its line stands now; None where that is gone.

    A line that left its file is looked for in the part, and counts where there is one like it.
    """
    whole = ROOT / path
    parts = [part for part in PARTS if path.startswith(f"convcalc/{part}")]
    if parts and whole.exists() and (like := _like(whole, operator, old)):
        place, number = min(like, key=lambda pair: (abs(pair[1] - occurrence), pair[0]))
        return _change(parts[0], whole, place, operator, number)
    moved = {
        (part, to): like
        for part in parts or PARTS  # of a folder that was moved itself, anywhere
        for to in files(part)
        if (parts or to.name == whole.name) and (like := _like(to, operator, old))
    }
    if len(moved) != 1:
        return None
    (((part, to), like),) = moved.items()
    place, number = min(like, key=lambda pair: (abs(pair[1] - occurrence), pair[0]))
    return _change(part, to, place, operator, number)


def _like(path: Path, operator: str, old: str) -> list[tuple[Place, int]]:
    """Where an operator changes a line of this text, and as the how manieth of the file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [
        (place, number)
        for place, choices in places(path).items()
        for name, number in choices
        if name == operator and lines[place[0] - 1].strip() == old
    ]
