"""`convcalc verify`: the network runs, and proves every number."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import click

from convcalc.checks.trained import TrainingRun
from convcalc.checks.verdict import Verdict
from convcalc.checks.verify import Outcome, Run, network_output_kind, verify
from convcalc.cli.options import (
    FILE,
    FOLDER,
    Inputs,
    Word,
    batch_option,
    freeze_option,
    frozen,
    named,
    names_option,
    network_options,
    output_options,
    seed_option,
    weights_options,
)
from convcalc.cli.output import Output, colors
from convcalc.cli.running import (
    CannotRun,
    ending_cleanly,
    given_inputs,
    given_weights,
    refuse_idle,
    refuse_too_large,
    running,
)
from convcalc.cli.training import Given, refuse_beside, show_training, training_options
from convcalc.diagnostics import ArgumentError, listed
from convcalc.formats.verify import VERIFY_FORMATS
from convcalc.graph import Network, SpecError, read
from convcalc.graph.matching import matching
from convcalc.graph.planned import Planned, planned
from convcalc.numbers import plural
from convcalc.spec.source import MAX_BYTES

NO_LAYER = "no layer matches {!r}; `convcalc analyze` lists them"


def _default(_context: click.Context, _option: click.Parameter, value: object) -> None:
    """Say that the option's time is over."""
    if value:
        raise click.UsageError("--reference is the default now; `--engine` is the other")


