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
    if spec in KERAS:  # which has a softmax at the end
        text = (ROOT / "architectures" / f"{KERAS[spec]}.yaml").read_text("utf-8")
        return convcalc.loads(text.replace("linear: classes\n", "linear: classes\n  - softmax\n"))
    if spec in ("vgg16", "vgg16_bn", "vgg11"):  # torchvision pools before it flattens
        family = (ROOT / "architectures" / "vgg.yaml").read_text("utf-8")
        family = family.replace("  - flatten\n", "  - adaptive_avgpool: 7x7\n  - flatten\n")
        normalized = "true" if spec == "vgg16_bn" else "false"
        convs = {1: 1, 2: 1, 3: 2, 4: 2, 5: 2} if spec == "vgg11" else {}
        parameters = {f"convs{stage}": count for stage, count in convs.items()}
        return convcalc.loads(family, parameters={"normalized": normalized == "true", **parameters})
    return convcalc.load(spec, input=size)


NETWORKS: dict[str, Written] = {
    "alexnet": Written("alexnet_torchvision"),
    "vgg16": Written("vgg16"),
    "vgg16_bn": Written("vgg16_bn"),
    "googlenet": Written("googlenet"),
    "resnet18": Written("resnet18"),
    "resnet50": Written("resnet50"),
    "resnext50_32x4d": Written("resnext50_32x4d"),
    "wide_resnet50_2": Written("wide_resnet50_2"),
    "densenet121": Written("densenet121"),
    "mobilenet_v2": Written("mobilenet_v2"),
    "mobilenet_v3_large": Written("mobilenet_v3_large"),
    "mnasnet1_0": Written("mnasnet1_0"),
    "shufflenet_v2_x1_0": Written("shufflenet_v2_x1_0"),
    "squeezenet1_1": Written("squeezenet1_1"),
    "efficientnet_b0": Written("efficientnet_b0"),
    "regnet_y_400mf": Written("regnet_y_400mf"),
    "convnext_tiny": Written("convnext_tiny"),
    "inception_v3": Written("inception_v3"),
    "vit_b_16": Written("vit_b_16"),
    "vit_b_16@no_grad": Written("vit_b_16", no_grad=True),
    "swin_t": Written("swin_t"),
    "deeplabv3_resnet50": Written("deeplabv3_resnet50", input="224x224x3"),
    # what the formulas were not made of
    "vgg11": Written("vgg11"),
    "resnet34": Written("resnet34"),
    "densenet161": Written("densenet161"),
    "mobilenet_v3_small": Written("mobilenet_v3_small"),
    "mnasnet0_5": Written("mnasnet0_5"),
    "shufflenet_v2_x0_5": Written("shufflenet_v2_x0_5"),
    "squeezenet1_0": Written("squeezenet1_0"),
    "efficientnet_v2_s": Written("efficientnet_v2_s", input="224x224x3"),
    "regnet_x_400mf": Written("regnet_x_400mf"),
    "convnext_small": Written("convnext_small"),
    "vit_b_32": Written("vit_b_32"),
    "lraspp_mobilenet_v3_large": Written("lraspp_mobilenet_v3_large", input="224x224x3"),
    "r3d_18": Written("r3d_18", input="8x64x64x3"),
    "mc3_18": Written("mc3_18", input="8x64x64x3"),
}
"""Networks of torchvision; how it writes them, the bundled specs say."""

BEYOND: dict[tuple[str, str], tuple[int, str]] = {
    ("torchprofile", name): (1, "torchvision multiplies how many patches there are on each side")
    for name in ("vit_b_16", "vit_b_32")
}
"""What a tool counts of a network's code that is no layer: how much, whatever the batch, and of
what."""

KERAS: dict[str, str] = {
    "VGG16": "vgg16",
    "DenseNet121": "densenet",
    "Xception": "xception",
    "MobileNet": "mobilenet_v1",
    "MobileNetV2": "mobilenet_v2",
}
"""Networks of Keras that are bundled, but for a softmax behind them."""
NOT_OF_KERAS: dict[str, str] = {
    "ResNet50": "Keras strides in the first convolution of a block, and gives all biases",
    "ResNet50V2": "the bundled ResNet is the first version",
    "MobileNetV3Large": "Keras rounds widths otherwise, and has no second linear layer",
    "InceptionV3": "Keras' batch norms have no factors, and its pools pad otherwise",
    "EfficientNetB0": "Keras normalizes its input first, by operations that are no layers",
    "ConvNeXtTiny": "Keras normalizes its input first, by operations that are no layers",
    "NASNetMobile": "no bundled network is a NASNet",
}
"""Networks of Keras that no bundled one is, with the reason."""

UNLIKE: dict[tuple[str, str], str] = {
    ("ptflops:aten", "conv2d_linear"): "its input is a view, to which PyTorch adds the bias apart",
    **{
        (tool, "conv2d_frozen_bias"): "its bias alone is frozen, and a spec says it of a layer"
        for tool in ("ptflops", "ptflops:aten", "calflops")
    },
}
"""What a tool says that is otherwise than its rule, with the reason."""

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
    "encoder_layer": _one(_ENCODER, "5x8", written={"relu": "method"}),  # F.relu, kept before
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


