"""PyTorch's own messages for programs that are broken in one place, and whether it is found.

`python -m benchmarks errors [--networks N] [--bundled N] [--seed S]`: the PyTorch program of each
of N random networks (500), and of N drawn bundled ones (200), is changed in one place, the spec is
left as it is, and the program runs, for its message. What is changed is drawn of the program's text
and knows nothing of what reads messages: channels, features or slopes that a module takes, filters,
kernel, stride, padding or dilation of a call, a layer left out, or another tensor where a branch
begins or ends. Programs that still run, and those that only a loss would refuse, are drawn again.
Then `explain --error` gets the message alone, without the traceback: is the layer in the list, how
long is the list, how often can it not tell, and does it ever give a list without the layer.
"""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from random import Random
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

from benchmarks.arguments import parser, positive
from benchmarks.torch_program import UnknownKindError, torch_program
from convcalc.graph import Network, load, loads
from convcalc.layers import SOURCES

MOST_MACS = 6 * 10**9
"""Multiplications above which a bundled network is passed over: it runs until it stops."""
TRIES = 40
"""Changes of one network until one of them stops it."""


class Broken(NamedTuple):
    """A program that is changed in one place."""

    layer: int
    """Index of the layer."""
    kind: str
    """What is changed."""
    was: str
    """The line before."""
    line: str
    """The line as it is now."""
    text: str
    """The whole program."""


def broken(network: Network, kind: str, random: Random) -> Broken | None:
    """The program of a network with one change of a kind in a place that is drawn; None if none."""
    lines = torch_program(network).split("\n")
    index = random.randrange(1, len(network.nodes))
    node = network.nodes[index]
    run = next(at for at, line in enumerate(lines) if line.startswith(f"    v{index} = "))
    if kind == "missing":
        at, line = run, f"    v{index} = v{random.choice(node.inputs)}"
    elif kind == "branch":
        readers = Counter(read for each in network.nodes for read in {*each.inputs})
        if len(node.inputs) < 2 and readers[node.inputs[0]] < 2:
            return None
        at, line = run, _branch(lines[run], index, node.inputs, random)
    else:
        held = index if node.shared_with is None else node.shared_with
        made = next((at for at, line in enumerate(lines) if line.startswith(f"m{held} = ")), None)
        index = index if made is None else held
        at = run if made is None else made
        line = _otherwise(lines[at], kind, random, _channels(network))
    if not line or at is None or line == lines[at]:
        return None
    text = "\n".join([*lines[:at], line, *lines[at + 1 :]])
    return Broken(index, kind, lines[at].strip(), line.strip(), text)


def _channels(network: Network) -> list[int]:
    """Numbers that somebody may have in mind: channels of other layers."""
    return [plan.output.channels for plan in network.plans if plan is not None]


def _other(value: int, random: Random, known: list[int]) -> int:
    """Another number of channels: another layer's, twice or half as many, or one that is near."""
    near = (
        value * 2,
        value // 2,
        value + 1,
        value - 1,
        value * 4,
        value + 16,
        random.choice(known),
    )
    return max(random.choice(near), 1)


def _small(value: Any, random: Random, least: int) -> Any:
    """Another kernel, stride or padding: mostly for all axes, at times for one of them."""
    axes = list(value) if isinstance(value, tuple) else [value]
    number = max(random.choice((0, 1, 2, 3, axes[0] + 1, axes[0] - 1, axes[0] + 2)), least)
    if isinstance(value, tuple) and len(axes) > 1 and random.random() < 1 / 5:
        axes[random.randrange(len(axes))] = number
        return tuple(axes)
    return tuple([number] * len(axes)) if isinstance(value, tuple) else number


