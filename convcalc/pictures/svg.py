"""A scene as SVG: text that can be selected and read aloud, the same bytes each time."""

import re
from collections.abc import Callable, Iterator, Sequence
from html import escape
from math import hypot
from typing import Any

from convcalc.pictures.font import FAMILY, is_measured, width
from convcalc.pictures.scene import Box, Drawn, Label, Part, Path, Point, Raster, Scene, everything
from convcalc.pictures.theme import ROLES, Look

HEAD = 7
"""Length of the head of an arrow."""
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML has no way to write."""


def render(scene: Scene, theme: str = "auto", *, measured: bool = False) -> str:
    """The scene as an SVG document; `theme` as in `theme.THEMES`.

    Texts say how long they are, those in letters of unknown width only if all are `measured`.
    """
    rules = f"<style>{style(scene.items, theme)}</style>"
    return _written(scene, "", rules, measured=measured)


def element(scene: Scene, name: str) -> str:
    """The scene as an element of a page, which has its `style`; its ids begin with `name`.

    No style is an attribute in it: policies of pages refuse those.
    """
    return _written(scene, f"{name}-").rstrip("\n")


def _written(scene: Scene, ids: str, *within: str, measured: bool = False) -> str:
    width, height = number(scene.width), number(scene.height)
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{number(scene.width * scene.scale)}" '
        f'height="{number(scene.height * scene.scale)}" '
        f'viewBox="0 0 {width} {height}" role="img" '
        f'aria-labelledby="{ids}title {ids}description" '
        f'font-family="{escape(FAMILY)}">'
    )
    lines = [
        opening,
        f'<title id="{ids}title">{_text(scene.title)}</title>',
        f'<desc id="{ids}description">{_text(scene.description)}</desc>',
        *within,
        f'<rect class="paper" width="{width}" height="{height}"/>',
    ]
    for each in scene.items:
        lines += _drawn(each, measured)
    return "\n".join([*lines, "</svg>", ""])


def style(items: Sequence[Drawn], theme: str, within: str = "") -> str:
    """The rules of the roles that items have; dark ones for who wants them, but not on paper.

    `within` is the selector of what the items stand in, where rules are to be about these alone.
    """
    roles, lines = {"paper"}, set()
    for each in everything(items):
        if isinstance(each, Box | Label | Path):
            roles.add(each.role)
        if isinstance(each, Path) and not each.closed:
            lines.add(each.role)
    used = sorted(roles)
    pixels = any(isinstance(each, Raster) for each in everything(items))
    # As an attribute resvg does not take it.
    squares = f"{within}.raster{{image-rendering:pixelated}}" if pixels else ""
    if theme != "auto":
        return squares + _rules(used, lines, within, dark=theme == "dark")
    return squares + (
        _rules(used, lines, within, dark=False)
        + "@media screen and (prefers-color-scheme:dark){"
        + _rules(used, lines, within, dark=True)
        + "}"
    )


def _rules(roles: list[str], lines: set[str], within: str, *, dark: bool) -> str:
    """A rule for each role, one for the head of its arrows, and one for what encloses nothing."""
    rules = []
    for role in roles:
        look, name = ROLES[role][dark], f"{within}.{_class(role)}"
        rules.append(f"{name}{{{_declarations(look)}}}")
        if look.stroke != "none":
            rules.append(f"{name}.head{{fill:{look.stroke};stroke:none}}")
        if role in lines and _filled(role):
            rules.append(f"{name}.open{{fill:none}}")
    return "".join(rules)


def _filled(role: str) -> bool:
    """Whether what has a role has an inside, in any theme."""
    return any(look.fill != "none" for look in ROLES[role])


def _declarations(look: Look) -> str:
    """What a look says in CSS."""
    said = [f"fill:{look.fill}"]
    if look.stroke != "none":
        said += [f"stroke:{look.stroke}", f"stroke-width:{number(look.width)}"]
    if look.dash:
        said.append(f"stroke-dasharray:{look.dash}")
    return ";".join(said)


def _class(role: str) -> str:
    """The class of a role."""
    return role.replace(" ", "-")


def number(value: float) -> str:
    """A number with at most two decimals, and no more than it needs."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if value else "0"


def _text(text: str) -> str:
    """Text of an element or an attribute; what XML cannot write is a replacement character."""
    return escape(_NO_XML.sub("\ufffd", text))


def _drawn(item: Drawn, measured: bool) -> Iterator[str]:  # noqa: FBT001 (of all writers)
    """The elements of an item; `measured` as in `render`."""
    if isinstance(item, Part):
        return _part(item, measured)
    if isinstance(item, Label):
        return _label(item, measured)
    return _WRITERS[type(item)](item)


