"""The comments of a spec with their places; YAML's events have none.

A `#` opens a comment at the start of a line or behind white space, unless it stands in quoted text
or in a block of text. Those are what libyaml's events are asked for.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

import yaml

from convcalc.spec.source import parser_of
from convcalc.spec.text import SourceText

_OPENING = re.compile(r"(?:^|(?<=[ \t\r]))#", re.MULTILINE)


class Comment(NamedTuple):
    """One comment."""

    text: str
    """From its `#` to the end of the line."""
    start: int
    """Offset of the `#`."""
    line: int
    """Number of its line, from 1 on."""
    alone: bool
    """Nothing else stands on its line."""


def comments(text: SourceText) -> Iterator[Comment]:
    """The comments of a text, in order; where it is no YAML, of all lines from there on."""
    starts, ends = _texts(text.content)
    behind = 0
    for match in _OPENING.finditer(text.content):
        start = match.start()
        at = bisect_right(starts, start) - 1
        if start < behind or (at >= 0 and start < ends[at]):
            continue
        number, column = text.position(start)
        line = text.line(number)
        comment = line[column - 1 :]
        behind = start + len(comment)
        yield Comment(comment, start, number, not line[: column - 1].strip())


def _texts(text: str) -> tuple[list[int], list[int]]:
    """Where quoted texts and blocks of text start and end."""
    starts: list[int] = []
    ends: list[int] = []
    following = parser_of(text).get_event
    try:
        while True:
            event = following()
            kind = event.__class__
            if kind is yaml.StreamEndEvent:
                break
            if kind is yaml.ScalarEvent and event.style:
                start, end = event.start_mark.index, event.end_mark.index
                if event.style in "|>":  # its header may carry a comment; its lines may not
                    start = text.find("\n", start, end) if "\n" in text[start:end] else end
                    if not event.value:
                        end = start
                    # What follows the text at a smaller indentation is a comment again.
                    end = start + len(_block(text[start:end]))
                starts.append(start)
                ends.append(end)
    except yaml.YAMLError:
        pass
    return starts, ends


def _block(text: str) -> str:
    """A block of text without the comments behind it that are indented less than its lines."""
    lines = text.splitlines(keepends=True)
    least = next((len(line) - len(line.lstrip(" ")) for line in lines if line.strip()), 0)
    kept = len(lines)
    while kept and len(lines[kept - 1]) - len(lines[kept - 1].lstrip(" ")) < least:
        kept -= 1
    return "".join(lines[:kept])