CONVOLUTION = ("takes", "filters", "kernel", "stride", "padding", "", "", "")
TRANSPOSED = ("takes", "filters", "kernel", "stride", "padding", "output padding", "", "", "")
POOL = ("", "kernel", "stride", "padding")
ARGUMENTS = {
    **{f"nn.Conv{rank}d": CONVOLUTION for rank in (1, 2, 3)},
    **{f"nn.ConvTranspose{rank}d": TRANSPOSED for rank in (1, 2, 3)},
    **{f"nn.BatchNorm{rank}d": ("norm",) for rank in (1, 2, 3)},
    **{f"nn.InstanceNorm{rank}d": ("norm",) for rank in (1, 2, 3)},
    **{f"F.{kind}_pool{rank}d": POOL for rank in (1, 2, 3) for kind in ("max", "avg")},
    "nn.Linear": ("takes", "filters"),
    "nn.GroupNorm": ("", "norm"),
    "nn.LayerNorm": ("norm",),
    "nn.PReLU": ("norm",),
    "Scale": ("norm",),
}
"""What the arguments of a call are, by its name; "" is not changed."""
KINDS = ("takes", "filters", "kernel", "stride", "padding", "missing", "norm", "branch")
"""What is changed, each as often as the others: what a module takes, filters or units, numbers of a
kernel, a layer left out, features of a normalization, or a tensor where a branch begins or ends."""


def _otherwise(line: str, kind: str, random: Random, known: list[int]) -> str:
    """A line whose call has another argument of a kind; "" where it has none."""
    tree = ast.parse(line.strip())
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        places = ARGUMENTS.get(ast.unparse(call.func), ())
        if kind in places and places.index(kind) < len(call.args):
            at = places.index(kind)
            value = ast.literal_eval(call.args[at])
            if kind in ("takes", "filters", "norm"):
                other: Any = _other(value, random, known)
            else:
                other = _small(value, random, 0 if kind == "padding" else 1)
            call.args[at] = ast.Constant(other)
            indent = line[: len(line) - len(line.lstrip())]
            return indent + ast.unparse(tree)
    return ""


def _branch(line: str, index: int, inputs: tuple[int, ...], random: Random) -> str:
    """Another tensor where a branch begins or ends; "" for the same one."""
    read, other = random.choice(inputs), random.randrange(index)
    if other in inputs:
        return ""
    words = re.sub(rf"\bv{read}\b", f"v{other}", line.replace(f"v{index} = ", "", 1), count=1)
    return f"    v{index} = {words.strip()}"


LARGE = 10**7
"""Multiplications above which a program is tried without values first, on the meta device."""


def message(text: str, network: Network) -> str | None:
    """What PyTorch says of a program; None where it runs."""
    text = re.sub(r"^    del .*\n", "", text, flags=re.MULTILINE)  # another tensor may be read
    macs = sum(plan.macs for plan in network.plans if plan is not None)
    if macs > LARGE and _run(text, network, "meta") is None:
        return None
    return _run(text, network, "cpu")


def _run(text: str, network: Network, device: str) -> str | None:
    import torch

    names: dict[str, Any] = {}
    assert network.input is not None  # noqa: S101
    try:
        with torch.device(device), torch.no_grad():
            exec(compile(text, "program", "exec"), names)  # noqa: S102 (it is written above)
            names["forward"](torch.zeros(2, *network.input.axes))
    except (RuntimeError, ValueError, IndexError, TypeError, NotImplementedError) as error:
        return str(error)
    return None


class Outcome(NamedTuple):
    """What `explain --error` makes of one message."""

    listed: bool
    """Whether it gives a list."""
    right: bool
    """Whether the layer is in it."""
    length: int
    """How many layers are in it."""
    first: bool
    """Whether the layer is in the first entry."""
    seconds: float
    """How long it took."""


def judged(network: Network, text: str, layer: int) -> Outcome:
    """What the message alone leads to."""
    from convcalc.explanation.messages import diagnose

    start = perf_counter()
    diagnosis = diagnose(network, text)
    seconds = perf_counter() - start
    name = network.nodes[layer].name
    listed = [name for suspect in diagnosis.suspects for name in suspect.layers]
    first = bool(diagnosis.suspects) and name in diagnosis.suspects[0].layers
    return Outcome(bool(listed), name in listed, len(listed), first, seconds)


