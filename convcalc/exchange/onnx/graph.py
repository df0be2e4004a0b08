"""The graph of a model as values and operations, with all folded that is known before it runs."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from convcalc.exchange.onnx.extents import outputs_of
from convcalc.exchange.onnx.model import DamagedError, constant_of, malformed, readable
from convcalc.exchange.onnx.operations import STANDARD, Operation, Written, attribute, text
from convcalc.exchange.onnx.quantized import in_floats
from convcalc.exchange.onnx.values import (
    ONE_BATCH,
    Batch,
    Constant,
    Dims,
    Extent,
    UnknownError,
    Value,
)
from convcalc.exchange.wiring import called

MAX_OPERATIONS = 200_000
"""Most operations, with functions and loops written out: as many as a network may have layers."""
SMALL = 4096
"""Most values of a constant that is read at once."""
MAX_DEPTH = 40
"""Deepest nesting of functions and branches."""
MAX_ROUNDS = 10_000
"""Most rounds of a loop that is written out."""
MAX_EXTENT = 10**9
"""Largest extent of an input, as of a spec's."""
PASSED = frozenset({"Identity", "Cast", "CastLike", "StopGradient", "QuantizeLinear",
    "DequantizeLinear"})  # fmt: skip
"""Operators that pass on what a spec says nothing else of."""
SAME_VALUES = frozenset({"Identity", "Cast", "CastLike", "Dropout"})
"""Operators that give an array its values again."""
FLOATS = frozenset({1, 10, 11, 16, *range(17, 21), 23, 24})
"""Types of real numbers. Source: onnx.proto."""
MOST_TOLD = 64
"""Most numbers that a constant is told by."""
QUANTIZED = frozenset({"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear"})


class Open(NamedTuple):
    """An extent of an input that the file leaves open."""

    input: str
    """The input's name in the file."""
    axis: int
    """Which axis it is, from 0; the examples are the first."""
    name: str
    """What the file calls it; empty where it does not."""


