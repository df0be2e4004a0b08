"""Which single changes lower the peak, and to what: each is made, and the memory worked out again.

What is tried depends on what is alive at the peak. How much is tried is bounded, so that deep
networks are answered at once, too; what was left out is counted.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from math import isqrt
from typing import Literal, NamedTuple

from convcalc.analysis.memory.alive import Peak
from convcalc.analysis.memory.lower_line import deploy
from convcalc.analysis.memory.optimizer import RULES, state_bytes, step_bytes
from convcalc.analysis.memory.report import Phase
from convcalc.analysis.memory.runtime_peaks import highest_on_device
from convcalc.analysis.memory.sharding import STAGES, Shard
from convcalc.analysis.memory.terms import Model, RunTerms, model
from convcalc.analysis.memory.timeline import Highest
from convcalc.graph.changed import (
    branches,
    in_order,
    moved,
    with_input,
    with_layers,
    without,
    without_branch,
)
from convcalc.graph.planned import Planned
from convcalc.layers import kinds, layer_class
from convcalc.layers.base import Layer

TRIALS = 60
"""Changes that are tried at most."""
WORK = 15_000
"""Layers that all trials together work out at most; each works out the whole network."""
FEWEST_TRIALS = 3
"""Trials there are whatever the network's depth."""
LAYERS = 4
"""Layers of which one change is tried, those that have most at the peak."""
BLOCKS = 8
"""Blocks that are tried as checkpoints, those that keep most."""
LONGEST = 12
"""Layers between a pooling layer and the place before which it is tried."""

DENSE = kinds("dense")
POOLS = kinds("pool", having="slides")


class Change(NamedTuple):
    """One change, and the peak with it."""

    change: str
    """What it is: `checkpoint stage1`."""
    write: str
    """What to write: options of the command line, or the layer's field and its value."""
    alters: Literal["run", "network"]
    """Whether the network stays as it is and runs otherwise, or computes something else."""
    peak: int
    """Bytes at the peak with the change."""
    saved: int
    """Bytes by which that is less."""
    phase: Phase
    """Where the peak is then: the pass, or the optimizer's step."""
    layer: str
    """Full name of the layer at which it is then; `loss` or `optimizer` behind the last."""


class Changes(NamedTuple):
    """What was tried, and what it saves."""

    lower: tuple[Change, ...]
    """The changes that lower the peak, those that save most first."""
    idle: tuple[str, ...]
    """Those that were tried and do not."""
    untried: int
    """How many more there are, which were not tried."""


class _Where(NamedTuple):
    """Where a peak is, and how much it is."""

    peak: int
    """All bytes that are alive then."""
    phase: Phase
    """The pass, or the optimizer's step."""
    layer: str
    """Full name of the layer that runs then; `loss` or `optimizer` behind the last."""


class _Trial(NamedTuple):
    """A change that may be made."""

    change: str
    """What it is, as in `Change`."""
    write: str
    """What to write, as in `Change`."""
    alters: Literal["run", "network"]
    """What stays as it is, as in `Change`."""
    made: Callable[[], "_Where | None"]
    """Works out the peak with it; None where the network cannot be so."""
    free: bool = False
    """Whether nothing of the network needs to be worked out again."""


def changes(mine: Model, peak: Peak, batch: int) -> Changes:
    """The single changes that lower the peak of a batch, which is `peak`."""

    def highest(changed: Model) -> Highest:
        return changed.timeline(batch).highest

    trials = _Trials(mine.network, mine.terms, peak, _under(batch, highest))
    return _tried(
        mine.network, peak, [*trials.of_runs(mine, batch, highest), *trials.of_networks()]
    )


