"""Feed the reader and the checker bytes that nobody wrote: no crash, no hang, no growing memory.

    python -m benchmarks fuzz [SECONDS] [SEED] [FOLDER]

Mutates the bundled architectures and the files of FOLDER. Where atheris is installed it chooses
the mutations by coverage; otherwise they are random, and the seed makes them again. Inputs that
fail are written to the current folder.
"""

import importlib.util
import os
import random
import re
import resource
import sys
import tempfile
import time
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks.arguments import parser
from convcalc.checks.run import Task, check_file
from convcalc.spec.bundled import bundled_folder

SLOW = 10.0
"""Seconds that one input may take."""
GROWTH = 400 * 2**20
"""Bytes that the process may grow by in all."""
LARGEST = 20_000
"""Bytes of an input."""
WORDS = [
    *(b"[", b"]", b"{", b"}", b": ", b"- ", b"#", b"\n", b"  ", b"'", b'"', b"|", b"&a", b"*a"),
    *(b"<<: ", b"!!x ", b"---\n", b"\t", b"\0", b"\xff", b"\xe2\x80\xa8", b"999999999999999999"),
    *(b"-1", b"0", b"1e308", b"2**9999", b"((((", b"repeat: ", b"from: ", b"when: ", b"name: "),
    *(b"layers: ", b"shared: true", b"blocks: ", b"x" * 300, b"224x224x3", b"same", b"1/0"),
    *(b"# convcalc: ignore[", b"expect: ", b"budget: ", b"memory: ", b"presets: ", b"conv: "),
]


_NUMBER = re.compile(rb"\d+")


class Failure(Exception):  # noqa: N818 (it is what a fuzzer looks for)
    """An input that the checker does not stand."""


class Checker:
    """Checks inputs, and knows what it has seen."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = str(Path(self.folder.name) / "fuzz.yaml")
        self.codes: Counter[str] = Counter()
        self.slowest = 0.0
        self.start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    def __call__(self, data: bytes) -> None:
        """Check one input; `Failure` and a file where it fails."""
        Path(self.path).write_bytes(data)
        before = time.perf_counter()
        found = check_file(self.path, Task()).diagnostics
        took = time.perf_counter() - before
        self.slowest = max(self.slowest, took)
        self.codes.update({item.code for item in found})
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - self.start
        crash = next((item.message for item in found if item.code == "CC100"), None)
        if crash is None and took <= SLOW and grown <= GROWTH:
            return
        name = f"fuzz-{sha256(data).hexdigest()[:12]}.yaml"
        Path(name).write_bytes(data)
        message = f"{name}: {crash or f'{took:.1f} s, {grown / 2**20:.0f} MiB more'}"
        raise Failure(message)


def corpus(folder: str | None) -> list[bytes]:
    """The inputs that mutations start from."""
    files = sorted(Path(bundled_folder()).glob("*.yaml"))
    if folder:
        files += sorted(path for path in Path(folder).rglob("*") if path.is_file())
    return [path.read_bytes()[:LARGEST] for path in files]


def mutated(data: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """An input with a few pieces replaced, repeated, left out or put in."""
    for _ in range(chance.randint(1, 6)):
        start = chance.randint(0, len(data))
        end = min(len(data), start + chance.choice((0, 1, 3, 10, 40, 400)))
        numbers = list(_NUMBER.finditer(data))
        kind = chance.choices(range(6), (2, 3, 2, 3, 0.2, 6))[0]
        if kind == 0:
            piece = b""
        elif kind == 1:
            piece = chance.choice(WORDS) * chance.choice((1, 1, 2, 50))
        elif kind == 2:
            piece = data[start:end] * 3
        elif kind == 3:  # whole lines of another file, which often fit
            lines = chance.choice(others).splitlines(keepends=True)
            at = chance.randrange(len(lines))
            start = data.rfind(b"\n", 0, start) + 1
            end = start
            piece = b"".join(lines[at : at + chance.choice((1, 1, 3, 10))])
        elif kind == 4 or not numbers:
            piece = chance.randbytes(chance.randint(1, 8))
        else:
            start, end = chance.choice(numbers).span()
            value = chance.choice((-1, 0, 1, 2, 3, 5, 7, 8, 64, 224, 10**9, 10**18, 10**30, 0.5))
            piece = str(value).encode()
        data = (data[:start] + piece + data[end:])[:LARGEST]
    return data


def main(arguments: list[str]) -> int:
    """Fuzz for a while; 1 when an input failed."""
    given = parser("fuzz", __doc__)
    given.add_argument("seconds", nargs="?", type=float, default=60.0, help="how long")
    given.add_argument("seed", nargs="?", type=int, help="of the changes; any unless given")
    given.add_argument("folder", nargs="?", help="of files to start from; our own unless given")
    options = given.parse_args(arguments)
    seconds: float = options.seconds
    seed = random.SystemRandom().randrange(2**32) if options.seed is None else options.seed
    inputs = corpus(options.folder)
    check = Checker()
    if importlib.util.find_spec("atheris") is not None:
        return _with_atheris(check, inputs, seconds)
    print(f"random mutations of {len(inputs)} files for {seconds:g} s, seed {seed}")
    chance = random.Random(seed)  # noqa: S311 (not for secrets)
    end = time.monotonic() + seconds
    count = failed = 0
    while time.monotonic() < end:
        data = mutated(chance.choice(inputs), inputs, chance)
        count += 1
        try:
            check(data)
        except Failure as failure:
            failed += 1
            print(failure)
    codes = ", ".join(f"{code} {number:,}" for code, number in sorted(check.codes.items()))
    print(f"{count:,} inputs, {failed} failed, slowest {check.slowest:.2f} s")
    print(f"findings: {codes}")
    return int(failed > 0)


def _with_atheris(check: Checker, inputs: list[bytes], seconds: float) -> int:
    """Let atheris choose the mutations by what of convcalc they reach."""
    import subprocess

    seeds = Path(check.folder.name) / "corpus"
    seeds.mkdir()
    for number, data in enumerate(inputs):
        (seeds / str(number)).write_bytes(data)
    script = (
        "import sys, atheris\n"
        "with atheris.instrument_imports(include=['convcalc']):\n"
        "    from benchmarks.fuzz import Checker\n"
        "check = Checker()\n"
        "atheris.Setup(sys.argv, lambda data: check(bytes(data)))\n"
        "atheris.Fuzz()\n"
    )
    options = [f"-max_total_time={seconds:.0f}", f"-max_len={LARGEST}", "-timeout=20"]
    command: list[Any] = [sys.executable, "-c", script, *options, str(seeds)]
    return subprocess.run(command, check=False, env={**os.environ}).returncode
