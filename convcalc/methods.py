"""Methods of values whose work is done on a floor above: which module and function does it.

People ask a report itself for Markdown, and a notebook asks it for HTML, while a report must not
import what makes text of it. The method stands on the value, bare, and what it does is found here
when it is called.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

METHODS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "Network._repr_html_": ("convcalc.formats.html", "of_network"),
        "Report.__str__": ("convcalc.formats.plain", "render"),
        "Report.to_markdown": ("convcalc.formats.markdown", "render"),
        "Report.to_csv": ("convcalc.formats.csv", "render"),
        "Report.to_json": ("convcalc.formats.json", "render"),
        "Report._repr_html_": ("convcalc.formats.html", "render"),
        "MemoryReport.__str__": ("convcalc.formats.memory.plain", "render"),
        "MemoryReport.to_markdown": ("convcalc.formats.memory.markdown", "render"),
        "MemoryReport.to_csv": ("convcalc.formats.memory.csv", "render"),
        "MemoryReport.to_json": ("convcalc.formats.memory.json", "render"),
        "MemoryReport._repr_html_": ("convcalc.formats.memory.html", "render"),
        "Comparison.__str__": ("convcalc.formats.diff.plain", "render"),
        "Comparison.to_markdown": ("convcalc.formats.diff.markdown", "render"),
        "Comparison.to_csv": ("convcalc.formats.diff.csv", "render"),
        "Comparison.to_json": ("convcalc.formats.diff.json", "render"),
        "Comparison._repr_html_": ("convcalc.formats.diff.html", "render"),
        "Count.__str__": ("convcalc.formats.counts", "bridge_text"),
        "Count.to_json": ("convcalc.formats.counts", "bridge_json"),
        "Owners.__str__": ("convcalc.formats.counts", "owners_text"),
        "Owners.to_json": ("convcalc.formats.counts", "owners_json"),
        "CheckReport.__str__": ("convcalc.formats.check.text", "render"),
        "CheckReport.to_json": ("convcalc.formats.check.json", "render"),
        "Verdict.__str__": ("convcalc.formats.verify.plain", "render"),
        "Verdict.to_json": ("convcalc.formats.verify.json", "render"),
        "SweepReport.__str__": ("convcalc.formats.sweep.plain", "render"),
        "SweepReport.to_json": ("convcalc.formats.sweep.json", "render"),
        "Page.__str__": ("convcalc.formats.explanation.plain", "render"),
        "Page.to_markdown": ("convcalc.formats.explanation.markdown", "render"),
        "Page.to_json": ("convcalc.formats.explanation.json", "render"),
        "Network.nearest_inputs": ("convcalc.laws.helping", "nearest_inputs"),
        "Network.nearest_whole_inputs": ("convcalc.laws.helping", "nearest_whole_inputs"),
        "Network.sizes": ("convcalc.laws", "sizes_of"),
        "SizesReport.__str__": ("convcalc.explanation.inputs", "text"),
        "SizesReport.to_markdown": ("convcalc.explanation.inputs", "markdown"),
        "SizesReport.to_json": ("convcalc.explanation.inputs", "json"),
        "Fitted.__str__": ("convcalc.sweeps.fit_page", "text"),
        "Fitted.to_json": ("convcalc.sweeps.fit_page", "json"),
        "Spec.network": ("convcalc.graph", "built"),
        "Opened.foreign": ("convcalc.exchange", "read"),
    }
)
"""Class and method → the module and the function that is called with the value."""


def above(method: str, *arguments: Any, **options: Any) -> Any:
    """Do what `method`, as `Report.to_json`, is for; the module is imported now."""
    from importlib import import_module

    module, name = METHODS[method]
    return getattr(import_module(module), name)(*arguments, **options)


def from_json(text: str) -> dict[str, Any]:
    """The same as Python has it: lists, dictionaries, numbers, texts and None."""
    from json import loads

    value: dict[str, Any] = loads(text)
    return value
