"""What layers share that make a map as large as another one, which a spec names with `like`."""

from collections.abc import Iterator, Sequence

from convcalc.diagnostics import Problem
from convcalc.layers.base import Axes, Layer
from convcalc.layers.sliding import AXIS_NAMES, check_axes, check_spatial, per_axis
from convcalc.shape import Shape


def unfollowable(
    kind: str, layer: Layer, x: Shape, like: Shape, name: str, other: Sequence[str]
) -> Iterator[Problem]:
    """What is wrong whatever the extents: another size beside, or maps of other axes.

    `other` are the fields that say how large the output is without another map.
    """
    for field in other:
        if getattr(layer, field) is not None:
            takes = listed_fields(other)
            message = f"{kind} takes {takes}, and has {field} and like"
            yield Problem("CC302", message, "like", "keep one of the two")
            return
    yield from check_spatial(kind, x, layer)
    if x.spatial and x.rank != like.rank:
        yield Problem(
            "CC311",
            f"like names {name}, {like}, which has {_axes(like.rank)}, and the input {x} has "
            f"{_axes(x.rank)}",
            "like",
            f"name a tensor that has {_axes(x.rank)}",
        )
    offset = getattr(layer, "offset", None)
    if x.spatial and offset is not None:
        yield from check_axes(x.rank, offset=offset)


def _axes(rank: int) -> str:
    return f"{rank or 'no'} spatial {'axis' if rank == 1 else 'axes'}"


def listed_fields(names: Sequence[str]) -> str:
    """Fields of which one is given, beside `like`.

    >>> listed_fields(["amount", "size"]), listed_fields(["padding"])
    ('an amount, a size or like', 'padding or like')
    """
    articles = {"amount": "an amount", "padding": "padding"}
    return f"{', '.join(articles.get(name, f'a {name}') for name in names)} or like"


def first_short(
    smaller: Sequence[int], larger: Sequence[int], offset: Axes | None
) -> tuple[str, int, int, int] | None:
    """The first axis along which one map does not lie within another, from `offset` rows on.

    It comes by its name, with the extents of both and the offset; None where there is none. One
    along which it is too large comes before one along which the offset is.
    """
    rank = len(smaller)
    offsets = per_axis(0 if offset is None else offset, rank)
    short = [
        (name, least, most, before)
        for name, least, most, before in zip(
            AXIS_NAMES.get(rank, ()), smaller, larger, offsets, strict=False
        )
        if before + least > most
    ]
    return min(short, key=lambda each: each[1] <= each[2], default=None)


def less_offset(offset: Axes, limits: Sequence[int]) -> str:
    """The help where a map does not lie within another because of how far from its border it is.

    >>> less_offset(3, [2, 1]), less_offset((3, 1), [2, 1])
    ('use an offset of at most 1', 'use offset 2x1')
    """
    if isinstance(offset, int):
        return f"use an offset of at most {min(limits)}"
    return f"use offset {'x'.join(map(str, map(min, offset, limits)))}"
