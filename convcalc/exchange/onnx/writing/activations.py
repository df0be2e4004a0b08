"""Activations as operators."""

from typing import Any

import numpy as np

from convcalc.exchange.onnx.writer import Maker, Write


def function(operator: str, **attributes: Any) -> Write:
    """An operator that does what the kind does."""
    return lambda make: make(operator, make.x, **attributes)


def relu6(make: Maker) -> str:
    """Clip."""
    return make("Clip", make.x, make.number(0), make.number(6))


def leaky_relu(make: Maker) -> str:
    """LeakyRelu."""
    return make("LeakyRelu", make.x, alpha=make.layer.slope)


def elu(make: Maker) -> str:
    """Elu."""
    return make("Elu", make.x, alpha=make.layer.alpha)


def prelu(make: Maker) -> str:
    """PRelu."""
    one = make.layer.slopes == "one"
    return make("PRelu", make.x, make.weight("weight") if one else make.per_channel("weight"))


def gelu(make: Maker) -> str:
    """Gelu, or its formula before version 20."""
    layer = make.layer
    if make.opset >= 20:
        return make("Gelu", make.x, approximate=layer.approximate)
    x, half = make.x, make.number(0.5)
    if layer.approximate == "tanh":
        cube = make("Mul", make("Mul", make("Mul", x, x), x), make.number(0.044715))
        inner = make("Mul", make("Add", x, cube), make.number((2 / np.pi) ** 0.5))
        grown = make("Add", make("Tanh", inner), make.number(1))
    else:
        grown = make("Add", make("Erf", make("Div", x, make.number(2**0.5))), make.number(1))
    return make("Mul", make("Mul", x, grown), half)


def silu(make: Maker) -> str:
    """x·sigmoid(x)."""
    return make("Mul", make.x, make("Sigmoid", make.x))


def mish(make: Maker) -> str:
    """Mish, or its formula before version 18."""
    if make.opset >= 18:
        return make("Mish", make.x)
    return make("Mul", make.x, make("Tanh", make("Softplus", make.x)))


def softplus(make: Maker) -> str:
    """Softplus, stretched by beta."""
    layer, x = make.layer, make.x
    steep = x if layer.beta == 1 else make("Mul", x, make.number(layer.beta))
    y = make("Softplus", steep)
    y = y if layer.beta == 1 else make("Div", y, make.number(layer.beta))
    if layer.threshold >= 20:  # beyond, log(1 + eˣ) is x in float32
        return y
    return make("Where", make("Greater", steep, make.number(layer.threshold)), x, y)
