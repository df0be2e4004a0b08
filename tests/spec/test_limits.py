"""Every limit of docs/spec.md from both sides: just within it works, one more is refused."""

import io
import os
import re
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from paths import ROOT

from convcalc.graph import read
from convcalc.spec import expand, source

RELU = "input: 8\nlayers: [relu]\n"


class Limit(NamedTuple):
    """A row of the table in docs/spec.md, and a text that needs so much of it."""

    row: str
    text: Callable[[int], str]
    code: str
    patched: tuple[Any, str] | None = None
    """A limit that takes long to reach: the module and the name to make it small in."""
    most: int | None = None
    """The limit, where it is not the table's own number."""


def nested(opening: str, closing: str) -> Callable[[int], str]:
    return lambda depth: f"input: 8\nlayers: {opening * depth}relu{closing * depth}\n"


def called(depth: int) -> str:
    """Blocks that call one another, so many deep."""
    blocks = "".join(f"  b{n}: {{layers: [b{n + 1}]}}\n" for n in range(1, depth))
    return f"input: 8\nblocks:\n{blocks}  b{depth}: {{layers: [relu]}}\nlayers: [b1]\n"


LIMITS = [
    Limit(
        "Size of the text",
        lambda size: RELU + "#" * (size - len(RELU)),
        "CC103",
        (source, "MAX_BYTES"),
        3 * 2**20,
    ),
    # The layers' list and the mapping around it are two of them.
    Limit(
        "Lists and mappings inside one another",
        lambda depth: f"input: 8\nlayers: {'[' * (depth - 1)}{']' * (depth - 1)}\n",
        "CC103",
    ),
    # Both keys, the mapping, `8`, the list and its items.
    Limit(
        "Values in one text",
        lambda values: "input: 8\nlayers: [" + "relu, " * (values - 6) + "relu]\n",
        "CC103",
        (source, "MAX_NODES"),
        50,
    ),
    Limit(
        "Layers of a network",
        lambda layers: f"input: 8\nlayers: [{{relu: , repeat: {layers - 1}}}, relu]\n",
        "CC103",
        (expand, "MAX_LAYERS"),
        50,
    ),
    Limit(
        "Layers of a network",
        lambda rounds: f"input: 8\nlayers: [{{layers: [], repeat: {rounds}}}]\n",
        "CC103",
        (expand, "MAX_LAYERS"),
        50,
    ),
    # Both inputs count as layers, too.
    Limit(
        "Layers times inputs, of several inputs",
        lambda pairs: (
            f"input: {{a: 8, b: 8}}\nlayers: [{{relu: , repeat: {-(-pairs // 2) - 2}}}]\n"
        ),
        "CC103",
        (expand, "MAX_PAIRS"),
        50,
    ),
    # A layer that repeats is an item, and each round of it is a step.
    Limit(
        "Items, calls and rounds written out",
        lambda steps: f"input: 8\nlayers: [{{relu: , repeat: {steps - 2}}}, relu]\n",
        "CC103",
        (expand, "MAX_STEPS"),
        50,
    ),
    Limit("Blocks, groups and branches inside one another", called, "CC103"),
    Limit(
        "Blocks, groups and branches inside one another",
        lambda depth: called(depth - 1).replace("[b1]", "[add: [[b1], [relu]]]"),
        "CC103",
    ),
    Limit(
        "Blocks, groups and branches inside one another",
        lambda depth: called(depth - 1).replace("[relu]", "[{layers: [relu], repeat: 1}]"),
        "CC103",
    ),
    Limit("Spatial axes", lambda axes: f"input: {'2x' * axes}3\nlayers: [relu]\n", "CC108"),
    Limit(
        "Spatial axes",
        lambda axes: f"input: 64\nlayers: [reshape: {{shape: [{'2, ' * axes}-1]}}]\n",
        "CC3",
    ),
    Limit(
        "An extent of the input, and a whole number in a field",
        lambda extent: f"input: {extent}\nlayers: [relu]\n",
        "CC108",
    ),
    Limit(
        "An extent of the input, and a whole number in a field",
        lambda size: f"input: 2x{size}x3\nlayers: [relu]\n",
        "CC108",
    ),
    Limit(
        "An extent of the input, and a whole number in a field",
        lambda filters: f"input: 8x2\nlayers: [conv: {{filters: {filters}, kernel: 1}}]\n",
        "CC302",
    ),
    Limit(
        "An extent of the input, and a whole number in a field",
        lambda stride: (
            f"input: 8x2\nlayers: [maxpool: {{kernel: 1, stride: {stride}, rounding: floor}}]\n"
        ),
        "CC302",
    ),
    Limit(
        "Values of one tensor",
        lambda values: f"input: {2**29}x{2**29}x{-(-values // 2**58)}\nlayers: [relu]\n",
        "CC313",
    ),
    Limit(
        "Values of one tensor",
        # A matrix of 2^33 × 2^29 = 2^62 weights; one more row is beyond it.
        lambda values: f"input: {2**29}x16\nlayers: [flatten, linear: {-(-values // 2**33)}]\n",
        "CC313",
    ),
    Limit(
        "Characters of an expression",
        lambda characters: RELU.replace("8", "8" + "+00" * 332 + "+" + "0" * (characters - 998)),
        "CC103",
    ),
    Limit(
        "Parentheses and calls inside one another",
        lambda depth: f"input: {'(' * depth}8{')' * depth}\nlayers: [relu]\n",
        "CC103",
    ),
    Limit(
        "Parentheses and calls inside one another",
        lambda depth: f"input: {'max(' * depth}8{')' * depth}\nlayers: [relu]\n",
        "CC103",
    ),
    Limit(
        "An integer, written or computed",
        lambda number: f"parameters: {{n: {number}}}\ninput: n - n + 8\nlayers: [relu]\n",
        "CC103",
    ),
    Limit(
        "An integer, written or computed",
        lambda number: f"parameters: {{n: -{number}}}\ninput: n - n + 8\nlayers: [relu]\n",
        "CC103",
    ),
    Limit(
        "An integer, written or computed",
        lambda number: f"parameters: {{n: {number - 1}}}\ninput: (n + 1)*0 + 8\nlayers: [relu]\n",
        "CC103",
    ),
    Limit(
        "An integer, written or computed",
        lambda number: f"parameters: {{n: {number - 1}}}\ninput: (-n - 1)*0 + 8\nlayers: [relu]\n",
        "CC103",
    ),
]


