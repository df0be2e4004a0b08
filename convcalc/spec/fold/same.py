"""Whether two specs are the same network: layer by layer, whatever they are called."""

from typing import Any

from convcalc.spec.nodes import ScalarNode
from convcalc.spec.tree import Spec
from convcalc.spec.unfold import WEIGHTLESS, Branch, Recorded, recorded


def same(one: Spec, other: Spec) -> bool:
    """Whether both have the same layers in the same order, which read the same."""
    first = network_said(one)
    return first is not None and first == network_said(other)


def network_said(spec: Spec) -> "tuple[Any, ...] | None":
    """All of a network that numbers come of; None where the spec has errors."""
    made = recorded(spec)
    return None if made is None else _said(spec, made)


def _said(spec: Spec, made: Recorded) -> tuple[Any, ...]:
    """All of a network that numbers come of."""
    document = made.document
    late = {
        draft.node: {name: _plain(value) for name, value in draft.fields.items()}
        for draft in _drafts(made.layers)
    }
    nodes = [
        (
            node.kind,
            node.layer if node.layer is not None else late.get(index),
            node.inputs,
            node.like,
            None if node.kind in WEIGHTLESS else node.shared_with,
        )
        for index, node in enumerate(document.nodes)
    ]
    tensors: dict[str, int | None] = {
        **{node.name: index for index, node in enumerate(document.nodes)},
        **{group.name: group.output for group in document.groups},
    }
    expected = [tensors.get(str(name)) for name in spec.expect.get("layers") or ()]
    return nodes, document.inputs, document.outputs, document.output_names, expected


def _drafts(branch: Branch) -> Any:
    for draft in branch.items:
        yield draft
        for inner in draft.branches or ():
            yield from _drafts(inner)


def _plain(value: Any) -> Any:
    """A field as it is written, whatever the place."""
    return value.text if isinstance(value, ScalarNode) else str(value)
