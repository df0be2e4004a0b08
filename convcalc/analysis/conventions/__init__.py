"""What other tools count of a network: their numbers, and the bridge from ours to each.

A convention is a module with tables by kind of layer, and a row of `CONVENTIONS`. What adds up its
terms is here and knows no tool; a layer knows nothing of either.
"""

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from convcalc.analysis.conventions.terms import OWN_PARAMETERS, Rule, Rules, Site, Term, Uncounted
from convcalc.analysis.report import Report
from convcalc.arguments import by_name, one_of, switch, text, whole
from convcalc.graph import Given, GivenShape, Network, SpecError, read
from convcalc.graph.written import with_ways
from convcalc.graph.written import written as words_of
from convcalc.layers import SOURCES
from convcalc.layers.written import choices
from convcalc.methods import above, from_json
from convcalc.spec.nodes import Value
from convcalc.spec.ways import Way

Mode = Literal["eval", "train"]
MODES: tuple[Mode, ...] = ("eval", "train")
"""Modes that a model may be left in."""


class Convention(NamedTuple):
    """A tool, and the version whose rules these are."""

    title: str
    """What it calls itself."""
    version: str
    """The version that was measured."""
    unit: str
    """What it says that it counts."""
    each: Literal[1, 2]
    """How much one multiply-accumulate is."""
    call: str
    """The call whose number it is."""
    minds: tuple[Literal["train", "no_grad"], ...] = ()
    """Which of these change its number; the others are without effect on it."""
    evaluates: bool = False
    """Whether it puts the model into evaluation first, whose paths are then taken."""
    written: Mapping[str, str] = MappingProxyType({})
    """How layers of a kind are written where nothing else is said, if not in the usual way."""


CONVENTIONS: Mapping[str, Convention] = MappingProxyType(
    {
        "fvcore": Convention(
            title="fvcore",
            version="0.1.5.post20221221",
            unit="flops, one a multiply-add",
            each=1,
            call="FlopCountAnalysis(model, inputs).total()",
            minds=("train", "no_grad"),
        ),
        "torchinfo": Convention(
            title="torchinfo",
            version="1.8.0",
            unit="mult-adds",
            each=1,
            call="summary(model, input_data=inputs).total_mult_adds",
        ),
        "thop": Convention(
            title="thop",
            version="0.1.1.post2209072238",
            unit="MACs",
            each=1,
            call="profile(model, inputs)",
        ),
        "ultralytics": Convention(
            title="ultralytics-thop",
            version="2.2.3",
            unit="MACs",
            each=1,
            call="profile(model, inputs)",
        ),
        "torchprofile": Convention(
            title="torchprofile",
            version="0.1.0",
            unit="MACs",
            each=1,
            call="profile_macs(model, inputs)",
            minds=("no_grad",),
        ),
        "flopcounter": Convention(
            title="FlopCounterMode on the meta device",
            version="PyTorch 2.13.0",
            unit="FLOPs, two a multiply-add",
            each=2,
            call="FlopCounterMode().get_total_flops(), model and inputs on meta",
        ),
        "flopcounter:cpu": Convention(
            title="FlopCounterMode on the CPU",
            version="PyTorch 2.13.0",
            unit="FLOPs, two a multiply-add",
            each=2,
            call="FlopCounterMode().get_total_flops(), model and inputs on the CPU",
            minds=("no_grad",),
        ),
        "ptflops": Convention(
            title="ptflops, backend pytorch",
            version="0.7.5",
            unit="MACs",
            each=1,
            call="get_model_complexity_info(model, size)",
            minds=("no_grad",),
            evaluates=True,
        ),
        "ptflops:aten": Convention(
            title="ptflops, backend aten",
            version="0.7.5",
            unit="MACs",
            each=1,
            call="get_model_complexity_info(model, size, backend='aten')",
            minds=("no_grad",),
            evaluates=True,
        ),
        "calflops": Convention(
            title="calflops",
            version="0.3.2",
            unit="FLOPs, two a multiply-add",
            each=2,
            call="calculate_flops(model, size)",
            minds=("no_grad",),
            evaluates=True,
        ),
        "deepspeed": Convention(
            title="deepspeed, flops profiler",
            version="0.19.8",
            unit="FLOPs, two a multiply-add",
            each=2,
            call="get_model_profile(model, size)",
            minds=("no_grad",),
            evaluates=True,
        ),
        "tensorflow": Convention(
            title="TensorFlow's profiler, of Keras",
            version="TensorFlow 2.21.0, Keras 3.15.1",
            unit="float operations, two a multiply-add",
            each=2,
            call="profile(graph, cmd='op', options=float_operation()).total_float_ops",
        ),
        "timm": Convention(
            title="timm's tables",
            version="fvcore 0.1.5.post20221221",
            unit="MACs, in billions",
            each=1,
            call="FlopCountAnalysis(model, inputs).total()",
            minds=("train", "no_grad"),
            written=MappingProxyType({"global_avgpool": "mean"}),
        ),
    }
)
"""The tools, by the name that `--count` takes; the modules with their tables are called so."""


