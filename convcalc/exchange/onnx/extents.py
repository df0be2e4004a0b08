"""The extents of what an operation makes, from those of what it reads. Source: ONNX operators."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any

from convcalc.exchange.onnx.operations import Operation
from convcalc.exchange.onnx.values import Batch, Dims, Extent, UnknownError, size_of

Rule = Callable[[Operation], Sequence[Dims]]


def dims_of(op: Operation, number: int = 0) -> Dims:
    """The extents of an input; raises `UnknownError` where they are not known."""
    value = op.input(number)
    if value is None or value.dims is None:
        message = f"the extents of input {number + 1} are not known"
        raise UnknownError(message)
    return value.dims


def axis_of(axis: int, rank: int) -> int:
    """An axis counted from the front; raises `UnknownError` where there is none."""
    at = axis + rank if axis < 0 else axis
    if not 0 <= at < rank:
        message = f"there is no axis {axis} of {rank}"
        raise UnknownError(message)
    return at


def extents_in(given: Any, what: str) -> list[Extent]:
    """Whole numbers that are given as a list or as one; raises `UnknownError` for other things."""
    listed = [given] if not isinstance(given, list | tuple) else [*given]
    for each in listed:
        if isinstance(each, bool) or not isinstance(each, int | Batch):
            message = f"{what} has {str(each)[:20]}, which is no whole number"
            raise UnknownError(message)
    return listed


def whole_numbers(given: Any, what: str) -> list[int]:
    """The same without the number of examples among them."""
    return [whole(each) for each in extents_in(given, what)]


def ranked(dims: Dims, *ranks: int) -> Dims:
    """Extents of as many axes as an operator takes; raises `UnknownError` for others."""
    if len(dims) not in ranks:
        message = f"{len(dims)} axes, where there are {' or '.join(map(str, ranks))}"
        raise UnknownError(message)
    return dims


def same(op: Operation) -> list[Dims]:
    """As the first input, for each output."""
    return [dims_of(op)]


def spread(*shapes: Dims) -> Dims:
    """The extents that several broadcast to, as in NumPy."""
    rank = max(map(len, shapes))
    made: list[Extent] = []
    for at in range(-rank, 0):
        here: Extent = 1
        for dims in shapes:
            extent: Extent = dims[at] if -at <= len(dims) else 1
            if here == 1:
                here = extent
            elif extent not in (1, here):
                message = f"{here} and {extent} do not broadcast"
                raise UnknownError(message)
        made.append(here)
    return tuple(made)


def spread_all(op: Operation) -> list[Dims]:
    """What all inputs broadcast to."""
    return [spread(*(dims_of(op, at) for at, each in enumerate(op.inputs) if each is not None))]


class Sliding:
    """The windows of a convolution or pool along each spatial axis.

    Those of operations that slide alike are one, and stay as they are.
    """

    def __init__(
        self,
        kernel: tuple[int, ...],
        stride: tuple[int, ...],
        dilation: tuple[int, ...],
        pads: tuple[int, ...],
        auto: str,
        spatial: tuple[int, ...],
        *,
        ceil: bool,
    ) -> None:
        rank = len(kernel)
        self.kernel, self.stride, self.dilation = kernel, stride, dilation
        self.before, self.after = pads[:rank], pads[rank:]
        self.auto, self.spatial, self.ceil = auto, spatial, ceil
        if auto == "VALID":
            self.before = self.after = (0,) * rank
        elif auto in ("SAME_UPPER", "SAME_LOWER"):
            self._pad_to_same()

    def _pad_to_same(self) -> None:
        before, after = [], []
        for extent, kernel, stride, dilation in zip(
            self.spatial, self.kernel, self.stride, self.dilation, strict=True
        ):
            steps, span = -(-extent // stride) - 1, (kernel - 1) * dilation + 1
            total = max(steps * stride + span - extent, 0)
            small = total // 2
            before.append(small if self.auto == "SAME_UPPER" else total - small)
            after.append(total - before[-1])
        self.before, self.after = tuple(before), tuple(after)

    @property
    def idle(self) -> bool:
        """Whether each window is one value, and each value has one."""
        return {*self.kernel, *self.stride} == {1} and not any((*self.before, *self.after))

    @cached_property
    def output(self) -> tuple[int, ...]:
        """Outputs along each axis; raises `UnknownError` where a window does not fit."""
        return self.counted(ceil=self.ceil)

    def counted(self, *, ceil: bool) -> tuple[int, ...]:
        """Outputs along each axis, rounded up or down."""
        made = []
        for at, extent in enumerate(self.spatial):
            span = (self.kernel[at] - 1) * self.dilation[at] + 1
            room = extent + self.before[at] + self.after[at] - span
            stride = self.stride[at]
            if room < 0:
                message = f"a kernel that spans {span} on {extent}"
                raise UnknownError(message)
            count = room // stride + 1
            if ceil and room % stride and count * stride < extent + self.before[at]:
                count += 1  # ONNX since version 19, and PyTorch: none begins behind the input
            made.append(count)
        return tuple(made)


_sliding = lru_cache(maxsize=1024)(Sliding)


def windows_of(op: Operation) -> Sliding:
    """The windows of an operation that slides, which are worked out once."""
    if op.windows is None:
        op.windows = _windows(op, kernel_of(op), dims_of(op))
    made: Sliding = op.windows
    return made


def _windows(op: Operation, kernel: tuple[int, ...], dims: Dims) -> Sliding:
    rank = len(kernel)
    stride = per_axis(op, "strides", rank, 1)
    dilation = per_axis(op, "dilations", rank, 1)
    pads = per_axis(op, "pads", 2 * rank, 0)
    if min(stride, default=1) < 1:
        message = f"strides of {stride}"
        raise UnknownError(message)
    auto: str = op.attributes.get("auto_pad", "NOTSET") or "NOTSET"
    ceil = bool(op.attributes.get("ceil_mode", 0))
    spatial = tuple([whole(extent) for extent in dims[2:]])
    if len(spatial) != rank:
        message = f"a kernel of {rank} axes on {len(spatial)}"
        raise UnknownError(message)
    return _sliding(kernel, stride, dilation, pads, auto, spatial, ceil=ceil)


def per_axis(op: Operation, name: str, count: int, default: int) -> tuple[int, ...]:
    """A list of whole numbers, one for each axis."""
    given = op.attributes.get(name)
    if not given:
        return (default,) * count
    if len(given) != count:
        message = f"{name} has {len(given)} numbers, and {count} axes are meant"
        raise UnknownError(message)
    return tuple(given)


def whole(extent: Extent) -> int:
    """An extent that is a number."""
    if isinstance(extent, Batch):
        message = "the number of examples where an extent is wanted"
        raise UnknownError(message)
    return int(extent)


def kernel_of(op: Operation, weight: int = 1) -> tuple[int, ...]:
    """The kernel, from the attribute or the weight."""
    given = op.attributes.get("kernel_shape")
    if given:
        return tuple(given)
    return tuple(map(whole, dims_of(op, weight)[2:]))


IMAGES = (3, 4, 5)
"""How many axes there are of examples, channels, and one to three of space."""


def convolution(op: Operation) -> list[Dims]:
    """Of Conv."""
    dims, weight = ranked(dims_of(op), *IMAGES), ranked(dims_of(op, 1), *IMAGES)
    return [(dims[0], weight[0], *windows_of(op).output)]


def pooling(op: Operation) -> list[Dims]:
    """Of MaxPool and its like."""
    dims = dims_of(op)
    made = (*dims[:2], *windows_of(op).output)
    return [made, made]


def transposed(op: Operation) -> list[Dims]:
    """Of ConvTranspose."""
    dims, weight = ranked(dims_of(op), *IMAGES), ranked(dims_of(op, 1), *IMAGES)
    groups = op.attributes.get("group", 1)
    kernel = kernel_of(op)
    rank = len(kernel)
    if len(dims) != rank + 2:
        message = f"a kernel of {rank} axes on {len(dims) - 2}"
        raise UnknownError(message)
    stride = per_axis(op, "strides", rank, 1)
    dilation = per_axis(op, "dilations", rank, 1)
    added = per_axis(op, "output_padding", rank, 0)
    pads = per_axis(op, "pads", 2 * rank, 0)
    given = op.attributes.get("output_shape")
    if given:
        return [(dims[0], whole(weight[1]) * groups, *given[-rank:])]
    auto = op.attributes.get("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        spatial = [  # nothing is padded where kernels leave gaps
            min(extent * step, (extent - 1) * step + more + (size - 1) * apart + 1)
            for extent, step, more, size, apart in zip(
                map(whole, dims[2:]), stride, added, kernel, dilation, strict=True
            )
        ]
        return [(dims[0], whole(weight[1]) * groups, *spatial)]
    if auto == "VALID":
        pads = (0,) * (2 * rank)
    spatial = [
        (whole(dims[2 + at]) - 1) * stride[at]
        + (kernel[at] - 1) * dilation[at]
        + 1
        + added[at]
        - pads[at]
        - pads[rank + at]
        for at in range(rank)
    ]
    return [(dims[0], whole(weight[1]) * groups, *spatial)]


def unpooled(op: Operation) -> list[Dims]:
    """Of MaxUnpool."""
    dims = ranked(dims_of(op), *IMAGES)
    if op.input(2) is not None:
        given = extents_in(op.given("output_shape", 2), "output_shape")
        return [(*dims[:2], *ranked(tuple(given), len(dims))[2:])]
    kernel = kernel_of(op)
    rank = len(kernel)
    if len(dims) != rank + 2:
        message = f"a kernel of {rank} axes on {len(dims) - 2}"
        raise UnknownError(message)
    stride, pads = per_axis(op, "strides", rank, 1), per_axis(op, "pads", 2 * rank, 0)
    sides = zip(pads[:rank], pads[rank:], strict=True)
    each = zip(dims[2:], kernel, stride, sides, strict=True)
    spatial = [(whole(size) - 1) * step + span - sum(cut) for size, span, step, cut in each]
    return [(*dims[:2], *spatial)]


def everywhere(op: Operation) -> list[Dims]:
    """Of GlobalAveragePool and its like."""
    dims = dims_of(op)
    return [(*dims[:2], *(1 for _ in dims[2:]))]


def product(op: Operation) -> list[Dims]:
    """Of MatMul."""
    left, right = dims_of(op, 0), dims_of(op, 1)
    if not left or not right:
        message = "a number is no matrix"
        raise UnknownError(message)
    one, other = len(left) == 1, len(right) == 1
    left = (1, *left) if one else left
    right = (*right, 1) if other else right
    if left[-1] != right[-2]:
        message = f"{left[-1]} columns times {right[-2]} rows"
        raise UnknownError(message)
    made = [*spread(left[:-2], right[:-2])] if len(left) > 2 or len(right) > 2 else []
    made += ([] if one else [left[-2]]) + ([] if other else [right[-1]])
    return [tuple(made)]


def subscripts(op: Operation) -> tuple[str, str, str]:
    """The letters of an Einsum of two tensors, and of what it makes.

    Raises `UnknownError` for other equations, and where letters and axes are not as many.
    """
    equation = str(op.attributes.get("equation", "")).replace(" ", "")
    read, arrow, out = equation.partition("->")
    left, comma, right = read.partition(",")
    plain = all(part.isalpha() and len({*part}) == len(part) for part in (left, right, out))
    if not arrow or not comma or not plain or not {*out} <= {*left, *right}:
        message = f"the equation {equation[:60]!r}"
        raise UnknownError(message)
    if [len(left), len(right)] != [len(dims_of(op, at)) for at in (0, 1)]:
        message = f"other axes than {left} and {right}"
        raise UnknownError(message)
    return left, right, out


def summed(op: Operation) -> list[Dims]:
    """Of Einsum."""
    left, right, out = subscripts(op)
    extents: dict[str, Extent] = {}
    for letters, dims in ((left, dims_of(op, 0)), (right, dims_of(op, 1))):
        for letter, extent in zip(letters, dims, strict=True):
            if extents.setdefault(letter, extent) != extent:
                message = f"{letter} is {extents[letter]} and {extent}"
                raise UnknownError(message)
    return [tuple(extents[letter] for letter in out)]


def gemm(op: Operation) -> list[Dims]:
    """Of Gemm."""
    left, right = dims_of(op, 0), dims_of(op, 1)
    if len(left) != 2 or len(right) != 2:
        message = "Gemm is of two matrices"
        raise UnknownError(message)
    rows = left[1] if op.attributes.get("transA") else left[0]
    columns = right[0] if op.attributes.get("transB") else right[1]
    return [(rows, columns)]


def flattened(op: Operation) -> list[Dims]:
    """Of Flatten."""
    dims = dims_of(op)
    axis = op.attributes.get("axis", 1)
    axis = axis + len(dims) if axis < 0 else axis
    return [(times(dims[:axis]), times(dims[axis:]))]


def times(dims: Sequence[Extent]) -> Extent:
    """The product of extents."""
    made: Extent = 1
    for extent in dims:
        made = extent * made
    return made


def joined(op: Operation) -> list[Dims]:
    """Of Concat."""
    shapes = [dims_of(op, at) for at in range(len(op.inputs))]
    axis = axis_of(op.attributes.get("axis", 1), len(shapes[0]))
    total: Extent = 0
    made: list[Extent] = [*shapes[0]]
    for dims in shapes:
        if len(dims) != len(made):
            message = "tensors of different numbers of axes are joined"
            raise UnknownError(message)
        total = dims[axis] + total
        for at, extent in enumerate(dims):
            if isinstance(extent, Batch):  # a file for one example joins a constant of one
                made[at] = extent
    made[axis] = total
    return [tuple(made)]


def parts(op: Operation) -> list[Dims]:
    """Of Split."""
    dims = dims_of(op)
    axis = axis_of(op.attributes.get("axis", 0), len(dims))
    sizes = op.given("split", 1)
    if sizes is None:
        count = op.attributes.get("num_outputs") or len(op.outputs) or 1
        extent = whole(dims[axis])
        chunk = -(-extent // count)
        sizes = [min(chunk, extent - chunk * at) for at in range(count)]
    sizes = extents_in(sizes, "split")
    return [(*dims[:axis], size, *dims[axis + 1 :]) for size in sizes]


def turned(op: Operation) -> list[Dims]:
    """Of Transpose."""
    dims = dims_of(op)
    order = op.attributes.get("perm") or tuple(range(len(dims)))[::-1]
    if sorted(order) != list(range(len(dims))):
        message = f"{order} is no order of {len(dims)} axes"
        raise UnknownError(message)
    return [tuple(dims[at] for at in order)]


def axes_of(op: Operation, number: int = 1) -> list[int] | None:
    """The axes that are given; None where none are."""
    given = op.given("axes", number)
    return None if given is None else whole_numbers(given, "axes")


def squeezed(op: Operation) -> list[Dims]:
    """Of Squeeze."""
    dims = dims_of(op)
    given = axes_of(op)
    axes = (
        [at for at, extent in enumerate(dims) if extent == 1]
        if given is None
        else [axis_of(axis, len(dims)) for axis in given]
    )
    return [tuple(extent for at, extent in enumerate(dims) if at not in axes)]


def unsqueezed(op: Operation) -> list[Dims]:
    """Of Unsqueeze."""
    dims = [*dims_of(op)]
    given = axes_of(op) or []
    rank = len(dims) + len(given)
    for axis in sorted(axis_of(axis, rank) for axis in given):
        dims.insert(axis, 1)
    return [tuple(dims)]


def reduced(op: Operation) -> list[Dims]:
    """Of ReduceMean and its like."""
    dims = dims_of(op)
    axes = reduced_axes(op)
    keep = op.attributes.get("keepdims", 1)
    return [
        tuple(
            1 if at in axes else extent for at, extent in enumerate(dims) if keep or at not in axes
        )
    ]


def reduced_axes(op: Operation) -> list[int]:
    """The axes over which is reduced, from the front."""
    dims = dims_of(op)
    given = axes_of(op)
    if not given:
        none = given is not None and op.attributes.get("noop_with_empty_axes")
        return [] if none else list(range(len(dims)))
    return sorted(axis_of(axis, len(dims)) for axis in given)


class Cut:
    """What a Slice takes along each axis."""

    def __init__(self, op: Operation) -> None:
        self.dims = dims_of(op)
        starts, ends = op.given("starts", 1), op.given("ends", 2)
        axes = op.given("axes", 3)
        steps = op.given("steps", 4)
        if starts is None or ends is None:
            message = "no start or no end"
            raise UnknownError(message)
        first, last = extents_in(starts, "starts"), extents_in(ends, "ends")
        axes = range(len(first)) if axes is None else whole_numbers(axes, "axes")
        steps = (1,) * len(first) if steps is None else whole_numbers(steps, "steps")
        if not len(first) == len(last) == len(axes) == len(steps) or 0 in steps:
            message = "starts, ends, axes and steps that do not go together"
            raise UnknownError(message)
        self.spans: dict[int, tuple[int, int, int]] = {}
        """Axis → first, behind the last, and step, of those that are cut."""
        for axis, start, end, step in zip(axes, first, last, steps, strict=True):
            at = axis_of(axis, len(self.dims))
            extent = self.dims[at]
            if isinstance(extent, Batch):
                if start == 0 and step == 1 and (end == extent or whole(end) > 2**30):
                    continue
                message = "some of the examples"
                raise UnknownError(message)
            span = slice(whole(start), whole(end), step).indices(extent)
            if span != (0, extent, 1):
                self.spans[at] = span

    @property
    def output(self) -> Dims:
        """The extents that are left."""
        made = [*self.dims]
        for at, span in self.spans.items():
            made[at] = len(range(*span))
        return tuple(made)


def cut(op: Operation) -> list[Dims]:
    """Of Slice."""
    return [Cut(op).output]


def gathered(op: Operation) -> list[Dims]:
    """Of Gather."""
    dims, chosen = dims_of(op), dims_of(op, 1)
    axis = axis_of(op.attributes.get("axis", 0), len(dims))
    extent = dims[axis]
    if isinstance(extent, Batch) and chosen[:1] == (1,) and extent.times == size_of(chosen):
        return [(Batch(), *chosen[1:])]  # all values of the one example that the file is for
    return [(*dims[:axis], *chosen, *dims[axis + 1 :])]


def sliced_out(op: Operation) -> list[Dims]:
    """Of GatherND."""
    dims, places = dims_of(op), dims_of(op, 1)
    depth = whole(places[-1]) if places else 0
    if op.attributes.get("batch_dims") or not 0 < depth <= len(dims):
        message = f"{depth} numbers for places among {len(dims)} axes"
        raise UnknownError(message)
    return [(*places[:-1], *dims[depth:])]


def padded(op: Operation) -> list[Dims]:
    """Of Pad."""
    dims = dims_of(op)
    before, after = borders(op)
    return [
        tuple(
            extent if not (one or other) else whole(extent) + one + other
            for extent, one, other in zip(dims, before, after, strict=True)
        )
    ]


def borders(op: Operation) -> tuple[list[int], list[int]]:
    """What Pad puts before and behind, for each axis."""
    dims = dims_of(op)
    given = op.given("pads", 1)
    pads = whole_numbers(op.attributes.get("paddings", ()) if given is None else given, "pads")
    axes = axes_of(op, 3)
    axes = list(range(len(dims))) if axes is None else [axis_of(at, len(dims)) for at in axes]
    if len(pads) != 2 * len(axes):
        message = f"{len(pads)} pads for {len(axes)} axes"
        raise UnknownError(message)
    before, after = [0] * len(dims), [0] * len(dims)
    for number, at in enumerate(axes):
        before[at], after[at] = pads[number], pads[number + len(axes)]
    return before, after


def resized(op: Operation) -> list[Dims]:
    """Of Resize and Upsample."""
    dims = dims_of(op)
    sizes, scales = resizing(op)
    if sizes is not None:
        each = zip(dims, sizes, strict=True)
        return [tuple(old if isinstance(old, Batch) else new for old, new in each)]
    return [
        tuple(
            extent if scale == 1 else int(whole(extent) * scale + 1e-6)
            for extent, scale in zip(dims, scales or (), strict=True)
        )
    ]


FAR = 2**31
"""More than any extent is resized by."""


def resizing(op: Operation) -> tuple[list[Extent] | None, list[float] | None]:
    """The sizes that Resize makes, or the factors, for all axes."""
    dims = dims_of(op)
    upsample = op.name == "Upsample" or len(op.inputs) == 2
    scales = op.given("scales", 1 if upsample else 2)
    sizes = None if upsample or op.constant(3) is None else op.given("sizes", 3)
    given = op.attributes.get("axes")
    chosen = range(len(dims)) if given is None else [axis_of(at, len(dims)) for at in given]
    listed = sizes or scales
    if not listed or not isinstance(listed, list | tuple) or len(listed) != len(chosen):
        message = f"neither scales nor sizes of {len(chosen)} axes"
        raise UnknownError(message)
    if sizes:
        made: list[Extent] = [*dims]
        for at, size in zip(chosen, extents_in(sizes, "sizes"), strict=True):
            made[at] = size
        return made, None
    factors = [1.0] * len(dims)
    for at, scale in zip(chosen, listed, strict=True):
        if not isinstance(scale, int | float) or not 0 < scale < FAR:
            message = f"a scale of {str(scale)[:20]}"
            raise UnknownError(message)
        factors[at] = scale
    return None, factors


def expanded(op: Operation) -> list[Dims]:
    """Of Expand."""
    shape = op.constant(1)
    if shape is None:
        message = "to what it is expanded"
        raise UnknownError(message)
    return [spread(dims_of(op), tuple(extents_in(shape.array.tolist(), "shape")))]


def _expanded_to(op: Operation, batch: int) -> Dims:
    """Of Expand, whose shape may say how many examples there are in the file."""
    shape, dims = op.constant(1), dims_of(op)
    if shape is None:
        message = "to what it is expanded"
        raise UnknownError(message)
    wanted = [*extents_in(shape.array.tolist(), "shape")]
    for at, extent in enumerate(dims, len(wanted) - len(dims)):
        if at >= 0 and isinstance(extent, Batch) and wanted[at] == extent.times * batch:
            wanted[at] = extent
    return spread(dims, tuple(wanted))


def rearranged(op: Operation) -> list[Dims]:
    """Of DepthToSpace and SpaceToDepth."""
    batch, channels, height, width = ranked(dims_of(op), 4)
    size = op.attributes.get("blocksize", 1)
    if size < 1:
        message = f"blocks of {size}"
        raise UnknownError(message)
    channels, height, width = map(whole, (channels, height, width))
    if op.name == "DepthToSpace":
        return [(batch, channels // size**2, height * size, width * size)]
    return [(batch, channels * size**2, height // size, width // size)]


def recurrent(op: Operation) -> list[Dims]:
    """Of LSTM and GRU: all states, and the last ones."""
    dims, weight = ranked(dims_of(op), 3), ranked(dims_of(op, 1), 3)
    hidden = op.attributes.get("hidden_size") or ranked(dims_of(op, 2), 3)[2]
    length, batch = (dims[1], dims[0]) if op.attributes.get("layout") else dims[:2]
    last: Dims = (weight[0], batch, hidden)
    if op.attributes.get("layout"):
        return [(batch, length, weight[0], hidden), last, last]
    return [(length, weight[0], batch, hidden), last, last]


def attended(op: Operation) -> list[Dims]:
    """Of Attention, of tensors with an axis of heads."""
    queries, values = ranked(dims_of(op), 4), ranked(dims_of(op, 2), 4)
    return [(*queries[:3], values[3])]


def normalized(op: Operation) -> list[Dims]:
    """Of normalizations, whose further outputs nobody reads."""
    return [dims_of(op)]


def _written_into(op: Operation, batch: int) -> Dims:
    """Of ScatterND: an array that values of all examples are put into has these, too."""
    dims, values = dims_of(op), dims_of(op, 2)
    constant = op.constant(0) is not None and any(isinstance(each, Batch) for each in values)
    first = dims[0] if dims else 0
    if not constant or isinstance(first, Batch) or not first or first % batch:
        return dims
    return (Batch(first // batch), *dims[1:]) if len(dims) == 1 or first == batch else dims


def reshaped(op: Operation) -> list[Dims]:
    """Of Reshape."""
    dims = dims_of(op)
    target = op.given("shape", 1)
    if target is None:
        message = "no shape is given"
        raise UnknownError(message)
    return [resolve(dims, extents_in(target, "shape"), zero=not op.attributes.get("allowzero"))]


def resolve(dims: Dims, target: Sequence[Extent], *, zero: bool = True, batch: int = 0) -> Dims:
    """The extents that a shape with 0 and −1 stands for; `batch` is what the file calls a batch.

    >>> resolve((Batch(), 512, 7, 7), (0, -1)), resolve((Batch(), 512, 7, 7), (-1, 512))
    ((Batch(), 25088), (Batch(49), 512))
    >>> resolve((Batch(), 8, 4), (1, 32), batch=1), resolve((6, Batch(), 8), (6, 4, 2), batch=1)
    ((Batch(), 32), (6, Batch(4), 2))
    """
    made: list[Extent] = [
        dims[at] if extent == 0 and zero and at < len(dims) else extent
        for at, extent in enumerate(target)
    ]
    total = times(dims)
    if isinstance(total, Batch) and not any(isinstance(extent, Batch) for extent in made):
        _place_batch(dims, made, batch, total)
    if -1 in made:
        rest = times([extent for extent in made if extent != -1])
        if not size_of([rest]):
            message = "an extent of 0"
            raise UnknownError(message)
        if isinstance(total, int) and total % size_of([rest]):
            message = f"{total:,} values are no multiple of {rest}"
            raise UnknownError(message)
        made[made.index(-1)] = total // rest
    if times(made) != total:
        message = f"{total} values as {times(made)}"
        raise UnknownError(message)
    return tuple(made)


def _place_batch(dims: Dims, made: list[Extent], batch: int, total: Batch) -> None:
    """Find the extent of a literal shape that has the file's number of examples in it."""
    if not batch:  # an open number of examples can be in -1 alone
        return
    where = next(at for at, extent in enumerate(dims) if isinstance(extent, Batch))
    before, here = size_of(dims[:where]), size_of(dims[where : where + 1]) * batch
    sizes = [int(extent) for extent in made]  # type: ignore[arg-type]
    if -1 in sizes:
        known = size_of([size for size in sizes if size != -1])
        if known <= 0 or (total.times * batch) % known:
            return
        sizes[sizes.index(-1)] = total.times * batch // known
    at, done = 0, 1
    while at < len(sizes) and done < before:
        done *= sizes[at]
        at += 1
    if done != before or at == len(sizes):
        return
    chosen = _batch_among(sizes, at, here, batch)
    if sizes[chosen] and sizes[chosen] % batch == 0:
        made[chosen] = Batch(sizes[chosen] // batch)


def _batch_among(sizes: list[int], at: int, here: int, batch: int) -> int:
    """Which extent from a place on has the examples in it: one that is them alone, if one is.

    `here` is what the axis that has them now holds. The last axis is of one example, as a rule.
    """
    size, end = 1, at
    while end < len(sizes) and (size < here or sizes[end] == 1):
        size *= sizes[end]
        end += 1
    end = max(end, at + 1)
    if size == here:
        alone = [place for place in range(at, end) if sizes[place] == batch]
        if alone:
            return alone[0]
    return at - 1 if at and at == len(sizes) - 1 else at


_SAME = (
    "Relu", "LeakyRelu", "Elu", "Selu", "Celu", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh",
    "Softplus", "Softsign", "Softmax", "LogSoftmax", "Gelu", "Mish", "Clip", "ThresholdedRelu",
    "Swish", "Erf", "Sqrt", "Exp", "Log", "Abs", "Neg", "Reciprocal", "Sin", "Cos", "Floor",
    "Ceil", "Round", "Sign", "Not", "Cast", "CastLike", "Identity", "LRN", "LpNormalization",
    "BatchNormalization", "InstanceNormalization", "GroupNormalization", "LayerNormalization",
    "RMSNormalization", "MeanVarianceNormalization", "Dropout", "CumSum", "Trilu", "FastGelu",
    "BiasGelu", "QuickGelu", "IsNaN", "IsInf", "SimplifiedLayerNormalization", "PRelu",
)  # fmt: skip
_SPREAD = (
    "Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Sum", "Mean", "Mod", "And", "Or", "Xor",
    "Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual", "Where", "BitShift",
)  # fmt: skip
_REDUCED = (
    "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceProd",
    "ReduceSumSquare", "ReduceLogSumExp", "ReduceLogSum",
)  # fmt: skip

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        **dict.fromkeys(_SAME, same),
        **dict.fromkeys(_SPREAD, spread_all),
        **dict.fromkeys(_REDUCED, reduced),
        "Conv": convolution,
        "FusedConv": convolution,
        "ConvTranspose": transposed,
        "MaxPool": pooling,
        "AveragePool": pooling,
        "LpPool": pooling,
        "MaxUnpool": unpooled,
        "GlobalAveragePool": everywhere,
        "GlobalMaxPool": everywhere,
        "GlobalLpPool": everywhere,
        "MatMul": product,
        "Gemm": gemm,
        "FusedGemm": gemm,
        "FusedMatMul": product,
        "Einsum": summed,
        "Attention": attended,
        "ScatterND": same,
        "GatherND": sliced_out,
        "Flatten": flattened,
        "Concat": joined,
        "Split": parts,
        "Transpose": turned,
        "Squeeze": squeezed,
        "Unsqueeze": unsqueezed,
        "Slice": cut,
        "Gather": gathered,
        "Pad": padded,
        "Resize": resized,
        "Upsample": resized,
        "Expand": expanded,
        "DepthToSpace": rearranged,
        "SpaceToDepth": rearranged,
        "LSTM": recurrent,
        "GRU": recurrent,
        "Reshape": reshaped,
    }
)
"""Operator → the extents of what it makes."""


OF_BATCH: Mapping[str, Callable[[Operation, int], Dims]] = MappingProxyType(
    {"ScatterND": _written_into, "Expand": _expanded_to}
)
"""Operator → the extents of what it makes, by how many examples the file is for."""


def outputs_of(op: Operation, batch: int) -> Sequence[Any]:
    """The extents of each output; none where they cannot be known."""
    try:
        if op.name == "Reshape":
            target = extents_in(op.given("shape", 1), "shape")
            zero = not op.attributes.get("allowzero")
            return [resolve(dims_of(op), target, zero=zero, batch=batch)]
        with_batch = OF_BATCH.get(op.name) if batch else None
        if with_batch is not None:
            return [with_batch(op, batch)]
        rule = RULES.get(op.name)
        return [] if rule is None else rule(op)
    except UnknownError:
        return []
