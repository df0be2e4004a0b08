"""The operators of TensorFlow Lite Micro: a table by kind of layer, and reasons for what it lacks.

The rules are what TensorFlow's converter makes of a Keras model and what the runtime's reference
kernels take; docs/memory.md lists them and says what they were measured on.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import prod
from types import MappingProxyType
from typing import Any

from convcalc.analysis.memory.runtimes import Lowered, Map, Operator, Unruled
from convcalc.analysis.report import DTYPE_BYTES
from convcalc.graph.planned import Planned, PlannedNode
from convcalc.layers.base import Plan
from convcalc.layers.sliding import per_axis, windows_of
from convcalc.layers.sliding import sides as sides_of
from convcalc.shape import Shape
from convcalc.window import Window, same

Sides = tuple[tuple[int, int], ...]
"""Padding before and behind, by axis."""

INDICES = 16
"""Bytes of scratch of an array of axes or of a place: up to four numbers of 4 bytes."""
WIDE = 4
"""Bytes of a whole number that sums are kept in, and of a float."""
CONVOLUTIONS = ("conv", "depthwise_conv")
"""Kinds whose padding may be the kernel's own, and that a `pad` before them belongs to."""
UNSCALED = (*CONVOLUTIONS, "linear")
"""Kinds whose weights take in the factor of a hard sigmoid that they read."""
SCALED = ("tanh", "sigmoid", "softmax", "log_softmax")
"""Kinds whose int8 output has a scale that the runtime fixes."""
SAME_SCALE = (
    "maxpool", "avgpool", "global_maxpool", "flatten", "reshape", "permute", "pad", "crop",
    "slice", "upsample", "pixel_shuffle", "channel_shuffle", "dropout", "identity", "concat",
)  # fmt: skip
"""Kinds whose int8 output has the scale of what they read."""
MOST_AXES = 2
"""Most axes of a map, beside its channels."""
ACTIVATED = ("dense", "merge", "pool", "sum")
"""Roles of operators that relu and relu6 are fused into."""
BEHIND_ELU = (*CONVOLUTIONS, "maxpool", "avgpool")
"""Kinds that an elu in int8 was measured in front of; others may read it in float32."""
MOVING = ("RESHAPE", "TRANSPOSE", "DEPTH_TO_SPACE")
"""Operators that move values, which an activation function is put in front of."""
ACTIVATIONS = ("relu", "relu6", "tanh", "sigmoid", "hardsigmoid")
"""Kinds of layers that are put in front of what moves values."""
COPIES = ("PAD", "PADV2")
"""Operators that only copy a map with a border of one value."""
CONVOLVING = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV")
"""Operators that keep a factor for each filter."""


class _NoRuleError(Exception):
    """A layer that there is no rule for; the text says why, in a clause."""


class _Made:
    """A map as far as its readers are known."""

    __slots__ = ("bytes", "dtype", "layer", "maker", "nodes", "read", "run", "shape", "to_come",
                 "unpadded", "unscaled")  # fmt: skip

    def __init__(
        self, layer: str, shape: Shape, dtype: str, maker: "_Step | None", *, run: bool
    ) -> None:
        self.layer, self.shape, self.dtype, self.maker = layer, shape, dtype, maker
        self.bytes = shape.size * DTYPE_BYTES[dtype]
        self.run = run
        """Whether it has a fourth axis, of a run of operators that need one."""
        self.read = 0
        """How many operators read it so far."""
        self.to_come = 0
        """How many layers will read it, under whatever name."""
        self.unscaled: _Made | None = None
        """What it is a multiple of, where it is a hard sigmoid's product."""
        self.unpadded: _Made | None = None
        """What it has a border around, where that is a layer of its own."""
        self.nodes: list[int] = []
        """The layers that it is the output of, by index."""

    @property
    def alone(self) -> bool:
        """Whether only the layer that is being lowered reads it."""
        return not self.read and not self.to_come


class _Step:
    """An operator that is being made."""

    __slots__ = ("constants", "fused", "layer", "makes", "moves", "name", "padding", "reads",
                 "role", "run", "scratch")  # fmt: skip

    def __init__(self, name: str, layer: str, reads: list[_Made], role: str, *, run: bool) -> None:
        self.name, self.layer, self.reads, self.role, self.run = name, layer, reads, role, run
        self.makes: _Made
        self.fused = self.padding = ""
        self.scratch: tuple[int, ...] = ()
        self.constants: list[int] = []
        self.moves = role == "move"
        """Whether it moves the values of a layer's input, and does nothing else."""

    def fusable(self, *roles: str) -> bool:
        """Whether an activation may still be fused into it, if it is of one of these roles."""
        return self.role in roles and not self.fused


