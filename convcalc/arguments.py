"""Arguments of the library's functions: what is none is refused, with what to write."""

from collections.abc import Iterable, Mapping
from operator import index
from typing import Any

from convcalc.diagnostics import ArgumentError


def shown(value: object) -> str:
    """A value and its type, as a message shows them.

    >>> shown("8"), shown(1.5)
    ("'8' (str)", '1.5 (float)')
    """
    try:
        said = repr(value)
    except Exception:  # noqa: BLE001 (somebody else's)
        said = "a value"
    said = " ".join(said.split())
    said = said if len(said) <= 60 else f"{said[:59]}…"
    return f"{said} ({type(value).__name__})"


def whole(value: object, name: str, *, least: int = 1, most: int | None = None) -> int:
    """A whole number of `least` or more, NumPy's among them, and `most` at most.

    Raises `TypeError` for what is no whole number, and `ValueError` for one out of these bounds.

    >>> whole(32, "batch")
    32
    """
    try:
        number = index(value)  # type: ignore[arg-type]  # that is what is asked
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        message = f"{name} is a whole number, such as {max(least, 1)}, and this is {shown(value)}"
        raise TypeError(message) from None
    if number < least:
        message = f"{name} {number:,} is below {least}"
        raise ArgumentError(message)
    if most is not None and number > most:
        message = f"{name} {number:,} is more than {most:,}"
        raise ArgumentError(message)
    return number


def seconds_of(value: object, name: str) -> float:
    """Seconds, 0 or more, for ever among them; of what is no number no clock would ever be past.

    Raises `TypeError` for what is no number, and `ValueError` for one that is not 0 or more.

    >>> seconds_of(2, "seconds")
    2.0
    """
    from numbers import Real

    number = None if isinstance(value, bool) else value
    if not isinstance(number, Real):
        message = f"{name} are a number, such as 1.5, and these are {shown(value)}"
        raise TypeError(message)
    seconds = float(number)
    if not seconds >= 0:
        message = f"{name} {value} are not 0 or more"
        raise ArgumentError(message)
    return seconds


def one_of(value: object, name: str, known: Iterable[str]) -> str:
    """One of the words that there are.

    Raises `TypeError` for what is no text, and `ValueError` for another word.
    """
    words = list(known)
    if isinstance(value, str) and value in words:
        return value
    if not isinstance(value, str):
        message = f"{name} is one of {', '.join(words)}, and this is {shown(value)}"
        raise TypeError(message)
    from convcalc.nearness import meant

    near = meant(value[:100], words)
    advice = f"; did you mean {near}?" if near else ""
    message = f"{name} {value!r:.60} is none of {', '.join(words)}{advice}"
    raise ArgumentError(message)


def switch(value: object, name: str) -> bool:
    """True or False, NumPy's among them; raises `TypeError` for anything else."""
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        return bool(value)
    message = f"{name} is True or False, and this is {shown(value)}"
    raise TypeError(message)


def text(value: object, name: str, such: str) -> str:
    """A text; `such` is one. Raises `TypeError` for anything else."""
    if isinstance(value, str):
        return value
    message = f"{name} is a text, such as {such}, and this is {shown(value)}"
    raise TypeError(message)


def by_name(value: object, name: str, such: str) -> Mapping[str, Any]:
    """Values by names; `such` are some. Raises `TypeError` for anything else."""
    if isinstance(value, Mapping):
        for key in value:
            text(key, f"a name in {name}", such)
        return value
    message = f"{name} are values by name, such as {such}, and this is {shown(value)}"
    raise TypeError(message)


def texts(value: object, name: str, such: str) -> list[str]:
    """One text or several. Raises `TypeError` for anything else.

    >>> texts("CC4", "select", "'CC4'"), texts(["CC4", "CC5"], "select", "'CC4'")
    (['CC4'], ['CC4', 'CC5'])
    """
    if isinstance(value, str):
        return [value]
    if not isinstance(value, Iterable) or isinstance(value, bytes | Mapping):
        message = f"{name} is a text or several, such as {such}, and this is {shown(value)}"
        raise TypeError(message)
    return [text(each, f"each of {name}", such) for each in value]


class UnknownNameError(KeyError):
    """A name that is none of those there are; `KeyError` would show its message in quotes."""

    def __str__(self) -> str:
        return str(self.args[0])


def unknown(name: object, what: str, known: Iterable[str]) -> UnknownNameError:
    """What to raise where nothing has this name: the name that was probably meant, or how many.

    >>> print(unknown("conv2", "layer", ["conv1", "linear1"]))
    no layer is called 'conv2'; did you mean 'conv1'?
    """
    from convcalc.diagnostics import closest

    names = list(known)
    said = name if isinstance(name, str) else ""
    group, dot, _ = said.rpartition(".")
    siblings = [each for each in names if each.rpartition(".")[0] == group] if dot else []
    near = closest(said, siblings) or closest(said, names)
    if near:
        advice = f"did you mean {near!r}?"
    else:
        some = ", ".join(map(repr, names[:5])) + (", …" if len(names) > 5 else "")
        advice = f"there are {some}" if names else "there is none"
    return UnknownNameError(f"no {what} is called {name!r:.80}; {advice}")
