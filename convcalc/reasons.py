"""Whole numbers that remember how they came about: a plan that is run on them explains itself.

A `Reasoned` is an `int` with the sum that it came from: products of named numbers, and how often
each is taken. Whatever is added, multiplied and divided on the way to an output size, a weight's
shape or a number of multiply-accumulates is what its formula shows, because it is the same
arithmetic. Comparisons, `max` and `gcd` leave no trace, and what went through a float is a number.

>>> width, kernel = named(227, "W"), named(11, "F")
>>> stride, padding = named(4, "S"), named(0, "P")
>>> size = (width - kernel + padding + padding) // stride + 1
>>> size, formula(size), filled(size)
(55, '(W − F + 2·P)/S + 1', '(227 − 11 + 2·0)/4 + 1')
"""

from collections.abc import Callable, Mapping
from math import prod
from typing import Literal, NamedTuple

Product = tuple["Atom", ...]
"""Factors, in the order in which they came; none at all is 1."""
Terms = dict[Product, int]
"""A sum: products, and how often each is taken, in the order in which they came."""
Names = Mapping["frozenset[tuple[Product, int]]", str]
"""Sums that have a name of their own, such as the output's height H′."""


class Letter(NamedTuple):
    """A number that is given."""

    letter: str
    """What formulas call it: `W`, `F`; of a divisor without a letter, its digits."""
    value: int
    """The number that the letter stands for."""


class Sum(NamedTuple):
    """A sum that is a factor, in brackets."""

    terms: tuple[tuple[Product, int], ...]
    """Products, and how often each is taken, in the order in which they came."""


class Quotient(NamedTuple):
    """A division that does not cancel: `over` by `under`, rounded if it has a remainder."""

    over: tuple[tuple[Product, int], ...]
    """The sum that is divided, as in `Sum.terms`."""
    under: Product
    """The factors of what it is divided by; never empty."""
    rounding: Literal["exact", "floor", "ceil"]
    """What is done about a remainder; `exact` where there is none."""


Atom = Letter | Sum | Quotient
"""What a sum does not take apart."""


class Reasoned(int):
    """A whole number with the sum that it came from; anything else about it is a plain int's."""

    terms: Terms
    negated: "Reasoned | None"
    """What it is the negative of, because −(−x // y) is how a ceiling is written."""

    def __new__(  # noqa: PYI034 (Python 3.10 has no Self)
        cls, value: int, terms: Terms, negated: "Reasoned | None" = None
    ) -> "Reasoned":
        """Make a number that is what its terms add up to."""
        self = super().__new__(cls, value)
        self.terms = terms
        self.negated = negated
        return self

    def __neg__(self) -> "Reasoned":
        return Reasoned(
            -int(self), {product: -count for product, count in self.terms.items()}, self
        )

    def __floor__(self) -> "Reasoned":
        return self

    def __pow__(self, power: int) -> int:  # type: ignore[override]
        if not 0 < power <= MOST_FACTORS:
            power_of: int = pow(int(self), power)
            return power_of
        product: int = self
        for _ in range(power - 1):
            product = product * self
        return product


MOST_FACTORS = 8
"""Largest power that is written out."""


def named(value: int, letter: str) -> Reasoned:
    """A number that is given: a hyperparameter or an extent, under its letter."""
    return Reasoned(value, {(Letter(letter, int(value)),): 1})


def _terms(number: int) -> Terms:
    """The sum that a number is; a plain one is itself times 1."""
    if isinstance(number, Reasoned):
        return number.terms
    return {(): number} if number else {}


def _sum(one: int, other: int, sign: int) -> Terms:
    terms = dict(_terms(one))
    for product, count in _terms(other).items():
        total = terms.get(product, 0) + sign * count
        if total:
            terms[product] = total
        else:
            del terms[product]
    return terms


def _factors(number: int) -> Product:
    """A number as a product; a sum becomes one factor in brackets."""
    terms = _terms(number)
    if list(terms.values()) == [1]:
        return next(iter(terms))
    return (Sum(tuple(terms.items())),)


def _product(one: int, other: int) -> Terms:
    for factor, number in ((one, other), (other, one)):
        if not isinstance(factor, Reasoned):  # a plain number multiplies every term
            return {key: count * factor for key, count in _terms(number).items() if factor}
        if list(factor.terms) == [()]:
            return {key: count * int(factor) for key, count in _terms(number).items()}
    counts = 1
    factors: list[Atom] = []
    for number in (one, other):
        terms = _terms(number)
        if len(terms) == 1:
            ((product, count),) = terms.items()
            counts *= count
            factors += product
        elif terms:
            factors += _factors(number)
        else:
            return {}
    return {tuple(factors): counts}


