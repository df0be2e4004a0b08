"""What would do where sizes do not fit: another input, rounding down, a branch of another size.

A layer knows its own map alone. Here the whole network is tried, and a help names nothing that was
not: an input with which no layer has an error, the nearest above the given one and below it.
Nothing of this is imported before a layer has found such an error.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.diagnostics import Problem, Sizes, Way, either
from convcalc.graph import LayerNode, made_late, uses_weights, walk
from convcalc.graph.inputs import Known, answer, fed
from convcalc.layers import UNPOOL, kinds, layer_class
from convcalc.layers.base import MAX_WHOLE, Layer, Plan, declarations, hyperparameters
from convcalc.layers.conv_transpose import ConvTranspose
from convcalc.layers.sliding import rounding_down
from convcalc.layers.upsample import Upsample
from convcalc.shape import Shape
from convcalc.spec.nodes import Map

if TYPE_CHECKING:
    from convcalc.graph import Network

PLANNED = 20_000
"""Most layers that are worked out for one network in search of what to say."""
PASSED_OVER = 100
"""Layers that are passed over in a trial in the time in which one is worked out."""
MERGES = {"CC309", "CC310"}
"""What merges say of branches that do not fit each other."""
UNFITTING = {"CC301", *MERGES}
"""What is said of a map of the wrong size that is none too small: an input near it may do."""
MOST_TIMES = 2
"""An input that is so many times smaller or larger is another network's, and not named; a map that
is too small may need a larger one."""
MAX_FITTED = 20
"""Most branches that are fitted one after the other in one trial."""


def helped(
    network: "Network", problems: Sequence[tuple[int, Problem]], *, others: bool
) -> list[tuple[int, Problem]]:
    """The problems of layers, their help worded for the whole network where it is about sizes.

    `others` is whether the spec has errors beside: then what a layer needs that recurs is tried on
    the layers before them.
    """
    trials = _Trials(network, problems, others=others)
    return [
        (index, problem)
        if problem.sizes is None or problem.severity != "error"
        else (index, problem._replace(help=either(trials.ways(index, problem, problem.sizes))))
        for index, problem in problems
    ]


class Fault(NamedTuple):
    """The first layer of a trial with an error."""

    layer: int
    """Index of the layer in the network."""
    inputs: tuple[Shape, ...]
    """The shapes that it gets."""


class Behind(NamedTuple):
    """A layer that is put at the end of a branch."""

    node: int
    """The merge that the branch ends in."""
    branch: int
    """Which of its branches, from 0."""


class Followed(NamedTuple):
    """What becomes of the axes of the network's input on the way to a layer's output."""

    output: Shape | None
    """The layer's output; None where an error keeps it unknown."""
    follows: bool = False
    """Whether its axes are those of the network's input."""


Changes = Mapping[int | Behind, Layer]
"""Other layers in the places of some, and layers behind branches."""


class _OutOfWorkError(Exception):
    """No more layers may be worked out."""


