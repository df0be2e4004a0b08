"""What layers never read is told with a help that was tried on the whole network."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import product

import pytest
from corpus_findings import specs

from convcalc.checks.run import Task, check_text
from convcalc.graph import Network, read_text
from convcalc.graph.inputs import Known, resized
from convcalc.layers.base import Plan
from convcalc.layers.convolution import Conv
from convcalc.shape import Shape
from convcalc.spec.text import SourceText


def unread(text: str) -> list[tuple[str, str]]:
    """Message and help of what is said of rows that are not read."""
    found = read_text(SourceText("net.yaml", text)).diagnostics
    return [(item.message, item.help or "") for item in found if item.code == "CC306"]


def network(shape: str, layers: str, extra: str = "rounding: floor") -> str:
    return f"input: {shape}\n{extra}\nlayers: [{layers}]\n"


CONVS = "conv: {filters: 8, kernel: 5, stride: 2}, relu"
HEAD = "flatten, linear: 10"


@pytest.mark.parametrize(
    ("text", "helps"),
    [
        # PilotNet's beginning: 66 → 31 → 14 → 5, of which 61 → 29 → 13 → 5 reads every row.
        (network("66x66x3", f"{CONVS}, {CONVS}, {CONVS}, {HEAD}"),
         [("66 − 5", "use an input of 61×61, which makes the same output, or use"),
          ("14 − 5", "use an input of 61×61, which makes the same output")]),
        # 13 halved is 6: (30 − 2)/2 − 2 = 12, as (32 − 2)/2 − 2 = 13 without its last row.
        (network("32x32x3", "conv: {filters: 8, kernel: 3}, maxpool: 2, "
                            f"conv: {{filters: 8, kernel: 3}}, maxpool: 2, {HEAD}"),
         [("13 − 2", "use an input of 30×30, which makes the same output")]),
        # Without weights that depend on the size, the next larger input does as well.
        (network("32x31x3", "maxpool: {kernel: 3, stride: 2}"),
         [("32 − 3", ("use an input of 31×31, which makes the same output, or of 33×31, or "
                      "`rounding: ceil` here"))]),
        # The second pool reads all of 16 columns, and not of the 17 that `ceil` would make.
        (network("33x33x3", "maxpool: 2, maxpool: 2"),
         [("33 − 2", "use an input of 32×32, which makes the same output, or of 36×36")]),
        # A sequence that is made longer again has to come out as long as it was.
        (network("9x3", "maxpool: 2, upsample: 2"),
         [("9 − 2", ("use a length of 8, which makes the same output, or of 10, or "
                     "`rounding: ceil` here"))]),
    ],
)  # fmt: skip
def test_inputs_are_named_that_every_layer_reads_whole(
    text: str, helps: list[tuple[str, str]]
) -> None:
    said = unread(text)

    for (formula, help_), (message, told) in zip(helps, said, strict=True):
        assert formula in message
        assert told.startswith(help_.removesuffix(", or use"))


@pytest.mark.parametrize(
    "text",
    [
        network("9x3", "maxpool: 2"),  # a sequence is as long as it is
        network("9x9x3", "pad: [[0, 1], [0, 1]], relu, conv: {filters: 8, kernel: 3, stride: 2}, "
                         "flatten"),  # 10 − 3 is odd, and the tenth row is the pad's
        network("9x9x3", "maxpool: 2, conv: {filters: 8, kernel: 9}"),  # an error beside it
    ],
)  # fmt: skip
def test_nothing_is_said_where_nothing_is_lost_or_known(text: str) -> None:
    assert unread(text) == []


def test_a_network_that_gives_back_its_input_is_left_alone_where_no_input_would_do() -> None:
    """Of 64 rows 62 are read, (64 − 4)/2 + 1 = 31 and (30 − 4)/2 + 1 = 14, and 64 given back."""
    conv = "conv: {filters: 8, kernel: 4, stride: 2}"
    encoder = f"{conv}, {conv}, flatten, linear: 32"

    assert unread(network("64x64x3", f"{encoder}, linear: 12288, reshape: 64x64x3")) == []
    ((_, told),) = unread(network("64x64x3", f"{encoder}, linear: 8192, reshape: 64x64x2"))
    assert told == "use an input of 62×62, which makes the same output"


def test_a_pad_smaller_than_what_is_dropped_does_not_hide_it() -> None:
    text = network("9x9x3", "pad: [[0, 1], [0, 1]], conv: {filters: 8, kernel: 3, stride: 4}")

    assert [message[:32] for message, _ in unread(text)] == ["the last 2 rows and 2 columns of"]


def test_rows_that_no_input_would_save_may_be_cropped() -> None:
    # One branch halves what the other reads whole in thirds: 12 rows would do, and with the head
    # no other size than 9 does.
    text = network("9x9x3", "concat: [[maxpool: 2, flatten], [maxpool: 3, flatten]], linear: 10")
    ((_, help_),) = unread(text)

    assert help_ == "put `crop: [[0, 1], [0, 1]]` before it if they are not wanted"
    cropped = text.replace("[[maxpool: 2", "[[crop: [[0, 1], [0, 1]], maxpool: 2")
    assert unread(cropped) == []


def shaped(found: Network, text: str) -> Network:
    assert found.input is not None
    other = resized(found, found.input._replace(spatial=tuple(map(int, text.split("×")))))
    assert other is not None, text
    return other


def dropped(found: Network) -> list[str]:
    return [
        node.name
        for node, plan in zip(found.nodes, found.plans, strict=True)
        if plan is not None and node.layer is not None and node.inputs
        for x in [found.shape_of(node.inputs[0])]
        if x is not None and any(item.code == "CC306" for item in node.layer.check([x]))
    ]


KERNELS = ((2, 2, 0), (3, 2, 0), (3, 2, 1), (5, 3, 2), (4, 4, 1))
CHAINS = [
    network(
        f"{size}x{size + 3}x2",
        ", ".join(
            f"conv: {{filters: 4, kernel: {kernel}, stride: {stride}, padding: {padding}}}"
            for kernel, stride, padding in layers
        )
        + head,
    )
    for layers in product(KERNELS, repeat=2)
    for size in (37, 40)
    for head in ("", f", {HEAD}")
] + [spec.text for spec in specs() if "presets:" not in spec.text]


def test_every_input_that_a_help_names_is_read_whole() -> None:
    """Over chains of strided convolutions, and everything in the corpus and documentation."""
    named = 0
    for text in CHAINS:
        found = read_text(SourceText("net.yaml", text))
        for item in found.diagnostics:
            if item.code != "CC306":
                continue
            help_ = item.help or ""
            inputs = re.findall(r"of (\d+(?:×\d+)*)(, which makes the same output)?", help_)
            for size, same in inputs:
                other = shaped(found, size)
                named += 1
                assert not dropped(other), (text, size)
                if same:
                    assert other.shape_of(other.output) == found.shape_of(found.output)
                    assert other.input is not None
                    assert found.input is not None
                    assert other.input.size < found.input.size
                weights = [[plan.weights for plan in each.plans if plan] for each in (found, other)]
                assert weights[0] == weights[1]
    assert named > 100


BRANCHES = "concat: [[maxpool: 3, flatten], [maxpool: 7, flatten]]"
LONG = ", ".join(["conv: {filters: 8, kernel: 3, padding: 1}, relu"] * 2000)
WIDE = ", ".join(["[maxpool: 3]"] * 2000)


@pytest.mark.parametrize(
    ("layers", "count"),
    [(f"{LONG}, {BRANCHES}", 4000), (f"concat: [{WIDE}], maxpool: 3", 2000)],
    ids=["long", "wide"],
)
def test_a_large_network_is_searched_within_bounds(
    layers: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from convcalc.graph import unread as module

    tried: list[Shape] = []

    def counted(found: Network, shape: Shape, known: Known) -> Network | None:
        tried.append(shape)
        return resized(found, shape, known)

    monkeypatch.setattr(module, "resized", counted)

    assert unread(network("64x64x8", layers))
    assert count * len(tried) <= 2 * module.TRIED + 8 * count  # once for each axis and direction


def test_a_search_asks_a_layer_once_about_the_same_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inputs that are tried differ by a row, and layers behind a stride see none of it."""
    asked: Counter[tuple[Conv, tuple[Shape, ...]]] = Counter()
    plan = Conv.plan

    def counted(layer: Conv, xs: Sequence[Shape]) -> Plan:
        asked[layer, tuple(xs)] += 1
        return plan(layer, xs)

    monkeypatch.setattr(Conv, "plan", counted)

    assert unread(network("63x63x3", f"{CONVS}, {CONVS}, {CONVS}, {HEAD}"))
    assert len(asked) > 6, "it searched"
    assert max(asked.values()) == 2, "when the network was read, and in the search"