@click.command("verify")
@click.argument("spec", metavar="SPEC")
@network_options
@batch_option
@click.option(
    "--dtype",
    type=Word(["float32", "float16", "float64"]),
    default="float32",
    show_default=True,
    help="Data type to compute in.",
)
@click.option(
    "--backend",
    type=Word(["numpy", "cupy", "auto"]),
    default="numpy",
    show_default=True,
    help="What computes; auto takes CuPy if it finds a GPU.",
)
@click.option(
    "--engine",
    is_flag=True,
    help="Compute by the engine, which is faster, and compare samples with the definitions.",
)
@click.option(
    "--reference", is_flag=True, hidden=True, is_eager=True, expose_value=False, callback=_default
)
@seed_option
@click.option(
    "--threads",
    type=click.IntRange(1, 1024),
    metavar="N",
    help="Of the BLAS, one by default; with --engine of the engine, one per core by default.",
)
@click.option(
    "--layers", "pattern", metavar="PATTERN", help="Layers to show and save: stage1, '*.conv?'."
)
@weights_options
@click.option("--top", type=click.IntRange(1), metavar="N", help="Show the N likeliest classes.")
@click.option("--classes", type=FILE, metavar="FILE", help="Names of the classes, one a line.")
@click.option(
    "--save",
    "folder",
    type=FOLDER,
    metavar="DIR",
    help="Write activations to DIR/activations.npz.",
)
@click.option(
    "--shift",
    is_flag=True,
    help="Shift the input by the network's stride instead, and see which outputs follow.",
)
@click.option("--profile", is_flag=True, help="Show the time of each step, the best of three runs.")
@training_options
@freeze_option
@names_option
@output_options(VERIFY_FORMATS, "convcalc.formats.verify")
def command(
    spec: str,
    shape: Inputs,
    settings: tuple[tuple[str, str], ...],
    batch: int,
    dtype: str,
    backend: str,
    seed: int | None,
    threads: int | None,
    pattern: str | None,
    weights_path: str | None,
    map_path: str | None,
    images: tuple[str, ...],
    normalize: str | None,
    top: int | None,
    classes: str | None,
    folder: str | None,
    optimizer: str | None,
    learning_rate: float | None,
    loss: str | None,
    steps: int | None,
    field: str | None,
    file: str | None,
    freeze: tuple[str, ...],
    names: str,
    output: Output,
    *,
    engine: bool,
    shift: bool,
    profile: bool,
    training: bool,
    force: bool,
) -> None:
    """Run the network, and hold every shape, weight, product and value against the prediction.

    The readable definition of every layer computes them, unless --engine is given. Weights and
    input are random unless --weights and --image give them. Exit codes: 0 all is as predicted, 1
    something is not or the spec has errors, 2 could not run.

    \b
    Examples:
      convcalc verify vgg16
      convcalc verify net.yaml --batch 8 --profile
      convcalc verify resnet18 --weights resnet18.safetensors --image cat.jpg --top 5
      convcalc verify alexnet --shift
      convcalc verify net.yaml --training --batch 8 --steps 100 --optimizer adam
      convcalc verify vgg16 --training --field stage3.conv3 --batch 16 -o field.png
    """
    refuse_beside(click.get_current_context(), training=training)
    if shift:
        _refuse_beside_shift(click.get_current_context())
    try:
        network = planned(frozen(read(spec, input=shape, parameters=dict(settings)), freeze))
    except SpecError as error:
        output.end((), error.diagnostics)
    shown = named(network, names)
    if shift:
        _shift(planned(shown), output, (weights_path, map_path), seed)
    if field is not None:
        from convcalc.cli.effective import refuse_beside_field, show_field

        refuse_beside_field(click.get_current_context())
        files = Given(weights_path, map_path, images, normalize, seed)
        show_field(network, field, file, batch, files, force=force)
    if file is not None or force:
        raise click.UsageError("--output and --force are of --field")
    if training:
        refuse_idle(weights_path, map_path, images, normalize, None)  # targets are drawn, too
        if pattern is not None and not matching(network, pattern):
            raise click.UsageError(NO_LAYER.format(pattern))
        training_run = TrainingRun(
            batch=batch,
            dtype=dtype,
            backend=_backend(backend),
            seed=seed or 0,
            threads=_threads(threads) or 1,
            pattern=pattern,
            optimizer=optimizer or "sgd",
            learning_rate=learning_rate,
            loss=loss or "cross-entropy",
            steps=steps or 1,
        )
        files = Given(weights_path, map_path, images, normalize, seed)
        show_training(network, shown, training_run, files, output)
    if classes is not None and top is None:
        raise click.UsageError("--classes names what --top shows; say how many")
    if top is not None and len(network.outputs) > 1:
        raise click.UsageError(
            f"--top is about one output, and there are {listed(network.named_outputs)}"
        )
    refuse_idle(weights_path, map_path, images, normalize, None if engine else seed)
    if pattern is not None and not matching(network, pattern):
        raise click.UsageError(NO_LAYER.format(pattern))
    if engine and (dtype != "float32" or backend != "numpy"):
        given = f"--dtype {dtype}" if dtype != "float32" else f"--backend {backend}"
        raise click.UsageError(
            f"--engine computes in float32 with NumPy; {given} is for the definitions"
        )
    run = Run(
        batch=batch,
        dtype=dtype,
        backend=_backend(backend),
        engine=engine,
        seed=seed or 0,
        threads=_threads(threads),
    )
    run = run._replace(pattern=pattern, keep=folder is not None, profile=profile)
    refuse_too_large(
        network,
        run,
        lambda text: read(spec, input=text, parameters=dict(settings)),
        drawn=run.draws and weights_path is None,
    )
    with running():
        fitted = given_weights(weights_path, map_path, network, seed)
        run = run._replace(
            weights=None if fitted is None else fitted.weights,
            given=given_inputs(images, normalize, network, batch),
        )
        with progress_bar(len(network.layers)) as progress:
            outcome = verify(network, run._replace(progress=progress))
        verdict = _classified(outcome, network, top, classes)
        if fitted is not None:
            verdict = verdict._replace(notes=(*fitted.notes, *verdict.notes))
        verdict = _called(verdict, network, shown)
        if folder is not None and outcome.kept:
            from convcalc.forward.files import save_arrays

            with ending_cleanly():
                save_arrays(Path(folder, "activations.npz"), outcome.kept)
    text = output.renderer.render(verdict, color=colors(sys.stdout))
    output.end([text], failed=not verdict.good)


