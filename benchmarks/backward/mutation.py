"""Single changes of the code that goes back, and whether its own tests alone notice each.

Kinds that are linear in what they read are held by identities, and all others, called curved here,
by differences and by the rules at a tie. What is changed is each function that a backward pass of
these kinds runs and no forward pass does, and what convolutions share in all directions; what both
run is the linear kinds'. Drawn are places of its syntax tree, each once
at most, and of what can happen there one thing: an operator becomes another, a sign goes, a
comparison or a condition turns round, a number becomes one more or one less, a bound of a slice
goes, a product's operands or both of a pair change places, an addition in place becomes an
assignment or a subtraction, a transposition or an adjoint is left out.

A change is caught where both sides of what the tests compare differ, where a gradient is of another
shape or none that was asked for, or where the code fails. What changes nothing is listed in
survivors.md, each with the reason, and counts neither way.
"""

import ast
import copy
import os
import random
import resource
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from benchmarks.timing import print_table

ROOT = Path(__file__).parent.parent.parent
TESTS = ROOT / "tests"
REASONS = Path(__file__).parent / "survivors.md"
SHARED = "convcalc/layers/tapwise.py"
"""What convolutions go forward and back by: the one of one kind, the other of another."""
TRIED = 64
"""Identities of each kind that runs what is changed, as many as the tests try."""
MEMORY = 8 * 2**30
"""Bytes of address space."""
SECONDS = 60
"""Processor seconds after which a change is taken to run without end."""
COUNTS: Mapping[str, int] = {"linear": 200, "curved": 100}
"""Changes that are drawn of each group of kinds."""
LEAST: Mapping[str, float] = {"linear": 0.99, "curved": 0.95}
"""What share of the changes must be caught, those left out that change nothing."""
MOST_SAME = 0.05
"""What share of the changes may change nothing."""

DROPPED = {"swapaxes", "transpose", "moveaxis", "reversed"}
"""Functions and methods that put axes in another order: what they are given is left as it is."""
ADJOINTS = {
    *("unpadded", "_summed", "summed_to", "repeated", "over_positions", "by_channel", "_grouped"),
    *("spread_back", "_spread", "window_spread"),
}
"""Functions of an array that are left out in its place."""
OPERATORS: Mapping[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Add, ast.Div),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mult, ast.Add),
    ast.Mod: (ast.FloorDiv,),
    ast.BitOr: (ast.BitAnd,),
}
COMPARISONS: Mapping[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}


class Target(NamedTuple):
    """A function that goes back, and the kinds whose backward passes run it."""

    path: str
    function: FunctionType
    kinds: tuple[str, ...]


class Place(NamedTuple):
    """A part of a function's text, and what can stand there instead."""

    target: Target
    start: int
    end: int
    """In bytes of the file."""
    options: tuple[str, ...]


class Change(NamedTuple):
    """One change of one function."""

    target: Target
    line: int
    old: str
    new: str
    """The line before and after."""
    code: CodeType

    @property
    def words(self) -> tuple[str, str, str]:
        """What names the change in prose."""
        return (self.target.path, self.old, self.new)

    def __str__(self) -> str:
        return f"{self.target.path}:{self.line}: {self.old}  →  {self.new}"


class Group(NamedTuple):
    """Kinds whose backward passes are held in the same way."""

    kinds: Sequence[str]
    holds: Callable[[str], Iterator[bool]]
    """What the tests compare of a kind, one after the other; `AssertionError` for a shape."""


def groups() -> Mapping[str, Group]:
    """The groups of kinds, the linear ones first."""
    sys.path[:0] = [str(TESTS), str(TESTS / "layers"), str(TESTS / "forward")]
    import adjoints
    import test_backward_differences as differences
    import test_backward_ties as ties

    def identities(kind: str) -> Iterator[bool]:
        return (each.holds for _, each in adjoints.drawn_identities(kind, 1, TRIED))

    def slopes(kind: str) -> Iterator[bool]:
        for compared in (differences.derivatives, differences.alone, ties.gradients):
            yield from (holds for _, holds in compared(kind))

    return {
        "linear": Group([*adjoints.DRAWS], identities),
        "curved": Group(differences.KINDS, slopes),
    }


