"""Sizes that do not come out, and what is said of inputs."""

from slips.slip import Slip

SLIPS: list[Slip] = []
