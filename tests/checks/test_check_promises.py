"""What a spec, the configuration and the command line promise, and what is said when it fails."""

import json
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tabled import tabled

from convcalc.analysis.memory import RunTerms, memory
from convcalc.analysis.memory.automatic import automatic
from convcalc.checks.codes import Selection
from convcalc.checks.run import Task, check_text
from convcalc.checks.settings import Limit, Settings
from convcalc.cli import convcalc
from convcalc.diagnostics import Diagnostic, Span
from convcalc.graph import loads, read_text
from convcalc.numbers import both_bytes
from convcalc.spec.nodes import ScalarNode
from convcalc.spec.promises import OPTIMIZERS, Extents, Quantity, amount, limits, quantity
from convcalc.spec.text import SourceText
from convcalc.spec.values import Scope

ONLY_PROMISES = Selection(("CC1", "CC5"))

NET = """\
name: net
input: 8x8x3
layers:
  - conv: {filters: 4, kernel: 3}
  - batchnorm
  - relu
  - {maxpool: 2, name: half}
  - flatten
  - linear: 10
"""
# conv 4·(3·9 + 1) = 112, batchnorm 8, linear 36·10 + 10 = 370; MACs 36·4·27 + 360


def check(promise: str, budget: tuple[Limit, ...] = ()) -> list[Diagnostic]:
    task = Task(Settings(ONLY_PROMISES, budget))
    return list(check_text(SourceText("a.yaml", NET + promise + "\n"), task).diagnostics)


def said(promise: str) -> list[str]:
    return [f"{found.code} {found.message}" for found in check(promise)]


@tabled(
    "promise",
    [
        "expect: {parameters: 490, buffers: 8, macs: 4248, flops: 8496, activations: 526}",
        "expect: {output: 10, receptive_field: 4, layers: {conv1: 6x6x4, half: 3x3x4}}",
        "expect: {receptive_field: 4x4}",
        "expect: {receptive_field: '>= 4', output: '< 11', layers: {half: <= 3x3x4}}",
        "expect: {receptive_field: 4..6, output: 10 to 12, layers: {conv1: 1x1x1..6x6x8}}",
        "expect: {receptive_field: <= 4x5, output: ≥ 10, layers: {half: '> 2x2x3'}}",
        "parameters: {n: 10}\nexpect: {output: '<= n'}",
        # (8 − 2)/2 = 3: one row of the conv's 6 for each two.
        "expect: {sizes: '2*k, k >= 2'}",
        "expect: {sizes: [4 + 2*k, '4 or 6 or 8 + 4*k, k >= 0 or 10 + 4*k, k >= 0']}",
        "expect: {parameters: <= 490, macs: '>= 4K', flops: 8K..9K, buffers: 8 ± 0}",
        "budget: {parameters: 490, macs: 4248, flops: 8496, activations: 526, largest_tensor: 192}",
        # MACs 4,248; a batch norm of 144 values is 2 a value to fvcore, and 4 to thop
        "expect: {counts: {fvcore: 4536, thop: 4824, flopcounter: 8496}}",
        # and of ptflops all biases, 2 a value of the ReLU and of what is pooled
        "expect: {counts: {ptflops: 5266, ptflops:aten: '~ 4.40 k', thop: ~4.8k, fvcore: 4k..5k}}",
        "expect: {counts: {fvcore: ~5k, thop: ≈4824, calflops: '~ 0.01M'}}",
    ],
)
def test_promises_that_hold(promise: str) -> None:
    assert said(promise) == []


