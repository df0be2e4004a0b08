"""What `check`, `verify` and `diff` do, as functions that return values and print nothing."""

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, Literal

from convcalc.graph import Network, load
from convcalc.graph.planned import Planned, planned
from convcalc.shape import Shape
from convcalc.spec.nodes import Value

if TYPE_CHECKING:
    from convcalc.analysis.compare import Comparison
    from convcalc.checks.baseline import Baseline
    from convcalc.checks.report import CheckReport
    from convcalc.checks.run import Checked, Task
    from convcalc.checks.settings import Given
    from convcalc.checks.verdict import Verdict
    from convcalc.spec.tree import Spec


def check(
    specs: "str | PathLike[str] | Iterable[str | PathLike[str]] | Spec | Mapping[str, str | Spec]",
    *,
    select: str | Iterable[str] = (),
    extend_select: str | Iterable[str] = (),
    ignore: str | Iterable[str] = (),
    budget: Mapping[str, object] | None = None,
    strict: bool = False,
    input: Shape | str | None = None,  # noqa: A002 (the spec's own word)
    parameters: Mapping[str, str | Value] | None = None,
    config: "str | PathLike[str] | None" = None,
    isolated: bool = False,
    jobs: int = 1,
) -> "CheckReport":
    """Find everything invalid or doubtful in specs, and verify what they promise.

    `specs` are what the command line takes (files, folders, globs, bundled names), one or several,
    or specs made in Python, or texts, by the names that they are to have in findings. Codes are
    those of the command line, beginnings of them, or names of rules; `budget` is as in a spec and
    holds for all; configuration files count as they do there, unless `config` names one or
    `isolated` says none.
    More than one process works only where the main module can be imported, so `jobs` is 1.

    Raises `ValueError` for codes, budgets and configurations that cannot be used, and where nothing
    is there to check. A file that cannot be read is a finding.
    """
    from convcalc.checks.baseline import read_baseline
    from convcalc.checks.configuration import Configurations
    from convcalc.checks.files import find
    from convcalc.checks.known import beyond, graver, unseen
    from convcalc.checks.report import CheckReport
    from convcalc.checks.run import Task, check_files, check_text
    from convcalc.graph import given_shape
    from convcalc.spec.text import SourceText
    from convcalc.spec.tree import Spec

    if config is not None and isolated:
        message = "isolated uses no configuration, and config names one"
        raise ValueError(message)
    configured = Configurations(
        _given(select, extend_select, ignore, budget, strict=strict),
        only=None if config is None else fspath(config),
        isolated=isolated,
    )
    task = Task(
        settings=configured.run,
        shape=given_shape(input),
        parameters=parameters or {},
        configurations=configured,
    )
    checked: list[Checked]
    if isinstance(specs, Spec):
        specs = {specs.name or "<spec>": specs}
    if isinstance(specs, Mapping):
        checked = [
            _check_spec(name, spec, task)
            if isinstance(spec, Spec)
            else check_text(SourceText(name, spec), task)
            for name, spec in specs.items()
        ]
    else:
        paths = [specs] if isinstance(specs, str | PathLike) else [*specs]
        searched = find([fspath(path) for path in paths], configured)
        if searched.empty:
            message = f"no specs in {', '.join(searched.empty)}"
            raise ValueError(message)
        checked = check_files(searched.files, task, jobs=jobs)
    if not checked:
        message = "there is nothing to check: no spec is named, or all are excluded"
        raise ValueError(message)
    named = dict.fromkeys(task.of(one.path).baseline for one in checked)
    baselines: dict[str, Baseline | None] = {path: read_baseline(path) for path in named if path}
    findings = beyond(baselines, checked, task)
    return CheckReport(
        files=tuple(one.path for one in checked),
        diagnostics=tuple(graver(findings) if configured.run.strict else findings),
        codes={},
        left_out=sum(one.left_out for one in checked),
        notes=tuple(unseen(checked)),
        unheld=any(one.unheld for one in checked),
    )


