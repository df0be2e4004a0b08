"""What a layer is: fields that are the spec's vocabulary, and one answer for input shapes.

A layer never learns where it was written or how it will be shown. From input shapes alone it
yields its `Problem`s and, when there are none, one `Plan`. Parameters, bytes, FLOPs and receptive
fields are all derived from plans, each in one place, never in a layer.

The whole contract, in the order in which a layer is asked; `xs` are the shapes of its inputs for
one example, and to `forward` their arrays, whose first axis is the batch:

    asked for       by whom, and when                                          left out, it is
    fields          `spec/`, for values, their bounds, and the schema          none, as of `relu`
    inputs          `spec/`, whether it takes one tensor, merges or may merge  "one"
    stands_alone    `spec/`, whether `linear: 4096` may be written             True
    spreads         `laws/`, whether extents of 1 fit any other in a merge     False
    joins(rank)     `laws/`, along which axis a merge puts what it reads       None
    as_first        `laws/`, whether what it makes of several is as its first  False
    ceils           `spec/`, whether a spec-wide `rounding` means it           False
    check(xs)       `graph/`, for problems, before it is planned               silent
    plan(xs)        `graph/`, once no problem is an error                      an error: abstract
    growth(rank)    `laws/`, how the output grows with the input               alike on every axis
    made_of(rank)   `laws/`, where it does not: of which axes the output is    not known
    following(…)    `spec/`, where a field names a tensor that it is to fit    an error
    undoing(…)      `spec/`, where a field names a pool that it is to undo     an error
    storage         `analysis/` and `forward/`, where its output lives         "own"
    forward(xp, …)  `forward/`, to run it, and `checks/`, to hold it to plans  an error: abstract
    backward(xp, …) `forward/`, to go back through it, after what it kept      an error: abstract
    folds           `analysis/memory`, for runtimes that fold and fuse         False
    untrained       `analysis/memory`, why training's bytes are not known      "": they are
    integers(xs)    `analysis/memory`, beside the plan's buffers               none
    fewest(xs, …)   `analysis/memory`, for the smallest batch that runs        1
    operations(…)   `analysis/memory`, for bytes                               one, of what follows
    keeps           `operations`: what its backward pass needs                 "nothing"
    unmade          `forward/`: what of `operations` its `forward` never makes nothing
    overwrites      `operations`: whether it may run in place                  False
    keeps_in_place  `operations`: what it needs after that                     a copy of `keeps`
    undone          `operations`: whether it can go back after that            True
    precision       `operations`: what mixed precision computes it in          "same"
    layout          `operations`: how its values lie in memory                 "fresh"
    back_layout     `operations`: how the gradients that it makes lie          "output"
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, NoReturn, TypeVar

from convcalc.diagnostics import Problem
from convcalc.shape import Shape
from convcalc.window import Window

if TYPE_CHECKING:
    from dataclasses import Field

    from typing_extensions import dataclass_transform

    from convcalc.layers.kept import Kept
    from convcalc.layers.operations import Operation
else:

    def dataclass_transform(**_: Any) -> Any:
        """Say to type checkers that a class makes dataclasses of its subclasses; nothing else."""
        return lambda cls: cls


Storage = Literal["own", "in_place", "view"]
"""Where a layer's output lives: memory of its own, its input's memory overwritten, or a view of
its input that owns nothing."""

Keeps = Literal["nothing", "input", "output", "factors", "divisor"]
"""What a backward pass needs: nothing, all inputs, the output, each input if another one has a
gradient (a product's), or what the first input is divided by, and that if this has a gradient."""
Precision = Literal["low", "full", "same", "full_on_cuda", "full_on_cpu", "finest_on_cpu"]
"""What mixed precision computes in: half, float32, or whatever the inputs are; on one device alone
float32, or the finest that one of the inputs is in. These are autocast's lists."""

BackLayout = Literal["output", "gradient", "fresh", "last", "reshaped"]
"""How gradients lie that a backward pass makes: as the output does, or as the input where that has
one position or one channel; as the output's gradient does, which such kernels work on value by
value; in order; channels last if the output's gradient is in order, of a view that turns them; or
in order if that is, and else in a way that is not followed."""


class Joined(NamedTuple):
    """Positions of inputs that stand one behind the other along an axis."""

    axis: int
    """Which spatial axis, from 0."""
    windows: tuple[Window, ...]
    """For each input its window along that axis: where the others stand is its border."""


class Undone(NamedTuple):
    """A pool that a layer names to undo it."""

    name: str
    """Its full name, as `indices` in the spec finds it."""
    windows: tuple[Window, ...]
    """Its own window along each spatial axis."""


class Tiles(NamedTuple):
    """Positions that are each computed from a part of the map that they lie in."""

    windows: tuple[Window, ...]
    """For each spatial axis how it is cut."""


Positions = Literal["kept", "lost"] | tuple[Window, ...] | Joined | Tiles
"""What becomes of an input's positions: kept where each is computed from itself alone, lost where
those of the output are none of the input (a flattened image), seen through windows, one for each
spatial axis, joined to those of other inputs, or mixed within parts of the map."""

Arrays = Sequence[Any]
"""A layer's inputs, each a batch (N, C, *spatial), or (N, C) of vectors."""
Weights = Mapping[str, Any]
"""A layer's arrays by the plan's names, and of its shapes."""

Gradients = dict[int | str, Any]
"""Gradients of a layer's inputs by their numbers, and of its weights by their names, each of the
shape of what it is a gradient of."""

Reasons = Mapping[str, str]
"""Why something is not there, by its name."""

Rounding = Literal["exact", "floor", "ceil"]
Axes = int | tuple[int, ...]
"""One number for all spatial axes, or one per axis."""
Padding = int | tuple[int | tuple[int, int], ...] | Literal["same", "valid"]
"""One number, one per axis, (before, after) per axis, or a word."""
PaddingMode = Literal["zero", "reflect", "replicate", "circular"]
Extents = tuple[int, ...]

Axis = Literal["channels", "length", "height", "width", "depth"]
"""An axis by its name."""
AXIS_WORDS: Mapping[int, tuple[Axis, ...]] = MappingProxyType(
    {
        0: ("channels",),
        1: ("channels", "length"),
        2: ("channels", "height", "width"),
        3: ("channels", "depth", "height", "width"),
    }
)
"""The axes of a tensor by its number of spatial axes, in memory order."""

MAX_WHOLE = 10**9
"""Largest magnitude of a field's whole numbers, and largest extent of an input."""
MAX_NUMBER = 3.4028235e38
"""Largest magnitude of a field's other numbers: the largest float32, as it is printed."""


class Weight(NamedTuple):
    """One named array of a layer, in PyTorch's layout."""

    name: str
    """What PyTorch calls it within a layer: `weight`, `bias`, `running_mean`."""
    shape: tuple[int, ...]
    """Extents as in PyTorch's state dict: filters, channels of a group and kernel of a
    convolution."""
    buffer: bool = False
    """Whether it is a running statistic, which no optimizer updates."""

    @property
    def size(self) -> int:
        """Number of values."""
        return prod(self.shape)


class Product(NamedTuple):
    """What is multiplied with what, and how often: an input's values by a weight's, or another's.

    A backward pass multiplies as often for the gradient of each of the two that learns.
    """

    macs: int
    """Multiply-accumulates for one example; see docs/definitions.md."""
    by: str | int
    """The name of a weight, or the number of the other input."""
    of: int | None = 0
    """The number of the input that is multiplied; None where the layer's own weights made what is,
    as the rows of attention's heads, so that it has a gradient where any of them learns."""


class Growth(NamedTuple):
    """How the output grows with the input along one axis, wherever the layer has no error."""

    outputs: int = 1
    """How many positions more there are."""
    inputs: int = 1
    """With so many more of the input."""
    even: bool = False
    """Whether sizes between, of which some positions are left over, are an error."""


class Plan(NamedTuple):
    """What a layer does to given input shapes: everything else is derived from this."""

    output: Shape
    """Shape of the output of one example."""
    weights: tuple[Weight, ...] = ()
    """What it learns or counts, in PyTorch's order."""
    products: tuple[Product, ...] = ()
    """What is multiplied with what."""
    positions: Positions = "kept"
    """What becomes of the input's positions."""

    @property
    def windows(self) -> tuple[Window, ...]:
        """One that slides per spatial axis; none where positions are said otherwise."""
        return () if isinstance(self.positions, (str, Joined, Tiles)) else self.positions

    def seen(self, number: int) -> tuple[Window, ...]:
        """The windows through which an input by its number is seen; none where it has none."""
        joined = self.positions
        if isinstance(joined, Tiles):
            return joined.windows
        if not isinstance(joined, Joined):
            return self.windows
        along = enumerate([Window()] * self.output.rank)
        return tuple(joined.windows[number] if at == joined.axis else one for at, one in along)

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one example; see docs/definitions.md."""
        macs = 0
        for product in self.products:
            macs += product.macs
        return macs


class Declared(NamedTuple):
    """How a field is written in a spec, and the values it takes."""

    form: Literal[
        "whole", "number", "flag", "choice", "axes", "ratios", "padding", "extents", "tensor"
    ]
    """What kind of value is read; `axes`, `ratios`, `padding` and `extents` may be lists."""
    doc: str
    """One sentence for the reference, the schema and the help of an editor."""
    minimum: float | None = None
    """Least value that each number may have; None is no bound."""
    above: float | None = None
    """Bound that each number must exceed; None is none."""
    maximum: float | None = None
    """Largest value that each number may have; None is no bound."""
    choices: tuple[str, ...] = ()
    """The words of a `choice`, as a spec writes them; () for all other forms."""
    letter: str = ""
    """What formulas call its numbers, as F of a kernel; "" for fields that no formula has."""
    sided: bool = False
    """Whether its numbers are [before, behind] and no extents, which tables show as 4×4."""
    starred: bool = False
    """Whether `'*'` in a list of one per axis is the extent of the map that comes in."""


def whole(
    doc: str, minimum: int = -MAX_WHOLE, maximum: int = MAX_WHOLE, *, letter: str = ""
) -> Declared:
    """Declare an integer."""
    return Declared("whole", doc, minimum, None, maximum, letter=letter)


def number(
    doc: str,
    minimum: float | None = None,
    above: float | None = None,
    maximum: float = MAX_NUMBER,
) -> Declared:
    """Declare a real number."""
    if minimum is None and above is None:
        minimum = -MAX_NUMBER
    return Declared("number", doc, minimum, above, maximum)


def flag(doc: str) -> Declared:
    """Declare true or false."""
    return Declared("flag", doc)


def choice(doc: str, *choices: str) -> Declared:
    """Declare one word of several."""
    return Declared("choice", doc, choices=choices)


def axis_field(doc: str) -> Declared:
    """Declare the name of an axis."""
    return choice(doc, "channels", "length", "height", "width", "depth")


def axis_number(axis: Axis, rank: int) -> int | None:
    """Which axis it is of a tensor with so many spatial axes, 0 the channels; None where none is.

    >>> axis_number("width", 2), axis_number("width", 1)
    (2, None)
    """
    names = AXIS_WORDS.get(rank, AXIS_WORDS[0])
    return names.index(axis) if axis in names else None


def check_axis(axis: Axis, x: Shape) -> Iterator[Problem]:
    """An axis that a tensor has."""
    if axis_number(axis, x.rank) is None:
        channels, *spatial = AXIS_WORDS.get(x.rank, AXIS_WORDS[0])
        are = f"axes are {', '.join(spatial)} and" if spatial else "only axis is"
        uses = f"use {', '.join(spatial)} or {channels}" if spatial else f"use {channels}"
        message = f"axis {axis} is none of {x}, whose {are} {channels}"
        yield Problem("CC311", message, "axis", uses)


def axes(doc: str, minimum: int = 1, *, letter: str = "", starred: bool = False) -> Declared:
    """Declare one integer for all spatial axes, or one per axis; `starred` takes `'*'` for one."""
    return Declared("axes", doc, minimum, maximum=MAX_WHOLE, letter=letter, starred=starred)


def ratios(doc: str, above: float = 0) -> Declared:
    """Declare one real number for all spatial axes, or one per axis."""
    return Declared("ratios", doc, above=above, maximum=MAX_WHOLE)


def padding_field(doc: str, *, letter: str = "") -> Declared:
    """Declare padding: a number, one per axis, (before, after) per axis, `same` or `valid`."""
    return Declared("padding", doc, 0, maximum=MAX_WHOLE, letter=letter)


def extents(doc: str, minimum: int = 1, *, sided: bool = False) -> Declared:
    """Declare a list of integers of any length; `sided` are [before, behind]."""
    return Declared("extents", doc, minimum, maximum=MAX_WHOLE, sided=sided)


def tensor(doc: str) -> Declared:
    """Declare the name of a tensor that stands before, whose extents are taken over.

    A layer that is planned has numbers in its place.
    """
    return Declared("tensor", doc)


ROUNDING = choice("What to do when the stride does not tile the input.", "exact", "floor", "ceil")
BIAS = flag("Add a learned number per output channel.")


class Run:
    """How a layer runs: here in inference, where nothing is kept and nothing is random."""

    training: ClassVar[bool] = False
    """Whether it runs as in training: by its batch's statistics, and with values dropped."""

    def keep(self, name: str, array: Any) -> Any:
        """`array`, which is made on the way; training keeps it for the backward pass.

        The name is the one that `operations` declares it under.
        """
        return array

    def update(self, name: str, array: Any) -> None:
        """Give a running statistic a new value, of which nothing in this run reads; in training."""

    def uniform(self, xp: Any, shape: Sequence[int]) -> Any:
        """Random numbers from 0 to 1, 1 left out, in float32; in training alone."""
        message = f"inference draws no numbers, and {'×'.join(map(str, shape))} were asked of {xp}"
        raise TypeError(message)


INFERENCE = Run()
"""What a layer is run in unless something else is said."""


_L = TypeVar("_L", bound="Layer")


class _Fields:
    """What `dataclasses` asks a layer for, made when it does: `replace`, `fields`, `asdict`."""

    def __get__(self, layer: "Layer | None", cls: "type[Layer]") -> "dict[str, Field[Any]]":
        return _dataclass_fields(cls)


@dataclass_transform(eq_default=False, frozen_default=True)
class Layer(ABC):
    """A layer with its hyperparameters.

    Subclasses are final. Their fields are the spec's vocabulary: each is annotated with its type
    and its `Declared` form, and the first is the principal field, which may stand alone in a spec
    (``linear: 4096``). To its users a layer is a frozen dataclass; that it is made, compared,
    hashed and shown by its fields is written once, here, and not made for every class by
    `dataclass`, because start-up would feel it.
    """

    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    else:
        __dataclass_fields__ = _Fields()

    storage: ClassVar[Storage] = "own"
    """Where its output lives once it has run; see `Storage`."""
    inputs: ClassVar[Literal["one", "many", "either"]] = "one"
    """Whether the layer takes one tensor, merges several branches, or does either: it takes one
    tensor unless it is given branches."""
    stands_alone: ClassVar[bool] = True
    """Whether the first field may stand alone in a spec, as in `linear: 4096`."""
    spreads: ClassVar[bool] = False
    """Whether an extent of 1 fits any other in a merge, over which it is spread."""
    as_first: ClassVar[bool] = False
    """Whether what it makes of several inputs has the shape of the first, whatever the others'."""
    ceils: ClassVar[bool] = False
    """Whether a spec-wide `rounding: ceil` means this layer; in Caffe and PyTorch, only pooling."""
    keeps: ClassVar[Keeps] = "nothing"
    """What its backward pass needs of its input and output; see `operations`."""
    keeps_in_place: ClassVar[Keeps | None] = None
    """The same when it overwrites its input; None is a copy of what `keeps` says."""
    overwrites: ClassVar[bool] = False
    """Whether PyTorch's layer can be told to overwrite its input (`inplace=True`)."""
    precision: ClassVar[Precision] = "same"
    """What mixed precision computes it in."""
    layout: ClassVar[Literal["fresh", "kept", "format"]] = "fresh"
    """How its output lies in memory: in order, as its input, or channels last if that is."""
    back_layout: ClassVar[BackLayout] = "output"
    """How the gradients lie that its backward pass makes."""
    untrained: ClassVar[str] = ""
    """Why what PyTorch keeps of it in a training step is not known; "" where it is. What its
    `operations` keep is then what its own backward pass needs, and no memory of training is told.
    """
    unmade: ClassVar[Reasons] = MappingProxyType({})
    """What `operations` keeps, because PyTorch does, and `forward` never makes: by name, the
    reason. What a backward pass would need it for, it works out again from the input."""

    def __init__(self, *values: Any, **named: Any) -> None:
        cls = type(self)
        declared, fields = declarations(cls), vars(self)
        if not values and named.keys() == declared.keys():  # as whoever reads a spec gives them
            for name in declared:
                fields[name] = named[name]
            return
        given = {**dict(zip(declared, values, strict=False)), **named}
        if len(given) < len(values) + len(named) or not given.keys() <= declared.keys():
            message = f"the fields of {cls.__name__} are {', '.join(declared) or 'none'}, each once"
            raise TypeError(message)
        usual = vars(cls)
        for name in declared:
            if name not in given and name not in usual:
                message = f"{cls.__name__} needs {name}"
                raise TypeError(message)
            fields[name] = given[name] if name in given else usual[name]

    def replace(self: _L, **fields: Any) -> _L:  # noqa: PYI019 (Self is of Python 3.11)
        """The layer with other values for some of its fields; `TypeError` for one it has not."""
        return type(self)(**{**vars(self), **fields})

    def __setattr__(self, name: str, value: object) -> None:
        _refuse_change(self, name)

    def __delattr__(self, name: str) -> None:
        _refuse_change(self, name)

    def growth(self, rank: int) -> tuple[Growth, ...] | None:
        """How the output grows along each spatial axis of its inputs, which have `rank`.

        None where an axis of the output is no axis of the input, or where it grows by no such rule.
        """
        return (Growth(),) * rank

    def made_of(self, rank: int) -> tuple[tuple[int, ...], ...] | None:
        """Where `growth` is None, of which axes of its input each of the output is the product.

        The channels come first, which are axis 0. None where that is not all there is to it.
        """
        del rank
        return None

    def joins(self, rank: int) -> int | None:
        """Along which axis a merge of `rank` puts its inputs one behind the other; 0 is channels.

        None where it works value by value.
        """
        del rank
        return None

    def following(self: _L, x: Shape, like: Shape, name: str) -> "_L | Problem":  # noqa: PYI019
        """The layer with numbers that make a map `x` as large as `like`, or why there are none.

        `name` is what the tensor is called whose spatial extents are taken over.
        """
        message = f"a {type(self).__name__} follows no tensor: {x}, {like}, {name}"
        raise TypeError(message)

    def undoing(self: _L, pool: Undone, written: Sequence[Window]) -> "_L | Problem":  # noqa: PYI019
        """The layer that undoes a pool, or why it cannot undo it.

        `written` are the pool's windows with the padding as it is written, not rounded up.
        """
        message = f"a {type(self).__name__} undoes no pool: {pool}, {written}"
        raise TypeError(message)

    @abstractmethod
    def plan(self, xs: Sequence[Shape]) -> Plan:
        """Work out the layer for its inputs' shapes; pure, raises nothing after a silent check.

        `xs` are shapes of one example, without a batch, one for each input in the order of `from`.
        Sizes in the plan are numbers of values for one example, never bytes: a data type and a
        batch are chosen later, and the plan is the same for all of them.
        """

    @abstractmethod
    def forward(self, xp: Any, weights: Weights, xs: Arrays, run: Run = INFERENCE) -> Any:
        """Run the layer on batches `xs`: the readable definition of its values.

        Arrays are (N, C, *spatial), and (N, C) for vectors; the output has their dtype. `xp` is
        the array library (NumPy or CuPy), `weights` the arrays by the plan's names and shapes.
        `run` says whether it is inference; what training keeps of what is made on the way is given
        to `run.keep`. Inputs and output are kept by whoever runs it, as `operations` declares.
        """

    def backward(self, xp: Any, weights: Weights, kept: "Kept", dy: Any) -> Gradients:
        """Gradients of the loss for the inputs and the weights that `kept.asked` names.

        `dy` is its gradient for the output, of the output's shape. `kept` has the arrays that
        training kept of `forward`, by the names that `operations` declares, and nothing else.
        """
        message = f"a {type(self).__name__} has no backward pass: {kept}"
        raise NotImplementedError(message)

    def check(self, xs: Sequence[Shape]) -> Iterator[Problem]:
        """All that would make `plan` meaningless for input shapes `xs`, and warnings."""
        return iter(())

    def operations(self, xs: Sequence[Shape], plan: Plan) -> "tuple[Operation, ...]":
        """What the layer does to memory: one operation with what its class declares.

        Layers that need more, run as several operations or give a view, say so here.
        """
        from convcalc.layers.operations import Operation, learned  # only memory asks

        return (
            Operation(
                plan.output.size,
                tuple(range(len(xs))),
                "in_place" if self.overwrites else "own",
                self.keeps,
                self.keeps_in_place,
                undone=self.undone,
                learns=learned(plan),
                precision=self.precision,
                layout=self.layout,
                back_layout=self.back_layout,
            ),
        )

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other) if other.__class__ is self.__class__ else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(vars(self).values()))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({fields})"

    @property
    def folds(self) -> bool:
        """Whether inference can do it by changing the weights of the layer before it."""
        return False

    def integers(self, xs: Sequence[Shape]) -> Mapping[str, tuple[int, ...]]:
        """Arrays of whole numbers, of 8 bytes each, that it holds beside its buffers: their shapes.

        They are no part of its plan: no file of weights has to have them.
        """
        return MappingProxyType({})

    def fewest(self, xs: Sequence[Shape], *, training: bool) -> int:
        """The fewest examples that it runs on."""
        return 1

    @property
    def undone(self) -> bool:
        """Whether a backward pass can do with its output where it overwrote its input."""
        return True


