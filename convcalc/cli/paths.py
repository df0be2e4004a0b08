"""PATHs of commands that look for specs: what is left out, and what is said where none is."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from convcalc.checks.configuration import SettingsError
from convcalc.checks.globs import glob_problem
from convcalc.cli.options import F


def _globs(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Globs as they are written; raises `click.BadParameter` for what is none."""
    for value in values:
        problem = glob_problem(value)
        if problem is not None:
            raise click.BadParameter(problem, ctx, param)
    return values


def leaving_out_options(function: F) -> F:
    """--exclude, --force-exclude and --only-specs."""
    function = click.option(
        "--only-specs",
        is_flag=True,
        help="Leave out named files that are no specs, as pre-commit needs it.",
    )(function)
    function = click.option(
        "--force-exclude",
        is_flag=True,
        help="Leave out what `exclude` matches even where it is named, as pre-commit needs it.",
    )(function)
    return click.option(
        "--exclude",
        callback=_globs,
        multiple=True,
        metavar="GLOB",
        help="Leave these out; repeatable.",
    )(function)


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
