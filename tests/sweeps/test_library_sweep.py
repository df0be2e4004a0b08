"""`convcalc.sweep`: designs as arrays, what they come to, and tables of others."""

import operator
import sys
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import convcalc
from convcalc.cli import convcalc as command_line
from convcalc.diagnostics import ArgumentError
from convcalc.shape import Shape

SPEC = """
input: 8x8x3
parameters: {width: 4, word: 'same', wide: false}
layers: [{conv: {filters: width, kernel: 3, padding: word}}, relu, flatten, linear: 4]
"""
NETWORK = convcalc.loads(SPEC, path="net.yaml")


def test_columns_are_the_rows_of_the_command(tmp_path: Any) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(SPEC)
    axes = {"width": [2, 3, np.int64(4)], "word": ["same", "valid"], "wide": [False, True]}
    sweep = convcalc.sweep(path, axes, where="width != 3", columns=["layers"], batch=2)
    options = ["--vary", "width=2..4", "--vary", "word=same,valid", "--vary", "wide=false,true"]
    options += ["--where", "width != 3", "--columns", "layers", "--batch", "2", "-f", "csv"]
    printed = CliRunner().invoke(command_line, ["sweep", str(path), *options]).stdout

    columns = sweep._all().columns
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    lines = [",".join(columns)]
    lines += [
        ",".join(str(each).lower() if isinstance(each, bool) else str(each) for each in row)
        for row in rows
    ]
    assert printed.splitlines() == lines
    assert columns["macs"].dtype == np.int64
    assert (sweep.report.done, sweep.report.left, sweep.designs) == (12, 8, 12)


def test_going_through_again_begins_anew_and_finish_goes_on() -> None:
    sweep = convcalc.sweep(NETWORK, {"width": "1..40"})
    first = next(iter(sweep))
    assert first.rows == sweep.report.done < 40
    assert sweep.finish().done == 40
    assert sum(designs.rows for designs in sweep) == 40
    assert str(sweep.finish()).startswith("net.yaml: 40 designs of width (40)\n")
    assert repr(first).startswith(f"<Designs: {first.rows} of design, width, parameters")


def test_loops_and_finish_do_not_disturb_one_another() -> None:
    sweep = convcalc.sweep(NETWORK, {"width": "1..40"})
    one, other = iter(sweep), iter(sweep)
    rows = next(one).rows
    assert next(other).rows == rows
    assert sweep.finish().done == 40
    assert rows + sum(designs.rows for designs in one) == 40
    assert rows + sum(designs.rows for designs in other) == 40


def test_no_column_hides_another() -> None:
    """An axis that is called as what is worked out, or as the number or the digest is."""
    text = (
        "{input: 8x8x3, parameters: {layers: 1, design: 2, network: 3}, layers: [{conv: {filters: "
        "design, kernel: 1}, repeat: layers}, {conv: {filters: network, kernel: 1}}]}"
    )
    vary = {"layers": [1, 2], "design": [3]}
    columns = (
        convcalc.sweep(
            convcalc.loads(text), vary, columns=["layers", "network", "set.layers", "set.network"]
        )
        ._all()
        .columns
    )

    own = ["set.layers", "set.design", "set.network"]
    assert [*columns] == ["design", *own, "parameters", "macs", "layers", "network"]
    assert [columns[name].tolist() for name in own] == [[1, 2], [3, 3], [3, 3]]
    assert columns["layers"].tolist() == [2, 3]


def test_a_list_of_no_names_is_none() -> None:
    given: Any = {"pareto": [], "sort": [], "columns": []}
    sweep = convcalc.sweep("lenet5", {"classes": "1,2"}, **given)

    assert (
        sweep.finish().to_dict() == convcalc.sweep("lenet5", {"classes": "1,2"}).finish().to_dict()
    )


def test_what_is_gone_through_makes_no_room_for_all_designs() -> None:
    """A list asks how long something is, and would hold a place for each of 10 billion designs."""
    sweep = convcalc.sweep("lenet5", {"classes": "1..100000", "input": "1..100000"})

    assert sweep.designs == 10**10
    assert operator.length_hint(sweep) == 0


TABLED = {
    "width": "1..8",
    "big": [3, 10**17 + 1],
    "word": ["same", "valid"],
    "wide": [False, True],
    "alpha": [0.5],
    "mixed": [0.5, 10**17 + 1],
    "stride": [1, 4],
    "input": [8, "9x9x3"],
}
"""Axes of every type; some designs are invalid, and are no rows."""
TYPES = {
    **dict.fromkeys(["design", "width", "big", "stride", "parameters", "macs"], "int64"),
    **dict.fromkeys(["word", "mixed", "input", "told", "network"], "text"),
    "wide": "bool",
    "alpha": "float64",
}


def tabled_sweep(**options: Any) -> convcalc.Sweep:
    more = "wide: false, big: 1, alpha: 1.0, mixed: 1.0, stride: 1, told: 'as such'"
    spec = SPEC.replace("wide: false", more).replace(
        "padding: word", "padding: word, stride: stride"
    )
    return convcalc.sweep(convcalc.loads(spec), TABLED, columns="told", **options)


