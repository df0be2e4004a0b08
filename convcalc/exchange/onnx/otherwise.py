"""Attention that no layer is, and why not: one finding for all operations that it is written as.

What it reads and what is made of it stay layers of their own, so that the weights of linear layers
around it count.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from convcalc.exchange.onnx.attention import RESHAPES, Product, Readers, product_of
from convcalc.exchange.onnx.extents import axis_of
from convcalc.exchange.onnx.moving import LONGEST, VIEWS, numbers
from convcalc.exchange.onnx.operations import Operation
from convcalc.exchange.onnx.patterns import number
from convcalc.exchange.onnx.values import Batch, Dims, Value, shown

MEETING = frozenset({"Add", "Sub", "Mul", "Div", "Where", "Max", "Min", "Sum"})
"""Operators that bring scores together with something else."""
ADDED = "get an array added: "
"""What is said of an array that scores get as it is in the file; windows have theirs as a layer."""
MADE = "get biases that are made of several arrays"
"""What is said of biases that a network makes of positions."""
MOST_BEHIND = 400
"""Most operations that a mask is followed back through."""
ELSE = "it stands between other things than linear layers of as many channels"
"""Why, where nothing else is seen."""


class Unsaid(NamedTuple):
    """Attention that no layer is."""

    sources: list[Value]
    """The tensors that queries, keys and values are cut from."""
    begins: frozenset[int]
    """The identities of the operations that cut them."""
    last: Value
    """What comes out, with the heads together again."""
    length: int
    """How many positions are attended to by each."""
    layout: Any
    """What the axes of `last` are; None where they are the examples, positions and channels."""
    why: str
    """Why no layer is it."""
    origin: str
    """What the file calls it."""
    place: int = -1
    """The place of the operation that makes `last`, once it is known."""

    @property
    def attributes(self) -> dict[str, Any]:
        """What is said of the operation that takes its place."""
        return {"refused": self.why, "written": self.written()}

    def written(self) -> Counter[str]:
        """The operators between what queries, keys and values are cut from and what comes out.

        None of more than can be looked at, of which not all would be counted.
        """
        sources = {id(each) for each in self.sources}
        behind: dict[int, Operation] = {}
        waiting = [self.last]
        while waiting and len(behind) < MOST_BEHIND:
            value = waiting.pop()
            op = value.operation
            if id(value) in sources or op is None or id(op) in behind:
                continue
            behind[id(op)] = op
            waiting += [each for each in op.inputs if each is not None and each.constant is None]
        if waiting:
            return Counter()
        within: set[int] = set()
        while more := {
            at
            for at, op in behind.items()
            if at not in within
            and any(
                each is not None and (id(each) in sources or id(each.operation) in within)
                for each in op.inputs
            )
        }:
            within |= more
        return Counter(behind[at].title for at in within)

    @property
    def apart(self) -> bool:
        """Whether its rows are of parts of examples, as windows are."""
        dims = self.last.dims or ()
        return self.layout is None and isinstance(dims[0], Batch) and dims[0] != Batch()


class _Stem(NamedTuple):
    """Where queries, keys or values come from."""

    source: Value
    """The tensor that they are cut from."""
    begins: Operation | None
    """The first operation that cuts it."""
    unit: bool
    """Whether each of them has length 1."""


def otherwise(op: Operation, readers: Readers, why: str = "") -> Unsaid | None:
    """The attention around a softmax, or that ONNX's own operator is, which no layer is.

    None where there is none, and where it has one head: then its products are layers. `why` says
    why no layer is it; it is looked for where it is empty.
    """
    return _whole(op, readers, why) if op.name == "Attention" else _around(op, readers, why)


def _around(softmax: Operation, readers: Readers, why: str) -> Unsaid | None:
    """The attention around a softmax."""
    scores = softmax.input(0)
    rank = len((scores.dims if scores is not None else None) or ())
    axis = softmax.attributes.get("axis", -1 if softmax.version >= 13 else 1)
    if rank < len("ij") or axis_of(axis, rank) != rank - 1:
        return None
    reasons: list[str] = []
    product = _behind(scores, reasons, LONGEST)
    context = _context(softmax.outputs[0], readers, reasons)
    if product is None or context is None or not _many(product.operation.outputs[0].dims):
        return None
    stems = [_stem(each) for each in (*product.sides, context.sides[1]) if each is not None]
    if all(stem.unit for stem in stems[:2]):
        reasons.insert(0, "are cosines of queries and keys")
    keys = numbers(product.operation.outputs[0].dims)[-1]
    origin = product.operation.origin
    return _made(stems, context.operation.outputs[0], readers, keys, why or _said(reasons), origin)


def _whole(op: Operation, readers: Readers, why: str) -> Unsaid | None:
    """ONNX's own operator."""
    sides = [each for each in op.inputs[:3] if each is not None and each.dims is not None]
    if len(sides) < len("qkv") or any(each.uses for each in op.outputs[1:]):
        return None
    given = op.attributes
    reasons = []
    if given.get("is_causal"):
        reasons.append("are those of positions that see none behind them")
    mask = op.input(3)
    if mask is not None:
        reasons.append(_hung("get a mask", [mask]))
    if given.get("softcap"):
        reasons.append("are bounded by `softcap`")
    if any(each is not None for each in op.inputs[4:]):
        reasons.append("are of keys from before, too")
    keys = numbers(sides[1].dims)[-2]
    stems = [_stem(each) for each in sides]
    return _made(stems, op.outputs[0], readers, keys, why or _said(reasons), op.origin)


