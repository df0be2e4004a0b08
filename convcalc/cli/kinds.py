"""`convcalc kinds`: the reference of kinds of layers."""

import shutil
import sys

import click

from convcalc.analysis.reference import DESCRIBED, FAMILIES, SPLIT, describe
from convcalc.cli.options import output_options
from convcalc.cli.output import Output
from convcalc.cli.words import LONGEST, advice_for, as_kind
from convcalc.formats.kinds import KINDS_FORMATS
from convcalc.layers import CATALOGUE, kinds


def _completed(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Kinds and families that begin so."""
    del ctx, param
    return [name for name in (*DESCRIBED, *FAMILIES) if name.startswith(incomplete.lower())]


@click.command("kinds")
@click.argument("words", nargs=-1, metavar="[KIND]...", shell_complete=_completed)
@output_options(KINDS_FORMATS, "convcalc.formats.kinds", default="plain", text="How to show them")
def command(words: tuple[str, ...], output: Output) -> None:
    """Show what a kind of layer does: fields, defaults, formulas, an example and its source.

    A KIND is conv, what another framework calls it, as Conv2d, or a family, as pool; without any,
    all kinds are listed by family.

    \b
    Example: convcalc kinds conv
    """
    chosen = [describe(kind) for kind in (_chosen(words) if words else DESCRIBED)]
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    render = output.renderer.render if words else output.renderer.listed
    output.end([render(chosen, width=width)])


def _is_foreign(word: str) -> bool:
    """Whether a word is the name of one kind of layer elsewhere, and can mean no other."""
    from convcalc.spec.vocabulary import UNSURE_KINDS, plain

    return plain(word) not in UNSURE_KINDS


def _chosen(words: tuple[str, ...]) -> list[str]:
    """The kinds that are meant, by name or family, each once."""
    chosen: dict[str, None] = {}
    for word in words:
        wanted = word.strip()
        family = next((each for each in FAMILIES if each == wanted.lower()), None)
        kind = as_kind(wanted)
        if wanted.lower() == SPLIT or kind == SPLIT:
            chosen[SPLIT] = None
        elif family and kind and wanted != family and _is_foreign(wanted):
            chosen[kind] = None  # Keras's Dense
        elif family and family not in CATALOGUE:  # softmax is a kind, too
            chosen.update(dict.fromkeys(each for each in CATALOGUE if each in kinds(family)))
            if kind and _is_foreign(wanted):
                click.echo(
                    f"convcalc: {family} is a family; a layer that is called {wanted.capitalize()} "
                    f"elsewhere is {kind}: `convcalc kinds {kind}`",
                    err=True,
                )
        elif kind:
            chosen[kind] = None
        else:
            from convcalc.spec.vocabulary import answer_to

            names = [*DESCRIBED, *FAMILIES]
            advice = answer_to(wanted[:LONGEST]) or advice_for(
                wanted, "kinds", names, "`convcalc kinds` lists them."
            )
            message = f"no kind of layer is called {wanted[:LONGEST]!r}: {advice}"
            raise click.UsageError(message)
    return [*chosen]
