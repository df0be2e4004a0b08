"""What fits along each axis of a network's input: the laws, who imposes them, what comes out."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from types import MappingProxyType
from typing import Any, NamedTuple

from convcalc.diagnostics import ArgumentError
from convcalc.graph import Network, SpecError
from convcalc.graph.unread import all_dropped
from convcalc.laws.asked import Along, Extent, Imposed, Mixed, What
from convcalc.laws.follow import Followed, Known, Start, each_axis, follow
from convcalc.laws.forms import IDENTITY, Form
from convcalc.laws.law import SHOWN, Law
from convcalc.laws.parameters import Tied, first_reading, made, reads, remade, tied
from convcalc.laws.sets import ALL, simplest, within
from convcalc.laws.steps import NotKnownError
from convcalc.layers.sliding import AXIS_NAMES, rounded_past
from convcalc.methods import above, from_json
from convcalc.numbers import plural
from convcalc.shape import Shape
from convcalc.spec.progressions import Part

MOST_LETTERS = 90
"""Most letters of the laws in one line."""


class Asks(NamedTuple):
    """What one layer asks of the size, beyond what those before it do."""

    layer: str
    """The layer's full name, as `stage1.conv1`."""
    what: tuple[What, ...]
    """What it asks: a least size, remainders that its stride tiles, branches that are alike, or
    what no size gives it: it has another error."""
    law: Law
    """The sizes that it and those before it leave."""
    drops: bool = False
    """Whether it takes others, too, and leaves out a real row of them: `law` is of `whole`."""


class Output(NamedTuple):
    """How large an axis of the output is for the sizes of one part of the law."""

    axis: str
    """The axis of the output."""
    part: Part
    """The sizes of the input."""
    text: str
    """Its extent as a formula of the part's k, or of the size k where the part has none."""
    name: str = ""
    """Which output it is of; empty where there is one."""


class Fit(NamedTuple):
    """What fits along one axis of the input, or of one parameter that makes it."""

    name: str
    """The axis, `height`, or the parameter."""
    axes: tuple[str, ...]
    """The axes of the input that it is the size of."""
    given: int | None
    """Its size as the spec stands; None where that is not known."""
    accepted: Law
    """The sizes with which no layer has an error."""
    whole: Law
    """Those of which no layer leaves out a real row or column."""
    asks: tuple[Asks, ...]
    """Which layer imposes which part of both, in the order of the layers."""
    outputs: tuple[Output, ...]
    """How large the output is, by part of `accepted`."""
    keeping: Law | None = None
    """The sizes with which every weight keeps its shape; None where all do with any, and where the
    size that the input has is not accepted."""
    weighing: tuple[str, ...] = ()
    """The layers whose weights have other shapes with another size."""
    parameter: bool = False
    """Whether it is a parameter of the spec."""
    tried: int = 0
    """How many values it was tried with, where layers read the parameter; 0 where it follows from
    the layers alone."""
    unknown: str = ""
    """Why a law is not known; empty where they are."""
    held: Mapping[str, int] = MappingProxyType({})
    """Other axes that this holds for at one size alone, with that size."""


class Nearest(NamedTuple):
    """The sizes that are nearest to a wanted one, which they may be; None where there is none."""

    name: str
    """The axis, or the parameter."""
    wanted: int
    """The size that is wanted."""
    accepted: tuple[int | None, int | None]
    """The nearest one below and above that is accepted."""
    whole: tuple[int | None, int | None]
    """The same of those that drop nothing."""


class Dropped(NamedTuple):
    """Rows of a layer's input that it does not read, or reads past, with the input as it is."""

    layer: str
    """The layer's full name, as `stage1.conv1`."""
    rows: tuple[int, ...]
    """How many, by axis of its input."""


