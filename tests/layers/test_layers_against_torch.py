"""Every kind of layer that PyTorch has too, held against it on small random cases.

Where PyTorch raises, the check finds an error; where the check is silent, PyTorch agrees on the
output's size, on every weight's name and shape, and on multiply-accumulates. The deliberate
differences, each tested at the end:

* `rounding: exact`, the default, refuses strides that do not tile; PyTorch rounds down.
* `same` with an even kernel at stride 1 is refused, because it has no middle; PyTorch pads behind.
* `same` with a larger stride gives ⌈W/S⌉ as in ONNX and TensorFlow; PyTorch refuses.
* `linear` on an image is refused; PyTorch would apply it to the last axis, the width.
* `slice` beyond the channels is refused; Python's slices are silently shorter.
* A pooling kernel larger than the input fits where padding or rounding up make room; of
  PyTorch's pooling, 3-D averaging alone refuses.
* Upsampling to nothing is refused; PyTorch returns an empty array. (`agrees` counts it refused.)
* Extents that a layer here has in any rank, and PyTorch's class only in some: `pixel_shuffle`
  off images, `channel_shuffle` and `lrn` on vectors.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from operator import gt
from typing import Any

import pytest

from convcalc.layers import Layer, layer_class
from convcalc.shape import Shape

torch = pytest.importorskip("torch")
flop_counter = pytest.importorskip("torch.utils.flop_counter")

from hypothesis import HealthCheck, given, settings  # noqa: E402 (slow to import, for torch alone)
from hypothesis import strategies as st  # noqa: E402

nn = torch.nn

torch.set_num_threads(1)

# How long an example takes is the machine's, and how busy it is.
settings.register_profile("ours", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ours")
few = settings(derandomize=True, deadline=None, max_examples=120)
Forward = Callable[..., Any]
REFUSALS = (RuntimeError, ValueError, IndexError, NotImplementedError, AssertionError)


def layer(kind: str, **fields: Any) -> Layer:
    return layer_class(kind)(**fields)


def array(x: Shape) -> Any:
    """A tensor of a shape."""
    return torch.zeros(1, *x.axes)


def weights(module: Any) -> dict[str, tuple[tuple[int, ...], bool]]:
    """Name → shape and whether it is a buffer, PyTorch's counter of batches left out."""
    found = {name: (tuple(value.shape), False) for name, value in module.named_parameters()}
    found |= {
        name: (tuple(value.shape), True)
        for name, value in module.named_buffers()
        if name != "num_batches_tracked"
    }
    return found


def errors(built: Layer, xs: Sequence[Shape]) -> list[str]:
    return [found.message for found in built.check(xs) if found.severity == "error"]


def agrees(built: Layer, xs: Sequence[Shape], peer: Callable[[], Forward]) -> bool:
    """Whether the layer is valid; asserts that `peer` says the same in every respect."""
    found = errors(built, xs)
    case = (built, list(map(str, xs)))
    try:  # making it counts: some mistakes are found when a module is made
        module = peer()
        if isinstance(module, nn.Module):
            module.eval()
        with flop_counter.FlopCounterMode(display=False) as counter:
            y = module(*map(array, xs))
    except REFUSALS as error:
        refusal = str(error)
    else:
        refusal = "" if y.numel() else "nothing is left"
    assert bool(found) == bool(refusal), (*case, found, refusal)
    if found:
        return False
    plan = built.plan(xs)
    assert plan.output.axes == tuple(y.shape[1:]), case
    assert plan.macs * 2 == counter.get_total_flops(), case
    learned = {weight.name: (weight.shape, weight.buffer) for weight in plan.weights}
    assert learned == (weights(module) if isinstance(module, nn.Module) else {}), case
    return True


def of_rank(name: str, rank: int) -> Any:
    """PyTorch's class for a rank: Conv, 2 → Conv2d."""
    return getattr(nn, f"{name}{rank}d")


@st.composite
def inputs(draw: st.DrawFn, least: int = 1, most: int = 3, size: int = 9) -> Shape:
    rank = draw(st.integers(least, most))
    spatial = draw(st.tuples(*[st.integers(1, size)] * rank))
    return Shape(draw(st.integers(1, 8)), spatial)


def per_axis(rank: int, low: int, high: int) -> st.SearchStrategy[int | tuple[int, ...]]:
    number = st.integers(low, high)
    return st.one_of(number, st.tuples(*[number] * rank))


