"""Folding: another spec of the same network, shorter, as a person would write it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from draws import Draw
from tabled import tabled

from convcalc import Block, Item, Network, Spec, load, loads, parse
from convcalc.spec.fold import fold
from convcalc.spec.fold.same import network_said
from convcalc.spec.fold.scopes import Scope
from convcalc.spec.fold.traces import fewest_apart
from convcalc.spec.members import member
from convcalc.spec.named import numbered
from convcalc.spec.nodes import List
from convcalc.spec.unfold import unfolded

ZOO = Path(__file__).parents[2] / "architectures"
WIDTH = 100


def numbers(network: Network) -> tuple[Any, ...]:
    """All of a network but what its layers are called."""
    layers = [
        (
            node.kind,
            node.layer,
            node.inputs,
            plan and plan[:],
            node.shared_with if plan and plan.weights else None,
        )
        for node, plan in zip(network.nodes, network.plans, strict=True)
    ]
    return layers, network.inputs, network.outputs, network.output_names


def flat(spec: Spec, *, names: bool = False) -> Spec:
    made = unfolded(spec, names=names)
    assert made is not None
    return made


def of_zoo(name: str, preset: str = "") -> Spec:
    spec = parse((ZOO / f"{name}.yaml").read_text(encoding="utf-8"))
    return member(spec, preset) if preset else spec


def lines(spec: Spec) -> list[str]:
    return spec.to_yaml().splitlines()


def assert_called(made: Spec, before: Spec) -> None:
    """Each layer comes from where it came from, or is called so."""
    for now, then in zip(made.network().nodes, before.network().nodes, strict=True):
        assert not then.origin or then.origin == (now.origin or now.name)


# The zoo: a part of it here, all of it in `python -m benchmarks folding`


@tabled(
    ("name", "preset", "most"),
    [
        ("resnet", "resnet152", 60),
        ("mobilenet_v2", "", 46),
        ("googlenet", "", 60),
        ("densenet", "densenet201", 50),
        ("unet", "", 45),
        ("siamese", "", 45),
        ("fpn", "", 75),
    ],
)
def test_networks_flattened_and_folded_again(name: str, preset: str, most: int) -> None:
    assert_folds(of_zoo(name, preset), most)


@tabled(("name", "preset", "most"), [("siamese", "", 45), ("vgg", "", 35), ("unet", "", 45)])
def test_networks_are_folded_after_what_layers_were_called(
    name: str, preset: str, most: int
) -> None:
    assert_folds(of_zoo(name, preset), most, names=True)


@pytest.mark.thorough
@tabled(
    ("name", "preset", "most"),
    [
        ("resnet", "resnet152", 65),
        ("mobilenet_v2", "", 70),
        ("googlenet", "", 75),
        ("densenet", "densenet201", 50),
        ("fpn", "", 80),
    ],
)
def test_large_networks_are_folded_after_what_layers_were_called(
    name: str, preset: str, most: int
) -> None:
    assert_folds(of_zoo(name, preset), most, names=True)


def assert_folds(spec: Spec, most: int, *, names: bool = False) -> None:
    """Flattened, with the names of its layers or without, and folded again into so many lines."""
    before = numbers(spec.network())
    written_out = flat(spec, names=names)
    assert numbers(written_out.network()) == before
    assert not any(key in written_out for key in ("blocks", "defaults", "parameters"))
    made = fold(written_out)
    assert numbers(made.network()) == before
    assert numbers(loads(made.to_yaml())) == before
    assert len(lines(made)) <= most
    assert_called(made, written_out)
    said = [line for line in lines(made) if "#" not in line]
    assert max(map(len, said)) <= WIDTH


def test_a_network_of_blocks_stays_as_it_is_but_for_what_comes_again() -> None:
    spec = of_zoo("resnet", "resnet50")
    made = fold(spec)
    assert numbers(made.network()) == numbers(spec.network())
    assert {*spec.blocks} <= {*made.blocks}
    assert made.parameters == spec.parameters


# What a person would write


START = "input: 8x8x4\ndefaults: {conv: {kernel: 1}}\nlayers: "


def test_equal_rounds_are_a_repeat() -> None:
    made = fold(parse(START + "[relu, conv: 4, relu, conv: 4, relu, conv: 4, tanh]"))
    assert made.to_yaml() == (
        "input: 8x8x4\ndefaults:\n  conv: {kernel: 1}\nlayers:\n"
        "  - layers:\n      - relu\n      - conv: 4\n    repeat: 3\n  - tanh\n"
    )
    made = fold(parse("input: 8x8x4\nlayers: [" + ", ".join(["add: [[], [tanh]]"] * 3) + "]"))
    assert [item.repeat for item in made.layers] == [3]


def test_numbers_that_differ_become_parameters() -> None:
    layers = [
        f"conv: {{filters: {n}, kernel: 3, stride: {s}, padding: 1}}, batchnorm, relu, "
        f"conv: {{filters: {4 * n}, kernel: 1}}, batchnorm, relu, dropout"
        for n, s in ((8, 1), (8, 1), (16, 2), (32, 1))
    ]
    made = fold(parse(f"input: 8x8x4\nrounding: floor\nlayers: [{', '.join(layers)}]"))
    (block,) = made.blocks.values()
    assert [*block.parameters] == ["filters", "stride"]
    assert block.parameters["stride"] == 1, "what most calls want, as the field's own default"
    assert str(block.layers[3].fields["filters"]) == "4*filters"
    assert [item.repeat for item in made.layers] == [2, None, None]


def test_fields_that_all_layers_of_a_kind_say_are_defaults() -> None:
    layers = [Item("conv", filters=n, kernel=3, padding=1, bias=False) for n in (3, 4, 5, 6)]
    other = Item("linear", 4)
    made = fold(Spec(input=(8, 8, 3), layers=[*layers, Item("flatten"), other]))
    assert "bias: false" in made.to_yaml()
    assert made.to_yaml().count("bias") == 1


def test_names_of_tensors_outside_become_parameters() -> None:
    """A decoder whose levels start from other levels of the encoder."""
    text = """\
