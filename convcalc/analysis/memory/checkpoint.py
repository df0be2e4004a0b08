"""Gradient checkpointing: layers that keep only what they start from, and run again.

Source: Chen et al., arXiv:1604.06174; torch.utils.checkpoint with `use_reentrant=False`. As
checkpoint_sequential does, the last of the equal segments is not run again, because its backward
pass comes first.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from convcalc.analysis.memory.program import Program
from convcalc.analysis.memory.terms import AUTO, Checkpoint
from convcalc.analysis.memory.walk import Segment, worthwhile
from convcalc.arguments import texts, whole
from convcalc.diagnostics import ArgumentError
from convcalc.graph import Network
from convcalc.layers import SOURCES

MOST_LAYERS = 9
"""Digits of the number in every=K."""
BETWEEN = ".."
"""The sign between a segment's first layer and its last."""


def read_checkpoint(given: object) -> Checkpoint | None:
    """What is asked for: every so many layers, names of blocks, or a text that says either.

    A text that says `auto` alone is that, and no block's name. Raises `TypeError` for what is none
    of these, and `ValueError` for a text that says neither.

    >>> read_checkpoint("every=3"), read_checkpoint("stage1, stage2"), read_checkpoint(["stage1"])
    (3, ('stage1', 'stage2'), ('stage1',))
    """
    if given is None:
        return None
    if not isinstance(given, str | Iterable) or isinstance(given, bytes | Mapping):
        return whole(given, "checkpoint")
    written = texts(given, "checkpoint", "'every=3' or 'stage1,stage2'")
    names = [name.strip() for value in written for name in value.split(",") if name.strip()]
    every = [name.partition("=")[2].strip() for name in names if "=" in name]
    if names == [AUTO]:
        return AUTO
    if not every and names:
        return tuple(names)
    number = every[0] if every else ""
    sound = number.isascii() and number.isdecimal() and len(number) <= MOST_LAYERS
    if len(names) != 1 or not names[0].startswith("every=") or not sound or not int(number):
        message = (
            f"{', '.join(written)!r} is neither every=K, of 1 layer or more, nor names of blocks "
            "or FIRST..LAST separated by commas, nor auto"
        )
        raise ArgumentError(message)
    return int(number)


def segments(network: Network, checkpoint: int | Sequence[str] | None) -> list[Segment]:
    """The segments that `checkpoint` asks for.

    `checkpoint` is a number of layers, or names of blocks or layers: of one, of all that a repeat
    numbered (`unit` for `unit1` and `unit2`), or of all that a pattern fits (`stage*`), or a first
    and a last layer (`conv1..relu2`), which are one segment with all between them. Of segments
    within another the outermost counts. Raises `ValueError` for a number below 1, for a name that
    no layer's begins with, and for segments that overlap otherwise.
    """
    if checkpoint is None:
        return []
    if isinstance(checkpoint, int):
        if checkpoint < 1:
            message = f"checkpoint every {checkpoint} layers is below 1"
            raise ArgumentError(message)
        starts = range(len(network.inputs), len(network.nodes), checkpoint)
        return [Segment(start, start + checkpoint) for start in starts[:-1]]
    return _named(network, checkpoint)


def unpaid(network: Network, program: Program, checkpoint: int | Sequence[str]) -> list[str]:
    """The segments that keep no less if run again than their layers keep anyway, by name."""
    asked = segments(network, checkpoint)
    paid = set(worthwhile(program, asked))
    names = [(network.nodes[one.first].name, network.nodes[one.stop - 1].name) for one in asked]
    return [
        first if first == last else f"{first} to {last}"
        for (first, last), segment in zip(names, asked, strict=True)
        if segment not in paid
    ]


def _named(network: Network, names: Sequence[str]) -> list[Segment]:
    layers = {
        node.name: range(index, index + 1)
        for index, node in enumerate(network.nodes)
        if node.kind not in SOURCES
    }
    blocks = layers | {group.name: group.layers for group in network.groups if group.layers}
    named: list[Segment] = []
    for name in names:
        meant = [name] if name in blocks else []
        if not meant and BETWEEN in name:
            named.append(_between(name, blocks))
            continue
        if not meant:
            numbered = re.compile(re.escape(name) + "_?[0-9]+")
            meant = [each for each in blocks if numbered.fullmatch(each)]
        if not meant:
            meant = [each for each in blocks if fnmatchcase(each, name)]
        if not meant:
            message = f"no layer's name begins with {name!r}"
            raise ArgumentError(message)
        named += [Segment(blocks[each].start, blocks[each].stop) for each in meant]
    named.sort(key=lambda segment: (segment.first, -segment.stop))  # the outermost first
    apart: list[Segment] = []
    for segment in named:
        if not apart or segment.first >= apart[-1].stop:
            apart.append(segment)
        elif segment.stop > apart[-1].stop:
            one, other = (written(network, each) for each in (apart[-1], segment))
            message = f"checkpoints {one} and {other} overlap: a layer is in one segment at most"
            raise ArgumentError(message)
    return apart


def _between(name: str, blocks: Mapping[str, range]) -> Segment:
    """The segment from one layer or block to another, both in it."""
    ends = [(name[: at.start()], name[at.end() :]) for at in re.finditer(re.escape(BETWEEN), name)]
    known = [pair for pair in ends if pair[0].strip() in blocks and pair[1].strip() in blocks]
    first, last = (end.strip() for end in (known or ends)[0])
    for end in (first, last):
        if end not in blocks:
            message = f"checkpoint {name!r} is FIRST..LAST, and no layer or block is {end!r}"
            raise ArgumentError(message)
    segment = Segment(blocks[first].start, blocks[last].stop)
    if blocks[last].start < segment.first:
        message = f"checkpoint {name!r} ends before it begins: write {last}{BETWEEN}{first}"
        raise ArgumentError(message)
    return segment


def written(network: Network, segment: Segment) -> str:
    """A segment as `--checkpoint` takes it, and `segments` reads it."""
    first, last = (network.nodes[at].name for at in (segment.first, segment.stop - 1))
    return first if first == last else f"{first}{BETWEEN}{last}"
