"""CC423: a block that nothing calls."""

from collections.abc import Iterator

from convcalc.rules.base import Advice
from convcalc.rules.context import Context
from convcalc.rules.written import entries, kinds_named
from convcalc.spec.source import MapNode


def check(context: Context) -> Iterator[Advice]:
    """Blocks that cannot be reached from the spec's layers."""
    root = context.network.written.root if context.network.written else None
    if not isinstance(root, MapNode):
        return
    blocks = entries(root.entries.get("blocks"))
    called: set[str] = set()
    waiting = [root.entries.get("layers")]
    while waiting:
        for name in kinds_named(waiting.pop()) & blocks.keys() - called:
            called.add(name)
            waiting.append(entries(blocks[name]).get("layers"))
    for name in blocks:
        if name not in called:
            yield Advice(
                None, f"nothing calls block `{name}`", "call it, or leave it out", f"blocks.{name}"
            )
