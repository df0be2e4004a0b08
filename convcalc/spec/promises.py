"""What a spec promises of its network: `expect` and `budget`, read and validated here."""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from convcalc.findings import Findings
from convcalc.shape import Shape
from convcalc.spec.fields import FieldReader
from convcalc.spec.nodes import List, Map, Node, ScalarNode
from convcalc.spec.values import (
    FieldError,
    Scope,
    axes,
    fail,
    flag,
    near_key,
    quoted,
    read_shape,
    whole,
    word,
)

if TYPE_CHECKING:
    from convcalc.spec.progressions import Part

OPTIMIZERS = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw")
EXPECTATIONS = {
    "parameters": "Number of parameters.",
    "buffers": "Number of buffer values (running statistics).",
    "macs": "Multiply-accumulates for one example.",
    "flops": "Floating-point operations for one example: 2 × MACs.",
    "activations": "Values of the input and of every output with storage of its own.",
    "output": "Shape of the output, the first of several: 1000, or 7x7x512, or <= 7x7x512.",
    "outputs": "Shapes of outputs by the names that `outputs` gives them: {p3: 80x80x256}.",
    "receptive_field": "Receptive field of the last layer that has one, per axis or for all: >= 5.",
    "memory": "Bytes: of inference, or of training at a batch and optimizer.",
    "sizes": "Sizes of the input that drop nothing, per axis or for all: '32*k, k >= 1'.",
    "layers": "Output shapes of layers and groups by name: {conv1: 55x55x96}.",
    "counts": "What other tools count, by their names: {fvcore: 4111512576, thop: '~4.13G'}.",
}
TOOLS = (
    *("fvcore", "torchinfo", "thop", "ultralytics", "torchprofile", "flopcounter"),
    *("flopcounter:cpu", "ptflops", "ptflops:aten", "calflops", "deepspeed", "tensorflow", "timm"),
)
"""Tools whose counts may be expected; `analysis.conventions` says what they count."""
BUDGETS = {
    "parameters": "Most parameters.",
    "macs": "Most multiply-accumulates for one example.",
    "flops": "Most floating-point operations for one example.",
    "activations": "Most values stored.",
    "largest_tensor": "Most values in one tensor.",
    "memory": "Most bytes: {limit: 12GiB, batch: 32, training: true, optimizer: adam}.",
    "arena": "Most bytes of the head of a small device's arena, in int8: 256KiB.",
    "flash": "Most bytes of weights in flash, in int8 with int32 biases and scales: 1MiB.",
}
DEVICE = ("arena", "flash")
"""Budgets of a small device, in bytes."""
MEMORY_FIELDS = {
    "limit": "Bytes, with unit: 12GiB.",
    "batch": "Examples at once; 1 unless given.",
    "training": "Memory of a training step; otherwise of inference.",
    "optimizer": "The optimizer whose state is held: " + ", ".join(OPTIMIZERS) + ".",
    "checkpoint": "What runs again in training: every=4, names, or, in a budget, auto: what fits.",
}
_OF_TRAINING = {
    "optimizer": "inference takes no step",
    "checkpoint": "inference keeps nothing",
}
AUTO = "auto"
"""The checkpoint that is whichever fits into the limit."""

LEAST_BYTES = 1024
"""Fewer bytes are no limit that anybody means who gives no unit."""
_UNITS = {
    "": 1,
    "k": 10**3,
    "K": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "ki": 2**10,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}
_QUANTITY = r"(\d{1,18})(?:\.(\d{1,12}))?\s*([kKMGT]i?)?(B)?\Z"
_BYTES = r"(?<![\w.])(\d[\d.]*)\s*([kKMGT]i?)?B\b"
_EVERY = r"every=\s*0*[1-9]\d{0,8}\Z"
_RANGE = r"(.+?)\s*(?:\.\.|\bto\b|±|\+/-)\s*(.+)\Z"


