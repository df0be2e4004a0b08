"""`convcalc sweep`: every design of a space, and the ones worth having."""

import os
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

import click
from click.core import ParameterSource

from convcalc.analysis.memory.terms import RunTerms
from convcalc.cli.options import (
    FILE,
    STANDARD,
    TRAINING_OPTIONS,
    Inputs,
    Word,
    checkpoint_option,
    idle_in,
    network_options,
    output_options,
    run_options,
    size_options,
)
from convcalc.cli.output import Output, colors, write_file, write_made
from convcalc.diagnostics import ArgumentError, Diagnostic
from convcalc.formats.sweep import SWEEP_FORMATS
from convcalc.graph import SpecError
from convcalc.spec.text import SourceText
from convcalc.sweeps.axes import MEMORY, of_parameters, with_own
from convcalc.sweeps.job import MOST_TOP, Job, StoppedError
from convcalc.sweeps.report import SweepReport, nothing
from convcalc.sweeps.run import CSV, Partials, executor, run
from convcalc.sweeps.space import METHODS, read_space, sample_of
from convcalc.sweeps.subject import Subject

if TYPE_CHECKING:
    from convcalc.sweeps.row_file import RowFile, Writer
    from convcalc.sweeps.state import State

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""
PATIENCE = 0.5
"""Seconds until a progress bar appears."""
OF_MEMORY = {
    *("batch", "dtype", "optimizer", "fused", "mixed_precision", "inplace", "device", "overhead"),
    "checkpoint",
}
"""Parameters that change what memory is taken, and nothing else."""
OF_TABLES = {"pareto": "--pareto", "sort": "--sort", "top": "--top", "all_rows": "--all-rows"}
"""Parameters that say what tables show, which rows alone have none of → the option's name."""
ROWS: Mapping[str, str] = {CSV: "csv", ".parquet": "parquet"}
"""Endings of files that have a row a design → the module of the formats that is their `Writer`."""
DOCUMENTS: Mapping[str, str] = {".json": "json", ".html": "html"}
"""Endings of files that have what the sweep comes to → the module that has `render` for them."""


class _Stopped(click.ClickException):
    """What ends a sweep though nothing is wrong with the command line."""

    exit_code = 2


