"""The figures of layers: every printed formula, worked out again from both of its sides.

What they must come to is what `analyze` and `memory` say, and what was worked out by hand.
"""

import json
from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

import pytest
from formulas import worked_out
from kinds import CASES, Case
from tabled import tabled

import convcalc
from convcalc import Network, analyze, load, loads, memory
from convcalc.analysis.memory import untrained
from convcalc.explanation.counts import SHARING, why_no_macs
from convcalc.explanation.matrices import SEVERAL
from convcalc.layers import CATALOGUE, kinds
from convcalc.layers.letters import AXES
from convcalc.layers.linear import Linear
from convcalc.layers.locally_connected import LocallyConnected
from convcalc.layers.sliding import AXIS_NAMES
from convcalc.shape import Shape

OTHER = {True: "channels", False: "values"}
"""What the extent is called that is no spatial one: of a map, and of a vector."""

MERGED = {
    "add 4x4x8 4x4x8 4x4x8 → 4x4x8": "{input: 4x4x8, layers: [relu, add: [[], [relu], [tanh]]]}",
    "add 1x1x8 4x4x1 4x4x8 → 4x4x8": (
        "{input: 4x4x8, layers: [relu, "
        "add: [[global_avgpool], [conv: {filters: 1, kernel: 1}], []]]}"
    ),
    "multiply 7x7x32 1x1x32 → 7x7x32": (
        "{input: 7x7x32, layers: [relu, multiply: [[], [global_avgpool]]]}"
    ),
    "concat 7x7x32 7x7x1 7x7x5 → 7x7x38": (
        "{input: 7x7x32, layers: [relu, concat: [[], [conv: {filters: 1, kernel: 1}], "
        "[conv: {filters: 5, kernel: 1}]]]}"
    ),
    "subtract 7x7x8 7x7x8 → 7x7x8": "{input: 7x7x8, layers: [relu, subtract: [[], [tanh]]]}",
    "subtract 1x1x8 4x4x1 → 4x4x8": (
        "{input: 4x4x8, layers: [relu, "
        "subtract: [[global_avgpool], [conv: {filters: 1, kernel: 1}]]]}"
    ),
    "divide 7x7x8 7x7x8 → 7x7x8": (
        "{input: 7x7x8, layers: [scale, divide: [[], [scale, softplus]]]}"
    ),
    "divide 4x4x8 1x1x8 → 4x4x8": (
        "{input: 4x4x8, layers: [scale, divide: [[], [global_maxpool]]]}"
    ),
    "maximum 7x7x8 7x7x8 → 7x7x8": "{input: 7x7x8, layers: [scale, maximum: [[], [tanh]]]}",
    "maximum 10 10 1 → 10": ("{input: 10, layers: [scale, maximum: [[], [tanh], [linear: 1]]]}"),
    "maxunpool 2x2x3 4x4x3 → 4x4x3": (
        "{input: 4x4x3, layers: [scale, {name: p, maxpool: 2}, maxunpool: {indices: p}]}"
    ),
    "maxunpool 3x2 7x2 → 7x2": (
        "{input: 7x2, layers: [scale, {name: p, maxpool: {kernel: 2, rounding: floor}}, "
        "maxunpool: {indices: p}]}"
    ),
    "maxunpool 2x2x2 5x4x2 → 5x4x2": (
        "{input: 5x4x2, layers: [scale, {name: p, maxpool: {kernel: 3x2, padding: [1, 0], "
        "rounding: floor}}, maxunpool: {indices: p}]}"
    ),
    "maxunpool 3x2 5x2 → 5x2": (
        "{input: 5x2, layers: [scale, {name: p, maxpool: {kernel: 2, rounding: ceil}}, "
        "maxunpool: {indices: p}]}"
    ),
    "maxunpool 1x2x2x2 2x4x5x2 → 2x4x5x2": (
        "{input: 2x4x5x2, layers: [scale, {name: p, maxpool: {kernel: 2, rounding: floor}}, "
        "maxunpool: {indices: p}]}"
    ),
    "matmul 1024x3 3x3 → 1024x3": (
        "{input: 1024x3, layers: [scale, "
        "matmul: [[], [global_maxpool, flatten, linear: 9, reshape: 3x3]]]}"
    ),
    "matmul 5x4 4x7 → 5x7": (
        "{input: 5x4, layers: [scale, "
        "matmul: [[], [global_maxpool, flatten, linear: 28, reshape: 4x7]]]}"
    ),
    "attention 5x4 7x4 → 5x4": (
        "{input: {a: 5x4, b: 7x4}, layers: [attention: {heads: 2, branches: [[], [from: b]]}]}"
    ),
    "attention 5x4 3x2x6 → 5x4": (
        "{input: {a: 5x4, b: 3x2x6}, layers: [attention: {heads: 2, branches: [[], [from: b]]}]}"
    ),
    "attention 5x4 3x6 3x2 → 5x4": (
        "{input: {a: 5x4, b: 3x6, c: 3x2}, layers: ["
        "attention: {heads: 1, bias: false, branches: [[], [from: b], [from: c]]}]}"
    ),
    "concat 10 20 → 30": "{input: 10, layers: [relu, concat: [[], [linear: 20]]]}",
    "concat 5x4 3x4 1x4 → 9x4": (
        "{input: 5x4, layers: [scale, concat: {branches: [[], [conv: {filters: 4, kernel: 3}], "
        "[conv: {filters: 4, kernel: 5}]], axis: length}]}"
    ),
    "concat 3x5x4 2x5x4 → 5x5x4": (
        "{input: 3x5x4, layers: [scale, "
        "concat: {branches: [[], [conv: {filters: 4, kernel: 2x1}]], axis: height}]}"
    ),
    "concat 3x5x4 3x2x4 → 3x7x4": (
        "{input: 3x5x4, layers: [scale, "
        "concat: {branches: [[], [conv: {filters: 4, kernel: 1x4}]], axis: width}]}"
    ),
}
"""Row of several inputs → a network whose last layer it is."""