class Tables(NamedTuple):
    """What the module of a convention has."""

    rules: Rules
    """By kind what it counts beside our multiply-accumulates, or less."""
    reasons: Mapping[str, str]
    """Why it is not known what it counts of a kind."""
    module: Any
    """The module, which may have more: `ACTIVATIONS`, `PARAMETERS`, `settle`,
    `left`."""

    @property
    def activations(self) -> Rules | None:
        """By kind what it counts of activations; None where it counts none."""
        rules: Rules | None = getattr(self.module, "ACTIVATIONS", None)
        return rules

    @property
    def parameters(self) -> Rules | None:
        """By kind how its number of parameters differs from ours; None where it gives none."""
        rules: Rules | None = getattr(self.module, "PARAMETERS", None)
        return rules

    def printed(self, total: int) -> str:
        """A total as the tool prints it."""
        text: str = self.module.printed(total)
        return text

    def settle(self, site: Site, amounts: Sequence[tuple[Term, int]]) -> Iterator[tuple[Term, int]]:
        """What the tool makes of a layer's terms in the end, such as an average over the batch."""
        settle = getattr(self.module, "settle", None)
        if settle is not None:
            yield from settle(site, amounts)

    def left(self, site: Site) -> int:
        """What an average over the batch leaves of a layer, as a share of the batch."""
        left = getattr(self.module, "left", None)
        return 0 if left is None else int(left(site))


def tables(tool: str) -> Tables:
    """The tables of a tool; raises as `convention` does."""
    convention(tool)
    module = import_module(f"{__name__}.{tool.replace(':', '_')}")  # one of a backend is apart
    return Tables(module.RULES, module.REASONS, module)


def convention(tool: str) -> Convention:
    """The row of a tool. Raises `ValueError` for a name of none, `TypeError` for what is none."""
    return CONVENTIONS[one_of(tool, "tool", CONVENTIONS)]


BASE = "our multiply-accumulates"
"""What every bridge starts from."""
SECOND = "an addition for each multiplication"
"""The second term of a bridge to a tool that counts two operations a multiply-accumulate."""


Key = tuple[str, int, str]
"""What makes terms of several kinds one summand: the text, the coefficient and the quantity."""
_BASE: Key = (BASE, 1, "MACs")
CARRIED: Key = ("what the averages of several layers leave, together", 1, "rests")
"""A term of tools that average a sum over all layers, and cut it to a whole number."""


class Otherwise(NamedTuple):
    """What a term would be if layers of a kind were written in another way."""

    kind: str
    """The kind of these layers."""
    word: str
    """How they would be written, as `written` says it."""
    amount: int
    """What the term would be then."""


class Summand(NamedTuple):
    """A term of a bridge, over all layers that it is of."""

    says: str
    """What is counted, in a clause for the bridge."""
    amount: int
    """What it adds, of the whole batch."""
    times: int
    """Its coefficient, which the rule has."""
    quantity: str
    """What the coefficient multiplies, as docs/counting.md writes it."""
    layers: Mapping[int, int]
    """By index of a layer, what it adds there."""
    otherwise: tuple[Otherwise, ...] = ()
    """What it would be if layers were written otherwise; none where nothing turns on that."""

    @property
    def multiplied(self) -> int:
        """How much of the quantity there is."""
        return self.amount // self.times


class Missing(NamedTuple):
    """A layer that there is no number for."""

    layer: str
    """Full name of the layer, as in the network."""
    kind: str
    """Its kind, a key of the catalogue."""
    reason: str
    """Why, in a clause."""


