"""What the tables of conventions are made of: terms over one layer, and when they hold.

A term is a whole coefficient times a quantity of the layer, such as the values that it reads. What
a layer is, how large and how it is written stands in a `Site`; a quantity and a condition are
functions of it, with a text for the bridge and the documentation.
"""

from collections.abc import Callable, Mapping
from math import prod
from typing import Any, NamedTuple

from convcalc.layers.base import Plan
from convcalc.shape import Shape

APART_FROM_MODULE = frozenset({"function", "method", "mean"})
"""Words for what is called without a module of torch.nn."""


class Site(NamedTuple):
    """A layer where it stands: what a convention may ask of it."""

    kind: str
    """A key of the catalogue."""
    layer: Any
    """The layer with its hyperparameters."""
    plan: Plan
    """Its output, weights and products, for one example."""
    inputs: tuple[Shape, ...]
    """The shapes that it reads, for one example."""
    batch: int = 1
    """How many examples run at once."""
    words: frozenset[str] = frozenset()
    """How it is written, of `layers.written.WORDS`; the usual words where nothing is said."""
    train: bool = False
    """Whether the model was left in training mode."""
    no_grad: bool = False
    """Whether it runs inside `torch.no_grad`."""
    shared: bool = False
    """Whether its weights are another layer's: that module is called once more."""
    frozen: bool = False
    """Whether training leaves its weights as they are."""
    named: bool = False
    """Whether the network has several inputs, which are given by their names."""

    def has(self, word: str) -> bool:
        """Whether it is written so."""
        return word in self.words

    @property
    def queries(self) -> Shape:
        """Of attention the shape that asks, for one example: its first input."""
        return self.inputs[0]

    @property
    def keys(self) -> Shape:
        """Of attention the shape that is asked, for one example: its second input, or the first."""
        return self.inputs[min(1, len(self.inputs) - 1)]

    @property
    def read(self) -> int:
        """Values of its first input, of the batch."""
        return self.batch * self.inputs[0].size

    @property
    def made(self) -> int:
        """Values of its output, of the batch."""
        return self.batch * self.plan.output.size

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the batch; see docs/definitions.md."""
        return self.batch * self.plan.macs

    @property
    def rank(self) -> int:
        """Spatial axes of what it reads."""
        return self.inputs[0].rank

    @property
    def positions(self) -> int:
        """Positions of the output, of one example."""
        return prod(self.plan.output.spatial)

    def weight(self, *names: str) -> int:
        """Values of its weights of these names; 0 where it has none of them."""
        return sum(each.size for each in self.plan.weights if each.name in names)

    @property
    def parameters(self) -> int:
        """Values of all of its weights that are no buffers, whoever owns them."""
        return sum(each.size for each in self.plan.weights if not each.buffer)


class Quantity(NamedTuple):
    """A number of a layer that a coefficient multiplies."""

    symbol: str
    """How tables of rules write it: x values read, y values made, w and b a weight's and bias's."""
    of: Callable[[Site], int]
    """The number, of the whole batch."""


class Condition(NamedTuple):
    """What must hold of a layer for a term to count."""

    text: str
    """What holds then, in a clause for tables of rules."""
    holds: Callable[[Site], bool]
    """Whether it does at a layer."""

    def __invert__(self) -> "Condition":
        return Condition(f"not {self.text}", lambda site: not self.holds(site))


class Term(NamedTuple):
    """A coefficient times a quantity, which is added to our multiply-accumulates."""

    says: str
    """What is counted, as the bridge says it, and the reader of `--why` reads it."""
    times: int
    """The coefficient; negative where the tool leaves out what we count."""
    quantity: Quantity
    """The number of a layer that it multiplies."""
    when: tuple[Condition, ...] = ()
    """All of which must hold; none is always."""
    part: str = ""
    """Which of the tool's sums it is in, where the tool has several that it treats unlike."""

    def of(self, site: Site) -> int:
        """What it adds at a layer; 0 where a condition does not hold."""
        if all(condition.holds(site) for condition in self.when):
            return self.times * self.quantity.of(site)
        return 0


class Uncounted(NamedTuple):
    """That a tool crashes on a layer, or gives a number that no rule says."""

    reason: str
    """Why, in a clause that follows the layer's name."""
    when: tuple[Condition, ...] = ()
    """All of which must hold; none is always."""

    def of(self, site: Site) -> bool:
        """Whether it is so of a layer."""
        return all(condition.holds(site) for condition in self.when)


Rule = tuple[Term | Uncounted, ...]
"""What a tool counts of a kind of layer beside, or less, its multiply-accumulates."""
Rules = Mapping[str, Rule]
"""Rules by kind of layer."""
Reasons = Mapping[str, str]
"""Why a kind has no rule, in a clause that follows the layer's name."""