class _Lowering:
    """A network that is being lowered, layer by layer."""

    def __init__(self, network: Planned, dtype: str) -> None:
        self.network, self.dtype = network, dtype
        self.whole = dtype == "int8"
        self.steps: list[_Step] = []
        self.made: list[_Made] = []
        """By layer, the map that its output is."""
        self.unruled: list[Unruled] = []
        self.flash = 0
        self.stored: set[tuple[int, str]] = set()
        self.taken_in: dict[int, Sides] = {}
        """By convolution, the padding of the `pad` before it that became its own."""
        self.readers: list[list[int]] = [[] for _ in network.nodes]
        for index, node in enumerate(network.nodes):
            for read in node.inputs:
                self.readers[read].append(index)
        self.outputs = Counter(network.outputs)
        self.joined = self._before_concats()
        """The layers whose values reach a concat with the scale that they have."""
        scaled = {index for index in self.joined if self.node(index).kind in SCALED}
        self.requantized = scaled if self.whole else set()
        """Those of them that are requantized for it."""

    # -- what a layer is asked about -----------------------------------------------------------

    def node(self, index: int) -> PlannedNode:
        return self.network.nodes[index]

    def plan(self, index: int) -> Plan:
        return self.network.plans[index]

    def layer(self, index: int) -> Any:
        """The layer with its fields, which are those of its kind."""
        return self.network.nodes[index].layer

    def input(self, index: int) -> _Made:
        return self.made[self.node(index).inputs[0]]

    def effective(self, *indices: int) -> tuple[list[int], bool]:
        """The layers that read the output of some, and whether the network gives it.

        Also through what is no operator at all.
        """
        readers: list[int] = []
        names = [*indices]
        known = {*names}
        for name in names:
            for reader in self.readers[name]:
                if reader in known:
                    continue
                if self.is_nothing(reader):
                    known.add(reader)
                    names.append(reader)
                else:
                    readers.append(reader)
        return readers, any(self.outputs[name] for name in names)

    def is_nothing(self, index: int) -> bool:
        """Whether a layer is no operator: its output is its input."""
        node = self.node(index)
        if node.kind == "flatten":
            return self.vanishes(index)
        if node.kind == "pad":
            return self.belongs(index)
        if node.kind == "reshape" and self.spreads(index):
            return True
        if node.kind == "channel_shuffle":
            return self.layer(index).groups in (1, self.plan(index).output.channels)
        same = node.kind in ("reshape", "permute") and (
            self.network.shape_of(index) == self.network.shape_of(node.inputs[0])
        )
        if same and node.kind == "permute":
            return [*self.layer(index).order] == sorted(self.layer(index).order)
        return same or LOWERINGS.get(node.kind) is _nothing

    def vanishes(self, index: int) -> bool:
        """Whether a flatten is no operator: of a vector, or of one position for one linear layer.

        Activation functions between them stand in front of it.
        """
        before = self.network.shape_of(self.node(index).inputs[0])
        if not before.spatial:
            return True
        after = self.network.shape_of(index)
        if prod(before.spatial) > 1 or after.spatial:
            return False
        at, given = index, False
        while not given:
            given = bool(self.outputs[at])
            readers = self.readers[at]
            if len(readers) != 1:
                return False
            (at,) = readers
            kind = self.node(at).kind
            if kind == "linear":
                return not given
            if kind not in (*ACTIVATIONS, "dropout", "identity"):
                return False
        return False

    def spreads(self, index: int) -> bool:
        """Whether a reshape makes one position of a vector, which is then spread over a map."""
        before, after = (
            self.network.shape_of(self.node(index).inputs[0]),
            self.network.shape_of(index),
        )
        if before.spatial or after.rank != MOST_AXES or prod(after.spatial) > 1:
            return False
        readers = self.readers[index]
        return (
            bool(readers)
            and not self.outputs[index]
            and all(self.node(reader).kind == "multiply" for reader in readers)
        )

    def belongs(self, index: int) -> bool:
        """Whether a `pad` is the padding of the convolutions that read it, and of nothing else."""
        readers = self.readers[index]
        return (
            bool(readers)
            and not self.outputs[index]
            and all(_padded_by(self, index, reader) for reader in readers)
        )

    def outside(self, made: _Made) -> int:
        """How many readers of a map need it on the axes that it has by itself, not on four."""
        readers, given = self.effective(*made.nodes)
        kinds = [each for each in readers if not self.on_four_axes(each)]
        return len(kinds) + given

    def on_four_axes(self, index: int) -> bool:
        """Whether a layer reads a map on four axes, or on any."""
        kind = self.node(index).kind
        if kind in ("flatten", "reshape", "conv_transpose"):
            return True
        try:
            if kind in CONVOLUTIONS:
                return not _padding(self, index)[1]
            return kind in ("maxpool", "avgpool") and not _pooled(self, index)[1]
        except _NoRuleError:
            return False

    def stays(self, made: _Made) -> bool:
        """Whether what is done value by value to a map is done within its run on four axes."""
        return made.run and self.outside(made) <= 1

    def _before_concats(self) -> frozenset[int]:
        """The layers whose values reach a concat as they are."""
        waiting = [
            read for node in self.network.nodes if node.kind == "concat" for read in node.inputs
        ]
        seen: set[int] = set()
        while waiting:
            index = waiting.pop()
            if index not in seen:
                seen.add(index)
                if self.node(index).kind in SAME_SCALE or self._pooled_relu(index):
                    waiting += self.node(index).inputs
        return frozenset(seen)

    def _pooled_relu(self, index: int) -> bool:
        """Whether a layer is a relu that is fused into pooling, which keeps the scale."""
        node = self.node(index)
        if node.kind not in ("relu", "relu6"):
            return False
        before = node.inputs[0]
        alone = len(self.readers[before]) == 1 and not self.outputs[before]
        return alone and self.node(before).kind in ("maxpool", "avgpool")

    # -- what it makes ---------------------------------------------------------------------------

    def emit(
        self,
        name: str,
        index: int,
        reads: Sequence[_Made],
        shape: Shape | None = None,
        *,
        role: str = "",
        run: bool = False,
        dtype: str | None = None,
        scratch: tuple[int, ...] = (),
        constants: Sequence[int] = (),
        fused: str = "",
        padding: str = "",
        ahead: "_Step | None" = None,
    ) -> _Made:
        """An operator, and the map that it makes; of the layer's shape unless another is given.

        It stands behind all others, or right in front of `ahead`.
        """
        shape = shape or self.plan(index).output
        step = _Step(name, self.node(index).name, [*reads], role, run=run and shape.rank == 1)
        step.scratch, step.constants = scratch, [*constants]
        step.fused, step.padding = fused, padding
        step.makes = _Made(step.layer, shape, dtype or self.dtype, step, run=step.run)
        for each in reads:
            each.read += 1
        self.steps.insert(len(self.steps) if ahead is None else self.steps.index(ahead), step)
        return step.makes

    def in_front(self, made: _Made) -> tuple[_Made, "_Step | None"]:
        """What an activation function of a map reads, and which operator it stands in front of.

        That is the map itself, or what was there before its values were moved for it alone.
        """
        ahead = None
        while made.maker is not None and made.maker.name in MOVING and made.maker.moves:
            if made.to_come or made.read > (ahead is not None):
                break
            ahead = made.maker
            (made,) = ahead.reads
        return made, ahead

    def crossed(self, made: _Made, ahead: "_Step | None") -> set[str]:
        """The operators between a map and what is put in front of them, by name."""
        names: set[str] = set()
        while ahead is not None and made.maker is not None:
            names.add(made.maker.name)
            if made.maker is ahead:
                break
            (made,) = made.maker.reads
        return names

    def put(self, made: _Made, ahead: "_Step | None", moved: _Made) -> _Made:
        """The map behind an operator that was put in front of others: what they make of it."""
        if ahead is None:
            return made
        ahead.reads = [made]
        made.read += 1
        return moved

    def store(self, index: int, kept: str, values: int, *, width: int, scales: int) -> int:
        """A constant of some values; in int8 with a scale each. Returns its bytes, counted once."""
        size = values * (width if self.whole else DTYPE_BYTES[self.dtype])
        owner = self.node(index).shared_with
        key = (index if owner is None else owner, kept)
        if key not in self.stored:
            self.stored.add(key)
            self.flash += size + (WIDE * scales if self.whole else 0)
        return size

    def weigh(self, index: int) -> list[int]:
        """The weights and biases of what multiplies: int8 with a scale a filter, and int32."""
        weights = [each for each in self.plan(index).weights if each.name == "weight"]
        values, filters = sum(each.size for each in weights), self.plan(index).output.channels
        return [
            self.store(index, "weight", values, width=1, scales=filters),
            self.store(index, "bias", filters, width=WIDE, scales=0),
        ]

    # -- all of it -------------------------------------------------------------------------------

    def lower(self) -> Lowered:
        self._find_equals()
        for index, node in enumerate(self.network.nodes):
            for read in node.inputs:
                self.made[read].to_come -= 1
            made = self._lowered(index)
            made.nodes.append(index)
            made.to_come += len(self.readers[index]) + self.outputs[index]
            self.made.append(made)
        self._insert_reshapes()
        self._join_reshapes()
        return self._numbered()

    def _find_equals(self) -> None:
        """Say where equal layers read the same: the converter makes one operator of both."""
        known: set[tuple[Any, ...]] = set()
        for index, node in enumerate(self.network.nodes):
            nothing = node.kind != "flatten" and self.is_nothing(index)
            if node.kind not in LOWERINGS or self.plan(index).weights or nothing:
                continue
            key = (node.kind, node.layer, node.inputs)
            if key in known:
                reason = "one operator may be made of it and of an equal layer that reads the same"
                self.unruled.append(Unruled(node.name, node.kind, reason))
            known.add(key)

    def _lowered(self, index: int) -> _Made:
        node = self.node(index)
        if node.kind == "input":
            return _Made(node.name, self.plan(index).output, self.dtype, None, run=False)
        try:
            return self._ruled(index)
        except _NoRuleError as why:
            self.unruled.append(Unruled(node.name, node.kind, str(why)))
            for weight in self.plan(index).weights:
                if not weight.buffer:
                    self.store(index, weight.name, weight.size, width=1, scales=1)
            return self.emit(node.kind, index, [self.made[read] for read in node.inputs])

    def _ruled(self, index: int) -> _Made:
        """What a layer's rule makes of it; raises `_NoRuleError` where there is none."""
        node = self.node(index)
        lowering = LOWERINGS.get(node.kind)
        if lowering is None:
            raise _NoRuleError(REASONS[node.kind])
        shapes = [self.network.shape_of(read) for read in (*node.inputs, index)]
        if any(shape.rank > MOST_AXES for shape in shapes):
            message = "maps of three spatial axes are not in the rules"
            raise _NoRuleError(message)
        return lowering(self, index)

    def _insert_reshapes(self) -> None:
        """Give each run of operators on four axes a reshape in front, and one behind."""
        outside = {
            id(read)
            for step in self.steps
            if not (step.run or step.name in ("RESHAPE", "FULLY_CONNECTED"))
            for read in step.reads
            if read.run
        }
        outside |= {id(made) for output in self.network.outputs if (made := self.made[output]).run}
        of_run: dict[int, _Made] = {}
        behind: dict[int, _Made] = {}
        steps: list[_Step] = []

        def reshaped(made: _Made, layer: str, *, run: bool) -> _Made:
            step = _Step("RESHAPE", layer, [made], "", run=run)
            step.makes = _Made(layer, made.shape, made.dtype, step, run=run)
            step.constants = [WIDE * (len(made.shape.axes) + 1 + run)]
            steps.append(step)
            return step.makes

        for step in self.steps:
            reads = []
            for read in step.reads:
                if step.run and not read.run and read.shape.rank == 1:
                    if id(read) not in of_run:
                        of_run[id(read)] = reshaped(read, step.layer, run=True)
                    reads.append(of_run[id(read)])
                else:
                    native = step.run or step.name in ("RESHAPE", "FULLY_CONNECTED")
                    reads.append(read if native else behind.get(id(read), read))
            step.reads = reads
            steps.append(step)
            if id(step.makes) in outside:
                behind[id(step.makes)] = reshaped(step.makes, step.layer, run=False)
        self.steps = steps
        for index, made in enumerate(self.made):
            if self.outputs[index]:
                self.made[index] = behind.get(id(made), made)

    def _join_reshapes(self) -> None:
        """Have a reshape of a reshape read what that reads, and leave out what nobody reads."""
        given = {id(self.made[output]) for output in self.network.outputs}
        for step in self.steps:
            while step.name == "RESHAPE":
                maker = step.reads[0].maker
                if maker is None or maker.name != "RESHAPE":
                    break
                step.reads = [*maker.reads]
        read = Counter(id(each) for step in self.steps for each in step.reads)
        for step in reversed(self.steps):
            if step.name == "RESHAPE" and not read[id(step.makes)] and id(step.makes) not in given:
                read.subtract(id(each) for each in step.reads)
                step.name = ""
        self.steps = [step for step in self.steps if step.name]

    def _numbered(self) -> Lowered:
        made = [self.made[index] for index in self.network.inputs]
        made += [step.makes for step in self.steps]
        number = {id(each): place for place, each in enumerate(made)}
        inputs = len(self.network.inputs)
        names = _names(self.steps)
        maps = [
            Map(each.layer, each.layer, _axes(each), each.dtype, each.bytes)
            for each in made[:inputs]
        ]
        maps += [
            Map(name, each.layer, _axes(each), each.dtype, each.bytes)
            for name, each in zip(names, made[inputs:], strict=True)
        ]
        operators = tuple(
            Operator(
                name=step.name,
                layer=step.layer,
                reads=tuple(number[id(read)] for read in step.reads),
                makes=number[id(step.makes)],
                fused=step.fused,
                padding=step.padding,
                scratch=step.scratch,
                constants=tuple(step.constants),
            )
            for step in self.steps
        )
        outputs = [number[id(self.made[each])] for each in self.network.outputs]
        return Lowered(
            maps=tuple(maps),
            operators=operators,
            inputs=inputs,
            outputs=tuple(dict.fromkeys(outputs)),
            flash=self.flash,
            tail=_tail(maps, operators),
            unruled=tuple(self._whole_network() + self.unruled),
        )

    def _whole_network(self) -> list[Unruled]:
        """What keeps the rules from holding, whatever the layers are."""
        network, reasons = self.network, []
        if self.dtype not in ("int8", "float32"):
            reasons.append(f"int8 and float32 were measured, and not {self.dtype}")
        for what, those in (("inputs", network.inputs), ("outputs", network.outputs)):
            if len(those) > 1:
                reasons.append(f"networks of several {what} were not measured")
        return [Unruled("", "", reason) for reason in reasons]


