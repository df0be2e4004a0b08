"""One value of an LSTM and of a GRU: its gates, and the state of the step before."""

from typing import Any

import numpy as np
import pytest
from draws import Draw
from tabled import tabled

from convcalc import explain_value
from convcalc.explanation.value import made_of
from convcalc.graph import loads
from convcalc.layers import kinds, layer_class
from convcalc.shape import Shape

LN2, LN3 = np.log(2), np.log(3)
"""tanh(ln 2) = (4 − 1)/(4 + 1) = 0.6, and 1/(1 + e^(−ln 3)) = 3/(3 + 1) = 0.75."""
TWICE = [
    # i = f = o = 0.75, g = 0.6: c = 0.75·0.6 = 0.45, then 0.75·0.45 + 0.45 = 0.7875.
    (
        "lstm",
        [LN3, LN3, LN2, LN3],
        0,
        {"i": 0.75, "f": 0.75, "g": 0.6, "o": 0.75, "p": 0, "c": 0.45},
    ),
    ("lstm", [LN3, LN3, LN2, LN3], 1, {"f": 0.75, "g": 0.6, "p": 0.45, "c": 0.7875}),
    # r = z = 0.75, n = 0.6: h = 0.25·0.6 = 0.15, then 0.15 + 0.75·0.15 = 0.2625.
    ("gru", [LN3, LN3, LN2], 0, {"r": 0.75, "z": 0.75, "n": 0.6, "h": 0}),
    ("gru", [LN3, LN3, LN2], 1, {"z": 0.75, "n": 0.6, "h": 0.15}),
]


@tabled(("kind", "gates", "at", "numbers"), TWICE)
def test_two_steps_by_hand(
    kind: str, gates: list[float], at: int, numbers: dict[str, float]
) -> None:
    """One value that reads 1 twice, and nothing of its own state."""
    network = loads(f"{{input: 2x1, layers: [{kind}: {{features: 1, bias: false}}]}}")
    own = {"ih": np.array(gates)[:, None], "hh": np.zeros((len(gates), 1))}
    weights = {f"{kind}1.weight_{by}_l0": each for by, each in own.items()}
    value = explain_value(
        network, f"{kind}1", (at, 0), x=np.ones((1, 1, 2)), weights=weights, dtype="float64"
    )
    found = {name: each.number for name, each in value.made.names.items()}
    assert {name: found[name] for name in numbers} == pytest.approx(numbers, rel=1e-12, abs=1e-12)
    state = 0.75 * np.tanh(numbers.get("c", 0)) if kind == "lstm" else (0.15, 0.2625)[at]
    assert value.made.value == pytest.approx(float(state), rel=1e-12)
    assert value.agrees


@pytest.mark.parametrize("kind", sorted(kinds("recurrent")))
def test_every_value_is_that_of_torch(kind: str) -> None:
    torch = pytest.importorskip("torch")
    draw = Draw(f"steps of {kind}")
    for bias, both, layers in ((True, True, 2), (False, True, 1), (True, False, 3)):
        length, channels, size = draw.randint(1, 5), draw.randint(1, 4), draw.randint(1, 3)
        module = getattr(torch.nn, kind.upper())(
            channels, size, layers, bias=bias, bidirectional=both, batch_first=True
        ).double()
        generator = np.random.default_rng(layers)
        weights = {
            name: generator.normal(size=tuple(each.shape))
            for name, each in module.named_parameters()
        }
        module.load_state_dict({name: torch.from_numpy(each) for name, each in weights.items()})
        x = generator.normal(size=(1, channels, length))
        with torch.no_grad():
            y, *_ = module(torch.from_numpy(x).mT)
        make: Any = layer_class(kind)
        layer = make(features=size, layers=layers, bidirectional=both, bias=bias)
        assert layer.plan([Shape(channels, (length,))]).output.axes == tuple(y[0].mT.shape)
        for at in np.ndindex(*y[0].shape):
            made = made_of(kind, layer, np, weights, (x,), at)
            assert made.value == pytest.approx(float(y[0][at]), rel=1e-12, abs=1e-12)


@tabled(("kind", "dtype", "most"), [
    ("lstm", "float32", 2e-5), ("gru", "float32", 2e-5),
    ("lstm", "float16", 0.2), ("gru", "float16", 0.2),
])  # fmt: skip
def test_rounding_is_that_of_one_step_however_long_the_sequence_is(
    kind: str, dtype: Any, most: float
) -> None:
    """The states before are those of the run, so that errors of many steps do not add up."""
    network = loads(f"{{input: 100x8, layers: [{kind}: {{features: 16, bidirectional: true}}]}}")
    for at in ((0, 0), (99, 15), (50, 3), (0, 16), (99, 31)):
        value = explain_value(network, f"{kind}1", at, dtype=dtype)
        assert value.difference <= value.bound < most
