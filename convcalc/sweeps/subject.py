"""What is swept: a spec that is read once, and the network of each design of it."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from convcalc.diagnostics import ArgumentError
from convcalc.findings import Findings
from convcalc.graph import Given, Network, SpecError, Written, as_written, network_of, read
from convcalc.graph.given import given_parameters, given_shape
from convcalc.shape import Shape
from convcalc.spec.fields import FieldReader
from convcalc.spec.made_of import names_in
from convcalc.spec.names import Reporter
from convcalc.spec.nodes import Map, Node, Value
from convcalc.spec.parameters import Member
from convcalc.spec.swept import Swept, read_sweep
from convcalc.spec.text import SourceText
from convcalc.spec.tree import Spec

UNKNOWN = "CC118"
"""The code of inputs and parameters that are given, and that the spec has not."""
GivenInput = Shape | Mapping[str, Shape] | None
"""An input that is given: a shape, of several some by their names; None for the spec's own."""


class Subject:
    """A spec, or a member of a family, with what is given beside it for all designs.

    It can be sent to another process, which reads the text again and no file.
    """

    def __init__(
        self,
        given: Given,
        *,
        input: object = None,  # noqa: A002 (the spec's own word)
        parameters: Mapping[str, str | Value] | None = None,
    ) -> None:
        """Read it; raises `SpecError` where it has not the form of a spec."""
        network = read(given)
        if network.written is None or network.made is None:
            message = "a sweep takes what a network is read from, and this network was made"
            raise ArgumentError(message)
        self.path = network.path
        self.preset = network.made.preset
        self.input: GivenInput = given_shape(input) or network.made.input
        self.parameters: Mapping[str, Any] = {
            **(network.made.parameters or {}),
            **(given_parameters(parameters) or {}),
        }
        self.written: Written = network.written
        if self.written.spec is None:
            raise SpecError(network.errors)
        if input is None and not parameters:
            self.own = network  # as it was read
        if isinstance(self.input, Mapping) or self.parameters.keys() - self.defaults.keys():
            errors = self.network().errors
            if any(error.code == UNKNOWN for error in errors):
                raise SpecError(errors)

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs: the text, where there is one."""
        state = {
            name: value for name, value in self.__dict__.items() if name not in ("own", "swept")
        }
        places = self.written.places
        if isinstance(places, SourceText):
            state["written"] = places
        else:  # a sweep asks for no weights and no modules, whose files stay where they are
            state["written"] = self.written._replace(arrays=None, modules=None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Read the text again."""
        written = state["written"]
        self.__dict__.update(state)
        if isinstance(written, SourceText):
            self.written = as_written(SourceText(written.path, written.content))

    @property
    def spec(self) -> Spec:
        """The tree."""
        spec = self.written.spec
        if spec is None:
            message = "a subject was read without errors of form"
            raise TypeError(message)
        return spec

    @property
    def name(self) -> str:
        """What the network calls itself, or its path."""
        return self.own.name

    @cached_property
    def swept(self) -> Swept:
        """The sweep that the spec asks for; raises `SpecError` where it has not the form of one."""
        findings = Findings(self.written.places)
        said = read_sweep(findings, self.spec.entries.get("sweep"))
        if findings.diagnostics:
            raise SpecError(findings.diagnostics)
        return said

    @property
    def defaults(self) -> Mapping[str, Node]:
        """The parameters that are declared, by name, with what stands behind each."""
        declared = self.spec.entries.get("parameters")
        if not isinstance(declared, Map):
            return {}
        entries = dict(declared.entries)
        presets = self.spec.entries.get("presets")
        preset = presets.entries.get(self.preset) if isinstance(presets, Map) else None
        if isinstance(preset, Map):
            entries |= {name: node for name, node in preset.entries.items() if name in entries}
        return entries

    @cached_property
    def input_names(self) -> set[str]:
        """The parameters that the spec's own inputs are made of, and what these are made of."""
        findings = Findings(self.written.places)
        member = Member(Reporter(findings), FieldReader(findings), self.spec)
        member.choose(self.preset)
        declared = self.defaults
        made_of: set[str] = set()
        waiting = [*(names_in(member.entry("input")) & declared.keys())]
        while waiting:
            name = waiting.pop()
            if name not in made_of:
                made_of.add(name)
                waiting.extend(names_in(declared[name]) & declared.keys())
        return made_of

    @property
    def shapes(self) -> Mapping[str, Shape]:
        """The spec's own inputs by their names; raises `ArgumentError` where they are unknown."""
        own = self.own
        shapes = {name: own.shape_of(index) for name, index in own.named_inputs.items()}
        known = {name: shape for name, shape in shapes.items() if shape is not None}
        if len(known) < len(shapes):
            message = "a number alone keeps the spec's own channels, and these are not known"
            raise ArgumentError(message)
        return known

    @property
    def alike(self) -> list[str]:
        """The first of its inputs, and those as large along each axis: they change together."""
        return [self.own.nodes[index].name for index in self.own.alike_inputs]

    @cached_property
    def own(self) -> Network:
        """The network with what is given for all designs alone."""
        return self.network()

    def network(
        self,
        parameters: Mapping[str, str | Value] | None = None,
        shape: GivenInput = None,
    ) -> Network:
        """The network of a design, with its errors among its findings."""
        values = {**self.parameters, **(parameters or {})}
        given = _both(self.input, shape)
        return network_of(
            self.written,
            name=self.path,
            preset=self.preset,
            input=given,
            parameters=values or None,
        )


def _both(one: GivenInput, other: GivenInput) -> GivenInput:
    """What is given for all designs and for this one, which goes before."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return {**one, **other}
    return one if other is None else other
