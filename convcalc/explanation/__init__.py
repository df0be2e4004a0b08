"""Where numbers come from: values, and pages of text that `convcalc explain` shows."""

from collections.abc import Mapping

from convcalc.explanation.chosen import layers_named
from convcalc.explanation.layer import Explanation, explained
from convcalc.graph import Given, GivenShape, Network, SpecError, read
from convcalc.layers import SOURCES
from convcalc.spec.nodes import Value

__all__ = ["Explanation", "explain"]


def explain(
    spec: Given,
    *layers: str,
    input: GivenShape | None = None,  # noqa: A002 (the spec's own word)
    parameters: Mapping[str, Value] | None = None,
    batch: int = 1,
    dtype: str = "float32",
    strict: bool = True,
) -> Explanation:
    """Explain layers by their names, or all of them: every figure with the formula it came from.

    A name is a layer's, a block's or group's, the start of one, or a pattern; see
    `convcalc explain`. Raises `ValueError` for a name that is none, and `SpecError` for a spec with
    errors if `strict`; otherwise what can be explained is.

    >>> convcalc_explanation = explain("alexnet", "conv1")
    >>> [figure.filled for figure in convcalc_explanation.layers[0].groups[0].figures]
    ['(227 − 11 + 2·0)/4 + 1', '(227 − 11 + 2·0)/4 + 1', '96']
    """
    network = read(spec, input=input, parameters=parameters)
    if strict and network.errors:
        raise SpecError(network.errors)
    indices = [one for name in layers for one in layers_named(network, name)] or _all(network)
    return explained(network, tuple(dict.fromkeys(indices)), batch=batch, dtype=dtype)


def _all(network: Network) -> list[int]:
    return [index for index, node in enumerate(network.nodes) if node.kind not in SOURCES]
