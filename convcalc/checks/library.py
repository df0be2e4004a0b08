"""What `check`, `verify` and `diff` do, as functions that return values and print nothing."""

from collections.abc import Iterable, Mapping
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, Literal

from convcalc.analysis.report import DTYPE_BYTES
from convcalc.arguments import by_name, one_of, shown, switch, text, texts, whole
from convcalc.diagnostics import ArgumentError, listed
from convcalc.graph import Given, GivenShape, Network, read
from convcalc.graph.planned import planned
from convcalc.spec.nodes import Value
from convcalc.spec.tree import Spec

if TYPE_CHECKING:
    from convcalc.analysis.compare import Comparison
    from convcalc.checks.baseline import Baseline
    from convcalc.checks.report import CheckReport
    from convcalc.checks.run import Checked, Task
    from convcalc.checks.settings import Given as Asked
    from convcalc.checks.verdict import Verdict


def check(
    specs: "str | PathLike[str] | Iterable[str | PathLike[str]] | Spec | Mapping[str, str | Spec]",
    *,
    select: str | Iterable[str] = (),
    extend_select: str | Iterable[str] = (),
    ignore: str | Iterable[str] = (),
    budget: Mapping[str, object] | None = None,
    strict: bool = False,
    input: GivenShape | None = None,  # noqa: A002 (the spec's own word)
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
    from convcalc.checks.known import beyond, graver, seen, unseen
    from convcalc.checks.report import CheckReport
    from convcalc.checks.run import Task, check_files, check_text
    from convcalc.graph.given import given_parameters, given_shape
    from convcalc.spec.text import SourceText

    strict, isolated = switch(strict, "strict"), switch(isolated, "isolated")
    jobs = whole(jobs, "jobs")
    only = None if config is None else _config(config)
    if config is not None and isolated:
        message = "isolated uses no configuration, and config names one"
        raise ArgumentError(message)
    configured = Configurations(
        _given(select, extend_select, ignore, budget, strict=strict),
        only=only,
        isolated=isolated,
    )
    task = Task(
        settings=configured.run,
        shape=given_shape(input),
        parameters=given_parameters(parameters) or {},
        configurations=configured,
    )
    checked: list[Checked]
    if isinstance(specs, Spec):
        specs = {specs.name or "<spec>": specs}
    if isinstance(specs, Mapping):
        checked = [
            _check_spec(name, spec, task)
            if isinstance(spec, Spec)
            else check_text(SourceText(name, text(spec, f"the spec {name!r}", "'input: …'")), task)
            for name, spec in by_name(specs, "specs", "{'net.yaml': 'input: …'}").items()
        ]
    else:
        searched = find(_paths(specs), configured)
        if searched.empty:
            message = f"no specs in {', '.join(searched.empty)}"
            raise ArgumentError(message)
        checked = check_files(searched.files, task, jobs=jobs)
    if not checked:
        message = "there is nothing to check: no spec is named, or all are excluded"
        raise ArgumentError(message)
    named = dict.fromkeys(task.of(one.path).baseline for one in checked)
    baselines: dict[str, Baseline | None] = {path: read_baseline(path) for path in named if path}
    findings = beyond(baselines, checked, task)
    checked = seen(checked, findings)
    return CheckReport(
        files=tuple(one.path for one in checked),
        diagnostics=tuple(graver(findings) if configured.run.strict else findings),
        codes={},
        left_out=sum(one.left_out for one in checked),
        notes=tuple(unseen(checked)),
        unheld=any(one.unheld for one in checked),
    )


def _config(given: object) -> str:
    """The path of a configuration file. Raises `TypeError` for what is none."""
    path = fspath(given) if isinstance(given, str | PathLike) else None
    if not isinstance(path, str):
        message = f"config is the path of a configuration file, and this is {shown(given)}"
        raise TypeError(message)
    return path


def _paths(given: object) -> list[str]:
    """Files, folders, globs and bundled names. Raises `TypeError` for anything else."""
    several = isinstance(given, Iterable) and not isinstance(given, str | bytes | PathLike)
    paths: list[str] = []
    for each in given if isinstance(given, Iterable) and several else [given]:
        path = fspath(each) if isinstance(each, str | PathLike) else None
        if not isinstance(path, str):
            message = (
                "specs are files, folders, globs or bundled names, a Spec, or texts by name, and "
                f"this is {shown(each)}"
            )
            if isinstance(each, Network | Spec):
                message += "; check takes what is written: name its file, or give the Spec alone"
            raise TypeError(message)
        if "\n" in path:
            message = "this is the text of a spec, where a file is meant: write {'net.yaml': text}"
            raise ArgumentError(message)
        paths.append(path)
    return paths


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
) -> "Asked":
    """What is asked for, above every configuration. Raises `ValueError`."""
    from convcalc.checks.codes import Selection, code_or_prefix
    from convcalc.checks.settings import Given as Asked
    from convcalc.checks.settings import Limit
    from convcalc.spec.promises import BUDGETS, limits
    from convcalc.spec.values import FieldError

    def codes(written: object, name: str) -> tuple[str, ...]:
        named: list[str] = []
        for each in texts(written, name, "'CC4,CC511'"):
            listed = [code_or_prefix(code) for code in each.split(",") if code.strip()]
            if not listed:
                message = f"{name} {each!r} names no code"
                raise ArgumentError(message)
            named += listed
        return tuple(dict.fromkeys(named))

    selection = Selection(
        codes(select, "select"),
        codes(extend_select, "extend_select"),
        codes(ignore, "ignore"),
    )
    idle = selection.idle()
    if idle:
        message = f"ignore {idle[0]!r} leaves out nothing that is selected"
        raise ArgumentError(message)
    own_limits: list[Limit] = []
    limited = {} if budget is None else by_name(budget, "budget", "{'macs': '5G'}")
    for name, value in limited.items():
        if name not in BUDGETS:
            message = f"budget has no key {name!r}: it may hold {', '.join(BUDGETS)}"
            raise ArgumentError(message)
        try:
            promises = limits({name: value})
        except FieldError as error:
            message = f"budget: {error.problem.message}"
            raise ArgumentError(message) from None
        own_limits += (Limit(each, f"budget {name} {value}", asked=True) for each in promises)
    for limit in own_limits:
        if selection.leaves_out(limit.code):
            message = f"{limit.origin} asks for {limit.code}, and ignore leaves it out"
            raise ArgumentError(message)
    return Asked(
        selection.select or None,
        selection.extend_select or None,
        selection.ignore or None,
        limits=tuple(own_limits),
        strict=strict,
    )


