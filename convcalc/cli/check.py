"""`convcalc check`: everything invalid, doubtful or unkept in any number of specs."""

import os
import sys
from collections.abc import Callable, Sequence

import click
from click.core import ParameterSource

from convcalc.checks.codes import Selection, UnknownCodeError, code_or_prefix
from convcalc.checks.configuration import Configurations
from convcalc.checks.files import Found
from convcalc.checks.formats import CHECK_FORMATS, DEFAULT_FORMAT
from convcalc.checks.report import FAIL_ON
from convcalc.checks.settings import Given, Limit
from convcalc.cli.checking import (
    ANNOTATIONS,
    COUNTED,
    Request,
    governed,
    note_excluded,
    note_foreign,
    on_actions,
    watch_files,
)
from convcalc.cli.options import FILE, Inputs, Word, each_member, format_option, network_options
from convcalc.cli.output import write, write_verbatim
from convcalc.cli.paths import leaving_out_options, note_empty
from convcalc.spec.promises import OPTIMIZERS, limits
from convcalc.spec.values import FieldError

_SHOWN = ("select", "extend_select", "ignore", "fail_on", "strict", "format_name", "baseline")
_FOUND = ("exclude", "force_exclude", "only_specs", "config", "isolated")
_MODES = {
    "show_files": ("lists files", _FOUND),
    "show_config": (
        "shows settings",
        (
            *_FOUND,
            *_SHOWN,
            "stdin_filename",
            "max_memory",
            "max_training_memory",
            "batch",
            "optimizer",
            *(f"max_{name}" for name in ("parameters", "macs", "flops", "activations")),
            "max_largest_tensor",
            "max_arena",
            "max_flash",
        ),
    ),
    "diff": (
        "shows what --fix would change",
        (*_FOUND, "select", "extend_select", "ignore", "shape", "settings", "stdin_filename"),
    ),
}
"""Options that do something else than check → what that is, and which options matter to it."""
_LIMITS = ("parameters", "macs", "flops", "activations", "largest_tensor")
_DEVICE = {
    "arena": "Limit for the head of a small device's arena, in int8: 256KiB.",
    "flash": "Limit for weights in flash, in int8 with biases and scales: 1MiB.",
}
"""Limits in bytes of a small device → what is said of them."""
_PEOPLE = [name for name, row in CHECK_FORMATS.items() if not row.machine]
"""Formats that can have colours."""


def _codes(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...] | None:
    """Codes, beginnings of codes or names of rules, separated by commas; None without any."""
    codes: list[str] = []
    for value in values:
        written = [code for code in value.split(",") if code.strip()]
        if not written:
            raise click.BadParameter(f"{value!r} names no code", ctx, param)
        try:
            codes += map(code_or_prefix, written)
        except UnknownCodeError as error:
            raise click.BadParameter(str(error), ctx, param) from None
    return tuple(dict.fromkeys(codes)) or None


