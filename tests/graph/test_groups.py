"""A block or named group has one output, wherever somebody asks for it."""

import json
from typing import Any, NamedTuple

import pytest
from draws import Draw, examples

from convcalc import Network, analyze, loads
from convcalc.analysis.memory.checkpoint import segments
from convcalc.analysis.memory.walk import Segment
from convcalc.checks.promises import broken
from convcalc.formats.rows import rows
from convcalc.graph.matching import matching
from convcalc.rules.cc420_unused_tensor import check as unused_tensors
from convcalc.rules.context import Context
from convcalc.shape import Shape
from convcalc.spec.flat import Group

Item = dict[str, Any]
"""An item as YAML has it; a spec is written as JSON, which is YAML too."""
MODIFIERS = ("name", "from", "when", "repeat")


class Said(NamedTuple):
    """A group, as it must be."""

    name: str
    block: str
    item: Item
    layers: range
    output: int


class UnresolvedError(Exception):
    """An item starts from a name that means nothing there."""

    def __init__(self, item: Item) -> None:
        super().__init__(item)
        self.item = item


class Interpreter:
    """What docs/spec.md says of names and tensors, for specs whose written names all differ."""

    def __init__(self, spec: Item) -> None:
        self.blocks: dict[str, list[Item]] = {
            name: block["layers"] for name, block in spec["blocks"].items()
        }
        self.layers = ["input"]
        self.groups: list[Said] = []
        self.names: dict[str, int | None] = {}
        """The latest tensor of every full name, rounds left out; None while it is being made."""
        self.counts: dict[str, int] = {}
        self.output = self.sequence(spec["layers"], 0, "", rounds=False)

    def sequence(self, items: list[Item], current: int, prefix: str, *, rounds: bool) -> int:
        for item in items:
            if not item.get("when", True):
                continue
            if "from" in item:
                current = self.resolved(item, prefix)
            repeat = "repeat" in item
            for _ in range(item.get("repeat", 1)):
                current = self.once(item, current, prefix, rounds=rounds or repeat)
        return current

    def once(self, item: Item, current: int, prefix: str, *, rounds: bool) -> int:
        kind = next((key for key in item if key not in MODIFIERS), "")
        given_name = item.get("name", "")
        if kind in self.blocks:
            return self.group(item, kind, current, prefix, rounds=rounds)
        if kind == "layers":
            if given_name:
                return self.group(item, "", current, prefix, rounds=rounds)
            return self.sequence(item["layers"], current, prefix, rounds=rounds)
        if kind:
            for branch in item[kind] if kind == "concat" else ():
                self.sequence(branch, current, prefix, rounds=rounds)
            current = len(self.layers)
            self.layers.append(prefix + self.numbered(given_name or kind, prefix, rounds=rounds))
            if not given_name:
                return current
        elif given_name:
            self.numbered(given_name, prefix, rounds=rounds)
        if given_name:
            self.names[prefix + given_name] = current
        return current

    def group(self, item: Item, block: str, current: int, prefix: str, *, rounds: bool) -> int:
        given_name = item.get("name", "")
        full = prefix + self.numbered(given_name or block, prefix, rounds=rounds or not given_name)
        if given_name:
            self.names[prefix + given_name] = None
        place, start = len(self.groups), len(self.layers)
        self.groups.append(Said(full, block, item, range(start, start), 0))
        inside = self.blocks[block] if block else item["layers"]
        current = self.sequence(inside, current, full + ".", rounds=False)
        layers = range(start, len(self.layers))
        self.groups[place] = self.groups[place]._replace(layers=layers, output=current)
        if given_name:
            self.names[prefix + given_name] = current
        return current

    def numbered(self, name: str, prefix: str, *, rounds: bool) -> str:
        """A name with its number, where it has one: in rounds, or because it was not given."""
        if not rounds and name not in ("conv", "concat"):
            return name
        self.counts[prefix + name] = self.counts.get(prefix + name, 0) + 1
        return f"{name}{self.counts[prefix + name]}"

    def resolved(self, item: Item, prefix: str) -> int:
        if item["from"] == "input":
            return 0
        places = prefix.split(".")[:-1]
        for count in range(len(places), -1, -1):
            full = ".".join([*places[:count], item["from"]])
            if full in self.names:
                index = self.names[full]
                if index is None:
                    break
                return index
        raise UnresolvedError(item)


def specs(draw: Draw) -> Item:
    """Specs without errors: blocks that call later ones, groups, branches, repeats, jumps."""
    names: list[str] = []
    blocks = ["block_a", "block_b", "block_c"][: draw.randint(0, 3)]
    filters = iter(range(1, 1000))

    def items(depth: int, callable_blocks: list[str]) -> list[Item]:
        return [item(depth, callable_blocks) for _ in range(draw.randint(0, 3))]

    def item(depth: int, callable_blocks: list[str]) -> Item:
        kinds = ["conv", "bare"] + (["group", "concat"] if depth else [])
        kind = draw.choice(kinds + ["call"] * 2 * bool(callable_blocks))
        made: Item = {}
        if kind == "conv":
            made["conv"] = {"filters": next(filters), "kernel": 1}
        elif kind == "group":
            made["layers"] = items(depth - 1, callable_blocks)
        elif kind == "concat":
            branches = range(draw.randint(1, 3))
            made["concat"] = [items(depth - 1, callable_blocks) for _ in branches]
        elif kind == "call":
            made[draw.choice(callable_blocks)] = {}
        if draw.randint(0, 2) == 0 or kind == "bare":
            made["from"] = draw.choice(["input", *names])
        if draw.randint(0, 9) == 0:
            made["when"] = draw.flag()
        if draw.randint(0, 4) == 0:
            made["repeat"] = draw.randint(0, 3)
        if draw.flag():
            made["name"] = f"{'abcdefghij'[len(names) % 10]}_{len(names)}_"
            names.append(made["name"])
        return made

    written = {
        name: {"layers": items(1, blocks[number + 1 :])} for number, name in enumerate(blocks)
    }
    layers = [*items(2, blocks), *items(2, blocks), *items(1, blocks)]
    return {"input": "8x8x3", "blocks": written, "layers": layers}


