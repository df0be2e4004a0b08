"""PyTorch's own memory, measured on the meta device: every storage it makes, followed to its end.

A dispatch mode sees every operation; a finalizer on every storage sees it go. Arithmetic is never
done, so a network of any size takes milliseconds. What the mode cannot see is memory that a kernel
takes for itself (workspaces), which convcalc does not predict either.

Two things go otherwise under such a mode than without: where gradients of several consumers meet,
autograd adds in place, and it scatters a gradient into zeros in place, only if no mode is active.
`Meter` therefore does what autograd would do.
"""

import gc
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import product
from math import prod
from typing import Any, NamedTuple

import pytest
from kinds import CASES

from convcalc.graph import Network
from convcalc.layers import Layer
from convcalc.layers.sliding import per_axis, sides
from convcalc.shape import Shape

torch = pytest.importorskip("torch")
dispatch = pytest.importorskip("torch.utils._python_dispatch")
functional_call = pytest.importorskip("torch.func").functional_call
checkpointed = pytest.importorskip("torch.utils.checkpoint").checkpoint
functional = torch.nn.functional

MODES = {"zero": "constant", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}
TENSOR_HELD_ONCE, STORAGE_HELD_ONCE = 4, 2
"""Reference counts that Python sees of a tensor that only autograd's buffer holds."""


SCATTERS = {
    torch.ops.aten.scatter.src: torch.ops.aten.scatter_.src,
    torch.ops.aten.scatter_add.default: torch.ops.aten.scatter_add_.default,
}
"""What torch/csrc/autograd/FunctionsManual.cpp asks for under a mode → and without one."""