_SAME = "padding: [[0, 1], [0, 1]]"
OF_KERAS: dict[str, Written] = {
    "conv2d_bias": _conv(""),
    "conv2d_nobias": _conv(", bias: false"),
    "conv2d_stride_same": _conv(f", stride: 2, {_SAME}"),
    "conv2d_groups": _conv(", groups: 2"),
    "conv2d_dilated": _conv(", dilation: 2"),
    "depthwise": _one("depthwise_conv: 3"),
    "depthwise_dilated": _one("depthwise_conv: {kernel: 3, dilation: 2}"),
    "separable": _one("separable_conv: {filters: 8, kernel: 3}"),
    "convt2d": _transposed(""),
    "convt2d_same": _transposed(f", {_SAME}"),
    "conv1d": _conv("", "20x4"),
    "conv3d": _conv("", "5x6x7x4"),
    "dense": _one("linear: 10", "16"),
    "dense_seq": _one("linear: {features: 10, axis: channels}", "5x16"),
    "bn": _one("batchnorm"),
    "ln": _one("layernorm"),
    "gn": _one("groupnorm: 2"),
    "relu": _one("relu"),
    "relu6": _one("relu6"),
    "elu": _one("elu"),
    "silu": _one("silu"),
    "gelu": _one("gelu"),
    "sigmoid": _one("sigmoid"),
    "tanh": _one("tanh"),
    "softmax": _one("softmax"),
    "hard_silu": _one("hardswish"),
    "hard_sigmoid": _one("hardsigmoid"),
    "softplus": _one("softplus"),
    "leaky_relu": _one("leaky_relu"),
    "maxpool": _one(f"maxpool: {_POOL}"),
    "avgpool": _one(f"avgpool: {_POOL}"),
    "global_avg": _one("global_avgpool"),
    "global_max": _one("global_maxpool"),
    "upsample_nearest": _one("upsample: {scale: 2}"),
    "upsample_bilinear": _one("upsample: {scale: 2, mode: linear}"),
    "add": _one("add: [[], []]"),
    "multiply": _one("multiply: [[], []]"),
    "concat": _one("concat: [[], []]"),
    "dropout": _one("dropout: 0.5"),
    "rescaling": _one("affine: {times: 2, plus: 1}"),
    "embedding": _one("embedding: {entries: 50, features: 8}", "5x1"),
}
"""Layers of Keras, as they were counted."""
NOT_ASKED: dict[str, str] = {
    "prelu": "it has a slope for each value, and a spec's has one a channel",
    "mha": "how much of its products is counted hangs on how TensorFlow rewrites them",
    "lstm": "of a loop over steps it counts one",
    "gru": "of a loop over steps it counts one",
    "lstm_unrolled": "a spec does not say whether the steps of an LSTM are a loop",
}
"""Layers of Keras that are not told, with the reason."""


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


def _with(code: str, **arrays: str) -> str:
    """A function of its input and of arrays that it learns."""
    given = ", ".join(f"{name}=nn.Parameter({array})" for name, array in arrays.items())
    return f"Apply(lambda m, x: {code}, {given})"


def _map(layer: str, torch: str, size: str = "10x12x4", **options: Any) -> Measured:
    return Measured(_one(layer, size, **options), torch)


def _rows(layer: str, torch: str, size: str = "5x8", **options: Any) -> Measured:
    return Measured(_one(layer, size, **options), torch, first=False)


def _attending(fields: str, options: str = "", call: str = "", **given: Any) -> Measured:
    """Self-attention of 5 positions that are 8 wide."""
    module = f"nn.MultiheadAttention(8, {fields[0]}, batch_first=True{options})"
    code = f"Apply(lambda m, x: m.a(x, x, x, need_weights={call or 'False'})[0], a={module})"
    layer = f"attention: {{heads: {fields}}}"
    return Measured(_one(layer, "5x8", **given), code, first=False)


def _crossing(
    width: int = 8, options: str = "", call: str = "False", fields: str = "", **given: Any
) -> Measured:
    """Attention of 5 positions to 7 others of some width."""
    code = f"nn.MultiheadAttention(8, 2, batch_first=True{options})"
    layer = f"attention: {{heads: 2{fields}, branches: [[from: a], [from: b]]}}"
    return Measured(
        Written(f"{{input: {{a: 5x8, b: 7x{width}}}, layers: [{layer}]}}", **given),
        f"Apply(lambda m, x, y: m.a(x, y, y, need_weights={call})[0], a={code})",
        first=False,
    )


def _derived(code: str) -> str:
    """A module of a class that is derived from torch.nn's."""
    name, _, arguments = code.partition("(")
    return f"type('Own', (nn.{name},), {{}})({arguments}"