def lower(network: Planned, dtype: str) -> Lowered:
    """The operators of a network of one example, in the order of its layers.

    >>> from convcalc.graph import loads
    >>> from convcalc.graph.planned import planned
    >>> chain = planned(loads("{input: 8x8x3, layers: [{conv: {filters: 4, kernel: 3}}, relu]}"))
    >>> [(each.name, each.fused) for each in lower(chain, "int8").operators]
    [('CONV_2D', 'RELU')]
    """
    return _Lowering(network, dtype).lower()


def _axes(made: _Made) -> tuple[int, ...]:
    return (*((1,) if made.run else ()), *made.shape.spatial, made.shape.channels)


def _names(steps: Sequence[_Step]) -> list[str]:
    """Of each operator's map: the last of a layer's own goes by the layer's name."""
    last = {step.layer: number for number, step in enumerate(steps) if step.name != "RESHAPE"}
    for number, step in enumerate(steps):
        last.setdefault(step.layer, number)
    names: list[str] = []
    seen: Counter[str] = Counter()
    for number, step in enumerate(steps):
        if last[step.layer] == number:
            names.append(step.layer)
            continue
        name = f"{step.layer} ({step.name})"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{step.layer} ({step.name} {seen[name]})")
    return names


def _tail(maps: Sequence[Map], operators: Sequence[Operator]) -> int:
    """An estimate of what stays in the arena, for pointers of 8 bytes.

    Structs for each array, operator and filter; the last numbers are fitted to networks that were
    measured, of which docs/memory.md has the differences.
    """
    arrays = len(maps) + sum(len(each.constants) for each in operators)
    names = Counter(each.name for each in operators)
    convolving = sum(names[each] for each in CONVOLVING)
    filtered = (*CONVOLVING, "FULLY_CONNECTED") if maps[0].dtype == "int8" else CONVOLVING
    filters = sum(maps[each.makes].shape[-1] for each in operators if each.name in filtered)
    structs = 24 * arrays + 64 * len(operators) + 2 * WIDE * filters
    return structs + 50 * len(operators) + 51 * convolving + 737


