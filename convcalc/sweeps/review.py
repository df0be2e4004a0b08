"""What is wrong with the sweep that a spec asks for, without working out any design."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from convcalc.analysis.memory.checkpoint import read_checkpoint
from convcalc.analysis.memory.terms import AUTO, RunTerms
from convcalc.diagnostics import ArgumentError, Diagnostic, Problem
from convcalc.findings import Findings
from convcalc.graph import Network, SpecError
from convcalc.spec.nodes import Map, Node, ScalarNode
from convcalc.spec.swept import Swept
from convcalc.sweeps.axes import MEMORY, AxisError
from convcalc.sweeps.job import Job
from convcalc.sweeps.space import FOUND, Space, read_space, sample_of
from convcalc.sweeps.subject import Subject
from convcalc.sweeps.where import ConditionError
from convcalc.sweeps.wording import SPEC

CODE = "CC107"
"""What a key of `sweep` holds is not what it takes."""
ASKED = ("where", "pareto", "sort", "columns", "top")
"""Keys of `sweep` that say which designs are shown, and what of them."""
ABOUT: Mapping[str, tuple[str, object]] = {
    "seed": ("sample", "N"),
    "sampling": ("sample", "N"),
    "optimizer": ("training", True),
    "checkpoint": ("training", True),
}
"""Keys of `sweep` → the key without which each is without effect, with a value."""


def own_errors(subject: Subject, instead: Collection[str]) -> tuple[Diagnostic, ...]:
    """What is wrong with the sweep in the spec of a subject, where it stands.

    `instead` are keys of it that something else was given for, as `where` or `vary.width`.
    """
    findings = Findings(subject.written.places)
    for problem, node in review(subject.own):
        if (problem.field or "").removeprefix("sweep.") not in instead:
            findings.add(problem, findings.places.place(node.start, node.end))
    return findings.diagnostics


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
    for wrong in _wrong(subject, said):
        at, field = node.entries[wrong.key], f"sweep.{wrong.key}"
        if wrong.axis and isinstance(at, Map):
            field = f"{field}.{wrong.axis}"
            keys = {key.text: key for key in at.key_nodes()}
            at = keys[wrong.axis] if wrong.named else at.entries[wrong.axis]
        if wrong.within and isinstance(at, ScalarNode) and at.length == len(at.text):
            start, end = wrong.within  # there as here, for nothing is quoted, escaped or folded
            at = ScalarNode(at.text, at.start + start, end - start)
        yield Problem(CODE, f"sweep: {wrong.message}", field), at


class _Wrong(NamedTuple):
    key: str
    """The key of `sweep` whose value is wrong."""
    message: str
    """What is wrong with it."""
    axis: str = ""
    """The key of `vary` that is; empty for none of them."""
    named: bool = False
    """Whether it is what this axis is called, and not its values."""
    within: tuple[int, int] | None = None
    """From where to before where its characters are wrong; None is all of it."""


def _wrong(subject: Subject, said: Swept) -> Iterator[_Wrong]:
    """What is wrong, each with its place."""
    options = said.options
    for name in options:
        if name in ABOUT and not options.get(ABOUT[name][0]):
            yield _Wrong(name, f"{name} changes nothing without {SPEC.given(*ABOUT[name])}")
        if name in MEMORY and name in said.vary:
            yield _Wrong(name, f"{name} is given and varied: leave one of them out")
    try:
        checkpoint = read_checkpoint(options.get("checkpoint"))
    except ArgumentError as error:
        yield _Wrong("checkpoint", str(error))
        return
    if checkpoint == AUTO:
        yield _Wrong("checkpoint", FOUND)
        return
    terms = RunTerms(
        dtype=options.get("dtype", "float32"),
        training=options.get("training", False),
        optimizer=options.get("optimizer", "sgd"),
        checkpoint=checkpoint,
    )
    sample = sample_of(options.get("sample"), options.get("sampling"), options.get("seed"))
    try:
        space = read_space(
            subject,
            [*said.vary.items()],
            batch=options.get("batch", 1),
            terms=terms,
            sample=sample,
            wording=SPEC,
        )
    except AxisError as error:
        yield _Wrong("vary", str(error), error.axis, error.named)
        return
    except ArgumentError as error:
        yield _Wrong("vary" if sample is None else "sample", str(error))
        return
    for name in ASKED:
        if name in options:
            yield from _refused(subject, space, name, options[name])


def _refused(subject: Subject, space: Space, name: str, value: Any) -> Iterator[_Wrong]:
    """What is wrong with one key of `ASKED`."""
    try:
        Job(subject, space, **{name: value})
    except ConditionError as error:
        yield _Wrong(name, str(error), within=(error.start, error.end))
    except ArgumentError as error:
        yield _Wrong(name, str(error))
