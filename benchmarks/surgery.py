"""All bundled networks through every conversion: equal in values, where that is claimed."""

from fractions import Fraction

from benchmarks.arguments import parser
from benchmarks.timing import print_table
from convcalc.analysis import analyze
from convcalc.graph import read
from convcalc.graph.planned import Planned, planned
from convcalc.spec.bundled import bundled_names
from convcalc.surgery import CONVERSIONS, Converted, convert
from convcalc.surgery.edits import CannotConvertError
from convcalc.surgery.proof import proven

VALUES = {"width": "0.5"}
"""Conversion that takes a value → the one that is tried; others are of single layers."""


def main(arguments: list[str]) -> int:
    """Print a row for each conversion of each network; 1 where one that claims so is not equal."""
    options = parser("surgery", __doc__)
    options.add_argument("--most", type=float, default=2, help="GMACs of networks that are run")
    options.add_argument("networks", nargs="*", help="all that are bundled, unless given")
    given = options.parse_args(arguments)
    most = int(Fraction(given.most) * 10**9)
    rows: list[list[str]] = []
    wrong = 0
    for name in given.networks or bundled_names():
        old = planned(read(name))
        for conversion, row in CONVERSIONS.items():
            if row.value is not None and conversion not in VALUES:
                continue
            step = (conversion, VALUES[conversion]) if row.value is not None else conversion
            try:
                made = convert(old, step)
            except CannotConvertError:
                continue
            said = _said(old, made, most)
            wrong += said.startswith("NOT")
            counts = [f"{_parameters(each):,}" for each in (old, made.network)]
            rows.append([name, conversion, *counts, said])
    print_table([["network", "conversion", "parameters", "after", ""], *rows])
    return int(bool(wrong))


def _parameters(network: Planned) -> int:
    return analyze(network).totals.known("parameters")


def _said(old: Planned, made: Converted, most: int) -> str:
    """Whether both compute the same, if that is claimed and not too long to see."""
    if not made.equal:
        return "another network"
    if analyze(old).totals.known("macs") > most:
        return "not run: too large"
    proofs = proven(old, made)
    holds = "equal" if all(proof.holds for proof in proofs) else "NOT EQUAL"
    return f"{holds}: {', '.join(f'{proof.difference:.0e}' for proof in proofs)}"
