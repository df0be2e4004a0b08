"""The bytes of an ONNX file as a model, within limits, with nothing of it trusted."""

import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any

from convcalc.exchange.onnx.operations import STANDARD, Written
from convcalc.exchange.onnx.package import messages, operators
from convcalc.exchange.onnx.values import Constant, Dims, UnknownError

if TYPE_CHECKING:
    from convcalc.spec.source import Opened

MAX_MODEL = 2**31
"""Most bytes of a file; a protocol buffer cannot have more."""
MAX_VALUES = 2**31
"""Most values of one array that is read."""
TYPES: dict[int, tuple[bool, int]] = {
    1: (True, 4), 2: (False, 1), 3: (False, 1), 4: (False, 2), 5: (False, 2), 6: (False, 4),
    7: (False, 8), 9: (False, 1), 10: (True, 2), 11: (True, 8), 12: (False, 4), 13: (False, 8),
    16: (True, 2),
}  # fmt: skip
"""Type of a tensor → whether it holds real numbers, and bytes of one. Source: onnx.proto."""


PACKED = {21: 4, 22: 4, 23: 4, 25: 2, 26: 2}
"""Type of a tensor of which one byte has several numbers → bits of one. Source: onnx.proto."""
NO_NUMBERS = {
    8: "text is no number",
    14: "no layer has complex numbers",
    15: "no layer has complex numbers",
}
"""Type of a tensor → why its values are none. Source: onnx.proto."""


class DamagedError(Exception):
    """A file that cannot be read as what it is."""


def parse(opened: "Opened") -> Any:
    """The model of a file; raises `DamagedError` for what is none."""
    data = opened.head
    if opened.more:
        data = _whole(opened)
    model = messages().ModelProto()
    try:
        model.ParseFromString(data)
    except Exception as error:  # of protobuf, of which there are several implementations
        message = "is damaged: not the protocol buffer that an ONNX file is"
        raise DamagedError(message) from error
    if not model.HasField("graph"):
        message = "is damaged: there is no graph in it"
        raise DamagedError(message)
    graph = model.graph
    readable(each.name for each in (*graph.input, *graph.output))
    return model


def _whole(opened: "Opened") -> bytes:
    """All bytes of a file of which only the first were read."""
    try:
        if not opened.file:
            data = opened.head + sys.stdin.buffer.read(MAX_MODEL + 1 - len(opened.head))
        else:
            with open(opened.file, "rb") as file:  # noqa: PTH123 (pathlib takes long to import)
                data = file.read(MAX_MODEL + 1)
    except OSError as error:
        message = f"cannot be read: {error.strerror or error}"
        raise DamagedError(message) from error
    if len(data) > MAX_MODEL:
        message = "is larger than 2 GiB, and weights beyond that stand in files of their own"
        raise DamagedError(message)
    return data


def readable(texts: Iterable[Any]) -> None:
    """See that names are text; raises `DamagedError`. Protobuf gives bytes that are no UTF-8."""
    try:
        "".join(texts)
    except TypeError as error:
        message = "is damaged: a name in it is no UTF-8 text"
        raise DamagedError(message) from error


def dims_of(tensor: Any) -> Dims:
    """The extents of an array, which may be anything in a file from anywhere."""
    dims = tuple(tensor.dims[:])
    if dims and min(dims) < 0:
        message = f"the array `{tensor.name[:60]}` has an extent below 0"
        raise DamagedError(message)
    return dims


def constant_of(tensor: Any, folder: str, name: str, *, initializer: bool = False) -> Constant:
    """An array of the file by its name, whose values are read when they are asked for."""
    floats, _ = TYPES.get(tensor.data_type, (False, 0))
    return Constant(
        dims_of(tensor),
        partial(array_of, tensor, folder),
        floats=floats,
        name=name,
        initializer=initializer,
        sources=(name,),
    )


def array_of(tensor: Any, folder: str) -> Any:
    """The values of an array; raises `UnknownError` where they are not to be had."""
    from onnx import numpy_helper

    dims = dims_of(tensor)
    count = prod(tensor.dims)
    if count > MAX_VALUES:
        message = f"the array `{tensor.name[:60]}` has {count:,} values"
        raise UnknownError(message)
    if tensor.data_type in NO_NUMBERS:
        message = NO_NUMBERS[tensor.data_type]
        raise UnknownError(message)
    try:
        if tensor.data_location == 1:
            array = _external(tensor, folder, dims, count)
        else:
            array = numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError, OSError) as error:
        why = " ".join(str(error).split())[:100]
        message = f"the array `{tensor.name[:60]}` cannot be read: {why}"
        raise UnknownError(message) from error
    if array.dtype.kind not in "fiub":
        array = array.astype("float32")
    return array