def _made(
    stems: Sequence[_Stem], out: Value, readers: Readers, length: int, why: str, origin: str
) -> Unsaid | None:
    last, layout = _end(out, readers)
    sources = {id(each.source): each.source for each in stems if each.source.constant is None}
    if not sources or last.dims is None or not last.dims:
        return None
    begins = frozenset(id(each.begins) for each in stems if each.begins is not None)
    return Unsaid(
        sources=[*sources.values()],
        begins=begins,
        last=last,
        length=length,
        layout=layout,
        why=why,
        origin=origin,
    )


def _said(reasons: Sequence[str]) -> str:
    """Reasons as one clause, each once; of arrays that are added only where they are all."""
    every = dict.fromkeys(reasons)
    others = [each for each in every if each != MADE and not each.startswith(ADDED)]
    *first, last = others or [*every] or [ELSE]
    if last == ELSE:
        return last
    return f"its scores {', '.join(first)} and {last}" if first else f"its scores {last}"


def _many(dims: Dims | None) -> bool:
    """Whether there are several matrices for each example."""
    count = 1
    for extent in (dims or ())[:-2]:
        count *= extent.times if isinstance(extent, Batch) else extent
    return count > 1


# On the way to the products


def _stem(value: Value) -> _Stem:
    """Where a side of a product comes from, through what moves values and numbers that scale it."""
    begins, unit = None, False
    for _ in range(LONGEST):
        op = value.operation
        if op is None or op.domain or op.malformed:
            break
        following = op.input(0)
        if op.name in ("Mul", "Div"):
            scaled = [each for each in op.inputs if number(each) is None]
            following = scaled[0] if len(scaled) == 1 else None
            if op.name == "Div" and following is not op.input(0):
                break
        elif op.name == "LpNormalization":
            unit = True
        elif op.name not in VIEWS:
            break
        if following is None or following.constant is not None:
            break
        begins, value = op, following
    return _Stem(value, begins, unit)


def _behind(value: Value | None, reasons: list[str], left: int) -> Product | None:
    """The product that scores are made of, and what else they are; None where there is none."""
    op = None if value is None else value.operation
    if op is None or not left or op.domain or op.malformed or (value is not None and value.number):
        return None
    if op.name in ("MatMul", "Einsum"):
        product = product_of(op)
        plain = product is not None and all(
            each is not None and each.constant is None for each in product.sides
        )
        return product if plain else None
    if op.name in RESHAPES:
        return _behind(op.input(0), reasons, left - 1)
    tensors = [each for each in op.inputs if each is not None and each.constant is None]
    if op.name not in MEETING:
        if len(tensors) != 1:
            return None
        product = _behind(tensors[0], reasons, left - 1)
        if product is not None:
            reasons.append(f"go through {op.name}")
        return product
    for each in tensors if op.name != "Where" else tensors[-2:]:
        product = _behind(each, reasons, left - 1)
        if product is not None:
            others = [other for other in op.inputs if other is not each and other is not None]
            reasons += _met(op, others)
            return product
    return None


