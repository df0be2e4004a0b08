"""The bundled architectures against the figures of others, in total and layer by layer."""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from math import prod
from pathlib import Path
from typing import NamedTuple

import pytest
from paths import DATA
from tabled import tabled

from convcalc.analysis import LayerReport, Report, Totals, analyze
from convcalc.graph import Network, as_written, read
from convcalc.shape import Shape
from convcalc.spec.bundled import (
    bundled_architectures,
    bundled_folder,
    bundled_names,
    find_bundled,
)
from convcalc.spec.promises import Promise, Quantity
from convcalc.spec.text import SourceText

ZOO = bundled_architectures()
FAMILIES = sorted(path.stem for path in Path(bundled_folder()).glob("*.yaml"))

OLDER_BLOCKS = {"xception"}
"""Networks with a block that is called like a younger kind, which `check` is told to keep still
about."""
DROPS_ROWS = {"squeezenet1_0", "squeezenet1_1", "squeezenet", "two_stream"}
"""Their first convolution does not reach the last row of 224, and convcalc rightly says so."""


class Row(NamedTuple):
    """A leaf module of a PyTorch model, in the order they ran."""

    name: str
    type: str
    output: tuple[int, ...]
    """Without the batch, in PyTorch's order of axes."""
    parameters: int
    buffers: int


class Golden(NamedTuple):
    """A model as torchvision builds it, measured on PyTorch's meta device."""

    input: str
    parameters: int
    buffers: int
    macs: int
    rows: tuple[Row, ...]
    outputs: dict[str, tuple[int, ...]]
    """By name, of networks with several, without the batch."""


@cache
def golden() -> dict[str, Golden]:
    content = json.loads((DATA / "torchvision.json").read_text())
    return {
        name: Golden(
            found["input"],
            found["parameters"],
            found["buffers"],
            found["macs"],
            tuple(
                Row(row[0], found["types"][row[1]], tuple(row[2]), row[3], row[4])
                for row in found["layers"]
            ),
            {end: tuple(axes) for end, axes in found.get("outputs", {}).items()},
        )
        for name, found in content.items()
    }


@cache
def network(name: str) -> Network:
    return read(name)


@cache
def report(name: str) -> Report:
    return analyze(network(name))


# ------------------------------------------------------------------------ layer by layer

KINDS = {
    "Conv2d": ("conv", "depthwise_conv"),
    "Conv3d": ("conv",),
    "Conv3DSimple": ("conv",),
    "Linear": ("linear", "conv"),  # a linear layer at each position is a 1×1 convolution
    "BatchNorm2d": ("batchnorm",),
    "BatchNorm3d": ("batchnorm",),
    "MultiheadAttention": ("attention",),
    "RelativePositionalMultiHeadAttention": ("attention",),
    "ShiftedWindowAttention": ("attention",),
    "LayerNorm": ("layernorm",),
    "LayerNorm2d": ("layernorm",),
    "ReLU": ("relu",),
    "ReLU6": ("relu6",),
    "SiLU": ("silu",),
    "GELU": ("gelu",),
    "Sigmoid": ("sigmoid",),
    "Tanh": ("tanh",),
    "Hardsigmoid": ("hardsigmoid",),
    "Hardswish": ("hardswish",),
    "MaxPool2d": ("maxpool",),
    "MaxPool3d": ("maxpool",),
    "AvgPool2d": ("avgpool",),
    "AvgPool3d": ("avgpool",),
    "AdaptiveAvgPool2d": ("adaptive_avgpool", "global_avgpool"),
    "AdaptiveAvgPool3d": ("global_avgpool",),
    "Dropout": ("dropout",),
    "Flatten": ("flatten",),
}
"""The kinds of layer that a type of module may be."""

BATCH_NORMS = frozenset({"BatchNorm2d", "BatchNorm3d"})

NO_MODULES = frozenset(
    {"flatten", "add", "multiply", "concat", "slice", "channel_shuffle", "scale", "learned"}
)
"""Kinds that are no modules in torchvision; ConvNeXt's layer scale is a bare parameter there, and
so are ViT's class token and positions."""

