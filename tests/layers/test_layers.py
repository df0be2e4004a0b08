"""Every kind of layer on the examples of `kinds.py`, and every problem that a layer can find."""

import ast
import re
import sys
from itertools import product
from math import prod
from pathlib import Path
from typing import Any, NamedTuple, get_args

import pytest
from draws import Draw, examples
from kinds import CASES, RUN, Case, pool, shape
from tabled import tabled

import convcalc.layers
from convcalc.diagnostics import Problem
from convcalc.graph import read_text
from convcalc.layers import CATALOGUE, Layer, Plan, kinds, layer_class
from convcalc.layers.base import (
    PaddingMode,
    Undone,
    declarations,
    defaults,
    hyperparameters,
)
from convcalc.layers.sliding import output_sizes
from convcalc.shape import Shape
from convcalc.spec.text import SourceText
from convcalc.window import Field, Window


def layer(kind: str, fields: dict[str, Any]) -> Layer:
    return layer_class(kind)(**fields)


def problems(kind: str, fields: dict[str, Any], *inputs: str) -> list[Problem]:
    return list(layer(kind, fields).check([shape(text) for text in inputs]))


def planned(kind: str, fields: dict[str, Any], *inputs: str) -> Plan:
    """The plan, after a check that finds no errors."""
    errors = [found for found in problems(kind, fields, *inputs) if found.severity == "error"]
    assert errors == []
    return layer(kind, fields).plan([shape(text) for text in inputs])


def parameters(plan: Plan) -> int:
    return sum(weight.size for weight in plan.weights if not weight.buffer)


def buffers(plan: Plan) -> int:
    return sum(weight.size for weight in plan.weights if weight.buffer)


def columns(plan: Plan, channels: int) -> tuple[int, int]:
    """The im2col matrix: a row per weight of a filter, a column per position."""
    assert plan.windows
    return prod(window.kernel for window in plan.windows) * channels, prod(plan.output.spatial)


@tabled("case", CASES, ids=str)
def test_the_plan_is_as_worked_by_hand(case: Case) -> None:
    plan = planned(case.kind, case.fields, *case.inputs.split())
    assert plan.output == shape(case.output)
    assert parameters(plan) == case.parameters
    assert buffers(plan) == case.buffers
    assert plan.macs == case.macs


@tabled("kind", CATALOGUE)
def test_every_kind_has_a_row_that_is_run(kind: str) -> None:
    assert [case for case in RUN if case.kind == kind], "tests/kinds.py needs a row"


@tabled("kind", CATALOGUE)
def test_every_class_is_final_documented_and_declares_its_fields(kind: str) -> None:
    found = layer_class(kind)
    assert found is layer_class(kind)
    assert getattr(found, "__final__", sys.version_info < (3, 11))  # Python 3.10 keeps no mark
    assert found.__doc__
    usual = defaults(found)
    for name, declared in declarations(found).items():
        assert declared.doc.endswith(".") or declared.doc[-1].isalnum(), name
        if name in usual and declared.form == "choice":
            assert usual[name] in (None, *declared.choices)
    first = next((case for case in CASES if case.kind == kind), None)
    assert first is not None
    built = layer(kind, first.fields)
    assert hyperparameters(built) == {
        name: getattr(first.fields[name], "name", first.fields[name])  # of a pool its name
        for name in declarations(found)
        if name in first.fields and usual.get(name, ...) != first.fields[name]
    }
    assert built == layer(kind, first.fields)
    if first.fields:
        with pytest.raises(AttributeError):
            setattr(built, next(iter(first.fields)), None)


WINDOWED = {"stride": 1, "padding": 0, "dilation": 1, "bias": True, "rounding": "exact"}
POOLED = {"stride": None, "padding": 0, "rounding": "exact"}
FOLLOWING = {"like": None, "offset": None}
DEFAULTS: dict[str, dict[str, Any]] = {
    "conv": {**WINDOWED, "groups": 1, "padding_mode": "zero"},
    "depthwise_conv": {**WINDOWED, "multiplier": 1, "padding_mode": "zero"},
    "conv_transpose": {
        "stride": 1,
        "padding": 0,
        "dilation": 1,
        "bias": True,
        "output_padding": 0,
        "groups": 1,
    },
    "locally_connected": WINDOWED,
    "linear": {"bias": True, "axis": None},
    "attention": {
        "bias": True,
        "relative_bias": False,
        "window": None,
        "shift": 0,
        "grid": None,
    },
    "maxpool": {**POOLED, "dilation": 1},
    "avgpool": {**POOLED, "dilation": 1, "count_include_pad": True, "divisor": None},
    "lppool": {**POOLED, "norm": 2},
    "batchnorm": {"eps": 1e-5, "momentum": 0.1, "affine": True, "track_running_stats": True},
    "instancenorm": {"eps": 1e-5, "momentum": 0.1, "affine": False, "track_running_stats": False},
    "groupnorm": {"eps": 1e-5, "affine": True},
    "layernorm": {"over": "channels", "eps": 1e-5, "affine": True, "bias": True},
    "lrn": {"alpha": 1e-4, "beta": 0.75, "k": 1.0},
    "leaky_relu": {"slope": 0.01},
    "prelu": {"slopes": "one"},
    "elu": {"alpha": 1.0},
    "gelu": {"approximate": "none"},
    "softplus": {"beta": 1.0, "threshold": 20.0},
    "dropout": {"rate": 0.5},
    "flatten": {"start": 1, "end": -1},
    "pad": {"padding": None, "mode": "zero", "value": 0.0, "channels": (0, 0), **FOLLOWING},
    "crop": {"amount": None, "size": None, **FOLLOWING},
    "upsample": {
        "scale": None,
        "size": None,
        "mode": "nearest",
        "align_corners": False,
        "positions": "by_mode",
        "round": "floor",
        "like": None,
        "antialias": False,
        "coefficient": None,
        "border": "by_mode",
    },
    "slice": {"start": 0, "stop": None, "axis": "channels"},
    "concat": {"axis": "channels"},
    "scale": {"bias": False},
    **{key: {"layers": 1, "bidirectional": False, "bias": True} for key in ("lstm", "gru")},
    "affine": {"times": 1.0, "plus": 0.0},
    "l2norm": {"eps": 1e-12, "affine": True},
    "space_to_depth": {"order": "channels"},
    "separable_conv": {
        "stride": 1,
        "padding": 0,
        "dilation": 1,
        "multiplier": 1,
        "bias": True,
        "padding_mode": "zero",
        "rounding": "exact",
    },
}
"""PyTorch 2.13's, where it has such an argument: torch.nn.Conv2d, …, torch.nn.Upsample."""


@tabled("kind", CATALOGUE)
def test_what_a_spec_leaves_out_is_as_pytorch_has_it(kind: str) -> None:
    ours, expected = defaults(layer_class(kind)), DEFAULTS.get(kind, {})
    assert ours == expected
    assert {name: type(value) for name, value in ours.items()} == {
        name: type(value) for name, value in expected.items()
    }


