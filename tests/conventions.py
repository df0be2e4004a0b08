"""Networks that other tools counted, as specs, and what they counted: tests/data/conventions.json.

Every row of that file is a network here, or a name with the reason why a spec cannot be one.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from paths import ROOT

import convcalc
from convcalc import Network

GOLDEN: dict[str, Any] = json.loads(
    (ROOT / "tests" / "data" / "conventions.json").read_text("utf-8")
)
"""What each tool said, by network and tool: totals of one and two examples, parameters, activations
(of fvcore) and MACs (of tools that say FLOPs), as far as they said them."""


class Written(NamedTuple):
    """A network that was counted, as a spec."""

    spec: str
    """The spec, or the name of a bundled one."""
    written: Mapping[str, str] = {}
    """How its layers were written, where not in the usual way."""
    mode: str = "eval"
    """The mode that the model was left in."""
    no_grad: bool = False
    """Whether it ran inside `torch.no_grad`."""
    input: str | None = None
    """Another input than the spec's."""

    @property
    def network(self) -> Network:
        """The network, read once."""
        return _network(self.spec, self.input)

    @property
    def conditions(self) -> dict[str, Any]:
        """What `convcalc.count` is told beside the network and the batch."""
        return {"written": self.written, "mode": self.mode, "no_grad": self.no_grad}


@cache
def _network(spec: str, size: str | None) -> Network:
    if spec.startswith("{"):
        return convcalc.loads(spec)
    if spec in ("vgg16", "vgg16_bn", "vgg11"):  # torchvision pools before it flattens
        family = (ROOT / "architectures" / "vgg.yaml").read_text("utf-8")
        family = family.replace("  - flatten\n", "  - adaptive_avgpool: 7x7\n  - flatten\n")
        normalized = "true" if spec == "vgg16_bn" else "false"
        convs = {1: 1, 2: 1, 3: 2, 4: 2, 5: 2} if spec == "vgg11" else {}
        parameters = {f"convs{stage}": count for stage, count in convs.items()}
        return convcalc.loads(family, parameters={"normalized": normalized == "true", **parameters})
    return convcalc.load(spec, input=size)


MEAN = {"global_avgpool": "mean"}
FUNCTIONS = {"relu": "function"}
DENSENET = {"relu2": "function", "global_avgpool": "function"}
CONVNEXT = {
    "conv": "linear",
    "layernorm": "subclass",
    "*convnext_block*.layernorm*": "module",
}
NETWORKS: dict[str, Written] = {
    "alexnet": Written("alexnet_torchvision"),
    "vgg16": Written("vgg16"),
    "vgg16_bn": Written("vgg16_bn"),
    "googlenet": Written("googlenet", FUNCTIONS),
    "resnet18": Written("resnet18"),
    "resnet50": Written("resnet50"),
    "resnext50_32x4d": Written("resnext50_32x4d"),
    "wide_resnet50_2": Written("wide_resnet50_2"),
    "densenet121": Written("densenet121", DENSENET),
    "mobilenet_v2": Written("mobilenet_v2", {"global_avgpool": "function"}),
    "mobilenet_v3_large": Written("mobilenet_v3_large"),
    "mnasnet1_0": Written("mnasnet1_0", MEAN),
    "shufflenet_v2_x1_0": Written("shufflenet_v2_x1_0", MEAN),
    "squeezenet1_1": Written("squeezenet1_1"),
    "efficientnet_b0": Written("efficientnet_b0"),
    "regnet_y_400mf": Written("regnet_y_400mf"),
    "convnext_tiny": Written("convnext_tiny", CONVNEXT),
    "inception_v3": Written(
        "inception_v3", {**FUNCTIONS, "avgpool": "function", "Mixed_?a.maxpool*": "function"}
    ),
    "vit_b_16": Written("vit_b_16"),
    "vit_b_16@no_grad": Written("vit_b_16", no_grad=True),
    "swin_t": Written("swin_t"),
    "deeplabv3_resnet50": Written("deeplabv3_resnet50", input="224x224x3"),
    # what the formulas were not made of
    "vgg11": Written("vgg11"),
    "resnet34": Written("resnet34"),
    "densenet161": Written("densenet161", DENSENET),
    "mobilenet_v3_small": Written("mobilenet_v3_small"),
    "mnasnet0_5": Written("mnasnet0_5", MEAN),
    "shufflenet_v2_x0_5": Written("shufflenet_v2_x0_5", MEAN),
    "squeezenet1_0": Written("squeezenet1_0"),
    "efficientnet_v2_s": Written("efficientnet_v2_s", input="224x224x3"),
    "regnet_x_400mf": Written("regnet_x_400mf"),
    "convnext_small": Written("convnext_small", CONVNEXT),
    "vit_b_32": Written("vit_b_32"),
    "lraspp_mobilenet_v3_large": Written("lraspp_mobilenet_v3_large", input="224x224x3"),
    "r3d_18": Written("r3d_18", input="8x64x64x3"),
    "mc3_18": Written("mc3_18", input="8x64x64x3"),
}
"""Networks of torchvision, and how it writes them."""

