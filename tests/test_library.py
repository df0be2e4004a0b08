"""The library: load, analyze, typed values, errors as exceptions, nothing printed."""

import json
import re
from collections.abc import Mapping
from inspect import isfunction, signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from called import ON_NETWORKS
from click.testing import CliRunner
from paths import ROOT
from tabled import tabled

import convcalc
from convcalc import Shape
from convcalc.analysis.compare import compare
from convcalc.analysis.memory import Answer
from convcalc.checks.report import CheckReport
from convcalc.checks.verify import Run, verify
from convcalc.cli import COMMANDS
from convcalc.cli import convcalc as convcalc_command
from convcalc.methods import METHODS, above

SPEC = (
    "input: 8x8x3\nparameters: {n: 4}\nlayers:\n  - {conv: {filters: n, kernel: 3}, name: first}\n"
)


def test_a_network_is_loaded_and_analysed(capsys: pytest.CaptureFixture[str]) -> None:
    network = convcalc.load("vgg16.yaml")
    report = convcalc.analyze(network, batch=32)

    assert report.totals.parameters == 138357544
    assert report.totals.macs == 32 * 15470264320
    assert report.output == Shape(1000)
    assert report.layer("stage1.conv1").receptive_field == (convcalc.Field(3, 1, -1),) * 2
    assert capsys.readouterr() == ("", "")


def test_paths_inputs_and_parameters_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(SPEC, encoding="utf-8")

    assert convcalc.analyze(convcalc.load(path)).output == Shape(4, (6, 6))
    network = convcalc.load(path, input="10x12x1", parameters={"n": 7})
    assert convcalc.analyze(network).output == Shape(7, (8, 10))
    network = convcalc.loads(SPEC, input=Shape(1, (5, 5)))
    assert convcalc.analyze(network).output == Shape(4, (3, 3))


def test_a_spec_with_errors_raises_them_all() -> None:
    with pytest.raises(convcalc.SpecError) as caught:
        convcalc.loads("input: 8x8x3\nlayers: [linear: 3, wibble]\n", path="net.yaml")

    assert [found.code for found in caught.value.diagnostics] == ["CC308", "CC113"]
    assert str(caught.value).startswith("net.yaml:2:10: CC308 linear needs a vector")
    assert isinstance(caught.value, ValueError)


def test_what_can_be_read_of_a_bad_spec_is_analysed_when_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(SPEC + "  - linear: 3\n", encoding="utf-8")
    network = convcalc.read(path)

    with pytest.raises(convcalc.SpecError):
        convcalc.analyze(network)
    report = convcalc.analyze(network, strict=False)
    assert not report.totals.complete
    assert report.totals.parameters == 4 * 27 + 4
    assert report.layers[1].output is None


@pytest.mark.parametrize("shape", ["8y8", "0", "", "1x2x3x4x5"])
def test_an_input_that_is_no_shape_is_a_value_error(shape: str) -> None:
    with pytest.raises(ValueError, match="input"):
        convcalc.loads(SPEC, input=shape)


def test_wrong_batches_and_types_are_value_errors() -> None:
    network = convcalc.loads(SPEC)

    with pytest.raises(ValueError, match="batch 0"):
        convcalc.analyze(network, batch=0)
    with pytest.raises(ValueError, match="float31"):
        convcalc.analyze(network, dtype="float31")


def test_a_notebook_shows_a_table() -> None:
    html = convcalc.analyze(convcalc.loads("name: <b>\n" + SPEC))._repr_html_()

    assert "<table>" in html
    assert '<td style="text-align:left">first</td>' in html
    assert "&lt;b&gt;" in html
    assert "<b><b>" not in html


def test_notebooks_show_networks_reports_memory_and_comparisons_as_tables() -> None:
    network = convcalc.loads("name: <b>\n" + SPEC)
    report = convcalc.analyze(network)
    wider = convcalc.loads("name: <b>\n" + SPEC, parameters={"n": 8})
    comparison = convcalc.diff(network, wider)

    assert report._repr_html_() in network._repr_html_()
    assert f"<td>{report.inference_peak:,}".replace("<td>", "") in report._repr_html_()
    assert "Inference" in report._repr_html_()
    for value in (network, report, convcalc.memory(network), comparison):
        html = value._repr_html_()
        assert html.count("<table>") == html.count("</table>") > 0
        assert "&lt;b&gt;" in html
        assert "<b><b>" not in html
    assert "filters 4 → 8" in comparison._repr_html_()
    assert "No layer changed" in convcalc.diff(network, network)._repr_html_()
    unread = convcalc.read("missing.yaml")
    assert "missing.yaml" in unread._repr_html_()
    assert "Inference" not in unread._repr_html_()


