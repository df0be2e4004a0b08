"""Designs one by one are what `analyze` and `memory` say of each."""

import pickle
from typing import Any

from convcalc import analyze, largest_batch, loads, memory
from convcalc.analysis.memory import arena
from convcalc.analysis.memory.terms import RunTerms
from convcalc.sweeps.chunk import VALID
from convcalc.sweeps.digest import digest_of
from convcalc.sweeps.measures import MEASURES, read_measure
from convcalc.sweeps.plain import PlainEvaluator
from convcalc.sweeps.space import read_space
from convcalc.sweeps.subject import Subject


def test_measures_are_those_of_analyze_and_memory() -> None:
    subject = pickle.loads(pickle.dumps(Subject("mobilenet_v2")))  # noqa: S301 (it is ours)
    space = read_space(
        subject,
        [("alpha", "0.35,1"), ("input", "96,128x160x3"), ("batch", "2,3"), ("dtype", "float16")],
        terms=RunTerms(training=True, optimizer="adam"),
    )
    names = [*MEASURES, "largest_batch.t4", "output.channels", "output.conv1.height"]
    chunk = PlainEvaluator(subject).evaluate(space, 0, 8, [*map(read_measure, names)])

    assert chunk.reason.tolist() == [VALID] * 8
    for row in range(8):
        design = space.design(row)
        network = subject.network(design.parameters, design.input)
        report, planned = analyze(network), arena(network)
        shapes = {layer.name: layer.output for layer in report.nodes}
        values = {name: chunk.columns[name][row] for name in names}
        training: Any = {"training": True, "optimizer": "adam", "dtype": "float16"}

        assert values == {
            "parameters": report.totals.parameters,
            "buffers": report.totals.buffers,
            "macs": report.totals.macs,
            "flops": report.totals.flops,
            "activations": report.totals.activations,
            "largest_tensor": max(shape.size for shape in shapes.values() if shape),
            "layers": len(report.layers),
            "receptive_field": min(
                field.size
                for field in next(
                    layer.receptive_field
                    for layer in reversed(report.layers)
                    if layer.receptive_field
                )
            ),
            "memory": memory(network, batch=design.batch, dtype="float16").peak,
            "training_memory": memory(network, batch=design.batch, **training).peak,
            "arena": planned.size,
            "flash": planned.flash,
            "largest_batch.t4": largest_batch(network, "t4", **training),
            "output.channels": 1000,
            "output.conv1.height": -(-(96 if row % 4 < 2 else 128) // 2),
        }


def test_invalid_designs_have_a_reason_by_code_and_place() -> None:
    text = """
input: 8x8x3
parameters: {stride: 1, kernel: 3}
layers:
  - conv: {filters: 4, kernel: kernel, stride: stride}
"""
    subject = Subject(loads(text, path="net.yaml"))
    space = read_space(subject, [("kernel", "2,3,9"), ("stride", "1..4")])
    chunk = PlainEvaluator(subject).evaluate(space, 0, 12, [read_measure("macs")])
    codes = [None if each < 0 else chunk.reasons[each].code for each in chunk.reason.tolist()]

    # (8 − kernel)/stride + 1 is to be a whole number.
    assert codes == [
        *(None, None, None, "CC301"),
        *(None, "CC301", "CC301", "CC301"),
        *(("CC303",) * 4),
    ]
    assert {(reason.where, reason.example) for reason in chunk.reasons} == {
        ("net.yaml:5:48", 3),
        ("net.yaml:5:32", 8),
    }
    assert [size for size, each in zip(chunk.columns["macs"], codes, strict=True) if each] == [
        0
    ] * 8


def test_digests_are_those_of_networks_whatever_they_were_made_of() -> None:
    def digest(layers: str) -> str:
        return digest_of(loads(f"input: 8x8x3\nlayers: {layers}")).hex

    plain = digest("[{conv: {filters: 4, kernel: 1}}, relu]")
    assert digest("[{conv: {filters: 2*2, kernel: 1}, name: a}, {layers: [relu]}]") == plain
    others = {
        digest("[{conv: {filters: 5, kernel: 1}}, relu]"),
        digest("[{conv: {filters: 4, kernel: 1, bias: false}}, relu]"),
        digest("[relu, {conv: {filters: 4, kernel: 1}}]"),
        digest("[{conv: {filters: 4, kernel: 1}}, relu, relu]"),
        digest("[{conv: {filters: 4, kernel: 1}, frozen: true}, relu]"),
        digest("[{conv: {filters: 4, kernel: 1}}, sigmoid]"),
        digest("[{conv: {filters: 4, kernel: 1}}, {add: [[], [relu]]}]"),
    }
    assert len(others | {plain}) == 8


def test_digests_tell_outputs_and_shared_weights_apart() -> None:
    def digest(text: str) -> str:
        return digest_of(loads(text)).hex

    two = "input: 8x8x3\nlayers: [{relu: , name: a}, {relu: , name: b}]\n"
    assert digest(two) == digest(f"{two}outputs: [b]")
    assert digest(two) != digest(f"{two}outputs: [a, b]")
    unit = "{layers: [{conv: {filters: 3, kernel: 1}}], repeat: 2"
    shared, apart = (f"input: 8x8x3\nlayers: [{unit}{end}]" for end in (", shared: true}", "}"))
    assert digest(shared) != digest(apart)


def test_what_was_asked_of_one_space_is_not_answered_from_another() -> None:
    text = "{input: 8x8x3, parameters: {width: 1}, layers: [conv: {filters: width, kernel: 1}]}"
    subject = Subject(loads(text))
    evaluator = PlainEvaluator(subject)
    counts = [
        evaluator.evaluate(
            read_space(subject, [("width", str(width))]), 0, 1, [read_measure("parameters")]
        ).columns["parameters"][0]
        for width in (1, 2, 3)
    ]

    assert counts == [4, 8, 12]  # 3 weights and a bias for each filter
