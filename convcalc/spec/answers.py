"""What to write instead of layers and fields that other frameworks have and convcalc has not.

A word here is none that only is called otherwise; those are in `vocabulary.py`.
Imported once a word is not known.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import NamedTuple

from convcalc.diagnostics import Fix, remove_field, rename, write_value
from convcalc.layers import CATALOGUE, field_names, kinds, layer_class
from convcalc.layers.base import AXIS_WORDS, declarations, defaults
from convcalc.spec.nodes import List, Map, Node, ScalarNode


class Answer(NamedTuple):
    """What to do about a word that is none of ours."""

    advice: str
    """What the help says."""
    fix: Fix | None = None
    """What to do, where there is one thing to do."""


_NOT_YET = "convcalc has no kind for it yet"
_POINTWISE = (
    "convcalc has no kind for it yet; shapes, parameters and MACs are those of any function of "
    "each value, such as `tanh`"
)

_KINDS: Mapping[str, str] = {
    # Convolutions
    "`conv` with kernel 1 is it: `conv: {filters: 64, kernel: 1}`": (
        "pointwiseconv pwconv conv1x1 convolution1x1 nin networkinnetwork"
    ),
    "`conv` with a padding is it: `conv: {filters: 64, kernel: 3, padding: 1}`": "conv3x3 sameconv",
    "write `separable_conv: {filters: 64, kernel: 3}`, or `depthwise_conv` and `conv` with what "
    "stands between": "sepconv depthwiseseparable dsconv separable xceptionconv",
    "`conv` with a dilation is it: `conv: {filters: 64, kernel: 3, dilation: 2}`": (
        "dilatedconv dilatedconvolution atrousconv atrousconvolution"
    ),
    "`conv` with groups is it: `conv: {filters: 64, kernel: 3, groups: 4}`": (
        "groupconv groupedconv groupconvolution groupedconvolution gconv"
    ),
    "`conv` padded in front alone is it: `conv: {filters: 64, kernel: 3, padding: [[2, 0]]}`": (
        "causalconv causalconvolution"
    ),
    "write its layers one after the other: `conv`, `batchnorm`, `relu`": (
        "convbn convbnrelu convbnact convbnleaky convrelu convnormact convmodule cbl cbr cbs "
        "basicconv convblock bnrelu convact"
    ),
    "a block is defined under `blocks:` and called by its name": (
        "basicblock bottleneck bottleneckblock residualblock resblock resnetblock denseblock "
        "transition transitionblock inception inceptionblock firemodule fire mbconv fusedmbconv "
        "invertedresidual invertedbottleneck se seblock selayer semodule squeezeexcite "
        "squeezeexcitation squeezeandexcitation cbam eca spp sppf aspp ppm c2f c3 c3k2 "
        "bottleneckcsp csp ghostbottleneck doubleconv unetblock convnextblock cnblock "
        "convnormactivation"
    ),
    _NOT_YET: (
        "deformconv deformableconv deformconvolution dcn involution coordconv partialconv "
        "octaveconv dynamicconv ghostconv fold unfold im2col col2im medianpool stochasticpool "
        "softpool roipool roipooling roialign psroipooling psroipool gridsample affinegrid "
        "spatialtransformer spectralnorm "
        "spectralnormalization weightnorm weightnormalization crelu maxout sparsemax "
        "softmin cosinesimilarity pairwisedistance bias biasadd masking stack "
        "unstack roll flip reverse cumsum topk where history "
        "stftspectrogram melspectrogram priorbox filter batchreindex constant "
        "implicitadd implicitmul"
    ),
    # Pooling
    "write `maxpool` or `avgpool`": "pool pooling poolinglayer subsampling subsample",
    "write `global_maxpool` or `global_avgpool`": "globalpool globalpooling gpool",
    "write `adaptive_maxpool` or `adaptive_avgpool`": "adaptivepool adaptivepooling",
    "write a `conv` or a `maxpool` with a stride": "downsample downsampling downscale down",
    "`maxpool` has its shapes and costs, and other values": "minpool minpooling",
    "`global_avgpool` is the mean over a map, and `channel_avgpool` over channels": (
        "mean reducemean reduction reduce globalmean"
    ),
    "`global_maxpool` is the largest over a map, and `channel_maxpool` over channels": (
        "reducemax amax"
    ),
    "`adaptive_maxpool` makes maps of a size that it is given": "fractionalmaxpool",
    "write `space_to_depth: {factor: 2, order: columns}`, and a `conv` behind it": "focus",
    "write `space_to_depth: {factor: 2, order: rows}`": "reorg reorgold",
    # Norms
    "write `batchnorm`, `groupnorm`, `layernorm` or `instancenorm`": "norm normlayer",
    "`layernorm: {bias: false}` has its shapes and parameters, and other values": (
        "rmsnorm rmsnormalization"
    ),
    "`instancenorm: {affine: false}` is it": "mvn",
    "write `l2norm`, or `l2norm: {affine: false}` if it has no factors": (
        "normalize unitnormalization unitnorm lpnormalization"
    ),
    # Activations
    "write the kind of the activation: `relu`": "activation act nonlinearity activationlayer",
    _POINTWISE: (
        "hardtanh hardtan lhtan hardshrink softshrink shrink softsign tanhshrink threshold "
        "thresholdedrelu logsigmoid exponential squareplus sparseplus sparsesigmoid bnll relie "
        "ramp plse stair loggy hardmish clip clamp exp log power pow sqrt "
        "square sign neg negative sin cos reciprocal floor round erf quickgelu tanhexp"
    ),
    "darknet's is `leaky_relu: 0.1`": "leaky",
    "with alpha 1 it is `elu`": "celu",
    "in inference it is `leaky_relu: 0.2292`, of the mean slope": "rrelu randomizedleakyrelu",
    "write `multiply: [[slice: {stop: incoming.channels/2}], "
    "[slice: {start: incoming.channels/2}, sigmoid]]`": "glu gatedlinearunit",
    "write `multiply: [[slice: {stop: incoming.channels/2}], "
    "[slice: {start: incoming.channels/2}, silu]]`": "swiglu",
    "write `multiply: [[slice: {stop: incoming.channels/2}], "
    "[slice: {start: incoming.channels/2}, gelu]]`": "geglu",
    # What does nothing, or noise
    "leave it out; as a branch, `[]` passes the tensor on as it is": (
        "empty linearactivation none"
    ),
    "`dropout` has its shapes and costs": (
        "alphadropout featurealphadropout gaussiandropout gaussiannoise dropblock droppath "
        "stochasticdepth dropconnect noise"
    ),
    # Shapes
    "write `slice: {start: 0, stop: 32}` for a part of the channels; by `from`, several items may "
    "read one tensor": ("narrow gather select indexselect getitem unbind"),
    "write the whole shape: `reshape: [1, 1, -1]`": "squeeze unsqueeze expanddims",
    "write `reshape: [1, -1]` and `upsample: {size: 10}`": "repeatvector",
    "a merge spreads 1×1 maps by itself; `upsample: {size: 8}` repeats them": (
        "tile expand repeat repeatinterleave broadcast broadcastto"
    ),
    "write `pad: {padding: 1, mode: reflect}`": "reflectionpad reflectpad mirrorpad",
    "write `pad: {padding: 1, mode: replicate}`": "replicationpad replicatepad edgepad",
    "write `pad: {padding: 1, mode: circular}`": "circularpad wrappad",
    "write `pad: {padding: 1, value: 0.5}`": "constantpad",
    "write `upsample: {scale: 2, mode: linear, align_corners: true}`": "upsamplingbilinear",
    "write `upsample: {scale: 2, positions: half_pixel, round: round_prefer_ceil}`": (
        "upsamplenearestexact nearestexact"
    ),
    "write `upsample: {scale: 2, mode: linear}`": "bilinearupsample bilinearupsampling",
    # Merges
    "write `add` or `multiply` with a list of branches": "eltwise elementwise elementwiselayer",
    "write `add: [[], [from: input]]`, with the name of the item to add": (
        "shortcut residual skip skipconnection residualconnection"
    ),
    "write `concat: [[from: input], [from: input]]`, with the names of what is put together": (
        "route merge join filterconcat"
    ),
    "write `maximum`, with a list of branches, or `global_maxpool` over a map": "max",
    "`maximum` has its shapes and costs, and other values": "minimum min elementwiseminimum",
    "write `add` with a list of branches and `affine: 1/2` behind it, for the mean of two": (
        "average averagelayer"
    ),
    "`multiply: [[], [from: input]]`, with the name of the item to multiply by": (
        "scalechannels sam axpy"
    ),
    "`matmul` multiplies two matrices that the network computes, and `multiply` value by value": (
        "dot bilinear einsum einsumdense"
    ),
    # Other networks
    "write `lstm: {features: 128, bidirectional: true}`": "bidirectional bilstm blstm",
    "write `gru: {features: 128, bidirectional: true}`": "bigru",
    "`lstm` and `gru` go along a sequence; of recurrent layers there is no other kind yet": (
        "rnn simplernn lstmcell grucell rnncell simplernncell stackedrnncells rnnbase "
        "rnncellbase convlstm convgru lstmunit crnn"
    ),
    "write `attention: {heads: 8, branches: [[], [from: input]]}`, with the name of what it "
    "attends to for `input`": "crossattention multiheadcrossattention encoderdecoderattention",
    "write `attention: {heads: 4, window: 7, shift: 3, relative_bias: true}`": (
        "windowattention shiftedwindowattention swinattention swintransformerblock"
    ),
    "write `attention: {heads: 4, grid: 8, relative_bias: true}`": "gridattention",
    "`attention` is multi-head attention over positions, and there is no other yet": (
        "additiveattention groupqueryattention groupedqueryattention c2psa c3tr "
        "scaleddotproductattention"
    ),
    "a transformer is written out of `layernorm`, `attention`, `linear` and `add`, as "
    "`convcalc show vit_b_16` has it": (
        "transformer transformerencoder transformerencoderlayer transformerdecoder "
        "transformerdecoderlayer vit patchembed"
    ),
    "it is written out of `pad`, `space_to_depth`, `layernorm` and `linear`, as `convcalc show "
    "swin_t` has it": "patchmerging swin swintransformer",
    "`embedding` gives a row for each number; sums of rows, and tables read backwards, are no "
    "kind": ("embeddingbag reversibleembedding"),
    # What is no layer
    "items of a list follow each other; a group of some is written `layers: [relu]`": (
        "sequential modulelist moduledict module container parameterlist parameterdict model "
        "functional stacked graph"
    ),
    "functions are none of a spec: write the layers that it has": (
        "lambda python function wrapper torchmodulewrapper tfsmlayer jaxlayer flaxlayer "
        "pythonlayer timedistributed"
    ),
    "how a network is run is none of a spec: leave it out": (
        "dataparallel distributeddataparallel checkpoint cast print quantstub dequantstub "
        "stopgradient detach contiguous clone"
    ),
    "the input stands at the top of a spec: `input: 224x224x3`": (
        "inputlayer inputspec inputs data imagedata hdf5data memorydata windowdata dummydata "
        "annotateddata net network image placeholder"
    ),
    "what prepares images is no part of a network: leave it out": (
        "normalization augmix autocontrast cutmix equalization mixup randaugment "
        "randombrightness randomcolordegeneration randomcolorjitter randomcontrast randomcrop "
        "randomelastictransform randomerasing randomflip randomgaussianblur randomgrayscale "
        "randomhue randominvert randomperspective randomposterization randomrotation "
        "randomsaturation randomsharpness randomshear randomtranslation randomzoom solarization "
        "maxnumboundingboxes totensor textvectorization discretization categoryencoding hashing "
        "hashedcrossing stringlookup integerlookup featurespace pipeline"
    ),
    "a loss is no part of a network: leave it out, and keep `softmax`": (
        "softmaxwithloss softmaxloss crossentropyloss adaptivelogsoftmaxwithloss "
        "linearcrossentropyloss multinomiallogisticloss"
    ),
    "a loss is no part of a network: leave it out": (
        "loss bceloss bcewithlogitsloss ctcloss cosineembeddingloss gaussiannllloss "
        "hingeembeddingloss huberloss kldivloss l1loss marginrankingloss mseloss "
        "multilabelmarginloss multilabelsoftmarginloss multimarginloss nllloss poissonnllloss "
        "smoothl1loss softmarginloss tripletmarginloss tripletmarginwithdistanceloss hingeloss "
        "euclideanloss contrastiveloss contrastive infogainloss sigmoidcrossentropyloss cost "
        "multiboxloss activityregularization"
    ),
    "what is done with the output is no part of a network: leave it out": (
        "yolo region detection detect gaussianyolo detectionoutput proposal nms nonmaxsuppression "
        "argmax argmin accuracy silence hdf5output iseg output outputlayer segment pose classify"
    ),
}
"""What to do → foreign kinds in lower case, without underscores and the number of axes."""


_FIELDS: Mapping[str, str] = {
    "leave it out: it follows from the layer before": (
        "in_channels in_features input_shape num_features num_channels batch_input_shape "
        "input_dim input_size input_channels in_planes inplanes in_ch c_in cin input_features"
    ),
    "leave it out: it is a choice of how the network is run, not of the network": (
        "inplace device dtype engine return_indices recompute_scale_factor use_global_stats "
        "cudnn_enabled implementation jit antialias synchronized process_group batch_first "
        "stateful unroll use_cudnn flash_attention"
    ),
    "leave it out: it is about training, and this is about the network": (
        "kernel_initializer bias_initializer depthwise_initializer pointwise_initializer "
        "kernel_regularizer bias_regularizer activity_regularizer depthwise_regularizer "
        "pointwise_regularizer kernel_constraint bias_constraint gamma_initializer "
        "beta_initializer moving_mean_initializer moving_variance_initializer gamma_regularizer "
        "beta_regularizer weight_filler bias_filler lr_mult decay_mult param weight_decay seed "
        "trainable requires_grad weight_init init initializer noise_shape lr_policy "
        "lora_rank lora_alpha depthwise_constraint pointwise_constraint beta_constraint "
        "gamma_constraint recurrent_initializer recurrent_regularizer recurrent_constraint "
        "unit_forget_bias"
    ),
    "leave it out: shapes have their channels behind here, however arrays are laid out": (
        "data_format channels_first channels_last layout dim_ordering memory_format"
    ),
    "write it as a layer of its own: `- batchnorm`": (
        "batch_normalize batch_norm bn use_bn batchnorm normalization norm_layer normalize"
    ),
    "a name stands beside the kind: `from: input`": "bottom inbound_nodes inputs input",
    "a name stands beside the kind: `name: a`": "top",
    "`global_maxpool` and `global_avgpool` are kinds of their own": "global_pooling global",
    "`momentum` is 1 less this": "moving_average_fraction decay",
    "write `affine: false` for neither a factor nor a summand": "center",
    "leave it out: the kind says it": "type pool operation layer_type class_name",
    "leave it out: it is a vector here": "keepdims keepdim",
    "write it as a layer of its own, before: `- pad: 1`": "zero_padding",
}
"""What to do → foreign fields."""

_FIELDS_OF: Mapping[tuple[str, str], str] = {
    **{
        (kind, field): "leave it out: it is over the channels here"
        for kind in ("softmax", "log_softmax")
        for field in ("dim", "axis")
    },
    ("batchnorm", "axis"): "leave it out: it is over the channels here",
    ("batchnorm", "dim"): "leave it out: it is over the channels here",
    ("relu", "max_value"): "`relu6` is the one that ends at 6",
    ("relu", "negative_slope"): "`leaky_relu` is the one with a slope",
    ("relu", "slope"): "`leaky_relu` is the one with a slope",
    ("relu", "alpha"): "`leaky_relu` is the one with a slope",
    **{
        (kind, "bias"): "write `affine: false` for neither a factor nor a summand"
        for kind in ("batchnorm", "groupnorm", "instancenorm")
    },
    ("groupnorm", "axis"): "leave it out: it is over the channels here",
    ("groupnorm", "scale"): "write `affine: false` for neither a factor nor a summand",
    ("relu", "threshold"): "leave it out: it is 0 here",
    ("reshape", "dim"): "leave it out: `shape` is the whole shape here",
    ("reshape", "unflattened_size"): "`shape` is the whole shape here, without the batch",
    **{
        ("attention", field): "leave it out: it follows the channels of the input"
        for field in ("embed_dim", "d_model", "dim", "hidden_size", "kdim", "vdim", "output_shape")
    },
    **{
        ("attention", field): "leave it out: of C channels each head has C/heads here"
        for field in ("key_dim", "value_dim", "head_dim", "dim_head")
    },
    ("attention", "attention_axes"): "leave it out: it is over all positions here",
    **{
        ("attention", field): "leave it out: keys and values are of the input's positions alone"
        for field in ("add_bias_kv", "add_zero_attn")
    },
    **{
        (kind, field): "write `dropout` as a layer of its own behind it"
        for kind in ("attention", "lstm", "gru")
        for field in ("dropout", "recurrent_dropout")
    },
    **{
        (kind, field): advice
        for kind in ("lstm", "gru")
        for field, advice in {
            "proj_size": "write `linear: {features: 64, axis: channels}` behind it",
            "recurrent_activation": "leave it out: its gates are sigmoids",
            "return_sequences": "leave it out: each step comes out, of which "
            "`slice: {start: 31, axis: length}` takes the last of 32",
            "return_state": "leave it out: the last step that comes out is the state",
            "go_backwards": "`bidirectional: true` goes along the sequence both ways",
            "reset_after": "leave it out: it is so here",
        }.items()
    },
    ("layernorm", "center"): "write `bias: false`",
    ("layernorm", "scale"): "write `affine: false`",
    ("batchnorm", "scale"): "write `affine: false` for neither a factor nor a summand",
    ("conv_transpose", "rounding"): "leave it out: every size of an input makes a whole one here",
}
"""Kinds with foreign fields → what to do."""

_ACTIVATION = frozenset(
    ("activation", "act", "use_relu", "relu", "nonlinearity", "activation_fn", "act_layer", "actv")
)


_SIDES = {"h": "height", "w": "width"}


@cache
def _by_kind() -> dict[str, str]:
    return {word: advice for advice, words in _KINDS.items() for word in words.split()}


@cache
def _by_field() -> dict[str, str]:
    return {word: advice for advice, words in _FIELDS.items() for word in words.split()}


def kind_answer(plain: str) -> str | None:
    """What to do about a kind of another framework that convcalc has not, if it is one.

    `plain` is in lower case, without signs between words and without the number of axes.

    >>> kind_answer("bigru")
    'write `gru: {features: 128, bidirectional: true}`'
    """
    return _by_kind().get(plain)


def field_answer(kind: str, key: str, node: Map, fields: Collection[str]) -> Answer | None:
    """What to do about a field that only other frameworks have, with its fix; None of others.

    `node` is the mapping that has it, and `fields` are those that the kind has.
    """
    field = key.lower()
    value = node.entries[key]
    word = value.text if isinstance(value, ScalarNode) else ""
    if field in _ACTIVATION:
        return Answer(activation_answer(word))
    if field == "inplace":
        return Answer(_by_field()[field], remove_field())
    if field == "ceil_mode" and "rounding" in fields:
        said = {"true": "ceil", "false": "floor"}.get(word.lower())
        return Answer("write `rounding: ceil`", rename("rounding", said) if said else None)
    if field in ("no_bias", "nobias") and "bias" in fields:
        said = {"true": "false", "1": "false", "false": "true", "0": "true"}.get(word.lower())
        fix = rename("bias", said == "true") if said and "bias" not in node.entries else None
        return Answer(f"write `bias: {said or 'false'}`", fix)
    if field == "normalized_shape" and "over" in fields:
        return _normalized(value, node)
    if field in ("pad", "padding") and "size" in node.entries and word == "1" and kind == "conv":
        return Answer("darknet's `pad: 1` is `padding: same`")
    first, _, side = field.rpartition("_")
    if side in _SIDES and {"kernel": "kernel", "pad": "padding"}.get(first, first) in fields:
        name = {"pad": "padding"}.get(first, first)
        parts = [node.entries.get(f"{first}_{each}") for each in _SIDES]
        texts = [part.text[:20] if isinstance(part, ScalarNode) else "3" for part in parts]
        return Answer(f"write both in one, height × width: `{name}: {'x'.join(texts)}`")
    advice = _FIELDS_OF.get((kind, field)) or _by_field().get(field)
    return None if advice is None else Answer(advice)


def activation_answer(word: str) -> str:
    """What to write for an activation that is a field elsewhere."""
    from convcalc.spec.vocabulary import native_kind

    if word.lower() in ("linear", "none", "null", "~", "false", "identity", ""):
        return "leave it out: a layer has no activation but one of its own behind it"
    meant = native_kind(word, [*kinds("activation", "softmax")])
    other = kind_answer(word.lower().replace("_", "")) if meant is None else None
    return other or f"write the activation as a layer of its own: `- {meant or 'relu'}`"


def _normalized(value: Node, node: Map) -> Answer:
    """What is normalized over, of the shape that PyTorch is told."""
    count = len(value.items) if isinstance(value, List) else 1
    over = "channels" if count == 1 else "all"
    fix = rename("over", over) if count != 2 and "over" not in node.entries else None
    return Answer(f"it is called `over` here: write `over: {over}`", fix)


_VALUES: Mapping[str, str] = {
    **dict.fromkeys(("zeros", "constant"), "zero"),
    **dict.fromkeys(("edge", "replication", "nearest"), "replicate"),
    **dict.fromkeys(("reflection", "mirror", "reflect_101"), "reflect"),
    **dict.fromkeys(("wrap", "periodic"), "circular"),
    **dict.fromkeys(("bilinear", "trilinear"), "linear"),
    "bicubic": "cubic",
    **dict.fromkeys(("nearest_neighbor", "nearestneighbor", "nearest-neighbor"), "nearest"),
    **dict.fromkeys(("ceiling", "up"), "ceil"),
    **dict.fromkeys(("down", "truncate", "trunc"), "floor"),
    **dict.fromkeys(("channel", "per_channel"), "channels"),
    **dict.fromkeys(("shared", "single"), "one"),
    **dict.fromkeys(("true", "yes"), "tanh"),
    **dict.fromkeys(("false", "no", "erf", "exact"), "none"),
}
"""Foreign words as values → the word here, where the field has it."""
_UNSURE_VALUES = frozenset({"constant", "mirror", "up", "down", "nearest", "yes", "no", "exact"})


def axis_answer(number: str, choices: Collection[str]) -> str | None:
    """Which axes a number means elsewhere, where names of axes are what can be chosen.

    >>> axis_answer("-1", ["channels", "length", "height", "width", "depth"])
    'axes have names here: −1 is `length` or `width` in PyTorch, and `channels` in Keras'
    """
    if "channels" not in choices or not re.fullmatch("-?[0-9]{1,2}", number):
        return None
    if len(choices) == 1:
        return "axes have names here: write `channels`"
    shown = number.replace("-", "−")
    if int(number) == 0:
        return f"axes have names here, and {shown} is the batch, which is none of them"
    orders = [(first, *rest) for first, *rest in AXIS_WORDS.values() if rest]
    torch = _axes_at(int(number), orders, choices)
    keras = _axes_at(int(number), [(*rest, first) for first, *rest in orders], choices)
    if not torch and not keras:
        return None
    return f"axes have names here: {shown} is {torch} in PyTorch, and {keras} in Keras"


def _axes_at(number: int, orders: Iterable[tuple[str, ...]], choices: Collection[str]) -> str:
    """What stands at a number, from the end where it is negative, behind the batch at 0."""
    names = [("", *order) for order in orders if -len(order) <= number <= len(order)]
    words = dict.fromkeys(axes[number] for axes in names if axes[number] in choices)
    *some, last = [f"`{word}`" for word in words] or [""]
    return f"{', '.join(some)} or {last}" if some else last


_SAME = frozenset(
    {"same_upper", "same_lower", "samepad", "same-pad", "same_pad", "half", "auto", "sameupper"}
)
_NOTHING = frozenset({"none", "null", "~", "no", "false", "off", "nopad"})
_BORDERS = {
    **dict.fromkeys(("zero", "zeros", "constant"), "zero"),
    **dict.fromkeys(("reflect", "reflection", "mirror", "symmetric"), "reflect"),
    **dict.fromkeys(("replicate", "replication", "edge", "border"), "replicate"),
    **dict.fromkeys(("circular", "wrap", "periodic"), "circular"),
}


def native_value(foreign: str, choices: Collection[str]) -> tuple[str | None, bool]:
    """The word here that another means as a value, and whether it can mean nothing else.

    >>> native_value("bilinear", ["nearest", "linear"]), native_value("soft", ["one"])
    (('linear', True), (None, False))
    """
    word = foreign.lower()
    if word in choices:
        return word, True
    meant = _VALUES.get(word)
    return (meant, word not in _UNSURE_VALUES) if meant in choices else (None, False)


def padding_answer(word: str, node: Map, fields: Collection[str]) -> Answer | None:
    """What to write for a padding that is said in a word elsewhere; None of other words."""
    word = word.lower()
    if word in _NOTHING:
        return Answer("write 0", write_value(0))
    if word in _SAME:
        return Answer("write `same`")
    reach = _reach(node)
    if word == "full":
        advice = "it is (kernel − 1)·dilation on each side"
        return Answer(f"{advice}: write {reach or '2, of a kernel of 3'}")
    if word == "causal":
        advice = "it is (kernel − 1)·dilation in front of a sequence"
        return Answer(f"{advice}: write [[{reach or 2}, 0]]{'' if reach else ', of a kernel of 3'}")
    if word in _BORDERS and "padding_mode" in fields:
        mode = _BORDERS[word]
        return Answer(f"it says how much, as `padding: same`, and `padding_mode: {mode}` of what")
    if word in _BORDERS and "mode" in fields:
        return Answer(f"it says how much, as `padding: 1`, and `mode: {_BORDERS[word]}` of what")
    return None


def _reach(node: Map) -> int | None:
    """(kernel − 1)·dilation, where both are single numbers."""
    parts = [node.entries.get(field) for field in ("kernel", "dilation")]
    texts = [
        each.text if isinstance(each, ScalarNode) else usual if each is None else ""
        for each, usual in zip(parts, ("", "1"), strict=True)
    ]
    kernel, dilation = (int(text) if text.isdecimal() and len(text) < 6 else 0 for text in texts)
    return (kernel - 1) * dilation if kernel and dilation else None


_CALL = r"([A-Za-z_][\w.]*)[ ]*\((.*)\)"
_SIMPLE = r"-?[\w.*/+ -]+|\([\d, ]+\)|\[[\d, ]+\]"


def call_answer(text: str) -> Answer | None:
    """What to write for a layer that is written as a call: `Conv2d(3, 64, 3)`; None of others."""
    from convcalc.spec.vocabulary import known_kind, plain

    call = re.fullmatch(_CALL, text.strip())
    if call is None:
        return None
    kind = known_kind(call[1], [*CATALOGUE])
    if kind is None:
        advice = kind_answer(plain(call[1]))
        return Answer(advice) if advice else None
    acts = re.search(rf"\b(?:{'|'.join(sorted(_ACTIVATION))})[ ]*=[ ]*([^,)]+)", call[2])
    behind = f"; {activation_answer(acts[1].strip(chr(39) + chr(34)))}" if acts else ""
    written = _called(kind, call[1], call[2])
    if written is not None:
        sure = written == kind and not behind
        return Answer(f"write `{written}`{behind}", rename(kind) if sure else None)
    first = next(iter(field_names(kind)), "")
    return Answer(f"fields stand in braces: `{kind}: {{{first}: …}}`")


def _called(kind: str, name: str, inside: str) -> str | None:
    """The item that a call is, as a spec has it; None where its arguments are not plain."""
    from convcalc.spec.vocabulary import native_field

    declared = list(declarations(layer_class(kind)))
    arguments = [part.strip() for part in re.split(r",(?![^(\[]*[)\]])", inside) if part.strip()]
    positional = [part for part in arguments if "=" not in part]
    fields = dict(zip(_positions(kind, name, len(positional)), positional, strict=False))
    for part in arguments:
        key, equals, value = part.partition("=")
        key = key.strip()
        field = key if key in declared else native_field(key, declared) or ""
        if equals and field:
            fields[field] = value.strip()
    fields.pop("", None)
    if not all(re.fullmatch(_SIMPLE, value.strip("'\"")) for value in fields.values()):
        return None
    texts = {field: _plain_value(value) for field, value in fields.items()}
    usual = defaults(layer_class(kind))
    if any(field not in usual and field not in texts for field in declared):
        return None
    if not texts:
        return kind
    if [*texts] == declared[:1] and layer_class(kind).stands_alone:
        return f"{kind}: {texts[declared[0]]}"
    return f"{kind}: {{{', '.join(f'{field}: {value}' for field, value in texts.items())}}}"


def _positions(kind: str, name: str, count: int) -> list[str]:
    """What arguments by place are; "" of what a spec leaves out."""
    declared = list(declarations(layer_class(kind)))
    torch = name.rpartition(".")[2][-2:] in ("1d", "2d", "3d") or name.startswith("nn.")
    family = CATALOGUE[kind].family
    if kind in ("conv", "conv_transpose") and (torch or count > 2):
        return ["", *declared[:4]]
    if kind == "linear" and count > 1:
        return ["", "features"]
    if family == "norm":
        return ["groups"] if kind == "groupnorm" else [""] * count
    return declared


def _plain_value(value: str) -> str:
    """An argument of Python as a value of a spec: (3, 5) is 3x5."""
    value = value.strip("'\"")
    if value[:1] in "([":
        return "x".join(value.strip("()[]").replace(" ", "").strip(",").split(","))
    return {"True": "true", "False": "false"}.get(value, value)