def judged(names: Sequence[str], seed: int, count: int | None) -> int:
    """Print the score of each group named, of all if none is; 1 where too much survives."""
    known = groups()
    found = targets(known["linear"])
    good = True
    for name in names or known:
        here = found
        if name != "linear":
            those = {each.function.__code__ for each in found}
            here = [each for each in targets(known[name]) if each.function.__code__ not in those]
        wanted = COUNTS[name] if count is None else count
        good &= _judged(name, known[name], here, seed, wanted)
    return int(not good)


def _judged(name: str, group: Group, found: Sequence[Target], seed: int, count: int) -> bool:
    start = time.monotonic()
    there = sum(len(list(places(each))) for each in found)
    print(f"{name}: {len(found)} functions, {there} places", flush=True)
    reasons = reasons_known()
    rows: dict[str, list[int]] = {}
    how: dict[str, int] = {}
    same: list[Change] = []
    missed: list[Change] = []
    for change in drawn(found, seed):
        verdict = _judge(group, change)
        if verdict == "survived" and change.words in reasons:
            same.append(change)
            continue
        row = rows.setdefault(change.target.path, [0, 0])
        row[0] += 1
        if verdict == "survived":
            missed.append(change)
        else:
            row[1] += 1
            how[verdict] = how.get(verdict, 0) + 1
        if sum(drawn for drawn, _ in rows.values()) == count:
            break
    print_table([["file", "changes", "caught"], *_lines(rows)])
    for change in same:
        print(f"{change}\n    {reasons[change.words]}")
    for change in missed:
        print(f"{change}\n    NOT CAUGHT")
    tried, caught = (sum(row[column] for row in rows.values()) for column in (0, 1))
    ways = ", ".join(f"{how[way]} {way}" for way in sorted(how))
    print(
        f"Seed {seed}: of {tried} changes {caught} are caught, {ways}; {len(same)} more that were "
        f"drawn change nothing; {time.monotonic() - start:.0f} s"
    )
    return caught >= LEAST[name] * tried and len(same) <= MOST_SAME * (tried + len(same))


def _lines(rows: Mapping[str, Sequence[int]]) -> list[list[str]]:
    return [[path, *map(str, row)] for path, row in sorted(rows.items())]


# -- what goes back ----------------------------------------------------------------------------


def targets(group: Group) -> list[Target]:
    """The functions of layers that backward passes run and no forward pass does."""
    back: dict[CodeType, set[str]] = {}
    forth: set[CodeType] = set()
    for kind in group.kinds:
        for code, inside in _run(group, kind):
            if inside:
                back.setdefault(code, set()).add(kind)
            else:
                forth.add(code)
    found = []
    for function in _functions():
        path = Path(function.__code__.co_filename).relative_to(ROOT).as_posix()
        kinds = back.get(function.__code__, set())
        if kinds and (path == SHARED or function.__code__ not in forth):
            found.append(Target(path, function, tuple(sorted(kinds))))
    return sorted(found, key=lambda each: (each.path, each.function.__code__.co_firstlineno))


def _run(group: Group, kind: str) -> set[tuple[CodeType, bool]]:
    """Which code of layers the tests of a kind run, and whether on the way back."""
    folder = str(ROOT / "convcalc" / "layers")
    seen: set[tuple[CodeType, bool]] = set()
    depth = 0

    def watch(frame: Any, event: str, _: object) -> None:
        nonlocal depth
        code = frame.f_code
        goes_back = (
            code.co_name == "backward"
            and "xp" in code.co_varnames  # and not what memory is taken on the way
            and code.co_filename.startswith(folder)
        )
        if event == "call":
            depth += goes_back
            if code.co_filename.startswith(folder) and not code.co_name.startswith("<"):
                seen.add((code, depth > 0))
        elif event == "return":
            depth -= goes_back

    sys.setprofile(watch)
    try:
        for _ in group.holds(kind):
            pass
    finally:
        sys.setprofile(None)
    return seen


