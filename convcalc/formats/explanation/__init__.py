"""The formats of `convcalc explain`: each makes text of a `Page`, whatever that explains."""

from collections.abc import Mapping
from types import MappingProxyType

from convcalc.formats import Format

EXPLANATION_FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "table": Format("The same as plain, with colours, folded to the terminal.", "text"),
        "plain": Format("Titles, aligned formulas and tables, for pipes and files.", "text"),
        "json": Format("Every number by itself; see docs/explain.schema.json.", "values"),
        "markdown": Format("Headings, lists and tables.", "document"),
    }
)
"""The formats of `explain`, by name."""
