"""Convolutions, linear layers and pooling of ONNX as layers."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from convcalc.exchange.foreign import Source
from convcalc.exchange.onnx.extents import (
    IMAGES,
    Sliding,
    kernel_of,
    per_axis,
    subscripts,
    whole,
    windows_of,
)
from convcalc.exchange.onnx.operations import Operation
from convcalc.exchange.onnx.reader import BATCH, ONE, Lowered, Reader, tidy
from convcalc.exchange.onnx.values import Batch, Constant, Dims, Value, shown
from convcalc.exchange.wiring import CannotError


def weight_of(op: Operation, number: int, what: str = "weight") -> Constant:
    """An input that is a weight of the file."""
    constant = op.constant(number)
    if constant is None:
        message = f"its {what} is no constant"
        raise CannotError(message)
    return constant


def bias_of(op: Operation, number: int, count: int) -> Constant | None:
    """A bias with one number for each output; None where there is none."""
    if op.input(number) is None:
        return None
    bias = weight_of(op, number, "bias")
    if bias.size != count:
        message = f"its bias is {shown(bias.dims)}, for {count} outputs"
        raise CannotError(message)
    return bias


def alike(values: Sequence[int]) -> Any:
    """One number for all axes, or one each."""
    return values[0] if len({*values}) == 1 else tuple(values)


def sliding_fields(sliding: Sliding) -> dict[str, Any]:
    """Stride, padding and dilation as a spec says them."""
    fields: dict[str, Any] = {}
    if any(step != 1 for step in sliding.stride):
        fields["stride"] = alike(sliding.stride)
    padding = padding_of(sliding)
    if padding is not None:
        fields["padding"] = padding
    if any(each != 1 for each in sliding.dilation):
        fields["dilation"] = alike(sliding.dilation)
    return fields


def padding_of(sliding: Sliding) -> Any:
    """Padding as a spec says it; None where there is none."""
    before, after = sliding.before, sliding.after
    if not any((*before, *after)):
        return "same" if sliding.auto == "SAME_UPPER" else None
    if sliding.auto == "SAME_UPPER" or (sliding.auto == "SAME_LOWER" and before == after):
        return "same"
    if before == after:
        return alike(before)
    return tuple(zip(before, after, strict=True))


def _arrays(weight: Constant, bias: Constant | None) -> dict[str, Source]:
    """What a convolution learns by its names."""
    if bias is None:
        return {"weight": weight.release}
    return {"weight": weight.release, "bias": lambda: bias.release().reshape(-1)}


def _of_images(weight: Constant) -> Constant:
    """A weight with one to three spatial axes."""
    if len(weight.dims) not in IMAGES:
        message = f"its weight is {shown(weight.dims)}, of no sequence, image or volume"
        raise CannotError(message)
    return weight


@lru_cache(maxsize=1024)
def _convolved(
    dims: Dims, channels: int, groups: int, sliding: Sliding, *, biased: bool
) -> tuple[str, Mapping[str, Any]]:
    """The kind of a convolution and its fields, which those that are alike share.

    `dims` are those of its weight. Raises `CannotError` where these do not go together.
    """
    filters, of_group = whole(dims[0]), whole(dims[1])
    if of_group * groups != channels:
        message = f"{groups} groups of {of_group} channels, of {channels} that come in"
        raise CannotError(message)
    kernel = sliding.kernel
    if dims[2:] != kernel:
        message = f"its kernel is {shown(kernel)}, and its weight {shown(dims)}"
        raise CannotError(message)
    fields: dict[str, Any] = {"filters": filters, "kernel": alike(kernel)}
    kind = "conv"
    if groups == channels > 1 and filters % channels == 0:
        kind = "depthwise_conv"
        del fields["filters"]
    fields |= sliding_fields(sliding)
    if kind == "depthwise_conv":
        if filters > channels:
            fields["multiplier"] = filters // channels
    elif groups != 1:
        fields["groups"] = groups
    if not biased:
        fields["bias"] = False
    return kind, MappingProxyType(fields)


def convolution(reader: Reader, op: Operation) -> None:
    """Conv, and FusedConv with its activation."""
    weight = _of_images(weight_of(op, 1))
    number = reader.first(op)
    bias = bias_of(op, 2, whole(weight.dims[0]))
    kind, fields = _convolved(
        weight.dims,
        reader.shape(number).channels,
        op.attributes.get("group", 1),
        windows_of(op),
        biased=bias is not None,
    )
    weights = _arrays(weight, bias)
    made = reader.add(op, kind, [number], fields, weights, (weight, bias))
    _activated(reader, op, made)


def _activated(reader: Reader, op: Operation, number: int) -> None:
    """The activation that a fused operator has behind it, and what is added before that."""
    added = op.input(3)
    if added is not None and op.name == "FusedConv":
        number = reader.add(op, "add", [number, reader.canonical(op, added)])
    activation = op.attributes.get("activation")
    if activation:
        from convcalc.exchange.onnx.pointwise import fused

        kind, fields = fused(activation, op.attributes.get("activation_params", ()))
        number = reader.add(op, kind, [number], fields)
    reader.give_first(op, number)


def transposed(reader: Reader, op: Operation) -> None:
    """ConvTranspose."""
    weight = _of_images(weight_of(op, 1))
    number = reader.first(op)
    shape = reader.shape(number)
    groups = op.attributes.get("group", 1)
    filters = whole(weight.dims[1]) * groups
    bias = bias_of(op, 2, filters)
    kernel = kernel_of(op)
    rank = len(kernel)
    stride = per_axis(op, "strides", rank, 1)
    dilation = per_axis(op, "dilations", rank, 1)
    added = list(per_axis(op, "output_padding", rank, 0))
    pads = list(per_axis(op, "pads", 2 * rank, 0))
    auto = op.attributes.get("auto_pad", "NOTSET")
    wanted = op.attributes.get("output_shape")
    if auto == "VALID":
        pads = [0] * (2 * rank)
    if auto.startswith("SAME") or wanted:
        sizes = wanted[-rank:] if wanted else [
            extent * step for extent, step in zip(shape.spatial, stride, strict=True)
        ]  # fmt: skip
        for at in range(rank):
            span = (kernel[at] - 1) * dilation[at] + 1
            total = stride[at] * (shape.spatial[at] - 1) + added[at] + span - sizes[at]
            if (
                total < 0
            ):  # of kernels that leave gaps: rows are added only for a size that is given
                added[at], total = added[at] - total if wanted else added[at], 0
            small, large = total // 2, total - total // 2
            # ONNX puts the larger half in front, unless it is to be the upper one.
            upper = auto == "SAME_UPPER"
            pads[at], pads[rank + at] = (small, large) if upper else (large, small)
    fields: dict[str, Any] = {"filters": filters, "kernel": alike(kernel)}
    if any(step != 1 for step in stride):
        fields["stride"] = alike(stride)
    before, after = pads[:rank], pads[rank:]
    if any(pads):
        fields["padding"] = (
            alike(before) if before == after else tuple(zip(before, after, strict=True))
        )
    if any(added):
        fields["output_padding"] = alike(added)
    if any(each != 1 for each in dilation):
        fields["dilation"] = alike(dilation)
    if groups != 1:
        fields["groups"] = groups
    if bias is None:
        fields["bias"] = False
    weights = _arrays(weight, bias)
    made = reader.add(op, "conv_transpose", [number], fields, weights, (weight, bias))
    reader.give_first(op, made)


ADAPTIVE = {"maxpool": "adaptive_maxpool", "avgpool": "adaptive_avgpool"}
"""Pools, and what makes one size of every input as they do."""


def pooling(reader: Reader, op: Operation) -> None:
    """MaxPool, AveragePool and LpPool."""
    if len(op.outputs) > 1 and op.outputs[1].uses:
        message = "where the largest values were is read by another operator"
        raise CannotError(message)
    number = reader.first(op)
    sliding = windows_of(op)
    kind = {"MaxPool": "maxpool", "AveragePool": "avgpool", "LpPool": "lppool"}[op.name]
    if sliding.auto.startswith("SAME") and {*sliding.dilation} != {1}:
        message = "ONNX and ONNX Runtime pad pools that are dilated differently to keep the size"
        raise CannotError(message)
    ceil = sliding.ceil
    if kind == "lppool" and ceil:
        ceil = False
        if sliding.counted(ceil=False) != sliding.output:
            message = "it rounds up, and does not scale sums at the border as the layer does"
            raise CannotError(message)
    if kind == "lppool" and any(each != 1 for each in sliding.dilation):
        message = f"its windows are dilated by {shown(sliding.dilation)}, and the layer's are not"
        raise CannotError(message)
    if kind in ADAPTIVE and reader.fixed and sliding.idle:
        # Exporters write this of adaptive pooling to the size that is there already.
        size = alike(reader.shape(number).spatial)
        reader.give_first(op, reader.add(op, ADAPTIVE[kind], [number], {"size": size}))
        return
    fields: dict[str, Any] = {"kernel": alike(sliding.kernel)}
    slides = sliding_fields(sliding)
    stride = slides.pop("stride", 1)
    if stride != fields["kernel"]:
        fields["stride"] = stride
    fields |= slides
    padded = any((*sliding.before, *sliding.after))
    if kind == "avgpool" and padded and not op.attributes.get("count_include_pad", 0):
        fields["count_include_pad"] = False
    if kind == "lppool" and (norm := op.attributes.get("p", 2)) != 2:
        if norm % 2:  # ONNX takes |x|ᵖ, and the layer xᵖ as PyTorch does
            number = reader.add(op, "abs", [number])
        fields["norm"] = norm
    if ceil:
        fields["rounding"] = "ceil"
    made = reader.add(op, kind, [number], fields)
    reader.pools.setdefault(number, []).append(made)
    reader.give_first(op, made)


def unpooled(reader: Reader, op: Operation) -> None:
    """MaxUnpool of a pool that is there, as `patterns.py` recognised it."""
    if not op.attributes.get("undone"):
        message = "where its values go is not where a pool of the same windows found them"
        raise CannotError(message)
    number, source = reader.first(op), reader.first(op, 1)
    shape = reader.shape(number)
    kernel = kernel_of(op)
    rank = len(kernel)
    stride, pads = per_axis(op, "strides", rank, 1), per_axis(op, "pads", 2 * rank, 0)
    wanted = list(zip(kernel, stride, pads[:rank], strict=True))
    for at in reader.pools.get(source, ()):
        made = reader.wiring.made[at]
        plan = made.plan
        if made.kind == "maxpool" and plan is not None:
            each = [(window.kernel, window.stride, window.before) for window in plan.windows]
            if each == wanted and made.shape == shape:
                reader.give_first(op, reader.wiring.undo(number, at, op.origin))
                return
    message = "the pool that it undoes is no layer"
    raise CannotError(message)


def adaptive(reader: Reader, op: Operation) -> None:
    """Adaptive pooling, as `regions.py` recognised it."""
    kind = "adaptive_avgpool" if op.name == "AdaptiveAveragePool" else "adaptive_maxpool"
    size = alike(op.attributes["size"])
    reader.give_first(op, reader.add(op, kind, [reader.first(op)], {"size": size}))


def everywhere(reader: Reader, op: Operation) -> None:
    """GlobalAveragePool and GlobalMaxPool."""
    number = reader.first(op)
    kind = "global_avgpool" if op.name == "GlobalAveragePool" else "global_maxpool"
    reader.give_first(op, reader.add(op, kind, [number]))


def gemm(reader: Reader, op: Operation) -> None:
    """Gemm: a linear layer."""
    if op.attributes.get("transA"):
        message = "it turns what it reads"
        raise CannotError(message)
    weight = weight_of(op, 1)
    alpha, beta = (tidy(op.attributes.get(name, 1.0)) for name in ("alpha", "beta"))
    turned = bool(op.attributes.get("transB"))
    if len(weight.dims) != 2:
        message = f"its weight is {shown(weight.dims)}, and no matrix"
        raise CannotError(message)
    features = whole(weight.dims[0] if turned else weight.dims[1])
    bias = op.constant(2)
    if op.input(2) is not None and (
        bias is None or bias.size not in (1, features) or tuple(bias.dims[-1:]) not in (
            (), (1,), (features,)
        )
    ):  # fmt: skip
        message = "what it adds is no number for each output"
        raise CannotError(message)

    def matrix() -> Any:
        array = weight.release()
        array = array if turned else array.T
        return array if alpha == 1 else array * alpha

    def added() -> Any:
        import numpy as np

        array = np.broadcast_to(bias.release().reshape(-1), (features,))  # type: ignore[union-attr]
        return array if beta == 1 else array * beta

    way = (turned, alpha, beta if bias is not None else 1)
    linear(reader, op, features, matrix, (weight, bias), None if bias is None else added, way)
    activation = op.attributes.get("activation")
    if activation:
        message = f"the activation {activation} in it"
        raise CannotError(message)


def linear(
    reader: Reader,
    op: Operation,
    features: int,
    matrix: Source,
    constants: Sequence[Constant | None],
    added: Source | None,
    way: object = None,
) -> None:
    """A linear layer on the last axis of the first input, wherever the others are.

    `way` is what its arrays are of the file's, where they are not these.
    """
    value = reader.tensor(op)
    last = len(value.dims or ()) - 1
    if isinstance((value.dims or (Batch(),))[last], Batch):
        message = "it sums over the examples"
        raise CannotError(message)
    low = reader.channels_at(op, value, last)
    number = low.number
    rank = reader.shape(number).rank
    if rank and _lone(reader, low):
        number = reader.reshape(op, number, (reader.shape(number).channels,))
        kept = (code if code in (BATCH, 0) else ONE for code in low.layout)
        low = Lowered(number, tuple(kept))
        rank = 0
    fields: dict[str, Any] = {"features": features}
    if added is None:
        fields["bias"] = False
    if rank:
        fields["axis"] = "channels"
    weights = {"weight": matrix}
    if added is not None:
        weights["bias"] = added
    made = reader.add(op, "linear", [number], fields, weights, constants, way=way)
    reader.give(op, made, low.layout)


def _lone(reader: Reader, low: Lowered) -> bool:
    """Whether a map is one position, which the tensor has no axes of: a vector by right."""
    shape = reader.shape(low.number)
    flat = [each for code in low.layout for each in (code if isinstance(code, tuple) else (code,))]
    return shape.size == shape.channels and not any(each > 0 for each in flat)


def product(reader: Reader, op: Operation) -> None:
    """MatMul: a linear layer, or the product of two tensors."""
    weight = op.constant(1)
    if weight is not None:
        if len(weight.dims) != 2:
            message = f"what it multiplies by is {shown(weight.dims)}"
            raise CannotError(message)
        linear(reader, op, whole(weight.dims[1]), lambda: weight.release().T, (weight,), None)
        return
    if op.constant(0) is not None:
        message = "a constant matrix stands in front of what it multiplies"
        raise CannotError(message)
    one, other = reader.tensor(op, 0), reader.tensor(op, 1)
    if len(one.dims or ()) != 3 or len(other.dims or ()) != 3:
        message = "it multiplies many matrices of one example"
        raise CannotError(message)
    left, right = reader.fit(op, one, (2, 1)), reader.fit(op, other, (2, 1))
    reader.give(op, reader.add(op, "matmul", [left, right]), (BATCH, 1, 0))


def summed(reader: Reader, op: Operation) -> None:
    """Einsum of two tensors that is one product of matrices for each example."""
    left, right, out = subscripts(op)
    one, other = reader.tensor(op, 0), reader.tensor(op, 1)
    batch = {
        letter
        for letters, value in ((left, one), (right, other))
        for letter, extent in zip(letters, value.dims or (), strict=True)
        if isinstance(extent, Batch)
    }
    along = [letter for letter in left if letter in right and letter not in out]
    rows = [letter for letter in left if letter not in right]
    columns = [letter for letter in right if letter not in left]
    letters = {*batch, *along, *rows, *columns}
    alone = [len(each) for each in (batch, along, rows, columns)] == [1, 1, 1, 1]
    if not alone or letters != {*left, *right} or len(out) != 3 or not batch <= {*left} & {*right}:
        message = f"{left},{right} to {out} is no product of one matrix with another"
        raise CannotError(message)
    low = reader.fit(op, one, [left.index(along[0]), left.index(rows[0])])
    high = reader.fit(op, other, [right.index(columns[0]), right.index(along[0])])
    codes = {rows[0]: 1, columns[0]: 0}
    layout = tuple(codes.get(letter, BATCH) for letter in out)
    reader.give(op, reader.add(op, "matmul", [low, high]), layout)


def added_bias(op: Operation) -> tuple[Operation, Constant] | None:
    """The product and the bias of an Add behind a MatMul or Conv that only it reads."""
    for at in (0, 1):
        value, bias = op.input(at), op.constant(1 - at)
        before = value.operation if value is not None else None
        if (
            before is None
            or bias is None
            or value is None
            or value.uses != 1
            or value.number
            or value.dims is None
        ):
            continue
        if before.name == "MatMul" and before.constant(1) is not None:
            features = value.dims[-1]
            if bias.size == features and bias.dims[-1:] == (features,):
                return before, bias
        if before.name == "Conv" and before.input(2) is None and not before.domain:
            rank = len(value.dims)
            padded = (1,) * (rank - len(bias.dims)) + tuple(bias.dims)
            filters = value.dims[1]
            if padded == (1, filters, *(1,) * (rank - 2)):
                return before, bias
    return None


def with_bias(reader: Reader, op: Operation, before: Operation, bias: Constant) -> None:
    """A linear layer or convolution whose bias is an Add behind it."""
    joined = Operation(before.name, before.inputs[:2], before.attributes, before.origin,
        version=before.version)  # fmt: skip
    joined.outputs = op.outputs
    if before.name == "MatMul":
        weight = weight_of(before, 1)
        linear(
            reader,
            joined,
            whole(weight.dims[1]),
            lambda: weight.release().T,
            (weight, bias),
            lambda: bias.release().reshape(-1),
            (False, 1, 1),
        )
        return
    joined.inputs.append(Value(bias.name, bias.dims, constant=bias))
    convolution(reader, joined)


def in_order(reader: Reader, op: Operation) -> None:
    """KMaxPool, as it was recognised: along the one spatial axis of a sequence."""
    value = reader.tensor(op)
    low = reader.low(value)
    last = low.layout[-1]
    if last != 1 or reader.shape(low.number).rank != 1:
        message = "the values that it takes are along no spatial axis of a sequence"
        raise CannotError(message)
    number = reader.add(op, "kmaxpool", [low.number], {"k": op.attributes["k"]})
    reader.give(op, number, low.layout)
