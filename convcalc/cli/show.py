"""`convcalc show`: the text of a spec, to read or to start from."""

import click

from convcalc.cli.options import new_file_options, refuse_idle_force
from convcalc.cli.output import write, write_file, write_findings
from convcalc.diagnostics import Diagnostic, exit_code
from convcalc.spec.bundled import bundled_names, find_bundled
from convcalc.spec.source import Opened, open_spec


def _completed(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Bundled names that begin so."""
    del ctx, param
    return [name for name in bundled_names() if name.startswith(incomplete)]


@click.command("show")
@click.argument("spec", metavar="SPEC", shell_complete=_completed)
@new_file_options("Write it to a new file, to start a network of your own from")
@click.pass_context
def command(ctx: click.Context, spec: str, file: str | None, *, force: bool) -> None:
    """Print the text of a spec: a bundled architecture's, or a file's as it is.

    Of a member of a family, as resnet34, resnet#34 or net.yaml#small, the spec is that member's
    own: its preset's values stand in their places, and the other presets are left out.

    \b
    Examples:
      convcalc show vgg16
      convcalc show resnet34 -o net.yaml
    """
    refuse_idle_force(file, force=force)
    opened = open_spec(spec, find_bundled)
    text, problems = opened.text.content, opened.problems
    if opened.preset and not problems:
        text, problems = _of_member(opened)
    if problems:
        write_findings(problems)
        ctx.exit(exit_code(problems))
    if file is None:
        write(text, machine=True)
    else:
        write_file(file, text, over=force)


def _of_member(opened: Opened) -> tuple[str, tuple[Diagnostic, ...]]:
    """The text of one member's spec; the findings where there is none."""
    from convcalc.checks.ignores import without_idle
    from convcalc.checks.run import Task, check_text
    from convcalc.graph import SpecError, parse, read_opened
    from convcalc.spec.members import member
    from convcalc.spec.text import SourceText

    try:
        spec = parse(opened.text.content, path=opened.name)
        text = SourceText(opened.name, member(spec, opened.preset).to_yaml())
        return without_idle(text, check_text(text, Task()).diagnostics), ()
    except SpecError as error:
        return "", error.diagnostics
    except KeyError:  # which reading it says, with what there is
        return "", read_opened(opened).errors
