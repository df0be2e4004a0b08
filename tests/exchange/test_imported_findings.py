"""Everything that `check` says about networks as ONNX files has been judged, and nearly all holds.

torchvision's files are large: `python -m benchmarks exchange precision` tries those, too.
"""

import os
from pathlib import Path

import pytest

pytest.importorskip("onnx")

from corpus_findings import DEFENSIBLE, UNTENABLE, table_of
from imported_findings import light, said, unjudged, verdicts, without_gain, zoo
from paths import ROOT

from convcalc.spec.bundled import bundled_names

TABLE = verdicts()
SHARE = 0.95
UPDATE = bool(os.environ.get("CONVCALC_UPDATE"))
SMALL = ("alexnet_torchvision", "cifar_convnetjs", "crnn", "fcn8s", "mobilenet_v3_small")
"""Networks that rules speak of, or once did and were wrong."""
SHIPPED = ("onnx/light_bvlc_alexnet", "onnx/light_shufflenet", "onnx/light_squeezenet")


def test_ninety_five_percent_hold() -> None:
    right = [row for row in TABLE if row.defensible]

    assert len(right) >= SHARE * len(TABLE)
    assert sum(row.findings for row in right) >= SHARE * sum(row.findings for row in TABLE)
    assert sum(row.findings for row in TABLE) >= 100


def test_a_verdict_says_why_by_something_outside() -> None:
    assert len({(row.spec, row.code) for row in TABLE}) == len(TABLE)
    shipped = {file.network for file in light()} | {f"zoo/{name}" for name in bundled_names()}
    for row in TABLE:
        assert row.spec in shipped or row.spec.startswith("torchvision/"), row
        assert row.evidence in DEFENSIBLE | UNTENABLE, row
        assert len(row.reason.split()) >= 4, row
        if row.evidence in ("later", "measured", "explained"):
            assert row.source.startswith("https://"), row


def test_all_that_is_found_in_files_has_its_verdict_and_costs_less(tmp_path: Path) -> None:
    """Every verdict has its findings, too; and there is no error in a network that runs."""
    shipped = [file for file in light() if file.network in SHIPPED]
    looked_at = 0
    for file in (*shipped, *zoo(tmp_path, SMALL)):
        items = said(file)
        looked_at += len(items)
        assert unjudged(file, items, TABLE) == []
        assert without_gain(file, TABLE) == []

    assert looked_at >= len(SMALL)


@pytest.mark.thorough
def test_so_has_what_is_found_in_the_files_of_all_networks(tmp_path: Path) -> None:
    for file in (*light(), *zoo(tmp_path)):
        assert unjudged(file, said(file), TABLE) == []
        assert without_gain(file, TABLE) == []


def test_the_documentation_shows_the_table() -> None:
    page = ROOT / "docs" / "exchange.md"
    text = page.read_text(encoding="utf-8")
    before, start, rest = text.partition("<!-- findings -->\n")
    _, end, after = rest.partition("<!-- end of findings -->\n")
    assert start
    assert end
    now = f"{before}{start}\n{table_of(TABLE)}\n{end}{after}"
    if UPDATE:
        page.write_text(now, encoding="utf-8")
    else:
        assert now == text, "CONVCALC_UPDATE=1 writes it anew"
