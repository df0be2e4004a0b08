"""What losses take beside PyTorch, as its kernels return it."""

from collections.abc import Callable
from typing import Any

import pytest
from tabled import tabled

from convcalc.analysis.memory import memory
from convcalc.graph import loads

TEXT = """
input: 6x6x3
layers:
  - {conv: {filters: 4, kernel: 3}, name: a}
  - {from: input, conv: {filters: 5, kernel: 3}}
  - tanh
  - {relu: , name: b}
outputs: [a, b]
"""
LOSSES: dict[str, Callable[[Any], Callable[[Any, Any], Any]]] = {
    "cross-entropy": lambda functional: functional.cross_entropy,
    "binary-cross-entropy": lambda functional: functional.binary_cross_entropy_with_logits,
    "mean-squared-error": lambda functional: functional.mse_loss,
    "squares": lambda _: lambda output, _: output.square().mean(),
}
"""What a PyTorch user would write; binary cross-entropy of scores, since no sigmoid is last. That
of shares is held by the data: on the meta device its loss is one number, on the CPU it is not."""


@pytest.fixture
def torch_memory() -> Any:
    return pytest.importorskip("torch_memory")


@tabled("loss", LOSSES)
def test_losses_to_the_byte(loss: str, torch_memory: Any) -> None:
    network = loads(TEXT)
    for batch in (1, 4):
        report = memory(network, batch=batch, training=True, inplace=False, loss=loss)
        measured = torch_memory.training(
            network, batch, lambda _: False, loss=LOSSES[loss](torch_memory.functional)
        )
        assert report.after_forward == measured.after_forward - _targets(loss, network, batch)
        assert report.kept == measured.saved
        targets = _targets(loss, network, batch)
        assert report.forward_peak == measured.forward_peak - targets
        assert report.backward_peak == measured.backward_peak - targets


def _targets(loss: str, network: Any, batch: int) -> int:
    """Of a loss without targets, those that the peer holds."""
    positions = sum(16 for _ in network.outputs)
    return 8 * positions * batch if loss == "squares" else 0
