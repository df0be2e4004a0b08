"""Steps of training: what they hold in memory, and that they make a loss smaller."""

import numpy as np
import pytest

import convcalc
from convcalc.forward.held import Held, storage
from convcalc.forward.training import Terms, prepared, train
from convcalc.graph.planned import planned


def test_a_storage_counts_once_for_as_long_as_anything_looks_at_it() -> None:
    held = Held()
    whole = np.zeros((4, 5), np.float32)
    part = whole.reshape(2, 10)[1:].T
    assert storage(part) is whole
    held.see(part, whole, whole[0])
    assert held.bytes == 80
    held.note("forward", "first")
    other = np.ones(3, np.float32)
    held.see(other)
    held.note("forward", "second")
    del whole
    assert held.bytes == 92, "a view holds on to it"
    del part
    assert held.bytes == 12
    held.note("backward", "third")
    assert (held.peak, held.place) == (92, ("forward", "second"))
    del other
    assert held.bytes == 0
    again = np.ones(2, np.float32)  # perhaps at the place of one that is gone
    held.see(again)
    assert held.bytes == 8


def test_a_step_lets_go_of_all_that_it_made() -> None:
    network = planned(
        convcalc.loads(
            "{input: 6x6x2, layers: [conv: {filters: 4, kernel: 3, padding: 1}, relu,"
            " flatten, linear: 3]}"
        )
    )
    trainer = prepared(network, "cross-entropy", batch=2)
    seen = train(trainer, 3)
    kept = sum(layer.first for layer in seen.layers.values()) + seen.loss_kept
    # Weights, input, targets, then what is kept, and gradients on their way, as large as outputs.
    weights = sum(each.nbytes for each in trainer.weights.values())
    assert seen.peak < 2 * weights + 2 * 4 * 72 + 2 * 8 + kept + 3 * 2 * 4 * 144
    assert seen.losses == sorted(seen.losses, reverse=True)


def test_steps_are_the_same_for_the_same_seed() -> None:
    text = "{input: 4x4x2, layers: [conv: {filters: 3, kernel: 3}, relu, dropout: 0.5, flatten]}"
    network = planned(convcalc.loads(text))
    one, same, other = (
        train(prepared(network, "cross-entropy", Terms(seed=seed), batch=4), 3).losses
        for seed in (0, 0, 1)
    )
    assert one == same != other


@pytest.mark.thorough
def test_a_network_for_cifar_learns_64_images_by_heart() -> None:
    network = planned(convcalc.load("cifar_cs231n"))
    images = np.random.default_rng(7).uniform(-1, 1, (64, 3, 32, 32)).astype(np.float32)
    trainer = prepared(
        network, "cross-entropy", Terms("adam", 2e-3), batch=64, given={"input": images}
    )
    assert trainer.objectives[network.output][1].shape == (64,)
    losses = train(trainer, 130).losses
    assert losses[0] > 2
    assert losses[-1] < 0.01
