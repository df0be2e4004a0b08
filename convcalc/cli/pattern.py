"""`convcalc pattern`: the pattern of a network's layers."""

import click

from convcalc.cli.options import Inputs, network_options
from convcalc.cli.output import write, write_findings
from convcalc.diagnostics import ArgumentError, exit_code
from convcalc.graph import SpecError, read
from convcalc.patterns.recognition import pattern_of


@click.command("pattern")
@click.argument("spec", metavar="SPEC")
@network_options
@click.pass_context
def command(
    ctx: click.Context, /, spec: str, shape: Inputs, settings: tuple[tuple[str, str], ...]
) -> None:
    """Print the pattern of a network: its layers in order, what comes again written once.

    Hyperparameters are left out, and so is a flatten before a linear layer. `convcalc new` makes a
    spec of a pattern.

    Exit codes: 0 printed, 1 the spec has errors, 2 it has no pattern: a layer reads another than
    the one before it by its name.

    \b
    Examples:
      convcalc pattern vgg16
      convcalc new "$(convcalc pattern vgg16)" --input 64x64x3
    """
    try:
        text = pattern_of(read(spec, input=shape, parameters=dict(settings)))
    except SpecError as error:
        write_findings(error.diagnostics)
        ctx.exit(exit_code(error.diagnostics))
    except ArgumentError as error:
        raise click.UsageError(f"{spec}: {error}") from None
    write(f"{text}\n", machine=True)