def test_a_spec_prints_as_yaml_and_nodes_and_groups_are_one_line() -> None:
    spec = convcalc.parse(SPEC)
    network = convcalc.load("resnet18")

    assert f"{spec}\n" == spec.to_yaml()
    assert repr(spec).startswith("Spec(input='8x8x3', ")
    assert repr(network.groups[1]) == (
        "<Group 'conv2_x.basic_block1': block 'basic_block', layers 5 to 11>"
    )
    assert repr(network.nodes[0]) == "<LayerNode 'input': Input(shape=(224, 224, 3)), reads []>"
    first = convcalc.analyze(network).layers[0]
    assert repr(first) == (
        "<LayerReport 'conv1': conv, 112×112×64, 9,408 parameters, 118,013,952 MACs>"
    )


@pytest.mark.parametrize("value", ["report", "memory"])
def test_a_layer_that_there_is_not_is_a_key_error_with_the_nearest(value: str) -> None:
    network = convcalc.load("vgg16")
    made = convcalc.analyze(network) if value == "report" else convcalc.memory(network)

    with pytest.raises(KeyError) as caught:
        made.layer("stage1.conv3")
    assert str(caught.value) == ("no layer is called 'stage1.conv3'; did you mean 'stage1.conv2'?")
    with pytest.raises(KeyError, match="no total is called 'mac'; did you mean 'macs'"):
        convcalc.diff(network, network).total("mac")


def values() -> list[Any]:
    """One of each value that can be asked for text."""
    old, new = convcalc.load("lenet5"), convcalc.load("lenet5", input="36x36x1")
    network = convcalc.loads(SPEC)
    return [
        convcalc.analyze(old, batch=2),
        convcalc.memory(old, training=True),
        compare(old, new),
        verify(network, Run()).verdict,
        CheckReport(("a.yaml",), convcalc.read("missing.yaml").diagnostics, {}),
        convcalc.explain(old, "C1").page(),
        convcalc.sizes(old),
        convcalc.count(old, "fvcore"),
        convcalc.whose(old, "416.5k"),
        convcalc.fit("lenet5", "classes=1..9", limits={"parameters": "62k"}),
        convcalc.sweep(old, {"batch": "1,2"}).finish(),
    ]


def test_every_value_with_a_text_is_asked() -> None:
    printed = {method.partition(".")[0] for method in METHODS if method.endswith(".__str__")}

    assert {type(value).__name__ for value in values()} == printed, "values() has one of each"


@pytest.mark.parametrize("value", values(), ids=lambda value: type(value).__name__)
def test_a_value_is_one_line_at_a_prompt_and_a_table_when_printed(value: Any) -> None:
    kind = type(value).__name__

    assert repr(value).startswith(f"<{kind} ")
    assert "\n" not in repr(value)
    assert len(repr(value)) < 160
    options = {"peak": value.inference_peak} if kind == "Report" else {}
    text = above(f"{kind}.__str__", Answer(value) if kind == "MemoryReport" else value, **options)
    assert f"{value}\n" == text
    assert text.count("\n") > 2
    assert "\x1b" not in text


def test_a_network_is_one_line_at_a_prompt() -> None:
    assert repr(convcalc.load("lenet5")) == "<Network 'LeNet-5': 28×28×1 → 10, 12 layers>"
    assert repr(convcalc.read("missing.yaml")) == "<Network 'missing.yaml': ? → ?, 0 layers>"


@pytest.mark.parametrize("value", values(), ids=lambda value: type(value).__name__)
def test_a_value_is_the_same_as_json_and_as_a_dictionary(value: Any) -> None:
    assert value.to_dict() == json.loads(value.to_json())
    assert value.to_json().endswith("}\n")


