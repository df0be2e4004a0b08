"""What a training step makes small: the losses, each with its gradient.

A loss is the mean over all examples and positions; of several outputs it is the sum of theirs. Like
a layer's, its backward pass gets the array that was kept and nothing else, and the array library
comes in as an argument.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from convcalc.arguments import shown
from convcalc.diagnostics import ArgumentError
from convcalc.numbers import SINGLE, array_shape

Targets = Literal["classes", "shares", "values", "nothing"]
"""What an output is held against: the number of a class for each position, int64; for each value a
share from 0 to 1, or another value; or nothing."""

LEAST_LOGARITHM = -100.0
"""What the logarithm of a share is at least, so that a share of 0 has a finite loss. Source:
torch.nn.BCELoss."""
LEAST_PRODUCT = 1e-12
"""What y·(1 − y) is at least where it divides. Source: binary_cross_entropy_backward in
aten/src/ATen/native/Loss.cpp."""


class Loss(NamedTuple):
    """A loss of one output."""

    doc: str
    """What it is, in a few words."""
    targets: Targets
    """What it holds the output against."""
    value: Callable[[Any, Any, Any], tuple[Any, Any]]
    """Of the array library, an output and targets: the loss, and what is kept for its gradient."""
    gradient: Callable[[Any, Any, Any], Any]
    """Of the array library, what was kept and targets: the gradient of the output."""


def _at(xp: Any, y: Any, classes: Any) -> Any:
    """Of each position of y, the value of its class, with an axis of one channel."""
    return xp.take_along_axis(y, classes[:, None], axis=1)


def _cross_entropy(xp: Any, y: Any, classes: Any) -> tuple[Any, Any]:
    """−log of the share that a softmax gives the right class; kept are all logarithms.

    Source: CS231n notes, "Softmax classifier" (the largest score is subtracted first);
    torch.nn.CrossEntropyLoss.
    """
    y = y - y.max(axis=1, keepdims=True)
    logarithms = y - xp.log(xp.exp(y).sum(axis=1, keepdims=True))
    return -_at(xp, logarithms, classes).mean(), logarithms


def _cross_entropy_gradient(xp: Any, logarithms: Any, classes: Any) -> Any:
    """(p − 1 of the right class)/positions. Source: CS231n notes, "Putting it together"."""
    dy = xp.exp(logarithms)
    numbers = xp.arange(dy.shape[1]).reshape(1, -1, *(1,) * (dy.ndim - 2))
    dy -= numbers == classes[:, None]
    return dy * (1 / classes.size)


def _binary(xp: Any, y: Any, shares: Any) -> tuple[Any, Any]:
    """−(t·log y + (1 − t)·log(1 − y)) of shares y. Source: torch.nn.BCELoss."""
    with_one = xp.maximum(xp.log(y), LEAST_LOGARITHM)
    with_zero = xp.maximum(xp.log(1 - y), LEAST_LOGARITHM)
    return -(shares * with_one + (1 - shares) * with_zero).mean(), y


def _binary_gradient(xp: Any, y: Any, shares: Any) -> Any:
    """(y − t)/(y·(1 − y))/values. Source: torch.nn.BCELoss."""
    return (y - shares) / xp.maximum(y * (1 - y), LEAST_PRODUCT) * (1 / y.size)


def _binary_of_scores(xp: Any, y: Any, shares: Any) -> tuple[Any, Any]:
    """The same of the sigmoid of scores y, as max(y, 0) − t·y + log(1 + exp(−|y|)).

    Source: torch.nn.BCEWithLogitsLoss.
    """
    return (xp.maximum(y, 0) - shares * y + xp.log1p(xp.exp(-xp.abs(y)))).mean(), y


def _binary_of_scores_gradient(xp: Any, y: Any, shares: Any) -> Any:
    """(σ(y) − t)/values, σ(y) = 1/(1 + exp(−y)). Source: torch.nn.BCEWithLogitsLoss."""
    small = xp.exp(-xp.abs(y))
    return (xp.where(y >= 0, 1, small) / (1 + small) - shares) * (1 / y.size)


def _squared_error(xp: Any, y: Any, values: Any) -> tuple[Any, Any]:
    """(y − t)². Source: torch.nn.MSELoss; CS231n notes, "Regression", has the sum."""
    return xp.square(y - values).mean(), y


def _squared_error_gradient(_: Any, y: Any, values: Any) -> Any:
    """2·(y − t)/values. Source: torch.nn.MSELoss."""
    return (y - values) * (2 / y.size)


def _squares(xp: Any, y: Any, _: Any) -> tuple[Any, Any]:
    """y²: no targets are needed. Source: torch's `y.square().mean()`."""
    return xp.square(y).mean(), y


