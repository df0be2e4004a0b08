"""LSTM and GRU of ONNX as layers."""

from collections.abc import Mapping
from math import prod
from types import MappingProxyType
from typing import Any

from convcalc.exchange.foreign import Source
from convcalc.exchange.onnx.dense import weight_of
from convcalc.exchange.onnx.extents import whole
from convcalc.exchange.onnx.operations import Operation
from convcalc.exchange.onnx.reader import BATCH, ONE, Reader
from convcalc.exchange.onnx.values import Constant, UnknownError
from convcalc.exchange.wiring import CannotError

GATES: Mapping[str, tuple[int, ...]] = MappingProxyType({"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2)})
"""Where PyTorch's gates stand in ONNX: input, forget, cell, output of input, output, forget, cell;
reset, update, new of update, reset, new."""
USUAL = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh")}


def recurrent(reader: Reader, op: Operation) -> None:
    """LSTM and GRU, from states of zeros, with all states or the last one."""
    _usual(op)
    value = reader.tensor(op)
    dims = value.dims or ()
    if op.attributes.get("layout") or len(dims) != 3:
        message = "the examples are its first axis"
        raise CannotError(message)
    number = reader.fit(op, value, (2, 0))
    weight, state, bias = weight_of(op, 1), weight_of(op, 2), op.constant(3)
    directions = whole(weight.dims[0])
    hidden = whole(state.dims[2])
    if directions not in (1, 2):
        message = f"it has {directions:,} directions"
        raise CannotError(message)
    fields: dict[str, Any] = {"features": hidden}
    if directions == 2:
        fields["bidirectional"] = True
    if bias is None:
        fields["bias"] = False
    weights: dict[str, Source] = {}
    for direction in range(directions):
        end = "l0_reverse" if direction else "l0"
        weights[f"weight_ih_{end}"] = _gates(op, weight, direction)
        weights[f"weight_hh_{end}"] = _gates(op, state, direction)
        if bias is not None:
            weights[f"bias_ih_{end}"] = _gates(op, bias, direction, half=0)
            weights[f"bias_hh_{end}"] = _gates(op, bias, direction, half=1)
    kind = op.name.lower()
    made = reader.add(op, kind, [number], fields, weights, (weight, state, bias))
    if op.attributes.get("joined"):
        reader.give(op, made, (1, BATCH, 0))
        return
    if directions == 1:
        reader.give(op, made, (1, ONE, BATCH, 0))
    elif op.outputs[0].uses:
        message = "its two directions are no axis of their own"
        raise CannotError(message)
    _last(reader, op, made, directions)


def _last(reader: Reader, op: Operation, made: int, directions: int) -> None:
    """The state after the last step, where something reads that."""
    if len(op.outputs) > 2 and op.outputs[2].uses:
        message = "the state of its cells is read by another operator"
        raise CannotError(message)
    if len(op.outputs) < 2 or not op.outputs[1].uses:
        return
    if directions != 1:
        message = "the last states of two directions are read by another operator"
        raise CannotError(message)
    last = reader.add(op, "slice", [made], {"start": -1, "axis": "length"})
    reader.give(op, last, (1, BATCH, 0), 1)


def _usual(op: Operation) -> None:
    """Refuse what no layer does."""
    given = op.attributes
    once = USUAL[op.name]
    usual = tuple(given.get("activations") or once)
    directed = given.get("direction", "forward")
    if usual not in (once, once * 2) or given.get("clip") or given.get("input_forget"):
        message = "its gates are others than a layer's"
        raise CannotError(message)
    if directed == "reverse":
        message = "it goes from the end alone"
        raise CannotError(message)
    if op.name == "GRU" and not given.get("linear_before_reset"):
        message = "it resets before the product, and the layer behind it"
        raise CannotError(message)
    if op.input(4) is not None:
        message = "it has the lengths of sequences"
        raise CannotError(message)
    for number in (5, 6):
        initial = op.input(number)
        if initial is not None and not _zero(initial.constant):
            message = "it starts from states that are not 0"
            raise CannotError(message)
    if op.name == "LSTM" and op.input(7) is not None and not _zero(op.constant(7)):
        message = "its gates look at the cells"
        raise CannotError(message)


def _zero(constant: Constant | None) -> bool:
    if constant is None:
        return False
    try:
        return not constant.array.any()
    except UnknownError:
        return False


def _gates(op: Operation, constant: Constant, direction: int, half: int | None = None) -> Source:
    """An array of one direction with its gates in PyTorch's order."""
    order = GATES[op.name]

    def load() -> Any:
        array = constant.array[direction]
        if half is not None:
            array = array.reshape(2, -1)[half]
        gates = array.reshape(len(order), -1, *array.shape[1:])[list(order)]
        return gates.reshape(prod(gates.shape[:2]), *array.shape[1:])

    return load
