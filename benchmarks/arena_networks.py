"""Random networks for a runtime of small devices, of layers that have a rule."""

from random import Random
from typing import NamedTuple

from convcalc.analysis.memory import arena
from convcalc.analysis.memory.static_plan import ArenaReport
from convcalc.graph import SpecError, loads
from convcalc.graph.planned import Planned, planned

ACTIVATIONS = (
    "relu", "relu", "relu6", "tanh", "sigmoid", "hardswish", "silu", "hardsigmoid",
    "leaky_relu: 0.1", "prelu: channels", "dropout", "batchnorm", "elu", "softmax", "log_softmax",
)  # fmt: skip
"""Items that stand between convolutions."""
MOVING = {
    1: ("pad: 1", "crop: 1", "permute: [2, 1]", "slice: {start: 0, stop: 4}"),
    2: (
        "pad: 1", "crop: 1", "permute: [1, 3, 2]", "slice: {start: 0, stop: 4}",
        "pad: {padding: 1, mode: reflect}", "upsample: 2", "upsample: {scale: 2, mode: linear}",
        "channel_shuffle: 2", "pixel_shuffle: 2",
    ),
}  # fmt: skip
"""Items that move values, by the number of axes."""


class Drawn(NamedTuple):
    """A random network that every layer of has a rule."""

    spec: str
    """The network as it is written."""
    network: Planned
    """The same, planned."""
    report: ArenaReport
    """Its arena."""
    axes: int
    """How many axes its input has beside its channels."""
    passed_over: int
    """How many were drawn before it that are no networks, or have a layer without a rule."""


def drawn(draw: Random) -> Drawn:
    """The next network that every layer of has a rule, of int8 or, one of four, of float32."""
    passed_over = 0
    while True:
        axes = draw.choice([1, 2, 2])
        spec = _spec(draw, axes)
        dtype = draw.choice(["int8", "int8", "int8", "float32"])
        try:
            network = planned(loads(spec))
        except SpecError:
            passed_over += 1
            continue
        report = arena(network, dtype=dtype)
        if report.exact:
            return Drawn(spec, network, report, axes, passed_over)
        passed_over += 1


def _spec(draw: Random, axes: int) -> str:
    shape = draw.choice(["32", "41"]) if axes == 1 else draw.choice(["16x16", "15x20"])
    items = ["conv: {filters: 8, kernel: 3, padding: same}"]
    for _ in range(draw.randint(1, 5)):
        choice = draw.random()
        if choice < 0.25:
            items.append(draw.choice(ACTIVATIONS))
        elif choice < 0.45:
            items += [_dense(draw), draw.choice(ACTIVATIONS)]
        elif choice < 0.53:
            items.append(_pooling(draw))
        elif choice < 0.61:
            items.append(draw.choice(MOVING[axes]))
        elif choice < 0.76:
            merge = draw.choice(["add", "add", "multiply"])
            items += ["conv: {filters: 8, kernel: 1}", f"{merge}: [[], {_branch(draw, 8)}]"]
        elif choice < 0.9:
            items.append(f"concat: [{_branch(draw, 4)}, {_branch(draw, 4)}]")
        else:
            gate = draw.choice(["sigmoid", "hardsigmoid"])
            squeeze = (
                "global_avgpool, conv: {filters: 4, kernel: 1}, relu, "
                f"conv: {{filters: 8, kernel: 1}}, {gate}"
            )
            items += ["conv: {filters: 8, kernel: 1}", f"multiply: [[], [{squeeze}]]"]
    items += draw.choice(
        [
            [],
            ["flatten", "linear: 6"],
            ["global_avgpool", "flatten", "linear: 5"],
            ["global_maxpool", "flatten", "linear: 5", "softmax"],
            ["flatten", draw.choice(ACTIVATIONS), "linear: 6", "batchnorm", "relu", "linear: 3"],
        ]
    )
    layers = "".join(f"  - {item}\n" for item in items)
    return f"rounding: floor\ninput: {shape}x{draw.choice([3, 8])}\nlayers:\n{layers}"


def _dense(draw: Random) -> str:
    if draw.random() < 0.1:
        padding = draw.choice(["0", "same"])
        return f"conv_transpose: {{filters: 4, kernel: 2, stride: 2, padding: {padding}}}"
    kernel = draw.choice([1, 3, 5])
    padding, stride = draw.choice(["same", "0", f"{kernel // 2}"]), draw.choice([1, 1, 2])
    fields = f"kernel: {kernel}, padding: {padding}, stride: {stride}"
    if stride == 1 and draw.random() < 0.2:
        fields += ", dilation: 2"
    if draw.random() < 0.3:
        multiplier = draw.choice(["", "", ", multiplier: 2"])
        return f"depthwise_conv: {{{fields}{multiplier}}}"
    bias, groups = draw.choice(["true", "false"]), draw.choice(["", "", "", ", groups: 2"])
    return f"conv: {{filters: {draw.choice([4, 8, 12])}, {fields}, bias: {bias}{groups}}}"


def _pooling(draw: Random) -> str:
    kind = draw.choice(["maxpool", "avgpool"])
    padding = draw.choice(["0", "1", "same"])
    counted = ", count_include_pad: false" if kind == "avgpool" and padding == "same" else ""
    other = f"{kind}: {{kernel: 3, stride: 2, padding: {padding}{counted}}}"
    return draw.choice([f"{kind}: 2", other])


def _branch(draw: Random, filters: int) -> str:
    kernel = draw.choice([1, 3])
    items = [f"conv: {{filters: {filters}, kernel: {kernel}, padding: same}}"]
    items += [draw.choice(ACTIVATIONS) for _ in range(draw.randint(0, 2))]
    return f"[{', '.join(items)}]"
