"""`convcalc explain`: where every number comes from."""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import click
from click.core import ParameterSource

from convcalc.cli.options import (
    FILE,
    STANDARD,
    Inputs,
    attention_option,
    checkpoint_options,
    input_position,
    network_options,
    output_options,
    position_value,
    refuse_beside_standard,
    run_options,
    runtime_options,
    seed_option,
    size_numbers,
    size_options,
    weights_options,
)
from convcalc.cli.output import Output, colors, write_file, write_findings, write_made
from convcalc.diagnostics import ArgumentError
from convcalc.explanation.chosen import every_layer, layers_named
from convcalc.formats.explanation import EXPLANATION_FORMATS
from convcalc.graph import Network, SpecError, read


class Mode(NamedTuple):
    """What an option that asks for something else than a layer's figures leads to."""

    module: str
    """Where its function is; imported when it is asked for."""
    function: str
    """Called with the network, the indices of the layers that were named and, by their names, the
    values of the options, its own and those of `also`; it gives a `Page`. It may raise
    `ArgumentError` where a question has no answer, which is exit code 2, and `SpecError`, which
    shows findings."""
    layers: Literal["none", "one", "some"]
    """How many layers it is about; `some` may be `--all`."""
    also: tuple[str, ...] = ()
    """Options that have an effect in it, by the names of their parameters."""
    open: tuple[str, ...] = ()
    """Of these, those that are None in it unless they are given, whatever their default."""


FIGURES = Mode(
    "convcalc.explanation.layer", "figures", "some", ("batch", "dtype", "svg", "demo", "force")
)
"""What is explained where no option asks for something else."""
FILES = ("svg", "demo", "force")
"""Options of it that the command answers itself: what it writes beside the page."""
MODES: Mapping[str, Mode] = MappingProxyType(
    {
        "error": Mode("convcalc.explanation.messages.telling", "of_message", "none"),
        "memory": Mode(
            "convcalc.cli.explained_memory",
            "page",
            "none",
            (
                *("every", "batch", "dtype", "training", "optimizer", "fused", "mixed_precision"),
                *("inplace", "device", "overhead", "checkpoint", "devices", "shard"),
                *("deploy", "arena", "attention"),
            ),
            ("dtype", "fused"),
        ),
        "value": Mode(
            "convcalc.cli.explained_value",
            "page",
            "one",
            ("dtype", "seed", "weights_path", "map_path", "images", "normalize"),
        ),
        "at": Mode("convcalc.explanation.region", "at_page", "one"),
        "reaches": Mode("convcalc.explanation.region", "reaches_page", "some"),
        "fit": Mode("convcalc.explanation.fit", "fit_page", "one", ("output_size",)),
    }
)
"""Option that chooses a mode, by the name of its parameter → the mode."""
OF_ALL = ("spec", "names", "every", "shape", "settings", "output")
"""Parameters that every mode has."""


