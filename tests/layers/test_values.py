"""Whatever the value of a field: an answer, after work that the value does not decide.

Work is counted in lines of Python that run, which is the same on every machine.
"""

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest
from draws import Draw, examples, no_advice
from tabled import tabled
from work import stepped

from convcalc.analysis import analyze
from convcalc.analysis.memory import memory, untrained
from convcalc.analysis.receptive_field import receptive_fields
from convcalc.checks.fixes import fixed
from convcalc.checks.run import Checked, Task, check_opened, check_text
from convcalc.diagnostics import Diagnostic
from convcalc.forward import random_weights, run
from convcalc.graph import Network, Written, network_of, read_text
from convcalc.layers import CATALOGUE, layer_class
from convcalc.layers.base import MAX_NUMBER, MAX_WHOLE, Declared, declarations, defaults
from convcalc.layers.sliding import decimal
from convcalc.spec.source import Opened
from convcalc.spec.text import SourceText

LARGE = [10**power for power in (2, 4, 6, 8, 9, 10, 18)]
LARGE += [2**power + one for power in (16, 31, 32, 53) for one in (-1, 1)]
FRACTIONS = ["1e300", "-1e300", "1e38", "1e-300", "1.0000000001", "0.3333333333333333"]
NEEDED = {
    "filters": "2", "kernel": "3", "features": "4", "groups": "2", "size": "3", "factor": "2",
    "shape": "[-1]", "order": "[1]", "padding": "1",
}  # fmt: skip
LINES = 40_000
"""Lines that reading, checking and adding up one layer may take."""
SEARCH = 2_000_000
"""Lines that the search for inputs may take beside, where rows are dropped (CC306)."""
FIELDS = [
    (kind, field)
    for kind in CATALOGUE
    for field, declared in declarations(layer_class(kind)).items()
    if declared.form not in ("flag", "choice", "tensor")
]


@pytest.fixture(autouse=True)
def short_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer outputs that are counted one by one: tracing them is slow."""
    monkeypatch.setattr("convcalc.analysis.receptive_field.COUNTED", 2**12)


@pytest.fixture(autouse=True)
def checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What fixes are looked for in has just been checked, and tracing it again is slow."""
    known: dict[str, Checked] = {}

    def check(opened: Opened, task: Task) -> Checked:
        text = opened.text.content
        if text not in known:
            known[text] = check_opened(opened, task)
        return known[text]

    for module in ("run", "fixes"):
        monkeypatch.setattr(f"convcalc.checks.{module}.check_opened", check)


def written(declared: Declared, rank: int) -> Iterator[str]:
    """Every large value in each way that the form of a field takes."""
    form, rank = declared.form, max(rank, 1)
    for value in LARGE:
        yield f"{value}"
        if form in ("whole", "number", "padding", "extents"):
            yield f"-{value}"
        if form in ("axes", "ratios", "padding", "extents"):
            yield f"[{', '.join([str(value), *['1'] * (rank - 1)])}]"
            yield f"[{', '.join([str(value)] * rank)}]"
        if form == "padding":
            yield f"[{', '.join([f'[{value}, 0]'] * rank)}]"
            yield f"[{', '.join([f'[0, {value}]'] * rank)}]"
    if form in ("number", "ratios"):
        yield from FRACTIONS


def layer(kind: str, fields: dict[str, str]) -> str:
    usual = defaults(layer_class(kind))
    names = declarations(layer_class(kind))
    needed = {name: NEEDED.get(name, "2") for name in names if name not in usual}
    body = ", ".join(f"{name}: {value}" for name, value in {**needed, **fields}.items())
    return f"{{{kind}: {{{body}}}, from: input}}"


def spec(shape: str, layers: list[str], rounding: str = "floor") -> str:
    return f"input: {shape}\nrounding: {rounding}\nlayers:\n  - " + "\n  - ".join(layers) + "\n"


@cache
def imported() -> None:
    """Have what a spec needs imported and worked out once, which is no work of the spec's."""
    for layers in (["relu"], ["conv: {filters: 0, kernel: 3}", "relu: {slope: 1}"]):
        looked_at(spec("8x8x3", layers))


def looked_through(text: str, lines: int) -> list[Diagnostic]:
    """Everything that is found in a spec, read, checked, mended and added up within some lines."""
    imported()
    with stepped(lines):
        return looked_at(text)


