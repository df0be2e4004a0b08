"""Names and words from other worlds: kinds, fields, values.

The short tables are for slips of one item that --fix puts right; the rows are for all others.
"""

from typing import Any

from slips.slip import Slip

KINDS = {
    # what people write: what they mean, where that is another name alone
    "pytorch": {
        "Conv2d: {filters: 8, kernel: 3}": "conv: {filters: 8, kernel: 3}",
        "nn.Conv2d: {filters: 8, kernel: 3}": "conv: {filters: 8, kernel: 3}",
        "torch.nn.Conv2d: {filters: 8, kernel: 3}": "conv: {filters: 8, kernel: 3}",
        "LazyConv2d: {filters: 8, kernel: 3}": "conv: {filters: 8, kernel: 3}",
        "ConvTranspose2d: {filters: 8, kernel: 2, stride: 2}": (
            "conv_transpose: {filters: 8, kernel: 2, stride: 2}"
        ),
        "MaxPool2d: 2": "maxpool: 2",
        "max_pool2d: 2": "maxpool: 2",
        "AvgPool2d: 2": "avgpool: 2",
        "- {name: p, maxpool: 2}\n- MaxUnpool2d: p": "- {name: p, maxpool: 2}\n- maxunpool: p",
        "avg_pool2d: 2": "avgpool: 2",
        "AdaptiveAvgPool2d: 1": "adaptive_avgpool: 1",
        "adaptive_max_pool2d: 1": "adaptive_maxpool: 1",
        "BatchNorm2d": "batchnorm",
        "batch_norm": "batchnorm",
        "SyncBatchNorm": "batchnorm",
        "GroupNorm: 4": "groupnorm: 4",
        "group_norm: 4": "groupnorm: 4",
        "LayerNorm": "layernorm",
        "layer_norm": "layernorm",
        "InstanceNorm2d": "instancenorm",
        "LocalResponseNorm: 5": "lrn: 5",
        "ReLU": "relu",
        # ReLU6 is min(max(x, 0), 6); nn.ReLU's first argument is inplace
        "ReLU: 6": "relu6",
        # left, right, top and bottom of the last axes first
        "ZeroPad2d: [1, 2, 3, 4]": "pad: [[3, 4], [1, 2]]",
        "Upsample: {size: 64}": "upsample: {size: 64}",
        "Upsample: {scale: 2}": "upsample: {scale: 2}",
        "LeakyReLU: {slope: 0.1}": "leaky_relu: {slope: 0.1}",
        "ReLU6": "relu6",
        "LeakyReLU: 0.1": "leaky_relu: 0.1",
        "PReLU": "prelu",
        "MultiheadAttention: 8": "attention: 8",
        "ELU": "elu",
        "SELU": "selu",
        "GELU": "gelu",
        "SiLU": "silu",
        "Mish": "mish",
        "Sigmoid": "sigmoid",
        "Hardsigmoid": "hardsigmoid",
        "hard_sigmoid": "hardsigmoid",
        "Hardswish": "hardswish",
        "hard_swish": "hardswish",
        "h_swish": "hardswish",
        "Tanh": "tanh",
        "Softplus": "softplus",
        "Softmax": "softmax",
        "LogSoftmax": "log_softmax",
        "Dropout: 0.1": "dropout: 0.1",
        "Dropout2d: 0.1": "dropout: 0.1",
        "PixelShuffle: 2": "pixel_shuffle: 2",
        "PixelUnshuffle: 2": "space_to_depth: 2",
        "pixel_unshuffle: 2": "space_to_depth: 2",
        "Identity": "identity",
        "pixelshuffle: 2": "pixel_shuffle: 2",
        "ChannelShuffle: 2": "channel_shuffle: 2",
        "ZeroPad2d: 1": "pad: 1",
        "Flatten": "flatten",
        "nn.ReLU()": "relu",
        "nn.ReLU(inplace=True)": "relu",
        "nn.BatchNorm2d(8)": "batchnorm",
        "nn.Flatten()": "flatten",
        "nn.Softmax()": "softmax",
        "F.relu": "relu",
        "F.gelu": "gelu",
    },
    "keras": {
        "Conv2D: {filters: 8, kernel: 3}": "conv: {filters: 8, kernel: 3}",
        "Convolution2D: {filters: 8, kernel: 3}": "conv: {filters: 8, kernel: 3}",
        "layers.Conv2D: {filters: 8, kernel: 3}": "conv: {filters: 8, kernel: 3}",
        "tf.keras.layers.Conv2D: {filters: 8, kernel: 3}": "conv: {filters: 8, kernel: 3}",
        "DepthwiseConv2D: 3": "depthwise_conv: 3",
        "Conv2DTranspose: {filters: 8, kernel: 2, stride: 2}": (
            "conv_transpose: {filters: 8, kernel: 2, stride: 2}"
        ),
        "LocallyConnected2D: {filters: 2, kernel: 3}": "locally_connected: {filters: 2, kernel: 3}",
        "MaxPooling2D: 2": "maxpool: 2",
        "MaxPool2D: 2": "maxpool: 2",
        "AveragePooling2D: 2": "avgpool: 2",
        "GlobalAveragePooling2D": "global_avgpool",
        "GlobalAvgPool2D": "global_avgpool",
        "GlobalMaxPooling2D": "global_maxpool",
        "BatchNormalization": "batchnorm",
        "LayerNormalization": "layernorm",
        "GroupNormalization: 4": "groupnorm: 4",
        "SpatialDropout2D: 0.2": "dropout: 0.2",
        "UpSampling2D: 2": "upsample: 2",
        # size is the factor
        "UpSampling2D: {size: 2}": "upsample: {scale: 2}",
        "UpSampling2D: {size: [2, 3]}": "upsample: {scale: [2, 3]}",
        "UpSampling2D: {size: 2, interpolation: bilinear}": "upsample: {scale: 2, mode: linear}",
        # height and width change places: of 32×16×8 they make 16×32×8
        "Permute: [2, 1, 3]": "permute: [1, 3, 2]",
        "Permute: {dims: [2, 1, 3]}": "permute: [1, 3, 2]",
        # the channels become the height, and the width the channels
        "layers.Permute: [3, 1, 2]": "permute: [3, 1, 2]",
        # the share that is kept there is the share that is new here
        "BatchNormalization: {momentum: 0.9, epsilon: 0.001}": (
            "batchnorm: {momentum: 0.1, eps: 0.001}"
        ),
        "Activation: softmax": "softmax",
        "Activation: Swish": "silu",
        "activation: relu": "relu",
        "Activation: relu": "relu",
        "InstanceNormalization": "instancenorm: {affine: true}",
        "ReLU: {max_value: 6}": "relu6",
        "ReLU: {negative_slope: 0.2}": "leaky_relu: 0.2",
        "AveragePooling2D: {kernel: 3, stride: 2, padding: same}": (
            "avgpool: {kernel: 3, stride: 2, padding: same, count_include_pad: false}"
        ),
        "ZeroPadding2D: 1": "pad: 1",
        "swish": "silu",
        "hard_silu": "hardswish",
        "Flatten()": "flatten",
        "GlobalAveragePooling2D()": "global_avgpool",
        "BatchNormalization()": "batchnorm",
    },
    "caffe": {
        "Convolution: {filters: 8, kernel: 3}": "conv: {filters: 8, kernel: 3}",
        "Deconvolution: {filters: 8, kernel: 2, stride: 2}": (
            "conv_transpose: {filters: 8, kernel: 2, stride: 2}"
        ),
        "ConvolutionDepthwise: 3": "depthwise_conv: 3",
        "BatchNorm": "batchnorm",
        "Scale": "scale",
        "TanH": "tanh",
        "LRN: 5": "lrn: 5",
        "ShuffleChannel: 2": "channel_shuffle: 2",
        "Split: [a, b]": "split: [a, b]",
        "local_response_norm: 5": "lrn: 5",
    },
    "yolo": {
        "convolutional: {filters: 8, kernel: 3}": "conv: {filters: 8, kernel: 3}",
        "deconvolutional: {filters: 8, kernel: 2, stride: 2}": (
            "conv_transpose: {filters: 8, kernel: 2, stride: 2}"
        ),
        "Conv: {filters: 8, kernel: 3}": "conv: {filters: 8, kernel: 3}",
        "DWConv: 3": "depthwise_conv: 3",
        "logistic": "sigmoid",
        "local_avgpool: 2": "avgpool: 2",
        "lrelu: 0.1": "leaky_relu: 0.1",
    },
    "yaml": {
        "cnov: {filters: 8, kernel: 3}": "conv: {filters: 8, kernel: 3}",
        "maxpol: 2": "maxpool: 2",
        "max-pool: 2": "maxpool: 2",
        "MAXPOOL: 2": "maxpool: 2",
        "avg_pool: 2": "avgpool: 2",
        "bacthnorm": "batchnorm",
        "batch-norm": "batchnorm",
        "drpout: 0.5": "dropout: 0.5",
        "flaten": "flatten",
        "soft_max": "softmax",
        "RELU": "relu",
        "global_avg_pool": "global_avgpool",
        "leakyrelu: 0.2": "leaky_relu: 0.2",
        "convtranspose: {filters: 8, kernel: 2, stride: 2}": (
            "conv_transpose: {filters: 8, kernel: 2, stride: 2}"
        ),
        "depthwise: 3": "depthwise_conv: 3",
        "gap": "global_avgpool",
        "bn": "batchnorm",
        "ln": "layernorm",
        "deconv: {filters: 8, kernel: 2, stride: 2}": (
            "conv_transpose: {filters: 8, kernel: 2, stride: 2}"
        ),
    },
}

