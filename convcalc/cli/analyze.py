"""`convcalc analyze`: every layer and the totals."""

import sys
from typing import TYPE_CHECKING, NoReturn

import click

from convcalc.analysis import analyze
from convcalc.cli.options import (
    Inputs,
    Word,
    as_written,
    each_member,
    freeze_option,
    frozen,
    limits_value,
    named,
    names_option,
    network_options,
    output_options,
    size_options,
    written_option,
)
from convcalc.cli.output import Output, colors
from convcalc.diagnostics import ArgumentError, Diagnostic
from convcalc.formats import FORMATS
from convcalc.graph import read
from convcalc.spec.promises import TOOLS

if TYPE_CHECKING:
    from convcalc.analysis.memory.limits import Limit
    from convcalc.analysis.report import Report
    from convcalc.cli.counting import Asked


def _columns(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...] | None:
    """Names of columns, separated by commas, each once; None without any."""
    if not values:
        return None
    if ctx.params.get("summary"):
        from convcalc.formats.summaries import known_columns
    else:
        from convcalc.formats.columns import known_columns

    columns: list[str] = []
    for value in values:
        names = [name.strip() for name in value.split(",") if name.strip()]
        try:
            columns += known_columns(names or [value])
        except ArgumentError as error:
            raise click.BadParameter(str(error), ctx, param) from None
    return tuple(dict.fromkeys(columns))