def _check_spec(name: str, spec: "Spec", task: "Task") -> "Checked":
    """Everything found in a spec made in Python, by the names that things have there.

    It is checked as the text that is written of it, because its comments may silence findings.
    """
    from convcalc.checks.run import check_text
    from convcalc.graph import as_written
    from convcalc.spec.named import in_python
    from convcalc.spec.text import SourceText

    text = SourceText(name, spec.to_yaml())
    checked, tree = check_text(text, task), as_written(text).spec
    if tree is None:
        return checked
    diagnostics = (in_python(each, text, tree) for each in checked.diagnostics)
    return checked._replace(diagnostics=tuple(diagnostics))


def _given(
    select: str | Iterable[str],
    extend_select: str | Iterable[str],
    ignore: str | Iterable[str],
    budget: Mapping[str, object] | None,
    *,
    strict: bool,
) -> "Given":
    """What is asked for, above every configuration. Raises `ValueError`."""
    from convcalc.checks.codes import Selection, code_or_prefix
    from convcalc.checks.settings import Given, Limit
    from convcalc.spec.fields import FieldError
    from convcalc.spec.promises import BUDGETS, limits

    def codes(written: str | Iterable[str]) -> tuple[str, ...]:
        listed = written.split(",") if isinstance(written, str) else written
        return tuple(dict.fromkeys(code_or_prefix(code) for code in listed if code.strip()))

    selection = Selection(codes(select), codes(extend_select), codes(ignore))
    idle = selection.idle()
    if idle:
        message = f"ignore {idle[0]!r} leaves out nothing that is selected"
        raise ValueError(message)
    own_limits: list[Limit] = []
    for name, value in (budget or {}).items():
        if name not in BUDGETS:
            message = f"budget has no key {name!r}: it may hold {', '.join(BUDGETS)}"
            raise ValueError(message)
        try:
            promises = limits({name: value})
        except FieldError as error:
            message = f"budget: {error.problem.message}"
            raise ValueError(message) from None
        own_limits += (Limit(each, f"budget {name} {value}", asked=True) for each in promises)
    for limit in own_limits:
        if selection.leaves_out(limit.code):
            message = f"{limit.origin} asks for {limit.code}, and ignore leaves it out"
            raise ValueError(message)
    return Given(
        selection.select or None,
        selection.extend_select or None,
        selection.ignore or None,
        limits=tuple(own_limits),
        strict=strict,
    )


