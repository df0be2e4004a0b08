"""Drawings of one axis: some checked by hand, and all of small hyperparameters read back."""

import random
from itertools import product
from typing import Any

from tabled import tabled

from convcalc.explanation.drawing import FEWEST_COLUMNS, drawing
from convcalc.window import Window, adaptive, met, resampled, same, transposed

BY_HAND: dict[str, tuple[tuple[Window, int, dict[str, Any]], str]] = {
    # Outputs 0, 1, 2 read −1…1, 1…3 and 3…5.
    "padding": (
        (Window(3, 2, 1, 1, 1), 5, {}),
        """\
             0  1  2  3  4
input     p  o  o  o  o  o  p
output 0  □  ■  ■
output 1        ■  ■  ■
output 2              ■  ■  □
o value   p padding   ■ tap   □ tap that meets no value""",
    ),
    # The last window ends at 8: (10 − 3)/2 leaves one over.
    "dropped": (
        (Window(3, 2), 10, {}),
        """\
          0  1  2  3  4  5  6  7  8  9
input     o  o  o  o  o  o  o  o  o  x
output 0  ■  ■  ■
output 1        ■  ■  ■
output 2              ■  ■  ■
output 3                    ■  ■  ■
o value   x dropped: the last step does not fit   ■ tap""",
    ),
    # A stride of 3 over a kernel of 1 passes two of three by.
    "stride beyond the kernel": (
        (Window(1, 3), 5, {}),
        """\
          0  1  2  3  4
input     o  -  -  o  -
output 0  ■
output 1           ■
o value   - value that no window reads   ■ tap""",
    ),
    # Ceil mode reads one cell past the border.
    "ceil": (
        (Window(3, 2).rounded_up(6), 6, {"past": 1}),
        """\
          0  1  2  3  4  5
input     o  o  o  o  o  o  +
output 0  ■  ■  ■
output 1        ■  ■  ■
output 2              ■  ■  □
o value   + more than the padding   ■ tap   □ tap that meets no value""",
    ),
    # Dilation 2, causal: output o reads o − 4, o − 2 and o.
    "dilated and causal": (
        (Window(3, 1, 2, 4, 0), 4, {}),
        """\
                      0  1  2  3
input     p  p  p  p  o  o  o  o
output 0  □     □     ■
output 1     □     □     ■
output 2        □     ■     ■
output 3           □     ■     ■
o value   p padding   ■ tap   □ tap that meets no value""",
    ),
    # (3 − 1)·2 + 3 − 2·1 + 1 = 6 outputs over values two apart.
    "transposed with output padding": (
        (transposed(3, 2, 1, 1, 1, 1), 3, {"past": 1}),
        """\
             0     1     2
input     p  o  .  o  .  o  p  +
output 0  □  ■  □
output 1     ■  □  ■
output 2        □  ■  □
output 3           ■  □  ■
output 4              □  ■  □
output 5                 ■  □  □
o value   p padding   + more than the padding   . gap   ■ tap
□ tap that meets no value""",
    ),
    # `same` puts the odd pixel behind.
    "same": (
        (same(4, 3, 2, 1), 4, {"mode": "reflect"}),
        """\
          0  1  2  3
input     o  o  o  o  p
output 0  ■  ■  ■
output 1        ■  ■  ■
o value   p padding (reflect)   ■ tap""",
    ),
    "cropped": (
        (Window(before=-2, after=-1), 5, {}),
        """\
          0  1  2  3  4
input     c  c  o  o  c
output 0        ■
output 1           ■
o value   c value that is cut off   ■ tap""",
    ),
    "a kernel that does not fit": (
        (Window(4), 2, {}),
        """\
        0  1
input   o  o
kernel  ■  ■  □  □
o value   ■ tap   □ tap that meets no value""",
    ),
    # 60 columns less 12 of labels leave 48: 22 cells from −2 on, the sign, and 23 up to 302.
    "the first and the last of many": (
        (Window(5, 2, 1, 2, 2), 301, {"columns": 60}),
        """\
              0    5    10   15      280  285  290  295  300
input       ppoooooooooooooooooooo … ooooooooooooooooooooopp
output 0    □□■■■
output 1      ■■■■■
output 2        ■■■■■
output 3          ■■■■■
output 4            ■■■■■
…
output 148                                         ■■■■■
output 149                                           ■■■■■
output 150                                             ■■■□□
o value   p padding   ■ tap   □ tap that meets no value""",
    ),
}


@tabled("name", BY_HAND)
def test_drawings_by_hand(name: str) -> None:
    (window, size, options), expected = BY_HAND[name]

    assert "\n".join(drawing(window, size, **options)) == expected