VECTOR_KINDS = {
    "pytorch": {"Linear: 10": "linear: 10", "nn.Linear: 10": "linear: 10"},
    "keras": {"Dense: 10": "linear: 10", "dense: 10": "linear: 10"},
    "caffe": {"InnerProduct: 10": "linear: 10", "inner_product: 10": "linear: 10"},
    "yolo": {"connected: 10": "linear: 10"},
    "yaml": {
        "fc: 10": "linear: 10",
        "fully_connected: 10": "linear: 10",
        "linaer: 10": "linear: 10",
    },
}

FIELDS = {
    "pytorch": {
        "conv: {out_channels: 16, kernel_size: 3}": "conv: {filters: 16, kernel: 3}",
        "conv: {out_channels: 16, kernel_size: 3, padding: 1}": (
            "conv: {filters: 16, kernel: 3, padding: 1}"
        ),
        "conv: {out_channels: 16, kernel: 3}": "conv: {filters: 16, kernel: 3}",
        "conv: {filters: 16, kernel_size: 3x5}": "conv: {filters: 16, kernel: 3x5}",
        "maxpool: {kernel_size: 2}": "maxpool: {kernel: 2}",
        "maxpool: {kernel_size: 2, stride: 2}": "maxpool: {kernel: 2, stride: 2}",
        "maxpool: {kernel: 3, stride: 2, ceil_mode: true}": (
            "maxpool: {kernel: 3, stride: 2, rounding: ceil}"
        ),
        "maxpool: {kernel: 3, stride: 2, padding: 1, ceil_mode: False}": (
            "maxpool: {kernel: 3, stride: 2, padding: 1, rounding: floor}"
        ),
        "avgpool: {kernel: 2, divisor_override: 3}": "avgpool: {kernel: 2, divisor: 3}",
        "lppool: {kernel: 2, norm_type: 2}": "lppool: {kernel: 2, norm: 2}",
        "groupnorm: {num_groups: 4}": "groupnorm: {groups: 4}",
        "layernorm: {elementwise_affine: false}": "layernorm: {affine: false}",
        "layernorm: {normalized_shape: 8}": "layernorm: {over: channels}",
        "layernorm: {normalized_shape: [8]}": "layernorm: {over: channels}",
        "layernorm: {normalized_shape: [8, 32, 32]}": "layernorm: {over: all}",
        "leaky_relu: {negative_slope: 0.2}": "leaky_relu: {slope: 0.2}",
        "upsample: {scale_factor: 2}": "upsample: {scale: 2}",
        "pixel_shuffle: {upscale_factor: 2}": "pixel_shuffle: {factor: 2}",
        "relu: {inplace: true}": "relu: {}",
        "leaky_relu: {slope: 0.2, inplace: true}": "leaky_relu: {slope: 0.2}",
        "depthwise_conv: {kernel_size: 3}": "depthwise_conv: {kernel: 3}",
        "conv_transpose: {out_channels: 8, kernel_size: 2, stride: 2}": (
            "conv_transpose: {filters: 8, kernel: 2, stride: 2}"
        ),
    },
    "keras": {
        "conv: {filters: 8, kernel_size: 3}": "conv: {filters: 8, kernel: 3}",
        "conv: {filters: 8, kernel: 3, strides: 1}": "conv: {filters: 8, kernel: 3, stride: 1}",
        "conv: {filters: 8, kernel: 3, dilation_rate: 2}": (
            "conv: {filters: 8, kernel: 3, dilation: 2}"
        ),
        "conv: {filters: 8, kernel: 3, use_bias: false}": (
            "conv: {filters: 8, kernel: 3, bias: false}"
        ),
        "maxpool: {pool_size: 2}": "maxpool: {kernel: 2}",
        "maxpool: {pool_size: 2, strides: 2}": "maxpool: {kernel: 2, stride: 2}",
        "batchnorm: {epsilon: 0.001}": "batchnorm: {eps: 0.001}",
        "upsample: {scale: 2, interpolation: linear}": "upsample: {scale: 2, mode: linear}",
        "crop: {cropping: 2}": "crop: {amount: 2}",
        "depthwise_conv: {kernel: 3, depth_multiplier: 2}": (
            "depthwise_conv: {kernel: 3, multiplier: 2}"
        ),
        "dropout: {drop_rate: 0.2}": "dropout: {rate: 0.2}",
    },
    "caffe": {
        "conv: {num_output: 8, kernel_size: 3}": "conv: {filters: 8, kernel: 3}",
        "conv: {num_output: 8, kernel_size: 3, pad: 1}": (
            "conv: {filters: 8, kernel: 3, padding: 1}"
        ),
        "conv: {num_output: 8, kernel_size: 3, group: 2}": (
            "conv: {filters: 8, kernel: 3, groups: 2}"
        ),
        "conv: {num_output: 8, kernel_size: 3, bias_term: false}": (
            "conv: {filters: 8, kernel: 3, bias: false}"
        ),
        "lrn: {local_size: 5}": "lrn: {size: 5}",
        "dropout: {dropout_ratio: 0.5}": "dropout: {rate: 0.5}",
        "leaky_relu: {negative_slope: 0.1}": "leaky_relu: {slope: 0.1}",
    },
    "yolo": {"upsample: {stride: 2}": "upsample: {scale: 2}"},
    "yaml": {
        "conv: {filtres: 8, kernel: 3}": "conv: {filters: 8, kernel: 3}",
        "conv: {filters: 8, kernal: 3}": "conv: {filters: 8, kernel: 3}",
        "conv: {filters: 8, kernel: 3, paddding: 1}": "conv: {filters: 8, kernel: 3, padding: 1}",
        "conv: {filters: 8, kernel: 3, dialtion: 2}": "conv: {filters: 8, kernel: 3, dilation: 2}",
        "conv: {filters: 8, kernel: 3, no_bias: true}": (
            "conv: {filters: 8, kernel: 3, bias: false}"
        ),
        "batchnorm: {affin: false}": "batchnorm: {affine: false}",
    },
}

