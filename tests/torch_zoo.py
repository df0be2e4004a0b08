"""Networks of the zoo once more, written in PyTorch from their papers: peers to measure beside."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import nn


class Sum(nn.Module):  # type: ignore[misc]
    """The sum of what several branches make of one input."""

    def __init__(self, *branches: Any) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Any) -> Any:
        return sum(branch(x) for branch in self.branches)


class Stack(Sum):
    """Their channels behind each other."""

    def forward(self, x: Any) -> Any:
        return torch.cat([branch(x) for branch in self.branches], 1)


class Product(Sum):
    """Their product."""

    def forward(self, x: Any) -> Any:
        first, second = self.branches
        return first(x) * second(x)


def chain(*parts: Any) -> Any:
    return nn.Sequential(*parts)


def head(channels: int, classes: int = 1000) -> Any:
    return chain(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


def lenet5() -> Any:
    return chain(
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10),
    )  # fmt: skip


def classifier(inputs: int, classes: int) -> Any:
    return chain(
        nn.Flatten(), nn.Linear(inputs, 4096), nn.ReLU(), nn.Dropout(),
        nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, classes),
    )  # fmt: skip


def response_norm() -> Any:
    """AlexNet's: alpha is 1e-4, which the paper does not divide by the size."""
    return nn.LocalResponseNorm(5, 5e-4, 0.75, 2)


def alexnet_features(width: int = 96) -> Any:
    half, wide = 8 * width // 3, 4 * width
    return chain(
        nn.Conv2d(3, width, 11, 4), nn.ReLU(), response_norm(), nn.MaxPool2d(3, 2),
        nn.Conv2d(width, half, 5, padding=2, groups=2), nn.ReLU(), response_norm(),
        nn.MaxPool2d(3, 2), nn.Conv2d(half, wide, 3, padding=1), nn.ReLU(),
        nn.Conv2d(wide, wide, 3, padding=1, groups=2), nn.ReLU(),
        nn.Conv2d(wide, half, 3, padding=1, groups=2), nn.ReLU(), nn.MaxPool2d(3, 2),
    )  # fmt: skip


def alexnet() -> Any:
    return chain(alexnet_features(), classifier(9216, 1000))


def zfnet() -> Any:
    return chain(
        nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(3, 96, 7, 2), nn.ReLU(),
        nn.MaxPool2d(3, 2, ceil_mode=True), response_norm(), nn.Conv2d(96, 256, 5, 2),
        nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True), response_norm(),
        nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(), nn.Conv2d(384, 384, 3, padding=1), nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2), classifier(9216, 1000),
    )  # fmt: skip


def vgg_features(
    convs: Sequence[int] = (2, 2, 3, 3, 3), width: int = 64, first_pad: int = 1
) -> Any:
    parts: list[Any] = []
    channels, pad, ceil = 3, first_pad, first_pad > 1
    for stage, count in enumerate(convs):
        filters = width * min(2**stage, 8)
        for _ in range(count):
            parts += [nn.Conv2d(channels, filters, 3, padding=pad), nn.ReLU()]
            channels, pad = filters, 1
        parts.append(nn.MaxPool2d(2, 2, ceil_mode=ceil))
    return chain(*parts)


def vgg16() -> Any:
    return chain(vgg_features(), classifier(25088, 1000))


def nin_block(before: int, filters: int, kernel: int, hidden: int, out: int, **fields: int) -> Any:
    return chain(
        nn.Conv2d(before, filters, kernel, **fields), nn.ReLU(),
        nn.Conv2d(filters, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, out, 1), nn.ReLU(),
    )  # fmt: skip