def read_back(lines: tuple[str, ...]) -> tuple[str, list[list[int]]]:
    """The signs of the cells, and where each output has its taps, by column."""
    _, head, *rest = lines
    width = len(head) - len(head.removeprefix("input").lstrip())
    cell = 1 if "  " not in head[width:].rstrip() and len(head[width:]) > 1 else 3
    cells = head[width::cell].rstrip()
    rows = [line[width::cell] for line in rest if line.startswith("output")]
    return cells, [[at for at, sign in enumerate(row) if sign in "■□"] for row in rows]


def small() -> list[tuple[Window, int]]:
    """Windows of all small hyperparameters over few values, which are drawn in cells of three."""
    draws = random.Random(35)  # noqa: S311 (no secret)
    every = [
        (Window(kernel, stride, dilation, before, after, up), size)
        for kernel, stride, dilation, before, after, up, size in product(
            (1, 2, 3), (1, 2, 3), (1, 2), (0, 1, 3), (0, 1, 2), (1, 2, 3), (1, 2, 5, 6)
        )
        if up == 1 or stride == 1  # as layers have them
    ]
    return [each for each in draws.sample(every, 700) if each[0].output(each[1]) in range(1, 13)]


@tabled(("window", "size"), small())
def test_a_drawing_read_back_is_its_window(window: Window, size: int) -> None:
    cells, rows = read_back(drawing(window, size, columns=200))
    first = len(cells) - len(cells.lstrip("p"))

    assert len(rows) == window.output(size)
    assert first == window.before
    assert len(cells) - len(cells.rstrip("p")) == window.after
    assert len(cells) == window.before + (size - 1) * window.up + 1 + window.after
    assert cells.count("x") == window.dropped(size)
    read = set()
    for output, taps in enumerate(rows):
        start = output * window.stride - window.before
        assert taps == [first + start + tap * window.dilation for tap in range(window.kernel)]
        read |= {*taps}
    values = {first + value * window.up for value in range(size)}
    assert {at for at, sign in enumerate(cells) if sign in "ox-"} == values
    # What is read is neither dropped nor passed by, and what is neither is read.
    assert {at for at, sign in enumerate(cells) if sign == "o"} == values & read


LARGE = [
    (window, size)
    for size in (1, 7, 63, 64, 65, 224, 1000, 10**9)
    for window in (
        Window(11, 4),
        Window(3, 1, 1, 1, 1),
        Window(10**9, 1, 1, 10**9, 10**9),
        Window(3, 2, 400, 7, 500),
        transposed(4, 2, 1, 1, 1),
        adaptive(size, 7),
        resampled(size, 224, (size, 224), (0, 1), 2),
        Window(size),
    )
]


@tabled(("window", "size"), LARGE)
def test_no_drawing_is_wider_or_longer_than_it_may_be(window: Window, size: int) -> None:
    for columns in (20, 76, 120):
        lines = drawing(window, size, columns=columns)
        assert max(map(len, lines)) <= max(columns, FEWEST_COLUMNS)
        assert len(lines) <= 22
        outputs = window.output(size)
        shown = [line for line in lines if line.startswith("output")]
        if outputs >= 1:
            assert shown[0].startswith("output 0 ")
            assert shown[-1].startswith(f"output {outputs - 1} ")


RESAMPLED = [
    *((adaptive(size, output), size) for size in (1, 5, 9) for output in (1, 3, 7)),
    *((resampled(5, 9, (5, 9), (-2, 9), reach), 5) for reach in (1, 2, 4)),
    *((resampled(9, 4, (9, 4), (5, 8), reach), 9) for reach in (1, 2, 4)),
]


@tabled(("window", "size"), RESAMPLED)
def test_without_gaps_each_output_has_the_values_that_it_reads(window: Window, size: int) -> None:
    cells, rows = read_back(drawing(window, size, spread=False, columns=200))

    assert len(rows) == window.output(size)
    assert len(cells) == size
    for output, taps in enumerate(rows):
        value, step, hits = met(window, output)
        assert taps == [at for at in range(value, value + hits * step, step) if 0 <= at < size]
    read = {at for taps in rows for at in taps}
    assert [at for at, sign in enumerate(cells) if sign == "o"] == sorted(read)


def test_taps_of_resampling_lie_where_it_reads() -> None:
    """A cubic output that lies right on a value reads that one alone."""
    window = resampled(4, 7, (1, 2), (0, 1), 4)
    _, rows = read_back(drawing(window, 4, columns=200))
    for output, taps in enumerate(rows):
        _, _, count = met(window, output)
        assert (len(taps) == 1) == (count == 1)


def test_padding_alone_has_no_numbers_above() -> None:
    first, *_ = drawing(Window(3, 1, 1, 100, 100, 1), 10)

    assert first.startswith("input")
    assert {*first} == set("input …p")
