"""`convcalc memory`: what inference and training take, and which batch fits."""

import sys
from collections.abc import Sequence
from math import isnan
from pathlib import PurePath

import click
from click.core import ParameterSource

from convcalc.analysis.memory import (
    Answer,
    ArenaReport,
    Checkpoint,
    Limit,
    Questions,
    RunTerms,
    answer,
    refusals,
)
from convcalc.analysis.memory.arena_fits import Room, problem, rooms_of, unknown
from convcalc.analysis.memory.banks import spilt
from convcalc.analysis.memory.boards import Bank
from convcalc.analysis.memory.losses import RULES as LOSSES
from convcalc.analysis.memory.patches import Asked
from convcalc.analysis.memory.patches import problem as too_large
from convcalc.analysis.memory.program import LOSS
from convcalc.analysis.memory.sharding import STAGES
from convcalc.analysis.memory.terms import AUTO
from convcalc.cli.options import (
    FILE,
    STANDARD,
    TRAINING_OPTIONS,
    Inputs,
    Word,
    attention_option,
    banks_value,
    boards_value,
    bytes_value,
    checkpoint_options,
    each_member,
    freeze_option,
    frozen,
    idle_in,
    limits_value,
    named,
    names_option,
    network_options,
    output_options,
    patches_options,
    run_options,
    runtime_options,
    size_options,
)
from convcalc.cli.output import Output, colors, write_file
from convcalc.diagnostics import ArgumentError, Diagnostic, Problem, Span
from convcalc.formats.memory import MEMORY_FORMATS, over
from convcalc.formats.memory.plan_file import render_c, render_json
from convcalc.graph import Network, read


