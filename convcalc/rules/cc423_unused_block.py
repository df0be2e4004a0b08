"""CC423: a block that nothing calls."""

from collections.abc import Iterator

from convcalc.rules.base import Advice
from convcalc.rules.written import within
from convcalc.spec.tree import Block, Spec


def check(spec: Spec) -> Iterator[Advice]:
    """Blocks that cannot be reached from the spec's layers."""
    called: set[str] = set()
    waiting = [spec.layers]
    while waiting:
        kinds = {item.kind for item in within(waiting.pop()) if item.kind}
        for name in kinds & spec.blocks.keys() - called:
            called.add(name)
            block = spec.blocks[name]
            waiting.append(block.layers if isinstance(block, Block) else ())
    for name in spec.blocks:
        if name not in called:
            yield Advice(
                None, f"nothing calls block `{name}`", "call it, or leave it out", f"blocks.{name}"
            )
