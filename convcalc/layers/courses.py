"""What attention takes on its way, step by step, as PyTorch does it.

Imported only when memory is asked for; docs/memory.md has where each number comes from.
"""

from math import prod

from convcalc.layers.base import Plan
from convcalc.layers.operations import Array, Course, Layout, Move, Operation, learned
from convcalc.shape import Shape


def attending(x: Shape, plan: Plan, heads: int) -> tuple[Operation, ...]:
    """Attention by one kernel or written out, for one example and for several."""
    length = prod(x.spatial)
    n, s, rows = x.size, heads * length * length, heads * length
    turned: Layout = "channels_last" if x.rank > 1 else "turned"
    wide = 1 < length < n

    def kept(written: bool, several: bool) -> tuple[Array, ...]:  # noqa: FBT001
        arrays = [Array("tokens", n)] if several else []
        arrays.append(Array("queries, keys and values", 3 * n))
        if written:
            arrays += [Array("scaled queries", n), Array("scaled keys", n), Array("softmax", s)]
        arrays.append(Array("means", n))
        if not written:
            arrays.append(Array("logarithms", rows))
        return tuple(each._replace(when="training") for each in arrays)

    def made(written: bool, several: bool) -> Operation:  # noqa: FBT001
        return Operation(
            n,
            keeps="nothing" if several else "input",
            extra=kept(written, several),
            learns=learned(plan),
            precision="low",
            layout=turned if wide else "both",
            course=_course(n, s, rows, plan, written=written, several=several),
        )

    several = made(False, True)._replace(alone=made(False, False))
    written_out = made(True, True)._replace(alone=made(True, False))
    return (several._replace(written_out=written_out),)


def _course(n: int, s: int, rows: int, plan: Plan, *, written: bool, several: bool) -> Course:
    bias = any(weight.name == "in_proj_bias" for weight in plan.weights)
    # Of several examples, rows are copied to stand in order, and the bias is a step of its own.
    copied = [n] if several else []
    gone = [-each for each in copied]
    summed = [3 * n, -3 * n] if several and bias else []
    ordered = [3 * n, -3 * n]
    training = [*copied, 3 * n, *summed, *ordered]
    inference = [*copied, 3 * n, *gone, *summed, *ordered]
    if written:
        training += [n, n, s, s, -s, n, n, -n, n]
        inference += [n, n, s, -n, s, -s, n, -n, -s, -3 * n, n, -n, n, -n]
    else:
        training += [n, rows, n]
        inference += [n, rows, -rows, -3 * n, n, -n]
    out = ["weight out_proj.weight", *(["weight out_proj.bias"] if bias else [])]
    back: list[Move] = []
    back += [n, "incoming"] if several else []
    back += [n, *out]
    back += [-n] if several else ["incoming"]
    if written:
        back += ["kept means", n, s, -n, "kept queries, keys and values", s, -s, "kept softmax"]
        back += [n, n, -s, "kept scaled queries", "kept scaled keys"]
        back += [n, -n] * 4
    else:
        back += [n, n, n, "kept means", "kept queries, keys and values", "kept logarithms", -n]
        back += [n, -n] * 6 if several else []
    back += [3 * n, -n, 3 * n, -n, -3 * n, 3 * n, -n, -3 * n, 3 * n, -3 * n]
    inner = ["weight in_proj_weight", "gradient 0"]
    if bias:
        inner = (
            ["weight in_proj_bias", *inner]
            if several
            else [inner[1], inner[0], "weight in_proj_bias"]
        )
    back += [*inner, -3 * n]
    back += ["kept tokens"] if several else []
    return Course(tuple(training), tuple(inference), tuple(back))
