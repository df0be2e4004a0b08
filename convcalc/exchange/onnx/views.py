"""Operators that move values and make none, as layouts and layers."""

from collections.abc import Mapping
from typing import Any

from convcalc.exchange.onnx.dense import alike
from convcalc.exchange.onnx.extents import Cut, axis_of, borders, parts, resizing, whole
from convcalc.exchange.onnx.operations import Operation
from convcalc.exchange.onnx.reader import BATCH, ONE, Layout, Lowered, Reader, tidy
from convcalc.exchange.onnx.values import Batch, Dims, Value, shown, size_of
from convcalc.exchange.wiring import CannotError


def turned(reader: Reader, op: Operation) -> None:
    """Transpose: nothing but another layout."""
    value = reader.tensor(op)
    low = reader.low(value)
    rank = len(value.dims or ())
    order = op.attributes.get("perm") or tuple(range(rank))[::-1]
    if sorted(order) != list(range(rank)):
        message = f"{shown(order)} is no order of {rank} axes"
        raise CannotError(message)
    reader.give(op, low.number, tuple(low.layout[at] for at in order))


def reshaped(reader: Reader, op: Operation) -> None:
    """Reshape, Flatten, Squeeze and Unsqueeze: another layout where that says it."""
    value = reader.tensor(op)
    wanted = op.outputs[0].dims
    if wanted is None:
        message = "its shape is worked out as the network runs"
        raise CannotError(message)
    relay(reader, op, value, wanted)


def relay(reader: Reader, op: Operation, value: Value, wanted: Dims) -> None:
    """A tensor with its values in the same order and these extents."""
    low = reader.low(value)
    dims = value.dims or ()
    made: list[Any] = []
    axes: list[int] = []
    """What the layer's output has behind it: extents, in the order of the tensor."""
    reshapes = False
    for old, new in groups(dims, wanted):
        codes = [low.layout[at] for at in old]
        if len(old) == len(new) == 1:
            made.append(codes[0])
            continue
        extents = [wanted[at] for at in new]
        real = _flat(codes)
        one = [at for at, extent in enumerate(extents) if extent != 1]
        if len(one) <= 1:  # all of it is one axis
            kept = real[0] if len(real) == 1 else tuple(real) if real else ONE
            merged = isinstance(kept, tuple)
            if merged and BATCH not in real:
                reshapes = True
                break
            if len(one) == 1:
                made += [ONE] * one[0] + [kept] + [ONE] * (len(extents) - one[0] - 1)
            elif kept != ONE and extents:
                made += [kept] + [ONE] * (len(extents) - 1)
            else:
                made += [ONE] * len(extents)
            continue
        split = _parted(reader, low, real, extents)
        if split is None:
            reshapes = True
            break
        made += split
    if not reshapes:
        reader.give(op, low.number, tuple(made))
        return
    del axes
    anew(reader, op, value, wanted)


def _flat(codes: list[Any]) -> list[int]:
    flat: list[int] = []
    for code in codes:
        flat += [each for each in (code if isinstance(code, tuple) else (code,)) if each != ONE]
    return flat


def _parted(reader: Reader, low: Lowered, real: list[int], extents: list[Any]) -> list[Any] | None:
    """The axes of one that is several again, where it was made of these."""
    shape = reader.shape(low.number)
    sizes = [Batch() if each == BATCH else shape.axes[each] for each in real]
    codes = [(each, size) for each, size in zip(real, sizes, strict=True) if size != 1]
    wanted = [extent for extent in extents if extent != 1]
    if [size for _, size in codes] != wanted:
        return None
    rest = iter(each for each, _ in codes)
    return [next(rest) if extent != 1 else ONE for extent in extents]


def anew(reader: Reader, op: Operation, value: Value, wanted: Dims) -> None:
    """Another shape of the same values, which a layer makes.

    Where the channels stay one axis by themselves, the others may be made anew around them.
    """
    low = reader.low(value)
    dims = value.dims or ()
    places = [at for at, extent in enumerate(wanted) if not isinstance(extent, Batch)]
    if sum(isinstance(extent, Batch) for extent in wanted) != 1 or Batch() not in wanted:
        message = f"the number of examples is part of an axis: {shown(dims)} to {shown(wanted)}"
        raise CannotError(message)
    layout: list[Any] = [BATCH] * len(wanted)
    if len(places) > MOST_AXES:  # as of windows of a map that is one: 1×1×8×8
        layout = [ONE if extent == 1 else BATCH for extent in wanted]
        places = [at for at in places if wanted[at] != 1]
    extents = [int(wanted[at]) for at in places]  # type: ignore[arg-type]
    if not extents:
        extents = [1]
    kept = _channels_kept(low, dims, wanted)
    if kept is not None:
        old, new = kept
        others = [at for at in places if at != new]
        order = [old, *(at for at in reader.places(value) if at != old)]
        if len(order) > MOST_AXES:
            order = [at for at in order if at == old or dims[at] != 1]
        number = reader.fit(op, value, order)
        axes = (int(wanted[new]), *(int(wanted[at]) for at in others))  # type: ignore[arg-type]
        number = reader.reshape(op, number, axes)
        for place, at in enumerate([new, *others]):
            layout[at] = place
        reader.give(op, number, tuple(layout))
        return
    number = reader.reshape(op, reader.canonical(op, value), extents)
    for place, at in enumerate(places):
        layout[at] = place
    reader.give(op, number, tuple(layout))


