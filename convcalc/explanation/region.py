"""What an output position sees of the image, and which outputs a pixel of it reaches."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import prod
from typing import Any, NamedTuple

from convcalc.analysis.reach import Reached, reached
from convcalc.analysis.receptive_field import Sight
from convcalc.arguments import one_of
from convcalc.diagnostics import ArgumentError, listed
from convcalc.explanation.chosen import one_named
from convcalc.explanation.chosen import position as as_position
from convcalc.explanation.page import Page, Part, Section, Table
from convcalc.graph import Given, GivenShape, LayerNode, Network, read
from convcalc.graph.planned import Planned, leading_to, planned
from convcalc.layers import UNPOOL
from convcalc.layers.base import Joined, Plan
from convcalc.layers.sliding import AXIS_NAMES, LINE_NAMES
from convcalc.numbers import plural, times
from convcalc.shape import Shape
from convcalc.spec.nodes import Value
from convcalc.window import Field, met, values_under

SCHEMA = 1
"""Changes only when a field of the JSON changes its meaning or goes."""
ALL_MAY = "all may"
"""What a table says of outputs that have no position, where any of them may be reached."""
LISTED = 6
"""Stretches that are written out; of more the first and the last."""


class Seen(NamedTuple):
    """What is seen along one axis of a map: its values from the first to the last."""

    first: int | None
    """The first value that is seen, from 0; None where only padding is."""
    last: int | None
    """The last value that is seen, itself included."""
    before: int | None
    """How many positions of padding in front of the first value are seen; None if that is unknown,
    as where neighbours see different numbers of values and nothing but an average is known."""
    behind: int | None
    """How many behind the last value are."""
    exact: bool = True
    """Whether both ends are seen; otherwise it is no more than this."""
    counted: bool = True
    """Whether outputs were counted one by one where formulas tell no more; False where that takes
    too long."""

    @property
    def size(self) -> int:
        """How many values of the map lie between the first and the last, both included."""
        if self.first is None or self.last is None:
            return 0
        return self.last - self.first + 1


class Region(NamedTuple):
    """What one output position of a layer sees."""

    layer: str
    """Full name of the layer."""
    position: tuple[int, ...]
    """Which of its outputs, by axis."""
    image: tuple[Seen, ...]
    """What it sees of the network's input, by axis; of several inputs the first that it sees."""
    inputs: tuple[tuple[str, tuple[Seen, ...]], ...]
    """Each map that the layer reads, by its layer's name, and what it sees of that: one step back.
    """
    images: Mapping[str, tuple[Seen, ...]]
    """What it sees of each of the network's inputs that it sees, by their names."""


def explain_region(
    spec: Given,
    layer: str,
    at: Sequence[int],
    *,
    input: GivenShape | None = None,  # noqa: A002 (the spec's own word)
    parameters: Mapping[str, Value] | None = None,
) -> Region:
    """What an output of a layer sees of the network's input, and of what the layer reads.

    `layer` is a name, as `explain` takes it, of one layer; `at` is a position of its output, row
    and column from 0. Raises `SpecError` where an error keeps the layer, or one that it needs,
    unknown, and `ValueError` for a layer or a position that there is not, or where positions are
    lost.

    >>> explain_region("vgg16", "stage1.conv2", (0, 5)).image[1]
    Seen(first=3, last=7, before=0, behind=0, exact=True, counted=True)
    """
    network = read(spec, input=input, parameters=parameters)
    return region(network, one_named(network, layer, "a region"), as_position(at, "at"))


def explain_reach(
    spec: Given,
    position: Sequence[int],
    *,
    of: str | None = None,
    input: GivenShape | None = None,  # noqa: A002 (the spec's own word)
    parameters: Mapping[str, Value] | None = None,
) -> dict[str, Reached]:
    """Which outputs a position of the network's input reaches, by the full name of each layer.

    `of` names one of several inputs; it is the first unless given. A layer that an error keeps
    unknown is left out. Raises `SpecError` where the input is unknown, and `ValueError` for an
    input or a position that there is not.

    >>> explain_reach("alexnet", (100, 60))["conv1"].blocks
    ((((23, 26),), ((13, 16),)),)
    """
    network = read(spec, input=input, parameters=parameters)
    network = network if network.input else planned(network)  # which tells the error there
    names = [*network.named_inputs]
    name = names[0] if of is None else one_of(of, "of", names)
    place = as_position(position, "position")
    (source,), _ = _sources(network, name, place)
    every = zip(network.nodes, reached(network, place, source), strict=True)
    return {node.name: outputs for node, outputs in every if outputs is not None}