def test_layers_of_the_same_words_are_counted() -> None:
    text = ("input: 32x32x8\nlayers:\n  - layers:\n"
            "      - conv: {filters: 8, kernel: 3, padding: 1}\n"
            "      - batchnorm\n      - relu\n    repeat: 13\n")  # fmt: skip
    (found,) = check_text(SourceText("net.yaml", text), Task()).diagnostics

    assert found.message.endswith("8 parameters do nothing (and 12 more layers written here)")
    one = text.replace("filters: 8", "filters: 1").replace("x8", "x1").replace("13", "1")
    (found,) = check_text(SourceText("net.yaml", one), Task()).diagnostics[:1]
    assert found.message.endswith("1 parameter does nothing")


@pytest.mark.parametrize(
    ("shape", "layers"),
    [
        ("224x224x3", "conv: {filters: 96, kernel: 7, stride: 2}, relu, flatten, linear: 10"),
        ("33x33x3", "maxpool: 2, maxpool: 2"),
        ("100x96x3", "maxpool: 2, maxpool: 2, maxpool: 2, flatten, linear: 4"),
        ("10x3", "avgpool: {kernel: 4, stride: 4}, upsample: 4"),
    ],
)
def test_what_comes_from_elsewhere_is_not_blamed_for_rounding_down(shape: str, layers: str) -> None:
    """A file's network was trained as it rounds, whoever says so; a written one chose it."""
    blame = {"CC306", "CC401"}
    flat = re.split(r", (?![^{]*})", layers)
    known = [f"{{{each}, origin: /node{at}}}" for at, each in enumerate(flat)]
    codes = [
        {each.code for each in check_text(SourceText("net.yaml", text), Task()).diagnostics}
        for text in (network(shape, layers), network(shape, ", ".join(known)))
    ]
    assert codes[0] & blame
    assert codes[1] == codes[0] - blame, "and of anything else as any network"
