"""The spec as a tree: what is written is what was read, comments and all."""

import re
from collections.abc import Callable
from itertools import product
from random import Random
from typing import Any

import pytest
from draws import Draw, examples
from paths import ROOT
from tabled import tabled
from test_docs import PAGES, blocks

from convcalc.graph import Network, SpecError, parse, read_text
from convcalc.spec import nodes
from convcalc.spec.comments import comments
from convcalc.spec.nodes import NO_COMMENTS, Comments, Entry, List, Map, Text, tree
from convcalc.spec.text import SourceText
from convcalc.spec.tree import Block, Item, Spec
from convcalc.spec.write import WIDTH, write

FILES = sorted(
    [
        *(ROOT / "architectures").glob("*.yaml"),
        *(ROOT / "tests" / "corpus").glob("*.yaml"),
        *(ROOT / "tests" / "specs").glob("*/*.yaml"),
    ]
)
TEXTS = {
    **{f"{path.parent.name}/{path.name}": path.read_bytes() for path in FILES},
    **{
        f"{page.name}:{number}": block.text.encode()
        for page in PAGES
        for number, block in enumerate(blocks(page))
        if block.language == "yaml"
    },
}
"""Every spec there is, by name."""


def parsed(text: str) -> Spec | None:
    try:
        return parse(text)
    except SpecError:
        return None


def certainly(text: str) -> Spec:
    found = parsed(text)
    assert found is not None, text
    return found


def decoded(name: str) -> str:
    return TEXTS[name].decode("utf-8", "replace").replace("\0", "")


WORKING = [name for name in TEXTS if name.startswith(("architectures/", "corpus/", "ok/"))]
"""Those of networks that work."""


def said(network: Network) -> object:
    """What a network says, wherever it was written."""
    return (
        [
            (node._replace(item=None, late=None), node.late is None)  # type: ignore[arg-type]
            for node in network.nodes
        ],
        network.plans,
        network.output,
        network.input,
        network.parameters,
        network.name,
        network.reference,
        network.year,
        [group._replace(item=None) for group in network.groups],  # type: ignore[arg-type]
        [
            [promise._replace(node=None, named=None) for promise in each]  # type: ignore[arg-type]
            for each in network.promises
        ],
        sorted(
            (found.code, found.severity, re.sub(r"line \d+, column \d+", "", found.message))
            for found in network.diagnostics
        ),
    )


def remarks(text: str) -> list[str]:
    """The comments of a text, in order, those on one line together."""
    return [found.text.rstrip() for found in comments(SourceText("a.yaml", text))]


@pytest.mark.thorough
@tabled("name", TEXTS)
def test_what_is_written_of_a_spec_is_the_same_spec_and_means_the_same(name: str) -> None:
    text = decoded(name)
    spec = parsed(text)
    if spec is None:
        assert name not in WORKING
        assert read_text(SourceText("a.yaml", text)).errors
        return
    written = write(spec)
    if written == text:
        return
    again = certainly(written)

    assert again == spec
    assert write(again) == written
    assert remarks(written) == remarks(text)
    assert max(map(len, written.splitlines())) <= WIDTH or max(map(len, text.splitlines())) >= max(
        map(len, written.splitlines())
    ), "no longer lines than before"
    assert said(read_text(SourceText("a.yaml", written))) == said(
        read_text(SourceText("a.yaml", text))
    )


# Random trees

BRACED = ["down{depth + 1 - index}", "{source}.conv1", "{'a: b' if x else 2}#", "down{", "{}"]
"""Names with expressions, and what is nearly one."""
WORDS = ["relu", "width", "a_b", "stem-1", "on", "null", "x", "émile", "y2"]
TEXTS_AT_THE_EDGE = [
    *("", "1:30", "3x3", "010", "-0", "1e-3", "0x1F", "~", "- a", "a: b", "a #b", "#", "? a"),
    *("<<", "a, b", "[a", "{a}", "'", '"', "\\", "a\nb\n", " a", "a ", "a\n\nb", "---", "%a"),
    *("yes", "https://a.b/c?d=e#f", "1.0", "1.50", "9" * 30, "a" * 120, "word " * 40, "\ufeff"),
    *("word " * 40 + "end\n", "a\n  b\n", "a\n # b\n", "a\tb", "\x85", "\u2028a", "!a", "&a", "*a"),
    *("@a", "`a", "a:", ":a", "-", "?", "...", "--- a", "|", ">", ">= 5", "\U0001f600", "a\n\n"),
    *("divisible(width, 8)", "2*width if x else 1", "-1", "- 1", "\n", "\na", "a\r\nb", "\x00"),
]
REMARKS_AT_THE_EDGE = ["#", "# a", "# a: b", "#a # b", "# - {x, [", "# 'quo\"ted", "# é×", "#: x"]


