"""What `convcalc check --fix` writes and `--diff` shows; imported for one of the two."""

import os
from collections.abc import Iterator, Sequence
from difflib import unified_diff
from io import StringIO
from pathlib import Path

import click

from convcalc.checks.files import Found
from convcalc.checks.fixes import fixed
from convcalc.checks.run import Task, check_file
from convcalc.cli.output import write_verbatim
from convcalc.cli.paths import note_empty
from convcalc.diagnostics import Diagnostic
from convcalc.numbers import plural
from convcalc.spec.bundled import find_bundled
from convcalc.spec.source import open_spec


def differences(searched: Found, task: Task) -> int:
    """Show what fixes would change; 1 when they would, 2 when a spec could not be read."""
    changed = False
    unread: list[Diagnostic] = []
    for file, before, after, _ in _fixes(searched.files, task, unread):
        changed = True
        lines = unified_diff(
            StringIO(before, newline="\n").readlines(),
            StringIO(after, newline="\n").readlines(),
            f"a/{file}",
            f"b/{file}",
        )
        ended = (
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
            for line in lines
        )
        write_verbatim("".join(ended))
    for item in unread:
        where = item.where if item.source_line else item.path
        click.echo(f"convcalc: {where}: {item.code} {item.message}", err=True)
    note_empty(searched.empty)
    left = _note_unfixed(searched.files, task)
    if not (changed or left or unread):
        _note_none_fixable(searched.files, task)
    return 2 if unread or searched.empty else int(changed or left)


def fix_files(files: Sequence[str], task: Task) -> bool:
    """Fix files in place, and say how many findings are gone; whether all could be written."""
    count = changed = 0
    written = True
    for file, before, after, fixes in _fixes(files, task):
        data = Path(file).read_bytes()
        mark = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
        if data != mark + before.encode("utf-8"):
            continue  # it changed meanwhile
        try:
            Path(file).write_bytes(mark + after.encode("utf-8"))
        except OSError as error:
            message = f"convcalc: {file}: cannot be written: {error.strerror or error}"
            click.echo(message, err=True)
            written = False
            continue
        count += fixes
        changed += 1
    _note_unfixed(files, task)
    if count:
        click.echo(f"Fixed {plural(count, 'finding')} in {plural(changed, 'file')}.", err=True)
    return written


def _note_unfixed(files: Sequence[str], task: Task) -> bool:
    """Say which specs have fixes and are no files of their own; whether there are any."""
    left = False
    for file in files:
        if file == "-" or os.path.isfile(file):
            continue
        if not any(item.fix for item in check_file(file, task).diagnostics):
            continue
        family = file.rpartition("#")[0]
        why = "a bundled architecture is not fixed"
        if os.path.isfile(family):
            why = f"a member of a family is not fixed by itself: name {family}"
        click.echo(f"convcalc: {file}: {why}", err=True)
        left = True
    return left


def _note_none_fixable(files: Sequence[str], task: Task) -> None:
    """Say how many findings there are, of which none has a fix."""
    count = sum(len(check_file(file, task).diagnostics) for file in files if file != "-")
    if count:
        click.echo(f"convcalc: {plural(count, 'finding')}, none fixable", err=True)


def _fixes(
    files: Sequence[str], task: Task, unread: list[Diagnostic] | None = None
) -> Iterator[tuple[str, str, str, int]]:
    """File, old text, new text and number of fixes of each file that fixes change.

    Why a file could not be read goes to `unread`.
    """
    for file in files:
        opened = open_spec(file, find_bundled)
        if unread is not None:
            unread += opened.problems
        if opened.problems or (file != "-" and not os.path.isfile(file)):
            continue
        if file == "-" and task.filename:
            opened = opened.called(task.filename)
        result = fixed(opened, task)
        if unread is not None and result.unread is not None:
            unread.append(result.unread)
        if result.findings:
            yield opened.text.path, opened.text.content, result.text, len(result.findings)
