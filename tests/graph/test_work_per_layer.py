"""How much work a plain layer is, as a count of calls: a large network is many of them."""

from collections.abc import Callable

import pytest
from work import counted

from convcalc.analysis import analyze
from convcalc.graph import as_written, loads, plan_layers
from convcalc.spec.expand import expand
from convcalc.spec.text import SourceText

HEAD = "input: 32x32x16\nlayers:\n"
PAIR = "- conv: {filters: 16, kernel: 3, padding: 1}\n- relu\n"
FEW, MANY = 100, 200
"""Pairs of layers of two networks; what both take once is in neither's difference."""


def written(pairs: int) -> str:
    return HEAD + PAIR * pairs


def repeated(pairs: int) -> str:
    body = "".join(f"    {line}\n" for line in PAIR.splitlines())
    return f"{HEAD}- repeat: {pairs}\n  layers:\n{body}"


def read(text: str) -> int:
    """Calls of reading a spec from YAML."""
    with counted() as work:
        as_written(SourceText("text", text))
    return work.calls


def write_out(text: str) -> int:
    """Calls of writing a spec out as layers."""
    written = as_written(SourceText("text", text))
    assert written.spec is not None
    with counted() as work:
        expand(written.findings, written.spec)
    return work.calls


def report(text: str) -> int:
    """Calls of planning and analysing a network."""
    network = loads(text)
    with counted() as work:
        plan_layers(network.nodes)
        analyze(network)
    return work.calls


@pytest.mark.parametrize(
    ("job", "spec", "most"),
    [
        (read, written, 36),  # 29.5 from Python 3.11 on, 35.5 before
        (read, repeated, 0),
        (write_out, written, 24.5),
        (write_out, repeated, 29.5),
        (report, written, 28),
        (report, repeated, 28),
    ],
)
def test_a_plain_layer_calls_no_more_functions_than_it_needs(
    job: Callable[[str], int], spec: Callable[[int], str], most: float
) -> None:
    job(spec(1))  # which loads what is loaded once

    layers = 2 * (MANY - FEW)

    assert (job(spec(MANY)) - job(spec(FEW))) / layers <= most
