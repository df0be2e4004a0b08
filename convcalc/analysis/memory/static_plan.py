"""The static plan of a micro-controller: every tensor at an offset of one arena.

Source: TensorFlow Lite Micro, micro/memory_planner/greedy_memory_planner.cc: buffers by falling
size, each at the first gap among those alive at the same time; sizes are rounded up to 16 bytes.
"""

from typing import NamedTuple

from convcalc.analysis.memory.lower_line import fused
from convcalc.graph import Network

ALIGNMENT = 16


class Buffer(NamedTuple):
    """A tensor in the arena."""

    name: str
    """The layer that makes it, or `input`."""
    offset: int
    """Bytes from the beginning of the arena, a multiple of the alignment."""
    bytes: int
    """Its own size in bytes, rounded up to the alignment."""
    first: int
    """Number of the operation that makes it; 0 is before all others."""
    last: int
    """Number of the last operation that reads it."""


class ArenaReport(NamedTuple):
    """Where every tensor of one example lies."""

    name: str
    """The network's name, as its spec has it."""
    dtype: str
    """Data type of all tensors, a key of `DTYPE_BYTES`."""
    size: int
    """Bytes of the whole arena for one example."""
    lower_bound: int
    """Most bytes alive at once: no plan can do with less."""
    buffers: tuple[Buffer, ...]
    """Every tensor that is stored, in the order in which they are made."""


def arena(network: Network, *, dtype: str = "int8") -> ArenaReport:
    """Plan the arena of a network for one example; folding and fusing as in `deploy`."""
    tensors, _ = fused(network)
    sizes = [-(-tensor.bytes(dtype) // ALIGNMENT) * ALIGNMENT for tensor in tensors]
    at_time: dict[int, list[int]] = {}
    for number, tensor in enumerate(tensors):
        for time in range(tensor.first, tensor.last + 1):
            at_time.setdefault(time, []).append(number)
    offsets = [-1] * len(tensors)
    for number in sorted(range(len(tensors)), key=lambda each: -sizes[each]):
        tensor = tensors[number]
        others = {
            other
            for time in range(tensor.first, tensor.last + 1)
            for other in at_time[time]
            if offsets[other] >= 0
        }
        offset = 0
        for other in sorted(others, key=offsets.__getitem__):
            if offsets[other] - offset >= sizes[number]:
                break
            offset = max(offset, offsets[other] + sizes[other])
        offsets[number] = offset
    return ArenaReport(
        network.name,
        dtype,
        max(offset + size for offset, size in zip(offsets, sizes, strict=True)),
        max(sum(sizes[number] for number in alive) for alive in at_time.values()),
        tuple(
            Buffer(tensor.name, offset, size, tensor.first, tensor.last)
            for tensor, offset, size in zip(tensors, offsets, sizes, strict=True)
        ),
    )
