"""The cheapest checkpoints, beside every choice of segments, and beside PyTorch."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from random import Random
from typing import Any, NamedTuple

import numpy as np
import pytest

import convcalc
from convcalc.analysis.memory import Model, Questions, RunTerms, answer, model
from convcalc.analysis.memory.automatic import _Search, automatic, in_words, largest_batch
from convcalc.analysis.memory.bounds import Bounds, Edges
from convcalc.analysis.memory.checkpoint import read_checkpoint, segments, written
from convcalc.analysis.memory.limits import read_limit
from convcalc.analysis.memory.pieces import Piece, Pieces
from convcalc.analysis.memory.terms import AUTO
from convcalc.analysis.memory.walk import Segment, at, walk
from convcalc.graph import Network, SpecError, load, loads
from convcalc.graph.planned import planned

TRAINING = RunTerms(training=True)

CHAIN = """
input: 8x8x3
layers:
  - {conv: {filters: 4, kernel: 3, padding: same}, name: a}
  - {tanh: {}, name: b}
  - {conv: {filters: 6, kernel: 3, padding: same}, name: c}
  - {batchnorm: {}, name: d}
  - {relu: {}, name: e}
  - {maxpool: 2, name: f}
  - {flatten: {}, name: g}
  - {linear: 5, name: h}
