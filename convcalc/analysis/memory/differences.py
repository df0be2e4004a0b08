"""What is not exact of a network's memory: which layer, which figures, and in which direction.

docs/memory.md ("How exact it is") gives sizes and reasons.
"""

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

from convcalc.analysis.memory.program import Program, Step
from convcalc.analysis.memory.walk import Segment, Walked
from convcalc.graph.planned import Planned
from convcalc.layers import kinds
from convcalc.layers.operations import VOLUME, Layout
from convcalc.shape import Shape

if TYPE_CHECKING:
    from convcalc.layers.attention import Attention

Figures = Literal["every peak", "the backward peak"]
Direction = Literal["higher", "lower", "higher or lower"]

IN_ORDER: tuple[Layout, ...] = ("fresh", "both")
TURNED: tuple[Layout, ...] = ("channels_last", "turned", "steps")
REARRANGING = (
    "adaptive_maxpool",
    "channel_shuffle",
    "conv_transpose",
    "crop",
    "kmaxpool",
    "permute",
    "pixel_shuffle",
    "reshape",
    "slice",
    "space_to_depth",
)
"""Kinds whose output lies in ways that are not followed if their input does not lie in order."""

SINGLE = 4
"""Bytes of a value in single precision."""
RECURRENT = kinds("recurrent")

OUT_OF_ORDER = "its input does not lie in order, and how its output lies then is not followed"
OVERWRITTEN = "it works in place, so that its output lies as its input does, with gaps or turned"
ONE_CHANNEL = "its input has one channel or position, so that it lies channels last as well"
SLICED = "at batch 1 a slice of channels has no gaps, and PyTorch keeps what it is a slice of"
NOT_SUMMED = "at batch 1 a gradient that is as large as what is learned is not summed to it"
UNTURNED = "of one volume PyTorch's CPU may lay the weights' gradient out so that it is not copied"
NO_PEER = "PyTorch has no such layer; columns and a product by position are assumed"
NO_DILATION = "PyTorch's average pooling has no dilation; as much as without one is assumed"
ATTENTION_ELSEWHERE = (
    "what attention takes is known of the CPU and one precision; as much is assumed here"
)
FROZEN = "its weights are frozen, and what it makes on the way is followed as if they learned"
ONE_ROW = "it is over one position, and copies of what is in order already are counted"
ROWS = "its input has its axes turned or gaps between them, and may be rows of channels uncopied"
BY_POSITION = "its output lies position by position, and may be copied by what reads it"
CIRCULAR = "PyTorch pads slice by slice, and its backward pass copies the map's gradient for each"
BEYOND = "padded beyond its kernel, PyTorch's CPU makes a larger array and returns a part of it"
ONE_POSITION = "on one thread, PyTorch's CPU lays the output of such kernels out otherwise"
GRADIENTS = "it copies a gradient that lies otherwise than it does, and how it lies is not followed"
ROWS_BACK = "it copies a gradient that does not lie in rows, and how it lies is not followed"
STEPS_ON_CUDA = "on CUDA cuDNN computes it, which makes arrays otherwise"
STEPS_OTHERWISE = "in another data type than float32 PyTorch computes it otherwise, step by step"
STEPS_OF_ONE = "at batch 1 its input lies step after step as it is, and may not be copied"
SUMMED_APART = (
    "at batch 1 an input that does not lie in rows of channels has its bias added in another step"
)
PARTS_OF_ONE = "of one head, or of parts of one position, it makes fewer copies"
LACKING_ROWS = "at batch 1 what fills its windows stands behind all rows, and is left in its output"
PARTS_IN_ORDER = "its input does not lie in rows of channels, and is copied"
IN_ORDER_AGAIN = "its gradient lies in order where its input does not, and may be copied for that"
AGAIN = "layers that run again and do not lie in order are not followed to the byte"
LEARNED = "its gradient is a part of another, or a copy, and how that lies is not followed"
PARAMETERS = "gradients of its slopes are taken in another order where a segment runs again"
BIAS = "its bias has its gradient once what it read is gone, where a segment runs again"


class Inexact(NamedTuple):
    """A layer by which what PyTorch takes may differ from what is predicted, and how."""

    layer: str
    """Full name of the layer, as `stage1.norm1`."""
    figures: Figures
    """What may differ; what is kept goes with every peak."""
    direction: Direction
    """Where PyTorch's figure may be, seen from the one given."""
    reason: str
    """Why they may differ, in words; docs/memory.md has the sizes."""


Reason = tuple[Figures, Direction, str]


