"""`convcalc check`: everything invalid, doubtful or unkept in any number of specs."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import click
from click.core import ParameterSource

from convcalc.checks.baseline import BaselineError, read_baseline, updated
from convcalc.checks.codes import Selection, UnknownCodeError, code_or_prefix
from convcalc.checks.configuration import Configurations
from convcalc.checks.files import Found, find
from convcalc.checks.formats import CHECK_FORMATS, DEFAULT_FORMAT
from convcalc.checks.known import beyond, graver, of_baseline, unseen
from convcalc.checks.report import FAIL_ON, About, CheckReport, exit_code
from convcalc.checks.run import Checked, Task, check_files
from convcalc.checks.settings import Given, Limit, Settings
from convcalc.cli.options import FILE, Word, each_member, format_option, network_options
from convcalc.cli.output import colors, write, write_file, write_verbatim
from convcalc.cli.paths import leaving_out_options, note_empty, usage
from convcalc.diagnostics import Diagnostic
from convcalc.formats.check import not_looked_at
from convcalc.numbers import plural
from convcalc.shape import Shape
from convcalc.spec.promises import OPTIMIZERS, limits
from convcalc.spec.values import FieldError

if TYPE_CHECKING:
    from convcalc.checks.baseline import Baseline
    from convcalc.checks.card import Card

INTERVAL = 0.5
"""Seconds between two looks with --watch."""
PATIENCE = 1.0
"""Seconds until a progress bar appears."""
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
        ),
    ),
    "diff": (
        "shows what --fix would change",
        (*_FOUND, "select", "extend_select", "ignore", "shape", "settings", "stdin_filename"),
    ),
}
"""Options that do something else than check → what that is, and which options matter to it."""
INTERRUPTED = 130
"""The exit code after Ctrl-C."""
_LIMITS = ("parameters", "macs", "flops", "activations", "largest_tensor")
_COUNTED = [name for name, row in CHECK_FORMATS.items() if row.statistics or not row.machine]
"""Formats that --statistics goes with."""
_PEOPLE = [name for name, row in CHECK_FORMATS.items() if not row.machine]
"""Formats that can have colours."""
ANNOTATIONS = "github"
"""The format that GitHub Actions takes out of its log, where the text for people stands too."""


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
    shape: Shape | None,
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

        write(shown(configurations, _governed(searched, stdin_filename)))
        return
    if show_files:
        sys.exit(_show_files(searched, configurations))
    if diff:
        sys.exit(_differences(searched, request.task(configurations)))
    if (fix or watch) and "-" in searched.files:
        message = "standard input can be neither fixed nor watched; --diff shows what would change"
        raise click.UsageError(message)
    if watch:
        _watch(request.look)
    sys.exit(request.check(searched, configurations))


class Request(NamedTuple):
    """What the command line asks for; files and configurations are looked up anew at each look."""

    paths: tuple[str, ...]
    """Files, folders, globs, `-` and bundled names, as they are written."""
    given: Given
    """What goes before every configuration."""
    config: str | None
    """The only configuration file, if one is named."""
    isolated: bool
    """Whether no configuration is read."""
    only_specs: bool
    """Whether named files that are no specs are left out."""
    stdin_filename: str | None
    """What standard input is called."""
    shape: Shape | None
    """The input of one example, instead of each spec's."""
    parameters: dict[str, str]
    """Values of the specs' parameters, by name."""
    jobs: int | None
    """Processes; None is as many as pay."""
    fix: bool
    """Whether what is safe to fix is fixed first."""
    update_baseline: bool
    """Whether what is found becomes known."""
    outputs: tuple[tuple[str, str], ...]
    """Formats and the files that they go to, beside standard output."""
    base: str | None
    """The git revision that a card compares with, if any."""
    statistics: bool
    """Whether findings are counted by code."""
    color: str
    """When text is coloured: auto, always or never."""

    def configurations(self) -> Configurations:
        """What the configurations say now, below the command line."""
        with usage():
            return Configurations(self.given, only=self.config, isolated=self.isolated)

    def search(self, configurations: Configurations) -> Found:
        """The files that there are now."""
        with usage():
            return find(
                self.paths, configurations, only_specs=self.only_specs, stdin=self.stdin_filename
            )

    def task(self, configurations: Configurations) -> Task:
        """What is done with each file."""
        return Task(
            configurations.run, self.shape, self.parameters, self.stdin_filename, configurations
        )

    def check(self, searched: Found, configurations: Configurations) -> int:
        """Fix what is to be fixed, check the files and show the findings; the exit code."""
        shown = {configurations.run.format or DEFAULT_FORMAT, *dict(self.outputs)}
        in_text = DEFAULT_FORMAT in shown or (_on_actions() and ANNOTATIONS in shown)
        task = self.task(configurations)._replace(mark_fixable=in_text and not self.fix)
        baselines = _baselines(searched, task, updating=self.update_baseline)
        written = not self.fix or _fix(searched.files, task)
        code = _checked(self, searched, task, baselines, configurations)
        return code if written or code == INTERRUPTED else 2

    def look(self) -> tuple[list[str], Callable[[], int]]:
        """The files that matter now, configurations and baselines among them, and their check."""
        configurations = self.configurations()
        searched = self.search(configurations)
        besides = [
            file
            for settings in configurations.used(_governed(searched, self.stdin_filename))
            for file in (settings.path, settings.baseline)
            if file
        ]
        return [*searched.files, *besides], lambda: self.check(searched, configurations)


