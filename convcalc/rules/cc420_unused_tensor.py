"""CC420: a layer whose output nothing reads, or an input."""

from collections.abc import Iterator

from convcalc.diagnostics import listed
from convcalc.rules.base import Advice
from convcalc.rules.context import Context


def check(context: Context) -> Iterator[Advice]:
    """Layers and inputs that nothing reads, but for the outputs and what the spec expects."""
    if not context.complete:
        return
    named = context.network.named_outputs
    several = len(context.network.inputs) > 1
    sized = {node.like for node in context.nodes} if several else set()
    for index, readers in enumerate(context.consumers):
        if readers or index in context.wanted:
            continue
        if context.source(index):
            if several and index not in sized:
                yield Advice(
                    index,
                    f"nothing reads the input {context.name(index)} ({context.output(index)})",
                    f"start an item from it, `from: {context.name(index)}`, or leave it out",
                )
            continue
        output = "the output, which is" if len(named) == 1 else "one of the outputs,"
        yield Advice(
            index,
            f"nothing reads {context.name(index)} ({context.output(index)}), and it is not "
            f"{output} {listed(named)}",
            "merge it by `add` or `concat`, name it under `outputs` if it is an output too, or "
            "leave it out",
        )