@tabled(
    ("promise", "message"),
    [
        (
            "expect: {parameters: 400}",
            (
                "CC501 parameters: 490, and 400 was expected: 90 more; most are in "
                "linear1 370 (75.5%),"
                " conv1 112 (22.9%), batchnorm1 8 (1.6%)"
            ),
        ),
        (
            "expect: {counts: {fvcore: 4537}}",
            "CC501 fvcore counts 4,536, and 4,537 was expected: 1 less",
        ),
        (
            "expect: {counts: {thop: ~4.7k}}",
            "CC501 thop counts 4,824, `4.82K`, and ~4.7k was expected: 74 more",
        ),
        (
            "expect: {counts: {thop: ~4.83k}}",
            "CC501 thop counts 4,824, `4.82K`, and ~4.83k was expected: 1 less",
        ),
        (
            "expect: {counts: {fvcroe: 4536}}",
            "CC109 no tool is called `fvcroe`",
        ),
        (
            "expect: {counts: {thop: ~4.7.1k}}",
            "CC120 `~4.7.1k` is no number as it was published",
        ),
        (
            "expect: {counts: {thop: ~4KiB}}",
            "CC120 `~4KiB` is no number as it was published",
        ),
        (
            "expect: {counts: {thop: ~4.82}}",
            "CC120 no whole number is `~4.82`",
        ),
        (
            "expect: {counts: {fvcore: 4.5364k}}",
            "CC120 `4.5364k` is no whole number",
        ),
        (
            "expect: {macs: 4248.5}",
            "CC120 `4248.5` is no whole number",
        ),
        (
            "expect: {counts: 4536}",
            "CC120 expect.counts takes tools and numbers, and is `4536`",
        ),
        (
            "expect: {macs: '>= 5K'}",
            (
                "CC501 MACs: 4,248, and >= 5K was expected: 752 less; most are in "
                "conv1 3,888 (91.5%),"
                " linear1 360 (8.5%)"
            ),
        ),
        (
            "expect: {buffers: 1..2}",
            "CC501 buffers: 8, and 1..2 was expected: 6 more; most are in batchnorm1 8 (100.0%)",
        ),
        (
            "expect: {output: 12}",
            "CC502 the output: 10, and 12 was expected: −2 channels",
        ),
        (
            "expect: {output: 1x1x10}",
            "CC502 the output: 10, and 1×1×10 was expected: 0 spatial axes instead of 2",
        ),
        (
            "expect: {layers: {half: 4x3x5}}",
            "CC502 the output of half: 3×3×4, and 4×3×5 was expected: −1 rows, −1 channels",
        ),
        ("expect: {layers: {hal: 3x3x4}}", "CC505 no layer is called `hal`"),
        (
            "expect: {receptive_field: 5}",
            "CC503 receptive field of maxpool: 4×4, and 5×5 was expected",
        ),
        (
            "expect: {receptive_field: '>= 5'}",
            "CC503 receptive field of maxpool: 4×4, and >= 5 was expected",
        ),
        (
            "expect: {receptive_field: 1x1x1..6x6x6}",
            "CC503 receptive field of maxpool: 4×4, and 1x1x1..6x6x6 was expected",
        ),
        (
            "expect: {sizes: '3*k, k >= 1'}",
            (
                "CC506 sizes of height that drop nothing: 2·k, k ≥ 2, and 3·k, k ≥ 1 was expected: "
                "3 does not"
            ),
        ),
        (
            "expect: {sizes: ['k, k >= 4', 'k, k >= 4', '7']}",
            "CC506 3 laws of sizes, and the input has 2 sizes: height, width",
        ),
        ("expect: {output: < 10}", "CC502 the output: 10, and < 10 was expected: +1 channels"),
        (
            "expect: {layers: {half: 4x1x5..5x2x9}}",
            (
                "CC502 the output of half: 3×3×4, and 4x1x5..5x2x9 was expected: "
                "−1 rows, +1 columns, −1 channels"
            ),
        ),
        (
            "expect: {output: <= 7x7x512}",
            "CC502 the output: 10, and <= 7x7x512 was expected: 0 spatial axes instead of 2",
        ),
        ("expect: {output: 5..4}", "CC120 the range 5..4 is empty"),
        (
            "expect: {receptive_field: 4x4..6}",
            "CC120 the range 4x4..6 starts with 2 extents and ends with 1",
        ),
        (
            "budget: {parameters: 400}",
            (
                "CC511 parameters: 490, and the budget is 400: 90 more; most are in linear1 370 "
                "(75.5%), conv1 112 (22.9%), batchnorm1 8 (1.6%)"
            ),
        ),
        (
            "budget: {largest_tensor: 100}",
            (
                "CC511 values in the largest tensor: 192, and the budget is 100: 92 more; "
                "the largest are of conv1 144, batchnorm1 144, relu1 144"
            ),
        ),
    ],
)
def test_promises_that_fail_say_by_how_much_and_where(promise: str, message: str) -> None:
    expected = message.replace("receptive field of maxpool", "receptive field of half")
    assert said(promise) == [expected]


def test_the_place_is_the_value_and_the_help_says_what_to_write() -> None:
    [found] = check("expect: {parameters: 400, macs: 4248}")
    assert found.span == (10, 22, 10, 25)
    assert found.help == "if the change is meant, write `parameters: 490`"
    assert found.severity == "error"
    assert found.field == "expect.parameters"


