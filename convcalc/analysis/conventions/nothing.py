"""Kinds that no tool counts anything of: they move values, or do nothing in inference."""

from collections.abc import Mapping

from convcalc.analysis.conventions.terms import Rule

MOVING = (
    "flatten", "reshape", "permute", "pixel_shuffle", "space_to_depth", "channel_shuffle", "pad",
    "crop", "slice", "concat", "dropout", "identity", "learned",
)  # fmt: skip
"""Views and copies of values, parameters that are read, and what is skipped in inference."""


def nothing(*kinds: str) -> Mapping[str, Rule]:
    """Rules of kinds that count nothing beside their multiply-accumulates."""
    return dict.fromkeys((*MOVING, *kinds), ())
