"""Where numbers do not meet, in terms of no framework: what messages say, and what trials come to.

A message says some of the numbers, a trial of the network knows all: one fits the other where no
number that is said differs. The batch, which no spec has, is worked out or left open.
"""

from typing import Literal, NamedTuple

Operation = Literal[
    "",
    "linear",
    "convolution",
    "transposed",
    "pool",
    "norm",
    "instancenorm",
    "groups",
    "layernorm",
    "prelu",
    "elementwise",
    "concat",
    "view",
    "axes",
    "crop",
    "wrap",
    "other",
]
"""What is done where numbers do not meet; "" is not said. `groups` do not divide the channels, and
`axes` are too few or too many; a `crop` takes more than there is, and to `wrap` is to
read more than once around."""
NAMED: dict[Operation, str] = {
    "": "a layer with weights",
    "linear": "a linear layer",
    "convolution": "a convolution",
    "transposed": "a transposed convolution",
    "pool": "a pooling layer",
    "norm": "a normalization",
    "instancenorm": "an instance normalization",
    "groups": "groups of channels",
    "layernorm": "a layer normalization",
    "prelu": "a PReLU",
    "elementwise": "a sum or a product of branches",
    "concat": "a concatenation of branches",
    "view": "a reshape",
    "axes": "a layer",
    "crop": "a crop",
    "wrap": "a circular border",
    "other": "a layer",
}
"""What each operation is called."""

Axes = tuple[int, ...]
"""Extents in memory order, C×H×W, of one example."""


class Clash(NamedTuple):
    """Numbers that do not meet; None is not said."""

    operation: Operation
    """What is done there."""
    got: int | None = None
    """Channels, features or values that come in; of `axes` spatial axes."""
    wanted: int | None = None
    """As many as the layer is made for."""
    input: Axes | None = None
    """What comes in, one example."""
    filters: int | None = None
    """What a linear layer puts out."""
    rows: int | None = None
    """How many vectors a linear layer gets; in a message times the batch."""
    weight: Axes | None = None
    """The layer's weight, as PyTorch lays it out; the shape that is normalized over."""
    groups: int | None = None
    """Of a convolution, or of a normalization."""
    kernel: Axes | None = None
    """What the kernel spans, dilation included."""
    padded: Axes | None = None
    """The map that it does not fit in, padding included."""
    output: Axes | None = None
    """Extents of the output that there cannot be."""
    sizes: tuple[int, int] | None = None
    """Two extents that differ, in the order of the branches."""
    axis: int | None = None
    """Along which axis, 0 being the channels."""
    branch: int | None = None
    """Which branch does not fit the first, from 0."""
    branches: tuple[Axes, ...] | None = None
    """The shapes of the branches that are merged, each of one example."""
    values: int | None = None
    """Values that come in, all together; in a message times the batch."""
    bordered: Axes | None = None
    """Of a trial what comes in where a program pads in front of the layer, its sides not alike."""


COUNTED = frozenset(("rows", "values"))
"""What a message says of a whole batch."""
EACH = COUNTED | {"got", "wanted"}
"""The same of an instance normalization, which has statistics of each example."""
EITHER_WAY = {"sizes", "branches"}
"""What may be said in any order: `x + skip` and `skip + x` are one sum."""


def batch_of(said: Clash, there: Clash, batch: int | None) -> int | None:
    """The batch with which a trial's numbers are those of the message; None where they are not.

    0 where any batch does. `batch` is what the message says of it.

    >>> batch_of(Clash("linear", 400, 256, rows=8), Clash("linear", 400, 256, rows=1), None)
    8
    """
    given = batch or 0
    counted = COUNTED
    if there.operation == "instancenorm":
        if said.operation == "norm" and said.input is None and said.got != there.got:
            counted = EACH
        there = there._replace(operation="norm")
    for name, ours, theirs in zip(Clash._fields, said, there, strict=True):
        if ours is None or (name == "operation" and not ours):
            continue
        if name in counted and isinstance(theirs, int) and isinstance(ours, int):
            if not theirs or ours % theirs or given not in (0, ours // theirs):
                return None
            given = ours // theirs
        elif name in EITHER_WAY and isinstance(theirs, tuple) and isinstance(ours, tuple):
            if sorted(ours) != sorted(theirs):
                return None
        elif ours != theirs and not (name == "input" and ours == there.bordered):
            return None
    return given


def numbers_of(said: Clash) -> set[int]:
    """All numbers of a clash, from which what a layer may be instead is worked out."""
    numbers: set[int] = set()
    for value in said[1:]:
        if isinstance(value, int):
            numbers.add(value)
        elif isinstance(value, tuple):
            for each in value:
                numbers.update(each if isinstance(each, tuple) else (each,))
    return {number for number in numbers if number > 0}
