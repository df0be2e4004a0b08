"""`same` padding of even kernels: the odd one behind, in shapes, values and fields."""

from itertools import product

import numpy as np
import pytest
from tabled import tabled

from convcalc import loads
from convcalc.analysis import analyze
from convcalc.forward import random_weights, run

KERNELS = list(product((2, 3, 4, 6), (1, 2, 3), (1, 2, 3)))


def spec(kind: str, kernel: int, dilation: int, rank: int, rounding: str) -> str:
    fields = f"kernel: {kernel}, stride: 1, padding: same"
    if kind == "conv":
        fields += f", dilation: {dilation}, filters: 2"
    return f"input: {'9x' * rank}2\nrounding: {rounding}\nlayers:\n  - {kind}: {{{fields}}}\n"


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("rounding", ["floor", "ceil"])
@pytest.mark.parametrize(("kernel", "dilation", "rank"), KERNELS)
def test_values_of_an_even_kernel_are_those_of_pytorch(
    kernel: int, dilation: int, rank: int, rounding: str
) -> None:
    torch = pytest.importorskip("torch")
    text = spec("conv", kernel, dilation, rank, rounding)
    if rounding == "ceil":  # a spec-wide `ceil` is pooling's
        text = text.replace("filters: 2", "filters: 2, rounding: ceil")
    network = loads(text)
    weights = random_weights(network)
    x = np.random.default_rng(0).standard_normal((2, 2, *(9,) * rank)).astype(np.float32)
    function = getattr(torch.nn.functional, f"conv{rank}d")
    arrays = [
        torch.from_numpy(weights[f"conv1.{name}"].astype(np.float32)) for name in ("weight", "bias")
    ]
    wanted = function(torch.from_numpy(x), *arrays, padding="same", dilation=dilation).numpy()

    output = network.shape_of(network.output)
    assert output is not None
    assert output.axes == wanted.shape[1:]
    for reference in (True, False):
        found = run(network, x, weights, reference=reference)["conv1"]
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


@tabled(("kernel", "dilation", "rank"), KERNELS)
def test_the_field_of_an_even_kernel_reaches_further_behind(
    kernel: int, dilation: int, rank: int
) -> None:
    layer = analyze(loads(spec("conv", kernel, dilation, rank, "floor"))).layers[0]
    reach = dilation * (kernel - 1)

    assert layer.receptive_field is not None
    for field in layer.receptive_field:
        assert (field.size, field.start) == (reach + 1, -(reach // 2))


@pytest.mark.parametrize("kind", ["maxpool", "avgpool", "lppool"])
@pytest.mark.parametrize("rounding", ["floor", "ceil"])
def test_pools_take_an_even_kernel_too(kind: str, rounding: str) -> None:
    network = loads(spec(kind, 2, 1, 1, rounding))
    x = np.arange(18, dtype=np.float32).reshape(1, 2, 9)
    found = run(network, x)[f"{kind}1"]

    behind = np.concatenate([x[..., 1:], np.zeros((1, 2, 1), np.float32)], axis=-1)
    if kind == "maxpool":
        np.testing.assert_array_equal(found, np.maximum(x, behind))
    elif kind == "lppool":
        np.testing.assert_allclose(found, np.sqrt(x * x + behind * behind), rtol=1e-6)
    else:
        np.testing.assert_allclose(found, (x + behind) / 2, rtol=1e-6)
