"""Whether two specs are the same network: layer by layer, whatever they are called."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from convcalc.findings import Findings
from convcalc.layers import CATALOGUE
from convcalc.spec.fields import FieldReader
from convcalc.spec.flat import Document, LayerNode
from convcalc.spec.items import Items
from convcalc.spec.named import Values
from convcalc.spec.names import Reporter
from convcalc.spec.nodes import Entry, List, Map, ScalarNode, Text, is_plain
from convcalc.spec.origin_lists import listed, shortened
from convcalc.spec.tree import Spec
from convcalc.spec.unfold import WEIGHTLESS, Branch, expanded, recorded
from convcalc.spec.ways import Layers, kept_lines, words


class Said(NamedTuple):
    """All that a spec says of its network."""

    network: tuple[Any, ...]
    """What numbers come of: layers, what they read, whose weights they use, what is expected."""
    origins: tuple[tuple[str, str], ...]
    """Of each layer where it comes from, and its name."""
    layers: Layers = Layers((), ())
    """The layers and the groups that they stand in; none of a network that no spec says."""
    words: tuple[frozenset[str], ...] = ()
    """Of each layer how it is written in code; none where a spec says nothing of it."""


def same(one: Spec, other: Spec) -> bool:
    """Whether both have the same layers in the same order, which read the same."""
    first, second = network_said(one), network_said(other)
    return first is not None and second is not None and first.network == second.network


def with_origins(spec: Spec, before: Said, *, renamed: bool = False) -> Spec | None:
    """A spec that was folded, with a list of the origins that it does not say beside items.

    None where it is not the network that it was before, or says other origins. A layer may come
    from what it was called before, and what it is called need not be said. Outputs may be
    `renamed`.
    """
    after = network_said(spec)
    if after is None:
        return None
    if renamed and len(before.network[-2]) == len(after.network[-2]):
        before = before._replace(network=_with_names(before.network, after.network[-2]))
    if before.network != after.network:
        return None
    if before.words and "written" in spec:
        spec = spec.replace(written=kept_lines(after.layers, spec.entries["written"], before.words))
    left: dict[str, list[str]] = {}
    layers, *_ = after.network
    for (kind, *_), (origin, name), (now, called) in zip(
        layers, before.origins, after.origins, strict=True
    ):
        if now:
            if now != (origin or name):
                return None
        elif kind in CATALOGUE:
            left.setdefault(kind, []).append(origin if origin != called else "")
    lists = {kind: shortened(names) for kind, names in left.items() if any(names)}
    if not lists:
        return spec
    named = Map(
        {
            kind: List([Text(name, quoted=not is_plain(name)) for name in names])
            for kind, names in lists.items()
        }
    )
    told = _with_listed(named, after)
    agrees = told is not None and all(
        not origin or origin == (now or called)
        for (origin, _), (now, called) in zip(before.origins, told, strict=True)
    )
    return spec.with_value("origins", named) if agrees else None


def _with_listed(named: Map, said: Said) -> list[tuple[str, str]] | None:
    """Of each layer where it comes from, and its name, once a spec lists origins.

    Nothing else hangs on these, so they are read as expanding the spec reads them and no layer is
    written out again. None where they have errors.
    """
    places = Values(Spec.of([Entry("origins", named)]))
    findings = Findings(places)
    report = Reporter(findings)
    layers, *_ = said.network
    told = [(kind, origin) for (kind, *_), (origin, _) in zip(layers, said.origins, strict=True)]
    made = [*said.origins]
    for index, origin in listed(
        report, Items(report, FieldReader(findings)), places.spec.entries["origins"], told
    ):
        made[index] = origin, made[index][1]
    return None if any(each.severity == "error" for each in findings.diagnostics) else made


def _with_names(network: tuple[Any, ...], names: Any) -> tuple[Any, ...]:
    """What a spec says of its network with other names of its outputs."""
    return (*network[:-2], names, network[-1])


def network_said(spec: Spec) -> Said | None:
    """What a spec says of its network; None where it has errors."""
    document = expanded(spec)
    if document is None:
        return None
    late: dict[int, dict[str, Any]] = {}
    if any(node.layer is None for node in document.nodes):
        made = recorded(spec)
        late = {} if made is None else dict(_written(made.layers))
    nodes = [
        (
            node.kind,
            node.layer if node.layer is not None else late.get(index),
            node.inputs,
            node.like,
            None if node.kind in WEIGHTLESS else node.shared_with,
            node.kind not in WEIGHTLESS and _frozen(document, node),
        )
        for index, node in enumerate(document.nodes)
    ]
    names = spec.expect.get("layers") or ()
    tensors: dict[str, int | None] = {}
    if names:  # as few specs that were flat have any
        tensors.update((node.name, index) for index, node in enumerate(document.nodes))
        tensors.update((group.name, group.output) for group in document.groups)
    expected = [tensors.get(str(name)) for name in names]
    ends = (document.inputs, document.outputs, document.output_names)
    origins = tuple((node.origin, node.name) for node in document.nodes)
    layers = Layers(document.nodes, document.groups)
    said_of = words(layers, document.ways) if document.ways else ()
    return Said((nodes, *ends, expected), origins, layers, said_of)


def _frozen(document: Document, node: LayerNode) -> bool:
    """Whether training leaves the weights as they are that a layer uses."""
    owner = node if node.shared_with is None else document.nodes[node.shared_with]
    return bool(owner.frozen)


def _written(branch: Branch) -> Iterator[tuple[int, dict[str, Any]]]:
    """The fields of layers as they are written, which is all that late ones have, by number."""
    for draft in branch.items:
        yield draft.node, {name: _plain(value) for name, value in draft.fields.items()}
        for inner in draft.branches or ():
            yield from _written(inner)


def _plain(value: Any) -> Any:
    """A field as it is written, whatever the place."""
    return value.text if isinstance(value, ScalarNode) else str(value)