@click.command("analyze")
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...", callback=each_member)
@network_options
@size_options
@output_options(FORMATS, "convcalc.formats")
@names_option
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
    "--summary",
    is_flag=True,
    is_eager=True,  # which columns there are depends on it
    help="One table with a row for each SPEC: totals, and the peak of inference.",
)
@click.option(
    "--sort",
    metavar="[-]COLUMN",
    help="Of --summary: order rows by a column, as parameters; -parameters is largest first.",
)
@click.option(
    "--limit",
    "limits",
    callback=limits_value,
    multiple=True,
    metavar="BYTES|GPU",
    help="Of --summary: a column with the largest batch that fits: 12GiB, T4; repeatable.",
)
@click.option(
    "--dataset-size",
    type=click.IntRange(1),
    metavar="N",
    help="Examples of an epoch: what a run of training takes, beside a step.",
)
@click.option(
    "--epochs",
    type=click.IntRange(1),
    metavar="N",
    help="Of --dataset-size: how often each is seen; once unless given.",
)
@freeze_option
@click.option(
    "--count",
    "tool",
    type=Word([*TOOLS, "all"]),
    metavar="TOOL",
    help="What another tool counts, in its unit: fvcore, thop, timm, …; all for a row a tool.",
)
@click.option(
    "--why",
    is_flag=False,
    flag_value="",
    metavar="[TOOL]",
    help="How our MACs become that tool's number, term by term; behind SPEC, or as --why=TOOL.",
)
@click.option("--by-layer", is_flag=True, help="Of --why: each term by layer, too.")
@click.option(
    "--whose",
    metavar="TEXT",
    help="Whose own number for the network, written so, this is: 4.11G, '4.13 GMac', 4111512576.",
)
@click.option("--parameters", is_flag=True, help="Of --whose: it is a number of parameters.")
@written_option
@click.option(
    "--mode",
    type=Word(["eval", "train"]),
    help="Of tools that leave a model in its mode: which that is; eval unless given.",
)
@click.option(
    "--no-grad", is_flag=True, help="Of tools that this changes: run inside torch.no_grad."
)
@click.option(
    "--verify",
    "verified",
    is_flag=True,
    help="Run each network too, in float32, and append the verdict (see `convcalc verify`).",
)
def command(
    specs: tuple[str, ...],
    shape: Inputs,
    settings: tuple[tuple[str, str], ...],
    batch: int,
    dtype: str,
    output: Output,
    names: str,
    columns: tuple[str, ...] | None,
    depth: int | None,
    *,
    summary: bool,
    sort: str | None,
    limits: "tuple[Limit, ...]",
    dataset_size: int | None,
    epochs: int | None,
    freeze: tuple[str, ...],
    tool: str | None,
    why: str | None,
    by_layer: bool,
    whose: str | None,
    parameters: bool,
    ways: tuple[tuple[str, str], ...],
    mode: str | None,
    no_grad: bool,
    verified: bool,
) -> None:
    """Show every layer's shape, parameters, MACs, receptive field and memory, and the totals.

    A SPEC is a path, - for standard input, or the name of a bundled architecture;
    family.yaml#small is a member of a family, and 'family.yaml#*' all of them. On problems the
    rest is still shown, and the exit code is 1 (2 when a SPEC could not be worked on at all).

    \b
    Examples:
      convcalc analyze vgg16
      convcalc analyze net.yaml --batch 32 --input 384x384x3 --set classes=10
      convcalc analyze resnet.yaml --depth 1 --format markdown
      convcalc analyze --summary 'resnet.yaml#*' vgg16 --sort -macs --limit T4
      convcalc analyze resnet50 --count fvcore --why
      convcalc analyze resnet50 --whose 4.11G
    """
    form = output.format.form
    of_tools = _of_tools(
        tool=tool,
        why=why,
        by_layer=by_layer,
        whose=whose,
        parameters=parameters,
        ways=ways,
        mode=mode,
        no_grad=no_grad,
        batch=batch,
    )
    origins = names != "spec"
    _sensible(
        summary=summary, depth=depth, verified=verified, sort=sort, limits=limits, origins=origins
    )
    trains = dataset_size is not None or bool(freeze)
    shown = not summary and (form != "rows" or "backward_macs" in (columns or ()))
    if freeze and not shown:
        where = "--summary" if summary else "csv without --columns backward_macs"
        message = f"--freeze is about the backward pass, of which {where} says nothing"
        raise click.UsageError(message)
    _sensible_training(summary=summary, form=form, dataset_size=dataset_size, epochs=epochs)
    if form == "values" and (columns or depth):
        option = "--columns" if columns else "--depth"
        what = "network" if summary else "layer"
        message = f"{output.name} has every column of every {what}, whatever {option} says"
        raise click.UsageError(message)
    if form == "values" and origins:
        message = f"{output.name} has both names of every layer, whatever --names says"
        raise click.UsageError(message)
    if "count" in (columns or ()) and of_tools is None:
        message = "the column count is what a tool counts of layers: name it by --count TOOL"
        raise click.UsageError(message)
    if of_tools is not None and (summary or of_tools.apart):
        _sensible_counts(
            of_tools,
            {
                "--summary": summary,
                "--columns": bool(columns),
                "--depth": depth is not None,
                "--dataset-size": dataset_size is not None,
                "--freeze": bool(freeze),
                "--verify": verified,
                "--names": origins and not by_layer,
                "--dtype": dtype != "float32",
                "--by-layer": by_layer and form == "values",
            },
        )
        from convcalc.cli.counting import answer

        networks = (
            named(as_written(read(spec, input=shape, parameters=dict(settings)), ways), names)
            for spec in specs
        )
        answer(networks, of_tools, output)
    if summary:
        reports = [
            analyze(
                read(spec, input=shape, parameters=dict(settings)),
                batch=batch,
                dtype=dtype,
                strict=False,
            )
            for spec in specs
        ]
        _summarize(reports, output, columns, sort, limits)
    render = output.renderer.render
    diagnostics: list[Diagnostic] = []
    texts: list[str] = []
    verdicts = []
    uncounted = False
    for spec in specs:
        read_one = as_written(read(spec, input=shape, parameters=dict(settings)), ways)
        network = named(frozen(read_one, freeze), names)
        report = analyze(network, batch=batch, dtype=dtype, strict=False)
        diagnostics.extend(report.diagnostics)
        if of_tools is not None:
            from convcalc.cli.counting import with_column

            report = with_column(report, of_tools)
            uncounted |= report.counted is not None and report.counted.total is None
        if verified and not network.errors:
            from convcalc.cli.verify import short_verdict

            verdicts.append(short_verdict(network, batch))
        options: dict[str, object] = {}
        if form != "rows" and (trains or "backward_macs" in (columns or ())):
            from convcalc.analysis.training import training

            options["training"] = training(report, dataset_size, epochs or 1)
        if form == "values":
            texts.append(render(report, **options))
            continue
        if not report.layers:
            continue
        options.update(columns=columns, depth=depth)
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
    good = all(good for _, good in verdicts) and not uncounted
    output.end(texts, diagnostics, notes=notes, failed=not good)