def _external(tensor: Any, folder: str, dims: Dims, count: int) -> Any:
    """Values in a file beside the model's, and in none elsewhere."""
    from pathlib import Path

    import numpy as np
    import onnx

    told = {entry.key: entry.value for entry in tensor.external_data}
    location = told.get("location", "")
    root = Path(folder or ".").resolve()
    path = (root / location).resolve()
    if not location or root not in path.parents:  # an absolute one takes the place of the root
        message = f"the values of `{tensor.name[:60]}` are not beside the model: {location[:60]!r}"
        raise UnknownError(message)
    if not path.is_file():
        message = f"the file {location[:60]!r} with the values of `{tensor.name[:60]}` is missing"
        raise UnknownError(message)
    offset = int(told.get("offset", 0))
    bits = PACKED.get(tensor.data_type)
    if bits:  # several numbers are in one byte
        size = -(-count * bits // 8)
        array = np.fromfile(path, dtype=np.uint8, count=size, offset=offset)
        if array.size == size:
            whole = onnx.TensorProto(data_type=tensor.data_type, dims=dims)
            whole.raw_data = array.tobytes()
            return onnx.numpy_helper.to_array(whole)
    else:
        size = count
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
        array = np.fromfile(path, dtype=dtype, count=count, offset=offset)
    if array.size < size:
        message = f"the file {location[:60]!r} ends before the values of `{tensor.name[:60]}`"
        raise UnknownError(message)
    return array.reshape(dims)


LAID = ("channels_last",)
"""Attributes of operators that ONNX does not define which say that another axis is the channels."""
_schemas: dict[tuple[str, str, int], Any] = {}
FUSED = "Fused"
"""How ONNX Runtime begins the names of operators that it made of one and what was behind it."""
_FITS: dict[int, Callable[[Any], bool]] = {
    1: lambda value: isinstance(value, float),
    2: lambda value: isinstance(value, int),
    3: lambda value: isinstance(value, str),
    6: lambda value: isinstance(value, tuple) and all(isinstance(each, float) for each in value),
    7: lambda value: isinstance(value, tuple) and all(isinstance(each, int) for each in value),
    4: lambda value: hasattr(value, "data_type"),
    5: lambda value: hasattr(value, "node"),
}
"""Type of an attribute → whether a value is of it, where it comes from a function's caller."""


def malformed(
    node: Written,
    version: int,
    like: str,
    types: Mapping[str, int | None],
    values: Mapping[str, Any],
) -> str:
    """What is wrong with how an operation is written, as ONNX defines its operator.

    Empty where nothing is. Operators that ONNX does not define have attributes as `like` has them,
    the one that they are read as. `types` are those of its attributes, None of one that a function
    hands on, and `values` what they say.
    """
    schema = _schema(node.kind, "" if node.domain in STANDARD else node.domain, version)
    defined = schema is not None
    if not defined and node.domain in STANDARD and _schema(node.kind, "", NEWEST) is not None:
        return f"there is none in version {version} of the operators"
    if not defined:
        schema = _schema(like.removeprefix(FUSED), "", version) if types else None
        if schema is None:
            return ""
        wanted, required, least, most = schema[0], None, 0, MANY
    else:
        wanted, required, least, most = schema
    count = len(node.inputs)
    fine = least <= count <= most and types.items() <= wanted.items()
    if fine and not (required and required.difference(types)):
        return ""  # as most are
    if not least <= count <= most:
        return f"it reads {count} tensors, and takes {least} to {most}"
    for name, written in types.items():
        kind = wanted.get(name)
        if kind is None and defined:  # it may be another version's, and mean something
            return f"it has no attribute {name[:60]} in version {version} of the operators"
        if kind is None and name in LAID and values[name]:
            return "its channels are the last axis, and the layer's the second"
        if kind is None or kind == written:
            continue
        value = values[name]
        fits = value is None or kind not in _FITS or _FITS[kind](value)
        if written is not None or not fits:
            return f"its attribute {name} is of another type than the operator's"
    missing = required.difference(types) if required else ()
    return f"its attribute {min(missing)} is missing" if missing else ""


MANY = 2**31
"""More tensors than any operation reads."""
NEWEST = 2**31 - 1
"""Largest number of a version that ONNX's tables can be asked for."""


def _schema(name: str, domain: str, version: int) -> Any:
    """The types of an operator's attributes, those that are required, and how much it reads.

    None of an operator that ONNX does not define; of a version to come those of the newest.
    """
    key = (name, domain, version)
    if key not in _schemas:
        _schemas[key] = _defined(*key)
    return _schemas[key]


def _defined(name: str, domain: str, version: int) -> Any:
    table = operators()
    try:
        schema = table.get_schema(name, min(version, NEWEST), domain)
    except table.SchemaError:
        return None
    types = {key: int(each.type.value) for key, each in schema.attributes.items()}
    required = {key for key, each in schema.attributes.items() if each.required}
    return types, required, schema.min_input, schema.max_input
