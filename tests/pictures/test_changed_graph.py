"""What became of a network, as one graph of both."""

from pathlib import Path

from click.testing import CliRunner
from geometry import boxes_of, faults, joined
from tabled import tabled

import convcalc
from convcalc.analysis.compare import compare
from convcalc.cli import convcalc as command_line
from convcalc.graph import Network
from convcalc.pictures.changed import scene as changed
from convcalc.pictures.scene import Box, Part, Scene, everything

BEFORE = """
input: 8x8x3
layers:
  - {name: first, conv: {filters: 8, kernel: 3, padding: 1}}
  - {name: norm, batchnorm: {}}
  - {name: act, relu: {}}
  - {name: last, conv: {filters: 4, kernel: 1}}
"""


def _network(text: str) -> Network:
    return convcalc.load(convcalc.parse(text))


def _scene(old: str, new: str) -> Scene:
    one, other = _network(old), _network(new)
    return changed(one, other, compare(one, other))


def _roles(scene: Scene) -> dict[str, str]:
    """By layer what it looks like, where that says something."""
    roles = {}
    for part in everything(scene.items):
        if isinstance(part, Part) and part.key and not part.frame:
            role = next(each.role for each in part.items if isinstance(each, Box))
            if role != "kept":
                roles[part.key] = role
    return roles


@tabled(
    ("old", "new", "roles"),
    [
        (BEFORE, BEFORE, {}),
        (
            BEFORE,
            BEFORE.replace("  - {name: norm, batchnorm: {}}\n", ""),
            {"norm (removed)": "removed"},
        ),
        (BEFORE.replace("  - {name: norm, batchnorm: {}}\n", ""), BEFORE, {"norm": "added"}),
        (BEFORE, BEFORE.replace("filters: 8", "filters: 9"), {"first": "changed"}),
        (BEFORE, BEFORE.replace("relu", "tanh"), {"act": "changed"}),
    ],
)
def test_what_changed_is_marked(old: str, new: str, roles: dict[str, str]) -> None:
    scene = _scene(old, new)
    assert _roles(scene) == roles
    assert faults(scene) == []
    signs = {"added": "+", "removed": "−", "changed": "~"}
    texts = [label.text for label in scene.labels]
    for role in roles.values():  # colour alone tells nothing
        assert any(text.startswith(f"{signs[role]} ") for text in texts)


def test_what_is_gone_stands_where_it_was_with_what_it_read_and_what_read_it() -> None:
    scene = _scene(BEFORE, BEFORE.replace("  - {name: norm, batchnorm: {}}\n", ""))
    boxes = boxes_of(scene)
    gone = boxes["norm (removed)"]
    assert {(boxes["first"], gone), (gone, boxes["act"]), (boxes["first"], boxes["act"])} <= joined(
        scene
    )


def test_fields_are_told_with_both_values() -> None:
    scene = _scene(
        BEFORE, BEFORE.replace("filters: 8, kernel: 3, padding: 1", "filters: 9, kernel: 1")
    )
    text = " ".join(label.text for label in scene.labels)
    assert "filters 8 → 9; kernel 3 → 1; padding 1 → 0" in text


def test_groups_that_changed_in_part_are_open_and_others_are_boxes() -> None:
    one, other = convcalc.load("vgg16"), convcalc.load("vgg19")
    scene = changed(one, other, compare(one, other))
    frames = [part.key for part in everything(scene.items) if isinstance(part, Part) and part.frame]
    assert "stage3" in frames
    assert "stage1" not in frames
    assert _roles(scene)["stage3.conv4"] == "added"
    assert faults(scene) == []


@tabled(
    ("old", "new"),
    [
        ("resnet18", "resnet34"),
        ("alexnet", "alexnet_torchvision"),
        ("lenet5", "unet"),  # which have nothing in common
        ("siamese", "lenet5"),  # two inputs, of which none is the other's
    ],
)
def test_any_two_networks_are_drawn_as_one(old: str, new: str) -> None:
    one, other = convcalc.load(old), convcalc.load(new)
    assert faults(changed(one, other, compare(one, other))) == []


def test_diff_writes_the_picture(tmp_path: Path) -> None:
    file = tmp_path / "changes.svg"
    call = ["diff", "vgg11", "vgg13", "--draw", str(file)]
    assert CliRunner().invoke(command_line, call).exit_code == 0
    svg = file.read_bytes()
    assert b"+ added" in svg
    again = CliRunner().invoke(command_line, call)
    assert again.exit_code == 2
    assert "is there already" in again.stderr
    assert CliRunner().invoke(command_line, [*call, "--force"]).exit_code == 0
    assert file.read_bytes() == svg
    assert CliRunner().invoke(command_line, [*call[:-1], str(tmp_path / "a.txt")]).exit_code == 2