def _of_tools(
    *,
    tool: str | None,
    why: str | None,
    by_layer: bool,
    whose: str | None,
    parameters: bool,
    ways: tuple[tuple[str, str], ...],
    mode: str | None,
    no_grad: bool,
    batch: int,
) -> "Asked | None":
    """What is asked about other tools' counts; None where nothing is."""
    if tool is None and why is None and whose is None:
        of_them = {
            "--by-layer": by_layer,
            "--parameters": parameters,
            "--written": bool(ways),
            "--mode": mode is not None,
            "--no-grad": no_grad,
        }
        for option, given in of_them.items():
            if given:
                message = f"{option} is about what other tools count: --count, --why or --whose"
                raise click.UsageError(message)
        return None
    from convcalc.analysis.conventions import Conditions
    from convcalc.cli.counting import asked

    return asked(
        tool,
        why,
        whose,
        Conditions(batch, "train" if mode == "train" else "eval", no_grad),
        by_layer=by_layer,
        of_parameters=parameters,
        mode=mode,
    )


def _sensible_counts(of_tools: "Asked", given: dict[str, bool]) -> None:
    """Refuse options about the table of layers, where another one is asked for."""
    for option, there in given.items():
        if there:
            shown = "--why" if of_tools.why else "--whose" if of_tools.text else "--count"
            shown += " all" if of_tools.every else ""
            message = f"{option} is without effect on what {shown} shows; leave one of both out"
            raise click.UsageError(message)


def _sensible(
    *,
    summary: bool,
    depth: int | None,
    verified: bool,
    sort: str | None,
    limits: "tuple[Limit, ...]",
    origins: bool,
) -> None:
    """Refuse options that would be without effect."""
    of_layers = {"--depth": depth is not None, "--verify": verified, "--names": origins}
    of_rows = {"--sort": sort is not None, "--limit": bool(limits)}
    for option, given in (of_layers if summary else of_rows).items():
        if given:
            what = "layers, and --summary shows none" if summary else "the rows of --summary"
            message = f"{option} is about {what}"
            raise click.UsageError(message)


def _sensible_training(
    *, summary: bool, form: str, dataset_size: int | None, epochs: int | None
) -> None:
    """Refuse options about training that would be without effect."""
    if epochs is not None and dataset_size is None:
        message = "--epochs says how often each example is seen; --dataset-size says how many"
        raise click.UsageError(message)
    if dataset_size is not None and (summary or form == "rows"):
        where = "--summary" if summary else "csv"
        message = f"--dataset-size adds a total of the network, and {where} has none for it"
        raise click.UsageError(message)


def _summarize(
    reports: "list[Report]",
    output: Output,
    columns: tuple[str, ...] | None,
    sort: str | None,
    limits: "tuple[Limit, ...]",
) -> NoReturn:
    """Write a row a network, and what was found in all of them."""
    from convcalc.analysis.summaries import summarize
    from convcalc.formats.summaries import chosen, ordered

    try:
        rows = ordered([summarize(report, limits) for report in reports], sort, limits)
    except ArgumentError as error:
        raise click.UsageError(str(error)) from None
    text = output.within("summaries").render(
        rows, chosen(columns, limits), limits=limits, color=colors(sys.stdout)
    )
    output.end([text], [each for report in reports for each in report.diagnostics])