def _functions() -> Iterator[FunctionType]:
    """Every function and method of the modules of layers that are loaded."""
    for name, module in sorted(sys.modules.items()):
        if not name.startswith("convcalc.layers."):
            continue
        for value in vars(module).values():
            if getattr(value, "__module__", None) != name:
                continue
            if isinstance(value, FunctionType):
                yield value
            elif isinstance(value, type):
                for each in vars(value).values():
                    member = getattr(each, "__func__", each)
                    if isinstance(member, FunctionType) and member.__module__ == name:
                        yield member


# -- what can happen ---------------------------------------------------------------------------


def drawn(found: Sequence[Target], seed: int) -> Iterator[Change]:
    """Changes in the order of a seed: each place once at most, and one of what can happen there."""
    chance = random.Random(seed)  # noqa: S311 (a draw, and no secret)
    whole = [place for target in found for place in places(target)]
    chance.shuffle(whole)
    for place in whole:
        yield _made(place, chance.choice(place.options))


def places(target: Target) -> Iterator[Place]:
    """Where a function can be changed."""
    text = (ROOT / target.path).read_bytes()
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    (definition,) = (
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
        and node.name == target.function.__name__
        and min([node.lineno, *(each.lineno for each in node.decorator_list)])
        == target.function.__code__.co_firstlineno
    )
    unread = {id(each) for each in _unread(definition)}
    for node in ast.walk(definition):
        if id(node) in unread:
            continue
        for part, options in _options(node):
            start, end = (
                starts[line - 1] + column
                for line, column in (
                    (part.lineno, part.col_offset),
                    (part.end_lineno, part.end_col_offset),
                )
            )
            yield Place(target, start, end, options)


def _unread(definition: ast.FunctionDef) -> Iterator[ast.AST]:
    """What computes nothing: documentation, annotations, `strict=True`."""
    apart: list[ast.AST] = [definition.args, *definition.decorator_list]
    if definition.returns is not None:
        apart.append(definition.returns)
    for node in ast.walk(definition):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            apart.append(node)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "len":
            apart += [each for each in node.args if isinstance(each, ast.Tuple)]
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "reshape":
            # What is left is −1, and any number below 0 to NumPy.
            apart += [each.operand for each in node.args if isinstance(each, ast.UnaryOp)]
        elif isinstance(node, ast.AnnAssign):
            apart.append(node.annotation)
        elif isinstance(node, ast.keyword) and node.arg == "strict":
            apart.append(node)
    for each in apart:
        yield from ast.walk(each)


def _options(node: Any) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Parts of a node, and what can stand in the place of each."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        yield node, (_text(_like(node, left=node.right, right=node.left)),)
    elif isinstance(node, ast.BinOp):
        if type(node.op) in OPERATORS:
            yield node, tuple(_text(_like(node, op=each())) for each in OPERATORS[type(node.op)])
    elif isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
        target, value = ast.unparse(node.target), ast.unparse(node.value)
        yield node, (f"{target} = {value}", f"{target} -= {value}")
    elif isinstance(node, ast.UnaryOp):
        yield node, (_text(node.operand),)
    elif isinstance(node, ast.Compare):
        others = COMPARISONS[type(node.ops[0])]
        yield node, tuple(_text(_like(node, ops=[each(), *node.ops[1:]])) for each in others)
    elif isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield node, (_text(_like(node, op=other)),)
    elif isinstance(node, ast.If):
        yield node.test, (f"(not {_text(node.test)})",)
    elif isinstance(node, ast.IfExp):
        yield node, (_text(_like(node, body=node.orelse, orelse=node.body)),)
    elif isinstance(node, ast.comprehension):
        for each in node.ifs:
            yield each, (f"(not {_text(each)})",)
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield node, (str(not node.value),)
        elif isinstance(node.value, int):
            # An index of −1 is the other end, and a size of −1 nothing at all.
            yield node, (str(node.value + 1), *([str(node.value - 1)] * (node.value != 0)))
    elif isinstance(node, ast.Slice):
        bounds = [each for each in ("lower", "upper", "step") if getattr(node, each) is not None]
        if bounds:
            yield node, tuple(ast.unparse(_like(node, **{each: None})) for each in bounds)
    elif isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Load):
        pair = [ast.unparse(each) for each in node.elts if not isinstance(each, ast.Slice)]
        if len(node.elts) == len(pair) == len(("before", "behind")) and pair[0] != pair[1]:
            yield node, (_text(_like(node, elts=node.elts[::-1])),)
    elif isinstance(node, ast.Attribute) and node.attr == "T":
        yield node, (_text(node.value),)
    elif isinstance(node, ast.Call) and (options := tuple(map(_text, _left_out(node)))):
        yield node, options


