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
    own = model.producer_name == PRODUCER
    known: dict[tuple[str, str], Scope] = {}
    made = {}
    for origin, node in nodes.items():
        about = node.metadata
        said = about.get(SCOPES, ""), about.get(CLASSES, "")
        scope = known.get(said)
        if scope is None:
            names, classes = (tuple(_listed(each)) for each in said)
            scope = known[said] = _of_convcalc(names, classes) if own else _of_torch(names, classes)
        if scope.path or scope.called:
            made[origin] = scope
    return made


def _listed(text: str) -> Iterator[str]:
    """The names of a list as Python shows it."""
    if not (text.startswith("['") and text.endswith("']")) or len(text) > MOST * MAX_NAME:
        return
    names = text[2:-2].split("', '")
    if len(names) <= MOST and all(len(each) <= MAX_NAME for each in names):
        yield from names


def _of_convcalc(names: Sequence[str], classes: Sequence[str]) -> Scope:
    """The network, the groups by their full names, and the layer."""
    if len(names) < 2 or len(names) != len(classes):
        return Scope(())
    relative = [*_relative(names[1:])]
    blocks = tuple("" if each == GROUP else each for each in classes[1:-1])
    return Scope(tuple(relative[:-1]), relative[-1], blocks, classes[-1])


def _of_torch(names: Sequence[str], classes: Sequence[str]) -> Scope:
    """The network, the modules by their paths, and the function that the last of them calls."""
    path = tuple(_relative(names[1:-1]))
    alike = len(names) == len(classes)
    return Scope(path, "", tuple(map(_snake, classes[1:-1])) if alike else ())


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
