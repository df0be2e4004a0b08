"""A network as the PyTorch program that one would write for it, and as an ONNX model."""

from collections import Counter
from collections.abc import Mapping
from math import prod
from typing import Any

from convcalc.graph import Network
from convcalc.layers.base import axis_number
from convcalc.window import Window

FUNCTIONS = {
    "relu": "F.relu({0}, inplace={inplace})",
    "relu6": "F.relu6({0}, inplace={inplace})",
    "silu": "F.silu({0}, inplace={inplace})",
    "hardswish": "F.hardswish({0}, inplace={inplace})",
    "hardsigmoid": "F.hardsigmoid({0}, inplace={inplace})",
    "sigmoid": "torch.sigmoid({0})",
    "tanh": "torch.tanh({0})",
    "gelu": "F.gelu({0})",
    "softmax": "F.softmax({0}, 1)",
    "dropout": "{0}",
    "add": "{0} + {1}",
    "subtract": "{0} - {1}",
    "multiply": "{0} * {1}",
    "divide": "{0} / {1}",
    "maximum": "torch.maximum({0}, {1})",
    "abs": "torch.abs({0})",
    "identity": "{0}",
    "affine": "{0} * {times} + {plus}",
    "log_softmax": "F.log_softmax({0}, 1)",
    "mish": "F.mish({0})",
    "selu": "F.selu({0})",
    "elu": "F.elu({0}, {alpha})",
    "softplus": "F.softplus({0}, {beta}, {threshold})",
    "leaky_relu": "F.leaky_relu({0}, {slope}, inplace={inplace})",
    "global_maxpool": "F.adaptive_max_pool{rank}d({0}, 1)",
    "global_avgpool": "F.adaptive_avg_pool{rank}d({0}, 1)",
}
BY_FIELDS = frozenset({
    "adaptive_avgpool", "avgpool", "batchnorm", "channel_shuffle", "concat", "conv",
    "adaptive_maxpool", "conv_transpose", "crop", "depthwise_conv", "flatten", "groupnorm",
    "instancenorm", "layernorm", "linear", "lrn", "maxpool", "pad", "permute", "pixel_shuffle",
    "prelu", "reshape", "scale", "slice", "upsample",
})  # fmt: skip
"""Kinds that `_words` has a case for."""
UNSPOKEN: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "locally_connected", "lppool", "separable_conv", "channel_avgpool", "channel_maxpool",
            "l2norm", "space_to_depth", "matmul", "lstm", "gru", "attention",
            "kmaxpool", "maxunpool", "learned", "embedding",
        ),
        "a network that has it is passed over by name",
    ),
}  # fmt: skip
"""Kinds that this file has no words for, and why."""


def _places(layer: Any) -> tuple[str, str, bool]:
    """Which values a resampling by the nearest reads, of which PyTorch has one way alone."""
    return layer.positions, layer.round, layer.align_corners


SCALE = """
class Scale(nn.Module):
    def __init__(self, *shape):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(shape))
    def forward(self, x):
        return x * self.weight.reshape(-1, *[1] * (x.dim() - 2))
"""


class UnknownKindError(ValueError):
    """A kind of layer that this file has no words for."""


def torch_program(network: Network) -> str:
    """Source that defines `modules` by layer name and `forward(x)`."""
    made = ["import torch", "from torch import nn", "from torch.nn import functional as F"]
    made.append("torch.set_grad_enabled(False)")
    made.append(SCALE)
    made.append("modules = {}")
    body = ["def forward(x):"]
    read = Counter(source for node in network.nodes for source in node.inputs)
    last = {source: i for i, node in enumerate(network.nodes) for source in node.inputs}
    for index, node in enumerate(network.nodes):
        if index in network.inputs:
            body.append(f"    v{index} = x")
            continue
        inputs = [f"v{source}" for source in node.inputs]
        module, expression = _words(network, index, inputs, read)
        if module:
            held = index if node.shared_with is None else node.shared_with
            if held == index:
                made.append(f"m{index} = modules[{node.name!r}] = {module}.eval()")
            expression = (expression or "m({0})").replace("m(", f"m{held}(", 1).format(*inputs)
        body.append(f"    v{index} = {expression}")
        gone = [source for source in node.inputs if last[source] == index]
        body += [f"    del v{source}" for source in sorted(set(gone))]
    body.append(f"    return v{network.output}")
    return "\n".join([*made, *body])


MODES = {"zero": "zeros", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}
"""PyTorch's words for what is read in a convolution's border."""


