"""Where operations of a file stand: in modules, or in the blocks of a spec that was exported."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from convcalc.exchange.onnx.operations import Written
from convcalc.spec.fold.scopes import Scope

PRODUCER = "convcalc"
"""Who says in a file that it made it."""
TORCH = "pytorch"
"""Who says so of PyTorch's exporters."""
GROUP = "group"
"""What a group is an instance of that calls no block."""
SCOPES = "pkg.torch.onnx.name_scopes"
"""Where PyTorch's exporter writes which modules a node stands in, from the outermost on."""
CLASSES = "pkg.torch.onnx.class_hierarchy"
"""Where it writes what each of these is an instance of."""
MOST = 40
"""Most scopes inside one another, as many as a spec has blocks inside one another."""
MAX_NAME = 400
"""Characters of a scope's name."""


def scopes_of(model: Any, nodes: Mapping[str, Written]) -> dict[str, Scope]:
    """By the origin of operations where they stand; `nodes` are those that say it."""
    of_said = _Groups().scope if model.producer_name == PRODUCER else _of_torch
    known: dict[tuple[str, str], Scope] = {}
    made = {}
    for origin, node in nodes.items():
        about = node.metadata
        said = about.get(SCOPES, ""), about.get(CLASSES, "")
        scope = known.get(said)
        if scope is None:
            scope = known[said] = of_said(*said)
        if scope.path or scope.called:
            made[origin] = scope
    return made


def _listed(text: str) -> tuple[str, ...]:
    """The names of a list as Python shows it."""
    if not (text.startswith("['") and text.endswith("']")) or len(text) > MOST * MAX_NAME:
        return ()
    names = tuple(text[2:-2].split("', '"))
    return names if len(names) <= MOST and max(map(len, names)) <= MAX_NAME else ()


class _Groups:
    """Where layers stand in a file of convcalc's: all of a group, but for what they are called."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], tuple[Scope, str]] = {}
        """By the list without its last name and the classes: a scope, and what that name says
        first."""

    def scope(self, said: str, classes: str) -> Scope:
        """Where one stands, by the lists that its node has."""
        front, _, name = said.removesuffix("']").rpartition("', '")
        group = self.known.get((front, classes))
        if group is not None and said.endswith("']") and len(name) <= MAX_NAME:
            scope, before = group
            return Scope(scope.path, name.removeprefix(before), scope.classes, scope.kind)
        names = _listed(said)
        scope = _of_convcalc(names, _listed(classes))
        if scope.called:
            self.known[front, classes] = scope, _front(names)
        return scope


def _of_convcalc(names: Sequence[str], classes: Sequence[str]) -> Scope:
    """The network, the groups by their full names, and the layer."""
    if len(names) < 2 or len(names) != len(classes):
        return Scope(())
    relative = [*_relative(names[1:])]
    blocks = tuple("" if each == GROUP else each for each in classes[1:-1])
    return Scope(tuple(relative[:-1]), relative[-1], blocks, classes[-1])


def _of_torch(said: str, about: str) -> Scope:
    """The network, the modules by their paths, and the function that the last of them calls."""
    names, classes = _listed(said), _listed(about)
    path = tuple(_relative(names[1:-1]))
    alike = len(names) == len(classes)
    return Scope(path, "", tuple(map(_snake, classes[1:-1])) if alike else ())


def _front(names: Sequence[str]) -> str:
    """What the last name begins with that is told of those before it."""
    return f"{names[-2]}." if len(names) > 2 and names[-2] else ""


def _relative(names: Sequence[str]) -> Iterator[str]:
    """Each name as it is within the one before it."""
    before = ""
    for name in names:
        yield name.removeprefix(f"{before}.") if before else name
        before = name


def _snake(name: str) -> str:
    """The name of a class as a block may have it.

    >>> _snake("torchvision.models.densenet._DenseLayer"), _snake("torch.nn.modules.conv.Conv2d")
    ('dense_layer', '')
    """
    if name.startswith(("torch.nn.", "aten.")):
        return ""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name.rpartition(".")[2])
    return words.strip("_").lower()
