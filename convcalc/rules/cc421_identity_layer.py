"""CC421: a layer that changes nothing."""

from collections.abc import Iterator, Mapping
from typing import Any

from convcalc.diagnostics import remove_item
from convcalc.layers import kinds, layer_class
from convcalc.layers.base import Layer, hyperparameters
from convcalc.rules.base import Advice
from convcalc.rules.context import Context

RECTIFIED = kinds(having="nonnegative")
"""Layers whose outputs are never negative."""
IDLE_ABOVE_ZERO = kinds("activation", having="keeps_nonnegative")
"""Layers that leave such outputs as they are."""
PASSING = kinds(having="stays_nonnegative", lacking="nonnegative")
"""Layers that bring forth no negative value where none goes in, and may where some do."""


def check(context: Context) -> Iterator[Advice]:
    """Layers that leave their input as it is, wherever their item is built."""
    for kind, does_nothing in IDENTITIES.items():
        idle = [
            index
            for index in context.of(kind)
            if context.input(index) == context.output(index) and does_nothing(context, index)
        ]
        for index in _everywhere(context, kind, idle):
            if does_nothing is _one_branch or not context.computed(index):
                shown = _fields_text(context.nodes[index].layer)
                yield Advice(
                    index,
                    f"{kind}{shown} leaves its input {context.input(index)} as it is",
                    "leave it out",
                    fix=remove_item() if layer_class(kind).inputs == "one" else None,
                )
    origins = context.origins(PASSING)
    for kind in sorted(IDLE_ABOVE_ZERO):
        sources = {index: origins[context.before(index)] for index in context.of(kind)}
        idle = [index for index, source in sources.items() if context.kind(source) in RECTIFIED]
        for index in _everywhere(context, kind, idle):
            before, source = context.before(index), context.name(sources[index])
            behind = "" if before == sources[index] else f" behind {source}"
            yield Advice(
                index,
                f"{kind} leaves what {context.name(before)} makes as it is: no value{behind} is "
                "negative",
                "leave it out",
                fix=remove_item(),
            )


def _everywhere(context: Context, kind: str, idle: list[int]) -> list[int]:
    """Those of some layers whose item does nothing wherever its block is called."""
    if not idle:
        return []
    candidates = set(idle)
    busy = {id(context.nodes[index].item) for index in context.of(kind) if index not in candidates}
    return [index for index in idle if id(context.nodes[index].item) not in busy]


def _always(context: Context, index: int) -> bool:
    del context, index
    return True


def _no_window(context: Context, index: int) -> bool:
    plan = context.plan(index)
    return plan.positions != "lost" and all(
        (w.kernel, w.stride, w.before, w.after, w.up) == (1, 1, 0, 0, 1) for w in plan.windows
    )


def _one_branch(context: Context, index: int) -> bool:
    return len(context.nodes[index].inputs) == 1


def _same_axes(context: Context, index: int) -> bool:
    return context.plan(index).positions == "kept"


def _no_rate(context: Context, index: int) -> bool:
    return getattr(context.nodes[index].layer, "rate", None) == 0


def _no_constants(context: Context, index: int) -> bool:
    layer: Any = context.nodes[index].layer
    return (layer.times, layer.plus) == (1, 0)


def _one_group(context: Context, index: int) -> bool:
    groups: Any = getattr(context.nodes[index].layer, "groups", 1)
    return groups in (1, context.input(index).channels)


IDENTITIES = {
    "dropout": _no_rate,
    **dict.fromkeys(("maxpool", "maxunpool"), _no_window),
    "avgpool": _no_window,
    "pad": _no_window,
    "crop": _no_window,
    "upsample": _no_window,
    **dict.fromkeys(("pixel_shuffle", "space_to_depth"), _no_window),
    "flatten": _same_axes,
    "reshape": _same_axes,
    "permute": _same_axes,
    "slice": _always,
    "channel_shuffle": _one_group,
    **dict.fromkeys(("channel_avgpool", "channel_maxpool"), _always),
    "affine": _no_constants,
    **dict.fromkeys(("add", "multiply", "maximum"), _one_branch),
    "concat": _one_branch,
}
"""Kind → whether one of equal input and output shapes does nothing."""
NO_IDENTITIES: Mapping[str, str] = {
    **dict.fromkeys(
        kinds("dense", "norm", "recurrent", "softmax"), "the values that come out are others"
    ),
    **dict.fromkeys(
        kinds("activation"),
        "it changes values below 0; those that may see none are asked for above",
    ),
    **dict.fromkeys(
        kinds("pool", lacking="slides"),
        "it makes one size of every input, which may be another",
    ),
    "lppool": "it takes away the sign",
    "scale": "it learns its factors",
    "attention": "the values that come out are others",
    "embedding": "the values that come out are others",
    "learned": "its values are none of those that come in",
    "identity": "its name says that it does nothing",
    **dict.fromkeys(("subtract", "divide", "matmul"), "it has two branches"),
}
"""Kinds that are not asked, and why."""


def _fields_text(layer: Layer | None) -> str:
    fields = hyperparameters(layer) if layer else {}
    shown = ", ".join(f"{name} {value}" for name, value in fields.items() if value is not None)
    return f" ({shown})" if shown else ""
