"""Pictures as text of other formats: Mermaid, which is laid out anew, and TikZ."""

import re
import shutil
import subprocess
from io import BytesIO
from pathlib import Path

import pytest
from tabled import tabled

import convcalc
from convcalc.graph import Network, read_text
from convcalc.pictures import STYLES, WRITERS, bitmap, font, scene, written
from convcalc.pictures.mermaid import render as mermaid
from convcalc.pictures.scene import Label, Raster, Scene
from convcalc.pictures.svg import element, style
from convcalc.pictures.theme import ROLES
from convcalc.pictures.tikz import _SIGNS
from convcalc.pictures.tikz import render as tikz
from convcalc.spec.text import SourceText

NASTY = 'a"b%{}\\$&#_^~<b>|`]'
"""Signs that formats mean something by, as a file from elsewhere may have them in names."""


def _network(text: str) -> Network:
    return convcalc.read(convcalc.parse(text))


def _edges(chart: str) -> set[tuple[str, str]]:
    """Nodes that a flowchart joins, by the names that they show."""
    names = dict(re.findall(r'^ *(n\d+)\["[^"]*?<br>([^"<]*)', chart, re.MULTILINE))
    names |= dict(re.findall(r'^ *(n\d+)\["([^"<]*)"\]', chart, re.MULTILINE))
    pairs = re.findall(r"^ *(n\d+) (?:-->|-\.->|==>)(?:\|[^|]*\|)? (n\d+)$", chart, re.MULTILINE)
    return {(names[one], names[other]) for one, other in pairs}


@tabled("name", [*STYLES])
def test_no_style_is_an_attribute(name: str) -> None:
    """So that the policy of a page may refuse those, and nothing is rewritten for it."""
    drawn = convcalc.draw("lenet5", name)
    for text in (drawn.to_svg(), element(drawn, "one")):
        assert "style=" not in text
    assert "<style" not in element(drawn, "one")
    assert 'id="one-title"' in element(drawn, "one")


def test_pixels_are_squares_in_svg_and_png() -> None:
    """A black and a white pixel, 20 pixels each: nothing between is grey."""
    pytest.importorskip("resvg_py", reason="resvg draws PNG")
    image = pytest.importorskip("PIL.Image", reason="Pillow reads it")
    grid = Raster(0, 0, 40, 20, bitmap.png(2, 1, 1, bytes([0, 255])), "two pixels")
    drawn = Scene("pixels", "", 40, 20, (grid,))
    assert ".raster{image-rendering:pixelated}" in drawn.to_svg()
    pixels = image.open(BytesIO(drawn.to_png(scale=1))).convert("L")
    assert {count for count, value in pixels.getcolors()} == {400}
    assert {value for _, value in pixels.getcolors()} == {0, 255}


