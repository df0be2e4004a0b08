"""`--fix`, `--diff` and `--watch`: safe edits, and everything else as it was, to the byte."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from paths import ROOT
from tabled import tabled

from convcalc.checks.codes import Selection
from convcalc.checks.fixes import fixed
from convcalc.checks.run import Task, check_text
from convcalc.checks.settings import Settings
from convcalc.cli import convcalc
from convcalc.graph import loads
from convcalc.spec.source import Opened
from convcalc.spec.text import SourceText

ARCHITECTURES = ROOT / "architectures"
HEAD = "name: net  # mine\ninput: 16x16x3\nlayers:\n"


def result(items: str, selection: Selection | None = None, head: str = HEAD) -> tuple[str, ...]:
    """The items after fixing, and what was fixed."""
    task = Task(Settings(selection or Selection()))
    found = fixed(Opened("a.yaml", SourceText("a.yaml", head + items)), task)
    assert found.text.startswith(head)
    return (found.text.removeprefix(head), *found.codes)


@tabled(
    ("before", "after", "codes"),
    [
        (  # fields of other frameworks
            "  - conv: {out_channels: 4,  kernel_size: 3, pad: 1}  # odd   spacing\n",
            "  - conv: {filters: 4,  kernel: 3, padding: 1}  # odd   spacing\n",
            ["CC109"] * 3,
        ),
        (
            "  - maxpool:\n      kernel_size: 2\n\n      strides: 2 # two\n",
            "  - maxpool:\n      kernel: 2\n\n      stride: 2 # two\n",
            ["CC109"] * 2,
        ),
        (  # flatten, in a block and in a flow list
            "  -   linear: 10 # classes\n",
            "  -   flatten\n  -   linear: 10 # classes\n",
            ["CC308"],
        ),
        (  # with a name beside it, before and behind
            "  - linear: 10\n    name: fc\n  - name: gc\n    linear: {features: 3}\n",
            "  - flatten\n  - linear: 10\n    name: fc\n  - name: gc\n    linear: {features: 3}\n",
            ["CC308"],
        ),
        ("  - {linear: 10, name: fc}\n", "  - flatten\n  - {linear: 10, name: fc}\n", ["CC308"]),
        (  # keys in quotes
            "  - conv: {\"out_channels\": 4, 'kernel_size': 3, pad: 1}\n",
            "  - conv: {\"filters\": 4, 'kernel': 3, padding: 1}\n",
            ["CC109"] * 3,
        ),
        (
            "  - layers: [ relu,  {linear: 10}]\n",
            "  - layers: [ relu,  flatten, {linear: 10}]\n",
            ["CC308"],
        ),
        (  # what is said above an item stays above it
            "  - relu\n  # not of this\n\n    # nor this\n  # classes\n  # two\n  - linear: 10\n",
            (
                "  - relu\n  # not of this\n\n    # nor this\n  - flatten\n  # classes\n"
                "  # two\n  - linear: 10\n"
            ),
            ["CC308"],
        ),
        (  # bias, in a flow mapping, a block mapping, where it is written, at the end of the file
            "  - conv: {filters: 4, kernel: 3, padding: 1 }\n  - batchnorm\n",
            "  - conv: {filters: 4, kernel: 3, padding: 1, bias: false }\n  - batchnorm\n",
            ["CC408"],
        ),
        (
            (
                "  - conv:\n      filters: 4  # four\n      kernel: 3\n      padding: 1 # one\n"
                "  - batchnorm\n"
            ),
            (
                "  - conv:\n      filters: 4  # four\n      kernel: 3\n      padding: 1 # one\n"
                "      bias: false\n  - batchnorm\n"
            ),
            ["CC408"],
        ),
        (
            "  - conv: {filters: 4, bias: true, kernel: 3, padding: 1}\n  - batchnorm",
            "  - conv: {filters: 4, bias: false, kernel: 3, padding: 1}\n  - batchnorm",
            ["CC408"],
        ),
        (  # names that can only be misspelt, and those of other frameworks
            "  - cnv: {filter: 4, kernel: 3, paddng: 1}\n  - {relu: , nmae: x}\n",
            "  - conv: {filters: 4, kernel: 3, padding: 1}\n  - {relu: , name: x}\n",
            ["CC113", "CC109", "CC109", "CC109"],
        ),
        (
            "  - Conv2d: {inplace: true, out_channels: 4, kernel_size: 3, padding: sme}\n",
            "  - conv: {filters: 4, kernel: 3, padding: same}\n",
            ["CC113", "CC109", "CC109", "CC109", "CC107"],
        ),
        ("  - ReLU\n  - 'Sigmoid'\n", "  - relu\n  - 'sigmoid'\n", ["CC113", "CC113"]),
        (
            "  - {relu: , name: stem}\n  - add: [[], [{from: stemm}]]\n",
            "  - {relu: , name: stem}\n  - add: [[], [{from: stem}]]\n",
            ["CC201"],
        ),
        (
            "  - {relu: , name: a, repeat: 2}\n  - add: [[], [from: a{1}], [from: a{2}]]\n",
            '  - {relu: , name: a, repeat: 2}\n  - add: [[], [from: "a{1}"], [from: "a{2}"]]\n',
            ["CC105", "CC105"],
        ),
        (
            '  - {relu: , name: a, repeat: 2}\n  - {relu: , from: "a{flor(2.5)}"}\n',
            '  - {relu: , name: a, repeat: 2}\n  - {relu: , from: "a{floor(2.5)}"}\n',
            ["CC112"],
        ),
        (  # what is to be left out: the first, in the middle, the last, the only one
            (
                "  - conv:\n      inplace: true\n      filters: 4\n      kernel: 3\n"
                "  - relu: {inplace: true}\n"
            ),
            "  - conv:\n      filters: 4\n      kernel: 3\n  - relu: {}\n",
            ["CC109", "CC109"],
        ),
        (
            "  - conv: {filters: 4, kernel: 3, inplace: true}\n  - relu: true\n",
            "  - conv: {filters: 4, kernel: 3}\n  - relu\n",
            ["CC109", "CC107"],
        ),
        (
            "  - relu: true\n    name: x\n  - {relu: yes, name: y}\n",
            "  - relu:\n    name: x\n  - {relu: , name: y}\n",
            ["CC107", "CC107"],
        ),
        (  # values
            '  - conv: {filters: 4, kernel: "3,3", padding: 1*1, bias: yes} # y\n',
            "  - conv: {filters: 4, kernel: 3x3, padding: 1x1, bias: true} # y\n",
            ["CC110", "CC119", "CC107"],
        ),
        (
            "  - maxpool: {kernel: 2, ceil_mode: True}\n",
            "  - maxpool: {kernel: 2, rounding: ceil}\n",
            ["CC109"],
        ),
        (
            "  - conv: {filters 4, kernel: 3}\n",
            "  - conv: {filters: 4, kernel: 3}\n",
            ["CC109"],
        ),
        (  # in the first item of a list in a list
            "  - add:\n      - - linear: 10\n      - [linear: 10]\n",
            "  - add:\n      - - flatten\n        - linear: 10\n      - [flatten, linear: 10]\n",
            ["CC308", "CC308"],
        ),
    ],
)
def test_what_is_fixed(before: str, after: str, codes: list[str]) -> None:
    only = Selection(("CC1", "CC2", "CC3", *codes))
    assert result(before, only) == (after, *codes)
    # Fixing again changes nothing, and line ends stay.
    assert result(after, only) == (after,)
    windows = HEAD.replace("\n", "\r\n")
    crlf = result(before.replace("\n", "\r\n"), only, windows)
    assert crlf[0] == after.replace("\n", "\r\n")


@tabled(
    "items",
    [
        "  - maxpool: {size: 2}\n",  # of the kernel, or of the output
        "  - conv: {filters: 4, out_channels: 4, kernel: 3}\n",  # given already
        "  - {linear: 10, from: input}\n",  # the flatten would not be in between
        "  - {linear: 10, name: fc, when: 1 < 2}\n",
        "  - linear: 10\n    repeat: 2\n",
        "  - conv: {filters: 4, kernel: 5, stride: 2}\n",  # several ways
        "  - conv: {filters: 4, kernel: 3, padding: 1}  # convcalc: ignore[CC408]\n  - batchnorm\n",
        "  - conv: {filters: 4, kernel: 3, out_channels: 4}\n",
        "  - pooling: {kernel: 2}\n",  # of several kinds
        "  - {relu: , name: relu_1}\n  - {from: relu_2}\n",  # a number is no misspelling
        "  - maxpool: {kernel: 2, kernl_size: 2}\n",  # given already
        "  - conv:\n      inplace: true  # RGB\n      filters: 4\n      kernel: 3\n",
        "  - conv: {in_channels: 64, filters: 4, kernel: 3}\n",  # says that 64 come in
        "  - conv: {kernal: 3, kernl: 5, filters: 4}\n",  # which of the two?
        "  - conv: {filters: 4, kernel: 3, no_bias: maybe}\n",  # the opposite, but of what?
        "  - conv: {filters: 4, kernel: 3, no_bias: true, bias: true}\n",
        "  - conv: {filters: 4, kernel_h: 3, kernel_w: 5}\n",  # one axis
        "  - conv: {kernel: 3, num_kernels: 16}\n",  # filters
        "  - conv: {filters: 4, kernel: 3, group_size: 1}\n",
        "  - avgpool: {kernel: 2, count_exclude_pad: true}\n",
        "  - upsample: {size: 24, mode: nearest-exact}\n",  # reads other pixels
        "  - permute: {dims: [2, 3, 1]}\n",  # axes count from 0 there
        # The same line makes a convolution whose bias is needed.
        (
            "  - layers:\n      - conv: {filters: 4, kernel: 3, padding: 1}\n"
            "      - {batchnorm: , when: index == 1}\n      - relu\n    repeat: 2\n"
        ),
    ],
)
def test_what_is_left_alone(items: str) -> None:
    assert result(items, Selection(extend_select=("CC4",))) == (items,)


DEFAULTS = HEAD.replace("layers", "defaults: {conv: {filters: 4, kernel: 3, padding: 1}}\nlayers")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("  - conv\n  - batchnorm\n", "  - conv: {bias: false}\n  - batchnorm\n"),
        ("  - conv: \n  - batchnorm\n", "  - conv: {bias: false} \n  - batchnorm\n"),
        ("  - conv: {}\n  - batchnorm\n", "  - conv: {bias: false}\n  - batchnorm\n"),
        (
            "  - conv: 8 # 8\n  - batchnorm\n",
            "  - conv: {filters: 8, bias: false} # 8\n  - batchnorm\n",
        ),
        (
            "  - layers: [conv, batchnorm]\n",
            "  - layers: [{conv: {bias: false}}, batchnorm]\n",
        ),
        (
            "  - layers: [{conv, name: a}, batchnorm]\n",
            "  - layers: [{conv: {bias: false}, name: a}, batchnorm]\n",
        ),
        (
            (
                "  - layers:\n      - conv:\n          kernel: [3,\n            3]  # odd\n"
                "      - batchnorm\n    repeat: 2\n"
            ),
            (
                "  - layers:\n      - conv:\n          kernel: [3,\n            3]  # odd\n"
                "          bias: false\n      - batchnorm\n    repeat: 2\n"
            ),
        ),
    ],
)
def test_a_field_is_put_into_items_of_every_form(before: str, after: str) -> None:
    only = Selection(("CC1", "CC2", "CC3", "CC408"))
    assert result(before, only, DEFAULTS) == (after, "CC408")
    assert result(after, only, DEFAULTS) == (after,)


BLOCKS = """\
input: 16x16x3
parameters: {width: 4}
presets:
  small: {width: 2}
  large: {width: 8}