def test_pandas_gets_the_columns_with_their_types() -> None:
    pd = pytest.importorskip("pandas", reason="the extra `peers` is not installed")
    sweep = tabled_sweep()
    frame = sweep.to_pandas()
    columns = sweep._all().columns
    text = str(pd.Series(["a"]).dtype)  # what this version of pandas has for texts
    types = {
        name: {"text": "object" if name == "mixed" else text}.get(kind, kind)
        for name, kind in TYPES.items()
    }

    assert len(frame) == sweep.report.left < sweep.designs
    assert sweep.report.invalid_designs == sweep.designs - len(frame) > 0
    assert not frame.isna().any().any()
    assert {name: str(frame[name].dtype) for name in frame} == types
    assert all(frame[name].tolist() == columns[name].tolist() for name in columns)
    assert {*frame["big"]} == {3, 10**17 + 1}
    assert {*frame["mixed"]} == {0.5, 10**17 + 1}
    some = [designs.to_pandas() for designs in sweep]
    assert len(some) > 1
    assert pd.concat(some, ignore_index=True).equals(frame)
    none = tabled_sweep(where="macs < 0").to_pandas()
    assert len(none) == 0
    assert {name: str(none[name].dtype) for name in none} == types | {"mixed": text}


def test_arrow_gets_the_columns_with_their_types() -> None:
    pa = pytest.importorskip("pyarrow", reason="the extra `sweep` is not installed")
    sweep = tabled_sweep()
    table = sweep.to_arrow()
    columns = sweep._all().columns
    called = {"text": "string", "float64": "double"}

    assert {field.name: str(field.type) for field in table.schema} == {
        name: called.get(kind, kind) for name, kind in TYPES.items()
    }
    assert table.num_rows == sweep.report.left
    assert all(column.null_count == 0 for column in table.columns)
    for name in TYPES.keys() - {"mixed"}:
        assert table.column(name).to_pylist() == columns[name].tolist()
    assert {*table.column("mixed").to_pylist()} == {"0.5", "100000000000000001"}
    some = [designs.to_arrow() for designs in sweep]
    assert len(some) > 1
    assert pa.concat_tables(some).combine_chunks().equals(table)
    assert tabled_sweep(where="macs < 0").to_arrow().schema == table.schema


def test_values_of_several_types_are_text_in_an_arrow_table() -> None:
    pytest.importorskip("pyarrow")
    text = (
        "{input: 8x8x3, parameters: {w: 1, p: true if w < 2 else w}, "
        "layers: [conv: {filters: w, kernel: 1}]}"
    )
    sweep = convcalc.sweep(convcalc.loads(text), {"w": [1, 2]}, columns=["p"])

    assert sweep.to_arrow().column("p").to_pylist() == ["true", "2"]
    assert sweep._all().columns["p"].tolist() == [True, 2]


def test_nothing_left_still_has_its_columns() -> None:
    columns = convcalc.sweep(NETWORK, {"width": "1..3"}, where="macs < 0")._all().columns

    assert [*columns] == ["design", "width", "parameters", "macs", "network"]
    assert {len(column) for column in columns.values()} == {0}


def test_pandas_and_arrow_are_named_where_they_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = convcalc.sweep(NETWORK, {"width": "1..3"})
    for name in ("pandas", "pyarrow"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match="pip install pandas"):
        sweep.to_pandas()
    with pytest.raises(ImportError, match=r"pip install 'convcalc\[sweep\]'"):
        sweep.to_arrow()


def test_shapes_are_values_in_any_form() -> None:
    shapes = [(8, 10, 3), Shape(3, (12, 8)), "16x8x3", 9]
    columns = convcalc.sweep(NETWORK, {"input": shapes})._all().columns

    assert columns["input"].tolist() == ["8x10x3", "12x8x3", "16x8x3", "9"]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, ArgumentError, "the spec asks for no sweep"),
        ({"vary": {"width": []}}, ArgumentError, "width has no values"),
        ({"vary": {"width": 3.5j}}, TypeError, "the values of width are text or a list"),
        ({"vary": {"width": [None]}}, TypeError, "a value of width is a number"),
        ({"vary": {"batch": [1, 2]}, "batch": 3}, ArgumentError, "batch is given and varied"),
        ({"vary": {"width": "1..3"}, "seed": 3}, ArgumentError, "sampling and seed are about"),
        ({"vary": {"width": "1..3"}, "jobs": 300}, ArgumentError, "jobs 300 are more than 256"),
        ({"vary": {"width": "1..3"}, "optimizer": "adam"}, ArgumentError, "without training=True"),
        ({"vary": {"width": "1..3"}, "parameters": {"x": 3}}, convcalc.SpecError, "no parameter"),
    ],
)
def test_what_is_no_sweep_is_refused(arguments: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        convcalc.sweep(NETWORK, **arguments)
