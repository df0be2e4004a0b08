"""Designs worked out by their pieces are what each is by itself, to the last digit."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from engine_held import COMPOSED, TOTALS, both, loaded, same, told

from convcalc.analysis.memory.terms import RunTerms
from convcalc.graph import Given
from convcalc.sweeps.axes import read_axes
from convcalc.sweeps.engine import evaluator, peaks, pieces, tables, watched, worked
from convcalc.sweeps.engine.evaluator import PiecewiseEvaluator
from convcalc.sweeps.engine.pieces import Piece
from convcalc.sweeps.measures import read_measure
from convcalc.sweeps.plain import PlainEvaluator
from convcalc.sweeps.space import Sample, Space, read_space
from convcalc.sweeps.subject import Subject

AROUND = """
input: 16x16x3
parameters: {width: 4, wide: 2, depth: 1, last: 3}
blocks:
  inner:                              # reads a name that stands around it, and index
    layers:
      - conv: {filters: width * wide if last > 3 else width + index, kernel: 3, padding: 1}
      - relu
  outer:
    parameters: {n: depth}            # a default that reads one
    layers:
      - {inner: {}, repeat: n}
layers:
  - conv: {filters: width, kernel: 1}
  - {outer: {}, repeat: 2}
  - conv: {filters: last, kernel: 1}
"""
TENSORS = """
input: 16x16x3
parameters: {width: 4, depth: 1, deep: true}
blocks:
  skip:                               # reads a tensor that stands around it
    layers:
      - concat: [[conv: {filters: width, kernel: 3, padding: 1}], [from: stem]]
layers:
  - {conv: {filters: width, kernel: 1}, name: stem}
  - {conv: {filters: 2 * width, kernel: 1}, repeat: depth}
  - {skip: {}, when: deep}
  - relu
  - conv: {filters: 2, kernel: 1}
"""
CASES: dict[str, tuple[str, Sequence[tuple[str, str]]]] = {
    "names around": (
        AROUND,
        [("width", "1..4"), ("wide", "1..3"), ("depth", "0..2"), ("last", "0..5")],
    ),
    "tensors around": (TENSORS, [("width", "1..4"), ("depth", "0..3"), ("deep", "true,false")]),
    "when and repeat": (
        """
input: 8x8x3
parameters: {a: 1, b: 2, c: true}
layers:
  - {conv: {filters: a, kernel: 3}, repeat: b}
  - {relu: {}, when: c and a > 1}
  - {maxpool: 2, when: not c}
  - {layers: [{conv: {filters: a + index, kernel: 1}}], repeat: a}
""",
        [("a", "0..3"), ("b", "0..4"), ("c", "true,false")],
    ),
    "shared": (
        """
input: 8x8x4
parameters: {k: 3, n: 2, w: 4, s: true}
layers:
  - {conv: {filters: w, kernel: k, padding: same}, repeat: n, shared: true}
  - {layers: [{conv: {filters: w, kernel: 1}}, batchnorm], repeat: n, shared: s}
  - relu
""",
        [("k", "1,3"), ("n", "0..3"), ("w", "3,4"), ("s", "true,false")],
    ),
    "weights by name": (
        """
input: 8x8x4
parameters: {w: 4, v: 4}
layers:
  - {conv: {filters: w, kernel: 1}, name: one}
  - relu
  - {conv: {filters: v, kernel: 1}, weights: one}
  - sigmoid
""",
        [("w", "3..5"), ("v", "3..5")],
    ),
    "frozen": (
        """
input: 8x8x4
parameters: {w: 4, f: true}
layers:
  - {conv: {filters: w, kernel: 1}, frozen: f}
  - batchnorm
  - flatten
  - {linear: w, frozen: true}
""",
        [("w", "3..5"), ("f", "true,false")],
    ),
    "defaults": (
        """
input: 9x9x4
parameters: {k: 3, b: true, r: 2}
defaults: {conv: {kernel: k, bias: b}, maxpool: {kernel: r}}
layers:
  - {conv: {filters: 2}}
  - maxpool: {}
  - conv: {filters: 3}
