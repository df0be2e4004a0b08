"""`convcalc format`: specs in one style."""

import os
import sys
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import click

from convcalc.checks.configuration import Configurations
from convcalc.checks.files import find
from convcalc.checks.settings import Given
from convcalc.checks.style import styled
from convcalc.cli.options import FILE
from convcalc.cli.output import write, write_verbatim
from convcalc.cli.paths import leaving_out_options, note_empty, usage
from convcalc.diagnostics import Diagnostic
from convcalc.findings import Findings
from convcalc.numbers import plural
from convcalc.spec.bundled import find_bundled
from convcalc.spec.source import Opened, RefusedError, open_spec, refuse
from convcalc.spec.text import SourceText

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
MOST_PROBLEMS = 5
"""Reasons that are given why a file is left."""


@click.command("format")
@click.argument("paths", nargs=-1, metavar="[PATH|DIR|GLOB|-]...")
@click.option("--check", is_flag=True, help="Change nothing; the exit code is 1 if there is need.")
@click.option("--diff", is_flag=True, help="Show what would change, and change nothing.")
@leaving_out_options
@click.option("--stdin-filename", metavar="NAME", help="What standard input is called.")
@click.option("--config", type=FILE, metavar="FILE", help="Configuration, for `exclude`.")
@click.option("--isolated", is_flag=True, help="Use no configuration file.")
def command(
    paths: tuple[str, ...],
    *,
    check: bool,
    diff: bool,
    exclude: tuple[str, ...],
    force_exclude: bool,
    only_specs: bool,
    stdin_filename: str | None,
    config: str | None,
    isolated: bool,
) -> None:
    """Write specs in one style; comments stay, and so does what they mean.

    PATHs are files, folders, globs or - for standard input, which goes to standard output; the
    current folder when there are none. What is no YAML, or has not the form of a spec, is left as
    it is, and said. Files are found as `convcalc check` finds them.

    Exit codes: 0 done or nothing to do, 1 with --check or --diff where there is something to do, 2
    where a file was left, or could not be read or written.

    \b
    Examples:
      convcalc format nets/
      convcalc format --check
      convcalc format --diff net.yaml
    """
    if stdin_filename is not None and "-" not in paths:
        message = "--stdin-filename names standard input, and no PATH is -"
        raise click.UsageError(message)
    if config is not None and isolated:
        message = "--isolated uses no configuration, and --config names one"
        raise click.UsageError(message)
    with usage():
        configurations = Configurations(
            Given(exclude=exclude, force_exclude=force_exclude), only=config, isolated=isolated
        )
        searched = find(
            paths or (".",), configurations, only_specs=only_specs, stdin=stdin_filename
        )
    note_empty(searched.empty)
    changed: list[str] = []
    failed = list(searched.empty)
    for file in searched.files:
        opened = _open(file, stdin_filename)
        made = styled(opened)
        if made.problems:
            _note_left(made.problems)
            failed.append(file)
            continue
        same = made.text == opened.text.content
        if not same:
            changed.append(opened.text.path)
        if diff:
            _show_changes(opened.text, made.text)
        elif file == "-" and not check:
            write_verbatim(made.text)
        elif not same and not check and not _overwrite(file, opened.text.content, made.text):
            failed.append(file)
            changed.pop()
        elif not same and check:
            write(f"Would reformat: {opened.text.path}\n")
    if searched.files != ["-"] or check or diff:
        left = len(searched.files) - len(changed) - (len(failed) - len(searched.empty))
        _sum_up(len(changed), left, would=check or diff)
    sys.exit(2 if failed else int(bool(changed) and (check or diff)))


def _open(file: str, stdin: str | None) -> Opened:
    """The text of a file; what there is none to format of has a finding that says so."""
    if file == "-" or os.path.isfile(file):
        opened = open_spec(file, find_bundled)
        return opened.called(stdin) if file == "-" and stdin else opened
    what = "is no regular file" if os.path.exists(file) else "is no file"
    text = SourceText(file, "")
    findings = Findings(text)
    refuse(findings, RefusedError("CC101", what))
    return Opened(file, text, problems=findings.diagnostics)


def _note_left(problems: Sequence[Diagnostic]) -> None:
    """Say why a file is left as it is."""
    for problem in problems[:MOST_PROBLEMS]:
        nowhere = not problem.source_line and problem.span and problem.span[:2] == (1, 1)
        where = problem.path if nowhere else problem.where
        help_ = f" (help: {problem.help})" if nowhere and problem.help else ""
        click.echo(f"convcalc: {where}: {problem.code} {problem.message}{help_}", err=True)
    if len(problems) > MOST_PROBLEMS:
        click.echo(f"convcalc: and {len(problems) - MOST_PROBLEMS} more", err=True)


def _show_changes(text: SourceText, after: str) -> None:
    """A patch of what would change."""
    from difflib import unified_diff

    lines = unified_diff(
        StringIO(text.content, newline="\n").readlines(),
        StringIO(after, newline="\n").readlines(),
        f"a/{text.path}",
        f"b/{text.path}",
    )
    write_verbatim(
        "".join(
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
            for line in lines
        )
    )


def _overwrite(file: str, before: str, after: str) -> bool:
    """Write a file, unless it changed meanwhile; whether that was done."""
    try:
        data = Path(file).read_bytes()
        mark = BYTE_ORDER_MARK if data.startswith(BYTE_ORDER_MARK) else b""
        if data != mark + before.encode("utf-8"):
            click.echo(f"convcalc: {file}: changed meanwhile, and is left as it is", err=True)
            return False
        Path(file).write_bytes(mark + after.encode("utf-8"))
    except OSError as error:
        message = f"convcalc: {file}: cannot be written: {error.strerror or error}"
        click.echo(message, err=True)
        return False
    return True


def _sum_up(changed: int, unchanged: int, *, would: bool) -> None:
    """Say how many files were formatted, or would be."""
    done = "would be reformatted" if would else "reformatted"
    left = "would be left unchanged" if would else "left unchanged"
    parts = [f"{plural(changed, 'file')} {done}"] if changed else []
    parts += [f"{plural(unchanged, 'file')} {left}"] if unchanged else []
    if parts:
        click.echo(f"{', '.join(parts)}.", err=True)
