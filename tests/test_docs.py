"""What the documentation shows is run, and what it lists is made from the code.

Every fenced block of the README, CONTRIBUTING and docs/*.md has a language that says what is done
with it; files are kept for the blocks behind them in the same page:

- ```` ```yaml [net.yaml] [CC301 …] ```` is a spec; `convcalc check` fails with exactly these codes
  (none: it passes). `fragment` in place of a name: YAML that is no whole spec.
- ```` ```console [width=120] ```` has lines `$ convcalc …` with what they print; a line `…` leaves
  out some. The terminal is 100 characters wide unless said otherwise.
- ```` ```python ```` is a doctest.
- ```` ```json [net.json] ```` and ```` ```toml ```` are read; `sh` and `text` are not run.

`CONVCALC_UPDATE=1 python -m pytest tests/test_docs.py` writes what is generated or printed anew.
"""

import contextlib
import difflib
import doctest
import io
import json
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest
import yaml
from conventions import FAULTS, GOLDEN, SINGLE
from formatted import FORMATTED
from paths import ROOT
from tabled import tabled

from convcalc.analysis.conventions import CONVENTIONS, count
from convcalc.analysis.conventions import tables as tool_tables
from convcalc.analysis.conventions.terms import Term
from convcalc.analysis.memory import GPUS
from convcalc.analysis.memory.boards import BOARDS
from convcalc.analysis.reference import DESCRIBED, describe
from convcalc.checks.formats import CHECK_FORMATS
from convcalc.checks.run import Task, check_file
from convcalc.cli import COMMANDS, convcalc
from convcalc.diagnostics import Diagnostic
from convcalc.findings import MAX_FINDINGS
from convcalc.formats import FORMATS
from convcalc.formats.columns import COLUMNS, DEFAULT_COLUMNS
from convcalc.formats.kinds.markdown import render as render_kinds
from convcalc.formats.memory import MEMORY_FORMATS
from convcalc.formats.summaries import DEFAULT_SUMMARY_COLUMNS, SUMMARY_COLUMNS
from convcalc.graph import MAX_RANK, MAX_VALUES, loads
from convcalc.layers import CATALOGUE, layer_class
from convcalc.layers.base import MAX_NUMBER, MAX_WHOLE, declarations
from convcalc.layers.letters import lettered
from convcalc.layers.written import WORDS, kinds_with, usual
from convcalc.reasons import filled, formula, named
from convcalc.rules.page import pages
from convcalc.shape import Shape
from convcalc.spec import (
    expand,
    expressions,
    nodes,
    promises,
    source,
    swept,
    syntax,
    tree,
    values,
)
from convcalc.spec.schema import spec_schema
from convcalc.window import MOST

DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.glob("*.md")])
TAUGHT = [page for page in PAGES if page.name != "rules.md"]
"""Pages whose specs say by themselves what they are; those of the rules have tests of their own."""
UPDATE = bool(os.environ.get("CONVCALC_UPDATE"))
WIDTH = "100"
MANY_KINDS = 12
"""Kinds that a table does not name."""
LANGUAGES = {"yaml", "console", "python", "json", "toml", "sh", "text", "markdown"}

_FENCE = re.compile(r"^( *)(`{3,})(\w*)([^\n]*)\n(.*?)^\1\2$", re.MULTILINE | re.DOTALL)
_GENERATED = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end of generated -->)", re.DOTALL)
_RULE = re.compile("─+")
_ROUNDING = re.compile(r"\b[1-9](?:\.\d)?e-(?:0[6-9]|1\d)\b")
"""A difference that is nothing but rounding, whose digits are the processor's."""
_CHECKED = re.compile(r"^\| Expression \| Value \|.*\n\|[-:| ]+\n((?:\|.*\n)+)", re.MULTILINE)


class Block(NamedTuple):
    """A fenced block."""

    language: str
    words: tuple[str, ...]
    text: str
    start: int
    """Offset of its text in the page."""
    line: int


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for match in _FENCE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield Block(match[3], tuple(match[4].split()), match[5], match.start(5), line)


