"""Net surgery: a network made into another one, by changing its spec.

A conversion is a row of `CONVERSIONS` and a module with a function `convert`, which takes a
`Subject` and the value of its option, and gives a `Result`.
"""

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.arguments import one_of
from convcalc.diagnostics import ArgumentError
from convcalc.graph import Network, as_written, network_of, read
from convcalc.numbers import plural
from convcalc.spec.text import SourceText
from convcalc.surgery.edits import Result, Subject

if TYPE_CHECKING:
    from convcalc.graph import Given
    from convcalc.graph.planned import Planned
    from convcalc.spec.tree import Spec


class Conversion(NamedTuple):
    """A way to make a network into another one."""

    about: str
    """What it does, in a few words, for the help of its option."""
    equal: bool
    """Whether the new network computes what the old one does, with weights that move along."""
    value: str | None = None
    """What its option takes, as help shows it; None where it takes nothing."""
    together: bool = False
    """Whether values of an option that is repeated are one, with commas between them."""


CONVERSIONS: Mapping[str, Conversion] = MappingProxyType(
    {
        "linear-to-conv": Conversion(
            "Linear layers behind maps become convolutions, so that larger inputs go in.",
            equal=True,
        ),
        "fold-batchnorm": Conversion(
            "Batch norms go into the weights of the layers before them, for inference.", equal=True
        ),
        "conv-to-linear": Conversion(
            "Convolutions that match become linear layers of mostly zeros; repeatable.",
            equal=True,
            value="LAYERS",
        ),
        "reparameterize": Conversion(
            "Convolutions that are added become one, as RepVGG's do for inference.", equal=True
        ),
        "input": Conversion(
            "Another input; parameters that the spec's own is made of follow it; repeatable.",
            equal=False,
            value="[NAME=]SHAPE",
            together=True,
        ),
        "prune": Conversion(
            "N filters of the layers that match stay, and what reads them follows; repeatable.",
            equal=False,
            value="LAYER=N",
        ),
        "quantize-friendly": Conversion(
            "What TensorFlow Lite Micro does not fuse becomes what it does; to be trained on.",
            equal=False,
        ),
        "separable": Conversion(
            "Convolutions become depthwise ones with 1×1 behind them; to be trained anew.",
            equal=False,
        ),
        "stack": Conversion(
            "Convolutions of 5×5, 7×7, … become several of 3×3; to be trained anew.", equal=False
        ),
        "unstack": Conversion(
            "Convolutions in a row become one that sees as much; to be trained anew.", equal=False
        ),
        "width": Conversion(
            "Layers but the last have FACTOR times the filters; to be trained anew; repeatable.",
            equal=False,
            value="FACTOR",
        ),
    }
)
"""Conversions by the names of their options; each is a module of this package."""


class Step(NamedTuple):
    """One conversion, as it was made."""

    name: str
    """Which one, a key of `CONVERSIONS`."""
    old: "Planned"
    """The network before it."""
    result: Result
    """What it made of that."""


class Converted(NamedTuple):
    """A network that was converted."""

    spec: "Spec"
    """What it is now, as a spec."""
    network: "Planned"
    """The network of that spec."""
    steps: tuple[Step, ...]
    """The conversions, in the order in which they were made."""

    @property
    def equal(self) -> bool:
        """Whether it computes what the network did before."""
        return all(CONVERSIONS[step.name].equal for step in self.steps)

    def weights(self, weights: Mapping[str, Any]) -> dict[str, Any]:
        """The weights of the old network as those of the new one, by its layers' names.

        Raises `ArgumentError` where a conversion makes another network, which they do not fit.
        """
        self.check_movable()
        made = dict(weights)
        for step in self.steps:
            made = made if step.result.moves is None else step.result.moves(made)
        return made

    def check_movable(self) -> None:
        """Raise `ArgumentError` where a conversion makes another network: no weights move then."""
        for step in self.steps:
            if step.result.moves is None:
                message = f"--{step.name} makes a network of other weights: there are none to move"
                raise ArgumentError(message)

    def check_equal(self) -> None:
        """Raise `ArgumentError` where a conversion does not claim that the network is equal."""
        for step in self.steps:
            if not CONVERSIONS[step.name].equal:
                message = (
                    f"--{step.name} makes a network that computes something else: nothing to verify"
                )
                raise ArgumentError(message)


def convert(
    spec: "Given", conversions: str | tuple[str, Any] | Sequence[str | tuple[str, Any]] = ()
) -> Converted:
    """A network converted, one conversion after the other, by their names in `CONVERSIONS`.

    A list has several; one that takes a value is a pair with it, `("width", "0.5")`. Raises
    `SpecError` for a spec with errors, and `ArgumentError` where a network cannot be converted so.

    >>> convert("lenet5", "linear-to-conv").network.shape_of(-1)
    Shape(channels=10, spatial=(1, 1))
    >>> made = convert("lenet5", [("width", "2"), "linear-to-conv"])
    """
    several = isinstance(conversions, Sequence) and not isinstance(conversions, str | bytes | tuple)
    alone = [] if isinstance(conversions, tuple) and not conversions else [conversions]
    listed: list[Any] = [*conversions] if several else alone
    return converted(read(spec), [_pair(each) for each in listed])


def _pair(given: Any) -> tuple[str, Any]:
    """A conversion with its value, None for one that takes none."""
    named = given if isinstance(given, tuple) and len(given) == 2 else (given, None)
    name = one_of(named[0], "each of conversions", CONVERSIONS)
    takes, value = CONVERSIONS[name].value, named[1]
    if (takes is None) != (value is None):
        what = "takes no value" if takes is None else f"takes a value, {takes}"
        message = f"of conversions, {name} {what}"
        raise ArgumentError(message)
    return name, None if value is None else str(value)


def converted(network: Network, conversions: Iterable[tuple[str, Any]]) -> Converted:
    """A network converted; see `convert`."""
    conversions = [*conversions]
    subject = first = Subject.of(network)
    steps: list[Step] = []
    for name, value in conversions:
        module = import_module(f"convcalc.surgery.{name.replace('-', '_')}")
        result: Result = module.convert(subject, value)
        steps.append(Step(name, subject.network, result))
        subject = result.subject
    others = _others(first.spec, subject.spec, conversions) if steps else []
    if others:
        last = steps[-1].result
        more = f" and {plural(len(others) - 1, 'more preset')}" if len(others) > 1 else ""
        said = (
            f"preset `{others[0]}`{more} would become something else by itself: convert "
            f"SPEC#{others[0]}"
        )
        steps[-1] = steps[-1]._replace(result=last._replace(remarks=(*last.remarks, said)))
    return Converted(subject.spec, subject.network, tuple(steps))


def _others(old: "Spec", new: "Spec", conversions: Sequence[tuple[str, Any]]) -> list[str]:
    """The presets of a converted spec that are not what they become by themselves."""
    names = []
    for name in new.presets:
        before = _member(old, name)
        if before.errors:
            continue
        after = _member(new, name)
        try:
            own = converted(before, conversions).network
        except ArgumentError:
            names.append(name)
            continue
        if after.errors or _layers(after) != _layers(own):
            names.append(name)
    return names


def _member(spec: "Spec", name: str) -> Network:
    """The network of a preset of a spec."""
    return network_of(as_written(SourceText("<spec>", spec.to_yaml())), preset=name)


def _layers(network: Network) -> list[tuple[object, ...]]:
    """What the layers of a network are, and what they read."""
    return [(node.kind, repr(node.layer), node.inputs) for node in network.nodes]
