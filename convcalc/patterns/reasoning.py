"""Why a network is sized as it is, in sentences with its own numbers.

The advice is that of the notes of CS231n, "Layer Sizing Patterns" and "Layer Patterns".
"""

from collections.abc import Iterator

from convcalc.graph import Network
from convcalc.layers import kinds
from convcalc.layers.base import field_value
from convcalc.numbers import plural, times
from convcalc.patterns.chosen import HALVING, SLIDING, Chosen

ENOUGH = 2
"""Equal convolutions in a row of which there is something to say."""
_POWERS = {2: "²", 3: "³"}
POINTWISE = kinds("activation", "norm", "identity")
"""Kinds that may stand between convolutions of a stack."""


def advice(network: Network, chosen: Chosen) -> Iterator[str]:
    """What is to be said of a network that a pattern made."""
    yield from _sizes(network)
    yield from _kernels(network, chosen)
    yield from _stacks(network)
    yield from _pools(network, chosen)


def _sizes(network: Network) -> Iterator[str]:
    """How often the input can be halved, and how often it is."""
    shape = network.input
    pools = [index for index, node in enumerate(network.nodes) if node.kind in HALVING]
    if shape is None or not shape.spatial or not pools:
        return
    halvings = min((extent & -extent).bit_length() - 1 for extent in shape.spatial)
    size = times(shape.spatial)
    last = network.shape_of(pools[-1])
    left = times(last.spatial) if last is not None else "?"
    if halvings >= len(pools):
        yield (
            f"{size} can be halved {plural(halvings, 'time')}; behind {plural(len(pools), 'pool')} "
            f"it is {left}"
        )
        return
    better = " and ".join(
        f"{extent} by {-(-extent // 2 ** len(pools)) * 2 ** len(pools)}"
        for extent in dict.fromkeys(shape.spatial)
        if extent % 2 ** len(pools)
    )
    yield (
        f"{size} can be halved {plural(halvings, 'time')}, and there are "
        f"{plural(len(pools), 'pool')}: the map is rounded down to "
        f"{left}; replace {better}, and nothing is dropped"
    )


def _kernels(network: Network, chosen: Chosen) -> Iterator[str]:
    """What keeps the size."""
    for node in network.nodes:
        if node.kind not in SLIDING or node.layer is None:
            continue
        shape = network.shape_of(node.inputs[0])
        if shape is None or not shape.spatial:
            continue
        axes = len(shape.spatial)
        kernel, padding, extent = chosen.kernel, chosen.kernel // 2, shape.spatial[0]
        yield (
            f"kernel {kernel}, stride 1 and padding {padding} keep the size: "
            f"({extent} − {kernel} + 2·{padding})/1 + 1 = {extent}"
        )
        if kernel > 5:
            yield (
                f"a kernel of {kernel} is large but on the image: {kernel // 2} of 3 in a row see "
                f"as much, with {3**axes * (kernel // 2)} weights for each pair of channels "
                f"instead of {kernel**axes}, and activations between them"
            )
        return


def _stacks(network: Network) -> Iterator[str]:
    """What convolutions in a row see."""
    longest, run, filters = 0, 0, None
    axes = len(network.input.spatial) if network.input is not None else 2
    for node in network.nodes:
        if node.kind == "conv" and node.layer is not None:
            same = field_value(node.layer, "filters")
            run = run + 1 if same == filters else 1
            filters = same
            if field_value(node.layer, "kernel") not in (3, (3,) * axes):
                run = 0
        elif node.kind not in POINTWISE:
            run, filters = 0, None
        longest = max(longest, run)
    wide = 2 * longest + 1
    if longest >= ENOUGH and longest * 3**axes < wide**axes:
        yield (
            f"{longest} convolutions of kernel 3 in a row see {wide} positions along each axis, "
            f"with {longest}·3{_POWERS.get(axes, '')} = {longest * 3**axes} weights for each pair "
            f"of channels; one of kernel {wide} has {wide**axes}"
        )


def _pools(network: Network, chosen: Chosen) -> Iterator[str]:
    """What pooling loses."""
    shape = network.input
    if shape is None or not shape.spatial or not any(n.kind in HALVING for n in network.nodes):
        return
    of = chosen.pool ** len(shape.spatial)
    more = "" if chosen.pool <= 3 else "; larger than 3 usually loses too much"
    window = times((chosen.pool,) * len(shape.spatial))
    yield f"a pool of {window} with stride {chosen.pool} keeps one value of {of}{more}"
