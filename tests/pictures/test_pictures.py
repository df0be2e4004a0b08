"""What is drawn, as SVG and PNG, and what it is drawn with."""

import warnings
from pathlib import Path
from unicodedata import normalize
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner
from tabled import tabled

import convcalc
from convcalc.cli import convcalc as command
from convcalc.layers import CATALOGUE, GIVEN
from convcalc.pictures import STYLES, WRITERS, font
from convcalc.pictures.scene import Label, Scene, everything
from convcalc.pictures.theme import ROLES

SVG = "{http://www.w3.org/2000/svg}"


def _scene(style: str = "graph") -> Scene:
    return convcalc.draw("lenet5", style)


def test_an_svg_is_a_document_whose_texts_say_how_long_they_are() -> None:
    root = ET.fromstring(_scene().to_svg())  # noqa: S314 (ours)
    texts = root.findall(f".//{SVG}text")
    assert len(texts) == len(_scene().labels) > 0
    for text, label in zip(texts, _scene().labels, strict=True):
        assert text.text == label.text
        wide = font.width(label.text, label.size, bold=label.bold)
        assert float(text.get("textLength", "0")) == pytest.approx(wide, abs=0.01)
    assert [child.tag for child in root][:2] == [f"{SVG}title", f"{SVG}desc"]


def test_the_same_spec_gives_the_same_bytes() -> None:
    assert _scene().to_svg() == _scene().to_svg()


def test_what_a_name_holds_is_written_as_xml_has_it() -> None:
    label = Label(0, 9, "<b>&\x00\ud800")
    svg = Scene("a & b", "", 20, 20, (label,)).to_svg()
    root = ET.fromstring(svg)  # noqa: S314 (ours)
    assert [text.text for text in root.iter(f"{SVG}text")] == ["<b>&\ufffd\ufffd"]


def test_every_family_has_a_look() -> None:
    families = {row.family for row in (*CATALOGUE.values(), *GIVEN.values())}
    assert families <= ROLES.keys()


