"""CC419: merged branches look at different places of the input."""

import itertools
from collections.abc import Callable, Iterator
from functools import partial

from convcalc.analysis.receptive_field import Fields
from convcalc.layers.base import Tiles
from convcalc.layers.upsample import Upsample
from convcalc.rules.base import Advice
from convcalc.rules.context import Context
from convcalc.window import Field


def check(context: Context) -> Iterator[Advice]:
    """Merges of a branch that looks elsewhere than the first one."""
    for index, node in enumerate(context.nodes):
        plan = context.plans[index]
        if len(node.inputs) > 1 and plan is not None and plan.positions == "kept":
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
            if any(map(partial(_mixes_parts, context), between)):
                continue
            last = context.output(index).spatial[axis] - 1
            if one.jump != other.jump and any(map(partial(_aligns_corners, context), between)):
                yield Advice(
                    index,
                    f"neighbours in branch {first[0]} look at places {_short(one.jump)} apart in "
                    f"the input, in branch {number} {_short(other.jump)}: aligned corners "
                    "stretch a map to its border",
                    "set `align_corners: false` in "
                    + _names(context, _all_between(context, first[1], others, _aligns_corners)),
                )
            # Half a position of the coarsest map on the way is what rounding to it may cost.
            places = [spot for node in between if (spot := context.places[node])]
            coarsest = max(float(spot[axis].jump) for spot in (first[2], fields, *places))
            apart = max(_apart(one, other, output) for output in (0, last))
            if 2 * apart > coarsest:
                unequal = one.jump != other.jump
                even = _all_between(context, first[1], others, _padded_unevenly)
                if unequal:
                    way = "give the branches the same strides"
                elif even:
                    way = (
                        f"use odd kernels in {_names(context, even)}: even ones cannot have the "
                        "same padding on each side and keep the size"
                    )
                else:
                    way = "give the branches the same padding on each side, or crop alike"
                yield Advice(
                    index,
                    f"{place} look at places {'up to' if unequal else 'at least'} {_short(apart)} "
                    f"input rows apart, and positions are {_short(coarsest)} apart",
                    way,
                )


def _all_between(
    context: Context,
    first: int,
    others: list[tuple[int, int, Fields]],
    wanted: Callable[[Context, int], bool],
) -> list[int]:
    """The layers of some kind on the ways to a branch and to any of the others, in order."""
    return sorted(
        {
            index
            for _, read, _ in others
            for index in context.between(first, read)
            if wanted(context, index)
        }
    )


def _names(context: Context, layers: list[int]) -> str:
    """Names as a text lists them: `a, b and c`."""
    names = [context.name(index) for index in layers]
    if len(names) > 4:
        names = [*names[:3], f"{len(names) - 3} more"]
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _padded_unevenly(context: Context, index: int) -> bool:
    """Whether a kernel keeps the size, and is even, so that one side is padded by more."""
    plan = context.plans[index]
    return plan is not None and any(
        window.stride == window.up == 1
        and window.extent % 2 == 0
        and window.before + window.after == window.extent - 1
        for window in plan.windows
    )


def _mixes_parts(context: Context, index: int) -> bool:
    """Whether outputs see parts of the map that they lie in, and not what is around them."""
    plan = context.plans[index]
    return plan is not None and isinstance(plan.positions, Tiles)


def _aligns_corners(context: Context, index: int) -> bool:
    layer = context.nodes[index].layer
    return isinstance(layer, Upsample) and layer.align_corners


def _branches(context: Context, index: int) -> list[tuple[int, int, Fields]]:
    """Number, layer read and fields of the branches of a merge that have a place of their own."""
    branches: list[tuple[int, int, Fields]] = []
    for number, read in enumerate(context.nodes[index].inputs, 1):
        if set(context.output(read).spatial) == {1}:
            continue  # spread over the map, and in no place of its own
        fields = context.places[read]
        if fields is None:
            return []
        branches.append((number, read, fields))
    return branches


def _apart(one: Field, other: Field, output: int) -> float:
    """How far the centres are apart of what an output of both sees.

    0 where both end in one place: a causal branch sees more of the past.
    """
    starts = float(one.start - other.start + output * (one.jump - other.jump))
    longer = one.size - other.size
    return 0.0 if 2 * abs(starts + longer) <= one.jump else abs(starts + longer / 2)


def _short(value: object) -> str:
    return f"{float(value):.4g}"  # type: ignore[arg-type]
