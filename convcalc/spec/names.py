"""Names: which words can be one, what items are called, and which tensor one means."""

from collections.abc import Iterable
from itertools import islice
from typing import Final

from convcalc.diagnostics import Fix, Place, Severity, closest, listed, misspelt
from convcalc.findings import Findings
from convcalc.spec.nodes import Map, Node, ScalarNode
from convcalc.spec.tree import Item
from convcalc.spec.values import Scope, quoted, renamed

MAX_SUGGESTED = 300
"""Names, the latest, that a misspelt one is compared with."""


MAX_LISTED = 5
"""Names that a message lists."""


_WANTED = {
    "from": "to start from",
    "like": "that is as large",
    "indices": "that pools",
    "weights": "that has the weights",
}
"""What a key names."""
MAX_QUOTED = 40
"""Letters of a name that a help repeats."""

RESERVED = frozenset({"input", "true", "false", "and", "or", "not", "if", "else", "index"})
"""Words with a meaning of their own, which nothing can be called."""


class Reporter:
    """What says that something is wrong, at its place."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings

    def error(
        self,
        code: str,
        message: str,
        node: Node,
        advice: str | None = None,
        severity: Severity = "error",
        fix: Fix | None = None,
        related: tuple[tuple[Place, str], ...] = (),
    ) -> None:
        """Report what is wrong with a node."""
        start, end = self.stretch(node)
        self.findings.report(code, message, start, end, advice, severity, fix=fix, related=related)

    def written(self, start: int, end: int) -> str:
        """What stands between two places of a text; empty for values that were made in Python."""
        content: str = getattr(self.findings.places, "content", "")
        return content[start:end]

    def sign_before(self, start: int) -> str:
        """The last sign before a place that is no blank; empty where there is none."""
        content: str = getattr(self.findings.places, "content", "")
        while content[start - 1 : start].isspace():
            start -= 1
        return content[start - 1 : start]

    def line_start(self, start: int) -> int:
        """Where the line of a place begins in a text."""
        return self.written(0, start).rfind("\n") + 1

    def place_of(self, node: Node) -> Place:
        """Where a node is."""
        return self.findings.places.place(*self.stretch(node))

    def stretch(self, node: Node) -> tuple[int, int]:
        """The part of a node that a finding is shown at: of several lines the first."""
        start, end = node.start, node.end
        if not isinstance(node, ScalarNode):
            end = self.findings.places.first_line(start, end)
        return start, end

    def mapping(self, node: Node | None, what: str, advice: str) -> Map | None:
        """A node that must be a mapping; None, and a finding, where it is something else."""
        if node is None or isinstance(node, Map):
            return node
        if isinstance(node, ScalarNode) and not node.text and node.plain:
            return None
        self.error("CC107", f"{what} is a mapping, and this is {quoted(node)}", node, advice)
        return None

    def item_name(self, node: Node | None) -> str:
        """The name that an item is given; empty where it has none."""
        if node is None:
            return ""
        if isinstance(node, ScalarNode) and self.valid_name(node):
            return node.text
        if not isinstance(node, ScalarNode):
            self.error("CC107", f"name is a word, and this is {quoted(node)}", node)
        return ""

    def valid_parameter(self, node: ScalarNode) -> bool:
        """Whether a word can be a parameter's name, which expressions use."""
        name = node.text
        if name and not (name.isascii() and name.replace("_", "a").isalnum()):
            self.error(
                "CC117",
                f"{quoted(node)} is no name for a parameter",
                node,
                "it holds letters, digits and _, so that expressions can use it",
            )
            return False
        return self.valid_name(node)

    def valid_name(self, node: ScalarNode) -> bool:
        """Whether a word can be a name; a finding where it cannot."""
        name = node.text
        if not name or not name.replace("_", "a").replace("-", "a").isalnum() or name[0].isdigit():
            self.error(
                "CC117",
                f"{quoted(node)} is no name",
                node,
                "a name starts with a letter and holds letters, digits, _ and -",
            )
            return False
        if name in RESERVED:
            self.error("CC117", f"`{name}` has a meaning of its own", node, "choose another name")
            return False
        return True


def right_name(near: str | None, name: str, known: Iterable[str]) -> Fix | None:
    """The fix of a name that is near a known one and can only be a misspelling of it."""
    return renamed(misspelt(name, known)) if near else None


