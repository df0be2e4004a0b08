"""The formats of a report: every name, and what is known of one without its module."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

Form = Literal["text", "document", "rows", "values"]
"""Who reads an answer, and how several of them stand in one output.

- text: people; written as the terminal can show it, several with an empty line between them
- document: programs that show it to people; UTF-8, several with an empty line between them
- rows: programs, as one table; UTF-8, several in one table, whose head the first writes
- values: programs, as JSON with everything there is; UTF-8, several in one array
"""


class Format(NamedTuple):
    """A format of a command: the module of its name, in the command's package, has `render`."""

    doc: str
    """What it is, in a sentence for the reference."""
    form: Form
    """Who reads it, and how several answers stand in one output."""

    @property
    def machine(self) -> bool:
        """Programs read it: UTF-8 on every system, whatever its terminal is set to."""
        return self.form != "text"

    @property
    def data(self) -> bool:
        """Nothing may stand beside the answers: notes go to standard error."""
        return self.form in ("rows", "values")


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "table": Format("Tree with colours and bars, as wide as the terminal.", "text"),
        "plain": Format("Aligned text, for pipes and files.", "text"),
        "json": Format("Everything, stable; see docs/report.schema.json.", "values"),
        "csv": Format("One row a layer.", "rows"),
        "markdown": Format("A table for a README or a pull request.", "document"),
    }
)
"""The formats of `analyze`, by name."""
