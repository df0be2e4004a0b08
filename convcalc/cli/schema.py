"""`convcalc schema`: the JSON Schema of a spec."""

import json

import click

from convcalc.cli.output import write
from convcalc.spec.schema import spec_schema


@click.command("schema")
def command() -> None:
    """Print the JSON Schema of a spec, for completion and checks in editors.

    \b
    Example: convcalc schema > convcalc.schema.json
    and in a spec: # yaml-language-server: $schema=convcalc.schema.json
    """
    write(json.dumps(spec_schema(), indent=2, ensure_ascii=False) + "\n", machine=True)
