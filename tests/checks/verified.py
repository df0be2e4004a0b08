"""What tests of `verify` share: a small network, the command, and its answer."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from convcalc.cli import convcalc

SPEC = """\
input: 8x8x3
parameters: {width: 4}
layers:
  - conv: {filters: width, kernel: 3}
  - batchnorm
  - relu
  - flatten
  - linear: 5
"""

Command = Callable[..., Result]


def verified(*arguments: str) -> Result:
    """What the command answers."""
    return CliRunner().invoke(convcalc, ["verify", *arguments], prog_name="convcalc")


def written(folder: Path) -> str:
    """The small network in a file of a folder."""
    path = folder / "net.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return str(path)


def rows(result: Result) -> dict[str, dict[str, Any]]:
    """The layers of an answer in JSON, by name."""
    return {layer["name"]: layer for layer in json.loads(result.stdout)["layers"]}