@tabled(
    ("promise", "messages"),
    [
        # 1,152 bytes in and 1,152 out; 576 weights, 8 biases of 4 bytes, 8 scales of 4 bytes
        ("budget: {arena: 16KiB, flash: 640B}", []),
        ("budget: {arena: '> 2303B'}", []),
        (
            "budget: {arena: 2303B, flash: 639B}",
            [
                (
                    "error CC512 arena in int8: 2.30 kB (2.25 KiB), and the budget is 2.30 kB "
                    "(2.25 KiB): 1 B more; most is alive at conv1: input 1.15 kB (1.12 KiB), conv1 "
                    "1.15 kB (1.12 KiB)"
                ),
                (
                    "error CC512 weights in int8: 640 B, and the budget is 639 B: 1 B more; the "
                    "runtime's code is not in it"
                ),
            ],
        ),
        (
            "budget: {arena: '> 3KiB'}",
            ["error CC512 arena: 2.30 kB (2.25 KiB), and the budget is > 3KiB"],
        ),
        # 24 bytes for each of 4 arrays, 114 + 51 an operator, 64 for 8 filters, 737: 1,062
        (
            "budget: {arena: 2304B}",
            [
                (
                    "warning CC512 arena in int8: a head of 2.30 kB (2.25 KiB) and a tail of about "
                    "1.06 kB (1.04 KiB), and the budget is 2.30 kB (2.25 KiB): the head fits, and "
                    "both may not"
                ),
            ],
        ),
        (
            "  - gelu\nbudget: {arena: 1MiB}",
            [
                (
                    "error CC515 the arena of TensorFlow Lite Micro is not known: gelu (gelu1): "
                    "the runtime does not run it"
                ),
            ],
        ),
    ],
)
def test_a_small_device_has_a_budget_for_its_arena_and_its_flash(
    promise: str, messages: list[str]
) -> None:
    layers = "layers:\n  - conv: {filters: 8, kernel: 3, padding: same}\n"
    source = SourceText("a.yaml", f"input: 12x12x8\n{layers}{promise}\n")
    found = check_text(source, Task(Settings(ONLY_PROMISES))).diagnostics
    assert [f"{item.severity} {item.code} {item.message}" for item in found] == messages


def test_memory_is_promised_of_inference_and_of_training() -> None:
    """A 1×1 convolution of one value: 4 bytes in, 4 out, a weight and a bias."""
    text = "input: 1x1x1\nlayers:\n  - conv: {filters: 1, kernel: 1}\n"

    def messages(promise: str) -> list[str]:
        source = SourceText("a.yaml", text + promise)
        found = check_text(source, Task(Settings(ONLY_PROMISES))).diagnostics
        return [f"{item.code} {item.message}" for item in found]

    assert messages("expect: {memory: 16}\nbudget: {memory: 16B}\n") == []
    assert messages("budget: {memory: {limit: 24B, batch: 2}}\n") == []
    assert messages("budget: {memory: {limit: 20B, batch: 2}}\n") == [
        (
            "CC512 memory of inference at batch 2: 24 B, and the budget is 20 B: 4 B more; "
            "the peak is at conv1, of parameters 8 B, input 8 B, temporaries 8 B; "
            "most is made by conv1 8 B"
        )
    ]
    [found] = messages("expect: {memory: {limit: 17, training: true, optimizer: adam}}\n")
    assert found.startswith("CC504 memory of a training step with adam at batch 1: ")
    assert ", and 17 was expected: " in found


AGAIN = """\
input: 16x16x3
layers:
  - {layers: [conv: {filters: 8, kernel: 3, padding: same}, tanh], repeat: 8}
"""


def promised(limit: int, checkpoint: str, key: str = "budget") -> list[tuple[str, str, str]]:
    """What is found of a promise about training 4 images, with the text that it stands at."""
    terms = f"{{limit: {limit}B, training: true, batch: 4, checkpoint: {checkpoint}}}"
    source = SourceText("a.yaml", f"{AGAIN}{key}: {{memory: {terms}}}\n")
    found = check_text(source, Task(Settings(ONLY_PROMISES))).diagnostics
    return [(each.code, each.source_line[_columns(each)], each.message) for each in found]


def _columns(found: Diagnostic) -> slice:
    assert isinstance(found.place, Span)
    return slice(found.place.column - 1, found.place.end_column - 1)


def test_a_budget_of_memory_may_ask_for_checkpoints() -> None:
    """It holds from the lowest peak of all choices on, which is below that of any that is named."""
    run = partial(memory, loads(AGAIN), batch=4, training=True)
    lowest = automatic(loads(AGAIN), RunTerms(training=True), 4, 0).lowest
    one, plain = run(checkpoint="every=3").peak, run().peak
    assert lowest < one < plain
    assert promised(lowest, "auto") == promised(plain, "auto") == []
    [(code, place, message)] = promised(lowest - 1, "auto")
    assert (code, place) == ("CC512", f"{lowest - 1}B")
    assert message.startswith(
        "memory of a training step with sgd and checkpoint auto at batch 4: "
        f"{both_bytes(lowest)}, and the budget is {both_bytes(lowest - 1)}: 1 B more; "
        "this is the lowest peak of all choices of segments; the peak is at "
    )
    assert promised(one, "every=3") == promised(one, "every=3", key="expect") == []
    [(code, place, message)] = promised(one - 1, "every=3")
    assert (code, place) == ("CC512", f"{one - 1}B")
    assert "with sgd and checkpoint every=3 at batch 4: " in message
    names = run(checkpoint="conv1..tanh2,conv3").peak
    assert promised(names, "[conv1..tanh2, conv3]", key="expect") == []
    assert promised(names, "'conv1..tanh2, conv3'", key="expect") == []


