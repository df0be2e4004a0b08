"""Parts of a spec that do nothing: tensors, layers, parameters and blocks without use."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from convcalc.layers import Fact, kinds, layer_class
from convcalc.layers.base import Layer, declarations, hyperparameters
from convcalc.rules.base import Advice, rule
from convcalc.rules.context import VIEWS, Context
from convcalc.spec.source import ListNode, MapNode, Node, ScalarNode

IDENTIFIER = re.compile(r"\b[A-Za-z_]\w*")
TEXTS = ("name", "reference", "description", "year")
"""Top-level keys that hold text, in which no name means anything."""
RECTIFIED = kinds(having=Fact.NONNEGATIVE)
"""Layers whose outputs are never negative."""
IDLE_ABOVE_ZERO = kinds("activation", having=Fact.KEEPS_NONNEGATIVE)
"""Layers that leave such outputs as they are."""
PASSING = kinds("identity") | kinds("pool", having=Fact.SLIDES | Fact.MAXIMUM)
"""Layers that bring forth no negative value where none goes in."""


@rule("CC420", name="unused-tensor")
def unused_tensor(context: Context) -> Iterator[Advice]:
    """A layer whose output nothing reads, and which is not the network's output.

    **Why.** Its branch is computed, trained never and paid for. Usually a `from` jumps back over
    it, or a branch was forgotten in a merge. A layer that `expect` names under `layers` counts as
    another output.
    Source: ruff's [F841, unused
    variable](https://docs.astral.sh/ruff/rules/unused-variable/), for networks.

    **Why a warning.** Work that nothing reads is a leftover or a wiring mistake.

    **Flagged**

    ```yaml
    input: 32x32x16
    layers:
      - relu
      - {conv: {filters: 32, kernel: 3, padding: 1}, name: side}
      - {conv: {filters: 16, kernel: 3, padding: 1}, from: relu1}
    ```

    **Instead**

    ```yaml
    input: 32x32x16
    layers:
      - relu
      - {conv: {filters: 32, kernel: 3, padding: 1}, name: side}
      - {conv: {filters: 16, kernel: 3, padding: 1}, from: relu1}
      - concat:
          - []
          - [from: side]
    ```
    """
    if not context.complete:
        return
    for index, readers in enumerate(context.consumers[:-1]):
        if not readers and index not in context.wanted:
            yield Advice(
                index,
                f"nothing reads {context.name(index)} ({context.output(index)}), and it is not "
                f"the output, which is {context.name(context.network.output)}",
                "merge it by `add` or `concat`, name it under `expect: {layers: …}` if it is an "
                "output too, or leave it out",
            )


@rule("CC421", name="identity-layer")
def identity_layer(context: Context) -> Iterator[Advice]:
    """A layer that changes nothing.

    **Why.** Dropout of 0, a 1×1 pool, a reshape to the same shape, a merge of one branch or a
    second `relu` reads like something that happens. Layers whose fields come from parameters are
    left alone, because other values make them do something, and so is adaptive pooling, which is
    there for other inputs.
    Source: the layers' definitions, `docs/definitions.md`.

    **Why a warning.** It promises something and does nothing: a wrong value, or a leftover.

    **Flagged**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 16, kernel: 3, padding: 1}
      - relu
      - maxpool: {kernel: 1, stride: 1}
      - dropout: 0
    ```

    **Instead**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 16, kernel: 3, padding: 1}
      - relu
      - maxpool: 2
      - dropout: 0.5
    ```
    """
    for kind, does_nothing in _IDENTITIES.items():
        idle = [
            index
            for index in context.of(kind)
            if context.input(index) == context.output(index) and does_nothing(context, index)
        ]
        for index in _everywhere(context, kind, idle):
            if not _variable(context.nodes[index].item, kind):
                shown = _fields_text(context.nodes[index].layer)
                yield Advice(
                    index,
                    f"{kind}{shown} leaves its input {context.input(index)} as it is",
                    "leave it out",
                )
    origins = context.origins(VIEWS | PASSING)
    for kind in sorted(IDLE_ABOVE_ZERO):
        sources = {index: origins[context.before(index)] for index in context.of(kind)}
        idle = [index for index, source in sources.items() if context.kind(source) in RECTIFIED]
        for index in _everywhere(context, kind, idle):
            yield Advice(
                index,
                f"{kind} leaves what {context.name(sources[index])} makes as it is: no value is "
                "negative",
                "leave it out",
            )


def _everywhere(context: Context, kind: str, idle: list[int]) -> list[int]:
    """Those of some layers whose item does nothing wherever its block is called."""
    if not idle:
        return []
    found = set(idle)
    busy = {id(context.nodes[index].item) for index in context.of(kind) if index not in found}
    return [index for index in idle if id(context.nodes[index].item) not in busy]


def _always(context: Context, index: int) -> bool:
    del context, index
    return True


def _no_window(context: Context, index: int) -> bool:
    plan = context.plans[index]
    windows = plan.windows if plan else None
    return windows is not None and all(
        (w.kernel, w.stride, w.before, w.after, w.up) == (1, 1, 0, 0, 1) for w in windows
    )


def _one_branch(context: Context, index: int) -> bool:
    return len(context.nodes[index].inputs) == 1


def _same_axes(context: Context, index: int) -> bool:
    plan = context.plans[index]
    return plan is not None and plan.windows == ()


def _no_rate(context: Context, index: int) -> bool:
    return getattr(context.nodes[index].layer, "rate", None) == 0


def _one_group(context: Context, index: int) -> bool:
    groups: Any = getattr(context.nodes[index].layer, "groups", 1)
    return groups in (1, context.input(index).channels)


_IDENTITIES = {
    "dropout": _no_rate,
    "maxpool": _no_window,
    "avgpool": _no_window,
    "pad": _no_window,
    "crop": _no_window,
    "upsample": _no_window,
    "pixel_shuffle": _no_window,
    "flatten": _same_axes,
    "reshape": _same_axes,
    "permute": _same_axes,
    "slice": _always,
    "channel_shuffle": _one_group,
    "add": _one_branch,
    "multiply": _one_branch,
    "concat": _one_branch,
}
"""Kind → whether one of equal input and output shapes does nothing."""
_NO_IDENTITIES: Mapping[frozenset[str], str] = {
    kinds("dense", "norm", "softmax"): "the values that come out are others",
    kinds("activation"): "they change values below 0; those that may see none are asked for above",
    kinds("pool", lacking=Fact.SLIDES): "they make one size of every input, which may be another",
    frozenset({"lppool"}): "it takes away the sign",
    frozenset({"scale"}): "it learns",
}
"""Kinds that are not asked, and why."""


def _variable(item: Node, kind: str) -> bool:
    """Whether the fields of an item are computed from parameters."""
    if not isinstance(item, MapNode) or layer_class(kind).inputs == "many":
        return False
    words = {
        choice
        for declared in declarations(layer_class(kind)).values()
        for choice in declared.choices
    }
    return bool(_words(item.entries.get(kind)) - words - {"true", "false", "same", "valid"})


def _fields_text(layer: Layer | None) -> str:
    fields = hyperparameters(layer) if layer else {}
    shown = ", ".join(f"{name} {value}" for name, value in fields.items() if value is not None)
    return f" ({shown})" if shown else ""


@rule("CC422", name="unused-parameter")
def unused_parameter(context: Context) -> Iterator[Advice]:
    """A parameter of the spec, or of a block, that no expression mentions.

    **Why.** Setting it changes nothing, whatever its name promises; often the expression that was
    to use it holds a plain number.
    Source: ruff's [ARG001, unused
    argument](https://docs.astral.sh/ruff/rules/unused-function-argument/), for specs.

    **Why a warning.** Whoever sets it believes that it does something.

    **Flagged**

    ```yaml
    input: 784
    parameters: {classes: 10}
    layers:
      - linear: 1000
    ```

    **Instead**

    ```yaml
    input: 784
    parameters: {classes: 10}
    layers:
      - linear: classes
    ```
    """
    root = context.network.source.root if context.network.source else None
    if not isinstance(root, MapNode):
        return
    blocks = _entries(root.entries.get("blocks"))
    mentioned: set[str] = set()
    for key, value in root.entries.items():
        if key not in (*TEXTS, "blocks"):
            mentioned |= _words(value)
    for name, block in blocks.items():
        own = _entries(block).get("parameters")
        body = _words(_entries(block).get("layers"))
        defaults = _words(own)
        for parameter in _entries(own):
            if parameter not in body and parameter not in defaults:
                yield Advice(
                    None,
                    f"nothing in block `{name}` mentions its parameter `{parameter}`",
                    "use it, or leave it out here and where the block is called",
                    f"blocks.{name}.parameters.{parameter}",
                )
        mentioned |= (body - set(_entries(own))) | defaults
    for parameter in _entries(root.entries.get("parameters")):
        if parameter not in mentioned:
            yield Advice(
                None,
                f"nothing mentions the parameter `{parameter}`",
                "use it, or leave it out",
                f"parameters.{parameter}",
            )


@rule("CC423", name="unused-block")
def unused_block(context: Context) -> Iterator[Advice]:
    """A block that nothing calls.

    **Why.** It is read and never built: a leftover, or a call that was forgotten. Calls under a
    `when` that does not hold count as calls.
    Source: ruff's [F401, unused
    import](https://docs.astral.sh/ruff/rules/unused-import/), for specs.

    **Why a warning.** It is a leftover, or a call is missing.

    **Flagged**

    ```yaml
    input: 32x32x3
    blocks:
      unit:
        layers: [{conv: {filters: 16, kernel: 3, padding: 1}}, relu]
    layers:
      - conv: {filters: 16, kernel: 3, padding: 1}
      - relu
    ```

    **Instead**

    ```yaml
    input: 32x32x3
    blocks:
      unit:
        layers: [{conv: {filters: 16, kernel: 3, padding: 1}}, relu]
    layers:
      - unit
    ```
    """
    root = context.network.source.root if context.network.source else None
    if not isinstance(root, MapNode):
        return
    blocks = _entries(root.entries.get("blocks"))
    called: set[str] = set()
    waiting = [root.entries.get("layers")]
    while waiting:
        for name in _kinds(waiting.pop()) & blocks.keys() - called:
            called.add(name)
            waiting.append(_entries(blocks[name]).get("layers"))
    for name in blocks:
        if name not in called:
            yield Advice(
                None, f"nothing calls block `{name}`", "call it, or leave it out", f"blocks.{name}"
            )


def _entries(node: Node | None) -> dict[str, Node]:
    return node.entries if isinstance(node, MapNode) else {}


def _words(node: Node | None) -> set[str]:
    """Every name in the values of a node."""
    found: set[str] = set()
    waiting = [node]
    while waiting:
        here = waiting.pop()
        if isinstance(here, ScalarNode):
            found.update(IDENTIFIER.findall(here.text))
        elif isinstance(here, ListNode):
            waiting.extend(here.items)
        elif here is not None:
            waiting.extend(here.entries.values())
    return found


def _kinds(node: Node | None) -> set[str]:
    """Every word that may name a layer or a block: scalars in lists, and keys of items."""
    found: set[str] = set()
    waiting = [node]
    while waiting:
        here = waiting.pop()
        if isinstance(here, ListNode):
            waiting.extend(here.items)
            found.update(item.text for item in here.items if isinstance(item, ScalarNode))
        elif isinstance(here, MapNode):
            waiting.extend(here.entries.values())
            found.update(here.entries)
    return found
