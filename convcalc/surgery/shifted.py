"""A network's answers at many places of a larger input, as dense as is wanted.

A network whose linear layers are convolutions gives an answer for each crop of its own size, one
network's stride apart, in one pass. A smaller stride comes from several passes over inputs that are
shifted by it, whose answers are interleaved (notes of CS231n, "Converting FC layers to CONV
layers"; Long et al. 2015, section 3.2, "Shift-and-stitch"). They are those of the crops where no
layer pads; where some do, a crop has padding that the larger input has not.
"""

from collections.abc import Mapping
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Any

from convcalc.analysis import analyze
from convcalc.arguments import by_name, shown, whole
from convcalc.diagnostics import ArgumentError
from convcalc.graph import read
from convcalc.graph.planned import Planned, planned
from convcalc.shape import Shape
from convcalc.surgery import Converted, convert
from convcalc.surgery.whole_maps import whole_map_layer

if TYPE_CHECKING:
    from convcalc.graph import Given


def dense(
    network: "Given",
    x: Any,
    weights: Mapping[str, Any] | None = None,
    *,
    stride: int | None = None,
    seed: int = 0,
) -> Any:
    """The outputs of a network for all crops of `x`, `stride` values apart along each axis.

    `x` is (N, C, *spatial), at least as large as the network's input along each axis. What comes
    back is (N, K, *positions): position i is the output for the crop that begins at i·`stride`,
    where no layer pads. `stride` divides the network's own, which it is unless given. `weights` are
    those of the network as it is, random from `seed` without.

    Raises `ArgumentError` for another stride, an `x` that is too small, a network whose output for
    a crop is no single position, and one with a layer that sees the whole map.
    """
    import numpy as np

    from convcalc.forward import random_weights, run
    from convcalc.forward.weights import checked_weights

    old = planned(read(network))
    seed = whole(seed, "seed", least=0)
    wanted = None if stride is None else whole(stride, "stride")
    if weights is not None:
        by_name(weights, "weights", "{'conv1.weight': an array}")
        checked_weights(old, weights)
    x = _array(x)
    made = _convolutional(old)
    moved = made.weights(random_weights(old, seed) if weights is None else weights)
    crop, own = old.input.spatial, _stride(made.network)
    step = own if wanted is None else wanted
    if own % step:
        message = f"a stride of {step} does not divide the network's, which is {own}"
        raise ArgumentError(message)
    large = x.shape[2:]
    if x.ndim != len(crop) + 2 or any(
        extent < least for extent, least in zip(large, crop, strict=True)
    ):
        least = "×".join(map(str, crop))
        message = f"x is (N, C, *spatial) of at least {least}, and its shape is {x.shape}"
        raise ArgumentError(message)
    positions = tuple(
        (extent - least) // step + 1 for extent, least in zip(large, crop, strict=True)
    )
    answers: Any = None
    for shift in product(range(0, own, step), repeat=len(crop)):
        counts = [
            (extent - least - first) // own + 1
            for extent, least, first in zip(large, crop, shift, strict=True)
        ]
        if min(counts) < 1:
            continue
        extents = [least + own * (count - 1) for least, count in zip(crop, counts, strict=True)]
        window = tuple(
            slice(first, first + extent) for first, extent in zip(shift, extents, strict=True)
        )
        places = (slice(None), slice(None), *window)
        part = x[places]
        sized = made.spec.network(input=Shape(part.shape[1], part.shape[2:]))
        _check_answers(planned(sized), counts)
        (y,) = run(sized, part, moved, reference=True).values()
        if answers is None:
            answers = np.zeros((*y.shape[:2], *positions), y.dtype)
        every = tuple(slice(first // step, None, own // step) for first in shift)
        interleaved = (slice(None), slice(None), *every)
        answers[interleaved] = y
    return answers


def _array(x: Any) -> Any:
    """`x` as an array of numbers. Raises `TypeError` for what is none."""
    import numpy as np

    array = np.asarray(x) if isinstance(x, np.ndarray | list) else None
    if array is None or array.dtype.kind not in "fiu":
        message = f"x is an array of numbers, (N, C, *spatial), and this is {shown(x)}"
        raise TypeError(message)
    return array


def _convolutional(network: Planned) -> Converted:
    """The network with convolutions for its linear layers; as it is where it has none."""
    if any(node.kind == "linear" for node in network.nodes):
        made = convert(network, "linear-to-conv")
    else:
        made = convert(network)
    output = made.network.shape_of(made.network.output)
    if len(network.outputs) != 1 or not output.spatial or any(each != 1 for each in output.spatial):
        message = (
            f"the output for a crop is one position with channels, and this network's {output}"
        )
        raise ArgumentError(message)
    whole = whole_map_layer(made.network)
    if whole is not None:
        message = (
            f"{whole.name} is {whole.kind}, which hangs on the whole map: for a larger input it "
            "gives no answers for crops"
        )
        raise ArgumentError(message)
    return made


def _check_answers(network: Planned, counts: list[int]) -> None:
    """Refuse a network that does not give an answer for each crop."""
    made = network.shape_of(network.output).spatial
    if made != tuple(counts):
        crops, answers = ("×".join(map(str, each)) for each in (counts, made))
        message = (
            f"of {network.input} the network makes {answers} answers, and {crops} crops are in it"
        )
        raise ArgumentError(message)


def _stride(network: Planned) -> int:
    """Values of the input from one output to the next."""
    report = analyze(network)
    fields = report.layer(network.nodes[network.output].name).receptive_field or ()
    jumps = {Fraction(field.jump) for field in fields}
    if len(jumps) != 1 or next(iter(jumps)).denominator != 1 or not next(iter(jumps)):
        message = "the network has no stride: its output sees the same wherever it is"
        raise ArgumentError(message)
    return int(jumps.pop())
