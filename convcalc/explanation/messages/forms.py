"""The forms of messages: what each says, in terms of no framework. One row a form.

A pattern has names for its numbers, and a row's function makes a `Clash` of them. Shapes are those
of one example in memory order; the batch is said apart.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import islice
from math import prod
from typing import Any, Literal, NamedTuple

from convcalc.explanation.messages.clash import Axes, Clash, Operation

About = Literal["clash", "memory", "state", "divides", "statistics", "elsewhere"]
"""What a message is about: numbers that do not meet, memory that is not there, weights of a file
that are of other shapes, groups that do not divide, statistics over one value, or nothing that a
spec has."""
Framework = Literal["PyTorch", "Keras", "TensorFlow", "ONNX Runtime", "Caffe"]


class Said(NamedTuple):
    """What a message says."""

    about: About
    """What it is about."""
    clash: Clash | None = None
    """The numbers that do not meet."""
    batch: int | None = None
    """The batch, where it is said."""
    built: bool = True
    """Whether weights were there before the network ran."""
    numbers: dict[str, Any] = {}  # noqa: RUF012 (of a tuple; nobody writes to it)
    """Other numbers, by what they are."""
    answer: str = ""
    """What is to be said of a message that is about no layer."""


DIGITS = 12
"""Most digits of a number in a message; longer ones are no sizes."""
N = rf"-?\d{{1,{DIGITS}}}"
PLACES = {
    "": N,
    "shape": r"(?:torch\.Size\()?[\[\(][\dNonex?*,\s\-]{1,200}[\]\)]\)?",
    "shapes": r"[\[\]\(\)\dNone?,\s\-]{1,2000}",
    "extents": r"\([kTHW:\s\d]{1,60}\)",
    "blob": r"[\d\s]{1,60}\(\d{1,15}\)",
    "named": r"(?:[a-z_]{1,40}:\s{1,9}\d{1,12}\s{0,9}){1,9}",
    "word": r"[\w./:\-]{1,200}",
    "quoted": r"[\"'][\w./:\-]{1,200}[\"']",
    "bytes": r"[\d.]{1,20}\s{0,9}(?:bytes|[KMGT]i?B)",
}
"""What may stand in a place of a form: a number, a shape with or without its batch, several, and so
on. All are bounded, so that no text makes them slow."""
SHAPE = re.compile(r"[\[\(][^\[\]\(\)]{1,100}[\]\)]")
"""A shape among several."""
MOST_BEFORE = 200
"""Most characters before a message on its line: the error's name, a layer's."""
MOST_WORDS = 1000
"""Most characters of a message that are shown."""
MOST_WEIGHTS = 1000
"""Most weights of one message."""
PLACE = re.compile(r"<(\w*)(?::(\w+))?>|(…)|(\s+)|([^<…\s]+|<)")


class Form(NamedTuple):
    """One form of messages."""

    name: str
    """What the form is called, in JSON and in tests."""
    framework: Framework
    """Whose message it is."""
    words: str
    """The message; `<got>` is a number, `<input:shape>` a shape, `…` anything up to its line's
    end, and a blank any space, a line's end among them: pasted text is wrapped."""
    read: Callable[[re.Match[str]], Said]
    """What its match says, in terms of no framework."""

    def matches(self, text: str) -> Iterator[re.Match[str]]:
        """Where a text has it."""
        start = re.match(r"[^<…]*", self.words)
        fixed = start[0].split(" ")[0] if start else ""
        return re.finditer(_pattern(self.words), text) if fixed in text else iter(())


@cache
def _pattern(words: str) -> str:
    """The regular expression of a form."""
    parts = []
    for name, sort, dots, space, fixed in PLACE.findall(words):
        if fixed:
            parts.append(re.escape(fixed))
        elif space:
            parts.append(r"\s+")
        elif dots:
            parts.append(r"[^\n]{0,600}?")
        else:
            parts.append(f"(?P<{name}>{PLACES[sort]})" if name else PLACES[sort])
    return "".join(parts)


def listed(text: str) -> tuple[int | None, ...]:
    """The numbers of a shape; None for one that is open.

    >>> listed("torch.Size([2, 64, 8, 8])"), listed("(None, 28, 28, 64)"), listed("(512x1x1)")
    ((2, 64, 8, 8), (None, 28, 28, 64), (512, 1, 1))
    """
    parts = re.findall(rf"{N}|None|\?", text)
    return tuple(None if part in ("None", "?") else int(part) for part in parts)


