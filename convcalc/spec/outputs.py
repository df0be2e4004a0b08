"""`outputs: [p3, p4, p5]`: the tensors that are a network's outputs, by their names."""

from convcalc.diagnostics import write_value
from convcalc.spec.fields import FieldReader
from convcalc.spec.names import Names, Reporter, Surroundings, braced
from convcalc.spec.nodes import List, Node, ScalarNode
from convcalc.spec.values import FieldError, quoted

LEAVE_OUT = "leave `outputs` out: the output is then what the last item makes"


def read_outputs(
    report: Reporter, reader: FieldReader, names: Names, node: Node, place: Surroundings
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The names of the outputs as they are written, and which layers make them.

    Both without those that an error keeps unknown.
    """
    if not isinstance(node, List):
        _refuse(report, names, node, place)
        return (), ()
    if not node.items:
        report.error("CC116", "outputs is empty", node, LEAVE_OUT)
    called: dict[str, int] = {}
    by_index: dict[int, str] = {}
    written: dict[str, Node] = {}
    for item in node.items:
        if not isinstance(item, ScalarNode) or not item.text:
            message = f"an output is the name of a tensor, and this is {quoted(item)}"
            report.error("CC107", message, item, "write a list of names: `[p3, p4, p5]`")
            continue
        name, said = item.text, ""
        if braced(name):
            from convcalc.spec.braces import written_out

            try:
                name, said = written_out(item, place.scope)
            except FieldError as error:
                reader.report(reader.caused(error, place.scope), field="outputs")
                continue
        if name in written:
            related = ((report.place_of(written[name]), "first here"),)
            message = f"output `{name}` is listed twice"
            report.error("CC117", message, item, "keep one of them", related=related)
            continue
        written[name] = item
        index = names.resolve(item, place, name if said else None, said, key="outputs")
        if index is None:
            continue
        same = by_index.get(index)
        if same is not None:
            related = ((report.place_of(written[same]), "first here"),)
            message = f"outputs `{same}` and `{name}` are one tensor"
            report.error("CC117", message, item, "keep one of them", related=related)
            continue
        called[name] = index
        by_index[index] = name
    return tuple(called), tuple(called.values())


def _refuse(report: Reporter, names: Names, node: Node, place: Surroundings) -> None:
    """Say that `outputs` is no list."""
    advice, fix = "write a list of names: `[p3, p4, p5]`", None
    if isinstance(node, ScalarNode) and names.knows(node.text, place):
        advice, fix = f"write `[{node.text}]`", write_value((node.text,))
    elif isinstance(node, ScalarNode) and not node.text:
        advice = LEAVE_OUT
    message = f"outputs is a list of names, and this is {quoted(node)}"
    report.error("CC107", message, node, advice, fix=fix)
