"""The size of a layer's output along each axis, and what becomes of the border."""

from collections.abc import Iterator, Sequence

from convcalc.explanation.figure import Figure, Group, reasoned
from convcalc.layers.base import Layer, Plan, declarations
from convcalc.layers.sliding import AXIS_NAMES, LINE_NAMES, Sliding, unrounded_windows
from convcalc.numbers import plural, value_text
from convcalc.reasons import Reasoned, filled, formula
from convcalc.shape import Shape
from convcalc.window import Window

CHANNELS, VALUES = "channels", "values"
"""What the axis is called that is no spatial one: of a map, and of a vector."""


def output_size(layer: Layer, inputs: Sequence[Shape], plan: Plan, explained: Plan) -> Group:
    """The extents of the output; `explained` is the plan on numbers that remember."""
    output = explained.output
    notes = _notes(layer, inputs, plan)
    fraction = _fraction(layer)
    figures = []
    for axis, extent in enumerate(output.spatial):
        name = AXIS_NAMES[output.rank][axis]
        note = notes[axis] if axis < len(notes) else ""
        if not isinstance(extent, Reasoned):
            note = fraction or note
        figures.append(reasoned(name, extent, note=note))
    figures.append(reasoned(CHANNELS if output.rank else VALUES, output.channels))
    return Group("Output size", tuple(figures))


def failing_size(layer: Layer, x: Shape) -> Group | None:
    """How far the output size of a layer with an error gets; both are on letters.

    None where the sizes are worked out, or cannot be: the error is another one then.
    """
    declared = declarations(type(layer)).keys()
    if not {"kernel", "rounding"} <= declared or not 0 < x.rank <= len(AXIS_NAMES):
        return None
    sliding: Sliding = layer  # type: ignore[assignment]
    fields = [
        getattr(layer, name)
        for name in ("kernel", "stride", "padding", "dilation")
        if name in declared
    ]
    if any(isinstance(field, tuple) and len(field) != x.rank for field in fields):
        return None
    figures = []
    windows = unrounded_windows(sliding, x.spatial)
    for name, window, size in zip(AXIS_NAMES[x.rank], windows, x.spatial, strict=True):
        room = window.room(size)
        if room >= 0 and (sliding.rounding != "exact" or not room % window.stride):
            continue
        letters, numbers = (
            f"({text(room)})/{text(window.stride)} + 1" for text in (formula, filled)
        )
        value = (int(room) + window.stride) / int(window.stride)
        note = "which is no number of windows"
        figures.append(
            Figure(name, letters, numbers, int(value) if value.is_integer() else value, "", note)
        )
    return Group("Output size", tuple(figures)) if figures else None


def _fraction(layer: Layer) -> str:
    """Why there is no formula: a factor that is no whole number is on the way."""
    for name, declared in declarations(type(layer)).items():
        value = getattr(layer, name)
        if declared.form == "ratios" and value is not None:
            return f"rounded down, from {name} {value_text(value)}"
    return ""


def _notes(layer: Layer, inputs: Sequence[Shape], plan: Plan) -> list[str]:
    """By axis, what is padded, dropped or read beyond the border."""
    if not plan.windows or len(inputs) != 1:
        return []
    x, rank = inputs[0], inputs[0].rank
    if not {"kernel", "rounding"} <= declarations(type(layer)).keys():
        single = all(size == 1 for size in plan.output.spatial)
        every = single and all(
            window.kernel == size and window.up == 1
            for window, size in zip(plan.windows, x.spatial, strict=True)
        )
        return ["one window over the whole axis"] * rank if every else []
    sliding: Sliding = layer  # type: ignore[assignment]
    written = unrounded_windows(sliding, x.spatial)
    return [
        ", ".join(_border(sliding, window, given, size, LINE_NAMES[rank][axis]))
        for axis, (window, given, size) in enumerate(
            zip(plan.windows, written, x.spatial, strict=True)
        )
    ]


def _border(layer: Sliding, window: Window, written: Window, size: int, line: str) -> Iterator[str]:
    """What is to be said of the border along one axis."""
    if layer.padding == "same":
        yield f"`same` pads {window.before} before and {window.after} behind"
    beyond = window.after - written.after
    if beyond:
        yield f"the last window reads {plural(beyond, line)} beyond the padded input"
    elif layer.rounding == "ceil" and written.remainder(size):
        yield "the last window would begin behind the input, and is dropped"
        return
    dropped, left_over = window.dropped(size), window.remainder(size)
    if dropped:
        verb = "is" if dropped == 1 else "are"
        yield f"the last {plural(dropped, line)} of the input {verb} never read"
    elif left_over:
        what = "padding" if left_over <= max(window.after, 0) else "what the stride skips"
        yield f"the last step does not fit, which leaves {what} over"