def inexact(
    network: Planned,
    program: Program,
    walked: Walked,
    segments: Sequence[Segment],
    *,
    batch: int,
    training: bool,
) -> tuple[Inexact, ...]:
    """Every layer that is not exact for a batch, in the order of the network, one reason each.

    `walked` says where layers work in place and copy slices of gradients; `segments` run again.
    """
    differences = []
    for index, node in enumerate(network.nodes):
        if not node.inputs:
            continue
        steps = program.steps[program.starts[index] : program.starts[index + 1]]
        x = network.shape_of(node.inputs[0])
        reasons = _forward(network, program, steps, index, x, training=training)
        if walked.in_place[index] and _lies(program, steps) in ("both", "cut", "sliced"):
            reasons.append(("every peak", "higher or lower", OVERWRITTEN))
        if batch == 1 and any(_of_slice(program, step) for step in steps):
            reasons.append(("every peak", "higher or lower", SLICED))
        if batch == 1 and _one_example_lies(node.kind, steps, program, x):
            reasons.append(("every peak", "lower", STEPS_OF_ONE))
        if node.kind == "attention":
            layer = cast("Attention", node.layer)
            reasons = [*_attention(program, steps, layer, x, batch=batch), *reasons]
        if training:
            reasons += _backward(
                program, steps, network, index, known=index not in walked.unfollowed
            )
            if batch == 1 and node.kind == "conv" and any(map(_turns_a_volumes, steps)):
                reasons.append(("the backward peak", "lower", UNTURNED))
            if batch == 1 and _summed_over_batch(network, index, x):
                reasons.append(("the backward peak", "lower", NOT_SUMMED))
            if any(first <= index < stop for first, stop in segments):
                reasons += _again(program, steps, node.kind)
        if reasons:
            differences.append(Inexact(node.name, *reasons[0]))
    return tuple(differences)


def _one_example_lies(kind: str, steps: Sequence[Step], program: Program, x: Shape) -> bool:
    """Whether one example lies step after step already, which a batch of several does not."""
    turning = [step for step in steps if step.operation.steps_first]
    if kind not in RECURRENT or not turning:
        return False
    return kind == "gru" or x.channels == 1 or _lies(program, turning) in TURNED


