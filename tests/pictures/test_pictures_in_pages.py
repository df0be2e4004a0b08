"""Pictures in pages are what the commands above them draw.

In the README and docs/*.md a line of an `sh` block, `convcalc draw … -o NAME.svg` or
`convcalc memory … --plan NAME.svg`, with an image `pictures/NAME.svg` behind it draws that file of
docs/pictures.
`CONVCALC_UPDATE=1 python -m pytest -m "" tests/pictures` writes all anew.
"""

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner
from paths import ROOT
from test_docs import PAGES, blocks, save

from convcalc.cli import convcalc

FOLDER = ROOT / "docs" / "pictures"
INPUTS = ROOT / "docs" / "inputs"
"""What pictures are drawn of beside specs. All in it are whole numbers, whose sums and products are
the same in whatever order they are made, so that maps are the same bytes on every machine."""
UPDATE = bool(os.environ.get("CONVCALC_UPDATE"))
_IMAGE = re.compile(r"!\[([^\]]+)\]\((?:docs/)?pictures/([\w.-]+\.svg)\)")


class Drawn(NamedTuple):
    """A picture of a page."""

    page: Path
    """The page that shows it."""
    name: str
    """Its file's name in docs/pictures."""
    command: tuple[str, ...]
    """The words that draw it; they write the file where they are called."""


def drawn() -> Iterator[Drawn]:
    """Every picture of a page, with the command of the block in front of it."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        shown = {match[2] for match in _IMAGE.finditer(text)}
        for block in blocks(page):
            for line in block.text.splitlines() if block.language == "sh" else ():
                if not line.startswith(("convcalc draw ", "convcalc memory ")):
                    continue
                words = shlex.split(line)
                if words[-2] in ("-o", "--plan") and words[-1] in shown:
                    yield Drawn(page, words[-1], tuple(words[1:]))


PICTURES = [*drawn()]


@pytest.mark.thorough
@pytest.mark.parametrize(
    "shown_on", sorted({each.page for each in PICTURES}), ids=lambda path: path.stem
)
def test_pictures_are_what_the_commands_above_them_draw(
    shown_on: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for file in INPUTS.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    for block in blocks(shown_on):
        if block.language == "yaml" and block.words and "." in block.words[0]:
            save(block)
    other = []
    for each in PICTURES:
        if each.page != shown_on:
            continue
        result = CliRunner().invoke(convcalc, [*each.command])
        assert result.exit_code in (0, 1), (each.command, result.stderr)
        made = Path(each.name).read_text(encoding="utf-8")
        assert made.startswith("<svg"), (each.command, result.stderr)
        file = FOLDER / each.name
        if UPDATE:
            file.write_text(made, encoding="utf-8")
        elif not file.exists() or file.read_text(encoding="utf-8") != made:
            other.append(each.name)
    advice = (
        "CONVCALC_UPDATE=1 python -m pytest -m '' tests/pictures writes them anew: look at them"
    )
    assert not other, f"{', '.join(other)}: {advice}"


def test_every_picture_is_drawn_and_shown_and_small() -> None:
    shown = {
        match[2] for path in PAGES for match in _IMAGE.finditer(path.read_text(encoding="utf-8"))
    }
    assert shown == {each.name for each in PICTURES}
    assert shown == {path.name for path in FOLDER.iterdir()}
    assert len(shown) > 15
    for path in FOLDER.iterdir():
        assert path.stat().st_size < 60_000, f"{path.name} is large: draw a smaller one"
