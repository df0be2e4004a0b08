"""What the commands say of the zoo, the docs and tests/specs moves on purpose only.

`CONVCALC_UPDATE=1 python -m pytest tests/test_frozen.py` writes tests/frozen anew: read the
difference that it makes, and name what users notice in CHANGELOG.md. Of layers a short digest each
is kept, of memory's one of all; run the command on both sides to see what moved.
"""

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner
from paths import ROOT

from convcalc.checks import configuration
from convcalc.checks import run as checks_run
from convcalc.cli import convcalc
from convcalc.graph import Network, Written, network_of, read
from convcalc.spec.bundled import bundled_architectures

FROZEN = ROOT / "tests" / "frozen"
UPDATE = bool(os.environ.get("CONVCALC_UPDATE"))
COMMANDS = {
    "check": ("check",),
    "analyze": ("analyze",),
    "memory": ("memory",),
    "training": ("memory", "--training", "--batch", "2", "--optimizer", "adam"),
}
SORTED = json.JSONEncoder(sort_keys=True)
_HEADING = re.compile(r"^##+ (.+)$", re.MULTILINE)
_SPEC = re.compile(r"^( *)```yaml([^\n]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


class Case(NamedTuple):
    """A spec, by a name that stays, and how it is given."""

    name: str
    spec: str
    text: str | None = None


def cases() -> Iterator[Case]:
    for name in bundled_architectures():
        yield Case(name, name)
    for path in sorted((ROOT / "tests" / "specs").rglob("*.yaml")):
        name = path.relative_to(ROOT).as_posix()
        yield Case(name, name)
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        content, counts = page.read_text(encoding="utf-8"), Counter[str]()
        for match in _SPEC.finditer(content):
            title = ", ".join(
                [page.relative_to(ROOT).as_posix(), *_title(content[: match.start()])]
            )
            counts[title] += 1
            name = f"{title}, spec {counts[title]}" if counts[title] > 1 else title
            if "fragment" not in match[2].split():
                text = "".join(line.removeprefix(match[1]) for line in match[3].splitlines(True))
                yield Case(name, "-", text)


def _title(before: str) -> list[str]:
    """The heading that a spec stands below, with the bold line right above it, if any.

    A page of a rule that is new does not rename the specs of those behind it.
    """
    heading = _HEADING.findall(before)[-1:]
    bold = re.search(r"^\*\*([^*]+)\*\*\n\n\Z", before, re.MULTILINE)
    return [" ".join([*heading, bold[1]])] if bold else heading


CASES = list(cases())


def answer(case: Case, command: str) -> dict[str, Any]:
    """What a command says, with digests of its layers and of the moments of a step."""
    arguments = [*COMMANDS[command], case.spec, "--format", "json"]
    done = CliRunner().invoke(convcalc, arguments, input=case.text, catch_exceptions=False)
    said = json.loads(done.stdout) if done.stdout else {"stderr": done.stderr}
    if command == "analyze" and "layers" in said:
        said["layers"] = " ".join(digest(row)[:4] for row in said["layers"])
    for rows in ("layers", "timeline"):
        if isinstance(said.get(rows), list):
            said[rows] = digest(said[rows])
    return {"exit": done.exit_code, **said}


def digest(rows: object) -> str:
    return hashlib.sha256(SORTED.encode(rows).encode()).hexdigest()[:16]


def written(answers: dict[str, dict[str, Any]]) -> str:
    """One spec a line."""
    rows = [f"{json.dumps(name)}: {json.dumps(said)}" for name, said in answers.items()]
    return "{\n" + ",\n".join(rows) + "\n}\n"


@pytest.mark.parametrize("every", [6, pytest.param(1, marks=pytest.mark.thorough)])
def test_answers_move_on_purpose_only(every: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each sixth spec is asked each time, all of them thoroughly and where answers are renewed.

    A spec is read once for the commands that read it alike, and the configuration once.

    What `check` makes of a spec that is no family is what the others read.
    """
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(configuration, "_parsed", cache(configuration._parsed))
    networks: dict[str, Network] = {}

    def checked(written: Written, **given: Any) -> Network:
        network = network_of(written, **given)
        if given["name"] == case.spec:
            networks[case.spec] = network
        return network

    def known(spec: str, **given: Any) -> Network:
        assert given == {"input": None, "parameters": {}}
        if spec not in networks:
            networks[spec] = read(spec, **given)
        return networks[spec]

    monkeypatch.setattr(checks_run, "network_of", checked)
    for module in ("analyze", "memory"):
        monkeypatch.setattr(import_module(f"convcalc.cli.{module}"), "read", known)
    said: dict[str, dict[str, Any]] = {command: {} for command in COMMANDS}
    cases = CASES if UPDATE else CASES[::every]
    for case in cases:
        networks.clear()  # standard input is another spec each time
        for command, answers in said.items():
            answers[case.name] = answer(case, command)
    for command, answers in said.items():
        path = FROZEN / f"{command}.json"
        if UPDATE:
            path.write_text(written(answers), encoding="utf-8")
        before = json.loads(path.read_text(encoding="utf-8"))
        gone = before.keys() - {case.name for case in CASES}
        names = sorted(gone | answers.keys())
        for name in [name for name in names if before.get(name) != answers.get(name)]:
            assert answers.get(name) == before.get(name), (
                f"`convcalc {command}` answers otherwise of {name}: if that is on purpose, "
                "CONVCALC_UPDATE=1 and this test write tests/frozen anew; read the difference"
            )


def test_cases_have_names_of_their_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert len(CASES) > 200