class Meter(dispatch.TorchDispatchMode):  # type: ignore[misc, name-defined]
    """Bytes alive now, and the most there were since `restart`."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: dict[int, int] = {}
        self.live = self.peak = 0
        self.peak_at = ""
        self.backward = False
        self.log: list[tuple[str, int]] | None = None

    def watch(self, tensor: Any, what: str = "") -> None:
        """Count the storage of a tensor until it goes."""
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self.sizes:
            return
        self.sizes[key] = storage.nbytes()
        self.live += storage.nbytes()
        if self.live > self.peak:
            self.peak, self.peak_at = self.live, what
        weakref.finalize(storage, self.gone, key)

    def gone(self, key: int) -> None:
        self.live -= self.sizes.pop(key)

    def restart(self) -> None:
        self.peak = self.live

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        # What runs again in the backward pass runs with gradients, and autograd itself without.
        own = self.backward and not torch.is_grad_enabled()
        if own and func is torch.ops.aten.add.Tensor and self.adds_in_place(*args):
            torch.ops.aten.add_.Tensor(*args)
            return args[0]
        if own and func in SCATTERS:  # into zeros that were made for it alone
            SCATTERS[func](*args)
            return args[0]
        out = func(*args, **(kwargs or {}))
        if func is torch.ops.aten.native_batch_norm.default and not args[5]:
            self.watch(out[0], str(func))  # real kernels make no statistics in inference
            return out
        for tensor in out if isinstance(out, tuple | list) else (out,):
            if isinstance(tensor, torch.Tensor):
                self.watch(tensor, str(func))
        if self.log is not None:
            self.log.append((str(func), self.live))
        return out

    @staticmethod
    def adds_in_place(older: Any, newer: Any) -> bool:
        """What torch/csrc/autograd/input_buffer.cpp decides (can_accumulate_inplace)."""
        if not isinstance(newer, torch.Tensor) or older.shape != newer.shape:
            return False
        storage = older.untyped_storage()
        # One reference more than without this function's own argument.
        sole = older._use_count() == TENSOR_HELD_ONCE
        return sole and bool(torch._C._storage_Use_Count(storage._cdata) == STORAGE_HELD_ONCE)


Answer = Callable[..., Any]


InPlace = Callable[[int], bool]
"""Whether a layer, by index, overwrites its input."""


Segments = Sequence[tuple[int, int]]
"""Layers, from the first up to, not including, the second, that run again going back."""


class Flags(NamedTuple):
    """How a network is run."""

    training: bool


def of_rank(name: str, x: Any) -> Any:
    return getattr(functional, f"{name}{x.ndim - 2}d")


def bordered(x: Any, pairs: Any, mode: str = "zero", value: float | None = None) -> Any:
    flat = [number for pair in reversed(pairs) for number in pair]
    return functional.pad(x, flat, MODES[mode], value)


def symmetric(pairs: Any) -> bool:
    return all(before == after for before, after in pairs)


def convolved(layer: Any, plan: Any, weights: Any, xs: Any) -> Any:
    """As torch.nn.Conv2d: padding inside the kernel where that can be, a padded copy elsewhere."""
    (x,) = xs
    weight = weights["weight"]
    pairs = [(window.before, window.after) for window in plan.windows]
    stride, dilation = (per_axis(value, x.ndim - 2) for value in (layer.stride, layer.dilation))
    padding: Any = 0
    bordering = any(map(any, pairs))
    if bordering and layer.padding_mode == "zero" and symmetric(pairs):
        padding = tuple(before for before, _ in pairs)
    elif bordering:
        x = bordered(x, pairs, layer.padding_mode)
    groups = x.shape[1] // weight.shape[1]
    return of_rank("conv", x)(x, weight, weights.get("bias"), stride, padding, dilation, groups)


def separable(layer: Any, plan: Any, weights: Any, xs: Any) -> Any:
    inside = convolved(layer, plan, {"weight": weights["weight"]}, xs)
    return of_rank("conv", inside)(inside, weights["pointwise"], weights.get("bias"))


def along(layer: Any, plan: Any, weights: Any, xs: Any) -> Any:
    """What torch.nn.LSTM and GRU do in evaluation: steps first, from states of zeros."""
    x = xs[0].permute(2, 0, 1)
    several = len(layer.directions) * layer.layers
    lstm = layer.gates == 4
    start = [x.new_zeros(several, x.shape[1], layer.features) for _ in range(1 + lstm)]
    function = torch.lstm if lstm else torch.gru
    given = (layer.bias, layer.layers, 0.0, False, layer.bidirectional, False)
    y, *_ = function(x, start if lstm else start[0], [*weights.values()], *given)
    return y.permute(1, 2, 0)


def transposed(layer: Any, plan: Any, weights: Any, xs: Any) -> Any:
    (x,) = xs
    rank = x.ndim - 2
    kernel, stride, dilation = (
        per_axis(value, rank) for value in (layer.kernel, layer.stride, layer.dilation)
    )
    padding, extra = [], []
    for window, size, d in zip(plan.windows, kernel, dilation, strict=True):
        reach = d * (size - 1)
        padding.append(reach - window.before)
        extra.append(window.after - window.before)
    return of_rank("conv_transpose", x)(
        x, weights["weight"], weights.get("bias"), stride, padding, extra, layer.groups, dilation
    )


def locally_connected(layer: Any, plan: Any, weights: Any, xs: Any) -> Any:
    """im2col, then a matrix product per position: PyTorch has no layer for it."""
    (x,) = xs
    weight = weights["weight"]
    rank = x.ndim - 2
    if rank == 1:
        x = x[:, :, None]
    kernel, stride, dilation = (
        ((1,) * (2 - rank)) + per_axis(value, rank)
        for value in (layer.kernel, layer.stride, layer.dilation)
    )
    pairs = [(0, 0)] * (2 - rank) + [(window.before, window.after) for window in plan.windows]
    padding: Any = 0
    if symmetric(pairs):
        padding = tuple(before for before, _ in pairs)
    else:
        x = bordered(x, pairs)
    columns = functional.unfold(x, kernel, dilation, padding, stride)  # (N, C·F, positions)
    positions = columns.shape[-1]
    by_position = weight.reshape(weight.shape[0], positions, -1).permute(1, 2, 0)
    y = torch.bmm(columns.permute(2, 0, 1), by_position).permute(1, 2, 0)
    y = y.reshape(-1, *plan.output.axes)
    return y + weights["bias"] if layer.bias else y


def pooled(name: str) -> Answer:
    def answer(layer: Any, plan: Any, weights: Any, xs: Any, *, indices: bool = False) -> Any:
        (x,) = xs
        rank = x.ndim - 2
        ceil = layer.rounding == "ceil"
        if isinstance(layer.padding, str):
            pairs = [(window.before, window.after) for window in plan.windows]
        else:
            pairs = list(sides(layer.padding, rank))
        padding: Any = 0
        if any(map(any, pairs)):
            if symmetric(pairs) and name != "lp_pool":
                padding = tuple(before for before, _ in pairs)
            else:
                x = bordered(x, pairs, value=float("-inf") if name == "max_pool" else None)
        pool = of_rank(name, x)
        if name == "lp_pool":
            kernel = layer.kernel if rank > 1 else per_axis(layer.kernel, rank)[0]
            return pool(x, layer.norm, kernel, layer.stride, ceil)
        if name == "max_pool":
            flags = (layer.dilation, ceil, indices)
            return pool(x, layer.kernel, layer.stride, padding, *flags)
        return pool(x, layer.kernel, layer.stride, padding, ceil, layer.count_include_pad)

    return answer


def unpooled(layer: Any, plan: Any, weights: Any, xs: Any) -> Any:
    x, indices = xs
    kernel, stride, _, padding, *_ = zip(*layer.windows, strict=True)
    return of_rank("max_unpool", x)(x, indices, kernel, stride, padding, plan.output.spatial)


def adaptive(name: str) -> Answer:
    def answer(layer: Any, plan: Any, weights: Any, xs: Any) -> Any:
        (x,) = xs
        return of_rank(name, x)(x, plan.output.spatial)

    return answer


def normalized(name: str) -> Answer:
    def answer(layer: Any, plan: Any, weights: Any, xs: Any, flags: Flags) -> Any:
        kept = (weights.get("running_mean"), weights.get("running_var"))
        learned = (weights.get("weight"), weights.get("bias"))
        by_batch = flags.training or kept[0] is None
        if name == "instance_norm":
            by_batch = flags.training or kept[0] is None
        return getattr(functional, name)(xs[0], *kept, *learned, by_batch, 0.1, layer.eps)

    return answer


def group_normalized(layer: Any, plan: Any, weights: Any, xs: Any) -> Any:
    learned = (weights.get("weight"), weights.get("bias"))
    return functional.group_norm(xs[0], layer.groups, *learned, layer.eps)


def layer_normalized(layer: Any, plan: Any, weights: Any, xs: Any) -> Any:
    (x,) = xs
    learned = (weights.get("weight"), weights.get("bias"))
    if layer.over == "all" or x.ndim == 2:
        return functional.layer_norm(x, x.shape[1:], *learned, layer.eps)
    last = x.movedim(1, -1)
    return functional.layer_norm(last, last.shape[-1:], *learned, layer.eps).movedim(-1, 1)


def response_normalized(layer: Any, plan: Any, weights: Any, xs: Any) -> Any:
    (x,) = xs
    if x.ndim == 2:
        y = x[:, :, None]
        y = functional.local_response_norm(y, layer.size, layer.alpha, layer.beta, layer.k)
        return y.reshape(x.shape)
    return functional.local_response_norm(x, layer.size, layer.alpha, layer.beta, layer.k)


def at_positions(layer: Any, plan: Any, weights: Any, xs: Any) -> Any:
    (x,) = xs
    learned = (weights["weight"], weights.get("bias"))
    if x.ndim == 2:
        return functional.linear(x, *learned)
    return functional.linear(x.movedim(1, -1), *learned).movedim(-1, 1)


def attended(layer: Any, plan: Any, weights: Any, xs: Any) -> Any:
    """Rows of channels attend to each other, as torch.nn.MultiheadAttention has it.

    Of several tensors queries are the first, keys the second, and values the last.
    """
    if layer.relative_bias or layer.window or layer.grid:
        return attended_within(layer, weights, xs[0])
    x, *others = xs
    rows = [each.flatten(2).mT.transpose(0, 1) for each in xs]
    packed = "in_proj_weight" in weights
    parts = {} if packed else {f"{of}_proj_weight": weights[f"{of}_proj_weight"] for of in "qkv"}
    y, _ = functional.multi_head_attention_forward(
        rows[0], rows[1 if others else 0], rows[-1], x.shape[1], layer.heads,
        weights.get("in_proj_weight"), weights.get("in_proj_bias"), None, None, False, 0.0,
        weights["out_proj.weight"], weights.get("out_proj.bias"), need_weights=False,
        use_separate_proj_weight=not packed, **parts,
    )  # fmt: skip
    del rows
    return y.transpose(0, 1).mT.unflatten(2, x.shape[2:])


def attended_within(layer: Any, weights: Any, x: Any) -> Any:
    """Attention of torchvision's Swin (shifted_window_attention), of any number of axes.

    Along a grid it is cut as torchvision's MaxViT cuts it; without either the map is one part.
    """
    x = x.movedim(1, -1)
    count, *sizes, channels = x.shape
    rank, heads, whole, shift = len(sizes), layer.heads, sizes, [0] * len(sizes)
    if layer.window:
        inner = list(per_axis(layer.window, rank))
        lack = [-size % part for size, part in zip(sizes, inner, strict=True)]
        x = functional.pad(x, [0, 0, *(each for more in reversed(lack) for each in (0, more))])
        whole = list(x.shape[1:-1])
        shift = list(per_axis(layer.shift, rank))
        shift = [0 if inner[at] >= whole[at] else by for at, by in enumerate(shift)]
    else:
        inner = list(per_axis(layer.grid, rank)) if layer.grid else sizes
    axes = range(1, rank + 1)
    if any(shift):
        x = torch.roll(x, [-by for by in shift], [*axes])
    outer = [size // part for size, part in zip(whole, inner, strict=True)]
    pairs = zip(inner, outer, strict=True) if layer.grid else zip(outer, inner, strict=True)
    cut = [each for pair in pairs for each in pair]
    first, second = range(1, 2 * rank, 2), range(2, 2 * rank + 1, 2)
    order = [*second, *first] if layer.grid else [*first, *second]
    parts, length = prod(outer), prod(inner)
    x = x.reshape(count, *cut, channels).permute(0, *order, 2 * rank + 1)
    x = x.reshape(count * parts, length, channels)
    qkv = functional.linear(x, weights["in_proj_weight"], weights.get("in_proj_bias"))
    qkv = qkv.reshape(len(x), length, 3, heads, channels // heads).permute(2, 0, 3, 1, 4)
    q, k, v = qkv[0], qkv[1], qkv[2]
    q = q * (channels // heads) ** -0.5
    scores = q.matmul(k.transpose(-2, -1))
    if layer.relative_bias:
        bias = weights["relative_position_bias_table"][relative_index(weights, inner)]
        bias = bias.view(length, length, -1).permute(2, 0, 1).contiguous().unsqueeze(0)
        scores = scores + bias
    if any(shift):
        mask = x.new_zeros(whole)
        ends = [
            [(0, -part), (-part, -by), (-by, None)] for part, by in zip(inner, shift, strict=True)
        ]
        for number, places in enumerate(product(*ends)):
            mask[tuple(slice(*place) for place in places)] = number
        mask = mask.view(cut).permute([at - 1 for at in order]).reshape(parts, length)
        mask = mask.unsqueeze(1) - mask.unsqueeze(2)
        mask = mask.masked_fill(mask != 0, -100.0).masked_fill(mask == 0, 0.0)
        scores = scores.view(count, parts, heads, length, length)
        scores = scores + mask.unsqueeze(1).unsqueeze(0)
        scores = scores.view(-1, heads, length, length)
    scores = functional.softmax(scores, dim=-1)
    x = scores.matmul(v).transpose(1, 2).reshape(len(x), length, channels)
    x = functional.linear(x, weights["out_proj.weight"], weights.get("out_proj.bias"))
    there = [0, *(1 + order.index(axis) for axis in range(1, 2 * rank + 1)), 2 * rank + 1]
    x = x.view(count, *(cut[axis - 1] for axis in order), channels)
    x = x.permute(there).reshape(count, *whole, channels)
    if any(shift):
        x = torch.roll(x, shift, [*axes])
    if layer.window:
        x = x[tuple(map(slice, [count, *sizes]))].contiguous()
    return x.movedim(-1, 1)


def relative_index(weights: Any, sizes: Any) -> Any:
    """Rows of the table, which modules hold: those that are held, or those that are meant."""
    if "relative_position_index" in weights:
        return weights["relative_position_index"]
    places = torch.stack(torch.meshgrid(*map(torch.arange, sizes), indexing="ij")).flatten(1)
    apart = places[:, :, None] - places[:, None, :]
    index = torch.zeros_like(apart[0])
    for along, size in zip(apart, sizes, strict=True):
        index = index * (2 * size - 1) + along + size - 1
    return index.flatten()


def learned(layer: Any, plan: Any, weights: Any, xs: Any) -> Any:
    """Parameters for one example, which whoever reads them spreads over the batch."""
    return weights["weight"]


def spread(layer: Any, plan: Any, weights: Any, xs: Any) -> Any:
    """Parameters for each example of the batch, of which there is no copy."""
    weight = weights["weight"]
    each = weight.expand(len(xs[0]), *weight.shape[1:])
    return each.mT if len(layer.shape) == 2 else each


def length_normalized(layer: Any, plan: Any, weights: Any, xs: Any) -> Any:
    y = functional.normalize(xs[0], eps=layer.eps)
    return y * weights["weight"].view(-1, *(1,) * (y.ndim - 2)) if layer.affine else y


def activation(name: str, *fields: str, **renamed: str) -> Answer:
    function = getattr(functional, name)

    def answer(layer: Any, plan: Any, weights: Any, xs: Any, *, inplace: bool) -> Any:
        values = {field: getattr(layer, field) for field in fields}
        values |= {theirs: getattr(layer, ours) for theirs, ours in renamed.items()}
        return function(xs[0], **values, inplace=inplace)

    answer.in_place = True  # type: ignore[attr-defined]
    return answer


def plain(function: Any, *fields: str, **renamed: str) -> Answer:
    def answer(layer: Any, plan: Any, weights: Any, xs: Any) -> Any:
        values = {field: getattr(layer, field) for field in fields}
        values |= {theirs: getattr(layer, ours) for theirs, ours in renamed.items()}
        return function(xs[0], **values)

    return answer


def dropped(layer: Any, plan: Any, weights: Any, xs: Any, flags: Flags) -> Any:
    return functional.dropout(xs[0], layer.rate, flags.training)


def cropped(layer: Any, plan: Any, weights: Any, xs: Any) -> Any:
    (x,) = xs
    sizes = zip(x.shape[2:], plan.windows, strict=True)
    places = [slice(None)] * 2
    places += [slice(-window.before, size + window.after) for size, window in sizes]
    return x[tuple(places)]


def upsampled(layer: Any, plan: Any, weights: Any, xs: Any) -> Any:
    (x,) = xs
    linear = ("linear", "bilinear", "trilinear")[x.ndim - 3]
    exact = "nearest" if layer.positions == "by_mode" else "nearest-exact"
    mode = {"nearest": exact, "linear": linear, "cubic": "bicubic"}[layer.mode]
    corners = None if layer.mode == "nearest" else layer.align_corners
    smooth = layer.antialias
    return functional.interpolate(x, plan.output.spatial, None, mode, corners, antialias=smooth)


def scaled(layer: Any, plan: Any, weights: Any, xs: Any) -> Any:
    (x,) = xs
    shape = (-1, *(1,) * (x.ndim - 2))
    y = x * weights["weight"].view(shape)
    return y + weights["bias"].view(shape) if layer.bias else y


def affinely(layer: Any, plan: Any, weights: Any, xs: Any) -> Any:
    y = xs[0] if layer.times == 1 else xs[0] * layer.times
    return y + layer.plus if layer.plus else y


def folded(operate: Callable[[Any, Any], Any]) -> Answer:
    def answer(layer: Any, plan: Any, weights: Any, xs: Any) -> Any:
        y = xs[0]
        for x in xs[1:]:
            y = operate(y, x)
        return y

    return answer


def pixel_shuffled(layer: Any, plan: Any, weights: Any, xs: Any) -> Any:
    (x,) = xs
    if x.ndim == 4:
        return functional.pixel_shuffle(x, layer.factor)
    rank, factor = x.ndim - 2, layer.factor
    blocks = x.reshape(x.shape[0], -1, *(factor,) * rank, *x.shape[2:])
    turns = [axis for step in range(rank) for axis in (2 + rank + step, 2 + step)]
    return blocks.permute(0, 1, *turns).reshape(-1, *plan.output.axes)


def space_to_depth(layer: Any, plan: Any, weights: Any, xs: Any) -> Any:
    (x,) = xs
    if x.ndim == 4 and layer.order == "channels":
        return functional.pixel_unshuffle(x, layer.factor)
    rank, factor = x.ndim - 2, layer.factor
    cut = [part for size in plan.output.spatial for part in (size, factor)]
    places = range(3, 3 + 2 * rank, 2)
    inner = {"channels": [1, *places], "rows": [*places, 1], "columns": [*places[::-1], 1]}
    blocks = x.reshape(*x.shape[:2], *cut)
    turned = blocks.permute(0, *inner[layer.order], *range(2, 2 + 2 * rank, 2))
    return turned.reshape(-1, *plan.output.axes)


def channel_shuffled(layer: Any, plan: Any, weights: Any, xs: Any) -> Any:
    (x,) = xs
    groups = x.view(x.shape[0], layer.groups, -1, *x.shape[2:])
    return groups.transpose(1, 2).contiguous().view(x.shape)


def reads_of(node: Any) -> tuple[int, ...]:
    """What PyTorch's layer reads: of a pool that is undone not its input, but its indices.

    Those of pool `i` go by the number ``-i``: nothing reads an input of the network's so.
    """
    return (node.inputs[0], -node.like) if node.kind == "maxunpool" else tuple(node.inputs)


class Function(torch.nn.Module):  # type: ignore[misc, name-defined]
    """A function of tensors, as a module without weights."""

    def __init__(self, function: Answer) -> None:
        super().__init__()
        self.function = function

    def forward(self, *xs: Any) -> Any:
        return self.function(*xs)


def twins(layer: Layer) -> list[Any]:
    """The modules that `kinds.py` names for a layer, as a PyTorch user writes them."""
    made = [
        eval(case.torch, {"nn": torch.nn, "torch": torch})  # noqa: S307 (our own text)
        for case in CASES
        if case.torch and case.layer == layer
    ]
    return [each if isinstance(each, torch.nn.Module) else Function(each) for each in made]


def twin(layer: Layer, plan: Any, weights: dict[str, Any], xs: list[Any]) -> Any:
    """What the module of a row gives, for kinds that have no more than their row."""
    return functional_call(twins(layer)[0], weights, tuple(xs))


PEERS: dict[str, Answer] = {
    "conv": convolved,
    "depthwise_conv": convolved,
    "conv_transpose": transposed,
    "separable_conv": separable,
    **dict.fromkeys(("lstm", "gru"), along),
    "locally_connected": locally_connected,
    "linear": at_positions,
    "maxpool": pooled("max_pool"),
    "maxunpool": unpooled,
    "avgpool": pooled("avg_pool"),
    "lppool": pooled("lp_pool"),
    "adaptive_avgpool": adaptive("adaptive_avg_pool"),
    "adaptive_maxpool": adaptive("adaptive_max_pool"),
    "global_avgpool": adaptive("adaptive_avg_pool"),
    "global_maxpool": adaptive("adaptive_max_pool"),
    "batchnorm": normalized("batch_norm"),
    "instancenorm": normalized("instance_norm"),
    "groupnorm": group_normalized,
    "layernorm": layer_normalized,
    "lrn": response_normalized,
    "l2norm": length_normalized,
    "relu": activation("relu"),
    "relu6": activation("relu6"),
    "leaky_relu": activation("leaky_relu", negative_slope="slope"),
    "elu": activation("elu", "alpha"),
    "selu": activation("selu"),
    "silu": activation("silu"),
    "mish": activation("mish"),
    "hardsigmoid": activation("hardsigmoid"),
    "hardswish": activation("hardswish"),
    "prelu": lambda layer, plan, weights, xs: functional.prelu(xs[0], weights["weight"]),
    "gelu": plain(functional.gelu, "approximate"),
    "sigmoid": plain(torch.sigmoid),
    "tanh": plain(torch.tanh),
    "softplus": plain(functional.softplus, "beta", "threshold"),
    "softmax": lambda layer, plan, weights, xs: functional.softmax(xs[0], 1),
    "log_softmax": lambda layer, plan, weights, xs: functional.log_softmax(xs[0], 1),
    "dropout": dropped,
    "flatten": plain(torch.flatten, start_dim="start", end_dim="end"),
    "reshape": lambda layer, plan, weights, xs: xs[0].reshape(-1, *plan.output.axes),
    "permute": lambda layer, plan, weights, xs: xs[0].permute(0, *layer.order),
    "pixel_shuffle": pixel_shuffled,
    "space_to_depth": space_to_depth,
    "channel_shuffle": channel_shuffled,
    "pad": lambda layer, plan, weights, xs: bordered(
        xs[0],
        [
            *([layer.channels] if any(layer.channels) else []),
            *sides(layer.padding or 0, xs[0].ndim - 2),
        ],
        layer.mode,
        layer.value if layer.mode == "zero" else None,
    ),
    "crop": cropped,
    "upsample": upsampled,
    "slice": lambda layer, plan, weights, xs: xs[0][
        (slice(None),) * (1 + layer._axis(len(xs[0].shape) - 2)) + (slice(layer.start, layer.stop),)
    ],
    "scale": scaled,
    "add": folded(torch.add),
    "subtract": folded(torch.sub),
    "multiply": folded(torch.mul),
    "divide": folded(torch.div),
    "maximum": folded(torch.maximum),
    "affine": affinely,
    "matmul": lambda layer, plan, weights, xs: torch.bmm(xs[1], xs[0]),
    "concat": lambda layer, plan, weights, xs: torch.cat(xs, 1 + layer.joins(len(xs[0].shape) - 2)),
    "attention": attended,
    "learned": learned,
    "embedding": lambda layer, plan, weights, xs: functional.embedding(
        xs[0].squeeze(1), weights["weight"]
    ).transpose(1, 2),
}
"""Kind → what a PyTorch user would write."""


SPREADING = ("add", "subtract", "multiply", "divide", "maximum")
"""Kinds that spread what there is once over the batch themselves."""


class Tokens(torch.autograd.Function):  # type: ignore[misc, name-defined]
    """Parameters of a sequence as networks of tokens have them, channels last, seen channels first.

    There, the sum of their gradient over the batch lies as they do; here it lies in the order that
    it is seen in, and so it stands for that one. Its values are none.
    """

    @staticmethod
    def forward(_: Any, weight: Any) -> Any:
        return weight.mT

    @staticmethod
    def backward(_: Any, gradient: Any) -> Any:
        return gradient.view(gradient.shape[0], gradient.shape[2], gradient.shape[1])


class Measured(NamedTuple):
    """What PyTorch took, in bytes; parameters, buffers, state, input and targets are included."""

    static: int
    """Parameters, buffers, optimizer state, input and targets."""
    saved: int
    """Distinct storages kept for backward, those of `static` left out."""
    after_forward: int
    forward_peak: int
    backward_peak: int
    after_backward: int
    step_peak: int


class Peer:
    """A network in PyTorch, on the meta device."""

    def __init__(self, network: Network, batch: int, device: str) -> None:
        assert not network.errors, network.errors
        self.network = network
        fresh = partial(torch.zeros, device=device)
        self.weights: list[dict[str, Any]] = []
        self.counters: list[Any] = []
        for node, plan in zip(network.nodes, network.plans, strict=True):
            if node.shared_with is not None:
                owned = self.weights[node.shared_with]
                if node.kind != network.nodes[node.shared_with].kind:
                    owned = {"weight": owned["weight"]}  # of a convolution the other way round
                self.weights.append(owned)
                continue
            assert plan is not None
            self.weights.append(
                {
                    weight.name: fresh(weight.shape)
                    if weight.buffer
                    else torch.nn.Parameter(fresh(weight.shape), requires_grad=not node.frozen)
                    for weight in plan.weights
                }
            )
            if node.kind == "learned" and plan.output.rank == 1 and batch == 1:
                last = fresh(plan.weights[0].shape)  # what adds them up adds them as they are
                held = torch.nn.Parameter(last.mT, requires_grad=not node.frozen)
                self.weights[-1]["weight"] = held
            assert node.layer is not None
            shapes = [network.shape_of(read) or Shape(0) for read in node.inputs]
            held = node.layer.integers(shapes)
            self.counters.extend(
                torch.zeros(shape, dtype=torch.int64, device=device) for shape in held.values()
            )
            more = zip(held, self.counters[len(self.counters) - len(held) :], strict=True)
            self.weights[-1].update({name: each for name, each in more if each.ndim})
        self.shapes: dict[int, tuple[int, ...]] = {}
        self.objective: Callable[[Any, Any], Any] = functional.cross_entropy
        self.learning = 0  # outputs that the last loss had gradients of
        plans = network.plans
        given = [plan.output for index in network.inputs if (plan := plans[index])]
        ends = [plan.output for index in network.outputs if (plan := plans[index])]
        types = [torch.int64 if at in network.index_inputs else None for at in network.inputs]
        self.xs = [
            fresh((batch, *shape.axes), dtype=dtype)
            for shape, dtype in zip(given, types, strict=True)
        ]
        self.ys = [fresh((batch, *shape.spatial), dtype=torch.int64) for shape in ends]

    @property
    def parameters(self) -> list[Any]:
        found = {id(weight): weight for own in self.weights for weight in own.values()}
        return [weight for weight in found.values() if weight.requires_grad]

    def tensors(self) -> Iterator[Any]:
        yield from self.xs
        yield from self.ys
        yield from self.counters
        for own in self.weights:
            yield from own.values()

    def loss(self, in_place: InPlace, *, half: bool, segments: Segments = ()) -> Any:
        """The outputs' cross-entropies of a training pass, added up, in half precision if asked.

        CUDA's autocast takes the log-softmax in float32, the CPU's has to be told.
        """
        flags = Flags(training=True)
        if not half:
            outputs = self.run(flags, in_place, segments)
            return self.added(outputs, self.objective)
        with torch.autocast("cpu", torch.bfloat16):
            outputs = self.run(flags, in_place, segments)
            return self.added(
                outputs,
                lambda output, y: functional.nll_loss(
                    functional.log_softmax(output, 1, dtype=torch.float32), y
                ),
            )

    def added(self, outputs: Sequence[Any], loss: Callable[[Any, Any], Any]) -> Any:
        """((a + b) + c) of the losses of the outputs, which the caller holds."""
        self.learning = sum(output.requires_grad for output in outputs)
        total = loss(outputs[0], self.ys[0])
        for output, y in zip(outputs[1:], self.ys[1:], strict=True):
            total = total + loss(output, y)
        return total

    def run(self, flags: Flags, in_place: InPlace, segments: Segments = ()) -> list[Any]:
        """The network's outputs; `segments` are run by torch.utils.checkpoint."""
        inputs_at, ends = self.network.inputs, self.network.outputs
        values: dict[int, Any] = dict(zip(inputs_at, self.xs, strict=True))
        nodes = self.network.nodes
        at = len(inputs_at)
        for first, stop in segments:
            self.layers(range(at, first), values, flags, in_place)
            reads = [read for node in nodes[first:stop] for read in reads_of(node)]
            outside = [read for read in dict.fromkeys(reads) if not first <= abs(read) < stop]
            later = {read for node in nodes[stop:] for read in reads_of(node)} | {*ends}
            own = (each for index in range(first, stop) for each in (index, -index))
            given = [each for each in own if each in later]

            def again(
                *tensors: Any, part: range, outside: list[int] = outside, given: list[int] = given
            ) -> Any:
                own = dict(zip(outside, tensors, strict=True))
                del tensors
                self.layers(part, own, flags, in_place)
                return tuple(own[index] for index in given)

            inputs = [values[read] for read in outside]
            for read in outside:
                if read not in later and read not in inputs_at:
                    del values[read]
            results = checkpointed(again, *inputs, part=range(first, stop), use_reentrant=False)
            del inputs
            values.update(zip(given, results, strict=True))
            del results
            at = stop
        self.layers(range(at, len(nodes)), values, flags, in_place)
        return [self.spread(output, values[output]) for output in ends]

    def learned(self, index: int) -> bool:
        """Whether what a layer gives is parameters, for one example."""
        return index >= 0 and self.network.nodes[index].kind == "learned"

    def spread(self, index: int, value: Any, *, over_batch: bool = True) -> Any:
        """What a layer gives, parameters for each example of the batch, without a copy."""
        if not self.learned(index):
            return value
        batch = len(self.xs[0])
        if batch > 1 and value.ndim == len(("batch", "length", "channels")):
            value = Tokens.apply(value)
        return value.expand(batch, *value.shape[1:]) if over_batch else value

    def layers(self, part: range, values: dict[int, Any], flags: Flags, in_place: InPlace) -> None:
        """Run some layers; a value is let go after the last layer that reads it."""
        network = self.network
        last = {read: at for at, node in enumerate(network.nodes) for read in reads_of(node)}
        for index in part:
            node, plan = network.nodes[index], network.plans[index]
            answer: Answer = PEERS.get(node.kind, twin)
            reads = reads_of(node)
            own = any(map(self.learned, reads)) and not all(map(self.learned, reads))
            once = own and node.kind in SPREADING
            xs = [self.spread(read, values[read], over_batch=not once) for read in reads]
            given = (node.layer, plan, self.weights[index], xs)
            del xs
            if -index in last:
                values[index], values[-index] = PEERS["maxpool"](*given, indices=True)
            elif node.kind in ("batchnorm", "instancenorm", "dropout"):
                values[index] = answer(*given, flags)
            elif hasattr(answer, "in_place"):
                values[index] = answer(*given, inplace=in_place(index))
            else:
                values[index] = answer(*given)
            del given
            self.shapes[index] = tuple(self.spread(index, values[index]).shape)
            for read in {*reads_of(node), index}.difference((*network.inputs, *network.outputs)):
                if last.get(read, index) <= index:
                    del values[read]