def verify(
    network: Given,
    *,
    batch: int | None = None,
    dtype: Literal["float32", "float16", "float64"] = "float32",
    backend: Literal["numpy", "cupy"] = "numpy",
    engine: bool = False,
    seed: int | None = None,
    threads: int | None = None,
    x: Any = None,
    weights: "Mapping[str, Any] | str | PathLike[str] | None" = None,
    layers: str | None = None,
    profile: bool = False,
    input: GivenShape | None = None,  # noqa: A002
    parameters: Mapping[str, Value] | None = None,
) -> "Verdict":
    """Run a network, and hold every shape, weight, product and value against the prediction.

    `network` is one, a `Spec`, or what `load` takes. The readable definition of every layer
    computes the values, or the `engine`, compared with the definitions at samples that `seed`
    chooses.
    `x` of shape (N, C, *spatial), or such arrays by the names of the inputs, and `weights` are
    random from `seed`, too, unless given: weights are arrays by name, or a file of them, by
    "<layer>.<weight>" or as they are published (docs/verify.md); what was made of their names is
    among the verdict's notes.
    `layers` is a pattern: the verdict lists those alone, and what differs. `profile` times each
    step.

    Raises `SpecError` for a spec with errors, `ValueError` for what does not fit or would have no
    effect, and `MemoryError` before more is allocated than there is.
    """
    from convcalc.checks.resources import Needs, available
    from convcalc.checks.verify import Run
    from convcalc.checks.verify import verify as run_and_compare
    from convcalc.forward.given import checked_inputs, examples_of
    from convcalc.forward.named import Fitted, given_weights, own_weights
    from convcalc.forward.threads import MOST_THREADS, available_cores
    from convcalc.graph.matching import matching
    from convcalc.numbers import both_bytes

    network = planned(read(network, input=input, parameters=parameters))
    engine, profile = switch(engine, "engine"), switch(profile, "profile")
    batch = None if batch is None else whole(batch, "batch")
    given = None if x is None else checked_inputs(network, x, batch)
    examples = (batch or 1) if given is None else examples_of(given)
    one_of(dtype, "dtype", ("float32", "float16", "float64"))
    one_of(backend, "backend", ("numpy", "cupy"))
    if engine and (dtype != "float32" or backend != "numpy"):
        message = "the engine computes in float32 with NumPy"
        raise ArgumentError(message)
    if seed is not None:
        seed = whole(seed, "seed", least=0)
        if x is not None and weights is not None and not engine:
            message = f"seed {seed} would have no effect: x and weights are given"
            raise ArgumentError(message)
    if layers is not None and not matching(
        network, text(layers, "layers", "'stage1' or '*.conv?'")
    ):
        message = f"no layer matches {layers!r}"
        raise ArgumentError(message)
    if threads is not None:
        threads = whole(threads, "threads", most=MOST_THREADS)
    if weights is not None:
        fitted: Fitted | None = given_weights(weights, network)
    else:
        fitted = own_weights(network) if seed is None else None
    cores = available_cores()
    run = Run(
        batch=examples,
        dtype=dtype,
        backend=backend,
        engine=engine,
        seed=seed or 0,
        threads=None if threads is None else min(threads, cores),
        given=given,
        weights=None if fitted is None else fitted.weights,
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
    verdict = run_and_compare(network, run).verdict
    if fitted is not None:
        unused = [f"arrays not used: {listed(fitted.unused)}"] if fitted.unused else []
        verdict = verdict._replace(notes=(*fitted.notes, *unused, *verdict.notes))
    return verdict


def diff(
    old: Given,
    new: Given,
    *,
    batch: int = 1,
    dtype: str = "float32",
    input: GivenShape | None = None,  # noqa: A002
    parameters: Mapping[str, Value] | None = None,
) -> "Comparison":
    """What became of a network: layers added, removed and changed, and the totals of both.

    Both are networks, specs, or what `load` takes; `input` and `parameters` are then for both.
    Raises `SpecError` for a spec with errors, and `ValueError` for a batch or a data type that
    there is not.
    """
    from convcalc.analysis.compare import compare

    before, after = (planned(read(each, input=input, parameters=parameters)) for each in (old, new))
    return compare(
        before,
        after,
        batch=whole(batch, "batch"),
        dtype=one_of(dtype, "dtype", DTYPE_BYTES),
    )
