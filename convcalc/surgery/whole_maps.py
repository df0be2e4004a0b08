"""Layers that see the whole map, whatever its size: behind one, a larger input is no set of crops.

Global pools and norms over positions, attention and states along a sequence take what a crop has
not; layers of a weight for each position, or of a size of their own, only take maps of one size.
"""

from convcalc.graph import LayerNode
from convcalc.graph.planned import Planned
from convcalc.layers import kinds
from convcalc.layers.base import declarations, field_value

ALWAYS = (
    kinds("pool", lacking="slides")
    | kinds("recurrent")
    | (kinds(having="coupled") - {"batchnorm", "layernorm"})
    | {"learned", "locally_connected", "matmul"}
)
"""Kinds whose outputs hang on the whole map; a batch norm has, in inference, fixed statistics."""
SIZED = kinds(having="sized")
"""Kinds whose fields may say how large a map they make."""


def whole_map_layer(network: Planned) -> LayerNode | None:
    """The first layer whose outputs hang on the size of the map or on all of it; None if none."""
    for index, node in enumerate(network.nodes):
        given = [network.shape_of(each) for each in node.inputs]
        if any(shape.spatial for shape in [*given, network.shape_of(index)]) and _sees_all(node):
            return node
    return None


def _sees_all(node: LayerNode) -> bool:
    if node.layer is None:
        return False
    if node.kind == "layernorm":
        return bool(field_value(node.layer, "over") == "all")
    sized = node.kind in SIZED and "size" in declarations(type(node.layer))
    return node.kind in ALWAYS or (sized and field_value(node.layer, "size") is not None)