input: 32x32x4
layers:
  - {conv: {filters: 4, kernel: 3, padding: 1}, name: a}
  - maxpool: 2
  - {conv: {filters: 4, kernel: 3, padding: 1}, name: b}
  - maxpool: 2
  - upsample: 2
  - add: [[from: b], [conv: {filters: 4, kernel: 1}, relu]]
  - batchnorm
  - upsample: 2
  - add: [[from: a], [conv: {filters: 4, kernel: 1}, relu]]
  - batchnorm
"""
    spec = parse(text)
    made = fold(spec)
    assert numbers(made.network()) == numbers(spec.network())
    assert '- up: "b"\n  - up: "a"\n' in made.to_yaml()
    assert [*made.blocks["up"].parameters] == ["source"]


@tabled(
    "layers",
    [
        # Names that mean more than a word: numbers of kinds, rounds, dots, braces.
        "[relu, relu, relu, sigmoid, add: [[], [from: relu2]]]",
        "[{relu, name: a, repeat: 2}, sigmoid, sigmoid, add: [[], [from: a1]]]",
        '[{relu, name: a, repeat: 2}, sigmoid, sigmoid, add: [[], [from: "a{2 - 1}"]]]',
        "[{layers: [relu, sigmoid], name: a}, relu, sigmoid, add: [[], [from: a.relu1]]]",
        # What is read from outside of what would be written once.
        "[relu, {sigmoid, name: s}, tanh, relu, sigmoid, tanh, add: [[], [from: s]]]",
        "[relu, {sigmoid, name: s}, relu, {sigmoid, name: t}, add: [[from: t], [from: s]]]",
        # Weights of another, of one layer and of a stretch.
        "[{conv: 4, name: c}, relu, {conv: 4, weights: c}, relu, {conv: 4, weights: c}, relu]",
        "[{conv: 4, name: c}, relu, {conv: 4, name: d}, relu, {conv: 4, weights: d}, relu]",
        # Conditions and rounds that count.
        "[" + ", ".join(["{relu, when: true}, sigmoid"] * 3) + "]",
        "[" + ", ".join(["{layers: [conv: 4*index, relu], repeat: 2}"] * 3) + "]",
        "[{split: {into: [a, b]}}, relu, concat: [[from: a], [from: b, relu]], relu]",
        "[{relu, from: input}, sigmoid, {relu, from: input}, sigmoid, {relu, from: input}]",
    ],
)
def test_what_names_mean_stays(layers: str) -> None:
    spec = parse(f"input: 8x8x4\ndefaults: {{conv: {{kernel: 1}}}}\nlayers: {layers}")
    assert numbers(fold(spec).network()) == numbers(spec.network())


@tabled(
    ("blocks", "parameters"),
    [
        ("{conv_bn_relu: {layers: [relu]}}", "{filters: 3}"),
        ("{residual: {parameters: {filters}, layers: [relu]}}", "{stride: 2, kernel: 1}"),
        ("{}", "{filters: 4, filters2: 4, rounds: 1, source: 'x'}"),
    ],
)
def test_names_of_blocks_and_parameters_that_are_there_are_no_others(
    blocks: str, parameters: str
) -> None:
    unit = "conv: {{filters: {0}, kernel: 3, padding: 1}}, batchnorm, relu, conv: {{filters: {1}, "
    unit += "kernel: 3, padding: 1}}, batchnorm, relu"
    layers = ", ".join(unit.format(n, n + 3) for n in (4, 6, 9, 13))
    text = f"input: 8x8x4\nparameters: {parameters}\nblocks: {blocks}\nlayers: [{layers}]"
    spec = parse(text)
    made = fold(spec)
    assert numbers(made.network()) == numbers(spec.network())
    assert len(made.blocks) > len(spec.blocks)


def test_comments_are_kept() -> None:
    """Every comment is there once behind folding, wherever what it is about stands."""
    text = "# head\ninput: 8x8x4  # input\nlayers:\n"
    for n in range(4):
        text += (
            f"  # above {n}\n  - conv: {{filters: {4 + n}, kernel: 3, padding: 1}}  # width {n}\n"
        )
        text += f"  - batchnorm\n  - relu:  # act {n}\n      # inside {n}\n    name: act{n}\n"
    spec = parse(text)
    made = fold(spec).to_yaml()
    assert "blocks:" in made
    missing = [
        word
        for word in ("head", "# input", *(f"{w} {n}" for n in range(4) for w in ("above", "width")))
        if made.count(word) != 1
    ]
    assert not missing
    assert all(f"act {n}" in made for n in range(4))


# Where layers come from


def units(count: int, name: str) -> list[Item]:
    """Residual units with the names of PyTorch's modules, or of a file's nodes."""
    made = []
    for n in range(count):
        at = {"layer": f"layer.{n}.", "path": f"/layer/layer.{n}/", "number": ""}[name]
        names = iter(range(4 * n, 4 * n + 4))

        def origin(word: str, at: str = at, names: Iterator[int] = names) -> str:
            return at + word if name != "number" else f"{word}_{next(names)}"

        inside = [
            Item("conv", filters=4, kernel=3, padding=1, origin=origin("conv")),
            Item("batchnorm", origin=origin("bn")),
        ]
        merge = Item("add", branches=[inside, []], origin=origin("add"))
        made += [merge, Item("relu", origin=origin("relu"))]
    return made


@tabled("name", ["layer", "path"])
def test_origins_are_said_once_with_what_stands_in_front(name: str) -> None:
    spec = Spec(input=(8, 8, 4), layers=units(3, name))
    made = fold(spec)
    assert len(lines(made)) < len(lines(spec))
    assert not made.origins
    assert came_from(made) == came_from(spec)


def came_from(spec: Spec) -> list[str]:
    return [node.origin for node in spec.network().nodes]


def test_origins_that_follow_no_pattern_are_listed_and_remarked() -> None:
    spec = Spec(input=(8, 8, 4), layers=units(6, "number"))
    made = fold(spec)
    assert came_from(made) == came_from(spec)
    assert came_from(loads(made.to_yaml()).written.spec) == came_from(spec)  # type: ignore[union-attr,arg-type]
    assert [*made.origins] == ["conv", "batchnorm", "add", "relu"]
    assert [*map(str, made.origins["conv"].values)] == ["conv_{0..20..4}"]
    assert "# conv_0 to relu_23" in made.to_yaml()
    assert len(lines(made)) <= 18


def test_origins_that_are_listed_already_are_listed_again() -> None:
    """A spec that was folded is one as any: fold it again, or write it out."""
    spec = Spec(input=(8, 8, 4), layers=units(6, "number"))
    again = fold(fold(spec))
    assert came_from(again) == came_from(spec)
    assert lines(again) == lines(fold(spec))
    assert came_from(flat(fold(spec))) == came_from(spec)
    assert "origins" not in flat(fold(spec))


def from_elsewhere(
    items: list[Item], random: Draw, numbered: float, counts: "Counter[str]", front: str = ""
) -> list[Item]:
    """The items with origins: by numbers, of modules in modules, and of paths; few have none."""
    made = []
    for number, item in enumerate(items):
        word = str(item.kind)
        counts[word] += 1
        name = f"{word}_{counts[word]}"
        if random.random() > numbered:
            name = f"{front}m{number // 4}{random.choice('./')}{word}"
        changes: dict[str, Any] = {"origin": name} if random.random() < 0.95 else {}
        if item.branches:
            behind = f"{front}b{number}."
            changes["branches"] = [
                from_elsewhere([*each], random, numbered, counts, behind) for each in item.branches
            ]
        made.append(item.replace(**changes))
    return made


def test_a_way_that_would_be_too_long_is_no_other_if_it_is_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    skipped = 0
    for seed in range(9):
        random = Draw(f"origins {seed}")
        choice = (Item("conv", filters=4, kernel=1), Item("batchnorm"), Item("relu"))
        unit = [random.choice(choice) for _ in range(random.randint(3, 6))]
        unit.insert(random.randint(0, 3), Item("add", branches=[unit[1:], []]))
        spec = Spec(
            input=(8, 8, 4), layers=from_elsewhere(unit * 8, random, seed % 3 / 2, Counter())
        )
        counts: list[int] = []

        def counted(given: Iterable[Any], enough: float, counts: list[int] = counts) -> int:
            leaves = [*given]
            counts.append(fewest_apart(leaves))
            least = fewest_apart(leaves, enough)
            assert least > enough or least == counts[-1]  # a few of the leaves may show enough
            return least

        monkeypatch.setattr("convcalc.spec.fold.fewest_apart", counted)
        made = fold(spec)
        assert came_from(made) == came_from(spec)
        monkeypatch.setattr("convcalc.spec.fold.fewest_apart", lambda *_: 0)
        assert fold(spec).to_yaml() == made.to_yaml(), seed
        skipped += max(counts, default=0) > 1.15 * len(lines(made))
    assert 0 < skipped < 9


def test_a_merge_that_is_called_after_who_reads_it_parts_no_module() -> None:
    """As PyTorch's exporter calls the concatenations of a DenseNet; the last is the block's own."""
    layers: list[Item] = []
    for block, rounds in ((1, 3), (2, 5), (3, 4)):
        for n in range(1, rounds + 1):
            module = f"/block{block}/layer{n}/"
            unit = [
                Item("batchnorm", origin=f"{module}norm1/BatchNormalization"),
                Item("conv", filters=4, kernel=1, origin=f"{module}conv1/Conv"),
                Item("batchnorm", origin=f"{module}norm2/BatchNormalization"),
                Item("conv", filters=2, kernel=3, padding=1, origin=f"{module}conv2/Conv"),
            ]
            reader = f"/block{block}/" + (f"layer{n + 1}/" if n < rounds else "")
            layers.append(Item("concat", branches=[[], unit], origin=f"{reader}Concat"))
        layers.append(Item("conv", filters=block, kernel=1, origin=f"/transition{block}/conv/Conv"))
    spec = Spec(input=(8, 8, 3), layers=layers)
    made = fold(spec)
    assert (
        made.to_yaml()
        == """input: 8x8x3
