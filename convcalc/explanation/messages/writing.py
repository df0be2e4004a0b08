"""A layer as a program has it, in the words of a framework: what to write where it differs."""

from typing import TYPE_CHECKING, Any

from convcalc.layers.base import Layer, declarations, hyperparameters
from convcalc.layers.sliding import layer_stride, per_axis, sides
from convcalc.numbers import value_text

if TYPE_CHECKING:
    from convcalc.graph import Network
    from convcalc.shape import Shape


def in_code(network: "Network", index: int, framework: str) -> str:
    """The call that makes a layer as the spec has it; the spec's own words where there is none."""
    node = network.nodes[index]
    layer: Any = node.layer
    x = network.shape_of(node.inputs[0]) if node.inputs else None
    if layer is None or x is None:
        return node.kind
    if framework == "PyTorch":
        return _torch(node.kind, layer, x) or in_spec(node.kind, layer)
    if framework in ("Keras", "TensorFlow"):
        return _keras(node.kind, layer, x) or in_spec(node.kind, layer)
    return in_spec(node.kind, layer)


def in_spec(kind: str, layer: Layer) -> str:
    """A layer as a spec has it.

    >>> from convcalc.layers import layer_class
    >>> in_spec("conv", layer_class("conv")(filters=8, kernel=3, padding=1))
    'conv: {filters: 8, kernel: 3, padding: 1}'
    """
    given = {
        name: value
        for name, value in hyperparameters(layer).items()
        if not (name == "rounding" and value == "floor")
    }
    if not given:
        return kind
    if list(given) == list(declarations(type(layer)))[:1] and layer.stands_alone:
        return f"{kind}: {value_text(*given.values())}"
    fields = ", ".join(f"{name}: {value_text(value)}" for name, value in given.items())
    return f"{kind}: {{{fields}}}"


def _call(name: str, *values: Any, **options: Any) -> str:
    """A call; options that are None are left out."""
    words = [*map(str, values)]
    words += [f"{key}={value}" for key, value in options.items() if value is not None]
    return f"{name}({', '.join(words)})"


def _one(value: Any, rank: int, usual: Any = None) -> Any:
    """A number for all axes where they are alike; None where that is the usual one."""
    axes = per_axis(value, rank)
    one: Any = axes[0] if len(set(axes)) == 1 else axes
    return None if one == usual else one


def _padding(layer: Any, rank: int) -> Any:
    """Padding as a number or one per axis; None for none, or what has no such words."""
    if isinstance(layer.padding, str):
        return repr(layer.padding) if layer.padding == "same" else None
    pairs = sides(layer.padding, rank)
    if any(before != after for before, after in pairs):
        return pairs
    return _one(tuple(before for before, _ in pairs), rank, 0)


def _torch(kind: str, layer: Any, x: "Shape") -> str:
    rank, channels = x.rank, x.channels
    if kind in ("conv", "depthwise_conv", "conv_transpose"):
        deep = kind == "depthwise_conv"
        filters = channels * layer.multiplier if deep else layer.filters
        groups = channels if deep else layer.groups
        padding = _padding(layer, rank)
        if isinstance(padding, tuple) and isinstance(padding[0], tuple):
            return ""
        extra = _one(layer.output_padding, rank, 0) if kind == "conv_transpose" else None
        return _call(
            f"nn.Conv{'Transpose' if kind == 'conv_transpose' else ''}{rank}d",
            channels,
            filters,
            f"kernel_size={_one(layer.kernel, rank)}",
            stride=_one(layer.stride, rank, 1),
            padding=padding,
            output_padding=extra,
            dilation=_one(layer.dilation, rank, 1),
            groups=None if groups == 1 else groups,
            bias=None if layer.bias else False,
        )
    if kind == "linear" and not (layer.axis and rank):
        return _call("nn.Linear", channels, layer.features, bias=None if layer.bias else False)
    if kind in ("batchnorm", "instancenorm"):
        name = f"nn.{'Batch' if kind == 'batchnorm' else 'Instance'}Norm{max(rank, 1)}d"
        return _call(name, channels)
    if kind == "groupnorm":
        return _call("nn.GroupNorm", layer.groups, channels)
    if kind == "layernorm":
        return _call("nn.LayerNorm", x.axes if layer.over == "all" and rank else channels)
    if kind == "prelu":
        return _call("nn.PReLU", 1 if layer.slopes == "one" else channels)
    if kind in ("maxpool", "avgpool"):
        padding = _padding(layer, rank)
        if isinstance(padding, str) or (padding and isinstance(padding[0:1], tuple)):
            return ""
        kernel = _one(layer.kernel, rank)
        stride = _one(layer_stride(layer), rank)
        return _call(
            f"nn.{'Max' if kind == 'maxpool' else 'Avg'}Pool{rank}d",
            kernel,
            stride=None if stride == kernel else stride,
            padding=padding,
            ceil_mode=True if layer.rounding == "ceil" else None,
        )
    if kind == "flatten" and (layer.start, layer.end) == (1, -1):
        return "torch.flatten(x, 1)"
    if kind in ("global_avgpool", "global_maxpool"):
        return f"nn.Adaptive{'Avg' if kind == 'global_avgpool' else 'Max'}Pool{rank}d(1)"
    return ""


def _keras(kind: str, layer: Any, x: "Shape") -> str:
    rank = x.rank
    if kind == "linear":
        return _call("Dense", layer.features)
    if kind in ("conv", "conv_transpose", "maxpool", "avgpool"):
        padding = _padding(layer, rank)
        if padding is not None and padding != repr("same"):
            return ""
        names = {
            "conv": f"Conv{rank}D",
            "conv_transpose": f"Conv{rank}DTranspose",
            "maxpool": f"MaxPooling{rank}D",
            "avgpool": f"AveragePooling{rank}D",
        }
        kernel = _one(layer.kernel, rank)
        pool = kind.endswith("pool")
        values = (kernel,) if pool else (layer.filters, kernel)
        stride = _one(layer_stride(layer), rank, kernel if pool else 1)
        same = None if padding is None else '"same"'
        dilation = None if pool else _one(getattr(layer, "dilation", 1), rank, 1)
        return _call(names[kind], *values, strides=stride, padding=same, dilation_rate=dilation)
    if kind == "batchnorm":
        return "BatchNormalization()"
    return "Flatten()" if kind == "flatten" else ""