def run(command: str) -> str:
    """What a command line prints: its output, then its findings."""
    words = shlex.split(command)
    given = b""
    if "<" in words:
        *words, _, name = words
        given = Path(name).read_bytes()
    assert words.pop(0) == "convcalc", f"only convcalc is run, and this is {command}"
    out, err = io.StringIO(), io.StringIO()
    stdin, code = sys.stdin, 0
    sys.stdin = io.TextIOWrapper(io.BytesIO(given))
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            convcalc(words, prog_name="convcalc")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdin = stdin
    failed = "error[" in err.getvalue() or err.getvalue().startswith("Usage:")
    # By `convcalc check`, which shows them there, and does not fail for notes.
    failed = failed or bool(re.search(r"^Found .*(error|warning)", out.getvalue(), re.MULTILINE))
    assert bool(code) == failed, f"{command} exits with {code} and says {err.getvalue()!r}"
    return out.getvalue() + err.getvalue()


def same_but(shown: list[str], printed: list[str]) -> list[str]:
    """What was printed, less the lines that the page leaves out with `…`, once or several times.

    Where only the digits of a rounding differ, they stay the page's: another processor adds up in
    another order.
    """
    by_value = {_ROUNDING.sub("~", line): line for line in shown}
    printed = [by_value.get(_ROUNDING.sub("~", line), line) for line in printed]
    if "…" not in shown:
        return printed
    if shown.count("…") > 1 and _has_in_order(printed, shown):
        return shown
    before, after = shown.index("…"), len(shown) - shown.index("…") - 1
    assert before + after <= len(printed), "the page shows more lines than are printed"
    return [*printed[:before], "…", *printed[len(printed) - after :]]


def _has_in_order(printed: list[str], shown: list[str]) -> bool:
    """Whether the stretches between the lines `…` are all in what was printed, in their order."""
    first, *stretches, last = (
        part.split("\n") if part else []
        for part in re.split(r"\n?^…$\n?", "\n".join(shown), flags=re.MULTILINE)
    )
    if printed[: len(first)] != first or printed[len(printed) - len(last) :] != last:
        return False
    at = len(first)
    for stretch in stretches:
        places = range(at, len(printed) - len(last) - len(stretch) + 1)
        found = next((one for one in places if printed[one : one + len(stretch)] == stretch), None)
        if found is None:
            return False
        at = found + len(stretch)
    return True


def test_stretches_between_gaps_are_all_asked_for() -> None:
    printed = ["a", "b", "c", "d", "e"]

    for shown in (["a", "…", "c", "…"], ["…", "b", "c", "…", "e"]):
        assert same_but(shown, printed) == shown
    for wrong in (["a", "…", "x", "…"], ["…", "c", "…", "b", "…"], ["…", "b", "…", "d"]):
        assert same_but(wrong, printed) != wrong


def test_digits_of_a_rounding_are_the_processors_and_no_others() -> None:
    shown = ["differs by up to 9.8e-07", "eps 1.0"]

    assert same_but(shown, ["differs by up to 8.2e-07", "eps 1.0"]) == shown
    for wrong in ("differs by up to 8.2e-05", "differs by up to 0", "differs by up to nan"):
        assert same_but(shown, [wrong, "eps 1.0"]) != shown
    assert same_but(shown, ["differs by up to 9.8e-07", "eps 2.0"]) != shown


def played(block: Block) -> str:
    """The block with what its commands print now."""
    widths = [word[6:] for word in block.words if word.startswith("width=")]
    os.environ["COLUMNS"] = widths[0] if widths else WIDTH
    result = []
    for part in re.split(r"^(?=\$ )", block.text, flags=re.MULTILINE):
        if not part:
            continue
        first, *shown = part.rstrip("\n").split("\n")
        blank = part[len(part.rstrip("\n")) + 1 :]
        printed = [line.rstrip() for line in run(first[2:]).rstrip("\n").split("\n")]
        result.append("\n".join([first, *same_but(shown, printed)]).rstrip() + "\n" + blank)
    return "".join(result)