"""

KINDS = [
    *["conv: {{filters: {0}, kernel: 3, padding: same}}"] * 3,
    *["conv: {{filters: {0}, kernel: 1}}", "batchnorm", "relu", "relu", "tanh", "sigmoid", "silu"],
    *["maxpool: {{kernel: 3, stride: 1, padding: 1}}", "avgpool: {{kernel: 2, stride: 1}}"],
    *["dropout", "leaky_relu", "pad: {{padding: 1}}", "prelu", "scale", "hardswish", "identity"],
]


def chain(random: Random, length: int) -> str:
    """The spec of a chain of layers."""
    lines = [
        f"  - {random.choice(KINDS).format(random.choice((2, 3, 5, 8)))}\n" for _ in range(length)
    ]
    return f"input: {random.choice(('6x8x2', '8x8x4'))}\nlayers:\n{''.join(lines)}"


def graph(random: Random, length: int) -> str:
    """The spec of layers of which some read two, the one before and an earlier one."""
    lines: list[str] = []
    for number in range(length):
        kind = random.choice(["add", "multiply", "add", *(each.format(4) for each in KINDS[:11])])
        if kind in ("add", "multiply") and number:
            more = random.choice(("", ", tanh", ", relu"))
            kind += f": [[], [from: l{random.randrange(number)}{more}]]"
        elif kind in ("add", "multiply"):
            kind = "relu"
        kind = kind if ":" in kind else f"{kind}: {{}}"
        lines.append(f"  - {{{kind}, name: l{number}}}\n")
    return f"input: 8x8x4\nlayers:\n{''.join(lines)}"


def convolutions(random: Random, length: int) -> str:
    """The spec of a chain of layers that all keep something."""
    lines = [
        f"  - conv: {{filters: {random.randint(1, 9)}, kernel: 3, padding: same}}\n"
        for _ in range(length)
    ]
    return f"input: 8x8x4\nlayers:\n{''.join(lines)}"


class Taken(NamedTuple):
    """What segments take; what is better comes first."""

    macs: int
    peak: int
    several: int


def taken(mine: Model, batch: int, chosen: Sequence[Segment]) -> Taken:
    """What segments take, by the walk alone."""
    program, inplace = mine.program, bool(mine.terms.inplace)
    found = walk(program, training=True, inplace=inplace, segments=chosen)
    live = max(at(event.live, batch) for event in (*found.forward, *found.backward))
    fixed = mine.fixed() + mine.moving * batch
    macs = sum(mine.network.plans[layer].macs for layer in found.recomputed)
    return Taken(macs, fixed + max(live, mine.gradients + mine.step), len(chosen))


def choices(first: int, stop: int) -> Iterator[list[Segment]]:
    """Every cut of some layers, with every choice of which pieces run again."""
    if first == stop:
        yield []
        return
    yield from choices(first + 1, stop)
    for end in range(first + 1, stop + 1):
        for rest in choices(end, stop):
            yield [Segment(first, end), *rest]


def beside_every_choice(net: Network, terms: RunTerms, batch: int, random: Random) -> bool:
    """Hold `auto` against every choice at several limits; whether all was looked at."""
    whole = model(net, terms).of(batch)
    layers = (len(net.inputs), len(net.nodes))
    every = [taken(whole, batch, chosen) for chosen in choices(*layers)]
    lowest, plain = min(each.peak for each in every), every[0].peak
    before = None
    limits = {lowest - 1, lowest, plain, *(random.randint(lowest, plain) for _ in range(3))}
    for limit in sorted(limits):
        found = automatic(net, terms, batch, limit)
        chosen = segments(net, found.names)
        mine = taken(whole, batch, chosen)
        fitting = [each for each in every if each.peak <= limit]
        assert found.fits == (mine.peak <= limit)
        if found.fits:
            assert found.fewest <= min(each.macs for each in fitting) * batch
        if fitting and before is not None and found.fits:
            assert mine.macs <= before  # more memory never costs more
        before = mine.macs if found.fits else None
        if not found.proven:
            return False
        assert found.fits == bool(fitting)
        assert mine == min(fitting or [each for each in every if each.peak == lowest])
        assert found.lowest == (0 if fitting else lowest)
        assert mine.macs * batch == sum(part.recomputed_macs for part in found.parts)
        assert mine.macs * batch == found.fewest
    return True


TERMS = {
    "as given": {},
    "nothing in place": {"inplace": False, "dtype": "float64"},
    "mixed precision": {"mixed_precision": True, "optimizer": "adam"},
    "cuda": {"device": "cuda", "mixed_precision": True},
}
LENGTHS = [5, *(pytest.param(each, marks=pytest.mark.thorough) for each in (8, 9))]


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("terms", TERMS)
@pytest.mark.parametrize("shape", [chain, graph])
def test_no_choice_is_better(shape: Any, terms: str, length: int) -> None:
    random, looked_at = Random(f"{shape.__name__} {terms} {length}"), 0  # noqa: S311
    while looked_at < (1 if length == LENGTHS[0] else 2):
        try:
            net = loads(shape(random, length))
        except SpecError:
            continue
        run = TRAINING._replace(**TERMS[terms])  # type: ignore[arg-type]
        looked_at += beside_every_choice(net, run, random.choice((1, 2, 5)), random)


MORE_SHORT = [(chain, 7, 20), (chain, 8, 1), (chain, 9, 2), (convolutions, 8, 3), (graph, 8, 4)]
SHORT_FIRST = [
    (chain, 6, 13),
    *(pytest.param(*each, marks=pytest.mark.thorough) for each in MORE_SHORT),
]


@pytest.mark.parametrize(("shape", "length", "seed"), SHORT_FIRST)
def test_no_choice_is_better_where_short_segments_are_looked_at_first(
    shape: Any, length: int, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As those of long networks are: they tell what is enough, and never what is best."""
    monkeypatch.setattr("convcalc.analysis.memory.automatic.LONG", 0)
    monkeypatch.setattr("convcalc.analysis.memory.automatic.SHORT", 1)
    random, looked_at = Random(str(seed)), 0  # noqa: S311
    while looked_at < (1 if length < 8 else 4):
        try:
            net = loads(shape(random, length))
        except SpecError:
            continue
        looked_at += beside_every_choice(net, TRAINING, 2, random)


@pytest.mark.parametrize("batch", [3, pytest.param(10**15, marks=pytest.mark.thorough)])
def test_a_chain_by_all_its_choices(batch: int) -> None:
    assert beside_every_choice(loads(CHAIN), TRAINING, batch, Random(batch))  # noqa: S311


def test_a_batch_beyond_what_numpys_integers_count() -> None:
    head = CHAIN.partition("  - {maxpool")[0]
    assert beside_every_choice(loads(head), TRAINING, 10**15, Random(1))  # noqa: S311


