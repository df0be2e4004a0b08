"""What an output sees of every layer before it: by hand, as `explain --at`, and the other way."""

from itertools import product

from draws import Draw
from tabled import tabled

from convcalc import load, loads
from convcalc.analysis.reach import reached
from convcalc.analysis.traced import Traced, traced
from convcalc.diagnostics import ArgumentError
from convcalc.explanation.region import region
from convcalc.graph import Network
from convcalc.graph.planned import leading_to, planned

CONV = "conv: {filters: 1, kernel: 3"

BY_HAND = {
    # −1, 0 and 1; then −2 to 2, of which two are padding.
    "padding": (f"{CONV}, padding: 1}}, {CONV}, padding: 1}}", 0, [((0, 3),), ((0, 2),)], (-2, 2)),
    # Output 2 of dilation 2 reads 2, 4 and 6 of the map; those of dilation 1 are all between.
    "holes": (f"{CONV}, dilation: 2}}", 2, [((2, 3), (4, 5), (6, 7))], (2, 6)),
    # 2·3 to 2·3 + 2; and stride 2 again from 12 to 18, which is beyond 16.
    "strides": (
        f"{CONV}, stride: 2, padding: 1}}, {CONV}, stride: 2, padding: 1}}",
        3,
        [((9, 16),), ((5, 8),)],
        (9, 15),
    ),
    # Reflected: −1 is 1 again.
    "reflected": (f"{CONV}, padding: 1, padding_mode: reflect}}", 0, [((0, 2),)], (-1, 1)),
    "upsampled": ("upsample: 2", 5, [((2, 3),)], (2, 2)),
    "gated": ("multiply: [[], [global_avgpool]]", 4, [((0, 16),)], (0, 15)),
}


@tabled(("items", "at", "expected", "line"), [*BY_HAND.values()], ids=[*BY_HAND])
def test_what_is_seen_by_hand(
    items: str, at: int, expected: list[tuple[tuple[int, int], ...]], line: tuple[int, int]
) -> None:
    network = planned(loads(f"rounding: floor\ninput: 16x1\nlayers: [{items}]"))
    seen = traced(network, network.output, (at,))
    assert [seen[index].axes[0] for index in range(len(expected))] == expected
    assert seen[0].lines == (line,)


ZOO = ["lenet5", "alexnet", "resnet18", "googlenet", "unet", "fcn8s", "densenet121", "mobilenet_v2"]


@tabled("name", ZOO)
def test_it_is_what_explain_says_of_the_image(name: str) -> None:
    network, draw = load(name), Draw(f"traced {name}")
    placed = [
        index
        for index, plan in enumerate(network.plans)
        if plan is not None and plan.output.spatial and network.nodes[index].inputs
    ]
    for index in draw.sample(placed, 2):
        shape = network.shape_of(index)
        assert shape is not None
        _same(
            network, index, tuple(draw.choice([0, each // 2, each - 1]) for each in shape.spatial)
        )


def _same(network: Network, index: int, at: tuple[int, ...]) -> None:
    try:
        said = region(network, index, at)
    except ArgumentError:  # a gate's, which has lost its positions
        return
    known = leading_to(network, index)
    seen = traced(known, known.output, at)
    for name, axes in said.images.items():
        source = known.named_inputs[name]
        for axis, (each, size) in enumerate(zip(axes, known.shape_of(source).spatial, strict=True)):
            hull = seen[source].hull(axis)
            assert hull == (None if each.first is None else (each.first, each.last))
            if each.before is not None:
                assert seen[source].before(axis) == each.before
                assert seen[source].behind(axis, size) == each.behind


LAYERS = (
    "conv: {filters: 1, kernel: 3, dilation: 2, padding: 2}",
    "conv: {filters: 1, kernel: 2, stride: 3, padding: 1}",
    "conv: {filters: 1, kernel: 3, padding: 1, padding_mode: circular}",
    "conv_transpose: {filters: 1, kernel: 3, stride: 2, padding: 1}",
    "maxpool: {kernel: 3, stride: 2, rounding: ceil}",
    "upsample: {scale: 2, mode: linear}",
    "adaptive_avgpool: 5",
    "add: [[], [conv: {filters: 1, kernel: 5, padding: 2}]]",
    "crop: [[1, 2]]",
)


@tabled("pair", [*product(LAYERS, repeat=2)])
def test_an_output_sees_what_reaches_it(pair: tuple[str, str]) -> None:
    network = planned(loads(f"rounding: floor\ninput: 11x1\nlayers: [{', '.join(pair)}]"))
    outputs = network.shape_of(network.output).spatial[0]
    reaching: list[set[int]] = [set() for _ in range(outputs)]
    for value in range(11):
        reach = reached(network, (value,))[network.output]
        assert reach is not None
        for start, end in reach.along(0) if reach.blocks else ():
            for output in range(start, end):
                reaching[output].add(value)
    for output in range(outputs):
        seen = traced(network, network.output, (output,)).get(0, Traced(((),), ((0, -1),)))
        values = {value for start, end in seen.axes[0] for value in range(start, end)}
        assert values == reaching[output], output


def test_large_kernels_are_bounded_and_not_walked_through() -> None:
    for items in (
        "conv: {filters: 1, kernel: 50000001, padding: same, padding_mode: circular}",
        ", ".join(f"conv: {{filters: 1, kernel: 999, dilation: {each}}}" for each in (7, 99, 11)),
    ):
        network = planned(loads(f"input: 100000000x1\nlayers: [{items}]"))
        seen = traced(network, network.output, (1000,))[0]
        (stretch, *others) = seen.axes[0]
        assert not others
        assert stretch[0] <= 1000 < stretch[1]