FUNCTIONAL = {
    "deeplabv3_resnet50": ("upsample",),
    "densenet121": ("relu", "global_avgpool"),  # the last two
    "googlenet": ("relu",),
    "inception_v3": ("relu", "maxpool", "avgpool"),
    "mnasnet1_0": ("global_avgpool",),
    "mobilenet_v2": ("global_avgpool",),
    "retinanet_resnet50_fpn": ("upsample", "relu"),
    "s3d": ("global_avgpool",),
    "shufflenet_v2_x1_0": ("global_avgpool",),
    "ssd300_vgg16": ("l2norm",),
    "swin_t": ("pad", "space_to_depth"),
}
"""Further kinds that a network of torchvision calls as functions, somewhere at least."""


NO_LAYERS = frozenset(
    {"Identity", "Permute", "StochasticDepth", "SwapAxes", "WindowDepartition", "WindowPartition"}
)
"""Modules that no layer stands for: some prepare PyTorch's memory for a linear layer at each
position, or put a map in the order of windows and back; others drop branches in training only."""

OUR_NAMES = {
    "alexnet": "alexnet_torchvision",
    "retinanet_resnet50_fpn": "retinanet",
    "ssd300_vgg16": "ssd300",
}
"""Where the paper's network has the name, or the name says more than there is to tell apart."""

OUTPUT_NAMES = {"retinanet_resnet50_fpn": ".on_", "ssd300_vgg16": ".on_map"}
"""What stands here between the name of a head and that of its map, which are one output's there."""


def modules(name: str, rows: Sequence[Row]) -> list[Row]:
    """The modules of a network that a layer must stand for.

    VGG's pooling to 7×7 of 7×7 maps stands for other image sizes than the paper's, and dropouts of
    transformers drop nothing. A module that runs again has its weights already.
    """
    dropping = dict.fromkeys(("vit", "swi", "max"), "Dropout")
    own = {"vgg": "AdaptiveAvgPool2d", **dropping}.get(name[:3])
    without = NO_LAYERS if own is None else {*NO_LAYERS, own}
    needed: list[Row] = []
    names: set[str] = set()
    for row in rows:
        if row.type not in without:
            needed.append(row._replace(parameters=0, buffers=0) if row.name in names else row)
        names.add(row.name)
    return needed


def same(row: Row, layer: LayerReport) -> bool:
    """Whether a layer is the module: kind, output, parameters and running statistics."""
    if layer.kind not in KINDS[row.type] or layer.output is None:
        return False
    last = layer.output
    shapes = [last.axes]
    if row.type in ("Linear", "LayerNorm", "GELU") or "Attention" in row.type:
        shapes.append((*last.spatial, last.channels))
    output = row.output
    if "_attention." in row.name:  # in the order of windows, which are the map's positions
        output = (prod(output[:-1]), output[-1])
        shapes.append((prod(last.spatial), last.channels))
    tracked = 1 if row.type in BATCH_NORMS else 0  # num_batches_tracked
    return (
        output in shapes
        and layer.parameters == row.parameters
        and layer.buffers == row.buffers - tracked
    )


def mismatch(
    rows: Sequence[Row], layers: Sequence[LayerReport], functional: Sequence[str] = ()
) -> str | None:
    """Where the sequence of layers departs from the modules'; None when it doesn't.

    Every module that does something is a layer, in order, and every other layer is of a kind that
    may stand without a module; a layer with parameters may not, but for `scale`.
    """
    remaining: Iterator[LayerReport] = iter(layers)
    for row in rows:
        for layer in remaining:
            if same(row, layer):
                break
            if layer.kind not in NO_MODULES and layer.kind not in functional:
                return f"{row} is {layer.name}: {layer.kind} {layer.output} {layer.parameters}"
        else:
            return f"{row} is no layer"
    for layer in remaining:
        if layer.kind not in NO_MODULES and layer.kind not in functional:
            return f"{layer.name} is no module"
    return None