def test_a_chain_by_hand() -> None:
    """Convolutions of one channel on 4 values of 8 bytes: every map takes 32 B.

    Each tanh keeps what it gives, and so does each sigmoid, which the next convolution keeps, too:
    four maps, and the loss's one. A segment of a sigmoid and a convolution starts from what the
    tanh keeps anyway, and keeps nothing of its own: 32 B less, and no multiply-accumulates again,
    because it stops in front of the convolution. From the tanh on it would be no less.
    """
    layer = "{{conv: {{filters: 1, kernel: 3, padding: same, bias: false}}, name: c{0}}}"
    between = "{{tanh: {{}}, name: t{0}}}\n  - {{sigmoid: {{}}, name: s{0}}}\n  - "
    lines = layer + "\n  - " + between + layer.replace("{0}", "{1}")
    text = lines.format(0, 1) + "\n  - " + between.format(1) + layer.format(2)
    net = loads(f"input: 4x1\nlayers:\n  - {text}\n")
    terms = TRAINING._replace(dtype="float64")
    assert model(net, terms).report(1).kept == 5 * 32
    found = automatic(net, terms, 1, 10**6)
    assert (found.names, found.proven) == (("s0..c1", "s1..c2"), True)
    report = model(net, terms._replace(checkpoint=found.names)).report(1)
    assert (report.kept, report.recomputed_macs) == (3 * 32, 0)


