"""The JSON Schema of a spec: what it knows is closed, and every spec that is valid satisfies it."""

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from tabled import tabled
from test_block_names import MADE_UP, add_kinds
from test_specs import ERR, OK

from convcalc import load
from convcalc.checks.files import find
from convcalc.layers import CATALOGUE, FIRST, layer_class
from convcalc.layers.base import declarations, defaults
from convcalc.spec.schema import spec_schema

VALIDATOR = jsonschema.Draft7Validator(spec_schema())

KNOWN_TO_A_SCHEMA = {"CC109", "CC115"}
"""Codes of keys: there is none of that name, or one is missing."""
BESIDE = {
    "bare_values": "a mapping where text belongs",
    "input_item": "a kind of layer among the top-level keys",
    "items": "a number as an item",
    "not_a_mapping": "a list as a spec",
    "ranges": "numbers that are too small",
    "too_large": "a number that is too large",
    "too_large_fields": "the same in fields",
    "wrong_types": "a list where a number is due, and the other way round",
}
"""Specs with other errors that a schema knows."""
UNKNOWABLE = {
    "expressions": "a call of a function lacks an argument",
    "from_names": "a call of a block lacks an argument",
    "kind_named_blocks": "the fields are those of blocks called like kinds",
    "parameters": "a call of a block lacks an argument",
    "blocks": "a call of a block lacks an argument",
    "cross_attention": "its fields are those of a kind that is younger than blocks called so",
    "embedding": "its fields are those of a kind that is younger than blocks called so",
    "recurrent": "its fields are those of kinds that are younger than blocks called so",
    "words_of_pytorch": "its fields are those of kinds that are younger than blocks called so",
    "split": "its fields are those of an item that is younger than blocks called so",
}
"""Specs whose CC109 and CC115 are about names of their own, which a schema does not know."""

SOUND = [
    "layers: [relu, relu: , conv: {filters: 2 * width, kernel: 3x3}]",
    "layers: [{conv: {filters: 8, kernel: [3, 3], padding: [[0, 1], [0, 1]], rounding: floor}}]",
    "layers: [{pad: same}, {reshape: 4x4x12}, {reshape: [8, 24]}, {permute: [2, 0, 1]}]",
    "layers: [{linear: classes if wide else 10}, {dropout: 0.5}, {softplus: {beta: 2}}]",
    "layers: [{anything: {of: a, block: [1]}}, {anything: 3}, anything, {relu: , unheard: 1}]",
    "layers: [{add: [[], [{conv: {filters: 3, kernel: 1}}], [from: a]]}, {layers: [relu]}]",
    "layers: [{layers: [relu], repeat: 0, shared: true, when: a > 3}]",
    "layers: [conv: 8, conv, conv: ]\ndefaults: {conv: {kernel: 3, filters: width}}",
    "layers: [maxpool, maxpool: ]\ndefaults: {maxpool: {kernel: 2}}",
    "layers: [conv]\nblocks: {conv: {layers: [relu]}}",
    "layers: [relu]\nexpect: {output: [8, 8, 3], receptive_field: '>= 5', layers: {relu: 8x8x3}}",
    "layers: [relu]\nexpect: {memory: [1MB, {limit: 2 MB, training: true, batch: 2*4}]}",
    "layers: [relu]\nbudget: {parameters: 5M, macs: 1e9, memory: {limit: 12GiB}}",
    "layers: [relu]\nblocks: {unit: {parameters: {width}, layers: [relu], description: A unit}}",
]
"""What stands below `input`, and is sound as far as a schema can know."""
UNSOUND = [
    ("layers: [{conv: {filters: 8}}]", "conv"),
    ("layers: [{conv: 8}]", "conv"),
    ("layers: [{conv: }]", "conv"),
    ("layers: [conv]", "0"),
    ("layers: [{maxpool: }]", "maxpool"),
    ("layers: [maxpool]", "0"),
    ("layers: [{add: [[], [{conv: 8}]]}]", "conv"),
    ("layers: [{layers: [{layers: [maxpool]}]}]", "0"),
    ("layers: [a]\nblocks: {a: {layers: [{linear: }]}}", "linear"),
    ("layers: [{conv: 8}]\ndefaults: {maxpool: {kernel: 2}}", "conv"),
    ("layers: [{conv: 8}]\nblocks: {maxpool: {layers: [relu]}}", "conv"),
    ("layers: [{relu: {inplace: true}}]", "relu"),
    ("layers: [{relu: 3}]", "relu"),
    ("layers: [{batchnorm: 3}]", "batchnorm"),
    ("layers: [{conv: {filters: 8, kernel: 3, strid: 2}}]", "conv"),
    ("layers: [{conv: {filters: 0, kernel: 3}}]", "filters"),
    ("layers: [{conv: {filters: 8, kernel: 3, padding: -1}}]", "padding"),
    ("layers: [{conv: {filters: 8, kernel: true}}]", "kernel"),
    ("layers: [{relu: , repeat: -1}]", "repeat"),
    ("layers: [3]", "0"),
    ("layers: {relu: }", "layers"),
    ("layers: [{add: [relu]}]", "0"),
    ("layers: [relu]\nrounding: round", "rounding"),
    ("layers: [relu]\ndefaults: {conv: {filter: 3}}", "conv"),
    ("layers: [relu]\ndefaults: {conv: 3}", "conv"),
    ("layers: [relu]\ndefaults: {unit: {filters: 3}}", "defaults"),
    ("layers: [relu]\nexpect: {parameter: 3}", "expect"),
    ("layers: [relu]\nexpect: {parameters: true}", "parameters"),
    ("layers: [relu]\nexpect: {parameters: [3]}", "parameters"),
    ("layers: [relu]\nexpect: {layers: [3]}", "layers"),
    ("layers: [relu]\nexpect: 3", "expect"),
    ("layers: [relu]\nbudget: {buffers: 3}", "budget"),
    ("layers: [relu]\nbudget: {memory: {batch: 3}}", "memory"),
    ("layers: [relu]\nbudget: {memory: {limit: 3GB, bach: 3}}", "memory"),
    ("layers: [relu]\nbudget: {memory: {limit: 3GB, batch: 0}}", "batch"),
    ("layers: [relu]\nblocks: {a: {layer: [relu]}}", "a"),
    ("layers: [relu]\nblocks: {a: [relu]}", "a"),
    ("layers: [relu]\nlayer: [relu]", ""),
]
"""The same of what is not, and the key or number of the item that is at fault."""


