"""What is no YAML is told as a slip: in our words, where it is, and with help that was tried."""

import re
from collections.abc import Iterator
from random import Random

import pytest
import yaml
from slips import text
from slips.slip import Slip
from tabled import tabled

from convcalc.checks.run import Task, check_text
from convcalc.findings import Findings
from convcalc.spec import slips, source
from convcalc.spec.edit import applied
from convcalc.spec.slips import error_of
from convcalc.spec.source import compose
from convcalc.spec.text import SourceText

READERS = ["libyaml", "PyYAML"]
"""The two readers, which say the same in other words at other places."""
THEIRS = re.compile(
    r"expected|scanning|parsing|token\b|mapping values|could not find|indicator|scalar|simple key"
    r"|block (?:mapping|sequence|collection|end)|flow (?:mapping|sequence|node)|not allowed in"
)
"""Words of YAML readers, which people who write a spec do not know."""
SPEC = """name: net
input: 32x32x8
blocks:
  unit:
    parameters: {filters: 8}
    layers:
      - conv: {filters: filters, kernel: 3, padding: 1}
      - add: [[], [conv: {filters: filters, kernel: 1}]]
layers:
  - unit
  - maxpool:
      kernel: 2
      stride: 2
  - {relu: , name: "last"}
expect: {output: 16x16x8}
"""


@pytest.fixture(params=READERS)
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "PyYAML":
        monkeypatch.setattr(source, "parser_of", yaml.SafeLoader)
    return str(request.param)


def found(content: str) -> Findings:
    written = SourceText("x.yaml", content)
    findings = Findings(written)
    compose(written, findings)
    return findings


def torn(chance: Random) -> Iterator[str]:
    """The spec with one slip of a hand: a sign lost, one put in, or a line indented otherwise."""
    for _ in range(50):
        at = chance.randrange(len(SPEC))
        sign = chance.choice("{}[],:\"'-@%`=;\t ")
        yield SPEC[:at] + SPEC[at + 1 :]
        yield SPEC[:at] + sign + SPEC[at:]
        yield SPEC[:at] + sign + SPEC[at + 1 :]


def test_what_is_no_yaml_is_told_in_words_for_people(reader: str) -> None:
    told = fixed = 0
    for content in torn(Random(7)):  # noqa: S311 (tests repeat)
        for finding in found(content).diagnostics:
            if finding.code != "CC105":
                continue
            told += 1
            assert not THEIRS.search(finding.message), (reader, content, finding)
            assert finding.help, (reader, content, finding)
            assert finding.span is not None
            if finding.fix is not None:
                fixed += 1
    assert told > 30
    assert fixed > told / 2


def test_a_fix_of_what_is_no_yaml_lets_it_be_read_further(reader: str) -> None:
    del reader
    for content in torn(Random(11)):  # noqa: S311
        error = error_of(content)
        if error is None:
            continue
        slip = slips.slip_of(SourceText("x.yaml", content), error)
        if slip.right is not None and slip.whole is None:
            tried = slip.tried(content)
            assert tried is not None
            assert tried != content
            after = error_of(tried)
            stopped = after.problem_mark.index if after and after.problem_mark else len(tried)
            assert after is None or stopped > slip.start, (content, slip)


