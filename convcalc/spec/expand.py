"""From located YAML to a flat list of named layers: blocks, groups and repeats written out.

Nothing here knows shapes. Every problem is reported at its place and expansion goes on, so that one
run shows them all; what grows beyond the limits is refused, because blocks can call blocks.
"""

from collections import ChainMap
from collections.abc import Iterable, Mapping
from enum import Enum
from itertools import islice
from typing import Final, NamedTuple, cast

from convcalc.collector import without_collection
from convcalc.diagnostics import Fix, Place, Severity, closest, misspelt, remove, write_value
from convcalc.findings import Findings
from convcalc.layers import CATALOGUE, GIVEN, layer_class
from convcalc.layers.base import Layer, declarations
from convcalc.layers.source import Input
from convcalc.shape import Shape
from convcalc.spec.expressions import Value
from convcalc.spec.fields import (
    MODIFIERS,
    FieldError,
    FieldReader,
    Scope,
    evaluate,
    fail,
    flag,
    product,
    quoted,
    read_shape,
    renamed,
    shown,
    whole,
    word,
)
from convcalc.spec.nodes import Node
from convcalc.spec.promises import Promises, read_promises
from convcalc.spec.source import ListNode, MapNode, RefusedError, ScalarNode, refuse
from convcalc.spec.tree import Item, Spec
from convcalc.spec.vocabulary import native_kind, sure_kind

MAX_LAYERS = 200_000
"""Most layers in one network."""
MAX_STEPS = 400_000
"""Most items, calls and rounds that expanding one spec may take."""
MAX_SUGGESTED = 300
"""Names, the latest, that a misspelt one is compared with."""
MAX_CALLS = 40
"""Most blocks, groups and branches inside one another."""

NOTHING = ScalarNode("", 0, 0)
"""What stands behind a kind that is given no fields."""
SLIDING = frozenset({"conv", "maxpool", "avgpool", "lppool"})
"""Kinds that make of a sequence something else than of an image."""
RESHAPING = frozenset({"flatten", "reshape", "permute"})
"""Kinds that make other axes of what they get."""
IMAGE = 2
"""Axes of an image."""
MOST_COLOURS = 4
"""Channels that an image from a camera has at most."""
NO_LAYERS = range(0)
"""The layers of a group or block that is still being written out."""

TOP_LEVEL = {
    "name": "What the network is called.",
    "reference": "Where it is described: a URL or a citation.",
    "year": "When it was published.",
    "description": "Remarks for its reader.",
    "input": "Shape of one example: height × width × channels, as 224x224x3.",
    "parameters": "Names with default values that expressions may use; --set overrides them.",
    "presets": "Members of a family by name: the values of parameters that make each of them.",
    "defaults": "Values of fields for every layer of a kind, by kind.",
    "rounding": "What to do when a stride does not tile: exact (default), floor or ceil.",
    "blocks": "Layers with parameters, called like a layer.",
    "layers": "The network: a list of items, each fed by the one before.",
    "expect": "What must hold of the result; `convcalc check` verifies it.",
    "budget": "Limits on the result; `convcalc check` verifies them.",
}
"""Top-level keys of a spec, with what they hold."""

BLOCK_KEYS = ("parameters", "layers", "description")

PRESET_KEYS = ("name", "reference", "year", "description", "input", "expect")
"""Top-level keys that a preset may replace, beside giving values to parameters."""


class _Open(Enum):
    """What the name of a group or block means that is still being written out."""

    OPEN = "open"


OPEN: Final = _Open.OPEN


class LayerNode(NamedTuple):
    """One layer of the network, and what it reads."""

    name: str
    """Full name, as `stage1.conv1`."""
    kind: str
    """What the spec calls it: `conv`, `maxpool`; a key of the catalogue."""
    layer: Layer | None
    """The layer with its fields; None when they have errors."""
    inputs: tuple[int, ...]
    """Indices of the layers it reads, all of them earlier; a source reads none."""
    item: Item
    """Where it was written."""
    shared_with: int | None = None
    """Index of the layer whose weights it uses; None when they are its own."""
    unknown: tuple[int, ...] = ()
    """Which of what it reads an error keeps unknown, counted from 0 as written; `inputs` has the
    others."""


class Group(NamedTuple):
    """A block or a named group, or one round of it, as a stretch of the flat network."""

    name: str
    """Full name, as `stage1.block2`."""
    block: str
    """The definition that it calls; empty for a group that is written where it stands."""
    item: Item
    """Where it is said; the rounds of one repeat share it."""
    layers: range
    """Indices of its layers, those of groups inside it among them; empty when it has none."""
    output: int | None
    """Index of the layer whose output its last item leaves, which may stand outside it; None where
    an error keeps it unknown."""


class Document(NamedTuple):
    """A spec written out."""

    name: str
    """The spec's `name`, or its path."""
    reference: str | None
    """Where the network is described; None where that is not said."""
    nodes: list[LayerNode]
    """All layers, the network's inputs first, with blocks, groups and repeats written out."""
    inputs: tuple[int, ...]
    """Indices of the network's inputs."""
    outputs: tuple[int, ...]
    """Indices of the layers whose outputs are the network's; those that errors keep unknown are not
    among them."""
    parameters: dict[str, Value]
    """Values of the spec's parameters, those that were given among them."""
    promises: Promises
    """What the spec expects and allows, with the places of both."""
    year: int | None = None
    """When the network was published; None where that is not said."""
    groups: tuple[Group, ...] = ()
    """Blocks and named groups, by where they start, outer before inner."""
    lost: bool = False
    """Whether errors kept an item out altogether."""


class _Block(NamedTuple):
    name: str
    """The key that it is defined under, by which items call it."""
    parameters: MapNode | None
    """Its parameters with their defaults; None where it has none."""
    layers: ListNode
    """Its items, which are read anew for each call."""
    node: MapNode
    """The whole definition, for findings about it."""


class _Item(NamedTuple):
    """What one YAML item says, before any expression is evaluated."""

    kind: str | None
    """The kind of layer that it names; None for a block and a group."""
    block: _Block | None
    """The block that it calls; None for a layer and a group."""
    group: ListNode | None
    """The items of a group that is written where it stands; None for the others."""
    value: Node
    """What stands behind the kind or block."""
    modifiers: Item | None
    """The item, when it has modifiers."""


class _Place:
    """Where an item stands: what its names start with, and how many of each kind came before."""

    __slots__ = ("block", "counters", "numbered", "outer", "prefix", "scope")

    def __init__(
        self,
        prefix: str,
        scope: Scope,
        outer: "_Place | None" = None,
        *,
        numbered: bool = False,
        block: bool = False,
    ) -> None:
        self.block = block
        """The inside of a block, or the whole network: where parameters belong."""
        self.prefix = prefix
        self.scope = scope
        self.outer = outer
        self.counters: dict[str, int] = {}
        self.numbered = numbered

    def inner(self, scope: Scope, *, numbered: bool) -> "_Place":
        """This place with other names in scope; items are still counted together."""
        numbered = numbered or self.numbered
        place = _Place(self.prefix, scope, self.outer, numbered=numbered, block=self.block)
        place.counters = self.counters
        return place