# -- layers ------------------------------------------------------------------------------------


def _nothing(low: _Lowering, index: int) -> _Made:
    """In inference it does nothing: the map goes by another name."""
    return low.input(index)


def _own(name: str) -> "Lowering":
    """An operator of its own, which nothing is fused into and which is fused into nothing."""

    def lowering(low: _Lowering, index: int) -> _Made:
        if low.is_nothing(index):
            return low.input(index)
        maker = low.input(index).maker
        if name == "TRANSPOSE" and maker is not None and maker.name == name:
            raise _NoRuleError("permutations that follow each other become one, or none")
        return low.emit(name, index, [low.input(index)], role="move" if name in MOVING else "")

    return lowering


def _fixed(name: str) -> "Lowering":
    """An operator of its own with a fixed scale, which a concat has requantized."""

    def lowering(low: _Lowering, index: int) -> _Made:
        moved = low.input(index)
        along = name in ("SOFTMAX", "LOG_SOFTMAX")
        x, ahead = (moved, None) if along else low.in_front(moved)
        run = not along and low.stays(x)
        made = low.emit(name, index, [x], x.shape, run=run, ahead=ahead)
        if index in low.requantized:
            made = low.emit("QUANTIZE", index, [made], x.shape, run=made.run, ahead=ahead)
        return low.put(made, ahead, moved)

    return lowering


