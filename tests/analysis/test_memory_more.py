"""Memory of networks with several inputs and outputs, as PyTorch 2.13 took it on the CPU.

`data/memory_more.json` has three networks with three losses. Every field of every entry is counted
as compared or left out for a reason that `LEFT_OUT` names.
"""

import json
from collections import Counter
from functools import cache
from typing import Any

import pytest
from paths import DATA

from convcalc.analysis.memory import MemoryReport, memory
from convcalc.graph import Network, loads

GOLDEN: dict[str, dict[str, int]] = json.loads(
    (DATA / "memory_more.json").read_text(encoding="utf-8")
)
PYRAMID = """
input: 64x64x3
rounding: floor
blocks:
  stage:
    parameters: {filters}
    layers:
      - conv: {filters: filters, kernel: 3, stride: 2, padding: 1, bias: false}
      - batchnorm
      - relu
layers:
  - stage: 16
  - {stage: 32, name: c3}
  - {stage: 64, name: c4}
  - {stage: 128, name: c5}
  - {conv: {filters: 32, kernel: 1}, name: p5}
  - {add: [[from: c4, conv: {filters: 32, kernel: 1}], [{from: p5, upsample: 2}]], name: p4}
  - {add: [[from: c3, conv: {filters: 32, kernel: 1}], [{from: p4, upsample: 2}]], name: p3}
  - {from: p3, conv: {filters: 32, kernel: 3, padding: 1}}
  - {conv: {filters: 4, kernel: 3, padding: 1}, name: head3}
  - {from: p4, conv: {filters: 32, kernel: 3, padding: 1}}
  - {conv: {filters: 5, kernel: 3, padding: 1}, name: head4}
  - {from: p5, conv: {filters: 32, kernel: 3, padding: 1}}
  - {conv: {filters: 6, kernel: 3, padding: 1}, name: head5}
outputs: [head3, head4, head5]
"""
SIAMESE = """
input: {left: 32x32x3, right: 32x32x3}
blocks:
  tower:
    layers:
      - conv: {filters: 16, kernel: 3, padding: 1}
      - relu
      - maxpool: 2
      - conv: {filters: 32, kernel: 3, padding: 1}
      - relu
      - maxpool: 2
      - conv: {filters: 64, kernel: 3, padding: 1}
      - relu
      - maxpool: 2
      - flatten
      - linear: 128
layers:
  - subtract:
      - - {tower: {}, name: first}
      - - {from: right, tower: {}, name: second, weights: first}
  - abs
  - linear: 1
  - sigmoid
"""
SMALL_VIT = """
input: 32x32x3
blocks:
  encoder:
    layers:
      - add: [[], [layernorm, attention: 4]]
      - add: [[], [layernorm, mlp]]
  mlp:
    layers:
      - linear: {features: 128, axis: channels}
      - gelu
      - linear: {features: 64, axis: channels}
layers:
  - {learned: 1x64, name: token}       # before the others, as a module registers them
  - {learned: 17x64, name: positions}
  - {from: input, conv: {filters: 64, kernel: 8, stride: 8}}
  - flatten: {start: 2}
  - concat: {axis: length, branches: [[from: token], []]}
  - add: [[], [from: positions]]
  - {encoder: {}, repeat: 2}
  - layernorm
  - slice: {axis: length, stop: 1}
  - flatten
  - linear: 10
"""
SPECS = {"pyramid": PYRAMID, "siamese": SIAMESE, "small": SMALL_VIT}
"""The networks of the data's documentation by the first word of the entry."""
ATTENTION = {"small_vit_default": "fused", "small_vit_math": "math"}
"""How attention is computed, by the first words of the entries of a network that has some."""

LEFT_OUT = {
    "infer_peak_eager": "what frames of modules hold on to is not modelled, as docs/memory.md says",
}
"""Fields that are not compared, and why."""
LOSSES = {
    "crossentropy": "cross-entropy",
    "squares": "squares",
    "bce": "binary-cross-entropy",
}
"""What the data calls a loss → what convcalc does."""


@cache
def network(name: str) -> Network:
    return loads(SPECS[name.partition("_")[0]])


def figures(
    net: Network, batch: int, loss: str, *, inplace: bool, attention: str | None = None
) -> dict[str, int]:
    """Everything that an entry has, but for what is not modelled."""

    def train(**terms: Any) -> MemoryReport:
        return memory(net, **run, training=True, loss=loss, **terms)

    run: dict[str, Any] = {"batch": batch, "inplace": inplace, "attention": attention}

    steps = {
        "sgd": train(),
        "momentum": train(optimizer="momentum"),
        "adam": train(optimizer="adam", fused=False),
        "adam_foreach": train(optimizer="adam"),
    }
    sgd = steps["sgd"]
    return {
        "param_bytes": sgd.parameters,
        "buffer_bytes": sgd.buffers,
        "input_bytes": sgd.input,
        "target_bytes": sgd.targets,
        "saved_for_backward": sgd.kept,
        "infer_peak_liveness": memory(net, **run).activation_peak,
        "live_after_forward_sgd": sgd.after_forward,
        "bwd_peak_sgd": sgd.backward_peak,
        **{f"step_peak_{name}": report.step_peak for name, report in steps.items()},
        **{f"train_peak_{name}": report.peak for name, report in steps.items()},
    }


def compared(key: str) -> Counter[str]:
    """Hold an entry; how many figures are compared, and how many are left out for which reason."""
    name, batch, manner = key.split("/")
    wanted = dict(GOLDEN[key])
    found = figures(
        network(name),
        int(batch.removeprefix("batch=")),
        LOSSES[name.rpartition("_")[2]],
        inplace=manner == "inplace",
        attention=ATTENTION.get(name.rpartition("_")[0]),
    )
    del wanted["infer_peak_eager"]
    assert found == wanted
    return Counter(compared=len(wanted), infer_peak_eager=1)


@pytest.mark.parametrize("key", GOLDEN)
def test_every_field_to_the_byte(key: str) -> None:
    assert set(compared(key)) == {"compared", *LEFT_OUT}


def test_every_field_is_compared_or_left_out_for_a_reason() -> None:
    counts: Counter[str] = Counter()
    for key in GOLDEN:
        counts += compared(key)
    assert counts.total() == sum(map(len, GOLDEN.values()))
    assert {key.partition("_")[0] for key in GOLDEN} == {*SPECS}
