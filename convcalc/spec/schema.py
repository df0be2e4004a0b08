"""The JSON Schema of a spec, made from the layers' declarations, for editors.

Draft 7, because editors support it everywhere. An item is one flat object with a property for every
kind: with alternatives, editors complete only the first. Where a block is called like a kind, the
fields beneath are the block's, so that there the kinds only have names; kinds that came later only
have names anywhere (`FIRST`).

What an editor writes for a key is worked out of the key's own schema, so a kind's fields stand one
step down, in `allOf`: beside the key, yaml-language-server would write every field that has a
default, and none of those that have to be there.
"""

from collections.abc import Iterable
from typing import Any

from convcalc.layers import BRANCHES, BRANCHES_DOC, CATALOGUE, FIRST, layer_class
from convcalc.layers.base import Declared, Layer, declarations, defaults
from convcalc.layers.written import WAYS, WORDS, words_of
from convcalc.spec.expand import TOP_LEVEL
from convcalc.spec.promises import BUDGETS, EXPECTATIONS, MEMORY_FIELDS, OPTIMIZERS, TOOLS
from convcalc.spec.swept import SWEEP_FIELDS, SWEEP_WORDS
from convcalc.spec.tree import MODIFIERS

ADDRESS = "urn:convcalc:spec"
"""What the schema is called wherever it lies, as its `$id`."""

_TYPES: dict[str, list[str]] = {
    "whole": ["string", "integer"],
    "number": ["string", "number"],
    "flag": ["boolean", "string"],
    "choice": ["string"],
    "axes": ["string", "integer", "array"],
    "ratios": ["string", "number", "array"],
    "padding": ["string", "integer", "array"],
    "extents": ["string", "integer", "array"],
    "tensor": ["string"],
}
"""JSON types of each form of field; a string may hold an expression, or 3x3. What is first is what
editors take a new value for, and of a number they write 0."""

_AMOUNT: dict[str, Any] = {"type": ["string", "number"]}
_SHAPE: dict[str, Any] = {"type": ["string", "integer", "array"]}
_NAMED: dict[str, Any] = {"type": ["string", "array"], "items": {"type": "string"}}
_SWEPT: dict[str, dict[str, Any]] = {
    "vary": {
        "type": "object",
        "additionalProperties": {"type": ["string", "number", "boolean", "array"], "minItems": 1},
        "minProperties": 1,
    },
    **dict.fromkeys(("pareto", "sort", "columns", "checkpoint"), _NAMED),
    **{name: {"type": "integer", "minimum": 1} for name in ("top", "sample", "batch")},
    "seed": {"type": "integer", "minimum": 0},
    **{name: {"type": "boolean"} for name in ("all_rows", "training")},
    **{name: {"enum": [*words]} for name, words in SWEEP_WORDS.items()},
}
"""Types of the keys of `sweep` that are not mere text."""


