"""The receptive field of a layer as the recurrence from those before: size, stride and padding.

The recurrence is `Field.through`, run on numbers that remember.
"""

from collections.abc import Sequence

from convcalc.analysis.receptive_field import Fields, Sight, receptive_fields
from convcalc.explanation.figure import LISTED, Figure, Group, listed, reasoned
from convcalc.graph import Network
from convcalc.layers.base import Plan
from convcalc.layers.sliding import AXIS_NAMES
from convcalc.reasons import named
from convcalc.window import Field, Window

TITLE = "Receptive field"
COUNTED = "counted, because not all outputs see alike"
BOUND = "at most, because not all outputs see alike"


class Seen:
    """What all layers of a network see of its inputs, and the reasons."""

    def __init__(self, network: Network) -> None:
        self.by_input = {
            name: _SeenOfOne(network, source) for name, source in network.named_inputs.items()
        }

    def of(self, index: int, explained: Plan) -> tuple[Group, ...]:
        """The receptive field of a layer in every input that it sees.

        `explained` is its plan on numbers that remember.
        """
        if len(self.by_input) == 1:
            return tuple(one.of(index, explained) for one in self.by_input.values())
        return tuple(
            one.of(index, explained)._replace(title=f"{TITLE} in {name}")
            for name, one in self.by_input.items()
            if index not in one.sight.unseen
        )


class _SeenOfOne:
    """What all layers of a network see of one input."""

    def __init__(self, network: Network, source: int) -> None:
        self.network = network
        self.sight = Sight(network, (source,))
        known = network.shape_of(source) is not None
        seen = [*receptive_fields(network, self.sight)] if known else []
        self.reported: list[Fields | None] = [fields for fields, _ in seen]
        self.aligned = [aligned for _, aligned in seen]
        self.by_formula = self.sight.fields

    def of(self, index: int, explained: Plan) -> Group:
        """The receptive field of a layer; `explained` is its plan on numbers that remember."""
        node = self.network.nodes[index]
        fields = self.reported[index]
        if fields is None:
            return Group(TITLE, (), ("Its outputs have no position in the network's input.",))
        if not fields:
            return Group(TITLE, (), ("The network's input has no positions.",))
        if not node.inputs:
            return Group(TITLE, self._figures(fields, [None] * len(fields)), ())
        if len(node.inputs) > 1:
            return self._union(index, fields)
        before = node.inputs[0]
        name = self.network.nodes[before].name
        if explained.positions == "kept":
            says = f"Each output sees what its input sees, which is that of {name}."
            return Group(TITLE, self._figures(fields, [None] * len(fields)), (says,))
        reasons: list[Field | None] = [None] * len(fields)
        known = self.by_formula[before]
        if known is not None and explained.windows:
            reasons = [
                _through(field, window, wanted)
                for field, window, wanted in zip(known, explained.windows, fields, strict=False)
            ]
        says_of = (
            (f"r_0, j_0 and p_0 are the size, stride and padding of {name}.",)
            if any(reasons)
            else ()
        )
        return Group(TITLE, self._figures(fields, reasons), says_of)

    def _union(self, index: int, fields: Fields) -> Group:
        """The field of a layer that merges paths: from the first value seen to the last."""
        inputs = self.sight.reads(index)
        paths = [self.by_formula[each] for each in inputs]
        names = [self.network.nodes[each].name for each in inputs]
        says = [
            f"r_{number}, j_{number} and p_{number} are the size, stride and padding of {name}."
            for number, name in enumerate(names, 1)
        ]
        figures: list[Figure] = []
        for axis, wanted in enumerate(fields):
            known = [path[axis] for path in paths if path is not None]
            of_axis = _united(known, wanted) if len(known) == len(paths) <= LISTED else None
            figures += self._titled(axis, fields, of_axis or _plain(wanted))
        if not any(figure.formula for figure in figures):
            says = [f"It is the union of those of {listed(names)}."]
        if not self.aligned[index]:
            says.append("Paths of different strides meet here, and the largest is shown.")
        return Group(TITLE, _once(figures, len(fields)), tuple(says))

    def _figures(self, fields: Fields, reasons: Sequence[Field | None]) -> tuple[Figure, ...]:
        figures: list[Figure] = []
        for axis, (field, reason) in enumerate(zip(fields, reasons, strict=True)):
            of_axis = _plain(field) if reason is None else _reasoned(reason)
            figures += self._titled(axis, fields, of_axis)
        return _once(figures, len(fields))

    def _titled(self, axis: int, fields: Fields, figures: Sequence[Figure]) -> list[Figure]:
        """The figures of an axis with its name, where there are several."""
        if len(fields) == 1:
            return [*figures]
        name = AXIS_NAMES[len(fields)][axis]
        return [each._replace(of=f"{name}: {each.of}") for each in figures]


