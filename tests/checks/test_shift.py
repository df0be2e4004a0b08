"""What becomes of outputs when the input is shifted, held against the arithmetic of borders."""

import json

import pytest
from click.testing import CliRunner

from convcalc.checks.shift import Shifts, shifts
from convcalc.cli import convcalc as program
from convcalc.diagnostics import ArgumentError
from convcalc.graph import loads
from convcalc.graph.planned import planned


def _of(layers: str, size: str = "24x24x2") -> Shifts:
    return shifts(planned(loads(f"{{input: {size}, rounding: floor, layers: [{layers}]}}")))


def test_a_convolution_follows_but_at_its_borders() -> None:
    seen = _of("conv: {filters: 3, kernel: 5, padding: 2}, relu, maxpool: 2")
    # By hand: the window of output i reads i − 2 … i + 2; so 2 at each border see padding, and of a
    # pool of 2 whatever has one of them in it: 1 at each.
    borders = [[(axis.steps, axis.start, axis.end) for axis in layer.axes] for layer in seen.layers]
    assert seen.shift == (2, 2)
    assert borders == [[(2, 2, 2)] * 2, [(2, 2, 2)] * 2, [(1, 1, 1)] * 2]
    assert all(layer.equivariant for layer in seen.layers)
    assert seen.broken == ""


def test_without_padding_there_is_no_border() -> None:
    seen = _of(
        "conv: {filters: 3, kernel: 3, stride: 2}, tanh, "
        "conv_transpose: {filters: 2, kernel: 2, stride: 2}",
        "25x25x1",
    )
    assert [(axis.start, axis.end) for layer in seen.layers for axis in layer.axes] == [(0, 0)] * 6
    # Twice as many positions as the input's stride says: shifted by 2, the map is by 1, then by 2.
    assert [layer.axes[0].steps for layer in seen.layers] == [1, 1, 2]


@pytest.mark.parametrize(
    ("layers", "broken", "reason"),
    [
        ("relu, flatten, linear: 3", "flatten1", "weights of their own"),
        ("locally_connected: {filters: 2, kernel: 3}", "locally_connected1", "weights of its own"),
        ("instancenorm, relu", "instancenorm1", "over the whole map"),
        ("relu, global_avgpool, flatten", "global_avgpool1", "sees all of the map"),
        ("layernorm: {over: all}", "layernorm1", "over the whole map"),
    ],
)
def test_the_first_layer_that_breaks_it_is_named(layers: str, broken: str, reason: str) -> None:
    seen = _of(layers)
    assert (seen.broken, reason in seen.reason) == (broken, True)


def test_a_pool_keeps_some_outputs_where_the_shift_is_smaller_than_its_stride() -> None:
    seen = _of("maxpool: 4", "64x64x8")
    # The largest of 4×4 is in none of the 4 rows that go with probability 3/4, and the new row has
    # a larger one with 1/5 otherwise: it stays with (3/4)·(4/5) = 0.6.
    share = seen.layers[0].axes[0].unchanged
    assert share == pytest.approx(0.6, abs=0.03)
    assert _of("conv: {filters: 2, kernel: 2, stride: 2}").layers[0].axes[0].unchanged is None


def test_what_is_all_border_is_not_seen() -> None:
    seen = _of(
        "conv: {filters: 2, kernel: 9, padding: 4}, conv: {filters: 2, kernel: 9, padding: 4}",
        "8x8x1",
    )
    assert [layer.unseen for layer in seen.layers] == [True, True]
    assert seen.broken == ""
    assert "a larger --input has some" in str(seen.page)


def test_what_has_no_positions_is_refused() -> None:
    with pytest.raises(ArgumentError, match="one input with positions"):
        shifts(planned(loads("{input: 8, layers: [linear: 3]}")))
    result = CliRunner().invoke(program, ["verify", "lenet5", "--shift", "--top", "3"])
    assert result.exit_code == 2
    assert "--top has no effect with --shift" in result.stderr


def test_the_command_shows_it_as_a_table_and_as_values() -> None:
    result = CliRunner().invoke(program, ["verify", "lenet5", "--shift"])
    assert result.exit_code == 0
    assert "flatten1 is the first that does not follow" in result.stdout
    said = json.loads(
        CliRunner().invoke(program, ["verify", "lenet5", "--shift", "--format", "json"]).stdout
    )
    assert said["shift"] == [4, 4]
    assert said["layers"][0]["axes"][0] == {
        "name": "height",
        "steps": 4,
        "start": 2,
        "end": 2,
        "inside": 20,
        "moved": 0,
        "unchanged": None,
    }
