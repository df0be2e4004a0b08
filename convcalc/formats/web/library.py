"""What `convcalc report` does, as a function that returns the page and writes nothing."""

from collections.abc import Iterable, Mapping
from os import PathLike
from typing import Any

from convcalc.analysis import analyze
from convcalc.analysis.memory.optimizer import RULES
from convcalc.arguments import one_of
from convcalc.checks.configuration import Configurations
from convcalc.checks.known import graver
from convcalc.checks.report import CheckReport
from convcalc.checks.run import Task, check_network
from convcalc.checks.settings import Given as Asked
from convcalc.diagnostics import REFUSED, ArgumentError
from convcalc.formats.web.data import Subject
from convcalc.formats.web.report import render
from convcalc.graph import Given, GivenShape, Network, SpecError, read
from convcalc.spec.nodes import Value
from convcalc.spec.tree import Spec


def report(
    networks: "Given | Iterable[Given]",
    *,
    batch: int = 1,
    dtype: str = "float32",
    optimizer: str = "sgd",
    input: GivenShape | None = None,  # noqa: A002 (the spec's own word)
    parameters: Mapping[str, Value] | None = None,
) -> str:
    """The page of a network, or of several, as one HTML file that loads nothing.

    Each is a network, a `Spec`, or what `load` takes; the first is what the others are compared
    with. `optimizer` is that of the training step whose memory is shown. A network with errors is
    shown as far as it is known. Configuration files count as they do for `check`.

    Raises `SpecError` for what could not be read at all, and `ValueError` for no network, an
    unknown data type or optimizer, and a batch below 1.
    """
    listed = _listed(networks)
    one_of(optimizer, "optimizer", RULES)
    configurations = Configurations(Asked())
    task = Task(configurations.run, configurations=configurations)
    read_all = [read(each, input=input, parameters=parameters) for each in listed]
    for network in read_all:
        if any(each.code in REFUSED for each in network.errors):
            raise SpecError(network.errors)
    return render(
        [
            subject(network, task, batch=batch, dtype=dtype, optimizer=optimizer)
            for network in read_all
        ]
    )


def subject(network: Network, task: Task, *, batch: int, dtype: str, optimizer: str) -> Subject:
    """A network with what it takes, and what `check` finds in it."""
    taken = analyze(network, batch=batch, dtype=dtype, strict=False)
    checked = check_network(network, task)
    findings = [*checked.diagnostics]
    told = tuple(graver(findings) if task.settings.strict else findings)
    return Subject(taken, CheckReport((checked.path,), told, {}, checked.left_out), optimizer)


def _listed(given: Any) -> list[Any]:
    """One network or several. Raises `ValueError` for none."""
    if isinstance(given, str | bytes | PathLike | Spec | Network | Mapping) or not isinstance(
        given, Iterable
    ):
        return [given]
    listed = [*given]
    if not listed:
        message = "networks is an empty list: there is nothing to show"
        raise ArgumentError(message)
    return listed
