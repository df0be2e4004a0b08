"""Bytes alive at every operation of one batch, and where most of them are."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from convcalc.analysis.memory.report import Moment, Phase
from convcalc.analysis.memory.walk import Event, at


class Highest(NamedTuple):
    """The moment at which most bytes are alive; the first of several."""

    bytes: int
    """All that is alive then."""
    phase: Phase
    """In which phase that is."""
    layer: str
    """The layer that runs then, or `loss`, or `optimizer`."""
    kept: int
    """Bytes of it that are kept for the backward pass."""
    learned: int
    """Bytes of it that are gradients of parameters."""
    moment: int = -1
    """Index of the moment; -1 is before all others."""


class Timeline(NamedTuple):
    """What is alive, operation by operation, in bytes for the whole batch."""

    moments: list[Moment]
    """Every operation in the order in which they run; in training the optimizer's step is last."""
    learned: list[int]
    """By moment, how many of its bytes are gradients of parameters."""
    peaks: dict[Phase, int]
    """By phase, the most bytes alive at once; 0 for one that there is not."""
    lives: dict[Phase, list[int]]
    """By pass and index of a layer, the loss last, the most bytes alive while it runs; 0 where
    nothing of it does."""
    highest: Highest
    """Where the peak is."""


def timeline(
    events: Iterable[tuple[Phase, Event]],
    batch: int,
    *,
    fixed: int,
    names: Sequence[str],
    start: str,
) -> Timeline:
    """The timeline of both passes, of layers with `names`.

    `fixed` bytes are there all the time, and at the `start` nothing else is.
    """
    moments: list[Moment] = []
    learned: list[int] = []
    lives: dict[Phase, list[int]] = {"forward": [0] * len(names), "backward": [0] * len(names)}
    peaks: dict[Phase, int] = {"forward": fixed, "backward": 0, "step": 0}
    highest = Highest(fixed, "forward", start, kept=0, learned=0)
    for number, (phase, event) in enumerate(events):
        live = fixed + at(event.live, batch)
        layer = names[event.layer]
        moments.append(Moment(phase, layer, live))
        learned.append(at(event.learned, batch))
        peaks[phase] = max(peaks[phase], live)
        lives[phase][event.layer] = max(lives[phase][event.layer], live)
        if live > highest.bytes:
            highest = Highest(live, phase, layer, at(event.kept, batch), learned[-1], number)
    return Timeline(moments, learned, peaks, lives, highest)


def stepped(passes: Timeline, live: int, gradients: int) -> Timeline:
    """The timeline of both passes and of an optimizer's step, with `live` bytes alive in it."""
    last = len(passes.moments)
    step = Highest(live, "step", "optimizer", kept=0, learned=gradients, moment=last)
    return Timeline(
        moments=[*passes.moments, Moment("step", step.layer, live)],
        learned=[*passes.learned, gradients],
        peaks={**passes.peaks, "step": live},
        lives=passes.lives,
        highest=step if live > passes.highest.bytes else passes.highest,
    )
