"""A transposed convolution with the weights of a convolution is its transpose, and counts none."""

from typing import Any

import pytest
from draws import Draw, examples

from convcalc import analyze, loads, run, sizes
from convcalc.forward import random_weights
from convcalc.graph.planned import planned

np = pytest.importorskip("numpy")

DECONVNET = """
input: 16x12x3
outputs: [conv2, back1]
layers:
  - {name: conv1, conv: {filters: 6, kernel: 5, padding: 2}}
  - relu
  - {name: pool1, maxpool: 2}
  - {name: conv2, conv: {filters: 8, kernel: 3, padding: 1}}
  - relu
  - {name: back2, conv_transpose: {filters: 6, kernel: 3, padding: 1, bias: false}, weights: conv2}
  - maxunpool: pool1
  - relu
  - {name: back1, conv_transpose: {filters: 3, kernel: 5, padding: 2, bias: false}, weights: conv1}
"""
"""Zeiler and Fergus (arXiv:1311.2901), section 2.1: unpool, rectify, filter transposed."""


def pair(draw: Draw) -> tuple[str, str, str]:
    """An input, a convolution, and what takes its output back to as large a map as came in."""
    groups, kernel = draw.randint(1, 3), draw.randint(1, 4)
    stride, padding = draw.randint(1, 3), draw.randint(0, (kernel - 1) // 2)
    rank = draw.randint(1, 3)
    into, out = groups * draw.randint(1, 3), groups * draw.randint(1, 3)
    rows = [(draw.randint(1, 3) * stride + kernel - 2 * padding) for _ in range(rank)]
    both = f"kernel: {kernel}, stride: {stride}, padding: {padding}, bias: "
    depthwise = groups == into > 1 and draw.flag()
    kind = f"depthwise_conv: {{multiplier: {out // groups}, " if depthwise else (
        f"conv: {{filters: {out}, groups: {groups}, "
    )  # fmt: skip
    return (
        "x".join(map(str, (*rows, into))),
        f"{kind}{both}{'true' if draw.flag() else 'false'}}}",
        f"conv_transpose: {{filters: {into}, groups: {groups}, {both}false}}",
    )


@examples(40, drawn=pair)
def test_it_is_the_transpose(drawn: tuple[str, str, str]) -> None:
    """For a linear map A and its transpose, A·x and y have the product that x and Aᵀ·y have."""
    shape, there, back = drawn
    text = f"input: {shape}\nlayers:\n  - {{name: a, {there}}}\n  - {{name: b, {back}, weights: a}}"
    network = loads(text)
    weights = {
        name: np.zeros_like(each) if name == "a.bias" else each.astype(float)
        for name, each in random_weights(network).items()
    }
    *rows, channels = map(int, shape.split("x"))
    x = np.random.default_rng(0).standard_normal((1, channels, *rows))
    alone = loads("\n".join(text.splitlines()[:3]))

    y = run(alone, x, weights)["a"]
    z = run(network, x, weights, reference=True)["b"]

    # With y = A·x, (A·x)·y = x·(Aᵀ·y).
    assert float((y * y).sum()) == pytest.approx(float((x * z).sum()), rel=1e-4, abs=1e-6)
    layers = analyze(network).layers
    assert {layer.name: layer.shared_with for layer in layers} == {"a": None, "b": "a"}
    assert layers[1].parameters == 0
    assert layers[0].macs == layers[1].macs


def test_the_deconvnet_gives_what_torch_gives() -> None:
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    network = planned(loads(DECONVNET))
    weights = random_weights(network, 1)
    x = np.random.default_rng(1).standard_normal((2, 3, 16, 12)).astype(np.float32)

    held: dict[str, Any] = {name: torch.from_numpy(each.copy()) for name, each in weights.items()}
    y = functional.conv2d(
        torch.from_numpy(x), held["conv1.weight"], held["conv1.bias"], padding=2
    ).relu()
    y, indices = functional.max_pool2d(y, 2, return_indices=True)
    conv2 = functional.conv2d(y, held["conv2.weight"], held["conv2.bias"], padding=1)
    y = functional.conv_transpose2d(conv2.relu(), held["conv2.weight"], padding=1)
    y = functional.max_unpool2d(y, indices, 2).relu()
    back1 = functional.conv_transpose2d(y, held["conv1.weight"], padding=2)

    for reference in (True, False):
        values = run(network, x, weights, reference=reference)
        np.testing.assert_allclose(values["conv2"], conv2, rtol=0, atol=1e-4)
        np.testing.assert_allclose(values["back1"], back1, rtol=0, atol=1e-4)


def test_its_weights_count_once_at_every_size() -> None:
    """5·5·3·6 + 6 and 3·3·6·8 + 8 parameters; MACs of each pair are the same."""
    for size in ("16x12x3", "20x18x3"):
        report = analyze(loads(DECONVNET.replace("16x12x3", size)))
        macs = {layer.name: layer.macs for layer in report.layers}
        assert report.totals.parameters == 456 + 440
        assert (macs["back1"], macs["back2"]) == (macs["conv1"], macs["conv2"])
    laws = [fit.accepted.text() for fit in sizes(loads(DECONVNET)).fits]
    assert laws == ["2·k, k ≥ 1"] * 2
