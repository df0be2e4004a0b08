"""From a network to plain numbers."""

from convcalc.analysis.cost import analyze
from convcalc.analysis.report import DTYPE_BYTES, LayerReport, Report, Tensor, Totals

__all__ = ["DTYPE_BYTES", "LayerReport", "Report", "Tensor", "Totals", "analyze"]
