"""The demo of a layer in a browser: what is shown of every output, and that it can be used.

`CONVCALC_BROWSER` asks for it, as for the report.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from convcalc import read
from convcalc.cli import convcalc
from convcalc.explanation.demo import demo
from convcalc.explanation.value.base import real

if not os.environ.get("CONVCALC_BROWSER"):
    pytest.skip("CONVCALC_BROWSER names no browser", allow_module_level=True)
pytest.importorskip("pytest_playwright", reason="which runs the browser")
if TYPE_CHECKING:
    from playwright.sync_api import Page

# A plugin of pytest-playwright's declares a fixture as pytest 10 will not take it.
pytestmark = pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance")

LAYERS = (
    ("alexnet", "conv3"),
    ("resnet18", "maxpool1"),
    ("dcgan_generator", "up1.conv_transpose1"),
    ("wavenet", "gate3.causal1.conv1"),
    ("mobilenet_v1", "separable1.depthwise_conv1"),
    ("wavenet", "gate10.causal1.conv1"),
    ("fcn", "pool1.conv1"),
    ("resnext50_32x4d", "conv2_x.bottleneck_block1.conv2"),
    ("c3d", "stage1.conv1"),
    ("c3d", "stage1.maxpool1"),
)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """The browser of the system, where one is named."""
    named = os.environ["CONVCALC_BROWSER"]
    path = {} if named == "yes" else {"executable_path": named}
    return {"args": ["--no-sandbox"], **path}


def opened(page: "Page", folder: Path, spec: str, layer: str) -> list[str]:
    """Show a demo; gives what the browser complains of."""
    file = folder / "demo.html"
    result = CliRunner().invoke(convcalc, ["explain", spec, layer, "--demo", str(file), "--force"])
    assert result.exit_code == 0, result.output
    complaints: list[str] = []
    page.set_default_timeout(8_000)
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(file.as_uri())
    return complaints


@pytest.mark.parametrize(("spec", "layer"), LAYERS)
def test_every_output_is_shown_with_what_it_is_made_of(
    page: "Page", tmp_path: Path, spec: str, layer: str
) -> None:
    complaints = opened(page, tmp_path, spec, layer)
    network = read(spec)
    index = next(at for at, node in enumerate(network.nodes) if node.name == layer)
    made = demo(network, index)
    buttons = page.locator(".output button")
    assert buttons.all_text_contents() == [real(frame.value) for frame in made.frames]
    for number, frame in enumerate(made.frames):
        said = page.locator(".sum").inner_text()
        assert said.endswith(f": {frame.said}")
        assert page.locator(".input td.seen").count() == len({term.at for term in frame.terms})
        products = page.locator(".products li").all_inner_texts()
        shown = [text.rpartition("= ")[2] for text in products]
        assert shown == [real(term.product) for term in frame.terms]
        assert buttons.nth(number).get_attribute("aria-current") == "true"
        page.keyboard.press("ArrowRight")
    assert buttons.nth(0).get_attribute("aria-current") == "true"
    assert complaints == []


def test_a_layer_along_three_axes_is_shown_slice_by_slice(page: "Page", tmp_path: Path) -> None:
    complaints = opened(page, tmp_path, "c3d", "stage1.conv1")
    network = read("c3d")
    made = demo(network, 1)
    depths = ["−1", "0", "1", "2"]  # two slices, with one of padding in front and behind
    inputs = page.get_by_label("Depth of the input")
    outputs = page.get_by_label("Depth of the output")
    assert inputs.locator("option").all_inner_texts() == depths
    assert outputs.locator("option").all_inner_texts() == ["0", "1"]

    def cells() -> list[str]:
        there = page.locator(".input table:visible td:not(.padding)")
        return [*there.all_inner_texts()]

    def taps() -> list[str]:
        used = page.locator(".filter.shown table:visible td.used")
        return [*used.all_inner_texts()]

    assert (inputs.input_value(), outputs.input_value()) == ("0", "0")
    assert "channel 1, depth −1" in page.locator(".products h3").all_inner_texts()
    # The first output's window lies on slices −1 to 1, so its filter's slice 1 lies on slice 0.
    for depth, tap in ((0, 1), (1, 2), (-1, 0)):
        inputs.select_option(str(depth))
        values = [made.x[c][depth] for c in range(2)] if depth >= 0 else []
        assert cells() == [real(each) for rows in values for row in rows for each in row]
        weights = [
            real(each)
            for c in range(2)
            for row in made.weights["weight"][0][c][tap]
            for each in row
        ]
        assert taps() == weights
        seen = {term.at for term in made.frames[0].terms if term.at[1] == depth}
        assert page.locator(".input table:visible td.seen").count() == len(seen) == 18
    inputs.select_option("2")  # where it does not reach to
    assert page.locator(".input table:visible td.seen").count() == 0
    assert taps() == []
    outputs.select_option("1")
    assert page.locator(".sum").inner_text().startswith("Output 1,0,0 of channel 0: ")
    assert page.locator(".input table:visible td.seen").count() == 18
    shown = page.locator(".output table:visible button").all_inner_texts()
    assert shown == [real(each) for c in range(2) for row in made.output[c][1] for each in row]
    inputs.focus()
    page.keyboard.press("ArrowUp")  # chooses, and does not step
    assert page.locator(".sum").inner_text().startswith("Output 1,0,0 of channel 0: ")
    assert inputs.input_value() == "1"
    assert complaints == []


def test_both_steps_of_a_separable_convolution_are_shown(page: "Page", tmp_path: Path) -> None:
    spec = tmp_path / "a.yaml"
    spec.write_text("input: 9x9x4\nlayers:\n  - separable_conv: {filters: 3, kernel: 3}\n")
    complaints = opened(page, tmp_path, str(spec), "separable_conv1")
    network = read(str(spec))
    first = demo(network, 1)
    second = first.then
    assert second is not None
    buttons = page.locator(".output button")
    for step, name, other in ((first, "Step 1", "Step 2"), (second, "Step 2", "Step 1")):
        page.click(f"text={name} >> nth=0")
        assert page.get_attribute(f".steps >> text={name}", "aria-pressed") == "true"
        assert page.get_attribute(f".steps >> text={other}", "aria-pressed") == "false"
        assert buttons.all_inner_texts() == [real(frame.value) for frame in step.frames]
        page.keyboard.press("ArrowRight")
        assert page.locator(".sum").inner_text().endswith(f": {step.frames[1].said}")
        assert f"of 2, {'a depthwise' if step is first else 'a convolution'}" in page.inner_text(
            "main"
        )
    page.click(".steps >> text=Step 1")
    assert page.locator(".sum").inner_text().endswith(f": {first.frames[1].said}")
    assert complaints == []


def test_an_input_shows_its_outputs_and_the_windows_play(page: "Page", tmp_path: Path) -> None:
    complaints = opened(page, tmp_path, "resnet18", "maxpool1")
    # Windows of 3 with stride 2 and padding 1 begin at −1, 1, 3: value 1 lies in the first two.
    page.locator(".input table").first.locator("tr").nth(1).locator("td").nth(1).hover()
    assert page.locator(".output button.reached").count() == 4
    page.locator(".output button").nth(5).click()
    assert page.locator(".output button.shown").inner_text() == (
        page.locator(".output button").nth(5).inner_text()
    )
    page.locator("h1").hover()
    page.get_by_role("button", name="Play").click()
    page.locator(".output button").nth(6).and_(page.locator("[aria-current]")).wait_for()
    page.get_by_role("button", name="Pause").click()
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_stands_in_a_readers_way(page: "Page", tmp_path: Path, scheme: Any) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page.emulate_media(color_scheme=scheme)
    for spec, layer in LAYERS:
        opened(page, tmp_path, spec, layer)
        results = axe.run(page)
        assert results.violations_count == 0, results.generate_report()
