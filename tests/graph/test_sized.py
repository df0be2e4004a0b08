"""A help about sizes names nothing that was not tried on the whole network."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from random import Random
from typing import Any

import pytest
from tabled import tabled

from convcalc import loads
from convcalc.diagnostics import Diagnostic
from convcalc.graph import Network, read_text, sized
from convcalc.graph.inputs import answer
from convcalc.shape import Shape
from convcalc.spec.text import SourceText


@cache
def read(text: str, shape: str | None = None) -> Network:
    return read_text(SourceText("net.yaml", text), input=shape)


def helps(text: str) -> list[str]:
    return [item.help or "" for item in read(text).errors]


def inputs(item: Diagnostic) -> list[str]:
    """The inputs that a help names, without channels."""
    named = re.search(r"use an input of (?:length )?([\d×]+)(?: or ([\d×]+))?", item.help or "")
    return [each for each in named.groups() if each] if named else []


def rounded(text: str, item: Diagnostic) -> str:
    """The spec as a help has it that says to round down, alone or with another input."""
    if "once at the top" not in (item.help or ""):
        return text
    return f"rounding: floor\n{text.replace('rounding: exact', '')}"


def for_inputs(text: str, item: Diagnostic) -> str:
    """The spec that the inputs are meant for which a help names."""
    return rounded(text, item) if "spec and use an input" in (item.help or "") else text


TOO_LARGE_POOL = """\
input: 28x28x1
layers:
  - conv: {filters: 8, kernel: 4}
  - relu
  - maxpool: 2
"""
"""28 − 4 + 1 = 25 is odd: 29 gives 26 and 27 gives 24."""
FIVE_POOLS = """\
input: 60x60x3
layers:
  - layers:
      - conv: {filters: 8, kernel: 3, padding: 1}
      - relu
      - maxpool: 2
    repeat: 5
"""
"""Five halvings: multiples of 2^5 = 32, of which 60 lies between 32 and 64."""
U_NET = """\
input: 350x525x3
layers:
  - conv: {filters: 16, kernel: 3, padding: 1}
    name: e1
  - maxpool: 2
  - conv: {filters: 32, kernel: 3, padding: 1}
    name: e2
  - maxpool: 2
  - conv: {filters: 64, kernel: 3, padding: 1}
    name: e3
  - maxpool: 2
  - conv: {filters: 128, kernel: 3, padding: 1}
  - upsample: 2
  - concat: [[], [from: e3]]
  - upsample: 2
  - concat: [[], [from: e2]]
  - upsample: 2
  - concat: [[], [from: e1]]
  - conv: {filters: 1, kernel: 1}
"""
"""Three halvings: multiples of 8; 350 = 43·8 + 6 and 525 = 65·8 + 5."""
PYRAMID = """\
input: 100x167x8
layers:
  - conv: {filters: 8, kernel: 3, padding: 1}
    name: c3
  - conv: {filters: 8, kernel: 3, stride: 2, padding: 1, rounding: floor}
  - upsample: 2
  - add: [[], [from: c3]]
