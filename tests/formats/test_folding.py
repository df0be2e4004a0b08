"""The graph of a page folds group by group: any combination is the picture that `draw` makes.

What places it on a page is web/src/layout.ts. It is held to convcalc/pictures/layout.py by
web/test/layout.test.ts, which reads what is written here: which groups are open, and where then
everything stands.
"""

import json
import os
import shutil
import subprocess
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
from geometry import faults
from paths import ROOT
from tabled import tabled

import convcalc
from convcalc.formats.web.picture import graph, graph_data
from convcalc.graph import Network
from convcalc.pictures.graph import Choices, drawn
from convcalc.pictures.scene import Box, Drawn, Label, Part, Scene, everything, moved
from convcalc.spec.bundled import bundled_names

WEB = ROOT / "web"
UPDATE = bool(os.environ.get("CONVCALC_UPDATE"))

SKIPS = """
name: Skips over edges of groups
input: 16x16x4
layers:
  - name: down
    layers:
      - {name: one, layers: [{conv: {filters: 4, kernel: 3, padding: 1}}, relu, tanh]}
      - {name: two, layers: [{conv: {filters: 4, kernel: 1}}, {name: kept, sigmoid: {}}, tanh]}
  - conv: {filters: 4, kernel: 1}
  - name: up
    layers:
      - add: [[], [from: down.two.kept]]
      - name: deep
        layers:
          - concat: [[], [from: down.one.relu1], [from: down.one.conv1]]
          - name: deeper
            layers: [conv: {filters: 4, kernel: 1}, {add: [[], [from: up.add1]]}]
  - {add: [[], [from: conv1]]}
outputs: [down.two.kept, add1]
"""
ROUNDS = """
name: Rounds of groups
input: 16x16x4
layers:
  - name: part
    repeat: 3
    layers:
      - name: inner
        repeat: 4
        layers: [conv: {filters: 4, kernel: 3, padding: 1}, batchnorm, relu]
      - add: [[conv: {filters: 4, kernel: 1}, relu, conv: {filters: 4, kernel: 1}], []]
  - name: outer
    layers:
      - {name: alone, layers: [tanh, {name: end, layers: [sigmoid, conv: {filters: 2, kernel: 1}]}]}
  - name: other
    layers:
      - name: only
        layers: [relu, conv: {filters: 2, kernel: 1}, conv: {filters: 3, kernel: 1}, tanh]
"""
BRANCHES = """
name: Branches of groups
input: {left: 16x16x4, right: 16x16x4}
layers:
  - concat:
    - - from: left
      - {name: a, layers: [conv: {filters: 4, kernel: 1}, relu, conv: {filters: 4, kernel: 1}]}
    - - from: right
      - name: b
        layers:
          - {name: first, layers: [tanh, conv: {filters: 4, kernel: 1}]}
          - add: [[{name: wide, layers: [sigmoid, conv: {filters: 4, kernel: 1}]}], []]
    - - {from: left, maxpool: {kernel: 3, stride: 1, padding: 1}}
  - name: end
    layers:
      - {conv: {filters: 4, kernel: 1}}
      - {add: [[], [from: a.conv1], [from: b.first.conv1]]}
"""
WRONG = """
name: Errors in groups
input: 16x16x4
layers:
  - name: first
    layers:
      - {conv: {filters: 4, kernel: 1}}
      - name: inner
        layers: [conv: {filters: 5, kernel: 3}, relu, conv: {filters: 5, kernel: 3}]
  - name: second
    layers:
      - conv: {filters: 5, kernel: 1}
      - add: [[], [from: first.conv1]]
      - {name: behind, layers: [conv: {filters: 5, kernel: 1}, conv: {filters: 5, kernel: 99}]}
"""
TITLES = """
name: A title wider than its frame
input: 16x16x4
layers:
  - name: one_of_the_groups_with_names_that_are_longer_than_most
    layers:
      - {conv: {filters: 4, kernel: 1}}
      - {name: another_one_whose_name_is_as_long_as_that, layers: [relu, {add: [[tanh, tanh], []]}]}
"""
HANDED = """
name: Rounds that hand on two tensors
input: 64x4
layers:
  - {name: total, conv: {filters: 4, kernel: 1}}
  - {name: sound, conv: {filters: 4, kernel: 1}}
  - repeat: 4
    layers:
      - name: gate
        layers:
          - conv:
              {filters: 4, kernel: 2, dilation: 2**(index - 1), padding: [[2**(index - 1), 0]]}
          - multiply: [[tanh, conv: {filters: 4, kernel: 1}], [sigmoid]]
      - {name: total, add: [[from: total], [from: gate, conv: {filters: 4, kernel: 1}]]}
      - {name: sound, add: [[from: sound], [from: gate, conv: {filters: 4, kernel: 1}]]}
  - {add: [[], [from: total]]}
"""
TEXTS = {
    "skips": SKIPS, "rounds": ROUNDS, "branches": BRANCHES, "wrong": WRONG, "titles": TITLES,
    "handed": HANDED,
}  # fmt: skip


