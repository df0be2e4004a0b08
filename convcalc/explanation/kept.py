"""What a layer keeps for its backward pass, and why: what the memory model keeps, in words."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from convcalc.analysis.memory.batch import untrained
from convcalc.analysis.memory.program import Program, Step
from convcalc.analysis.memory.terms import Model, RunTerms, model
from convcalc.analysis.memory.walk import Walk, array_size, at, taken
from convcalc.explanation.figure import Figure, in_units, output_names, reasoned
from convcalc.explanation.page import Formula, Part, Section
from convcalc.graph import Network
from convcalc.layers import kinds
from convcalc.layers.base import Layer, Plan
from convcalc.layers.operations import Array, kept
from convcalc.numbers import plural
from convcalc.reasons import Names
from convcalc.shape import Shape

TITLE = "Kept for the backward pass"
WEIGHTS = "the gradient of the weights is the output's gradient times it"
SLOPE = "the slope of the function is taken at it"
SHAPE = "the gradient is spread over its shape; PyTorch keeps the values, too"

WHY: Mapping[str, str] = MappingProxyType(
    {
        "indices": "where each largest value stood, which its gradient goes to",
        "mask": "which values were dropped",
        "mean": "the input is normalized by it again",
        "variance": "the input is normalized by it again",
        "columns": WEIGHTS,
        "pad": "the input with its border, which is what the kernel met",
        "lrn: pad": "the mean is taken over its channels; PyTorch keeps the values, too",
        "lppool: mean": "its sign and its absolute value are multiplied",
        "lppool: power": "the mean is taken of it; PyTorch keeps the values, too",
        "lrn: power": "the output is the input divided by it",
        "plus": "the slope of the power is taken at it",
        "power": "the slope of the quotient or the mean is taken at it",
        "sign": "a factor of the product with the absolute value",
        "relu": "a factor of the product with the sign",
        "times": "the slope of the root is taken at it",
        "repeated weight": "the gradient of the normalized values is multiplied by it",
        "repeated statistics": "the running statistics of each example's channels",
        "depthwise": WEIGHTS,
        "length": "the slope of the root, and of its bound, is taken at it",
        "bounded": "the input is divided by it",
        "direction": "the gradient of the factors is the output's gradient times it",
        "tokens": "a copy of the input, position by position, which the in-projection multiplies",
        **dict.fromkeys(
            ("tokens of keys and values", "tokens of keys", "tokens of values"),
            "a copy of what it attends to, position by position, which a projection multiplies",
        ),
        **dict.fromkeys(
            ("queries, keys and values", "queries", "keys and values", "keys", "values"),
            "a factor of the two products",
        ),
        "scaled queries": "a factor of the gradient of the keys",
        "scaled keys": "a factor of the gradient of the queries",
        "attention: softmax": "the slope of the softmax follows from it",
        "means": "the out-projection multiplies it",
        "logarithms": "the softmax is worked out again with them",
        "contiguous": "a copy of the input with its values in order",
    }
)
"""What is made on the way → why a backward pass needs it; see `Layer.operations`."""
WHY_INPUT: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(kinds("dense"), WEIGHTS),
        "scale": "the gradient of the factors is the output's gradient times it",
        **dict.fromkeys(kinds("pool"), SHAPE),
        **dict.fromkeys(
            kinds("norm"), "it is normalized again, for its own gradient and the factors'"
        ),
        "lrn": "it is squared, and divided by what that gives",
        "lppool": "the slope of the power is taken at it",
        **dict.fromkeys(kinds("activation"), SLOPE),
        "pad": "the gradient of the border is added to its values, whose shape is asked of it",
        **dict.fromkeys(("multiply", "matmul"), "it is the factor of the other branch's gradient"),
        "divide": "the gradient is divided by the divisor, whose own needs what it divides",
        "maximum": "the gradient goes to it where it is the largest",
        "attention": WEIGHTS,
        "embedding": "its numbers say which rows of the table the gradient is added to",
        "l2norm": "it is divided by its length, which has a gradient, too",
    }
)
"""Kind → why it keeps its input."""
WHY_OUTPUT = "the slope of the function follows from it"


class Kept(NamedTuple):
    """One array that is kept."""

    figure: Figure
    """What it is, and how many values of one example it has."""
    bytes: int
    """Bytes of the whole batch."""
    added: int
    """Those of them that nothing before keeps."""
    why: str
    """What the backward pass needs it for."""
    since: str
    """What holds it anyway: `also kept by` an earlier layer; "" where nothing does."""

    def shown(self) -> Formula:
        """The array as a page shows it."""
        shown = self.figure.shown()
        values = "value" if shown.result == "1" else "values"
        result = f"{shown.result} {values}, {plural(self.bytes, 'byte')}"
        note = "; ".join(filter(None, (in_units(self.bytes), self.why, self.since)))
        return shown._replace(result=result, note=note)


class KeptArrays(NamedTuple):
    """All that a layer keeps."""

    arrays: tuple[Kept, ...]
    """The arrays, in the order in which they are made."""
    added: int
    """Bytes of the batch that nothing before keeps, as `convcalc memory` has them."""
    says: tuple[str, ...]
    """Sentences where nothing is kept."""

    def section(self, level: int) -> Section:
        """The arrays, and what they add."""
        parts: list[Part] = [each.shown() for each in self.arrays]
        if self.arrays:
            units = in_units(self.added)
            parts.append(Formula("added", result=plural(self.added, "byte"), note=units))
        return Section(TITLE, (*parts, *self.says), level)

    @property
    def data(self) -> dict[str, Any]:
        """The numbers as JSON has them."""
        return {
            "added_bytes": self.added,
            "arrays": [
                {
                    **each.figure._asdict(),
                    "bytes": each.bytes,
                    "added_bytes": each.added,
                    "why": each.why,
                    "since": each.since or None,
                }
                for each in self.arrays
            ],
            "says": [*self.says],
        }


class Backward:
    """A training step of a network, and what its layers keep: what the memory model keeps."""

    def __init__(self, network: Network, *, batch: int, dtype: str) -> None:
        self._network = network
        self._batch = batch
        self._known: _Storages | None = None
        self._why_not = ""
        if network.errors or not network.complete:
            self._why_not = "What is kept is unknown while the network has errors."
        elif dtype == "int8":
            self._why_not = "int8 cannot be trained: its gradients are no whole numbers."
        elif unknown := untrained(network):
            problem, layer = unknown
            said = problem.message[0].upper() + problem.message[1:]
            self._why_not = f"{said} ({network.nodes[layer].name})."
        else:
            self._known = _Storages(model(network, RunTerms(dtype=dtype, training=True)))

    def of(self, index: int, layer: Layer, shapes: Sequence[Shape], plan: Plan) -> KeptArrays:
        """What a layer keeps; the layer, its inputs' shapes and its plan are on letters."""
        if self._known is None:
            return KeptArrays((), 0, (self._why_not,))
        declared = kept(shapes, layer.operations(shapes, plan))
        names = output_names(plan.output)
        arrays = tuple(self._arrays(self._known, index, declared, names))
        added = at(self._known.walked.kept_by[index], self._batch)
        says: tuple[str, ...] = ()
        if not arrays:
            idle = "Nothing: nothing before it learns, so that no gradient goes back through it."
            if any(number in self._known.vain for number in self._known.numbers(index)):
                idle = "Nothing: it leads to no output, so that no gradient comes back to it."
            says = (
                idle if declared else "Nothing: its gradient needs no values, but shapes alone.",
            )
        return KeptArrays(arrays, added, says)

    def _arrays(
        self, known: "_Storages", index: int, declared: Mapping[str, Array], letters: Names
    ) -> Iterator[Kept]:
        kind, program = self._network.nodes[index].kind, known.program
        names = known.names(index)
        seen: set[int] = set()
        for number in known.numbers(index):
            step = program.steps[number]
            if number in known.vain:
                continue
            for tensor in known.kept.get(number, ()):
                base = known.base[tensor]
                if base in seen:
                    continue
                seen.add(base)
                name = names.get(known.whole[tensor], "input")
                size = program.sizes[base] * program.widths[base] * self._batch
                since = self._since(known, base, index)
                yield Kept(
                    _figure(name, declared, program.sizes[tensor], letters),
                    size,
                    0 if since else size,
                    why(kind, name),
                    since,
                )
            if number in known.copies:
                size = program.sizes[step.output] * program.widths[step.output] * self._batch
                figure = _figure("input", declared, program.sizes[step.output], letters)
                reason = f"{why(kind, 'input')}; a copy, because it is overwritten"
                yield Kept(figure, size, size, reason, "")
            for array in step.operation.extra if step.backward else ():
                both = array_size(array, program.widths[step.output], program, training=True)
                size = at(both, self._batch)
                if array.kept and size:
                    values = array.values or array.constant
                    figure = _figure(array.name, declared, values, letters)
                    yield Kept(figure, size, size, why(kind, array.name), "")

    def _since(self, known: "_Storages", base: int, index: int) -> str:
        """What holds a storage anyway; "" where this layer is the first that keeps it."""
        if base in known.program.inputs:
            return "the network's input is there anyway"
        first = known.first[base]
        return f"{self._network.nodes[first].name} keeps it, too" if first < index else ""


