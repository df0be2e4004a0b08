"""Texts that are no specs at all, or have one among other things: Markdown, TOML, programs."""

import re
from collections.abc import Iterator

from convcalc.spec.read import NO_SPEC
from convcalc.spec.slips.broken import Broken, Slip

OURS = re.compile(
    r"^[ \t\"'{]*(?:input|layers|blocks|parameters|presets|expect|budget)[\"']?[ \t]*(?:[:=：]|$)",
    re.MULTILINE,
)
"""A key of a spec, with its colon or without."""
YAML = r"^[ ]*(?:-[ ]|[\w\"'-]+[ ]*:(?:[ ]|$))"
"""A line of YAML."""
PROSE = r"[^\W\d_]{2,}[ ,.;:]+[^\W\d_]+[ ,.;:]+[^\W\d_]{2,}"
"""Words one after the other."""
MOST_AROUND = 500
"""Characters around the fences of a text that is a spec all the same."""
LOOKED_AT = 20_000
"""Characters of a text that are looked at."""
SORTS = (
    ("Markdown", r"^#{1,6} \S|^```|^\[!\[|^\* \*\*"),
    ("XML or HTML", r"\A\s*<[?!/a-zA-Z]"),
    ("a program", r"\A#!|^(?:import|from) \w[\w. ]*|^(?:def|class) \w+.*:\s*$|^\s*#include\b"),
    ("a prototxt of Caffe", r"^\s*layers?\s*\{"),
    ("a configuration of Darknet", r"^\[(?:net|convolutional|maxpool|yolo|route|shortcut)\]\s*$"),
    ("TOML or an INI file", r"^\[{1,2}[\w.\"-]+\]{1,2}\s*$|^\w[\w.-]* *= *[\"'\[{\d]"),
)
"""What a text may be, and what is only in such."""


def sort_of(content: str) -> str:
    """What a text is that is no spec; empty where it may be one, or nobody can tell."""
    text = content[:LOOKED_AT]
    if OURS.search(_outside_fences(text)):
        return ""
    for name, sign in SORTS:
        if re.search(sign, text, re.MULTILINE):
            return name
    return "text" if re.search(PROSE, text) and not re.search(YAML, text, re.MULTILINE) else ""


def _outside_fences(text: str) -> str:
    """What is not between the fences of Markdown, unless most of it is."""
    rest = re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.MULTILINE | re.DOTALL)
    return rest if len(rest) > MOST_AROUND else text


def slips(broken: Broken) -> Iterator[Slip]:
    """What is said of a text that is no spec, or has one in a fence."""
    content = broken.text.content
    sort = sort_of(content)
    fence = re.search(r"^[ ]{0,3}(```|~~~)[^\n]*$", content[:LOOKED_AT], re.MULTILINE)
    if fence is not None and not sort:
        message = "this is Markdown, and a spec stands between its fences"
        advice = f"leave out the lines with `{fence[1]}`, and all before and behind them"
        if fence[1] == "```":
            advice = "leave out the lines that begin with three backticks, and all outside them"
        yield Slip(message, fence.start(1), fence.end(), advice)
        return
    if sort:
        start = len(content) - len(content.lstrip())
        end = content.find("\n", start)
        end = min(end if end > start else len(content), start + 80)
        message = f"this is no spec: it reads as {sort}"
        yield Slip(message, start, end, NO_SPEC)
