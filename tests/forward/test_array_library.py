"""The reference tier on an array library that is not NumPy and has no more than CuPy has."""

import operator
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pytest
import test_forward as definitions
from tabled import tabled

from convcalc import forward
from convcalc.forward.recording import record
from convcalc.graph import load
from convcalc.layers import layer_class

if TYPE_CHECKING:
    from typing_extensions import Self

CREATION = {"arange", "asarray", "full", "zeros"}
OF_SEQUENCES = {"concatenate", "stack"}
FUNCTIONS = {
    *("abs", "exp", "expm1", "log", "log1p", "max", "maximum", "mean", "minimum", "moveaxis"),
    *("sqrt", "take", "tanh", "trunc", "where"),
    # of backward passes
    *("broadcast_to", "expand_dims", "isnan", "sign", "take_along_axis", "zeros_like"),
}
"""With `CREATION` and `OF_SEQUENCES`: all that layers use, with CuPy's signatures."""
AT = {"add", "maximum"}
"""Whose `at` puts values where numbers say, some of them at one place."""
OPTIONS = {"axis", "dtype", "keepdims"}
SCALARS = (bool, int, float)


def taken(value: Any) -> Any:
    """What CuPy takes beside plain numbers: arrays of its own, and no others."""
    if isinstance(value, Foreign):
        return value.held
    if type(value) in SCALARS:  # a number of NumPy's is an instance of them, too
        return value
    raise TypeError(f"unsupported type {type(value)}")


def given_back(value: Any) -> "Foreign":
    """An array even where NumPy makes a number of it, as CuPy does."""
    return Foreign(np.asarray(value))


def binary(name: str) -> Callable[["Foreign", Any], "Foreign"]:
    function = getattr(operator, name)
    return lambda self, other: given_back(function(self.held, taken(other)))


def mirrored(name: str) -> Callable[["Foreign", Any], "Foreign"]:
    function = getattr(operator, name)
    return lambda self, other: given_back(function(taken(other), self.held))


def index(key: Any) -> Any:
    """A key without arrays of NumPy's or lists."""
    parts = key if isinstance(key, tuple) else (key,)
    found = []
    for part in parts:
        plain = part is None or part is Ellipsis or type(part) in (int, slice)
        found.append(part if plain else taken(part))
    return tuple(found)