@tabled("name", sorted(golden()))
def test_sequence_of_layers_is_torchvisions(name: str) -> None:
    layers = report(OUR_NAMES.get(name, name)).layers
    rows = modules(name, golden()[name].rows)
    assert mismatch(rows, layers, FUNCTIONAL.get(name, ())) is None


@tabled("name", sorted(name for name, wanted in golden().items() if wanted.outputs))
def test_outputs_are_torchvisions(name: str) -> None:
    """In number and order, too; the name of an output that is alone is of the framework."""
    between = OUTPUT_NAMES.get(name, "")
    ends = report(OUR_NAMES.get(name, name)).outputs
    wanted = {end.replace("/", between): axes for end, axes in golden()[name].outputs.items()}
    assert [end.shape.axes for end in ends if end.shape] == [*wanted.values()]
    assert len(ends) == 1 or [end.name for end in ends] == [*wanted]


@tabled("name", sorted(golden()))
def test_totals_are_torchvisions(name: str) -> None:
    wanted, found = golden()[name], report(OUR_NAMES.get(name, name))
    norms = sum(row.type in BATCH_NORMS for row in wanted.rows)
    assert str(found.input).replace("×", "x") == wanted.input
    assert found.totals.parameters == wanted.parameters
    assert found.totals.buffers == wanted.buffers - norms
    assert found.totals.macs == wanted.macs
    assert sum(layer.parameters or 0 for layer in found.layers) == wanted.parameters


@tabled(("size", "macs"), [(128, 2_204_572_800), (200, 4_089_283_584), (256, 7_345_441_536)])
def test_windows_are_torchvisions_at_other_sizes(size: int, macs: int) -> None:
    """Counted by FlopCounterMode: zeros fill odd maps and windows, and are multiplied, too."""
    assert analyze(read("swin_t", input=Shape(3, (size, size)))).totals.macs == macs


@tabled(
    ("name", "patches", "width", "depth"),
    [("vit_b_16", 196, 768, 12), ("vit_b_32", 49, 768, 12), ("vit_l_16", 196, 1024, 24)],
)
def test_multiplications_of_vision_transformers(
    name: str, patches: int, width: int, depth: int
) -> None:
    """Patches of so many values, four projections and two products a layer, and its two linear."""
    values, tokens = 224 * 224 * 3 // patches, patches + 1
    layer = 4 * tokens * width**2 + 2 * tokens**2 * width + 2 * tokens * width * 4 * width
    macs = patches * values * width + depth * layer + width * 1000
    assert report(name).totals.macs == macs


def test_a_changed_network_is_noticed() -> None:
    """The matching above sees a missing, an additional, a moved and a different layer."""
    rows = golden()["resnet18"].rows
    layers = list(report("resnet18").layers)
    assert mismatch(rows, layers) is None
    for index, layer in enumerate(layers):
        if layer.kind in NO_MODULES:
            continue
        assert mismatch(rows, layers[:index] + layers[index + 1 :]) is not None
        assert mismatch(rows, [*layers[: index + 1], layer, *layers[index + 1 :]]) is not None
        wider = layer._replace(output=Shape(7, (7, 7)))
        assert mismatch(rows, [*layers[:index], wider, *layers[index + 1 :]]) is not None
        heavier = layer._replace(parameters=(layer.parameters or 0) + 1)
        assert mismatch(rows, [*layers[:index], heavier, *layers[index + 1 :]]) is not None


# ------------------------------------------------------------------------------- totals


class Total(NamedTuple):
    """What somebody else counts."""

    name: str
    parameters: int
    macs: int | None
    source: str


