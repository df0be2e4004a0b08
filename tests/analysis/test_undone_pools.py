"""What an undone pool sees, reaches and takes, worked out by sets of positions and by hand."""

from draws import Draw
from tabled import tabled

from convcalc.analysis.memory import deploy, memory
from convcalc.analysis.reach import reached
from convcalc.analysis.receptive_field import receptive_fields
from convcalc.graph import loads
from convcalc.graph.planned import Planned, planned

UNDONE = """
input: 9x9x8
rounding: ceil
layers:
  - {name: pool, maxpool: 2}
  - conv: {filters: 8, kernel: 3, padding: 1}
  - maxunpool: {indices: pool}
"""


class Line:
    """A sequence, each of whose positions has the set of the input's that it sees."""

    def __init__(self, size: int) -> None:
        self.seen = [{at} for at in range(size)]

    def slid(self, kernel: int, stride: int, before: int, outputs: int) -> list[set[int]]:
        size = len(self.seen)
        starts = [output * stride - before for output in range(outputs)]
        return [
            set[int]().union(
                *(self.seen[at] for at in range(start, start + kernel) if 0 <= at < size)
            )
            for start in starts
        ]


def drawn(draw: Draw) -> tuple[Planned, list[set[int]]]:
    """A pool, convolutions and what undoes it, and what each output sees."""
    size = draw.whole(6, 40)
    kernel, stride, padding = draw.whole(1, 3), draw.whole(1, 4), draw.whole(0, 1)
    padding = min(padding, kernel // 2)
    rounding = "ceil" if draw.flag() else "floor"
    first, between = 2 * draw.whole(0, 2) + 1, 2 * draw.whole(0, 2) + 1
    network = planned(
        loads(f"""
input: {size}x1
layers:
  - conv: {{filters: 1, kernel: {first}, padding: {first // 2}}}
  - name: pool
    maxpool: {{kernel: {kernel}, stride: {stride}, padding: {padding}, rounding: {rounding}}}
  - conv: {{filters: 1, kernel: {between}, padding: {between // 2}}}
  - maxunpool: pool
""")
    )
    line = Line(size)
    line.seen = line.slid(first, 1, first // 2, size)
    outputs = network.plans[2].output.spatial[0]
    pooled = Line(0)
    pooled.seen = line.slid(kernel, stride, padding, outputs)
    made = pooled.slid(between, 1, between // 2, outputs)
    seen = []
    for at in range(size):
        windows = [o for o in range(outputs) if 0 <= at + padding - o * stride < kernel]
        seen.append(set[int]().union(*(made[o] | pooled.seen[o] for o in windows)))
    return network, seen


@tabled("number", range(40))
def test_an_output_sees_what_may_arrive_and_what_decides_it(number: int) -> None:
    network, seen = drawn(Draw(f"undone {number}"))
    *_, (fields, _) = receptive_fields(network)
    assert fields is not None

    assert fields[0].size == max(max(each) - min(each) + 1 if each else 0 for each in seen)
    for position in (0, len(seen) // 2, len(seen) - 1):
        last = reached(network, [position])[-1]
        assert last is not None
        outputs = {at for start, end in last.along(0) for at in range(start, end)}
        assert outputs == {at for at, each in enumerate(seen) if position in each}


def test_indices_live_from_the_pool_to_what_undoes_it() -> None:
    """In PyTorch's program: 4 bytes a value, and 8 an index; 9·9·8 = 648 and 5·5·8 = 200 values."""
    report = memory(loads(UNDONE))
    weights = 4 * (8 * 8 * 9 + 8)
    at_pool = 4 * 648 + 4 * 200 + 8 * 200
    at_end = 4 * 648 + 4 * 200 + 8 * 200 + 4 * 648  # the input is whoever's runs it

    assert report.forward_peak == weights + max(at_pool, at_end)
    kept = memory(loads(UNDONE), training=True).kept
    # The pool keeps the indices, conv its input, the loss its log-softmax.
    assert kept == 8 * 200 + 4 * 200 + 4 * 648


def test_a_runtime_that_fuses_makes_the_indices_and_lets_the_input_go() -> None:
    lower = deploy(loads(UNDONE))

    assert lower.activation_peak == 4 * 648 + 4 * 200 + 8 * 200  # at the pool, and at the end
    assert [each.name for each in lower.tensors] == [
        "input", "pool", "pool (indices)", "conv1", "maxunpool1",
    ]  # fmt: skip
    (indices,) = (each for each in lower.tensors if each.indices)
    assert indices.bytes("int8") == 8 * 200
    # Definitions work out where the largest values are once more, from the pool's input.
    held = deploy(loads(UNDONE), indices=False)
    assert held.activation_peak == 4 * (648 + 200 + 648)
