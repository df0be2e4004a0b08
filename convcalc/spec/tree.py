"""The spec as a tree of immutable values: what was written, with its comments, nothing evaluated.

YAML is read into it (`spec/read.py`) and written from it (`spec/write.py`), and Python makes it
without YAML. Entries keep their order and unknown keys, so nothing that was written is lost.
A scalar keeps its text and whether it was quoted, because only a field's form tells whether `same`,
`3x5` or `width` is a word, extents or a name.
"""

from collections.abc import Iterable, Mapping, Sequence
from keyword import iskeyword
from typing import TYPE_CHECKING, Any, cast, final

from convcalc.layers import BRANCHES, CATALOGUE, field_names, layer_class, takes_branches
from convcalc.layers.base import declarations
from convcalc.shape import Shape
from convcalc.spec.nodes import (
    NOTHING_ABOUT,
    Entry,
    List,
    Map,
    Node,
    OpenMap,
    Preset,
    ScalarNode,
    Text,
    arguments,
    node_of,
    put,
    scalar,
    shown,
    tree,
)

MODIFIERS = {
    "name": "What this item is called; `from` refers to it.",
    "from": "Name of the tensor this item starts from, instead of the one before; expressions in "
    'braces are worked out: "down{depth + 1 - index}".',
    "repeat": "How many times over; 0 drops it. `index` counts the rounds from 1.",
    "when": "Condition without which the item is dropped, or the branch that begins with it.",
    "shared": "With repeat: every round uses the same weights.",
    "weights": "Name of the layer, block or group before it whose weights it uses.",
    "frozen": "Whether training leaves its weights as they are; of a group or block, those of all "
    "in it that say nothing else.",
    "origin": "What it is called where it comes from: a module's path, a node's name; of what is "
    "in a group or block, the part behind that one's. A repeat may list one for each round.",
}
"""Keys that may stand beside an item's kind."""
REMARKS = Preset.texts
"""Keys of a spec, a preset and a block whose values are text, with quotes or without."""
NAMES = frozenset({"name", "from", "weights", "origin"})
"""Modifiers whose values are text, with quotes or without."""
YOUNGER = ("origin", "weights", "frozen")
"""Modifiers that are younger than blocks that may be called so: alone they call such a block."""


class _OpenItem(OpenMap):
    """What an item has, which may be set until the item is one."""

    __slots__ = ("word",)
    word: ScalarNode
    """Of a word alone in a text: the word, from which its entries are made when they are wanted."""


