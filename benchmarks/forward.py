"""The engine against PyTorch eager and ONNX Runtime: same weights, same cores, runs interleaved.

`python -m benchmarks forward [--batch 1,8] [--rounds N] [--zoo] [--once] [NETWORK …]`

`--zoo` runs every bundled network beside PyTorch; `--once` whole processes, `convcalc verify
--engine` beside a script that builds the network in PyTorch and runs it.
"""

import itertools
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median, quantiles
from time import sleep
from typing import Any, NamedTuple

from benchmarks.arguments import parser as arguments_of
from benchmarks.timing import interleaved, print_table, process, python, ratio, seconds
from benchmarks.torch_program import UnknownKindError, onnx_model, torch_program
from convcalc import forward
from convcalc.analysis import analyze
from convcalc.analysis.memory import deploy
from convcalc.graph import Network, load
from convcalc.spec.bundled import bundled_architectures

NETWORKS = ("vgg16", "resnet50", "mobilenet_v2", "alexnet_torchvision")
PEAK = "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
TIMES = ["network", "batch", "ms", "÷ PyTorch", "quartiles", "best ÷ best", "error"]


def main(arguments: list[str]) -> int:
    """Measure the networks named, or the four that have targets."""
    parser = arguments_of("forward", __doc__)
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--batch", default="1,8")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--zoo", action="store_true", help="every bundled network")
    parser.add_argument("--once", action="store_true", help="whole processes, run once")
    given = parser.parse_args(arguments)
    if given.once:
        rows = [
            ["whole process", "ms", "÷ PyTorch", "peak MiB", "PyTorch's", "run again", "PyTorch's"]
        ]
        rows += [_whole(name, given.rounds) for name in given.networks]
        print_table(rows)
        return 0
    rows = [[*TIMES, *([] if given.zoo else ["÷ ONNX Runtime", "÷ sgemm", "memory ÷ deploy"])]]
    batches = [1] if given.zoo else map(int, given.batch.split(","))
    names = bundled_architectures() if given.zoo else given.networks
    for name, batch in itertools.product(names, batches):
        network = load(name)
        try:
            pair = _Pair.prepare(network, batch, given.threads)
            row = pair.times(given.rounds)
            rows.append(row if given.zoo else [*row, *pair.limits(given.rounds)])
        except UnknownKindError as error:
            print(f"{name}: skipped, it has {error}")
    print_table(rows)
    return 0


