"""Networks of the zoo beside PyTorch models of them, written on their own."""

from typing import Any

import pytest

from convcalc.analysis import analyze
from convcalc.graph import load

torch = pytest.importorskip("torch")
flop_counter = pytest.importorskip("torch.utils.flop_counter")

import torch_zoo  # noqa: E402 (needs torch)

torch.set_num_threads(1)


@pytest.mark.parametrize("name", sorted(torch_zoo.PEERS))
def test_totals_are_pytorchs(name: str) -> None:
    model, x = torch_zoo.on_meta(torch_zoo.PEERS[name])
    with torch.no_grad(), flop_counter.FlopCounterMode(display=False) as counter:
        y = model(x)
    report = analyze(load(name))
    assert report.input is not None
    assert report.output is not None
    assert report.input.axes == tuple(x.shape[1:])
    assert report.output.axes == tuple(y.shape[1:])
    assert report.totals.parameters == sum(value.numel() for value in model.parameters())
    assert report.totals.flops == counter.get_total_flops()


LAST_MAPS: dict[str, tuple[Any, str, int]] = {
    "alexnet": (lambda: torch_zoo.alexnet_features(6), "maxpool3", 67),
    "vgg16": (lambda: torch_zoo.vgg_features(width=2), "stage5", 32),
    "resnet50": (
        lambda: torch_zoo.resnet_features((3, 4, 6, 3), deep=True, width=2), "conv5_x", 32,
    ),
    "resnet50_v1": (
        lambda: torch_zoo.resnet_features((3, 4, 6, 3), deep=True, v1=True, width=2), "conv5_x", 32,
    ),
    "mobilenet_v1": (lambda: torch_zoo.mobilenet_v1_features(2), "separable13", 32),
}  # fmt: skip
"""The layers up to the last map in few channels, what the zoo calls that, and a low image."""


@pytest.mark.parametrize("name", sorted(LAST_MAPS))
def test_receptive_fields_by_dye(name: str) -> None:
    """A NaN in one column of a wide image turns exactly the outputs NaN whose field holds it."""
    build, end, height = LAST_MAPS[name]
    layers = [layer for layer in analyze(load(name)).layers if layer.name.startswith(end)]
    fields = layers[-1].receptive_field
    assert fields is not None
    field = fields[1]
    torch.manual_seed(0)
    model = build().eval()
    width = 1120 + (3 if name == "alexnet" else 0)
    for column in (0, 500, 511, 512, 700, width - 1):
        x = torch.rand(1, 3, height, width)
        x[..., column] = float("nan")
        with torch.no_grad():
            dyed = model(x).isnan().any(2).any(1)[0].tolist()
        starts = [output * field.jump - field.padding for output in range(len(dyed))]
        assert dyed == [start <= column < start + field.size for start in starts], column