def _part(part: Part, measured: bool) -> Iterator[str]:  # noqa: FBT001
    key = f' data-key="{_text(part.key)}"' if part.key else ""
    named = ' role="group"' if part.title else ""
    if part.link:
        yield f'<a href="{_text(part.link)}">'
    yield f"<g{key}{named}>"
    if part.title:
        yield f"<title>{_text(part.title)}</title>"
    for each in part.items:
        yield from _drawn(each, measured)
    yield "</g></a>" if part.link else "</g>"


def _box(box: Box) -> Iterator[str]:
    radius = f' rx="{number(box.radius)}"' if box.radius else ""
    yield (
        f'<rect class="{_class(box.role)}" x="{number(box.x)}" y="{number(box.y)}" '
        f'width="{number(box.width)}" height="{number(box.height)}"{radius}/>'
    )


def _label(label: Label, measured: bool) -> Iterator[str]:  # noqa: FBT001
    long = ""
    if measured or is_measured(label.text):
        wide = number(width(label.text, label.size, bold=label.bold))
        long = f' textLength="{wide}"'
    anchor = "" if label.anchor == "start" else f' text-anchor="{label.anchor}"'
    bold = ' font-weight="600"' if label.bold else ""
    turned = f' transform="rotate(-90 {number(label.x)} {number(label.y)})"' if label.turned else ""
    yield (
        f'<text class="{_class(label.role)}" x="{number(label.x)}" y="{number(label.y)}" '
        f'font-size="{number(label.size)}"{long}{anchor}{bold}{turned}>'
        f"{_text(label.text)}</text>"
    )


def _path(path: Path) -> Iterator[str]:
    name = _class(path.role)
    points = path.points
    if path.arrow:
        head, points = _head(points)
    drawn = rounded(points, path.radius) + ("Z" if path.closed else "")
    opened = "" if path.closed or not _filled(path.role) else " open"
    end = f"><title>{_text(path.title)}</title></path>" if path.title else "/>"
    yield f'<path class="{name}{opened}" d="{drawn}"{end}'
    if path.arrow:
        yield f'<path class="{name} head" d="{rounded(head, 0)}Z"/>'


def _raster(raster: Raster) -> Iterator[str]:
    from base64 import b64encode

    data = b64encode(raster.png).decode("ascii")
    yield (
        f'<image class="raster" x="{number(raster.x)}" y="{number(raster.y)}" '
        f'width="{number(raster.width)}" height="{number(raster.height)}" role="img" '
        f'aria-label="{_text(raster.about)}" href="data:image/png;base64,{data}"/>'
    )


_WRITERS: dict[type, Callable[[Any], Iterator[str]]] = {
    Box: _box,
    Path: _path,
    Raster: _raster,
}


def _head(points: tuple[Point, ...]) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
    """The head of an arrow as a triangle, and the line that ends where it starts."""
    (x, y), (before_x, before_y) = points[-1], points[-2]
    long = hypot(x - before_x, y - before_y) or 1
    right, down = (x - before_x) / long, (y - before_y) / long
    base = (x - HEAD * right, y - HEAD * down)
    half = HEAD * 0.45
    sides = (
        (base[0] - half * down, base[1] + half * right),
        (base[0] + half * down, base[1] - half * right),
    )
    return ((x, y), *sides), (*points[:-1], base)


def rounded(points: tuple[Point, ...], radius: float) -> str:
    """The data of a path through points, with corners of a radius where there is room for it.

    >>> rounded(((0, 0), (10, 0), (10, 10)), 4)
    'M0 0L6 0Q10 0 10 4L10 10'
    """
    said = [f"M{number(points[0][0])} {number(points[0][1])}"]
    for before, here, after in zip(points, points[1:], (*points[2:], None), strict=False):
        if after is None or not radius:
            said.append(f"L{number(here[0])} {number(here[1])}")
            continue
        start, end = _towards(here, before, radius), _towards(here, after, radius)
        said.append(
            f"L{number(start[0])} {number(start[1])}"
            f"Q{number(here[0])} {number(here[1])} {number(end[0])} {number(end[1])}"
        )
    return "".join(said)


def _towards(start: Point, end: Point, far: float) -> Point:
    """The point so far from `start`, or half-way where `end` is nearer than twice that."""
    long = hypot(end[0] - start[0], end[1] - start[1]) or 1
    part = min(far, long / 2) / long
    return start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part