def _luminance(color: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    """Contrast of two colours (WCAG 2.2)."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_texts_and_lines_stand_out_from_what_they_are_drawn_on(dark: bool) -> None:  # noqa: FBT001
    text, quiet, paper = (ROLES[role][dark].fill for role in ("text", "quiet", "paper"))
    for role, looks in ROLES.items():
        look = looks[dark]
        if role.endswith("text") or role == "quiet":
            assert _contrast(look.fill, paper) >= 4.5, role
        elif look.fill != "none" and not role.endswith("side"):  # where no text stands
            assert _contrast(text, look.fill) >= 4.5, role
            if not role.startswith("heat"):  # where all text is of one strength
                assert _contrast(quiet, look.fill) >= 4.5, role
        if look.stroke != "none" and role != "frame":
            assert _contrast(look.stroke, paper) >= 3, role


def test_texts_are_as_wide_as_the_font_that_ships_says() -> None:
    tools = pytest.importorskip("fontTools.ttLib", reason="fonttools reads the font")
    for bold, path in enumerate(font.FILES):
        read = tools.TTFont(path)
        advances = read["hmtx"]
        assert read["head"].unitsPerEm == font.UNITS
        letters = {chr(code): advances[name][0] for code, name in read.getBestCmap().items()}
        assert len(letters) > 700
        for letter, advance in letters.items():
            assert font.width(letter, font.UNITS, bold=bool(bold)) == advance


PANGRAMS = {
    "Czech": "Nechť již hříšné saxofony ďáblů rozezvučí síň úděsnými tóny waltzu",
    "French": "Dès Noël, où un zéphyr haï me vêt de glaçons, je dîne d’exquis rôtis à l’aÿ",
    "German": "Falsches Üben von Xylophonmusik quält jeden größeren Zwerg",
    "Greek": "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία, Ϊ ϋ ΐ ΰ ώ",
    "Hungarian": "Árvíztűrő tükörfúrógép",
    "Icelandic": "Kæmi ný öxi hér, ykist þjófum nú bæði víl og ádrepa",
    "Latvian": "Glāžšķūņa rūķīši dzērumā čiepj Baha koncertflīģeļu vākus",
    "Polish": "Pchnąć w tę łódź jeża lub ośm skrzyń fig",
    "Romanian": "Muzicologă în bej vând whisky și tequila, preț fix",
    "Russian": "Съешь же ещё этих мягких французских булок, да выпей чаю",
    "Spanish": "El pingüino Wenceslao hizo kilómetros bajo exhaustiva lluvia; ¿qué? ¡añoraba!",
    "Turkish": "Pijamalı hasta yağız şoföre çabucak güvendi, İ ı",
    "Ukrainian": "Чуєш їх, доцю, га? Кумедна ж ти, прощайся без ґольфів!",
    "Vietnamese": "Ðặng Huỳnh sẽ kể chuyện về lưỡi ướt, ngỗng, hũ, ổ, ẩn, ệ, ỳ",
}


@tabled("language", PANGRAMS)
def test_texts_of_europe_and_vietnam_are_drawn_as_png(language: str) -> None:
    text = PANGRAMS[language]
    assert font.not_drawn([text, normalize("NFD", text)]) == []
    assert font.is_measured(text)


@tabled(
    ("text", "wide", "measured"),
    [
        ("网络", 2 * font.UNITS, True),  # a square each, in any font that has them
        ("ｆｕ", 2 * font.UNITS, True),
        ("ネット", 3 * font.UNITS, True),
        ("신경망", 3 * font.UNITS, True),
        ("e\u0301", font.width("é", font.UNITS), True),  # an accent takes no room
        ("🐈", font.EMOJI, False),
        ("🐈\u200d⬛", 2 * font.EMOJI, False),  # a black cat: at most both
        ("👍🏽", font.EMOJI, False),  # with the colour of its skin
        ("שכבה", 4 * font.UNKNOWN, False),
    ],
)
def test_letters_of_other_fonts_take_the_room_that_they_need(
    text: str,
    wide: float,
    measured: bool,  # noqa: FBT001
) -> None:
    assert font.width(text, font.UNITS) == pytest.approx(wide)
    assert font.is_measured(text) is measured
    (drawn,) = ET.fromstring(_named(text).to_svg()).iter(f"{SVG}text")  # noqa: S314 (ours)
    assert drawn.text == text
    assert ("textLength" in drawn.attrib) is measured


def _named(text: str) -> Scene:
    return Scene("a", "", 90, 20, (Label(0, 9, text),))


def test_png_says_which_texts_it_has_no_letters_for(tmp_path: Path) -> None:
    pytest.importorskip("resvg_py", reason="resvg draws PNG")
    names = ["卷积一", "الشبكة", "свёртка", "שכבה", "层", "conv1"]
    items = "".join(
        f"  - {{conv: {{filters: {number + 1}, kernel: 1}}, name: {name}}}\n"
        for number, name in enumerate(names)
    )
    (tmp_path / "a.yaml").write_text(f"input: 8x8x3\nlayers:\n{items}", encoding="utf-8")
    run = CliRunner().invoke(command, ["draw", str(tmp_path / "a.yaml"), "--to", "png"])
    assert run.exit_code == 0
    assert run.stderr.strip().splitlines()[0] == (
        "convcalc: the font of PNG has not all letters of 卷积一, الشبكة, שכבה and 1 more: "
        "they are bars there; SVG is shown in its reader's fonts"
    )
    drawn = CliRunner().invoke(command, ["draw", str(tmp_path / "a.yaml")])
    assert (drawn.exit_code, "PNG" in drawn.stderr) == (0, False)
    with pytest.warns(UserWarning, match="卷积一"):
        _named("卷积一").to_png()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert _named("Bézout").to_png() == _named(normalize("NFD", "Bézout")).to_png()


@pytest.mark.parametrize("style", STYLES)
def test_every_letter_of_a_picture_is_one_that_the_font_has(style: str) -> None:
    known = set(font._ADVANCES[False])
    assert {letter for label in _scene(style).labels for letter in label.text} <= known


def test_png_is_drawn_where_the_extra_is() -> None:
    pytest.importorskip("resvg_py", reason="resvg draws PNG")
    scene = _scene()
    png = scene.to_png(scale=1)
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    size = int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")
    assert size == (round(scene.width), round(scene.height))


def test_a_network_with_errors_is_drawn() -> None:
    network = convcalc.read(
        convcalc.parse("{input: 8x8x3, layers: [conv: {filters: 4, kernel: 9}]}")
    )
    assert network.errors
    assert "conv1" in convcalc.draw(network).parts


def test_other_styles_and_options_are_refused() -> None:
    with pytest.raises(ValueError, match="style"):
        convcalc.draw("lenet5", "grpah")
    with pytest.raises(TypeError, match="takes no 'at'"):
        convcalc.draw("lenet5", "graph", at=3)


def test_every_style_and_writer_has_its_module() -> None:
    folder = Path(convcalc.__file__).parent / "pictures"
    for name in (*STYLES, *WRITERS):
        assert (folder / f"{name}.py").exists() or (folder / name).is_dir()


def test_an_item_can_be_anywhere() -> None:
    nested = [each for each in everything(_scene().items) if isinstance(each, Label)]
    assert nested == _scene().labels


@pytest.mark.parametrize("spec", ["there_is_no_such.yaml", "vgg61"])
def test_what_cannot_be_read_makes_no_file(spec: str, tmp_path: Path) -> None:
    file = tmp_path / "a.svg"
    for arguments in (["-o", str(file)], []):
        result = CliRunner().invoke(command, ["draw", spec, *arguments])
        assert result.exit_code == 2
        assert not result.stdout
        assert "CC101" in result.stderr
    assert not file.exists()