VECTOR_FIELDS = {
    "pytorch": {"linear: {out_features: 10}": "linear: {features: 10}"},
    "keras": {
        "linear: {units: 10}": "linear: {features: 10}",
        "linear: {units: 10, use_bias: false}": "linear: {features: 10, bias: false}",
    },
    "caffe": {"linear: {num_output: 10}": "linear: {features: 10}"},
    "yolo": {
        "linear: {outputs: 10}": "linear: {features: 10}",
        "linear: {output: 10}": "linear: {features: 10}",
    },
}

VALUES = {
    "pytorch": {
        "conv: {filters: 8, kernel: 3, padding_mode: zeros}": (
            "conv: {filters: 8, kernel: 3, padding_mode: zero}"
        ),
        "upsample: {scale: 2, mode: bilinear}": "upsample: {scale: 2, mode: linear}",
        "upsample: {scale: 2, mode: bicubic}": "upsample: {scale: 2, mode: cubic}",
        "conv: {filters: 8, kernel: 3, bias: 1}": "conv: {filters: 8, kernel: 3, bias: true}",
    },
    "keras": {
        "conv: {filters: 8, kernel: 3, padding: SAME}": (
            "conv: {filters: 8, kernel: 3, padding: same}"
        ),
        "conv: {filters: 8, kernel: 3, padding: VALID}": (
            "conv: {filters: 8, kernel: 3, padding: valid}"
        ),
        "conv: {filters: 8, kernel: 3, padding: Same}": (
            "conv: {filters: 8, kernel: 3, padding: same}"
        ),
        "conv: {filters: 8, kernel: 3, padding: None}": "conv: {filters: 8, kernel: 3, padding: 0}",
        "upsample: {scale: 2, mode: Nearest}": "upsample: {scale: 2, mode: nearest}",
        "gelu: {approximate: True}": "gelu: {approximate: tanh}",
        "gelu: {approximate: false}": "gelu: {approximate: none}",
    },
    "caffe": {
        "maxpool: {kernel: 3, stride: 2, rounding: CEIL}": (
            "maxpool: {kernel: 3, stride: 2, rounding: ceil}"
        ),
    },
    "yaml": {
        "conv: {filters: 8, kernel: 3, bias: no}": "conv: {filters: 8, kernel: 3, bias: false}",
        "conv: {filters: 8, kernel: 3, bias: off}": "conv: {filters: 8, kernel: 3, bias: false}",
        "conv: {filters: 8, kernel: 3, bias: yes}": "conv: {filters: 8, kernel: 3, bias: true}",
        "conv: {filters: 8, kernel: 3, bias: 0}": "conv: {filters: 8, kernel: 3, bias: false}",
        "conv: {filters: 8, kernel: 3, padding: none}": "conv: {filters: 8, kernel: 3, padding: 0}",
        "conv: {filters: 8, kernel: 3, padding: smae}": (
            "conv: {filters: 8, kernel: 3, padding: same}"
        ),
        "conv: {filters: 8, kernel: 3, padding_mode: wrap}": (
            "conv: {filters: 8, kernel: 3, padding_mode: circular}"
        ),
        "pad: {padding: 1, mode: edge}": "pad: {padding: 1, mode: replicate}",
        "layernorm: chanels": "layernorm: channels",
        "relu: true": "relu",
        "softmax: true": "softmax",
        "add: [[], relu]": "add: [[], [relu]]",
        "concat: [relu, [sigmoid]]": "concat: [[relu], [sigmoid]]",
    },
}


def _fixed(table: dict[str, dict[str, str]], code: str, shape: str = "32x32x8") -> list[Slip]:
    return [
        Slip(by, text, code, fixed, input=shape)
        for by, slips in table.items()
        for text, fixed in slips.items()
        if fixed is not None
    ]


GATED = (
    "multiply: [[slice: {stop: incoming.channels/2}], "
    "[slice: {start: incoming.channels/2}, sigmoid]]"
)
CONV = "conv: {filters: 8, kernel: 3}"

