"""One slip: what somebody wrote, what is said of it, and what they meant, written by hand."""

import re
from textwrap import indent
from typing import NamedTuple


class Slip(NamedTuple):
    """What somebody writes who comes from elsewhere; texts are specs, or only their items.

    What is expected is what the person meant, never what the program happened to say.
    """

    by: str
    """Who writes so: `pytorch`, `keras`, `caffe`, `yolo` (and darknet), `yaml` (who knows none)."""
    text: str
    """What they write: a whole spec, or items, where the dash of a single one may be left out."""
    code: str
    """The code of what is found; no error has another."""
    fixed: str | None = None
    """What `--fix` must make of it; None where it must leave it alone."""
    help: str | None = None
    """Words of the help. What they have in backticks must stand in `then`."""
    then: str | None = None
    """What somebody writes who does as the help says; None where nothing can be written."""
    input: str = "32x32x8"
    """The input shape of a text that is only items."""

    def spec(self, text: str) -> str:
        """A whole spec of items; a text of lines that has `layers` or `input` stays as it is."""
        if "\n" in text and re.search(r"^\W*(layers?|inputs?|Input)\b", text, re.MULTILINE):
            return text
        items = text if text.lstrip().startswith("-") else "- " + text.replace("\n", "\n  ")
        return f"input: {self.input}\nlayers:\n{indent(items, '  ')}\n"
