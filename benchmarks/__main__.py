"""Run a benchmark: `python -m benchmarks NAME [ARGUMENTS]`."""

import sys
from importlib import import_module

BENCHMARKS = {
    "startup": "Whole processes: analyze against importing click and yaml, and against torchinfo.",
    "scale": "Layers a second and bytes a layer, from 100 to 100,000 layers.",
    "check": "1,000 specs of VGG-16's size through `convcalc check`, in one process and more.",
    "fuzz": "Bytes that nobody wrote through the reader and the checker, for as long as one likes.",
    "forward": "The NumPy engine beside PyTorch eager and ONNX Runtime, batch 1 and 8.",
    "backward": "A training step beside PyTorch; identities of what goes back, and its mutations.",
    "mutation": "Single changes of the code that computes, and whether the tests notice them.",
    "verify": "Verifying by the definitions beside the engine: whole processes, over the zoo.",
    "memory": "Predicted memory beside PyTorch's own, and beside what other tools estimate.",
    "arena": "Arenas of small devices: time to plan, best plans, and random ones beside TFLM.",
    "random": "Random networks of every kind of layer beside PyTorch: counts, and memory.",
    "findings": "What the rules say about networks that work, and how much of it holds.",
    "sizes": "The laws of `sizes` beside every size tried: bundled and random networks.",
    "errors": "PyTorch's messages for broken programs: is the layer found that was broken.",
    "exchange": "Networks to ONNX files and from them: what is whole, and what agrees.",
    "sweep": "Designs a second of a sweep by pieces, beside loops around analyze and PyTorch.",
    "cluster": "A sweep by one process, by several, and by a Dask cluster; and many workers.",
    "folding": "All bundled networks written out flat and folded again: lines, and equal or not.",
    "surgery": "All bundled networks through every conversion: equal, where that is claimed.",
    "counts": "What other tools count, beside the tools that are installed.",
    "training": "verify --training over the zoo: a step of each network, and what is said of it.",
    "zoo": "All bundled networks in one process, beside torchinfo and FlopCounterMode.",
}


def main(arguments: list[str]) -> int:
    """Run the benchmark named first, or list them."""
    name = arguments[0] if arguments else ""
    if name not in BENCHMARKS:
        for known, summary in BENCHMARKS.items():
            print(f"{known:<10} {summary}")
        return 0 if name in ("", "-h", "--help") else 2
    try:
        run = import_module(f"benchmarks.{name}").main
    except ModuleNotFoundError as error:
        print(f"{name} needs {error.name}, which is not installed; pyproject.toml has the extras")
        return 2
    return int(run(arguments[1:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