@without_collection
def expand(
    findings: Findings,
    spec: Spec,
    overrides: Mapping[str, object] | None = None,
    input_shape: Shape | None = None,
    preset: str = "",
) -> Document | None:
    """Write out a spec; what is wrong with it goes to `findings`.

    None where it has no such preset. `overrides` are values for the spec's parameters, text
    being read as it would be in the spec; `input_shape` replaces the spec's input, and `preset`
    names the member of a family that is meant.
    """
    expander = _Expander(findings, spec, overrides or {}, input_shape)
    return expander.expand() if expander.choose(preset) else None


class _Expander:
    def __init__(
        self,
        findings: Findings,
        root: Spec,
        overrides: Mapping[str, object],
        input_shape: Shape | None,
    ) -> None:
        self.findings = findings
        self.root = root
        self.overrides = overrides
        self.input_shape = input_shape
        self.preset: dict[str, Node] = {}
        self.reader = FieldReader(findings)
        self.member = ""
        self.blocks: dict[str, _Block] = {}
        self.nodes: list[LayerNode] = []
        self.sources: dict[str, int] = {}
        self.names: dict[str, int | _Open | None] = {}
        self.claimed: dict[str, Node] = {}
        """The items that were given a name, by it."""
        self.groups: list[Group] = []
        self.rounds: dict[str, str] = {}
        self.lost = False
        self.items: dict[int, _Item | None] = {}
        self.called: set[str] = set()
        self.plain_kinds: set[str] = set()
        self.calls: list[str] = []
        self.top_values: Mapping[str, Value] = {}
        self.products: dict[str, ScalarNode] = {}
        self.failed: set[str] = set()
        self.depth = 0
        self.steps = 0

    def choose(self, wanted: str) -> bool:
        """Look through the presets, and let the one called `wanted` replace what it names."""
        presets = self.mapping(
            self.root.entries.get("presets"), "presets", "write `presets: {small: {width: 32}}`"
        )
        declared = self.root.entries.get("parameters")
        parameters = list(declared.entries) if isinstance(declared, MapNode) else []
        for key in presets.key_nodes() if presets else ():
            self.valid_name(key)
            preset = self.mapping(
                presets.entries[key.text] if presets else None,
                f"preset `{key.text}`",
                f"write `{key.text}: {{width: 32}}`",
            )
            for name in preset.key_nodes() if preset else ():
                if name.text not in parameters and name.text not in PRESET_KEYS:
                    near = closest(name.text, [*parameters, *PRESET_KEYS])
                    self.error(
                        "CC109",
                        f"preset `{key.text}` sets {quoted(name)}, which is no parameter of the "
                        "spec",
                        name,
                        f"did you mean `{near}`?"
                        if near
                        else f"it may give {', '.join([*parameters, *PRESET_KEYS])}",
                        fix=_right(near, name.text, [*parameters, *PRESET_KEYS]),
                    )
        self.member = wanted
        if not wanted:
            return True
        names = list(presets.entries) if presets else []
        if wanted in names:
            chosen = presets.entries[wanted] if presets else None
            self.preset = dict(chosen.entries) if isinstance(chosen, MapNode) else {}
            return True
        at = self.root.key("presets") if "presets" in self.root.entries else self.root
        near = closest(wanted, names)
        self.findings.report(
            "CC101",
            f"there is no preset `{wanted[:60]}`",
            at.start,
            at.start + len("presets"),
            (f"did you mean `{near}`? " if near else "")
            + (f"the presets are {', '.join(names)}" if names else "the spec has no presets"),
        )
        return False

    def entry(self, key: str) -> Node | None:
        """What stands under a top-level key, or what the chosen preset puts there."""
        return self.preset.get(key) or self.root.entries.get(key)

    def expand(self) -> Document:
        entries = self.root.entries
        for key in self.root.key_nodes():
            if self.findings.full:
                break
            if key.text not in TOP_LEVEL:
                near = closest(key.text, TOP_LEVEL)
                known = ", ".join(TOP_LEVEL)
                self.error(
                    "CC109",
                    f"a spec has no key {quoted(key)}",
                    key,
                    f"did you mean `{near}`?" if near else f"its keys are {known}",
                    fix=_right(near, key.text, TOP_LEVEL),
                )
        if "rounding" in entries:
            try:
                self.reader.rounding = word(
                    entries["rounding"], Scope({}), ("exact", "floor", "ceil")
                )
            except FieldError as error:
                self.reader.report(error, field="rounding")
        scope = Scope(self.top_parameters(entries.get("parameters")), self.failed)
        scope.products = self.products
        self.top_values = scope.values
        shape = self.read_input(self.entry("input"), scope)
        self.read_defaults(entries.get("defaults"), scope)
        self.read_blocks(entries.get("blocks"))
        given = self.entry("input") or self.root
        self.sources["input"] = len(self.nodes)
        self.nodes.append(source_node("input", shape, source_item(given)))
        output = None
        try:
            output = self.read_layers(entries.get("layers"), scope)
            self.inspect_uncalled()
        except RefusedError as error:
            refuse(self.findings, error)
            del self.nodes[len(self.sources) :]  # the part before the limit would mean nothing
            self.groups.clear()
            self.lost = True
        if shape is not None and self.asked_about(shape, given) is None:
            self.nodes[self.sources["input"]] = source_node("input", None, source_item(given))
        promises = read_promises(
            self.findings, self.expectations(), entries.get("budget"), scope, self.reader
        )
        return Document(
            name=self.title(),
            reference=self.text("reference") or None,
            nodes=self.nodes,
            inputs=tuple(self.sources.values()),
            outputs=() if output is None else (output,),
            parameters=dict(scope.values),
            promises=promises,
            year=self.year(),
            groups=tuple(self.groups),
            lost=self.lost,
        )

    # What stands at the top of a spec

    def expectations(self) -> Node | None:
        """What `expect` says, and what the preset adds to it or says in its stead."""
        every, own = self.root.entries.get("expect"), self.preset.get("expect")
        if not isinstance(every, MapNode) or not isinstance(own, MapNode):
            return own or every
        kept = [key for key in every.key_nodes() if key.text not in own.entries]
        starts = (*(key.start for key in kept), *own.key_starts)
        entries = {key.text: every.entries[key.text] for key in kept}
        return MapNode.at({**entries, **own.entries}, starts, own.start, own.end)

    def year(self) -> int | None:
        node = self.entry("year")
        if node is None:
            return None
        try:
            year = whole(node, Scope({}), "a year")
            if not 1 <= year <= 9999:
                fail("CC302", f"{shown(year)} is no year", node, "write four digits: 2014")
        except FieldError as error:
            self.reader.report(error, field="year")
            return None
        return year

    def title(self) -> str:
        """The network's name; a preset without one is called by its own."""
        if self.member and "name" not in self.preset:
            return self.member
        return self.text("name")

    def text(self, key: str) -> str:
        node = self.entry(key)
        if node is None:
            return ""
        if not isinstance(node, ScalarNode):
            self.error("CC107", f"{key} is text, and this is {quoted(node)}", node)
            return ""
        return " ".join(node.text.split())

    def top_parameters(self, node: Node | None) -> dict[str, Value]:
        values: dict[str, Value] = {}
        scope = Scope(values, self.failed)
        scope.products = self.products
        entries = self.mapping(node, "parameters", "write `parameters: {classes: 1000}`")
        for key in entries.key_nodes() if entries else ():
            if not self.valid_parameter(key):
                continue
            default = entries.entries[key.text] if entries else key
            if key.text in self.overrides:
                value = self.override(key, default)
            elif key.text in self.preset and key.text not in PRESET_KEYS:
                default = self.preset[key.text]
                value = self.argument(default, scope)
            elif isinstance(default, ScalarNode) and not default.text and default.plain:
                self.error(
                    "CC115",
                    f"parameter `{key.text}` has no value",
                    key,
                    f"give it a default, or run with --set {key.text}=…"
                    + (" or one of the presets" if "presets" in self.root.entries else ""),
                )
                value = None
            else:
                value = self.argument(default, scope)
            if value is not None:
                values[key.text] = value
            else:
                self.failed.add(key.text)
            written = None if key.text in self.overrides else _held(default, self.products)
            if written is not None:
                self.products[key.text] = written
        declared = list(entries.entries) if entries else []
        for name in self.overrides:
            if name not in declared:
                near = closest(name, declared)
                advice = f"its parameters are {', '.join(declared)}" if declared else "it has none"
                at = self.root.key("parameters") if node else None
                self.findings.report(
                    "CC118",
                    f"the spec has no parameter `{name}` to set",
                    at.start if at else 0,
                    at.end if at else 1,
                    f"did you mean `{near}`?" if near else advice,
                )
        return values

    def override(self, key: ScalarNode, default: Node) -> Value | None:
        given = self.overrides[key.text]
        if not isinstance(given, bool | int | float | str):
            self.error(
                "CC107",
                f"parameter `{key.text}` is set to {given!r:.60}, which is no number or text",
                key,
                "give a number, true or false, or text",
            )
            return None
        if not isinstance(given, str):
            return given
        if isinstance(default, ScalarNode) and not default.plain:
            return given
        stripped = given.strip()
        if stripped in ("true", "false"):
            return stripped == "true"
        try:
            return evaluate(ScalarNode(stripped, 0, 1, plain=False), Scope({}), "a value")
        except FieldError as error:
            self.error(
                error.problem.code,
                f"--set {key.text}={given[:60]}: {error.problem.message}",
                key,
                error.problem.help,
            )
            return None

    def read_input(self, node: Node | None, scope: Scope) -> Shape | None:
        if self.input_shape is not None:
            own = self.own_input(node, scope)
            if own is not None and own.rank != self.input_shape.rank:
                self.refuse_rank(self.input_shape, own, node or self.root)
                return None
            if own is not None and _turned(self.input_shape, own):
                self.refuse_turned(self.input_shape, own, node or self.root)
                return None
            return self.input_shape
        if node is None:
            self.findings.report(
                "CC115",
                "there is no `input`",
                self.root.start,
                self.root.start + 1,
                "add the shape of one example: `input: 224x224x3` (height × width × channels)",
            )
            return None
        try:
            return read_shape(node, scope)
        except FieldError as error:
            self.reader.report(error, field="input")
            return None

    def asked_about(self, shape: Shape, node: Node) -> Shape | None:
        """The input, unless the layers show that its axes are not what it says; else a warning."""
        asked = looks_channels_first(shape) or (not self.input_shape and looks_batched(shape))
        layer, field, sizes = self.sizes_by_axis()
        axes = len(sizes)
        if axes == shape.rank + 1 > 1 or (asked and axes == shape.rank - 1 > 0):
            self.refuse_axes(shape, node, f"{field} {'x'.join(map(str, sizes))} of {layer}", axes)
            return None
        slides = any(each.kind in SLIDING for each in self.nodes)
        if asked or (not self.input_shape and slides and looks_without_channels(shape)):
            self.warn_channels_first(shape, node)
        return shape

    def sizes_by_axis(self) -> tuple[str, str, tuple[int, ...]]:
        """A layer, a field and its sizes, one per axis, where all such agree on how many there are.

        Only layers before the first that makes other axes of what it gets count.
        """
        first: tuple[str, str, tuple[int, ...]] = ("", "", ())
        seen: set[int] = set()
        for name, kind, layer, *_ in self.nodes:
            if kind in RESHAPING:
                break
            if layer is None or id(layer) in seen:
                continue
            seen.add(id(layer))
            for field, declared in declarations(type(layer)).items():
                sizes = getattr(layer, field) if declared.form == "axes" else None
                if isinstance(sizes, tuple) and first[2] and len(sizes) != len(first[2]):
                    return ("", "", ())
                if isinstance(sizes, tuple) and not first[2]:
                    first = (name, field, sizes)
        return first

    def refuse_axes(self, shape: Shape, node: Node, evidence: str, axes: int) -> None:
        """Say that the layers are written for other axes than the input has."""
        given, right = (*shape.spatial, shape.channels), ""
        if axes > shape.rank:
            advice = f"an image has its channels behind: write {_written(Shape(1, given))}"
            if axes != IMAGE:
                advice = f"channels stand behind: write {_written(Shape(1, given))}"
            advice += " if it has one"
        elif given[-1] <= MOST_COLOURS:
            right = "x".join(map(str, given[1:]))
            advice = f"write {right}, without the batch"
        else:
            right = _written(Shape(given[1], given[2:]))
            advice = f"write {right}, without the batch"
        self.error(
            "CC119",
            f"input {_written(shape)} has {shape.rank} spatial {_axes(shape.rank)}, and {evidence} "
            f"is for {axes}",
            node,
            advice,
            fix=self.written_input(right),
        )

    def written_input(self, right: str) -> Fix | None:
        """The fix of an input that can only mean another, if it is the spec's own."""
        return write_value(right) if right and self.input_shape is None else None

    @staticmethod
    def own_input(node: Node | None, scope: Scope) -> Shape | None:
        """The spec's own input, where it has one that can be read."""
        try:
            return None if node is None else read_shape(node, scope)
        except FieldError:
            return None

    def refuse_rank(self, given: Shape, own: Shape, node: Node) -> None:
        """Say that an input from outside has other axes than the spec's own."""
        right = of_rank(given, own)
        self.error(
            "CC108",
            f"input --input {_written(given)} has {given.rank} spatial {_axes(given.rank)}, and "
            f"the spec's own {_written(own)} has {own.rank}",
            node,
            f"write --input {_written(right)}"
            if right
            else "write as many numbers as the spec does: height × width × channels",
        )

    def refuse_turned(self, given: Shape, own: Shape, node: Node) -> None:
        """Say that an input from outside has the spec's channels in front."""
        self.error(
            "CC108",
            f"input --input {_written(given)} has {given.channels} channels, and the spec's own "
            f"{_written(own)} has {own.channels}, which stand in front here",
            node,
            f"write --input {_written(Shape(own.channels, (*given.spatial[1:], given.channels)))}",
        )

    def warn_channels_first(self, shape: Shape, node: Node) -> None:
        written = _written(shape)
        first, *rest = (*shape.spatial, shape.channels)
        along = ("", "length", "height", "depth")[shape.rank]
        what = f"a {along} of {first} and {shape.channels} channels"
        right = ""
        advice = "shapes are height × width × channels: write "
        if shape.rank == 1 and first == shape.channels:
            what = f"a sequence of {first} positions with {first} channels"
            advice = f"an image has its channels behind: write {first}x{first}x1 if it is grey"
        elif shape.rank == 3 and rest[-1] <= 4:
            right = _written(Shape(rest[2], (rest[0], rest[1])))
            advice += f"{right}, without the batch"
        elif shape.rank == 3 and rest[0] in (1, 3, 4):
            right = f"{rest[1]}x{rest[2]}x{rest[0]}"
            advice += f"{right}, without the batch"
        else:
            advice += "x".join(map(str, (*rest, first)))
            advice += f" if it has {first} channel{'' if first == 1 else 's'}"
        where = "" if self.input_shape is None else "--input "
        message, fix = f"input {where}{written} reads as {what}", self.written_input(right)
        self.error("CC119", message, node, advice, "warning", fix)

    def read_defaults(self, node: Node | None, scope: Scope) -> None:
        entries = self.mapping(node, "defaults", "write `defaults: {conv: {bias: false}}`")
        for key in entries.key_nodes() if entries else ():
            if key.text not in CATALOGUE:
                self.unknown_kind(key, kinds_only=True)
                continue
            fields = self.mapping(
                entries.entries[key.text] if entries else None,
                key.text,
                f"write `{key.text}: {{field: value}}`",
            )
            if fields is not None:
                values = self.reader.values(key.text, fields, scope, None)
                if values:
                    self.reader.kind_defaults[key.text] = values

    def read_blocks(self, node: Node | None) -> None:
        entries = self.mapping(node, "blocks", "write `blocks: {stage: {layers: [...]}}`")
        for key in entries.key_nodes() if entries else ():
            body = entries.entries[key.text] if entries else key
            if not self.valid_name(key):
                continue
            if key.text in MODIFIERS or key.text == "layers":
                self.error(
                    "CC117",
                    f"`{key.text}` has a meaning of its own in an item",
                    key,
                    "choose another name",
                )
                continue
            if isinstance(body, ListNode):
                self.error(
                    "CC107",
                    f"block `{key.text}` is a list, and a block is a mapping with `layers`",
                    key,
                    f"write `{key.text}: {{layers: [...]}}`",
                )
                continue
            block = self.mapping(body, f"block `{key.text}`", "write `layers:` under it")
            if block is None:
                continue
            for inner in block.key_nodes():
                if inner.text not in BLOCK_KEYS:
                    near = closest(inner.text, BLOCK_KEYS)
                    self.error(
                        "CC109",
                        f"a block has no key {quoted(inner)}",
                        inner,
                        f"did you mean `{near}`?"
                        if near
                        else f"its keys are {', '.join(BLOCK_KEYS)}",
                        fix=_right(near, inner.text, BLOCK_KEYS),
                    )
            layers = block.entries.get("layers")
            if not isinstance(layers, ListNode):
                self.error(
                    "CC107" if layers is not None else "CC115",
                    f"block `{key.text}` needs `layers`, a list of items",
                    layers or key,
                    "write `layers:` and items under it, each after a dash",
                )
                continue
            parameters = self.mapping(
                block.entries.get("parameters"), "parameters", "write `parameters: {filters, n: 1}`"
            )
            for parameter in parameters.key_nodes() if parameters else ():
                self.valid_parameter(parameter)
            if key.text in CATALOGUE:
                self.error(
                    "CC117",
                    f"`{key.text}` is a kind of layer, too: it means this block, and the kind in "
                    "the block's own layers and under `defaults`",
                    key,
                    "choose another name if the kind is wanted elsewhere",
                    "note",
                )
            self.blocks[key.text] = _Block(key.text, parameters, layers, block)

    def read_layers(self, node: Node | None, scope: Scope) -> int | None:
        if not isinstance(node, ListNode):
            at = node or ScalarNode("", self.root.start, self.root.start + 1)
            self.error(
                "CC107" if node is not None else "CC115",
                "there are no `layers`"
                if node is None
                else f"layers is a list of items, and this is {quoted(node)}",
                at,
                "write `layers:` and items under it, each after a dash: `- conv: {…}`",
            )
            self.lost = True
            return None
        if not node.items:
            self.error("CC116", "layers is empty", node, "add a layer: `- conv: {…}`", "warning")
        return self.sequence(node, self.sources["input"], _Place("", scope, block=True))

    def inspect_uncalled(self) -> None:
        """Look through blocks that nothing calls, so that their errors show all the same."""
        for name, block in self.blocks.items():
            if name not in self.called:
                self.calls.append(name)
                self.inspect(block.layers)
                self.calls.pop()

    # Items

    def sequence(self, node: ListNode, current: int | None, place: _Place) -> int | None:
        """Expand items one after the other, starting from tensor `current`."""
        for item in node.items:
            current = self.item(item, current, place)
        return current

    def item(self, node: Node, current: int | None, place: _Place) -> int | None:
        """Expand one item; the tensor it makes, None where an error keeps that unknown."""
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise RefusedError(
                "CC103",
                f"writing the blocks and repeats out takes more than {MAX_STEPS:,} steps",
                "repeat less: blocks that call blocks multiply",
                node,
            )
        if isinstance(node, Item) and len(node.entries) == 1:
            ((kind, value),) = node.entries.items()
            if kind in self.plain_kinds or self._is_plain_kind(kind):  # as most items are
                return self.add_layer(kind, value, node, (current,), place, "")
        at = id(node)
        item = self.items[at] if at in self.items else self.parsed(node)
        if item is None or not isinstance(node, Item):
            self.lost = True
            return None
        if item.modifiers is None:
            made = self.one(item, node, current, place, "")
        else:
            made = self.modified(item, item.modifiers, current, place)
        if made is None and current is not None:
            self.lost = True
        return made

    def _is_plain_kind(self, kind: str) -> bool:
        """Whether a word can only be a kind of layer that reads one tensor; known from then on."""
        plain = kind in CATALOGUE and kind not in self.blocks and layer_class(kind).inputs == "one"
        if plain:
            self.plain_kinds.add(kind)
        return plain

    def modified(self, item: _Item, node: Item, current: int | None, place: _Place) -> int | None:
        """Expand an item that has a name, a source, a condition or repeats."""
        entries = node.entries
        scope = place.scope
        try:
            if "when" in entries and not flag(entries["when"], scope):
                self.inspect_item(item)
                return current
            rounds = whole(entries["repeat"], scope) if "repeat" in entries else None
            shared = flag(entries["shared"], scope) if "shared" in entries else False
        except FieldError as error:
            keys = (key for key in ("when", "repeat", "shared") if key in entries)
            at = next(key for key in keys if _holds(entries[key], error))
            self.reader.report(self.reader.caused(error, scope), field=at)
            self.inspect_item(item)
            return None
        if rounds is not None and rounds < 0:
            self.error(
                "CC302",
                f"repeat {shown(rounds)} is below 0",
                entries["repeat"],
                "use 0 to drop the item",
            )
            return None
        if rounds is not None and rounds > MAX_LAYERS:
            raise RefusedError(
                "CC103",
                f"repeat {shown(rounds)} is more than the {MAX_LAYERS:,} layers a network may have",
                "repeat less",
                entries["repeat"],
            )
        if shared and rounds is None:
            self.error(
                "CC116",
                "shared weights need a `repeat` to be shared over",
                node.key("shared"),
                "add `repeat: 2`, or leave `shared` out",
            )
        name = self.item_name(entries.get("name"))
        if "from" in entries:
            current = self.resolve(entries["from"], place)
        if rounds is None:
            return self.one(item, node, current, place, name)
        if rounds == 0:
            self.inspect_item(item)
        first: range | None = None
        for index in range(1, rounds + 1):
            names = ChainMap({"index": index}, scope.values)  # type: ignore[arg-type]
            within = Scope(names, scope.failed)
            within.causes = scope.causes
            within.products = scope.products
            inner = place.inner(within, numbered=True)
            start = len(self.nodes)
            self.steps += 1
            current = self.one(item, node, current, inner, name)
            if shared:
                if first is None:
                    first = range(start, len(self.nodes))
                else:
                    self.share(first, range(start, len(self.nodes)), node)
        return current

    def one(
        self, item: _Item, node: Item, current: int | None, place: _Place, name: str
    ) -> int | None:
        """Expand an item once."""
        if item.kind is not None:
            if item.group is not None:
                return self.merge(item.kind, item.group, node, current, place, name)
            return self.add_layer(item.kind, item.value, node, (current,), place, name)
        if item.block is None and item.group is None:  # only `from`, `name` or `when`
            if name:
                self.claim(name, place, node, current)
            return current
        self.depth += 1
        if self.depth > MAX_CALLS:
            raise RefusedError(
                "CC103",
                f"blocks, groups and branches more than {MAX_CALLS} deep",
                "nest less",
                node,
            )
        try:
            if item.block is not None:
                return self.call(item.block, item.value, node, current, place, name)
            group = item.group or ListNode()
            if not name:
                return self.sequence(group, current, place)
            prefix = self.claim(name, place, node, OPEN)
            inner = _Place(prefix + ".", place.scope, place)
            return self.group(Group(prefix, "", node, NO_LAYERS, None), group, current, inner, name)
        finally:
            self.depth -= 1

    def merge(
        self,
        kind: str,
        branches: ListNode,
        node: Item,
        current: int | None,
        place: _Place,
        name: str,
    ) -> int | None:
        """Expand branches that all start from `current`, and merge what they make."""
        if not branches.items:
            self.error(
                "CC203", f"{kind} has no branches", branches, f"write `{kind}: [[], [relu]]`"
            )
            return None
        self.depth += 1
        if self.depth > MAX_CALLS:
            raise RefusedError(
                "CC103",
                f"blocks, groups and branches more than {MAX_CALLS} deep",
                "nest less",
                node,
            )
        inputs: list[int | None] = []
        for branch in branches.items:
            if isinstance(branch, ListNode):
                inputs.append(self.sequence(branch, current, place))
            else:
                self.error(
                    "CC107",
                    f"a branch is a list of items, and this is {quoted(branch)}",
                    branch,
                    "put it in brackets: `[relu]`; `[]` passes the tensor on as it is",
                )
                inputs.append(None)
        self.depth -= 1
        return self.add_layer(kind, NOTHING, node, tuple(inputs), place, name)

    def add_layer(
        self,
        kind: str,
        value: Node,
        node: Item,
        inputs: tuple[int | None, ...],
        place: _Place,
        name: str,
    ) -> int:
        index = len(self.nodes)
        if index >= MAX_LAYERS + len(self.sources):
            raise RefusedError(
                "CC103",
                f"more than {MAX_LAYERS:,} layers",
                "repeat less: blocks that call blocks multiply",
                node,
            )
        full = self.claim(name, place, node, index) if name else self.numbered(kind, place, index)
        layer = self.reader.layer(kind, value, place.scope, full)
        if None not in inputs:
            known = cast("tuple[int, ...]", inputs)
            self.nodes.append(LayerNode(full, kind, layer, known, node))
            return index
        known = tuple(read for read in inputs if read is not None)
        unknown = tuple(at for at, read in enumerate(inputs) if read is None)
        self.nodes.append(LayerNode(full, kind, layer, known, node, None, unknown))
        return index

    def call(
        self, block: _Block, value: Node, node: Item, current: int | None, place: _Place, name: str
    ) -> int | None:
        """Expand a block with its arguments."""
        self.called.add(block.name)
        if block.name in self.calls:
            chain = " → ".join([*self.calls[self.calls.index(block.name) :], block.name])
            at = node.key(block.name)
            self.error(
                "CC114", f"block `{block.name}` calls itself: {chain}", at, "repeat it instead"
            )
            return None
        arguments = self.arguments(block, value, node, place.scope)
        causes = _causes(block, value, place.scope)
        if name:
            prefix = self.claim(name, place, node, OPEN)
        else:
            prefix = self.numbered(block.name, place, OPEN)
        if arguments is None:
            self.names[prefix] = None
            return None
        self.calls.append(block.name)
        within = Scope(arguments, self.failed)
        within.causes = causes
        within.products = self.products_of(block, value, place.scope)
        inner = _Place(prefix + ".", within, place, block=True)
        group = Group(prefix, block.name, node, NO_LAYERS, None)
        current = self.group(group, block.layers, current, inner, name)
        self.calls.pop()
        return current

    def group(
        self, group: Group, items: ListNode, current: int | None, inner: _Place, name: str
    ) -> int | None:
        """Expand what a block or named group holds, and let its name mean the tensor it makes."""
        at, start = len(self.groups), len(self.nodes)
        self.groups.append(group)  # before those inside it
        current = self.sequence(items, current, inner)
        layers = range(start, len(self.nodes))
        self.groups[at] = Group(group.name, group.block, group.item, layers, current)
        self.names[group.name] = current
        place = inner.outer
        if name and place is not None and place.numbered:
            self.names[place.prefix + name] = current
            self.rounds[place.prefix + name] = group.name
        return current

    def products_of(self, block: _Block, value: Node, scope: Scope) -> Mapping[str, ScalarNode]:
        """Which names have a product of bare numbers in a block that is called so."""
        products = self.products
        for name, default in (block.parameters.entries if block.parameters else {}).items():
            given = _given(block, value).get(name)
            written = _held(given or default, scope.products if given else products)
            if written is not None:
                products = {**products, name: written}
            elif name in products:
                products = {other: node for other, node in products.items() if other != name}
        return products

    def arguments(
        self, block: _Block, value: Node, node: Item, scope: Scope
    ) -> Mapping[str, Value] | None:
        """The values a block's body may use: the spec's parameters and its own."""
        declared = block.parameters.entries if block.parameters else {}
        at = node.key(block.name)
        given: dict[str, Node] = {}
        if isinstance(value, MapNode):
            for key in value.key_nodes():
                if key.text in declared:
                    given[key.text] = value.entries[key.text]
                else:
                    what = f"block `{block.name}`"
                    self.reader.unknown_field(what, key, list(declared), None, value)
        elif isinstance(value, ListNode):
            self.error(
                "CC107",
                f"block `{block.name}` takes its parameters by name, and this is a list",
                value,
                f"write `{block.name}: {{{', '.join(f'{name}: …' for name in declared)}}}`",
            )
            return None
        elif value.text not in ("", block.name) or not value.plain:
            if not declared:
                self.error(
                    "CC107",
                    f"block `{block.name}` has no parameters, and is given {quoted(value)}",
                    value,
                    f"write `- {block.name}`",
                    fix=remove(),
                )
                return None
            given[next(iter(declared))] = value
        values: ChainMap[str, Value] = ChainMap({}, self.top_values)  # type: ignore[arg-type]
        missing = set(self.failed)
        inner = Scope(values, missing)
        failed = isinstance(value, MapNode) and len(given) != len(value.entries)
        for name, default in declared.items():
            if name in given:
                argument = self.argument(given[name], scope)
            elif isinstance(default, ScalarNode) and not default.text and default.plain:
                self.error(
                    "CC115",
                    f"block `{block.name}` needs `{name}`",
                    at,
                    f"add it: `{block.name}: {{{name}: …}}`",
                    related=(self.declared(block, name),),
                )
                argument = None
            else:
                argument = self.argument(default, inner)
            if argument is None:
                failed = True
                missing.add(name)
            else:
                values[name] = argument
        return None if failed else values

    def declared(self, block: _Block, name: str) -> tuple[Place, str]:
        """Where a block declares a parameter."""
        at = block.parameters.key(name) if block.parameters else block.node
        return self.findings.places.place(at.start, at.end), "declared here"

    def argument(self, node: Node, scope: Scope) -> Value | None:
        """The value of a parameter: quoted scalars are text, others numbers or true and false."""
        if isinstance(node, ScalarNode) and not node.plain:
            return node.text
        try:
            return evaluate(node, scope, "a number, true or false, or quoted text")
        except FieldError as error:
            self.reader.report(error)
            return None

    # Names and sources

    def item_name(self, node: Node | None) -> str:
        if node is None:
            return ""
        if isinstance(node, ScalarNode) and self.valid_name(node):
            return node.text
        if not isinstance(node, ScalarNode):
            self.error("CC107", f"name is a word, and this is {quoted(node)}", node)
        return ""

    def valid_parameter(self, node: ScalarNode) -> bool:
        """Whether a word can be a parameter's name, which expressions use."""
        name = node.text
        if name and not (name.isascii() and name.replace("_", "a").isalnum()):
            self.error(
                "CC117",
                f"{quoted(node)} is no name for a parameter",
                node,
                "it holds letters, digits and _, so that expressions can use it",
            )
            return False
        return self.valid_name(node)

    def valid_name(self, node: ScalarNode) -> bool:
        name = node.text
        if not name or not name.replace("_", "a").replace("-", "a").isalnum() or name[0].isdigit():
            self.error(
                "CC117",
                f"{quoted(node)} is no name",
                node,
                "a name starts with a letter and holds letters, digits, _ and -",
            )
            return False
        if name in ("input", "true", "false", "and", "or", "not", "if", "else", "index"):
            self.error("CC117", f"`{name}` has a meaning of its own", node, "choose another name")
            return False
        return True

    def numbered(self, name: str, place: _Place, index: int | _Open | None) -> str:
        """The full name of the next of this name in a place: `conv2`, `relu6_2`."""
        base = f"{place.prefix}{name}_" if name[-1].isdigit() else place.prefix + name
        count = place.counters.get(name, 0) + 1
        while f"{base}{count}" in self.names:
            count += 1
        place.counters[name] = count
        self.names[f"{base}{count}"] = index
        return f"{base}{count}"

    def claim(self, name: str, place: _Place, node: Item, index: int | _Open | None) -> str:
        """The full name of an item that was given `name`."""
        full = place.prefix + name
        if place.numbered:
            self.names[full] = index
            return self.numbered(name, place, index)
        at = node.entries.get("name", node)
        if full in self.names:
            first = self.claimed.get(full)
            self.error(
                "CC117",
                f"name `{full}` is taken",
                at,
                "choose another: items without a name are called by kind and number",
                related=() if first is None else ((self.place_of(first), "first here"),),
            )
            return full
        self.names[full] = index
        self.claimed[full] = at
        return full

    def resolve(self, node: Node, place: _Place) -> int | None:
        """The tensor that `from` names, looked for from the inside out.

        In each block, its items come before its parameters that hold text; a name that a parameter
        holds is looked for where the block is called.
        """
        if not isinstance(node, ScalarNode) or not node.text:
            self.error(
                "CC107",
                f"from is the name of an item, and this is {quoted(node)}",
                node,
                "write one name; several tensors are merged by `add`, `multiply` or `concat`",
            )
            return None
        name = node.text
        if name in self.sources:
            return self.sources[name]
        holder = ""
        around: _Place | None = place
        while around is not None:
            known = self.named(around.prefix, name)
            index = self.names[known] if known else None
            if index is OPEN:
                self.error(
                    "CC201",
                    f"{quoted(node)} is the group or block that this item is in, and not finished",
                    node,
                    "name the item in it to start from",
                )
                return None
            if known:
                return index
            held = around.scope.values.get(name) if around.block and not holder else None
            if isinstance(held, str):
                name, holder = held, name
                if name in self.sources:
                    return self.sources[name]
                around = around.outer or around  # the network has no caller but itself
            else:
                around = around.outer
        if self.findings.full:
            return None
        latest = islice(reversed(self.names), MAX_SUGGESTED)
        near_by = [*self.sources, *(each.removeprefix(place.prefix) for each in latest)]
        near = closest(name, near_by)
        said = quoted(ScalarNode(name, 0, 0))
        if holder:
            said += f", which parameter `{holder}` holds"
        self.error(
            "CC201",
            f"nothing before this item is called {said}",
            node,
            f"did you mean `{near}`?"
            if near
            else "give the item to start from a `name`, before this one; `input` is the network's",
            fix=None if holder else _right(near, name, near_by),
        )
        return None

    def named(self, prefix: str, name: str) -> str | None:
        """The full name of an item by its name in one place; dots reach into groups and blocks."""
        if prefix + name in self.names:
            return prefix + name
        if "." in name:
            first, _, rest = name.partition(".")
            latest = self.rounds.get(prefix + first)
            if latest is not None:
                return self.named(f"{latest}.", rest)
        return None

    def share(self, first: range, round_: range, node: Item) -> None:
        """Let the layers of one round use the weights of the first."""
        if [self.nodes[i].kind for i in first] != [self.nodes[i].kind for i in round_]:
            self.error(
                "CC202",
                "rounds that share their weights must have the same layers",
                node.key("shared"),
                "move what differs (`when`, `repeat`) out of the shared item",
            )
            return
        for owner, user in zip(first, round_, strict=True):
            before = self.nodes[owner].shared_with
            self.nodes[user] = self.nodes[user]._replace(
                shared_with=owner if before is None else before
            )

    # Structure

    def parsed(self, node: Node) -> _Item | None:
        item = self._parse(node)
        self.items[id(node)] = item
        return item

    def _parse(self, node: Node) -> _Item | None:
        if not isinstance(node, Item):
            self.error(
                "CC116",
                "a list is no item",
                node,
                "a group of items is written `- layers: [...]`",
            )
            return None
        if len(node.entries) == 1:
            ((name, value),) = node.entries.items()
            if value.start == node.start:
                return self._parse_word(node, name, value)
        keys = [name for name in node.entries if name not in MODIFIERS]
        modifiers = node if len(keys) < len(node.entries) else None
        if not keys:
            if "from" in node.entries or "name" in node.entries:
                return _Item(None, None, None, node, node)
            self.error(
                "CC116",
                "this item has no kind of layer, block or group",
                node,
                "write `kind: {fields}`, such as `conv: {filters: 64, kernel: 3}`",
            )
            return None
        known = [
            name for name in keys if name in CATALOGUE or name in self.blocks or name == "layers"
        ]
        if len(keys) > 1:
            if len(known) == 1:
                self._misplaced_fields(known[0], keys, node)
            elif len(known) > 1:
                self.error(
                    "CC116",
                    f"one item has several kinds: {', '.join(known)}",
                    node.key(known[1]),
                    "start each with a dash of its own",
                )
            else:
                self.unknown_kind(node.key(keys[0]))
            return None
        name = keys[0]
        value = node.entries[name]
        if not known:
            self.unknown_kind(node.key(name))
            return None
        if name == "layers":
            if not isinstance(value, ListNode):
                self.error(
                    "CC107", f"layers is a list of items, and this is {quoted(value)}", value
                )
                return None
            return _Item(None, None, value, value, modifiers)
        block = self.meant(name)
        if block is not None:
            return _Item(None, block, None, value, modifiers)
        return self._layer_item(name, value, node, modifiers)

    def _parse_word(self, node: Item, name: str, word: Node) -> _Item | None:
        """An item that is a word alone."""
        block = self.meant(name)
        if block is not None:
            return _Item(None, block, None, word, None)
        if name in CATALOGUE:
            return self._layer_item(name, word, node, None)
        self.unknown_kind(node.key(name))
        return None

    def meant(self, name: str) -> _Block | None:
        """The block that a name means where the expansion is; None for a kind.

        A block whose name is also a kind's is the block, so that a spec means what it meant when
        kinds are added. In the block's own layers the name is the kind's, because a block never
        calls itself.
        """
        block = self.blocks.get(name)
        own = block is not None and bool(self.calls) and self.calls[-1] == name
        return None if own and name in CATALOGUE else block

    def _layer_item(
        self, kind: str, value: Node, node: Item, modifiers: Item | None
    ) -> _Item | None:
        if layer_class(kind).inputs == "one":
            return _Item(kind, None, None, value, modifiers)
        if isinstance(value, ListNode):
            return _Item(kind, None, value, value, modifiers)
        self.error(
            "CC115" if node.bare else "CC107",
            f"{kind} takes a list of branches"
            + ("" if node.bare else f", and this is {quoted(value)}"),
            value,
            f"write `{kind}: [[], [conv: {{…}}]]`; `[]` passes the tensor on as it is",
        )
        return None

    def _misplaced_fields(self, kind: str, keys: list[str], node: Item) -> None:
        """Fields that stand beside their kind, because they are not indented under it."""
        block = self.meant(kind)
        if block is not None:
            fields = list(block.parameters.entries) if block.parameters else []
        else:
            fields = list(declarations(layer_class(kind))) if kind in CATALOGUE else []
        for key in keys:
            if key == kind:
                continue
            near, fix = closest(key, MODIFIERS), None
            if key in fields:
                advice = f"indent it under `{kind}:`, or write `{kind}: {{{key}: …}}`"
            elif near:
                advice, fix = f"did you mean `{near}`?", _right(near, key, MODIFIERS)
            else:
                advice = f"beside a kind stand only {', '.join(MODIFIERS)}"
            message = f"`{key}` cannot stand beside `{kind}`"
            self.error("CC109", message, node.key(key), advice, fix=fix)

    def unknown_kind(self, node: ScalarNode, *, kinds_only: bool = False) -> None:
        if self.findings.full:
            return
        kinds = [*CATALOGUE, *(() if kinds_only else self.blocks)]
        near = native_kind(node.text[:100], kinds)
        if node.text in GIVEN:
            advice = "it stands at the top of a spec, and `from: input` starts an item from it"
        elif near:
            advice = f"did you mean `{near}`?"
        elif kinds_only:
            advice = "`convcalc schema` lists the kinds"
        elif self.blocks:
            advice = f"the blocks of this spec are {', '.join(list(self.blocks)[:12])}"
        else:
            advice = "docs/spec.md lists the kinds of layers; blocks are defined under `blocks:`"
        if not node.text:
            self.error("CC116", "this item is empty", node, "write a kind of layer, such as `relu`")
            return
        fix = renamed(sure_kind(node.text[:100], kinds)) if near else None
        if " - " in node.text or " -" in node.text:
            advice = "a dash within an item belongs to its text: indent the items of a list alike"
            fix = None
        what = "a kind of layer" if kinds_only else "a kind of layer or a block"
        self.error("CC113", f"{quoted(node)} is not {what}", node, advice, fix=fix)

    def inspect(self, items: ListNode) -> None:
        """Look through items that are not expanded, for errors that need no values."""
        for node in items.items:
            at = id(node)
            if at not in self.items:
                item = self.parsed(node)
                if item is not None:
                    self.inspect_item(item)

    def inspect_item(self, item: _Item) -> None:
        """Look through one item that is not expanded."""
        if item.block is not None:
            return
        if item.kind is not None and item.group is not None:
            for branch in item.group.items:
                if isinstance(branch, ListNode):
                    self.inspect(branch)
        elif item.group is not None:
            self.inspect(item.group)
        elif item.kind is not None and isinstance(item.value, MapNode):
            fields = list(declarations(layer_class(item.kind)))
            for key in item.value.key_nodes():
                if key.text not in fields:
                    self.reader.unknown_field(item.kind, key, fields, None, item.value)

    def mapping(self, node: Node | None, what: str, advice: str) -> MapNode | None:
        if node is None or isinstance(node, MapNode):
            return node
        if isinstance(node, ScalarNode) and not node.text and node.plain:
            return None
        self.error("CC107", f"{what} is a mapping, and this is {quoted(node)}", node, advice)
        return None

    def error(
        self,
        code: str,
        message: str,
        node: Node,
        advice: str | None = None,
        severity: Severity = "error",
        fix: Fix | None = None,
        related: tuple[tuple[Place, str], ...] = (),
    ) -> None:
        start, end = self.shown(node)
        self.findings.report(code, message, start, end, advice, severity, fix=fix, related=related)

    def place_of(self, node: Node) -> Place:
        """Where a node is."""
        return self.findings.places.place(*self.shown(node))

    def shown(self, node: Node) -> tuple[int, int]:
        """The part of a node that a finding is shown at: of several lines the first."""
        start, end = node.start, node.end
        if not isinstance(node, ScalarNode):
            end = self.findings.places.first_line(start, end)
        return start, end


