"""What is wrong with a spec, said at the node at fault; and the words that can be names."""

from collections.abc import Iterable

from convcalc.diagnostics import Fix, Place, Severity, misspelt
from convcalc.findings import Findings
from convcalc.spec.fields import quoted, renamed
from convcalc.spec.nodes import Map, Node, ScalarNode


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
        if name in ("input", "true", "false", "and", "or", "not", "if", "else", "index"):
            self.error("CC117", f"`{name}` has a meaning of its own", node, "choose another name")
            return False
        return True


def right_name(near: str | None, name: str, known: Iterable[str]) -> Fix | None:
    """The fix of a name that is near a known one and can only be a misspelling of it."""
    return renamed(misspelt(name, known)) if near else None
