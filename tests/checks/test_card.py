"""`check --format card`: what specs take, what changed since a base, and what was found."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from convcalc.checks.card import Card, Entry
from convcalc.checks.promises import Used
from convcalc.checks.report import CheckReport
from convcalc.cli import convcalc
from convcalc.formats.check import card as format_

NET = (
    "name: net\ninput: 4x4x2\nlayers:\n  - conv: {filters: 3, kernel: 3}\n"
    "budget: {parameters: 50, macs: 1K, memory: 1KiB}\n"
)
WIDER = NET.replace("filters: 3", "filters: 6")
BAD = "input: 4x4x2\nlayers:\n  - conv: {filters: 3, kernel: 9}\n"
FAMILY = (
    "input: 4x4x2\nparameters: {n: 1}\npresets: {small: {n: 1}, large: {n: 4}}\n"
    "layers:\n  - conv: {filters: n, kernel: 3}\n"
)
OTHER = (
    "input: 9x9x1\nlayers:\n"
    "  - conv: {filters: 2, kernel: 2}\n  - relu\n  - flatten\n  - linear: 5\n"
)

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="a base is git's")


@pytest.fixture
def commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes the working folder what files of these texts are, and a commit of it."""
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
    git("init", "-q", "-b", "main")

    def call(**texts: str) -> None:
        write(**texts)
        git("add", "-A")
        git("commit", "-q", "-m", "one")

    return call


def git(*arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *identity, *arguments], check=True)


def write(**texts: str) -> None:
    for path in Path().glob("*.yaml"):
        path.unlink()
    for name, text in texts.items():
        Path(f"{name}.yaml").write_text(text)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(convcalc, ["check", "--format", "card", *arguments])


def rows(card: str) -> dict[str, list[str]]:
    """What an entry is called → its other cells, without the signs of HTML, all tables together."""
    bare = re.sub(r"</?code>", "", card.replace("<br>", "; ").replace("&#95;", "_"))
    cells = [line[2:-2].split(" | ") for line in bare.splitlines() if line[:1] == "|"]
    return {first: rest for first, *rest in cells if first.split(";")[0].count(".yaml") == 1}


def test_without_a_base_it_says_what_a_spec_takes(commit: Callable[..., None]) -> None:
    commit(net=NET)
    card = run("net.yaml").stdout

    # Weights 3·3·2·3 + 3 = 57; outputs 2·2, so 4·54 = 216 MACs. The peak holds weights, input and
    # output: (57 + 4·4·2 + 2·2·3)·4 = 404 bytes.
    assert card == (
        "### convcalc\n\n"
        "Found 1 error in 1 spec.\n\n"
        "| Spec | Parameters | MACs | Peak of inference | Budget used |\n"
        "| :-- | --: | --: | --: | :-- |\n"
        "| <code>net.yaml</code> | 57 | 216 | 404 B | **parameters 114.0% of 50**"
        "<br>MACs 21.6% of 1,000<br>memory of inference 39.5% of 1.02 kB |\n\n"
        "<details open><summary>Findings: 1 error</summary>\n\n"
        "- **error** <code>net.yaml:5:22</code> CC511: parameters: 57, and the budget is 50: 7 "
        "more; most are in conv1 57 (100.0%)<br>help: make conv1 smaller, or raise the budget\n\n"
        "</details>\n\n"
        "<details><summary>net.yaml, 1 layer</summary>\n\n"
        "| Layer | Kind | Hyperparameters | Output | Parameters | MACs | Receptive field "
        "| Memory |\n"
        "| :-- | :-- | :-- | --: | --: | --: | --: | --: |\n"
        "| conv1 | conv | filters 3, kernel 3 | 2×2×3 | 57 | 216 | 3×3 | 48 B |\n\n"
        "</details>\n"
    )


def test_limits_of_the_command_line_and_the_configuration_are_budgets(
    commit: Callable[..., None],
) -> None:
    commit(net=NET.replace("parameters: 50, ", ""))
    Path("convcalc.toml").write_text('[budget]\nmemory = {limit = "1MB", batch = 2}\n')

    used = rows(run("net.yaml", "--max-parameters", "114").stdout)["net.yaml"][3].split("; ")

    # Two examples: (57 + 2·(32 + 12))·4 = 580 bytes.
    assert used == [
        "MACs 21.6% of 1,000",
        "memory of inference 39.5% of 1.02 kB",
        "memory of inference at batch 2 0.1% of 1.00 MB",
        "parameters 50.0% of 114",
    ]


