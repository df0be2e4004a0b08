"""Layers called as they are where they come from: in tables, on the command line, in findings."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from convcalc import loads
from convcalc.cli import convcalc
from convcalc.explanation.chosen import layers_named
from convcalc.graph import read_text
from convcalc.graph.by_origin import by_origin
from convcalc.spec.text import SourceText

SPEC = """\
input: 8x8x4
blocks:
  unit: {layers: [{conv: {filters: 4, kernel: 1}, origin: conv}, {relu, origin: act}, sigmoid]}
layers:
  - {unit: , repeat: 2, origin: "layer.{index - 1}"}
  - {layers: [{tanh, origin: t}, {tanh, origin: t}], name: end, origin: head/}
"""
NAMES = [
    *("layer.0.conv", "layer.0.act", "unit1.sigmoid1"),
    *("layer.1.conv", "layer.1.act", "unit2.sigmoid1"),
    *("head/t", "head/t (2)"),
]


def test_names_are_origins_where_there_are_some() -> None:
    network = by_origin(loads(SPEC))
    assert [node.name for node in network.layers] == NAMES
    assert [group.name for group in network.groups] == ["layer.0", "layer.1", "head/"]
    assert {*network.tensors()} >= {*NAMES, "layer.1"}
    plain = loads(SPEC)
    assert network.plans == plain.plans
    assert [node.inputs for node in network.nodes] == [node.inputs for node in plain.nodes]


def test_findings_are_about_layers_by_that_name() -> None:
    text = SPEC.replace("filters: 4, kernel: 1", "filters: 4, kernel: 3, stride: 2")
    (error,) = by_origin(read_text(SourceText("a.yaml", text))).errors
    assert error.layer == "layer.0.conv"


def test_layers_are_known_by_where_they_come_from() -> None:
    network = loads(SPEC)
    names = [node.name for node in network.nodes]

    def named(word: str) -> list[str]:
        return [names[index] for index in layers_named(network, word)]

    assert named("layer.1.conv") == ["unit2.conv1"]
    assert named("layer.1") == ["unit2.conv1", "unit2.relu1", "unit2.sigmoid1"]
    assert named("layer.*.act") == ["unit1.relu1", "unit2.relu1"]
    assert named("head/t") == ["end.tanh1", "end.tanh2"]
    assert named("unit1.conv1") == ["unit1.conv1"]


@pytest.fixture
def spec(tmp_path: Path) -> str:
    path = tmp_path / "a.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return str(path)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(convcalc, [*arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_tables_show_them(spec: str) -> None:
    shown = run("analyze", spec, "--names", "origin", "-f", "csv", "--columns", "name")
    assert shown.split("\n")[1:-1] == NAMES
    shown = run("analyze", spec, "-f", "csv", "--columns", "name,origin")
    assert shown.split("\n")[2:4] == ["unit1.relu1,layer.0.act", "unit1.sigmoid1,"]
    assert "layer.1.conv" in run("memory", spec, "--layers", "--names", "origin")
    assert "layer.0 " in run("analyze", spec, "--names", "origin", "--depth", "1", "-f", "plain")


def test_verify_chooses_and_shows_layers_by_them(spec: str) -> None:
    shown = run("verify", spec, "--layers", "layer.1", "--names", "origin", "-f", "plain")
    assert "layer.1.conv" in shown
    assert "layer.0" not in shown
    assert "unit2.conv1" in run("verify", spec, "--layers", "layer.?.conv", "-f", "plain")


def test_names_that_nothing_has_and_formats_that_have_both_are_refused(spec: str) -> None:
    result = CliRunner().invoke(convcalc, ["analyze", "vgg16", "--names", "origin"])
    assert result.exit_code == 2
    assert "no layer of vgg16 says where it comes from" in result.output
    result = CliRunner().invoke(convcalc, ["analyze", spec, "--names", "origin", "-f", "json"])
    assert result.exit_code == 2
    assert "json has both names" in result.output