def _left_out(node: ast.Call) -> Iterator[ast.AST]:
    """What a call is of, in the place of a call that turns or sums it; or other bounds."""
    of = node.func.value if isinstance(node.func, ast.Attribute) else None
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    given = [each for each in node.args if getattr(each, "id", "") != "xp"]
    if name in DROPPED and of is not None and getattr(of, "id", "") != "xp":
        yield of
    elif name in DROPPED | ADJOINTS and given:
        yield given[0]
    elif name in ("slice", "range") and len(given) == len(("first", "stop")):
        yield _like(node, args=[ast.Constant(0), given[1]])
        yield _like(node, args=given[::-1])


def _like(node: ast.AST, **fields: Any) -> ast.AST:
    """A copy of a node with other values for some of its fields."""
    made = copy.copy(node)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def _text(node: ast.AST) -> str:
    """An expression as text that may stand anywhere."""
    text = ast.unparse(node)
    return text if isinstance(node, (ast.Name, ast.Constant)) else f"({text})"


def _made(place: Place, option: str) -> Change:
    """The change of a place, compiled."""
    target = place.target
    text = (ROOT / target.path).read_bytes()
    changed = text[: place.start] + option.encode() + text[place.end :]
    line = text[: place.start].count(b"\n")
    end = text.find(b"\n", place.end)
    first = text.rfind(b"\n", 0, place.start) + 1
    old = text[first:end].decode()
    new = changed[first : end + len(changed) - len(text)].decode()
    whole = compile(changed, target.function.__code__.co_filename, "exec")
    code = _code(whole, target.function.__code__)
    return Change(target, line + 1, " ".join(old.split()), " ".join(new.split()), code)


def _code(whole: CodeType, like: CodeType) -> CodeType:
    """The code of a function among that of its module, by its name and its first line."""
    for each in whole.co_consts:
        if isinstance(each, CodeType):
            if (each.co_name, each.co_firstlineno) == (like.co_name, like.co_firstlineno):
                return each
            if each.co_firstlineno <= like.co_firstlineno and (inner := _within(each, like)):
                return inner
    message = f"{like.co_name} is not there"
    raise LookupError(message)


def _within(whole: CodeType, like: CodeType) -> CodeType | None:
    try:
        return _code(whole, like)
    except LookupError:
        return None


# -- verdicts ----------------------------------------------------------------------------------


def _judge(group: Group, change: Change) -> str:
    """What notices it, in a process of its own; `survived` where nothing does."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        function: Any = change.target.function
        function.__code__ = change.code
        warnings.simplefilter("ignore")
        try:
            said = _said(group, change.target.kinds)
        except AssertionError:
            said = "by shape"
        except BaseException:  # noqa: BLE001 (whatever it is, the change is noticed)
            said = "by an error"
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said or "because they do not end"


def _said(group: Group, kinds: Sequence[str]) -> str:
    for kind in kinds:
        if not all(group.holds(kind)):
            return "by value"
    return "survived"


def reasons_known() -> Mapping[tuple[str, str, str], str]:
    """Why a change makes no difference, by file and both lines: the rows of survivors.md."""
    if not REASONS.exists():
        return {}
    reasons = {}
    for block in REASONS.read_text(encoding="utf-8").split("\n### ")[1:]:
        path, _, rest = block.partition("\n")
        lines = rest.splitlines()
        old = next(line[2:].strip() for line in lines if line.startswith("- "))
        new = next(line[2:].strip() for line in lines if line.startswith("+ "))
        text = rest.rsplit("```", 1)[1].strip()
        reasons[path.strip("` "), old, new] = " ".join(text.split())
    return reasons
