"""A scene as PNG: the SVG that we write, drawn by resvg with the font that ships."""

from convcalc.diagnostics import ArgumentError
from convcalc.pictures.font import FILES
from convcalc.pictures.scene import Scene
from convcalc.pictures.svg import render as svg

MAX_PIXELS = 100_000_000
"""Most pixels of a picture: 400 MB of memory while it is drawn."""


class MissingExtraError(ImportError):
    """What draws PNG is not installed."""


class TooLargeError(ArgumentError):
    """A picture has more pixels than `MAX_PIXELS`."""


def render(scene: Scene, theme: str = "light", scale: float = 2) -> bytes:
    """The scene as a PNG file of `scale` pixels for each of its own; `auto` is light.

    A scene that says how wide it is shown has so many.

    Raises `MissingExtraError` without the extra `pictures`, and `TooLargeError`.
    """
    try:
        import resvg_py
    except ImportError:
        message = "PNG needs the package resvg-py: pip install 'convcalc[pictures]'"
        raise MissingExtraError(message) from None
    scale = scene.scale if scene.shown else scale
    wide, high = max(1, round(scene.width * scale)), max(1, round(scene.height * scale))
    if wide * high > MAX_PIXELS:
        message = f"{wide:,} × {high:,} pixels are too many for PNG: write SVG, or fold more"
        raise TooLargeError(message)
    data: bytes = resvg_py.svg_to_bytes(
        svg_string=svg(scene, "light" if theme == "auto" else theme),
        width=wide,
        font_files=[str(path) for path in FILES],
        skip_system_fonts=True,
        font_family="Inter",
        sans_serif_family="Inter",
    )
    return bytes(data)