def _padded(
    windows: tuple[Window, ...], given: str, value: str, mode: str = "zero"
) -> tuple[tuple[int, ...], str]:
    """Padding that a layer takes itself, or none and the input padded in front of it."""
    if all(window.before == window.after >= 0 for window in windows):
        return tuple(window.before for window in windows), given
    sides = [side for window in reversed(windows) for side in (window.before, window.after)]
    border = f"value={value}" if mode == "zero" else f"mode={mode!r}"
    return (0,) * len(windows), f"F.pad({given}, {sides}, {border})"


def _words(
    network: Network, index: int, inputs: list[str], read: Mapping[int, int]
) -> tuple[str, str]:
    """A module to build and how it is called, if not on the input; or "" and an expression."""
    node, plan = network.nodes[index], network.plans[index]
    shape = network.shape_of(node.inputs[0])
    assert plan is not None  # noqa: S101
    assert shape is not None  # noqa: S101
    layer: Any = node.layer
    rank = shape.rank
    windows = plan.windows
    if node.kind == "conv_transpose" and isinstance(layer.padding, int):
        return (
            f"nn.ConvTranspose{rank}d({shape.channels}, {layer.filters}, {layer.kernel}, "
            f"{layer.stride}, {layer.padding}, {layer.output_padding}, {layer.groups}, "
            f"{layer.bias}, {layer.dilation})"
        ), ""
    kernel = tuple(window.kernel for window in windows)
    stride = tuple(window.stride for window in windows)
    if node.kind in ("conv", "depthwise_conv"):
        groups = shape.channels if node.kind == "depthwise_conv" else layer.groups
        padding, given = _padded(windows, "{0}", "0.0", layer.padding_mode)
        mode = MODES[layer.padding_mode]
        more = "" if mode == "zeros" or given != "{0}" else f", padding_mode={mode!r}"
        return (
            f"nn.Conv{rank}d({shape.channels}, {plan.output.channels}, {kernel}, {stride}, "
            f"{padding}, {tuple(w.dilation for w in windows)}, {groups}, {layer.bias}{more})"
        ), f"m({given})"
    if node.kind == "layernorm" and layer.over == "channels" and layer.affine and layer.bias:
        last, first = (0, *range(2, rank + 2), 1), (0, rank + 1, *range(1, rank + 1))
        turned = f"m({{0}}.permute{last}).permute{first}" if rank else "m({0})"
        return f"nn.LayerNorm({shape.channels}, eps={layer.eps})", turned
    if node.kind == "scale" and not layer.bias:
        return f"Scale({shape.channels})", "m({0})"
    if node.kind == "batchnorm":
        more = "" if layer.affine else ", affine=False"
        more += "" if layer.track_running_stats else ", track_running_stats=False"
        return f"nn.BatchNorm{max(rank, 1)}d({shape.channels}, eps={layer.eps}{more})", ""
    if node.kind == "linear":
        turned = "m({0}.movedim(1, -1)).movedim(-1, 1)" if rank else ""
        return f"nn.Linear({shape.channels}, {layer.features}, {layer.bias})", turned
    if node.kind in ("maxpool", "avgpool"):
        ceil, given = layer.rounding == "ceil", inputs[0]
        pads: Any = layer.padding
        if not ceil:
            value = "-torch.inf" if node.kind == "maxpool" else "0.0"
            pads, given = _padded(windows, given, value)
        name = f"{node.kind[:3]}_pool{rank}d"
        dilation = tuple(window.dilation for window in windows)
        end = f", count_include_pad={getattr(layer, 'count_include_pad', True)}"
        if node.kind == "maxpool":
            end = f", dilation={dilation}" if max(dilation) > 1 else ""
        return "", f"F.{name}({given}, {kernel}, {stride}, {pads}, ceil_mode={ceil}{end})"
    if node.kind in ("pad", "crop") and getattr(layer, "mode", "zero") == "zero":
        sides = [side for w in reversed(windows) for side in (w.before, w.after)]
        return "", f"F.pad({inputs[0]}, {sides})"
    if node.kind in ("adaptive_avgpool", "adaptive_maxpool"):
        name = f"adaptive_{node.kind[len('adaptive_') :][:3]}_pool{rank}d"
        return "", f"F.{name}({inputs[0]}, {plan.output.spatial})"
    if node.kind == "groupnorm":
        return f"nn.GroupNorm({layer.groups}, {shape.channels}, affine={layer.affine})", ""
    if node.kind == "instancenorm" and rank:
        tracked = f"affine={layer.affine}, track_running_stats={layer.track_running_stats}"
        return f"nn.InstanceNorm{rank}d({shape.channels}, {tracked})", ""
    if node.kind == "prelu":
        return f"nn.PReLU({1 if layer.slopes == 'one' else shape.channels})", ""
    if node.kind == "flatten":
        end = "" if layer.end == -1 else f", {layer.end}"
        return "", f"{inputs[0]}.flatten({layer.start}{end})"
    if node.kind == "reshape":
        return "", f"{inputs[0]}.reshape(-1, {', '.join(map(str, plan.output.axes))})"
    if node.kind == "permute":
        return "", f"{inputs[0]}.permute(0, {', '.join(map(str, layer.order))})"
    if node.kind == "pixel_shuffle" and rank == len("HW"):
        return "", f"F.pixel_shuffle({inputs[0]}, {layer.factor})"
    usual = ("by_mode", "floor", False)
    if node.kind == "upsample" and layer.mode == "nearest" and _places(layer) == usual:
        size = f"scale_factor={layer.scale}" if layer.scale else f"size={plan.output.spatial}"
        return "", f"F.interpolate({inputs[0]}, {size})"
    if node.kind == "concat":
        return "", f"torch.cat([{', '.join(inputs)}], {1 + layer.joins(rank)})"
    if node.kind == "lrn":
        values = f"{layer.size}, {layer.alpha}, {layer.beta}, {layer.k}"
        return "", f"F.local_response_norm({inputs[0]}, {values})"
    if node.kind == "channel_shuffle":
        return "", f"F.channel_shuffle({inputs[0]}, {layer.groups})"
    if node.kind == "slice":
        before = ":, " * (1 + (axis_number(layer.axis, rank) or 0))
        return "", f"{inputs[0]}[{before}{layer.start}:{layer.stop}]"
    words = FUNCTIONS.get(node.kind)
    if words is None or len(inputs) > 2:
        raise UnknownKindError(node.kind)
    return "", words.format(
        *inputs,
        rank=rank,
        times=getattr(layer, "times", 1),
        plus=getattr(layer, "plus", 0),
        **{name: getattr(layer, name, 0) for name in ("slope", "alpha", "beta", "threshold")},
        inplace=read[node.inputs[0]] == 1 and node.inputs[0] >= 0,
    )


