"""`convcalc diff`: what changed, what it costs, and limits on growth."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tabled import tabled

from convcalc.analysis.compare import Change, Comparison, compare
from convcalc.cli import convcalc
from convcalc.formats.diff import DIFF_FORMATS
from convcalc.formats.diff.markdown import render as markdown
from convcalc.graph import load, loads

HEAD = "name: net\ninput: 16x16x3\nlayers:\n"
A = "  - conv: {filters: 4, kernel: 3, padding: 1}\n  - relu\n"
B = "  - conv: {filters: 8, kernel: 3, padding: 1}\n  - relu\n"
TAIL = "  - flatten\n  - linear: 10\n"

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="it is about git")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text(HEAD + A + TAIL)
    (tmp_path / "b.yaml").write_text(HEAD + A + B + TAIL)

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(convcalc, ["diff", *arguments])

    return call


def between(old: str, new: str) -> Comparison:
    return compare(loads(HEAD + old), loads(HEAD + new))


def difference(found: Comparison, name: str) -> int:
    delta = found.total(name)
    assert delta is not None
    return delta.difference


def told(changes: tuple[Change, ...]) -> list[tuple[str, str]]:
    return [(change.status, change.name) for change in changes]


def test_nothing_changed() -> None:
    found = between(A + TAIL, A + TAIL)
    assert found.changes == ()
    assert all(delta.difference == 0 for delta in found.totals)


def test_added_layers_are_not_confused_with_those_they_rename() -> None:
    found = between(A + B + TAIL, B + A + B + TAIL)
    assert told(found.changes) == [
        ("added", "conv1"),
        ("added", "relu1"),
        ("affected", "conv1 → conv2"),
    ]
    assert told(between(B + A + B + TAIL, A + B + TAIL).changes)[0] == ("removed", "conv1")


def test_a_changed_hyperparameter_and_what_it_affects() -> None:
    found = between(A + A + TAIL, A.replace("4,", "6,") + A + TAIL)
    assert told(found.changes) == [
        ("changed", "conv1"),
        ("affected", "relu1"),
        ("affected", "conv2"),
    ]
    assert found.changes[0].fields == (("filters", 4, 6),)
    # Two more filters of 3·9 + 1, and in the next layer 4·2·9 more weights, and none in linear.
    assert difference(found, "parameters") == 2 * 28 + 72


POOLS = """\
  - {maxpool: {kernel: 3, stride: 1, padding: 1}, name: p}
  - {maxpool: {kernel: 3, stride: 1, padding: 1}, name: q}
  - {maxunpool: p, name: back}
"""


def test_another_pool_that_is_undone_is_a_change_and_another_name_of_it_none() -> None:
    (change,) = between(POOLS, POOLS.replace("maxunpool: p", "maxunpool: q")).changes
    assert (change.name, change.fields) == ("back", (("indices", "p", "q"),))

    assert (
        between(
            POOLS,
            POOLS.replace("p,", "r,")
            .replace("name: p}", "name: r}")
            .replace("maxunpool: p", "maxunpool: r"),
        ).changes
        == ()
    )


TWINS = """\
  - {conv: {filters: 3, kernel: 3, padding: 1}, name: a}
  - {conv: {filters: 3, kernel: 3, padding: 1}, name: b}
  - {conv: {filters: 3, kernel: 3, padding: 1}, name: c}
  - add: [[], [from: a]]
