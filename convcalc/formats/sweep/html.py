"""What a sweep comes to as one page that loads nothing: the front, whose points lead to their rows.

It runs no script: pointing at a point says which design it is, and going to it, by mouse or
keyboard, leads to its row in the table, which is marked.
"""

from collections.abc import Iterator
from html import escape

from convcalc import __version__
from convcalc.formats import sweep
from convcalc.formats.sweep import picture
from convcalc.sweeps.kept import Groups
from convcalc.sweeps.report import SweepReport

STYLE = """\
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem }
:root { color-scheme: light dark }
svg { height: auto; max-width: 100% }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
caption { font-weight: bold; padding: 1.5rem 0 .5rem; text-align: left }
th, td { border-bottom: 1px solid #8888; padding: .2rem .8rem; text-align: right }
.text th, .text td { text-align: left }
tr:target { outline: 3px solid Highlight; scroll-margin: 40vh }
.wide { overflow-x: auto }
"""


def render(result: SweepReport) -> str:
    """The page."""
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    title = escape(sweep.title(result))
    lines = [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta name="generator" content="convcalc {__version__}">',
        f"<title>{title}</title>",
        f"<style>{STYLE}</style>",
        "</head>",
        "<body>",
        f"<h1>{title}</h1>",
        *(f"<p>{escape(line)}</p>" for line in sweep.summary(result)),
        *_picture(result),
        *_tables(result),
        *_reasons(result),
        "</body>",
        "</html>",
    ]
    return "\n".join(lines) + "\n"


def _row(number: int) -> str:
    """What the row of a design is called."""
    return f"design-{number}"


def _picture(result: SweepReport) -> Iterator[str]:
    scene = picture.render(result, lambda number: f"#{_row(number)}")
    if scene is not None:
        yield f"<figure>{scene.to_svg()}</figure>"


def _tables(result: SweepReport) -> Iterator[str]:
    """The front and the best, whole; what is on both is called by its name in the first."""
    named: set[int] = set()
    listed = [table._replace(more="") for table in sweep.tables(result, most=None)]
    groups = [each for each in (result.front, result.best) if each is not None]
    for table, group in zip(listed, groups, strict=True):
        yield from _table(table, group, named)


def _table(table: sweep.Table, group: Groups, named: set[int]) -> Iterator[str]:
    heads = [f'<th scope="col">{escape(head)}</th>' for head in table.head]
    yield f'<div class="wide"><table><caption>{escape(table.title)}</caption>'
    yield f"<thead><tr>{''.join(heads)}</tr></thead><tbody>"
    for number, cells in zip(group.rows.numbers.tolist(), table.rows, strict=True):
        name = "" if number in named else f' id="{_row(number)}"'
        named.add(number)
        yield f"<tr{name}>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
    yield "</tbody></table></div>"


def _reasons(result: SweepReport) -> Iterator[str]:
    """Why designs are invalid."""
    reasons = [*sweep.reasons(result)]
    if not reasons:
        return
    heads = ("Designs", "Code", "Where", "What is wrong", "An example")
    yield '<div class="wide"><table class="text"><caption>Why designs are invalid</caption>'
    yield f"<thead><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr></thead><tbody>"
    for cells in reasons:
        yield f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
    yield "</tbody></table></div>"
    yield from (f"<p>{escape(line)}</p>" for line in sweep.further(result))