PYRAMID = sum(256 * (channels + 1) for channels in (256, 512, 1024, 2048)) + 4 * 256 * (9 * 256 + 1)
"""By hand: a 1×1 convolution to 256 channels for each of four maps, and four 3×3 ones behind."""
SIAMESE = (
    64 * (10 * 10 + 1)
    + 128 * (7 * 7 * 64 + 1)
    + 128 * (4 * 4 * 128 + 1)
    + 256 * (4 * 4 * 128 + 1)
    + 4096 * (6 * 6 * 256 + 1)  # 105, 96, 48, 42, 21, 18, 9, 6
    + 4096
    + 1
)
"""By hand: one tower, and what weighs the distance."""
BOTH_STREAMS = (
    256 * (5 * 5 * 96 + 1)
    + 512 * (3 * 3 * 256 + 1)
    + 2 * 512 * (3 * 3 * 512 + 1)
    + 4096 * (6 * 6 * 512 + 1)  # 224, 109, 54, 26, 13, 6
    + 2048 * (4096 + 1)
    + 101 * (2048 + 1)
)
SPATIAL = 96 * (7 * 7 * 3 + 1) + BOTH_STREAMS
TEMPORAL = 96 * (7 * 7 * 2 * 10 + 1) + BOTH_STREAMS
"""By hand: streams that differ in what their first convolution reads, an image or ten frames of
flow."""
KERAS = "Keras 3.15, keras.applications, weights that train"
SEGMENTATION = (
    "torchvision 0.27 without the auxiliary head; its documentation publishes 42,004,074 and "
    "60,996,202 parameters with that head, 1024·256·9 + 2·256 + 256·21 + 21 = 2,365,205"
)
TIMM = "timm 1.0.31 on PyTorch's meta device, FlopCounterMode"
ENCODER = 14_710_464 + 3 * 4_224  # 3·3·(3·64 + 64·64 + …) weights; biases and norms of 4,224
DECODER = 14_708_736 + 3 * 3_712  # mirrored, up to its last convolution
SEGNET = ENCODER + DECODER + 64 * 9 * 11 + 11
RES2NET = "the authors' res2net.py, on PyTorch's meta device"
OFA = "the authors' once-for-all, OFAProxylessNASNets, counted by FlopCounterMode"
PUBLISHED = [
    Total("alexnet", 60_965_224, 724_406_816, "Caffe, bvlc_alexnet; layer by layer in its file"),
    Total("c3d", 79_991_015, None, "the authors' Caffe definition in Keras, C3D_Sport1M_keras"),
    Total("darknet53", 41_609_928, 9_285_115_904, TIMM),
    Total("dcgan_discriminator", 2_765_568, None, "PyTorch examples, dcgan"),
    Total("dcgan_generator", 3_576_704, None, "PyTorch examples, dcgan"),
    Total("deeplabv3_resnet50", 39_638_869, 168_731_205_888, SEGMENTATION),
    Total("deeplabv3_resnet101", 58_630_997, None, SEGMENTATION),
    Total("densenet121", 7_978_856, None, KERAS),
    Total("efficientnet_b0", 5_288_548, None, KERAS),
    Total("googlenet_caffe", 6_998_552, 1_582_671_872, "Caffe, bvlc_googlenet"),
    Total("inception_resnet_v2", 55_843_464, 13_155_794_016, TIMM),
    Total("inception_v4", 42_679_816, 12_253_974_624, TIMM),
    Total(
        "lraspp_mobilenet_v3_large", 3_221_538, None, SEGMENTATION + "; its 2.09 GFLOPs are MACs"
    ),
    Total("mobilenet_v1", 4_231_976, 568_740_352, KERAS + "; the paper's 569 million MACs"),
    Total("mobilenet_v1_0_75", 2_585_560, None, KERAS + "; the paper's 325 million MACs"),
    Total("mobilenet_v1_0_5", 1_331_592, None, KERAS + "; the paper's 149 million MACs"),
    Total("mobilenet_v1_0_25", 470_072, None, KERAS + "; the paper's 41 million MACs"),
    Total("mobilenet_v2", 3_504_872, None, KERAS),
    Total("ofa_proxyless_max", 7_942_056, 1_004_908_032, OFA),
    Total("ofa_proxyless_min", 3_718_832, 265_526_256, OFA),
    Total("res2net50", 25_699_120, 4_255_166_464, RES2NET),
    Total("res2net50_48w_2s", 25_287_304, 4_159_832_064, RES2NET),
    Total("res2net50_14w_8s", 25_059_816, 4_178_898_944, RES2NET),
    Total("res2net50_26w_6s", 37_051_448, 6_295_523_328, RES2NET),
    Total("res2net50_26w_8s", 48_403_776, 8_335_880_192, RES2NET),
    Total("res2net101", 45_206_688, 8_066_974_464, RES2NET),
    Total("se_resnet50", 28_088_024, 3_860_488_192, TIMM + ", legacy_seresnet50"),
    Total("se_resnet101", 49_326_872, 7_574_937_600, TIMM + ", legacy_seresnet101"),
    Total("se_resnet152", 66_821_848, 11_288_993_792, TIMM + ", legacy_seresnet152"),
    Total("vgg19", 143_667_240, None, KERAS),
    Total("ssdlite320", 3_440_060, None, "torchvision 0.27, ssdlite320_mobilenet_v3_large"),
    Total("xception", 22_855_952, 8_357_403_496, TIMM + ", legacy_xception; " + KERAS),
    # Summed up from the papers' own tables; the sums stand in the files.
    Total("all_cnn_c", 1_369_738, None, "arXiv:1412.6806, table 1"),
    Total("cifar_convnetjs", 22_466, None, "the demonstration's own definition"),
    Total("cifar_cs231n", 31_066, None, "CS231n notes, overview"),
    Total("cifar_tiny_vgg", 6_440, None, "CS231n notes, figure in the overview"),
    Total("lenet5", 61_706, 416_520, "the form described in its file"),
    Total("nin", 966_986, None, "arXiv:1312.4400, 0.97 million"),
    Total("nin_imagenet", 7_595_176, None, "the authors' Caffe definition"),
    Total("sentence_cnn", 360_902, None, "arXiv:1408.5882, section 3.1"),
    Total(  # by hand: a filter of each map over each row of word vectors, and a bias a folded row
        "dcnn",
        6 * 48 * 7 + 6 * 24 + 14 * 6 * 24 * 5 + 14 * 12 + 2 * (14 * 12 * 4 + 1),
        None,
        "arXiv:1404.2188, sections 3 and 5.2, which give no number",
    ),
    Total("segnet", SEGNET, None, "by hand; arXiv:1511.00561 says 14.7 million of the encoder"),
    Total("crnn", 8_330_789, None, "arXiv:1507.05717, 8.3 million"),
    Total("tdnn", 515, None, "doi:10.1109/29.21701, section II"),
    Total("fpn", 23_508_032 + PYRAMID, None, "ResNet-50 up to its last map; arXiv:1612.03144"),
    Total("siamese", SIAMESE, None, "Koch, Zemel and Salakhutdinov 2015, figure 4"),
    Total("two_stream", SPATIAL + TEMPORAL, None, "arXiv:1406.2199, figure 1"),
    Total("yolov3", 62_001_757 - 52_608, None, "numbers in yolov3.weights, less the statistics"),
    Total("zfnet", 62_357_608, None, "arXiv:1311.2901, figure 3"),
]


