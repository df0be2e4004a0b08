"""Which layers follow which: sequences that compute less than they seem to."""

from collections.abc import Iterator
from math import prod

from convcalc.graph import INPUT
from convcalc.layers import Fact, kinds
from convcalc.layers.base import Plan
from convcalc.layers.dropout import Dropout
from convcalc.rules.base import Advice, rule
from convcalc.rules.context import (
    ACTIVATIONS,
    DENSE,
    NORMS,
    NOWHERE,
    POINTWISE,
    POOLS,
    SOFTMAXES,
    VIEWS,
    WEIGHTED,
    Context,
    times,
)

LINEAR = kinds(having=Fact.LINEAR)
"""Layers that are linear in their input, in inference."""


@rule("CC407", name="no-nonlinearity")
def no_nonlinearity(context: Context) -> Iterator[Advice]:
    """Two convolutions or linear layers in a row, with no non-linearity between.

    **Why.** A linear map of a linear map is a linear map: one layer could compute the same, and the
    second one adds no expressive power. Left alone are the factorizations that are made so on
    purpose: a narrow layer between wide ones (MobileNetV2's linear bottlenecks, low-rank linear
    layers), depthwise or grouped filters beside 1×1 ones, the linear 1×1 half of a separable
    convolution, and 1×n after n×1.
    Source: [CS231n notes](https://cs231n.github.io/convolutional-networks/), "Prefer a stack of
    small filter CONV to one large receptive field CONV layer".

    **Why a warning.** An activation was forgotten, or the second layer is superfluous.

    **Flagged**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 16, kernel: 3, padding: 1}
      - conv: {filters: 16, kernel: 3, padding: 1}
      - relu
    ```

    **Instead**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 16, kernel: 3, padding: 1}
      - relu
      - conv: {filters: 16, kernel: 3, padding: 1}
      - relu
    ```
    """
    # For each layer the dense layer that it is a linear map of, if nothing else reads that.
    sources = [NOWHERE] * len(context.nodes)
    for index, node in enumerate(context.nodes):
        plan, before = context.plans[index], node.inputs[0]
        linear = node.kind in LINEAR
        if plan is None or not (linear or node.kind in DENSE):
            continue
        source = NOWHERE
        if before >= 0 and sources[before] >= 0 and context.reader(before) == index:
            source = sources[before]
        if linear:
            sources[index] = source
            continue
        if getattr(node.layer, "groups", 1) > 1:
            continue
        sources[index] = index
        if source == NOWHERE:
            continue
        first = context.plans[source]
        if first is None or _factorized(first, plan, context.input(source).channels):
            continue
        if _projection(context, source, first):
            continue
        yield Advice(
            index,
            f"{context.name(index)} is linear in what {context.name(source)} makes: together they "
            f"compute one linear map of {context.input(source).channels} channels to "
            f"{plan.output.channels}",
            "put a non-linearity such as `relu` between them, or leave one of them out",
        )


def _projection(context: Context, index: int, plan: Plan) -> bool:
    """Whether a layer is the linear 1×1 half of a separable convolution."""
    producer = context.origins(POINTWISE | {"multiply"})[context.before(index)]
    return context.kind(producer) == "depthwise_conv" and prod(plan.weights[0].shape[2:]) == 1


def _factorized(first: Plan, second: Plan, channels: int) -> bool:
    """Whether two layers stand for a larger one that would cost more, on purpose."""
    if first.output.channels < min(channels, second.output.channels):
        return True
    one, other = first.weights[0].shape[2:], second.weights[0].shape[2:]
    if len(one) != len(other) or prod(one) == 1 or prod(other) == 1:
        return False
    return all(1 in pair for pair in zip(one, other, strict=True))


@rule("CC408", name="bias-before-norm")
def bias_before_norm(context: Context) -> Iterator[Advice]:
    """A bias that batch or instance normalization takes away again.

    **Why.** Normalization subtracts the mean of every channel, and a number added to a whole
    channel with it; its own summand does what the bias was for. The bias costs memory, optimizer
    state and time, and does nothing.
    Source: Ioffe and Szegedy, [arXiv:1502.03167](https://arxiv.org/abs/1502.03167), section 3.2.

    **Why a warning.** The bias can never have an effect, whatever is trained.

    **Flagged**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 16, kernel: 3, padding: 1}
      - batchnorm
      - relu
    ```

    **Instead**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 16, kernel: 3, padding: 1, bias: false}
      - batchnorm
      - relu
    ```
    """
    for norm in context.of("batchnorm", "instancenorm"):
        index = context.before(norm)
        if index < 0 or context.kind(index) not in WEIGHTED or context.reader(index) != norm:
            continue
        plan, layer = context.plans[index], context.nodes[index].layer
        if plan is None or not getattr(layer, "bias", False):
            continue
        if context.kind(index) == "locally_connected":
            continue  # a bias of its own at every position
        yield Advice(
            index,
            f"{context.kind(norm)} subtracts the mean of each channel, and with it the bias: "
            f"{plan.output.channels:,} parameters do nothing",
            "set `bias: false`",
            "bias",
        )