def _read(text: str) -> Network:
    return convcalc.read(convcalc.parse(text))


def _groups(data: Any) -> list[str]:
    return [place["name"] for place in data["places"] if place["name"] is not None]


def _drawn(network: Network, opened: list[str]) -> Scene:
    return drawn(network, Choices(depth=1), opened=opened)


def _box(part: Part) -> Box:
    """The rectangle of a layer, of a folded group, or of a frame."""
    return next(each for each in part.items if isinstance(each, Box) and each.role != "behind")


def _rectangle(part: Part) -> list[float]:
    """Where a box or a frame is, and how large."""
    box = _box(part)
    return [round(each, 3) for each in (box.x, box.y, box.width, box.height)]


def _stands(scene: Scene) -> dict[str, Any]:
    """Where everything is in a picture: boxes and frames by their names, and lines.

    Of a layer with rows below it that is its box; arrows that leave the network are left out.
    """
    parts = [each for each in everything(scene.items) if isinstance(each, Part)]
    inside = [[row for row in part.items if isinstance(row, Part)] for part in parts]
    rows = {
        row.key
        for part, its in zip(parts, inside, strict=True)
        for row in its[1:]
        if not part.frame
    }
    lines = [path.points for path in scene.paths if path.target or not path.arrow]
    return {
        "parts": {
            part.key: _rectangle(part) for part in parts if part.key and part.key not in rows
        },
        "lines": sorted([round(each, 3) for point in line for each in point] for line in lines),
        "size": [scene.width, scene.height],
    }


def _case(network: Network, combinations: int, draw: Random) -> dict[str, Any]:
    """The data of a page's graph, and where everything stands for some combinations."""
    made = graph(network)
    assert made is not None
    data = graph_data(made, 0)
    assert data is not None
    groups = _groups(data)
    asked = [[], groups] if groups else [[]]
    asked += [draw.sample(groups, draw.randrange(len(groups) + 1)) for _ in range(combinations)]
    stand = [{"expand": open_, **_stands(_drawn(network, open_))} for open_ in asked]
    return {"graph": data, "combinations": stand}


# What is drawn where


def _items(face: Any, x: float, y: float) -> list[Drawn]:
    """What a page draws of a face whose box is there."""
    items: list[Drawn] = [Box(**each) for each in face["boxes"]]
    items += [
        Label(**{name: value for name, value in each.items() if name != "wide"})
        for each in face["texts"]
    ]
    return [moved(each, x, y) for each in items]


def _rounded(items: list[Drawn]) -> list[tuple[object, ...]]:
    return [
        tuple(round(one, 6) if isinstance(one, float | int) else one for one in each)
        for each in items
    ]


@tabled("name", ["vgg16", "resnet50", "googlenet", "unet", "siamese", "fpn", *TEXTS])
def test_what_is_drawn_of_a_box_is_the_same_whatever_is_open(name: str) -> None:
    network = _read(TEXTS[name]) if name in TEXTS else convcalc.load(name)
    made = graph(network)
    assert made is not None
    data = graph_data(made, 0)
    assert data is not None
    groups = _groups(data)
    faces = {}
    for place in data["places"]:
        for number, face in enumerate(place["closed"]["faces"] if place["closed"] else ()):
            faces[face["key"]] = (face, number)
    draw = Random(7)  # noqa: S311 (no secret)
    for share in (0, 0.3, 0.6, 1):
        opened = [group for group in groups if draw.random() < share]
        scene = _drawn(network, opened)
        assert faults(scene) == [], opened
        for part in (each for each in everything(scene.items) if isinstance(each, Part)):
            if part.frame or not part.key:
                continue
            face, row = faces[part.key]
            front = [each for each in part.items if isinstance(each, Box | Label)]
            front = [each for each in front if each.role != "behind"]
            if not row:  # a row stands further down in the box
                box = _box(part)
                assert _rounded(_items(face, box.x, box.y)) == _rounded([*front]), part.key
            assert face["title"] == part.title


