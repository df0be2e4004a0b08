"""The garbage collector out of the way while large values without cycles are built.

Specs, plans and reports are trees of tuples, hundreds of thousands of them for a large network. The
cyclic collector looks through them all again and again and finds nothing, at the cost of
much of the time (`python -m benchmarks scale`).
"""

import gc
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def without_collection(function: Callable[P, R]) -> Callable[P, R]:
    """Pause the cyclic garbage collector, if it is on, while `function` runs."""

    @wraps(function)
    def paused(*args: P.args, **kwargs: P.kwargs) -> R:
        if not gc.isenabled():
            return function(*args, **kwargs)
        gc.disable()
        try:
            return function(*args, **kwargs)
        finally:
            gc.enable()

    return paused
