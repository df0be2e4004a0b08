"""`convcalc verify --training --field`: what an output turns on, as a picture."""

from math import isfinite
from typing import NoReturn

import click

from convcalc.checks.verify import Run
from convcalc.cli.output import write_file, write_made
from convcalc.cli.pictured import picture, target_format
from convcalc.cli.running import CannotRun, given_inputs, given_weights, refuse_too_large, running
from convcalc.cli.training import Given
from convcalc.diagnostics import ArgumentError
from convcalc.explanation.chosen import one_named
from convcalc.graph import leading
from convcalc.graph.planned import Planned, leading_to

PLANES = (1, 2)
"""Ranks of inputs that a picture can show."""


def refuse_beside_field(ctx: click.Context) -> None:
    """A field is of random input or images, in float32, by the definitions, and trains nothing."""
    taken = (
        "training", "field", "file", "force", "spec", "shape", "settings", "batch", "seed",
        "weights_path", "map_path", "images", "normalize",
    )  # fmt: skip
    for param in ctx.command.params:
        source = ctx.get_parameter_source(param.name or "")
        if source is click.core.ParameterSource.COMMANDLINE and param.name not in taken:
            raise click.UsageError(f"{param.opts[-1]} has no effect with --field")


def show_field(
    network: Planned, name: str, file: str | None, batch: int, given: Given, *, force: bool
) -> NoReturn:
    """Draw the effective receptive field of a layer's middle output, and end."""
    to = target_format(file, force=force)
    try:
        index = one_named(network, name, "a field")
    except ArgumentError as error:
        raise click.UsageError(str(error)) from None
    part = leading_to(network, index)
    shape, lead = network.shape_of(index), leading(part)
    entries = [each for each in part.inputs if each in lead] or part.inputs
    entry, *others = entries
    rank = part.shape_of(entry).rank
    if not shape.spatial or others or entry in part.index_inputs or rank not in PLANES:
        raise click.UsageError(
            f"--field is about a map of one image or sequence, and {name} makes {shape} of "
            + ", ".join(str(part.shape_of(each)) for each in entries)
        )
    # What every layer keeps for the way back is there at once, and so are all weights.
    refuse_too_large(network, Run(batch=batch, keep=True), drawn=False)
    with running():
        from convcalc.analysis.traced import traced
        from convcalc.forward.effective import effective_field
        from convcalc.forward.values import random_inputs
        from convcalc.forward.weights import random_weights
        from convcalc.pictures.effective import scene, sentences

        fitted = given_weights(given.weights, given.names, network, given.seed)
        images = given_inputs(given.images, given.normalize, network, batch)
        seed = given.seed or 0
        weights = random_weights(network, seed) if fitted is None else fitted.weights
        inputs = random_inputs(network, batch, seed) if images is None else images
        at = tuple(size // 2 for size in shape.spatial)
        seen = traced(part, part.output, at).get(entry)
        hulls = [] if seen is None else [seen.hull(axis) for axis in range(len(seen.axes))]
        if not hulls or None in hulls:
            raise click.UsageError(f"{name} has no place in the input: it sees all of it, or none")
        field = effective_field(network, index, at, inputs, weights)[part.nodes[entry].name]
        if not isfinite(field.sum()):
            raise CannotRun(f"the gradient of {name} is not finite: some weight or value is not")
        examples = len(next(iter(inputs.values())))
        said = sentences(
            network.name,
            name,
            str(part.shape_of(entry)),
            examples=examples,
            trained=fitted is not None,
            seed=seed,
            dark=not field.any(),
        )
        places = [hull for hull in hulls if hull is not None]
        drawn = picture(scene(f"Effective field of {name}", field, places, said), to)
    if file is None:
        write_made(drawn)
    else:
        write_file(file, drawn, over=force)
    click.get_current_context().exit(0)
