"""A file with a row a design, which grows as they come and can be gone on with."""

from pathlib import Path
from typing import BinaryIO, Protocol

from convcalc.diagnostics import ArgumentError
from convcalc.sweeps.job import Encoded, Job


class Writer(Protocol):
    """Who writes designs, a row each; a module of the formats."""

    PART: str
    """What is put behind the name of a file while it grows; empty where it can grow as it is."""

    def header(self, job: Job) -> bytes:
        """What stands in front of the first design."""
        ...

    def encode(self, encoded: Encoded) -> bytes:
        """Designs, to be put behind those that are there."""
        ...

    def finish(self, part: str, path: str) -> None:
        """Make the file of what has grown; raises `OSError`."""
        ...


class RowFile:
    """A file of the designs that are left, which grows as they come."""

    def __init__(
        self, path: str, ending: str, writer: Writer, job: Job, *, length: int | None = None
    ) -> None:
        """Open it, new or, where `length` says how much of it holds, cut off there.

        Raises `ArgumentError` where that cannot be.
        """
        self.made = path
        self.path = path + writer.PART
        self.ending = ending
        self.writer = writer
        try:
            if length is None:
                self.file: BinaryIO = Path(self.path).open("wb")  # noqa: SIM115 (see `close`)
                self.write(writer.header(job))
                return
            there = Path(self.path).stat().st_size
            if there < length:
                message = f"{self.path}: has {there:,} bytes, and {length:,} were written before"
                raise ArgumentError(message)
            self.file = Path(self.path).open("r+b")  # noqa: SIM115
            self.file.truncate(length)
            self.file.seek(length)
        except OSError as error:
            message = f"{self.path}: cannot be written: {error.strerror or error}"
            raise ArgumentError(message) from None

    def write(self, data: bytes) -> None:
        """Put designs behind those that are there; raises `ArgumentError`."""
        try:
            self.file.write(data)
            self.file.flush()
        except OSError as error:
            message = f"{self.path}: cannot be written: {error.strerror or error}"
            raise ArgumentError(message) from None

    @property
    def length(self) -> int:
        """How many bytes were written, those of before among them."""
        return self.file.tell()

    def close(self, length: int, *, again: bool) -> None:
        """Cut it off where what holds ends, and close it.

        `again` is whether it may be gone on with. Raises `ArgumentError`.
        """
        self.file.truncate(length)
        self.file.close()
        if self.path == self.made:
            return
        try:
            self.writer.finish(self.path, self.made)
            if not again:
                Path(self.path).unlink()
        except OSError as error:
            message = f"{self.made}: cannot be written: {error.strerror or error}"
            raise ArgumentError(message) from None