FREE = (-3.4028235e38, None, 3.4028235e38)
"""Any number that float32 has."""
BOUNDS: dict[str, dict[str, tuple[float | None, float | None, float | None]]] = {
    "conv_transpose": {"output_padding": (0, None, 10**9)},
    "lppool": {"norm": (None, 0, 10**9)},
    "batchnorm": {"eps": (0, None, 3.4028235e38), "momentum": (0, None, 1)},
    "instancenorm": {"eps": (0, None, 3.4028235e38), "momentum": (0, None, 1)},
    "groupnorm": {"eps": (0, None, 3.4028235e38)},
    "layernorm": {"eps": (0, None, 3.4028235e38)},
    "lrn": {"alpha": FREE, "beta": FREE, "k": FREE},
    "leaky_relu": {"slope": FREE},
    "affine": {"times": FREE, "plus": FREE},
    "l2norm": {"eps": (0, None, 3.4028235e38)},
    "elu": {"alpha": FREE},
    "softplus": {"beta": (None, 0, 3.4028235e38), "threshold": FREE},
    "dropout": {"rate": (0, None, 1)},
    "flatten": {"end": (-1, None, 10**9)},
    "reshape": {"shape": (-1, None, 10**9)},
    "attention": {"shift": (0, None, 10**9)},
    "pad": {"value": FREE, "channels": (0, None, 10**9), "offset": (0, None, 10**9)},
    "crop": {"offset": (0, None, 10**9)},
    "upsample": {"scale": (None, 0, 10**9), "coefficient": (-1, None, 0)},
    "slice": {"start": (-(10**9), None, 10**9), "stop": (-(10**9), None, 10**9)},
}
"""Least value, bound that is not reached, and largest: of what is not counted from 1."""
FROM = {"padding": 0}
"""By form, where counting starts; from 1 in all others."""


@tabled("kind", CATALOGUE)
def test_layers_take_numbers_from_their_first_to_a_thousand_million(kind: str) -> None:
    layer = layer_class(kind)
    found = {
        name: (declared.minimum, declared.above, declared.maximum)
        for name, declared in declarations(layer).items()
        if declared.form not in ("flag", "choice", "tensor")
    }
    usual = {name: (FROM.get(declarations(layer)[name].form, 1), None, 10**9) for name in found}
    assert found == {**usual, **BOUNDS.get(kind, {})}


@tabled(
    ("kind", "field", "good", "bad"),
    [
        (kind, field, good, bad)
        for kind in ("conv", "conv_transpose", "maxpool", "linear", "groupnorm")
        for field, good, bad in (
            ("kernel", "1", "0"), ("stride", "1", "0"), ("dilation", "1", "0"),
            ("groups", "1", "0"), ("features", "1", "0"), ("padding", "0", "-1"),
            ("filters", "1", "0"), ("output_padding", "0", "-1"),
        )
        if field in declarations(layer_class(kind))
    ],
)  # fmt: skip
def test_layers_refuse_one_less(kind: str, field: str, good: str, bad: str) -> None:
    needed = {
        "conv": {"filters": 4, "kernel": 3},
        "conv_transpose": {"filters": 4, "kernel": 3},
        "maxpool": {"kernel": 3},
        "linear": {"features": 4},
        "groupnorm": {"groups": 2},
    }
    extent = {"conv": "9x9x4", "linear": "4"}.get(kind, "9x9x4")

    for value, codes in ((good, set[str]()), (bad, {"CC302"})):
        fields = {**needed[kind], field: value}
        text = ", ".join(f"{name}: {given}" for name, given in fields.items())
        network = read_text(SourceText("x", f"input: {extent}\nlayers: [{kind}: {{{text}}}]"))
        assert {problem.code for problem in network.errors} == codes


INPLACE = {"relu", "relu6", "leaky_relu", "elu", "selu", "silu", "mish", "hardsigmoid", "hardswish"}
"""Activation functions whose torch.nn modules have `inplace`."""
ALONE = {"l2norm", "flatten", "slice", "softplus", "scale", "batchnorm", "instancenorm", "concat"}
"""Kinds whose first field says little without its name."""
VIEWS = {"identity", "flatten", "reshape", "permute", "crop", "slice"}
"""Kinds that PyTorch answers with a view of the same memory."""


@tabled("kind", CATALOGUE)
def test_layers_have_the_facts_that_pytorch_has(kind: str) -> None:
    layer = layer_class(kind)

    assert layer.overwrites == (kind in INPLACE)
    assert layer.ceils == (kind in {"maxpool", "avgpool", "lppool"}), "those with `ceil_mode`"
    assert layer.stands_alone == (kind not in ALONE)
    assert (layer.storage == "view") == (kind in VIEWS)
    pointwise = CATALOGUE[kind].family == "activation" or kind == "dropout"
    assert (layer.storage == "in_place") == pointwise
    merges = "many" if CATALOGUE[kind].family == "merge" else "one"
    assert layer.inputs == ("either" if kind == "attention" else merges)


def test_an_unknown_kind_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        layer_class("conv4d")


# Whatever the fields' bounds allow: a check raises nothing, and a silent one makes plan() safe.


def drawn(draw: Draw, kind: str) -> Layer:
    """A layer with any fields its declarations allow."""
    found = layer_class(kind)
    usual = defaults(found)
    fields = {
        name: draw.field(declared)
        for name, declared in declarations(found).items()
        if name not in usual or draw.flag()
    }
    return found(**fields)


@tabled("kind", CATALOGUE)
def test_a_silent_check_means_a_plan_that_holds_together(kind: str) -> None:
    many = layer_class(kind).inputs != "one"
    held = 0
    for number in range(300):
        draw = Draw(f"{kind} {number}")
        built = drawn(draw, kind)
        xs = list(draw.some(draw.shape, 1, 3 if many else 1))
        if draw.flag():
            xs = [xs[0]] * len(xs)
        if kind == "matmul":  # of two that fit
            xs = [Shape(draw.whole(1, 9), (5,)), Shape(draw.whole(1, 9), (draw.whole(1, 9),))]
        if kind == "maxunpool":  # of a pool and what it read
            undone = pool(*((draw.whole(1, 3), draw.whole(1, 3), 0) for _ in xs[0].spatial))
            built = built.replace(indices=undone)
            made = output_sizes(undone.windows, xs[0].spatial)
            xs = [Shape(xs[0].channels, made), xs[0]]
        held += holds(kind, built, xs)
    assert held > 5