def device_changes(mine: Model, peak: Peak, batch: int, *, devices: int, stage: Shard) -> Changes:
    """The same for one of several devices; more of them, and more that they share, among it."""

    def highest(changed: Model) -> Highest:
        return highest_on_device(changed, batch, devices=devices, stage=stage)

    def shared(change: str, write: str, count: int, what: Shard) -> _Trial:
        def made() -> _Where:
            return _where(highest_on_device(mine, batch, devices=count, stage=what))

        return _Trial(change, write, "run", made, free=True)

    trials = _Trials(mine.network, mine.terms, peak, _under(batch, highest))
    others = [
        shared(f"{other} shared, too", f"--shard {other}", devices, other)
        for other in STAGES[STAGES.index(stage) + 1 :]
        if devices > 1
    ]
    if stage != "none":
        twice = 2 * devices
        others.append(shared(f"{twice} devices", f"--data-parallel {twice}", twice, stage))
    others += [*trials.of_runs(mine, batch, highest), *trials.of_networks()]
    return _tried(mine.network, peak, others)


def runtime_changes(
    network: Planned, peak: Peak, dtype: str, lowest: Callable[[Planned, str], Peak]
) -> Changes:
    """The same where a runtime folds and fuses; `lowest` is the peak of a network in a type."""

    def where(changed: Planned, terms: RunTerms) -> _Where:
        found = lowest(changed, terms.dtype)
        return _Where(found.bytes, found.phase, found.layer)

    trials = _Trials(network, RunTerms(dtype=dtype), peak, where)
    return _tried(network, peak, [*trials.of_types(), *trials.of_networks()])


def _under(
    batch: int, highest: Callable[[Model], Highest]
) -> Callable[[Planned, RunTerms], _Where | None]:
    """Works out where a network's peak is; None for one that takes no such batch."""

    def where(changed: Planned, terms: RunTerms) -> _Where | None:
        found = model(changed, terms)
        return None if batch < found.fewest else _where(highest(found))

    return where


def _where(highest: Highest) -> _Where:
    return _Where(highest.bytes, highest.phase, highest.layer)