def test_what_changed_since_a_base_comes_first(commit: Callable[..., None]) -> None:
    commit(
        net=NET, same=OTHER, remark=OTHER, old=OTHER, gone=BAD, broke=NET, mended=BAD, family=FAMILY
    )
    write(
        net=WIDER,
        same=OTHER,
        remark=f"# a remark\n{OTHER}",
        moved=OTHER.replace("linear: 5", "linear: 6"),
        new=NET,
        broke=BAD,
        mended=NET,
        family=FAMILY.replace("large: {n: 4}", "huge: {n: 9}"),
    )
    git("add", "-A")
    result = run("--base", "main", ".")
    card = result.stdout

    assert result.exit_code == 1
    assert "Changes are those since <code>main</code>." in card
    found = rows(card.partition("<details><summary>3 networks as before")[0])
    parameters = "**parameters 114.0% of 50**"
    budget = f"{parameters}; MACs 21.6% of 1,000; memory of inference 39.5% of 1.02 kB"
    wider = budget.replace("114.0", "228.0").replace("21.6", "43.2").replace("39.5", "66.4")
    assert found == {
        "broke.yaml; *errors*": ["?", "?", "?", ""],
        "family.yaml#huge; *new*": ["171", "648", "956 B", ""],  # 9·19; 4·9·18; (171 + 32 + 36)·4
        "family.yaml#large; *gone*": ["–", "–", "–", ""],
        "mended.yaml; *errors before*": ["57", "216", "404 B", budget],
        # 8·8 places of 4 weights and a bias, twice; 128·6 + 6. One more output is 129 more weights.
        "moved.yaml; *was old.yaml*": [
            "784; +129 (+19.69%)",
            "1.28 k; +128 (+11.11%)",
            "4.00 kB; +520 B (+14.96%)",
            "",
        ],
        "net.yaml": [  # twice the filters: 2·57 and 2·216; 4·57 + 12·4 more bytes
            "114; +57 (+100.00%)",
            "432; +216 (+100.00%)",
            "680 B; +276 B (+68.32%)",
            wider,
        ],
        "new.yaml; *new*": ["57", "216", "404 B", budget],
        "gone.yaml; *gone*": ["–", "–", "–", ""],
    }
    assert "<summary>net.yaml, layers: 1 changed</summary>" in card
    assert "| ~ | conv1 | conv | filters 3 → 6 | 2×2×3 → 2×2×6 | +57 | +216 |" in card
    before = rows(card.partition("<details><summary>3 networks as before")[2])
    assert before.keys() == {"family.yaml#small", "remark.yaml", "same.yaml"}


def test_memory_that_is_not_known_keeps_no_other_figure_away(commit: Callable[..., None]) -> None:
    recurrent = "input: 9x4\nlayers: [lstm: {features: %d}]\n"
    alone = "input: 4\nlayers: [{batchnorm: {track_running_stats: false}}, linear: %d]\n"
    commit(recurrent=recurrent % 3, alone=alone % 3)
    commit(recurrent=recurrent % 5, alone=alone % 5)
    result = run("--base", "HEAD~1", ".")

    # 4·H·(C + H + 2) of an LSTM: 108 and 220; 2·4 + 4·K + K of the other: 23 and 33.
    shown = rows(result.stdout)
    assert result.exit_code == 0, result.output
    assert shown["recurrent.yaml"][0] == "220; +112 (+103.70%)"
    assert shown["alone.yaml"][0] == "33; +10 (+43.48%)"


def test_where_nothing_changed_the_specs_are_shown(commit: Callable[..., None]) -> None:
    commit(net=NET)
    card = run("--base", "HEAD", "*.yaml").stdout

    assert "No network changed since <code>HEAD</code>." in card
    assert rows(card)["net.yaml"][0] == "57"
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert f"since <code>{head.stdout[:12]}</code>" in run("--base", head.stdout.strip()).stdout


