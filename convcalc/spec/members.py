"""A member of a family as a spec of its own."""

from convcalc.spec.nodes import Map
from convcalc.spec.parameters import PRESET_KEYS
from convcalc.spec.tree import Spec


def member(spec: Spec, preset: str) -> Spec:
    """The spec of one member of a family, with what its preset says in its place and no presets.

    Raises `KeyError` where there is no such preset.

    >>> from convcalc.spec.tree import Item
    >>> family = Spec(
    ...     input=8,
    ...     parameters={"width": 4},
    ...     presets={"wide": {"width": 32}},
    ...     layers=[Item("linear", "width")],
    ... )
    >>> print(member(family, "wide").to_yaml(), end="")
    name: wide
    input: 8
    parameters: {width: 32}
    layers:
      - linear: width
    """
    says = spec.presets[preset]
    values = dict(says) if isinstance(says, Map) else {}
    changes: dict[str, object] = {"presets": None, "name": preset}
    parameters, expect = spec.parameters, spec.expect
    for key, value in values.items():
        if key in parameters:
            parameters = parameters.with_value(key, value)
        if key == "expect" and isinstance(value, Map):
            for each, number in value.items():
                expect = expect.with_value(each, number)
        elif key == "written" and isinstance(value, Map):
            kept = [part for part in spec.written.parts if part.key not in value]
            changes[key] = Map.of([*kept, *value.parts])
        elif key in PRESET_KEYS:
            changes[key] = value
    if parameters != spec.parameters:
        changes["parameters"] = parameters
    if expect != spec.expect:
        changes["expect"] = expect
    return spec.replace(**changes)
