"""A network whose layers are called as they are where they come from."""

from convcalc.graph import Network
from convcalc.spec.origins import unlike


def by_origin(network: Network) -> Network:
    """The same with origins for names, of layers, groups and what findings are about.

    What says no origin keeps its name. An origin that several layers have, as a module has that is
    called twice, gets a number behind it from the second on.
    """
    called = [node.origin or node.name for node in network.nodes]
    names = unlike(called)
    groups = unlike([group.origin or group.name for group in network.groups])
    now = {node.name: name for node, name in zip(network.nodes, names, strict=True)}
    ways = network.ways
    if ways:
        from convcalc.spec.ways import Layers, about  # of what few specs say

        layers = Layers(network.nodes, network.groups)
        ways = tuple(way._replace(meant=tuple(about(layers, way))) for way in ways)
    return network._replace(
        ways=ways,
        nodes=[node._replace(name=name) for node, name in zip(network.nodes, names, strict=True)],
        groups=tuple(
            group._replace(name=name) for group, name in zip(network.groups, groups, strict=True)
        ),
        diagnostics=tuple(
            told._replace(
                layer=now.get(told.layer or "", told.layer),
                built=tuple(
                    each._replace(name=now.get(each.name, each.name)) for each in told.built
                ),
            )
            for told in network.diagnostics
        ),
    )