""",
        [("k", "1..4"), ("b", "true,false"), ("r", "0..3")],
    ),
    "parameters of others": (
        """
input: 9x9x4
parameters: {a: 2, b: 3 * a, c: b - a}
layers:
  - {conv: {filters: b, kernel: 1}}
  - {conv: {filters: c, kernel: 1}, repeat: a}
""",
        [("a", "0..3"), ("c", "1..3")],
    ),
    "several inputs": (
        """
input: {left: 8x8x3, right: 8x8x1}
parameters: {w: 2}
layers:
  - {concat: [[from: left, {conv: {filters: w, kernel: 1}}], [from: right]]}
  - {conv: {filters: w, kernel: 3}}
""",
        [("w", "0..3"), ("input.left", "8x8x3,8x8x2,9x9x3")],
    ),
    "an input again": (
        """
input: 8x8x3
parameters: {w: 2}
layers:
  - {conv: {filters: w, kernel: 1}}
  - relu
  - {concat: [[], [from: input]]}
  - {conv: {filters: 1, kernel: 3}}
""",
        [("w", "0..3"), ("input", "2,8,9")],
    ),
    "outputs": (
        """
input: 8x8x3
parameters: {w: 2}
outputs: [a, b]
layers:
  - {conv: {filters: w, kernel: 1}, name: a}
  - relu
  - {conv: {filters: 1, kernel: 3}, name: b}
""",
        [("w", "0..3"), ("input", "2,8,9")],
    ),
    "names taken twice": (
        """
input: 8x8x3
parameters: {w: 2, n: true}
layers:
  - {conv: {filters: w, kernel: 1}, name: conv2, when: n}
  - conv: {filters: w, kernel: 1}
  - conv: {filters: 1, kernel: 1}
  - {conv: {filters: 3, kernel: 1}, name: conv1, when: n}
""",
        [("w", "1..2"), ("n", "true,false")],
    ),
    "a count that a name takes": (
        """
input: 8x8x3
parameters: {w: 2, n: 1}
layers:
  - batchnorm
  - {conv: {filters: w, kernel: 1}, repeat: n}
  - relu
  - {sigmoid: {}, name: conv2}
""",
        [("w", "1..2"), ("n", "0..3")],
    ),
    "the name of a count": (
        """
input: 8x8x3
parameters: {w: 2, n: 1}
layers:
  - {conv: {filters: w, kernel: 1}, repeat: n}
  - relu
  - {add: [[], [from: conv1]], when: n > 0}
""",
        [("w", "1..3"), ("n", "0..2")],
    ),
    "what comes in": (
        """
input: 8x8x6
parameters: {w: 2, g: 1, s: 1}
layers:
  - {conv: {filters: w, kernel: 1}}
  - {conv: {filters: 'incoming.channels * s', kernel: 3, groups: 'incoming.channels // g'}}
  - {upsample: {like: input}}
""",
        [("w", "1..4"), ("g", "1..3"), ("s", "1..2")],
    ),
    "inputs made of names": (
        """
