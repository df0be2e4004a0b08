"""Values of parameters: the spec's, its presets', those set from outside, and those of calls."""

from collections import ChainMap
from collections.abc import Mapping

from convcalc.diagnostics import Place, closest, listed, remove_value
from convcalc.spec.fields import FieldReader
from convcalc.spec.items import Definition
from convcalc.spec.names import Reporter
from convcalc.spec.nodes import List, Map, Node, ScalarNode, Value
from convcalc.spec.tree import Item, Spec
from convcalc.spec.values import (
    FieldError,
    Scope,
    evaluate,
    fail,
    near_key,
    product,
    quoted,
    shown,
    whole,
)

ADDED = ("expect", "written")
"""Top-level keys of which a preset says entries beside those of the spec, or in their places."""
PRESET_KEYS = ("name", "reference", "year", "description", "input", "outputs", *ADDED)
"""Top-level keys that a preset may replace, beside giving values to parameters."""
SWITCHES = {"true": True, "false": False}
"""What a parameter is set to from outside by a word that is no text."""


def value_set(text: str, default: Node) -> Value:
    """The value that a text from outside gives a parameter with this default.

    It is text where the default stands in quotes. Raises `FieldError` for what is no value.
    """
    if isinstance(default, ScalarNode) and not default.plain:
        return text
    stripped = text.strip()
    if stripped in SWITCHES:
        return SWITCHES[stripped]
    return evaluate(ScalarNode(stripped, 0, 1, plain=False), Scope({}), "a value")


class Member:
    """A spec as it is written, or as one member of its family."""

    def __init__(self, report: Reporter, reader: FieldReader, root: Spec) -> None:
        self.report = report
        self.reader = reader
        self.root = root
        self.called = ""
        """The name of the member; empty for the spec as it is written."""
        self.preset: dict[str, Node] = {}
        """What its preset says."""

    def choose(self, wanted: str) -> bool:
        """Look through the presets, and let the one called `wanted` replace what it names."""
        presets = self.report.mapping(
            self.root.entries.get("presets"), "presets", "write `presets: {small: {width: 32}}`"
        )
        declared = self.root.entries.get("parameters")
        parameters = declared.entries if isinstance(declared, Map) else {}
        known = {**parameters, **dict.fromkeys(PRESET_KEYS)}
        for key in presets.key_nodes() if presets else ():
            self.report.valid_name(key)
            preset = self.report.mapping(
                presets.entries[key.text] if presets else None,
                f"preset `{key.text}`",
                f"write `{key.text}: {{width: 32}}`",
            )
            for name in preset.key_nodes() if preset else ():
                full = self.report.findings.full
                if preset is not None and name.text not in known and not full:
                    advice, fix = near_key(name, known, preset)
                    self.report.error(
                        "CC109",
                        f"preset `{key.text}` sets {quoted(name)}, which is no parameter of the "
                        "spec",
                        name,
                        advice or f"it may give {listed(known)}",
                        fix=fix,
                    )
        self.called = wanted
        if not wanted:
            return True
        names = list(presets.entries) if presets else []
        if wanted in names:
            chosen = presets.entries[wanted] if presets else None
            self.preset = dict(chosen.entries) if isinstance(chosen, Map) else {}
            return True
        at = self.root.key("presets") if "presets" in self.root.entries else self.root
        near = closest(wanted, names)
        pattern = _fits_any(wanted, names)
        self.report.findings.report(
            "CC101",
            f"`{wanted[:60]}` is a pattern of several presets"
            if pattern
            else f"there is no preset `{wanted[:60]}`",
            at.start,
            at.start + len("presets"),
            ("`analyze`, `memory` and `check` take a pattern, others one: " if pattern else "")
            + (f"did you mean `{near}`? " if near and not pattern else "")
            + (f"the presets are {listed(names)}" if names else "the spec has no presets"),
        )
        return False

    def entry(self, key: str) -> Node | None:
        """What stands under a top-level key, or what the chosen preset puts there."""
        return self.preset.get(key) or self.root.entries.get(key)

    def added(self, key: str) -> Node | None:
        """What stands under a key of `ADDED`, with what the preset adds or says instead."""
        every, own = self.root.entries.get(key), self.preset.get(key)
        if not isinstance(every, Map) or not isinstance(own, Map):
            return own or every
        kept = [each for each in every.key_nodes() if each.text not in own.entries]
        starts = (*(each.start for each in kept), *own.key_starts)
        entries = {each.text: every.entries[each.text] for each in kept}
        return Map.at({**entries, **own.entries}, starts, own.start, own.end)

    def year(self) -> int | None:
        """When the network was published; None where that is not said."""
        node = self.entry("year")
        if node is None:
            return None
        try:
            year = whole(node, Scope({}), "a year")
            if not 1 <= year <= 9999:
                fail("CC302", f"{shown(year)} is no year", node, "write four digits: 2014")
        except FieldError as error:
            self.reader.report(error, field="year")
            return None
        return year

    def title(self) -> str:
        """The network's name; a preset without one is called by its own."""
        if self.called and "name" not in self.preset:
            return self.called
        return self.text("name")

    def text(self, key: str) -> str:
        """A remark on one line; empty where it is not there."""
        node = self.entry(key)
        if node is None:
            return ""
        if not isinstance(node, ScalarNode):
            self.report.error("CC107", f"{key} is text, and this is {quoted(node)}", node)
            return ""
        return " ".join(node.text.split())


