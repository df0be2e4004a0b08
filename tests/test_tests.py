"""What the tests themselves must keep to, on every machine and however busy it is."""

import ast
import inspect
import re
from collections.abc import Collection, Iterator, KeysView
from collections.abc import Set as AbstractSet
from pathlib import Path

import pytest
from paths import TESTS
from tabled import tabled
from work import TooMuchWorkError, counted, stepped

FILES = sorted(TESTS.rglob("*.py"))
CLOCKS = {"perf_counter", "perf_counter_ns", "process_time", "process_time_ns", "monotonic"}
CLOCKS |= {"monotonic_ns", "time_ns", "thread_time", "default_timer"}
POSIX = {"fcntl", "grp", "pty", "pwd", "resource", "termios", "tty"}


def parsed(words: Collection[str]) -> Iterator[tuple[Path, ast.Module]]:
    """The files in whose text one of some words stands: no other can name it."""
    named = re.compile(rf"\b({'|'.join(words)})\b")
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        if named.search(text):
            yield path, ast.parse(text)


def test_no_test_reads_a_clock() -> None:
    read = {
        (path.name, name)
        for path, tree in parsed(CLOCKS)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute | ast.Name)
        and (name := node.attr if isinstance(node, ast.Attribute) else node.id) in CLOCKS
    }

    assert not read, "count work instead: tests/work.py"


def test_modules_of_one_platform_are_imported_where_they_are_used() -> None:
    imported = {
        (path.name, name)
        for path, tree in parsed(POSIX)
        for name in imports(tree.body)
        if name in POSIX
    }

    assert not imported, "a module that Windows has not ends all tests of the file there"


def imports(statements: list[ast.stmt]) -> Iterator[str]:
    """The packages that statements import when the module is read."""
    for statement in statements:
        if isinstance(statement, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            yield (statement.module or "").partition(".")[0]


def test_parameters_of_tests_have_an_order(request: pytest.FixtureRequest) -> None:
    """A set's order differs from process to process: pytest-xdist finds other tests in each."""
    unordered = {
        item.location[:2]
        for item in request.session.items
        for mark in item.iter_markers("parametrize")
        for values in (*mark.args[1:2], mark.kwargs.get("argvalues"))
        if isinstance(values, AbstractSet) and not isinstance(values, KeysView)
    }
    assert not unordered, "sort them"


def test_work_is_counted_and_bounded() -> None:
    def calls(times: int) -> None:
        for number in range(times):
            abs(number)

    with counted() as work:
        calls(100)
    assert 101 <= work.calls <= 105

    with pytest.raises(TooMuchWorkError), counted(50):
        calls(100)


def test_steps_of_loops_that_call_nothing_are_counted_and_bounded() -> None:
    def loop(times: int) -> int:
        total = 0
        for number in range(times):
            total += number
        return total

    def straight(number: int) -> int:
        number += 1
        number *= 2
        return number

    def both(times: int) -> None:
        for number in range(times):
            straight(number)

    for function, each in ((loop, 2), (both, 3)):
        for _ in range(2):  # the second time, all that is known of the first is known
            with stepped(10_000) as work:
                function(100)
            assert 100 * each <= work.calls <= 100 * each + 10

    with pytest.raises(TooMuchWorkError), stepped(50):
        loop(10**9)
    loop(100)  # counted by nobody


def test_every_row_of_a_table_is_tried_and_each_that_fails_is_named() -> None:
    tried: list[tuple[int, int]] = []

    @tabled(("number", "square"), [(1, 1), (2, 5), (3, 9), (4, 0), (5, 0)])
    def table(tmp_path: Path, number: int, square: int) -> None:
        tried.append((number, square))
        if number == 5:
            pytest.skip("five")
        assert tmp_path == Path("folder")
        assert number**2 == square

    assert [*inspect.signature(table).parameters] == ["tmp_path"]
    with pytest.raises(AssertionError) as failed:
        table(tmp_path=Path("folder"))
    first, *rows = str(failed.value).split("\n\n")
    assert first == "3 of 5 rows fail:"
    assert [row.split(": ")[0] for row in rows] == ["2, 5", "4, 0", "5, 0"]
    assert tried == [(1, 1), (2, 5), (3, 9), (4, 0), (5, 0)]
    assert isinstance(failed.value.__cause__, AssertionError)

    @tabled("name", ["a", "b"], ids=str.upper)
    def named(name: str) -> None:
        raise ValueError(name)

    with pytest.raises(AssertionError, match="2 of 2 rows fail:\n\nA: ValueError: a\n\nB: Val"):
        named()
    with pytest.raises(AssertionError, match="without rows"):
        tabled("name", [])