def region(network: Network, layer: int, position: Sequence[int]) -> Region:
    """What an output position of a layer, by its index, sees of the input and of what it reads.

    Raises `ValueError` for a position that the layer has not, and `SpecError` where an error keeps
    the layer, or one that it needs, unknown.

    >>> from convcalc.graph import load
    >>> seen = region(load("vgg16"), 2, (0, 5))
    >>> seen.image[0].first, seen.image[0].last, seen.image[0].before, seen.image[1][:2]
    (0, 1, 1, (4, 6))
    """
    known = leading_to(network, layer)
    layer = known.output
    sights = {name: _followed(known, source) for name, source in known.named_inputs.items()}
    sights = {name: sight for name, sight in sights.items() if layer not in sight.unseen}
    if not sights:
        message = f"{known.nodes[layer].name} sees nothing of the network's input"
        raise ArgumentError(message)
    with_places = {name: sight for name, sight in sights.items() if layer not in sight.lost}
    sight = next(iter((with_places or sights).values()))
    _refuse_lost(known, sight, layer)
    node, plan = known.nodes[layer], known.plans[layer]
    _check(position, plan.output.spatial, f"{node.name}, whose outputs are")
    axes = range(len(position))
    made, there = _made_by(known, layer, position)
    images = {
        name: tuple(
            Seen(None, None, 0, 0)
            if made in each.unseen
            else _seen(each, layer, axis, position[axis])
            if made in each.lost
            else _seen(each, made, axis, there[axis])
            for axis in axes
        )
        for name, each in with_places.items()
    }
    inputs = tuple(
        (
            known.nodes[index].name,
            tuple(
                _read(plan, number, known.shape_of(index).spatial[axis], axis, position[axis])
                for axis in axes
            ),
        )
        for number, index in _read_by(node)
        if _is_there(plan, number, position)
        and any(index not in each.lost | each.unseen for each in with_places.values())
    )
    image = next(iter(images.values()))
    return Region(node.name, tuple(position), image, inputs, images)


def _made_by(network: Planned, layer: int, position: Sequence[int]) -> tuple[int, Sequence[int]]:
    """The layer whose output it is, and its position there, of maps one behind the other.

    Along the other axis each map's outputs see what that map's do, whatever those beside them see.
    """
    made, there = layer, list(position)
    while network.plans[made].output.rank == len(there):
        node, positions = network.nodes[made], network.plans[made].positions
        if isinstance(positions, Joined):
            number = next(
                at for at in range(len(node.inputs)) if _is_there(network.plans[made], at, there)
            )
            there[positions.axis] -= positions.windows[number].before
        elif positions == "kept" and len(node.inputs) == 1:
            number = 0
        else:
            break
        made = node.inputs[number]
    return made, there


def _read_by(node: LayerNode) -> list[tuple[int, int]]:
    """What an output looks at, with the number that the plan has for it.

    What undoes a pool looks at the pool as at what comes in, which may be the same.
    """
    looks_at = node.looks_at
    if node.kind == UNPOOL:
        looks_at = tuple(dict.fromkeys(looks_at))
    return [*enumerate(looks_at)]


def _followed(network: Planned, source: int) -> Sight:
    """What all layers see of an input."""
    sight = Sight(network, (source,))
    for _ in network.walk(sight.follow):
        pass
    return sight


def _refuse_lost(network: Planned, sight: Sight, layer: int) -> None:
    """Raise `ValueError` for outputs that have no position, with the layer that lost it."""
    if layer not in sight.lost and network.shape_of(layer).spatial:
        return
    at = layer
    while (before := network.nodes[at].inputs) and (
        network.plans[at].positions != "lost" or sight.lost.issuperset(before)
    ):
        seen = [one for one in network.nodes[at].inputs if one not in sight.unseen]
        at = next((one for one in seen if one in sight.lost), seen[0])
    name, losing = network.nodes[layer].name, network.nodes[at]
    if not losing.inputs:
        one = len(network.inputs) == 1
        which = "the network's input" if one else f"the input {losing.name}"
        message = f"{name} has no positions: {which} is a vector"
        raise ArgumentError(message)
    has_them = network.nodes[losing.inputs[0]].name
    which = "this layer" if at == layer else losing.name
    message = (
        f"outputs of {name} have no position in the image: {which} lost them, and may have mixed "
        f"all that it reads; ask about {has_them}, which has them"
    )
    raise ArgumentError(message)