NOT_BUNDLED: dict[str, str] = {
    "fcn_resnet50": "the bundled FCN is the one of the paper, on VGG-16",
    "swin_v2_t": "its attention is one of cosines, which no kind has",
    "maxvit_t": "its attention is written otherwise than Swin's",
}
"""Networks of torchvision that no spec is one of, with the reason."""


def _one(layer: str, size: str = "10x12x4", **options: Any) -> Written:
    return Written(f"{{input: {size}, layers: [{layer}]}}", **options)


def _two(layer: str, written: str = "operator", size: str = "10x12x4") -> Written:
    return _one(f"{layer}: [[], []]", size, written={layer: written})


def _conv(fields: str, size: str = "10x12x4", **options: Any) -> Written:
    return _one(f"conv: {{filters: 8, kernel: 3{fields}}}", size, **options)


def _transposed(fields: str, size: str = "10x12x4", filters: int = 6) -> Written:
    return _one(f"conv_transpose: {{filters: {filters}, kernel: 3, stride: 2{fields}}}", size)


def _matmul(word: str) -> Written:
    spec = "{input: {a: 5x6, b: 6x7}, layers: [matmul: [[from: a], [from: b]]]}"
    return Written(spec, {"matmul": word})


def _function(kind: str, layer: str | None = None, word: str = "function") -> Written:
    return _one(layer or kind, written={kind: word})


_POOL = "{kernel: 3, stride: 2, rounding: floor}"
_ATTENTION = "attention: 2"
_SHARED = "{conv: {filters: 4, kernel: 3, padding: 1}, name: one}"
_ENCODER = (
    "add: [[], [attention: 2]], layernorm, "
    "add: [[], [linear: {features: 16, axis: channels}, relu, "
    "linear: {features: 8, axis: channels}]], layernorm"
)

