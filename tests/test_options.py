"""No option is taken without effect: what every command declares, one by one and in pairs."""

from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from convcalc.cli import COMMANDS, convcalc

SPEC = "name: a\ninput: 8x8x3\nlayers:\n  - conv: {filters: 4, kernel: 3, padding: 1}\n  - relu\n"
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_WORKSPACE", "CI_PROJECT_DIR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "a.yaml").write_text(SPEC)

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(convcalc, [*arguments])

    return call


def declared() -> Iterator[tuple[str, click.Option]]:
    """Every option of every command."""
    context = click.Context(convcalc)
    for name in COMMANDS:
        command = convcalc.get_command(context, name)
        assert command is not None
        for option in command.params:
            if isinstance(option, click.Option):
                yield name, option


SINGLE = [(name, option) for name, option in declared() if not (option.multiple or option.is_flag)]


@pytest.mark.parametrize(
    ("command", "option"), SINGLE, ids=[f"{name} {option.opts[-1]}" for name, option in SINGLE]
)
def test_an_option_of_one_value_is_refused_twice(
    run: Run, command: str, option: click.Option
) -> None:
    name = option.opts[-1]
    result = run(command, "a.yaml", name, "1", name, "2")
    assert result.exit_code == 2
    assert f"{name} is given twice, and one would have no effect" in result.stderr
    assert "given twice" not in run(command, "a.yaml", name, "1").stderr


def test_two_options_that_contradict_each_other_are_refused(run: Run) -> None:
    for pair in (("--fused", "--per-tensor"), ("--inplace", "--no-inplace")):
        result = run("memory", "a.yaml", "--training", *pair)
        assert result.exit_code == 2
        assert f"{' or '.join(pair)} is given twice" in result.stderr


def test_a_parameter_has_one_value(run: Run, tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(SPEC + "parameters: {width: 4}\n")
    for command in ("analyze", "check", "memory", "verify"):
        result = run(command, "b.yaml", "--set", "width=1", "--set", "width=2")
        assert result.exit_code == 2
        assert "width is given twice, as 1 and as 2" in result.stderr
        assert "given twice" not in run(command, "b.yaml", *["--set", "width=1"] * 2).stderr
