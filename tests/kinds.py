"""Layers of every kind, worked out by hand: one row a kind, which all tests of kinds read.

A new kind needs a row here and no other. Numbers are worked by hand, or are those of the CS231n
notes ("the notes"); `torch` is what a PyTorch user would write. Tests plan each row, work out its
formulas again, run it by its definition and by the engine, and run its twin beside it.
Tables in those tests draw more of kinds with many hyperparameters.
"""

import json
from typing import Any, NamedTuple

from convcalc.layers import Layer, layer_class
from convcalc.layers.base import Undone
from convcalc.shape import Shape
from convcalc.window import Window

SMALL = 20_000
"""Most values that a layer which is run reads, writes, or has as weights."""


class Case(NamedTuple):
    """A layer, its inputs, and what must come out."""

    kind: str
    fields: dict[str, Any]
    inputs: str
    """One or more shapes as a spec says them, with spaces between."""
    output: str
    parameters: int = 0
    macs: int = 0
    buffers: int = 0
    torch: str = ""
    """Its twin, an expression in which `nn` is `torch.nn`: a module, or, where none does this, a
    function of its inputs, as `lambda x: x.flip(1)`. Empty where a table of draws has one."""

    @property
    def layer(self) -> Layer:
        return layer_class(self.kind)(**self.fields)

    @property
    def shapes(self) -> list[Shape]:
        return [shape(text) for text in self.inputs.split()]

    @property
    def small(self) -> bool:
        """Whether it can be run in a moment."""
        sizes = [x.size for x in self.shapes]
        return max(*sizes, shape(self.output).size, self.parameters, self.macs // 4) <= SMALL

    @property
    def item(self) -> str:
        """The layer as an item of a spec."""
        return f"{self.kind}: {json.dumps(self.fields)}"

    def __str__(self) -> str:
        return f"{self.kind} {self.inputs} → {self.output}"


def shape(text: str) -> Shape:
    """Height × width × channels, as the field writes it."""
    *spatial, channels = map(int, text.split("x"))
    return Shape(channels, tuple(spatial))


def pool(*axes: tuple[int, ...]) -> Undone:
    """A pool by kernel, stride, padding and what it rounds up by, along each axis."""
    windows = (Window(f, s, before=p, after=p + sum(up)) for f, s, p, *up in axes)
    return Undone("pool", tuple(windows))


UNPOOL = (
    "lambda x, z: nn.functional.max_unpool{0}(x, nn.functional.max_pool{0}(z, {1}, "
    "return_indices=True)[1], {1}, output_size=z.shape[2:])"
)
K_LARGEST = "lambda x: x.gather(-1, x.topk({k}, -1).indices.sort(-1).values)"


def along(module: str) -> str:
    """The twin of a module of PyTorch's whose steps come first, on channels first."""
    name, _, _ = module.partition("(")
    forward = f"lambda self, x: nn.{name}.forward(self, x.permute(2, 0, 1))[0].permute(1, 2, 0)"
    return f'type("Along", (nn.{name},), {{"forward": {forward}}}){module[len(name) :]}'


CASES = [
    # Convolution: the notes' output sizes. Parameters F·F·C·K + K, MACs F·F·C·K a position.
    Case(
        "conv", {"filters": 1, "kernel": 3, "padding": 1}, "5x1", "5x1", 4, 15,
        torch="nn.Conv1d(1, 1, 3, padding=1)",
    ),
    Case("conv", {"filters": 1, "kernel": 3, "stride": 2, "padding": 1}, "5x1", "3x1", 4, 9),
    Case(
        "conv",
        {"filters": 96, "kernel": 11, "stride": 4},
        "227x227x3",
        "55x55x96",
        34_944,
        55 * 55 * 34_848,
    ),
    Case(
        "conv",
        {"filters": 96, "kernel": 11, "stride": 4, "padding": ((1, 2), (1, 2))},
        "224x224x3",
        "55x55x96",
        34_944,
        105_415_200,
    ),
    Case(
        "conv", {"filters": 7, "kernel": 5, "stride": 2}, "11x11x4", "4x4x7", 707, 11_200,
        torch="nn.Conv2d(4, 7, 5, 2)",
    ),
    Case(
        "conv", {"filters": 2, "kernel": 3, "stride": 2, "padding": 1}, "5x5x3", "3x3x2", 56, 486
    ),
    Case("conv", {"filters": 1, "kernel": 3}, "6x6x3", "4x4x1", 28, 432),
    Case("conv", {"filters": 2, "kernel": 3}, "6x6x3", "4x4x2", 56, 864),
    Case(
        "conv",
        {"filters": 4096, "kernel": 7},
        "7x7x512",
        "1x1x4096",
        102_764_544,
        102_760_448,
    ),
    Case(  # two groups halve the weights: 3·3·2·8 + 8
        "conv",
        {"filters": 8, "kernel": 3, "padding": "same", "groups": 2},
        "6x6x4",
        "6x6x8",
        152,
        5184,
    ),
    Case(  # 1-D, without bias: 5·4·6
        "conv", {"filters": 6, "kernel": 5, "bias": False}, "10x4", "6x6", 120, 720
    ),
    Case(  # 3-D: 2·3·3·1·2 + 2 parameters, 3·2·2 positions
        "conv", {"filters": 2, "kernel": (2, 3, 3)}, "4x4x4x1", "3x2x2x2", 38, 432
    ),
    Case(  # dilation 2 makes a kernel of 3 span 5
        "conv", {"filters": 1, "kernel": 3, "dilation": 2}, "7x7x1", "3x3x1", 10, 81
    ),
    Case(  # (8 − 3 + 0)/2 + 1 = 3.5, rounded down
        "conv",
        {"filters": 1, "kernel": 3, "stride": 2, "padding": "valid", "rounding": "floor"},
        "8x1",
        "3x1",
        4,
        9,
    ),
    Case(  # ⌈8/3⌉ = 3
        "conv", {"filters": 1, "kernel": 3, "stride": 3, "padding": "same"}, "8x1", "3x1", 4, 9
    ),
    Case(  # 3·3·32 weights, one MAC each at 112·112 positions (MobileNet's first)
        "depthwise_conv",
        {"kernel": 3, "padding": 1, "bias": False},
        "112x112x32",
        "112x112x32",
        288,
        3_612_672,
    ),
    Case(  # 3·3·8 weights + 8
        "depthwise_conv", {"kernel": 3, "multiplier": 2}, "5x5x4", "3x3x8", 80, 648
    ),
    Case(  # (4 − 1)·2 + 3 − 2·1 + 1 = 8; 3·3·2·3 weights at 4·4 input values
        "conv_transpose",
        {"filters": 3, "kernel": 3, "stride": 2, "padding": 1, "output_padding": 1},
        "4x4x2",
        "8x8x3",
        57,
        864,
    ),
    Case(  # (5 − 1)·2 + 2·(3 − 1) + 1 = 13
        "conv_transpose",
        {"filters": 4, "kernel": 3, "stride": 2, "dilation": 2, "groups": 2, "bias": False},
        "5x2",
        "13x4",
        12,
        60,
    ),
    Case(  # `same` is the stride times as large, for a kernel below the stride too
        "conv_transpose",
        {"filters": 1, "kernel": 2, "stride": 3, "padding": "same"},
        "5x1",
        "15x1",
        3,
        10,
    ),
    Case(  # 3·3·8 weights, then 8·4, and 4 biases; 9 positions of 72 and of 32
        "separable_conv", {"filters": 4, "kernel": 3, "multiplier": 2}, "5x5x4", "3x3x4", 108, 936
    ),
    Case(  # Keras' SeparableConv2D(64, 3) of 32 channels: 9·32 + 32·64 + 64
        "separable_conv", {"filters": 64, "kernel": 3, "padding": "same"}, "8x8x32", "8x8x64",
        2400, 64 * 2336,
    ),
    Case(  # the notes: 290,400 neurons of 363 weights + 1 bias
        "locally_connected",
        {"filters": 96, "kernel": 11, "stride": 4},
        "227x227x3",
        "55x55x96",
        105_705_600,
        105_415_200,
    ),
    Case(
        "locally_connected",
        {"filters": 2, "kernel": 3, "bias": False},
        "5x2",
        "3x2",
        36,
        36,
    ),
    Case("linear", {"features": 4096}, "25088", "4096", 102_764_544, 102_760_448),
    Case(
        "linear", {"features": 10, "bias": False}, "84", "10", 840, 840,
        torch="nn.Linear(84, 10, bias=False)",
    ),
    # At each position alone: 768·3072 + 3072 parameters, a MAC per weight at 197 positions (ViT).
    Case(
        "linear", {"features": 3072, "axis": "channels"}, "197x768", "197x3072",
        2_362_368, 464_781_312,
    ),
    Case(
        "linear", {"features": 3, "axis": "channels"}, "5x4", "5x3", 15, 60,
    ),
    Case("linear", {"features": 3, "axis": "channels", "bias": False}, "2x5x4", "2x5x3", 12, 120),
    Case("maxpool", {"kernel": 2, "stride": 2}, "224x224x64", "112x112x64"),
    Case("maxpool", {"kernel": 3, "stride": 2}, "55x55x96", "27x27x96"),
    Case(  # SqueezeNet: ⌈(112 − 3)/2⌉ + 1 = 56
        "maxpool", {"kernel": 3, "stride": 2, "rounding": "ceil"}, "112x112x64", "56x56x64"
    ),
    Case(  # dilated to 5: 9 − 5 + 2·1 + 1 = 7
        "maxpool",
        {"kernel": 3, "stride": 1, "padding": 1, "dilation": 2},
        "9x4",
        "7x4",
    ),
    Case("avgpool", {"kernel": (2, 3)}, "8x9x5", "4x3x5", torch="nn.AvgPool2d((2, 3))"),
    Case("avgpool", {"kernel": 3, "stride": 2, "padding": "same"}, "8x3", "4x3"),
    Case(  # dilated to 5: 9 − 5 + 2·1 + 1 = 7
        "avgpool", {"kernel": 3, "stride": 1, "padding": 1, "dilation": 2}, "9x4", "7x4"
    ),
    Case(  # of 4 rows windows of 2 make 2 again
        "maxunpool", {"indices": pool((2, 2, 0), (2, 2, 0))}, "2x2x3 4x4x3", "4x4x3",
        torch=UNPOOL.format("2d", "2, 2"),
    ),
    Case(  # ⌊(7 − 2)/2⌋ + 1 = 3: the last row, which no window reads, comes back
        "maxunpool", {"indices": pool((2, 2, 0))}, "3x2 7x2", "7x2",
        torch=UNPOOL.format("1d", "2, 2"),
    ),
    Case(  # ⌊(5 − 3 + 2·1)/3⌋ + 1 = 2, and (4 − 2)/2 + 1 = 2
        "maxunpool", {"indices": pool((3, 3, 1), (2, 2, 0))}, "2x2x2 5x4x2", "5x4x2",
        torch=UNPOOL.format("2d", "(3, 2), (3, 2), (1, 0)"),
    ),
    Case(
        "maxunpool", {"indices": pool(*[(2, 2, 0)] * 3)}, "1x2x2x2 2x4x5x2", "2x4x5x2",
        torch=UNPOOL.format("3d", "2, 2"),
    ),
    Case(  # ⌈(5 − 2)/2⌉ + 1 = 3: the last window reads one row beyond the map
        "maxunpool", {"indices": pool((2, 2, 0, 1))}, "3x2 5x2", "5x2",
        torch=UNPOOL.format("1d", "2, 2").replace("return_", "ceil_mode=True, return_"),
    ),
    Case("kmaxpool", {"k": 9}, "18x48", "9x48", torch=K_LARGEST.format(k=9)),  # Kalchbrenner's
    Case("kmaxpool", {"k": 2}, "5x3", "2x3", torch=K_LARGEST.format(k=2)),
    Case("kmaxpool", {"k": 4}, "4x2", "4x2", torch=K_LARGEST.format(k=4)),
    # A step of an LSTM: 4·H weights of each input channel and each of the state, and 2·4·H biases.
    Case("lstm", {"features": 4}, "5x3", "5x4", 144, 560, torch=along("LSTM(3, 4)")),
    Case(  # 2·(8·(3 + 2) + 16), and as both directions come in, 2·(8·(4 + 2) + 16); 4 steps
        "lstm", {"features": 2, "layers": 2, "bidirectional": True}, "4x3", "4x4", 240, 704,
        torch=along("LSTM(3, 2, 2, bidirectional=True)"),
    ),
    Case(
        "lstm", {"features": 2, "bias": False}, "1x3", "1x2", 40, 40,
        torch=along("LSTM(3, 2, bias=False)"),
    ),
    Case(  # CRNN's first: 2·(1024·(512 + 256) + 2048)
        "lstm", {"features": 256, "bidirectional": True}, "26x512", "26x512", 1_576_960,
        40_894_464,
    ),
    # Of a GRU, 3·H weights of each.
    Case("gru", {"features": 4}, "5x3", "5x4", 108, 420, torch=along("GRU(3, 4)")),
    Case(
        "gru", {"features": 3, "bidirectional": True, "bias": False}, "4x2", "4x6", 90, 360,
        torch=along("GRU(2, 3, bidirectional=True, bias=False)"),
    ),
    Case("lppool", {"kernel": 2}, "8x8x8x3", "4x4x4x3", torch="nn.LPPool3d(2, 2)"),
    Case("adaptive_avgpool", {"size": 7}, "9x10x512", "7x7x512"),
    Case("adaptive_avgpool", {"size": 2}, "5x4x3", "2x2x3", torch="nn.AdaptiveAvgPool2d(2)"),
    Case(
        "adaptive_maxpool", {"size": (2, 3)}, "1x9x4", "2x3x4",
        torch="nn.AdaptiveMaxPool2d((2, 3))",
    ),
    Case("global_avgpool", {}, "7x7x2048", "1x1x2048"),
    Case("global_avgpool", {}, "4x5x6", "1x1x6", torch="nn.AdaptiveAvgPool2d(1)"),
    Case("global_maxpool", {}, "100x128", "1x128", torch="nn.AdaptiveMaxPool1d(1)"),
    Case(
        "channel_avgpool", {}, "6x5x4", "6x5x1", torch="lambda x: torch.mean(x, 1, keepdim=True)"
    ),
    Case("channel_avgpool", {}, "10", "1", torch="lambda x: torch.mean(x, 1, keepdim=True)"),
    Case(
        "channel_maxpool", {}, "6x5x4", "6x5x1", torch="lambda x: torch.max(x, 1, keepdim=True)[0]"
    ),
    Case("channel_maxpool", {}, "10", "1", torch="lambda x: torch.max(x, 1, keepdim=True)[0]"),
    Case("batchnorm", {}, "56x56x64", "56x56x64", 128, 0, 128, torch="nn.BatchNorm2d(64)"),
    Case(
        "batchnorm", {"affine": False}, "10", "10", 0, 0, 20,
        torch="nn.BatchNorm1d(10, affine=False)",
    ),
    Case("batchnorm", {"track_running_stats": False}, "9x4", "9x4", 8),
    Case("groupnorm", {"groups": 4}, "5x5x8", "5x5x8", 16, torch="nn.GroupNorm(4, 8)"),
    Case("groupnorm", {"groups": 1, "affine": False}, "8", "8"),
    Case("layernorm", {}, "7x7x96", "7x7x96", 192),
    Case("layernorm", {"over": "all"}, "2x3x4", "2x3x4", 48),
    Case("layernorm", {"bias": False}, "10", "10", 10),
    Case("instancenorm", {}, "8x8x3", "8x8x3", torch="nn.InstanceNorm2d(3)"),
    Case("instancenorm", {"affine": True, "track_running_stats": True}, "9x3", "9x3", 6, 0, 6),
    Case("lrn", {"size": 5}, "55x55x96", "55x55x96"),
    Case("lrn", {"size": 3}, "4x5x6", "4x5x6", torch="nn.LocalResponseNorm(3)"),
    Case("l2norm", {}, "38x38x512", "38x38x512", 512),  # SSD300's conv4_3
    Case("l2norm", {}, "6x5x4", "6x5x4", 4),
    Case(
        "l2norm", {"affine": False}, "6x5x4", "6x5x4",
        torch="lambda x: nn.functional.normalize(x)",
    ),
    *(
        Case(kind, {}, text, text, torch=f"nn.{module}")
        for kind, module in {
            "relu": "ReLU()",
            "relu6": "ReLU6()",
            "leaky_relu": "LeakyReLU()",
            "elu": "ELU()",
            "selu": "SELU()",
            "gelu": "GELU()",
            "silu": "SiLU()",
            "mish": "Mish()",
            "sigmoid": "Sigmoid()",
            "hardsigmoid": "Hardsigmoid()",
            "hardswish": "Hardswish()",
            "tanh": "Tanh()",
            "identity": "Identity()",
            "softplus": "Softplus()",
            "softmax": "Softmax(1)",
            "log_softmax": "LogSoftmax(1)",
            "dropout": "Dropout()",
        }.items()
        for text in ("10", "6x5x4")
    ),
    Case("abs", {}, "10", "10", torch="torch.abs"),
    Case("abs", {}, "6x5x4", "6x5x4", torch="torch.abs"),
    Case("prelu", {}, "6x6x64", "6x6x64", 1),
    Case("prelu", {"slopes": "channels"}, "6x6x64", "6x6x64", 64, torch="nn.PReLU(64)"),
    Case("flatten", {}, "7x7x512", "25088", torch="nn.Flatten()"),
    Case("flatten", {"start": 2}, "7x8x512", "56x512"),
    Case("flatten", {"start": 1, "end": 2}, "7x8x4", "8x28"),
    Case("flatten", {}, "10", "10"),
    Case("reshape", {"shape": (4, 4, 1024)}, "16384", "4x4x1024"),
    Case("reshape", {"shape": (-1, 8)}, "3x4x6", "9x8"),
    Case("permute", {"order": (1, 3, 2)}, "4x5x6", "5x4x6"),
    Case("permute", {"order": (2, 1)}, "4x6", "6x4"),
    Case("pixel_shuffle", {"factor": 3}, "4x5x18", "12x15x2", torch="nn.PixelShuffle(3)"),
    Case("pixel_shuffle", {"factor": 2}, "4x6", "8x3"),
    Case("space_to_depth", {"factor": 3}, "12x15x2", "4x5x18", torch="nn.PixelUnshuffle(3)"),
    Case("space_to_depth", {"factor": 2}, "8x3", "4x6"),
    Case(  # YOLOv5's Focus
        "space_to_depth", {"factor": 2, "order": "columns"}, "8x6x3", "4x3x12",
        torch="lambda x: torch.cat([x[..., ::2, ::2], x[..., 1::2, ::2], x[..., ::2, 1::2], "
        "x[..., 1::2, 1::2]], 1)",
    ),
    Case(  # tf.nn.space_to_depth, by whose order YOLOv2's reorg is meant
        "space_to_depth", {"factor": 2, "order": "rows"}, "26x26x64", "13x13x256"
    ),
    Case("channel_shuffle", {"groups": 3}, "8x8x240", "8x8x240", torch="nn.ChannelShuffle(3)"),
    Case("pad", {"padding": (1, (2, 3))}, "4x5x6", "6x10x6"),
    Case("pad", {"padding": 3, "mode": "reflect"}, "4x6", "10x6", torch="nn.ReflectionPad1d(3)"),
    Case("pad", {"padding": 4, "mode": "circular"}, "4x6", "12x6"),
    Case("pad", {"padding": 9, "mode": "replicate"}, "1x6", "19x6"),
    # He et al., option A: the shortcut from 16 to 32 channels of a ResNet for CIFAR-10
    Case("pad", {"channels": (8, 8)}, "16x16x16", "16x16x32"),
    Case("pad", {"channels": (0, 3)}, "10", "13", torch="lambda x: nn.functional.pad(x, (0, 3))"),
    Case("pad", {"padding": 1, "channels": (2, 0), "value": 0.5}, "4x5x6", "6x7x8"),
    Case("pad", {"channels": (1, 0)}, "4x5", "4x6"),
    Case("pad", {"channels": (1, 2)}, "2x3x4x1", "2x3x4x4"),
    Case("crop", {"amount": 4}, "64x64x3", "56x56x3"),
    Case("crop", {"amount": ((0, 1), (2, 0))}, "5x5x3", "4x3x3"),
    Case("crop", {"size": 56}, "64x63x3", "56x56x3"),
    Case("upsample", {"scale": 2}, "4x5x6", "8x10x6", torch="nn.Upsample(scale_factor=2)"),
    Case(
        "upsample", {"scale": 2, "positions": "half_pixel", "round": "round_prefer_ceil"},
        "4x5x6", "8x10x6", torch="nn.Upsample(scale_factor=2, mode='nearest-exact')",
    ),
    Case("upsample", {"scale": 2, "mode": "linear", "positions": "asymmetric"}, "5x6", "10x6"),
    Case("upsample", {"scale": 2, "round": "ceil"}, "5x6", "10x6"),
    Case("upsample", {"scale": 1.5, "mode": "linear"}, "5x6", "7x6"),
    Case("upsample", {"size": (7, 9), "mode": "cubic"}, "4x4x6", "7x9x6"),
    Case("upsample", {"scale": (0.5, 3)}, "5x5x1", "2x15x1"),
    Case("upsample", {"size": 7, "align_corners": True}, "5x6", "7x6"),
    Case("upsample", {"scale": 1.3, "positions": "half_pixel_symmetric"}, "5x6", "6x6"),
    Case("upsample", {"size": (1, 7), "positions": "pytorch_half_pixel"}, "4x4x6", "1x7x6"),
    Case(
        "upsample", {"scale": 2, "positions": "tf_half_pixel_for_nn", "round": "ceil"},
        "5x6", "10x6",
    ),
    Case("upsample", {"scale": 2, "mode": "cubic", "coefficient": -0.5}, "4x4x6", "8x8x6"),
    Case("upsample", {"scale": 2, "mode": "cubic", "border": "exclude"}, "4x4x6", "8x8x6"),
    *(
        Case(
            "upsample", {"size": (3, 4), "mode": mode, "antialias": True}, "9x7x6", "3x4x6",
            torch=f"lambda x: nn.functional.interpolate(x, (3, 4), mode='bi{mode}', "
            "antialias=True)",
        )
        for mode in ("linear", "cubic")
    ),
    Case(
        "upsample", {"scale": 0.4, "mode": "cubic", "antialias": True, "border": "replicate"},
        "9x7x6", "3x2x6",
    ),
    Case(
        "upsample", {"size": 4, "mode": "linear", "align_corners": True}, "1x1x1x2", "4x4x4x2"
    ),
    Case("slice", {"start": 2, "stop": 5}, "4x4x8", "4x4x3"),
    Case("slice", {"start": -3}, "8", "3", torch="lambda x: x[:, -3:]"),
    Case("slice", {"stop": -3}, "7x8", "7x5", torch="lambda x: x[:, :-3]"),
    Case("scale", {}, "7x7x96", "7x7x96", 96),
    Case("scale", {"bias": True}, "96", "96", 192),
    Case("affine", {"times": 0.1}, "6x5x4", "6x5x4", torch="lambda x: x * 0.1"),
    Case("affine", {"times": -2.0, "plus": 3.0}, "10", "10", torch="lambda x: x * -2 + 3"),
    Case("affine", {"plus": 0.5}, "9x4", "9x4", torch="lambda x: x + 0.5"),
    Case("affine", {"times": 1}, "9x4", "9x4"),
    Case("add", {}, "4x4x8 4x4x8 4x4x8", "4x4x8"),
    Case("add", {}, "1x1x8 4x4x1 4x4x8", "4x4x8"),
    Case("multiply", {}, "7x7x32 1x1x32", "7x7x32"),
    Case("subtract", {}, "7x7x8 7x7x8", "7x7x8", torch="torch.sub"),
    Case("subtract", {}, "1x1x8 4x4x1", "4x4x8", torch="torch.sub"),
    Case("divide", {}, "7x7x8 7x7x8", "7x7x8", torch="torch.div"),
    Case("divide", {}, "4x4x8 1x1x8", "4x4x8", torch="torch.div"),
    Case("maximum", {}, "7x7x8 7x7x8", "7x7x8", torch="torch.maximum"),
    Case("maximum", {}, "10 10 1", "10"),
    Case("slice", {"start": 2, "axis": "length"}, "9x4", "7x4", torch="lambda x: x[:, :, 2:]"),
    Case(
        "slice",
        {"start": -3, "stop": -1, "axis": "height"},
        "6x5x4",
        "2x5x4",
        torch="lambda x: x[:, :, -3:-1]",
    ),
    Case(
        "slice", {"stop": 2, "axis": "width"}, "3x5x4", "3x2x4", torch="lambda x: x[:, :, :, :2]"
    ),
    Case("concat", {}, "7x7x32 7x7x1 7x7x5", "7x7x38"),
    Case("concat", {}, "10 20", "30"),
    Case(
        "concat", {"axis": "length"}, "5x4 3x4 1x4", "9x4", torch="lambda *xs: torch.cat(xs, 2)"
    ),
    Case(
        "concat", {"axis": "height"}, "3x5x4 2x5x4", "5x5x4", torch="lambda *x: torch.cat(x, 2)"
    ),
    Case("concat", {"axis": "width"}, "3x5x4 3x2x4", "3x7x4", torch="lambda *x: torch.cat(x, 3)"),
    # PointNet's input transform: 1024 points of 3 coordinates times a 3×3 matrix
    # ViT-B/16: 4·768² + 4·768 parameters, 4·197·768² + 2·197²·768 MACs.
    Case(
        "attention", {"heads": 12}, "197x768", "197x768", 2_362_368,
        4 * 197 * 768**2 + 2 * 197**2 * 768,
    ),
    Case("attention", {"heads": 2}, "5x4", "5x4", 80, 4 * 5 * 16 + 2 * 25 * 4),
    Case(
        "attention", {"heads": 3, "bias": False}, "2x3x6", "2x3x6", 144, 4 * 6 * 36 + 2 * 36 * 6
    ),
    # To another tensor: 5 queries and 7 keys of 4 channels; 6 keys of other channels; 3 keys of 6
    # channels and 3 values of 2. Queries, keys, values and output are each a projection.
    Case(
        "attention", {"heads": 2}, "5x4 7x4", "5x4", 80,
        5 * 16 + 7 * 16 + 7 * 16 + 5 * 16 + 2 * 5 * 7 * 4,
    ),
    Case(
        "attention", {"heads": 2}, "5x4 3x2x6", "5x4", 16 + 24 + 24 + 16 + 16,
        5 * 16 + 6 * 24 + 6 * 24 + 5 * 16 + 2 * 5 * 6 * 4,
    ),
    Case(
        "attention", {"heads": 1, "bias": False}, "5x4 3x6 3x2", "5x4", 16 + 24 + 8 + 16,
        5 * 16 + 3 * 24 + 3 * 8 + 5 * 16 + 2 * 5 * 3 * 4,
    ),
    # Swin's: 14×14 in 4 windows of 7×7, 49² scores each; 13·13 relative positions of 3 heads. Of a
    # 3×4 map in one part, 5·7; of windows of 2×2 in 3×5, which zeros make 4×6, each twice 24·4·4.
    Case(
        "attention", {"heads": 3, "relative_bias": True, "window": 7, "shift": 3},
        "14x14x96", "14x14x96", 4 * 96**2 + 4 * 96 + 169 * 3,
        4 * 196 * 96**2 + 2 * 4 * 49**2 * 96,
    ),
    Case(
        "attention", {"heads": 2, "relative_bias": True}, "3x4x4", "3x4x4", 80 + 5 * 7 * 2,
        4 * 12 * 16 + 2 * 12**2 * 4,
    ),
    Case(
        "attention", {"heads": 2, "bias": False, "window": 2, "shift": 1}, "3x5x4", "3x5x4", 64,
        4 * 24 * 16 + 2 * 24 * 4 * 4,
    ),
    # A grid of 2×3 in 4×6: 4 parts of 6 positions, which stand 2 apart.
    Case(
        "attention", {"heads": 2, "relative_bias": True, "grid": (2, 3)}, "4x6x4", "4x6x4",
        80 + 3 * 5 * 2, 4 * 24 * 16 + 2 * 24 * 6 * 4,
    ),
    Case(
        "attention", {"heads": 2, "relative_bias": True, "window": 3, "shift": 1}, "8x4", "8x4",
        80 + 5 * 2, 4 * 9 * 16 + 2 * 9 * 3 * 4,
    ),
    # A class token is a row of 768; positions of a map are values of their own at each: 3·2·4.
    Case("learned", {"shape": (1, 768)}, "196x768", "1x768", 768),
    Case("learned", {"shape": (7, 5)}, "6x5", "7x5", 35),
    Case("learned", {"shape": (3, 2, 4)}, "6x5x3", "3x2x4", 24),
    # word2vec's 3,000,000 words of 300 (Mikolov 2013): 900 million parameters, and no product.
    Case(
        "embedding", {"entries": 3_000_000, "features": 300}, "50x1", "50x300", 900_000_000
    ),
    Case("embedding", {"entries": 5, "features": 4}, "6x1", "6x4", 20),
    Case("embedding", {"entries": 1, "features": 1}, "1x1", "1x1", 1),
    Case("matmul", {}, "1024x3 3x3", "1024x3", macs=9216, torch="lambda a, b: torch.bmm(b, a)"),
    Case("matmul", {}, "5x4 4x7", "5x7", macs=140, torch="lambda a, b: torch.bmm(b, a)"),
]  # fmt: skip

RUN = [case for case in CASES if case.small]
"""Those that are run."""