class Conditions(NamedTuple):
    """What a count is for, beside the network."""

    batch: int = 1
    """How many examples it is for."""
    mode: Mode = "eval"
    """The mode that the model was left in."""
    no_grad: bool = False
    """Whether it runs inside `torch.no_grad`."""
    written: Mapping[str, str] = MappingProxyType({})
    """How layers are written, by a kind or a name, over what the spec says."""


class Count(NamedTuple):
    """A network as another tool counts it, and the bridge from our multiply-accumulates."""

    tool: str
    """The name of the tool, a key of `CONVENTIONS`."""
    network: Network
    """The network that was counted, of which layers are indices."""
    conditions: Conditions
    """What it is for."""
    macs: int
    """Our multiply-accumulates of the batch."""
    summands: tuple[Summand, ...]
    """The terms of the bridge, which add up to the total; the first are our MACs."""
    missing: tuple[Missing, ...]
    """Layers that it crashes on, or that are not known to be counted; then there is no total."""
    activations: int | None
    """Activations as it counts them; None where it counts none, or layers are missing."""
    parameters: int | None
    """Parameters as it counts them; None where it counts none, or layers are missing that have
    some."""

    @property
    def convention(self) -> Convention:
        """What the tool is, and in which version."""
        return CONVENTIONS[self.tool]

    @property
    def total(self) -> int | None:
        """The tool's number: the sum of the terms; None where layers are missing."""
        return None if self.missing else sum(each.amount for each in self.summands)

    @property
    def printed(self) -> str | None:
        """The number as the tool prints it."""
        return None if self.total is None else tables(self.tool).printed(self.total)

    def __repr__(self) -> str:
        """Whose number of which network it is, in one line; `print` shows the bridge."""
        number = "?" if self.total is None else f"{self.total:,}"
        return f"<Count {self.network.name!r}: {number} {self.convention.unit} by {self.tool}>"

    def __str__(self) -> str:
        """The bridge, as `convcalc analyze --why` writes it into a pipe."""
        text: str = above("Count.__str__", self)
        return text.removesuffix("\n")

    def to_json(self) -> str:
        """The count and its terms, by layer; docs/counts.schema.json describes it."""
        text: str = above("Count.to_json", self)
        return text

    def to_dict(self) -> dict[str, Any]:
        """What `to_json` says, as Python has it."""
        return from_json(self.to_json())

    def of_layer(self, index: int) -> int:
        """What the tool counts of a layer, by its index."""
        return sum(each.layers.get(index, 0) for each in self.summands)


def count(
    network: Given,
    tool: str,
    *,
    batch: int = 1,
    mode: str = "eval",
    no_grad: bool = False,
    written: Mapping[str, str] | None = None,
    input: GivenShape | None = None,  # noqa: A002 (the spec's own word)
    parameters: Mapping[str, Value] | None = None,
) -> Count:
    """The number that another tool gives for a network, with the bridge from ours.

    `network`, `input` and `parameters` are as of `analyze`. `mode` is the mode that the model is
    left in, "eval" or "train", `no_grad` whether it runs inside `torch.no_grad`, and `written` says
    how layers are written beside what the spec says of it: {"relu": "function"}. Raises
    `ValueError` for a tool that there is not, and `SpecError` for a network with errors.

    >>> import convcalc
    >>> resnet = count(convcalc.load("resnet50"), "fvcore")
    >>> resnet.total, [each.amount for each in resnet.summands]
    (4111512576, [4089184256, 22227968, 100352])
    """
    convention(tool)
    network = read(network, input=input, parameters=parameters)
    if network.errors:
        raise SpecError(network.errors)
    return counted(network, tool, conditions(batch, mode, no_grad=no_grad, written=written))


def with_count(report: Report, count: Count) -> Report:
    """A report of the same network and batch whose layers say what a tool counts of each."""
    missing = {each.layer for each in count.missing}
    nodes = [
        layer._replace(counted=None if layer.name in missing else count.of_layer(index))
        for index, layer in enumerate(report.nodes)
    ]
    return report._replace(nodes=nodes, counted=count)