def table() -> dict[str, int]:
    """The limits that docs/spec.md promises."""
    page = (ROOT / "docs" / "spec.md").read_text(encoding="utf-8")
    rows = re.search(r"<!-- generated: limits -->(.*?)<!-- end", page, re.DOTALL)
    assert rows is not None
    found = {}
    for name, value in re.findall(r"^\| (.*?) \| ±?([^|]*) \|$", rows[1], re.MULTILINE):
        number, _, unit = value.replace(",", "").partition(" ")
        base, _, power = number.partition("^")
        if base.isdigit():
            found[name] = int(base) ** int(power or 1) * {"": 1, "MiB": 2**20}[unit]
    return found


def codes(text: str, tmp_path: Path) -> list[str]:
    path = tmp_path / "spec.yaml"
    path.write_text(text, encoding="utf-8")
    return [found.code for found in read(str(path)).diagnostics]


def test_every_limit_has_a_row() -> None:
    apart = {
        "Findings that are kept for one text",
        "Receptive field and effective stride; beyond, they stay there",  # see test_values.py
    }
    assert {limit.row for limit in LIMITS} | apart == set(table())


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.row)
def test_what_is_within_a_limit_works_and_one_more_does_not(
    limit: Limit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = table()[limit.row]
    if limit.patched is not None:
        module, name = limit.patched
        assert getattr(module, name) == most
        assert limit.most is not None
        most = limit.most
        monkeypatch.setattr(module, name, most)

    within, beyond = codes(limit.text(most), tmp_path), codes(limit.text(most + 1), tmp_path)

    assert not [code for code in within if code.startswith(limit.code)], within
    assert [code for code in beyond if code.startswith(limit.code)], beyond


@pytest.mark.parametrize("way", ["file", "standard input", "pipe"])
def test_text_is_read_up_to_the_limit(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "MAX_BYTES", 1000)

    def said(size: int) -> list[str]:
        data = (RELU + "#" * (size - len(RELU))).encode()
        if way == "standard input":
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
            return [found.code for found in read("-").diagnostics]
        path = tmp_path / f"{size}.yaml"
        if way == "file":
            path.write_bytes(data)
            return [found.code for found in read(str(path)).diagnostics]
        if not hasattr(os, "mkfifo"):
            pytest.skip("there are no named pipes")
        os.mkfifo(path)
        writer = threading.Thread(target=path.write_bytes, args=[data])
        writer.start()
        found = [found.code for found in read(str(path)).diagnostics]
        writer.join()
        return found

    assert said(1000) == []
    assert said(1001) == ["CC103"]


def test_a_name_is_suggested_from_so_many_layers_before(tmp_path: Path) -> None:
    """The last 300 names are looked through; more would make many such mistakes slow."""

    def help_(behind: int) -> str | None:
        path = tmp_path / "spec.yaml"
        items = "".join("  - relu\n" for _ in range(behind))
        path.write_text(
            f"input: 8\nlayers:\n  - {{linear: 8, name: squeeze}}\n{items}"
            "  - add: [[], [{from: squeze}]]\n",
            encoding="utf-8",
        )
        (found,) = read(str(path)).diagnostics
        assert found.code == "CC201"
        return found.help

    assert help_(299) == "did you mean `squeeze`?"
    assert help_(300) != "did you mean `squeeze`?"


def test_so_many_findings_are_kept(tmp_path: Path) -> None:
    most = table()["Findings that are kept for one text"]
    items = "".join(f"  - unknown{number}\n" for number in range(most + 1))
    lines = f"input: 8\nlayers:\n{items}".splitlines(keepends=True)

    assert len(codes("".join(lines[:-1]), tmp_path)) == most
    assert len(codes("".join(lines), tmp_path)) == most
