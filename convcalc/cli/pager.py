"""Markdown on a terminal: laid out, and in a pager where it is longer than the screen."""

import re
import shutil
import sys

import click
from rich.markdown import Markdown
from rich.theme import Theme

from convcalc.cli.output import colors
from convcalc.documentation import topics
from convcalc.formats.table import Screen

WIDEST = 100
"""Characters of a line of text, on the widest terminal."""
_NOTES = re.compile(r"^<!--.*?-->\n+", re.MULTILINE | re.DOTALL)
"""What tells tests which parts are generated."""
_LINK = re.compile(r"\[([^\[\]]+)\]\((?![a-z]+:)(?:([\w.-]+)\.md)?(#[\w-]+)?[^()\s]*\)")
"""A link to a heading or another page."""


def show(text: str) -> None:
    """Show Markdown on the terminal that standard output is."""
    screen = shutil.get_terminal_size()
    shown = laid_out(text, min(screen.columns, WIDEST), color=colors(sys.stdout))
    if shown.count("\n") < screen.lines:
        click.echo(shown, nl=False)
    else:
        click.echo_via_pager(shown, color=colors(sys.stdout))


def laid_out(text: str, width: int, *, color: bool) -> str:
    """Markdown as text of a width, without links that lead nowhere from here."""
    theme = Theme({"markdown.code": "cyan", "markdown.code_block": "default"})
    console = Screen(width, color=color, theme=theme)
    shown = _LINK.sub(_told, _NOTES.sub("", text))
    console.print(Markdown(shown, code_theme="ansi_dark", hyperlinks=False))
    return console.written()


def _told(link: re.Match[str]) -> str:
    """A link's text, with the call that shows another page."""
    text, page, heading = link.groups()
    return f"{text} (`convcalc docs {page}{heading or ''}`)" if page in topics() else text
