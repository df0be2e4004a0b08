"""One training step after the other, by the layers' readable definitions, and what is seen of them.

Forward, loss, backward, and the optimizer's step. The first is watched: what every layer kept, its
gradients, and what was held in memory. It proves numbers; it is no training framework.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from convcalc.forward.backward import BackwardError, backward_pass, forward_pass
from convcalc.forward.held import Held, storage
from convcalc.forward.losses import Loss, drawn_target, loss_of
from convcalc.forward.observe import LIBRARY, Dry, Tally, dry
from convcalc.forward.optimizers import State, first_state, step
from convcalc.forward.recording import record
from convcalc.forward.running import cupy_with_gpu
from convcalc.forward.seen import Observed
from convcalc.forward.values import random_inputs
from convcalc.forward.weights import expected_weights, random_weights
from convcalc.graph import leading
from convcalc.graph.asked import asked_of
from convcalc.graph.ends import last_kind
from convcalc.graph.planned import Planned, PlannedNode
from convcalc.layers import Layer, Plan
from convcalc.layers.base import Gradients
from convcalc.layers.kept import Kept

LONGEST = 200
"""Characters of an error that are shown."""
LOSS = "loss"
"""What the loss is called where layers have names."""


class Terms(NamedTuple):
    """How a network is trained."""

    optimizer: str = "sgd"
    """A name of `OPTIMIZERS`."""
    learning_rate: float | None = None
    """Factor of a step; None is PyTorch's default for the optimizer."""
    seed: int = 0
    """What dropout is drawn from."""


DEFAULT = Terms()
"""One step of SGD."""


class LayerSeen(NamedTuple):
    """What was seen of one layer in the first step."""

    kept: dict[str, int]
    """Bytes of each array that it kept, by name; {} where it has no backward pass to go."""
    first: int
    """Bytes of the storages that it kept, and no layer before it did; inputs of the network, and
    its own weights, left out."""
    gradients: dict[int | str, tuple[int, ...]] | None
    """Shapes of the gradients that were asked for, by number of the input or name of the weight;
    one that did not come is left out, and where nothing flowed back it is None."""
    finite: bool
    """Whether all values of these gradients are finite."""


class Norms(NamedTuple):
    """Lengths of a layer's weights, all of them together as one vector, in the first step."""

    gradient: float
    """Of their gradient; where layers share weights, of the sum."""
    weights: float
    """Of the weights themselves, before the step."""


class Trained(NamedTuple):
    """What some steps did."""

    layers: dict[int, LayerSeen]
    """By index, every layer that has a gradient."""
    norms: dict[int, Norms]
    """By index, every layer that owns weights that learn."""
    loss_kept: int
    """Bytes that the loss kept, and no layer did."""
    losses: list[float]
    """The loss of each step that was done, before the weights were changed."""
    learned: dict[str, int]
    """By the full name of each weight that has a gradient at the end of the backward pass, of how
    many values; shared ones once."""
    gradient_bytes: int
    """Their bytes, in the data type that is computed in."""
    state_bytes: int
    """Bytes of what the optimizer remembered."""
    peak: int
    """Most bytes held at once in the first step; docs/definitions.md says of what and when."""
    place: tuple[str, str]
    """The pass, and the layer, that the peak stands at: the first of several."""
    weights: dict[str, Any]
    """Weights and running statistics after the last step that was done, as the library has them."""
    interrupted: bool = False
    """Whether it was ended before all steps were done."""
    failed: tuple[int, str] | None = None
    """The layer whose backward pass raised, by index, and what; nothing was learned then."""


