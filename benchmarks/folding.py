"""All bundled networks written out flat and folded again: lines, time, and whether all is equal."""

from time import perf_counter

from benchmarks.arguments import parser
from benchmarks.timing import print_table
from convcalc.graph import as_written
from convcalc.spec.bundled import bundled_names, find_bundled
from convcalc.spec.fold import fold
from convcalc.spec.fold.same import same
from convcalc.spec.members import member
from convcalc.spec.source import open_spec
from convcalc.spec.tree import Spec
from convcalc.spec.unfold import unfolded


def main(arguments: list[str]) -> int:
    """Print a row a network; 1 where folding made another one of it."""
    parser("folding", __doc__).parse_args(arguments)
    rows = []
    wrong = 0
    for name in bundled_names():
        spec = _spec(name)
        flat = unfolded(spec)
        if flat is None:
            message = f"{name} has errors"
            raise ValueError(message)
        start = perf_counter()
        made = fold(flat)
        seconds = perf_counter() - start
        equal = same(flat, made) and _figures(spec) == _figures(made)
        wrong += not equal
        counts = [len(each.to_yaml().splitlines()) for each in (spec, flat, made)]
        said = "equal" if equal else "NOT EQUAL"
        rows.append([name, *map(str, counts), f"{seconds * 1e3:.0f} ms", said])
    print_table([["network", "lines", "flat", "folded", "time", ""], *rows])
    return int(bool(wrong))


def _figures(spec: Spec) -> object:
    """Layers, what they read and their plans, whatever the names."""
    network = spec.network()
    layers = [(node.kind, node.layer, node.inputs) for node in network.nodes]
    return layers, [plan[:] for plan in network.plans], network.outputs


def _spec(name: str) -> Spec:
    opened = open_spec(name, find_bundled)
    spec = as_written(opened.text, opened.problems).spec
    if spec is None:
        message = f"{name} cannot be read"
        raise ValueError(message)
    return member(spec, opened.preset) if opened.preset else spec
