"""How a layer may be written in PyTorch, where a spec does not say it and tools count it unlike."""

from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any

from convcalc.graph import Network

_FORMS = ("module", "function", "subclass")
_ACTIVATIONS = (
    "relu", "relu6", "leaky_relu", "prelu", "elu", "selu", "gelu", "silu", "mish", "sigmoid",
    "hardsigmoid", "hardswish", "tanh", "softplus", "softmax", "log_softmax",
)  # fmt: skip
_POOLS = (
    "maxpool", "avgpool", "lppool", "adaptive_avgpool", "adaptive_maxpool", "global_maxpool",
    "maxunpool",
)  # fmt: skip

WORDS: Mapping[str, tuple[tuple[str, ...], ...]] = MappingProxyType(
    {
        "conv": ((*_FORMS, "linear"), ("", "string")),
        "depthwise_conv": (_FORMS, ("", "string")),
        "conv_transpose": (_FORMS,),
        "linear": (_FORMS,),
        "global_avgpool": ((*_FORMS, "mean"),),
        **dict.fromkeys(_POOLS, (_FORMS,)),
        **dict.fromkeys(("batchnorm", "groupnorm", "layernorm", "instancenorm", "lrn"), (_FORMS,)),
        **dict.fromkeys(_ACTIVATIONS, (("module", "function", "method", "subclass"),)),
        "upsample": (_FORMS, ("scale", "size")),
        **dict.fromkeys(("add", "subtract", "multiply", "divide"), (("operator", "torch"),)),
        "matmul": (("operator", "torch", "matmul", "bmm", "einsum"),),
        "attention": (("", "weights"),),
    }
)
"""By kind what can be said of it: of each tuple one word holds, the first unless another is said;
the empty word is what goes without saying.

Kinds that are written in one way, or that all tools count alike, have none.
"""


def _of_one(layer: Any) -> bool:
    """Whether a convolution is a linear layer at each position."""
    ones = ((1, 1, 1), (1, 1), (1,), 1)
    return (
        layer.kernel in ones
        and layer.stride in ones
        and layer.groups == 1
        and layer.padding in (0, "same", "valid")
    )


FITS: Mapping[str, Callable[[Any], bool]] = MappingProxyType(
    {"string": lambda layer: isinstance(layer.padding, str), "linear": _of_one}
)
"""By word of which layers alone it can be said, where that is not all of a kind."""


def words_for(kind: str, layer: Any) -> Iterator[tuple[str, ...]]:
    """The choices of words of a layer, of each the usual one first; only those that can be said."""
    for choice in WORDS.get(kind, ()):
        fitting = tuple(word for word in choice if word not in FITS or FITS[word](layer))
        if len(fitting) > 1:
            yield fitting


def words_of(network: Network, written: Mapping[str, str]) -> Iterator[frozenset[str]]:
    """By layer how it is written: of each choice the last word that is said of it, or the first."""
    for node in network.nodes:
        words = set()
        for choice in words_for(node.kind, node.layer):
            said = [
                word
                for pattern, word in written.items()
                if word in choice and (pattern == node.kind or fnmatchcase(node.name, pattern))
            ]
            words.add(said[-1] if said else choice[0])
        yield frozenset(words - {""})
