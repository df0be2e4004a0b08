"""What `convcalc.sweep` is: the designs of a space, stretch by stretch, as arrays."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from convcalc.analysis.memory import Checkpoint
from convcalc.analysis.memory.library import run_terms
from convcalc.arguments import by_name, one_of, shown, switch, text, texts, whole
from convcalc.diagnostics import ArgumentError
from convcalc.graph import Given, GivenShape
from convcalc.shape import Shape
from convcalc.spec.nodes import Value
from convcalc.sweeps.digest import hex_of
from convcalc.sweeps.job import Job
from convcalc.sweeps.kept import Rows
from convcalc.sweeps.report import SweepReport, merged, nothing
from convcalc.sweeps.run import Partials, executor
from convcalc.sweeps.space import METHODS, Sample, Space, read_space, sample_of
from convcalc.sweeps.subject import Subject
from convcalc.sweeps.values import typed
from convcalc.sweeps.wording import LIBRARY

MOST_JOBS = 256
"""Most processes."""


class Designs(NamedTuple):
    """Designs of a sweep, in the order of their numbers, as columns."""

    columns: Mapping[str, Any]
    """NumPy arrays by name, a row a design: `design`, its number; the axes; what was worked out,
    whole numbers as int64; and `network`, the digest of its network, as text."""

    @property
    def rows(self) -> int:
        """How many designs there are."""
        return len(self.columns["design"])

    def __repr__(self) -> str:
        """How many designs and which columns there are, in one line."""
        return f"<Designs: {self.rows:,} of {', '.join(self.columns)}>"

    def to_pandas(self) -> Any:
        """The columns as a pandas `DataFrame`: whole numbers as int64, texts as `str`.

        Raises `ImportError` where pandas is not there.
        """
        try:
            import pandas as pd
        except ImportError:
            message = "to_pandas needs pandas: pip install pandas"
            raise ImportError(message) from None
        frame = pd.DataFrame(dict(self.columns))
        # Of no rows pandas cannot see that they would be texts.
        return frame if self.rows else frame.astype(dict.fromkeys(self._texts, "str"))

    def to_arrow(self) -> Any:
        """The columns as an Arrow `Table`: whole numbers as int64, values of several types as text.

        Raises `ImportError` where pyarrow is not there.
        """
        try:
            import pyarrow as pa
        except ImportError:
            message = "to_arrow needs pyarrow: pip install 'convcalc[sweep]'"
            raise ImportError(message) from None
        texts = {*self._texts}
        return pa.table(
            {
                name: pa.array(list(map(typed, column.tolist())), pa.string())
                if name in texts
                else pa.array(column)
                for name, column in self.columns.items()
            }
        )

    @property
    def _texts(self) -> list[str]:
        """Columns of texts, and of values that are not all of one type."""
        return [name for name, column in self.columns.items() if column.dtype.kind == "O"]


class Sweep:
    """A sweep that is asked for: it works designs out as one goes through it.

    What is known so far is `report`; `finish` goes to the end without a look at single designs.
    """

    def __init__(self, job: Job, partials: Partials) -> None:
        self._job = job
        self._partials = partials
        self._report = nothing(job)

    def __repr__(self) -> str:
        """How many designs there are, and how many of them are worked out, in one line."""
        names = ", ".join(axis.name for axis in self._job.space.axes)
        return (
            f"<Sweep {self._job.subject.name!r}: {self._job.space.designs:,} designs of {names}, "
            f"{self._report.done:,} worked out>"
        )

    @property
    def designs(self) -> int:
        """How many designs there are, worked out or not."""
        return self._job.space.designs

    def __iter__(self) -> Iterator[Designs]:
        """The designs that are left, stretch by stretch; each time from the first one on."""
        report = self._report = nothing(self._job)
        partials = self._partials(self._job, 0)
        while not report.whole:
            self._job.with_rows = True  # also behind a `finish` between two stretches
            partial = next(partials)
            report = self._report = merged(report, partial)
            if partial.rows is not None:
                yield Designs(self._columns(partial.rows))

    def finish(self) -> SweepReport:
        """Work out what is not yet, and give what all comes to."""
        self._job.with_rows = False
        for partial in self._partials(self._job, self._report.done):
            self._report = merged(self._report, partial)
        return self._report

    def to_pandas(self) -> Any:
        """All designs that are left as a pandas `DataFrame`; they are worked out for it."""
        return self._all().to_pandas()

    def to_arrow(self) -> Any:
        """All designs that are left as an Arrow `Table`; they are worked out for it."""
        return self._all().to_arrow()

    def _all(self) -> Designs:
        several = [*self]
        if not several:
            return Designs(self._columns(_no_rows(self._job)))
        names = several[0].columns
        return Designs(
            {name: np.concatenate([each.columns[name] for each in several]) for name in names}
        )

    def _columns(self, rows: Rows) -> dict[str, Any]:
        """Arrays by name, in the order in which a file has them."""
        job = self._job
        columns = [rows.numbers]
        for axis, code in zip(job.space.axes, rows.codes, strict=True):
            columns.append(job.names.values_of(axis)[code])
        columns += [rows.columns[name] for name in job.shown]
        columns.append(np.array(hex_of(rows.digest), object))
        return dict(zip(job.column_names, columns, strict=True))

    @property
    def report(self) -> SweepReport:
        """What is known so far: of the designs that were gone through."""
        return self._report


def sweep(
    spec: Given,
    vary: Mapping[str, object] | None = None,
    *,
    where: str | None = None,
    pareto: str | Sequence[str] | None = None,
    sort: str | Sequence[str] | None = None,
    top: int = 20,
    columns: str | Sequence[str] | None = None,
    all_rows: bool = False,
    sample: int | None = None,
    sampling: str = "random",
    seed: int = 0,
    batch: int = 1,
    dtype: str = "float32",
    training: bool = False,
    optimizer: str = "sgd",
    fused: bool = True,
    mixed_precision: bool = False,
    inplace: bool = True,
    overhead: int | str = 0,
    device: str = "cpu",
    checkpoint: Checkpoint | str | None = None,
    jobs: int | None = None,
    client: Any = None,
    input: GivenShape | None = None,  # noqa: A002 (the spec's own word)
    parameters: Mapping[str, Value] | None = None,
) -> Sweep:
    """Work out every design of a space: an iterator over them, and what it comes to.

    `vary` has the values of each axis, as the command line takes them ("0.25..2:0.05") or one by
    one ([0.25, 0.5]); without it they are those of the spec's own `sweep`. `where`, `pareto`,
    `sort` and `columns` are names and conditions as the command line takes them. `jobs` is a number
    of processes; None is one, and one a core where that takes long. With several, a script's own
    code stands below `if __name__ == "__main__"`, as `multiprocessing` wants it. `client` is a Dask
    `Client`, or the address of a scheduler, whose workers do it.

    Raises `ValueError` for what is none of these, before the first design, and `SpecError` (which
    is one) for what has not the form of a spec.
    """
    terms = run_terms(
        dtype=dtype,
        training=training,
        optimizer=optimizer,
        fused=fused,
        mixed_precision=mixed_precision,
        inplace=inplace,
        overhead=overhead,
        device=device,
        checkpoint=checkpoint,
    )
    axes = {} if vary is None else by_name(vary, "vary", "{'width': [16, 32]}")
    subject = Subject(spec, input=input, parameters=parameters)
    pairs = [(name, _values(name, values)) for name, values in axes.items()]
    if vary is None:
        pairs = _of_spec(subject)
    chosen = _sample(sample, sampling, seed)
    batch = whole(batch, "batch")
    space = read_space(subject, pairs, batch=batch, terms=terms, sample=chosen, wording=LIBRARY)
    _refuse_twice(space, batch=batch, dtype=dtype, optimizer=optimizer, checkpoint=checkpoint)
    if where is not None:
        where = text(where, "where", "'parameters < 5M'")
    told = batch != 1 or terms._replace(training=False) != type(terms)()
    job = Job(
        subject,
        space,
        where=where,
        pareto=_names(pareto, "pareto", "'macs,-receptive_field'"),
        sort=_names(sort, "sort", "'macs'"),
        top=whole(top, "top"),
        columns=_names(columns, "columns", "'layers'"),
        all_rows=switch(all_rows, "all_rows"),
        memory=told,
    )
    if jobs is not None and whole(jobs, "jobs") > MOST_JOBS:
        message = f"jobs {jobs:,} are more than {MOST_JOBS}"
        raise ArgumentError(message)
    if client is not None and jobs is not None:
        message = "jobs are processes here, and a client has workers of its own: give one"
        raise ArgumentError(message)
    if client is not None and isinstance(client, str) and not client.strip():
        message = f"client {client!r} is no address of a scheduler, such as tcp://127.0.0.1:8786"
        raise ArgumentError(message)
    if client is not None and not (isinstance(client, str) or hasattr(client, "scheduler_info")):
        message = f"client is Dask's Client, or an address, and this is {shown(client)}"
        raise TypeError(message)
    return Sweep(job, executor(jobs, client))


def _of_spec(subject: Subject) -> list[tuple[str, str | Sequence[str]]]:
    """The axes that the spec asks for; the rest of its `sweep` is the command's."""
    if not subject.swept.vary:
        message = "vary: the spec asks for no sweep, so give values: {'width': [16, 32]}"
        raise ArgumentError(message)
    return [*subject.swept.vary.items()]


