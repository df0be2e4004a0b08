"""What operations of layers are computed in, by the lists of PyTorch's autocast."""

from tabled import tabled

from convcalc.layers.operations import Operation, kept, padding, view
from convcalc.shape import Shape
from convcalc.window import Window

FULL_ON_CPU = {
    ("reflect", 1), ("reflect", 2), ("replicate", 1), ("replicate", 2), ("replicate", 3),
}  # fmt: skip
"""The CPU's autocast takes reflection_pad1d, reflection_pad2d and replication_pad1d to 3d in
float32 (docs of `torch.amp`, "CPU Ops that autocast to float32"), and no other padding."""


@tabled("mode", ["zero", "reflect", "replicate", "circular"])
@tabled("rank", [1, 2, 3])
def test_borders_are_made_in_float32_where_autocast_says_so(mode: str, rank: int) -> None:
    windows = [Window(kernel=3, before=1, after=1)] * rank
    operation = padding(Shape(4, (8,) * rank), windows, mode)

    assert (operation.precision == "full_on_cpu") == ((mode, rank) in FULL_ON_CPU)
    assert operation.output == 4 * 10**rank


def test_what_is_kept_of_a_layer_that_passes_its_input_on_is_the_input() -> None:
    """Its output is a view of the input, whatever it works out on the way."""
    x = Shape(4, (8, 8))
    aside = Operation(x.size, keeps="input", name="aside")

    assert {*kept([x], (aside, view(x.size, 0)))} == {"input"}
    assert {*kept([x], (aside, view(x.size, 1)._replace(keeps="input")))} == {"input", "output"}
