"""Presets: the member of a family that is meant, and what the spec says as that member."""

from convcalc.diagnostics import closest, listed
from convcalc.spec.fields import FieldError, FieldReader, Scope, fail, quoted, shown, whole
from convcalc.spec.nodes import Map, Node, ScalarNode
from convcalc.spec.reporter import Reporter, right_name
from convcalc.spec.tree import Spec

PRESET_KEYS = ("name", "reference", "year", "description", "input", "expect")
"""Top-level keys that a preset may replace, beside giving values to parameters."""


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
                if self.report.findings.full:
                    break
                if name.text not in known:
                    near = closest(name.text, known)
                    self.report.error(
                        "CC109",
                        f"preset `{key.text}` sets {quoted(name)}, which is no parameter of the "
                        "spec",
                        name,
                        f"did you mean `{near}`?" if near else f"it may give {listed(known)}",
                        fix=right_name(near, name.text, known),
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
        self.report.findings.report(
            "CC101",
            f"there is no preset `{wanted[:60]}`",
            at.start,
            at.start + len("presets"),
            (f"did you mean `{near}`? " if near else "")
            + (f"the presets are {listed(names)}" if names else "the spec has no presets"),
        )
        return False

    def entry(self, key: str) -> Node | None:
        """What stands under a top-level key, or what the chosen preset puts there."""
        return self.preset.get(key) or self.root.entries.get(key)

    def expectations(self) -> Node | None:
        """What `expect` says, and what the preset adds to it or says in its stead."""
        every, own = self.root.entries.get("expect"), self.preset.get("expect")
        if not isinstance(every, Map) or not isinstance(own, Map):
            return own or every
        kept = [key for key in every.key_nodes() if key.text not in own.entries]
        starts = (*(key.start for key in kept), *own.key_starts)
        entries = {key.text: every.entries[key.text] for key in kept}
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