def test_a_search_that_was_given_up_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convcalc.analysis.memory.cheapest.MOST_EDGES", 0)
    [(code, _, message)] = promised(10_000, "auto")
    assert code == "CC512"
    assert "; this is the lowest peak that was found, with the best of equal segments" in message
    assert "and another choice may fit; " in message


@pytest.mark.parametrize(
    ("checkpoint", "found"),
    [
        ("stage1", ("CC512", "stage1", "checkpoint: no layer's name begins with 'stage1'")),
        (
            '"every = 4"',
            ("CC107", '"every = 4"', "budget.memory takes what runs again, and is `every = 4`"),
        ),
        ("every=0", ("CC107", "every=0", "budget.memory takes what runs again, and is `every=0`")),
        ("4", ("CC107", "4", "budget.memory takes what runs again, and is `4`")),
        ("[auto, a]", ("CC107", "[auto, a]", "budget.memory takes what runs again, and is a list")),
    ],
)
def test_a_checkpoint_that_there_is_not(checkpoint: str, found: tuple[str, str, str]) -> None:
    assert promised(10**6, checkpoint) == [found]


@pytest.mark.parametrize(
    ("promise", "said"),
    [
        ("budget: {memory: {limit: 1MB, checkpoint: auto}}", "changes nothing without `training"),
        (
            "budget: {memory: {limit: '> 1MB', training: true, checkpoint: auto}}",
            "fits into a limit, and > 1MB is not the most",
        ),
        (
            "expect: {memory: {limit: 1MB, training: true, checkpoint: auto}}",
            "fits into a limit, and this is expected exactly",
        ),
    ],
)
def test_a_checkpoint_that_says_nothing_is_refused(promise: str, said: str) -> None:
    [found] = check(promise)
    assert found.code == "CC120"
    assert said in found.message


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_of_a_promise_is_known(optimizer: str) -> None:
    terms = f"{{limit: 1B, training: true, batch: 4, optimizer: {optimizer}}}"
    assert [one.code for one in check(f"budget: {{memory: {terms}}}")] == ["CC512"]


def test_limits_from_outside_name_their_origin_and_stand_at_the_layers() -> None:
    [found] = check("", (Limit(limits({"parameters": "0.4K"})[0], "pyproject.toml"),))
    assert found.code == "CC511"
    assert "and the budget is 400 (pyproject.toml): 90 more; most are in linear1" in found.message
    assert found.line == 3
    assert found.help == "make linear1 smaller, or raise the budget"


def test_a_spec_with_errors_is_not_measured() -> None:
    text = NET.replace("kernel: 3", "kernel: 30") + "expect: {parameters: 1}\n"
    found = check_text(SourceText("a.yaml", text), Task(Settings(Selection(("CC3", "CC5")))))
    assert [item.code for item in found.diagnostics] == ["CC303"]