@final
class Item(Map, _OpenItem):
    """One item of `layers`: a layer, the call of a block, a group, branches or a `from`.

    The value that may stand alone behind a kind comes second, and a field, modifier or keyword of
    Python takes an underscore at its end where Python keeps the word. A block's parameters that
    are called as a modifier is come in a dict.

    >>> Item("conv", filters=64, kernel=3)
    Item('conv', filters=64, kernel=3)
    >>> Item("maxpool", 2, name="pool", from_="stem").from_
    'stem'
    >>> Item("add", branches=[[Item("relu")], []]).branches[1]
    ()
    >>> Item("concat", axis="length", branches=[[], [Item("relu")]]).fields["axis"].text
    'length'
    >>> Item(layers=[Item("relu")], repeat=3).repeat
    3
    """

    __slots__ = ()
    texts = NAMES
    opened = _OpenItem

    def __init__(
        self,
        kind: str | None = None,
        value: object = None,
        /,
        *,
        name: str | None = None,
        from_: str | None = None,
        repeat: object = None,
        when: object = None,
        shared: object = None,
        weights: object = None,
        frozen: object = None,
        origin: object = None,
        branches: Iterable[Iterable["Item"]] | None = None,
        **fields: Any,
    ) -> None:
        layers = fields.pop("layers", None) if kind is None else None
        beside = takes_branches(kind or "")
        if sum((value is not None, branches is not None, bool(fields))) > 1 + (
            beside and value is None
        ):
            ways = "a value, or branches and fields" if beside else "a value, fields or branches"
            message = f"{kind} takes {ways}, one of them"
            raise TypeError(message)
        if kind is None and (value is not None or branches is not None or fields):
            given = next(iter(fields), "branches" if branches is not None else "a value")
            message = f"an item without a kind has no {given}"
            raise TypeError(message)
        entries: list[Entry] = []
        if kind is not None:
            inside: Any = _fields(fields) if fields else value
            if branches is not None:
                inside = _with_branches(kind, fields, branches)
            entries.append(Entry(_word(kind, "a kind"), inside))
        elif layers is not None:
            entries.append(Entry("layers", List(_items(layers, "layers"))))
        modifiers = {
            "name": name,
            "from": from_,
            "repeat": repeat,
            "when": when,
            "shared": shared,
            "weights": weights,
            "frozen": frozen,
            "origin": origin,
        }
        entries += [
            Entry(key, _said(given, key)) for key, given in modifiers.items() if given is not None
        ]
        if not entries:
            message = "an item has a kind, layers or a modifier, and this has none"
            raise TypeError(message)
        self._keep({entry.key: node_of(entry.value) for entry in entries})

    @staticmethod
    def alone(word: ScalarNode) -> "Item":
        """An item of a text that is a word alone."""
        made: Any = _OpenItem()
        made.word = word
        made.start = word.start
        made.length = word.length
        made.about = NOTHING_ABOUT
        made.__class__ = Item
        return cast("Item", made)

    if not TYPE_CHECKING:  # which knows the attributes that there are

        def __getattr__(self, name: str) -> Any:
            """What a word alone does not keep, because half of all items are one."""
            if name == "entries":
                return {self.word.text: self.word}
            if name == "key_starts":
                return (self.start,)
            message = f"an item has no attribute {name!r}"
            raise AttributeError(message)

    @property
    def bare(self) -> bool:
        """Whether it is a word alone, `- relu`, which then stands where its value would."""
        value = self.entries[next(iter(self.entries))] if len(self.entries) == 1 else None
        return value is not None and value.start == self.start >= 0

    def key(self, name: str) -> ScalarNode:
        """The key `name` as a node, with its quotes if it is a word alone."""
        value = self.entries[name]
        if self.bare and isinstance(value, ScalarNode):
            return value
        return Map.key(self, name)

    def value_at(self, key: str, node: Node) -> Any:
        """What a node says as the value of a key; a word alone has none."""
        return None if node.start == self.start >= 0 else Map.value_at(self, key, node)

    def __repr__(self) -> str:
        kind, value = self.kind, self.value
        modifiers = [part for part in self.parts if part.key in MODIFIERS]
        said = [] if kind is None else [repr(kind)]
        if kind is None:
            said += [arguments(part for part in self.parts if part.key not in MODIFIERS)]
        elif isinstance(value, Map):
            apart = set(MODIFIERS) if takes_branches(kind) else {*MODIFIERS, BRANCHES}
            if len(value) == 1 and takes_branches(kind) and layer_class(kind).inputs == "many":
                apart.add(BRANCHES)  # which would mean that they stand alone
            named = value.entries and all(key.isidentifier() and key not in apart for key in value)
            said += [arguments(value.parts) if named else shown(value)]
        elif value is not None:
            alone = branches_of(kind, value) is value
            said += [f"branches={shown(value)}" if alone else shown(value)]
        return f"Item({', '.join(filter(None, [*said, arguments(modifiers)]))})"

    @property
    def kind(self) -> str | None:
        """The kind of layer, or the block that is called; None for groups and mere modifiers."""
        return called(self) if "layers" not in self else None

    @property
    def value(self) -> Any:
        """What stands behind the kind or `layers`; None for nothing."""
        kind = called(self)
        return None if kind is None else self[kind]

    @property
    def fields(self) -> Map:
        """The fields or arguments that are given by name."""
        return self.value if isinstance(self.value, Map) else Map()

    @property
    def layers(self) -> tuple["Item", ...]:
        """The items of a group."""
        found = self.get("layers")
        return found.values if isinstance(found, List) else ()

    @property
    def branches(self) -> tuple[tuple["Item", ...], ...]:
        """The branches that the kind merges, each a list of items."""
        written = branches_of(self.kind, self.value)
        if written is None:
            return ()
        return tuple(each.values for each in written.values if isinstance(each, List))

    @property
    def name(self) -> str | None:
        """What the item is called."""
        return _shown(self.get("name"))

    @property
    def from_(self) -> str | None:
        """The tensor that it starts from."""
        return _shown(self.get("from"))

    @property
    def repeat(self) -> Any:
        """How many times over."""
        return self.get("repeat")

    @property
    def when(self) -> Any:
        """The condition without which it is dropped."""
        return self.get("when")

    @property
    def shared(self) -> Any:
        """Whether every round uses the same weights."""
        return self.get("shared")

    @property
    def weights(self) -> str | None:
        """What it uses the weights of."""
        return None if self.kind == "weights" else _shown(self.get("weights"))

    @property
    def frozen(self) -> Any:
        """Whether training leaves its weights as they are."""
        return None if self.kind == "frozen" else self.get("frozen")

    @property
    def origin(self) -> Any:
        """What it comes from, as it is written: text, or a list with one for each round."""
        return None if self.kind == "origin" else self.get("origin")

    def replace(self, **changes: Any) -> "Item":
        """The item with other modifiers, fields, branches or layers; None takes one away.

        `kind` and `value` replace what stands before and behind the colon.

        >>> Item("conv", filters=64, kernel=3).replace(filters=32, name="stem")
        Item('conv', filters=32, kernel=3, name='stem')
        >>> Item("maxpool", 2).replace(stride=1)
        Item('maxpool', kernel=2, stride=1)
        """
        before = self.kind or ("layers" if "layers" in self else "")
        kind = _word(changes.pop("kind"), "a kind") if "kind" in changes else before
        entries = [part._replace(key=kind) if part.key == before else part for part in self.parts]
        value = tree(changes.pop("value", self.value))
        if (branches := changes.pop(BRANCHES, None)) is not None:
            others = value if isinstance(value, Map) else Map()
            kept = {key: node for key, node in others.entries.items() if key != BRANCHES}
            value = _with_branches(kind, kept, branches)
        if not self.kind and (layers := changes.pop("layers", None)) is not None:
            kind, value = kind or "layers", List(_items(layers, "layers"))
        modifiers: dict[str, Any] = {}
        for word, given in changes.items():
            name = _plain_word(word)
            if name in MODIFIERS:
                modifiers[name] = None if given is None else _said(given, name)
            else:
                value = _as_fields(kind, value).with_value(name, given)
        if kind:
            entries = put(entries, kind, value, first=True)
        made = self.with_parts(entries)
        for name, given in modifiers.items():
            made = made.with_value(name, given)
        return made


