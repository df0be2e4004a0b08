"""`convcalc sizes`: which inputs fit a network."""

import re
import sys

import click

from convcalc.cli.options import Inputs, network_options, output_options
from convcalc.cli.output import Output, colors
from convcalc.diagnostics import ArgumentError
from convcalc.explanation.inputs import page_of_sizes
from convcalc.formats.explanation import EXPLANATION_FORMATS
from convcalc.graph import SpecError, read

_EXTENTS = re.compile(r"[1-9]\d{0,9}(?:[x×][1-9]\d{0,9}){0,2}", re.ASCII)


def _extents(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, ...]:
    """Extents without channels: 512x384."""
    if value is None:
        return ()
    if not _EXTENTS.fullmatch(value.strip()):
        message = f"{value!r} is no size such as 512, or 512x384 for height and width"
        raise click.BadParameter(message, ctx, param)
    return tuple(map(int, re.split("[x×]", value.strip())))


@click.command("sizes")
@click.argument("spec", metavar="SPEC")
@click.option(
    "--near",
    callback=_extents,
    metavar="SIZE",
    help="Name the nearest sizes below and above: 512x384, or one number for all axes.",
)
@network_options
@output_options(EXPLANATION_FORMATS, "convcalc.formats.explanation")
def command(
    spec: str,
    near: tuple[int, ...],
    shape: Inputs,
    settings: tuple[tuple[str, str], ...],
    output: Output,
) -> None:
    """Show which input sizes a network takes, and with which no layer drops a row or column.

    A size is `a + m·k` from a least k on, or one of several such. Where the input is made of a
    parameter, it is the parameter's values. Exit codes: 0 fine, 1 the input of the spec is not
    accepted, or errors keep the answer unknown, 2 could not run.

    \b
    Examples:
      convcalc sizes inception_v3
      convcalc sizes unet --near 512
    """
    network = read(spec, input=shape, parameters=dict(settings))
    try:
        page = page_of_sizes(network.sizes(), near)
    except SpecError:
        output.end((), network.diagnostics)
    except ArgumentError as error:
        message = f"--near: {error}"
        raise click.UsageError(message) from None
    output.end([output.renderer.render(page, color=colors(sys.stdout))], network.errors)
