"""Weights from files, NPZ, safetensors and JSON, and activations into one; nothing is unpickled."""

import contextlib
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from convcalc.diagnostics import ArgumentError
from convcalc.forward.foreign import FileError, refuse

TYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "<i1",
    "U8": "<u1",
    "BOOL": "|b1",
}
"""Types of safetensors that can be read, as NumPy names them; BF16 is widened."""
MAX_HEADER = 100_000_000
"""Most bytes of a safetensors header, as its authors' reader has it."""
MAX_TEXT = 16 * 2**20
"""Most bytes of a text of numbers; read, they take some ten times as many."""
PACKED = 1000
"""Most bytes that a byte of an NPZ file may unpack to; zeros pack that far, weights do not."""


def read_arrays(path: str) -> dict[str, Any]:
    """The arrays of an NPZ or safetensors file by name, told by its content, or of a `.json` file.

    Raises `FileError` for any other, with the line that converts it where there is one.
    """
    try:
        with Path(path).open("rb") as file:
            start = file.read(16)
            members = _members_of(file) if start.startswith(b"PK") else None
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror or error}"
        raise FileError(message) from None
    refuse(path, start, members)
    suffix = Path(path).suffix.lower()
    if members is not None or suffix == ".npz":
        return _npz(path)
    if suffix == ".json" and b"\0" not in start:  # as the length of a header has
        return _written(path)
    if suffix == ".safetensors" or start[8:9] == b"{":
        return _safetensors(path)
    message = f"{path} is neither NPZ nor safetensors, by what it begins with, nor `.json`"
    raise FileError(message)


def _written(path: str) -> dict[str, Any]:
    """Arrays by name, written as lists in lists."""
    arrays = read_json(path)
    if not isinstance(arrays, dict):
        message = f'{path} must be arrays by name: {{"conv1.weight": [[[[1, 0], [0, 1]]]]}}'
        raise FileError(message)
    return {name: numbers_of(path, each, f"{name[:80]!r}") for name, each in arrays.items()}