class _Pair(NamedTuple):
    """A network compiled, and the same one in PyTorch with the same weights."""

    network: Network
    executable: Any
    weights: Mapping[str, Any]
    x: Any
    eager: Callable[[], Any]

    @classmethod
    def prepare(cls, network: Network, batch: int, threads: int | None) -> "_Pair":
        import numpy as np
        import torch

        weights = forward.random_weights(network)
        axes = network.input.axes if network.input else ()
        x = np.random.default_rng(1).standard_normal((batch, *axes), dtype=np.float32)
        executable = forward.compile(network, batch, weights=weights, threads=threads)
        torch.set_num_threads(executable.threads)
        program: dict[str, Any] = {}
        exec(torch_program(network), program)  # noqa: S102 (written above, from the network)
        for name, module in program["modules"].items():
            state = {
                key: torch.from_numpy(np.ascontiguousarray(weights[f"{name}.{key}"]))
                for key in module.state_dict()
                if key != "num_batches_tracked"
            }
            module.load_state_dict(state, strict=False)

        def eager() -> Any:
            with torch.inference_mode():
                return program["forward"](torch.from_numpy(x)).numpy()

        return cls(network, executable, weights, x, eager)

    def engine(self) -> Any:
        return self.executable.run(self.x)

    def times(self, rounds: int) -> list[str]:
        """What both take, and how far apart their outputs are."""
        peer = self.eager()
        error = float(abs(self.engine() - peer).max() / abs(peer).max())
        times = _rested({"engine": self.engine, "torch": self.eager}, rounds)
        ratios = [mine / theirs for mine, theirs in zip(*times.values(), strict=True)]
        low, middle, high = quantiles(ratios, n=4)
        return [
            self.network.name,
            str(len(self.x)),
            f"{median(times['engine']) * 1e3:.1f}",
            f"{middle:.2f}",
            f"{low:.2f}–{high:.2f}",
            f"{min(times['engine']) / min(times['torch']):.2f}",
            f"{error:.1e}",
        ]

    def limits(self, rounds: int) -> list[str]:
        """Time beside ONNX Runtime and what sgemm's peak allows, memory beside the prediction.

        The others have rounds of their own: what they leave behind, warm caches and threads that
        still spin, is not for the two that are compared to find.
        """
        import numpy as np

        onnx = "–"
        runtime = _onnx_runtime(self.network, len(self.x), self.weights, self.executable.threads)
        if runtime is not None:
            beside = {"engine": self.engine, "onnx": lambda: runtime.run(None, {"x": self.x})}
            onnx = f"{ratio(_rested(beside, rounds), 'engine', 'onnx'):.2f}"
        a = np.ones((1536, 1536), np.float32)
        out = np.empty_like(a)
        sgemm = {"engine": self.engine, "sgemm": lambda: np.matmul(a, a, out)}
        _rested({"sgemm": sgemm["sgemm"]}, 3)
        times = {name: _rested({name: run}, rounds)[name] for name, run in sgemm.items()}
        peak = 2 * 1536**3 / median(times["sgemm"])
        limit = analyze(self.network, batch=len(self.x)).totals.known("flops") / peak
        predicted = deploy(self.network, batch=len(self.x)).activation_peak
        return [
            onnx,
            f"{median(times['engine']) / limit:.2f}",
            f"{self.executable.compiled().size / predicted:.2f}",
        ]


def _rested(runs: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of calls in turn, each after the pools of the call before have stopped spinning.

    Idle threads of OpenMP, OpenBLAS and ONNX Runtime spin for some 20 ms, which would be taken
    from whoever runs next. Of two calls the second counts: the first finds what the others left in
    the caches, and cores that were asleep.
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            sleep(0.04)
            run()
            times[name].append(seconds(run))
    return times


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


def _whole(name: str, rounds: int) -> list[str]:
    """Time and memory of `verify --engine` and of a script that runs the network in PyTorch once.

    `run again`: the memory of processes that compile the network and run it three times.
    """
    network = load(name)
    assert network.input is not None  # noqa: S101
    shape = (1, *network.input.axes)
    theirs = f"{torch_program(network)}\nforward(torch.zeros({shape}))\n"
    verify = [str(Path(sys.executable).parent / "convcalc"), "verify", name, "--engine"]
    times = interleaved({"engine": process(*verify), "torch": python(theirs)}, rounds)
    mine = (
        "import numpy as np\nfrom convcalc import forward\nfrom convcalc.graph import load\n"
        f"executable = forward.compile(load({name!r}))\n"
        f"for _ in range(3): executable.run(np.zeros({shape}, np.float32))\n"
    )
    main = f"import sys\nfrom convcalc.cli import main\nsys.argv = {['convcalc', *verify[1:]]!r}\n"
    once = f"{main}try: main()\nexcept SystemExit: pass\n"
    again = f"{theirs}for _ in range(2): forward(torch.zeros({shape}))\n"
    return [
        network.name,
        f"{median(times['engine']) * 1e3:.0f}",
        f"{ratio(times, 'engine', 'torch'):.2f}",
        *(f"{_peak(code):.0f}" for code in (once, theirs, mine, again)),
    ]


def _peak(code: str) -> float:
    """Most memory that a process had at once, in MiB."""
    found = subprocess.run(
        [sys.executable, "-c", f"{code}\n{PEAK}"], check=True, capture_output=True, text=True
    )
    return int(re.findall(r"\d+", found.stdout)[-1]) / 1024