def _vary(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    """Names with the values that they take, as they are written."""
    pairs = []
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name.strip():
            message = f"{value!r} is not NAME=VALUES, such as width=16..64:16"
            raise click.BadParameter(message, ctx, param)
        pairs.append((name.strip(), text))
    return tuple(pairs)


def _named(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """A folder or URL, which an empty text is not."""
    if value is not None and not value.strip():
        message = "an empty text names no folder"
        raise click.BadParameter(message, ctx, param)
    return value


@click.command("sweep")
@click.argument("spec", metavar="SPEC")
@click.option(
    "--vary",
    callback=_vary,
    multiple=True,
    metavar="NAME=VALUES",
    help="Values of a parameter, of input, batch or dtype: 128,160 or 0.25..2:0.05 or 16..256:*2, "
    "or worked out from others: depth=2*width; repeatable.",
)
@click.option("--where", metavar="CONDITION", help="What must hold: parameters < 5M and macs < 1G.")
@click.option(
    "--pareto",
    metavar="MEASURES",
    help="Show the designs that no other is better than in all of 2 to 4 goals, the most of which "
    "is the best behind -: macs,-receptive_field.",
)
@click.option(
    "--sort", metavar="MEASURES", help="What the best are the first by: macs, or -receptive_field."
)
@click.option(
    "--top",
    type=click.IntRange(1, MOST_TOP),
    default=20,
    show_default=True,
    metavar="N",
    help="How many of the best are shown.",
)
@click.option("--columns", metavar="MEASURES", help="What is shown beside what is named elsewhere.")
@click.option("--all-rows", is_flag=True, help="Show designs that give one network each by itself.")
@click.option(
    "--sample",
    type=click.IntRange(1),
    metavar="N",
    help="Go through N of the designs, and not through all.",
)
@click.option(
    "--sampling",
    type=Word(METHODS),
    help="Designs at random, no two of them one, or a Latin hypercube; random unless given.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**63), metavar="N", help="Of the sample; 0 unless given."
)
@network_options
@size_options
@run_options
@checkpoint_option
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1, 256),
    metavar="N",
    help="Processes; one, and where that takes long one a core, unless given.",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS|FILE|auto",
    help="Work on a Dask cluster: its scheduler's address or file, or what Dask's configuration "
    "names.",
)
@click.option(
    "-o",
    "--output",
    "files",
    type=FILE,
    multiple=True,
    metavar="FILE",
    help="Also write a file: rows in .csv or .parquet, what the sweep comes to in .json, or as a "
    "page in .html, the front as a picture in .svg, .png or .tex; repeatable.",
)
@click.option(
    "--output-dir",
    "folder",
    callback=_named,
    metavar="FOLDER|URL",
    help="Have whoever works designs out write rows there itself, as files of Parquet.",
)
@click.option("--force", is_flag=True, help="Write over files that are there.")
@click.option(
    "--state",
    type=FILE,
    metavar="FILE",
    help="Keep what is done in a file, to go on from there.",
)
@click.option(
    "--resume", type=FILE, metavar="FILE", help="Go on from what --state kept, and keep it there."
)
@output_options(SWEEP_FORMATS, "convcalc.formats.sweep")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    spec: str,
    vary: tuple[tuple[str, str], ...],
    shape: Inputs,
    settings: tuple[tuple[str, str], ...],
    fused: bool,  # noqa: FBT001 (click's signature)
    mixed_precision: bool,  # noqa: FBT001
    inplace: bool,  # noqa: FBT001
    device: str,
    overhead: int,
    jobs: int | None,
    scheduler: str | None,
    files: tuple[str, ...],
    folder: str | None,
    force: bool,  # noqa: FBT001
    state: str | None,
    resume: str | None,
    output: Output,
    **options: Any,
) -> None:
    """Work out every design of a space, and show the ones worth having.

    What the spec asks for under `sweep` holds, too, unless an option says otherwise. Figures are
    those of `analyze` and `memory` for each design; `convcalc docs sweep` defines them. Exit
    codes: 0 fine, 1 no design is left or errors in the spec, 2 could not run, 130 interrupted.

    \b
    Examples:
      convcalc sweep mobilenet_v2 --vary alpha=0.25..1:0.25 --vary input=128,160,192,224
      convcalc sweep net.yaml --vary width=16..64:8 --where 'parameters < 5M' --pareto macs,memory
    """
    given = {
        name for name in ctx.params if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }
    try:
        subject = Subject(spec, input=shape, parameters=dict(settings))
        said = subject.swept
        fixed = (given & {*MEMORY}) | of_parameters(dict(settings))
        axes = with_own(said.vary, vary, fixed=fixed, input=shape)
        held = given | dict(vary).keys()
        mine = {name: value for name, value in said.options.items() if name not in held}
        if "checkpoint" in mine:
            from convcalc.analysis.memory.checkpoint import read_checkpoint

            mine["checkpoint"] = read_checkpoint(mine["checkpoint"])
    except SpecError as error:
        output.end((), error.diagnostics)
    except ArgumentError as error:
        raise click.UsageError(str(error)) from None
    options |= mine
    training = options["training"]
    asked = given | mine.keys()
    terms = RunTerms(
        dtype=options["dtype"],
        training=training,
        optimizer=options["optimizer"] or "sgd",
        fused=fused,
        mixed_precision=mixed_precision,
        inplace=inplace,
        overhead=overhead,
        device=device,
        checkpoint=options["checkpoint"],
    )
    try:
        places = subject.written.places
        read = places.path if isinstance(places, SourceText) else subject.path
        _sensible(
            given, asked, output, training=training, files=files, state=state or resume, read=read
        )
        chosen = sample_of(options["sample"], options["sampling"], options["seed"])
        space = read_space(subject, axes, batch=options["batch"], terms=terms, sample=chosen)
        job = Job(
            subject,
            space,
            where=options["where"],
            pareto=options["pareto"],
            sort=options["sort"],
            top=options["top"],
            columns=options["columns"],
            all_rows=options["all_rows"],
            memory=bool(asked & OF_MEMORY),
        )
        _refuse_twice([axis.kind for axis in space.axes], asked)
        partials = executor(jobs, scheduler, _told)
        if folder is not None:
            kept_there = _format(ROWS[".parquet"]).Folder(folder, job)
            kept_there.begin(again=resume is not None, force=force)
            job.parts = kept_there
        of_rows = [file for file in files if _ending(file) in ROWS]
        kept_in = [*of_rows, *([] if folder is None else ["--output-dir", folder])]
        kept = _state(state or resume, job, kept_in)
        with _saying_how_to_go_on(kept):
            result = _run(job, output, files, partials, kept, force=force, again=resume is not None)
            texts = [] if output.format.form == "rows" else [_page(output, result)]
            for file in files:
                if _ending(file) in DOCUMENTS:
                    write_file(file, _format(DOCUMENTS[_ending(file)]).render(result))
                elif _ending(file) not in ROWS:
                    _draw(file, result)
    except StoppedError as error:
        raise _Stopped(str(error)) from None
    except ArgumentError as error:
        _refuse(error, subject, given | {f"vary.{name}" for name, _ in vary}, output)
    except SpecError as error:
        output.end((), error.diagnostics)
    notes = []
    invalid = _errors(result)
    if output.format.form == "rows":
        from convcalc.formats.sweep import plain

        notes = plain.said(result)
    if not result.whole:
        notes.append(_how_to_go_on(state or resume, result))
        output.end(texts, invalid, notes=notes, failed=True, code=INTERRUPTED)
    output.end(texts, invalid, notes=notes, failed=not result.left)