@contextmanager
def saving(found: dict[int, int]) -> Iterator[None]:
    """Collect the storages that autograd keeps: address → bytes."""

    def pack(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        found[storage._cdata] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        yield


def inference(network: Network, batch: int, in_place: InPlace, *, device: str = "meta") -> int:
    """Most bytes alive at once in inference; the input counts, parameters and buffers do not."""
    peer = Peer(network, batch, device)
    meter = Meter()
    for tensor in peer.tensors():
        meter.watch(tensor)
    static = meter.live - sum(x.untyped_storage().nbytes() for x in peer.xs)
    with torch.no_grad(), meter:
        outputs = peer.run(Flags(training=False), in_place)
    del outputs
    return int(meter.peak - static)


def training(
    network: Network,
    batch: int,
    in_place: InPlace,
    optimizer: Callable[[Any], Any] | None = None,
    *,
    device: str = "meta",
    half: bool = False,
    segments: Segments = (),
    log: list[tuple[str, int]] | None = None,
    loss: Callable[[Any, Any], Any] = functional.cross_entropy,
) -> Measured:
    """A training step in the steady state: gradients freed before, state there already.

    Targets are indices of classes, and of another `loss` as large as the outputs.
    """
    peer = Peer(network, batch, device)
    peer.objective = loss
    classes = loss is functional.cross_entropy
    if not classes and loss.__module__.startswith("torch"):
        ends = [network.shape_of(index) or Shape(0) for index in network.outputs]
        peer.ys = [torch.zeros((batch, *end.axes), device=device) for end in ends]
    parameters = peer.parameters
    step = optimizer(parameters) if optimizer else None
    if step:
        for parameter in parameters:
            parameter.grad = torch.zeros_like(parameter)
        step.step()
        step.zero_grad()
    meter = Meter()
    meter.log = log
    for tensor in peer.tensors():
        meter.watch(tensor)
    for state in step.state.values() if step else ():
        for value in state.values():
            if isinstance(value, torch.Tensor):
                meter.watch(value)
    static, own = meter.live, set(meter.sizes)
    with meter:
        total = peer.loss(in_place, half=half, segments=segments)
        gc.collect(1)  # what only the peer's own cycles hold
        after_forward, forward_peak = meter.live, meter.peak
        meter.restart()
        meter.backward = True
        if total.requires_grad:
            total.backward()
        meter.backward = False
        del total
        after_backward, backward_peak = meter.live, meter.peak
        meter.restart()
        if step:
            step.step()
        step_peak = meter.peak
    # Hooks hold on to what they see, so what is kept is asked for in a run of its own.
    saved: dict[int, int] = {}
    with saving(saved):
        total = peer.loss(in_place, half=half)
    kept = sum(size for key, size in saved.items() if key not in own)
    kept -= 4 * peer.learning * classes  # the totals of the classes' weights
    del total
    return Measured(
        static, kept, after_forward, forward_peak, backward_peak, after_backward, step_peak
    )