class Graph:
    """A model's graph, gone through once."""

    def __init__(self, model: Any, folder: str, given: Mapping[str, tuple[int, ...]]) -> None:
        self.model = model
        self.folder = folder
        self.given = given
        """Extents of inputs, without the examples, for those that the file leaves open."""
        self.operations: list[Operation] = []
        self.inputs: list[Value] = []
        self.outputs: list[Value] = []
        self.fixed: dict[str, Dims] = {}
        """The inputs that the file says itself, and not as they are given."""
        self.first: dict[str, int] = {}
        """By the name of an input its first extent, which is the examples, where the file says
        it."""
        self.open: list[Open] = []
        """Extents that are neither said nor given."""
        self.unfit: dict[str, tuple[Dims, tuple[int, ...]]] = {}
        """By the name of an input what the file says of it, 0 of what is open, and what is given
        of it, channels first, where these do not fit."""
        self.named: dict[str, dict[int, str]] = {}
        """By the name of an input, its axes that have a name in the file."""
        self.batch = 0
        """The number of examples that the file is for; 0 for any."""
        self.quantized = False
        self.unnamed: dict[str, int] = {}
        """How many operations of each operator have no name of their own."""
        self.origins: set[str] = set()
        self.told: dict[str, Written] = {}
        """By the origin of operations what the file says of them, as where they stand."""
        self.functions = {
            (each.domain, each.name, getattr(each, "overload", "")): each
            for each in model.functions
        }
        self.versions = {each.domain: each.version for each in model.opset_import}
        self.version = self.versions.get("", self.versions.get("ai.onnx", 1))
        if min(self.versions.values(), default=1) < 1:
            message = f"is damaged: there is no version {min(self.versions.values())} of operators"
            raise DamagedError(message)
        self._inferred: dict[str, Any] | None = None
        self._ways: dict[object, int] = {}
        """By operation and what it reads the number of what is made so of arrays."""
        self._start()

    # The file's own inputs and weights

    def _start(self) -> None:
        graph = self.model.graph
        env = Scope()
        self._weights(graph, env)
        for tensor in graph.sparse_initializer:
            name = tensor.values.name
            message = f"the sparse array `{name[:60]}`"
            constant = Constant(tuple(tensor.dims), _unknown(message), floats=True, name=name)
            env[name] = Value(name, constant.dims, constant=constant)
        for info in graph.input:
            if info.name not in env:
                env[info.name] = self._input(info)
        if self.open:
            return
        self.walk(graph, env, "", 0)
        for info in graph.output:
            value = env.find(info.name)
            if value is None:
                message = f"is damaged: nothing makes its output `{info.name[:60]}`"
                raise DamagedError(message)
            value.uses += 1
            self.outputs.append(value)
        self.output_names = [info.name for info in graph.output]

    def _input(self, info: Any) -> Value:
        """An input with its extents, of which the first is the number of examples."""
        tensor = info.type.tensor_type
        floats = tensor.elem_type in (0, 1, 10, 11, 16)
        value = Value(info.name, floats=floats)
        self.inputs.append(value)
        if not tensor.HasField("shape"):
            self.open.append(Open(info.name, -1, ""))
            return value
        dims: list[Extent] = []
        written = tensor.shape.dim
        given = self.given.get(info.name) or self.given.get("") or ()
        sizes = self._sizes(info.name, written, given) if given else ()
        for axis, dim in enumerate(written):
            size = dim.dim_value if dim.HasField("dim_value") else 0
            if axis == 0 and len(written) > 1:
                self.batch = self.batch or max(size, 0)
                if size > 0:
                    self.first[info.name] = size
                dims.append(ONE_BATCH)
                continue
            if size <= 0:
                readable([dim.dim_param])
                self.named.setdefault(info.name, {})[axis] = dim.dim_param
                size = sizes[axis - 1] if sizes else 0
                if not size:
                    self.open.append(Open(info.name, axis, dim.dim_param))
            if size > MAX_EXTENT:
                message = f"the input `{info.name[:60]}` has an extent of {size:,}"
                raise DamagedError(message)
            dims.append(size)
        value.dims = tuple(dims)
        sizes_there = [each for each in dims if not isinstance(each, Batch) and each != 1]
        asked = [each for each in given if each != 1]  # 50x1 for a row of 50 that are looked up
        if given and info.name not in self.named and sorted(asked) != sorted(sizes_there):
            self.fixed[info.name] = value.dims
        return value

    def _sizes(self, name: str, written: Any, given: tuple[int, ...]) -> tuple[int, ...]:
        """What is given of an input, in the order of the file; nothing where that does not fit."""
        said = [max(dim.dim_value, 0) if dim.HasField("dim_value") else 0 for dim in written[1:]]
        if all(said):
            return ()
        from convcalc.exchange.onnx.fitting import fitted  # of what few files leave open

        sizes = fitted(self.model, name, said, given)
        if sizes is None:
            self.unfit[name] = (tuple(said), given)
        return sizes or ()

    # Operations

    def walk(self, graph: Any, env: "Scope", prefix: str, depth: int) -> None:
        """Go through the operations of a graph, or of one inside it."""
        if depth > MAX_DEPTH:
            message = f"nests functions and branches more than {MAX_DEPTH} deep"
            raise DamagedError(message)
        nodes = [*map(Written, graph.node)]
        readable(name for node in nodes for name in node.inputs)
        readable(name for node in nodes for name in (node.domain, *node.outputs))
        for node in nodes if _sorted(nodes, env) else _in_order(nodes, env):
            self._node(node, env, prefix, depth)

    def _node(self, node: "Written", env: "Scope", prefix: str, depth: int) -> None:
        if len(self.operations) >= MAX_OPERATIONS:
            message = f"has more than {MAX_OPERATIONS:,} operations"
            raise DamagedError(message)
        inputs: list[Value | None] = []
        for name in node.inputs:
            value = env.get(name) if name else None
            if value is None and name:
                value = env.find(name)
                if value is None:
                    kind = node.kind[:60]
                    message = f"is damaged: {kind} reads `{name[:60]}`, which nothing makes"
                    raise DamagedError(message)
            inputs.append(value)
        attributes, types = node.attributes(env.attributes)
        kind, domain = node.kind, "" if node.domain in STANDARD else node.domain
        called_so = (node.domain, kind, node.overload) if self.functions else None
        function = self.functions.get(called_so) if called_so is not None else None
        if function is not None:
            self._inline(function, node, inputs, attributes, env, prefix, depth)
            return
        version = self.versions.get(node.domain, self.version)
        if kind in ("If", "Loop") and not domain:
            whole = not malformed(node, version, kind, types, attributes)
            if whole and self._control(node, inputs, attributes, env, prefix, depth):
                return
        plain = None
        if kind.startswith("Q"):
            plain = in_floats(f"{domain}.{kind}" if domain else kind, inputs)
        if plain is not None:
            self.quantized = True
            (kind, inputs), domain = plain, ""
        wrong = malformed(node, version, kind, types, attributes)
        if wrong:
            attributes = {}  # they may be anything, and it is not read anyway
        origin = self._origin(node, prefix)
        op = Operation(kind, inputs, attributes, origin, domain=domain, version=self.version)
        op.malformed = wrong
        self.told[origin] = node
        op.outputs = [Value(name, operation=op, number=at) for at, name in enumerate(node.outputs)]
        self._settle(op, env)

    def _origin(self, node: "Written", prefix: str) -> str:
        """What the file calls an operation: its name, or that of what it makes."""
        made = node.outputs[0] if node.outputs else ""
        name = called(f"{prefix}{node.name or made}")
        if not name or name in self.origins:
            kind = name or node.kind
            number = self.unnamed.get(kind, 0) + 1
            while f"{kind}_{number}" in self.origins:
                number += 1
            self.unnamed[kind] = number
            name = f"{kind}_{number}"
        self.origins.add(name)
        return name

    def _settle(self, op: Operation, env: "Scope") -> None:
        """Fold an operation, pass it over, or keep it."""
        constants = None if op.malformed else self._constants(op)
        if constants is not None:
            for number, value in enumerate(op.outputs):
                name = value.name
                if number < len(constants):
                    made = constants[number]
                    env[name] = Value(name, made.dims, constant=made, floats=made.floats)
                elif name:
                    env[name] = value
            return
        passed = op.name in PASSED and not op.domain and not op.malformed
        read = op.inputs[0] if op.inputs else None
        if passed and read is not None and not _cuts_off(op, read):
            self.quantized |= op.name in QUANTIZED
            for value in op.outputs:
                env[value.name] = read if read.constant is None else _of_no_value(op, value, read)
            return
        dims = () if op.malformed else outputs_of(op, self.batch)
        for number, value in enumerate(op.outputs):
            if number < len(dims):
                value.dims = tuple(dims[number])
            elif number == 0:
                value.dims = self._told(value.name)
            if value.name:
                env[value.name] = value
        for read in op.inputs:
            if read is not None:
                read.uses += 1
        self.operations.append(op)

    def _constants(self, op: Operation) -> list[Constant] | None:
        """What an operation makes, where that is known."""
        if op.domain:
            return None
        if op.name == "Constant":
            return [self._constant(op)]
        first = op.inputs[0] if op.inputs else None
        if op.name == "DequantizeLinear" and _in_floats(first):
            return None
        if op.name in ("Shape", "Size") and first is not None and first.dims is not None:
            from convcalc.exchange.onnx.folding import extents_of

            return [extents_of(op, first.dims)]
        if not op.inputs:
            return None
        for value in op.inputs:
            if value is not None and value.constant is None:
                return None
        dims = [tuple(each) for each in outputs_of(op, 0)]
        try:
            if op.name == "DequantizeLinear" and first is not None and first.dims is not None:
                dims = [first.dims]
                self.quantized |= len(first.dims) > 0
            from convcalc.exchange.onnx.folding import fold  # what computes wants NumPy

            made = fold(op, dims)
        except UnknownError:
            return None
        for number, each in enumerate(made or ()):
            if each.initializer and each.floats:
                self._know(each, op, number)
        return made

    def _know(self, made: Constant, op: Operation, number: int) -> None:
        """Remember of an array what it is of those that it is made of."""
        read = [value.constant for value in op.inputs if value is not None and value.constant]
        learned = [each for each in read if each.initializer and each.floats]
        made.held = sum(each.held for each in learned)
        if op.name in SAME_VALUES and learned:
            made.made = learned[0].made
            return
        said = tuple(sorted((name, repr(each)) for name, each in op.attributes.items()))
        way = (op.name, number, said, tuple(map(_told_by, read)))
        made.made = self._ways.setdefault(way, len(self._ways) + 1)

    def _constant(self, op: Operation) -> Constant:
        given = op.attributes
        name = op.outputs[0].name if op.outputs else op.origin
        tensor = given.get("value")
        if tensor is not None and hasattr(tensor, "dims"):
            made = constant_of(tensor, self.folder, name)
            if made.size <= SMALL:
                with suppress(UnknownError):
                    made.array  # noqa: B018 (which is at hand from here on)
            return made
        for key in ("value_float", "value_int", "value_floats", "value_ints"):
            if key in given:
                from convcalc.exchange.onnx.folding import at_hand

                return at_hand(given[key], "float32" if "float" in key else "int64", name)
        return Constant((), _unknown("a constant that is no number"), floats=False, name=name)

    def idle(self) -> list[Operation]:
        """The operations that no output needs, of which none is left by `prune`."""
        needed = self._needed()
        return [op for op in self.operations if id(op) not in needed]

    def _needed(self) -> set[int]:
        """The operations that outputs need, by their identity."""
        needed: set[int] = set()
        waiting = [value.operation for value in self.outputs]
        while waiting:
            op = waiting.pop()
            if op is None or id(op) in needed:
                continue
            needed.add(id(op))
            for value in op.inputs:
                maker = None if value is None else value.operation
                if maker is not None:
                    waiting.append(maker)
        return needed

    def prune(self) -> None:
        """Leave out what no output needs, and count anew what reads each tensor."""
        needed = self._needed()
        for op in self.operations:
            for value in op.inputs:
                if value is not None:
                    value.uses = 0
            for value in op.outputs:
                value.uses = 0
        self.operations = [op for op in self.operations if id(op) in needed]
        for op in self.operations:
            for value in op.inputs:
                if value is not None:
                    value.uses += 1
        for value in self.outputs:
            value.uses += 1

    def release(self) -> None:
        """Let operations and what they make be forgotten, which know each other.

        Circles would wait for the garbage collector, which takes longer than to free all of this.
        """
        for op in self.operations:
            for value in op.outputs:
                value.operation = None

    # Functions, branches and loops

    def _inline(
        self,
        function: Any,
        node: "Written",
        inputs: list[Value | None],
        attributes: dict[str, Any],
        env: "Scope",
        prefix: str,
        depth: int,
    ) -> None:
        """Write out a function of the file's own."""
        inner = Scope(attributes={
            **{each.name: attribute(each) for each in function.attribute_proto},
            **attributes,
        })  # fmt: skip
        for name, value in zip(function.input, inputs, strict=False):
            if value is not None:
                inner[name] = value
        scope = f"{prefix}{node.name or function.name}/"
        self.walk(function, inner, scope, depth + 1)
        self._bind(node.outputs, [inner.find(name) for name in function.output], env)

    @staticmethod
    def _bind(names: Iterable[str], values: Iterable[Value | None], env: "Scope") -> None:
        for name, value in zip(names, values, strict=False):
            if name and value is not None:
                env[name] = value

    def _control(
        self,
        node: "Written",
        inputs: list[Value | None],
        attributes: dict[str, Any],
        env: "Scope",
        prefix: str,
        depth: int,
    ) -> bool:
        """Write out a branch or loop whose condition is known; False where it is not."""
        scope = f"{prefix}{node.name or node.kind}/"
        if node.kind == "Loop":
            return self._loop(node, inputs, attributes, env, scope, depth)
        condition = _truth(inputs[0])
        if condition is None:
            return False
        branch, inner = attributes["then_branch" if condition else "else_branch"], Scope(env)
        if branch is None:  # of an attribute that a function does not hand on
            return False
        self._weights(branch, inner)
        self.walk(branch, inner, scope, depth + 1)
        self._bind(node.outputs, [inner.find(each.name) for each in branch.output], env)
        return True

    def _loop(
        self,
        node: "Written",
        inputs: list[Value | None],
        attributes: dict[str, Any],
        env: "Scope",
        scope: str,
        depth: int,
    ) -> bool:
        rounds = _whole(inputs[0])
        goes_on = _truth(inputs[1]) if inputs[1] is not None else True
        body, carried = attributes["body"], list(inputs[2:])
        if body is None or rounds is None or goes_on is None or rounds > MAX_ROUNDS:
            return False
        names = [each.name for each in body.input]
        if len(body.output) != 1 + len(carried) or len(names) != 2 + len(carried):
            return False
        before = len(self.operations)
        for number in range(max(rounds, 0)):
            if not goes_on:
                break
            inner = Scope(env)
            self._weights(body, inner)
            inner[names[0]] = _known(names[0], number, "int64")
            inner[names[1]] = _known(names[1], 1, "bool")
            for name, value in zip(names[2:], carried, strict=True):
                if value is not None:
                    inner[name] = value
            self.walk(body, inner, f"{scope}{number + 1}/", depth + 1)
            made = [inner.find(each.name) for each in body.output]
            goes_on = _truth(made[0])
            if goes_on is None:
                del self.operations[before:]
                return False
            carried = made[1:]
        self._bind(node.outputs, carried, env)
        return True

    def _weights(self, graph: Any, env: "Scope") -> None:
        """Let the names of arrays that a graph lists mean these."""
        names = [tensor.name for tensor in graph.initializer]
        readable(names)
        if len({*names}) < len(names):
            name = next(name for at, name in enumerate(names) if name in names[:at])
            message = f"is damaged: two arrays in it are called `{name[:60]}`"
            raise DamagedError(message)
        for name, tensor in zip(names, graph.initializer, strict=True):
            constant = constant_of(tensor, self.folder, name, initializer=True)
            env[name] = Value(name, constant.dims, constant=constant)

    # What only ONNX's own inference knows

    def _told(self, name: str) -> Dims | None:
        """The extents of a tensor as the file has them, or as ONNX infers them."""
        if self._inferred is None:
            self._inferred = self._infer()
        info = self._inferred.get(name)
        if info is None or not info.type.tensor_type.HasField("shape"):
            return None
        dims: list[Extent] = []
        for axis, dim in enumerate(info.type.tensor_type.shape.dim):
            if axis == 0 and (dim.dim_value == self.batch or dim.dim_param):
                dims.append(Batch())
            elif dim.dim_value > 0:
                dims.append(dim.dim_value)
            else:
                return None
        return tuple(dims)

    def _infer(self) -> dict[str, Any]:
        from onnx import ModelProto, shape_inference

        light = ModelProto()
        light.CopyFrom(_without_weights(self.model))
        try:
            light = shape_inference.infer_shapes(light)
        except Exception:  # noqa: BLE001 (of C++, and the file says itself what there is)
            light = self.model
        infos = [*self.model.graph.value_info, *light.graph.value_info, *self.model.graph.output]
        return {info.name: info for info in infos}


