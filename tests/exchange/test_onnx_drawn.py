"""Operators with attributes drawn at random: the values of ONNX Runtime, or a finding."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_files import model, node, saved, weight

import convcalc
from convcalc.graph import read

runtime: Any = pytest.importorskip("onnxruntime")

SLIDING = ("Conv", "ConvTranspose", "MaxPool", "AveragePool", "LpPool")
DRAWN = 25
MANY = 600


def windows(draw: random.Random, operator: str, opset: int, rank: int) -> dict[str, Any]:
    """Kernels, strides, dilations and padding of any kind, as many as the operator has."""
    kernel = [draw.choice((1, 2, 3)) for _ in range(rank)]
    fields: dict[str, Any] = {"kernel_shape": kernel}
    dilates = operator not in ("AveragePool", "LpPool") or opset >= (
        19 if operator == "AveragePool" else 18
    )
    if draw.random() < 0.7:
        fields["strides"] = [draw.choice((1, 2, 3)) for _ in range(rank)]
    if dilates and draw.random() < 0.3:
        fields["dilations"] = [draw.choice((1, 2)) for _ in range(rank)]
    way = draw.random()
    if way < 0.4:
        fields["auto_pad"] = draw.choice(("SAME_UPPER", "SAME_LOWER", "VALID"))
    elif way < 0.8:
        fields["pads"] = [draw.randrange(max(2, min(kernel))) for _ in range(2 * rank)]
    if operator.endswith("Pool") and (operator != "LpPool" or opset >= 18):
        fields["ceil_mode"] = draw.choice((0, 0, 1))
    if operator == "AveragePool":
        fields["count_include_pad"] = draw.choice((0, 1))
    if operator == "LpPool":
        fields["p"] = draw.choice((1, 2, 3))
    return fields


def drawn(draw: random.Random) -> tuple[Any, tuple[int, ...]]:
    """A model of one operator, and the extents of what it reads."""
    rank, channels = draw.choice((1, 2, 2, 3)), draw.choice((2, 4))
    shape = (1, channels, *(draw.choice((4, 5, 7)) for _ in range(rank)))
    operator, opset = draw.choice(SLIDING), draw.choice((11, 17, 19, 22))
    fields = windows(draw, operator, opset, rank)
    weights: dict[str, Any] = {}
    if operator.startswith("Conv"):
        groups = draw.choice((1, 1, 2))
        fields["group"] = groups
        sides = (4, channels // groups) if operator == "Conv" else (channels, draw.choice((1, 3)))
        weights["w"] = weight(*sides, *fields["kernel_shape"])
        if draw.random() < 0.5:
            weights["b"] = weight(4 if operator == "Conv" else sides[1] * groups, seed=1)
    if operator == "ConvTranspose" and draw.random() < 0.3:
        fields["output_padding"] = [
            draw.randrange(each) for each in fields.get("strides", [1] * rank)
        ]
    nodes = [node(operator, f"x {' '.join(weights)}", "y", **fields)]
    return model(nodes, weights, inputs={"x": shape}, opset=opset), shape


def agree(draw: random.Random, folder: Path) -> bool | None:
    """Whether values are the same; None where either refuses the file."""
    made, shape = drawn(draw)
    network = read(saved(made, folder))
    if network.errors:
        return None
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    try:
        session = runtime.InferenceSession(
            made.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        (wanted,) = session.run(None, {"x": x})
    except Exception:  # noqa: BLE001 (of C++, which has several)
        return None
    (found,) = convcalc.run(network, x).values()
    same = found.shape == wanted.shape and bool(np.allclose(found, wanted, rtol=1e-4, atol=1e-4))
    assert same, (found.shape, wanted.shape, str(made.graph.node[0]), shape)
    return same


@pytest.mark.parametrize("count", [DRAWN, pytest.param(MANY, marks=pytest.mark.thorough)])
def test_what_slides_gives_the_values_of_onnx_runtime(count: int, tmp_path: Path) -> None:
    draw = random.Random(3)  # noqa: S311 (the same ones each time)
    came = [agree(draw, tmp_path) for _ in range(count)]

    assert sum(each is not None for each in came) > count / 2


@pytest.mark.parametrize("size", [1, 3])
def test_one_number_may_be_the_bias_of_all_outputs(size: int, tmp_path: Path) -> None:
    weights = {"w": weight(6, 3), "b": weight(size, seed=1)}
    made = model([node("Gemm", "x w b", "y", beta=2.0)], weights, inputs={"x": (1, 6)})
    x = np.ones((1, 6), np.float32)
    (found,) = convcalc.run(saved(made, tmp_path), x).values()

    assert np.allclose(found, x @ weights["w"] + 2 * weights["b"], atol=1e-5)
