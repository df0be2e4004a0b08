"""What an input position reaches, and what an output sees, against dye: NaN in the input."""

from collections.abc import Iterable
from itertools import product
from random import Random
from typing import Any

import numpy as np
import pytest
from test_receptive_fields import Draw

from convcalc import Network, loads
from convcalc.analysis import reach
from convcalc.analysis.reach import Block, Reached, reached
from convcalc.analysis.receptive_field import seen_of_inputs
from convcalc.explanation.region import region
from convcalc.forward.reference import run_reference
from convcalc.forward.weights import random_weights
from convcalc.graph import unread
from convcalc.graph.planned import planned
from convcalc.stretches import Stretch, Stretches, joined

Array = np.ndarray[Any, Any]

SEEDS = range(6)
CROSS = """input: 7x8x1
layers:
  - concat: [[conv: {filters: 1, kernel: 1x3, padding: 0x1, dilation: 2, rounding: floor}],
      [conv: {filters: 1, kernel: 5x1, padding: 2x0}, crop: {amount: [0, 1]}]]
  - maxpool: {kernel: 2, stride: 3, rounding: floor}
"""
"""Two paths that reach other rows and columns."""


@pytest.fixture(autouse=True)
def no_search_for_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    """What CC306 advises is not asked here, and finding it takes longer than all else."""
    monkeypatch.setattr(unread, "told", lambda *_: iter(()))


def outputs(network: Network, x: Array) -> dict[int, Array]:
    """For each layer and example of a dyed input, whether each output position is dyed."""
    names = {node.name: index for index, node in enumerate(network.nodes) if node.inputs}
    weights = random_weights(network)
    arrays = run_reference(np, planned(network), {"input": x}, weights, names.keys())
    return {names[name]: np.isnan(array).any(axis=1) for name, array in arrays.items()}


def marked(blocks: tuple[Block, ...], shape: tuple[int, ...]) -> Array:
    """A map with the positions of blocks."""
    marks = np.zeros(shape, dtype=bool)
    for block in blocks:
        marks[np.ix_(*(np.r_[tuple(slice(*each) for each in axis)] for axis in block))] = True
    return marks


@pytest.mark.parametrize("rank", [1, 2])
def test_what_is_reached_is_what_is_dyed(rank: int) -> None:
    looked = crosses = 0
    texts = [Draw(seed, rank, padded=seed % 2 == 0).network() for seed in SEEDS]
    for seed, text in enumerate([*texts, *[CROSS] * (rank == 2)]):
        network = loads(text)
        assert network.input
        x = np.random.default_rng(0).random((6, *network.input.axes))
        pixels = [*product(*map(range, network.input.spatial))]
        pixels = Random(seed).sample(pixels, min(len(pixels), 6))  # noqa: S311 (tests repeat)
        for example, pixel in enumerate(pixels):
            place: tuple[Any, ...] = (example, slice(None), *pixel)
            x[place] = np.nan
        dyed = outputs(network, x)
        for example, pixel in enumerate(pixels):
            every = reached(network, pixel)
            for index, maps in dyed.items():
                each, dye = every[index], maps[example]
                assert each is not None
                assert each.exact
                marks = marked(each.blocks, dye.shape)
                # Weights of resampling may be 0.
                same = (dye <= marks).all() if "cubic" in text else (dye == marks).all()
                assert same, (text, network.nodes[index].name, pixel, each)
                assert each.number in (None, marks.sum())
                looked += 1
                crosses += not each.is_product
    assert looked > 150
    assert rank == 1 or crosses