@rule("CC409", name="norm-after-dropout")
def norm_after_dropout(context: Context) -> Iterator[Advice]:
    """Batch normalization of values that went through dropout.

    **Why.** Dropout changes the variance of its output between training and inference; batch
    normalization keeps the variance it saw in training. In inference its statistics are then wrong
    by a factor that grows from layer to layer. Dropout belongs behind the last batch normalization.
    Source: Li et al., [arXiv:1801.05134](https://arxiv.org/abs/1801.05134), "Understanding the
    Disharmony between Dropout and Batch Normalization by Variance Shift".

    **Why a warning.** In inference the network works out something other than what was trained,
    mostly because two layers stand in the wrong order.

    **Flagged**

    ```yaml
    input: 784
    layers:
      - linear: 256
      - relu
      - dropout: 0.5
      - linear: {features: 64, bias: false}
      - batchnorm
      - relu
      - linear: 10
    ```

    **Instead**

    ```yaml
    input: 784
    layers:
      - linear: 256
      - relu
      - linear: {features: 64, bias: false}
      - batchnorm
      - relu
      - dropout: 0.5
      - linear: 10
    ```
    """
    passing = WEIGHTED | ACTIVATIONS | VIEWS | POOLS | {"scale", "pad"}
    dropped = [NOWHERE] * len(context.nodes)
    for index, node in enumerate(context.nodes):
        before = node.inputs[0]
        if node.kind == "dropout":
            active = isinstance(node.layer, Dropout) and node.layer.rate > 0
            dropped[index] = index if active else dropped[before] if before >= 0 else NOWHERE
        elif before < 0 or dropped[before] == NOWHERE:
            continue
        elif node.kind in passing:
            dropped[index] = dropped[before]
        elif node.kind == "batchnorm":
            source = dropped[before]
            layer = context.nodes[source].layer
            rate = layer.rate if isinstance(layer, Dropout) else 0
            shift = f"{1 / (1 - rate):.3g} times" if rate < 1 else "other than"
            yield Advice(
                index,
                f"{context.name(source)} makes the mean square of its values in training {shift} "
                f"that in inference, and {context.name(index)} keeps the statistics of training",
                f"move {context.name(source)} behind the last batch normalization",
            )


@rule("CC410", name="softmax-inside")
def softmax_inside(context: Context) -> Iterator[Advice]:
    """Layers, or another softmax, that work on the output of a softmax.

    **Why.** Softmax turns scores into probabilities, and makes most of them nearly 0: weights
    behind it see almost no gradient, and a second softmax, or a log_softmax, evens the
    probabilities out (none is then more than e = 2.72 times the smallest). It belongs at the end,
    once, if at all: losses such as PyTorch's CrossEntropyLoss take scores. Left alone are softmax
    as attention, where its output is multiplied with something, and an expected value: the last
    layer with weights, if it has no bias, which averages over the bins of a distribution.
    Source: Goodfellow, Bengio and Courville, [Deep Learning](https://www.deeplearningbook.org),
    section 6.2.2.3; torch.nn.CrossEntropyLoss.

    **Why a warning.** What follows can hardly be trained; mostly the softmax was put where the loss
    has one already.

    **Flagged**

    ```yaml
    input: 784
    layers:
      - linear: 100
      - softmax
      - linear: 10
      - log_softmax
    ```

    **Instead**

    ```yaml
    input: 784
    layers:
      - linear: 100
      - relu
      - linear: 10
      - log_softmax
    ```
    """
    if not context.of(*SOFTMAXES):
        return
    origins = context.origins(VIEWS | {"dropout"})
    behind = _followed_by_weights(context)
    found: set[int] = set()
    for index in sorted(context.of(*WEIGHTED, *ACTIVATIONS, *SOFTMAXES, *NORMS)):
        source = origins[context.before(index)]
        if context.kind(source) not in SOFTMAXES or source in found:
            continue
        found.add(source)
        if _expected_value(context, index, behind):
            continue
        yield Advice(
            source,
            f"{context.name(index)} works on the probabilities of {context.name(source)}",
            "leave this one out, and keep one at the end"
            if context.kind(index) in SOFTMAXES
            else "use an activation such as `relu` here, and keep softmax for the end",
        )


