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
    from convcalc.analysis import LayerReport, Report, Totals, analyze
    from convcalc.analysis.memory import MemoryReport, largest_batch, memory
    from convcalc.diagnostics import Diagnostic
    from convcalc.forward import run
    from convcalc.graph import Network, SpecError, load, loads, read
    from convcalc.shape import Shape
    from convcalc.window import Field, Window

__version__ = "0.1.0"

__all__ = [
    "Diagnostic",
    "Field",
    "LayerReport",
    "MemoryReport",
    "Network",
    "Report",
    "Shape",
    "SpecError",
    "Totals",
    "Window",
    "analyze",
    "largest_batch",
    "load",
    "loads",
    "memory",
    "read",
    "run",
]

_HOMES = {
    "Diagnostic": "diagnostics",
    "Field": "window",
    "LayerReport": "analysis",
    "MemoryReport": "analysis.memory",
    "Network": "graph",
    "Report": "analysis",
    "Shape": "shape",
    "SpecError": "graph",
    "Totals": "analysis",
    "Window": "window",
    "analyze": "analysis",
    "largest_batch": "analysis.memory",
    "load": "graph",
    "loads": "graph",
    "memory": "analysis.memory",
    "read": "graph",
    "run": "forward",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from importlib import import_module

    found: object = getattr(import_module(f"convcalc.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
