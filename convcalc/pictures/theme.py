"""What roles look like, in light and dark: colours that people who see few colours tell apart.

Fills are pale tints of the eight colours of Okabe and Ito (Color Universal Design, 2008), so that
text on each has a contrast of at least 4.5 (WCAG 2.2, 1.4.3); what is told by a colour is also
written, or has another form.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Look(NamedTuple):
    """How something is drawn."""

    fill: str = "none"
    """Colour of its inside, or of a text; `none` for none."""
    stroke: str = "none"
    """Colour of its line; `none` for none."""
    width: float = 1
    """Width of its line."""
    dash: str = ""
    """Lengths of dashes and gaps; empty for a whole line."""


THEMES = ("auto", "light", "dark")
"""Themes; `auto` follows the reader's."""

_OWN: Mapping[str, tuple[Look, Look]] = MappingProxyType(
    {
        "paper": (Look("#ffffff"), Look("#15181d")),
        "text": (Look("#1b1f24"), Look("#e9edf2")),
        "quiet": (Look("#57606a"), Look("#a8b1bd")),
        "line": (Look(stroke="#57606a", width=1.2), Look(stroke="#a8b1bd", width=1.2)),
        "skip": (Look(stroke="#0072b2", width=1.4), Look(stroke="#6fb7e6", width=1.4)),
        "frame": (
            Look("#f6f8fa", "#afb8c1", 1, "4 3"),
            Look("#1d2229", "#56606d", 1, "4 3"),
        ),
        "fault": (Look("#ffe9e6", "#b3261e", 1.6), Look("#4a1512", "#ff8a80", 1.6)),
        "fault text": (Look("#a1160f"), Look("#ffb4ab")),
        "fault line": (Look(stroke="#b3261e", width=1.6), Look(stroke="#ff8a80", width=1.6)),
        # Groups: one that is folded, the others that a box stands for, and a frame in a frame.
        "folded": (Look("#eef1f6", "#4a5a73", 1.2), Look("#272e3a", "#9fb0cc", 1.2)),
        "behind": (Look("#ffffff", "#8a939d", 1), Look("#15181d", "#7d8792", 1)),
        "inner frame": (Look("#ffffff", "#8a939d", 1), Look("#15181d", "#7d8792", 1)),
        "row line": (Look(stroke="#8a939d", width=0.7), Look(stroke="#7d8792", width=0.7)),
        # How much of a whole, from nothing to most.
        "heat 0": (Look("#ffffff", "#8a939d"), Look("#15181d", "#7d8792")),
        "heat 1": (Look("#fff1d6", "#8a939d"), Look("#33291a", "#7d8792")),
        "heat 2": (Look("#fcd9a0", "#8a6a2d"), Look("#543d16", "#c9a25e")),
        "heat 3": (Look("#f5b461", "#8a5a14"), Look("#7a5310", "#e0b060")),
        "heat 4": (Look("#e88e3c", "#7d4208"), Look("#8c5a0a", "#f3c374")),
        # What became of something.
        "added": (Look("#d9f0e3", "#00785a", 1.6), Look("#0b4234", "#3fc79b", 1.6)),
        "removed": (Look("#fdeae7", "#b3261e", 1.4, "4 3"), Look("#4a1512", "#ff8a80", 1.4, "4 3")),
        "changed": (Look("#fdf3c8", "#8f7700", 1.6), Look("#4a3f05", "#f0e442", 1.6)),
        "kept": (Look("#ffffff", "#8a939d"), Look("#15181d", "#7d8792")),
        "gone line": (
            Look(stroke="#b3261e", width=1.2, dash="4 3"),
            Look(stroke="#ff8a80", width=1.2, dash="4 3"),
        ),
        "added text": (Look("#00614a"), Look("#5fd6b0")),
        "removed text": (Look("#a1160f"), Look("#ffb4ab")),
        "changed text": (Look("#6b5900"), Look("#f0e442")),
        # Cells of an axis, and windows on them.
        "cell": (Look("#d6e9f7", "#0072b2"), Look("#123a55", "#56b4e9")),
        "padding cell": (
            Look("#ffffff", "#57606a", 1, "3 2"),
            Look("#15181d", "#a8b1bd", 1, "3 2"),
        ),
        "past cell": (Look("#fbe3d3", "#c2410c", 1, "3 2"), Look("#57260b", "#f0995c", 1, "3 2")),
        "gap cell": (Look(stroke="#57606a", width=2), Look(stroke="#a8b1bd", width=2)),
        "dropped cell": (Look("#ffe9e6", "#b3261e"), Look("#4a1512", "#ff8a80")),
        "unread cell": (Look("#ffffff", "#57606a"), Look("#15181d", "#a8b1bd")),
        "output cell": (Look("#d5f0e6", "#00785a"), Look("#0b4234", "#3fc79b")),
        "tap": (Look("#fdf3c8", "#8f7700"), Look("#4a3f05", "#f0e442")),
        "empty tap": (Look("#ffffff", "#8f7700", 1, "3 2"), Look("#15181d", "#f0e442", 1, "3 2")),
        "tap line": (Look(stroke="#8a939d", width=0.8), Look(stroke="#7d8792", width=0.8)),
        "followed line": (Look(stroke="#00785a", width=1.6), Look(stroke="#3fc79b", width=1.6)),
        "window line": (Look(stroke="#8f7700", width=1.2), Look(stroke="#f0e442", width=1.2)),
        "measure": (Look(stroke="#57606a", width=0.9), Look(stroke="#a8b1bd", width=0.9)),
        # Maps, and the part of them that an output sees.
        "map": (Look("#f6f8fa", "#57606a"), Look("#1d2229", "#a8b1bd")),
        "grid": (Look(stroke="#848d97", width=0.6), Look(stroke="#7d8792", width=0.6)),
        "seen": (Look("#d5f0e6", "#00785a"), Look("#0b4234", "#3fc79b")),
        "partly seen": (
            Look("#f0f9f6", "#00785a", 1, "2 2"),
            Look("#10271f", "#3fc79b", 1, "2 2"),
        ),
        "beside": (
            Look(stroke="#c2410c", width=1.2, dash="4 3"),
            Look(stroke="#f0995c", width=1.2, dash="4 3"),
        ),
        # The families of kinds.
        "dense": (Look("#d6e9f7", "#0072b2"), Look("#123a55", "#56b4e9")),
        "pool": (Look("#fbe3d3", "#c2410c"), Look("#57260b", "#f0995c")),
        "norm": (Look("#d5f0e6", "#00785a"), Look("#0b4234", "#3fc79b")),
        "activation": (Look("#fdf3c8", "#8f7700"), Look("#4a3f05", "#f0e442")),
        "softmax": (Look("#fdf3c8", "#8f7700"), Look("#4a3f05", "#f0e442")),
        "identity": (Look("#f0f0f0", "#777777"), Look("#333333", "#999999")),
        "view": (Look("#e9ecef", "#6c757d"), Look("#2f353c", "#939ca6")),
        "resize": (Look("#d9f2fb", "#0a7ea4"), Look("#0a4357", "#6fd0ee")),
        "channels": (Look("#d9f2fb", "#0a7ea4"), Look("#0a4357", "#6fd0ee")),
        "merge": (Look("#f8dcea", "#b0457f"), Look("#552040", "#e79bc2")),
        "recurrent": (Look("#e3dcf3", "#6a51a3"), Look("#33275a", "#b3a2e0")),
        "source": (Look("#ffffff", "#57606a"), Look("#15181d", "#a8b1bd")),
        # What slabs have beside their sides.
        "kernel": (Look("#fbeabf", "#1b1f24", 0.8), Look("#4d3f05", "#e9edf2", 0.8)),
        "skip places": (
            Look(stroke="#0072b2", width=1.2, dash="4 3"),
            Look(stroke="#6fb7e6", width=1.2, dash="4 3"),
        ),
    }
)


def _side(look: Look, *, dark: bool) -> Look:
    """A side that is turned away, with more of its line's colour; no text stands on it."""
    mixed = "#"
    for at in (1, 3, 5):
        inside, line = (int(color[at : at + 2], 16) for color in (look.fill, look.stroke))
        mixed += f"{round(inside + (line - inside) * (0.12 if dark else 0.2)):02x}"
    return look._replace(fill=mixed)


ROLES: Mapping[str, tuple[Look, Look]] = MappingProxyType(
    {
        **_OWN,
        **{
            f"{role} side": (_side(light, dark=False), _side(dark, dark=True))
            for role, (light, dark) in _OWN.items()
            if "none" not in (light.fill, light.stroke) and role not in {"frame", "kernel"}
        },
    }
)
"""Role → how it is drawn in light, and in dark."""