def read_bounded(path: str, most: int, instead: str = "") -> bytes:
    """What is in a file of so many bytes at most. Raises `FileError` for any other.

    `instead` ends what is said of a larger one.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror or error}"
        raise FileError(message) from None
    if len(content) > most:
        message = f"{path} has more than {most:,} bytes{instead}"
        raise FileError(message)
    return content


def read_json(path: str) -> Any:
    """What a JSON file says. Raises `FileError` for one that cannot be read."""
    content = read_bounded(path, MAX_TEXT, "; as NPZ or NPY it may be of any size")
    try:
        return json.loads(content.decode("utf-8-sig"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        message = f"{path} is no JSON that can be read: {error}"
        raise FileError(message) from None


def numbers_of(path: str, value: object, what: str) -> Any:
    """Lists in lists of numbers as an array. Raises `FileError` for anything else."""
    try:
        array = np.array(value)
    except (ValueError, OverflowError, RecursionError):
        array = np.array(None)
    if array.dtype.kind not in "fiu" or not array.size:
        message = f"{path}: {what} must be numbers, in lists of equal length: [[1, 0], [0, 1]]"
        raise FileError(message)
    return array


def _members_of(file: BinaryIO) -> list[str] | None:
    """Names in a ZIP archive; None where it is none that can be read."""
    try:
        with zipfile.ZipFile(file) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error, EOFError):
        return None


def _npz(path: str) -> dict[str, Any]:
    try:
        with Path(path).open("rb") as file:
            return _archive(path, file)
    except FileError:
        raise
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror or error}"
        raise FileError(message) from None
    except (
        *(ValueError, KeyError, EOFError, AttributeError, TypeError, SyntaxError),
        *(NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error, struct.error),
    ) as error:
        message = f"{path} is no NPZ file that can be read: {error}"
        raise FileError(message) from None


def _archive(path: str, file: BinaryIO) -> dict[str, Any]:
    if not zipfile.is_zipfile(file):
        message = f"{path} is no NPZ file: it is no ZIP archive"
        raise FileError(message)
    file.seek(0)
    with np.load(file, allow_pickle=False) as archive:
        return _members(path, archive)


def _members(path: str, archive: Any) -> dict[str, Any]:
    # An archive may be far larger than what it is packed into.
    size = sum(member.file_size for member in archive.zip.infolist())
    if size > PACKED * max(Path(path).stat().st_size, 1 << 20):
        message = f"{path} would unpack to {size:,} bytes, over {PACKED:,} × what it takes"
        raise FileError(message)
    return {name: _numbers(path, name, archive[name]) for name in archive.files}


def _numbers(path: str, name: str, array: Any) -> Any:
    if array.dtype.kind not in "fiub":
        message = f"{path}: {name} holds {array.dtype}, and weights are numbers"
        raise FileError(message)
    return array


def _safetensors(path: str) -> dict[str, Any]:
    """Eight bytes that say how long the header is, the header in JSON, then the values.

    Source: https://huggingface.co/docs/safetensors, "Format".
    """
    try:
        size = Path(path).stat().st_size
        with Path(path).open("rb") as file:
            start = file.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
            if not 2 <= length <= min(MAX_HEADER, size - 8):
                message = f"{path}: a header of {length:,} bytes does not fit a file of {size:,}"
                raise FileError(message)
            text = file.read(length)
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise FileError(message) from None
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        message = f"{path}: the header is no JSON: {error}"
        raise FileError(message) from None
    if not isinstance(header, dict):
        message = f"{path}: the header is no JSON object"
        raise FileError(message)
    header.pop("__metadata__", None)
    end = size - 8 - length
    places = {name: _place(path, name, entry, end) for name, entry in header.items()}
    spans = sorted(place[2:] for place in places.values() if place[3] > place[2])
    for (_, last), (first, _) in pairwise(spans):
        if first < last:
            message = f"{path}: arrays overlap at byte {first:,} of the values"
            raise FileError(message)
    if not end:
        return {name: np.zeros(shape, kind) for name, (kind, shape, _, _) in places.items()}
    data = np.memmap(path, np.uint8, "r", 8 + length)
    arrays = {}
    for name, (kind, shape, first, last) in places.items():
        array: Any = data[first:last].view(kind)
        if header[name]["dtype"] == "BF16":
            array = (array.astype(np.uint32) << 16).view(np.float32)
        arrays[name] = array.reshape(shape)
    return arrays


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        message = "a name stands twice"
        raise ArgumentError(message)
    return values


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _place(path: str, name: str, entry: Any, end: int) -> tuple[str, tuple[int, ...], int, int]:
    """Type, shape, first byte and end of an array, once they are sure to be inside the file."""
    message = ""
    if not isinstance(entry, dict):
        message = "is no JSON object"
    else:
        kind, shape, offsets = (entry.get(key) for key in ("dtype", "shape", "data_offsets"))
        if not isinstance(kind, str) or kind not in TYPES:
            message = f"has the type {str(kind)[:20]!r}, and known are {', '.join(TYPES)}"
        elif not isinstance(shape, list) or not all(map(_whole, shape)) or len(shape) > 32:
            message = "has no shape of whole numbers"
        elif not isinstance(offsets, list) or len(offsets) != 2 or not all(map(_whole, offsets)):
            message = "has no two data_offsets"
        else:
            first, last = offsets
            needed = prod(shape) * np.dtype(TYPES[kind]).itemsize
            if not first <= last <= end:
                message = f"lies at bytes {first:,} to {last:,} of {end:,}"
            elif last - first != needed:
                message = f"has {last - first:,} bytes, and its shape needs {needed:,}"
            else:
                return TYPES[kind], tuple(shape), first, last
    message = f"{path}: {name[:80]!r} {message}"
    raise FileError(message)


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write that appears under its name once it is complete, and not otherwise.

    Whatever is raised on the way removes what is unfinished. A signal that ends the process raises
    nothing; who owns the process may let it (`cli/verify.py` does). A device or a pipe of this
    name is written to, and a link is followed.
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with unfinished.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            unfinished.unlink()


def save_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write arrays by name into an NPZ file, all of them or none."""
    # numpy.savez takes names as keywords, and a layer may be called `file`.
    with whole_file(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)
