"""Whole processes on ONNX files, beside programs that parse, run and summarize networks."""

import sys
import tempfile
from pathlib import Path

import convcalc
from benchmarks.timing import interleaved, print_table, process, python, ratio


def times(rounds: int) -> None:
    """Whole processes on ResNet-50 and on a file of 5,000 operators."""
    with tempfile.TemporaryDirectory() as folder:
        resnet, long = Path(folder, "resnet50.onnx"), Path(folder, "long.onnx")
        convcalc.export("resnet50", resnet)
        pairs = ", ".join(["conv: {filters: 4, kernel: 3, padding: 1}", "relu"] * 2500)
        convcalc.export(convcalc.loads(f"{{input: 32x32x4, layers: [{pairs}]}}"), long)
        table = [["", "parsing", "import", "analyze", "import ÷ parsing", "analyze ÷ parsing"]]
        for path in (resnet, long):
            load_it = (
                f"import onnx, click, yaml; onnx.load({str(path)!r}, load_external_data=False)"
            )
            command = (sys.executable, "-m", "convcalc")
            runs = {
                "parsing": python(load_it),
                "import": process(*command, "import", str(path)),
                "analyze": process(*command, "analyze", str(path), "--format", "json"),
            }
            seconds = interleaved(runs, rounds)
            table.append(
                [
                    path.stem,
                    *(f"{min(each) * 1000:.0f} ms" for each in seconds.values()),
                    *(f"{ratio(seconds, name, 'parsing'):.2f}" for name in ("import", "analyze")),
                ]
            )
        print_table(table)
