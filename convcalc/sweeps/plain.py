"""Designs one by one, as `analyze` and `memory` work them out: the reference of every other way."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from convcalc.analysis import Report, analyze
from convcalc.analysis.memory.batch import refusals
from convcalc.analysis.memory.terms import Model, model
from convcalc.diagnostics import ArgumentError, Diagnostic
from convcalc.graph import Network, SpecError
from convcalc.spec.values import readings
from convcalc.sweeps.chunk import VALID, Chunk, Reason
from convcalc.sweeps.digest import Digest, digest_of
from convcalc.sweeps.measures import Measure
from convcalc.sweeps.space import Design, Space
from convcalc.sweeps.subject import Subject

if TYPE_CHECKING:
    from convcalc.analysis.memory.static_plan import ArenaReport

MOST = 2**63 - 1
"""The largest number that a column holds."""
HELD = 64
"""Designs of which networks are held at once, for what is asked of them later."""


class UntoldError(Exception):
    """A measure has no answer for a design."""

    def __init__(self, code: str, where: str, message: str) -> None:
        super().__init__(code, where, message)
        self.code = code
        self.where = where
        self.message = message


class PlainEvaluator:
    """Works out one design after the other, a network each."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self._space: Space | None = None  # held, so that no other one can be taken for it
        self._stretch = (0, 0)
        self._known: dict[int, DesignNetwork] = {}

    def evaluate(
        self,
        space: Space,
        start: int,
        stop: int,
        measures: Sequence[Measure],
        rows: Any = None,
    ) -> Chunk:
        """Measures of designs; see `Evaluator`."""
        if space is not self._space or (start, stop) != self._stretch:
            self._space, self._stretch, self._known = space, (start, stop), {}
        codes = space.codes(start, stop, rows)
        numbers = np.arange(start, stop, dtype=np.int64)
        numbers = numbers if rows is None else numbers[rows]
        columns = {measure.name: np.zeros(len(numbers), np.int64) for measure in measures}
        reason = np.full(len(numbers), VALID, np.int32)
        reasons: dict[tuple[str, str], int] = {}
        texts: list[Reason] = []
        digest = np.zeros((len(numbers), 2), np.uint64)
        for row, number in enumerate(numbers.tolist()):
            known = self._known.get(number)
            try:
                if known is None:
                    own = [int(column[row]) for column in codes]
                    known = DesignNetwork(self.subject, space.with_codes(number, own))
                    if stop - start <= HELD:
                        self._known[number] = known
                values = [known.value(measure) for measure in measures]
            except UntoldError as error:
                key = (error.code, error.where)
                if key not in reasons:
                    reasons[key] = len(texts)
                    texts.append(Reason(*key, error.message, number))
                reason[row] = reasons[key]
                continue
            for measure, value in zip(measures, values, strict=True):
                columns[measure.name][row] = value
            digest[row] = known.digest
        return Chunk(numbers, columns, reason, tuple(texts), digest)


