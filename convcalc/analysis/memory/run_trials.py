"""Other ways to run a network, as trials: optimizers, types, checkpoints, what is in place."""

from collections.abc import Callable, Iterator, Sequence
from math import isqrt

from convcalc.analysis.memory.lower_line import deploy
from convcalc.analysis.memory.optimizer import RULES, state_bytes, step_bytes
from convcalc.analysis.memory.terms import Model
from convcalc.analysis.memory.timeline import Highest
from convcalc.analysis.memory.trials import DENSE, LAYERS, Trial, Trials, Where
from convcalc.graph.changed import with_layers, without
from convcalc.graph.planned import Planned

BLOCKS = 8
"""Blocks that are tried as checkpoints, those that keep most."""


class RunTrials(Trials):
    """Other ways to run a network that stays as it is."""

    def every(
        self, mine: Model, batch: int, highest: Callable[[Model], Highest]
    ) -> Iterator[Trial]:
        """Other ways to run in PyTorch, the most promising first; `highest` is a model's peak."""
        yield from self._optimizers(mine, highest)
        yield from self._precision()
        if self.terms.attention == "math":
            yield self.of_terms("attention by one kernel", "--attention fused", attention="fused")
        yield from self._in_place(mine)
        if self.terms.training:
            yield from self._checkpoints()
        else:
            yield from self._fused(batch)
        yield from self._one_in_place(mine)

    def _optimizers(self, mine: Model, highest: Callable[[Model], Highest]) -> Iterator[Trial]:
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
    ) -> Trial:
        """Another optimizer, which changes nothing of the passes."""

        def made() -> Where:
            terms = self.terms._replace(**fields)  # type: ignore[arg-type]
            state = state_bytes(terms.optimizer, mine.learned)
            step = step_bytes(terms.optimizer, mine.learned, fused=terms.fused)
            return Where.of(highest(mine._replace(terms=terms, state=state, step=step)))

        return Trial(change, write, "run", made, free=True)

    def types(self) -> Iterator[Trial]:
        """Smaller types for all values."""
        types = ("float64", "float32", "float16", "int8")
        for dtype in (
            types[types.index(self.terms.dtype) + 1 :] if self.terms.dtype in types else ()
        ):
            yield self.of_terms(f"values in {dtype}", f"--dtype {dtype}", dtype=dtype)

    def _precision(self) -> Iterator[Trial]:
        terms = self.terms
        if not terms.mixed_precision and terms.dtype == "float32":
            yield self.of_terms(
                "mixed precision (autocast)", "--mixed-precision", mixed_precision=True
            )
        if not terms.training and not terms.mixed_precision:
            smaller = {"float64": "float32", "float32": "float16"}.get(terms.dtype)
            if smaller:
                yield self.of_terms(f"values in {smaller}", f"--dtype {smaller}", dtype=smaller)

    def _in_place(self, mine: Model) -> Iterator[Trial]:
        if self.terms.inplace is False:
            yield self.of_terms("activations in place", "--inplace", inplace=True)
        elif self.terms.inplace is True and any(mine.walked.in_place):
            yield self.of_terms("no activation in place", "--no-inplace", inplace=False)

    def _one_in_place(self, mine: Model) -> Iterator[Trial]:
        """One activation that overwrites its input, or one that does so no more."""
        nodes, inplace = self.network.nodes, self.terms.inplace
        if inplace is False:
            alone = [index for index in self.concerned() if nodes[index].layer.overwrites]
            for index in alone[:LAYERS]:
                name = nodes[index].name
                write = f"inplace=True for {name}"
                yield self.of_terms(f"{name} in place", write, inplace=(name,))
        elif inplace is True:
            done = mine.walked.in_place
            names = tuple(node.name for node, there in zip(nodes, done, strict=False) if there)
            for index in [index for index in self.concerned() if done[index]][:LAYERS]:
                name = nodes[index].name
                others = tuple(each for each in names if each != name)
                write = f"inplace=False for {name}"
                yield self.of_terms(f"{name} not in place", write, inplace=others)

    def _checkpoints(self) -> Iterator[Trial]:
        now = self.terms.checkpoint
        count = len(self.network.layers)
        if now is None or isinstance(now, int):
            usual = max(isqrt(count), 2)
            sizes = dict.fromkeys([usual, 2 * usual, max(usual // 2, 2), max(count // 3, 2)])
            for size in sizes:
                if size != now and size < count:
                    yield self.of_terms(
                        f"checkpoints every {size} layers",
                        f"--checkpoint every={size}",
                        checkpoint=size,
                    )
        if now is not None:
            yield self.of_terms("nothing runs again", "no --checkpoint", checkpoint=None)
        before = () if now is None or isinstance(now, int) else tuple(now)
        if not isinstance(now, int):
            for name in self._blocks(before):
                names = (*before, name)
                write = f"--checkpoint {','.join(names)}"
                also = f"checkpoint {name}, too" if before else f"checkpoint {name}"
                yield self.of_terms(also, write, checkpoint=names)

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

    def _fused(self, batch: int) -> Iterator[Trial]:
        """Batch norms that go into the weights before them, and what a runtime does besides."""
        terms = self.terms
        norms = self._foldable()
        if norms:
            yield self.of_network(
                "batch norms folded into the layers before them",
                "torch.nn.utils.fusion.fuse_conv_bn_eval",
                lambda: self._folded(norms),
                alters="run",
            )
        if terms.mixed_precision:
            return

        def made() -> Where:
            lower = deploy(self.network, batch=batch, dtype=terms.dtype)
            peak = lower.parameters + lower.activation_peak + terms.overhead
            return Where(peak, "forward", lower.peak_layer)

        yield Trial("a runtime that folds and fuses", "--deploy", "run", made)

    def _foldable(self) -> list[int]:
        """Batch norms behind a layer with weights that nothing else reads, nor uses elsewhere."""
        nodes, read = self.network.nodes, self.read
        used = {node.shared_with for node in nodes}
        return [
            index
            for index, node in enumerate(nodes)
            if node.layer.folds
            and node.shared_with is None
            and read[node.inputs[0]] == 1
            and nodes[node.inputs[0]].kind in DENSE
            and nodes[node.inputs[0]].shared_with is None
            and not used & {index, node.inputs[0]}
        ]

    def _folded(self, norms: Sequence[int]) -> Planned | None:
        nodes = self.network.nodes
        before = {nodes[index].inputs[0] for index in norms}
        biased = with_layers(
            self.network,
            {index: (nodes[index].kind, nodes[index].layer.replace(bias=True)) for index in before},
        )
        return None if biased is None else without(biased, norms)