SAID: list[tuple[Any, ...]] = [
    # by, what they write, code, words of the help, what one writes who does as it says
    ("pytorch", "Sequential: [relu, relu]", "CC113", "`layers: [relu]`", "layers: [relu]"),
    (
        "pytorch",
        "GLU",
        "CC113",
        f"write `{GATED}`",
        GATED,
    ),
    ("pytorch", "RReLU", "CC113", "`leaky_relu: 0.2292`", "leaky_relu: 0.2292"),
    ("pytorch", "CELU", "CC113", "with alpha 1 it is `elu`", "elu"),
    ("pytorch", "Hardtanh", "CC113", "such as `tanh`", "tanh"),
    ("pytorch", "Softsign", "CC113", "such as `tanh`", "tanh"),
    ("pytorch", "RMSNorm", "CC113", "`layernorm: {bias: false}`", "layernorm: {bias: false}"),
    ("pytorch", "AlphaDropout: 0.1", "CC113", "`dropout` has its shapes", "dropout: 0.1"),
    (
        "pytorch",
        "ReflectionPad2d: 1",
        "CC113",
        "write `pad: {padding: 1, mode: reflect}`",
        "pad: {padding: 1, mode: reflect}",
    ),
    (
        "pytorch",
        "ReplicationPad2d: 1",
        "CC113",
        "write `pad: {padding: 1, mode: replicate}`",
        "pad: {padding: 1, mode: replicate}",
    ),
    (
        "pytorch",
        "UpsamplingBilinear2d: 2",
        "CC113",
        "write `upsample: {scale: 2, mode: linear, align_corners: true}`",
        "upsample: {scale: 2, mode: linear, align_corners: true}",
    ),
    ("pytorch", "RNN: 128", "CC113", "`lstm` and `gru` go along a sequence", None),
    ("pytorch", "EmbeddingBag: 8", "CC113", "`embedding` gives a row for each number", None),
    ("pytorch", "einsum: [[], []]", "CC113", "`multiply` value by value", "multiply: [[], []]"),
    ("pytorch", "CrossEntropyLoss", "CC113", "leave it out, and keep `softmax`", "softmax"),
    ("pytorch", "DataParallel", "CC113", "how a network is run is none of a spec", None),
    ("pytorch", "Unfold: 3", "CC113", "convcalc has no kind for it yet", None),
    (
        "pytorch",
        "Conv2d(8, 16, 3)",
        "CC113",
        "write `conv: {filters: 16, kernel: 3}`",
        "conv: {filters: 16, kernel: 3}",
    ),
    (
        "pytorch",
        "nn.Conv2d(8, 16, kernel_size=3, padding=1)",
        "CC113",
        "write `conv: {filters: 16, kernel: 3, padding: 1}`",
        "conv: {filters: 16, kernel: 3, padding: 1}",
    ),
    ("pytorch", "nn.Dropout(0.2)", "CC113", "write `dropout: 0.2`", "dropout: 0.2"),
    (
        "pytorch",
        "nn.MaxPool2d(2, 2)",
        "CC113",
        "write `maxpool: {kernel: 2, stride: 2}`",
        "maxpool: {kernel: 2, stride: 2}",
    ),
    (
        "pytorch",
        "nn.AdaptiveAvgPool2d((1, 1))",
        "CC113",
        "write `adaptive_avgpool: 1x1`",
        "adaptive_avgpool: 1x1",
    ),
    ("pytorch", "nn.RNN(8, 16)", "CC113", "of recurrent layers there is no other", None),
    (
        "pytorch",
        "conv: {in_channels: 8, filters: 16, kernel: 3}",
        "CC109",
        "leave it out: it follows from the layer before",
        "conv: {filters: 16, kernel: 3}",
    ),
    ("pytorch", "batchnorm: {num_features: 8}", "CC109", "leave it out: it follows", "batchnorm"),
    (
        "pytorch",
        "groupnorm: {groups: 4, num_channels: 8}",
        "CC109",
        "leave it out: it follows",
        "groupnorm: 4",
    ),
    (
        "pytorch",
        "layernorm: {normalized_shape: [32, 32]}",
        "CC109",
        "write `over: all`",
        "layernorm: {over: all}",
    ),
    ("pytorch", "softmax: {dim: 1}", "CC109", "over the channels here", "softmax"),
    ("pytorch", "log_softmax: {dim: 1}", "CC109", "over the channels here", "log_softmax"),
    ("pytorch", f"{CONV[:-1]}, device: cuda}}", "CC109", "how the network is run", CONV),
    ("pytorch", f"{CONV[:-1]}, dtype: float16}}", "CC109", "how the network is run", CONV),
    (
        "pytorch",
        "maxpool: {kernel: 2, return_indices: true}",
        "CC109",
        "how the network is run",
        "maxpool: 2",
    ),
    ("pytorch", "dropout: {p: 0.5}", "CC109", "it is called `rate` here", "dropout: {rate: 0.5}"),
    (
        "pytorch",
        f"{CONV[:-1]}, padding: reflect}}",
        "CC107",
        "as `padding: same`, and `padding_mode: reflect`",
        "conv: {filters: 8, kernel: 3, padding: same, padding_mode: reflect}",
    ),
    (
        "keras",
        f"{CONV[:-1]}, activation: relu}}",
        "CC109",
        "layer of its own: `- relu`",
        f"- {CONV}\n- relu",
    ),
    (
        "keras",
        f"{CONV[:-1]}, activation: sigmoid}}",
        "CC109",
        "layer of its own: `- sigmoid`",
        f"- {CONV}\n- sigmoid",
    ),
    (
        "keras",
        f"{CONV[:-1]}, activation: swish}}",
        "CC109",
        "layer of its own: `- silu`",
        f"- {CONV}\n- silu",
    ),
    (
        "keras",
        f"{CONV[:-1]}, activation: LeakyReLU}}",
        "CC109",
        "layer of its own: `- leaky_relu`",
        f"- {CONV}\n- leaky_relu",
    ),
    ("keras", f"{CONV[:-1]}, activation: linear}}", "CC109", "leave it out", CONV),
    ("keras", f"{CONV[:-1]}, activation: None}}", "CC109", "leave it out", CONV),
    (
        "keras",
        f"{CONV}\nactivation: relu",
        "CC109",
        "layer of its own: `- relu`",
        f"- {CONV}\n- relu",
    ),
    (
        "keras",
        f"{CONV}\nactivation: softmax",
        "CC109",
        "layer of its own: `- softmax`",
        f"- {CONV}\n- softmax",
    ),
    ("keras", f"{CONV}\nkernel_initializer: he_normal", "CC109", "about training", CONV),
    ("keras", f"{CONV[:-1]}, kernel_initializer: he_normal}}", "CC109", "about training", CONV),
    ("keras", f"{CONV[:-1]}, kernel_regularizer: l2}}", "CC109", "about training", CONV),
    ("keras", f"{CONV[:-1]}, bias_initializer: zeros}}", "CC109", "about training", CONV),
    ("keras", f"{CONV[:-1]}, trainable: false}}", "CC109", "about training", CONV),
    ("keras", f"{CONV[:-1]}, data_format: channels_last}}", "CC109", "channels behind here", CONV),
    (
        "keras",
        f"{CONV[:-1]}, input_shape: [32, 32, 8]}}",
        "CC109",
        "leave it out: it follows",
        CONV,
    ),
    ("keras", "batchnorm: {axis: -1}", "CC109", "over the channels here", "batchnorm"),
    (
        "keras",
        "batchnorm: {center: false}",
        "CC109",
        "write `affine: false`",
        "batchnorm: {affine: false}",
    ),
    (
        "keras",
        "layernorm: {center: false}",
        "CC109",
        "write `bias: false`",
        "layernorm: {bias: false}",
    ),
    ("keras", "relu: {max_value: 6}", "CC109", "`relu6` is the one", "relu6"),
    ("keras", "relu: {negative_slope: 0.1}", "CC109", "`leaky_relu` is the one", "leaky_relu: 0.1"),
    ("keras", "dropout: {rate: 0.5, seed: 1}", "CC109", "about training", "dropout: 0.5"),
    (
        "keras",
        "conv: {filters: 8, kernel: 3, padding: causal}",
        "CC107",
        "write [[2, 0]]",
        "conv: {filters: 8, kernel: 3, padding: [[2, 0]]}",
        "32x8",
    ),
    (
        "keras",
        "conv: {filters: 8, kernel: 2+1, padding: causal}",
        "CC107",
        "write [[2, 0]], of a kernel of 3",
        "conv: {filters: 8, kernel: 3, padding: [[2, 0]]}",
        "32x8",
    ),
    (
        "keras",
        "conv: {filters: 8, kernel: 12345, padding: causal}",
        "CC107",
        "write [[12344, 0]]",
        "conv: {filters: 8, kernel: 12345, padding: [[12344, 0]]}",
        "32x8",
    ),
    (
        "keras",
        "conv: {filters: 8, kernel: 3, dilation: 4, padding: causal}",
        "CC107",
        "write [[8, 0]]",
        "conv: {filters: 8, kernel: 3, dilation: 4, padding: [[8, 0]]}",
        "32x8",
    ),
    (
        "keras",
        "conv: {filters: 8, kernel: 3, padding: full}",
        "CC107",
        "on each side: write 2",
        "conv: {filters: 8, kernel: 3, padding: 2}",
    ),
    (
        "keras",
        "conv: {filters: 8, kernel: 3, padding: half}",
        "CC107",
        "write `same`",
        "conv: {filters: 8, kernel: 3, padding: same}",
    ),
    ("keras", "Lambda", "CC113", "functions are none of a spec", None),
    ("keras", "RandomFlip", "CC113", "what prepares images", None),
    ("keras", "GaussianNoise: 0.1", "CC113", "`dropout` has its shapes", "dropout: 0.1"),
    (
        "keras",
        "Average: [[], []]",
        "CC113",
        "`affine: 1/2` behind it",
        "- add: [[], []]\n- affine: 1/2",
    ),
    ("keras", "Minimum: [[], []]", "CC113", "`maximum` has its shapes", "maximum: [[], []]"),
    ("keras", "InputLayer", "CC113", "`input: 224x224x3`", "input: 224x224x3\nlayers: [relu]\n"),
    (
        "keras",
        "RepeatVector: 10",
        "CC113",
        "`reshape: [1, -1]` and `upsample: {size: 10}`",
        "- reshape: [1, -1]\n- upsample: {size: 10}",
        "64",
    ),
    (
        "keras",
        "Conv2D(16, 3, activation='relu')",
        "CC113",
        "write `conv: {filters: 16, kernel: 3}`",
        "- conv: {filters: 16, kernel: 3}\n- relu",
    ),
    (
        "keras",
        "Conv2D(16, (3, 3), padding='same')",
        "CC113",
        "write `conv: {filters: 16, kernel: 3x3, padding: same}`",
        "conv: {filters: 16, kernel: 3x3, padding: same}",
    ),
    ("keras", "Dense(10)", "CC113", "write `linear: 10`", "linear: 10", "64"),
    ("keras", "MaxPooling2D(pool_size=(2, 2))", "CC113", "write `maxpool: 2x2`", "maxpool: 2x2"),
    (
        "keras",
        "Bidirectional: {features: 8}",
        "CC113",
        "`lstm: {features: 128, bidirectional: true}`",
        "lstm: {features: 128, bidirectional: true}",
        "8x4",
    ),
    (
        "caffe",
        "Pooling: {kernel: 2}",
        "CC113",
        "write `maxpool` or `avgpool`",
        "- maxpool: 2\n- avgpool: 2",
    ),
    (
        "caffe",
        "Eltwise: [[], []]",
        "CC113",
        "write `add` or `multiply`",
        "- add: [[], []]\n- multiply: [[], []]",
    ),
    ("caffe", "SoftmaxWithLoss", "CC113", "keep `softmax`", "softmax"),
    ("caffe", "EuclideanLoss", "CC113", "a loss is no part of a network", None),
    ("caffe", "Accuracy", "CC113", "what is done with the output", None),
    ("caffe", "Data", "CC113", "`input: 224x224x3`", "input: 224x224x3\nlayers: [relu]\n"),
    ("caffe", "MVN", "CC113", "`instancenorm: {affine: false}`", "instancenorm: {affine: false}"),
    ("caffe", "Exp", "CC113", "such as `tanh`", "tanh"),
    ("caffe", "Power", "CC113", "such as `tanh`", "tanh"),
    ("caffe", "Python", "CC113", "functions are none of a spec", None),
    ("caffe", f"{CONV[:-1]}, weight_filler: xavier}}", "CC109", "about training", CONV),
    ("caffe", f"{CONV[:-1]}, lr_mult: 2}}", "CC109", "about training", CONV),
    ("caffe", f"{CONV[:-1]}, engine: CUDNN}}", "CC109", "how the network is run", CONV),
    (
        "caffe",
        "maxpool: {kernel: 2, pool: MAX}",
        "CC109",
        "leave it out: the kind says it",
        "maxpool: 2",
    ),
    (
        "caffe",
        "maxpool: {kernel: 2, global_pooling: true}",
        "CC109",
        "`global_maxpool` and",
        "global_maxpool",
    ),
    (
        "caffe",
        "batchnorm: {use_global_stats: true}",
        "CC109",
        "how the network is run",
        "batchnorm",
    ),
    (
        "caffe",
        "batchnorm: {moving_average_fraction: 0.99}",
        "CC109",
        "`momentum` is 1 less this",
        "batchnorm: {momentum: 0.01}",
    ),
    (
        "caffe",
        "conv: {filters: 8, kernel_h: 3, kernel_w: 5}",
        "CC109",
        "height × width: `kernel: 3x5`",
        "conv: {filters: 8, kernel: 3x5}",
    ),
    (
        "caffe",
        f"{CONV[:-1]}, pad_h: 1, pad_w: 2}}",
        "CC109",
        "height × width: `padding: 1x2`",
        "conv: {filters: 8, kernel: 3, padding: 1x2}",
    ),
    (
        "caffe",
        f"{CONV}\nbottom: data",
        "CC109",
        "beside the kind: `from: input`",
        f"{CONV}\nfrom: input",
    ),
    ("caffe", f"{CONV}\ntop: a", "CC109", "beside the kind: `name: a`", f"{CONV}\nname: a"),
    ("caffe", f"{CONV}\ntype: Convolution", "CC109", "leave it out: the kind says it", CONV),
    (
        "yolo",
        "route",
        "CC113",
        "`concat: [[from: input], [from: input]]`",
        "concat: [[from: input], [from: input]]",
    ),
    ("yolo", "shortcut", "CC113", "`add: [[], [from: input]]`", "add: [[], [from: input]]"),
    (
        "yolo",
        "reorg: 2",
        "CC113",
        "`space_to_depth: {factor: 2, order: rows}`",
        "space_to_depth: {factor: 2, order: rows}",
    ),
    ("yolo", "yolo", "CC113", "what is done with the output", None),
    ("yolo", "Detect", "CC113", "what is done with the output", None),
    ("yolo", "region", "CC113", "what is done with the output", None),
    ("yolo", "leaky", "CC113", "darknet's is `leaky_relu: 0.1`", "leaky_relu: 0.1"),
    (
        "yolo",
        "C2f",
        "CC113",
        "a block is defined under `blocks:`",
        "input: 8x8x4\nblocks: {C2f: {layers: [relu]}}\nlayers: [C2f]\n",
    ),
    (
        "yolo",
        "SPPF",
        "CC113",
        "a block is defined under `blocks:`",
        "input: 8x8x4\nblocks: {SPPF: {layers: [relu]}}\nlayers: [SPPF]\n",
    ),
    ("yolo", "Bottleneck", "CC113", "a block is defined under `blocks:`", None),
    (
        "yolo",
        "Focus",
        "CC113",
        "`space_to_depth: {factor: 2, order: columns}`",
        f"- space_to_depth: {{factor: 2, order: columns}}\n- {CONV}",
    ),
    ("yolo", "CBS", "CC113", "`conv`, `batchnorm`, `relu`", f"- {CONV}\n- batchnorm\n- relu"),
    (
        "yolo",
        f"{CONV[:-1]}, batch_normalize: 1}}",
        "CC109",
        "layer of its own: `- batchnorm`",
        f"- {CONV}\n- batchnorm",
    ),
    (
        "yolo",
        f"{CONV}\nbatch_normalize: 1",
        "CC109",
        "layer of its own: `- batchnorm`",
        f"- {CONV}\n- batchnorm",
    ),
    (
        "yolo",
        "conv: {filters: 8, size: 3, pad: 1}",
        "CC109",
        "is `padding: same`",
        "conv: {filters: 8, kernel: 3, padding: same}",
    ),
    (
        "yolo",
        f"{CONV[:-1]}, activation: leaky}}",
        "CC109",
        "darknet's is `leaky_relu: 0.1`",
        f"- {CONV}\n- leaky_relu: 0.1",
    ),
    (
        "yolo",
        "maxpool: {size: 2, stride: 2}",
        "CC109",
        "it is called `kernel` here",
        "maxpool: {kernel: 2, stride: 2}",
    ),
    (
        "yaml",
        "pointwise_conv: 16",
        "CC113",
        "`conv: {filters: 64, kernel: 1}`",
        "conv: {filters: 64, kernel: 1}",
    ),
    (
        "yaml",
        "dsconv: {filters: 100, kernel: 5}",
        "CC113",
        "`separable_conv: {filters: 64, kernel: 3}`",
        "separable_conv: {filters: 64, kernel: 3}",
    ),
    (
        "yaml",
        "dilated_conv: {filters: 64, kernel: 3}",
        "CC113",
        "`conv: {filters: 64, kernel: 3, dilation: 2}`",
        "conv: {filters: 64, kernel: 3, dilation: 2}",
    ),
    (
        "yaml",
        "grouped_conv: {filters: 64, kernel: 3}",
        "CC113",
        "`conv: {filters: 64, kernel: 3, groups: 4}`",
        "conv: {filters: 64, kernel: 3, groups: 4}",
    ),
    (
        "yaml",
        "causal_conv: {filters: 64, kernel: 3}",
        "CC113",
        "`conv: {filters: 64, kernel: 3, padding: [[2, 0]]}`",
        "conv: {filters: 64, kernel: 3, padding: [[2, 0]]}",
        "32x8",
    ),
    (
        "yaml",
        "conv1x1: 64",
        "CC113",
        "`conv: {filters: 64, kernel: 1}`",
        "conv: {filters: 64, kernel: 1}",
    ),
    ("yaml", "linear_activation", "CC113", "leave it out", None),
    (
        "yaml",
        "global_pool",
        "CC113",
        "write `global_maxpool` or `global_avgpool`",
        "- global_maxpool\n- global_avgpool",
    ),
    ("yaml", "pool: 2", "CC113", "write `maxpool` or `avgpool`", "- maxpool: 2\n- avgpool: 2"),
    ("yaml", "norm", "CC113", "`batchnorm`", "batchnorm"),
    ("yaml", "minpool: 2", "CC113", "`maxpool` has its shapes", "maxpool: 2"),
    (
        "yaml",
        "downsample: 2",
        "CC113",
        "a `conv` or a `maxpool` with a stride",
        "- conv: {filters: 8, kernel: 2, stride: 2}\n- maxpool: {kernel: 2, stride: 2}",
    ),
    (
        "yaml",
        "se_block: 4",
        "CC113",
        "a block is defined under `blocks:`",
        "input: 8x8x4\nblocks: {se_block: {layers: [relu]}}\nlayers: [se_block]\n",
    ),
    ("yaml", "skip", "CC113", "`add: [[], [from: input]]`", "add: [[], [from: input]]"),
    ("yaml", "attention", "CC115", "add it: `attention: {heads: 2}`", "attention: {heads: 2}"),
    ("yaml", "wibble", "CC113", "`convcalc kinds` lists the kinds of layers", None),
    (
        "yaml",
        "conv(3, 3)",
        "CC113",
        "write `conv: {filters: 3, kernel: 3}`",
        "conv: {filters: 3, kernel: 3}",
    ),
    (
        "yaml",
        "conv(8, kernel=3)",
        "CC113",
        "write `conv: {filters: 8, kernel: 3}`",
        "conv: {filters: 8, kernel: 3}",
    ),
    ("yaml", "maxpool(2)", "CC113", "write `maxpool: 2`", "maxpool: 2"),
    ("yaml", "conv(8)", "CC113", "fields stand in braces", CONV),
    ("yaml", "concat: relu", "CC107", "write `concat: [[], [relu]]`", "concat: [[], [relu]]"),
    ("yaml", "add: input", "CC107", "write `add: [[], [from: input]]`", "add: [[], [from: input]]"),
    ("yaml", f"{CONV}\nkernel_size: 3", "CC109", "it is called `kernel` here", CONV),
    ("yaml", f"{CONV}\nstride: 1", "CC109", "`conv: {stride: …}`", None),
    ("yaml", "conv: {filters: 8, kernel: 3, filter: 4}", "CC109", "`filters` is given, too", CONV),
    (
        "yaml",
        "when: true",
        "CC116",
        "`conv: {filters: 64, kernel: 3}`",
        "conv: {filters: 64, kernel: 3}",
    ),
]
"""What has no fix: the help in words, and what one writes who does as it says; with the input
shape behind, where it is another one."""

