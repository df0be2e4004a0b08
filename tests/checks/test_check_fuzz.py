"""Whatever the bytes: no traceback, hang or growing memory; `python -m benchmarks fuzz` is more."""

import sys
from pathlib import Path

import pytest
from draws import Draw, examples
from work import counted

from convcalc.checks.run import Task, check_file
from convcalc.spec.bundled import bundled_folder

SPECS = [path.read_bytes()[:6000] for path in sorted(Path(bundled_folder()).glob("*.yaml"))]
PIECES = [
    *(b"[", b"{", b"}", b"]", b": ", b"\n- ", b"#", b"'", b"|\n", b"&a ", b"*a", b"!x "),
    *(b"<<: ", b"\t", b"\0", b"\xff", b"---\n", b"-1", b"0", b"9" * 20, b"1e308", b"1/0"),
    *(b"2**999", b"(" * 200, b"[" * 200, b"x" * 300, b"same", b"3x3", b"repeat: 99999"),
    *(b"# convcalc: ignore[", b"expect: {", b"budget: {memory: ", b"presets: {a: "),
]
EXAMPLES = 100


def edited(draw: Draw) -> bytes:
    """A bundled spec with a piece put in place of some bytes, up to five times."""
    spec = draw.choice(SPECS)
    for _ in range(draw.randint(1, 5)):
        at, length = draw.randint(0, len(spec)), draw.choice([0, 1, draw.randint(0, 200)])
        piece = draw.choice(PIECES) if draw.flag() else draw.randbytes(draw.randint(0, 6))
        spec = spec[:at] + piece * draw.randint(1, 3) + spec[at + length :]
    return spec


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


@examples(EXAMPLES, data=lambda draw: draw.randbytes(draw.choice([3, 30, 300])))
def test_any_bytes(tmp_path: Path, data: bytes) -> None:
    survives(tmp_path, data)


@examples(EXAMPLES, text=lambda draw: draw.text("ab:-[]{}#&*!|>'\"%@`, \n\t0x", 200))
def test_anything_that_looks_like_yaml(tmp_path: Path, text: str) -> None:
    survives(tmp_path, b"input: 8x8x3\nlayers:\n" + text.encode())


@pytest.mark.thorough
@examples(EXAMPLES, spec=edited)
def test_real_specs_with_pieces_changed(tmp_path: Path, spec: bytes) -> None:
    survives(tmp_path, spec)
