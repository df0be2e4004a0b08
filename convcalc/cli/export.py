"""`convcalc export`: a network as a file that other programs run."""

import os
import sys
from pathlib import Path

import click

from convcalc.cli.options import (
    Inputs,
    Word,
    named_weights_options,
    network_options,
    new_file_options,
    refuse_idle_force,
    seed_option,
)
from convcalc.cli.output import write_findings, write_made
from convcalc.cli.running import (
    CannotRun,
    ending_cleanly,
    given_weights,
    refuse_idle,
    running,
)
from convcalc.diagnostics import ArgumentError, exit_code
from convcalc.exchange import FORMATS, WRITTEN
from convcalc.exchange.export import (
    APART,
    ExportOptions,
    checked_opset,
    onnx_model,
    weights_bytes,
    write_file,
)
from convcalc.graph import SpecError, read
from convcalc.graph.planned import planned
from convcalc.numbers import both_bytes, plural

ONNX = FORMATS["onnx"]


@click.command("export")
@click.argument("spec", metavar="SPEC")
@click.option(
    "--to",
    type=Word(WRITTEN),
    default=WRITTEN[0],
    show_default=True,
    help="Format of the file.",
)
@new_file_options("Write it to a new file")
@network_options
@named_weights_options
@seed_option
@click.option(
    "--opset",
    type=click.IntRange(1),
    metavar="N",
    help=f"Version of ONNX's operators, {ONNX.versions[0]} to {ONNX.versions[-1]}; "
    f"{ONNX.version} unless given.",
)
@click.option("--dynamic-batch", is_flag=True, help="Take any number of examples instead of one.")
@click.pass_context
def command(
    ctx: click.Context,
    spec: str,
    to: str,
    file: str | None,
    shape: Inputs,
    settings: tuple[tuple[str, str], ...],
    weights_path: str | None,
    map_path: str | None,
    seed: int | None,
    opset: int | None,
    *,
    force: bool,
    dynamic_batch: bool,
) -> None:
    """Write a network with its weights as an ONNX file, which runs elsewhere.

    Tensors are (N, C, *spatial) and have the names of the layers that make them; blocks are scopes
    of the nodes. Weights are random unless --weights gives them. Those of more than 1.8 GB go to
    a file beside, FILE.data. Needs the package onnx (pip install 'convcalc[onnx]').

    Exit codes: 0 written, 1 the spec has errors, 2 could not be written.

    \b
    Examples:
      convcalc export resnet18 -o resnet18.onnx
      convcalc export net.yaml --weights net.safetensors --dynamic-batch -o net.onnx
    """
    del to  # there is one
    refuse_idle_force(file, force=force)
    if file is None and sys.stdout.isatty():
        raise click.UsageError("the file is no text: write -o FILE, or send it to a program")
    if file is not None and not force and os.path.lexists(file):
        raise click.UsageError(f"{file} is there already: --force writes over it")
    if file is not None and not Path(file).parent.is_dir():
        raise click.UsageError(f"{file}: cannot be written: there is no such folder")
    refuse_idle(weights_path, map_path, (), None, None)
    if seed is not None and weights_path is not None:
        raise click.UsageError("--seed is of random weights, and --weights gives them")
    try:
        network = planned(read(spec, input=shape, parameters=dict(settings)))
    except SpecError as error:
        write_findings(error.diagnostics)
        ctx.exit(exit_code(error.diagnostics))
    with running(), ending_cleanly():
        fitted = given_weights(weights_path, map_path, network)
        for note in () if fitted is None else fitted.notes:
            click.echo(f"convcalc: {note}", err=True)
        arrays = None if fitted is None else fitted.weights
        try:
            options = ExportOptions(arrays, seed or 0, checked_opset(opset), dynamic_batch)
        except ArgumentError as error:
            raise click.BadParameter(str(error), ctx, param_hint="--opset") from None
        if file is not None:
            made = write_file(network, file, options)
            weights = "" if made.data is None else f", its weights in {made.data}"
            size = f"{plural(made.operators, 'operator')}, opset {made.opset}"
            click.echo(f"{made.path}: {size}, {both_bytes(made.bytes)}{weights}", err=True)
            return
        if weights_bytes(network) > APART:
            needed = both_bytes(weights_bytes(network))
            raise CannotRun(f"{needed} of weights need a file of their own: write -o FILE")
        write_made(onnx_model(network, options).SerializeToString())
