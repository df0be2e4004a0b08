"""`convcalc import`: the spec of a network from elsewhere, as YAML."""
# ruff: noqa: N999 (a command is in the module of its name, which is imported by that)

import os
import sys

import click

from convcalc.cli.options import (
    Inputs,
    Word,
    input_option,
    new_file_options,
    refuse_idle_force,
)
from convcalc.cli.output import write, write_file, write_findings
from convcalc.diagnostics import exit_code
from convcalc.exchange import FORMATS, READ, imported
from convcalc.exchange.foreign import Imported, diagnostics, refused
from convcalc.graph import as_written
from convcalc.spec.bundled import find_bundled
from convcalc.spec.source import Opened, open_spec
from convcalc.spec.tree import Spec


def _written(made: Imported, spec: Spec, *, flat: bool) -> str:
    """A spec as YAML, folded unless it is to be flat."""
    if flat:
        return spec.to_yaml()
    from convcalc.spec.fold import fold

    return fold(spec, made.scopes(), told=made.said).to_yaml()


def _refusal(opened: Opened) -> Imported:
    """What is said of a file that is of no format that is known."""
    titles = " or ".join(FORMATS[name].title for name in READ)
    spec = None if opened.head else as_written(opened.text).spec
    if spec is None or "layers" not in spec:
        return refused("CC101", f"is no {titles} file, by what it begins with")
    bundled = not os.path.lexists(opened.text.path)
    what = "the bundled architecture of that name, a spec already" if bundled else "a spec already"
    advice = f"`convcalc show {opened.name}` prints it" if bundled else "every command takes it"
    return refused(
        "CC101",
        f"is no {titles} file: it is {what}",
        f"{advice}; `convcalc fold` writes it shorter",
    )


@click.command("import")
@click.argument("file", metavar="FILE")
@input_option
@click.option(
    "--from",
    "name",
    type=Word(READ),
    help="What the FILE is; told by its content unless given.",
)
@new_file_options("Write the spec to a new file", "target", "SPEC")
@click.option("--flat", is_flag=True, help="Write one item a layer, without blocks and repeats.")
def command(
    file: str,
    shape: Inputs,
    name: str | None,
    target: str | None,
    *,
    flat: bool,
    force: bool,
) -> None:
    """Print the spec of a network that comes from elsewhere, such as an ONNX file.

    Every command takes such a FILE where it takes a SPEC; this shows what it is taken for, with
    what comes again written once, as `convcalc fold` writes it. What a
    spec cannot say is a finding, of which all are shown, and the rest is imported: the exit code
    is 1 then, and 2 where the file could not be read.

    \b
    Examples:
      convcalc import model.onnx
      convcalc import model.onnx -o model.yaml
      convcalc import dynamic.onnx --input 224x224x3
    """
    refuse_idle_force(target, "SPEC", force=force)
    opened = open_spec(file, find_bundled)
    made = imported(opened, shape, name=name or "")
    if made is None:
        if opened.problems and not opened.head:
            write_findings(opened.problems)
            sys.exit(exit_code(opened.problems))
        made = _refusal(opened)
    findings = diagnostics(opened, made)
    if made.spec is not None:
        text = _written(made, made.spec, flat=flat)
        if target is None:
            write(text, machine=True)
        else:
            write_file(target, text, over=force)
    for note in made.notes:
        click.echo(f"convcalc: {note}", err=True)
    write_findings(findings, below=target is None and made.spec is not None)
    sys.exit(exit_code(findings))
