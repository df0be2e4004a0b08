"""Identities of layers at random: how many hold, by kind, and what they take."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.timing import print_table

TESTS = Path(__file__).parent.parent.parent / "tests"


def tried(kinds: Sequence[str], seed: int, count: int) -> int:
    """Try so many identities over all kinds; 1 where one does not hold, which is printed."""
    sys.path[:0] = [str(TESTS), str(TESTS / "layers")]
    import adjoints

    known = list(kinds) or list(adjoints.DRAWS)
    start = time.process_time()
    rows = [["kind", "identities", "fail", "overlap", "ms each"]]
    total = failures = 0
    for number, kind in enumerate(known):
        share = count // len(known) + (number < count % len(known))
        began = time.process_time()
        layers = overlapping = fail = 0
        last: object = None
        for case, identity in adjoints.drawn_identities(kind, seed, share):
            if case is not last:
                layers += 1
                overlapping += kind in adjoints.OVERLAPPING and adjoints.overlaps(case)
                last = case
            if not identity.holds:
                fail += 1
                print(f"{kind}: {case}: {identity}", flush=True)
        took = time.process_time() - began
        overlap = f"{100 * overlapping / layers:.0f} %" if kind in adjoints.OVERLAPPING else "–"
        rows.append([kind, f"{share:,}", str(fail), overlap, f"{1e3 * took / share:.2f}"])
        total, failures = total + share, failures + fail
    print_table(rows)
    seconds = time.process_time() - start
    print(f"Seed {seed}: {total:,} identities, {failures} fail; {seconds:.0f} processor seconds")
    return int(failures > 0)
