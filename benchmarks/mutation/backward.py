"""What wrong backward passes their own tests let through: single changes, each tried on its own.

    python -m benchmarks mutation backward [--kinds linear|curved|KIND ...] [--seed N]
                                           [--changes N] [--jobs N]

Draws changes over `backward` of the layers of these kinds, and over what it calls that no `forward`
does: those that `mutation` draws, and assignments in place of what should add up. `linear` are the
kinds that identities hold, which are equal and not close, and `curved` those that differences and
the rules at a tie hold; each is tried with its own tests alone, and none needs PyTorch. What both
call is among the linear.
"""

import ast
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, NamedTuple

from cosmic_ray.operators.operator import Operator

from benchmarks.arguments import parser as arguments_of
from benchmarks.arguments import positive
from benchmarks.mutation.changes import OPERATORS, ROOT, Change, change, changeable
from benchmarks.mutation.child import Child, Job, Verdict, start
from benchmarks.mutation.coverage import preload
from benchmarks.mutation.reasons import reasons
from benchmarks.timing import print_table

LAYERS = ROOT / "convcalc" / "layers"
GROUPS: Mapping[str, Sequence[str]] = {
    "linear": ("tests/layers/test_backward.py",),
    "curved": ("tests/layers/test_backward_differences.py", "tests/layers/test_backward_ties.py"),
}
"""Kinds by how their tests hold them, and those tests."""
LEAST = {"linear": 99, "curved": 95}
"""What share of the changes is to be killed, in percent."""
KINDS = """
import json, sys
sys.path[:0] = ["tests", "tests/layers", "tests/forward"]
import adjoints, test_backward_differences
from convcalc.layers import CATALOGUE
rows = {kind: [row.module, row.name] for kind, row in CATALOGUE.items()}
curved = test_backward_differences.KINDS
print(json.dumps({"rows": rows, "linear": sorted(adjoints.DRAWS), "curved": sorted(curved)}))
"""
"""What another process tells of the layers: changed, they are to be imported in a child alone."""


class Assignment(Operator):  # type: ignore[misc]
    """`total += x` becomes `total = x`."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        """Where something is added to what there is."""
        if node.type == "operator" and node.value == "+=":
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """The last one is what there is."""
        del index
        node.value = "="
        return node

    @classmethod
    def examples(cls) -> tuple[()]:
        """None: cosmic-ray's own tests alone ask."""
        return ()


ALL_OPERATORS = {**OPERATORS, Assignment.__name__: Assignment}


class Function(NamedTuple):
    """A function of a layer's module, or a method of one of its classes."""

    module: str
    name: str
    """As `function` or `Class.method`."""


class Code:
    """Who calls whom in the modules of layers."""

    def __init__(self) -> None:
        self.trees = {
            path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in LAYERS.glob("*.py")
        }
        self.nodes: dict[Function, ast.FunctionDef] = {}
        self.bases: dict[tuple[str, str], list[str]] = {}
        self.imported: dict[str, dict[str, str]] = {}
        for module, tree in self.trees.items():
            self.imported[module] = {
                alias.asname or alias.name: f"{node.module}.{alias.name}"
                for node in ast.walk(tree)
                if isinstance(node, ast.ImportFrom)
                for alias in node.names
            }
            for node in tree.body:
                if isinstance(node, ast.FunctionDef):
                    self.nodes[Function(module, node.name)] = node
                elif isinstance(node, ast.ClassDef):
                    names = [base.id for base in node.bases if isinstance(base, ast.Name)]
                    self.bases[module, node.name] = names
                    for each in node.body:
                        if isinstance(each, ast.FunctionDef):
                            self.nodes[Function(module, f"{node.name}.{each.name}")] = each

    def method(self, module: str, owner: str, name: str) -> Function | None:
        """The method of a class, or of what it is made from; None where there is none."""
        function = Function(module, f"{owner}.{name}")
        if function in self.nodes:
            return function
        for base in self.bases.get((module, owner), []):
            home, name_of_base = self._home(module, base)
            if found := self.method(home, name_of_base, name):
                return found
        return None

    def _home(self, module: str, name: str) -> tuple[str, str]:
        """The module that a name comes from, and what it is called there."""
        origin = self.imported[module].get(name, "")
        if origin.startswith("convcalc.layers."):
            home, _, name = origin.removeprefix("convcalc.layers.").rpartition(".")
            return home, name
        return module, name

    def reached(self, module: str, owner: str, entry: str) -> set[Function]:
        """What a method of a class runs, itself included."""
        first = self.method(module, owner, entry)
        seen: set[Function] = set()
        waiting = [first] if first else []
        while waiting:
            function = waiting.pop()
            if function in seen:
                continue
            seen.add(function)
            own = {  # what is a variable is no function of that name
                node.arg if isinstance(node, ast.arg) else node.id
                for node in ast.walk(self.nodes[function])
                if isinstance(node, ast.arg)
                or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
            }
            for node in ast.walk(self.nodes[function]):
                if not (isinstance(node, ast.Name) and node.id in own):
                    waiting += self._named(node, function.module, module, owner)
        return seen

    def _named(self, node: ast.AST, here: str, module: str, owner: str) -> Iterator[Function]:
        """The functions that a name, or an attribute of `self`, may be."""
        if isinstance(node, ast.Name):
            home, name = self._home(here, node.id)
            for function in (Function(home, name), Function(home, f"{name}.__init__")):
                if function in self.nodes:
                    yield function
        elif (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "self"
            and (method := self.method(module, owner, node.attr))
        ):
            yield method


