"""Where the weights and the time go."""

from collections.abc import Iterator

from convcalc.layers.sliding import decimal
from convcalc.rules.base import Advice, rule
from convcalc.rules.context import POINTWISE, WEIGHTED, Context

HEAVY = 1_000_000
"""Weights below which a layer is never called heavy."""
TENSOR_CORE = 8
"""Channels that a tensor core takes at once, in half precision."""


@rule("CC413", name="heavy-linear", severity="note")
def heavy_linear(context: Context) -> Iterator[Advice]:
    """A linear layer on a flattened map holds most of the network's parameters.

    **Why.** A weight for every position of every channel is dear: VGG-16 keeps 102,760,448 of its
    138 million in its first linear layer. Averaging each channel over the map first loses little,
    overfits less and takes inputs of any size. Said of layers with at least a million weights.
    Source: Lin et al., [arXiv:1312.4400](https://arxiv.org/abs/1312.4400), section 3.2; CS231n
    notes on VGGNet and GoogLeNet.

    **Why a note.** The network works; what its parameters are spent on is a matter of budget.

    **Flagged**

    ```yaml
    input: 16x16x3
    defaults: {conv: {kernel: 3, padding: 1}}
    layers:
      - conv: 64
      - relu
      - conv: 64
      - relu
      - maxpool: 2
      - conv: 64
      - relu
      - conv: 128
      - relu
      - maxpool: 2
      - flatten
      - linear: 1024
      - relu
      - linear: 10
    ```

    **Instead**

    ```yaml
    input: 16x16x3
    defaults: {conv: {kernel: 3, padding: 1}}
    layers:
      - conv: 64
      - relu
      - conv: 64
      - relu
      - maxpool: 2
      - conv: 64
      - relu
      - conv: 128
      - relu
      - maxpool: 2
      - global_avgpool
      - flatten
      - linear: 1024
      - relu
      - linear: 10
    ```
    """
    if not context.complete:
        return
    origins = context.origins(POINTWISE)
    for index in context.of("linear"):
        weights = context.size(index)
        if weights < HEAVY or 2 * weights < context.parameters:
            continue
        source = origins[context.before(index)]
        if context.kind(source) not in ("flatten", "reshape"):
            continue
        x, features = context.input(source), context.output(index).channels
        saved = (context.input(index).channels - x.channels) * features
        if not x.spatial or saved <= 0:
            continue
        share = 100 * weights / context.parameters
        yield Advice(
            index,
            f"{context.name(index)} has {weights:,} of the {context.parameters:,} parameters "
            f"({share:.0f}%), a weight for each of the {x} values per output",
            f"put `global_avgpool` before the flatten: {x.channels} values, and {saved:,} "
            "parameters fewer",
        )


@rule("CC414", name="channels-for-tensor-cores", severity="note", default=False)
def channels_for_tensor_cores(context: Context) -> Iterator[Advice]:
    """A number of channels that is not a multiple of 8.

    **Why.** Tensor cores multiply blocks of 8 half-precision values; other sizes are padded with
    zeros by newer libraries, and run without tensor cores in older ones. The network's output is
    left alone. Off unless selected, because it matters on one kind of hardware only.
    Source: [NVIDIA, Convolutional Layers User's
    Guide](https://docs.nvidia.com/deeplearning/performance/dl-performance-convolutional/index.html),
    "Channels In And Out".

    **Why a note.** It changes the time on one kind of hardware, and nothing else.

    **Flagged**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 20, kernel: 3, padding: 1}
      - relu
      - conv: {filters: 32, kernel: 3, padding: 1}
    ```

    **Instead**

    ```yaml
    input: 32x32x3
    layers:
      - conv: {filters: 24, kernel: 3, padding: 1}
      - relu
      - conv: {filters: 32, kernel: 3, padding: 1}
    ```
    """
    last = context.origins(POINTWISE)[context.network.output] if context.complete else None
    for index in context.of(*WEIGHTED - {"depthwise_conv"}):
        channels = context.output(index).channels
        if channels % TENSOR_CORE and index != last:
            more = -(-channels // TENSOR_CORE) * TENSOR_CORE
            less = more - TENSOR_CORE
            yield Advice(
                index,
                f"{channels} channels are no multiple of {TENSOR_CORE}: {channels}/{TENSOR_CORE} = "
                f"{decimal(channels, TENSOR_CORE)}",
                f"use {less} or {more}" if less else f"use {more}",
                "features" if context.kind(index) == "linear" else "filters",
            )
