"""Memory where a network has attention or learned values; test_memory_more.py has the figures."""

import pytest
from test_memory_more import SMALL_VIT

from convcalc.analysis.memory import RunTerms, largest_batch, memory, model
from convcalc.graph import Network, loads


@pytest.fixture(scope="module")
def small_vit() -> Network:
    return loads(SMALL_VIT)


def test_at_one_example_a_gradient_of_a_token_keeps_that_of_all_tokens(small_vit: Network) -> None:
    """It is a part of it, 256 of 17·64·4 bytes; that of several examples is a sum over them."""
    one, two = (memory(small_vit, batch=batch, training=True) for batch in (1, 2))
    assert one.gradients - one.parameters == 17 * 64 * 4 - 256
    assert two.gradients == two.parameters


@pytest.mark.parametrize("attention", ["fused", "math"])
def test_the_largest_batch_is_the_last_that_fits(small_vit: Network, attention: str) -> None:
    terms = RunTerms(training=True, attention=attention)
    made = model(small_vit, terms)
    for batch in (1, 2, 3, 40):
        assert made.largest_batch(made.peak(batch)) >= batch
        assert made.largest_batch(made.peak(batch) - 1) < batch
    assert largest_batch(small_vit, made.peak(5), training=True, attention=attention) >= 5


def test_attention_is_named_where_there_is_some(small_vit: Network) -> None:
    assert memory(small_vit).attention == "fused"
    assert memory(small_vit, attention="math").attention == "math"
    with pytest.raises(ValueError, match="would change nothing: <text> has none"):
        memory(loads("{input: 8, layers: [linear: 2]}"), attention="math")
    assert memory(loads("{input: 8, layers: [linear: 2]}")).attention is None
