"""What `--input` says of an input whose extents a file leaves open: which of its axes is what.

A shape is written with its channels last, and a file may have them second or last.
"""

from collections.abc import Sequence
from typing import Any

from convcalc.exchange.onnx.operations import Written
from convcalc.exchange.onnx.rows import LAST, OPERATORS, SAME, SECOND

MOST_FOLLOWED = 200
"""Operations that an input is followed through to find what its axes are."""


def fitted(
    model: Any, name: str, written: Sequence[int], given: tuple[int, ...]
) -> tuple[int, ...] | None:
    """The extents of an input behind the examples, in the file's order; None where they do not fit.

    `written` are those of the file, 0 of one that is open, and `given` has the channels first. A
    row of whole numbers may have one channel, which the file has no axis of.
    """
    if len(given) == len(written) + 1 and given[0] == 1:
        given = given[1:]
    if len(given) != len(written):
        return None
    ways = dict.fromkeys((given, (*given[1:], *given[:1])))
    fit = [each for each in ways if all(b in (0, a) for a, b in zip(each, written, strict=True))]
    if len(fit) > 1 and _is_last(model, name, len(written) + 1):
        return fit[1]
    return fit[0] if fit else None


def _is_last(model: Any, name: str, rank: int) -> bool:
    """Whether the first operation that cares has the channels of an input last."""
    nodes = [*map(Written, model.graph.node)]
    waiting = [(name, tuple(range(rank)))]
    for value, axes in waiting:  # which grows
        if len(waiting) > MOST_FOLLOWED:
            break
        for node in nodes:
            if value not in node.inputs[:1]:
                continue
            row = OPERATORS.get(f"{node.domain}:{node.kind}" if node.domain else node.kind)
            says = "" if row is None else row.axes
            if says in (SECOND, LAST):
                return axes[1 if says == SECOND else -1] == rank - 1
            if node.kind == "Transpose":
                order = node.attributes({})[0].get("perm") or tuple(range(rank))[::-1]
                if sorted(order) == list(range(rank)):
                    waiting += [(each, tuple(axes[at] for at in order)) for each in node.outputs]
            elif says == SAME:
                waiting += [(each, axes) for each in node.outputs]
    return False