def _fits(sides: Sides, windows: Sequence[Window], sizes: Sequence[int]) -> bool:
    """Whether padding is what `same` pads on a map of these sizes."""
    like = [
        same(size, window.kernel, window.stride, window.dilation)
        for size, window in zip(sizes, windows, strict=True)
    ]
    return [*sides] == [(window.before, window.after) for window in like]


def _convolution(name: str) -> "Lowering":
    def lowering(low: _Lowering, index: int) -> _Made:
        sides, copied = _padding(low, index)
        x = low.input(index)
        if copied:
            x = _bordered(low, index, sides, low.layer(index).padding_mode)
        else:
            if index in low.taken_in and x.unpadded is not None:
                x = x.unpadded
            if x.unscaled is not None and _takes_factor(low, index, x.unscaled):
                x = x.unscaled
        fits = not copied and _fits(sides, low.plan(index).windows, x.shape.spatial)
        return low.emit(
            name,
            index,
            [x],
            role="dense",
            run=True,
            constants=low.weigh(index),
            padding="SAME" if fits else "VALID",
        )

    return lowering


def _padding(low: _Lowering, index: int) -> tuple[Sides, bool]:
    """The padding of a convolution, and whether it is a copy."""
    windows = low.plan(index).windows
    sides = low.taken_in.get(index) or _sides(windows)
    sizes = low.network.shape_of(low.node(index).inputs[0]).spatial
    if index in low.taken_in:
        return sides, False
    mode = low.layer(index).padding_mode
    copied = any(map(any, sides)) and (mode != "zero" or not _fits(sides, windows, sizes))
    if copied and mode not in ("zero", "reflect"):
        raise _NoRuleError(f"the runtime has no padding of mode {mode}")
    return sides, copied


def _sides(windows: Sequence[Window]) -> Sides:
    return tuple((window.before, window.after) for window in windows)


def _bordered(
    low: _Lowering, index: int, sides: Sides, mode: str = "zero", *, name: str = "PAD"
) -> _Made:
    """A copy of a layer's input with a border."""
    x = low.input(index)
    spatial = tuple(
        size + before + after for size, (before, after) in zip(x.shape.spatial, sides, strict=True)
    )
    shape = x.shape._replace(spatial=spatial)
    constants = [2 * WIDE * (x.shape.rank + 2)]
    if mode == "reflect":
        return low.emit(
            "MIRROR_PAD", index, [x], shape, scratch=(INDICES, INDICES), constants=constants
        )
    return low.emit(name, index, [x], shape, constants=constants)


def _takes_factor(low: _Lowering, index: int, six: _Made) -> bool:
    """Whether a layer reads what a hard sigmoid multiplies, and has the factor in its weights."""
    node = low.node(index)
    if node.kind not in UNSCALED or low.network.shape_of(index).rank > MOST_AXES:
        return False
    if node.kind == "linear":
        return prod(six.shape.spatial) == 1
    if six.shape.rank == 1 and not six.run:
        return False
    return not _padding(low, index)[1]


def _linear(low: _Lowering, index: int) -> _Made:
    x = low.input(index)
    if x.shape.spatial and low.network.shape_of(low.node(index).inputs[0]).spatial:
        raise _NoRuleError("a linear layer at each position was not measured")
    if x.unscaled is not None and _takes_factor(low, index, x.unscaled):
        x = x.unscaled
    return low.emit("FULLY_CONNECTED", index, [x], role="dense", constants=low.weigh(index))


def _pooled(low: _Lowering, index: int) -> tuple[Sides, bool]:
    """The padding of pooling, and whether it is a copy."""
    layer = low.layer(index)
    spatial = low.network.shape_of(low.node(index).inputs[0]).spatial
    windows = windows_of(layer, spatial)
    sides, largest = _sides(windows), low.node(index).kind == "maxpool"
    if set(per_axis(getattr(layer, "dilation", 1), len(spatial))) != {1}:
        message = "the runtime's pooling has no dilation"
        raise _NoRuleError(message)
    if getattr(layer, "divisor", None) is not None:
        message = "the runtime's average pooling has no divisor of its own"
        raise _NoRuleError(message)
    if not any(map(any, sides)):
        return sides, False
    fits = _fits(sides, windows, spatial)
    copied = not fits if largest else bool(layer.count_include_pad)
    if not (largest or copied or fits):
        message = "the runtime counts padding unless it is what `same` pads on this map"
        raise _NoRuleError(message)
    if layer.rounding == "ceil" and (copied or not largest):
        message = "padding that rounding up adds was not measured"
        raise _NoRuleError(message)
    return sides, copied


def _pooling(name: str) -> "Lowering":
    def lowering(low: _Lowering, index: int) -> _Made:
        sides, copied = _pooled(low, index)
        x = low.input(index)
        if copied:
            x = _bordered(low, index, sides, name="PADV2" if name == "MAX_POOL_2D" else "PAD")
        own = "SAME" if any(map(any, sides)) and not copied else "VALID"
        return low.emit(name, index, [x], role="pool", run=True, padding=own)

    return lowering


