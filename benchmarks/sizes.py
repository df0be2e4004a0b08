"""The laws of `sizes` held against every size tried on the network itself.

`python -m benchmarks sizes [--networks N] [--until W] [--seed S]`: along each axis of every bundled
network with one, and of N random ones (1,000), each size from 1 to W (2,048) is tried on the
network; a law must hold the same ones, of those that are accepted and of those that drop nothing.
Where an input is made of a parameter, each axis is tried as well, given by itself.
"""

import sys
from pathlib import Path
from random import Random

from benchmarks.arguments import parser, positive
from convcalc.graph import Network, load, read_text
from convcalc.laws import sizes
from convcalc.spec.bundled import bundled_architectures
from convcalc.spec.text import SourceText

TESTS = Path(__file__).parent.parent / "tests" / "laws"
PROGRESS = 100
"""Networks after which a line tells how far it is."""


def main(arguments: list[str]) -> int:
    """Try all sizes, and show every one of which a law says otherwise."""
    asked = parser("sizes", __doc__)
    asked.add_argument("--networks", type=positive, default=1_000)
    asked.add_argument("--until", type=positive, default=2_048)
    asked.add_argument("--seed", default="s")
    given = asked.parse_args(arguments)
    sys.path.insert(0, str(TESTS))
    from random_sizes import differing, drawn

    wrong = unknown = tried = 0

    def hold(network: Network) -> None:
        nonlocal wrong, unknown, tried
        lines = [*differing(network, range(1, given.until + 1))]
        wrong += bool(lines)
        tried += 1
        unknown += any(fit.unknown for fit in sizes(network).fits)
        for line in lines[:3]:
            print(line)

    for name in bundled_architectures():
        network = load(name)
        if network.input is None or not network.input.rank:
            continue
        hold(load(name, input=network.input))
    print(
        f"{tried} bundled networks: {wrong} with a size of which the law says otherwise", flush=True
    )
    wrong_bundled, tried = wrong, 0
    for number in range(given.networks):
        text = drawn(Random(f"{given.seed}{number}"))  # noqa: S311 (a benchmark repeats)
        hold(read_text(SourceText(f"random {number}", text)))
        if not (number + 1) % PROGRESS:
            print(f"{number + 1} of {given.networks}", flush=True)
    print(
        f"{tried} random networks: {wrong - wrong_bundled} with a size of which the law says "
        f"otherwise; of all, {unknown} without a law"
    )
    return int(bool(wrong))
