"""`convcalc explain`: another word for `convcalc rule`."""

from convcalc.cli.rule import command

__all__ = ["command"]
