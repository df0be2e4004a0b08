"""`convcalc docs`: the pages of the documentation."""

import sys

import click

from convcalc import documentation
from convcalc.cli.output import write
from convcalc.cli.words import LONGEST, advice_for, as_code, as_kind


def _completed(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Topics that begin so."""
    del ctx, param
    return [topic for topic in documentation.topics() if topic.startswith(incomplete.lower())]


@click.command("docs")
@click.argument("topic", required=False, metavar="[TOPIC]", shell_complete=_completed)
def command(topic: str | None) -> None:
    """Show a page of the documentation: laid out on a terminal, as Markdown in a pipe.

    A TOPIC is spec, or a heading of a page, as spec#rounding; a code, as CC301, or a kind of
    layer, as conv, shows its page. Without any, the topics are listed.

    \b
    Example: convcalc docs spec
    """
    if topic is None:
        write(_topics())
        return
    text = _page(topic.strip())
    if sys.stdout.isatty():
        from convcalc.cli.pager import show

        show(text)
    else:
        write(text, machine=True)


def _topics() -> str:
    """What every page and schema is called, and what it is about."""
    names = [name.removesuffix(".md") for name in documentation.files()]
    widest = max(map(len, names), default=0)
    titles = (documentation.title(documentation.read_file(name)) for name in documentation.files())
    return "".join(
        f"{name:<{widest}}  {title}\n" for name, title in zip(names, titles, strict=True)
    )


def _page(topic: str) -> str:
    """The text that a topic means. Raises `click.UsageError` where there is none."""
    name, sign, heading = topic.partition("#")
    file = documentation.find_file(name)
    if file is not None:
        text = documentation.read_file(file)
        return _section(name, text, heading) if sign else text
    code, kind = as_code(topic), as_kind(topic)
    if code:
        from convcalc.cli.rule import chosen
        from convcalc.rules.page import read_page

        return "\n".join(read_page(each).markdown for each in chosen((code,)))
    if kind:
        from convcalc.analysis.reference import describe
        from convcalc.formats.kinds.markdown import render

        return render([describe(kind)])
    parts = [
        f"{page}#{anchor}"
        for page in documentation.topics()
        for anchor, _ in documentation.sections(documentation.read_file(f"{page}.md"))
        if anchor == documentation.anchor(topic)
    ]
    if parts:
        some = " or ".join(parts[:3])
        message = f"no page is called {topic[:LONGEST]!r}: did you mean {some}?"
        raise click.UsageError(message)
    advice = advice_for(topic, "docs", _words(), "`convcalc docs` lists the topics.")
    message = f"no page is called {topic[:LONGEST]!r}: {advice}"
    raise click.UsageError(message)


def _words() -> list[str]:
    """Everything that a page is called."""
    from convcalc.analysis.reference import DESCRIBED
    from convcalc.rules import CODES

    rules = [name for code, row in CODES.items() for name in (code, row.name) if name]
    return [*documentation.topics(), *DESCRIBED, *rules]


def _section(page: str, text: str, heading: str) -> str:
    """The part of a page below a heading."""
    parts = dict(documentation.sections(text))
    wanted = documentation.anchor(heading.strip())
    if wanted not in parts:
        from convcalc.diagnostics import closest

        near = closest(wanted, parts)
        advice = f"did you mean {page}#{near}?" if near else f"there are {', '.join(parts)}."
        message = f"{page} has no heading {heading[:LONGEST]!r}: {advice}"
        raise click.UsageError(message)
    return parts[wanted]
