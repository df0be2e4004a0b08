"""The shapes that a network is given: the spec's or from outside, and whether they are meant so."""

from collections.abc import Mapping, Sequence

from convcalc.diagnostics import Fix, Named, Problem, write_value
from convcalc.layers import kinds
from convcalc.layers.base import declarations
from convcalc.shape import Shape
from convcalc.spec.fields import FieldReader
from convcalc.spec.flat import LayerNode
from convcalc.spec.names import Reporter
from convcalc.spec.nodes import List, Map, Node, ScalarNode
from convcalc.spec.tree import Spec
from convcalc.spec.values import FieldError, Scope, misnamed, read_shape

SLIDING = kinds(having="slides")
"""Kinds that make of a sequence something else than of an image."""
RESHAPING = kinds("view")
"""Kinds that make other axes of what they get."""
IMAGE = 2
"""Axes of an image."""
MOST_COLOURS = 4
"""Channels that an image from a camera has at most."""


def inputs_of(
    report: Reporter,
    reader: FieldReader,
    root: Spec,
    node: Node | None,
    outside: Shape | Mapping[str, Shape] | None,
) -> "Sequence[Given]":
    """The inputs that a spec's `input` says, each with what stands for it from outside."""
    if isinstance(node, Map) or isinstance(outside, dict):
        from convcalc.spec.sources import sources  # which few specs have

        return sources(report, reader, root, node, outside)
    shape = outside if isinstance(outside, Shape) else None
    return [Given(report, reader, root, shape, node)]


