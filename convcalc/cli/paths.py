"""PATHs of commands that look for specs: their globs, and what is said of those that hold none."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from convcalc.checks.configuration import SettingsError
from convcalc.checks.globs import glob_problem


def globs(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Globs as they are written; raises `click.BadParameter` for what is none."""
    for value in values:
        problem = glob_problem(value)
        if problem is not None:
            raise click.BadParameter(problem, ctx, param)
    return values


@contextmanager
def usage() -> Iterator[None]:
    """What is wrong with a configuration is a wrong use."""
    try:
        yield
    except SettingsError as error:
        raise click.UsageError(str(error)) from None


def note_empty(paths: Sequence[str]) -> None:
    """Say which PATHs hold no spec."""
    for path in paths:
        what = "no specs in" if os.path.isdir(path) else "nothing matches"
        click.echo(f"convcalc: {what} {path}", err=True)
