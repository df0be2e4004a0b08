"""`convcalc diff`: what became of a network, and whether it grew too much."""

import re
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import NamedTuple

import click

from convcalc.analysis.compare import TOTALS, Comparison, compare
from convcalc.checks.revision import RevisionError, Revisions, revisions, sides
from convcalc.cli.options import (
    FILE,
    STANDARD,
    Inputs,
    network_options,
    output_options,
    refuse_beside_standard,
    size_options,
)
from convcalc.cli.output import Output, colors, write_file, write_made
from convcalc.diagnostics import Diagnostic
from convcalc.formats.diff import DIFF_FORMATS
from convcalc.graph import Network, read, read_opened
from convcalc.spec.promises import amount
from convcalc.spec.source import Opened

_POWER = re.compile(r"\d{1,18}(?:\.\d{1,12})?[eE]\+?\d{1,2}", re.ASCII)


class Limit(NamedTuple):
    """How much a total may grow."""

    name: str
    """Which total it limits, one of `TOTALS`."""
    text: str
    """What was written behind `=`, as messages show it."""
    share: Fraction | None
    """How much it may grow as a part of what it was; None where `most` says how much."""
    most: int
    """How much it may grow in its own unit: values, MACs or bytes."""

    def allows(self, comparison: Comparison) -> bool:
        """Whether the total grew no more than this."""
        delta = comparison.total(self.name)
        if delta is None:
            named = self.name.replace("_", " ")
            why = dict(comparison.unknown).get(self.name)
            message = f"there is no {named} for this data type"
            if why is not None:
                message = f"the {named} cannot be held to {self.text}: {_why(why)}"
            raise click.UsageError(message)
        allowed = self.most if self.share is None else self.share * delta.old
        return delta.difference <= allowed


class Pair(NamedTuple):
    """What is compared."""

    old: Network
    """The network as it was, at the earlier revision or in the first spec."""
    new: Network
    """The network as it is, at the later revision or in the second spec."""
    fresh: bool = False
    """Whether there was none before, so that limits on its growth mean nothing."""
    note: str = ""
    """What is said of a side that there is none of."""


