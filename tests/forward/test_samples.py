"""`verify --engine` finds a kernel that is wrong, whichever it is and wherever it is wrong."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from test_kernels import all_kernels

from convcalc.checks.verify import Run, verify
from convcalc.cli import convcalc
from convcalc.forward.engine.kernels import (
    convolution,
    depthwise,
    elementwise,
    fallback,
    linear,
    pooling,
    transposed,
    winograd,
)
from convcalc.forward.engine.kernels.common import Banded
from convcalc.graph import Network, loads
from convcalc.window import Window

MAP = "input: 37x38x16\nrounding: floor\nlayers: "  # large enough for Winograd to pay once
KERNELS: dict[Any, str] = {
    convolution.Convolution: "[conv: {filters: 5, kernel: 2, stride: 2, padding: 1}, relu]",
    depthwise.Depthwise: "[depthwise_conv: {kernel: 3, padding: 1}, batchnorm]",
    elementwise.Activation: "[silu]",
    elementwise.Affine: "[batchnorm]",
    elementwise.Concat: "[concat: [[], [relu]]]",
    elementwise.LayerNorm: "[layernorm]",
    elementwise.Merge: "[add: [[], [global_avgpool]]]",
    fallback.BandedDefinition: "[softmax]",
    fallback.Definition: "[instancenorm]",
    fallback.Lookup: "[embedding: {entries: 90, features: 16}]",
    linear.Linear: "[flatten, linear: 40, batchnorm]",
    pooling.Pooling: "[maxpool: {kernel: 3, stride: 2, padding: 1}]",
    transposed.Transposed: "[conv_transpose: {filters: 4, kernel: 4, stride: 2, padding: 1}]",
    winograd.Winograd: "[conv: {filters: 7, kernel: 3, padding: 1}]",
}


def shifted(y: Any) -> None:
    """Every value one place further: positions, or the outputs of a linear layer."""
    y[...] = np.roll(y, 1, axis=-2 if y.shape[-2] > 1 else -1)


def wrong_at_the_end(y: Any) -> None:
    y[..., -1, :] = 7


def wrong_at_the_start(y: Any) -> None:
    y[:, :1, :1] = 7


def negated(y: Any) -> None:
    np.negative(y, y)


def a_thousandth_too_large(y: Any) -> None:
    y *= 1.001


def empty(y: Any) -> None:
    y[...] = np.inf


FAULTS = (shifted, wrong_at_the_end, wrong_at_the_start, negated, a_thousandth_too_large, empty)


def spoil(patch: pytest.MonkeyPatch, kernel: Any, fault: Callable[[Any], None]) -> None:
    """Let a kernel end with a fault."""
    if issubclass(kernel, Banded):
        calls = kernel.calls

        def wrong_calls(self: Any, xs: Sequence[Any], out: Any, work: Any) -> Any:
            return [*calls(self, xs, out, work), (fault, (out.inner,))]

        patch.setattr(kernel, "calls", wrong_calls)
        return
    bind = kernel.bind

    def wrong_bind(self: Any, xs: Any, out: Any, work: Any) -> Any:
        return [*bind(self, xs, out, work), [[(fault, (out.inner,))]]]

    patch.setattr(kernel, "bind", wrong_bind)


def compared(network: Network) -> tuple[str, ...]:
    return verify(network, Run(batch=2, engine=True, threads=1)).verdict.differences


def test_every_kernel_is_spoiled() -> None:
    assert {kernel.__name__ for kernel in KERNELS} == all_kernels()


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kernel", KERNELS)
def test_a_wrong_kernel_is_found(
    monkeypatch: pytest.MonkeyPatch, kernel: Any, fault: Callable[[Any], None]
) -> None:
    text = MAP if kernel is not fallback.Lookup else "input: 37x1\nlayers: "
    network = loads(text + KERNELS[kernel])
    assert compared(network) == ()
    spoil(monkeypatch, kernel, fault)
    name = network.layers[0 if kernel is not linear.Linear else 1].name
    (difference, *_) = compared(network)

    assert difference.split(": ")[0] in {name, network.nodes[-1].name}


BUG = """\
input: 6x1
layers:
  - conv_transpose: {filters: 1, kernel: 2, dilation: 2}
"""


def phases_without_dilation(window: Window, size: int) -> Any:
    """As they were when the engine shifted values."""
    step, cut, outputs = window.up, window.kernel - 1 - window.before, window.output(size)
    phases = []
    for first in range(min(step, outputs)):
        start, tap = divmod(first + cut, step)
        taps = len(range(tap, window.kernel, step))
        count = len(range(first, outputs, step))
        backwards = slice(tap + (taps - 1) * step, None if tap < step else tap - step, -step)
        low, high = taps - 1 - start, max(count - 1 + start - (size - 1), 0)
        phases.append(
            (slice(first, outputs, step), backwards, Window(taps, before=low, after=high))
        )
    return phases


def test_the_command_finds_values_that_are_shifted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(BUG, encoding="utf-8")

    def run(*options: str) -> Any:
        return CliRunner().invoke(convcalc, ["verify", str(path), *options])

    assert run("--engine").exit_code == 0
    monkeypatch.setattr(transposed, "_phases", phases_without_dilation)
    wrong = run("--engine")
    assert wrong.exit_code == 1
    assert "  conv_transpose1: the engine differs from the definition by " in wrong.stdout
    assert run().exit_code == 0  # nothing of the engine is trusted, and nothing of it runs


def test_what_the_engine_leaves_out_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    network = loads("input: 4x4x2\nlayers: [{tanh: {}, name: t}, dropout, add: [[], [from: t]]]\n")
    assert compared(network) == ()
    monkeypatch.setattr("convcalc.layers.dropout.Dropout.forward", lambda _, __, ___, xs: -xs[0])

    assert compared(network)[0].startswith("dropout1: the engine")


def test_a_function_that_brings_all_values_near_to_0_is_as_predicted() -> None:
    network = loads("input: 3x3x1\nlayers: [gelu]\n")
    x = np.full((1, 1, 3, 3), -4, np.float32)  # −4·Φ(−4) = −1.267e-4, and 4·1.5e-7 is 0.5 % of it

    assert verify(network, Run(engine=True, given={"input": x})).verdict.good


def test_samples_take_little_of_a_large_map() -> None:
    network = loads("input: 200x200x8\nlayers: [conv: {filters: 8, kernel: 3, padding: 1}]\n")
    (note,) = verify(network, Run(engine=True)).verdict.notes

    assert f" {3 * 3 * 3 * 8} values" in note