@tabled("name", ["vgg16", "resnet50", "googlenet", "unet", "siamese", "fpn"])
def test_every_layer_stands_in_one_box_and_in_the_groups_around_it(name: str) -> None:
    network = convcalc.load(name)
    made = graph(network)
    assert made is not None
    assert made.scene == convcalc.draw(network)
    data = graph_data(made, 0)
    assert data is not None
    boxes = [place for place in data["places"] if not place["chains"]]
    stood = [index for box in boxes for face in box["closed"]["faces"] for index in face["layers"]]
    assert sorted(stood) == [*range(len(network.nodes))]
    layers = {group.name: [*group.layers] for group in network.groups}
    for place in data["places"]:
        if place["name"] is not None:
            (face,) = place["closed"]["faces"]
            assert set(layers[place["name"]]) <= set(face["layers"])
            assert len(face["layers"]) == place["rounds"] * len(layers[place["name"]])
            its = layers[place["name"]]
            around = [other for name, other in layers.items() if {*its} <= {*other}]
            assert place["level"] == len(around) - 1


CASES = WEB / "test" / "layout.json"


def _cases(networks: dict[str, Network], combinations: int) -> list[dict[str, Any]]:
    draw = Random(38)  # noqa: S311 (no secret)
    return [{"what": what, **_case(each, combinations, draw)} for what, each in networks.items()]


def test_the_page_places_what_python_places() -> None:
    """The unit tests of web/ hold layout.ts against this file."""
    cases = _cases({what: _read(text) for what, text in TEXTS.items()}, 4)
    text = json.dumps(cases, ensure_ascii=False, separators=(",", ":")).replace(
        ',{"what"', ',\n{"what"'
    )
    if UPDATE:
        CASES.write_text(text + "\n", encoding="utf-8")

    assert CASES.read_text(encoding="utf-8") == text + "\n"


def _any_nested(random: Random) -> str:
    """Groups in groups whose layers read one another as it happens."""
    names, numbers = ["first"], count(1)

    def layers(path: str, deep: int, indent: str) -> list[str]:
        lines = []
        for _ in range(random.choice([2, 3, 5])):
            name = f"n{next(numbers)}"
            draw = random.random()
            if deep and draw < 0.4:
                inside = layers(f"{path}{name}.", deep - 1, f"{indent}    ")
                lines += [f"{indent}- name: {name}", f"{indent}  layers:", *inside]
                continue
            read = names[-1] if random.random() < 0.7 else random.choice(names[-12:])
            others = sorted({names[-1], *random.choices(names[-15:], k=random.choice([1, 1, 2]))})
            if draw < 0.75 or len(others) < 2:
                kind = random.choice(["conv: {filters: 4, kernel: 1}", "relu", "batchnorm", "tanh"])
                lines.append(f"{indent}- {{{kind}, from: {read}, name: {name}}}")
            else:
                branches = ", ".join(f"[from: {each}]" for each in others)
                lines.append(f"{indent}- {{add: [{branches}], name: {name}}}")
            names.append(f"{path}{name}")
        return lines

    inside = "\n".join(layers("", 3, "  "))
    return f"input: 8x8x4\nlayers:\n  - {{tanh, name: first}}\n{inside}\n"


def _held_by_node(cases: list[dict[str, Any]], folder: Path) -> None:
    """Let the unit tests of the page's layout hold it against these cases."""
    (folder / "layouts.json").write_text(json.dumps(cases), encoding="utf-8")
    build = ["node", "build.mjs", "--tests", str(folder)]
    subprocess.run(build, cwd=WEB, check=True)
    done = subprocess.run(
        ["node", str(folder / "layout.test.mjs")],
        cwd=WEB,
        env={**os.environ, "CONVCALC_LAYOUTS": str(folder / "layouts.json")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stdout
    assert f"# pass {len(cases)}" in done.stdout


@pytest.fixture
def node() -> None:
    """What builds the pages, and runs them."""
    if not (WEB / "node_modules").is_dir() or shutil.which("node") is None:
        pytest.skip("web/node_modules is not there: npm ci in web/ installs what builds the pages")


@pytest.mark.thorough
@pytest.mark.usefixtures("node")
def test_the_page_places_the_whole_zoo_as_python_does(tmp_path: Path) -> None:
    networks = {name: convcalc.load(name) for name in bundled_names()}

    _held_by_node(_cases(networks, 3), tmp_path)


@pytest.mark.thorough
@pytest.mark.usefixtures("node")
def test_the_page_places_any_network_as_python_does(tmp_path: Path) -> None:
    networks = {}
    for seed in range(300):
        network = _read(_any_nested(Random(seed)))  # noqa: S311
        assert not network.errors, seed
        networks[str(seed)] = network

    _held_by_node(_cases(networks, 4), tmp_path)
