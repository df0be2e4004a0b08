"""A lower plan than the greedy one, and an order of operators with less alive, searched for.

The plan is found by branch and bound, the order by best-first search over what has run already;
both know buffers and what reads what, and no layers.
"""

from collections.abc import Sequence
from heapq import heappop, heappush
from time import monotonic
from typing import NamedTuple

from convcalc.analysis.memory.planner import Need, alive, by_size, height, placed
from convcalc.arguments import seconds_of

MOST_BUFFERS = 400
"""Most buffers that branch and bound goes through; of more only some orders are tried."""
MOST_STATES = 50_000
"""Most sets of operators that the search for an order goes through."""
CHECKED = 256
"""Steps between two looks at the clock."""


class BestPlan(NamedTuple):
    """The best plan that was found, beside what no plan can go below."""

    offsets: tuple[int, ...]
    """The offset of each buffer in bytes, in the order in which they were given."""
    size: int
    """Bytes from the beginning to the end of the highest buffer."""
    lower_bound: int
    """Most bytes alive at once: no plan of these buffers can do with less."""
    proven: bool
    """Whether no plan is lower: it is at the lower bound, or all others were gone through."""


def best_plan(needs: Sequence[Need], seconds: float = 1.0) -> BestPlan:
    """The lowest plan that is found in some seconds, at worst the greedy one.

    Raises `ValueError` for seconds that are not 0 or more.

    >>> best_plan([Need(2, 0, 1), Need(3, 1, 2), Need(2, 2, 3), Need(1, 0, 3)]).size
    6
    """
    seconds = seconds_of(seconds, "seconds")
    bound = max(alive(needs), default=0)
    orders = [
        by_size(needs),
        sorted(range(len(needs)), key=lambda each: (-_area(needs[each]), each)),
        sorted(range(len(needs)), key=lambda each: (needs[each].first - needs[each].last, each)),
    ]
    plans = [placed(needs, order) for order in orders]
    best = min(plans, key=lambda offsets: height(needs, offsets))
    size, complete = height(needs, best), False
    if size > bound and len(needs) <= MOST_BUFFERS:
        search = _Search(needs, size, monotonic() + seconds)
        complete = search.run()
        if search.best is not None:
            best, size = search.best, search.size
    return BestPlan(tuple(best), size, bound, size == bound or complete)


def _area(need: Need) -> int:
    return need.bytes * (need.last - need.first + 1)


class _Search:
    """Branch and bound: buffers are put in the order of their offsets, each on those below it.

    Some order like that makes every lowest plan. What is alive at a time and not placed yet stands
    above all that is placed there, which bounds how low the plan can become.
    """

    def __init__(self, needs: Sequence[Need], size: int, until: float) -> None:
        self.needs = needs
        self.size, self.until = size, until
        self.best: list[int] | None = None
        self.bound = max(alive(needs), default=0)
        times = 1 + max((need.last for need in needs), default=-1)
        self.top = [0] * times
        """By time, where what is placed there ends."""
        self.left = alive(needs)
        """By time, the bytes alive then that have no place yet."""
        self.offsets = [-1] * len(needs)
        self.steps = 0

    def run(self) -> bool:
        """Search; whether all was gone through, or a plan at the lower bound was found."""
        unplaced = sorted(range(len(self.needs)), key=lambda each: -self.needs[each].bytes)
        stack = [self._choices(unplaced, -1, -1)]
        trail: list[tuple[int, list[int]]] = []
        while stack:
            self.steps += 1
            if self.steps % CHECKED == 0 and monotonic() > self.until:
                return False
            if not stack[-1]:
                stack.pop()
                if trail:
                    self._take_back(*trail.pop())
                continue
            offset, number = stack[-1].pop()
            trail.append((number, self._put(number, offset)))
            if len(trail) == len(self.needs):
                self.size = max(self.top)
                self.best = [*self.offsets]
                if self.size == self.bound:
                    return True
                self._take_back(*trail.pop())
                continue
            stack.append(self._choices(unplaced, offset, number))
        return True

    def _choices(self, unplaced: Sequence[int], last: int, after: int) -> list[tuple[int, int]]:
        """What may be placed next, and where; the first to be tried stands last."""
        if any(top + left >= self.size for top, left in zip(self.top, self.left, strict=True)):
            return []
        choices = []
        lowest_end = self.size
        for number in unplaced:
            if self.offsets[number] >= 0:
                continue
            need = self.needs[number]
            offset = max(self.top[need.first : need.last + 1])
            lowest_end = min(lowest_end, max(offset, last) + need.bytes)
            choices.append((offset, number))
        return sorted(
            (
                (offset, number)
                for offset, number in choices
                if (offset > last or (offset == last and number > after) or last < 0)
                and offset < lowest_end
            ),
            key=lambda choice: (-choice[0], self.needs[choice[1]].bytes),
        )

    def _put(self, number: int, offset: int) -> list[int]:
        need = self.needs[number]
        times = slice(need.first, need.last + 1)
        before = self.top[times]
        count = need.last - need.first + 1
        self.top[times] = [offset + need.bytes] * count
        self.left[times] = [left - need.bytes for left in self.left[times]]
        self.offsets[number] = offset
        return before

    def _take_back(self, number: int, before: list[int]) -> None:
        need = self.needs[number]
        times = slice(need.first, need.last + 1)
        self.top[times] = before
        self.left[times] = [left + need.bytes for left in self.left[times]]
        self.offsets[number] = -1


