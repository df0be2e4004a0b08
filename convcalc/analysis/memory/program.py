"""A network as a flat list of memory operations: every tensor numbered, every size known.

Sizes are per example; nothing here depends on the batch, so one program serves every batch.
"""

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from convcalc.analysis.report import DTYPE_BYTES, INDEX
from convcalc.graph import Network
from convcalc.graph.planned import Planned, PlannedNode, planned
from convcalc.layers import UNPOOL
from convcalc.layers.base import Plan, Weight
from convcalc.layers.operations import Layout, Operation
from convcalc.shape import Shape

if TYPE_CHECKING:
    from convcalc.analysis.memory.losses import LossRule

LOSS = "cross-entropy"
"""The loss that is meant unless another one is named."""
HALF = 2
"""Bytes of a value in half precision."""


class Step(NamedTuple):
    """One operation, and which tensors of the program it works on."""

    layer: int
    """Index of the layer; the program's `loss` behind the last."""
    operation: Operation
    """What the layer says of it; numbers of tensors in it are the layer's own."""
    reads: tuple[int, ...]
    """The tensors that it reads, by their numbers in the program."""
    output: int
    """The tensor that it makes, by its number in the program."""
    keeps: tuple[int, ...]
    """Tensors that it keeps for its backward pass; its own output may be among them."""
    frees: tuple[int, ...]
    """Tensors that nothing reads after it."""
    learns: tuple[tuple[int, int, int, bool], ...]
    """Weights it has gradients for: number, values, bytes of a value in the operation, and whether
    the gradient comes channels last, so that autograd copies it to lie as the weight does."""
    backward: bool
    """Whether its output has a gradient."""


class Program(NamedTuple):
    """What a network does to memory, operation by operation."""

    steps: list[Step]
    """Every operation, in the order in which they run forward; in training the losses are last."""
    sizes: list[int]
    """Values per example of every tensor."""
    widths: list[int]
    """By tensor, how many bytes each of its values has."""
    starts: list[int]
    """Index of each layer's first step; one entry more than layers."""
    has_gradient: list[bool]
    """By tensor, whether a backward pass makes a gradient of it."""
    order: list[Layout]
    """By tensor, how its values lie in memory."""
    inputs: tuple[int, ...]
    """The tensors that are the network's inputs, which whoever runs it holds, by their numbers."""
    outputs: tuple[int, ...]
    """The tensors that are the network's outputs, in its order, which whoever runs it holds until
    their losses are added up, by their numbers."""
    losses: tuple[int, ...]
    """By output, the step that its loss is made of; none in inference."""
    weights: list[Weight]
    """Every parameter that is not frozen once, in the order of the layers."""
    frozen: int
    """Values of the parameters that are."""
    width: int
    """Bytes of a value of a parameter."""
    buffers: int
    """Bytes of running statistics and counters."""
    targets: int
    """Bytes of the targets of an example, of every output."""
    loss_bytes: tuple[tuple[int, int], ...]
    """By output, the bytes of its loss for each example, and those that it has once."""
    weighed: bool
    """Whether each loss has a total of its classes' weights."""
    mixed: bool
    """Whether autocast is on, so that operations choose what they compute in."""
    cuda: bool
    """Whether it runs on CUDA; otherwise on the CPU."""
    single: bool = False
    """Whether it is for a batch of one example, which some operations are other ones for."""
    shapes: Mapping[int, Shape] | None = None
    """The shapes of the tensors that layers give, where how gradients lie decides what is copied on
    the way back; None where it does not."""
    ranks: Sequence[int] = ()
    """By layer, the loss last, the spatial axes of what it gives."""

    @property
    def entry(self) -> int:
        """Bytes per example of the network's inputs."""
        return sum(self.sizes[tensor] * self.widths[tensor] for tensor in self.inputs)

    @property
    def loss(self) -> int:
        """The index that the loss goes by, behind those of the layers."""
        return len(self.starts) - 1


