"""Where a program must differ from its spec for a message to come of it: trials, no guesses.

The layer that stops is either the one that differs, because its weights are not the spec's while
what comes in is, or one behind it. So weights are looked at first, and then each layer in front of
one that the message may be about is changed, and what the change leads to is worked out.
"""

from collections.abc import Iterator
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.explanation.messages.changes import (
    SHAPING,
    Change,
    areas_of,
    changed,
    images,
    of_fields,
    others_read,
    written,
)
from convcalc.explanation.messages.clash import Clash, batch_of
from convcalc.explanation.messages.program import (
    BY_CHANNEL,
    BY_FACTOR,
    CONVOLUTIONS,
    MERGED,
    SLIDING_POOLS,
    UNREFUSING,
    Failure,
    Made,
    OutOfWorkError,
    Program,
    Result,
    declared,
    declared_apart,
)
from convcalc.layers import CATALOGUE, layer_class
from convcalc.layers.base import Reasons
from convcalc.shape import Shape

if TYPE_CHECKING:
    from convcalc.graph import Network

OF_KIND: dict[str, tuple[str, ...]] = {
    "linear": ("linear",),
    "convolution": tuple(sorted(CONVOLUTIONS)),
    "transposed": ("conv_transpose",),
    "pool": tuple(sorted(SLIDING_POOLS)),
    "norm": tuple(sorted(BY_CHANNEL)),
    "groups": ("channel_shuffle", "groupnorm"),
    "layernorm": ("layernorm",),
    "prelu": ("prelu",),
    "elementwise": tuple(sorted(MERGED | BY_FACTOR)),
    "concat": ("concat",),
    "view": ("flatten", "reshape"),
    "crop": ("crop",),
    "wrap": ("pad", *sorted(CONVOLUTIONS)),
    "other": tuple(CATALOGUE),
    "axes": tuple(CATALOGUE),
    "": tuple(CATALOGUE),
}
"""The kinds of layers that an operation may be."""
OF_ANY = frozenset({"other", "axes", ""})
"""Operations that messages do not tell apart."""
ANY_SHAPE = "it takes every shape, so no message is about it"
BY_AXES = "it takes any map of so many axes, and a message is about its axes alone"
IN_WORDS = "its messages have other words each time, which tell no operation"
UNTOLD: Reasons = MappingProxyType(
    {
        **dict.fromkeys(sorted(UNREFUSING - {"batchnorm", "scale", "prelu"}), ANY_SHAPE),
        **dict.fromkeys(("affine", "channel_avgpool", "channel_maxpool"), ANY_SHAPE),
        **dict.fromkeys(("slice", "upsample"), ANY_SHAPE),
        **dict.fromkeys(
            (
                *("adaptive_avgpool", "adaptive_maxpool", "global_avgpool", "global_maxpool"),
                "permute",
            ),
            BY_AXES,
        ),
        **dict.fromkeys(
            (
                *("lstm", "gru", "attention", "matmul", "kmaxpool", "embedding", "maxunpool"),
                *("pixel_shuffle", "space_to_depth"),
            ),
            IN_WORDS,
        ),
        "learned": "nothing comes in that it could refuse",
    }
)
"""Kinds of which no message tells the operation, with the reason."""


class Trial(NamedTuple):
    """A change with which the program stops as the message says."""

    layer: int
    """Index of the layer that is changed; of an input where it is another image."""
    change: Change
    """What it has otherwise."""
    stops: int
    """Index of the layer where the program stops."""
    clash: Clash
    """The numbers that do not meet there."""
    makes: Shape | None
    """What the changed layer puts out; None where it stops itself."""
    batch: int | None
    """The batch of the message, as it follows; 0 where any would do."""


class Suspects(NamedTuple):
    """What a search has come to."""

    own: tuple[Failure, ...]
    """Where the spec itself has these numbers."""
    trials: tuple[Trial, ...]
    """All changes that lead to the message."""
    whole: bool
    """Whether every change that is known was tried."""


def suspects(
    network: "Network",
    said: Clash,
    *,
    batch: int | None = None,
    built: bool = True,
) -> Suspects:
    """All single changes of a program with which it stops as a message says."""
    viewed = said.operation == "view"
    program = Program(network, built=built, viewed=viewed, written_out=said.wanted)
    search = _Search(program, said, batch)
    trials: list[Trial] = []
    whole = True
    try:
        for rare in (False, True):
            for trial in search.trials(rare=rare):
                trials.append(trial)  # noqa: PERF402 (what there is stays where work runs out)
            if trials or search.program.own:
                break
    except OutOfWorkError:
        whole = False
    own = tuple(each for each in search.program.own if search.fits(each.clash) is not None)
    return Suspects(own, tuple(trials), whole)


