"""Windows and fields against brute force: every small case is enumerated tap by tap."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import product
from math import ceil, floor, prod

import pytest
from draws import Draw, examples

from convcalc.spans import NOTHING, Spans, every
from convcalc.window import (
    MOST,
    PHASES,
    Field,
    Interpolated,
    Window,
    adaptive,
    inside,
    met,
    resampled,
    same,
    transposed,
)

Sees = tuple[int, int] | None

SMALL = [
    (size, Window(kernel, stride, dilation, before, after))
    for size, kernel, stride, dilation, before, after in product(
        range(1, 9), range(1, 5), range(1, 5), range(1, 4), range(3), range(3)
    )
]
"""Every small input size and window."""


def placed(size: int, window: Window) -> list[range]:
    """The taps of every window that fits, found by trying; the first value lies at 0."""
    behind = (size - 1) * window.up + 1 + window.after
    found = []
    for start in range(-window.before, behind, window.stride):
        taps = range(start, start + window.extent, window.dilation)
        if taps[-1] < behind:
            found.append(taps)
    return found


def read(size: int, window: Window, taps: range) -> set[int]:
    """The real input values under the taps."""
    return {tap // window.up for tap in taps if tap % window.up == 0} & set(range(size))


def test_the_output_size_is_the_number_of_windows_that_fit() -> None:
    for size, window in SMALL:
        if window.room(size) >= 0:
            assert window.output(size) == len(placed(size, window)), (size, window)
        else:
            assert window.output(size) <= 0, (size, window)
            assert not placed(size, window), (size, window)


def test_the_output_size_is_the_formula_of_the_notes() -> None:
    for size, (kernel, stride, dilation, before, after, _) in SMALL:
        window = Window(kernel, stride, dilation, before, after)
        extent = kernel + (kernel - 1) * (dilation - 1)
        exact = Fraction(size - extent + before + after, stride) + 1
        assert window.extent == extent
        assert window.output(size) == floor(exact)
        assert (window.remainder(size) == 0) == (exact.denominator == 1)


def test_the_remainder_is_what_the_last_window_leaves_behind() -> None:
    for size, window in SMALL:
        found = placed(size, window)
        if found:
            assert window.remainder(size) == size + window.after - 1 - found[-1][-1]


def test_dropped_values_are_those_that_only_the_missing_last_window_would_read() -> None:
    for size, window in SMALL:
        found = placed(size, window)
        if not found:
            continue
        end = found[-1][-1]
        missing = range(found[-1][0] + window.stride, found[-1][0] + window.stride + window.extent)
        expected = [place for place in missing if end < place < size and place >= 0]
        assert window.dropped(size) == len(expected), (size, window)
        if window.dilation == 1:
            seen = set().union(*(read(size, window, taps) for taps in found))
            assert set(expected) == read(size, window, missing) - seen, (size, window)


def test_rounding_up_adds_the_window_that_starts_inside_or_in_front() -> None:
    for size, window in SMALL:
        if window.room(size) < 0:
            continue
        found = placed(size, window)
        start = found[-1][0] + window.stride
        partial = start + window.extent > size + window.after and start < size
        if window.remainder(size) == 0:
            partial = False
        rounded = window.rounded_up(size)
        assert rounded.output(size) == len(found) + partial, (size, window)
        assert rounded._replace(after=window.after) == window
        if partial:
            assert rounded.remainder(size) == 0


def test_same_keeps_the_size_over_the_stride_rounded_up() -> None:
    for size, kernel, stride, dilation in product(
        range(1, 20), range(1, 8), range(1, 6), range(1, 4)
    ):
        window = same(size, kernel, stride, dilation)
        assert window.output(size) == ceil(size / stride), (size, window)
        assert 0 <= window.after - window.before <= 1
        if stride == 1:
            assert window.before + window.after == window.extent - 1
        if kernel % 2 and stride == dilation == 1:  # P = (F − 1)/2 keeps the size
            assert window.before == window.after == (kernel - 1) // 2
        if window.before + window.after:
            smaller = window._replace(before=0, after=window.before + window.after - 1)
            assert smaller.output(size) < window.output(size)  # and no padding is too much


def test_transposed_is_the_mirror_image_of_the_convolution() -> None:
    for size, kernel, stride, dilation, before, after, extra in product(
        range(1, 6), range(1, 5), range(1, 4), range(1, 4), range(2), range(2), range(3)
    ):
        window = transposed(kernel, stride, dilation, before, after, extra)
        full = (size - 1) * stride + dilation * (kernel - 1) + 1
        output = full - before - after + extra
        assert window.output(size) == output, (size, window)
        spread: list[set[int]] = [set() for _ in range(max(output, 0))]
        for value, tap in product(range(size), range(kernel)):
            place = value * stride + tap * dilation - before
            if 0 <= place < output:
                spread[place].add(value)
        if output > 0:
            found = [read(size, window, taps) for taps in placed(size, window)]
            assert found == spread, (size, window)


def test_adaptive_pooling_reads_from_floor_to_ceiling() -> None:
    for size, output in product(range(1, 25), range(1, 25)):
        window = adaptive(size, output)
        assert window.output(size) == output
        found = [read(size, window, taps) for taps in placed(size, window)]
        assert found == [
            set(range(place * size // output, ceil(Fraction((place + 1) * size, output))))
            for place in range(output)
        ], (size, output)


@pytest.mark.parametrize("reach", [1, 2, 4])
def test_resampling_reads_the_values_around_its_position(reach: int) -> None:
    for size, output, numerator, denominator, (shift, shift_denominator) in product(
        range(1, 7), range(1, 10), range(1, 6), range(1, 6), [(0, 1), (1, 2), (-1, 4), (-2, 3)]
    ):
        window = resampled(
            size, output, (numerator, denominator), (shift, shift_denominator), reach
        )
        assert window.output(size) == output
        assert window.remainder(size) == 0
        for place in range(output):
            # The position place·numerator/denominator + shift/shift_denominator, as over / parts.
            over = place * numerator * shift_denominator + shift * denominator
            parts = denominator * shift_denominator
            floor = over // parts
            if reach == 1:
                expected = {floor}
            else:
                near = range(floor - reach, floor + reach + 2)
                # Right on a value, the shares of those beside it are 0.
                within = parts * (reach // 2) if over % parts else parts
                expected = {value for value in near if -within < value * parts - over < within}
            value, between, count = met(window, place)
            assert {value + hit * between for hit in range(count)} == expected


def test_resampling_a_single_value_with_aligned_corners_reads_it_everywhere() -> None:
    for output, reach in product(range(2, 6), (2, 4)):
        window = resampled(1, output, (0, output - 1), (0, 1), reach)
        assert [read(1, window, taps) for taps in placed(1, window)] == [{0}] * output


def test_negative_padding_crops() -> None:
    assert Window(before=-2, after=-3).output(10) == 5
    assert Field().through(Window(before=-2, after=-3)) == Field(1, 1, 2)


# Receptive fields: sets of input indices on an endless line, so that no border hides a formula.

EXAMPLES = 300


def sliding(draw: Draw) -> Window:
    return Window(
        kernel=draw.whole(1, 4),
        stride=draw.whole(1, 3),
        dilation=draw.whole(1, 3),
        before=draw.whole(-2, 3),
        after=draw.whole(0, 2),
        up=1,
    )


def upsampling(draw: Draw) -> Window:
    whole = draw.whole
    match draw.randrange(4):
        case 0:
            return Window(whole(1, 5), whole(1, 4), whole(1, 3), whole(-3, 5), 0, whole(2, 4))
        case 1:
            sides = (whole(0, 2), whole(0, 2), whole(0, 1))
            return transposed(whole(1, 5), whole(1, 4), whole(1, 3), *sides)
        case 2:
            return adaptive(whole(1, 9), whole(1, 9))
        case _:
            offset = draw.choice([(0, 1), (-1, 4), (1, 2), (-1, 3)])
            ratio = (whole(1, 5), whole(1, 5))
            return resampled(whole(1, 9), whole(1, 9), ratio, offset, draw.choice([1, 2, 4]))


def any_window(draw: Draw) -> Window:
    return sliding(draw) if draw.flag() else upsampling(draw)


def chain_of(
    window: Callable[[Draw], Window], least: int, most: int
) -> Callable[[Draw], list[Window]]:
    return lambda draw: [*draw.some(lambda: window(draw), least, most)]


def seen(chain: list[Window], output: int) -> Sees:
    """First input value that an output of a chain sees, and the one behind the last."""
    values = {output}
    for window in reversed(chain):
        kernel, stride, dilation, before, _, up = window
        firsts = {value * stride - before for value in values}
        taps = {first + tap * dilation for first in firsts for tap in range(kernel)}
        if isinstance(window, Interpolated):  # right on a value, the others' shares are 0
            alone = {first + kernel // 2 for first in firsts if (first + kernel // 2) % up == 0}
            beside = {
                first + tap
                for first in firsts
                for tap in range(kernel)
                if (first + kernel // 2) % up
            }
            taps = alone | beside
        values = {tap // up for tap in taps if tap % up == 0}
    return (min(values), max(values) + 1) if values else None


def field(chain: list[Window]) -> Field:
    """The field after a chain of windows."""
    found = Field()
    for window in chain:
        found = found.through(window)
    return found


def centred(spans: list[Sees], jump: Fraction) -> Fraction | None:
    """The mean over outputs of the middle of what they see, less the effective stride."""
    middles = [
        Fraction(span[0] + span[1] - 1, 2) - output * jump
        for output, span in enumerate(spans)
        if span
    ]
    return sum(middles, Fraction()) / len(middles) if middles else None


@examples(EXAMPLES, chain=chain_of(sliding, 1, 4))
def test_fields_of_sliding_layers_are_exact_for_every_output(chain: list[Window]) -> None:
    found = field(chain)
    size, jump, start = found[:3]
    for output in range(-3, 8):
        first = start + output * jump
        assert seen(chain, output) == (first, first + size) == found.sees(output)
    assert found.padding == -start
    assert found.exact
    assert not found.counted


@examples(EXAMPLES, chain=chain_of(any_window, 1, 3))
def test_fields_through_upsampling_are_exact_for_every_output(chain: list[Window]) -> None:
    found = field(chain)
    if prod(window.up for window in chain) > PHASES:
        return  # may be an upper bound: see below
    period = max(len(found.phases), 1)
    spans = [seen(chain, output) for output in range(2 * period)]
    assert [found.sees(output) for output in range(2 * period)] == spans
    assert [found.sees(output) for output in range(-4, 0)] == [
        seen(chain, output) for output in range(-4, 0)
    ]
    assert found.size == max((span[1] - span[0] for span in spans if span), default=0)
    if found.size:
        jump = Fraction(1)
        for window in chain:
            jump *= Fraction(window.stride, window.up)
        assert found.jump == jump
        assert found.start + Fraction(found.size - 1, 2) == centred(spans[:period], jump)


random_fields = chain_of(any_window, 1, 2)


@examples(EXAMPLES, one=random_fields, other=random_fields)
def test_a_union_holds_what_both_see(one: list[Window], other: list[Window]) -> None:
    first, second = field(one), field(other)
    if first.size and second.size and first.jump != second.jump:
        return  # have to be counted
    both = first.union(second)
    if not first.size or not second.size:
        assert both == (first if first.size else second)
        return
    for output in range(-3, 2 * max(len(both.phases), 1)):
        spans = [span for chain in (one, other) if (span := seen(chain, output))]
        hull = (min(span[0] for span in spans), max(span[1] for span in spans)) if spans else None
        assert both.sees(output) == hull


def test_unions_of_upsampled_and_plain_fields_of_one_stride_are_exact() -> None:
    for before, kernel, side in product(range(3), range(1, 5), range(1, 4)):
        one = [Window(2, 2), Window(kernel, 1, 1, before, 0, 2)]
        other = [Window(side, before=side // 2)]
        both, turned = field(one).union(field(other)), field(other).union(field(one))
        for output in range(-4, 8):
            spans = [span for chain in (one, other) if (span := seen(chain, output))]
            hull = (min(s[0] for s in spans), max(s[1] for s in spans))
            assert both.sees(output) == turned.sees(output) == hull


def test_a_pattern_is_kept_up_to_its_limit() -> None:
    """A map that is made n times as large repeats after n outputs; docs name 512 of them."""
    nearest = {up: Window(up, 1, 1, up - 1, 0, up) for up in (2, 3, 256, 512, 513)}
    assert len(field([nearest[512]]).phases) == 512
    assert not field([nearest[513]]).phases
    assert len(field([nearest[256], nearest[2]]).phases) == 512
    assert not field([nearest[256], nearest[3]]).phases
    # Two patterns beside each other repeat together: 2 and 512 after 512, 3 and 512 after 1,536.
    long = field([Window(512, 512), nearest[512]])
    assert len(field([Window(2, 2), nearest[2]]).union(long).phases) == 512
    assert len(long.union(field([Window(2, 2), nearest[2]])).phases) == 512
    assert not field([Window(3, 3), nearest[3]]).union(long).phases


@pytest.mark.parametrize("behind", [0, 1, 4])
@pytest.mark.parametrize("up", [3, 5, 11])
def test_an_upper_bound_holds_every_output_and_no_more_than_its_steps(up: int, behind: int) -> None:
    """Beyond the limit a field is an interval: as far as any output reaches, by its own place."""
    more = PHASES // up + 1
    chain = [Window(4, 3), Window(up + 2, 2, 1, behind, 0, up), Window(3, 1, 2, 1, 0, more)]
    found = field(chain)
    jump = Fraction(3 * 2, up * more)
    assert found.jump == jump
    spans = [
        (span[0] - output * jump, span[1] - output * jump)
        for output in range(2 * up * more)
        if (span := seen(chain, output))
    ]
    low, high = min(span[0] for span in spans), max(span[1] for span in spans)
    assert found.start <= low
    assert found.start + found.size >= high
    # A whole number of values around the place of each output, and the gaps between them.
    assert found.size <= high - low + 1 + 2 * Fraction(3 * 2, up)
    beside = found.union(field([*chain[:-1], Window(5, 1, 2, 3, 0, more)]))
    assert beside.start <= found.start
    assert beside.start + beside.size >= found.start + found.size
    assert beside.size <= found.size + 2 * 2 * Fraction(3 * 2, up * more) + 2


def test_what_is_not_said_changes_nothing() -> None:
    """A window without arguments is the identity, and so is each of its fields alone."""
    for size in range(1, 9):
        assert Window().output(size) == size
        assert Window().remainder(size) == Window().dropped(size) == 0
        assert Window(kernel=3).output(size + 2) == size
        assert Window(stride=2).output(size) == -(-size // 2)
        assert Window(before=1).output(size) == Window(after=1).output(size) == size + 1
        assert Window(up=2).output(size) == 2 * size - 1
        assert transposed(1).output(size) == size
        assert transposed(3).output(size) == size + 2
    assert Field().through(Window()) == Field()
    assert [Field().sees(output) for output in range(3)] == [(0, 1), (1, 2), (2, 3)]
    assert Field().size == 1
    assert Field().padding == 0


def test_a_single_position_that_is_spread_is_seen_by_every_output() -> None:
    pooled = Field().through(Window(3, before=1, after=1)).through(Window(kernel=8))
    spread = pooled.collapsed(1)
    assert spread[:3] == (10, 0, -1)
    assert spread.counted
    assert spread.exact
    assert spread.through(Window(3, 2, 1, 1, 1)) == spread  # nothing local to widen
    assert spread.through(Window(8, 1, 1, 7, 7, 8)) == spread
    assert not spread.through(Window(2, 1, 1, 2, 2, 3)).exact  # gaps, which see nothing
    assert not spread.through(Window(3, 1, 2, 2, 2, 3)).exact
    gated = Field(3, 1, -1, whole=8)
    assert gated.through(Window(3, 2, 1, 1, 1)) == Field(5, 2, -2, whole=8)
    assert gated.through(Window(2, 1, 1, 1, 1, 2)).whole == 8
    for window in (Window(1, 1, 1, 0, 0, 2), Window(3, 1, 2, 2, 2, 3)):
        holed = gated.through(window)
        assert (holed.size, holed.whole, holed.exact) == (8, 0, False)
    assert gated.union(Field(5, 1, -2)) == Field(5, 1, -2, whole=8)
    assert Field(5, 1, -2).union(gated) == Field(5, 1, -2, whole=8)
    gaps = Field().through(Window(kernel=1, stride=2, before=1, up=2))
    assert gaps[:3] == (0, 0, 0)  # every tap falls into a gap
    assert gaps.collapsed(9).size == 0


@examples(EXAMPLES, chain=random_fields, positions=lambda draw: draw.whole(1, 12))
def test_an_axis_seen_at_once_is_the_hull_of_its_outputs(
    chain: list[Window], positions: int
) -> None:
    spans = [span for output in range(positions) if (span := seen(chain, output))]
    found = field(chain).collapsed(positions)
    assert found.jump == 0
    assert not found.phases
    assert found.exact == (positions == 1 and field(chain).exact)
    if spans:
        start, end = min(span[0] for span in spans), max(span[1] for span in spans)
        assert found.start == start
        assert found.size == end - start
    else:
        assert found.size == 0


def test_fields_align_when_stride_and_centre_agree() -> None:
    assert Field(3, 1, -1).aligned(Field(7, 1, -3))
    assert not Field(3, 1, -1).aligned(Field(7, 1, 0))
    assert not Field(3, 1, -1).aligned(Field(3, 2, -1))
    assert Field(3, 1, -1).aligned(Field(9, 0, 0))
    # U-Net: pooled by 2 and brought back, by nearest, linear, or a transposed 2×2 convolution
    below = Field().through(Window(2, 2))
    for up in (
        resampled(8, 16, (1, 2), (0, 1), 1),
        resampled(8, 16, (1, 2), (-1, 4), 2),
        transposed(2, 2),
        transposed(4, 2, 1, 1, 1),
    ):
        assert below.through(up).aligned(Field()), up
    assert not below.through(transposed(3, 2, 1, 1, 1, 1)).aligned(Field())


def test_the_largest_field_after_upsampling_counts_the_worst_phase() -> None:
    twice = Window(2, 1, 1, 1, 1, 2)  # the nearest value, twice as large
    assert field([twice]).size == 1
    assert field([twice, Window(2)]).size == 2  # outputs 1, 3, … straddle two values
    assert field([twice, Window(3)]).size == 2
    assert field([twice, Window(4)]).size == 3
    assert field([twice, Window(2, 2)]) == Field(1, 1, 0, counted=True)
    assert field([Window(2, 2), twice]).size == 2
    assert field([Window(2, 2), twice, Window(2)]).size == 4
    assert field([transposed(3, 2)]).size == 2
    assert field([transposed(1, 2)]).sees(1) is None  # only the bias


def test_patterns_too_long_to_keep_give_an_upper_bound_that_holds_every_output() -> None:
    slow = resampled(2 * PHASES, 2 * PHASES + 1, (2 * PHASES, 2 * PHASES + 1), (0, 1), 2)
    chain = [Window(3, 2, before=1), slow, Window(3, before=1), transposed(2, 2), Window(2, 3)]
    found = field(chain)
    exact = [span for output in range(-50, 300) if (span := seen(chain, output))]
    assert not found.phases
    assert found.counted
    assert not found.exact
    for output in range(-50, 300):
        inner, outer = seen(chain, output), found.sees(output)
        assert inner
        assert outer
        assert outer[0] <= inner[0]
        assert inner[1] <= outer[1]
    largest = max(end - first for first, end in exact)
    assert largest <= found.size <= largest + 4
    beside = found.union(found.through(Window(3, before=1)))
    assert beside.jump == found.jump
    assert beside.size >= found.size
    whole = field([slow, Window(1, 2 * PHASES + 1)])
    assert whole.jump == 2 * PHASES
    assert isinstance(whole.start, int)


def seen_of(draw: Draw) -> Sees:
    return (draw.randrange(10), draw.randrange(10)) if draw.flag() else None


@examples(
    EXAMPLES,
    values=lambda draw: [*draw.some(lambda: seen_of(draw), 1, 9)],
    window=any_window,
    outputs=lambda draw: draw.whole(1, 9),
)
def test_spans_are_counted_tap_by_tap(values: list[Sees], window: Window, outputs: int) -> None:
    """Of any map: what its values see need not be in order, and some may see nothing."""
    spans = Spans(
        [NOTHING if value is None else min(value) for value in values],
        [-1 if value is None else max(value) for value in values],
        ordered=False,
    )
    found = spans.through(window, outputs)
    for output in range(outputs):
        value, between, count = met(window, output)
        taps = [value + hit * between for hit in range(count)]
        under = [values[tap] for tap in taps if 0 <= tap < len(values)]
        sees = [one for one in under if one is not None]
        assert found.first[output] == min((min(one) for one in sees), default=NOTHING)
        assert found.last[output] == max((max(one) for one in sees), default=-1)
    sizes = [last - first + 1 for first, last in zip(found.first, found.last, strict=True)]
    assert found.size == max(0, *sizes)
    for ends in (found.first, found.last):
        if found.ordered:
            assert ends == sorted(ends)
        beside = getattr(found.beside(every(1)), "first" if ends is found.first else "last")
        pick = min if ends is found.first else max
        assert beside == [pick(end, 0) for end in ends]


@examples(EXAMPLES, size=lambda draw: draw.whole(1, 12), chain=chain_of(any_window, 1, 3))
def test_spans_in_order_are_those_that_are_not(size: int, chain: list[Window]) -> None:
    ordered, other = every(size), every(size)._replace(ordered=False)
    for window in chain:
        outputs = min(window.output(len(ordered.first)), 40)
        if outputs < 1:
            return
        ordered = ordered.through(window, outputs)
        other = other._replace(ordered=False).through(window, outputs)
        assert ordered[:2] == other[:2]


@examples(EXAMPLES, size=lambda draw: draw.whole(1, 9), window=any_window)
def test_outputs_inside_read_nothing_beyond_the_border(size: int, window: Window) -> None:
    low, high = inside(window, 0, size - 1)
    for output in range(-3, 20):
        first = output * window.stride - window.before
        taps = [(first + tap * window.dilation) / window.up for tap in range(window.kernel)]
        within = all(-1 < tap < size for tap in taps)
        assert within == (low <= output <= high), output


def receptive(*layers: tuple[int, int, int]) -> Field:
    return field([Window(kernel, stride, dilation) for kernel, stride, dilation in layers])


def test_worked_receptive_fields() -> None:
    assert receptive((3, 1, 1), (3, 1, 1)).size == 5
    assert receptive((3, 1, 1), (3, 1, 1), (3, 1, 1)).size == 7
    dilated = [(3, 1, 1), (3, 1, 2), (3, 1, 4)]
    assert [receptive(*dilated[: depth + 1]).size for depth in range(3)] == [3, 7, 15]


def vgg16() -> Iterator[Window]:
    for convolutions in (2, 2, 3, 3, 3):
        yield from [Window(3, before=1, after=1)] * convolutions
        yield Window(2, 2)


def alexnet_v2() -> Iterator[Window]:
    yield from (Window(11, 4), Window(3, 2), Window(5, before=2, after=2), Window(3, 2))
    yield from [Window(3, before=1, after=1)] * 3
    yield Window(3, 2)


def resnet(*blocks: int) -> Iterator[Window]:
    """Longest path of TF-Slim's version: the last block of a stage has the stride."""
    yield from (Window(7, 2, before=3, after=3), Window(3, 2, before=0, after=1))
    for stage, count in enumerate(blocks):
        for block in range(count):
            last = block == count - 1 and stage < len(blocks) - 1
            yield Window(3, 2 if last else 1, before=1, after=1)


