"""Changes to verdicts, a few at a time: which tests run first, and when the rest runs too."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from multiprocessing.connection import wait
from pathlib import PurePath

from benchmarks.mutation.changes import ROOT, Change
from benchmarks.mutation.child import Child, Job, Verdict, start
from benchmarks.mutation.coverage import TestMap, statement

FIRST = 3
"""Files of tests that are tried before all others."""
SOON = 4.0
"""Processor seconds for them."""

Key = tuple[str, str, str, int]


class Schedule:
    """Knows which tests have killed changes of a file, and so are tried first."""

    def __init__(self, tests: TestMap, budget: float) -> None:
        self._tests = tests
        self._budget = budget
        self._kills: dict[str, Counter[str]] = {}
        self._trusted: dict[str, bool] = {}
        self._sizes = Counter(map(_file, tests.seconds))

    def learn(self, change: Change, verdict: Verdict) -> None:
        """Remember the test that killed."""
        if verdict.outcome == "killed":
            self._kills.setdefault(change.path, Counter())[verdict.said] += 1

    def trusts(self, test: str) -> bool:
        """Whether a test that has killed passes without a change, tried when it first kills."""
        if not test.startswith(("tests/", "convcalc/")):
            return True  # the process was ended, or pytest itself
        if test not in self._trusted:
            control = Job(
                targets=[_file(test)],
                tests=[test] if "::" in test else [],
                known=None,
                seconds=self._tests.seconds,
            )
            self._trusted[test] = start(control).result().outcome == "survived"
            if not self._trusted[test]:
                print(f"not used, because it fails: {test}", file=sys.stderr)
        return self._trusted[test]

    def jobs(self, change: Change) -> list[Job]:
        """What is run one after the other until one kills."""
        kills = self._kills.get(change.path, Counter[str]())
        failing = {test for test, trusted in self._trusted.items() if not trusted}
        near, around = (names - failing for names in self._tests.names(change))
        at_import = statement(ROOT / change.path, change.line) is None
        seconds = self._tests.seconds
        files = Counter(map(_file, near or around))
        killers = Counter[str]()
        for name, count in kills.items():
            killers[_file(name)] += count
        words = {part.rstrip("s") for part in PurePath(change.path).with_suffix("").parts[1:]}

        def far(name: str) -> bool:
            """Whether a file of tests is named after something else."""
            return not any(word in name for word in words)

        def rank(file: str) -> tuple[float, ...]:
            return -killers[file], far(file), -files[file] / self._sizes[file], -files[file]

        def price(name: str) -> float:
            """What a kill by a test may cost: its seconds, less where it has killed before."""
            likely = (1 + kills[name]) * (1 if far(_file(name)) else 4)
            return (seconds[name] + 0.01) / likely

        def order(names: Iterable[str]) -> list[str]:
            return sorted(names, key=price)

        best = sorted(files, key=rank)[:FIRST]
        first = self._within(order(name for name in near or around if _file(name) in best), SOON)
        # What is named after the module is meant for it, whatever it takes. What is declared there
        # is looked at by tests that run no line of it.
        left = near.difference(first)
        meant = {
            name
            for name in (left | around if at_import else left).difference(first)
            if not far(_file(name))
        }
        rest = [*order(meant), *order(left - meant), *order(around.difference(first, meant))]
        more = min(sum(self._tests.seconds[name] for name in meant), self._budget)
        rest = self._within(rest, self._budget + more)
        return [self._job(change, names) for names in (first, rest) if names]

    def _within(self, names: Sequence[str], budget: float) -> list[str]:
        """The first tests that take no longer than the budget together, and at least one."""
        kept: list[str] = []
        total = 0.0
        for name in names:
            total += self._tests.seconds[name]
            if kept and total > budget:
                break
            kept.append(name)
        return kept

    def _job(self, change: Change, names: Sequence[str]) -> Job:
        return Job(
            path=change.path,
            source=change.source,
            targets=sorted(set(map(_file, names))),
            tests=names,
            known=[*self._tests.known, *self._trusted],
            seconds=self._tests.seconds,
        )


def _file(name: str) -> str:
    return name.partition("::")[0]


def judge(
    plan: Mapping[str, Iterable[Change]],
    quotas: Mapping[str, int],
    tests: TestMap,
    known: Mapping[Key, Verdict],
    jobs: int,
    budget: float,
) -> Iterator[tuple[Change, Verdict]]:
    """Every change of the plan with its verdict, until each part has as many as it should."""
    schedule = Schedule(tests, budget)
    wanted = {part: quotas.get(part, 0) for part in plan}
    orders = {part: iter(plan[part]) for part in plan}
    running: dict[Child, tuple[Change, list[Job], float]] = {}

    def next_change() -> Change | None:
        """Of the part that is furthest from its share."""
        left = {part: wanted[part] - count(part) for part in orders}
        for part in sorted(orders, key=lambda part: -left[part] / max(quotas.get(part, 0), 1)):
            if left[part] > 0:
                change = next(orders[part], None)
                if change is not None:
                    return change
                wanted[part] = count(part)
        return None

    def count(part: str) -> int:
        return sum(change.part == part for change, _, _ in running.values())

    def done(change: Change, verdict: Verdict) -> tuple[Change, Verdict]:
        wanted[change.part] -= verdict.outcome != "unusable"
        schedule.learn(change, verdict)
        return change, verdict

    try:
        while True:
            while len(running) < jobs and (change := next_change()) is not None:
                if change.key in known:
                    yield done(change, known[change.key])
                elif first := schedule.jobs(change):
                    running[start(first[0])] = change, first[1:], 0.0
                else:
                    yield done(change, Verdict("survived", "no test reaches it", 0))
            if not running:
                return
            ready = wait([child.pipe for child in running], timeout=5)
            for child in [c for c in running if c.pipe in ready or c.late]:
                change, rest, spent = running.pop(child)
                verdict = child.result()
                verdict = verdict._replace(seconds=verdict.seconds + spent)
                if verdict.outcome == "broken":
                    raise SystemExit(f"{change}\n{verdict.said}")
                if verdict.outcome == "killed" and not schedule.trusts(verdict.said):
                    rest = schedule.jobs(change)  # a test that fails by itself has killed nothing
                    verdict = verdict._replace(outcome="survived")
                if verdict.outcome == "survived" and rest:
                    running[start(rest[0])] = change, rest[1:], verdict.seconds
                    continue
                yield done(change, verdict)
    finally:
        for child in running:
            child.end()
