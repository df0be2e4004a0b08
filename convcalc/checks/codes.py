"""Which codes a run asks for, and what a code may be called."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from convcalc.diagnostics import REFUSED, closest
from convcalc.rules import CODES

ALWAYS = REFUSED | {"CC105"}
"""Codes that are reported whatever is selected: nothing of the file could be checked."""

_OFF = frozenset(code for code, row in CODES.items() if not row.default)
"""Codes that only a selection turns on."""
_NAMED = {row.name: code for code, row in CODES.items() if row.name}
"""Name of a rule → its code."""
_PREFIX = re.compile(r"CC\d{0,3}\Z", re.ASCII)


class UnknownCodeError(ValueError):
    """What is neither a code, nor the beginning of one, nor the name of a rule."""


def code_or_prefix(written: str) -> str:
    """The code, or beginning of codes, that is meant: as it is written, or by a rule's name.

    Capitals do not matter. `UnknownCodeError` says what is wrong.

    >>> code_or_prefix("cc4"), code_or_prefix("bias-before-norm")
    ('CC4', 'CC408')
    """
    word = written.strip()
    prefix = word.upper()
    if _PREFIX.match(prefix):
        if any(code.startswith(prefix) for code in CODES):
            return prefix
        raise UnknownCodeError(f"no code starts with {prefix}")
    named = _NAMED.get(word.lower())
    if named is not None:
        return named
    digits = prefix.replace("O", "0").replace("I", "1").replace("L", "1")
    if prefix.startswith("CC"):
        near = digits if digits in CODES else closest(prefix, CODES)
    else:
        near = closest(word, _NAMED)
    advice = f": did you mean {near}?" if near else ""
    raise UnknownCodeError(
        f"{word[:40]!r} is no code such as CC301, no beginning of codes such as CC4 and no "
        f"rule's name{advice}"
    )


class Selection(NamedTuple):
    """Which codes a run reports; where several prefixes match, the longest decides."""

    select: tuple[str, ...] = ()
    """Prefixes to report; everything that is on by default when empty."""
    extend_select: tuple[str, ...] = ()
    """Prefixes to report besides, also of codes that are off by default."""
    ignore: tuple[str, ...] = ()
    """Prefixes not to report, unless a longer one is selected."""

    def includes(self, code: str) -> bool:
        """Whether findings of this code are reported.

        >>> Selection(ignore=("CC4",), extend_select=("CC401",)).includes("CC401")
        True
        >>> Selection(ignore=("CC4",)).includes("CC402")
        False
        """
        if code in ALWAYS:
            return True
        chosen = _longest(code, (*self.select, *self.extend_select))
        if not chosen and not self.select and code not in _OFF:
            chosen = 1
        return chosen > _longest(code, self.ignore)

    def within(self, inner: "Selection") -> "Selection":
        """This selection where a more special one holds, too."""
        return Selection(
            inner.select or self.select,
            (*self.extend_select, *inner.extend_select),
            (*self.ignore, *inner.ignore),
        )

    def idle(self) -> list[str]:
        """Ignored prefixes that leave out nothing of what is selected.

        >>> Selection(select=("CC3",), ignore=("CC301", "CC4")).idle()
        ['CC4']
        """
        chosen = (*self.select, *self.extend_select) if self.select else ("CC",)
        return [
            prefix
            for prefix in self.ignore
            if not any(prefix.startswith(one) or one.startswith(prefix) for one in chosen)
        ]

    def leaves_out(self, code: str) -> bool:
        """Whether an ignore keeps findings of this code from being reported.

        >>> Selection(ignore=("CC5",)).leaves_out("CC511")
        True
        >>> Selection(select=("CC3",)).leaves_out("CC511")
        False
        """
        ignored = _longest(code, self.ignore)
        return ignored >= max(_longest(code, (*self.select, *self.extend_select)), 1)

    def includes_some(self, prefix: str) -> bool:
        """Whether findings of any code that starts like this are reported."""
        return any(self.includes(code) for code in CODES if code.startswith(prefix))


def _longest(code: str, prefixes: Iterable[str]) -> int:
    return max((len(prefix) for prefix in prefixes if code.startswith(prefix)), default=0)
