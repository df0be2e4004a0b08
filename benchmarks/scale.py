"""How time and memory grow with the network: layers a second, bytes a layer."""

import gc
import time
import tracemalloc
from collections.abc import Callable
from statistics import median

from benchmarks.timing import print_table
from convcalc.analysis import analyze
from convcalc.graph import plan_layers
from convcalc.spec.expand import expand
from convcalc.spec.source import Source

SIZES = (100, 1_000, 10_000, 100_000)
TEXT_HEAD = "name: stack\ninput: 32x32x16\nlayers:\n"
TEXT_PAIR = "  - conv: {{filters: {filters}, kernel: 3, padding: 1}}\n  - relu\n"


def spec_text(layers: int) -> str:
    """A spec of this many layers, written out: convolutions of eight widths, and ReLUs."""
    pairs = (TEXT_PAIR.format(filters=16 + 8 * (pair % 8)) for pair in range(layers // 2))
    return TEXT_HEAD + "".join(pairs)


def _best(run: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        gc.collect()
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return median(times)


def _whole(text: str) -> object:
    from convcalc.graph import loads

    return analyze(loads(text))


def main(arguments: list[str]) -> int:
    """Print layers a second and bytes a layer for each size; the argument is the rounds."""
    rounds = int(arguments[0]) if arguments else 5
    from convcalc.graph import loads

    loads(spec_text(100))
    rows = [
        ["layers", "µs/layer: YAML to graph", "graph to report", "all", "layers/s from a graph",
         "layers/s from YAML", "bytes/layer at the peak"]
    ]  # fmt: skip
    for size in SIZES:
        text = spec_text(size)
        repeats = max(1, 20_000 // size)

        def read(text: str = text, repeats: int = repeats) -> None:
            for _ in range(repeats):
                source = Source("text", text)
                expand(source, source.compose())

        source = Source("text", text)
        document = expand(source, source.compose())
        network = loads(text)
        if document is None:
            return 1

        def report(nodes: object = document.nodes, repeats: int = repeats) -> None:
            del nodes
            for _ in range(repeats):
                plan_layers(document.nodes, document.input, source)  # noqa: B023
                analyze(network)  # noqa: B023

        reading = _best(read, rounds) / repeats
        reporting = _best(report, rounds) / repeats
        tracemalloc.start()
        kept = _whole(text)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        del kept
        rows.append(
            [
                f"{size:,}",
                f"{1e6 * reading / size:.1f}",
                f"{1e6 * reporting / size:.1f}",
                f"{1e6 * (reading + reporting) / size:.1f}",
                f"{size / reporting:,.0f}",
                f"{size / (reading + reporting):,.0f}",
                f"{peak / size:,.0f}",
            ]
        )
    print_table(rows)
    return 0