class DesignNetwork:
    """A design's network, and what has been asked of it."""

    def __init__(self, subject: Subject, design: Design) -> None:
        """Read it; raises `UntoldError` where it has errors."""
        self.design = design
        self.network: Network = subject.network(design.parameters, design.input)
        errors = self.network.errors
        if errors:
            raise _untold(errors[0])
        self._report: Report | None = None
        self._digest: Digest | None = None
        self._arena: ArenaReport | None = None
        self._models: dict[bool, Model] = {}

    def value(self, measure: Measure) -> int:
        """A measure of it; raises `UntoldError` where it has none."""
        if measure.limit is not None:
            training = self.design.terms.training
            value = self.model(training=training).largest_batch(measure.limit.room)
        elif measure.extent:
            value = self.extent(measure)
        else:
            value = _VALUES[measure.name](self)
        if value > MOST:
            message = f"{measure.name} is {value:,}, and a sweep has numbers up to 2^63 − 1"
            raise UntoldError("CC313", self.network.path, message)
        return value

    @property
    def digest(self) -> Digest:
        """The digest of its network."""
        if self._digest is None:
            self._digest = digest_of(self.network)
        return self._digest

    @property
    def report(self) -> Report:
        """What `analyze` says of one example."""
        if self._report is None:
            self._report = analyze(self.network)
        return self._report

    @property
    def arena(self) -> "ArenaReport":
        """The static plan of a small device, in int8, where every layer has a rule."""
        if self._arena is None:
            from convcalc.analysis.memory.arena_fits import unknown
            from convcalc.analysis.memory.static_plan import arena

            planned = arena(self.network)
            problem = unknown(planned)
            if problem is not None:
                raise UntoldError(problem.code, self.network.path, problem.message)
            self._arena = planned
        return self._arena

    def model(self, *, training: bool) -> Model:
        """Its memory for every batch."""
        known = self._models.get(training)
        if known is None:
            terms = self.design.terms._replace(training=training)
            if not training:
                terms = terms._replace(optimizer="sgd", checkpoint=None, fused=True)
            written = self.network.written
            try:
                if written is not None and written.unmeasured:
                    raise _untold(written.unmeasured[0])
                known = self._models[training] = model(self.network, terms)
            except SpecError as error:
                raise _untold(error.diagnostics[0]) from None
            except ArgumentError as error:
                raise UntoldError("", self.network.path, str(error)) from None
        return known

    def peak(self, *, training: bool) -> int:
        """The peak at the design's batch."""
        any_batch = self.model(training=training)
        if self.design.batch < any_batch.fewest:
            raise _untold(refusals(self.network, self.design.batch, training=training)[0])
        return any_batch.peak(self.design.batch)

    def field(self) -> int:
        """The smallest axis of the last receptive field that there is, of all inputs it is in."""
        layer = next((one for one in reversed(self.report.layers) if any(one.fields)), None)
        if layer is None:
            message = "no layer has a receptive field: the network has no positions"
            raise UntoldError("CC503", self.network.path, message)
        return min(field.size for fields in layer.fields if fields for field in fields)

    def extent(self, measure: Measure) -> int:
        """An extent of the output, or of a layer's."""
        if measure.layer is None:
            index, what = self.network.output, "the output"
        else:
            tensors = self.network.tensors()
            if measure.layer not in tensors:
                message = f"no layer is called {measure.layer!r}{_near(measure.layer, *tensors)}"
                raise UntoldError("CC505", self.network.path, message)
            index, what = tensors[measure.layer], f"the output of {measure.layer}"
        shape = self.network.shape_of(index)
        if shape is None:
            message = f"{what} is not known"
            raise UntoldError("CC505", self.network.path, message)
        extents = readings(shape)
        if f"incoming.{measure.extent}" not in extents:
            message = f"{what} is {shape}, which has no {measure.extent}"
            raise UntoldError("CC505", self.network.path, message)
        size = extents[f"incoming.{measure.extent}"]
        return int(size)


@lru_cache(maxsize=8)
def _near(name: str, *layers: str) -> str:
    """The layer that may be meant, as a question; designs mostly have layers of the same names."""
    from convcalc.nearness import asked

    return asked([name], layers)


def _untold(diagnostic: Diagnostic) -> UntoldError:
    return UntoldError(diagnostic.code, diagnostic.where, diagnostic.told)


def _total(name: str) -> Callable[[DesignNetwork], int]:
    return lambda known: known.report.totals.known(name)


_VALUES: dict[str, Callable[[DesignNetwork], int]] = {
    **{name: _total(name) for name in ("parameters", "buffers", "macs", "flops", "activations")},
    "largest_tensor": lambda known: max(
        (layer.output.size for layer in known.report.nodes if layer.output is not None), default=0
    ),
    "layers": lambda known: len(known.report.layers),
    "receptive_field": DesignNetwork.field,
    "memory": lambda known: known.peak(training=False),
    "training_memory": lambda known: known.peak(training=True),
    "arena": lambda known: known.arena.size,
    "flash": lambda known: known.arena.flash,
}
"""What each measure of one name is worked out by."""
