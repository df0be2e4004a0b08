"""The graph of an ONNX file while it is made: nodes, arrays and names, layer after layer."""

from collections.abc import Callable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any, TypeAlias

import numpy as np

from convcalc.layers import Layer, Plan
from convcalc.shape import Shape

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto


class Unwritten(Exception):  # noqa: N818 (it is told as a finding)
    """A layer that operators of the chosen version do not say, and why."""


class Graph:
    """What has been written so far, of one operator set."""

    def __init__(self, opset: int, data: IO[bytes] | None = None, located: str = "") -> None:
        import onnx

        self.onnx = onnx
        self.opset = opset
        """Version of the operator set; operators changed their meaning from one to the next."""
        self.data, self.located = data, located
        """A file for arrays, and what the graph calls it; None has them in the graph."""
        self.nodes: list[NodeProto] = []
        self.arrays: list[TensorProto] = []
        self._names: set[str] = set()
        self._arrays: dict[str, str] = {}

    def typed(self, operator: str, attribute: str, value: Any) -> Any:
        """An attribute's value as its operator has it: a spec's 2 may be a float's."""
        schema = self.onnx.defs.get_schema(operator, self.opset)
        kinds = self.onnx.defs.OpSchema.AttrType
        return float(value) if schema.attributes[attribute].type == kinds.FLOAT else value

    def reserve(self, names: Sequence[str]) -> None:
        """Names that are outputs of layers, which nothing else is to have."""
        self._names.update(names)

    def unused(self, name: str) -> str:
        """`name`, or with a number behind it where there is one of this name."""
        free, number = name, 1
        while free in self._names:
            number += 1
            free = f"{name}_{number}"
        self._names.add(free)
        return free

    def array(self, name: str, values: Any, key: str) -> str:
        """An array of the file, once for a key; returns its name, which may have a number behind.

        Values stand in the graph, or one behind the other in `data`, whose places it names then.
        """
        known = self._arrays.get(key)
        if known is not None:
            return known
        name = self._arrays[key] = self.unused(name)
        made = np.ascontiguousarray(values)
        if self.data is None:
            tensor = self.onnx.numpy_helper.from_array(made, name)
        else:
            tensor = self.onnx.TensorProto(name=name, dims=made.shape)
            tensor.data_type = self.onnx.helper.np_dtype_to_tensor_dtype(made.dtype)
            tensor.data_location = self.onnx.TensorProto.EXTERNAL
            about = {"location": self.located, "offset": self.data.tell(), "length": made.nbytes}
            for each, value in about.items():
                tensor.external_data.add(key=each, value=str(value))
            self.data.write(made.data if made.size else b"")
        self.arrays.append(tensor)
        return name

    def numbers(self, values: Any, dtype: str) -> str:
        """Plain numbers that operators take as inputs, each once."""
        made = np.asarray(values, dtype)
        key = f"{dtype}{made.shape}{made.tolist()}"
        if key not in self._arrays:
            name = self._arrays[key] = self.unused("/number" if made.ndim == 0 else "/numbers")
            self.arrays.append(self.onnx.numpy_helper.from_array(made, name))
        return self._arrays[key]


class Maker:
    """One layer, as the function of its kind sees it that writes its operators.

    Tensors are (N, C, *spatial) there as they are here, and (N, C) for vectors. Nodes and what they
    make are called by their scopes, as PyTorch's exporter calls them, and numbers begin with `/`:
    so that who reads the file can tell names that somebody gave from these.
    """

    def __init__(
        self,
        graph: Graph,
        name: str,
        layer: Layer,
        plan: Plan,
        inputs: Sequence[tuple[str, Shape]],
        weights: Mapping[str, tuple[str, Any]],
        *,
        about: Mapping[str, str],
    ) -> None:
        self.graph, self.name, self.plan = graph, name, plan
        self.layer: Any = layer
        self.inputs = [given for given, _ in inputs]
        self.shapes = [shape for _, shape in inputs]
        self._weights = weights
        self._about = about

    @property
    def opset(self) -> int:
        """Version of the operator set."""
        return self.graph.opset

    @property
    def x(self) -> str:
        """The first input."""
        return self.inputs[0]

    @property
    def shape(self) -> Shape:
        """The first input's shape."""
        return self.shapes[0]

    def values(self, weight: str) -> Any:
        """A weight's array, by its name in the plan."""
        return np.asarray(self._weights[weight][1])

    def weight(self, weight: str, shape: Sequence[int] = ()) -> str:
        """A weight as an array of the file, in another shape if one is given."""
        values = self.values(weight)
        return self.arranged(weight, "", values.reshape(shape) if shape else values)

    def arranged(self, weight: str, part: str, values: Any) -> str:
        """A weight's values, or some, otherwise than the layer has them; `part` says which.

        Layers that share weights share arrays that are the same.
        """
        full, _ = self._weights[weight]
        name = f"{full} {part}" if part else full
        return self.graph.array(name, values, key=f"{name} {values.shape}")

    def per_channel(self, weight: str) -> str:
        """A weight for each channel, shaped to spread over the positions."""
        return self.weight(weight, (-1, *(1,) * self.shape.rank))

    def integers(self, *values: int) -> str:
        """A list of whole numbers as an input."""
        return self.graph.numbers(values, "int64")

    def integer(self, value: int) -> str:
        """One whole number as an input."""
        return self.graph.numbers(value, "int64")

    def number(self, value: float) -> str:
        """One number as an input."""
        return self.graph.numbers(value, "float32")

    def many(
        self, operator: str, inputs: Sequence[str], count: int, domain: str = "", **attributes: Any
    ) -> list[str]:
        """Write an operator; returns its outputs."""
        path = "/" + "/".join((*self.name.split("."), operator))
        outputs = [self.graph.unused(f"{path}_output_{number}") for number in range(count)]
        given = {
            key: self.graph.typed(operator, key, value)
            for key, value in attributes.items()
            if value is not None
        }
        node = self.graph.onnx.helper.make_node(
            operator, [*inputs], outputs, self.graph.unused(path), domain=domain, **given
        )
        for key, value in self._about.items():
            node.metadata_props.add(key=key, value=value)
        self.graph.nodes.append(node)
        return outputs

    def __call__(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Write an operator with one output; returns its name."""
        return self.many(operator, inputs, 1, **attributes)[0]

    def reduce(self, operator: str, x: str, *axes: int) -> str:
        """A mean, maximum, sum or length over some axes, which stay with an extent of 1."""
        since = 13 if operator == "ReduceSum" else 18
        if self.opset >= since:
            return self(operator, x, self.integers(*axes), keepdims=1)
        return self(operator, x, axes=axes, keepdims=1)

    def reshape(self, x: str, *axes: int) -> str:
        """The same values in another shape; 0 is the extent that there is, −1 once the rest."""
        return self("Reshape", x, self.integers(*axes))

    def transpose(self, x: str, *order: int) -> str:
        """Axes in another order."""
        return self("Transpose", x, perm=order)

    def cut(self, x: str, axis: int, start: int, stop: int, step: int = 1) -> str:
        """Part of an axis."""
        each = (self.integers(value) for value in (start, stop, axis, step))
        return self("Slice", x, *each)


Write: TypeAlias = Callable[[Maker], str]
"""What writes one layer as operators; it returns the name of what the last of them makes."""
