"""Answers for all crops of a larger input, held against each crop by itself."""

import numpy as np
import pytest

import convcalc
from convcalc.diagnostics import ArgumentError
from convcalc.forward import random_weights
from convcalc.layers import CATALOGUE
from convcalc.surgery import convert

UNPADDED = """
input: 14x14x2
layers:
  - conv: {filters: 4, kernel: 3}
  - relu
  - maxpool: 2
  - conv: {filters: 4, kernel: 3}
  - maxpool: 2
  - flatten
  - linear: 5
"""


@pytest.mark.parametrize("stride", [1, 2, 4, None])
def test_answers_are_those_of_every_crop_where_no_layer_pads(stride: int | None) -> None:
    network = convcalc.loads(UNPADDED)
    weights = random_weights(network, 2)
    x = np.random.default_rng(1).standard_normal((2, 2, 23, 19))
    answers = convcalc.dense(network, x, weights, stride=stride)
    step = stride or 4
    assert answers.shape == (2, 5, (23 - 14) // step + 1, (19 - 14) // step + 1)
    for row, column in np.ndindex(answers.shape[2:]):
        top, left = row * step, column * step
        crop = x[:, :, top : top + 14, left : left + 14]
        (alone,) = convcalc.run(network, crop, weights, reference=True).values()
        np.testing.assert_allclose(answers[:, :, row, column], alone, rtol=0, atol=1e-12)


def test_padding_makes_another_answer() -> None:
    network = convcalc.loads(
        UNPADDED.replace("kernel: 3}", "kernel: 3, padding: 1}", 1).replace("14x14", "12x12")
    )
    weights = random_weights(network, 2)
    x = np.random.default_rng(1).standard_normal((1, 2, 20, 20))
    answers = convcalc.dense(network, x, weights)
    (alone,) = convcalc.run(network, x[:, :, 4:16, 4:16], weights, reference=True).values()
    assert abs(answers[:, :, 1, 1] - alone).max() > 1e-3


@pytest.mark.parametrize(
    ("network", "shape", "stride", "said"),
    [
        ("lenet5", (1, 1, 40, 40), 3, "does not divide the network's, which is 4"),
        ("lenet5", (1, 1, 20, 40), None, "at least 28×28"),
        ("unet", (1, 1, 572, 572), None, "one position with channels"),
        ("resnet18", (1, 3, 256, 256), 32, "is global_avgpool, which hangs on the whole map"),
    ],
)
def test_what_has_no_dense_answers_is_refused(
    network: str, shape: tuple[int, ...], stride: int | None, said: str
) -> None:
    with pytest.raises(ArgumentError, match=said):
        convcalc.dense(network, np.zeros(shape), stride=stride)


def test_every_kind_between_gives_the_answers_of_crops_or_is_refused() -> None:
    """No layer that sees the whole map is taken for one that sees its window."""
    needed = {
        "attention": "{heads: 1}",
        "groupnorm": "{groups: 2}",
        "lrn": "{size: 3}",
        "kmaxpool": "3",
        "adaptive_avgpool": "3",
        "upsample": "{size: 16}",
        "locally_connected": "{filters: 2, kernel: 3}",
        "depthwise_conv": "{kernel: 3}",
        "conv_transpose": "{filters: 2, kernel: 2}",
        "layernorm": "{over: all}",
        "pixel_shuffle": "2",
        "linear": "{features: 3, axis: channels}",
    }
    items = [f"{kind}: {needed.get(kind, '')}" for kind in CATALOGUE]
    items += ["add: [[], [global_maxpool: ]]", "layernorm: {over: channels}", "crop: 1"]
    equal, refused = set(), set()
    for item in items:
        text = (
            "{input: 10x10x3, layers: [{conv: {filters: 4, kernel: 3}}, "
            f"{{{item}}}, flatten, linear: 3]}}"
        )
        try:
            network = convcalc.loads(text)
        except convcalc.SpecError:
            continue  # a kind that needs more than this
        weights = random_weights(network, 2)
        x = np.random.default_rng(1).standard_normal((1, 3, 14, 14))
        (remark,) = convert(network, "linear-to-conv").steps[0].result.remarks[1:] or ("",)
        try:
            answers = convcalc.dense(network, x, weights)
        except ArgumentError:
            assert "are those of the crops" not in remark, item
            refused.add(item.partition(":")[0])
            continue
        if "are not those of crops" in remark:
            assert item.startswith(("conv_transpose", "pad")), item  # those pad
            continue
        step = 4 // (answers.shape[2] - 1)
        (alone,) = convcalc.run(
            network, x[:, :, step : step + 10, step : step + 10], weights, reference=True
        ).values()
        np.testing.assert_allclose(answers[:, :, 1, 1], alone, rtol=0, atol=1e-12, err_msg=item)
        equal.add(item.partition(":")[0])
    assert {"relu", "batchnorm", "softmax", "layernorm", "scale", "depthwise_conv"} <= equal
    assert {"groupnorm", "instancenorm", "attention", "add", "global_avgpool"} <= refused
    assert {"locally_connected", "adaptive_avgpool", "upsample", "layernorm"} <= refused
