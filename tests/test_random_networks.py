"""A small sample of `python -m benchmarks random`: random networks beside PyTorch."""

import pytest

pytest.importorskip("torch")

from benchmarks import random as random_networks
from convcalc.graph import loads


def test_counts_of_random_networks_are_those_of_torch() -> None:
    texts = random_networks.texts("a sample", "counts")
    for number, text in zip(range(25), texts, strict=False):
        assert not random_networks.counts(text, number), text


def test_memory_of_random_networks_is_that_of_torch() -> None:
    texts = random_networks.texts("a sample", "memory")
    for number, text in zip(range(8), texts, strict=False):
        assert not random_networks.memory_of(text, number), text


def test_a_difference_is_told() -> None:
    text = next(random_networks.texts("a sample", "counts"))
    assert loads(text).nodes
    told = random_networks._differences({"MACs": (1, 2), "shapes": ([1], [1])})
    assert told == "MACs: 1 here, 2 in PyTorch"
