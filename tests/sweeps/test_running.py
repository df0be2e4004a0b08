"""Who works a sweep out, in which pieces, and whether it was interrupted, changes no byte."""

import os
import pickle
import random
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convcalc import export, loads
from convcalc.diagnostics import ArgumentError
from convcalc.formats.sweep import csv, html, json
from convcalc.sweeps import kept
from convcalc.sweeps import report as reports
from convcalc.sweeps import run as running
from convcalc.sweeps.chunk import Chunk, Reason
from convcalc.sweeps.executors import processes, serial
from convcalc.sweeps.job import CHUNK, Job, Partial
from convcalc.sweeps.measures import Measure
from convcalc.sweeps.report import SweepReport, nothing
from convcalc.sweeps.row_file import RowFile
from convcalc.sweeps.run import run
from convcalc.sweeps.space import Sample, Space, read_space
from convcalc.sweeps.state import State
from convcalc.sweeps.subject import Subject

SPEC = """
name: Tiny
input: 8x8x3
parameters:
  width: 4
  stride: 1
  half: 1 if width < 4 else width / 2
  mixed: true if stride > 1 else width
  word: 'same'
layers:
  - conv: {filters: round(width), kernel: 3, stride: stride}
  - relu
  - global_avgpool
"""
AXES = [("width", "0..9.8:0.2"), ("stride", "1,2,5"), ("batch", "1..3")]


def job(
    vary: Any = AXES,
    text: str = SPEC,
    sample: Sample | None = None,
    *,
    worked_out: bool = False,
    **options: Any,
) -> Job:
    subject = Subject(loads(text, path="net.yaml"))
    asked: dict[str, Any] = {"pareto": "macs,-memory", "where": "memory < 4KiB", "top": 7}
    made = Job(subject, read_space(subject, vary, sample=sample), **(asked | options))
    made.encode = {".csv": csv.encode}
    if not worked_out:
        made.evaluator = Stub()
    return made


class Stub:
    """Designs worked out by arithmetic on their codes: neighbours are one network, some none."""

    pieces = ("some",)

    def evaluate(
        self, space: Space, start: int, stop: int, measures: Sequence[Measure], rows: Any = None
    ) -> Chunk:
        codes = space.codes(start, stop, rows)
        numbers = np.arange(start, stop)
        numbers = numbers if rows is None else numbers[rows]
        width, stride, batch = codes[0] // 2, codes[1], codes[2]
        made = {
            "parameters": 100 + width,
            "macs": 1000 * width // (stride + 1),
            "memory": (batch + 1) * (500 + 97 * width % 1000),
        }
        columns = {measure.name: made[measure.name] for measure in measures}
        invalid = (width * 7 + stride * 3) % 11 == 0
        reason = np.where(invalid, stride % 2, -1).astype(np.int32)
        reasons = tuple(
            Reason("CC301", f"net.yaml:{each}", f"{width[where]} does not do", int(numbers[where]))
            for each in range(2)
            for where in [int(np.argmax(reason == each)) if (reason == each).any() else 0]
        )
        digest = np.stack([width + 1, stride], 1).astype(np.uint64)
        return Chunk(numbers, columns, reason, reasons, digest)


def all_of(job: Job, partials: Iterator[Partial]) -> tuple[str, bytes]:
    """What a sweep comes to, as JSON and as rows."""
    known, rows = nothing(job), b""
    for partial in partials:
        known = reports.merged(known, partial)
        rows += partial.written[".csv"]
    return json.render(known), rows


def in_pieces(job: Job, draw: random.Random) -> Iterator[Partial]:
    """The sweep in stretches that end anywhere."""
    start = 0
    while start < job.space.designs:
        stop = min(start + draw.randint(1, 160), job.space.designs)
        yield job.run(start, stop)
        start = stop


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"pareto": None, "where": None},
        {"all_rows": True},
        {"pareto": None, "sort": "macs,-memory"},
        {"pareto": "parameters,macs,-memory,width", "sort": "-macs"},
        {"columns": "half,mixed,word"},
        {"sample": Sample(150, 3)},
        {"sample": Sample(200, 3, "latin")},
    ],
)
def test_any_pieces_give_the_same_bytes(options: Any) -> None:
    whole = all_of(job(**options), serial.partials(job(**options), 0))
    for seed in range(12):
        mine = job(**options)
        assert all_of(mine, in_pieces(mine, random.Random(seed))) == whole  # noqa: S311
    assert whole[1].count(b"\n") > 100
    # A width that is a goal keeps networks apart, as --all-rows does, and a sample may.
    apart = {"all_rows", "sample"} & {*options} or "width" in str(options.get("pareto"))
    assert apart or '"designs": 2' in whole[0]
    assert '"designs": 1' in whole[0]


