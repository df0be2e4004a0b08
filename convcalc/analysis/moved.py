"""The bytes that layers read and write: what arithmetic intensity divides by."""

from convcalc.analysis.report import DTYPE_BYTES, INDEX, Report


def moved_bytes(report: Report) -> list[int | None]:
    """For each layer of a report the bytes of its inputs, its output and its weights, each once.

    Inputs and the output are those of the whole batch; weights count where they are used, whoever
    has them, and buffers with them. None where an error keeps one of them unknown.
    Source: Williams, Waterman and Patterson, "Roofline", CACM 52(4), 2009, section 3, whose traffic
    this is where no cache holds anything from one layer to the next.
    """
    width = DTYPE_BYTES[report.dtype]
    looked_up = _looked_up(report)
    sizes = {
        node.name: None
        if node.output is None
        else report.batch * node.output.size * (INDEX if node.name in looked_up else width)
        for node in report.nodes
    }
    moved: list[int | None] = []
    for layer in report.layers:
        parts = [sizes.get(name) for name in (*layer.inputs, layer.name)]
        known = [part for part in parts if part is not None]
        weights = width * sum(weight.size for weight in layer.weights)
        moved.append(sum(known) + weights if len(known) == len(parts) else None)
    return moved


def _looked_up(report: Report) -> set[str]:
    """Names of the inputs that are whole numbers."""
    network = report.network
    return set() if network is None else {network.nodes[at].name for at in network.index_inputs}
