"""A layer's weighted sums as products of matrices: im2col, and what its columns take."""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from types import MappingProxyType
from typing import Any, NamedTuple

from convcalc.analysis.report import DTYPE_BYTES
from convcalc.explanation.figure import Figure, output_names, reasoned
from convcalc.explanation.page import Part, Section, Table
from convcalc.layers import kinds
from convcalc.layers.base import Layer, Plan
from convcalc.numbers import both_bytes, grouped
from convcalc.reasons import Names
from convcalc.shape import Shape

IM2COL = (
    "im2col writes what lies under each window into a column; weights times columns, with the bias "
    "added, is the output."
)


class Matrix(NamedTuple):
    """One matrix of a product; of several alike, where there are groups, one of them."""

    of: str
    """What it holds: `weights`, `columns`, `product`."""
    rows: Figure
    """How many rows it has."""
    columns: Figure
    """How many columns it has."""
    bytes: int
    """Bytes of all that are alike, for the whole batch."""


class Matrices(NamedTuple):
    """The product of matrices that a layer's weighted sums are."""

    matrices: tuple[Matrix, ...]
    """The two factors, and what the first times the second is."""
    products: Figure
    """How many such products there are, one of each group or position."""
    says: tuple[str, ...]
    """Sentences on what the columns are."""

    def section(self, level: int) -> Section:
        """The product as a table."""
        rows = tuple(
            (
                each.of,
                " × ".join(size.formula or str(size.value) for size in (each.rows, each.columns)),
                f"[{each.rows.value} × {each.columns.value}]",
                both_bytes(each.bytes),
            )
            for each in self.matrices
        )
        table = Table(("Matrix", "Rows × columns", "Size", "Bytes"), rows, frozenset({2, 3}))
        parts: list[Part] = [table]
        if self.products.value > 1:
            note = "as many products of these sizes; the bytes are of all"
            parts.append(self.products._replace(note=note).shown())
        return Section("As a product of matrices", (*parts, *self.says), level)

    @property
    def data(self) -> dict[str, Any]:
        """The numbers as JSON has them."""
        return {
            "products": self.products._asdict(),
            "matrices": [
                {**each._asdict(), "rows": each.rows._asdict(), "columns": each.columns._asdict()}
                for each in self.matrices
            ],
        }


class _Size(NamedTuple):
    """A matrix on letters."""

    of: str
    """What it holds: `weights`, `columns`."""
    rows: int
    """How many rows it has, a number that remembers."""
    columns: int
    """How many columns it has, a number that remembers."""


class _Product(NamedTuple):
    """A product on letters."""

    sizes: tuple[_Size, ...]
    """The factors and what they make."""
    products: int
    """How many such products there are, a number that remembers."""
    one_each: str
    """What there is one of each of: `groups`, `positions`."""
    says: tuple[str, ...]
    """Sentences on what its columns are."""


def as_matrices(
    layer: Layer,
    kind: str,
    shapes: tuple[Sequence[Shape], Sequence[Shape]],
    plans: tuple[Plan, Plan],
    *,
    batch: int,
    dtype: str,
) -> Matrices | None:
    """The product that a layer's multiply-accumulates are; None of one without, or of several.

    Of shapes and plans there are two, of plain numbers and on letters; the layer is on letters.
    """
    make = PRODUCTS.get(kind)
    if make is None:
        return None
    product = make(layer, shapes[1][0], plans[1])
    sizes = product.sizes
    names: Names = output_names(plans[1].output)
    width = DTYPE_BYTES[dtype]
    matrices = tuple(
        Matrix(
            each.of,
            reasoned("rows", each.rows, names),
            reasoned("columns", each.columns, names),
            int(product.products * each.rows * each.columns)
            * width
            * (1 if each.of == "weights" else batch),
        )
        for each in sizes
    )
    says = list(product.says)
    columns = next((each for each in sizes if each.of == "columns"), None)
    if columns is not None:
        values = int(product.products * columns.rows * columns.columns)
        says.append(_times_as_many(values, shapes[0][0].size))
    if batch > 1:
        once = "; the weights are there once" * any(each.of == "weights" for each in sizes)
        says.append(f"Sizes are those of one example, and bytes those of {grouped(batch)}{once}.")
    return Matrices(matrices, reasoned(product.one_each, product.products, names), tuple(says))