@st.composite
def convolutions(draw: st.DrawFn, most: int = 3) -> tuple[Shape, dict[str, Any]]:
    """An input, and fields of a sliding kernel with padding up to `most`."""
    x = draw(inputs())
    fields = {
        "kernel": draw(per_axis(x.rank, 1, 4)),
        "stride": draw(per_axis(x.rank, 1, 3)),
        "padding": draw(per_axis(x.rank, 0, most)),
        "dilation": draw(st.one_of(st.just(1), per_axis(x.rank, 1, 3))),
        "bias": draw(st.booleans()),
    }
    return x, fields


def renamed(fields: dict[str, Any]) -> dict[str, Any]:
    """PyTorch's names of fields."""
    names = {"kernel": "kernel_size", "padding_mode": "padding_mode"}
    found = {names.get(name, name): value for name, value in fields.items()}
    if found.get("padding_mode") == "zero":
        found["padding_mode"] = "zeros"
    return found


modes = st.sampled_from(["zero", "zero", "zero", "reflect", "replicate", "circular"])
some_groups = st.sampled_from([1, 1, 1, 2, 3, 4])


@few
@given(convolutions(), st.integers(1, 8), some_groups, modes)
def test_convolutions_agree(
    case: tuple[Shape, dict[str, Any]], filters: int, groups: int, mode: str
) -> None:
    x, fields = case
    fields |= {"padding_mode": mode}
    built = layer("conv", filters=filters, groups=groups, rounding="floor", **fields)
    torch_class = of_rank("Conv", x.rank)
    agrees(built, [x], lambda: torch_class(x.channels, filters, groups=groups, **renamed(fields)))


@few
@given(convolutions(), st.integers(1, 3), modes)
def test_depthwise_convolutions_agree(
    case: tuple[Shape, dict[str, Any]], multiplier: int, mode: str
) -> None:
    x, fields = case
    fields |= {"padding_mode": mode}
    built = layer("depthwise_conv", multiplier=multiplier, rounding="floor", **fields)
    count = x.channels
    torch_class = of_rank("Conv", x.rank)
    agrees(
        built, [x], lambda: torch_class(count, count * multiplier, groups=count, **renamed(fields))
    )


@few
@given(convolutions(), st.sampled_from(["same", "valid"]), modes)
def test_padding_words_agree(case: tuple[Shape, dict[str, Any]], word: str, mode: str) -> None:
    x, fields = case
    fields |= {"padding": word, "stride": 1, "padding_mode": mode}
    built = layer("conv", filters=2, **fields)
    if not any("needs an odd kernel" in message for message in errors(built, [x])):
        agrees(built, [x], lambda: of_rank("Conv", x.rank)(x.channels, 2, **renamed(fields)))


@settings(few, max_examples=250)
@given(convolutions(most=1), st.integers(1, 6), st.sampled_from([1, 1, 1, 2]), st.data())
def test_transposed_convolutions_agree(
    case: tuple[Shape, dict[str, Any]], filters: int, groups: int, data: st.DataObject
) -> None:
    x, fields = case
    fields |= {"output_padding": data.draw(st.one_of(st.just(0), per_axis(x.rank, 0, 2)))}
    built = layer("conv_transpose", filters=filters, groups=groups, **fields)
    torch_class = of_rank("ConvTranspose", x.rank)
    agrees(built, [x], lambda: torch_class(x.channels, filters, groups=groups, **renamed(fields)))


@pytest.mark.parametrize("bias", [True, False])
def test_linear_agrees(bias: bool) -> None:  # noqa: FBT001
    for channels, features in product(range(1, 6), range(1, 6)):
        built = layer("linear", features=features, bias=bias)
        assert agrees(built, [Shape(channels)], partial(nn.Linear, channels, features, bias=bias))


POOLS = {"maxpool": "MaxPool", "avgpool": "AvgPool", "lppool": "LPPool"}


@pytest.mark.parametrize("kind", POOLS)
@pytest.mark.parametrize("rounding", ["floor", "ceil"])
def test_pooling_agrees(kind: str, rounding: str) -> None:
    @settings(few, max_examples=60)
    @given(convolutions(most=1), st.booleans())
    def holds(case: tuple[Shape, dict[str, Any]], own_stride: bool) -> None:  # noqa: FBT001
        pooling_agrees(kind, rounding, case, own_stride=own_stride)

    holds()


