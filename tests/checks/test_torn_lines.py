"""Whatever slip tears a line of a spec, what a fix makes of it has the form of a spec."""

import re
from random import Random

from test_fixes import findings, fixing

SPECS = (
    """\
name: net
input: 32x32x8
parameters: {width: 8}
blocks:
  unit:
    parameters:
      filters: 8
    layers:
      - conv: {filters: filters, kernel: 3, padding: 1}
      - batchnorm
      - relu
layers:
  - conv:
      filters: 8
      kernel: 3
      padding: 1
  - relu
  - unit: {filters: width}
  - name: pool
    maxpool:
      kernel: 2
      stride: 2
  - add:
      - []
      - - conv:
            filters: 8
            kernel: 1
        - relu
  - conv: {filters: 16, kernel: [3, 3], padding: [[1, 1], [0, 2]]}
  - flatten
  - linear: 10
expect: {output: 10}
""",
    """\
input: 32x32x8
layers:
- conv:
    filters: 8
    kernel: 3
- relu
- maxpool:
    kernel: 2
    stride: 2
- dropout: 0.5
""",
)
"""Specs as people write them, in lines and in brackets, lists indented and not."""


def torn(line: str, chance: Random) -> str:
    """A line with one slip of a hand: a colon, a dash, blanks or a bracket."""
    blanks = chance.choice((1, 2, 4))
    brackets = [match.start() for match in re.finditer(r"[{}\[\],]", line)] or [len(line)]
    at = chance.choice(brackets)
    return chance.choice(
        (
            line.replace(":", "", 1),
            re.sub(": ?", " ", line, count=1),
            re.sub(": ?", chance.choice(("=", ":", " = ", " :")), line, count=1),
            line.replace("- ", "", 1),
            re.sub("- ", chance.choice(("-", "* ", "– ")), line, count=1),
            " " * blanks + line,
            re.sub(f"^ {{1,{blanks}}}", "", line),
            line[:at] + line[at + 1 :],
        )
    )


def misread(text: str) -> list[str]:
    """The errors of a text as a spec, whatever network it is."""
    every = (each for each in findings(text) if each.severity == "error")
    return [f"{each.line}: {each.message}" for each in every if each.code.startswith("CC1")]


def test_a_fix_of_a_torn_line_has_the_form_of_a_spec() -> None:
    chance = Random(36)  # noqa: S311 (tests repeat)
    fixed = meant = 0
    assert not any(map(misread, SPECS))
    for _ in range(100):
        spec = chance.choice(SPECS)
        lines = spec.splitlines()
        at = chance.randrange(len(lines))
        lines[at] = torn(lines[at], chance)
        text = "\n".join(lines) + "\n"
        after = fixing(text).text
        if after != text:
            fixed += 1
            meant += after == spec
            assert not misread(after), f"{text}\nis fixed so:\n{after}"
    assert fixed > 25
    assert meant > 10


def test_a_field_beside_its_kind_is_moved_nowhere() -> None:
    for text in ("- conv\n    filters 8\n    kernel: 3", "- conv\n    filters 8\n      kernel: 3"):
        spec = f"input: 8x8x3\nlayers:\n  {text}\n"
        after = fixing(spec).text
        assert after == spec or not misread(after), after
