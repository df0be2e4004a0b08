"""Whether a network keeps what its spec, the configuration or the command line promise of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from convcalc.analysis import analyze
from convcalc.analysis.report import LayerReport, Report
from convcalc.checks.settings import Limit
from convcalc.diagnostics import ArgumentError, Problem, closest, listed, misspelt, rename
from convcalc.graph import Network
from convcalc.numbers import both_bytes, plural
from convcalc.shape import Shape, spatial_axes
from convcalc.spec.promises import (
    AUTO,
    DEVICE,
    Extents,
    MemoryTerms,
    Promise,
    Quantity,
    SizeLaws,
)
from convcalc.window import Field

if TYPE_CHECKING:
    from convcalc.analysis.memory.arena_fits import Of
    from convcalc.analysis.memory.terms import Checkpoint
    from convcalc.laws import Fit, Law

SHOWN = 3
"""How many of the layers that cost most are named."""
MAX_COMPARED = 2000
"""Names of groups, and of layers, that a misspelt one is compared with."""


class Broken(NamedTuple):
    """A promise that does not hold."""

    promise: Promise
    """What was promised, with its place in a spec or configuration."""
    problem: Problem
    """What is instead, with the layers that cost most, and what to do."""
    origin: str = ""
    """Where the promise was written, unless in the spec."""


class Used(NamedTuple):
    """How much of a limit a network takes."""

    noun: str
    """What is limited, as a message calls it."""
    value: int
    """How much there is of it: values, MACs or bytes."""
    limit: int
    """How much there may be."""
    memory: bool
    """Whether both are bytes."""

    @property
    def share(self) -> float:
        """How much of the limit that is; infinity where nothing may be, and something is.

        >>> Used("parameters", 600, 800, memory=False).share
        0.75
        """
        if self.limit:
            return self.value / self.limit
        return inf if self.value else 0.0


class _Count(NamedTuple):
    """A number that can be promised, and each layer's part in it."""

    noun: str
    """What a message calls it, in the plural."""
    total: Callable[[Report], int]
    """It for a whole network and a batch of 1."""
    share: Callable[[LayerReport], int | None]
    """A layer's part in it; None where an error keeps it unknown."""


def _size(layer: LayerReport) -> int:
    return layer.output.size if layer.output is not None else 0


_COUNTS = {
    "parameters": _Count(
        "parameters",
        lambda report: report.totals.known("parameters"),
        lambda layer: layer.parameters,
    ),
    "buffers": _Count(
        "buffers", lambda report: report.totals.known("buffers"), lambda layer: layer.buffers
    ),
    "macs": _Count("MACs", lambda report: report.totals.known("macs"), lambda layer: layer.macs),
    "flops": _Count(
        "FLOPs", lambda report: report.totals.known("flops"), lambda layer: 2 * (layer.macs or 0)
    ),
    "activations": _Count(
        "activations",
        lambda report: report.totals.known("activations"),
        lambda layer: layer.activations,
    ),
    "largest_tensor": _Count(
        "values in the largest tensor",
        lambda report: max(map(_size, report.nodes), default=0),
        _size,
    ),
}


def broken(network: Network, budget: Sequence[Limit] = ()) -> Iterator[Broken]:
    """The promises of a network without errors that do not hold; `budget` are further limits."""
    expect, limits = network.promises
    if not expect and not limits and not budget:
        return
    report = analyze(network)
    tensors = network.tensors() if any(promise.layer for promise in expect) else {}
    for promise in expect:
        problem = _expectation(promise, network, report, tensors)
        if problem is not None:
            yield Broken(promise, problem)
    for promise, origin, _ in (*(Limit(promise) for promise in limits), *budget):
        problem = _limit(promise, origin, network, report)
        if problem is not None:
            yield Broken(promise, problem, origin)


