"""The designs of a sweep as Parquet, one row each, in the order of their numbers.

A file of Parquet ends with a list of its parts, and so cannot grow: designs are put into a stream
of Arrow beside it, of which the file is made in the end.
"""

from collections.abc import Iterator
from typing import Any

from convcalc.diagnostics import ArgumentError
from convcalc.sweeps.job import Encoded, Job

PART = ".part"
"""What is behind the name of the stream."""
GROUP = 131_072
"""Rows that are compressed together, wherever stretches of the sweep ended."""


def header(job: Job) -> bytes:
    """The names and types: the number, the axes, what was worked out, and the network's digest."""
    pa = _arrow()
    first = job.space.codes(0, 1)
    fields = [("design", pa.int64())]
    fields += [(axis.name, _type(pa, job.names.values_of(axis))) for axis in job.space.axes]
    for name in job.shown:
        own = job.names.columns([name], first)
        fields.append((name, _type(pa, own[name]) if name in own else pa.int64()))
    fields.append(("network", pa.string()))
    return bytes(pa.schema(fields).serialize())


def encode(encoded: Encoded) -> bytes:
    """The designs as one batch of the stream."""
    pa = _arrow()
    rows = encoded.rows
    columns = [rows.numbers]
    columns += [values[code] for values, code in zip(encoded.values, rows.codes, strict=True)]
    columns += [rows.columns[name] for name in encoded.names]
    arrays = [pa.array(column, _type(pa, column)) for column in columns]
    digests = [f"{times:016x}{plus:016x}" for times, plus in rows.digest.tolist()]
    arrays.append(pa.array(digests, pa.string()))
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


def _type(pa: Any, column: Any) -> Any:
    """What Arrow calls the values of an array."""
    return {"i": pa.int64(), "f": pa.float64(), "b": pa.bool_()}.get(column.dtype.kind, pa.string())


def _arrow() -> Any:
    """pyarrow; raises `ArgumentError` where it is not installed."""
    try:
        import pyarrow as pa
        import pyarrow.ipc
    except ImportError:
        message = "Parquet takes pyarrow: pip install 'convcalc[sweep]'"
        raise ArgumentError(message) from None
    return pa
