"""Layers of other frameworks whose arguments mean something else here, with what they are.

A kind's name alone is in `vocabulary.py`; here is what its name says of the values behind it.
Imported once a word is not known.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from convcalc.layers import CATALOGUE, kinds, layer_class
from convcalc.layers.base import declarations
from convcalc.spec.answers import activation_answer
from convcalc.spec.nodes import List, Map, Node, ScalarNode
from convcalc.spec.vocabulary import known_kind, plain, sure_field, sure_kind

_NUMBER = r"-?[0-9]{1,18}(?:\.[0-9]{1,18})?"
_FLAGS = frozenset({"", "~", "null", "true", "True", "TRUE", "false", "False", "FALSE"})
_BY_AXIS = frozenset({"axes", "ratios", "padding"})
_LONGEST = 80
"""Letters of what a help says to write."""


AXES = "axes count from 1 here, the channels first, then height and width"
"""How an order names axes, as a help says it."""


class Meaning(NamedTuple):
    """What an item of another framework is here."""

    help: str
    """What to write, in the words of a finding."""
    right: str | None = None
    """The item as a spec has it, where it can mean nothing else."""


def meaning(foreign: str, kind: str, value: Node | None, rank: int | None) -> Meaning | None:
    """What a kind elsewhere is with the value behind it; None where its name alone is another.

    `kind` is the one that it is called here, and `rank` the spatial axes of the network's input,
    None where that is not known.
    """
    said = re.search(r"([123])[dD]", foreign.rpartition(".")[2])
    if kind and said and rank is not None and int(said[1]) != rank and _slides(kind):
        axes = "axis" if said[1] == "1" else "axes"
        return Meaning(
            f"it is for {said[1]} spatial {axes}, and the input has {rank}: write `{kind}`, with "
            "values for the axes that there are"
        )
    word = plain(foreign)
    special = _SPECIAL.get(word)
    if special is not None and (sense := special(foreign, value)) is not None:
        return sense
    if kind and isinstance(value, Map):
        return _of_fields(word, kind, value)
    if kind and not declarations(layer_class(kind)) and layer_class(kind).inputs == "one":
        return _without_value(foreign, kind, value)
    return None


def _slides(kind: str) -> bool:
    """Whether it is another thing over another number of axes."""
    forms = {each.form for each in declarations(layer_class(kind)).values()}
    return bool(forms & _BY_AXIS)


def _without_value(foreign: str, kind: str, value: Node | None) -> Meaning | None:
    """What takes nothing here, and has something there: nothing is dropped without a word."""
    if value is None or (isinstance(value, ScalarNode) and value.text in {*_FLAGS, foreign, kind}):
        return None
    return Meaning(f"write `{kind}`, which takes no value here, if it is that")


# Kinds whose first argument is another


def _permute(foreign: str, value: Node | None) -> Meaning | None:
    """Keras counts height, width and channels from 1, PyTorch the batch and channels from 0."""
    if isinstance(value, Map):
        value = next(
            (value.entries[key] for key in ("dims", "order") if key in value.entries), None
        )
    order = _wholes(value)
    own = AXES
    keras = foreign.rpartition(".")[0] in ("", "layers", "keras.layers", "tf.keras.layers")
    if order is not None and keras and plain(foreign) == "permute":
        right = of_keras(order)
        if right is not None:
            return Meaning(f"{own}: write `permute: {right}`", f"permute: {right}")
    right = of_torch(order) if order is not None else None
    return Meaning(f"{own}: write `permute: {right}`" if right else own)


def counted_from_0(order: Node) -> str | None:
    """The help of an order that counts the batch as 0, as PyTorch's does; None for no order."""
    axes = _wholes(order)
    if axes is None or max(map(abs, axes), default=0) > len(axes):
        return None
    right = of_torch(axes)
    return f"{AXES}: write {right}" if right else AXES


def of_keras(order: list[int]) -> list[int] | None:
    """An order of axes with the channels last, counted from 1, as it is here.

    >>> of_keras([2, 1, 3]), of_keras([3, 1, 2])
    ([1, 3, 2], [3, 1, 2])
    """
    count = len(order)
    if sorted(order) != [*range(1, count + 1)]:
        return None
    here = [1 if axis == count else axis + 1 for axis in order]
    return [here[-1], *here[:-1]]


def of_torch(order: list[int]) -> list[int] | None:
    """An order of all axes, counted from the batch as 0, as it is here, where the batch stays.

    >>> of_torch([0, 2, 3, 1]), of_torch([0, 1]), of_torch([1, 0, 2])
    ([2, 3, 1], [1], None)
    """
    if sorted(order) != [*range(len(order))] or order[:1] != [0] or len(order) < 2:
        return None
    return order[1:]