def _refuse_unshown(request: Request, name: str) -> None:
    """Refuse options that the format of standard output takes no notice of."""
    annotates = _on_actions() and name == ANNOTATIONS
    if request.statistics and name not in _COUNTED and not annotates:
        message = f"--statistics goes with {_listed(_COUNTED)}, not with {name}"
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
    if request.color == "always" and name not in _PEOPLE and not _on_actions():
        raise click.UsageError(f"--color always goes with {_listed(_PEOPLE)}, not with {name}")


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _show_files(searched: Found, configurations: Configurations) -> int:
    """List the files that would be checked; 2 where a PATH has none, else 0."""
    gone = [file for file in searched.files if file != "-" and not _is_there(file)]
    write_verbatim("".join(f"{file}\n" for file in searched.files if file not in gone))
    _note_excluded(searched.excluded, configurations)
    note_empty((*searched.empty, *gone))
    return 2 if searched.empty or gone else 0


def _checked(
    request: Request,
    searched: Found,
    task: Task,
    baselines: "dict[str, Baseline | None]",
    configurations: Configurations,
) -> int:
    """Check the files and show the findings; the exit code."""
    progress = _progress(len(searched.files))
    try:
        checked = check_files(searched.files, task, jobs=request.jobs, progress=progress)
    except KeyboardInterrupt:
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    files = tuple(one.path for one in checked)
    if request.update_baseline:
        baselines = _updated(baselines, checked, task)
    findings = beyond(baselines, checked, task)
    if configurations.run.strict:
        findings = graver(findings)
    report = CheckReport(
        files,
        tuple(findings),
        codes={},
        left_out=sum(one.left_out for one in checked),
        card=_card(request, checked, task),
    )
    _show(report, configurations.run, request)
    _note_excluded(searched.excluded, configurations)
    for path, key in configurations.unheeded(files):
        where = configurations.run.path or "the default"
        click.echo(
            f"convcalc: {path}: {key} belongs to the run, and this one's is that of {where}",
            err=True,
        )
    note_empty(searched.empty)
    if not files and not searched.empty:
        click.echo("convcalc: no specs among the files named", err=True)
    for note in unseen(checked):
        click.echo(f"convcalc: {note}", err=True)
    if searched.empty or any(one.unheld for one in checked):
        return 2
    return exit_code(findings, configurations.run.fail_on)


def _updated(
    baselines: "dict[str, Baseline | None]", checked: Sequence[Checked], task: Task
) -> "dict[str, Baseline | None]":
    """The baselines, written with what is found now: what was written is known now."""
    for path, known in baselines.items():
        write_file(path, updated(path, *of_baseline(path, checked, task), known))
    return {path: read_baseline(path) for path in baselines}


def _note_excluded(excluded: Sequence[tuple[str, str]], configurations: Configurations) -> None:
    """Say which PATHs are checked though an `exclude` matches them."""
    passed = [
        path for path, _ in excluded if not configurations.of(os.path.abspath(path)).force_exclude
    ]
    if passed:
        some = ", ".join(passed[:3]) + (", …" if len(passed) > 3 else "")
        click.echo(
            f"convcalc: {plural(len(passed), 'PATH')} that `exclude` matches "
            f"{'is' if len(passed) == 1 else 'are'} checked, being named: {some}; "
            "--force-exclude leaves them out",
            err=True,
        )


def _governed(searched: Found, stdin: str | None) -> list[str]:
    """The files of a run, by the names that decide on their configuration."""
    return [stdin or file if file == "-" else file for file in searched.files]


def _is_there(file: str) -> bool:
    """Whether a named file, member of a family or bundled name can be looked for."""
    from convcalc.spec.bundled import find_bundled

    if os.path.lexists(file) or find_bundled(file) is not None:
        return True
    base, sign, _ = file.rpartition("#")
    return bool(sign) and os.path.lexists(base)