def _channels_kept(low: Lowered, dims: Dims, wanted: Dims) -> tuple[int, int] | None:
    """The axis of the channels before and behind, where it is the last and stays so."""
    for old, new in groups(dims, wanted):
        if len(old) == len(new) == 1 and low.layout[old[0]] == 0 and old[0] != _first(dims):
            return old[0], new[0]
    return None


def _first(dims: Dims) -> int:
    """The first axis that is not the examples, which is the channels' by itself."""
    return next((at for at, extent in enumerate(dims) if not isinstance(extent, Batch)), 0)


def groups(dims: Dims, wanted: Dims) -> list[tuple[list[int], list[int]]]:
    """Axes before and behind that hold the same values, as small as can be.

    >>> groups((Batch(), 6, 4), (Batch(), 2, 3, 4))
    [([0], [0]), ([1], [1, 2]), ([2], [3])]
    >>> groups((Batch(), 4, 1), (Batch(), 4))
    [([0], [0]), ([1], [1]), ([2], [])]
    """
    made: list[tuple[list[int], list[int]]] = []
    old = new = 0
    while old < len(dims) or new < len(wanted):
        before, behind = [], []
        if old < len(dims):
            before.append(old)
            old += 1
        if new < len(wanted):
            behind.append(new)
            new += 1
        if before and behind and dims[before[0]] != wanted[behind[0]]:
            if dims[before[0]] == 1:
                new -= 1
                behind = []
            elif wanted[behind[0]] == 1:
                old -= 1
                before = []
        while True:
            one, other = _times(dims, before), _times(wanted, behind)
            if one == other:
                break
            if size_of([one]) <= size_of([other]) and old < len(dims):
                before.append(old)
                old += 1
            elif new < len(wanted):
                behind.append(new)
                new += 1
            elif old < len(dims):
                before.append(old)
                old += 1
            else:
                break
        made.append((before, behind))
    return made


def _times(dims: Dims, axes: list[int]) -> Any:
    made: Any = 1
    for at in axes:
        made = dims[at] * made if isinstance(dims[at], Batch) else made * dims[at]
    return made


def cut(reader: Reader, op: Operation) -> None:
    """Slice; of every second position and the like, a pool of one value each."""
    value = reader.tensor(op)
    low = reader.low(value)
    number = low.number
    steps: dict[int, int] = {}
    spans = Cut(op).spans
    border = _border(value, low.layout, spans)
    if border is not None:
        alone = {side for sides in border for side in sides}
        amount = alone.pop() if len(alone) == 1 else border
        reader.give(op, reader.add(op, "crop", [number], {"amount": amount}), low.layout)
        return
    for axis, (first, behind, step) in spans.items():
        code = low.layout[axis]
        if step < 0:
            message = f"it goes backwards, in steps of {step}"
            raise CannotError(message)
        if step > 1:
            if isinstance(code, tuple) or code < 1:
                what = "channels" if code == 0 else "values"
                message = f"it takes one of {step} {what}; a pool does along spatial axes"
                raise CannotError(message)
            steps[code] = step
        extent = (value.dims or ())[axis]
        if first or behind != extent:
            number = sliced(reader, op, Lowered(number, low.layout), value, axis, first, behind)
    if steps:
        rank = reader.shape(number).rank
        stride = tuple(steps.get(axis, 1) for axis in range(1, rank + 1))
        number = reader.add(op, "maxpool", [number], {"kernel": 1, "stride": alike(stride)})
    reader.give(op, number, low.layout)


def _border(
    value: Value, layout: Layout, spans: Mapping[int, tuple[int, int, int]]
) -> tuple[tuple[int, int], ...] | None:
    """What a Slice of several spatial axes cuts off each of them; None of any other."""
    dims = value.dims or ()
    rank = len(dims) - 2
    plain = layout == (BATCH, *range(rank + 1))
    if not plain or len(spans) < 2 or any(at < 2 or by != 1 for at, (*_, by) in spans.items()):
        return None
    whole = {at: (0, int(dims[at]), 1) for at in range(2, rank + 2)}  # type: ignore[arg-type]
    return tuple(
        (first, int(dims[at]) - behind)  # type: ignore[arg-type]
        for at, (first, behind, _) in (whole | dict(spans)).items()
    )


