"""Layers whose state goes along a sequence, step by step: LSTM and GRU."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, final

from convcalc.diagnostics import Problem
from convcalc.layers.activation import sigmoid
from convcalc.layers.arrays import summed
from convcalc.layers.base import (
    INFERENCE,
    Arrays,
    Gradients,
    Layer,
    Plan,
    Product,
    Run,
    Weight,
    Weights,
    flag,
    whole,
)
from convcalc.layers.sequence import check_sequence
from convcalc.shape import Shape
from convcalc.window import Window

if TYPE_CHECKING:
    from convcalc.layers.kept import Kept
    from convcalc.layers.operations import Operation

State = tuple[Any, ...]
"""The parts of a state, each (N, features); the first is the output."""

GATES = 4
"""How many values of a step a backward pass needs for each of the state, beside the states: an
LSTM's gates; a GRU's, and what the state before gives to the new value."""

FEATURES = whole("Values of the state H; both directions have as many.", 1, letter="H")
LAYERS = whole("How many stand one on the other, each reading the outputs below.", 1)
BIDIRECTIONAL = flag("Go along the sequence from its end, too; both outputs are concatenated.")
BIASES = flag("Add two learned numbers per value of a gate, as PyTorch does.")


class Recurrent(Layer):
    """What LSTM and GRU have in common: everything but the gates of a step."""

    gates: ClassVar[int]
    """How many values of a step are computed for each of the state: its gates."""
    kept_states: ClassVar[tuple[str, ...]]
    """What the parts of a state are called, which a backward pass needs of every step."""

    if TYPE_CHECKING:
        features: int
        layers: int
        bidirectional: bool
        bias: bool

    @property
    def directions(self) -> tuple[str, ...]:
        """How PyTorch ends the names of the weights of each direction."""
        return ("", "_reverse") if self.bidirectional else ("",)

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """One axis to go along."""
        (x,) = xs
        kind = type(self).__name__.lower()
        as_one = f": {x.channels} values are a sequence such as 1x{x.channels}"
        yield from check_sequence(f"{kind} goes along", x, as_one)

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """For each direction of each layer, weights of the input and of the state before."""
        (x,) = xs
        (length,) = x.spatial
        state, rows = self.features, self.gates * self.features
        made = len(self.directions) * state
        weights: list[Weight] = []
        products: list[Product] = []
        for number in range(self.layers):
            read = made if number else x.channels
            for direction in self.directions:
                end = f"l{number}{direction}"
                for name, columns in (("weight_ih", read), ("weight_hh", state)):
                    weights.append(Weight(f"{name}_{end}", (rows, columns)))
                    of = None if number or name == "weight_hh" else 0
                    products.append(Product(length * rows * columns, weights[-1].name, of))
                if self.bias:
                    weights += [Weight(f"{name}_{end}", (rows,)) for name in ("bias_ih", "bias_hh")]
        # An output sees its own step and all before it; of two directions, those behind it as well.
        before = length - 1
        window = (
            Window(before + 1 + before, before=before, after=before)
            if self.bidirectional
            else Window(length, before=before)
        )
        return Plan(Shape(made, (length,)), tuple(weights), tuple(products), (window,))

    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """Each layer along the outputs of the one below it, in every direction."""
        steps = self.through(xp, weights, xs[0].transpose(2, 0, 1), self.layers, run)
        return steps.transpose(1, 2, 0)

    def through(
        self, xp: Any, weights: Weights, steps: Any, layers: int, run: Run = INFERENCE
    ) -> Any:
        """What the first so many layers give: (length, N, channels) to (length, N, outputs)."""
        for number in range(layers):
            made = []
            for end in self.ends(number):
                states = self.states(xp, weights, steps, end, run)
                made.append(xp.stack([state[0] for state in states], axis=0))
            steps = xp.concatenate(made, axis=2) if self.bidirectional else made[0]
        return steps

    def ends(self, number: int) -> list[str]:
        """How the names of a layer's weights end, in each direction."""
        return [f"l{number}{direction}" for direction in self.directions]

    def along(self, end: str, length: int) -> range:
        """The positions in the order in which a direction comes to them."""
        order = range(length)
        return order[::-1] if end.endswith("_reverse") else order

    def states(
        self, xp: Any, weights: Weights, steps: Any, end: str, run: Run = INFERENCE
    ) -> list[State]:
        """The states of one direction of one layer, by position; its weights end in `end`.

        It reads (length, N, channels), and the parts of a state are (N, features). Training keeps
        them, and the gates, of which those of a step stand side by side: (N, length, values).
        """
        read = steps @ weights[f"weight_ih_{end}"].T
        if self.bias:
            read = read + weights[f"bias_ih_{end}"]
        length, count, _ = steps.shape
        state = self.start(xp, (count, self.features), steps.dtype)
        made: list[State] = [()] * length
        gates: list[Any] = [None] * length
        for at in self.along(end, length):
            held = state[0] @ weights[f"weight_hh_{end}"].T
            if self.bias:
                held = held + weights[f"bias_hh_{end}"]
            state, parts = self.step(xp, read[at], held, state)
            made[at] = state
            if run.training:
                gates[at] = xp.concatenate(parts, axis=1)
        if run.training:
            run.keep(f"gates of {end}", xp.stack(gates, axis=1))
            for name, each in zip(self.kept_states, zip(*made, strict=True), strict=True):
                run.keep(f"{name} of {end}", xp.stack(each, axis=1))
        return made

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """Through time: back along every direction of every layer, from the last one down."""
        gradients: Gradients = {}
        back = dy.transpose(0, 2, 1)
        for number in range(self.layers - 1, -1, -1):
            if number:
                below = [kept[f"states of {end}"] for end in self.ends(number - 1)]
                steps = xp.concatenate(below, axis=2)
            else:
                steps = kept["input"].transpose(0, 2, 1)
            read: list[Any] = []
            for at, end in enumerate(self.ends(number)):
                own = back[:, :, at * self.features : (at + 1) * self.features]
                gates, learned = self._direction_back(xp, weights, kept, end, steps, own)
                gradients |= learned
                if number or kept.asks(0):
                    read.append(gates @ weights[f"weight_ih_{end}"])
            back = summed(iter(read)) if read else None
        if back is not None:
            gradients[0] = back.transpose(0, 2, 1)
        return gradients

    def _direction_back(
        self, xp: Any, weights: Weights, kept: "Kept", end: str, steps: Any, dy: Any
    ) -> tuple[Any, Gradients]:
        """What goes back to the gates of one direction from its outputs, and to its weights.

        `steps` is what it reads, (N, length, channels), and `dy` the gradient of its outputs; that
        of what the input gives to the gates is (N, length, gates).
        """
        states = [kept[f"{name} of {end}"] for name in self.kept_states]
        gates = kept[f"gates of {end}"]
        order = self.along(end, dy.shape[1])
        back = start = self.start(xp, (dy.shape[0], self.features), dy.dtype)
        before: list[State] = [start] * len(order)
        for earlier, later in pairwise(order):
            before[later] = tuple(state[:, earlier] for state in states)
        read: list[Any] = [None] * len(order)
        held: list[Any] = [None] * len(order)
        for at in reversed(order):
            back = (back[0] + dy[:, at], *back[1:])
            state = tuple(each[:, at] for each in states)
            step = self.step_back(xp, self.parts(gates[:, at]), state, before[at], back)
            read[at], held[at], direct = step
            back = (direct[0] + held[at] @ weights[f"weight_hh_{end}"], *direct[1:])
        outputs = xp.stack([state[0] for state in before], axis=1)
        gradients: Gradients = {}
        made = {"ih": xp.stack(read, axis=1), "hh": xp.stack(held, axis=1)}
        for name, values in (("ih", steps), ("hh", outputs)):
            rows = made[name]
            if kept.asks(f"weight_{name}_{end}"):
                gradients[f"weight_{name}_{end}"] = (rows.swapaxes(1, 2) @ values).sum(axis=0)
            if kept.asks(f"bias_{name}_{end}"):
                gradients[f"bias_{name}_{end}"] = rows.sum(axis=(0, 1))
        return made["ih"], gradients

    def parts(self, gates: Any) -> list[Any]:
        """What stands side by side for the gates of a step, one by one."""
        size = self.features
        return [gates[:, first : first + size] for first in range(0, gates.shape[1], size)]

    def start(self, xp: Any, shape: tuple[int, int], dtype: Any) -> State:
        """The state before the first step: zeros."""
        return (xp.zeros(shape, dtype=dtype),)

    @abstractmethod
    def step(self, xp: Any, read: Any, held: Any, state: State) -> tuple[State, list[Any]]:
        """The next state, of what the input and the last state give to the gates.

        Beside it what training keeps of the gates: `GATES` arrays as large as the state.
        """

    @abstractmethod
    def step_back(
        self, xp: Any, gates: list[Any], state: State, before: State, back: State
    ) -> tuple[Any, Any, State]:
        """Gradients of what the input and the last state give to the gates, and of that state.

        `back` is the gradient of `state`, which the step made of the state `before`; of this, the
        gradient is the part that does not come through the gates.
        """

    @abstractmethod
    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """What inference does to memory."""


