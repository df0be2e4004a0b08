"""The designs of a sweep as Parquet, one row each, in the order of their numbers.

A file of Parquet ends with a list of its parts, and so cannot grow: designs are put into a stream
of Arrow beside it, of which the file is made in the end.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from secrets import token_hex
from typing import Any

from convcalc.diagnostics import ArgumentError
from convcalc.sweeps.digest import hex_of
from convcalc.sweeps.job import Encoded, Job, StoppedError
from convcalc.sweeps.values import typed

PART = ".part"
"""What is behind the name of the stream."""
GROUP = 131_072
"""Rows that are compressed together, wherever stretches of the sweep ended."""

_NAME = re.compile(r"designs-(\d{19})-(\d{19})\.parquet$")


def header(job: Job) -> bytes:
    """The names and types: the number, the axes, what was worked out, and the network's digest."""
    pa = _arrow()
    kinds = ["i", *(job.names.values_of(axis).dtype.kind for axis in job.space.axes)]
    kinds += [*(job.kinds.get(name, "i") for name in job.shown), "O"]
    types = [_type(pa, kind) for kind in kinds]
    fields = list(zip(job.column_names, types, strict=True))
    return bytes(pa.schema(fields).serialize())


def encode(encoded: Encoded) -> bytes:
    """The designs as one batch of the stream."""
    pa = _arrow()
    rows = encoded.rows
    columns = [rows.numbers]
    columns += [values[code] for values, code in zip(encoded.values, rows.codes, strict=True)]
    columns += [rows.columns[name] for name in encoded.names]
    arrays = [_array(pa, column) for column in columns]
    arrays.append(pa.array(hex_of(rows.digest), pa.string()))
    names = [*map(str, range(len(arrays)))]  # the stream's own stand in its header
    return bytes(pa.RecordBatch.from_arrays(arrays, names).serialize())


def finish(part: str, path: str) -> None:
    """Make the file of the stream, some rows at a time."""
    pa = _arrow()
    import pyarrow.parquet as pq

    with (
        pa.OSFile(part, "rb") as source,
        pa.ipc.open_stream(source) as stream,
        pq.ParquetWriter(path, stream.schema) as writer,
    ):
        for table in _groups(pa, stream):
            writer.write_table(table, row_group_size=GROUP)


class Folder:
    """A folder of files of Parquet, one a stretch of designs, which readers take as one table.

    It is a path, or a URL such as s3://bucket/designs where fsspec and what it takes are installed.
    """

    def __init__(self, url: str, job: Job) -> None:
        self.url = url.rstrip("/")
        self.header = header(job)

    def encode(self, encoded: Encoded) -> bytes:
        """The designs as one batch of a stream."""
        return encode(encoded)

    def begin(self, *, again: bool, force: bool) -> None:
        """Make the folder; raises `ArgumentError` where other designs are in it already."""
        with self._said():
            files, path = self._files()
            files.makedirs(path, exist_ok=True)
            there = [name for name in _listed(files, path) if _stretch(name)]
            if there and not (again or force):
                message = f"{self.url}: has designs already: --force takes them away"
                raise ArgumentError(message)
            if not again:
                for name in there:
                    files.rm(name)

    def go_on(self, done: int) -> None:
        """Raise `ArgumentError` where designs of before, up to `done`, are not there.

        Of stretches that left nothing there are no files, but for the first one.
        """
        with self._said():
            files, path = self._files()
            there = map(_stretch, _listed(files, path))
            if done and not any(stretch and not stretch[0] for stretch in there):
                message = f"{self.url}: the {done:,} designs of before are not there: begin anew"
                raise ArgumentError(message)

    def write(self, start: int, stop: int, rows: bytes) -> None:
        """Write the file of a stretch, under another name until it is whole."""
        pa = _arrow()
        import pyarrow.parquet as pq

        made = pa.BufferOutputStream()
        with pa.ipc.open_stream(self.header + rows) as stream:
            pq.write_table(pa.Table.from_batches([*stream], stream.schema), made)
        with self._said():
            files, path = self._files()
            name = f"{path}/designs-{start:019d}-{stop:019d}.parquet"
            aside = f"{path}/.{start}-{stop}-{token_hex(4)}.part"
            with files.open(aside, "wb") as opened:
                opened.write(made.getvalue())
            files.mv(aside, name)

    def settle(self, since: int, stretches: Sequence[tuple[int, int]]) -> None:
        """Take away files of designs from `since` on that are of none of these stretches."""
        merged = set(stretches)
        with self._said():
            files, path = self._files()
            for name in _listed(files, path):
                stretch = _stretch(name)
                if stretch and stretch[0] >= since and stretch not in merged:
                    files.rm(name)

    def _files(self) -> tuple[Any, str]:
        """Who reads and writes there, and the path as they call it."""
        try:
            import fsspec
        except ImportError:
            message = "a folder of designs takes fsspec: pip install 'convcalc[sweep]'"
            raise ArgumentError(message) from None
        files, path = fsspec.core.url_to_fs(self.url)
        return files, str(path)

    @contextmanager
    def _said(self) -> Iterator[None]:
        """Whatever keeps a folder from being written to is said in one line."""
        try:
            yield
        except ArgumentError:
            raise
        except Exception as error:  # noqa: BLE001 (whatever stores and their clients raise)
            said = getattr(error, "strerror", None) or " ".join(str(error).split())
            said = said or type(error).__name__
            message = f"{self.url}: cannot be written: {said[:300]}"
            raise StoppedError(message) from None


def _listed(files: Any, path: str) -> Sequence[str]:
    """The files of a folder that are there now: clients of stores remember what was there."""
    files.invalidate_cache(path)
    names: Sequence[str] = files.ls(path, detail=False)
    return names


def _stretch(name: str) -> tuple[int, int] | None:
    """The designs of a file by its name; None for another file."""
    match = _NAME.search(name)
    return (int(match[1]), int(match[2])) if match else None


def _groups(pa: Any, stream: Any) -> Iterator[Any]:
    """The rows of a stream, `GROUP` at a time."""
    waiting: list[Any] = []
    count = 0
    for batch in stream:
        waiting.append(batch)
        count += batch.num_rows
        while count >= GROUP:
            table = pa.Table.from_batches(waiting)
            yield table.slice(0, GROUP)
            rest = table.slice(GROUP)
            waiting, count = rest.to_batches(), rest.num_rows
    if count:
        yield pa.Table.from_batches(waiting)


def _array(pa: Any, column: Any) -> Any:
    """A column as Arrow has it; values that are not all of one type are text."""
    kind = column.dtype.kind
    values = list(map(typed, column.tolist())) if kind == "O" else column
    return pa.array(values, _type(pa, kind))


def _type(pa: Any, kind: str) -> Any:
    """What Arrow calls the values of an array of this kind, as NumPy has kinds."""
    return {"i": pa.int64(), "f": pa.float64(), "b": pa.bool_()}.get(kind, pa.string())


def _arrow() -> Any:
    """pyarrow; raises `ArgumentError` where it is not installed."""
    try:
        import pyarrow as pa
        import pyarrow.ipc
    except ImportError:
        message = "Parquet takes pyarrow: pip install 'convcalc[sweep]'"
        raise ArgumentError(message) from None
    return pa
