"""An evaluator held against the plain one, on designs of a sweep."""

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from convcalc.analysis.memory.terms import RunTerms
from convcalc.graph import Given
from convcalc.sweeps.chunk import Chunk
from convcalc.sweeps.engine.evaluator import PiecewiseEvaluator
from convcalc.sweeps.measures import read_measure
from convcalc.sweeps.plain import PlainEvaluator
from convcalc.sweeps.space import Space, read_space
from convcalc.sweeps.subject import Subject

TOTALS = ("parameters", "buffers", "macs", "flops", "activations", "layers", "largest_tensor")
COMPOSED = (*TOTALS, "receptive_field", "memory")


def both(
    spec: Given,
    vary: Sequence[tuple[str, str]],
    measures: Sequence[str] = COMPOSED,
    *,
    most: int = 200,
    seed: int = 0,
    terms: RunTerms | None = None,
) -> tuple[PiecewiseEvaluator, Chunk, Chunk]:
    """The evaluator that is held, its answer, and the plain one's, for some designs of a sweep."""
    subject = Subject(spec)
    space: Space = read_space(subject, vary, terms=terms)
    rows: Any = None
    if space.designs > most:
        rows = np.array(sorted(random.Random(seed).sample(range(space.designs), most)))  # noqa: S311
    asked = [read_measure(name) for name in measures]
    held = PiecewiseEvaluator(subject)
    chunks = [
        each.evaluate(space, 0, space.designs, asked, rows)
        for each in (held, PlainEvaluator(subject))
    ]
    return held, chunks[0], chunks[1]


def told(chunk: Chunk) -> dict[str, Any]:
    """A chunk as values that compare."""
    return {
        "numbers": chunk.numbers.tolist(),
        **{name: column.tolist() for name, column in chunk.columns.items()},
        "reason": chunk.reason.tolist(),
        "reasons": chunk.reasons,
        "digest": chunk.digest.tolist(),
    }


def same(*arguments: Any, **named: Any) -> bool:
    """Whether both give the same."""
    _, one, other = both(*arguments, **named)
    return told(one) == told(other)


def loaded(text: str) -> Any:
    """A spec's text as what a sweep takes."""
    from convcalc.graph import read_text
    from convcalc.spec.text import SourceText

    return read_text(SourceText("net.yaml", text))
