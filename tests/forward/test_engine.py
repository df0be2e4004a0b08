"""The engine, held against the readable definition of every layer."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from math import prod
from threading import current_thread
from typing import Any

import numpy as np
import pytest
from draws import Draw, examples, no_advice
from kinds import RUN
from tabled import tabled

from convcalc import forward
from convcalc.checks.verify import Run, verify
from convcalc.forward.engine import Executable
from convcalc.forward.engine.compile import build
from convcalc.forward.engine.kernels.winograd import matrices, tile_size
from convcalc.forward.engine.pool import workers
from convcalc.forward.threads import available_cores, blas, blas_threads
from convcalc.forward.values import random_inputs
from convcalc.graph import Network, SpecError, load, loads
from convcalc.graph.planned import planned
from convcalc.layers import CATALOGUE, kinds
from convcalc.layers.linear import Linear
from convcalc.shape import Shape
from convcalc.window import Window

CLOSE = 1e-5
DIRECT = 2e-6


@pytest.fixture(autouse=True, scope="module")
def _share_out_little_work() -> Iterator[None]:
    """Let small networks run on several threads too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("convcalc.forward.engine.kernels.LITTLE", 0)
        yield


def network(layers: str, shape: str = "11x9x6", **parameters: Any) -> Network:
    """A network from a list of items in YAML."""
    text = f"input: {shape}\nrounding: floor\n{parameters.pop('head', '')}\nlayers: {layers}\n"
    return loads(text)


def batch_for(net: Network, batch: int, seed: int = 1) -> Any:
    assert net.input is not None
    return random_inputs(planned(net), batch, seed)["input"]


def error(found: Any, expected: Any) -> float:
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype == np.float32
    both = np.isfinite(expected)
    assert (np.isfinite(found) == both).all()
    largest = abs(expected[both]).max(initial=0)
    return float(abs(found[both] - expected[both]).max(initial=0) / (largest or 1))


def agrees(net: Network, batch: int = 1, threads: int = 2, within: float = CLOSE) -> None:
    x = batch_for(net, batch)
    weights = forward.random_weights(net, seed=3)
    expected = forward.run(net, x, weights, reference=True, keep="all")
    executable = forward.compile(net, batch, weights=weights, threads=threads)
    output = net.nodes[net.outputs[0]].name
    for _ in range(2):  # what a run leaves in memory must not change the next
        assert error(executable.run(x), expected[output]) <= within, f"a batch of {batch}"
    every = executable.run_keeping(x, expected)
    for name, y in every.items():
        assert error(y, expected[name]) <= within, f"{name}, a batch of {batch}"


