"""How time and memory grow with the network: layers a second, bytes a layer."""

import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from statistics import median

from benchmarks.arguments import parser, positive
from benchmarks.timing import print_table
from convcalc.analysis import analyze
from convcalc.graph import Network, as_written, loads, plan_layers
from convcalc.spec.expand import expand
from convcalc.spec.text import SourceText

SIZES = (100, 1_000, 10_000, 100_000)
LAYERS = 100_000
"""Layers worked out in each measurement, in networks of the size in question."""
HEAD = "name: stack\ninput: 32x32x16\nlayers:\n"
PAIR = "  - conv: {{filters: {filters}, kernel: 3, padding: 1}}\n  - relu\n"


def spec_text(layers: int) -> str:
    """A spec of this many layers, written out: convolutions of eight widths, and ReLUs."""
    pairs = (PAIR.format(filters=16 + 8 * (pair % 8)) for pair in range(layers // 2))
    return HEAD + "".join(pairs)


def _read(text: str) -> None:
    written = as_written(SourceText("text", text))
    if written.spec is not None:
        expand(written.findings, written.spec)


def _report(network: Network) -> None:
    plan_layers(network.nodes)
    analyze(network)


def _per_layer(run: Callable[[], object], size: int) -> float:
    start = time.perf_counter()
    for _ in range(LAYERS // size):
        run()
    return (time.perf_counter() - start) / LAYERS


def main(arguments: list[str]) -> int:
    """Print time, speed and memory for each size."""
    given = parser("scale", __doc__)
    given.add_argument("rounds", nargs="?", type=positive, default=7, help="how often each is run")
    rounds: int = given.parse_args(arguments).rounds
    texts = {size: spec_text(size) for size in SIZES}
    networks = {size: loads(text) for size, text in texts.items()}
    reading: dict[int, list[float]] = {size: [] for size in SIZES}
    reporting: dict[int, list[float]] = {size: [] for size in SIZES}
    for _ in range(rounds):  # every size in every round, so that all see the same machine
        for size in SIZES:
            reading[size].append(_per_layer(partial(_read, texts[size]), size))
            reporting[size].append(_per_layer(partial(_report, networks[size]), size))
    rows = [["layers", "YAML to graph", "graph to report", "÷ at 100", "layers/s from a graph"]]
    rows[0] += ["layers/s from YAML", "bytes/layer at the peak"]
    for size in SIZES:
        reads, reports = reading[size], reporting[size]
        growth = median(now / then for now, then in zip(reports, reporting[100], strict=True))
        both = median(one + other for one, other in zip(reads, reports, strict=True))
        tracemalloc.start()
        kept = analyze(loads(texts[size]))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        del kept
        rows.append(
            [
                f"{size:,}",
                f"{1e6 * median(reads):.1f} µs",
                f"{1e6 * median(reports):.1f} µs",
                f"{growth:.2f}",
                f"{1 / median(reports):,.0f}",
                f"{1 / both:,.0f}",
                f"{peak / size:,.0f}",
            ]
        )
    print("Times per layer, medians of", rounds, "rounds.")
    print_table(rows)
    return 0