def _causes(block: _Block, value: Node, scope: Scope) -> dict[str, Node]:
    """Where the arguments of a call were written, those that are handed on at the first call."""
    return {
        name: scope.causes.get(node.text, node) if isinstance(node, ScalarNode) else node
        for name, node in _given(block, value).items()
    }


def _held(node: Node, products: Mapping[str, ScalarNode]) -> ScalarNode | None:
    """The product of bare numbers that a parameter given `node` holds; quotes are text."""
    return product(node, products) if isinstance(node, ScalarNode) and node.plain else None


def _given(block: _Block, value: Node) -> Mapping[str, Node]:
    """What a call gives the parameters of a block."""
    declared = block.parameters.entries if block.parameters else {}
    if isinstance(value, MapNode):
        return {name: node for name, node in value.entries.items() if name in declared}
    if isinstance(value, ScalarNode) and declared and value.text not in ("", block.name):
        return {next(iter(declared)): value}
    return {}


def source_item(given: Node) -> Item:
    """Where an input is said, which is no item of `layers`."""
    return Item.at({"input": given}, (given.start,), given.start, given.end)


def source_node(name: str, shape: Shape | None, item: Item) -> LayerNode:
    """The layer that an input is; its shape is None where an error keeps it unknown."""
    return LayerNode(name, "input", None if shape is None else Input.of(shape), (), item)


