"""CC403: a convolution of stride 1 is padded and changes the size."""

from collections.abc import Iterator

from convcalc.diagnostics import set_field
from convcalc.numbers import times
from convcalc.rules.base import Advice
from convcalc.rules.context import SLIDING, Context
from convcalc.window import Window


def check(context: Context) -> Iterator[Advice]:
    """Padded layers of stride 1 whose map is smaller or larger than their input."""
    changes = list(_changes(context))
    fixes = {advice.layer: advice.fix for advice in changes}
    for advice in changes:
        alike = context.alike(advice.layer) if advice.layer is not None else ()
        agreed = all(fixes.get(index) == advice.fix for index in alike)
        yield advice if agreed else advice._replace(fix=None)


def _changes(context: Context) -> Iterator[Advice]:
    cut_back = _cut_back(context)
    for index in context.of(*SLIDING):
        windows = context.windows(index)
        spatial, before = context.output(index).spatial, context.input(index).spatial
        if set(spatial) == {1}:
            continue
        if any(window.stride > 1 or window.kernel % 2 == 0 for window in windows):
            continue
        producer = context.before(index)
        if context.kind(producer) == "pad" and context.input(producer).spatial == spatial:
            continue
        if before in cut_back[index]:
            continue
        if index in context.pooled_whole:
            continue
        changes = [after - size for size, after in zip(before, spatial, strict=True)]
        if not any(
            change and (window.before or window.after)
            for change, window in zip(changes, windows, strict=True)
        ):
            continue
        growing = max(changes) > 0
        if len(spatial) == 1 and not growing:
            continue
        needed = [window.dilation * (window.kernel - 1) // 2 for window in windows]
        amount = max(map(abs, changes))
        right = needed[0] if len(set(needed)) == 1 else f"[{', '.join(map(str, needed))}]"
        extents = tuple(window.extent for window in windows)
        yield Advice(
            index,
            f"stride 1 and padding {_padding_text(windows)} "
            f"{'grow' if growing else 'shrink'} the map by {amount}: a kernel of {times(extents)} "
            f"keeps it with (F − 1)/2 = {right}",
            f"use padding {right}, or none",
            "padding",
            set_field("padding", needed[0] if len(set(needed)) == 1 else tuple(needed)),
        )


def _cut_back(context: Context) -> list[frozenset[tuple[int, ...]]]:
    """For each layer the sizes that something behind it cuts maps to."""
    sizes: list[frozenset[tuple[int, ...]]] = [frozenset()] * len(context.nodes)
    if not context.of("crop", "slice"):
        return sizes
    for index in range(len(context.nodes) - 1, -1, -1):
        behind = {sizes[reader] for reader in context.consumers[index]}
        if context.kind(index) in ("crop", "slice") and context.plans[index] is not None:
            behind.add(frozenset({context.output(index).spatial}))
        sizes[index] = frozenset[tuple[int, ...]]().union(*behind)
    return sizes


def _padding_text(windows: tuple[Window, ...]) -> str:
    pairs = {(window.before, window.after) for window in windows}
    if len(pairs) == 1 and windows[0].before == windows[0].after:
        return str(windows[0].before)
    return f"[{', '.join(f'[{w.before}, {w.after}]' for w in windows)}]"