KINDS: dict[str, list[tuple[str, str]]] = {
    "conv": [
        ("[conv: {filters: 7, kernel: 3}]", "11x6"),
        ("[conv: {filters: 7, kernel: 3, stride: 2, padding: 1}]", "11x9x6"),
        ("[conv: {filters: 4, kernel: 3, padding: 1}]", "5x4x6x3"),
        ("[conv: {filters: 8, kernel: [2, 3], padding: [[1, 0], [0, 2]]}]", "11x9x6"),
        ("[conv: {filters: 8, kernel: 3, groups: 2, padding: 2, dilation: 2}]", "11x9x6"),
        ("[conv: {filters: 6, kernel: 3, groups: 3, stride: 2}]", "11x6"),
        ("[conv: {filters: 6, kernel: 3, groups: 6, padding: same}]", "11x9x6"),
        ("[conv: {filters: 12, kernel: 3, groups: 6, bias: false}]", "11x9x6"),
        ("[conv: {filters: 8, kernel: 3, padding: 1, padding_mode: reflect}, relu]", "11x9x6"),
        ("[conv: {filters: 8, kernel: 1}, relu]", "11x9x6"),
        ("[conv: {filters: 8, kernel: 1, stride: 2}]", "11x9x6"),
    ],
    "depthwise_conv": [
        ("[depthwise_conv: {kernel: 3, padding: 1}, relu6]", "11x6"),
        ("[depthwise_conv: {kernel: 3, padding: 1}]", "11x9x6"),
        ("[depthwise_conv: {kernel: 5, stride: 2, padding: 2}, batchnorm]", "11x9x6"),
        ("[depthwise_conv: {kernel: 3, stride: [1, 2], dilation: [1, 2]}]", "11x9x6"),
        ("[depthwise_conv: {kernel: 3, multiplier: 2}]", "11x9x6"),
        ("[depthwise_conv: {kernel: 3, padding: 1}]", "5x4x6x3"),
    ],
    "conv_transpose": [
        ("[conv_transpose: {filters: 4, kernel: 2, stride: 2}, batchnorm, relu]", "5x6x6"),
        ("[conv_transpose: {filters: 4, kernel: 4, stride: 2, padding: 1, groups: 2}]", "5x6x6"),
        ("[conv_transpose: {filters: 4, kernel: 3, stride: 2, output_padding: 1}]", "7x6"),
        ("[conv_transpose: {filters: 4, kernel: 5, stride: 3, padding: 2}]", "5x6x6"),
        ("[conv_transpose: {filters: 4, kernel: 3, stride: 2, dilation: 2}, relu]", "5x6x6"),
        ("[conv_transpose: {filters: 4, kernel: 2, stride: 3}]", "5x6x6"),
        ("[conv_transpose: {filters: 2, kernel: 3, stride: 2, padding: 1}]", "3x2x4x3"),
        ("[reshape: 1x1x24, conv_transpose: {filters: 9, kernel: 4}, relu]", "24"),
    ],
    "locally_connected": [("[locally_connected: {filters: 4, kernel: 3}]", "7x6x3")],
    "linear": [("[linear: 7]", "13"), ("[flatten, linear: 33, relu]", "5x4x3")],
    "maxpool": [
        ("[maxpool: {kernel: 3, stride: 2}]", "11x6"),
        ("[maxpool: {kernel: 3, stride: 2, padding: 1}]", "11x9x6"),
        ("[maxpool: {kernel: [1, 2], stride: 1, dilation: 2}]", "11x9x6"),
        ("[maxpool: {kernel: 3, stride: 2, rounding: ceil}]", "12x10x6"),
        ("[maxpool: {kernel: 2, stride: 3, padding: [[1, 0], [0, 1]]}]", "11x9x6"),
        ("[maxpool: {kernel: 2, padding: 1, stride: 1}]", "5x4x6x3"),
        ("[maxpool: {kernel: 2, padding: 1, stride: 1, dilation: 3}]", "4x4x2"),
    ],
    "avgpool": [
        ("[avgpool: {kernel: 3, stride: 2}]", "11x6"),
        ("[avgpool: {kernel: 3, stride: 2, padding: 1}]", "11x9x6"),
        ("[avgpool: {kernel: 3, stride: 2, padding: 1, count_include_pad: false}]", "11x9x6"),
        ("[avgpool: {kernel: 3, stride: 2, rounding: ceil}]", "12x10x6"),
        ("[avgpool: {kernel: 2, divisor: 3}]", "11x9x6"),
        ("[avgpool: 2]", "5x4x6x3"),
    ],
    "lppool": [("[lppool: {kernel: 2, norm: 2}]", "11x9x6")],
    "adaptive_avgpool": [
        ("[adaptive_avgpool: 3]", "12x9x6"),
        ("[adaptive_avgpool: 4]", "11x9x6"),
        ("[adaptive_avgpool: 5]", "5x5x6"),
    ],
    "adaptive_maxpool": [("[adaptive_maxpool: 3]", "12x9x6"), ("[adaptive_maxpool: 4]", "11x6")],
    "global_avgpool": [("[global_avgpool]", shape) for shape in ("11x6", "11x9x6", "5x4x6x3")],
    "global_maxpool": [("[global_maxpool]", shape) for shape in ("11x6", "11x9x6")],
    "batchnorm": [
        ("[batchnorm, relu]", "11x9x6"),
        ("[batchnorm: {affine: false}]", "11x6"),
        ("[batchnorm: {track_running_stats: false}, relu]", "11x9x6"),
        ("[linear: 8, batchnorm, relu]", "6"),
        (
            "[conv: {filters: 9, kernel: 3, bias: false}, batchnorm, scale: {bias: true}, tanh]",
            "9x9x6",
        ),
        ("[conv: {filters: 9, kernel: 1}, batchnorm: {affine: false}, scale]", "9x9x6"),
    ],
    "groupnorm": [("[groupnorm: 3, silu]", "11x9x6")],
    "layernorm": [("[layernorm]", "11x9x6"), ("[layernorm: all]", "5x4x3")],
    "instancenorm": [("[instancenorm]", "11x9x6")],
    "lrn": [("[lrn: 5]", "11x9x6"), ("[lrn: 4]", "6")],
    **{
        kind: [(f"[conv: {{filters: 8, kernel: 3}}, {kind}]", "11x9x6"), (f"[{kind}]", "11x6")]
        for kind in sorted(kinds("activation", "softmax"))
    },
    "dropout": [("[dropout, conv: {filters: 8, kernel: 3, padding: 1}, dropout, relu]", "9x9x6")],
    "flatten": [("[flatten]", "5x4x3"), ("[flatten]", "9"), ("[flatten: {start: 2}]", "5x4x3")],
    "reshape": [("[reshape: 4x5x3]", "5x4x3")],
    "permute": [("[permute: [1, 3, 2]]", "5x4x3")],
    "pixel_shuffle": [("[pixel_shuffle: 2]", "5x4x8")],
    "channel_shuffle": [("[channel_shuffle: 2]", "5x4x8")],
    "pad": [
        ("[pad: 2, conv: {filters: 4, kernel: 3}]", "5x4x8"),
        ("[relu, pad: {channels: [1, 2]}, conv: {filters: 4, kernel: 3}]", "5x4x8"),
        ("[linear: 6, pad: {channels: [0, 2]}, relu]", "9"),
    ],
    "crop": [("[crop: 1]", "5x4x8")],
    "upsample": [("[upsample: 2]", "5x4x8"), ("[upsample: {scale: 2, mode: linear}]", "5x4x8")],
    "slice": [("[slice: {start: 2, stop: 5}]", "5x4x8")],
    "scale": [("[scale: {bias: true}]", "5x4x8"), ("[scale]", "8")],
    "add": [
        ("[add: [[], [conv: {filters: 6, kernel: 3, padding: 1}]], relu]", "11x9x6"),
        ("[add: [[global_avgpool], []]]", "11x9x6"),
        ("[add: [[relu], [], [tanh]], relu]", "11x9x6"),
        ("[relu, add: [[], []]]", "11x9x6"),
        ("[add: [[], [linear: 13]], relu]", "13"),
        ("[add: [[], [depthwise_conv: {kernel: 3, padding: 1}]], relu6]", "11x9x6"),
        ("[add: [[], [conv_transpose: {filters: 6, kernel: 3, padding: 1}]]]", "11x9x6"),
    ],
    "multiply": [
        ("[multiply: [[], [global_avgpool, conv: {filters: 6, kernel: 1}, sigmoid]]]", "11x9x6")
    ],
    "affine": [
        ("[conv: {filters: 4, kernel: 3}, affine: {times: 0.1, plus: 2}, relu]", "5x4x8"),
        ("[linear: 6, affine: 0.1, relu]", "9"),
        ("[add: [[], [conv: {filters: 8, kernel: 3, padding: 1}, affine: 0.1]]]", "5x4x8"),
    ],
    "subtract": [("[subtract: [[], [conv: {filters: 6, kernel: 3, padding: 1}]], relu]", "11x9x6")],
    "divide": [("[divide: [[], [global_avgpool, softplus]]]", "11x9x6")],
    "maximum": [("[maximum: [[], [relu], [global_avgpool]], relu]", "11x9x6")],
    "matmul": [
        ("[matmul: [[], [tanh]]]", "7x7"),
        ("[matmul: [[], [global_maxpool, flatten, linear: 9, reshape: 3x3]], relu]", "8x3"),
    ],
    "maxunpool": [
        ("[{name: p, maxpool: 2}, relu, maxunpool: {indices: p}, tanh]", "12x8x6"),
        (
            "[tanh, {name: p, maxpool: {kernel: 3, stride: 2}}, maxunpool: p, relu]",
            "9x9x3",
        ),
    ],
    "concat": [("[concat: [[], [relu], [conv: {filters: 5, kernel: 1}]]]", "11x9x6")],
    "attention": [
        ("[attention: {heads: 2, branches: [[], [conv: {filters: 6, kernel: 3}]]}, relu]", "9x6"),
        ("[attention: {heads: 3, branches: [[], [maxpool: 2], [avgpool: 2]]}]", "4x8x6"),
    ],
}


