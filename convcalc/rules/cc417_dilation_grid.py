"""CC417: dilated convolutions in a row, their dilations with a common factor."""

from collections.abc import Iterator
from math import gcd

from convcalc.rules.base import Advice
from convcalc.rules.context import SLIDING, Context


def check(context: Context) -> Iterator[Advice]:
    """The last of each row of convolutions whose dilations leave holes."""
    if not any(
        getattr(context.nodes[index].layer, "dilation", 1) != 1 for index in context.of(*SLIDING)
    ):
        return
    rows = _dilated_rows(context)
    going_on = {
        rows[read][2]
        for index, node in enumerate(context.nodes)
        for read in node.inputs
        if rows[index][1] and rows[index][2] != rows[read][2]
    }
    reported: set[int] = set()
    for common, count, last in rows:
        if last is None or last in going_on or last in reported:
            continue
        if common > 1 and count > 1:
            reported.add(last)
            yield Advice(
                last,
                f"the dilations of {count} convolutions up to {context.name(last)} have the common "
                f"factor {common}: each output reads one in {common} positions along an axis",
                "vary the dilations, such as 1, 2, 5, or put a convolution without dilation "
                "into the row",
                "dilation",
            )


def _dilated_rows(context: Context) -> list[tuple[int, int, int | None]]:
    """For each layer the row of convolutions of stride 1 that it ends.

    The common factor of their dilations (0 for none), how many they are, and the last of them.
    """
    none = (0, 0, None)
    rows: list[tuple[int, int, int | None]] = [none] * len(context.nodes)
    for index, node in enumerate(context.nodes):
        plan = context.plans[index]
        if plan is None or not node.inputs:
            continue
        before = rows[node.inputs[0]]
        if len(node.inputs) > 1:
            merged = [rows[read] for read in node.inputs]
            longest = max(merged, key=lambda row: row[1])
            rows[index] = (gcd(*(row[0] for row in merged)), longest[1], longest[2])
        elif plan.positions == "kept":
            rows[index] = before
        elif plan.windows and all(w.stride == 1 and w.up == 1 for w in plan.windows):
            common, count, _ = before
            sliding = [window for window in plan.windows if window.kernel > 1]
            if not sliding:
                rows[index] = before
            else:
                common = gcd(common, *(window.dilation for window in sliding))
                rows[index] = (common, count + 1, index)
    return rows