SINGLE: dict[str, Written] = {
    "conv2d_bias": _conv(""),
    "conv2d_nobias": _conv(", bias: false"),
    "conv2d_stride": _conv(", stride: 2, padding: 1, rounding: floor"),
    "conv2d_groups": _conv(", groups: 2"),
    "conv2d_depthwise": _one("depthwise_conv: {kernel: 3, multiplier: 2, bias: false}"),
    "conv2d_dilated": _conv(", dilation: 2"),
    "conv2d_same": _one(
        "conv: {filters: 8, kernel: 4, padding: same, rounding: floor}", written={"conv": "string"}
    ),
    "conv2d_circular": _conv(", padding: 1, padding_mode: circular"),
    "conv2d_subclass": _conv("", written={"conv": "subclass"}),
    "conv2d_functional": _conv(", bias: false", written={"conv": "function"}),
    "conv2d_frozen_bias": _conv("", "10x12x3"),
    "conv1d": _conv("", "20x4"),
    "conv3d": _conv("", "5x6x7x4"),
    "convt2d_bias": _transposed(""),
    "convt2d_nobias": _transposed(", bias: false"),
    "convt2d_square": _transposed(", bias: false", filters=4),
    "convt2d_groups": _transposed(", bias: false, groups: 2"),
    "convt2d_depthwise": _transposed(", bias: false, groups: 4", filters=4),
    "convt1d": _transposed("", "20x4"),
    "convt3d": _transposed("", "5x6x7x4"),
    "linear_bias": _one("linear: 10", "16"),
    "linear_nobias": _one("linear: {features: 10, bias: false}", "16"),
    "linear_seq_bias": _one("linear: {features: 10, axis: channels}", "5x16"),
    "linear_seq_nobias": _one("linear: {features: 10, axis: channels, bias: false}", "5x16"),
    "linear_functional": _one("linear: 10", "16", written={"linear": "function"}),
    "bn2d_eval": _one("batchnorm"),
    "bn2d_train": _one("batchnorm", mode="train"),
    "bn2d_noaffine": _one("batchnorm: {affine: false}"),
    "bn1d": _one("batchnorm", "16"),
    "ln": _one("layernorm", "4x10x12"),
    "ln_noaffine": _one("layernorm: {affine: false, bias: false}", "4x10x12"),
    "ln_subclass": _one("layernorm", written={"layernorm": "subclass"}),
    "in2d": _one("instancenorm"),
    "in2d_affine": _one("instancenorm: {affine: true}"),
    "gn": _one("groupnorm: 2"),
    "lrn": _one("lrn: 5"),
    "relu": _one("relu"),
    "relu6": _one("relu6"),
    "leaky_relu": _one("leaky_relu"),
    "elu": _one("elu"),
    "hardswish": _one("hardswish"),
    "hardsigmoid": _one("hardsigmoid"),
    "silu": _one("silu"),
    "gelu": _one("gelu"),
    "sigmoid": _one("sigmoid"),
    "tanh": _one("tanh"),
    "softplus": _one("softplus"),
    "mish": _one("mish"),
    "relu_inplace": _one("identity, relu"),
    "prelu": _one("prelu: channels"),
    "softmax": _one("softmax"),
    "log_softmax": _one("log_softmax"),
    "relu_functional": _function("relu"),
    "silu_functional": _function("silu"),
    "gelu_functional": _function("gelu"),
    "hardswish_functional": _function("hardswish"),
    "sigmoid_functional": _function("sigmoid"),
    "relu_method": _function("relu", word="method"),
    "softmax_functional": _function("softmax"),
    "maxpool": _one(f"maxpool: {_POOL}"),
    "maxpool_1d": _one("maxpool: 2", "20x4"),
    "maxpool_3d": _one("maxpool: 2", "6x6x8x4"),
    "maxpool_functional": _function("maxpool", f"maxpool: {_POOL}"),
    "avgpool": _one(f"avgpool: {_POOL}"),
    "avgpool_pad": _one("avgpool: {kernel: 3, stride: 2, padding: 1, rounding: floor}"),
    "avgpool_1d": _one("avgpool: 2", "20x4"),
    "adaptive_avg": _one("adaptive_avgpool: 5x6"),
    "adaptive_avg_uneven": _one("adaptive_avgpool: 7"),
    "adaptive_max": _one("adaptive_maxpool: 5x6"),
    "global_avg": _one("global_avgpool"),
    "global_avg_functional": _function("global_avgpool"),
    "global_avg_mean": _function("global_avgpool", word="mean"),
    "upsample_nearest": _one("upsample: {scale: 2}"),
    "upsample_bilinear": _one("upsample: {scale: 2, mode: linear}"),
    "upsample_bicubic": _one("upsample: {scale: 2, mode: cubic}"),
    "upsample_size": _one("upsample: {size: 20x24, mode: linear}", written={"upsample": "size"}),
    "interpolate_scale": _function("upsample", "upsample: {scale: 2, mode: linear}"),
    "interpolate_size": Written(
        "{input: 10x12x4, layers: [{upsample: {size: 20x24, mode: linear}, name: up}]}",
        {"upsample": "function", "up": "size"},
    ),
    "add_op": _two("add"),
    "add_torch": _two("add", "torch"),
    "mul_op": _two("multiply"),
    "mul_torch": _two("multiply", "torch"),
    "mul_broadcast": _function("scale", word="torch"),
    "mul_scalar": _one("affine: {times: 2}"),
    "cat": _one("concat: [[], []]"),
    "dropout": _one("dropout: 0.5"),
    "flatten": _one("flatten"),
    "pixel_shuffle": _one("pixel_shuffle: 2"),
    "matmul_op": _matmul("operator"),
    "matmul_torch": _matmul("torch"),
    "bmm": _matmul("bmm"),
    "einsum": _matmul("einsum"),
    "mha_grad": _one(_ATTENTION, "5x8"),
    "mha_nograd": _one(_ATTENTION, "5x8", no_grad=True),
    "mha_weights": _one(_ATTENTION, "5x8", written={"attention": "weights"}),
    "mha_seqfirst": _one(_ATTENTION, "5x8"),
    "encoder_layer": _one(_ENCODER, "5x8"),
    "lstm": _one("lstm: {features: 7, layers: 2}", "5x6"),
    "lstm_bi": _one("lstm: {features: 7, layers: 2, bidirectional: true}", "5x6"),
    "gru": _one("gru: 7", "5x6"),
    "embedding": _one("embedding: {entries: 50, features: 8}", "5x1"),
    "called_twice": _one(
        f"{_SHARED}, {{conv: {{filters: 4, kernel: 3, padding: 1}}, weights: one}}"
    ),
    "layer_scale": _one("scale"),
    "layer_scale_conv": _one("conv: {filters: 4, kernel: 1}, scale"),
}
"""Networks of one operation or a few, as they were counted."""