def _check(position: Sequence[int], extents: Sequence[int], what: str) -> None:
    """Raise `ValueError` for a position that is none of a map's."""
    if not extents:
        message = f"there are no positions in {what} a vector"
        raise ArgumentError(message)
    shape = times(extents)
    if len(position) != len(extents):
        such = ",".join(str(size // 2) for size in extents)
        message = f"a position of {what} {shape}, is {plural(len(extents), 'number')}, as {such}"
        raise ArgumentError(message)
    for name, at, size in zip(LINE_NAMES[len(extents)], position, extents, strict=True):
        if not 0 <= at < size:
            message = f"{name} {at} is none of {what} {shape}: {name}s are 0 to {size - 1}"
            raise ArgumentError(message)


def _seen(sight: Sight, layer: int, axis: int, output: int) -> Seen:
    """What an output sees along an axis of the image."""
    extent = sight.extents[axis]
    fields = sight.fields[layer]
    field = fields[axis] if fields is not None else None
    line = None if field is None or not _is_sure(field) else field.sees(output)
    before = None if line is None else max(min(-line[0], line[1] - line[0]), 0)
    behind = None if line is None else max(min(line[1] - extent, line[1] - line[0]), 0)
    low, high = sight.inside(layer, axis)
    if line is not None and low <= output <= high:  # no border is met on any way
        return Seen(line[0], line[1] - 1, 0, 0)
    spans = sight.spans(layer, axis)
    if spans is not None:
        at = output if len(spans.first) > 1 else 0
        first, last = spans.first[at], spans.last[at]
        if last < 0:
            return Seen(None, None, before, behind)
        return Seen(first, last, before, behind, spans.exact)
    if line is None:
        return Seen(0, extent - 1, None, None, exact=False, counted=False)
    first, last = max(line[0], 0), min(line[1], extent) - 1
    if first > last:
        return Seen(None, None, before, behind)
    return Seen(first, last, before, behind, exact=False, counted=False)


def _is_sure(field: Field) -> bool:
    """Whether what each output sees of an endless line is known, and is no average or bound."""
    whole = isinstance(field.jump, int) and isinstance(field.start, int)
    return field.exact and not field.whole and (bool(field.phases) or (whole and not field.counted))


def _is_there(plan: Plan, number: int, position: Sequence[int]) -> bool:
    """Whether an output is no other input's, of those that stand one behind the other."""
    joined = plan.positions
    if not isinstance(joined, Joined):
        return True
    window, size = joined.windows[number], plan.output.spatial[joined.axis]
    return window.before <= position[joined.axis] < size - window.after


def _read(plan: Plan, number: int, size: int, axis: int, output: int) -> Seen:
    """What an output reads along an axis of one of the inputs that the layer reads."""
    windows = plan.seen(number)
    if not windows:
        at = output if size > 1 or plan.output.spatial[axis] == 1 else 0
        return Seen(at, at, 0, 0)
    first, step, hits = met(windows[axis], output)
    values = values_under(windows[axis], output, 0, size)
    before = (values.start - first) // step
    behind = hits - before - len(values)
    if not values:
        return Seen(None, None, before, behind)
    return Seen(values[0], values[-1], before, behind)


# The mode `--at`


def at_page(network: Network, layers: Sequence[int], at: Sequence[int]) -> Page:
    """The page of what an output position sees."""
    (layer,) = layers
    seen = region(network, layer, at)
    lines = LINE_NAMES[len(at)]
    where = ", ".join(f"{name} {value}" for name, value in zip(lines, at, strict=True))
    sections = []
    named = network.named_inputs
    for name, axes in seen.images.items():
        image = network.shape_of(named[name])
        title = "Of the network's input" if len(named) == 1 else f"Of the input {name}"
        extents = image.spatial if image is not None else ()
        sections.append(Section(title, (_table(axes, extents), *_notes(axes))))
    read_by = {network.nodes[index].name: index for _, index in _read_by(network.nodes[layer])}
    for name, axes in seen.inputs:  # without those that have no positions
        index = read_by[name]
        shape = network.shape_of(index)
        that = index in network.inputs and len(seen.images) == 1
        title = "Of what it reads, which is that input" if that else f"Of {name}, which it reads"
        sections.append(Section(title, (_table(axes, shape.spatial if shape else ()),)))
    title = f"What {seen.layer} sees at {where}, of {network.name}"
    return Page(title, tuple(sections), _region_data(network, seen))


def _table(axes: Sequence[Seen], extents: Sequence[int]) -> Table:
    names, lines = AXIS_NAMES[len(axes)], LINE_NAMES[len(axes)]
    rows = []
    for name, line, seen, extent in zip(names, lines, axes, extents, strict=True):
        sign = "" if seen.exact else "≤ "
        what = f"{line}s" if seen.size != 1 else line
        nothing = "nothing" if seen.before == seen.behind == 0 else "padding alone"
        stretch = nothing if seen.first is None else f"{what} {_through(seen)}"
        padding = ("?" if side is None else str(side) for side in (seen.before, seen.behind))
        rows.append((name, sign + stretch, f"{seen.size} of {extent}", *padding))
    head = ("axis", "sees", "values", "padding before", "behind")
    return Table(head, tuple(rows), frozenset({2, 3, 4}))


def _through(seen: Seen) -> str:
    return str(seen.first) if seen.first == seen.last else f"{seen.first} to {seen.last}"


def _notes(axes: Sequence[Seen]) -> Iterator[Part]:
    if not all(seen.counted for seen in axes):
        yield "≤: no more than this, as it takes too long to count."
    if any(seen.counted and not seen.exact for seen in axes):
        yield "≤: no more than this: not all positions on the way see alike along this axis."
    if any(seen.before is None for seen in axes):
        yield "?: outputs or paths do not see as far as others, so the padding is not one number."


def _region_data(network: Network, seen: Region) -> dict[str, Any]:
    def values(axes: Sequence[Seen]) -> list[dict[str, Any]]:
        return [{**each._asdict(), "size": each.size} for each in axes]

    return {
        "schema": SCHEMA,
        "mode": "at",
        "name": network.name,
        "spec": network.path,
        "layer": seen.layer,
        "position": list(seen.position),
        "image": values(seen.image),
        "inputs": [{"layer": name, "axes": values(axes)} for name, axes in seen.inputs],
        "images": [{"input": name, "axes": values(axes)} for name, axes in seen.images.items()],
    }


# The mode `--reaches`


class _Answers(NamedTuple):
    """What a position of one of the inputs reaches in the layers asked about."""

    input: str
    """Full name of the input."""
    rows: tuple[tuple[str, ...], ...]
    """The table's, one a layer."""
    notes: tuple[str, ...]
    """What stands below them."""
    data: tuple[dict[str, Any], ...]
    """The layers in JSON."""
    unknown: tuple[str, ...]
    """The layers of which an error keeps that unknown."""


def reaches_page(
    network: Network, layers: Sequence[int], reaches: tuple[str, Sequence[int]]
) -> Page:
    """The page of what a position of the image reaches in layers.

    `reaches` has the name of the input that the position is of; "" is each that has it.
    """
    if network.input is None or (layers and not any(network.plans[index] for index in layers)):
        network = planned(network)  # which tells the errors that keep them unknown
    of, position = reaches
    sources, without = _sources(network, of, position)
    answers = [_answers(network, layers, source, position) for source in sources]
    lines = LINE_NAMES[len(position)]
    where = ", ".join(f"{name} {value}" for name, value in zip(lines, position, strict=True))
    head = ("layer", *(f"{line}s" for line in lines), "outputs")
    several = len(network.inputs) > 1
    sections = []
    for each in answers:
        table = Table(head, each.rows, frozenset({len(head) - 1}))
        title = f"Of the input {each.input}" if len(answers) > 1 else ""
        sections.append(Section(title, (table, *each.notes)))
    if without:
        sections.append(Section("", (f"There is no such position in {listed(without)}.",)))
    what = f"the input {answers[0].input}" if several and len(answers) == 1 else "the input"
    if len(answers) > 1:
        what = f"{len(answers)} inputs"
    first = answers[0]
    return Page(
        f"What {where} of {what} of {network.name} reaches",
        tuple(sections),
        {
            "schema": SCHEMA,
            "mode": "reaches",
            "name": network.name,
            "spec": network.path,
            "position": list(position),
            "input": first.input,
            "layers": list(first.data),
            "unknown": list(first.unknown),
            "inputs": [
                {"input": each.input, "layers": list(each.data), "unknown": list(each.unknown)}
                for each in answers
            ],
        },
    )


def _sources(
    network: Network, of: str, position: Sequence[int]
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The inputs that a position is of, and the names of those that have none such.

    Raises `ArgumentError` for an input or a position that there is not.
    """
    named = network.named_inputs
    if of and of not in named:
        are = f"is {listed(named)}" if len(named) == 1 else f"are {listed(named)}"
        message = f"there is no input {of!r}: the network's {are}"
        raise ArgumentError(message)
    asked = [of] if of else [*named]
    if all(network.shape_of(named[name]) is None for name in asked):
        planned(network)  # which tells the error that keeps them unknown
    refused: dict[str, ArgumentError] = {}
    for name in asked:
        shape = network.shape_of(named[name])
        what = "the network's input" if len(named) == 1 else f"the input {name}"
        try:
            _check(position, shape.spatial if shape is not None else (), f"{what}, which is")
        except ArgumentError as error:
            refused[name] = error
    if len(refused) == len(asked):
        raise next(iter(refused.values()))
    return tuple(named[name] for name in asked if name not in refused), (*refused,)


def _answers(
    network: Network, layers: Sequence[int], source: int, position: Sequence[int]
) -> _Answers:
    """What a position of an input reaches."""
    every = reached(network, position, source)
    rows: list[tuple[str, ...]] = []
    notes: list[str] = []
    unknown: list[str] = []
    data = []
    for index in layers:
        outputs, shape = every[index], network.shape_of(index)
        name = network.nodes[index].name
        if outputs is None or shape is None:
            unknown.append(name)
            continue
        rows.append((name, *_reached_cells(outputs, len(position)), _amount(outputs, shape)))
        data.append(_reached_data(name, outputs))
        notes += _reached_notes(name, outputs)
    lost = [row[0] for row in rows if row[-1] == ALL_MAY]
    if lost:
        notes.append(
            f"No output of {listed(lost)} has a position in the image: all may be reached."
        )
    if unknown:
        notes.append(f"Of {listed(unknown)} nothing is known: an error keeps it so.")
    name = network.nodes[source].name
    return _Answers(name, tuple(rows), tuple(notes), tuple(data), tuple(unknown))


def _reached_cells(outputs: Reached, rank: int) -> Iterator[str]:
    for axis in range(rank):
        if not outputs.blocks:
            yield "none"
        elif outputs.lost:
            yield "–"
        else:
            yield ("" if outputs.exact else "≤ ") + stretches_text(outputs.along(axis))


def stretches_text(stretches: Sequence[tuple[int, int]]) -> str:
    """Stretches of positions as a table has them, their last ones included.

    >>> stretches_text([(0, 3), (4, 5)])
    '0 to 2, 4'
    """
    texts = [
        str(start) if end == start + 1 else f"{start} to {end - 1}" for start, end in stretches
    ]
    steps = {after[0] - before[0] for before, after in pairwise(stretches)}
    if len(texts) <= LISTED:
        return ", ".join(texts)
    if len(steps) == 1 and len({end - start for start, end in stretches}) == 1:
        return f"{texts[0]}, {texts[1]}, …, {texts[-1]}"
    return f"{', '.join(texts[:3])}, … ({len(texts) - 4} more), {texts[-1]}"


def _amount(outputs: Reached, shape: Shape) -> str:
    if outputs.lost:
        return ALL_MAY if outputs.blocks else "0"
    total = prod(shape.spatial)
    count = "–" if outputs.number is None else f"{outputs.number:,}"
    return f"{count} of {total:,}"


def _reached_notes(name: str, outputs: Reached) -> Iterator[str]:
    if not outputs.is_product:
        yield (
            f"{name}: not every combination of these is reached, but the union of "
            f"{len(outputs.blocks)} products, as paths reach different ones."
        )
    if not outputs.exact:
        yield f"{name}: no others than these are reached; working out which takes too long."


def _reached_data(name: str, outputs: Reached) -> dict[str, Any]:
    return {
        "layer": name,
        "reached": bool(outputs.blocks),
        "lost": outputs.lost,
        "exact": outputs.exact,
        "blocks": [
            [[[start, end - 1] for start, end in axis] for axis in block]
            for block in outputs.blocks
            if not outputs.lost
        ],
    }
