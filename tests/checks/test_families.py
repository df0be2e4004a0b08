"""A family is its members: what `check` finds in it is what it finds in each of them."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from draws import Draw, examples
from paths import TESTS

from convcalc.checks.run import Task, check_opened
from convcalc.diagnostics import Diagnostic
from convcalc.graph import as_written
from convcalc.spec import source
from convcalc.spec.bundled import bundled_architectures, bundled_folder, find_bundled
from convcalc.spec.source import Opened
from convcalc.spec.text import SourceText


def members(text: str) -> list[str]:
    spec = as_written(SourceText("a.yaml", text)).spec
    return list(spec.presets) if spec is not None else []


TEXTS = {
    path.name: path.read_text(encoding="utf-8")
    for path in sorted(Path(bundled_folder()).glob("*.yaml"))
    if b"presets:" in path.read_bytes()
}
FAMILIES: Mapping[str, str] = {name: text for name, text in TEXTS.items() if members(text)}


def found(text: str, member: str = "") -> list[Diagnostic]:
    """What `check` finds, but for what it says of comments, which is about all members at once."""
    name = f"a.yaml#{member}" if member else "a.yaml"
    diagnostics = check_opened(Opened(name, SourceText("a.yaml", text), member), Task()).diagnostics
    return [each for each in diagnostics if not each.code.startswith("CC9")]


def assert_is_its_members(text: str) -> None:
    """Ask that of a text, which is parsed once for all members: that is about each alone."""
    everything = found(text)
    with pytest.MonkeyPatch.context() as patch:
        written = as_written(SourceText("a.yaml", text))
        patch.setattr("convcalc.checks.run.written_of", lambda *_: written)
        of_members = {member: found(text, member) for member in members(text)}
    places = {
        (each.code, each.place, each.field, each.severity)
        for diagnostics in of_members.values()
        for each in diagnostics
    }

    assert {(each.code, each.place, each.field, each.severity) for each in everything} == places
    for each in everything:
        first, sign, rest = each.message.partition(": ")
        who = first.partition(" and ")[0]
        if sign and who in of_members:
            assert rest in [one.message for one in of_members[who] if one.place == each.place]
        else:
            for diagnostics in of_members.values():
                assert each.message in [one.message for one in diagnostics]


def test_there_are_families() -> None:
    assert len(FAMILIES) >= 5


def test_nothing_is_found_in_any_member_of_a_bundled_family() -> None:
    """As in its file (test_rules); what is found in each is written down (test_frozen)."""
    said = json.loads((TESTS / "frozen" / "check.json").read_text(encoding="utf-8"))
    presets: dict[str, list[str]] = {}
    for name in bundled_architectures():
        bundled = find_bundled(name)
        assert bundled is not None
        if bundled.preset:
            presets.setdefault(Path(bundled.path).name, []).append(bundled.preset)
            assert (said[name]["exit"], said[name]["diagnostics"]) == (0, [])
    assert {name: sorted(of_file) for name, of_file in presets.items()} == {
        name: sorted(members(text)) for name, text in FAMILIES.items()
    }


def some_presets(draw: Draw) -> dict[str, tuple[int, int]]:
    """One to four presets, of a width and a size each."""
    names = draw.sample("abcd", draw.randint(1, 4))
    return {name: (draw.whole(-1, 12), draw.whole(-1, 12)) for name in names}


@examples(80, presets=some_presets)
def test_check_of_any_family_is_check_of_each_member(presets: dict[str, tuple[int, int]]) -> None:
    """Members with errors of their own, with advice, and with promises that only some keep."""
    rows = (f"  {name}: {{width: {w}, size: {k}}}\n" for name, (w, k) in presets.items())
    assert_is_its_members(
        "input: 9x9x3\nparameters: {width: 4, size: 3}\npresets:\n" + "".join(rows) + "layers:\n"
        "  - conv: {filters: width, kernel: size}\n  - batchnorm\n  - relu\n"
        "expect: {parameters: <= 200}\n"
    )


@pytest.mark.parametrize("name", ["resnet.yaml"])
def test_a_family_is_parsed_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    times = []
    parser_of = source.parser_of

    def counted(text: str) -> object:
        times.append(text)
        return parser_of(text)

    monkeypatch.setattr(source, "parser_of", counted)
    assert len(members(FAMILIES[name])) > 3
    times.clear()
    text = SourceText("a.yaml", FAMILIES[name].replace("convcalc:", ""))  # comments are looked for
    check_opened(Opened("a.yaml", text), Task())

    assert len(times) == 1
