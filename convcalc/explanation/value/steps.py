"""Values of layers that go along a sequence: one step of one unit, by its gates."""

from typing import NamedTuple, cast

from convcalc.explanation.value.base import (
    Array,
    Asked,
    Made,
    Name,
    bracketed,
    real,
    slice_text,
)
from convcalc.layers.recurrent import Recurrent
from convcalc.numbers import plural

ROUNDINGS = 3 * 64 + 16
"""Of gates and their tanh, 64 each as of any activation function, and of what joins them."""


class _Step(NamedTuple):
    """A step of one unit of the last layer, of states as the run has them."""

    layers: int
    """How many layers stand below."""
    end: str
    """What the names of its weights end in: the layer's number and direction."""
    side: int
    """Number of the direction; 1 goes along the sequence from its end."""
    unit: int
    """Which value of the state it is."""
    places: list[int]
    """The positions that the direction has gone along, this one last."""
    state: tuple[Array, ...]
    """The parts of the state before, in float64."""
    given: list[float]
    """What the position gives to each gate, the bias included."""
    held: list[float]
    """What the state before gives to each gate, the bias included."""
    reach: list[float]
    """For each gate the sum of the magnitudes of all that these two are sums of."""
    roundings: int
    """How often a number is rounded in this step."""


def lstm(asked: Asked) -> Made:
    """σ(o)·tanh(c) of the cell c = σ(f)·p + σ(i)·tanh(g), where p is the cell before."""
    xp, step = asked.xp, _step_of(asked)
    into, forget, new, out = (a + b for a, b in zip(step.given, step.held, strict=True))
    i, f, o = (_sigmoid(asked, each) for each in (into, forget, out))
    g, p = float(xp.tanh(new)), float(step.state[1][step.unit])
    cell = f * p + i * g
    let_out = float(xp.tanh(cell))
    first = f"np.zeros((1, {step.state[0].size}))"
    states = _states(asked, step, step.places[:-1])
    reads = f"{_reads(step)}[{slice_text(step.places)}]"
    given, held = (_products(asked, step, by) for by in ("ih", "hh"))
    left = "np.append(np.cumprod(S[-2:0:-1,1])[::-1], 1)"
    names = _below(asked, step) | {
        "R": Name(reads),
        "P": Name(f"np.vstack([{first}, {states}])" if states else first),
        "A": Name(f"R @ {given[0]}.T{given[1]} + P @ {held[0]}.T{held[1]}"),
        "S": Name("1 / (1 + np.exp(-A))"),
        "G": Name("np.tanh(A[:,2])"),
        "i": Name("S[-1,0]", i),
        "f": Name("S[-1,1]", f),
        "g": Name("G[-1]", g),
        "o": Name("S[-1,3]", o),
        "p": Name(f"np.sum(S[:-1,0] * G[:-1] * {left})", p),
        "c": Name("f * p + i * g", cell),
    }
    by_i, by_f, by_g, by_o = step.reach
    # A gate grows by at most 1/4 of what is added to it, and tanh by all of it.
    reach = abs(p) * (1 + by_f / 4) + abs(g) * (1 + by_i / 4) + i * by_g
    return Made(
        formula="o * np.tanh(c)",
        numbers=f"{real(o)}·tanh({real(cell)})",
        value=o * let_out,
        names=names,
        notes=(
            *_about(asked, step),
            (
                f"The cell c is {real(f)}·{bracketed(p)} + {real(i)}·{bracketed(g)}: the forget "
                "gate f times the cell p of the step before, and the input gate i times what is "
                "new, g. The output gate o says how much of tanh(c) comes out."
            ),
            (
                "A has a row for each step up to this one, and a column for each gate; p is what "
                "each of the earlier ones let in, times the forget gates behind it."
            ),
        ),
        roundings=step.roundings,
        magnitude=o * reach + abs(let_out) * (1 + by_o / 4),
    )