"""
"""⌊(167 − 3 + 2)/2⌋ + 1 = 84, twice of which is one more than 167."""
FLOOR = "write `rounding: floor` once at the top of the spec, as frameworks do"


@tabled(
    ("text", "help_"),
    [
        (TOO_LARGE_POOL, (f"{FLOOR} (drops 1 row and 1 column), use an input of 29×29 or 27×27, "
                         "or use padding [[0, 1], [0, 1]]")),
        # The padding would be that of all five pools.
        (FIVE_POOLS, f"{FLOOR} (drops 1 row and 1 column), or use an input of 64×64 or 32×32"),
        # Rounded down, 43·2 = 86 rows would come beside the 87 of e3.
        (U_NET, "use an input of 352×528 or 344×520"),
        (f"rounding: floor\n{U_NET}",
         ("write `upsample: {size: 87x131}` for upsample1 (and `upsample: {size: 175x262}` for "
         "upsample2, `upsample: {size: 350x525}` for upsample3), or use an input of 352×528 or "
         "344×520")),
        (PYRAMID, ("write `upsample: {size: 100x167}` for upsample1, use an input of 100×168 or "
                  "100×166, put `crop: {size: 100x167}` at the end of branch 1, or put "
                  "`pad: [[0, 0], [0, 1]]` at the end of branch 2")),
        # 87 rows become 43 and, times 2, 86: one more is put behind.
        (PYRAMID.replace("100x167", "87x86").replace("kernel: 3, stride: 2, padding: 1",
                                                     "kernel: 2, stride: 2")
                .replace("upsample: 2", "conv_transpose: {filters: 8, kernel: 2, stride: 2}"),
         ("write `conv_transpose: {filters: 8, kernel: 2, stride: 2, output_padding: 1x0}` for "
         "conv_transpose1, use an input of 88×86 or 86×86, put `pad: [[0, 1], [0, 0]]` at the end "
         "of branch 1, or put `crop: {size: 86x86}` at the end of branch 2")),
        # Under 64 rows, less than a row would be left behind six halvings.
        (("input: 49x74x3\nrounding: floor\nlayers: [{repeat: 6, conv: {filters: 8, kernel: 4, "
         "stride: 2, padding: 1}}]"),
         ("use a kernel of at most 3, use an input of 64×74, pad more, "
         "or downsample less before this layer")),
        # (15985 − 10)/5 + 1 = 3196, (3196 − 8)/4 + 1 = 798, then 398, 198, 98 and 48; the next are
        # as many further as the strides multiply to, 5·4·2^4 = 320.
        (("input: 16000x1\nlayers: [conv: {filters: 8, kernel: 10, stride: 5}, conv: {filters: 8, "
         "kernel: 8, stride: 4}, {conv: {filters: 8, kernel: 4, stride: 2}, repeat: 4}]"),
         f"{FLOOR} (drops 3 positions), or use an input of length 15985 or 16305"),
        # A network of its own rounding is told to change that.
        ("input: 5x5x1\nlayers: [maxpool: {kernel: 2, rounding: exact}]",
         ("write `rounding: floor` here, as frameworks do (drops 1 row and 1 column), use an input "
         "of 6×6 or 4×4, or use padding [[0, 1], [0, 1]]")),
        ("input: 5x5x1\ndefaults: {maxpool: {rounding: exact}}\nlayers: [maxpool: 2]",
         ("write `rounding: floor` here, as frameworks do (drops 1 row and 1 column), use an input "
         "of 6×6 or 4×4, or use padding [[0, 1], [0, 1]]")),
        # Another error keeps unknown what the rest needs: the layer speaks of its own map.
        ("input: 28x28x1\nlayers: [conv: {filters: 8, kernel: 4, padding: 1}, maxpool: 2, "
         "linear: 10]".replace("[conv", "[pixel_shuffle: 3, conv"), None),
        (("input: 28x28x1\nlayers: [conv: {filters: 8, kernel: 4}, maxpool: 2, "
         "add: [[], [pixel_shuffle: 3, upsample: 2]]]"),
         (f"{FLOOR} (drops 1 row and 1 column), give it a map of 26×26 or 24×24, or use padding "
         "[[0, 1], [0, 1]]")),
    ],
)  # fmt: skip
def test_the_help_begins_with_what_is_meant_and_names_inputs_of_the_network(
    text: str, help_: str | None
) -> None:
    if help_ is None:
        assert not any(inputs(item) for item in read(text).errors)
    else:
        assert help_ in helps(text)


def chains() -> Iterator[str]:
    """Strided layers one behind the other, rounded all ways, of one to three axes."""
    random = Random(34)  # noqa: S311
    for rounding, count, rank in product(("exact", "floor"), (1, 2, 4), (1, 2, 3)):
        for _ in range(4):
            layers = []
            for _ in range(count):
                kernel = random.randrange(1, 6)
                fields = (
                    f"kernel: {kernel}, stride: {random.randrange(1, 4)}, "
                    f"padding: {random.randrange(kernel // 2 + 1)}"
                )
                layers.append(
                    f"maxpool: {{{fields}}}"
                    if random.random() < 0.4
                    else f"conv: {{filters: 4, {fields}}}"
                )
            sizes = "x".join(str(random.randrange(5, 70)) for _ in range(rank))
            yield f"input: {sizes}x2\nrounding: {rounding}\nlayers: [{', '.join(layers)}]\n"


DOWN = ("maxpool: 2", "conv: {filters: 4, kernel: 3, stride: 2, padding: 1}",
        "conv: {filters: 4, kernel: 2, stride: 2}", "avgpool: 3")  # fmt: skip
UP = ("upsample: 2", "conv_transpose: {filters: 4, kernel: 2, stride: 2}",
      "conv_transpose: {filters: 4, kernel: 4, stride: 2, padding: 1}",
      "upsample: {scale: 2, mode: linear}", "upsample: 3")  # fmt: skip


def u_nets() -> Iterator[str]:
    """Networks that merge what was halved and doubled again with what was not."""
    random = Random(35)  # noqa: S311
    for rounding, depth, merge in product(("exact", "floor"), (1, 2, 3), ("concat", "add")):
        for _ in range(6):
            down = random.choice(DOWN)
            up = UP[-1] if down == DOWN[-1] else random.choice(UP[:-1])
            conv = "conv: {filters: 4, kernel: 3, padding: 1}"
            around = [f"{conv}\n    name: e{level}" for level in range(depth)]
            ends = [f"{merge}: [[], [from: e{level}]]" for level in reversed(range(depth))]
            layers = [item for start in around for item in (start, down)]
            layers += [item for end in ends for item in (up, conv, end)]
            size = f"{random.randrange(20, 200)}x{random.randrange(20, 200)}x3"
            items = "".join(f"  - {item}\n" for item in layers)
            yield f"input: {size}\nrounding: {rounding}\nlayers:\n{items}"


TEXTS = [*chains(), *u_nets()]


def test_every_input_that_a_help_names_is_analyzed_without_an_error() -> None:
    named = 0
    below = 0
    for text in TEXTS:
        network = read(text)
        assert network.input is not None
        for item in network.errors:
            for size in inputs(item):
                shape = f"{size.replace('×', 'x')}x{network.input.channels}"
                assert not read(for_inputs(text, item), shape).errors, (text, size)
                named += 1
                below += size < "×".join(map(str, network.input.spatial))
    assert named > 100
    assert named - 20 > below > 20


def strided_and_merged() -> Iterator[str]:
    """Strides of the kinds that tile 1×1 alone, doubled again and added to what was before."""
    conv = "conv: {filters: 8, kernel: 3, stride: 2, padding: 1}"
    up = "upsample: 2"
    for size, depth in product(("100x50", "224x224", "64x64", "33x70", "1x90", "7x5"), (1, 2, 3)):
        start = f"input: {size}x8\nlayers:\n  - conv: {{filters: 8, kernel: 1}}\n    name: a\n"
        between = f"  - {conv}\n  - relu\n" * depth
        for merge in ("add: [[], [from: a]]", f"add: [[], [from: a, {conv}]]", "sigmoid"):
            yield f"{start}{between}" + f"  - {up}\n" * (depth - 1) + f"  - {merge}\n"
            yield f"{start}{between}" + f"  - {up}\n" * depth + f"  - {merge}\n"


def broadcasts(network: Network) -> set[tuple[int, int]]:
    """The merges along whose axes maps of one row meet larger ones, by layer and axis."""
    met = set()
    for index, node in enumerate(network.nodes):
        shapes = [network.shape_of(read) for read in node.inputs]
        spatial = [shape.spatial for shape in shapes if shape is not None]
        for axis, extents in enumerate(zip(*spatial, strict=False)):
            if 1 in extents and len(set(extents)) > 1:
                met.add((index, axis))
    return met


def test_an_input_that_a_help_names_is_near_the_one_given_and_brings_no_broadcast() -> None:
    """Between half and twice of it, unless a map is too small; and not 1×1 for `add` to repeat."""
    named = 0
    for text in (*TEXTS, *strided_and_merged()):
        network = read(text)
        image = network.input
        assert image is not None
        enlarged = {item.code for item in network.errors} - {"CC301", "CC309", "CC310"}
        for item in network.errors:
            for size in inputs(item):
                extents = tuple(map(int, size.split("×")))
                for one, two in zip(image.spatial, extents, strict=True):
                    assert one <= 2 * two, (text, size)
                    assert enlarged or two <= 2 * one, (text, size)
                shape = f"{size.replace('×', 'x')}x{image.channels}"
                other = read(for_inputs(text, item), shape)
                assert not other.errors, (text, size)
                assert broadcasts(other) <= broadcasts(network), (text, size)
                named += 1
    assert named > 100


def test_rounding_down_and_another_input_together_are_named_where_neither_does_alone() -> None:
    """Rounded down, 50 rows become 25 and then 13, twice of which is 26; 51 become 26 and 13."""
    conv = "conv: {filters: 8, kernel: 3, stride: 2, padding: 1}"
    text = (
        f"input: 100x50x3\nlayers: [{{name: a, {conv}}}, relu, {conv}, upsample: 2, "
        "add: [[], [from: a]]]\n"
    )
    assert helps(text) == [
        "write `rounding: floor` once at the top of the spec and use an input of 100×51 or 100×48"
    ]


@pytest.mark.parametrize("behind", ["lineer: 10", "conv: {filters: 0, kernel: 1}", "maxpol: 2"])
def test_other_errors_behind_leave_the_layers_before_them_to_be_tried(behind: str) -> None:
    """33 rows would do in the first round of five alone: (33 − 1)/2 = 16 is even."""
    text = FIVE_POOLS.replace("60x60", "65x65") + f"  - {behind}\n"
    (help_,) = (item.help for item in read(text).errors if item.code == "CC301")

    assert help_ is not None
    assert "use an input of 64×64 or 96×96 (tried as far as maxpool5)" in help_
    assert "give it a map" not in help_


def test_a_map_is_not_named_where_other_rounds_of_the_layer_cannot_be_tried() -> None:
    text = FIVE_POOLS.replace("      - relu", "      - relu\n      - groupnorm: 3")
    helps_ = [item.help or "" for item in read(text).errors]

    assert not any("give it a map" in help_ or "use an input" in help_ for help_ in helps_)


def test_no_nearer_input_along_a_single_axis_would_do() -> None:
    """Tried one by one: of one axis, or of all by the same number of rows."""
    looked_at = 0
    for text in TEXTS:
        network = read(text)
        image = network.input
        assert image is not None
        sizes = {(size, for_inputs(text, item)) for item in network.errors for size in inputs(item)}
        for size, meant in sizes:
            other = tuple(map(int, size.split("×")))
            moved = {two - one for one, two in zip(image.spatial, other, strict=True)} - {0}
            if len(moved) > 1:
                continue
            (most,) = moved
            changed = [one != two for one, two in zip(image.spatial, other, strict=True)]
            for rows in range(1, abs(most)) if abs(most) < 12 else ():
                nearer = "x".join(
                    str(one + (rows if most > 0 else -rows) * each)
                    for one, each in zip(image.spatial, changed, strict=True)
                )
                assert read(meant, f"{nearer}x{image.channels}").errors, (text, nearer)
                looked_at += 1
    assert looked_at > 50


def test_what_a_help_says_to_write_is_written_and_no_error_is_left() -> None:
    """`rounding: floor` at the top; sizes of what made a branch larger, all that are named."""
    done = {"rounding": 0, "sizes": 0}
    for text in TEXTS:
        for item in read(text).errors:
            help_ = item.help or ""
            after = text
            if "once at the top" in help_ and "spec and use an input" not in help_:
                after = rounded(text, item)
                done["rounding"] += 1
                if {item.code for item in read(after).errors} == {"CC303"}:
                    # No input near this one is large enough for what is behind.
                    assert not inputs(item)
                    continue
            for item_, name in re.findall(r"`((?:upsample|conv_transpose): .*?)` for (\w+)", help_):
                kind, number = re.fullmatch(r"(\w+?)(\d+)", name).groups()  # type: ignore[union-attr]
                places = list(re.finditer(rf"  - ({kind}: .*)", after))
                start, end = places[int(number) - 1].span(1)
                after = after[:start] + item_ + after[end:]
                done["sizes"] += 1
            if after != text:
                assert not read(after).errors, (text, after)
    assert min(done.values()) > 10


@pytest.mark.parametrize(
    ("kind", "branch"), [("crop: {size: 100x167}", 1), ("pad: [[0, 0], [0, 1]]", 2)]
)
def test_what_is_put_at_the_end_of_a_branch_makes_the_branches_alike(
    kind: str, branch: int
) -> None:
    assert f"put `{kind}` at the end of branch {branch}" in helps(PYRAMID)[0]
    ends = ["", "from: c3"]
    ends[branch - 1] = f"{ends[branch - 1]}, {kind}".lstrip(", ")
    loads(
        PYRAMID.replace(
            "[[], [from: c3]]",
            f"[[{ends[0]}], [{{{ends[1]}}}]]".replace("{from: c3, pad", "from: c3, pad")
            .replace("]]}]]", "]]]]")
            .replace("{from: c3}", "from: c3"),
        )
    )


@tabled(("length", "axis"), [("1", "length"), ("4", "length"), ("100", "length"), ("15", None)])
def test_sequences_that_differ_much_are_offered_the_axis_that_joins_them(
    length: str, axis: str | None
) -> None:
    text = f"input: 16x48\nlayers:\n  - concat: [[learned: {length}x48], []]\n"
    (help_,) = helps(text)

    written = re.search(r"axis: (\w+)", help_)
    assert (written and written[1]) == axis
    if axis is not None:
        joined = f"{{branches: [[learned: {length}x48], []], axis: {axis}}}"
        network = loads(text.replace(f"[[learned: {length}x48], []]", joined))
        assert network.shape_of(network.output) == Shape(48, (16 + int(length),))


def test_a_block_that_is_called_for_several_sizes_is_not_told_one_size() -> None:
    text = U_NET.replace("upsample: 2", "up").replace(
        "layers:", "rounding: floor\nblocks: {up: {layers: [upsample: 2]}}\nlayers:", 1
    )
    (help_,) = helps(text)

    assert "size: " not in help_.replace("crop: {size", "")
    assert "use an input of 352×528 or 344×520" in help_


LONG = ", ".join(["conv: {filters: 8, kernel: 3, padding: 1}, relu"] * 1000)
CROSSED = "add: [[maxpool: 2], [maxpool: {kernel: 3, stride: 3}]]"


@pytest.mark.parametrize(
    "layers",
    [
        f"{LONG}, maxpool: 3, {CROSSED}",
        ", ".join([CROSSED] * 40),
        ", ".join(["add: [[maxpool: 2, upsample: 2], []]"] * 300),
        pytest.param(
            f"concat: [{', '.join(['[maxpool: 3]', '[maxpool: 2]'] * 500)}]",
            marks=pytest.mark.thorough,
        ),
    ],
    ids=["long", "crossed", "merges", "wide"],
)
def test_the_search_has_an_end(layers: str, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = 0

    def counted(*arguments: Any) -> Any:
        nonlocal planned
        planned += 1
        return answer(*arguments)

    monkeypatch.setattr("convcalc.graph.sized.answer", counted)
    assert read_text(SourceText("x", f"input: 97x89x8\nlayers: [{layers}]\n")).errors
    assert planned <= sized.PLANNED


@pytest.mark.parametrize(
    "layers",
    [
        # A map against one of twice its rows; and a map of 2 rows, whatever comes in.
        "concat: [[], [upsample: 2]]",
        "adaptive_maxpool: 2, maxpool: 3",
    ],
)
def test_what_no_input_mends_is_told_no_input(layers: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no input is tried: the laws say that there is none."""
    shapes = []
    fault = sized._Trials.first_fault

    def counted(trials: Any, shape: Any, *arguments: Any, **down: Any) -> Any:
        shapes.append(shape.spatial)
        return fault(trials, shape, *arguments, **down)

    monkeypatch.setattr(sized._Trials, "first_fault", counted)
    (help_,) = helps(f"input: 97x8\nlayers: [{layers}]\n")

    assert "use an input" not in help_
    assert {*shapes} <= {(97,)}