class Quantity(NamedTuple):
    """A range that a number must lie in, both ends included; None is open."""

    minimum: int | None
    """The least that is in the range; None is open."""
    maximum: int | None
    """The most that is in the range; None is open."""
    text: str
    """As it was written, to show in messages."""

    def holds(self, value: int) -> bool:
        """Whether `value` lies in the range.

        >>> Quantity(None, 16, "<= 16").holds(17)
        False
        """
        return (self.minimum is None or value >= self.minimum) and (
            self.maximum is None or value <= self.maximum
        )


class Extents(NamedTuple):
    """A range for each extent, both ends included; None is open."""

    minimum: tuple[int, ...] | None
    """The least of each extent; None is open for all of them."""
    maximum: tuple[int, ...] | None
    """The most of each extent; None is open for all of them."""
    text: str
    """As it was written, to show in messages."""

    @property
    def rank(self) -> int:
        """How many extents it is about."""
        return len(self.minimum or self.maximum or ())

    def excess(self, values: tuple[int, ...]) -> tuple[int, ...]:
        """How far each value is above its range, or, negative, below; one range may be for all.

        >>> Extents(None, (7, 7, 512), "<= 7x7x512").excess((8, 7, 500))
        (1, 0, 0)
        """
        wide = len(values) // self.rank
        low = values if self.minimum is None else self.minimum * wide
        high = values if self.maximum is None else self.maximum * wide
        return tuple(
            min(value - least, 0) or max(value - most, 0)
            for value, least, most in zip(values, low, high, strict=True)
        )


class MemoryTerms(NamedTuple):
    """A promise about memory, and under which terms it holds."""

    quantity: Quantity
    """The range of bytes that the peak must lie in."""
    batch: int = 1
    """For how many examples at once that holds."""
    training: bool = False
    """Whether a training step is meant; otherwise inference."""
    optimizer: str = "sgd"
    """What steps in training, one of `OPTIMIZERS`."""
    checkpoint: str = ""
    """What runs again in training, as `--checkpoint` takes it; empty is nothing."""


class SizeLaws(NamedTuple):
    """The sizes of the input with which no layer drops a row."""

    laws: "tuple[tuple[Part, ...], ...]"
    """The parts of each law: one for every axis, or one for each."""
    text: str
    """As it was written, to show in messages."""


class Promise(NamedTuple):
    """One line of `expect` or `budget`."""

    name: str
    """Which quantity it is about: `parameters`, `memory`, `output`."""
    wanted: Quantity | Shape | Extents | MemoryTerms | SizeLaws | int | tuple[int, ...]
    """What must hold: a range, a shape, ranges of extents, a receptive field for all axes, or laws
    of sizes."""
    node: Node
    """Where it is written: the value behind the key."""
    layer: str | None = None
    """Full name of the layer meant, or the name of the output, for shapes by name."""
    named: Node | None = None
    """Where that name stands."""


def promise_code(promise: Promise, *, budget: bool) -> str:
    """The code of the finding where a promise is not kept."""
    if isinstance(promise.wanted, MemoryTerms):
        return "CC512" if budget else "CC504"
    if promise.name in DEVICE:
        return "CC512"
    if budget:
        return "CC511"
    if isinstance(promise.wanted, SizeLaws):
        return "CC506"
    if isinstance(promise.wanted, Quantity):
        return "CC501"
    return "CC502" if promise.name in ("output", "outputs", "layers") else "CC503"


class Promises(NamedTuple):
    """Everything a spec promises."""

    expect: tuple[Promise, ...] = ()
    """What must hold, from `expect`, in the order in which it is written."""
    budget: tuple[Promise, ...] = ()
    """Limits, from `budget`, in the order in which they are written."""