def _times_as_many(values: int, of: int) -> str:
    if values == of:
        return "The columns hold as many values as the input."
    times = f"{values / of:.2f}".rstrip("0").rstrip(".")
    return f"The columns hold {grouped(values)} values, {times} times as many as the input."


def _convolution(layer: Layer, x: Shape, plan: Plan) -> _Product:
    weight = plan.weights[0]
    groups: int = getattr(layer, "groups", 1)
    if weight.shape[1] == 1 and not hasattr(layer, "groups"):  # each channel by itself
        groups = x.channels
    depth, positions = prod(weight.shape[1:]), prod(plan.output.spatial)
    filters = weight.shape[0] // groups
    says = [IM2COL]
    windows = plan.windows
    if any(window.dilation > 1 for window in windows):
        says.append("The taps are apart: dilation changes what the columns hold, not how much.")
    if all((*window[:2], *window[3:5]) == (1, 1, 0, 0) for window in windows):
        says = ["A 1×1 kernel with stride 1 needs no columns made: the input is them already."]
    sizes = (
        _Size("weights", filters, depth),
        _Size("columns", depth, positions),
        _Size("product", filters, positions),
    )
    return _Product(sizes, groups, "groups", tuple(says))


def _transposed(layer: Layer, x: Shape, plan: Plan) -> _Product:
    weight = plan.weights[0]
    groups: int = layer.groups  # type: ignore[attr-defined]
    depth, positions = prod(weight.shape[1:]), prod(x.spatial)
    channels = x.channels // groups
    sizes = (
        _Size("weights", depth, channels),
        _Size("input", channels, positions),
        _Size("columns", depth, positions),
    )
    says = (
        "The transposed weights times the input are columns, one for each input position; col2im "
        "adds each up where its kernel of outputs lies, and the bias comes on top."
    )
    return _Product(sizes, groups, "groups", (says,))


def _linear(layer: Layer, x: Shape, plan: Plan) -> _Product:
    del layer
    features = plan.output.channels
    positions = prod(x.spatial) if x.spatial else 1
    sizes = (
        _Size("weights", features, x.channels),
        _Size("input", x.channels, positions),
        _Size("product", features, positions),
    )
    if x.spatial:
        says = ("Each position is one column; the bias comes on top.",)
        return _Product(sizes, 1, "products", says)
    return _Product(sizes, 1, "products", ("Each example is one column; the bias comes on top.",))


def _matmul(layer: Layer, x: Shape, plan: Plan) -> _Product:
    del layer
    (length,), made = x.spatial, plan.output.channels
    sizes = (
        _Size("branch 1", length, x.channels),
        _Size("branch 2", x.channels, made),
        _Size("product", length, made),
    )
    return _Product(sizes, 1, "products", ("Each example is a product of its own.",))


def _locally(layer: Layer, x: Shape, plan: Plan) -> _Product:
    del layer, x
    shape = plan.weights[0].shape
    depth = prod(shape[len(plan.output.axes) :])
    sizes = (
        _Size("weights", shape[0], depth),
        _Size("columns", depth, 1),
        _Size("product", shape[0], 1),
    )
    says = ("Every position has weights of its own, and so a product of its own.",)
    return _Product(sizes, prod(plan.output.spatial), "positions", says)


PRODUCTS: Mapping[str, Callable[[Layer, Shape, Plan], _Product]] = MappingProxyType(
    {
        "conv": _convolution,
        "depthwise_conv": _convolution,
        "conv_transpose": _transposed,
        "locally_connected": _locally,
        "linear": _linear,
        "matmul": _matmul,
    }
)
"""Kinds that multiply matrices → the product that they are."""
SEVERAL: Mapping[str, str] = MappingProxyType(
    {
        "separable_conv": "it is two products, of each channel and then over all of them",
        **dict.fromkeys(kinds("recurrent"), "it is a product of all steps, and then one of each"),
        "attention": "it is four products, of projections and of all positions with all",
    }
)
"""Kinds that are no single product, and why."""