@tabled("wanted", PUBLISHED, ids=lambda total: total.name)
def test_totals_are_the_published_ones(wanted: Total) -> None:
    totals = report(wanted.name).totals
    assert totals.parameters == wanted.parameters, wanted.source
    assert wanted.macs is None or totals.macs == wanted.macs, wanted.source


TORCHVISION: dict[str, tuple[str, int, int, int]] = json.loads(
    (DATA / "torchvision_totals.json").read_text()
)
"""Input, parameters, running statistics and MACs of all of torchvision 0.28's convolutional
classifiers of images and of videos, and of 0.27's with windows, measured as the golden ones were;
its documentation has the same parameters and GFLOPs (and those of Inception v3's auxiliary
classifier)."""


@tabled("name", sorted(TORCHVISION))
def test_every_member_has_torchvisions_totals(name: str) -> None:
    found = report(OUR_NAMES.get(name, name))
    shape = str(found.input).replace("×", "x")
    totals = found.totals
    counts = (totals.parameters, totals.buffers, totals.macs)
    assert (shape, *counts) == tuple(TORCHVISION[name])


def test_every_network_has_a_figure_from_outside() -> None:
    """But for those whose files say that there is none, every network is held against others."""
    from_torch = {"fcn32s", "fcn16s", "fcn8s", "idcnn", "unet", "wavenet", "resnet50_v1"}
    from_torch |= {"resnet101_v1", "resnet152_v1"}
    known = {OUR_NAMES.get(name, name) for name in TORCHVISION} | from_torch
    known |= {total.name for total in PUBLISHED} | {OUR_NAMES.get(name, name) for name in golden()}
    assert known >= set(ZOO)
    assert set(ZOO) >= known