def _tried(network: Planned, peak: Peak, trials: "Sequence[_Trial]") -> Changes:
    """Make the changes, as many as there is time for."""
    lower: list[Change] = []
    idle: list[str] = []
    cost = max(len(network.nodes), 1)
    left = min(max(WORK // cost, FEWEST_TRIALS), TRIALS)
    untried = 0
    for trial in trials:
        if not trial.free:
            if not left:
                untried += 1
                continue
            left -= 1
        where = trial.made()
        if where is None:
            continue
        if where.peak < peak.bytes:
            saved = peak.bytes - where.peak
            lower.append(
                Change(
                    change=trial.change,
                    write=trial.write,
                    alters=trial.alters,
                    peak=where.peak,
                    saved=saved,
                    phase=where.phase,
                    layer=where.layer,
                )
            )
        else:
            idle.append(trial.change)
    lower.sort(key=lambda change: -change.saved)
    return Changes(tuple(lower), tuple(idle), untried)


class _Trials:
    """What may be changed, given what is alive at the peak; `where` works it out."""

    def __init__(
        self,
        network: Planned,
        terms: RunTerms,
        peak: Peak,
        where: Callable[[Planned, RunTerms], _Where | None],
    ) -> None:
        self.network = network
        self.terms = terms
        self.peak = peak
        self.where = where
        self.index = {node.name: index for index, node in enumerate(self.network.nodes)}
        held: dict[str, int] = {}
        moving: dict[str, int] = {}
        for tensor in peak.tensors:
            held[tensor.layer] = held.get(tensor.layer, 0) + tensor.bytes
            if tensor.each:
                moving[tensor.layer] = moving.get(tensor.layer, 0) + tensor.bytes
        self.read = [0] * len(network.nodes)
        for node in network.nodes:
            for each in node.inputs:
                self.read[each] += 1
        for each in network.outputs:
            self.read[each] += 1
        self.layers = self._largest(held)
        self.makers = self._largest(moving)

    def _largest(self, held: dict[str, int]) -> list[int]:
        """Indices of layers that read something, by what they have at the peak."""
        names = sorted(held, key=lambda name: -held[name])
        indices = [self.index[name] for name in names if name in self.index]
        return [index for index in indices if self.network.nodes[index].inputs]

    def of_runs(
        self, mine: Model, batch: int, highest: Callable[[Model], Highest]
    ) -> Iterator[_Trial]:
        """Other ways to run in PyTorch, the most promising first; `highest` is a model's peak."""
        yield from self._optimizers(mine, highest)
        yield from self._precision()
        yield from self._in_place(mine)
        if self.terms.training:
            yield from self._checkpoints()
        else:
            yield from self._fused(batch)
        yield from self._one_in_place(mine)

    def of_networks(self) -> Iterator[_Trial]:
        """Other networks, and other orders of this one, the most promising first."""
        yield from self._smaller_input()
        yield from self._orders()
        if self.terms.training:
            yield from self._without_dropout()
        yield from self._sums()
        yield from self._without_skips()
        yield from self._pools_earlier()
        yield from self._fewer_filters()
        yield from self._strides()

    # How it runs

    def _run(self, change: str, write: str, **fields: object) -> _Trial:
        def made() -> _Where | None:
            return self.where(self.network, self.terms._replace(**fields))  # type: ignore[arg-type]

        return _Trial(change, write, "run", made)

    def _optimizers(self, mine: Model, highest: Callable[[Model], Highest]) -> Iterator[_Trial]:
        terms = self.terms
        if not terms.training:
            return
        now = RULES[terms.optimizer]
        for name, rule in RULES.items():
            smaller = (rule.state, rule.fused, rule.current) < (now.state, now.fused, now.current)
            if smaller and name != terms.optimizer:
                yield self._stepping(
                    mine, highest, f"optimizer {name}", f"--optimizer {name}", optimizer=name
                )
        if terms.fused and now.fused:
            yield self._stepping(
                mine,
                highest,
                "optimizer tensor by tensor (foreach=False)",
                "--per-tensor",
                fused=False,
            )

    def _stepping(
        self,
        mine: Model,
        highest: Callable[[Model], Highest],
        change: str,
        write: str,
        **fields: object,
    ) -> _Trial:
        """Another optimizer, which changes nothing of the passes."""

        def made() -> _Where:
            terms = self.terms._replace(**fields)  # type: ignore[arg-type]
            sizes = [weight.size * mine.program.width for weight in mine.program.weights]
            state = state_bytes(terms.optimizer, sizes)
            step = step_bytes(terms.optimizer, sizes, fused=terms.fused)
            return _where(highest(mine._replace(terms=terms, state=state, step=step)))

        return _Trial(change, write, "run", made, free=True)

    def of_types(self) -> Iterator[_Trial]:
        """Smaller types for all values."""
        types = ("float64", "float32", "float16", "int8")
        for dtype in (
            types[types.index(self.terms.dtype) + 1 :] if self.terms.dtype in types else ()
        ):
            yield self._run(f"values in {dtype}", f"--dtype {dtype}", dtype=dtype)

    def _precision(self) -> Iterator[_Trial]:
        terms = self.terms
        if not terms.mixed_precision and terms.dtype == "float32":
            yield self._run("mixed precision (autocast)", "--mixed-precision", mixed_precision=True)
        if not terms.training and not terms.mixed_precision:
            smaller = {"float64": "float32", "float32": "float16"}.get(terms.dtype)
            if smaller:
                yield self._run(f"values in {smaller}", f"--dtype {smaller}", dtype=smaller)

    def _in_place(self, mine: Model) -> Iterator[_Trial]:
        if self.terms.inplace is False:
            yield self._run("activations in place", "--inplace", inplace=True)
        elif self.terms.inplace is True and any(mine.walked.in_place):
            yield self._run("no activation in place", "--no-inplace", inplace=False)

    def _one_in_place(self, mine: Model) -> Iterator[_Trial]:
        """One activation that overwrites its input, or one that does so no more."""
        nodes, inplace = self.network.nodes, self.terms.inplace
        if inplace is False:
            alone = [index for index in self._concerned() if nodes[index].layer.overwrites]
            for index in alone[:LAYERS]:
                name = nodes[index].name
                write = f"inplace=True for {name}"
                yield self._run(f"{name} in place", write, inplace=(name,))
        elif inplace is True:
            done = mine.walked.in_place
            names = tuple(node.name for node, there in zip(nodes, done, strict=False) if there)
            for index in [index for index in self._concerned() if done[index]][:LAYERS]:
                name = nodes[index].name
                others = tuple(each for each in names if each != name)
                write = f"inplace=False for {name}"
                yield self._run(f"{name} not in place", write, inplace=others)

    def _concerned(self) -> list[int]:
        """Layers that make what is alive at the peak, or still read it; the largest first."""
        names = [self.peak.layer]
        for tensor in self.peak.tensors:
            if tensor.each:
                names += [tensor.layer, *(use.layer for use in tensor.needed)]
        known = (self.index[name] for name in dict.fromkeys(names) if name in self.index)
        return [index for index in known if self.network.nodes[index].inputs]

    def _checkpoints(self) -> Iterator[_Trial]:
        now = self.terms.checkpoint
        count = len(self.network.layers)
        if now is None or isinstance(now, int):
            usual = max(isqrt(count), 2)
            sizes = dict.fromkeys([usual, 2 * usual, max(usual // 2, 2), max(count // 3, 2)])
            for size in sizes:
                if size != now and size < count:
                    yield self._run(
                        f"checkpoints every {size} layers",
                        f"--checkpoint every={size}",
                        checkpoint=size,
                    )
        if now is not None:
            yield self._run("nothing runs again", "no --checkpoint", checkpoint=None)
        before = () if now is None or isinstance(now, int) else tuple(now)
        if not isinstance(now, int):
            for name in self._blocks(before):
                names = (*before, name)
                write = f"--checkpoint {','.join(names)}"
                also = f"checkpoint {name}, too" if before else f"checkpoint {name}"
                yield self._run(also, write, checkpoint=names)

    def _blocks(self, taken: Sequence[str]) -> list[str]:
        """Blocks and groups to run again, by what they keep that is alive at the peak."""
        kept: dict[int, int] = {}
        for tensor in self.peak.tensors:
            index = self.index.get(tensor.layer)
            if index is not None and tensor.part == "kept for backward":
                kept[index] = kept.get(index, 0) + tensor.bytes
        weights = [kept.get(index, 0) for index in range(len(self.network.nodes) + 1)]
        sums = [0]
        for weight in weights:
            sums.append(sums[-1] + weight)
        of = {
            group.name: sums[group.layers.stop] - sums[group.layers.start]
            for group in self.network.groups
            if group.layers
        }
        rounds: dict[str, list[str]] = {}
        for name in of:
            stem = name.rstrip("0123456789").rstrip("_")
            if stem != name and stem not in self.index:
                rounds.setdefault(stem, []).append(name)
        of |= {
            stem: sum(of[name] for name in names)
            for stem, names in rounds.items()
            if len(names) > 1 and stem not in of
        }
        named = sorted((name for name in of if of[name]), key=lambda name: -of[name])
        return [name for name in named if name not in taken][:BLOCKS]

    def _smaller_input(self) -> Iterator[_Trial]:
        shape = self.network.input
        if shape is None or not shape.spatial or len(self.network.inputs) > 1:
            return
        halves = (size // 2 for size in shape.spatial)
        half = shape._replace(spatial=tuple(each // 32 * 32 or each for each in halves))
        if half.size:
            yield self._network(
                f"an input of {half}",
                f"--input {str(half).replace('×', 'x')}",
                lambda: with_input(self.network, half),
            )

    def _orders(self) -> Iterator[_Trial]:
        """Branches that run in another order; what they are merged to stays as it is."""
        place = self.index.get(self.peak.layer, -1)
        merges = [
            index for index, node in enumerate(self.network.nodes) if len(set(node.inputs)) > 1
        ]
        around = [(index, parts) for index in merges if (parts := branches(self.network, index))]
        around = [each for each in around if each[1][0].start <= place <= each[0]]
        for index, parts in islice(around, LAYERS):
            node = self.network.nodes[index]
            for number, part in enumerate(parts):
                if not number:
                    continue
                rest = [other for other in parts if other is not part]
                order = [each for piece in (part, *rest) for each in piece]
                start = parts[0].start
                whole = [*range(start), *order, *range(index, len(self.network.nodes))]
                first, last = (self.network.nodes[each].name for each in (part[0], part[-1]))
                branch = first if first == last else f"{first} to {last}"
                yield self._network(
                    f"{branch} before the other branches of {node.name}",
                    f"run {branch} first, and merge as before",
                    lambda whole=whole: in_order(self.network, whole),  # type: ignore[misc]
                    alters="run",
                )

    # What a runtime does

    def _fused(self, batch: int) -> Iterator[_Trial]:
        """Batch norms that go into the weights before them, and what a runtime does besides."""
        terms = self.terms
        norms = self._foldable()
        if norms:
            yield self._network(
                "batch norms folded into the layers before them",
                "torch.nn.utils.fusion.fuse_conv_bn_eval",
                lambda: self._folded(norms),
                alters="run",
            )
        if terms.mixed_precision:
            return

        def made() -> _Where:
            lower = deploy(self.network, batch=batch, dtype=terms.dtype)
            peak = lower.parameters + lower.activation_peak + terms.overhead
            return _Where(peak, "forward", lower.peak_layer)

        yield _Trial("a runtime that folds and fuses", "--deploy", "run", made)

    def _foldable(self) -> list[int]:
        """Batch norms behind a layer with weights that nothing else reads."""
        nodes, read = self.network.nodes, self.read
        return [
            index
            for index, node in enumerate(nodes)
            if node.layer.folds
            and node.shared_with is None
            and read[node.inputs[0]] == 1
            and nodes[node.inputs[0]].kind in DENSE
            and nodes[node.inputs[0]].shared_with is None
        ]

    def _folded(self, norms: Sequence[int]) -> Planned | None:
        nodes = self.network.nodes
        before = {nodes[index].inputs[0] for index in norms}
        biased = with_layers(
            self.network,
            {index: (nodes[index].kind, nodes[index].layer.replace(bias=True)) for index in before},
        )
        return None if biased is None else without(biased, norms)

    # What it computes

    def _network(
        self,
        change: str,
        write: str,
        changed: Callable[[], Planned | None],
        *,
        alters: Literal["run", "network"] = "network",
    ) -> _Trial:
        def made() -> _Where | None:
            network = changed()
            return None if network is None else self.where(network, self.terms)

        return _Trial(change, write, alters, made)

    def _layer(self, change: str, write: str, index: int, layer: Layer, kind: str = "") -> _Trial:
        kind = kind or self.network.nodes[index].kind
        return self._network(
            change, write, lambda: with_layers(self.network, {index: (kind, layer)})
        )

    def _without_dropout(self) -> Iterator[_Trial]:
        masks = [
            index for index in self._concerned() if self.network.nodes[index].kind == "dropout"
        ]
        for index in masks[:LAYERS]:
            name = self.network.nodes[index].name
            yield self._network(
                f"no {name}",
                f"leave {name} out",
                lambda index=index: without(self.network, [index]),  # type: ignore[misc]
            )

    def _sums(self) -> Iterator[_Trial]:
        """Sums instead of concats whose branches have one shape."""
        for index in [
            index for index in self._concerned() if self.network.nodes[index].kind == "concat"
        ][:LAYERS]:
            node = self.network.nodes[index]
            if len({self.network.shape_of(read) for read in node.inputs}) == 1:
                yield self._layer(
                    f"a sum instead of {node.name}",
                    f"add instead of concat for {node.name}",
                    index,
                    layer_class("add")(),
                    "add",
                )

    def _without_skips(self) -> Iterator[_Trial]:
        """Merges without a branch that waits for them at the peak."""
        place = self.index.get(self.peak.layer, 0)
        merges = [
            index for index in self._concerned() if len(set(self.network.nodes[index].inputs)) > 1
        ]
        for index in merges[:LAYERS]:
            node = self.network.nodes[index]
            waiting = [read for read in node.inputs if read < min(place, index - 1)]
            for read in [read for read in waiting if self._skips(read)][:LAYERS]:
                branch = self.network.nodes[read].name
                yield self._network(
                    f"{node.name} without {branch}",
                    f"leave {branch} out of {node.name}",
                    lambda index=index, read=read: without_branch(self.network, index, read),  # type: ignore[misc]
                )

    def _skips(self, read: int) -> bool:
        """Whether a branch only hands on, as a view, what is read elsewhere, too."""
        nodes = self.network.nodes
        while self.read[read] == 1 and nodes[read].layer.storage == "view":
            read = nodes[read].inputs[0]
        return self.read[read] > 1

    def _pools_earlier(self) -> Iterator[_Trial]:
        nodes = self.network.nodes
        for index in self._dense(self.makers):
            for pool in range(index + 1, min(index + LONGEST, len(nodes))):
                if nodes[pool].inputs != (pool - 1,):
                    break
                if nodes[pool].kind in POOLS:
                    yield self._network(
                        f"{nodes[pool].name} in front of {nodes[index].name}",
                        f"move {nodes[pool].kind} {nodes[pool].name} before {nodes[index].name}",
                        lambda pool=pool, index=index: moved(self.network, pool, index),  # type: ignore[misc]
                    )
                    break

    def _fewer_filters(self) -> Iterator[_Trial]:
        last = self._last_dense()
        for index in self._dense(self.layers):
            if index in last:  # whose filters are the network's classes
                continue
            node = self.network.nodes[index]
            for field in ("filters", "features"):
                count = getattr(node.layer, field, 0)
                if count > 1:
                    yield self._layer(
                        f"half the {field} of {node.name}",
                        f"{field}: {count // 2} for {node.name}, not {count}",
                        index,
                        node.layer.replace(**{field: count // 2}),
                    )

    def _strides(self) -> Iterator[_Trial]:
        for index in self._dense(self.makers):
            node = self.network.nodes[index]
            layer, windows = node.layer, self.network.plans[index].windows
            slides = hasattr(layer, "rounding") and node.kind != "conv_transpose"
            if not slides or any(window.stride != 1 for window in windows) or not windows:
                continue
            stride = 2 if len(windows) == 1 else (2,) * len(windows)
            yield self._layer(
                f"stride 2 for {node.name}",
                f"stride: 2, rounding: floor for {node.name}",
                index,
                layer.replace(stride=stride, rounding="floor"),
            )

    def _last_dense(self) -> set[int]:
        """Layers with weights behind which there are none."""
        last: set[int] = set()
        behind = [*self.network.outputs]
        seen = {*behind}
        while behind:
            index = behind.pop()
            if self.network.nodes[index].kind in DENSE:
                last.add(index)
                continue
            fresh = [read for read in self.network.nodes[index].inputs if read not in seen]
            seen.update(fresh)
            behind += fresh
        return last

    def _dense(self, layers: Sequence[int]) -> list[int]:
        """Layers with weights that make these, or what they change in place; each once."""
        dense: list[int] = []
        for start in layers:
            index = start
            while self.network.nodes[index].kind not in DENSE:
                inputs = self.network.nodes[index].inputs
                if len(inputs) != 1:
                    break
                index = inputs[0]
            if self.network.nodes[index].kind in DENSE and index not in dense:
                dense.append(index)
            if len(dense) == LAYERS:
                break
        return dense