def _conv_transpose(low: _Lowering, index: int) -> _Made:
    layer, x, plan = low.layer(index), low.input(index), low.plan(index)
    rank = x.shape.rank
    strides, kernels = per_axis(layer.stride, rank), per_axis(layer.kernel, rank)
    if {*per_axis(layer.dilation, rank)} != {1} or layer.groups > 1:
        raise _NoRuleError("the runtime's transposed convolution has no dilation and no groups")
    whole = tuple(
        (size - 1) * stride + kernel
        for size, stride, kernel in zip(x.shape.spatial, strides, kernels, strict=True)
    )
    scaled = tuple(size * stride for size, stride in zip(x.shape.spatial, strides, strict=True))
    wide = all(kernel >= stride for kernel, stride in zip(kernels, strides, strict=True))
    valid = layer.padding == 0 and plan.output.spatial == whole
    if not wide or not (valid or (layer.padding == "same" and plan.output.spatial == scaled)):
        raise _NoRuleError("a transposed convolution padded otherwise than by 0 or `same`")
    scratch = (WIDE * plan.output.size,) if low.whole else ()
    constants = [WIDE * 4, *low.weigh(index)]
    return low.emit(
        "TRANSPOSE_CONV",
        index,
        [x],
        role="dense",
        run=True,
        scratch=scratch,
        constants=constants,
        padding="VALID" if valid else "SAME",
    )


def _normalization(low: _Lowering, index: int) -> _Made:
    """A factor and a summand a channel: in the weights before them, or a product and a sum."""
    layer, x = low.layer(index), low.input(index)
    if not getattr(layer, "track_running_stats", True):
        raise _NoRuleError("a batch normalization by statistics of the batch was not measured")
    if x.alone and x.maker is not None and x.maker.fusable("dense"):
        return x
    if any(low.node(reader).kind == "linear" for reader in low.effective(index)[0]):
        raise _NoRuleError("in front of a linear layer it may become part of that one's weights")
    channels = x.shape.channels
    factor = low.store(index, "factor", channels, width=1, scales=1)
    y = low.emit("MUL", index, [x], role="merge", run=low.stays(x), constants=[factor])
    if low.node(index).kind == "scale" and not layer.bias:
        return y
    summand = low.store(index, "summand", channels, width=1, scales=1)
    return low.emit("ADD", index, [y], role="sum", run=y.run, constants=[summand])


def _relu(name: str) -> "Lowering":
    def lowering(low: _Lowering, index: int) -> _Made:
        moved = low.input(index)
        x, ahead = low.in_front(moved)
        maker = x.maker
        if maker is not None:
            if name in (maker.fused, maker.name):
                return moved
            if not x.to_come and x.read == (ahead is not None) and maker.fusable(*ACTIVATED):
                maker.fused = name
                x.unscaled = None
                return moved
        made = low.emit(name, index, [x], x.shape, run=low.stays(x), ahead=ahead)
        return low.put(made, ahead, moved)

    return lowering


def _hardsigmoid(low: _Lowering, index: int) -> _Made:
    """A relu6 of what was made three larger, then a product, where readers do not multiply."""
    moved = low.input(index)
    x, ahead = low.in_front(moved)
    readers, given = low.effective(index)
    crossed = low.crossed(moved, ahead)
    weighted = any(low.node(reader).kind in UNSCALED for reader in readers)
    if "TRANSPOSE" in crossed and (weighted or "RESHAPE" in crossed):
        raise _NoRuleError("between a permutation and what has weights it was not measured")
    if "DEPTH_TO_SPACE" in crossed:
        raise _NoRuleError("behind a pixel shuffle it was not measured")
    maker = x.maker
    alone = not x.to_come and x.read == (ahead is not None)
    if alone and maker is not None and maker.fusable("dense", "sum"):
        maker.fused = "RELU6"
        six = x
    else:
        six = low.emit(
            "ADD", index, [x], x.shape, run=low.stays(x), constants=[1], fused="RELU6", ahead=ahead
        )
    taken = ahead is None and all(_takes_factor(low, reader, six) for reader in readers)
    if taken and readers and not given:
        return six
    y = low.emit(
        "MUL", index, [six], x.shape, role="merge", run=six.run, constants=[1], ahead=ahead
    )
    y.unscaled = six
    return low.put(y, ahead, moved)


def _silu(low: _Lowering, index: int) -> _Made:
    x = low.input(index)
    return low.emit("MUL", index, [x, low.emit("LOGISTIC", index, [x])], role="merge")


def _clipped(low: _Lowering, index: int) -> bool:
    """Whether one relu alone reads a layer, or a relu6, and is fused into its last operator.

    A relu stands in front of a permutation before what comes before it is put together.
    """
    at, moved = index, False
    while True:
        readers, given = low.effective(at)
        if given or len(readers) != 1:
            return False
        (at,) = readers
        if (kind := low.node(at).kind) != "permute":
            return kind == "relu" or (kind == "relu6" and not moved)
        moved = True


def _hardswish(low: _Lowering, index: int) -> _Made:
    """One operator; where a relu is fused into its product, that keeps it from becoming one."""
    x = low.input(index)
    if not _clipped(low, index):
        return low.emit("HARD_SWISH", index, [x])
    six = low.emit("ADD", index, [x], constants=[1], fused="RELU6")
    factor = low.emit("MUL", index, [six], constants=[1])
    return low.emit("MUL", index, [x, factor], role="merge")