class Pointwise(Layer):
    """A layer whose every output value is computed from the input value in its place."""

    storage: ClassVar[Storage] = "in_place"
    layout: ClassVar[Literal["fresh", "kept", "format"]] = "kept"
    back_layout: ClassVar[BackLayout] = "gradient"

    def plan(self, xs: Sequence[Shape]) -> Plan:
        """Same shape out, no weights, no multiply-accumulates."""
        return Plan(xs[0])


def _refuse_change(layer: Layer, name: str) -> NoReturn:
    from dataclasses import FrozenInstanceError

    message = f"{name} of a {type(layer).__name__} is not changed: replace({name}=…) makes another"
    raise FrozenInstanceError(message)


@cache
def _dataclass_fields(cls: type[Layer]) -> "dict[str, Field[Any]]":
    from dataclasses import field, fields, make_dataclass

    usual = defaults(cls)
    made = make_dataclass(
        cls.__name__,
        [
            (name, annotation, *([field(default=usual[name])] if name in usual else []))
            for name, annotation in cls.__annotations__.items()
            if name in declarations(cls)
        ],
    )
    return {each.name: each for each in fields(made)}


@cache
def declarations(layer: type[Layer]) -> Mapping[str, Declared]:
    """The declared fields of a layer class, in order.

    >>> from convcalc.layers.linear import Linear
    >>> list(declarations(Linear))
    ['features', 'bias', 'axis']
    """
    declared: dict[str, Declared] = {}
    for name, annotation in layer.__annotations__.items():
        metadata: tuple[Any, ...] = getattr(annotation, "__metadata__", ())
        if metadata and isinstance(metadata[0], Declared):
            declared[name] = metadata[0]
    return MappingProxyType(declared)


def defaults(layer: type[Layer]) -> dict[str, Any]:
    """Values of the fields that may be left out, by name."""
    return {name: vars(layer)[name] for name in declarations(layer) if name in vars(layer)}


def hyperparameters(layer: Layer) -> dict[str, Any]:
    """The values of a layer's fields that differ from their defaults, in order."""
    usual = defaults(type(layer))
    values = ((name, field_value(layer, name)) for name in declarations(type(layer)))
    return {name: value for name, value in values if name not in usual or usual[name] != value}


def field_value(layer: Layer, name: str) -> Any:
    """The value of a field as reports have it: of a pool that is named its name."""
    value = getattr(layer, name)
    return value.name if isinstance(value, Undone) else value
