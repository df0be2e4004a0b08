"""Values that come from another place as they are, or are blended of a few."""

from math import prod
from typing import Any, cast

from convcalc.explanation.value.base import (
    Asked,
    Made,
    Name,
    Patch,
    at_places,
    index_text,
    real,
    slice_text,
)
from convcalc.layers.upsample import Upsample
from convcalc.numbers import value_text

SHARES = "abc"
"""Names of what the values along each axis are multiplied by."""


def copied(asked: Asked) -> Made:
    """The value that the layer puts there, told by numbering all that goes in."""
    xp, numbered, last = asked.xp, [], 0
    for x in asked.xs:
        channels_first = xp.moveaxis(x, -1, 0)
        numbers = xp.arange(last + 1, last + x.size + 1).reshape((1, *channels_first.shape))
        numbered.append(numbers)
        last += x.size
    layer = asked.layer
    if asked.kind == "pad":
        layer = layer.replace(value=0)
    output = layer.forward(xp, {}, numbered)
    there = (0, asked.channel, *asked.place)
    number = int(output[there])
    if not number:
        held = float(cast("Any", asked.layer).value)
        note = "It is in the padding, which holds this value."
        return Made(value_text(held), "", held, notes=(note,), roundings=1, magnitude=abs(held))
    which, number = _whose(asked, number - 1)
    x = asked.xs[which]
    channel, *place = map(int, xp.unravel_index(number, (x.shape[-1], *x.shape[:-1])))
    at = (*place, channel)
    name = f"X{which + 1}" if len(asked.xs) > 1 else "X"
    return Made(
        formula=f"{name}[{index_text(at)}]",
        numbers="",
        value=float(x[at]),
        notes=(NOTES.get(asked.kind, "The value is another one's, as it is."),),
    )


def learned(asked: Asked) -> Made:
    """The weight in its place; of a sequence, channels are last."""
    order = (
        asked.at if len(asked.at) == len(("position", "channel")) else (asked.channel, *asked.place)
    )
    index = (0, *order)
    value = float(asked.weights["weight"][index])
    note = "It is learned, the same for every example, and reads nothing of X."
    return Made(f"weight[{index_text(index)}]", "", value, notes=(note,))


def embedding(asked: Asked) -> Made:
    """The weight in the row that the position names."""
    at = (*asked.place, 0)
    row = int(asked.xs[0][at])
    note = f"X[{index_text(at)}] is {row}, which names a row of the table."
    value = float(asked.weights["weight"][row, asked.channel])
    return Made(f"weight[{index_text((row, asked.channel))}]", "", value, notes=(note,))


NOTES = {
    "dropout": "In inference dropout leaves every value as it is.",
    "identity": "The layer passes every value on as it is.",
    "pad": "The layer copies it.",
}
"""What is said of kinds whose values are copied."""


def _whose(asked: Asked, number: int) -> tuple[int, int]:
    """Which input has a value of a number, and its number there."""
    which = 0
    while number >= asked.xs[which].size:
        number -= asked.xs[which].size
        which += 1
    return which, number


def upsample(asked: Asked) -> Made:
    """The nearest value, or the sum of shares of neighbours."""
    xp, layer = asked.xp, cast("Upsample", asked.layer)
    shares = layer.shares(asked.sizes, asked.place)
    places = tuple(tuple(at for at, _ in along) for along in shares)
    c = asked.channel
    if prod(map(len, places)) == 1 and all(along[0][1] == 1 for along in shares):
        at = (*(along[0] for along in places), c)
        note = f"The position reads X[{index_text(at)}] alone."
        return Made(f"X[{index_text(at)}]", "", float(asked.x[at]), notes=(note,))
    values = at_places(xp, asked.x[..., c : c + 1], places)
    factors = xp.ones(values.shape)
    names = {}
    for axis, along in enumerate(shares):
        by = xp.asarray([share for _, share in along])
        factors = factors * by.reshape(-1, *(1,) * (values.ndim - 1 - axis))
        row = ", ".join(repr(share) for _, share in along)
        names[SHARES[axis]] = Name(f"np.array([{row}])")
    letters = SHARES[: len(shares)]
    where = f"X[{','.join(map(slice_text, places))},{c}]"
    value = float((values * factors).sum())
    formula = f'np.einsum("{",".join(letters)},{letters}->", {", ".join(letters)}, {where})'
    if len(shares) <= 2:
        formula = f"a @ {where} @ b" if len(shares) == 2 else f"a @ {where}"
    said = "; ".join(
        f"{name} = {', '.join(real(share) for _, share in along)}"
        for name, along in zip(letters, shares, strict=True)
    )
    return Made(
        formula=formula,
        numbers="",
        value=value,
        names=names,
        patch=Patch(values, (c,), places, factors),
        notes=(f"Shares of the neighbours along each axis: {said}.",),
        roundings=4 * values.size + 16,
        magnitude=float(abs(values * factors).sum()),
    )