def compare(page: Path, text: str, now: str) -> None:
    """Fail where a page is not what it should be now, or write it anew."""
    if UPDATE:
        page.write_text(now, encoding="utf-8")
    elif _RULE.sub("─", now) != _RULE.sub("─", text):  # rich 13 draws them one longer than 14
        titles = (f"{page.name} shows", "it should show")
        lines = difflib.unified_diff(text.split("\n"), now.split("\n"), *titles, lineterm="")
        pytest.fail("\n".join([*lines, "", "CONVCALC_UPDATE=1 writes it anew."]), pytrace=False)


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder of its own, a width of 100 and no colours."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", WIDTH)
    for name in ("FORCE_COLOR", "NO_COLOR", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)


def kept(block: Block) -> bool:
    """Whether blocks behind it find it: a spec, or JSON or a text with a name."""
    named = block.language in ("json", "text") and bool(block.words)
    return named or (block.language == "yaml" and "fragment" not in block.words)


def save(block: Block) -> str:
    """Write a spec to where the blocks behind it find it."""
    names = [word for word in block.words if "." in word]
    path = Path(names[0] if names else "unnamed.yaml")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.text, encoding="utf-8")
    return str(path)


def codes(found: tuple[Diagnostic, ...]) -> list[str]:
    return sorted({diagnostic.code for diagnostic in found})


@tabled("page", PAGES, ids=lambda page: page.name)
def test_every_block_says_what_it_is(page: Path) -> None:
    unknown = [block.line for block in blocks(page) if block.language not in LANGUAGES]

    assert not unknown, f"{page.name}: lines {unknown} open a block of no known language"


