"""Where numbers come from: values, and pages of text that `convcalc explain` shows."""

from collections.abc import Iterable, Mapping, Sequence

from convcalc.analysis.report import DTYPE_BYTES
from convcalc.arguments import one_of, switch, texts, whole
from convcalc.explanation.chosen import every_layer, layers_named
from convcalc.explanation.layer import Explanation, explained
from convcalc.graph import Given, GivenShape, SpecError, read
from convcalc.spec.nodes import Value

__all__ = ["Explanation", "explain"]


def explain(
    spec: Given,
    layers: str | Sequence[str] | None = None,
    *,
    input: GivenShape | None = None,  # noqa: A002 (the spec's own word)
    parameters: Mapping[str, Value] | None = None,
    batch: int = 1,
    dtype: str = "float32",
    strict: bool = True,
) -> Explanation:
    """Explain layers by their names, or all of them: every figure with the formula it came from.

    `layers` is a name or several: a layer's, a block's or group's, the start of one, or a pattern,
    as `convcalc explain` takes them; None is all. Bytes are those of `batch` examples in `dtype`,
    counts those of one. Raises `ValueError` for a name that is none, and `SpecError` for a spec
    with errors if `strict`; otherwise what can be explained is.

    >>> (conv,) = explain("alexnet", "conv1").layers
    >>> [figure.filled for figure in conv.groups[0].figures]
    ['(227 − 11 + 2·0)/4 + 1', '(227 − 11 + 2·0)/4 + 1', '96']
    """
    network = read(spec, input=input, parameters=parameters)
    if switch(strict, "strict") and network.errors:
        raise SpecError(network.errors)
    indices: Iterable[int] = every_layer(network)
    if layers is not None:
        named = texts(layers, "layers", "'conv1'")
        indices = dict.fromkeys(one for name in named for one in layers_named(network, name))
    dtype = one_of(dtype, "dtype", DTYPE_BYTES)
    return explained(network, [*indices], batch=whole(batch, "batch"), dtype=dtype)
