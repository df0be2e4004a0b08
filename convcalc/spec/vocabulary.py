"""Names from other worlds, answered with the name that is used here."""

FIELDS: dict[str, tuple[str, ...]] = {
    "k": ("filters",),
    "out_channels": ("filters", "features"),
    "channels": ("filters",),
    "num_filters": ("filters",),
    "num_output": ("filters", "features"),
    "nfilters": ("filters",),
    "out_planes": ("filters",),
    "outputs": ("filters", "features"),
    "f": ("kernel",),
    "kernel_size": ("kernel",),
    "kernel_shape": ("kernel",),
    "filter_size": ("kernel",),
    "ksize": ("kernel",),
    "pool_size": ("kernel",),
    "window": ("kernel",),
    "s": ("stride",),
    "strides": ("stride",),
    "subsample": ("stride",),
    "p": ("padding", "norm", "rate"),
    "pad": ("padding",),
    "pads": ("padding",),
    "d": ("dilation",),
    "dilations": ("dilation",),
    "dilation_rate": ("dilation",),
    "atrous_rate": ("dilation",),
    "group": ("groups",),
    "num_groups": ("groups",),
    "cardinality": ("groups",),
    "depth_multiplier": ("multiplier",),
    "use_bias": ("bias",),
    "bias_term": ("bias",),
    "ceil_mode": ("rounding",),
    "round_mode": ("rounding",),
    "border_mode": ("padding", "padding_mode"),
    "auto_pad": ("padding",),
    "units": ("features",),
    "out_features": ("features",),
    "filters": ("features",),
    "features": ("filters",),
    "num_units": ("features",),
    "size": ("features", "kernel", "scale"),
    "output_size": ("size",),
    "target_shape": ("shape",),
    "dims": ("order",),
    "perm": ("order",),
    "scale_factor": ("scale",),
    "upscale_factor": ("factor",),
    "interpolation": ("mode",),
    "epsilon": ("eps",),
    "negative_slope": ("slope",),
    "num_parameters": ("slopes",),
    "elementwise_affine": ("affine",),
    "drop_rate": ("rate",),
    "dropout_ratio": ("rate",),
    "norm_type": ("norm",),
    "depth_radius": ("size",),
    "local_size": ("size",),
    "divisor_override": ("divisor",),
    "begin": ("start",),
    "end": ("stop",),
    "cropping": ("amount",),
    "axis": ("over",),
    "normalized_shape": ("over",),
}
"""Foreign field → fields here that it may mean; the first that the layer has is suggested."""

KINDS: dict[str, str] = {
    "conv1d": "conv",
    "conv2d": "conv",
    "conv3d": "conv",
    "convolution": "conv",
    "convolution2d": "conv",
    "depthwiseconv2d": "depthwise_conv",
    "depthwise": "depthwise_conv",
    "dwconv": "depthwise_conv",
    "convtranspose": "conv_transpose",
    "convtranspose1d": "conv_transpose",
    "convtranspose2d": "conv_transpose",
    "convtranspose3d": "conv_transpose",
    "conv2dtranspose": "conv_transpose",
    "deconv": "conv_transpose",
    "deconvolution": "conv_transpose",
    "locallyconnected2d": "locally_connected",
    "local": "locally_connected",
    "fc": "linear",
    "dense": "linear",
    "fullyconnected": "linear",
    "innerproduct": "linear",
    "gemm": "linear",
    "maxpool1d": "maxpool",
    "maxpool2d": "maxpool",
    "maxpool3d": "maxpool",
    "maxpooling2d": "maxpool",
    "pool": "maxpool",
    "pooling": "maxpool",
    "avgpool1d": "avgpool",
    "avgpool2d": "avgpool",
    "avgpool3d": "avgpool",
    "averagepool": "avgpool",
    "averagepooling2d": "avgpool",
    "l2pool": "lppool",
    "lppool2d": "lppool",
    "adaptiveavgpool2d": "adaptive_avgpool",
    "adaptivemaxpool2d": "adaptive_maxpool",
    "globalaveragepool": "global_avgpool",
    "globalaveragepooling2d": "global_avgpool",
    "gap": "global_avgpool",
    "globalmaxpool": "global_maxpool",
    "globalmaxpooling2d": "global_maxpool",
    "bn": "batchnorm",
    "batchnorm1d": "batchnorm",
    "batchnorm2d": "batchnorm",
    "batchnorm3d": "batchnorm",
    "batchnormalization": "batchnorm",
    "groupnormalization": "groupnorm",
    "ln": "layernorm",
    "layernormalization": "layernorm",
    "layernorm2d": "layernorm",
    "instancenorm2d": "instancenorm",
    "localresponsenorm": "lrn",
    "localresponsenormalization": "lrn",
    "norm": "batchnorm",
    "leakyrelu": "leaky_relu",
    "lrelu": "leaky_relu",
    "swish": "silu",
    "hswish": "hardswish",
    "hsigmoid": "hardsigmoid",
    "hardswish": "hardswish",
    "logsoftmax": "log_softmax",
    "logistic": "sigmoid",
    "dropout2d": "dropout",
    "view": "reshape",
    "transpose": "permute",
    "zeropad2d": "pad",
    "zeropadding2d": "pad",
    "reflectionpad2d": "pad",
    "cropping2d": "crop",
    "centercrop": "crop",
    "interpolate": "upsample",
    "resize": "upsample",
    "upsampling2d": "upsample",
    "pixelshuffle": "pixel_shuffle",
    "depthtospace": "pixel_shuffle",
    "channelshuffle": "channel_shuffle",
    "shuffle": "channel_shuffle",
    "split": "slice",
    "chunk": "slice",
    "layerscale": "scale",
    "mul": "multiply",
    "residual": "add",
    "sum": "add",
    "cat": "concat",
    "concatenate": "concat",
    "merge": "concat",
}
"""Foreign kind in lower case without underscores → kind here."""