def _squares_gradient(_xp: Any, y: Any, _: Any) -> Any:
    """2·y/values."""
    return y * (2 / y.size)


OF_SCORES = Loss(
    "Cross-entropy of a yes or no for each value.",
    "shares",
    _binary_of_scores,
    _binary_of_scores_gradient,
)
"""Binary cross-entropy where no sigmoid has made shares of the scores yet."""

LOSSES: Mapping[str, Loss] = MappingProxyType(
    {
        "cross-entropy": Loss(
            "Softmax and cross-entropy over the channels.",
            "classes",
            _cross_entropy,
            _cross_entropy_gradient,
        ),
        "binary-cross-entropy": OF_SCORES._replace(value=_binary, gradient=_binary_gradient),
        "mean-squared-error": Loss(
            "The mean of the squared differences.",
            "values",
            _squared_error,
            _squared_error_gradient,
        ),
        "squares": Loss("The mean of the squares.", "nothing", _squares, _squares_gradient),
    }
)
"""By the names of the command line; `binary-cross-entropy` is of shares, and `OF_SCORES` is its
other half."""


def loss_of(name: str, kind: str) -> Loss:
    """The loss of an output that a layer of this kind made, values only moved since then."""
    return OF_SCORES if name == "binary-cross-entropy" and kind != "sigmoid" else LOSSES[name]


def what_of(name: str, kind: str, channels: int) -> str:
    """What the loss is taken of, where somebody may think otherwise; else ""."""
    if name == "cross-entropy" and channels == 1:
        return "cross-entropy over one channel is always 0; binary-cross-entropy is another loss"
    if name == "cross-entropy" and kind in ("softmax", "sigmoid"):
        return f"cross-entropy takes what the {kind} gives as scores, and a softmax of them again"
    if name == "binary-cross-entropy" and kind == "sigmoid":
        return "binary cross-entropy is of the shares that the sigmoid gives"
    if name == "binary-cross-entropy":
        return "binary cross-entropy takes the output as scores, and a sigmoid of them"
    return ""


def drawn_target(generator: Any, loss: Loss, shape: Sequence[int]) -> Any:
    """Random targets for an output of a shape, batch first, as NumPy's; None where none count."""
    if loss.targets == "classes":
        return generator.integers(0, shape[1], (shape[0], *shape[2:]))
    if loss.targets == "shares":
        return generator.integers(0, 2, tuple(shape)).astype("float32")
    if loss.targets == "values":
        return generator.standard_normal(tuple(shape), dtype="float32")
    return None


def checked_target(xp: Any, loss: Loss, what: str, target: Any, shape: Sequence[int]) -> Any:
    """A target as an array of the shape and values that a loss takes, called `what` in messages.

    Raises `TypeError` for what is no array of numbers, and `ValueError` for one that does not fit.
    """
    if loss.targets == "nothing":
        if target is not None:
            message = f"{what} would have no effect: the mean of the squares has no targets"
            raise ArgumentError(message)
        return None
    try:
        array = xp.asarray(target)
    except ValueError:  # rows of several lengths
        array = xp.asarray(None)
    if array.dtype.kind not in "fiub":
        message = f"{what} is an array of numbers, and this is {shown(target)}"
        raise TypeError(message)
    classes = loss.targets == "classes"
    wanted = (shape[0], *shape[2:]) if classes else tuple(shape)
    if tuple(array.shape) != wanted:
        each = "the number of a class for each position" if classes else "one for each value"
        given, fitting = (array_shape(shape, SINGLE) for shape in (array.shape, wanted))
        message = f"{what} is {given}, and the output wants {fitting}: {each}"
        raise ArgumentError(message)
    least, most = (0, shape[1] - 1) if classes else (0, 1)
    wrong = array[~((array >= least) & (array <= most))] if loss.targets != "values" else array[:0]
    if classes and not len(wrong):
        wrong = array[array != array.astype("int64")]
    if len(wrong):
        numbers = f"whole numbers from 0 to {most:,}" if classes else "shares from 0 to 1"
        message = f"{what} has {numbers}, and one is {wrong[0]}"
        raise ArgumentError(message)
    return array.astype("int64") if classes else array
