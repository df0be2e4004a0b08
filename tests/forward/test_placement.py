"""Where the engine's arrays lie: apart, in the lowest gap, and found with little work."""

import pytest
from draws import Draw, examples
from work import counted

from convcalc import loads
from convcalc.forward import compile as compiled
from convcalc.forward.engine.arena import Span, placed


def span(draw: Draw) -> Span:
    first = draw.whole(-1, 12)
    return Span(draw.whole(0, 9), first, first + draw.choice([draw.whole(0, 8), 30]))


def spans(draw: Draw) -> list[Span]:
    return [*draw.some(lambda: span(draw), 0, 25)]


def together(one: Span, other: Span) -> bool:
    return one.first <= other.last and other.first <= one.last


def in_lowest_gaps(given: list[Span]) -> list[int]:
    """The same from the definition: greedy by size, every offset tried from 0."""
    offsets: dict[int, int] = {}
    for index in sorted(range(len(given)), key=lambda index: -given[index].size):
        span, offset = given[index], 0
        beside = [(at, given[i].size) for i, at in offsets.items() if together(given[i], span)]
        while any(at < offset + span.size and offset < at + size for at, size in beside):
            offset += 1
        offsets[index] = offset
    return [offsets[index] for index in range(len(given))]


@examples(100, given=spans, gaps=lambda draw: draw.choice([0, 1, 3, 100]))
def test_arrays_in_use_at_once_lie_apart(given: list[Span], gaps: int) -> None:
    offsets, total = placed(given, gaps)

    assert total == max(
        (at + span.size for at, span in zip(offsets, given, strict=True)), default=0
    )
    for index, (one, at) in enumerate(zip(given, offsets, strict=True)):
        for other, place in zip(given[:index], offsets, strict=False):
            apart = at + one.size <= place or place + other.size <= at
            assert apart or not together(one, other)


@examples(100, given=spans)
def test_each_lies_in_the_lowest_gap_that_holds_it(given: list[Span]) -> None:
    positive = [span for span in given if span.size]

    assert placed(positive)[0] == in_lowest_gaps(positive)


@pytest.mark.parametrize("kept", [False, True])
def test_work_grows_with_the_number_of_arrays(*, kept: bool) -> None:
    """Four times as many take at most six times as much, and not sixteen."""
    taken = []
    for count in (400, 1600):
        steps = [Span(1 + at * 7919 % 997, at - 1, count if kept else at) for at in range(count)]
        with counted() as work:
            placed([*steps, *(Span(1 + at * 7919 % 997, at, at) for at in range(count))])
        taken.append(work.calls)

    assert taken[1] <= 6 * taken[0]


@pytest.mark.parametrize("kept", [False, True])
def test_compiling_grows_with_the_number_of_layers(*, kept: bool) -> None:
    taken = []
    for times in (40, 160):
        network = loads(
            "input: 6x6x2\nlayers:\n"
            f"  - {{layers: [conv: {{filters: 2, kernel: 1}}, relu], repeat: {times}}}\n"
        )
        executable = compiled(network, 1, threads=1)
        names = [node.name for node in network.layers][: None if kept else 1]
        with counted() as work:
            executable.compiled(names)
        taken.append(work.calls)

    assert taken[1] <= 6 * taken[0]
