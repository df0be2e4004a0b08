"""Whole processes on ONNX files, beside programs that parse, run and summarize networks."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

import convcalc
from benchmarks.timing import (
    interleaved,
    print_table,
    process,
    processor_seconds,
    ratio,
    seconds,
)
from benchmarks.torch_program import torch_program
from convcalc.graph import load
from convcalc.graph.planned import planned

Clock = Callable[[Callable[[], object]], float]
PARSING = "parsing alone"
BESIDE = 0.050
"""Seconds that `import` may take beside parsing, whatever the file."""
PER_NODE = 40e-6
"""Seconds that it may take for each operator."""
TIMES_YAML = 1.2
"""How much of what `analyze` takes for the same network as YAML it may take beside parsing."""
ON = "CPUExecutionProvider"
"""Where ONNX Runtime works."""
PEERS: Mapping[str, tuple[str, str]] = {
    "onnx-tool": (
        "onnx_tool",
        "import onnx_tool; onnx_tool.model_profile({path!r})",
    ),
    "torchinfo, on the meta device": ("torchinfo", "exec(open({program!r}).read())"),
    "ONNX Runtime, to load it": (
        "onnxruntime",
        "import onnxruntime as ort; ort.InferenceSession({path!r}, providers=[{on!r}])",
    ),
}
"""What a peer is called, the module that it is, and the program that has it do its work."""
SUMMARY = """import torch
torch.set_default_device("meta")
{program}
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.held = nn.ModuleList(modules.values())
    def forward(self, x):
        return forward(x)
import torchinfo
torchinfo.summary(Model(), {shape}, device="meta", verbose=0)
"""
"""The program of a network with torchinfo's summary of it."""


def times(rounds: int, interpreter: str, *, processor: bool = False) -> None:
    """Whole processes on ResNet-50 and on a file of 5,000 operators.

    Peers are those that an interpreter has; they are run a third as often. Time is that of the
    clock on the wall, or of the `processor`.
    """
    clock = processor_seconds if processor else seconds
    pairs = ", ".join(["conv: {filters: 4, kernel: 3, padding: 1}", "relu"] * 2500)
    with tempfile.TemporaryDirectory() as folder:
        long = Path(folder, "long.yaml")
        long.write_text(f"{{input: 32x32x4, layers: [{pairs}]}}", encoding="utf-8")
        columns = {"ResNet-50": "resnet50", "5,000 operators": str(long)}
        cells = [
            column(spec, Path(folder), rounds, interpreter, clock) for spec in columns.values()
        ]
    heading = ["", *(text for name in columns for text in (name, "÷ parsing"))]
    rows = [[name, *(each for of in cells for each in of[name])] for name in cells[0]]
    print_table([heading, *rows])


def column(
    spec: str, folder: Path, rounds: int, interpreter: str, clock: Clock
) -> dict[str, tuple[str, str]]:
    """Milliseconds of each process on a spec's file, and how many times what parsing takes."""
    network = planned(load(spec))
    file, program = folder / "network.onnx", folder / "network.py"
    operators = convcalc.export(network, file).operators
    command = (sys.executable, "-m", "convcalc")
    parse = f"import onnx, click, yaml; onnx.load({str(file)!r}, load_external_data=False)"
    runs = {
        PARSING: process(sys.executable, "-c", parse),
        "import": process(*command, "import", str(file)),
        "analyze": process(*command, "analyze", str(file), "--format", "json"),
        "analyze of the spec": process(*command, "analyze", spec, "--format", "json"),
    }
    taken = interleaved(runs, rounds, clock)
    cells = {
        name: (f"{1000 * median(each):.0f} ms", f"{ratio(taken, name, PARSING):.2f}")
        for name, each in taken.items()
    }
    parsing = median(taken[PARSING])
    limits = {
        "import": parsing + BESIDE + PER_NODE * operators,
        "analyze": parsing + TIMES_YAML * median(taken["analyze of the spec"]),
    }
    for name, limit in limits.items():
        cells[f"{name} is to take at most"] = (f"{1000 * limit:.0f} ms", f"{limit / parsing:.2f}")
    shape = (1, *network.shape_of(network.inputs[0]).axes)
    program.write_text(
        SUMMARY.format(program=torch_program(network), shape=shape), encoding="utf-8"
    )
    for name, (module, code) in PEERS.items():
        if not _has(interpreter, module):
            cells[name] = ("not installed", "-")
            continue
        text = code.format(path=str(file), program=str(program), on=ON)
        beside = {PARSING: runs[PARSING], name: process(interpreter, "-c", text)}
        cells[name] = _beside(name, beside, max(rounds // 3, 1), clock)
    return cells


def _has(interpreter: str, module: str) -> bool:
    """Whether an interpreter has a module."""
    found = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    return subprocess.run([interpreter, "-c", found], check=False).returncode == 0


def _beside(
    name: str, runs: Mapping[str, Callable[[], object]], rounds: int, clock: Clock
) -> tuple[str, str]:
    """The cells of a peer, run in turn with parsing."""
    try:
        taken = interleaved(runs, rounds, clock)
    except subprocess.CalledProcessError as error:
        last = error.stderr.decode(errors="replace").strip().splitlines()[-1:]
        return (f"failed: {' '.join(last)[:60]}", "-")
    return (f"{1000 * median(taken[name]):.0f} ms", f"{ratio(taken, name, PARSING):.2f}")
