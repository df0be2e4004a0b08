"""Comments that silence findings, and findings about comments that silence none."""

import pytest
from tabled import tabled

from convcalc.checks.codes import ALWAYS, Selection
from convcalc.checks.run import Task, check_opened, check_text
from convcalc.checks.settings import Settings
from convcalc.shape import Shape
from convcalc.spec.comments import comments
from convcalc.spec.source import Opened
from convcalc.spec.text import SourceText

STRIDE = "conv: {filters: 96, kernel: 11, stride: 4}"


def found(text: str, selection: Selection | None = None) -> list[str]:
    """Line, code of everything that is reported."""
    task = Task(Settings(selection or Selection()))
    items = check_text(SourceText("a.yaml", text), task).diagnostics
    return [f"{item.line}: {item.code}" for item in items]


def spec(*items: str) -> str:
    return "name: a\ninput: 224x224x3\nlayers:\n" + "".join(f"{item}\n" for item in items)


def test_at_the_end_of_a_line() -> None:
    assert found(spec(f"  - {STRIDE}")) == ["4: CC301"]
    assert found(spec(f"  - {STRIDE}  # convcalc: ignore[CC301] as published")) == []
    assert found(spec(f"  - {STRIDE}  # published # convcalc: ignore[CC3]")) == []


def test_alone_above_an_item_it_is_for_the_whole_item() -> None:
    item = "  - conv:\n      filters: 96\n      kernel: 11\n      stride: 4"
    assert found(spec(item)) == ["7: CC301"]
    assert found(spec("  # convcalc: ignore[CC301]", item)) == []
    assert found(spec("  # convcalc: ignore[CC301]", "", "  # and why", item)) == []
    other = f"  - {STRIDE}"
    assert found(spec("  # convcalc: ignore[CC301]", "  - relu", other)) == ["4: CC901", "6: CC301"]


def test_alone_above_a_key_it_is_for_everything_under_it() -> None:
    text = spec(f"- {STRIDE}", f"- {STRIDE}").replace("layers:", "# convcalc: ignore[CC3]\nlayers:")
    assert found(text) == []


def test_for_the_file() -> None:
    assert found("# convcalc: ignore-file\n" + spec(f"  - {STRIDE}")) == []
    assert found("# convcalc: ignore-file[CC301]\n" + spec(f"  - {STRIDE}")) == []
    assert found(spec(f"  - {STRIDE}  # convcalc: ignore-file")) == ["4: CC301", "4: CC902"]


def test_several_codes_and_those_that_silence_nothing() -> None:
    text = spec("  - relu", f"  - {STRIDE}  # convcalc: ignore[CC301, CC302]")
    task = Task()
    items = check_text(SourceText("a.yaml", text), task).diagnostics
    assert [(item.code, item.column, item.severity) for item in items] == [("CC901", 75, "warning")]
    assert items[0].source_line[74:79] == "CC302"


def test_a_rule_may_be_called_by_its_name() -> None:
    biased = "  - conv: {filters: 4, kernel: 3, padding: 1}"
    assert found(spec(biased, "  - batchnorm")) == ["4: CC408"]
    silenced = f"{biased}  # convcalc: ignore[bias-before-norm] as published"
    assert found(spec(silenced, "  - batchnorm")) == []
    assert (
        found("# convcalc: ignore-file[Bias-Before-Norm]\n" + spec(biased, "  - batchnorm")) == []
    )
    [unused] = check_text(SourceText("a.yaml", spec(silenced)), Task()).diagnostics
    assert unused.message.startswith("ignore[bias-before-norm] silences nothing: ")
    [unknown] = check_text(
        SourceText("a.yaml", spec("  - relu  # convcalc: ignore[bias-before-nrom]")), Task()
    ).diagnostics
    assert unknown.code == "CC902"
    assert unknown.message.endswith("no rule's name: did you mean bias-before-norm?")


