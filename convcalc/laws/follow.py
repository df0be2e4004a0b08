"""One axis of the input, or one parameter, followed through the layers: which sizes go through.

An extent on the way is a number, a form of one axis of the input, or made of several. What a layer
asks of it is kept as a condition on the input's size. Nothing is enumerated, and what follows no
rule is said to be not known.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from math import prod
from typing import Any, NamedTuple

from convcalc.diagnostics import Problem
from convcalc.graph import MAX_RANK, LayerNode
from convcalc.laws.asked import (
    BORDER,
    REMAINDERS,
    Along,
    Asked,
    Extent,
    Imposed,
    Meant,
    Mixed,
    SplitError,
    UnknownError,
    variables_in,
)
from convcalc.laws.extents import at_most
from convcalc.laws.forms import IDENTITY
from convcalc.laws.linear import linear
from convcalc.laws.sets import (
    ALL,
    Sizes,
    TooManyError,
    least_of,
    within,
)
from convcalc.laws.steps import (
    LARGE,
    Answer,
    NotKnownError,
    Step,
    WrongError,
    answer,
    refuse,
    step_along,
)
from convcalc.layers import (
    PLACED_BY_PLAN,
    READING_NOTHING,
    SOURCES,
    UNPOOL,
    Layer,
    keeps_places,
    kinds,
    layer_class,
    weights_fit,
)
from convcalc.layers.base import AXIS_WORDS, Weight, declarations
from convcalc.layers.rearrange import Reshape
from convcalc.layers.sliding import UNBOUNDED, per_axis
from convcalc.shape import Shape
from convcalc.spec.flat import Late, Like
from convcalc.spec.made_of import names_in
from convcalc.spec.nodes import List, Map, Node, ScalarNode
from convcalc.spec.syntax import parse
from convcalc.spec.values import AS_IT_COMES

CHANNELS = (1, 2, 3, 720_720, 720_721)
"""Numbers of channels that a layer is asked about where they vary with the size."""
EXAMPLE = 2**20
"""The extent of what fields read, where it follows the size."""
MOST_PIECES = 64
"""Most ranges of sizes in which a merge spreads one branch or another."""


Border = tuple[int | None, ...]
"""By spatial axis, how many rows behind a map are a border; None where that hangs on the size."""


class Followed(NamedTuple):
    """What becomes of one variable."""

    variable: int
    """Which of those that the input's extents are along."""
    sizes: Sizes
    """The sizes that every layer takes."""
    whole: Sizes
    """Those of which no layer leaves out a real row."""
    imposed: tuple[Imposed, ...]
    """Which layer asks what, in the order of the layers."""
    outputs: tuple[tuple[Extent, ...], ...]
    """The extents of each output, its channels first; those of the last range of sizes."""
    together: frozenset[int]
    """Other variables that a layer compares or mixes with this one."""
    mixing: tuple[int, ...]
    """The layers that do."""
    unknown: int | None = None
    """The first layer of which nothing is known; then `sizes` is not the answer."""
    why: str = ""
    """Why nothing is known of it, or why `whole` is not worked out, in words."""
    lost: int | None = None
    """The first layer from which on `whole` is not worked out."""
    wrong: tuple[int, Problem | None] | None = None
    """A layer that takes no size, and what it says."""
    weights: tuple[tuple[int, Extent], ...] = ()
    """Layers whose weights are as large as an extent, with that extent."""


SIZED = kinds(having="sized")
"""Kinds whose `size` is how large their map is, whatever comes in."""
Known = dict[tuple[int, int, int], Answer | NotKnownError | WrongError]
"""Layer by its id, channels and rank → what the layer does; kept from one walk to the next."""