def _once(figures: Sequence[Figure], axes: int) -> tuple[Figure, ...]:
    """The figures of one axis for all of them, where these are alike."""
    each = len(figures) // axes
    plain = [figure._replace(of=figure.of.rpartition(": ")[2]) for figure in figures]
    parts = [plain[start : start + each] for start in range(0, len(plain), each)]
    alike = all(part == parts[0] for part in parts)
    return tuple(parts[0]) if alike else tuple(figures)


def _plain(field: Field) -> list[Figure]:
    """The figures of a field without a formula."""
    note = "" if not (field.counted or field.whole) else COUNTED if field.exact else BOUND
    return [
        reasoned("size", field.size, note=note),
        reasoned("stride", field.stride),
        reasoned("padding", field.padding),
    ]


def _reasoned(field: Field) -> list[Figure]:
    return [
        reasoned("size", field.size),
        reasoned("stride", field.jump),
        reasoned("padding", -field.start),
    ]


def _is_simple(field: Field) -> bool:
    """Whether a field is three whole numbers that say all of it."""
    whole = isinstance(field.jump, int) and isinstance(field.start, int)
    return (
        whole and not (field.phases or field.counted or field.whole) and field.size > 0 < field.jump
    )


def _lettered(field: Field, number: int) -> Field:
    """A field on letters with a number."""
    padding: int = named(-int(field.start), f"p_{number}")
    return Field(named(field.size, f"r_{number}"), named(int(field.jump), f"j_{number}"), -padding)


def _through(before: Field, window: Window, wanted: Field) -> Field | None:
    """The field after a layer on letters; None where that is no line of whole steps."""
    if not _is_simple(before) or window.up != 1:
        return None
    after = _lettered(before, 0).through(window)
    return after if after[:3] == wanted[:3] else None


def _united(paths: Sequence[Field], wanted: Field) -> list[Figure] | None:
    """The union of fields of one stride, as the formula of `Field.union`; None of any other."""
    if not all(map(_is_simple, paths)) or len({field.jump for field in paths}) > 1:
        return None
    ends = [int(field.size + field.start) for field in paths]
    paddings = [-int(field.start) for field in paths]
    size, padding = max(ends) + max(paddings), max(paddings)
    if (size, paths[0].jump, -padding) != wanted[:3]:
        return None
    numbers = range(1, len(paths) + 1)
    letters = (
        "max(" + ", ".join(f"r_{number} − p_{number}" for number in numbers) + ")",
        "max(" + ", ".join(f"p_{number}" for number in numbers) + ")",
    )
    filled = (
        "max(" + ", ".join(f"{field.size} − {_signed(-int(field.start))}" for field in paths) + ")",
        "max(" + ", ".join(_signed(each) for each in paddings) + ")",
    )
    return [
        Figure("size", " + ".join(letters), " + ".join(filled), size),
        Figure("stride", "j_1", str(paths[0].jump), int(paths[0].jump)),
        Figure("padding", letters[1], filled[1], padding),
    ]


def _signed(number: int) -> str:
    return str(number) if number >= 0 else f"(−{-number})"
