"""A run of `convcalc check`: finds files, checks them, shows what is found; again with --watch."""

import os
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import click

from convcalc.checks.baseline import BaselineError, read_baseline, updated
from convcalc.checks.configuration import Configurations
from convcalc.checks.files import Found, find
from convcalc.checks.formats import CHECK_FORMATS, DEFAULT_FORMAT
from convcalc.checks.known import beyond, graver, of_baseline, seen, unseen
from convcalc.checks.report import About, CheckReport, exit_code
from convcalc.checks.run import Checked, Task, check_files
from convcalc.checks.settings import Given, Settings
from convcalc.cli.options import Inputs
from convcalc.cli.output import colors, write, write_file
from convcalc.cli.paths import note_empty, usage
from convcalc.formats.check import not_looked_at
from convcalc.numbers import plural

if TYPE_CHECKING:
    from convcalc.checks.baseline import Baseline
    from convcalc.checks.card import Card

INTERVAL = 0.5
"""Seconds between two looks with --watch."""
PATIENCE = 1.0
"""Seconds until a progress bar appears."""
INTERRUPTED = 130
"""The exit code after Ctrl-C."""
COUNTED = [name for name, row in CHECK_FORMATS.items() if row.statistics or not row.machine]
"""Formats that --statistics goes with."""
ANNOTATIONS = "github"
"""The format that GitHub Actions takes out of its log, where the text for people stands too."""


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
    shape: Inputs
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
        in_text = DEFAULT_FORMAT in shown or (on_actions() and ANNOTATIONS in shown)
        task = self.task(configurations)._replace(mark_fixable=in_text and not self.fix)
        baselines = _baselines(searched, task, updating=self.update_baseline)
        written = True
        if self.fix:
            from convcalc.cli.fixing import fix_files

            written = fix_files(searched.files, task)
        code = _checked(self, searched, task, baselines, configurations)
        return code if written or code == INTERRUPTED else 2

    def look(self) -> tuple[list[str], Callable[[], int]]:
        """The files that matter now, configurations and baselines among them, and their check."""
        configurations = self.configurations()
        searched = self.search(configurations)
        besides = [
            file
            for settings in configurations.used(governed(searched, self.stdin_filename))
            for file in (settings.path, settings.baseline)
            if file
        ]
        return [*searched.files, *besides], lambda: self.check(searched, configurations)


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
    checked = seen(checked, findings)
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
    note_excluded(searched.excluded, configurations)
    for path, key in configurations.unheeded(files):
        where = configurations.run.path or "the default"
        click.echo(
            f"convcalc: {path}: {key} belongs to the run, and this one's is that of {where}",
            err=True,
        )
    note_foreign(searched.foreign)
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


def note_excluded(excluded: Sequence[tuple[str, str]], configurations: Configurations) -> None:
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


def note_foreign(files: Sequence[str]) -> None:
    """Say how many networks from elsewhere a folder holds that are not checked."""
    if files:
        some = ", ".join(files[:3]) + (", …" if len(files) > 3 else "")
        are = "is" if len(files) == 1 else "are"
        click.echo(
            f"convcalc: {plural(len(files), 'file')} from elsewhere {are} left out: {some}; name "
            f"{'it' if len(files) == 1 else 'them'}, or a glob such as "
            f"'{os.path.join(os.path.dirname(files[0]), '*.onnx')}'",
            err=True,
        )


def governed(searched: Found, stdin: str | None) -> list[str]:
    """The files of a run, by the names that decide on their configuration."""
    return [stdin or file if file == "-" else file for file in searched.files]


def watch_files(look: Callable[[], tuple[list[str], Callable[[], int]]]) -> NoReturn:
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


def on_actions() -> bool:
    """Whether it runs under GitHub Actions, whose log takes annotations."""
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
    annotates = on_actions()
    name = settings.format or DEFAULT_FORMAT
    if annotates and name == ANNOTATIONS:  # its log shows the text, its annotations the rest
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
    if left_out and name not in COUNTED:
        click.echo(f"convcalc: {not_looked_at(left_out)}", err=True)
    if not files and not row.machine:
        pass  # why there is nothing is said after
    elif request.statistics and not row.statistics:
        from convcalc.formats.check.text import statistics

        write(statistics(report, short=row.short, color=colored))
    else:
        write(_rendered(name, report, color=colored), machine=row.machine)
    if annotates and settings.format in (None, ANNOTATIONS):
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


def _baselines(searched: Found, task: Task, *, updating: bool) -> "dict[str, Baseline | None]":
    """The baselines of the files; None where there is none yet."""
    paths = dict.fromkeys(task.of(file).baseline for file in governed(searched, task.filename))
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