# ------------------------------------------------------------------------ receptive fields

DISTILL = {
    "alexnet": (195, 32, 64),
    "vgg16": (212, 32, 90),
    "resnet50_v1": (483, 32, 239),
    "resnet101_v1": (1027, 32, 511),
    "resnet152_v1": (1507, 32, 751),
    "mobilenet_v1": (315, 32, 126),
    "inception_v3": (1311, 32, 618),
}
"""Receptive field, effective stride and padding of the last map: Araujo, Norris and Sim, Distill
2019. Its ResNets stride as the paper's v1 do."""

STRIDE_IN_3X3 = {"resnet50": (427, 32, 213), "resnext50_32x4d": (427, 32, 213)}
"""Where the 3×3 convolutions stride, as in torchvision, they reach less far from there on."""


def last_map(name: str) -> LayerReport:
    maps = [
        layer
        for layer in report(name).layers
        if layer.output and max(layer.output.axes[1:] or (1,)) > 1
    ]
    return maps[-1]


@pytest.mark.parametrize(("name", "wanted"), [*DISTILL.items(), *STRIDE_IN_3X3.items()])
def test_receptive_fields_are_the_published_ones(name: str, wanted: tuple[int, int, int]) -> None:
    layer = last_map(name)
    fields = layer.receptive_field
    assert fields is not None
    assert [(field.size, field.jump, field.padding) for field in fields] == [wanted] * 2
    assert layer.aligned


def test_a_block_applied_again_and_again_sees_further() -> None:
    layer = report("idcnn").layers[-1]
    assert layer.receptive_field is not None
    assert layer.receptive_field[0].size == 35
    assert sum(layer.shared_with is not None for layer in report("idcnn").layers) == 9


def test_a_wavenet_hears_the_past_only() -> None:
    fields = report("wavenet").layers[-1].receptive_field
    assert fields is not None
    assert fields[0].size == 1 + 1 + 3 * 1023
    assert fields[0].padding == fields[0].size - 1


# -------------------------------------------------------------------------------- the files


def kept(promise: Promise, found: Report) -> bool:
    """Whether an expectation of a file holds."""
    if promise.name == "outputs":
        return {end.name: end.shape for end in found.outputs}[str(promise.layer)] == promise.wanted
    if promise.name == "output":
        layers = [
            layer.output
            for layer in found.layers
            if promise.layer and f"{layer.name}.".startswith(f"{promise.layer}.")
        ]
        return (layers[-1] if promise.layer else found.output) == promise.wanted
    if promise.name == "receptive_field":
        fields = [layer.receptive_field for layer in found.layers if layer.receptive_field][-1]
        return all(field.size == promise.wanted for field in fields)
    assert isinstance(promise.wanted, Quantity)
    return promise.wanted.holds(getattr(found.totals, promise.name))


@tabled("name", sorted({*ZOO, *FAMILIES}))
def test_what_a_file_expects_holds(name: str) -> None:
    found = network(name)
    known = {"CC306"} if name in DROPS_ROWS else {"CC117"} if name in OLDER_BLOCKS else set()
    assert {warning.code for warning in found.diagnostics} <= known, found.diagnostics
    broken = [promise for promise in found.promises.expect if not kept(promise, report(name))]
    assert not broken


@tabled("name", ZOO)
def test_a_network_says_what_it_is(name: str) -> None:
    found = network(name)
    assert found.name
    assert found.name != name
    assert found.reference
    assert found.reference.startswith("https://")
    assert found.year
    assert 1989 <= found.year <= 2026
    promised = {promise.name for promise in found.promises.expect}
    assert "parameters" in promised
    assert ("output" if len(found.outputs) == 1 else "outputs") in promised
    assert report(name).totals.complete