@click.command("explain")
@click.argument("spec", metavar="SPEC")
@click.argument("names", nargs=-1, metavar="[LAYER]...")
@click.option("--all", "every", is_flag=True, help="Every layer; with --memory, every tensor.")
@click.option(
    "--at",
    type=position_value,
    metavar="POSITION",
    help="What an output position sees of the image: 10,20 is row 10, column 20.",
)
@click.option(
    "--reaches",
    type=input_position,
    metavar="[NAME=]POSITION",
    help="Which outputs of the layers a position of the image reaches: 100,60; of each of several "
    "inputs, or of one, left=100,60.",
)
@click.option(
    "--svg",
    type=FILE,
    metavar="FILE",
    help="Draw the layer's windows to a new file, too, as `convcalc draw --style window` does; - "
    "is standard output, and nothing else there.",
)
@click.option(
    "--demo",
    type=FILE,
    metavar="FILE",
    help="Write a page to play with to a new file, too: the layer on a small input of small "
    "numbers, window by window; - is standard output, and nothing else there.",
)
@click.option(
    "--force", is_flag=True, help="Write over the FILE of --svg or --demo if it is there."
)
@click.option("--fit", is_flag=True, help="Hyperparameters near the layer's own that tile.")
@click.option(
    "--output-size",
    type=size_numbers,
    metavar="SIZE",
    help="Of --fit: those that make this size: 55, or 55x27.",
)
@click.option(
    "--error",
    type=FILE,
    metavar="FILE",
    help="A framework's message, or a text that ends with one, - for standard input: where in the "
    "network its numbers meet, and what to write.",
)
@network_options
@size_options
@click.option(
    "--memory",
    is_flag=True,
    help="Why the peak of memory is where it is: all that is alive there, and what lowers it; the "
    "options below are those of `convcalc memory`.",
)
@run_options
@checkpoint_options
@runtime_options
@attention_option
@click.option(
    "--value",
    type=position_value,
    metavar="PLACE",
    help="One value, from real numbers: row, column and channel, from 0, as 3,0,1; the options "
    "below are those of `convcalc verify`.",
)
@seed_option
@weights_options
@output_options(EXPLANATION_FORMATS, "convcalc.formats.explanation")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    spec: str,
    names: tuple[str, ...],
    shape: Inputs,
    settings: tuple[tuple[str, str], ...],
    output: Output,
    *,
    every: bool,
    **options: Any,
) -> None:
    """Show where the numbers of layers come from: each as a formula, with its numbers, worked out.

    A LAYER is a full name as `analyze` shows it, the start of one, a block's or group's for all of
    its layers, or a pattern: '*.conv?'. On problems the rest is still explained, and the exit code
    is 1 (2 when a SPEC could not be worked on, or a LAYER is none).

    \b
    Examples:
      convcalc explain alexnet conv1
      convcalc explain vgg16 --all --format markdown
      convcalc explain vgg16 --memory --training --batch 8
      convcalc explain alexnet conv1 --value 3,0,1 --seed 7
      convcalc explain vgg16 stage5.conv1 --at 0,5
      convcalc explain alexnet conv1 --fit --output-size 55 --input 224x224x3
      convcalc explain resnet18 conv1 --demo demo.html
      python train.py 2>&1 | convcalc explain net.yaml --error -
    """
    mode = _mode(ctx)
    _refuse_none(spec)
    _refuse_shared_output(ctx, options)
    if spec == "-" == options["error"]:
        message = "standard input can be the SPEC or the text of --error, not both"
        raise click.UsageError(message, ctx)
    network = read(spec, input=shape, parameters=dict(settings))
    if not [plan for plan in network.plans if plan is not None] and network.errors:
        output.end([], network.diagnostics)
    try:
        layers = _layers(ctx, mode, network, names, every=every)
    except ArgumentError as error:
        if network.errors:  # what is wrong may be why there is no such layer
            write_findings(network.diagnostics)
        raise click.UsageError(str(error), ctx) from None
    options["every"] = every
    given = {
        name: options[name] if name not in mode.open or _is_given(ctx, name) else None
        for name in options
        if name in _parameters(ctx, mode)
    }
    if "error" in given:
        from convcalc.cli.pasted import pasted

        given["error"] = pasted(str(given["error"]))
    files = {name: given.pop(name) for name in FILES if name in given}
    try:
        page = getattr(import_module(mode.module), mode.function)(network, layers, **given)
    except SpecError as error:
        output.end([], error.diagnostics)
    except ArgumentError as error:
        raise click.UsageError(str(error), ctx) from None
    texts = [output.renderer.render(page, color=colors(sys.stdout))]
    for option, text in _drawn(network, layers, files):
        if files[option] == STANDARD:
            write_made(text)
            texts = []
        else:
            write_file(str(files[option]), text, over=bool(files["force"]))
    failed = not page.answered or page.data.get("agrees") is False
    output.end(texts, network.diagnostics, failed=failed)


def _refuse_shared_output(ctx: click.Context, options: Mapping[str, Any]) -> None:
    """Raise `click.UsageError` where two things would stand in one output, or --force is idle."""
    files = [option for option in ("svg", "demo") if options[option] not in (None, STANDARD)]
    standard = [option for option in ("svg", "demo") if options[option] == STANDARD]
    if options["force"] and not files:
        message = "--force is about the FILE of --svg or --demo, and none is named"
        raise click.UsageError(message, ctx)
    if len(standard) > 1:
        message = "standard output has room for one of --svg and --demo, and both are -"
        raise click.UsageError(message, ctx)
    if standard:
        refuse_beside_standard(ctx, f"--{standard[0]}")
    if options["demo"] == STANDARD and sys.stdout.isatty():
        raise click.UsageError("a page is nothing to read here: write --demo FILE", ctx)