def _quotient(over: int, under: int) -> Terms:
    """`over` // `under`: cancelled where every term holds all of `under`, else a quotient."""
    rest = int(over) % int(under)
    divisor = _factors(under) if isinstance(under, Reasoned) else ()
    if divisor:
        cancelled = _cancelled(_terms(over), divisor)
        if cancelled is not None:
            return cancelled
    elif all(count % int(under) == 0 for count in _terms(over).values()):
        return {product: count // int(under) for product, count in _terms(over).items()}
    else:
        divisor = (Letter(str(int(under)), int(under)),)
    ceiling = over.negated if isinstance(over, Reasoned) else None
    if ceiling is not None:
        rounding: Literal["exact", "ceil"] = "ceil" if rest else "exact"
        return {(Quotient(tuple(ceiling.terms.items()), divisor, rounding),): -1}
    atom = Quotient(tuple(_terms(over).items()), divisor, "floor" if rest else "exact")
    return {(atom,): 1}


def _cancelled(terms: Terms, divisor: Product) -> Terms | None:
    left: Terms = {}
    for product, count in terms.items():
        factors = list(product)
        for atom in divisor:
            if atom not in factors:
                return None
            factors.remove(atom)
        # A sum that is the only factor left needs its bracket no more.
        inner = factors[0].terms if len(factors) == 1 and isinstance(factors[0], Sum) else None
        for rest, times in inner or ((tuple(factors), 1),):
            left[rest] = left.get(rest, 0) + times * count
    return {product: count for product, count in left.items() if count}


def _arithmetic(
    name: str, work: Callable[[int, int], int], combine: Callable[[int, int], Terms]
) -> None:
    """Have an operator of `Reasoned` give a `Reasoned`, from either side."""

    def forward(self: Reasoned, other: object) -> object:
        if not isinstance(other, int):
            return NotImplemented
        return Reasoned(work(int(self), int(other)), combine(self, other))

    def backward(self: Reasoned, other: object) -> object:
        if not isinstance(other, int):
            return NotImplemented
        return Reasoned(work(int(other), int(self)), combine(other, self))

    setattr(Reasoned, f"__{name}__", forward)
    setattr(Reasoned, f"__r{name}__", backward)


_arithmetic("add", int.__add__, lambda one, other: _sum(one, other, 1))
_arithmetic("sub", int.__sub__, lambda one, other: _sum(one, other, -1))
_arithmetic("mul", int.__mul__, _product)
_arithmetic("floordiv", int.__floordiv__, _quotient)


def formula(number: int, names: Names | None = None) -> str:
    """How a number came about, in letters; a plain number is itself."""
    return _Text(names or {}, letters=True).of(number)


def filled(number: int, names: Names | None = None) -> str:
    """The same formula with its numbers filled in."""
    return _Text(names or {}, letters=False).of(number)


def name_of(number: int) -> "frozenset[tuple[Product, int]]":
    """What `Names` knows a sum by."""
    return frozenset(_terms(number).items())


def is_worked_out(number: int) -> bool:
    """Whether a number is more than a letter or a constant.

    >>> is_worked_out(named(3, "F")), is_worked_out(named(3, "F") - 1), is_worked_out(4)
    (False, True, False)
    """
    terms = [*_terms(number).items()]
    if len(terms) > 1:
        return True
    return any(
        product and (count != 1 or len(product) > 1 or not isinstance(product[0], Letter))
        for product, count in terms
    )


def letters(number: int) -> dict[str, int]:
    """The letters of a number's formula, and what each stands for; `ValueError` for one of two.

    >>> letters((named(227, "W") - named(11, "F")) // named(4, "S") + 1)
    {'W': 227, 'F': 11, 'S': 4}
    """
    known: dict[str, int] = {}
    waiting = [atom for product in _terms(number) for atom in product]
    while waiting:
        atom = waiting.pop(0)
        if not isinstance(atom, Letter):
            terms = atom.terms if isinstance(atom, Sum) else atom.over
            under = () if isinstance(atom, Sum) else atom.under
            waiting[:0] = [*(each for product, _ in terms for each in product), *under]
        elif not atom.letter.isdigit() and known.setdefault(atom.letter, atom.value) != atom.value:
            message = f"{atom.letter} is {known[atom.letter]} and {atom.value}"
            raise ValueError(message)
    return known


class _Text(NamedTuple):
    """Writes sums as text: letters or numbers, with what has a name under its name."""

    names: Names
    """Sums that are not written out, but by their name."""
    letters: bool
    """Whether letters are written; otherwise their numbers."""

    def of(self, number: int) -> str:
        if not isinstance(number, Reasoned):
            return f"{number:,}"
        return self.sum(tuple(number.terms.items()))

    def sum(self, terms: tuple[tuple[Product, int], ...]) -> str:
        """A sum: what all its terms share stands in front of a bracket."""
        name = self.names.get(frozenset(terms))
        if name is not None:
            return name if self.letters else str(_value(terms))
        if not terms:
            return "0"
        shared = _shared(terms)
        if shared and len(terms) > 1:
            rest = _rest(terms, shared)
            if len(rest) > 1:
                return f"{'·'.join(map(self.atom, shared))}·({self.sum(rest)})"
            terms = tuple(((*shared, *product), count) for product, count in rest)
        text = ""
        for product, count in terms:
            sign = "−" if count < 0 else "+"
            one = self.product(product, abs(count))
            text += f" {sign} {one}" if text else ("−" if count < 0 else "") + one
        return text

    def product(self, product: Product, count: int) -> str:
        factors = [self.atom(atom) for atom in product]
        return "·".join([str(count), *factors] if count != 1 or not factors else factors)

    def atom(self, atom: Atom) -> str:
        name = self.names.get(frozenset((((atom,), 1),))) if self.names else None
        if name is not None:
            return name if self.letters else str(_of(atom))
        if isinstance(atom, Letter):
            if self.letters:
                return atom.letter
            return str(atom.value) if atom.value >= 0 else f"(−{-atom.value})"
        if isinstance(atom, Sum):
            text = self.sum(atom.terms)
            return text if frozenset(atom.terms) in self.names else f"({text})"
        over = self.sum(atom.over)
        if len(atom.over) > 1 or atom.over[0][1] != 1:
            over = f"({over})" if frozenset(atom.over) not in self.names else over
        under = "·".join(self.atom(one) for one in atom.under)
        bare = isinstance(atom.under[0], Quotient) and atom.under[0].rounding == "exact"
        bracketed = len(atom.under) > 1 or bare
        quotient = f"{over}/({under})" if bracketed else f"{over}/{under}"
        if atom.rounding == "exact":
            return quotient
        return f"⌊{quotient}⌋" if atom.rounding == "floor" else f"⌈{quotient}⌉"


def _value(terms: tuple[tuple[Product, int], ...]) -> int:
    """What a sum is."""
    return sum(count * prod(map(_of, product)) for product, count in terms)


def _of(atom: Atom) -> int:
    """What a factor is."""
    if isinstance(atom, Letter):
        return atom.value
    if isinstance(atom, Sum):
        return _value(atom.terms)
    over, under = _value(atom.over), prod(map(_of, atom.under))
    return -(-over // under) if atom.rounding == "ceil" else over // under


def _shared(terms: tuple[tuple[Product, int], ...]) -> Product:
    """The factors that all terms begin with, in the order of the first."""
    shared = list(terms[0][0])
    for product, _ in terms[1:]:
        left = list(product)
        kept = []
        for atom in shared:
            if atom in left:
                left.remove(atom)
                kept.append(atom)
        shared = kept
    return tuple(shared)


def _rest(
    terms: tuple[tuple[Product, int], ...], shared: Product
) -> tuple[tuple[Product, int], ...]:
    """What is left of a sum in the bracket behind its shared factors; a sum in it is taken apart.

    S·(L − 1) + S is S·L, and not S·((L − 1) + 1).
    """
    rest: Terms = {}
    for product, count in terms:
        left = _without(product, shared)
        inner = left[0].terms if len(left) == 1 and isinstance(left[0], Sum) else ((left, 1),)
        for one, times in inner:
            rest[one] = rest.get(one, 0) + times * count
    return tuple((product, count) for product, count in rest.items() if count)


def _without(product: Product, shared: Product) -> Product:
    left = list(product)
    for atom in shared:
        left.remove(atom)
    return tuple(left)
