"""Memory where a network has attention or learned values; test_memory_more.py has the figures."""

from collections.abc import Iterator
from contextlib import nullcontext
from random import Random
from typing import Any

import pytest
from tabled import tabled
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


@pytest.mark.parametrize("attention", ["fused", "math"])
def test_nothing_is_said_of_a_vision_transformer(small_vit: Network, attention: str) -> None:
    """Its figures are equal to what was measured, of one example and of several."""
    for batch in (1, 2):
        report = memory(small_vit, batch=batch, training=True, attention=attention)
        assert report.inexact == ()


# Attention to another tensor, beside PyTorch


def crossing(random: Random) -> str:
    """A network whose attention reads two inputs, or two and what is made of the second."""
    heads = random.randint(1, 3)
    width, channels = heads * random.randint(2, 4), random.randint(2, 9)
    length, others = random.randint(2, 9), random.randint(2, 9)
    before = random.choice(("", "layernorm", "scale"))
    branches = [f"[{before}]", f"[{{from: other}}{', ' * bool(before)}{before}]"]
    more = f"[{{from: other}}, linear: {{axis: channels, features: {random.randint(1, 5)}}}]"
    branches += [more] * (random.random() < 1 / 3)
    item = f"{{heads: {heads}, bias: {str(random.random() < 2 / 3).lower()}, "
    item += f"branches: [{', '.join(branches)}]}}"
    return (
        f"input: {{left: {length}x{width}, other: {others}x{random.choice((width, channels))}}}\n"
        f"layers:\n  - add: [[], [attention: {item}]]\n"
        "  - layernorm\n  - global_avgpool\n  - flatten\n  - linear: 2\n"
    )


@pytest.fixture
def one_thread() -> Iterator[None]:
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def measured(
    net: Network, batch: int, attention: str | None
) -> tuple[tuple[int, ...], tuple[int, ...], set[str]]:
    """What inference and a training step take, here and in PyTorch, and the layers said of."""
    torch_memory: Any = pytest.importorskip("torch_memory")
    kernels = pytest.importorskip("torch.nn.attention")
    inference = memory(net, batch=batch, attention=attention)
    training = memory(net, batch=batch, training=True, attention=attention)
    math = kernels.sdpa_kernel(kernels.SDPBackend.MATH)
    with math if attention == "math" else nullcontext():
        peak = torch_memory.inference(net, batch, lambda _: False, device="cpu")
        theirs = torch_memory.training(net, batch, lambda _: False, device="cpu")
    peaks = training.forward_peak, training.backward_peak
    ours = (inference.activation_peak, training.kept, training.after_forward, *peaks)
    static = training.parameters + training.buffers + training.input + training.targets
    assert static == theirs.static
    after = theirs.after_forward, theirs.forward_peak, theirs.backward_peak
    told = {each.layer for each in (*inference.inexact, *training.inexact)}
    return ours, (peak, theirs.saved, *after), told


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("attention", ["fused", "math"])
def test_attention_to_another_tensor_takes_what_pytorchs_takes(attention: str) -> None:
    """To the byte, or the report says that it may not be: of one example out of order alone."""
    random, exact = Random(attention), 0  # noqa: S311 (tests repeat)
    for number in range(12):
        text, batch = crossing(random), 1 + number % 3
        ours, theirs, told = measured(loads(text), batch, attention)
        assert ours == theirs or (batch == 1 and "attention1" in told), (text, batch, ours, theirs)
        exact += ours == theirs
    assert exact > 8


WITHIN = [
    ("6x9x8", "window: 3"),
    ("6x9x8", "window: 3, shift: 1"),
    ("5x8x8", "window: 3, shift: 1"),  # padded along both axes
    ("6x8x8", "window: 3, shift: [2, 1]"),
    ("4x4x8", "window: 4, shift: 2"),  # one window, which is not moved
    ("6x9x8", "grid: 3"),
    ("3x3x8", "grid: 3"),
    ("9x8", "window: 4, shift: 2"),
    ("5x3x4x8", "window: 2, shift: 1"),
    ("3x4x8", ""),
    ("7x8", ""),
]
"""A map, and how attention cuts it."""


@pytest.mark.usefixtures("one_thread")
@tabled(("size", "fields"), WITHIN)
def test_attention_within_parts_takes_what_torchvisions_takes(size: str, fields: str) -> None:
    """To the byte, with biases and without; where it may not, the report says so."""
    for batch in (1, 2):
        for relative in ("true", "false") if fields else ("true",):
            item = f"attention: {{heads: 2, relative_bias: {relative}, {fields}}}"
            text = (
                f"input: {size}\nlayers:\n  - scale\n  - add: [[], [layernorm, {item}]]\n"
                "  - layernorm\n  - global_avgpool\n  - flatten\n  - linear: 2\n"
            )
            ours, theirs, told = measured(loads(text), batch, None)
            rows_behind = batch == 1 and size == "9x8"
            assert ours == theirs or rows_behind, (text, batch, ours, theirs)
            assert ("attention1" in told) == rows_behind