def test_two_on_one_line() -> None:
    both = "# convcalc: ignore[CC301] # convcalc: ignore[CC401] for another reason"
    text = spec("  - relu", f"  - {STRIDE}  {both}")
    items = check_text(SourceText("a.yaml", text), Task()).diagnostics
    assert items == ()  # with an error there was no advice
    unused = found(spec(f"  - relu  {both}"), Selection(select=("CC3", "CC401", "CC9")))
    assert unused == ["4: CC901", "4: CC901"]


def test_capitals_do_not_matter() -> None:
    assert found(spec(f"  - {STRIDE}  # ConvCalc: Ignore[CC301]")) == []
    assert found("# CONVCALC: IGNORE-FILE[CC301]\n" + spec(f"  - {STRIDE}")) == []


@pytest.mark.parametrize(
    ("items", "says"),
    [
        (["  - relu  # convcalc: ignore[CC302]"], "the line has no such finding"),
        (["  # convcalc: ignore[CC302]", "  - relu"], "the item below has no such finding"),
        (
            ["  - relu", "  # convcalc: ignore[CC302]"],
            "nothing is below",
        ),
    ],
)
def test_an_unused_ignore_says_where_it_looked(items: list[str], says: str) -> None:
    task = Task(Settings(Selection(select=("CC3", "CC9"))))
    [item] = check_text(SourceText("a.yaml", spec(*items)), task).diagnostics
    assert item.message == f"ignore[CC302] silences nothing: {says}"


def test_an_ignore_is_not_unused_where_its_code_was_not_looked_for() -> None:
    text = spec("  - relu  # convcalc: ignore[CC302]")
    assert "4: CC901" in found(text)
    assert found(text, Selection(select=("CC1", "CC901"))) == []
    # The spec has an error, so there was no advice.
    broken = spec(f"  - {STRIDE}", "  - relu  # convcalc: ignore[CC401]")
    assert found(broken) == ["4: CC301"]


@tabled(
    ("comment", "message"),
    [
        ("ignore", "this ignore names no code"),
        ("ignore[]", "this ignore names no code"),
        ("ignore[CC301", "`]` is missing"),
        ("ignore[CC999]", "no code starts with CC999"),
        (
            "ignore[E501]",
            "'E501' is no code such as CC301, no beginning of codes such as CC4 and no rule's name",
        ),
        ("ingore[CC301]", "`ingore` is not something convcalc is told in a comment"),
        ("CC301", "`CC301` is not something convcalc is told in a comment"),
        ("allow[CC301]", "`allow` is not something convcalc is told in a comment"),
        ("NoQA", "`NoQA` is not something convcalc is told in a comment"),
        ("noqa", "`noqa` is not something convcalc is told in a comment"),
    ],
)
def test_an_ignore_that_cannot_be_read(comment: str, message: str) -> None:
    text = spec(f"  - relu  # convcalc: {comment}")
    items = check_text(SourceText("a.yaml", text), Task(Settings(Selection(("CC9",))))).diagnostics
    assert [(item.code, item.message) for item in items] == [("CC902", message)]


def test_other_words_to_the_tool_are_just_comments() -> None:
    assert found(spec("  - relu  # convcalc: 138M parameters"), Selection(("CC9",))) == []


@pytest.mark.parametrize(
    ("items", "line"),
    [
        # The whole item, a line of it, the item before, the top: each is not where the stride is.
        (["  - conv:  # IT", "      filters: 96", "      kernel: 11", "      stride: 4"], 7),
        (["  - conv:", "      filters: 96  # IT", "      kernel: 11", "      stride: 4"], 7),
        (["  # IT", "  - relu", f"  - {STRIDE}"], 6),
        (["  - relu  # IT", f"  - {STRIDE}"], 5),
        ([f"  - {STRIDE}", "  # IT"], 4),
    ],
)
def test_an_ignore_in_the_wrong_place_says_where_it_belongs(items: list[str], line: int) -> None:
    text = spec(*items).replace("IT", "convcalc: ignore[CC301]")
    items_found = check_text(SourceText("a.yaml", text), Task()).diagnostics
    [unused] = [item for item in items_found if item.code == "CC901"]
    assert str(unused.help).startswith(f"such findings are at line {line}: put it behind that line")
    assert f"{line}: CC301" in found(text)
    # Where it says, it works: behind the line, and alone above the item.
    lines = text.replace("  # convcalc: ignore[CC301]", "").splitlines()
    at = next(number for number, one in enumerate(lines) if "stride: 4" in one)
    behind = [*lines[:at], lines[at] + "  # convcalc: ignore[CC301]", *lines[at + 1 :]]
    assert found("\n".join(behind)) == []