WORKED = [(f"[{case.item}]", case.inputs) for case in RUN if len(case.shapes) == 1]
"""Layers of every kind that reads one tensor."""
NETWORKS = [row for rows in KINDS.values() for row in rows] + WORKED


def test_every_kind_has_a_network() -> None:
    assert {*KINDS, *(case.kind for case in RUN if len(case.shapes) == 1)} == set(CATALOGUE)


@tabled(("layers", "shape"), NETWORKS)
def test_engine_equals_reference(layers: str, shape: str) -> None:
    net = network(layers, shape)
    for batch in (1, 2, 3):
        agrees(net, batch)


GRAPHS = {
    "residual": """
      - conv: {filters: 16, kernel: 3, padding: 1, bias: false}
      - batchnorm
      - relu
      - add:
        - - conv: {filters: 16, kernel: 1, bias: false}
          - batchnorm
          - relu
          - conv: {filters: 16, kernel: 3, stride: 2, padding: 1}
          - batchnorm
        - - conv: {filters: 16, kernel: 1, stride: 2}
          - batchnorm
      - relu
      - add: [[], [conv: {filters: 16, kernel: 3, padding: 1}, batchnorm]]
      - relu
      - global_avgpool
      - flatten
      - linear: 10
      - softmax""",
    "inception": """
      - concat:
        - - conv: {filters: 5, kernel: 1}
          - relu
        - - conv: {filters: 4, kernel: 1}
          - relu
          - conv: {filters: 6, kernel: 3, padding: 1}
          - relu
        - - maxpool: {kernel: 3, stride: 1, padding: 1}
          - conv: {filters: 3, kernel: 1}
      - conv: {filters: 8, kernel: 5, padding: 2}""",
    "dense": """
      - layers:
          - concat:
            - []
            - - batchnorm
              - relu
              - conv: {filters: 6, kernel: 1, bias: false}
              - batchnorm
              - relu
              - conv: {filters: 4, kernel: 3, padding: 1, bias: false}
        repeat: 3
      - batchnorm
      - relu
      - avgpool: 2""",
    "u-net": """
      - conv: {filters: 16, kernel: 3, padding: 1}
      - {relu: {}, name: first}
      - maxpool: 2
      - conv: {filters: 16, kernel: 3, padding: 1}
      - relu
      - conv_transpose: {filters: 8, kernel: 2, stride: 2}
      - concat: [[], [from: first]]
      - conv: {filters: 2, kernel: 1}
      - softmax""",
    "shuffle": """
      - concat:
        - - slice: {stop: 6}
        - - slice: {start: 6}
          - conv: {filters: 6, kernel: 1, groups: 2}
          - batchnorm
          - relu
          - depthwise_conv: {kernel: 3, padding: 1}
          - batchnorm
      - channel_shuffle: 2""",
    "squeeze and excitation": """
      - conv: {filters: 8, kernel: 1}
      - hardswish
      - multiply:
        - []
        - - global_avgpool
          - conv: {filters: 2, kernel: 1}
          - relu
          - conv: {filters: 8, kernel: 1}
          - hardsigmoid
      - conv: {filters: 8, kernel: 1}""",
    "shared": """
      - layers:
          - conv: {filters: 12, kernel: 3, padding: 1}
          - batchnorm
          - relu
        repeat: 3
        shared: true""",
    "read twice": """
      - {conv: {filters: 12, kernel: 3, padding: 1}, name: trunk}
      - relu
      - {dropout: 0.5, name: later}
      - add: [[sigmoid], [from: trunk], [from: later, relu6: {}]]
      - add: [[], [from: later]]
      - relu""",
}


