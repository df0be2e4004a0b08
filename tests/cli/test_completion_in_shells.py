"""Completion in bash, zsh and fish themselves, with a table of lines for all three.

CONVCALC_SHELLS asks for it, as `.ci/run` does: other runs need no shell but the usual one.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from select import select
from typing import NamedTuple

import pytest
from paths import ROOT

pytestmark = pytest.mark.skipif(
    not os.environ.get("CONVCALC_SHELLS"), reason="CONVCALC_SHELLS does not ask for real shells"
)

WAIT = 10.0
"""Most seconds for an answer, on however busy a machine."""

LINES = [
    ("ana", ["analyze"]),
    ("--vers", ["--version"]),
    ("analyze lenet", ["analyze", "lenet5"]),
    ("analyze ne", ["analyze", "net.yaml"]),
    ("analyze my", ["analyze", "my net.yaml"]),
    (r"analyze my\ n", ["analyze", "my net.yaml"]),
    ("analyze sub/in", ["analyze", "sub/inner.yaml"]),
    ("analyze ./ne", ["analyze", "./net.yaml"]),
    ("analyze ~/ne", ["analyze", "~/net.yaml"]),
    ("analyze 'net.yaml#sm", ["analyze", "net.yaml#small"]),
    ("analyze net.yaml#sm", ["analyze", "net.yaml#small"]),
    ("analyze resnet.yaml#resnet3", ["analyze", "resnet.yaml#resnet34"]),
    ("analyze net.yaml --form", ["analyze", "net.yaml", "--format"]),
    ("analyze net.yaml --format js", ["analyze", "net.yaml", "--format", "json"]),
    ("analyze net.yaml --format=js", ["analyze", "net.yaml", "--format=json"]),
    (
        "analyze net.yaml --columns name,hyp",
        ["analyze", "net.yaml", "--columns", "name,hyperparameters"],
    ),
    ("analyze --set wid", ["analyze", "--set", "wid"]),
    ("analyze net.yaml --set wid", ["analyze", "net.yaml", "--set", "width="]),
    ("memory net.yaml --limit a100-8", ["memory", "net.yaml", "--limit", "a100-80gb"]),
    ("verify net.yaml --weights wei", ["verify", "net.yaml", "--weights", "weights.npz"]),
    ("verify net.yaml --weights=wei", ["verify", "net.yaml", "--weights=weights.npz"]),
    ("verify net.yaml --save su", ["verify", "net.yaml", "--save", "sub/"]),
    ("verify net.yaml --save ne", ["verify", "net.yaml", "--save", "ne"]),
    ("check --config conv", ["check", "--config", "convcalc.toml"]),
    ("check su", ["check", "sub/"]),
    ("check --select CC3,odd", ["check", "--select", "CC3,odd-size-halved"]),
    ("check -o sari", ["check", "-o", "sarif:"]),
    ("check -o sarif:out", ["check", "-o", "sarif:out.sarif"]),
    ("format ne", ["format", "net.yaml"]),
    ("rule dilation", ["rule", "dilation-grid"]),
    ("completion z", ["completion", "zsh"]),
]
"""What is typed before the one tab, and the arguments that stand there then."""


class Place(NamedTuple):
    """A folder to complete in, with a `convcalc` of its own on the path."""

    folder: Path
    environment: dict[str, str]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("work")
    (folder / "sub").mkdir()
    spec = "input: 8x8x3\nparameters: {width: 3}\npresets: {small: , large: }\nlayers: [relu]\n"
    for name in ("net.yaml", "my net.yaml", "readme.yaml", "sub/inner.yaml"):
        (folder / name).write_text(spec, encoding="utf-8")
    for name in ("weights.npz", "convcalc.toml", "out.sarif"):
        (folder / name).touch()
    bin_folder = tmp_path_factory.mktemp("bin")
    program = bin_folder / "convcalc"
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m convcalc "$@"\n', "utf-8"
    )
    program.chmod(0o755)
    for shell in ("bash", "zsh", "fish"):
        script = subprocess.run([program, "completion", shell], capture_output=True, check=True)
        (bin_folder / f"completion.{shell}").write_bytes(script.stdout)
    return Place(
        folder,
        {
            "PATH": f"{bin_folder}:{os.environ['PATH']}",
            "HOME": str(folder),
            "TERM": "xterm",
            "LC_ALL": "C.UTF-8",
            "SCRIPTS": str(bin_folder),
            "XDG_CONFIG_HOME": str(bin_folder),
            "XDG_DATA_HOME": str(bin_folder),
        },
    )


class Terminal:
    """A shell that believes a person types."""

    def __init__(self, command: list[str], place: Place, begin: str) -> None:
        import pty  # POSIX alone

        self.process, self.stream = pty.fork()
        if not self.process:
            os.chdir(place.folder)
            os.execvpe(command[0], command, place.environment)  # noqa: S606 (we are it)
        self.seen = ""
        self.type(f"{begin}\r")
        self.wait_for("READY")

    def type(self, text: str) -> None:
        os.write(self.stream, text.encode())

    def wait_for(self, text: str) -> str:
        """What was written up to a text, which has to come."""
        while text not in self.seen:
            ready, _, _ = select([self.stream], [], [], WAIT)
            assert ready, f"no {text!r} in {self.seen!r}"
            self.seen += os.read(self.stream, 65536).decode("utf-8", "replace")
        before, _, self.seen = self.seen.partition(text)
        return before

    def wait_for_all(self, words: set[str]) -> None:
        """Read on until all of these were written."""
        while missing := [word for word in words if word not in self.seen]:
            ready, _, _ = select([self.stream], [], [], WAIT)
            assert ready, f"no {missing} in {self.seen!r}"
            self.seen += os.read(self.stream, 65536).decode("utf-8", "replace")

    def arguments(self, typed: str) -> list[str]:
        """The arguments that a line has after a tab."""
        self.type(f"convcalc {typed}\t")
        self.type("\r")
        self.wait_for("ARGUMENTS")
        return self.wait_for("END").strip("<>").split("><")

    def close(self) -> None:
        os.close(self.stream)
        os.waitpid(self.process, 0)


def needed(shell: str) -> str:
    found = shutil.which(shell)
    if not found:
        pytest.skip(f"there is no {shell} here")
    return found


ECHO = "convcalc() { printf ARGU%s MENTS; printf '<%s>' \"$@\"; echo EN''D; }; echo REA''DY"


@pytest.fixture(scope="module")
def bash(place: Place) -> Iterator[Terminal]:
    settings = ("bell-style none", "completion-query-items 0", "page-completions off")
    bound = "; ".join(f"bind 'set {setting}'" for setting in settings)
    begin = f"stty rows 300 cols 200; . $SCRIPTS/completion.bash; {bound}; {ECHO}"
    terminal = Terminal([needed("bash"), "--norc", "--noprofile", "-i"], place, begin)
    yield terminal
    terminal.close()


@pytest.fixture(scope="module")
def zsh(place: Place) -> Iterator[Terminal]:
    begin = (
        "stty rows 300 cols 200; LISTMAX=1000; unsetopt beep; "
        "autoload -Uz compinit; compinit -u -d $SCRIPTS/dump; "
        f". $SCRIPTS/completion.zsh; {ECHO}"
    )
    terminal = Terminal([needed("zsh"), "-f", "-i"], place, begin)
    yield terminal
    terminal.close()


@pytest.mark.parametrize(("typed", "arguments"), LINES)
@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_tab_completes(
    shell: str, typed: str, arguments: list[str], place: Place, request: pytest.FixtureRequest
) -> None:
    terminal: Terminal = request.getfixturevalue(shell)
    expected = [each.replace("~", str(place.folder)) for each in arguments]
    if shell == "zsh":  # it takes the sign behind a folder away when the line is over
        expected = [each.removesuffix("/") for each in expected]

    assert terminal.arguments(typed) == expected


def offered_by_fish(place: Place, typed: str) -> list[str]:
    """What fish would complete a line with, unquoted."""
    line = "convcalc " + typed
    done = subprocess.run(
        [
            needed("fish"),
            "--no-config",
            "-c",
            'source $SCRIPTS/completion.fish; complete -C "$LINE"',
        ],
        env={**place.environment, "LINE": line},
        cwd=place.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return [each.partition("\t")[0] for each in done.stdout.splitlines()]


@pytest.mark.parametrize(("typed", "arguments"), LINES)
def test_fish_completes(typed: str, arguments: list[str], place: Place) -> None:
    begun = not typed.endswith(arguments[-1])

    assert offered_by_fish(place, typed) == ([arguments[-1]] if begun else [])


LISTS = [
    ("analyze ", {"net.yaml", "out.sarif", "sub/", "vgg16", "resnet34"}),
    ("analyze re", {"resnet34", "resnet50", "readme.yaml"}),
    ("check ", {"net.yaml", "out.sarif", "sub/"}),
    ("verify net.yaml --weights=", {"--weights=weights.npz", "--weights=net.yaml"}),
    ("verify net.yaml --weights ", {"weights.npz", "net.yaml", "sub/"}),
    ("memory vgg16 --limit rtx3", {"rtx3060", "rtx3090"}),
    ("analyze net.yaml#", {"net.yaml#small", "net.yaml#large"}),
    ("analyze --columns name,m", {"name,macs", "name,memory"}),
    ("check --select CC3,CC4", {"CC3,CC401", "CC3,CC405"}),
    ("check -o ", {"sarif:", "json:"}),
    ("check -o sarif:", {"sarif:out.sarif", "sarif:net.yaml"}),
    ("nothing ", {"net.yaml", "weights.npz"}),
]
"""What is typed, and some of what is offered."""


@pytest.mark.parametrize(("typed", "some"), LISTS)
def test_fish_lists(typed: str, some: set[str], place: Place) -> None:
    assert some <= {*offered_by_fish(place, typed)}


@pytest.mark.parametrize(("typed", "some"), LISTS)
@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_tabs_list(shell: str, typed: str, some: set[str], request: pytest.FixtureRequest) -> None:
    terminal: Terminal = request.getfixturevalue(shell)
    terminal.type(f"convcalc {typed}\t\t")
    # Both show the end of a path, and bash what is behind the sign that it takes words apart at.
    terminal.wait_for_all({re.sub(r"^(sarif:|--weights=)(?=.)", "", word) for word in some})
    terminal.type("\x15")
    terminal.type("echo CLEA''R\r")
    terminal.wait_for("CLEAR")