def test_processes_give_the_same_bytes() -> None:
    mine = job([("width", "1..4"), *AXES[1:]], worked_out=True)

    assert all_of(mine, processes.partials(mine, 0, 2)) == all_of(mine, serial.partials(mine, 0))


def outcome(
    mine: Job, folder: Path, stop: int | None = None, *, again: bool = False
) -> SweepReport:
    """Run, to the end or until `stop` stretches were merged, as a kill would end it."""
    state = State(str(folder / "state"), mine, ["rows.csv"])
    known, lengths = state.read(mine) if again else (nothing(mine), {})
    after = known
    path = str(folder / "rows.csv")
    file = RowFile(path, ".csv", csv, mine, length=lengths.get(path))
    merged = count(1)
    for after in run(mine, by_chunk, files=[file], state=state, known=known):
        state.keep(after, {path: file.length}, now=True)
        if next(merged) == stop:
            with Path(path).open("ab") as other:
                other.write(b"half a li")  # which no state knows of
            break
    return after


def by_chunk(mine: Job, start: int) -> Iterator[Partial]:
    for first in range(start, mine.space.designs, CHUNK):
        yield mine.run(first, min(first + CHUNK, mine.space.designs))


@pytest.mark.parametrize("stop", [1, 2, 3, 4])
def test_a_sweep_that_was_killed_goes_on_to_the_same_bytes(tmp_path: Path, stop: int) -> None:
    (tmp_path / "whole").mkdir()
    whole = outcome(job(), tmp_path / "whole")
    parted = outcome(job(), tmp_path, stop)
    assert parted.done < whole.done
    after = outcome(job(), tmp_path, again=True)

    assert json.render(after) == json.render(whole)
    rows = (tmp_path / "rows.csv").read_bytes()
    assert rows == (tmp_path / "whole" / "rows.csv").read_bytes()


@pytest.mark.parametrize("call", [2, 3, 4])
def test_ctrl_c_between_two_steps_leaves_rows_and_state_of_one_stretch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    """Between rows being written and their designs being counted as done."""
    (tmp_path / "whole").mkdir()
    outcome(job(), tmp_path / "whole")
    lengths, calls = running._lengths, count(1)

    def interrupted(files: Any) -> Any:
        if next(calls) == call:
            raise KeyboardInterrupt
        return lengths(files)

    with monkeypatch.context() as patched:
        patched.setattr(running, "_lengths", interrupted)
        with pytest.raises(KeyboardInterrupt):
            outcome(job(), tmp_path)
    outcome(job(), tmp_path, again=True)

    rows = (tmp_path / "rows.csv").read_bytes()
    assert rows == (tmp_path / "whole" / "rows.csv").read_bytes()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"memory": True}, "what is said of memory .* is not"),
        ({"vary": [("width", "0..6:0.2"), *AXES[1:]]}, "--vary is not"),
        ({"text": SPEC.replace("relu", "sigmoid")}, "what the spec says is not"),
        ({"where": "memory < 5KiB"}, "--where is not"),
        ({"top": 8, "pareto": "macs,memory"}, "--pareto, --top are not"),
        ({"sample": Sample(9)}, "--sample or --seed is not"),
    ],
)
def test_another_sweep_is_not_gone_on_with(tmp_path: Path, options: Any, named: str) -> None:
    outcome(job(), tmp_path, 1)
    with pytest.raises(ArgumentError, match=named):
        outcome(job(**options), tmp_path, again=True)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"form": 1}', '{"form": 0}', "\x00"])
def test_what_is_no_state_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "state").write_text(text)
    with pytest.raises(ArgumentError, match=r"no state of a sweep|another version"):
        outcome(job(), tmp_path, again=True)


def test_rows_that_are_gone_are_not_gone_on_with(tmp_path: Path) -> None:
    outcome(job(), tmp_path, 2)
    (tmp_path / "rows.csv").write_bytes(b"design\n")
    with pytest.raises(ArgumentError, match=r"has 7 bytes, and .* were written before"):
        outcome(job(), tmp_path, again=True)


def test_a_front_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "MOST_ON_FRONT", 3)
    mine = job(where=None)
    with pytest.raises(
        ArgumentError, match="--pareto macs, -memory: more than 3 networks"
    ) as error:
        all_of(mine, serial.partials(mine, 0))
    assert "--where 'macs < 5M'" in str(error.value)