def branches_of(kind: str | None, value: object) -> List | None:
    """The branches in what stands behind a kind: all of it, or its field; None where none do.

    >>> branches_of("add", List([List(), List()])), branches_of("conv", List([3, 3]))
    (List([[], []]), None)
    >>> branches_of("concat", Map({"branches": List([List(), List()]), "axis": "length"}))
    List([[], []])
    """
    if kind is None or not takes_branches(kind):
        return None
    if isinstance(value, Map):
        value = value.entries.get(BRANCHES)
    elif layer_class(kind).inputs != "many":
        return None
    return value if isinstance(value, List) else None


def _with_branches(kind: str, fields: Mapping[str, Any], branches: Iterable[Iterable[Item]]) -> Any:
    """What stands behind a kind that has branches: these alone, or beside its fields."""
    alone = not takes_branches(kind) or layer_class(kind).inputs == "many"
    if alone and not fields:
        return _branches(branches)
    return Map({BRANCHES: _branches(branches), **_fields(fields)})


def _branches(given: Iterable[Iterable[Item]]) -> List:
    return List(
        tuple(
            branch if isinstance(branch, List) else List(_items(branch, "a branch"))
            for branch in given
        )
    )


def called(item: Map) -> str | None:
    """What stands before the fields of an item: a kind, a block, or `layers`; None for nothing.

    `weights` alone calls a block of that name, which may be older than the modifier; so do
    `origin` and `frozen`.

    >>> called(Item("conv", filters=8, kernel=3, weights="first")), called(Item("weights"))
    ('conv', 'weights')
    """
    for key in item.entries:
        if key not in MODIFIERS:
            return key
    return next((key for key in YOUNGER if key in item), None)


