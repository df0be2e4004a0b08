"""A small sample of `python -m benchmarks random`: random networks beside PyTorch."""

from collections import Counter
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import torch_memory  # noqa: E402 (needs torch)

from benchmarks import random as random_networks  # noqa: E402
from convcalc.analysis.memory import Inexact  # noqa: E402
from convcalc.graph import load  # noqa: E402


def test_counts_of_random_networks_are_those_of_torch() -> None:
    for number, text in zip(range(25), random_networks.texts("a sample"), strict=False):
        verdict, why = random_networks.judged(random_networks.counts, text, number)
        assert verdict in ("equal", "refused"), (why, text)


def test_memory_of_random_networks_is_that_of_torch_or_said() -> None:
    for number, text in zip(range(12), random_networks.texts("memory"), strict=False):
        verdict, why = random_networks.judged(random_networks.memory_of, text, number)
        assert verdict in ("equal", "said", "refused"), (why, text)


def test_a_difference_is_told() -> None:
    told = random_networks._differences({"MACs": (1, 2), "shapes": ([1], [1])})
    assert told == "MACs: 1 here, 2 in PyTorch"


def test_what_pytorch_does_not_run_is_counted_and_what_fails_is_no_success() -> None:
    def refuses(_text: str, _number: int) -> tuple[str, str]:
        message = "view size is not compatible with input tensor's size"
        raise RuntimeError(message)

    def fails(_text: str, _number: int) -> tuple[str, str]:
        message = "anything else"
        raise RuntimeError(message)

    assert random_networks.judged(refuses, "", 0)[0] == "refused"
    assert random_networks.judged(fails, "", 0) == ("failed", "RuntimeError: anything else")
    tally = Counter(equal=8, refused=1, failed=1)
    assert random_networks.told(tally) == (
        "8 equal, 0 different, 1 that PyTorch does not run, 1 that PyTorch failed on"
    )


def test_operations_are_counted_as_flop_counter_mode_does() -> None:
    from torch.utils.flop_counter import FlopCounterMode

    net = load("mobilenet_v2")
    peer = torch_memory.Peer(net, 2, "meta")
    flags = torch_memory.Flags(training=False)
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        peer.run(flags, lambda _: False)
    with torch.no_grad():
        counted = random_networks.counted(lambda: peer.run(flags, lambda _: False))
    assert counted == counter.get_total_flops() > 0


@pytest.mark.parametrize(
    ("figures", "direction", "what", "more", "covered"),
    [
        ("every peak", "higher", "forward", 4, True),
        ("every peak", "higher", "forward", -4, False),
        ("the backward peak", "higher or lower", "backward", -4, True),
        ("the backward peak", "lower", "forward", -4, False),
    ],
)
def test_only_what_a_report_says_is_said(
    figures: Any, direction: Any, what: str, more: int, *, covered: bool
) -> None:
    told = Inexact("relu1", figures, direction, "a reason")
    assert random_networks.said(told, what, more) == covered
