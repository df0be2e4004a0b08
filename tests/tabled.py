"""Tables that one test goes through: starting a test of pytest's takes longer than a short row."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

Test = Callable[..., None]


def label(value: object) -> str:
    """How a value is shown in the name of a row that has no other, cut where it is long."""
    shown = repr(value)
    return shown if len(shown) < 80 else f"{shown[:76]}…"


def _failure(test: Test, given: dict[str, Any]) -> BaseException | None:
    try:
        test(**given)
    except (Exception, pytest.skip.Exception) as error:  # noqa: BLE001 (it is told with its row)
        return error
    return None


def tabled(
    names: str | Sequence[str],
    rows: Iterable[Any],
    ids: Iterable[str] | Callable[[Any], object] = label,
) -> Callable[[Test], Test]:
    """Try a test on all rows in one go, and name every row that fails; written as `parametrize` is.

    For rows of the same assertion that take some milliseconds at most and leave nothing behind:
    fixtures are made once for all rows. A row that skips fails: what others find would be silent.
    """
    fields = [names] if isinstance(names, str) else [*names]
    table = [(row,) if isinstance(names, str) else tuple(row) for row in rows]
    assert table, "a table without rows tests nothing"
    assert all(len(row) == len(fields) for row in table)
    called = (
        [", ".join(str(ids(each)) for each in row) for row in table] if callable(ids) else [*ids]
    )
    assert len(called) == len(table)

    def on_all(test: Test) -> Test:
        def of_table(**fixtures: Any) -> None:
            failed = [
                (name, error)
                for name, row in zip(called, table, strict=True)
                if (error := _failure(test, {**fixtures, **dict(zip(fields, row, strict=True))}))
            ]
            if failed:
                lines = [f"{name}: {type(error).__name__}: {error}" for name, error in failed]
                counted = f"{len(failed)} of {len(table)} rows fail:"
                raise AssertionError("\n\n".join([counted, *lines])) from failed[0][1]

        signature = inspect.signature(test)
        assert set(fields) <= signature.parameters.keys()
        kept = [each for name, each in signature.parameters.items() if name not in fields]
        of_table.__name__, of_table.__qualname__ = test.__name__, test.__qualname__
        of_table.__module__, of_table.__doc__ = test.__module__, test.__doc__
        of_table.__dict__.update(test.__dict__)  # marks
        of_table.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
        return of_table

    return on_all
