"""Explanations as text: what a page says, in each of the formats."""

import json
import re

from tabled import tabled

from convcalc.explanation.page import Drawing, Formula, Page, Section, Table
from convcalc.formats.explanation import EXPLANATION_FORMATS, markdown, plain, table

PAGE = Page(
    "a_layer of a net",
    (
        Section("", ("It does *one* thing.",)),
        Section(
            "Sizes",
            (
                Formula("height", "(H − F)/S + 1", "(9 − 3)/2 + 1", "4", "a note"),
                Formula("channels", "K", "", "8"),
                Formula("same", "4", "4", "4"),
                Formula("nothing", note="why"),
            ),
        ),
        Section("Below", (), 1),
        Section(
            "Deeper",
            (
                Table(("Name", "Size"), (("a|b", "1"), ("c", "22")), frozenset({1})),
                Drawing(("o-o",)),
            ),
            2,
        ),
    ),
    {"schema": 1, "mode": "test"},
)
PLAIN = """\
a_layer of a net

It does *one* thing.

Sizes
  height    (H − F)/S + 1 = (9 − 3)/2 + 1 = 4 (a note)
  channels  K = 8
  same      4
  nothing   why

Below

  Deeper
    Name  Size
    a|b      1
    c       22

    o-o
"""
MARKDOWN = r"""### a\_layer of a net

It does \*one\* thing.

#### Sizes

- height: `(H − F)/S + 1 = (9 − 3)/2 + 1 = 4` (a note)
- channels: `K = 8`
- same: `4`
- nothing: why

#### Below

##### Deeper

| Name | Size |
| :-- | --: |
| a\|b | 1 |
| c | 22 |

```text
o-o
```
"""


def test_a_page_as_plain_text_and_as_markdown() -> None:
    assert plain.render(PAGE) == PLAIN == f"{PAGE}\n"
    assert markdown.render(PAGE) == MARKDOWN == PAGE.to_markdown()
    assert json.loads(PAGE.to_json()) == PAGE.to_dict() == dict(PAGE.data)
    assert EXPLANATION_FORMATS.keys() == {"table", "plain", "json", "markdown"}


def test_colours_change_no_letter() -> None:
    colored = table.render(PAGE, width=200)

    assert re.sub(r"\x1b\[\d+m", "", colored) == PLAIN
    assert "\x1b[1mSizes\x1b[0m" in colored
    assert table.render(PAGE, width=200, color=False) == PLAIN


@tabled("width", [54, 60, 70, 90])
def test_a_narrow_terminal_folds_lines_and_cuts_no_step(width: int) -> None:
    steps = ("K·(C·F·F + 1)", "96·(3·11·11 + 1)", "34,944")
    formula = Formula("parameters", *steps, "a note that is long")
    page = PAGE._replace(sections=(Section("Parameters", (formula, "word " * 30)),))
    text = table.render(page, width=width, color=False)

    assert max(map(len, text.splitlines())) <= width
    assert all(step in text for step in steps)
    assert text.split() == plain.render(page).split()


MEMORY = "172,064 B, 172.06 kB (168.03 KiB)"
FIGURES = Table(
    ("width", "Memory", "MACs", ""),
    (("10", MEMORY, "4,945,280", "holds"), ("11", "800 B", "5,939,362", "MACs 939,362 over it")),
    frozenset({0, 1, 2}),
)


@tabled(
    ("width", "lines"),
    [
        (
            79,
            [
                "width                             Memory       MACs",
                "   10  172,064 B, 172.06 kB (168.03 KiB)  4,945,280  holds",
                "   11                              800 B  5,939,362  MACs 939,362 over it",
            ],
        ),
        (
            68,
            [
                "width                             Memory       MACs",
                "   10  172,064 B, 172.06 kB (168.03 KiB)  4,945,280  holds",
                "   11                              800 B  5,939,362  MACs 939,362",
                "                                                     over it",
            ],
        ),
        (
            57,
            [
                "width                Memory       MACs",
                "   10  172,064 B, 172.06 kB  4,945,280  holds",
                "               (168.03 KiB)",
                "   11                 800 B  5,939,362  MACs 939,362",
                "                                        over it",
            ],
        ),
        (
            20,  # the narrowest that it can be
            [
                "width        Memory       MACs",
                "   10    172,064 B,  4,945,280  holds",
                "          172.06 kB",
                "       (168.03 KiB)",
                "   11         800 B  5,939,362  MACs 939,362",
                "                                over it",
            ],
        ),
    ],
)
def test_a_narrow_table_folds_texts_and_then_figures_and_cuts_no_number(
    width: int, lines: list[str]
) -> None:
    page = Page("Widths", (Section("", (FIGURES,)),), {})
    text = table.render(page, width=width, color=False)

    assert text.splitlines()[2:] == lines
    colored = table.render(page, width=width)
    assert re.sub(r"\x1b\[\d+m", "", colored) == text
