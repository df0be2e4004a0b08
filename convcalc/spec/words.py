"""Words that mean something in an expression, so that no parameter is made that is called so."""

from convcalc.spec.expressions import FUNCTIONS
from convcalc.spec.names import RESERVED

MEANINGFUL = RESERVED | {"incoming", "null"} | FUNCTIONS.keys()
"""Signs that are words, values, what is read of a tensor, and functions."""
