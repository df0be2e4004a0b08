"""Feed the reader and the checker bytes that nobody wrote: no crash, no hang, no growing memory.

    python -m benchmarks fuzz [SECONDS] [SEED] [FOLDER]

Half of the inputs are the bundled architectures and the files of FOLDER with pieces changed, half
are specs of layers of every kind whose fields hold numbers of every size, from 1 to 10^18 and
beside powers of two. Where atheris is installed it chooses the changes by coverage; otherwise they
are random, and the seed makes them again. Inputs that fail are written to the current folder, and
so is the one that took longest.
"""

import importlib.util
import os
import random
import re
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks.arguments import parser
from convcalc.analysis import analyze
from convcalc.analysis.memory import memory
from convcalc.checks.run import Task, check_file
from convcalc.graph import read
from convcalc.layers import CATALOGUE, layer_class, takes_branches
from convcalc.layers.base import AXIS_WORDS, Declared, declarations, defaults
from convcalc.spec.bundled import bundled_folder

SLOW = 10.0
"""Seconds that one input may take."""
GROWTH = 400 * 2**20
"""Bytes that the process may grow by in all."""
SLOWEST = "fuzz-slowest.yaml"
"""Where the input that took longest is left."""
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


class EndlessError(BaseException):
    """An input takes too long; no `Exception`, because the checker would take it for a crash."""


def _give_up(*_: object) -> None:
    raise EndlessError


class Checker:
    """Checks inputs and adds them up, and knows what it has seen."""

    def __init__(self, suffix: str = ".yaml") -> None:
        self.suffix = suffix
        self.folder = tempfile.TemporaryDirectory()
        self.path = str(Path(self.folder.name) / f"fuzz{suffix}")
        self.codes: Counter[str] = Counter()
        self.slowest, self.slowest_data = 0.0, b""
        signal.signal(signal.SIGALRM, _give_up)
        self.begin()

    def begin(self) -> None:
        """Count from now on what the process grows by."""
        self.start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    def grown(self) -> int:
        """Bytes that the process has grown by at most."""
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - self.start

    def __call__(self, data: bytes) -> None:
        """Check one input; `Failure` and a file where it fails."""
        Path(self.path).write_bytes(data)
        before = time.perf_counter()
        signal.setitimer(signal.ITIMER_REAL, 2 * SLOW)
        try:
            crash = self.answered()
        except EndlessError:
            crash = "no end in sight"
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        took = time.perf_counter() - before
        if took > self.slowest:
            self.slowest, self.slowest_data = took, data
        grown = self.grown()
        if crash is None and took <= SLOW and grown <= GROWTH:
            return
        name = f"fuzz-{sha256(data).hexdigest()[:12]}{self.suffix}"
        Path(name).write_bytes(data)
        message = f"{name}: {crash or f'{took:.1f} s, {grown / 2**20:.0f} MiB more'}"
        raise Failure(message)

    def answered(self) -> str | None:
        """Check the input that lies at the path, and add it up; what went wrong."""
        found = check_file(self.path, Task()).diagnostics
        self.codes.update({item.code for item in found})
        crash = next((item.message for item in found if item.code == "CC100"), None)
        try:
            network = read(self.path)
            analyze(network, strict=False)
            if not network.errors:
                memory(network, training=True)
        except Exception as error:  # noqa: BLE001 (whatever it is, it is what is looked for)
            crash = f"{type(error).__name__}: {error}"
        return crash


def corpus(folder: str | None) -> list[bytes]:
    """The inputs that mutations start from."""
    files = sorted(Path(bundled_folder()).glob("*.yaml"))
    if folder:
        files += sorted(path for path in Path(folder).rglob("*") if path.is_file())
    return [path.read_bytes()[:LARGEST] for path in files]


AXES = (*AXIS_WORDS[3], *AXIS_WORDS[1][1:])
"""What axes are called."""


