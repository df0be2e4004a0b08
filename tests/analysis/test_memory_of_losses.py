"""What losses take beside PyTorch, as its kernels return it."""

from collections.abc import Callable
from math import prod
from typing import Any

from tabled import tabled

from convcalc.analysis.memory import memory
from convcalc.graph import Network, loads
from convcalc.shape import Shape

TEXT = """
input: 6x6x3
layers:
  - conv: {filters: 4, kernel: 3}
  - {tanh: , name: a}
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
"""What a PyTorch user would write; binary cross-entropy of scores, since no sigmoid is last."""
ONE = "input: 6x6x3\nlayers: [conv: {filters: 4, kernel: 3}, tanh]"


@tabled("loss", [*LOSSES, "of shares"])
def test_losses_to_the_byte(loss: str, torch_memory: Any) -> None:
    """On the CPU: there some kernels leave the loss in memory as large as the output."""
    shares = loss == "of shares"
    name = "binary-cross-entropy" if shares else loss
    functional = torch_memory.functional
    theirs = functional.binary_cross_entropy if shares else LOSSES[loss](functional)
    for text in (TEXT, ONE):
        ended = text.replace("tanh", "sigmoid").replace("relu", "sigmoid") if shares else text
        network = loads(ended)
        for batch in (1, 4):
            report = memory(network, batch=batch, training=True, inplace=False, loss=name)
            measured = torch_memory.training(
                network, batch, lambda _: False, device="cpu", loss=theirs
            )
            targets = _targets(loss, network, batch)
            assert report.kept == measured.saved
            assert report.after_forward == measured.after_forward - targets
            assert report.forward_peak == measured.forward_peak - targets
            assert report.backward_peak == measured.backward_peak - targets


def _targets(loss: str, network: Network, batch: int) -> int:
    """Bytes of indices that the peer holds for a loss without targets."""
    shapes = [network.shape_of(index) or Shape(0) for index in network.outputs]
    return sum(8 * prod(shape.spatial) * batch for shape in shapes) if loss == "squares" else 0
