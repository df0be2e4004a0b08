r"""A scene as TikZ, for papers: a document of its own, whose picture can be taken out of it.

Lengths are those of the scene: one of its pixels is 0.75 pt. `\scalebox` makes it smaller. Letters
that pdfTeX does not know need LuaTeX or XeTeX.
"""

import re
from collections.abc import Iterator, Sequence

from convcalc.diagnostics import ArgumentError
from convcalc.pictures.scene import Box, Drawn, Label, Part, Path, Raster, Scene, everything
from convcalc.pictures.svg import number
from convcalc.pictures.theme import ROLES, Look

POINTS = 0.75
"""Points of a pixel."""
_SIGNS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "×": r"\texttimes{}", "·": r"$\cdot$", "−": r"$-$", "±": r"$\pm$", "÷": r"$\div$",
    "≤": r"$\le$", "≥": r"$\ge$", "≠": r"$\ne$", "≈": r"$\approx$", "→": r"$\to$",
    "←": r"$\leftarrow$", "↑": r"$\uparrow$", "↓": r"$\downarrow$", "∞": r"$\infty$",
    "√": r"$\surd$", "Σ": r"$\Sigma$", "Δ": r"$\Delta$", "σ": r"$\sigma$", "β": r"$\beta$",
    "γ": r"$\gamma$", "ε": r"$\varepsilon$", "µ": r"$\mu$", "∂": r"$\partial$",
    "…": r"\ldots{}", "✗": r"$\mathsf{x}$", "✓": r"$\surd$", "²": r"$^2$", "³": r"$^3$",
    "½": r"$\frac12$", "°": r"$^\circ$", "–": "--", "—": "---", "“": "``", "”": "''",
    "■": r"\rule{0.6em}{0.6em}", "□": r"\framebox[0.6em]{\rule{0pt}{0.4em}}",
    "●": r"$\bullet$", "○": r"$\circ$", "△": r"$\triangle$", "↗": r"$\nearrow$",
    "\t": " ", "\n": " ", "\r": " ",
}  # fmt: skip
_HEAD = r"""\documentclass[border=2pt]{standalone}
\usepackage[T1]{fontenc}
\usepackage[scaled=0.95]{helvet}
\usepackage{textcomp}
\usepackage{tikz}
\usetikzlibrary{arrows.meta}
\renewcommand{\familydefault}{\sfdefault}"""
_ANCHORS = {"start": "base west", "middle": "base", "end": "base east"}


def render(scene: Scene, theme: str = "light") -> str:
    """The scene as a TeX document; `auto` is light.

    Raises `ValueError` for a picture with grids of pixels.
    """
    drawn = [each for each in everything(scene.items) if not isinstance(each, Part)]
    if any(isinstance(each, Raster) for each in drawn):
        message = "the picture has grids of pixels, which TikZ has not: write SVG or PNG"
        raise ArgumentError(message)
    dark = theme == "dark"
    roles = sorted({each.role for each in drawn if isinstance(each, Box | Label | Path)})
    lines = [f"% {_comment(scene.title)}: {_comment(scene.description)}", _HEAD]
    lines += [color for role in roles for color in _colors(role, ROLES[role][dark])]
    scale = number(scene.scale)
    lines += (
        [r"\begin{document}", rf"\scalebox{{{scale}}}{{"] if scene.shown else [r"\begin{document}"]
    )
    lines.append(rf"\begin{{tikzpicture}}[x={POINTS}pt, y=-{POINTS}pt]")
    if dark:
        paper = ROLES["paper"][dark].fill[1:].upper()
        lines += [
            rf"\definecolor{{paper}}{{HTML}}{{{paper}}}",
            rf"\fill[paper] (0,0) rectangle ({number(scene.width)},{number(scene.height)});",
        ]
    else:
        lines.append(rf"\path (0,0) rectangle ({number(scene.width)},{number(scene.height)});")
    lines += _drawn(drawn, dark=dark)
    end = r"\end{tikzpicture}" + ("}" if scene.shown else "")
    return "\n".join([*lines, end, r"\end{document}", ""])


def _colors(role: str, look: Look) -> Iterator[str]:
    """The colours of a role."""
    for end, color in (("fill", look.fill), ("line", look.stroke)):
        if color != "none":
            yield rf"\definecolor{{{_name(role)}-{end}}}{{HTML}}{{{color[1:].upper()}}}"


def _name(role: str) -> str:
    """The name of a role's colours."""
    return role.replace(" ", "-")


def _drawn(items: Sequence[Drawn], *, dark: bool) -> Iterator[str]:
    """The commands that draw items."""
    for item in items:
        if isinstance(item, Box):
            yield _box(item, ROLES[item.role][dark])
        elif isinstance(item, Label):
            yield _label(item)
        elif isinstance(item, Path):
            yield _path(item, ROLES[item.role][dark])


def _options(role: str, look: Look, radius: float, *, filled: bool) -> list[str]:
    """How a shape is drawn."""
    said = []
    if filled and look.fill != "none":
        said.append(f"fill={_name(role)}-fill")
    if look.stroke != "none":
        said += [f"draw={_name(role)}-line", f"line width={number(look.width * POINTS)}pt"]
    if look.dash:
        on, off = (number(float(each) * POINTS) for each in look.dash.split())
        said.append(f"dash pattern=on {on}pt off {off}pt")
    if radius:
        said.append(f"rounded corners={number(radius * POINTS)}pt")
    return said


def _box(box: Box, look: Look) -> str:
    options = ", ".join(_options(box.role, look, box.radius, filled=True))
    end = f"({number(box.x + box.width)},{number(box.y + box.height)})"
    return rf"\path[{options}] ({number(box.x)},{number(box.y)}) rectangle {end};"


def _path(path: Path, look: Look) -> str:
    said = _options(path.role, look, path.radius, filled=path.closed)
    if path.arrow:
        said.append("-{Latex[length=5pt, width=4.5pt]}")
    points = " -- ".join(f"({number(x)},{number(y)})" for x, y in path.points)
    return rf"\path[{', '.join(said)}] {points}{' -- cycle' if path.closed else ''};"


def _label(label: Label) -> str:
    said = [f"anchor={_ANCHORS[label.anchor]}", "inner sep=0pt", f"text={_name(label.role)}-fill"]
    if label.turned:
        said.append("rotate=90")
    size = number(label.size * POINTS)
    font = rf"\fontsize{{{size}}}{{{size}}}\selectfont" + (r"\bfseries" if label.bold else "")
    said.append(f"font={font}")
    place = f"({number(label.x)},{number(label.y)})"
    return rf"\node[{', '.join(said)}] at {place} {{{escaped(label.text)}}};"


def escaped(text: str) -> str:
    r"""Text as TeX reads it.

    >>> escaped("50% of conv_1, 3×3")
    '50\\% of conv\\_1, 3\\texttimes{}3'
    """
    return "".join(
        _SIGNS.get(sign, sign) if sign.isprintable() or sign in _SIGNS else "" for sign in text
    )


def _comment(text: str) -> str:
    """Text of a comment, on one line."""
    return re.sub(r"\s+", " ", "".join(sign if sign.isprintable() else " " for sign in text))
