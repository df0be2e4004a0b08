"""What slides along each axis of a layer, drawn, and what its groups of channels see."""

from collections.abc import Sequence
from shutil import get_terminal_size
from typing import Any, NamedTuple

from convcalc.explanation.cells import Axis
from convcalc.explanation.drawing import COLUMNS, drawing
from convcalc.explanation.page import Drawing, Part, Section
from convcalc.layers.base import Layer, Plan
from convcalc.layers.conv_transpose import ConvTranspose
from convcalc.layers.sliding import AXIS_NAMES, layer_stride, per_axis, rounded_past, sides
from convcalc.layers.unpooling import MaxUnpool
from convcalc.shape import Shape
from convcalc.window import Window

INDENT = 4
"""Columns that a drawing is indented by at most."""
SPELT_OUT = 4
"""Groups whose channels are all written out; of more the first and the last."""


class AxisWindow(NamedTuple):
    """What slides along one axis of a layer's input."""

    axis: str
    """What the axis is called: `height`."""
    window: Window
    """What slides along it, the rounding applied."""
    size: int
    """Extent of the input along it."""
    past: int = 0
    """Cells behind that are read and are no padding as it is written."""
    mode: str = "zero"
    """What the padding holds."""
    spread: bool = True
    """Whether gaps between values are drawn; where sizes are resampled they are but a fraction."""

    @property
    def cells(self) -> Axis:
        """Its cells, and which of them lie under the taps of an output."""
        past = min(self.past, max(self.window.after, 0))
        return Axis(self.window, self.size, past, self.mode != "zero", self.spread)

    @property
    def data(self) -> dict[str, Any]:
        """The numbers as JSON has them."""
        dropped = dropped_by(self.window, self.size)
        return {"axis": self.axis, **self.window._asdict(), "dropped": dropped, "past": self.past}


def axis_windows(layer: Layer, x: Shape, plan: Plan) -> tuple[AxisWindow, ...]:
    """What slides along each axis of a map; () for a layer that slides nothing."""
    if not plan.windows:
        return ()
    mode = getattr(layer, "padding_mode", "zero")
    spread = isinstance(layer, (ConvTranspose, MaxUnpool))
    return tuple(
        AxisWindow(axis, window, size, past, mode, spread or window.up == 1)
        for axis, window, size, past in zip(
            AXIS_NAMES[x.rank], plan.windows, x.spatial, past_padding(layer, x), strict=True
        )
    )


def dropped_by(window: Window, size: int) -> int:
    """Values behind that no window reads because the last step does not fit; 0 if none fits."""
    return window.dropped(size) if window.room(size) >= 0 else 0


def past_padding(layer: Layer, x: Shape) -> tuple[int, ...]:
    """By axis, the cells behind that are read and are no padding as it is written.

    Those that ceil mode reads past it, or the output padding of a transposed convolution.
    """
    if isinstance(layer, ConvTranspose):
        return per_axis(layer.output_padding, x.rank)
    if getattr(layer, "rounding", "") != "ceil":
        return (0,) * x.rank
    sliding: Any = layer
    return rounded_past(sliding, x.spatial)


def along(layer: Any, rank: int, axis: int) -> Any:
    """A layer that slides along one of its axes by itself, as one of a single axis.

    >>> from convcalc.layers.convolution import Conv
    >>> along(Conv(filters=1, kernel=(3, 5), padding=((0, 0), (2, 1))), 2, 1).padding
    ((2, 1),)
    """
    fields: dict[str, Any] = {
        name: per_axis(getattr(layer, name), rank)[axis]
        for name in ("kernel", "dilation", "output_padding")
        if hasattr(layer, name)
    }
    if not isinstance(layer.padding, str):
        fields["padding"] = (sides(layer.padding, rank)[axis],)
    return layer.replace(**fields, stride=per_axis(layer_stride(layer), rank)[axis])


def drawn(
    windows: Sequence[AxisWindow], said: str = "", level: int = 1, columns: int | None = None
) -> list[Section]:
    """A section with a drawing for each axis, or for several that are alike; `said` ends it.

    Drawings are `columns` wide at most; None is what a narrow terminal has, and no more than usual.
    """
    if columns is None:
        columns = min(COLUMNS, get_terminal_size().columns - INDENT)
    sections = []
    for number, each in enumerate(windows):
        alike = [other for other in windows if other[1:] == each[1:]]
        if alike[0] is not each:
            continue
        along = f" along the {' and '.join(other.axis for other in alike)}"
        lines = drawing(
            each.window,
            each.size,
            past=each.past,
            mode=each.mode,
            spread=each.spread,
            columns=columns,
        )
        parts: tuple[Part, ...] = (Drawing(lines),)
        if said and not any(other not in alike for other in windows[number + 1 :]):
            parts = (*parts, said)
        sections.append(Section("Windows" + along * (len(windows) > 1), parts, level))
    return sections


def grouping(layer: Layer, x: Shape, output: Shape) -> str:
    """What groups mean for the channels of a layer; "" where it has one group.

    >>> from convcalc.layers.convolution import Conv
    >>> print(grouping(Conv(filters=6, kernel=1, groups=2), Shape(4, (8, 8)), Shape(6, (8, 8))))
    2 groups: filters 0 to 2 see channels 0 to 1, filters 3 to 5 channels 2 to 3; no others.
    """
    has_filters = hasattr(layer, "filters")
    groups = getattr(layer, "groups", 1) if has_filters else x.channels
    if groups == 1 or not (has_filters or hasattr(layer, "multiplier")):
        return ""
    filters, channels = output.channels // groups, x.channels // groups

    def pair(group: int, verb: str) -> str:
        seen = numbers("channel", group * channels, channels)
        return f"{numbers('filter', group * filters, filters)} {verb}{seen}"

    shown = [pair(0, "sees " if filters == 1 else "see ")]
    shown += [pair(group, "") for group in range(1, min(groups, SPELT_OUT))]
    if groups > SPELT_OUT:
        shown = [shown[0], shown[1], f"…, {pair(groups - 1, '')}"]
    return f"{groups:,} groups: {', '.join(shown)}; no others."


def numbers(noun: str, first: int, count: int) -> str:
    """So many things that are numbered from a first one on: `filters 0 to 2`."""
    return f"{noun} {first}" if count == 1 else f"{noun}s {first} to {first + count - 1}"
