"""Which hyperparameters near a layer's own tile its input, and which of them make a size.

Each is tried on the layer itself, with `rounding: exact`, and then on the network: nothing is
named that a layer did not accept.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple

from convcalc.diagnostics import ArgumentError
from convcalc.explanation.chosen import one_named, position
from convcalc.explanation.page import Page, Part, Section, Table
from convcalc.explanation.windows import along
from convcalc.graph import (
    Given,
    GivenShape,
    LayerNode,
    Network,
    made_late,
    read,
    uses_weights,
    walk,
)
from convcalc.graph.inputs import Known, answer
from convcalc.layers.base import Axes, Layer, Padding, Plan
from convcalc.layers.conv_transpose import ConvTranspose
from convcalc.layers.remedies import shown, works
from convcalc.layers.sliding import layer_stride, per_axis, sides
from convcalc.numbers import times
from convcalc.shape import Shape
from convcalc.spec.nodes import Value

SCHEMA = 1
"""Changes only when a field of the JSON changes its meaning or goes."""
NEAR = {"kernel": 4, "stride": 3, "padding": 6, "output_padding": 3}
"""How far from a layer's own value each field is tried; of padding the sum of both sides."""
FAR = {"kernel": 6, "stride": 4, "padding": 8, "output_padding": 3}
"""The same where a size is asked for."""
OTHERS = ("CC305", "CC311", "CC314")
"""Errors that no other kernel, stride or padding mends: of groups and of numbers of axes."""
LISTED = 12
"""Fits that are listed, the nearest ones."""
FIELDS = ("kernel", "stride", "padding", "output_padding")
"""Fields that are changed."""

ORDER = ("padding", "output_padding", "kernel", "stride")
"""The same by how little a change of them changes of a network."""


class Fit(NamedTuple):
    """Hyperparameters with which a layer tiles its input."""

    fields: Mapping[str, Any]
    """Kernel, stride and padding, and what else a size depends on, as a spec has them."""
    changed: tuple[str, ...]
    """Those of them that are not the layer's own; () for the layer as it is."""
    distance: int
    """By how much all of them differ from the layer's own, added up."""
    output: tuple[int, ...]
    """Extents of the output."""
    fails: str
    """The first layer of the network that has an error then; "" where there is none."""


_Candidate = tuple[dict[str, Any], int, tuple[int, ...]]
"""Fields, their distance from the layer's own, and the output."""


class _Axis(NamedTuple):
    """Values along one axis."""

    kernel: int
    """Taps of the kernel."""
    stride: int
    """Step from one output to the next."""
    before: int
    """Padding in front of the first value."""
    behind: int
    """Padding behind the last value."""
    output_padding: int
    """Rows that a transposed convolution adds behind its output."""


def explain_fit(
    spec: Given,
    layer: str,
    output_size: Sequence[int] | None = None,
    *,
    input: GivenShape | None = None,  # noqa: A002 (the spec's own word)
    parameters: Mapping[str, Value] | None = None,
) -> tuple[Fit, ...]:
    """The hyperparameters near a layer's own with which it tiles, or makes `output_size`.

    `layer` is a name, as `explain` takes it, of one layer, which may have errors. Raises
    `ValueError` for a layer that there is not, or that slides no kernel, and `SpecError` for a spec
    that cannot be read.

    >>> nearest, *_ = explain_fit("alexnet", "conv1", (55, 55), input="224x224x3")
    >>> nearest.fields["padding"], nearest.fails
    (((1, 2), (1, 2)), '')
    """
    network = read(spec, input=input, parameters=parameters)
    wanted = None if output_size is None else position(output_size, "output_size", least=1)
    return fits(network, one_named(network, layer, "a fit"), wanted)


def fits(network: Network, layer: int, output_size: Sequence[int] | None = None) -> tuple[Fit, ...]:
    """The hyperparameters near those of a layer, by its index, with which it tiles its input.

    With `output_size` those that make these extents. The nearest come first, those that change
    fewer fields before others as near. Raises `ValueError` for a layer that slides no kernel.

    >>> from convcalc.graph import read_text
    >>> from convcalc.spec.text import SourceText
    >>> text = "{input: 224x224x3, layers: [conv: {filters: 96, kernel: 11, stride: 4}]}"
    >>> first, *_ = fits(read_text(SourceText("net", text)), 1)
    >>> first.changed, first.fields["kernel"], first.output
    (('kernel',), 12, (54, 54))
    """
    node, x = _sliding(network, layer)
    wanted = None if output_size is None else _wanted(output_size, x, node)
    if wanted is None and isinstance(node.layer, ConvTranspose):
        message = (
            f"{node.name} is a transposed convolution, which tiles whatever its hyperparameters "
            "are: ask for an output size"
        )
        raise ArgumentError(message)
    trials = _Trials(network, layer)
    own = node.layer
    candidates = [
        (distance, _changes(own, fields, x.rank), fields, output)
        for fields, distance, output in _candidates(own, x, wanted)
    ]
    candidates.sort(key=_nearness)
    return tuple(
        Fit(fields, changed, distance, output, trials.first_failing(fields))
        for distance, changed, fields, output in candidates[:LISTED]
    )