class Watch:
    """Sees what becomes of one step."""

    def __init__(
        self,
        xp: Any,
        network: Planned,
        asked: Sequence[Collection[int | str]],
        there: Collection[Any],
    ) -> None:
        self.xp, self.asked, self.leading = xp, asked, leading(network)
        self.places = {id(node): index for index, node in enumerate(network.nodes)}
        self.held = Held()
        self.held.see(*there)
        self.apart = {id(storage(array)) for array in there}
        self.known: set[int] = set()  # storages that are kept
        self.layers: dict[int, LayerSeen] = {}

    def first_kept(self, arrays: Collection[Any]) -> int:
        """Bytes of the storages of arrays that nobody kept before, and that come and go."""
        size = 0
        for array in arrays:
            owner = storage(array)
            if id(owner) not in self.apart and id(owner) not in self.known:
                self.known.add(id(owner))
                size += int(owner.nbytes)
        return size

    def forward(self, node: PlannedNode, y: Any, kept: Kept | None) -> None:
        """Look at a layer that ran forward."""
        arrays = {} if kept is None else kept.arrays
        self.held.see(y, *arrays.values())
        if self.places[id(node)] in self.leading:
            self.held.note("forward", node.name)
        if kept is not None:
            sizes = {name: int(array.nbytes) for name, array in arrays.items()}
            first = self.first_kept(arrays.values())
            self.layers[self.places[id(node)]] = LayerSeen(sizes, first, None, finite=True)

    def backward(self, node: PlannedNode, dy: Any, made: Gradients) -> None:
        """Look at a layer that went back."""
        self.held.see(dy, *made.values())
        self.held.note("backward", node.name)
        index = self.places[id(node)]
        wanted = {key: made[key] for key in self.asked[index] if key in made}
        self.layers[index] = self.layers[index]._replace(
            gradients={key: tuple(array.shape) for key, array in wanted.items()},
            finite=all(finite(self.xp, array) for array in wanted.values()),
        )

    def summed(self, node: PlannedNode, total: Any) -> None:
        """Look at a sum that a layer's gradient went into."""
        self.held.see(total)
        self.held.note("backward", node.name)


class Trainer:
    """A network with weights that learn, one batch, and what an optimizer remembers."""

    def __init__(
        self,
        xp: Any,
        network: Planned,
        given: Mapping[str, Any],
        weights: Mapping[str, Any],
        objectives: Mapping[int, tuple[Loss, Any]],
        terms: Terms = DEFAULT,
    ) -> None:
        """`weights` are changed in their memory; `objectives` are losses and targets by output."""
        self.xp, self.network, self.given, self.terms = xp, network, given, terms
        self.weights = dict(weights)
        self.objectives = objectives
        self.asked = asked_of(network)
        self.generator = np.random.default_rng(terms.seed)
        self.learning = learning(network)
        self.state: dict[str, State] = {
            name: first_state(xp, terms.optimizer, self.weights[name]) for name in self.learning
        }

    def forward(
        self, watch: Watch | None = None
    ) -> tuple[float, int, dict[int, Kept], dict[int, Any]]:
        """The loss, bytes that it alone kept, what layers kept, and the gradients of the outputs.

        Running statistics have moved then.
        """
        made = forward_pass(
            self.xp,
            self.network,
            self.given,
            self.weights,
            self.asked,
            self.generator,
            None if watch is None else watch.forward,
        )
        self.weights.update(made.updated)
        total, kept = self.loss(made.outputs)
        size = 0
        if watch is not None:
            watch.held.see(*kept.values(), *made.updated.values())
            watch.held.note("forward", LOSS)
            size = watch.first_kept(kept.values())
        layers = dict(made.kept)
        del made
        gradients = {
            index: loss.gradient(self.xp, kept.pop(index), target)
            for index, (loss, target) in self.objectives.items()
            if index in kept
        }
        if watch is not None:
            watch.held.see(*gradients.values())
            watch.held.note("backward", LOSS)
        return total, size, layers, gradients

    def backward(
        self, layers: dict[int, Kept], gradients: dict[int, Any], watch: Watch | None = None
    ) -> Mapping[str, Any]:
        """The gradients of the weights; what is given is let go of on the way."""
        seen = () if watch is None else (watch.backward, watch.summed)
        learned = backward_pass(self.xp, self.network, self.weights, layers, gradients, *seen)
        if watch is not None:
            watch.held.see(*learned.weights.values())
            watch.held.note("step", "optimizer")
        return learned.weights

    def loss(self, outputs: Mapping[int, Any]) -> tuple[float, dict[int, Any]]:
        """The sum of the losses of all outputs, and what those keep that have a gradient to go."""
        kept: dict[int, Any] = {}
        total: Any = 0.0
        for index, (loss, target) in self.objectives.items():
            value, held = loss.value(self.xp, outputs[index], target)
            total = total + value
            if self.asked[index]:
                kept[index] = held
        return float(total), kept

    def update(self, gradients: Mapping[str, Any]) -> None:
        """Step by gradients; a weight that nothing flowed back to stays, as PyTorch's does."""
        for name, gradient in gradients.items():
            step(
                self.xp,
                self.terms.optimizer,
                self.weights[name],
                gradient,
                self.state[name],
                self.terms.learning_rate,
            )