def _drawn(
    network: Network, layers: Sequence[int], files: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """What is written beside the page, by the option that asks for it."""
    texts = []
    try:
        if files.get("svg"):
            from convcalc.pictures import scene_of

            name = network.nodes[layers[0]].name
            texts.append(("svg", scene_of(network, "window", {"layer": name}).to_svg()))
        if files.get("demo"):
            from convcalc.explanation.demo import demo
            from convcalc.formats.web.demo import render

            texts.append(("demo", render(demo(network, layers[0]))))
    except (ArgumentError, SpecError) as error:
        raise click.UsageError(str(error)) from None
    return texts


def _mode(ctx: click.Context) -> Mode:
    """The mode that the options ask for; refuses two, and options that would have no effect."""
    asked = [name for name in MODES if _is_given(ctx, name)]
    if len(asked) > 1:
        both = " and ".join(_option(ctx, name) for name in asked)
        message = f"{both} are about different things: ask for one"
        raise click.UsageError(message, ctx)
    mode = MODES[asked[0]] if asked else FIGURES
    for parameter in ctx.command.params:
        name = parameter.name or ""
        if _is_given(ctx, name) and name not in (*OF_ALL, *_parameters(ctx, mode)):
            homes = [_option(ctx, each) for each, row in MODES.items() if name in row.also]
            homes += ["the figures of layers"] * (name in FIGURES.also)
            where = " or ".join([", ".join(homes[:-1]), homes[-1]] if homes[1:] else homes)
            instead = f", not of {_option(ctx, asked[0])}" if asked else ""
            message = f"{_option(ctx, name)} is an option of {where}{instead}"
            raise click.UsageError(message, ctx)
    return mode


def _parameters(ctx: click.Context, mode: Mode) -> tuple[str, ...]:
    """Names of the parameters that have an effect in a mode: what chooses it, and what it takes."""
    return (
        *(name for name, row in MODES.items() if row is mode and _is_given(ctx, name)),
        *mode.also,
    )


def _is_given(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) not in (None, ParameterSource.DEFAULT)


def _option(ctx: click.Context, name: str) -> str:
    """What a parameter is called on the command line."""
    return next(each.opts[-1] for each in ctx.command.params if each.name == name)


def _layers(
    ctx: click.Context, mode: Mode, network: Network, names: Sequence[str], *, every: bool
) -> tuple[int, ...]:
    """Indices of the layers asked for, each once. Raises `ArgumentError` for no such name."""
    if every and names:
        message = f"--all is every layer: leave {' '.join(names)!r:.60} or --all out"
        raise click.UsageError(message, ctx)
    chosen = (
        next((f"--{name}" for name in FILES[:2] if _is_given(ctx, name)), "this")
        if mode is FIGURES
        else next(_option(ctx, name) for name in MODES if MODES[name] is mode)
    )
    every = every and "every" not in mode.also
    alone = mode.layers == "one" or chosen in ("--svg", "--demo")
    if alone and every:
        message = f"{chosen} is about one layer, and --all is every one: name it instead"
        raise click.UsageError(message, ctx)
    if mode.layers == "none" and (every or names):
        message = f"{chosen} is about the whole network: leave {names[0] if names else '--all'} out"
        raise click.UsageError(message, ctx)
    if mode.layers == "none":
        return ()
    if every and mode.layers == "some":
        return every_layer(network)
    layers = tuple(dict.fromkeys(one for name in names for one in layers_named(network, name)))
    if alone and len(layers) != 1:
        count = f"{len(layers)} are named" if layers else "none is named"
        message = f"{chosen} is about one layer, and {count}"
        raise click.UsageError(message, ctx)
    if not layers:
        first = next((node.name for node in (*network.layers, *network.nodes)), "conv1")
        message = (
            f"name a layer, as `convcalc explain {network.path} {first}`, or --all; "
            f"`convcalc analyze {network.path}` lists them"
        )
        raise click.UsageError(message, ctx)
    return layers


def _refuse_none(spec: str) -> None:
    """Answer a word that is no SPEC with the call that shows it: `explain` was `rule` once."""
    import os

    from convcalc.cli.words import call_for
    from convcalc.spec.bundled import find_bundled

    if spec == "-" or os.path.lexists(spec) or find_bundled(spec):
        return
    call = call_for(spec, besides=["show", "help"])
    if call:
        message = f"{spec!r} is no network: `{call}` shows it"
        raise click.UsageError(message)