class Given:
    """An input of a spec."""

    def __init__(
        self,
        report: Reporter,
        reader: FieldReader,
        root: Spec,
        input_shape: Shape | None,
        node: Node | None,
        name: str = "",
    ) -> None:
        self.report = report
        self.reader = reader
        self.root = root
        self.input_shape = input_shape
        """The shape from outside, which stands for the spec's own."""
        self.node = node
        """Where the spec says its shape; None where it does not."""
        self.name = name
        """What the spec calls it; empty where it has one input and no name for it."""
        self.refused = False
        """Whether what stands for it from outside was refused already."""

    @property
    def at(self) -> Node:
        """Where it is said, or what misses it."""
        return self.node or self.root

    @property
    def made_of_names(self) -> bool:
        """Whether it comes from outside, and the spec's own may be made of parameters."""
        node = self.node
        items = node.items if isinstance(node, List) else (node,)
        return self.input_shape is not None and any(
            isinstance(item, ScalarNode) and any(map(str.isalpha, item.text.replace("x", "")))
            for item in items
        )

    def read(self, scope: Scope) -> Shape | None:
        """The shape of one example; None, and a finding, where it cannot be read."""
        node = self.node
        if self.refused:
            return None
        if self.input_shape is not None:
            own = self.own_input(node, scope)
            if own is not None and own.rank != self.input_shape.rank:
                self.refuse_rank(self.input_shape, own, self.at)
                return None
            if own is not None and _turned(self.input_shape, own):
                self.refuse_turned(self.input_shape, own, self.at)
                return None
            return self.input_shape
        if node is None:
            from convcalc.spec.expand import TOP_LEVEL  # which imports this

            if not misnamed("input", TOP_LEVEL, self.root):
                self.report.findings.report(
                    "CC115",
                    "there is no `input`",
                    self.root.start,
                    self.root.start + 1,
                    "add the shape of one example: `input: 224x224x3` (height × width × channels)",
                )
            return None
        try:
            return read_shape(node, scope)
        except FieldError as error:
            self.reader.report(error, field=f"input.{self.name}" if self.name else "input")
            return None

    def asked_about(self, shape: Shape, nodes: Sequence[LayerNode]) -> Shape | None:
        """The input, unless the layers show that its axes are not what it says; else a warning.

        `nodes` are those that lie behind it alone. Where some come from elsewhere, nobody wrote it.
        """
        asked = looks_channels_first(shape) or (not self.input_shape and looks_batched(shape))
        layer, field, sizes = _sizes_by_axis(nodes)
        axes = len(sizes)
        wrong = axes == shape.rank + 1 > 1 or (asked and axes == shape.rank - 1 > 0)
        alone = not self.input_shape and looks_without_channels(shape)
        doubtful = asked or (alone and any(each.kind in SLIDING for each in nodes))
        if not (wrong or doubtful) or (not self.input_shape and any(each.origin for each in nodes)):
            return shape
        if wrong:
            evidence = f"{field} {'x'.join(map(str, sizes))} of {layer}"
            self.refuse_axes(shape, self.at, evidence, axes)
            return None
        self.warn_channels_first(shape, self.at)
        return shape

    def refuse_axes(self, shape: Shape, node: Node, evidence: str, axes: int) -> None:
        """Say that the layers are written for other axes than the input has."""
        given, right = (*shape.spatial, shape.channels), ""
        if axes > shape.rank:
            advice = f"an image has its channels behind: write {_written(Shape(1, given))}"
            if axes != IMAGE:
                advice = f"channels stand behind: write {_written(Shape(1, given))}"
            advice += " if it has one"
        elif given[-1] <= MOST_COLOURS:
            right = "x".join(map(str, given[1:]))
            advice = f"write {right}, without the batch"
        else:
            right = _written(Shape(given[1], given[2:]))
            advice = f"write {right}, without the batch"
        self.report.error(
            "CC119",
            f"input {self.called}{_written(shape)} has {shape.rank} spatial {_axes(shape.rank)}, "
            f"and {evidence} is for {axes}",
            node,
            advice,
            fix=self.written_input(right),
        )

    @property
    def called(self) -> str:
        """What stands before its shape in a message: its name, where it has one."""
        return f"{self.name} " if self.name else ""

    @property
    def option(self) -> str:
        """How it is given from outside, up to its shape."""
        return f"--input {self.name}=" if self.name else "--input "

    def written_input(self, right: str) -> Fix | None:
        """The fix of an input that can only mean another, if it is the spec's own."""
        return write_value(right) if right and self.input_shape is None else None

    @staticmethod
    def own_input(node: Node | None, scope: Scope) -> Shape | None:
        """The spec's own input, where it has one that can be read."""
        try:
            return None if node is None else read_shape(node, scope)
        except FieldError:
            return None

    def outside(self, code: str, message: str, own: Node, advice: str) -> None:
        """Report what is wrong with an input from outside, beside the spec's own."""
        related = ((self.report.place_of(own), "the spec's own"),)
        problem = Problem(code, message, "input", advice, related=related)
        self.report.findings.add(problem, Named("--input"))

    def refuse_rank(self, given: Shape, own: Shape, node: Node) -> None:
        """Say that an input from outside has other axes than the spec's own."""
        right = of_rank(given, own)
        self.outside(
            "CC108",
            f"input {self.option}{_written(given)} has {given.rank} spatial {_axes(given.rank)}, "
            f"and the spec's own {_written(own)} has {own.rank}",
            node,
            f"write {self.option}{_written(right)}"
            if right
            else "write as many numbers as the spec does: height × width × channels",
        )

    def refuse_turned(self, given: Shape, own: Shape, node: Node) -> None:
        """Say that an input from outside has the spec's channels in front."""
        self.outside(
            "CC108",
            f"input {self.option}{_written(given)} has {given.channels} channels, and the spec's "
            f"own {_written(own)} has {own.channels}, which stand in front here",
            node,
            f"write {self.option}"
            f"{_written(Shape(own.channels, (*given.spatial[1:], given.channels)))}",
        )

    def warn_channels_first(self, shape: Shape, node: Node) -> None:
        """Warn of a shape whose axes are probably meant in another order."""
        written = _written(shape)
        first, *rest = (*shape.spatial, shape.channels)
        along = ("", "length", "height", "depth")[shape.rank]
        what = f"a {along} of {first} and {shape.channels} channels"
        right = ""
        advice = "shapes are height × width × channels: write "
        if shape.rank == 1 and first == shape.channels:
            what = f"a sequence of {first} positions with {first} channels"
            advice = f"an image has its channels behind: write {first}x{first}x1 if it is grey"
        elif shape.rank == 3 and rest[-1] <= 4:
            right = _written(Shape(rest[2], (rest[0], rest[1])))
            advice += f"{right}, without the batch"
        elif shape.rank == 3 and rest[0] in (1, 3, 4):
            right = f"{rest[1]}x{rest[2]}x{rest[0]}"
            advice += f"{right}, without the batch"
        else:
            advice += "x".join(map(str, (*rest, first)))
            advice += f" if it has {first} channel{'' if first == 1 else 's'}"
        where = self.called if self.input_shape is None else self.option
        message, fix = f"input {where}{written} reads as {what}", self.written_input(right)
        self.report.error("CC119", message, node, advice, "warning", fix)