def _functional(
    weights: str = "False", written: Mapping[str, str] | None = None, *, no_grad: bool = False
) -> Measured:
    """Self-attention that is called as a function."""
    code = (
        "Apply(lambda m, x: F.multi_head_attention_forward(x.transpose(0, 1), x.transpose(0, 1), "
        "x.transpose(0, 1), 8, 2, m.i, m.b, None, None, False, 0.0, m.o, m.c, training=False, "
        f"need_weights={weights})[0].transpose(0, 1), i=nn.Parameter(torch.rand(24, 8)), "
        "b=nn.Parameter(torch.rand(24)), o=nn.Parameter(torch.rand(8, 8)), "
        "c=nn.Parameter(torch.rand(8)))"
    )
    written = written or {"attention": "function"}
    return Measured(_one(_ATTENTION, "5x8", written=written, no_grad=no_grad), code, first=False)


def _subclassed(*, no_grad: bool = False) -> Measured:
    """Self-attention of a class that is derived from torch.nn's."""
    code = (
        "Apply(lambda m, x: m.a(x, x, x, need_weights=False)[0], "
        f"a={_derived('MultiheadAttention(8, 2, batch_first=True)')})"
    )
    written = {"attention": "subclass"}
    return Measured(_one(_ATTENTION, "5x8", written=written, no_grad=no_grad), code, first=False)


_ACTIVATIONS = {
    "selu": "nn.SELU()",
    "mish": "nn.Mish()",
    "elu": "nn.ELU()",
    "leaky_relu": "nn.LeakyReLU()",
    "hardsigmoid": "nn.Hardsigmoid()",
    "softplus": "nn.Softplus()",
    "prelu": "nn.PReLU()",
    "relu6": "nn.ReLU6()",
    "log_softmax": "nn.LogSoftmax(1)",
}
_FUNCTIONS = {
    "relu6": "F.relu6(x)",
    "maxpool": "F.max_pool2d(x, 2)",
    "leaky_relu": "F.leaky_relu(x)",
    "elu": "F.elu(x)",
    "selu": "F.selu(x)",
    "mish": "F.mish(x)",
    "hardsigmoid": "F.hardsigmoid(x)",
    "softplus": "F.softplus(x)",
    "tanh": "F.tanh(x)",
    "log_softmax": "F.log_softmax(x, 1)",
    "batchnorm": "F.batch_norm(x, x.new_zeros(4), x.new_ones(4), m.w, m.b)",
    "groupnorm": "F.group_norm(x, 2, m.w, m.b)",
    "instancenorm": "F.instance_norm(x, weight=m.w, bias=m.b)",
    "lrn": "F.local_response_norm(x, 5)",
    "avgpool": "F.avg_pool2d(x, 3, 2)",
    "lppool": "F.lp_pool2d(x, 2, 3, 2)",
    "adaptive_avgpool": "F.adaptive_avg_pool2d(x, 5)",
    "adaptive_maxpool": "F.adaptive_max_pool2d(x, 5)",
    "global_maxpool": "F.adaptive_max_pool2d(x, 1)",
    "prelu": "F.prelu(x, m.w)",
    "pixel_shuffle": "F.pixel_shuffle(x, 2)",
    "space_to_depth": "F.pixel_unshuffle(x, 2)",
    "channel_shuffle": "F.channel_shuffle(x, 2)",
    "dropout": "F.dropout(x, 0.5, m.training)",
}
_METHODS = {
    "sigmoid": "x.sigmoid()",
    "tanh": "x.tanh()",
    "softmax": "x.softmax(1)",
    "log_softmax": "x.log_softmax(1)",
    "selu": "torch.selu(x)",
    "prelu": "torch.prelu(x, m.w)",
}
_LAYERS = {
    "groupnorm": "groupnorm: 2",
    "instancenorm": "instancenorm: {affine: true}",
    "lrn": "lrn: 5",
    "avgpool": f"avgpool: {_POOL}",
    "maxpool": "maxpool: 2",
    "lppool": f"lppool: {_POOL}",
    "adaptive_avgpool": "adaptive_avgpool: 5",
    "adaptive_maxpool": "adaptive_maxpool: 5",
    "pixel_shuffle": "pixel_shuffle: 2",
    "prelu": "prelu: channels",
    "dropout": "dropout: 0.5",
    "space_to_depth": "space_to_depth: 2",
    "channel_shuffle": "channel_shuffle: 2",
    "pad": "pad: 1",
    "upsample": "upsample: {scale: 2}",
}
"""Layers that do not stand by their kind alone."""


