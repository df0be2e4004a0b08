"""How wide text is: the advances of Inter, the free font that pictures are set in.

Inter (https://rsms.me/inter, SIL Open Font License 1.1) ships as a subset without kerning in
`fonts/`, which PNG is drawn with; SVG names it and says how long each text is, so that another font
does not break the layout. It has the letters below, and those of `alphabets`: of Europe's languages
and Vietnamese. Texts in others are set in what their reader has, and take about as much room.
"""

import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path

FAMILY = "Inter, 'Segoe UI', 'Helvetica Neue', Helvetica, Arial, sans-serif"
"""What SVG asks for: Inter, else what is like it."""
UNITS = 2816
"""Units of the font's em, which advances are given in."""
CAP_HEIGHT = 0.727
"""Height of a capital letter as a part of the size."""
DESCENT = 0.2
"""How far letters reach below the baseline as a part of the size."""
FILES = tuple(
    Path(__file__).parent / "fonts" / name for name in ("Inter-Regular.otf", "Inter-SemiBold.otf")
)
"""The fonts that ship: text, and bold text."""
WIDE = UNITS
"""Advance of a letter that the font has not and that fills a square, as Chinese ones do."""
EMOJI = 3600
"""Advance of a picture that it has not: what colour fonts have, from 1.17 to 1.28 em."""
UNKNOWN = 1900
"""Advance of any other that it has not: a wide letter's."""

_REGULAR = {
    520: "’",
    560: "‘",
    624: "'",
    668: "ijl",
    744: "I",
    772: "⁄",
    776: ".:·",
    784: "!",
    788: ",;",
    792: " ",
    920: "|",
    1004: "/\\",
    1016: "f",
    1020: "()[]{}",
    1024: "t",
    1048: "r",
    1072: "“”",
    1136: '"',
    1184: "²",
    1212: "³",
    1272: "_",
    1280: "°",
    1296: "-",
    1308: "1",
    1320: "^",
    1400: "`",
    1408: "*–",
    1428: "?",
    1472: "s",
    1504: "γ",
    1520: "x",
    1524: "z",
    1528: "J",
    1532: "kε",
    1568: "vy",
    1572: "cç",
    1584: "L",
    1588: "aàäå",
    1608: "7",
    1636: "uü",
    1640: "eèéê",
    1648: "nñ",
    1652: "F",
    1664: "h",
    1668: "β",
    1680: "oöø",
    1684: "E",
    1704: "2",
    1712: "5",
    1716: "gpqß",
    1736: "8",
    1748: "bd",
    1752: "µ",
    1756: "69",
    1760: "0Z",
    1776: "#Σσ∂√",
    1788: "P",
    1792: "3",
    1796: "$S",
    1800: "&R",
    1808: "4TX",
    1832: "B",
    1836: "K",
    1856: "+<=>~±×÷−≈≠≤≥",
    1872: "Y",
    1904: "AVÄΔ",
    2024: "D",
    2048: "C",
    2084: "H",
    2088: "UÜ",
    2092: "G",
    2120: "N",
    2144: "OQÖ",
    2288: "%w",
    2312: "…",
    2448: "m",
    2480: "✓✗",
    2504: "M",
    2576: "■□○●",
    2608: "½",
    2620: "∞",
    2636: "@",
    2672: "W",
    2688: "←↑→↓↗",
    2788: "œ",
    2816: "—",
    2840: "△",
}
_SEMIBOLD = {
    600: "'",
    602: "’",
    642: "‘",
    699: " ",
    734: "ijl",
    770: "⁄",
    774: "I",
    818: ".:·",
    831: ",;",
    870: "!",
    1008: "|",
    1062: "f",
    1066: "/\\",
    1070: "t",
    1108: "()[]{}",
    1115: '"',
    1117: "r",
    1147: "”",
    1149: "“",
    1190: "²",
    1234: "³",
    1290: "°",
    1312: "-",
    1318: "_",
    1354: "1",
    1355: "^",
    1400: "`",
    1408: "–",
    1528: "γ",
    1530: "*",
    1532: "?",
    1546: "s",
    1579: "J",
    1582: "zε",
    1584: "x",
    1594: "L",
    1602: "k",
    1618: "aàäå",
    1622: "vy",
    1626: "cç",
    1649: "F",
    1653: "7",
    1669: "eèéê",
    1700: "β",
    1711: "E",
    1712: "oöø",
    1713: "uü",
    1717: "nñ",
    1726: "h",
    1750: "2",
    1759: "pq",
    1761: "g",
    1775: "bd",
    1781: "5",
    1811: "#",
    1812: "P",
    1818: "ß",
    1819: "8",
    1825: "69",
    1828: "$S",
    1832: "R",
    1835: "3µ",
    1838: "Z",
    1851: "Bσ",
    1854: "Σ∂",
    1858: "T√",
    1866: "&",
    1875: "4",
    1878: "0",
    1894: "+<=>~±×÷−≈≠≤≥",
    1906: "K",
    1944: "X",
    1984: "Y",
    2038: "AVÄΔ",
    2040: "D",
    2066: "UÜ",
    2086: "N",
    2094: "C",
    2095: "H",
    2126: "G",
    2182: "OÖ",
    2184: "Q",
    2270: "…",
    2358: "w",
    2376: "%",
    2480: "✓✗",
    2528: "m",
    2552: "M",
    2576: "■□○●",
    2589: "½",
    2688: "←↑→↓↗",
    2719: "∞",
    2762: "œ",
    2814: "@",
    2816: "—",
    2835: "W",
    2914: "△",
}