NAMED = "  - conv: {filters: 8, kernel: 3, padding: 1}\n    name: a\n  - relu:\n    name: b\n"
HEAD = "input: 32x32x8\nlayers:\n"

SAID += [
    (
        "pytorch",
        "slice: [0, 4]",
        "CC107",
        "fields by name: `slice: {start: 0, stop: 4}`",
        "slice: {start: 0, stop: 4}",
    ),
    (
        "caffe",
        "slice: [4]",
        "CC107",
        "fields by name: `slice: {start: 4}`",
        "slice: {start: 4}",
    ),
    (
        "pytorch",
        "flatten: [1, 2]",
        "CC107",
        "fields by name: `flatten: {start: 1, end: 2}`",
        "flatten: {start: 1, end: 2}",
    ),
]

UNIT = "input: 32x32x8\nblocks: {unit: {parameters: {f: 3}, layers: [leaky_relu: f]}}\n"
SIZE_OR_FACTOR = "`upsample: {size: 2}`, or `upsample: {scale: 2}` for a factor"
SAID += [
    # What means something else there, and nobody can tell which is meant
    *(
        ("pytorch", f"{kind}: 2", "CC113", SIZE_OR_FACTOR, None)
        for kind in ("Upsample", "nn.Upsample", "UpsamplingNearest2d")
    ),
    ("pytorch", "LPPool2d: 2", "CC113", "first argument is the norm", None),
    (
        "yaml",
        f"{UNIT}layers:\n  - unit 3\n",
        "CC113",
        "did you mean `unit`?",
        f"{UNIT}layers:\n  - unit\n",
    ),
    ("pytorch", "ReLU: 0.1", "CC113", "`leaky_relu` has a slope", "leaky_relu: 0.1"),
    ("pytorch", "Softmax: 1", "CC113", "takes no value here", "softmax"),
    ("keras", "SELU: 1.05", "CC113", "takes no value here", "selu"),
    ("yaml", "relu: 6", "CC107", "`relu6` ends at 6", "relu6"),
    ("yaml", "relu: 0.1", "CC107", "`leaky_relu` has a slope", "leaky_relu: 0.1"),
    ("yaml", "softmax: 1", "CC107", "write `- softmax`", "- softmax"),
    ("keras", "Activation: linear", "CC113", "leave it out", None),
    ("keras", "Activation: leaky_relu", "CC113", "write `leaky_relu`", "leaky_relu"),
    # A kind that stands as a value
    (
        "keras",
        "{type: conv, filters: 8, kernel_size: 3}",
        "CC113",
        "the kind is the key: write `conv: {filters: 8, kernel: 3}`",
        "conv: {filters: 8, kernel: 3}",
    ),
    (
        "caffe",
        "type: Convolution\nconvolution_param: {num_output: 8, kernel_size: 3}",
        "CC113",
        "the kind is the key: write `conv: {filters: 8, kernel: 3}`",
        "conv: {filters: 8, kernel: 3}",
    ),
    ("yaml", "layer: relu", "CC113", "the kind is the key: write `relu`", "relu"),
    ("keras", "{class_name: ReLU, config: {name: a}}", "CC113", "write `relu`", "relu"),
    # What slides over another number of axes
    ("pytorch", "Conv1d: {filters: 8, kernel: 3}", "CC113", "for 1 spatial axis, and the", CONV),
    ("pytorch", "Conv3d: {filters: 8, kernel: 3}", "CC113", "and the input has 2", CONV),
    ("keras", "MaxPooling1D: 2", "CC113", "and the input has 2", "maxpool: 2"),
    ("keras", "Conv2D: {filters: 8, kernel: 3}", "CC113", "has 1: write `conv`", CONV, "32x8"),
    # How axes count
    ("pytorch", "permute: [0, 2, 1, 3]", "CC302", "write [2, 1, 3]", "permute: [2, 1, 3]"),
    (
        "pytorch",
        "torch.permute: [0, 1, 3, 2]",
        "CC113",
        "`permute: [1, 3, 2]`",
        "permute: [1, 3, 2]",
    ),
    ("keras", "Permute: [1, 1, 2]", "CC113", "axes count from 1 here", "permute: [1, 2, 3]"),
]