def _without_weights(model: Any) -> Any:
    """The model with the extents of its large arrays and none of their values."""
    from onnx import ModelProto, TensorProto

    light = ModelProto(ir_version=model.ir_version)
    light.opset_import.extend(model.opset_import)
    graph = model.graph
    light.graph.name = "graph"
    light.graph.node.extend(graph.node)
    light.graph.input.extend(graph.input)
    light.graph.output.extend(graph.output)
    known = {info.name for info in graph.input}
    for tensor in graph.initializer:
        if len(tensor.raw_data) + 4 * len(tensor.float_data) < 1024 and tensor.data_location != 1:
            light.graph.initializer.append(tensor)
        elif tensor.name not in known:
            shape = TensorProto(
                name=text(tensor.name), data_type=tensor.data_type, dims=tensor.dims
            )
            info = light.graph.input.add()
            info.name = shape.name
            info.type.tensor_type.elem_type = shape.data_type
            for extent in shape.dims:
                info.type.tensor_type.shape.dim.add().dim_value = extent
    return light


def _cuts_off(op: Operation, read: Value) -> bool:
    """Whether a Cast makes whole numbers of real ones, which are others then."""
    return op.name == "Cast" and read.floats and op.attributes.get("to", 1) not in FLOATS


def _in_floats(value: Value | None) -> bool:
    """Whether an array is of real numbers, as one that was to be quantized stays."""
    return value is not None and value.constant is not None and value.constant.floats


