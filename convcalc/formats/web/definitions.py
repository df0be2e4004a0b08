"""What figures mean, in the words of the documentation that defines them."""

import re
from functools import cache

from convcalc.documentation import read_file, sections

FIGURES = {
    "parameters": ("definitions.md", "parameters-and-buffers", "**Parameters** are"),
    "buffers": ("definitions.md", "parameters-and-buffers", "**buffers**"),
    "macs": ("definitions.md", "macs-and-flops", "A **MAC** is"),
    "flops": ("definitions.md", "macs-and-flops", "**FLOPs** are"),
    "activations": ("definitions.md", "activations", "The **activations** of"),
    "receptive_field": ("definitions.md", "receptive-fields", "The **receptive field** is"),
    "effective_stride": ("definitions.md", "receptive-fields", "The **effective stride** is"),
    "effective_padding": ("definitions.md", "receptive-fields", "The **effective padding** is"),
    "inference": ("definitions.md", "memory", "The peak of inference"),
    "alive": ("definitions.md", "memory", "The bytes of its tensors"),
}
"""Figure → the page that defines it, the section, and what the line has that does."""
_ROW = re.compile(r"^\| ([a-z ]+) \| ([^|]+) \|", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")


@cache
def definitions() -> dict[str, str]:
    """Figure → its definition in one paragraph of plain text.

    Lines and peaks of memory are among them, as `memory.backward peak`.
    """
    texts = {}
    for name, (page, anchor, marker) in FIGURES.items():
        section = _section(page, anchor)
        line = next(line for line in section.split("\n") if marker in line)
        texts[name] = _plain(line.removeprefix("- "))
    for name, text in _ROW.findall(_section("memory.md", "definitions")):
        texts[f"memory.{name}"] = _plain(text)
    return texts


def _section(page: str, anchor: str) -> str:
    return next(text for name, text in sections(read_file(page)) if name == anchor)


def _plain(text: str) -> str:
    """A sentence of Markdown without its marks."""
    return re.sub(r"[*`]", "", _LINK.sub(r"\1", text)).strip()