def test_paths_are_those_of_the_working_folder(
    commit: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(net=NET, old=OTHER, gone=NET)
    Path("nets").mkdir()
    for name in ("net", "old", "gone"):
        Path(f"{name}.yaml").rename(f"nets/{name}.yaml")
    git("add", "-A")
    git("commit", "-q", "-m", "two")
    Path("nets/old.yaml").rename("nets/moved.yaml")
    Path("nets/gone.yaml").unlink()
    git("add", "-A")
    monkeypatch.chdir("nets")

    for paths in ((), (".",), (str(Path.cwd()),), ("../nets",), ("*.yaml",)):
        names = {name.split("/")[-1] for name in rows(run("--base", "HEAD", *paths).stdout)}
        assert names >= {"gone.yaml; *gone*"}, paths
    assert "was <code>old.yaml</code>" not in run("--base", "HEAD", "net.yaml").stdout
    assert "No network changed" in run("--base", "HEAD", "net.yaml").stdout


def test_what_would_not_be_checked_is_not_gone(commit: Callable[..., None]) -> None:
    commit(net=NET, draft=OTHER, compose="services: {}\n", left=WIDER)
    write(net=NET)
    card = run("--base", "HEAD", ".", "--exclude", "draft.yaml").stdout

    assert rows(card).keys() == {"left.yaml; *gone*", "net.yaml"}
    assert rows(run("--base", "HEAD", "net.yaml").stdout).keys() == {"net.yaml"}


def test_names_that_are_not_ascii_are_followed(commit: Callable[..., None]) -> None:
    commit(**{"net": NET, 'größe "a"': OTHER, "weg#1": NET})
    write(net=NET, größer=OTHER)
    git("add", "-A")

    assert rows(run("--base", "HEAD").stdout).keys() == {
        "weg#1.yaml; *gone*",
        "net.yaml",
        "größer.yaml; *was größe &#34;a&#34;.yaml*",
    }


def test_what_git_does_not_know_has_no_base(commit: Callable[..., None]) -> None:
    commit(net=NET)
    result = CliRunner().invoke(
        convcalc, ["check", "-f", "card", "--base", "HEAD", "-", "lenet5"], input=NET
    )

    assert "| <code>-</code> | 57 |" in result.stdout
    assert "| <code>lenet5</code> | 61,706 |" in result.stdout  # LeCun et al., 1998, in full


def test_a_file_whose_past_is_unknown_says_why(commit: Callable[..., None]) -> None:
    Path("was.yaml").mkdir()
    Path("was.yaml/inside").touch()
    git("add", "-A")
    git("commit", "-q", "-m", "a folder")
    Path("was.yaml/inside").unlink()
    Path("was.yaml").rmdir()
    write(was=NET, **{"two\nlines": NET})
    found = run("--base", "HEAD", "was.yaml", "two\nlines.yaml")

    assert found.exit_code == 1, found.stderr
    assert "git cannot show was.yaml at HEAD: it is no file there* | 57 | 216 |" in found.stdout
    assert "is no file that git keeps" in found.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--base", "nope"), "--base: git cannot show what was at nope: there is no such revision"),
        (("--base", "-x"), "--base: git cannot show what was at -x: that is no revision"),
        (("--base", "HEAD~9"), "there is no such revision"),
    ],
)
def test_a_base_that_is_none_is_told(
    commit: Callable[..., None], arguments: tuple[str, ...], says: str
) -> None:
    commit(net=NET)
    result = run(*arguments, "--baseline", "known.json", "--update-baseline")

    assert result.exit_code == 2
    assert result.stdout == ""
    assert says in result.stderr
    assert not Path("known.json").exists()  # nothing is written that was asked for in vain


def test_a_base_without_a_card_is_refused(commit: Callable[..., None]) -> None:
    commit(net=NET)
    result = CliRunner().invoke(convcalc, ["check", "--base", "HEAD", "--output", "json:a.json"])

    assert result.exit_code == 2
    assert "--base goes with --output card:FILE, and no card is asked for" in result.stderr


def test_a_shallow_clone_is_told_how_to_get_its_history(
    commit: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(net=NET)
    commit(net=WIDER)
    git("clone", "-q", "--depth", "1", f"file://{tmp_path}", "shallow")
    monkeypatch.chdir("shallow")
    result = run("--base", "HEAD~1")

    assert result.exit_code == 2
    assert "in this shallow clone" in result.stderr
    assert "`fetch-depth: 0` for actions/checkout" in result.stderr


def test_a_card_is_never_longer_than_a_comment_may_be(commit: Callable[..., None]) -> None:
    layers = "  - conv: {filters: 4, kernel: 3, padding: 1}\n" * 300
    many = f"input: 8x8x4\nlayers:\n{layers}"
    commit(**{f"net{number:02}": many for number in range(9)})
    card = run("*.yaml", "--select", "CC3").stdout

    assert 20_000 < len(card) <= format_.MOST < 65_536
    assert "… and 100 layers more." in card
    assert card.endswith(f"\n\n{format_._LEFT_OUT}\n")
    assert card.count("<details") == card.count("</details>") > 1
    assert rows(card).keys() == {f"net{number:02}.yaml" for number in range(9)}


def test_names_are_no_markdown_and_mention_nobody() -> None:
    name = "<b>`@me` a|b_c\n#1.yaml"
    card = format_.render(CheckReport((name,), (), {}, card=Card((Entry(name),))))

    assert (
        "<code>&#60;b&#62;&#96;@me&#96; a&#124;b&#95;c�#1.yaml</code><br>*errors* | ? | ? | ? |  |"
    ) in card


@pytest.mark.parametrize(
    ("used", "shown"),
    [
        (Used("MACs", 999_999, 1_000_000, memory=False), "MACs 100.0% of 1,000,000"),
        (Used("MACs", 1_000_001, 1_000_000, memory=False), "**MACs over 100% of 1,000,000**"),
        (Used("buffers", 0, 0, memory=False), "buffers 0.0% of 0"),
        (Used("buffers", 8, 0, memory=False), "**buffers more of 0**"),
    ],
)
def test_how_much_of_a_budget_is_used(used: Used, shown: str) -> None:
    assert format_._used(used) == shown
