"""From a spec's tree to a flat list of named layers: blocks, groups and repeats written out.

Nothing here knows shapes. Every problem is reported at its place and expansion goes on, so that one
run shows them all; what grows beyond the limits is refused, because blocks can call blocks.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NoReturn, cast

from convcalc.collector import without_collection
from convcalc.findings import Findings
from convcalc.layers import CATALOGUE, NAMING, UNPOOL, Layer, layer_class, transposes
from convcalc.shape import Shape
from convcalc.spec.fields import FieldReader
from convcalc.spec.flat import (
    Borrowed,
    Document,
    Frozen,
    Group,
    Late,
    LayerNode,
    Lost,
    source_item,
    source_node,
)
from convcalc.spec.given import inputs_of
from convcalc.spec.items import SPLIT, Definition, Definitions, Items, Said
from convcalc.spec.names import OPEN, Names, Reporter, Surroundings, braced, nothing_is_called
from convcalc.spec.nodes import List, Map, Node, ScalarNode, Value
from convcalc.spec.parameters import Member, Parameters, causes_of, given_to
from convcalc.spec.promises import read_promises
from convcalc.spec.source import RefusedError, refuse
from convcalc.spec.tree import Item, Spec, condition_of
from convcalc.spec.values import (
    FieldError,
    Scope,
    flag,
    misnamed,
    near_key,
    quoted,
    shown,
    whole,
    word,
)

if TYPE_CHECKING:
    from convcalc.spec.solved import Solved
    from convcalc.spec.ways import Way

MAX_LAYERS = 200_000
"""Most layers in one network."""
MAX_STEPS = 400_000
"""Most items, calls and rounds that expanding one spec may take."""
MAX_PAIRS = 2_000_000
"""Most pairs of an input and a layer, of several inputs: what is seen is followed for each."""
MAX_CALLS = 40
"""Most blocks, groups and branches inside one another."""

NO_LAYERS = range(0)
"""The layers of a group or block that is still being written out."""

TOP_LEVEL = {
    "name": "What the network is called.",
    "reference": "Where it is described: a URL or a citation.",
    "year": "When it was published.",
    "description": "Remarks for its reader.",
    "input": "Shape of one example: height × width × channels, as 224x224x3; of several by name.",
    "parameters": "Names with default values that expressions may use; --set overrides them.",
    "presets": "Members of a family by name: the values of parameters that make each of them.",
    "defaults": "Values of fields for every layer of a kind, by kind.",
    "rounding": "What to do when a stride does not tile: exact (default), floor or ceil.",
    "blocks": "Layers with parameters, called like a layer.",
    "layers": "The network: a list of items, each fed by the one before.",
    "outputs": "Names of the tensors that are the network's outputs; the last item's if left out.",
    "expect": "What must hold of the result; `convcalc check` verifies it.",
    "budget": "Limits on the result; `convcalc check` verifies them.",
    "origins": "What layers are called where they come from, by kind, one after the other.",
    "written": "How layers are written in code, by kinds or names: {relu: function}.",
    "sweep": "What `convcalc sweep` is to work out: {vary: {width: 16..64:8}}.",
}
"""Top-level keys of a spec, with what they hold."""


@without_collection
def expand(
    findings: Findings,
    spec: Spec,
    overrides: Mapping[str, object] | None = None,
    input_shape: Shape | Mapping[str, Shape] | None = None,
    preset: str = "",
) -> Document | None:
    """Write out a spec; what is wrong with it goes to `findings`.

    None where it has no such preset. `overrides` are values for the spec's parameters, text
    being read as it would be in the spec; `input_shape` replaces the spec's input, or several of
    them by name, and `preset` names the member of a family that is meant.
    """
    report, reader = Reporter(findings), FieldReader(findings)
    member = Member(report, reader, spec)
    if not member.choose(preset):
        return None
    return Expander(report, reader, member, overrides or {}, input_shape).expand()


class Expander:
    """The expansion of one spec, item by item."""

    def __init__(
        self,
        report: Reporter,
        reader: FieldReader,
        member: Member,
        overrides: Mapping[str, object],
        input_shape: Shape | Mapping[str, Shape] | None,
    ) -> None:
        self.report = report
        self.reader = reader
        self.member = member
        self.root = member.root
        self.inputs = inputs_of(report, reader, self.root, member.entry("input"), input_shape)
        self.most = MAX_LAYERS + len(self.inputs)
        """Most nodes: layers, and the inputs before them."""
        self.solved: Solved | None = None
        if input_shape is not None and any(given.made_of_names for given in self.inputs):
            from convcalc.spec.solved import solved  # of what few inputs are made

            self.solved = solved(self.inputs, self.root, overrides)
            overrides = {**overrides, **self.solved.values}
        self.parameters = Parameters(report, reader, member, overrides)
        self.items = Items(report, reader)
        self.sources: dict[str, int] = {}
        self.names = Names(report, self.sources)
        self.nodes: list[LayerNode] = []
        self.groups: list[Group] = []
        self.begun: dict[int, int] = {}
        """Of merges, by the index of the layer: that of the first of its branches."""
        self.borrowed: list[Borrowed] = []
        self.said_frozen: list[Frozen] = []
        self.lost = False
        self.lost_items: list[Lost] = []
        self.lost_reads: dict[tuple[int, int], int] = {}
        self.lost_names: dict[str, int | None] = {}
        """By the full name of what is unknown, the lost item that would make it."""
        self.behind: int | None = None
        """Where the current tensor is unknown: the lost item that would make it, if one would."""
        self.called: set[str] = set()
        self.plain_kinds: set[str] = set()
        self.depth = 0
        self.steps = 0

    def expand(self) -> Document:
        """Write the whole out."""
        entries = self.root.entries
        scope, shapes = self.begin()
        outputs: tuple[int, ...] = ()
        called: tuple[str, ...] = ()
        try:
            last = self.read_layers(entries.get("layers"), scope)
            self.inspect_uncalled()
            self.count_pairs()
            wanted = self.member.entry("outputs")
            if wanted is not None:
                from convcalc.spec.outputs import read_outputs  # which few specs have

                place = Surroundings("", scope, block=True)
                called, outputs = read_outputs(self.report, self.reader, self.names, wanted, place)
            elif last is not None:
                outputs = (last,)
        except RefusedError as error:
            refuse(self.report.findings, error)
            del self.nodes[len(self.sources) :]  # the part before the limit would mean nothing
            self.groups.clear()
            self.lost_items.clear()
            self.lost_reads.clear()
            self.lost = True
        if "origins" in entries and not self.lost:
            from convcalc.spec.origin_lists import read_origins  # of networks from elsewhere

            read_origins(self.report, self.items, entries["origins"], self.nodes)
        ways: tuple[Way, ...] = ()
        lines = self.member.added("written")
        if lines is not None:
            from convcalc.spec.ways import read_ways  # which few specs have

            ways = read_ways(self.report, lines, len(self.nodes))
        if "sweep" in entries:
            from convcalc.spec.swept import read_sweep  # which few specs have

            read_sweep(self.report.findings, entries["sweep"])
        self.ask_about_inputs(shapes)
        promises = read_promises(
            self.report.findings,
            self.member.added("expect"),
            entries.get("budget"),
            scope,
            self.reader,
        )
        return Document(
            name=self.member.title(),
            reference=self.member.text("reference") or None,
            nodes=self.nodes,
            inputs=tuple(self.sources.values()),
            outputs=outputs,
            output_names=called,
            parameters=dict(scope.values),
            promises=promises,
            year=self.member.year(),
            groups=tuple(self.groups),
            lost=self.lost,
            borrowed=tuple(self.borrowed),
            frozen=tuple(self.said_frozen),
            lost_items=tuple(self.lost_items),
            lost_reads=self.lost_reads,
            ways=ways,
        )

    def begin(self) -> tuple[Scope, list[Shape | None]]:
        """Read all that stands around the layers: the names of the top, and the inputs' shapes."""
        entries = self.root.entries
        for key in self.root.key_nodes():
            if key.text not in TOP_LEVEL and not self.report.findings.full:
                advice, fix = near_key(key, TOP_LEVEL, self.root)
                self.report.error(
                    "CC109",
                    f"a spec has no key {quoted(key)}",
                    key,
                    advice or f"its keys are {', '.join(TOP_LEVEL)}",
                    fix=fix,
                )
        if "rounding" in entries:
            try:
                self.reader.rounding = word(
                    entries["rounding"], Scope({}), ("exact", "floor", "ceil")
                )
            except FieldError as error:
                self.reader.report(error, field="rounding")
        scope = self.scope(self.parameters.top(entries.get("parameters")))
        scope.products = self.parameters.products
        self.parameters.top_values = scope.values
        if self.solved is not None:
            self.solved.check(scope.values)
        shapes = self.read_inputs(scope)
        self.items.rank = None if shapes[0] is None else shapes[0].rank
        definitions = Definitions(self.report, self.reader, self.items)
        definitions.read_defaults(entries.get("defaults"), scope)
        definitions.read_blocks(entries.get("blocks"))
        for given, shape in zip(self.inputs, shapes, strict=True):
            name = given.name or "input"
            self.sources[name] = len(self.nodes)
            if given.name:
                self.names.add_source(name, len(self.nodes), given.at)
            self.nodes.append(source_node(name, shape, source_item(given.at)))
        return scope, shapes

    def scope(self, values: Mapping[str, Value]) -> Scope:
        """The names of the top."""
        return Scope(values, self.parameters.failed)

    def read_inputs(self, scope: Scope) -> list[Shape | None]:
        """The shapes of the inputs; None where an error keeps one unknown."""
        return [given.read(scope) for given in self.inputs]

    def count_pairs(self) -> None:
        """Refuse more inputs and layers than what each sees of each can be followed for."""
        if len(self.sources) > 1 and len(self.sources) * len(self.nodes) > MAX_PAIRS:
            raise RefusedError(
                "CC103",
                f"{len(self.sources):,} inputs of {len(self.nodes):,} layers are more than "
                f"{MAX_PAIRS:,} pairs of both",
                "give some of the inputs as channels of one",
                self.member.entry("input") or self.root,
            )

    def ask_about_inputs(self, shapes: Sequence[Shape | None]) -> None:
        """Look whether the layers show that the axes of an input are not what it says."""
        several = len(shapes) > 1
        for index, (given, shape) in enumerate(zip(self.inputs, shapes, strict=True)):
            behind = self.nodes
            if several:
                from convcalc.spec.sources import behind_only

                behind = behind_only(self.nodes, index)
            if shape is not None and given.asked_about(shape, behind) is None:
                node = self.nodes[index]
                self.nodes[index] = source_node(node.name, None, node.item)

    def read_layers(self, node: Node | None, scope: Scope) -> int | None:
        """Expand the network's items; the tensor that they end in."""
        if not isinstance(node, List):
            self.lost = True
            if node is not None and self._report_other_list(node):
                return None
            at = node or ScalarNode("", self.root.start, 1)
            self.lost = True
            if node is None and misnamed("layers", TOP_LEVEL, self.root):
                return None
            self.report.error(
                "CC107" if node is not None else "CC115",
                "there are no `layers`"
                if node is None
                else f"layers is a list of items, and this is {quoted(node)}",
                at,
                "write `layers:` and items under it, each after a dash: `- conv: {…}`",
            )
            return None
        if not node.items:
            self.report.error(
                "CC116", "layers is empty", node, "add a layer: `- conv: {…}`", "warning"
            )
        return self.sequence(node, 0, Surroundings("", scope, block=True))

    def _report_other_list(self, node: Node) -> bool:
        """Report items that stand in another form than a list; False where they are none."""
        from convcalc.spec.slips.keys import items_of

        text = self.report.written(node.start, node.end).rstrip()
        before = self.report.written(self.report.line_start(node.start), node.start)
        kinds = [*CATALOGUE, *self.items.blocks]
        slip = items_of(text, kinds, below=not before.strip()) if text else None
        if slip is None:
            return False
        message = f"layers is a list of items, and this is {quoted(node)}"
        end = node.start + len(text)
        self.report.findings.report("CC107", message, node.start, end, slip.help, fix=slip.fix)
        return True

    def inspect_uncalled(self) -> None:
        """Look through blocks that nothing calls, so that their errors show all the same."""
        self.items.is_tensor = nothing_is_called
        for name, block in self.items.blocks.items():
            if name not in self.called:
                self.items.calls.append(name)
                self.items.inspect(block.layers)
                self.items.calls.pop()

    def sequence(
        self,
        node: List,
        current: int | None,
        place: Surroundings,
        first: int = 0,
    ) -> int | None:
        """Expand items one after the other from the `first` on, starting from tensor `current`."""
        for item in node.items[first:] if first else node.items:
            current = self.item(item, current, place)
        return current

    def item(self, node: Node, current: int | None, place: Surroundings) -> int | None:
        """Expand one item; the tensor it makes, None where an error keeps that unknown."""
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise RefusedError(
                "CC103",
                f"writing the blocks and repeats out takes more than {MAX_STEPS:,} steps",
                "repeat less: blocks that call blocks multiply",
                node,
            )
        entries: Mapping[str, Node] = {}
        if isinstance(node, Item):
            entries = node.entries
            count = len(entries)
            if count == 1 or (count == 2 and "origin" in entries):
                (kind, value), *_ = entries.items()
                if kind in self.plain_kinds or self._is_plain_kind(kind):  # as most items are
                    origin = "" if count == 1 else self.origin(entries["origin"], place) or ""
                    return self.add_layer(kind, value, node, (current,), place, "", origin)
        at = id(node)
        if at not in self.items.said:
            self.items.is_tensor = partial(self.names.knows, place=place)
            self.items.parsed(node)
        item = self.items.said[at]
        if item is None or not isinstance(node, Item):
            self.lost = True
            self.lose(node, current, place)
            return None
        known = len(self.lost_items)
        if item.modifiers is None:
            made = self.one(item, node, current, place, "")
        elif "frozen" in item.modifiers.entries and (
            item.block is None or item.block.name != "frozen"
        ):
            made = self.freezing(item, item.modifiers, current, place)
        else:
            made = self.modified(item, item.modifiers, current, place)
        if made is None and current is not None:
            self.lost = True
            if len(self.lost_items) == known and "from" not in entries:  # wrong itself
                self.lose(node, current, place)
        return made

    def lose(self, node: Node, current: int | None, place: Surroundings) -> None:
        """Remember where an item would stand that an error keeps out."""
        after = self.behind if current is None else None
        group = place.prefix.removesuffix(".")
        self.behind = len(self.lost_items)
        self.lost_items.append(Lost(node, current, after, len(self.nodes), group))

    def _is_plain_kind(self, kind: str) -> bool:
        """Whether a word can only be a kind of layer that reads one tensor; known from then on."""
        plain = (
            kind in CATALOGUE
            and kind not in self.items.blocks
            and layer_class(kind).inputs == "one"
        )
        if plain:
            self.plain_kinds.add(kind)
        return plain

    def freezing(
        self, item: Said, node: Item, current: int | None, place: Surroundings
    ) -> int | None:
        """Expand an item that says whether its weights learn: all in it that says nothing else."""
        try:
            frozen = flag(node.entries["frozen"], place.scope)
        except FieldError as error:
            self.reader.report(self.reader.caused(error, place.scope), field="frozen")
            frozen = None
        start = len(self.nodes)
        made = self.modified(item, node, current, place)
        inside = range(start, len(self.nodes))
        for index in inside:
            if self.nodes[index].frozen is None:
                self.nodes[index] = self.nodes[index]._replace(frozen=frozen)
        if frozen is not None and inside:
            self.said_frozen.append(Frozen(node, inside))
        return made

    def modified(
        self, item: Said, node: Item, current: int | None, place: Surroundings
    ) -> int | None:
        """Expand an item that has a name, a source, a condition or repeats."""
        entries = node.entries
        scope = place.scope
        try:
            if "when" in entries and not flag(entries["when"], scope):
                self.items.inspect_item(item)
                return current
            rounds = whole(entries["repeat"], scope) if "repeat" in entries else None
            shared = flag(entries["shared"], scope) if "shared" in entries else False
        except FieldError as error:
            keys = (key for key in ("when", "repeat", "shared") if key in entries)
            at = next(key for key in keys if _holds(entries[key], error))
            self.reader.report(self.reader.caused(error, scope), field=at)
            self.items.inspect_item(item)
            return None
        if rounds is not None and rounds < 0:
            self.report.error(
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
            self.report.error(
                "CC116",
                "shared weights need a `repeat` to be shared over",
                node.key("shared"),
                "add `repeat: 2`, or leave `shared` out",
            )
        name = self.report.item_name(entries.get("name"))
        if "from" in entries:
            self.names.latest = ""  # where nothing has the name
            current = self.tensor(entries["from"], place, "from")
            self.behind = None if current is not None else self.lost_names.get(self.names.latest)
        owner = None
        if "weights" in entries and (item.block is None or item.block.name != "weights"):
            owner = self.owner(entries["weights"], place)
        said = entries.get("origin")
        if said is not None and item.block is not None and item.block.name == "origin":
            said = None  # which is the block that is called
        if rounds is None:
            start = len(self.nodes)
            if said is None:
                current = self.one(item, node, current, place, name)
            else:
                current = self.from_origin(said, item, node, current, place, name)
            if owner is not None:
                self.borrow(owner, range(start, len(self.nodes)), node)
            return current
        if not rounds:
            self.items.inspect_item(item)
        first: range | None = None
        reuses = shared or owner is not None
        for index in range(1, rounds + 1):
            inner = place.inner(scope.within({"index": index}), numbered=True)
            start = len(self.nodes)
            self.steps += 1
            if said is None:
                current = self.one(item, node, current, inner, name)
            else:
                current = self.from_origin(said, item, node, current, inner, name, index, rounds)
            if reuses:
                round_ = range(start, len(self.nodes))
                if owner is not None:
                    self.borrow(owner, round_, node)
                elif first is None:
                    first = round_
                else:
                    self.share(first, round_, node)
        return current

    def from_origin(
        self,
        said: Node,
        item: Said,
        node: Item,
        current: int | None,
        place: Surroundings,
        name: str,
        round_: int = 0,
        rounds: int = 0,
    ) -> int | None:
        """Expand an item once that says where it comes from."""
        origin = self.origin(said, place, round_, rounds)
        if origin is None:
            return self.one(item, node, current, place, name)
        groups = item.kind is None
        if groups:
            place = place.inner(place.scope, origin=origin)
        start = len(self.nodes)
        made = self.one(item, node, current, place, name)
        if item.kind == SPLIT:
            for index in range(start, len(self.nodes)):
                self.nodes[index] = self.nodes[index]._replace(origin=origin)
        elif not groups and len(self.nodes) > start and self.nodes[-1].item is node:
            self.nodes[-1] = self.nodes[-1]._replace(origin=origin)
        return made

    def origin(
        self, said: Node, place: Surroundings, round_: int = 0, rounds: int = 0
    ) -> str | None:
        """What an item comes from; None, and a finding, where it says no such thing."""
        from convcalc.spec.origins import origin_of  # of networks from elsewhere

        try:
            return origin_of(said, place.scope, place.origin, round_, rounds)
        except FieldError as error:
            self.reader.report(self.reader.caused(error, place.scope), field="origin")
            return None

    def owner(self, node: Node, place: Surroundings) -> range | None:
        """The layers whose weights are named; None, and a finding, where there are none."""
        index = self.tensor(node, place, "weights")
        if index is None:
            return None
        if index < len(self.sources):
            message = f"{quoted(node)} is an input, which has no weights"
            self.report.error("CC202", message, node, "name a layer, a block or a group before it")
            return None
        name = self.names.latest
        name = self.names.rounds.get(name, name)
        for group in reversed(self.groups):
            if group.name == name:
                return group.layers
        return range(self.begun.get(index, index), index + 1)

    def borrow(self, owner: range, user: range, node: Item) -> None:
        """Let layers use the weights of others, which are of the same kinds in the same order.

        One may be a convolution where the other is the transposed one.
        """
        at, name = node.entries["weights"], quoted(node.entries["weights"])
        kinds = [[self.nodes[index].kind for index in each] for each in (owner, user)]
        if len(owner) != len(user) or not all(map(_of_one_kind, *kinds)):
            from convcalc.numbers import plural

            message = f"{name} has {plural(len(owner), 'layer')}, and here {_are(len(user))}"
            for number, (theirs, mine) in enumerate(zip(*kinds, strict=False), 1):
                if not _of_one_kind(theirs, mine):
                    message = f"layer {number} is a `{theirs}` in {name}, and a `{mine}` here"
                    break
            advice = "what uses the weights of another has the same kinds in the same order"
            self.report.error("CC202", message, at, advice)
            return
        self._share(owner, user)
        self.borrowed.append(Borrowed(node, owner, user))

    def tensor(self, node: Node, place: Surroundings, key: str) -> int | None:
        """The tensor that a key names, `from` say; expressions in braces are worked out first."""
        if not isinstance(node, ScalarNode) or not braced(node.text):
            return self.names.resolve(node, place, key=key)
        from convcalc.spec.braces import written_out

        try:
            name, said = written_out(node, place.scope)
        except FieldError as error:
            self.reader.report(self.reader.caused(error, place.scope), field=key)
            return None
        return self.names.resolve(node, place, name, said, key)

    def one(
        self, item: Said, node: Item, current: int | None, place: Surroundings, name: str
    ) -> int | None:
        """Expand an item once."""
        if item.kind is not None:
            if item.group is not None:
                return self.merge(item, item.kind, item.group, node, current, place, name)
            if item.kind == SPLIT:
                return self.split(item.value, node, current, place, name)
            return self.add_layer(item.kind, item.value, node, (current,), place, name)
        if item.block is None and item.group is None:  # only `from`, `name` or `when`
            if name:
                self.names.claim(name, place, node, current)
            return current
        self.enter(node)
        try:
            if item.block is not None:
                return self.call(item.block, item.value, node, current, place, name)
            group = item.group or List()
            if not name:
                return self.sequence(group, current, place)
            prefix = self.names.claim(name, place, node, OPEN)
            inner = Surroundings(prefix + ".", place.scope, place, origin=place.origin)
            return self.group(Group(prefix, "", node, NO_LAYERS, None), group, current, inner, name)
        finally:
            self.depth -= 1

    def split(
        self, value: Node, node: Item, current: int | None, place: Surroundings, name: str
    ) -> int | None:
        """Expand an item that gives names to parts of the tensor, which itself passes on."""
        from convcalc.spec.split import Part, read

        said = read(value, place.scope, self.report, self.reader)
        for number, part in enumerate(said.names if said else ()):
            index = len(self.nodes)
            if index >= self.most:
                self.refuse_more(node)
            # Its place is the part's, and what is wrong with all parts is told at `split`.
            word = Item.alone(ScalarNode("slice", part.start, part.length))
            full = self.names.claim(part.text, place, word, index)
            known = () if current is None else (current,)
            late = None if said is None else Part(said, number)
            unknown = (0,) if current is None else ()
            if current is None and self.behind is not None:
                self.lost_reads[index, 0] = self.behind
            made = LayerNode(full, "slice", None, known, word, unknown=unknown, late=late)
            self.nodes.append(made)
        if said is None:
            self.lost = True
        if name:
            self.names.claim(name, place, node, current)
        return current

    def refuse_more(self, node: Node) -> NoReturn:
        """Refuse a layer more than a network may have."""
        raise RefusedError(
            "CC103",
            f"more than {MAX_LAYERS:,} layers",
            "repeat less: blocks that call blocks multiply",
            node,
        )

    def enter(self, node: Node) -> None:
        """Go one block, group or branch deeper."""
        self.depth += 1
        if self.depth > MAX_CALLS:
            raise RefusedError(
                "CC103",
                f"blocks, groups and branches more than {MAX_CALLS} deep",
                "nest less",
                node,
            )

    def merge(
        self,
        item: Said,
        kind: str,
        branches: List,
        node: Item,
        current: int | None,
        place: Surroundings,
        name: str,
    ) -> int | None:
        """Expand branches that all start from `current`, and merge what they make."""
        if not branches.items:
            either = layer_class(kind).inputs == "either"
            advice = (
                "leave them out: it reads the current tensor then"
                if either
                else f"write `{kind}: [[], [relu]]`"
            )
            self.report.error("CC203", f"{kind} has no branches", branches, advice)
            self.call_nothing(name, node, place)
            return None
        self.enter(node)
        start = len(self.nodes)
        inputs: list[int | None] = []
        behind, lost = self.behind, []
        for branch in branches.items:
            self.behind = behind if current is None else None
            if not isinstance(branch, List):
                if len(branches.items) > 1 or not self.items.lone_branch(kind, branches, branch):
                    self.no_branch(branch, place)
                inputs.append(None)
                continue
            condition = condition_of(branch)
            kept = True if condition is None else self.holds(condition, branch, place)
            if kept is None:
                inputs.append(None)
            elif kept:
                inputs.append(self.sequence(branch, current, place, 0 if condition is None else 1))
                if inputs[-1] is None and self.behind is not None:
                    lost.append((len(inputs) - 1, self.behind))
        self.depth -= 1
        merges = len(inputs) > 1 or len(inputs) == len(branches.items)
        if merges or (inputs and layer_class(kind).inputs == "either"):
            self.begun[len(self.nodes)] = start
            self.behind = None
            self.lost_reads.update(((len(self.nodes), at), which) for at, which in lost)
            return self.add_layer(kind, item.value, node, tuple(inputs), place, name)
        self.items.inspect_fields(kind, item.value)
        if not inputs:
            message = f"{kind} has no branches: `when` leaves none of its {len(branches.items)}"
            advice = f"keep one of them, or put the `when` beside `{kind}`"
            self.report.error("CC203", message, branches, advice)
            self.call_nothing(name, node, place)
            return None
        if name:  # of what is left alone, which nothing is merged with
            self.names.claim(name, place, node, inputs[0])
        return inputs[0]

    def call_nothing(self, name: str, node: Item, place: Surroundings) -> None:
        """Let the name of an item in error be known, so that who starts from it is no error too."""
        if name:
            self.names.claim(name, place, node, None)

    def holds(self, condition: Node, branch: List, place: Surroundings) -> bool | None:
        """Whether a branch's condition holds; None, and a finding, where that is not known."""
        self.steps += 1
        kept = None
        try:
            kept = flag(condition, place.scope)
        except FieldError as error:
            self.reader.report(self.reader.caused(error, place.scope), field="when")
        if not kept:
            self.items.inspect_branch(branch)
        return kept

    def no_branch(self, branch: Node, place: Surroundings) -> None:
        """Report a branch that is no list: an item alone, or the name of a tensor."""
        from convcalc.diagnostics import Keyed, closest, write_value

        text = branch.text[:60] if isinstance(branch, ScalarNode) else ""
        advice, fix = "put it in brackets: `[relu]`; `[]` passes the tensor on as it is", None
        if text in CATALOGUE or text in self.items.blocks:
            advice = f"put it in brackets: `[{text}]`; `[]` passes the tensor on as it is"
            fix = write_value((text,))
        elif text and self.names.knows(text, place):
            advice = f"a branch starts from another tensor by its name: `[from: {text}]`"
            fix = write_value((Keyed("from", text),))
        elif text.replace("_", "a").isalnum() and not closest(text, CATALOGUE):
            advice = (
                f"a branch starts from another tensor by its name, `[from: {text}]`, and nothing "
                f"before this item is called `{text}`"
            )
        elif isinstance(branch, Map) and isinstance(name := branch.entries.get("from"), ScalarNode):
            advice = f"put it in brackets: `[from: {name.text[:40]}]`"
        elif isinstance(branch, Map) and isinstance(branch.entries.get("when"), ScalarNode):
            advice = "begin its list with the condition: `[when: …, relu]`"
        message = f"a branch is a list of items, and this is {quoted(branch)}"
        self.report.error("CC107", message, branch, advice, fix=fix)

    def add_layer(
        self,
        kind: str,
        value: Node,
        node: Item,
        inputs: tuple[int | None, ...],
        place: Surroundings,
        name: str,
        origin: str = "",
    ) -> int:
        """Add a layer that reads tensors; its number."""
        index = len(self.nodes)
        if index >= self.most:
            self.refuse_more(node)
        if kind in NAMING:
            self.reader.is_tensor = partial(self.names.knows, place=place)
            if kind == UNPOOL or _follows(value):
                self.add_following(kind, value, node, inputs, place, name)
                return self.come_from(origin, index)
        full = (
            self.names.claim(name, place, node, index)
            if name
            else self.names.numbered(kind, place, index)
        )
        layer = self.reader.layer(kind, value, place.scope, full)
        if None not in inputs and not isinstance(layer, Late):
            known = cast("tuple[int, ...]", inputs)
            self.nodes.append(LayerNode(full, kind, layer, known, node, origin=origin))
            return index
        self.add_unfinished(full, kind, layer, node, inputs)
        return self.come_from(origin, index)

    def come_from(self, origin: str, index: int) -> int:
        """Say where a layer comes from, if it says that; its number."""
        if origin:
            self.nodes[index] = self.nodes[index]._replace(origin=origin)
        return index

    def add_following(
        self,
        kind: str,
        fields: Node,
        node: Item,
        inputs: tuple[int | None, ...],
        place: Surroundings,
        name: str,
    ) -> int:
        """Add a layer that makes its map as large as a tensor that it names, or undoes a pool."""
        # Looked for before the layer has a name itself.
        like: int | None = None
        if kind == UNPOOL:
            like, pooled = self.undone(fields, place)
            inputs = (*inputs, pooled)
        elif isinstance(fields, Map):
            like = self.tensor(fields.entries["like"], place, "like")
        index = len(self.nodes)
        full = (
            self.names.claim(name, place, node, index)
            if name
            else self.names.numbered(kind, place, index)
        )
        layer = self.reader.layer(kind, fields, place.scope, full)
        if not isinstance(layer, Late) and layer is not None:
            layer = Late(self.reader, kind, fields, place.scope, layer)
        if like is None:
            layer = None  # an error, like all that it depends on
        return self.add_unfinished(full, kind, layer, node, inputs, like)

    def add_unfinished(
        self,
        full: str,
        kind: str,
        layer: Layer | Late | None,
        node: Item,
        inputs: tuple[int | None, ...],
        like: int | None = None,
    ) -> int:
        """Add a layer of which something is known late, or not at all because of an error."""
        index = len(self.nodes)
        if inputs and inputs[0] is None and self.behind is not None:
            self.lost_reads[index, 0] = self.behind
        unfinished = LayerNode(
            name=full,
            kind=kind,
            layer=None if isinstance(layer, Late) else layer,
            inputs=tuple(read for read in inputs if read is not None),
            item=node,
            unknown=tuple(at for at, read in enumerate(inputs) if read is None),
            late=layer if isinstance(layer, Late) else None,
            like=like,
        )
        self.nodes.append(unfinished)
        return index

    def undone(self, value: Node, place: Surroundings) -> tuple[int | None, int | None]:
        """The pool that an item undoes, and what that reads; None where an error keeps it unknown.

        A pool whose own fields have errors is there, and what is planned of it is not.
        """
        given = value.entries.get("indices") if isinstance(value, Map) else value
        if given is None or (isinstance(given, ScalarNode) and not given.text):
            return None, None  # which is told where fields are read
        index = self.tensor(given, place, "indices")
        if index is None:
            return None, None
        pool = self.nodes[index]
        if pool.kind != "maxpool":
            latest = next(
                (each.name for each in reversed(self.nodes) if each.kind == "maxpool"), ""
            )
            advice = f"name the maxpool itself: the last before this item is {latest}"
            self.report.error(
                "CC201",
                f"indices are of a maxpool, and {pool.name} is of kind {pool.kind}",
                given,
                advice if latest else "put a `maxpool` with a `name` before this item",
            )
            return None, None
        return index, pool.inputs[0] if pool.inputs else None

    def call(
        self,
        block: Definition,
        value: Node,
        node: Item,
        current: int | None,
        place: Surroundings,
        name: str,
    ) -> int | None:
        """Expand a block with its arguments."""
        self.called.add(block.name)
        if block.name in self.items.calls:
            chain = " → ".join(
                [*self.items.calls[self.items.calls.index(block.name) :], block.name]
            )
            at = node.key(block.name)
            self.report.error(
                "CC114", f"block `{block.name}` calls itself: {chain}", at, "repeat it instead"
            )
            return None
        arguments = self.parameters.arguments(block, value, node, place.scope)
        if name:
            prefix = self.names.claim(name, place, node, OPEN)
        else:
            prefix = self.names.numbered(block.name, place, OPEN)
        if arguments is None:
            self.names.tensors[prefix] = None
            return None
        self.items.calls.append(block.name)
        within = place.scope.beside(arguments, self.parameters.failed)
        given = given_to(block, value)
        within.causes = causes_of(given, place.scope)
        within.products = self.parameters.products_of(block, given, place.scope)
        inner = Surroundings(prefix + ".", within, place, block=True, origin=place.origin)
        group = Group(prefix, block.name, node, NO_LAYERS, None)
        current = self.group(group, block.layers, current, inner, name)
        self.items.calls.pop()
        return current

    def group(
        self, group: Group, items: List, current: int | None, inner: Surroundings, name: str
    ) -> int | None:
        """Expand what a block or named group holds, and let its name mean the tensor it makes."""
        at, start = len(self.groups), len(self.nodes)
        self.groups.append(group)  # before those inside it
        current = self.sequence(items, current, inner)
        layers = range(start, len(self.nodes))
        origin = inner.origin if "origin" in group.item.entries else ""
        self.groups[at] = Group(group.name, group.block, group.item, layers, current, origin)
        self.names.tensors[group.name] = current
        if current is None:
            self.lost_names[group.name] = self.behind
        place = inner.outer
        if name and place is not None and place.numbered:
            self.names.tensors[place.prefix + name] = current
            if current is None:
                self.lost_names[place.prefix + name] = self.behind
            self.names.rounds[place.prefix + name] = group.name
        return current

    def share(self, first: range, round_: range, node: Item) -> None:
        """Let the layers of one round use the weights of the first."""
        if [self.nodes[i].kind for i in first] != [self.nodes[i].kind for i in round_]:
            self.report.error(
                "CC202",
                "rounds that share their weights must have the same layers",
                node.key("shared"),
                "move what differs (`when`, `repeat`) out of the shared item",
            )
            return
        self._share(first, round_)

    def _share(self, first: range, round_: range) -> None:
        for owner, user in zip(first, round_, strict=True):
            before = self.nodes[owner].shared_with
            self.nodes[user] = self.nodes[user]._replace(
                shared_with=owner if before is None else before
            )


def _of_one_kind(kind: str, other: str) -> bool:
    """Whether a layer may use the weights of another, by their kinds."""
    return kind == other or transposes(kind, other)


def _are(count: int) -> str:
    return "is 1" if count == 1 else f"are {count}"


def _follows(fields: Node) -> bool:
    """Whether a layer is to make its map as large as a tensor that its fields name."""
    return isinstance(fields, Map) and "like" in fields.entries


def _holds(node: Node, error: FieldError) -> bool:
    """Whether an error lies within a node."""
    return node.start <= error.start <= node.end