def _outputs(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    """Formats and the files they go to, split at the first colon."""
    outputs = []
    for value in values:
        name, _, file = value.partition(":")
        if name not in CHECK_FORMATS or not file:
            message = (
                f"{value!r} is not FORMAT:FILE, such as sarif:convcalc.sarif; formats are "
                f"{', '.join(CHECK_FORMATS)}"
            )
            raise click.BadParameter(message, ctx, param)
        outputs.append((name, file))
    return tuple(outputs)


def _limit_options(function: Callable[..., None]) -> Callable[..., None]:
    """--max-parameters and the like."""
    for name in reversed(_DEVICE):
        function = click.option(f"--max-{name}", metavar="BYTES", help=_DEVICE[name])(function)
    for name in reversed(_LIMITS):
        function = click.option(
            f"--max-{name.replace('_', '-')}",
            metavar="N",
            help=f"Limit for every spec, as `budget: {{{name}: N}}`: 5M, 1.5G.",
        )(function)
    function = click.option(
        "--optimizer", type=Word(OPTIMIZERS), help="With --max-training-memory."
    )(function)
    function = click.option(
        "--batch", type=click.IntRange(1, 2**31), metavar="N", help="With the limits of memory."
    )(function)
    function = click.option(
        "--max-training-memory", metavar="BYTES", help="Limit for a training step: 12GiB."
    )(function)
    return click.option("--max-memory", metavar="BYTES", help="Limit for inference: 512MiB.")(
        function
    )


@click.command("check")
@click.argument("paths", nargs=-1, metavar="[PATH|DIR|GLOB|-]...", callback=each_member)
@format_option(
    CHECK_FORMATS, help="Format of standard output; text, and github besides under GitHub Actions."
)
@click.option(
    "-o",
    "--output",
    "outputs",
    callback=_outputs,
    multiple=True,
    metavar="FORMAT:FILE",
    help="Write the findings to a file as well; repeatable.",
)
@click.option(
    "--base",
    metavar="REV",
    help="The git revision since which a card shows changes: --output card:FILE.",
)
@click.option(
    "--select",
    callback=_codes,
    multiple=True,
    metavar="CODES",
    help="Report only these: CC3,CC401,bias-before-norm; repeatable.",
)
@click.option(
    "--extend-select",
    callback=_codes,
    multiple=True,
    metavar="CODES",
    help="Report these besides; repeatable.",
)
@click.option(
    "--ignore",
    callback=_codes,
    multiple=True,
    metavar="CODES",
    help="Do not report these; repeatable.",
)
@click.option(
    "--fail-on",
    type=Word(FAIL_ON),
    help="The least that makes the exit code 1; warning unless configured otherwise.",
)
@click.option("--strict", is_flag=True, help="Report warnings as errors.")
@_limit_options
@network_options
@click.option("--baseline", type=FILE, metavar="FILE", help="Known findings.")
@click.option("--update-baseline", is_flag=True, help="Write what is found now to the baseline.")
@click.option("--statistics", is_flag=True, help="Show how many findings there are of each code.")
@click.option("--stdin-filename", metavar="NAME", help="What standard input is called in findings.")
@click.option("--fix", is_flag=True, help="Fix in place what is safe to fix, and check again.")
@click.option("--diff", is_flag=True, help="Show what --fix would change, and change nothing.")
@click.option("--watch", is_flag=True, help="Check again whenever a file changes, until stopped.")
@leaving_out_options
@click.option("-j", "--jobs", type=click.IntRange(1, 256), metavar="N", help="Processes.")
@click.option("--config", type=FILE, metavar="FILE", help="Configuration.")
@click.option("--isolated", is_flag=True, help="Use no configuration file.")
@click.option("--show-files", is_flag=True, help="List the files that would be checked.")
@click.option("--show-config", is_flag=True, help="Show the configuration that would be used.")
@click.option("--color", type=Word(["auto", "always", "never"]), default="auto", show_default=True)
@click.pass_context
def command(
    ctx: click.Context,
    /,
    paths: tuple[str, ...],
    format_name: str | None,
    outputs: tuple[tuple[str, str], ...],
    base: str | None,
    select: tuple[str, ...] | None,
    extend_select: tuple[str, ...] | None,
    ignore: tuple[str, ...] | None,
    fail_on: str | None,
    strict: bool,  # noqa: FBT001 (click's signature)
    shape: Inputs,
    settings: tuple[tuple[str, str], ...],
    baseline: str | None,
    update_baseline: bool,  # noqa: FBT001
    statistics: bool,  # noqa: FBT001
    stdin_filename: str | None,
    fix: bool,  # noqa: FBT001
    diff: bool,  # noqa: FBT001
    watch: bool,  # noqa: FBT001
    exclude: tuple[str, ...],
    force_exclude: bool,  # noqa: FBT001
    only_specs: bool,  # noqa: FBT001
    jobs: int | None,
    config: str | None,
    isolated: bool,  # noqa: FBT001
    show_files: bool,  # noqa: FBT001
    show_config: bool,  # noqa: FBT001
    color: str,
    **limit_options: str | int | None,
) -> None:
    """Find everything invalid or doubtful in specs, and verify what they promise.

    PATHs are files, folders (where YAML files are known as specs by their top-level keys, and
    .gitignore is respected), globs, - for standard input, or bundled names; the current folder
    when there are none. The pyproject.toml ([tool.convcalc]) or convcalc.toml nearest to a file
    configures what is said of it.

    Exit codes, whatever the format: 0 no findings, 1 findings, 2 could not run.

    \b
    Examples:
      convcalc check
      convcalc check nets/ --select CC3 --format concise
      convcalc check net.yaml --max-parameters 5M --output sarif:convcalc.sarif
    """
    paths = paths or (".",)
    _refuse_idle(ctx, paths)
    limits_given = _budget(limit_options)
    _refuse_ignored(limits_given, Selection(select or (), extend_select or (), ignore or ()))
    request = Request(
        paths=paths,
        given=Given(
            select,
            extend_select,
            ignore,
            limits=limits_given,
            exclude=exclude,
            force_exclude=force_exclude,
            baseline=baseline,
            fail_on=fail_on,
            strict=strict,
            format=format_name,
        ),
        config=config,
        isolated=isolated,
        only_specs=only_specs,
        stdin_filename=stdin_filename,
        shape=shape,
        parameters=dict(settings),
        jobs=jobs,
        fix=fix,
        update_baseline=update_baseline,
        outputs=outputs,
        base=base,
        statistics=statistics,
        color=color,
    )
    configurations = request.configurations()
    _refuse_unshown(request, configurations.run.format or DEFAULT_FORMAT)
    searched = request.search(configurations)
    if show_config:
        from convcalc.checks.show import shown

        write(shown(configurations, governed(searched, stdin_filename)))
        return
    if show_files:
        sys.exit(_show_files(searched, configurations))
    if diff:
        from convcalc.cli.fixing import differences

        sys.exit(differences(searched, request.task(configurations)))
    if (fix or watch) and "-" in searched.files:
        message = "standard input can be neither fixed nor watched; --diff shows what would change"
        raise click.UsageError(message)
    if watch:
        watch_files(request.look)
    sys.exit(request.check(searched, configurations))


def _refuse_unshown(request: Request, name: str) -> None:
    """Refuse options that the format of standard output takes no notice of."""
    annotates = on_actions() and name == ANNOTATIONS
    if request.statistics and name not in COUNTED and not annotates:
        message = f"--statistics goes with {_listed(COUNTED)}, not with {name}"
        raise click.UsageError(message)
    cards = [each for each, row in CHECK_FORMATS.items() if row.card]
    if request.base is not None and not {name, *dict(request.outputs)} & {*cards}:
        message = f"--base goes with --output {cards[0]}:FILE, and no card is asked for"
        raise click.UsageError(message)
    if request.base is not None:  # before anything is fixed or written
        from convcalc.checks.revision import RevisionError, refuse_unknown

        try:
            refuse_unknown(request.base)
        except RevisionError as error:
            raise click.UsageError(f"--base: {error}") from None
    if request.color == "always" and name not in _PEOPLE and not on_actions():
        raise click.UsageError(f"--color always goes with {_listed(_PEOPLE)}, not with {name}")


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _show_files(searched: Found, configurations: Configurations) -> int:
    """List the files that would be checked; 2 where a PATH has none, else 0."""
    gone = [file for file in searched.files if file != "-" and not _is_there(file)]
    write_verbatim("".join(f"{file}\n" for file in searched.files if file not in gone))
    note_excluded(searched.excluded, configurations)
    note_foreign(searched.foreign)
    note_empty((*searched.empty, *gone))
    return 2 if searched.empty or gone else 0


def _is_there(file: str) -> bool:
    """Whether a named file, member of a family or bundled name can be looked for."""
    from convcalc.spec.bundled import find_bundled

    if os.path.lexists(file) or find_bundled(file) is not None:
        return True
    base, sign, _ = file.rpartition("#")
    return bool(sign) and os.path.lexists(base)


def _budget(options: dict[str, str | int | None]) -> tuple[Limit, ...]:
    """The limits of the command line."""
    given: list[tuple[str, object, str]] = []
    for name in (*_LIMITS, *_DEVICE):
        value = options[f"max_{name}"]
        if value is not None:
            given.append((name, value, f"--max-{name.replace('_', '-')} {value}"))
    batch = options["batch"] or 1
    memory = options["max_memory"]
    if memory is not None:
        given.append(("memory", {"limit": memory, "batch": batch}, f"--max-memory {memory}"))
    training = options["max_training_memory"]
    if training is not None:
        optimizer = options["optimizer"] or "sgd"
        terms = {"limit": training, "batch": batch, "training": True, "optimizer": optimizer}
        given.append(("memory", terms, f"--max-training-memory {training}"))
    if options["batch"] is not None and memory is None and training is None:
        message = "--batch goes with --max-memory or --max-training-memory, and neither is given"
        raise click.UsageError(message)
    if options["optimizer"] is not None and training is None:
        message = "--optimizer goes with --max-training-memory, which is not given"
        raise click.UsageError(message)
    return tuple(limit for name, value, option in given for limit in _limits(name, value, option))


def _refuse_idle(ctx: click.Context, paths: Sequence[str]) -> None:
    """Refuse options that would have no effect beside others."""
    names = {
        option.name: option.opts[-1]
        for option in ctx.command.params
        if isinstance(option, click.Option)
        and ctx.get_parameter_source(option.name or "") is ParameterSource.COMMANDLINE
    }
    message = ""
    for mode, (does, matter) in _MODES.items():
        idle = [shown for name, shown in names.items() if name not in (mode, *matter)]
        if mode in names and idle:
            message = f"{names[mode]} {does}, and {idle[0]} would have no effect"
            break
    if {"config", "isolated"} <= names.keys():
        message = "--isolated uses no configuration, and --config names one"
    if "stdin_filename" in names and "-" not in paths:
        message = "--stdin-filename is for standard input, and no PATH is -"
    files = [file for _, file in ctx.params["outputs"] if file != "-"]
    twice = next((file for file in files if files.count(file) > 1), None)
    if twice is not None:
        message = f"--output writes {twice} twice, and the first would be lost"
    if message:
        raise click.UsageError(message)


def _refuse_ignored(given: Sequence[Limit], selection: Selection) -> None:
    """Refuse limits whose own code the command line ignores, and ignores of nothing."""
    idle = selection.idle()
    if idle:
        chosen = ",".join((*selection.select, *selection.extend_select))
        message = f"--ignore {idle[0]} leaves out nothing: only {chosen} is selected"
        raise click.UsageError(message)
    for limit in given:
        if selection.leaves_out(limit.code):
            message = f"{limit.origin} asks for {limit.code}, and --ignore leaves it out"
            raise click.UsageError(message)


def _limits(name: str, value: object, option: str) -> list[Limit]:
    try:
        return [Limit(promise, option, asked=True) for promise in limits({name: value})]
    except FieldError as error:
        advice = f"; {error.problem.help}" if error.problem.help else ""
        message = f"{option}: {error.problem.message}{advice}"
        raise click.UsageError(message) from None