UNSURE_FIELDS = frozenset(
    {
        *("ceil_mode", "round_mode", "border_mode", "auto_pad"),  # other words stand behind them
        *("channels", "size"),  # of the input, or of the output
        *("axis", "normalized_shape", "dims", "perm"),  # axes are counted otherwise there
        "depth_radius",  # half of the size
    }
)
"""Foreign names of fields whose values do not mean the same here."""
UNSURE_KINDS = frozenset(
    {
        *("pool", "pooling", "norm", "local", "shuffle", "merge", "residual"),  # of several kinds
        *("view", "transpose", "split", "chunk", "depthtospace", "centercrop"),  # said otherwise
        *("resize", "interpolate", "reflectionpad2d", "l2pool", "lppool2d", "layernorm2d"),
        *("glu", "rrelu"),  # layers of their own, one letter from ours
    }
)
"""Foreign kinds that may mean something else, or whose fields do."""


def native_field(foreign: str, fields: list[str]) -> str | None:
    """The field of this layer that a foreign or misspelt name means.

    >>> native_field("kernel_size", ["filters", "kernel"])
    'kernel'
    """
    from convcalc.diagnostics import closest

    for name in FIELDS.get(foreign.lower(), ()):
        if name in fields:
            return name
    return closest(foreign, fields)


def sure_field(foreign: str, fields: list[str]) -> str | None:
    """The same where the value means the same there, and a misspelling is no guess.

    >>> sure_field("kernel_size", ["kernel"]), sure_field("ceil_mode", ["rounding"])
    ('kernel', None)
    """
    from convcalc.diagnostics import misspelt

    if foreign.lower() in UNSURE_FIELDS:
        return None
    for name in FIELDS.get(foreign.lower(), ()):
        if name in fields:
            return name if len(foreign) > 1 else None
    return misspelt(foreign, fields)


def native_kind(foreign: str, kinds: list[str]) -> str | None:
    """The kind or block that a foreign or misspelt name means.

    >>> native_kind("Conv2d", ["conv"])
    'conv'
    """
    from convcalc.diagnostics import closest

    return _other_spelling(foreign, kinds) or KINDS.get(_plain(foreign)) or closest(foreign, kinds)


def sure_kind(foreign: str, kinds: list[str]) -> str | None:
    """The same where it can mean nothing else.

    >>> sure_kind("Conv2d", ["conv"]), sure_kind("Pooling", ["maxpool", "avgpool"])
    ('conv', None)
    """
    from convcalc.diagnostics import misspelt

    if _plain(foreign) in UNSURE_KINDS:
        return None
    return _other_spelling(foreign, kinds) or KINDS.get(_plain(foreign)) or misspelt(foreign, kinds)


def known_kind(foreign: str, kinds: list[str]) -> str | None:
    """The kind that a name stands for, here or elsewhere; a misspelt one stands for none.

    >>> known_kind("Conv2d", ["conv"]), known_kind("con", ["conv"])
    ('conv', None)
    """
    return _other_spelling(foreign, kinds) or KINDS.get(_plain(foreign))


def _other_spelling(foreign: str, kinds: list[str]) -> str | None:
    """The kind that is written so but for capitals and signs between words."""
    plain = _plain(foreign)
    return next((kind for kind in kinds if kind.replace("_", "") == plain), None)


def _plain(foreign: str) -> str:
    return foreign.lower().replace("_", "").replace("-", "").replace("nn.", "")