@final
class Lstm(Recurrent):
    """Long short-term memory along a sequence: the state after every step, from zeros.

    Shapes: L×C → L×features, twice as many channels with `bidirectional`.
    Source: Hochreiter and Schmidhuber, 1997, with the forget gate of Gers et al., 2000;
    ONNX operator LSTM; torch.nn.LSTM.
    """

    gates = 4
    kept_states = ("states", "cells")
    untrained = "what PyTorch keeps of an lstm is a block of oneDNN's, or cuDNN's, own"

    features: Annotated[int, FEATURES]
    layers: Annotated[int, LAYERS] = 1
    bidirectional: Annotated[bool, BIDIRECTIONAL] = False
    bias: Annotated[bool, BIASES] = True

    def start(self, xp: Any, shape: tuple[int, int], dtype: Any) -> State:
        """Zeros: the output, and the cell."""
        return xp.zeros(shape, dtype=dtype), xp.zeros(shape, dtype=dtype)

    def step(self, xp: Any, read: Any, held: Any, state: State) -> tuple[State, list[Any]]:
        """The cell c' = σ(f)·c + σ(i)·tanh(g) and h' = σ(o)·tanh(c'). Source: torch.nn.LSTM."""
        into, forget, new, out = self.parts(read + held)
        into, forget, out = (sigmoid(xp, each) for each in (into, forget, out))
        new = xp.tanh(new)
        cell = forget * state[1] + into * new
        return (out * xp.tanh(cell), cell), [into, forget, new, out]

    def step_back(
        self, xp: Any, gates: list[Any], state: State, before: State, back: State
    ) -> tuple[Any, Any, State]:
        """The cell gets dc' + dh'·σ(o)·(1 − tanh(c')²), and the one before it σ(f) times that."""
        into, forget, new, out = gates
        tanh = xp.tanh(state[1])
        cell = back[1] + back[0] * out * (1 - tanh * tanh)
        parts = [
            cell * new * into * (1 - into),
            cell * before[1] * forget * (1 - forget),
            cell * into * (1 - new * new),
            back[0] * tanh * out * (1 - out),
        ]
        both = xp.concatenate(parts, axis=1)  # the gates are of the sum of what they are given
        return both, both, (0, cell * forget)

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """What PyTorch's CPU does in inference, where oneDNN computes a direction at once."""
        from convcalc.layers.steps import lstm

        return lstm(self, xs[0], plan)


