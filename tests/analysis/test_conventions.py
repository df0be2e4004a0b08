"""What other tools count: their own numbers, as they gave them, and the bridges that lead there."""

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from conventions import (
    BEYOND,
    GOLDEN,
    KERAS,
    MORE,
    NETWORKS,
    NO_SPEC,
    NOT_ASKED,
    NOT_BUNDLED,
    NOT_OF_KERAS,
    OF_KERAS,
    SINGLE,
    UNLIKE,
    Written,
)
from kinds import CASES

from convcalc.analysis.conventions import (
    CONVENTIONS,
    Conditions,
    bridge,
    count,
    other_ways,
    sites,
    tables,
)
from convcalc.analysis.conventions.alike import MOVING
from convcalc.analysis.conventions.terms import Site, Term
from convcalc.analysis.conventions.whose import OURS, figures, published, whose
from convcalc.graph import load, loads
from convcalc.graph.written import with_ways, written
from convcalc.layers import kinds
from convcalc.layers.written import WAYS
from convcalc.spec.bundled import bundled_architectures
from convcalc.spec.promises import TOOLS as TOOLS_OF_SPECS

TOOLS = [tool for tool in CONVENTIONS if tool in GOLDEN["versions"]]
"""Tools that were asked; the others are a tool with something said of how layers are written."""


class Asked(NamedTuple):
    """A network that a tool was asked about."""

    name: str
    """What the data calls it."""
    written: Written
    """The network as a spec."""
    said: list[Any]
    """What the tool said, without what it counts of code that is no layer."""
    sites: tuple[list[Site], ...]
    """Its layers as the tool met them, with one example and with two."""


QUICK = ("resnet18", "convnext_tiny", "swin_t", "vit_b_16@no_grad")
"""Networks of torchvision that are asked about in every run of the tests."""
ALL = tuple(NETWORKS)
ALL_OR_QUICK = [
    pytest.param(QUICK, id="quick"),
    pytest.param(ALL, id="all", marks=pytest.mark.thorough),
]


def _answers(tool: str, names: tuple[str, ...]) -> Iterator[tuple[str, Written, list[Any] | None]]:
    """Networks with their names, and what a tool said of them; None where it was not asked.

    The small ones come first; of torchvision's those of these `names`.
    """
    if tool == "tensorflow":
        for name, network in OF_KERAS.items():
            yield name, network, GOLDEN["single"][f"keras:{name}"][tool]
        for name in KERAS if names == ALL else ():
            yield name, Written(name), GOLDEN["totals"][tool][name]
        return
    for name, network in SINGLE.items():
        yield name, network, GOLDEN["single"][name].get(tool)
    for name, row in MORE.items():
        yield name, row.written, GOLDEN["more"][name].get(tool)
    for name in names:
        yield name, NETWORKS[name], GOLDEN["totals"][tool].get(name)


@cache
def golden(tool: str, names: tuple[str, ...] = QUICK) -> list[Asked]:
    """Networks that a tool was asked about, the small ones first."""
    asked = []
    for name, network, said in _answers(tool, names):
        if said is not None and (tool, name) not in UNLIKE:
            beyond, _ = BEYOND.get((tool, name), (0, ""))
            its = (
                [site for _, site in sites(network.network, tool, given)]
                for given in (Conditions(batch, **network.conditions) for batch in (1, 2))
            )
            asked.append(
                Asked(
                    name,
                    network,
                    [*(None if each is None else each - beyond for each in said[:2]), *said[2:]],
                    tuple(its),
                )
            )
    return asked


def test_counts_of_every_tool_may_be_expected() -> None:
    assert sorted(TOOLS_OF_SPECS) == sorted(CONVENTIONS)


