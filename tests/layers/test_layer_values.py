"""A layer is a frozen dataclass to whoever uses it, though no decorator makes it one.

What must come out is what `dataclass` itself makes of the same fields.
"""

import copy
import dataclasses
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from kinds import CASES
from tabled import tabled

from convcalc.layers import CATALOGUE, Layer, layer_class
from convcalc.layers.base import declarations, defaults

FIRST = {case.kind: case.layer for case in reversed(CASES)}
"""A layer of every kind."""


def decorated(cls: type[Layer]) -> Callable[..., Any]:
    """What the decorator makes of the fields of a layer."""
    usual = defaults(cls)
    return dataclasses.make_dataclass(
        cls.__name__,
        [
            (name, annotation, *([dataclasses.field(default=usual[name])] if name in usual else []))
            for name, annotation in cls.__annotations__.items()
            if name in declarations(cls)
        ],
        frozen=True,
    )


def fields_of(
    made: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]
) -> dict[str, Any] | None:
    """The fields that these arguments give; None where they are refused."""
    try:
        fields: dict[str, Any] = vars(made(*arguments, **named))
    except TypeError:
        return None
    return fields


@tabled("kind", CATALOGUE)
def test_a_layer_is_what_dataclass_would_make_of_its_fields(kind: str) -> None:
    layer: Any = FIRST[kind]
    cls = layer_class(kind)
    values = {name: getattr(layer, name) for name in declarations(cls)}
    twin = decorated(cls)(**values)

    assert dataclasses.is_dataclass(layer_class(kind))
    assert repr(layer) == repr(twin)
    assert dataclasses.asdict(layer) == dataclasses.asdict(twin) == vars(layer)
    assert [(each.name, each.default) for each in dataclasses.fields(layer)] == [
        (each.name, each.default) for each in dataclasses.fields(twin)
    ]
    assert cls(*values.values()) == layer
    for same in (
        dataclasses.replace(layer),
        copy.copy(layer),
        copy.deepcopy(layer),
        pickle.loads(pickle.dumps(layer)),  # noqa: S301 (its own)
    ):
        assert same == layer
        assert hash(same) == hash(layer)
        assert [*vars(same)] == [*values], "shown in the order of the fields"
    for name in values:
        other = dataclasses.replace(layer, **{name: "other"})
        assert getattr(other, name) == "other"
        assert other != layer
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(layer, name, "other")
        with pytest.raises(dataclasses.FrozenInstanceError):
            delattr(layer, name)


@tabled("kind", CATALOGUE)
def test_a_layer_takes_the_arguments_that_dataclass_would(kind: str) -> None:
    layer, cls = FIRST[kind], layer_class(kind)
    values = {name: getattr(layer, name) for name in declarations(cls)}
    first = next(iter(values), "")
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        ((), {}),
        ((), {**values, "unheard_of": 1}),
        ((*values.values(), 1), {}),
        ((1,), {first or "x": 1}),
        (tuple(values.values())[:1], {name: values[name] for name in [*values][1:]}),
    ]
    calls += [
        ((), {name: value for name, value in values.items() if name != out}) for out in values
    ]
    for arguments, named in calls:
        assert fields_of(cls, arguments, named) == fields_of(decorated(cls), arguments, named)
