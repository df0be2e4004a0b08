"""What commands that run a network share: weights and input, and what keeps it from being run."""

import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from convcalc.checks.resources import Needs, available, largest_batch, training_need
from convcalc.checks.trained import TrainingRun
from convcalc.checks.verify import Run
from convcalc.cli.options import Inputs
from convcalc.diagnostics import ArgumentError, listed
from convcalc.graph import Network
from convcalc.graph.changed import given_as
from convcalc.graph.planned import Planned
from convcalc.numbers import both_bytes, plural
from convcalc.shape import Shape

if TYPE_CHECKING:
    from convcalc.forward.named import Fitted


class CannotRun(click.ClickException):
    """What keeps a network from being run."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        """One line, as other findings of the command line are."""
        click.echo(f"convcalc: {self.message}", file=file, err=True)


def refuse_idle(
    weights: str | None,
    names: str | None,
    images: Sequence[str],
    normalize: str | None,
    seed: int | None,
) -> None:
    """Refuse options of weights and input that would have no effect."""
    if names is not None and weights is None:
        raise click.UsageError("--weights-map says what --weights calls things; there are none")
    if normalize is not None and not images:
        raise click.UsageError("--normalize says what becomes of an --image; there is none")
    if seed is not None and weights is not None and images:
        raise click.UsageError("--seed is of random weights and input; both are given")


@contextmanager
def running() -> Iterator[None]:
    """Tell what keeps a network from being run."""
    try:
        yield
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise CannotRun(f"{where}{error.strerror or error}") from error
    except (ArgumentError, ImportError, RuntimeError) as error:
        raise CannotRun(str(error)) from error
    except MemoryError as error:
        raise CannotRun("there is not enough memory to run this network") from error


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


def refuse_too_large(
    network: Network,
    run: Run,
    with_input: Callable[[Inputs], Network] | None = None,
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
        alike = {
            network.nodes[index].name: shape._replace(spatial=smaller.spatial)
            for index in network.alike_inputs
            if (shape := network.shape_of(index)) is not None
        }
        given = smaller if len(network.inputs) == 1 else alike
        resized = with_input(given) if with_input is not None else None
        if resized is not None and not resized.errors and needs(resized).batch(1).total <= there:
            batch = " --batch 1" if run.batch > 1 else ""
            options = given_as(network, smaller)
            raise CannotRun(f"{message}; a smaller input would fit: {options}{batch}")
    raise CannotRun(f"{message}; no batch would fit")


def refuse_too_large_to_train(network: Network, run: TrainingRun) -> None:
    """Say what a training step needs, what there is, and which batch would fit."""
    there = _free_on_gpu() if run.backend == "cupy" else available()
    if there is None:
        return

    def needs(batch: int) -> int:
        return training_need(
            network, batch=batch, dtype=run.dtype, optimizer=run.optimizer, loss=run.loss
        )

    need = needs(run.batch)
    if need <= there:
        return
    largest = largest_batch(lambda batch: needs(batch) <= there, run.batch)
    would = f"a batch of {largest:,} would fit: --batch {largest}" if largest else "none would fit"
    raise CannotRun(
        f"training {network.path} needs up to {both_bytes(need)} for "
        f"{plural(run.batch, 'example')}, and {both_bytes(there)} are available; {would}"
    )


def _free_on_gpu() -> int | None:
    """Bytes that are free on the GPU; None without one, which is said when it is to be used."""
    from convcalc.forward.running import cupy_with_gpu

    try:
        return int(cupy_with_gpu().cuda.runtime.memGetInfo()[0])
    except (ImportError, RuntimeError):
        return None


def _smaller(shape: Shape | None) -> Iterator[Shape]:
    """The input in smaller and smaller sizes."""
    if shape is None or not shape.spatial:
        return
    for share in (sixteenths / 16 for sixteenths in range(15, 0, -1)):
        sizes = [max(int(size * share) // 32 * 32, 32) for size in shape.spatial]
        if all(size < full for size, full in zip(sizes, shape.spatial, strict=True)):
            yield shape._replace(spatial=tuple(sizes))


def given_weights(
    path: str | None, map_path: str | None, network: Network, seed: int | None = None
) -> "Fitted | None":
    """The weights of a file, what it has beside them being told; a network's own without one.

    None where they are random: where there are none, or a `seed` for random ones is given.
    """
    if path is None:
        if seed is not None or network.written is None or network.written.arrays is None:
            return None
        from convcalc.forward.named import own_weights

        return own_weights(network)
    from convcalc.forward.mapping import read_mapping
    from convcalc.forward.named import read_weights

    fitted = read_weights(path, network, read_mapping(map_path) if map_path else None)
    unused = fitted.unused
    if unused:
        some = ", ".join(unused[:5]) + (" …" if len(unused) > 5 else "")
        click.echo(f"convcalc: {path}: {plural(len(unused), 'array')} not used: {some}", err=True)
    return fitted


def given_inputs(
    images: Sequence[str], normalize: Any, network: Planned, batch: int
) -> dict[str, Any] | None:
    """For each input a batch of the image, or the numbers, of a file; None without files.

    Raises `click.UsageError` where there is not one file for each.
    """
    if not images:
        return None
    named, numbers = network.named_inputs, network.index_inputs
    paths = _by_input(images, named)
    if normalize is not None and numbers.issuperset(named.values()):
        raise click.UsageError("--normalize is of an image's values; whole numbers are looked up")
    from convcalc.forward.given import checked_indices
    from convcalc.forward.images import read_image, read_indices

    inputs = {
        name: read_indices(paths[name], network.shape_of(index), batch=batch)
        if index in numbers
        else read_image(paths[name], network.shape_of(index), normalize, batch=batch)
        for name, index in named.items()
    }
    return checked_indices(network, inputs)


def _by_input(images: Sequence[str], inputs: Mapping[str, int]) -> dict[str, str]:
    """Paths by the names of the inputs that they are for; one input goes without its name."""
    paths: dict[str, str] = {}
    for image in images:
        name, sign, path = image.partition("=")
        if not sign or name not in inputs or (len(inputs) == 1 and Path(image).exists()):
            if len(inputs) > 1:
                wrong = f"there is no input {name!r}" if sign else f"{image!r} names no input"
                raise click.UsageError(f"--image: {wrong}; write {_each_named(inputs)}")
            name, path = next(iter(inputs)), image
        if name in paths:
            raise click.UsageError(f"--image is given twice for {name}")
        paths[name] = path
    missing = [name for name in inputs if name not in paths]
    if missing:
        raise click.UsageError(
            f"--image: there is none for {listed(missing)}; write {_each_named(inputs)}"
        )
    return paths


def _each_named(inputs: Iterable[str]) -> str:
    """How the images of several inputs are written."""
    return " ".join(f"--image {name}=FILE" for name in inputs)
