"""CC422: a parameter that nothing mentions."""

from collections.abc import Iterator

from convcalc.rules.base import Advice
from convcalc.rules.written import names_in
from convcalc.spec.tree import Block, Spec

TEXTS = ("name", "reference", "description", "year", "origins", "written")
"""Top-level keys that hold text, in which no name means anything."""


def check(spec: Spec) -> Iterator[Advice]:
    """Parameters of the spec and of its blocks that no expression mentions."""
    mentioned: set[str] = set()
    for key in spec:
        if key not in (*TEXTS, "blocks"):
            mentioned |= names_in(spec[key])
    for name, block in spec.blocks.items():
        if not isinstance(block, Block):
            continue
        own = block.parameters
        body, defaults = names_in(block.get("layers")), names_in(own)
        for parameter in own:
            if parameter not in body and parameter not in defaults:
                yield Advice(
                    None,
                    f"nothing in block `{name}` mentions its parameter `{parameter}`",
                    "use it, or leave it out here and where the block is called",
                    f"blocks.{name}.parameters.{parameter}",
                )
        mentioned |= (body - set(own)) | defaults
    for parameter in spec.parameters:
        if parameter not in mentioned:
            yield Advice(
                None,
                f"nothing mentions the parameter `{parameter}`",
                "use it, or leave it out",
                f"parameters.{parameter}",
            )