def _of_no_value(op: Operation, value: Value, read: Value) -> Value:
    """What an operation makes of an array, whose result cannot be told unless it is that array."""
    if op.name in QUANTIZED and _in_floats(read):
        return read
    message = f"what {op.name} makes of `{read.name[:60]}`"
    old = read.constant
    made = Constant(
        read.dims or (),
        _unknown(message),
        floats=old is not None and (old.floats or op.name == "DequantizeLinear"),
        name=value.name,
        initializer=old is not None and old.initializer,
        sources=old.sources if old is not None else (),
    )
    return Value(value.name, made.dims, constant=made, floats=made.floats)


def _told_by(constant: Constant) -> object:
    """What tells a constant from others: its values where they are few numbers."""
    if constant.floats and constant.initializer:
        return constant.sources, constant.made
    if constant.known and constant.size <= MOST_TOLD:
        return constant.dims, tuple(map(str, constant.array.reshape(-1).tolist()))
    return constant.name


def _unknown(message: str) -> Any:
    def load() -> Any:
        raise UnknownError(message)

    return load


def _known(name: str, number: int, kind: str) -> Value:
    """A number that is known, of a kind that NumPy has."""
    from convcalc.exchange.onnx.folding import at_hand

    constant = at_hand(number, kind, name)
    return Value(name, constant.dims, constant=constant, floats=False)


