"""What the library's functions say to arguments that are none: a clear error of their own."""

import linecache
import traceback
from collections.abc import Callable, Mapping
from inspect import isfunction, signature
from os import devnull
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from paths import PACKAGE
from tabled import tabled

import convcalc
from convcalc.analysis.memory.plan_search import best_order, best_plan

TEXT = "name: small\ninput: 8x8x3\nparameters: {n: 4}\nlayers:\n  - conv: {filters: n, kernel: 3}\n"
NETWORK = convcalc.loads(TEXT)
ONE = convcalc.loads(TEXT.replace("kernel: 3", "kernel: 8"))
REPORT = convcalc.analyze(NETWORK)
MEMORY = convcalc.memory(NETWORK)
COMPARISON = convcalc.diff(NETWORK, NETWORK)
CHECKED = convcalc.check({"a.yaml": TEXT}, isolated=True)

CALLS: dict[str, tuple[Callable[..., object], dict[str, Any]]] = {
    "analyze": (convcalc.analyze, {"network": NETWORK}),
    "check": (convcalc.check, {"specs": {"a.yaml": TEXT}, "isolated": True}),
    "convert": (convcalc.convert, {"spec": NETWORK, "conversions": ("input", "9x9x3")}),
    "count": (convcalc.count, {"network": NETWORK, "tool": "fvcore"}),
    "dense": (convcalc.dense, {"network": ONE, "x": np.zeros((1, 3, 8, 8))}),
    "diff": (convcalc.diff, {"old": NETWORK, "new": NETWORK}),
    "draw": (convcalc.draw, {"spec": NETWORK}),
    "explain": (convcalc.explain, {"spec": NETWORK}),
    "explain_error": (convcalc.explain_error, {"spec": NETWORK, "message": "no message"}),
    "explain_fit": (convcalc.explain_fit, {"spec": NETWORK, "layer": "conv1"}),
    "explain_reach": (convcalc.explain_reach, {"spec": NETWORK, "position": (1, 1)}),
    "explain_region": (
        convcalc.explain_region,
        {"spec": NETWORK, "layer": "conv1", "at": (1, 1)},
    ),
    "explain_memory": (convcalc.explain_memory, {"spec": NETWORK}),
    "export": (convcalc.export, {"network": NETWORK, "path": devnull}),
    "fit": (convcalc.fit, {"spec": "lenet5", "vary": "classes=1..3", "limits": {"macs": 10**9}}),
    "freeze": (convcalc.freeze, {"network": NETWORK, "patterns": "conv1"}),
    "explain_value": (
        convcalc.explain_value,
        {"spec": NETWORK, "layer": "conv1", "at": (0, 0, 0)},
    ),
    "gradients": (
        convcalc.gradients,
        {"network": NETWORK, "x": np.zeros((1, 3, 8, 8)), "loss": "squares"},
    ),
    "largest_batch": (convcalc.largest_batch, {"network": NETWORK, "limit": "1GB"}),
    "load": (convcalc.load, {"spec": NETWORK}),
    "loads": (convcalc.loads, {"text": TEXT}),
    "memory": (convcalc.memory, {"network": NETWORK}),
    "new": (convcalc.new, {"pattern": "FC"}),
    "parse": (convcalc.parse, {"text": TEXT}),
    "pattern": (convcalc.pattern, {"spec": NETWORK}),
    "read": (convcalc.read, {"spec": NETWORK}),
    "report": (convcalc.report, {"networks": NETWORK}),
    "run": (convcalc.run, {"network": NETWORK, "x": np.zeros((1, 3, 8, 8))}),
    "size": (convcalc.size, {"input": 8, "kernel": 3}),
    "sizes": (convcalc.sizes, {"spec": NETWORK}),
    "solve_size": (convcalc.solve_size, {"output": 8, "kernel": 3}),
    "sweep": (convcalc.sweep, {"spec": NETWORK, "vary": {"batch": [1, 2]}}),
    "verify": (convcalc.verify, {"network": NETWORK}),
    "whose": (convcalc.whose, {"network": NETWORK, "text": "4.11G"}),
    "Report.layer": (REPORT.layer, {"name": "conv1"}),
    "Report.to_csv": (REPORT.to_csv, {}),
    "Report.to_markdown": (REPORT.to_markdown, {}),
    "MemoryReport.layer": (MEMORY.layer, {"name": "conv1"}),
    "MemoryReport.to_csv": (MEMORY.to_csv, {}),
    "MemoryReport.to_markdown": (MEMORY.to_markdown, {}),
    "Comparison.total": (COMPARISON.total, {"name": "macs"}),
    "CheckReport.exit_code": (CHECKED.exit_code, {}),
}
"""Function or method → itself, and arguments with which it answers."""