_CLASSES = {
    "maxpool": "MaxPool2d(2)",
    "avgpool": "AvgPool2d(3, 2)",
    "lppool": "LPPool2d(2, 3, 2)",
    "adaptive_avgpool": "AdaptiveAvgPool2d(5)",
    "adaptive_maxpool": "AdaptiveMaxPool2d(5)",
    "global_avgpool": "AdaptiveAvgPool2d(1)",
    "global_maxpool": "AdaptiveMaxPool2d(1)",
    "groupnorm": "GroupNorm(2, 4)",
    "instancenorm": "InstanceNorm2d(4, affine=True)",
    "lrn": "LocalResponseNorm(5)",
    "relu6": "ReLU6()",
    "leaky_relu": "LeakyReLU()",
    "prelu": "PReLU(4)",
    "elu": "ELU()",
    "selu": "SELU()",
    "gelu": "GELU()",
    "silu": "SiLU()",
    "mish": "Mish()",
    "sigmoid": "Sigmoid()",
    "hardsigmoid": "Hardsigmoid()",
    "hardswish": "Hardswish()",
    "tanh": "Tanh()",
    "softplus": "Softplus()",
    "softmax": "Softmax(1)",
    "log_softmax": "LogSoftmax(1)",
    "dropout": "Dropout(0.5)",
    "flatten": "Flatten()",
    "pixel_shuffle": "PixelShuffle(2)",
    "space_to_depth": "PixelUnshuffle(2)",
    "channel_shuffle": "ChannelShuffle(2)",
    "pad": "ZeroPad2d(1)",
    "upsample": "Upsample(scale_factor=2)",
}
"""Modules that a class is derived from."""


def _called(code: str) -> str:
    """A function with what it learns."""
    arrays = {name: "torch.ones(4)" for name in "wb" if f"m.{name}" in code}
    return _with(code, **arrays) if arrays else _apply(code)


