"""`convcalc new`: a spec of a pattern of layers, or a commented one to start from."""

from textwrap import fill

import click

from convcalc.cli.options import Word, new_file_options, refuse_idle_force, shape_value
from convcalc.cli.output import write, write_file, write_findings
from convcalc.diagnostics import ArgumentError, exit_code
from convcalc.patterns import SHAPE, made_of
from convcalc.patterns.chosen import chosen_for
from convcalc.patterns.grammar import parse, written
from convcalc.patterns.templates import TEMPLATES, text_of
from convcalc.shape import Shape


def _shape(ctx: click.Context, param: click.Parameter, value: str | None) -> Shape | None:
    del ctx, param
    return None if value is None else shape_value(value)


def _times(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, int]:
    """NAME=NUMBER, each name once."""
    made: dict[str, int] = {}
    for value in values:
        name, _, number = value.partition("=")
        if not number.strip().isdecimal() or len(number) > 6:
            message = f"{value!r} is not NAME=NUMBER, such as N=3"
            raise click.BadParameter(message, ctx, param)
        if made.setdefault(name.strip(), int(number)) != int(number):
            message = f"{name.strip()} is given twice, as {made[name.strip()]} and as {int(number)}"
            raise click.BadParameter(message, ctx, param)
    return made


@click.command("new")
@click.argument("pattern", required=False, metavar="[PATTERN]")
@new_file_options("Write it to a new file", metavar="SPEC")
@click.option("--template", type=Word(TEMPLATES), help="A commented spec to start from, instead.")
@click.option(
    "--input",
    "shape",
    callback=_shape,
    metavar="SHAPE",
    help=f"Shape of one example; {SHAPE} unless given.",
)
@click.option(
    "--classes",
    type=click.IntRange(1),
    metavar="N",
    help="Features of the last FC; 10 unless given.",
)
@click.option(
    "--filters",
    type=click.IntRange(1),
    metavar="N",
    help="Filters of the first stage; 32, or 64 for inputs larger than 64, unless given.",
)
@click.option(
    "--features",
    type=click.IntRange(1),
    metavar="N",
    help="Features of the other FC; 512, or 4096 for inputs larger than 64, unless given.",
)
@click.option(
    "--kernel",
    type=click.IntRange(1),
    metavar="N",
    help="Kernel of convolutions, an odd number; 3 unless given.",
)
@click.option(
    "--pool",
    type=click.IntRange(1),
    metavar="N",
    help="Extent and stride of pools; 2 unless given.",
)
@click.option(
    "--set",
    "times",
    callback=_times,
    multiple=True,
    metavar="NAME=NUMBER",
    help="How many times over a name of the pattern says; 2 unless given; repeatable.",
)
@click.option("--name", metavar="NAME", help="What the network is called.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    pattern: str | None,
    file: str | None,
    template: str | None,
    shape: Shape | None,
    times: dict[str, int],
    name: str | None,
    *,
    force: bool,
    **given: int | None,
) -> None:
    """Write the spec of a pattern of layers, as the notes of CS231n write them.

    A PATTERN is layers with -> between them: [CONV -> RELU]*2 is a group that comes twice, *N one
    that comes as often as the parameter N says, and POOL? is there if the parameter `pool` is true.
    ADD(CONV -> BATCHNORM, ) merges branches, of which an empty one passes on what came in. Layers
    are the kinds of specs; CONV, POOL and FC are conv, maxpool and linear.

    What a pattern leaves open is chosen as the notes advise: kernels of 3 with stride 1 and padding
    1, pools of 2, twice the filters behind each pool; why is said on standard error.

    Exit codes: 0 written, 1 the pattern does not fit the input, 2 it is none.

    \b
    Examples:
      convcalc new 'INPUT -> [[CONV -> RELU]*2 -> POOL]*3 -> [FC -> RELU]*2 -> FC'
      convcalc new '[CONV -> RELU -> POOL]*M -> FC' --set M=3 --input 64x64x3 -o net.yaml
      convcalc new --template unet
    """
    refuse_idle_force(file, "SPEC", force=force)
    notes: tuple[str, ...] = ()
    if template is not None:
        _refuse_beside_template(ctx, pattern)
        text = text_of(template)
    else:
        text, notes = _of_pattern(ctx, pattern, shape or SHAPE, times, name, given)
    if file is None:
        write(text, machine=True)
    else:
        write_file(file, text, over=force)
    for note in notes:
        click.echo(f"convcalc: {note}", err=True)


def _of_pattern(
    ctx: click.Context,
    pattern: str | None,
    shape: Shape,
    times: dict[str, int],
    name: str | None,
    given: dict[str, int | None],
) -> tuple[str, tuple[str, ...]]:
    """The text of a pattern's spec, and what is to be said of it."""
    if pattern is None:
        raise click.UsageError(
            "new takes a PATTERN such as '[CONV -> RELU]*2 -> FC', or --template"
        )
    kernel = given["kernel"]
    if kernel is not None and kernel % 2 == 0:
        message = f"{kernel} has no padding that keeps the size: take an odd one"
        raise click.BadParameter(message, ctx, param_hint="--kernel")
    try:
        tree = parse(pattern)
        made = made_of(tree, shape, chosen_for(shape, **given), name=name, times=times)
    except ArgumentError as error:
        raise click.UsageError(str(error)) from None
    if made.network.errors:
        write_findings(made.network.diagnostics)
        ctx.exit(exit_code(made.network.diagnostics))
    head = fill(written(tree), 100, initial_indent="# ", subsequent_indent="# ")
    return f"{head}\n{made.spec.to_yaml()}", made.notes


def _refuse_beside_template(ctx: click.Context, pattern: str | None) -> None:
    """A template is a text as it is: nothing of it is chosen."""
    if pattern is not None:
        raise click.UsageError("--template is a spec of its own: give it or a PATTERN")
    for param in ctx.command.params:
        source = ctx.get_parameter_source(param.name or "")
        if source is click.core.ParameterSource.COMMANDLINE and param.name not in (
            "template",
            "file",
            "force",
        ):
            raise click.UsageError(
                f"{param.opts[-1]} is for a PATTERN, and --template is a spec as it is: edit it"
            )
