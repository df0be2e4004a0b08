"""Families: presets by name, what they replace, and what is said when they are wrong."""

from pathlib import Path

import pytest
from tabled import tabled

from convcalc.analysis import analyze
from convcalc.diagnostics import Diagnostic
from convcalc.graph import Network, loads, read
from convcalc.spec.bundled import bundled_architectures, bundled_names, find_bundled
from convcalc.spec.promises import Quantity

FAMILY = """\
name: Family
reference: https://example.org/family
year: 2015
input: [size, size, 3]
parameters: {size: 32, width: 16, wide: 2*width, mode: "zero", depth: 2}
presets:
  small: {width: 8, expect: {parameters: 224}}
  large: {name: The large one, year: 2016, reference: "https://example.org/large", width: 4*16,
          size: 64, mode: "reflect", expect: {parameters: 1792, output: 64x64x64}}
  image: {input: 16x16x1}
  empty:
layers:
  - conv: {filters: width, kernel: 3, padding: 1, padding_mode: mode}
expect: {output: [size, size, width], buffers: 0}
"""


@pytest.fixture
def family(tmp_path: Path) -> str:
    path = tmp_path / "family.yaml"
    path.write_text(FAMILY)
    return str(path)


def findings(network: Network) -> list[str]:
    return [f"{found.code} {found.message}" for found in network.diagnostics]


def only(network: Network) -> Diagnostic:
    (found,) = network.diagnostics
    return found


def wanted(network: Network) -> dict[str, object]:
    return {
        promise.name: promise.wanted.text
        if isinstance(promise.wanted, Quantity)
        else str(promise.wanted)
        for promise in network.promises.expect
    }


def test_a_file_alone_is_what_it_says(family: str) -> None:
    network = read(family)
    assert (network.name, network.year, str(network.input)) == ("Family", 2015, "32×32×3")
    assert network.parameters == {"size": 32, "width": 16, "wide": 32, "mode": "zero", "depth": 2}
    assert wanted(network) == {"output": "32×32×16", "buffers": "0"}


def test_a_preset_gives_values_to_parameters(family: str) -> None:
    network = read(f"{family}#small")
    assert not network.diagnostics
    assert network.name == "small"
    assert network.path == f"{family}#small"
    assert (network.parameters["width"], network.parameters["wide"]) == (8, 16)
    assert analyze(network).totals.parameters == 224
    assert wanted(network) == {"output": "32×32×8", "buffers": "0", "parameters": "224"}


def test_a_preset_replaces_what_a_spec_says_of_itself(family: str) -> None:
    network = read(f"{family}#large")
    assert not network.diagnostics
    assert (network.name, network.year) == ("The large one", 2016)
    assert network.reference == "https://example.org/large"
    assert (network.parameters["width"], network.parameters["mode"]) == (64, "reflect")
    assert wanted(network) == {"output": "64×64×64", "buffers": "0", "parameters": "1792"}
    image = read(f"{family}#image")
    assert str(image.input) == "16×16×1"
    assert image.year == 2015


def test_a_preset_may_change_nothing(family: str) -> None:
    network = read(f"{family}#empty")
    assert not network.diagnostics
    assert network.name == "empty"
    assert network.parameters == read(family).parameters


def test_values_from_the_command_line_win(family: str) -> None:
    network = read(f"{family}#large", parameters={"width": "5"})
    assert (network.parameters["width"], network.parameters["size"]) == (5, 64)
    assert read(f"{family}#large", parameters={"width": 6}).parameters["wide"] == 12


def test_an_unknown_preset_is_refused_with_those_there_are(family: str) -> None:
    network = read(f"{family}#lrge")
    found = only(network)
    assert (found.code, found.message) == ("CC101", "there is no preset `lrge`")
    assert found.help == "did you mean `large`? the presets are small, large, image, empty"
    assert (found.path, found.line, found.source_line) == (family, 6, "presets:")
    assert not network.layers


def test_a_spec_without_presets_says_so(tmp_path: Path) -> None:
    path = tmp_path / "plain.yaml"
    path.write_text("input: 8x8x3\nlayers: [relu]\n")
    found = only(read(f"{path}#small"))
    assert found.code == "CC101"
    assert found.help == "the spec has no presets"


def test_a_file_of_that_very_name_wins(family: str, tmp_path: Path) -> None:
    path = tmp_path / "family.yaml#small"
    path.write_text("name: Odd\ninput: 8x8x3\nlayers: [relu]\n")
    network = read(str(path))
    assert (network.name, network.path) == ("Odd", str(path))


def test_a_preset_that_sets_no_parameter_is_found_in_every_reading() -> None:
    text = FAMILY.replace("{width: 8,", "{widht: 8,")
    for found in (only(read_text(text)), only(read_text(text, "large"))):
        assert found.code == "CC109"
        assert found.message == "preset `small` sets `widht`, which is no parameter of the spec"
        assert found.help == "did you mean `width`?"
        assert found.span == (7, 11, 7, 16)