@tabled("batch", [1, 2, 3])
@tabled("layers", GRAPHS.values(), ids=GRAPHS)
@tabled("shape", ["12x12x12", "26x34x12"])
def test_graphs(layers: str, shape: str, batch: int) -> None:
    agrees(network(layers, shape), batch)


@examples(
    60,
    size=lambda draw: (draw.whole(8, 20), draw.whole(8, 20)),
    kernel=lambda draw: draw.choice([(3, 3), (draw.randint(1, 4), draw.randint(1, 4))]),
    stride=lambda draw: draw.choice([(1, 1), (draw.randint(1, 3), draw.randint(1, 3))]),
    padding=lambda draw: [draw.randint(0, 3) for _ in range(4)],
    widths=lambda draw: draw.choice([(4, 8, 1), (18, 17, 1), (4, 6, 2), (6, 6, 6), (32, 64, 1)]),
    dilation=lambda draw: draw.randint(1, 2),
    batch=lambda draw: draw.randint(1, 3),
)
def test_any_convolution(
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: list[int],
    widths: tuple[int, int, int],
    dilation: int,
    batch: int,
) -> None:
    channels, filters, groups = widths
    fields = (
        f"{{filters: {filters}, kernel: {list(kernel)}, stride: {list(stride)}, groups: {groups}, "
        f"dilation: {dilation}, padding: [{padding[:2]}, {padding[2:]}]}}"
    )
    net = network(f"[conv: {fields}, relu]", f"{size[0]}x{size[1]}x{channels}")
    winograd = stride == (1, 1) and dilation == 1 and kernel == (3, 3) and channels >= 16
    agrees(net, batch, within=CLOSE if winograd else DIRECT)