def drawn(chance: random.Random) -> bytes:
    """A spec of layers of any kind, with numbers of any size in their fields."""
    rank = chance.choice((0, 1, 2, 2, 2, 3))
    shape = "x".join(
        str(_drawn_number(chance) if chance.random() < 0.3 else 8) for _ in range(rank)
    )
    lines = [f"input: {shape}{'x' if rank else ''}{chance.choice((1, 3, 64, 784))}"]
    lines += [f"rounding: {chance.choice(('exact', 'floor', 'ceil'))}", "layers:"]
    for number in range(chance.randint(1, 8)):
        kind = chance.choice([*CATALOGUE, "split"])
        if kind == "split":
            lines.append(f"  - split: {_drawn_parts(number, chance)}")
            continue
        usual = defaults(layer_class(kind))
        fields = {
            name: _drawn_value(declared, rank, chance)
            for name, declared in declarations(layer_class(kind)).items()
            if name not in usual or chance.random() < 0.3
        }
        if takes_branches(kind):
            branch = f"slice: {{stop: {_drawn_number(chance)}, axis: {chance.choice(AXES)}}}"
            fields["branches"] = chance.choice(("[[], [relu]]", f"[[], [{branch}]]", "[[]]"))
        body = ", ".join(f"{name}: {value}" for name, value in fields.items())
        repeat = f", repeat: {chance.choice((2, 30, 1000))}" if chance.random() < 0.2 else ""
        weights = f", weights: {chance.choice(list(CATALOGUE))}1" if chance.random() < 0.1 else ""
        lines.append(f"  - {{{kind}: {{{body}}}{repeat}{weights}}}")
    return "\n".join(lines).encode() + b"\n"


def _drawn_parts(number: int, chance: random.Random) -> str:
    """What an item splits into, which may have names that are there, and sizes that do not fit."""
    names = [f"{chance.choice('abc')}{number}" for _ in range(chance.randint(1, 4))]
    sizes = ", ".join(f"{name}: {_drawn_number(chance)}" for name in dict.fromkeys(names))
    into = chance.choice((f"[{', '.join(names)}]", f"{{{sizes}}}"))
    return f"{{into: {into}, axis: {chance.choice(AXES)}}}"


def _drawn_number(chance: random.Random) -> int:
    """A small one half of the time; otherwise a power of ten, or one beside a power of two."""
    if chance.random() < 0.5:
        return chance.choice((1, 1, 2, 2, 3, 3, 4, 5, 7, 8))
    if chance.random() < 0.5:
        return int(10 ** chance.randint(0, 18))
    return int(2 ** chance.randint(1, 59)) + chance.choice((-1, 1))


def _drawn_value(declared: Declared, rank: int, chance: random.Random) -> str:
    if declared.form == "choice":
        return chance.choice(declared.choices)
    if declared.form == "flag":
        return chance.choice(("true", "false"))
    if declared.form == "padding" and chance.random() < 0.2:
        return chance.choice(("same", "valid"))
    numbers = [_drawn_number(chance) for _ in range(max(rank, 1))]
    if declared.form == "extents" or (
        declared.form in ("axes", "ratios", "padding") and chance.random() < 0.3
    ):
        return str(numbers)
    if declared.form in ("number", "ratios") and chance.random() < 0.5:
        return repr(numbers[0] / _drawn_number(chance))
    return str(numbers[0] * chance.choice((1, 1, 1, 1, 1, 1, 1, -1)))


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
    print(f"random changes of {len(inputs)} files and values for {seconds:g} s, seed {seed}")
    chance = random.Random(seed)  # noqa: S311 (not for secrets)
    end = time.monotonic() + seconds
    count = failed = 0
    while time.monotonic() < end:
        changed = chance.random() < 0.5
        data = mutated(chance.choice(inputs), inputs, chance) if changed else drawn(chance)
        count += 1
        try:
            check(data)
        except Failure as failure:
            failed += 1
            print(failure)
    codes = ", ".join(f"{code} {number:,}" for code, number in sorted(check.codes.items()))
    Path(SLOWEST).write_bytes(check.slowest_data)
    print(f"{count:,} inputs, {failed} failed, slowest {check.slowest:.2f} s: {SLOWEST}")
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
