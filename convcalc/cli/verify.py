"""`convcalc verify`: the network runs, and proves every number."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from convcalc.checks.resources import Needs, available
from convcalc.checks.verdict import Verdict
from convcalc.checks.verify import Outcome, Run, matching, network_output_kind, verify
from convcalc.cli.options import FILE, FOLDER, Word, batch_option, network_options, output_options
from convcalc.cli.output import Output, colors
from convcalc.formats.verify import VERIFY_FORMATS
from convcalc.graph import Network, SpecError, read
from convcalc.graph.planned import Planned, planned
from convcalc.numbers import both_bytes, plural
from convcalc.shape import Shape
from convcalc.spec.source import MAX_BYTES

if TYPE_CHECKING:
    from convcalc.forward.named import Fitted


class CannotRun(click.ClickException):
    """What keeps a network from being run."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        """One line, as other findings of the command line are."""
        click.echo(f"convcalc: {self.message}", file=file, err=True)


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
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    metavar="N",
    help="Of random weights and input; 0 unless given.",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 1024),
    metavar="N",
    help="Of the BLAS, one by default; with --engine of the engine, one per core by default.",
)
@click.option(
    "--layers", "pattern", metavar="PATTERN", help="Layers to show and save: stage1, '*.conv?'."
)
@click.option(
    "--weights",
    "weights_path",
    type=FILE,
    metavar="FILE",
    help="Weights from an NPZ or safetensors file, by the names here or as they are published.",
)
@click.option(
    "--weights-map",
    "map_path",
    type=FILE,
    metavar="FILE",
    help="YAML or JSON that says what the file calls layers: 'stage{n}.conv1: layers.{n - 1}'.",
)
@click.option("--image", type=FILE, metavar="FILE", help="Input from a .png, .jpeg or .npy file.")
@click.option(
    "--normalize",
    type=Word(["imagenet", "unit", "signed"]),
    help="What becomes of an image's values; imagenet with three channels, else unit.",
)
@click.option("--top", type=click.IntRange(1), metavar="N", help="Show the N likeliest classes.")
@click.option("--classes", type=FILE, metavar="FILE", help="Names of the classes, one a line.")
@click.option(
    "--save",
    "folder",
    type=FOLDER,
    metavar="DIR",
    help="Write activations to DIR/activations.npz.",
)
@click.option("--profile", is_flag=True, help="Show the time of each step, the best of three runs.")
@output_options(VERIFY_FORMATS, "convcalc.formats.verify")
def command(
    spec: str,
    shape: Shape | None,
    settings: tuple[tuple[str, str], ...],
    batch: int,
    dtype: str,
    backend: str,
    seed: int | None,
    threads: int | None,
    pattern: str | None,
    weights_path: str | None,
    map_path: str | None,
    image: str | None,
    normalize: str | None,
    top: int | None,
    classes: str | None,
    folder: str | None,
    output: Output,
    *,
    engine: bool,
    profile: bool,
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
    """
    try:
        network = planned(read(spec, input=shape, parameters=dict(settings)))
    except SpecError as error:
        output.end((), error.diagnostics)
    if map_path is not None and weights_path is None:
        raise click.UsageError("--weights-map says what --weights calls things; there are none")
    if classes is not None and top is None:
        raise click.UsageError("--classes names what --top shows; say how many")
    if normalize is not None and image is None:
        raise click.UsageError("--normalize says what becomes of an --image; there is none")
    if seed is not None and weights_path is not None and image is not None and not engine:
        raise click.UsageError("--seed is of random weights and input; both are given")
    if pattern is not None and not matching(network, pattern):
        raise click.UsageError(f"no layer matches {pattern!r}; `convcalc analyze` lists them")
    if engine and (dtype != "float32" or backend != "numpy"):
        given = f"--dtype {dtype}" if dtype != "float32" else f"--backend {backend}"
        raise click.UsageError(
            f"--engine computes in float32 with NumPy; {given} is for the definitions"
        )
    if threads is not None:
        from convcalc.forward.threads import available_cores

        threads = min(threads, available_cores())
    run = Run(
        batch=batch,
        dtype=dtype,
        backend=_backend(backend),
        engine=engine,
        seed=seed or 0,
        threads=threads,
    )
    run = run._replace(pattern=pattern, keep=folder is not None, profile=profile)
    refuse_too_large(
        network,
        run,
        lambda text: read(spec, input=text, parameters=dict(settings)),
        drawn=run.draws and weights_path is None,
    )
    try:
        fitted = _weights(weights_path, map_path, network)
        run = run._replace(
            weights=None if fitted is None else fitted.weights,
            x=_image(image, normalize, network, batch),
        )
        with progress_bar(len(network.layers)) as progress:
            outcome = verify(network, run._replace(progress=progress))
        verdict = _classified(outcome, network, top, classes)
        if fitted is not None:
            verdict = verdict._replace(notes=(*fitted.notes, *verdict.notes))
        if folder is not None and outcome.kept:
            from convcalc.forward.files import save_arrays

            with ending_cleanly():
                save_arrays(Path(folder, "activations.npz"), outcome.kept)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise CannotRun(f"{where}{error.strerror or error}") from error
    except (ValueError, ImportError, RuntimeError) as error:
        raise CannotRun(str(error)) from error
    except MemoryError as error:
        raise CannotRun("there is not enough memory to run this network") from error
    text = output.renderer.render(verdict, color=colors(sys.stdout))
    output.end([text], failed=not verdict.good)