ELSEWHERE = {
    "schema": "of the format, not of the value",
    "spec": "`path`",
    "receptive_field": "a `Field` for each axis, and `aligned` of the layer",
    "weights": "`Weight`s by name and shape, buffers among them; of a verdict a `Pair`",
    "buffer_shapes": "the `Weight`s that are buffers",
    "terms": "each is the report's own",
    "memory": "each is the report's own",
    "limits": "of the command's --limit: `largest_batch` is the function",
    "checkpointing": "of the command's --checkpoint, beside the run without",
    "data_parallel": "of the command's --data-parallel",
    "deploy": "of the command's --deploy",
    "arena": "of the command's --arena",
    "diagnostics": "of memory none: a network with errors has no report",
    "verified": "`good`",
    "totals": "of a verdict each is its own",
    "at_peak": "a `Line` for each",
    "fingerprint": "of the format: it tells findings of two runs apart",
    "top": "`classes`",
    "profile": "`times`",
    "fix": "a `Fix`, which is text, and `edits` beside it",
    "path": "as it was named; in JSON relative to the root",
    "related": "places with their text",
    "old": "of a change layers, of a comparison reports",
    "new": "the same",
}
"""Key of JSON that no attribute of the same name and value is, with where it is."""


def missing(value: Any, made: object, where: str) -> list[str]:
    """Keys of JSON without an attribute of that name, or with another value."""
    if isinstance(made, dict):
        faults = []
        for key, inner in made.items():
            if not isinstance(value, Mapping) and not hasattr(value, key):
                faults += [] if key in ELSEWHERE else [f"{where}.{key}"]
            else:
                own = value[key] if isinstance(value, Mapping) else getattr(value, key)
                faults += [] if key in ELSEWHERE else missing(own, inner, f"{where}.{key}")
        return faults
    if isinstance(made, list):
        pairs = zip(value, made, strict=True)
        return [fault for one, other in pairs for fault in missing(one, other, f"{where}[]")]
    return [] if value == made else [f"{where}: {value!r} and {made!r}"]


def test_what_json_says_is_an_attribute_of_the_same_name() -> None:
    network = convcalc.load("resnet18")
    report = convcalc.analyze(network, batch=2)
    memory = convcalc.memory("lenet5", training=True)
    verdict = convcalc.verify("lenet5")
    found = convcalc.check({"a.yaml": SPEC + "  - wibble\n"}, isolated=True)
    as_json, judged = memory.to_dict(), verdict.to_dict()
    assert judged["totals"].pop("layers") == verdict.layer_count
    for made, layer in zip(judged["layers"], verdict.layers, strict=True):
        shapes = {"predicted": [*layer.predicted.axes], "observed": [*(layer.observed or ())]}
        assert made.pop("output") == shapes
    faults = [
        *missing(report, report.to_dict(), "Report"),
        *missing(memory, {**as_json, **as_json["memory"], **as_json["terms"]}, "MemoryReport"),
        *missing(verdict, {**judged, **judged["totals"]}, "Verdict"),
        *missing(found, found.to_dict(), "CheckReport"),
    ]

    assert not faults, "\n".join(faults)
    first = report.layer("conv1")
    assert first.macs
    assert first.flops == 2 * first.macs
    assert (first.hyperparameters or {})["kernel"] == 7
    (field, *_) = first.receptive_field or ()
    assert (field.size, field.stride, field.padding) == (7, 2, 3)


def test_a_report_makes_every_text_that_the_command_line_writes() -> None:
    network = convcalc.load("resnet18")
    report = convcalc.analyze(network, batch=2)
    usual = ["analyze", "resnet18", "--batch", "2", "--format"]
    some = ["--columns", "name,macs", "--depth", "1"]
    chosen: dict[str, Any] = {"columns": ["name", "macs"], "depth": 1}

    assert report.to_json() == printed(*usual, "json")
    assert report.to_csv() == printed(*usual, "csv")
    assert report.to_csv(**chosen) == printed(*usual, "csv", *some)
    assert report.to_markdown() == printed(*usual, "markdown")
    assert report.to_markdown(**chosen) == printed(*usual, "markdown", *some)
    assert f"{report}\n" == printed(*usual, "plain")
    assert "Inference" in str(report)


def printed(*arguments: str) -> str:
    return CliRunner().invoke(convcalc_command, arguments).stdout