class Trees:
    """Random values of the tree, as a text can hold them."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 (tests repeat)
        self.depth = 0

    def often(self) -> bool:
        return self.random.random() < 0.5

    def text(self) -> str:
        if self.often():
            return self.random.choice(TEXTS_AT_THE_EDGE)
        letters = "ab1 .-:#,[]{}'\"\\*&!%@`?|>\n\té\u2029\x07"
        return "".join(self.random.choices(letters, k=self.random.randrange(7)))

    def scalar(self) -> Any:
        draw = self.random
        kinds: list[Callable[[], Any]] = [
            self.often,
            lambda: draw.randrange(-(10**17), 10**17),
            lambda: draw.randrange(-9, 99),
            lambda: draw.uniform(-2, 2),
            lambda: draw.lognormvariate(0, 40),
            lambda: draw.choice(WORDS),
            self.text,
            lambda: Text(self.text(), self.often()),
        ]
        return tree(draw.choice(kinds)())

    def value(self, depth: int = 2, *, element: bool = False) -> Any:
        if not depth or self.often():
            return self.scalar()
        if self.often():
            count = self.random.randrange(4)
            return List(tuple(self.value(depth - 1, element=True) for _ in range(count)))
        return self.map(lambda: self.value(depth - 1), element=element)

    def lines(self, *, opening: bool = False) -> list[str]:
        found: list[str] = []
        for _ in range(self.random.randrange(3)):
            blank = (found or not opening) and self.often()
            found += ["", self.remark()] if blank else [self.remark()]
        return found

    def remark(self) -> str:
        return self.random.choice(REMARKS_AT_THE_EDGE)

    def notes(self, *, opening: bool, closing: bool) -> Comments:
        """The comments of an entry or element: mostly none, blank lines as a text has them."""
        if self.random.random() < 0.75:
            return NO_COMMENTS
        before = self.lines(opening=opening)
        if self.often() and (before or not opening):
            before.append("")
        line = self.remark() if self.often() else ""
        after = self.lines() if closing else []
        return Comments(tuple(before), line, tuple(after))

    def noted(self, pairs: list[tuple[str, Any]], *, element: bool = False) -> tuple[Entry, ...]:
        """Entries with comments; those of the first of an element are the element's."""
        entries = []
        for position, (key, value) in enumerate(pairs):
            found = self.notes(opening=position == 0, closing=position == len(pairs) - 1)
            if element and position == 0:
                found = Comments(after=found.after)
            entries.append(Entry(key, value, found))
        return tuple(entries)

    def map(self, value: Callable[[], Any], *, element: bool = False) -> Map:
        count = self.random.randrange(5)
        keys = {self.random.choice(WORDS) if self.often() else self.text() for _ in range(count)}
        return Map.of(self.noted([(key, value()) for key in sorted(keys)], element=element))

    def scalar_or_none(self) -> Any:
        return self.scalar() if self.often() else None

    def item(self, depth: int, *, opening: bool, closing: bool) -> Item:
        kind = self.random.choice(["conv", "relu", "block", "add", "concat", "layers", "", "relu"])
        pairs: list[tuple[str, Any]] = []
        if kind in ("add", "concat"):
            pairs = [(kind, self.branches(depth - 1) if depth else List())]
        elif kind == "layers":
            pairs = [(kind, self.layers(depth - 1) if depth else List())]
        elif kind:
            pairs = [(kind, self.random.choice([None, self.value()]))]
        extra = {
            "name": Text(self.text()),
            "from": Text(self.random.choice([self.text(), self.text(), *BRACED])),
            "when": self.scalar(),
            "repeat": self.scalar(),
        }
        count = self.random.choice([0, 0, 0, 1, 2, 4]) if kind else 1
        pairs += [(key, extra[key]) for key in self.random.sample(sorted(extra), count)]
        self.random.shuffle(pairs)
        entries = self.noted(pairs, element=True)
        if len(entries) == 1 and entries[0].value is None:
            entries = (Entry(entries[0].key, None),)
        return Item.of(entries, self.notes(opening=opening, closing=closing))

    def layers(self, depth: int, *, element: bool = False) -> List:
        count = self.random.randrange(4)
        found = []
        for position in range(count):
            opening, closing = position == 0, position == count - 1
            item = self.item(depth, opening=opening, closing=closing)
            if opening and element:
                item = Item.of(item.parts, Comments(after=item.comments.after))
            found.append(item)
        return List(tuple(found))

    def branches(self, depth: int) -> List:
        count = self.random.randrange(3)
        return List(
            tuple(
                List(
                    self.layers(max(depth, 0), element=True).values,
                    self.notes(opening=position == 0, closing=position == count - 1),
                )
                for position in range(count)
            )
        )

    def block(self) -> Block:
        pairs: list[tuple[str, Any]] = [
            ("description", Text(self.text())),
            ("parameters", self.map(self.scalar_or_none)),
            ("layers", self.layers(1)),
        ]
        self.random.shuffle(pairs)
        return Block.of(self.noted(pairs))

    def spec(self) -> Spec:
        words = ["block", *self.random.sample(WORDS, 2)]
        pairs: list[tuple[str, Any]] = [
            ("name", Text(self.text())),
            ("description", Text(self.text())),
            ("input", self.value()),
            ("parameters", self.map(self.scalar_or_none)),
            ("defaults", self.map(lambda: self.map(self.value))),
            ("blocks", Map.of(self.noted([(word, self.block()) for word in words]))),
            ("layers", self.layers(3)),
            ("expect", self.map(self.value)),
            ("unknown", self.value()),
        ]
        self.random.shuffle(pairs)
        known = pairs[0][0] != "unknown"  # a mapping of keys that are all unknown is no spec
        return Spec.of(self.noted(pairs[: self.random.randrange(1 if known else 2, 10)]))