def test_promises_are_not_looked_at_where_they_are_not_selected() -> None:
    task = Task(Settings(Selection(("CC1",))))
    found = check_text(SourceText("a.yaml", NET + "expect: {parameters: 1}\n"), task)
    assert found.diagnostics == ()


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("--max-parameters", "the budget is 1 (--max-parameters 1)"),
        ("--max-macs", "the budget is 1 (--max-macs 1)"),
        ("--max-flops", "the budget is 1 (--max-flops 1)"),
        ("--max-activations", "the budget is 1 (--max-activations 1)"),
        ("--max-largest-tensor", "the budget is 1 (--max-largest-tensor 1)"),
    ],
)
def test_limits_on_the_command_line(tmp_path: Path, option: str, says: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(NET)
    result = CliRunner().invoke(convcalc, ["check", "--select", "CC5", option, "1", str(path)])
    assert says in result.stdout
    assert result.exit_code == 1
    roomy = CliRunner().invoke(convcalc, ["check", "--select", "CC5", option, "1M", str(path)])
    assert roomy.exit_code == 0


def test_members_of_a_family_have_expectations_of_their_own() -> None:
    text = (
        "input: 8x8x3\nparameters: {n: }\n"
        "presets:\n  small: {n: 4, expect: {parameters: 16}}\n"
        "  large: {n: 8, expect: {parameters: 33}}\n"
        "layers:\n  - conv: {filters: n, kernel: 1}\n"
    )
    found = check_text(SourceText("a.yaml", text), Task(Settings(ONLY_PROMISES))).diagnostics
    assert [(item.line, item.message[:40]) for item in found] == [
        (5, "large: parameters: 32, and 33 was expect")
    ]


@pytest.mark.parametrize(
    ("text", "minimum", "maximum"),
    [
        ("< 224.5", None, 224),
        ("< 224", None, 223),
        ("<= 224.5", None, 224),
        ("> 224.5", 225, None),
        ("> 224", 225, None),
        (">= 224.5", 225, None),
    ],
)
def test_limits_with_a_fraction(text: str, minimum: int | None, maximum: int | None) -> None:
    wanted = limits({"parameters": text})[0].wanted
    assert isinstance(wanted, Quantity)
    assert (wanted.minimum, wanted.maximum) == (minimum, maximum)


@pytest.mark.parametrize(
    ("text", "instead"), [("300B", "300G"), ("5MB", "5M"), ("<= 1.5kB", "1.5k"), ("1KiB", "1Ki")]
)
def test_counts_are_not_in_bytes(text: str, instead: str) -> None:
    (item,) = check(f"budget: {{parameters: '{text}'}}")
    assert item.code == "CC120"
    assert "is in bytes" in item.message
    assert item.help is not None
    assert f"write {instead}" in item.help
    assert [item.code for item in check(f"budget: {{memory: '{text}'}}")] != ["CC120"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--batch", "4"], "--batch goes with --max-memory or --max-training-memory"),
        (["--batch", "4", "--max-macs", "1G"], "--batch goes with --max-memory"),
        (["--optimizer", "adam"], "--optimizer goes with --max-training-memory"),
        (["--optimizer", "adam", "--max-memory", "1G"], "--optimizer goes with --max-training"),
        (["--max-macs=-5"], "--max-macs -5: a limit is 0 or more, and this is -5"),
        (["--max-memory=-5"], "--max-memory -5: a limit is 0 or more, and this is -5"),
        (["--max-arena=-5"], "--max-arena -5: a limit is 0 or more, and this is -5"),
        (["--max-flash", "much"], "--max-flash much: "),
    ],
)
def test_options_of_limits_that_say_nothing(tmp_path: Path, options: list[str], says: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(NET)
    result = CliRunner().invoke(convcalc, ["check", *options, str(path)])
    assert result.exit_code == 2
    assert says in " ".join(result.stderr.split())


def test_no_limit_is_negative() -> None:
    assert said("budget: {parameters: -1}") == ["CC120 a limit is 0 or more, and this is -1"]
    assert said("budget: {parameters: < 0}") == ["CC120 a limit is 0 or more, and this is < 0"]


# What is asked for is looked at


HEAVY = "name: a\ninput: 8x8x3\nlayers:\n  - conv: {filters: 4, kernel: 3, padding: 1}\n  - relu\n"
"""3·3·3·4 + 4 = 112 parameters."""
PROMISED = HEAVY + (
    "expect: {parameters: 1, output: 1, receptive_field: 1, memory: 1, layers: {conv1: 1}}\n"
    "budget: {parameters: 1, memory: 1B}\n"
)
OVER = {
    "--max-parameters": "CC511",
    "--max-macs": "CC511",
    "--max-flops": "CC511",
    "--max-activations": "CC511",
    "--max-largest-tensor": "CC511",
    "--max-memory": "CC512",
    "--max-training-memory": "CC512",
    "--max-arena": "CC512",
    "--max-flash": "CC512",
}
IN_BYTES = [option for option, code in OVER.items() if code == "CC512"]


def ran(*arguments: str) -> Result:
    return CliRunner().invoke(convcalc, ["check", "a.yaml", *arguments])


@pytest.fixture
def heavy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text(HEAVY)
    return tmp_path


def test_the_table_of_limits_is_complete() -> None:
    from convcalc.cli.check import command

    assert OVER.keys() == {
        option.opts[0] for option in command.params if option.opts[0].startswith("--max-")
    }


@tabled("option", OVER)
@tabled(
    "selection",
    [
        [],
        ["--select", "CC3"],
        ["--select", "CC1,CC4", "--ignore", "CC4"],
        ["--ignore", "CC4"],
        ["--ignore", "CC5", "--extend-select", "CC51"],
        ["--strict"],
    ],
)
def test_a_limit_of_the_command_line_holds_whatever_is_selected(
    heavy: Path, option: str, selection: list[str]
) -> None:
    result = ran(option, "1B" if option in IN_BYTES else "1", *selection)
    assert f"error[{OVER[option]}] " in result.stdout
    assert result.exit_code == 1
    fits = ran(option, "1GB" if option in IN_BYTES else "1G", *selection)
    assert fits.exit_code == 0


def test_limits_of_a_small_device_are_held_to_the_byte(heavy: Path) -> None:
    # The input is 8·8·3 = 192 bytes, what the convolution makes with its relu 8·8·4 = 256, and both
    # live while it runs: 448. 108 weights, 4 biases and 4 scales of 4 bytes are 140.
    assert ran("--max-arena", "2KiB", "--max-flash", "140B").exit_code == 0
    over = ran("--max-arena", "447B", "--max-flash", "139B").stdout
    assert "arena in int8: 448 B, and the budget (--max-arena 447B) is 447 B" in over
    assert "weights in int8: 140 B, and the budget (--max-flash 139B) is 139 B" in over
    # An arena that no rule knows is over no limit and under none.
    (heavy / "a.yaml").write_text(HEAVY.replace("relu", "gelu"))
    unknown = ran("--max-arena", "1GiB", "--select", "CC3")
    assert (unknown.exit_code, "error[CC515]" in unknown.stdout) == (1, True)


@tabled(
    ("selection", "found"),
    [
        ([], 2),
        (["--select", "CC5"], 2),
        (["--select", "CC512"], 2),
        (["--ignore", "CC515"], 0),
        (["--ignore", "CC512"], 0),
        (["--select", "CC3"], 0),
    ],
)
def test_who_selects_limits_is_told_of_those_that_are_not_known(
    heavy: Path, selection: list[str], found: int
) -> None:
    text = HEAVY.replace("relu", "gelu") + "budget: {arena: 1GiB, flash: 1GiB}\n"
    (heavy / "a.yaml").write_text(text)
    result = ran(*selection)
    assert result.stdout.count("error[CC515]") == found
    assert result.exit_code == bool(found)


@pytest.mark.parametrize("option", OVER)
def test_a_limit_of_the_command_line_goes_before_a_configured_selection(
    heavy: Path, option: str
) -> None:
    for configuration in (
        'ignore = ["CC5"]\n',
        'select = ["CC3"]\n',
        '[[overrides]]\nfiles = ["*"]\nignore = ["CC51"]\n',
    ):
        (heavy / "convcalc.toml").write_text(configuration)
        assert ran(option, "1B" if option in IN_BYTES else "1").exit_code == 1


@tabled("option", OVER)
@tabled("length", [2, 3, 4, 5])
def test_a_limit_beside_an_ignore_of_its_code_is_refused(
    heavy: Path, option: str, length: int
) -> None:
    ignored = OVER[option][:length]
    result = ran(option, "1B" if option in IN_BYTES else "1", "--ignore", ignored)
    assert result.exit_code == 2
    assert f"asks for {OVER[option]}, and --ignore leaves it out" in result.stderr


@pytest.mark.parametrize(
    "text",
    [
        'ignore = ["CC5"]\n[budget]\nparameters = 1\n',
        'ignore = ["CC512"]\n[budget]\nmemory = "1B"\n',
        '[[overrides]]\nfiles = ["a.yaml"]\nignore = ["CC511"]\nbudget = {parameters = 1}\n',
        'ignore = ["CC5"]\n[[overrides]]\nfiles = ["a.yaml"]\nbudget = {parameters = 1}\n',
    ],
)
def test_a_configuration_that_ignores_its_own_budget_is_refused(heavy: Path, text: str) -> None:
    (heavy / "convcalc.toml").write_text(text)
    result = ran()
    assert result.exit_code == 2
    assert "is never looked at, because `ignore` leaves out CC51" in result.stderr


@pytest.mark.parametrize(
    ("text", "arguments", "found", "left_out"),
    [
        ('select = ["CC3"]\n[budget]\nparameters = 1\n', [], 1, 0),
        ('ignore = ["CC512"]\n[budget]\nparameters = 1\n', [], 1, 0),
        ('ignore = ["CC5"]\nextend-select = ["CC511"]\n[budget]\nparameters = 1\n', [], 1, 0),
        ("[budget]\nparameters = 1\n", ["--select", "CC5"], 1, 0),
        ("[budget]\nparameters = 1\n", ["--select", "CC3"], 0, 1),
        ("[budget]\nparameters = 1\n", ["--ignore", "CC511"], 0, 1),
        (  # a file that is exempt
            '[budget]\nparameters = 1\n[[overrides]]\nfiles = ["a.yaml"]\nignore = ["CC511"]\n',
            [],
            0,
            1,
        ),
    ],
)
def test_a_configured_budget_is_looked_at_or_said_not_to_be(
    heavy: Path, text: str, arguments: list[str], found: int, left_out: int
) -> None:
    (heavy / "convcalc.toml").write_text(text)
    value = json.loads(ran("--format", "json", *arguments).stdout)
    assert [item["code"] for item in value["diagnostics"]] == ["CC511"] * found
    assert value["promises_not_looked_at"] == left_out


@pytest.mark.parametrize(
    ("arguments", "codes", "left_out"),
    [
        ([], ["CC501", "CC502", "CC502", "CC503", "CC504", "CC511", "CC512"], 0),
        (["--select", "CC5"], ["CC501", "CC502", "CC502", "CC503", "CC504", "CC511", "CC512"], 0),
        (["--select", "CC3"], [], 7),
        (["--ignore", "CC5"], [], 7),
        (["--ignore", "CC502"], ["CC501", "CC503", "CC504", "CC511", "CC512"], 1),
        (["--ignore", "CC502,CC505"], ["CC501", "CC503", "CC504", "CC511", "CC512"], 2),
        (["--select", "CC51"], ["CC511", "CC512"], 5),
        (["--ignore", "CC511"], ["CC501", "CC502", "CC502", "CC503", "CC504", "CC512"], 1),
    ],
)
def test_promises_that_are_left_out_are_counted(
    heavy: Path, arguments: list[str], codes: list[str], left_out: int
) -> None:
    (heavy / "a.yaml").write_text(PROMISED)
    result = ran("--format", "json", *arguments)
    value = json.loads(result.stdout)
    assert sorted(item["code"] for item in value["diagnostics"]) == codes
    assert value["promises_not_looked_at"] == left_out
    said = "were" if left_out > 1 else "was"
    for name in ("text", "concise"):
        text = ran("--format", name, *arguments).stdout
        assert (f"{said} not looked at" in text) is bool(left_out)
    for name in ("sarif", "junit", "gitlab", "github"):
        assert (f"{said} not looked at" in ran("--format", name, *arguments).stderr) is bool(
            left_out
        )


def test_a_limit_on_their_own_promise_leaves_out_the_specs_budget(heavy: Path) -> None:
    """The option holds and the spec's own budget does not: one finding, one left out."""
    (heavy / "a.yaml").write_text(HEAVY + "budget: {parameters: 1}\n")
    result = ran("--select", "CC3", "--max-parameters", "1")
    assert result.stdout.count("error[CC511]") == 1
    assert "--max-parameters 1" in result.stdout
    assert "1 promise was not looked at: its code is not selected." in result.stdout


def test_errors_that_nobody_sees_do_not_pass_for_a_kept_limit(heavy: Path) -> None:
    (heavy / "a.yaml").write_text(HEAVY.replace("kernel: 3", "kernel: 99"))
    silenced = HEAVY.replace("kernel: 3, padding: 1}", "kernel: 99}  # convcalc: ignore[CC303]")
    for text, arguments in ((None, ["--select", "CC5"]), (silenced, [])):
        if text is not None:
            (heavy / "a.yaml").write_text(text)
        result = ran("--max-parameters", "1", *arguments)
        assert result.exit_code == 2
        assert "a.yaml: whether it keeps to --max-parameters 1 is not known" in result.stderr
    assert ran().exit_code == 0


# Amounts


@tabled(
    ("text", "number"),
    [
        *((f"3{unit}", 3 * 10**power) for unit, power in
          [("", 0), ("k", 3), ("K", 3), ("M", 6), ("G", 9), ("T", 12)]),
        *((f"3{unit}", 3 * 2**power) for unit, power in
          [("ki", 10), ("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40)]),
        ("3B", 3), ("3kB", 3000), ("3 GB", 3 * 10**9), ("3GiB", 3 * 2**30), ("3TiB", 3 * 2**40),
        ("0", 0), ("1.5k", 1500), ("1.25Ki", 1280), ("0.001M", 1000),
        ("1.000000000001T", 10**12 + 1),
        ("999999999999999999", 10**18 - 1), (" 7 ", 7),
        ("9999999999999999999", None), ("1.0000000000001T", None), ("k", None), ("3m", None),
        ("3ti", None), ("3Bi", None), ("3BB", None), ("-3", None), ("3.k", None), (".5k", None),
        ("1e3", None), ("٣", None), ("3k3", None), ("", None),
    ],
)  # fmt: skip
def test_amounts_are_units_of_1000_or_1024(text: str, number: int | None) -> None:
    assert amount(text, round_up=False) == number
    assert amount(text, round_up=True) == number


@pytest.mark.parametrize(
    ("text", "down"),
    [("0.5", 0), ("1.9", 1), ("1.0001k", 1000), ("0.3Ki", 307), ("2.999999999999", 2)],
)
def test_a_part_of_one_is_rounded_to_the_side_that_promises_more(text: str, down: int) -> None:
    assert (amount(text, round_up=False), amount(text, round_up=True)) == (down, down + 1)


@tabled(
    ("text", "least", "most"),
    [
        ("16", 16, 16), ("<= 16", None, 16), ("≤16", None, 16), ("< 16", None, 15),
        (">= 16", 16, None), ("≥ 16", 16, None), ("> 16", 17, None), ("1k..2k", 1000, 2000),
        ("5..5", 5, 5), ("1 to 3", 1, 3), ("10 ± 2", 8, 12), ("10 +/- 2", 8, 12),
        ("10 ± 0", 10, 10), ("<= 1.5", None, 1), ("< 1.5", None, 1), (">= 1.5", 2, None),
        ("> 1.5", 2, None), ("0.5..1.5", 1, 1),
    ],
)  # fmt: skip
def test_ranges_hold_both_their_ends(text: str, least: int | None, most: int | None) -> None:
    node = ScalarNode(text, 0, len(text))
    found = quantity(node, Scope({}), limit=False)
    assert found == (least, most, text)
    for value in range(3000):
        within = (least is None or least <= value) and (most is None or value <= most)
        assert found.holds(value) == within
    if "." not in text.replace("..", "") and text.isdigit():
        assert quantity(node, Scope({}), limit=True) == (None, most, text)


@pytest.mark.parametrize(
    ("least", "most", "values", "excess"),
    [
        ((7, 7), None, (6, 8), (-1, 0)), (None, (7, 7), (6, 8), (0, 1)),
        ((2, 4), (3, 4), (1, 6), (-1, 2)), ((2,), (3,), (1, 2, 3, 5), (-1, 0, 0, 2)),
        ((5, 5), (5, 5), (5, 5), (0, 0)),
    ],
)  # fmt: skip
def test_how_far_extents_are_off(
    least: tuple[int, ...] | None,
    most: tuple[int, ...] | None,
    values: tuple[int, ...],
    excess: tuple[int, ...],
) -> None:
    found = Extents(least, most, "")
    assert found.excess(values) == excess
    assert found.rank == len(least or most or ())


@tabled(
    ("name", "text", "least", "most"),
    [
        ("output", "> 3x4x5", (4, 5, 6), None), ("output", ">= 3x4x5", (3, 4, 5), None),
        ("output", "≥3x4x5", (3, 4, 5), None), ("output", "< 5x6x7", None, (4, 5, 6)),
        ("output", "<= 5x6x7", None, (5, 6, 7)), ("output", "≤ 5x6x7", None, (5, 6, 7)),
        ("output", "3x4x5..5x6x7", (3, 4, 5), (5, 6, 7)),
        ("output", "4x5x6 to 4x5x6", (4, 5, 6), (4, 5, 6)),
        ("receptive_field", "> 0", (1,), None), ("receptive_field", "< 3", None, (2,)),
        ("receptive_field", "1..3", (1,), (3,)), ("receptive_field", "1x1..1x3", (1, 1), (1, 3)),
    ],
)  # fmt: skip
def test_spec_promises_of_extents_hold_both_their_ends(
    name: str, text: str, least: tuple[int, ...] | None, most: tuple[int, ...] | None
) -> None:
    network = loads(f"input: 4x5x6\nlayers: [relu]\nexpect: {{{name}: '{text}'}}")
    (promise,) = network.promises.expect

    assert promise.wanted == Extents(least, most, text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("3x4x5..3x4x4", "the range 3x4x5..3x4x4 is empty"),
        ("3x4x5..3x4", "the range 3x4x5..3x4 starts with 3 extents and ends with 2"),
    ],
)
def test_spec_promises_of_extents_that_nothing_keeps(text: str, said: str) -> None:
    source = SourceText("x", f"input: 4x5x6\nlayers: [relu]\nexpect: {{output: '{text}'}}")

    assert [error.message for error in read_text(source).errors] == [said]


@pytest.mark.parametrize("text", ["3m", "16m", "16mb", "1.5Mi5k", "2 tons"])
def test_spec_promises_of_units_there_are_not(text: str) -> None:
    written = SourceText("x", f"input: 4\nlayers: [relu]\nexpect: {{parameters: {text}}}")
    (found,) = read_text(written).errors

    assert found.code == "CC120"
    assert found.message == f"`{text}` is no number with a unit"


def test_the_output_of_several_is_the_first_and_said_to_be() -> None:
    ends = (
        "input: 8x8x3\nlayers:\n  - {relu: , name: fine}\n  - {maxpool: 2, name: coarse}\n"
        "outputs: [fine, coarse]\n"
    )
    source = SourceText("a.yaml", f"{ends}expect: {{output: 4x4x3, outputs: {{coarse: 8x8x3}}}}\n")
    task = Task(Settings(ONLY_PROMISES))
    assert [found.message for found in check_text(source, task).diagnostics] == [
        "output fine, the first of 2: 8×8×3, and 4×4×3 was expected: +4 rows, +4 columns",
        "output coarse: 4×4×3, and 8×8×3 was expected: −4 rows, −4 columns",
    ]
