"""A sweep on its way, in a file: what is known so far, and all that it depends on."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from convcalc import __version__
from convcalc.diagnostics import ArgumentError
from convcalc.shape import Shape
from convcalc.spec.text import SourceText
from convcalc.sweeps.job import Invalid, Job, StoppedError
from convcalc.sweeps.kept import Groups, Rows
from convcalc.sweeps.report import SweepReport

FORM = 2
"""Changes when a file of before cannot be gone on with."""
SHARE = 20
"""Writing a state takes at most one part in so many of the time."""
NAMES: Mapping[str, str] = {
    "convcalc": "the version of convcalc",
    "spec": "what the spec says",
    "preset": "the preset",
    "set": "--set",
    "input": "--input",
    "vary": "--vary",
    "sample": "--sample or --seed",
    "batch": "--batch",
    "terms": "how the network runs (--dtype, --training and the like)",
    "where": "--where",
    "pareto": "--pareto",
    "sort": "--sort",
    "top": "--top",
    "columns": "--columns",
    "all_rows": "--all-rows",
    "memory": "what is said of memory (--batch, --dtype and the like)",
    "files": "what --output and --output-dir name",
}
"""What a result depends on, in words."""


def settings(job: Job, files: Sequence[str] = ()) -> dict[str, Any]:
    """All that the result of a sweep depends on, as JSON has it."""
    space, subject = job.space, job.subject
    places = subject.written.places
    text = places.content if isinstance(places, SourceText) else subject.spec.to_yaml()
    given = subject.input
    said: dict[str, Any] = {
        "convcalc": __version__,
        "spec": sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        "preset": subject.preset,
        "set": {name: str(value) for name, value in sorted(subject.parameters.items())},
        "input": None
        if given is None
        else str(given)
        if isinstance(given, Shape)
        else {name: str(shape) for name, shape in sorted(given.items())},
        "vary": [[axis.name, _digest(axis.texts), _worked(axis.worked)] for axis in space.axes],
        "sample": None if space.sample is None else list(space.sample),
        "batch": space.batch,
        "terms": {name: repr(value) for name, value in space.terms._asdict().items()},
        "files": list(files),
        **job.asked,
    }
    return said


def _digest(texts: Sequence[str]) -> str:
    return sha256(json.dumps(list(texts)).encode("utf-8", "surrogatepass")).hexdigest()


def _worked(worked: Any) -> str | None:
    return None if worked is None else str(worked.expression.text())


class State:
    """The file of a sweep."""

    def __init__(self, path: str, job: Job, files: Sequence[str] = ()) -> None:
        self.path = path
        self.settings = settings(job, files)
        self.done: int | None = None
        """How many designs the file keeps as done; None where it is not written yet."""
        self._next = 0.0

    def keep(self, result: SweepReport, lengths: Mapping[str, int], *, now: bool = False) -> None:
        """Write what is known, with how long each output file is; now and then unless `now`.

        Raises `StoppedError` where it cannot be written; what was kept before is still there.
        """
        began = monotonic()
        if not now and began < self._next:
            return
        text = json.dumps(
            {
                "form": FORM,
                "settings": self.settings,
                "lengths": dict(lengths),
                "done": result.done,
                "left": result.left,
                "invalid": [list(each) for each in result.invalid],
                "tried": [np.flatnonzero(each).tolist() for each in result.tried],
                "valid": [np.flatnonzero(each).tolist() for each in result.valid],
                "best": _written(result.best),
                "front": _written(result.front),
            }
        )
        aside = Path(f"{self.path}.part")
        try:
            aside.write_text(text, encoding="utf-8")
            aside.replace(self.path)
        except OSError as error:
            with suppress(OSError):
                aside.unlink()
            message = f"{self.path}: cannot be written: {error.strerror or error}"
            raise StoppedError(message) from None
        self.done = result.done
        took = monotonic() - began
        self._next = began + SHARE * took

    def read(self, job: Job) -> tuple[SweepReport, dict[str, int]]:
        """What is known, and how long each output file is to be.

        Raises `ArgumentError` for what is no state, and for that of another sweep.
        """
        try:
            kept = json.loads(Path(self.path).read_text(encoding="utf-8"))
            if kept["form"] != FORM:
                message = f"{self.path}: of another version of convcalc: begin anew"
                raise ArgumentError(message)
            self._compare(kept["settings"])
            result = SweepReport(
                job=job,
                done=kept["done"],
                left=kept["left"],
                invalid=tuple(Invalid(*each) for each in kept["invalid"]),
                tried=_marked(job, kept["tried"]),
                valid=_marked(job, kept["valid"]),
                best=_read(kept["best"]),
                front=_read(kept["front"]),
            )
            if result.best is not None:
                job.knows(result.best)
            self.done = result.done
            return result, {str(name): int(length) for name, length in kept["lengths"].items()}
        except OSError as error:
            message = f"{self.path}: cannot be read: {error.strerror or error}"
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            if isinstance(error, ArgumentError):
                raise
            message = f"{self.path}: no state of a sweep, as --state FILE writes it"
        raise ArgumentError(message) from None

    def _compare(self, kept: Mapping[str, Any]) -> None:
        """Raise `ArgumentError` where what the result depends on is not the same."""
        mine = json.loads(json.dumps(self.settings))
        other = [name for name in mine if kept.get(name) != mine[name]]
        if other:
            words = ", ".join(NAMES[name] for name in other)
            message = (
                f"{self.path} is of another sweep: {words} {'is' if len(other) == 1 else 'are'} "
                "not as it was; give the same, or begin anew with --state"
            )
            raise ArgumentError(message)


def _written(groups: Groups | None) -> dict[str, Any] | None:
    """Groups as JSON has them."""
    if groups is None:
        return None
    rows = groups.rows
    return {
        "numbers": rows.numbers.tolist(),
        "codes": [code.tolist() for code in rows.codes],
        "columns": {
            name: [column.dtype.str, column.tolist()] for name, column in rows.columns.items()
        },
        "digest": rows.digest.tolist(),
        "count": groups.count.tolist(),
        "least": [each.tolist() for each in groups.least],
        "greatest": [each.tolist() for each in groups.greatest],
    }


def _read(kept: Any) -> Groups | None:
    if kept is None:
        return None
    columns = {}
    for name, (kind, values) in kept["columns"].items():
        if kind not in ("<i8", "<f8", "|b1", "|O"):
            message = "a column of another kind"
            raise ValueError(message)
        columns[name] = np.array(values, np.dtype(kind))
    rows = Rows(
        np.array(kept["numbers"], np.int64),
        tuple(np.array(code, np.int64) for code in kept["codes"]),
        columns,
        np.array(kept["digest"], np.uint64).reshape(-1, 2),
    )
    return Groups(
        rows,
        np.array(kept["count"], np.int64),
        tuple(np.array(each, np.int64) for each in kept["least"]),
        tuple(np.array(each, np.int64) for each in kept["greatest"]),
    )


def _marked(job: Job, kept: Any) -> tuple[Any, ...]:
    marks = []
    for axis, codes in zip(job.space.axes, kept, strict=True):
        marked = np.zeros(len(axis.texts), bool)
        marked[np.array(codes, np.int64)] = True
        marks.append(marked)
    return tuple(marks)
