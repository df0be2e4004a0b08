"""Values of attention: what the heads give at a position, and its projection."""

from typing import cast

from convcalc.explanation.value.base import Asked, Made, Name, Patch, added


def attention(asked: Asked) -> Made:
    """The means that the heads take at a position, times a row of the out-projection."""
    xp, heads = asked.xp, cast("int", vars(asked.layer)["heads"])
    weights = {name: each.astype("float64") for name, each in asked.weights.items()}
    k, width = asked.channel, asked.shapes[0].channels
    depth = width // heads
    tokens = asked.x.reshape(-1, width).astype("float64")
    at = int(xp.ravel_multi_index(asked.place, asked.sizes))
    rows = tokens @ weights["in_proj_weight"].T
    if "in_proj_bias" in weights:
        rows = rows + weights["in_proj_bias"]
    query = rows[at, :width].reshape(heads, depth)
    keys, values = (
        rows[:, low : low + width].reshape(-1, heads, depth) for low in (width, 2 * width)
    )
    scores = xp.einsum("hd,lhd->hl", query, keys) / depth**0.5
    shares = xp.exp(scores - scores.max(1, keepdims=True))
    shares = shares / shares.sum(1, keepdims=True)
    means = xp.einsum("hl,lhd->hd", shares, values).reshape(-1)
    factors = weights["out_proj.weight"][k]
    total = float((means * factors).sum())
    bias: dict[str, float] = {}
    taken = f"R[:, {2 * width}:].reshape(-1, {heads}, {depth})"
    names = {
        "T": Name(f"X.reshape(-1, {width})"),
        "R": Name(f"T @ in_proj_weight.T{' + in_proj_bias' if 'in_proj_bias' in weights else ''}"),
        "Q": Name(f"R[{at}, :{width}].reshape({heads}, {depth})"),
        "K": Name(f"R[:, {width}:{2 * width}].reshape(-1, {heads}, {depth})"),
        "A": Name(f"np.exp(np.einsum('hd,lhd->hl', Q, K) / np.sqrt({depth}))"),
        "M": Name(f"np.einsum('hl,lhd->hd', A / A.sum(1, keepdims=True), {taken}).ravel()"),
        f"W{k}": Name(f"out_proj.weight[{k}]"),
    }
    if "out_proj.bias" in weights:
        bias[f"b{k}"] = float(weights["out_proj.bias"][k])
        names[f"b{k}"] = Name(f"out_proj.bias[{k}]", bias[f"b{k}"])
    # How large what is rounded on the way is: projections, scores, and means of values.
    sizes = abs(tokens) @ abs(weights["in_proj_weight"]).T + abs(
        weights.get("in_proj_bias", xp.zeros(3 * width))
    )
    reach = float((sizes[at, :width] * sizes[:, width : 2 * width].max(0)).sum()) / depth**0.5
    largest = sizes[:, 2 * width :].max(0)
    magnitude = float((largest * abs(factors)).sum()) * (1 + reach) + sum(map(abs, bias.values()))
    note = (
        f"M is what the {heads} heads give at position {at}: means over {len(tokens):,} positions"
    )
    return Made(
        formula=" + ".join([f"np.sum(M * W{k})", *bias]),
        numbers=added([total, *bias.values()]) if bias else "",
        value=total + sum(bias.values()),
        names=names,
        patch=Patch(means, tuple(range(width)), (), factors),
        summands=bias,
        notes=(f"{note}, weighted by how alike the query is to their keys.",),
        roundings=4 * width + 2 * len(tokens) + 8,
        magnitude=magnitude,
    )
