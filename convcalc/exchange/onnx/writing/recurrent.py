"""Recurrent layers as operators."""

from typing import Any

import numpy as np

from convcalc.exchange.onnx.writer import Maker, Write

GATES = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2)}
"""For each gate in ONNX's order, which it is of PyTorch's: input, output, forget, cell; and update,
reset, new."""


def recurrent(operator: str) -> Write:
    """LSTM or GRU, from states of zeros."""

    def write(make: Maker) -> str:
        layer, size = make.layer, make.layer.features
        order = GATES[operator]

        def turned(name: str, number: int) -> Any:
            each = [make.values(f"{name}_l{number}{end}") for end in layer.directions]
            gates = [np.split(array, len(order)) for array in each]
            return np.stack([np.concatenate([gate[at] for at in order]) for gate in gates])

        x = make.transpose(make.x, 2, 0, 1)
        for number in range(layer.layers):
            inputs = [
                x,
                make.arranged(f"weight_ih_l{number}", "", turned("weight_ih", number)),
                make.arranged(f"weight_hh_l{number}", "", turned("weight_hh", number)),
            ]
            if layer.bias:
                both = [turned(name, number) for name in ("bias_ih", "bias_hh")]
                inputs.append(make.arranged(f"bias_ih_l{number}", "", np.concatenate(both, axis=1)))
            attributes: dict[str, Any] = {"hidden_size": size}
            if layer.bidirectional:
                attributes["direction"] = "bidirectional"
            if operator == "GRU":
                attributes["linear_before_reset"] = 1
            y = make(operator, *inputs, **attributes)
            turned_back = make.transpose(y, 0, 2, 1, 3)  # length, N, directions, features
            x = make.reshape(turned_back, 0, 0, len(layer.directions) * size)
        return make.transpose(x, 1, 2, 0)

    return write