def differing(one: Any, other: Any, where: str = "spec") -> str:
    """Where two trees differ first."""
    if type(one) is not type(other):
        return f"{where}: {one!r} is not {other!r}"
    if isinstance(one, Map) and [*one] == [*other]:
        for first, second in zip(one.parts, other.parts, strict=True):
            if first != second:
                if first.comments != second.comments:
                    return f"{where}.{first.key}: {first.comments} is not {second.comments}"
                return differing(first.value, second.value, f"{where}.{first.key}")
    if isinstance(one, List) and len(one) == len(other):
        for position, (first, second) in enumerate(zip(one, other, strict=True)):
            if first != second:
                return differing(first, second, f"{where}[{position}]")
    return f"{where}: {one!r} is not {other!r} {getattr(one, 'comments', '')}"


@examples(100, seed=lambda draw: draw.getrandbits(40))
def test_a_random_tree_is_read_back_as_it_was_written(seed: int) -> None:
    spec = Trees(seed).spec()
    written = write(spec)
    found = parsed(written)

    assert found == spec, f"{differing(found, spec)}\n{written}"


@examples(100, draw=lambda draw: draw)
def test_comments_stay_wherever_they_stand(draw: Draw) -> None:
    text = decoded(draw.choice(WORKING))
    for number in range(draw.randrange(1, 6)):
        lines = text.split("\n")
        at = draw.randrange(len(lines))
        if draw.random() < 0.5:
            lines[at] += f" # mark{number}."
        else:
            lines.insert(at, " " * draw.randrange(14) + f"# mark{number}.")
        if draw.random() < 0.3:
            at = draw.randrange(len(lines))
            lines[at] = lines[at].replace(", ", ",\n" + " " * 16, 1)
        candidate = "\n".join(lines)
        if parsed(candidate) is not None:  # a comment within text is text, or an error
            text = candidate
    spec = certainly(text)
    written = write(spec)
    again = certainly(written)

    assert again == spec, text
    assert write(again) == written
    marks = re.compile(r"# mark\d\.")
    before, after = (
        sorted(mark for remark in remarks(each) for mark in marks.findall(remark))
        for each in (text, written)
    )
    assert before == after, text


def test_comments_on_lines_that_follow_each_other_stand_in_one_column() -> None:
    """And those with a line between them where each of them stands."""
    text = """input: 8x8x3  # one
layers:       # two
  - tanh
  - conv: {filters: 8, kernel: 3}  # three
  - relu
  - relu  # four
  - tanh
  - conv: {filters: 8, kernel: 1}  # six
  - tanh                           # seven
"""
    assert write(parse(text)) == text


