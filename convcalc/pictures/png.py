"""A scene as PNG: the SVG that we write, drawn by resvg with the font that ships."""

from unicodedata import normalize

from convcalc.diagnostics import ArgumentError
from convcalc.pictures.font import FILES, not_drawn
from convcalc.pictures.scene import Scene
from convcalc.pictures.svg import render as svg

MAX_PIXELS = 100_000_000
"""Most pixels of a picture: 400 MB of memory while it is drawn."""
MOST_NAMED = 3
"""Texts that are named of those that cannot be drawn."""


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
    text = svg(scene, "light" if theme == "auto" else theme, measured=True)
    data: bytes = resvg_py.svg_to_bytes(
        svg_string=normalize("NFC", text),  # the font has é, and no accents for themselves
        width=wide,
        font_files=[str(path) for path in FILES],
        skip_system_fonts=True,
        font_family="Inter",
        sans_serif_family="Inter",
    )
    return bytes(data)


def without_letters(scene: Scene) -> str:
    """What is to be said of texts whose letters the font has not; empty where it has all."""
    texts = not_drawn(label.text for label in scene.labels)
    if not texts:
        return ""
    named = ", ".join(texts[:MOST_NAMED])
    more = f" and {len(texts) - MOST_NAMED:,} more" if len(texts) > MOST_NAMED else ""
    return (
        f"the font of PNG has not all letters of {named}{more}: they are bars there; "
        "SVG is shown in its reader's fonts"
    )
