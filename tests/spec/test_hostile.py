"""Whatever the bytes: a clear error, exit 2, soon, in bounded memory."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from bounded import MEMORY, SECONDS, Done, Run, processes
from tabled import tabled
from work import counted

Refused = Callable[..., str]


@pytest.fixture(scope="module")
def silence(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Future[Done]]:
    """What is said of a pipe that nobody writes to, waited for while other tests run."""
    pytest.importorskip("resource")
    path = tmp_path_factory.mktemp("silent") / "pipe.yaml"
    os.mkfifo(path)
    with ThreadPoolExecutor(1) as waiting:
        yield waiting.submit(started, "analyze", str(path))


@pytest.fixture(scope="module")
def run(silence: Future[Done]) -> Iterator[Run]:
    assert silence is not None  # it begins to wait before other tests run
    with processes() as bounded:
        yield bounded


def started(*arguments: str, given: bytes = b"") -> Done:
    """Run the command within the bounds as a user starts it, which a fork is not."""
    resource = pytest.importorskip("resource")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))

    done = subprocess.run(
        [sys.executable, "-m", "convcalc", *arguments],
        input=given,
        capture_output=True,
        preexec_fn=limit,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def refused(run: Run) -> Refused:
    """What is said of a file that cannot be worked on."""
    return lambda *arguments: refusal(run(*arguments))


def refusal(result: Done) -> str:
    text = result.stderr.decode()

    assert result.returncode == 2, text
    assert "Traceback" not in text
    assert text.count("\n") < 40
    assert len(text) < 10_000
    return text


BLOCKS = "".join(f"  b{level}: {{layers: [b{level + 1}, b{level + 1}]}}\n" for level in range(40))
BOMB = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + level)}: &{chr(98 + level)} [*{chr(97 + level)}, *{chr(97 + level)}]\n"
    for level in range(20)
)
TEXTS: dict[str, tuple[bytes, str]] = {
    "binary junk": (bytes(range(256)) * 64, "CC102"),
    "an ELF header": (b"\x7fELF\x02\x01\x01" + b"\0" * 100, "CC102"),
    "invalid UTF-8": (b"input: 3\xff\n", "line 1, column 9"),
    "UTF-16": ("input: 32x32x3\n".encode("utf-16"), "UTF-16"),
    "a NUL at the end": (b"input: 32x32x3\n" + b" " * 5000 + b"\0", "CC102"),
    "100,000 nested brackets": (b"[" * 100_000, "nested more than"),
    "100,000 nested brackets and an error": (b"[" * 100 + b"}" * 100_000, "nested more than"),
    "100,000 nested mappings": (b"{a: " * 100_000, "nested more than"),
    "100,000 nested dashes": (b"- " * 100_000, "nested more than"),
    "an alias bomb": (BOMB.encode(), "anchors are not used"),
    "a list that contains itself": (b"&a [*a]", "anchors are not used"),
    "repeat: 1000000000": (b"input: 8\nlayers: [{relu: , repeat: 1000000000}]", "CC103"),
    "9**9**9": (b"input: 9**9**9\nlayers: [relu]", "CC103"),
    "blocks calling blocks 2^40 times": (
        f"input: 8\nblocks:\n{BLOCKS}  b40: {{layers: []}}\nlayers: [b0]\n".encode(),
        "CC103",
    ),
    "a chain of 1,000 blocks": (
        b"input: 8\nblocks:\n"
        + b"".join(b"  b%d: {layers: [b%d]}\n" % (n, n + 1) for n in range(1000))
        + b"  b1000: {layers: [relu]}\nlayers: [b0]\n",
        "CC103",
    ),
    "a 5,000-digit number": (b"input: " + b"9" * 5000 + b"\nlayers: [relu]", "CC103"),
    "a 5,000-digit extent": (b"input: 8x" + b"9" * 5000 + b"\nlayers: [relu]", "CC103"),
    "a name of 100,000 braces": (
        b'input: 8\nlayers: [relu, {relu: , from: "' + b"{1}" * 100_000 + b'"}]',
        "CC103",
    ),
    "an expression of 100,000 brackets": (
        b"input: " + b"(" * 100_000 + b"\nlayers: [relu]",
        "CC103",
    ),
    "1,500,000 items": (b"input: 8\nlayers:\n" + b"- a\n" * 1_500_000, "values in one spec"),
    "200,001 layers": (b"input: 8\nlayers:\n" + b"- relu\n" * 200_001, "more than 200,000"),
}


SLOW = {"1,500,000 items"}
"""Those that take long; with layers that are as many, the other limit is tried each time."""


@pytest.mark.parametrize(
    "name",
    [pytest.param(each, marks=pytest.mark.thorough if each in SLOW else ()) for each in TEXTS],
)
def test_hostile_text_is_refused(refused: Refused, name: str, tmp_path: Path) -> None:
    data, expected = TEXTS[name]
    path = tmp_path / "spec.yaml"
    path.write_bytes(data)

    text = refused("analyze", str(path))

    assert expected in text
    assert f"{path}:" in text


@tabled(
    ("text", "column"),
    [
        ("[" * 64 + "]" * 64, None),
        ("[" * 65 + "]" * 65, 65),
        ("[" * 1_000, 65),
        ("[" * 1_001, 65),
        ("[" * 100_000, 65),
        ("[" * 65 + "}", 65),
        ("a: [[], {b: " + "[" * 2_000, 74),  # behind 12 characters, which leave 3 open
        ("[" * 64 + "[], " * 300, 65),
        ("'" + "[" * 900 + "' ]", 904),
        ('["' + "[" * 900 + '" x, ' + "[" * 90, 903),  # behind which a comma is missing
        ("# " + "[" * 900 + "\n}", 1),
    ],
)
def test_nesting_is_refused_at_the_same_place_by_every_version_of_libyaml(
    text: str, column: int | None
) -> None:
    from convcalc.findings import Findings
    from convcalc.spec.source import compose
    from convcalc.spec.text import SourceText

    document = SourceText("x", text)
    findings = Findings(document)
    compose(document, findings)
    diagnostics = findings.diagnostics

    assert [found.column for found in diagnostics] == [column][: column is not None]
    for found in diagnostics:
        deep = column is not None and text[column - 1] == "["
        assert found.code == ("CC103" if deep else "CC105")


def test_a_spec_of_1_gigabyte_is_refused_unread(refused: Refused, tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    with path.open("wb") as file:
        file.truncate(10**9)
        file.write(b"input: 3\n")

    assert "CC10" in refused("analyze", str(path))
    with path.open("r+b") as file:
        file.write(b"# text\n" * 5_000_000)

    assert "larger than 16 MiB" in refused("analyze", str(path))


def test_a_directory_is_refused(refused: Refused, tmp_path: Path) -> None:
    assert "is a directory" in refused("analyze", str(tmp_path))


def test_a_missing_file_is_refused_with_a_suggestion(refused: Refused, tmp_path: Path) -> None:
    assert "did you mean the bundled `vgg16`?" in refused("analyze", "vvgg16")
    assert "neither a file" in refused("analyze", str(tmp_path / "no.yaml"))


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything"
)
def test_an_unreadable_file_is_refused(refused: Refused, tmp_path: Path) -> None:
    path = tmp_path / "secret.yaml"
    path.write_text("input: 3")
    path.chmod(0)

    assert "cannot be read" in refused("analyze", str(path))


def test_a_name_with_a_nul_or_control_characters_is_refused(refused: Refused) -> None:
    assert "\x1b" not in refused("analyze", "\x1b[31mred.yaml")


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe.yaml"
    if not hasattr(os, "mkfifo"):
        pytest.skip("there are no named pipes")
    os.mkfifo(path)
    return path


def test_a_pipe_that_never_ends_is_refused(refused: Refused, pipe: Path) -> None:
    def write() -> None:
        try:
            with pipe.open("wb", buffering=0) as file:
                while True:
                    file.write(b"# more\n" * 1000)
        except BrokenPipeError:
            pass

    threading.Thread(target=write, daemon=True).start()

    assert "larger than 16 MiB" in refused("analyze", str(pipe))


def test_a_pipe_that_ends_is_read(run: Run, pipe: Path) -> None:
    def write() -> None:
        pipe.write_text("input: 8\nlayers: [relu]\n", encoding="utf-8")

    threading.Thread(target=write, daemon=True).start()
    result = run("analyze", str(pipe))

    assert result.returncode == 0, result.stderr.decode()


def test_endless_standard_input_is_refused() -> None:
    done = started("analyze", "-", given=b"# more\n" * 3_000_000)

    assert "larger than 16 MiB" in refusal(done)


def test_devices_are_read_no_further_than_the_limit(refused: Refused) -> None:
    assert "is binary" in refused("analyze", "/dev/zero")


def pieces() -> Iterator[bytes]:
    base = b"input: 8x8x3\nlayers:\n  - conv: {filters: 4, kernel: 3}\n  - relu\n"
    yield from (base[:cut] for cut in range(0, len(base), 3))
    yield from (
        base[:at] + bytes([byte]) + base[at:]
        for at in (0, 20, 40)
        for byte in b"\x00\x07\x1b&*!|>%@`\x80\xff"
    )


def test_cut_and_spoilt_specs_never_give_a_traceback() -> None:
    from convcalc.analysis import analyze
    from convcalc.graph import read_text
    from convcalc.spec.source import RefusedError, _decoded
    from convcalc.spec.text import SourceText

    for data in pieces():
        try:
            text = _decoded(data)
        except RefusedError:
            continue
        analyze(read_text(SourceText("x", text)), strict=False)


@pytest.mark.parametrize("inner", ["[relu]", "[]"])
def test_nested_repeats_take_the_work_of_the_limit_alone(
    inner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rounds within rounds multiply: layers, or rounds of nothing, end at what a spec may have."""
    from convcalc.graph import read_text
    from convcalc.spec import expand
    from convcalc.spec.text import SourceText

    steps_a_layer = expand.MAX_STEPS // expand.MAX_LAYERS

    def calls(most: int) -> int:
        monkeypatch.setattr(expand, "MAX_LAYERS", most)
        monkeypatch.setattr(expand, "MAX_STEPS", most * steps_a_layer)
        text = f"input: 8\nlayers: [{{layers: [{{layers: {inner}, repeat: N}}], repeat: N}}]"
        with counted() as work:
            network = read_text(SourceText("x", text.replace("N", str(most))))
        assert [found.code for found in network.diagnostics if found.severity == "error"] == [
            "CC103"
        ]
        return work.calls

    calls(10)  # what is made once

    assert calls(1000) < 2.1 * calls(500)


