"""Networks whose memory is not told: of a batch too small for them, or in training, of some layers.

One value alone has no variance to normalize by, and PyTorch refuses to run such a layer
(torch/nn/functional.py, `_verify_batch_size`).
"""

from typing import NamedTuple

from convcalc.diagnostics import Diagnostic, Problem, Span
from convcalc.findings import Findings
from convcalc.graph import Network
from convcalc.graph.planned import planned


class Fewest(NamedTuple):
    """The smallest batch, and the first layer that a smaller one is too small for."""

    batch: int = 1
    """The smallest number of examples that every layer takes."""
    layer: int | None = None
    """Index of the first layer that needs so many; None where one example is enough."""


def fewest(network: Network, *, training: bool) -> Fewest:
    """The smallest batch that every layer of a network takes, which must be without errors."""
    network = planned(network)
    least = Fewest()
    for index, node in enumerate(network.nodes):
        shapes = [network.shape_of(each) for each in node.inputs]
        needed = node.layer.fewest(shapes, training=training)
        if needed > least.batch:
            least = Fewest(needed, index)
    return least


def too_small(network: Network, batch: int, *, training: bool) -> Problem | None:
    """What is wrong with a batch that is too small for a network; None if it is not."""
    least, layer = fewest(network, training=training)
    if batch >= least or layer is None:
        return None
    node = network.nodes[layer]
    use = "trained on" if training else "run on"
    return Problem(
        "CC513",
        f"the network cannot be {use} a batch of {batch}: {node.kind} needs more than one value "
        f"per channel to normalize, and its input {network.shape_of(node.inputs[0])} has {batch}",
        help=f"the smallest batch that works is {least}",
    )


def untrained(network: Network) -> tuple[Problem, int] | None:
    """Why a training step's memory is not known, and the layer that it is not known of."""
    for index, node in enumerate(network.nodes):
        if node.layer is not None and node.layer.untrained:
            problem = Problem(
                "CC514",
                f"memory of a training step is not known: {node.layer.untrained}",
                help="ask for that of inference, which is known to the byte",
            )
            return problem, index
    return None


def refused(network: Network, batch: int, *, training: bool) -> Problem | None:
    """Why a network's memory is not told for a batch; None where it is."""
    small = too_small(network, batch, training=training)
    if small is None and training:
        unknown = untrained(network)
        return None if unknown is None else unknown[0]
    return small


def refusals(network: Network, batch: int, *, training: bool) -> list[Diagnostic]:
    """Why its memory is not told, at the place of the layer that is the reason."""
    if network.written is not None and network.written.unmeasured:
        return list(network.written.unmeasured)
    problem = too_small(network, batch, training=training)
    _, layer = fewest(network, training=training)
    if problem is None and training:
        problem, layer = untrained(network) or (None, None)
    if problem is None or layer is None:
        return []
    if network.written is None:
        nowhere = Span(1, 1, 1, 2)
        return [
            Diagnostic(
                code=problem.code,
                severity=problem.severity,
                message=problem.message,
                help=problem.help,
                path=network.path,
                place=nowhere,
                source_line="",
            )
        ]
    from convcalc.graph.occurrences import located  # there is something to say
    from convcalc.graph.places import diagnose

    findings = Findings(network.written.places)
    diagnose(findings, network, layer, problem)
    return list(located(network, findings))