def why(kind: str, name: str) -> str:
    """Why a kind of layer keeps what is called so; `KeyError` where that is not said."""
    if name.startswith(("input", "of ")):  # what the first branches give is one of the next two
        return WHY_INPUT[kind]
    if name == "output":
        return WHY_OUTPUT
    return WHY.get(f"{kind}: {name}") or WHY[name]


def _figure(name: str, declared: Mapping[str, Array], values: int, letters: Names) -> Figure:
    """How many values an array has, by the formula that the layer's operations give."""
    array = declared.get(name)
    number = 0 if array is None else array.values or array.constant
    return reasoned(name, number if number == values else values, letters)


class _Keeping(Walk):
    """The walk of a training step, which notes whose memory tensors have, and what steps keep."""

    def __init__(self, program: Program, *, inplace: bool) -> None:
        super().__init__(program, training=True, inplace=inplace)
        self.owner = dict(enumerate(program.inputs))
        """By storage, the tensor that it was made for."""
        self.memory: dict[int, int] = {tensor: tensor for tensor in program.inputs}
        """By tensor, the one whose memory it has: itself, what it is a view of or overwrote."""
        self.tensors: dict[int, tuple[int, ...]] = {}
        """By step, the tensors that it keeps."""
        self.copies: set[int] = set()
        """Steps that keep a copy of their input, which they overwrite."""

    def _made(self, size: int, index: int, array: Array | None, *, stays: bool) -> None:
        if array is None and stays:
            self.copies.add(index)
        super()._made(size, index, array, stays=stays)

    def _placed(self, index: int, step: Step, *, idle: bool) -> bool:
        overwrites = super()._placed(index, step, idle=idle)
        storage = self.storage[step.output]
        self.memory[step.output] = self.owner.setdefault(storage, step.output)
        return overwrites

    def _keeps(self, index: int, tensors: tuple[int, ...]) -> None:
        self.tensors[index] = tensors


