"""`convcalc fit`: the largest value of one axis with which a network keeps its limits."""

import sys

import click

from convcalc.cli.options import Inputs, Word, network_options, output_options
from convcalc.cli.output import Output, colors
from convcalc.diagnostics import ArgumentError
from convcalc.formats.explanation import EXPLANATION_FORMATS
from convcalc.graph import SpecError
from convcalc.spec.promises import OPTIMIZERS

LIMITS = {
    "parameters": "N",
    "macs": "N",
    "flops": "N",
    "activations": "N",
    "largest_tensor": "N",
    "memory": "BYTES",
    "training_memory": "BYTES",
    "arena": "BYTES",
    "flash": "BYTES",
}
"""What --max-NAME limits, as that of `check` → what its value is called."""
HELP = {
    "parameters": "Most parameters: 5M.",
    "macs": "Most multiply-accumulates of one example: 300M.",
    "flops": "Most floating-point operations of one example: 600M.",
    "activations": "Most values of all outputs of one example: 10M.",
    "largest_tensor": "Most values in one tensor of one example.",
    "memory": "Most memory of inference: 512MiB.",
    "training_memory": "Most memory of a training step: 8GiB.",
    "arena": "Largest head of a small device's arena, in int8: 256KiB.",
    "flash": "Most bytes of weights in flash, in int8: 1MiB.",
}
"""What is said of each."""


def _limit_options(function: click.decorators.FC) -> click.decorators.FC:
    """--max-parameters and the like."""
    for name in reversed(LIMITS):
        option = f"--max-{name.replace('_', '-')}"
        function = click.option(option, metavar=LIMITS[name], help=HELP[name])(function)
    return function


def _nearest(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> tuple[str, str] | None:
    """A measure and the figure that it is to come near: parameters=25557032."""
    if value is None:
        return None
    name, equals, figure = (part.strip() for part in value.partition("="))
    if not equals or not name or not figure:
        message = f"{value!r} is not NAME=FIGURE, such as parameters=25557032"
        raise click.BadParameter(message, ctx, param)
    return name, figure


@click.command("fit")
@click.argument("spec", metavar="SPEC")
@click.option(
    "--vary",
    default="",
    metavar="NAME=FROM..TO[:STEP]",
    help="The parameter, `input` or `batch` that is varied, with its range; a step unless the "
    "values are whole numbers.",
)
@_limit_options
@click.option(
    "--nearest",
    callback=_nearest,
    metavar="NAME=FIGURE",
    help="Find the value that comes nearest to a figure: parameters=25557032.",
)
@click.option(
    "--batch",
    type=click.IntRange(1, 2**31),
    metavar="N",
    help="Examples at once, of limits of memory.",
)
@click.option("--optimizer", type=Word(OPTIMIZERS), help="With --max-training-memory.")
@network_options
@output_options(EXPLANATION_FORMATS, "convcalc.formats.explanation")
def command(
    spec: str,
    vary: str,
    nearest: tuple[str, str] | None,
    batch: int | None,
    optimizer: str | None,
    shape: Inputs,
    settings: tuple[tuple[str, str], ...],
    output: Output,
    **limits: str | None,
) -> None:
    """Find the largest value of a parameter with which a network keeps limits.

    Limits are called as in `convcalc check`, and hold together. Up to 10,000 values are all worked
    out; a longer range is halved again and again, and the answer says so. The next values on either
    side stand beside the answer. Exit codes: 0 found, 1 no value holds, 2 could not run.

    \b
    Examples:
      convcalc fit mobilenet_v2 --vary alpha=0.1..4:0.01 --max-parameters 5M
      convcalc fit resnet50 --vary input=32..1024:32 --max-training-memory 8GiB --batch 32
      convcalc fit res2net50 --set scale=8 --vary width=1..64 --nearest parameters=25557032
    """
    from convcalc.sweeps.fit import find
    from convcalc.sweeps.fit_page import page_of_fit
    from convcalc.sweeps.wording import COMMAND

    asked = {name.removeprefix("max_"): text for name, text in limits.items() if text is not None}
    try:
        fitted = find(
            spec,
            vary,
            limits=asked,
            nearest=dict([nearest] if nearest else []),
            batch=batch,
            optimizer=optimizer,
            input=shape,
            parameters=dict(settings),
            wording=COMMAND,
        )
    except SpecError as error:
        output.end((), error.diagnostics)
    except ArgumentError as error:
        raise click.UsageError(str(error)) from None
    page = page_of_fit(fitted)
    text = output.renderer.render(page, color=colors(sys.stdout))
    output.end([text], fitted.diagnostics, failed=not page.answered)