@contextmanager
def ending_cleanly() -> Iterator[None]:
    """Let SIGTERM end the process by an exception, so that what is unfinished is removed."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals belong to the main thread
        return

    def leave(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before if before is not None else signal.SIG_DFL)


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


def _backend(name: str) -> str:
    if name != "auto":
        return name
    from convcalc.forward.running import cupy_with_gpu

    try:
        cupy_with_gpu()
    except (ImportError, RuntimeError):
        return "numpy"
    return "cupy"


def refuse_too_large(
    network: Network,
    run: Run,
    with_input: Callable[[str], Network] | None = None,
    *,
    drawn: bool = True,
) -> None:
    """Say what is needed, what there is, and what would fit, before anything is allocated."""
    there = _free_on_gpu() if run.backend == "cupy" else available()
    if there is None:
        return
    from convcalc.forward.threads import available_cores

    def needs(of: Network) -> Needs:
        threads = run.threads or available_cores()
        return Needs(
            of,
            dtype=run.dtype,
            engine=run.engine,
            threads=threads,
            keep=run.keep,
            drawn=drawn,
        )

    own = needs(network)
    need = own.batch(run.batch)
    if need.total <= there:
        return
    parts = [
        f"{both_bytes(size)} of {what}"
        for what, size in (
            ("weights", need.weights),
            ("weights prepared", need.prepared),
            ("activations", need.activations),
            ("outputs kept", need.kept),
        )
        if size
    ]
    message = (
        f"{network.path} needs up to {both_bytes(need.total)} for {plural(run.batch, 'example')} "
        f"({', '.join(parts)}), and {both_bytes(there)} are available"
    )
    largest = own.largest(there, run.batch)
    if largest:
        raise CannotRun(f"{message}; a batch of {largest:,} would fit: --batch {largest}")
    for smaller in _smaller(network.input):
        resized = with_input(smaller) if with_input is not None else None
        if resized is not None and not resized.errors and needs(resized).batch(1).total <= there:
            batch = " --batch 1" if run.batch > 1 else ""
            raise CannotRun(f"{message}; a smaller input would fit: --input {smaller}{batch}")
    raise CannotRun(f"{message}; no batch would fit")


def _free_on_gpu() -> int | None:
    """Bytes that are free on the GPU; None without one, which is said when it is to be used."""
    from convcalc.forward.running import cupy_with_gpu

    try:
        return int(cupy_with_gpu().cuda.runtime.memGetInfo()[0])
    except (ImportError, RuntimeError):
        return None


def _smaller(shape: Shape | None) -> Iterator[str]:
    """The input in smaller and smaller sizes."""
    if shape is None or not shape.spatial:
        return
    for share in (sixteenths / 16 for sixteenths in range(15, 0, -1)):
        sizes = [max(int(size * share) // 32 * 32, 32) for size in shape.spatial]
        if all(size < full for size, full in zip(sizes, shape.spatial, strict=True)):
            yield "x".join(map(str, (*sizes, shape.channels)))


@contextmanager
def progress_bar(count: int) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=count, label="Running", file=sys.stderr) as bar:
        yield lambda done, _: bar.update(done - bar.pos)


def _weights(path: str | None, map_path: str | None, network: Network) -> "Fitted | None":
    if path is None:
        return None
    from convcalc.forward.mapping import read_mapping
    from convcalc.forward.named import read_weights

    fitted = read_weights(path, network, read_mapping(map_path) if map_path else None)
    unused = fitted.unused
    if unused:
        some = ", ".join(unused[:5]) + (" …" if len(unused) > 5 else "")
        click.echo(f"convcalc: {path}: {plural(len(unused), 'array')} not used: {some}", err=True)
    return fitted


def _content(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise CannotRun(f"{path} cannot be read: {error.strerror or error}") from error
    if len(text) > MAX_BYTES:
        raise CannotRun(f"{path} has more than {MAX_BYTES:,} bytes")
    return text


def _image(path: str | None, normalize: Any, network: Planned, batch: int) -> Any:
    if path is None:
        return None
    from convcalc.forward.images import read_image

    return read_image(path, network.input, normalize, batch=batch)


def _classified(
    outcome: Outcome, network: Planned, count: int | None, classes: str | None
) -> Verdict:
    if count is None or outcome.output is None:
        return outcome.verdict
    from convcalc.forward.values import top

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
            scores = plural(output.channels, "score")
            raise CannotRun(f"{classes} names {known}, and the output has {scores}")
    best = top(outcome.output, network_output_kind(network), count)
    named = [
        [(number, names[number] if names else "", share) for number, share in example]
        for example in best
    ]
    return outcome.verdict._replace(classes=named)
