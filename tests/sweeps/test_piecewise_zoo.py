"""Random members of every bundled family, worked out by pieces, are what each is by itself."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_held import both, told

from convcalc.graph import Network, read
from convcalc.spec.bundled import bundled_folder

MOST = 12
"""Designs of each family."""
LONG = frozenset({"regnet", "densenet", "inception_resnet_v2"})
"""Families of which one design takes long by itself, above all where it has errors."""


def families() -> list[str]:
    """The architectures that have parameters."""
    return sorted(
        file.stem
        for file in Path(bundled_folder()).glob("*.yaml")
        if "\nparameters:" in file.read_text(encoding="utf-8")
    )


def axes(network: Network, chance: random.Random) -> Iterator[tuple[str, str]]:
    """Axes of values near the usual ones, and some that are none."""
    for name, value in network.parameters.items():
        if isinstance(value, bool):
            yield name, "true,false"
        elif isinstance(value, int):
            near = {value, max(value // 2, 1), value + 1, 2 * value, chance.choice((0, value))}
            yield name, ",".join(map(str, sorted(near)))
        elif isinstance(value, float):
            yield name, ",".join(map(str, sorted({value, value / 2, value * 1.3})))


@pytest.mark.thorough
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", families())
def test_members_are_what_each_is_by_itself(name: str, seed: int) -> None:
    chance = random.Random(f"{name} {seed}")  # noqa: S311
    network = read(name)
    every = list(axes(network, chance))
    vary = chance.sample(every, min(len(every), 5))
    if seed == 2 and len(network.inputs) == 1 and network.input and network.input.spatial:
        size = network.input.spatial[0]
        vary.append(("input", ",".join(map(str, sorted({size, max(size // 2, 1), size + 1})))))
    vary += [("batch", "1,3"), ("dtype", "float32,float16")]
    held, one, other = both(name, vary, most=4 if name in LONG else MOST, seed=seed)

    assert told(one) == told(other)
    assert held.wholes <= len(one.numbers)