def _upsample(foreign: str, value: Node | None) -> Meaning | None:
    """PyTorch's first argument is the size, which many take for the factor."""
    text = _text(value)
    if isinstance(value, Map) or not text or foreign == foreign.lower():
        return None
    return Meaning(
        "PyTorch's first argument is the size of the output: "
        f"write `upsample: {{size: {text}}}`, or `upsample: {{scale: {text}}}` for a factor"
    )


def _lppool(_: str, value: Node | None) -> Meaning | None:
    """PyTorch's first argument is the norm."""
    if isinstance(value, Map) or not _text(value):
        return None
    return Meaning("PyTorch's first argument is the norm: write `lppool: {norm: 2, kernel: 3}`")


def _zeropad(foreign: str, value: Node | None) -> Meaning | None:
    """PyTorch pads left and right first, then top and bottom; Keras a sequence on its two sides."""
    if isinstance(value, Map) and [*value.entries] == ["padding"]:
        value = value.entries["padding"]
    sides = _wholes(value)
    if sides is None or len(sides) % 2 or not sides:
        return None
    if plain(foreign) == "zeropadding" and "1" not in foreign:
        return None
    pairs = [sides[at : at + 2] for at in range(0, len(sides), 2)]
    right = f"pad: {pairs[::-1]}"
    return Meaning(f"pairs of [before, after] stand by axis here: write `{right}`", right)


def _space_to_depth(foreign: str, value: Node | None) -> Meaning | None:
    """TensorFlow and ONNX have all channels of a place behind one another."""
    fields = value.entries if isinstance(value, Map) else {"factor": value}
    texts = {key: _text(each) for key, each in fields.items()}
    if foreign == foreign.lower() or [*texts][1:]:
        return None
    [factor] = texts.values()
    if not factor or not factor.isdecimal():
        return Meaning("write `space_to_depth: {factor: 2, order: rows}`, whose order is its own")
    right = f"space_to_depth: {{factor: {factor}, order: rows}}"
    return Meaning(f"its order of channels is by rows here: write `{right}`", right)


def _reshape(foreign: str, value: Node | None) -> Meaning | None:
    """PyTorch's shape has the batch, and the channels in front."""
    if value is None or foreign.partition(".")[0] not in ("torch", "nn", "F", "x"):
        return None
    return Meaning("the shape is height × width × channels here, without the batch")


def _instancenorm(_: str, value: Node | None) -> Meaning | None:
    """Other frameworks than PyTorch have a factor and a summand for each channel."""
    if value is not None and _text(value) != "":
        return None
    right = "instancenorm: {affine: true}"
    return Meaning(f"it has weights there: write `{right}`", right)


def _relu(_: str, value: Node | None) -> Meaning | None:
    """Keras's first argument is the largest value, and its second the slope below zero."""
    fields = value.entries if isinstance(value, Map) else {"max_value": value}
    texts = {key: _text(each) for key, each in fields.items()}
    if texts in ({"max_value": "6"}, {"max_value": "6.0"}):
        return Meaning("write `relu6`", "relu6")
    if [*texts] in (["negative_slope"], ["alpha"]):
        [slope] = texts.values()
        if slope and re.fullmatch(_NUMBER, slope):
            return Meaning(f"write `leaky_relu: {slope}`", f"leaky_relu: {slope}")
    if not isinstance(value, Map) and value is not None and _text(value) not in _FLAGS | {"ReLU"}:
        return Meaning("`relu` takes no value; `relu6` ends at 6, and `leaky_relu` has a slope")
    return None


def _prelu(foreign: str, _: Node | None) -> Meaning | None:
    """Keras has a slope for each value unless told otherwise."""
    if "keras" not in foreign:
        return None
    return Meaning("Keras has a slope for each value, and `prelu` has one, or one for each channel")


def _activation(_: str, value: Node | None) -> Meaning | None:
    """The activation that stands behind a word for any."""
    word = _text(value)
    if not word:
        return None
    acts = [*kinds("activation", "softmax")]
    kind = known_kind(word, acts)
    if kind not in acts:
        return Meaning(activation_answer(word))
    return Meaning(f"write `{kind}`", None if declarations(layer_class(kind)) else kind)


_SPECIAL: Mapping[str, Callable[[str, Node | None], Meaning | None]] = {
    **dict.fromkeys(("permute", "transpose", "permutedims"), _permute),
    **dict.fromkeys(("upsample", "upsamplingnearest"), _upsample),
    "lppool": _lppool,
    **dict.fromkeys(("zeropad", "zeropadding"), _zeropad),
    "reshape": _reshape,
    "spacetodepth": _space_to_depth,
    "instancenormalization": _instancenorm,
    "relu": _relu,
    "prelu": _prelu,
    **dict.fromkeys(("activation", "act", "nonlinearity", "activationlayer"), _activation),
}
"""Kinds elsewhere, without signs and the number of axes → what their values are here."""