LINKS = [
    "conv: {filters: 6, kernel: 1}",
    "conv: {filters: 16, kernel: 1, padding: 1}",
    "conv: {filters: 8, kernel: 1, stride: 2, padding: 2}",
    "conv: {filters: 16, kernel: 3, padding: 1}",
    "conv: {filters: 5, kernel: 3, stride: 2}",
    "conv: {filters: 6, kernel: 2, groups: 2, padding: [[0, 1], [1, 0]]}",
    "depthwise_conv: {kernel: 3, padding: 1}",
    "depthwise_conv: {kernel: 3, stride: 2, padding: 1}",
    "conv_transpose: {filters: 6, kernel: 2, stride: 2}",
    "conv_transpose: {filters: 4, kernel: 3, stride: 2, padding: 1}",
    "maxpool: {kernel: 2, stride: 2, rounding: ceil}",
    "maxpool: {kernel: 3, stride: 1, padding: 1}",
    "avgpool: {kernel: 2, stride: 1, padding: 1}",
    "batchnorm",
    "relu",
    "silu",
    "layernorm",
    "scale",
    "lrn: 3",
    "add: [[], [depthwise_conv: {kernel: 1}, sigmoid]]",
    # A gate far from zero: a mean that cancels to almost nothing, three times over, is rounded
    # by more than what is allowed here, however it is summed.
    "multiply: [[], [global_avgpool, sigmoid]]",
    "concat: [[], [relu6]]",
]


def chain(draw: Draw) -> Network:
    """Two to six links of which each fits the one before."""
    while True:
        links = draw.some(lambda: draw.choice(LINKS), 2, 6)
        size = f"{draw.whole(7, 20)}x{draw.whole(7, 20)}x6"
        with suppress(SpecError), no_advice():
            return network(f"[{', '.join(links)}]", size)


@pytest.mark.thorough
@examples(
    120,
    net=chain,
    batch=lambda draw: draw.randint(1, 3),
    threads=lambda draw: draw.choice([1, 2, 5, 16]),
    band=lambda draw: draw.choice([1, 3000, 1536 * 1024]),
)
def test_any_chain(net: Network, batch: int, threads: int, band: int) -> None:
    x, weights = batch_for(net, batch), forward.random_weights(net, seed=3)
    output = net.nodes[net.outputs[0]].name
    expected = forward.run(net, x, weights, reference=True, keep="output")[output]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("convcalc.forward.engine.chain.BAND", band)
        executable = forward.compile(net, batch, weights=weights, threads=threads)
    for _ in range(2):
        assert error(executable.run(x), expected) <= CLOSE


@pytest.mark.parametrize("tile", [2, 4])
def test_winograd_matrices_compute_a_correlation(tile: int) -> None:
    inner, middle, outer = matrices(tile, 3)
    generator = np.random.default_rng(0)
    x, w = generator.standard_normal(tile + 2), generator.standard_normal(3)
    y = outer @ ((middle @ w) * (inner @ x))
    np.testing.assert_allclose(y, np.correlate(x, w), rtol=1e-4, atol=1e-5)