def pooling_agrees(
    kind: str, rounding: str, case: tuple[Shape, dict[str, Any]], *, own_stride: bool
) -> None:
    x, fields = case
    del fields["bias"]
    if not own_stride:
        del fields["stride"]
    if kind != "maxpool":
        del fields["dilation"]
    more: dict[str, Any] = {}
    if kind == "lppool":  # PyTorch's pads nothing
        del fields["padding"]
        more["norm_type"] = 2
        if x.rank == 1 and not isinstance(fields["kernel"], int):
            fields["kernel"] = fields["kernel"][0]  # and its 1-D class fails on a tuple
    built = layer(kind, rounding=rounding, **fields)
    kernels = fields["kernel"] if isinstance(fields["kernel"], tuple) else (fields["kernel"],) * 3
    if kind in ("avgpool", "lppool") and x.rank == 3 and any(map(gt, kernels, x.spatial)):
        return  # see the differences
    agrees(
        built,
        [x],
        lambda: of_rank(POOLS[kind], x.rank)(
            **renamed(fields), **more, ceil_mode=rounding == "ceil"
        ),
    )


def test_the_ceil_rule_agrees_in_every_small_case() -> None:
    for size, kernel, stride, padding, dilation in product(
        range(1, 12), range(1, 5), range(1, 6), range(3), range(1, 4)
    ):
        x = Shape(1, (size,))
        fields = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
        built = layer("maxpool", rounding="ceil", **fields)
        found = errors(built, [x])
        try:
            y = torch.max_pool1d(
                torch.empty(1, 1, size), kernel, stride, padding, dilation, ceil_mode=True
            )
        except RuntimeError:
            assert found, (size, fields)
            continue
        assert not found, (size, fields, found)
        assert built.plan([x]).output.spatial == tuple(y.shape[2:]), (size, fields)


@few
@given(inputs(), st.sampled_from(["adaptive_avgpool", "adaptive_maxpool"]), st.data())
def test_adaptive_pooling_agrees(x: Shape, kind: str, data: st.DataObject) -> None:
    size = data.draw(per_axis(x.rank, 1, 9))
    name = "AdaptiveAvgPool" if kind == "adaptive_avgpool" else "AdaptiveMaxPool"
    assert agrees(layer(kind, size=size), [x], lambda: of_rank(name, x.rank)(size))
    whole = f"global_{kind.removeprefix('adaptive_')}"
    assert agrees(layer(whole), [x], lambda: of_rank(name, x.rank)(1))


@few
@given(inputs(0), st.booleans(), st.booleans(), st.integers(1, 4))
def test_normalization_agrees(x: Shape, affine: bool, track: bool, groups: int) -> None:  # noqa: FBT001
    own = {"affine": affine, "track_running_stats": track}
    assert agrees(
        layer("batchnorm", affine=affine, track_running_stats=True),
        [x],
        lambda: of_rank("BatchNorm", max(x.rank, 1))(x.channels, affine=affine),
    )
    assert not errors(layer("batchnorm", **own), [x])
    untracked = nn.BatchNorm1d(3, **own)
    plan = layer("batchnorm", **own).plan([Shape(3)])
    assert {w.name: (w.shape, w.buffer) for w in plan.weights} == weights(untracked)
    if x.rank:
        agrees(
            layer("instancenorm", affine=affine),
            [x],
            lambda: of_rank("InstanceNorm", x.rank)(x.channels, affine=affine),
        )
        assert agrees(layer("lrn", size=groups), [x], lambda: nn.LocalResponseNorm(groups))
    agrees(
        layer("groupnorm", groups=groups, affine=affine),
        [x],
        lambda: nn.GroupNorm(groups, x.channels, affine=affine),
    )
    assert agrees(
        layer("layernorm", over="all", affine=affine, bias=track),
        [x],
        lambda: nn.LayerNorm(x.axes, elementwise_affine=affine, bias=track),
    )
    channels = layer("layernorm", affine=affine, bias=track).plan([x])
    peer = nn.LayerNorm(x.channels, elementwise_affine=affine, bias=track)
    assert {w.name: (w.shape, w.buffer) for w in channels.weights} == weights(peer)


ACTIVATIONS = {
    "relu": "ReLU",
    "relu6": "ReLU6",
    "leaky_relu": "LeakyReLU",
    "elu": "ELU",
    "selu": "SELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "mish": "Mish",
    "sigmoid": "Sigmoid",
    "hardsigmoid": "Hardsigmoid",
    "hardswish": "Hardswish",
    "tanh": "Tanh",
    "softplus": "Softplus",
    "dropout": "Dropout",
}


