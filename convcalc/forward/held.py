"""What a run holds in memory: storages of arrays, from when they are seen until they are gone."""

from typing import Any
from weakref import finalize


def storage(array: Any) -> Any:
    """The array whose memory this one is, or is a view of."""
    while hasattr(array.base, "nbytes"):
        array = array.base
    return array


class Held:
    """Bytes of the storages that are alive, each counted once, however many look at it.

    Nothing is held by this: a storage counts until Python lets go of it.
    """

    def __init__(self) -> None:
        self.bytes = 0
        """Bytes alive now, of all that was seen."""
        self.peak = 0
        """The most that there were at any time that was noted."""
        self.place = ("", "")
        """The pass and the layer of that time, the first of several."""
        self.seen: set[int] = set()

    def see(self, *arrays: Any) -> None:
        """Count arrays from now on, until they are gone."""
        for array in arrays:
            owner = storage(array)
            number = id(owner)
            if number not in self.seen:
                size = int(owner.nbytes)
                self.seen.add(number)
                self.bytes += size
                finalize(owner, self._gone, number, size).atexit = False

    def note(self, phase: str, layer: str) -> None:
        """Remember what is alive now, if it is the most so far."""
        if self.bytes > self.peak:
            self.peak, self.place = self.bytes, (phase, layer)

    def _gone(self, number: int, size: int) -> None:
        self.seen.discard(number)
        self.bytes -= size
