"""Located YAML values become layers: one reading of every field, every error with its place."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from convcalc.diagnostics import Problem, write_value
from convcalc.findings import Findings
from convcalc.layers import FOLLOWING, field_names, layer_class
from convcalc.layers.base import Declared, Layer, Undone, declarations, defaults
from convcalc.shape import Shape
from convcalc.spec.nodes import INCOMING, NOWHERE, Map, Node, ScalarNode
from convcalc.spec.values import (
    FieldError,
    Scope,
    SilencedError,
    WaitingError,
    product,
    read_value,
    readings,
)

if TYPE_CHECKING:
    from convcalc.spec.flat import Late, Like


class FieldReader:
    """Reads the layers of one spec."""

    def __init__(self, findings: Findings, rounding: str = "exact") -> None:
        self._findings = findings
        self.rounding = rounding
        self.kind_defaults: dict[str, dict[str, Any]] = {}
        """Values from the spec's `defaults`, by kind."""
        self.is_tensor: Callable[[str], bool] | None = None
        """Whether `from` finds a tensor of a name where the last layer stands that has `like`."""
        self._usual: dict[str, dict[str, Any]] = {}
        self._told: set[tuple[str, int]] = set()
        self._interned: dict[tuple[object, ...], Layer] = {}
        self._reads: dict[tuple[object, ...], frozenset[str]] = {}
        """What layers that are written so read of the incoming tensor."""

    def report(self, error: FieldError, layer: str | None = None, field: str | None = None) -> None:
        """Put an error on record, its message starting with the field's name."""
        if isinstance(error, SilencedError):
            return
        message = error.problem.message
        if field is not None:
            if message.startswith("this takes "):
                message = f"{field}{message[4:]}"
            elif message.startswith("not a "):
                message = f"{field} is {message}"
            elif message[0].isdigit() or message[0] == "-":
                message = f"{field} {message}"
        problem = error.problem._replace(message=message, field=field)
        self._findings.add(problem, self._findings.places.place(error.start, error.end), layer)

    def caused(self, error: FieldError, scope: Scope) -> FieldError:
        """The error at the argument of a block's call, and once, where that is its cause."""
        if isinstance(error, SilencedError):
            return error
        cause = scope.causes.get(error.written)
        if cause is None:
            return error
        told = (error.problem.code, cause.start)
        if told in self._told:
            return SilencedError(error.problem, cause.start, cause.end)
        self._told.add(told)
        fix = None
        if isinstance(cause, ScalarNode) and not cause.plain and error.held == cause.text:
            fix = write_value(cause.text)  # it was meant as it is without its quotes
        used = self._findings.places.place(error.start, error.end), "used here"
        problem = error.problem._replace(fix=fix, related=(used,))
        return FieldError(problem, cause.start, cause.end)

    def layer(self, kind: str, node: Node, scope: Scope, name: str) -> "Layer | Late | None":
        """The layer of a kind whose fields `node` holds; None, and findings, when it has errors.

        It is `Late` where a field reads the incoming tensor.
        Equal layers written with plain numbers are one object, so that what follows from a layer
        is worked out once.
        """
        at = (id(node), kind)
        if at in scope.layers:
            return scope.layers[at]
        key = _key(kind, node)
        layer: Layer | Late | None = self._interned.get(key) if key else None
        if layer is None:
            outer, scope.used = scope.used, set()
            made = layer = self._read(kind, node, scope, name)
            if made is None and not scope.used.isdisjoint(INCOMING):
                layer = _waiting(self, kind, node, scope)
            elif key and made is not None and not scope.used:
                self._interned[key] = made
            outer.update(scope.used)
            scope.used = outer
            scope.layers[at] = layer
        return layer

    def late(
        self,
        kind: str,
        node: Node,
        scope: Scope,
        name: str,
        incoming: Shape,
        findings: Findings | None,
    ) -> "tuple[Layer | None, frozenset[str]]":
        """The layer of a kind once it is known what comes in, and what its fields read of that.

        See `Late.layer`.
        """
        values = readings(incoming)
        written = _key(kind, node)
        reads = self._reads.get(written) if written else None
        key = None if reads is None else (written, *map(values.get, sorted(reads)))
        layer = self._interned.get(key) if key else None
        if layer is None:
            known = scope.within(values)
            from copy import copy

            reader = copy(self)  # with all that is known of the spec
            reader._findings = findings or Findings(self._findings.places)  # noqa: SLF001 (its own)
            layer = reader._read(kind, node, known, name)  # noqa: SLF001
            reads = frozenset(known.used & INCOMING.keys())
            if written and layer is not None and known.used <= INCOMING.keys():
                self._reads[written] = reads
                key = (written, *map(values.get, sorted(reads)))
                self._interned[key] = layer
        return layer, reads or frozenset()

    def following(
        self,
        layer: Layer,
        node: Node,
        name: str,
        incoming: Shape,
        like: "Like",
        findings: Findings | None,
    ) -> Layer | None:
        """The layer that makes its map as large as another one; see `Late.layer`."""
        made: Layer | Problem
        if like.pool:
            made = layer.undoing(Undone(like.name, like.pool), like.written)
        else:
            made = layer.following(incoming, like.shape, like.name)
        if not isinstance(made, Problem):
            return made
        if findings is not None:
            at = node.entries.get(made.field or "", node) if isinstance(node, Map) else node
            findings.add(made, findings.places.place(at.start, at.end), name)
        return None

    def values(self, kind: str, node: Map, scope: Scope, name: str | None) -> dict[str, Any] | None:
        """The fields given in a mapping; None, and findings, when any has an error.

        One that waits for the incoming tensor is silent, but in `defaults`, which have no `name`.
        """
        declared = declarations(layer_class(kind))
        values: dict[str, Any] = {}
        failed = False
        torn = NOWHERE
        for key in node.key_nodes():
            field, value = key.text, node.entries[key.text]
            if key.start < torn:
                continue  # the rest of a tuple, which a comma ends here
            if (end := self._torn(value, name, field)) is not None:
                torn, failed = end, True
                continue
            declaration = declared.get(field)
            if declaration is None:
                self.unknown_field(kind, key, field_names(kind), name, node)
                failed = True
                continue
            try:
                values[field] = self._value(declaration, value, scope, name, field)
            except FieldError as error:
                failed = True
                if name is None or not isinstance(error, WaitingError):
                    from convcalc.spec.misread import of_field

                    said = self._of_tensor(
                        kind, value, of_field(error, kind, field, value, node, scope)
                    )
                    self.report(self.caused(said, scope), name, field)
        return None if failed else values

    def _torn(self, value: Node, name: str | None, field: str) -> int | None:
        """Where a tuple ends that braces tear apart, `{kernel: (3, 3)}`, which is reported."""
        if not isinstance(value, ScalarNode) or value.text[:1] != "(":
            return None
        from convcalc.spec.misread import torn_tuple

        return torn_tuple(self._findings, value, name, field)

    def unknown_field(
        self, kind: str, key: ScalarNode, fields: list[str], name: str | None, node: Map
    ) -> None:
        """Report a field in `node` that a kind or block does not have."""
        if not self._findings.full:
            from convcalc.spec.misread import unknown_field

            unknown_field(self._findings, kind, key, fields, name, node)

    def usual(self, kind: str) -> dict[str, Any]:
        """The values that the fields of a kind have in this spec unless they are given."""
        values = self._usual.get(kind)
        if values is None:
            cls = layer_class(kind)
            values = defaults(cls)
            if "rounding" in values and self.rounding != "exact":
                ceils = self.rounding == "ceil" and cls.ceils
                values["rounding"] = "ceil" if ceils else "floor"
            values.update(self.kind_defaults.get(kind, {}))
            self._usual[kind] = values
        return values

    def _read(self, kind: str, node: Node, scope: Scope, name: str) -> Layer | None:
        """The layer, made of what is given and of what its kind usually has."""
        given = self._given(kind, node, scope, name)
        usual = self.usual(kind)
        missing = self._missing(kind, node, given, usual)
        if missing and (given is not None or isinstance(node, Map)):
            from convcalc.spec.misread import missing_fields

            missing_fields(self._findings, kind, missing, node, name)
            return None
        if given is None:
            return None
        return layer_class(kind)(**{**usual, **given})

    def _given(self, kind: str, node: Node, scope: Scope, name: str) -> dict[str, Any] | None:
        """The fields that a node says; None, and findings, when it has errors."""
        if isinstance(node, Map):
            return self.values(kind, node, scope, name)
        if isinstance(node, ScalarNode) and ((not node.text and node.plain) or node.text == kind):
            return {}
        cls = layer_class(kind)
        declared = declarations(cls)
        if not declared or not cls.stands_alone:
            from convcalc.spec.misread import no_value_alone

            no_value_alone(self._findings, kind, list(declared), node, name)
            return None
        field, declaration = next(iter(declared.items()))
        try:
            return {field: self._value(declaration, node, scope, name, field)}
        except FieldError as error:
            if not isinstance(error, WaitingError):
                from convcalc.spec.misread import of_principal

                said = self._of_tensor(kind, node, of_principal(error, kind, node, scope))
                self.report(self.caused(said, scope), name, field)
            return None

    def _of_tensor(self, kind: str, value: Node, error: FieldError) -> FieldError:
        """The error of a tensor's name in another field than `like`, with what to write."""
        if (
            kind not in FOLLOWING
            or self.is_tensor is None
            or error.problem.code not in ("CC107", "CC111")
        ):
            return error
        from convcalc.spec.misread import of_tensor

        return of_tensor(error, value, self.is_tensor)

    def _missing(
        self, kind: str, node: Node, given: Mapping[str, Any] | None, usual: Mapping[str, Any]
    ) -> list[str]:
        """The fields that a kind needs and a node does not have, not even under another name."""
        declared = declarations(layer_class(kind))
        present = set(node.entries) if isinstance(node, Map) else set(given or ())
        foreign = present - set(declared)
        if foreign and not self._findings.full:
            from convcalc.spec.slips.keys import field_of
            from convcalc.spec.vocabulary import native_field

            present |= {native_field(field, list(declared)) or "" for field in foreign}
            for field in foreign:
                slip = field_of(field, list(declared), empty=True)
                present |= slip.fields if slip else frozenset()
        return [field for field in declared if field not in usual and field not in present]

    def _value(
        self, declared: Declared, node: Node, scope: Scope, name: str | None, field: str
    ) -> Any:
        """The value of a field; a product of numbers is warned of, where one per axis may be meant.

        One that a parameter holds is told of once, where the parameter is given it.
        """
        value = read_value(declared, node, scope)
        if declared.form not in ("axes", "ratios", "padding", "extents"):
            return value
        written = product(node, scope.products)
        if written is None:
            return value
        if written is not node:
            if ("CC119", written.start) in self._told:
                return value
            self._told.add(("CC119", written.start))
        from convcalc.spec.misread import product_for_each

        number = value[0] if isinstance(value, tuple) else value
        product_for_each(self._findings, field, node, written, number, name)
        return value


def _waiting(reader: FieldReader, kind: str, node: Node, scope: Scope) -> "Late":
    from convcalc.spec.flat import Late  # which stands above what reads fields

    return Late(reader, kind, node, scope)


def _key(kind: str, node: Node) -> tuple[object, ...] | None:
    """What a layer written with scalars alone is told apart by."""
    if node.__class__ is ScalarNode:
        return None if "*" in node.text else (kind, node.text, node.plain)
    if node.__class__ is not Map:
        return None
    parts: list[object] = [kind]
    for name, value in node.entries.items():
        if value.__class__ is not ScalarNode or not value.plain or "*" in value.text:
            return None  # a product may need a warning wherever it stands
        parts.append(name)
        parts.append(value.text)
    return tuple(parts)