def _elu(low: _Lowering, index: int) -> _Made:
    x = low.input(index)
    if not low.whole:
        return low.emit("ELU", index, [x])
    kinds = [low.node(reader).kind for reader in low.effective(index)[0]]
    other = next((kind for kind in kinds if kind not in BEHIND_ELU), None)
    if other is not None or index in low.joined:
        message = f"what the converter makes of it in int8 in front of {other or 'a concat'} was "
        raise _NoRuleError(message + "not measured")
    wide = low.emit("DEQUANTIZE", index, [x], dtype="float32")
    return low.emit("QUANTIZE", index, [low.emit("ELU", index, [wide], dtype="float32")])


def _prelu(low: _Lowering, index: int) -> _Made:
    """One operator; a relu of its input, or one that is fused into its sum, keeps it from that."""
    x = low.input(index)
    slopes = sum(weight.size for weight in low.plan(index).weights)
    constant = low.store(index, "weight", slopes, width=1, scales=1)
    if x.maker is not None and x.maker.name == "TRANSPOSE":
        raise _NoRuleError("behind a permutation what it is made of moves in front of that")
    clipped = x.maker is not None and "RELU" in (x.maker.name, x.maker.fused)
    if not clipped and not _clipped(low, index):
        return low.emit("PRELU", index, [x], constants=[constant])
    if x.maker is not None and x.maker.name == "FULLY_CONNECTED" and not x.maker.fused:
        raise _NoRuleError("behind a linear layer and in front of a relu, that runs twice")
    if low.whole:
        negative = low.emit("NEG", index, [low.emit("DEQUANTIZE", index, [x], dtype="float32")],
                            dtype="float32")  # fmt: skip
        negative = low.emit("QUANTIZE", index, [negative])
    else:
        negative = low.emit("NEG", index, [x])
    below = low.emit("MUL", index, [low.emit("RELU", index, [negative])], constants=[constant])
    above = x if clipped else low.emit("RELU", index, [x])
    return low.emit("ADD", index, [above, below], role="merge")


def _flatten(low: _Lowering, index: int) -> _Made:
    if low.vanishes(index):
        return low.input(index)
    if low.plan(index).output.spatial:
        message = "a flatten of some axes was not measured"
        raise _NoRuleError(message)
    x = low.input(index)
    readers, _ = low.effective(index)
    linear = any(low.node(reader).kind == "linear" for reader in readers)
    others = len(low.effective(*x.nodes)[0]) > 1
    if prod(x.shape.spatial) == 1 and linear and (others or len(readers) > 1):
        message = "a map of one position that several layers read was not measured"
        raise _NoRuleError(message)
    if x.shape.rank == 1 and others:
        message = "a map on one axis that other layers read, too, was not measured"
        raise _NoRuleError(message)
    return low.emit("RESHAPE", index, [low.input(index)], role="move", constants=[WIDE * 2])


def _merge(name: str) -> "Lowering":
    def lowering(low: _Lowering, index: int) -> _Made:
        total, *others = (low.made[read] for read in low.node(index).inputs)
        if len(others) > 1 and total.run:
            message = "on one axis a sum or product of more than two was not measured"
            raise _NoRuleError(message)
        for other in others:
            wide, narrow = sorted((total.shape, other.shape), key=lambda shape: -shape.rank)
            spatial = narrow.spatial or (1,) * wide.rank
            shape = Shape(
                max(wide.channels, narrow.channels), tuple(map(max, wide.spatial, spatial))
            )
            run = low.stays(total) and low.stays(other) and total.shape == other.shape
            total = low.emit(name, index, [total, other], shape, role="merge", run=run)
        return total

    return lowering


def _concat(low: _Lowering, index: int) -> _Made:
    return low.emit("CONCATENATION", index, [low.made[each] for each in low.node(index).inputs])


def _mean(low: _Lowering, index: int) -> _Made:
    x = low.input(index)
    sums = (WIDE * x.shape.channels,) if low.whole else ()
    scratch = (INDICES, INDICES, *sums)
    return low.emit("MEAN", index, [x], scratch=scratch, constants=[WIDE * x.shape.rank])


def _largest(low: _Lowering, index: int) -> _Made:
    x = low.input(index)
    axes = [WIDE * x.shape.rank]
    return low.emit("REDUCE_MAX", index, [x], scratch=(INDICES, INDICES), constants=axes)


def _pad(low: _Lowering, index: int) -> _Made:
    layer, x = low.layer(index), low.input(index)
    if layer.mode not in ("zero", "reflect"):
        raise _NoRuleError(f"the runtime has no padding of mode {layer.mode}")
    readers = low.readers[index]
    taken = [reader for reader in readers if _padded_by(low, index, reader)]
    for reader in taken:
        low.taken_in[reader] = sides_of(layer.padding, x.shape.rank)
    if low.belongs(index):
        return x
    scratch = (INDICES, INDICES) if layer.mode == "reflect" else ()
    name = "MIRROR_PAD" if layer.mode == "reflect" else "PADV2" if layer.value else "PAD"
    constants = [2 * WIDE * (x.shape.rank + 2)]
    made = low.emit(name, index, [x], scratch=scratch, constants=constants)
    made.unpadded = x
    return made


def _padded_by(low: _Lowering, index: int, reader: int) -> bool:
    """Whether a border of zeros is what `same` pads for an unpadded convolution that reads it."""
    layer, node = low.layer(index), low.node(reader)
    before = low.network.shape_of(low.node(index).inputs[0])
    if layer.mode != "zero" or layer.value or any(layer.channels) or layer.padding is None:
        return False
    if before.rank != MOST_AXES or node.kind not in CONVOLUTIONS:
        return False
    windows = low.plan(reader).windows
    if any(map(any, _sides(windows))):
        return False
    return _fits(sides_of(layer.padding, before.rank), windows, before.spatial)


