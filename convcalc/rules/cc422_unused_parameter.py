"""CC422: a parameter that nothing mentions."""

from collections.abc import Iterator

from convcalc.rules.base import Advice
from convcalc.rules.context import Context
from convcalc.rules.written import entries, words
from convcalc.spec.source import MapNode

TEXTS = ("name", "reference", "description", "year")
"""Top-level keys that hold text, in which no name means anything."""


def check(context: Context) -> Iterator[Advice]:
    """Parameters of the spec and of its blocks that no expression mentions."""
    root = context.network.written.root if context.network.written else None
    if not isinstance(root, MapNode):
        return
    blocks = entries(root.entries.get("blocks"))
    mentioned: set[str] = set()
    for key, value in root.entries.items():
        if key not in (*TEXTS, "blocks"):
            mentioned |= words(value)
    for name, block in blocks.items():
        own = entries(block).get("parameters")
        body = words(entries(block).get("layers"))
        defaults = words(own)
        for parameter in entries(own):
            if parameter not in body and parameter not in defaults:
                yield Advice(
                    None,
                    f"nothing in block `{name}` mentions its parameter `{parameter}`",
                    "use it, or leave it out here and where the block is called",
                    f"blocks.{name}.parameters.{parameter}",
                )
        mentioned |= (body - set(entries(own))) | defaults
    for parameter in entries(root.entries.get("parameters")):
        if parameter not in mentioned:
            yield Advice(
                None,
                f"nothing mentions the parameter `{parameter}`",
                "use it, or leave it out",
                f"parameters.{parameter}",
            )
