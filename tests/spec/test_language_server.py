"""The schema in yaml-language-server itself, as a client that speaks to it as an editor does.

CONVCALC_LANGUAGE_SERVER is the program, which `.ci/run` installs; without it these are skipped.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from language_server import Editor, Item
from paths import ROOT
from test_schema import structural
from test_specs import ERR, OK

from convcalc.layers import CATALOGUE, FIRST, layer_class
from convcalc.layers.base import declarations
from convcalc.spec.expand import TOP_LEVEL
from convcalc.spec.items import SPLIT
from convcalc.spec.promises import BUDGETS, EXPECTATIONS, MEMORY_FIELDS
from convcalc.spec.schema import spec_schema
from convcalc.spec.tree import MODIFIERS

PROGRAM = os.environ.get("CONVCALC_LANGUAGE_SERVER", "")
pytestmark = pytest.mark.skipif(
    not PROGRAM, reason="CONVCALC_LANGUAGE_SERVER names no yaml-language-server"
)

LATER = {*CATALOGUE, SPLIT} - FIRST
"""Kinds of which nothing is said but what they are: a block may have the name of one."""
WITH_VALUES = {
    "conv": "conv: {filters: $1, kernel: $2}",
    "conv_transpose": "conv_transpose: {filters: $1, kernel: $2}",
    "locally_connected": "locally_connected: {filters: $1, kernel: $2}",
    **{
        kind: f"{kind}: "
        for kind in (
            *("depthwise_conv", "linear", "maxpool", "avgpool", "lppool", "adaptive_avgpool"),
            *("adaptive_maxpool", "groupnorm", "lrn", "reshape", "permute", "pixel_shuffle"),
            *("channel_shuffle", "pad", "crop", "upsample"),
        )
    },
    **{kind: f"{kind}:\n    - " for kind in ("add", "multiply", "concat", "layers")},
    **{modifier: f"{modifier}: " for modifier in MODIFIERS},
}
"""What is written for those that need something behind them; all others are plain words."""
ITEM = {**{kind: kind for kind in FIRST}, **WITH_VALUES, **{kind: kind for kind in LATER}}
CONV = {
    "filters": "filters: ",
    "kernel": "kernel: ",
    "stride": "stride: ${1:1}",
    "padding": "padding: ",
    "dilation": "dilation: ${1:1}",
    "groups": "groups: ${1:1}",
    "bias": "bias: ${1:true}",
    "padding_mode": "padding_mode: ${1:zero}",
    "rounding": "rounding: ${1:exact}",
}
"""What is written for the fields of a convolution: a default that there is, and no other number."""


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    folder = tmp_path_factory.mktemp("specs")
    schema = folder / "spec.schema.json"
    schema.write_text(json.dumps(spec_schema()), encoding="utf-8")
    with closing(Editor([PROGRAM, "--stdio"], schema, folder)) as started:
        yield started


def written(items: list[Item]) -> dict[str, str]:
    """What is written for each label, none of which may be there twice."""
    assert len({item.label for item in items}) == len(items), items
    return dict(items)


@pytest.mark.parametrize(
    "text",
    [
        "layers:\n  - |\n",
        "layers:\n  - r|\n",
        "layers:\n  - relu\n  - c|\n",
        "layers:\n  - relu\n  - |\n  - relu\n",
        "layers:\n  - add:\n      - - c|\n      - []\n",
        "layers:\n  - layers:\n      - c|\n    repeat: 2\n",
        "blocks:\n  unit:\n    layers:\n      - c|\nlayers:\n  - unit\n",
    ],
)
def test_items_are_completed_with_what_they_need_and_no_more(editor: Editor, text: str) -> None:
    found = written(editor.completions(f"input: 8x8x3\n{text}"))

    assert {label: re.sub("\n +", "\n    ", one) for label, one in found.items()} == ITEM


def test_beside_what_an_item_says_already_the_same_is_completed(editor: Editor) -> None:
    found = written(editor.completions("input: 8x8x3\nlayers:\n  - name: first\n    |\n"))

    assert {**found, "name": "name: "}.keys() == ITEM.keys()
    assert "name" not in found
    assert found["conv"] == ITEM["conv"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("  - conv:\n      |\n", ()),
        ("  - conv:\n      filters: 3\n      |\n", ("filters",)),
        ("  - conv: {s|}\n", ()),
        ("  - conv: {filters: 3, s|}\n", ("filters",)),
    ],
)
def test_fields_are_completed(editor: Editor, text: str, said: tuple[str, ...]) -> None:
    found = written(editor.completions(f"input: 8x8x3\nlayers:\n{text}"))
    found.pop("{filters: , kernel: }")  # both that a convolution needs, in one

    assert {label: one for label, one in found.items() if label != "stride"} == {
        label: one for label, one in CONV.items() if label not in {*said, "stride"}
    }


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("layers:\n  - conv: {filters: 3, padding: |}\n", "0 same valid"),
        ("layers:\n  - conv:\n      padding: s|\n", "0 same valid"),
        ("layers:\n  - pad: |\n", ""),
        ("layers:\n  - conv: {padding_mode: |}\n", "zero reflect replicate circular"),
        ("layers:\n  - conv: {rounding: |}\n", "exact floor ceil"),
        ("rounding: |\nlayers:\n  - relu\n", "exact floor ceil"),
        ("layers:\n  - conv: {filters: |}\n", ""),
        ("layers:\n  - conv: {stride: |}\n", "1"),
        ("layers:\n  - conv: {bias: |}\n", "true false"),
        ("layers:\n  - relu\n    repeat: |\n", ""),
        ("layers:\n  - relu:\n    repeat: |\n", ""),
        ("layers:\n  - relu:\n    when: |\n", "true false"),
        ("layers:\n  - linear: |\n", ""),
        ("layers:\n  - relu: |\n", ""),
        ("layers:\n  - conv: |\n", "{filters: , kernel: }"),
    ],
)
def test_values_are_completed(editor: Editor, text: str, values: str) -> None:
    found = written(editor.completions(f"input: 8x8x3\n{text}"))

    assert [*found] == ([values] if values.startswith("{") else values.split())


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("layers:\n  - relu\nexpect:\n  |\n", EXPECTATIONS),
        ("layers:\n  - relu\nbudget:\n  |\n", BUDGETS),
        ("layers:\n  - relu\nbudget:\n  memory:\n    |\n", MEMORY_FIELDS),
        (
            "layers:\n  - relu\ndefaults:\n  |\n",
            [kind for kind in CATALOGUE if declarations(layer_class(kind))],
        ),
        ("layers:\n  - relu\ndefaults:\n  linear:\n    |\n", ["features", "bias", "axis"]),
        ("|\n", [*TOP_LEVEL.keys() - {"input"}, "convcalc spec"]),
    ],
    ids=["expect", "budget", "memory", "defaults", "defaults of linear", "top"],
)
def test_keys_are_completed(editor: Editor, text: str, keys: list[str]) -> None:
    found = written(editor.completions(f"input: 8x8x3\n{text}"))

    assert found.keys() == {*keys}


def test_an_empty_file_begins_with_what_a_spec_needs(editor: Editor) -> None:
    assert written(editor.completions("|"))["convcalc spec"] == "input: $1\nlayers:\n  - "


@pytest.mark.parametrize(
    ("text", "doc"),
    [
        ("layers:\n  - co|nv: {filters: 3, kernel: 3}\n", "each filter slides over all channels"),
        ("layers:\n  - conv: {fil|ters: 3, kernel: 3}\n", "Number of filters K"),
        ("layers:\n  - relu:\n    re|peat: 3\n", MODIFIERS["repeat"].partition(";")[0]),
        ("layers:\n  - relu\nexpect: {ma|cs: 3}\n", EXPECTATIONS["macs"]),
        ("layers:\n  - relu\nbudget: {memory: {lim|it: 3GB}}\n", MEMORY_FIELDS["limit"]),
        ("laye|rs:\n  - relu\n", TOP_LEVEL["layers"].partition(":")[0]),
    ],
)
def test_what_stands_there_is_explained(editor: Editor, text: str, doc: str) -> None:
    assert doc in editor.hover(f"input: 8x8x3\n{text}")


def documented() -> Iterator[tuple[str, str]]:
    """The clean specs of the documentation, with their places."""
    pages = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for match in re.finditer(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            if re.match("(?:name|input):", match[1]):
                yield f"{page.name}:{text.count(chr(10), 0, match.start()) + 1}", match[1]


def good() -> Iterator[tuple[str, str]]:
    """Every clean spec there is: of the zoo, the documentation and the tests."""
    for path in [*sorted((ROOT / "architectures").glob("*.yaml")), *OK]:
        yield path.name, path.read_text(encoding="utf-8")
    yield from documented()


def test_clean_specs_are_clean(editor: Editor) -> None:
    specs = dict(good())
    found = {name: editor.problems(text) for name, text in specs.items()}

    assert len(found) > 60
    assert not {name: problems for name, problems in found.items() if problems}


@pytest.mark.parametrize("path", [*filter(structural, ERR)], ids=lambda path: path.stem)
def test_errors_of_structure_are_underlined(editor: Editor, path: Path) -> None:
    assert editor.problems(path.read_text(encoding="utf-8"))


def test_what_is_missing_is_said_in_words(editor: Editor) -> None:
    text = "input: 8x8x3\nlayers:\n  - conv: {filters: 3}\n  - linear\n  - relu: {inplace: true}\n"

    assert editor.problems(text) == [
        "3: conv needs filters and kernel",
        "4: linear needs features",
        "5: Property inplace is not allowed.",
    ]