@tabled(
    ("output", "windows", "channels", "tile"),
    [
        # 7×14 = 98 outputs and more; tiles of four where there are 32 of them.
        ((1, 7, 14, 8), (Window(3), Window(3)), 16, 2),
        ((1, 8, 12, 8), (Window(3), Window(3)), 16, 0),
        ((1, 97, 1, 8), (Window(3), Window(3)), 16, 0),
        ((1, 7, 14, 8), (Window(3), Window(3)), 15, 0),
        ((1, 32, 16, 8), (Window(3), Window(3)), 16, 4),
        ((1, 31, 16, 8), (Window(3), Window(3)), 16, 4),
        ((1, 31, 28, 8), (Window(3), Window(3)), 16, 4),
        ((1, 29, 13, 8), (Window(3), Window(3)), 16, 4),
        ((1, 28, 16, 8), (Window(3), Window(3)), 16, 2),
        ((1, 4, 124, 8), (Window(3), Window(3)), 16, 2),
        ((1, 4, 125, 8), (Window(3), Window(3)), 16, 4),
        ((4, 8, 16, 8), (Window(3), Window(3)), 16, 4),
        # A kernel of 5 from 14×14 = 196 outputs on, and no other.
        ((1, 14, 14, 8), (Window(5), Window(5)), 16, 2),
        ((4, 7, 7, 8), (Window(5), Window(5)), 16, 2),
        ((1, 195, 1, 8), (Window(5), Window(5)), 16, 0),
        ((1, 64, 64, 8), (Window(4), Window(4)), 16, 0),
        ((1, 64, 64, 8), (Window(7), Window(7)), 16, 0),
        ((1, 64, 64, 8), (Window(3), Window(5)), 16, 0),
        # Whatever is no plain convolution of an image.
        ((1, 64, 64, 8), (Window(3, 2), Window(3)), 16, 0),
        ((1, 64, 64, 8), (Window(3), Window(3, 1, 2)), 16, 0),
        ((1, 64, 64, 8), (Window(3, 2, 2), Window(3, 2, 2)), 16, 0),
        ((1, 4096, 8), (Window(3),), 16, 0),
        ((1, 16, 16, 16, 8), (Window(3), Window(3), Window(3)), 16, 0),
    ],
)
def test_winograd_is_chosen_where_it_was_measured_to_pay(
    output: tuple[int, ...], windows: tuple[Window, ...], channels: int, tile: int
) -> None:
    assert tile_size(windows, 1, channels, output, once=False) == tile
    assert tile_size(windows, 2, channels, output, once=False) == 0
    many = prod(output[:-1]) >= 2600  # else weights that are read once cost more than they save
    assert tile_size(windows, 1, channels, output, once=True) == (tile if many else 0)


def test_winograd_with_weights_that_are_read_once_needs_many_outputs() -> None:
    square = (Window(3), Window(3))
    assert tile_size(square, 1, 16, (1, 26, 100, 8), once=True) == 4
    assert tile_size(square, 1, 16, (1, 113, 23, 8), once=True) == 0  # 2,599


@pytest.mark.parametrize(
    ("shape", "filters", "kernel", "tile", "within"),
    [
        ("14x14x64", 64, 3, 2, 2e-6),
        ("28x29x64", 64, 3, 4, 5e-6),
        ("27x27x32", 32, 5, 2, 4e-6),
    ],
)
@pytest.mark.parametrize("threads", [1, 2])
def test_winograd_errs_little(
    shape: str, filters: int, kernel: int, tile: int, within: float, threads: int
) -> None:
    net = network(f"[conv: {{filters: {filters}, kernel: {kernel}, padding: same}}]", shape)
    weights = forward.random_weights(net)
    x = batch_for(net, 1)
    executable = Executable(net, weights=weights, threads=threads)
    assert executable.profile(x)[-1][1] == "Winograd"
    double = {name: each.astype(np.float64) for name, each in weights.items()}
    exact = forward.run(net, x.astype(np.float64), double, reference=True)["conv1"]
    assert exact.dtype == np.float64
    assert tile
    assert abs(executable.run(x) - exact).max() / abs(exact).max() <= within


@pytest.mark.parametrize("layers", GRAPHS.values(), ids=GRAPHS)
def test_threads_agree(layers: str) -> None:
    net = network(layers, "26x34x12")
    x, weights = batch_for(net, 2), forward.random_weights(net)
    one, *others = (
        forward.compile(net, 2, weights=weights, threads=threads).run(x)
        for threads in (1, 2, 3, 16, 100)
    )
    assert max(error(other, one) for other in others) <= CLOSE


