"""A network as a program has it: weights are for the channels that they were made for."""

from kinds import CASES, Case
from tabled import tabled

from convcalc.explanation.messages.clash import Clash
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
