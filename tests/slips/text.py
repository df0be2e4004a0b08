"""Texts that are not YAML, or other YAML than was meant, and expressions."""

from slips.slip import Slip

SLIPS = [
    Slip("yaml", "conv: {filters: 8, kernel 3}", "CC109", "conv: {filters: 8, kernel: 3}"),
]
