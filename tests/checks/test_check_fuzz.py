"""Whatever the bytes: no traceback, hang or growing memory; `python -m benchmarks fuzz` is more."""

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from work import counted

from convcalc.checks.run import Task, check_file
from convcalc.spec.bundled import bundled_folder

SPECS = [path.read_bytes()[:6000] for path in sorted(Path(bundled_folder()).glob("*.yaml"))]
PIECES = st.one_of(
    st.binary(max_size=6),
    st.sampled_from(
        [
            *(b"[", b"{", b"}", b"]", b": ", b"\n- ", b"#", b"'", b"|\n", b"&a ", b"*a", b"!x "),
            *(b"<<: ", b"\t", b"\0", b"\xff", b"---\n", b"-1", b"0", b"9" * 20, b"1e308", b"1/0"),
            *(b"2**999", b"(" * 200, b"[" * 200, b"x" * 300, b"same", b"3x3", b"repeat: 99999"),
            *(b"# convcalc: ignore[", b"expect: {", b"budget: {memory: ", b"presets: {a: "),
        ]
    ),
)
EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 200), PIECES, st.integers(1, 3)),
    min_size=1,
    max_size=5,
)
LIMITS = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def survives(folder: Path, data: bytes) -> None:
    path = folder / "fuzz.yaml"
    path.write_bytes(data)
    with counted(5_000_000):
        checked = check_file(str(path), Task())
    assert not [item.message for item in checked.diagnostics if item.code == "CC100"]
    for item in checked.diagnostics:
        assert item.span is not None
        assert item.span.line >= 1
        assert item.span.column >= 1
        assert item.span[2:] > item.span[:2]
        assert len(item.message) < 2_000


@pytest.fixture(autouse=True)
def bounded() -> object:
    try:
        import resource
    except ImportError:  # not a POSIX system
        yield
        return
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 300 * (1024 if sys.platform == "linux" else 1024**2)


@LIMITS
@given(data=st.binary(max_size=300))
def test_any_bytes(tmp_path: Path, data: bytes) -> None:
    survives(tmp_path, data)


@LIMITS
@given(text=st.text("ab:-[]{}#&*!|>'\"%@`, \n\t0x", max_size=200))
def test_anything_that_looks_like_yaml(tmp_path: Path, text: str) -> None:
    survives(tmp_path, b"input: 8x8x3\nlayers:\n" + text.encode())


@LIMITS
@given(spec=st.sampled_from(SPECS), edits=EDITS)
def test_real_specs_with_pieces_changed(
    tmp_path: Path, spec: bytes, edits: list[tuple[float, int, bytes, int]]
) -> None:
    for place, length, piece, times in edits:
        at = int(place * len(spec))
        spec = spec[:at] + piece * times + spec[at + length :]
    survives(tmp_path, spec)