def test_every_network_that_was_counted_is_a_spec_or_has_a_reason() -> None:
    rows = {name for name in GOLDEN["single"] if not name.startswith("keras:")}
    assert rows == SINGLE.keys() | NO_SPEC.keys()
    assert not SINGLE.keys() & NO_SPEC.keys()
    named = {name for tool in TOOLS for name in GOLDEN["totals"][tool]}
    assert named - {*GOLDEN["totals"]["tensorflow"]} == NETWORKS.keys() | NOT_BUNDLED.keys()
    layers = {name.removeprefix("keras:") for name in GOLDEN["single"].keys() - rows}
    assert layers == OF_KERAS.keys() | NOT_ASKED.keys()
    assert not OF_KERAS.keys() & NOT_ASKED.keys()
    assert GOLDEN["totals"]["tensorflow"].keys() == KERAS.keys() | NOT_OF_KERAS.keys()


def test_every_way_of_writing_a_layer_was_counted() -> None:
    asked = [*SINGLE.values(), *(row.written for row in MORE.values())]
    ways = {
        (node.kind, word)
        for network in asked
        for node, words in zip(
            network.network.nodes,
            written(with_ways(network.network, network.written.items())),
            strict=True,
        )
        for word in words
    }
    there = {
        (kind, word) for kind, choices in WAYS.items() for choice in choices for word in choice
    }
    assert {way for way in there if way[1]} <= ways


@pytest.mark.parametrize("names", ALL_OR_QUICK)
@pytest.mark.parametrize("tool", TOOLS)
def test_totals_parameters_and_activations_are_the_tools(tool: str, names: tuple[str, ...]) -> None:
    found = tables(tool)
    compared = 0
    for name, network, said, _ in golden(tool, names):
        macs = sum(plan.macs for plan in network.network.plans if plan)
        for batch in (1, 2):
            counted = count(network.network, tool, batch=batch, **network.conditions)
            assert counted.total == said[batch - 1], (name, batch, counted.missing)
            assert counted.macs == batch * macs
            compared += 1
            if batch > 1 or counted.total is None:
                continue
            if found.parameters is not None:
                assert counted.parameters == said[2], name
            if found.activations is not None:
                assert counted.activations == said[3], name
    assert compared >= 2 * len(OF_KERAS if tool == "tensorflow" else SINGLE)


TIMM = GOLDEN["timm"]
TIMM_QUICK = ("resnet50", "densenet121", "mobilenet_v3_large", "mnasnet1_0")


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(TIMM_QUICK, id="quick"),
        pytest.param(tuple(TIMM), id="all", marks=pytest.mark.thorough),
    ],
)
def test_timm_publishes_these_figures(names: tuple[str, ...]) -> None:
    for name in names:
        size, parameters, macs, activations = TIMM[name]
        counted = count(load(name, input=size), "timm")
        assert counted.printed == macs, name
        for figure, said in ((counted.parameters, parameters), (counted.activations, activations)):
            assert figure is not None
            assert str(round(figure / 1e6, 2)) == said, name
    assert len(TIMM) == 64


@pytest.mark.parametrize("names", ALL_OR_QUICK)
def test_a_number_is_theirs_who_gave_it(names: tuple[str, ...]) -> None:
    """Of the whole number, and as each of its roundings to three digits is written."""
    for name in names:
        network = NETWORKS[name]
        said = {
            tool: total[0] - BEYOND.get((tool, name), (0, ""))[0]
            for tool in TOOLS
            if (total := GOLDEN["totals"][tool].get(name)) is not None and total[0] is not None
        }
        assert len(said) >= len(TOOLS) - 2
        candidates = [*figures(network.network, Conditions(1, **network.conditions))]
        for total in {*said.values()}:
            written = {
                str(total): {tool for tool, other in said.items() if other == total},
                f"{total / 1e9:.2f}G": {
                    tool
                    for tool, other in said.items()
                    if f"{other / 1e9:.2f}" == f"{total / 1e9:.2f}"
                },
                f"{total / 1e6:,.1f} MMac": {
                    tool
                    for tool, other in said.items()
                    if f"{other / 1e6:.1f}" == f"{total / 1e6:.1f}"
                },
            }
            for text, owners in written.items():
                number = published(text)
                theirs = {
                    each.tool
                    for each in candidates
                    if number.is_of(each.figure)
                    and each.published == "as it is"
                    and not each.change
                }
                assert theirs & said.keys() == owners, (name, text)


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(("lenet5", "crnn", "segnet", "swin_t"), id="quick"),
        pytest.param(tuple(bundled_architectures()), id="all", marks=pytest.mark.thorough),
    ],
)
def test_bridges_add_up_for_bundled_networks(names: tuple[str, ...]) -> None:
    unknown = 0
    for name in names:
        network = load(name)
        for tool in CONVENTIONS:
            counted = count(network, tool, batch=2)
            assert sum(term.amount for term in bridge(counted)) == (
                sum(counted.of_layer(index) for index in range(len(network.nodes)))
            )
            unknown += counted.total is None
            if counted.total is not None:
                assert counted.summands[0].amount == counted.macs, (name, tool)
    assert unknown < len(names) * len(CONVENTIONS) / 2


