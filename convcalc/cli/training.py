"""`convcalc verify --training`: a training step runs, and proves what is said of it."""

import sys
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn, TypeVar

import click

from convcalc.analysis.memory import refusals
from convcalc.analysis.memory.batch import too_small
from convcalc.analysis.memory.optimizer import RULES
from convcalc.checks.trained import TrainingRun
from convcalc.cli.options import Word, new_file_options
from convcalc.cli.output import Output, colors
from convcalc.cli.running import (
    CannotRun,
    given_inputs,
    given_weights,
    refuse_too_large_to_train,
    running,
)
from convcalc.forward.losses import LOSSES
from convcalc.graph import Network
from convcalc.graph.planned import Planned

F = TypeVar("F", bound=Callable[..., Any])
INTERRUPTED = 130
"""What a shell says of what Ctrl-C ended."""
ALONE = ("engine", "top", "classes", "folder", "shift", "profile")
"""What has nothing to do with training, by the names of parameters."""
TRAINING = ("optimizer", "learning_rate", "loss", "steps", "freeze", "field", "file", "force")
"""What is of training alone."""


class Given(NamedTuple):
    """What the command line gives a network to be run with."""

    weights: str | None
    """The file of --weights."""
    names: str | None
    """The file of --weights-map."""
    images: tuple[str, ...]
    """The files of --image, some by the names of inputs."""
    normalize: str | None
    """The word of --normalize."""
    seed: int | None
    """The number of --seed."""


def _rate(ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    """A number above 0 and not infinite."""
    if value is not None and not 0 < value < float("inf"):
        raise click.BadParameter(f"{value} is no number above 0", ctx, param)
    return value


def training_options(function: F) -> F:
    """--training, and what is of it alone."""
    options = [
        click.option(
            "--training",
            is_flag=True,
            help="Train for a step: forward, loss, backward, optimizer; every claim is held.",
        ),
        click.option("--optimizer", type=Word([*RULES]), help="Of training; sgd unless given."),
        click.option(
            "--learning-rate",
            type=float,
            callback=_rate,
            metavar="FACTOR",
            help="Of training; PyTorch's default for the optimizer unless given.",
        ),
        click.option(
            "--loss", type=Word([*LOSSES]), help="Of training; cross-entropy unless given."
        ),
        click.option(
            "--steps",
            type=click.IntRange(1, 10**6),
            metavar="N",
            help="Of training, all on one batch, with the curve of the loss; 1 unless given.",
        ),
        click.option(
            "--field",
            metavar="LAYER",
            help="Of training: draw instead on which values of the input a layer's middle output "
            "turns, by its gradient; --batch says over how many inputs.",
        ),
        new_file_options("With --field, the picture; its name says the format"),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def refuse_beside(ctx: click.Context, *, training: bool) -> None:
    """Refuse what has no effect with --training, or without."""
    for param in ctx.command.params:
        source = ctx.get_parameter_source(param.name or "")
        if source is not click.core.ParameterSource.COMMANDLINE:
            continue
        if training and param.name in ALONE:
            raise click.UsageError(
                f"{param.opts[-1]} has no effect with --training, which runs the definitions "
                f"forward and back"
            )
        if not training and param.name in TRAINING:
            raise click.UsageError(f"{param.opts[-1]} is of training: give --training")


def show_training(
    network: Planned, shown: Network, run: TrainingRun, given: Given, output: Output
) -> NoReturn:
    """Train, show the verdict, and end; `shown` has the names that layers are to be called by."""
    unmeasured = network.written is not None and network.written.unmeasured
    if unmeasured or too_small(network, run.batch, training=True) is not None:
        output.end((), refusals(network, run.batch, training=True))
    refuse_too_large_to_train(network, run)
    with running():
        from convcalc.checks.training import untaught, verify_training

        missing = untaught(network)
        if missing is not None:
            raise CannotRun(f"{missing[0]} cannot be trained: {missing[1]} has no backward pass")
        fitted = given_weights(given.weights, given.names, network, given.seed)
        run = run._replace(
            weights=None if fitted is None else fitted.weights,
            given=given_inputs(given.images, given.normalize, network, run.batch),
            progress=_progress(run.steps),
        )
        verdict = verify_training(network, run)
    if fitted is not None:
        verdict = verdict._replace(notes=(*fitted.notes, *verdict.notes))
    if shown is not network:
        named = zip(network.nodes, shown.nodes, strict=True)
        names = {node.name: other.name for node, other in named}
        layers = [each._replace(name=names.get(each.name, each.name)) for each in verdict.layers]
        verdict = verdict._replace(layers=layers)
    page = output._replace(package="convcalc.formats.training")
    text = page.renderer.render(verdict, color=colors(sys.stdout))
    if verdict.interrupted:
        output.end([text], notes=["convcalc: interrupted"], failed=True, code=INTERRUPTED)
    output.end([text], failed=not verdict.good)


def _progress(steps: int) -> Callable[[int, int], None] | None:
    """How many steps are done, on a terminal; nothing elsewhere, and of a single step."""
    if steps == 1 or not sys.stderr.isatty():
        return None

    def tell(done: int, of: int) -> None:
        click.echo(f"\rstep {done:,} of {of:,}" + ("\n" if done == of else ""), nl=False, err=True)

    return tell
