"""Operations to layers: which axis of a tensor is which of ours, and what a spec cannot say.

ONNX has no channels: an operator means axes by their numbers, and tensors are turned so that the
axis it wants is where it wants it. Here a tensor of a network is a layer's output together with a
layout, which says what each of its axes is: the examples, the channels, a spatial axis, or nothing
but an extent of 1. So a transposition costs nothing and says nothing, until some operator wants the
values in memory in that order: only then is there a `permute`.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import isfinite, prod
from types import MappingProxyType
from typing import Any, NamedTuple

from convcalc.exchange.foreign import Source
from convcalc.exchange.onnx.operations import Operation
from convcalc.exchange.onnx.values import ONE_BATCH, Batch, Constant, UnknownError, Value, shown
from convcalc.exchange.wiring import CannotError, Wiring
from convcalc.layers import kinds, transposes
from convcalc.layers.base import AXIS_WORDS
from convcalc.numbers import plural
from convcalc.shape import Shape

_AGAIN = re.compile(r"(?<=[^.])[_@][0-9]+(?=\.|\Z)")
"""What exporters put behind a module that is called again."""
FACTORS = kinds("norm") | {"scale"}
"""Kinds whose factors are all the same before a network is trained."""
FOLDED = "onnx::Conv_"
"""How PyTorch's exporter begins the names of weights that a batch norm was folded into."""
IN_PARTS = frozenset({"attention"})
"""Kinds whose weights may be parts of arrays, or be left out of the file."""
BATCH = -1
"""The axis of the examples."""
ONE = -2
"""An axis of extent 1 that the layer's output does not have."""

Layout = tuple[int | tuple[int, ...], ...]
"""What each axis of a tensor is: `BATCH`, `ONE`, an axis of the layer's output counted from 0 for
its channels; or several of these that are one."""


USUAL: Mapping[int, Layout] = MappingProxyType(
    {rank: (BATCH, *range(rank - 1)) for rank in range(2, 7)}
)
"""The layout of a tensor of so many axes as most operators have it: examples, channels, others."""


class Lowered(NamedTuple):
    """A tensor as the output of a layer."""

    number: int
    """The number of the layer."""
    layout: Layout
    """What each axis of the tensor is; extents of 1 may be left out."""


class Lost(NamedTuple):
    """An operation that a spec cannot say."""

    op: Operation
    """The operation, with what it reads."""
    why: str
    """Why not, in a clause."""
    help: str | None
    """What to do about it; None where nothing is."""