@contextmanager
def _saying_how_to_go_on(kept: "State | None") -> Iterator[None]:
    """Say of what ends a sweep early, and is no fault of what was asked, how to go on."""
    try:
        yield
    except (StoppedError, click.UsageError) as error:
        if kept is not None and kept.done is not None:
            on = f"the same command with --resume {kept.path} goes on after {kept.done:,} designs"
        elif isinstance(error, StoppedError) and error.done:
            on = f"{error.done:,} designs were done: with --state FILE a sweep can be gone on with"
        else:
            raise
        message = f"{error}; {on}"
        raise StoppedError(message) from None


def _errors(result: SweepReport) -> Sequence[Diagnostic]:
    """Where no design is valid: the errors of the first one, each at its place."""
    if not result.invalid or any(valid.any() for valid in result.valid):
        return ()
    design = result.job.space.design(result.invalid[0].example)
    return result.job.subject.network(design.parameters, design.input).errors


def _draw(file: str, result: SweepReport) -> None:
    """Write the front as a picture."""
    from convcalc.cli.pictured import format_of, picture
    from convcalc.formats.sweep.picture import render

    scene = render(result)
    if scene is None:
        click.echo(f"convcalc: {file} is not written: nothing is on the front", err=True)
    else:
        write_file(file, picture(scene, format_of(file)))


def _page(output: Output, result: SweepReport) -> str:
    text: str = output.renderer.render(result, color=colors(sys.stdout))
    return text


def _how_to_go_on(state: str | None, result: SweepReport) -> str:
    done = f"convcalc: interrupted after {result.done:,} designs"
    if state is None:
        return f"{done}; with --state FILE a sweep can be gone on with"
    return f"{done}: the same command with --resume {state} goes on from there"


def _sensible(
    given: set[str],
    asked: set[str],
    output: Output,
    *,
    training: bool,
    files: Sequence[str],
    state: str | None,
    read: str,
) -> None:
    """Refuse options that would be without effect; `asked` is what the spec asks for, too."""
    message = idle_in(asked & TRAINING_OPTIONS.keys(), training=training)
    rows = output.format.form == "rows"
    if rows:
        idle = [option for name, option in OF_TABLES.items() if name in given]
        if idle:
            message = (
                f"{idle[0]} has no effect on {output.name}, which has every design that is left: "
                "write it to a file with -o designs.csv, and leave -f out"
            )
        if given & {"state", "resume"}:
            message = (
                "--state goes with rows in a file, which can be cut where it is gone on with: "
                "write -o designs.csv, and leave -f out"
            )
    for name in ("seed", "sampling"):
        if name in asked and "sample" not in asked:
            message = f"--{name} is about --sample N, and none is taken"
    if {"jobs", "scheduler"} <= given:
        message = "--jobs are processes here, and --scheduler has workers of its own: give one"
    if "force" in given and not given & {"files", "state", "folder"}:
        message = "--force is about what --output, --output-dir and --state name: none is there"
    if {"state", "resume"} <= given:
        message = "--resume keeps what is done in its own file: leave --state out"
    paths = [os.path.realpath(file) for file in files]
    for file in (*files, *([] if state is None else [state])):
        if os.path.realpath(file) == os.path.realpath(read):
            message = f"{file} is the spec, which would be written over: name another file"
    for number, file in enumerate(files):
        if paths[number] in paths[:number]:
            message = f"--output {file} is given twice"
        if state is not None and paths[number] == os.path.realpath(state):
            message = f"{file} is named by --output and as the state's file: give each its own"
        if file == STANDARD:
            message = "--output - is standard output, where -f csv and -f json go"
        elif _ending(file) not in (known := (*ROWS, *DOCUMENTS, *_pictures())):
            message = f"{file}: its name ends with none of {', '.join(known)}"
        elif _ending(file) in _pictures() and "pareto" not in asked:
            message = f"{file} is a picture of the front, and no goals are given: --pareto"
    if message:
        raise ArgumentError(message)


def _refuse(
    error: ArgumentError, subject: Subject, given: Collection[str], output: Output
) -> NoReturn:
    """Say what is wrong with the sweep in the spec at its place, or else with what is `given`."""
    if subject.swept.vary or subject.swept.options:
        from convcalc.sweeps.review import own_errors  # which few sweeps have

        if own := own_errors(subject, given):
            output.end((), own)
    raise click.UsageError(str(error)) from None