def _of_quantity(term: Term, site: Site) -> int:
    return term._replace(times=1).of(site)


def _counted_with(tool: str, term: Term, kinds: set[str]) -> tuple[Written, int] | None:
    """A network that was counted in which a term would not be what it is with another number.

    With one example, or with two.
    """
    for batch in (1, 2):
        for asked in golden(tool):
            its = (site for site in asked.sites[batch - 1] if site.kind in kinds)
            known = asked.said[batch - 1] is not None
            if known and sum([_of_quantity(term, site) for site in its]) != 0:
                return asked.written, batch
    return None


FIGURES = {"RULES": "total", "ACTIVATIONS": "activations", "PARAMETERS": "parameters"}
"""Tables of terms, and the figure of a count that each is about."""


@pytest.mark.parametrize("table", FIGURES)
@pytest.mark.parametrize("tool", TOOLS)
def test_every_coefficient_turns_a_number_that_was_measured(
    tool: str, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tables(tool).module
    rules = getattr(module, table, {})
    kinds: dict[int, set[str]] = {}  # by a term's identity: one coefficient may be of several kinds
    terms = {id(term): term for rule in rules.values() for term in rule if isinstance(term, Term)}
    for kind, rule in rules.items():
        for term in rule:
            kinds.setdefault(id(term), set()).add(kind)
    untested = []
    for identity, term in terms.items():
        counted = _counted_with(tool, term, kinds[identity])
        if counted is None:
            untested.append(f"{', '.join(sorted(kinds[identity]))}: {term.says}")
            continue
        changed = {
            kind: tuple(
                each._replace(times=each.times + 1) if each is term else each for each in rule
            )
            for kind, rule in rules.items()
        }
        network, batch = counted
        before = count(network.network, tool, batch=batch, **network.conditions)
        with monkeypatch.context() as patched:
            patched.setattr(module, table, changed)
            after = count(network.network, tool, batch=batch, **network.conditions)
        assert getattr(before, FIGURES[table]) != getattr(after, FIGURES[table]), term
    assert not untested


@pytest.mark.parametrize("tool", CONVENTIONS)
def test_a_bridge_says_what_it_would_be(tool: str) -> None:
    """Where all of a kind are written otherwise, terms are what the bridge said they would be."""
    twice = loads("{input: 3x3x1, layers: [upsample: {size: 5x5}, upsample: {size: 7x7}, relu]}")
    asked = [(NETWORKS[name].network, 1) for name in ("resnet18", "mobilenet_v3_small")]
    for network, batch in (*asked, (twice, 2)):
        counted = count(network, tool, batch=batch)
        terms = bridge(counted)
        assert sum(term.amount for term in terms) == counted.total
        changes = {(way.kind, way.word) for term in terms for way in term.otherwise}
        for kind, word in changes:
            then = {
                (each.says, each.times, each.quantity): each.amount
                for each in count(network, tool, batch=batch, written={kind: word}).summands
            }
            for term in terms:
                said = [
                    way.amount for way in term.otherwise if (way.kind, way.word) == (kind, word)
                ]
                key = (term.says, term.times, term.quantity)
                assert then.get(key, 0) == (said[0] if said else term.amount), (kind, word, term)


def test_what_a_tool_minds_changes_its_number_and_nothing_else_does() -> None:
    """Of layers that were measured: each alone; inside `torch.no_grad` a mode may change more."""
    networks = [*SINGLE.values(), *(row.written for row in MORE.values())]
    for tool, row in CONVENTIONS.items():
        changing = set()
        for network in OF_KERAS.values() if tool == "tensorflow" else networks:
            usual, train, no_grad = (
                count(network.network, tool, written=network.written, **given).total
                for given in ({}, {"mode": "train"}, {"no_grad": True})
            )
            changing |= {"train"} if train != usual else set()
            changing |= {"no_grad"} if no_grad != usual else set()
        assert changing == {*row.minds}, tool


LACKING = (
    "avgpool: {kernel: 2, stride: 1, dilation: 2}",
    "upsample: {size: 20x24, mode: linear, positions: asymmetric}",
    "attention: {heads: 2, grid: 2}",
)
"""Layers that PyTorch has none for."""


@pytest.mark.parametrize("layer", LACKING)
def test_no_number_is_known_of_a_layer_that_the_library_has_not(layer: str) -> None:
    network = loads(f"{{input: 10x12x4, layers: [{layer}]}}")
    assert [tool for tool in CONVENTIONS if count(network, tool).total is not None] == []


def _of_a_source(tool: str) -> Iterator[tuple[list[str], set[str]]]:
    """Kinds that the table of a tool gives to `nothing`, and those that have rows beside."""
    source = Path(str(tables(tool).module.__file__)).read_text("utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Dict):
            rows = {str(key.value) for key in node.keys if isinstance(key, ast.Constant)}
            for key, value in zip(node.keys, node.values, strict=True):
                if key is None and isinstance(value, ast.Call):
                    kinds = [
                        str(each.value) for each in value.args if isinstance(each, ast.Constant)
                    ]
                    yield [*MOVING, *kinds], rows


def test_no_kind_has_a_row_beside_that_it_counts_nothing_of() -> None:
    """The last one would hold, without a word."""
    seen = 0
    for tool in CONVENTIONS:
        for nothing, rows in _of_a_source(tool):
            assert max(Counter(nothing).values()) == 1, tool
            assert not rows & {*nothing}, tool
            seen += 1
    assert seen >= len({"fvcore", "torchinfo", "thop", "ultralytics", "torchprofile", "ptflops"})


COUNTED_APART = {
    "ACTIVATIONS": (
        {case.kind for case in CASES if case.macs},
        {"lstm", "gru"},  # operations that it counts no outputs of
    ),
    "PARAMETERS": (kinds(having="weighted"), set[str]()),
}
"""Tables that may leave kinds out: of which kinds they are to have a row, and which need none."""


@pytest.mark.parametrize(("tool", "table"), [("fvcore", "ACTIVATIONS"), ("thop", "PARAMETERS")])
def test_a_kind_that_comes_is_not_silently_counted_as_others(tool: str, table: str) -> None:
    found = tables(tool)
    needed, without = COUNTED_APART[table]
    assert needed - {*getattr(found.module, table)} - {*found.reasons} == without


def test_other_ways_are_never_the_way_it_is_written() -> None:
    given = Conditions()
    for _, site in sites(NETWORKS["resnet18"].network, "fvcore", given):
        ways = [(word, other.words) for word, other in other_ways(site)]
        assert all(words != site.words for _, words in ways)
        assert len({words for _, words in ways}) == len(ways)


def test_a_plain_vgg_has_the_figures_of_the_definitions() -> None:
    """docs/definitions.md, Where others differ: without the pool that torchvision's has."""
    said = {
        "flopcounter": 30_940_528_640,
        "fvcore": 15_470_264_320,
        "thop": 15_470_264_320,
        "torchinfo": 15_483_821_032,
        "ptflops:aten": 15_483_821_032,
        "ptflops": 15_523_175_400,
    }
    assert {tool: count("vgg16", tool).total for tool in said} == said
    assert count("vgg16", "fvcore").activations == 13_556_712


@pytest.mark.parametrize(
    ("text", "value", "precision"),
    [
        ("4.11G", 4.11e9, "to 10,000,000"),
        ("4,111,512,576", 4_111_512_576, "exactly"),
        ("4.13 GMac", 4.13e9, "to 10,000,000"),
        ("8.2 GFLOPs", 8.2e9, "to 100,000,000"),
        ("8.2 BFLOPs", 8.2e9, "to 100,000,000"),
        ("25.6M params", 25.6e6, "to 100,000"),
        ("4089 MACs", 4089, "exactly"),
        (".5 G", 0.5e9, "to 100,000,000"),
        ("~1.8 g", 1.8e9, "to 100,000,000"),
        ("4112 M", 4112e6, "to 1,000,000"),
        ("90071992547409.93 k", 90_071_992_547_409_930, "to 10"),
        ("9,007,199,254,740,993", 2**53 + 1, "exactly"),
    ],
)
def test_numbers_are_read_as_people_write_them(text: str, value: float, precision: str) -> None:
    number = published(text)
    assert (number.value, number.precision) == (value, precision)
    assert isinstance(number.value, int)
    assert number.is_of(value)
    assert not number.is_of(value + number.unit)


@pytest.mark.parametrize(
    "text", ["", "G", "4,1 G", "4.1.1", "1e9", "-4", "4 GB/s", "four", "9" * 41, "1" * 5000]
)
def test_what_is_no_such_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no number as people write them"):
        published(text)


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("4.13G", 4_125_000_000, 4_135_000_000),
        ("1.5 M", 1_450_000, 1_550_000),
        ("12k", 11_500, 12_500),
        ("4112", 4112, 4112),
    ],
)
def test_a_figure_is_written_so_that_is_the_number_when_it_is_rounded(
    text: str, least: int, most: int
) -> None:
    number = published(text)

    assert [number.is_of(each) for each in (least - 1, least, most, most + 1)] == [
        *(False, True, True, False)
    ]


