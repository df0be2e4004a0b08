"""What keeps `convcalc sweep` from writing: what is left behind, and how to go on."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tabled import tabled

from convcalc.cli import convcalc

SPEC = "input: 32x32x3\nparameters: {n: 4}\nlayers: [conv: {filters: n, kernel: 3}, relu]\n"
AXES = ("--vary", "n=1..400", "--jobs", "1")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(SPEC, encoding="utf-8")
    return tmp_path


@contextmanager
def limited(size: int) -> Iterator[None]:
    """No file grows beyond so many bytes, as on a disk that is full."""
    import resource  # which Windows has not

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(convcalc, ["sweep", "net.yaml", *AXES, *arguments])


@tabled(
    ("size", "options", "said", "left"),
    [
        (
            9000,
            "-o r.csv --state s",
            "r.csv: cannot be written: File too large; the same command with --resume s goes on",
            "r.csv s",
        ),
        (
            9000,
            "-o r.csv",
            "designs were done: with --state FILE a sweep can be gone on with",
            "r.csv",
        ),
        (1500, "--state s", "s: cannot be written: File too large; the same command with", "s"),
        (100, "--state s", "s: cannot be written: File too large", ""),
        (3000, "-o r.json", "r.json: cannot be written: File too large", ""),
        (
            15_000,
            "-o r.json --top 100 --state s",
            "r.json: cannot be written: File too large; the same command with --resume s goes on",
            "s",
        ),
    ],
)
def test_what_cannot_be_written_leaves_no_half_file_and_says_how_to_go_on(
    size: int, options: str, said: str, left: str
) -> None:
    with limited(size):
        result = run(*options.split())

    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert sorted(path.name for path in Path().iterdir()) == sorted(["net.yaml", *left.split()])
    resumed = "--resume s" in said or "the same command with" in said
    assert resumed == ("s" in left.split())
    if resumed:
        on = run(*options.replace("--state", "--resume").split())
        whole = run(*([] if "--top" not in options else ["--top", "100"]))

        assert on.exit_code == 0, on.output
        assert on.stdout == whole.stdout
    elif left:
        rows = Path("r.csv").read_text(encoding="utf-8").splitlines()
        assert f"; {len(rows) - 1} designs were done" in result.stderr
        assert rows[-1].count(",") == rows[0].count(",")  # none is cut
    for path in Path().iterdir():
        if path.name != "net.yaml":
            path.unlink()


@pytest.mark.parametrize(  # no row of a table skips
    ("size", "state", "left", "said"),
    [
        (9000, False, ["r.parquet"], "r.parquet.part: cannot be written: File too large"),
        (9000, True, ["r.parquet", "r.parquet.part", "s"], "goes on after"),
    ],
)
def test_rows_of_parquet_that_cannot_grow_are_made_a_file_as_far_as_they_go(
    size: int, left: list[str], said: str, *, state: bool
) -> None:
    pq = pytest.importorskip("pyarrow.parquet", reason="the extra `sweep` is not installed")
    with limited(size):
        result = run("-o", "r.parquet", *(("--state", "s") if state else ()))

    assert result.exit_code == 2
    assert said in result.stderr
    assert sorted(path.name for path in Path().iterdir()) == ["net.yaml", *left]
    assert 0 < pq.read_table("r.parquet").num_rows < 400
    for name in left:
        Path(name).unlink()


@pytest.mark.parametrize("state", [False, True])
def test_a_file_of_parquet_that_cannot_be_made_is_no_half_file(
    monkeypatch: pytest.MonkeyPatch, *, state: bool
) -> None:
    pq = pytest.importorskip("pyarrow.parquet", reason="the extra `sweep` is not installed")
    ipc = pytest.importorskip("pyarrow.ipc", reason="the extra `sweep` is not installed")
    from convcalc.formats.sweep import parquet

    def full(part: str, path: str) -> None:
        Path(path).write_bytes(b"PAR1")
        raise OSError(28, "No space left on device")

    options = ("-o", "r.parquet")
    with monkeypatch.context() as patch:
        patch.setattr(parquet, "finish", full)
        result = run(*options, *(("--state", "s") if state else ()))
    assert result.exit_code == 2
    assert "r.parquet: cannot be written: No space left on device; " in result.stderr
    assert not Path("r.parquet").exists()
    with ipc.open_stream(Path("r.parquet.part").read_bytes()) as stream:
        assert stream.read_all().num_rows == 400
    if state:
        assert "with --resume s goes on after 400 designs" in result.stderr
        assert run(*options, "--resume", "s").exit_code == 0
        assert pq.read_table("r.parquet").num_rows == 400
        assert not Path("r.parquet.part").exists()
    else:
        assert "the designs stand in r.parquet.part, a stream of Arrow" in result.stderr


@pytest.mark.parametrize("ended", ["r.parquet", "r.json", ""])
def test_what_ended_while_its_files_were_written_goes_on(
    monkeypatch: pytest.MonkeyPatch, ended: str
) -> None:
    """Killed while that file was made, or not at all; nothing is worked out again."""
    pytest.importorskip("pyarrow.parquet", reason="the extra `sweep` is not installed")
    from convcalc.cli import sweep
    from convcalc.formats.sweep import parquet

    class KilledError(BaseException):
        """Which nothing comes after."""

    def killed(*given: object) -> None:
        del given
        raise KilledError

    files = ("-o", "r.parquet", "-o", "r.json")
    whole = run(*files)
    wanted = {path: path.read_bytes() for path in map(Path, files[1::2])}
    for path in wanted:
        path.unlink()
    with monkeypatch.context() as patch:
        if ended == "r.parquet":
            patch.setattr(parquet, "finish", killed)
        elif ended:
            patch.setattr(sweep, "write_file", killed)
        with pytest.raises(KilledError) if ended else nullcontext():
            run(*files, "--state", "s")
    on = run(*files, "--resume", "s")

    assert on.exit_code == 0, on.output
    assert on.stdout == whole.stdout
    assert {path: path.read_bytes() for path in wanted} == wanted
    Path("r.parquet").unlink()
    lost = run(*files, "--resume", "s")
    assert lost.exit_code == 2
    assert "r.parquet.part: is not there any more, so begin anew with --state" in lost.stderr


def test_a_pipe_is_written_to_as_a_file() -> None:
    import os
    import threading

    os.mkfifo("rows.csv")
    seen: list[str] = []
    reader = threading.Thread(target=lambda: seen.append(Path("rows.csv").read_text()))
    reader.start()
    result = run("-o", "rows.csv", "--force")
    reader.join()

    assert result.exit_code == 0, result.output
    assert seen[0] == run("-f", "csv").stdout