def whole(text: str) -> Axes | None:
    """The numbers of a shape that is known all along."""
    numbers = [number for number in listed(text) if number is not None]
    return tuple(numbers) if len(numbers) == len(listed(text)) and numbers else None


def example(text: str, *, last: bool = False) -> tuple[Axes | None, int | None]:
    """One example's axes, and the batch; of a shape with channels last in memory order.

    >>> example("[2, 64, 8, 9]"), example("(None, 8, 9, 64)", last=True)
    (((64, 8, 9), 2), ((64, 8, 9), None))
    """
    numbers = listed(text)
    if len(numbers) < 2 or None in numbers[1:]:
        return None, None
    axes = tuple(number for number in numbers[1:] if number is not None)
    if min(axes) < 0:
        return None, None
    return ((axes[-1], *axes[:-1]) if last else axes), numbers[0]


def number(match: re.Match[str], name: str) -> int | None:
    """A number of a message."""
    text = match.groupdict().get(name)
    return None if text is None else int(text)


def _linear(match: re.Match[str]) -> Said:
    clash = Clash(
        "linear",
        got=number(match, "got"),
        wanted=number(match, "wanted"),
        filters=number(match, "filters"),
        rows=number(match, "rows"),
    )
    return Said("clash", clash)


def _convolved(match: re.Match[str]) -> Said:
    operation: Operation = "convolution" if number(match, "groups") else "transposed"
    axes, batch = example(match["input"])
    clash = Clash(
        operation,
        got=number(match, "got"),
        wanted=number(match, "wanted"),
        input=axes,
        weight=whole(match["weight"]),
        groups=number(match, "groups"),
    )
    return Said("clash", clash, batch)


def _small(match: re.Match[str]) -> Said:
    clash = Clash("convolution", padded=whole(match["padded"]), kernel=whole(match["kernel"]))
    return Said("clash", clash)


def _pooled(match: re.Match[str]) -> Said:
    axes, output = whole(match["input"]), whole(match["output"])
    if axes is None or output is None:
        return Said("clash", Clash("pool"))
    clash = Clash("pool", input=axes, output=output[1:])
    if len(axes) == 3 and axes[1] == 1 and output[1] == 1:  # of one axis, as PyTorch does it
        clash = Clash("pool", input=(axes[0], axes[2]), output=output[2:])
    return Said("clash", clash)


def _pooled_volume(match: re.Match[str]) -> Said:
    """A map as PyTorch names its axes: `(T: 1 H: 1 W: 1)`."""
    return Said(
        "clash", Clash("pool", padded=whole(match["padded"]), kernel=whole(match["kernel"]))
    )


def _pooled_line(match: re.Match[str]) -> Said:
    output = number(match, "output")
    return Said("clash", Clash("pool", output=None if output is None else (output,)))


def _transposed_small(match: re.Match[str]) -> Said:
    return Said("clash", Clash("transposed", output=whole(match["output"])))


def _axes(match: re.Match[str]) -> Said:
    """Axes too few or too many: messages count the batch and the channels, too.

    The sizes beside them may have a border already, so they say nothing.
    """
    given = match.groupdict().get("input")
    axes = number(match, "axes") if given is None else len(listed(given))
    wanted = number(match, "wanted")
    return Said(
        "clash",
        Clash(
            "axes",
            got=None if axes is None else axes - 2,
            wanted=None if wanted is None else wanted - 2,
        ),
    )


def _normed(match: re.Match[str]) -> Said:
    return Said("clash", Clash("norm", got=number(match, "got"), wanted=number(match, "wanted")))


def _normed_groups(match: re.Match[str]) -> Said:
    axes, batch = example(match["input"])
    wanted = number(match, "wanted")
    return Said("clash", Clash("norm", wanted=wanted, input=axes), batch)


def _grouped(match: re.Match[str]) -> Said:
    axes, batch = example(match["input"])
    return Said("clash", Clash("groups", input=axes, groups=number(match, "groups")), batch)