class SizesReport(NamedTuple):
    """Which inputs fit a network."""

    name: str
    """The network's name, or the spec's path without one."""
    path: str
    """The spec as it was named."""
    input: Shape
    """Shape of one example as the spec stands."""
    fits: tuple[Fit, ...]
    """Every axis of the input, or every parameter that makes it."""
    together: tuple[tuple[str, ...], ...] = ()
    """Axes that hang together: the size of one decides on those of the other."""
    mixing: tuple[str, ...] = ()
    """The layers that make them."""
    dropped: tuple[Dropped, ...] = ()
    """What is left out as it is."""
    past: tuple[Dropped, ...] = ()
    """Layers that round up, and read past the border as it is."""
    input_name: str = "input"
    """Name of the input that the laws are of: of several the first."""
    following: tuple[str, ...] = ()
    """Other inputs that are as large along each axis, and change with it."""
    staying: tuple[tuple[str, Shape], ...] = ()
    """Other inputs, which keep their shapes."""

    def __str__(self) -> str:
        """The text that `convcalc sizes` prints."""
        text: str = above("SizesReport.__str__", self)
        return text.removesuffix("\n")

    def __repr__(self) -> str:
        """Which network, and its laws, in one line; `print` shows all."""
        laws = ", ".join(f"{fit.name} {fit.accepted.text()}" for fit in self.fits)
        return f"<SizesReport {self.name!r}: {laws[:MOST_LETTERS]}>"

    def to_markdown(self) -> str:
        """The same as Markdown."""
        return str(above("SizesReport.to_markdown", self))

    def to_json(self) -> str:
        """Every number as JSON, as `convcalc sizes --format json` prints it."""
        return str(above("SizesReport.to_json", self))

    def to_dict(self) -> dict[str, Any]:
        """The same as Python has it."""
        return from_json(self.to_json())


def nearest(report: SizesReport, wanted: Sequence[int]) -> tuple[Nearest, ...]:
    """The sizes that fit, nearest to those that are wanted: one for each axis, or one for all.

    Raises `ValueError` for another number of them.
    """
    count = len(report.fits) if not report.together else report.input.rank
    if len(wanted) not in (1, count):
        message = (
            f"{plural(len(wanted), 'size')} wanted, and the input has {plural(count, 'size')}: "
            f"{', '.join(fit.name for fit in report.fits)}"
        )
        raise ArgumentError(message)
    sizes = [*wanted] * count if len(wanted) == 1 else [*wanted]
    names = [*report.fits[0].axes] if count == 1 else AXIS_NAMES.get(report.input.rank, ())
    close = []
    for fit in report.fits:
        axis = names.index(fit.axes[0]) if len(sizes) == len(names) and len(sizes) > 1 else 0
        size = sizes[axis]
        laws = [(law.below(size), law.above(size)) for law in (fit.accepted, fit.whole)]
        close.append(Nearest(fit.name, size, *laws))
    return tuple(close)


def sizes_of(network: Network) -> SizesReport:
    """Which inputs fit a network; see `convcalc.sizes`."""
    shape = network.input
    # Errors of sizes are what laws are about; with others a layer may not be there at all.
    if shape is None or any(not error.code.startswith("CC3") for error in network.errors):
        raise SpecError(network.errors)
    names = AXIS_NAMES.get(shape.rank, ())
    known: Known = {}
    walks = [
        follow(network.nodes, each_axis(shape), axis, known=known, ends=network.outputs)
        for axis in range(shape.rank)
    ]
    ties = tied(network)
    fits = [_of_parameter(network, shape, tie, known) for tie in ties]
    of_parameters = {axis for tie in ties for axis in tie.axes}
    groups = [group for group in _groups(walks) if not of_parameters & {*group}]
    for group in groups:
        if len(group) == 1:
            axis = group[0]
            fits.append(_fit(network, shape, walks[axis], names[axis], group))
            continue
        for axis in group:
            held = {names[other]: shape.spatial[other] for other in group if other != axis}
            start = _start(shape, {axis}, set(group))
            walk = follow(network.nodes, start, axis, known=known, ends=network.outputs)
            fits.append(_fit(network, shape, walk, names[axis], (axis,))._replace(held=held))
        start = _tied(shape, group)
        alike = follow(network.nodes, start, group[0], known=known, ends=network.outputs)
        fits.append(_fit(network, shape, alike, " = ".join(names[axis] for axis in group), group))
    following = network.alike_inputs[1:]
    if ties:
        following = tuple(
            at for at in network.inputs[1:] if any(reads(network, at, t) for t in ties)
        )
    together = tuple(tuple(names[axis] for axis in group) for group in groups if len(group) > 1)
    mixing = dict.fromkeys(network.nodes[at].name for walk in walks for at in walk.mixing)
    return SizesReport(
        name=network.name,
        path=network.path,
        input=shape,
        fits=tuple(fits),
        together=together,
        mixing=tuple(mixing),
        dropped=tuple(
            Dropped(network.nodes[at].name, tuple(rows)) for at, rows in all_dropped(network)
        ),
        past=tuple(_past(network)),
        input_name=network.nodes[network.inputs[0]].name,
        following=tuple(network.nodes[at].name for at in following),
        staying=tuple(_staying(network, following)),
    )


