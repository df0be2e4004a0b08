"""Run a network and hold what happened against what was predicted."""

from collections.abc import Callable, Collection, Mapping, Sequence
from math import inf, prod
from typing import Any, NamedTuple

from convcalc.analysis import analyze
from convcalc.analysis.memory import deploy
from convcalc.checks.verdict import LayerVerdict, Pair, Timing, Verdict
from convcalc.forward.seen import Compared, Observed, Values
from convcalc.graph import Network
from convcalc.graph.ends import last_kind
from convcalc.graph.matching import matching
from convcalc.graph.planned import Planned, planned
from convcalc.layers import SOURCES, Plan
from convcalc.numbers import array_shape, grouped
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
    given: Mapping[str, Any] | None = None
    """The arrays of the inputs by their names, (N, C, *spatial); None draws random numbers from the
    seed."""
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
    outputs: dict[str, Any]
    """The arrays of the network's outputs by their names, batch first; {} where no values were
    computed."""
    kept: dict[str, Any]
    """Arrays by full names of layers; {} unless they were to be kept."""


AGREEMENT = 1e-4
"""How far the engine may be from a layer's definition, as a part of the largest value."""
REPEATS = 3
"""Runs of a profile; of each step the shortest time counts."""


def verify(network: Network, run: Run) -> Outcome:
    """Run a network, and compare; raises `SpecError` for one with errors."""
    from convcalc.forward.observe import observe

    network = planned(network)
    weights = _weights(network, run)
    observed = observe(network, run.batch, weights)
    shown = matching(network, run.pattern)
    values, notes = _values(network, run, weights, observed, shown if run.keep else ())
    if values is None:
        return Outcome(_verdict(network, run, observed, None, shown, notes), {}, {})
    differences, said = _agreement(values.compared)
    verdict = _verdict(network, run, observed, values, shown, (*notes, *said))
    verdict = verdict._replace(differences=(*verdict.differences, *differences))
    return Outcome(verdict, values.outputs, values.kept)


def _weights(network: Planned, run: Run) -> Mapping[str, Any]:
    """Those that were given, or random ones."""
    from convcalc.forward.weights import drawn_weights, random_weights

    if run.weights is not None:
        return run.weights
    if run.draws:
        return drawn_weights(network, run.seed)
    return random_weights(network, run.seed, threads=run.threads)


def _values(
    network: Planned,
    run: Run,
    weights: Mapping[str, Any],
    observed: Sequence[Observed],
    keep: Collection[str],
) -> tuple[Values | None, tuple[str, ...]]:
    """What a run with values does, and what is to be said of how it was run."""
    from convcalc.forward.values import random_inputs, with_engine, with_reference

    if any(each.error for each in observed):
        return None, ("the values were not computed, because a definition failed",)
    given = run.given
    inputs = random_inputs(network, run.batch, run.seed) if given is None else {**given}
    repeats = REPEATS if run.profile else 1
    as_planned = all(
        each.output == (run.batch, *plan.output.axes) and not weight_differences(plan, each)
        for each, plan in zip(observed, network.plans, strict=True)
    )
    if run.engine and as_planned:
        values = with_engine(
            network,
            inputs,
            weights,
            threads=run.threads,
            keep=keep,
            seed=run.seed,
            repeats=repeats,
            progress=run.progress,
        )
        return values, ()
    values = with_reference(
        network,
        inputs,
        weights,
        backend=run.backend,
        dtype=run.dtype,
        threads=run.threads,
        keep=keep,
        repeats=repeats,
        progress=run.progress,
    )
    instead = "the reference computed the values: the engine builds on the plans"
    return values, ((instead,) if run.engine else ())


def _agreement(compared: Sequence[Compared]) -> tuple[list[str], list[str]]:
    """Where the engine is too far from the definitions, and how far it is at most if nowhere."""
    if not compared:
        return [], []
    differences = [
        f"{each.layers[-1]}: {_how_far(each)}" for each in compared if not each.error <= AGREEMENT
    ]
    values = sum(each.values for each in compared)
    largest = max(each.error for each in compared)
    said = (
        f"the engine was compared with the definitions at {grouped(values)} values, some of every "
        f"layer's, and differs by up to {largest:.1e} of a layer's largest value"
    )
    return differences, [] if differences else [said]