NO_SPEC: dict[str, str] = {
    "bilinear": "no kind multiplies two inputs by one array",
    "rmsnorm": "no kind normalizes by the mean square alone",
    "hardtanh": "no kind cuts off at −1 and 1",
    "add_inplace": "an operator that overwrites is the same layer as `add_op`",
    "add_module": "quantized code calls it; a spec's sum is no module",
    "mul_module": "quantized code calls it; a spec's product is no module",
    "cat_module": "quantized code calls it; a spec's concat is no module",
    "sdpa": "attention without projections is no layer of a spec",
    "rnn": "no kind is a recurrent layer without gates",
    "lstm_cell": "a spec has a whole sequence, and no single step",
    "two_parents": "a layer stands in one block",
    "shared_weights": "`weights` is one module that is called twice, not two with one array",
    "unused": "a spec has no layer that is never called",
}
"""Networks of one operation that no spec is one of, with the reason."""


class Measured(NamedTuple):
    """A network that `python -m benchmarks counts --write` asks the tools about."""

    written: Written
    """The network as a spec."""
    torch: str
    """A module of it, in PyTorch."""
    first: bool = True
    """Whether channels stand first in its input, as in a map; a sequence has them last."""


def _apply(code: str) -> str:
    return f"Apply(lambda m, x: {code})"


MORE: dict[str, Measured] = {
    "bn2d_noaffine_train": Measured(
        _one("batchnorm: {affine: false}", mode="train"), "nn.BatchNorm2d(4, affine=False)"
    ),
    "bn2d_untracked": Measured(
        _one("batchnorm: {track_running_stats: false}"),
        "nn.BatchNorm2d(4, track_running_stats=False)",
    ),
    "gn_noaffine": Measured(
        _one("groupnorm: {groups: 2, affine: false}"), "nn.GroupNorm(2, 4, affine=False)"
    ),
    "matmul_large": Measured(
        Written(
            "{input: {a: 51x61, b: 61x71}, layers: [matmul: [[from: a], [from: b]]]}",
            {"matmul": "einsum"},
        ),
        "Apply(lambda m, x, y: torch.einsum('bij,bjk->bik', x, y))",
        first=False,
    ),
    "separable": Measured(
        _one("separable_conv: {filters: 8, kernel: 3, multiplier: 2}"),
        "nn.Sequential(nn.Conv2d(4, 8, 3, groups=4, bias=False), nn.Conv2d(8, 8, 1))",
    ),
    "depthwise_same": Measured(
        _one("depthwise_conv: {kernel: 3, padding: same}", written={"depthwise_conv": "string"}),
        "nn.Conv2d(4, 4, 3, padding='same', groups=4)",
    ),
}
"""Networks that say what those of others' rows do not."""
