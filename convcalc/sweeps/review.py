"""What is wrong with the sweep that a spec asks for, without working out any design."""

from collections.abc import Iterator
from typing import Any

from convcalc.analysis.memory.checkpoint import read_checkpoint
from convcalc.analysis.memory.terms import RunTerms
from convcalc.diagnostics import ArgumentError, Problem
from convcalc.graph import Network, SpecError
from convcalc.spec.nodes import Map, Node
from convcalc.spec.swept import Swept
from convcalc.sweeps.axes import MEMORY, AxisError
from convcalc.sweeps.job import Job
from convcalc.sweeps.space import Method, Sample, Space, read_space
from convcalc.sweeps.subject import Subject

CODE = "CC107"
"""What a key of `sweep` holds is not what it takes."""
ASKED = ("where", "pareto", "sort", "columns")
"""Keys of `sweep` with names of what a design has."""
ABOUT = {"seed": "sample", "sampling": "sample", "optimizer": "training", "checkpoint": "training"}
"""Keys of `sweep` → the key without which each is without effect."""


def review(network: Network) -> Iterator[tuple[Problem, Node]]:
    """What `convcalc sweep` would refuse of the `sweep` in the spec of a network, with the place.

    What is given beside the spec is left away, because that may be varied. A sweep that varies
    nothing waits for a command line that does; an error of form is told where the spec is read.
    """
    written, made = network.written, network.made
    if written is None or written.spec is None or made is None:
        return
    node = written.spec.entries.get("sweep")
    if not isinstance(node, Map) or "vary" not in node.entries:
        return
    try:
        subject = Subject(network._replace(made=made._replace(input=None, parameters=None)))
        said = subject.swept
    except (ArgumentError, SpecError):
        return
    for name, message in _wrong(subject, said):
        key, _, axis = name.partition(".")
        at = node.entries[key]
        if axis and isinstance(at, Map):
            at = at.entries[axis]
        yield Problem(CODE, f"sweep: {message.removeprefix('--')}", f"sweep.{name}"), at


def _wrong(subject: Subject, said: Swept) -> Iterator[tuple[str, str]]:
    """Keys that are wrong, as `where` or `vary.width`, each with what is."""
    options = said.options
    for name in options:
        if name in ABOUT and not options.get(ABOUT[name]):
            yield name, f"{name} is about `{ABOUT[name]}`, which is not there"
        if name in MEMORY and name in said.vary:
            yield name, f"{name} is given and varied: leave one of them out"
    try:
        checkpoint = read_checkpoint(options["checkpoint"]) if "checkpoint" in options else None
    except ArgumentError as error:
        yield "checkpoint", str(error)
        return
    terms = RunTerms(
        dtype=options.get("dtype", "float32"),
        training=options.get("training", False),
        optimizer=options.get("optimizer", "sgd"),
        checkpoint=checkpoint,
    )
    method: Method = "latin" if options.get("sampling") == "latin" else "random"
    sample = (
        Sample(options["sample"], options.get("seed", 0), method) if "sample" in options else None
    )
    try:
        space = read_space(
            subject,
            [*said.vary.items()],
            batch=options.get("batch", 1),
            terms=terms,
            sample=sample,
        )
    except AxisError as error:
        yield f"vary.{error.axis}", str(error)
        return
    except ArgumentError as error:
        yield "vary" if sample is None else "sample", str(error)
        return
    for name in ASKED:
        yield from _refused(subject, space, name, options.get(name))


def _refused(subject: Subject, space: Space, name: str, text: Any) -> Iterator[tuple[str, str]]:
    """What is wrong with one key of `ASKED`."""
    try:
        Job(subject, space, **{name: text})
    except ArgumentError as error:
        yield name, str(error)