def _advances(groups: dict[int, str]) -> dict[str, int]:
    """Letter → advance."""
    return {letter: advance for advance, letters in groups.items() for letter in letters}


_ADVANCES = {False: _advances(_REGULAR), True: _advances(_SEMIBOLD)}


def width(text: str, size: float = 12, *, bold: bool = False) -> float:
    """How wide a line of text is, in the unit of `size`.

    >>> round(width("conv 3×3, 64", 12), 2)
    76.04
    >>> width("iiii") < width("WWWW") == width("WW") * 2
    True
    """
    advances = _ADVANCES[bold]
    return size / UNITS * sum(advances.get(letter) or _rare(letter, bold) for letter in text)


@cache
def _rare(letter: str, bold: bool) -> int:  # noqa: FBT001 (a key)
    """The advance of a letter that few names have."""
    from convcalc.pictures.alphabets import ADVANCES

    if letter in ADVANCES[bold]:
        return ADVANCES[bold][letter]
    kind = unicodedata.category(letter)
    if kind in _ON_OTHERS or "\U0001f3fb" <= letter <= "\U0001f3ff":  # skins of emoji
        return 0
    if _is_wide(letter):
        return EMOJI if kind == "So" else WIDE
    return UNKNOWN


_ON_OTHERS = frozenset({"Mn", "Me", "Cf"})
"""Categories of what stands on another letter, or says how it is set."""


def _is_wide(letter: str) -> bool:
    """Whether a letter fills a square, as Chinese ones do (Unicode Standard Annex 11)."""
    return unicodedata.east_asian_width(letter) in ("W", "F")


def is_in(letter: str) -> bool:
    """Whether the font that ships has a letter."""
    if letter in _ADVANCES[False]:
        return True
    from convcalc.pictures.alphabets import ADVANCES

    return letter in ADVANCES[False]


def is_measured(text: str) -> bool:
    """Whether it is known how wide a text is: not of letters that each font has its own way with.

    To spread those over a length would tear letters apart that are joined, as Arabic ones are.

    >>> is_measured("conv1"), is_measured("卷积1"), is_measured("الشبكة"), is_measured("🐈")
    (True, True, False, False)
    """
    if text.isascii():
        return True
    return all(
        is_in(letter) or (_is_wide(letter) and unicodedata.category(letter) != "So")
        for letter in unicodedata.normalize("NFC", text)
    )


def not_drawn(texts: Iterable[str]) -> list[str]:
    """Those of the texts that have letters which the font has not, each once.

    >>> not_drawn(["conv1", "卷积1", "Свёртка", "cafe\u0301", "卷积1"])
    ['卷积1']
    """
    return [
        text
        for text in dict.fromkeys(texts)
        if not text.isascii() and not all(map(is_in, unicodedata.normalize("NFC", text)))
    ]


def shortened(text: str, room: float, size: float = 12, *, bold: bool = False) -> str:
    """The text, or its start and end with `…` between them, so that it is no wider than `room`.

    >>> shortened("features.denseblock4.denselayer32", 120)
    'features.…selayer32'
    """
    if width(text, size, bold=bold) <= room:
        return text
    least, most = 0, len(text)
    while least < most:
        middle = (least + most + 1) // 2
        if width(_without_middle(text, middle), size, bold=bold) <= room:
            least = middle
        else:
            most = middle - 1
    return _without_middle(text, least)


def wrapped(text: str, room: float, size: float = 12, *, bold: bool = False) -> list[str]:
    """Lines of a text, none wider than `room` unless a word alone is, which is shortened.

    >>> wrapped("one two three", 50)
    ['one two', 'three']
    """
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width(longer, size, bold=bold) <= room:
            lines[-1] = longer
        else:
            lines.append(shortened(word, room, size, bold=bold))
    return lines


def _without_middle(text: str, kept: int) -> str:
    """So many letters of a text, from its start and its end."""
    end = kept // 2
    return f"{text[: kept - end]}…{text[len(text) - end :]}"
