"""Kernels, strides and padding: the sizing advice of the CS231n notes."""

from collections.abc import Iterator
from math import prod
from typing import cast

from convcalc.graph import INPUT
from convcalc.layers.convolution import Conv
from convcalc.layers.sliding import AXIS_NAMES, Sliding, decimal, unrounded_windows
from convcalc.rules.base import Advice, rule
from convcalc.rules.context import POINTWISE, POOLS, SLIDING, VIEWS, Context, times
from convcalc.shape import Shape
from convcalc.window import Window

BORDERED = POINTWISE | VIEWS | {"pad", "crop"}
"""Layers after which an image is still an image."""


@rule("CC401", name="odd-size-halved")
def odd_size_halved(context: Context) -> Iterator[Advice]:
    """An odd height or width is halved, so the maps no longer line up with the input.

    **Why.** Inputs should be divisible by 2 as often as the network halves them, as 32, 64, 96,
    224, 384 and 512 are. Half of an odd size is rounded: a last row is dropped or made up, and a
    decoder that doubles the map again gets another size than the encoder had. Where the map ends in
    a global or adaptive pool any size will do, and nothing is said; neither where the windows tile
    the odd size, as those of AlexNet's pools, and of every odd kernel F padded by (F − 1)/2:
    DeepLab, PSPNet and ICNet take 8n + 1 rows on purpose; nor of a network that crops its maps to
    fit, and of a sequence that is never made longer again, whose length is what it is. The sizes in
    the help were tried on the network.
    Source: [CS231n notes](https://cs231n.github.io/convolutional-networks/), "Layer Sizing
    Patterns".

    **Why a warning.** A size that does not halve is rarely chosen: what is dropped or made up shows
    only later, where two maps do not fit.

    **Flagged**

    ```yaml
    input: 100x100x3
    rounding: ceil
    layers:
      - conv: {filters: 16, kernel: 3, padding: 1}
      - relu
      - maxpool: 2
      - conv: {filters: 32, kernel: 3, padding: 1}
      - relu
      - maxpool: 2
      - conv: {filters: 32, kernel: 3, padding: 1}
      - relu
      - maxpool: 2                # 25 / 2 = 12.5
    ```

    **Instead**

    ```yaml
    input: 96x96x3
    layers:
      - conv: {filters: 16, kernel: 3, padding: 1}
      - relu
      - maxpool: 2
      - conv: {filters: 32, kernel: 3, padding: 1}
      - relu
      - maxpool: 2
      - conv: {filters: 32, kernel: 3, padding: 1}
      - relu
      - maxpool: 2                # 24 / 2 = 12
    ```
    """
    odd = _odd_halves(context)
    image = context.network.input
    if not odd or image is None:
        return
    first, axis = odd[0]
    size = context.input(first).spatial[axis]
    sizes = " or ".join(times(shape.spatial) for shape in _even_inputs(context, image))
    noun = "a length of" if image.rank == 1 else "an input of"
    yield Advice(
        None,
        f"{context.name(first)} halves an odd {AXIS_NAMES[image.rank][axis]}: "
        f"{size}/2 = {decimal(size, 2)}, from the input {image}",
        f"use {noun} {sizes}" if sizes else "use sizes that stay even until the last is halved",
        "input",
    )


def _odd_halves(context: Context) -> list[tuple[int, int]]:
    """Layers that halve an odd axis so that a row is dropped or made up, and the axis."""
    image = context.network.input
    if image is None or not image.spatial or not context.complete or context.any_size:
        return []
    if context.of("crop") or (image.rank == 1 and not context.of("upsample", "conv_transpose")):
        return []
    return [
        (index, axis)
        for index in sorted(context.of(*SLIDING, *POOLS))
        for axis in _halved_axes(context, index)
        if context.input(index).spatial[axis] % 2 and not _tiles(context, index, axis)
    ]


def _tiles(context: Context, index: int, axis: int) -> bool:
    """Whether the windows end where the padding as written ends, alike on both sides if `same`.

    An odd kernel with P = (F − 1)/2 tiles odd sizes: (321 − 3 + 2·1)/2 + 1 = 161.
    """
    layer, spatial = context.nodes[index].layer, context.input(index).spatial
    window = unrounded_windows(cast("Sliding", layer), spatial)[axis]
    if cast("Sliding", layer).padding == "same":
        return window.before == window.after
    return window.remainder(spatial[axis]) == 0