def lines(
    kinds: Sequence[tuple[str, str]], others: Sequence[tuple[str, str]]
) -> dict[Path, set[int]]:
    """The lines of backward passes alone, of layers by module and class, by file.

    What the `others` run, too, is left out.
    """
    code = Code()
    back: set[Function] = set()
    for module, owner in kinds:
        back |= code.reached(module, owner, "backward")
    for module, owner in others:
        back -= code.reached(module, owner, "backward")
    for module, owner in code.bases:
        back -= code.reached(module, owner, "forward")
    result: dict[Path, set[int]] = {}
    for function in back:
        node = code.nodes[function]
        inside = range(node.body[0].lineno, (node.end_lineno or 0) + 1)
        result.setdefault(LAYERS / f"{function.module}.py", set()).update(inside)
    return result


def drawn(where: Mapping[Path, set[int]], seed: int, part: str) -> Iterator[Change]:
    """The changes of these lines in the order of a seed, one of each place."""
    chance = random.Random(f"{seed} {part}")  # noqa: S311 (a draw, and no secret)
    tables = {path: changeable(path, ALL_OPERATORS) for path in sorted(where)}
    choices = [
        (path, place)
        for path, table in tables.items()
        for place in sorted(table)
        if place[0] in where[path]
    ]
    chance.shuffle(choices)
    for path, place in choices:
        operator, occurrence = chance.choice(tables[path][place])
        yield change(part, path, place, operator, occurrence, ALL_OPERATORS)


def judged(
    changes: Iterator[Change], wanted: int, targets: Sequence[str], jobs: int
) -> Iterator[tuple[Change, Verdict]]:
    """So many changes with their verdicts, those left out that no module can be imported with."""
    running: dict[Child, Change] = {}
    done = 0
    try:
        while True:
            while len(running) < jobs and done + len(running) < wanted:
                if (each := next(changes, None)) is None:
                    break
                job = Job(each.path, each.source, targets, known=None)
                running[start(job)] = each
            if not running:
                return
            ready = wait([child.pipe for child in running], timeout=5)
            for child in [each for each in running if each.pipe in ready or each.late]:
                each, verdict = running.pop(child), child.result()
                if verdict.outcome == "broken":
                    raise SystemExit(f"{each}\n{verdict.said}")
                if verdict.outcome != "unusable":
                    done += 1
                    yield each, verdict
    finally:
        for child in running:
            child.end()


def main(arguments: list[str]) -> int:
    """Print the score and the changes that survive; 1 where more survive than may."""
    parser = arguments_of("mutation backward", __doc__)
    parser.add_argument("--kinds", nargs="+", default=[*GROUPS], help="groups of kinds, or kinds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--changes", type=positive, default=100, help="how many of each group")
    parser.add_argument("--jobs", type=positive, default=2, help="how many are tried at a time")
    options = parser.parse_args(arguments)
    told = subprocess.run(
        [sys.executable, "-c", KINDS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    known = json.loads(told.stdout)
    named = [kind for kind in options.kinds if kind not in GROUPS]
    if unknown := sorted({*named} - known["rows"].keys()):
        parser.error(f"no kinds of layer: {', '.join(unknown)}")
    preload(["numpy", "pytest", "hypothesis", "yaml", "click"])
    good = True
    table = [["kinds", "changes", "killed", "survive", "score"]]
    survivors: list[tuple[Change, Verdict]] = []
    begin = time.monotonic()
    for group, targets in GROUPS.items():
        kinds = known[group] if group in options.kinds else sorted({*named} & {*known[group]})
        if not kinds:
            continue
        if start(Job(targets=targets, known=None)).result().outcome != "survived":
            raise SystemExit(f"{', '.join(targets)} fail without any change")
        where = lines(
            [tuple(known["rows"][kind]) for kind in kinds],
            [tuple(known["rows"][kind]) for kind in known["linear"]] if group == "curved" else [],
        )
        results: list[tuple[Change, Verdict]] = []
        for each, verdict in judged(
            drawn(where, options.seed, group), options.changes, targets, options.jobs
        ):
            results.append((each, verdict))
            if verdict.outcome == "survived":
                survivors.append((each, verdict))
                print(f"{len(results)}: {each}", file=sys.stderr, flush=True)
        left = sum(verdict.outcome == "survived" for _, verdict in results)
        score = 100 * (1 - left / max(len(results), 1))
        good &= score >= LEAST[group]
        cells = map(str, (len(results), len(results) - left, left))
        table.append([group, *cells, f"{score:.1f} %"])
    print(f"Seed {options.seed}; {time.monotonic() - begin:,.0f} s")
    print_table(table)
    said = reasons()
    for each, verdict in sorted(survivors, key=lambda pair: pair[0].key):
        print(f"{each}\n    {said.get(each.words) or verdict.said}")
    return 0 if good else 1