class _Search:
    """The trials of one message."""

    def __init__(self, program: Program, said: Clash, batch: int | None) -> None:
        self.program = program
        self.said = said
        self.batch = batch
        self.areas = areas_of(program)
        self.kinds = frozenset(OF_KIND[said.operation])
        self._made: dict[tuple[Made, tuple[Shape, ...]], list[tuple[Change, Made, Result]]] = {}
        self.sharing: dict[int, list[int]] = {}
        nodes = program.network.nodes
        for index, node in enumerate(nodes):
            # A transposed convolution of the same weight is no other layer of the same fields.
            if node.shared_with is not None and node.kind == nodes[node.shared_with].kind:
                self.sharing.setdefault(node.shared_with, []).append(index)
        self.spoken = self._spoken()
        self.rare = False
        """Whether what is unusual is tried, which is done where nothing else leads there."""

    def _spoken(self) -> set[int]:
        """Layers whose output the message speaks of."""
        said = self.said
        shapes = {Shape.from_axes(each) for each in (said.input, *(said.branches or ())) if each}
        return {
            index
            for index, shape in enumerate(self.program.shapes)
            if shape is not None
            and (
                shape in shapes
                or (said.got is not None and shape.channels == said.got)
                or (said.got is not None and shape.axes[-1] == said.got)
                or (said.sizes is not None and {*said.sizes} & {*shape.axes})
            )
        }

    def fits(self, clash: Clash) -> int | None:
        """The batch with which a clash is that of the message; None where it is another."""
        return batch_of(self.said, clash, self.batch)

    def trials(self, *, rare: bool) -> Iterator[Trial]:
        """Every change that leads to the message: of the usual ones, or of the rare ones."""
        self.rare = rare
        program = self.program
        if not rare:
            yield from self.of_weights()
            yield from self.without_batch()
            yield from self.of_images()
        ends = [index for index, made in enumerate(program.made) if made and self.may_stop(made)]
        before: set[int] = set()
        pending = [*ends]
        while pending:
            index = pending.pop()
            if index not in before:
                before.add(index)
                pending.extend(program.reads[index])
        own = {index for index, made in enumerate(program.made) if made and made.kind in self.kinds}
        for index in sorted(before | own, reverse=True):
            made, xs = program.made[index], program.inputs(index)
            if made is not None and xs and made.kind != "input":
                yield from self.at(index, made, xs)

    def may_stop(self, made: Made) -> bool:
        """Whether a message may come of a layer as the spec has it, if other values come in."""
        said = self.said
        if made.kind not in self.kinds:
            return False
        if not made.weights or not self.program.built:
            return True
        shape = made.weights[0].shape
        if said.weight is not None and said.weight != shape:
            return False
        if said.wanted is None or said.operation in ("axes", "view", "layernorm", "elementwise"):
            return True
        if said.filters is not None and said.filters != shape[0]:
            return False
        if made.kind == "instancenorm":
            return True
        return declared(made, said.wanted) == made

    def of_weights(self) -> Iterator[Trial]:
        """Layers whose weights are for other channels than what comes in, which is right."""
        program, said = self.program, self.said
        numbers = {said.wanted} if said.wanted else set(said.sizes or ())
        if not program.built or said.operation == "axes":
            return
        for index, made in enumerate(program.made):
            if made is None or made.kind not in self.kinds:
                continue
            xs = program.inputs(index)
            tried = set(numbers)
            if made.kind == "instancenorm" and said.got and said.wanted and xs:
                tried.add(said.wanted * xs[0].channels // said.got)
            for wanted in tried:
                for other in (declared(made, wanted), declared_apart(made, wanted)):
                    if other is not None and other != made:
                        change = Change("takes", value=wanted)
                        yield from self.put(index, change, program.step(other, xs), other)

    def without_batch(self) -> Iterator[Trial]:
        """An image that has no batch: its channels stand where that should be."""
        program, said = self.program, self.said
        if said.operation != "linear" or said.rows is None:
            return
        for index, made in enumerate(program.made):
            if made is None or made.kind != "flatten":
                continue
            (x,) = program.inputs(index)
            for at in program.readers[index]:
                linear = program.made[at]
                if linear is None or linear.kind != "linear" or not x.spatial:
                    continue
                got = x.size // x.channels
                clash = Clash(
                    "linear",
                    got=got,
                    wanted=linear.weights[0].shape[1],
                    filters=linear.weights[0].shape[0],
                    rows=x.channels,
                )
                if clash == said._replace(input=None, weight=None):
                    yield Trial(0, Change("batch", cost=0.5), at, clash, None, 0)

    def of_images(self) -> Iterator[Trial]:
        """Another image than the spec's."""
        image = self.program.shapes[0]
        if image is None:
            return
        for change in images(image, self.said):
            yield from self.put(0, change, change.value, None)

    def put(self, index: int, change: Change, result: Result, made: Made | None) -> Iterator[Trial]:
        """The trial of a change with which a layer gives `result`."""
        program = self.program
        if isinstance(result, Clash):
            batch = self.fits(result)
            if batch is not None:
                yield Trial(index, change, index, result, None, batch)
            return
        sharing = self.sharing.get(index) if made is not None else None
        if result is None or (result == program.shapes[index] and not sharing):
            return
        instead = None if sharing is None or made is None else dict.fromkeys(sharing, made)
        failure = program.failure(index, result, instead)
        batch = None if failure is None else self.fits(failure.clash)
        if failure is not None and batch is not None:
            yield Trial(index, change, failure.layer, failure.clash, result, batch)

    def at(self, index: int, made: Made, xs: tuple[Shape, ...]) -> Iterator[Trial]:
        """All changes of one layer: the usual ones, or the rare ones."""
        program = self.program
        if self.rare:
            yield from self.unusual(index, made, xs)
            return
        if program.network.nodes[index].shared_with is None:
            for change, other, result in self.fields(made, xs):
                yield from self.put(index, change, result, other)
        if made.kind in SHAPING:
            for place, x in enumerate(dict.fromkeys(xs)):
                sole = len(xs) == 1
                change = Change("missing", value=None if sole else place, cost=1.2 if sole else 1.5)
                yield from self.put(index, change, x, None)
        if len(xs) > 1:
            yield from self.merged(index, made, xs)
        if len(xs) > 1 or len(program.readers[program.reads[index][0]]) > 1:
            yield from self.elsewhere(index, made, xs)

    def unusual(self, index: int, made: Made, xs: tuple[Shape, ...]) -> Iterator[Trial]:
        """A layer that is called twice, or behind one more, or that reads another tensor."""
        output, family = self.program.shapes[index], CATALOGUE[made.kind].family
        if made.kind in SHAPING and len(xs) == 1 and output is not None and family != "view":
            result = self.program.step(made, (output,))
            yield from self.put(index, Change("twice", cost=2.0), result, None)
        if family in ("dense", "norm", "pool"):
            yield from self.after_another(index, made, xs[0])
        yield from self.elsewhere(index, made, xs)

    def elsewhere(self, index: int, made: Made, xs: tuple[Shape, ...]) -> Iterator[Trial]:
        """A layer, or a branch, that reads another tensor than its own."""
        program = self.program
        for place, read in enumerate(program.reads[index]):
            for other_read in others_read(program, index, read, self.spoken):
                shape = program.shapes[other_read]
                if shape is not None:
                    given = (*xs[:place], shape, *xs[place + 1 :])
                    change = Change("reads", str(place), other_read, 1.6)
                    yield from self.put(index, change, program.step(made, given), None)

    def fields(self, made: Made, xs: tuple[Shape, ...]) -> list[tuple[Change, Made, Result]]:
        """The layer with other values of its fields, each with what it then gives.

        Those of one result are one trial, so the likeliest of each comes first.
        """
        key = (made, xs)
        if key not in self._made:
            trials = self._made[key] = []
            for start in written(made, xs) if len(xs) == 1 else ():
                for change in of_fields(start, xs[0], self.said, self.areas):
                    other = changed(start, change, xs)
                    if other is not None and other != made:
                        trials.append((change, other, self.program.step(other, xs)))
        return self._made[key]

    def merged(self, index: int, made: Made, xs: tuple[Shape, ...]) -> Iterator[Trial]:
        """Branches that are merged otherwise, or one of several left out."""
        kind = "concat" if made.kind in MERGED else "add"
        other = Made(kind, layer_class(kind)(), (), made.rank)
        change = Change("merges", kind, cost=1.5)
        yield from self.put(index, change, self.program.step(other, xs), None)
        if len(xs) > 2:
            for place in range(len(xs)):
                less = (*xs[:place], *xs[place + 1 :])
                change = Change("missing", "branch", place, 1.4)
                yield from self.put(index, change, self.program.step(made, less), None)

    def after_another(self, index: int, made: Made, x: Shape) -> Iterator[Trial]:
        """Another layer before this one: a pool, or a vector made of the map."""
        if not x.spatial:
            return
        maxpool: Any = layer_class("maxpool")(kernel=2, stride=2, rounding="floor")
        for kind, layer in (("maxpool", maxpool), ("flatten", layer_class("flatten")())):
            between = self.program.step(Made(kind, layer, (), x.rank), (x,))
            if isinstance(between, Shape):
                result = self.program.step(made, (between,))
                yield from self.put(index, Change("before", kind, cost=1.9), result, None)
