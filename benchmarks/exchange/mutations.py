"""ONNX files as no exporter writes them: one thing of a file changed, by a seed."""

import random
from collections.abc import Callable, Mapping
from typing import Any

NUMBERS = (
    -1,
    0,
    1,
    2,
    3,
    7,
    100,
    2**31 - 1,
    2**31,
    2**40,
    2**62,
    -(2**62),
    -7,
    2**63 - 1,
    -(2**63),
)
NAMES = (
    "", "../../etc/passwd", "/etc/passwd", "C:\\con", "a{b}c", "x\x00y", "\u202e", "/" * 500, "-",
    "\n", "a: b # c", "input", "conv1", "${x}", "%s", "'\"", "*", "ａ", "1", "null", "n" * 100_000,
)  # fmt: skip
"""Names that are paths, syntax of something, or words that mean something in a spec."""
OPERATORS = (
    "Abs", "Add", "And", "AveragePool", "BatchNormalization", "Cast", "Celu", "Clip", "Concat",
    "Constant", "ConstantOfShape", "Conv", "ConvTranspose", "CumSum", "DepthToSpace",
    "DequantizeLinear", "Div", "Dropout", "Einsum", "Elu", "Equal", "Expand", "Flatten", "GRU",
    "Gather", "GatherND", "Gelu", "Gemm", "GlobalAveragePool", "GlobalMaxPool", "HardSigmoid",
    "HardSwish", "Identity", "If", "InstanceNormalization", "LRN", "LSTM", "LayerNormalization",
    "LeakyRelu", "LogSoftmax", "Loop", "LpNormalization", "LpPool", "MatMul", "Max", "MaxPool",
    "Mean", "Mish", "Mod", "Mul", "Neg", "NonMaxSuppression", "OneHot", "PRelu", "Pad", "Pow",
    "QLinearConv", "RNN", "Range", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceSum", "Relu",
    "Reshape", "Resize", "Scan", "ScatterND", "Selu", "Shape", "Sigmoid", "Size", "Slice",
    "Softmax", "Softplus", "SpaceToDepth", "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Tanh", "Tile",
    "TopK", "Transpose", "Unsqueeze", "Upsample", "Where", "NoSuchOperator", "",
)  # fmt: skip
ATTRIBUTES = (
    "kernel_shape", "strides", "pads", "dilations", "group", "auto_pad", "axis", "axes", "perm",
    "alpha", "beta", "epsilon", "ceil_mode", "mode", "size", "to", "value", "output_shape", "k",
    "hidden_size", "direction", "num_groups", "blocksize", "shape", "keepdims", "split", "transA",
)  # fmt: skip
DEPTHS = (2, 10, 30, 300)
"""How deep graphs stand in graphs; protobuf itself reads a little more than 30."""
Change = Callable[[Any, random.Random], None]


def _operator(made: Any, draw: random.Random) -> None:
    draw.choice(made.graph.node).op_type = draw.choice(OPERATORS)


def _attribute(made: Any, draw: random.Random) -> None:
    """Another number, list, text or type."""
    node = draw.choice([each for each in made.graph.node if each.attribute] or made.graph.node)
    if not node.attribute or draw.random() < 0.2:
        added = node.attribute.add(name=draw.choice(ATTRIBUTES), type=draw.randrange(12))
        added.i = draw.choice(NUMBERS)
        added.ints.extend(draw.choices(NUMBERS, k=draw.randrange(9)))
        return
    attribute = draw.choice(node.attribute)
    way = draw.randrange(7)
    if way == 0:
        attribute.i = draw.choice(NUMBERS)
    elif way == 1 and attribute.ints:
        attribute.ints[draw.randrange(len(attribute.ints))] = draw.choice(NUMBERS)
    elif way == 2:
        del attribute.ints[draw.randrange(len(attribute.ints) + 1) :]
    elif way == 3:
        attribute.ints.extend(draw.choices(NUMBERS, k=draw.choice((1, 2, 5000))))
    elif way == 4:
        attribute.f = draw.choice((float("nan"), float("inf"), -1.0, 0.0, 1e38, 1e-45))
    elif way == 5:
        attribute.s = draw.choice((b"", b"\xff\xfe", b"SAME_UPPER", b"VALID", b"reverse", b"cubic"))
    else:
        attribute.type = draw.randrange(1, 15)


def _attribute_left_out(made: Any, draw: random.Random) -> None:
    node = draw.choice(made.graph.node)
    if node.attribute:
        del node.attribute[draw.randrange(len(node.attribute))]