def gru(asked: Asked) -> Made:
    """(1 − σ(z))·n + σ(z)·h with n = tanh(x + σ(r)·h), where h is the state before."""
    step = _step_of(asked)
    (a_r, a_z, a_n), (b_r, b_z, b_n) = step.given, step.held
    r, z = _sigmoid(asked, a_r + b_r), _sigmoid(asked, a_z + b_z)
    n, h = float(asked.xp.tanh(a_n + r * b_n)), float(step.state[0][step.unit])
    given, held = (_products(asked, step, by) for by in ("ih", "hh"))
    before = _states(asked, step, step.places[-2:-1])
    names = _below(asked, step) | {
        "H": Name(f"{before}[0]" if before else f"np.zeros({step.state[0].size})"),
        "A": Name(f"{given[0]} @ {_reads(step)}[{step.places[-1]}]{given[1]}"),
        "B": Name(f"{held[0]} @ H{held[1]}"),
        "r": Name("1 / (1 + np.exp(-A[0] - B[0]))", r),
        "z": Name("1 / (1 + np.exp(-A[1] - B[1]))", z),
        "n": Name("np.tanh(A[2] + r * B[2])", n),
        "h": Name(f"H[{step.unit}]", h),
    }
    by_r, by_z, by_n = step.reach
    new = (1 - z) * (1 + by_n + abs(b_n) * by_r / 4)
    return Made(
        formula="(1 - z) * n + z * h",
        numbers=f"(1 − {real(z)})·{bracketed(n)} + {real(z)}·{bracketed(h)}",
        value=(1 - z) * n + z * h,
        names=names,
        notes=(
            *_about(asked, step),
            (
                "The state h of the step before counts as much as the update gate z says, and what "
                f"is new the rest: n = tanh({real(a_n)} + {real(r)}·{bracketed(b_n)}), of which "
                "the second is what the state before gives, times the reset gate r."
            ),
            "A is what the position gives to each gate, and B what the state before does.",
        ),
        roundings=step.roundings,
        magnitude=new + z * abs(h) + (abs(n) + abs(h)) * (1 + by_z / 4),
    )


def _sigmoid(asked: Asked, x: float) -> float:
    return float(1 / (1 + asked.xp.exp(-asked.xp.asarray(x))))


def _step_of(asked: Asked) -> _Step:
    """The step that makes the value, after those before it have been run."""
    xp, layer, weights = asked.xp, cast("Recurrent", asked.layer), asked.weights
    below, size = layer.layers - 1, layer.features
    side, unit = divmod(asked.channel, size)
    (at,), (length,) = asked.place, asked.sizes
    end = f"l{below}{layer.directions[side]}"
    places = [*range(length - 1, at - 1, -1)] if side else [*range(at + 1)]
    steps = layer.through(xp, weights, asked.x[:, None, :], below)
    state = layer.start(xp, (1, size), steps.dtype)
    if places[1:]:
        state = layer.states(xp, weights, steps, end)[places[-2]]
    before = tuple(part[0].astype("float64") for part in state)
    x = steps[at, 0].astype("float64")
    given, reach = _gates(asked, x, f"ih_{end}", unit)
    held, more = _gates(asked, before[0], f"hh_{end}", unit)
    return _Step(
        layers=below,
        end=end,
        side=side,
        unit=unit,
        places=places,
        state=before,
        given=given.tolist(),
        held=held.tolist(),
        reach=(reach + more).tolist(),
        roundings=x.size + size + ROUNDINGS,
    )


def _gates(asked: Asked, x: Array, name: str, unit: int) -> tuple[Array, Array]:
    """What x gives to each gate of a unit, and the sums of the magnitudes of what is added."""
    layer = cast("Recurrent", asked.layer)
    own = asked.weights[f"weight_{name}"][unit :: layer.features].astype("float64")
    made, reach = own @ x, abs(own) @ abs(x)
    if not layer.bias:
        return made, reach
    bias = asked.weights[f"bias_{name}"][unit :: layer.features].astype("float64")
    return made + bias, reach + abs(bias)


def _reads(step: _Step) -> str:
    """What the last layer reads."""
    return "Y" if step.layers else "X"


def _below(asked: Asked, step: _Step) -> dict[str, Name]:
    """What the layers below give, where there are some."""
    return {"Y": Name(f"{asked.kind}(X, layers={step.layers})")} if step.layers else {}


def _states(asked: Asked, step: _Step, places: list[int]) -> str:
    """The states after some steps, which are outputs: a part of V; none of no steps."""
    size = step.state[0].size
    both = cast("Recurrent", asked.layer).bidirectional
    own = f",{step.side * size or ''}:{(step.side + 1) * size}" if both else ""
    return f"V[{slice_text(places)}{own}]" if places else ""


def _products(asked: Asked, step: _Step, by: str) -> tuple[str, str]:
    """The unit's rows of a matrix, one a gate, and the bias that is added."""
    layer = cast("Recurrent", asked.layer)
    rows = f"_{by}_{step.end}[{step.unit}::{layer.features}]"
    return f"weight{rows}", f" + bias{rows}" if layer.bias else ""


def _about(asked: Asked, step: _Step) -> list[str]:
    """Which step of which layer it is."""
    (length,), layers = asked.sizes, step.layers + 1
    way = ", from the end" if step.side else ""
    count = f"{len(step.places):,} of {length:,}"
    notes = [f"It is value {step.unit} of the state after step {count}{way}."]
    if step.layers:
        notes.append(
            f"Y is what the layer gives with {step.layers:,} of its {plural(layers, 'layer')}: the "
            "last one reads it."
        )
    return notes