def condition_of(branch: List) -> Node | None:
    """The condition that a branch begins with, `[when: project, …]`; None where it has none.

    >>> condition_of(List([Item(when="project"), Item("relu")]))
    ScalarNode(text='project', start=-1, length=0, plain=True)
    """
    first = branch.items[0] if branch.items else None
    if isinstance(first, Item) and first.entries.keys() == {"when"} and not first.bare:
        return first.entries["when"]
    return None


def _as_fields(kind: str, value: object) -> Map:
    """The fields of a kind; a value that stands alone is that of its principal field."""
    if isinstance(value, Map):
        return value
    if value is None and kind and kind != "layers":
        return Map()
    names = field_names(kind) if kind in CATALOGUE and declarations(layer_class(kind)) else ()
    if not names:
        message = f"{kind or 'the item'} has no fields that could be replaced; give `value`"
        raise TypeError(message)
    return Map({names[0]: value})


@final
class Block(Map):
    """Layers with parameters; a parameter without a value must be given by each call.

    >>> Block(["filters"], layers=[Item("conv", filters="filters", kernel=3)]).parameters
    Map({'filters': None})
    """

    __slots__ = ()
    texts = REMARKS

    def __init__(
        self,
        parameters: Mapping[str, Any] | Iterable[str] = (),
        layers: Iterable[Item] = (),
        *,
        description: str | None = None,
    ) -> None:
        if not isinstance(parameters, Mapping):
            if isinstance(parameters, str):
                message = f"parameters are a list of names or a dict, and this is {parameters!r}"
                raise TypeError(message)
            parameters = dict.fromkeys(parameters)
        entries = [Entry("description", _text(description, "description"))] if description else []
        if parameters:
            entries.append(Entry("parameters", Map(parameters)))
        entries.append(Entry("layers", List(_items(layers, "layers"))))
        self._keep({entry.key: node_of(entry.value) for entry in entries})

    @property
    def parameters(self) -> Map:
        """Names with default values, None where there is none."""
        return _map(self.get("parameters"))

    @property
    def layers(self) -> tuple[Item, ...]:
        """The items."""
        found = self.get("layers")
        return found.values if isinstance(found, List) else ()

    @property
    def description(self) -> str | None:
        """Remarks for its reader."""
        return _shown(self.get("description"))

    def replace(self, **changes: Any) -> "Block":
        """The block with other parameters, layers or another description; None takes one away."""
        made = self
        for key, value in changes.items():
            if key not in ("parameters", "layers", "description"):
                message = f"a block has no {key!r}"
                raise TypeError(message)
            made = made.with_value(key, _held(key, value))
        return made


def _headed(parts: Sequence[Entry]) -> list[Entry]:
    """The entries of a spec whose first is new: it takes what stands above the whole spec.

    That is what a blank line parts from the next entry, and what is for the file and its tools.
    """
    first, *rest = parts
    if not rest:
        return [first]
    lines = rest[0].comments.before
    head = 0
    for number, line in enumerate(lines, 1):
        if not line or line.lstrip("# ").startswith(("convcalc: ignore-file", "yaml-language")):
            head = number
    top = first.comments._replace(before=(*lines[:head], *first.comments.before))
    below = rest[0].comments._replace(before=lines[head:])
    return [first._replace(comments=top), rest[0]._replace(comments=below), *rest[1:]]