def _sizes_by_axis(nodes: Sequence[LayerNode]) -> tuple[str, str, tuple[int, ...]]:
    """A layer, a field and its sizes, one per axis, where all such agree on how many there are.

    Only layers before the first that makes other axes of what it gets count.
    """
    first: tuple[str, str, tuple[int, ...]] = ("", "", ())
    seen: set[int] = set()
    for name, kind, layer, *_ in nodes:
        if kind in RESHAPING:
            break
        if layer is None or id(layer) in seen:
            continue
        seen.add(id(layer))
        for field, declared in declarations(type(layer)).items():
            sizes = getattr(layer, field) if declared.form == "axes" else None
            if isinstance(sizes, tuple) and first[2] and len(sizes) != len(first[2]):
                return ("", "", ())
            if isinstance(sizes, tuple) and not first[2]:
                first = (name, field, sizes)
    return first


def looks_channels_first(shape: Shape) -> bool:
    """Whether a shape was probably written channels × height × width.

    >>> looks_channels_first(Shape(224, (3, 224)))
    True
    >>> looks_channels_first(Shape(3, (224, 224)))
    False
    """
    if shape.rank == 0:
        return False
    first, rest = shape.spatial[0], (*shape.spatial[1:], shape.channels)
    if shape.rank == 1:
        return rest[0] >= max(100 * first, 1000)
    square = rest[-1] == rest[-2]
    if shape.rank == 3 and square:  # channels, or a batch and channels
        return rest[-1] >= 16 and (first in (1, 3, 4) or rest[0] in (1, 3, 4))
    if shape.rank == 2 and first == 1 and rest[0] >= 8:  # one row of more channels than columns
        return rest[1] >= 2 * rest[0] or (square and rest[1] >= 16)
    if shape.rank == 2 and square:
        return rest[0] > 1 and first != rest[0]
    return first in (3, 4) and min(rest) >= 16


def looks_without_channels(shape: Shape) -> bool:
    """Whether a sequence was probably meant as a grey image: 28x28.

    >>> looks_without_channels(Shape(28, (28,))), looks_without_channels(Shape(100, (128,)))
    (True, False)
    """
    return shape.rank == 1 and shape.spatial[0] == shape.channels >= 8


def looks_batched(shape: Shape) -> bool:
    """Whether a volume of depth 1 is probably an image behind its batch: 1x224x224x3.

    >>> looks_batched(Shape(3, (1, 224, 224))), looks_batched(Shape(3, (16, 112, 112)))
    (True, False)
    """
    return (
        shape.rank == 3
        and shape.spatial[0] == 1
        and shape.channels <= 4
        and min(shape.spatial[1:]) >= 8
    )


def of_rank(given: Shape, own: Shape) -> Shape | None:
    """What an input of other axes than the spec's own was probably meant to be.

    >>> str(of_rank(Shape(320, (320,)), Shape(3, (224, 224))))
    '320×320×3'
    >>> str(of_rank(Shape(320, (1, 3, 320)), Shape(3, (224, 224))))
    '320×320×3'
    """
    axes = (*given.spatial, given.channels)
    if len(axes) == own.rank:  # channels are missing
        return Shape(own.channels, axes)
    if len(axes) == 1 and own.rank:
        return Shape(own.channels, axes * own.rank)
    if len(axes) == own.rank + 2:  # a batch is in front
        if axes[-1] == own.channels:
            return Shape(axes[-1], axes[1:-1])
        if axes[1] == own.channels:
            return Shape(axes[1], axes[2:])
    return None


def _turned(given: Shape, own: Shape) -> bool:
    """Whether the channels of the spec's own input stand in front, and others behind."""
    front = bool(given.spatial) and given.spatial[0] == own.channels
    return front and given.channels != own.channels and looks_channels_first(given)


def _axes(count: int) -> str:
    return "axis" if count == 1 else "axes"


def _written(shape: Shape) -> str:
    return "x".join(map(str, (*shape.spatial, shape.channels)))