def prepared(
    network: Planned,
    loss: str,
    terms: Terms = DEFAULT,
    *,
    batch: int = 1,
    dtype: str = "float32",
    backend: str = "numpy",
    given: Mapping[str, Any] | None = None,
    weights: Mapping[str, Any] | None = None,
) -> Trainer:
    """A network with what is random drawn from the seed, in a data type, where it computes.

    `given` are the arrays of the inputs by name, `weights` those of weights: copied, because they
    change. `loss` is the name of one.
    """
    if given is None:
        given = random_inputs(network, batch, terms.seed)
    if weights is None:
        weights = random_weights(network, terms.seed)
    xp: Any = cupy_with_gpu() if backend == "cupy" else np
    generator = np.random.default_rng((terms.seed, 1))  # not the inputs' numbers once more
    numbers = {network.nodes[index].name for index in network.index_inputs}
    objectives: dict[int, tuple[Loss, Any]] = {}
    for index in network.outputs:
        of = loss_of(loss, last_kind(network, index))
        target = drawn_target(generator, of, (batch, *network.shape_of(index).axes))
        if target is not None and target.dtype.kind == "f":
            target = target.astype(dtype)
        objectives[index] = of, None if target is None else xp.asarray(target)
    return Trainer(
        xp,
        network,
        {
            name: xp.asarray(each, dtype=None if name in numbers else dtype)
            for name, each in given.items()
        },
        {name: xp.array(each, dtype=dtype) for name, each in weights.items()},
        objectives,
        terms,
    )


def train(
    trainer: Trainer, steps: int, progress: Callable[[int, int], None] | None = None
) -> Trained:
    """Make some steps, the first of them watched; Ctrl-C ends them behind the last whole one.

    `KeyboardInterrupt` is raised where not one was done. `progress` is called with how many are.
    """
    with np.errstate(all="ignore"):  # what is not finite is told
        return _trained(trainer, steps, progress)


def _trained(trainer: Trainer, steps: int, progress: Callable[[int, int], None] | None) -> Trained:
    xp, network = trainer.xp, trainer.network
    arrays = [each for state in trainer.state.values() for each in state.values()]
    targets = [target for _, target in trainer.objectives.values() if target is not None]
    there = [*trainer.weights.values(), *trainer.given.values(), *targets, *arrays]
    watch = Watch(xp, network, trainer.asked, there)
    gradients: Mapping[str, Any] = {}
    failed = None
    loss, kept, layers, flowing = trainer.forward(watch)
    try:
        gradients = trainer.backward(layers, flowing, watch)
    except BackwardError as error:
        failed = error.layer, said(error.error)
    seen = Trained(
        layers=watch.layers,
        norms=norms(network, trainer.weights, gradients),
        loss_kept=kept,
        losses=[loss],
        learned={name: int(each.size) for name, each in gradients.items()},
        gradient_bytes=sum(int(each.nbytes) for each in gradients.values()),
        state_bytes=sum(int(each.nbytes) for each in arrays),
        peak=watch.held.peak,
        place=watch.held.place,
        weights=trainer.weights,
        failed=failed,
    )
    if failed is not None:
        return seen
    trainer.update(gradients)
    gradients = {}  # gone before the next step, as PyTorch's are
    try:
        for done in range(1, steps):
            if progress is not None:
                progress(done, steps)
            loss, _, layers, flowing = trainer.forward()
            gradients = trainer.backward(layers, flowing)
            trainer.update(gradients)
            seen.losses.append(loss)
            gradients = {}
    except KeyboardInterrupt:
        return seen._replace(interrupted=True)
    if progress is not None:
        progress(steps, steps)
    return seen


