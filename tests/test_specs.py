"""Specs in pairs: those in ok/ are silent, those in err/ say exactly what their .out says."""

import os
from pathlib import Path

import pytest

from convcalc.analysis import analyze
from convcalc.formats.diagnostics import render
from convcalc.graph import Network, read

FOLDER = Path(__file__).parent / "specs"
OK = sorted((FOLDER / "ok").glob("*.yaml"))
ERR = sorted((FOLDER / "err").glob("*.yaml"))


def findings(path: Path) -> str:
    network = read(str(path))
    return render(network.diagnostics).replace(str(path), path.name)


@pytest.mark.parametrize("path", OK, ids=lambda path: path.stem)
def test_good_specs_are_silent_and_keep_what_they_expect(path: Path) -> None:
    network = read(str(path))

    assert not network.diagnostics
    report = analyze(network)
    for promise in network.promises.expect:
        if promise.name == "output":
            assert report.output == promise.wanted
        else:
            assert promise.wanted.holds(getattr(report.totals, promise.name))  # type: ignore[union-attr]


@pytest.mark.parametrize("path", ERR, ids=lambda path: path.stem)
def test_bad_specs_say_exactly_what_is_wrong(path: Path) -> None:
    found = findings(path)
    expected = path.with_suffix(".out")
    if os.environ.get("CONVCALC_UPDATE"):
        expected.write_text(found, encoding="utf-8")

    assert found == expected.read_text(encoding="utf-8")
    assert found, "a spec in err/ has something wrong"


def test_reading_many_bad_specs_in_one_run_mixes_nothing_up() -> None:
    alone = [findings(path) for path in ERR]
    together = [findings(path) for path in reversed(ERR)]

    assert alone == together[::-1]


@pytest.mark.parametrize("path", ERR, ids=lambda path: path.stem)
def test_bad_specs_are_analysed_as_far_as_they_go(path: Path) -> None:
    network: Network = read(str(path))
    report = analyze(network, strict=False)

    assert len(report.layers) == len(network.nodes)
    assert report.totals.complete or network.errors
    if report.totals.complete:
        assert all(layer.output is not None for layer in report.layers)
