"""Values of attention: what the heads give at a position, and its projection."""

from typing import cast

from convcalc.explanation.value.base import Array, Asked, Made, Name, Patch, added
from convcalc.layers.attention import Attention


def attention(asked: Asked) -> Made:
    """The means that the heads take at a position, times a row of the out-projection."""
    xp, heads = asked.xp, cast("Attention", asked.layer).heads
    k, width = asked.channel, asked.shapes[0].channels
    depth = width // heads
    at = int(xp.ravel_multi_index(asked.place, asked.sizes))
    query, queries, most = _projected(asked, 0, slice(at, at + 1))
    keys, key, largest = _projected(asked, 1, slice(None))
    values, value, reached = _projected(asked, 2, slice(None))
    keys, values = (each.reshape(-1, heads, depth) for each in (keys, values))
    scores = xp.einsum("hd,lhd->hl", query.reshape(heads, depth), keys) / depth**0.5
    shares = xp.exp(scores - scores.max(1, keepdims=True))
    shares = shares / shares.sum(1, keepdims=True)
    means = xp.einsum("hl,lhd->hd", shares, values).reshape(-1)
    factors = asked.weights["out_proj.weight"][k].astype("float64")
    total = float((means * factors).sum())
    bias: dict[str, float] = {}
    names = {
        "Q": Name(f"({queries}).reshape({heads}, {depth})"),
        "K": Name(f"({key}).reshape(-1, {heads}, {depth})"),
        "U": Name(f"({value}).reshape(-1, {heads}, {depth})"),
        "A": Name(f"np.exp(np.einsum('hd,lhd->hl', Q, K) / np.sqrt({depth}))"),
        "M": Name("np.einsum('hl,lhd->hd', A / A.sum(1, keepdims=True), U).ravel()"),
        f"W{k}": Name(f"out_proj.weight[{k}]"),
    }
    if "out_proj.bias" in asked.weights:
        bias[f"b{k}"] = float(asked.weights["out_proj.bias"][k])
        names[f"b{k}"] = Name(f"out_proj.bias[{k}]", bias[f"b{k}"])
    # How large what is rounded on the way is: projections, scores, and means of values.
    reach = float((most[0] * largest.max(0)).sum()) / depth**0.5
    magnitude = float((reached.max(0) * abs(factors)).sum()) * (1 + reach)
    over = f"means over {len(values):,} positions"
    note = f"M is what the {heads} heads give at position {at}: {over}"
    widest = max(x.channels for x in asked.shapes)
    return Made(
        formula=" + ".join([f"np.sum(M * W{k})", *bias]),
        numbers=added([total, *bias.values()]) if bias else "",
        value=total + sum(bias.values()),
        names=names,
        patch=Patch(means, tuple(range(width)), (), factors),
        summands=bias,
        notes=(f"{note}, weighted by how alike the query is to their keys.",),
        roundings=3 * widest + width + 2 * len(values) + 8,
        magnitude=magnitude + sum(map(abs, bias.values())),
    )


def _projected(asked: Asked, which: int, positions: slice) -> tuple[Array, str, Array]:
    """Queries, keys or values, NumPy's text of them, and how large what they are summed of is.

    They are made of the input of the number that `which` is, or of the last one.
    """
    number, width = min(which, len(asked.xs) - 1), asked.shapes[0].channels
    channels, name = asked.shapes[number].channels, f"X{number + 1}" if len(asked.xs) > 1 else "X"
    index = f"[{positions.start}]" if positions.start is not None else ""
    tokens = asked.xs[number].reshape(-1, channels)[positions].astype("float64")
    rows = slice(which * width, (which + 1) * width)
    at = f"[{rows.start or ''}:{rows.stop}]"
    if "in_proj_weight" in asked.weights:
        weight, text = asked.weights["in_proj_weight"][rows], f"in_proj_weight{at}"
    else:
        text = f"{'qkv'[which]}_proj_weight"
        weight = asked.weights[text]
    weight = weight.astype("float64")
    made, size = tokens @ weight.T, abs(tokens) @ abs(weight).T
    text = f"X.reshape(-1, {channels}){index} @ {text}.T".replace("X", name, 1)
    if "in_proj_bias" in asked.weights:
        bias = asked.weights["in_proj_bias"][rows].astype("float64")
        made, size, text = made + bias, size + abs(bias), f"{text} + in_proj_bias{at}"
    return made, text, size
