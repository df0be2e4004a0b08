"""What commands share that write pictures: the format that a file's name says, and the file."""

import os
import sys
from pathlib import PurePath

import click

from convcalc.cli.options import refuse_idle_force
from convcalc.diagnostics import ArgumentError
from convcalc.pictures import WRITERS, written
from convcalc.pictures.scene import Scene


def format_of(file: str) -> str:
    """The format of pictures that the name of a file says."""
    ending = PurePath(file).suffix.lower()
    for name, writer in WRITERS.items():
        if writer.ending == ending:
            return name
    endings = ", ".join(writer.ending for writer in WRITERS.values())
    raise click.UsageError(f"{file}: its name ends with none of {endings}")


def target_format(file: str | None, to: str | None = None, *, force: bool) -> str:
    """The format of a picture for a file, or for standard output; `to`, if that is said.

    Raises `click.UsageError` where it cannot be written there.
    """
    refuse_idle_force(file, force=force)
    to = to or ("svg" if file is None else format_of(file))
    if file is None and not WRITERS[to].text and sys.stdout.isatty():
        raise click.UsageError("the picture is no text: write -o FILE, or send it to a program")
    if file is not None and not force and os.path.lexists(file):
        raise click.UsageError(f"{file} is there already: --force writes over it")
    return to


def picture(scene: Scene, to: str, theme: str = "auto") -> str | bytes:
    """A scene in a format; raises `click.UsageError` for what that cannot say.

    Texts that PNG has no letters for are named on standard error.
    """
    try:
        made = written(scene, to, theme)
    except (ImportError, ArgumentError) as error:
        raise click.UsageError(str(error)) from None
    if to == "png":
        from convcalc.pictures.png import without_letters

        said = without_letters(scene)
        if said:
            click.echo(f"convcalc: {said}", err=True)
    return made
