"""What training costs in arithmetic: of a step, and of a whole run."""

from typing import NamedTuple

from convcalc.analysis.report import Report


class Training(NamedTuple):
    """The multiplications of a step of training, and of a run; see docs/definitions.md."""

    batch: int
    """Examples of a step."""
    macs: int
    """Multiply-accumulates of the forward pass of the batch."""
    backward_macs: int
    """Multiply-accumulates of the backward pass of the batch."""
    frozen: int = 0
    """Parameters that training leaves as they are."""
    dataset_size: int | None = None
    """Examples of an epoch; None where no run is asked about."""
    epochs: int = 1
    """How often the run sees each of them."""
    complete: bool = True
    """False when errors keep some layer out of the sums."""

    @property
    def flops(self) -> int:
        """Floating-point operations of a step: 2 × the MACs of both passes."""
        return 2 * (self.macs + self.backward_macs)

    @property
    def steps(self) -> int | None:
        """Steps of the run, the last of an epoch with what is left of its examples."""
        if self.dataset_size is None:
            return None
        return -(-self.dataset_size // self.batch) * self.epochs

    @property
    def run_flops(self) -> int | None:
        """Floating-point operations of the run: those of an example, for each one that it sees."""
        if self.dataset_size is None:
            return None
        return self.flops // self.batch * self.dataset_size * self.epochs


def training(report: Report, dataset_size: int | None = None, epochs: int = 1) -> Training | None:
    """What training the network takes; None where errors keep all of it unknown."""
    if report.unread:
        return None
    totals = report.totals
    return Training(
        report.batch,
        totals.known("macs"),
        totals.known("backward_macs"),
        totals.known("frozen_parameters"),
        dataset_size,
        epochs,
        totals.complete,
    )