def test_little_work_stays_on_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convcalc.forward.engine.kernels.LITTLE", 6_000_000)
    net = network(GRAPHS["residual"], "12x12x12")
    agrees(net, 2)
    compiled = build(planned(net), 1, forward.random_weights(net), {*net.outputs}, 2, once=False)
    assert not any(any(phase[1:]) for stage in compiled.stages[1:] for phase in stage.phases)


def test_random_weights_do_not_depend_on_threads() -> None:
    net = network("[flatten, linear: 2000]", "20x20x4")
    one, two = (forward.random_weights(net, 7, threads=threads) for threads in (1, 2))
    assert all((one[name] == two[name]).all() for name in one)
    assert any((one[name] != each).any() for name, each in forward.random_weights(net, 8).items())


def test_deep_residual_networks_stay_finite() -> None:
    branch = "conv: {filters: 6, kernel: 3, padding: 1}, relu, conv: {filters: 6, kernel: 1}"
    net = network(f"[{{layers: [add: [[], [{branch}]]], repeat: 300}}]", "4x4x6")
    assert np.isfinite(forward.compile(net).run(batch_for(net, 1))).all()


def test_blas_threads_are_restored() -> None:
    if not blas():
        pytest.skip("NumPy has another BLAS")
    (library, *_) = blas()
    net = network("[conv: {filters: 8, kernel: 3}]")
    with blas_threads(2):
        forward.compile(net, threads=2).run(batch_for(net, 1))
        assert library.num_threads == 2
        forward.run(net, batch_for(net, 1), reference=True)
        assert library.num_threads == 2


@pytest.mark.parametrize("threads", [None, 1, 2])
def test_the_reference_holds_the_blas(monkeypatch: pytest.MonkeyPatch, threads: int | None) -> None:
    if not blas():
        pytest.skip("NumPy has another BLAS")
    (library, *_) = blas()
    net = network("[{linear: 3, name: fc}]", "8")
    original = Linear.forward
    during: list[int] = []

    def counting(*arguments: Any) -> Any:
        during.append(library.num_threads)
        return original(*arguments)

    monkeypatch.setattr(Linear, "forward", counting)
    with blas_threads(2):
        forward.run(net, batch_for(net, 1), reference=True, threads=threads)
        verify(net, Run(threads=threads))
        assert library.num_threads == 2
    assert set(during[:1] + during[-1:]) == {threads or 1}