def test_memory_makes_every_text_that_the_command_line_writes() -> None:
    report = convcalc.memory(convcalc.load("lenet5"), training=True, optimizer="adam")
    usual = ["memory", "lenet5", "--training", "--optimizer", "adam", "--format"]

    assert f"{report}\n" == printed(*usual, "plain")
    assert report.to_json() == printed(*usual, "json")
    assert report.to_csv() == printed(*usual, "csv")
    assert report.to_csv(layers=True) == printed(*usual, "csv", "--layers")
    assert report.to_csv(timeline=True) == printed(*usual, "csv", "--timeline")
    assert report.to_markdown() == printed(*usual, "markdown")
    assert report.to_markdown(layers=True, timeline=True) == printed(
        *usual, "markdown", "--layers", "--timeline"
    )
    with pytest.raises(ValueError, match="layers or timeline"):
        report.to_csv(layers=True, timeline=True)


@pytest.mark.parametrize("method", ["to_markdown", "to_csv"])
def test_columns_and_depths_that_there_are_not_are_value_errors(method: str) -> None:
    report = convcalc.analyze(convcalc.load("lenet5"))

    with pytest.raises(ValueError, match="no column is called 'wibble'; there are name, "):
        getattr(report, method)(columns=["name", "wibble"])
    with pytest.raises(ValueError, match="depth 0 is below 1"):
        getattr(report, method)(depth=0)


def test_every_public_name_is_there_and_nothing_else() -> None:
    assert all(getattr(convcalc, name) for name in convcalc.__all__)
    assert set(convcalc.__all__) <= set(dir(convcalc))
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        convcalc.lode  # noqa: B018


WITHOUT_FUNCTION = {
    "list": "the names are those of files, and `load` takes each",
    "format": "`parse(text).to_yaml()` is the text, and files are the command line's",
    "fold": "the text is a file's; `convcalc.spec.fold.fold` makes a tree's",
    "import": "functions take the file; `convcalc.exchange.imported` makes its tree",
    "kinds": "docs/spec.md has the pages, which are for people",
    "rule": "docs/rules.md has the pages, which are for people",
    "show": "the text is a file's; `convcalc.spec.members.member` makes a preset's",
    "docs": "the pages are for people",
    "completion": "the script is for a shell",
    "schema": "docs/spec.schema.json is what it prints",
}
"""Commands that no function of the library is, with the reason."""


def rows_of_the_library() -> dict[str, tuple[str, str]]:
    """Function → what docs/library.md says that it returns, and the command that it is."""
    page = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
    head, _, rest = page.partition("| --- | --- | --- |\n")
    assert head.rstrip().endswith("| Function | What it returns | The command |")
    rows = (line.split("|")[1:4] for line in rest.partition("\n\n")[0].splitlines())
    return {
        name: (returned, "".join(re.findall("`convcalc (.+)`", command)))
        for functions, returned, command in rows
        for name in re.findall(r"`(\w+)`", functions)
    }


def test_every_command_is_a_function_of_the_library_or_says_why_not() -> None:
    rows = rows_of_the_library()
    for name in COMMANDS:
        is_one = name in convcalc.__all__ and rows.get(name, ("", ""))[1] == name
        assert is_one != (name in WITHOUT_FUNCTION), (
            f"`{name}` needs a name in _HOMES and a row in docs/library.md, or a reason in "
            "WITHOUT_FUNCTION, and not both"
        )
    assert WITHOUT_FUNCTION.keys() <= COMMANDS.keys()
    assert not WITHOUT_FUNCTION.keys() & {*ON_NETWORKS}


def test_every_function_of_the_library_has_a_row_that_says_what_it_returns() -> None:
    rows = rows_of_the_library()
    functions = {name for name in convcalc.__all__ if isfunction(getattr(convcalc, name))}

    assert rows.keys() == functions
    for name, (returned, command) in rows.items():
        returns = signature(getattr(convcalc, name)).return_annotation
        kind = str(returns if isinstance(returns, str) else returns.__name__)
        public = {*re.findall(r"\b[A-Z]\w+", kind)} & {*convcalc.__all__}
        assert all(f"`{each}`" in returned for each in public), name
        assert {*re.findall(r"`(\w+)`", returned)} <= {*convcalc.__all__}, name
        assert command in {"", *COMMANDS}, name


def test_the_garbage_collector_is_left_as_it_was() -> None:
    import gc

    assert gc.isenabled()
    convcalc.analyze(convcalc.load("vgg16"))
    assert gc.isenabled()
    gc.disable()
    try:
        convcalc.analyze(convcalc.load("vgg16"))
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.parametrize("shape", [Shape(0, (8, 8)), Shape(3, (-1, 8)), (8.0, 8, 3), (), 8])
def test_an_input_that_is_no_shape_is_refused(shape: object) -> None:
    with pytest.raises(ValueError, match="is no shape"):
        convcalc.loads(SPEC, input=shape)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [None, [1], 2j])