def read_text(text: str, preset: str = "") -> Network:
    from convcalc.graph import read_text as read_member
    from convcalc.spec.text import SourceText

    return read_member(SourceText("family.yaml", text), preset=preset)


def test_a_value_is_checked_where_it_stands() -> None:
    found = only(read_text(FAMILY.replace("width: 4*16", "width: 4*wdth"), "large"))
    assert (found.code, found.line) == ("CC111", 8)
    assert not read_text(FAMILY.replace("width: 4*16", "width: 4*wdth"), "small").diagnostics


@pytest.mark.parametrize(
    ("presets", "message"),
    [
        ("presets: [small]", "CC107 presets is a mapping, and this is a list"),
        ("presets: {small: [8]}", "CC107 preset `small` is a mapping, and this is a list"),
        ("presets: {small: 8}", "CC107 preset `small` is a mapping, and this is `8`"),
        ("presets: {1st: {}}", "CC117 `1st` is no name"),
        ("presets: {small: {expect: {macs: x}}}", None),
    ],
)
def test_presets_are_mappings(presets: str, message: str | None) -> None:
    network = read_text(f"input: 8x8x3\n{presets}\nlayers: [relu]\n")
    assert findings(network) == ([message] if message else [])


def test_a_required_parameter_may_be_left_to_the_presets() -> None:
    text = "input: 8x8x3\nparameters: {width: }\npresets: {small: {width: 4}}\nlayers: [relu]\n"
    assert not read_text(text, "small").diagnostics
    assert only(read_text(text)).help == (
        "give it a default, or run with --set width=… or one of the presets"
    )


@pytest.mark.parametrize("year", ["MCMXCIX", "2015.5", "0", "20150", "[2015]"])
def test_a_year_is_a_whole_number(year: str) -> None:
    network = read_text(f"year: {year}\ninput: 8x8x3\nlayers: [relu]\n")
    assert only(network).field == "year"
    assert network.year is None


def test_a_year_is_kept() -> None:
    assert loads("year: 1998\ninput: 8x8x3\nlayers: [relu]\n").year == 1998
    assert loads("input: 8x8x3\nlayers: [relu]\n").year is None


def test_an_expression_in_quotes_is_answered() -> None:
    text = (
        "input: 8x8x3\nparameters: {alpha: 0.5}\nblocks:\n  wide:\n    parameters: {filters}\n"
        "    layers: [conv: {filters: filters, kernel: 1}]\nlayers:\n"
        '  - wide: {filters: "divisible(32*alpha, 8)"}\n'
    )
    found = only(read_text(text))
    assert found.message == "filters takes a whole number, and is text, 'divisible(32*alpha, 8)'"
    assert found.help is not None
    assert "on a line of its own" in found.help
    lines = "\n      filters: divisible(32*alpha, 8)\n"
    assert not read_text(text.replace('{filters: "divisible(32*alpha, 8)"}', lines)).diagnostics


# ------------------------------------------------------------------------------- bundled


@tabled(
    ("spec", "file", "preset"),
    [
        ("vgg16", "vgg16.yaml", ""),
        ("vgg16.yaml", "vgg16.yaml", ""),
        ("resnet50", "resnet.yaml", "resnet50"),
        ("resnet50.yaml", "resnet.yaml", "resnet50"),
        ("resnet", "resnet.yaml", ""),
        ("resnet.yaml#resnet50", "resnet.yaml", "resnet50"),
        ("resnet#resnet51", "resnet.yaml", "resnet51"),
        ("mobilenet_v1", "mobilenet_v1.yaml", "mobilenet_v1"),
    ],
)
def test_a_bundled_name_is_a_file_or_a_member(spec: str, file: str, preset: str) -> None:
    found = find_bundled(spec)
    assert found is not None
    assert (Path(found.path).name, found.preset) == (file, preset)


@pytest.mark.parametrize(
    "spec", ["resnet51", "", "../vgg16", "resnet50#resnet50", "#", "a b", "vgg16#x y"]
)
def test_other_names_are_not_found(spec: str) -> None:
    assert find_bundled(spec) is None


def test_families_are_listed_by_their_members() -> None:
    networks, names = bundled_architectures(), bundled_names()
    assert "resnet" in names
    assert "resnet" not in networks
    assert {"resnet50", "vgg16", "efficientnet_b3"} <= set(networks) <= set(names)
    assert networks == sorted(networks)


def test_bundled_members_by_name() -> None:
    network = read("efficientnet_b3")
    assert (network.name, network.path) == ("EfficientNet-B3", "efficientnet_b3")
    found = only(read("resnet.yaml#resnet51"))
    assert found.message == "there is no preset `resnet51`"
    assert only(read("resnet51")).help is not None