MACS = Quantity("MACs", lambda site: site.macs)
READ = Quantity("x", lambda site: site.read)
MADE = Quantity("y", lambda site: site.made)
BIAS_MADE = Quantity("y", lambda site: site.made if site.weight("bias") else 0)
"""The output's values where a bias is added to each."""
ALL_PARAMETERS = Quantity("p", lambda site: site.batch * site.parameters)
"""All parameters, once an example."""

OWN_PARAMETERS = Quantity("p", lambda site: 0 if site.shared else site.parameters)
"""Parameters of the layer itself; none where they are another's."""


def _of_row(site: Site) -> int:
    """Multiply-accumulates of a linear layer's rows beyond the first of each example."""
    return site.macs - site.batch * site.weight("weight")


ROWS_BEYOND = Quantity("MACs − B·w", _of_row)
"""Multiply-accumulates beyond one product with the weights an example."""


def _on_output(site: Site) -> int:
    return site.batch * site.weight("weight") * site.positions - site.macs


ON_OUTPUT = Quantity("w·S(y) − MACs", _on_output)
"""What the same weights at every position of the output take beyond our MACs."""


def products_by(*names: str | int) -> Quantity:
    """Multiply-accumulates of a layer's products by these weights, or by inputs of these numbers.

    Of a layer with several products by one input, all.
    """
    return Quantity(
        "MACs of " + " and ".join(str(name) for name in names),
        lambda site: (
            site.batch * sum(product.macs for product in site.plan.products if product.by in names)
        ),
    )


SCORES = Quantity(
    "L·S·E of both",
    lambda site: (
        site.batch
        * sum(product.macs for product in site.plan.products if isinstance(product.by, int))
    ),
)
"""Both products of an attention that no weight is in: scores, and means of values."""


def written(word: str) -> Condition:
    """That a layer is written so."""
    return Condition(word, lambda site: site.has(word))


def of_rank(*ranks: int) -> Condition:
    """That a layer reads so many spatial axes."""
    names = {0: "vectors", 1: "1-D", 2: "2-D", 3: "3-D"}
    text = " or ".join(names[rank] for rank in ranks)
    return Condition(text, lambda site: site.rank in ranks)


def field(name: str, *values: object) -> Condition:
    """That a hyperparameter has one of these values."""
    text = f"{name} {' or '.join(map(str, values))}"
    return Condition(text, lambda site: getattr(site.layer, name) in values)


MODULE = Condition("a module", lambda site: not site.words & APART_FROM_MODULE)
"""Of torch.nn, or derived from one of its."""
EXACT = Condition(
    "a module of torch.nn itself",
    lambda site: not site.words & APART_FROM_MODULE and not site.has("subclass"),
)
"""Not derived from one."""
APART = ~MODULE
FUNCTION = written("function")
AFFINE = Condition(
    "with factors", lambda site: any(not weight.buffer for weight in site.plan.weights)
)
PLAIN = Condition("without factors", lambda site: not AFFINE.holds(site))


def normalized(what: str, each: int, plain: int, *when: Condition, part: str = "") -> Rule:
    """What is counted of each value that a norm reads: with factors, and without them."""
    return (
        Term(f"{each} per value that {what} with factors reads", each, READ, (AFFINE, *when), part),
        Term(
            f"{plain} per value that {what} without factors reads",
            plain, READ, (PLAIN, *when), part,
        ),
    )  # fmt: skip


BATCH_STATISTICS = Condition(
    "by its batch's statistics",
    lambda site: site.train or not site.layer.track_running_stats,
)
RUNNING_STATISTICS = Condition(
    "by running statistics", lambda site: not BATCH_STATISTICS.holds(site)
)
WITHIN = Condition("within windows", lambda site: bool(site.layer.cuts))
"""Of attention: written out as in Swin, because torch.nn has no such module."""
OF_MODULE = Condition("nn.MultiheadAttention", lambda site: not site.layer.cuts)
NO_WEIGHTS = Condition("need_weights=False", lambda site: not site.has("weights"))


def _fast(site: Site) -> bool:
    """Whether nn.MultiheadAttention takes its fused path, which is one operator.

    Source: torch.nn.modules.activation.MultiheadAttention.forward, PyTorch 2.13.
    """
    alike = len(site.inputs) == 1 and not site.layer.cuts and not site.has("function")
    return (
        site.no_grad and not site.train and alike and site.layer.bias and site.layer.heads % 2 == 0
    )


FAST = Condition("on the fast path inside no_grad", _fast)
SLOW = Condition("not on the fast path", lambda site: not _fast(site))