class _Trials:
    """Trials on one network, with an end."""

    def __init__(
        self, network: "Network", problems: Sequence[tuple[int, Problem]], *, others: bool
    ) -> None:
        self.network = network
        errors = [each for each in problems if each[1].severity == "error"]
        self.failing = {index for index, _ in errors}
        self.too_small = any(problem.code not in UNFITTING for _, problem in errors)
        self.odd = any(problem.code in UNFITTING for _, problem in errors)
        self.end = len(network.nodes)
        """How many layers can be tried: those before the first with an error of another kind."""
        if others or not all(problem.sizes for _, problem in errors):
            barred = {index for index, problem in errors if not problem.sizes}
            self.end = next(
                (
                    index
                    for index, node in enumerate(network.nodes)
                    if index in barred or node.unknown or (node.layer is None and node.late is None)
                ),
                self.end,
            )
        self.whole = self.end == len(network.nodes) and not others
        self.left = PLANNED
        self.known: Known = {}
        self.lowered: dict[int, Layer] = {}
        self.done: dict[tuple[int, Way], bool] = {}
        self.items: dict[int, list[int]] = {}
        for index, node in enumerate(network.nodes):
            self.items.setdefault(id(node.item), []).append(index)
        self._inputs: dict[bool, str] = {}
        self._rounded: bool | None = None
        spec = None if network.written is None else network.written.spec
        entries = {} if spec is None else spec.entries
        defaults = entries.get("defaults")
        self.defaults = defaults.entries if isinstance(defaults, Map) else {}

    def ways(self, index: int, problem: Problem, sizes: Sizes) -> Iterator[str]:
        """What may be done about a problem, the most probable first.

        A way that is known to bring another error is left out where there is one that does not.
        """
        inputs = self.inputs(index)
        if problem.code in MERGES:
            fitting = list(self.fitting(index, problem))
            far = self._far(index, problem)
            ways = [way.text for way in sizes.ways if not way.fields]
            joining = [way.text for way in sizes.ways if way.fields and self._does(index, way)]
            clauses = [*ways[:1], *fitting] if far else fitting
            clauses = [*(joining if far else ()), *(clauses if fitting else ways)]
            yield from clauses[:1]
            yield from inputs
            yield from clauses[1:]
            return
        own = [] if inputs or not sizes.own else [sizes.own]
        rounding = [] if sizes.rounded is None else list(self._rounding(index, sizes.rounded))
        doing = [way.text for way in sizes.ways if self._does(index, way)]
        if own and (rounding or doing) and self._recurs(index):
            own = []  # what suits one round need not suit the next
        if not (inputs or rounding or doing):
            rounding = [] if sizes.rounded is None else [rounding_down(sizes.rounded)]
            doing = sizes.clauses
        first = rounding or doing[:1]
        yield from first
        yield from inputs or own
        yield from doing[len(first) - len(rounding) :]

    def _tried(self, index: int) -> bool:
        """Whether trials come to a layer, and to all that are built of the same text.

        A single layer before other errors knows its own map as well.
        """
        last = self.items[id(self.network.nodes[index].item)][-1]
        return self.whole or (self._recurs(index) and last < self.end)

    def _recurs(self, index: int) -> bool:
        """Whether several layers are built of the text of this one."""
        return len(self.items[id(self.network.nodes[index].item)]) > 1

    def _rounding(self, index: int, effect: str) -> Iterator[str]:
        """The clause that has the stride round down, where that brings no error."""
        if self._says_rounding(self.network.nodes[index]):
            yield rounding_down(effect, "here, as frameworks do")
        elif not self._tried(index) or self.rounded():
            yield rounding_down(effect)

    def _does(self, index: int, way: Way) -> bool:
        """Whether a way brings no error to any layer that is built of the same text."""
        image, item = self.network.input, id(self.network.nodes[index].item)
        if not way.fields or not self._tried(index) or image is None or self.left <= 0:
            return True
        if (item, way) not in self.done:
            changes: dict[int | Behind, Layer] = {}
            for at in self.items[item]:
                known: Any = self.network.nodes[at].layer
                if known is not None:
                    changes[at] = replace(known, **dict(way.fields))
            try:
                self.done[item, way] = self.first_fault(image, changes) is None
            except _OutOfWorkError:
                self.done[item, way] = True
        return self.done[item, way]

    def inputs(self, index: int) -> tuple[str, ...]:
        """The clause with the nearest inputs that all layers tried work with, if there are.

        Where there are none, those that do if strides round down besides.
        """
        image = self.network.input
        if image is None or not self._tried(index):
            return ()
        exact = [
            each.layer is not None
            and getattr(each.layer, "rounding", "") == "exact"
            and not self._says_rounding(each)
            for each in self.network.nodes[: self.end]
        ]
        for down in (False, True) if self.odd and any(exact) else (False,):
            if down and self._rounds_down():
                break
            if down not in self._inputs:
                self._inputs[down] = self._clause(image, down=down)
            if self._inputs[down]:
                return (self._inputs[down],)
        return ()

    def _rounds_down(self) -> bool:
        """Whether rounding down alone is known to do."""
        return self.rounded() and self.left > 0

    def _clause(self, image: Shape, *, down: bool) -> str:
        nearest = list(self._nearest(image, down=down))
        named = " or ".join("×".join(map(str, shape.spatial)) for shape in nearest)
        if not named:
            return ""
        of = "length " if image.rank == 1 else ""
        also = "write `rounding: floor` once at the top of the spec and " if down else ""
        last = self.network.nodes[self.end - 1].name
        tried = "" if self.whole else f" (tried as far as {last})"
        return f"{also}use {self.network.an_input} of {of}{named}{tried}"

    def _nearest(self, image: Shape, *, down: bool) -> list[Shape]:
        """The nearest input above and the nearest below that work, the nearer one first.

        The laws of the layers say which; nothing is named that does not work when it is tried.
        """
        nodes = self.network.nodes[: self.end]
        if down:
            nodes = [
                node if node.layer is None else node._replace(layer=self._down(node, node.layer))
                for node in nodes
            ]
        named = self.network.nearest_inputs(nodes, self._near, self._meant)
        shapes = [shape for shape in named if self._works(shape, down=down)]
        return sorted(shapes, key=lambda shape: _distance(image, shape))

    def _works(self, shape: Shape, *, down: bool) -> bool:
        """Whether no layer has an error with an input; False also where that is not known."""
        try:
            return self.first_fault(shape, down=down) is None
        except _OutOfWorkError:
            return False

    def _down(self, node: LayerNode, layer: Layer) -> Layer:
        """A layer that rounds down, if it follows what the whole spec says of rounding."""
        if getattr(layer, "rounding", "") != "exact" or self._says_rounding(node):
            return layer
        return self.lowered.setdefault(id(layer), layer.replace(rounding="floor"))

    def _meant(self, index: int, axis: int) -> bool:
        """Whether a merge is meant to spread a map of one row along an axis, as it does now."""
        present = [self.network.shape_of(read) for read in self.network.nodes[index].inputs]
        extents = {None if x is None or axis >= x.rank else x.spatial[axis] for x in present}
        return None not in extents and 1 in extents and len(extents) > 1

    def _near(self, given: int, extent: int) -> bool:
        """Whether an input may be named that is `extent` long where `given` was written."""
        most = MAX_WHOLE if self.too_small else MOST_TIMES * given
        return given <= MOST_TIMES * extent and extent <= most

    def rounded(self) -> bool:
        """Whether rounding down in the whole spec brings no error; also where that is not known."""
        if self._rounded is None:
            image = self.network.input
            self._rounded = True
            if image is not None:
                try:
                    self._rounded = self.first_fault(image, down=True) is None
                except _OutOfWorkError:
                    self._rounded = True
        return self._rounded

    def _says_rounding(self, node: LayerNode) -> bool:
        """Whether a layer has a rounding of its own, which the one of the spec leaves as it is."""
        fields = (node.item.entries.get(node.kind), self.defaults.get(node.kind))
        return any(isinstance(each, Map) and "rounding" in each.entries for each in fields)

    def first_fault(
        self, shape: Shape, changes: Changes | None = None, *, down: bool = False
    ) -> Fault | None:
        """The first layer with an error for an input of `shape`; None where there is none."""
        nodes = self.network.nodes[: self.end]
        return next(self.faults(shape, changes or {}, nodes=nodes, down=down), None)

    def faults(
        self,
        shape: Shape,
        changes: Changes,
        *,
        nodes: Sequence[LayerNode] | None = None,
        down: bool = False,
    ) -> Iterator[Fault]:
        """The layers with an error for an input of `shape`; of all, unless `nodes` are given."""
        nodes = fed(self.network, shape, nodes)
        self.left -= len(nodes) // PASSED_OVER
        index = -1
        fault: Fault | None = None
        plans: list[Plan | None] = []

        def step(node: LayerNode, _: object, before: list[Followed]) -> Followed:
            nonlocal index, fault
            index += 1
            fault = None
            plans.append(None)
            if node.unknown or any(each.output is None for each in before):
                return Followed(None)
            self.left -= 1
            if self.left < 0:
                raise _OutOfWorkError
            xs = tuple(
                self._behind(changes, Behind(index, at), each.output)
                for at, each in enumerate(before)
                if each.output is not None
            )
            layer = changes.get(index, node.layer)
            if node.late is not None and index not in changes:
                layer = made_late(node, xs[0], nodes, plans)
            if layer is None:
                fault = Fault(index, xs)
                return Followed(None)
            if down:
                layer = self._down(node, layer)
            plan, *_ = answer(layer, xs, self.known)
            if plan is not None and not uses_weights(node, plan, nodes, plans):
                plan = None
            if plan is None or self._stretched(index, xs, [each.follows for each in before]):
                fault = Fault(index, xs)
                return Followed(None)
            plans[-1] = plan
            follows = not before or (before[0].follows and plan.positions != "lost")
            return Followed(plan.output, follows)

        for _ in walk(nodes, (None for _ in nodes), step):
            if fault is not None:
                yield fault

    def _stretched(self, index: int, xs: tuple[Shape, ...], follow: Sequence[bool]) -> bool:
        """Whether a map of one row meets larger ones along an axis by the input's size alone.

        A map that has one row whatever the input, a global pool's, is meant to meet them, and so is
        one that does with the input that is given.
        """
        rank = xs[0].rank if xs else 0
        if (
            len(xs) < 2
            or self.network.nodes[index].kind == UNPOOL
            or any(x.rank != rank for x in xs)
        ):
            return False
        for axis in range(rank):
            if len({x.spatial[axis] for x in xs}) == 1:
                continue
            follows = any(x.spatial[axis] == 1 and each for x, each in zip(xs, follow, strict=True))
            if follows and not self._meant(index, axis):
                return True
        return False

    @staticmethod
    def _behind(changes: Changes, at: Behind, x: Shape) -> Shape:
        layer = changes.get(at)
        return x if layer is None else layer.plan([x]).output

    def fitting(self, index: int, problem: Problem) -> Iterator[str]:
        """What makes the branches of a merge alike, tried on the network."""
        pair = self._pair(index, problem)
        if pair is None or self.left <= 0:
            return
        (one, x), (two, y) = pair
        for branch, own, target in ((one, x, y), (two, y, x)):
            yield from self._made_otherwise(index, branch, own, target)
        for branch, own, target in ((one, x, y), (two, y, x)):
            yield from self._put_behind(index, branch, own, target)

    def _far(self, index: int, problem: Problem) -> bool:
        """Whether the branches of a merge differ by more than a few rows."""
        pair = self._pair(index, problem)
        return pair is not None and not _near(pair[0][1], pair[1][1])

    def _pair(
        self, index: int, problem: Problem
    ) -> tuple[tuple[int, Shape], tuple[int, Shape]] | None:
        """The two branches of a merge that do not fit each other, each with its shape."""
        node = self.network.nodes[index]
        branches = [at for at, _ in problem.related if isinstance(at, int)]
        if len(branches) != 2 or node.unknown:
            return None
        one, two = branches
        x, y = (self.network.shape_of(node.inputs[at]) for at in branches)
        return None if x is None or y is None or x.rank != y.rank else ((one, x), (two, y))

    def _made_otherwise(self, index: int, branch: int, x: Shape, target: Shape) -> Iterator[str]:
        """What makes a branch larger again, told how large it is to be."""
        remade = self._remade(index, branch, x, target)
        if remade is None:
            return
        changes: dict[int | Behind, Layer] = {remade[0]: remade[1]}
        if not self._fitted(index, changes):
            return
        first, *more = (
            f"`{_as_written(self.network.nodes[at].kind, layer)}` for {self.network.nodes[at].name}"
            for at, layer in changes.items()
            if isinstance(at, int)
        )
        yield f"write {first}" + (f" (and {', '.join(more)})" if more else "")

    def _remade(self, index: int, branch: int, x: Shape, target: Shape) -> tuple[int, Layer] | None:
        """The layer that made a branch larger, and what it is to be to make it as `target` is."""
        nodes = self.network.nodes
        at = nodes[index].inputs[branch]
        while self._keeps_extents(at):
            at = nodes[at].inputs[0]
        node = nodes[at]
        if len(self.items[id(node.item)]) > 1:  # one text for several sizes
            return None
        layer = node.layer
        if isinstance(layer, Upsample) and layer.scale is not None and _near(x, target):
            return at, replace(layer, scale=None, size=target.spatial)
        if isinstance(layer, ConvTranspose) and layer.padding != "same":
            extra = layer.output_padding
            present = extra if isinstance(extra, tuple) else (extra,) * x.rank
            wanted = tuple(
                was + new - old
                for was, old, new in zip(present, x.spatial, target.spatial, strict=True)
            )
            if min(wanted) >= 0:
                return at, replace(layer, output_padding=wanted)
        return None

    def _keeps_extents(self, index: int) -> bool:
        """Whether a layer's map is as large as the one that it reads, whatever that is."""
        node, plan = self.network.nodes[index], self.network.plans[index]
        if len(node.inputs) != 1 or plan is None or not plan.output.spatial:
            return False
        if plan.positions == "kept":
            return True
        return bool(plan.windows) and all(
            (window.stride, window.up) == (1, 1) and window.room(1) == 0 for window in plan.windows
        )

    def _fitted(self, index: int, changes: dict[int | Behind, Layer]) -> bool:
        """Whether branches fit each other with these changes, and those that follow from them.

        What follows is done likewise, at merges behind this one, and is put into `changes`.
        """
        image = self.network.input
        if image is None:
            return False
        try:
            for _ in range(MAX_FITTED):
                faults = self.faults(image, changes)
                fault = next((each for each in faults if each.layer >= index), None)
                if fault is None or fault.layer in self.failing - {index}:
                    return True
                remade = None if fault.layer == index else self._fit(fault)
                if remade is None or remade[0] in changes:
                    return False
                changes[remade[0]] = remade[1]
        except _OutOfWorkError:
            pass
        return False

    def _fit(self, fault: "Fault") -> tuple[int, Layer] | None:
        """What fits the branches of another merge that a trial has come to."""
        node = self.network.nodes[fault.layer]
        if node.kind not in kinds("merge") or len(fault.inputs) != 2:
            return None
        first, second = fault.inputs
        if first.rank != second.rank:
            return None
        return self._remade(fault.layer, 0, first, second) or self._remade(
            fault.layer, 1, second, first
        )

    def _put_behind(self, index: int, branch: int, x: Shape, target: Shape) -> Iterator[str]:
        """A layer at the end of a branch that makes it as large as another."""
        name = f"branch {branch + 1}"
        differences = [new - old for old, new in zip(x.spatial, target.spatial, strict=True)]
        make: Any
        fields: dict[str, object] = {"size": target.spatial}
        if _near(x, target) and max(differences) <= 0:
            make = layer_class("crop")
        elif _near(x, target) and min(differences) >= 0:
            make = layer_class("pad")
            fields = {"padding": tuple((more // 2, more - more // 2) for more in differences)}
        elif all(new % old == 0 for old, new in zip(x.spatial, target.spatial, strict=True)):
            make = layer_class("upsample")
        else:
            return
        layer: Layer = make(**fields)
        changes: dict[int | Behind, Layer] = {Behind(index, branch): layer}
        if self._fitted(index, changes) and len(changes) == 1:
            yield f"put `{_as_written(make.__name__.lower(), layer)}` at the end of {name}"


def _near(x: Shape, target: Shape) -> bool:
    """Whether a map is so large by a few rows, and not by another stride."""
    return all(2 * min(pair) > max(pair) for pair in zip(x.spatial, target.spatial, strict=True))


def _as_written(kind: str, layer: Layer) -> str:
    """A layer as a spec has it: `upsample: {size: 100x167, mode: linear}`."""
    given = hyperparameters(layer)
    if list(given) == list(declarations(type(layer)))[:1]:
        return f"{kind}: {_value(*given.values())}"
    return f"{kind}: {{{', '.join(f'{name}: {_value(value)}' for name, value in given.items())}}}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, tuple):
        return str(value)
    if any(isinstance(each, tuple) for each in value):
        return str([list(pair) for pair in value])
    return "x".join(map(str, value)) if len(value) > 1 else str(value[0])


def _distance(image: Shape, shape: Shape) -> int:
    """How many rows two inputs differ by, over all axes."""
    return sum(abs(one - two) for one, two in zip(image.spatial, shape.spatial, strict=True))