def _differences(searched: Found, task: Task) -> int:
    """Show what fixes would change; 1 when they would, 2 when a spec could not be read."""
    from difflib import unified_diff

    changed = False
    unread: list[Diagnostic] = []
    for file, before, after, _ in _fixes(searched.files, task, unread):
        changed = True
        lines = unified_diff(
            StringIO(before, newline="\n").readlines(),
            StringIO(after, newline="\n").readlines(),
            f"a/{file}",
            f"b/{file}",
        )
        ended = (
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
            for line in lines
        )
        write_verbatim("".join(ended))
    for item in unread:
        where = item.where if item.source_line else item.path
        click.echo(f"convcalc: {where}: {item.code} {item.message}", err=True)
    note_empty(searched.empty)
    left = _note_unfixed(searched.files, task)
    if not (changed or left or unread):
        _note_none_fixable(searched.files, task)
    return 2 if unread or searched.empty else int(changed or left)


def _fix(files: Sequence[str], task: Task) -> bool:
    """Fix files in place, and say how many findings are gone; whether all could be written."""
    count = changed = 0
    written = True
    for file, before, after, fixes in _fixes(files, task):
        data = Path(file).read_bytes()
        mark = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
        if data != mark + before.encode("utf-8"):
            continue  # it changed meanwhile
        try:
            Path(file).write_bytes(mark + after.encode("utf-8"))
        except OSError as error:
            message = f"convcalc: {file}: cannot be written: {error.strerror or error}"
            click.echo(message, err=True)
            written = False
            continue
        count += fixes
        changed += 1
    _note_unfixed(files, task)
    if count:
        click.echo(f"Fixed {plural(count, 'finding')} in {plural(changed, 'file')}.", err=True)
    return written


def _note_unfixed(files: Sequence[str], task: Task) -> bool:
    """Say which specs have fixes and are no files of their own; whether there are any."""
    from convcalc.checks.run import check_file

    left = False
    for file in files:
        if file == "-" or os.path.isfile(file):
            continue
        if not any(item.fix for item in check_file(file, task).diagnostics):
            continue
        family = file.rpartition("#")[0]
        why = "a bundled architecture is not fixed"
        if os.path.isfile(family):
            why = f"a member of a family is not fixed by itself: name {family}"
        click.echo(f"convcalc: {file}: {why}", err=True)
        left = True
    return left


def _note_none_fixable(files: Sequence[str], task: Task) -> None:
    """Say how many findings there are, of which none has a fix."""
    from convcalc.checks.run import check_file

    count = sum(len(check_file(file, task).diagnostics) for file in files if file != "-")
    if count:
        click.echo(f"convcalc: {plural(count, 'finding')}, none fixable", err=True)


def _fixes(
    files: Sequence[str], task: Task, unread: list[Diagnostic] | None = None
) -> Iterator[tuple[str, str, str, int]]:
    """File, old text, new text and number of fixes of each file that fixes change.

    Why a file could not be read goes to `unread`.
    """
    from convcalc.checks.fixes import fixed
    from convcalc.spec.bundled import find_bundled
    from convcalc.spec.source import open_spec

    for file in files:
        opened = open_spec(file, find_bundled)
        if unread is not None:
            unread += opened.problems
        if opened.problems or (file != "-" and not os.path.isfile(file)):
            continue
        if file == "-" and task.filename:
            opened = opened.called(task.filename)
        result = fixed(opened, task)
        if unread is not None and result.unread is not None:
            unread.append(result.unread)
        if result.findings:
            yield opened.text.path, opened.text.content, result.text, len(result.findings)


def _watch(look: Callable[[], tuple[list[str], Callable[[], int]]]) -> NoReturn:
    """Check, and again whenever a file comes, goes or changes, until interrupted.

    `look` says which files matter, the configuration and the baseline among them, and checks.
    """
    code = 0
    seen: dict[str, tuple[int, int]] | None = None
    said = ""
    try:
        while True:
            try:
                files, check = look()
                if {file: _stamp(file) for file in files} != seen:
                    if sys.stdout.isatty():
                        click.clear()
                    code = check()
                    if code == INTERRUPTED:
                        sys.exit(code)
                    seen = {file: _stamp(file) for file in files}  # fixing changes files too
                    said = ""
                    click.echo("Watching for changes; Ctrl-C ends.", err=True)
            except click.UsageError as error:  # the configuration is being edited, say
                code, seen = 2, None
                if error.message != said:
                    said = error.message
                    click.echo(f"convcalc: {said}", err=True)
            time.sleep(INTERVAL)
    except KeyboardInterrupt:
        sys.exit(code)


