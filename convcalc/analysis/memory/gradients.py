"""How gradients lie in memory, and whose backward pass begins with a copy for that.

Most kernels lay a gradient out as their input lies; those that work value by value as the gradient
that they are given; views turn it, and concat cuts it. What comes after them may want it in order,
or in rows of channels. The rules are PyTorch's, measured kind by kind (tests/analysis).
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from convcalc.analysis.memory.program import Program, Step

Order = Literal["fresh", "last", "both", "steps", "turned", "unknown"]


class Lie(NamedTuple):
    """How a gradient's values lie."""

    order: Order
    """In the order of its shape; channels last; both, with one channel or one position; position by
    position, each with the whole batch; otherwise; or in a way that is not followed."""
    gap: Literal["", "examples", "rows", "inside"] = ""
    """What there are gaps between, where it is a part of another: nothing, its examples alone,
    its rows of channels, or more than that."""


FRESH = Lie("fresh")


class Copies(NamedTuple):
    """What how gradients lie leads to."""

    steps: frozenset[int]
    """Steps whose backward pass begins with a copy of the output's gradient."""
    unknown: frozenset[int]
    """Layers of which that is not known, because how the gradient lies is not followed."""


class Gradients:
    """Follows gradients from the losses to the inputs."""

    def __init__(self, program: Program, overwritten: Mapping[int, int]) -> None:
        self.program = program
        self.overwritten = overwritten
        """By step that overwrote a view, the tensor that it is a view of."""
        self.single = program.single
        self.shapes = dict(program.shapes or {})

    def copies(self) -> Copies:
        """Which steps copy what they are given on the way back.

        Whoever reads a tensor last in the forward pass hands its gradient over first, and others
        are added to that.
        """
        lies: dict[int, Lie] = {}
        copying, unknown = set[int](), set[int]()
        steps = self.program.steps
        for step in steps:
            if step.operation.name in ("cast", "contiguous") and step.reads[0] in self.shapes:
                self.shapes[step.output] = self.shapes[step.reads[0]]
        for at in range(len(steps) - 1, -1, -1):
            step = steps[at]
            if at in self.overwritten:  # the whole's gradient is put together as the whole lies
                whole = self.overwritten[at]
                lies.setdefault(whole, Lie(self._lies(whole, step.layer)))
                continue
            behind = lies.pop(step.output, FRESH)
            wanted = self._as_wanted(step, behind)
            if wanted is None:
                unknown.add(step.layer)
            if wanted is False or (wanted is None and step.operation.wants_back == "rows"):
                copying.add(at)
                behind = FRESH
            for position, read in enumerate(step.reads):
                older = lies.get(read)
                if older is None:
                    lies[read] = self._before(step, position, behind)
                else:  # a sum has no gaps, and lies as the first of its summands
                    lies[read] = older._replace(gap="")
        return Copies(frozenset(copying), frozenset(unknown))

    def _lies(self, tensor: int, layer: int) -> Order:
        """How the values of a tensor lie."""
        order = self.program.order[tensor]
        if order in ("fresh", "sliced"):
            return "fresh"
        if order == "both":
            return "both"
        if order == "channels_last" or (order == "turned" and self.program.ranks[layer] == 1):
            return "last"
        return "unknown"

    def _as_wanted(self, step: Step, behind: Lie) -> bool | None:
        """Whether a gradient lies as a step's backward pass wants it; None if that is not known."""
        operation, layer = step.operation, step.layer
        order, gap = behind
        dense = not gap or (gap == "examples" and self.single)
        if operation.wants_back == "rows":
            if self.single:  # rows either way: those of a matrix, or its columns
                return None if gap == "inside" and self.program.ranks[layer] > 1 else True
            features = operation.learns[0].shape[0]
            right = features == 1 or order in ("fresh", "both")
            dense = gap in ("", "rows")
        elif operation.wants_back == "order":
            if self.single:
                return True
            one = self.shapes[step.output].channels == 1
            right = one or order in ("fresh", "both", "steps")
            dense = one or gap != "examples"
        elif operation.wants_back in ("output", "indices"):
            as_indices = operation.wants_back == "indices"
            there = self._lies(step.keeps[-1] if as_indices else step.output, layer)
            if as_indices and self.program.ranks[layer] == 1:
                there = "fresh"  # of a sequence, seen as an image of width 1
            right = there == "both" or order in ("both", there)
        elif not step.reads and operation.storage == "view" and self.single:  # weights as they are
            shape = self.shapes[step.output]
            wide = 1 < shape.channels < shape.size
            right = not wide or order in ("both", operation.back_layout)
        else:
            return True
        return None if order == "unknown" else right and dense

    def _before(self, step: Step, position: int, behind: Lie) -> Lie:
        """How the gradient of what a step reads lies, by that of its output."""
        operation, read = step.operation, step.reads[position]
        kind = operation.gradient_of(position)
        if operation.course is not None:  # of several examples, position by position
            return Lie(self._lies(read, step.layer) if self.single else "steps")
        if operation.contiguous == "last":
            as_it_is = self.single and self.program.order[read] in ("fresh", "sliced")
            return FRESH if as_it_is else Lie("last")
        if kind == "view":
            if operation.storage == "view" or operation.reshapes:
                return self._viewed(step, behind)
            return self._part(step, read, behind)
        if (
            kind in ("same", "product")
            and self.program.sizes[read] != self.program.sizes[step.output]
        ):
            return FRESH  # summed
        if kind == "same":
            return behind
        if operation.storage == "view" or operation.back_layout == "fresh":
            return FRESH  # of a part, zeros around it
        if operation.back_layout == "gradient":
            return behind._replace(gap="")
        if operation.back_layout == "reshaped":
            return FRESH if behind.order == "fresh" else Lie("unknown")
        order = self._lies(step.output, step.layer)
        return Lie(self._lies(read, step.layer) if order == "both" else order)

    def _viewed(self, step: Step, behind: Lie) -> Lie:
        """Of what was seen in another shape, or with its axes in another order."""
        operation, order = step.operation, behind.order
        if operation.reshapes:
            if order in ("fresh", "both") and behind.gap in ("", "examples"):
                return behind._replace(order="fresh")
            return Lie("unknown")
        if order in ("both", "unknown"):
            return behind
        if operation.layout == "turned" and self.program.ranks[step.layer] == 1:
            return behind._replace(order="fresh" if order == "last" else "last")
        if operation.layout == "channels_last":
            return behind._replace(order="fresh" if order == "last" else "turned")
        if operation.layout == "turned" and operation.back_layout == "last":
            return behind._replace(order="last" if order == "fresh" else "turned")
        if operation.layout in ("turned", "steps"):
            return Lie("unknown")
        return behind

    def _part(self, step: Step, read: int, behind: Lie) -> Lie:
        """Of one of several that were put one behind the other: a slice of the gradient."""
        whole, part = self.shapes.get(step.output), self.shapes.get(read)
        if whole is None or part is None or behind.order in ("turned", "unknown") or behind.gap:
            return Lie("unknown")
        axes = [*range(len(whole.axes))]
        if behind.order == "last":
            axes = [*axes[1:], 0]
        axes = [axis for axis in axes if whole.axes[axis] > 1]
        cut = [axis for axis in axes if whole.axes[axis] != part.axes[axis]]
        if not cut:
            return behind
        if cut == axes[:1]:
            return behind._replace(gap="examples")
        return behind._replace(gap="rows" if behind.order == "last" and cut == [0] else "inside")
