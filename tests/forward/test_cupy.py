"""The reference tier in CuPy on a GPU, beside NumPy; skipped where there is none."""

import json

import numpy as np
import pytest
import recorded
import test_forward as definitions
from click.testing import CliRunner

from convcalc import analyze, forward
from convcalc.cli import convcalc as program
from convcalc.graph import load
from convcalc.graph.planned import planned
from convcalc.spec.bundled import bundled_names

cupy = pytest.importorskip("cupy")
try:
    cupy.cuda.runtime.getDeviceCount()
except cupy.cuda.runtime.CUDARuntimeError:
    pytest.skip("there is no GPU", allow_module_level=True)

MOST = 20_000_000_000
"""Multiply-accumulates of the largest bundled network that NumPy runs beside."""


@definitions.rows(*definitions.EVERY)
def test_every_layer_gives_numpys_values(row: definitions.Row) -> None:
    layer, xs, plan = definitions.built(row)
    weights = definitions.weights_of(plan)
    given = recorded.looked_up(layer, definitions.arrays(xs))
    there = {name: cupy.asarray(each) for name, each in weights.items()}
    found = layer.forward(cupy, there, [cupy.asarray(x) for x in given])
    assert isinstance(found, cupy.ndarray)
    expected = layer.forward(np, weights, given)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(cupy.asnumpy(found), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", bundled_names())
def test_every_bundled_network_is_verified(name: str) -> None:
    """All its layers run, and have the predicted shapes."""
    found = CliRunner().invoke(program, ["verify", name, "--backend", "cupy", "--format", "json"])
    assert found.exit_code == 0, found.output
    verdict = json.loads(found.stdout)
    assert (verdict["backend"], verdict["verified"]) == ("cupy", True)
    cupy.get_default_memory_pool().free_all_blocks()


@pytest.mark.parametrize("bundled", bundled_names())
def test_every_value_of_a_bundled_network_is_numpys(bundled: str) -> None:
    network = planned(load(bundled))
    macs = analyze(network).totals.macs
    if macs is None or macs > MOST:
        pytest.skip("NumPy would take long")
    random = np.random.default_rng(0)
    x = {
        name: random.normal(size=(1, *network.shape_of(index).axes))
        for name, index in network.named_inputs.items()
    }
    expected = forward.run(network, x, reference=True, keep="all")
    found = forward.run(network, x, backend="cupy", keep="all")
    assert found.keys() == expected.keys()
    for layer, values in expected.items():
        size = np.abs(values).max()
        np.testing.assert_allclose(found[layer], values, rtol=0, atol=1e-9 * size, err_msg=layer)