@pytest.mark.parametrize(
    "slip", [each for each in text.SLIPS if each.code == "CC105"], ids=lambda slip: slip.text
)
def test_a_slip_is_told_alike_whichever_reader_there_is(
    slip: Slip, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = slip.spec(slip.text)
    [one] = [item for item in found(content).diagnostics if item.code == "CC105"]
    monkeypatch.setattr(source, "parser_of", yaml.SafeLoader)
    [other] = [item for item in found(content).diagnostics if item.code == "CC105"]

    assert (one.message, one.help, one.fix) == (other.message, other.help, other.fix)


def test_what_is_said_of_a_slip_is_in_the_text_and_only_what_is_long_is_cut() -> None:
    quoted = 0
    for slip in text.SLIPS:
        content = slip.spec(slip.text)
        for finding in found(content).diagnostics:
            for words in re.findall(r"`([^`]*)`", finding.message):
                assert words.strip() == words != "", (slip.text, finding.message)
                sign = not words[:1].isalnum()  # one that belongs there
                assert sign or words.rstrip("…") in content, (slip.text, finding.message)
                quoted += 1
            longest = max(map(len, content.splitlines()))
            said = f"{finding.message} {finding.help}"
            assert "…" not in said or longest > 40, (slip.text, said)
            assert all(len(words) <= 100 for words in re.findall(r"`([^`]*)`", said)), said
    assert quoted > 30


@tabled(
    "content",
    [
        "- conv:\n    filters\n    kernel: 3\n",  # how many there are
        "- relu:\n  name: first\n  layer\n",  # whether that goes on, or begins something
        '- {relu: , name: "C:\\data\n   more"}\n',  # where it is meant to end
        '- {relu: , name: "C:\\data}\n- tanh\n',
    ],
)
def test_what_nobody_can_tell_is_not_mended(content: str) -> None:
    (finding,) = found(f"input: 8x8x3\nlayers:\n{content}").diagnostics

    assert finding.code == "CC105"
    assert finding.fix is None
    assert "\n" not in f"{finding.message}{finding.help}"


@tabled(
    ("content", "message"),
    [
        ("# A title\n\nSome text, and more of it.\n", "this is no spec: it reads as Markdown"),
        ('[project]\nname = "x"\ndependencies = [\n  "y",\n]\n', "it reads as TOML or an INI"),
        ("<?xml version='1.0'?>\n<a b='c'>d</a>\n", "it reads as XML or HTML"),
        ("import torch\n\ndef f(x):\n    return {x: 1\n", "it reads as a program"),
        ('layer {\n  name: "conv1"\n  type: "Convolution"\n}\n', "a prototxt of Caffe"),
        ("[net]\nbatch=1\n\n[convolutional]\nfilters=8\n", "a configuration of Darknet"),
        ("Dear reader, this is: a text\nof: three lines: more\n", ""),
        ("a: 1\nb: 2\nc: 3\nd: 4\ne: 5\n", "of a spec: `a`, `b`, `c` and 2 more"),
        ("a: 1\nb: 2\nc: 3\n", "of a spec: `a`, `b`, `c`"),
        ('Once upon a time there was a net.\n"It was small, \n', "it reads as text"),
    ],
)
def test_a_text_that_is_no_spec_is_told_so(content: str, message: str) -> None:
    findings = check_text(SourceText("x.yaml", content), Task()).diagnostics

    assert len(findings) == 1 or not message
    assert message in findings[0].message
    if message:
        assert "input: 224x224x3" in (findings[0].help or "")


def test_a_text_that_is_too_long_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    times: list[str] = []
    monkeypatch.setattr(slips, "error_of", times.append)
    content = "input: 8x8x3\nlayers:\n" + "  - relu\n" * 60_000 + "  relu\n"
    [finding] = found(content).diagnostics

    assert not times
    assert finding.code == "CC105"
    assert finding.help


@tabled("slip", [slip for slip in text.SLIPS if not slip.spec("relu").startswith(slip.text)])
def test_what_is_fixed_leaves_the_other_items_where_they_are(slip: Slip) -> None:
    """Whatever is made of an item: those around it are the first and the last of `layers`."""
    whole = slip.spec(slip.text)
    if whole == slip.text:  # a whole spec, and no item
        return
    head, items = whole.split("layers:\n")
    content = f"{head}layers:\n  - relu\n{items}  - sigmoid\n"
    for _ in range(9):
        report = check_text(SourceText("a.yaml", content), Task())
        fixable = [each for each in report.diagnostics if each.edits]
        if not fixable:
            break
        content = applied(SourceText("a.yaml", content), fixable[0].edits)
        if error_of(content) is None:
            read = yaml.safe_load(content)
            assert list(read) == ["input", "layers"], content
            assert (read["layers"][0], read["layers"][-1]) == ("relu", "sigmoid"), content
