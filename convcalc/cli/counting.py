"""`convcalc analyze` with --count, --why and --whose: other tools' counts, and how they come."""

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import click

from convcalc.analysis.conventions import (
    CONVENTIONS,
    Conditions,
    Count,
    counted,
    with_count,
)
from convcalc.analysis.conventions.whose import published, whose
from convcalc.cli.output import Output, colors
from convcalc.diagnostics import ArgumentError, Diagnostic
from convcalc.formats.counts import Sheet, of_bridge, of_owners, of_tools
from convcalc.graph import Network

if TYPE_CHECKING:
    from convcalc.analysis.report import Report

ALL = "all"
"""What stands for all tools."""
NEEDS = "--count, --why or --whose"
"""What options about other tools' counts go with."""


class Asked(NamedTuple):
    """What is asked about other tools' counts."""

    tool: str | None
    """The tool, or all; None where it is asked whose a number is."""
    why: bool
    """Whether the bridge is asked for."""
    by_layer: bool
    """Whether each term of it is asked for by layer."""
    text: str | None
    """The number that it is asked about whose it is; None where that is not asked."""
    of_parameters: bool
    """Whether that is one of parameters."""
    given: Conditions
    """What the counts are for."""

    @property
    def every(self) -> bool:
        """Whether all tools are named, by one word."""
        return self.tool == ALL

    @property
    def tools(self) -> list[str]:
        """The tools that are asked about."""
        return [*CONVENTIONS] if self.tool is None or self.every else [self.tool]

    @property
    def apart(self) -> bool:
        """Whether the answer is a table of its own, and no column of the layers'."""
        return self.why or self.text is not None or self.every


def asked(
    tool: str | None,
    why: str | None,
    text: str | None,
    given: Conditions,
    *,
    by_layer: bool,
    of_parameters: bool,
    mode: str | None,
) -> Asked:
    """What the options ask; those that would be without effect are refused."""
    if why and why not in (*CONVENTIONS, ALL):
        message = (
            f"--why {why}: no tool is called so; a SPEC stands before --why, or write --why=TOOL, "
            f"of {', '.join(CONVENTIONS)}, {ALL}"
        )
        raise click.UsageError(message)
    if why and tool and why != tool:
        message = f"--why {why} and --count {tool} are two tools; write --why={why} alone"
        raise click.UsageError(message)
    if why == "" and not tool:
        message = "--why leads to a tool's number: write --why=fvcore, or --count fvcore --why"
        raise click.UsageError(message)
    if text is not None and (tool or why is not None):
        option = "--count" if tool else "--why"
        message = f"--whose asks of all tools; leave {option} out"
        raise click.UsageError(message)
    if by_layer and why is None:
        message = "--by-layer is of the terms of --why"
        raise click.UsageError(message)
    if of_parameters and text is None:
        message = "--parameters says what --whose asks about"
        raise click.UsageError(message)
    if text is not None:
        try:
            published(text)
        except ArgumentError as error:
            raise click.UsageError(f"--whose: {error}") from None
    if given.no_grad and given.mode == "train":
        message = "--no-grad is without effect with --mode train, in which no fast path is taken"
        raise click.UsageError(message)
    of_operations = {
        "--batch": given.batch > 1,
        "--mode": mode is not None,
        "--no-grad": given.no_grad,
    }
    for option, there in of_operations.items():
        if of_parameters and there:
            message = f"{option} is without effect on a number of parameters"
            raise click.UsageError(message)
    is_asked = Asked(tool or why, why is not None, by_layer, text, of_parameters, given)
    for mind, option, there in (
        ("train", "--mode", mode is not None),
        ("no_grad", "--no-grad", given.no_grad),
    ):
        minding = [each for each, row in CONVENTIONS.items() if mind in row.minds]
        if there and not {*minding} & {*is_asked.tools}:
            message = (
                f"{option} is without effect on {is_asked.tool}: it is of {', '.join(minding)}"
            )
            raise click.UsageError(message)
    return is_asked


def with_column(report: "Report", is_asked: Asked) -> "Report":
    """A report with the count of a tool, where there are no errors."""
    network = report.network
    if network is None or network.errors:
        return report
    return with_count(report, counted(network, is_asked.tools[0], is_asked.given))


def answer(networks: Iterable[Network], is_asked: Asked, output: Output) -> NoReturn:
    """Write the tables that are asked for, and what was found in the networks."""
    render = output.within("counts").render
    diagnostics: list[Diagnostic] = []
    texts: list[str] = []
    failed = False
    listed = [*networks]
    sheets: list[Sheet] = []
    for network in listed:
        diagnostics.extend(network.diagnostics)
        if network.errors:
            continue
        made, without = _sheets(network, is_asked)
        sheets += made
        failed |= without
    for sheet in sheets:
        several = len(listed) > 1
        texts.append(render(sheet, header=not texts, several=several, color=colors(sys.stdout)))
    notes = [] if not output.format.data else [note for each in sheets for note in each.notes]
    output.end(texts, diagnostics, notes=notes, failed=failed)


def _sheets(network: Network, is_asked: Asked) -> tuple[Sequence[Sheet], bool]:
    """The tables about a network, and whether something that was asked for has no answer."""
    if is_asked.text is not None:
        given = is_asked.given._asdict()
        owners = whose(network, is_asked.text, of_parameters=is_asked.of_parameters, **given)
        return [of_owners(owners)], False
    counts: list[Count] = [counted(network, tool, is_asked.given) for tool in is_asked.tools]
    failed = all(each.total is None for each in counts)
    if is_asked.why:
        return [of_bridge(each, by_layer=is_asked.by_layer) for each in counts], failed
    return [of_tools(counts)], failed