def _first_of(value: Value | None) -> Any:
    """The first value of a tensor that is known; None of one that is not, or is empty."""
    constant = value.constant if value is not None else None
    if constant is None or constant.size < 1:
        return None
    try:
        return constant.array.reshape(-1)[0]
    except UnknownError:
        return None


def _truth(value: Value | None) -> bool | None:
    """Whether a tensor is true; None where that is not known."""
    first = _first_of(value)
    return None if first is None or isinstance(first, Batch) else bool(first)


def _whole(value: Value | None) -> int | None:
    """The whole number that a tensor is; None where that is not known."""
    first = _first_of(value)
    if first is None or isinstance(first, Batch) or first.dtype.kind not in "iu":
        return None
    return int(first)


class Scope(dict[str, Value]):
    """Tensors by their names, and those of the graph around."""

    def __init__(
        self, outer: "Scope | None" = None, attributes: dict[str, Any] | None = None
    ) -> None:
        super().__init__()
        self.outer = outer
        self.attributes: dict[str, Any] = (
            attributes if attributes is not None else outer.attributes if outer is not None else {}
        )

    def find(self, name: str) -> Value | None:
        """What a name means here."""
        scope: Scope | None = self
        while scope is not None:
            value = scope.get(name)
            if value is not None:
                return value
            scope = scope.outer
        return None


