"""Run a network and hold what happened against what was predicted."""

from collections.abc import Callable, Collection, Mapping, Sequence
from fnmatch import fnmatchcase
from math import inf, prod
from typing import Any, NamedTuple

from convcalc.analysis import analyze
from convcalc.analysis.memory import deploy
from convcalc.checks.verdict import LayerVerdict, Pair, Timing, Verdict
from convcalc.graph import INPUT, Network
from convcalc.layers import Fact, Plan, kinds
from convcalc.numbers import grouped
from convcalc.shape import Shape


class Run(NamedTuple):
    """How a network is to be run."""

    batch: int = 1
    """Number of examples that go in at once."""
    dtype: str = "float32"
    """Data type to compute in; the engine has float32 alone."""
    backend: str = "numpy"
    """The array library: `numpy`, or `cupy` on a GPU, without the engine."""
    engine: bool = False
    """Whether the engine computes the values, compared with the definitions at samples."""
    seed: int = 0
    """What random weights and a random input are drawn from."""
    threads: int | None = None
    """Most threads: of the engine, one a core unless given; of the reference's BLAS, one."""
    x: Any = None
    """The input, (N, C, *spatial); None draws random numbers from the seed."""
    weights: Mapping[str, Any] | None = None
    """Arrays by "<layer>.<weight>", in PyTorch's layout; None draws them from the seed."""
    pattern: str | None = None
    """Full names of layers to show and keep, with `*` and `?`, or a group's; None is all."""
    keep: bool = False
    """Whether the outputs of these layers are handed back."""
    profile: bool = False
    """Whether steps are timed, over several runs."""
    progress: Callable[[int, int], None] | None = None
    """Called with how many layers are done, and of how many."""

    @property
    def draws(self) -> bool:
        """Whether weights are random and drawn when they are read; a profile times the network."""
        return self.weights is None and not self.profile


class Outcome(NamedTuple):
    """A verdict, and the arrays behind it."""

    verdict: Verdict
    """What was predicted and observed, as numbers."""
    output: Any
    """The array of the network's output, batch first; None where no values were computed."""
    kept: dict[str, Any]
    """Arrays by full names of layers; {} unless they were to be kept."""


AGREEMENT = 1e-4
"""How far the engine may be from a layer's definition, as a part of the largest value."""
UNCHANGED = kinds("identity", "view", having=Fact.LINEAR)
"""Kinds that leave values in their order."""
REPEATS = 3
"""Runs of a profile; of each step the shortest time counts."""


def verify(network: Network, run: Run) -> Outcome:
    """Run `network`, which has no errors, and compare."""
    from convcalc.forward.observe import Observed, observe
    from convcalc.forward.values import Values, random_input, with_engine, with_reference
    from convcalc.forward.weights import drawn_weights, random_weights

    weights = run.weights
    if run.draws:
        weights = drawn_weights(network, run.seed)
    elif weights is None:
        weights = random_weights(network, run.seed, threads=run.threads)
    observed: list[Observed] = observe(network, run.batch, weights)
    shown = matching(network, run.pattern)
    keep = shown if run.keep else ()
    raised = any(each.error for each in observed)
    wrong = raised or any(
        each.output != (run.batch, *plan.output.axes) or weight_differences(plan, each)
        for each, plan in zip(observed, network.plans, strict=True)
        if plan is not None
    )
    notes = []
    values: Values | None = None
    x = run.x if run.x is not None else random_input(network, run.batch, run.seed)
    repeats = REPEATS if run.profile else 1
    if raised:
        notes.append("the values were not computed, because a definition failed")
    elif not run.engine or wrong:
        if run.engine:
            notes.append("the reference computed the values: the engine builds on the plans")
        values = with_reference(
            network,
            x,
            weights,
            backend=run.backend,
            dtype=run.dtype,
            threads=run.threads,
            keep=keep,
            repeats=repeats,
            progress=run.progress,
        )
    else:
        values = with_engine(
            network,
            x,
            weights,
            threads=run.threads,
            keep=keep,
            seed=run.seed,
            repeats=repeats,
            progress=run.progress,
        )
    verdict = _verdict(network, run, observed, values, shown, tuple(notes))
    if values is not None and values.compared:
        verdict = _compared(verdict, values.compared)
    if values is None:
        return Outcome(verdict, None, {})
    return Outcome(verdict, values.output, values.kept)


def _compared(verdict: Verdict, compared: Sequence[Any]) -> Verdict:
    """The verdict with how far the engine is from the definitions, layer by layer."""
    differences = [
        f"{each.layers[-1]}: {_how_far(each)}" for each in compared if not each.error <= AGREEMENT
    ]
    values = sum(each.values for each in compared)
    largest = max(each.error for each in compared)
    said = (
        f"the engine was compared with the definitions at {grouped(values)} values, some of every "
        f"layer's, and differs by up to {largest:.1e} of a layer's largest value"
    )
    if differences:
        return verdict._replace(differences=(*verdict.differences, *differences))
    return verdict._replace(notes=(*verdict.notes, said))


def _how_far(compared: Any) -> str:
    if compared.error == inf:
        return "the engine has values that are not finite where the definition's are, or none"
    return (
        f"the engine differs from the definition by {compared.error:.1e} of the largest value, "
        f"which is more than {AGREEMENT:.0e}"
    )


