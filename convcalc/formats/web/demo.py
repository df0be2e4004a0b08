"""The demo of a layer: a page that goes through its windows, with the numbers of each output."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from convcalc.explanation.demo import Demo
from convcalc.explanation.value.base import real
from convcalc.formats.web.frame import WebPage, document


def render(demo: Demo) -> str:
    """The file."""
    title = f"{demo.layer} ({demo.kind}) of {demo.network}, window by window"
    data = {**demo.data, "title": title}
    lines = [f"<h1>{escape(title)}</h1>"]
    step: Demo | None = demo
    while step is not None:
        lines += [f"<p>{escape(each)}</p>" for each in step.says]
        lines += _tables("Input", step.x)
        lines += _tables("Output", step.output)
        step = step.then
    body = "\n".join(['<div id="page"></div>', "<noscript>", *lines, "</noscript>"])
    return document(WebPage("demo", f"{title} · convcalc", body, data, licences=False))


def _tables(name: str, channels: Sequence[Any]) -> Iterator[str]:
    """A table for each channel, along three axes for each slice of it, for where no script runs."""
    for number, values in enumerate(channels):
        rows = values if isinstance(values[0], list) else [values]
        deep = isinstance(rows[0][0], list)
        for depth, grid in enumerate(rows if deep else [rows]):
            slice_ = f", depth {depth}" if deep else ""
            yield f"<table><caption>{name}, channel {number}{slice_}</caption>"
            for row in grid:
                yield f"<tr>{''.join(f'<td>{real(value)}</td>' for value in row)}</tr>"
            yield "</table>"
