"""Everything that the rules say about networks that work has been judged, and nearly all holds.

docs/findings.md says what the verdicts rest on; where that is a cost, it is worked out here.
"""

import os
from collections import Counter
from collections.abc import Iterator
from functools import cache

import pytest
from corpus_findings import (
    ASKED_FOR,
    CORPUS,
    DEFENSIBLE,
    UNTENABLE,
    Spec,
    Verdict,
    faults,
    findings,
    said,
    specs,
    table,
    verdicts,
)
from helps_done import done, problems
from paths import ROOT

from convcalc.graph import Network, as_written, network_of
from convcalc.spec.text import SourceText

TABLE = verdicts()
JUDGED = [verdict for verdict in TABLE if verdict.code != ASKED_FOR]
SHARE = 0.95
UPDATE = bool(os.environ.get("CONVCALC_UPDATE"))


def test_the_corpus_is_large_and_not_the_zoo_again() -> None:
    texts = {spec.name: spec.text for spec in specs()}
    corpus = [text for name, text in texts.items() if name.startswith("tests/corpus/")]
    zoo = {path.stem for path in (ROOT / "architectures").glob("*.yaml")}

    assert len(corpus) >= 100
    assert all("\nreference: http" in text and "\nexpect:" in text for text in corpus)
    assert not zoo & {path.stem for path in CORPUS.glob("*.yaml")}


@pytest.mark.thorough
def test_networks_are_what_their_sources_count_and_every_finding_has_its_verdict() -> None:
    """Every verdict has its findings, too."""
    everything = {spec.name: said(spec) for spec in specs()}
    errors = {
        name: [item for item in items if item.severity == "error"]
        for name, items in everything.items()
    }
    assert {name: each for name, each in errors.items() if each} == {}

    found = Counter(
        (name, item.code) for name, items in everything.items() for item in faults(items)
    )
    judged = Counter({(verdict.spec, verdict.code): verdict.findings for verdict in TABLE})

    assert len({(verdict.spec, verdict.code) for verdict in TABLE}) == len(TABLE)
    assert found - judged == Counter(), "findings to judge: a row in verdicts.csv says why"
    assert judged - found == Counter(), "verdicts on what is no longer found: take the rows out"


def test_ninety_five_percent_hold() -> None:
    for rows in (TABLE, JUDGED):
        right = [verdict for verdict in rows if verdict.defensible]

        assert len(right) >= SHARE * len(rows)
        assert sum(one.findings for one in right) >= SHARE * sum(one.findings for one in rows)


def test_the_documentation_shows_the_table() -> None:
    page = ROOT / "docs" / "findings.md"
    text = page.read_text(encoding="utf-8")
    before, start, rest = text.partition("<!-- findings -->\n")
    _, end, after = rest.partition("<!-- end of findings -->\n")
    assert start
    assert end
    now = f"{before}{start}\n{table()}\n{end}{after}"
    if UPDATE:
        page.write_text(now, encoding="utf-8")
    else:
        assert now == text, "CONVCALC_UPDATE=1 writes it anew"


def test_a_verdict_says_why_by_something_outside() -> None:
    for verdict in TABLE:
        assert verdict.evidence in DEFENSIBLE | UNTENABLE, verdict
        assert len(verdict.reason.split()) >= 4, verdict
        if verdict.evidence in ("later", "measured", "explained"):
            assert verdict.source.startswith("https://"), verdict


def networks(spec: Spec) -> Iterator[Network]:
    """All members of a family."""
    written = as_written(SourceText(spec.name, spec.text))
    assert written.spec is not None
    for member in written.spec.presets or [""]:
        yield network_of(written, preset=member)


COSTS = [verdict for verdict in TABLE if verdict.evidence == "cost"]


@cache
def texts() -> dict[str, Spec]:
    return {spec.name: spec for spec in specs()}


@pytest.mark.parametrize("verdict", COSTS, ids=lambda one: f"{one.spec}: {one.code}")
def test_doing_what_the_help_says_keeps_all_other_shapes_and_costs_less(verdict: Verdict) -> None:
    looked_at = 0
    for network in networks(texts()[verdict.spec]):
        for index, problem in problems(network, verdict.code):
            looked_at += 1
            costs = list(done(network, index, problem))

            assert any(after.lower(before) for before, after in costs), problem.message

    assert looked_at >= verdict.findings


def test_findings_come_whatever_comments_ignore() -> None:
    spec = Spec("net.yaml", "input: 32x32x3\nlayers:\n  - conv: {filters: 8, kernel: 3, padding: 1}"
                "   # convcalc: ignore[CC408] meant\n  - batchnorm\n  - relu\n")  # fmt: skip

    assert [item.code for item in findings(spec)] == ["CC408"]