def _layer_normed(match: re.Match[str]) -> Said:
    shape, given = whole(match["weight"]), whole(match["input"])
    if shape is None or given is None:
        return Said("clash", Clash("layernorm"))
    if len(shape) == 1:  # over the last axis, which in convolutional networks is the channels'
        clash = Clash("layernorm", got=given[-1], wanted=shape[0], values=prod(given))
    else:
        clash = Clash("layernorm", weight=shape, input=given[1:] or None)
    return Said("clash", clash)


def _prelu(match: re.Match[str]) -> Said:
    return Said("clash", Clash("prelu", got=number(match, "got"), wanted=number(match, "wanted")))


def _sizes(match: re.Match[str]) -> tuple[int, int]:
    return int(match["one"]), int(match["other"])


def _added(match: re.Match[str]) -> Said:
    dimension = int(match["dimension"])
    clash = Clash("elementwise", sizes=_sizes(match), axis=dimension - 1 if dimension else None)
    return Said("clash", clash)


def _broadcast(match: re.Match[str]) -> Said:
    branches = []
    batch = None
    for name in ("one", "other"):
        axes, batch = example(match[name])
        if axes is None:
            return Said("clash", Clash("elementwise"))
        branches.append(axes)
    return Said("clash", Clash("elementwise", branches=tuple(branches)), batch)


def _stacked(match: re.Match[str]) -> Said:
    dimension = number(match, "dimension")
    clash = Clash(
        "concat",
        sizes=_sizes(match),
        branch=number(match, "branch"),
        axis=None if dimension is None else dimension - 1,
    )
    return Said("clash", clash)


def _stacked_axes(match: re.Match[str]) -> Said:
    clash = Clash("axes", got=int(match["axes"]) - 2, wanted=int(match["dimensions"]) - 2)
    return Said("clash", clash)


def _viewed(match: re.Match[str]) -> Said:
    shape = [number for number in listed(match["shape"]) if number is not None]
    values = int(match["values"])
    batch = shape[0] if len(shape) > 1 and shape[0] > 0 else None
    wanted = prod(number for number in shape[1:] if number > 0)
    return Said("clash", Clash("view", values=values, wanted=wanted or None), batch)


def _keras_weights(match: re.Match[str]) -> Said:
    axes, batch = example(match["input"], last=True)
    named: tuple[tuple[str, Operation], ...] = (
        ("dense", "linear"),
        ("transpose", "transposed"),
        ("conv", "convolution"),
        ("batch_norm", "norm"),
        ("group_norm", "norm"),
        ("layer_norm", "layernorm"),
    )
    name = match["layer"].lower()
    operation: Operation = next((each for word, each in named if word in name), "")
    got = None if axes is None else axes[0]
    return Said(
        "clash",
        Clash(
            operation,
            got=got,
            wanted=number(match, "wanted"),
            input=axes if operation != "linear" or axes is None or len(axes) == 1 else None,
        ),
        batch,
    )


def _keras_axes(match: re.Match[str]) -> Said:
    axes, batch = example(match["input"], last=True)
    got, wanted = int(match["axes"]), int(match["wanted"])
    return Said("clash", Clash("axes", got=got - 2, wanted=wanted - 2, input=axes), batch)


def _keras_small(match: re.Match[str]) -> Said:
    axes, batch = example(match["input"], last=True)
    numbers = match.groupdict()
    if "pool" in numbers:
        clash = Clash("pool", input=axes, kernel=whole(match["pool"]))
        return Said("clash", clash, batch, built=False)
    kernel = (whole(match["kernel"]) or ())[:-2]  # its channels and filters stand last
    dilation = whole(match["dilation"]) or ()
    extents = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=False))
    return Said(
        "clash", Clash("convolution", input=axes, kernel=extents or None), batch, built=False
    )


def _negative(match: re.Match[str]) -> Said:
    """TensorFlow: the map, of a convolution with its padding, and the filters or the kernel."""
    shapes = SHAPE.findall(match["shapes"])
    axes, batch = example(shapes[0], last=True) if shapes else (None, None)
    padded = None if axes is None else axes[1:]
    if len(shapes) > 1 and padded:
        kernel = (whole(shapes[1]) or ())[: len(padded)]
        clash = Clash("convolution", padded=padded, kernel=kernel or None)
        return Said("clash", clash, batch, built=False)
    # Pooling has no filters; its kernel is told in front, 1 along the batch and the channels.
    spanned = re.search(r"ksize=(\[[^\]]{1,60}\])", match[0])
    kernel = (whole(spanned[1]) or ())[1:-1] if spanned else ()
    return Said("clash", Clash("pool", input=axes, kernel=kernel or None), batch, built=False)


