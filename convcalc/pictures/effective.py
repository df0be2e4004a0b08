"""The effective receptive field: how much an output turns on each position of the input.

Source: Luo et al., arXiv:1701.04128. Beside it, as a frame, what the output sees at all.
"""

from collections.abc import Sequence
from typing import Any

from convcalc.numbers import plural
from convcalc.pictures.bitmap import png
from convcalc.pictures.font import wrapped
from convcalc.pictures.scene import Box, Drawn, Label, Raster, Scene

MARGIN, SIDE, LINE, SMALL = 18, 384, 14, 10.5
"""Room round all, the longer side of a map, the height of a line and of its font."""
NARROW = 24
"""Least width and height of a map."""


def scene(
    title: str,
    field: Any,
    seen: Sequence[tuple[int, int]],
    said: Sequence[str],
) -> Scene:
    """A picture of a field of one or two axes; `seen` is the first and the last position of each.

    White is the position that the output turns on most, black none; `said` stands below it.
    """
    grid = field if field.ndim == 2 else field.reshape(1, -1)
    rows, columns = grid.shape
    unit = SIDE / max(rows, columns)
    wide, high = max(columns * unit, NARROW), max(rows * unit, NARROW)
    most = float(grid.max())
    shades = (grid / most * 255 if most else grid).round().astype("uint8")
    about = f"{title}: brighter is more; the largest mean gradient is {most:.3g}"
    items: list[Drawn] = [
        Label(MARGIN, MARGIN + 12, title, 13, bold=True),
        Box(MARGIN, MARGIN + 24, wide, high, "source"),
        Raster(MARGIN, MARGIN + 24, wide, high, png(columns, rows, 1, shades.tobytes()), about),
    ]
    (top, bottom), (left, right) = [(0, 0), *seen][-2:]
    across, down = wide / columns, high / rows
    items.append(
        Box(
            MARGIN + left * across,
            MARGIN + 24 + top * down,
            (right + 1 - left) * across,
            (bottom + 1 - top) * down,
            "beside",
        )
    )
    text = MARGIN + 24 + high + 20
    width = max(wide, 300)
    for sentence in said:
        for line in wrapped(sentence, width, SMALL):
            items.append(Label(MARGIN, text, line, SMALL, "quiet"))
            text += LINE
    return Scene(title, " ".join(said), width + 2 * MARGIN, text, tuple(items))


def sentences(
    network: str,
    layer: str,
    shape: str,
    *,
    examples: int,
    trained: bool,
    seed: int,
    dark: bool = False,
) -> list[str]:
    """What must be known of how a field was found; `dark` is one of which every gradient is 0."""
    weights = "trained weights" if trained else f"random weights, from seed {seed}"
    over = f"{plural(examples, 'input')} of {shape} and their channels"
    what = f"the mean of |∂y/∂x| over {over}, y the sum of one output position's channels"
    return [
        f"{network}, {layer}: {what}.",
        f"With {weights}. The dashed frame is what that position sees at all.",
        *(["It turns on nothing: every gradient is 0."] if dark else ()),
    ]
