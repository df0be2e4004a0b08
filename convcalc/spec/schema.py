"""The JSON Schema of a spec, made from the layers' declarations, for editors.

Draft 7, because editors support it everywhere. An item is one flat object with a property for every
kind: with alternatives, editors complete only the first. Where a block is called like a kind, the
fields beneath are the block's, so that there the kinds only have names.
"""

from typing import Any

from convcalc.layers import CATALOGUE, layer_class
from convcalc.layers.base import Declared, Layer, declarations, defaults
from convcalc.spec.expand import TOP_LEVEL
from convcalc.spec.fields import MODIFIERS
from convcalc.spec.promises import BUDGETS, EXPECTATIONS

_TYPES: dict[str, list[str]] = {
    "whole": ["integer", "string"],
    "number": ["number", "string"],
    "flag": ["boolean", "string"],
    "axes": ["integer", "string", "array"],
    "ratios": ["number", "string", "array"],
    "padding": ["integer", "string", "array"],
    "extents": ["integer", "string", "array"],
}
"""JSON types of each form of field; a string may hold an expression, or 3x3."""


def spec_schema() -> dict[str, Any]:
    """The schema of a spec, as a JSON value."""
    scalar = {"type": ["number", "boolean", "string"]}
    properties: dict[str, Any] = {
        "name": {"type": "string"},
        "reference": {"type": "string"},
        "description": {"type": "string"},
        "year": {"type": "integer"},
        "input": {"type": ["string", "integer", "array"]},
        "parameters": {"type": ["object", "null"], "additionalProperties": scalar},
        "presets": {
            "type": "object",
            "additionalProperties": {"type": ["object", "null"]},
        },
        "defaults": {
            "type": "object",
            "properties": {
                kind: {"type": "object", "properties": _fields(layer_class(kind))}
                for kind in CATALOGUE
                if declarations(layer_class(kind))
            },
            "additionalProperties": False,
        },
        "rounding": {"enum": ["exact", "floor", "ceil"]},
        "blocks": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "properties": {
                    "description": {"type": "string"},
                    "parameters": {"type": ["object", "null"]},
                    "layers": {"type": "array"},
                },
                "required": ["layers"],
                "additionalProperties": False,
            },
        },
        "layers": {"type": "array"},
        "expect": {"type": "object", "properties": _documented(EXPECTATIONS)},
        "budget": {"type": "object", "properties": _documented(BUDGETS)},
    }
    for key, doc in TOP_LEVEL.items():
        properties[key]["description"] = doc
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "convcalc spec",
        "description": "A convolutional network, as convcalc reads it.",
        "type": "object",
        "properties": {key: properties[key] for key in TOP_LEVEL},
        "required": ["input", "layers"],
        "additionalProperties": False,
        "if": {"properties": {"blocks": {"propertyNames": {"not": {"enum": list(CATALOGUE)}}}}},
        "then": _all_items("item"),
        "else": _all_items("item_beside_blocks_called_like_kinds"),
        "definitions": {
            "item": _item("item", {kind: _kind(layer_class(kind)) for kind in CATALOGUE}),
            "item_beside_blocks_called_like_kinds": _item(
                "item_beside_blocks_called_like_kinds",
                {kind: {"description": _summary(layer_class(kind))} for kind in CATALOGUE},
            ),
        },
    }


def _items(definition: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/definitions/{definition}"}}


def _all_items(definition: str) -> dict[str, Any]:
    """What the items of a spec and of its blocks are."""
    layers = {"layers": _items(definition)}
    blocks = {"additionalProperties": {"properties": layers}}
    return {"properties": {**layers, "blocks": blocks}}


def _documented(docs: dict[str, str]) -> dict[str, Any]:
    return {name: {"description": doc} for name, doc in docs.items()}


def _item(definition: str, kinds: dict[str, Any]) -> dict[str, Any]:
    modifiers: dict[str, dict[str, Any]] = {
        "name": {"type": "string"},
        "from": {"type": "string"},
        "repeat": {"type": ["integer", "string"], "minimum": 0},
        "when": {"type": ["boolean", "string"]},
        "shared": {"type": ["boolean", "string"]},
    }
    for name, doc in MODIFIERS.items():
        modifiers[name]["description"] = doc
    return {
        "description": "A layer, a group, or a call of a block.",
        "type": ["string", "object"],
        "properties": {
            **kinds,
            "layers": {**_items(definition), "description": "A group of items."},
            **modifiers,
        },
    }


def _summary(layer: type[Layer]) -> str:
    return (layer.__doc__ or "").strip().split("\n")[0]


def _kind(layer: type[Layer]) -> dict[str, Any]:
    summary = _summary(layer)
    if layer.inputs == "many":
        return {
            "description": summary,
            "type": "array",
            "items": {"type": "array", "items": {"$ref": "#/definitions/item"}},
        }
    declared = declarations(layer)
    principal = next(iter(declared.values()), None)
    types = ["object", "null"]
    if principal is not None and layer.stands_alone:
        types += [name for name in _TYPES.get(principal.form, ["string"]) if name not in types]
    return {
        "description": summary,
        "type": types,
        "properties": _fields(layer),
        "additionalProperties": False,
    }


def _fields(layer: type[Layer]) -> dict[str, Any]:
    usual = defaults(layer)
    fields: dict[str, Any] = {}
    for name, declared in declarations(layer).items():
        fields[name] = _field(declared)
        default = usual.get(name)
        if default is not None:
            fields[name]["default"] = default
    return fields


def _field(declared: Declared) -> dict[str, Any]:
    if declared.form == "choice":
        return {
            "description": declared.doc,
            "anyOf": [{"enum": list(declared.choices)}, {"type": "string"}],
        }
    field: dict[str, Any] = {"description": declared.doc, "type": _TYPES[declared.form]}
    if declared.minimum is not None:
        field["minimum"] = declared.minimum
    if declared.above is not None:
        field["exclusiveMinimum"] = declared.above
    if declared.maximum is not None:
        field["maximum"] = declared.maximum
    return field