def conditions(
    batch: int, mode: str, *, no_grad: bool, written: Mapping[str, str] | None
) -> Conditions:
    """What a count is for, as a caller says it. Raises `ValueError` or `TypeError` for no such."""
    return Conditions(
        whole(batch, "batch"),
        one_of(mode, "mode", MODES),  # type: ignore[arg-type]
        switch(no_grad, "no_grad"),
        {
            pattern: text(word, f"written[{pattern!r}]", "'function'")
            for pattern, word in by_name(
                {} if written is None else written, "written", "{'relu': 'function'}"
            ).items()
        },
    )


def sites(network: Network, tool: str, given: Conditions) -> Iterator[tuple[int, Site]]:
    """The layers as a tool meets them, by index: all but inputs."""
    row, plans = convention(tool), network.plans
    network = with_ways(network, given.written.items())
    for index, (node, words) in enumerate(
        zip(network.nodes, words_of(_as_usual(network, row)), strict=True)
    ):
        plan = plans[index]
        if plan is None or node.kind in SOURCES:
            continue
        inputs = tuple(read.output for read in (plans[each] for each in node.inputs) if read)
        owner = node if node.shared_with is None else network.nodes[node.shared_with]
        yield (
            index,
            Site(
                kind=node.kind,
                layer=node.layer,
                plan=plan,
                inputs=inputs,
                batch=given.batch,
                words=words,
                train=given.mode == "train" and not row.evaluates,
                named=len(network.inputs) > 1,
                no_grad=given.no_grad,
                shared=node.shared_with is not None,
                frozen=bool(owner.frozen),
            ),
        )


def _as_usual(network: Network, row: Convention) -> Network:
    """A network whose lines stand behind what is usual where the tool is used."""
    usual = [Way(kind, word) for kind, word in row.written.items()]
    return network._replace(ways=(*usual, *network.ways)) if usual else network


class _Counting:
    """A tool's terms of layers, each worked out once for layers that are alike."""

    def __init__(self, tool: str) -> None:
        self.tables, self.each = tables(tool), convention(tool).each
        self.known: dict[tuple[object, ...], list[tuple[Key, int]]] = {}

    def amounts(self, site: Site) -> list[tuple[Key, int]]:
        """The terms of a layer: its MACs, the rule's, and what becomes of them in the end."""
        key = (id(site.plan), site.kind, site.layer, site.words, site.shared, site.frozen)
        amounts = self.known.get(key)
        if amounts is None:
            amounts = self.known[key] = list(self._amounts(site))
        return amounts

    def _amounts(self, site: Site) -> Iterator[tuple[Key, int]]:
        macs = site.macs
        if macs:
            yield _BASE, macs
            if self.each > 1:
                yield (SECOND, self.each - 1, "MACs"), (self.each - 1) * macs
        rule = self.tables.rules.get(site.kind, ())
        amounts = [(term, term.of(site)) for term in rule if isinstance(term, Term)]
        amounts += self.tables.settle(site, amounts)
        for term, amount in amounts:
            if amount:
                yield (term.says, term.times, term.quantity.symbol), amount

    def terms(self, site: Site) -> tuple[list[tuple[Key, int]], int]:
        """The terms that a count has of a layer, and what an average over the batch leaves of it.

        Of one that there is no number for these are its MACs, whatever the tool says of it.
        """
        if self.reason(site):
            return [(_BASE, site.macs)], 0
        return self.amounts(site), self.tables.left(site)

    def reason(self, site: Site) -> str:
        """Why there is no number for a layer; empty where there is one."""
        if site.kind in self.tables.reasons:
            return self.tables.reasons[site.kind]
        for each in self.tables.rules[site.kind]:
            if isinstance(each, Uncounted) and each.of(site):
                return each.reason
        return ""


