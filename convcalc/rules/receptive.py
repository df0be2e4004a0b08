"""What outputs see of the input: too little, more than there is, or with holes."""

from collections.abc import Iterator
from math import gcd

from convcalc.graph import INPUT
from convcalc.layers.conv_transpose import ConvTranspose
from convcalc.layers.sliding import per_axis
from convcalc.rules.base import Advice, rule
from convcalc.rules.context import (
    NOWHERE,
    POINTWISE,
    Context,
    times,
)
from convcalc.window import Field

SLIDING = ("conv", "depthwise_conv", "locally_connected")


@rule("CC415", name="field-smaller-than-image", severity="note")
def field_smaller_than_image(context: Context) -> Iterator[Advice]:
    """No position before the global pool sees the whole image.

    **Why.** The pool averages what each position found in its own part; relations between parts
    further apart than the receptive field are seen by nobody. That may be meant (textures, BagNet),
    and is worth knowing. Networks that flatten their last map, or put out a map, are left alone, as
    are sequences.
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
    if image is None or image.rank < 2 or not context.pooled:
        return
    last = context.before(context.collapse)
    fields = context.fields[last][0] if last >= 0 else None
    if fields is None:
        return
    seen = tuple(field.largest for field in fields)
    if any(size < extent for size, extent in zip(seen, image.spatial, strict=True)):
        yield Advice(
            context.origins(POINTWISE)[last],
            f"the last map sees {times(seen)} of the {times(image.spatial)} input at each position",
            f"add layers, strides or dilation, or use an input of {times(seen)} or less",
        )


@rule("CC416", name="unproductive-layers", severity="note")
def unproductive_layers(context: Context) -> Iterator[Advice]:
    """Convolutions that see no more, because their input sees the whole image already.

    **Why.** Once the receptive field exceeds the image, a larger kernel only reads more padding.
    Such layers were found not to improve accuracy (the authors call them unproductive). Paths are
    measured by the shortest, as there, so that residual networks are not judged by their longest
    path. Reported once, at the first such layer, where at least a tenth of the layers with a
    kernel larger than 1 are concerned.
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
    ```
    """
    image = context.network.input
    if image is None or not image.spatial:
        return
    if not any(fields and fields[0].largest >= image.spatial[0] for fields, _ in context.fields):
        return  # not even along the longest path
    smallest = _smallest_fields(context)
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
            for (size, _), extent in zip(
                smallest[context.before(index)] or (), image.spatial, strict=True
            )
        )
    ]
    if not unproductive or 10 * len(unproductive) < len(layers):
        return
    first, last = unproductive[0], unproductive[-1]
    reached = tuple(size for size, _ in smallest[context.before(first)] or ())
    least = tuple(size + 1 for size, _ in smallest[context.before(last)] or ())
    fields = context.fields[last][0]
    most = tuple(field.largest for field in fields) if fields else least
    yield Advice(
        first,
        f"the map before {context.name(first)} sees {times(reached)} of the "
        f"{times(image.spatial)} input: {len(unproductive)} of {len(layers)} convolutions "
        "cannot see more",
        f"leave layers out, or use a larger input: between {times(least)}, so that each layer "
        f"sees more than the one before, and {times(most)}, all that the last one sees",
    )


Smallest = tuple[tuple[int, int], ...] | None
"""Size and effective stride per axis; None where positions are lost."""


def _smallest_fields(context: Context) -> list[Smallest]:
    """The receptive field along the shortest path to each layer; the network's input comes last."""
    image = context.network.input
    start: Smallest = ((1, 1),) * (image.rank if image else 0)
    found: list[Smallest] = [*(None for _ in context.nodes), start]
    for index, node in enumerate(context.nodes):
        plan = context.plans[index]
        if plan is None:
            continue
        if len(node.inputs) > 1:
            fields = [found[read] for read in node.inputs]
            found[index] = min((field for field in fields if field is not None), default=None)
            continue
        before = found[node.inputs[0]]
        if not plan.windows or before is None:
            found[index] = before if plan.windows == () else None
        elif len(plan.windows) == len(before):
            found[index] = tuple(
                (size + (window.extent - 1) * jump, jump * window.stride)
                for window, (size, jump) in zip(plan.windows, before, strict=True)
            )
            if any(window.up > 1 for window in plan.windows):
                found[index] = None
    return found


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
    removes.
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
        for kernel, stride, size in zip(
            per_axis(layer.kernel, rank),
            per_axis(layer.stride, rank),
            context.input(index).spatial,
            strict=True,
        ):
            if kernel % stride and size > 1:
                few = kernel // stride
                yield Advice(
                    index,
                    f"kernel {kernel} is not divisible by stride {stride}: along an axis outputs "
                    f"get {few} or {few + 1} inputs, in turn",
                    f"use kernel {few * stride} or {(few + 1) * stride}, or `upsample` "
                    "and an ordinary convolution"
                    if few
                    else f"use kernel {stride}, or `upsample` and an ordinary convolution",
                    "kernel",
                )
                break


@rule("CC419", name="misaligned-merge")
def misaligned_merge(context: Context) -> Iterator[Advice]:
    """Branches that are merged position by position look at different places of the input.

    **Why.** The merged map mixes features of places that lie apart, by more than half a position of
    this map. It comes from unequal strides, crops or padding in the branches, and no shape error
    tells. Half a position, as from `same` padding before a stride of 2, is let pass, and so are
    causal branches, which see different lengths of the past up to the same place.
    Source: Araujo, Norris and Sim, [Distill 2019](https://distill.pub/2019/computing-receptive-fields),
    "Alignment issues".

    **Why a warning.** Features of different places are merged as if they were of one: a padding,
    crop or stride is missing in a branch.

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
    if all(aligned for _, aligned in context.fields):
        return
    for index, (_, aligned) in enumerate(context.fields):
        if aligned:
            continue
        for one, other, place in _pairs(context, index):
            if one[1] != other[1]:
                yield Advice(
                    index,
                    f"one position of {place} is {_short(one[1])} and {_short(other[1])} input "
                    "rows from the next",
                    "give the branches the same strides",
                )
                break
            apart = min(abs(mine - theirs) for mine, theirs in zip(one[0], other[0], strict=True))
            if 2 * apart > one[1]:
                yield Advice(
                    index,
                    f"{place} look at places at least {_short(apart)} input rows apart, and "
                    f"positions are {_short(one[1])} apart",
                    "give the branches the same padding on each side, or crop alike",
                )
                break


Place = tuple[tuple[float, float], float]
"""The centre and the end of what output 0 sees along an axis, and the effective stride."""


def _pairs(context: Context, index: int) -> Iterator[tuple[Place, Place, str]]:
    """What the first branch and each other one sees, axis by axis."""
    branches: list[list[Place]] = []
    image = context.network.input
    for read in context.nodes[index].inputs:
        if set(context.output(read).spatial) == {1}:
            continue  # spread over the map, and in no place of its own
        if read == INPUT:
            branches.append([((0.0, 0.0), 1.0)] * (image.rank if image else 0))
            continue
        fields = context.fields[read][0]
        if fields is None:
            return
        branches.append([_place(field) for field in fields])
    for number, other in enumerate(branches[1:], 2):
        for one, two in zip(branches[0], other, strict=True):
            yield one, two, f"branches 1 and {number}"


def _place(field: Field) -> Place:
    first, reach = float(field.start), field.size - 1
    return (first + reach / 2, first + reach), float(field.jump)


def _short(value: float) -> str:
    return f"{value:.4g}"