def holds(kind: str, built: Layer, xs: list[Shape]) -> bool:
    """Whether a layer takes its input; if it does, its plan fits together."""
    problems = list(built.check(xs))
    case = (built, xs)
    for problem in problems:
        assert problem.message, case
        assert problem.field is None or problem.field in declarations(type(built)), case
    if any(problem.severity == "error" for problem in problems):
        return False
    plan = built.plan(xs)
    assert min(plan.output.axes) >= 1, case
    assert plan.macs >= 0, case
    assert len({weight.name for weight in plan.weights}) == len(plan.weights), case
    assert all(min(weight.shape) >= 1 for weight in plan.weights), case
    assert plan.positions, "no windows at all: kept, or lost?"
    if plan.windows:
        sizes = zip(plan.windows, xs[0].spatial, strict=True)
        outputs = tuple(window.output(size) for window, size in sizes)
        assert outputs == plan.output.spatial, case
        for window in plan.windows:
            field = Field().through(window)
            assert field.jump * window.up == window.stride or not field.size, case
    elif plan.positions == "kept" and built.inputs != "many" and kind not in (
        "flatten", "permute", "linear",
    ):  # fmt: skip
        assert plan.output.spatial == xs[0].spatial, case
    return True


# Every problem a layer can find.


class Wrong(NamedTuple):
    """A layer, its inputs, and the problem that must be found."""

    kind: str
    fields: dict[str, Any]
    inputs: str
    code: str
    message: str
    field: str | None
    help: str


CONV = {"filters": 4, "kernel": 3}

