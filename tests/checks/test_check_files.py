"""Which files `convcalc check` takes: folders, globs, .gitignore, what is a spec."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner
from draws import Draw, examples

from convcalc.checks import files
from convcalc.checks.configuration import Configurations
from convcalc.checks.files import Found
from convcalc.checks.ignored import Ignored
from convcalc.checks.settings import Given
from convcalc.cli import convcalc

SPEC = "name: a\ninput: 8x8x3\nlayers:\n  - relu\n"


def find(
    paths: Sequence[str],
    *,
    exclude: Sequence[str] = (),
    force_exclude: bool = False,
    only_specs: bool = False,
) -> Found:
    """What is found beside options of the command line."""
    given = Given(exclude=tuple(exclude), force_exclude=force_exclude)
    return files.find(paths, Configurations(given), only_specs=only_specs)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in (
        "a.yaml",
        "b.yml",
        "nets/c.yaml",
        "nets/deep/d.yaml",
        "nets/old/e.yaml",
        ".hidden/f.yaml",
        "node_modules/g.yaml",
        "h.json",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SPEC)
    (tmp_path / "compose.yaml").write_text("services:\n  web: {}\n")
    return tmp_path


def test_a_folder_is_searched_for_specs(tree: Path) -> None:
    assert find(["."]).files == [
        "a.yaml",
        "b.yml",
        "nets/c.yaml",
        "nets/deep/d.yaml",
        "nets/old/e.yaml",
    ]


def test_a_named_file_is_always_checked_and_counts_once(tree: Path) -> None:
    assert find(["compose.yaml", "nets/../a.yaml", "a.yaml", "."]).files[:2] == [
        "compose.yaml",
        "nets/../a.yaml",
    ]
    assert len(find(["a.yaml", "./a.yaml", "nets/../a.yaml"]).files) == 1


def test_only_specs_leaves_out_named_files_too(tree: Path) -> None:
    found = find(["compose.yaml", "a.yaml", "h.json"], only_specs=True)
    assert found.files == ["a.yaml"]
    assert found.empty == []


def test_globs_are_expanded_here_too(tree: Path) -> None:
    assert find(["nets/**/*.yaml"]).files == ["nets/c.yaml", "nets/deep/d.yaml", "nets/old/e.yaml"]
    assert find(["none/*.yaml"]).empty == ["none/*.yaml"]


def test_folders_that_a_glob_matches_are_searched(tree: Path) -> None:
    assert find(["net*"]).files == ["nets/c.yaml", "nets/deep/d.yaml", "nets/old/e.yaml"]
    assert find(["nets/*/"]).files == ["nets/deep/d.yaml", "nets/old/e.yaml"]
    assert find(["n*"], exclude=["deep"]).files == ["nets/c.yaml", "nets/old/e.yaml"]
    assert find(["*/deep", "nets/old*"], exclude=["old"]).files == ["nets/deep/d.yaml"]
    assert find(["nets/**"]).files == ["nets/c.yaml", "nets/deep/d.yaml", "nets/old/e.yaml"]
    (tree / "empties").mkdir()
    assert find(["empt*"]) == Found([], ["empt*"])


def test_a_file_whose_name_has_signs_of_globs(tree: Path) -> None:
    (tree / "x[1].yaml").write_text(SPEC)
    assert find(["x[1].yaml"]).files == ["x[1].yaml"]


def test_exclude(tree: Path) -> None:
    assert find(["."], exclude=["nets/old", "b.*"]).files == [
        "a.yaml",
        "nets/c.yaml",
        "nets/deep/d.yaml",
    ]
    assert find(["."], exclude=["nets"]).files == ["a.yaml", "b.yml"]
    assert find(["nets/old/e.yaml"], exclude=["nets"]).files == ["nets/old/e.yaml"]


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_an_exclude_is_forced_on_what_is_named(tree: Path) -> None:
    excludes = ["nets/old", "b.*"]
    named = ["nets/old/e.yaml", "b.yml", "a.yaml", "nets/old"]
    free = find(named, exclude=excludes)
    assert free.files == ["nets/old/e.yaml", "b.yml", "a.yaml"]
    assert free.excluded == [
        ("nets/old/e.yaml", "nets/old"),
        ("b.yml", "b.*"),
        ("nets/old", "nets/old"),
    ]
    forced = find(named, exclude=excludes, force_exclude=True)
    assert (forced.files, forced.empty) == (["a.yaml"], [])
    assert find([str(tree / "b.yml")], exclude=excludes, force_exclude=True).files == []
    assert find(["vgg16"], exclude=["vgg*"], force_exclude=True).files == ["vgg16"]


def test_a_folder_that_is_named_is_searched_though_it_is_excluded(tree: Path) -> None:
    found = find(["nets"], exclude=["nets", "old"])
    assert found.files == ["nets/c.yaml", "nets/deep/d.yaml"]
    assert found.excluded == [("nets", "nets")]
    assert find(["."], exclude=["*"]).files == []


def test_named_files_that_are_excluded_are_said_to_be_checked(tree: Path) -> None:
    run = CliRunner()
    for arguments in (["--exclude", "nets/old"], []):
        if not arguments:
            write(tree / "convcalc.toml", 'exclude = ["nets/old"]\n')
        result = run.invoke(convcalc, ["check", "nets/old/e.yaml", "a.yaml", *arguments])
        assert "in 2 specs" in result.stdout
        assert "1 PATH that `exclude` matches is checked, being named: nets/old/e.yaml" in (
            result.stderr
        )
        forced = run.invoke(
            convcalc, ["check", "nets/old/e.yaml", "a.yaml", "--force-exclude", *arguments]
        )
        assert "in 1 spec" in forced.stdout
        assert "exclude" not in forced.stderr
    write(tree / "convcalc.toml", 'exclude = ["nets/old"]\nforce-exclude = true\n')
    result = run.invoke(convcalc, ["check", "nets/old/e.yaml"])
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "convcalc: no specs among the files named\n"


def test_an_exclude_is_that_of_the_nearest_configuration(tree: Path) -> None:
    write(tree / "convcalc.toml", 'exclude = ["d.yaml", "old"]\n')
    write(tree / "nets/convcalc.toml", 'exclude = ["c.yaml"]\n')
    write(tree / "nets/old/convcalc.toml", "strict = true\n")
    everything = ["a.yaml", "b.yml", "nets/deep/d.yaml", "nets/old/e.yaml"]
    assert find(["."]).files == everything
    assert find(["nets"]).files == everything[2:]
    assert find(["nets/*.yaml", "nets/*/*.yaml"]).files == everything[2:]
    every = sorted(str(path) for path in tree.rglob("[a-e].y*ml"))
    assert [os.path.relpath(file) for file in find(every, force_exclude=True).files] == everything
    # What leaves out a folder leaves out what is in it, configurations included.
    write(tree / "convcalc.toml", 'exclude = ["nets"]\n')
    assert find(["."]).files == ["a.yaml", "b.yml"]
    assert [os.path.relpath(file) for file in find(every, force_exclude=True).files] == [
        "a.yaml",
        "b.yml",
    ]


def test_a_file_that_an_override_names_is_a_spec(tree: Path) -> None:
    write(tree / "nets/odd.yaml", "lairs: []\n")
    assert "nets/odd.yaml" not in find(["."]).files
    override = "[[overrides]]\nfiles = [{}]\nignore = ['CC4']\n"
    for glob, named in (("'nets/odd.yaml'", True), ("'odd.yaml'", True), ("'nets/*'", False)):
        write(tree / "convcalc.toml", override.format(glob))
        assert ("nets/odd.yaml" in find(["."]).files) is named
        assert ("nets/odd.yaml" in find(["nets/odd.yaml"], only_specs=True).files) is named
    assert find(["compose.yaml"], only_specs=True).files == []


@pytest.mark.parametrize("name", ["text", "concise"])
def test_a_run_on_nothing_does_not_say_that_nothing_is_found(tree: Path, name: str) -> None:
    (tree / "empties").mkdir()
    for path, says in (("none*.yaml", "nothing matches none*.yaml"), ("empties", "no specs in")):
        result = CliRunner().invoke(convcalc, ["check", path, "--format", name])
        assert (result.exit_code, result.stdout) == (2, "")
        assert says in result.stderr
    result = CliRunner().invoke(convcalc, ["check", "compose.yaml", "--only-specs"])
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "convcalc: no specs among the files named\n"


def test_gitignored_files_are_left_out_of_folders(tree: Path) -> None:
    (tree / ".gitignore").write_text("old/\n/b.yml\n")
    assert len(find(["."]).files) == 5  # no repository, so no ignored files
    (tree / ".git").mkdir()
    assert find(["."]).files == ["a.yaml", "nets/c.yaml", "nets/deep/d.yaml"]
    assert find(["nets"]).files == ["nets/c.yaml", "nets/deep/d.yaml"]
    assert find(["nets/old/e.yaml"]).files == ["nets/old/e.yaml"]


def test_show_files(tree: Path) -> None:
    result = CliRunner().invoke(convcalc, ["check", "--show-files", "nets"])
    assert result.stdout == "nets/c.yaml\nnets/deep/d.yaml\nnets/old/e.yaml\n"
    assert result.exit_code == 0


def test_the_suffix_may_be_in_capitals(tmp_path: Path) -> None:
    for name in ("a.YAML", "b.Yml"):
        (tmp_path / name).write_text(SPEC)
    assert [Path(file).name for file in find([str(tmp_path)]).files] == ["a.YAML", "b.Yml"]
    assert find([str(tmp_path / "a.YAML")], only_specs=True).files == [str(tmp_path / "a.YAML")]


def line(draw: Draw) -> str:
    """A line of .gitignore.

    Where pathspec reads a line otherwise than git does, no such line is drawn: a backslash before
    `]` or `/`, a slash in a class (`[/a]`), [[:alpha:]], and `!/a` beside `a/`, which lets a/a be
    looked at.
    """
    drawn = draw.text("ab*?/[]-# ", 6)
    return drawn if drawn.strip() and not re.search(r"\[.*/.*\]", drawn) else line(draw)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is what it is held against")
def test_gitignore_agrees_with_git(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    files = ["ab", "-", "#", "a/b", "a/a/b", "a/-", "b/a", "b/ab/a", "b/b/a/b", "b/b/a/ab"]
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("")
    fixed = ["**/a", "a/**", "a/**/b", "/a", "a/", "!a", "[ab]", "[!a]", "*", "!a/b", "a*b", "\\#"]
    fixed += ["[a-b]", "[]-]", "[\\a]b", "[-]", "[+--]", "a.b", "[ab]/", "!a/", "**"]

    def of_any(draw: Draw) -> str:
        return draw.choice(fixed)

    @examples(60, lines=lambda draw: draw.some(partial(draw.choice([line, of_any]), draw), 1, 4))
    def agree(lines: Sequence[str]) -> None:
        (tmp_path / ".gitignore").write_text("\n".join(lines) + "\n")
        asked = subprocess.run(
            ["git", "-C", str(tmp_path), "check-ignore", "--no-index", "--stdin"],
            input="\n".join(files),
            capture_output=True,
            text=True,
            check=False,
        )
        ignored = Ignored()
        ours = [file for file in files if ignored.ignores(str(tmp_path / file))]
        assert ours == [line.strip('"') for line in asked.stdout.splitlines()]

    agree()


def test_a_line_that_is_no_pattern_leaves_out_nothing(tree: Path) -> None:
    (tree / ".git").mkdir()
    (tree / ".gitignore").write_text("# comment\n   \n[z-a]\na[\n!\n/\n\\\nb.yml\n")
    assert "b.yml" not in find(["."]).files
    assert "a.yaml" in find(["."]).files
