"""`origins`: what the layers of a kind are called where they come from, one behind the other.

What stands beside items says it of layers that are called alike wherever their block is called; in
a file whose nodes are numbered from its first to its last, they are not. Braces write names that
differ out, as in a shell: `node_Conv_{286..290..2}` is three, and so is `Conv_{0,3,7}`.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice, product
from math import inf

from convcalc.layers import CATALOGUE
from convcalc.numbers import plural
from convcalc.spec.expressions import MAX_LENGTH
from convcalc.spec.flat import LayerNode
from convcalc.spec.items import Items
from convcalc.spec.names import Reporter
from convcalc.spec.nodes import List, Node, ScalarNode
from convcalc.spec.origins import literal
from convcalc.spec.values import quoted

MOST = 200_000
"""Most names of one kind: as many as a network may have layers."""
MAX_TEMPLATE = 72
"""Characters of a name that is made here for several, so that it stands on a line."""
SHORT_RUN = 3
"""Numbers one behind the other that are written as the first and the last."""
WRONG = 'write names, or several with braces: `[node_Conv_3, "node_Conv_{5..9..2}"]`'
_RANGE = re.compile(r"(0|[1-9][0-9]{0,8})\.\.(0|[1-9][0-9]{0,8})(?:\.\.([1-9][0-9]{0,8}))?\Z")
_NUMBER = re.compile(r"([0-9]+)")


class TemplateError(ValueError):
    """Braces that mean nothing."""


def written_out(text: str) -> Iterator[str]:
    """The names that one with braces means; the last braces change first.

    Raises `TemplateError` where braces do not pair, hold nothing, or mean more than `MOST` names.

    >>> [*written_out("layer{1,2}.{0..2}")][:4]
    ['layer1.0', 'layer1.1', 'layer1.2', 'layer2.0']
    >>> [*written_out("Conv_{4..10..3}")], [*written_out("a{{b}}")]
    (['Conv_4', 'Conv_7', 'Conv_10'], ['a{b}'])
    """
    parts: list[list[str]] = [[""]]
    count, at = 1, 0
    while at < len(text):
        if text[at : at + 2] in ("{{", "}}"):
            parts.append([text[at]])
            at += 2
        elif text[at] == "{":
            end = text.find("}", at)
            if end < 0:
                message = "a brace is never closed"
                raise TemplateError(message)
            choices = [*islice(_choices(text[at + 1 : end]), MOST + 1)]
            count *= len(choices)
            if count > MOST:
                message = f"it means more than {MOST:,} names"
                raise TemplateError(message)
            parts.append(choices)
            at = end + 1
        elif text[at] == "}":
            message = "a brace closes nothing"
            raise TemplateError(message)
        else:
            start = at
            while at < len(text) and text[at] not in "{}":
                at += 1
            parts.append([text[start:at]])
    return map("".join, product(*parts))


def _choices(text: str) -> Iterator[str]:
    """What braces may stand for."""
    for part in text.split(","):
        if "{" in part:
            message = "braces are inside braces"
            raise TemplateError(message)
        match = _RANGE.match(part)
        if match is None:
            if not part:
                message = "braces hold nothing between two commas"
                raise TemplateError(message)
            yield part
            continue
        first, last, step = int(match[1]), int(match[2]), int(match[3] or 1)
        down = first > last
        yield from map(str, range(first, last + (-1 if down else 1), -step if down else step))


def read_origins(report: Reporter, items: Items, node: Node, nodes: list[LayerNode]) -> None:
    """Give layers the origins that a spec lists, in their order; those that say theirs have it."""
    told = [(each.kind, each.origin) for each in nodes]
    for index, name in listed(report, items, node, told):
        nodes[index] = nodes[index]._replace(origin=name)


def listed(
    report: Reporter, items: Items, node: Node, told: Sequence[tuple[str, str]]
) -> Iterator[tuple[int, str]]:
    """The numbers of layers with the origins that a spec lists for them.

    `told` are the kinds of all layers, and the origins of those that say theirs.
    """
    advice = "write the names by kind: `{conv: [Conv_0, Conv_2]}`"
    by_kind = report.mapping(node, "origins", advice)
    if by_kind is None:
        return
    without: dict[str, list[int]] = {}
    for index, (kind, origin) in enumerate(told):
        if not origin:
            without.setdefault(kind, []).append(index)
    for key in by_kind.key_nodes():
        kind, names = key.text, by_kind.entries[key.text]
        if kind not in CATALOGUE:
            items.unknown_kind(key, kinds_only=True, value=names)
            continue
        known = _names(report, kind, names)
        if known is None:
            continue
        wanted = without.get(kind, ())
        if len(wanted) != len(known):
            message = (
                f"origins lists {plural(len(known), 'name')} of `{kind}` for "
                f"{plural(len(wanted), 'layer')} without one: none is taken"
            )
            advice = "list one for each, in the order of the layers, or take the kind out"
            report.error("CC116", message, names, advice, "warning")
            continue
        for index, name in zip(wanted, known, strict=True):
            if name:
                yield index, name


def _names(report: Reporter, kind: str, node: Node) -> list[str] | None:
    """The names that are listed of a kind; None, and a finding, where they are none."""
    if not isinstance(node, List):
        message = f"origins of `{kind}` is a list of names, and this is {quoted(node)}"
        report.error("CC107", message, node, WRONG)
        return None
    names: list[str] = []
    for item in node.items:
        if not isinstance(item, ScalarNode):
            report.error("CC107", f"origin is text, and this is {quoted(item)}", item, WRONG)
            return None
        try:
            names += islice(written_out(item.text), MOST + 1 - len(names))
        except TemplateError as error:
            report.error("CC107", f"origin {quoted(item)}: {error}", item, WRONG)
            return None
        if len(names) > MOST or any(len(each) > MAX_LENGTH for each in names):
            message = f"more than {MOST:,} origins, or one of more than {MAX_LENGTH:,} characters"
            report.error("CC103", message, item, "leave `origins` out")
            return None
        if not all(map(str.isprintable, names)):
            message = f"origin holds a character that cannot be shown: {item.text[:60]!r}"
            report.error("CC107", message, item)
            return None
    return names


def shortened(names: Sequence[str]) -> list[str]:
    """Names as few with braces, in the same order.

    >>> shortened(["relu", "relu_1", "relu_2", "relu_3", "Conv_4", "Conv_6"])
    ['relu', 'relu_{1..3}', 'Conv_{4,6}']
    >>> shortened([f"/layer{i}/block.{j}/conv" for i in (1, 2) for j in (0, 1)])
    ['/layer{1,2}/block.{0,1}/conv']
    """
    made = [_Template(literal(name)) for name in names]
    while True:
        shorter = _joined(made)
        if len(shorter) == len(made):
            return [each.text for each in made]
        made = shorter


class _Template:
    """A name that may have braces, as its letters and the numbers in it that are none of these."""

    __slots__ = ("_parts", "text", "varied")

    def __init__(self, text: str, parts: list[str] | None = None, varied: float = inf) -> None:
        self.text = text
        self._parts = parts
        self.varied = varied
        """How many of the parts stand in front of all braces; of a name without any, all."""

    @property
    def parts(self) -> list[str]:
        """Letters and numbers by turns, letters first and last."""
        if self._parts is None:  # of most names nobody asks
            self._parts = _NUMBER.split(self.text)
        return self._parts

    def differs(self, other: "_Template") -> int | None:
        """Which part is the only one that another has otherwise, if that is a number."""
        if len(self.parts) != len(other.parts):
            return None
        pairs = enumerate(zip(self.parts, other.parts, strict=True))
        unlike = [at for at, (mine, theirs) in pairs if mine != theirs]
        if len(unlike) != 1 or unlike[0] % 2 == 0:
            return None
        return unlike[0] if unlike[0] < min(self.varied, other.varied) else None

    def around(self, at: int) -> tuple[str, str]:
        """What stands in front of one of its parts, and behind."""
        return "".join(self.parts[:at]), "".join(self.parts[at + 1 :])

    def with_choices(self, at: int, choices: str) -> "_Template":
        parts = [*self.parts]
        parts[at] = f"{{{choices}}}"
        return _Template("".join(parts), parts, at)


def _number_in(text: str, front: str, behind: str) -> str | None:
    """The number that a name has between these; None of one that has something otherwise.

    >>> _number_in("/conv12/Conv", "/conv", "/Conv"), _number_in("/conv/Conv", "/conv", "/Conv")
    ('12', None)
    """
    if not (text.startswith(front) and text.endswith(behind)):
        return None
    number = text[len(front) : len(text) - len(behind)]
    return number if number.isdecimal() and number.isascii() else None


def _joined(made: Sequence[_Template]) -> list[_Template]:
    """Neighbours that differ in one number as one, where that is short enough."""
    shorter: list[_Template] = []
    at = 0
    while at < len(made):
        first = made[at]
        slot = first.differs(made[at + 1]) if at + 1 < len(made) else None
        if slot is None:
            shorter.append(first)
            at += 1
            continue
        numbers = [first.parts[slot]]
        front, behind = first.around(slot)
        room, enough = MAX_TEMPLATE - len(first.text), MAX_TEMPLATE
        while at + len(numbers) < len(made):
            other = made[at + len(numbers)]
            if len(numbers) == enough:
                if len(_said(numbers)) > room:
                    break  # those behind them are looked at when their turn comes
                enough *= 4
            number = _number_in(other.text, front, behind)
            if number is None or number in (numbers[0], numbers[-1]):
                break
            numbers.append(number)
        said = _said(numbers)
        if len(said) > room:
            del numbers[_fitting(numbers, room) :]
            said = _said(numbers)
        shorter.append(first.with_choices(slot, said) if len(numbers) > 1 else first)
        at += len(numbers)
    return shorter


def _fitting(numbers: Sequence[str], room: int) -> int:
    """How many of the numbers can be said in so many characters, of more than can."""
    low, high = 1, len(numbers)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if len(_said(numbers[:middle])) <= room else (low, middle - 1)
    return low


def _said(numbers: Sequence[str]) -> str:
    """Numbers as braces hold them: 1..3,7,10..20..5."""
    parts = []
    at = 0
    values = [*map(int, numbers)] if max(map(len, numbers)) < 10 else []
    if [*map(str, values)] != [*numbers]:
        values = []  # some begin with zeros that a range would leave out
    while at < len(numbers):
        end = at + 1
        if end < len(values):
            step = values[end] - values[at]
            while step > 0 and end < len(values) and values[end] == values[end - 1] + step:
                end += 1
            if end - at >= SHORT_RUN:
                behind = f"..{step}" if step > 1 else ""
                parts.append(f"{numbers[at]}..{numbers[end - 1]}{behind}")
                at = end
                continue
        parts.append(numbers[at])
        at += 1
    return ",".join(parts)