def _staying(network: Network, following: Sequence[int]) -> Iterator[tuple[str, Shape]]:
    """The inputs that keep their shapes, behind the first."""
    for index in network.inputs[1:]:
        shape = network.shape_of(index)
        if index not in following and shape is not None:
            yield network.nodes[index].name, shape


def _of_parameter(network: Network, shape: Shape, tie: Tied, known: Known) -> Fit:
    """The laws of a parameter."""
    end = len(network.nodes)
    if tie.elsewhere:
        others = [remade(network, tie.name, value) for value in (2 * tie.value, tie.value + 64)]
        built = [other for other in others if other is not None]
        reading = first_reading(network, built) if len(built) == len(others) else None
        end = 1 if reading is None else reading
    forms = [each.form for each in tie.start if isinstance(each, Along) and each.variable == 0]
    start = within(ALL, max(form.least(1) for form in forms))
    nodes, ends = network.nodes[:end], network.outputs
    walk = follow(nodes, tie.start, 0, known=known, sizes=start, ends=ends, others=tie.others)
    fit = _fit(network, shape, walk, tie.name, tie.axes, value=tie.value)._replace(parameter=True)
    if end == len(network.nodes) or walk.unknown is not None:
        return fit
    try:
        values = made(network, tie.name, walk.sizes, walk.whole)
    except NotKnownError:
        values = None
    if values is None:
        return fit._replace(
            accepted=Law((), 0), whole=Law((), 0), outputs=(), unknown=f"layers read {tie.name}"
        )
    accepted = Law(values.accepted)
    return fit._replace(
        accepted=accepted,
        whole=Law(values.whole),
        outputs=tuple(_grown(network, accepted, values.output)),
        tried=values.tried,
    )


def _grown(network: Network, accepted: Law, output: Sequence[tuple[int, int]]) -> Iterator[Output]:
    """The axes of the first output where the law is one rule."""
    name = next(iter(network.named_outputs)) if len(network.outputs) > 1 else ""
    if not accepted.parts or accepted.parts[-1].turns is not None:
        return
    part = accepted.parts[-1]
    for axis, (start, more) in zip(AXIS_NAMES.get(len(output), ()), output, strict=False):
        form = Form() if not more else Form().then(more, start - more * part.begin, 1)
        yield Output(axis, part, form.text("k") if more else str(start), name)


def _groups(walks: Sequence[Followed]) -> list[tuple[int, ...]]:
    """The axes that hang together, each in one group."""
    group = [*range(len(walks))]
    for axis, walk in enumerate(walks):
        for other in walk.together:
            old, new = group[other], group[axis]
            group = [new if each == old else each for each in group]
    return [
        tuple(axis for axis, each in enumerate(group) if each == first)
        for first in dict.fromkeys(group)
    ]


def _start(shape: Shape, free: set[int], group: set[int]) -> Start:
    """The input's extents where those of a group that are not free stay as they are."""
    return (
        shape.channels,
        *(
            size if axis in group - free else Along(axis, IDENTITY)
            for axis, size in enumerate(shape.spatial)
        ),
    )


def _tied(shape: Shape, group: Sequence[int]) -> Start:
    """The input's extents where those of a group are alike."""
    return (
        shape.channels,
        *(Along(group[0] if axis in group else axis, IDENTITY) for axis in range(shape.rank)),
    )


