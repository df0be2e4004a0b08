"""What is alive at the peak where PyTorch does not run it: a fused runtime, an arena, a device."""

from collections.abc import Iterable
from itertools import accumulate

from convcalc.analysis.memory.alive import OPTIMIZER, Alive, Peak, Use, alive
from convcalc.analysis.memory.lower_line import Tensor, Weights, fused
from convcalc.analysis.memory.sharding import STAGES, Division, Shard
from convcalc.analysis.memory.static_plan import arena
from convcalc.analysis.memory.terms import Model
from convcalc.analysis.memory.timeline import Highest
from convcalc.analysis.report import DTYPE_BYTES
from convcalc.graph.planned import Planned


def deployed_peak(network: Planned, *, batch: int, dtype: str) -> Peak:
    """What is alive at the peak of a runtime that folds and fuses: weights and activations."""
    tensors, weights = fused(network)
    live = _live((tensor.first, tensor.last, tensor.bytes(dtype)) for tensor in tensors)
    now = max(range(len(live)), key=live.__getitem__)
    names = _operations(tensors)
    there = [tensor for tensor in tensors if tensor.first <= now <= tensor.last]
    lines = [_weights(each, dtype) for each in weights]
    shapes = {
        node.name: plan.output.axes for node, plan in zip(network.nodes, network.plans, strict=True)
    }
    lines += [
        Alive(
            name=tensor.name if not tensor.first else f"output of {tensor.name}",
            part="activations",
            shape=(batch, *shapes[tensor.name]),
            dtype="int64" if tensor.indices else dtype,
            bytes=tensor.bytes(dtype) * batch,
            each=tensor.bytes(dtype),
            layer=tensor.name,
            made="forward" if tensor.first else None,
            needed=(Use("forward", names[tensor.last]),),
            until=Use("forward", names[tensor.last]),
        )
        for tensor in there
    ]
    return _peak(
        lines,
        names[now],
        came=sum(tensor.bytes(dtype) * batch for tensor in there if tensor.first == now),
        goes=sum(tensor.bytes(dtype) * batch for tensor in there if tensor.last == now),
    )


def _live(pieces: Iterable[tuple[int, int, int]]) -> list[int]:
    """By operation, how much is alive while it runs; pieces are first, last and size.

    >>> _live([(0, 1, 5), (1, 2, 3)])
    [5, 8, 3]
    """
    each = [*pieces]
    changes = [0] * (max(last for _, last, _ in each) + 2)
    for first, last, size in each:
        changes[first] += size
        changes[last + 1] -= size
    return [*accumulate(changes)][:-1]


def arena_peak(network: Planned, *, dtype: str) -> Peak:
    """What is alive where an arena is highest, with the gaps that lie between.

    Of the operations that its last buffer is alive at, it is the one with most alive.
    """
    plan = arena(network, dtype=dtype)
    top = max(plan.buffers, key=lambda buffer: buffer.offset + buffer.bytes)

    live = _live((buffer.first, buffer.last, buffer.bytes) for buffer in plan.buffers)
    now = max(range(top.first, top.last + 1), key=live.__getitem__)
    there = [buffer for buffer in plan.buffers if buffer.first <= now <= buffer.last]
    names = {buffer.first: buffer.layer for buffer in reversed(plan.buffers)}
    lines, end = [], 0
    for buffer in sorted(there, key=lambda buffer: buffer.offset):
        if buffer.offset > end:
            gap = f"gap at {end:,}"
            lines.append(Alive(gap, "gaps", (), "", buffer.offset - end))
        end = buffer.offset + buffer.bytes
        use = Use("forward", names[buffer.last])
        name = f"output of {buffer.name}" if buffer.first and not buffer.scratch else buffer.name
        lines.append(
            Alive(
                name=f"{name} at {buffer.offset:,}",
                part="scratch" if buffer.scratch else "buffers",
                shape=() if buffer.scratch else (1, *buffer.shape),
                dtype=buffer.dtype,
                bytes=buffer.bytes,
                each=0,
                layer=buffer.layer,
                made="forward" if buffer.first else None,
                needed=(use,),
                until=use,
            )
        )
    return _peak(
        lines,
        names[now],
        came=sum(buffer.bytes for buffer in there if buffer.first == now),
        goes=sum(buffer.bytes for buffer in there if buffer.last == now),
    )


def highest_on_device(model: Model, batch: int, *, devices: int, stage: Shard) -> Highest:
    """Where most is alive on one of several devices; `sharded` has the formulas."""
    division = Division(devices, STAGES.index(stage))
    timeline = model.timeline(batch)

    def spared(size: int, first: int) -> int:
        return size - division.share(size, first)

    standing = spared(model.parameters, 3) + spared(model.state, 1)
    highest = Highest(-1, "forward", "", 0, 0)
    for number, moment in enumerate(timeline.moments):
        learned = timeline.learned[number]
        size = moment.bytes - standing - spared(learned, 2)
        if moment.phase == "step":
            size -= spared(model.step, 1)
        if size > highest.bytes:
            highest = Highest(size, moment.phase, moment.layer, 0, learned, number)
    return highest


def device_peak(model: Model, batch: int, *, devices: int, stage: Shard) -> Peak:
    """What is alive at the peak of one of several devices; shared parts are one line each."""
    division = Division(devices, STAGES.index(stage))
    moment = highest_on_device(model, batch, devices=devices, stage=stage).moment
    whole = alive(model, batch, moment=moment)
    stages = {"parameters": 3, "gradients": 2, "optimizer state": 1}
    if whole.phase == "step":
        stages["temporaries"] = 1
    lines = [
        tensor for tensor in whole.tensors if division.level < stages.get(tensor.part, len(STAGES))
    ]
    for part, first in stages.items():
        size = sum(tensor.bytes for tensor in whole.tensors if tensor.part == part)
        if size and division.level >= first:
            name = f"{part}, a share of 1/{devices}"
            share = division.share(size, first)
            line = Alive(name, part, (), model.terms.dtype, share)
            if part == "gradients":
                line = line._replace(made="backward", needed=(OPTIMIZER,), until=OPTIMIZER)
            lines.append(line)
    peak = _peak(lines, whole.layer, came=0, goes=0)
    return peak._replace(phase=whole.phase, again=whole.again)


def _operations(tensors: list[Tensor]) -> dict[int, str]:
    """By number of an operation, the layer that it is of."""
    return {tensor.first: tensor.name for tensor in reversed(tensors)}


def _weights(weights: Weights, dtype: str) -> Alive:
    size = weights.values * DTYPE_BYTES[dtype]
    name = f"weights of {weights.name}"
    if weights.folded:
        name = f"bias that {weights.name} folds into"
    return Alive(name, "parameters", (weights.values,), dtype, size, layer=weights.name)


def _peak(lines: list[Alive], layer: str, *, came: int, goes: int) -> Peak:
    return Peak(
        bytes=sum(line.bytes for line in lines),
        phase="forward",
        layer=layer,
        again=False,
        came=came,
        goes=goes,
        each=sum(line.each for line in lines),
        tensors=tuple(sorted(lines, key=lambda line: -line.bytes)),
    )