class Open:
    """What the name of a group or block means that is still being written out."""


OPEN: Final = Open()


class Surroundings:
    """Where an item stands: what its names start with, and how many of each kind came before."""

    __slots__ = ("block", "counters", "numbered", "origin", "outer", "prefix", "scope")

    def __init__(
        self,
        prefix: str,
        scope: Scope,
        outer: "Surroundings | None" = None,
        *,
        numbered: bool = False,
        block: bool = False,
        origin: str = "",
    ) -> None:
        self.origin = origin
        """What the origins of what stands here start with."""
        self.block = block
        """The inside of a block, or the whole network: where parameters belong."""
        self.prefix = prefix
        self.scope = scope
        self.outer = outer
        self.counters: dict[str, int] = {}
        self.numbered = numbered

    def inner(
        self, scope: Scope, *, numbered: bool = False, origin: str | None = None
    ) -> "Surroundings":
        """This place with other names in scope; items are still counted together."""
        numbered = numbered or self.numbered
        place = Surroundings(self.prefix, scope, self.outer, numbered=numbered, block=self.block)
        place.origin = self.origin if origin is None else origin
        place.counters = self.counters
        return place


def nothing_is_called(name: str) -> bool:
    """Whether there is a tensor of a name, where there is none of any."""
    del name
    return False


def braced(name: str) -> bool:
    """Whether a name has braces, in which expressions stand."""
    return "{" in name or "}" in name


def _in_quotes(node: Node, field: str) -> str | None:
    """The help for a name in braces alone, which YAML reads as a mapping."""
    if isinstance(node, Map) and len(node.entries) == 1:
        ((key, value),) = node.entries.items()
        if isinstance(value, ScalarNode) and not value.text and len(key) <= MAX_QUOTED:
            return f'put quotes around the name: `{field}: "{{{key}}}"`'
    return None


def _rounds(name: str, known: Iterable[str]) -> list[str]:
    """The latest names that are a name with another number behind it, as they came."""
    base = name.rstrip("0123456789")
    if not base or base == name:
        return []
    alike = (each for each in known if each[len(base) :].isdecimal() and each.startswith(base))
    return [*islice(alike, MAX_LISTED)][::-1]


