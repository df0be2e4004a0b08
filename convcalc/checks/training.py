"""Train a network for some steps, and hold what happened in the first against what is predicted."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from math import isfinite
from typing import Any

from convcalc.analysis import analyze
from convcalc.analysis.cost import multiplied_back
from convcalc.analysis.memory import MemoryReport, Moment, memory
from convcalc.analysis.memory.optimizer import state_bytes
from convcalc.analysis.report import DTYPE_BYTES
from convcalc.checks.trained import NEAR, Peak, TrainedLayer, TrainingRun, TrainingVerdict
from convcalc.checks.verdict import Pair
from convcalc.diagnostics import ArgumentError, listed
from convcalc.forward.losses import what_of
from convcalc.forward.optimizers import OPTIMIZERS
from convcalc.forward.threads import blas_threads
from convcalc.forward.training import (
    LOSS,
    LayerSeen,
    Terms,
    Trained,
    Trainer,
    backward_products,
    prepared,
    train,
)
from convcalc.graph import leading
from convcalc.graph.ends import last_kind
from convcalc.graph.matching import matching
from convcalc.graph.planned import Planned, PlannedNode
from convcalc.layers import SOURCES, Layer, Plan
from convcalc.layers.operations import kept, learned, of_batch
from convcalc.numbers import array_shape, both_bytes, grouped


def untaught(network: Planned) -> tuple[str, str] | None:
    """The first layer whose kind has no backward pass yet, and the kind; None where all have."""
    for node in network.nodes:
        if node.kind not in SOURCES and type(node.layer).backward is Layer.backward:
            return node.name, node.kind
    return None


def verify_training(network: Planned, run: TrainingRun) -> TrainingVerdict:
    """Train a network, and compare; it must be without errors, and the batch large enough.

    Raises `ValueError` where nothing can learn.
    """
    made = prepared(
        network,
        run.loss,
        Terms(run.optimizer, run.learning_rate, run.seed),
        batch=run.batch,
        dtype=run.dtype,
        backend=run.backend,
        given=run.given,
        weights=run.weights,
    )
    if not made.learning:
        message = f"{network.name} has no weights that learn, and that an output is made of"
        raise ArgumentError(message)
    products = backward_products(network, run.batch, made.asked)
    with blas_threads(run.threads):
        seen = train(made, run.steps, run.progress)
    return _Comparison(network, run, made, seen, products).verdict()


class _Comparison:
    """What was predicted of a step, beside what was seen."""

    def __init__(
        self,
        network: Planned,
        run: TrainingRun,
        made: Trainer,
        seen: Trained,
        products: Mapping[int, int | str],
    ) -> None:
        self.network, self.run, self.seen, self.products = network, run, seen, products
        self.asked, self.learning = made.asked, dict.fromkeys(made.learning)
        self.leading = leading(network)
        unknown = next((n.layer.untrained for n in network.nodes if n.layer.untrained), "")
        self.unknown = unknown
        self.report = analyze(network, batch=run.batch, dtype=run.dtype)
        self.inside = set(self._taking_courses())
        self.memory = None if unknown else self._memory()
        self.kept = {each.name: each.kept for each in self.memory.layers} if self.memory else {}

    def _taking_courses(self) -> Iterator[str]:
        """Names of layers whose kernels take and give back arrays of their own on the way."""
        for index, node in enumerate(self.network.nodes):
            shapes = [self.network.shape_of(read) for read in node.inputs]
            if node.kind not in SOURCES and any(
                step.course is not None
                for step in node.layer.operations(shapes, self.network.plans[index])
            ):
                yield node.name

    def _memory(self) -> MemoryReport:
        """The memory of a step, no layer working in place, and parameters stepping one by one."""
        run = self.run
        return memory(
            self.network,
            batch=run.batch,
            dtype=run.dtype,
            training=True,
            optimizer=run.optimizer,
            fused=False,
            inplace=False,
            loss=run.loss,
        )

    def verdict(self) -> TrainingVerdict:
        """All of it as one value."""
        run, seen, network = self.run, self.seen, self.network
        nodes = [index for index, node in enumerate(network.nodes) if node.kind not in SOURCES]
        layers = [self._layer(index) for index in nodes]
        differences = [f"{layer.name}: {each}" for layer in layers for each in layer.differences]
        width = DTYPE_BYTES[run.dtype]
        sizes = [int(seen.weights[name].nbytes) for name in self.learning]
        totals = {
            "gradients": Pair(
                sum(layer.gradients.predicted for layer in layers) * width, seen.gradient_bytes
            ),
            "optimizer state": Pair(state_bytes(run.optimizer, sizes), seen.state_bytes),
        }
        loss = self._loss()
        if loss.observed is not None:
            totals["kept by the loss"] = loss
        differences += [
            f"{name}: {pair.predicted:,} bytes predicted, {pair.observed:,} observed"
            for name, pair in totals.items()
            if not pair.fine
        ]
        peak = self._peak() if seen.failed is None else None
        if peak is not None and not peak.fine:
            differences.append(
                f"peak: {peak.predicted:,} bytes predicted at {peak.predicted_at}, and "
                f"{peak.observed:,} observed at {peak.observed_at}, not within {NEAR} times"
            )
        finite = all(isfinite(each) for each in seen.losses[:1]) and all(
            layer.finite is not False for layer in layers
        )
        if not isfinite(seen.losses[0]):
            differences.append(f"the loss is {seen.losses[0]}")
        report = self.report
        shown = matching(network, run.pattern)
        rate = run.learning_rate
        observed = [layer.kept_bytes.observed for layer in layers]
        return TrainingVerdict(
            name=network.name,
            path=network.path,
            batch=run.batch,
            dtype=run.dtype,
            backend=run.backend,
            seed=run.seed if run.weights is None else None,
            optimizer=run.optimizer,
            learning_rate=OPTIMIZERS[run.optimizer].learning_rate if rate is None else rate,
            loss=run.loss,
            inputs=report.inputs,
            outputs=report.outputs,
            layers=[layer for layer in layers if layer.name in shown or layer.differences],
            layer_count=len(layers),
            kept_bytes=Pair(
                sum(layer.kept_bytes.predicted for layer in layers),
                None if None in observed else sum(filter(None, observed)),
            )
            if self.memory
            else None,
            loss_bytes=loss,
            gradient_bytes=totals["gradients"],
            state_bytes=totals["optimizer state"],
            macs=Pair(
                sum(layer.macs.predicted for layer in layers),
                sum(layer.macs.observed or 0 for layer in layers),
            ),
            peak=peak,
            losses=tuple(seen.losses),
            steps=run.steps,
            interrupted=seen.interrupted,
            finite=finite,
            differences=tuple(differences),
            notes=tuple(self._notes(layers)),
        )

    def _layer(self, index: int) -> TrainedLayer:
        node, plan = self.network.nodes[index], self.network.plans[index]
        seen = self.seen.layers.get(index)
        own = learned(plan) if node.shared_with is None else ()
        sizes = {f"{node.name}.{weight.name}": weight.size for weight in own}
        norms = self.seen.norms.get(index)
        macs = self._macs(index, plan)
        kept_bytes = self._kept(index, seen)
        differences = list(self._kept_differences(index, seen))
        if not kept_bytes.fine:
            differences.append(
                f"keeps {kept_bytes.predicted:,} bytes as predicted, and "
                f"{kept_bytes.observed or 0:,} as observed"
            )
        if self.seen.failed is not None and self.seen.failed[0] == index:
            differences.append(f"its backward pass raised {self.seen.failed[1]}")
        elif isinstance(self.products.get(index), str):
            differences.append(f"its backward pass raised {self.products[index]} without values")
        elif not macs.fine:
            differences.append(
                f"{macs.predicted:,} MACs back predicted, {macs.observed:,} observed"
            )
        differences += self._gradient_differences(index, seen)
        came = seen.gradients if seen and seen.gradients is not None else None
        return TrainedLayer(
            name=node.name,
            kind=node.kind,
            line=self.network.lines[index],
            kept=tuple(seen.kept) if seen else (),
            kept_bytes=kept_bytes,
            gradients=Pair(
                sum(size for name, size in sizes.items() if name in self.learning),
                sum(self.seen.learned.get(name, 0) for name in sizes),
            ),
            macs=macs,
            gradient_norm=None if norms is None else norms.gradient,
            weight_norm=None if norms is None else norms.weights,
            finite=None if came is None or seen is None else seen.finite,
            differences=tuple(differences),
        )

    def _macs(self, index: int, plan: Plan) -> Pair:
        """As many again for each of the two that are multiplied, if it has a gradient."""
        asked, inputs = self.asked[index], range(len(self.network.nodes[index].inputs))
        own = any(isinstance(key, str) for key in asked)
        predicted = multiplied_back(plan, [number in asked for number in inputs], own=own)
        observed = self.products.get(index, 0)
        return Pair(predicted * self.run.batch, observed if isinstance(observed, int) else None)

    def _declared(self, index: int) -> Mapping[str, Any]:
        """What a layer's operations say that training keeps of it."""
        node, network = self.network.nodes[index], self.network
        if not self.asked[index]:
            return {}
        shapes = [network.shape_of(read) for read in node.inputs]
        operations = node.layer.operations(shapes, network.plans[index])
        return kept(shapes, of_batch(operations, self.run.batch), self.asked[index])

    def _kept(self, index: int, seen: LayerSeen | None) -> Pair:
        """Bytes of storages that no layer before it keeps."""
        node = self.network.nodes[index]
        predicted, observed = self.kept.get(node.name, 0), 0 if seen is None else seen.first
        told = self.memory is not None and self._declared(index).keys().isdisjoint(
            node.layer.unmade
        )
        return Pair(predicted, observed if told else None)

    def _kept_differences(self, index: int, seen: LayerSeen | None) -> Iterator[str]:
        """Arrays that were kept and are not declared, or the other way round."""
        node, names = self.network.nodes[index], set(self._declared(index))
        there = set() if seen is None else set(seen.kept)
        if not names.isdisjoint(node.layer.unmade):
            return  # its inputs stand in for what is not made
        if names - there:
            yield f"{listed(sorted(names - there))} is declared to be kept, and was not"
        if there - names:
            yield f"{listed(sorted(there - names))} was kept, and is not declared"

    def _gradient_differences(self, index: int, seen: LayerSeen | None) -> Iterator[str]:
        """Gradients that did not come, of another shape, or not finite."""
        node, plan = self.network.nodes[index], self.network.plans[index]
        if seen is None or seen.gradients is None:
            if self.asked[index] and self.seen.failed is None:
                yield "nothing flowed back to it"
            return
        sizes: dict[int | str, tuple[int, ...]] = {each.name: each.shape for each in plan.weights}
        for number, read in enumerate(node.inputs):
            sizes[number] = (self.run.batch, *self.network.shape_of(read).axes)
        for key in sorted(self.asked[index], key=str):
            what = f"weight {key!r}" if isinstance(key, str) else f"input {key + 1}"
            shape = seen.gradients.get(key)
            if shape is None:
                yield f"there is no gradient of {what}"
            elif shape != sizes[key]:
                given, own = array_shape(shape), array_shape(sizes[key])
                yield f"the gradient of {what} is {given}, and it is {own}"
        if not seen.finite:
            yield "some of its gradients are not finite"

    def _loss(self) -> Pair:
        """What the losses keep."""
        known = self.memory
        predicted = known.kept - sum(each.kept for each in known.layers) if known else 0
        return Pair(predicted, self.seen.loss_kept if known else None)

    def _peak(self) -> Peak | None:
        """The largest of both passes, and of all that there is before the optimizer's step."""
        told = self.memory
        if told is None:
            return None
        idle = {node.name for node in self._idle()}
        moments = [
            each
            for each, following in zip_longest(told.timeline, told.timeline[1:])
            if each.phase != "step"
            # Of its gradient's kernels a loss gives the last array alone, which layers still have.
            and (each.phase, each.layer) != ("backward", LOSS)
            # Autograd keeps within what leads to no output until that is let go of, a run nothing.
            and each.layer not in idle
            and not (each.layer in self.inside and following and following[:2] == each[:2])
        ]
        moments.append(Moment("step", "optimizer", told.fixed + told.gradients))
        largest = max(moments, key=lambda each: each.bytes)
        place = f"{largest.phase}, {largest.layer}"
        return Peak(largest.bytes, self.seen.peak, place, ", ".join(self.seen.place))

    def _idle(self) -> Iterator[PlannedNode]:
        """Layers that no output is made of."""
        for index, node in enumerate(self.network.nodes):
            if index not in self.leading and node.kind not in SOURCES:
                yield node

    def _notes(self, layers: Sequence[TrainedLayer]) -> Iterator[str]:
        """What a reader of the figures should know."""
        network, run = self.network, self.run
        for index in network.outputs:
            channels = network.shape_of(index).channels
            said = what_of(run.loss, last_kind(network, index), channels)
            if said:
                yield f"{network.nodes[index].name}: {said}"
        wrong = [at for at, loss in enumerate(self.seen.losses, 1) if not isfinite(loss)]
        if wrong and wrong[0] > 1:
            why = (
                "float16 has no such small or large numbers, or steps are too large"
                if run.dtype == "float16"
                else "steps are too large"
            )
            yield f"the loss is not finite from step {grouped(wrong[0])} on: {why}"
        if self.unknown:
            yield f"there is no peak to compare: {self.unknown}"
        if self.memory and self.memory.peak_layer in self.inside:
            yield (
                f"memory has its peak of {both_bytes(self.memory.peak)} within "
                f"{self.memory.peak_layer}, of which a run sees the start and the end"
            )
        for layer, node in zip(
            layers, (n for n in network.nodes if n.kind not in SOURCES), strict=True
        ):
            if layer.kept_bytes.observed is None and self.memory:
                reason = next(iter(node.layer.unmade.values()))
                yield f"{layer.name} keeps its input instead of what PyTorch keeps: {reason}"
        idle = [node.name for node in self._idle()]
        if idle:
            back = "it" if len(idle) == 1 else "them"
            yield f"no output is made of {listed(idle[:5])}, so nothing flows back to {back}"
        for flag, meaning in (
            ("vanishing", "is shorter than 6e-8 of its weights, which such a step does not change"),
            ("exploding", "is longer than 1,000 times its weights, which such a step replaces"),
        ):
            names = [layer.name for layer in layers if layer.flag == flag]
            if names:
                more = f" and {grouped(len(names) - 3)} more" if len(names) > 3 else ""
                yield f"{flag} gradient: that of {', '.join(names[:3])}{more} {meaning}"
