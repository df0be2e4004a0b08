"""What wrong code the tests let through: single changes of the code, each tried on its own.

    python -m benchmarks mutation [--seed N] [--changes N] [--jobs N] [--budget SECONDS] [--again]

Draws changes (an operator, a comparison, a number ± 1) over the parts that compute, in proportion
to their size, and runs the tests that reach each changed line, the nearest first. A change that
makes a test fail or run without end is killed. One that does not within the budget of processor
seconds survives, whether or not it changes any behaviour; one after which the module cannot be
imported is passed over, for it says nothing about the tests. PyTorch and the other peers are
hidden: what kills must be the tests that everybody has.

Results are kept in `.mutation/` and an interrupted run goes on where it stopped, as long as code
and tests are the same. `--again` tries the survivors of an older run anew on the code of now.
"""

import json
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from benchmarks.arguments import parser as arguments_of
from benchmarks.mutation.changes import PARTS, ROOT, Change, drawn, find
from benchmarks.mutation.child import Verdict
from benchmarks.mutation.coverage import digest, preload, test_map
from benchmarks.mutation.schedule import Key, judge
from benchmarks.timing import print_table

FOLDER = ROOT / ".mutation"
REASONS = ROOT / "benchmarks" / "mutation" / "survivors.md"


def main(arguments: list[str]) -> int:
    """Print the score of each part and the changes that survive; 1 below 90 %."""
    parser = arguments_of("mutation", __doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--changes", type=int, default=500, help="how many are drawn")
    parser.add_argument("--jobs", type=int, default=2, help="how many are tried at a time")
    parser.add_argument("--budget", type=float, default=20, help="processor seconds of one change")
    parser.add_argument("--part", choices=PARTS, help="one part alone")
    parser.add_argument("--again", action="store_true", help="try kept survivors once more")
    parser.add_argument("--measure", action="store_true", help="find anew which tests reach what")
    options = parser.parse_args(arguments)
    FOLDER.mkdir(exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # and what was started ends, too
    state = digest()
    tests = test_map(FOLDER / "tests.json", options.jobs, anew=options.measure)
    preload(tests.modules)
    kept = FOLDER / f"seed-{options.seed}.jsonl"
    known = {} if options.again else _known(kept, state)
    plan: Mapping[str, Iterable[Change]]
    keys: dict[Key, Key] = {}
    """What a change that is tried again was called at first."""
    if options.again:
        survivors = [key for key, verdict in _known(kept, "").items() if _survives(verdict)]
        changes = []
        for key in survivors:
            if (change := find(*key)) is not None:
                changes.append(change)
                keys[change.key] = key
            else:
                print(f"gone: {key[0]}: {key[2]}", file=sys.stderr)
        plan = {part: [each for each in changes if each.part == part] for part in PARTS}
        quotas = dict(Counter(change.part for change in changes))
    else:
        plan, quotas = drawn(options.seed, options.changes)
    if options.part:
        quotas = {part: wanted for part, wanted in quotas.items() if part == options.part}
    start = time.monotonic()
    with kept.open("a", encoding="utf-8") as log:
        results: list[tuple[Change, Verdict]] = []
        for change, verdict in judge(plan, quotas, tests, known, options.jobs, options.budget):
            results.append((change, verdict))
            if change.key not in known:
                key = keys.get(change.key, change.key)
                log.write(json.dumps([state, key, verdict._asdict()]) + "\n")
                log.flush()
            _progress(results, sum(quotas.values()), start)
    return _report(results, options.seed)


def _known(kept: Path, state: str) -> dict[Key, Verdict]:
    """What an earlier run found, the last word of each change; of one state where it is given."""
    if not kept.exists():
        return {}
    known = {}
    for line in kept.read_text(encoding="utf-8").splitlines():
        of, key, verdict = json.loads(line)
        if state in ("", of):
            known[tuple(key)] = Verdict(**verdict)
    return known


def _survives(verdict: Verdict) -> bool:
    return verdict.outcome == "survived"


def _progress(results: Sequence[tuple[Change, Verdict]], wanted: int, start: float) -> None:
    """One line that is written over on a terminal, and nothing in a file but survivors."""
    counts = Counter(verdict.outcome for _, verdict in results)
    judged = counts["killed"] + counts["survived"]
    change, verdict = results[-1]
    if sys.stderr.isatty():
        minutes = (time.monotonic() - start) / 60
        sys.stderr.write(
            f"\r{judged} of {wanted}, {counts['survived']} survive, {minutes:.1f} min"
            + ("\n" if judged == wanted else "")
        )
    elif _survives(verdict):
        sys.stderr.write(f"{judged}/{wanted} {change}\n")
    sys.stderr.flush()


def _report(results: Iterable[tuple[Change, Verdict]], seed: int) -> int:
    """The table of parts, the survivors, and what is known about them."""
    judged = [pair for pair in results if pair[1].outcome != "unusable"]
    reasons = _reasons()
    rows = [["part", "changes", "killed", "survive", "score"]]
    for part in (*PARTS, ""):
        mine = [verdict for change, verdict in judged if part in ("", change.part)]
        if mine:
            killed = sum(not _survives(verdict) for verdict in mine)
            cells = map(str, (len(mine), killed, len(mine) - killed))
            rows.append([part or "all", *cells, f"{100 * killed / len(mine):.1f} %"])
    print(f"Seed {seed}; {sum(v.seconds for _, v in judged):,.0f} processor seconds")
    print_table(rows)
    for change, verdict in sorted(judged, key=lambda pair: pair[0].key):
        if _survives(verdict):
            reason = reasons.get(change.words, "")
            print(f"{change}\n    {reason or verdict.said}")
    total = len(judged)
    killed = sum(not _survives(verdict) for _, verdict in judged)
    return 0 if killed >= 0.9 * total else 1


def _reasons() -> Mapping[tuple[str, str, str], str]:
    """Why a change makes no difference, by file and both lines: the rows of survivors.md."""
    if not REASONS.exists():
        return {}
    reasons = {}
    blocks = REASONS.read_text(encoding="utf-8").split("\n### ")[1:]
    for block in blocks:
        path, _, rest = block.partition("\n")
        lines = rest.splitlines()
        old = next(line[2:].strip() for line in lines if line.startswith("- "))
        new = next(line[2:].strip() for line in lines if line.startswith("+ "))
        text = rest.rsplit("```", 1)[1].strip()
        reasons[path.strip("` "), old, new] = " ".join(text.split())
    return reasons
