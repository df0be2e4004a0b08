"""The walk back through a network: what is used more than once gets the sum of all gradients.

Networks of what is linear, in small integers: both sides are equal, and not close.
"""

from typing import Any

import pytest
from draws import Draw, examples
from test_transposed_weights import pair

from convcalc import loads
from convcalc.forward import random_weights
from convcalc.forward.backward import Learned, Pass, backward_pass, forward_pass
from convcalc.graph.asked import asked_of
from convcalc.graph.planned import Planned, planned

np = pytest.importorskip("numpy")


def whole(generator: Any, axes: Any) -> Any:
    return generator.integers(-2, 3, tuple(axes)).astype(float)


def there(network: Planned, weights: Any, given: Any, *, inputs: bool = False) -> Pass:
    asked = asked_of(network, inputs=inputs)
    return forward_pass(np, network, given, weights, asked, np.random.default_rng(0))


def back(network: Planned, weights: Any, made: Pass, dy: Any) -> Learned:
    kept = dict(made.kept)
    learned = backward_pass(
        np, network, weights, kept, {index: each.copy() for index, each in dy.items()}
    )
    assert not kept, "what a layer kept goes with it"
    return learned


@examples(40, drawn=pair)
def test_of_weights_that_a_transposed_convolution_shares_both_gradients_add_up(drawn: Any) -> None:
    extents, conv, transposed = drawn
    text = f"input: {extents}\nlayers:\n  - {{name: conv, {conv}}}\n  - {{name: back, {transposed}"
    shared = planned(loads(f"{text}, weights: conv}}\n"))
    apart = planned(loads(f"{text}}}\n"))
    generator = np.random.default_rng(1)
    own = {name: whole(generator, each.shape) for name, each in random_weights(shared).items()}
    x = {"input": whole(generator, (2, *shared.shape_of(0).axes))}
    copies = {**own, "back.weight": own["conv.weight"]}

    made = there(shared, own, x)
    ((index, y),) = made.outputs.items()
    dy = {index: whole(generator, y.shape)}
    together = back(shared, own, made, dict(dy)).weights
    each = back(apart, copies, there(apart, copies, x), dy).weights

    assert together.keys() == own.keys()
    assert np.array_equal(together["conv.weight"], each["conv.weight"] + each["back.weight"])


BRANCHED = """
input: {image: 9x8x2, mask: 9x8x1}
outputs: [joined, small]
layers:
  - {name: first, from: image, conv: {filters: 4, kernel: 3, padding: 1}}
  - {name: small, conv: {filters: 3, kernel: 3, stride: [2, 1], padding: [1, 1], groups: 1}}
  - {name: again, repeat: 2, shared: true, layers: [conv: {filters: 3, kernel: 3, padding: 1}]}
  - upsample: {size: 9x8}
  - concat: [[], [from: first], [from: first, {slice: {start: 1, stop: 3}}]]
  - add: [[], [from: mask]]
  - {name: joined, conv: {filters: 2, kernel: 1}}
"""


def linear(draw: Draw) -> int:
    return draw.randint(0, 10**6)


@examples(20, seed=linear)
def test_the_walk_back_through_branches_is_the_adjoint_of_the_walk(seed: int) -> None:
    network = planned(loads(BRANCHED))
    generator = np.random.default_rng(seed)
    weights = {
        name: np.zeros(of.shape) if name.endswith("bias") else whole(generator, of.shape)
        for name, of in random_weights(network).items()
    }
    axes = {network.nodes[at].name: network.shape_of(at).axes for at in network.inputs}
    given = {name: whole(generator, (2, *each)) for name, each in axes.items()}
    made = there(network, weights, given, inputs=True)
    dy = {at: whole(generator, y.shape) for at, y in made.outputs.items()}
    gradients = back(network, weights, made, dict(dy)).inputs

    assert gradients.keys() == given.keys()
    left = sum((y * dy[at]).sum() for at, y in made.outputs.items())
    assert left == sum((given[name] * gradients[name]).sum() for name in given)
