"""What no output is made of has no gradient: nothing that is said of training counts it."""

from typing import Any

import pytest
from tabled import tabled

import convcalc
from convcalc.analysis import analyze
from convcalc.analysis.memory import memory
from convcalc.checks.trained import TrainingRun
from convcalc.checks.training import verify_training
from convcalc.forward.training import learning
from convcalc.graph.asked import asked_of
from convcalc.graph.planned import leading_to, planned

# Behind the output `end`, or beside it; what is left out is no part of any output.
AFTER = [
    "conv: {filters: 7, kernel: 3}",
    "depthwise_conv: {kernel: 3}",
    "batchnorm",
    "attention: {heads: 2}",
    "{conv: {filters: 4, kernel: 1}, weights: first}",
    "add: [[], [conv: {filters: 4, kernel: 1}]]",
    "multiply: [[], [{learned: 6x6x4}]]",
    "{layers: [reshape: [-1, 4], matmul: [[], [{learned: 4x36}]]]}",
    "{layers: [flatten, linear: 3, softmax]}",
    "lppool: 2",
    "{name: pool, maxpool: 2}",
]


def written(after: str) -> convcalc.Network:
    text = f"""
input: 6x6x4
layers:
  - {{name: first, conv: {{filters: 4, kernel: 1}}}}
  - relu
  - {{name: end, batchnorm: }}
  - {after}
outputs: [end]
"""
    return convcalc.loads(text)


@tabled("after", AFTER)
def test_what_no_output_is_made_of_costs_training_nothing(after: str) -> None:
    network = written(after)
    whole = planned(network)
    alone = leading_to(network, network.outputs[0])
    assert len(alone.nodes) < len(whole.nodes)
    each = {layer.name: layer.backward_macs for layer in analyze(whole).nodes}
    assert [each[node.name] for node in alone.nodes] == [
        layer.backward_macs for layer in analyze(alone).nodes
    ]
    assert analyze(whole).totals.backward_macs == analyze(alone).totals.backward_macs
    assert learning(whole) == learning(alone)
    assert sum(map(len, asked_of(whole))) == sum(map(len, asked_of(alone)))
    terms: Any = {"batch": 2, "training": True, "optimizer": "adam"}
    known, expected = memory(whole, **terms), memory(alone, **terms)
    assert (known.gradients, known.optimizer_state) == (
        expected.gradients,
        expected.optimizer_state,
    )
    assert known.kept == expected.kept
    made = verify_training(whole, TrainingRun(batch=2, optimizer="adam"))
    assert made.differences == ()


def test_pytorch_makes_no_gradient_and_no_state_of_it_either() -> None:
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    network = written("conv: {filters: 7, kernel: 3}")
    first, norm, vain = torch.nn.Conv2d(4, 4, 1), torch.nn.BatchNorm2d(4), torch.nn.Conv2d(4, 7, 3)
    module = torch.nn.ModuleList([first, norm, vain])
    adam = torch.optim.Adam(module.parameters())
    with FlopCounterMode(display=False) as counter:
        end = norm(first(torch.randn(2, 4, 6, 6)).relu())
        vain(end)
        forward = counter.get_total_flops()
        end.square().mean().backward()
        backward = counter.get_total_flops() - forward
    adam.step()
    state = sum(each.nbytes for of in adam.state.values() for each in of.values())
    gradients = sum(each.grad.nbytes for each in module.parameters() if each.grad is not None)
    known = memory(network, batch=2, training=True, optimizer="adam")
    assert 2 * (analyze(network, batch=2).totals.backward_macs or 0) == backward
    assert (known.gradients, known.optimizer_state) == (gradients, state)


UNDONE = """
input: 8x8x3
layers:
  - {name: first, conv: {filters: 4, kernel: 3, padding: 1}}
  - {name: chosen, conv: {filters: 5, kernel: 3, padding: 1}}
  - {name: pool, maxpool: 2}
  - {from: first, name: less, conv: {filters: 5, kernel: 2, stride: 2}}
  - maxunpool: pool
"""


def test_where_the_largest_values_stood_has_no_gradient() -> None:
    network = planned(convcalc.loads(UNDONE))
    asked = {node.name: keys for node, keys in zip(network.nodes, asked_of(network), strict=True)}
    assert not asked["chosen"]
    assert not asked["pool"]
    assert {each.split(".")[0] for each in learning(network)} == {"first", "less"}
    assert verify_training(network, TrainingRun(batch=2)).differences == ()


def test_a_loss_of_what_has_no_gradient_keeps_nothing() -> None:
    text = "{input: 8x8x3, layers: [{name: end, conv: {filters: 4, kernel: 3}}], outputs: [%s]}"
    for ends in ("input, end", "end"):
        made = verify_training(planned(convcalc.loads(text % ends)), TrainingRun(batch=2))
        assert made.differences == ()
        # Logarithms of the scores of `end`, 6·6·4 for each of two examples.
        assert made.loss_bytes.observed == 2 * 6 * 6 * 4 * 4


def test_what_learns_without_an_output_cannot_be_trained() -> None:
    text = "{input: 8x8x3, layers: [conv: {filters: 4, kernel: 3}], outputs: [input]}"
    with pytest.raises(ValueError, match="no weights that learn, and that an output is made of"):
        verify_training(planned(convcalc.loads(text)), TrainingRun(batch=2))


def test_weights_that_only_another_layer_leads_to_an_output_with_learn() -> None:
    layer = "conv: {filters: 3, kernel: 3, padding: 1}"
    text = f"""
    input: 8x8x3
    layers:
      - {{name: owner, {layer}}}
      - {{from: input, name: user, {layer}, weights: owner}}
    """
    made = verify_training(planned(convcalc.loads(text)), TrainingRun(batch=2, optimizer="adam"))
    assert made.differences == ()
    owner, user = made.layers
    assert owner.gradients.observed == owner.gradients.predicted == 3 * 3 * 9 + 3
    assert (owner.macs.observed, user.macs.observed) == (0, 2 * 64 * 9 * 9)
    assert made.gradient_bytes.observed == 4 * (3 * 3 * 9 + 3)