MISTAKES: dict[str, Callable[[int], str]] = {
    "unknown kinds": lambda times: "".join(f"- wibble{n}\n" for n in range(times)),
    "unknown fields": lambda times: "".join(f"- relu: {{a{n}: 1}}\n" for n in range(times)),
    "unknown sources": lambda times: "- relu\n" * times + "- {relu: , from: nope}\n" * times,
    "bad expressions": lambda times: "".join(f"- linear: {n}x\n" for n in range(times)),
    "mistakes on one line": lambda times: f"- wibble\n- layers: [{'wibble, ' * times}relu]\n",
    "fields on one line": lambda times: (
        "- relu: {" + ", ".join(f"a{n}: 1" for n in range(times)) + "}\n"
    ),
    "top-level keys, twice": lambda times: (
        "- relu\n" + "".join(f"k{n}: 1\n" for n in range(times)) * 2
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_many_mistakes_take_work_in_proportion(name: str) -> None:
    from convcalc.graph import read_text
    from convcalc.spec.text import SourceText

    def calls(times: int) -> int:
        text = "input: 8\nlayers:\n" + MISTAKES[name](times)
        with counted() as work:
            read_text(SourceText("x", text))
        return work.calls

    calls(10)  # what is made once

    assert calls(800) < 2.2 * calls(400)


@pytest.mark.parametrize("name", MISTAKES)
def test_many_mistakes_are_found_and_kept_within_a_limit(
    run: Run, name: str, tmp_path: Path
) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text("input: 8\nlayers:\n" + MISTAKES[name](3_000), encoding="utf-8")
    result = run("analyze", str(path), "--format", "json")

    assert result.returncode == 1
    assert result.stderr.decode().endswith("errors.\n")


@pytest.mark.thorough
def test_many_parameters_do_not_slow_repeats_and_blocks_down(run: Run, tmp_path: Path) -> None:
    """A mistake at the end leaves it at reading: what layers cost afterwards is not looked at."""
    path = tmp_path / "spec.yaml"
    parameters = "".join(f"  k{n}: 1\n" for n in range(50_000))
    text = "input: 8\nblocks: {b: {parameters: {n: 1}, layers: [relu]}}\n"
    text += f"parameters:\n{parameters}layers: [{{b: , repeat: 50000}}, wibble]\n"
    path.write_text(text, encoding="utf-8")

    result = run("memory", str(path))

    assert result.returncode == 1
    assert result.stderr.decode().endswith("Found 1 error.\n")


def test_a_pipe_that_nobody_writes_to_is_refused(silence: Future[Done]) -> None:
    assert "nothing came from it for 5 s" in refusal(silence.result())