def used(network: Network, report: Report, budget: Sequence[Limit] = ()) -> Iterator[Used]:
    """How much a network without errors takes of each limit that it has, its own ones first.

    `report` is what it takes, at a batch of 1; `budget` are further limits. A limit from below
    is not used up, and one on memory at a batch that the network cannot take is left out.
    """
    for promise in (*network.promises.budget, *(limit.promise for limit in budget)):
        wanted = promise.wanted
        if promise.name in DEVICE and isinstance(wanted, Quantity) and wanted.maximum is not None:
            value = _device_of(network, promise.name)
            if value is not None:
                noun = "arena in int8" if promise.name == "arena" else "weights in int8"
                yield Used(noun, value, wanted.maximum, memory=True)
        elif isinstance(wanted, Quantity) and wanted.maximum is not None:
            count = _COUNTS[promise.name]
            yield Used(count.noun, count.total(report), wanted.maximum, memory=False)
        elif isinstance(wanted, MemoryTerms) and wanted.quantity.maximum is not None:
            from convcalc.analysis.memory import refused

            if refused(network, wanted.batch, training=wanted.training) is None:
                with suppress(ArgumentError):  # checkpoints of names that there are not
                    value, _ = memory_of(network, wanted)
                    at = f" at batch {wanted.batch:,}" if wanted.batch > 1 else ""
                    noun = f"memory of {_run(wanted)}{at}"
                    yield Used(noun, value, wanted.quantity.maximum, memory=True)


def _run(terms: MemoryTerms) -> str:
    """What memory is of, in words, the batch left out."""
    if not terms.training:
        return "inference"
    again = terms.checkpoint and f" and checkpoint {terms.checkpoint}"
    return f"a training step with {terms.optimizer}{again}"


def _expectation(
    promise: Promise, network: Network, report: Report, tensors: Mapping[str, int | None]
) -> Problem | None:
    name, wanted = promise.name, promise.wanted
    if name == "counts" and isinstance(wanted, Quantity):
        return _counted(promise.layer or "", wanted, network)
    if isinstance(wanted, Quantity):
        count = _COUNTS[name]
        value = count.total(report)
        if wanted.holds(value):
            return None
        return Problem(
            "CC501",
            f"{count.noun}: {value:,}, and {_expected(wanted)}: {_difference(value, wanted)}"
            f"{_most(report, count)}",
            f"expect.{name}",
            f"if the change is meant, write `{name}: {value}`",
        )
    if isinstance(wanted, SizeLaws):
        return _sizes(wanted, network)
    if name in ("output", "outputs") and isinstance(wanted, Shape | Extents):
        return _shape(promise, wanted, network, tensors)
    if isinstance(wanted, MemoryTerms):
        return _memory(wanted, network, "expect", "CC504")
    return None if isinstance(wanted, Shape) else _field(wanted, report)


def _counted(tool: str, wanted: Quantity, network: Network) -> Problem | None:
    """What is wrong with what another tool is expected to count."""
    from convcalc.analysis.conventions import count

    counted = count(network, tool)
    field = f"expect.counts.{tool}"
    if counted.total is None:
        first = counted.missing[0]
        message = f"what {tool} counts is not known: {first.layer} is a `{first.kind}`, and "
        return Problem("CC501", message + first.reason, field, "leave the line out")
    if wanted.holds(counted.total):
        return None
    shown = f"`{counted.printed}`" if counted.printed != str(counted.total) else ""
    return Problem(
        "CC501",
        f"{tool} counts {counted.total:,}{', ' * bool(shown)}{shown}, and {_expected(wanted)}: "
        f"{_difference(counted.total, wanted)}",
        field,
        f"`convcalc analyze SPEC --count {tool} --why` adds it up; if it is meant, write "
        f"`{tool}: {counted.total}`",
    )


def _shape(
    promise: Promise, wanted: Shape | Extents, network: Network, tensors: Mapping[str, int | None]
) -> Problem | None:
    """What is wrong with the output of a network, a layer or a group; `tensors` are by name."""
    index: int | None
    field = "output" if promise.layer is None else "layers"
    if promise.name == "outputs" and promise.layer is not None:
        named, field = network.named_outputs, "outputs"
        if promise.layer not in named:
            others = f"the outputs are {listed(named)}"
            return _unknown("output", promise.layer, [*named], "outputs", others)
        index, what = named[promise.layer], f"output {promise.layer}"
    elif promise.layer is None:
        index, what = network.output, "the output"
        if len(network.outputs) > 1:
            first, *_ = network.named_outputs
            what = f"output {first}, the first of {len(network.outputs)}"
    else:
        if promise.layer not in tensors:
            names = [group.name for group in network.groups[:MAX_COMPARED]]
            names += [node.name for node in network.layers[:MAX_COMPARED]]
            others = "`convcalc analyze` shows the names"
            return _unknown("layer", promise.layer, names, "layers", others)
        index, what = tensors[promise.layer], f"the output of {promise.layer}"
    shape = network.shape_of(index)
    if shape is None or shape == wanted:
        return None
    if isinstance(wanted, Extents):
        difference = _outside(shape, wanted)
        if not difference:
            return None
        expected = " ".join(wanted.text.split())
    else:
        difference, expected = _shape_difference(shape, wanted), str(wanted)
    return Problem(
        "CC502",
        f"{what}: {shape}, and {expected} was expected: {difference}",
        f"expect.{field}",
        f"if the change is meant, write {str(shape).replace('×', 'x')}",
    )