def network_of(case: Case) -> Network:
    """A network whose last layer is the row's, and in which something up to there learns."""
    if str(case) in MERGED:
        return loads(MERGED[str(case)])
    before = "" if case.kind in kinds(having="indices") else "  - scale\n"
    return loads(f"input: {case.inputs}\nlayers:\n{before}  - {case.item}\n")


def figures(layer: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every figure of a layer, those of its matrices and of what it keeps among them."""
    yield from layer["figures"]
    if layer["matrices"] is not None:
        yield layer["matrices"]["products"]
        for matrix in layer["matrices"]["matrices"]:
            yield from (matrix["rows"], matrix["columns"])
    if layer["kept"] is not None:
        yield from layer["kept"]["arrays"]


def value(layer: Mapping[str, Any], part: str, of: str) -> int:
    """A figure of a layer by its name."""
    (found,) = (each for each in layer["figures"] if (each["part"], each["of"]) == (part, of))
    number = found["value"]
    assert isinstance(number, int)
    return number


def bound(layer: Mapping[str, Any], report: convcalc.Report, axis: int) -> dict[str, int]:
    """What each letter of a layer's formulas stands for: its own, the output's, and others'."""
    letters: dict[str, int] = dict(layer["letters"])
    spatial = layer["output"]["spatial"]
    letters |= {f"{name}′": size for name, size in zip(AXES[len(spatial)], spatial, strict=True)}
    size = prod((layer["output"]["channels"], *spatial))
    letters |= {"values": size, "itemsize": 4, "batch": report.batch}
    known = {each.name: each.receptive_field for each in report.layers}
    for number, read in enumerate(layer["inputs"], len(layer["inputs"]) > 1):
        fields = known.get(read["name"], (convcalc.Field(),) * 3)
        if fields:
            letters[f"r_{number}"] = fields[axis].size
            letters[f"j_{number}"] = int(fields[axis].stride)
            letters[f"p_{number}"] = int(fields[axis].padding)
    return letters


def hold(network: Network, batch: int = 1) -> dict[str, Any]:
    """Hold what is said of all layers against the reports of the network."""
    page = convcalc.explain(network, batch=batch).page()
    data: dict[str, Any] = json.loads(page.to_json())
    report, trained = analyze(network, batch=batch), untrained(network) is None
    taken = memory(network, training=trained, batch=batch)
    for layer, row, bytes_of in zip(data["layers"], report.layers, taken.layers, strict=True):
        hold_formulas(layer, report)
        output = row.output
        assert output is not None
        names = AXIS_NAMES.get(output.rank, ())
        sizes = [value(layer, "output size", name) for name in names]
        assert (*sizes, value(layer, "output size", OTHER[bool(output.rank)])) == (
            *output.spatial,
            output.channels,
        )
        for of, counted in (("parameters", row.parameters), ("buffers", row.buffers)):
            figures = [each["value"] for each in layer["figures"] if each["of"] == of]
            assert sum(figures) == (counted if row.shared_with is None else sum(figures))
        assert batch * value(layer, "multiply-accumulates", "MACs") == row.macs
        assert value(layer, "activations", "values") == output.size
        hold_fields(layer, row)
        kept = layer["kept"]
        assert bool(kept["says"] and "is not known" in kept["says"][0]) == (not trained)
        assert (
            kept["added_bytes"]
            == bytes_of.kept
            == sum(each["added_bytes"] for each in kept["arrays"])
        )
        hold_matrices(layer, row, batch)
    return data


def hold_formulas(layer: Mapping[str, Any], report: convcalc.Report) -> None:
    """Both sides of each formula come to what stands behind it."""
    for figure in figures(layer):
        said = f"{layer['name']}: {figure['of']} {figure['formula']} = {figure['filled']}"
        name = figure["of"].partition(": ")[0]
        names = AXIS_NAMES.get(len(layer["output"]["spatial"]), ())
        letters = bound(layer, report, names.index(name) if ": " in figure["of"] else 0)
        if figure["filled"]:
            assert worked_out(figure["filled"]) == figure["value"], said
        if figure["formula"]:
            assert worked_out(figure["formula"], letters) == figure["value"], said


def hold_fields(layer: Mapping[str, Any], row: convcalc.LayerReport) -> None:
    """The receptive field is the one that `analyze` shows, along every axis."""
    said = [each["value"] for each in layer["figures"] if each["part"] == "receptive field"]
    wanted = [
        float(number)
        for field in row.receptive_field or ()
        for number in (field.size, field.stride, field.padding)
    ]
    assert (said * len(row.receptive_field or ()))[: len(wanted)] == pytest.approx(wanted)


def hold_matrices(layer: Mapping[str, Any], row: convcalc.LayerReport, batch: int) -> None:
    """The product multiplies as often as the layer does, and its factors fit each other."""
    several = row.kind in SEVERAL  # products, one behind the other
    assert (row.macs == 0 or several) == (layer["matrices"] is None)
    if layer["matrices"] is None:
        return
    products, matrices = layer["matrices"]["products"]["value"], layer["matrices"]["matrices"]
    first, second, made = ((each["rows"]["value"], each["columns"]["value"]) for each in matrices)
    assert first[1] == second[0]
    assert made == (first[0], second[1])
    assert batch * products * prod(first) * second[1] == row.macs
    for size, matrix in zip((first, second, made), matrices, strict=True):
        examples = 1 if matrix["of"] == "weights" else batch
        assert matrix["bytes"] == 4 * examples * products * prod(size)


@tabled("case", CASES, ids=str)
def test_every_kind_is_explained_and_its_formulas_come_to_what_they_say(case: Case) -> None:
    layer = hold(network_of(case), batch=2)["layers"][-1]

    assert layer["kind"] == case.kind
    assert layer["does"]
    assert value(layer, "multiply-accumulates", "MACs") == case.macs
    assert sum(each["value"] for each in layer["figures"] if each["of"] == "parameters") == (
        case.parameters
    )


def test_what_is_kept_of_many_branches_is_explained() -> None:
    for kind in ("multiply", "maximum", "add"):
        branches = "[[], [tanh], [scale], [softplus]]"
        hold(loads(f"{{input: 4x4x8, layers: [scale, {kind}: {branches}]}}"), batch=2)


@tabled("name", ["alexnet", "unet", "idcnn"])
def test_every_layer_of_bundled_networks_is_explained(name: str) -> None:
    hold(load(name))


def layer_of(text: str, name: str) -> dict[str, Any]:
    """What is said of a layer of a spec."""
    network = loads(text)
    (layer,) = json.loads(convcalc.explain(network, name).page().to_json())["layers"]
    return dict(layer)


def notes(layer: Mapping[str, Any], part: str) -> list[str]:
    return [each["note"] for each in layer["figures"] if each["part"] == part]


def test_the_first_layer_of_alexnet_is_that_of_the_notes() -> None:
    """290,400 neurons of 363 weights + 1: CS231n notes, "Parameter Sharing" and "im2col"."""
    (layer,) = convcalc.explain("alexnet", "conv1").page().data["layers"]

    assert value(layer, "activations", "values") == 290_400
    assert value(layer, "multiply-accumulates", "for each output value") == 363
    assert value(layer, "parameters", "weight") == 34_848
    assert value(layer, "parameters", "parameters") == 34_944
    assert value(layer, "parameters", "locally connected") == 105_705_600
    # Every one of the 290,400 outputs from all of 227·227·3 inputs, and its bias.
    assert value(layer, "parameters", "fully connected") == 290_400 * (154_587 + 1)
    matrices = {
        each["of"]: [each["rows"]["value"], each["columns"]["value"]]
        for each in layer["matrices"]["matrices"]
    }
    assert matrices == {"weights": [96, 363], "columns": [363, 3025], "product": [96, 3025]}


@tabled("case", [case for case in CASES if case.kind in SHARING], ids=str)
def test_what_it_would_learn_without_sharing_is_what_that_kind_learns(case: Case) -> None:
    """The kinds that are meant plan it; a locally connected layer has no groups."""
    layer, x, plan = case.layer, case.shapes[0], case.layer.plan(case.shapes)
    fields = {
        name: getattr(layer, name)
        for name in ("kernel", "stride", "padding", "dilation", "bias", "rounding")
    }
    local = LocallyConnected(filters=plan.output.channels, **fields).plan([x])
    full = Linear(features=plan.output.size, bias=fields["bias"]).plan([Shape(x.size)])
    said = hold(network_of(case))["layers"][-1]

    assert value(said, "parameters", "fully connected") == sum(each.size for each in full.weights)
    if plan.weights[0].shape[1] == x.channels:
        sizes = sum(each.size for each in local.weights)
        assert value(said, "parameters", "locally connected") == sizes


BORDERS = [
    ("8", "conv: {filters: 1, kernel: 3, stride: 2}", "the last 1 row of the input is never read"),
    (
        "8",
        "maxpool: {kernel: 3, stride: 2, rounding: ceil}",
        "the last window reads 1 row beyond the padded input",
    ),
    (
        "9",
        "maxpool: {kernel: 1, stride: 3, rounding: ceil}",
        "the last window would begin behind the input, and is dropped",
    ),
    ("8", "conv: {filters: 1, kernel: 4, padding: same}", "`same` pads 1 before and 2 behind"),
    (
        "8",
        "conv: {filters: 1, kernel: 3, stride: 2, padding: 1}",
        "the last step does not fit, which leaves padding over",
    ),
    (
        "8",
        "conv: {filters: 1, kernel: 1, stride: 2}",
        "the last step does not fit, which leaves what the stride skips over",
    ),
    ("8", "global_avgpool: {}", "one window over the whole axis"),
    ("8", "upsample: 1.5", "rounded down, from scale 1.5"),
    ("8", "conv: {filters: 1, kernel: 2, stride: 2}", ""),
]
"""Rows of a map, an item over it → what is said of them."""


@tabled(("size", "item", "said"), BORDERS)
def test_what_becomes_of_the_border_is_said(size: str, item: str, said: str) -> None:
    text = f"{{rounding: floor, input: {size}x{size}x3, layers: [{item}]}}"
    layer = convcalc.explain(loads(text)).page().data["layers"][0]

    assert notes(layer, "output size")[0] == said


def test_a_linear_layer_is_a_convolution_over_the_map_that_is_flattened() -> None:
    """102,764,544 as 4096 filters of 7×7 over 7×7×512; one on a vector is none."""
    first, second = convcalc.explain("vgg16", ["linear1", "linear2"]).page().data["layers"]

    assert value(first, "parameters", "as a convolution") == 102_764_544
    assert "4096 filters of 7×7 over the 7×7×512" in notes(first, "parameters")[-1]
    assert "as a convolution" not in [each["of"] for each in second["figures"]]


def test_shared_weights_are_said_to_be_another_layer_s() -> None:
    (layer,) = convcalc.explain("idcnn", "block2.conv1").page().data["layers"]

    assert layer["says"][0] == "The weights are those of block1.conv1, where they are counted."


def test_the_field_of_paths_is_their_union() -> None:
    """3×3 and 5×5 with padding: r − p is 2 and 3, so 3 + 2 values are seen."""
    layer = layer_of(
        "{input: 9x9x3, layers: [concat: [[conv: {filters: 1, kernel: 3, padding: 1}], "
        "[conv: {filters: 1, kernel: 5, padding: 2}]]]}",
        "concat1",
    )
    size = next(each for each in layer["figures"] if each["of"] == "size")

    assert size["formula"] == "max(r_1 − p_1, r_2 − p_2) + max(p_1, p_2)"
    assert size["filled"] == "max(3 − 1, 5 − 2) + max(1, 2)"
    assert size["value"] == 5


def test_what_is_kept_says_who_keeps_it_already() -> None:
    conv = "conv: {filters: 4, kernel: 1}"
    text = f"{{input: 8x8x3, layers: [{conv}, relu, {conv}]}}"
    (array,) = layer_of(text, "conv2")["kept"]["arrays"]

    assert (array["of"], array["bytes"], array["added_bytes"]) == ("input", 1024, 0)
    assert array["since"] == "relu1 keeps it, too"


def test_an_input_is_given_and_has_no_formula() -> None:
    (layer,) = convcalc.explain("vgg16", "input").to_dict()["layers"]

    assert [value(layer, "output size", of) for of in ("height", "width", "channels")] == [
        224,
        224,
        3,
    ]
    assert not any(figure["formula"] for figure in layer["figures"] if figure["of"] != "bytes")
    assert (layer["letters"], layer["kept"], layer["inputs"]) == ({}, None, [])


def test_kinds_without_arithmetic_say_why() -> None:
    reasons = {kind: why_no_macs(kind) for kind in CATALOGUE}

    assert reasons["concat"] == "it calculates nothing: branches are copied side by side"
    assert all(len(reason) > 20 for reason in reasons.values())


BROKEN = """input: 224x224x3
layers:
  - {conv: {filters: 96, kernel: 11, stride: 4}, name: first}
  - {relu, name: second}
"""


def test_a_layer_that_fails_is_explained_as_far_as_it_goes() -> None:
    network = convcalc.read(convcalc.parse(BROKEN))
    explanation = convcalc.explain(network, strict=False)
    first, second = explanation.layers

    assert [each.code for each in first.findings] == ["CC301"]
    assert first.letters["K"] == ("filters", 96)
    assert (first.output, second.groups) == (None, ())
    assert [figure[:4] for figure in first.groups[0].figures] == [
        (name, f"({letter} − F + 2·P)/S + 1", "(224 − 11 + 2·0)/4 + 1", 54.25)
        for name, letter in (("height", "H"), ("width", "W"))
    ]
    text = str(explanation)
    assert "error[CC301]: stride 4 does not tile the input" in text
    assert "Its figures are unknown: an error before it, in first, keeps them so." in text
    with pytest.raises(convcalc.SpecError, match="CC301"):
        convcalc.explain(network)


@tabled(
    ("item", "value"),
    [
        ("conv: {filters: 1, kernel: 9}", 0),  # (8 − 9 + 0)/1 + 1
        ("maxpool: {kernel: 12, stride: 2, rounding: floor}", -1),  # (8 − 12)/2 + 1
        ("conv: {filters: 3, kernel: 3, groups: 2}", None),
    ],
)
def test_a_size_that_fails_is_worked_out_where_it_can_be(item: str, value: int | None) -> None:
    network = convcalc.read(convcalc.parse(f"{{input: 8x8x3, layers: [{item}]}}"))
    (layer,) = convcalc.explain(network, strict=False).to_dict()["layers"]

    assert [figure["value"] for figure in layer["figures"]] == (
        [] if value is None else [value] * 2
    )
    assert layer["findings"]


def test_every_layer_that_is_built_of_a_wrong_item_has_the_finding() -> None:
    """Which is told once: 6 channels are no 4 groups, in both branches alike."""
    text = """{input: 8x8x6, blocks: {unit: {layers: [
        {conv: {filters: 6, kernel: 3, groups: 4}}]}},
        layers: [relu, add: [[unit], [unit]]]}"""
    explanation = convcalc.explain(convcalc.read(convcalc.parse(text)), "unit*", strict=False)

    assert [[each.code for each in layer.findings] for layer in explanation.layers] == [
        ["CC305", "CC305"]
    ] * 2


def test_what_leads_to_no_output_keeps_nothing() -> None:
    net = loads(
        "input: 8x8x3\nlayers: [{conv: {filters: 4, kernel: 3}, name: a}, tanh, batchnorm, "
        "{from: a, silu: {}}, flatten, linear: 3]"
    )
    for name in ("tanh1", "batchnorm1"):
        page = convcalc.explain(net, name)
        assert "Nothing: it leads to no output, so that no gradient comes back to it." in str(page)
    assert memory(net, batch=2, training=True).layer("batchnorm1").kept == 0