def nin() -> Any:
    return chain(
        nin_block(3, 192, 5, 160, 96, padding=2), nn.MaxPool2d(3, 2, ceil_mode=True),
        nin_block(96, 192, 5, 192, 192, padding=2), nn.AvgPool2d(3, 2, ceil_mode=True),
        nin_block(192, 192, 3, 192, 10, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip


def nin_imagenet() -> Any:
    return chain(
        nin_block(3, 96, 11, 96, 96, stride=4), nn.MaxPool2d(3, 2, ceil_mode=True),
        nin_block(96, 256, 5, 256, 256, padding=2), nn.MaxPool2d(3, 2, ceil_mode=True),
        nin_block(256, 384, 3, 384, 384, padding=1), nn.MaxPool2d(3, 2, ceil_mode=True),
        nin_block(384, 1024, 3, 1024, 1000, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip


def all_cnn_c() -> Any:
    parts: list[Any] = []
    channels = 3
    for filters in (96, 192):
        for stride in (1, 1, 2):
            parts += [nn.Conv2d(channels, filters, 3, stride, 1), nn.ReLU()]
            channels = filters
    parts += [nn.Conv2d(192, 192, 3), nn.ReLU(), nn.Conv2d(192, 192, 1), nn.ReLU()]
    return chain(*parts, nn.Conv2d(192, 10, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def inception(before: int, one: int, r3: int, three: int, r5: int, five: int, pool: int) -> Any:
    return Stack(
        chain(nn.Conv2d(before, one, 1), nn.ReLU()),
        chain(nn.Conv2d(before, r3, 1), nn.ReLU(), nn.Conv2d(r3, three, 3, padding=1), nn.ReLU()),
        chain(nn.Conv2d(before, r5, 1), nn.ReLU(), nn.Conv2d(r5, five, 5, padding=2), nn.ReLU()),
        chain(nn.MaxPool2d(3, 1, 1), nn.Conv2d(before, pool, 1), nn.ReLU()),
    )


def googlenet_caffe() -> Any:
    def pool() -> Any:
        return nn.MaxPool2d(3, 2, ceil_mode=True)

    return chain(
        nn.Conv2d(3, 64, 7, 2, 3), nn.ReLU(), pool(), nn.LocalResponseNorm(5),
        nn.Conv2d(64, 64, 1), nn.ReLU(), nn.Conv2d(64, 192, 3, padding=1), nn.ReLU(),
        nn.LocalResponseNorm(5), pool(),
        inception(192, 64, 96, 128, 16, 32, 32), inception(256, 128, 128, 192, 32, 96, 64), pool(),
        inception(480, 192, 96, 208, 16, 48, 64), inception(512, 160, 112, 224, 24, 64, 64),
        inception(512, 128, 128, 256, 24, 64, 64), inception(512, 112, 144, 288, 32, 64, 64),
        inception(528, 256, 160, 320, 32, 128, 128), pool(),
        inception(832, 256, 160, 320, 32, 128, 128), inception(832, 384, 192, 384, 48, 128, 128),
        nn.AvgPool2d(7, 1), nn.Flatten(), nn.Linear(1024, 1000),
    )  # fmt: skip


def normed(
    before: int, filters: int, kernel: int, stride: int = 1, eps: float = 1e-5, **fields: int
) -> list[Any]:
    pad = fields.pop("padding", kernel // 2)
    conv = nn.Conv2d(before, filters, kernel, stride, pad, bias=False, **fields)
    return [conv, nn.BatchNorm2d(filters, eps)]


def squeeze(channels: int, reduction: int) -> Any:
    return Product(
        nn.Identity(),
        chain(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, channels // reduction, 1), nn.ReLU(),
            nn.Conv2d(channels // reduction, channels, 1), nn.Sigmoid(),
        ),
    )  # fmt: skip


def resnet_features(
    blocks: Sequence[int], *, deep: bool, v1: bool = False, width: int = 64, reduction: int = 0
) -> Any:
    pool = nn.MaxPool2d(3, 2, ceil_mode=True) if v1 else nn.MaxPool2d(3, 2, 1)
    parts = [*normed(3, width, 7, 2), nn.ReLU(), pool]
    channels = width
    for stage, count in enumerate(blocks):
        inner = width * 2**stage
        filters = 4 * inner if deep else inner
        for index in range(count):
            stride = 2 if stage and not index else 1
            if deep:
                main = [
                    *normed(channels, inner, 1, stride if v1 else 1), nn.ReLU(),
                    *normed(inner, inner, 3, 1 if v1 else stride), nn.ReLU(),
                    *normed(inner, filters, 1),
                ]  # fmt: skip
            else:
                main = [*normed(channels, inner, 3, stride), nn.ReLU(), *normed(inner, inner, 3)]
            if reduction:
                main.append(squeeze(filters, reduction))
            changes = stride > 1 or channels != filters
            shortcut = chain(*normed(channels, filters, 1, stride)) if changes else nn.Identity()
            parts += [Sum(chain(*main), shortcut), nn.ReLU()]
            channels = filters
    return chain(*parts)


def resnet(blocks: Sequence[int], **fields: Any) -> Any:
    return chain(resnet_features(blocks, **fields), head(2048 if fields["deep"] else 512))


class Pieces(nn.Module):  # type: ignore[misc]
    """Res2Net's 3×3 convolutions, one piece of the channels each, fed by the one before it."""

    def __init__(self, width: int, scale: int, stride: int, *, first: bool) -> None:
        super().__init__()
        self.first = first
        self.parts = nn.ModuleList(
            chain(*normed(width, width, 3, stride), nn.ReLU()) for _ in range(scale - 1)
        )
        self.last = nn.AvgPool2d(3, stride, 1) if first else nn.Identity()

    def forward(self, x: Any) -> Any:
        *pieces, last = x.chunk(len(self.parts) + 1, 1)
        made = self.parts[0](pieces[0])
        joined = made
        for part, piece in zip(self.parts[1:], pieces[1:], strict=True):
            made = part(piece if self.first else made + piece)
            joined = torch.cat((joined, made), 1)
        return torch.cat((joined, self.last(last)), 1)


def res2net(blocks: Sequence[int], scale: int, width: int) -> Any:
    parts = [*normed(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    channels = 64
    for stage, count in enumerate(blocks):
        filters, inner = 256 * 2**stage, width * 2**stage
        for index in range(count):
            first, stride = not index, 2 if stage and not index else 1
            main = chain(
                *normed(channels, scale * inner, 1), nn.ReLU(),
                Pieces(inner, scale, stride, first=first), *normed(scale * inner, filters, 1),
            )  # fmt: skip
            shortcut = chain(*normed(channels, filters, 1, stride)) if first else nn.Identity()
            parts += [Sum(main, shortcut), nn.ReLU()]
            channels = filters
    return chain(*parts, head(2048))


def separable(before: int, filters: int, stride: int) -> list[Any]:
    pad = nn.ZeroPad2d((0, 1, 0, 1) if stride == 2 else (1, 1, 1, 1))
    return [
        pad, *normed(before, before, 3, stride, 1e-3, padding=0, groups=before), nn.ReLU6(),
        *normed(before, filters, 1, eps=1e-3), nn.ReLU6(),
    ]  # fmt: skip


def mobilenet_v1_features(width: int = 32) -> Any:
    parts = [nn.ZeroPad2d((0, 1, 0, 1)), *normed(3, width, 3, 2, 1e-3, padding=0), nn.ReLU6()]
    channels = width
    rows = [(2, 1), (4, 2), (4, 1), (8, 2), (8, 1), (16, 2), *[(16, 1)] * 5, (32, 2), (32, 1)]
    for times, stride in rows:
        parts += separable(channels, width * times, stride)
        channels = width * times
    return chain(*parts)


def mobilenet_v1(width: int = 32) -> Any:
    return chain(mobilenet_v1_features(width), head(32 * width))


def mobilenet_v2() -> Any:
    parts = [*normed(3, 32, 3, 2), nn.ReLU6()]
    channels = 32
    for times, filters, count, first in (
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
        (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    ):  # fmt: skip
        for index in range(count):
            stride = 1 if index else first
            inner = times * channels
            main = [*normed(channels, inner, 1), nn.ReLU6()] if times > 1 else []
            main += [*normed(inner, inner, 3, stride, groups=inner), nn.ReLU6()]
            main += normed(inner, filters, 1)
            whole = chain(*main)
            parts.append(Sum(whole, nn.Identity()) if index else whole)
            channels = filters
    return chain(*parts, *normed(320, 1280, 1), nn.ReLU6(), head(1280))


def densenet121() -> Any:
    def layer(channels: int) -> Any:
        return chain(
            nn.BatchNorm2d(channels), nn.ReLU(), *normed(channels, 128, 1), nn.ReLU(),
            nn.Conv2d(128, 32, 3, padding=1, bias=False),
        )  # fmt: skip

    parts = [*normed(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    channels = 64
    for stage, count in enumerate((6, 12, 24, 16)):
        if stage:
            parts += [nn.BatchNorm2d(channels), nn.ReLU()]
            parts += [nn.Conv2d(channels, channels // 2, 1, bias=False), nn.AvgPool2d(2)]
            channels //= 2
        for _ in range(count):
            parts.append(Stack(nn.Identity(), layer(channels)))
            channels += 32
    return chain(*parts, nn.BatchNorm2d(channels), nn.ReLU(), head(channels))


def darknet53() -> Any:
    def convolutional(before: int, filters: int, kernel: int, stride: int = 1) -> list[Any]:
        return [*normed(before, filters, kernel, stride), nn.LeakyReLU(0.1)]

    parts = convolutional(3, 32, 3)
    for stage, count in enumerate((1, 2, 8, 8, 4)):
        filters = 64 * 2**stage
        parts += convolutional(filters // 2, filters, 3, 2)
        for _ in range(count):
            inner = convolutional(filters, filters // 2, 1) + convolutional(
                filters // 2, filters, 3
            )
            parts.append(Sum(chain(*inner), nn.Identity()))
    return chain(*parts, head(1024))


class Fcn(nn.Module):  # type: ignore[misc]
    """FCN-32s, -16s or -8s, with the crops of the authors' Caffe definition."""

    def __init__(self, skips: int) -> None:
        super().__init__()
        parts = list(vgg_features(first_pad=100))
        self.pool3, self.pool4, self.pool5 = (
            chain(*parts[:17]), chain(*parts[17:24]), chain(*parts[24:]),
        )  # fmt: skip
        self.score = chain(
            nn.Conv2d(512, 4096, 7), nn.ReLU(), nn.Conv2d(4096, 4096, 1), nn.ReLU(),
            nn.Conv2d(4096, 21, 1),
        )  # fmt: skip
        self.finer = nn.ModuleList(nn.Conv2d(size, 21, 1) for size in (512, 256)[:skips])
        factors = [2] * skips + [32 // 2**skips]
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(21, 21, 2 * factor, factor, bias=False) for factor in factors
        )

    def forward(self, x: Any) -> Any:
        pool3 = self.pool3(x)
        pool4 = self.pool4(pool3)
        y = self.score(self.pool5(pool4))
        for up, score, pool, offset in zip(
            self.up, self.finer, (pool4, pool3), (5, 9), strict=False
        ):
            y = up(y)
            size = y.shape[-1]
            y = y + score(pool)[..., offset : offset + size, offset : offset + size]
        y = self.up[-1](y)
        offset = (19, 27, 31)[len(self.finer)]
        return y[..., offset : offset + x.shape[-2], offset : offset + x.shape[-1]]


class Unet(nn.Module):  # type: ignore[misc]
    """U-Net as in figure 1, without padding."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()

        def double(before: int, filters: int) -> Any:
            return chain(
                nn.Conv2d(before, filters, 3), nn.ReLU(), nn.Conv2d(filters, filters, 3), nn.ReLU()
            )

        widths = tuple(width * 2**level for level in range(5))
        self.down = nn.ModuleList(map(double, (1, *widths), widths))
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * w, w, 2, 2) for w in reversed(widths[:-1]))
        self.join = nn.ModuleList(double(2 * w, w) for w in reversed(widths[:-1]))
        self.last = nn.Conv2d(width, 2, 1)

    def forward(self, x: Any) -> Any:
        skips = []
        for level, down in enumerate(self.down):
            x = down(x if not level else nn.functional.max_pool2d(x, 2))
            skips.append(x)
        skips.pop()
        for up, join in zip(self.up, self.join, strict=True):
            x, skip = up(x), skips.pop()
            cut = (skip.shape[-1] - x.shape[-1]) // 2
            size = x.shape[-1]
            x = join(torch.cat([skip[..., cut : cut + size, cut : cut + size], x], 1))
        return self.last(x)


class SegNet(nn.Module):  # type: ignore[misc]
    """SegNet as in figure 2, and as the authors' program rounds: pools up, and back to what was."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()

        def several(*channels: int) -> Any:
            return chain(
                *(
                    chain(nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU())
                    for before, after in pairwise(channels)
                )
            )

        w = width
        self.down = nn.ModuleList([
            several(3, w, w), several(w, 2 * w, 2 * w), several(2 * w, 4 * w, 4 * w, 4 * w),
            several(4 * w, 8 * w, 8 * w, 8 * w), several(8 * w, 8 * w, 8 * w, 8 * w),
        ])  # fmt: skip
        self.up = nn.ModuleList([
            several(8 * w, 8 * w, 8 * w, 8 * w), several(8 * w, 8 * w, 8 * w, 4 * w),
            several(4 * w, 4 * w, 4 * w, 2 * w), several(2 * w, 2 * w, w),
            chain(several(w, w), nn.Conv2d(w, 11, 3, padding=1)),
        ])  # fmt: skip

    def forward(self, x: Any) -> Any:
        pools = []
        for down in self.down:
            x = down(x)
            size = x.shape
            x, indices = nn.functional.max_pool2d(x, 2, ceil_mode=True, return_indices=True)
            pools.append((indices, size))
        for up in self.up:
            indices, size = pools.pop()
            x = up(nn.functional.max_unpool2d(x, indices, 2, output_size=size))
        return x


def dcgan_generator() -> Any:
    parts = [nn.ConvTranspose2d(100, 512, 4, bias=False), nn.BatchNorm2d(512), nn.ReLU()]
    for before, filters in ((512, 256), (256, 128), (128, 64)):
        parts.append(nn.ConvTranspose2d(before, filters, 4, 2, 1, bias=False))
        parts += [nn.BatchNorm2d(filters), nn.ReLU()]
    return chain(*parts, nn.ConvTranspose2d(64, 3, 4, 2, 1, bias=False), nn.Tanh())


def dcgan_discriminator() -> Any:
    parts = [nn.Conv2d(3, 64, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
    for before, filters in ((64, 128), (128, 256), (256, 512)):
        parts += [nn.Conv2d(before, filters, 4, 2, 1, bias=False)]
        parts += [nn.BatchNorm2d(filters), nn.LeakyReLU(0.2)]
    return chain(*parts, nn.Conv2d(512, 1, 4, bias=False), nn.Sigmoid())


def idcnn() -> Any:
    parts = []
    for dilation in (1, 1, 2):
        parts += [nn.Conv1d(120, 120, 3, padding=dilation, dilation=dilation), nn.ReLU()]
    block = chain(*parts)
    return chain(nn.Conv1d(100, 120, 3, padding=1), nn.ReLU(), *[block] * 4, nn.Conv1d(120, 9, 1))


class Wavenet(nn.Module):  # type: ignore[misc]
    """Thirty gated causal layers whose skip connections are summed up."""

    def __init__(self) -> None:
        super().__init__()
        dilations = [2**power for _ in range(3) for power in range(10)]
        self.first = nn.Conv1d(256, 32, 2)
        self.filters, self.gates = (
            nn.ModuleList(nn.Conv1d(32, 32, 2, dilation=d) for d in dilations) for _ in range(2)
        )
        self.skips = nn.ModuleList(nn.Conv1d(32, 256, 1) for _ in dilations)
        self.residuals = nn.ModuleList(nn.Conv1d(32, 32, 1) for _ in dilations[1:])
        self.last = chain(nn.ReLU(), nn.Conv1d(256, 256, 1), nn.ReLU(), nn.Conv1d(256, 256, 1))

    def forward(self, x: Any) -> Any:
        def causal(conv: Any, x: Any) -> Any:
            return conv(nn.functional.pad(x, (conv.dilation[0], 0)))

        x = causal(self.first, x)
        total: Any = 0
        residuals = (nn.Identity(), *self.residuals)
        gate = torch.zeros_like(x)
        parts = zip(self.filters, self.gates, self.skips, residuals, strict=True)
        for filters, gates, skip, residual in parts:
            x = x + residual(gate)
            gate = causal(filters, x).tanh() * causal(gates, x).sigmoid()
            total = total + skip(gate)
        return self.last(total)


def tdnn() -> Any:
    return chain(
        nn.Conv1d(16, 8, 3), nn.Sigmoid(), nn.Conv1d(8, 3, 5), nn.Sigmoid(),
        nn.AdaptiveAvgPool1d(1), nn.Flatten(),
    )  # fmt: skip


def c3d() -> Any:
    parts: list[Any] = []
    channels = 3
    for filters, count, pool in ((64, 1, 1), (128, 1, 2), (256, 2, 2), (512, 2, 2), (512, 2, 2)):
        for _ in range(count):
            parts += [nn.Conv3d(channels, filters, 3, padding=1), nn.ReLU()]
            channels = filters
        parts.append(nn.MaxPool3d((pool, 2, 2), ceil_mode=True))
    return chain(*parts, classifier(8192, 487))


def sentence_cnn() -> Any:
    branches = [
        chain(nn.Conv1d(300, 100, width), nn.ReLU(), nn.AdaptiveMaxPool1d(1)) for width in (3, 4, 5)
    ]
    return chain(Stack(*branches), nn.Flatten(), nn.Linear(300, 2))


def cifar_cs231n() -> Any:
    return chain(
        nn.Conv2d(3, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(3072, 10),
    )  # fmt: skip


def cifar_tiny_vgg() -> Any:
    parts: list[Any] = []
    for before in (3, 10, 10):
        parts += [nn.Conv2d(before, 10, 3, padding=1), nn.ReLU()]
        parts += [nn.Conv2d(10, 10, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return chain(*parts, nn.Flatten(), nn.Linear(160, 10))


def cifar_convnetjs() -> Any:
    parts: list[Any] = []
    for before, filters in ((3, 16), (16, 20), (20, 20)):
        parts += [nn.Conv2d(before, filters, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)]
    return chain(*parts, nn.Flatten(), nn.Linear(320, 10), nn.Softmax(1))


class Peer(NamedTuple):
    """A PyTorch model and its input, in PyTorch's order of axes."""

    build: Callable[[], Any]
    input: tuple[int, ...] = (3, 224, 224)


PEERS = {
    "alexnet": Peer(alexnet, (3, 227, 227)),
    "all_cnn_c": Peer(all_cnn_c, (3, 32, 32)),
    "c3d": Peer(c3d, (3, 16, 112, 112)),
    "cifar_convnetjs": Peer(cifar_convnetjs, (3, 32, 32)),
    "cifar_cs231n": Peer(cifar_cs231n, (3, 32, 32)),
    "cifar_tiny_vgg": Peer(cifar_tiny_vgg, (3, 32, 32)),
    "darknet53": Peer(darknet53, (3, 256, 256)),
    "dcgan_discriminator": Peer(dcgan_discriminator, (3, 64, 64)),
    "dcgan_generator": Peer(dcgan_generator, (100, 1, 1)),
    "densenet121": Peer(densenet121),
    "fcn16s": Peer(lambda: Fcn(1), (3, 500, 500)),
    "fcn32s": Peer(lambda: Fcn(0), (3, 500, 500)),
    "fcn8s": Peer(lambda: Fcn(2), (3, 500, 500)),
    "googlenet_caffe": Peer(googlenet_caffe),
    "idcnn": Peer(idcnn, (100, 50)),
    "lenet5": Peer(lenet5, (1, 28, 28)),
    "mobilenet_v1": Peer(mobilenet_v1),
    "mobilenet_v1_0_25": Peer(lambda: mobilenet_v1(8)),
    "mobilenet_v1_0_5": Peer(lambda: mobilenet_v1(16)),
    "mobilenet_v1_0_75": Peer(lambda: mobilenet_v1(24)),
    "mobilenet_v2": Peer(mobilenet_v2),
    "nin": Peer(nin, (3, 32, 32)),
    "nin_imagenet": Peer(nin_imagenet, (3, 227, 227)),
    "res2net50": Peer(lambda: res2net((3, 4, 6, 3), scale=4, width=26)),
    "resnet101_v1": Peer(lambda: resnet((3, 4, 23, 3), deep=True, v1=True)),
    "resnet152": Peer(lambda: resnet((3, 8, 36, 3), deep=True)),
    "resnet152_v1": Peer(lambda: resnet((3, 8, 36, 3), deep=True, v1=True)),
    "resnet18": Peer(lambda: resnet((2, 2, 2, 2), deep=False)),
    "resnet50": Peer(lambda: resnet((3, 4, 6, 3), deep=True)),
    "resnet50_v1": Peer(lambda: resnet((3, 4, 6, 3), deep=True, v1=True)),
    "se_resnet50": Peer(lambda: resnet((3, 4, 6, 3), deep=True, v1=True, reduction=16)),
    "segnet": Peer(SegNet, (3, 360, 480)),
    "sentence_cnn": Peer(sentence_cnn, (300, 56)),
    "tdnn": Peer(tdnn, (16, 15)),
    "unet": Peer(Unet, (1, 572, 572)),
    "vgg16": Peer(vgg16),
    "wavenet": Peer(Wavenet, (256, 16000)),
    "zfnet": Peer(zfnet),
}
"""By the names of the zoo."""


def on_meta(peer: Peer) -> tuple[Any, Any]:
    """A model and an input for it that hold no values."""
    with torch.device("meta"):
        return peer.build().eval(), torch.empty((1, *peer.input))