@final
class Spec(Map):
    """A network as it is written, before anything of it is worked out.

    >>> spec = Spec(input=(8, 8, 3), layers=[Item("conv", filters=4, kernel=3), Item("relu")])
    >>> print(spec.to_yaml(), end="")
    input: 8x8x3
    layers:
      - conv: {filters: 4, kernel: 3}
      - relu
    >>> spec.replace(name="Small").network().layers[0].name
    'conv1'
    """

    __slots__ = ()
    texts = REMARKS

    def __init__(
        self,
        *,
        name: str | None = None,
        reference: str | None = None,
        year: int | None = None,
        description: str | None = None,
        input: object = None,  # noqa: A002 (the spec's own word)
        rounding: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        presets: Mapping[str, Any] | None = None,
        defaults: Mapping[str, Any] | None = None,
        blocks: Mapping[str, Block] | None = None,
        layers: Iterable[Item] | None = None,
        outputs: Iterable[str] | None = None,
        expect: Mapping[str, Any] | None = None,
        budget: Mapping[str, Any] | None = None,
        origins: Mapping[str, Iterable[str]] | None = None,
        written: Mapping[str, str] | None = None,
        sweep: Mapping[str, Any] | None = None,
    ) -> None:
        given = {
            "name": name,
            "reference": reference,
            "year": year,
            "description": description,
            "input": input,
            "rounding": rounding,
            "parameters": parameters,
            "presets": presets,
            "defaults": defaults,
            "blocks": blocks,
            "layers": layers,
            "outputs": outputs,
            "expect": expect,
            "budget": budget,
            "origins": origins,
            "written": written,
            "sweep": sweep,
        }
        self._keep(
            {key: node_of(_held(key, value)) for key, value in given.items() if value is not None}
        )

    @property
    def name(self) -> str | None:
        """What the network is called."""
        return _shown(self.get("name"))

    @property
    def reference(self) -> str | None:
        """Where it is described."""
        return _shown(self.get("reference"))

    @property
    def year(self) -> Any:
        """When it was published."""
        return self.get("year")

    @property
    def description(self) -> str | None:
        """Remarks for its reader."""
        return _shown(self.get("description"))

    @property
    def input(self) -> Any:
        """Shape of one example as it is written: text, a number or a list; of several by name."""
        return self.get("input")

    @property
    def rounding(self) -> str | None:
        """What to do when a stride does not tile."""
        return _shown(self.get("rounding"))

    @property
    def parameters(self) -> Map:
        """Names with their default values."""
        return _map(self.get("parameters"))

    @property
    def presets(self) -> Map:
        """Members of a family by name."""
        return _map(self.get("presets"))

    @property
    def defaults(self) -> Map:
        """Fields for every layer of a kind, by kind."""
        return _map(self.get("defaults"))

    @property
    def blocks(self) -> Map:
        """The `Block`s by name."""
        return _map(self.get("blocks"))

    @property
    def layers(self) -> tuple[Item, ...]:
        """The items."""
        found = self.get("layers")
        return found.values if isinstance(found, List) else ()

    @property
    def outputs(self) -> tuple[Any, ...]:
        """Names of the tensors that are the outputs; none where the last item's is."""
        names = self.get("outputs")
        return names.values if isinstance(names, List) else ()

    @property
    def expect(self) -> Map:
        """What must hold of the result."""
        return _map(self.get("expect"))

    @property
    def budget(self) -> Map:
        """Limits on the result."""
        return _map(self.get("budget"))

    @property
    def origins(self) -> Map:
        """What layers are called where they come from, by kind."""
        return _map(self.get("origins"))

    @property
    def written(self) -> Map:
        """How layers are written in code, by their kinds or names."""
        return _map(self.get("written"))

    @property
    def sweep(self) -> Map:
        """What `convcalc sweep` is to work out."""
        return _map(self.get("sweep"))

    def replace(self, **changes: Any) -> "Spec":
        """The spec with other values for top-level keys; None takes one away.

        Comments of what stays, stay. Raises `TypeError` for a key that a spec does not have.
        """
        Spec(**dict.fromkeys(changes))  # one list of keys
        made = self
        for key, value in changes.items():
            new = key not in made
            made = made.with_value(key, _held(key, value), first=key in REMARKS)
            if new and value is not None and key in REMARKS:
                made = made.with_parts(_headed(made.parts))
        return made

    def __str__(self) -> str:
        """The spec as YAML; its repr is one line of Python."""
        return self.to_yaml().removesuffix("\n")

    def to_yaml(self) -> str:
        """The spec as YAML; raises `ValueError` where it nests deeper than a spec can."""
        from convcalc.spec.write import write

        return write(self)

    def network(
        self,
        *,
        input: Shape | str | None = None,  # noqa: A002
        **parameters: Any,
    ) -> Any:
        """The `Network`, with values for parameters and another input if wanted.

        Raises `SpecError`, which names the items at fault: `layers[3].conv.filters`.
        """
        from convcalc.methods import above

        return above("Spec.network", self, input=input, parameters=parameters)