@settings(few, max_examples=20)
@given(inputs(0))
def test_activations_agree(x: Shape) -> None:
    for kind, name in ACTIVATIONS.items():
        assert agrees(layer(kind), [x], getattr(nn, name))
    assert agrees(layer("softmax"), [x], lambda: nn.Softmax(dim=1))
    assert agrees(layer("log_softmax"), [x], lambda: nn.LogSoftmax(dim=1))
    assert agrees(layer("prelu"), [x], nn.PReLU)
    assert agrees(layer("prelu", slopes="channels"), [x], lambda: nn.PReLU(x.channels))


@few
@given(inputs(0), st.integers(1, 5), st.sampled_from([-1, 1, 2, 3, 4, 5]))
def test_flatten_agrees(x: Shape, start: int, end: int) -> None:
    agrees(layer("flatten", start=start, end=end), [x], lambda: nn.Flatten(start, end))


@few
@given(inputs(0, size=4), st.lists(st.integers(-1, 12).filter(bool), min_size=1, max_size=4))
def test_reshape_agrees(x: Shape, extents: list[int]) -> None:
    axes = (extents[-1], *extents[:-1])
    agrees(layer("reshape", shape=tuple(extents)), [x], lambda: lambda a: a.reshape(1, *axes))


@few
@given(inputs(0), st.data())
def test_reshape_to_as_many_values_agrees(x: Shape, data: st.DataObject) -> None:
    extents = list(data.draw(st.permutations(x.axes)))
    if data.draw(st.booleans()):
        extents[data.draw(st.integers(0, x.rank))] = -1
    axes = (extents[-1], *extents[:-1])
    assert agrees(
        layer("reshape", shape=tuple(extents)), [x], lambda: lambda a: a.reshape(1, *axes)
    )


@few
@given(inputs(0), st.lists(st.integers(1, 4), min_size=1, max_size=4), st.data())
def test_permute_agrees(x: Shape, order: list[int], data: st.DataObject) -> None:
    agrees(layer("permute", order=tuple(order)), [x], lambda: lambda a: a.permute(0, *order))
    valid = data.draw(st.permutations(range(1, x.rank + 2)))
    assert agrees(layer("permute", order=tuple(valid)), [x], lambda: lambda a: a.permute(0, *valid))


@few
@given(inputs(2, 2), st.integers(1, 3), st.integers(1, 9))
def test_shuffling_agrees(x: Shape, factor: int, groups: int) -> None:
    blocks = Shape(x.channels * factor**2, x.spatial)
    assert agrees(layer("pixel_shuffle", factor=factor), [blocks], lambda: nn.PixelShuffle(factor))
    agrees(layer("pixel_shuffle", factor=factor), [x], lambda: nn.PixelShuffle(factor))
    agrees(layer("channel_shuffle", groups=groups), [x], lambda: nn.ChannelShuffle(groups))


PADS = {
    "zero": "ZeroPad",
    "reflect": "ReflectionPad",
    "replicate": "ReplicationPad",
    "circular": "CircularPad",
}


@few
@given(inputs(size=5), st.sampled_from(list(PADS)), st.data())
def test_padding_agrees_in_every_mode(x: Shape, mode: str, data: st.DataObject) -> None:
    side = st.integers(0, 5)
    sides = data.draw(st.tuples(*[st.tuples(side, side)] * x.rank))
    behind_first = [extent for pair in reversed(sides) for extent in pair]
    agrees(
        layer("pad", padding=sides, mode=mode),
        [x],
        lambda: of_rank(PADS[mode], x.rank)(tuple(behind_first)),
    )


MODES = {
    "nearest": {1: "nearest", 2: "nearest", 3: "nearest"},
    "linear": {1: "linear", 2: "bilinear", 3: "trilinear"},
    "cubic": {1: "bicubic", 2: "bicubic", 3: "bicubic"},
}


