"""Operations of a graph, with what they read and make."""

from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.exchange.onnx.values import Constant, UnknownError, Value

STANDARD = ("", "ai.onnx")
"""Domains of the operators that ONNX defines."""


def attribute(proto: Any) -> Any:
    """The value of an attribute as Python has it; tensors and graphs as they are."""
    kind = proto.type
    if kind == 2:  # an integer, as most are
        return proto.i
    if kind == 7:
        return tuple(proto.ints[:])
    if kind == 1:
        return proto.f
    if kind == 3:
        return proto.s.decode("utf-8", "replace")
    if kind == 6:
        return tuple(proto.floats[:])
    if kind == 8:
        return tuple(text.decode("utf-8", "replace") for text in proto.strings)
    if kind == 4:
        return proto.t
    if kind == 5:
        return proto.g
    return None


def text(said: str | bytes) -> str:
    """Text of a file, which protobuf gives as bytes where it is no UTF-8."""
    return said if isinstance(said, str) else said.decode("utf-8", "replace")


class Written:
    """An operation as the file has it, of which each part is read once: reading is slow."""

    __slots__ = ("_attributes", "_proto", "domain", "inputs", "kind", "name", "outputs")

    def __init__(self, proto: Any) -> None:
        kind, name = proto.op_type, proto.name
        self.kind: str = kind if kind.__class__ is str else text(kind)
        """The operator: Conv."""
        self.domain: str = proto.domain
        self.name: str = name if name.__class__ is str else text(name)
        """What the file calls it; empty where it does not."""
        self.inputs: list[str] = proto.input[:]
        """The names of the tensors that it reads; empty of those that are left out."""
        self.outputs: list[str] = proto.output[:]
        """The names of the tensors that it makes."""
        self._attributes = proto.attribute
        self._proto = proto

    @property
    def overload(self) -> str:
        """Which of several functions of one name is called; empty where there is one."""
        said: str = getattr(self._proto, "overload", "")  # which old versions of onnx lack
        return said

    @property
    def metadata(self) -> dict[str, str]:
        """What whoever made the file says of it."""
        told = getattr(self._proto, "metadata_props", ())  # which old versions of onnx lack
        pairs = {each.key: each.value for each in told}
        try:
            "".join(pairs.values())
        except TypeError:  # some of it is no UTF-8
            return {}
        return pairs

    def attributes(self, around: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, int | None]]:
        """The values of its attributes, and their types, None where it hands one on.

        `around` are the attributes of the function that it stands in.
        """
        values: dict[str, Any] = {}
        types: dict[str, int | None] = {}
        for each in self._attributes:
            name = each.name
            if handed := each.ref_attr_name:
                types[name], values[name] = None, around.get(handed)
            else:
                types[name], values[name] = each.type, attribute(each)
        return values, types


class Operation:
    """One operation of the graph, or several that were recognised as one."""

    __slots__ = (
        "attributes", "domain", "inputs", "malformed", "name", "origin", "outputs", "version",
        "windows",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        inputs: Sequence[Value | None],
        attributes: dict[str, Any],
        origin: str,
        *,
        domain: str = "",
        version: int = 0,
    ) -> None:
        self.name = name
        """The operator: Conv."""
        self.domain = domain
        """Who defined it; empty for ONNX itself."""
        self.version = version
        """The version of ONNX's operators that the file is written in."""
        self.inputs = list(inputs)
        self.attributes = attributes
        self.origin = origin
        """What the file calls it."""
        self.outputs: list[Value] = []
        self.malformed = ""
        """What is wrong with how it is written; empty where nothing is."""
        self.windows: Any = None
        """The windows of what slides, once they are worked out."""

    def __repr__(self) -> str:
        return f"<{self.name} {self.origin!r}>"

    @property
    def title(self) -> str:
        """The operator with its domain, as findings name it."""
        return f"{self.domain}.{self.name}" if self.domain else self.name

    def input(self, number: int) -> Value | None:
        """An input by its number; None where it is left out."""
        return self.inputs[number] if number < len(self.inputs) else None

    def constant(self, number: int) -> Constant | None:
        """An input that is known, by its number."""
        value = self.input(number)
        return None if value is None else value.constant

    def given(self, name: str, number: int, default: Any = None) -> Any:
        """What is given as an attribute, or as an input in newer versions, as Python has it.

        Raises `UnknownError` where it is an input whose value is not known.
        """
        if name in self.attributes:
            return self.attributes[name]
        value = self.input(number)
        if value is None:
            return default
        if value.constant is None:
            message = f"{name} is worked out as the network runs"
            raise UnknownError(message)
        return value.constant.array.tolist()