def mobilenet_v1() -> Iterator[Window]:
    for stride in (2, 1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1):
        yield Window(3, stride, before=1 - (stride == 2), after=1)


@pytest.mark.parametrize(
    ("chain", "published"),
    [
        (list(alexnet_v2()), (195, 32, 64)),
        (list(vgg16()), (212, 32, 90)),
        (list(resnet(3, 4, 6, 3)), (483, 32, 239)),
        (list(resnet(3, 4, 23, 3)), (1027, 32, 511)),
        (list(resnet(3, 8, 36, 3)), (1507, 32, 751)),
        (list(mobilenet_v1()), (315, 32, 126)),
    ],
    ids=["AlexNet v2", "VGG-16", "ResNet-50", "ResNet-101", "ResNet-152", "MobileNet v1"],
)
def test_published_receptive_fields(chain: list[Window], published: tuple[int, int, int]) -> None:
    size, stride, padding = published
    found = field(chain)
    assert (found.size, found.jump) == (size, stride)
    assert found.padding == padding


def test_numbers_beyond_the_largest_are_bounds_and_say_so() -> None:
    field = Field(MOST + 1, 2 * MOST, -3 * MOST, exact=True).clamped()

    assert (field.size, field.jump, field.start) == (MOST, MOST, -MOST)
    assert field.counted
    assert not field.exact
    assert Field(MOST, MOST, -MOST).clamped() == Field(MOST, MOST, -MOST)
