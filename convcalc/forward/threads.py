"""Cores that there are, and how many of them the BLAS uses."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

import numpy as np  # noqa: F401 (brings the BLAS, which must be there before it is looked for)
from threadpoolctl import ThreadpoolController

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_THREADS = 1024
"""Most threads that are asked for."""


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def blas() -> Sequence[Any]:
    """The BLAS that NumPy brings: OpenBLAS, MKL, BLIS; none with another, which stays as it is."""
    found: Sequence[Any] = ThreadpoolController().select(user_api="blas").lib_controllers
    return found


@contextmanager
def blas_threads(count: int) -> Iterator[None]:
    """Let the BLAS use so many threads per call."""
    before = [library.num_threads for library in blas()]  # their `limit` looks for them anew
    try:
        for library in blas():
            library.set_num_threads(count)
        yield
    finally:
        for library, own in zip(blas(), before, strict=True):
            library.set_num_threads(own)


def hold_blas() -> None:
    """Let the BLAS use one thread per call of this thread.

    One that is built on OpenMP has a number for each thread that calls it.
    """
    for library in blas():
        library.set_num_threads(1)


def on_threads(
    function: Callable[[Item], Result], items: Sequence[Item], threads: int
) -> list[Result]:
    """What a function gives for each item, on so many threads with one BLAS thread each.

    Where one thread has it all to do, that is the caller's: starting another takes longer than
    what a small network asks for.
    """
    with blas_threads(1):
        if min(threads, len(items)) <= 1:
            return [function(item) for item in items]
        with ThreadPoolExecutor(threads, initializer=hold_blas) as pool:
            return list(pool.map(function, items))
