"""The inputs that a help names: the nearest above and below with which no layer has an error."""

from collections.abc import Callable, Sequence

from convcalc.graph import LayerNode, Network
from convcalc.laws.asked import Along, Meant
from convcalc.laws.follow import Known, Start, each_axis, follow
from convcalc.laws.forms import IDENTITY
from convcalc.laws.sets import Sizes, holds, largest_of, least_of
from convcalc.shape import Shape

MOST_FOLLOWED = 20_000
"""Most layers that are followed for one network, counted once for each axis."""


def nearest_inputs(
    network: Network,
    nodes: Sequence[LayerNode],
    near: Callable[[int, int], bool],
    meant: Meant,
) -> list[Shape]:
    """The nearest input above and the nearest below that layers take, where there are.

    An axis that is right stays as it is. `near` says of a given extent and another one whether that
    may be named, and `meant` is as `follow` has it. Axes that hang together are kept alike.
    """
    image = network.input
    if image is None or len(nodes) * image.rank > MOST_FOLLOWED:
        return []
    laws = _laws(image, nodes, meant)
    shapes = []
    for nearest in (least_of, largest_of) if laws else ():
        extents = [
            given if holds(law, given) else nearest(law, given)
            for given, law in zip(image.spatial, laws, strict=True)
        ]
        known = [extent for extent in extents if extent is not None]
        if len(known) == image.rank and all(map(near, image.spatial, known)):
            shape = image._replace(spatial=tuple(known))
            if shape != image:
                shapes.append(shape)
    return shapes


def nearest_whole_inputs(network: Network) -> tuple[Shape | None, Shape | None]:
    """The nearest inputs of which no layer leaves out a row, a smaller one and a larger.

    An axis that drops nothing stays as it is. None where there is none, or where the laws are not
    known.
    """
    image, nodes = network.input, network.nodes
    if image is None or len(nodes) * image.rank > MOST_FOLLOWED:
        return None, None
    known: Known = {}
    smaller, larger = [], []
    for axis, given in enumerate(image.spatial):
        walk = follow(nodes, each_axis(image), axis, known=known, single=True)
        if walk.together or walk.unknown is not None or walk.lost is not None:
            return None, None
        smaller.append(largest_of(walk.whole, given))
        larger.append(least_of(walk.whole, given))
    return _of(image, smaller), _of(image, larger)


def _of(image: Shape, extents: Sequence[int | None]) -> Shape | None:
    """The input of these extents; None where one is not known."""
    known = [extent for extent in extents if extent is not None]
    return image._replace(spatial=tuple(known)) if len(known) == image.rank else None


def _laws(image: Shape, nodes: Sequence[LayerNode], meant: Meant) -> list[Sizes]:
    """The sizes along each axis; none where they are not known."""
    known: Known = {}
    laws = []
    for axis in range(image.rank):
        walk = follow(nodes, each_axis(image), axis, known=known, meant=meant, single=True)
        if walk.together:
            return _alike(image, nodes, known, meant)
        if walk.unknown is not None:
            return []
        laws.append(walk.sizes)
    return laws


def _alike(image: Shape, nodes: Sequence[LayerNode], known: Known, meant: Meant) -> list[Sizes]:
    """The sizes along all axes at once, where they are alike as it is."""
    if len(set(image.spatial)) != 1:
        return []
    start: Start = (image.channels, *(Along(0, IDENTITY) for _ in image.spatial))
    walk = follow(nodes, start, 0, known=known, meant=meant, single=True)
    return [] if walk.unknown is not None else [walk.sizes] * image.rank