def test_a_spec_of_nothing_is_written_as_an_empty_mapping() -> None:
    assert write(Spec.of(())) == "{}\n"
    assert write(Spec.of((), Comments(before=("# Nothing",)))) == "# Nothing\n{}\n"


@tabled(
    ("text", "fits"),
    [
        ("layers: [relu]", True),
        ("layers: 5", False),
        ("blocks: {b: {layers: [relu]}}\nlayers: [b]", True),
        ("blocks: {b: {layers: 5}}\nlayers: [b]", False),
        ("blocks: {b: 5}\nlayers: [relu]", False),
        ("presets: {small: {layers: 5}}\nlayers: [relu]", True),  # a parameter may be called so
        ("presets: {small: 5}\nlayers: [relu]", False),
    ],
)
def test_a_tree_is_refused_where_it_has_not_the_form_of_a_spec(text: str, *, fits: bool) -> None:
    assert (parsed(f"input: 8x8x3\n{text}\n") is not None) == fits


@tabled(
    "spec",
    [
        "input: 8x8x3\nlayers: [relu]",
        "  input: 8x8x3\n  layers: [relu]",
        "  input: 8x8x3\n  layers:\n    - relu",
        "{input: 8x8x3, layers: [relu]}",
    ],
)
def test_a_comment_below_a_spec_stays_below_it(spec: str) -> None:
    assert write(certainly(f"{spec}\n# end\n")) == "input: 8x8x3\nlayers:\n  - relu\n# end\n"


def test_a_comment_ends_where_yaml_ends_it() -> None:
    text = "input: 8  # a\u2028layers: [relu]\n# b\x85name: c\n"

    assert write(certainly(text)) == "input: 8  # a\nlayers:\n  - relu\n# b\nname: c\n"


def test_a_comment_behind_a_dash_is_of_the_item_below() -> None:
    text = "layers:\n  - conv: {filters: 8,\n           kernel: 3}  # a\n  -   # b\n    relu\n"

    assert write(certainly(text)) == (
        "layers:\n  - conv: {filters: 8, kernel: 3}  # a\n  # b\n  - relu\n"
    )


@pytest.mark.parametrize(
    ("head", "written"),
    [
        ("# convcalc: ignore-file[CC408] x\n", "# convcalc: ignore-file[CC408] x\nname: N\n"),
        ("# Of the paper.\n\n# An image.\n", "# Of the paper.\n\nname: N\n# An image.\n"),
        ("# yaml-language-server: $schema=x\n# An image.\n", None),
        ("# An image.\n", "name: N\n# An image.\n"),
        ("", "name: N\n"),
    ],
)
def test_what_stands_above_a_spec_stays_above_a_new_first_key(
    head: str, written: str | None
) -> None:
    spec = certainly(f"{head}input: 32x32x3\nlayers:\n  - relu\n").replace(name="N")
    wanted = written or "# yaml-language-server: $schema=x\nname: N\n# An image.\n"

    assert spec.to_yaml() == f"{wanted}input: 32x32x3\nlayers:\n  - relu\n"
    assert spec.replace(name="M").to_yaml() == spec.to_yaml().replace("name: N", "name: M")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        # A zero-width space and a tag of Unicode's plane 14, which nobody would see.
        ('name: "a\u200bb\U000e0001"', 'name: "a\\u200bb\\U000e0001"'),
        ('name: "\x7f"', 'name: "\\x7f"'),
    ],
)
def test_characters_that_nobody_sees_are_written_by_their_numbers(text: str, written: str) -> None:
    rest = "\ninput: 8x8x3\nlayers:\n  - relu\n"
    escaped = text.encode("unicode_escape").decode()

    assert parse(escaped + rest).to_yaml().startswith(written + "\n")


def test_what_surely_is_plain_is_plain() -> None:
    """One look tells of most names what two others would."""
    surely, plain, breaks = nodes._patterns()
    signs = ("a", "Z", "0", "_", "/", ".", "-", ":", "#", " ", "\n", "é", "{")
    texts = ["".join(each) for count in range(5) for each in product(signs, repeat=count)]
    seen = [text for text in texts if surely.match(text)]
    assert {"a", "/a/0", "a.0Z", "_a"} <= {*seen}
    assert all(plain.match(text) and not breaks.search(text) for text in seen)
