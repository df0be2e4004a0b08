"""Names from other worlds, answered with the name that is used here.

What is called nothing here is in `answers.py`.
"""

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
    "stride": ("scale",),  # of what makes maps larger, in darknet
    "output": ("features",),
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
    "hidden_size": ("features",),
    "hidden": ("features",),
    "num_layers": ("layers",),
    "num_heads": ("heads",),
    "window_size": ("window",),
    "shift_size": ("shift",),
    "grid_size": ("grid",),
    "relative_position_bias": ("relative_bias",),
    "rel_pos_bias": ("relative_bias",),
    "use_rel_pos": ("relative_bias",),
    "n_heads": ("heads",),
    "nhead": ("heads",),
    "num_embeddings": ("entries",),
    "vocab_size": ("entries",),
    "input_dim": ("entries",),
    "embedding_dim": ("features",),
    "output_dim": ("features",),
    "size": ("features", "kernel", "scale"),
    "output_size": ("size",),
    "target_shape": ("shape",),
    "dims": ("order",),
    "perm": ("order",),
    "scale_factor": ("scale", "times"),
    "scale": ("times",),
    "upscale_factor": ("factor",),
    "downscale_factor": ("factor",),
    "block_size": ("factor",),
    "blocksize": ("factor",),
    "interpolation": ("mode",),
    "coordinate_transformation_mode": ("positions",),
    "nearest_mode": ("round",),
    "cubic_coeff_a": ("coefficient",),
    "epsilon": ("eps",),
    "negative_slope": ("slope",),
    "alpha": ("slope", "times"),
    "beta": ("plus",),
    "factor": ("times",),
    "shift": ("plus",),
    "offset": ("plus",),
    "num_parameters": ("slopes",),
    "elementwise_affine": ("affine",),
    "drop_rate": ("rate",),
    "dropout_ratio": ("rate",),
    "norm_type": ("norm",),
    "depth_radius": ("size",),
    "local_size": ("size",),
    "divisor_override": ("divisor",),
    "begin": ("start",),
    "start_dim": ("start",),
    "end": ("stop",),
    "end_dim": ("end",),
    "cropping": ("amount",),
    "axis": ("over",),
    "dim": ("axis",),
    "normalized_shape": ("over",),
}
"""Foreign field → fields here that it may mean; the first that the layer has is suggested."""

KINDS: dict[str, str] = {
    foreign: kind
    for kind, words in {
        "conv": "convolution convolutional",
        "depthwise_conv": (
            "depthwise depthwiseconvolution convolutiondepthwise dwconv dwconvolution depthconv"
        ),
        "conv_transpose": (
            "deconv deconvolution deconvolutional convtranspose transposedconv transposeconv "
            "convtransposed transposedconvolution upconv upconvolution tconv "
            "fractionallystridedconv"
        ),
        "separable_conv": (
            "separableconvolution depthwiseseparableconv depthwiseseparableconvolution"
        ),
        "locally_connected": "local locallyconnected localconv",
        "lstm": "longshorttermmemory cudnnlstm",
        "gru": "gatedrecurrentunit cudnngru",
        "linear": "fc dense fullyconnected innerproduct gemm connected fullconnected",
        "maxpool": "maxpooling pool pooling mp",
        "avgpool": "averagepool averagepooling avgpooling localavgpool meanpool",
        "lppool": "l2pool lppooling",
        "adaptive_avgpool": "adaptiveaveragepool adaptiveaveragepooling adaptiveavgpooling",
        "adaptive_maxpool": "adaptivemaxpooling",
        "global_avgpool": (
            "globalaveragepool globalaveragepooling globalavgpooling gap globalmeanpool"
        ),
        "global_maxpool": "globalmaxpooling gmp",
        "maxunpool": "maxunpooling unpool unpooling",
        "kmaxpool": "kmaxpooling topkpool topkpooling",
        "channel_avgpool": "channelmean channelaveragepool channelaveragepooling",
        "channel_maxpool": "channelmax channelmaxpooling",
        "batchnorm": (
            "bn batchnormalization syncbatchnorm syncbatchnormalization syncbn spatialbn norm "
            "batchnormlayer batchnormact frozenbatchnorm"
        ),
        "groupnorm": "groupnormalization gn",
        "layernorm": "ln layernormalization",
        "instancenorm": "instancenormalization",
        "l2norm": "l2normalize l2normalization",
        "lrn": "localresponsenorm localresponsenormalization crossmaplrn crosschannellrn",
        "relu": "rectifier rectifiedlinear rectlin rectify",
        "leaky_relu": "lrelu leakyrectify",
        "silu": "swish",
        "hardswish": "hswish hardsilu",
        "hardsigmoid": "hsigmoid",
        "sigmoid": "logistic",
        "tanh": "tanhyperbolic",
        "abs": "absolute absval absolutevalue",
        "softmax": "softmaxlayer",
        "log_softmax": "logprob",
        "dropout": "spatialdropout featuredropout channeldropout",
        "identity": "noop passthrough",
        "flatten": "flattenlayer",
        "reshape": "view unflatten",
        "permute": "transpose permutedims",
        "pad": "zeropad zeropadding",
        "crop": "cropping centercrop",
        "upsample": (
            "interpolate interp resize resizing upsampling upsamplingnearest upsample2 nearestup "
            "bilinearinterp"
        ),
        "pixel_shuffle": "depthtospace subpixel subpixelconv",
        "space_to_depth": "pixelunshuffle unshuffle",
        "channel_shuffle": "shuffle shufflechannel shufflechannels",
        "split": "split chunk tensorsplit splitlayer",
        "scale": "layerscale",
        "affine": "rescaling mulconstant addconstant",
        "subtract": "sub minus difference",
        "multiply": "mul hadamard",
        "divide": "div division",
        "maximum": "elementwisemaximum",
        "matmul": "bmm batchmatmul mm",
        "attention": "multiheadattention mha mhsa msa selfattention multiheadselfattention",
        "embedding": "embed lookuptable wordembedding",
        "learned": (
            "parameter nnparameter classtoken clstoken posembedding positionalembedding "
            "positionalencoding"
        ),
        "add": "residual sum",
        "concat": "cat concatenate concatenation merge depthconcat concatlayer",
    }.items()
    for foreign in words.split()
}
"""Foreign kind in lower case, without signs and the number of axes → kind here."""

