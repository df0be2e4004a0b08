"""What timm publishes of its networks: what fvcore counts, in billions with two decimals.

Its squeezes and heads take means, which fvcore does not count; the row of `CONVENTIONS` says so.
Source: timm's benchmark.py, `profile_fvcore`.
"""

from convcalc.analysis.conventions.fvcore import ACTIVATIONS, PARAMETERS, REASONS, RULES

__all__ = ["ACTIVATIONS", "PARAMETERS", "REASONS", "RULES", "printed"]


def printed(total: int) -> str:
    """As its tables of results have it, in GMACs.

    >>> printed(4_111_412_224)
    '4.11'
    """
    return str(round(total / 1e9, 2))