class Reader:
    """What the operations of one file become."""

    def __init__(
        self,
        wiring: Wiring,
        *,
        fixed: bool = True,
        module_of: Callable[[str], str] = lambda _: "",
        kind_of: Callable[[str], str] = lambda _: "",
    ) -> None:
        self.wiring = wiring
        self.module_of = module_of
        """What gives by an origin the path of the module that it is in; empty where that is not
        known."""
        self.kind_of = kind_of
        """What gives by an origin the kind that the spec has there which the file was made of;
        empty of other files."""
        self.fixed = fixed
        """Whether the file says how large everything is, and leaves no extent open."""
        self.weights: dict[str, Mapping[str, Source]] = {}
        """By the origin of a layer with weights, its arrays."""
        self.lost: list[Lost] = []
        self.notes: dict[str, int] = {}
        """What is to be said of the file, and how often."""
        self.undecided: list[tuple[Operation, Constant]] = []
        """Arrays without a name that are taken for parameters, and who reads them."""
        self.owners: dict[tuple[object, ...], int] = {}
        """The layer that has these weights of the file."""
        self.dense: dict[tuple[object, ...], tuple[str, int]] = {}
        """The kind and the layer that has this array as its weight, whatever its bias."""
        self.pools: dict[int, list[int]] = {}
        """The pools by the layer that they read."""
        self.joined: dict[tuple[tuple[int, ...], str], int] = {}
        """The concat of tensors along an axis, where there is one."""
        self.arrays: dict[int, Sequence[Constant | None]] = {}
        """By the number of a layer with weights of its own what they are made of."""
        self._alike: Counter[str] = Counter()
        """How many layers with weights are of one origin."""

    # Layers

    def add(
        self,
        op: Operation,
        kind: str,
        reads: Sequence[int],
        fields: Mapping[str, Any] | None = None,
        weights: Mapping[str, Source] | None = None,
        constants: Sequence[Constant | None] = (),
        *,
        origin: str = "",
        way: object = None,
    ) -> int:
        """A layer that an operation becomes, by its number.

        `weights` are its arrays, made of `constants`, which two layers may share that make them in
        the same `way`: turned, or times a number. Raises
        `CannotError` where it does not fit what it reads, or where these are not all that it has.
        """
        origin = origin or op.origin
        shared = key = None
        if weights:
            origin = self._own(origin) if origin in self.weights else origin
            if kind not in FACTORS or not self._elsewhere(op, constants):
                key = self._key(kind, constants, way)
                shared = None if key is None else self._shared(kind, key)
        number = self.wiring.add(kind, fields or {}, reads, origin, shared=shared)
        if weights:
            there = sum([each.size for each in constants if each is not None])
            if there != self.wiring.learned(number) and kind not in IN_PARTS:
                self._see_all(number, there, constants)
            self.weights[origin] = weights
            if key is not None and shared is None:
                self.owners[key] = number
                self.dense.setdefault(key[1:2], (kind, number))
            if shared is None:
                self.arrays[number] = constants
        return number

    def _see_all(self, number: int, there: int, constants: Sequence[Constant | None]) -> None:
        """See that a layer has as many weights as there are values; raises `CannotError`."""
        wanted = self.wiring.learned(number)
        alike = there < wanted and any(each is not None and each.size == 1 for each in constants)
        if not alike:  # one number may stand for all outputs
            message = (
                f"its arrays have {plural(there, 'value')}, and for what it reads it takes "
                f"{wanted:,}"
            )
            raise CannotError(message)

    def _own(self, origin: str) -> str:
        """An origin that no other layer with weights has."""
        name = origin
        while name in self.weights:
            self._alike[origin] += 1
            name = f"{origin}_{self._alike[origin] + 1}"
        return name

    def _elsewhere(self, op: Operation, constants: Sequence[Constant | None]) -> bool:
        """Whether a norm has arrays of another module, which exporters do where they are equal.

        So they are before training: all factors are 1. A module that is called twice has its own.
        """
        module = self.module_of(op.origin)
        first_call = _AGAIN.sub("", module)
        return bool(module) and any(
            "." in name and name.rpartition(".")[0] not in (module, first_call)
            for each in constants
            if each is not None
            for name in each.sources[:1]
        )

    @staticmethod
    def _key(
        kind: str, constants: Sequence[Constant | None], way: object
    ) -> tuple[object, ...] | None:
        """What layers of a kind have alike that have all of these arrays, which are shared then."""
        key: list[object] = [kind if way is None else (kind, way)]
        for each in constants:
            if each is not None and not (each.sources and each.initializer):
                return None
            key.append(None if each is None else (each.sources, each.dims, each.made))
        return tuple(key) if any(key[1:]) else None

    def _shared(self, kind: str, key: tuple[object, ...]) -> int | None:
        """The layer of the same kind that has all of these arrays, which are shared then.

        Or the convolution of a transposed one that has nothing but its weight, and the reverse.
        """
        owner = self.owners.get(key)
        if owner is None and key[2:] == (None,):
            other, number = self.dense.get(key[1:2], ("", 0))
            if transposes(kind, other):
                return number
        return owner

    def count(self, note: str) -> None:
        """Remember something to say of the file."""
        self.notes[note] = self.notes.get(note, 0) + 1

    def said(self, live: Sequence[bool]) -> list[str]:
        """What is to be said of the file, in sentences; `live` are the layers that are there.

        A product whose bias is added behind it was a layer without one before.
        """
        sizes: dict[str, list[int]] = {}
        held: dict[str, int] = {}
        for number, arrays in self.arrays.items():
            for name, each in _held(arrays).items() if live[number] else ():
                sizes.setdefault(name, []).append(each.size)
                held[name] = each.held
        beyond = [sum(each) - held[name] for name, each in sizes.items() if len(each) > 1]
        again = [each for each in beyond if each > 0]
        sentences = [f"{note}: {count:,}" for note, count in self.notes.items()]
        if again:
            sentences.append(
                f"shared in the file: {plural(len(again), 'array')} that several layers read, "
                f"which count for each of them, {sum(again):,} values more than the file holds"
            )
        folded = sum(name.startswith(FOLDED) for name in sizes)
        if folded:
            sentences.append(
                f"folded: {plural(folded, 'weight')} without names of their own, as where an "
                "exporter folded batch norms into convolutions"
            )
        return sentences

    # Tensors

    def low(self, value: Value | None) -> Lowered:
        """What a tensor is in the spec."""
        if value is None:
            message = "an input is left out"
            raise CannotError(message)
        if value.lowered is None:
            if value.constant is not None:
                message = f"reads the constant `{value.name[:60]}` where a tensor is wanted"
            else:
                message = f"reads `{value.name[:60]}`, which is not known"
            raise CannotError(message)
        lowered: Lowered = value.lowered
        return lowered

    def tensor(self, op: Operation, number: int = 0) -> Value:
        """An input that is a tensor of the network with extents that are known."""
        value = op.input(number)
        self.low(value)
        if value is None or value.dims is None:
            message = "the extents of what it reads are not known"
            raise CannotError(message)
        return value

    def shape(self, number: int) -> Shape:
        """What comes out of a layer."""
        return self.wiring.shape(number)

    @staticmethod
    def places(value: Value) -> list[int]:
        """The axes of a tensor that are not the examples."""
        return [at for at, extent in enumerate(value.dims or ()) if not isinstance(extent, Batch)]

    def first(self, op: Operation, number: int = 0) -> int:
        """The layer that gives an input as ONNX usually has it: examples, channels, the rest."""
        value = self.tensor(op, number)
        dims = value.dims or ()
        low: Lowered = value.lowered
        usual = low.layout == USUAL.get(len(dims)) and (
            dims[0] is ONE_BATCH or dims[0] == ONE_BATCH
        )
        if usual and dims[1:] == self.wiring.made[low.number].shape.axes:  # as most are
            return low.number
        if not dims or dims[0] != ONE_BATCH:
            message = f"its input is {shown(dims)}: the examples are not its first axis"
            raise CannotError(message)
        return self.fit(op, value, list(range(1, len(dims))))

    def canonical(self, op: Operation, value: Value) -> int:
        """The layer that gives a tensor with its axes in their order, the first as channels."""
        return self.fit(op, value, self.places(value))

    def fit(self, op: Operation, value: Value, order: Sequence[int], rank: int = 0) -> int:
        """The layer whose output has these axes of a tensor, in this order, channels first.

        `rank` counts axes of extent 1 in front of the tensor's, as broadcasting has them.
        """
        low = self.low(value)
        dims = value.dims or ()
        front = max(rank - len(dims), 0)
        layout: Layout = (ONE,) * front + low.layout
        extents = (1,) * front + tuple(dims)
        if max(order, default=0) >= len(extents):
            message = f"its input is {shown(dims)}: there is no axis {max(order)}"
            raise CannotError(message)
        if any(isinstance(extents[at], Batch) for at in order):
            message = f"its input is {shown(dims)}: the number of examples is part of an axis"
            raise CannotError(message)
        wanted = tuple(int(extents[at]) for at in order)  # type: ignore[arg-type]
        if not wanted:
            wanted, order = (1,), ()
        axes: list[int] = []
        for at in order:
            code = layout[at]
            codes = code if isinstance(code, tuple) else (code,)
            axes += [each for each in codes if each >= 0]
        shape = self.shape(low.number)
        if axes == list(range(shape.rank + 1)) and shape.axes == wanted:
            return low.number
        left = [axis for axis in range(shape.rank + 1) if axis not in axes]
        if any(shape.axes[axis] != 1 for axis in left):
            message = f"it takes an axis for another: {shape} as {shown(wanted)}"
            raise CannotError(message)
        number = low.number
        moved = [axis for axis in axes if shape.axes[axis] != 1]
        if moved != sorted(moved):
            turned = (*axes, *left)
            number = self.wiring.add(
                "permute", {"order": tuple(axis + 1 for axis in turned)}, [number], op.origin
            )
            shape = self.shape(number)
        if shape.axes != wanted:
            number = self.reshape(op, number, wanted)
        return number

    def reshape(self, op: Operation, number: int, axes: Sequence[int]) -> int:
        """A layer that gives the same values in memory order with these axes, channels first."""
        shape = self.shape(number)
        axes = tuple(axes)
        if shape.axes == axes:
            return number
        if prod(axes) != shape.size:
            message = f"{shape} holds {shape.size:,} values, and {shown(axes)} {prod(axes):,}"
            raise CannotError(message)
        if len(axes) == 1:
            return self.wiring.add("flatten", {}, [number], op.origin)
        if len(axes) == 2 and axes[0] == shape.channels and shape.rank > 1:
            return self.wiring.add("flatten", {"start": 2}, [number], op.origin)
        return self.wiring.add("reshape", {"shape": (*axes[1:], axes[0])}, [number], op.origin)

    def channels_at(self, op: Operation, value: Value, axis: int) -> Lowered:
        """A tensor as a layer whose channels are one of its axes, the others where they are."""
        low = self.low(value)
        if low.layout[axis] == 0:
            return low
        order = [axis, *(at for at in self.places(value) if at != axis)]
        return Lowered(self.fit(op, value, order), self.laid(value, order))

    def laid(self, value: Value, order: Sequence[int]) -> Layout:
        """The layout of a tensor whose axes were made a layer's in this order."""
        made: list[int] = [BATCH] * len(value.dims or ())
        for place, at in enumerate(order):
            made[at] = place
        return tuple(made)

    def give(self, op: Operation, number: int, layout: Layout, output: int = 0) -> None:
        """Say which layer an output of an operation is, and hold its extents against the layer's.

        Raises `CannotError` where they differ: then something was misunderstood.
        """
        value = op.outputs[output]
        shape = self.shape(number)
        if value.dims is not None:
            self._hold(value, shape, layout)
        else:
            value.dims = self._extents(shape, layout)
        value.lowered = Lowered(number, layout)

    @staticmethod
    def _extents(shape: Shape, layout: Layout) -> tuple[Any, ...]:
        axes = shape.axes
        made: list[Any] = []
        for code in layout:
            if code.__class__ is int:
                made.append(axes[code] if code >= 0 else 1 if code == ONE else ONE_BATCH)
                continue
            extent: Any = 1
            for each in code:  # type: ignore[union-attr]
                here = axes[each] if each >= 0 else 1 if each == ONE else ONE_BATCH
                extent = here * extent if here is ONE_BATCH else extent * here
            made.append(extent)
        return tuple(made)

    def _hold(self, value: Value, shape: Shape, layout: Layout) -> None:
        dims = value.dims or ()
        if (
            layout == USUAL.get(len(dims))
            and (dims[0] is ONE_BATCH or dims[0] == ONE_BATCH)
            and dims[1:] == shape.axes
        ):
            return
        made = self._extents(shape, layout)
        if tuple(dims) != made:
            message = f"it makes {shown(dims)}, and as layers {shown(made)}"
            raise CannotError(message)

    def give_first(self, op: Operation, number: int, output: int = 0) -> None:
        """Say which layer an output is whose axes are examples, channels, the rest."""
        self.give(op, number, USUAL[self.shape(number).rank + 2], output)

    def axis_word(self, number: int, axis: int) -> str:
        """What a spec calls an axis of a layer's output."""
        words = AXIS_WORDS.get(self.shape(number).rank, AXIS_WORDS[0])
        if axis >= len(words):
            message = f"{self.shape(number)} has no axis {axis}"
            raise CannotError(message)
        return words[axis]

    # Values of the file

    @staticmethod
    def number(constant: Constant) -> float | None:
        """The one number that a constant is; None of an array."""
        if constant.size != 1:
            return None
        try:
            return tidy(constant.array.reshape(-1)[0])
        except UnknownError:
            return None


def _held(arrays: Sequence[Constant | None]) -> dict[str, Constant]:
    """The arrays of the file that constants are, by their names."""
    return {
        each.sources[0]: each
        for each in arrays
        if each is not None and each.initializer and len(each.sources) == 1
    }


def tidy(value: Any) -> float:
    """A number as a file means it: 1e-05, which float32 has as 9.999999747378752e-06.

    >>> tidy(9.999999747378752e-06), tidy(0.5), tidy(3)
    (1e-05, 0.5, 3.0)
    """
    number = float(value)
    if not isfinite(number):
        message = f"a number in it is {number}"
        raise CannotError(message)
    return float(f"{number:.7g}")