def sliced(
    reader: Reader, op: Operation, low: Lowered, value: Value, axis: int, first: int, behind: int
) -> int:
    """The layer that takes some of an axis."""
    code = low.layout[axis]
    if isinstance(code, tuple) or code < 0:
        message = "it takes some of the examples" if code == BATCH else "it takes some of one value"
        raise CannotError(message)
    fields: dict[str, Any] = {}
    if first:
        fields["start"] = first
    if behind != (value.dims or ())[axis]:
        fields["stop"] = behind
    if code:
        fields["axis"] = reader.axis_word(low.number, code)
    return reader.add(op, "slice", [low.number], fields)


def split(reader: Reader, op: Operation) -> None:
    """Split: a slice for each part."""
    value = reader.tensor(op)
    low = reader.low(value)
    axis = axis_of(op.attributes.get("axis", 0), len(value.dims or ()))
    start = 0
    for number, dims in enumerate(parts(op)):
        size = whole(dims[axis])
        if number < len(op.outputs) and op.outputs[number].uses:
            made = sliced(reader, op, low, value, axis, start, start + size)
            reader.give(op, made, low.layout, number)
        start += size


def gathered(reader: Reader, op: Operation) -> None:
    """Gather of one position, or of some in a row; of rows that an input names an embedding."""
    chosen = op.constant(1)
    if chosen is None and op.constant(0) is not None:
        from convcalc.exchange.onnx.lookups import embedding  # which few files have

        embedding(reader, op)
        return
    value = reader.tensor(op)
    dims = value.dims or ()
    axis = axis_of(op.attributes.get("axis", 0), len(dims))
    if chosen is None:
        message = "which values it takes is worked out as the network runs"
        raise CannotError(message)
    listed = chosen.array.reshape(-1).tolist()
    extent = dims[axis]
    if isinstance(extent, Batch):
        message = "it takes some of the examples"
        raise CannotError(message)
    listed = [at + extent if at < 0 else at for at in listed]
    first = listed[0] if listed else 0
    if not listed or listed != list(range(first, first + len(listed))) or len(chosen.dims) > 1:
        message = f"it takes values in another order: {str(listed[:6])[1:-1]}"
        raise CannotError(message)
    low = reader.low(value)
    number = low.number
    if (first, len(listed)) != (0, extent):
        number = sliced(reader, op, low, value, axis, first, first + len(listed))
    layout = low.layout
    if not chosen.dims:
        layout = (*layout[:axis], *layout[axis + 1 :])
    reader.give(op, number, layout)


def expanded(reader: Reader, op: Operation) -> None:
    """Expand, where it changes nothing but the number of axes."""
    value = reader.tensor(op)
    dims, wanted = value.dims or (), op.outputs[0].dims or ()
    if tuple(dims) != tuple(wanted)[len(wanted) - len(dims) :] or any(
        extent != 1 for extent in wanted[: len(wanted) - len(dims)]
    ):
        message = f"it spreads {shown(dims)} to {shown(wanted)}"
        raise CannotError(message)
    low = reader.low(value)
    layout: Layout = (ONE,) * (len(wanted) - len(dims)) + low.layout
    reader.give(op, low.number, layout)


MOST_AXES = 4
"""Most axes of a layer's output: its channels and three spatial ones."""
MODES = {"constant": "zero", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}


def padded(reader: Reader, op: Operation) -> None:
    """Pad of spatial axes, or of channels with a value."""
    value = reader.tensor(op)
    before, after = borders(op)
    mode = MODES.get(op.attributes.get("mode", "constant"))
    given = op.given("value", 2, 0)
    filled = tidy(given[0] if isinstance(given, list) else given)
    if mode is None or min((*before, *after), default=0) < 0:
        message = "it cuts off, or fills with something else"
        raise CannotError(message)
    padded_axes = [at for at, sides in enumerate(zip(before, after, strict=True)) if any(sides)]
    low = reader.low(value)
    codes = [low.layout[at] for at in padded_axes]
    if any(code == BATCH for code in codes):
        message = "it pads the examples"
        raise CannotError(message)
    if any(isinstance(code, tuple) or code < 0 for code in codes):
        order = reader.places(value)
        low = Lowered(reader.fit(op, value, order), reader.laid(value, order))
    number, layout = low.number, low.layout
    sides = {layout[at]: (before[at], after[at]) for at in padded_axes}
    spatial = tuple(sides.get(axis, (0, 0)) for axis in range(1, reader.shape(number).rank + 1))
    shared: dict[str, Any] = {} if mode == "zero" else {"mode": mode}
    if filled and mode == "zero":
        shared["value"] = filled
    if any(map(any, spatial)):
        each = {side for pair in spatial for side in pair}
        fields = {"padding": each.pop() if len(each) == 1 else spatial, **shared}
        number = reader.add(op, "pad", [number], fields)
    if 0 in sides:
        number = reader.add(op, "pad", [number], {"channels": sides[0], **shared})
    if not padded_axes and reader.kind_of(op.origin) == "pad":
        number = reader.add(op, "pad", [number], {"padding": 0})
    reader.give(op, number, layout)


