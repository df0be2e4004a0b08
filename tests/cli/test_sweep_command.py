"""`convcalc sweep`: what it answers in each format, what it refuses, and its exit codes."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result
from paths import ROOT
from tabled import tabled

from convcalc import analyze, load, memory, parse
from convcalc.cli import convcalc

SPEC = """
name: Tiny
input: 8x8x3
parameters: {width: 4, batch: 1, stride: 1}
layers:
  - conv: {filters: round(width), kernel: 3, stride: stride}
  - relu
  - global_avgpool
  - flatten
  - linear: 2*batch
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(SPEC, encoding="utf-8")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(convcalc, ["sweep", "net.yaml", *arguments])


def answer(*arguments: str, code: int = 0) -> Any:
    result = run(*arguments, "-f", "json", "--jobs", "1")
    assert result.exit_code == code, result.output
    value = json.loads(result.stdout)
    schema = json.loads((ROOT / "docs" / "sweep.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator(schema).validate(value)
    return value


def test_every_design_is_what_analyze_and_memory_say() -> None:
    result = run(
        "--vary", "width=3..5", "--vary", "batch=1,2", "--vary", "input=8,9x7x3", "-f", "csv"
    )
    head, *rows = [line.split(",") for line in result.stdout.splitlines()]

    assert head == ["design", "width", "batch", "input", "parameters", "macs", "memory", "network"]
    assert [row[1:4] for row in rows] == [
        [width, batch, size] for width in "345" for batch in "12" for size in ("8", "9x7x3")
    ]
    for row in rows:
        size = "8x8x3" if row[3] == "8" else row[3]
        network = load("net.yaml", input=size, parameters={"width": int(row[1])})
        totals = analyze(network).totals
        peak = memory(network, batch=int(row[2])).peak

        assert row[4:7] == [str(totals.parameters), str(totals.macs), str(peak)]


def test_designs_that_give_one_network_are_one_row_unless_all_are_asked_for() -> None:
    axes = ("--vary", "width=2.8..4.2:0.1", "--sort", "macs")
    best = answer(*axes)["best"]
    # round takes halves to the even number: 2.8 to 3.4 is 3, 3.5 to 4.2 is 4.
    assert [(each["designs"], each["ranges"]) for each in best] == [
        (7, {"width": ["2.8", "3.4"]}),
        (8, {"width": ["3.5", "4.2"]}),
    ]
    each = answer(*axes, "--all-rows", "--top", "100")["best"]
    assert [one["axes"]["width"] for one in each] == [number / 10 for number in range(28, 43)]
    rows = run("--vary", "width=2.8..4.2:0.1", "-f", "csv").stdout.splitlines()[1:]
    digests = [row.split(",")[-1] for row in rows]
    assert digests == [best[0]["network"]] * 7 + [best[1]["network"]] * 8


def test_the_front_is_of_its_goals() -> None:
    value = answer(
        "--vary", "width=2..4", "--vary", "input=8,12,16", "--pareto", "macs,-activations"
    )
    shown = {(each["axes"]["width"], each["axes"]["input"]) for each in value["front"]}
    # Activations are n·n·3 + (n − 2)²·w + w + 2, MACs (n − 2)²·27·w + 2·w: more input is more of
    # the first for as much of the second.
    known = {}
    for width in (2, 3, 4):
        for size in (8, 12, 16):
            inner = (size - 2) ** 2
            known[width, str(size)] = (
                inner * 27 * width + 2 * width,
                size * size * 3 + inner * width + width + 2,
            )
    expected = {
        one
        for one, (macs, stored) in known.items()
        if not any(
            other[0] <= macs and other[1] >= stored and other != (macs, stored)
            for other in known.values()
        )
    }
    assert shown == expected
    assert len(expected) < 9


def test_invalid_designs_are_counted_by_code_and_place() -> None:
    value = answer("--vary", "stride=1..6", "--vary", "width=0,1")
    reasons = [
        (each["code"], each["designs"], each["example"]["axes"]) for each in value["reasons"]
    ]

    # (8 − 3)/stride + 1 is whole for 1 and 5; no filters are too few.
    assert reasons == [
        ("CC302", 6, {"stride": 1, "width": 0}),
        ("CC301", 4, {"stride": 2, "width": 1}),
    ]
    assert (value["invalid"], value["left"]) == (10, 2)
    assert value["invalid_values"] == [
        {"axis": "stride", "value": each} for each in ("2", "3", "4", "6")
    ] + [{"axis": "width", "value": "0"}]


@pytest.mark.parametrize("first", ["", "width < 9 and ", "parameters < 5M and "])
def test_what_is_asked_first_does_not_change_which_values_are_never_valid(first: str) -> None:
    """Of widths without a second group no design has what is asked of it."""
    Path("net.yaml").write_text(
        "{input: 8x8x3, parameters: {width: 1}, layers: ["
        "{layers: [{conv: {filters: 2, kernel: 1}}, relu], name: g, repeat: width}]}",
        encoding="utf-8",
    )
    made = answer("--vary", "width=1..3", "--where", f"{first}output.g2.height > 3")
    assert made["invalid_values"] == [{"axis": "width", "value": "1"}]
    assert made["left"] == 2
    none = answer("--vary", "width=0..1", "--where", f"{first}output.g2.height > 3", code=1)
    assert none["invalid_values"] == []  # said of all at once
    result = run("--vary", "width=0..1", "--where", f"{first}output.g2.height > 3")
    assert "Every design that was worked out is invalid." in result.stdout


def test_a_condition_asks_what_it_names_and_costly_things_last() -> None:
    value = answer(
        *("--vary", "width=1..6", "--vary", "batch=1..3"),
        *("--where", "memory < 3KiB and parameters >= 30 and not (width == 2 or set.batch > 1)"),
    )
    assert value["left"] == sum(
        analyze(network).totals.known("parameters") >= 30
        and memory(network, batch=batch).peak < 3072
        and width != 2
        for width in range(1, 7)
        for batch in (1, 2, 3)
        for network in [load("net.yaml", parameters={"width": width})]
    )
    assert 0 < value["left"] < 15


@pytest.mark.parametrize(
    ("where", "left"),
    [
        ("macs > 2000 and 12/(width - 1) < 5", 2),  # 974·w: w = 4 and 5
        ("memory > 0 and parameters > 50 and 12 % (width - 1) == 0", 4),  # 30·w + 2: w from 2
        ("width != 1 and 12//(width - 1) > 4", 2),
    ],
)
def test_what_stands_in_front_keeps_a_condition_from_dividing_by_nothing(
    where: str, left: int
) -> None:
    assert answer("--vary", "width=1..5", "--where", where)["left"] == left


@pytest.mark.parametrize("asked", ["--columns", "--sort"])
def test_a_parameter_without_a_value_in_the_first_design_is_that_of_others(asked: str) -> None:
    """The first design is invalid, for its width − 1 is 0: 12/1, 12/2 and 12/3 are left."""
    spec = (
        "{input: 8x8x3, parameters: {w: 1, p: 12/(w-1)}, layers: [conv: {filters: w, kernel: 1}]}"
    )
    Path("net.yaml").write_text(spec, encoding="utf-8")
    value = answer("--vary", "w=1..4", asked, "p", "--where", "w > 1 and p < 13")
    assert sorted(each["measures"]["p"] for each in value["best"]) == [4, 6, 12]
    never = run("--vary", "w=1", asked, "p")
    assert f"Error: {asked}: p: `12/(w-1)` divides by zero: 12 / 0" in never.stderr


def test_a_parameter_that_is_varied_by_its_whole_name_has_its_own_one() -> None:
    assert answer("--vary", "set.width=1..4", "--where", "width > 2")["left"] == 2
    assert answer("--vary", "set.width=1..4", "--where", "set.width > 2")["left"] == 2


@tabled(
    ("arguments", "message"),
    [
        ("", "a sweep varies something"),
        ("--vary widht=1", "nothing is called so: did you mean width?"),
        ("--vary width", "'width' is not NAME=VALUES"),
        ("--vary width=", "width has no values"),
        ("--vary width=3..1", "width: 3..1 goes nowhere: write 1..3"),
        ("--vary width=1 --vary width=2", "width is varied twice"),
        ("--vary width=1 --set width=2", "width is given by --set and varied"),
        ("--vary input=8 --input 8x8x3", "the input is given by --input and varied"),
        ("--vary batch=1,2 --batch 3", "--batch is given, and batch is varied"),
        (
            "--vary width=1..3 --where mac<3",
            "'mac' is nothing that a design has: did you mean macs",
        ),
        (
            "--vary set.batch=1,2 --where batch<2",
            "--where: batch is not varied; the parameter of the spec is set.batch",
        ),
        ("--vary width=1..3 --where 3<4", "names nothing that a design has"),
        ("--vary width=1..3 --where macs", "macs is no condition"),
        ("--vary width=1..3 --where macs<", "--where, column 6: `macs<` ends where a number"),
        ("--vary width=1,2 --where macs/(width-2)>3", "--where: at width=2: "),
        ("--vary width=1..3 --where training_memory<1G", "training_memory is of a training step"),
        ("--vary width=1..3 --where output.heigth<1", "ends in 'heigth'"),
        ("--vary width=1..3 --where largest_batch.t5>1", "largest_batch"),
        ("--vary width=1..3 --pareto macs", "--pareto takes 2 to 4 goals, and there is 1"),
        ("--vary width=1..3 --pareto macs,-macs", "a name stands there twice"),
        ("--vary width=1..3 --sort=--macs", "--sort: '-macs' is nothing that a design has"),
        ("--vary width=1..3 --sort mac", "--sort: 'mac' is nothing that a design has"),
        ("--vary width=1..3 --columns mac", "--columns: 'mac' is nothing that a design has"),
        ("--vary width=1..3 --sample 4", "a sample of 4 designs is more than all 3"),
        ("--vary width=1..3 --seed 4", "--seed is about --sample N"),
        ("--vary width=1..3 --optimizer adam", "--optimizer needs --training"),
        ("--vary optimizer=adam", "--vary optimizer is of a training step: add --training"),
        ("--vary width=1..3 -f csv --top 3", "--top has no effect on csv"),
        ("--vary width=1..3 -f csv --state s", "--state goes with rows in a file"),
        (
            "--vary width=1..3 --force",
            "--force is about what --output, --output-dir and --state name",
        ),
        ("--vary width=1..3 -o a.csv -o ./a.csv", "--output ./a.csv is given twice"),
        ("--vary width=1..3 -o a.csv --state ./a.csv", "a.csv is named by --output and as the"),
        ("--vary width=1..3 -o a.txt", "a.txt: its name ends with none of .csv, "),
        ("--vary width=1..3 -o net.yaml/a.csv", "net.yaml/a.csv: cannot be written"),
        ("--vary width=width+1", "Error: width: worked out from itself"),
        ("--vary width=2*stride", "reads 'stride', which is not varied: vary it, too"),
        ("--vary macs=1..3", "--vary macs: it is worked out, and nothing to vary; there are width"),
        ("--vary checkpoint=every=0 --training", "checkpoint: 'every=0' is neither every=K"),
        ("--vary width=1,2 --where  ", "Option '--where' requires an argument"),
        ("--vary width=1,2 --where macs<3&stride<2", "--where, column 7: `&` is not part of an"),
        ("--vary width=1,2 --where input<3", "input is not varied, and so the same in every"),
        ("--vary width=1,2 --where dtype=='int8'", "dtype is not varied, and so the same in every"),
        ("--vary width=1,2 --sort -", "--sort: '-' has a - with no name behind it"),
        ("--vary width=1,2 --pareto macs,-", "--pareto: 'macs,-' has a - with no name behind it"),
        (
            "--vary width=1,2 --sample 3 --sampling latin",
            "a sample of 3 designs is more than all 2",
        ),
        ("--vary width=1,2 --output-dir=", "an empty text names no folder"),
        ("--vary width=1,2 --state net.yaml --force", "net.yaml is the spec, which would be writ"),
        ("--vary width=1,2 --state ./no/../net.yaml --force", "net.yaml is the spec, which would"),
        ("--vary width=1..3 -o no/a.json", "no/a.json: cannot be written"),
        (
            "--vary width=1..90000 --vary stride=1..90000 --vary batch=1..99",
            "are more than 10,000,0",
        ),
    ],
)
def test_what_is_no_sweep_is_refused_before_the_first_design(arguments: str, message: str) -> None:
    result = run(*arguments.split())

    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert result.stdout == ""


def test_a_condition_is_said_to_be_empty_and_a_unit_stands_at_its_number() -> None:
    empty = run("--vary", "width=1,2", "--where", " ")
    assert "--where is empty: write a condition, such as parameters < 5M" in empty.stderr
    apart = run("--vary", "width=1,2", "--where", "stride == 1 and macs < 5 MB")
    assert "--where, column 26: `MB` follows `5` without an operator; write 5MB" in apart.stderr


def test_a_number_alone_is_an_input_however_it_is_written() -> None:
    rows = run("--vary", "input=1e1,12,9x8x3", "-f", "csv").stdout.splitlines()

    assert [row.split(",")[1] for row in rows] == ["input", "10", "12", "9x8x3"]
    # Twice as many positions of 3×3×3·4 as 10 − 2 = 8 along each axis.
    assert rows[1].split(",")[3] == str(8 * 8 * 3 * 3 * 3 * 4 + 4 * 2)
    assert "input has 10 twice" in run("--vary", "input=10,1e1").stderr


def test_a_layer_that_is_not_there_is_told_with_the_one_that_may_be_meant() -> None:
    value = answer("--vary", "width=1,2", "--columns", "output.conv11.height", code=1)
    assert [each["message"] for each in value["reasons"]] == [
        "no layer is called 'conv11': did you mean conv1?"
    ]


def test_a_sample_is_said_to_be_one() -> None:
    said = run("--vary", "width=1..9", "--sample", "3").stdout.splitlines()
    assert said[0] == "Tiny: a sample of 3 of 9 designs of width (9)"


def test_rows_that_are_not_there_are_not_gone_on_with() -> None:
    assert run("--vary", "width=1..9", "-o", "r.csv", "--state", "s").exit_code == 0
    Path("r.csv").unlink()
    result = run("--vary", "width=1..9", "-o", "r.csv", "--resume", "s")

    assert result.exit_code == 2
    assert "r.csv: is not there any more, so begin anew with --state" in result.stderr
    assert "goes on" not in result.stderr


def test_where_nothing_is_left_the_exit_code_says_so() -> None:
    assert run("--vary", "width=1,2", "--where", "macs < 3").exit_code == 1
    assert run("--vary", "width=1,2", "--where", "macs < 3G").exit_code == 0
    Path("net.yaml").write_text("input: [", encoding="utf-8")
    assert run("--vary", "width=1,2").exit_code == 1


def test_files_hold_what_is_printed() -> None:
    axes = ("--vary", "width=1..9", "--vary", "batch=1,2", "--where", "parameters > 50")
    result = run(*axes, "-o", "rows.csv", "-o", "all.json")

    assert result.exit_code == 0, result.output
    assert Path("rows.csv").read_text() == run(*axes, "-f", "csv").stdout
    assert Path("all.json").read_text() == run(*axes, "-f", "json").stdout
    again = run(*axes, "-o", "rows.csv")
    assert again.exit_code == 2
    assert "rows.csv is there already: --force writes over it" in again.stderr


SWEPT = f"""{SPEC}sweep:
  vary: {{width: 2..4, stride: [1, 5], input: [[8, 8, 3], 13]}}
  where: parameters > 50
  pareto: [macs, -receptive_field]
  top: 3
"""


def test_a_spec_may_ask_for_its_sweep() -> None:
    options = [
        *("--vary", "width=2..4", "--vary", "stride=1,5", "--vary", "input=8x8x3,13"),
        *("--where", "parameters > 50", "--pareto", "macs,-receptive_field", "--top", "3"),
    ]
    written = answer(*options)
    Path("net.yaml").write_text(SWEPT, encoding="utf-8")

    assert answer() == written
    assert answer(*options) == written
    others = answer("--vary", "width=9", "--vary", "batch=1,2", "--top", "1")
    assert [(axis["name"], axis["values"]) for axis in others["axes"]] == [
        ("width", ["9"]),
        ("stride", ["1", "5"]),
        ("input", ["8x8x3", "13"]),
        ("batch", ["1", "2"]),
    ]
    assert (others["top"], others["where"]) == (1, "parameters > 50")


@tabled(
    ("said", "options", "axes"),
    [
        ("{vary: {width: 2..4}, batch: 8}", "--vary batch=1,2", "width batch"),
        ("{vary: {width: 2..4, batch: '1,2'}}", "--batch 8", "width"),
        ("{vary: {width: 2..4, input: '8,13'}}", "--input 9x9x3", "width"),
        ("{vary: {width: 2..4, stride: '1,5'}}", "--set stride=1", "width"),
        ("{vary: {width: 2..4, batch: '1,2'}}", "--set batch=1", "width batch"),
        ("{vary: {set.width: 2..4, stride: '1,5'}}", "--set width=3", "stride"),
    ],
)
def test_what_the_command_line_gives_goes_before_what_the_spec_varies(
    said: str, options: str, axes: str
) -> None:
    Path("net.yaml").write_text(f"{SPEC}sweep: {said}\n", encoding="utf-8")

    assert [axis["name"] for axis in answer(*options.split())["axes"]] == axes.split()


@tabled(
    ("said", "code", "message"),
    [
        ("{vary: {width: 2..4}, were: macs < 3}", "CC109", "did you mean `where`?"),
        ("{vary: [1, 2]}", "CC107", "vary is names with values"),
        ("{vary: {width: {a: 1}}}", "CC107", "width takes values"),
        ("{vary: {width: }}", "CC107", "width has no values"),
        ("{vary: {width: []}}", "CC107", "width takes values"),
        ("{vary: {width: 2..4}, top: 0}", "CC302", "top 0 is below 1"),
        ("{vary: {width: 2..4}, top: many}", "CC111", "top"),
        ("{vary: {width: 2..4}, dtype: float23}", "CC107", "float16"),
        ("{vary: {width: 2..4}, training: 3}", "CC107", "true or false"),
        ("{vary: {width: 2..4}, where: [a]}", "CC107", "where is text"),
        ("3", "CC107", "sweep is a mapping"),
    ],
)
def test_what_is_no_sweep_in_a_spec_is_found_at_its_place(
    said: str, code: str, message: str
) -> None:
    Path("net.yaml").write_text(f"{SPEC}sweep: {said}\n", encoding="utf-8")
    result = run()

    assert result.exit_code == 1
    assert result.stdout == ""
    assert f"error[{code}]" in result.stderr
    assert message in result.stderr
    checked = CliRunner().invoke(convcalc, ["check", "net.yaml"])
    assert f"error[{code}]" in checked.stdout


@tabled(
    ("said", "options", "message"),
    [
        ("{vary: {width: 2..4}, where: mac < 3}", "", "net.yaml:11:37: error[CC107] sweep: where"),
        ("{vary: {width: 2..4}, seed: 3}", "", "sweep: seed changes nothing without `sample: N`"),
        ("{vary: {batch: 1..2}, batch: 2}", "", "sweep: batch is given and varied"),
        ("{vary: {widht: 2..4}}", "--top 3", "net.yaml:11:16: error[CC107] sweep: vary 'widht'"),
        ("{vary: {width: 2..4}, where: mac < 3}", "--where mac<4", "Error: --where: 'mac' is"),
        ("{vary: {width: 2..4}}", "--where mac<4", "Error: --where: 'mac' is"),
        ("{vary: {width: 2..4}, top: 10001}", "", "sweep: top 10,001 is more than 10,000"),
        ("{vary: {width: 4..2}}", "--vary width=3..2", "Error: width: 3..2 goes nowhere"),
        ("{vary: {width: 2..4}, where: macs < 3 MB}", "", "11:46: error[CC107] sweep: where: `MB`"),
        ("{vary: {width: 2..4}, where: 'macs < 3 MB'}", "", "11:37: error[CC107] sweep: where: `M"),
    ],
)
def test_what_a_spec_asks_for_is_refused_at_its_place(
    said: str, options: str, message: str
) -> None:
    Path("net.yaml").write_text(f"{SPEC}sweep: {said}\n", encoding="utf-8")
    result = run(*options.split())

    assert result.exit_code == (2 if "Error:" in message else 1)
    assert message in result.stderr


def test_what_a_spec_asks_for_stays_where_it_is_written_otherwise() -> None:
    Path("net.yaml").write_text(SWEPT, encoding="utf-8")
    folded = CliRunner().invoke(convcalc, ["fold", "net.yaml"]).stdout
    assert parse(folded).sweep == parse(SWEPT).sweep
    flat = CliRunner().invoke(convcalc, ["fold", "--flat", "net.yaml"]).stdout
    assert "sweep" not in flat  # nothing that it varies is there any more
    Path("net.yaml").write_text(f"{SPEC}sweep: {{vary: {{batch: 1..3}}}}\n", encoding="utf-8")
    # `batch` is a parameter of this spec, but what is varied is that of memory.
    assert "sweep" not in CliRunner().invoke(convcalc, ["fold", "--flat", "net.yaml"]).stdout


def test_a_parameter_that_a_sweep_alone_varies_is_still_used_by_nothing() -> None:
    unused = SPEC.replace("batch: 1,", "batch: 1, idle: 1,")
    Path("net.yaml").write_text(f"{unused}sweep: {{vary: {{idle: 1..3}}}}\n", encoding="utf-8")
    said = CliRunner().invoke(convcalc, ["check", "net.yaml", "--select", "CC4"])

    assert "idle" in said.stdout


def test_the_front_is_drawn_where_one_is_asked_for() -> None:
    axes = ("--vary", "width=2..5", "--vary", "input=8,12,16")
    goals = ("--pareto", "macs,-activations")
    result = run(*axes, *goals, "-o", "front.svg", "-o", "front.tex")

    assert result.exit_code == 0, result.output
    assert "■" in result.stdout
    svg = Path("front.svg").read_text()
    front = answer(*axes, *goals)["front"]
    assert svg.count("<title>width=") >= len(front) > 2
    assert Path("front.tex").read_text().endswith("\\end{document}\n")
    without = run(*axes, "-o", "other.svg")
    assert without.exit_code == 2
    assert "other.svg is a picture of the front, and no goals are given" in without.stderr
    none = run(*axes, *goals, "--where", "macs < 1", "-o", "other.svg")
    assert none.exit_code == 1
    assert "other.svg is not written: nothing is on the front" in none.stderr
    assert not Path("other.svg").exists()


def test_a_parameter_is_what_the_input_makes_it() -> None:
    made = "input: [n, n, 3]\nparameters: {n: 8, c: 3*n}\nlayers: [conv: {filters: c, kernel: 3}]\n"
    Path("net.yaml").write_text(made, encoding="utf-8")
    named = ("--where", "set.c > 30", "--columns", "c,n")

    assert [each["axes"] for each in answer("--vary", "n=8..16", *named)["best"]] == [
        {"n": size} for size in range(11, 17)
    ]
    given = answer("--vary", "batch=1", "--input", "12x12x3", *named)["best"]
    assert [(each["measures"]["c"], each["measures"]["n"]) for each in given] == [(36, 12)]
    varied = run("--vary", "input=8,16", *named)
    assert varied.exit_code == 2
    assert "set.n is what the input makes it, which is varied: vary n instead" in varied.stderr
