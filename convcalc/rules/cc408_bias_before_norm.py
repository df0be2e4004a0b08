"""CC408: a bias that a norm takes away again."""

from collections.abc import Iterator

from convcalc.diagnostics import set_field
from convcalc.rules.base import Advice
from convcalc.rules.context import WEIGHTED, Context


def check(context: Context) -> Iterator[Advice]:
    """Layers whose bias the batch or instance normalization behind them takes away."""
    biases = list(_biases(context))
    idle = {advice.layer for advice in biases}
    for advice in biases:
        everywhere = advice.layer is not None and idle.issuperset(context.alike(advice.layer))
        yield advice._replace(fix=set_field("bias", value=False) if everywhere else None)


def _biases(context: Context) -> Iterator[Advice]:
    for norm in context.of("batchnorm", "instancenorm"):
        index = context.before(norm)
        if context.kind(index) not in WEIGHTED or context.reader(index) != norm:
            continue
        if not getattr(context.nodes[index].layer, "bias", False):
            continue
        if context.kind(index) == "locally_connected":
            continue  # a bias of its own at every position
        count = context.output(index).channels
        yield Advice(
            index,
            f"{context.kind(norm)} subtracts the mean of each channel, and with it the bias: "
            + (f"{count:,} parameters do nothing" if count > 1 else "1 parameter does nothing"),
            "set `bias: false`",
            "bias",
        )