def _unknown(what: str, name: str, known: Sequence[str], field: str, others: str) -> Problem:
    """What is promised of something that there is not; `others` are those there are, in words."""
    near = closest(name, known)
    right = misspelt(name, known) if near else None
    return Problem(
        "CC505",
        f"no {what} is called `{name[:60]}`",
        f"expect.{field}",
        f"did you mean `{near}`?" if near else others,
        fix=rename(right) if right else None,
    )


def _shape_difference(shape: Shape, wanted: Shape) -> str:
    if shape.rank != wanted.rank:
        return f"{spatial_axes(shape.rank)} instead of {wanted.rank}"
    new, old = (*shape.spatial, shape.channels), (*wanted.spatial, wanted.channels)
    return _by_axis(tuple(one - other for one, other in zip(new, old, strict=True)))


def _outside(shape: Shape, wanted: Extents) -> str:
    """How far a shape is out of its range; empty when it is not."""
    if shape.rank != wanted.rank - 1:
        return f"{spatial_axes(shape.rank)} instead of {wanted.rank - 1}"
    return _by_axis(wanted.excess((*shape.spatial, shape.channels)))


def _by_axis(differences: tuple[int, ...]) -> str:
    nouns = (*("rows", "columns", "slices")[: len(differences) - 1], "channels")
    return ", ".join(
        f"{difference:+,} {noun}".replace("-", "−")
        for noun, difference in zip(nouns, differences, strict=True)
        if difference
    )


def _field(wanted: int | tuple[int, ...] | Extents, report: Report) -> Problem | None:
    """What is wrong with the last field that there is, in any of the inputs that it is in."""
    layer = next((one for one in reversed(report.layers) if any(one.fields)), None)
    if layer is None:
        return Problem(
            "CC503",
            "no layer has a receptive field, and one was expected",
            "expect.receptive_field",
            "remove the line: the network has no spatial axes",
        )
    if layer.receptive_field is not None:
        return _one_field(wanted, layer.name, layer.receptive_field)
    problems = (
        _one_field(wanted, f"{layer.name} in {name}", fields)
        for name, (fields, _) in layer.receptive_fields.items()
        if fields
    )
    return next(filter(None, problems), None)


def _one_field(
    wanted: int | tuple[int, ...] | Extents, what: str, fields: Sequence[Field]
) -> Problem | None:
    sizes = tuple(field.size for field in fields)
    least = tuple(field.size if field.exact else 1 for field in fields)
    if isinstance(wanted, Extents):
        expected = " ".join(wanted.text.split())
    else:
        asked = (wanted,) * len(sizes) if isinstance(wanted, int) else wanted
        expected, wanted = _by(asked), Extents(asked, asked, "")
    fits = wanted.rank in (1, len(sizes))
    if fits and not any((*wanted.excess(sizes), *wanted.excess(least))):
        return None
    most = "" if all(field.exact for field in fields) else "at most "
    # A bound does not tell whether what it allows is so: neither kept nor broken.
    if fits and min(wanted.excess(sizes)) >= 0 and max(wanted.excess(least)) <= 0:
        return Problem(
            "CC503",
            f"receptive field of {what}: at most {_by(sizes)}, which does not tell whether "
            f"{expected}, as expected, holds",
            "expect.receptive_field",
            f"expect a bound that it keeps: <= {_by(sizes).replace('×', 'x')}",
            "warning",
        )
    return Problem(
        "CC503",
        f"receptive field of {what}: {most}{_by(sizes)}, and {expected} was expected",
        "expect.receptive_field",
        f"if the change is meant, write {_by(sizes).replace('×', 'x')}",
    )