MORE: dict[str, Measured] = {
    **{f"more_{kind}": _map(kind, torch) for kind, torch in _ACTIVATIONS.items()},
    **{
        f"{kind}_function": _map(_LAYERS.get(kind, kind), _called(code), written={kind: "function"})
        for kind, code in _FUNCTIONS.items()
    },
    **{
        f"{kind}_method": _map(_LAYERS.get(kind, kind), _called(code), written={kind: "method"})
        for kind, code in _METHODS.items()
    },
    "frozen": _map(
        "{conv: {filters: 8, kernel: 3}, frozen: true}",
        "nn.Conv2d(4, 8, 3).requires_grad_(False)",
    ),
    **{
        f"{kind}_subclass": _map(
            _LAYERS.get(kind, kind), _derived(code), written={kind: "subclass"}
        )
        for kind, code in _CLASSES.items()
    },
    "separable_subclass": _map(
        "separable_conv: {filters: 8, kernel: 3}",
        "nn.Sequential(type('OwnConv', (nn.Conv2d,), {})(4, 4, 3, groups=4, bias=False), "
        "type('OwnConv', (nn.Conv2d,), {})(4, 8, 1))",
        written={"separable_conv": "subclass"},
    ),
    "embedding_subclass": Measured(
        _one("embedding: {entries: 50, features: 8}", "5x1", written={"embedding": "subclass"}),
        _derived("Embedding(50, 8)"),
        first=False,
    ),
    "gru_subclass": _rows(
        "gru: 7",
        "Apply(lambda m, x: m.r(x)[0], r=type('Own', (nn.GRU,), {})(8, 7, batch_first=True))",
        written={"gru": "subclass"},
    ),
    "flatten_method": _map("flatten", _apply("x.flatten(1)"), written={"flatten": "method"}),
    "maxunpool_function": _map(
        "{name: pool, maxpool: 2}, {maxunpool: {indices: pool}}",
        "Apply(lambda m, x: F.max_unpool2d(*m.p(x), 2), p=nn.MaxPool2d(2, return_indices=True))",
        written={"maxunpool": "function"},
    ),
    "maxunpool_subclass": _map(
        "{name: pool, maxpool: 2}, {maxunpool: {indices: pool}}",
        "Apply(lambda m, x: m.u(*m.p(x)), p=nn.MaxPool2d(2, return_indices=True), "
        f"u={_derived('MaxUnpool2d(2)')})",
        written={"maxunpool": "subclass"},
    ),
    "matmul_word": Measured(
        _matmul("matmul"), "Apply(lambda m, x, y: torch.matmul(x, y))", first=False
    ),
    "mha_function": _functional(),
    "mha_function_nograd": _functional(no_grad=True),
    "mha_function_weights": _functional("True", {"attention": "function", "att*": "weights"}),
    "mha_subclass": _subclassed(),
    "mha_subclass_nograd": _subclassed(no_grad=True),
    "abs": _map("abs", _apply("x.abs()")),
    "subtract": _map("subtract: [[], []]", _apply("x - x")),
    "subtract_torch": _map(
        "subtract: [[], []]", _apply("torch.sub(x, x)"), written={"subtract": "torch"}
    ),
    "divide": _map("divide: [[], []]", _apply("x / x")),
    "divide_torch": _map(
        "divide: [[], []]", _apply("torch.div(x, x)"), written={"divide": "torch"}
    ),
    "maximum": _map("maximum: [[], []]", _apply("torch.maximum(x, x)")),
    "add_three": _map("add: [[], [], []]", _apply("x + x + x")),
    "add_three_torch": _map(
        "add: [[], [], []]", _apply("torch.add(torch.add(x, x), x)"), written={"add": "torch"}
    ),
    "multiply_three": _map("multiply: [[], [], []]", _apply("x * x * x")),
    "multiply_gate": _map(
        "multiply: [[], [global_avgpool]]",
        "Apply(lambda m, x: torch.mul(x, m.p(x)), p=nn.AdaptiveAvgPool2d(1))",
        written={"multiply": "torch"},
    ),
    "scale_bias": _map(
        "scale: {bias: true}",
        _with("x * m.w + m.b", w="torch.ones(4, 1, 1)", b="torch.ones(4, 1, 1)"),
    ),
    "scale_operator": _map("scale", _with("m.w * x", w="torch.ones(4, 1, 1)")),
    "scale_bias_torch": _map(
        "scale: {bias: true}",
        _with(
            "torch.add(torch.mul(x, m.w), m.b)", w="torch.ones(4, 1, 1)", b="torch.ones(4, 1, 1)"
        ),
        written={"scale": "torch"},
    ),
    "affine_both": _map("affine: {times: 2, plus: 1}", _apply("x * 2.0 + 1.0")),
    "affine_plus": _map("affine: {plus: 1}", _apply("x + 1.0")),
    "affine_torch": _map(
        "affine: {times: 2, plus: 1}",
        _apply("torch.add(torch.mul(x, 2.0), 1.0)"),
        written={"affine": "torch"},
    ),
    "lppool": _map(f"lppool: {_POOL}", "nn.LPPool2d(2, 3, 2)"),
    "lppool_1d": _map("lppool: 2", "nn.LPPool1d(2, 2)", "20x4"),
    "global_max": _map("global_maxpool", "nn.AdaptiveMaxPool2d(1)"),
    "global_avg_1d": _map("global_avgpool", "nn.AdaptiveAvgPool1d(1)", "20x4"),
    "global_avg_3d": _map("global_avgpool", "nn.AdaptiveAvgPool3d(1)", "4x6x8x4"),
    "adaptive_avg_1d": _map("adaptive_avgpool: 7", "nn.AdaptiveAvgPool1d(7)", "20x4"),
    "adaptive_avg_cut": _map("adaptive_avgpool: 6", "nn.AdaptiveAvgPool1d(6)", "8x4"),
    "adaptive_avg_larger": _map("adaptive_avgpool: 14x15", "nn.AdaptiveAvgPool2d((14, 15))"),
    "avgpool_ceil": _map(
        "avgpool: {kernel: 3, stride: 2, padding: 1, rounding: ceil}",
        "nn.AvgPool2d(3, 2, 1, ceil_mode=True)",
    ),
    "avgpool_uncounted": _map(
        "avgpool: {kernel: 3, stride: 2, padding: 1, rounding: floor, count_include_pad: false}",
        "nn.AvgPool2d(3, 2, 1, count_include_pad=False)",
    ),
    "avgpool_3d": _map("avgpool: 2", "nn.AvgPool3d(2)", "4x6x8x4"),
    "maxpool_uneven": _map(
        "maxpool: {kernel: 3, stride: 2, padding: [[0, 1], [0, 1]]}",
        "nn.Sequential(nn.ConstantPad2d((0, 1, 0, 1), -1e9), nn.MaxPool2d(3, 2))",
    ),
    "maxpool_uneven_function": _map(
        "maxpool: {kernel: 3, stride: 2, padding: [[0, 1], [0, 1]]}",
        _apply("F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=-1e9), 3, 2)"),
        written={"maxpool": "function"},
    ),
    "avgpool_uneven": _map(
        "avgpool: {kernel: 3, stride: 2, padding: [[0, 1], [0, 1]]}",
        "nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.AvgPool2d(3, 2))",
    ),
    "lppool_padded": _map(
        "lppool: {kernel: 3, stride: 1, padding: 1}",
        "nn.Sequential(nn.ZeroPad2d(1), nn.LPPool2d(2, 3, 1))",
    ),
    "resized_twice": _map(
        "upsample: {size: 5x5}, upsample: {size: 7x7}",
        "nn.Sequential(nn.Upsample((5, 5)), nn.Upsample((7, 7)))",
        "3x3x1",
        written={"upsample": "size"},
    ),
    "kmaxpool": _map(
        "kmaxpool: 5",
        _apply("x.gather(2, x.topk(5, 2).indices.sort(2).values)"),
        "20x4",
    ),
    "channel_avg": _map("channel_avgpool", _apply("x.mean(1, keepdim=True)")),
    "channel_max": _map("channel_maxpool", _apply("x.amax(1, keepdim=True)")),
    "maxunpool": _map(
        "{name: pool, maxpool: 2}, {maxunpool: {indices: pool}}",
        "Apply(lambda m, x: m.u(*m.p(x)), p=nn.MaxPool2d(2, return_indices=True), "
        "u=nn.MaxUnpool2d(2))",
    ),
    "l2norm": _map("l2norm", _with("m.w * F.normalize(x, dim=1)", w="torch.ones(4, 1, 1)")),
    "l2norm_plain": _map("l2norm: {affine: false}", _apply("F.normalize(x, dim=1)")),
    "space_to_depth": _map("space_to_depth: 2", "nn.PixelUnshuffle(2)"),
    "channel_shuffle": _map("channel_shuffle: 2", "nn.ChannelShuffle(2)"),
    "pad": _map("pad: 1", "nn.ZeroPad2d(1)"),
    "pad_function": _map("pad: 1", _apply("F.pad(x, (1, 1, 1, 1))"), written={"pad": "function"}),
    "crop": _map("crop: 4", _apply("x[:, :, 4:-4, 4:-4]")),
    "slice": _map("slice: {stop: 2}", _apply("x[:, :2]")),
    "reshape": _map("reshape: 120x4", _apply("x.reshape(x.shape[0], 4, 120)")),
    "permute": _map("permute: [2, 1, 3]", _apply("x.permute(0, 1, 3, 2)")),
    "learned": _map("add: [[], [learned: 10x12x4]]", _with("x + m.w", w="torch.ones(4, 10, 12)")),
    "upsample_1d": _map(
        "upsample: {scale: 2, mode: linear}", "nn.Upsample(scale_factor=2, mode='linear')", "20x4"
    ),
    "upsample_nearest_1d": _map("upsample: {scale: 2}", "nn.Upsample(scale_factor=2)", "20x4"),
    "upsample_3d": _map(
        "upsample: {scale: 2, mode: linear}",
        "nn.Upsample(scale_factor=2, mode='trilinear')",
        "4x6x8x4",
    ),
    "upsample_nearest_3d": _map("upsample: {scale: 2}", "nn.Upsample(scale_factor=2)", "4x6x8x4"),
    "upsample_antialias": _map(
        "upsample: {scale: 2, mode: linear, antialias: true}",
        _apply("F.interpolate(x, scale_factor=2, mode='bilinear', antialias=True)"),
        written={"upsample": "function"},
    ),
    "upsample_nearest_size": _map(
        "upsample: {size: 20x24}", "nn.Upsample(size=(20, 24))", written={"upsample": "size"}
    ),
    "upsample_nearest_exact": _map(
        "upsample: {scale: 2, positions: half_pixel, round: round_prefer_ceil}",
        "nn.Upsample(scale_factor=2, mode='nearest-exact')",
    ),
    "interpolate_nearest": _map(
        "upsample: {scale: 2}",
        _apply("F.interpolate(x, scale_factor=2)"),
        written={"upsample": "function"},
    ),
    "interpolate_smaller": _map(
        "upsample: {size: 5x6}",
        _apply("F.interpolate(x, size=(5, 6))"),
        written={"upsample": "function", "up*": "size"},
    ),
    "bn2d_noaffine_train": _map(
        "batchnorm: {affine: false}", "nn.BatchNorm2d(4, affine=False)", mode="train"
    ),
    "bn2d_untracked": _map(
        "batchnorm: {track_running_stats: false}", "nn.BatchNorm2d(4, track_running_stats=False)"
    ),
    "bn2d_untracked_noaffine": _map(
        "batchnorm: {affine: false, track_running_stats: false}",
        "nn.BatchNorm2d(4, affine=False, track_running_stats=False)",
    ),
    "bn2d_subclass": _map(
        "batchnorm",
        "type('Own', (nn.BatchNorm2d,), {})(4)",
        written={"batchnorm": "subclass"},
    ),
    "bn2d_noaffine_function": _map(
        "batchnorm: {affine: false}",
        _apply("F.batch_norm(x, x.new_zeros(4), x.new_ones(4))"),
        written={"batchnorm": "function"},
    ),
    "gn_noaffine_function": _map(
        "groupnorm: {groups: 2, affine: false}",
        _apply("F.group_norm(x, 2)"),
        written={"groupnorm": "function"},
    ),
    "in2d_noaffine_function": _map(
        "instancenorm", _apply("F.instance_norm(x)"), written={"instancenorm": "function"}
    ),
    "ln_noaffine_function": _map(
        "layernorm: {over: all, affine: false, bias: false}",
        _apply("F.layer_norm(x, (4, 10, 12))"),
        written={"layernorm": "function"},
    ),
    **{
        f"interpolate_{mode}": _map(
            f"upsample: {{scale: 2, mode: {ours}}}",
            _apply(f"F.interpolate(x, scale_factor=2, mode='{mode}')"),
            size,
            written={"upsample": "function"},
        )
        for mode, ours, size in (
            ("linear", "linear", "20x4"),
            ("trilinear", "linear", "4x6x8x4"),
            ("bicubic", "cubic", "10x12x4"),
        )
    },
    "affine_torch_plus": _map(
        "affine: {plus: 1}", _apply("torch.add(x, 1.0)"), written={"affine": "torch"}
    ),
    "affine_torch_times": _map(
        "affine: {times: 2}", _apply("torch.mul(x, 2.0)"), written={"affine": "torch"}
    ),
    "in2d_tracked": _map(
        "instancenorm: {affine: true, track_running_stats: true}",
        "nn.InstanceNorm2d(4, affine=True, track_running_stats=True)",
    ),
    "in2d_train": _map("instancenorm", "nn.InstanceNorm2d(4)", mode="train"),
    "gn_noaffine": _map(
        "groupnorm: {groups: 2, affine: false}", "nn.GroupNorm(2, 4, affine=False)"
    ),
    "ln_all": _map("layernorm: {over: all}", "nn.LayerNorm((4, 10, 12))"),
    "ln_nobias": _map(
        "layernorm: {over: all, bias: false}", "nn.LayerNorm((4, 10, 12), bias=False)"
    ),
    "ln_function": _rows(
        "layernorm",
        "Apply(lambda m, x: F.layer_norm(x, (8,), m.w, m.b), w=nn.Parameter(torch.ones(8)), "
        "b=nn.Parameter(torch.ones(8)))",
        written={"layernorm": "function"},
    ),
    "relu_subclass": _map("relu", "type('Own', (nn.ReLU,), {})()", written={"relu": "subclass"}),
    "linear_subclass": _map(
        "linear: 10",
        "type('Own', (nn.Linear,), {})(16, 10)",
        "16",
        written={"linear": "subclass"},
    ),
    "linear_seq_function": _rows(
        "linear: {features: 10, axis: channels}",
        "Apply(lambda m, x: F.linear(x, m.w, m.b), w=nn.Parameter(torch.ones(10, 8)), "
        "b=nn.Parameter(torch.ones(10)))",
        written={"linear": "function"},
    ),
    "conv2d_function_bias": _map(
        "conv: {filters: 8, kernel: 3}",
        _with("F.conv2d(x, m.w, m.b)", w="torch.ones(8, 4, 3, 3)", b="torch.ones(8)"),
        written={"conv": "function"},
    ),
    "conv2d_linear": _map(
        "conv: {filters: 8, kernel: 1}",
        "Apply(lambda m, x: m.l(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), l=nn.Linear(4, 8))",
        written={"conv": "linear"},
    ),
    "conv2d_valid": _map(
        "conv: {filters: 8, kernel: 3, padding: valid}",
        "nn.Conv2d(4, 8, 3, padding='valid')",
        written={"conv": "string"},
    ),
    "conv2d_one": _map("conv: {filters: 8, kernel: 1}", "nn.Conv2d(4, 8, 1)"),
    "depthwise_function": _map(
        "depthwise_conv: {kernel: 3, bias: false}",
        _with("F.conv2d(x, m.w, groups=4)", w="torch.ones(4, 1, 3, 3)"),
        written={"depthwise_conv": "function"},
    ),
    "depthwise_same": _map(
        "depthwise_conv: {kernel: 3, padding: same}",
        "nn.Conv2d(4, 4, 3, padding='same', groups=4)",
        written={"depthwise_conv": "string"},
    ),
    "depthwise_subclass": _map(
        "depthwise_conv: {kernel: 3}",
        "type('OwnConv', (nn.Conv2d,), {})(4, 4, 3, groups=4)",
        written={"depthwise_conv": "subclass"},
    ),
    "separable": _map(
        "separable_conv: {filters: 8, kernel: 3, multiplier: 2}",
        "nn.Sequential(nn.Conv2d(4, 8, 3, groups=4, bias=False), nn.Conv2d(8, 8, 1))",
    ),
    "separable_string": _map(
        "separable_conv: {filters: 8, kernel: 3, padding: same}",
        "nn.Sequential(nn.Conv2d(4, 4, 3, groups=4, bias=False, padding='same'), "
        "nn.Conv2d(4, 8, 1))",
        written={"separable_conv": "string"},
    ),
    "separable_function": _map(
        "separable_conv: {filters: 8, kernel: 3}",
        _with(
            "F.conv2d(F.conv2d(x, m.w, groups=4), m.p, m.b)",
            w="torch.ones(4, 1, 3, 3)",
            p="torch.ones(8, 4, 1, 1)",
            b="torch.ones(8)",
        ),
        written={"separable_conv": "function"},
    ),
    "convt2d_function": _map(
        "conv_transpose: {filters: 6, kernel: 3, stride: 2}",
        _with("F.conv_transpose2d(x, m.w, m.b, 2)", w="torch.ones(4, 6, 3, 3)", b="torch.ones(6)"),
        written={"conv_transpose": "function"},
    ),
    "convt2d_subclass": _map(
        "conv_transpose: {filters: 6, kernel: 3, stride: 2}",
        "type('OwnConv', (nn.ConvTranspose2d,), {})(4, 6, 3, 2)",
        written={"conv_transpose": "subclass"},
    ),
    "convt2d_padded": _map(
        "conv_transpose: {filters: 6, kernel: 4, stride: 2, padding: 1}",
        "nn.ConvTranspose2d(4, 6, 4, 2, 1)",
    ),
    "embedding_function": Measured(
        _one("embedding: {entries: 50, features: 8}", "5x1", written={"embedding": "function"}),
        "Apply(lambda m, x: F.embedding(x, m.Embedding), "
        "Embedding=nn.Parameter(torch.ones(50, 8)))",
        first=False,
    ),
    "matmul_large": Measured(
        Written(
            "{input: {a: 51x61, b: 61x71}, layers: [matmul: [[from: a], [from: b]]]}",
            {"matmul": "einsum"},
        ),
        "Apply(lambda m, x, y: torch.einsum('bij,bjk->bik', x, y))",
        first=False,
    ),
    "lstm_nobias": _rows(
        "lstm: {features: 7, bias: false}",
        "Apply(lambda m, x: m.r(x)[0], r=nn.LSTM(8, 7, batch_first=True, bias=False))",
    ),
    "lstm_subclass": _rows(
        "lstm: 7",
        "Apply(lambda m, x: m.r(x)[0], r=type('Own', (nn.LSTM,), {})(8, 7, batch_first=True))",
        written={"lstm": "subclass"},
    ),
    "gru_bi": _rows(
        "gru: {features: 7, layers: 2, bidirectional: true}",
        "Apply(lambda m, x: m.r(x)[0], r=nn.GRU(8, 7, 2, batch_first=True, bidirectional=True))",
    ),
    "gru_nobias": _rows(
        "gru: {features: 7, bias: false}",
        "Apply(lambda m, x: m.r(x)[0], r=nn.GRU(8, 7, batch_first=True, bias=False))",
    ),
    "mha_nobias": _attending("2, bias: false", ", bias=False"),
    "mha_nobias_nograd": _attending("2, bias: false", ", bias=False", no_grad=True),
    "mha_odd_nograd": _rows(
        "attention: 3",
        "Apply(lambda m, x: m.a(x, x, x, need_weights=False)[0], "
        "a=nn.MultiheadAttention(9, 3, batch_first=True))",
        "5x9",
        no_grad=True,
    ),
    "mha_train_nograd": _attending("2", no_grad=True, mode="train"),
    "mha_weights_nograd": _attending(
        "2", call="True", no_grad=True, written={"attention": "weights"}
    ),
    "mha_cross": _crossing(),
    "mha_cross_nobias": _crossing(options=", bias=False", fields=", bias: false"),
    "mha_cross_wide": _crossing(6, ", kdim=6, vdim=6"),
    "mha_cross_nograd": _crossing(no_grad=True),
    "mha_cross_weights": _crossing(call="True", written={"attention": "weights"}),
    "mha_cross_wide_weights": _crossing(
        6, ", kdim=6, vdim=6", call="True", written={"attention": "weights"}
    ),
}
"""Networks that say what those of others' rows do not: kinds, and ways of writing them."""