def _seconds(ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    """Seconds to search for: no clock is ever past those of `nan`, and the search would not end."""
    if value is not None and isnan(value):
        raise click.BadParameter(f"{value} is no number of seconds", ctx, param)
    return value


@click.command("memory")
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...", callback=each_member)
@network_options
@size_options
@run_options
@click.option(
    "--limit",
    "limits",
    callback=limits_value,
    multiple=True,
    metavar="BYTES|GPU",
    help="Does it fit, and which batch is the largest that does: 12GiB, T4, rtx4090; with --arena, "
    "does the arena: 256KiB; repeatable.",
)
@click.option(
    "--context",
    callback=bytes_value,
    metavar="BYTES",
    help="What a CUDA context takes of each --limit that is a GPU; 500MB unless given.",
)
@checkpoint_options
@runtime_options
@attention_option
@click.option(
    "--board",
    "boards",
    callback=boards_value,
    multiple=True,
    metavar="BOARD",
    help="Plan the arena, and hold it and the weights against a board: rp2040; repeatable.",
)
@click.option(
    "--loss",
    type=Word([*LOSSES]),
    help="What training makes small; cross-entropy unless given.",
)
@freeze_option
@click.option(
    "--bank",
    "banks",
    callback=banks_value,
    multiple=True,
    metavar="NAME=BYTES",
    help="Plan the arena into banks of memory, the fastest first: dtcm=64KiB; repeatable.",
)
@click.option(
    "--search",
    "seconds",
    type=click.FloatRange(0.01, 3600),
    callback=_seconds,
    metavar="SECONDS",
    help="Search for a lower plan of the arena, and for an order of operators that needs less.",
)
@patches_options
@click.option(
    "--plan",
    "plan_file",
    type=FILE,
    metavar="FILE",
    help="Write the arena's plan, the best that was searched, to a new file: as JSON, for C "
    "where it ends in .h, as a picture in .svg, .png or .tex; - is JSON on standard output, and "
    "nothing else there.",
)
@click.option("--force", is_flag=True, help="Write over a --plan that is there.")
@click.option("--layers", is_flag=True, help="Show every layer (json always does).")
@click.option(
    "--timeline",
    is_flag=True,
    help="Draw live memory over the operations, and the plan of the arena.",
)
@names_option
@output_options(MEMORY_FORMATS, "convcalc.formats.memory")
@click.pass_context
def command(
    ctx: click.Context,
    specs: tuple[str, ...],
    shape: Inputs,
    settings: tuple[tuple[str, str], ...],
    batch: int,
    dtype: str,
    training: bool,  # noqa: FBT001 (click's signature)
    optimizer: str | None,
    fused: bool,  # noqa: FBT001
    mixed_precision: bool,  # noqa: FBT001
    inplace: bool,  # noqa: FBT001
    device: str,
    overhead: int,
    limits: tuple[Limit, ...],
    context: int | None,
    checkpoint: Checkpoint | None,
    devices: int | None,
    shard: str | None,
    deploy: bool,  # noqa: FBT001
    arena: bool,  # noqa: FBT001
    attention: str | None,
    boards: tuple[str, ...],
    loss: str | None,
    freeze: tuple[str, ...],
    banks: tuple[Bank, ...],
    seconds: float | None,
    patches: str | tuple[int, int] | None,
    until: str | None,
    input_memory: str | None,
    plan_file: str | None,
    force: bool,  # noqa: FBT001
    layers: bool,  # noqa: FBT001
    timeline: bool,  # noqa: FBT001
    names: str,
    output: Output,
) -> None:
    """Show what inference, or a training step, takes: every part, and the peak with its layer.

    Figures are PyTorch's, to the byte, without PyTorch; `convcalc docs memory` defines them.
    Exit codes: 0 fine, 1 over a --limit or errors in a spec, 2 could not run.

    \b
    Examples:
      convcalc memory vgg16 --training --batch 32 --optimizer adam --timeline
      convcalc memory resnet50 --training --optimizer adamw --limit T4 --limit rtx4090
      convcalc memory resnet50 --training --batch 64 --checkpoint auto --limit T4
      convcalc memory net.yaml --arena
      convcalc memory net.yaml --arena --limit 256KiB --board rp2040
      convcalc memory mobilenet_v2 --arena --patches auto --limit 512KiB
    """
    _sensible(ctx, training=training, limits=limits)
    rooms: tuple[Room, ...] = ()
    if plan_file is not None and len(specs) > 1:
        message = f"--plan is the file of one network, and there are {len(specs)}"
        raise click.UsageError(message)
    if force and plan_file in (None, STANDARD):
        message = "--force is about the FILE of --plan, and none is named"
        raise click.UsageError(message)
    asked = _asked(patches, until, input_memory)
    if asked is not None and (banks or plan_file is not None or seconds is not None):
        message = "--patches has a plan of its own, without --bank, --search and --plan"
        raise click.UsageError(message)
    planning = boards or banks or plan_file is not None or seconds is not None or asked is not None
    if arena or planning:
        arena = True
        rooms = rooms_of(limits, boards)
        limits = tuple(limit for limit in limits if limit.gpu)
    if checkpoint == AUTO:
        _one_limit(limits, arena=arena, devices=devices)
    if context is not None:
        limits = tuple(limit._replace(context=context) if limit.gpu else limit for limit in limits)
    if layers and timeline and output.format.form == "rows":
        message = f"{output.name} shows --layers or --timeline, not both"
        raise click.UsageError(message)
    dtype_given = ctx.get_parameter_source("dtype") is ParameterSource.COMMANDLINE
    terms = RunTerms(
        dtype=dtype,
        training=training,
        optimizer=optimizer or "sgd",
        fused=fused,
        mixed_precision=mixed_precision,
        inplace=inplace,
        overhead=overhead,
        device=device,
        checkpoint=checkpoint,
        attention=attention,
        loss=loss or LOSS,
    )
    stage = next(each for each in STAGES if each == (shard or "none"))
    questions = Questions(
        limits=limits,
        devices=devices,
        stage=stage,
        deploy=deploy,
        arena=(dtype if dtype_given else "int8") if arena else None,
        rooms=rooms,
        banks=banks,
        seconds=seconds,
        patches=asked,
    )
    module = output.renderer
    diagnostics: list[Diagnostic] = []
    texts: list[str] = []
    for spec in specs:
        network = named(frozen(read(spec, input=shape, parameters=dict(settings)), freeze), names)
        known = list(network.diagnostics)
        refused = list(network.errors) or refusals(network, batch, training=training)
        known += [each for each in refused if each not in known]
        if refused:
            diagnostics += known
            if output.format.form == "values":
                texts.append(module.refused(network.name, network.path, known))
            continue
        answered = _answer(network, terms, batch, questions)
        known += _over(network, answered)
        diagnostics += known
        texts.append(
            module.render(
                answered,
                layers=layers,
                timeline=timeline,
                color=colors(sys.stdout),
                header=not texts,
                several=len(specs) > 1,
                diagnostics=known,
            )
        )
        if plan_file is not None and answered.arena is not None:
            plan = _plan_file(answered.arena, answered, plan_file)
            if plan_file == STANDARD:
                texts = [str(plan)]
            else:
                write_file(plan_file, plan, over=force)
    output.end(texts, diagnostics)


def _plan_file(arena: ArenaReport, answered: Answer, file: str) -> str | bytes:
    """The plan as the name of its file says: JSON unless it is a header's or a picture's."""
    from convcalc.pictures import WRITERS

    ending = PurePath(file).suffix.lower()
    if ending in {each.ending for each in WRITERS.values() if each.sizes}:
        from convcalc.cli.pictured import format_of, picture
        from convcalc.pictures.arena_plan import scene

        return picture(scene(arena, answered.searched, answered.banked), format_of(file))
    write_plan = render_c if file.endswith(".h") else render_json
    return write_plan(arena, answered.searched, answered.banked)


def _asked(
    patches: str | tuple[int, int] | None, until: str | None, input_memory: str | None
) -> Asked | None:
    """What --patches and the options about it ask."""
    if patches is None:
        if until is not None or input_memory is not None:
            option = "--until" if until is not None else "--input-memory"
            message = f"{option} is about --patches, and there are none"
            raise click.UsageError(message)
        return None
    if isinstance(patches, str):
        return Asked(None, until, input_memory or "counted")
    if until is None:
        message = "--patches needs --until LAYER, the layer whose output they are of"
        raise click.UsageError(message)
    return Asked(patches, until, input_memory or "counted")


def _sensible(ctx: click.Context, *, training: bool, limits: tuple[Limit, ...]) -> None:
    """Refuse options that would be without effect."""

    def given(name: str) -> bool:
        return ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE

    there = {name for name in TRAINING_OPTIONS if given(name)}
    message = idle_in(there, training=training, limits=bool(limits))
    if given("context") and not any(limit.gpu for limit in limits):
        message = "--context needs a --limit that is a GPU, such as T4"
    if message:
        raise click.UsageError(message)


def _one_limit(limits: Sequence[Limit], *, arena: bool, devices: int | None) -> None:
    """Refuse what `--checkpoint auto` cannot be held against."""
    message = ""
    if arena:
        message = "--checkpoint auto is about training, and the limits are the arena's: ask for one"
    elif devices is not None:
        message = "--checkpoint auto is about one device: leave --data-parallel out"
    elif len(limits) != 1:
        there = f"there are {len(limits)}" if limits else "there is none"
        message = f"--checkpoint auto takes exactly one --limit, and {there}"
    if message:
        raise click.UsageError(message)


def _answer(network: Network, terms: RunTerms, batch: int, questions: Questions) -> Answer:
    try:
        return answer(network, terms, batch, questions)
    except ArgumentError as error:
        message = f"{network.path}: {error}"
        raise click.UsageError(message) from None


def _over(network: Network, answered: Answer) -> list[Diagnostic]:
    """A finding for each limit that is too low, and one where an arena is not known."""
    problems = [
        Problem("CC512", message, None, advice)
        for message, advice in (over(answered, fit) for fit in answered.fits if not fit.fits)
    ]
    arena = answered.arena
    if arena is not None:
        known = [
            problem(arena, fit, fit.room.name, word="limit")
            if answered.patches is None or fit.room.of == "flash"
            else too_large(answered.patches, fit.room.name, fit.room.bytes)
            for fit in answered.arena_fits
            if fit.known
        ]
        problems += [each for each in known if each is not None]
        left = None if answered.banked is None else spilt(arena, answered.banked)
        problems += [] if left is None else [left]
        said = unknown(arena)
        if said is not None:
            held = answered.arena_fits or answered.banked is not None
            problems.append(said if held else said._replace(severity="warning"))
    return [
        Diagnostic(
            code=each.code,
            severity=each.severity,
            message=each.message,
            help=each.help,
            path=network.path,
            place=Span(1, 1, 1, 2),
            source_line="",
        )
        for each in problems
    ]