WRONG: Mapping[str, object] = {
    "None": None,
    "a number": 3,
    "a number below 0": -1,
    "a fraction": 1.5,
    "nan": float("nan"),
    "infinity": float("inf"),
    "NumPy's nan": np.float64("nan"),
    "no real number": 1j,
    "True": True,
    "a word": "wibble",
    "no text": "",
    "bytes": b"wibble",
    "a list": [object()],
    "a tuple of words": ("wibble", "wobble"),
    "a dictionary": {"wibble": object()},
    "a dictionary by numbers": {3: 4},
    "an object": object(),
    "a function": len,
}
"""What may be given by mistake; no argument takes all of it."""

RIGHT = {
    "message": {"a word", "no text"},
    "mixed_precision": {"True"},
    "no_grad": {"True"},
    "of_parameters": {"True"},
    "training": {"True"},
    "batch": {"a number"},
    "checkpoint": {"a number"},
    "context": {"a number"},
    "engine": {"True"},
    "fused": {"True"},
    "inplace": {"True"},
    "isolated": {"True"},
    "jobs": {"a number"},
    "keep": {"None"},
    "layers": {"True"},
    "limit": {"a number"},
    "overhead": {"a number"},
    "path": {"a word", "no text"},
    "profile": {"True"},
    "reference": {"True"},
    "seed": {"a number"},
    "sweep(top)": {"a number"},
    "sweep(client)": {"a word"},
    "sweep(all_rows)": {"True"},
    "specs": {"a word", "no text", "a tuple of words"},
    "strict": {"True"},
    "threads": {"a number"},
    "timeline": {"True"},
    "depth": {"a number"},
    "filters": {"a number"},
    "features": {"a number"},
    "classes": {"a number"},
    "pool": {"a number"},
    "new(kernel)": {"a number"},
    "new(input)": {"a number", "None"},
    "new(name)": {"a word", "no text"},
    "dynamic_batch": {"True"},
    "transposed": {"True"},
    **{
        f"{function}({argument})": {"a number"}
        for function in ("size", "solve_size")
        for argument in ("input", "output", "kernel", "stride", "padding", "dilation")
    },
}
"""Argument, or that of one function, → what of the above is right for it, or has no effect to be
refused."""


FINDINGS = {
    ("read", "spec", "a word"),
    ("read", "spec", "no text"),
    ("check", "parameters", "a dictionary"),
    ("draw", "spec", "a word"),
    ("draw", "spec", "no text"),
}
"""What is no error but answered with a finding, as a file that is not there."""


class Row(NamedTuple):
    function: str
    argument: str
    wrong: str


def rows() -> list[Row]:
    return [
        Row(name, argument, wrong)
        for name, (function, _) in CALLS.items()
        for argument, parameter in signature(function).parameters.items()
        for wrong, value in WRONG.items()
        if not (value is parameter.default or wrong in RIGHT.get(argument, ()))
        and wrong not in RIGHT.get(f"{name}({argument})", ())
        and (name, argument, wrong) not in FINDINGS
    ]


def test_every_public_function_is_asked() -> None:
    public = {name for name in convcalc.__all__ if isfunction(getattr(convcalc, name))}

    assert {name for name in CALLS if "." not in name} == public


@tabled("name", CALLS)
def test_what_the_rows_start_from_is_right(name: str) -> None:
    function, arguments = CALLS[name]

    try:
        function(**arguments)
    except ModuleNotFoundError as error:
        assert (name, error.name) == ("export", "onnx")  # noqa: PT017 (an extra may be absent)


@tabled("name", CALLS)
def test_an_argument_that_is_none_is_refused_by_name(name: str) -> None:
    """By a `raise` of our own, so that no error of Python's comes from somewhere inside."""
    faults = []
    function, arguments = CALLS[name]
    for row in rows():
        if row.function != name:
            continue
        value = WRONG[row.wrong]
        where = f"{name}({row.argument}={row.wrong})"
        try:
            answer = function(**{**arguments, row.argument: value})
        except (TypeError, ValueError, KeyError) as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            line = linecache.getline(last.filename, last.lineno or 0).strip()
            if PACKAGE not in Path(last.filename).parents or not line.startswith("raise"):
                faults.append(f"{where}: {type(error).__name__} {error} from inside: {line}")
            said = (row.argument, str(value), repr(value)[:20], "wibble", "a network is", "CC101")
            if not any(each and each in str(error) for each in (*said, "the text of")):
                faults.append(f"{where} does not say what it is about: {error}")
        except Exception as error:  # noqa: BLE001 (that is what is looked for)
            faults.append(f"{where}: {type(error).__name__}: {error}")
        else:
            faults.append(f"{where} answers {answer!r:.60}")

    assert not faults, "\n".join(faults)