def _nearness(candidate: tuple[int, tuple[str, ...], dict[str, Any], tuple[int, ...]]) -> Any:
    """Fewer fields come before more that are as near, and padding before what has weights."""
    distance, changed, _, output = candidate
    return distance, len(changed), [ORDER.index(name) for name in changed], output


def _sliding(network: Network, index: int) -> tuple[LayerNode, Shape]:
    """The layer and what it reads; `ValueError` where it slides no kernel over a map."""
    node = network.nodes[index]
    x = network.shape_of(node.inputs[0]) if len(node.inputs) == 1 and not node.unknown else None
    if node.layer is None or (x is None and hasattr(node.layer, "kernel")):
        message = f"what {node.name} reads is not known, as something before it has an error"
        raise ArgumentError(message)
    if x is None or not hasattr(node.layer, "kernel") or not hasattr(node.layer, "padding"):
        message = f"{node.name} is of kind {node.kind}, which slides no kernel"
        raise ArgumentError(message)
    wrong = [each for each in node.layer.check([x]) if each.code in OTHERS]
    if wrong:
        message = f"{node.name}: {wrong[0].message}"
        raise ArgumentError(message)
    return node, x


def _wanted(output_size: Sequence[int], x: Shape, node: LayerNode) -> tuple[int, ...]:
    wanted = tuple(output_size)
    if len(wanted) == 1:  # one number for all axes, as of a kernel
        wanted *= x.rank
    if len(wanted) != x.rank:
        size = times(wanted)
        message = f"output size {size} has {len(wanted)} axes, and {node.name} makes {x.rank}"
        raise ArgumentError(message)
    return wanted


def _changes(layer: Any, fields: Mapping[str, Any], rank: int) -> tuple[str, ...]:
    """The fields that are not the layer's own."""
    return tuple(name for name in fields if _differs(layer, name, fields[name], rank))


def _differs(layer: Any, name: str, value: Any, rank: int) -> bool:
    """Whether a value is not the layer's own, however that is written."""
    own = layer_stride(layer) if name == "stride" else getattr(layer, name)
    if name == "padding":
        return value != own and sides(value, rank) != sides(own, rank)
    return per_axis(value, rank) != per_axis(own, rank)


def _candidates(layer: Any, x: Shape, wanted: tuple[int, ...] | None) -> Iterator[_Candidate]:
    """What tiles, in no order: kernel and stride change alike along all axes, padding by axis."""
    far = NEAR if wanted is None else FAR
    kernels = per_axis(layer.kernel, x.rank)
    strides = per_axis(layer_stride(layer), x.rank)
    for kernel in range(-far["kernel"], far["kernel"] + 1):
        for stride in range(-far["stride"], far["stride"] + 1):
            if min(kernels) + kernel < 1 or min(strides) + stride < 1:
                continue
            by_axis: list[list[tuple[int, _Axis, int]]] = []
            for axis in range(x.rank):
                alike = next(
                    (other for other in range(axis) if _alike(layer, x, wanted, axis, other)), None
                )
                by_axis.append(
                    [*_paddings(layer, x, axis, kernel, stride, wanted, far)]
                    if alike is None
                    else by_axis[alike]
                )
            for nearest in zip(*map(sorted, by_axis), strict=False):
                fields = _fields(layer, [one for _, one, _ in nearest])
                if works(_changed(layer, fields), x):
                    moved = max(distance for distance, _, _ in nearest)
                    distance = abs(kernel) + abs(stride) + moved
                    yield fields, distance, tuple(size for _, _, size in nearest)


def _alike(layer: Any, x: Shape, wanted: tuple[int, ...] | None, axis: int, other: int) -> bool:
    """Whether a layer does along two axes alike, so that one is worked out."""
    one, two = (
        (x.spatial[each], wanted and wanted[each], along(layer, x.rank, each))
        for each in (axis, other)
    )
    return one == two


def _paddings(
    layer: Any,
    x: Shape,
    axis: int,
    kernel: int,
    stride: int,
    wanted: tuple[int, ...] | None,
    far: Mapping[str, int],
) -> Iterator[tuple[int, _Axis, int]]:
    """The paddings of an axis with which it tiles, each with its distance and its output."""
    own = along(layer, x.rank, axis)
    ((before, behind),) = sides(own.padding, 1)
    extra = getattr(own, "output_padding", 0)
    one = _Axis(own.kernel + kernel, own.stride + stride, before, behind, extra)
    map_of_one = Shape(x.channels, (x.spatial[axis],))
    paddings = [0] if layer.padding == "same" else range(-far["padding"], far["padding"] + 1)
    extras = range(-extra, far["output_padding"] + 1) if hasattr(layer, "output_padding") else [0]
    for more in paddings:
        for added in extras:
            tried = one._replace(
                before=before + more // 2,
                behind=behind + more - more // 2,
                output_padding=extra + added,
            )
            if min(tried.before, tried.behind) < 0:
                continue
            sliding = _changed(own, _fields(own, [tried]))
            (size,) = sliding.plan([map_of_one]).output.spatial
            if (wanted is None or size == wanted[axis]) and works(sliding, map_of_one):
                yield abs(more) + abs(added), tried, size


