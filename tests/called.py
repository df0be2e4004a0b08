"""How commands are called, by what they declare, so that a new one is asked what all are asked."""

import click

from convcalc.cli import COMMANDS, convcalc


def _declared(name: str) -> click.Command:
    command = convcalc.get_command(click.Context(convcalc), name)
    assert command is not None
    return command


def _operands(name: str) -> str:
    """What the help calls the arguments besides options: SPEC..., OLD NEW."""
    shown = [each for each in _declared(name).params if isinstance(each, click.Argument)]
    return " ".join(each.metavar or (each.name or "").upper() for each in shown)


WORDS = {"[TEXT]...", "[CODE]...", "[KIND]...", "[TOPIC]", "[LAYER]...", "[NUMBER]...", "[PATTERN]"}
"""What the help calls words that are looked up, and no files."""
ON_NETWORKS = [
    name
    for name in COMMANDS
    if {*_operands(name).split()} - WORDS
    and _operands(name) != "FILE"
    and any("--input" in option.opts for option in _declared(name).params)
]
"""Commands that read specs of networks, whose input another may stand for."""
OF_SEVERAL = [name for name in ON_NETWORKS if _operands(name) == "SPEC..."]
"""Those of them that answer for one spec after the other."""
READING = [name for name in COMMANDS if {*_operands(name).split()} - WORDS]
"""Commands that read the files they are called with."""


def needed(name: str) -> int:
    """How many files the command has to be called with."""
    return len([each for each in _operands(name).split() if each not in WORDS])


def called(name: str, *specs: str) -> list[str]:
    """The command called with the specs, the last as often as it takes to have enough."""
    of_layers = ["--all"] if "[LAYER]..." in _operands(name) else []
    asked = ["--vary", "batch=1..2"] if name in ("fit", "sweep") else []
    asked += ["--max-memory", "1TB"] if name == "fit" else []
    return [name, *specs, *specs[-1:] * (needed(name) - len(specs)), *of_layers, *asked]