def test_findings_about_comments_can_be_silenced_like_others() -> None:
    unused = "  - relu  # convcalc: ignore[CC302]"
    assert found(spec(unused)) == ["4: CC901"]
    assert found(spec(f"{unused} # convcalc: ignore[CC901] one day")) == []
    assert found("# convcalc: ignore-file[CC9]\n" + spec(unused, "  - tanh  # convcalc: x")) == []
    assert found("# convcalc: ignore-file[CC9]\n" + spec("  - relu")) == ["1: CC901"]


@pytest.mark.parametrize("code", sorted(ALWAYS))
def test_a_comment_for_what_cannot_be_silenced_says_so(code: str) -> None:
    text = f"# convcalc: ignore-file[{code}]\n" + spec("  - relu")
    [item] = check_text(SourceText("a.yaml", text), Task()).diagnostics
    assert item.code == "CC902"
    assert item.message == (
        f"{code} cannot be silenced: with it, nothing of a file could be checked"
    )


def test_what_could_not_be_read_cannot_be_silenced() -> None:
    assert found("# convcalc: ignore-file\nlayers: [\n") == ["3: CC105"]


def test_findings_about_comments_can_be_left_out() -> None:
    assert found(spec("  - relu  # convcalc: ignore"), Selection(ignore=("CC9", "CC4"))) == []


def test_comments_are_told_from_text() -> None:
    text = (
        "# 1\na: \"x # no\"  # 2\nb: 'y\n  # no too'\nc: |  # 3\n  text # no\n  # no\n\n  more\n"
        " # 4\n# 5\nd: z # 6\ne: >-\n   folded # no\nf: [1, # 7\n  2] # 8\n"
        '"k # no": 1 # 9\ng: a#no\nh: |\n# 10\ni: ""# no\n'
    )
    seen = [comment.text for comment in comments(SourceText("a.yaml", text))]
    assert seen == [f"# {number}" for number in range(1, 11)]


def test_comments_where_the_text_is_no_yaml() -> None:
    seen = [
        comment.text for comment in comments(SourceText("a.yaml", "a: 'x # no' # 1\nb: [ # 2\n"))
    ]
    assert seen == ["# 1", "# 2"]


def test_a_member_or_an_overridden_run_says_nothing_about_unused_comments() -> None:
    text = spec("  - relu  # convcalc: ignore[CC302]")
    family = SourceText("a.yaml", text + "presets:\n  b: {}\n")
    assert check_opened(Opened("a.yaml#b", family, "b"), Task()).diagnostics == ()
    other = Task(shape=Shape(3, (8, 8)))
    assert [item.code for item in check_text(SourceText("a.yaml", text), other).diagnostics] == []


# Comments


@tabled(
    ("text", "expected"),
    [
        ("a: 1  # one # two\n", [("# one # two", 6, 1, False)]),
        ("# one # two\n  # three # four\na: 1\n", [
            ("# one # two", 0, 1, True), ("# three # four", 14, 2, True)]),
        ("a: 'x # y'  # z\n", [("# z", 12, 1, False)]),
        ('a: x#y\nb: "#"\n', []),
        ("a: |  # in front\n  # text\nb: 1 # behind\n", [
            ("# in front", 6, 1, False), ("# behind", 31, 3, False)]),
        ("#\n#", [("#", 0, 1, True), ("#", 2, 2, True)]),
        ("a: 1\r\n# b\r\n", [("# b", 6, 2, True)]),
        ("", []),
    ],
)  # fmt: skip
def test_comments_are_found_where_yaml_has_them(
    text: str, expected: list[tuple[str, int, int, bool]]
) -> None:
    assert [tuple(comment) for comment in comments(SourceText("x", text))] == expected