def counted(network: Network, tool: str, given: Conditions) -> Count:
    """The number that a tool gives for a network without errors."""
    counting = _Counting(tool)
    summed: dict[Key, dict[int, int]] = {_BASE: {}}
    missing: list[Missing] = []
    left: dict[int, int] = {}
    macs = activations = parameters = 0
    unowned = False
    active, owned = counting.tables.activations, counting.tables.parameters
    for index, site in sites(network, tool, given):
        macs += site.macs
        reason = counting.reason(site)
        if reason:
            missing.append(Missing(network.nodes[index].name, site.kind, reason))
            unowned |= site.parameters > 0
        terms, rest = counting.terms(site)
        for key, amount in terms:
            layers = summed.setdefault(key, {})
            layers[index] = layers.get(index, 0) + amount
        if rest:
            left[index] = rest
        if active is not None:
            activations += _sum(active.get(site.kind, ()), site)
        if owned is not None:
            parameters += OWN_PARAMETERS.of(site) + _sum(owned.get(site.kind, ()), site)
    if carried := sum(left.values()) // given.batch:
        summed[CARRIED] = {max(left): carried}
    summands = tuple(
        Summand(says, sum(layers.values()), times, quantity, layers)
        for (says, times, quantity), layers in summed.items()
    )
    return Count(
        tool=tool,
        network=network,
        conditions=given,
        macs=macs,
        summands=summands,
        missing=tuple(missing),
        activations=None if active is None or missing else activations,
        parameters=None if owned is None or unowned else parameters,
    )


def bridge(count: Count) -> tuple[Summand, ...]:
    """The terms of a count, each with what it would be if layers were written otherwise.

    Terms that are 0 as the layers are written, and would not be otherwise, stand behind the others.
    """
    now = {(each.says, each.times, each.quantity): each for each in count.summands}
    ways: dict[Key, list[Otherwise]] = {key: [] for key in now}
    for (kind, word), change in _changes(count).items():
        for key, more in change.items():
            if more:
                amount = more + (now[key].amount if key in now else 0)
                ways.setdefault(key, []).append(Otherwise(kind, word, amount))
    return tuple(
        now.get(key, Summand(key[0], 0, key[1], key[2], {}))._replace(otherwise=tuple(others))
        for key, others in ways.items()
    )


def otherwise(count: Count) -> dict[str, int]:
    """What a tool's number would be if layers of a kind were written otherwise, by the change.

    A change is what `--written` takes, or `--mode train` or `--no-grad`; those that change nothing
    are left out, and all of a network that the tool has no number for.
    """
    total, given = count.total, count.conditions
    if total is None:
        return {}
    totals: dict[str, int] = {}
    seen: set[tuple[str, int]] = set()  # of words that come to the same, the first
    for (kind, word), change in _changes(count).items():
        then = total + sum(change.values())
        if (kind, then) not in seen:
            seen.add((kind, then))
            totals[f"{kind}={word}"] = then
    for mind, said, other in (
        ("train", "--mode train", given._replace(mode="train")),
        ("no_grad", "--no-grad", given._replace(no_grad=True)),
    ):
        if mind in count.convention.minds:
            of_other = counted(count.network, count.tool, other).total
            if of_other is not None:
                totals[said] = of_other
    return {change: then for change, then in totals.items() if then != total}


def _changes(count: Count) -> dict[tuple[str, str], dict[Key, int]]:
    """By kind and word, how much more each term is if its layers are written so.

    Those are left out with which the tool has no number.
    """
    counting, batch = _Counting(count.tool), count.conditions.batch
    changes: dict[tuple[str, str], dict[Key, int]] = {}
    without: set[tuple[str, str]] = set()
    left = 0
    more_left: dict[tuple[str, str], int] = {}
    for _, site in sites(count.network, count.tool, count.conditions):
        now, rest = counting.terms(site)
        left += rest
        for word, other in other_ways(site):
            way = (site.kind, word)
            if counting.reason(other):
                without.add(way)
            then, rest_then = counting.terms(other)
            more_left[way] = more_left.get(way, 0) + rest_then - rest
            change = changes.setdefault(way, {})
            for key, amount in then:
                change[key] = change.get(key, 0) + amount
            for key, amount in now:
                change[key] = change.get(key, 0) - amount
    for way, more in more_left.items():
        changes[way][CARRIED] = (left + more) // batch - left // batch
    return {way: change for way, change in changes.items() if way not in without}


def other_ways(site: Site) -> Iterator[tuple[str, Site]]:
    """A layer in each other way that it may be written, with the word that says so."""
    for choice in choices(site.kind, site.layer):
        now = next((word for word in choice if word in site.words), choice[0])
        for word in choice:
            if word != now:
                yield word, site._replace(words=site.words - {*choice} | ({word} - {""}))


def _sum(rule: Rule, site: Site) -> int:
    return sum(each.of(site) for each in rule if isinstance(each, Term))
