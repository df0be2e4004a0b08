"""CC420: a layer whose output nothing reads."""

from collections.abc import Iterator

from convcalc.rules.base import Advice
from convcalc.rules.context import Context


def check(context: Context) -> Iterator[Advice]:
    """Layers that nothing reads, but for the output and what the spec expects."""
    if not context.complete:
        return
    for index, readers in enumerate(context.consumers[:-1]):
        if not readers and index not in context.wanted:
            yield Advice(
                index,
                f"nothing reads {context.name(index)} ({context.output(index)}), and it is not "
                f"the output, which is {context.name(context.network.output)}",
                "merge it by `add` or `concat`, name it under `expect: {layers: …}` if it is an "
                "output too, or leave it out",
            )