blocks:
  block:
    parameters: {rounds}
    layers:
      - concat:
          - []
          - - {layer, origin: "layer{index}/"}
        repeat: rounds
  layer:
    layers:
      - {batchnorm, origin: norm1/BatchNormalization}
      - {conv: {filters: 4, kernel: 1}, origin: conv1/Conv}
      - {batchnorm, origin: norm2/BatchNormalization}
      - {conv: {filters: 2, kernel: 3, padding: 1}, origin: conv2/Conv}
layers:
  - {block: 3, origin: /block1/}
  - {conv: {filters: 1, kernel: 1}, origin: /transition1/conv/Conv}
  - {block: 5, origin: /block2/}
  - {conv: {filters: 2, kernel: 1}, origin: /transition2/conv/Conv}
  - {block: 4, origin: /block3/}
  - {conv: {filters: 3, kernel: 1}, origin: /transition3/conv/Conv}
origins:
  concat:
    - /block1/layer{2,3}/Concat
    - /block1/Concat
    - /block2/layer{2..5}/Concat
    - /block2/Concat
    - /block3/layer{2..4}/Concat
    - /block3/Concat
"""
    )
    assert came_from(made) == came_from(spec)


def test_scopes_say_where_a_block_begins() -> None:
    """Without them the round would begin with the convolution, which is the last of a unit here."""
    layers: list[Item] = []
    scopes: dict[str, Scope] = {}
    for n in range(8):
        conv: dict[str, Any] = {"filters": 4 + n, "kernel": 1}
        nothing: dict[str, Any] = {}
        for kind, fields in (("batchnorm", nothing), ("relu", nothing), ("conv", conv)):
            name = f"n{len(layers)}"
            layers.append(Item(kind, **fields, origin=name))
            scopes[name] = Scope(("net", f"unit{n}"))
    stem = Item("conv", filters=4, kernel=1, origin="stem")
    made = fold(Spec(input=(8, 8, 3), layers=[stem, *layers]), scopes)
    (block,) = made.blocks.values()
    assert [item.kind for item in block.layers] == ["batchnorm", "relu", "conv"]
    assert [*made.blocks] == ["unit"]


# Random and hostile


def drawn(random: Draw, depth: int, names: list[str]) -> list[Item]:
    """Items of a chain of equal shapes, with branches, skips and stretches that come again."""
    items: list[Item] = []
    for _ in range(random.randint(1, 5)):
        way = random.random()
        if way < 0.2 and depth:
            kind = random.choice(("add", "maximum"))
            branches = [[], drawn(random, depth - 1, names)]
            if names and random.random() < 0.4:
                branches.append([Item(from_=random.choice(names))])
            items.append(Item(kind, branches=branches))
        elif way < 0.4 and items:
            items += [without_names(item) for item in items[-random.randint(1, 4) :]]
        elif way < 0.7:
            kernel = random.choice((1, 3, 5))
            fields: dict[str, Any] = {"padding": kernel // 2} if kernel > 1 else {}
            if random.random() < 0.3:
                fields["bias"] = False
            if random.random() < 0.2:
                fields["groups"] = random.choice((1, 2, 4))
            items.append(Item("conv", filters=4, kernel=kernel, **fields))
        else:
            items.append(Item(random.choice(("relu", "sigmoid", "batchnorm", "dropout"))))
        if random.random() < 0.15:
            name = f"t{len(names)}"
            items[-1] = items[-1].replace(name=name)
            names.append(name)
    return items


def without_names(item: Item) -> Item:
    """The item, and what is in it, without names."""
    if item.branches:
        return item.replace(
            name=None, branches=[[without_names(each) for each in b] for b in item.branches]
        )
    return item if item.name is None or item.kind is None else item.replace(name=None)


def test_random_networks_are_the_same_behind_folding_and_behind_flattening() -> None:
    shorter = 0
    for seed in range(25):
        random = Draw(f"folding {seed}")
        names: list[str] = []
        layers: list[Item] = []
        while len(layers) < 24:
            layers += drawn(random, 2, names)
        spec = Spec(input=(8, 8, 4), layers=layers)
        before = numbers(spec.network())
        made = fold(spec)
        assert numbers(made.network()) == before, seed
        assert numbers(flat(made).network()) == before, seed
        shorter += len(lines(made)) < len(lines(spec))
    assert shorter > 18


@pytest.mark.parametrize("count", [2_000])
def test_many_equal_layers_are_one_item(count: int) -> None:
    made = fold(Spec(input=(8, 8, 4), layers=[Item("relu")] * count))
    assert len(lines(made)) == 4
    assert len(made.network().layers) == count


def test_a_deep_nest_is_folded_or_left() -> None:
    item = Item("add", branches=[[Item("relu")], []])
    for _ in range(12):
        item = Item("add", branches=[[item], [Item("sigmoid"), Item("relu")]])
    spec = Spec(input=(4, 4, 2), layers=[item, item, item])
    assert numbers(fold(spec).network()) == numbers(spec.network())


def test_a_spec_with_errors_comes_back_as_it_is() -> None:
    for text in ("{input: 8x8x3, layers: [conv]}", "{input: 8x8x3, layers: [a, a, a]}"):
        spec = parse(text)
        assert fold(spec) == spec
        assert unfolded(spec) is None


def test_flattening_says_all_that_the_layers_are() -> None:
    spec = parse(
        "input: [2*size, 32, 4]\nparameters: {size: 16, kind: 'same', rate: 0.25}\n"
        "defaults: {conv: {bias: false, padding: kind}}\nrounding: floor\n"
        "blocks: {b: {parameters: {n}, layers: [conv: {filters: n, kernel: 3}, relu]}}\n"
        "layers: [{b: 4, repeat: 2}, {b: 2*size, name: x}, dropout: rate, "
        "conv: {filters: incoming.channels / size, kernel: [3, 1]}, {crop: {like: x.conv1}}]\n"
        "expect: {output: [2*size, size*2, 2], layers: {x.conv1: 32x32x32}}"
    )
    made = flat(spec)
    assert made.to_yaml() == (
        "input: 32x32x4\nrounding: floor\nlayers:\n"
        "  - conv: {filters: 4, kernel: 3, padding: same, bias: false}\n  - relu\n"
        "  - conv: {filters: 4, kernel: 3, padding: same, bias: false}\n  - relu\n"
        "  - {conv: {filters: 32, kernel: 3, padding: same, bias: false}, name: x_conv1}\n"
        "  - relu\n  - dropout: 0.25\n"
        "  - conv: {filters: incoming.channels/16, kernel: [3, 1], padding: same, bias: false}\n"
        "  - crop: {like: x_conv1}\n"
        "expect: {output: [2*16, 16*2, 2], layers: {x_conv1: 32x32x32}}\n"
    )
    assert numbers(made.network()) == numbers(spec.network())


def test_what_is_expected_of_a_layer_gives_it_no_name() -> None:
    """A layer with a name does not count, and those behind it would be called otherwise."""
    flat = unfolded(parse((ZOO / "alexnet.yaml").read_text(encoding="utf-8")))
    assert flat is not None
    assert "\n  - conv: {filters: 96, kernel: 11, stride: 4}\n" in flat.to_yaml()
    assert "layers: {conv1: 55x55x96}" in flat.to_yaml()


def test_outputs_keep_their_names_and_lists_that_wait_for_a_shape_stay() -> None:
    spec = parse(
        "input: 8x8x4\nlayers: [{relu, name: a, repeat: 2}, {tanh, name: b}, "
        "{pad: [[0, incoming.height % 3], [0, 1]], name: c}]\noutputs: [b, c, a1]\n"
        "expect: {outputs: {b: 8x8x4, a1: 8x8x4}}"
    )
    for made in (flat(spec), fold(flat(spec))):
        assert [str(each) for each in made.outputs] == ["b", "c", "a1"]
        assert numbers(made.network()) == numbers(spec.network())
        assert {*made.expect["outputs"]} == {"b", "a1"}


def test_folding_from_the_command_line_and_the_library_is_the_same() -> None:
    assert numbers(load("resnet18")) == numbers(fold(flat(of_zoo("resnet", "resnet18"))).network())


def test_a_default_is_no_word_that_a_block_gives() -> None:
    """Each of three blocks says `stride: stride`, which means nothing where defaults stand."""
    endings = (("relu", "selu"), ("tanh", "silu"), ("sigmoid", "gelu"))
    units = [
        [
            Item("depthwise_conv", kernel=3, padding=1, stride=stride),
            Item(first),
            Item("conv", filters=8, kernel=1),
            Item(second),
        ]
        for first, second in endings
        for stride in (1, 2, 1)
    ]
    spec = Spec(
        input=(64, 64, 8), rounding="floor", layers=[each for unit in units for each in unit]
    )
    made = fold(spec)

    assert len(made.blocks) == len(endings)
    assert all([*block.parameters] == ["stride"] for block in made.blocks.values())


def test_a_short_block_is_one_where_it_is_written_several_times() -> None:
    """A module of two layers that one block alone holds is written where it stands."""
    layers: list[Item] = []
    for unit in range(6):
        filters = 8 + 4 * unit
        rows: list[tuple[str, str, dict[str, Any]]] = [
            ("first.conv", "conv", {"filters": filters, "kernel": 3, "padding": 1}),
            ("first.act", "relu", {}),
            ("norm", "batchnorm", {}),
            ("last", "conv", {"filters": filters // 2, "kernel": 1}),
        ]
        for name, kind, said in rows:
            layers.append(Item(kind, origin=f"units.{unit}.{name}", **said))
    spec = Spec(input=(16, 16, 8), layers=layers)
    made = fold(spec)

    assert len(made.blocks) == 1
    (block,) = made.blocks.values()
    assert [item.kind for item in block.layers] == ["conv", "relu", "batchnorm", "conv"]
    assert came_from(made) == came_from(spec)


def test_blocks_have_the_words_that_all_their_modules_share() -> None:
    layers = [
        item
        for number, name in enumerate(("mixed_5b", "mixed_5c", "mixed_6a", "mixed_7a"))
        for item in (
            Item("conv", filters=8 + number, kernel=3, padding=1, origin=f"{name}.conv"),
            Item("batchnorm", origin=f"{name}.norm"),
            Item("relu", origin=f"{name}.act"),
            Item("conv", filters=4, kernel=1, origin=f"{name}.out"),
        )
    ]

    assert [*fold(Spec(input=(16, 16, 8), layers=layers)).blocks] == ["mixed"]


def test_a_block_without_a_module_is_called_by_its_first_kinds() -> None:
    unit = [
        Item("conv", filters=8, kernel=3, padding=1), Item("batchnorm"), Item("relu"),
        Item("avgpool", kernel=3, stride=1, padding=1), Item("tanh"),
    ]  # fmt: skip
    other = [Item("sigmoid"), Item("conv", filters=8, kernel=1)]
    made = fold(Spec(input=(16, 16, 8), layers=[*unit, *other, *unit, *unit, *other[:1], *unit]))

    assert [*made.blocks] == ["conv_bn_relu"]


@pytest.mark.parametrize("name", ["googlenet", "segnet", "lenet5"])
def test_what_is_proven_hangs_on_no_places(name: str) -> None:
    """A network is the same with a number for each key and value, with none, and with a text's."""
    written = load(name).written
    assert written is not None
    assert written.spec is not None
    for spec in (written.spec, unfolded(written.spec)):
        assert spec is not None
        unplaced = Spec.of(spec.parts)
        said = [network_said(each) for each in (spec, unplaced, numbered(spec))]
        proven = [each and (each.network, each.origins, each.words) for each in said]
        assert proven[0] is not None
        assert proven[0] == proven[1] == proven[2]