@pytest.mark.parametrize("rank", [1, 2])
def test_what_is_seen_is_what_dyes(rank: int) -> None:
    looked = 0
    for seed in SEEDS[:3]:
        text = Draw(seed, rank, padded=seed % 2 == 0).network()
        network = loads(text)
        assert network.input
        draws = Random(seed)  # noqa: S311 (tests repeat)
        extents = network.input.spatial
        positions = {
            index: tuple(draws.randrange(size) for size in shape.spatial)
            for index, node in enumerate(network.nodes)
            if node.inputs and (shape := network.shape_of(index)) is not None
        }
        seen = {index: region(network, index, at) for index, at in positions.items()}
        for axis, extent in enumerate(extents):
            x = np.random.default_rng(0).random((extent, *network.input.axes))
            for value in range(extent):
                np.moveaxis(x[value], axis + 1, 0)[value] = np.nan
            for index, maps in outputs(network, x).items():
                at = positions[index][axis]
                sees = np.moveaxis(maps, axis + 1, 1).reshape(extent, maps.shape[axis + 1], -1)
                values = np.flatnonzero(sees[:, at].any(axis=1))
                expected = (values[0], values[-1]) if len(values) else (None, None)
                assert seen[index].image[axis][:2] == expected, (text, index, axis, at)
                looked += 1
    assert looked > 20


def test_bounds_hold_where_working_out_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "input: 40x1\nlayers: [conv: {filters: 1, kernel: 3, dilation: 4}]"
    exact = reached(loads(text), [12])[-1]
    monkeypatch.setattr(reach, "WORKED_OUT", 0)
    bound = reached(loads(text), [12])[-1]

    # Taps lie at o, o + 4 and o + 8.
    assert exact == Reached(((((4, 5), (8, 9), (12, 13)),),))
    assert bound == Reached(((((4, 13),),),), exact=False)


def by_hand(items: str, position: tuple[int, ...], shape: str = "9x1") -> Reached:
    last = reached(loads(f"rounding: floor\ninput: {shape}\nlayers: [{items}]"), position)[-1]
    assert last is not None
    return last


def test_reaches_by_hand() -> None:
    # A stride of 3 over a kernel of 1 passes values 1 and 2 by.
    assert by_hand("maxpool: {kernel: 1, stride: 3}", (3,)).blocks == ((((1, 2),),),)
    assert by_hand("maxpool: {kernel: 1, stride: 3}", (4,)).blocks == ()
    # Upsampled by 2 with the nearest value, and by a transposed convolution with gaps.
    assert by_hand("upsample: 2", (4,)).blocks == ((((8, 10),),),)
    gaps = "conv_transpose: {filters: 1, kernel: 1, stride: 3}"
    assert by_hand(gaps, (2,)).blocks == ((((6, 7),),),)
    # Reflected, the second value stands in front of the first as well: outputs 0 and 1 and 2.
    mirrored = "conv: {filters: 1, kernel: 1, padding: 1, padding_mode: reflect}"
    assert by_hand(mirrored, (1,)).blocks == ((((0, 1), (2, 3)),),)
    # Side by side a row and a column reach a cross of 5, which is no product.
    row = "conv: {filters: 1, kernel: 1x3, padding: 0x1}"
    column = "conv: {filters: 1, kernel: 3x1, padding: 1x0}"
    cross = by_hand(f"concat: [[{row}], [{column}]]", (4, 4), "9x9x1")
    assert (len(cross.blocks), cross.number) == (2, None)
    assert cross.along(0) == cross.along(1) == ((3, 6),)
    # A gate over the map is reached, and reaches all.
    gate = "conv: {filters: 1, kernel: 1}, multiply: [[], [global_avgpool]]"
    assert by_hand(gate, (0,)).blocks == ((((0, 9),),),)
    lost = by_hand("flatten, linear: 3", (0,))
    assert (lost.lost, bool(lost.blocks), lost.number) == (True, True, None)
    assert not by_hand("crop: {amount: [[1, 0]]}, flatten", (0,)).blocks
    assert joined([(4, 6), (0, 2), (2, 3), (9, 9), (5, 7)]) == ((0, 3), (4, 7))


