"""`convcalc analyze`: every layer and the totals."""

import sys

import click

from convcalc.analysis import analyze
from convcalc.cli.options import network_options, output_options, size_options
from convcalc.cli.output import Output, colors
from convcalc.diagnostics import Diagnostic
from convcalc.formats import FORMATS
from convcalc.graph import read
from convcalc.shape import Shape


def _columns(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...] | None:
    """Names of columns, separated by commas, each once; None without any."""
    if not values:
        return None
    from convcalc.formats.columns import known_columns

    columns: list[str] = []
    for value in values:
        names = [name.strip() for name in value.split(",") if name.strip()]
        try:
            columns += known_columns(names or [value])
        except ValueError as error:
            raise click.BadParameter(str(error), ctx, param) from None
    return tuple(dict.fromkeys(columns))


@click.command("analyze")
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...")
@network_options
@size_options
@output_options(FORMATS, "convcalc.formats")
@click.option(
    "--columns",
    callback=_columns,
    multiple=True,
    metavar="NAMES",
    help="Columns to show, separated by commas: name,output,parameters; repeatable.",
)
@click.option(
    "--depth",
    type=click.IntRange(1),
    metavar="N",
    help="Fold blocks deeper than N into one row each; json has every layer.",
)
@click.option(
    "--verify",
    "verified",
    is_flag=True,
    help="Run each network too, in float32, and append the verdict (see `convcalc verify`).",
)
def command(
    specs: tuple[str, ...],
    shape: Shape | None,
    settings: tuple[tuple[str, str], ...],
    batch: int,
    dtype: str,
    output: Output,
    columns: tuple[str, ...] | None,
    depth: int | None,
    *,
    verified: bool,
) -> None:
    """Show every layer's shape, parameters, MACs, receptive field and memory, and the totals.

    A SPEC is a path, - for standard input, or the name of a bundled architecture. On problems
    the rest is still shown, and the exit code is 1 (2 when a SPEC could not be worked on at all).

    \b
    Examples:
      convcalc analyze vgg16
      convcalc analyze net.yaml --batch 32 --input 384x384x3 --set classes=10
      convcalc analyze resnet.yaml --depth 1 --format markdown
    """
    form = output.format.form
    if form == "values" and (columns or depth):
        option = "--columns" if columns else "--depth"
        message = f"{output.name} has every column of every layer, whatever {option} says"
        raise click.UsageError(message)
    render = output.renderer.render
    diagnostics: list[Diagnostic] = []
    texts: list[str] = []
    verdicts = []
    for spec in specs:
        network = read(spec, input=shape, parameters=dict(settings))
        report = analyze(network, batch=batch, dtype=dtype, strict=False)
        diagnostics.extend(report.diagnostics)
        if verified and not network.errors:
            from convcalc.cli.verify import short_verdict

            verdicts.append(short_verdict(network, batch))
        if form == "values":
            texts.append(render(report))
            continue
        if not report.layers:
            continue
        options: dict[str, object] = {"columns": columns, "depth": depth}
        if form == "rows":
            options.update(header=not texts, several=len(specs) > 1)
        else:
            options.update(peak=report.inference_peak)
        if form == "text":
            options.update(color=colors(sys.stdout))
        texts.append(render(report, **options))
    notes = [text for text, _ in verdicts]
    if notes and not output.format.data:
        texts[-1:] = ["\n".join([*(text.removesuffix("\n") for text in texts[-1:]), *notes, ""])]
        notes = []
    output.end(texts, diagnostics, notes=notes, failed=not all(good for _, good in verdicts))