def _stamp(file: str) -> tuple[int, int]:
    try:
        status = os.stat(file)
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


def _on_actions() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"


def _card(request: Request, checked: Sequence[Checked], task: Task) -> "Card | None":
    """What a card shows, where one is asked for."""
    asked = (task.settings.format or DEFAULT_FORMAT, *dict(request.outputs))
    if not any(CHECK_FORMATS[name].card for name in asked):
        return None
    from convcalc.checks.card import card
    from convcalc.checks.revision import RevisionError

    try:
        return card(checked, task, request.paths, request.base or "")
    except RevisionError as error:
        raise click.UsageError(f"--base: {error}") from None


def _show(report: CheckReport, settings: Settings, request: Request) -> None:
    """Render the findings for standard output and for files."""
    files, left_out = report.files, report.left_out
    on_actions = _on_actions()
    name = settings.format or DEFAULT_FORMAT
    if on_actions and name == ANNOTATIONS:  # its log shows the text, its annotations the rest
        name = DEFAULT_FORMAT
    row = CHECK_FORMATS[name]
    colored = request.color == "always" or (request.color == "auto" and colors(sys.stdout))
    asked = (name, *dict(request.outputs))
    if request.statistics or any(CHECK_FORMATS[each].pages for each in asked):
        from convcalc.rules.page import pages

        codes = {
            code: About(page.summary, page.name, page.severity, page.text)
            for code, page in pages().items()
        }
        report = report._replace(codes=codes)
    if left_out and name not in _COUNTED:
        click.echo(f"convcalc: {not_looked_at(left_out)}", err=True)
    if not files and not row.machine:
        pass  # why there is nothing is said after
    elif request.statistics and not row.statistics:
        from convcalc.formats.check.text import statistics

        write(statistics(report, short=row.short, color=colored))
    else:
        write(_rendered(name, report, color=colored), machine=row.machine)
    if on_actions and settings.format in (None, ANNOTATIONS):
        write(_rendered(ANNOTATIONS, report), machine=CHECK_FORMATS[ANNOTATIONS].machine)
    for format_name, file in request.outputs:
        text = _rendered(format_name, report)
        if file == "-":
            write(text, machine=CHECK_FORMATS[format_name].machine)
        else:
            write_file(file, text)


def _rendered(name: str, report: CheckReport, *, color: bool = False) -> str:
    module = import_module(f"convcalc.formats.check.{name}")
    text: str = module.render(
        report._replace(root=_root(CHECK_FORMATS[name].checkout)), color=color
    )
    return text


def _root(variable: str) -> str:
    """What paths in a machine format are relative to: the checkout, where there is one."""
    here = os.getcwd()
    given = os.environ.get(variable)
    if given and f"{here}{os.sep}".startswith(os.path.join(os.path.abspath(given), "")):
        return os.path.abspath(given)
    at = here
    while not os.path.lexists(os.path.join(at, ".git")):
        above = os.path.dirname(at)
        if above == at:
            return here
        at = above
    return at


def _budget(options: dict[str, str | int | None]) -> tuple[Limit, ...]:
    """The limits of the command line."""
    given: list[tuple[str, object, str]] = []
    for name in _LIMITS:
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


def _baselines(searched: Found, task: Task, *, updating: bool) -> "dict[str, Baseline | None]":
    """The baselines of the files; None where there is none yet."""
    paths = dict.fromkeys(task.of(file).baseline for file in _governed(searched, task.filename))
    if updating and not any(paths) and not task.settings.baseline:
        message = "--update-baseline needs --baseline FILE, or `baseline` in the configuration"
        raise click.UsageError(message)
    baselines: dict[str, Baseline | None] = {}
    try:
        for path in paths:
            if path:
                new = updating and not os.path.lexists(path)
                baselines[path] = None if new else read_baseline(path)
    except BaselineError as error:
        raise click.UsageError(str(error)) from None
    return baselines


def _progress(total: int) -> Callable[[int], None] | None:
    """A bar on a terminal, once it has taken a while."""
    if not sys.stderr.isatty() or total < 2:
        return None
    start = time.monotonic()
    drawn = [0.0]

    def draw(done: int) -> None:
        now = time.monotonic()
        if done == total:
            if drawn[0]:
                sys.stderr.write("\r\x1b[K")
        elif now - start > PATIENCE and now - drawn[0] > 0.1:
            filled = 30 * done // total
            bar = "█" * filled + "·" * (30 - filled)
            sys.stderr.write(f"\r{bar} {done:,} of {total:,} specs")
            drawn[0] = now
        sys.stderr.flush()

    return draw