class Parameters:
    """The values of a spec's parameters."""

    def __init__(
        self,
        report: Reporter,
        reader: FieldReader,
        member: Member,
        overrides: Mapping[str, object],
    ) -> None:
        self.report = report
        self.reader = reader
        self.member = member
        self.root = member.root
        self.overrides = overrides
        self.top_values: Mapping[str, Value] = {}
        """Those of the spec itself."""
        self.products: dict[str, ScalarNode] = {}
        """Where they were given a product of bare numbers."""
        self.failed: set[str] = set()
        """Names whose values have errors; what uses them is silent."""

    def top(self, node: Node | None) -> dict[str, Value]:
        """The values of the spec's parameters; those with errors are in `failed`."""
        values: dict[str, Value] = {}
        scope = Scope(values, self.failed)
        scope.products = self.products
        entries = self.report.mapping(node, "parameters", "write `parameters: {classes: 1000}`")
        for key in entries.key_nodes() if entries else ():
            if not self.report.valid_parameter(key):
                continue
            default = entries.entries[key.text] if entries else key
            if key.text in self.overrides:
                value = self.override(key, default)
            elif key.text in self.member.preset and key.text not in PRESET_KEYS:
                default = self.member.preset[key.text]
                value = self.argument(default, scope)
            elif isinstance(default, ScalarNode) and not default.text and default.plain:
                self.report.error(
                    "CC115",
                    f"parameter `{key.text}` has no value",
                    key,
                    f"give it a default, or run with --set {key.text}=…"
                    + (" or one of the presets" if "presets" in self.root.entries else ""),
                )
                value = None
            else:
                value = self.argument(default, scope)
            if value is not None:
                values[key.text] = value
            else:
                self.failed.add(key.text)
            written = None if key.text in self.overrides else held(default, self.products)
            if written is not None:
                self.products[key.text] = written
        declared = list(entries.entries) if entries else []
        for name in self.overrides:
            if name not in declared:
                near = closest(name, declared)
                advice = f"its parameters are {listed(declared)}" if declared else "it has none"
                at = self.root.key("parameters") if node else None
                self.report.findings.report(
                    "CC118",
                    f"the spec has no parameter `{name}` to set",
                    at.start if at else 0,
                    at.end if at else 1,
                    f"did you mean `{near}`?" if near else advice,
                )
        return values

    def override(self, key: ScalarNode, default: Node) -> Value | None:
        """The value that a parameter is set to from outside."""
        given = self.overrides[key.text]
        if not isinstance(given, bool | int | float | str):
            from convcalc.arguments import shown

            self.report.error(
                "CC107",
                f"parameter `{key.text}` is set to {shown(given)}, which is no number or text",
                key,
                "give a number, true or false, or text",
            )
            return None
        if not isinstance(given, str):
            return given
        try:
            return value_set(given, default)
        except FieldError as error:
            self.report.error(
                error.problem.code,
                f"--set {key.text}={given[:60]}: {error.problem.message}",
                key,
                error.problem.help,
            )
            return None

    def arguments(
        self, block: Definition, value: Node, node: Item, scope: Scope
    ) -> Mapping[str, Value] | None:
        """The values a block's body may use: the spec's parameters and its own."""
        declared = block.parameters.entries if block.parameters else {}
        at = node.key(block.name)
        given: dict[str, Node] = {}
        if isinstance(value, Map):
            for key in value.key_nodes():
                if key.text in declared:
                    given[key.text] = value.entries[key.text]
                else:
                    what = f"block `{block.name}`"
                    self.reader.unknown_field(what, key, list(declared), None, value)
        elif isinstance(value, List):
            self.report.error(
                "CC107",
                f"block `{block.name}` takes its parameters by name, and this is a list",
                value,
                f"write `{block.name}: {{{', '.join(f'{name}: …' for name in declared)}}}`",
            )
            return None
        elif not node.bare and (value.text not in ("", block.name) or not value.plain):
            if not declared:
                self.report.error(
                    "CC107",
                    f"block `{block.name}` has no parameters, and is given {quoted(value)}",
                    value,
                    f"write `- {block.name}`",
                    fix=remove_value(),
                )
                return None
            given[next(iter(declared))] = value
        own: dict[str, Value] = {}
        values: ChainMap[str, Value] = ChainMap(own, self.top_values)  # type: ignore[arg-type]
        missing = set(self.failed)
        inner = scope.beside(values, missing)
        failed = isinstance(value, Map) and len(given) != len(value.entries)
        for name, default in declared.items():
            if name in given:
                argument = self.argument(given[name], scope)
            elif isinstance(default, ScalarNode) and not default.text and default.plain:
                self.report.error(
                    "CC115",
                    f"block `{block.name}` needs `{name}`",
                    at,
                    f"add it: `{block.name}: {{{name}: …}}`",
                    related=(self.declared(block, name),),
                )
                argument = None
            else:
                argument = self.argument(default, inner)
            if argument is None:
                failed = True
                missing.add(name)
            else:
                own[name] = argument
        return None if failed else values

    def declared(self, block: Definition, name: str) -> tuple[Place, str]:
        """Where a block declares a parameter."""
        at = block.parameters.key(name) if block.parameters else block.node
        return self.report.findings.places.place(at.start, at.end), "declared here"

    def argument(self, node: Node, scope: Scope) -> Value | None:
        """The value of a parameter: quoted scalars are text, others numbers or true and false."""
        if isinstance(node, ScalarNode) and not node.plain:
            return node.text
        try:
            return evaluate(node, scope, "a number, true or false, or quoted text")
        except FieldError as error:
            self.reader.report(error)
            return None

    def products_of(
        self, block: Definition, given: Mapping[str, Node], scope: Scope
    ) -> Mapping[str, ScalarNode]:
        """Which names have a product of bare numbers in a block whose call gives `given`."""
        products = self.products
        for name, default in (block.parameters.entries if block.parameters else {}).items():
            node = given.get(name)
            written = held(node or default, scope.products if node else products)
            if written is not None:
                products = {**products, name: written}
            elif name in products:
                products = {other: node for other, node in products.items() if other != name}
        return products


def causes_of(given: Mapping[str, Node], scope: Scope) -> dict[str, Node]:
    """Where the arguments of a call were written, those that are handed on at the first call."""
    return {
        name: scope.causes.get(node.text, node) if isinstance(node, ScalarNode) else node
        for name, node in given.items()
    }


def held(node: Node, products: Mapping[str, ScalarNode]) -> ScalarNode | None:
    """The product of bare numbers that a parameter given `node` holds; quotes are text."""
    return product(node, products) if isinstance(node, ScalarNode) and node.plain else None


def given_to(block: Definition, value: Node) -> Mapping[str, Node]:
    """What a call gives the parameters of a block."""
    declared = block.parameters.entries if block.parameters else {}
    if isinstance(value, Map):
        return {name: node for name, node in value.entries.items() if name in declared}
    if isinstance(value, ScalarNode) and declared and value.text not in ("", block.name):
        return {next(iter(declared)): value}
    return {}


def _fits_any(wanted: str, names: list[str]) -> bool:
    """Whether a name is a pattern that one of these fits, as `resnet#resnet1*`."""
    if not {*wanted} & {*"*?["}:
        return False
    from fnmatch import fnmatchcase

    return any(fnmatchcase(name, wanted) for name in names)