@final
class Gru(Recurrent):
    """Gated recurrent units along a sequence: the state after every step, from zeros.

    Shapes: L×C → L×features, twice as many channels with `bidirectional`.
    Source: Cho et al., arXiv:1406.1078, the state before reset multiplied as in
    ONNX operator GRU with linear_before_reset; torch.nn.GRU.
    """

    gates = 3
    kept_states = ("states",)
    untrained = "what PyTorch keeps of a gru, step by step, is not modelled"

    features: Annotated[int, FEATURES]
    layers: Annotated[int, LAYERS] = 1
    bidirectional: Annotated[bool, BIDIRECTIONAL] = False
    bias: Annotated[bool, BIASES] = True

    def step(self, xp: Any, read: Any, held: Any, state: State) -> tuple[State, list[Any]]:
        """The state h' = (1 − σ(z))·n + σ(z)·h with n = tanh(x + σ(r)·h). Source: torch.nn.GRU."""
        (reset, update, new), (reset_by, update_by, new_by) = self.parts(read), self.parts(held)
        part, share = sigmoid(xp, reset + reset_by), sigmoid(xp, update + update_by)
        fresh = xp.tanh(new + part * new_by)
        return ((1 - share) * fresh + share * state[0],), [part, share, fresh, new_by]

    def step_back(
        self, xp: Any, gates: list[Any], state: State, before: State, back: State
    ) -> tuple[Any, Any, State]:
        """The new value gets dh'·(1 − σ(z))·(1 − n²), and what the state gave to it σ(r) of it."""
        part, share, fresh, new_by = gates
        new = back[0] * (1 - share) * (1 - fresh * fresh)
        reset = new * new_by * part * (1 - part)
        update = back[0] * (before[0] - fresh) * share * (1 - share)
        read = xp.concatenate([reset, update, new], axis=1)
        held = xp.concatenate([reset, update, new * part], axis=1)
        return read, held, (back[0] * share,)

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """What PyTorch's CPU does in inference, step by step."""
        from convcalc.layers.steps import gru

        return gru(self, xs[0], plan)