def _limits(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> tuple[Limit, ...]:
    """NAME=LIMIT, the limit in per cent or as a number."""
    limits: list[Limit] = []
    for value in values:
        name, _, text = value.partition("=")
        name, text = name.strip().replace("-", "_"), text.strip()
        percent = text.endswith("%")
        number = amount(text.removesuffix("%").strip() + ("M" if percent else ""), round_up=False)
        if _POWER.fullmatch(text):
            number = int(Fraction(text))
        if name not in TOTALS or number is None:
            message = (
                f"{value!r} is not NAME=LIMIT, such as parameters=1% or macs=10M; names are "
                f"{', '.join(TOTALS)}"
            )
            raise click.BadParameter(message, ctx, param)
        if text.endswith("B") and name not in ("activation_bytes", "memory", "training_memory"):
            count = text[:-1].strip()
            count += "G" if count[-1:].isdigit() else ""  # B, as in billion
            message = f"{value!r} is in bytes, and {name} is a count: write {name}={count}"
            raise click.BadParameter(message, ctx, param)
        share = Fraction(number, 100 * 10**6) if percent else None
        for before in limits:  # a share and a number are two limits
            if (before.name, before.share is None) == (name, share is None) and before.text != text:
                message = f"{name} is given twice, as {before.text} and as {text}"
                raise click.BadParameter(message, ctx, param)
        limits.append(Limit(name, text, share, number))
    return tuple(limits)


@click.command("diff")
@click.argument("specs", nargs=-1, required=True, metavar="OLD NEW")
@click.option(
    "--git",
    "revision",
    metavar="REV",
    help="Compare each SPEC with what it was at a git revision, or its states at two: A..B.",
)
@network_options
@size_options
@output_options(DIFF_FORMATS, "convcalc.formats.diff")
@click.option(
    "--fail-on-increase",
    "limits",
    multiple=True,
    callback=_limits,
    metavar="NAME=LIMIT",
    help="Exit with 1 when a total grew by more: parameters=1%, macs=10M; repeatable.",
)
@click.option(
    "--draw",
    "file",
    type=FILE,
    metavar="FILE",
    help="Draw both as one graph to a new file, too, what changed marked: .svg, .png, .mmd, .tex; "
    "- is SVG on standard output, and nothing else there.",
)
@click.option("--force", is_flag=True, help="Write over the FILE of --draw if it is there.")
@click.pass_context
def command(
    ctx: click.Context,
    specs: tuple[str, ...],
    revision: str | None,
    shape: Inputs,
    settings: tuple[tuple[str, str], ...],
    batch: int,
    dtype: str,
    output: Output,
    limits: tuple[Limit, ...],
    file: str | None,
    *,
    force: bool,
) -> None:
    """Show layers added, removed and changed, and what that does to the totals.

    Compares OLD with NEW, or with --git each SPEC with an earlier revision of itself. Of a spec, or
    a member of a family, that only one side has all is new, and may be as large as it is, or all
    is gone. Exit codes: 0 fine, 1 grown by more than --fail-on-increase or errors in a spec, 2
    could not run.

    \b
    Examples:
      convcalc diff vgg16 vgg19
      convcalc diff --git main net.yaml --format markdown --fail-on-increase parameters=1%
      convcalc diff --git v1.0..v2.0 net.yaml
      convcalc diff vgg16 vgg19 --draw changes.svg
    """
    if force and file in (None, STANDARD):
        raise click.UsageError("--force is about the FILE of --draw, and none is named")
    if file == STANDARD:
        refuse_beside_standard(ctx, "--draw")
    if file is not None and revision is not None and len(specs) > 1:
        raise click.UsageError(f"--draw is about one SPEC, and {len(specs)} are given")
    if revision is None and len(specs) != 2:
        message = f"{len(specs)} given: name OLD and NEW, or --git REV and a SPEC"
        raise click.UsageError(message)
    if specs.count("-") > 1:
        message = "standard input can be read once, and - is given twice"
        raise click.UsageError(message)
    read_one = partial(read_opened, input=shape, parameters=dict(settings))
    if revision is None:
        old, new = (read(spec, input=shape, parameters=dict(settings)) for spec in specs)
        pairs = [Pair(old, new)]
    else:
        try:
            between = revisions(revision)
            pairs = [_since(spec, between, read_one, limited=bool(limits)) for spec in specs]
        except RevisionError as error:
            raise click.UsageError(str(error)) from None
    failed = list(
        dict.fromkeys(
            error for pair in pairs for side in (pair.old, pair.new) for error in side.errors
        )
    )
    if failed:
        output.end((), failed)
    comparisons = [compare(pair.old, pair.new, batch=batch, dtype=dtype) for pair in pairs]
    texts: list[str] = []
    for one in comparisons:
        options: dict[str, object] = {"color": colors(sys.stdout)}
        if output.format.form == "rows":
            options.update(header=not texts, several=len(comparisons) > 1)
        texts.append(output.renderer.render(one, **options))
    if file is not None:
        _draw(file, pairs[0], comparisons[0], force=force)
    before = [one for one, pair in zip(comparisons, pairs, strict=True) if not pair.fresh]
    grown = _grown(before, limits)
    unknown = [
        f"{name.replace('_', ' ')} is not compared: {_why(diagnostic)}"
        for one in comparisons
        for name, diagnostic in one.unknown
    ]
    notes = [*(pair.note for pair in pairs if pair.note), *unknown, *grown]
    shown = [] if file == STANDARD else texts
    output.end(shown, notes=[f"convcalc: {note}" for note in notes], failed=bool(grown))


def _draw(file: str, pair: Pair, comparison: Comparison, *, force: bool) -> None:
    """Write the picture of what changed."""
    from convcalc.cli.pictured import format_of, picture
    from convcalc.pictures.changed import scene

    to = "svg" if file == STANDARD else format_of(file)
    made = picture(scene(pair.old, pair.new, comparison), to)
    if file == STANDARD:
        write_made(made)
    else:
        write_file(file, made, over=force)


def _since(
    spec: str, between: Revisions, read_one: Callable[[Opened], Network], *, limited: bool
) -> Pair:
    """What became of a spec; of one that a side lacks all is new, or all is gone.

    Raises `RevisionError` where git cannot say.
    """
    old, new = (None if side is None else read_one(side) for side in sides(spec, between))
    if old is not None and new is not None:
        return Pair(old, new)
    if new is not None:
        note = ", and limits on growth are not held against it" if limited else ""
        note = f"{spec} is not in {between.old}: all of it is new{note}"
        return Pair(_nothing(new, f"{spec}@{between.old}"), new, fresh=True, note=note)
    assert old is not None  # noqa: S101 (for the type checker)
    where = "there any more" if between.new is None else f"in {between.new}"
    path = spec if between.new is None else f"{spec}@{between.new}"
    return Pair(old, _nothing(old, path), note=f"{spec} is not {where}: all of it is gone")


def _grown(comparisons: Sequence[Comparison], limits: Sequence[Limit]) -> list[str]:
    """A note for each total that grew by more than it may."""
    notes = []
    for comparison in comparisons:
        for limit in limits:
            delta = comparison.total(limit.name)
            if limit.allows(comparison) or delta is None:
                continue
            share = f" ({delta.ratio:.2%})" if delta.ratio is not None else ""
            notes.append(
                f"{comparison.new.path}: {limit.name.replace('_', ' ')} grew by "
                f"{delta.difference:,}{share}, and {limit.text} is allowed"
            )
    return notes


def _why(diagnostic: Diagnostic) -> str:
    """Why a total is unknown, in one line that says where."""
    return f"{diagnostic.where}: {diagnostic.message}"


def _nothing(network: Network, path: str) -> Network:
    """A network without layers, with the input of another."""
    count = len(network.inputs)
    return network._replace(
        path=path,
        nodes=network.nodes[:count],
        plans=network.plans[:count],
        lines=network.lines[:count],
        outputs=network.inputs,
        output_names=(),
        groups=(),
        diagnostics=(),
    )
