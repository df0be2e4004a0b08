"""`convcalc draw`: a network as a picture."""

from collections.abc import Iterable, Sequence
from typing import Any

import click

from convcalc.cli.options import (
    Inputs,
    Word,
    network_options,
    new_file_options,
    position_value,
    seed_option,
    weights_options,
)
from convcalc.cli.output import write_file, write_findings, write_made
from convcalc.cli.pictured import picture, target_format
from convcalc.diagnostics import ArgumentError, exit_code
from convcalc.graph import Network, SpecError, read
from convcalc.pictures import STYLES, WRITERS, scene_of
from convcalc.pictures.scene import Scene
from convcalc.pictures.shades import SHADES
from convcalc.pictures.theme import THEMES

RUN_OPTIONS = frozenset({"images", "normalize", "weights_path", "map_path", "seed"})
"""Options that say what a network is run with, by the names of their parameters."""


@click.command("draw")
@click.argument("spec", metavar="SPEC")
@click.option(
    "--style", type=Word(STYLES), default="graph", show_default=True, help="What is drawn."
)
@click.option(
    "--to",
    type=Word(WRITERS),
    help="Format of the file; that of --output's ending, or svg, unless given.",
)
@new_file_options("Write it to a new file")
@network_options
@click.option(
    "--theme",
    type=Word(THEMES),
    default="auto",
    show_default=True,
    help="Colours; auto follows the reader's, and is light in files that cannot.",
)
@click.option(
    "--width",
    type=click.IntRange(16, 30_000),
    metavar="PIXELS",
    help="How wide the picture is, larger or smaller as a whole; as its texts need unless given.",
)
@click.option(
    "--direction",
    type=Word(("down", "right")),
    help="Of --style graph: which way the network goes; down unless given.",
)
@click.option(
    "--depth",
    type=click.IntRange(0),
    metavar="N",
    help="Of --style graph or volumes: blocks nested N deep, from 1 on, are one box or slab each; "
    "of volumes all maps of one size are at 0. As deep as fits unless given.",
)
@click.option(
    "--expand",
    multiple=True,
    metavar="GROUP",
    help="Of --style graph: open a group, by its full name or a pattern with * and ?, and what it "
    "stands in; repeatable.",
)
@click.option(
    "--collapse",
    multiple=True,
    metavar="GROUP",
    help="Of --style graph: draw a group as one box; repeatable.",
)
@click.option(
    "--only-changes",
    is_flag=True,
    help="Of --style graph: leave out layers that keep the shape of what they read.",
)
@click.option(
    "--shade",
    type=Word(SHADES),
    help="Of --style graph or volumes: what colours tell, with a legend.",
)
@click.option(
    "--names",
    type=Word(("spec", "origin")),
    help="Of --style graph: what layers are called, as in analyze; spec unless given.",
)
@click.option(
    "--layer",
    metavar="LAYER",
    help="Of --style window or field: the layer, by its full name; the first that slides, or the "
    "last whose outputs have positions, unless given.",
)
@click.option(
    "--at",
    type=position_value,
    metavar="POSITION",
    help="Of --style field: the output position, 10,20 for row 10, column 20; the middle unless "
    "given.",
)
@click.option(
    "--layers",
    metavar="PATTERN",
    help="Of --style activations: the layers, as stage1 or '*.conv?'; all or, where they are many, "
    "the ends of stages unless given.",
)
@click.option(
    "--maps",
    type=click.IntRange(1, 1000),
    metavar="N",
    help="Of --style activations: how many channels of a layer; 10 unless given.",
)
@weights_options
@seed_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    spec: str,
    style: str,
    to: str | None,
    file: str | None,
    shape: Inputs,
    settings: tuple[tuple[str, str], ...],
    theme: str,
    width: int | None,
    *,
    force: bool,
    **options: Any,
) -> None:
    """Draw a network, also one with errors: they are marked where they are.

    The same spec gives the same bytes. PNG needs the package resvg-py (pip install
    'convcalc[pictures]').

    Exit codes: 0 drawn, 1 drawn, and the spec has errors, 2 could not be drawn.

    \b
    Examples:
      convcalc draw resnet18 -o resnet18.svg
      convcalc draw net.yaml --theme dark -o net.png
      convcalc draw googlenet --expand inception_3a --direction right -o googlenet.svg
      convcalc draw vgg16 --shade parameters -o vgg16.svg
      convcalc draw unet --style volumes -o unet.png
      convcalc draw alexnet --style activations --image cat.jpg -o cat.png
      convcalc draw alexnet --style window --layer conv1 -o conv1.svg
      convcalc draw vgg16 --style field --layer stage2.conv2 --at 3,50 -o field.svg
    """
    to = target_format(file, to, force=force)
    if width is not None and not WRITERS[to].sizes:
        raise click.UsageError(f"--width is about the size of a picture, and {to} says none")
    network = read(spec, input=shape, parameters=dict(settings))
    if exit_code(network.diagnostics) == 2:  # there is nothing to draw
        write_findings(network.diagnostics)
        ctx.exit(2)
    given = {
        name: each for name, each in options.items() if each not in (None, ()) and each is not False
    }
    _refuse_idle(ctx.command.params, style, given)
    try:
        scene = (
            _run(network, style, given) if STYLES[style].runs else scene_of(network, style, given)
        )
    except SpecError as error:
        write_findings(error.diagnostics)
        ctx.exit(2)
    except ArgumentError as error:
        raise click.UsageError(str(error)) from None
    made = picture(scene._replace(shown=width or 0), to, theme)
    if file is not None:
        write_file(file, made, over=force)
    else:
        write_made(made)
    write_findings(network.diagnostics, below=True)
    ctx.exit(exit_code(network.diagnostics))


def _takes(style: str) -> frozenset[str]:
    """The options that a style takes, by the names of their parameters."""
    row = STYLES[style]
    return row.options | (RUN_OPTIONS if row.runs else frozenset())


def _run(network: Network, style: str, given: dict[str, Any]) -> Scene:
    """The scene of a style that runs the network, on the files that are given."""
    from convcalc.checks.verify import Run
    from convcalc.cli.running import (
        given_inputs,
        given_weights,
        refuse_idle,
        refuse_too_large,
        running,
    )
    from convcalc.graph.planned import planned

    whole = planned(network)
    run = {name: given.pop(name, None) for name in RUN_OPTIONS}
    weights, names, images, normalize, seed = (
        run[name] for name in ("weights_path", "map_path", "images", "normalize", "seed")
    )
    refuse_idle(weights, names, images or (), normalize, seed)
    refuse_too_large(whole, Run(seed=seed or 0), drawn=weights is None)
    with running():
        fitted = given_weights(weights, names, whole, seed)
        x = given_inputs(images or (), normalize, whole, 1)
        own = {"weights": None if fitted is None else fitted.weights, "x": x, "seed": seed}
        given |= {name: value for name, value in own.items() if value is not None}
        return scene_of(whole, style, given)


def _refuse_idle(params: Sequence[click.Parameter], style: str, given: Iterable[str]) -> None:
    """Raise `click.UsageError` for an option that this style does not take."""
    options = {param.name: param.opts[0] for param in params}
    for name in given:
        if name not in _takes(style):
            homes = " or ".join(each for each in STYLES if name in _takes(each))
            option = options[name]
            message = f"{option} is an option of --style {homes}, not of {style}"
            raise click.UsageError(message)