def drawn_texts(seed: str) -> Iterator[Network]:
    """Random networks of every kind of layer."""
    from benchmarks.random import texts

    for text in texts(seed):
        yield loads(text)


def bundled(random: Random) -> Iterator[Network]:
    """Bundled networks, drawn again and again."""
    from convcalc.spec.bundled import bundled_names

    while True:
        network = load(random.choice(bundled_names()))
        if sum(plan.macs for plan in network.plans if plan is not None) <= MOST_MACS:
            yield network


def cases(
    networks: Iterator[Network], random: Random, count: int
) -> Iterator[tuple[Network, Broken, str]]:
    """Networks that are broken so that PyTorch says so, with what it says."""
    found = 0
    for network in networks:
        if found == count:
            return
        try:
            whole = message(torch_program(network), network)
        except UnknownKindError:
            continue
        if whole is not None:  # PyTorch does not have all that a spec may say
            continue
        if len(network.nodes) <= len(SOURCES):
            continue
        kind = KINDS[found % len(KINDS)]
        for _ in range(TRIES):
            change = broken(network, kind, random)
            told = None if change is None else message(change.text, network)
            if change is not None and told is not None:
                found += 1
                yield network, change, told
                break


def main(arguments: list[str]) -> int:
    """Break networks, and print what becomes of their messages."""
    import sys
    from pathlib import Path

    asked = parser("errors", __doc__)
    asked.add_argument("--networks", type=positive, default=500)
    asked.add_argument("--bundled", type=positive, default=200)
    asked.add_argument("--seed", default="0")
    asked.add_argument("--verbose", action="store_true", help="print every case that is not found")
    given = asked.parse_args(arguments)
    tests = Path(__file__).parent.parent / "tests"
    sys.path[:0] = [str(tests / folder) for folder in (".", "analysis", "forward")]
    wrong = 0
    for what, count in (("random", given.networks), ("bundled", given.bundled)):
        random = Random(f"{what} {given.seed}")  # noqa: S311 (a benchmark repeats)
        networks = drawn_texts(f"errors {given.seed}") if what == "random" else bundled(random)
        outcomes: dict[str, list[Outcome]] = defaultdict(list)
        for network, change, told in cases(networks, random, count):
            outcome = judged(network, told, change.layer)
            outcomes[change.kind].append(outcome)
            if given.verbose and not outcome.right:
                node = network.nodes[change.layer]
                said = "cannot tell" if not outcome.listed else f"{outcome.length} others"
                places = network.written.places if network.written else None
                spec = getattr(places, "content", "")
                lines = (change.was, change.line, told)
                print(f"{network.name} {node.name}: {said}", *lines, sep="\n  ")
                print(spec if what == "random" else "", flush=True)
        every = [each for some in outcomes.values() for each in some]
        print(f"{what} networks, seed {given.seed}: {len(every)} messages")
        for kind, some in [*sorted(outcomes.items()), ("all", every)]:
            print(f"  {kind:<16}{told_of(some)}")
        wrong += sum(each.listed and not each.right for each in every)
    return int(bool(wrong))


def told_of(outcomes: list[Outcome]) -> str:
    """Shares of some outcomes."""
    total = len(outcomes)
    right = [each for each in outcomes if each.right]
    lengths = [each.length for each in outcomes if each.listed] or [0]
    unsure = sum(not each.listed for each in outcomes)
    lacking = sum(each.listed and not each.right for each in outcomes)
    first = sum(each.first for each in outcomes)
    seconds = max(each.seconds for each in outcomes)
    return (
        f"{total:4} messages: {100 * len(right) / total:5.1f}% in the list "
        f"({100 * first / total:.0f}% in its first entry), median list of {median(lengths):g}, "
        f"longest {max(lengths)}; cannot tell {unsure}, a list without it {lacking}; "
        f"slowest {seconds:.2f} s"
    )
