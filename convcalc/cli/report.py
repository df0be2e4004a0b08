"""`convcalc report`: networks as one HTML file to open."""

import os
import sys
from pathlib import Path

import click

from convcalc.analysis.memory.optimizer import RULES
from convcalc.checks.configuration import Configurations
from convcalc.checks.run import Task
from convcalc.checks.settings import Given
from convcalc.cli.options import (
    Inputs,
    Word,
    each_member,
    network_options,
    new_file_options,
    refuse_idle_force,
    size_options,
)
from convcalc.cli.output import write, write_file, write_findings
from convcalc.cli.paths import usage
from convcalc.diagnostics import Diagnostic, exit_code
from convcalc.formats.web.library import subject
from convcalc.formats.web.report import render
from convcalc.graph import read
from convcalc.numbers import megabytes, plural


@click.command("report")
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...", callback=each_member)
@new_file_options("Write it to a new file")
@click.option("--open", "opens", is_flag=True, help="Open the file in the browser.")
@network_options
@size_options
@click.option(
    "--optimizer",
    type=Word(RULES),
    default="sgd",
    show_default=True,
    help="Of the training step whose memory is shown.",
)
@click.pass_context
def command(
    ctx: click.Context,
    specs: tuple[str, ...],
    file: str | None,
    shape: Inputs,
    settings: tuple[tuple[str, str], ...],
    batch: int,
    dtype: str,
    optimizer: str,
    *,
    force: bool,
    opens: bool,
) -> None:
    """Write networks as one HTML file: figures, graph, table, charts, findings, all to click.

    The file holds all that it shows: it loads nothing from the net, opens from disk and can be
    printed, mailed and kept. Of several SPECs the first is what the others are compared with,
    layer by layer. Exit codes: 0 written, 1 errors in a spec, 2 could not be written.

    \b
    Examples:
      convcalc report vgg16 -o report.html --open
      convcalc report resnet18 resnet34 -o resnets.html
      convcalc report net.yaml --batch 32 --optimizer adam -o report.html --force
    """
    refuse_idle_force(file, force=force)
    if file is None and opens:
        raise click.UsageError("--open opens a file: write -o FILE")
    if file is None and sys.stdout.isatty():
        raise click.UsageError("a page is nothing to read here: write -o FILE")
    if file is not None and not force and os.path.lexists(file):
        raise click.UsageError(f"{file} is there already: --force writes over it")
    with usage():
        configurations = Configurations(Given())
    task = Task(configurations.run, configurations=configurations)
    subjects = [
        subject(
            read(spec, input=shape, parameters=dict(settings)),
            task,
            batch=batch,
            dtype=dtype,
            optimizer=optimizer,
        )
        for spec in specs
    ]
    wrong: list[Diagnostic] = [each for one in subjects for each in one.report.diagnostics]
    code = exit_code(wrong)
    if code < 2:
        text = render(subjects)
        if file is None:
            write(text, machine=True)
        else:
            write_file(file, text, over=force)
            size = megabytes(len(text.encode("utf-8", "backslashreplace")))
            click.echo(f"{file}: {plural(len(subjects), 'network')}, {size}", err=True)
    write_findings(wrong)
    if file is not None and opens and code < 2:
        show(file)
    ctx.exit(code)


def show(file: str) -> None:
    """Show a file in the browser; where there is none, say so."""
    import webbrowser

    address = Path(file).resolve().as_uri()
    if not webbrowser.open(address):
        click.echo(f"convcalc: no browser opened {address}", err=True)