class Foreign:
    """An array that NumPy's functions refuse, with the methods that layers use."""

    __array_ufunc__ = None

    def __init__(self, held: Any) -> None:
        self.held = held

    def __array__(self, *arguments: Any, **options: Any) -> NoReturn:
        raise TypeError("implicit conversion to a NumPy array is not allowed")

    def __array_function__(self, function: Any, *arguments: Any) -> NoReturn:
        raise TypeError(f"np.{function.__name__} on another library's array")

    def __bool__(self) -> NoReturn:
        raise TypeError("a decision on a value waits for the device")

    __float__ = __int__ = __index__ = __bool__

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.held.shape)

    @property
    def ndim(self) -> int:
        return int(self.held.ndim)

    @property
    def dtype(self) -> Any:
        return self.held.dtype

    @property
    def T(self) -> "Foreign":  # noqa: N802 (as arrays call it)
        return Foreign(self.held.T)

    def reshape(self, *shape: Any) -> "Foreign":
        return Foreign(self.held.reshape(*shape))

    def transpose(self, *order: int) -> "Foreign":
        return Foreign(self.held.transpose(*order))

    def swapaxes(self, one: int, other: int) -> "Foreign":
        return Foreign(self.held.swapaxes(one, other))

    def astype(self, dtype: Any) -> "Foreign":
        return Foreign(self.held.astype(dtype))

    def mean(self, axis: Any = None, *, keepdims: bool = False) -> "Foreign":
        return given_back(self.held.mean(axis=axis, keepdims=keepdims))

    def sum(self, axis: Any = None, *, keepdims: bool = False) -> "Foreign":
        return given_back(self.held.sum(axis=axis, keepdims=keepdims))

    def max(self, axis: Any = None, *, keepdims: bool = False) -> "Foreign":
        return given_back(self.held.max(axis=axis, keepdims=keepdims))

    def __getitem__(self, key: Any) -> "Foreign":
        return given_back(self.held[index(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        self.held[index(key)] = taken(value)

    def __len__(self) -> int:
        return len(self.held)

    @property
    def size(self) -> int:
        return int(self.held.size)

    def copy(self) -> "Foreign":
        return Foreign(self.held.copy())

    def tolist(self) -> Any:
        return self.held.tolist()

    def argmax(self, axis: int | None = None) -> "Foreign":
        return given_back(self.held.argmax(axis=axis))

    def __iadd__(self, other: Any) -> "Self":
        self.held += taken(other)
        return self

    def __imul__(self, other: Any) -> "Self":
        self.held *= taken(other)
        return self

    def __itruediv__(self, other: Any) -> "Self":
        self.held /= taken(other)
        return self

    def __abs__(self) -> "Foreign":
        return given_back(abs(self.held))

    def __neg__(self) -> "Foreign":
        return Foreign(-self.held)

    __add__, __radd__ = binary("add"), mirrored("add")
    __sub__, __rsub__ = binary("sub"), mirrored("sub")
    __mul__, __rmul__ = binary("mul"), mirrored("mul")
    __truediv__, __rtruediv__ = binary("truediv"), mirrored("truediv")
    __pow__, __matmul__ = binary("pow"), binary("matmul")
    __and__, __or__ = binary("and_"), binary("or_")
    __eq__, __ne__ = binary("eq"), binary("ne")  # type: ignore[assignment]
    __hash__ = None  # type: ignore[assignment]
    __lt__, __le__, __gt__, __ge__ = map(binary, ("lt", "le", "gt", "ge"))


class Library:
    """CuPy as far as layers may use it."""

    float32 = np.float32

    def __getattr__(self, name: str) -> Any:
        if name not in CREATION | OF_SEQUENCES | FUNCTIONS | AT:
            raise AttributeError(name)
        function = getattr(np, name)

        def called(*arguments: Any, **options: Any) -> Foreign:
            assert set(options) <= OPTIONS
            if name in OF_SEQUENCES:
                arguments = ([taken(x) for x in arguments[0]], *arguments[1:])
            elif name == "broadcast_to":
                arguments = (taken(arguments[0]), *arguments[1:])
            elif name not in CREATION:
                arguments = tuple(map(taken, arguments))
            elif isinstance(arguments[0], Foreign):
                arguments = (arguments[0].held, *arguments[1:])
            return given_back(function(*arguments, **options))

        if name in AT:
            called.at = lambda x, places, values: function.at(  # type: ignore[attr-defined]
                x.held, index(places), taken(values)
            )
        return called


def foreign(weights: dict[str, Any]) -> dict[str, Any]:
    return {name: Foreign(value.copy()) for name, value in weights.items()}


@tabled(
    "misuse",
    [
        np.exp,
        np.sum,
        np.asarray,
        lambda x: np.ones(3) + x,
        lambda x: x * np.ones(3),
        lambda x: x * np.float64(2),
        lambda x: np.concatenate([x, x]),
        lambda x: x[np.array([0])],
        lambda x: Library().maximum(x, np.zeros(3)),
        lambda x: Library().stack([x, np.zeros(3)]),
        lambda x: 1 if x[0] > 0 else 0,
    ],
)
def test_mixing_with_numpy_is_refused(misuse: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError):
        misuse(Foreign(np.ones(3)))


@definitions.rows(*definitions.SLIDING, *definitions.OTHERS)
def test_layers_need_nothing_but_their_array_library(row: definitions.Row) -> None:
    layer, xs, plan = definitions.built(row)
    weights, given = definitions.weights_of(plan), definitions.arrays(xs)
    y = layer.forward(Library(), foreign(weights), [Foreign(x.copy()) for x in given])
    assert isinstance(y, Foreign)
    expected = layer.forward(np, weights, given)
    assert y.dtype == expected.dtype
    assert np.array_equal(y.held, expected, equal_nan=True)


@definitions.rows(*definitions.SLIDING, *definitions.OTHERS)
def test_backward_passes_need_nothing_but_their_array_library(row: definitions.Row) -> None:
    layer, xs, plan = definitions.built(row)
    weights, given = definitions.weights_of(plan), definitions.arrays(xs)
    expected = record(np, layer, weights, given)
    dy = np.random.default_rng(1).normal(size=expected.output.shape).astype(given[0].dtype)
    made = record(Library(), layer, foreign(weights), [Foreign(x.copy()) for x in given])
    gradients = layer.backward(Library(), foreign(weights), made.kept, Foreign(dy.copy()))
    wanted = layer.backward(np, weights, expected.kept, dy)
    assert gradients.keys() == wanted.keys()
    for key, gradient in gradients.items():
        assert isinstance(gradient, Foreign), key
        assert gradient.dtype == wanted[key].dtype, key
        assert np.array_equal(gradient.held, wanted[key], equal_nan=True), key


def test_half_precision_takes_the_same_way() -> None:
    x = np.linspace(-5, 5, 22, dtype="float16").reshape(2, 11)
    y = layer_class("gelu")().forward(Library(), {}, [Foreign(x)])
    assert y.dtype == "float16"
    assert np.array_equal(y.held, layer_class("gelu")().forward(np, {}, [x]))


@pytest.mark.parametrize("name", ["lenet5", "cifar_tiny_vgg", "tdnn", "idcnn"])
def test_whole_networks_run_on_a_library_in_cupys_place(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From NumPy's arrays to the device and back."""
    network = load(name)
    assert network.input is not None
    x = np.random.default_rng(0).normal(size=(2, *network.input.axes))
    expected = forward.run(network, x, reference=True, keep="all")

    class Cupy(Library):
        cuda = SimpleNamespace(
            runtime=SimpleNamespace(getDeviceCount=lambda: 1, CUDARuntimeError=RuntimeError)
        )

        def asnumpy(self, x: Any) -> Any:
            return x.held

    monkeypatch.setitem(sys.modules, "cupy", Cupy())
    found = forward.run(network, x, backend="cupy", keep="all")
    assert found.keys() == expected.keys()
    assert all(np.array_equal(found[layer], expected[layer]) for layer in expected)