@pytest.mark.thorough
def test_a_process_that_ends_before_its_time_is_said() -> None:
    mine = job(worked_out=True)
    mine.encode = {".csv": _end}
    with pytest.raises(ArgumentError, match="a process of --jobs ended before its time"):
        all_of(mine, processes.partials(mine, 0, 1))


def _end(encoded: Any) -> bytes:
    os._exit(len(encoded.names))


def test_an_axis_is_put_in_order_once_and_not_for_every_stretch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An axis may have 100,000 values, which takes longer than the designs of a stretch."""
    ordered: list[str] = []

    def counted(axis: Any) -> Any:
        ordered.append(axis.name)
        return rank_of(axis)

    rank_of = kept.rank_of
    monkeypatch.setattr(kept, "rank_of", counted)
    mine = job()
    all_of(mine, by_chunk(mine, 0))
    assert ordered == ["width", "stride", "batch"]


def test_columns_of_what_was_left_out_are_not_there() -> None:
    part = job(where="macs < 0").run(0, 30)

    assert (part.left, part.best, part.front, part.written) == (0, None, None, {".csv": b""})
    assert np.count_nonzero(part.tried[0])


def parquet_of(mine: Job, folder: Path, stop: int | None = None, *, again: bool = False) -> Any:
    """The file of a sweep that runs, or goes on, to its end or until some stretches are merged."""
    from convcalc.formats.sweep import parquet

    mine.encode = {".parquet": parquet.encode}
    path = str(folder / "rows.parquet")
    state = State(str(folder / "state"), mine, [path])
    known, lengths = state.read(mine) if again else (nothing(mine), {})
    length = lengths.get(path + parquet.PART)
    file = RowFile(path, ".parquet", parquet, mine, length=length)
    partials = run(mine, by_chunk, files=[file], state=state, known=known)
    for merged, _ in enumerate(partials, 1):
        if merged == stop:
            partials.close()  # type: ignore[attr-defined]  # as Ctrl-C does
            break
    return path


def test_parquet_has_the_rows_of_csv_and_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet", reason="the extra `sweep` is not installed")
    whole = parquet_of(job(), tmp_path)
    rows = all_of(job(), serial.partials(job(), 0))[1].decode().splitlines()
    table = pq.read_table(whole).to_pydict()
    columns = [*table.values()]

    shown = [
        [f"{value:g}" if isinstance(value, float) else str(value) for value in column]
        for column in columns
    ]
    assert [",".join(row) for row in zip(*shown, strict=True)] == rows
    assert not Path(f"{whole}.part").exists()
    mine = tmp_path / "broken"
    mine.mkdir()
    half = parquet_of(job(), mine, stop=2)
    assert 0 < pq.read_table(half).num_rows < len(rows)  # what is done is a file already
    with Path(f"{half}.part").open("ab") as other:
        other.write(b"half a batch")
    assert Path(parquet_of(job(), mine, again=True)).read_bytes() == Path(whole).read_bytes()


def test_parquet_has_columns_of_one_type_as_csv_has_them(tmp_path: Path) -> None:
    """A whole number in one stretch and a fraction in another, truths beside numbers, a word."""
    pq = pytest.importorskip("pyarrow.parquet", reason="the extra `sweep` is not installed")
    options: dict[str, Any] = {"columns": "half,mixed,word"}
    table = pq.read_table(parquet_of(job(**options), tmp_path)).to_pydict()
    rows = all_of(job(**options), serial.partials(job(**options), 0))[1].decode().splitlines()

    half, mixed, word = zip(*(row.split(",")[4:7] for row in rows), strict=True)
    assert [str(value) for value in table["half"]] == [*half]
    assert {"1.0", "2.7"} < {*half}
    assert table["mixed"] == [*mixed]
    assert {"true", "2.2", "3"} < {*mixed}
    assert table["word"] == [*word] == ["same"] * len(rows)


def test_parquet_of_no_designs_has_its_columns(tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet", reason="the extra `sweep` is not installed")
    table = pq.read_table(parquet_of(job(where="macs < 0"), tmp_path))

    assert table.num_rows == 0
    assert table.column_names[0] == "design"
    assert table.column_names[-1] == "network"


def test_where_nothing_is_sorted_by_the_first_networks_are_counted_to_the_end() -> None:
    options: dict[str, Any] = {"pareto": None, "where": None, "top": 3}
    mine = job(**options)
    whole = all_of(mine, iter([mine.run(0, mine.space.designs)]))
    assert mine.firsts is not None
    assert not mine.waits
    for seed in range(12):
        other = job(**options)
        # What was not told of the first networks keeps all others, too.
        pieces = [*in_pieces(job(**options), random.Random(seed))]  # noqa: S311
        assert all_of(other, iter(pieces)) == whole
        again = job(**options)
        assert all_of(again, in_pieces(again, random.Random(seed))) == whole  # noqa: S311
    assert whole[0].count('"designs": 2') > 1


def test_whoever_works_designs_out_writes_them_to_a_folder(tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet", reason="the extra `sweep` is not installed")
    pytest.importorskip("fsspec", reason="the extra `sweep` is not installed")
    from convcalc.formats.sweep import parquet

    whole = pq.read_table(parquet_of(job(), tmp_path))
    url = str(tmp_path / "designs")

    def through(stop: int | None = None, *, again: bool = False) -> None:
        mine = job()
        mine.parts = folder = parquet.Folder(url, mine)
        folder.begin(again=again, force=False)
        state = State(str(tmp_path / "other"), mine, ["--output-dir"])
        known = state.read(mine)[0] if again else nothing(mine)
        partials: Any = run(mine, by_chunk, state=state, known=known)
        for merged, _ in enumerate(partials, 1):
            if merged == stop:
                folder.write(10**6, 10**6 + 5, b"")  # of a task that nobody waits for any more
                partials.close()
                break

    through(2)
    names = sorted(path.name for path in Path(url).iterdir())
    assert names[0] == "designs-0000000000000000000-0000000000000000016.parquet"
    assert not [name for name in names if "1000000" in name]
    with pytest.raises(ArgumentError, match="has designs already: --force takes them away"):
        through()
    through(again=True)
    assert pq.read_table(url).equals(whole)


def test_files_that_others_wrote_since_are_seen_by_who_remembers_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clients of stores remember a folder, and workers write to it beside them."""
    pytest.importorskip("pyarrow", reason="the extra `sweep` is not installed")
    local: Any = pytest.importorskip("fsspec.implementations.local", reason="nor fsspec")
    from convcalc.formats.sweep import parquet

    class Remembering(local.LocalFileSystem):  # type: ignore[misc]  # no types of its own
        known: Any = None

        def ls(self, path: str, detail: bool = False, **options: Any) -> Any:  # noqa: FBT001, FBT002
            if self.known is None:
                self.known = super().ls(path, detail=detail, **options)
            return self.known

        def invalidate_cache(self, path: str | None = None) -> None:
            del path
            self.known = None

    mine = job()
    folder = parquet.Folder(str(tmp_path / "designs"), mine)
    client = Remembering(skip_instance_cache=True)
    monkeypatch.setattr(folder, "_files", lambda: (client, folder.url))
    folder.begin(again=False, force=False)
    for start, stop in ((0, 16), (16, 48), (16, 80)):
        folder.write(start, stop, b"")
    folder.settle(0, [(0, 16), (16, 80)])

    assert len([*(tmp_path / "designs").iterdir()]) == 2