def repaired(spec: Item) -> Interpreter:
    """What a spec means, once jumps to names that mean nothing where they stand are left out."""
    try:
        return Interpreter(spec)
    except UnresolvedError as error:
        del error.item["from"]
        if not set(error.item) - {"when", "repeat"}:
            error.item["from"] = "input"
    return repaired(spec)


def network_of(spec: Item, **more: Any) -> Network:
    return loads(json.dumps({**spec, **more}))


def shape_of(network: Network, index: int) -> Shape:
    shape = network.shape_of(index)
    assert shape is not None
    return shape


def text(shape: Shape) -> str:
    return str(shape).replace("×", "x")


def inside(groups: list[Said], group: Said) -> int:
    """How many groups a group stands in."""
    return group.name.count(".")


LEAVES_BY_FROM: Item = {
    "input": "32x32x3",
    "blocks": {
        "first": {
            "layers": [
                {"conv": {"filters": 8, "kernel": 1}, "name": "a"},
                {"conv": {"filters": 16, "kernel": 1}},
                {"from": "a"},
            ]
        }
    },
    "layers": [{"first": {}}, {"conv": {"filters": 4, "kernel": 1}}],
}


def test_a_block_that_ends_in_from_puts_out_what_it_goes_back_to() -> None:
    """By hand: `a` has 8 filters, and `first` ends by going back to it."""
    network = network_of(LEAVES_BY_FROM)

    assert network.groups == (Group("first1", "first", network.groups[0].item, range(1, 3), 1),)
    assert [(row.name, str(row.output)) for row in rows(analyze(network), depth=1)] == [
        ("first1", "32×32×8"),
        ("conv1", "32×32×4"),
    ]
    for wanted, codes in (("32x32x8", []), ("32x32x16", ["CC502"])):
        promised = network_of(LEAVES_BY_FROM, expect={"layers": {"first1": wanted}})
        assert [found.problem.code for found in broken(promised)] == codes


@examples(100, spec=specs, chance=lambda draw: draw)
def test_a_group_has_one_output(spec: Item, chance: Draw) -> None:
    said = repaired(spec)
    if len(said.layers) < 2:
        return
    network = network_of(spec)
    groups = said.groups

    assert [node.name for node in network.nodes] == said.layers
    assert network.output == said.output
    assert [(*group[:2], *group[3:]) for group in network.groups] == [
        (*group[:2], *group[3:], "")
        for group in groups  # an origin is none of these specs'
    ]
    rounds = {
        id(group.item): id(mine.item) for group, mine in zip(groups, network.groups, strict=True)
    }
    assert [rounds[id(group.item)] for group in groups] == [id(one.item) for one in network.groups]

    for depth in range(1, 5):
        folded = {row.name: row for row in rows(analyze(network), depth) if row.kind == "block"}
        wanted = [group for group in groups if group.layers and inside(groups, group) == depth - 1]
        assert list(folded) == [group.name for group in wanted]
        for group in wanted:
            assert folded[group.name].output == shape_of(network, group.output)
            assert folded[group.name].hyperparameters.split()[0] == str(len(group.layers))

    if not groups:
        return
    shapes = {group.name: shape_of(network, group.output) for group in groups}
    expect = {name: text(shape) for name, shape in shapes.items()}
    promised = network_of(spec, expect={"layers": expect})
    assert not list(broken(promised))
    context = Context(promised)
    assert context.wanted == {network.output, *(group.output for group in groups)}
    read = {index for node in network.nodes for index in node.inputs}
    unused = set(range(len(network.nodes))) - read - context.wanted
    assert {advice.layer for advice in unused_tensors(context)} == unused

    group = chance.choice(groups)
    wrong = {**expect, group.name: text(Shape(shapes[group.name].channels + 1, (8, 8)))}
    assert [found.problem.code for found in broken(network_of(spec, expect={"layers": wrong}))] == [
        "CC502"
    ]
    misspelt = network_of(spec, expect={"layers": {group.name + "x": "8x8x8"}})
    help_text = next(broken(misspelt)).problem.help or ""
    assert help_text.startswith("did you mean `")

    probe = {"conv": {"filters": 1, "kernel": 1}, "from": group.name, "name": "probe"}
    probed = network_of({**spec, "layers": [*spec["layers"], probe]})
    assert probed.nodes[-1].inputs == (group.output,)

    assert matching(network, group.name) == said.layers[group.layers.start : group.layers.stop]
    if group.layers:
        assert segments(network, [group.name]) == [Segment(group.layers.start, group.layers.stop)]
    else:
        with pytest.raises(ValueError, match="no layer's name begins"):
            segments(network, [group.name])