def follow(
    nodes: Sequence[LayerNode],
    start: Sequence[Extent],
    variable: int,
    *,
    known: Known | None = None,
    sizes: Sizes = ALL,
    meant: Meant | None = None,
    single: bool = False,
    ends: Sequence[int] = (),
    others: "Mapping[int, Start] | None" = None,
) -> Followed:
    """Follow a variable through a network whose input has the extents `start`, channels first.

    Other inputs that are as large along each axis have these extents, too, and those of other sizes
    stay, unless `others` gives the extents of some; the rest of them stay then. `ends` are the
    layers whose extents are wanted.
    `meant` tells of a merge, by its index, and an axis whether a map that has one row because the
    input is small may be spread there; all may unless it is given. With `single`, a layer is not
    asked whether it takes a map of a single position, which hangs on all axes at once.
    """
    known = {} if known is None else known
    ranges = [sizes]
    done: list[Followed] = []
    while ranges:
        walk = _Walk(nodes, start, variable, ranges.pop(), known, meant)
        walk.single, walk.others, walk.ends = single, others, ends
        try:
            done.append(walk.walked())
        except SplitError as split:
            if len(done) + len(ranges) > MOST_PIECES:
                return walk.given_up("its merges spread their branches in too many ways")
            ranges += [
                within(walk.start_sizes, split.size),
                within(walk.start_sizes, 0, split.size - 1),
            ]
    return _joined(done)


def _joined(done: Sequence[Followed]) -> Followed:
    """Several ranges of sizes, each followed by itself, as one."""
    *_, last = done
    if len(done) == 1:
        return last
    unknown = next((each for each in done if each.unknown is not None), None)
    if unknown is not None:
        return unknown
    imposed: dict[Imposed, None] = {}
    for each in done:
        imposed.update(dict.fromkeys(each.imposed))
    return last._replace(
        sizes=tuple(stretch for each in done for stretch in each.sizes),
        whole=tuple(stretch for each in done for stretch in each.whole),
        imposed=tuple(sorted(imposed, key=lambda each: each.layer)),
        together=frozenset().union(*(each.together for each in done)),
        mixing=tuple(dict.fromkeys(index for each in done for index in each.mixing)),
        lost=next((each.lost for each in done if each.lost is not None), None),
        why=next((each.why for each in done if each.lost is not None), ""),
        wrong=next((each.wrong for each in done), None)
        if all(each.wrong for each in done)
        else None,
        weights=tuple(dict.fromkeys(pair for each in done for pair in each.weights)),
    )


