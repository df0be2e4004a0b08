"""What becomes of a message: the layers that a program may have otherwise than its spec."""

import re
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Literal, NamedTuple

from convcalc.explanation.messages.finder import Suspects, Trial, suspects
from convcalc.explanation.messages.forms import Form, Said, readings
from convcalc.explanation.messages.state import unlike
from convcalc.explanation.messages.undivided import undivided

if TYPE_CHECKING:
    from convcalc.graph import Network

MOST_TEXT = 1_000_000
"""Most characters of a text that are read: the last of them."""
MOST_MESSAGES = 3
"""Most messages of one text that are tried, the last of them first: a traceback may end with one
that another led to."""
MOST_LAYERS = 60
"""More layers than these are no answer."""

Verdict = Literal["layers", "spec", "memory", "elsewhere", "unsure", "unknown"]
"""A list of layers; the spec itself has these numbers; memory; nothing that a spec has; nothing
leads to the message, or too much does; or no message that is known."""


class Suspect(NamedTuple):
    """Layers that a message cannot tell apart, one of which the program may have otherwise."""

    layers: tuple[str, ...]
    """Their full names, in the order of the network."""
    indices: tuple[int, ...]
    """Their indices in the network, in its order."""
    trials: tuple[Trial, ...]
    """What the first of them may have otherwise, the likeliest first."""


class Diagnosis(NamedTuple):
    """What a message leads to."""

    verdict: Verdict
    """What kind of answer it is."""
    form: Form | None
    """The form of the message; None where none is known."""
    message: str
    """The message as it stands in the text."""
    said: Said | None
    """What the message says, in terms of no framework; None where none is known."""
    batch: int | None
    """The batch, as it is said or follows; None where it is open."""
    suspects: tuple[Suspect, ...] = ()
    """The list, the likeliest first."""
    spec: tuple[int, ...] = ()
    """Layers at which the spec itself has these numbers."""
    whole: bool = True
    """Whether every change that is known was tried."""


def diagnose(network: "Network", text: str) -> Diagnosis:
    """What a framework's message, or a text that has one, says about a program of the network."""
    text = text[-MOST_TEXT:]
    first: Diagnosis | None = None
    for form, match, message in islice(readings(text), MOST_MESSAGES):
        diagnosis = _diagnosed(network, form, message, form.read(match), named_in(text))
        if diagnosis.verdict not in ("unsure", "unknown"):
            return diagnosis
        first = first or diagnosis
    return first or Diagnosis("unknown", None, "", None, None)


def named_in(text: str) -> frozenset[str]:
    """The modules that lines of code in a traceback call, by the last part of their names.

    >>> sorted(named_in("x = self.features.conv3(self.pool(x))"))
    ['conv3', 'pool']
    """
    return frozenset(re.findall(r"self\.(?:\w{1,100}\.){0,20}(\w{1,100})\(", text))


def _diagnosed(
    network: "Network", form: Form, message: str, said: Said, named: frozenset[str]
) -> Diagnosis:
    answer = Diagnosis("unsure", form, message, said, said.batch)
    if said.about == "memory":
        return answer._replace(verdict="memory")
    if said.about == "divides":
        search = Suspects((), tuple(undivided(network, said.numbers)), whole=True)
    elif said.about == "state":
        search = Suspects((), tuple(unlike(network, said.numbers["weights"])), whole=True)
    elif said.clash is None:
        return answer._replace(verdict="elsewhere")
    else:
        search = suspects(network, said.clash, batch=said.batch, built=said.built)
    if search.own:
        spec = tuple(dict.fromkeys(failure.layer for failure in search.own))
        return answer._replace(verdict="spec", spec=spec)
    entries = listed(network, search, named)
    layers = sum(len(each.layers) for each in entries)
    sure = search.whole or (entries and entries[0].trials[0].change.sort == "takes")
    if not sure or not 0 < layers <= MOST_LAYERS:
        return answer._replace(whole=search.whole)
    batch = entries[0].trials[0].batch or said.batch
    return answer._replace(verdict="layers", suspects=entries, batch=batch, whole=search.whole)


def listed(
    network: "Network", search: Suspects, named: frozenset[str] = frozenset()
) -> tuple[Suspect, ...]:
    """The entries of the list, the likeliest first: layers that are alike in all stand together.

    Before all others stand those that stop at a layer which a traceback names, or are such.
    """
    by_layer: dict[int, list[Trial]] = {}
    for trial in sorted(search.trials, key=lambda each: (each.change.cost, -each.layer)):
        by_layer.setdefault(trial.layer, []).append(trial)
    groups: dict[object, list[int]] = {}
    for index, own in by_layer.items():
        groups.setdefault(_alike(network, index, own), []).append(index)
    entries = [
        Suspect(
            tuple(network.nodes[index].name for index in sorted(indices)),
            tuple(sorted(indices)),
            tuple(by_layer[min(indices)]),
        )
        for indices in groups.values()
    ]

    def order(each: Suspect) -> tuple[bool, float, int]:
        ends = {*each.indices, each.trials[0].stops}
        hinted = any(network.nodes[index].name.rpartition(".")[2] in named for index in ends)
        return not hinted, each.trials[0].change.cost, -each.indices[-1]

    entries.sort(key=order)
    return tuple(entries)


def _alike(network: "Network", index: int, trials: Sequence[Trial]) -> object:
    """What two layers have in common that a message cannot tell apart."""
    node = network.nodes[index]
    shapes = tuple(network.shape_of(read) for read in node.inputs)
    changes = tuple(
        (trial.change.sort, trial.change.field, str(trial.change.value)) for trial in trials
    )
    return node.kind, node.layer, shapes, changes
