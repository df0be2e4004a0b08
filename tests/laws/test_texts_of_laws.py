"""Sets of sizes and the texts of laws: what is written is read back, and says the same sizes."""

from itertools import islice

import pytest
from draws import Draw
from tabled import tabled

from convcalc.laws.law import Law, difference, parse, union
from convcalc.laws.sets import Stretch, holds, members, simplest, wrapped

UNTIL = 300
"""Sizes that are looked at; stretches are drawn to end well before."""


def stretches(draw: Draw) -> list[Stretch]:
    some, first = [], 1
    for _ in range(draw.randint(1, 3)):
        first += draw.randint(0, 30)
        last = first + draw.randint(0, 50)
        modulus = draw.choice([1, 2, 3, 4, 6, 8, 12])
        starts = draw.sample(range(modulus), draw.randint(1, min(modulus, 4)))
        residues = wrapped(modulus, [(each, each + draw.randint(1, 2)) for each in starts])
        some.append(Stretch(first, last, modulus, residues))
        first = last + 1
    if draw.flag():
        some[-1] = some[-1]._replace(last=None)
    return [each for each in some if each.above(each.first) is not None]


def test_random_sets_are_written_and_read_back() -> None:
    for number in range(200):
        some = stretches(Draw(number))
        expected = [size for size in range(1, UNTIL) if any(size in each for each in some)]
        sizes = simplest(some)
        law = Law(sizes)

        assert [size for size in range(1, UNTIL) if holds(sizes, size)] == expected
        assert [*islice(members(sizes), len(expected))] == expected
        back = parse(law.written())
        assert [size for size in range(1, UNTIL) if size in back] == expected, law.written()
        assert difference(law, back) is None
        others = stretches(Draw(f"other {number}"))
        both = union([*some, *others])
        assert [size for size in range(1, UNTIL) if holds(both, size)] == [
            size for size in range(1, UNTIL) if any(size in each for each in (*some, *others))
        ]
        apart = {*expected} ^ {
            size for size in range(1, UNTIL) if any(size in each for each in others)
        }
        if apart:
            assert difference(law, Law(union(others))) == min(apart)


@tabled(
    ("text", "sizes"),
    [
        ("32*k, k >= 1", [32, 64, 96]),
        ("32 * k", [32, 64, 96]),
        ("32·k, k ≥ 2", [64, 96, 128]),
        ("188 + 16*k, k >= 0", [188, 204, 220]),
        ("16*k + 12, k >= 11", [188, 204, 220]),
        ("k, k > 28", [29, 30, 31]),
        ("5..6 or 12", [5, 6, 12]),
        ("2*k, 3 <= k <= 5", [6, 8, 10]),
        ("(5..6) + 4*k, k >= 0", [5, 6, 9]),
        ("48 + 8*k; 50 + 8*k", [48, 50, 56]),
        ("none", []),
    ],
)
def test_what_a_law_may_be_written_as(text: str, sizes: list[int]) -> None:
    assert [*islice(members(parse(text).sizes), 3)] == sizes


@tabled(
    "text",
    ["", "32k", "k*32", "0..4", "9..5", "(1..9) + 4*k", "0*k", "32*k, k >= 0 and k <= 9", "-3",
     "2*k, 5 <= k <= 3", "or", "9" * 30, "1 or " * 500 + "1"],
)  # fmt: skip
def test_what_is_no_law_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".{12}"):
        parse(text)