def _refuse_twice(kinds: Sequence[str], given: set[str]) -> None:
    """Refuse an option for what is varied."""
    for kind in kinds:
        if kind in given and kind in OF_MEMORY:
            message = f"--{kind} is given, and {kind} is varied: leave one of them out"
            raise ArgumentError(message)


def _pictures() -> list[str]:
    """Endings of files that are pictures."""
    from convcalc.pictures import WRITERS

    return [writer.ending for writer in WRITERS.values() if writer.sizes]


def _format(name: str) -> Any:
    """A module of the formats, imported where it is asked for."""
    return import_module(f"convcalc.formats.sweep.{name}")


def _ending(file: str) -> str:
    from pathlib import PurePath

    return PurePath(file).suffix.lower()


def _run(
    job: Job,
    output: Output,
    files: Sequence[str],
    partials: Partials,
    kept: "State | None",
    *,
    force: bool,
    again: bool,
) -> SweepReport:
    """Go through the designs, or on with what is kept; Ctrl-C ends that early."""
    of_rows = [file for file in files if _ending(file) in ROWS]
    rows = output.format.form == "rows"
    result = nothing(job)
    lengths: dict[str, int] = {}
    if kept is not None and again:
        result, lengths = kept.read(job)
        if job.parts is not None:
            job.parts.go_on(result.done)
    else:
        for file in (*files, *([] if kept is None else [kept.path])):
            if os.path.lexists(file) and not force:
                also = "; --resume goes on with it" if kept and file == kept.path else ""
                message = f"{file} is there already: --force writes over it{also}"
                raise click.UsageError(message)
    for file in files:
        if file not in of_rows:
            _writable(file)
    endings = {_ending(file) for file in of_rows} | ({CSV} if rows else set())
    writers: dict[str, Writer] = {ending: _format(ROWS[ending]) for ending in sorted(endings)}
    job.encode = {ending: writer.encode for ending, writer in writers.items()}
    opened = [
        _row_file(file, writers[_ending(file)], job, lengths, whole=again and result.whole)
        for file in of_rows
    ]
    if rows:
        write_made(writers[CSV].header(job).decode())
    progress = _progress(job.space.designs, result.done)
    try:
        for known in run(
            job,
            partials,
            files=opened,
            write=(lambda data: write_made(data.decode())) if rows else None,
            state=kept,
            known=result,
        ):
            result = known
            progress(result.done)
    except KeyboardInterrupt:
        pass
    finally:
        progress(None)
    return result


def _state(path: str | None, job: Job, files: Sequence[str]) -> "State | None":
    """Who keeps what is done, if that is asked for."""
    if path is None:
        return None
    from convcalc.sweeps.state import State

    return State(path, job, files)


def _row_file(
    file: str, writer: "Writer", job: Job, lengths: Mapping[str, int], *, whole: bool
) -> "RowFile":
    """A file of rows, new or cut off where it holds."""
    from convcalc.sweeps.row_file import RowFile

    length = lengths.get(file + writer.PART)
    return RowFile(file, _ending(file), writer, job, length=length, whole=whole)


def _told(message: str) -> None:
    """Say something beside the answer."""
    sys.stderr.write(f"convcalc: {message}\n")


def _writable(file: str) -> None:
    """Refuse a file that could not be written in the end, before the work; it stays as it is."""
    from pathlib import Path

    path = Path(file)
    there = os.path.lexists(file)
    try:
        path.open("ab").close()
        if not there:
            path.unlink()
    except OSError as error:
        message = f"{file}: cannot be written: {error.strerror or error}"
        raise click.UsageError(message) from None


def _progress(total: int, before: int) -> Callable[[int | None], None]:
    """A bar on a terminal, once it has taken a while; None takes it away."""
    start = time.monotonic()
    drawn = [0.0]

    def draw(done: int | None) -> None:
        now = time.monotonic()
        if done is None:
            if drawn[0]:
                sys.stderr.write("\r\x1b[K")
                sys.stderr.flush()
        elif now - start > PATIENCE and now - drawn[0] > 0.1:
            filled = 30 * done // total
            bar = "█" * filled + "·" * (30 - filled)
            rate = (done - before) / (now - start)
            left = _time((total - done) / rate) if rate else "?"
            sys.stderr.write(
                f"\r\x1b[K{bar} {done:,} of {total:,} designs, {rate:,.0f}/s, {left} left"
            )
            sys.stderr.flush()
            drawn[0] = now

    def nothing_drawn(done: int | None) -> None:
        del done

    return draw if sys.stderr.isatty() else nothing_drawn


def _time(seconds: float) -> str:
    """How long that is.

    >>> _time(75), _time(7322)
    ('1:15', '2:02:02')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