def _attention(
    program: Program, steps: Sequence[Step], layer: "Attention", x: Shape, *, batch: int
) -> list[Reason]:
    """What of attention hangs on how its inputs lie, and on parts that are hardly any."""
    rows = all({program.order[read] for read in step.reads} <= {*TURNED} for step in steps)
    if not layer.cuts:
        apart = batch == 1 and not rows and any(len(step.reads) > 1 for step in steps)
        return [("every peak", "higher or lower", SUMMED_APART)] if apart else []
    cut = layer.cut(x)
    lacking = [size < whole for size, whole in zip(cut.sizes, cut.whole, strict=True)]
    if 1 in (cut.length, layer.heads, x.channels // layer.heads):
        return [("every peak", "higher or lower", PARTS_OF_ONE)]
    if batch == 1 and lacking[0] and not any(lacking[1:]):
        return [("every peak", "higher or lower", LACKING_ROWS)]
    if not rows and not (cut.moved or cut.shifted or any(lacking)):  # an empty pad lies as its map
        return [("every peak", "higher or lower", PARTS_IN_ORDER)]
    return []


def _lies(program: Program, steps: Sequence[Step]) -> Layout:
    """How the values lie that a layer reads first."""
    return next((program.order[step.reads[0]] for step in steps if step.reads), "fresh")


def _forward(
    network: Planned,
    program: Program,
    steps: Sequence[Step],
    index: int,
    x: Shape,
    *,
    training: bool,
) -> list[Reason]:
    node, plan = network.nodes[index], network.plans[index]
    if node.kind == "attention" and (program.mixed or program.cuda):
        return [("every peak", "higher or lower", ATTENTION_ELSEWHERE)]
    learns = not any(weight for step in steps for weight in step.operation.learns) or any(
        step.learns for step in steps
    )
    copied = any(step.operation.name == "contiguous" for step in steps)
    if training and not learns and (node.kind == "attention" or copied):
        return [("every peak", "higher or lower", FROZEN)]
    if program.mixed and not learns:
        return [("every peak", "higher or lower", FROZEN)]
    positions = (prod(network.shape_of(read).spatial) for read in node.inputs)
    parts = bool(getattr(node.layer, "cuts", False))
    if node.kind == "attention" and not parts and 1 in positions:
        return [("every peak", "higher or lower", ONE_ROW)]
    if node.kind == "attention" and _leads(program, steps[-1].output):
        return [("every peak", "higher or lower", BY_POSITION)]
    if node.kind == "linear" and any(_may_be_rows(program, step, x) for step in steps):
        return [("every peak", "higher or lower", ROWS)]
    if node.kind == "locally_connected":
        return [("every peak", "higher or lower", NO_PEER)]
    if node.kind == "avgpool" and any(window.dilation > 1 for window in plan.windows):
        return [("every peak", "higher or lower", NO_DILATION)]
    first = _lies(program, steps)
    reasons: list[Reason] = []
    if node.kind in RECURRENT:
        if program.cuda:
            reasons.append(("every peak", "higher or lower", STEPS_ON_CUDA))
        if program.mixed or (node.kind == "lstm" and program.width != SINGLE):
            reasons.append(("every peak", "higher or lower", STEPS_OTHERWISE))
        return reasons
    if first not in IN_ORDER:
        partly = node.kind == "flatten" and bool(plan.output.spatial)
        merged = node.kind == "concat" and first == "turned"
        one = prod(plan.output.spatial) == 1 and x.rank == 1  # a token, whose values are a row
        sliced = node.kind == "slice" and one and first == "turned"
        if (node.kind in REARRANGING and not sliced) or partly or merged:
            reasons.append(("every peak", "higher or lower", OUT_OF_ORDER))
    windows = plan.windows
    one = any(program.order[read] == "both" for step in steps for read in step.reads)
    wide = 1 < plan.output.channels < plan.output.size
    if one and (wide or node.kind in REARRANGING):
        reasons.append(("every peak", "higher or lower", ONE_CHANNEL))
    if program.cuda or x.rank < VOLUME:
        return reasons
    alone = all(window.kernel == 1 for window in windows)
    pointwise = (node.kind == "conv" and alone) or node.kind == "separable_conv"
    if pointwise and first == "channels_last":
        reasons.append(("every peak", "higher or lower", ONE_POSITION))
    if node.kind == "conv_transpose" and any(min(one.before, one.after) < 0 for one in windows):
        reasons.append(("every peak", "higher", BEYOND))
    return reasons


def _leads(program: Program, tensor: int) -> bool:
    """Whether anything reads a tensor but as a summand that is not the first."""
    return any(
        tensor in step.reads and (step.reads[0] == tensor or step.operation.layout != "kept")
        for step in program.steps
    )


def _of_slice(program: Program, step: Step) -> bool:
    """Whether it copies a slice of channels, which is in order at batch 1."""
    return step.operation.name == "contiguous" and program.order[step.reads[0]] == "sliced"


def _may_be_rows(program: Program, step: Step, x: Shape) -> bool:
    """Whether a copy of rows is counted of what lies in ways that extents of 1 may make rows of."""
    copied = step.operation.name == "contiguous"
    return copied and x.rank > 1 and program.order[step.reads[0]] not in (*IN_ORDER, "sliced")


def _turns_a_volumes(step: Step) -> bool:
    """Whether the gradient of a volume's kernel is copied to lie as the kernel does."""
    return bool(step.learns) and any(
        copied and len(weight.shape) == VOLUME + len(("filters", "channels"))
        for weight, (*_, copied) in zip(step.operation.learns, step.learns, strict=True)
    )


def _summed_over_batch(network: Planned, index: int, x: Shape) -> bool:
    """Whether gradients of what a layer learns are those of every value, summed over the batch."""
    weights = network.plans[index].weights
    products = network.nodes[index].kind in ("prelu", "scale")
    return products and any(weight.size == x.size for weight in weights)


def _backward(
    program: Program, steps: Sequence[Step], network: Planned, index: int, *, known: bool
) -> list[Reason]:
    node, plan = network.nodes[index], network.plans[index]
    modes = (getattr(node.layer, "mode", ""), getattr(node.layer, "padding_mode", ""))
    windows = plan.windows
    pads = node.kind == "pad" or any(window.before or window.after for window in windows)
    if "circular" in modes and steps and pads:  # a layer of its own even by nothing
        return [("the backward peak", "higher", CIRCULAR)]
    turned = any(program.order[read] in TURNED for step in steps for read in step.reads)
    if node.kind in ("channel_maxpool", "kmaxpool") and turned:
        return [("the backward peak", "higher", IN_ORDER_AGAIN)]
    if known:
        return []
    if node.kind == "learned":
        return [("every peak", "higher or lower", LEARNED)]
    if node.kind == "linear":
        return [("the backward peak", "higher or lower", ROWS_BACK)]
    return [("the backward peak", "higher", GRADIENTS)]


def _again(program: Program, steps: Sequence[Step], kind: str) -> list[Reason]:
    if any(program.order[read] not in IN_ORDER for step in steps for read in step.reads):
        return [("every peak", "higher or lower", AGAIN)]
    summed = (
        step.learns and step.operation.gradient_of(len(step.reads)) in ("same", "product")
        for step in steps
    )
    if any(summed):
        return [("the backward peak", "higher or lower", PARAMETERS)]
    if kind == "linear" and any(len(step.learns) > 1 for step in steps):
        return [("the backward peak", "lower", BIAS)]
    return []
