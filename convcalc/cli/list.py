"""`convcalc list`: the bundled architectures."""

import json

import click

from convcalc.analysis import analyze
from convcalc.cli.options import output_options
from convcalc.cli.output import Output
from convcalc.formats import Format
from convcalc.formats.plain import aligned
from convcalc.graph import load
from convcalc.numbers import grouped, scaled
from convcalc.spec.bundled import bundled_architectures

LIST_FORMATS = {
    "plain": Format("Aligned text.", "text"),
    "names": Format("Names alone, one a line.", "text"),
    "json": Format("Everything, as a list.", "values"),
}
"""The formats of `list`, which are made here."""


@click.command("list")
@click.argument("patterns", nargs=-1, metavar="[TEXT]...")
@output_options(LIST_FORMATS, default="plain", text="How to show them; names alone take no time")
def command(patterns: tuple[str, ...], output: Output) -> None:
    """List the bundled architectures with input, parameters, MACs and year.

    With TEXTs, only those whose names hold one of them.

    \b
    Example: convcalc list resnet
    """
    names = [
        name
        for name in bundled_architectures()
        if not patterns or any(text.lower() in name for text in patterns)
    ]
    if not names:
        raise click.UsageError(f"no architecture's name holds {' or '.join(map(repr, patterns))}")
    if output.name == "names":
        output.end(["".join(f"{name}\n" for name in names)])
    entries = []
    for name in names:
        network = load(name)
        totals = analyze(network).totals
        entries.append(
            {
                "name": name,
                "input": ", ".join(
                    str(network.shape_of(index)).replace("×", "x") for index in network.inputs
                ),
                "parameters": totals.parameters,
                "macs": totals.macs,
                "year": network.year,
                "reference": network.reference,
            }
        )
    if output.format.form == "values":
        output.end([json.dumps(entries, indent=1, ensure_ascii=False) + "\n"])
    cells = [["Name", "Input", "Parameters", "MACs", "Year"]]
    for entry in entries:
        label, shape, parameters, macs, year, _ = entry.values()
        assert isinstance(parameters, int)  # noqa: S101 (for the type checker)
        assert isinstance(macs, int)  # noqa: S101
        cells.append([str(label), str(shape), grouped(parameters), scaled(macs), str(year or "")])
    output.end(["\n".join(aligned(cells, [False, True, True, True, True])) + "\n"])
