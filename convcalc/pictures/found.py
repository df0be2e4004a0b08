"""Groups of a network that says none: what comes again in it, as folding finds it."""

from convcalc.graph import Network, read

FEW, MANY = 12, 5_000
"""Layers from which on folding is worth its time, and up to which it is asked."""


def with_groups(network: Network) -> Network:
    """The network with groups, where it has none and stretches of it are alike.

    Its layers keep their names; what folding cannot do, as with errors, leaves it as it is.
    """
    written, made = network.written, network.made
    if network.groups or not FEW <= len(network.nodes) <= MANY or network.errors:
        return network
    if written is None or written.spec is None or made is None:
        return network
    from convcalc.spec.fold import fold
    from convcalc.spec.members import member

    spec = member(written.spec, made.preset) if made.preset else written.spec
    folded_spec = fold(spec)
    if folded_spec is spec:
        return network
    other = read(folded_spec, input=made.input, parameters=made.parameters)
    same = [node.inputs for node in other.nodes] == [node.inputs for node in network.nodes]
    return network._replace(groups=other.groups) if same and not other.errors else network
