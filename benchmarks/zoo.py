"""All bundled networks in one process, and some of them beside what PyTorch offers.

`python -m benchmarks zoo [ROUNDS]`: reading the YAML, working out every shape, parameter, MAC and
receptive field. Peers build a model of the same network on PyTorch's meta device, which computes
no values either, and count it with `torchinfo` or `FlopCounterMode`; neither knows receptive
fields. Their models are those of tests/torch_zoo.py.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.arguments import parser, positive
from benchmarks.timing import interleaved, print_table, ratio
from convcalc.analysis import Report, analyze
from convcalc.graph import load
from convcalc.spec.bundled import bundled_architectures

ROUNDS = 5


def analyzed(names: list[str]) -> list[Report]:
    """The reports of these networks, read anew."""
    return [analyze(load(name)) for name in names]


def peers() -> dict[str, Any]:
    """PyTorch models by the names of the zoo; none where PyTorch isn't installed."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    try:
        import torch
        import torch_zoo
    except ImportError:
        return {}
    torch.set_num_threads(1)
    return {name: (torch_zoo.on_meta, peer) for name, peer in torch_zoo.PEERS.items()}


def counted_by_torch(models: dict[str, Any]) -> Callable[[], object]:
    """Build every model on the meta device and count its FLOPs and parameters."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    def run() -> None:
        for on_meta, peer in models.values():
            model, x = on_meta(peer)
            with torch.no_grad(), FlopCounterMode(display=False) as counter:
                model(x)
            counter.get_total_flops()
            sum(value.numel() for value in model.parameters())

    return run


def counted_by_torchinfo(models: dict[str, Any]) -> Callable[[], object]:
    """Build every model on the meta device and summarize it."""
    import torchinfo

    def run() -> None:
        for on_meta, peer in models.values():
            model, x = on_meta(peer)
            torchinfo.summary(model, input_data=x, device="meta", verbose=0)

    return run


def main(arguments: list[str]) -> int:
    """Print the tables."""
    given = parser("zoo", __doc__)
    given.add_argument(
        "rounds", nargs="?", type=positive, default=ROUNDS, help="how often each is run"
    )
    rounds: int = given.parse_args(arguments).rounds
    names = bundled_architectures()
    layers = sum(len(report.layers) for report in analyzed(names))
    models = peers()
    runs: dict[str, Callable[[], object]] = {"whole zoo": lambda: analyzed(names)}
    same = sorted(models)
    if models:
        runs["convcalc"] = lambda: analyzed(same)
        runs["FlopCounterMode"] = counted_by_torch(models)
        try:
            runs["torchinfo"] = counted_by_torchinfo(models)
        except ImportError:
            print("torchinfo isn't installed: left out")
    else:
        print("PyTorch isn't installed: convcalc alone")
    times = interleaved(runs, rounds)
    whole = median(times["whole zoo"])
    print(
        f"{len(names)} networks, {layers:,} layers: {whole:.3f} s, {len(names) / whole:,.0f} "
        f"networks/s, {layers / whole:,.0f} layers/s (median of {rounds})"
    )
    if models:
        print(f"\nThe {len(same)} of them that have a PyTorch model beside them:")
        rows = [["", "seconds", "networks/s", "times convcalc"]]
        for name in list(runs)[1:]:
            taken = median(times[name])
            share = f"{ratio(times, name, 'convcalc'):.1f}"
            rows.append([name, f"{taken:.3f}", f"{len(same) / taken:,.1f}", share])
        print_table(rows)
    return 0