def amount(text: str, *, round_up: bool) -> int | None:
    """A number with a unit, as an integer; None when it is none.

    >>> amount("138.4M", round_up=False)
    138400000
    >>> amount("12GiB", round_up=False)
    12884901888
    """
    text = text.strip()
    if len(text) <= 18 and text.isascii() and text.isdecimal():
        return int(text)
    match = re.match(_QUANTITY, text, re.ASCII)
    if match is None:
        return None
    integer, fraction, unit = match[1], match[2] or "", match[3] or ""
    factor = _UNITS[unit]
    scaled: int = int(integer + fraction) * factor
    denominator: int = 10 ** len(fraction)
    return -(-scaled // denominator) if round_up else scaled // denominator


OUTSIDE = Scope({})
"""What limits may name that stand in no spec: nothing."""


def quantity(node: Node, scope: Scope, *, limit: bool, memory: bool = False) -> Quantity:
    """A number, or a range: `16G`, `<= 16G`, `1M..2M`, `138.4M ± 0.1M`.

    Where a `limit` is wanted, a number alone is the most there may be. Only `memory` is in bytes.
    """
    if not isinstance(node, ScalarNode):
        fail("CC120", f"this takes a number such as 16G, and is {quoted(node)}", node)
    text = node.text.strip()
    if not memory and "B" in text and (written := re.search(_BYTES, text, re.ASCII)):
        fail(
            "CC120",
            f"{written[0]} is in bytes, and this is no amount of memory",
            node,
            f"write {written[1]}{written[2] or 'G'}"
            + ("" if written[2] else f" for {written[1]} billion"),
        )
    for sign in ("<=", ">=", "<", ">", "≤", "≥"):
        if text.startswith(sign):
            value = _required(text[len(sign) :], node, scope, round_up=sign in (">=", "<", "≥"))
            if sign in (">=", ">", "≥"):
                return Quantity(value + (sign == ">"), None, text)
            return Quantity(None, value - (sign == "<"), text)
    match = None if text.isalnum() else re.match(_RANGE, text, re.ASCII | re.DOTALL)
    if match is not None:
        first, second = match.groups()
        if "±" in text or "+/-" in text:
            middle = _required(first, node, scope, round_up=False)
            spread = _required(second, node, scope, round_up=False)
            return Quantity(middle - spread, middle + spread, text)
        low = _required(first, node, scope, round_up=True)
        high = _required(second, node, scope, round_up=False)
        if low > high:
            fail("CC120", f"the range {text} is empty", node, "put the smaller number first")
        return Quantity(low, high, text)
    value = _required(text, node, scope, round_up=False)
    if not limit and not memory and value != _required(text, node, scope, round_up=True):
        fail("CC120", f"{quoted(node)} is no whole number", node, "write all of its digits")
    return Quantity(None if limit else value, value, text)


def _required(text: str, node: ScalarNode, scope: Scope, *, round_up: bool) -> int:
    value = amount(text, round_up=round_up)
    if value is None and text.strip()[:1].isdigit() and text.strip()[-1:].isalpha():
        fail(
            "CC120",
            f"{quoted(node)} is no number with a unit",
            node,
            "units are k, M, G and T, for bytes also KiB, MiB, GiB and TiB",
        )
    if value is None:
        try:
            value = whole(node._replace(text=text.strip()), scope, "a number such as 16G or 12GiB")
        except FieldError as error:
            if scope is not OUTSIDE or error.problem.code != "CC111":
                raise
            fail("CC120", f"{quoted(node)} is no number", node, "write one such as 16G")
    return value


def read_promises(
    findings: Findings, expect: Node | None, budget: Node | None, scope: Scope, reader: FieldReader
) -> Promises:
    """Read `expect` and `budget`; what is wrong with them goes to `findings`."""
    return Promises(
        tuple(_read(findings, "expect", expect, EXPECTATIONS, scope, reader)),
        tuple(_read(findings, "budget", budget, BUDGETS, scope, reader)),
    )


def _read(
    findings: Findings,
    key: str,
    node: Node | None,
    known: dict[str, str],
    scope: Scope,
    reader: FieldReader,
) -> list[Promise]:
    if node is None:
        return []
    if not isinstance(node, Map):
        findings.report(
            "CC120",
            f"{key} is a mapping, and this is {quoted(node)}",
            node.start,
            node.end,
            f"write `{key}: {{parameters: 138357544}}`",
        )
        return []
    promises: list[Promise] = []
    for name in node.key_nodes():
        if findings.full:
            break
        if name.text not in known:
            advice, fix = near_key(name, known, node)
            advice = advice or "it may hold " + ", ".join(known)
            message = f"{key} has no key {quoted(name)}"
            findings.report("CC109", message, name.start, name.end, advice, fix=fix)
            continue
        value = node.entries[name.text]
        try:
            promises.extend(_promise(name.text, value, scope, limit=key == "budget"))
        except FieldError as error:
            reader.report(error, field=f"{key}.{name.text}")
    return promises


def _promise(name: str, node: Node, scope: Scope, *, limit: bool) -> list[Promise]:
    if name == "output":
        return [Promise(name, _shape(node, scope), node)]
    if name == "receptive_field":
        return [Promise(name, _ranges(node, scope, _field) or axes(node, scope), node)]
    if name in ("layers", "outputs"):
        if not isinstance(node, Map):
            fail("CC120", f"this takes names and shapes, and is {quoted(node)}", node)
        return [
            Promise(
                "output" if name == "layers" else name,
                _shape(node.entries[key.text], scope),
                node.entries[key.text],
                key.text,
                key,
            )
            for key in node.key_nodes()
        ]
    if name == "counts":
        return _counts(node, scope)
    if name == "sizes":
        return [Promise(name, _sizes(node), node)]
    if name == "memory":
        terms = node.items if isinstance(node, List) else [node]
        return [Promise(name, _memory(term, scope, limit=limit), term) for term in terms]
    return [Promise(name, amounts(node, scope, limit=limit, memory=name in DEVICE), node)]


def _counts(node: Node, scope: Scope) -> list[Promise]:
    """What each tool is expected to count."""
    if not isinstance(node, Map):
        fail("CC120", f"this takes tools and numbers, and is {quoted(node)}", node)
    promises = []
    for key in node.key_nodes():
        if key.text not in TOOLS:
            advice, fix = near_key(key, TOOLS, node)
            advice = advice or f"the tools are {', '.join(TOOLS)}"
            fail("CC109", f"no tool is called {quoted(key)}", key, advice, fix)
        value = node.entries[key.text]
        promises.append(Promise("counts", rounded(value, scope), value, key.text, key))
    return promises


def rounded(node: Node, scope: Scope) -> Quantity:
    """A number, or a range, as `quantity` reads them; or what a number is when it is rounded.

    Behind `~` stands a number as it was published: all are in the range that are this number when
    they are rounded to its last digit, a half up or down.

    >>> rounded(ScalarNode("~4.13G", 0, 6), Scope({}))
    Quantity(minimum=4125000000, maximum=4135000000, text='~4.13G')
    """
    text = node.text.strip() if isinstance(node, ScalarNode) else ""
    if not text.startswith(("~", "≈")):
        return quantity(node, scope, limit=False)
    match = re.match(_QUANTITY, text[1:].strip(), re.ASCII)
    if match is None or match[4] or "i" in (match[3] or ""):
        fail(
            "CC120",
            f"{quoted(node)} is no number as it was published",
            node,
            "write one with its digits, and k, M, G or T: ~4.13G",
        )
    integer, fraction, factor = match[1], match[2] or "", _UNITS[match[3] or ""]
    twice, digits = 2 * int(integer + fraction) * factor, 10 ** len(fraction)
    low, high = twice - factor, twice + factor  # twice what is half a last digit away
    least, most = -(-low // (2 * digits)), high // (2 * digits)
    if least > most:
        fail("CC120", f"no whole number is {quoted(node)}", node, "write fewer digits, or its unit")
    return Quantity(least, most, text)


def amounts(node: Node, scope: Scope, *, limit: bool, memory: bool = False) -> Quantity:
    """A number or a range, as `quantity` has it, that may be meant.

    A `limit` is 0 or more, and of few bytes it says that they are bytes.
    """
    bounds = quantity(node, scope, limit=limit, memory=memory)
    if limit and bounds.maximum is not None and bounds.maximum < 0:
        fail(
            "CC120", f"a limit is 0 or more, and this is {bounds.text}", node, "write a larger one"
        )
    if limit and memory and bounds.maximum is not None and 0 < bounds.maximum < LEAST_BYTES:
        number = re.search(r"\d[\d.]*\Z", bounds.text)
        if number is not None:
            advice = f"write {number[0]}GiB or {number[0]}MB, or {number[0]}B for bytes"
            fail("CC120", f"{bounds.text} has no unit, and would be bytes", node, advice)
    return bounds


def _shape(node: Node, scope: Scope) -> Shape | Extents:
    return _ranges(node, scope, _written) or read_shape(node, scope)


def _written(node: Node, scope: Scope) -> tuple[int, ...]:
    shape = read_shape(node, scope)
    return (*shape.spatial, shape.channels)


def _field(node: Node, scope: Scope) -> tuple[int, ...]:
    extents = axes(node, scope)
    return extents if isinstance(extents, tuple) else (extents,)


def _ranges(
    node: Node, scope: Scope, read: Callable[[Node, Scope], tuple[int, ...]]
) -> Extents | None:
    """Extents within bounds, each by itself: `<= 7x7x512`, `4x4..6x6`; None for anything else."""
    if not isinstance(node, ScalarNode):
        return None
    text = node.text.strip()

    def bound(part: str) -> tuple[int, ...]:
        return read(node._replace(text=part.strip(), plain=True), scope)

    for sign in ("<=", ">=", "<", ">", "≤", "≥"):
        if text.startswith(sign):
            values = bound(text[len(sign) :])
            if sign in (">=", ">", "≥"):
                return Extents(tuple(one + (sign == ">") for one in values), None, text)
            return Extents(None, tuple(one - (sign == "<") for one in values), text)
    between = r"(.+?)\s*(?:\.\.|\bto\b)\s*(.+)\Z"
    match = None if text.isalnum() else re.match(between, text, re.ASCII | re.DOTALL)
    if match is None:
        return None
    low, high = bound(match[1]), bound(match[2])
    if len(low) != len(high):
        message = f"the range {text} starts with {len(low)} extents and ends with {len(high)}"
        fail("CC120", message, node, "write as many on both sides: 4x4..6x6")
    if any(least > most for least, most in zip(low, high, strict=True)):
        fail("CC120", f"the range {text} is empty", node, "put the smaller number first")
    return Extents(low, high, text)


def _sizes(node: Node) -> SizeLaws:
    """A law, or one for each axis."""
    from convcalc.spec.progressions import parse_parts  # which few specs have

    items = node.items if isinstance(node, List) else (node,)
    laws = []
    for item in items:
        if not isinstance(item, ScalarNode):
            fail("CC120", f"this takes a law such as 32*k, k >= 1, and is {quoted(item)}", item)
        if re.search(r"\dk\b", item.text, re.ASCII):
            right = re.sub(r"(\d)k\b", r"\1*k", item.text)
            message = f"{quoted(item)} has a number with the unit k, a thousand"
            fail("CC120", message, item, f"write the sign of a product: {right}")
        try:
            laws.append(parse_parts(item.text))
        except ValueError as error:
            advice = "write '32*k, k >= 1', '188 + 16*k, k >= 0', '5..9', or several with `or`"
            fail("CC120", str(error), item, advice)
    if not laws:
        fail("CC120", f"this takes a law such as 32*k, k >= 1, and is {quoted(node)}", node)
    texts = [" ".join(item.text.split()) for item in items if isinstance(item, ScalarNode)]
    return SizeLaws(tuple(laws), ", then ".join(texts))


def _memory(node: Node, scope: Scope, *, limit: bool) -> MemoryTerms:
    if not isinstance(node, Map):
        return MemoryTerms(amounts(node, scope, limit=limit, memory=True))
    for key in node.key_nodes():
        if key.text not in MEMORY_FIELDS:
            advice, fix = near_key(key, MEMORY_FIELDS, node)
            advice = advice or "it may hold " + ", ".join(MEMORY_FIELDS)
            fail("CC109", f"memory has no key {quoted(key)}", key, advice, fix)
    entries = node.entries
    if "limit" not in entries:
        fail("CC115", "memory needs a `limit`", node, "add it: `limit: 12GiB`")
    batch = whole(entries["batch"], scope) if "batch" in entries else 1
    if batch < 1:
        fail("CC302", f"batch {batch} is below 1", entries["batch"], "use 1 or more")
    terms = MemoryTerms(
        amounts(entries["limit"], scope, limit=limit, memory=True),
        batch,
        flag(entries["training"], scope) if "training" in entries else False,
        word(entries["optimizer"], scope, OPTIMIZERS) if "optimizer" in entries else "sgd",
        _checkpoint(entries["checkpoint"]) if "checkpoint" in entries else "",
    )
    _refuse_idle(node, terms, limit=limit)
    return terms


def _checkpoint(node: Node) -> str:
    """What runs again: names, each a text of its own or behind a comma, or one word."""
    advice = "write auto, every=4, or names of blocks or layers: [stage1, conv3..relu5]"
    names: list[str] = []
    for item in node.items if isinstance(node, List) else (node,):
        if not isinstance(item, ScalarNode):
            fail("CC107", f"this takes what runs again, and is {quoted(item)}", item, advice)
        if item.plain and item.text.strip().isdecimal():
            message = f"this takes what runs again, and is {quoted(item)}"
            fail("CC107", message, item, f"write every={item.text.strip()}")
        names += (name.strip() for name in item.text.split(",") if name.strip())
    alone = names == [AUTO] or (len(names) == 1 and re.match(_EVERY, names[0], re.ASCII))
    if not names or (not alone and any("=" in name or name == AUTO for name in names)):
        fail("CC107", f"this takes what runs again, and is {quoted(node)}", node, advice)
    return ",".join(names)


def _refuse_idle(node: Map, terms: MemoryTerms, *, limit: bool) -> None:
    """Fail where what is said of a training step changes nothing, or has nothing to fit into."""
    for key in node.key_nodes():
        if key.text in _OF_TRAINING and not terms.training:
            why = _OF_TRAINING[key.text]
            message = f"{key.text} changes nothing without `training: true`: {why}"
            fail("CC120", message, key, "add `training: true`, or remove it")
    if terms.checkpoint != AUTO:
        return
    [key] = (key for key in node.key_nodes() if key.text == "checkpoint")
    if not limit:
        message = "the checkpoint auto is what fits into a limit, and this is expected exactly"
        fail("CC120", message, key, "write it in `budget`, or name here what runs again")
    if terms.quantity.minimum is not None or terms.quantity.maximum is None:
        message = f"the checkpoint auto is what fits into a limit, and {terms.quantity.text} is "
        message += "not the most there may be"
        fail("CC120", message, node.entries["limit"], "write the most alone: 8GiB")


def limits(values: Mapping[str, object]) -> tuple[Promise, ...]:
    """Limits that were written outside a spec, as its `budget` would hold them.

    Raises `FieldError` for what is none. The node of each holds what was written.

    >>> limits({"parameters": "5M"})[0].wanted.maximum
    5000000
    """
    return tuple(
        promise
        for name, value in values.items()
        for promise in _promise(name, _as_node(value), OUTSIDE, limit=True)
    )


def _as_node(value: object) -> Node:
    """A plain value as a node, without a place."""
    if isinstance(value, Mapping):
        entries = {str(key): _as_node(inner) for key, inner in value.items()}
        return Map.at(entries, (0,) * len(entries), 0, 1)
    if isinstance(value, list | tuple):
        return List.at(tuple(map(_as_node, value)), 0, 1)
    if not isinstance(value, str | int | float):
        message = f"this takes a number or text, and is a {type(value).__name__}"
        fail("CC120", message, ScalarNode(str(value), 0, 1))
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return ScalarNode(text, 0, 1)
