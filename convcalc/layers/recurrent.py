"""Layers whose state goes along a sequence, step by step: LSTM and GRU."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, final

from convcalc.diagnostics import Problem
from convcalc.layers.activation import sigmoid
from convcalc.layers.base import (
    INFERENCE,
    Arrays,
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
    from convcalc.layers.operations import Operation

FEATURES = whole("Values of the state H; both directions have as many.", 1, letter="H")
LAYERS = whole("How many stand one on the other, each reading the outputs below.", 1)
BIDIRECTIONAL = flag("Go along the sequence from its end, too; both outputs are concatenated.")
BIASES = flag("Add two learned numbers per value of a gate, as PyTorch does.")


class Recurrent(Layer):
    """What LSTM and GRU have in common: everything but the gates of a step."""

    gates: ClassVar[int]
    """How many values of a step are computed for each of the state: its gates."""

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
                    products.append(Product(length * rows * columns, weights[-1].name))
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
        steps = self.through(xp, weights, xs[0].transpose(2, 0, 1), self.layers)
        return steps.transpose(1, 2, 0)

    def through(self, xp: Any, weights: Weights, steps: Any, layers: int) -> Any:
        """What the first so many layers give: (length, N, channels) to (length, N, outputs)."""
        for number in range(layers):
            made = [
                xp.stack([state[0] for state in self.states(xp, weights, steps, end)], axis=0)
                for end in (f"l{number}{direction}" for direction in self.directions)
            ]
            steps = xp.concatenate(made, axis=2) if self.bidirectional else made[0]
        return steps

    def states(self, xp: Any, weights: Weights, steps: Any, end: str) -> list[tuple[Any, ...]]:
        """The states of one direction of one layer, by position; its weights end in `end`.

        It reads (length, N, channels), and the parts of a state are (N, features).
        """
        read = steps @ weights[f"weight_ih_{end}"].T
        if self.bias:
            read = read + weights[f"bias_ih_{end}"]
        length, count, _ = steps.shape
        state = self.start(xp, (count, self.features), steps.dtype)
        made: list[tuple[Any, ...]] = [()] * length
        for at in range(length - 1, -1, -1) if end.endswith("_reverse") else range(length):
            held = state[0] @ weights[f"weight_hh_{end}"].T
            if self.bias:
                held = held + weights[f"bias_hh_{end}"]
            state = self.step(xp, read[at], held, state)
            made[at] = state
        return made

    def parts(self, gates: Any) -> list[Any]:
        """The gates of a step, one by one."""
        size = self.features
        return [gates[:, first : first + size] for first in range(0, self.gates * size, size)]

    def start(self, xp: Any, shape: tuple[int, int], dtype: Any) -> tuple[Any, ...]:
        """The state before the first step: zeros; its first part is the output."""
        return (xp.zeros(shape, dtype=dtype),)

    @abstractmethod
    def step(self, xp: Any, read: Any, held: Any, state: tuple[Any, ...]) -> tuple[Any, ...]:
        """The next state, of what the input and the last state give to the gates."""

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
    untrained = "what PyTorch keeps of an lstm is a block of oneDNN's, or cuDNN's, own"

    features: Annotated[int, FEATURES]
    layers: Annotated[int, LAYERS] = 1
    bidirectional: Annotated[bool, BIDIRECTIONAL] = False
    bias: Annotated[bool, BIASES] = True

    def start(self, xp: Any, shape: tuple[int, int], dtype: Any) -> tuple[Any, ...]:
        """Zeros: the output, and the cell."""
        return xp.zeros(shape, dtype=dtype), xp.zeros(shape, dtype=dtype)

    def step(self, xp: Any, read: Any, held: Any, state: tuple[Any, ...]) -> tuple[Any, ...]:
        """The cell c' = σ(f)·c + σ(i)·tanh(g) and h' = σ(o)·tanh(c'). Source: torch.nn.LSTM."""
        into, forget, new, out = self.parts(read + held)
        cell = sigmoid(xp, forget) * state[1] + sigmoid(xp, into) * xp.tanh(new)
        return sigmoid(xp, out) * xp.tanh(cell), cell

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """What PyTorch's CPU does in inference, where oneDNN computes a direction at once."""
        from convcalc.layers.steps import lstm

        return lstm(self, xs[0])


@final
class Gru(Recurrent):
    """Gated recurrent units along a sequence: the state after every step, from zeros.

    Shapes: L×C → L×features, twice as many channels with `bidirectional`.
    Source: Cho et al., arXiv:1406.1078, the state before reset multiplied as in
    ONNX operator GRU with linear_before_reset; torch.nn.GRU.
    """

    gates = 3
    untrained = "what PyTorch keeps of a gru, step by step, is not modelled"

    features: Annotated[int, FEATURES]
    layers: Annotated[int, LAYERS] = 1
    bidirectional: Annotated[bool, BIDIRECTIONAL] = False
    bias: Annotated[bool, BIASES] = True

    def step(self, xp: Any, read: Any, held: Any, state: tuple[Any, ...]) -> tuple[Any, ...]:
        """The state h' = (1 − σ(z))·n + σ(z)·h with n = tanh(x + σ(r)·h). Source: torch.nn.GRU."""
        (reset, update, new), (reset_by, update_by, held_new) = self.parts(read), self.parts(held)
        share = sigmoid(xp, update + update_by)
        fresh = xp.tanh(new + sigmoid(xp, reset + reset_by) * held_new)
        return ((1 - share) * fresh + share * state[0],)

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """What PyTorch's CPU does in inference, step by step."""
        from convcalc.layers.steps import gru

        return gru(self, xs[0])