def program(
    network: Network,
    *,
    dtype: str = "float32",
    training: bool,
    mixed: bool = False,
    cuda: bool = False,
    written_out: bool = False,
    single: bool = False,
    loss: str = LOSS,
) -> Program:
    """Write out what a network does to memory; a training step makes its `loss` small.

    Attention is one kernel unless it is `written_out`; a program that is `single` is for a batch of
    one example, and all others are for several.
    """
    width = DTYPE_BYTES[dtype]
    writer = _Writer(planned(network), width, training=training, mixed=mixed, cuda=cuda)
    writer.written_out, writer.single, writer.objective = written_out, single, loss
    return writer.write()


class _Writer:
    def __init__(
        self, network: Planned, width: int, *, training: bool, mixed: bool, cuda: bool
    ) -> None:
        self.network = network
        self.indices = network.index_inputs
        self.width = width
        self.training = training
        self.mixed = mixed
        self.cuda = cuda
        self.written_out = self.single = False
        self.objective = LOSS
        self.loss = len(network.nodes)
        self.steps: list[Step] = []
        self.starts: list[int] = []
        self.buffers = 0
        self.sizes: list[int] = []
        self.widths: list[int] = []
        self.gradient: list[bool] = []
        self.order: list[Layout] = []
        self.weights: list[Weight] = []
        self.frozen = 0
        self.numbers: dict[tuple[int, str], int] = {}
        self.known: dict[int, tuple[Operation, ...]] = {}
        self.undone = {node.like for node in network.nodes if node.kind == UNPOOL}
        self.places: dict[int, int] = {}  # by pool that is undone, the tensor that says where
        # Of the layer that is written: channels of its input and its output, and its input's axes.
        self.channels = (1, 1)
        self.rank = 0

    def write(self) -> Program:
        network = self.network
        outputs = list(network.walk(self._node))
        self.starts.append(len(self.steps))
        ends = tuple(outputs[index] for index in network.outputs)
        shapes = [network.shape_of(index) for index in network.outputs]
        width = self.width
        losses, targets = tuple[int, ...](), 0
        weighed, loss_bytes = False, tuple[tuple[int, int], ...]()
        if self.training:
            from convcalc.analysis.memory.losses import rule_of  # which inference has none of

            rules = [rule_of(self.objective, network, index) for index in network.outputs]
            each = list(zip(ends, shapes, rules, strict=True))
            losses = tuple([self._loss(*one) for one in each])
            targets = sum(rule.target(shape, width) for _, shape, rule in each)
            weighed = any(rule.weighed for rule in rules)
            loss_bytes = tuple(
                [(shape.size * width, 0) if rule.large else (0, width) for _, shape, rule in each]
            )
        given = [network.shape_of(index) for index in range(len(outputs))]
        asked = self.training and any(map(self._asks, self.steps))
        inputs = tuple(outputs[index] for index in network.inputs)
        return Program(
            steps=self._freed((*inputs, *ends), outputs, losses),
            sizes=self.sizes,
            widths=self.widths,
            starts=self.starts,
            has_gradient=self.gradient,
            order=self.order,
            inputs=inputs,
            outputs=ends,
            losses=losses,
            weights=self.weights,
            frozen=self.frozen,
            width=self.width,
            buffers=self.buffers,
            targets=targets,
            loss_bytes=loss_bytes,
            weighed=weighed,
            mixed=self.mixed,
            cuda=self.cuda,
            single=self.single,
            shapes=dict(zip(outputs, given, strict=True)) if asked else None,
            ranks=[*(shape.rank for shape in given), 0] if asked else (),
        )

    def _tensor(self, size: int, width: int, *, gradient: bool, order: Layout = "fresh") -> int:
        self.sizes.append(size)
        self.widths.append(width)
        self.gradient.append(gradient)
        self.order.append(order)
        return len(self.sizes) - 1

    def _node(self, node: PlannedNode, plan: Plan, reads: list[int]) -> int:
        """Write the next layer out; the tensor it makes."""
        index = len(self.starts)
        self.starts.append(len(self.steps))
        if index in self.network.inputs:
            width = INDEX if index in self.indices else self.width
            return self._tensor(plan.output.size, width, gradient=False)
        owner = index if node.shared_with is None else node.shared_with
        if owner == index:
            held = node.layer.integers([self.network.shape_of(read) for read in node.inputs])
            self.buffers += sum(8 * prod(shape) for shape in held.values())
            for weight in plan.weights:
                if weight.buffer:
                    self.buffers += weight.size * self.width
                elif node.frozen:
                    self.frozen += weight.size
                else:
                    self.numbers[index, weight.name] = len(self.weights)
                    self.weights.append(weight)
        operations = self.known.get(id(plan))
        if operations is None:
            shapes = [self.network.shape_of(read) for read in node.inputs]
            operations = self.known[id(plan)] = node.layer.operations(shapes, plan)
        if node.kind == UNPOOL and node.like is not None:
            reads = [reads[0], self.places[node.like]]
        x = self.network.shape_of(node.inputs[0])
        self.channels, self.rank = (x.channels, plan.output.channels), x.rank
        return self._layer(index, owner, operations, reads)

    def _layer(
        self, index: int, owner: int, operations: Sequence[Operation], reads: list[int]
    ) -> int:
        """Write a layer's operations out; the tensor it makes."""
        local = list(reads)
        for operation in operations:
            if operation.training_only and not self.training:
                local.append(local[operation.reads[0]])
            else:
                local.append(self._operation(index, owner, operation, local))
        return local[-1] if operations else local[0]

    def _operation(self, layer: int, owner: int, operation: Operation, local: list[int]) -> int:
        """Write an operation on a layer's `local` tensors out; the tensor it makes."""
        if self.written_out and operation.written_out is not None:
            operation = operation.written_out
        if self.single and operation.alone is not None:
            operation = operation.alone
        given = [local[i] for i in operation.reads]
        wanted = self._wanted(operation, given) if self.mixed else 0
        if operation.otherwise and self._copies(operation, given):
            own = [self._cast(layer, read, wanted) for read in given] if wanted else given
            viewed = self._is_rows(operation, self.order[given[0]])
            for each in operation.otherwise:
                copies = not viewed and not each.reads[0]
                step = each._replace(contiguous=operation.contiguous) if copies else each
                own.append(self._operation(layer, owner, step, own))
            return own[-1]
        reads = self._as_wanted(layer, operation, given, wanted)
        width = self._width(operation, reads, wanted)
        indices = self._indices(layer, operation, reads, local) if self.undone else None
        if indices is not None:
            operation = operation._replace(extra=())
        before = self.order[self._leading(reads, operation.output)] if reads else "fresh"
        operation, order = self._laid_out(operation, before, reads)
        if indices is not None and layer in self.undone:
            self.order[indices] = order
        learns = self._learned(owner, operation, wanted or self.width, before)
        backward = bool(learns) or any(self.gradient[read] for read in reads)
        output = self._tensor(operation.output, width, gradient=backward, order=order)
        kept = _kept(operation, reads, output, local, self.gradient)
        if operation.keeps_to_learn and not learns:
            kept = ()
        read_again = () if indices is None else (indices,)
        kept = (*kept, *read_again)
        # Who asked for the operation holds on to what was cast for it.
        held = (*(local[i] for i in operation.holds), *set(given).difference(reads))
        self.steps.append(
            Step(
                layer=layer,
                operation=operation,
                reads=tuple(reads),
                output=output,
                keeps=(kept if backward else read_again) if self.training else (),
                frees=held,
                learns=learns,
                backward=backward,
            )
        )
        return output

    def _indices(
        self, layer: int, operation: Operation, reads: list[int], local: list[int]
    ) -> int | None:
        """The indices of a pool that is undone, which are a tensor beside its output.

        They are made with the output, and here before it, so that both are there at once. What
        undoes the pool reads them in the place of the pool's input.
        """
        array = next((each for each in operation.extra if each.name == "indices"), None)
        if array is None:
            return None
        if self.network.nodes[layer].kind == UNPOOL:
            return local[1]
        if layer not in self.undone:
            return None
        output = self._tensor(array.values, array.width, gradient=False)
        self.places[layer] = output
        self.steps.append(
            Step(
                layer=layer,
                operation=Operation(array.values, name="indices"),
                reads=tuple(reads),
                output=output,
                keeps=(),
                frees=(),
                learns=(),
                backward=False,
            )
        )
        return output

    def _leading(self, reads: list[int], size: int) -> int:
        """The tensor whose order the output takes: the first that is not spread over others."""
        if len(reads) > 1 and self.sizes[reads[0]] != size:
            return next((read for read in reads if self.sizes[read] == size), reads[0])
        return reads[0]

    def _as_wanted(
        self, layer: int, operation: Operation, given: list[int], wanted: int
    ) -> list[int]:
        """What an operation is given, in the precision and the order that it works on."""
        reads = given
        if wanted:
            reads = [self._cast(layer, read, wanted) for read in reads]
        if self._copies(operation, reads):
            reads = [self._straightened(layer, reads[0]), *reads[1:]]
        return reads

    def _learned(
        self, owner: int, operation: Operation, width: int, before: Layout
    ) -> tuple[tuple[int, int, int, bool], ...]:
        """The weights of an operation on a map that lies so, as `Step.learns` has them."""
        last = before == "channels_last" and operation.layout == "format"
        return tuple(
            (self.numbers[owner, weight.name], weight.size, width, last and _has_format(weight))
            for weight in operation.learns
            if (owner, weight.name) in self.numbers
        )

    def _copies(self, operation: Operation, reads: list[int]) -> bool:
        """Whether an operation works on a copy of the first tensor that it reads."""
        return bool(operation.contiguous) and self._out_of_order(operation, self.order[reads[0]])

    def _is_rows(self, operation: Operation, order: Layout) -> bool:
        """Whether what lies so is rows of channels as it is: one row, or columns of a matrix."""
        if operation.contiguous == "one":
            return True
        in_order = order in ("fresh", "sliced") or (order == "cut" and self.rank == 1)
        return self.single and operation.contiguous == "last" and in_order

    def _out_of_order(self, operation: Operation, order: Layout) -> bool:
        """Whether an operation copies an input that lies so; CUDA's kernels want it in order."""
        if operation.contiguous == "last":
            return order not in ("channels_last", "both", "turned" if self.rank == 1 else "both")
        if order == "channels_last":
            return operation.contiguous == "order" or self.cuda
        return order in ("cut", "sliced", "turned", "steps")

    def _laid_out(
        self, operation: Operation, before: Layout, reads: list[int]
    ) -> tuple[Operation, Layout]:
        """How an operation's output lies; one that is a view only of values in order may copy."""
        order = operation.layout
        if order == "format":
            last = all(self.order[read] in ("channels_last", "both") for read in reads)
            channels = self.channels[operation.name != "pad"]
            wide = 1 < channels < operation.output
            return operation, ("channels_last" if wide else "both") if last else "fresh"
        if operation.steps_first:
            if before == "steps":
                return operation._replace(storage="view"), "steps"
            return operation, "fresh"
        if order == "one":  # of one channel, which lies in order wherever it is channels last
            return operation, "both" if before in ("channels_last", "both") else "fresh"
        one = operation.output == self.channels[1] < self.sizes[reads[0]] if reads else False
        if one and before == "turned" and operation.storage == "view" and self.rank == 1:
            return operation, "sliced"  # one position, whose channels are in order
        if order == "sliced":
            return operation, "sliced" if before in ("fresh", "both") else before
        if order == "image":
            return operation, "channels_last" if before == "turned" else before
        if order == "sequence":
            return operation, "turned" if before == "channels_last" else before
        if order != "kept":
            return operation, order
        if operation.reshapes:
            if before in ("fresh", "both", "sliced"):
                return operation, "sliced" if before == "sliced" else "fresh"
            return operation._replace(storage="own"), "fresh"
        if operation.storage != "view" and before in ("both", "cut", "sliced"):
            return operation, "fresh"
        return operation, before

    def _wanted(self, operation: Operation, reads: list[int]) -> int:
        """Bytes of a value that autocast computes in; 0 for whatever it is given."""
        precision = operation.precision
        if precision == "low":
            return HALF
        if precision in ("full", "full_on_cuda" if self.cuda else "full_on_cpu"):
            return self.width
        if precision == "finest_on_cpu" and not self.cuda:
            return max(self.widths[read] for read in reads)
        return 0

    def _width(self, operation: Operation, reads: list[int], wanted: int) -> int:
        """Bytes of a value of the output: what merges two precisions computes in the finer one."""
        if not reads:
            return self.width
        if not operation.promotes:
            return self.widths[reads[0]]
        weights = [self.width] if operation.learns and operation.by_value and not wanted else []
        return max([*weights, *(self.widths[read] for read in reads)])

    def _cast(self, layer: int, read: int, width: int) -> int:
        """A copy of a tensor in another precision, if it is not in that one already."""
        if self.widths[read] == width:
            return read
        cast = Operation(self.sizes[read], layout="kept", name="cast")
        return self._copied(layer, read, width, cast)

    def _straightened(self, layer: int, read: int) -> int:
        """A copy of a tensor with its values in order."""
        operation = Operation(self.sizes[read], gradient="same", name="contiguous")
        return self._copied(layer, read, self.widths[read], operation)

    def _copied(self, layer: int, read: int, width: int, operation: Operation) -> int:
        """The copy of a tensor that an operation in front of another makes."""
        gradient = self.gradient[read]
        order: Layout = "fresh"
        if operation.layout == "kept" and self.order[read] in ("channels_last", "turned", "both"):
            order = self.order[read]
        copy = self._tensor(self.sizes[read], width, gradient=gradient, order=order)
        self.steps.append(
            Step(
                layer=layer,
                operation=operation,
                reads=(read,),
                output=copy,
                keeps=(),
                frees=(),
                learns=(),
                backward=gradient,
            )
        )
        return copy

    def _loss(self, output: int, shape: Shape, rule: "LossRule") -> int:
        """Write the operation out that reads an output for its loss; its step, by its index."""
        self._operation(self.loss, self.loss, rule.operation(shape.size), [output])
        return len(self.steps) - 1

    def _asks(self, step: Step) -> bool:
        """Whether how gradients lie decides what a step copies on the way back."""
        operation = step.operation
        gives = self.single and not step.reads and operation.storage == "view"
        return bool(operation.wants_back) or gives

    def _freed(
        self, held: tuple[int, ...], outputs: list[int], losses: tuple[int, ...]
    ) -> list[Step]:
        """The steps with what is free after each: a layer's inputs live as long as it works."""
        last_use: dict[int, int] = {}
        steps = self.steps
        ends: dict[int, int] = {step.layer: at for at, step in enumerate(steps)}
        own = {output: layer for layer, output in enumerate(outputs)}
        for at, step in enumerate(steps):
            last_use.setdefault(step.output, at)
            for read in (*step.reads, *step.frees):
                # Another layer's output is named by the caller until this layer is done.
                outside = own.get(read, step.layer) != step.layer
                last_use[read] = max(last_use.get(read, 0), ends[step.layer] if outside else at)
        # The caller holds these: the inputs, the outputs, and what the losses are taken of.
        for tensor in (*held, *(steps[at].output for at in losses)):
            last_use.pop(tensor, None)
        free: list[list[int]] = [[] for _ in steps]
        for tensor, at in last_use.items():
            free[at].append(tensor)
        return [step._replace(frees=tuple(free[at])) for at, step in enumerate(steps)]


def _kept(
    operation: Operation,
    reads: list[int],
    output: int,
    local: list[int],
    has_gradient: Sequence[bool],
) -> tuple[int, ...]:
    """The tensors that an operation keeps for its backward pass."""
    if operation.keeps == "input":
        return tuple(dict.fromkeys(reads))
    if operation.keeps == "output":
        return (output,)
    if operation.keeps == "factors":
        # A value read twice counts twice: x·x needs x.
        with_gradient = sum(has_gradient[read] for read in reads)
        return tuple(read for read in dict.fromkeys(reads) if with_gradient > has_gradient[read])
    if operation.keeps == "divisor":
        dividend, divisor = reads
        return tuple(dict.fromkeys((divisor, dividend) if has_gradient[divisor] else (divisor,)))
    if operation.keeps == "nothing":
        return ()
    tensors = (*local, output)
    return tuple(tensors[i] for i in operation.keeps)


def _has_format(weight: Weight) -> bool:
    """Whether a kernel's weights lie otherwise with channels last than with channels first."""
    _, *channels = weight.shape[:2]
    taps = weight.shape[2:]
    return len(taps) > 1 and channels[0] > 1 and max(taps) > 1