def _even_inputs(context: Context, image: Shape) -> Iterator[Shape]:
    """The next smaller and the next larger input that the network halves without an odd size."""
    odd = {axis for _, axis in _odd_halves(context)}
    for step in (-1, 1):
        inputs = (
            image._replace(
                spatial=tuple(
                    size + change if axis in odd else size
                    for axis, size in enumerate(image.spatial)
                )
            )
            for change in range(step, 100 * step, step)
        )
        fitting = context.first_fitting(inputs, lambda trial: not _odd_halves(trial))
        if fitting is not None:
            yield fitting


def _halves(window: Window, size: int) -> bool:
    """Whether the output is half as large as the input, give or take the rounding."""
    return (
        window.stride == 2
        and window.up == 1
        and window.before + window.after >= window.extent - 2
        and size > 1
    )


def _halved_axes(context: Context, index: int) -> list[int]:
    plan, x = context.plans[index], context.input(index)
    image = context.network.input
    if plan is None or not plan.windows or image is None or image.rank != x.rank:
        return []
    return [
        axis
        for axis, found in enumerate(zip(plan.windows, x.spatial, strict=True))
        if _halves(*found)
    ]


@rule("CC402", name="large-filter", severity="note")
def large_filter(context: Context) -> Iterator[Advice]:
    """A filter of 7×7 or more works on something other than the image.

    **Why.** Small filters (3×3, at most 5×5) see as much when stacked, with fewer weights and more
    non-linearities; 7×7 is usual only where it looks at an image or makes one. Depthwise and
    grouped filters and linear layers by another name (filters as large as the whole map, or that
    slide over a larger one without padding, as in FCN) are left alone, and CC406 speaks where a
    stack would be cheaper.
    Source: [CS231n notes](https://cs231n.github.io/convolutional-networks/), "Layer Sizing
    Patterns".

    **Why a note.** The network works as it is written; whether large filters are worth their
    weights is a matter of budget, and newer networks use them on purpose.

    **Flagged**

    ```yaml
    input: 64x64x3
    layers:
      - conv: {filters: 16, kernel: 3, padding: 1}
      - relu
      - conv: {filters: 64, kernel: 7, stride: 2, padding: 3, rounding: floor}
      - relu
      - conv: {filters: 64, kernel: 3, padding: 1}
    ```

    **Instead**

    ```yaml
    input: 64x64x3
    layers:
      - conv: {filters: 16, kernel: 7, padding: 3}
      - relu
      - conv: {filters: 64, kernel: 3, stride: 2, padding: 1, rounding: floor}
      - relu
      - conv: {filters: 64, kernel: 3, padding: 1}
    ```
    """
    origins = context.origins(BORDERED)
    for index in context.of("conv"):
        layer, plan = context.nodes[index].layer, context.plans[index]
        if not isinstance(layer, Conv) or plan is None or layer.groups > 1:
            continue
        kernel = plan.weights[0].shape[2:]
        if len(kernel) < 2 or min(kernel) < 7 or origins[context.before(index)] == INPUT:
            continue
        if all(w.stride == 1 and not (w.before or w.after) for w in plan.windows or ()):
            continue
        if origins[context.network.output] == origins[index]:
            continue
        x = context.input(index)
        if kernel == x.spatial or _stack(kernel, x, plan.output, plan.windows or ()) is not None:
            continue
        yield Advice(
            index,
            f"a {times(kernel)} filter on {x.channels} channels has {prod(kernel) * x.channels:,} "
            f"weights; a {times((3,) * len(kernel))} one has {3 ** len(kernel) * x.channels:,}",
            f"stack {times((3,) * len(kernel))} convolutions, with a non-linearity after each",
            "kernel",
        )


