"""What moves, leaves out and repeats values, as operators."""

from collections.abc import Sequence
from typing import Any

from convcalc.exchange.onnx.writer import Maker, Unwritten
from convcalc.exchange.onnx.writing.borders import padded
from convcalc.exchange.onnx.writing.merges import batch
from convcalc.exchange.onnx.writing.norms import affine
from convcalc.layers.base import axis_number
from convcalc.layers.sliding import sides


def dropout(make: Maker) -> str:
    """Dropout, which does nothing at inference."""
    return make("Dropout", make.x, make.number(make.layer.rate))


def flatten(make: Maker) -> str:
    """Flatten, or a reshape of the axes behind the first."""
    if len(make.plan.output.axes) == 1:
        return make("Flatten", make.x, axis=1)
    return reshape(make)


def reshape(make: Maker) -> str:
    """Reshape."""
    return make.reshape(make.x, 0, *make.plan.output.axes)


def permute(make: Maker) -> str:
    """Transpose."""
    return make.transpose(make.x, 0, *make.layer.order)


def turned(make: Maker, apart: Sequence[int], order: Sequence[int]) -> str:
    """Axes taken apart, put into another order, and put together as the output has them."""
    blocks = make.reshape(make.x, 0, *apart)
    return make.reshape(make.transpose(blocks, 0, *order), 0, *make.plan.output.axes)


def pixel_shuffle(make: Maker) -> str:
    """DepthToSpace, or a transposition between reshapes."""
    factor, shape = make.layer.factor, make.shape
    if shape.rank == 2:
        return make("DepthToSpace", make.x, blocksize=factor, mode="CRD")
    rank = shape.rank
    apart = [make.plan.output.channels, *(factor,) * rank, *shape.spatial]
    order = [1, *(axis for step in range(rank) for axis in (2 + rank + step, 2 + step))]
    return turned(make, apart, order)


def space_to_depth(make: Maker) -> str:
    """SpaceToDepth, or a transposition between reshapes."""
    layer, shape = make.layer, make.shape
    if shape.rank == 2 and layer.order == "rows":
        return make("SpaceToDepth", make.x, blocksize=layer.factor)
    apart = [shape.channels]
    for size in shape.spatial:
        apart += [size // layer.factor, layer.factor]
    places = range(2, 2 * shape.rank + 2, 2)
    taps = [place + 1 for place in places]
    if layer.order == "columns":
        taps.reverse()
    front = [1, *taps] if layer.order == "channels" else [*taps, 1]
    return turned(make, apart, [*front, *places])


def channel_shuffle(make: Maker) -> str:
    """A transposition between reshapes."""
    groups, shape = make.layer.groups, make.shape
    apart = [groups, shape.channels // groups, *shape.spatial]
    return turned(make, apart, [2, 1, *range(3, 3 + shape.rank)])


def pad(make: Maker) -> str:
    """Pad."""
    layer, rank = make.layer, make.shape.rank
    border = sides(layer.padding, rank) if layer.padding is not None else ((0, 0),) * rank
    return padded(make, make.x, [(0, 0), layer.channels, *border], layer.mode, layer.value)


def crop(make: Maker) -> str:
    """Slice from both sides."""
    starts = [-window.before for window in make.plan.windows]
    stops = [start + size for start, size in zip(starts, make.plan.output.spatial, strict=True)]
    axes = range(2, 2 + len(starts))
    every = (make.integers(*each) for each in (starts, stops, axes))
    return make("Slice", make.x, *every)


def sliced(make: Maker) -> str:
    """Slice of one axis."""
    layer = make.layer
    axis = axis_number(layer.axis, make.shape.rank) or 0
    extent, left = make.shape.axes[axis], make.plan.output.axes[axis]
    start = layer.start + extent if layer.start < 0 else layer.start
    return make.cut(make.x, axis + 1, start, start + left)


COORDINATES = {"nearest": "asymmetric", "linear": "half_pixel", "cubic": "half_pixel"}
"""Which positions each mode has by itself, as operator Resize calls them."""


def upsample(make: Maker) -> str:
    """Resize."""
    layer, shape = make.layer, make.shape
    if layer.antialias and make.opset < 18:
        raise Unwritten("antialias needs opset 18")
    positions = COORDINATES[layer.mode] if layer.positions == "by_mode" else layer.positions
    if layer.align_corners:
        positions = "align_corners"
    excludes = layer.antialias if layer.border == "by_mode" else layer.border == "exclude"
    attributes: dict[str, Any] = {
        "mode": layer.mode,
        "coordinate_transformation_mode": positions,
    }
    if layer.mode == "nearest":
        attributes["nearest_mode"] = layer.round
    if layer.mode == "cubic":
        usual = -0.5 if layer.antialias else -0.75
        attributes["cubic_coeff_a"] = usual if layer.coefficient is None else layer.coefficient
    if excludes and layer.mode != "nearest":
        attributes["exclude_outside"] = 1
    if layer.antialias:
        attributes["antialias"] = 1
    if layer.size is None and not layer.align_corners:
        scales = layer.scale if isinstance(layer.scale, tuple) else (layer.scale,) * shape.rank
        factors = make.graph.numbers((1, 1, *scales), "float32")
        return make("Resize", make.x, "", factors, **attributes)
    sizes = make.integers(make.shape.channels, *make.plan.output.spatial)
    if make.opset >= 18:
        axes = [*range(1, 2 + shape.rank)]
        return make("Resize", make.x, "", "", sizes, axes=axes, **attributes)
    whole = make("Concat", batch(make), sizes, axis=0)
    return make("Resize", make.x, "", "", whole, **attributes)


def scale(make: Maker) -> str:
    """A factor for each channel."""
    return affine(make, make.x)


def affine_numbers(make: Maker) -> str:
    """Mul and Add of numbers."""
    layer, y = make.layer, make.x
    if layer.times != 1 or not layer.plus:
        y = make("Mul", y, make.number(layer.times))
    return make("Add", y, make.number(layer.plus)) if layer.plus else y