def test_an_average_over_the_batch_is_cut_to_a_whole_number_once() -> None:
    """As ptflops 0.7.5 says: 25 and 49 values by hooks of the first example, all by functions."""
    layers = "[upsample: {size: 5x5}, upsample: {size: 7x7}]"
    network = loads(f"{{input: 3x3x1, layers: {layers}, written: {{upsample: size}}}}")
    counts = [count(network, "ptflops", batch=batch) for batch in (1, 2, 3)]

    assert [each.total for each in counts] == [148, 74 // 2 + 2 * 74, 74 // 3 + 3 * 74]
    assert [sum(each.of_layer(index) for index in (1, 2)) for each in counts] == [148, 185, 246]


def test_our_multiply_accumulates_are_of_layers_that_a_tool_has_no_number_of_too() -> None:
    layers = "[conv: {filters: 4, kernel: 2}, locally_connected: {filters: 3, kernel: 2}]"
    counted = count(loads(f"{{input: 3x3x2, layers: {layers}}}"), "thop")

    assert counted.total is None
    assert [each.layer for each in counted.missing] == ["locally_connected1"]
    assert counted.summands[0].amount == counted.macs == 4 * (2 * 2 * 2) * 4 + 3 * (2 * 2 * 4)


def test_parameters_are_not_known_where_a_layer_that_has_some_has_no_number() -> None:
    local = "locally_connected: {filters: 3, kernel: 2}"
    pools = "{maxpool: 2, name: pool}, {maxunpool: {indices: pool}}"
    counts = [
        count(
            loads(f"{{input: 4x4x2, layers: [conv: {{filters: 2, kernel: 1}}, {each}]}}"), "fvcore"
        )
        for each in (local, pools)
    ]

    assert [each.total for each in counts] == [None, None]
    assert [each.parameters for each in counts] == [None, 2 * 2 + 2]


def test_a_number_without_a_unit_that_is_not_whole_is_in_billions_or_of_parameters_millions() -> (
    None
):
    """As timm's tables have both."""
    assert count("resnet50", "timm").printed == "4.11"
    found = whose("resnet50", "4.11")
    as_it_is = [each for each in found.owners if each.published == "as it is" and not each.change]
    assert [each.tool for each in as_it_is] == ["fvcore", "timm"]
    assert found.published.precision == "to 10,000,000"

    of_parameters = whose("resnet50", "25.56", of_parameters=True)
    assert OURS in {each.tool for each in of_parameters.owners}
    assert "thop" in {each.tool for each in whose("resnet50", "4133742592.0").owners}