def _fit(
    network: Network,
    shape: Shape,
    walk: Followed,
    name: str,
    axes: tuple[int, ...],
    *,
    value: int | None = None,
) -> Fit:
    """The laws of the walk's variable, whose `value` is that of the axes unless it is given."""
    names = AXIS_NAMES.get(shape.rank, ())
    given = {shape.spatial[axis] for axis in axes}
    accepted, whole = Law(simplest(walk.sizes)), Law(simplest(walk.whole))
    unknown = ""
    if walk.unknown is not None:
        if network.errors:
            raise SpecError(network.errors)
        unknown = f"{network.nodes[walk.unknown].name}: {walk.why}"
        accepted = whole = Law((), 0)
    elif walk.lost is not None:
        whole = Law((), 0)
        unknown = f"{network.nodes[walk.lost].name}: {walk.why}"
    size = value if value is not None else given.pop() if len(given) == 1 else None
    return Fit(
        name=name,
        axes=tuple(names[axis] for axis in axes),
        given=size,
        accepted=accepted,
        whole=whole,
        asks=(*_asks(network, walk.imposed), *_never(network, walk)),
        outputs=() if unknown else tuple(_outputs(network, walk, accepted)),
        keeping=_keeping(walk, accepted, size),
        weighing=tuple(
            dict.fromkeys(
                network.nodes[at].name
                for at, extent in walk.weights
                if any(_forms(extent, walk.variable))
            )
        ),
        unknown=unknown,
    )


def _asks(network: Network, imposed: Sequence[Imposed]) -> Iterator[Asks]:
    """What layers ask, all that one does at once."""
    for (layer, drops), some in groupby(imposed, key=lambda each: (each.layer, each.drops)):
        each = [*some]
        law = Law(simplest(each[-1].sizes))
        what = tuple(dict.fromkeys(one.what for one in each))
        yield Asks(network.nodes[layer].name, what, law, drops)


def _never(network: Network, walk: Followed) -> Iterator[Asks]:
    """The layer that has an error with every size, whatever that is of."""
    if walk.wrong is not None and not walk.sizes:
        yield Asks(network.nodes[walk.wrong[0]].name, ("never",), Law(()), drops=False)


def _outputs(network: Network, walk: Followed, accepted: Law) -> Iterator[Output]:
    """How large the axes of the outputs are that follow the variable."""
    called = [*network.named_outputs] if len(network.outputs) > 1 else [""]
    for name, output in zip(called, walk.outputs, strict=False):
        names = AXIS_NAMES.get(len(output) - 1, ())
        for axis, extent in zip(("channels", *names), output, strict=False):
            if not isinstance(extent, Along) or extent.variable != walk.variable:
                continue
            for part in accepted.parts[:SHOWN]:
                yield Output(axis, part, _formula(extent.form, part), name)


def _formula(form: Form, part: Part) -> str:
    """An extent for the sizes of a part, as a formula of its k."""
    ends = []
    for size in (part.first, part.last):
        if part.turns == 0:
            ends.append(str(form.at(size)))
            continue
        k = Form().then(part.step, size - part.step * part.begin, 1)
        for step in form.steps:
            k = k.then(*step)
        ends.append(k.text("k"))
    return " … ".join(dict.fromkeys(ends))


def _keeping(walk: Followed, accepted: Law, size: int | None) -> Law | None:
    """The sizes with which all weights keep the shapes that they have."""
    forms = [form for _, extent in walk.weights for form in _forms(extent, walk.variable)]
    if not forms or size is None or walk.unknown is not None or size not in accepted:
        return None
    sizes = accepted.sizes
    for form in forms:
        there = form.at(size)
        sizes = within(sizes, form.least(there), form.least(there + 1) - 1)
    return Law(simplest(sizes))


def _forms(extent: Extent, variable: int) -> Iterator[Form]:
    """The forms of a variable that an extent is made of."""
    waiting: list[object] = [extent]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Along):
            if part.variable == variable:
                yield part.form
        elif isinstance(part, Mixed):
            waiting += part.parts


def _past(network: Network) -> Iterator[Dropped]:
    """The layers that round up, and how many rows past the border they read."""
    for node, plan in zip(network.nodes, network.plans, strict=True):
        known: Any = node.layer
        if plan is None or getattr(known, "rounding", "") != "ceil":
            continue
        x = network.shape_of(node.inputs[0])
        if x is None or known.padding == "same":
            continue
        rows = rounded_past(known, x.spatial)
        if any(rows):
            yield Dropped(node.name, rows)
