"""The pages of the bundled architectures: each has a picture, tables and where it comes from.

docs/architectures is made of architectures/, by `CONVCALC_UPDATE=1 python -m pytest -m ""
tests/pictures/test_architecture_pages.py`. That all is there is asked each time, and that it is
what would be made now by `.ci/run`, because it draws and works out every network.
"""

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner
from paths import ROOT
from tabled import tabled

from convcalc import analyze
from convcalc.cli import convcalc
from convcalc.graph import Network, load
from convcalc.numbers import plural, scaled
from convcalc.pictures import draw

FOLDER = ROOT / "docs" / "architectures"
SPECS = sorted((ROOT / "architectures").glob("*.yaml"))
UPDATE = bool(os.environ.get("CONVCALC_UPDATE"))
LARGE = 12_000
"""Bytes of a picture beyond which another is tried."""
STYLES: tuple[tuple[str, dict[str, int]], ...] = (
    ("graph", {}),
    ("graph", {"depth": 1}),
    ("volumes", {}),
)
"""What is tried, in this order; where all are large, the smallest."""


class Picture(NamedTuple):
    """A picture of a page."""

    command: str
    """What draws it."""
    svg: str
    """The picture."""


def picture(name: str) -> Picture:
    """The graph of a network, folded where it is large, or its volumes where it is large still."""
    pictures = []
    for style, options in STYLES:
        words = "".join(f" --{option} {value}" for option, value in options.items())
        styled = "" if style == "graph" else f" --style {style}"
        command = f"convcalc draw {name}{styled}{words} -o {name}.svg"
        pictures.append(Picture(command, draw(name, style, **options).to_svg()))
        if len(pictures[-1].svg.encode()) <= LARGE:
            return pictures[-1]
    return min(pictures, key=lambda each: len(each.svg))


def members(path: Path) -> list[str]:
    """The presets of a file, or its own name."""
    text = path.read_text(encoding="utf-8")
    presets = re.search(r"(?m)^presets:[^\n]*\n((?:[ #][^\n]*\n|\n)*)", text)
    names = re.findall(r"(?m)^  ([A-Za-z]\w*):", presets[1]) if presets else []
    return names or [path.stem]


def comments(path: Path) -> Iterator[str]:
    """What the spec says of itself above its layers, by paragraphs."""
    lines: list[str] = []
    for line in [*path.read_text(encoding="utf-8").splitlines(), ""]:
        if line.startswith("#"):
            lines.append(line.removeprefix("#").strip())
        elif lines:
            yield " ".join(lines)
            lines = []


def page(path: Path, drawn: Picture) -> str:
    """The page of a file of architectures."""
    name, network = path.stem, load(path.stem)
    shown = CliRunner().invoke(convcalc, ["analyze", name, "--depth", "1", "--format", "markdown"])
    table = shown.stdout.partition("\n\n")[2]
    assert shown.exit_code == 0, shown.stderr
    several = members(path)
    parts = [
        f"# {network.name}",
        f"<!-- made of architectures/{path.name} by tests/pictures/test_architecture_pages.py -->",
        f"![{alternative(network)}]({name}.svg)",
        f"```sh\n{drawn.command}\n```",
        "## Where it comes from",
        f"{source(network)}.",
        *comments(path),
        f"[The spec]({os.path.relpath(path, FOLDER)}); `convcalc show {name}` prints it.",
    ]
    if len(several) > 1:
        parts += ["## Networks", "\n".join(family(several))]
    parts += ["## Layers", f"```sh\nconvcalc analyze {name} --depth 1\n```", table.strip()]
    return "\n\n".join(parts) + "\n"


def source(network: Network) -> str:
    """Where a network comes from."""
    reference = network.reference or ""
    return f"{f'<{reference}>' if reference.startswith('http') else reference}, {network.year}"


def alternative(network: Network) -> str:
    """What the picture shows, for whoever does not see it."""
    return f"{network.name}: {plural(len(network.layers), 'layer')}, from {network.shown_input}"


def family(names: list[str]) -> Iterator[str]:
    """A table of the networks of a file."""
    yield "| Name | Input | Parameters | MACs |"
    yield "| :-- | :-- | --: | --: |"
    for name in names:
        network = load(name)
        plans = [plan for plan in network.plans if plan is not None]
        macs = sum(plan.macs for plan in plans)
        weights = _parameters(name)
        yield f"| `{name}` | {network.shown_input} | {weights:,} | {scaled(macs)} |"


def _parameters(name: str) -> int:
    parameters = analyze(name).totals.parameters
    assert parameters is not None
    return parameters


@cache
def index() -> str:
    """The page that names all."""
    parts = [
        "# Architectures",
        "<!-- made of architectures/ by tests/pictures/test_architecture_pages.py -->",
        "The networks that come with convcalc; `convcalc list` lists them.",
    ]
    lines = ["| Architecture | Networks | Source |", "| :-- | :-- | :-- |"]
    for path in SPECS:
        network = load(path.stem)
        names = ", ".join(f"`{name}`" for name in members(path))
        title = network.name if len(members(path)) == 1 else path.stem
        lines.append(f"| [{title}]({path.stem}.md) | {names} | {source(network)} |")
    return "\n\n".join([*parts, "\n".join(lines)]) + "\n"


def test_every_architecture_has_a_page_and_a_picture() -> None:
    if UPDATE:
        pytest.skip("they are made anew")
    names = {f"{path.stem}{ending}" for path in SPECS for ending in (".md", ".svg")}
    advice = 'CONVCALC_UPDATE=1 python -m pytest -m "" tests/pictures/test_architecture_pages.py'
    assert {path.name for path in FOLDER.iterdir()} == {*names, "README.md"}, advice
    for path in FOLDER.glob("*.svg"):
        assert path.stat().st_size < 35_000, f"{path.name} is large: fold it"
    for path in FOLDER.glob("*.md"):
        text = path.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)\s:]+)\)", text):
            assert (FOLDER / target).exists(), f"{path.name} links to {target}"


@pytest.mark.thorough
@tabled("path", SPECS, ids=[path.stem for path in SPECS])
def test_a_page_is_what_its_spec_says_now(path: Path) -> None:
    drawn = picture(path.stem)
    _same(FOLDER / f"{path.stem}.svg", drawn.svg)
    _same(FOLDER / f"{path.stem}.md", page(path, drawn))


@pytest.mark.thorough
def test_the_page_of_all_names_every_network() -> None:
    _same(FOLDER / "README.md", index())


def _same(path: Path, text: str) -> None:
    if UPDATE:
        path.write_text(text, encoding="utf-8")
    assert path.exists(), path.name
    assert path.read_text(encoding="utf-8") == text, path.name