@few
@given(
    inputs(size=7),
    st.sampled_from(list(MODES)),
    st.sampled_from([None, False, True]),
    st.one_of(st.integers(1, 4), st.sampled_from([0.1, 0.3, 0.5, 0.7, 1.1, 1.3, 1.5, 2.0, 2.5])),
    st.one_of(st.none(), st.integers(1, 12)),
)
def test_upsampling_agrees(
    x: Shape,
    mode: str,
    align: bool | None,  # noqa: FBT001
    scale: float,
    size: int | None,
) -> None:
    given_one: dict[str, Any] = {"scale": scale} if size is None else {"size": size}
    torchs: dict[str, Any] = {"scale_factor": scale} if size is None else {"size": size}
    if mode == "nearest":
        align = None  # PyTorch refuses to be told even the default, and ONNX aligns corners here
    built = layer("upsample", mode=mode, align_corners=bool(align), **given_one)
    agrees(
        built,
        [x],
        lambda: nn.Upsample(mode=MODES[mode][x.rank], align_corners=align, **torchs),
    )


@few
@given(inputs(0, size=3), st.lists(st.booleans(), min_size=4, max_size=4), st.data())
def test_merging_agrees(x: Shape, ones: list[bool], data: st.DataObject) -> None:
    other = Shape.from_axes(
        tuple(1 if one else extent for one, extent in zip(ones, x.axes, strict=False))
    )
    third = data.draw(st.one_of(inputs(0, size=3), st.just(x), st.just(other)))
    same_rank = third.rank == x.rank  # PyTorch would pair a vector with the width
    for xs in ([x], [x, other], [other, x], *([[other, x, third], [third, x]] * same_rank)):
        agrees(layer("add"), xs, lambda: lambda *a: sum(a[1:], a[0]))
        agrees(layer("multiply"), xs, lambda: lambda *a: a[0] if len(a) < 2 else _product(a))
    agrees(layer("concat"), [x, other, third], lambda: lambda *a: torch.cat(a, 1))
    agrees(layer("concat"), [x, Shape(3, x.spatial)], lambda: lambda *a: torch.cat(a, 1))
    if not same_rank:
        assert errors(layer("add"), [x, third])


def _product(arrays: Sequence[Any]) -> Any:
    found = arrays[0]
    for other in arrays[1:]:
        found = found * other
    return found


@few
@given(inputs(0), st.integers(-8, 8), st.one_of(st.none(), st.integers(-8, 8)))
def test_slices_agree_within_the_channels(x: Shape, start: int, stop: int | None) -> None:
    built = layer("slice", start=start, stop=stop)
    expected = array(x)[:, start:stop]
    if not errors(built, [x]):
        assert built.plan([x]).output.axes == tuple(expected.shape[1:])
    elif expected.shape[1]:  # Python's slices shorten themselves
        assert start < -x.channels or (stop is not None and stop > x.channels)


def test_deliberate_differences_from_torch() -> None:
    image = Shape(3, (224, 224))
    stem = {"filters": 96, "kernel": 11, "stride": 4}
    assert errors(layer("conv", **stem), [image])  # exact
    assert nn.Conv2d(3, 96, 11, 4)(array(image)).shape[2:] == (54, 54)
    assert not errors(layer("conv", rounding="floor", **stem), [image])
    assert errors(layer("conv", filters=1, kernel=2, padding="same"), [Shape(1, (8,))])
    assert not errors(layer("conv", filters=1, kernel=3, stride=2, padding="same"), [image])
    volume = Shape(1, (1, 1, 1))
    for pool, name in (("avgpool", "AvgPool3d"), ("maxpool", "MaxPool3d")):
        built = layer(pool, kernel=2, rounding="ceil")
        assert not errors(built, [volume])
        assert built.plan([volume]).output == volume
        if pool == "avgpool":
            with pytest.raises(RuntimeError, match="smaller than kernel"):
                getattr(nn, name)(2, ceil_mode=True)(array(volume))
        else:
            assert getattr(nn, name)(2, ceil_mode=True)(array(volume)).shape == (1, 1, 1, 1, 1)
    with pytest.raises(ValueError, match="not supported for strided"):
        nn.Conv2d(3, 1, 3, 2, "same")
    assert errors(layer("linear", features=5), [Shape(4, (7,))])
    assert nn.Linear(7, 5)(array(Shape(4, (7,)))).shape == (1, 4, 5)
    assert errors(layer("slice", stop=9), [Shape(8)])
    assert not errors(layer("lrn", size=5), [Shape(8)])
    assert not errors(layer("channel_shuffle", groups=2), [Shape(8)])
    assert layer("pixel_shuffle", factor=2).plan([Shape(8, (3,))]).output == Shape(4, (6,))