@pytest.mark.parametrize("paths", [1, 500_000])
def test_a_search_that_is_given_up_says_how_far_from_the_best_it_may_be(
    paths: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(5)  # noqa: S311
    net = loads(convolutions(random, 40))
    plain, lowest = model(net, TRAINING).report(2).peak, automatic(net, TRAINING, 2, 0).lowest
    limits = [lowest + (plain - lowest) * step // 4 for step in range(4)]
    best = [automatic(net, TRAINING, 2, limit) for limit in limits]
    assert all(each.proven for each in best)
    monkeypatch.setattr("convcalc.analysis.memory.cheapest.PATHS", paths)
    given_up = 0
    for limit, each in zip(limits, best, strict=True):
        found = automatic(net, TRAINING, 2, limit)
        spent = sum(part.recomputed_macs for part in found.parts)
        assert found.fits
        assert found.fewest <= each.fewest <= spent
        assert spent == each.fewest or not found.proven
        given_up += not found.proven
    assert (given_up > 0) == (paths == 1)


@pytest.mark.parametrize("paths", [None, 2000])
@pytest.mark.parametrize("several", [1, pytest.param(20, marks=pytest.mark.thorough)])
@pytest.mark.parametrize("shape", [chain, graph])
def test_more_memory_never_costs_more_of_any_network(
    shape: Any, several: int, paths: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where that is not proven, it is no more than it may be dearer than the best."""
    if paths is not None:
        monkeypatch.setattr("convcalc.analysis.memory.cheapest.PATHS", paths)
    random, looked_at = Random(f"more {shape.__name__}"), 0  # noqa: S311
    while looked_at < several:
        try:
            net = loads(shape(random, random.randint(6, 24)))
        except SpecError:
            continue
        looked_at += 1
        plain, lowest = model(net, TRAINING).report(3).peak, automatic(net, TRAINING, 3, 0).lowest
        limits = sorted({lowest, plain, *(random.randint(lowest, plain) for _ in range(12))})
        proven = spent = None
        for limit in limits:
            found = automatic(net, TRAINING, 3, limit)
            now = sum(part.recomputed_macs for part in found.parts)
            assert found.fits
            assert found.fewest <= now
            assert spent is None or found.fewest <= spent
            if found.proven or not found.fewest:
                assert proven is None or now <= proven
                proven = now
            spent = now if spent is None else min(spent, now)


@pytest.mark.parametrize("cost", [2**53 + 3, 10**18 + 67])
def test_bounds_are_off_by_less_than_they_say(cost: int) -> None:
    """Of two ways to the end one spends nothing, and the other what no float is: one above it."""
    assert float(cost) > cost
    zeros, nodes = np.zeros(3, np.int64), np.array([0, 0, 1])
    arrays = dict.fromkeys(("needs", "adds", "macs", "stops"), zeros)
    none = np.zeros(0, np.int64)
    edges = Edges(np.arange(3), nodes, nodes + 1, forwards=none, casts=none, **arrays)
    costs = np.array([0, cost, 0])
    bounds = Bounds(edges, 3, 1000, costs, np.array([0.0, 1e-6]), cost)
    told = [int(each) for each in bounds.through() - bounds.margin]
    assert told[0] <= 0
    assert cost - 10**5 < told[1] <= cost


def strided(random: Random, length: int) -> str:
    """The spec of a chain of convolutions, batch normalizations and ReLUs; maps grow smaller."""
    lines = []
    for number in range(length // 3):
        stride = 2 if number % (length // 9) == length // 9 - 1 else 1
        kernel, filters = random.choice((1, 3, 5)), random.randint(4, 64)
        conv = f"{{filters: {filters}, kernel: {kernel}, padding: same, stride: {stride}}}"
        lines.append(f"  - conv: {conv}\n  - batchnorm\n  - relu\n")
    return f"input: 64x64x3\nlayers:\n{''.join(lines)}"


def regular(_: Random, length: int) -> str:
    """The spec of a chain of equal convolutions, among which most choices have an equal."""
    conv = "{conv: {filters: 8, kernel: 3, padding: same}}"
    return f"input: 16x16x8\nlayers:\n  - {{layers: [{conv}], repeat: {length}}}\n"


LONG = [
    *((strided, 120), (regular, 120)),
    *(pytest.param(shape, 900, marks=pytest.mark.thorough) for shape in (strided, convolutions)),
    pytest.param(regular, 500, marks=pytest.mark.thorough),
]


@pytest.mark.parametrize(("shape", "length"), LONG)
def test_long_chains_are_proven(shape: Any, length: int) -> None:
    """In as little as there can be, in what equal segments take, and between that and none."""
    net = loads(shape(Random(length), length))  # noqa: S311
    root = model(net, TRAINING._replace(checkpoint=round(length**0.5))).report(2)
    plain = model(net, TRAINING).report(2).peak
    lowest = automatic(net, TRAINING, 2, 0)
    assert lowest.proven
    spent = [sum(part.recomputed_macs for part in lowest.parts)]
    for limit in (root.peak, (root.peak + plain) // 2):
        best = automatic(net, TRAINING, 2, limit)
        assert best.fits
        assert best.proven
        spent.append(best.fewest)
    assert spent == sorted(spent, reverse=True)
    assert lowest.lowest <= root.peak
    assert spent[1] <= root.recomputed_macs


MORE = ["resnet18", "unet", "googlenet", "mobilenet_v2", "densenet121", "vit_b_16"]
GRAPHS = [
    "segnet",
    *(pytest.param(each, marks=pytest.mark.thorough) for each in MORE),
]


@pytest.mark.parametrize("name", GRAPHS)
def test_graphs_are_no_dearer_than_equal_segments(name: str) -> None:
    """They fit wherever every-√n fits, and do no more again."""
    net = load(name)
    every = max(round(len(net.layers) ** 0.5), 2)
    root = model(net, TRAINING._replace(checkpoint=every)).report(2)
    found = automatic(net, TRAINING, 2, root.peak)
    mine = model(net, TRAINING._replace(checkpoint=found.names)).report(2)
    assert found.fits
    assert mine.peak <= root.peak
    assert mine.recomputed_macs <= root.recomputed_macs
    assert found.proven == (name != "segnet")  # where the pools' indices are passed on in vain
    tight = automatic(net, TRAINING, 2, 0)
    assert not tight.fits
    assert tight.lowest <= mine.peak


@pytest.mark.parametrize("name", ["lenet5", pytest.param("resnet18", marks=pytest.mark.thorough)])
def test_more_memory_never_costs_more(name: str) -> None:
    net = load(name)
    plain = model(net, TRAINING).report(2).peak
    lowest = automatic(net, TRAINING, 2, 0).lowest
    spent = []
    for step in range(5):
        found = automatic(net, TRAINING, 2, lowest + (plain - lowest) * step // 4)
        assert found.fits
        spent.append(sum(part.recomputed_macs for part in found.parts))
    assert spent == sorted(spent, reverse=True)
    assert spent[-1] == 0


PEERS = [
    ("chain", CHAIN),
    *(
        pytest.param(each, "", marks=pytest.mark.thorough)
        for each in ("resnet18", "googlenet", "mobilenet_v2")
    ),
]


@pytest.mark.parametrize(("name", "text"), PEERS)
@pytest.mark.parametrize("share", [pytest.param(0, marks=pytest.mark.thorough), 0.3])
def test_the_peak_is_pytorchs(torch_memory: Any, name: str, text: str, share: float) -> None:
    net = loads(text) if text else load(name)
    plain = model(net, TRAINING).report(2).peak
    lowest = automatic(net, TRAINING, 2, 0).lowest
    found = automatic(net, TRAINING, 2, int(lowest + (plain - lowest) * share))
    assert found.proven
    assert found.names
    report = model(net, TRAINING._replace(checkpoint=found.names)).report(2)
    measured = torch_memory.training(
        net,
        2,
        lambda index: report.layer(net.nodes[index].name).in_place,
        segments=segments(net, found.names),
    )
    assert report.inexact or (report.forward_peak, report.backward_peak) == (
        measured.forward_peak,
        measured.backward_peak,
    )
    assert not report.inexact


def test_autocast_forgets_copies_where_a_segment_has_run_again(torch_memory: Any) -> None:
    """Those of biases, which nothing keeps, are gone before the segment goes back."""
    net = loads(CHAIN)
    terms = TRAINING._replace(mixed_precision=True, checkpoint=("f..h",))
    report = model(net, terms).report(2)
    measured = torch_memory.training(
        net,
        2,
        lambda index: report.layer(net.nodes[index].name).in_place,
        half=True,
        device="cpu",
        segments=segments(net, ("f..h",)),
    )
    assert report.backward_peak == measured.backward_peak


def test_in_words() -> None:
    """Which tensors a segment starts from and gives, of a block with a shortcut."""
    net = loads(
        "input: 16x16x4\nlayers:\n"
        "  - {conv: {filters: 4, kernel: 3, padding: same}, name: a}\n"
        "  - {tanh: {}, name: b}\n"
        "  - {conv: {filters: 4, kernel: 3, padding: same}, name: c}\n"
        "  - {add: [[], [from: a]], name: d}\n"
        "  - {tanh: {}, name: e}\n"
    )
    assert in_words(net, Segment(1, 3), 7) == ("a..b", 2, 7, ("input",), ("a", "b"))
    assert in_words(net, Segment(2, 4), 7) == ("b..c", 2, 7, ("a",), ("c",))
    assert in_words(net, Segment(3, 6), 7) == ("c..e", 3, 7, ("b", "a"), ("e",))
    assert in_words(net, Segment(5, 6), 0) == ("e", 1, 0, ("d",), ("e",))


# -- FIRST..LAST -------------------------------------------------------------------------------

BLOCKS = """
input: 8x8x4
blocks:
  unit:
    layers:
      - {conv: {filters: 4, kernel: 3, padding: same}, name: conv}
      - {relu: {}, name: relu}
layers:
  - {unit: {}, name: first}
  - {unit: {}, name: second}
  - {tanh: {}, name: last}
"""


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["first.conv..first.relu"], [(1, 3)]),
        (["first.relu..second.conv"], [(2, 4)]),
        (["first..second"], [(1, 5)]),
        (["first .. second.conv"], [(1, 4)]),
        (["first.conv..first.conv"], [(1, 2)]),
        (["second..last", "first.relu"], [(2, 3), (3, 6)]),
        (["first..second", "first.relu"], [(1, 5)]),
        (["first..second", "first.relu..second.conv"], [(1, 5)]),
    ],
)
def test_from_one_layer_to_another(names: list[str], wanted: list[tuple[int, int]]) -> None:
    net = loads(BLOCKS)
    assert segments(net, read_checkpoint(names)) == [Segment(*each) for each in wanted]
    report = convcalc.memory(net, training=True, checkpoint=names)
    assert report.segments == tuple(written(net, Segment(*each)) for each in wanted)
    assert segments(net, report.segments) == [Segment(*each) for each in wanted]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["first..third"], "no layer or block is 'third'"),
        (["third..first"], "no layer or block is 'third'"),
        (["..first"], "no layer or block is ''"),
        (["second..first"], "ends before it begins: write first..second"),
        (["first..second.conv", "second..last"], "overlap: a layer is in one segment at most"),
    ],
)
def test_what_is_no_segment(names: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        segments(loads(BLOCKS), read_checkpoint(names))


# -- The library -------------------------------------------------------------------------------


def test_the_library_finds_them_too() -> None:
    plain = convcalc.memory("resnet18", batch=16, training=True)
    limit = plain.peak * 3 // 4
    report = convcalc.memory("resnet18", batch=16, training=True, checkpoint="auto", limit=limit)
    assert report.peak <= limit < plain.peak
    assert report.segments
    again = convcalc.memory("resnet18", batch=16, training=True, checkpoint=report.segments)
    assert again == report
    terms = TRAINING._replace(checkpoint=AUTO)
    found = answer(load("resnet18"), terms, 16, Questions(limits=[read_limit(limit)]))
    assert found.report == report
    assert found.automatic is not None
    assert found.automatic.names == report.segments
    assert found.fits[0].fits


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"checkpoint": "auto"}, "needs the limit"),
        ({"limit": "1GiB"}, "would change nothing without checkpoint='auto'"),
        ({"checkpoint": "every=2", "limit": "1GiB"}, "would change nothing"),
        (
            {"checkpoint": "auto", "limit": "1MiB"},
            "no checkpoints fit into 1MiB: the lowest peak of all",
        ),
        ({"checkpoint": "auto", "limit": "lots"}, "'lots' is neither"),
    ],
)
def test_what_the_library_refuses(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        convcalc.memory("lenet5", batch=64, training=True, **options)


def test_inference_has_none() -> None:
    with pytest.raises(ValueError, match="would change nothing without training"):
        convcalc.memory("lenet5", checkpoint="auto", limit="1GiB")


@pytest.mark.parametrize("half", [False, True])
def test_the_largest_batch_that_any_checkpoints_take(*, half: bool) -> None:
    net, limit = loads(CHAIN), 200_000
    options: dict[str, Any] = {"training": True, "mixed_precision": half}
    batch = convcalc.largest_batch(net, limit, checkpoint="auto", **options)
    assert batch > convcalc.largest_batch(net, limit, **options) > 0
    find = partial(automatic, net, TRAINING._replace(mixed_precision=half))
    assert find(batch, limit).fits
    assert not find(batch + 1, limit).fits


def test_no_batch_fits_at_all() -> None:
    assert largest_batch(load("lenet5"), TRAINING, 1000) == 0


# Chains of up to sixteen layers


class Every(NamedTuple):
    """What every choice of some pieces takes, a row each."""

    kept: Any
    """Bytes that are kept in front of where they have come to."""
    most: Any
    """The most bytes alive, beside what is there all the time."""
    macs: Any
    """Multiply-accumulates that are done again."""
    several: Any
    """Segments."""


def every_choice(pieces: Pieces) -> Every:
    """What every cut, with every choice of which pieces run again, takes by the pieces alone.

    Nothing is left out but segments that keep nothing in any case, which are as running once.
    """
    waiting: dict[tuple[int, int], list[Every]] = {}
    waiting[pieces.start, pieces.first] = [Every(*np.zeros((4, 1), np.int64))]
    whole: list[Every] = []
    for layer in range(pieces.start, pieces.stop + 1):
        for start, cut in sorted(waiting):
            if start != layer:
                continue
            rows = [np.concatenate(each) for each in zip(*waiting.pop((start, cut)), strict=True)]
            if layer == pieces.stop:
                whole.append(behind(Every(*rows), pieces.losses(cut)))
                continue
            for piece in (pieces.once(layer, cut), *pieces.segments(layer, cut, 2**60, 2**60)):
                waiting.setdefault((piece.stop, piece.cut), []).append(behind(Every(*rows), piece))
    return Every(*(np.concatenate(each) for each in zip(*whole, strict=True)))


def behind(rows: Every, piece: Piece) -> Every:
    """What choices take with one more piece behind each."""
    need = max(piece.forward, piece.backward)
    return Every(
        rows.kept + piece.adds,
        np.maximum(rows.most, rows.kept + need),
        rows.macs + piece.macs,
        rows.several + piece.again,
    )


def by_pieces(pieces: Pieces, chosen: Sequence[Segment]) -> Every:
    """What one choice takes by the pieces."""
    rows, layer, cut = Every(*np.zeros((4, 1), np.int64)), pieces.start, pieces.first
    starts = {segment.first: segment.stop for segment in chosen}
    while layer < pieces.stop:
        piece = pieces.once(layer, cut)
        for each in pieces.segments(layer, cut, 2**60, 2**60) if layer in starts else ():
            piece = each if each.stop == starts[layer] else piece
        rows, layer, cut = behind(rows, piece), piece.stop, piece.cut
    return behind(rows, pieces.losses(cut))


@pytest.mark.thorough
@pytest.mark.parametrize(("shape", "length"), [(chain, 12), (chain, 16), (convolutions, 16)])
def test_of_every_choice_of_sixteen_layers_none_is_better(shape: Any, length: int) -> None:
    """The pieces are held against the walk for some choices, and `auto` against all of theirs."""
    random, looked_at = Random(f"every {length}"), 0  # noqa: S311
    while looked_at < (1 if shape is convolutions else 3):
        try:
            net = loads(shape(random, length))
        except SpecError:
            continue
        batch = random.choice((1, 2, 5))
        search = _Search(planned(net), TRAINING, batch)
        pieces, layers = search.pieces(), (len(net.inputs), len(net.nodes))
        if not pieces.known:
            continue
        looked_at += 1
        for _ in range(100):
            ends = sorted(random.sample(range(layers[0], layers[1] + 1), random.randint(2, 8)))
            chosen = [Segment(*pair) for pair in pairwise(ends) if random.random() < 0.5]
            told, walked = by_pieces(pieces, chosen), search.taken(chosen)
            most = search.base + max(int(told.most[0]), search.least)
            assert (walked.macs, walked.peak) == (int(told.macs[0]), most)
        every = every_choice(pieces)
        assert len(every.macs) == number_of_choices([each.keeps for each in pieces.static[1:]])
        peaks = search.base + np.maximum(every.most, search.least)
        lowest, plain = int(peaks.min()), search.without.peak
        for limit in (lowest, plain, *(random.randint(lowest, plain) for _ in range(6))):
            fitting = peaks <= limit
            rows = zip(every.macs[fitting], peaks[fitting], every.several[fitting], strict=True)
            best = min(rows)
            found = automatic(net, TRAINING, batch, limit)
            mine = taken(search.model, batch, segments(net, found.names))
            assert found.proven
            assert tuple(map(int, best)) == mine


def number_of_choices(keeps: Sequence[bool]) -> int:
    """To what stands behind a layer leads the layer itself, or a segment from any before it.

    Of sixteen layers that all keep something there are 3,524,578, the 33rd number of Fibonacci.
    """
    ways = [1]
    for stop in range(1, len(keeps) + 1):
        segments = sum(ways[first] for first in range(stop) if any(keeps[first:stop]))
        ways.append(ways[-1] + segments)
    return ways[-1]


def test_there_are_as_many_choices_as_fibonacci_says() -> None:
    assert number_of_choices([True] * 16) == 3_524_578
    assert number_of_choices([True] * 5) == len([*choices(0, 5)])
