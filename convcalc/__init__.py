"""Work out convolutional networks from a YAML file, without a deep-learning framework.

>>> import convcalc
>>> network = convcalc.load("vgg16")
>>> report = convcalc.analyze(network, batch=32)
>>> report.totals.parameters
138357544

Names are imported when they are first used, because start-up is a feature.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from convcalc.analysis import LayerReport as LayerReport
    from convcalc.analysis import Report as Report
    from convcalc.analysis import Totals as Totals
    from convcalc.analysis import analyze as analyze
    from convcalc.analysis.compare import Comparison as Comparison
    from convcalc.analysis.conventions import Count as Count
    from convcalc.analysis.conventions import count as count
    from convcalc.analysis.conventions.whose import Owners as Owners
    from convcalc.analysis.conventions.whose import whose as whose
    from convcalc.analysis.memory import MemoryReport as MemoryReport
    from convcalc.analysis.memory import largest_batch as largest_batch
    from convcalc.analysis.memory import memory as memory
    from convcalc.analysis.reach import Reached as Reached
    from convcalc.checks.gradients import gradients as gradients
    from convcalc.checks.library import check as check
    from convcalc.checks.library import diff as diff
    from convcalc.checks.library import verify as verify
    from convcalc.checks.report import CheckReport as CheckReport
    from convcalc.checks.verdict import Verdict as Verdict
    from convcalc.diagnostics import Diagnostic as Diagnostic
    from convcalc.exchange.export import Exported as Exported
    from convcalc.exchange.export import export as export
    from convcalc.explanation import Explanation as Explanation
    from convcalc.explanation import explain as explain
    from convcalc.explanation.backwards import Solved as Solved
    from convcalc.explanation.backwards import solve_size as solve_size
    from convcalc.explanation.calculator import Sized as Sized
    from convcalc.explanation.calculator import size as size
    from convcalc.explanation.fit import Fit as Fit
    from convcalc.explanation.fit import explain_fit as explain_fit
    from convcalc.explanation.messages import ExplainedError as ExplainedError
    from convcalc.explanation.messages import explain_error as explain_error
    from convcalc.explanation.peak import PeakExplanation as PeakExplanation
    from convcalc.explanation.peak import explain_memory as explain_memory
    from convcalc.explanation.region import Region as Region
    from convcalc.explanation.region import explain_reach as explain_reach
    from convcalc.explanation.region import explain_region as explain_region
    from convcalc.explanation.value import ExplainedValue as ExplainedValue
    from convcalc.explanation.value import explain_value as explain_value
    from convcalc.formats.web.library import report as report
    from convcalc.forward import run as run
    from convcalc.forward.gradients import LossGradients as LossGradients
    from convcalc.graph import Network as Network
    from convcalc.graph import SpecError as SpecError
    from convcalc.graph import load as load
    from convcalc.graph import loads as loads
    from convcalc.graph import parse as parse
    from convcalc.graph import read as read
    from convcalc.graph.frozen import freeze as freeze
    from convcalc.laws import sizes as sizes
    from convcalc.laws.law import Law as Law
    from convcalc.laws.report import SizesReport as SizesReport
    from convcalc.patterns import new as new
    from convcalc.patterns import pattern as pattern
    from convcalc.pictures import draw as draw
    from convcalc.pictures.scene import Scene as Scene
    from convcalc.shape import Shape as Shape
    from convcalc.spec.nodes import Text as Text
    from convcalc.spec.tree import Block as Block
    from convcalc.spec.tree import Item as Item
    from convcalc.spec.tree import Spec as Spec
    from convcalc.surgery import Converted as Converted
    from convcalc.surgery import convert as convert
    from convcalc.surgery.shifted import dense as dense
    from convcalc.sweeps.fit import Fitted as Fitted
    from convcalc.sweeps.fit import fit as fit
    from convcalc.sweeps.library import Designs as Designs
    from convcalc.sweeps.library import Sweep as Sweep
    from convcalc.sweeps.library import sweep as sweep
    from convcalc.sweeps.report import SweepReport as SweepReport
    from convcalc.window import Field as Field
    from convcalc.window import Window as Window

__version__ = "0.2.0"

_HOMES = {
    "Block": "spec.tree",
    "CheckReport": "checks.report",
    "Comparison": "analysis.compare",
    "Converted": "surgery",
    "Count": "analysis.conventions",
    "Designs": "sweeps.library",
    "Diagnostic": "diagnostics",
    "ExplainedError": "explanation.messages",
    "ExplainedValue": "explanation.value",
    "Explanation": "explanation",
    "Exported": "exchange.export",
    "Field": "window",
    "Fit": "explanation.fit",
    "Fitted": "sweeps.fit",
    "Item": "spec.tree",
    "Law": "laws.law",
    "LayerReport": "analysis",
    "LossGradients": "forward.gradients",
    "MemoryReport": "analysis.memory",
    "Network": "graph",
    "Owners": "analysis.conventions.whose",
    "PeakExplanation": "explanation.peak",
    "Reached": "analysis.reach",
    "Region": "explanation.region",
    "Report": "analysis",
    "Scene": "pictures.scene",
    "Shape": "shape",
    "Sized": "explanation.calculator",
    "SizesReport": "laws.report",
    "Solved": "explanation.backwards",
    "Spec": "spec.tree",
    "SpecError": "graph",
    "Sweep": "sweeps.library",
    "SweepReport": "sweeps.report",
    "Text": "spec.nodes",
    "Totals": "analysis",
    "Verdict": "checks.verdict",
    "Window": "window",
    "analyze": "analysis",
    "check": "checks.library",
    "convert": "surgery",
    "count": "analysis.conventions",
    "dense": "surgery.shifted",
    "diff": "checks.library",
    "draw": "pictures",
    "explain": "explanation",
    "explain_error": "explanation.messages",
    "explain_fit": "explanation.fit",
    "explain_memory": "explanation.peak",
    "explain_reach": "explanation.region",
    "explain_region": "explanation.region",
    "explain_value": "explanation.value",
    "export": "exchange.export",
    "fit": "sweeps.fit",
    "freeze": "graph.frozen",
    "gradients": "checks.gradients",
    "largest_batch": "analysis.memory",
    "load": "graph",
    "loads": "graph",
    "memory": "analysis.memory",
    "new": "patterns",
    "parse": "graph",
    "pattern": "patterns",
    "read": "graph",
    "report": "formats.web.library",
    "run": "forward",
    "size": "explanation.calculator",
    "sizes": "laws",
    "solve_size": "explanation.backwards",
    "sweep": "sweeps.library",
    "verify": "checks.library",
    "whose": "analysis.conventions.whose",
}
"""Public name → the module it is in; type checkers read the same above."""

__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from importlib import import_module

    value: object = getattr(import_module(f"convcalc.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