def test_a_parameter_that_is_no_value_is_an_error(value: object) -> None:
    with pytest.raises(convcalc.SpecError, match="which is no number or text"):
        convcalc.loads(SPEC, parameters={"n": value})  # type: ignore[dict-item]


# What commands do, as functions


def test_check_finds_what_the_command_finds(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "good.yaml").write_text(SPEC)
    (tmp_path / "bad.yaml").write_text(
        SPEC + "  - linear: 3\n  - wibble\nbudget: {parameters: 1}\n"
    )
    report = convcalc.check(tmp_path)

    assert [Path(file).name for file in report.files] == ["bad.yaml", "good.yaml"]
    assert report.to_json() == printed("check", str(tmp_path), "--format", "json")
    assert {found.code for found in report.diagnostics} >= {"CC308", "CC113"}
    assert report.exit_code() == 1
    assert report.exit_code("never") == 0
    assert convcalc.check(tmp_path / "good.yaml", budget={"parameters": 111}).exit_code() == 1
    assert convcalc.check(tmp_path / "good.yaml", budget={"parameters": 112}).exit_code() == 0
    assert capfd.readouterr() == ("", "")


def test_check_takes_texts_by_name_and_several_paths(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(SPEC)
    report = convcalc.check({"made.yaml": SPEC + "  - wibble\n", "other.yaml": SPEC})

    assert report.files == ("made.yaml", "other.yaml")
    assert [(found.path, found.code) for found in report.diagnostics] == [("made.yaml", "CC113")]
    several = convcalc.check([tmp_path / "good.yaml", "vgg16"], input="64x64x3", jobs=1)
    assert len(several.files) == 2


def test_check_selects_and_says_what_it_did_not_look_at() -> None:
    specs = {"a.yaml": SPEC + "  - wibble\n"}

    report = convcalc.check(specs, select="CC4,CC5", budget={"parameters": 1})
    assert report.diagnostics == ()
    assert report.unheld
    assert report.exit_code() == 2
    assert "Note: a.yaml has 1 error of codes not selected" in str(report)
    assert "whether it keeps to budget parameters 1 is not known" in str(report)
    warned = {"a.yaml": "input: 8x8x3\nparameters: {n: 1}\nlayers: [relu]\n"}
    (found,) = convcalc.check(warned, strict=True).diagnostics
    assert found.severity == "error"
    assert convcalc.check(warned, ignore=[found.code]).diagnostics == ()


def test_check_knows_the_baseline_of_a_configuration(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SPEC + "  - wibble\n")
    (tmp_path / "known.json").write_text('{"schema": 1, "files": {"a.yaml": {"CC113": 1}}}')
    (tmp_path / "convcalc.toml").write_text('baseline = "known.json"\n')

    assert convcalc.check(tmp_path).diagnostics == ()
    assert len(convcalc.check(tmp_path, isolated=True).diagnostics) == 1


@tabled(
    ("options", "said"),
    [
        ({"select": "CC9999"}, "CC9999"),
        ({"select": "CC3", "ignore": "CC4"}, "leaves out nothing"),
        ({"budget": {"wibble": 1}}, "budget has no key 'wibble'"),
        ({"budget": {"parameters": "many"}}, "budget: "),
        ({"budget": {"parameters": 1}, "ignore": "CC511"}, "ignore leaves it out"),
        ({"config": "a.toml", "isolated": True}, "isolated"),
        ({"config": "missing.toml"}, "missing.toml: cannot be read"),
        ({"input": "8y8"}, "input"),
    ],
)
def test_check_refuses_what_would_have_no_effect(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        convcalc.check({"a.yaml": SPEC}, **options)


def test_check_refuses_to_pass_where_there_is_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no specs in"):
        convcalc.check(tmp_path)
    with pytest.raises(ValueError, match="nothing to check"):
        convcalc.check([])
    assert [found.code for found in convcalc.check("missing.yaml").diagnostics] == ["CC101"]


def test_verify_says_what_the_command_says(capfd: pytest.CaptureFixture[str]) -> None:
    verdict = convcalc.verify("lenet5", batch=2, seed=3)

    assert verdict.good
    assert capfd.readouterr() == ("", "")
    usual = ["verify", "lenet5", "--batch", "2", "--seed", "3", "--format"]
    assert verdict.to_json() == printed(*usual, "json")
    assert f"{verdict}\n" == printed(*usual, "plain")


def test_verify_takes_a_network_with_input_and_weights() -> None:
    network = convcalc.loads(SPEC)
    x = np.ones((3, 3, 8, 8), np.float32)
    weights = {"first.weight": np.ones((4, 3, 3, 3)), "first.bias": np.zeros(4)}

    verdict = convcalc.verify(network, x=x, weights=weights, layers="first", engine=True)
    assert (verdict.batch, verdict.tier, verdict.good) == (3, "engine", True)
    weights["first.bias"][0] = np.inf
    assert not convcalc.verify(network, x=x, weights=weights).good


@tabled(
    ("options", "said"),
    [
        ({"batch": 0}, "batch 0 is below 1"),
        ({"x": np.ones((1, 8, 8, 3))}, "x is 1×8×8×3, and <text> takes N×3×8×8"),
        ({"x": np.ones((2, 3, 8, 8)), "batch": 3}, "takes 3×3×8×8"),
        ({"weights": {}}, "first.weight"),
        ({"dtype": "int8"}, "dtype 'int8'"),
        ({"backend": "jax"}, "backend 'jax'"),
        ({"engine": True, "dtype": "float16"}, "float32"),
        ({"layers": "wibble"}, "no layer matches 'wibble'"),
        ({"threads": 0}, "threads 0 is below 1"),
        ({"input": "9x9x3"}, "this is a network already"),
        (
            {"x": np.ones((1, 3, 8, 8)), "weights": {}, "seed": 0},
            "seed 0 would have no effect: x and weights are given",
        ),
    ],
)
def test_verify_refuses_what_does_not_fit(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        convcalc.verify(convcalc.loads(SPEC), **options)


def test_verify_says_that_memory_is_short_before_it_takes_it() -> None:
    with pytest.raises(MemoryError, match=r"vgg16 needs up to .* for a batch of 2,147,483,648"):
        convcalc.verify("vgg16", batch=2**31)


def test_diff_says_what_the_command_says() -> None:
    comparison = convcalc.diff("lenet5", "lenet5", batch=2)
    assert comparison.changes == ()
    comparison = convcalc.diff("vgg16", convcalc.load("vgg19"))

    assert comparison.to_json() == printed("diff", "vgg16", "vgg19", "--format", "json")
    assert comparison.to_csv() == printed("diff", "vgg16", "vgg19", "--format", "csv")
    rows = [line.split(",") for line in comparison.to_csv().splitlines()]
    assert rows[0] == ["section", "name", "status", "field", "old", "new", "difference"]
    assert ["total", "", "", "parameters", "138357544", "143667240", "5309696"] in rows
    added = ["layer", "stage3.conv4", "added"]  # 256 filters of 256×3×3, and their biases
    assert [*added, "parameters", "", "590080", "590080"] in rows
    assert [*added, "output", "", "56x56x256", ""] in rows
    assert comparison.to_markdown() == printed("diff", "vgg16", "vgg19", "--format", "markdown")
    assert f"{comparison}\n" == printed("diff", "vgg16", "vgg19")


@pytest.mark.parametrize("function", [convcalc.verify, lambda net: convcalc.diff(net, net)])
def test_a_network_with_errors_is_refused(function: Any) -> None:
    for given in (convcalc.read("missing.yaml"), "missing.yaml"):
        with pytest.raises(convcalc.SpecError, match="CC101"):
            function(given)


def test_functions_take_a_spec_made_in_python() -> None:
    spec = convcalc.Spec(
        name="made", input=(8, 8, 3), layers=[convcalc.Item("conv", filters=4, kernel=3)]
    )
    wider = spec.replace(layers=[convcalc.Item("conv", filters=8, kernel=3)])

    assert convcalc.check(spec).files == ("made",)
    assert convcalc.check({"a.yaml": spec, "b.yaml": wider}).files == ("a.yaml", "b.yaml")
    assert convcalc.check(spec, budget={"parameters": 1}).exit_code() == 1
    assert convcalc.verify(spec, input="9x9x3").input == Shape(3, (9, 9))
    delta = convcalc.diff(spec, wider).total("parameters")
    assert delta is not None
    assert (delta.old, delta.new) == (4 * 28, 8 * 28)
