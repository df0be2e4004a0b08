"""Words that people look up: codes, rules, kinds, pages, specs, commands; and the call for each.

`rule`, `kinds`, `docs` and `show` know one another's words, so whoever asks the wrong one is told
the right one.
"""

import os
import shlex
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from convcalc.diagnostics import closest, misspelt

LONGEST = 40
"""Characters of a word that are repeated."""
SPECS = (".yaml", ".yml")
"""Ends of names that specs have."""


def as_code(word: str) -> str | None:
    """A code, the start of several, or the name of a rule, as `convcalc rule` takes it."""
    from convcalc.rules import CODES

    upper, lower = word.upper(), word.lower()
    if len(word) > 2 and any(code.startswith(upper) for code in CODES):
        return upper
    return lower if any(row.name == lower for row in CODES.values() if row.name) else None


def as_kind(word: str) -> str | None:
    """A kind of layer, by its own name or another framework's."""
    from convcalc.layers import CATALOGUE
    from convcalc.spec.vocabulary import known_kind

    return known_kind(word, [*CATALOGUE, "split"])


def as_page(word: str) -> str | None:
    """A page of the documentation."""
    from convcalc.documentation import find_file

    name = find_file(word.partition("#")[0])
    return name and name.removesuffix(".md")


def as_bundled(word: str) -> str | None:
    """A bundled spec, a family of them or its member."""
    from convcalc.spec.bundled import find_bundled

    return word if find_bundled(word) else None


def as_command(word: str) -> str | None:
    """A command."""
    from convcalc.cli import COMMANDS

    return word.lower() if word.lower() in COMMANDS else None


WORDS: Mapping[str, tuple[str, Callable[[str], str | None]]] = {
    "rule": ("convcalc rule {}", as_code),
    "kinds": ("convcalc kinds {}", as_kind),
    "docs": ("convcalc docs {}", as_page),
    "show": ("convcalc show {}", as_bundled),
    "help": ("convcalc {} --help", as_command),
}
"""What shows a word → the call, and what makes the word that it takes of a word."""


def call_for(word: str, *, besides: Collection[str] = ()) -> str | None:
    """The call that shows a word, by an exact name; those of the commands `besides` are left out.

    >>> [call_for(word) for word in ("cc301", "Conv2d", "resnet50", "analyze", "wibble")][:3]
    ['convcalc rule CC301', 'convcalc kinds conv', 'convcalc show resnet50']
    """
    for name, (call, known) in WORDS.items():
        meant = known(word.strip()) if name not in besides else None
        if meant:
            return call.format(meant)
    return None


def instead_of(name: str, rest: Sequence[str]) -> str:
    """What to say of a word that stands where a command belongs: the call that is meant.

    >>> instead_of("vgg16", ["--batch", "2"])
    "'vgg16' is no command: `convcalc analyze vgg16 --batch 2` shows it."
    >>> instead_of("analyse", ["vgg16"])
    "no such command 'analyse': did you mean 'analyze'?"
    """
    from convcalc.cli import COMMANDS

    call: str | None
    if name.lower() == "help":
        of = next((each.lower() for each in rest if each.lower() in COMMANDS), None)
        call = f"convcalc {of} --help" if of else "convcalc --help"
        return f"{name!r} is no command: `{call}` shows it."
    if name.lower() == "version":
        return f"{name!r} is no command: `convcalc --version` shows it."
    one_more = (name.removesuffix("s"), f"{name}s")  # `rules`, `kind`
    slip = next((each for each in one_more if each in COMMANDS), misspelt(name, COMMANDS))
    call = None if slip else meant(name, rest)
    if call:
        return f"{name[:LONGEST]!r} is no command: `{call}` shows it."
    near = slip or closest(name, COMMANDS)
    if not near:
        from convcalc.spec.bundled import bundled_names

        spec = closest(name, bundled_names())
        if spec:
            instead = shlex.join(["convcalc", "analyze", spec, *rest])
            return f"no such command {name[:LONGEST]!r}: did you mean `{instead}`?"
    advice = f"did you mean {near!r}?" if near else f"commands are {', '.join(COMMANDS)}."
    return f"no such command {name[:LONGEST]!r}: {advice}"


def meant(word: str, rest: Sequence[str] = ()) -> str | None:
    """The call that is meant by a word and what stands behind it, without a command."""
    if as_code(word) or word.startswith("--"):
        command = "rule"
    elif os.path.isdir(word):  # noqa: PTH112 (a word is no path, unless there is one)
        command = "check"
    elif word == "-" or os.path.lexists(word) or word.endswith(SPECS) or as_bundled(word):
        command = "analyze"
    else:
        return call_for(word)
    return shlex.join(["convcalc", command, word, *rest])


def advice_for(word: str, own: str, names: Iterable[str], otherwise: str) -> str:
    """What to say of a word that the command `own`, which knows `names`, does not know.

    >>> advice_for("maxpol", "kinds", ["maxpool"], "…"), advice_for("CC301", "kinds", [], "…")
    ('did you mean maxpool?', '`convcalc rule CC301` shows it.')
    """
    elsewhere = call_for(word, besides=[own])
    if elsewhere:
        return f"`{elsewhere}` shows it."
    written = {name.lower(): name for name in names}  # codes are in capitals
    near = closest(word, written)
    return f"did you mean {written[near]}?" if near else otherwise
