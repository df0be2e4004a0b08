"""What a program may have otherwise: every number that is near one of a spec is tried."""

from typing import Any

from kinds import CASES, Case
from tabled import tabled

from convcalc.explanation.messages.changes import changed, of_fields, written
from convcalc.explanation.messages.clash import Clash
from convcalc.explanation.messages.program import CONVOLUTIONS, SLIDING_POOLS, Program
from convcalc.graph import loads
from convcalc.layers.sliding import unrounded_windows
from convcalc.shape import Shape

Extents = tuple[int, ...]
OWN = (1, 2, 3)
"""A layer's own padding, beside what is padded in front of it."""
SLIDES = [
    *(case for case in CASES if case.kind in CONVOLUTIONS | SLIDING_POOLS),
    Case("conv", {"filters": 2, "kernel": 10, "stride": 5, "padding": 7}, "64x48x3", "14x11x2"),
    Case("depthwise_conv", {"kernel": (2, 4), "padding": "same"}, "9x8x5", "9x8x5"),
    Case(
        "conv",
        {"filters": 2, "kernel": 4, "padding": "same", "padding_mode": "reflect"},
        "4x4x3",
        "4x4x2",
    ),
]


def outcomes(case: Case) -> set[Extents]:
    """The maps that all changes of a layer make of what it gets."""
    program = Program(loads("{input: 8x8x3, layers: [relu]}"))
    (x,) = case.shapes
    made, _ = program.fresh(case.kind, case.layer, (x,))
    results = {
        program.step(other, (x,))
        for start in written(made, (x,))
        for change in of_fields(start, x, Clash("linear"), {1})
        if (other := changed(start, change, (x,))) is not None
    }
    return {result.spatial for result in results if isinstance(result, Shape)}


def likely(case: Case) -> set[Extents]:
    """The maps of a layer as a framework has it, one of its numbers a little less or more.

    Sides that are not alike are padded in front of it, and its own padding is 0. A map is
    ⌊(size + padding − extent)/stride⌋ + 1, as PyTorch documents it, the extent being
    dilation·(kernel − 1) + 1.
    """
    (x,) = case.shapes
    windows = unrounded_windows(case.layer, x.spatial)  # type: ignore[arg-type]
    alike = all(window.before == window.after for window in windows)
    first = windows[0]
    changes: list[tuple[str, int]] = []
    for step in (-2, -1, 1, 2):
        changes += [("kernel", first.kernel + step), ("stride", first.stride + step)]
        changes += [("padding", first.before + step)] if alike else []
    changes += [] if alike else [("padding", number) for number in OWN]
    maps = set()
    for name, number in changes:
        if number < (0 if name == "padding" else 1):
            continue
        sizes = []
        for window, size in zip(windows, x.spatial, strict=True):
            numbers: dict[str, Any] = {"kernel": window.kernel, "stride": window.stride}
            numbers |= {"padding": window.before if alike else 0, name: number}
            border = 2 * numbers["padding"] + (0 if alike else window.before + window.after)
            extent = window.dilation * (numbers["kernel"] - 1) + 1
            sizes.append((size + border - extent) // numbers["stride"] + 1)
            # A pool whose border is more than half of its kernel is refused.
            if case.kind in SLIDING_POOLS and numbers["padding"] > numbers["kernel"] // 2:
                sizes.append(0)
        if min(sizes) > 0:
            maps.add(tuple(sizes))
    return maps


@tabled("case", [case for case in SLIDES if getattr(case.layer, "rounding", "") != "ceil"], ids=str)
def test_numbers_near_those_of_a_kernel_are_tried(case: Case) -> None:
    assert likely(case) <= outcomes(case)
