"""Gradient checkpointing: layers that keep only what they start from, and run again.

Source: Chen et al., arXiv:1604.06174; torch.utils.checkpoint. As checkpoint_sequential does, the
last of the equal segments is not run again, because its backward pass comes first.
"""

from collections.abc import Sequence

from convcalc.analysis.memory.program import Program
from convcalc.analysis.memory.walk import Segment, worthwhile
from convcalc.graph import Network


def segments(
    network: Network, program: Program, checkpoint: int | Sequence[str] | None
) -> list[Segment]:
    """The segments that `checkpoint` asks for, without those that would keep more than they save.

    `checkpoint` is a number of layers, or names of blocks or layers. Raises `ValueError` for a
    number below 1 and for a name that no layer's begins with.
    """
    if checkpoint is None:
        return []
    count = len(network.nodes)
    if isinstance(checkpoint, int):
        if checkpoint < 1:
            message = f"checkpoint every {checkpoint} layers is below 1"
            raise ValueError(message)
        starts = range(0, count, checkpoint)
        asked = [Segment(start, start + checkpoint) for start in starts[:-1]]
    else:
        asked = _named(network, checkpoint)
    return worthwhile(program, asked)


def _named(network: Network, names: Sequence[str]) -> list[Segment]:
    found: list[Segment] = []
    for name in names:
        inside = [
            index
            for index, node in enumerate(network.nodes)
            if node.name == name or node.name.startswith(name + ".")
        ]
        if not inside:
            message = f"no layer's name begins with {name!r}"
            raise ValueError(message)
        found.append(Segment(inside[0], inside[-1] + 1))
    found.sort()
    apart: list[Segment] = []
    for segment in found:
        if not apart or segment.first >= apart[-1].stop:
            apart.append(segment)
    return apart