def _expected_value(context: Context, index: int, behind: list[bool]) -> bool:
    """Whether a layer averages over a distribution: no bias, fewer channels, and none behind it."""
    node = context.nodes[index]
    if node.kind not in ("conv", "linear") or getattr(node.layer, "bias", True):
        return False
    fewer = context.output(index).channels < context.input(index).channels
    return fewer and not behind[index]


def _followed_by_weights(context: Context) -> list[bool]:
    """By layer, whether some layer with weights works on what it makes."""
    found = [False] * len(context.nodes)
    for index in reversed(range(len(found))):
        if found[index] or context.kind(index) in WEIGHTED:
            for source in context.nodes[index].inputs:
                if source >= 0:
                    found[source] = True
    return found


@rule("CC411", name="dropout-at-the-end")
def dropout_at_the_end(context: Context) -> Iterator[Advice]:
    """Dropout on the network's output.

    **Why.** It sets scores to 0 at random, which no later layer can make up for: the loss then
    punishes the network for what it did not say. Dropout belongs before the last layer with
    weights.
    Source: Srivastava et al., [JMLR 15 (2014)](https://jmlr.org/papers/v15/srivastava14a.html),
    section 4: units of the input and hidden layers are dropped.

    **Why a warning.** No network is meant to forget its own answers.

    **Flagged**

    ```yaml
    input: 784
    layers:
      - linear: 100
      - relu
      - linear: 10
      - dropout: 0.5
    ```

    **Instead**

    ```yaml
    input: 784
    layers:
      - linear: 100
      - relu
      - dropout: 0.5
      - linear: 10
    ```
    """
    if not context.complete or not context.of("dropout"):
        return
    index = context.network.output
    passing = (POINTWISE | VIEWS) - {"dropout"}
    while index > INPUT and context.kind(index) in passing:
        index = context.before(index)
    if index < 0:
        return
    layer = context.nodes[index].layer
    origin = context.origins(POINTWISE | VIEWS)[index]
    if isinstance(layer, Dropout) and layer.rate > 0 and context.kind(origin) in WEIGHTED:
        yield Advice(
            index,
            f"dropout sets {100 * layer.rate:.3g}% of the {context.output(index).size:,} values "
            f"that {context.name(origin)} puts out to 0",
            f"move it before {context.name(origin)}",
            "rate",
        )


@rule("CC412", name="one-channel-bottleneck")
def one_channel_bottleneck(context: Context) -> Iterator[Advice]:
    """All that is known is squeezed into one channel, and layers go on from there.

    **Why.** Whatever comes after can only be computed from one number per position. Bottlenecks are
    good, and this one is usually a slip (`filters: 1`, `linear: 1` in the middle). Gates that are
    multiplied with a map, and maps that are flattened next, are left alone.
    Source: Szegedy et al., [arXiv:1512.00567](https://arxiv.org/abs/1512.00567), section 2,
    principle 1: "Avoid representational bottlenecks".

    **Why a warning.** A single channel in the middle is mostly a slip of the pen.

    **Flagged**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 16, kernel: 3, padding: 1}
      - relu
      - conv: {filters: 1, kernel: 1}
      - relu
      - conv: {filters: 16, kernel: 3, padding: 1}
      - relu
    ```

    **Instead**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 16, kernel: 3, padding: 1}
      - relu
      - conv: {filters: 8, kernel: 1}
      - relu
      - conv: {filters: 16, kernel: 3, padding: 1}
      - relu
    ```
    """
    origins = context.origins(POINTWISE | POOLS)
    found: set[int] = set()
    for index in sorted(context.of(*DENSE)):
        x = context.input(index)
        source = origins[context.before(index)]
        if x.channels > 1 or source < 0 or source in found:
            continue
        if context.kind(source) in WEIGHTED and context.input(source).channels > 1:
            found.add(source)
            kept = times(x.spatial) + " values" if x.spatial else "one number"
            yield Advice(
                source,
                f"{context.name(source)} leaves one channel of {context.input(source).channels}: "
                f"{context.name(index)} works on {kept}",
                "use more channels",
                "features" if context.kind(source) == "linear" else "filters",
            )
