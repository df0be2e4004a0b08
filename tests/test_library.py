"""The library: load, analyze, typed values, errors as exceptions, nothing printed."""

from pathlib import Path

import pytest

import convcalc
from convcalc import Shape

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


def test_every_public_name_is_there_and_nothing_else() -> None:
    assert all(getattr(convcalc, name) for name in convcalc.__all__)
    assert set(convcalc.__all__) <= set(dir(convcalc))
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        convcalc.lode  # noqa: B018


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


@pytest.mark.parametrize("shape", [Shape(0, (8, 8)), Shape(3, (-1, 8)), (8, 8, 3), 8])
def test_an_input_that_is_no_shape_is_refused(shape: object) -> None:
    with pytest.raises(ValueError, match="is no shape"):
        convcalc.loads(SPEC, input=shape)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [None, [1], 2j])
def test_a_parameter_that_is_no_value_is_an_error(value: object) -> None:
    with pytest.raises(convcalc.SpecError, match="which is no number or text"):
        convcalc.loads(SPEC, parameters={"n": value})  # type: ignore[dict-item]