def looked_at(text: str) -> list[Diagnostic]:
    """The errors of a spec, after all that is done with one.

    What was read for its check is what is analyzed: reading it again is as slow as the first time.
    """
    networks: list[Network] = []

    def kept(written: Written, **given: Any) -> Network:
        networks.append(network_of(written, **given))
        return networks[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("convcalc.checks.run.network_of", kept)
        found = check_text(SourceText("x", text), Task()).diagnostics
        fixed(Opened("x", SourceText("x", text)), Task())
    network = networks[0]
    analyze(network, strict=False)
    if not network.errors:
        memory(network)
        if untrained(network) is None:
            memory(network, batch=2, training=True, optimizer="adam")
    assert not [item.message for item in found if item.code == "CC100"]
    assert all(len(item.message) < 500 for item in found)
    return [item for item in network.diagnostics if item.severity == "error"]


def shape_for(kind: str) -> str:
    return "784" if kind == "linear" else "8x8x4"


@pytest.mark.parametrize(("kind", "field"), FIELDS)
def test_every_value_of_every_field_is_answered(kind: str, field: str) -> None:
    declared = declarations(layer_class(kind))
    shape = shape_for(kind)
    layers = [layer(kind, {field: value}) for value in written(declared[field], shape.count("x"))]
    if field == "kernel" and "padding" in declared:  # as much padding as pooling takes
        wide = ({"kernel": f"{v}", "padding": f"{v // 2}", "stride": f"{v}"} for v in LARGE)
        layers += [layer(kind, fields) for fields in wide]
    errors = looked_through(spec(shape, layers), LINES * len(layers))

    bad = {(item.line or 0) - 4 for item in errors}
    good = [each for at, each in enumerate(layers) if at not in bad]
    if good and bad:  # otherwise all have just been looked through together
        search = SEARCH if "rounding" in declarations(layer_class(kind)) else 0
        assert not looked_through(spec(shape, good), LINES * len(good) + search)


@pytest.mark.parametrize("shape", ["1000000000", "999999937x2", "999983x999979x7", "99991x9x9x2"])
@tabled("kind", CATALOGUE)
def test_every_kind_answers_about_a_large_input(kind: str, shape: str) -> None:
    value = "[[], [relu]]" if layer_class(kind).inputs == "many" else None
    text = f"{kind}: {value}" if value else layer(kind, {})
    looked_through(spec(shape, [text]), 2 * LINES)


@tabled(("kind", "field"), FIELDS)
def test_what_is_out_of_bounds_is_told_the_bound(kind: str, field: str) -> None:
    declared = declarations(layer_class(kind))[field]
    most = MAX_NUMBER if declared.form == "number" else MAX_WHOLE
    assert declared.maximum is not None
    assert declared.maximum <= most
    assert declared.minimum is not None or declared.above is not None

    text = spec("8x8x4", [layer(kind, {field: "1e300"})])
    found = [item for item in read_text(SourceText("x", text)).diagnostics if item.code == "CC302"]

    assert found[0].message.startswith(f"{field} 1e+300 is above ")
    shown = found[0].message.removeprefix(f"{field} 1e+300 is above ").partition(", the most")[0]
    assert float(shown.replace(",", "")) == pytest.approx(declared.maximum)
    assert shown in (found[0].help or "")


def large(draw: Draw) -> int:
    return draw.whole(1, int(f"1{'0' * draw.randint(0, 20)}"))


@examples(200, numerator=lambda draw: large(draw) - 1, denominator=large)
def test_a_quotient_is_shown_as_what_it_is(numerator: int, denominator: int) -> None:
    text = decimal(numerator, denominator)
    exact = Fraction(numerator, denominator)

    assert ("." in text) == (exact.denominator > 1)
    assert not text.endswith((".", ".0"))
    places = len(text.partition(".")[2])
    assert abs(Fraction(text) - exact) <= Fraction(1, 2 * 10 ** max(places, 3))
    assert places <= max(3, len(str(denominator)))


CHAINS = [
    *(
        f"{{conv: {{filters: 1, kernel: {kernel}, padding: {pad}, stride: {stride}}}, repeat: 400}}"
        for kernel, pad, stride in ((1, 0, 10**9), (3, 1, 2), (999, 499, 999))
    ),
    *(
        f"{{upsample: {{scale: {scale}, mode: {mode}}}, repeat: 400}}"
        for scale in ("1.0000001", "1.0123", "1.1")
        for mode in ("nearest", "linear")
    ),
    "{layers: [{upsample: {size: 13}}, {upsample: {size: 11}}, {adaptive_avgpool: 7}], repeat: 99}",
    "{layers: [{upsample: {size: 509, mode: linear}}, {maxpool: {kernel: 9}}], repeat: 9}",
]


@pytest.mark.parametrize("chain", CHAINS)
def test_numbers_do_not_grow_with_every_layer(chain: str) -> None:
    network = read_text(SourceText("x", f"input: 8x1\nrounding: floor\nlayers:\n  - {chain}\n"))
    assert not network.errors

    for fields, _ in receptive_fields(network):
        for field in fields or ():
            size, jump, start, *_ = field
            assert size <= 2**62
            assert max(jump.numerator, abs(start.numerator)).bit_length() < 700
            assert max(jump.denominator, start.denominator).bit_length() < 700


def test_the_work_of_a_definition_follows_what_it_reads_and_writes() -> None:
    tried = 0
    for kind, field in FIELDS:
        declared = declarations(layer_class(kind))[field]
        shape = shape_for(kind)
        rank = shape.count("x")
        layers = [layer(kind, {field: value}) for value in written(declared, rank)]
        if field == "kernel" and "padding" in declarations(layer_class(kind)):
            wide = ({"kernel": f"{v}", "padding": f"{v // 2}", "stride": f"{v}"} for v in LARGE)
            layers += [layer(kind, fields) for fields in wide]
        imported = False
        with no_advice():
            bad = {item.line for item in read_text(SourceText("x", spec(shape, layers))).errors}
        for text in (each for line, each in enumerate(layers, 4) if line not in bad):
            with no_advice():
                network = read_text(SourceText("x", spec(shape, [text])))
            plan = network.plans[1] if network.layers else None
            if plan is None or network.input is None:
                continue
            values = network.input.size + plan.output.size + sum(w.size for w in plan.weights)
            if values > 20_000:
                continue
            tried += 1
            weights = random_weights(network)
            x = np.ones((1, *network.input.axes), np.float32)
            with np.errstate(all="ignore"):
                if not imported:
                    run(network, x, weights, reference=True)
                    run(network, x, weights, threads=1)
                    imported = True
                with stepped(2_000 + 40 * values):
                    run(network, x, weights, reference=True)
                with stepped(8_000 + 40 * values):
                    run(network, x, weights, threads=1)
    assert tried > 200
