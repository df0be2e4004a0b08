"""What comes of a file from elsewhere: a spec, where its parts come from, and what is lost."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.diagnostics import ArgumentError, Diagnostic, Named, Problem
from convcalc.findings import Findings
from convcalc.graph import Group, Network, Written
from convcalc.spec.named import Values
from convcalc.spec.nodes import List, Map, Node, ScalarNode
from convcalc.spec.text import SourceText
from convcalc.spec.tree import Item, Spec

if TYPE_CHECKING:
    from convcalc.spec.fold.same import Said
    from convcalc.spec.fold.scopes import Scopes
    from convcalc.spec.source import Opened

Source = Callable[[], Any]
"""What gives an array of the file, in the layout that a layer has it in."""


QUANTIZED = Problem(
    "CC604",
    "the file is quantized: shapes, parameters and MACs are those of the network in floats",
    help="import the file that it was made of for what takes memory",
    severity="note",
)
"""What is said of a file that computes in whole numbers."""


class Finding(NamedTuple):
    """What a file says and a spec cannot, or what is wrong with a file."""

    problem: Problem
    """What is wrong, and what to do."""
    origin: str = ""
    """What the file calls the place; empty for the file as a whole."""


class Imported(NamedTuple):
    """A file from elsewhere."""

    spec: Spec | None
    """The network, flat, each item with its `origin`; None where there is none to be had."""
    findings: tuple[Finding, ...] = ()
    """What is wrong, in the order of the file."""
    weights: Mapping[str, Mapping[str, Source]] = {}
    """By the origin of an item, its layer's arrays by their names."""
    whole: bool = True
    """Whether the spec says all that the file does."""
    notes: tuple[str, ...] = ()
    """What was folded, shared or quantized before, in sentences."""
    quantized: bool = False
    """Whether the file computes in whole numbers what the spec says in floats."""
    scopes: "Callable[[], Scopes]" = dict
    """What gives by the origin of items where they stand, as far as the file says it."""
    said: "Callable[[], Said | None] | None" = None
    """What gives all that the spec says of its network, as expanding it would, where it is known.
    """
    inputs: Mapping[str, str] = {}
    """What the file calls its inputs → what the spec does; "" where that has no name for it."""


def refused(code: str, message: str, help: str | None = None) -> Imported:  # noqa: A002
    """What there is of a file that cannot be read at all."""
    return Imported(None, (Finding(Problem(code, message, help=help)),), whole=False)


class Origins(Values):
    """Places in a spec that comes from elsewhere, by the names that they have there."""

    def _name(self, number: int) -> str:
        """The origin of the innermost item that a place is in, and the key within that."""
        origin = ""
        keys: list[str] = []
        node: Node | None = self.spec
        while node is not None:
            if isinstance(node, Item) and node.origin:
                origin, keys = str(node.origin).replace("{{", "{").replace("}}", "}"), []
            if node.start == number or isinstance(node, ScalarNode):
                break
            node, key = _inside(node, number)
            if key is not None:
                keys.append(key)
        if not origin:
            return super()._name(number)
        field = ".".join(keys[1:])
        return f"{origin} ({field})" if field else origin


def _inside(node: Map | List, number: int) -> tuple[Node | None, str | None]:
    """The key or value inside a node that holds a number, and the key."""
    if isinstance(node, List):
        low, high = 0, len(node.items)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if node.items[middle].start <= number else (low, middle)
        return (node.items[low] if node.items else None), None
    for (key, value), at in zip(node.entries.items(), node.key_starts, strict=True):
        if at <= number < max(value.end, at + 1):
            return (None if number == at else value), key
    return None, None


def written(opened: "Opened", made: Imported) -> Written:
    """The spec of a file from elsewhere as one that was read."""
    path = opened.text.path
    if made.spec is None:
        text = SourceText(path, "")
        findings = Findings(text)
        for finding in made.findings:
            place = Named(finding.origin) if finding.origin else text.place(0, 0)
            findings.add(finding.problem, place)
        return Written(text, None, findings, whole=False)
    places = Origins(made.spec, path)
    findings = Findings(places)
    for number, finding in enumerate(made.findings):
        findings.add(finding.problem, Named(finding.origin or "graph", number))
    unmeasured: tuple[Diagnostic, ...] = ()
    if made.quantized:
        findings.add(QUANTIZED, Named("graph", len(made.findings)))
        refusal = Findings(places)
        message = "memory is not told of a quantized file: its tensors have types of their own"
        refusal.add(Problem("CC604", message, help=QUANTIZED.help), Named("graph"))
        unmeasured = refusal.diagnostics
    return Written(
        places,
        places.spec,
        findings,
        whole=made.whole,
        arrays=lambda network: arrays_of(made, network),
        unmeasured=unmeasured,
        inputs=made.inputs,
        notes=made.notes,
        modules=lambda network: _modules(network, made),
    )


def _modules(network: Network, made: Imported) -> tuple[Group, ...]:
    from convcalc.exchange.modules import modules  # which few tables want

    return modules(network, made.scopes())


def arrays_of(made: Imported, network: Network) -> dict[str, Any]:
    """The file's own weights by their names in the network.

    Raises `ValueError` where some are not to be had.
    """
    arrays: dict[str, Any] = {}
    for node, plan in zip(network.nodes, network.plans, strict=True):
        if plan is None or not plan.weights or node.shared_with is not None:
            continue
        sources = made.weights.get(node.origin, {})
        for weight in plan.weights:
            name = f"{node.name}.{weight.name}"
            if weight.name not in sources:
                message = f"{name}: the file has no values for it"
                raise ArgumentError(message)
            array = sources[weight.name]()
            if array.size != weight.size:
                message = f"{name}: the file has {array.size:,} values for {weight.size:,}"
                raise ArgumentError(message)
            arrays[name] = array.reshape(weight.shape)
    return arrays


def diagnostics(opened: "Opened", made: Imported) -> Sequence[Diagnostic]:
    """What was found in reading a file."""
    if not made.findings and not made.quantized:
        return ()  # and no part of the spec needs a place
    return written(opened, made).findings.diagnostics
