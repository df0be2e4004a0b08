"""CC420: a layer whose output nothing reads."""

from collections.abc import Iterator

from convcalc.rules.base import Advice
from convcalc.rules.context import Context


def check(context: Context) -> Iterator[Advice]:
    """Layers that nothing reads, but for the output and what the spec expects."""
    if not context.complete:
        return
    (output,) = context.network.outputs
    for index, readers in enumerate(context.consumers):
        if not readers and index not in context.wanted and not context.source(index):
            yield Advice(
                index,
                f"nothing reads {context.name(index)} ({context.output(index)}), and it is not "
                f"the output, which is {context.name(output)}",
                "merge it by `add` or `concat`, name it under `expect: {layers: …}` if it is an "
                "output too, or leave it out",
            )