class Node(NamedTuple):
    """An operator, as the search for an order knows it."""

    reads: tuple[int, ...]
    """The maps that it reads, by number."""
    makes: int
    """The map that it makes, by number."""
    scratch: int
    """Bytes that it takes beside maps while it runs."""


class BestOrder(NamedTuple):
    """An order of operators with as little alive at once as was found."""

    order: tuple[int, ...]
    """The operators by number, in the order in which they are to run."""
    peak: int
    """Most bytes alive at once in this order."""
    proven: bool
    """Whether no order has less alive at once; where not, it is the one that was given."""


def best_order(
    nodes: Sequence[Node],
    sizes: Sequence[int],
    inputs: int,
    outputs: Sequence[int],
    seconds: float = 1.0,
) -> BestOrder:
    """The order with the least alive at once, of all that read nothing before it is made.

    After some seconds, and after many sets of operators, it is given up.

    `sizes` are the bytes of each map, the first `inputs` of which are there from the start.
    Raises `ValueError` for seconds that are not 0 or more.
    """
    seconds = seconds_of(seconds, "seconds")
    readers: list[int] = [0] * len(sizes)
    for number, node in enumerate(nodes):
        for read in node.reads:
            readers[read] |= 1 << number
    makers = {node.makes: number for number, node in enumerate(nodes)}
    needed = [sum({1 << makers[read] for read in node.reads if read in makers}) for node in nodes]
    kept = {*outputs}

    def after(done: int, live: frozenset[int], number: int) -> tuple[int, frozenset[int]]:
        """What is alive while an operator runs, and the maps that are behind it."""
        node = nodes[number]
        during = live | {node.makes}
        taken = sum(sizes[each] for each in during) + node.scratch
        finished = done | 1 << number
        left = frozenset(each for each in during if each in kept or readers[each] & ~finished)
        return taken, left

    whole = (1 << len(nodes)) - 1
    start = frozenset(each for each in range(inputs) if readers[each] or each in kept)
    given, live, done = sum(sizes[each] for each in range(inputs)), start, 0
    for number in range(len(nodes)):
        taken, live = after(done, live, number)
        given, done = max(given, taken), done | 1 << number
    # What was alive at most, then how much is left to run, so that full orders are found first.
    queue = [(sum(sizes[each] for each in start), 0, 0, 0, start, 0, -1)]
    came: dict[int, tuple[int, int]] = {}
    ticket = 0
    until = monotonic() + seconds
    while queue and len(came) < MOST_STATES and monotonic() < until:
        peak, _, _, done, live, before, last = heappop(queue)
        if done in came:
            continue
        came[done] = before, last
        if done == whole:
            if peak == given:
                break
            return BestOrder(_walked(came, done), peak, proven=True)
        for number in range(len(nodes)):
            finished = done | 1 << number
            if finished == done or needed[number] & ~done or finished in came:
                continue
            taken, left = after(done, live, number)
            reached = max(peak, taken)
            if reached <= given:
                ticket += 1
                rest = -finished.bit_count()
                heappush(queue, (reached, rest, ticket, finished, left, done, number))
    return BestOrder(tuple(range(len(nodes))), given, proven=whole in came)


def _walked(came: dict[int, tuple[int, int]], done: int) -> tuple[int, ...]:
    """The operators on the way to what is done, in their order."""
    order = []
    while done:
        done, number = came[done]
        order.append(number)
    return tuple(reversed(order))
