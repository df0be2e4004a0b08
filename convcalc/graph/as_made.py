"""The spec of a network as it was made: with its member's, parameters' and input's values."""

from convcalc.graph import Network, read
from convcalc.shape import Shape
from convcalc.spec.annotate import annotated
from convcalc.spec.members import member
from convcalc.spec.text import SourceText
from convcalc.spec.tree import Spec


def spec_as_made(network: Network) -> Spec | None:
    """The spec with the values that the network was made with, and with the text's comments.

    None of a network that was made of no spec. What was given and is as the spec has it is not
    written.
    """
    written, made = network.written, network.made
    if written is None or written.spec is None:
        return None
    spec = written.spec
    if isinstance(written.places, SourceText) and written.arrays is None:
        spec = annotated(written.places, spec)
    if made is not None and made.preset:
        spec = member(spec, made.preset)
    if made is None or not (made.parameters or made.input):
        return spec
    usual = read(spec).parameters
    values = {
        name: value
        for name, value in network.parameters.items()
        if name in spec.parameters and value != usual.get(name)
    }
    if values:
        spec = spec.replace(parameters={**spec.parameters, **values})
    if _input_shapes(read(spec)) != _input_shapes(network):
        spec = spec.replace(input=made.input)
    return spec


def _input_shapes(network: Network) -> dict[str, Shape | None]:
    """The shapes of the inputs by their names."""
    return {name: network.shape_of(index) for name, index in network.named_inputs.items()}