def _keras_branches(
    operation: Operation, *, batched: bool = True, built: bool = False
) -> Callable[[re.Match[str]], Said]:
    """Of branches that are listed, or two that are said, with channels last."""

    def read(match: re.Match[str]) -> Said:
        given = match.groupdict()
        texts = (
            SHAPE.findall(given["shapes"]) if "shapes" in given else [given["one"], given["other"]]
        )
        branches: list[Axes] = []
        batch = None
        for text in texts:
            axes, batch = example(text if batched else f"(None, {text[1:]}", last=True)
            if axes is not None:
                branches.append(axes)
        known = len(branches) == len(texts)
        clash = Clash(operation, branches=tuple(branches) if known else None)
        return Said("clash", clash, batch, built=built)

    return read


def _keras_moulded(match: re.Match[str]) -> Said:
    given, shape = whole(match["input"]), whole(match["shape"])
    wanted = prod(extent for extent in shape if extent > 0) if shape else None
    clash = Clash("view", values=prod(given) if given else None, wanted=wanted)
    return Said("clash", clash, 1, built=False)


def _keras_image(match: re.Match[str]) -> Said:
    return Said("elsewhere", numbers={"shape": example(match["input"], last=True)[0]})


def _onnx_convolved(match: re.Match[str]) -> Said:
    groups, per_group = int(match["groups"]), int(match["kernel"])
    clash = Clash("convolution", got=number(match, "got"), wanted=per_group * groups, groups=groups)
    return Said("clash", clash)


def _onnx_stacked(match: re.Match[str]) -> Said:
    dimension = int(match["dimension"])
    return Said("clash", Clash("concat", sizes=_sizes(match), axis=dimension - 1))


def _onnx_added(match: re.Match[str]) -> Said:
    return Said("clash", Clash("elementwise", sizes=_sizes(match)))


def _onnx_image(match: re.Match[str]) -> Said:
    image = [int(match[name]) for name in ("index", "got", "wanted")]
    return Said("elsewhere", numbers={"image": image})


def _caffe_state(match: re.Match[str]) -> Said:
    """Shapes as `4096 9216 (37748736)`: of the file, and of the network."""
    shapes = [match[name].partition("(")[0] for name in ("one", "other")]
    return _state([(match["layer"].strip("\"'"), *shapes)])


def _torch_state(match: re.Match[str]) -> Said:
    """All weights that the message lists, this one being one of them."""
    every = islice(match.re.finditer(match.string), MOST_WEIGHTS)
    return _state([(each["layer"], each["one"], each["other"]) for each in every])


def _keras_state(match: re.Match[str]) -> Said:
    return _state([(match["layer"], match["other"], match["one"])], last=True)


def _state(entries: Iterable[tuple[str, ...]], *, last: bool = False) -> Said:
    """Weights by name: their shape in the file, and in the model, as PyTorch lays them out."""
    weights = []
    for name, *texts in entries:
        file, model = (whole(text) for text in texts)
        if file and model:
            weights.append((name, _first(file, last=last), _first(model, last=last)))
    return Said("state", numbers={"weights": weights})


def _first(shape: Axes, *, last: bool) -> Axes:
    """A weight with its filters first, as PyTorch has it."""
    return (*reversed(shape[-2:]), *shape[:-2]) if last and len(shape) > 1 else shape


def _statistics(match: re.Match[str]) -> Said:
    return Said("statistics", numbers={"input": example(match["input"])[0]})


def _divides(match: re.Match[str]) -> Said:
    """What a constructor refuses; the message begins with what is not divided."""
    what = match[0].split()[0]
    return Said(
        "divides", numbers={"what": what, **{k: int(v) for k, v in match.groupdict().items()}}
    )


def _padded_pool(match: re.Match[str]) -> Said:
    numbers = {name: int(value) for name, value in match.groupdict().items()}
    return Said("divides", numbers={"what": "padding", **numbers})


def _output_padded(match: re.Match[str]) -> Said:
    """Numbers by axis: `output_padding_height: 2 … stride_height: 1 …`."""
    numbers: dict[str, Any] = {"what": "output_padding"}
    for name, value in re.findall(
        r"([a-z_]{1,40})_(?:depth|height|width):\s{1,9}(\d+)", match["numbers"]
    ):
        numbers[name] = (*numbers.get(name, ()), int(value))
    return Said("divides", numbers=numbers)