POSITIONS = {
    "half_pixel": "half_pixel", "asymmetric": "asymmetric",
    "pytorch_half_pixel": "pytorch_half_pixel", "align_corners": "align_corners",
    "half_pixel_symmetric": "half_pixel_symmetric", "tf_half_pixel_for_nn": "tf_half_pixel_for_nn",
}  # fmt: skip


def resized(reader: Reader, op: Operation) -> None:
    """Resize and Upsample of spatial axes."""
    number = reader.first(op)
    shape = reader.shape(number)
    sizes, scales = resizing(op)
    wanted = op.outputs[0].dims or ()
    if tuple(wanted[:2]) != (Batch(), shape.channels):
        message = "it resizes the examples or the channels"
        raise CannotError(message)
    old = op.name == "Upsample" or op.version < 11
    given = op.attributes
    mode = given.get("mode", "nearest")
    mode = {"bilinear": "linear", "trilinear": "linear"}.get(mode, mode)
    positions = "asymmetric" if old else given.get("coordinate_transformation_mode", "half_pixel")
    if mode not in ("nearest", "linear", "cubic") or positions not in POSITIONS:
        message = f"mode {mode} with {positions}"
        raise CannotError(message)
    fields: dict[str, Any] = {}
    factors = None if scales is None else scales[2:]
    if factors is None:
        spatial = [int(each) for each in wanted[2:]]  # type: ignore[arg-type]
        ratios = [new / extent for new, extent in zip(spatial, shape.spatial, strict=True)]
        factors = ratios if all(ratio == int(ratio) >= 1 for ratio in ratios) else None
        if factors is None:
            fields["size"] = spatial[0] if len(set(spatial)) == 1 else tuple(spatial)
    if factors is not None:
        each = [int(factor) if factor == int(factor) else tidy(factor) for factor in factors]
        if all(factor == 1 for factor in each):
            reader.give_first(op, number)
            return
        fields["scale"] = each[0] if len(set(each)) == 1 else tuple(each)
    if mode != "nearest":
        fields["mode"] = mode
    if positions == "align_corners":
        fields["align_corners"] = True
    elif positions != ("asymmetric" if mode == "nearest" else "half_pixel"):
        fields["positions"] = positions
    rounding = "floor" if old else given.get("nearest_mode", "round_prefer_floor")
    if mode == "nearest" and rounding != "floor":
        fields["round"] = rounding
    excludes, smooth = bool(given.get("exclude_outside")), bool(given.get("antialias"))
    if smooth:
        fields["antialias"] = True
    coefficient = tidy(given.get("cubic_coeff_a", -0.75))
    if mode == "cubic" and coefficient != (-0.5 if smooth else -0.75):
        fields["coefficient"] = coefficient
    if (mode == "cubic" or (smooth and mode != "nearest")) and excludes != smooth:
        fields["border"] = "exclude" if excludes else "replicate"
    if given.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        message = "it keeps the ratio of the sides"
        raise CannotError(message)
    del sizes
    reader.give_first(op, reader.add(op, "upsample", [number], fields))


def to_space(reader: Reader, op: Operation) -> None:
    """DepthToSpace: a pixel shuffle, of channels that are shuffled before in its other mode."""
    number = reader.first(op)
    factor = op.attributes.get("blocksize", 1)
    if op.attributes.get("mode", "DCR") == "DCR":
        number = reader.add(op, "channel_shuffle", [number], {"groups": factor**2})
    reader.give_first(op, reader.add(op, "pixel_shuffle", [number], {"factor": factor}))


def to_depth(reader: Reader, op: Operation) -> None:
    """SpaceToDepth; what is recognised as one says which axis the channels are."""
    value = reader.tensor(op)
    places = reader.places(value)
    channels = op.attributes.get("channels", places[0])
    places = [channels, *(at for at in places if at != channels)]
    number = reader.fit(op, value, places) if channels != 1 else reader.first(op)
    order = op.attributes.get("order", "rows")
    fields: dict[str, Any] = {"factor": op.attributes.get("blocksize", 1)}
    if order != "channels":
        fields["order"] = order
    made = reader.add(op, "space_to_depth", [number], fields)
    reader.give(op, made, reader.laid(value, places))


def channels_shuffled(reader: Reader, op: Operation) -> None:
    """Channels of groups that take turns."""
    fields = {"groups": op.attributes["groups"]}
    reader.give_first(op, reader.add(op, "channel_shuffle", [reader.first(op)], fields))
