"""A file with a row a design, which grows as they come and can be gone on with."""

from contextlib import suppress
from io import RawIOBase
from pathlib import Path
from typing import Protocol

from convcalc.diagnostics import ArgumentError
from convcalc.sweeps.job import Encoded, Job, StoppedError


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
        self,
        path: str,
        ending: str,
        writer: Writer,
        job: Job,
        *,
        length: int | None = None,
        whole: bool = False,
    ) -> None:
        """Open it, new or, where `length` says how much of it holds, cut off there.

        Of a sweep that is `whole` a file that was made of what had grown stays as it is. Raises
        `ArgumentError` where it cannot be opened.
        """
        self.made = path
        self.path = path + writer.PART
        self.ending = ending
        self.writer = writer
        self.length = 0
        """How many bytes were written, those of before among them."""
        try:
            if length is None:
                self.file: RawIOBase | None = Path(self.path).open("wb", buffering=0)  # noqa: SIM115 (see `close`)
                self.write(writer.header(job))
                return
            if whole and not Path(self.path).exists() and Path(self.made).exists():
                self.file = None
                self.length = length
                return
            if not Path(self.path).exists():
                message = f"{self.path}: is not there any more, so begin anew with --state"
                raise ArgumentError(message)
            there = Path(self.path).stat().st_size
            if there < length:
                message = f"{self.path}: has {there:,} bytes, and {length:,} were written before"
                raise ArgumentError(message)
            self.file = Path(self.path).open("r+b", buffering=0)  # noqa: SIM115
            self.file.truncate(length)
            self.file.seek(length)
            self.length = length
        except OSError as error:
            raise _unwritten(self.path, error) from None

    def write(self, data: bytes) -> None:
        """Put designs behind those that are there; raises `StoppedError`."""
        if self.file is None:
            return
        left = memoryview(data)
        try:
            while left:
                count = self.file.write(left) or 0
                self.length += count
                left = left[count:]
        except OSError as error:
            raise _unwritten(self.path, error) from None

    def close(self, length: int, *, again: bool, keep: bool) -> None:
        """Cut it off where what holds ends, close it, and make the file of what has grown.

        `again` is whether it may be gone on with, and what grows is kept for that. Where the file
        cannot be made, it is kept if `keep` says so. Raises `StoppedError`.
        """
        if self.file is None:
            return
        try:
            if self.file.seekable():
                self.file.truncate(length)
        except OSError as error:
            raise _unwritten(self.path, error) from None
        finally:
            self.file.close()
        if self.path == self.made:
            return
        part = Path(self.path)
        try:
            self.writer.finish(self.path, self.made)
            if not again:
                part.unlink()
        except OSError as error:
            with suppress(OSError):
                Path(self.made).unlink()  # which has no end
                if not keep:
                    part.unlink()
            stand = (
                f"; the designs stand in {part}, a stream of Arrow" if keep and not again else ""
            )
            raise _unwritten(self.made, error, stand) from None


def _unwritten(path: str, error: OSError, more: str = "") -> StoppedError:
    return StoppedError(f"{path}: cannot be written: {error.strerror or error}{more}")
