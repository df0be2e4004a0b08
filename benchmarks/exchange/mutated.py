"""Changed ONNX files through everything that reads them: networks or findings, and no more."""

import random
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

import convcalc
from benchmarks.exchange.mutations import changed
from benchmarks.fuzz import Checker, Failure
from convcalc.analysis import analyze
from convcalc.analysis.memory import memory
from convcalc.checks.run import Task, check_file
from convcalc.diagnostics import ArgumentError
from convcalc.exchange.export import ExportOptions, onnx_model
from convcalc.exchange.onnx.read import UNSEEN
from convcalc.graph import Network, SpecError, load, loads, read
from convcalc.graph.planned import planned
from convcalc.spec.fold import fold

FILES = 2000
SEED = 37
SLOWEST = "mutated-slowest.onnx"
"""Where the file that took longest is left."""
MOST_MACS, MOST_VALUES = 10**7, 10**6
"""Multiply-accumulates and values of the largest network that is run."""
OPSETS = (17, 21, 27)
"""Versions of operators that our own files are written in."""
UNREAD = ("cannot be read", "is no number", "complex numbers")
"""What is said of arrays whose values are not there, or are none."""
NETWORKS = ("lenet5", "cifar_convnetjs")
"""Bundled networks that are small as files."""


class Reader(Checker):
    """Reads files as every command does, and adds up what comes of them."""

    def __init__(self) -> None:
        super().__init__(".onnx")
        self.whole = self.ran = self.refused = 0
        """Files that are networks, that ran as such, and that have findings instead."""

    def answered(self) -> str | None:
        """What went wrong with the file that lies at the path; None where nothing did."""
        items = check_file(self.path, Task()).diagnostics
        self.codes.update({item.code for item in items})
        crash = next((item.message for item in items if item.code == "CC100"), None)
        if crash is not None:
            return crash
        try:
            return self._read()
        except Exception as error:  # noqa: BLE001 (whatever it is, it is what is looked for)
            return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"

    def _read(self) -> str | None:
        """Everything that the commands do with the file, one after the other."""
        network = read(self.path)
        report = analyze(network, strict=False)
        unseen = [item.message for item in network.errors if UNSEEN in item.message]
        if unseen:
            return unseen[0]
        if not network.errors and not report.totals.complete:
            return "not complete, and no error says so"
        if network.errors:
            self.refused += 1
            return None
        self.whole += 1
        with suppress(SpecError):  # a quantized file's
            memory(network, training=True)
        return self._again(network, report.totals) or self._run(network, report)

    def _again(self, network: Network, totals: Any) -> str | None:
        """Write the spec flat and folded, and read that: the same network."""
        spec = network.written.spec if network.written is not None else None
        if spec is None:
            return "a network without a spec"
        for made in (spec, fold(spec)):
            other = analyze(convcalc.loads(made.to_yaml())).totals
            if (other.parameters, other.macs) != (totals.parameters, totals.macs):
                return "its spec is another network"
        return None

    def _run(self, network: Network, report: Any) -> str | None:
        """Run it with its own arrays, where that takes a moment and these are there."""
        network, totals = planned(network), report.totals
        if (totals.macs or 0) > MOST_MACS or (totals.activations or 0) > MOST_VALUES:
            return None
        if (totals.parameters or 0) > MOST_VALUES or network.index_inputs:
            return None
        random_numbers = np.random.default_rng(0)
        x = {
            name: random_numbers.normal(size=(1, *network.shape_of(at).axes)).astype(np.float32)
            for name, at in network.named_inputs.items()
        }
        try:
            with np.errstate(all="ignore"):
                made = convcalc.run(network, x)
        except ArgumentError as error:
            return None if any(each in str(error) for each in UNREAD) else f"does not run: {error}"
        self.ran += 1
        for name, at in network.named_outputs.items():
            if made[name].shape != (1, *network.shape_of(at).axes):
                return f"{name} runs to {made[name].shape}"
        return None


def sources() -> list[bytes]:
    """Files to begin with: what exporters wrote of small modules, and every kind of ours."""
    tests = Path(__file__).parents[2] / "tests"
    sys.path[:0] = [str(tests)]
    from kinds import CASES

    files = [path.read_bytes() for path in sorted((tests / "data" / "onnx").glob("*.onnx"))]
    by_kind: dict[str, list[str]] = {}
    for case in CASES:
        if case.small and " " not in case.inputs:
            text = f"input: {case.inputs}\nrounding: floor\nlayers: [relu, {{{case.item}}}]"
            by_kind.setdefault(case.kind, []).append(text)
    for number, texts in enumerate(by_kind.values()):
        for text in texts[:2]:
            with suppress(SpecError, ArgumentError):  # of branches, and of older operators
                files.append(exported(loads(text), OPSETS[number % len(OPSETS)]))
    files += [exported(load(name), OPSETS[0]) for name in NETWORKS]
    return files


def exported(network: Network, opset: int) -> bytes:
    """A network as a file with random weights."""
    data: bytes = onnx_model(planned(network), ExportOptions(opset=opset)).SerializeToString()
    return data


def mutated(files: int = FILES, seed: int = SEED) -> int:
    """Change files and read them; how many did not lead to a network or findings."""
    check = Reader()
    given = sources()
    for data in given:  # which is what a process needs in any case
        check(data)
    check.begin()
    unchanged = f"{len(given)} files, of which {check.whole} whole and {check.ran} run; changed:"
    check.codes.clear()
    check.whole = check.ran = check.refused = 0
    draw = random.Random(seed)  # noqa: S311 (not for secrets)
    failed = 0
    for _ in range(files):
        data = changed(draw.choice(given), draw)
        try:
            check(data)
        except Failure as failure:
            failed += 1
            print(failure, flush=True)
    Path(SLOWEST).write_bytes(check.slowest_data)
    print(unchanged)
    print(
        f"{files:,} files by seed {seed}: {check.whole:,} are networks ({check.ran:,} were run), "
        f"{check.refused:,} have findings, {failed} failed"
    )
    print(
        f"slowest {check.slowest:.2f} s ({SLOWEST}), {check.grown() / 2**20:.0f} MiB more at most"
    )
    print("findings: " + ", ".join(f"{code} {n:,}" for code, n in sorted(check.codes.items())))
    return failed
