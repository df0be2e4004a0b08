"""Branches that begin with `when`: the network is the one that is written without those dropped."""

from itertools import product

from tabled import tabled

from convcalc import Block, Item, Spec, parse
from convcalc.graph import Network, read_text
from convcalc.spec.text import SourceText

BRANCHES = (
    ["conv: {filters: 4, kernel: 1}", "relu"],
    ["from: input"],
    ["add: [[], [relu6]]", "conv: {filters: 4, kernel: 1}"],
)


def written(layers: str) -> Network:
    return read_text(
        SourceText("net.yaml", f"input: 8x8x4\nparameters: {{on: true, off: false}}\n{layers}")
    )


def graph(network: Network) -> list[tuple[str, str, tuple[int, ...]]]:
    return [(node.name, node.kind, node.inputs) for node in network.nodes]


def merged(branches: list[str]) -> str:
    listed = "".join(f"      - [{branch}]\n" for branch in branches)
    return f"layers:\n  - relu\n  - concat:\n{listed}    name: out\n  - softmax\n  - from: out\n"


@tabled("kept", [*product(["on", "off"], repeat=3)], ids="-".join)
def test_a_branch_is_there_where_its_condition_holds(kept: tuple[str, ...]) -> None:
    given = [
        ", ".join([f"when: {word}", *items]) for word, items in zip(kept, BRANCHES, strict=True)
    ]
    left = [items for word, items in zip(kept, BRANCHES, strict=True) if word == "on"]
    network = written(merged(given))
    if not left:
        assert [error.code for error in network.errors] == ["CC203"]
        return
    plain = written(merged([", ".join(items) for items in left]))
    if len(left) == 1:  # it is passed on, and nothing is merged
        lines = "".join(f"  - {{{each}}}\n" if ":" in each else f"  - {each}\n" for each in left[0])
        plain = written(f"layers:\n  - relu\n{lines}  - name: out\n  - softmax\n  - from: out\n")

    assert not network.diagnostics
    assert graph(network) == graph(plain)
    assert network.outputs == plain.outputs


def test_a_condition_sees_the_round_and_what_the_block_is_given() -> None:
    """One shortcut in the second of two rounds, and one where the call says so."""
    network = written("""
blocks:
  unit: {parameters: {short}, layers: [{add: [[relu], [when: short]]}]}
layers:
  - {add: [[relu], [when: index > 1]], repeat: 2}
  - {unit: off}
  - {unit: true}
""")

    assert not network.diagnostics
    assert [(node.kind, len(node.inputs)) for node in network.layers] == [
        *(("relu", 1), ("relu", 1), ("add", 2)),
        *(("relu", 1), ("relu", 1), ("add", 2)),
    ]


def test_a_from_with_a_condition_is_no_condition_of_its_branch() -> None:
    """Which it was before branches had any: the branch is there, from one place or the other."""
    network = written("layers:\n  - relu\n  - add: [[], [{from: input, when: off}]]\n")

    assert not network.diagnostics
    assert network.nodes[-1].inputs == (1, 1)


def test_conditions_of_branches_are_written_and_read_as_they_are() -> None:
    spec = Spec(
        input=(8, 8, 4),
        blocks={
            "unit": Block(
                {"on": True},
                [Item("add", branches=[[], [Item(when="on"), Item("relu")]])],
            )
        },
        layers=[Item("unit"), Item("concat", branches=[[Item(when=True)], [Item("relu")]])],
    )

    assert parse(spec.to_yaml()) == spec
    assert not spec.network().diagnostics
    assert [node.kind for node in spec.network().layers] == ["relu", "add", "relu", "concat"]
