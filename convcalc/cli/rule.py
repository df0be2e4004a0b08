"""`convcalc rule`: what a code means, why, and what to write instead."""

import json

import click

from convcalc.cli.options import output_options
from convcalc.cli.output import Output
from convcalc.cli.words import LONGEST, advice_for
from convcalc.formats import Format
from convcalc.rules import CODES
from convcalc.rules.page import Page, read_page

RULE_FORMATS = {
    "text": Format("The page as Markdown.", "text"),
    "json": Format("The page's parts.", "values"),
}
"""The formats of `rule`, which are made here."""


def _completed(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Codes and names that begin so; names only once a letter of theirs is there."""
    del ctx, param
    codes = [code for code in CODES if code.startswith(incomplete.upper())]
    named = [row.name for row in CODES.values() if incomplete and row.name.startswith(incomplete)]
    return [*codes, *named]


@click.command("rule")
@click.argument("codes", nargs=-1, metavar="[CODE]...", shell_complete=_completed)
@click.option("--all", "every", is_flag=True, help="Every page there is.")
@output_options(RULE_FORMATS, default="text", text="How to show them")
def command(codes: tuple[str, ...], *, every: bool, output: Output) -> None:
    """Show the page of a code: what it says, why, a flagged spec and a better one.

    A CODE is CC401, the name of a rule, or the start of several codes, as CC4; without any, all
    codes are listed.

    \b
    Example: convcalc rule CC401
    """
    if every and codes:
        raise click.UsageError("--all shows every page, and a CODE those of that code alone")
    shown = [read_page(code) for code in (chosen(codes) if codes else CODES)]
    if output.format.form == "values":
        listed = [_fields(page) for page in shown]
        text = json.dumps({"schema": 1, "rules": listed}, indent=1, ensure_ascii=False)
        output.end([f"{text}\n"])
    if codes or every:
        output.end([page.markdown for page in shown])
    output.end(["".join(f"{page.code}  {page.summary}\n" for page in shown)])


def chosen(written: tuple[str, ...]) -> list[str]:
    """The codes that are meant, by code, beginning or name, each once."""
    named: dict[str, None] = {}
    for one in written:
        wanted = one.strip()
        meant = [
            code
            for code, row in CODES.items()
            if (wanted and row.name == wanted.lower())
            or (len(wanted) > 2 and code.startswith(wanted.upper()))
        ]
        if not meant:
            names = [name for code, row in CODES.items() for name in (code, row.name) if name]
            parts = [name for name in names if wanted.lower() in name.split("-")]
            otherwise = f"did you mean {' or '.join(parts[:3])}?" if parts else ""
            advice = advice_for(
                wanted, "rule", names, otherwise or "`convcalc rule` lists the codes."
            )
            message = f"no rule is called {wanted[:LONGEST]!r}: {advice}"
            raise click.UsageError(message)
        named.update(dict.fromkeys(meant))
    return [*named]


def _fields(page: Page) -> dict[str, object]:
    return {
        "code": page.code,
        "name": page.name or None,
        "stage": page.stage,
        "severity": page.severity,
        "default": page.default,
        "summary": page.summary,
        "text": page.text,
        "flagged": page.specs.get("Flagged"),
        "instead": page.specs.get("Instead"),
    }
