"""`convcalc diff`: what became of a network, and whether it grew too much."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import click

from convcalc.analysis.compare import TOTALS, Comparison, compare
from convcalc.cli.options import network_options, output_options, size_options
from convcalc.cli.output import Output, colors
from convcalc.findings import Findings
from convcalc.formats.diff import DIFF_FORMATS
from convcalc.graph import INPUT, Network, read, read_opened
from convcalc.shape import Shape
from convcalc.spec.bundled import find_bundled
from convcalc.spec.promises import amount
from convcalc.spec.source import MAX_BYTES, MapNode, Opened, compose, open_spec
from convcalc.spec.text import SourceText

SECONDS = 60
"""Longest that git may take."""


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
            message = f"there is no {self.name.replace('_', ' ')} for this data type"
            raise click.UsageError(message)
        allowed = self.most if self.share is None else self.share * delta.old
        return delta.difference <= allowed


def _limits(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> tuple[Limit, ...]:
    """NAME=LIMIT, the limit in per cent or as a number."""
    found = []
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
        found.append(Limit(name, text, share, number))
    return tuple(found)


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
@output_options(DIFF_FORMATS, "convcalc.formats.diff", default="table")
@click.option(
    "--fail-on-increase",
    "limits",
    multiple=True,
    callback=_limits,
    metavar="NAME=LIMIT",
    help="Exit with 1 when a total grew by more: parameters=1%, macs=10M; repeatable.",
)
def command(
    specs: tuple[str, ...],
    revision: str | None,
    shape: Shape | None,
    settings: tuple[tuple[str, str], ...],
    batch: int,
    dtype: str,
    output: Output,
    limits: tuple[Limit, ...],
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
    """
    if revision is None and len(specs) != 2:
        message = f"{len(specs)} given: name OLD and NEW, or --git REV and a SPEC"
        raise click.UsageError(message)
    if specs.count("-") > 1:
        message = "standard input can be read once, and - is given twice"
        raise click.UsageError(message)
    given = dict(settings)
    fresh: list[str] = []
    notes: list[str] = []
    pairs: list[tuple[Network, Network]] = []
    if revision is None:
        old, new = (read(spec, input=shape, parameters=given) for spec in specs)
        pairs.append((old, new))
    else:
        first, dots, last = revision.partition("..")
        if last.startswith("."):
            message = f"{revision!r} has three dots: two revisions are written {first}..{last[1:]}"
            raise click.UsageError(message)
        first, last = first or "HEAD", last or "HEAD"
        for spec in specs:
            sides = (_at_revision(spec, first), _at_revision(spec, last) if dots else _now(spec))
            before, after = (
                None if side is None else read_opened(side, input=shape, parameters=given)
                for side in _where_it_is(spec, first, *sides)
            )
            if before is None and after is not None:
                fresh.append(after.path)
                note = ", and limits on growth are not held against it" if limits else ""
                notes.append(f"{spec} is not in {first}: all of it is new{note}")
                before = _nothing(after, f"{spec}@{first}")
            elif after is None and before is not None:
                where = f"in {last}" if dots else "there any more"
                notes.append(f"{spec} is not {where}: all of it is gone")
                after = _nothing(before, f"{spec}@{last}" if dots else spec)
            assert before is not None  # noqa: S101 (for the type checker)
            assert after is not None  # noqa: S101
            pairs.append((before, after))
    errors = (found for pair in pairs for network in pair for found in network.errors)
    failed = list(dict.fromkeys(errors))
    if failed:
        output.end((), failed)
    comparisons = [compare(old, new, batch=batch, dtype=dtype) for old, new in pairs]
    texts = [output.renderer.render(one, color=colors(sys.stdout)) for one in comparisons]
    grown = _grown([one for one in comparisons if one.new.path not in fresh], limits)
    notes = [f"convcalc: {note}" for note in [*notes, *grown]]
    output.end(texts, notes=notes, failed=bool(grown))


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


def _nothing(network: Network, path: str) -> Network:
    """A network without layers, with the input of another."""
    return network._replace(
        path=path, nodes=(), plans=(), lines=(), output=INPUT, groups=(), diagnostics=()
    )