@rule("CC403", name="size-changing-padding", severity="note")
def size_changing_padding(context: Context) -> Iterator[Advice]:
    """A convolution of stride 1 is padded, and shrinks or grows the map nevertheless.

    **Why.** With P = (F − 1)/2 a convolution of stride 1 keeps the size, and pooling alone
    downsamples. Another padding is neither that nor none: often a kernel was changed and its
    padding was not. Left alone are convolutions without any padding, which is what frameworks do
    unless told otherwise and what many networks from LeNet to the first U-Net want; those whose
    border a `pad` before or a `crop` behind them makes up for, whose kernel takes in the whole map,
    or that stand right before a global pool; and sequences that shrink, whose windows of context do
    so on purpose.
    Source: [CS231n notes](https://cs231n.github.io/convolutional-networks/), "Why use padding?".

    **Why a note.** The shapes work out, and a border may be meant, as the one of 100 in FCN.

    **Flagged**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 16, kernel: 5, padding: 1}
      - relu
    ```

    **Instead**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 16, kernel: 5, padding: 2}
      - relu
    ```
    """
    for index in context.of(*SLIDING):
        plan = context.plans[index]
        if plan is None or not plan.windows:
            continue
        spatial = plan.output.spatial
        before = context.input(index).spatial
        if spatial == before or set(spatial) == {1}:
            continue
        if any(window.stride > 1 or window.kernel % 2 == 0 for window in plan.windows):
            continue
        producer = context.before(index)
        if context.kind(producer) == "pad" and context.input(producer).spatial == spatial:
            continue
        reader = context.reader(index)
        if context.kind(reader) == "crop" and context.output(reader).spatial == before:
            continue
        if index in context.pooled_whole:
            continue
        changes = [after - size for size, after in zip(before, spatial, strict=True)]
        if not any(
            change and (window.before or window.after)
            for change, window in zip(changes, plan.windows, strict=True)
        ):
            continue
        if len(spatial) == 1 and changes[0] < 0:
            continue
        needed = [window.dilation * (window.kernel - 1) // 2 for window in plan.windows]
        amount = max(map(abs, changes))
        right = needed[0] if len(set(needed)) == 1 else f"[{', '.join(map(str, needed))}]"
        growing = max(changes) > 0
        extents = tuple(window.extent for window in plan.windows)
        yield Advice(
            index,
            f"stride 1 and padding {_padding_text(plan.windows)} "
            f"{'grow' if growing else 'shrink'} the map by {amount}: a kernel of {times(extents)} "
            f"keeps it with (F − 1)/2 = {right}",
            f"use padding {right}, or none",
            "padding",
        )


def _padding_text(windows: tuple[Window, ...]) -> str:
    pairs = {(window.before, window.after) for window in windows}
    if len(pairs) == 1 and windows[0].before == windows[0].after:
        return str(windows[0].before)
    return f"[{', '.join(f'[{w.before}, {w.after}]' for w in windows)}]"


@rule("CC404", name="large-pool", severity="note")
def large_pool(context: Context) -> Iterator[Advice]:
    """A pool larger than 3 throws most of the map away.

    **Why.** Common are 2×2 with stride 2, which drops 75% of the activations, and 3×3 with stride
    2; larger ones are too lossy. Pools over the whole map, pools of stride 1, pools of sequences,
    and pools that treat the axes differently (those of a spectrogram, or of sensors and time) are
    left alone.
    Source: [CS231n notes](https://cs231n.github.io/convolutional-networks/), "Pooling Layer".

    **Why a note.** How much of a map may be thrown away is a matter of taste; larger pools are used
    on purpose.

    **Flagged**

    ```yaml
    input: 64x64x3
    layers:
      - conv: {filters: 16, kernel: 3, padding: 1}
      - relu
      - maxpool: 4
    ```

    **Instead**

    ```yaml
    input: 64x64x3
    layers:
      - conv: {filters: 16, kernel: 3, padding: 1}
      - relu
      - maxpool: 2
      - conv: {filters: 16, kernel: 3, padding: 1}
      - relu
      - maxpool: 2
    ```
    """
    for index in context.of(*POOLS):
        plan = context.plans[index]
        if plan is None or not plan.windows or plan.output.rank < 2:
            continue
        if set(plan.output.spatial) == {1}:
            continue
        if len({window.kernel for window in plan.windows}) > 1:
            continue
        if any(window.kernel > 3 and window.stride > 1 for window in plan.windows):
            kernel = times(tuple(window.kernel for window in plan.windows))
            strides = times(tuple(window.stride for window in plan.windows))
            kept = 100 / prod(window.stride for window in plan.windows)
            yield Advice(
                index,
                f"a {kernel} pool of stride {strides} keeps {kept:.3g}% of the activations",
                "pool 2×2 or 3×3 with stride 2, with convolutions between",
                "kernel",
            )


@rule("CC405", name="unread-pixels")
def unread_pixels(context: Context) -> Iterator[Advice]:
    """A stride larger than the kernel: some values are never read by anything.

    **Why.** Between two windows S − F rows are skipped. What computed them was in vain, as in the
    1×1 convolutions of stride 2 that open the stages of the first ResNets: they ignore three
    quarters of the map. Striding in the layer that computes the values gives the same for less.
    Silent where another layer reads the same tensor without gaps, as beside a
    ResNet's projection.
    Source: He et al., [arXiv:1812.01187](https://arxiv.org/abs/1812.01187), section 4.1; CS231n
    notes.

    **Why a warning.** Values that are computed, or given, and read by nothing are seldom meant.

    **Flagged**

    ```yaml
    input: 64x64x3
    layers:
      - conv: {filters: 64, kernel: 3, padding: 1}
      - relu
      - conv: {filters: 32, kernel: 1, stride: 2, rounding: floor}
      - relu
    ```

    **Instead**

    ```yaml
    input: 64x64x3
    layers:
      - conv: {filters: 64, kernel: 3, padding: 1}
      - relu
      - conv: {filters: 32, kernel: 2, stride: 2}
      - relu
    ```
    """
    skipping = {index for index in context.of(*SLIDING, *POOLS) if _skipped(context, index)}
    if not skipping:
        return
    origins = context.origins(POINTWISE)
    read: set[int] = {origins[index] for index in context.wanted if index >= 0}
    wanted = {origins[context.before(index)] for index in skipping}
    for index, node in enumerate(context.nodes):
        if index in skipping or node.kind in POINTWISE:
            continue
        for before in node.inputs:
            if before >= INPUT and origins[before] in wanted:
                read.add(origins[before])
    for index in sorted(skipping):
        origin = origins[context.before(index)]
        if origin in read:
            continue
        kernel, stride, share = _skipped(context, index) or ("", "", 0)
        yield Advice(
            index,
            f"stride {stride} over a kernel of {kernel} never reads {share:.3g}% of "
            f"{context.name(context.before(index))}, and no other layer does",
            "use a kernel of at least the stride, a smaller stride, or stride where the values are "
            "computed",
            "stride",
        )


def _skipped(context: Context, index: int) -> tuple[str, str, float] | None:
    """Kernel, stride and the share of values between windows, if there are any."""
    plan = context.plans[index]
    if plan is None or not plan.windows:
        return None
    axes = list(zip(plan.windows, plan.output.spatial, strict=True))
    if not any(window.stride > window.extent and size > 1 for window, size in axes):
        return None
    read = prod(min(window.kernel / window.stride, 1) for window, _ in axes)
    kernels = times(tuple(window.kernel for window, _ in axes))
    return kernels, times(tuple(window.stride for window, _ in axes)), 100 * (1 - read)


@rule("CC406", name="stack-is-cheaper", severity="note")
def stack_is_cheaper(context: Context) -> Iterator[Advice]:
    """One large filter where a stack of 3×3 filters sees as much with fewer weights.

    **Why.** Three 3×3 convolutions from C to C channels see 7×7 with 27C² weights and three
    non-linearities; one 7×7 has 49C² and one. Said only where the stack saves at least a quarter of
    the weights though its maps between have the larger number of channels, that before or that
    behind it: one that is narrower would be another network.
    Source: Simonyan and Zisserman, [arXiv:1409.1556](https://arxiv.org/abs/1409.1556), section 2.3;
    [CS231n notes](https://cs231n.github.io/convolutional-networks/), "Layer Patterns".

    **Why a note.** Both see the same; which is cheaper is a matter of budget.

    **Flagged**

    ```yaml
    input: 56x56x3
    layers:
      - conv: {filters: 64, kernel: 3, padding: 1}
      - relu
      - conv: {filters: 64, kernel: 7, padding: 3}
      - relu
    ```

    **Instead**

    ```yaml
    input: 56x56x3
    layers:
      - conv: {filters: 64, kernel: 3, padding: 1}
      - relu
      - layers:
          - conv: {filters: 64, kernel: 3, padding: 1}
          - relu
        repeat: 3
    ```
    """
    for index in context.of("conv"):
        layer, plan = context.nodes[index].layer, context.plans[index]
        if not isinstance(layer, Conv) or plan is None or layer.groups > 1:
            continue
        x = context.input(index)
        kernel = plan.weights[0].shape[2:]
        stack = _stack(kernel, x, plan.output, plan.windows or ())
        if stack is None:
            continue
        count, weights = stack
        small = times((3,) * len(kernel))
        yield Advice(
            index,
            f"one {times(kernel)} convolution from {x.channels} to {plan.output.channels} channels "
            f"has {plan.weights[0].size:,} weights; {count} of {small} see as much with "
            f"{weights:,}",
            f"stack {count} convolutions of {small}, with a non-linearity after each",
            "kernel",
        )


def _stack(
    kernel: tuple[int, ...], x: Shape, output: Shape, windows: tuple[Window, ...]
) -> tuple[int, int] | None:
    """How many 3×3 filters see as much, and their weights, if they are worth it."""
    extent = kernel[0]
    if extent < 5 or extent % 2 == 0 or len(set(kernel)) > 1 or kernel == x.spatial:
        return None
    if any(window.stride > 1 or window.dilation > 1 for window in windows):
        return None
    count = (extent - 1) // 2
    taps = 3 ** len(kernel)
    before, filters = x.channels, output.channels
    between = max(before, filters)
    weights = taps * between * (before + (count - 2) * between + filters)
    large = prod(kernel) * before * filters
    return (count, weights) if 4 * weights <= 3 * large else None