def _word(value: object, what: str) -> str:
    if not isinstance(value, str) or not value:
        from convcalc.arguments import shown

        message = f"{what} is a word, and this is {shown(value)}"
        raise TypeError(message)
    return value


def _plain_word(name: str) -> str:
    """A keyword argument as the spec spells it: `from_` is `from`."""
    return name[:-1] if name.endswith("_") and iskeyword(name[:-1]) else name


def _fields(given: Mapping[str, Any]) -> Map:
    return Map({_plain_word(name): value for name, value in given.items()})


def _text(value: object, what: str) -> Text:
    if isinstance(value, Text):
        return Text(value.text)
    return Text(_word(value, what))


def _said(value: object, modifier: str) -> Any:
    """The value of a modifier as the tree holds it: names are text."""
    if modifier not in NAMES:
        return value
    if modifier == "origin" and isinstance(value, tuple | list | List):
        return List([_text(each, modifier) for each in value])
    return _text(value, modifier)


def _items(values: object, what: str) -> tuple[Item, ...]:
    if not isinstance(values, Iterable) or isinstance(values, str | Map):
        from convcalc.arguments import shown

        message = f"{what}: a list of items, and this is {shown(values)}"
        raise TypeError(message)
    items = tuple(values)
    for position, item in enumerate(items):
        if not isinstance(item, Item):
            from convcalc.arguments import shown

            message = f"{what}[{position}] is an Item, and this is {shown(item)}"
            raise TypeError(message)
    return items


def _held(key: str, value: object) -> Any:
    """The value of a top-level key, or of a block's, as the tree holds it."""
    if value is None:
        return None
    if key in REMARKS:
        return _text(value, key)
    if key == "layers":
        return value if isinstance(value, List) else List(_items(value, key))
    if key == "input" and isinstance(value, tuple | list):
        return _extents(value)
    if key == "input" and isinstance(value, Mapping) and not isinstance(value, Map):
        return Map({name: _extents(shape) for name, shape in value.items()})
    if key == "blocks":
        for name, block in dict(value).items():  # type: ignore[call-overload]
            if not isinstance(block, Block):
                from convcalc.arguments import shown

                message = f"blocks: {name} is a Block, and this is {shown(block)}"
                raise TypeError(message)
    elif key == "presets" and isinstance(value, Mapping):
        return Map({name: remarked(preset) for name, preset in value.items()})
    return value


def _extents(value: object) -> Any:
    """A shape as a spec writes it, where it is given by its numbers."""
    if isinstance(value, tuple | list) and value and all(type(size) is int for size in value):
        return scalar("x".join(map(str, value)))
    return value


def remarked(preset: object) -> Any:
    """A preset whose remarks are text."""
    if not isinstance(preset, Mapping) or isinstance(preset, Map):
        return preset
    return Preset(
        {key: _text(value, key) if key in REMARKS else value for key, value in preset.items()}
    )


def _shown(value: object) -> str | None:
    return None if value is None else str(value)


def _map(value: object) -> Map:
    return value if isinstance(value, Map) else Map()
