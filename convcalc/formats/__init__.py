"""The formats of a report: every name, and the module that makes text of it."""

FORMATS = {
    "table": "Tree with colours and bars, as wide as the terminal.",
    "plain": "Aligned text, for pipes and files.",
    "json": "Everything, stable; see docs/report.schema.json.",
    "csv": "One row a layer.",
    "markdown": "A table for a README or a pull request.",
}
"""Format → what it is; each is the module of that name with `render`."""
