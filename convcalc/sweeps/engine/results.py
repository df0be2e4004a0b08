"""All that pieces are worked out to be, numbered, and what each adds as tables."""

from typing import Any

import numpy as np

from convcalc.sweeps.engine.tables import UNKNOWN, Pairs, Table
from convcalc.sweeps.engine.worked import LayerCache, State, Worked

SMALL = 2**40
"""No number of a piece is larger, so that sums stay within 64 bits; else the design is whole."""
ADDED: tuple[str, ...] = ("parameters", "buffers", "macs", "activations", "layers")
"""Measures that add up over the pieces, as tables have them."""


class Results:
    """All results of all pieces, numbered, and what they add."""

    def __init__(self) -> None:
        self.known = LayerCache()
        self.worked: list[Worked] = []
        self.states: dict[State, int] = {}
        self.given: list[State] = []
        """What comes in, by number."""
        self.kept = 0
        """Layers of all results."""
        self.some_wrong = self.some_large = False
        self.fields: Any = None
        """What `fields.Fields` keeps beside them."""
        self.peaks: Any = None
        """What `peaks.Peaks` keeps beside them."""
        self.gaps = Table(np.int64)
        self.pairs: dict[int, Pairs] = {}
        self.after = Table(np.int32)
        self.wrong = Table(np.bool_)
        self.large = Table(np.bool_)
        self.tables: dict[str, Table] = {
            **{name: Table(np.int64) for name in (*ADDED, "largest_tensor", "nodes", "alone")},
            "times": Table(np.uint64),
            "plus": Table(np.uint64),
        }

    def state(self, state: State) -> int:
        """The number of what comes in."""
        number = self.states.setdefault(state, len(self.states))
        if number == len(self.given):
            self.given.append(state)
            self.gaps.add(state.gap)
        return number

    def add(self, worked: Worked) -> int:
        """Number a result."""
        self.worked.append(worked)
        self.kept += len(worked.nodes)
        values: dict[str, int] = worked.sums._asdict()
        values["layers"] = worked.layers
        values["largest_tensor"] = worked.largest
        values["nodes"] = len(worked.nodes)
        values["alone"] = worked.alone
        large = max(values.values()) > SMALL
        values["times"], values["plus"] = worked.digest
        for name, table in self.tables.items():
            table.add(0 if large else values[name])
        self.some_wrong |= worked.wrong
        self.some_large |= large
        self.large.add(large)
        self.wrong.add(worked.wrong)
        self.after.add(UNKNOWN if worked.after is None else self.state(worked.after))
        return len(self.worked) - 1