def _met(op: Operation, others: Sequence[Value]) -> list[str]:
    """What scores become by what they meet; nothing where they are only scaled by a number."""
    if op.name == "Where":
        return [_hung("get a mask", others[:1])]
    if op.name in ("Mul", "Div"):
        if all(number(each) is not None for each in others):
            return []
        return [_hung("are multiplied by an array", others)]
    known = [each for each in others if each.constant is not None]
    if known and op.name == "Add":
        if known[0].constant is not None and known[0].constant.mixed:
            return [MADE]
        nothing = all(number(each) == 0 for each in known)
        return [] if nothing else [f"{ADDED}{shown(known[0].dims)}"]
    return [_hung("get a mask" if _inputs_of(others) else "get biases", others)]


def _hung(what: str, values: Sequence[Value]) -> str:
    """What scores become by tensors, and of which inputs of the network those are made."""
    names = _inputs_of(values)
    if not names:
        return what
    several = "inputs" if len(names) > 1 else "input"
    return f"{what}, of the {several} {', '.join(f'`{name[:60]}`' for name in names)}"


def _inputs_of(values: Sequence[Value]) -> list[str]:
    """The inputs of the network that tensors are made of, as far as they are followed."""
    waiting, seen, names = list(values), set[int](), dict[str, None]()
    while waiting and len(seen) < MOST_BEHIND:
        value = waiting.pop()
        if id(value) in seen or value.constant is not None:
            continue
        seen.add(id(value))
        if value.operation is None:
            names[value.name] = None
        else:
            waiting += [each for each in value.operation.inputs if each is not None]
    return sorted(names)


# On the way from there


def _context(shares: Value, readers: Readers, reasons: list[str]) -> Product | None:
    """The product of the shares with values."""
    for _ in range(LONGEST):
        leads = [op for _, op in readers.get(id(shares), ())]
        products = [op for op in leads if op.name in ("MatMul", "Einsum")]
        others = [op for op in leads if op not in products]
        if products:
            if others:
                reasons.append(f"are read by {others[0].name}, too")
            product = product_of(products[0], after=shares)
            right = product is not None and product.sides[0] is shares
            return product if right and product is not None and product.sides[1] else None
        following = [op for op in others if op.name != "IsNaN"]
        if len(following) != 1 or following[0].domain or following[0].malformed:
            return None
        if following[0].name not in (*RESHAPES, "Where"):
            reasons.append(f"go through {following[0].name} behind the softmax")
        shares = following[0].outputs[0]
    return None


def _end(value: Value, readers: Readers) -> tuple[Value, Any]:
    """What comes out with the heads together again, and what its axes are where two are one."""
    layout = None
    for _ in range(LONGEST):
        known = readers.get(id(value), ())
        following = known[0][1] if len(known) == 1 and value.uses == 1 else None
        if following is None or following.name not in VIEWS or following.domain:
            break
        before, value = value, following.outputs[0]
        layout = _merged(before.dims, value.dims)
    return value, layout


def _merged(before: Dims | None, dims: Dims | None) -> Any:
    """What the axes of rows are whose positions and examples were two axes; None of others."""
    if not before or not dims or len(dims) != len("rc") or not isinstance(dims[0], Batch):
        return None
    positions = dims[0].times
    if before[0] == positions and len(before) > len(dims) and isinstance(before[1], Batch):
        return ((1, -1), 0)
    if before[0] == Batch() and before[1] == positions and len(before) > len(dims):
        return ((-1, 1), 0)
    return None
