"""What is no YAML, told as the slip of the hand that it is: where it is, and what to write.

Nobody is told what was not tried: with what an answer says to write, the text is read further than
without. What the answer says is the only thing to write where it is `sure`.
"""

from collections.abc import Iterator

import yaml

from convcalc.spec.slips import brackets, foreign, lines, values
from convcalc.spec.slips.broken import Broken, Slip
from convcalc.spec.slips.fitting import fits
from convcalc.spec.text import SourceText

MOST_CHARACTERS = 300_000
"""Longer texts are not read again and again."""
MOST_READ = 6_000_000
"""Characters read in all to find a slip."""
MOST_EVENTS = 200_000
"""Values, lists and mappings of one reading."""

_WORDS = {
    "mapping values are not allowed": (
        "a colon stands where no key can stand",
        "indent the lines of one mapping alike, or put quotes around text with `: `",
    ),
    "block sequence entries are not allowed": (
        "a dash stands where no list can begin",
        "begin the list on a line of its own, each item behind `- `",
    ),
    "expected ':'": (
        "a key is without its colon",
        "write a colon and a blank behind a key: `layers:`",
    ),
    "'-' indicator": (
        "a list goes on without a dash",
        "begin each item with `- `, and indent what belongs to one under it",
    ),
    "<document start>": (
        "this is indented less than what stands above it",
        "begin the first key of a spec at the start of its line",
    ),
    "<block end>": (
        "this does not belong to what stands above it",
        "indent the lines of one mapping or list alike",
    ),
    "expected key": (
        "this cannot follow what stands before it",
        "write `key: value`, one a line, and quotes around text that has quotes or brackets",
    ),
    "',' or": (
        "a list or mapping in brackets is not closed, or a comma is missing in it",
        "write a comma between two entries, and close what is open",
    ),
    "node content": (
        "a value is missing here",
        "leave out a comma that nothing follows, or write what should stand there",
    ),
    "cannot start any token": (
        "no value begins with this sign",
        "put quotes around text that begins so",
    ),
    "end of stream": ("what begins here is never closed", "write the closing quote"),
    "document separator": ("what begins here is never closed", "write the closing quote"),
    "escape": (
        "a backslash in double quotes begins a sign of its own, and this is none",
        "put single quotes around text with backslashes",
    ),
    "alphabetic or numeric": ("no name follows this sign", "put quotes around text with it"),
    "block scalar": (
        "text that goes over several lines does not begin so",
        "write `|` at the end of a line, and the text below it, indented",
    ),
}
"""Words of a YAML reader → what is wrong, and what to do."""


def slip_of(text: SourceText, error: yaml.MarkedYAMLError) -> Slip:
    """What is wrong with a text that YAML cannot read."""
    broken = Broken.of(text, error)
    left = MOST_READ
    first: Slip | None = None
    for slip in _possible(broken):
        tried = slip.tried(text.content)
        if tried is None:
            return first or slip
        left -= len(tried)
        if left < 0 or len(text.content) > MOST_CHARACTERS:
            break
        if not _gets_further(tried, broken, slip):
            continue
        left -= len(tried)
        if fits(text.content, tried):
            return slip
        first = first or slip._replace(sure=False)
    return first or _unexplained(broken)


def _possible(broken: Broken) -> Iterator[Slip]:
    """Slips that may have made a text what it is, the most telling first."""
    yield from values.names_with_braces(broken)
    for each in (foreign.slips, lines.slips, brackets.slips, values.slips, lines.indentations):
        yield from each(broken)


def _gets_further(tried: str, broken: Broken, slip: Slip) -> bool:
    """Whether a text is read to its end, or beyond what was wrong with the other."""
    error = error_of(tried)
    if error is None:
        return True
    text = SourceText(broken.text.path, tried)
    grown = len(tried) - len(broken.text.content)
    reached = Broken.of(text, error).at
    return reached - max(grown, 0) > max(broken.at, slip.start)


def error_of(content: str) -> yaml.MarkedYAMLError | None:
    """What is no YAML in a text; None where all of it is."""
    from convcalc.spec.source import parser_of

    following = parser_of(content).get_event
    try:
        for _ in range(MOST_EVENTS):
            if isinstance(following(), yaml.StreamEndEvent):
                break
    except yaml.MarkedYAMLError as error:
        return error
    except yaml.YAMLError:  # signs that YAML does not allow are told by themselves
        return None
    return None


def _unexplained(broken: Broken) -> Slip:
    """What YAML found wrong, in words for people."""
    for words, (message, advice) in _WORDS.items():
        if words in broken.problem:
            return Slip(message, broken.at, broken.at + 1, advice)
    advice = "write `key: value`, one a line, and each item of a list behind `- `"
    return Slip("this cannot stand here", broken.at, broken.at + 1, advice)