def learning(network: Planned) -> list[str]:
    """Full names of the weights that an optimizer changes, in the order of the network.

    They are those that have a gradient where some layer uses them.
    """
    used = {
        (index if node.shared_with is None else node.shared_with, key)
        for index, (node, keys) in enumerate(zip(network.nodes, asked_of(network), strict=True))
        for key in keys
    }
    return [name for name, index, each in expected_weights(network) if (index, each.name) in used]


def norms(
    network: Planned, weights: Mapping[str, Any], gradients: Mapping[str, Any]
) -> dict[int, Norms]:
    """By layer that owns weights with gradients, how long these are."""
    squares: dict[int, list[float]] = {}
    for name, index, _ in expected_weights(network):
        if name in gradients:
            both = squares.setdefault(index, [0.0, 0.0])
            both[0] += square_of(gradients[name])
            both[1] += square_of(weights[name])
    return {index: Norms(sqrt(one), sqrt(other)) for index, (one, other) in squares.items()}


def square_of(array: Any) -> float:
    """The sum of squares of all values, in float64, so that those of half precision are finite."""
    return float((array.astype("float64") ** 2).sum())


def finite(xp: Any, array: Any) -> bool:
    """Whether every value is; a sum that is, tells without an array of answers."""
    return bool(xp.isfinite(array.sum())) or bool(xp.isfinite(array).all())


def backward_products(
    network: Planned, batch: int, asked: Sequence[Collection[int | str]]
) -> dict[int, int | str]:
    """Multiplications of every multiplying layer's backward pass, or what it raised, by index.

    They are counted on arrays without values, as the forward pass's are.
    """
    counted: dict[Any, int | str] = {}
    products: dict[int, int | str] = {}
    for index, (node, plan) in enumerate(zip(network.nodes, network.plans, strict=True)):
        if not plan.products or not asked[index]:
            continue
        key = id(node.layer), id(plan), frozenset(asked[index])
        if key not in counted:
            xs = [dry((batch, *network.shape_of(read).axes)) for read in node.inputs]
            counted[key] = _multiplications(node.layer, plan, xs, asked[index])
        products[index] = counted[key]
    return products


class _Counted(Kept):
    """What a backward pass is given while what it multiplies is counted."""

    __slots__ = ()

    def again(self, work: Callable[[], Any]) -> Any:
        """What is worked out again is of the forward pass."""
        tally, Dry.tally = Dry.tally, Tally()
        try:
            return work()
        finally:
            Dry.tally = tally


def said(raised: Exception) -> str:
    """An error in one line, which may show whole arrays otherwise."""
    text = " ".join(f"{type(raised).__name__}: {raised}".split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _multiplications(
    layer: Layer, plan: Plan, xs: list[Any], asked: Collection[int | str]
) -> int | str:
    """Run one layer forward and back on arrays without values, and count the way back."""
    weights = {weight.name: dry(weight.shape) for weight in plan.weights}
    try:
        with np.errstate(all="ignore"):
            made = record(LIBRARY, layer, weights, xs, asked)
            kept = _Counted(made.kept.arrays, made.kept.shapes, made.kept.asked)
            tally = Dry.tally = Tally()
            layer.backward(LIBRARY, weights, kept, dry(made.output.shape))
    except MemoryError:
        raise
    except Exception as raised:  # noqa: BLE001 (a definition may fail in any way; it is told)
        return said(raised)
    seen = Observed(None, {}, tally.matrix_products, tally.products)
    return seen.multiplications(plan)