def _sorted(nodes: "Sequence[Written]", env: Scope) -> bool:
    """Whether each operation stands behind those that it reads, and no two make one tensor."""
    made: set[str] = set()
    names = [name for node in nodes for name in node.outputs if name]
    every = set(names)
    if len(every) < len(names):
        return False
    for node in nodes:
        for name in node.inputs:
            if name not in made and name in every and env.find(name) is None:
                return False
        made.update(node.outputs)
    return True


def _in_order(nodes: "Sequence[Written]", env: Scope) -> "list[Written]":
    """The operations, each behind those that it reads.

    Raises `DamagedError` for a circle, and for a tensor that two of them make.
    """
    maker: dict[str, int] = {}
    for at, node in enumerate(nodes):
        for name in filter(None, node.outputs):
            if name in maker:
                message = f"is damaged: two operators make `{name[:60]}`"
                raise DamagedError(message)
            maker[name] = at
    waits = [
        {maker[name] for name in node.inputs if name in maker and env.find(name) is None}
        for node in nodes
    ]
    readers: dict[int, list[int]] = {}
    for at, reads in enumerate(waits):
        for read in reads:
            readers.setdefault(read, []).append(at)
    ready = [at for at, reads in enumerate(waits) if not reads]
    order: list[int] = []
    while ready:
        at = ready.pop()
        order.append(at)
        for reader in readers.get(at, ()):
            waits[reader].discard(at)
            if not waits[reader]:
                ready.append(reader)
    if len(order) < len(nodes):
        stuck = next(at for at, reads in enumerate(waits) if reads)
        name = nodes[stuck].name or nodes[stuck].kind
        message = f"goes in a circle: `{name[:60]}` reads what is made of it"
        raise DamagedError(message)
    return [nodes[at] for at in order]
