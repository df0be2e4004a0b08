"""One row a network: its totals, what inference takes at its peak, and the batches that fit."""

from collections.abc import Sequence
from typing import NamedTuple

from convcalc.analysis.memory.limits import Limit
from convcalc.analysis.memory.terms import RunTerms, model
from convcalc.analysis.report import Report


class Summary(NamedTuple):
    """A network in one row."""

    report: Report
    """Its layers and totals; where errors keep something unknown, what is known."""
    peak: int | None
    """Bytes that inference takes at its peak with the report's batch; None with errors."""
    batches: tuple[int | None, ...]
    """For each limit the largest batch of inference, 0 where not even one example fits; None with
    errors."""


def summarize(report: Report, limits: Sequence[Limit] = ()) -> Summary:
    """The row of a network.

    >>> from convcalc import analyze, load
    >>> from convcalc.analysis.memory import read_limit
    >>> row = summarize(analyze(load("lenet5")), [read_limit("1MB")])
    >>> row.report.totals.parameters, row.batches
    (61706, (18,))
    """
    network = report.network
    if network is None or network.errors:
        return Summary(report, None, (None,) * len(limits))
    any_batch = model(network, RunTerms(report.dtype))
    batches = tuple(any_batch.largest_batch(limit.room) for limit in limits)
    return Summary(report, any_batch.peak(report.batch), batches)