BLOCK = "input: 32x32x8\nblocks: {res: {parameters: {f}, layers: [relu]}}\nlayers:\n"
NAMES = "several have a name each"
WHOLE = [
    *(
        Slip("keras", f"{given}\nlayers: [relu]\n", code, help=NAMES)
        for given, code in (
            ("input: [224x224x3, 10]", "CC110"),
            ("input: [10, 224x224x3]", "CC110"),
            ("input:\n  - 224x224x3\n  - 10", "CC110"),
        )
    ),
    Slip(
        "yaml",
        f"{BLOCK}  - res: {{f: 16, repeat: 2}}\n",
        "CC109",
        help="it stands beside block `res`, not in it",
    ),
    Slip(
        "yaml",
        f"{HEAD}{NAMED}  - add: [a]\n",
        "CC107",
        help="write `add: [[], [from: a]]`",
        then=f"{HEAD}{NAMED}  - add: [[], [from: a]]\n",
    ),
    Slip(
        "yaml",
        f"{HEAD}{NAMED}  - concat:\n      - a\n",
        "CC107",
        help="write `concat: [[], [from: a]]`",
        then=f"{HEAD}{NAMED}  - concat: [[], [from: a]]\n",
    ),
    Slip(
        "yaml",
        f"{HEAD}{NAMED}  - add: [x, y]\n",
        "CC107",
        help="nothing before this item is called `x`",
    ),
    Slip(
        "yolo",
        f"{HEAD}{NAMED}  - concat: [{{from: a}}, {{from: b}}]\n",
        "CC107",
        help="put it in brackets: `[from: a]`",
        then=f"{HEAD}{NAMED}  - concat: [[from: a], [from: b]]\n",
    ),
    Slip(
        "yaml",
        f"{HEAD}{NAMED}  - concat: [a, b]\n",
        "CC107",
        f"{HEAD}{NAMED}  - concat: [[{{from: a}}], [{{from: b}}]]\n",
    ),
    Slip(
        "keras",
        f"{HEAD}{NAMED}  - add: [a, b]\n",
        "CC107",
        f"{HEAD}{NAMED}  - add: [[{{from: a}}], [{{from: b}}]]\n",
    ),
    Slip(
        "yolo",
        f"{HEAD}{NAMED}  - concat: [[], a]\n",
        "CC107",
        f"{HEAD}{NAMED}  - concat: [[], [{{from: a}}]]\n",
    ),
    Slip(
        "caffe",
        f"{HEAD}{NAMED}  - multiply:\n      - a\n      - b\n",
        "CC107",
        f"{HEAD}{NAMED}  - multiply:\n      - [{{from: a}}]\n      - [{{from: b}}]\n",
    ),
    Slip(
        "pytorch",
        f"{HEAD}{NAMED}  - concat: a\n",
        "CC107",
        help="write `concat: [[], [from: a]]`",
        then=f"{HEAD}{NAMED}  - concat: [[], [from: a]]\n",
    ),
    Slip(
        "yaml",
        "inputs: 32x32x8\nlayers: [relu]\n",
        "CC109",
        help="did you mean `input`?",
        then="input: 32x32x8\nlayers: [relu]\n",
    ),
    Slip("yaml", "input: 32x32x8\nlayer: [relu]\n", "CC109", "input: 32x32x8\nlayers: [relu]\n"),
    Slip("yaml", "Input: 32x32x8\nlayers: [relu]\n", "CC109", "input: 32x32x8\nlayers: [relu]\n"),
    Slip(
        "yaml",
        "input: 32x32x8\nlayers: [relu]\nexpected: {parameters: 0}\n",
        "CC109",
        help="did you mean `expect`?",
        then="input: 32x32x8\nlayers: [relu]\nexpect: {parameters: 0}\n",
    ),
    Slip(
        "yaml",
        "input: 32x32x8\nlayers: [relu]\nexpect: {params: 0}\n",
        "CC109",
        help="did you mean `parameters`?",
        then="input: 32x32x8\nlayers: [relu]\nexpect: {parameters: 0}\n",
    ),
    Slip(
        "yaml",
        "input: 32x32x8\nlayers: [relu]\nexpect: {paramters: 0}\n",
        "CC109",
        "input: 32x32x8\nlayers: [relu]\nexpect: {parameters: 0}\n",
    ),
    Slip(
        "yaml",
        "input: 32x32x8\nrouding: floor\nlayers: [relu]\n",
        "CC109",
        "input: 32x32x8\nrounding: floor\nlayers: [relu]\n",
    ),
    Slip(
        "yaml",
        "input: 32x32x8\nrounding: flor\nlayers: [relu]\n",
        "CC107",
        "input: 32x32x8\nrounding: floor\nlayers: [relu]\n",
    ),
    Slip(
        "caffe",
        "input: 32x32x8\nrounding: CEIL\nlayers: [relu]\n",
        "CC107",
        "input: 32x32x8\nrounding: ceil\nlayers: [relu]\n",
    ),
    Slip(
        "yaml",
        "input: 32x32x8\ndefaults: {Conv2d: {bias: false}}\nlayers: [relu]\n",
        "CC113",
        "input: 32x32x8\ndefaults: {conv: {bias: false}}\nlayers: [relu]\n",
    ),
    Slip(
        "yaml",
        "input: 32x32x8\ndefaults: {conv: {use_bias: false}}\nlayers: [relu]\n",
        "CC109",
        "input: 32x32x8\ndefaults: {conv: {bias: false}}\nlayers: [relu]\n",
    ),
    Slip(
        "yaml",
        "input: 32x32x8\nblocks: {unit: {layer: [relu]}}\nlayers: [relu]\n",
        "CC109",
        "input: 32x32x8\nblocks: {unit: {layers: [relu]}}\nlayers: [relu]\n",
    ),
    Slip(
        "yaml",
        "input: 32x32x8\nblocks: {unit: {layers: [relu]}}\nlayers: [unti]\n",
        "CC113",
        "input: 32x32x8\nblocks: {unit: {layers: [relu]}}\nlayers: [unit]\n",
    ),
    Slip(
        "yaml",
        "input: 32x32x8\nparameters: {width: 8}\nlayers: [{conv: {filters: widht, kernel: 3}}]\n",
        "CC111",
        "input: 32x32x8\nparameters: {width: 8}\nlayers: [{conv: {filters: width, kernel: 3}}]\n",
    ),
    Slip(
        "yaml",
        "input: 32x32x8\nlayers: [{relu: , name: stem}, {relu: , from: stme}]\n",
        "CC201",
        "input: 32x32x8\nlayers: [{relu: , name: stem}, {relu: , from: stem}]\n",
    ),
    Slip(
        "yaml",
        "input: 32x32x8\nlayers: [{relu: , repat: 2}]\n",
        "CC109",
        "input: 32x32x8\nlayers: [{relu: , repeat: 2}]\n",
    ),
    Slip(
        "yaml",
        "input: 32x32x8\nlayers: [{relu: , nmae: a}]\n",
        "CC109",
        "input: 32x32x8\nlayers: [{relu: , name: a}]\n",
    ),
    Slip(
        "yaml",
        "input: 32x32x8\nlayers: [{relu: , repeat: 2, shared: yes}]\n",
        "CC107",
        "input: 32x32x8\nlayers: [{relu: , repeat: 2, shared: true}]\n",
    ),
]

SLIPS = [
    *_fixed(KINDS, "CC113"),
    *_fixed(VECTOR_KINDS, "CC113", "64"),
    *_fixed(FIELDS, "CC109"),
    *_fixed(VECTOR_FIELDS, "CC109", "64"),
    *_fixed(VALUES, "CC107"),
    *(
        Slip(by, text, code, help=said, then=then, input=rest[0] if rest else "32x32x8")
        for by, text, code, said, then, *rest in SAID
    ),
    *WHOLE,
]