input: [size, size, colours]
parameters: {size: 8, colours: 3, w: size // 2}
layers:
  - {conv: {filters: w, kernel: 3}}
  - flatten
  - {linear: size}
""",
        [("size", "2..9"), ("colours", "1,3")],
    ),
    "inputs that say names": (
        """
input: [size, size, 3]
parameters: {size: 8, w: size // 2}
layers:
  - {conv: {filters: w, kernel: 3}}
  - flatten
  - {linear: size}
""",
        [("input", "2,4,8x8x3,8x9x3,8x8x4,8x8"), ("w", "1,2")],
    ),
    "expected": (
        """
input: 8x8x3
parameters: {w: 2}
layers:
  - {conv: {filters: 3, kernel: 3}}
  - relu
expect: {output: 8 // w}
""",
        [("w", "0..3")],
    ),
    "input in front": (
        """
input: 8x8x3
parameters: {w: 2}
layers:
  - dropout: 0.5
  - flatten
  - {linear: w}
  - relu
""",
        [("w", "0..3"), ("input", "2,8"), ("batch", "1,7")],
    ),
    "axes": (
        """
input: 8x8x3
parameters: {k: 3}
layers:
  - {conv: {filters: 2, kernel: [3, k]}}
  - relu
  - {avgpool: [2, k]}
""",
        [("k", "0..3"), ("input", "3x8x8,8x8x3,9x9,1x8x8x3")],
    ),
    "words": (
        """
input: 8x8x3
parameters: {p: 'same', t: 'a'}
layers:
  - {conv: {filters: 2, kernel: 3, padding: p}, name: a}
  - {relu: {}, name: b}
  - {add: [[], ["from": t]]}
""",
        [("p", "same,valid,other"), ("t", "a,b,c")],
    ),
    "an error in two": (
        """
input: 8x8x3
parameters: {a: 1, b: 1, s: 1}
layers:
  - {conv: {filters: a, kernel: 1}}
  - {conv: {filters: 2, kernel: 3, stride: s}}
  - {conv: {filters: b, kernel: 1}}
  - {conv: {filters: 1 // a, kernel: 1}}
""",
        [("a", "0..2"), ("b", "0..2"), ("s", "1..3"), ("input", "2,8,9")],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_designs_are_what_each_is_by_itself(case: str) -> None:
    text, vary = CASES[case]
    held, one, other = both(loaded(text), vary, most=16)

    assert told(one) == told(other)
    assert held.pieces
    assert 0 in other.reason + 1, "no design is valid, so that nothing is compared"


@pytest.mark.parametrize(
    ("spec", "vary"),
    [
        ("mobilenet_v2", [("alpha", "0.1,0.5,1"), ("input", "32,96"), ("batch", "1,8")]),
        ("ofa_proxyless", [("kernel1", "3,7"), ("depth3", "2,4"), ("expansion5", "3,4")]),
        ("lenet5", [("classes", "0,10,11"), ("input", "28,29,56"), ("dtype", "float32,float16")]),
    ],
)
def test_families_are_what_each_member_is_by_itself(
    spec: Given, vary: Sequence[tuple[str, str]]
) -> None:
    held, one, other = both(spec, vary)

    assert told(one) == told(other)
    assert held.wholes <= (one.reason >= 0).sum()  # nothing else was asked of whole networks


def test_a_result_that_forgets_what_it_hangs_on_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests above see every dependency: what they compare differs without one."""

    def forgets(name: str) -> Callable[..., Any]:
        ask = watched.Recorder._ask

        def asked(self: Any, expression: Any, around: Any, varied: Any, answer: Any) -> None:
            if name not in varied:
                ask(self, expression, around, varied, answer)

        return asked

    for case, name in {
        "names around": "wide",
        "defaults": "b",
        "when and repeat": "c",
        "shared": "s",
        "what comes in": "g",
        "expected": "w",
        "parameters of others": "b",
    }.items():
        with monkeypatch.context() as patched:
            patched.setattr(watched.Recorder, "_ask", forgets(name))
            text, vary = CASES[case]
            assert not same(loaded(text), vary, TOTALS, most=60), name


def test_a_result_hangs_on_what_comes_in(monkeypatch: pytest.MonkeyPatch) -> None:
    text, vary = CASES["names around"]
    at = tables.Pairs.at

    def forgetful(self: Any, rows: Any, columns: Any, find: Any) -> Any:
        return at(self, rows, np.zeros_like(columns), lambda row, _: find(row, int(columns.min())))

    monkeypatch.setattr(tables.Pairs, "at", forgetful)
    assert not same(loaded(text), vary, TOTALS, most=24)


def test_a_digest_hangs_on_how_far_back_a_tensor_is(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "{input: 8x8x3, parameters: {w: 2}, layers: [{conv: {filters: w, kernel: 1}}, "
        "{layers: [{layers: [relu], name: a}, {conv: {filters: 4, kernel: 1}}, from: a]}, "
        "sigmoid, {conv: {filters: 2, kernel: 1}}]}"
    )
    assert same(loaded(text), [("w", "1..3")])
    monkeypatch.setattr(worked, "_far", lambda node, first, gap: node)
    assert not same(loaded(text), [("w", "1..3")])


def test_a_peak_hangs_on_how_what_comes_in_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a norm over channels values lie channels last, and to flatten them is a copy."""
    text = (
        "{input: 8x8x8, parameters: {w: 8}, layers: [{conv: {filters: w, kernel: 1}}, layernorm, "
        "{upsample: 2}, flatten, {linear: 3}]}"
    )
    held, one, other = both(loaded(text), [("w", "7,8")], ["memory"])
    assert told(one) == told(other)
    assert not held.wholes

    after = peaks._after
    monkeypatch.setattr(peaks, "_after", lambda *given, **named: min(after(*given, **named), 0))
    assert not same(loaded(text), [("w", "7,8")], ["memory"])


def test_peaks_are_exact_however_large() -> None:
    """A terabyte and more, up to where a column ends; what is beyond is invalid in so many words.

    Of a batch B of one 1×1 convolution, 4 bytes a value: 16·16·(3 + 1)·4·B and its 4 weights.
    """
    text = "{input: 16x16x3, parameters: {w: 1}, layers: [{conv: {filters: w, kernel: 1}}]}"
    batches = [1, 2**28, 2**29, 2**31]
    vary = [("w", "1,1000000,1000000000"), ("batch", ",".join(map(str, batches)))]
    _, one, other = both(loaded(text), vary, ["memory"])
    assert told(one) == told(other)
    assert one.columns["memory"][:4].tolist() == [4096 * batch + 16 for batch in batches]

    for overhead in (2**60, 2**63, 2**70):
        assert same(loaded(text), vary, ["memory"], terms=RunTerms(overhead=overhead))
    subject = Subject(loaded(text))
    space = read_space(subject, [("w", "1,2,3")], batch=10**30)
    asked = [read_measure("memory")]
    assert told(PiecewiseEvaluator(subject).evaluate(space, 0, 3, asked)) == told(
        PlainEvaluator(subject).evaluate(space, 0, 3, asked)
    )


def test_wholes_that_are_one_are_worked_out_once() -> None:
    """Nine designs of three networks, of which the arena does not add up."""
    text = "{input: 8x8x3, parameters: {w: 2}, layers: [{conv: {filters: w // 3, kernel: 1}}]}"
    held, one, other = both(loaded(text), [("w", "3..11")], ["arena", "training_memory"])

    assert told(one) == told(other)
    assert held.wholes == 3


def test_blocks_of_designs_are_as_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = Subject(loaded(CASES["an error in two"][0]))
    space = read_space(subject, CASES["an error in two"][1])
    asked = [read_measure(name) for name in COMPOSED]
    monkeypatch.setattr(evaluator, "FIRST", 7)
    monkeypatch.setattr(evaluator, "BLOCK", 11)
    monkeypatch.setattr(evaluator, "FEWEST", 3)
    monkeypatch.setattr(evaluator, "MOST_KEPT", 5)
    monkeypatch.setattr(evaluator, "MOST_QUESTIONS", 2)
    held, plain = PiecewiseEvaluator(subject), PlainEvaluator(subject)

    assert told(held.evaluate(space, 5, 60, asked)) == told(plain.evaluate(space, 5, 60, asked))
    rows = np.array([3, 4, 9, 31, 40])
    for one in (rows, rows[:0]):
        assert told(held.evaluate(space, 5, 60, asked, one)) == told(
            plain.evaluate(space, 5, 60, asked, one)
        )


def test_pieces_without_a_table_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convcalc.sweeps.engine.pieces.MOST_IN_TABLE", 3)
    monkeypatch.setattr("convcalc.sweeps.engine.tables.MOST_PAIRS", 3)
    monkeypatch.setattr(watched, "FEW_ANSWERS", 0)
    monkeypatch.setattr(pieces, "FEW_PLACES", 0)
    assert same(loaded(AROUND), CASES["names around"][1], TOTALS, most=24)
    monkeypatch.setattr(watched, "SPARSE", 0)  # no table of answers, however many there are
    assert same(loaded(AROUND), CASES["names around"][1], TOTALS, most=24)


def test_as_many_questions_as_designs_are_not_all_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A block's own name has another value in each design, beside which `w` is asked for."""
    text = """
input: 4x4x1
parameters: {a: 1, w: 1}
blocks: {unit: {parameters: {x}, layers: [conv: {filters: x + w, kernel: 1}]}}
layers: [unit: {x: a}]
"""
    monkeypatch.setattr(evaluator, "FIRST", 16)
    monkeypatch.setattr(evaluator, "BLOCK", 16)
    monkeypatch.setattr(evaluator, "MOST_QUESTIONS", 40)
    subject = Subject(loaded(text))
    vary = [("a", "1..500"), ("w", "1..3000")]
    space = read_space(subject, vary, sample=Sample(200))
    held, asked = PiecewiseEvaluator(subject), [read_measure("parameters")]
    chunk = held.evaluate(space, 0, 200, asked)

    filters = [sum(map(int, space.design(number).parameters.values())) for number in range(200)]
    assert chunk.columns["parameters"].tolist() == [2 * each for each in filters]
    assert held._pieces is not None
    questions = [*held._pieces.kits.recorder.questions.values()]
    assert len(questions) <= 40 + 2 * 16
    assert sum(each._table is not None for each in questions) < len(questions) / 2


def test_a_piece_of_more_combinations_than_64_bits_is_the_same() -> None:
    """2^60 designs of six axes, with two that follow from these, all in one piece: 2^80.

    Designs whose first code differs by 16 have one number modulo 2^64. Their parameters are by hand
    those of 1×1 convolutions: inputs · filters + filters.
    """
    names = ["a", "b", "c", "d", "e", "f", "g", "h"]
    convs = ", ".join(f"{{conv: {{filters: {name}, kernel: 1}}}}" for name in names)
    defaults = ", ".join(f"{name}: 1" for name in names)
    subject = Subject(
        loaded(f"{{input: 4x4x1, parameters: {{{defaults}}}, layers: [{{layers: [{convs}]}}]}}")
    )
    vary = [*((name, "1..1024") for name in names[:6]), ("g", "f"), ("h", "f + 1")]
    space = Space(read_axes(subject, vary, training=False))
    asked = [read_measure("parameters")]
    held = PiecewiseEvaluator(subject)
    for code in (0, 4, 16, 32):
        number = code * 1024**5 + 5
        filters = [code + 1, 1, 1, 1, 1, 6, 6, 7]
        parameters = sum(n * (m + 1) for m, n in zip([1, *filters], filters, strict=False))
        chunk = held.evaluate(space, number, number + 1, asked)
        assert chunk.columns["parameters"].tolist() == [parameters], code
    assert len(held.pieces) == 1


def test_another_space_of_the_same_axes_is_taken() -> None:
    subject = Subject(loaded(AROUND))
    held, asked = PiecewiseEvaluator(subject), [read_measure("macs")]
    one, other = (
        held.evaluate(read_space(subject, [("width", "1..3"), ("wide", "width")]), 0, 3, asked)
        for _ in range(2)
    )

    assert told(one) == told(other)


@pytest.mark.thorough
@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("inplace", [True, False])
def test_peaks_hold_for_every_way_to_run(device: str, inplace: bool) -> None:  # noqa: FBT001
    terms = RunTerms(device=device, inplace=inplace, overhead=1000)
    vary = [("alpha", "0.35,1"), ("input", "64,96"), ("batch", "1,8"), ("dtype", "float16,int8")]
    held, one, other = both("mobilenet_v2", vary, ["memory"], terms=terms)

    assert told(one) == told(other)
    assert not held.wholes


def test_what_is_one_piece_is_told() -> None:
    held, *_ = both(loaded(TENSORS), CASES["tensors around"][1])

    assert [piece.items for piece in held.pieces] == [range(3), range(3, 4), range(4, 5)]
    assert all(isinstance(piece, Piece) for piece in held.pieces)