def test_names_are_told_apart() -> None:
    titles = [network(name).name for name in ZOO]
    assert len(set(titles)) == len(titles)


@tabled("name", FAMILIES)
def test_the_quick_look_for_presets_finds_them_all(name: str) -> None:
    text = SourceText(name, Path(bundled_folder(), f"{name}.yaml").read_text())
    spec = as_written(text).spec
    assert spec is not None
    members = list(spec.presets)
    for member in members:
        found = find_bundled(member)
        assert found is not None
        assert (Path(found.path).stem, found.preset) == (name, member)
    assert set(members or [name]) <= set(ZOO)
    assert {*members, name} <= set(bundled_names())
    # A family as it is written is one of the zoo's networks, too.
    assert (report(name).totals, network(name).name) in totals_and_names()


@cache
def totals_and_names() -> set[tuple[Totals, str]]:
    return {(report(name).totals, network(name).name) for name in ZOO}


OTHER_MEMBERS = [
    ("mobilenet_v2", {"alpha": "0.25"}, 1_519_112),
    ("mobilenet_v2", {"alpha": "0.35"}, 1_677_128),
    ("mobilenet_v2", {"alpha": "0.5"}, 1_968_680),
    ("mobilenet_v2", {"alpha": "0.75"}, 2_636_424),
    ("mobilenet_v2", {"alpha": "1.4"}, 6_108_776),
    ("mobilenet_v3_large", {"alpha": "0.35"}, 997_064),
    ("mobilenet_v3_small", {"alpha": "0.35"}, 558_744),
    ("mobilenet_v3_large", {"alpha": "0.5"}, 1_734_576),
    ("mobilenet_v3_small", {"alpha": "0.5"}, 917_264),
    ("mobilenet_v3_large", {"alpha": "0.75"}, 3_377_576),
    ("mobilenet_v3_small", {"alpha": "0.75"}, 1_653_920),
    ("mobilenet_v3_large", {"alpha": "1.25"}, 8_164_744),
    ("mobilenet_v3_small", {"alpha": "1.25"}, 3_644_912),
    ("mobilenet_v3_large", {"alpha": "1.4"}, 9_989_328),
    ("mobilenet_v3_small", {"alpha": "1.4"}, 4_373_824),
    ("mnasnet", {"alpha": "0.35"}, 1_788_232),
    ("mnasnet", {"alpha": "0.6"}, 2_505_112),
    ("mnasnet", {"alpha": "1.1"}, 4_898_400),
    ("mnasnet", {"alpha": "1.4"}, 7_115_728),
    ("efficientnet", {"width": "0.9", "depth": "1.3"}, 7_108_040),
    ("efficientnet", {"width": "2.2", "depth": "3.6"}, 87_413_142),
    ("densenet", {"growth": "24", "layers1": "3"}, 4_446_748),
]
"""Members without a name, and the parameters that torchvision's classes give them."""


@tabled(("name", "parameters", "wanted"), OTHER_MEMBERS)
def test_parameters_make_other_members(name: str, parameters: dict[str, str], wanted: int) -> None:
    found = read(name, parameters=parameters)
    assert not found.diagnostics
    assert analyze(found).totals.parameters == wanted


def test_classes_and_resolution_are_parameters() -> None:
    ten = analyze(read("efficientnet_b3", parameters={"classes": 10})).totals
    assert ten.parameters == 12_233_232 - 990 * 1537
    assert str(read("efficientnet_b3").input) == "300×300×3"
    assert str(read("efficientnet_b3", parameters={"resolution": 224}).input) == "224×224×3"


def test_any_input_that_fits_will_do() -> None:
    large = analyze(read("resnet50", input=Shape(3, (384, 384))))
    assert large.totals.parameters == 25_557_032
    assert large.layer("conv5_x.bottleneck_block3.relu3").output == Shape(2048, (12, 12))
