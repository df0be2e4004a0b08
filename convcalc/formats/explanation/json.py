"""A page as JSON: the data of its mode; docs/explain.schema.json describes it."""

import json

from convcalc.explanation.page import Page


def render(page: Page, **_: object) -> str:
    """The data as a JSON object, ending in a newline."""
    return json.dumps(page.data, ensure_ascii=False, indent=1) + "\n"