READINGS: dict[str, str] = {
    word: reading
    for reading, words in {
        "channels": (
            "filters features channel c out_channels in_channels out_features in_features "
            "num_channels num_features dim embed_dim"
        ),
        "length": "len l steps timesteps seq_len seq_length sequence_length positions tokens",
        "height": "h rows",
        "width": "w cols columns",
        "depth": "d slices frames",
    }.items()
    for word in words.split()
}
"""What the extents of a tensor are called elsewhere → what can be read of one that comes in."""


UNSURE_FIELDS = frozenset(
    {
        *("ceil_mode", "round_mode", "border_mode", "auto_pad"),  # other words stand behind them
        "dim",  # a number stands behind it
        *("channels", "size"),  # of the input, or of the output
        *("axis", "normalized_shape", "dims", "perm"),  # axes are counted otherwise there
        "depth_radius",  # half of the size
    }
)
"""Foreign names of fields whose values do not mean the same here."""
UNSURE_KINDS = frozenset(
    {
        *("pool", "pooling", "norm", "local", "shuffle", "merge", "residual"),  # of several kinds
        *(
            "view",
            "unflatten",
            "transpose",
            "split",
            "chunk",
            "depthtospace",
            "centercrop",
        ),  # said otherwise
        *("resize", "resizing", "interpolate", "interp", "l2pool", "cropping", "sum"),
        "permutedims",
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

    >>> native_kind("Conv2d", ["conv"]), native_kind("pixel_unshuffle", ["pixel_shuffle"])
    ('conv', 'space_to_depth')
    """
    from convcalc.diagnostics import closest

    known = _other_spelling(foreign, kinds)
    if known or answer_to(foreign):
        return known
    return KINDS.get(plain(foreign)) or closest(foreign, kinds)


def sure_kind(foreign: str, kinds: list[str]) -> str | None:
    """The same where it can mean nothing else.

    >>> sure_kind("Conv2d", ["conv"]), sure_kind("Pooling", ["maxpool", "avgpool"])
    ('conv', None)
    """
    from convcalc.diagnostics import misspelt

    known = _other_spelling(foreign, kinds)
    if known or answer_to(foreign) or plain(foreign) in UNSURE_KINDS:
        return known
    return KINDS.get(plain(foreign)) or misspelt(foreign, kinds)


def answer_to(foreign: str) -> str | None:
    """What to do about a kind of another framework that is called nothing here."""
    from convcalc.spec.answers import kind_answer

    return kind_answer(plain(foreign))


def known_kind(foreign: str, kinds: list[str]) -> str | None:
    """The kind that a name stands for, here or elsewhere; a misspelt one stands for none.

    >>> known_kind("Conv2d", ["conv"]), known_kind("con", ["conv"])
    ('conv', None)
    """
    return _other_spelling(foreign, kinds) or KINDS.get(plain(foreign))


def _other_spelling(foreign: str, kinds: list[str]) -> str | None:
    """The kind that is written so but for capitals, signs between words and numbers of axes."""
    spelt = plain(foreign)
    return next((kind for kind in kinds if kind.replace("_", "") == spelt), None)


def plain(foreign: str) -> str:
    """A foreign name in lower case, without where it is from, signs and the number of axes.

    >>> plain("nn.LazyConv2d"), plain("tf.keras.layers.MaxPooling2D"), plain("max_pool")
    ('conv', 'maxpooling', 'maxpool')
    """
    name = foreign.rpartition(".")[2].lower().replace("_", "").replace("-", "").replace(" ", "")
    for axes in "123":
        name = name.replace(f"{axes}d", "")
    return name.removeprefix("lazy")
