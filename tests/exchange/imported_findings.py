"""What `convcalc check` says about networks that are ONNX files, and the verdicts on that.

The files are the bundled networks' own, written without their weights; those that the package onnx
ships; and torchvision's, where somebody has exported them. A verdict is a row of `verdicts.csv`
beside this module: docs/findings.md says what it rests on.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from corpus_findings import Verdict, verdicts_of
from helps_done import done, problems

from convcalc.checks.run import Task, check_file
from convcalc.diagnostics import Diagnostic
from convcalc.exchange.export import ExportOptions, onnx_model
from convcalc.forward.weights import weight_names
from convcalc.graph import load, read
from convcalc.graph.planned import Planned, planned
from convcalc.spec.bundled import bundled_names

VERDICTS = Path(__file__).parent / "verdicts.csv"
LIMITS = frozenset({"CC601", "CC603"})
"""What is said of convcalc, and not of the network: what it cannot read, and must be told."""


class File(NamedTuple):
    """A network as a file."""

    network: str
    """What verdicts call it: `torchvision/vgg16`, whichever exporter wrote it."""
    path: Path


def light() -> Iterator[File]:
    """The models of the package onnx, whose weights are constants of one value."""
    import onnx

    folder = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
    for path in sorted(folder.glob("*.onnx")):
        yield File(f"onnx/{path.stem}", path)


def torchvision(folders: Sequence[Path]) -> Iterator[File]:
    """The files of folders, whose names are those of torchvision's models."""
    for folder in folders:
        for path in sorted(folder.rglob("*.onnx")):
            yield File(f"torchvision/{path.stem}", path)


def zoo(folder: Path, names: Sequence[str] = ()) -> Iterator[File]:
    """The bundled networks, each written without its weights; all, or those of these names."""
    for name in names or sorted({load(name).name: name for name in bundled_names()}.values()):
        path = folder / f"{name}.onnx"
        path.write_bytes(_weightless(planned(load(name))))
        yield File(f"zoo/{name}", path)


class _Zeros(Mapping[str, Any]):
    """Weights of a network that are nothing but shapes."""

    def __init__(self, network: Planned) -> None:
        self.shapes = {
            full: weight.shape
            for node, plan in zip(network.nodes, network.plans, strict=True)
            for weight in plan.weights
            if (full := weight_names(network, node, plan).get(weight.name))
        }

    def __getitem__(self, name: str) -> Any:
        return np.zeros(self.shapes[name], np.float32)

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)


class _Nowhere:
    """A file that takes arrays and keeps none."""

    def __init__(self) -> None:
        self.size = 0

    def tell(self) -> int:
        return self.size

    def write(self, data: Any) -> None:
        self.size += memoryview(data).nbytes


def _weightless(network: Planned) -> bytes:
    nowhere: Any = _Nowhere()
    written: bytes = onnx_model(
        network, ExportOptions(_Zeros(network)), nowhere, "left.out"
    ).SerializeToString()
    return written


def said(file: File) -> tuple[Diagnostic, ...]:
    """What `convcalc check` says of a file at its default level."""
    return check_file(str(file.path), Task()).diagnostics


def verdicts() -> list[Verdict]:
    """The rows of the table, in its order."""
    return verdicts_of(VERDICTS)


def unjudged(file: File, items: Sequence[Diagnostic], table: Sequence[Verdict]) -> list[str]:
    """Findings that have no verdict, verdicts that have no findings, and errors: as lines.

    An error is no matter of judgement, because these networks run; what convcalc cannot read is
    none of the network's.
    """
    of_network = {row.code: row.findings for row in table if row.spec == file.network}
    faults = [item for item in items if item.code not in LIMITS]
    found = Counter(item.code for item in faults)
    lines = [
        f"{file.path}: {found[code]} × {code}, and verdicts on {of_network.get(code, 0)}"
        for code in sorted(found.keys() | of_network.keys())
        if found[code] != of_network.get(code, 0)
    ]
    errors = [item for item in faults if item.severity == "error"]
    return lines + [f"{file.path}: {item.code} {item.message}" for item in errors]


def without_gain(file: File, rows: Sequence[Verdict]) -> list[str]:
    """The findings whose verdict rests on a cost that doing what the help says does not lower."""
    codes = {row.code for row in rows if row.spec == file.network and row.evidence == "cost"}
    if not codes:
        return []
    network = read(str(file.path))
    return [
        f"{file.path}: {problem.code} {problem.message}"
        for code in sorted(codes)
        for index, problem in problems(network, code)
        if not any(after.lower(before) for before, after in done(network, index, problem))
    ]
