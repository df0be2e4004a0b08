"""`explain --fit`: hyperparameters that tile, each tried here again on the layer."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result
from paths import ROOT
from tabled import tabled

from convcalc.cli import convcalc
from convcalc.explanation.fit import Fit, fits
from convcalc.graph import Network, read_text
from convcalc.layers.remedies import works
from convcalc.spec.text import SourceText

SCHEMA = json.loads((ROOT / "docs" / "explain.schema.json").read_text(encoding="utf-8"))


def network(items: str, shape: str = "224x224x3", rounding: str = "exact") -> Network:
    text = f"rounding: {rounding}\ninput: {shape}\nlayers: [{items}]"
    return read_text(SourceText("net.yaml", text))


ALEXNET = "conv: {filters: 96, kernel: 11, stride: 4}, maxpool: {kernel: 3, stride: 2}"


def pairs(each: Fit) -> tuple[Any, ...]:
    return tuple(each.fields[name] for name in ("kernel", "stride", "padding"))


def test_the_slip_of_alexnets_paper() -> None:
    listed = fits(network(ALEXNET), 1, (55,))

    # (224 − F + P)/4 = 54: 3 rows of padding, or a kernel of 8, or what lies between.
    assert pairs(listed[0]) == (11, 4, ((1, 2), (1, 2)))
    assert listed[0].changed == ("padding",)
    assert pairs(listed[1]) == (8, 4, 0)
    assert {each.output for each in listed} == {(55, 55)}
    assert [each.distance for each in listed] == sorted(each.distance for each in listed)
    # 55 is what the pooling behind takes.
    assert not any(each.fails for each in listed)


def test_a_layer_that_tiles_is_its_own_nearest_fit() -> None:
    first, *others = fits(network(ALEXNET, "227x227x3"), 1)

    assert (first.changed, first.distance, first.output) == ((), 0, (55, 55))
    assert all(each.changed for each in others)
    # A stride of 3 makes 73: the pooling reads that; a stride of 5 with a kernel of 12 makes 44.
    failing = {pairs(each): each.fails for each in others}
    assert failing[12, 5, 0] == "maxpool1"


LAYERS = [
    ("conv: {filters: 4, kernel: 3, stride: 2, padding: 1}", "32x31x3"),
    (
        "conv: {filters: 4, kernel: 3x5, stride: 2x3, padding: [[0, 1], [2, 0]], dilation: 1x2}",
        "32x31x3",
    ),
    ("depthwise_conv: {kernel: 5, stride: 3}", "20x20x3"),
    ("locally_connected: {filters: 2, kernel: 4, stride: 3}", "15x2"),
    ("maxpool: 3", "32x32x3"),
    ("avgpool: {kernel: 2, stride: 3, padding: 1}", "8x1"),
    ("conv: {filters: 1, kernel: 3, stride: 2, padding: same}", "9x9x1"),
    ("conv: {filters: 1, kernel: 3, stride: 2, padding: 1, padding_mode: reflect}", "5x1"),
]


@tabled(("item", "shape"), LAYERS)
def test_every_fit_tiles(item: str, shape: str) -> None:
    given = network(item, shape, "floor" if "filters: 4" in item else "exact")
    layer: Any = given.nodes[1].layer
    x = given.shape_of(0)
    assert x is not None
    listed = fits(given, 1)

    assert listed
    for each in listed:
        exact = layer.replace(**each.fields, rounding="exact")
        assert works(exact, x), each
        plan = exact.plan([x])
        assert plan.output.spatial == each.output
        same = each.fields["padding"] == "same"
        both = zip(plan.windows, x.spatial, strict=True)
        assert same or not any(window.remainder(size) for window, size in both)
        assert not each.fails


@tabled(("item", "shape"), LAYERS[1:4])
def test_a_size_that_is_asked_for_is_made(item: str, shape: str) -> None:
    given = network(item, shape, "floor")
    some = fits(given, 1)[-1].output

    assert some in {each.output for each in fits(given, 1, some)}
    assert fits(given, 1, (10**6,)) == ()


def test_a_transposed_convolution_is_solved_for_a_size() -> None:
    given = network("conv_transpose: {filters: 2, kernel: 3, stride: 2, padding: 1}", "7x7x1")
    with pytest.raises(ValueError, match="tiles whatever its hyperparameters are"):
        fits(given, 1)

    # (7 − 1)·2 + 3 − 2 = 13, and one more row of output padding.
    first = fits(given, 1, (14, 14))[0]
    assert first.distance == 1
    assert {each.output for each in fits(given, 1, (14,))} == {(14, 14)}
    assert any(each.fields["output_padding"] == 1 for each in fits(given, 1, (14,)))


def test_an_error_that_no_size_mends_is_said() -> None:
    with pytest.raises(ValueError, match="conv1: 2 groups do not divide the 3 input channels"):
        fits(network("conv: {filters: 2, kernel: 3, groups: 2}"), 1)


def test_all_layers_of_a_text_change_alike() -> None:
    spec = "{layers: [conv: {filters: 3, kernel: 2, stride: 2}], repeat: 2}"
    listed = fits(network(spec, "8x8x3"), 1)

    # The second of them reads 4×4: a kernel of 4 in both leaves (8 − 4)/2 + 1 = 3, too few for it.
    by_kernel = {pairs(each): each.fails for each in listed}
    assert by_kernel[2, 2, 0] == ""
    assert by_kernel[4, 2, 0] == "conv2"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = f"input: 224x224x3\nlayers: [{ALEXNET}, relu]\n"
    Path("net.yaml").write_text(text, encoding="utf-8")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(convcalc, ["explain", "net.yaml", *arguments])


@pytest.mark.usefixtures("folder")
def test_the_page_and_the_json() -> None:
    result = run("conv1", "--fit", "--output-size", "55", "--format", "json")
    printed = json.loads(result.stdout)
    jsonschema.Draft7Validator(SCHEMA).validate(printed)

    assert printed["fits"][0]["fields"]["padding"] == [[1, 2], [1, 2]]
    assert result.exit_code == 1  # the spec's error is still one
    assert "CC301" in result.stderr
    text = run("conv1", "--fit", "--output-size", "55x55").stdout
    assert "11      4       [[1, 2], [1, 2]] *  55×55   works" in text
    nothing = run("conv1", "--fit", "--output-size", "999", "--input", "227x227x3")
    assert "Nothing near the layer's own hyperparameters does. Tried: kernel ±6" in nothing.stdout
    assert (nothing.exit_code, nothing.stderr) == (1, "")


@pytest.mark.usefixtures("folder")
@tabled(
    ("arguments", "said"),
    [
        ("relu1 --fit", "relu1 is of kind relu, which slides no kernel"),
        ("maxpool1 --fit", "what maxpool1 reads is not known"),
        ("conv1 --output-size 55", "--output-size is an option of --fit"),
        ("conv1 --fit --output-size 5x5x5", "output size 5×5×5 has 3 axes, and conv1 makes 2"),
        ("conv1 --fit --output-size big", "'big' is no size"),
        ("conv1 --fit --output-size 0", "'0' is no size, which is a whole number from 1"),
    ],
)
def test_what_fits_nothing_is_refused(arguments: str, said: str) -> None:
    result = run(*arguments.split())

    assert said in result.stderr
    assert (result.exit_code, result.stdout) in ((2, ""), (1, ""))
