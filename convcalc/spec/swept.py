"""`sweep: {vary: …}`: a sweep that is asked for in the spec, as it is on the command line."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from convcalc.findings import Findings
from convcalc.spec.fields import FieldReader
from convcalc.spec.names import Reporter
from convcalc.spec.nodes import List, Map, Node, ScalarNode
from convcalc.spec.promises import OPTIMIZERS
from convcalc.spec.values import FieldError, Scope, fail, flag, near_key, quoted, whole, word

SWEEP_FIELDS = {
    "vary": "What is varied, by name: {width: 16..64:8, input: [128, 160]}.",
    "where": "What must hold of a design: parameters < 5M.",
    "pareto": "Goals of the front, the most of which is the best behind -: macs,-receptive_field.",
    "sort": "What the best are the first by.",
    "top": "How many of the best are shown.",
    "columns": "What is shown beside what is named elsewhere.",
    "all_rows": "Whether designs that give one network are each shown by itself.",
    "sample": "How many of the designs are gone through; all unless given.",
    "sampling": "How a sample is drawn: random or latin.",
    "seed": "Which sample it is.",
    "batch": "Examples at once, for memory.",
    "dtype": "Data type, for memory.",
    "training": "Whether memory of a training step is meant, too.",
    "optimizer": "The optimizer of that step.",
    "checkpoint": "What runs again in its backward pass: every=2, or names of blocks.",
}
"""Keys of `sweep`, each as the option of `convcalc sweep` of that name."""
SAMPLINGS = ("random", "latin")
"""How a sample may be drawn."""
DTYPES = ("float32", "float16", "bfloat16", "float64", "int8")
"""Data types that memory is worked out for."""
_WHOLE = {"top": 1, "sample": 1, "seed": 0, "batch": 1}
_FLAGS = ("all_rows", "training")
_NAMES = ("pareto", "sort", "columns", "checkpoint")
SWEEP_WORDS = {"sampling": SAMPLINGS, "dtype": DTYPES, "optimizer": OPTIMIZERS}
"""Keys of `sweep` that take one of several words → these."""
_NO_NAMES = Scope({})


class Swept(NamedTuple):
    """What the `sweep` of a spec says."""

    vary: Mapping[str, str | tuple[str, ...]] = MappingProxyType({})
    """By what is varied, its values: as they are written on a command line, or one by one."""
    options: Mapping[str, Any] = MappingProxyType({})
    """The other keys that it has, with their values."""


def read_sweep(findings: Findings, node: Node | None) -> Swept:
    """What a `sweep` says; what has not its form goes to `findings`."""
    report, reader = Reporter(findings), FieldReader(findings)
    said = report.mapping(node, "sweep", "write `sweep: {vary: {width: 16..64:8}}`")
    if said is None:
        return Swept()
    vary: dict[str, str | tuple[str, ...]] = {}
    options: dict[str, Any] = {}
    for key in said.key_nodes():
        name, value = key.text, said.entries[key.text]
        if name not in SWEEP_FIELDS:
            advice, fix = near_key(key, SWEEP_FIELDS, said)
            advice = advice or "it may hold " + ", ".join(SWEEP_FIELDS)
            report.error("CC109", f"sweep has no key {quoted(key)}", key, advice, fix=fix)
            continue
        try:
            if name == "vary":
                vary = _vary(value)
            else:
                options[name] = _option(name, value)
        except FieldError as error:
            reader.report(error, field=f"sweep.{name}")
    return Swept(vary, options)


def _vary(node: Node) -> dict[str, str | tuple[str, ...]]:
    """The axes, by name."""
    if not isinstance(node, Map):
        advice = "write `vary: {width: 16..64:8}`"
        fail("CC107", f"vary is names with values, and this is {quoted(node)}", node, advice)
    axes: dict[str, str | tuple[str, ...]] = {}
    for name, value in node.entries.items():
        if isinstance(value, ScalarNode):
            if not value.text.strip():
                fail("CC107", f"{name} has no values", value, f"write `{name}: [1, 2]`")
            axes[name] = value.text
        elif isinstance(value, List) and value.items:
            axes[name] = tuple(map(_one, value.items))
        else:
            message = f"{name} takes values, and this is {quoted(value)}"
            fail("CC107", message, value, f"write `{name}: [1, 2]` or `{name}: 1..2`")
    return axes


def _one(node: Node) -> str:
    """One value, as one would type it: a shape may be a list of its numbers."""
    if isinstance(node, List):
        texts = [each.text for each in node.items if isinstance(each, ScalarNode)]
        if texts and len(texts) == len(node.items):
            return "x".join(texts)
    if not isinstance(node, ScalarNode) or not node.text.strip():
        advice = "write a number, a word or a shape: 224x224x3"
        fail("CC107", f"a value is a scalar, and this is {quoted(node)}", node, advice)
    return node.text


def _option(name: str, node: Node) -> Any:
    if name in _WHOLE:
        count = whole(node, _NO_NAMES)
        if count < _WHOLE[name]:
            message = f"{name} {count} is below {_WHOLE[name]}"
            fail("CC302", message, node, f"write {_WHOLE[name]} or more")
        return count
    if name in _FLAGS:
        return flag(node, _NO_NAMES)
    if name in SWEEP_WORDS:
        return word(node, _NO_NAMES, SWEEP_WORDS[name])
    if name in _NAMES and isinstance(node, List):
        return ",".join(map(_one, node.items))
    if not isinstance(node, ScalarNode) or not node.text.strip():
        fail("CC107", f"{name} is text, and this is {quoted(node)}", node)
    return node.text