"""
SHARING = "name: b, weights: a}"


@tabled(
    ("old", "new", "said"),
    [
        ("name: b}", SHARING, ("b", (None, "a"), None)),
        (SHARING, "name: b}", ("b", ("a", None), None)),
        ("name: c}", "name: c, weights: a}", ("c", (None, "a"), None)),
        ("from: a", "from: b", ("add1", None, (("c", "a"), ("c", "b")))),
        ("name: c}", "name: c, from: a}", ("c", None, (("b",), ("a",)))),
        ("name: b}", "name: b, from: input}", ("b", None, (("a",), ("input",)))),
    ],
)
def test_whose_weights_a_layer_uses_and_what_it_reads_is_told_where_it_changes(
    old: str, new: str, said: tuple[object, ...], run: Callable[..., Result]
) -> None:
    before = TWINS.replace("name: b}", SHARING) if old == SHARING else TWINS
    after = before.replace(old, new)
    (change,) = between(before, after).changes
    assert (change.status, change.name, change.weights, change.reads) == ("changed", *said)
    Path("a.yaml").write_text(HEAD + before)
    Path("b.yaml").write_text(HEAD + after)
    row = next(line for line in run("a.yaml", "b.yaml").stdout.splitlines() if line[:1] == "~")
    layer = json.loads(run("a.yaml", "b.yaml", "--format", "json").stdout)["layers"][0]
    if change.weights:
        assert f"weights {' → '.join(each or 'its own' for each in change.weights)}" in row
        assert layer["shared_with"] == [*change.weights]
        assert "shared_with" in run("a.yaml", "b.yaml", "--format", "csv").stdout
    if change.reads:
        assert f"reads {' → '.join(map(', '.join, change.reads))}" in row
        assert layer["inputs"] == [*map(list, change.reads)]


def test_what_is_called_otherwise_or_put_between_is_told_by_itself_alone() -> None:
    shared = TWINS.replace("name: b}", SHARING)
    for change, status in (
        (("  - {conv", "  - relu\n  - {conv", 1), "added"),
        (("  - add", "  - relu\n  - add", 1), "added"),
    ):
        assert [one.status for one in between(shared, shared.replace(*change)).changes] == [status]
    unnamed = "  - conv: {filters: 3, kernel: 3, padding: 1}\n"
    repeated = "  - {conv: {filters: 3, kernel: 1}, repeat: 3, shared: true}\n"
    found = between(repeated, unnamed + repeated)  # conv1 is conv2 now, and the owner
    assert told(found.changes) == [("added", "conv1")]


def test_another_kind_in_the_same_place() -> None:
    found = between("  - relu\n", "  - gelu\n")
    assert sorted(told(found.changes)) == [("added", "gelu1"), ("removed", "relu1")]


def test_known_networks() -> None:
    found = compare(load("vgg16"), load("vgg19"))
    assert [status for status, _ in told(found.changes)] == ["added"] * 6
    assert difference(found, "parameters") == 143_667_240 - 138_357_544


def test_long_networks_are_matched_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convcalc.analysis.compare.MAX_ALIGNED", 2)
    found = between(A + TAIL, A + B + TAIL)
    assert ("added", "conv2") in told(found.changes)


def test_the_table(run: Callable[..., Result]) -> None:
    result = run("a.yaml", "b.yaml")
    assert result.exit_code == 0
    assert result.stdout == (
        "net (a.yaml → b.yaml)\n"
        "\n"
        "   Layer     Kind     Hyperparameters  Output       Parameters     MACs\n"
        "+  conv2     conv                      16×16×8            +296  +73,728\n"
        "+  relu2     relu                      16×16×8               0        0\n"
        "·  flatten1  flatten                   1024 → 2048           0        0\n"
        "·  linear1   linear                    10              +10,240  +10,240\n"
        "\n"
        "                     Old      New  Difference\n"
        "Parameters        10,362   20,898     +10,536  +101.68%\n"
        "Buffers                0        0           0\n"
        "MACs              37,888  121,856     +83,968  +221.62%\n"
        "Activations        1,802    3,850      +2,048  +113.65%\n"
        "Inference bytes   48,656   98,952     +50,296  +103.37%\n"
        "Training bytes    97,824  197,312     +99,488  +101.70%\n"
        "Receptive field      3×3      5×5     changed\n"
        "Input            16×16×3  16×16×3\n"
        "Output                10       10\n"
    )


def test_markdown_is_a_comment(run: Callable[..., Result]) -> None:
    shown = run("a.yaml", "b.yaml", "--format", "markdown").stdout
    assert "| Parameters | 10,362 | 20,898 | +10,536 | +101.68% |" in shown
    assert "<details><summary>Layers: 2 added, 2 affected</summary>" in shown
    assert "No layer changed." in run("a.yaml", "a.yaml", "--format", "markdown").stdout


def test_markdown_lists_no_more_than_a_comment_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convcalc.formats.diff.markdown.MAX_ROWS", 1)
    assert "… and 3 layers more." in markdown(between(A + TAIL, A + B + TAIL))


def test_json(run: Callable[..., Result]) -> None:
    value = json.loads(run("a.yaml", "b.yaml", "--format", "json").stdout)
    assert value["schema"] == 1
    assert value["totals"]["parameters"]["difference"] == 10_536
    assert [layer["status"] for layer in value["layers"]] == [
        "added",
        "added",
        "affected",
        "affected",
    ]
    assert value["new"]["receptive_field"] == [5, 5]
    assert value["layers"][0]["old"] is None


@pytest.mark.parametrize("name", DIFF_FORMATS)
def test_the_exit_code_never_depends_on_the_format(run: Callable[..., Result], name: str) -> None:
    assert run("a.yaml", "b.yaml", "--format", name).exit_code == 0
    limit = ("--fail-on-increase", "parameters=1%")
    assert run("a.yaml", "b.yaml", "--format", name, *limit).exit_code == 1


@tabled(
    ("limit", "expected"),
    [
        ("parameters=1%", 1),
        ("parameters=102%", 0),
        ("parameters=101.67%", 1),
        ("parameters=10536", 0),
        ("parameters=10.5K", 1),
        ("buffers=0%", 0),
        ("macs=0", 1),
        ("activation-bytes=1M", 0),
        ("memory=100%", 1),
        ("training-memory=102%", 0),
        ("largest-tensor=99%", 1),  # 16·16·4 and 16·16·8 values
        ("largest_tensor=1023", 1),
        ("largest_tensor=1024", 0),
        ("macs=1e6", 0),
        ("macs=8.3968e4", 0),
        ("macs=8.3967E+4", 1),
    ],
)
def test_limits_on_growth(run: Callable[..., Result], limit: str, expected: int) -> None:
    result = run("a.yaml", "b.yaml", "--fail-on-increase", limit)
    assert result.exit_code == expected
    assert run("b.yaml", "a.yaml", "--fail-on-increase", limit).exit_code == 0
    if limit == "parameters=1%":
        assert result.stderr == (
            "convcalc: b.yaml: parameters grew by 10,536 (101.68%), and 1% is allowed\n"
        )


@pytest.mark.parametrize(
    ("arguments", "says", "expected"),
    [
        (["a.yaml"], "name OLD and NEW, or --git REV and a SPEC", 2),
        (["a.yaml", "b.yaml", "--fail-on-increase", "speed=1%"], "is not NAME=LIMIT", 2),
        (["a.yaml", "b.yaml", "--fail-on-increase", "macs=much"], "is not NAME=LIMIT", 2),
        (["a.yaml", "b.yaml", "--fail-on-increase", "macs=5MB"], "write macs=5M", 2),
        (["a.yaml", "b.yaml", "--fail-on-increase", "macs=300B"], "write macs=300G", 2),
        (["a.yaml", "none.yaml"], "CC101", 2),
        (["a.yaml", "bad.yaml"], "CC301", 1),
        (["--git", "-x", "a.yaml"], "'-x' is no revision", 2),
        (["--git", "v1...v2", "a.yaml"], "has three dots: two revisions are written v1..v2", 2),
        (["--git", "main", "."], ". is a folder: name the specs in it, such as ./*.yaml", 2),
        (["--git", "main", "-"], "'-' is no file that git keeps", 2),
        (["-", "-"], "standard input can be read once, and - is given twice", 2),
        (["--git", "HEAD", "a.yaml"], "git cannot look into this folder: not a git repo", 2),
    ],
)
def test_what_cannot_be_compared(
    run: Callable[..., Result], tmp_path: Path, arguments: list[str], says: str, expected: int
) -> None:
    stride = "  - conv: {filters: 9, kernel: 3, stride: 2}\n"
    (tmp_path / "bad.yaml").write_text(HEAD + stride)
    result = run(*arguments)
    assert result.exit_code == expected
    assert says in result.stderr


@pytest.fixture
def git(tmp_path: Path) -> Callable[..., None]:
    """Runs git in the folder, which is a repository."""

    def call(*arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", "-C", str(tmp_path), *identity, *arguments], check=True)

    call("init", "-q", "-b", "main")
    return call


@needs_git
def test_since_a_git_revision(
    run: Callable[..., Result], git: Callable[..., None], tmp_path: Path
) -> None:
    (tmp_path / "sub").mkdir()
    net = tmp_path / "sub" / "net.yaml"
    family = "parameters: {n: }\npresets: {small: {n: 4}}\n"
    net.write_text(HEAD + A + TAIL)
    (tmp_path / "family.yaml").write_text(family + HEAD + A.replace("4,", "n,"))
    git("add", "-A")
    git("commit", "-q", "-m", "first")
    net.write_text(HEAD + A + B + TAIL)
    result = run("--git", "main", "sub/net.yaml", "--format", "json")
    assert result.exit_code == 0
    value = json.loads(result.stdout)
    assert value["old"]["spec"] == "sub/net.yaml@main"
    assert value["totals"]["parameters"]["difference"] == 10_536
    assert run("--git", "main", "family.yaml#small").exit_code == 0
    several = json.loads(run("--git", "HEAD", "sub/net.yaml", "a.yaml", "--format", "json").stdout)
    assert len(several) == 2
    missing = run("--git", "nope", "sub/net.yaml")
    assert missing.exit_code == 2
    assert "git cannot show sub/net.yaml at nope" in missing.stderr


@needs_git
def test_between_two_git_revisions(
    run: Callable[..., Result], git: Callable[..., None], tmp_path: Path
) -> None:
    net = tmp_path / "sub" / "net.yaml"
    net.parent.mkdir()
    for text in (A, A + B):
        net.write_text(HEAD + text + TAIL)
        git("add", "-A")
        git("commit", "-q", "-m", "one")
    net.write_text("no spec")
    for revisions in ("HEAD~1..HEAD", "HEAD~1..", "main~..main"):
        value = json.loads(run("--git", revisions, "sub/net.yaml", "--format", "json").stdout)
        assert value["totals"]["parameters"]["difference"] == 10_536
    assert value["new"]["spec"] == "sub/net.yaml@main"
    shutil.rmtree(net.parent)
    assert run("--git", "HEAD~1..HEAD", "sub/net.yaml").exit_code == 0
    nowhere = run("--git", "HEAD~1..HEAD", "sub/none.yaml")
    assert nowhere.exit_code == 2
    assert "git cannot show sub/none.yaml at HEAD~1: there is no such file" in nowhere.stderr


@needs_git
def test_of_a_spec_that_is_new_all_is_added(
    run: Callable[..., Result], git: Callable[..., None], tmp_path: Path
) -> None:
    git("add", "a.yaml")
    git("commit", "-q", "-m", "one")
    limit = ("--fail-on-increase", "parameters=1%")
    result = run("--git", "main", "b.yaml", "a.yaml", *limit)
    assert result.exit_code == 0
    assert "+  conv1 " in result.stdout
    assert re.search(r"Parameters +0 +20,898 +\+20,898 +new", result.stdout)
    assert result.stderr == (
        "convcalc: b.yaml is not in main: all of it is new, "
        "and limits on growth are not held against it\n"
    )
    value = json.loads(run("--git", "main", "b.yaml", "--format", "json").stdout)
    assert {layer["status"] for layer in value["layers"]} == {"added"}
    assert value["old"] | {"layers": 0, "spec": "b.yaml@main"} == value["old"]
    for spec, says in (("none.yaml", "there is no such file"), ("vgg16", "there is no such file")):
        missing = run("--git", "main", spec)
        assert missing.exit_code == 2
        assert says in missing.stderr
    (tmp_path / "b.yaml").write_text(HEAD + "  - conv: {filters: 9, kernel: 3, stride: 2}\n")
    assert run("--git", "main", "b.yaml").exit_code == 1


@needs_git
@pytest.mark.parametrize("spec", ["b.yaml", "family.yaml#large"])
@pytest.mark.parametrize("kind", ["between", "since"])
def test_what_only_one_side_has_is_all_new_or_all_gone(
    run: Callable[..., Result], git: Callable[..., None], tmp_path: Path, spec: str, kind: str
) -> None:
    """A file and a member of a family, between two revisions and since one, and in both ways."""
    between = kind == "between"
    family = "parameters: {n: 4}\npresets: {small: {n: 2}PRESET}\n" + HEAD + A.replace("4,", "n,")
    texts = {
        "with": {
            "b.yaml": HEAD + A + TAIL,
            "family.yaml": family.replace("PRESET", ", large: {n: 8}"),
        },
        "without": {"a.yaml": HEAD + A, "family.yaml": family.replace("PRESET", "")},
    }
    for name, files in texts.items():
        git("checkout", "-q", "--orphan", name)
        for path in tmp_path.glob("*.yaml"):
            path.unlink()
        for file, text in files.items():
            (tmp_path / file).write_text(text)
        git("add", "-A")
        git("commit", "-q", "-m", name)
    for old, new in (("without", "with"), ("with", "without")):
        git("checkout", "-q", "with" if between else new)
        limit = ("--fail-on-increase", "parameters=1%", "--format", "json")
        result = run("--git", f"{old}..{new}" if between else old, spec, *limit)
        assert result.exit_code == 0, result.stderr
        value = json.loads(result.stdout)
        fresh = new == "with"
        assert {layer["status"] for layer in value["layers"]} == {"added" if fresh else "removed"}
        delta = value["totals"]["parameters"]
        assert delta["old" if fresh else "new"] == 0
        assert delta["difference"] * (1 if fresh else -1) > 0
        where = f"in {old if fresh else new}" if fresh or between else "there any more"
        said = f"convcalc: {spec} is not {where}: all of it is {'new' if fresh else 'gone'}"
        assert result.stderr.startswith(said)
        for name in ("table", "markdown"):
            shown = run("--git", f"{old}..{new}" if between else old, spec, "--format", name)
            assert shown.exit_code == 0
    both = run("--git", "with..without" if between else "with", "family.yaml#huge")
    assert both.exit_code == 2
    assert "there is no preset `huge`" in both.stderr


@needs_git
def test_a_shallow_clone_is_named_where_it_lacks_a_revision(
    run: Callable[..., Result],
    git: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(2):
        (tmp_path / "b.yaml").write_text(HEAD + A * number + TAIL)
        git("add", "-A")
        git("commit", "-q", "-m", str(number))
    git("branch", "other")
    clone = tmp_path / "clone"
    git("clone", "-q", "--depth", "1", tmp_path.as_uri(), str(clone))
    monkeypatch.chdir(clone)
    for revision in ("HEAD~1", "other", "HEAD..HEAD~1"):
        result = run("--git", revision, "b.yaml")
        assert result.exit_code == 2
        assert (
            "there is no such revision in this shallow clone; fetch the history: " in result.stderr
        )
        assert "`fetch-depth: 0`" in result.stderr
    assert run("--git", "HEAD", "b.yaml").exit_code == 0
    monkeypatch.chdir(tmp_path)
    assert "shallow" not in run("--git", "nope", "b.yaml").stderr


@needs_git
def test_links_are_followed_in_git_too(
    run: Callable[..., Result], git: Callable[..., None], tmp_path: Path
) -> None:
    try:
        (tmp_path / "link.yaml").symlink_to("a.yaml")
    except OSError:
        pytest.skip("links need a right here")
    git("add", "-A")
    git("commit", "-q", "-m", "one")
    (tmp_path / "a.yaml").write_text(HEAD + A + B + TAIL)
    value = json.loads(run("--git", "main", "link.yaml", "--format", "json").stdout)
    assert value["totals"]["parameters"]["difference"] == 10_536


def test_nothing_trains_in_int8(run: Callable[..., Result]) -> None:
    shown = run("a.yaml", "b.yaml", "--dtype", "int8")
    assert "Inference bytes" in shown.stdout
    assert "Training bytes" not in shown.stdout
    limit = ("--fail-on-increase", "training_memory=1%")
    asked = run("a.yaml", "b.yaml", "--dtype", "int8", *limit)
    assert asked.exit_code == 2
    assert "there is no training memory for this data type" in asked.stderr


def test_only_memory_may_grow_by_bytes(run: Callable[..., Result]) -> None:
    for name in ("memory", "training_memory", "activation_bytes"):
        assert run("a.yaml", "b.yaml", "--fail-on-increase", f"{name}=9GB").exit_code == 0


@pytest.mark.parametrize(
    ("layers", "why"),
    [
        ("input: 6\nlayers: [{linear: %d}, batchnorm]\n", "cannot be trained on a batch of 1"),
        ("input: 12x6\nlayers: [{gru: %d}]\n", "what PyTorch keeps of a gru"),
        ("input: 12x6\nlayers: [{lstm: %d}]\n", "what PyTorch keeps of an lstm"),
    ],
)
def test_what_is_not_known_is_not_compared_and_said(
    layers: str, why: str, run: Callable[..., Result]
) -> None:
    Path("a.yaml").write_text(layers % 4)
    Path("b.yaml").write_text(layers % 5)

    result = run("a.yaml", "b.yaml", "--format", "json")
    assert result.exit_code == 0
    assert "training_memory" not in json.loads(result.stdout)["totals"]
    assert "training memory is not compared: a.yaml:2:" in result.stderr
    assert why in result.stderr

    limited = run("a.yaml", "b.yaml", "--fail-on-increase", "training_memory=1%")
    assert limited.exit_code == 2
    assert "the training memory cannot be held to 1%: a.yaml:2:" in limited.stderr


def test_what_is_frozen_now_is_a_change_of_the_layers_whose_weights_it_is() -> None:
    group = "  - layers: [conv: {filters: 4, kernel: 3}, relu]\n    name: g\n"
    pair = "  - {from: g, conv: {filters: 4, kernel: 1}, name: one}\n"
    pair += "  - {conv: {filters: 4, kernel: 1}, name: two, weights: one}\n"
    old = group + pair + TAIL
    new = group + "    frozen: true\n" + pair.replace("name: one", "name: one, frozen: true") + TAIL
    found = between(old, new)
    assert told(found.changes) == [("changed", "g.conv1"), ("changed", "one")]
    assert {change.fields for change in found.changes} == {(("frozen", False, True),)}
    assert {change.fields for change in between(new, old).changes} == {(("frozen", True, False),)}
    assert "frozen false → true" in markdown(found)


def test_what_is_written_otherwise_is_a_change_where_both_say_how_it_is_written() -> None:
    layers = "  - relu\n  - {relu: , name: last}\n" + TAIL
    of_one, of_all = "written: {last: method}\n", "written: {relu: function}\n"
    changes = between(layers + of_one, layers + of_all).changes
    assert told(changes) == [("changed", "relu1"), ("changed", "last")]
    assert [change.fields for change in changes] == [
        (("written", "module", "function"),),
        (("written", "method", "function"),),
    ]
    assert between(layers, layers + of_all).changes == ()
    assert between(layers + of_one, layers + of_one).changes == ()


@tabled(
    ("old", "new", "wanted"),
    [
        ("[p]", "[p]", []),
        ("[p]", "[q]", [("p", ("output", True, False)), ("q", ("output", False, True))]),
        ("[p]", "[p, q]", [("q", ("output", False, True))]),
        ("", "[q]", []),
        ("", "[p, q]", [("p", ("output", False, True))]),
    ],
)
def test_layers_that_became_or_were_outputs_are_told(old: str, new: str, wanted: object) -> None:
    head = "input: 4x4x3\nlayers: [{relu: , name: p}, {tanh: , name: q}]\n"
    one, other = (loads(head + (f"outputs: {text}\n" if text else "")) for text in (old, new))
    found = compare(one, other)

    assert [(change.name, *change.fields) for change in found.changes] == wanted


def test_an_output_that_is_called_otherwise_with_its_layer_is_the_same() -> None:
    one, other = (
        loads(f"input: 4x4x3\noutputs: [{name}]\nlayers: [{{relu: , name: {name}}}, tanh]\n")
        for name in ("p", "q")
    )

    assert compare(one, other).changes == ()