def _sample(sample: int | None, sampling: str, seed: int) -> Sample | None:
    sampling = one_of(sampling, "sampling", METHODS)
    seed = whole(seed, "seed", least=0)
    if sample is None:
        if sampling != "random" or seed:
            message = "sampling and seed are about a sample, and none is taken"
            raise ArgumentError(message)
        return None
    return sample_of(whole(sample, "sample"), sampling, seed)


def _refuse_twice(space: Space, **given: object) -> None:
    """Raise `ArgumentError` where what is varied is given, too."""
    usual = {"batch": 1, "dtype": "float32", "optimizer": "sgd", "checkpoint": None}
    for axis in space.axes:
        if axis.kind in given and given[axis.kind] != usual[axis.kind]:
            message = f"{axis.kind} is given and varied: leave one of them out"
            raise ArgumentError(message)


def _names(given: str | Sequence[str] | None, name: str, such: str) -> str | None:
    """Names with commas between them; None for none, and for a list that has none."""
    if given is None or (not isinstance(given, str) and not given):
        return None
    return ",".join(texts(given, name, such))


def _values(name: str, given: object) -> str | Sequence[str]:
    """The values of an axis as the command line has them, or each as one would type it."""
    if isinstance(given, np.generic | np.ndarray):
        given = given.tolist()
    if isinstance(given, str):
        return given
    if isinstance(given, Shape | bool | int | float):
        return [_typed(given, name)]
    if not isinstance(given, Iterable) or isinstance(given, bytes | Mapping):
        message = f"vary: the values of {name} are text or a list of them, and not {shown(given)}"
        raise TypeError(message)
    return [_typed(value, name) for value in given]


def _typed(value: object, name: str) -> str:
    """A value as one would type it."""
    plain = value.tolist() if isinstance(value, np.generic | np.ndarray) else value
    if isinstance(plain, float) and not isfinite(plain):
        message = f"vary: a value of {name} is a finite number, and this is {shown(value)}"
        raise ArgumentError(message)
    if isinstance(plain, bool | str | int | float):
        return typed(plain)
    if isinstance(plain, Shape):
        return str(plain).replace("×", "x")
    if isinstance(plain, tuple | list) and plain and all(type(each) is int for each in plain):
        return "x".join(map(str, plain))
    message = f"vary: a value of {name} is a number, a text or a shape, and not {shown(value)}"
    raise TypeError(message)


def _no_rows(job: Job) -> Rows:
    """No designs, with the columns that designs would have."""
    none = np.zeros(0, np.int64)
    columns = {name: np.zeros(0, job.kinds.get(name, "i8")) for name in job.columns}
    codes = tuple(none for _ in job.space.axes)
    return Rows(none, codes, columns, np.zeros((0, 2), np.uint64))
