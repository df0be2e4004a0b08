"""What may stand next on a command line: commands, options, names of what there is, and files."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import click

from convcalc.cli import COMMANDS

if TYPE_CHECKING:
    from convcalc.graph import Network

MOST = 1000
"""Most presets or parameters of a file that are offered."""


class Candidate(NamedTuple):
    """One word that may stand there."""

    word: str
    """The whole word, as the program is to get it."""
    about: str = ""
    """A few words on what it is, which zsh and fish show beside it."""


class Candidates(NamedTuple):
    """Everything that may stand there."""

    words: tuple[Candidate, ...] = ()
    """Words that begin as what is there."""
    files: str = ""
    """`file` where a file may stand there, `dir` where only a folder may."""
    before: str = ""
    """What stands before the file in the same word: `--weights=`, `sarif:`."""


class Asked(NamedTuple):
    """A value that is wanted, and what is known of it."""

    text: str
    """What is there of it."""
    words: Sequence[str]
    """The arguments before it, those of its command."""


def candidates(group: click.Group, words: Sequence[str], incomplete: str) -> Candidates:
    """What the word that is begun may become, after the words before it, without the program."""
    context = click.Context(group)
    at = next((at for at, word in enumerate(words) if not word.startswith("-")), None)
    if at is None:
        if incomplete.startswith("-"):
            return _beginning(_options(group, context, words), incomplete)
        return _beginning((Candidate(*row) for row in COMMANDS.items()), incomplete)
    command = group.get_command(context, words[at])
    if command is None:
        return Candidates(files="file")
    return _of_command(command, click.Context(command, parent=context), words[at + 1 :], incomplete)


def _of_command(
    command: click.Command, context: click.Context, words: Sequence[str], incomplete: str
) -> Candidates:
    takes = {
        name: option
        for option in command.get_params(context)
        if isinstance(option, click.Option) and not option.is_flag and not option.count
        for name in (*option.opts, *option.secondary_opts)
    }
    awaited: click.Option | None = None
    given = 0
    options = True
    for word in words:
        if awaited is not None:
            awaited = None
        elif options and word == "--":
            options = False
        elif options and word.startswith("-") and word != "-":
            awaited = takes.get(word)
        else:
            given += 1
    asked = Asked(incomplete, words)
    if awaited is not None:
        return _value(awaited, context, asked)
    if options and incomplete.startswith("-"):
        name, equals, text = incomplete.partition("=")
        if not equals:
            return _beginning(_options(command, context, words), incomplete)
        if name not in takes:
            return Candidates()
        return _value(takes[name], context, Asked(text, words), name)
    arguments = [one for one in command.get_params(context) if isinstance(one, click.Argument)]
    for argument in arguments:
        given -= argument.nargs
        if argument.nargs < 0 or given < 0:
            return _value(argument, context, asked)
    return Candidates()


def _options(
    command: click.Command, context: click.Context, words: Sequence[str]
) -> Iterator[Candidate]:
    """The options that may still be given, each by its longest names."""
    for option in command.get_params(context):
        if not isinstance(option, click.Option) or option.hidden:
            continue
        names = [*option.opts, *option.secondary_opts]
        if option.multiple or not set(names) & set(words):
            about = (option.help or "").split(".")[0]
            yield from (Candidate(name, about) for name in names if name.startswith("--"))


def _value(
    parameter: click.Parameter, context: click.Context, asked: Asked, option: str = ""
) -> Candidates:
    """What a value may be: what the parameter itself says, or else VALUES of its metavar.

    `option` stands before the value in the same word, as in `--format=json`.
    """
    before = f"{option}=" if option else ""
    items = parameter.shell_complete(context, asked.text)
    if items and items[0].type in {"file", "dir"}:
        return Candidates(files=items[0].type, before=before)
    if items:
        own = (Candidate(item.value, item.help or "") for item in items)
        return _beginning(own, asked.text, before)
    row = VALUES.get(parameter.metavar or "", Value())
    named = _beginning(row.offers(asked) if row.offers else (), asked.text, before)
    if row.behind:
        head, sign, _ = asked.text.partition(row.behind)
        return named._replace(files="file", before=f"{before}{head}{sign}") if sign else named
    return named._replace(files="file", before=before) if row.files else named


def _beginning(offered: Iterable[Candidate], text: str, before: str = "") -> Candidates:
    """Those that begin as the text does, spelt as it is; the word has `before` in front of it."""
    begun = text.lower()
    words = (one for one in offered if one.word.lower().startswith(begun))
    return Candidates(
        tuple(one._replace(word=f"{before}{text}{one.word[len(text) :]}") for one in words)
    )


def _listed(offered: Iterable[Candidate], text: str) -> Iterator[Candidate]:
    """The next of a list with commas, behind those that are there, each once."""
    head, comma, _ = text.rpartition(",")
    there = head.lower().split(",")
    for one in offered:
        if one.word.lower() not in there:
            yield one._replace(word=f"{head}{comma}{one.word}")


def _networks(asked: Asked) -> Iterator[Candidate]:
    """Bundled networks, and behind a `#` the presets of a file."""
    from convcalc.spec.bundled import bundled_names, find_bundled

    file, sign, _ = asked.text.rpartition("#")
    if sign:
        bundled = find_bundled(file)
        for preset in _keys(bundled.path if bundled else file, "presets"):
            yield Candidate(f"{file}#{preset}")
        return
    ending = ".yaml" if "." in asked.text else ""
    for name in bundled_names():
        yield Candidate(f"{name}{ending}")


def _named(asked: Asked) -> Iterator[Candidate]:
    """Bundled networks, where one is begun: a PATH is mostly a file or a folder."""
    return _networks(asked) if asked.text else iter(())


def _bundled(asked: Asked) -> Iterator[Candidate]:
    """The bundled networks by name."""
    from convcalc.spec.bundled import bundled_architectures

    del asked
    yield from map(Candidate, bundled_architectures())


def _keys(path: str, key: str) -> Iterator[str]:
    """The keys below a key of a spec; none where the file cannot be read or has no such thing."""
    from convcalc.findings import Findings
    from convcalc.spec.nodes import Map
    from convcalc.spec.source import compose, open_spec

    if not os.path.isfile(path):  # noqa: PTH113 (a pipe would be waited for)
        return
    opened = open_spec(path, lambda _: None)
    root = None if opened.problems else compose(opened.text, Findings(opened.text))
    below = root.entries.get(key) if isinstance(root, Map) else None
    if isinstance(below, Map):
        yield from islice(below.entries, MOST)


def _settings(asked: Asked) -> Iterator[Candidate]:
    """The parameters of the specs that the line names."""
    from convcalc.spec.bundled import find_bundled

    for word in asked.words:
        file = word if os.path.isfile(word) else word.rpartition("#")[0]  # noqa: PTH113
        bundled = find_bundled(word)
        for name in _keys(bundled.path if bundled else file, "parameters"):
            yield Candidate(f"{name}=")


def _axes(asked: Asked) -> Iterator[Candidate]:
    """What a sweep may vary: the parameters of the spec, its input, and what memory turns on."""
    yield from _settings(asked)
    known = {"input": "Its shape.", "batch": "Examples at once.", "dtype": "Their data type."}
    yield from (Candidate(f"{name}=", doc) for name, doc in known.items())


def _measures(asked: Asked) -> Iterator[Candidate]:
    """What can be asked of a design, with commas between."""
    from convcalc.sweeps.measures import MEASURES

    return _listed((Candidate(name, row.doc) for name, row in MEASURES.items()), asked.text)


def _network(asked: Asked) -> "Network | None":
    """The network of the spec that the line names; None where it names none."""
    from convcalc.graph import read
    from convcalc.spec.bundled import find_bundled

    for word in asked.words:
        file = word if os.path.isfile(word) else word.rpartition("#")[0]  # noqa: PTH113
        if find_bundled(word) or os.path.isfile(file):  # noqa: PTH113 (a pipe would be waited for)
            return read(word)
    return None


def _groups(asked: Asked) -> Iterator[Candidate]:
    """Groups of the spec that the line names."""
    network = _network(asked)
    groups = network.groups if network else ()
    return islice((Candidate(group.name, group.block) for group in groups), MOST)


def _layers(asked: Asked) -> Iterator[Candidate]:
    """Layers and groups of the spec that the line names."""
    network = _network(asked)
    layers = network.layers if network else ()
    named = (Candidate(node.name, node.kind) for node in layers)
    return islice((*_groups(asked), *named), MOST)


def _codes(asked: Asked) -> Iterator[Candidate]:
    """Codes and beginnings of them, then names of rules once a letter of theirs is there."""
    from convcalc.rules import CODES

    stages = (Candidate(stage) for stage in dict.fromkeys(code[:3] for code in CODES))
    codes = (Candidate(code, row.name) for code, row in CODES.items())
    named = (Candidate(row.name, code) for code, row in CODES.items() if row.name)
    begun = asked.text.rpartition(",")[2]
    return _listed([*stages, *codes, *(named if begun else ())], asked.text)


def _columns(asked: Asked) -> Iterator[Candidate]:
    """Columns of the table of layers, or of the one that the line asks for."""
    from convcalc.formats.columns import COLUMNS

    columns = [Candidate(name, column.doc) for name, column in COLUMNS.items()]
    return _listed(_of_summary() if "--summary" in asked.words else columns, asked.text)


def _of_summary() -> Iterator[Candidate]:
    """Columns of the table of networks."""
    from convcalc.formats.summaries import SUMMARY_COLUMNS

    yield from (Candidate(name, column.doc) for name, column in SUMMARY_COLUMNS.items())


def _order(asked: Asked) -> Iterator[Candidate]:
    """Columns to order by, the largest first behind a `-`."""
    sign = "-" if asked.text.startswith("-") else ""
    yield from (Candidate(sign + name, about) for name, about in _of_summary())


def _tools(asked: Asked) -> Iterator[Candidate]:
    """The tools whose numbers are known, each with its version, and the word for all."""
    from convcalc.analysis.conventions import CONVENTIONS

    del asked
    yield Candidate("all")
    for name, row in CONVENTIONS.items():
        yield Candidate(name, f"{row.title} {row.version}")


def _gpus(asked: Asked) -> Iterator[Candidate]:
    """GPUs by the names that are shortest."""
    from convcalc.analysis.memory.gpus import GPUS

    del asked
    for name, gpu in GPUS.items():
        yield Candidate(name, gpu.printed[0])


def _boards(asked: Asked) -> Iterator[Candidate]:
    """Boards of small devices, with what their makers call them."""
    from convcalc.analysis.memory.boards import BOARDS

    del asked
    for name, board in BOARDS.items():
        yield Candidate(name, board.title)


def _outputs(asked: Asked) -> Iterator[Candidate]:
    """Formats of `check`, each before the file it goes to."""
    from convcalc.checks.formats import CHECK_FORMATS

    del asked
    yield from (Candidate(f"{name}:") for name in CHECK_FORMATS)


def _totals(asked: Asked) -> Iterator[Candidate]:
    """Totals that may grow by so much."""
    from convcalc.analysis.compare import TOTALS

    del asked
    yield from (Candidate(f"{name}=") for name in TOTALS)


def _checkpoints(asked: Asked) -> Iterator[Candidate]:
    """What is said of layers; names of blocks are the spec's."""
    del asked
    yield Candidate("auto")
    yield Candidate("every=")