class _Walk(Asked):
    """One variable on its way through the layers, within one range of sizes."""

    def __init__(
        self,
        nodes: Sequence[LayerNode],
        start: Sequence[Extent],
        variable: int,
        sizes: Sizes,
        known: Known,
        meant: Meant | None,
    ) -> None:
        super().__init__(variable, sizes, meant)
        self.nodes = nodes
        self.start = tuple(start)
        self.known = known
        self.single = False
        self.others: Mapping[int, Start] | None = None
        self.ends: Sequence[int] = ()
        self.weights: list[tuple[int, Extent]] = []
        self.learned: dict[int, tuple[tuple[Weight, ...], tuple[Extent, ...]]] = {}
        self.axes: list[tuple[Extent, ...]] = []
        self.borders: list[Border] = []

    def given_up(self, why: str) -> Followed:
        """What there is when a layer is not followed."""
        return self._result()._replace(unknown=self.at, why=why)

    def walked(self) -> Followed:
        """Follow it to the end."""
        for at, node in enumerate(self.nodes):
            self.at = at
            try:
                axes, border = self._node(node)
            except NotKnownError:
                return self.given_up("what it does to an axis follows no rule")
            except UnknownError as error:
                return self.given_up(error.why)
            except TooManyError:
                return self.given_up(REMAINDERS)
            except WrongError as error:
                return self._result()._replace(sizes=(), whole=(), wrong=(self.at, error.problem))
            self.axes.append(axes)
            self.borders.append(border)
        return self._result()

    def _result(self) -> Followed:
        return Followed(
            variable=self.variable,
            sizes=self.sizes,
            whole=self.whole,
            imposed=tuple(self.imposed),
            outputs=tuple(self.axes[end] for end in self.ends if end < len(self.axes)),
            together=frozenset(self.together),
            mixing=tuple(dict.fromkeys(self.mixing)),
            lost=self.lost,
            why=self.why,
            weights=tuple(self.weights),
        )

    @staticmethod
    def _concrete(axes: Sequence[Extent]) -> Shape:
        sizes = [each if isinstance(each, int) else LARGE for each in axes]
        return Shape(sizes[0], tuple(sizes[1:]))

    def _layer(self, node: LayerNode) -> Layer:
        if node.late is None:
            if node.layer is None:
                raise UnknownError("an error keeps it unknown")
            return node.layer
        x = self.axes[node.inputs[0]]
        shape = self._concrete(x)
        reads = node.late.reads(shape, node.name)
        for word, extent in zip(AXIS_WORDS[len(x) - 1], x, strict=True):
            if f"incoming.{word}" in reads and not isinstance(extent, int):
                what = (
                    "channels that follow" if word == "channels" else f"the {word}, which follows"
                )
                raise UnknownError(f"its fields read {what} the size")
        layer = node.late.layer(shape, node.name, None)
        if layer is None:
            raise UnknownError("an error keeps it unknown")
        return layer

    def _node(self, node: LayerNode) -> tuple[tuple[Extent, ...], Border]:
        """The extents of a layer's output, and how many rows behind are a border."""
        if node.kind in SOURCES:
            axes = self._source(node)
            return axes, (0,) * (len(axes) - 1)
        if node.unknown:
            raise UnknownError("an error keeps what it reads unknown")
        if node.kind == UNPOOL:
            return self._undone(node)
        if node.like is not None:
            return self._following(node, self.axes[node.inputs[0]], self.axes[node.like])
        if node.late is not None and node.kind in SIZED:
            read = self._sized(node, node.late, self.axes[node.inputs[0]])
            if read is not None:
                return read, (0,) * (len(read) - 1)
        if node.late is not None and len(node.inputs) == 1:
            apart = self._apart(node, node.late, self.axes[node.inputs[0]])
            if apart is not None:
                return apart
        layer = self._layer(node)
        before = [self.axes[read] for read in node.inputs]
        if len(before) > 1:
            axes = self._merged(layer, before)
            return axes, (0,) * (len(axes) - 1)
        border = self.borders[node.inputs[0]]
        axes, added = self._single(node, layer, before[0], border)
        by_plan = node.kind in PLACED_BY_PLAN
        plan = layer.plan([self._concrete(before[0])]) if by_plan else None
        if keeps_places(node.kind, plan):
            added = border
        elif node.kind != "pad" or len(added) != len(axes) - 1:
            added = (0,) * (len(axes) - 1)
        if len(axes) - 1 > MAX_RANK:
            raise WrongError
        return axes, added

    def _source(self, node: LayerNode) -> tuple[Extent, ...]:
        """The extents of an input, or of what reads nothing either."""
        if self.at == 0:
            return self.start
        first, own = self.nodes[0].layer, node.layer
        if own is None or first is None:
            raise UnknownError("an error keeps it unknown")
        shape = own.plan(()).output
        stays: tuple[Extent, ...] = (shape.channels, *shape.spatial)
        if self.others is not None:
            return self.others.get(self.at, stays)
        if node.kind != "input" or shape.spatial != first.plan(()).output.spatial:
            return stays
        return (shape.channels, *self.start[1:])

    def _sized(
        self, node: LayerNode, late: Late, x: tuple[Extent, ...]
    ) -> tuple[Extent, ...] | None:
        """The extents of a map whose size is worked out from what comes in.

        None where its fields read none of the size that is followed, or more than the size alone.
        """
        rank = len(x) - 1
        channels, *spatial = (each if isinstance(each, int) else EXAMPLE for each in x)
        shape = Shape(channels, tuple(spatial))
        following = {
            f"incoming.{word}"
            for word, extent in zip(AXIS_WORDS[rank], x, strict=True)
            if not isinstance(extent, int)
        }
        if following.isdisjoint(late.reads(shape, node.name)):
            return None
        given = late.written
        first = next(iter(declarations(layer_class(node.kind))))
        fields = dict(given.entries) if isinstance(given, Map) else {first: given}
        size = fields.pop("size", None)
        items = size.items if isinstance(size, List) else () if size is None else (size,) * rank
        beside = set().union(*map(names_in, fields.values()))
        if len(items) != rank or beside & following:
            return None
        known: Any = late.layer(shape, node.name, None)
        if known is None:  # beyond what a field holds, of a product say
            return None
        refuse(known.replace(size=1) if node.kind == "crop" else known, shape)
        extents: list[Extent] = []
        for axis, item in enumerate(items):
            if isinstance(item, ScalarNode) and item.text == AS_IT_COMES:
                extents.append(x[axis + 1])
                continue
            names = names_in(item)
            if names.isdisjoint(following):
                extents.append(per_axis(known.size, rank)[axis])
                continue
            form = linear(parse(item.text)) if isinstance(item, ScalarNode) else None
            if form is None or len(names) > 1:
                return None
            (name,) = names
            of = x[AXIS_WORDS[rank].index(name.partition(".")[2])]
            if not isinstance(of, Along):
                return None
            made = of.form.then(*form.steps[0]) if form.steps else of.form
            for step in form.steps[1:]:
                made = made.then(*step)
            if of.variable == self.variable:
                self._at_least(made, 1)
            extents.append(Along(of.variable, made))
        if node.kind == "crop":
            offsets = per_axis(known.offset or 0, rank)
            for extent, own, before in zip(extents, x[1:], offsets, strict=True):
                self._inside(extent, own, before)
        return (x[0], *extents)

    def _apart(
        self, node: LayerNode, late: Late, x: tuple[Extent, ...]
    ) -> tuple[tuple[Extent, ...], Border] | None:
        """The extents of a layer whose fields read none that follow this variable, but others.

        What it does to an axis is asked at several extents of those that are read: alike at all of
        them, it is the same at any, because the fields are linear in them; else what comes out
        follows the others' variables, and no more is known of it. None where this variable is read,
        or follows what is.
        """
        words = dict(zip(AXIS_WORDS[len(x) - 1], x, strict=True))
        reads = late.reads(self._concrete(x), node.name)
        read = {word for word, each in words.items() if f"incoming.{word}" in reads}
        read = {word for word in read if not isinstance(words[word], int)}
        others = frozenset().union(*(variables_in(words[word]) for word in read))
        channels = x[0]
        if not read or self.variable in others or not isinstance(channels, int):
            return None
        if node.shared_with is not None or not _linear_in(late, read):
            return None
        answers: list[Answer] = []
        for extent in late.extents:
            made = dict(zip(words, self._concrete(x).axes, strict=True))
            made.update(dict.fromkeys(read, extent))
            layer = late.layer(Shape.from_axes(tuple(made.values())), node.name, None)
            if layer is None:
                return None
            answers.append(answer(layer, channels, len(x) - 1))
        first = answers[0]
        if not all(each.single for each in answers) and not self.single:
            self._not_single(x[1:])
        axes: list[Extent] = []
        for axis, along in enumerate(x[1:]):
            step = first.steps[axis]
            if all(each.steps[axis] == step for each in answers):
                axes.append(self._stepped(step, along, self.borders[node.inputs[0]][axis]))
            elif self.variable in variables_in(along):
                return None
            else:
                axes.append(Mixed(("read", self.at, axis), others | variables_in(along)))
        hangs = Mixed(("read", self.at), others)
        if first.weights:
            self.learned[self.at] = first.weights, (hangs,)
        alike = all(each.channels == first.channels for each in answers)
        added = [step.border if node.kind == "pad" else 0 for step in first.steps]
        return (first.channels if alike else hangs, *axes), tuple(added)

    def _following(
        self, node: LayerNode, x: tuple[Extent, ...], like: tuple[Extent, ...]
    ) -> tuple[tuple[Extent, ...], Border]:
        """The extents of a map that is made as large as another one, and the border behind it."""
        rank = len(x) - 1
        if len(like) != len(x):
            raise WrongError
        base, made = self._made_like(node, x, cuts=node.kind == "crop")
        own, other = x[1:], like[1:]
        if getattr(base, "padding_mode", "zero") not in UNBOUNDED and own != other:
            raise UnknownError("how wide its border may be hangs on both maps")
        given: Any = getattr(base, "offset", None)
        border: list[int | None] = [0] * rank
        for axis, before in enumerate(per_axis(given or 0, rank)):
            if node.kind == "crop":
                self._inside(other[axis], own[axis], before)
            else:
                self._inside(own[axis], other[axis], before)
            if node.kind == "pad" and own[axis] != other[axis]:
                border[axis] = self._behind(
                    own[axis], other[axis], None if given is None else before
                )
        more = sum(getattr(made, "channels", (0, 0)))
        return (self._sum([x[0], more]) if more else x[0], *other), tuple(border)

    def _undone(self, node: LayerNode) -> tuple[tuple[Extent, ...], Border]:
        """The extents of what a pool read, where what comes in is as large as what it made."""
        x, pooled = (self.axes[read] for read in node.inputs)
        if node.like is None:
            raise WrongError
        made = self.axes[node.like]
        if len(x) != len(made):
            raise WrongError
        for axis, (one, two) in enumerate(zip(x, made, strict=True)):
            self._met(one, two, axis - 1, spreads=False)
        return pooled, (0,) * (len(pooled) - 1)

    def _made_like(
        self, node: LayerNode, x: tuple[Extent, ...], *, cuts: bool
    ) -> tuple[Layer, Layer]:
        """A layer as its fields say, and made to fit a large map, which it has no error with."""
        channels = x[0] if isinstance(x[0], int) else None
        rank = len(x) - 1
        shape = self._concrete(x)
        if node.late is None:
            raise WrongError
        reads = node.late.reads(shape, node.name)
        for word, extent in zip(AXIS_WORDS[rank], x, strict=True):
            if f"incoming.{word}" in reads and (word != "channels" or not isinstance(extent, int)):
                raise UnknownError("its fields read what follows the size")
        large, half = (Shape(channels or 1, (size,) * rank) for size in (LARGE, LARGE // 2))
        base = node.late.base(large, node.name, None)
        if getattr(base, "padding_mode", "zero") not in UNBOUNDED:
            half = large  # without a border
        incoming, like = (large, half) if cuts else (half, large)
        made = node.late.layer(incoming, node.name, None, Like("", like))
        if base is None or made is None:
            raise WrongError
        refuse(made, incoming)
        return base, made

    def _inside(self, small: Extent, large: Extent, before: int) -> None:
        """Ask that one map lies within another along an axis, from so many rows on."""
        if small == large and not before:
            return
        if isinstance(small, int) and isinstance(large, int):
            if small + before > large:
                raise WrongError
            return
        variables = variables_in(small) | variables_in(large)
        if self.variable not in variables:
            return
        if isinstance(small, Mixed) or isinstance(large, Mixed) or len(variables) > 1:
            self._mixes(variables)
            if len(variables) == 1:
                raise UnknownError("it compares products of the size with itself")
            return
        if isinstance(large, int):
            assert isinstance(small, Along)  # noqa: S101 (for the type checker)
            most = small.form.least(large - before + 1) - 1
            self._ask("within", partial(within, first=0, last=most))
        elif isinstance(small, int):
            self._ask("within", partial(within, first=large.form.least(small + before)))
        else:
            moved = small.form.then(1, before, 1)
            self._ask("within", partial(at_most, moved, large.form))

    @staticmethod
    def _behind(own: Extent, other: Extent, before: int | None) -> int | None:
        """How many rows are put behind a map that is made as large as another; see `Border`."""
        if not isinstance(own, int) or not isinstance(other, int):
            return None
        more = other - own
        return more - (more // 2 if before is None else before)

    def _single(
        self, node: LayerNode, layer: Layer, x: tuple[Extent, ...], border: Border
    ) -> tuple[tuple[Extent, ...], Border]:
        rank = len(x) - 1
        if node.kind in READING_NOTHING:
            return layer.plan([Shape(1)]).output.axes, ()
        if all(isinstance(each, int) for each in x):
            return self._numbers(node, layer, self._concrete(x), border)
        if layer.growth(rank) is None:
            made = layer.made_of(rank)
            if isinstance(layer, Reshape):
                return self._reshaped(layer, x), ()
            if made is None:
                raise NotKnownError
            refuse(layer, self._concrete(x))
            return tuple(self._product([x[axis] for axis in axes]) for axes in made), ()
        channels = x[0]
        if not isinstance(channels, int):
            return self._varying(node, layer, x, border)
        key = id(layer), channels, rank
        known = self.known.get(key)
        if known is None:
            try:
                known = answer(layer, channels, rank)
            except (NotKnownError, WrongError) as error:
                known = error
            self.known[key] = known
        if isinstance(known, Exception):
            raise known
        if not known.single and not self.single:
            self._not_single(x[1:])
        results = [
            self._stepped(step, extent, behind)
            for step, extent, behind in zip(known.steps, x[1:], border, strict=True)
        ]
        hang_on: list[Extent] = []
        for axis, weighs in enumerate(known.weighs):
            if weighs and not isinstance(x[axis + 1], int):
                self.weights.append((self.at, x[axis + 1] if known.inside else results[axis]))
                hang_on.append(self.weights[-1][1])
        self._alike(node, known.weights, hang_on)
        return (known.channels, *results), tuple(step.border for step in known.steps)

    def _not_single(self, extents: Sequence[Extent]) -> None:
        """Ask that not every axis has one position."""
        if any(isinstance(each, int) and each > 1 for each in extents):
            return
        variables = frozenset().union(*map(variables_in, extents))
        own = [
            each.form.least(2)
            for each in extents
            if isinstance(each, Along) and each.variable == self.variable
        ]
        low = least_of(self.sizes)
        if not own or low is None or low >= min(own):
            return
        if len(variables) > 1:
            self._mixes(variables)
        else:
            self._ask("least", partial(within, first=min(own)))

    def _numbers(
        self, node: LayerNode, layer: Layer, shape: Shape, border: Border
    ) -> tuple[tuple[Extent, ...], Border]:
        """The output of a layer whose input has the same shape whatever the size."""
        refuse(layer, shape)
        plan = layer.plan([shape])
        self._alike(node, plan.weights)
        known: Any = layer
        if getattr(known, "rounding", "") == "floor" and known.padding != "same":
            rows = (
                window.dropped(size)
                for window, size in zip(plan.windows, shape.spatial, strict=True)
            )
            both = [*zip(rows, border, strict=True)]
            if any(more is not None and row > more for row, more in both):
                self._ask("remainders", lambda _: (), drops=True)
            elif any(row and more is None for row, more in both):
                self._not_whole(BORDER)
        return plan.output.axes, tuple(max(window.after, 0) for window in plan.windows)

    def _alike(
        self, node: LayerNode, weights: tuple[Weight, ...], hang_on: Sequence[Extent] = ()
    ) -> None:
        """Whether a layer can use the weights of another one, whatever the size.

        `hang_on` are the extents that the weights follow: those of two layers are alike at every
        size where they are made alike of extents that are.
        """
        if not weights:
            return
        self.learned[self.at] = (weights, tuple(hang_on))
        if node.shared_with is None:
            return
        owner, kind = self.learned.get(node.shared_with), self.nodes[node.shared_with].kind
        if owner and owner[1] == tuple(hang_on) and weights_fit(node.kind, weights, kind, owner[0]):
            return
        if owner is None or owner[1] or hang_on:
            raise UnknownError("it shares weights that follow the size")
        raise WrongError

    def _varying(
        self, node: LayerNode, layer: Layer, x: tuple[Extent, ...], border: Border
    ) -> tuple[tuple[Extent, ...], Border]:
        """The output of a layer whose channels follow the size, where it takes any number."""
        rank = len(x) - 1
        shape = self._concrete(x)
        outputs = []
        for channels in CHANNELS:
            other = shape._replace(channels=channels)
            if any(
                problem.severity == "error" and problem.code != "CC301"
                for problem in layer.check([other])
            ):
                raise UnknownError("its channels follow the size")
            outputs.append(layer.plan([other]))
        there = [plan.output.channels for plan in outputs]
        result: Extent
        if len(set(there)) == 1:
            result = there[0]
        elif there == [*CHANNELS]:
            result = x[0]
        else:
            raise UnknownError("its channels follow the size")
        if outputs[0].weights and outputs[0].weights != outputs[1].weights:
            self.weights.append((self.at, x[0]))
            self._alike(node, (*outputs[0].weights, *outputs[1].weights), x)
        else:
            self._alike(node, outputs[0].weights)
        steps = [step_along(layer, CHANNELS[-2], rank, axis) for axis in range(rank)]
        spatial = [
            self._stepped(step, extent, behind)
            for step, extent, behind in zip(steps, x[1:], border, strict=True)
        ]
        return (result, *spatial), tuple(step.border for step in steps)

    def _reshaped(self, layer: Reshape, x: tuple[Extent, ...]) -> tuple[Extent, ...]:
        """The axes of a reshaped tensor, one of which may take what is left."""
        axes = (layer.shape[-1], *layer.shape[:-1])
        if not layer.shape or 0 in axes or axes.count(-1) > 1:
            refuse(layer, self._concrete(x))
        total = self._product(x)
        known = prod(extent for extent in axes if extent != -1)
        rest: Extent
        if isinstance(total, Along):
            if -1 not in axes:
                rest = self._met(total, known, 0, spreads=False)
            else:
                form = total.form
                if total.variable == self.variable:
                    self._remainders(form, Step(1, 0, known), 0)
                    self._at_least(form, known)
                rest = Along(total.variable, form.then(1, 0, known))
        elif isinstance(total, Mixed):
            number = total.parts[1]
            if -1 in axes and isinstance(number, int) and not number % known:
                rest = Mixed(("product", number // known, *total.parts[2:]), total.variables)
            else:
                if self.variable in total.variables:
                    self._mixes(total.variables)
                    if len(total.variables) == 1:
                        raise UnknownError("it takes products of the size with itself")
                rest = Mixed(("rest", self.at), total.variables)
        else:
            raise NotKnownError
        return tuple(rest if extent == -1 else extent for extent in axes)

    def _merged(self, layer: Layer, xs: Sequence[tuple[Extent, ...]]) -> tuple[Extent, ...]:
        """The extents of what merges branches, which have to fit each other."""
        first = xs[0]
        if layer.growth(len(first) - 1) is None:
            if not all(isinstance(each, int) for x in xs for each in x):
                raise NotKnownError
            shapes = [self._concrete(x) for x in xs]
            refuse(layer, *shapes)
            return layer.plan(shapes).output.axes
        if layer.as_first:
            return self._as_first(layer, xs)
        if any(len(x) != len(first) for x in xs):
            raise WrongError(self._said(layer, xs))
        axes: list[Extent] = [*first]
        joined = layer.joins(len(first) - 1)
        try:
            for x in xs[1:]:
                for axis in range(len(first)):
                    if axis != joined:
                        axes[axis] = self._met(axes[axis], x[axis], axis - 1, spreads=layer.spreads)
        except WrongError:
            raise WrongError(self._said(layer, xs)) from None
        if joined is not None:
            axes[joined] = self._sum([x[joined] for x in xs])
        elif not layer.spreads:
            raise NotKnownError
        return tuple(axes)

    def _as_first(self, layer: Layer, xs: Sequence[tuple[Extent, ...]]) -> tuple[Extent, ...]:
        """The extents of what asks of its inputs no more than what it asks of numbers."""
        if any(not isinstance(x[0], int) for x in xs):
            raise UnknownError("its channels follow the size")
        for x in xs[2:]:  # as many values as keys
            numbers = all(isinstance(each, int) for each in (*x, *xs[1]))
            if not numbers and x[1:] != xs[1][1:]:
                raise NotKnownError
        refuse(layer, *map(self._concrete, xs))
        return xs[0]

    def _said(self, layer: Layer, xs: Sequence[tuple[Extent, ...]]) -> Problem | None:
        shapes = [self._concrete(x) for x in xs]
        return next((each for each in layer.check(shapes) if each.severity == "error"), None)


def _linear_in(late: Late, words: Collection[str]) -> bool:
    """Whether all that the fields make of some extents is linear in one of them, or rounded."""
    from convcalc.spec.split import Part

    if isinstance(late, Part):  # in equal parts, or in sizes that are given
        return True
    names = {f"incoming.{word}" for word in words}
    if not names <= names_in(late.written):  # what `defaults` says
        return False
    waiting: list[Node | None] = [late.written]
    while waiting:
        here = waiting.pop()
        if isinstance(here, List):
            waiting.extend(here.items)
        elif isinstance(here, Map):
            waiting.extend(here.entries.values())
        elif isinstance(here, ScalarNode) and (named := names_in(here)) & names:
            alone = len(named) == 1 and linear(parse(here.text)) is not None
            if not alone:
                return False
    return True


Start = tuple[Extent, ...]


def each_axis(shape: Shape) -> Start:
    """The input's extents where every axis is followed by itself."""
    return (shape.channels, *(Along(axis, IDENTITY) for axis in range(shape.rank)))
