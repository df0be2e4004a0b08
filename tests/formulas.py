"""Formulas as they are printed, worked out again by Python's own arithmetic."""

import math
import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

SIGNS = {"−": "-", "·": "*", "⌊": "floor(", "⌋": ")", "⌈": "ceil(", "⌉": ")"}
WORDS = re.compile(r"[A-Za-z]\w*′?|\d[\d,]*(?<!,)")


def worked_out(text: str, letters: Mapping[str, int] | None = None) -> Fraction:
    """The value of a formula, with numbers for its letters; `KeyError` for a letter without one."""

    def number(match: re.Match[str]) -> str:
        word = match[0]
        if word == "max":
            return word
        return f"Fraction({word.replace(',', '') if word[0].isdigit() else f'letters[{word!r}]'})"

    text = WORDS.sub(number, text)
    for sign, python in SIGNS.items():
        text = text.replace(sign, python)
    names: dict[str, Any] = {"floor": math.floor, "ceil": math.ceil, "letters": letters or {}}
    value = eval(text, {**names, "Fraction": Fraction})  # noqa: S307 (our own text)
    assert isinstance(value, int | Fraction)
    return Fraction(value)
