"""What may stand next on a command line, and how shells are told; shells themselves come beside."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from tabled import tabled

from convcalc.analysis.memory.gpus import GPUS
from convcalc.checks.formats import CHECK_FORMATS
from convcalc.cli import COMMANDS, COMPLETED, convcalc
from convcalc.cli.candidates import VALUES, Candidates, candidates
from convcalc.cli.shells import SHELLS, script
from convcalc.formats import FORMATS
from convcalc.formats.columns import COLUMNS
from convcalc.rules import CODES
from convcalc.spec.bundled import bundled_architectures, bundled_names

FREE = {
    "N": "a number",
    **dict.fromkeys("FSPDO", "a number, or one per axis"),
    "SIZE": "numbers",
    **dict.fromkeys(("POSITION", "[NAME=]POSITION"), "numbers"),
    "[NUMBER]...": "numbers",
    "[NAME=]SHAPE": "numbers, and of several inputs a name of the spec's",
    "PLACE": "numbers",
    "PIXELS": "a number",
    "BYTES": "a number with a unit",
    "NAME=BYTES": "a name that is thought of, and a number with a unit",
    "SECONDS": "a number",
    "FOLDER|URL": "where nothing is yet",
    "ADDRESS|FILE|auto": "an address, or a file that Dask writes",
    "NAME=FIGURE": "a measure, and a number",
    "ROWSxCOLUMNS|auto": "numbers",
    "SHAPE": "numbers",
    "TEXT": "a number as somebody wrote it",
    "NAME=NUMBER": "a number, and a name that the pattern before it has",
    "[PATTERN]": "a text that is thought of",
    "FACTOR": "a number",
    "CONDITION": "a text that is thought of",
    "LAYERS": "names of layers, which only the whole network has",
    "LAYER=N": "names of layers, which only the whole network has, and a number",
    "REV": "what git knows, and its completion",
    "PATTERN": "names of layers, which only the whole network has",
}
"""Values that nothing is known of, and why."""
ANY = "any file"
FOLDER = "a folder"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    spec = (
        "input: 8x8x3\nparameters: {width: 3, wide: no}\npresets: {small: , large: }\nlayers: []\n"
    )
    Path("net.yaml").write_text(spec, encoding="utf-8")
    Path("my net.yaml").write_text(spec, encoding="utf-8")
    Path("none.yaml").write_text("[a list", encoding="utf-8")
    Path("list.yaml").write_text("presets: [a, list]", encoding="utf-8")


def after(*words: str) -> Candidates:
    """What the last word may become."""
    return candidates(convcalc, words[:-1], words[-1])


def offered(*words: str) -> list[str]:
    return [word for word, _ in after(*words).words]


LINES: list[tuple[tuple[str, ...], list[str], str]] = [
    (("",), [*COMMANDS], ""),
    (("c",), ["check", "convert", "completion"], ""),
    (("--",), ["--version", "--help"], ""),
    (("--version", "an"), ["analyze"], ""),
    (("nothing", ""), [], ANY),
    (("analyze", ""), bundled_names(), ANY),
    (("analyze", "lenet"), ["lenet5"], ANY),
    (("analyze", "LeN"), ["LeNet5"], ANY),
    (("analyze", "net"), [], ANY),
    (("analyze", "vgg16", "lenet"), ["lenet5"], ANY),
    (("analyze", "lenet5.y"), ["lenet5.yaml"], ANY),
    (("analyze", "resnet.yaml#resnet3"), ["resnet.yaml#resnet34"], ANY),
    (("analyze", "net.yaml#"), ["net.yaml#small", "net.yaml#large"], ANY),
    (("analyze", "my net.yaml#s"), ["my net.yaml#small"], ANY),
    (("analyze", "none.yaml#"), [], ANY),
    (("analyze", "list.yaml#"), [], ANY),
    (("analyze", "missing.yaml#"), [], ANY),
    (("analyze", "--", "lenet"), ["lenet5"], ANY),
    (("analyze", "--", "--batch"), [], ANY),
    (("analyze", "--batch", ""), [], ""),
    (("analyze", "--batch", "3", "--batch", "3", "lenet"), ["lenet5"], ANY),
    (("analyze", "--batch", "x", "--depth", "-3", "lenet"), ["lenet5"], ANY),
    (("analyze", "--format", ""), [*FORMATS], ""),
    (("analyze", "-f", "js"), ["json"], ""),
    (("analyze", "--format=js"), ["--format=json"], ""),
    (("analyze", "--nothing=js"), [], ""),
    (("analyze", "--verify=js"), [], ""),
    (("analyze", "--form"), ["--format"], ""),
    (("analyze", "--format", "json", "--form"), [], ""),
    (("analyze", "--columns", "name", "--col"), ["--columns"], ""),
    (("analyze", "--columns", ""), [*COLUMNS], ""),
    (("analyze", "--columns", "macs,m"), ["macs,memory"], ""),
    (("analyze", "--summary", "--columns", "macs,par"), ["macs,parameters"], ""),
    (("analyze", "--summary", "--columns", "hyper"), [], ""),
    (("analyze", "--summary", "--sort", "-mac"), ["-macs"], ""),
    (("analyze", "--summary", "--sort=par"), ["--sort=parameters"], ""),
    (("analyze", "--set", "wi"), [], ""),
    (("analyze", "net.yaml", "--set", "wi"), ["width=", "wide="], ""),
    (("analyze", "net.yaml#small", "--set=wid"), ["--set=width=", "--set=wide="], ""),
    (("analyze", "lenet5", "--set", ""), ["classes="], ""),
    (("memory", "net.yaml", "--limit", ""), [*GPUS], ""),
    (("memory", "net.yaml", "--limit", "A100-8"), ["A100-80gb"], ""),
    (("memory", "net.yaml", "--optimizer", "adam"), ["adam", "adamw"], ""),
    (("memory", "net.yaml", "--checkpoint", ""), ["auto", "every="], ""),
    (("check", ""), [], ANY),
    (("check", "lenet"), ["lenet5"], ANY),
    (("check", "--config", "c"), [], ANY),
    (("check", "--select", "CC5,CC42"), [f"CC5,CC42{digit}" for digit in range(5)], ""),
    (("check", "--select", "cc401,cc40"), [f"cc401,cc40{digit}" for digit in range(2, 10)], ""),
    (("check", "--ignore", "unused-"), ["unused-tensor", "unused-parameter", "unused-block"], ""),
    (("check", "--output", ""), [f"{name}:" for name in CHECK_FORMATS], ""),
    (("check", "--output", "sarif:"), ["sarif:"], ANY),
    (("check", "--exclude", ""), [], ANY),
    (("format", "--stdin-filename", ""), [], ANY),
    (("diff", "--fail-on-increase", "par"), ["parameters="], ""),
    (("diff", "--git", ""), [], ""),
    (("diff", "vgg16", "lenet"), ["lenet5"], ANY),
    (("verify", "net.yaml", ""), [], ""),
    (("verify", "net.yaml", "--weights", ""), [], ANY),
    (("verify", "net.yaml", "--weights=w"), [], ANY),
    (("verify", "net.yaml", "--save", ""), [], FOLDER),
    (("draw", "vgg16", "--expand", "s"), [f"stage{number}" for number in range(1, 6)], ""),
    (("list", "lenet"), ["lenet5"], ""),
    (("list", ""), bundled_architectures(), ""),
    (("rule", "dil"), ["dilation-grid"], ""),
    (("rule", "cc42"), [f"cc42{digit}" for digit in range(5)], ""),
    (("completion", ""), [*SHELLS], ""),
    (("completion", "bash", ""), [], ""),
]
"""The words of a line, the last of which is completed; what is offered; and whether files are."""


def test_what_is_offered() -> None:
    wrong = {}
    for words, expected, files in LINES:
        answer = after(*words)
        said = {"": "", "file": ANY, "dir": FOLDER}[answer.files]
        if ([word for word, _ in answer.words], said) != (expected, files):
            wrong[words] = answer

    assert not wrong


def test_files_stand_behind_what_the_word_begins_with() -> None:
    assert after("verify", "vgg16", "--weights=w").before == "--weights="
    assert after("check", "--output=sarif:x").before == "--output=sarif:"
    assert after("check", "-o", "json:a:b").before == "json:"
    assert after("analyze", "w").before == ""


def test_codes_are_offered_with_their_beginnings_and_names() -> None:
    assert offered("check", "--select", "") == [
        *(f"CC{digit}" for digit in (1, 2, 3, 4, 5, 6, 9)),
        *CODES,
    ]
    assert dict(after("check", "--select", "CC401").words) == {"CC401": "odd-size-halved"}


def parameters() -> Iterator[tuple[str, click.Parameter, click.Context]]:
    """Every parameter that takes a value, with its command."""
    context = click.Context(convcalc)
    for name in COMMANDS:
        command = convcalc.get_command(context, name)
        assert command is not None
        for parameter in command.params:
            if not getattr(parameter, "is_flag", False):
                yield name, parameter, click.Context(command, parent=context)


def test_every_value_is_completed_or_there_is_a_reason() -> None:
    unknown = {
        f"{name} {parameter.opts[-1]}": parameter.metavar
        for name, parameter, context in parameters()
        if not {parameter.metavar} & (VALUES.keys() | FREE.keys())
        and not parameter.shell_complete(context, "")
    }

    assert not unknown, "say in VALUES what may stand there, or in FREE why nothing is known"


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_printed_and_is_what_click_would_ask_for(
    shell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = CliRunner().invoke(convcalc, ["completion", shell])
    assert printed.exit_code == 0
    assert printed.stdout == script(shell, convcalc)
    assert "%(" not in printed.stdout

    asked = CliRunner().invoke(
        convcalc, prog_name="convcalc", env={COMPLETED: f"{shell}_source"}, standalone_mode=True
    )
    assert asked.stdout.rstrip("\n") == printed.stdout.rstrip("\n")  # click 8.2.0 ends it with two


def told(shell: str, line: str, word: str | None = None) -> list[str]:
    """What a shell reads for a line up to the cursor; bash also says which part is its word."""
    environment = {COMPLETED: f"{shell}_complete", "COMP_WORDS": line, "COMP_WORD": word}
    result = CliRunner().invoke(convcalc, prog_name="convcalc", env=environment)
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()[3 if shell == "zsh" else 1 :]


@tabled(
    ("line", "word", "expected"),
    [
        ("convcalc ana", "ana", ["plain,analyze"]),
        ("convcalc analyze net.yaml --format js", "js", ["plain,json"]),
        ("convcalc analyze net.yaml --format=js", "js", ["plain,json"]),
        ("convcalc verify net.yaml --weights=", "=", ["file,"]),
        ("convcalc check -o sarif:o", "o", ["file,"]),
        ("convcalc check -o sar", "sar", ["open,sarif:"]),
        (
            "convcalc analyze 'my net.yaml'#sm",
            "'my net.yaml'#sm",
            ["plain,my net.yaml#small", "file,"],
        ),
        (
            r"convcalc analyze my\ net.yaml#sm",
            r"my\ net.yaml#sm",
            ["plain,my net.yaml#small", "file,"],
        ),
        (
            "convcalc analyze 'my net.yaml#sm",
            "'my net.yaml#sm",
            ["plain,my net.yaml#small", "file,"],
        ),
        ("convcalc analyze net.yaml --set wide", "wide", ["open,wide="]),
        ("convcalc completion 'z", "'z", ["plain,zsh"]),
    ],
)
def test_bash_is_told_what_is_left_of_its_word(line: str, word: str, expected: list[str]) -> None:
    assert told("bash", line, word) == expected


def test_zsh_and_fish_are_told_what_words_are() -> None:
    line = "convcalc check --select CC401"

    assert told("zsh", line) == ["plain", "CC401", "odd-size-halved"]
    assert told("fish", line) == ["plain,CC401\todd-size-halved"]
    assert told("fish", "convcalc verify net.yaml --weights=we") == ["file,--weights="]
    assert told("zsh", "convcalc verify net.yaml --weights=we") == ["file", "--weights=", ""]


def test_a_word_that_would_be_two_lines_is_not_told() -> None:
    spec = 'input: 3\npresets: {"a\\nb": , c: }\nlayers: [relu]\n'
    Path("odd.yaml").write_text(spec, encoding="utf-8")

    assert offered("analyze", "odd.yaml#") == ["odd.yaml#a\nb", "odd.yaml#c"]
    assert told("fish", "convcalc analyze odd.yaml#") == ["plain,odd.yaml#c", "file,"]