def matching(network: Network, pattern: str | None) -> Collection[str]:
    """Names of the layers that a pattern matches, or of those in the group that it names."""
    names = [node.name for node in network.nodes]
    if pattern is None:
        return names
    inside = next((group.layers for group in network.groups if group.name == pattern), range(0))
    return [
        name for index, name in enumerate(names) if index in inside or fnmatchcase(name, pattern)
    ]


def _verdict(
    network: Network,
    run: Run,
    observed: Sequence[Any],
    values: Any,
    shown: Collection[str],
    notes: tuple[str, ...],
) -> Verdict:
    report = analyze(network, batch=run.batch, dtype=run.dtype)
    layers = [
        _layer(network, index, run.batch, seen, values) for index, seen in enumerate(observed)
    ]
    keeps = bool(values and values.kept)
    differences = [
        f"{layer.name}: {difference}" for layer in layers for difference in layer.differences
    ]
    memory = Pair(
        deploy(network, batch=run.batch, dtype=run.dtype).activation_peak,
        # With layers kept, what is alive is no run's as it is predicted.
        values.alive if values and not keeps else None,
        most=True,
    )
    if not memory.fine:
        differences.append(
            f"activations: at most {memory.predicted:,} bytes predicted, "
            f"{memory.observed:,} observed"
        )
    totals = report.totals
    output = network.shape_of(network.output)
    assert network.input is not None  # noqa: S101 (networks with errors are refused)
    assert output is not None  # noqa: S101
    macs = {layer.name: layer.macs.predicted for layer in layers}
    times = [
        Timing(each.layers, each.kernel, each.seconds, sum(macs[name] for name in each.layers))
        for each in (values.times if values and run.profile else ())
    ]
    return Verdict(
        name=network.name,
        path=network.path,
        batch=run.batch,
        dtype=run.dtype,
        backend=run.backend,
        tier=values.tier if values else "none",
        seed=run.seed if run.weights is None else None,
        input=network.input,
        output=output,
        layers=[layer for layer in layers if layer.name in shown or layer.differences],
        layer_count=len(layers),
        weights=Pair(
            totals.known("parameters") + totals.known("buffers"),
            sum(layer.weights.observed or 0 for layer in layers),
        ),
        macs=Pair(totals.known("macs"), sum(layer.macs.observed or 0 for layer in layers)),
        activation_bytes=memory,
        allocated=values.allocated if values else 0,
        finite=all(values.finite.values()) if values else None,
        differences=tuple(differences),
        times=times,
        notes=notes,
    )


def _layer(network: Network, index: int, batch: int, seen: Any, values: Any) -> LayerVerdict:
    node, plan = network.nodes[index], network.plans[index]
    assert plan is not None  # noqa: S101 (networks with errors are refused)
    finite = values.finite.get(node.name) if values else None
    observed: tuple[int, ...] | None = seen.output
    computed = values.shapes.get(node.name) if values else None
    differences = [] if seen.error is None else [f"its definition raised {seen.error}"]
    expected = (batch, *plan.output.axes)
    if observed is not None and observed == expected and computed is not None:
        observed = computed
    if observed is not None and observed != expected:
        if observed[:1] != (batch,):
            differences.append(f"{batch} examples went in, and {observed[:1]} came out")
        else:
            came = Shape.from_axes(observed[1:]) if observed[1:] else "nothing"
            differences.append(f"output {plan.output} predicted, {came} observed")
    differences += weight_differences(plan, seen)
    own = node.shared_with < 0
    read = sum(values_read for _, values_read in seen.weights.values()) if own else 0
    predicted = sum(weight.size for weight in plan.weights) if own else 0
    macs = Pair(plan.macs * batch, None if seen.error else seen.multiplications(plan))
    if macs.observed is not None and not macs.fine:
        differences.append(f"{macs.predicted:,} MACs predicted, {macs.observed:,} observed")
    if finite is False:
        differences.append("some of its values are not finite")
    return LayerVerdict(
        name=node.name,
        kind=node.kind,
        line=network.lines[index],
        predicted=plan.output,
        observed=None if observed is None else observed[1:],
        weights=Pair(predicted, None if seen.error else read),
        macs=macs,
        finite=finite,
        differences=tuple(differences),
    )


def weight_differences(plan: Plan, seen: Any) -> list[str]:
    """Weights that a definition did not use as they are planned."""
    if seen.error is not None:
        return []
    differences = []
    for weight in plan.weights:
        shape, read = seen.weights.get(weight.name, (None, 0))
        if shape is None:
            differences.append(f"weight {weight.name!r} is predicted, and was never asked for")
        elif shape != weight.shape:
            differences.append(
                f"weight {weight.name!r} is {_times(weight.shape)} as predicted, and "
                f"{_times(shape)} as observed"
            )
        elif read != prod(shape):
            differences.append(
                f"of weight {weight.name!r}, {read:,} of {prod(shape):,} values were read"
            )
    return differences


def _times(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape)) or "1"


def network_output_kind(network: Network) -> str:
    """The kind of the last layer that changes values."""
    index = network.output
    while index != INPUT and network.nodes[index].kind in UNCHANGED:
        index = network.nodes[index].inputs[0]
    return network.nodes[index].kind if index != INPUT else "input"
