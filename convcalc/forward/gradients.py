"""A loss and all its gradients, by the definitions of a network's layers."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from convcalc.diagnostics import ArgumentError, listed
from convcalc.forward.backward import backward_pass, forward_pass
from convcalc.forward.given import checked_inputs, examples_of
from convcalc.forward.losses import Loss, checked_target, loss_of
from convcalc.forward.threads import blas_threads
from convcalc.graph.asked import asked_of
from convcalc.graph.ends import last_kind
from convcalc.graph.planned import Planned


class LossGradients(NamedTuple):
    """A loss, and how it changes with every weight and every input."""

    loss: float
    """The loss: a mean over examples and positions, of several outputs the sum of theirs."""
    weights: dict[str, Any]
    """Gradients of weights by "<layer>.<weight>"; of shared ones the sum, and none of those that
    no output is made of."""
    inputs: dict[str, Any]
    """Gradients of the inputs by their names, those of whole numbers left out."""
    outputs: dict[str, Any]
    """The outputs by their names, batch first, as training has them."""
    statistics: dict[str, Any]
    """Running statistics behind this batch, by "<layer>.<statistic>"."""

    def __repr__(self) -> str:
        """The loss, and of how many weights there are gradients, in one line."""
        return f"<LossGradients: loss {self.loss:.6g}, {len(self.weights)} weights>"


def gradients(
    network: Planned, x: Any, target: Any, weights: Mapping[str, Any], loss: str, seed: int
) -> LossGradients:
    """The gradients of a loss by its name; `seed` is dropout's.

    Raises `TypeError` and `ValueError` for inputs and targets that do not fit.
    """
    given = checked_inputs(network, x)
    fractions = [each.dtype for each in given.values() if each.dtype.kind == "f"]
    dtype = np.result_type(*(fractions or [np.float32]))
    numbers = {network.nodes[index].name for index in network.index_inputs}
    given = {
        name: each if name in numbers else np.asarray(each, dtype) for name, each in given.items()
    }
    held = {name: np.asarray(each, dtype) for name, each in weights.items()}
    objectives = _objectives(network, target, loss, examples_of(given), dtype)
    with np.errstate(all="ignore"), blas_threads(1):
        made = forward_pass(
            np,
            network,
            given,
            held,
            asked_of(network, inputs=True),
            np.random.default_rng(seed),
        )
        total: Any = 0.0
        flowing: dict[int, Any] = {}
        for index, (of, wanted) in objectives.items():
            value, kept = of.value(np, made.outputs[index], wanted)
            total = total + value
            flowing[index] = of.gradient(np, kept, wanted)
        learned = backward_pass(np, network, held, dict(made.kept), flowing)
    return LossGradients(
        loss=float(total),
        weights=dict(learned.weights),
        inputs=dict(learned.inputs),
        outputs={name: made.outputs[index] for name, index in network.named_outputs.items()},
        statistics=dict(made.updated),
    )


def _objectives(
    network: Planned, target: Any, loss: str, examples: int, dtype: Any
) -> dict[int, tuple[Loss, Any]]:
    """By output, its loss and its targets, which are checked."""
    ends = network.named_outputs
    several = len(ends) > 1
    if several and target is not None and not isinstance(target, Mapping):
        names = ", ".join(f"{name!r}: …" for name in ends)
        message = f"{network.name} has {len(ends)} outputs, and target is one: write {{{names}}}"
        raise TypeError(message)
    if isinstance(target, Mapping):
        unknown, missing = [*target.keys() - ends.keys()], [*ends.keys() - target.keys()]
        if unknown or missing:
            wrong = f"has {unknown[0]!r:.60}" if unknown else f"lacks {listed(missing)}"
            message = f"target {wrong}: the outputs of {network.name} are {listed(ends)}"
            raise ArgumentError(message)
    objectives: dict[int, tuple[Loss, Any]] = {}
    for name, index in ends.items():
        of = loss_of(loss, last_kind(network, index))
        own = target[name] if isinstance(target, Mapping) else target
        if own is None and of.targets != "nothing":
            message = f"{loss} needs a target, and there is none: write target=…"
            raise ArgumentError(message)
        what = f"target {name!r}" if several else "target"
        shape = (examples, *network.shape_of(index).axes)
        checked = checked_target(np, of, what, own, shape)
        if checked is not None and of.targets != "classes":
            checked = checked.astype(dtype)
        objectives[index] = of, checked
    return objectives