def _how_far(compared: Compared) -> str:
    if compared.error == inf:
        return "the engine has values that are not finite where the definition's are, or none"
    return (
        f"the engine differs from the definition by {compared.error:.1e} of the largest value, "
        f"which is more than {AGREEMENT:.0e}"
    )


def _verdict(
    network: Planned,
    run: Run,
    observed: Sequence[Observed],
    values: Values | None,
    shown: Collection[str],
    notes: tuple[str, ...],
) -> Verdict:
    layers = [
        _layer(network, index, run.batch, seen, values)
        for index, seen in enumerate(observed)
        if network.nodes[index].kind not in SOURCES
    ]
    memory = _memory(network, run, values)
    differences = [
        f"{layer.name}: {difference}" for layer in layers for difference in layer.differences
    ]
    if not memory.fine:
        differences.append(
            f"activations: at most {memory.predicted:,} bytes predicted, "
            f"{memory.observed:,} observed"
        )
    report = analyze(network, batch=run.batch, dtype=run.dtype)
    totals = report.totals
    return Verdict(
        name=network.name,
        path=network.path,
        batch=run.batch,
        dtype=run.dtype,
        backend=run.backend,
        tier=values.tier if values else "none",
        seed=run.seed if run.weights is None else None,
        input=network.input,
        output=network.shape_of(network.output),
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
        times=_timings(layers, values) if values and run.profile else [],
        notes=notes,
        inputs=report.inputs,
        outputs=report.outputs,
    )


def _memory(network: Planned, run: Run, values: Values | None) -> Pair:
    """The most bytes of activations at once; kept ones are alive for longer than is predicted.

    Definitions find where the largest values of a pool were once more, and have no indices.
    """
    lower = deploy(network, batch=run.batch, dtype=run.dtype, indices=False)
    predicted = lower.activation_peak
    return Pair(predicted, values.alive if values and not values.kept else None, most=True)


def _timings(layers: Sequence[LayerVerdict], values: Values) -> list[Timing]:
    macs = {layer.name: layer.macs.predicted for layer in layers}
    return [
        Timing(each.layers, each.kernel, each.seconds, sum(macs[name] for name in each.layers))
        for each in values.times
    ]


def _layer(
    network: Planned, index: int, batch: int, seen: Observed, values: Values | None
) -> LayerVerdict:
    node, plan = network.nodes[index], network.plans[index]
    finite = values.finite.get(node.name) if values else None
    output = seen.output
    if values and output == (batch, *plan.output.axes):  # else the values are of another shape, too
        output = values.shapes.get(node.name, output)
    own = node.shared_with is None
    read = sum(count for _, count in seen.weights.values()) if own else 0
    predicted = sum(weight.size for weight in plan.weights) if own else 0
    macs = Pair(plan.macs * batch, None if seen.error else seen.multiplications(plan))
    differences = [] if seen.error is None else [f"its definition raised {seen.error}"]
    differences += _output_differences(plan, batch, output)
    differences += weight_differences(plan, seen)
    if macs.observed is not None and not macs.fine:
        differences.append(f"{macs.predicted:,} MACs predicted, {macs.observed:,} observed")
    if finite is False:
        differences.append("some of its values are not finite")
    return LayerVerdict(
        name=node.name,
        kind=node.kind,
        line=network.lines[index],
        predicted=plan.output,
        observed=None if output is None else output[1:],
        weights=Pair(predicted, None if seen.error else read),
        macs=macs,
        finite=finite,
        differences=tuple(differences),
    )


def _output_differences(plan: Plan, batch: int, output: tuple[int, ...] | None) -> list[str]:
    """An output that is not of the shape that is planned; None where there was none."""
    if output is None or output == (batch, *plan.output.axes):
        return []
    if output[:1] != (batch,):
        return [f"{batch} examples went in, and {output[:1]} came out"]
    came = Shape.from_axes(output[1:]) if output[1:] else "nothing"
    return [f"output {plan.output} predicted, {came} observed"]


def weight_differences(plan: Plan, seen: Observed) -> list[str]:
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
                f"weight {weight.name!r} is {array_shape(weight.shape)} as predicted, and "
                f"{array_shape(shape)} as observed"
            )
        elif read != prod(shape):
            differences.append(
                f"of weight {weight.name!r}, {read:,} of {prod(shape):,} values were read"
            )
    return differences


def network_output_kind(network: Planned) -> str:
    """The kind of the last layer that changes values, of the only output."""
    (index,) = network.outputs
    return last_kind(network, index)