blocks:
  unit:
    parameters: {k: 3}
    layers:
      - conv: {out_channels: widht, kernel: k, padding: same}
      - batchnorm
layers:
  - unit: {k: "5"}
  - layers:
      - unti
    repeat: 2
  - linear: 4
"""


def test_families_and_blocks_are_fixed_where_they_are_written() -> None:
    """What several members have, or several calls of a block, is fixed once, at its place."""
    found = fixed(Opened("a.yaml", SourceText("a.yaml", BLOCKS)), Task())
    wanted = (
        BLOCKS.replace("out_channels: widht", "filters: width")
        .replace("padding: same}", "padding: same, bias: false}")
        .replace('"5"', "5")
        .replace("unti", "unit")
        .replace("  - linear", "  - flatten\n  - linear")
    )
    assert found.text == wanted
    assert sorted(found.codes) == ["CC107", "CC109", "CC111", "CC113", "CC308", "CC408"]


def test_what_only_one_member_of_a_family_has_is_not_fixed() -> None:
    text = (
        "input: 16x16x3\nparameters: {size: 16}\npresets: {a: {size: 16}, b: {size: 10}}\n"
        "layers:\n  - crop: {size: size}\n  - maxpool: 4\n"
    )
    assert result(text.removeprefix("input"), Selection(("CC3",)), "input") == (
        text.removeprefix("input"),
    )


def test_a_patch_keeps_signs_that_end_no_line_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    strange = 'reference: "a\u2028b\x85c\u2029d"'
    text = BROKEN.decode().replace("layers:", f"{strange}\nlayers:") + "# last"
    (tmp_path / "a.yaml").write_bytes(text.encode())
    shown = CliRunner().invoke(convcalc, ["check", "--diff", "a.yaml"]).stdout
    assert f"\n {strange}\n" in shown
    (tmp_path / "fix.patch").write_bytes(shown.encode())
    subprocess.run(["git", "apply", "--unsafe-paths", "fix.patch"], cwd=tmp_path, check=True)
    assert (tmp_path / "a.yaml").read_bytes() == text.replace("out_channels", "filters").encode()


@tabled(
    ("before", "after"),
    [
        ("  # one\n  - relu\n  - dropout: 0\n  - relu6\n", "  # one\n  - relu\n  - relu6\n"),
        ("  - relu\n  - layers: [softmax, {dropout: 0}]\n", "  - relu\n  - layers: [softmax]\n"),
        ("  - add: [[], [{dropout: 0}, relu]]\n", "  - add: [[], [relu]]\n"),
        # What it is called, or has branches, a comment, or a name that would be another's.
        ("  - {dropout: 0, name: x}\n  - relu\n", None),
        ("  - relu\n  - add: [[conv: {filters: 3, kernel: 3, padding: 1}]]\n", None),
        ("  - dropout: 0  # for later\n  - relu\n", None),
        ("  - relu\n  # none\n  - dropout: 0\n  - relu6\n", None),
        ("  - relu\n    # none\n\n  - dropout: 0\n  - relu6\n", None),
        ("  - layers: [\n      # none\n      dropout: 0, relu]\n", None),
        ("  - layers: [dropout: 0, # none\n      relu]\n", None),
        ("  - dropout: 0\n  - dropout: 0.5\n  - {from: dropout2}\n  - relu\n", None),
        ("  - layers: [{dropout: 0}]\n  - relu\n", None),
    ],
)
def test_a_layer_that_does_nothing_is_left_out_where_nothing_hangs_on_it(
    before: str, after: str | None
) -> None:
    only = Selection(("CC1", "CC2", "CC3", "CC421"))
    assert result(before, only) == ((before,) if after is None else (after, "CC421"))


UNSELECTED = [
    Selection(),
    Selection(("CC4",)),
    Selection(ignore=("CC5",)),
    Selection(ignore=("CC501", "CC502", "CC503")),
]


@pytest.mark.parametrize("selection", UNSELECTED)
@pytest.mark.parametrize("other", ["", ", macs: 1"])
def test_a_fix_that_breaks_a_promise_is_not_made(selection: Selection, other: str) -> None:
    """Neither one that is not looked for, nor one beside another that is broken already."""
    items = "  - conv: {filters: 4, kernel: 3, padding: 1}\n  - batchnorm\n"
    promise = f"expect: {{parameters: 120{other}}}\n"
    assert result(items + promise, selection) == (items + promise,)


@pytest.mark.parametrize("mark", ["", "  # convcalc: ignore[CC5] odd", "  # mine"])
def test_a_fix_that_breaks_a_promise_of_one_member_is_not_made(mark: str) -> None:
    """Of 3·3·3·n weights and n biases before 2n of the normalization, a has 120 and b 240."""
    head = "input: 16x16x3\nparameters: {n: 4}\npresets: {a: {n: 4}, b: {n: 8}}\nlayers:\n"
    text = "  - conv: {filters: n, kernel: 3, padding: 1}\n  - batchnorm\n"
    assert result(text, None, head)[1:] == ("CC408",)
    text += f"expect:\n  parameters: 120{mark}\n"
    assert result(text, None, head) == (text,)


@tabled("selection", [Selection(), Selection(("CC119",)), Selection(("CC1",))])
@tabled(
    "items",
    [
        "conv: {filters: 4, kernel: 1}\n  - adaptive_avgpool: [1, 2, 2]",
        "conv: {filters: 4, kernel: [1, 3, 3]}",
        "maxpool: [1, 2, 2]",
        "upsample: {size: [1, 128, 128]}",
    ],
)
@tabled("promise", ["", "expect: {parameters: 16}\n"])
def test_a_warning_is_not_mended_into_an_error(
    items: str, promise: str, selection: Selection
) -> None:
    """Each of these layers has three spatial axes: the depth of 1 is meant."""
    text = f"  1x64x64x3\nlayers:\n  - {items}\n{promise}"
    assert result(text, selection, "input: ") == (text,)


MARK = "# convcalc: ignore[CC408] the bias is wanted"


@tabled("above", [MARK, f"{MARK}\n", f"{MARK}\n  # and more", "# convcalc: mine"])
@tabled(
    "items",
    [
        "  {}\n  - dropout: 0\n  - conv: {{filters: 4, kernel: 3, padding: 1}}\n  - batchnorm\n",
        (
            "  - conv:\n      {}\n      in_channels: 3\n      filters: 4\n      kernel: 3\n"
            "      padding: 1\n  - relu\n"
        ),
        "  - layers: [\n      {}\n      dropout: 0, relu]\n",
        "  - conv: {{\n      {}\n      in_channels: 3, filters: 4, kernel: 3, padding: 1}}\n",
        "  - conv: {{in_channels: 3, {}\n      filters: 4, kernel: 3, padding: 1}}\n",
        "  - conv: {{filters: 4, kernel: 3, padding: 1,\n      in_channels: 3 {}\n      }}\n",
    ],
)
def test_no_comment_is_handed_to_what_follows_what_goes(items: str, above: str) -> None:
    text = items.format(above)
    assert result(text, Selection(("CC1", "CC2", "CC3", "CC421"))) == (text,)


@pytest.mark.parametrize("gap", ["\n", "\n\n", "  # more\n\n"])
def test_nothing_is_put_between_an_item_and_what_silences_it(gap: str) -> None:
    """Where the line to put it on is below the comment, nothing is done."""
    error = "  - linear: 5\n  - maxpool: 2\n"  # with which no comment is told to be without use
    text = f"  - relu\n  # convcalc: ignore[CC4] odd\n{gap}  - linear: 10\n{error}"
    assert "CC308" in {
        item.code
        for item in check_text(
            SourceText("a.yaml", HEAD + text.replace(error, "")), Task()
        ).diagnostics
    }
    assert result(text.replace(error, "")) == (text.replace(error, ""),)
    assert result(text) == (text,)


@pytest.mark.parametrize("option", ["--fix", "--diff"])
def test_a_member_of_a_family_says_that_it_is_not_fixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    monkeypatch.chdir(tmp_path)
    family = BROKEN.decode().replace(
        "layers:", "parameters: {n: 1}\npresets: {a: {n: 1}, b: {n: 2}}\nlayers:"
    )
    (tmp_path / "fam.yaml").write_text(family, encoding="ascii")
    done = CliRunner().invoke(convcalc, ["check", "--isolated", option, "fam.yaml#a"])
    assert done.exit_code == 1
    assert done.stderr == (
        "convcalc: fam.yaml#a: a member of a family is not fixed by itself: name fam.yaml\n"
    )
    assert (tmp_path / "fam.yaml").read_text(encoding="ascii") == family
    (tmp_path / "fam.yaml").write_text(family.replace("out_channels", "filters"), encoding="ascii")
    done = CliRunner().invoke(convcalc, ["check", "--isolated", option, "fam.yaml#a"])
    assert "not fixed" not in done.stderr


def test_a_fix_that_leaves_a_comment_without_use_is_not_made() -> None:
    items = "  - conv: {out_channels: 4, kernel: 3}  # convcalc: ignore[CC405] here\n"
    assert result(items) == (items,)


def test_only_what_is_selected_is_fixed() -> None:
    items = "  - conv: {filters: 4, kernel: 3, padding: 1}\n  - batchnorm\n"
    assert result(items, Selection(ignore=("CC408",))) == (items,)


def test_what_a_fix_uncovers_is_fixed_too_or_reported() -> None:
    items = "  - conv: {out_channels: 4, kernel: 3, padding: 1}\n  - relu\n  - linear: 10\n"
    text, *codes = result(items)
    assert codes == ["CC109", "CC308"]
    assert not check_text(
        SourceText("a.yaml", HEAD + text), Task(Settings(Selection(("CC1", "CC3"))))
    ).diagnostics


BROKEN = (HEAD + "  - conv: {out_channels: 4, kernel: 3, padding: 1}\n  - relu\n").encode()


def test_fix_writes_the_file_and_reports_what_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + BROKEN)
    shown = CliRunner().invoke(convcalc, ["check", "--diff", "a.yaml"])
    assert shown.exit_code == 1
    assert shown.stdout.splitlines()[:2] == ["--- a/a.yaml", "+++ b/a.yaml"]
    assert "+  - conv: {filters: 4, kernel: 3, padding: 1}\n" in shown.stdout
    assert path.read_bytes() == b"\xef\xbb\xbf" + BROKEN
    done = CliRunner().invoke(convcalc, ["check", "--fix", "a.yaml"])
    assert done.exit_code == 0
    assert done.stderr == "Fixed 1 finding in 1 file.\n"
    assert path.read_bytes() == b"\xef\xbb\xbf" + BROKEN.replace(b"out_channels", b"filters")
    again = CliRunner().invoke(convcalc, ["check", "--diff", "a.yaml"])
    assert (again.exit_code, again.output) == (0, "")


def test_standard_input_is_shown_and_not_fixed() -> None:
    shown = CliRunner().invoke(
        convcalc, ["check", "--diff", "-", "--stdin-filename", "b.yaml"], input=BROKEN
    )
    assert shown.stdout.startswith("--- a/b.yaml\n+++ b/b.yaml\n")
    refused = CliRunner().invoke(convcalc, ["check", "--fix", "-"], input=BROKEN)
    assert refused.exit_code == 2


@pytest.mark.parametrize("path", ["nothing.yaml", "empty", "*.yml", "binary.yaml", "torn.yaml"])
def test_what_cannot_be_shown_exits_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "binary.yaml").write_bytes(b"\0")
    (tmp_path / "torn.yaml").write_text("layers: [relu]\n%%%\n}{\n", encoding="ascii")
    (tmp_path / "a.yaml").write_bytes(BROKEN)
    shown = CliRunner().invoke(convcalc, ["check", "--diff", path, "a.yaml"])
    assert shown.exit_code == 2
    assert path in shown.stderr
    assert shown.stdout.startswith("--- a/a.yaml")


def test_a_file_that_cannot_be_written_keeps_no_other_from_being_fixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_bytes(BROKEN)
    write = Path.write_bytes

    def refuse(path: Path, data: bytes) -> int:
        if path.name == "a.yaml":
            raise PermissionError(13, "Permission denied")
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", refuse)
    done = CliRunner().invoke(convcalc, ["check", "--fix", "-f", "concise", "."])
    assert done.exit_code == 2
    assert done.stderr == (
        "convcalc: a.yaml: cannot be written: Permission denied\nFixed 1 finding in 1 file.\n"
    )
    assert "a.yaml:4:12: CC109" in done.stdout
    assert "b.yaml" not in done.stdout


def test_watch_ends_when_a_check_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    def late(_: float) -> None:
        pytest.fail("it went on")

    (tmp_path / "a.yaml").write_bytes(BROKEN)
    monkeypatch.setattr("convcalc.cli.checking.check_files", interrupt)
    monkeypatch.setattr("convcalc.cli.checking.time.sleep", late)
    done = CliRunner().invoke(convcalc, ["check", "--watch", str(tmp_path / "a.yaml")])
    assert done.exit_code == 130


@pytest.fixture
def interrupts() -> Iterator[None]:
    """Processes that heed SIGINT, which a shell has its background jobs ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_watch_checks_again_when_a_file_changes(tmp_path: Path, interrupts: None) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(BROKEN)
    with subprocess.Popen(
        [sys.executable, "-m", "convcalc", "check", "--watch", "-f", "concise", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        try:
            first = until(process.stdout, "Watching")
            assert any("CC109" in line for line in first)
            time.sleep(0.1)
            path.write_bytes(BROKEN.replace(b"out_channels", b"filters"))
            assert until(process.stdout, "Watching") == ["No findings in 1 spec.\n"]
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=20) == 0
        finally:
            process.kill()


def test_watch_looks_at_the_configuration_and_the_baseline_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.yaml").write_bytes(BROKEN)
    settings = tmp_path / "convcalc.toml"
    settings.write_text('ignore = ["CC1"]\nbaseline = "b.json"\n')
    baseline = tmp_path / "b.json"
    baseline.write_text('{"schema": 1, "files": {}}')
    changes = iter(
        [
            (settings, 'baseline = "b.json"\n'),
            (settings, "baseline = \n"),
            (settings, 'baseline = "b.json"\n'),
            (baseline, '{"schema": 1, "files": {"a.yaml": {"CC109": 1}}}'),
        ]
    )

    def change(_: float) -> None:
        """The next change, in place of waiting for one; an interrupt behind the last."""
        path, text = next(changes, (None, ""))
        if path is None:
            raise KeyboardInterrupt
        path.write_text(text)

    monkeypatch.setattr("convcalc.cli.checking.time.sleep", change)
    done = CliRunner().invoke(convcalc, ["check", "--watch", "-f", "concise", str(tmp_path)])
    assert done.exit_code == 0
    first, second, third, fourth, rest = done.output.split("Watching for changes; Ctrl-C ends.\n")
    assert "CC109" not in first
    assert "CC109" in second
    wrong, right = third.split("\n", 1)
    assert "convcalc.toml" in wrong
    assert "CC109" in right
    assert "CC109" not in fourth
    assert rest == ""


def until(lines: Iterable[str], word: str) -> list[str]:
    """The lines before the one with a word."""
    found: list[str] = []
    for line in lines:
        if word in line:
            return found
        found.append(line)
    message = f"it ended without {word!r}: {found}"
    raise AssertionError(message)


WORD = re.compile(r"^( *(?:- )?)(\w{5,})(?=:| *$)|(?<=[{ ])(\w{5,})(?=: )", re.MULTILINE)
"""A key, or an item that is a word."""


@pytest.mark.parametrize("name", ["alexnet", "cifar_cs231n", "lenet5", "nin", "zfnet"])
def test_a_letter_that_is_missing_is_put_back_or_nothing_is_done(name: str) -> None:
    """Each word of a network once, without its third letter.

    Where the word is what a parameter or block is called, its uses follow it: that is the same.
    """
    text = (ARCHITECTURES / f"{name}.yaml").read_text(encoding="utf-8")
    words = {match[2] or match[3]: match for match in WORD.finditer(text)}
    restored = 0
    for word, match in words.items():
        start = match.start(2 if match[2] else 3)
        torn = text[:start] + word[:2] + word[3:] + text[start + len(word) :]
        made = fixed(Opened("a.yaml", SourceText("a.yaml", torn)), Task()).text

        if made != torn:
            layers = [(node.name, node.layer) for node in loads(made).nodes]
            assert layers == [(node.name, node.layer) for node in loads(text).nodes], word
            restored += 1
    assert restored > len(words) / 2, words.keys()