def loaded(text: str) -> Any:
    """What a YAML text says, read by libyaml, which takes a tenth of the time."""
    return yaml.load(text, yaml.CSafeLoader)


def structural(path: Path) -> bool:
    """Whether a spec has an error that a schema knows."""
    codes = set(re.findall(r"error\[(CC\d+)\]", path.with_suffix(".out").read_text("utf-8")))
    return path.stem in BESIDE or (bool(KNOWN_TO_A_SCHEMA & codes) and path.stem not in UNKNOWABLE)


def places(spec: object) -> set[str]:
    """The keys and numbers of items that the schema finds at fault; "" is the whole."""
    errors = VALIDATOR.iter_errors(spec)
    return {str(error.absolute_path[-1]) if error.absolute_path else "" for error in errors}


def test_the_schema_is_one_and_has_a_name() -> None:
    jsonschema.Draft7Validator.check_schema(spec_schema())

    assert spec_schema()["$id"] == "urn:convcalc:spec"


@tabled("path", OK, ids=lambda path: path.stem)
def test_good_specs_satisfy_it(path: Path) -> None:
    assert not places(loaded(path.read_text(encoding="utf-8")))


@tabled("path", [*filter(structural, ERR)], ids=lambda path: path.stem)
def test_specs_with_errors_of_structure_do_not(path: Path) -> None:
    assert places(loaded(path.read_text(encoding="utf-8")))


def test_what_it_cannot_know_is_named_of_specs_that_there_are() -> None:
    assert BESIDE.keys() | UNKNOWABLE.keys() <= {path.stem for path in ERR}


@tabled("text", SOUND)
def test_sound_specs_satisfy_it(text: str) -> None:
    assert not places(loaded(f"input: 8x8x3\n{text}"))


@tabled(("text", "key"), UNSOUND)
def test_unsound_specs_do_not_and_the_place_is_said(text: str, key: str) -> None:
    assert places(loaded(f"input: 8x8x3\n{text}")) == {key}


def test_fields_of_every_kind_are_closed_and_take_expressions() -> None:
    for kind in FIRST:
        layer = layer_class(kind)
        if layer.inputs == "many":
            continue
        words = {"choice", "flag"}
        given: dict[str, object] = {
            name: "width * 2"
            for name, field in declarations(layer).items()
            if field.form not in words
        }
        spec = {"input": "8x8x3", "layers": [{kind: given}]}
        assert not places(spec), kind
        for wrong in ({**given, "unheard": 1}, *({**given, name: None} for name in given)):
            assert places({**spec, "layers": [{kind: wrong}]}), (kind, wrong)
        for name in given.keys() - defaults(layer).keys():
            rest = {other: value for other, value in given.items() if other != name}
            assert places({**spec, "layers": [{kind: rest}]}), (kind, name)
            assert not places({**spec, "layers": [{kind: rest}], "defaults": {kind: {name: 3}}})


def test_kinds_that_came_later_are_open_and_leave_the_others_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A spec of 0.1 may have a block of that name, whose parameters are anything."""
    later = dict(zip(("split", "join", "swish"), MADE_UP, strict=True))
    add_kinds(monkeypatch, later)
    validator = jsonschema.Draft7Validator(spec_schema())
    calls = [call for kind in later for call in (kind, {kind: None}, {kind: 3}, {kind: {"of": 1}})]
    spec = {"input": "8x8x3", "layers": calls}
    blocks = {kind: {"layers": ["relu"]} for kind in later}
    assert validator.is_valid(spec)
    assert validator.is_valid({**spec, "blocks": blocks})
    assert not validator.is_valid({**spec, "blocks": blocks, "layers": [{"conv": {"n": 3}}]})


def test_kinds_of_the_first_version_stay() -> None:
    assert len(FIRST) == 47
    assert not FIRST - CATALOGUE.keys()


def test_a_spec_may_be_called_by_the_convention(tmp_path: Path) -> None:
    """`*.convcalc.yaml` is what a catalogue of schemas can know a spec by."""
    path = tmp_path / "net.convcalc.yaml"
    path.write_text("input: 8x8x3\npresets: {small: }\nlayers: [relu]\n", encoding="utf-8")

    assert load(f"{path}#small").layers
    assert find([str(tmp_path)]).files == [str(path)]
