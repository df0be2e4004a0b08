"""The engine against PyTorch eager and ONNX Runtime: same weights, same cores, runs interleaved.

`python -m benchmarks forward [--batch 1,8] [--rounds N] [--once] [NETWORK …]`
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from statistics import median, quantiles
from time import sleep
from typing import Any

from benchmarks.timing import interleaved, print_table, python, ratio, seconds
from benchmarks.torch_program import UnknownKindError, onnx_model, torch_program
from convcalc import forward
from convcalc.analysis import analyze
from convcalc.graph import Network, load

NETWORKS = ("vgg16", "resnet50", "mobilenet_v2", "alexnet_torchvision")
PEAK = "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"


def main(arguments: list[str]) -> int:
    """Measure the networks named, or the four that have targets."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks forward")
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--batch", default="1,8")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--once", action="store_true", help="whole processes, run once")
    given = parser.parse_args(arguments)
    rows = [
        [
            "network",
            "batch",
            "ms",
            "÷ PyTorch",
            "quartiles",
            "best ÷ best",
            "÷ ONNX Runtime",
            "÷ sgemm",
        ]
    ]
    rows[0] += ["error", "peak MiB"]
    whole = [["whole process, once", "ms", "÷ PyTorch", "peak MiB", "PyTorch's"]]
    for name in given.networks:
        if given.once:
            whole.append(_process(name, given.rounds))
            continue
        for batch in map(int, given.batch.split(",")):
            network = load(name)
            try:
                rows.append(_measured(network, batch, given.rounds, given.threads))
            except UnknownKindError as error:
                print(f"{name}: skipped, it has {error}")
    print_table(whole if given.once else rows)
    return 0


def _measured(network: Network, batch: int, rounds: int, threads: int | None) -> list[str]:
    import numpy as np
    import torch

    threads = threads or forward_threads()
    torch.set_num_threads(threads)
    assert network.input is not None  # noqa: S101
    weights = forward.random_weights(network)
    x = np.random.default_rng(1).standard_normal((batch, *network.input.axes), dtype=np.float32)
    executable = forward.compile(network, batch, weights=weights, threads=threads)
    program: dict[str, Any] = {}
    exec(torch_program(network), program)  # noqa: S102 (written above, from the network)
    for name, module in program["modules"].items():
        state = {
            key: torch.from_numpy(np.ascontiguousarray(weights[f"{name}.{key}"]))
            for key in module.state_dict()
            if key != "num_batches_tracked"
        }
        module.load_state_dict(state, strict=False)
    given = torch.from_numpy(x)

    def eager() -> Any:
        with torch.inference_mode():
            return program["forward"](given).numpy()

    def engine() -> Any:
        return executable.run(x)

    peer = eager()
    error = float(abs(engine() - peer).max() / abs(peer).max())
    times = _rested({"engine": engine, "torch": eager}, rounds)
    ratios = [mine / theirs for mine, theirs in zip(times["engine"], times["torch"], strict=True)]
    low, _, high = quantiles(ratios, n=4)
    # The others have rounds of their own: what they leave behind, warm caches and threads that
    # still spin, is not for the two that are compared to find.
    runtime = _onnx_runtime(network, batch, weights, threads)
    if runtime is not None:
        beside = {"engine": engine, "onnx": lambda: runtime.run(None, {"x": x})}
        onnx = f"{ratio(_rested(beside, rounds), 'engine', 'onnx'):.2f}"
    a = np.ones((1536, 1536), np.float32)
    out = np.empty_like(a)
    peak = 2 * 1536**3 / median(_rested({"sgemm": lambda: np.matmul(a, a, out)}, rounds)["sgemm"])
    limit = analyze(network, batch=batch).totals.flops / peak
    _, mine = forward.measure_peak(lambda: forward.compile(network, batch, weights=weights).run(x))
    return [
        network.name,
        str(batch),
        f"{median(times['engine']) * 1e3:.1f}",
        f"{ratio(times, 'engine', 'torch'):.2f}",
        f"{low:.2f}–{high:.2f}",
        f"{min(times['engine']) / min(times['torch']):.2f}",
        onnx if runtime else "–",
        f"{median(times['engine']) / limit:.2f}",
        f"{error:.1e}",
        f"{mine / 2**20:.0f}",
    ]


def _rested(runs: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of calls in turn, each after the pools of the call before have stopped spinning.

    Idle threads of OpenMP, OpenBLAS and ONNX Runtime spin for some 20 ms, which would be taken
    from whoever runs next.
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds + 1):
        for name, run in runs.items():
            sleep(0.04)
            taken = seconds(run)
            if number:
                times[name].append(taken)
    return times


def forward_threads() -> int:
    """Threads that everything runs on."""
    from convcalc.forward.pool import available_cores

    return available_cores()


def _onnx_runtime(network: Network, batch: int, weights: Any, threads: int) -> Any:
    try:
        import onnxruntime
    except ImportError:
        return None
    try:
        model = onnx_model(network, batch, weights)
    except UnknownKindError:
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(model.SerializeToString(), options)


def _process(name: str, rounds: int) -> list[str]:
    """Time and memory of a process that builds a network with random weights and runs it once."""
    network = load(name)
    assert network.input is not None  # noqa: S101
    shape = (1, *network.input.axes)
    mine = (
        "import numpy as np\nfrom convcalc import forward\nfrom convcalc.graph import load\n"
        f"forward.run(load({name!r}), np.zeros({shape}, np.float32), keep='output')\n"
    )
    theirs = f"{torch_program(network)}\nforward(torch.zeros({shape}))\n"
    times = interleaved({"engine": python(mine), "torch": python(theirs)}, rounds)
    peaks = [_peak(code) for code in (mine, theirs)]
    return [
        network.name,
        f"{median(times['engine']) * 1e3:.0f}",
        f"{ratio(times, 'engine', 'torch'):.2f}",
        *(f"{peak:.0f}" for peak in peaks),
    ]


def _peak(code: str) -> float:
    """Most memory that a process had at once, in MiB."""
    found = subprocess.run(
        [sys.executable, "-c", f"{code}\n{PEAK}"], check=True, capture_output=True, text=True
    )
    return int(re.findall(r"\d+", found.stdout)[-1]) / 1024
