"""`convcalc convert`: a network made into another one, with its weights."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from convcalc.analysis import analyze
from convcalc.analysis.report import Report
from convcalc.cli.options import (
    FILE,
    STANDARD,
    named_weights_options,
    new_file_options,
    refuse_idle_force,
    seed_option,
    set_option,
)
from convcalc.cli.output import write, write_file, write_findings
from convcalc.cli.running import ending_cleanly, given_weights, refuse_idle, running
from convcalc.diagnostics import ArgumentError, exit_code
from convcalc.formats.columns import COLUMNS
from convcalc.formats.rows import rows
from convcalc.formats.summary import summary
from convcalc.graph import SpecError, read
from convcalc.graph.planned import planned
from convcalc.surgery import CONVERSIONS, Converted, converted

F = TypeVar("F", bound=Callable[..., Any])
ASKED = "convcalc.conversions"
"""Where the conversions are that were asked for, in the order of the command line."""


def _asked(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Note a conversion; click calls this in the order in which options are written."""
    name = param.opts[-1].removeprefix("--")
    asked: list[tuple[str, Any]] = ctx.meta.setdefault(ASKED, [])
    if value is True:
        asked.append((name, None))
    elif value:
        values = [",".join(value)] if CONVERSIONS[name].together else value
        asked += [(name, each) for each in values]


def conversion_options(function: F) -> F:
    """An option for each conversion."""
    for name, row in reversed([*CONVERSIONS.items()]):
        takes: dict[str, Any] = {"is_flag": True}
        if row.value is not None:
            takes = {"multiple": True, "metavar": row.value}
        option = click.option(
            f"--{name}", expose_value=False, callback=_asked, help=row.about, **takes
        )
        function = option(function)
    return function


@click.command("convert")
@click.argument("spec", metavar="SPEC")
@conversion_options
@new_file_options("Write it to a new file", metavar="SPEC")
@click.option("--verify", is_flag=True, help="Run both networks and hold their outputs together.")
@set_option
@named_weights_options
@click.option(
    "--save",
    "weights_file",
    type=FILE,
    metavar="FILE",
    help="Write the new network's weights to a new NPZ file; needs --weights.",
)
@seed_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    spec: str,
    file: str | None,
    settings: tuple[tuple[str, str], ...],
    weights_path: str | None,
    map_path: str | None,
    weights_file: str | None,
    seed: int | None,
    *,
    force: bool,
    verify: bool,
) -> None:
    """Write the spec of a network made into another one: net surgery.

    Conversions apply in the order in which they are written; one that is repeated, where it is
    first. Blocks, parameters and comments stay where the change allows it; `expect` and `budget`
    go, which were of the network as it was. What became of parameters, MACs, memory and the
    receptive field is said on standard error.

    Exit codes: 0 converted, 1 the spec has errors, or --verify finds a difference, 2 the network
    cannot be converted so.

    \b
    Examples:
      convcalc convert vgg16 --linear-to-conv -o vgg16_conv.yaml
      convcalc convert resnet18 --fold-batchnorm --weights r18.npz --save folded.npz --verify
    """
    refuse_idle_force(file, "SPEC", force=force)
    if weights_file is not None and weights_path is None:
        raise click.UsageError("--save writes the new network's weights; --weights gives the old")
    if weights_file == STANDARD:
        raise click.UsageError("--save writes a file of weights, and - is none: --save FILE.npz")
    if weights_file is not None and not force and os.path.lexists(weights_file):
        raise click.UsageError(f"{weights_file} is there already: --force writes over it")
    if file is not None and not force and os.path.lexists(file):
        raise click.UsageError(f"{file} is there already: --force writes over it")
    if file is not None and not Path(file).parent.is_dir():
        raise click.UsageError(f"{file}: cannot be written: there is no such folder")
    if weights_file is not None and not Path(weights_file).parent.is_dir():
        raise click.UsageError(f"{weights_file}: cannot be written: there is no such folder")
    if seed is not None and (weights_path is not None or not verify):
        raise click.UsageError("--seed is of the random weights and input of --verify")
    refuse_idle(weights_path, map_path, (), None, None)
    if weights_path is not None and weights_file is None and not verify:
        raise click.UsageError("--weights has no effect without --save or --verify")
    try:
        old = planned(read(spec, parameters=dict(settings)))
        asked = ctx.meta.get(ASKED, [])
        if not asked:
            names = ", ".join(f"--{name}" for name in CONVERSIONS)
            raise click.UsageError(f"say what to do with it: {names}")
        made = converted(old, asked)
        if weights_file is not None:
            made.check_movable()
        if verify:
            made.check_equal()
    except SpecError as error:
        write_findings(error.diagnostics)
        ctx.exit(exit_code(error.diagnostics))
    except ArgumentError as error:
        raise click.UsageError(f"{spec}: {error}") from None
    holds = True
    with running(), ending_cleanly():
        weights = _weights(weights_path, map_path, old)
        if weights_file is not None and weights is not None:
            from convcalc.forward.files import save_arrays

            save_arrays(Path(weights_file), made.weights(weights))
        text = made.spec.to_yaml()
        if file is None:
            write(text, machine=True)
        else:
            write_file(file, text, over=force)
        _tell(old, made)
        if verify:
            holds = _verified(old, made, weights, seed or 0)
    ctx.exit(0 if holds else 1)


def _weights(path: str | None, map_path: str | None, network: Any) -> dict[str, Any] | None:
    """The weights of the old network; None where none are given."""
    fitted = given_weights(path, map_path, network)
    for note in () if fitted is None else fitted.notes:
        click.echo(f"convcalc: {note}", err=True)
    return None if fitted is None else dict(fitted.weights)


def _tell(old: Any, made: Converted) -> None:
    """Say what was done, and what became of the numbers."""
    for step in made.steps:
        for remark in step.result.remarks:
            click.echo(f"convcalc: --{step.name}: {remark}", err=True)
    before, after = (_figures(analyze(each)) for each in (old, made.network))
    width = max(map(len, before))
    for name, was in before.items():
        now = after.get(name, "–")
        became = was if was == now else f"{was} → {now}"
        click.echo(f"{name:{width}}  {became}", err=True)


def _figures(report: Report) -> dict[str, str]:
    """Figures of a network by what they are."""
    figures = {"Output": report.made}
    figures |= {what: count for what, count, _ in summary(report, report.inference_peak)}
    placed = [row for row in rows(report) if not row.heading and any(row.fields)]
    if placed:
        figures["Receptive field"] = COLUMNS["receptive_field"].cell(placed[-1])
    return figures


def _verified(old: Any, made: Converted, weights: dict[str, Any] | None, seed: int) -> bool:
    """Whether both networks compute the same, and say so."""
    from convcalc.surgery.proof import TOLERANCES, proven

    proofs = proven(old, made, weights, seed)
    for proof in proofs:
        said = "equal" if proof.holds else "NOT equal"
        click.echo(
            f"{proof.dtype}: {said}: the largest difference is {proof.difference:.1e} of the "
            f"output's largest value, and {TOLERANCES[proof.dtype]:.0e} is that of rounding",
            err=True,
        )
    return all(proof.holds for proof in proofs)
