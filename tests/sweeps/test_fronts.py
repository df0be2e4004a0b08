"""The front and the best, held against all comparisons one by one."""

from typing import Any

import numpy as np
import pytest

from convcalc.sweeps import front
from convcalc.sweeps.front import front_of


def slowly(goals: list[Any]) -> list[bool]:
    rows = list(zip(*(goal.tolist() for goal in goals), strict=True))
    return [
        not any(
            all(a <= b for a, b in zip(other, row, strict=True)) and other != row for other in rows
        )
        for row in rows
    ]


@pytest.mark.parametrize("columns", [1, 2, 3, 4])
def test_the_front_is_what_no_row_dominates(columns: int) -> None:
    draw = np.random.default_rng(columns)
    for count in (1, 2, 3, 10, 60):
        for most in (2, 4, 10**17):
            goals = [draw.integers(-most, most, count) for _ in range(columns)]
            assert front_of(goals).tolist() == slowly(goals)


def test_whole_numbers_and_fractions_are_compared_exactly() -> None:
    # 2^53 and 2^53 + 1 are one floating-point number.
    goals = [np.array([2**53, 2**53 + 1]), np.array([0.1 + 0.2, 0.3])]

    assert front_of(goals).tolist() == [True, True]
    assert front_of([goals[0], np.array([0.3, 0.3])]).tolist() == [True, False]


def test_many_rows_are_ruled_out_by_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("MANY", 50), ("SOME", 20), ("FIRST", 4), ("BLOCK", 8)):
        monkeypatch.setattr(front, name, value)
    for columns in (2, 3, 4):
        draw = np.random.default_rng(columns)
        goals = [draw.integers(0, 30, 300) for _ in range(columns)]
        assert front_of(goals).tolist() == slowly(goals)