def looks_channels_first(shape: Shape) -> bool:
    """Whether a shape was probably written channels × height × width.

    >>> looks_channels_first(Shape(224, (3, 224)))
    True
    >>> looks_channels_first(Shape(3, (224, 224)))
    False
    """
    if shape.rank == 0:
        return False
    first, rest = shape.spatial[0], (*shape.spatial[1:], shape.channels)
    if shape.rank == 1:
        return rest[0] >= max(100 * first, 1000)
    square = rest[-1] == rest[-2]
    if shape.rank == 3 and square:  # channels, or a batch and channels
        return rest[-1] >= 16 and (first in (1, 3, 4) or rest[0] in (1, 3, 4))
    if shape.rank == 2 and first == 1 and rest[0] >= 8:  # one row of more channels than columns
        return rest[1] >= 2 * rest[0] or (square and rest[1] >= 16)
    if shape.rank == 2 and square:
        return rest[0] > 1 and first != rest[0]
    return first in (3, 4) and min(rest) >= 16


def looks_without_channels(shape: Shape) -> bool:
    """Whether a sequence was probably meant as a grey image: 28x28.

    >>> looks_without_channels(Shape(28, (28,))), looks_without_channels(Shape(100, (128,)))
    (True, False)
    """
    return shape.rank == 1 and shape.spatial[0] == shape.channels >= 8