def _cut(low: _Lowering, index: int) -> _Made:
    return low.emit("STRIDED_SLICE", index, [low.input(index)], constants=[WIDE * 4] * 3)


def _upsample(low: _Lowering, index: int) -> _Made:
    layer, x = low.layer(index), low.input(index)
    if layer.mode == "cubic":
        raise _NoRuleError("the runtime has no cubic upsampling")
    if layer.antialias or layer.positions != "by_mode" or layer.round != "floor":
        raise _NoRuleError("other positions than those of its mode were not measured")
    _needs_image(x)
    name = "RESIZE_NEAREST_NEIGHBOR" if layer.mode == "nearest" else "RESIZE_BILINEAR"
    return low.emit(name, index, [x], constants=[WIDE * 2])


def _needs_image(x: _Made) -> None:
    if x.shape.rank != MOST_AXES:
        raise _NoRuleError("on one axis it was not measured")


def _pixel_shuffle(low: _Lowering, index: int) -> _Made:
    _needs_image(low.input(index))
    return low.emit("DEPTH_TO_SPACE", index, [low.input(index)], role="move")


def _channel_shuffle(low: _Lowering, index: int) -> _Made:
    x = low.input(index)
    _needs_image(x)
    if low.is_nothing(index):
        return x
    apart = low.emit("RESHAPE", index, [x], role="move", constants=[WIDE * 5])
    turned = low.emit("TRANSPOSE", index, [apart], role="move", constants=[WIDE * 5])
    return low.emit("RESHAPE", index, [turned], role="move", constants=[WIDE * 4])


Lowering = Callable[[_Lowering, int], _Made]
"""Makes a layer's operators, and gives the map that its output is."""

LOWERINGS: Mapping[str, Lowering] = MappingProxyType({
    "conv": _convolution("CONV_2D"),
    "depthwise_conv": _convolution("DEPTHWISE_CONV_2D"),
    "conv_transpose": _conv_transpose,
    "linear": _linear,
    "maxpool": _pooling("MAX_POOL_2D"),
    "avgpool": _pooling("AVERAGE_POOL_2D"),
    "global_avgpool": _mean,
    "global_maxpool": _largest,
    "batchnorm": _normalization,
    "scale": _normalization,
    "relu": _relu("RELU"),
    "relu6": _relu("RELU6"),
    "leaky_relu": _own("LEAKY_RELU"),
    "prelu": _prelu,
    "elu": _elu,
    "silu": _silu,
    "sigmoid": _fixed("LOGISTIC"),
    "hardsigmoid": _hardsigmoid,
    "hardswish": _hardswish,
    "tanh": _fixed("TANH"),
    "softmax": _fixed("SOFTMAX"),
    "log_softmax": _fixed("LOG_SOFTMAX"),
    "dropout": _nothing,
    "identity": _nothing,
    "flatten": _flatten,
    "reshape": _own("RESHAPE"),
    "permute": _own("TRANSPOSE"),
    "pixel_shuffle": _pixel_shuffle,
    "channel_shuffle": _channel_shuffle,
    "pad": _pad,
    "crop": _cut,
    "slice": _cut,
    "upsample": _upsample,
    "add": _merge("ADD"),
    "multiply": _merge("MUL"),
    "concat": _concat,
})  # fmt: skip
"""By kind, what makes a layer's operators."""

_UNMEASURED = "what the converter makes of it was not measured"
_MANY = "the converter makes many operators of it, which were not measured"
_NOT_RUN = "the runtime does not run it"

REASONS: Mapping[str, str] = MappingProxyType({
    "separable_conv": _UNMEASURED,
    "locally_connected": _MANY,
    "lstm": _MANY,
    "gru": _MANY,
    "lppool": _MANY,
    "adaptive_avgpool": _MANY,
    "adaptive_maxpool": _MANY,
    "kmaxpool": _UNMEASURED,
    "maxunpool": _NOT_RUN,
    "channel_avgpool": _UNMEASURED,
    "channel_maxpool": _UNMEASURED,
    "groupnorm": _MANY,
    "layernorm": _MANY,
    "instancenorm": _MANY,
    "lrn": _NOT_RUN,
    "l2norm": _UNMEASURED,
    "selu": _NOT_RUN,
    "gelu": _NOT_RUN,
    "mish": _MANY,
    "abs": _UNMEASURED,
    "softplus": _MANY,
    "space_to_depth": _UNMEASURED,
    "affine": _UNMEASURED,
    "subtract": _UNMEASURED,
    "divide": _UNMEASURED,
    "maximum": _UNMEASURED,
    "matmul": _UNMEASURED,
    "attention": _MANY,
    "learned": _UNMEASURED,
    "embedding": _UNMEASURED,
})  # fmt: skip
"""By kind without a rule, why there is none; together with `LOWERINGS` every kind there is."""

FUSED_INSTEAD: Mapping[str, str] = MappingProxyType({
    "leaky_relu": "relu",
    "prelu": "relu",
    "elu": "relu",
    "selu": "relu",
    "softplus": "relu",
    "gelu": "relu6",
    "mish": "relu6",
    "silu": "relu6",
    "hardswish": "relu6",
    "tanh": "relu6",
    "sigmoid": "relu6",
    "hardsigmoid": "relu6",
})  # fmt: skip
"""By kind of activation function that is an operator of its own, or none, which of those that are
fused may stand for it; relu6 for one that is bounded, or has been replaced so in a publication, as
in EfficientNet-Lite."""
NOT_INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        "relu": "it is fused",
        "relu6": "it is fused",
        "abs": "none of those that are fused is like it",
    }
)
"""By kind of activation function without one in `FUSED_INSTEAD`, why there is none."""