def test_an_item_that_stands_in_a_block_of_its_name_and_outside_is_two() -> None:
    """In a block that is called as a kind is, the kind is meant by its name."""
    item = Item("relu", None)
    blocks = {"relu": Block(layers=[item, Item("softmax")])}
    spec = Spec(input=(4, 4, 4), blocks=blocks, layers=[item, item])
    said = network_said(spec)
    assert said is not None
    assert [kind for kind, *_ in said.network[0]] == ["input", *("relu", "softmax") * 2]


def test_what_nests_deeper_than_a_spec_can_is_refused() -> None:
    value = List([3])
    for _ in range(100):
        value = List([value])
    spec = Spec(input=(4, 4, 4), layers=[Item("conv", filters=4, kernel=value)])
    with pytest.raises(ValueError, match="nested more than 64 deep"):
        fold(spec)


def test_a_comment_that_does_not_fit_beside_a_call_stands_above_it() -> None:
    """Beside it, each argument would be a line, as braces are not wrapped before a comment."""
    layers: list[Item] = []
    scopes: dict[str, Scope] = {}
    random = Draw("widths")
    for unit in ("inception3a", "inception3b", "inception4a", "inception4b"):
        branches = []
        for _ in range(6):
            name = f"node_{random.randint(10**6, 10**7)}"
            scopes[name] = Scope((unit,), "", ("inception",))
            filters = random.randint(1000, 9999)
            branches.append([Item("conv", filters=filters, kernel=1, origin=name)])
        name = f"node_{random.randint(10**6, 10**7)}"
        scopes[name] = Scope((unit,), "", ("inception",))
        layers.append(Item("concat", branches=branches, origin=name))
    made = fold(Spec(input=(8, 8, 4), layers=layers), scopes)

    assert [*made.blocks] == ["inception"]
    written = lines(made)
    calls = [at for at, line in enumerate(written) if line.startswith("  - inception:")]
    assert [written[at - 1] for at in calls] == [f"  # inception{each}" for each in
        ("3a", "3b", "4a", "4b")]  # fmt: skip
    assert max(map(len, written)) <= WIDTH
    assert calls[-1] - calls[0] <= 3 * 3