WRONG = [
    Wrong(  # the AlexNet paper's famous slip
        "conv",
        {"filters": 96, "kernel": 11, "stride": 4},
        "224x224x3",
        "CC301",
        "stride 4 does not tile the input: (224 − 11 + 2·0)/4 + 1 = 54.25",
        "stride",
        "write `rounding: floor` once at the top of the spec, as frameworks do (drops 1 row and "
        "1 column), give it a map of 227×227 or 223×223, or use padding [[1, 2], [1, 2]]",
    ),
    Wrong(  # the notes: 5 − 3 + 2 = 4 is not divisible by 3
        "conv",
        {"filters": 1, "kernel": 3, "stride": 3, "padding": 1},
        "5x1",
        "CC301",
        "stride 3 does not tile the input: (5 − 3 + 2·1)/3 + 1 = 2.333",
        "stride",
        "(only padding is left over), give it a length of 7 or 4, or use padding [[2, 2]]",
    ),
    Wrong(  # the notes: 4.5
        "conv",
        {"filters": 1, "kernel": 3, "stride": 2},
        "10x1",
        "CC301",
        "stride 2 does not tile the input: (10 − 3 + 2·0)/2 + 1 = 4.5",
        "stride",
        "(drops 1 position), give it a length of 11 or 9, or use padding [[0, 1]]",
    ),
    Wrong(  # trap: counted from 0, dilation 1 would span 5 and (12 − 5)/1 + 1 would be fine
        "conv",
        {"filters": 1, "kernel": 3, "stride": 2, "dilation": 2},
        "12x12x1",
        "CC301",
        "stride 2 does not tile the input: (12 − 2·(3 − 1) − 1 + 2·0)/2 + 1 = 4.5",
        "stride",
        "give it a map of 13×13 or 11×11",
    ),
    Wrong(
        "conv",
        CONV | {"stride": (3, 2), "padding": ((0, 1), 0)},
        "6x6x1",
        "CC301",
        "stride 3×2 does not tile the input: "
        "(6 − 3 + 0 + 1)/3 + 1 = 2.333 (height), (6 − 3 + 2·0)/2 + 1 = 2.5 (width)",
        "stride",
        "(drops 1 column), give it a map of 8×7 or 5×5, or use padding [[1, 2], [0, 1]]",
    ),
    Wrong(  # no padding for a pool beyond half its kernel
        "maxpool",
        {"kernel": 2, "stride": 4},
        "7x7x1",
        "CC301",
        "(7 − 2 + 2·0)/4 + 1 = 2.25",
        "stride",
        "(only values that the stride skips are left over), or give it a map of 10×10 or 6×6",
    ),
    Wrong(
        "locally_connected",
        CONV | {"stride": 10_000},
        "3x10004x1",
        "CC301",
        "(10004 − 3 + 2·0)/10000 + 1 = 2.0001 (width)",
        "stride",
        "only values that the stride skips are left over",
    ),
    Wrong(
        "conv_transpose",
        CONV | {"output_padding": 2, "stride": 2},
        "4x4x1",
        "CC302",
        "output_padding 2 is not smaller than the stride 2 or the dilation 1",
        "output_padding",
        "use at most 1",
    ),
    Wrong("crop", {}, "4x1", "CC302", "a size, and has neither", None, "crop: 2"),
    Wrong("crop", {"amount": 1, "size": 2}, "4x1", "CC302", "has both", "size", "keep one"),
    Wrong("crop", {"amount": "same"}, "4x1", "CC302", "depends on a kernel", "amount", "numbers"),
    Wrong("pad", {}, "4x1", "CC302", "or both, and has neither", None, "`pad: 1`"),
    Wrong("pad", {"channels": (16,)}, "4x1", "CC302", "two numbers, and this has 1", "channels",
          "how many go before"),
    Wrong("pad", {"channels": (1, 2, 3)}, "4x1", "CC302", "and this has 3", "channels",
          "how many go before"),
    Wrong("pad", {"channels": (0, 2), "mode": "reflect", "padding": 1}, "4x1", "CC302",
          "the mode is reflect", "mode", "two items"),
    Wrong("pad", {"padding": "valid"}, "4x1", "CC302", "depends on a kernel", "padding", "numbers"),
    Wrong("upsample", {}, "4x1", "CC302", "a size, and has neither", None, "upsample: 2"),
    Wrong("upsample", {"scale": 2, "size": 2}, "4x1", "CC302", "has both", "size", "keep one"),
    Wrong(
        "upsample",
        {"scale": 2, "mode": "linear", "align_corners": True, "positions": "asymmetric"},
        "8x8x4",
        "CC302",
        "align_corners spreads positions",
        "positions",
        "one of the two",
    ),
    Wrong(
        "upsample",
        {"scale": 2, "mode": "linear", "round": "ceil"},
        "8x8x4",
        "CC302",
        "round ceil is for mode nearest",
        "round",
        "leave round out",
    ),
    Wrong(
        "upsample", {"scale": 0.5, "mode": "linear", "antialias": True}, "4x1", "CC302",
        "antialias is for images, and the input has 1 spatial axis", "antialias", "antialias out",
    ),
    Wrong(
        "upsample", {"scale": 0.5, "antialias": True}, "8x8x4", "CC302",
        "mode nearest reads one", "antialias", "linear or cubic",
    ),
    Wrong(
        "upsample",
        {"scale": 0.5, "mode": "linear", "antialias": True, "align_corners": True},
        "8x8x4", "CC302", "other positions", "align_corners", "leave align_corners out",
    ),
    Wrong(
        "upsample", {"scale": 2, "mode": "linear", "coefficient": -0.5}, "8x8x4", "CC302",
        "mode linear has none", "coefficient", "mode cubic",
    ),
    *(
        Wrong(
            "upsample", {"scale": 2, "mode": mode, "border": border}, "8x8x4", "CC302",
            f"border {border} is for mode cubic and for antialias, and mode {mode} gives the same",
            "border", "leave border out",
        )
        for mode, border in (("nearest", "replicate"), ("linear", "exclude"))
    ),
    Wrong(
        "upsample",
        {"scale": 2, "mode": "cubic"},
        "4x1",
        "CC302",
        "mode cubic is for images, and the input has 1 spatial axis",
        "mode",
        "linear",
    ),
    Wrong(
        "upsample",
        {"scale": (2, 2)},
        "4x1",
        "CC311",
        "scale has 2 values, and the input has 1 spatial axis",
        "scale",
        "one number for all axes",
    ),
    Wrong(
        "reshape", {"shape": (-1, -1)}, "4x4x1", "CC302", "of which one may be −1", "shape", "4x4"
    ),
    Wrong("reshape", {"shape": (0, 4)}, "4x4x1", "CC302", "at least one positive", "shape", "4x4"),
    Wrong(
        "conv",
        {"filters": 1, "kernel": 5, "padding": 1},
        "9x2x1",
        "CC303",
        "kernel 5 is larger than the padded width: 2 + 2 = 4",
        "kernel",
        "use a kernel of at most 4",
    ),
    Wrong(  # nothing smaller than 1, however far the padding is cut
        "conv",
        {"filters": 1, "kernel": 3},
        "4x1x1",
        "CC303",
        "kernel 3 is larger than the padded width: 1 + 0 = 1",
        "kernel",
        "use a kernel of at most 1,",
    ),
    Wrong(
        "conv",
        {"filters": 1, "kernel": 2, "dilation": 4},
        "4x9x1",
        "CC303",
        "kernel 2 (dilated: 4·(2 − 1) + 1 = 5) is larger than the padded height: 4 + 0 = 4",
        "kernel",
        "use a kernel of at most 1,",
    ),
    Wrong(  # trap: an undilated kernel of 3 would fit
        "conv",
        {"filters": 1, "kernel": 3, "dilation": 3},
        "6x6x1",
        "CC303",
        "kernel 3 (dilated: 3·(3 − 1) + 1 = 7) is larger than the padded height: 6 + 0 = 6",
        "kernel",
        "use a kernel of at most 2",
    ),
    Wrong(  # the row added to round up is no padding of the user's
        "avgpool",
        {"kernel": 9, "stride": 2, "rounding": "ceil"},
        "4x1",
        "CC303",
        "kernel 9 is larger than the padded length: 4 + 0 = 4",
        "kernel",
        "at most 4",
    ),
    Wrong(
        "conv_transpose",
        {"filters": 1, "kernel": 2, "padding": 2},
        "2x2x1",
        "CC303",
        "padding cuts the whole output away: (2 − 1)·1 + 2 − 4 = -1",
        "padding",
        "use a padding of at most 1"  # of the 3 rows that there are, one is left,
    ),
    *(
        Wrong(
            kind,
            {"kernel": 3, "padding": ((0, 0), (0, 2)), "stride": 1},
            "8x8x1",
            "CC304",
            "padding 2 is more than half the pooling kernel: 3/2 = 1.5",
            "padding",
            "use padding [[0, 0], [0, 1]], as PyTorch",
        )
        for kind in ("maxpool", "avgpool", "lppool")
    ),
    Wrong(
        "maxpool",
        {"kernel": 3, "padding": 3, "stride": 1, "dilation": 2},
        "8x8x1",
        "CC304",
        "padding 3 is more than half the pooling kernel: 3/2 = 1.5",
        "padding",
        "at most 1",
    ),
    Wrong(
        "conv",
        CONV | {"groups": 2},
        "8x8x3",
        "CC305",
        "2 groups do not divide the 3 input channels: 3/2 = 1.5",
        "groups",
        "use a divisor of 3 and 4, such as 1, or another number of channels in",
    ),
    Wrong(
        "conv_transpose",
        CONV | {"groups": 3},
        "8x8x3",
        "CC305",
        "3 groups do not divide the 4 output channels: 4/3 = 1.333",
        "groups",
        "use a divisor of 3 and 4, such as 1, or another number of filters",
    ),
    Wrong("groupnorm", {"groups": 5}, "8x8x8", "CC305", "8/5 = 1.6", "groups", "divisor of 8"),
    Wrong("channel_shuffle", {"groups": 4096}, "8x1", "CC305", "1/4096 = 0.0002", "groups", "of 1"),
    Wrong(
        "maxpool",
        {"kernel": 3, "stride": 2, "rounding": "floor"},
        "112x112x64",
        "CC306",
        "the last 1 row and 1 column of its input are never read: (112 − 3 + 2·0)/2 + 1 = 55.5",
        "stride",
        "pad behind, give it a map of 113×113 or 111×111, or `rounding: ceil`",
    ),
    Wrong(
        "depthwise_conv",
        {"kernel": 3, "stride": 4, "rounding": "floor"},
        "13x1",
        "CC306",
        "the last 1 position of its input is never read",
        "stride",
        "pad behind",
    ),
    Wrong(
        "conv",
        {"filters": 1, "kernel": (4, 3), "padding": "same"},
        "8x8x1",
        "CC307",
        "`same` needs an odd kernel: P = (F − 1)/2 = (4 − 1)/2 = 1.5",
        "padding",
        "use kernel 3x3 or 5x3, or say which side gets more: padding [[1, 2], [1, 1]]",
    ),
    Wrong(
        "linear",
        {"features": 10},
        "7x7x512",
        "CC308",
        "linear needs a vector, and its input is 7×7×512",
        None,
        "`flatten` before it (7×7×512 becomes 25088)",
    ),
    Wrong(
        "add",
        {},
        "8x8x64 4x4x64",
        "CC309",
        "branch 2 is 4×4×64 and cannot be added to 8×8×64: their sizes differ",
        None,
        "same strides",
    ),
    Wrong(
        "add", {}, "8x8x64 8x8x32", "CC309", "64 channels against 32", None, "number of channels"
    ),
    Wrong("add", {}, "8x8x64 64", "CC309", "2 spatial axes against 0", None, "`reshape`"),
    Wrong("concat", {}, "8x64 8x8x64", "CC310", "only the channels", None, "by `reshape`"),
    Wrong("concat", {}, "8x8x64 9", "CC310", "only the channels", None, "`flatten` at the end of"),
    Wrong("concat", {}, "9 9 8x64", "CC310", "only the channels", None, "the end of branch 3"),
    Wrong("concat", {"axis": "length"}, "8x64 64", "CC310", "only the length", None, "`reshape`"),
    Wrong("add", {}, "8x64 8x8x64", "CC309", "1 spatial axis against 2", None, "`reshape`"),
    Wrong("space_to_depth", {"factor": 2}, "8x7x4", "CC312", "7/2 = 3.5", "factor", "multiple"),
    Wrong("space_to_depth", {"factor": 2}, "8", "CC314", "a vector of 8", None, "`reshape`"),
    Wrong("lstm", {"features": 8}, "7", "CC314", "a vector of 7", None, "such as 1x7"),
    Wrong("gru", {"features": 8}, "5x5x4", "CC314", "5×5×4 has 2 spatial", None, "[-1, 4]"),
    Wrong("maxunpool", {"indices": pool((2, 2, 0))}, "2x2x8 4x4x8", "CC314", "has 1 window",
          "indices", "name a `maxpool`"),
    Wrong("maxunpool", {"indices": pool(*[(2, 2, 0)] * 2)}, "2x3x8 4x4x8", "CC309", "made 2×2×8",
          "indices", "make the input 2×2×8"),
    Wrong("kmaxpool", {"k": 4}, "3x5", "CC303", "more than the 3 values", "k", "at most 3"),
    Wrong("kmaxpool", {"k": 4}, "7", "CC314", "a vector of 7", None, "to 7x1"),
    Wrong("kmaxpool", {"k": 4}, "5x5x4", "CC314", "5×5×4 has 2 spatial", None, "[-1, 4]"),
    Wrong(
        "embedding", {"entries": 9, "features": 2}, "7", "CC314", "a vector of 7", None,
        "`input: 7x1`",
    ),
    Wrong(
        "embedding", {"entries": 9, "features": 2}, "5x2", "CC314", "its input is 5×2", None,
        "each of the 2 channels",
    ),
    Wrong(
        "embedding", {"entries": 9, "features": 2}, "5x4x1", "CC314", "its input is 5×4×1", None,
        "`input: 20x1`",
    ),
    Wrong("matmul", {}, "5x4 3x7", "CC309", "a row of 4 is multiplied", None, "give branch 1 3"),
    Wrong("matmul", {}, "5x4 28", "CC309", "and branch 2 is 28", None, "1x28"),
    Wrong("matmul", {}, "5x5x4 4x7", "CC309", "branch 1 is 5×5×4", None, "[-1, 4]"),
    Wrong("matmul", {}, "5x4", "CC302", "takes two branches, and has 1", None, "`[]`"),
    Wrong("attention", {"heads": 4}, "17x66", "CC305", "do not divide the 66", "heads", "66"),
    Wrong("attention", {"heads": 3}, "6x6 66", "CC311", "2 66 is a vector", None, "`reshape`"),
    Wrong("attention", {"heads": 3}, "6x6 5x4 2x3x4", "CC309", "5 keys against 6 v", None, "as"),
    Wrong("attention", {"heads": 3}, "6x6 6x6 6x6 6x6", "CC302", "has 4 branches", None, "two"),
    Wrong(
        "attention", {"heads": 3, "window": 3}, "6x6 6x6", "CC302", "there are 2 branches",
        "window", "leave `window`",
    ),
    Wrong("attention", {"heads": 3, "window": 3, "grid": 2}, "6x6", "CC302", "both", "grid", "one"),
    Wrong("attention", {"heads": 3, "shift": 2}, "6x6", "CC302", "there are none", "shift", "too"),
    Wrong(
        "attention", {"heads": 3, "window": (3, 4), "shift": 3}, "6x6x6", "CC312",
        "shift 3 is no part of a window of 3", "shift", "at most 2",
    ),
    Wrong(
        "attention", {"heads": 3, "window": (3, 4)}, "6x6", "CC311", "window has 2 values",
        "window", "one number",
    ),
    Wrong(
        "attention", {"heads": 3, "window": 7}, "8x3x6", "CC312",
        "a window of 7 is wider than twice the width 3", "window", "at most 6",
    ),
    Wrong(
        "attention", {"heads": 3, "grid": 4}, "8x6x6", "CC312",
        "a grid of 4 does not divide the width 6: 6/4 = 1.5", "grid", "multiple of 4",
    ),
    Wrong("attention", {"heads": 3}, "66", "CC311", "its input 66 is a vector", None, "`reshape`"),
    Wrong("subtract", {}, "8x8x4", "CC302", "takes two branches, and has 1", None, "`[]`"),
    Wrong("divide", {}, "4 4 4", "CC302", "two branches, and has 3", None, "one `divide` behind"),
    Wrong("subtract", {}, "8x8x4 4x4x4", "CC309", "subtracted from 8×8×4", None, "1×1 map"),
    Wrong("maximum", {}, "8x8x4 8x8x2", "CC309", "compared with 8×8×4: 4 channels", None, "same"),
    Wrong(  # the first two make 4×4×8
        "multiply",
        {},
        "1x1x8 4x4x1 4x4x2",
        "CC309",
        "branch 3 is 4×4×2 and cannot be multiplied with 4×4×8: 8 channels against 2",
        None,
        "number of channels",
    ),
    Wrong(
        "concat",
        {},
        "8x8x64 8x8x3 8x7x64",
        "CC310",
        "branch 3 is 8×7×64 and branch 1 is 8×8×64: only the channels of a concat may differ",
        None,
        "`crop`, `pad` or `upsample`",
    ),
    Wrong(
        "concat",
        {"axis": "height"},
        "8x8x4 6x8x4 6x7x4",
        "CC310",
        "branch 3 is 6×7×4 and branch 1 is 8×8×4: only the height of a concat along it may differ",
        None,
        "`crop`, `pad` or `upsample`",
    ),
    Wrong(
        "concat",
        {"axis": "length"},
        "8x4 6x5",
        "CC310",
        "branch 2 is 6×5 and branch 1 is 8×4: only the length of a concat along it may differ",
        None,
        "give the branches the same number of channels",
    ),
    Wrong(
        "concat",
        {"axis": "length"},
        "8x8x4 8x8x4",
        "CC311",
        "axis length is none of 8×8×4, whose axes are height, width and channels",
        "axis",
        "use height, width or channels",
    ),
    Wrong(
        "slice",
        {"axis": "depth"},
        "10",
        "CC311",
        "axis depth is none of 10, whose only axis is channels",
        "axis",
        "use channels",
    ),
    Wrong(
        "slice",
        {"axis": "height", "stop": 9},
        "8x7x4",
        "CC312",
        "stop 9 is outside the 8 rows",
        "stop",
        "use 1 to 8, or a negative number to count from the end",
    ),
    Wrong(
        "slice",
        {"axis": "width", "start": 4, "stop": -3},
        "8x7x4",
        "CC312",
        "columns 4 to 4 are none: start must lie before stop",
        "start",
        "use a stop of at least 5",
    ),
    *(
        Wrong(kind, fields, "8x8x4", "CC311", message, field, "one number for all axes, or one per")
        for kind, fields, message, field in (
            ("conv", CONV | {"kernel": (1, 2, 3)}, "kernel has 3 values, and", "kernel"),
            ("maxpool", {"kernel": 2, "stride": (2,)}, "stride has 1", "stride"),
            ("conv", CONV | {"dilation": (1, 1, 1)}, "dilation has 3", "dilation"),
            ("locally_connected", CONV | {"padding": (1,)}, "padding has 1", "padding"),
            ("conv_transpose", CONV | {"output_padding": (0,)}, "has 1", "output_padding"),
            ("adaptive_avgpool", {"size": (1,)}, "size has 1", "size"),
            ("adaptive_maxpool", {"size": (1, 2, 3)}, "size has 3", "size"),
            ("pad", {"padding": (1,)}, "padding has 1", "padding"),
            ("crop", {"size": (1,)}, "size has 1", "size"),
            ("upsample", {"scale": (2, 2, 2)}, "scale has 3", "scale"),
            ("upsample", {"size": (2,)}, "size has 1", "size"),
        )
    ),
    Wrong(
        "flatten", {"end": 4}, "8x8x4", "CC311", "end 4 is no axis of 8×8×4: its axes are 1 to 3",
        "end", "1 is the ch",
    ),
    Wrong(
        "flatten", {"start": 3, "end": 2}, "8x8x4", "CC311",
        "flatten from axis 3 to axis 2 is backwards", "end", "at least 3",
    ),
    Wrong(  # 8·3, and Keras cuts half of the kernel on both sides: 7·3 + 2 − 2 + 2
        "conv_transpose",
        {"filters": 1, "kernel": 2, "stride": 3, "padding": "same", "output_padding": 2},
        "8x1", "CC302", "`same` says that the output is 24, and output_padding 2 adds to it",
        "output_padding", "leave output_padding out for 24, or write padding [[1, 1]] for 23, ",
    ),
    Wrong(  # a kernel of 1 has no half: 7·3 + 1 + 2
        "conv_transpose",
        {"filters": 1, "kernel": 1, "stride": 3, "padding": "same", "output_padding": 2},
        "8x1",
        "CC302",
        "`same` says that the output is 24, and output_padding 2 adds to it",
        "output_padding",
        "leave output_padding out for 24, or write padding [[0, 0]] for 24, ",
    ),
    Wrong(  # 8·2 and 6·3; 7·2 + 5 − 4 + 1 and 5·3 + 4 − 4 + 2
        "conv_transpose",
        {"filters": 1, "kernel": (5, 4), "stride": (2, 3), "padding": "same",
         "output_padding": (1, 2)},
        "8x6x1", "CC302", "the output is 16×18, and output_padding 1×2 adds to it",
        "output_padding", "out for 16×18, or write padding [[2, 2], [2, 2]] for 16×17, ",
    ),
    Wrong(
        "conv_transpose", {"filters": 1, "kernel": 3, "stride": 2, "output_padding": 2},
        "8x1", "CC302", "output_padding 2 is not smaller than the stride 2 or the dilation 1",
        "output_padding", "use at most 1",
    ),
    Wrong(
        "conv_transpose",
        {"filters": 1, "kernel": 3, "stride": 2, "dilation": 4, "output_padding": 4},
        "8x1", "CC302", "output_padding 4 is not smaller than the stride 2 or the dilation 4",
        "output_padding", "use at most 3",
    ),
    Wrong(  # (5 − 1)·2 + 3 = 11
        "conv_transpose", {"filters": 1, "kernel": 3, "stride": 2, "padding": 6},
        "5x1", "CC303", "padding cuts the whole output away: (5 − 1)·2 + 3 − 12 = -1",
        "padding", "use a padding of at most 5",
    ),
    Wrong("flatten", {"start": 4}, "8x8x4", "CC311", "start 4 is no axis", "start", "1 is the ch"),
    Wrong("flatten", {"start": 3, "end": 2}, "8x8x4", "CC311", "backwards", "end", "at least 3"),
    Wrong(
        "permute",
        {"order": (1, 2, 2)},
        "8x8x4",
        "CC311",
        "order [1, 2, 2] does not name each axis of 8×8×4 once",
        "order",
        "give [1, 2, 3]",
    ),
    *(
        Wrong(
            kind,
            fields | {"padding": padding, mode: "reflect"},
            "3x9x1",
            "CC312",
            "padding 3 needs 4 values to reflect, and the axis has 3",
            "padding",
            "use a smaller kernel, or use `replicate`"
            if padding == "same"
            else "use a padding of at most 2, or use `replicate`",
        )
        for kind, fields, padding, mode in (
            ("conv", {"filters": 1, "kernel": 3}, 3, "padding_mode"),
            ("conv", {"filters": 1, "kernel": 7}, "same", "padding_mode"),
            ("depthwise_conv", {"kernel": 7}, "same", "padding_mode"),
            ("pad", {}, 3, "mode"),
        )
    ),
    Wrong(
        "pad",
        {"padding": 4, "mode": "circular"},
        "3x9x1",
        "CC312",
        "padding 4 needs 4 values to circular, and the axis has 3",
        "padding",
        "at most 3",
    ),
    Wrong(
        "crop",
        {"amount": 2},
        "9x4x1",
        "CC312",
        "crop leaves nothing of the width: 4 − 2 − 2 = 0",
        "amount",
        "cut at most 1 from every side",
    ),
    Wrong(
        "crop",
        {"amount": ((0, 0), (0, 4))},  # all of it behind
        "9x4x1",
        "CC312",
        "crop leaves nothing of the width: 4 − 0 − 4 = 0",
        "amount",
        "cut [[0, 0], [0, 1]]",
    ),
    Wrong("crop", {"size": 5}, "9x4x1", "CC312", "the width 4 is smaller", "size", "1 and 4"),
    Wrong(
        "crop", {"size": 3, "offset": 2}, "9x4x1",
        "CC312", "the width 4 is smaller than offset 2 + size 3", "offset", "at most 1",
    ),
    Wrong(
        "crop", {"size": 3, "offset": (7, 1)}, "9x4x1",
        "CC312", "the height 9 is smaller than offset 7 + size 3", "offset", "use offset 6x1",
    ),
    Wrong(
        "crop", {"amount": 1, "offset": 2}, "9x4x1",
        "CC302", "offset goes with a size or like", "offset", "write the amount as",
    ),
    Wrong(
        "crop", {"size": 2, "offset": (1, 1)}, "9x1",
        "CC311", "offset has 2 values", "offset", "one number",
    ),
    Wrong(
        "pad", {"padding": 1, "offset": 2}, "9x4x1",
        "CC302", "offset is how far from the border", "offset", "add `like`",
    ),
    Wrong("upsample", {"scale": 0.1}, "9x4x1", "CC312", "leaves nothing", "scale", "larger"),
    Wrong("slice", {"stop": 9}, "8", "CC312", "stop 9 is outside the 8 channels", "stop", "1 to 8"),
    Wrong("slice", {"start": -9}, "8", "CC312", "start -9 is outside", "start", "negative number"),
    Wrong("slice", {"start": 5, "stop": 5}, "8", "CC312", "are none", "start", "at least 6"),
    Wrong("slice", {"stop": 0}, "8", "CC312", "channels 0 to 0 are none", "stop", "at least 1"),
    Wrong(
        "reshape",
        {"shape": (3, -1)},
        "4x4x1",
        "CC312",
        "4×4×1 has 16 values and 3×? needs a multiple of 3",
        "shape",
        "divides 16",
    ),
    Wrong("reshape", {"shape": (3, 5)}, "4x4x1", "CC312", "3×5 has 15", "shape", "−1"),
    Wrong(
        "pixel_shuffle",
        {"factor": 2},
        "4x4x6",
        "CC312",
        "6 channels do not divide into blocks of 2^2 = 4",
        "factor",
        "a multiple of 4 channels",
    ),
    *(
        Wrong(kind, fields, text, "CC314", message, None, advice)
        for kind, fields, large_enough in (
            ("conv", CONV, "4x4x1"),
            ("depthwise_conv", {"kernel": 3}, "4x4x1"),
            ("conv_transpose", CONV, "1x1x16"),
            ("locally_connected", CONV, "4x4x1"),
            ("maxpool", {"kernel": 2}, "2x2x4"),
            ("avgpool", {"kernel": 2}, "2x2x4"),
            ("lppool", {"kernel": 2}, "2x2x4"),
            ("adaptive_avgpool", {"size": 1}, "1x1x16"),
            ("adaptive_maxpool", {"size": 1}, "1x1x16"),
            ("global_avgpool", {}, "1x1x16"),
            ("global_maxpool", {}, "1x1x16"),
            ("pixel_shuffle", {"factor": 1}, "1x1x16"),
            ("pad", {"padding": 1}, "1x1x16"),
            ("crop", {"amount": 1}, "4x4x1"),
            ("upsample", {"scale": 2}, "1x1x16"),
        )
        for text, message, advice in (
            ("16", f"{kind} needs an input with spatial axes, and this one is a vector of 16",
             f"for example to {large_enough}"),
            ("5x5x5x5x2", f"{kind} works on 1 to 3 spatial axes, and its input 5×5×5×5×2 has 4",
             "`reshape`"),
        )
    ),
    Wrong("instancenorm", {}, "1x1x8", "CC314", "more than one position", None, "`layernorm`"),
    Wrong(
        "groupnorm",
        {"groups": 8},
        "1x8",
        "CC314",
        "more than one value per group, and its input 1×8 has 8/8 = 1",
        "groups",
        "fewer groups",
    ),
]  # fmt: skip