HUGE = 10**40


@tabled(
    ("call", "message"),
    [
        (lambda: convcalc.run(NETWORK, np.zeros((1, 3, 8, 8)), threads=HUGE), "more than 1,024"),
        (lambda: convcalc.verify(NETWORK, threads=1025), "threads 1,025 is more than 1,024"),
        (lambda: convcalc.sweep(NETWORK, {"n": [float("nan")]}), "n is a finite number, and this"),
        (lambda: convcalc.sweep(NETWORK, {"n": np.float64("inf")}), "n is a finite number"),
        (lambda: convcalc.sweep(NETWORK, {"n": [HUGE]}), "beyond ±10"),
        (lambda: convcalc.sweep(NETWORK, {"n": [1]}, sample=HUGE), "more than 1,000,000,000"),
        (lambda: convcalc.fit(NETWORK, "n=1..3", limits={"macs": -1}), "a limit is 0 or more"),
        (lambda: convcalc.fit(NETWORK, "n=1..3", limits={"macs": "many"}), "`many` is no number;"),
        (lambda: convcalc.fit(NETWORK, "n=1..3", limits={"memory": 12}), "12 has no unit"),
        (lambda: convcalc.fit(NETWORK, "n=1..3", nearest={"macs": HUGE}), "nearest={'macs': '10"),
        (lambda: convcalc.fit(NETWORK, "n", limits={"macs": 1}), "^vary n: it takes a range"),
        (
            lambda: convcalc.fit(NETWORK, "", limits={"macs": 1}),
            "nothing is varied: write vary NAME",
        ),
        (lambda: convcalc.fit(NETWORK, "n=1..3"), "such as limits={'parameters': '5M'}, or"),
        (lambda: convcalc.sweep(NETWORK, {"n": [1]}, where="mac < 3"), "^where: 'mac' is nothing"),
        (lambda: convcalc.sweep(NETWORK, {"m": [1]}), "^vary 'm': nothing is called so"),
        (lambda: convcalc.sweep(NETWORK, {"optimizer": ["adam"]}), "add training=True"),
        (lambda: convcalc.sweep(NETWORK, {}), "give vary={'width': '16..64:16'}"),
        (lambda: best_plan([], float("nan")), "seconds nan are not 0 or more"),
        (lambda: best_order([], [], 0, [], -1), "seconds -1 are not 0 or more"),
    ],
)
def test_a_number_that_is_none_to_ask_with_is_refused_in_words_of_python(
    call: Callable[[], object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("wrong", [True, None, "1", 1j])
def test_seconds_are_a_number(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"seconds are a number, such as 1\.5, and these are"):
        best_plan([], wrong)
    assert best_plan([], float("inf")).size == best_plan([], np.float32(0)).size == 0


def test_numbers_of_numpy_are_numbers() -> None:
    given = convcalc.sweep(NETWORK, {"n": np.int64(3), "batch": np.arange(1, 3)})
    assert [next(iter(given)).columns[name].tolist() for name in ("n", "batch")] == [[3, 3], [1, 2]]
    shaped = convcalc.sweep(NETWORK, {"input": [np.array([9, 8, 3])]})
    assert next(iter(shaped)).columns["input"].tolist() == ["9x8x3"]
    # 3·3·3·n + n parameters.
    found = convcalc.fit(NETWORK, "n=1..9", limits={"parameters": np.int32(28 * 5)}).answer
    assert found is not None
    assert found.value == "5"


@pytest.mark.parametrize("limit", [1, 12, 1023, "12"])
def test_a_limit_without_a_unit_is_asked_for_one(limit: int | str) -> None:
    with pytest.raises(ValueError, match=f"'{limit}' has no unit: write {limit}GiB"):
        convcalc.largest_batch("lenet5", limit)
    assert convcalc.largest_batch("lenet5", 0) == convcalc.largest_batch("lenet5", 1024) == 0


@pytest.mark.parametrize(("word", "dtype"), [("fp16", "float16"), ("bf16", "bfloat16")])
def test_a_type_in_other_words_is_answered_by_the_one_here(word: str, dtype: str) -> None:
    with pytest.raises(ValueError, match=f"did you mean {dtype}"):
        convcalc.analyze("lenet5", dtype=word)
