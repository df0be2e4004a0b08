"""How a layer can be written in PyTorch: the words that a spec may say of the layers of each kind.

Nothing of a network hangs on it: shapes, parameters and multiply-accumulates are the same however a
layer is called. What other tools count is not: a hook sees modules, a patch functions.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from convcalc.layers import CATALOGUE, Layer

Questions: TypeAlias = "tuple[tuple[str, ...], ...]"
"""What may be asked of a layer's code, and for each question its answers; the first is what holds
where nothing is said, but for fields that tell, and the empty word is what goes without saying."""

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "module": "the module that torch.nn has: nn.ReLU()(x)",
        "function": "the function of torch.nn.functional: F.relu(x)",
        "method": "the tensor's own, or torch's: x.relu(), torch.relu(x)",
        "subclass": "a class derived from that of torch.nn: class LayerNorm2d(nn.LayerNorm)",
        "mean": "the mean over the axes: x.mean((2, 3))",
        "linear": "a convolution of kernel 1 that is nn.Linear, channels last",
        "operator": "an operator of Python: x + y, x * y, x @ y",
        "torch": "the function of torch: torch.add(x, y), torch.matmul(x, y)",
        "matmul": "torch.matmul(x, y)",
        "bmm": "torch.bmm(x, y)",
        "einsum": "torch.einsum, with both tensors",
        "scale": "a size that is given by its factor: nn.Upsample(scale_factor=2)",
        "size": "a size that is given as such: nn.Upsample(size=(56, 56))",
        "string": "padding that is given as a word: nn.Conv2d(…, padding='same')",
        "weights": "attention that gives its weights, too: need_weights=True",
    }
)
"""Every word, with what it means."""

_MODULES = ("module", "function", "subclass")
_METHODS = ("module", "function", "method", "subclass")
_OPERATORS: Questions = (("operator", "torch"),)
_PADDED = ("", "string")
_SIZES = ("scale", "size")

WAYS: Mapping[str, Questions] = MappingProxyType(
    {
        "conv": ((*_MODULES, "linear"), _PADDED),
        "depthwise_conv": (_MODULES, _PADDED),
        "separable_conv": (_MODULES, _PADDED),
        "conv_transpose": (_MODULES,),
        "linear": (_MODULES,),
        "lstm": (("module", "subclass"),),
        "gru": (("module", "subclass"),),
        "maxpool": (_MODULES,),
        "avgpool": (_MODULES,),
        "lppool": (_MODULES,),
        "adaptive_avgpool": (_MODULES,),
        "adaptive_maxpool": (_MODULES,),
        "global_avgpool": ((*_MODULES, "mean"),),
        "global_maxpool": (_MODULES,),
        "maxunpool": (_MODULES,),
        "batchnorm": (_MODULES,),
        "groupnorm": (_MODULES,),
        "layernorm": (_MODULES,),
        "instancenorm": (_MODULES,),
        "lrn": (_MODULES,),
        "relu": (_METHODS,),
        "relu6": (_MODULES,),
        "leaky_relu": (_MODULES,),
        "prelu": (_METHODS,),
        "elu": (_MODULES,),
        "selu": (_METHODS,),
        "gelu": (_MODULES,),
        "silu": (_MODULES,),
        "mish": (_MODULES,),
        "sigmoid": (_METHODS,),
        "hardsigmoid": (_MODULES,),
        "hardswish": (_MODULES,),
        "tanh": (_METHODS,),
        "softplus": (_MODULES,),
        "softmax": (_METHODS,),
        "log_softmax": (_METHODS,),
        "dropout": (_MODULES,),
        "flatten": (("module", "method", "subclass"),),
        "pixel_shuffle": (_MODULES,),
        "space_to_depth": (_MODULES,),
        "channel_shuffle": (_MODULES,),
        "pad": (_MODULES,),
        "upsample": (_MODULES, _SIZES),
        "scale": _OPERATORS,
        "affine": _OPERATORS,
        "add": _OPERATORS,
        "subtract": _OPERATORS,
        "multiply": _OPERATORS,
        "divide": _OPERATORS,
        "matmul": (("operator", "torch", "matmul", "bmm", "einsum"),),
        "attention": (_MODULES, ("", "weights")),
        "embedding": (_MODULES,),
    }
)
"""By kind, what may be said of how its layers are written."""

ONE_WAY: Mapping[str, str] = MappingProxyType(
    {
        "input": "it is no layer of the code",
        "learned": "it is a parameter, which nothing calls",
        "identity": "nothing is done, however it is written",
        "locally_connected": "torch has none, and all that is written for it differs",
        "kmaxpool": "only methods of tensors do this",
        "channel_avgpool": "only the mean over an axis does this",
        "channel_maxpool": "only the largest over an axis does this",
        "l2norm": "only a function of torch.nn.functional does this",
        "abs": "only a method of tensors does this",
        "reshape": "a method of tensors does this, and nn.Unflatten no more",
        "permute": "only a method of tensors does this",
        "crop": "only indices of tensors do this",
        "slice": "only indices of tensors do this",
        "maximum": "only a function of torch does this",
        "concat": "only a function of torch does this",
    }
)
"""Kinds of which nothing can be said, with the reason."""


_POINTWISE: Mapping[str, frozenset[object]] = MappingProxyType(
    {
        **{name: frozenset({1}) for name in ("kernel", "stride", "groups")},
        "padding": frozenset({0, "same", "valid"}),
    }
)
"""Fields of a convolution that does at every position what a linear layer does."""


def fits(word: str, layer: Layer | None) -> bool:
    """Whether a layer can be written so, of a kind that has this word, by its fields.

    Of a layer whose fields are not known it is taken that it can.

    >>> from convcalc.layers.convolution import Conv
    >>> fits("linear", Conv(filters=8, kernel=1)), fits("linear", Conv(filters=8, kernel=3))
    (True, False)
    """
    if layer is None:
        return True
    if word == "string":
        return isinstance(getattr(layer, "padding", None), str)
    return word != "linear" or all(
        _numbers(getattr(layer, name)) <= values for name, values in _POINTWISE.items()
    )


def _numbers(value: object) -> frozenset[object]:
    """The numbers, or the word, that a field is."""
    if not isinstance(value, tuple):
        return frozenset({value})
    return frozenset(number for each in value for number in _numbers(each))


def questions(kind: str, layer: Layer | None = None) -> Questions:
    """What may be asked of how a layer is written, the usual answer first.

    Of an `upsample` its fields tell whether the size is given as such.

    >>> from convcalc.layers.upsample import Upsample
    >>> questions("upsample", Upsample(scale=2))[1], questions("upsample", Upsample(size=9))[1]
    (('scale', 'size'), ('size', 'scale'))
    """
    asked = WAYS.get(kind, ())
    if layer is None or getattr(layer, "scale", 1) is not None:
        return asked
    return tuple(("size", "scale") if answers == _SIZES else answers for answers in asked)


def choices(kind: str, layer: Layer | None = None) -> Questions:
    """What may be asked of how a layer is written, with the answers that its fields allow."""
    allowed = (
        tuple(word for word in answers if fits(word, layer)) for answers in questions(kind, layer)
    )
    return tuple(answers for answers in allowed if len(answers) > 1)


def usual(kind: str, layer: Layer | None = None) -> frozenset[str]:
    """How a layer is written where nothing is said.

    >>> sorted(usual("upsample")), sorted(usual("concat"))
    (['module', 'scale'], [])
    """
    return frozenset(answers[0] for answers in questions(kind, layer) if answers[0])


def words_of(kind: str) -> tuple[str, ...]:
    """The words that may be said of a kind's layers.

    >>> words_of("conv")
    ('module', 'function', 'subclass', 'linear', 'string')
    """
    return tuple(word for answers in WAYS.get(kind, ()) for word in answers if word)


def kinds_with(word: str) -> list[str]:
    """The kinds of which a word may be said, in the order of the catalogue.

    >>> kinds_with("mean"), kinds_with("bmm")
    (['global_avgpool'], ['matmul'])
    """
    return [kind for kind in CATALOGUE if word in words_of(kind)]