def looks_batched(shape: Shape) -> bool:
    """Whether a volume of depth 1 is probably an image behind its batch: 1x224x224x3.

    >>> looks_batched(Shape(3, (1, 224, 224))), looks_batched(Shape(3, (16, 112, 112)))
    (True, False)
    """
    return (
        shape.rank == 3
        and shape.spatial[0] == 1
        and shape.channels <= 4
        and min(shape.spatial[1:]) >= 8
    )


def of_rank(given: Shape, own: Shape) -> Shape | None:
    """What an input of other axes than the spec's own was probably meant to be.

    >>> str(of_rank(Shape(320, (320,)), Shape(3, (224, 224))))
    '320×320×3'
    >>> str(of_rank(Shape(320, (1, 3, 320)), Shape(3, (224, 224))))
    '320×320×3'
    """
    axes = (*given.spatial, given.channels)
    if len(axes) == own.rank:  # channels are missing
        return Shape(own.channels, axes)
    if len(axes) == 1 and own.rank:
        return Shape(own.channels, axes * own.rank)
    if len(axes) == own.rank + 2:  # a batch is in front
        if axes[-1] == own.channels:
            return Shape(axes[-1], axes[1:-1])
        if axes[1] == own.channels:
            return Shape(axes[1], axes[2:])
    return None


def _turned(given: Shape, own: Shape) -> bool:
    """Whether the channels of the spec's own input stand in front, and others behind."""
    front = bool(given.spatial) and given.spatial[0] == own.channels
    return front and given.channels != own.channels and looks_channels_first(given)


def _axes(count: int) -> str:
    return "axis" if count == 1 else "axes"


def _written(shape: Shape) -> str:
    return "x".join(map(str, (*shape.spatial, shape.channels)))


def _holds(node: Node, error: FieldError) -> bool:
    """Whether an error lies within a node."""
    return node.start <= error.start <= node.end


def _right(near: str | None, name: str, known: Iterable[str]) -> Fix | None:
    """The fix of a name that is near a known one and can only be a misspelling of it."""
    return renamed(misspelt(name, known)) if near else None