def test_many_branches_are_not_all_compared_with_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    comparisons = 0

    def counted(stretches: Iterable[Stretch]) -> Stretches:
        nonlocal comparisons
        comparisons += 1
        return joined(stretches)

    monkeypatch.setattr(reach, "joined", counted)
    # A kernel of 3 with dilation d around position 900 reaches 900 − d, 900 and 900 + d.
    branches = ", ".join(
        f"[conv: {{filters: 1, kernel: 3, padding: {d}, dilation: {d}}}]" for d in range(2, 302)
    )
    concat = reached(loads(f"{{input: 1800x1800x1, layers: [concat: [{branches}]]}}"), [900, 900])[
        -1
    ]

    assert concat is not None
    assert (concat.exact, len(concat.blocks)) == (False, 1)
    # From 900 − 301 to 900 − 2, the position itself, and as far behind it.
    assert concat.along(0) == ((599, 899), (900, 901), (902, 1202))
    assert comparisons < reach.MOST_COMPARED**2 + 20 * 300


SEVERAL = """
input: {left: 9x7x1, right: 5x4x2, hint: 4x5x1, unit: 3}
layers:
  - {conv: {filters: 2, kernel: 3, padding: 1, dilation: 1}, name: fine}
  - {maxpool: {kernel: 2, stride: 2, padding: 1, rounding: floor}, name: pooled}
  - {conv: {filters: 2, kernel: [1, 3], padding: [0, 1]}, from: right, name: coarse}
  - {add: [[from: pooled], []], name: both}
  - {multiply: [[], [{global_avgpool: , from: hint}]], name: gated}
  - {conv: {filters: 2, kernel: 3, padding: 1}, name: seen}
  - {concat: {branches: [[from: coarse], [from: pooled]], axis: height}, name: row}
  - {conv: {filters: 1, kernel: [3, 1]}, name: joined}
  - {linear: 2, from: unit, name: told}
outputs: [seen, joined, told]
"""
"""Maps of two inputs side by side and one behind the other, a gate of a third, and a vector."""


def test_each_of_several_inputs_is_seen_as_it_dyes() -> None:
    network = planned(loads(SEVERAL))
    weights = random_weights(network)
    names = {node.name: index for index, node in enumerate(network.nodes) if node.inputs}
    rng = np.random.default_rng(0)
    sees = seen_of_inputs(network)
    looked = 0
    for name, source in network.named_inputs.items():
        pixels = [*product(*map(range, network.shape_of(source).spatial))]
        given = {
            each: rng.random((len(pixels), *network.shape_of(index).axes))
            for each, index in network.named_inputs.items()
        }
        for example, pixel in enumerate(pixels):
            dyed: tuple[Any, ...] = (example, slice(None), *pixel)
            given[name][dyed] = np.nan
        arrays = run_reference(np, network, given, weights, names.keys())
        reaching = [reached(network, pixel, source) for pixel in pixels]
        for layer, index in names.items():
            nan = np.isnan(arrays[layer]).any(axis=1)
            assert nan.any() == (name in sees[index]), (name, layer)
            for example, every in enumerate(reaching):
                outputs_of = every[index]
                assert outputs_of is not None
                marks = nan[example].any() if outputs_of.lost else nan[example]
                wanted = (
                    bool(outputs_of.blocks)
                    if outputs_of.lost
                    else marked(outputs_of.blocks, nan.shape[1:])
                )
                assert np.array_equal(marks, wanted), (name, layer, pixels[example])
                looked += 1
            fields = sees[index].get(name, (None, True))[0]
            for axis, field in enumerate(fields or ()):
                spans = [
                    [pixel[axis] for pixel, mark in zip(pixels, column, strict=True) if mark]
                    for column in nan.reshape(len(pixels), -1).T
                ]
                most = max(max(span) - min(span) + 1 for span in spans if span)
                assert field.size == most or field.size > network.shape_of(source).spatial[axis]
    assert looked > 500