def _where_it_is(
    spec: str, revision: str, old: Opened | None, new: Opened | None
) -> tuple[Opened | None, Opened | None]:
    """The two sides of a comparison, None where a file or member of a family is missing."""
    if old is None and new is None:
        message = f"git cannot show {spec} at {revision}: there is no such file"
        raise click.UsageError(message)
    there = [side is not None and not _lacks_member(side) for side in (old, new)]
    if not any(there):  # which is a finding in the one that there is
        return old or new, new or old
    return (old if there[0] else None), (new if there[1] else None)


def _lacks_member(opened: Opened) -> bool:
    """Whether a family can be read and has not the member that is asked for."""
    root = compose(opened.text, Findings(opened.text)) if opened.preset else None
    if not isinstance(root, MapNode):
        return False
    presets = root.entries.get("presets")
    return not isinstance(presets, MapNode) or opened.preset not in presets.entries


def _now(spec: str) -> Opened | None:
    """A spec as it is in the working tree; None where there is none."""
    file, sign, _ = spec.rpartition("#") if not os.path.lexists(spec) else (spec, "", "")
    if not os.path.lexists(file if sign else spec):
        return None
    return open_spec(spec, find_bundled)


def _at_revision(spec: str, revision: str) -> Opened | None:
    """A spec as it was at a git revision; None where there was none."""
    file, sign, preset = spec.rpartition("#") if not os.path.lexists(spec) else (spec, "", "")
    file = file if sign or not preset else spec
    if revision.startswith("-"):
        message = f"{revision!r} is no revision"
        raise click.UsageError(message)
    if spec == "-" or "\n" in f"{revision}{file}":
        message = f"{spec!r} is no file that git keeps: name a file with --git"
        raise click.UsageError(message)
    if os.path.isdir(file):
        message = (
            f"{file} is a folder: name the specs in it, such as {os.path.join(file, '*.yaml')}"
        )
        raise click.UsageError(message)
    folder, name = os.path.split(file)
    while folder and not os.path.isdir(folder):  # it may be gone since
        folder, part = os.path.split(folder)
        name = f"{part}/{name}"
    text = f"{revision}:./{name}\n".encode("utf-8", "surrogateescape")
    head, _, content = _git(folder, ["cat-file", "--batch", "--follow-symlinks"], text).partition(
        b"\n"
    )
    found = re.fullmatch(rb"[0-9a-f]+ blob (\d+)", head)
    if found is None:
        commit = ["rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"]
        known = bool(_git(folder, commit, b"", fails=True))
        if known and head.endswith(b" missing"):
            return None
        reason = "it is no file there" if known else "there is no such revision"  # a link, a folder
        if not known and _git(folder, ["rev-parse", "--is-shallow-repository"], b"") == b"true\n":
            reason += (
                " in this shallow clone; fetch the history: `git fetch --unshallow`, or "
                "`fetch-depth: 0` for actions/checkout"
            )
        message = f"git cannot show {file} at {revision}: {reason}"
        raise click.UsageError(message)
    data = content[: int(found[1])][: MAX_BYTES + 1]
    shown = f"{spec}@{revision}"
    written = SourceText(shown, data.decode("utf-8-sig", "replace"))
    return Opened(shown, written, preset if sign else "")


def _git(folder: str, arguments: Sequence[str], text: bytes, *, fails: bool = False) -> bytes:
    """What git prints; where it may fail, nothing then."""
    git = shutil.which("git")
    if git is None:
        message = "--git needs git, and there is none"
        raise click.UsageError(message)
    try:
        result = subprocess.run(  # noqa: S603 (arguments, never a shell)
            [git, "-C", folder or ".", *arguments],
            input=text,
            capture_output=True,
            check=False,
            timeout=SECONDS,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        message = f"git cannot be run: {error}"
        raise click.UsageError(message) from None
    if result.returncode:
        if fails:
            return b""
        reason = result.stderr.decode("utf-8", "replace").strip().removeprefix("fatal: ")
        message = f"git cannot look into {folder or 'this folder'}: {reason}"
        raise click.UsageError(message)
    return result.stdout