def _ways(asked: Asked) -> Iterator[Candidate]:
    """Kinds of layers, and behind the sign how such layers can be written."""
    from convcalc.layers.written import WAYS, WORDS, words_of

    kind, sign, _ = asked.text.rpartition("=")
    if not sign:
        yield from (Candidate(f"{each}=") for each in WAYS)
        return
    for word in words_of(kind) or WORDS:
        yield Candidate(f"{kind}={word}", WORDS[word])


class Value(NamedTuple):
    """What values of one name are."""

    offers: Callable[[Asked], Iterator[Candidate]] | None = None
    """Makes the words that there are."""
    files: bool = False
    """Whether a file may stand there."""
    behind: str = ""
    """The sign behind which a file may stand, if any."""


VALUES: Mapping[str, Value] = MappingProxyType(
    {
        "SPEC": Value(_networks, files=True),
        "SPEC...": Value(_networks, files=True),
        "OLD NEW": Value(_networks, files=True),
        "[PATH|DIR|GLOB|-]...": Value(_named, files=True),
        "[TEXT]...": Value(_bundled),
        "[LAYER]...": Value(_layers),
        "LAYER": Value(_layers),
        "GROUP": Value(_groups),
        "CODES": Value(_codes),
        "NAMES": Value(_columns),
        "[-]COLUMN": Value(_order),
        "BYTES|GPU": Value(_gpus),
        "BOARD": Value(_boards),
        "[TOOL]": Value(_tools),
        "NAME=VALUE": Value(_settings),
        "NAME=FROM..TO[:STEP]": Value(_settings),
        "NAME=VALUES": Value(_axes),
        "MEASURES": Value(_measures),
        "NAME=LIMIT": Value(_totals),
        "PATTERN=WORD": Value(_ways),
        "auto|every=K|NAMES": Value(_checkpoints),
        "FILE": Value(files=True),
        "FORMAT:FILE": Value(_outputs, behind=":"),
        "GLOB": Value(files=True),
        "NAME": Value(files=True),
    }
)
"""Metavar → what may stand there; of one that is not here, as N, nothing is known."""