@tabled("row", WRONG, ids=lambda row: f"{row.code} {row.kind} {row.field} {row.inputs}")
def test_the_problem_is_found_and_explained(row: Wrong) -> None:
    found = problems(row.kind, row.fields, *row.inputs.split())
    assert [(problem.code, problem.field) for problem in found] == [(row.code, row.field)]
    assert row.message in found[0].message
    assert found[0].help is not None
    assert row.help in found[0].help
    assert found[0].severity == ("warning" if row.code == "CC306" else "error")


def test_every_code_that_a_layer_yields_has_a_row() -> None:
    sources = Path(convcalc.layers.__file__).parent.glob("*.py")
    named = {code for path in sources for code in re.findall(r"CC\d{3}", path.read_text("utf-8"))}
    assert named == {row.code for row in WRONG}


def test_problems_are_collected_not_stopped_at_the_first() -> None:
    fields = {"filters": 4, "kernel": (3, 3, 3), "stride": (1,), "groups": 3}
    found = problems("conv", fields, "8x8x4")
    assert [problem.code for problem in found] == ["CC311", "CC311", "CC305", "CC305"]


@examples(
    400,
    kind=lambda draw: draw.choice(["conv", "maxpool"]),
    spatial=lambda draw: draw.some(lambda: draw.whole(1, 20), 1, 3),
    kernel=lambda draw: draw.whole(1, 5),
    stride=lambda draw: draw.whole(1, 6),
    dilation=lambda draw: draw.whole(1, 3),
    padding=lambda draw: draw.whole(0, 2),
)
def test_what_the_help_for_a_stride_that_does_not_tile_suggests_is_valid(
    kind: str, spatial: tuple[int, ...], kernel: int, stride: int, dilation: int, padding: int
) -> None:
    fields: dict[str, Any] = {"kernel": kernel, "stride": stride, "dilation": dilation}
    fields |= {"padding": padding} | ({"filters": 1} if kind == "conv" else {})
    x = Shape(1, spatial)
    found = list(layer(kind, fields).check([x]))
    if [problem.code for problem in found] != ["CC301"]:
        return
    advice = found[0].help
    assert advice
    sizes = re.search(r"give it a (?:map|length) of ([\d×]+)(?: or ([\d×]+))?", advice)
    assert sizes
    for size in filter(None, sizes.groups()):
        other = Shape(1, tuple(map(int, size.split("×"))))
        assert not list(layer(kind, fields).check([other]))
    pairs = re.search(r"padding (\[\[.*?\]\])", advice)
    assert pairs or kind == "maxpool"
    if pairs:
        sides = tuple(map(tuple, ast.literal_eval(pairs[1])))
        assert not list(layer(kind, fields | {"padding": sides}).check([x]))
    rounded = list(layer(kind, fields | {"rounding": "floor"}).check([x]))
    assert [problem.code for problem in rounded] == (["CC306"] if "drops" in advice else [])


