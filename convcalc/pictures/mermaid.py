"""A scene as Mermaid, which GitHub and others draw: its boxes, frames and lines, laid out anew.

Source: https://mermaid.js.org/syntax/flowchart.html.
"""

import re
from collections.abc import Sequence

from convcalc.diagnostics import ArgumentError
from convcalc.pictures.scene import Box, Drawn, Label, Part, Path, Scene, everything
from convcalc.pictures.theme import ROLES

_SPECIAL = re.compile(r"[^\w .,:;+*/()×…→−-]")


def render(scene: Scene, theme: str = "light") -> str:
    """The scene as a flowchart; `auto` is light.

    Raises `ValueError` for a picture that is not made of boxes and lines between them.
    """
    chart = _Chart(scene, dark=theme == "dark")
    return chart.text()


class _Chart:
    def __init__(self, scene: Scene, *, dark: bool) -> None:
        self.scene = scene
        self.dark = dark
        self.lines: list[str] = []
        self.roles: dict[str, None] = {}
        self.numbers: dict[str, str] = {}
        """By key, what a node is called."""
        self.boxes = 0

    def text(self) -> str:
        """All of it."""
        self._nodes(self.scene.items, 1)
        paths = [each for each in self.scene.paths if each.source]
        if not self.numbers:
            message = "Mermaid has boxes and lines between them alone, as --style graph draws"
            raise ArgumentError(message)
        for path in dict.fromkeys(
            (each.source, each.target, each.title, each.role) for each in paths
        ):
            self._edge(*path)
        head = [f"---\ntitle: {_quoted(self.scene.title)}\n---", f"flowchart {_direction(paths)}"]
        return "\n".join([*head, *self.lines, *map(self._class, self.roles), ""])

    def _nodes(self, items: Sequence[Drawn], deep: int) -> None:
        """Boxes, and frames with what stands in them."""
        for part in items:
            if not isinstance(part, Part):
                continue
            boxes = [each for each in part.items if isinstance(each, Box) and each.role != "behind"]
            texts = [each.text for each in part.items if isinstance(each, Label)]
            indent = "  " * deep
            if part.frame:
                self.boxes += 1
                self.lines.append(
                    f"{indent}subgraph g{self.boxes} [{_quoted(' '.join(texts) or ' ')}]"
                )
                self._nodes(part.items, deep + 1)
                self.lines.append(f"{indent}end")
                continue
            rows = [each for each in part.items if isinstance(each, Part)]
            if not boxes and not rows:
                continue
            said = [_said(each.items) for each in rows] if rows else [_said(part.items)]
            role = next(
                each.role
                for each in everything([part])
                if isinstance(each, Box) and each.role != "behind"
            )
            badges = texts if rows else []
            name = f"n{self.boxes}"
            self.boxes += 1
            self.roles[role] = None
            label = "<br>".join([*said, *badges])
            self.lines.append(f"{indent}{name}[{_quoted(label)}]:::{_class(role)}")
            for key in (part.key, *(each.key for each in rows)):
                if key:
                    self.numbers[key] = name

    def _edge(self, source: str, target: str, title: str, role: str) -> None:
        """A line between two boxes; a part of one that ends at a frame is none."""
        start = self.numbers.get(source)
        if start is None or not target:
            return
        label = f"|{_quoted(title)}|" if title else ""
        arrow = "-.->" if role == "skip" else "==>" if role == "fault line" else "-->"
        self.lines.append(f"  {start} {arrow}{label} {self.numbers[target]}")

    def _class(self, role: str) -> str:
        """What a role looks like."""
        look, text = ROLES[role][self.dark], ROLES["text"][self.dark]
        return f"  classDef {_class(role)} fill:{look.fill},stroke:{look.stroke},color:{text.fill}"


def _said(items: Sequence[Drawn]) -> str:
    """The texts of a box, those of one line behind one another."""
    lines: dict[float, list[str]] = {}
    for each in items:
        if isinstance(each, Label):
            lines.setdefault(each.y, []).append(each.text)
    return "<br>".join(" ".join(texts) for texts in lines.values())


def _direction(paths: Sequence[Path]) -> str:
    """Which way the picture goes: the one in which lines leave what they start from."""
    down = sum(path.points[0][0] == path.points[1][0] for path in paths)
    return "TD" if 2 * down >= len(paths) else "LR"


def _class(role: str) -> str:
    """The class of a role."""
    return role.replace(" ", "_")


def _quoted(text: str) -> str:
    """Text between quotes, with signs of Mermaid's as codes; `<br>` is a new line."""
    lines = text.split("<br>")
    return (
        '"'
        + "<br>".join(_SPECIAL.sub(lambda sign: f"#{ord(sign[0])};", line) for line in lines)
        + '"'
    )
