"""What an output sees of the image, as a picture."""

import json

import pytest
from click.testing import CliRunner
from looking import looks_right
from tabled import tabled

import convcalc
from convcalc.cli import convcalc as command_line
from convcalc.diagnostics import ArgumentError
from convcalc.pictures.scene import Box, Label, Part, Scene, everything


def _seen(scene: Scene) -> dict[str, list[str]]:
    """The numbers of the positions that are seen, by the title of their row."""
    rows: dict[str, list[str]] = {}
    for part in everything(scene.items):
        if not isinstance(part, Part):
            continue
        pairs = zip(part.items, part.items[1:], strict=False)
        numbers = [
            label.text
            for box, label in pairs
            if isinstance(box, Box) and isinstance(label, Label) and box.role == "seen"
        ]
        if numbers:
            rows[part.title.partition(":")[0]] = numbers
    return rows


def test_a_stack_of_dilated_convolutions_sees_every_second_fourth_and_eighth() -> None:
    # WaveNet (arXiv:1609.03499), figure 3: dilations 1, 2, 4, 8 with two taps see 16 samples.
    layers = ", ".join(
        f"conv: {{filters: 1, kernel: 2, dilation: {each}, padding: [[{each}, 0]]}}"
        for each in (1, 2, 4, 8)
    )
    scene = convcalc.draw(convcalc.parse(f"{{input: 16x1, layers: [{layers}]}}"), "field", at=(15,))
    assert _seen(scene) == {
        "conv4": ["15"],
        "conv3": ["7", "15"],
        "conv2": ["3", "7", "11", "15"],
        "conv1": [str(each) for each in range(1, 16, 2)],
        "input": [str(each) for each in range(16)],
    }


def test_the_field_of_a_deep_network_looks_right() -> None:
    looks_right(convcalc.draw("resnet152", "field", at=(0, 0)))


@pytest.mark.thorough
@tabled(
    ("spec", "layer", "at"),
    [
        ("lenet5", None, None),
        ("vgg16", None, None),
        ("vgg16", "stage2.conv2", (0, 111)),
        ("resnet152", None, (0, 0)),
        ("googlenet", None, None),
        ("unet", None, None),
        ("densenet121", None, (6, 3)),
        ("fcn8s", None, None),
    ],
)
def test_fields_of_the_zoo_look_right(
    spec: str, layer: str | None, at: tuple[int, ...] | None
) -> None:
    options = {name: each for name, each in (("layer", layer), ("at", at)) if each is not None}
    scene = convcalc.draw(spec, "field", **options)
    looks_right(scene)
    assert len(scene.to_svg()) < 100_000


def test_the_picture_says_the_numbers_of_explain_at() -> None:
    arguments = ("vgg16", "stage5.maxpool1", "--at", "0,3", "--format", "json")
    printed = json.loads(CliRunner().invoke(command_line, ["explain", *arguments]).stdout)
    (rows, columns) = printed["image"]
    texts = [
        label.text
        for label in convcalc.draw("vgg16", "field", layer="stage5.maxpool1", at=(0, 3)).labels
    ]
    assert f"height: rows 0 to {rows['last']}, {rows['size']} of 224, 90 of padding before" in texts
    assert f"width: columns {columns['first']} to {columns['last']}, 212 of 224" in texts
    assert "receptive field 212, stride 32: neighbours share 180 of 212" in texts


def test_three_axes_and_a_single_position_are_drawn() -> None:
    spec = "{input: 6x7x8x1, layers: [conv: {filters: 1, kernel: 3, padding: 1}, global_avgpool]}"
    for layer in ("conv1", "global_avgpool1"):
        looks_right(convcalc.draw(convcalc.parse(spec), "field", layer=layer))


def test_a_network_without_positions_is_not_mixed_up_with_one_of_unknown_shapes() -> None:
    vector = "input: 5\nlayers: [linear: 3]\n"
    broken = "input: 8x8x1\nlayers: [conv: {filters: 2, kernel: 9}]\n"
    for text, message in (
        (vector, "no layer has positions in the image of "),
        (broken, "no layer whose shape is known has positions in the image of "),
    ):
        with pytest.raises(ArgumentError, match=message):
            convcalc.draw(convcalc.parse(text), "field")


def test_a_position_or_layer_that_there_is_not_is_refused() -> None:
    for options in ({"layer": "linear1"}, {"layer": "conv1", "at": (99, 0)}, {"at": (1,)}):
        with pytest.raises(ArgumentError):
            convcalc.draw("alexnet", "field", **options)


@tabled(
    ("style", "options"),
    [
        ("window", {"layer": 3}),
        ("field", {"layer": b"conv1"}),
        ("field", {"at": "12"}),
        ("field", {"at": 3}),
        ("field", {"at": (1.5, 0)}),
        ("field", {"at": (True, 0)}),
    ],
)
def test_options_of_other_types_are_refused(style: str, options: dict[str, object]) -> None:
    with pytest.raises((TypeError, ValueError), match=next(iter(options))):
        convcalc.draw("lenet5", style, **options)
