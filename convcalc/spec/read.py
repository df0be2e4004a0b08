"""Located nodes become the spec's tree: which mappings are items and blocks, by where they stand.

What stands where no such thing can is left as it is, for whoever works on it to say so.
"""

from collections.abc import Callable

from convcalc.findings import Findings
from convcalc.layers import BRANCHES
from convcalc.spec.nodes import List, Map, Node, Preset, ScalarNode
from convcalc.spec.tree import MODIFIERS, Block, Item, Spec, branches_of
from convcalc.spec.values import quoted

MOST_KEYS = 50
"""Keys that are compared with those of a spec."""
NO_SPEC = (
    "a spec is YAML with `input: 224x224x3` and `layers:`; in a folder, specs are found by their "
    "keys"
)
"""What is said of a text that is none."""


def read(root: Node | None, findings: Findings) -> Spec | None:
    """The spec that a composed text holds; None, and a finding, where it is no mapping."""
    if not isinstance(root, Map):
        if root is not None or not findings.diagnostics:
            if isinstance(root, ScalarNode) and _report_one_text(root, findings):
                return None
            at = root.start if root else 0
            findings.report(
                "CC107",
                f"a spec is a mapping, and this is {quoted(root) if root else 'empty'}",
                at,
                at,
                "start with `input: 224x224x3` and `layers:`",
            )
        return None
    if root.entries and _is_foreign(root, findings):
        return None
    entries = dict(root.entries)
    layers, blocks, presets = (entries.get(key) for key in ("layers", "blocks", "presets"))
    if isinstance(layers, List):
        entries["layers"] = read_items(layers)
    if isinstance(blocks, Map):
        entries["blocks"] = _each(blocks, _block)
    if isinstance(presets, Map):
        entries["presets"] = _each(presets, _preset)
    return Spec.at(entries, root.key_starts, root.start, root.end)


def _is_foreign(root: Map, findings: Findings) -> bool:
    """Whether no key of a mapping is one of a spec's, or near one; it is reported then."""
    from convcalc.spec.expand import TOP_LEVEL

    if not TOP_LEVEL.keys().isdisjoint(root.entries):
        return False
    from convcalc.diagnostics import closest, listed

    if any(closest(key, TOP_LEVEL) for key in list(root.entries)[:MOST_KEYS]):
        return False
    keys = listed(f"`{key[:40]}`" for key in list(root.entries)[:3])
    more = f" and {len(root.entries) - 3:,} more" if len(root.entries) > 3 else ""
    first = next(root.key_nodes())
    findings.report(
        "CC107",
        f"this is no spec: none of its keys is one of a spec: {keys}{more}",
        first.start,
        first.end,
        NO_SPEC,
    )
    return True


def _report_one_text(root: ScalarNode, findings: Findings) -> bool:
    """Report a text that is no mapping to YAML: a spec with other signs, or something else."""
    from convcalc.spec.slips.foreign import sort_of
    from convcalc.spec.slips.keys import spec_of

    written: str = getattr(findings.places, "content", "")
    slip = spec_of(written[root.start : root.end])
    message, advice, fix = f"a spec is a mapping, and this is {quoted(root)}", None, None
    if slip is not None:
        advice, fix, end = slip.help, slip.fix, root.end
    elif sort := sort_of(written):
        message, advice, end = f"this is no spec: it reads as {sort}", NO_SPEC, root.start + 1
    else:
        return False
    findings.report("CC107", message, root.start, end, advice, fix=fix)
    return True


def _each(mapping: Map, made: Callable[[Node], Node]) -> Map:
    entries = {key: made(node) for key, node in mapping.entries.items()}
    return Map.at(entries, mapping.key_starts, mapping.start, mapping.end)


def _preset(node: Node) -> Node:
    if not isinstance(node, Map):
        return node
    return Preset.at(node.entries, node.key_starts, node.start, node.end)


def _block(node: Node) -> Node:
    if not isinstance(node, Map):
        return node
    entries, layers = node.entries, node.entries.get("layers")
    if isinstance(layers, List):
        entries = {**entries, "layers": read_items(layers)}
    return Block.at(entries, node.key_starts, node.start, node.end)


def read_items(items: List) -> List:
    """A list of items, each a word alone or a mapping."""
    return List.at(tuple(map(_item, items.items)), items.start, items.end)


def _item(node: Node) -> Node:
    """One of a list of items: a word alone or a mapping."""
    if node.__class__ is ScalarNode:
        return Item.alone(node)
    if not isinstance(node, Map):
        return node
    entries = node.entries
    for key, value in entries.items():
        if value.__class__ is Map and BRANCHES not in value.entries:  # as most layers' fields are
            continue
        if value.__class__ is ScalarNode or key in MODIFIERS:
            continue
        inner = _items_within(key, value)
        if inner is not None:
            entries = {**entries, key: inner}
    return Item.at(entries, node.key_starts, node.start, node.end)


def _items_within(key: str, value: Node) -> Node | None:
    """A group's items, or a value with the branches in it as such; None for other values."""
    if key == "layers" and isinstance(value, List):
        return read_items(value)
    written = branches_of(key, value)
    if written is None:
        return None
    branches = tuple(read_items(each) if isinstance(each, List) else each for each in written.items)
    made = List.at(branches, written.start, written.end)
    if not isinstance(value, Map):
        return made
    return Map.at({**value.entries, BRANCHES: made}, value.key_starts, value.start, value.end)