def short_verdict(network: Network, batch: int) -> tuple[str, bool]:
    """The verdict on a network in a few lines, and whether it is good."""
    from convcalc.formats.verify import ending

    run = Run(batch)
    refuse_too_large(network, run)
    try:
        verdict = verify(network, run).verdict
    except MemoryError as error:
        raise CannotRun("there is not enough memory to run this network") from error
    return "\n".join([f"Verified {network.path} by running it:", *ending(verdict)]), verdict.good


def _threads(asked: int | None) -> int | None:
    """As many as were asked for, and no more than there are cores."""
    if asked is None:
        return None
    from convcalc.forward.threads import available_cores

    return min(asked, available_cores())


def _backend(name: str) -> str:
    if name != "auto":
        return name
    from convcalc.forward.running import cupy_with_gpu

    try:
        cupy_with_gpu()
    except (ImportError, RuntimeError):
        return "numpy"
    return "cupy"


@contextmanager
def progress_bar(count: int) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=count, label="Running", file=sys.stderr) as bar:
        yield lambda done, _: bar.update(done - bar.pos)


def _content(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise CannotRun(f"{path} cannot be read: {error.strerror or error}") from error
    if len(text) > MAX_BYTES:
        raise CannotRun(f"{path} has more than {MAX_BYTES:,} bytes")
    return text


def _called(verdict: Verdict, network: Network, other: Network) -> Verdict:
    """The verdict with layers called as in another network of the same."""
    if other is network:
        return verdict
    now = {node.name: there.name for node, there in zip(network.nodes, other.nodes, strict=True)}
    return verdict._replace(
        layers=[each._replace(name=now.get(each.name, each.name)) for each in verdict.layers],
        times=[
            each._replace(layers=tuple(now.get(name, name) for name in each.layers))
            for each in verdict.times
        ],
    )


def _classified(
    outcome: Outcome, network: Planned, count: int | None, classes: str | None
) -> Verdict:
    if count is None or not outcome.outputs:
        return outcome.verdict
    from convcalc.forward.values import top

    (scores,) = outcome.outputs.values()
    output = network.shape_of(network.output)
    if output.size != output.channels:
        raise CannotRun(f"--top needs scores of classes, and the output is {output}")
    names: Sequence[str] = ()
    if classes is not None:
        try:
            names = _content(classes).decode("utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            raise CannotRun(f"{classes} is no UTF-8 text: {error.reason}") from error
        if len(names) != output.channels:
            known = "1 class" if len(names) == 1 else f"{len(names):,} classes"
            there = plural(output.channels, "score")
            raise CannotRun(f"{classes} names {known}, and the output has {there}")
    best = top(scores, network_output_kind(network), count)
    likely = [
        [(number, names[number] if names else "", share) for number, share in example]
        for example in best
    ]
    return outcome.verdict._replace(classes=likely)


def _refuse_beside_shift(ctx: click.Context) -> None:
    """A shift is of random input, in float64, by the definitions, and of all layers."""
    taken = ("shift", "spec", "shape", "settings", "seed", "weights_path", "map_path", "names")
    for param in ctx.command.params:
        source = ctx.get_parameter_source(param.name or "")
        given = source is click.core.ParameterSource.COMMANDLINE
        if given and param.name not in (*taken, "output"):
            raise click.UsageError(
                f"{param.opts[-1]} has no effect with --shift, which runs random input in float64"
            )


def _shift(
    network: Planned, output: Output, weights: tuple[str | None, str | None], seed: int | None
) -> NoReturn:
    """Show what becomes of the outputs when the input is shifted."""
    from convcalc.checks.shift import shifts

    refuse_idle(*weights, (), None, None)
    with running():
        fitted = given_weights(*weights, network, seed)
        arrays = None if fitted is None else fitted.weights
        try:
            seen = shifts(network, arrays, seed or 0)
        except ArgumentError as error:
            raise CannotRun(str(error)) from None
    page = output._replace(package="convcalc.formats.explanation")
    output.end([page.renderer.render(seen.page, color=colors(sys.stdout))])
