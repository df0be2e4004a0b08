"""Configuration: where it is found, what it may say, and what the command line adds."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from convcalc.checks.codes import Selection
from convcalc.checks.settings import SettingsError, nearest, read_settings
from convcalc.cli import convcalc
from convcalc.spec.promises import Quantity

STRIDE = "input: 224x224x3\nlayers:\n  - conv: {filters: 96, kernel: 11, stride: 4}\n"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(convcalc, ["check", *arguments])

    return call


def codes(result: Result) -> list[str]:
    return [found["code"] for found in json.loads(result.stdout)["diagnostics"]]


def settings(tmp_path: Path, text: str, name: str = "convcalc.toml") -> Path:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_everything_that_can_be_configured(tmp_path: Path) -> None:
    path = settings(
        tmp_path,
        """
        select = ["CC3", "CC5"]
        extend-select = ["CC401"]
        ignore = "CC306"
        exclude = ["legacy"]
        fail-on = "error"
        strict = true
        format = "concise"
        baseline = "known.json"
        [budget]
        parameters = "5M"
        largest-tensor = 1000000
        memory = {limit = "12GiB", batch = 32, training = true, optimizer = "adam"}
        [[overrides]]
        files = ["teacher/*.yaml"]
        ignore = ["CC413"]
        budget = {parameters = "200M"}
        """,
    )
    found = read_settings(str(path))
    assert found.selection == Selection(("CC3", "CC5"), ("CC401",), ("CC306",))
    assert found.exclude == ("legacy",)
    assert (found.fail_on, found.strict, found.format) == ("error", True, "concise")
    assert found.baseline == str(tmp_path / "known.json")
    assert [limit.promise.name for limit in found.budget] == [
        "parameters",
        "largest_tensor",
        "memory",
    ]
    teacher = str(tmp_path / "teacher" / "a.yaml")
    assert found.selection_for(teacher).ignore == ("CC306", "CC413")
    assert found.selection_for("other.yaml").ignore == ("CC306",)
    wanted = {limit.promise.name: limit.promise.wanted for limit in found.budget_for(teacher)}
    assert wanted["parameters"] == Quantity(None, 200_000_000, "200M")
    assert wanted["largest_tensor"] == Quantity(None, 1_000_000, "1000000")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('selct = ["CC3"]', ":1: the configuration has no key 'selct': did you mean 'select'?"),
        (
            '\nfail_on = "error"',
            ":2: the configuration has no key 'fail_on': did you mean 'fail-on'?",
        ),
        ("[per-file-ignores]", "write `[[overrides]]` with `files` and `ignore`"),
        ('select = ["CC999"]', "select: no code starts with CC999"),
        ("select = 3", "select is a list of texts"),
        ("strict = 1", "strict is true or false"),
        ('fail-on = "all"', "fail-on is 'all', and is one of error, warning, note, never"),
        ('format = "html"', "format is 'html', and is one of text"),
        ("baseline = 3", "baseline is the path of a file"),
        ("budget = 3", "budget is a table"),
        ("[budget]\nparams = 3", ":2: budget has no key 'params': did you mean 'parameters'?"),
        ('[budget]\nmacs = "much"', "budget: "),
        ("[budget]\nmemory = {batch = 3}", "budget: memory needs a `limit`"),
        ("overrides = 3", "overrides are tables"),
        ("[[overrides]]\nignore = ['CC3']", "an override needs `files`"),
        ("[[overrides]]\nfiles = ['a']\nstrict = true", "an override has no key 'strict'"),
        ("a = [", ": not TOML: "),
    ],
)
def test_what_is_wrong_is_an_error_with_its_place(
    run: Callable[..., Result], tmp_path: Path, text: str, says: str
) -> None:
    path = settings(tmp_path, text)
    with pytest.raises(SettingsError) as error:
        read_settings(str(path))
    assert says in str(error.value)
    (tmp_path / "a.yaml").write_text(STRIDE)
    result = run("a.yaml")
    assert result.exit_code == 2
    assert says in result.stderr


def test_the_nearest_file_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    outer = settings(tmp_path, "[tool.convcalc]\nstrict = true\n", "pyproject.toml")
    settings(tmp_path, "[tool.other]\n", "a/b/pyproject.toml")
    assert nearest([str(tmp_path / "a" / "b")]) == str(outer.relative_to(tmp_path))
    inner = settings(tmp_path, "strict = false\n", "a/convcalc.toml")
    settings(tmp_path, "[tool.convcalc]\n", "a/pyproject.toml")
    assert nearest(["a/b/net.yaml"]) == str(inner.relative_to(tmp_path))
    assert nearest(["a/b/net.yaml", "c.yaml"]) == "pyproject.toml"
    assert nearest(["-"]) == "pyproject.toml"


def test_pyproject_without_the_table_can_not_be_named(tmp_path: Path) -> None:
    path = settings(tmp_path, "[tool.other]\n", "pyproject.toml")
    with pytest.raises(SettingsError, match=r"no table \[tool.convcalc\]"):
        read_settings(str(path))


def test_the_command_line_goes_before_the_configuration(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    settings(tmp_path, 'ignore = ["CC3"]\nfail-on = "never"\nformat = "json"\n')
    (tmp_path / "a.yaml").write_text(STRIDE)
    assert codes(run("a.yaml")) == []
    assert codes(run("a.yaml", "--select", "CC3")) == ["CC301"]
    assert run("a.yaml", "--select", "CC3").exit_code == 0
    assert run("a.yaml", "--select", "CC3", "--fail-on", "error").exit_code == 1
    assert codes(run("a.yaml", "--isolated", "--format", "json")) == ["CC301"]
    other = settings(tmp_path, 'format = "json"\n', "other.toml")
    assert codes(run("a.yaml", "--config", str(other))) == ["CC301"]


def test_options_that_list_codes_add_up(run: Callable[..., Result], tmp_path: Path) -> None:
    """Once with two codes or twice with one: the same, for every such option."""
    (tmp_path / "a.yaml").write_text(
        "input: 32x32x3\nlayers:\n  - conv: {filters: 20, kernel: 3, padding: 1}\n  - batchnorm\n"
        "  - relu\n  - conv: {filters: 8, kernel: 1}\n  - dropout: 0\n  - dropout: 0.5\n"
    )
    every = codes(run("a.yaml", "--format", "json"))
    assert {"CC408", "CC411", "CC421"} <= {*every}
    for option, expected in (
        ("--select", {"CC408", "CC411"}),
        ("--extend-select", {*every, "CC414"}),
        ("--ignore", {*every} - {"CC408", "CC411"}),
    ):
        pair = ("CC414", "CC408") if option == "--extend-select" else ("CC408", "CC411")
        for first, second in (pair, pair[::-1]):
            together = run("a.yaml", "--format", "json", option, f"{first},{second}")
            apart = run("a.yaml", "--format", "json", option, first, option, second)
            assert {*codes(apart)} == expected
            assert codes(apart) == codes(together)
        for values in (("nonsense", "CC4"), ("CC4", "nonsense"), ("CC999", "CC4"), ("", "CC4")):
            result = run("a.yaml", option, values[0], option, values[1])
            assert result.exit_code == 2
            assert f"Invalid value for '{option}'" in result.stderr


def test_a_rule_may_be_called_by_its_name(run: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "input: 32x32x3\nlayers:\n  - conv: {filters: 20, kernel: 3, padding: 1}\n  - batchnorm\n"
    )
    assert codes(run("a.yaml", "--format", "json")) == ["CC408"]
    for written in ("bias-before-norm", "Bias-Before-Norm", "cc408", "cc4"):
        assert codes(run("a.yaml", "--format", "json", "--ignore", written)) == []
        settings(tmp_path, f'format = "json"\nignore = ["{written}"]\n')
        assert codes(run("a.yaml")) == []
        settings(
            tmp_path, f'format = "json"\n[[overrides]]\nfiles=["a.yaml"]\nignore="{written}"\n'
        )
        assert codes(run("a.yaml")) == []
        settings(tmp_path, "")
    result = run("a.yaml", "--ignore", "bias-before-nrom")
    assert result.exit_code == 2
    assert "did you mean bias-before-norm?" in result.stderr


def test_overrides_are_for_files(run: Callable[..., Result], tmp_path: Path) -> None:
    settings(tmp_path, '[[overrides]]\nfiles = ["old"]\nignore = ["CC301"]\n')
    for name in ("old/a.yaml", "new/a.yaml"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(STRIDE)
    assert codes(run("--format", "json")) == ["CC301"]
    assert codes(run("old", "--format", "json")) == []


def test_show_config_can_be_read_back(run: Callable[..., Result], tmp_path: Path) -> None:
    text = (
        'select = ["CC3"]\n[budget]\nparameters = "5M"\n'
        "memory = [{limit = '1GiB', batch = 8}]\n"
        '[[overrides]]\nfiles = ["a/*"]\nignore = ["CC4"]\n'
    )
    settings(tmp_path, text)
    shown = run("--show-config", "--max-macs", "2G")
    assert shown.exit_code == 0
    settings(tmp_path, shown.stdout)
    again = run("--show-config")
    assert again.stdout.splitlines()[1:6] == shown.stdout.splitlines()[1:6]
    assert 'macs = "2G"' in again.stdout
    assert 'limit = "1GiB", batch = 8' in again.stdout


def test_the_command_line_goes_before_overrides(run: Callable[..., Result], tmp_path: Path) -> None:
    settings(
        tmp_path,
        'format = "json"\n[[overrides]]\nfiles = ["*.yaml"]\nselect = ["CC1"]\n'
        'budget = {parameters = "200M"}\n',
    )
    (tmp_path / "a.yaml").write_text(STRIDE)
    (tmp_path / "b.yaml").write_text("input: 8\nlayers:\n  - linear: 10\n")
    assert codes(run("a.yaml")) == []
    assert codes(run("a.yaml", "--select", "CC3")) == ["CC301"]
    assert codes(run("b.yaml", "--select", "CC5", "--max-parameters", "10")) == ["CC511"]
    settings(tmp_path, 'format = "json"\n[[overrides]]\nfiles = ["*"]\nignore = ["CC301"]\n')
    assert codes(run("a.yaml", "--extend-select", "CC3")) == ["CC301"]
    settings(tmp_path, 'format = "json"\n[[overrides]]\nfiles = ["*"]\nextend-select = ["CC301"]\n')
    assert codes(run("a.yaml", "--ignore", "CC3")) == []


def test_a_limit_of_memory_replaces_only_that_of_its_kind(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    settings(
        tmp_path,
        'format = "json"\n[budget]\n'
        'memory = [{limit = "1KiB"}, {limit = "2KiB", batch = 8, training = true}]\n'
        '[[overrides]]\nfiles = ["c.yaml"]\nbudget = {memory = "3KiB"}\n',
    )
    shown = run("--show-config", "--max-memory", "9GiB").stdout
    assert 'limit = "2KiB", batch = 8, training = true' in shown
    assert 'limit = "1KiB"' not in shown
    assert 'limit = "9GiB"' in shown
    assert 'limit = "3KiB"' not in shown
    for name in ("b.yaml", "c.yaml"):
        (tmp_path / name).write_text("input: 1000\nlayers:\n  - linear: 1000\n")
        assert codes(run(name, "--select", "CC5")) == ["CC512", "CC512"]
        assert codes(run(name, "--select", "CC5", "--max-memory", "9GiB")) == ["CC512"]
        assert codes(run(name, "--select", "CC5", "--max-training-memory", "9GiB")) == ["CC512"]


@pytest.mark.parametrize("place", ["--exclude", "exclude", "files"])
def test_a_glob_that_cannot_be_read_is_an_error(
    run: Callable[..., Result], tmp_path: Path, place: str
) -> None:
    (tmp_path / "a.yaml").write_text(STRIDE)
    if place == "exclude":
        settings(tmp_path, 'exclude = ["[z-a]"]\n')
    if place == "files":
        settings(tmp_path, '[[overrides]]\nfiles = ["[z-a]"]\n')
    result = run("a.yaml", *(["--exclude", "[z-a]"] if place == "--exclude" else []))
    assert result.exit_code == 2
    assert "'[z-a]' is no glob: " in result.stderr
    assert "Traceback" not in result.stderr


def test_counts_have_no_bytes(run: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(STRIDE)
    result = run("a.yaml", "--max-parameters", "300B")
    assert result.exit_code == 2
    assert "300B is in bytes, and this is no amount of memory" in result.stderr
    assert "write 300G" in result.stderr
    assert run("a.yaml", "--max-memory", "300B").exit_code == 1
    settings(tmp_path, '[budget]\nmacs = "5MB"\n')
    assert "write 5M" in run("a.yaml").stderr


def test_a_date_is_no_limit(tmp_path: Path) -> None:
    path = tmp_path / "convcalc.toml"
    path.write_text("[budget]\nparameters = 2024-01-02\n")
    with pytest.raises(SettingsError, match="this takes a number or text, and is a date"):
        read_settings(str(path))
