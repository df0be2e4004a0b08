"""Values of attention: what the heads give at a position, and its projection."""

from typing import NamedTuple, cast

from convcalc.explanation.value.base import Array, Asked, Made, Name, Patch, added
from convcalc.explanation.value.scores import Scored, scored
from convcalc.layers.attention import Attention


class Rows(NamedTuple):
    """Queries, keys or values: what a projection makes of some positions."""

    array: Array
    """One row a position, of as many channels as queries have."""
    text: str
    """The same as NumPy has it."""
    sizes: Array
    """How large what each is summed of is."""


def attention(asked: Asked) -> Made:
    """The means that the heads take at a position, times a row of the out-projection."""
    xp, heads = asked.xp, cast("Attention", asked.layer).heads
    k, width = asked.channel, asked.shapes[0].channels
    depth = width // heads
    part = scored(asked)
    query = _projected(asked, part, 0, slice(part.at, part.at + 1))
    key, value = (_projected(asked, part, which, slice(None)) for which in (1, 2))
    keys, values = (each.array.reshape(-1, heads, depth) for each in (key, value))
    scores = xp.einsum("hd,lhd->hl", query.array.reshape(heads, depth), keys) / depth**0.5
    scores = scores + part.added
    shares = xp.exp(scores - scores.max(1, keepdims=True))
    shares = shares / shares.sum(1, keepdims=True)
    means = xp.einsum("hl,lhd->hd", shares, values).reshape(-1)
    factors = asked.weights["out_proj.weight"][k].astype("float64")
    total = float((means * factors).sum())
    bias: dict[str, float] = {}
    sum_text = " + ".join([f"np.einsum('hd,lhd->hl', Q, K) / np.sqrt({depth})", *part.terms])
    names = {
        **part.names,
        "Q": Name(f"({query.text}).reshape({heads}, {depth})"),
        "K": Name(f"({key.text}).reshape(-1, {heads}, {depth})"),
        "U": Name(f"({value.text}).reshape(-1, {heads}, {depth})"),
        "A": Name(f"np.exp({sum_text})"),
        "M": Name("np.einsum('hl,lhd->hd', A / A.sum(1, keepdims=True), U).ravel()"),
        f"W{k}": Name(f"out_proj.weight[{k}]"),
    }
    if "out_proj.bias" in asked.weights:
        bias[f"b{k}"] = float(asked.weights["out_proj.bias"][k])
        names[f"b{k}"] = Name(f"out_proj.bias[{k}]", bias[f"b{k}"])
    # How large what is rounded on the way is: projections, scores, and means of values.
    reach = float((query.sizes[0] * key.sizes.max(0)).sum()) / depth**0.5
    reach += float(abs(part.added).max()) if part.terms else 0.0
    magnitude = float((value.sizes.max(0) * abs(factors)).sum()) * (1 + reach)
    over = f"means over {len(values):,} positions{part.said}"
    note = f"M is what the {heads} heads give at position {part.at}: {over}"
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


def _projected(asked: Asked, part: Scored, which: int, positions: slice) -> Rows:
    """Queries, keys or values, as 0, 1 or 2 says, made of the input of that number, or the last."""
    number, width = min(which, len(part.tokens) - 1), asked.shapes[0].channels
    index = f"[{positions.start}]" if positions.start is not None else ""
    tokens = part.tokens[number][positions].astype("float64")
    rows = slice(which * width, (which + 1) * width)
    at = f"[{rows.start or ''}:{rows.stop}]"
    if "in_proj_weight" in asked.weights:
        weight, text = asked.weights["in_proj_weight"][rows], f"in_proj_weight{at}"
    else:
        text = f"{'qkv'[which]}_proj_weight"
        weight = asked.weights[text]
    weight = weight.astype("float64")
    made, sizes = tokens @ weight.T, abs(tokens) @ abs(weight).T
    text = f"{part.read[number]}{index} @ {text}.T"
    if "in_proj_bias" in asked.weights:
        bias = asked.weights["in_proj_bias"][rows].astype("float64")
        made, sizes, text = made + bias, sizes + abs(bias), f"{text} + in_proj_bias{at}"
    return Rows(made, text, sizes)
