"""Kinds of layers as JSON."""

import json
from collections.abc import Sequence
from typing import Any

from convcalc.analysis.reference import FAMILIES, KindReference
from convcalc.formats.json import SCHEMA, shape_value


def render(kinds: Sequence[KindReference], **_: object) -> str:
    """Everything that the reference says, ending in a newline."""
    value = {"schema": SCHEMA, "kinds": [_kind(kind) for kind in kinds]}
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


listed = render
"""The list is of the same values, which programs pick from."""


def _kind(kind: KindReference) -> dict[str, Any]:
    return {
        "kind": kind.kind,
        "family": kind.family,
        "family_title": FAMILIES[kind.family],
        "summary": kind.summary,
        "text": "\n".join(kind.sentences),
        "source": kind.source,
        "merges": kind.merges,
        "fields": [
            {
                "name": field.name,
                "takes": field.takes,
                "words": list(field.words),
                "required": field.required,
                "default": field.default,
                "meaning": field.doc,
            }
            for field in kind.fields
        ],
        "example": {
            "item": kind.example,
            "inputs": [shape_value(shape) for shape in kind.inputs],
            "output": shape_value(kind.plan.output),
            "parameters": kind.parameters,
            "buffers": kind.buffers,
            "macs": kind.plan.macs,
        },
        "formulas": [
            {"of": each.what, "formula": each.letters, "filled": each.numbers, "value": each.value}
            for each in kind.formulas
        ],
    }