def onnx_model(network: Network, batch: int, weights: Mapping[str, Any]) -> Any:
    """The network as an ONNX model with `weights`."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    nodes, held = [], []
    assert network.input is not None  # noqa: S101

    def keep(name: str, array: Any) -> str:
        held.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    for index, node in enumerate(network.nodes):
        if index in network.inputs:
            continue
        plan = network.plans[index]
        assert plan is not None  # noqa: S101
        layer: Any = node.layer
        windows = plan.windows
        inputs = ["x" if source in network.inputs else f"v{source}" for source in node.inputs]
        own = [
            keep(f"{node.name}.{w.name}", weights[f"{node.name}.{w.name}"]) for w in plan.weights
        ]
        options: dict[str, Any] = {}
        if node.kind in ("conv", "depthwise_conv", "maxpool"):
            operator = "MaxPool" if node.kind == "maxpool" else "Conv"
            pads = [w.before for w in windows] + [w.after for w in windows]
            options = {
                "kernel_shape": [w.kernel for w in windows],
                "strides": [w.stride for w in windows],
                "pads": pads,
            }
            if node.kind == "depthwise_conv":
                options["group"] = plan.output.channels
            elif node.kind == "conv":
                options["group"] = layer.groups
        elif node.kind == "batchnorm":
            operator, options = "BatchNormalization", {"epsilon": layer.eps}
        elif node.kind == "linear" and not plan.output.spatial:
            operator, options = "Gemm", {"transB": 1}
        elif node.kind == "relu6":
            operator = "Clip"
            own = [keep(f"low{index}", np.float32(0)), keep(f"high{index}", np.float32(6))]
        elif node.kind in ("dropout", "adaptive_avgpool"):
            if prod(w.kernel for w in windows) > 1:
                raise UnknownKindError(node.kind)
            operator = "Identity"
        else:
            known = {
                "relu": "Relu",
                "add": "Add",
                "flatten": "Flatten",
                "global_avgpool": "GlobalAveragePool",
                "concat": "Concat",
            }
            if node.kind not in known:
                raise UnknownKindError(node.kind)
            operator = known[node.kind]
            if node.kind == "concat":
                options = {"axis": 1 + layer.joins(plan.output.rank)}
        nodes.append(helper.make_node(operator, [*inputs, *own], [f"v{index}"], **options))
    shape = [batch, *network.input.axes]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(f"v{network.output}", TensorProto.FLOAT, None)],
        held,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    return model