def verify(
    network: "Network | Spec | str | PathLike[str]",
    *,
    batch: int | None = None,
    dtype: Literal["float32", "float16", "float64"] = "float32",
    backend: Literal["numpy", "cupy"] = "numpy",
    engine: bool = False,
    seed: int | None = None,
    threads: int | None = None,
    x: Any = None,
    weights: Mapping[str, Any] | None = None,
    layers: str | None = None,
    profile: bool = False,
    input: Shape | str | None = None,  # noqa: A002
    parameters: Mapping[str, Value] | None = None,
) -> "Verdict":
    """Run a network, and hold every shape, weight, product and value against the prediction.

    `network` is one, a `Spec`, or what `load` takes. The readable definition of every layer
    computes the values, or the `engine`, compared with the definitions at samples that `seed`
    chooses.
    `x` of shape (N, C, *spatial) and `weights` by "<layer>.<weight>" are random from `seed`, too,
    unless given. `layers` is a pattern: the verdict lists those alone, and what differs. `profile`
    times each step.

    Raises `SpecError` for a spec with errors, `ValueError` for what does not fit or would have no
    effect, and `MemoryError` before more is allocated than there is.
    """
    from convcalc.checks.resources import Needs, available
    from convcalc.checks.verify import Run, matching
    from convcalc.checks.verify import verify as run_and_compare
    from convcalc.forward.threads import available_cores
    from convcalc.forward.weights import checked_weights
    from convcalc.numbers import both_bytes

    network = _network(network, input, parameters)
    examples = _examples(network, x, batch)
    if dtype not in ("float32", "float16", "float64"):
        message = f"dtype {dtype!r} is not float32, float16 or float64"
        raise ValueError(message)
    if backend not in ("numpy", "cupy"):
        message = f"backend {backend!r} is not numpy or cupy"
        raise ValueError(message)
    if engine and (dtype != "float32" or backend != "numpy"):
        message = "the engine computes in float32 with NumPy"
        raise ValueError(message)
    if seed is not None and x is not None and weights is not None and not engine:
        message = f"seed {seed} would have no effect: x and weights are given"
        raise ValueError(message)
    if layers is not None and not matching(network, layers):
        message = f"no layer matches {layers!r}"
        raise ValueError(message)
    if threads is not None and threads < 1:
        message = f"threads {threads} is below 1"
        raise ValueError(message)
    if weights is not None:
        checked_weights(network, weights)
    cores = available_cores()
    run = Run(
        batch=examples,
        dtype=dtype,
        backend=backend,
        engine=engine,
        seed=seed or 0,
        threads=None if threads is None else min(threads, cores),
        x=x,
        weights=weights,
        pattern=layers,
        profile=profile,
    )
    there = available()
    if there is not None and backend == "numpy":
        needs = Needs(
            network,
            dtype=dtype,
            engine=engine,
            threads=run.threads or cores,
            keep=False,
            drawn=run.draws,
        )
        need = needs.batch(examples).total
        if need > there:
            message = (
                f"{network.path} needs up to {both_bytes(need)} for a batch of {examples:,}, and "
                f"{both_bytes(there)} are available"
            )
            raise MemoryError(message)
    return run_and_compare(network, run).verdict


def _examples(network: Planned, x: Any, batch: int | None) -> int:
    """How many examples run. Raises `ValueError` where `x` is of another shape."""
    if batch is not None and batch < 1:
        message = f"batch {batch} is below 1"
        raise ValueError(message)
    if x is None:
        return 1 if batch is None else batch
    shape: Sequence[int] = getattr(x, "shape", ())
    axes = network.input.axes
    if not shape or shape[0] < 1 or tuple(shape[1:]) != axes or batch not in (None, shape[0]):
        first = "N" if batch is None else str(batch)
        wanted, given = "×".join([first, *map(str, axes)]), "×".join(map(str, shape)) or "no array"
        message = f"x is {given}, and {network.name} takes {wanted}"
        raise ValueError(message)
    return int(shape[0])


def diff(
    old: "Network | Spec | str | PathLike[str]",
    new: "Network | Spec | str | PathLike[str]",
    *,
    batch: int = 1,
    dtype: str = "float32",
    input: Shape | str | None = None,  # noqa: A002
    parameters: Mapping[str, Value] | None = None,
) -> "Comparison":
    """What became of a network: layers added, removed and changed, and the totals of both.

    Both are networks, specs, or what `load` takes; `input` and `parameters` are then for both.
    Raises `SpecError` for a spec with errors, and `ValueError` for a batch or a data type that
    there is not.
    """
    from convcalc.analysis.compare import compare

    before = _network(old, input, parameters)
    after = _network(new, input, parameters)
    return compare(before, after, batch=batch, dtype=dtype)


def _network(
    given: "Network | Spec | str | PathLike[str]",
    shape: Shape | str | None,
    parameters: Mapping[str, Value] | None,
) -> Planned:
    """The network itself, or read from where it is said to be; one without errors."""
    from convcalc.spec.tree import Spec

    if isinstance(given, Spec):
        return planned(given.network(input=shape, **(parameters or {})))
    if not isinstance(given, Network):
        return planned(load(given, input=shape, parameters=parameters))
    if shape is not None or parameters:
        message = "input and parameters are for a spec that is read, and this is a network already"
        raise ValueError(message)
    return planned(given)