def test_every_thread_of_the_engine_holds_the_blas(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is built on OpenMP has a number for each."""
    during: set[tuple[str, int]] = set()

    class Library:
        num_threads = 4

        def set_num_threads(self, count: int) -> None:
            during.add((current_thread().name, count))

    monkeypatch.setattr("convcalc.forward.threads.blas", lambda: [Library()])
    with workers(3):
        pass
    assert during == {("MainThread", 1), ("MainThread", 4), ("convcalc-1", 1), ("convcalc-2", 1)}


def test_a_failing_thread_raises_and_restores(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise FloatingPointError

    with pytest.raises(FloatingPointError), workers(2) as execute:
        execute([[[], [(fail, ())]]])
    with pytest.raises(FloatingPointError), workers(2) as execute:
        execute([[[(fail, ())], [(len, ("",))]]])


def _arrays(value: Any) -> Iterable[Any]:
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _arrays(each)
    elif isinstance(value, dict):
        yield from _arrays(list(value.values()))


@tabled("layers", GRAPHS.values(), ids=GRAPHS)
def test_every_array_is_float32(layers: str) -> None:
    net = network(layers, "26x34x12")
    weights = forward.random_weights(net)
    compiled = build(planned(net), 2, weights, {*net.outputs}, 2, once=False)
    count = 0
    for stage in compiled.stages:
        for phase in stage.phases:
            for calls in phase:
                for _, arguments in calls:
                    for array in _arrays(arguments):
                        assert array.dtype == np.float32
                        count += 1
                    assert not any(isinstance(value, np.float64) for value in arguments)
    assert count > 10


def test_a_run_allocates_little_but_its_output() -> None:
    net = load("vgg16", parameters={"classes": 10})
    executable = forward.compile(net, weights=forward.random_weights(net), threads=2, once=True)
    x = batch_for(net, 1)
    executable.run(x)
    _, peak = forward.measure_peak(executable.run, x)
    assert peak < 1 << 20
    largest = 2 * 4 * 224 * 224 * 64
    assert executable.compiled().size < 2 * largest


@pytest.mark.parametrize("batch", [1, 3])
def test_weights_that_are_drawn_when_they_are_read_are_the_same(batch: int) -> None:
    layers = "[conv: {filters: 8, kernel: 3}, batchnorm, flatten, linear: 700, relu, linear: 9]"
    net = network(layers, "24x20x4")
    x = batch_for(net, batch)
    expected = forward.compile(net, batch, weights=forward.random_weights(net, 3)).run(x)
    drawn = forward.compile(net, batch, seed=3, once=True)
    for _ in range(2):
        assert error(drawn.run(x), expected) <= DIRECT


def test_weights_that_are_read_once_are_never_all_in_memory() -> None:
    net = network("[flatten, linear: 4096, linear: 4096]", "32x32x4")
    x = batch_for(net, 1)
    _, peak = forward.measure_peak(forward.run, net, x, keep="output", threads=2)
    assert peak < 4 * 4096 * 4096 * 2 / 8


def test_wrong_weights_are_all_listed() -> None:
    net = network("[conv: {filters: 4, kernel: 3}, flatten, linear: 3]", "5x5x2")
    weights = forward.random_weights(net)
    weights["conv1.weight"] = weights["conv1.weight"].transpose(2, 3, 1, 0)
    weights["fc.weight"] = weights.pop("linear1.weight")
    with pytest.raises(ValueError, match="3 weights do not fit") as caught:
        forward.run(net, batch_for(net, 1), weights)
    assert str(caught.value).splitlines()[1:] == [
        (
            "  conv1.weight: is 3×3×2×4, expected 4×2×3×3: its axes are in another order than "
            "PyTorch's, which is filters first"
        ),
        "  linear1.weight: missing, expected 3×36",
        "  fc.weight: no such weight",
    ]


def test_what_cannot_be_run_is_said() -> None:
    net = network("[relu]")
    x = batch_for(net, 1)
    with pytest.raises(ValueError, match="no such layer"):
        forward.run(net, x, keep=["relu2"])
    with pytest.raises(ValueError, match="1×6×9×11"):
        forward.run(net, x.swapaxes(2, 3))
    with pytest.raises(ValueError, match="float16"):
        forward.compile(net, dtype="float16")
    with pytest.raises(ValueError, match="backend"):
        forward.run(net, x, backend="torch")  # type: ignore[arg-type]
    if "cupy" not in sys.modules:
        with pytest.raises((ModuleNotFoundError, RuntimeError), match="cupy needs"):
            forward.run(net, x, backend="cupy")


def test_keep_chooses_what_is_returned() -> None:
    net = network("[conv: {filters: 4, kernel: 3}, relu, dropout, flatten]", "5x5x2")
    x = batch_for(net, 2)
    every = ["conv1", "relu1", "dropout1", "flatten1"]
    assert list(forward.run(net, x, keep="all")) == every
    assert list(forward.run(net, x)) == list(forward.run(net, x, keep="output")) == ["flatten1"]
    assert list(forward.run(net, x, keep=["relu1"], reference=True)) == ["relu1"]
    assert (forward.run(net, x, keep=["conv1"])["conv1"] < 0).any()


@pytest.mark.parametrize(
    ("name", "size"),
    [("vgg11", 64), ("resnet18", 64), ("mobilenet_v2", 64), ("densenet", 64), ("googlenet", 64)],
)
def test_whole_networks_against_torch(name: str, size: int) -> None:
    torch = pytest.importorskip("torch")
    torch_program = pytest.importorskip("benchmarks.torch_program").torch_program

    net = load(name, input=Shape(3, (size, size)))
    weights = forward.random_weights(net, 5)
    program: dict[str, Any] = {}
    exec(torch_program(net), program)  # noqa: S102 (written from the network)
    for layer, module in program["modules"].items():
        for key, held in module.state_dict().items():
            if key != "num_batches_tracked":
                held.copy_(torch.from_numpy(np.ascontiguousarray(weights[f"{layer}.{key}"])))
    x = batch_for(net, 2)
    expected = program["forward"](torch.from_numpy(x)).numpy()
    torch.set_grad_enabled(True)
    for threads in (1, available_cores()):
        executable = forward.compile(net, 2, weights=weights, threads=threads)
        assert error(executable.run(x), expected) <= CLOSE