class Names:
    """The names of a network so far."""

    def __init__(self, report: Reporter, sources: dict[str, int]) -> None:
        self.report = report
        self.sources = sources
        """The network's inputs by their names; `input` where there is one without a name."""
        self.tensors: dict[str, int | Open | None] = {}
        """What every full name means: a layer's index, None where an error keeps it unknown."""
        self.claimed: dict[str, Node] = {}
        """The items that were given a name, by it."""
        self.rounds: dict[str, str] = {}
        """Of a group that is repeated, its latest round."""
        self.latest = ""
        """The full name of what was looked for and found last."""

    def numbered(self, name: str, place: Surroundings, index: int | Open | None) -> str:
        """The full name of the next of this name in a place: `conv2`, `relu6_2`."""
        base = f"{place.prefix}{name}_" if name[-1].isdigit() else place.prefix + name
        counters, tensors = place.counters, self.tensors
        count = counters.get(name, 0) + 1
        while (full := f"{base}{count}") in tensors:
            count += 1
        counters[name] = count
        tensors[full] = index
        return full

    def claim(self, name: str, place: Surroundings, node: Item, index: int | Open | None) -> str:
        """The full name of an item that was given `name`."""
        full = place.prefix + name
        if place.numbered and full not in self.sources:
            self.tensors[full] = index
            return self.numbered(name, place, index)
        at = node.entries.get("name", node)
        if full in self.tensors:
            first = self.claimed.get(full)
            self.report.error(
                "CC117",
                f"name `{full}` is taken",
                at,
                "choose another: items without a name are called by kind and number",
                related=() if first is None else ((self.report.place_of(first), "first here"),),
            )
            return full
        self.tensors[full] = index
        self.claimed[full] = at
        return full

    def add_source(self, name: str, index: int, node: Node) -> None:
        """Let a name mean an input, as it would an item at the top of the spec."""
        self.tensors[name] = index
        self.claimed[name] = node

    def _unnamed(self, name: str) -> int | None:
        """The network's input where `input` is what it is called; nothing else can be then."""
        return self.sources.get(name) if name == "input" else None

    def resolve(
        self,
        node: Node,
        place: Surroundings,
        calculated: str | None = None,
        said: str = "",
        key: str = "from",
    ) -> int | None:
        """The tensor that `from`, or another `key`, names, looked for from the inside out.

        In each block, its items come before its parameters that hold text; a name that a parameter
        holds is looked for where the block is called. `calculated` is the name where the node has
        expressions in braces, and `said` what a message says of that; no parameter is meant then.
        """
        if not isinstance(node, ScalarNode) or not node.text:
            self.report.error(
                "CC107",
                f"{key} is the name of an item, and this is {quoted(node)}",
                node,
                _in_quotes(node, key)
                or (
                    "write one name; several tensors are merged by `add`, `multiply` or `concat`"
                    if key == "from"
                    else "write one name"
                ),
            )
            return None
        name = node.text if calculated is None else calculated
        if (source := self._unnamed(name)) is not None:
            return source
        holder = ""
        around: Surroundings | None = place
        while around is not None:
            known = self.named(around.prefix, name)
            index = self.tensors[known] if known else None
            if isinstance(index, Open):
                self.report.error(
                    "CC201",
                    f"{quoted(ScalarNode(node.text if not said else name, 0, 0))}{said} is the "
                    "group or block that this item is in, and not finished",
                    node,
                    "name the item in it to start from"
                    if key == "from"
                    else "name an item in it, before this one",
                )
                return None
            if known:
                self.latest = known
                return index
            own = around.block and not holder and not said
            held = around.scope.values.get(name) if own else None
            if isinstance(held, str):
                name, holder = held, name
                if (source := self._unnamed(name)) is not None:
                    return source
                around = around.outer or around  # the network has no caller but itself
            else:
                around = around.outer
        if self.report.findings.full:
            return None
        latest = islice(reversed(self.tensors), MAX_SUGGESTED)
        near_by = [*self.sources, *(each.removeprefix(place.prefix) for each in latest)]
        near = closest(name, near_by)
        advice = self._advice(key)
        if near:
            advice = f"did you mean `{near}`?"
        if said and (rounds := _rounds(name, near_by)):
            advice = f"those before it are {listed([f'`{each}`' for each in rounds])}"
        if holder:
            said = f", which parameter `{holder}` holds"
            if "{" in name:
                advice = (
                    f"hand over the number or word alone, and write the braces in `{key}`: "
                    f'`{key}: "down{{{holder}}}"`'
                )
        self.report.error(
            "CC201",
            f"nothing {'' if key == 'outputs' else 'before this item '}is called "
            f"{quoted(ScalarNode(name, 0, 0))}{said}",
            node,
            advice,
            fix=None if said else right_name(near, name, near_by),
        )
        return None

    def _advice(self, key: str) -> str:
        """What to do about a name that nothing has and that is near none."""
        inputs = [*self.sources]
        if key == "outputs":
            return "give the item that makes it this `name`, or list the name that it has"
        if key == "weights":  # an input has none
            return f"give the item {_WANTED[key]} a `name`, before this one"
        if inputs == ["input"]:
            of_inputs = "`input` is the network's"
        else:
            are = "inputs are" if len(inputs) > 1 else "input is"
            of_inputs = f"the network's {are} {listed(f'`{each}`' for each in inputs)}"
        what = _WANTED[key]
        return f"give the item {what} a `name`, before this one; {of_inputs}"

    def knows(self, name: str, place: Surroundings) -> bool:
        """Whether `from` finds a tensor of that name, without a word of it."""
        around: Surroundings | None = place
        while around is not None:
            known = self.named(around.prefix, name)
            if known:
                return not isinstance(self.tensors[known], Open)
            around = around.outer
        return self._unnamed(name) is not None

    def named(self, prefix: str, name: str) -> str | None:
        """The full name of an item by its name in one place; dots reach into groups and blocks."""
        if prefix + name in self.tensors:
            return prefix + name
        if "." in name:
            first, _, rest = name.partition(".")
            latest = self.rounds.get(prefix + first)
            if latest is not None:
                return self.named(f"{latest}.", rest)
        return None
