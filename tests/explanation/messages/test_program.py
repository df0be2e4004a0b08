"""A network as a program has it: weights are for the channels that they were made for."""

from kinds import CASES, Case
from tabled import tabled

from convcalc.explanation.messages.clash import Clash, batch_of
from convcalc.explanation.messages.program import Made, Program
from convcalc.graph import loads
from convcalc.shape import Shape

WHATEVER_COMES = {"locally_connected": "PyTorch, whose messages name channels, has no such layer"}
"""Kinds whose weights are for some channels, and that are not compared with those that come in."""


def depends(case: Case) -> bool:
    """Whether a layer that takes twice as many channels has other weights for them."""
    if not case.parameters or len(case.shapes) != 1 or case.kind in WHATEVER_COMES:
        return False
    (x,) = case.shapes
    twice = [Shape(2 * x.channels, x.spatial)]
    wrong = any(problem.severity == "error" for problem in case.layer.check(twice))
    return not wrong and case.layer.plan(twice).weights != case.layer.plan([x]).weights


PROGRAM = Program(loads("{input: 8x8x3, layers: [relu]}"))


@tabled("case", [case for case in CASES if depends(case)], ids=str)
def test_weights_for_other_channels_stop_a_program(case: Case) -> None:
    (x,) = case.shapes
    made = Made(case.kind, case.layer, case.layer.plan([x]).weights, x.rank)

    assert isinstance(PROGRAM.step(made, (x,)), Shape)
    stops = PROGRAM.step(made, (Shape(2 * x.channels, x.spatial),))
    assert isinstance(stops, Clash)
    assert {2 * x.channels, x.channels} <= {stops.got, stops.wanted, *(stops.sizes or ())} | {
        stops.weight[0] if stops.weight else None
    }


def stops(text: str, x: Shape) -> Clash | Shape | None:
    """What the one layer of a network makes of another input than it is made for."""
    program = Program(loads(f"{{rounding: floor, {text}}}"))
    made = program.made[1]
    assert made is not None
    return program.step(made, (x,))


def test_a_border_is_laid_before_the_kernel_and_the_channels_are_looked_at() -> None:
    """PyTorch 2.13: "Padding value causes wrapping around more than once" of a map of one."""
    layer = "conv: {filters: 1, kernel: 4, padding: [[2, 0]], padding_mode: circular}"
    for channels in (1, 2):
        result = stops(f"input: 9x1, layers: [{layer}]", Shape(channels, (1,)))
        assert isinstance(result, Clash)
        assert result.operation == "wrap"


def test_what_comes_in_is_told_with_the_border_that_stands_in_front() -> None:
    """PyTorch 2.13: "expected input[2, 4, 9, 5] to have 5 channels" of a map of 4×5."""
    layer = "conv: {filters: 1, kernel: [3, 1], padding: [[2, 3], 0]}"
    result = stops(f"input: 4x5x5, layers: [{layer}]", Shape(4, (4, 5)))

    assert isinstance(result, Clash)
    assert result.input == (4, 4, 5)
    assert result.bordered == (4, 9, 5)
    for said in ((4, 4, 5), (4, 9, 5)):
        assert batch_of(Clash("convolution", input=said), result, 2) == 2
    assert batch_of(Clash("convolution", input=(4, 5, 9)), result, 2) is None


def test_one_position_is_normalized_by_statistics_of_the_training() -> None:
    for tracked, stopped in (("true", False), ("false", True)):
        layer = f"instancenorm: {{track_running_stats: {tracked}}}"
        result = stops(f"input: 4x5, layers: [{layer}]", Shape(5, (1,)))
        assert isinstance(result, Clash) is stopped


def test_a_mean_over_volumes_has_its_kernel_in_the_map_without_padding() -> None:
    """PyTorch 2.13: "input image (T: 4 H: 1 W: 5) smaller than kernel size (kT: 2 kH: 2 kW: 2)"."""
    result = stops(
        "input: 4x4x5x1, layers: [avgpool: {kernel: 2, padding: 1}]", Shape(1, (4, 1, 5))
    )
    assert isinstance(result, Clash)
    assert (result.padded, result.kernel) == ((4, 1, 5), (2, 2, 2))
    area = stops("input: 4x4x1, layers: [avgpool: {kernel: 2, padding: 1}]", Shape(1, (4, 1)))
    assert area == Shape(1, (3, 1))  # ⌊(4 + 2 − 2)/2⌋ + 1 and ⌊(1 + 2 − 2)/2⌋ + 1