@pytest.mark.parametrize("page", TAUGHT, ids=lambda page: page.name)
def test_specs_have_the_findings_that_they_say(page: Path) -> None:
    wrong = []
    for block in blocks(page):
        if block.language != "yaml":
            continue
        if "fragment" in block.words:
            loaded(block.text)
            continue
        named = sorted(word for word in block.words if re.fullmatch(r"CC\d{3}", word))
        found = check_file(save(block), Task()).diagnostics
        failing = tuple(item for item in found if item.severity != "note")
        if codes(failing) != named:
            texts = [f"{item.code} {item.message}" for item in failing]
            wrong.append(f"{page.name}:{block.line} says {named}, and finds {texts}")

    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_print_what_is_shown(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    found = []
    for block in blocks(page):
        if kept(block):
            save(block)
        elif block.language == "console":
            found.append((block, played(block)))
    now = text
    for block, printed in reversed(found):
        now = now[: block.start] + printed + now[block.start + len(block.text) :]
    compare(page, text, now)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_gives_what_is_shown(page: Path) -> None:
    names: dict[str, Any] = {}
    parser, output = doctest.DocTestParser(), io.StringIO()
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    for block in blocks(page):
        if kept(block):
            save(block)
        elif block.language == "python" and not block.words:  # else a file that a test writes
            assert ">>>" in block.text, f"{page.name}:{block.line} shows no result"
            test = parser.get_doctest(block.text, names, page.name, str(page), block.line)
            runner.run(test, out=output.write, clear_globs=False)
            names.update(test.globs)

    assert not runner.failures, output.getvalue()


@tabled("page", PAGES, ids=lambda page: page.name)
def test_other_blocks_can_be_read(page: Path) -> None:
    for block in blocks(page):
        if block.language == "json":
            json.loads(block.text)
        elif block.language == "toml" and sys.version_info >= (3, 11):
            import_module("tomllib").loads(block.text)


@tabled("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", _FENCE.sub("", text)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, heading = target.partition("#")
        file = page.parent / path if path else page
        assert file.exists(), f"{page.name} links to {target}"
        if heading:
            titles = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
            assert heading in anchors, f"{page.name} links to {target}"


def test_contents_of_a_page_name_its_parts_in_order() -> None:
    pages = 0
    for page in PAGES:
        text = _FENCE.sub("", page.read_text(encoding="utf-8"))
        before, *_ = text.partition("\n## ")
        contents = re.findall(r"^- \[(.+)\]\(#", before, re.MULTILINE)
        if contents:
            pages += 1
            assert contents == re.findall(r"^## (.+)$", text, re.MULTILINE), page.name
    assert pages


# What is made from the code


def table(*rows: tuple[str, ...]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|" + "|".join(" --- " for _ in rows[0]) + "|")
    return "\n".join(lines)


def cell(text: str) -> str:
    return text.replace("|", "\\|")


def gpus() -> str:
    """What every card counts as, and where that is from."""
    rows = []
    for name, gpu in GPUS.items():
        counts = f"{gpu.bytes / 2**30:.2f}"
        span = "none found: 0.96 of nominal"
        if gpu.reported:
            span = counts if gpu.least == gpu.most else f"{gpu.least} to {gpu.most}"
        source = f"[{gpu.source}]({gpu.url})" if gpu.source else ""
        rows.append((f"`{name}`", counts, str(gpu.nominal), span, source))
    return table(("`--limit`", "GiB", "Nominal", "Published totals, GiB", "Source"), *rows)


def documented(docs: dict[str, str], first: str) -> str:
    return table((first, "What it holds"), *((f"`{key}`", doc) for key, doc in docs.items()))


def forms() -> str:
    used = {each.form for kind in CATALOGUE for each in declarations(layer_class(kind)).values()}
    rows = ((form, text) for form, text in values.FORM_TEXTS.items() if form in used - {"choice"})
    return table(("Form", "Written as"), *rows)


def kinds() -> str:
    links = " · ".join(f"[`{kind}`](#{kind})" for kind in DESCRIBED)
    return f"{links}\n\n{render_kinds([describe(kind) for kind in DESCRIBED])}".rstrip()


def functions() -> str:
    rows = ((f"`{cell(form)}`", cell(doc)) for form, doc in expressions.FUNCTIONS.values())
    return table(("Function", "Value"), *rows)


def limits() -> str:
    return table(
        ("Limit", "Value"),
        ("Size of the text", f"{source.MAX_BYTES // 2**20} MiB"),
        ("Lists and mappings inside one another", f"{nodes.MAX_DEPTH}"),
        ("Values in one text", f"{source.MAX_NODES:,}"),
        ("Layers of a network", f"{expand.MAX_LAYERS:,}"),
        ("Layers times inputs, of several inputs", f"{expand.MAX_PAIRS:,}"),
        ("Items, calls and rounds written out", f"{expand.MAX_STEPS:,}"),
        ("Blocks, groups and branches inside one another", f"{expand.MAX_CALLS}"),
        ("Spatial axes", f"{MAX_RANK}"),
        ("An extent of the input, and a whole number in a field", f"{MAX_WHOLE:,}"),
        ("Any other number in a field", f"{MAX_NUMBER:.10g}, the largest float32"),
        (
            "Receptive field and effective stride; beyond, they stay there",
            f"2^{MOST.bit_length() - 1}",
        ),
        ("Values of one tensor", f"2^{MAX_VALUES.bit_length() - 1}"),
        ("Characters of an expression", f"{expressions.MAX_LENGTH:,}"),
        ("Parentheses and calls inside one another", f"{expressions.MAX_DEPTH}"),
        ("An integer, written or computed", "±10^18"),
        ("Findings that are kept for one text", f"{MAX_FINDINGS:,}"),
    )


def found_codes() -> str:
    early = [page for code, page in pages().items() if code < "CC4"]
    rows = (
        (f"[`{page.code}`](rules.md#{page.code.lower()})", page.severity, page.summary)
        for page in early
    )
    return table(("Code", "Severity", "What it says"), *rows)


def columns() -> str:
    usual = ((f"`{name}`", column.doc) for name, column in COLUMNS.items())
    shown = ("yes" if name in DEFAULT_COLUMNS else "" for name in COLUMNS)
    rows = [(*row, flag) for row, flag in zip(usual, shown, strict=True)]
    return table(("Column", "What it holds", "Shown by default"), *rows)


def summary_columns() -> str:
    shown = ("yes" if name in DEFAULT_SUMMARY_COLUMNS else "" for name in SUMMARY_COLUMNS)
    rows = (
        (f"`{name}`", column.doc, flag)
        for (name, column), flag in zip(SUMMARY_COLUMNS.items(), shown, strict=True)
    )
    return table(("Column", "What it holds", "Shown by default"), *rows)


def commands() -> str:
    parts: list[str] = []
    for name in ("", *COMMANDS):
        words = ["convcalc", *filter(None, [name])]
        command = " ".join([*words, "--help"])
        parts.append(f"## {' '.join(words)}\n\n```console\n$ {command}\n{run(command)}```")
    return "\n\n".join(parts)


FORMULAS: dict[str, tuple[str, dict[str, Any], int]] = {
    "a stride that tiles the input": ("conv", {"stride": 2}, 225),
    "dilation": ("conv", {"dilation": 2}, 225),
    "other padding before than behind": ("conv", {"padding": ((1, 2),)}, 224),
    "`rounding: floor`, a stride that does not tile it": (
        "conv",
        {"stride": 2, "rounding": "floor"},
        224,
    ),
    "`rounding: ceil`, the same": ("maxpool", {"stride": 2, "rounding": "ceil"}, 224),
    "`padding: same`": ("conv", {"stride": 2, "padding": "same"}, 225),
    "transposed": ("conv_transpose", {"stride": 2, "padding": 1, "output_padding": 1}, 225),
}
"""What the number of outputs is in case of what: a kind, its fields, and an extent W."""


def formulas() -> str:
    rows = []
    for case, (kind, hyperparameters, size) in FORMULAS.items():
        filters = {"filters": 8} if "conv" in kind else {}
        make: Any = layer_class(kind)
        layer = lettered(make(kernel=3, **filters, **hyperparameters))
        outputs = layer.plan([Shape(3, (named(size, "W"),))]).output.spatial[0]
        rows.append((case, formula(outputs), f"{filled(outputs)} = {int(outputs)}"))
    return table(("Case", "Number of outputs", "For example"), *rows)


def storage() -> str:
    titles = {
        "own": "storage of its own",
        "in_place": "its input's, overwritten",
        "view": "a view of its input",
    }
    rows = []
    for storage, title in titles.items():
        found = [f"`{kind}`" for kind in CATALOGUE if layer_class(kind).storage == storage]
        rows.append((title, ", ".join(found)))
    return table(("Where the output lives", "Kinds"), *rows)


def boards() -> str:
    """The boards that `--board` knows."""

    def kib(size: int) -> str:
        return f"{size / 1024:,.10g} KiB"

    rows = [
        (
            f"`{name}`",
            board.title,
            board.chip,
            ", ".join(f"{bank.name} {kib(bank.bytes)}" for bank in board.banks),
            kib(board.memory),
            kib(board.flash),
            board.source,
        )
        for name, board in BOARDS.items()
    ]
    banks = "Memory for data, fastest first"
    head = ("`--board`", "Board", "Chip", banks, "Together", "Flash", "Source")
    return table(head, *rows)


def machine_formats() -> str:
    """The formats that programs read, of all commands, in the order of the commands."""
    names = [
        f"`{name}`"
        for formats in FORMATTED.values()
        for name, row in formats.items()
        if row.machine
    ]
    return f"{', '.join(dict.fromkeys(names))}, and what `schema` prints."


def of_action(part: str, *heads: str) -> str:
    """Inputs or outputs of the action."""
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    rows = [
        (f"`{name}`", cell(row["description"]), *_defaulted(row))
        for name, row in action[part].items()
    ]
    return table(heads, *rows)


def _defaulted(row: Mapping[str, str]) -> list[str]:
    return [f"`{row['default']}`" if row["default"] else ""] if "default" in row else []


def ways() -> str:
    """The words of `written`, with the kinds that have them."""
    kinds = {word: kinds_with(word) for word in WORDS}
    return table(
        ("Word", "How", "Kinds"),
        *(
            (
                f"`{word}`",
                f"{doc}{' (usual)' * any(word in usual(kind) for kind in kinds[word])}",
                ", ".join(f"`{kind}`" for kind in kinds[word])
                if len(kinds[word]) < MANY_KINDS
                else f"{len(kinds[word])} kinds",
            )
            for word, doc in WORDS.items()
        ),
    )


def counting_tools() -> str:
    """The tools whose numbers are known, and where their rules are from."""
    rows = []
    for name, row in CONVENTIONS.items():
        source = " ".join((tool_tables(name).module.__doc__ or "").split("Source: ")[1].split())
        tool = f"{row.title}, {row.version}"
        rows.append((f"`{name}`", tool, row.unit, f"`{row.call}`", source.rstrip(".")))
    return table(("Name", "Tool", "Unit", "Call", "Source"), *rows)


def counting_rules() -> str:
    """Every term of every tool, once for all kinds that it is of."""
    return "\n\n".join(
        f"### {row.title}, {row.version}\n\n{_rules(name)}" for name, row in CONVENTIONS.items()
    )


def _rules(tool: str) -> str:
    row, found = CONVENTIONS[tool], tool_tables(tool)
    others = [other for other in CONVENTIONS if tool_tables(other).rules is found.rules]
    if others[0] != tool:
        said = ", ".join(f"`{kind}: {word}`" for kind, word in row.written.items())
        return f"As {CONVENTIONS[others[0]].title}, but {said} unless a line says otherwise."
    kinds: dict[tuple[str, ...], list[str]] = {}
    for kind, rule in found.rules.items():
        for each in rule:
            when = ", ".join(condition.text for condition in each.when) or "always"
            if isinstance(each, Term):
                key = (each.says, _amount(each.times, each.quantity.symbol), when)
            else:
                key = (f"no number: {each.reason}", "", when)
            kinds.setdefault(key, []).append(f"`{kind}`")
    rows = [(", ".join(of), *(cell(part) for part in key)) for key, of in kinds.items()]
    text = table(("Kinds", "Term", "Amount", "When"), *rows) if rows else ""
    none = ", ".join(f"`{kind}`" for kind, rule in found.rules.items() if not rule)
    reasons = " ".join(f"No number of `{kind}`: {why}." for kind, why in found.reasons.items())
    return f"{text}\n\nNothing more, and nothing less, of {none}.\n\n{reasons}"


def _amount(times: int, symbol: str) -> str:
    """A coefficient times a quantity."""
    sign, size = "−" * (times < 0), abs(times)
    bracketed = f"({symbol})" if " " in symbol and times != 1 else symbol
    return f"{sign}{bracketed}" if size == 1 else f"{sign}{size}·{bracketed}"


def counting_faults() -> str:
    """What a tool said of one layer that is not what there is to count."""
    rows = []
    for name, tool, why in FAULTS:
        network = SINGLE[name]
        counted = count(network.network, tool, **network.conditions)
        right = counted.macs * counted.convention.each
        layer = network.spec.removesuffix("]}").partition("layers: [")[2]
        said = [f", {word}" for word in network.written.values()] + [", no_grad"] * network.no_grad
        says = f"{GOLDEN['single'][name][tool][0]:,}"
        rows.append((tool, f"`{layer}`{''.join(said)}", says, f"{right:,}", why))
    return table(("Tool", "Layer", "It says", "Right", "Because"), *rows)


PARTS: dict[str, Callable[[], str]] = {
    "counting_tools": counting_tools,
    "counting_rules": counting_rules,
    "counting_faults": counting_faults,
    "top_level": lambda: documented(expand.TOP_LEVEL, "Key"),
    "modifiers": lambda: documented(tree.MODIFIERS, "Key"),
    "expectations": lambda: documented(promises.EXPECTATIONS, "Key of `expect`"),
    "budgets": lambda: documented(promises.BUDGETS, "Key of `budget`"),
    "sweep": lambda: documented(swept.SWEEP_FIELDS, "Key of `sweep`"),
    "memory_fields": lambda: documented(promises.MEMORY_FIELDS, "Key of `memory`"),
    "written": ways,
    "formulas": formulas,
    "storage": storage,
    "functions": functions,
    "gpus": gpus,
    "boards": boards,
    "limits": limits,
    "forms": forms,
    "kinds": kinds,
    "codes": found_codes,
    "commands": commands,
    "columns": columns,
    "summary_columns": summary_columns,
    "memory_formats": lambda: table(
        ("Format", "What it is"), *((f"`{name}`", row.doc) for name, row in MEMORY_FORMATS.items())
    ),
    "formats": lambda: table(
        ("Format", "What it is"), *((f"`{name}`", row.doc) for name, row in FORMATS.items())
    ),
    "check_formats": lambda: table(
        ("Format", "For"), *((f"`{name}`", row.doc) for name, row in CHECK_FORMATS.items())
    ),
    "machine_formats": machine_formats,
    "action_inputs": lambda: of_action("inputs", "Input", "What it says", "Unless given"),
    "action_outputs": lambda: of_action("outputs", "Output", "What it is"),
}
"""Parts of pages that are made from the code, by the name in their markers."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_generated_parts_are_up_to_date(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    now = _GENERATED.sub(
        lambda match: (
            f"{match[1]}\n{PARTS[match[2]]()}\n\n{match[3]}" if match[2] in PARTS else match[0]
        ),
        text,
    )
    compare(page, text, now)


def test_every_generated_part_is_in_some_page() -> None:
    texts = [page.read_text(encoding="utf-8") for page in PAGES]
    found = {match[2] for text in texts for match in _GENERATED.finditer(text)}

    assert set(PARTS) <= found


def test_the_published_schema_is_what_the_command_prints() -> None:
    path = DOCS / "spec.schema.json"
    printed = run("convcalc schema")
    if UPDATE:
        path.write_text(printed, encoding="utf-8")

    assert path.read_text(encoding="utf-8") == printed
    assert json.loads(printed) == spec_schema()


def test_the_architecture_page_names_every_part_of_the_package() -> None:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    package = ROOT / "convcalc"
    folders = {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}
    files = {path.name for path in package.glob("*.py")} - {"__main__.py"}
    files |= {path.name for path in (package / "spec").glob("*.py")} - {"__init__.py"}

    assert not [name for name in sorted(folders | files) if f"  {name} " not in text]


# Expressions


def test_every_expression_in_a_table_has_the_value_beside_it() -> None:
    rows = _CHECKED.findall((DOCS / "spec.md").read_text(encoding="utf-8"))
    names: dict[str, nodes.Value] = {
        "width": 64,
        "alpha": 0.5,
        "project": False,
        "mode": "same",
    }
    seen = ""
    for line in "".join(rows).strip().split("\n"):
        written, value, *_ = (part.strip().strip("`") for part in line.strip("| ").split(" | "))
        found = syntax.evaluate(written.replace("\\|", "|"), names)
        shown = str(found).lower() if isinstance(found, bool) else str(found)
        seen += f" {written} "

        assert shown == value, written
    for symbol in (*expressions._OPERATIONS, *expressions.COMPARISONS):
        assert f"{symbol}" in seen, f"`{symbol}` is in no table"
    for word in ("and", "or", "not", "if", *(f"{name}(" for name in expressions.FUNCTIONS)):
        assert word in seen, f"`{word}` is in no table"


# Schemas


def loaded(text: str) -> Any:
    """What a YAML text says, read by libyaml, which takes a tenth of the time."""
    return yaml.load(text, yaml.CSafeLoader)


@cache
def schema(name: str) -> jsonschema.Draft7Validator:
    found = json.loads((DOCS / name).read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(found)
    return jsonschema.Draft7Validator(found)


def architectures() -> list[Path]:
    return sorted((ROOT / "architectures").glob("*.yaml"))


@tabled("path", architectures(), ids=lambda path: path.stem)
def test_bundled_architectures_satisfy_the_spec_schema(path: Path) -> None:
    value = loaded(path.read_text(encoding="utf-8"))

    schema("spec.schema.json").validate(value)


@tabled("page", TAUGHT, ids=lambda page: page.name)
def test_clean_specs_of_the_documentation_satisfy_the_spec_schema(page: Path) -> None:
    validator = schema("spec.schema.json")
    for block in blocks(page):
        if block.language == "yaml" and not {"fragment"} & {*block.words}:
            if any(word.startswith("CC") for word in block.words):
                continue
            errors = [error.message for error in validator.iter_errors(loaded(block.text))]

            assert not errors, f"{page.name}:{block.line}"


BAD = """\
input: 224x224x3
layers:
  - conv: {filters: 96, kernel: 11, stride: 4}
  - maxpol: 3
  - linear: 10
"""
GOOD = """\
name: shared
input: 100x8
layers:
  - conv: {filters: 8, kernel: 3, padding: [[1, 1]]}
    repeat: 2
    shared: true
  - batchnorm
  - upsample: 1.5
  - flatten
"""


def documented_keys(value: object, described: Any, root: Any, where: str = "") -> Iterator[str]:
    """Keys of a JSON value that its schema does not describe."""
    while "$ref" in described:
        described = root["definitions"][described["$ref"].rpartition("/")[2]]
    if "anyOf" in described:
        kind = dict if isinstance(value, dict) else list if isinstance(value, list) else None
        names = {dict: "object", list: "array"}
        for option in described["anyOf"]:
            target = option
            while "$ref" in target:
                target = root["definitions"][target["$ref"].rpartition("/")[2]]
            if kind is not None and names[kind] == target.get("type"):
                yield from documented_keys(value, target, root, where)
    elif isinstance(value, dict):
        free = isinstance(described.get("additionalProperties"), dict)
        for key, inner in value.items():
            if key in described.get("properties", {}):
                below = described["properties"][key]
                yield from documented_keys(inner, below, root, f"{where}.{key}")
            elif not free:
                yield f"{where}.{key}"
    elif isinstance(value, list) and isinstance(described.get("items"), dict):
        for inner in value:
            yield from documented_keys(inner, described["items"], root, f"{where}[]")


@pytest.mark.parametrize(
    "arguments",
    [
        "vgg16",
        "resnet50",
        "bad.yaml",
        "good.yaml",
        "missing.yaml",
        "vgg16 bad.yaml",
        "- < good.yaml",
    ],
)
def test_reports_in_json_satisfy_their_schema(arguments: str) -> None:
    Path("bad.yaml").write_text(BAD, encoding="utf-8")
    Path("good.yaml").write_text(GOOD, encoding="utf-8")
    validator = schema("report.schema.json")
    printed = run_json(f"convcalc analyze --format json {arguments}")

    validator.validate(printed)
    unknown = set(documented_keys(printed, validator.schema, validator.schema))
    assert not unknown, "keys that docs/report.schema.json does not describe"


def test_summaries_in_json_satisfy_their_schema() -> None:
    Path("bad.yaml").write_text(BAD, encoding="utf-8")
    validator = schema("summary.schema.json")
    call = "convcalc analyze --summary --limit T4 --limit 1GiB --format json"
    printed = run_json(f"{call} vgg16 bad.yaml missing.yaml")
    own, report = (
        json.loads((DOCS / f"{name}.schema.json").read_text(encoding="utf-8"))["definitions"]
        for name in ("summary", "report")
    )

    validator.validate(printed)
    assert not set(documented_keys(printed, validator.schema, validator.schema))
    for name, described in own.items():
        assert report.get(name, described) == described, "what both describe is described alike"


def run_json(command: str) -> object:
    """The JSON that a command prints, its findings left out."""
    text = run(command)
    return json.JSONDecoder().raw_decode(text)[0]


def test_a_report_schema_refuses_what_is_no_report() -> None:
    validator = schema("report.schema.json")
    value = run_json("convcalc analyze --format json vgg16")

    assert isinstance(value, dict)
    assert not validator.is_valid({**value, "schema": 2})
    assert not validator.is_valid({key: value[key] for key in value if key != "totals"})
    assert not validator.is_valid({**value, "layers": [{"name": "conv1"}]})


# Definitions


def test_the_vgg16_of_the_notes_gives_the_numbers_of_the_definitions() -> None:
    text = (DOCS / "definitions.md").read_text(encoding="utf-8")
    network = loads((ROOT / "architectures" / "vgg16.yaml").read_text(encoding="utf-8"))
    totals = import_module("convcalc.analysis").analyze(network).totals

    for value in (totals.parameters, totals.macs, totals.flops, totals.activations):
        assert f"{value:,}" in text
    plans = [plan for plan in network.plans if plan is not None]
    biases = sum(
        plan.output.size for plan in plans if any(weight.name == "bias" for weight in plan.weights)
    )
    assert f"{totals.macs + biases:,}" in text, (
        "torchinfo's mult-adds count a bias per output value"
    )
    assert f"{biases:,}" in text