# Facts of the notes that are no single row.


@pytest.mark.parametrize("kernel", range(1, 12, 2))
def test_half_the_kernel_of_padding_keeps_the_size(kernel: int) -> None:
    fields = {"filters": 1, "kernel": kernel, "padding": (kernel - 1) // 2}
    assert planned("conv", fields, "32x32x3").output == shape("32x32x1")
    assert planned("conv", fields | {"padding": "same"}, "32x32x3") == planned(
        "conv", fields, "32x32x3"
    )


def test_dilation_counts_from_one_and_widens_the_kernel() -> None:
    for kernel, dilation in product(range(1, 6), range(1, 5)):
        plan = planned("conv", {"filters": 1, "kernel": kernel, "dilation": dilation}, "40x1")
        wider = kernel + (kernel - 1) * (dilation - 1)
        assert plan.output == planned("conv", {"filters": 1, "kernel": wider}, "40x1").output
        assert parameters(plan) == kernel + 1
        if dilation == 1:
            assert plan == planned("conv", {"filters": 1, "kernel": kernel}, "40x1")


def test_transposed_sizes_are_the_formula() -> None:
    for kernel, stride, padding, extra in product(range(1, 6), range(1, 4), range(2), range(3)):
        fields = {
            "filters": 1,
            "kernel": kernel,
            "stride": stride,
            "padding": padding,
            "output_padding": extra,
        }
        size = (7 - 1) * stride + kernel - 2 * padding + extra
        if extra < stride or extra == 0:
            assert planned("conv_transpose", fields, "7x1").output == Shape(1, (size,))
        else:
            assert [found.code for found in problems("conv_transpose", fields, "7x1")] == ["CC302"]


def test_a_neuron_has_a_weight_per_value_of_its_patch_and_a_bias() -> None:
    for text, kernel, weights in (("32x32x3", 5, 75), ("16x16x20", 3, 180)):
        plan = planned("conv", {"filters": 1, "kernel": kernel}, text)
        assert [weight.size for weight in plan.weights] == [weights, 1]


def test_sharing_weights_saves_alexnets_first_layer_105_million_parameters() -> None:
    fields = {"filters": 96, "kernel": 11, "stride": 4}
    shared = planned("conv", fields, "227x227x3")
    alone = planned("locally_connected", fields, "227x227x3")
    assert shared.output.size == 290_400
    assert [weight.size for weight in shared.weights] == [34_848, 96]
    assert parameters(shared) == 34_944
    assert parameters(alone) == 290_400 * (363 + 1) == 105_705_600
    assert shared.macs == alone.macs == 290_400 * 363


def test_a_filter_holds_a_kernel_per_channel() -> None:
    first = planned("conv", {"filters": 32, "kernel": 3, "padding": 1}, "8x8x3")
    second = planned("conv", {"filters": 64, "kernel": 3}, str(first.output).replace("×", "x"))
    assert first.weights[0].shape[:2] == (32, 3)
    assert second.weights[0].shape[:2] == (64, 32)


def test_three_small_filters_see_as_much_as_a_large_one_with_fewer_weights() -> None:
    small = planned("conv", {"filters": 16, "kernel": 3, "bias": False}, "32x32x16")
    large = planned("conv", {"filters": 16, "kernel": 7, "bias": False}, "32x32x16")
    field = Field()
    for _ in range(3):
        assert small.windows
        field = field.through(small.windows[0])
    assert large.windows
    assert field == Field().through(large.windows[0]) == Field(7)
    assert (3 * parameters(small), parameters(large)) == (27 * 16**2, 49 * 16**2)


def test_the_im2col_matrices_of_the_notes() -> None:
    plan = planned("conv", {"filters": 96, "kernel": 11, "stride": 4}, "227x227x3")
    assert columns(plan, 3) == (363, 3025)
    assert (plan.weights[0].shape[0], prod(plan.weights[0].shape[1:])) == (96, 363)
    assert plan.output.axes == (96, 55, 55)
    assert plan.macs == 96 * 363 * 3025
    small = planned("conv", {"filters": 1, "kernel": 3}, "5x5x1")
    assert columns(small, 1) == (9, 9)
    assert small.output == shape("3x3x1")


VGG16 = """
conv 64 224x224x64 3211264 1728; conv 64 224x224x64 3211264 36864; pool 112x112x64 802816 0;
conv 128 112x112x128 1605632 73728; conv 128 112x112x128 1605632 147456; pool 56x56x128 401408 0;
conv 256 56x56x256 802816 294912; conv 256 56x56x256 802816 589824;
conv 256 56x56x256 802816 589824; pool 28x28x256 200704 0;
conv 512 28x28x512 401408 1179648; conv 512 28x28x512 401408 2359296;
conv 512 28x28x512 401408 2359296; pool 14x14x512 100352 0;
conv 512 14x14x512 100352 2359296; conv 512 14x14x512 100352 2359296;
conv 512 14x14x512 100352 2359296; pool 7x7x512 25088 0;
linear 4096 4096 4096 102760448; linear 4096 4096 4096 16777216; linear 1000 1000 1000 4096000
"""
"""The rows of the notes: output, activations, weights without bias."""


def stack(*, convolutional: bool = False, size: int = 224) -> list[Plan]:
    """VGG-16's layers that own values, the linear ones as convolutions if asked for."""
    x = Shape(3, (size, size))
    plans = []
    kernel = 7
    for row in VGG16.split(";"):
        kind, *rest = row.split()
        if kind == "conv":
            built = layer("conv", {"filters": int(rest[0]), "kernel": 3, "padding": 1})
        elif kind == "pool":
            built = layer("maxpool", {"kernel": 2, "stride": 2})
        elif convolutional:
            built = layer("conv", {"filters": int(rest[0]), "kernel": kernel})
            kernel = 1
        else:
            built = layer("linear", {"features": int(rest[0])})
            x = layer("flatten", {}).plan([x]).output
        assert not list(built.check([x]))
        plans.append(built.plan([x]))
        x = plans[-1].output
    return plans


def test_vgg16_row_by_row() -> None:
    plans = stack()
    for row, plan in zip(VGG16.split(";"), plans, strict=True):
        *_, text, activations, weights = row.split()
        assert plan.output == shape(text)
        assert plan.output.size == int(activations)
        assert sum(weight.size for weight in plan.weights[:1]) == int(weights)
    assert sum(plan.weights[0].size for plan in plans if plan.weights) == 138_344_128
    assert sum(map(parameters, plans)) == 138_357_544
    assert sum(plan.macs for plan in plans) == 15_470_264_320
    # trap: the notes total their own rows to "24M"
    assert 3 * 224 * 224 + sum(plan.output.size for plan in plans) == 15_237_608


def test_vgg16s_linear_layers_as_convolutions_slide_over_a_larger_image() -> None:
    plans = stack(convolutional=True)
    assert sum(map(parameters, plans)) == 138_357_544
    assert plans[-1].output == shape("1x1x1000")
    larger = stack(convolutional=True, size=384)
    assert larger[-4].output == shape("12x12x512")
    assert larger[-1].output == shape("6x6x1000")
    assert sum(map(parameters, larger)) == 138_357_544


def test_the_words_that_fields_take_are_those_of_their_types() -> None:
    assert declarations(layer_class("conv"))["padding_mode"].choices == get_args(PaddingMode)


def test_layers_that_merge_take_many_tensors_and_no_others() -> None:
    merging = {kind for kind in CATALOGUE if layer_class(kind).inputs == "many"}
    assert (
        merging
        == kinds("merge")
        == {*("add", "subtract", "multiply", "divide", "maximum", "concat", "matmul")}
    )


def test_merges_that_spread_a_1x1_map_say_so() -> None:
    for kind in kinds("merge"):
        made = layer_class(kind)()
        wrong = [*made.check([Shape(4, (3, 3)), Shape(4, (1, 1))])]
        assert made.spreads == (not wrong), kind


@tabled("case", CASES, ids=str)
def test_layers_are_compared_hashed_and_shown_by_their_fields(case: Case) -> None:
    one, same = case.layer, layer_class(case.kind)(**case.fields)

    assert one == same
    assert hash(one) == hash(same)
    names = {made.__name__: made for made in (type(one), Undone, Window)}
    assert eval(repr(one), names) == one  # noqa: S307 (as it is made)
    assert one != object()


def test_layers_that_differ_in_kind_or_in_a_field_are_not_equal() -> None:
    alike = {(case.kind, repr(sorted(vars(case.layer).items()))) for case in CASES}

    assert len({case.layer for case in CASES}) == len(alike)
