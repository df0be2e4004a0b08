"""What outputs see of the input: too little, more than there is, or with holes."""

import itertools
from collections.abc import Iterator
from math import gcd, prod

from convcalc.analysis.receptive_field import Fields
from convcalc.graph import INPUT
from convcalc.layers.conv_transpose import ConvTranspose
from convcalc.layers.sliding import per_axis, sides
from convcalc.layers.upsample import Upsample
from convcalc.rules.base import Advice, rule
from convcalc.rules.context import MAXIMA, NOWHERE, POINTWISE, SLIDING, Context, times
from convcalc.shape import Shape
from convcalc.window import Field


@rule("CC415", name="field-smaller-than-image", severity="note")
def field_smaller_than_image(context: Context) -> Iterator[Advice]:
    """No position before the global pool sees even half of the image.

    **Why.** The pool averages what each position found in its own part; relations between parts
    further apart than the receptive field are seen by nobody. That may be meant (textures, BagNet),
    and is worth knowing. Said where a position sees less than half the image along an axis: NiN,
    All-CNN, SqueezeNet and ResNet-8 see 69 to 92 % of it, and work. Networks that flatten their
    last map, or put out a map, are left alone, as are sequences, and a maximum over the map, which
    asks whether something is there at all (words in a text). Of branches that each end in a pool,
    one that sees half the image is enough. The input in the help was tried on the network.
    Source: Araujo, Norris and Sim, [Distill 2019](https://distill.pub/2019/computing-receptive-fields),
    on field and accuracy; Brendel and Bethge, [arXiv:1904.00760](https://arxiv.org/abs/1904.00760).

    **Why a note.** Networks that look at parts only work, and some are made so on purpose.

    **Flagged**

    ```yaml
    input: 64x64x3
    layers:
      - conv: {filters: 16, kernel: 3, padding: 1}
      - relu
      - conv: {filters: 32, kernel: 3, padding: 1}
      - relu
      - global_avgpool
      - flatten
      - linear: 10
    ```

    **Instead**

    ```yaml
    input: 64x64x3
    layers:
      - conv: {filters: 16, kernel: 3, padding: 1}
      - relu
      - layers:
          - conv: {filters: 32, kernel: 3, padding: 1}
          - relu
          - maxpool: 2
        repeat: 5
      - global_avgpool
      - flatten
      - linear: 10
    ```
    """
    image = context.network.input
    unseen = _last_of_parts(context)
    if unseen is None or image is None:
        return
    last, seen = unseen
    smaller = context.first_fitting(
        _smaller_inputs(context, image, last, seen), lambda trial: _last_of_parts(trial) is None
    )
    yield Advice(
        context.origins(POINTWISE)[last],
        f"the last map sees {times(seen)} of the {times(image.spatial)} input at each position",
        "add layers, strides or dilation"
        + (f", or use a smaller input, such as {times(smaller.spatial)}" if smaller else ""),
    )


def _last_of_parts(context: Context) -> tuple[int, tuple[int, ...]] | None:
    """The map before an average over all of it that sees parts of the image, and how much."""
    image = context.network.input
    if image is None or image.rank < 2 or not context.pooled:
        return None
    if any("pool" not in context.kind(index) for index in context.collapses):
        return None  # a layer that reads every position
    found: list[tuple[int, tuple[int, ...]]] = []
    for index in context.collapses:
        if context.kind(index) in MAXIMA:
            continue
        last = context.before(index)
        fields = context.fields[last][0] if last >= 0 else None
        if fields is None:
            return None
        seen = tuple(field.size for field in fields)
        if all(2 * size >= extent for size, extent in zip(seen, image.spatial, strict=True)):
            return None
        found.append((last, seen))
    return max(found, key=lambda pair: (prod(pair[1]), pair[0]), default=None)


