"""`convcalc.gradients`: a loss and its gradients, of arguments that are checked."""

from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

from convcalc.arguments import one_of, whole
from convcalc.graph import Given, GivenShape, SpecError, read
from convcalc.graph.planned import planned
from convcalc.spec.nodes import Value

if TYPE_CHECKING:
    from convcalc.forward.gradients import LossGradients


def gradients(
    network: Given,
    x: Any,
    target: Any = None,
    *,
    weights: "Mapping[str, Any] | str | PathLike[str] | None" = None,
    loss: str = "cross-entropy",
    seed: int = 0,
    input: GivenShape | None = None,  # noqa: A002 (the spec's own word)
    parameters: Mapping[str, Value] | None = None,
) -> "LossGradients":
    """A network's loss on a batch `x` of shape (N, C, *spatial), with all its gradients.

    `network` is one, a `Spec`, or what `load` takes: a name, a path; `input` and `parameters` are
    for one that is read. Where there are several inputs, `x` has an array for each by its name, and
    so has `target` for several outputs. A target is what the `loss` takes (docs/training.md): of
    "cross-entropy" the number of a class for each position, of "binary-cross-entropy" and
    "mean-squared-error" a number for each value, of "squares" nothing.
    `weights` are arrays by name, or a file of them, random from `seed` without; dropout draws from
    it, too. Layers run as in training, norms by the statistics of the batch, and nothing that is
    given is changed. What is computed has the dtype of `x`, or float32 where that is of whole
    numbers.

    Raises `SpecError` for a network with errors, or with a layer that the batch is too small for,
    and `ValueError` for what does not fit.
    """
    from convcalc.analysis.memory.batch import refusals, too_small
    from convcalc.forward.given import checked_inputs, examples_of
    from convcalc.forward.gradients import gradients as of_checked
    from convcalc.forward.losses import LOSSES
    from convcalc.forward.named import given_weights, own_weights
    from convcalc.forward.weights import random_weights

    network = planned(read(network, input=input, parameters=parameters))
    one_of(loss, "loss", LOSSES)
    seed = whole(seed, "seed", least=0)
    batch = examples_of(checked_inputs(network, x))
    if too_small(network, batch, training=True) is not None:
        raise SpecError(refusals(network, batch, training=True))
    fitted = own_weights(network) if weights is None else given_weights(weights, network)
    arrays = random_weights(network, seed) if fitted is None else fitted.weights
    return of_checked(network, x, target, arrays, loss, seed)
