"""What is wrong where whole numbers, which say what is looked up, would be values, or values they.

They are an input of the network's that nothing else reads: int64, whatever the data type is.
"""

from collections.abc import Iterator, Sequence

from convcalc.diagnostics import Problem
from convcalc.layers import READING_NOTHING, SOURCES, kinds
from convcalc.spec.flat import Document, LayerNode

INDEXING = kinds(having="indices")
"""Kinds that read whole numbers."""
INDIFFERENT = INDEXING | READING_NOTHING
"""Kinds that read no values."""


def misread(
    nodes: Sequence[LayerNode], document: Document, problems: Sequence[tuple[int, Problem]]
) -> list[tuple[int, Problem]]:
    """The problems of layers, and what is wrong with what those read that look up.

    Of a layer that looks up what is no input, the shape does not matter.
    """
    lost = dict(_of_values(nodes, document))
    kept = [each for each in problems if each[0] not in lost]
    return sorted([*kept, *lost.items(), *_of_numbers(nodes, document)], key=lambda each: each[0])


def _of_values(nodes: Sequence[LayerNode], document: Document) -> Iterator[tuple[int, Problem]]:
    """Layers that would look up values that others make."""
    for index, node in enumerate(nodes):
        if node.kind not in INDEXING or not node.inputs or node.inputs[0] in document.inputs:
            continue
        read = nodes[node.inputs[0]].name
        problem = Problem(
            "CC314",
            f"{node.kind} looks up whole numbers, and `{read}` makes values",
            help="numbers are an input: `input: {words: 50x1, values: 50x8}`, and `from: words` "
            "before it",
            related=((0, "makes values"),),
        )
        yield index, problem


def _of_numbers(nodes: Sequence[LayerNode], document: Document) -> Iterator[tuple[int, Problem]]:
    """Layers that would read as values what others look up, and outputs that are such numbers."""
    looked_up: dict[int, str] = {}
    for node in nodes:
        if node.kind in INDEXING:
            looked_up.update((read, node.name) for read in node.inputs if read in document.inputs)
    for index, node in enumerate(nodes):
        for read in dict.fromkeys(node.inputs):
            if read in looked_up and node.kind not in INDIFFERENT:
                yield index, _both(nodes[read].name, looked_up[read], f"`{node.name}` reads them")
    for output in document.outputs:
        if output in looked_up and nodes[output].kind in SOURCES:
            problem = _both(nodes[output].name, looked_up[output], "`outputs` gives them")
            reader = next(at for at, node in enumerate(nodes) if node.name == looked_up[output])
            yield reader, problem


def _both(name: str, reader: str, other: str) -> Problem:
    return Problem(
        "CC314",
        f"`{name}` is whole numbers, which `{reader}` looks up, and {other} as values",
        help="values need an input of their own: `input: {words: 50x1, values: 50x8}`",
    )
