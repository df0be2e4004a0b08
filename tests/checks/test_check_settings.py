"""Configuration: where it is found, what it may say, and what the command line adds."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from convcalc.checks.codes import Selection
from convcalc.checks.configuration import Configurations, SettingsError, read_settings
from convcalc.checks.settings import KEYS, OVERRIDE_KEYS, RUN_KEYS
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
        force-exclude = true
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
    assert [globs.globs for globs in found.exclude] == [("legacy",)]
    assert (found.fail_on, found.strict, found.format) == ("error", True, "concise")
    assert found.force_exclude
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
        ('force-exclude = "yes"', "force-exclude is true or false"),
        ('fail-on = "all"', "fail-on is 'all', and is one of error, warning, note, never"),
        ('format = "pdf"', "format is 'pdf', and is one of text"),
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

    def nearest(path: str) -> str | None:
        return Configurations().of(path).path

    assert nearest("a/b/net.yaml") is None
    settings(tmp_path, "[tool.convcalc]\nstrict = true\n", "pyproject.toml")
    settings(tmp_path, "[tool.other]\n", "a/b/pyproject.toml")
    assert nearest("a/b/net.yaml") == "pyproject.toml"
    settings(tmp_path, "strict = false\n", "a/convcalc.toml")
    settings(tmp_path, "[tool.convcalc]\n", "a/pyproject.toml")
    assert nearest("a/b/net.yaml") == nearest("a/net.yaml#b") == "a/convcalc.toml"
    assert nearest(str(tmp_path / "a" / "b" / "net.yaml")) == "a/convcalc.toml"
    assert nearest("c.yaml") == nearest("-") == nearest("vgg16") == "pyproject.toml"
    monkeypatch.chdir(tmp_path / "a" / "b")
    assert nearest("net.yaml") == str(tmp_path / "a" / "convcalc.toml")
    assert nearest("../../net.yaml") == str(tmp_path / "pyproject.toml")


BIASED = "input: 32x32x3\nlayers:\n  - conv: {filters: 8, kernel: 3, padding: 1}\n  - batchnorm\n"
"""CC408, 3·3·3·8 + 8 + 16 = 240 parameters."""


def test_what_is_said_of_a_file_is_the_same_however_it_is_reached(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    """Every key that belongs to a file, from its folder, from above and named in any way."""
    for name in ("a/x.yaml", "a/y.yaml", "b/x.yaml", "b/deep/x.yaml", "x.yaml"):
        settings(tmp_path, BIASED, name)
    settings(tmp_path, 'ignore = ["CC408"]\n')
    settings(tmp_path, 'select = ["CC4"]\nexclude = ["y.yaml"]\n', "a/convcalc.toml")
    own = '[budget]\nparameters = 200\n[[overrides]]\nfiles = ["x.yaml"]\nignore = ["CC408"]\n'
    settings(tmp_path, own, "b/convcalc.toml")
    known = {"schema": 1, "files": {"x.yaml": {"CC408": 1}}}
    settings(tmp_path, json.dumps(known), "b/deep/known.json")
    settings(tmp_path, 'baseline = "known.json"\n', "b/deep/convcalc.toml")
    expected = {
        "a/x.yaml": ["CC408"],  # its folder's, so not the ignore above
        "b/deep/x.yaml": [],  # known, and neither the budget nor the ignore above
        "b/x.yaml": ["CC511"],
        "x.yaml": [],
    }

    def said(*arguments: str) -> dict[str, list[str]]:
        value = json.loads(run("--format", "json", *arguments).stdout)
        found: dict[str, list[str]] = {file: [] for file in value["files"]}
        for item in value["diagnostics"]:
            found[item["path"]].append(item["code"])
        return found

    assert said() == said(".") == expected
    assert said(*expected) == said("a/x.yaml", "b", "x.yaml") == expected
    for file, codes_of in expected.items():
        assert said(file) == {file: codes_of}
        assert said(str(tmp_path / file)) == {str(tmp_path / file): codes_of}
    # Many files are checked by several processes, with the same settings.
    assert said(".", "--jobs", "2") == expected
    # One that is named is the only one.
    only = said(".", "--config", "a/convcalc.toml")
    assert only == {file: ["CC408"] for file in expected if not file.endswith("y.yaml")}
    assert said(".", "--isolated") == {
        file: ["CC408"] for file in ("a/x.yaml", "a/y.yaml", *[*expected][1:])
    }


def test_what_belongs_to_the_run_is_the_working_folders(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    settings(tmp_path, BIASED, "a/x.yaml")
    settings(tmp_path, 'fail-on = "never"\nformat = "json"\nstrict = true\n', "a/convcalc.toml")
    result = run("a/x.yaml")
    assert result.exit_code == 1
    assert "warning[CC408]" in result.stdout
    for key in ("fail-on", "format", "strict"):
        line = (
            f"convcalc: a/convcalc.toml: {key} belongs to the run, and this one's is that of the "
        )
        assert line + "default\n" in result.stderr
    settings(tmp_path, 'fail-on = "never"\nformat = "concise"\n')
    result = run("a/x.yaml")
    assert result.exit_code == 0
    assert result.stdout.startswith("a/x.yaml:3:5: CC408")
    assert "fail-on" not in result.stderr
    assert "this one's is that of convcalc.toml" in result.stderr
    assert run("a/x.yaml", "--fail-on", "warning", "--config", "a/convcalc.toml").stderr == ""


def test_every_key_belongs_to_the_run_or_to_files() -> None:
    assert {*KEYS} == {
        *RUN_KEYS,
        *OVERRIDE_KEYS[1:],
        "exclude",
        "force-exclude",
        "baseline",
        "overrides",
    }


def test_baselines_are_updated_where_they_are(run: Callable[..., Result], tmp_path: Path) -> None:
    for folder in ("a", "b"):
        settings(tmp_path, BIASED, f"{folder}/x.yaml")
        settings(tmp_path, 'baseline = "known.json"\n', f"{folder}/convcalc.toml")
    settings(tmp_path, BIASED, "c.yaml")
    assert run("--update-baseline", "c.yaml").exit_code == 2
    result = run("--update-baseline")
    assert result.exit_code == 1  # c.yaml has none
    assert result.stdout.count("CC408") == 1
    for folder in ("a", "b"):
        known = json.loads((tmp_path / folder / "known.json").read_text())
        assert known["files"] == {"x.yaml": {"CC408": 1}}
    assert run("a", "b").exit_code == 0


def test_excludes_of_the_command_line_are_relative_to_the_working_folder(
    run: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings(tmp_path, BIASED, "a/b/x.yaml")
    settings(tmp_path, BIASED, "a/c/x.yaml")
    settings(tmp_path, "")
    monkeypatch.chdir(tmp_path / "a")
    assert run("--exclude", "b/x.yaml", "--show-files").stdout == "c/x.yaml\n"
    shown = run("--exclude", "b/x.yaml", "--exclude", "d", "--show-config").stdout
    assert 'exclude = ["a/b/x.yaml", "a/**/d"]' in shown


def test_show_config_shows_each_of_several(run: Callable[..., Result], tmp_path: Path) -> None:
    for folder in ("a", "b"):
        settings(tmp_path, BIASED, f"{folder}/x.yaml")
        settings(
            tmp_path,
            f'ignore = ["CC40{len(folder) + ord(folder) - 97}"]\n',
            f"{folder}/convcalc.toml",
        )
    shown = run("--show-config").stdout
    assert [line for line in shown.splitlines() if line.startswith(("#", "ignore"))] == [
        "# from no configuration file and the command line",
        "# from a/convcalc.toml and the command line",
        'ignore = ["CC401"]',
        "# from b/convcalc.toml and the command line",
        'ignore = ["CC402"]',
    ]


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
        'memory = [{limit = "1KiB"}, '
        '{limit = "2KiB", batch = 8, training = true, checkpoint = "auto"}]\n'
        '[[overrides]]\nfiles = ["c.yaml"]\nbudget = {memory = "3KiB"}\n',
    )
    shown = run("--show-config", "--max-memory", "9GiB").stdout
    terms = 'batch = 8, training = true, optimizer = "sgd", checkpoint = "auto"}'
    assert f'limit = "2KiB", {terms}' in shown
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
