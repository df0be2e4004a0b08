"""`convcalc fold`: a spec with what comes again written once, or one item a layer."""

from collections.abc import Sequence
from io import StringIO
from typing import NamedTuple

import click

from convcalc.cli.options import new_file_options, refuse_idle_force
from convcalc.cli.output import (
    write,
    write_file,
    write_findings,
    write_verbatim,
)
from convcalc.diagnostics import Diagnostic, exit_code
from convcalc.exchange import imported
from convcalc.exchange.foreign import Imported, diagnostics
from convcalc.numbers import plural
from convcalc.spec.bundled import find_bundled
from convcalc.spec.source import Opened, open_spec


class _Made(NamedTuple):
    """The text of a spec, and what became of it."""

    before: str
    """The spec as it was; of a file from elsewhere one item a layer."""
    after: str
    """The spec as it is now; empty where there is none."""
    problems: Sequence[Diagnostic] = ()
    """Why there is none, or what a spec cannot say of a file from elsewhere."""


@click.command("fold")
@click.argument("spec", metavar="SPEC")
@new_file_options("Write it to a new file")
@click.option(
    "--flat",
    is_flag=True,
    help="The other way: one item a layer, without blocks, repeats and expressions.",
)
@click.option(
    "--names", is_flag=True, help="With --flat: each layer says as its origin what it was called."
)
@click.option(
    "--check", is_flag=True, help="Only say whether it would change; the exit code is 1 then."
)
@click.option("--diff", is_flag=True, help="Show what would change; the exit code is as --check's.")
@click.pass_context
def command(
    ctx: click.Context,
    spec: str,
    file: str | None,
    *,
    force: bool,
    flat: bool,
    names: bool,
    check: bool,
    diff: bool,
) -> None:
    """Write a spec with what comes again in it written once: blocks, repeats and defaults.

    The network stays what it is, layer by layer, and comments stay; what items are called may
    change. Layers that say where they come from go on saying so, beside items or in a list at the
    end. SPEC is a path, - for standard input, a bundled architecture or a
    member of a family; of a file from elsewhere, such as an ONNX file, it is what `convcalc import`
    makes of it.

    Exit codes: 0 done, 1 errors in the spec, or with --check or --diff something to do, 2 could
    not run.

    \b
    Examples:
      convcalc fold net.yaml -o folded.yaml
      convcalc fold --diff net.yaml
      convcalc fold --flat resnet152 | convcalc fold -
    """
    refuse_idle_force(file, force=force)
    said = ctx.get_parameter_source("file") is click.core.ParameterSource.COMMANDLINE
    if said and (check or diff):
        option = "--check" if check else "--diff"
        raise click.UsageError(f"{option} writes no spec, and --output says where to")
    if check and diff:
        raise click.UsageError("--diff shows what --check says: give one of the two")
    if names and not flat:
        raise click.UsageError("--names is for --flat: folding gives names of its own")
    made = _made(open_spec(spec, find_bundled), flat=flat, names=names)
    if not made.after:
        write_findings(made.problems)
        ctx.exit(exit_code(made.problems))
    if diff:
        _show_changes(made, spec)
    elif check and made.before != made.after:
        lines = [len(each.splitlines()) for each in (made.before, made.after)]
        write(f"Would fold: {spec}, {plural(lines[0], 'line')} to {lines[1]:,}\n")
    elif file is not None:
        write_file(file, made.after, over=force)
    elif not check:
        write(made.after, machine=True)
    write_findings(made.problems, below=file is None and not check)
    changes = (check or diff) and made.before != made.after
    ctx.exit(max(exit_code(made.problems), int(changes)))


def _made(opened: Opened, *, flat: bool, names: bool) -> _Made:
    """The spec that was asked for."""
    from convcalc.graph import SpecError, parse, read_opened
    from convcalc.spec.fold import fold
    from convcalc.spec.members import member
    from convcalc.spec.unfold import unfolded

    before = opened.text.content
    if opened.head and (foreign := imported(opened)) is not None:
        return _of_foreign(opened, foreign, flat=flat)
    if opened.problems:
        return _Made(before, "", problems=opened.problems)
    network = read_opened(opened, input=None, parameters=None)
    if network.errors:
        return _Made(before, "", problems=network.diagnostics)
    try:
        spec = parse(before, path=opened.name)
    except SpecError as error:
        return _Made(before, "", problems=error.diagnostics)
    if opened.preset:
        spec = member(spec, opened.preset)
        before = spec.to_yaml()
    try:
        if flat:
            written = unfolded(spec, names=names)
            return _Made(before, (spec if written is None else written).to_yaml())
        return _Made(before, fold(spec).to_yaml())
    except ValueError as error:  # nested deeper than a spec can be
        message = f"{opened.name}: {error}"
        raise click.UsageError(message) from None


def _of_foreign(opened: Opened, made: Imported, *, flat: bool) -> _Made:
    """What there is of a file from elsewhere."""
    from convcalc.spec.fold import fold

    problems = [
        each._replace(help=f"`convcalc import {opened.name} --input 224x224x3` says it")
        if each.code == "CC603"
        else each
        for each in diagnostics(opened, made)
    ]
    if made.spec is None:
        return _Made("", "", problems=problems)
    before = made.spec.to_yaml()
    if flat:
        return _Made(before, before, problems=problems)
    return _Made(before, fold(made.spec, made.scopes(), told=made.said).to_yaml(), problems)


def _show_changes(made: _Made, path: str) -> None:
    """A patch of what would change."""
    from difflib import unified_diff

    before, after = (StringIO(each, newline="\n").readlines() for each in (made.before, made.after))
    lines = unified_diff(before, after, f"a/{path}", f"b/{path}")
    write_verbatim(
        "".join(
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
            for line in lines
        )
    )