class _Names(HTMLParser):
    """The names of elements, what leads to them, and what would be loaded."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if name == "id":
                self.names.append(str(value))
            elif name == "href":
                self.links.append(str(value))
            elif name == "src" or tag == "link":
                self.loaded.append(f"{tag} {name}")


def test_every_point_of_the_page_leads_to_its_row() -> None:
    mine = job(pareto="macs,-parameters", top=5)
    report = nothing(mine)
    for partial in serial.partials(mine, 0):
        report = reports.merged(report, partial)
    assert report.front is not None
    assert report.best is not None
    page = _Names()
    page.feed(html.render(report))
    kept = {*report.front.rows.numbers.tolist(), *report.best.rows.numbers.tolist()}

    assert {*page.links} == {f"#design-{number}" for number in kept}
    assert len(page.links) == len(kept)
    assert {*page.links} <= {f"#{name}" for name in page.names}
    assert len(page.names) == len({*page.names})
    assert not page.loaded


def test_a_file_from_elsewhere_goes_to_other_processes(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="the extra `onnx` is not installed")
    path = tmp_path / "net.onnx"
    export(loads("input: 8x8x3\nlayers: [conv: {filters: 4, kernel: 3}, relu]"), path)
    subject = Subject(str(path))
    mine = Job(subject, read_space(subject, [("batch", "1..3"), ("input", "8,9")]), pareto=None)
    mine.encode = {".csv": csv.encode}
    sent = pickle.loads(pickle.dumps(mine))  # noqa: S301 (ours)

    assert subject.written.arrays is not None  # which no other process has a use for
    assert all_of(sent, serial.partials(sent, 0)) == all_of(mine, serial.partials(mine, 0))