def spec_schema() -> dict[str, Any]:
    """The schema of a spec, as a JSON value."""
    described = {kind: layer_class(kind) for kind in CATALOGUE}
    fields = {kind: layer for kind, layer in described.items() if declarations(layer)}
    known = {kind: layer for kind, layer in described.items() if kind in FIRST}
    required = {kind: names for kind, layer in known.items() if (names := _required(layer))}
    scalar = {"type": ["number", "boolean", "string"]}
    properties: dict[str, Any] = {
        "name": {"type": "string"},
        "reference": {"type": "string"},
        "description": {"type": "string"},
        "year": {"type": ["string", "integer"], "minimum": 1, "maximum": 9999},
        "input": {
            "type": ["string", "integer", "array", "object"],
            "additionalProperties": _SHAPE,
            "minProperties": 1,
        },
        "parameters": {"type": ["object", "null"], "additionalProperties": scalar},
        "presets": {
            "type": "object",
            "additionalProperties": {"type": ["object", "null"]},
        },
        "defaults": {
            "type": "object",
            "properties": {
                kind: {
                    "description": _summary(layer),
                    "type": "object",
                    "allOf": [{"$ref": f"#/definitions/{kind}"}],
                }
                for kind, layer in fields.items()
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
        "outputs": {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
            "uniqueItems": True,
        },
        "expect": {
            "type": "object",
            "properties": _promises(
                EXPECTATIONS,
                output=_SHAPE,
                receptive_field=_SHAPE,
                sizes={"type": ["string", "array"], "items": {"type": "string"}, "minItems": 1},
                outputs={"type": "object", "additionalProperties": _SHAPE},
                layers={"type": "object", "additionalProperties": _SHAPE},
                counts={
                    "type": "object",
                    "properties": dict.fromkeys(TOOLS, _AMOUNT),
                    "additionalProperties": False,
                },
            ),
            "additionalProperties": False,
        },
        "budget": {
            "type": "object",
            "properties": _promises(BUDGETS),
            "additionalProperties": False,
        },
        "sweep": {
            "type": "object",
            "properties": {
                name: {"description": doc, **_SWEPT.get(name, {"type": "string"})}
                for name, doc in SWEEP_FIELDS.items()
            },
            "additionalProperties": False,
        },
        "origins": {
            "type": "object",
            "propertyNames": {"enum": [*CATALOGUE]},
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
        "written": {
            "type": "object",
            "properties": {
                kind: {"$ref": f"#/definitions/written_{_first_so(kind)}"} for kind in WAYS
            },
            "additionalProperties": _words(WORDS),
        },
    }
    for key, doc in TOP_LEVEL.items():
        properties[key]["description"] = doc
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": ADDRESS,
        "title": "convcalc spec",
        "description": "A convolutional network, as convcalc reads it.",
        "type": "object",
        "properties": {key: properties[key] for key in TOP_LEVEL},
        "required": ["input", "layers"],
        "additionalProperties": False,
        "if": {"patternProperties": {"^blocks$": {"propertyNames": {"not": {"enum": [*known]}}}}},
        "then": _all_items("item"),
        "else": _all_items("item_beside_blocks_called_like_kinds"),
        "allOf": [_requirement(kind) for kind in required],
        "definitions": {
            "item": _item(
                "item",
                {
                    kind: _kind(kind, layer) if kind in known else {"description": _summary(layer)}
                    for kind, layer in described.items()
                },
            ),
            "item_beside_blocks_called_like_kinds": _item(
                "item_beside_blocks_called_like_kinds",
                {kind: {"description": _summary(layer)} for kind, layer in described.items()},
            ),
            "memory": _memory(),
            **{
                f"written_{kind}": _words(words_of(kind))
                for kind in WAYS
                if kind == _first_so(kind)
            },
            **{kind: _value(layer) for kind, layer in described.items()},
            **{
                f"whole_{kind}": _whole(kind, names, described[kind])
                for kind, names in required.items()
            },
        },
    }


def _first_so(kind: str) -> str:
    """The first kind that has the same words."""
    return next(each for each in WAYS if words_of(each) == words_of(kind))


def _words(words: Iterable[str]) -> dict[str, Any]:
    """One of several words, or a list of them."""
    one = {"enum": [*words]}
    return {"anyOf": [one, {"type": "array", "items": one}]}


def _items(definition: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/definitions/{definition}"}}


def _all_items(definition: str) -> dict[str, Any]:
    """What the items of a spec and of its blocks are.

    Keys are told by patterns here and below: properties would be offered a second time.
    """
    layers = {"^layers$": _items(definition)}
    blocks = {"additionalProperties": {"patternProperties": layers}}
    return {"patternProperties": {**layers, "^blocks$": blocks}}


def _requirement(kind: str) -> dict[str, Any]:
    """A kind's items are whole where no `defaults` add to them, and no block has its name."""
    return {
        "if": {"patternProperties": {"^(defaults|blocks)$": {"not": {"required": [kind]}}}},
        "then": _all_items(f"whole_{kind}"),
    }


def _whole(kind: str, names: list[str], layer: type[Layer]) -> dict[str, Any]:
    """An item that says all that its kind needs, if it is of this kind, and so do those in it."""
    inside = {"items": {"$ref": f"#/definitions/whole_{kind}"}}
    branches = {f"^{BRANCHES}$": {"items": inside}}
    message = f"{kind} needs {' and '.join(names)}"
    types = ["object"]
    if _alone(layer):
        types += ["string", "number", "boolean", "array"]  # where it is none of its, is said anyway
    return {
        "pattern": f"^(?!{kind}$)",
        "errorMessage": message,
        "patternProperties": {
            f"^{kind}$": {"type": types, "required": names, "errorMessage": message},
            "^layers$": inside,
            "^(add|multiply|concat)$": {"items": inside, "patternProperties": branches},
        },
    }


def _promises(docs: dict[str, str], **types: dict[str, Any]) -> dict[str, Any]:
    """The keys of `expect` or `budget`: an amount each, unless another type is given."""
    memory: dict[str, Any] = {
        "type": ["string", "number", "object", "array"],
        "allOf": [{"$ref": "#/definitions/memory"}],
    }
    return {
        name: {"description": doc, **{"memory": memory, **types}.get(name, _AMOUNT)}
        for name, doc in docs.items()
    }


def _memory() -> dict[str, Any]:
    """Bytes, under which terms they are meant, or several of these."""
    forms = {"limit": _AMOUNT, "batch": {"type": _TYPES["whole"], "minimum": 1}}
    forms["training"] = {"type": _TYPES["flag"]}
    forms["optimizer"] = {"anyOf": [{"enum": list(OPTIMIZERS)}, {"type": "string"}]}
    forms["checkpoint"] = _NAMED
    return {
        "type": ["string", "number", "object", "array"],
        "items": {"$ref": "#/definitions/memory"},
        "properties": {
            name: {"description": doc, **forms[name]} for name, doc in MEMORY_FIELDS.items()
        },
        "additionalProperties": False,
        "allOf": [{"required": ["limit"]}],  # beside them, the server would offer all at once
    }


def _item(definition: str, kinds: dict[str, Any]) -> dict[str, Any]:
    modifiers: dict[str, dict[str, Any]] = {
        "name": {"type": "string"},
        "from": {"type": "string"},
        "repeat": {"type": ["string", "integer"], "minimum": 0},
        "when": {"type": ["boolean", "string"]},
        "shared": {"type": ["boolean", "string"]},
        "weights": {"type": "string"},
        "frozen": {"type": ["boolean", "string"]},
        # Alternatives, for an editor would begin a list where an array is among the types.
        "origin": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
    }
    for name, doc in MODIFIERS.items():
        modifiers[name]["description"] = doc
    return {
        "description": "A layer, a group, or a call of a block.",
        "type": ["string", "object"],
        "properties": {
            **kinds,
            "layers": {**_items(definition), "description": "A group of items."},
            "split": {"description": "Parts of a tensor, each with a name."},
            **modifiers,
        },
    }


def _summary(layer: type[Layer]) -> str:
    return (layer.__doc__ or "").strip().split("\n")[0]


def _required(layer: type[Layer]) -> list[str]:
    """The fields that an item has to say."""
    usual = defaults(layer)
    return [name for name in declarations(layer) if name not in usual]


def _principal(layer: type[Layer]) -> str | None:
    """The field that may stand alone."""
    return next(iter(declarations(layer)), None) if layer.stands_alone else None


def _alone(layer: type[Layer]) -> bool:
    """Whether the principal field alone says all that has to be said."""
    return _required(layer) in ([], [_principal(layer)])


def _kind(kind: str, layer: type[Layer]) -> dict[str, Any]:
    """A kind as a key of an item: what is written for it, and what may stand there.

    yaml-language-server writes a key as a plain word where it knows no type of what follows, and
    with a colon where there are alternatives.
    """
    described: dict[str, Any] = {"description": _summary(layer)}
    if layer.inputs == "many":
        value = [{"$ref": f"#/definitions/{kind}"}]
        return {**described, "type": ["array", "object"], "items": _items("item"), "allOf": value}
    required, principal = _required(layer), _principal(layer)
    value = [{"$ref": f"#/definitions/{kind}"}]
    if not _alone(layer):
        places = (f"{name}: ${number}" for number, name in enumerate(required, 1))
        snippet = f"{{{', '.join(places)}}}"
        label = f"{{{', '.join(f'{name}: ' for name in required)}}}"
        described["defaultSnippets"] = [{"label": label, "body": f"^{snippet}", "sortText": "~"}]
    elif required or (principal and defaults(layer).get(principal, ...) is None):
        return {**described, "anyOf": value}
    return {**described, "allOf": value}


def _value(layer: type[Layer]) -> dict[str, Any]:
    """What may stand behind a kind: fields by name, nothing, or what its principal field takes.

    Nothing is no type among others, because editors would offer to write `null`.
    """
    principal = _principal(layer)
    alone = [] if principal is None else _TYPES[declarations(layer)[principal].form]
    usual = defaults(layer)
    fields = {}
    for name, declared in declarations(layer).items():
        fields[name] = _field(declared)
        default = usual.get(name)
        if default is not None:
            fields[name]["default"] = [*default] if isinstance(default, tuple) else default
    if layer.inputs != "one":
        fields[BRANCHES] = {"description": BRANCHES_DOC, "type": "array", "items": _items("item")}
    if layer.inputs == "many":  # whose key says what else stands there
        return {"properties": fields, "additionalProperties": False}
    return {
        "if": {"type": "null"},
        "else": {"type": ["object", *alone]},
        "properties": fields,
        "additionalProperties": False,
    }


def _field(declared: Declared) -> dict[str, Any]:
    field: dict[str, Any] = {"description": declared.doc}
    if declared.form == "choice":
        return {**field, "anyOf": [{"enum": [*declared.choices]}, {"type": "string"}]}
    field["type"] = _TYPES[declared.form]
    if declared.minimum is not None:
        field["minimum"] = declared.minimum
    if declared.above is not None:
        field["exclusiveMinimum"] = declared.above
    if declared.maximum is not None:
        field["maximum"] = declared.maximum
    if declared.form == "padding":
        field["examples"] = ["same", "valid"]
    return field