def _smaller_inputs(
    context: Context, image: Shape, last: int, seen: tuple[int, ...]
) -> Iterator[Shape]:
    """Inputs that the last map sees whole, the largest first: those of whole strides at first."""
    fields = context.fields[last][0] or ()
    strides = [max(int(field.jump), 1) for field in fields]
    for back in range(16):
        for rest in (None, 0, 1):
            yield image._replace(
                spatial=tuple(
                    extent
                    if size >= extent
                    else size - back
                    if rest is None
                    else (size // stride - back) * stride + rest
                    for extent, size, stride in zip(image.spatial, seen, strides, strict=True)
                )
            )


@rule("CC416", name="unproductive-layers", severity="note")
def unproductive_layers(context: Context) -> Iterator[Advice]:
    """Convolutions that see no more, because their input sees the whole image already.

    **Why.** Once the receptive field exceeds the image, a larger kernel only reads more padding.
    Such layers were found not to improve accuracy (the authors call them unproductive). Paths are
    measured by the shortest, as there, so that residual networks are not judged by their longest
    path. Where the output is a map, or all positions of some, each of them has to see the whole
    image: 2W − 1 rows of W. Reported once, at the first such layer, where at least a fifth of the
    layers with a kernel larger than 1 are concerned. The input in the help was tried on the
    network.
    Source: Richter et al., [arXiv:2106.12307](https://arxiv.org/abs/2106.12307), "Should You Go
    Deeper?".

    **Why a note.** The layers do no harm; whether they are worth their cost is a matter of budget.

    **Flagged**

    ```yaml
    input: 16x16x3
    layers:
      - layers:
          - layers:
              - conv: {filters: 32, kernel: 3, padding: 1}
              - relu
            repeat: 3
          - maxpool: 2
        repeat: 3
      - global_avgpool
      - flatten
      - linear: 10
    ```

    **Instead**

    ```yaml
    input: 48x48x3
    layers:
      - layers:
          - layers:
              - conv: {filters: 32, kernel: 3, padding: 1}
              - relu
            repeat: 3
          - maxpool: 2
        repeat: 3
      - global_avgpool
      - flatten
      - linear: 10
    ```
    """
    image = context.network.input
    layers, unproductive = _unproductive(context)
    if not unproductive or image is None:
        return
    first, last = context.before(unproductive[0]), context.before(unproductive[-1])
    reached = tuple(size for size, _ in context.smallest_fields[first] or ())
    least = tuple(size + 1 for size, _ in context.smallest_fields[last] or ())
    stride = max(jump for _, jump in context.smallest_fields[last] or ())
    larger = context.first_fitting(
        _larger_inputs(image, least, stride), lambda trial: not _unproductive(trial)[1]
    )
    yield Advice(
        unproductive[0],
        f"the map before {context.name(unproductive[0])} sees {times(reached)} of the "
        f"{times(image.spatial)} input: {len(unproductive)} of {len(layers)} convolutions "
        "cannot see more",
        "leave layers out"
        + (f", or use a larger input, such as {times(larger.spatial)}" if larger else ""),
    )


def _unproductive(context: Context) -> tuple[list[int], list[int]]:
    """The convolutions with a kernel, and those of them whose input sees the whole image.

    The latter only if they are a fifth of the former.
    """
    image = context.network.input
    if image is None or not image.spatial:
        return [], []
    if not any(fields and fields[0].size >= image.spatial[0] for fields, _ in context.fields):
        return [], []  # not even along the longest path
    smallest = context.smallest_fields
    # the field of the position in a corner reaches beyond the image
    whole = [2 * size - 1 if context.dense else size for size in image.spatial]
    layers = sorted(
        index
        for index in context.of(*SLIDING)
        if any(window.extent > 1 for window in context.plans[index].windows or ())  # type: ignore[union-attr]
        and smallest[context.before(index)] is not None
    )
    unproductive = [
        index
        for index in layers
        if all(
            size >= extent
            for (size, _), extent in zip(smallest[context.before(index)] or (), whole, strict=True)
        )
    ]
    return layers, unproductive if 5 * len(unproductive) >= len(layers) else []


def _larger_inputs(image: Shape, least: tuple[int, ...], stride: int) -> Iterator[Shape]:
    """Inputs of at least these extents, the smallest first: those of whole strides at first."""
    for on in range(16):
        for rest in (0, 1):
            yield image._replace(
                spatial=tuple(
                    max(extent, (-(-size // stride) + on) * stride + rest)
                    for extent, size in zip(image.spatial, least, strict=True)
                )
            )


@rule("CC417", name="dilation-grid")
def dilation_grid(context: Context) -> Iterator[Advice]:
    """Dilated convolutions in a row whose dilations have a common factor.

    **Why.** With dilations 2, 2, 2 (or 2, 4, 8) each output is computed from every second row and
    column only; neighbouring outputs share no input at all, and the result shows a grid. A
    convolution without dilation in the row, or dilations such as 1, 2, 5, fill the holes. Reported
    at the last of the row.
    Source: Wang et al., [arXiv:1702.08502](https://arxiv.org/abs/1702.08502), section 3.2, hybrid
    dilated convolution.

    **Why a warning.** Nobody means to leave out every second value; the layers were stacked without
    counting.

    **Flagged**

    ```yaml
    input: 64x64x16
    layers:
      - conv: {filters: 16, kernel: 3, padding: 2, dilation: 2}
      - relu
      - conv: {filters: 16, kernel: 3, padding: 4, dilation: 4}
      - relu
    ```

    **Instead**

    ```yaml
    input: 64x64x16
    layers:
      - conv: {filters: 16, kernel: 3, padding: 1}
      - relu
      - conv: {filters: 16, kernel: 3, padding: 2, dilation: 2}
      - relu
      - conv: {filters: 16, kernel: 3, padding: 4, dilation: 4}
      - relu
    ```
    """
    if not any(
        getattr(context.nodes[index].layer, "dilation", 1) != 1 for index in context.of(*SLIDING)
    ):
        return
    rows = _dilated_rows(context)
    going_on = {
        rows[read][2]
        for index, node in enumerate(context.nodes)
        for read in node.inputs
        if read >= 0 and rows[index][1] and rows[index][2] != rows[read][2]
    }
    reported: set[int] = set()
    for common, count, last in rows:
        if common > 1 and count > 1 and last not in going_on and last not in reported:
            reported.add(last)
            yield Advice(
                last,
                f"the dilations of {count} convolutions up to {context.name(last)} have the common "
                f"factor {common}: each output reads one in {common} positions along an axis",
                "vary the dilations, such as 1, 2, 5, or put a convolution without dilation "
                "into the row",
                "dilation",
            )


def _dilated_rows(context: Context) -> list[tuple[int, int, int]]:
    """For each layer the row of convolutions of stride 1 that it ends.

    The common factor of their dilations (0 for none), how many they are, and the last of them.
    """
    none = (0, 0, NOWHERE)
    rows = [none] * (len(context.nodes) + 1)
    for index, node in enumerate(context.nodes):
        plan = context.plans[index]
        if plan is None:
            continue
        before = rows[node.inputs[0]]
        if len(node.inputs) > 1:
            merged = [rows[read] for read in node.inputs]
            longest = max(merged, key=lambda row: row[1])
            rows[index] = (gcd(*(row[0] for row in merged)), longest[1], longest[2])
        elif plan.windows == ():
            rows[index] = before
        elif plan.windows and all(w.stride == 1 and w.up == 1 for w in plan.windows):
            common, count, _ = before
            sliding = [window for window in plan.windows if window.kernel > 1]
            if not sliding:
                rows[index] = before
            else:
                common = gcd(common, *(window.dilation for window in sliding))
                rows[index] = (common, count + 1, index) if node.kind in SLIDING else none
    return rows


@rule("CC418", name="checkerboard")
def checkerboard(context: Context) -> Iterator[Advice]:
    """A transposed convolution whose kernel is not divisible by its stride.

    **Why.** Outputs then get contributions from more inputs at some positions than at others, in a
    pattern that repeats with the stride: a checkerboard in the images made, which training rarely
    removes. The kernels in the help keep the size. A map that a 3×3 convolution of stride 2 made
    they bring back half a position off, less than the half that CC419 lets pass.
    Source: Odena, Dumoulin and Olah, [Distill 2016](https://distill.pub/2016/deconv-checkerboard).

    **Why a warning.** The pattern shows in what the network makes, and no loss asks for it.

    **Flagged**

    ```yaml
    input: 16x16x32
    layers:
      - conv_transpose: {filters: 16, kernel: 3, stride: 2, padding: 1, output_padding: 1}
      - relu
    ```

    **Instead**

    ```yaml
    input: 16x16x32
    layers:
      - conv_transpose: {filters: 16, kernel: 4, stride: 2, padding: 1}
      - relu
    ```
    """
    for index in context.of("conv_transpose"):
        layer, rank = context.nodes[index].layer, context.input(index).rank
        if not isinstance(layer, ConvTranspose):
            continue
        x = context.input(index)
        for axis, (kernel, stride, size) in enumerate(
            zip(per_axis(layer.kernel, rank), per_axis(layer.stride, rank), x.spatial, strict=True)
        ):
            if kernel % stride and size > 1:
                few = kernel // stride
                yield Advice(
                    index,
                    f"kernel {kernel} is not divisible by stride {stride}: along an axis outputs "
                    f"get {few} or {few + 1} inputs, in turn",
                    f"use {_divisible(layer, axis, x)}, or `upsample` and an ordinary convolution",
                    "kernel",
                )
                break


def _divisible(layer: ConvTranspose, axis: int, x: Shape) -> str:
    """The kernels next to this one that the stride divides, padded so that the size stays."""
    kernel, stride = per_axis(layer.kernel, x.rank)[axis], per_axis(layer.stride, x.rank)[axis]
    dilation = per_axis(layer.dilation, x.rank)[axis]
    extra = per_axis(layer.output_padding, x.rank)[axis]
    size = layer.plan([x]).output.spatial[axis]
    said = [] if layer.padding == "same" else [sides(layer.padding, x.rank)[axis]]
    found = []
    for taps in (kernel // stride * stride, (kernel // stride + 1) * stride):
        cut = (x.spatial[axis] - 1) * stride + dilation * (taps - 1) + 1 - size
        behind = cut % 2 if cut >= 0 else -cut
        if not taps or (behind and behind >= max(stride, dilation)):
            continue
        before = (cut + behind) // 2
        changes = []
        if said and said != [(before, before)]:
            changes.append(f"padding {before}")
        if said and behind != extra:
            changes.append(f"output_padding {behind}")
        found.append(f"kernel {taps}" + (f" with {' and '.join(changes)}" if changes else ""))
    where = f" along axis {axis + 1}" if isinstance(layer.kernel, tuple) else ""
    return (" or ".join(found) or f"a kernel that {stride} divides") + where


@rule("CC419", name="misaligned-merge")
def misaligned_merge(context: Context) -> Iterator[Advice]:
    """Branches that are merged position by position look at different places of the input.

    **Why.** The merged map mixes features of places that lie apart, by more than half a position of
    the coarsest map that a branch comes through. It comes from unequal strides, crops or padding in
    the branches, or from an `upsample` with `align_corners`, which spreads a map wider than the
    stride that made it, and no shape error tells. Up to half a position is let pass, because every
    map that is spread again is that coarse: `same` padding before a stride of 2, and the feature
    pyramids whose 3×3 convolutions of stride 2 look at even rows. So are causal branches, which see
    different lengths of the past up to the same place, and a single position that is spread over
    the map, which shows the same everywhere.
    Source: Araujo, Norris and Sim, [Distill 2019](https://distill.pub/2019/computing-receptive-fields),
    "Alignment issues".

    **Why a warning.** Features of different places are merged as if they were of one: a padding,
    crop or stride is missing in a branch, or corners are aligned.

    **Flagged**

    ```yaml
    input: 32x32x16
    layers:
      - add:
          - - conv: {filters: 16, kernel: 3, padding: 1}
            - relu
            - conv: {filters: 16, kernel: 3, padding: 1}
          - - pad: [[1, 0], [1, 0]]
            - crop: [[0, 1], [0, 1]]
    ```

    **Instead**

    ```yaml
    input: 32x32x16
    layers:
      - add:
          - - conv: {filters: 16, kernel: 3, padding: 1}
            - relu
            - conv: {filters: 16, kernel: 3, padding: 1}
          - []
    ```
    """
    for index, node in enumerate(context.nodes):
        if len(node.inputs) > 1 and context.plans[index] is not None:
            yield from itertools.islice(_misaligned(context, index), 1)


def _misaligned(context: Context, index: int) -> Iterator[Advice]:
    """The branches of a merge that look at other places than its first one."""
    first, *others = _branches(context, index) or [(0, 0, ())]
    for number, read, fields in others:
        place = f"branches {first[0]} and {number}"
        for axis, (one, other) in enumerate(zip(first[2], fields, strict=True)):
            if one.aligned(other) or not one.jump or not other.jump:
                continue
            between = context.between(first[1], read)
            last = context.output(index).spatial[axis] - 1
            if one.jump != other.jump:
                aligned = [node for node in between if _aligns_corners(context, node)]
                if aligned:
                    yield Advice(
                        index,
                        f"one position of {place} is {_short(one.jump)} and {_short(other.jump)} "
                        "input rows from the next",
                        f"set `align_corners: false` in {' and '.join(map(context.name, aligned))}",
                    )
            # Half a position of the coarsest map on the way is what rounding to it may cost.
            places = [found for node in between if (found := context.places[node])]
            coarsest = max(float(found[axis].jump) for found in (first[2], fields, *places))
            apart = max(_apart(one, other, output) for output in (0, last))
            if 2 * apart > coarsest:
                unequal = one.jump != other.jump
                yield Advice(
                    index,
                    f"{place} look at places {'up to' if unequal else 'at least'} {_short(apart)} "
                    f"input rows apart, and positions are {_short(coarsest)} apart",
                    "give the branches the same strides"
                    if unequal
                    else "give the branches the same padding on each side, or crop alike",
                )


def _aligns_corners(context: Context, index: int) -> bool:
    layer = context.nodes[index].layer if index >= 0 else None
    return isinstance(layer, Upsample) and layer.align_corners


def _branches(context: Context, index: int) -> list[tuple[int, int, Fields]]:
    """Number, layer read and fields of the branches of a merge that have a place of their own."""
    found: list[tuple[int, int, Fields]] = []
    image = context.network.input
    for number, read in enumerate(context.nodes[index].inputs, 1):
        if set(context.output(read).spatial) == {1}:
            continue  # spread over the map, and in no place of its own
        fields = (
            (Field(),) * (image.rank if image else 0) if read == INPUT else context.places[read]
        )
        if fields is None:
            return []
        found.append((number, read, fields))
    return found


def _apart(one: Field, other: Field, output: int) -> float:
    """How far the centres are apart of what an output of both sees.

    0 where both end in one place: a causal branch sees more of the past.
    """
    starts = float(one.start - other.start + output * (one.jump - other.jump))
    longer = one.size - other.size
    return 0.0 if 2 * abs(starts + longer) <= one.jump else abs(starts + longer / 2)


def _short(value: object) -> str:
    return f"{float(value):.4g}"  # type: ignore[arg-type]
