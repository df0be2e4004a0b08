"""The extent of a map as a function of the input's: a chain of ⌊(q·x + b)/p⌋.

Roundings nest, ⌊(⌊(W + b)/s⌋ + c)/t⌋ = ⌊(W + b + s·c)/(s·t)⌋, so that a chain of strides is one
such step, and most are two: what is rounded down, and what that is multiplied by. A form never
falls, and conditions on its value become conditions on the input step by step.
"""

from math import gcd, lcm
from typing import NamedTuple

from convcalc.laws.sets import MOST_INTERVALS, Intervals, TooManyError, wrapped


class Form(NamedTuple):
    """Steps from the size of the input to an extent; none is the size itself.

    Each has three whole numbers q, b, p, the first and the last 1 or more: x becomes
    ⌊(q·x + b)/p⌋.
    """

    steps: tuple[tuple[int, int, int], ...] = ()
    """(q, b, p) of every step, the first one first."""

    def at(self, size: int) -> int:
        """The extent for an input of a size."""
        for times, shift, over in self.steps:
            size = (times * size + shift) // over
        return size

    def then(self, times: int, shift: int, over: int) -> "Form":
        """The form with a step behind it; roundings that nest become one.

        >>> Form().then(1, -3, 2).then(1, -3, 2)
        Form(steps=((1, -9, 4),))
        """
        steps = list(self.steps)
        while True:
            common = gcd(times, over)
            times, shift, over = times // common, shift // common, over // common
            if not steps:
                break
            before, moved, divided = steps[-1]
            if times == 1:
                times, shift, over = before, moved + shift * divided, divided * over
            elif divided == 1:
                times, shift = times * before, times * moved + shift
            else:
                break
            steps.pop()
        if (times, shift, over) != (1, 0, 1):
            steps.append((times, shift, over))
        return Form(tuple(steps))

    def least(self, extent: int) -> int:
        """The least size whose extent is so large or larger.

        >>> Form().then(1, -3, 2).least(10)
        23
        """
        for times, shift, over in reversed(self.steps):
            extent = -((shift - over * extent) // times)
        return extent

    def pulled(self, modulus: int, intervals: Intervals) -> tuple[int, Intervals]:
        """The residues of sizes whose extents have some residues, with their modulus.

        >>> Form().then(1, 0, 2).pulled(2, ((0, 1),))  # half of it is even
        (4, ((0, 2),))
        """
        for times, shift, over in reversed(self.steps):
            modulus *= over
            pieces = [(over * a - shift, over * b - shift) for a, b in intervals]
            common = gcd(times, modulus)
            if common > 1:
                pieces = [(-(-a // common), -(-b // common)) for a, b in pieces]
            modulus //= common
            factor = times // common
            if factor % modulus != 1 % modulus:
                if sum(b - a for a, b in pieces) > MOST_INTERVALS:
                    raise TooManyError
                back = pow(factor, -1, modulus)
                pieces = [(each * back, each * back + 1) for a, b in pieces for each in range(a, b)]
            intervals = wrapped(modulus, [piece for piece in pieces if piece[0] < piece[1]])
        return modulus, intervals

    def text(self, letter: str) -> str:
        """The extent as a formula of the size.

        >>> Form().then(1, -3, 2).then(4, 1, 1).text("k")
        '4·⌊(k − 3)/2⌋ + 1'
        """
        text = letter
        for times, shift, over in self.steps:
            text = text if times == 1 else f"{times}·{_bracketed(text)}"
            if shift:
                text += f" {'−' if shift < 0 else '+'} {abs(shift)}"
            if over > 1:
                text = f"⌊{_bracketed(text)}/{over}⌋"
        return text

    @property
    def slope(self) -> tuple[int, int]:
        """How fast the extent grows, as a fraction in lowest terms."""
        above, below = 1, 1
        for times, _, over in self.steps:
            above, below = above * times, below * over
        common = gcd(above, below)
        return above // common, below // common

    @property
    def period(self) -> int:
        """After how many sizes everything recurs, larger by the same."""
        period, more = 1, 1
        for times, _, over in self.steps:
            again = over // gcd(times * more, over)
            period, more = period * again, times * more * again // over
        return period

    def bounds(self) -> tuple[int, int, int]:
        """Numbers l, h, d: d times the extent is from slope·d·W + l to slope·d·W + h.

        d is what the slope's denominator divides, too.
        """
        low = high = 0
        per = 1
        for times, shift, over in self.steps:
            # d·x is within [s·W + l, s·W + h]; ⌊(q·x + b)/p⌋·d·p is within one step below it.
            low, high = times * low + shift * per - (over - 1) * per, times * high + shift * per
            per *= over
        return low, high, per

    def settled(self, modulus: int, residue: int) -> tuple[int, int] | None:
        """U and v where the extent is u + v·k for all sizes residue + modulus·k; None if it isn't.

        >>> Form().then(1, 0, 2).settled(4, 2)
        (1, 2)
        """
        start, more = residue, modulus
        for times, shift, over in self.steps:
            if times * more % over:
                return None
            start, more = (times * start + shift) // over, times * more // over
        return start, more


def _bracketed(text: str) -> str:
    return f"({text})" if " " in text and not text.startswith("⌊") else text


IDENTITY = Form()
"""The size itself."""


def slower(one: Form, two: Form) -> int:
    """Below 0 where the first grows slower than the second, above 0 where it grows faster."""
    (up, down), (above, below) = one.slope, two.slope
    return up * below - above * down


def apart_from(one: Form, two: Form) -> int:
    """A size from which on a form is another one no more, where they grow unlike.

    >>> apart_from(Form(), Form().then(2, -5, 1))  # W = 2·W − 5 at 5
    6
    """
    if slower(one, two) < 0:
        one, two = two, one
    (low, _, per), (_, high, other) = one.bounds(), two.bounds()
    (up, down), (above, below) = one.slope, two.slope
    # one ≥ up/down·W + low/per, two ≤ above/below·W + high/other
    common = lcm(per, other)
    difference = high * (common // other) - low * (common // per)  # over common
    return max(difference * down * below // (common * (up * below - above * down)) + 1, 1)
