"""Maps of names: what a file calls the weights of a network, one line a weight, a layer or more.

A line may hold groups: `{block}` is a whole number, `{unit:text}` any text without a dot. On the
right a group stands for what it was on the left, and arithmetic may be done with numbers:
`stage{stage}.block{block}: layer{stage - 1}.{block - 1}`.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from convcalc.findings import Findings
from convcalc.forward.files import read_bounded
from convcalc.forward.foreign import FileError
from convcalc.spec.nodes import Map, ScalarNode
from convcalc.spec.source import MAX_BYTES, compose
from convcalc.spec.text import SourceText

MAPS = Path(__file__).with_name("maps")
"""Where the bundled maps are."""
DIFFERS = "# Differs: "
"""What begins the second line of a map whose network computes otherwise than the bundled spec."""
_GROUP = re.compile(r"\{([^{}]*)\}")
_NAMED = re.compile(r"\s*([A-Za-z]\w*)\s*(:\s*text\s*)?")


class Line(NamedTuple):
    """One line of a map."""

    name: str
    """What the weight, layer or layers are called here, as it is written."""
    theirs: str
    """What the file calls them, as it is written."""
    pattern: re.Pattern[str]
    """What full names the line is about."""

    def called(self, name: str) -> str | None:
        """What the file calls a weight or layer; None where the line is not about it."""
        groups = self.pattern.fullmatch(name)
        if groups is None:
            return None
        names = groups.groupdict()
        return _GROUP.sub(lambda group: _value(group[1], names, self), self.theirs)


def _value(text: str, names: Mapping[str, str], line: Line) -> str:
    """What stands in braces on the right: a group's text, or arithmetic over groups."""
    if text.strip() in names:
        return names[text.strip()]
    from convcalc.spec.expressions import ExpressionError
    from convcalc.spec.syntax import evaluate

    numbers = {name: int(value) for name, value in names.items() if value.isdecimal()}
    try:
        value = evaluate(text, numbers)
    except ExpressionError as error:
        message = f"the mapping's {line.theirs!r} cannot be worked out: {error}"
        raise FileError(message) from None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        message = f"the mapping's {line.theirs!r} gives {value} for {{{text}}}, which is no number"
        raise FileError(message)
    return str(value)


def lines_of(names: Mapping[str, str]) -> list[Line]:
    """The lines of a map. Raises `FileError` for a group that is none.

    >>> (line,) = lines_of({"stage{n}.conv{m}": "layer{n - 1}.{m}"})
    >>> line.called("stage3.conv2")
    'layer2.2'
    """
    lines = [Line(name, theirs, _pattern(name)) for name, theirs in names.items()]
    for line in lines:
        if {"{", "}"} & {*_GROUP.sub("", line.theirs)}:
            message = f"the mapping's {line.theirs!r} has a brace that is not closed"
            raise FileError(message)
    return lines


def _pattern(name: str) -> re.Pattern[str]:
    pieces, last, seen = [], 0, set()
    for group in _GROUP.finditer(name):
        named = _NAMED.fullmatch(group[1])
        if named is None or named[1] in seen:
            message = (
                f"the mapping's {name!r} has {group[0]}, and a group is a name of its own: "
                "{block} for a number, {unit:text} for any text"
            )
            raise FileError(message)
        seen.add(named[1])
        pieces.append(re.escape(name[last : group.start()]))
        pieces.append(f"(?P<{named[1]}>{r'[^.]+' if named[2] else '[0-9]+'})")
        last = group.end()
    rest = name[last:]
    if "{" in rest or "}" in rest or any("{" in each for each in pieces[::2]):
        message = f"the mapping's {name!r} has a brace that is not closed"
        raise FileError(message)
    return re.compile("".join([*pieces, re.escape(rest)]))


def read_mapping(path: str) -> dict[str, str]:
    """Names here and in the file, from YAML or JSON. Raises `FileError` for what is none."""
    content = read_bounded(path, MAX_BYTES)
    text = SourceText(path, content.decode("utf-8-sig", "replace"))
    findings = Findings(text)
    root = compose(text, findings)
    for finding in findings.diagnostics:
        message = f"{path} is no mapping that can be read: {finding.where}: {finding.message}"
        raise FileError(message)
    entries = root.entries if isinstance(root, Map) else {}
    names = {name: node.text for name, node in entries.items() if isinstance(node, ScalarNode)}
    if not names or len(names) < len(entries):
        message = f"{path} must be a mapping of names: conv1.weight: features.0.weight"
        raise FileError(message)
    return names


class Bundled(NamedTuple):
    """A map that comes with convcalc."""

    name: str
    """The name of its file without the ending."""
    about: str
    """Whose names these are, as its first line says it, without the full stop."""
    differs: str
    """In what the network that they are published for computes otherwise than the bundled spec; ""
    where it does not."""
    lines: list[Line]
    """What it says, line by line; the first that is about a weight or its layer holds."""


def bundled_maps() -> Iterator[Bundled]:
    """The maps of published networks, by name."""
    for path in sorted(MAPS.glob("*.yaml")):
        first, second, *_ = path.read_text(encoding="utf-8").splitlines()
        differs = second.removeprefix(DIFFERS).removesuffix(".") if DIFFERS in second else ""
        about = first.lstrip("# ").removesuffix(".")
        yield Bundled(path.stem, about, differs, lines_of(read_mapping(str(path))))