@tabled("role", sorted(ROLES))
def test_a_line_encloses_nothing_whatever_its_role(role: str) -> None:
    """In light, in dark, and below what a page stands in: no rule that comes later has more to say.

    A rule of two classes outdoes one of one class below the same elements (CSS Cascade 4, 6.4).
    """
    line = scene.Path(((0, 0), (9, 0), (9, 9)), role)
    (classes,) = re.findall(
        r'<path class="([^"]+)" d="M', element(Scene("a line", "", 9, 9, (line,)), "one")
    )
    for theme, within in (("light", ""), ("dark", ".picture "), ("auto", "")):
        rules = re.findall(r"([^{}]+)\{([^{}]+)\}", style((line,), theme, within))
        filled = [
            (names.strip().count("."), number, fill[1])
            for number, (names, said) in enumerate(rules)
            if (fill := re.search("fill:([^;]+)", said))
            and {*names.split(" ")[-1].strip(".").split(".")} <= {*classes.split()}
        ]
        for last in (filled[: len(filled) // 2], filled) if theme == "auto" else (filled,):
            assert max(last)[2] == "none", (theme, filled)


def test_mermaid_has_the_layers_the_frames_and_what_is_read() -> None:
    chart = mermaid(convcalc.draw("resnet18", depth=9))
    assert chart.splitlines()[3] == "flowchart TD"
    assert 'n1["conv 7×7, 64, stride 2<br>conv1<br>batchnorm<br>relu"]:::dense' in chart
    subgraphs = re.findall(r'subgraph \w+ \["([^"]*)"\]', chart)
    assert subgraphs[:2] == ["conv2_x", "basic_block1…2 ×2"]
    assert chart.count("\n" + "  " * 2 + "end\n") + chart.count("\n  end\n") == len(subgraphs)
    assert '-->|"56×56×64"|' in chart


def test_mermaid_joins_what_the_network_joins() -> None:
    text = "input: 8x8x4\nlayers:\n  - conv: {filters: 4, kernel: 1}\n  - add: [[tanh], []]\n"
    chart = mermaid(convcalc.draw(_network(text)))
    assert _edges(chart) == {
        ("input", "conv1"), ("conv1", "tanh1"), ("tanh1", "add1"), ("conv1", "add1"),
    }  # fmt: skip
    assert mermaid(convcalc.draw(_network(text), direction="right")).count("flowchart LR") == 1


def _nasty() -> Scene:
    scene = convcalc.draw(_network("{input: 8x8x4, layers: [tanh]}"))
    return scene._replace(title=NASTY, items=(*scene.items, Label(0, 9, NASTY)))


def test_texts_mean_nothing_to_the_formats() -> None:
    chart = mermaid(_nasty())
    title = re.search(r'^title: "(.*)"$', chart, re.MULTILINE)
    assert title is not None
    codes = re.sub(r"#(\d+);", lambda code: chr(int(code[1])), title[1])
    assert codes == NASTY
    assert not set(title[1]) & set('"%{}\\$&^~<>|`]')
    drawn = tikz(_nasty()).splitlines()[-3]
    assert drawn.endswith(
        r"{a\textquotedbl{}b\%\{\}\textbackslash{}\$\&\#\_\textasciicircum{}\textasciitilde{}"
        r"\textless{}b\textgreater{}\textbar{}`]};"
    )


def test_tikz_has_every_item_and_balanced_braces() -> None:
    scene = convcalc.draw("unet")
    text = tikz(scene)
    assert text.count(r"\node[") == len(scene.labels)
    assert text.count("-{Latex") == sum(path.arrow for path in scene.paths)
    for line in text.splitlines()[1:]:
        bare = re.sub(r"\\[{}]", "", line)
        assert bare.count("{") == bare.count("}"), line
        assert line.startswith(("\\", "%")), line
    used = set(re.findall(r"(?:fill|draw|text)=([\w-]+)", text))
    assert used <= set(re.findall(r"\\definecolor{([\w-]+)}", text))
    begun, ended = (re.findall(rf"\\{word}{{(\w+)}}", text) for word in ("begin", "end"))
    assert begun == ended[::-1] == ["document", "tikzpicture"]


def test_tex_knows_every_letter_of_the_font() -> None:
    letters = {letter for letter in font._ADVANCES[False] if ord(letter) >= 0x180}
    assert letters - {*"‘’⁄"} <= _SIGNS.keys()  # which pdfTeX has, tried with TeX Live


def test_tikz_is_compiled_where_tex_is(tmp_path: Path) -> None:
    tex, finds = shutil.which("pdflatex"), shutil.which("kpsewhich")
    classes = finds and subprocess.run([finds, "standalone.cls"], capture_output=True, check=False)
    if tex is None or not classes or not classes.stdout:
        pytest.skip("pdflatex with the class standalone compiles TikZ")
    letters = tuple(
        Label(5, 300 + 20 * number, letter)
        for number, letter in enumerate(sorted({*font._ADVANCES[False], *_SIGNS}))
    )
    scene = _nasty()
    (tmp_path / "a.tex").write_text(tikz(scene._replace(items=(*scene.items, *letters)), "dark"))
    call = [tex, "-interaction=nonstopmode", "-halt-on-error", "a.tex"]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2_000:]


@pytest.mark.parametrize("text", ["", "layers: [", "{input: 8x8x3, layers: [{relu, from: x}]}"])
def test_mermaid_draws_what_nothing_joins(text: str) -> None:
    chart = mermaid(convcalc.draw(read_text(SourceText("net.yaml", text))))
    assert "flowchart TD" in chart
    assert "#10007;" in chart


def test_mermaid_goes_as_the_picture_does() -> None:
    """Also where branches are many, and lie wider than the network is deep."""
    text = "{input: 8x8x3, layers: [concat: [[relu], [tanh], [elu], [gelu], [sigmoid], [silu]]]}"
    for direction, word in (("down", "flowchart TD"), ("right", "flowchart LR")):
        assert word in mermaid(convcalc.draw(_network(text), direction=direction))


def test_what_a_format_cannot_say_is_refused() -> None:
    grid = Scene("grid", "", 9, 9, (Raster(0, 0, 9, 9, b"", "a grid"),))
    with pytest.raises(ValueError, match="grids of pixels"):
        tikz(grid)
    with pytest.raises(ValueError, match="boxes and lines"):
        mermaid(convcalc.draw("lenet5", "window"))


@pytest.mark.parametrize("writer", [name for name, row in WRITERS.items() if row.text])
def test_the_same_network_gives_the_same_text(writer: str) -> None:
    one, other = (written(convcalc.draw("squeezenet1_0"), writer, "dark") for _ in range(2))
    assert one == other
