"""Counts of tools as JSON; docs/counts.schema.json describes it."""

import json

from convcalc.formats.counts import Sheet


def render(sheet: Sheet, **_: object) -> str:
    """One object, ending in a newline."""
    dump = json.JSONEncoder(ensure_ascii=False).encode
    lines = [f"{dump(key)}: {dump(value)}" for key, value in sheet.value.items()]
    return "{" + ",\n ".join(lines) + "}\n"