_AT_OUTPUT = "a transposed convolution is counted at its output's positions"
_ONE_ROW = "the weights are counted once an example, however many rows there are"
_FUSED = "it is one operator without a formula"
FAULTS: tuple[tuple[str, str, str], ...] = (
    ("conv2d_same", "fvcore", "padding that is a string is another operation in the trace"),
    ("conv2d_same", "torchprofile", "padding that is a string is another operation in the trace"),
    ("conv2d_subclass", "thop", "a class derived from `nn.Conv2d` has no hook"),
    ("conv2d_functional", "thop", "a function has no hook"),
    ("conv2d_functional", "ultralytics", "a convolution called as a function is not patched"),
    ("convt2d_nobias", "torchinfo", _AT_OUTPUT),
    ("convt2d_nobias", "thop", _AT_OUTPUT),
    ("convt2d_nobias", "torchprofile", _AT_OUTPUT),
    ("convt2d_groups", "torchprofile", f"{_AT_OUTPUT}, and not divided by the groups"),
    ("linear_seq_nobias", "torchinfo", _ONE_ROW),
    ("embedding", "torchinfo", "a table that is looked up counts as multiplied"),
    ("mha_grad", "fvcore", "the products of queries and keys are one operator without a handle"),
    ("mha_nograd", "fvcore", "all of attention is one operator without a handle"),
    ("mha_grad", "thop", "attention has no rule"),
    ("mha_grad", "flopcounter:cpu", f"of both products, {_FUSED}"),
    ("mha_nograd", "flopcounter:cpu", f"of all of attention, {_FUSED}"),
    ("lstm", "fvcore", "recurrent layers have no handle"),
    ("lstm", "flopcounter:cpu", _FUSED),
    ("gru", "torchprofile", "of recurrent layers LSTM alone has a handler"),
    ("conv2d_subclass", "ptflops", "a class derived from `nn.Conv2d` has no hook"),
    ("conv2d_functional", "ptflops", "a convolution called as a function is not patched"),
    ("matmul_op", "ptflops", "the operator @ is not patched"),
    ("matmul_op", "calflops", "the operator @ is not patched"),
    ("bmm", "calflops", "`torch.bmm` is not patched"),
    ("convt2d_groups", "calflops", "a transposed convolution is divided by its groups twice"),
    ("convt2d_depthwise", "calflops", "a transposed convolution is divided by its groups twice"),
    ("mha_grad", "ptflops:aten", f"of both products, {_FUSED}"),
    ("lstm", "ptflops:aten", _FUSED),
)
"""A network of one layer, a tool, and why what it says is not what there is to count."""