@pytest.mark.parametrize(
    ("layers", "length"),
    [
        ("conv: {filters: 4, kernel: 600}", "600"),
        ("conv: {filters: 4, kernel: 500, stride: 500}", "500"),
        # Eight halvings and doublings: 256 rows.
        ("add: [[], [{repeat: 8, maxpool: 2}, {repeat: 8, upsample: 2}]]", "256"),
    ],
)
def test_an_input_that_is_far_is_named_too(layers: str, length: str) -> None:
    (help_,) = set(helps(f"input: 97x8\nrounding: floor\nlayers: [{layers}]\n"))
    assert f"use an input of length {length}" in help_


def test_the_network_is_searched_once_for_all_its_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    searched = 0
    search = sized._Trials._nearest

    def counted(*arguments: Any, **down: Any) -> Any:
        nonlocal searched
        searched += 1
        return search(*arguments, **down)

    monkeypatch.setattr(sized._Trials, "_nearest", counted)
    branches = ", ".join(["[maxpool: 2]"] * 30)
    text = f"input: 9x9x3\nlayers: [concat: [{branches}]]\n"
    found = read_text(SourceText("x", text)).errors

    assert len(found) == 30
    assert all("use an input of 10×10 or 8×8" in (item.help or "") for item in found)
    assert searched == 1  # above and below at once