def _fields(layer: Any, axes: Sequence[_Axis]) -> dict[str, Any]:
    """The fields of a layer with these values along its axes, as a spec has them."""
    fields: dict[str, Any] = {
        "kernel": _joined([one.kernel for one in axes]),
        "stride": _joined([one.stride for one in axes]),
        "padding": layer.padding,
    }
    if layer.padding != "same":
        fields["padding"] = _padding([(one.before, one.behind) for one in axes])
        if sides(fields["padding"], len(axes)) == sides(layer.padding, len(axes)):
            fields["padding"] = layer.padding  # as it is written
    if hasattr(layer, "output_padding"):
        fields["output_padding"] = _joined([one.output_padding for one in axes])
    return fields


def _joined(values: list[int]) -> Axes:
    return values[0] if len({*values}) == 1 else tuple(values)


def _padding(pairs: list[tuple[int, int]]) -> Padding:
    values = {*pairs}
    if len(values) == 1 and pairs[0][0] == pairs[0][1]:
        return pairs[0][0]
    return tuple(pairs)


def _changed(layer: Any, fields: Mapping[str, Any]) -> Any:
    """The layer with other values, which must tile."""
    exact = {"rounding": "exact"} if hasattr(layer, "rounding") else {}
    return layer.replace(**fields, **exact)


class _Trials:
    """The network with another layer in the place of one."""

    def __init__(self, network: Network, layer: int) -> None:
        self.network = network
        item = network.nodes[layer].item
        self.places = {index for index, node in enumerate(network.nodes) if node.item is item}
        """The layers that are built of the same text."""
        self.known: Known = {}

    def first_failing(self, fields: Mapping[str, Any]) -> str:
        """The first layer that has an error; "" where none has."""
        failing: list[str] = []
        numbers = count()
        plans: list[Plan | None] = []

        def step(node: LayerNode, _: Plan | None, before: list[Plan | None]) -> Plan | None:
            plan = self._plan(node, next(numbers), before, plans, fields)
            if plan is not None and not uses_weights(node, plan, self.network.nodes, plans):
                plan = None
            if plan is None and not failing:
                failing.append(node.name)
            plans.append(plan)
            return plan

        for _ in walk(self.network.nodes, (None for _ in self.network.nodes), step):
            if failing:
                return failing[0]
        return ""

    def _plan(
        self,
        node: LayerNode,
        index: int,
        before: list[Plan | None],
        plans: list[Plan | None],
        fields: Mapping[str, Any],
    ) -> Plan | None:
        if node.unknown or any(plan is None for plan in before):
            return None
        shapes = tuple(plan.output for plan in before if plan is not None)
        layer: Layer | None = node.layer
        if node.late is not None:
            layer = made_late(node, shapes[0], self.network.nodes, plans)
        if layer is None:
            return None
        if index in self.places:
            layer = layer.replace(**fields)
        return answer(layer, shapes, self.known)[0]


# The mode `--fit`


def fit_page(
    network: Network, layers: Sequence[int], *, fit: bool, output_size: Sequence[int] | None = None
) -> Page:
    """The page of what fits a layer."""
    del fit
    (index,) = layers
    node = network.nodes[index]
    every = fits(network, index, output_size)
    x = network.shape_of(node.inputs[0])
    asked = "" if output_size is None else f" to make {times(output_size)}"
    title = f"What fits {node.name} ({node.kind}), which reads {x}{asked}, of {network.name}"
    names = [name for name in FIELDS if every and name in every[0].fields]
    rows = [
        (
            *(_cell(each, name) for name in names),
            "×".join(f"{size:,}" for size in each.output),
            "works" if not each.fails else f"error in {each.fails}",
        )
        for each in every
    ]
    near = ", ".join(
        f"{name}{' in all' * (name == 'padding')} ±{far}"
        for name, far in (NEAR if output_size is None else FAR).items()
        if (name in names if every else hasattr(node.layer, name))
    )
    parts: list[Part] = []
    if rows:
        head = (*names, "output", "the network then")
        parts.append(Table(head, tuple(rows)))
        parts.append(f"* is not the layer's own. The nearest of what was tried: {near}.")
    else:
        parts.append(f"Nothing near the layer's own hyperparameters does. Tried: {near}.")
    data = {
        "schema": SCHEMA,
        "mode": "fit",
        "name": network.name,
        "spec": network.path,
        "layer": node.name,
        "output_size": None if output_size is None else list(output_size),
        "fits": [
            {
                "fields": dict(each.fields),
                "changed": list(each.changed),
                "distance": each.distance,
                "output": list(each.output),
                "fails": each.fails or None,
            }
            for each in every
        ],
    }
    return Page(title, (Section("", tuple(parts)),), data, answered=bool(every))


def _cell(each: Fit, name: str) -> str:
    text = shown(each.fields[name])
    return f"{text} *" if name in each.changed else text