class _Storages:
    """Which storages the steps of a training step keep, and who is the first that does."""

    def __init__(self, worked_out: Model) -> None:
        self.program = worked_out.program
        walk = _Keeping(self.program, inplace=bool(worked_out.terms.inplace))
        self.walked = taken(walk)
        self.base = walk.memory
        """By tensor, the one whose memory it has: itself, what it is a view of or overwrote."""
        self.copies = walk.copies
        network = worked_out.network
        self._inputs = [node.inputs for node in network.nodes]
        self.whole = [*range(len(self.program.sizes))]
        """By tensor, the one that it is a view of, if any."""
        self.kept = {
            index: tensors for index, tensors in walk.tensors.items() if index not in walk.vain
        }
        """By step, the tensors that it keeps until it goes back."""
        self.vain = walk.vain
        self.first: dict[int, int] = {}
        """By storage, the first layer that keeps it."""
        for index, step in enumerate(self.program.steps):
            if step.operation.storage == "view" and step.reads:
                self.whole[step.output] = self.whole[step.reads[0]]
            for tensor in self.kept.get(index, ()):
                self.first.setdefault(self.base[tensor], step.layer)
        # A pool that is undone makes them as a tensor, which what undoes it keeps as well.
        indices = (step for step in self.program.steps if step.operation.name == "indices")
        self._indices = {step.output: step.operation.name for step in indices}
        self._outputs: list[int] = []
        given = dict(zip(network.inputs, self.program.inputs, strict=True))
        for index, inputs in enumerate(self._inputs):
            own = self.steps(index)
            passed = given[index] if index in given else self._outputs[inputs[0]]
            self._outputs.append(own[-1].output if own else passed)

    def numbers(self, index: int) -> range:
        """The numbers of a layer's operations."""
        return range(self.program.starts[index], self.program.starts[index + 1])

    def steps(self, index: int) -> Sequence[Step]:
        """The operations of a layer."""
        return [self.program.steps[number] for number in self.numbers(index)]

    def names(self, index: int) -> dict[int, str]:
        """What the tensors of a layer are called, as `operations.kept` calls them."""
        reads = [self._outputs[each] for each in self._inputs[index]]
        called = ["input"] if len(reads) == 1 else [f"input {n}" for n in range(1, len(reads) + 1)]
        names = {self.whole[tensor]: name for tensor, name in zip(reads, called, strict=True)}
        steps = self.steps(index)
        for number, step in enumerate(steps, 1):
            name = step.operation.name if number < len(steps) else "output"
            if self.whole[step.output] not in names or name == "output":
                names[self.whole[step.output]] = name
        if (
            steps
            and steps[-1].operation.storage == "view"
            and self.whole[steps[-1].output] in reads
        ):
            names.update(zip(map(self.whole.__getitem__, reads), called, strict=True))
        return names | self._indices