def _reading(made: Any, draw: random.Random) -> None:
    """Another tensor is read, so that there may be a circle."""
    graph = made.graph
    node = draw.choice(graph.node)
    names = [name for each in graph.node for name in (*each.input, *each.output)]
    names += [each.name for each in (*graph.initializer, *graph.input)]
    if node.input and draw.random() < 0.7:
        node.input[draw.randrange(len(node.input))] = draw.choice([*names, "", "nobody"])
    else:
        node.input.extend(draw.choices(names or [""], k=draw.choice((1, 1, 2, 300))))


def _reading_less(made: Any, draw: random.Random) -> None:
    node = draw.choice(made.graph.node)
    if node.input:
        del node.input[draw.randrange(len(node.input))]


def _making(made: Any, draw: random.Random) -> None:
    """A tensor that another makes already, or under another name."""
    graph = made.graph
    node = draw.choice(graph.node)
    names = [name for each in graph.node for name in each.output]
    names += [each.name for each in (*graph.initializer, *graph.input)]
    if node.output and draw.random() < 0.7:
        node.output[draw.randrange(len(node.output))] = draw.choice([*names, *NAMES])
    else:
        node.output.extend([draw.choice(names or [""])])


def _array(made: Any, draw: random.Random) -> None:
    """Extents, values, type or place of an array."""
    if not made.graph.initializer:
        return
    array = draw.choice(made.graph.initializer)
    way = draw.randrange(7)
    if way == 0 and array.dims:
        array.dims[draw.randrange(len(array.dims))] = draw.choice(NUMBERS)
    elif way == 1:
        array.dims.extend(draw.choices(NUMBERS, k=draw.choice((1, 2, 100))))
    elif way == 2:
        array.raw_data = array.raw_data[: draw.randrange(len(array.raw_data) + 1)]
    elif way == 3:
        array.data_type = draw.randrange(26)
    elif way == 4:
        array.data_location = 1
        array.external_data.add(key="location", value=draw.choice(NAMES))
        array.external_data.add(key="offset", value=draw.choice(("-1", "x", str(2**62), "0")))
    elif way == 5 and array.data_type == 7 and array.raw_data:
        at = 8 * draw.randrange(len(array.raw_data) // 8)
        number = draw.choice(NUMBERS).to_bytes(8, "little", signed=True)
        array.raw_data = array.raw_data[:at] + number + array.raw_data[at + 8 :]
    else:
        array.name = draw.choice([*NAMES, *(each.name for each in made.graph.initializer)])


def _input(made: Any, draw: random.Random) -> None:
    """An input's extents, type, name, or whether there is one."""
    if not made.graph.input:
        return
    given = draw.choice(made.graph.input)
    dims = given.type.tensor_type.shape.dim
    way = draw.randrange(7)
    if way <= 2 and dims:
        draw.choice(dims).dim_value = draw.choice(NUMBERS)
    elif way == 3 and dims:
        draw.choice(dims).dim_param = draw.choice(NAMES)
    elif way == 4:
        given.type.tensor_type.elem_type = draw.randrange(26)
    elif way == 5:
        given.type.tensor_type.ClearField("shape")
    else:
        given.name = draw.choice(NAMES)


def _name(made: Any, draw: random.Random) -> None:
    """What a node, the graph or an output is called, scopes among them."""
    node = draw.choice(made.graph.node)
    way = draw.randrange(4)
    if way == 0:
        made.graph.name = draw.choice(NAMES)
    elif way == 1 and made.graph.output:
        draw.choice(made.graph.output).name = draw.choice(NAMES)
    elif way == 2:
        scopes = draw.choice((str([*NAMES[:9]]), "[", "['a'" * 4000, "__import__('os')"))
        node.metadata_props.add(key="pkg.torch.onnx.name_scopes", value=scopes)
    else:
        node.name = draw.choice(NAMES)


def _fewer(made: Any, draw: random.Random) -> None:
    nodes = made.graph.node
    at = draw.randrange(len(nodes))
    del nodes[at : at + draw.choice((1, 1, 1, len(nodes)))]


def _more(made: Any, draw: random.Random) -> None:
    """A node again, many times over, each reading the one before."""
    nodes = made.graph.node
    node = draw.choice(nodes)
    for number in range(draw.choice((1, 3, 200))):
        again = nodes.add()
        again.CopyFrom(node)
        if node.input and node.output:
            before = node.output[0] if number == 0 else f"again{number - 1}"
            again.input[0] = before
            del again.output[:]
            again.output.append(f"again{number}")
    if made.graph.output and node.output:
        made.graph.output[0].name = nodes[-1].output[0] if nodes[-1].output else ""


def _order(made: Any, draw: random.Random) -> None:
    nodes = [*made.graph.node]
    draw.shuffle(nodes)
    del made.graph.node[:]
    made.graph.node.extend(nodes)


def _version(made: Any, draw: random.Random) -> None:
    """The version of operators, or whose they are."""
    way = draw.randrange(4)
    if way == 0:
        del made.opset_import[:]
    elif way == 1:
        made.opset_import.add(domain=draw.choice(NAMES[:9]), version=draw.choice(NUMBERS))
    elif way == 2:
        draw.choice(made.graph.node).domain = draw.choice(
            ("com.microsoft", "ai.onnx.ml", *NAMES[:6])
        )
    elif made.opset_import:
        made.opset_import[0].version = draw.choice((*range(1, 30), *NUMBERS))


def _nested(made: Any, draw: random.Random) -> None:
    """Branches in branches in branches, around a node or around nothing."""
    graph, depth = made.graph, draw.choice(DEPTHS)
    node = draw.choice(graph.node)
    inner = type(node)()
    inner.CopyFrom(node)
    for _ in range(depth):
        around = type(node)(op_type=draw.choice(("If", "If", "Loop", "Scan")))
        around.input.append(draw.choice([*inner.input, ""]))
        around.output.extend(inner.output)
        for name in ("then_branch", "else_branch") if around.op_type == "If" else ("body",):
            branch = around.attribute.add(name=name, type=5).g
            if name != "else_branch":  # else there would be 2 to the power of the depth
                branch.node.add().CopyFrom(inner)
            for each in inner.output:
                branch.output.add(name=each)
        inner = around
    node.CopyFrom(inner)


def _function(made: Any, draw: random.Random) -> None:
    """Operators of the file's own that are made of themselves, or of two of the next."""
    node = draw.choice(made.graph.node)
    count = draw.choice((1, 3, 40))
    for number in range(count):
        own = made.functions.add(name=f"own{number}", domain="own")
        own.input.append("x")
        own.output.append("y")
        wanted = f"own{(number + 1) % count if draw.random() < 0.9 else number}"
        first = own.node.add(op_type=wanted, domain="own")
        first.input.append("x")
        first.output.append("z")
        last = own.node.add(op_type=wanted if number + 1 < count else "Relu", domain="own")
        last.input.append("z")
        last.output.append("y")
    made.opset_import.add(domain="own", version=1)
    node.op_type, node.domain = "own0", "own"


def _constant(made: Any, draw: random.Random) -> None:
    """What is read becomes whole numbers, as shapes, places and counts are."""
    graph = made.graph
    node = draw.choice(graph.node)
    if not node.input:
        return
    numbers = [draw.choice(NUMBERS) for _ in range(draw.randrange(6))]
    raw = b"".join(each.to_bytes(8, "little", signed=True) for each in numbers)
    graph.initializer.add(name="drawn", data_type=7, dims=[len(numbers)], raw_data=raw)
    node.input[draw.randrange(len(node.input))] = "drawn"


CHANGES: Mapping[Change, int] = {
    _operator: 4, _attribute: 5, _attribute_left_out: 1, _reading: 3, _reading_less: 2, _making: 2,
    _array: 4, _input: 3, _name: 2, _fewer: 1, _more: 1, _order: 1, _version: 2, _nested: 1,
    _function: 1, _constant: 3,
}  # fmt: skip
"""What is changed of a model, and how often beside the others."""


def changed(data: bytes, draw: random.Random) -> bytes:
    """The bytes of a file with one to three things of the model changed, or some bytes of it."""
    import onnx

    if draw.random() < 0.2:
        return _bytes(data, draw)
    made = onnx.load_model_from_string(data)
    for _ in range(draw.choice((1, 1, 2, 3))):
        if made.graph.node:
            (change,) = draw.choices([*CHANGES], [*CHANGES.values()])
            change(made, draw)
            if change is _nested:  # of which protobuf copies no more than it reads
                break
    written: bytes = made.SerializeToString()
    return written


def _bytes(data: bytes, draw: random.Random) -> bytes:
    """The bytes cut off, flipped, repeated, left out or put in."""
    for _ in range(draw.choice((1, 1, 2, 5))):
        start = draw.randrange(len(data) + 1)
        end = min(len(data), start + draw.choice((1, 2, 8, 100)))
        way = draw.randrange(5)
        if way == 0:
            data = data[:start]
        elif way == 1 and start < len(data):
            flipped = data[start] ^ (1 << draw.randrange(8))
            data = data[:start] + bytes([flipped]) + data[start + 1 :]
        elif way == 2:
            data = data[:start] + data[start:end] * draw.choice((2, 50)) + data[end:]
        elif way == 3:
            data = data[:start] + data[end:]
        else:
            data = data[:start] + draw.randbytes(draw.choice((1, 8))) + data[end:]
    return data