def _sizes(wanted: SizeLaws, network: Network) -> Problem | None:
    """What is wrong with the sizes that drop nothing."""
    from convcalc.laws import TooManyError, of_parts

    fits = [fit for fit in network.sizes().fits if not fit.held]
    if len(wanted.laws) not in (1, len(fits)):
        return Problem(
            "CC506",
            f"{plural(len(wanted.laws), 'law')} of sizes, and the input has "
            f"{plural(len(fits), 'size')}{': ' * bool(fits)}{', '.join(fit.name for fit in fits)}",
            "expect.sizes",
            "write one law for all, or one for each" if fits else "remove the line",
        )
    try:
        return _otherwise(fits, [of_parts(parts) for parts in wanted.laws])
    except TooManyError:
        message = f"{wanted.text} has too many remainders to be compared"
        return Problem("CC506", message, "expect.sizes", "write fewer parts", "warning")


def _otherwise(fits: "Sequence[Fit]", laws: "Sequence[Law]") -> Problem | None:
    """The first size that is in a law, and not in the one that is expected, or the reverse."""
    from convcalc.laws import difference

    right = [fit.whole.written() for fit in fits]
    quoted = [f"'{law}'" for law in right]
    advice = quoted[0] if len({*right}) == 1 else f"[{', '.join(quoted)}]"
    for fit, law in zip(fits, [*laws] * (len(fits) // len(laws)), strict=True):
        if fit.whole.until is not None:
            return Problem(
                "CC506",
                f"sizes of {fit.name}: not known, {fit.unknown}, which does not tell whether "
                f"{law.text()}, as expected, holds",
                "expect.sizes",
                "remove the line",
                "warning",
            )
        apart = difference(fit.whole, law)
        if apart is not None:
            says = "drops nothing" if apart in fit.whole else "does not"
            return Problem(
                "CC506",
                f"sizes of {fit.name} that drop nothing: {fit.whole.text()}, and {law.text()} was "
                f"expected: {apart:,} {says}",
                "expect.sizes",
                f"if the change is meant, write `sizes: {advice}`",
            )
    return None


def _by(sizes: tuple[int, ...]) -> str:
    return "×".join(map(str, sizes))


def _limit(promise: Promise, origin: str, network: Network, report: Report) -> Problem | None:
    name, wanted = promise.name, promise.wanted
    if isinstance(wanted, MemoryTerms):
        return _memory(wanted, network, "budget", "CC512", origin)
    if not isinstance(wanted, Quantity):
        return None
    if name in DEVICE:
        return _device(promise, wanted, network, origin)
    count = _COUNTS[name]
    value = count.total(report)
    if wanted.holds(value):
        return None
    limit = wanted.maximum if wanted.maximum is not None else wanted.minimum
    shown = _limit_text(f"{limit:,}", origin)
    return Problem(
        "CC511",
        f"{count.noun}: {value:,}, and the budget is {shown}: {_difference(value, wanted)}"
        f"{_most(report, count)}",
        f"budget.{name}",
        _advice(report, count, wanted),
    )


def _device_of(network: Network, name: str) -> int | None:
    """Bytes of the arena's head, or of the weights, in int8; None where a layer has no rule."""
    from convcalc.analysis.memory import arena

    report = arena(network)
    return None if not report.exact else report.size if name == "arena" else report.flash


def _device(promise: Promise, wanted: Quantity, network: Network, origin: str) -> Problem | None:
    """What is wrong with a small device's arena, or with the weights in its flash."""
    from convcalc.analysis.memory import arena
    from convcalc.analysis.memory.arena_fits import Room, arena_fit, problem

    report = arena(network)
    of: Of = "flash" if promise.name == "flash" else "arena"
    field = f"budget.{promise.name}"
    if wanted.maximum is None:
        fit = arena_fit(report, Room("", of, 0))
        if not fit.known or wanted.holds(fit.takes):
            return None
        return Problem(
            "CC512",
            f"{promise.name}: {both_bytes(fit.takes)}, and the budget is "
            f"{_limit_text(wanted.text, origin)}",
            field,
            "change the network, or the budget",
        )
    wrong = problem(
        report,
        arena_fit(report, Room("", of, wanted.maximum)),
        f"({origin})" if origin else "",
        word="budget",
    )
    return None if wrong is None else wrong._replace(field=field)


def _limit_text(limit: str, origin: str) -> str:
    return f"{limit} ({origin})" if origin else limit


def _advice(report: Report, count: _Count, wanted: Quantity) -> str:
    top = _top(report, count)
    if not top or (wanted.maximum is None):
        return "change the network, or the budget"
    return f"make {top[0][0]} smaller, or raise the budget"


def _memory(
    terms: MemoryTerms, network: Network, key: str, code: str, origin: str = ""
) -> Problem | None:
    from convcalc.analysis.memory import refused

    unknown = refused(network, terms.batch, training=terms.training)
    if unknown is not None:
        return unknown._replace(field=f"{key}.memory")
    try:
        value, most = memory_of(network, terms)
    except ArgumentError as error:
        field = f"{key}.memory.checkpoint"
        return Problem(code, f"checkpoint: {error}", field, "`convcalc analyze` shows the names")
    if terms.quantity.holds(value):
        return None
    quantity = terms.quantity
    limit = quantity.maximum if quantity.maximum is not None else quantity.minimum
    over = abs(value - (limit or 0))
    return Problem(
        code,
        f"memory of {_run(terms)} at batch {terms.batch:,}: {both_bytes(value)}, and "
        + (
            f"the budget is {_limit_text(both_bytes(limit or 0), origin)}"
            if key == "budget"
            else _expected(quantity)
        )
        + f": {both_bytes(over)} {'more' if value > (limit or 0) else 'less'}{most}",
        f"{key}.memory",
        "use a smaller batch, make the layers that cost most smaller, or raise the budget"
        if key == "budget"
        else f"if the change is meant, write {value}",
    )


def _reached(network: Network, terms: MemoryTerms) -> tuple[tuple[str, ...] | None, str]:
    """Checkpoints that fit into a limit, or with which the least is taken; and which, as text."""
    from convcalc.analysis.memory.automatic import automatic
    from convcalc.analysis.memory.terms import RunTerms

    run = RunTerms(training=True, optimizer=terms.optimizer)
    best = automatic(network, run, terms.batch, terms.quantity.maximum or 0)
    if best.proven:
        return best.names or None, "; this is the lowest peak of all choices of segments"
    return best.names or None, (
        f"; this is the lowest peak that was found, with {best.how}, and another choice may fit"
    )


def memory_of(network: Network, terms: MemoryTerms) -> tuple[int, str]:
    """Bytes that a network takes under terms, and the layers that cost most, as text.

    Of the checkpoint `AUTO` these are the fewest that are known to be reached where they are too
    many, and where it fits without, those without. Raises `ArgumentError` for a checkpoint of names
    that there are not.
    """
    from convcalc.analysis.memory import memory

    lowest = ""
    if terms.training:
        again: Checkpoint | None = None if terms.checkpoint == AUTO else terms.checkpoint or None
        run = partial(memory, network, batch=terms.batch, training=True, optimizer=terms.optimizer)
        report = run(checkpoint=again)
        if terms.checkpoint == AUTO and not terms.quantity.holds(report.peak):
            again, lowest = _reached(network, terms)
            report = run(checkpoint=again)
    else:
        report = memory(network, batch=terms.batch)
    most = f"{lowest}; the peak is at {report.peak_layer}, of " + ", ".join(
        f"{line.name} {both_bytes(line.bytes)}"
        for line in sorted(report.at_peak, key=lambda line: -line.bytes)[:SHOWN]
        if line.bytes
    )
    costs = [
        (layer.kept if terms.training else layer.output, layer.name) for layer in report.layers
    ]
    top = sorted((cost for cost in costs if cost[0]), key=lambda cost: -cost[0])[:SHOWN]
    if top:
        most += f"; most is {'kept' if terms.training else 'made'} by " + ", ".join(
            f"{name} {both_bytes(count)}" for count, name in top
        )
    return report.peak, most


def _expected(wanted: Quantity) -> str:
    if wanted.text.isdecimal():
        return f"{int(wanted.text):,} was expected"
    return f"{' '.join(wanted.text.split())} was expected"


def _difference(value: int, wanted: Quantity) -> str:
    if wanted.maximum is not None and value > wanted.maximum:
        return f"{value - wanted.maximum:,} more"
    return f"{(wanted.minimum or 0) - value:,} less"


def _top(report: Report, count: _Count) -> list[tuple[str, int]]:
    costs = [(layer.name, count.share(layer) or 0) for layer in report.layers]
    return sorted((one for one in costs if one[1]), key=lambda one: -one[1])[:SHOWN]


def _most(report: Report, count: _Count) -> str:
    """The layers that cost most, with their numbers."""
    top = _top(report, count)
    if not top:
        return ""
    total = count.total(report)
    if count.share is _size:
        return "; the largest are of " + ", ".join(f"{name} {value:,}" for name, value in top)
    return "; most are in " + ", ".join(
        f"{name} {value:,} ({value / total:.1%})" for name, value in top
    )