# Kinds whose fields are others


def _less(text: str) -> str | None:
    """1 less a number."""
    try:
        return str((1 - Decimal(text)).normalize()) if re.fullmatch(_NUMBER, text) else None
    except InvalidOperation:
        return None


def _same(text: str) -> str | None:
    return text


_FIELDS: Mapping[tuple[str, str], tuple[str, Callable[[str], str | None], str]] = {
    ("upsampling", "size"): ("scale", _same, "Keras's `size` is the factor"),
    **{
        (kind, "momentum"): ("momentum", _less, "Keras's `momentum` is 1 less this")
        for kind in ("batchnormalization", "syncbatchnormalization")
    },
}
"""Kinds elsewhere and their fields → the field here, its value, and why."""


def _of_fields(word: str, kind: str, value: Map) -> Meaning | None:
    """The fields of a layer, where one of them is another here."""
    why = [_FIELDS[word, key][2] for key in value.entries if (word, key) in _FIELDS]
    mean = (
        word == "averagepooling" and (_text(value.entries.get("padding")) or "").lower() == "same"
    )
    if mean and "count_include_pad" not in value.entries:
        why.append("Keras leaves the padding out of the mean")
    elif not why:
        return None
    declared = declarations(layer_class(kind))
    written: dict[str, str | None] = {}
    for key, node in value.entries.items():
        text = _text(node)
        name, convert, _ = _FIELDS.get((word, key), (key, _same, ""))
        right = name if name in declared else sure_field(name, [*declared])
        if right is None or right in written:
            return Meaning(why[0])
        written[right] = None if text is None else convert(_native(text, declared[right].choices))
    if mean:
        written["count_include_pad"] = "false"
    if None in written.values():
        return Meaning(why[0])
    item = f"{kind}: {{{', '.join(f'{name}: {text}' for name, text in written.items())}}}"
    if len(item) > _LONGEST:
        return Meaning(why[0])
    return Meaning(f"{why[0]}: write `{item}`", item)


def _native(text: str, choices: tuple[str, ...]) -> str:
    """A word as a value, as it is here."""
    from convcalc.spec.answers import native_value

    meant, sure = native_value(text, choices) if choices else (None, False)
    return meant if meant and sure else text


# Kinds as values

_SAYS_KIND = frozenset(
    {"type", "kind", "layer", "layer_type", "class_name", "class", "op", "module"}
)
"""Keys that elsewhere have the kind behind them."""
_LEFT_OUT = frozenset({"name", "bottom", "top", "config"})


def kind_as_value(item: Map) -> tuple[str, str] | None:
    """The key of an item that has its kind as a value, and what to write; None of others."""
    for key, value in item.entries.items():
        word = _text(value)
        if key not in _SAYS_KIND or not word:
            continue
        kind = sure_kind(word, [*CATALOGUE])
        if kind is None or kind in item.entries:
            continue
        right = _with_fields(kind, [each for each in item.entries.items() if each[0] != key])
        return key, f"the kind is the key: write `{right}`"
    return None


def _with_fields(kind: str, entries: "list[tuple[str, Node]]") -> str:
    """A kind with the fields that stand beside it elsewhere."""
    declared = [*declarations(layer_class(kind))]
    given: dict[str, str] = {}
    for key, value in entries:
        inner = isinstance(value, Map) and (key.endswith("_param") or key == "config")
        for name, node in (
            value.entries.items() if isinstance(value, Map) and inner else [(key, value)]
        ):
            text = _text(node)
            if name in _LEFT_OUT or text is None:
                continue
            given.setdefault(name if name in declared else sure_field(name, declared) or name, text)
    fields = ", ".join(f"{name}: {text}" for name, text in given.items())
    if not fields:
        return kind
    return f"{kind}: {{{fields}}}" if len(fields) <= _LONGEST else f"{kind}: {{…}}"


# Values


def _text(node: Node | None) -> str | None:
    """A value as it stands on a line; None where that is not plain."""
    if isinstance(node, ScalarNode):
        simple = re.fullmatch(r"[\w.+*/ -]*", node.text) is not None and node.plain
        return node.text if simple and len(node.text) <= _LONGEST else None
    if isinstance(node, List):
        parts = [_text(each) if isinstance(each, ScalarNode) else None for each in node.items]
        return f"[{', '.join(map(str, parts))}]" if all(parts) else None
    return None


def _wholes(node: Node | None) -> list[int] | None:
    """A list of whole numbers; None where it is something else."""
    texts = [_text(each) or "" for each in node.items] if isinstance(node, List) else []
    return [*map(int, texts)] if texts and all(map(str.isdecimal, texts)) else None