def _shuffled(match: re.Match[str]) -> Said:
    return Said("clash", Clash("other", got=number(match, "got")))


def _shuffled_groups(match: re.Match[str]) -> Said:
    clash = Clash("groups", got=number(match, "got"), groups=number(match, "groups"))
    return Said("clash", clash)


def _other_of(match: re.Match[str]) -> Said:
    axes, batch = example(match["input"])
    return Said("clash", Clash("other", input=axes), batch)


def _memory(match: re.Match[str]) -> Said:
    numbers = {name: " ".join(value.split()) for name, value in match.groupdict().items()}
    return Said("memory", numbers=numbers)


def _elsewhere(answer: str) -> Callable[[re.Match[str]], Said]:
    return lambda match: Said("elsewhere", answer=answer, numbers=match.groupdict())


FORMS: tuple[Form, ...] = (
    Form(
        "product", "PyTorch",
        "mat1 and mat2 shapes cannot be multiplied (<rows>x<got> and <wanted>x<filters>)",
        _linear,
    ),
    Form(
        "product", "PyTorch",
        "a and b must have same reduction dim, but got [<rows>, <got>] X [<wanted>, <filters>]",
        _linear,
    ),
    Form(
        "product", "PyTorch",
        "size mismatch, m1: [<rows> x <got>], m2: [<wanted> x <filters>]",
        _linear,
    ),
    Form(
        "channels", "PyTorch",
        "Given groups=<groups>, weight of size <weight:shape>, expected input<input:shape> to have "
        "<wanted> channels, but got <got> channels instead",
        _convolved,
    ),
    Form(
        "channels", "PyTorch",
        "Given transposed=<transposed>, weight of size <weight:shape>, expected input<input:shape> "
        "to have <wanted> channels, but got <got> channels instead",
        _convolved,
    ),
    Form(
        "kernel", "PyTorch",
        "Calculated padded input size per channel: <padded:shape>. Kernel size: <kernel:shape>. "
        "Kernel size can't be greater than actual input size",
        _small,
    ),
    Form(
        "output", "PyTorch",
        "Given input size: <input:shape>. Calculated output size: <output:shape>. "
        "Output size is too small",
        _pooled,
    ),
    Form(
        "output", "PyTorch",
        "Given input size per channel: <input:shape>. Calculated output size per channel: "
        "<output:shape>. Output size is too small",
        _transposed_small,
    ),
    Form("output", "PyTorch", "max_pool1d() Invalid computed output size: <output>", _pooled_line),
    Form(
        "output", "PyTorch",
        "input image <padded:extents> smaller than kernel size <kernel:extents>",
        _pooled_volume,
    ),
    Form(
        "axes", "PyTorch",
        "Expected <>D (unbatched) or <wanted>D (batched) input to <:word>, but got input of size: "
        "<input:shape>",
        _axes,
    ),
    Form("axes", "PyTorch", "expected 2D or 3D input (got <axes>D input)", _axes),
    Form("axes", "PyTorch", "expected 3D or 4D input (got <axes>D input)", _axes),
    Form("axes", "PyTorch", "expected 4D or 5D input (got <axes>D input)", _axes),
    Form("axes", "PyTorch", "expected <wanted>D input (got <axes>D input)", _axes),
    Form(
        "axes", "PyTorch",
        "(): Expected <>D or <wanted>D tensor, but got: <input:shape>",
        _axes,
    ),
    Form(
        "axes", "PyTorch",
        "non-empty <>D or <wanted>D (batch mode) tensor expected for input",
        _axes,
    ),
    Form(
        "channels of a norm", "PyTorch",
        "running_mean should contain <got> elements not <wanted>",
        _normed,
    ),
    Form(
        "channels of a norm", "PyTorch",
        "weight should contain <got> elements not <wanted>",
        _normed,
    ),
    Form(
        "channels of a norm", "PyTorch",
        "expected input's size at dim=<> to match num_features (<wanted>), but got: <got>",
        _normed,
    ),
    Form(
        "channels of a norm", "PyTorch",
        "Expected weight to be a vector of size equal to the number of channels in input, but got "
        "weight of shape [<wanted>] and input of shape <input:shape>",
        _normed_groups,
    ),
    Form(
        "groups of a norm", "PyTorch",
        "Expected number of channels in input to be divisible by num_groups, but got input of "
        "shape <input:shape> and num_groups=<groups>",
        _grouped,
    ),
    Form(
        "normalized shape", "PyTorch",
        "Given normalized_shape=<weight:shape>, expected input with shape <:shape>, but got input "
        "of size<input:shape>",
        _layer_normed,
    ),
    Form(
        "slopes", "PyTorch",
        "Mismatch of parameter numbers and input channel size. Found parameter numbers = <wanted> "
        "and channel size = <got>",
        _prelu,
    ),
    Form(
        "sum", "PyTorch",
        "The size of tensor a (<one>) must match the size of tensor b (<other>) at non-singleton "
        "dimension <dimension>",
        _added,
    ),
    Form(
        "sum", "PyTorch",
        "Attempting to broadcast a dimension of length <> at <>! Mismatching argument at index <> "
        "had <other:shape>; but expected shape should be broadcastable to <one:shape>",
        _broadcast,
    ),
    Form(
        "concatenation", "PyTorch",
        "Sizes of tensors must match except in dimension <>. Expected size <one> but got size "
        "<other> for tensor number <branch> in the list",
        _stacked,
    ),
    Form(
        "concatenation", "PyTorch",
        "Sizes of tensors must match except in dimension <>. Expected <one> in dimension "
        "<dimension> but got <other> for tensor number <branch> in the list",
        _stacked,
    ),
    Form(
        "concatenation", "PyTorch",
        "Sizes of tensors must match except in dimension <>. Got <one> and <other> in dimension "
        "<dimension>",
        _stacked,
    ),
    Form(
        "axes", "PyTorch",
        "Tensors must have same number of dimensions: got <dimensions> and <axes>",
        _stacked_axes,
    ),
    Form(
        "axes", "PyTorch",
        "Number of dimensions of tensors must match. Expected <dimensions>-D tensors, but got "
        "<axes>-D for tensor number <>",
        _stacked_axes,
    ),
    Form(
        "view", "PyTorch",
        "shape '<shape:shape>' is invalid for input of size <values>",
        _viewed,
    ),
    Form(
        "channels", "PyTorch",
        "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of "
        "upscale_factor, but input.size(-3)=<got> is not divisible by <>",
        _shuffled,
    ),
    Form(
        "groups of a shuffle", "PyTorch",
        "Number of channels must be divisible by groups. Got <got> channels and <groups> groups",
        _shuffled_groups,
    ),
    Form(
        "border", "PyTorch",
        "Padding size should be less than the corresponding input dimension, but got: padding "
        "(<>, <>) at dimension <> of input <input:shape>",
        _other_of,
    ),
    Form(
        "padding of a pool", "PyTorch",
        "pad should be at most half of effective kernel size, but got pad=<padding>, "
        "kernel_size=<kernel>",
        _padded_pool,
    ),
    Form(
        "negative padding", "PyTorch", "narrow(): length must be non-negative",
        lambda _: Said("clash", Clash("crop")),
    ),
    Form(
        "circular padding", "PyTorch", "Padding value causes wrapping around more than once",
        lambda _: Said("clash", Clash("wrap")),
    ),
    Form(
        "padding of a pool of one axis", "PyTorch",
        "max_pool1d() padding should be at most half of kernel size, but got padding=<padding> and "
        "kernel_size=<kernel>",
        _padded_pool,
    ),
    Form(
        "output padding", "PyTorch",
        "output padding must be smaller than either stride or dilation, but got <numbers:named>",
        _output_padded,
    ),
    Form(
        "groups", "PyTorch",
        "num_channels (<channels>) must be divisible by num_groups (<groups>)",
        _divides,
    ),
    Form("groups", "PyTorch", "in_channels must be divisible by groups", _divides),
    Form("groups", "PyTorch", "out_channels must be divisible by groups", _divides),
    Form(
        "weights", "PyTorch",
        "size mismatch for <layer:word>: copying a param with shape <one:shape> from checkpoint, "
        "the shape in current model is <other:shape>",
        _torch_state,
    ),
    Form(
        "statistics", "PyTorch",
        "Expected more than 1 value per channel when training, got input size <input:shape>",
        _statistics,
    ),
    Form(
        "statistics", "PyTorch",
        "Expected more than 1 spatial element when training, got input size <input:shape>",
        _other_of,
    ),
    Form(
        "memory", "PyTorch",
        "CUDA out of memory. Tried to allocate <asked:bytes>. GPU <> has a total capacity of "
        "<capacity:bytes>",
        _memory,
    ),
    Form(
        "memory", "PyTorch",
        "CUDA out of memory. Tried to allocate <asked:bytes> (GPU <>; <capacity:bytes> total "
        "capacity",
        _memory,
    ),
    Form("memory", "PyTorch", "CUDA out of memory. Tried to allocate <asked:bytes>", _memory),
    Form(
        "memory", "PyTorch",
        "MPS backend out of memory (…). Tried to allocate <asked:bytes>",
        _memory,
    ),
    Form("memory", "PyTorch", "you tried to allocate <asked:bytes>", _memory),
    Form("memory", "PyTorch", "CUDA error: out of memory", _memory),
    Form("memory", "TensorFlow", "OOM when allocating tensor with shape", _memory),
    Form("memory", "TensorFlow", "Out of memory while trying to allocate <asked:bytes>", _memory),
    Form("memory", "TensorFlow", "failed to allocate memory", _memory),
    Form(
        "features", "Keras",
        "of layer <layer:quoted> is incompatible with the layer: expected axis -1 of input shape "
        "to have value <wanted>, but received input with shape <input:shape>",
        _keras_weights,
    ),
    Form(
        "features", "Keras",
        "of layer <layer:quoted> is incompatible with the layer: expected axis -1 of input shape "
        "to have value <wanted> but received input with shape <input:shape>",
        _keras_weights,
    ),
    *(
        Form(
            "axes", "Keras",
            f"of layer <layer:quoted> is incompatible with the layer: expected "
            f"{word}ndim=<wanted>, found ndim=<axes>. Full shape received: <input:shape>",
            _keras_axes,
        )
        for word in ("", "min_", "max_")
    ),
    Form(
        "image", "Keras",
        "of layer <layer:quoted> is incompatible with the layer: expected shape=<wanted:shape>, "
        "found shape=<input:shape>",
        _keras_image,
    ),
    *(
        Form("kernel", "Keras", f"Computed output size would be {words}`, `{numbers}", _keras_small)
        for words in (
            "zero or negative. Received `inputs shape=<input:shape>",
            "zero or negative. Received: `inputs.shape=<input:shape>",
            "negative. Received `inputs shape=<input:shape>",
            "negative. Received: `inputs.shape=<input:shape>",
        )
        for numbers in (
            "kernel shape=<kernel:shape>`, `dilation_rate=<dilation:shape>",
            "pool_size=<pool:shape>",
        )
    ),
    Form(
        "kernel", "TensorFlow",
        "Negative dimension size caused by subtracting <> from <> for … with input shapes: "
        "<shapes:shapes>",
        _negative,
    ),
    *(
        Form(
            "concatenation", "Keras",
            "A `Concatenate` layer requires inputs with matching shapes except for the "
            f"concatenation axis. Received: {word}[<shapes:shapes>]",
            _keras_branches("concat"),
        )
        for word in ("input_shape=", "")
    ),
    Form(
        "sum", "Keras",
        "Inputs have incompatible shapes. Received shapes <one:shape> and <other:shape>",
        _keras_branches("elementwise", batched=False),
    ),
    Form(
        "sum", "Keras",
        "Cannot broadcast shape, … Input shapes are: <one:shape> and <other:shape>",
        _keras_branches("elementwise"),
    ),
    Form(
        "view", "Keras",
        "total size of the tensor must be unchanged. Received: input_shape=<input:shape>, "
        "target_shape=<shape:shape>",
        _keras_moulded,
    ),
    Form(
        "view", "Keras",
        "total size of new array must be unchanged, input_shape = <input:shape>, output_shape = "
        "<shape:shape>",
        _keras_moulded,
    ),
    Form(
        "weights", "Keras",
        "variable.shape=<one:shape>, Received: value.shape=<other:shape>. Target variable: "
        "<Variable path=<layer:word>",
        _keras_state,
    ),
    Form(
        "weights", "Keras",
        "Layer <layer:word> weight shape <one:shape> is not compatible with provided weight shape "
        "<other:shape>",
        _keras_state,
    ),
    Form(
        "weights", "Keras",
        "Shape mismatch in layer #<> (named <layer:word>) for weight <:word>. Weight expects shape "
        "<one:shape>. Received saved weight with shape <other:shape>",
        _keras_state,
    ),
    Form(
        "product", "TensorFlow",
        "Matrix size-incompatible: In[0]: [<rows>,<got>], In[1]: [<wanted>,<filters>]",
        _linear,
    ),
    Form(
        "sum", "TensorFlow",
        "Incompatible shapes: <one:shape> vs. <other:shape>",
        _keras_branches("elementwise", built=True),
    ),
    Form(
        "concatenation", "TensorFlow",
        "ConcatOp : … shape[<>] = <one:shape> vs. shape[<>] = <other:shape>",
        _keras_branches("concat", built=True),
    ),
    Form(
        "product", "ONNX Runtime",
        "GEMM: Dimension mismatch, W: {<filters>,<wanted>} K: <got>",
        _linear,
    ),
    Form(
        "channels", "ONNX Runtime",
        "Input channels C is not equal to kernel channels * group. C: <got> kernel channels: "
        "<kernel> group: <groups>",
        _onnx_convolved,
    ),
    Form(
        "concatenation", "ONNX Runtime",
        "Non concat axis dimensions must match: Axis <dimension> has mismatched dimensions of "
        "<other> and <one>",
        _onnx_stacked,
    ),
    Form(
        "sum", "ONNX Runtime",
        "Attempting to broadcast an axis by a dimension other than 1. <one> by <other>",
        _onnx_added,
    ),
    Form(
        "image", "ONNX Runtime",
        "Got invalid dimensions for input: <:word> for the following indices index: <index> Got: "
        "<got> Expected: <wanted>",
        _onnx_image,
    ),
    Form(
        "weights", "Caffe",
        "weights from layer <layer:quoted>; shape mismatch. Source param shape is "
        "<one:blob>; target param shape is <other:blob>",
        _caffe_state,
    ),
    Form(
        "loss", "PyTorch",
        "Expected input batch_size (<one>) to match target batch_size (<other>)",
        _elsewhere(
            "The network ran; the loss gets other numbers of outputs than of targets. Where the "
            "first is a multiple of the second, a `view(-1, …)` with too small a number has made "
            "several rows of one example: write `flatten(1)`."
        ),
    ),
    *(
        Form(
            "loss", "PyTorch", words,
            _elsewhere(
                "The network ran; the loss gets targets of another shape or number of classes than "
                "its output. Compare the last line of `convcalc analyze` with what the targets are."
            ),
        )
        for words in (
            "Target size (<:shape>) must be the same as input size",
            "Using a target size (<:shape>) that is different to the input size",
            "Target <> is out of bounds",
        )
    ),
    *(
        Form(
            "types", "PyTorch", words,
            _elsewhere(
                "This is about data types or devices, which a spec does not have, and not about "
                "sizes."
            ),
        )
        for words in (
            "Input type (…) and weight type (…) should be the same",
            "Input type (…) and bias type (…) should be the same",
            "mat1 and mat2 must have the same dtype",
            "expected scalar type <:word> but found <:word>",
            "Expected all tensors to be on the same device",
        )
    ),
    Form(
        "order", "PyTorch",
        "view size is not compatible with input tensor's size and stride",
        _elsewhere(
            "The sizes are right; the values lie out of order. Write `.reshape(…)` or "
            "`.flatten(1)` in place of `.view(…)`."
        ),
    ),
)  # fmt: skip
"""Every form that is known, those of one framework together; of two that fit, the first counts."""


def readings(text: str) -> Iterator[tuple[Form, "re.Match[str]", str]]:
    """The forms that a text has, each with what it says and its words, the last of them first.

    A traceback ends with its message.
    """
    messages: dict[int, tuple[Form, re.Match[str]]] = {}
    for form in FORMS:
        for match in form.matches(text):
            messages.setdefault(match.start(), (form, match))
    for start in sorted(messages, reverse=True):
        form, match = messages[start]
        line = text.rfind("\n", 0, start) + 1
        end = text.find("\n", match.end())
        words = text[line : end if end > 0 else None] if start - line < MOST_BEFORE else match[0]
        yield form, match, " ".join(words[:MOST_WORDS].split())
