"""A text with its lines: where each character stands."""

from bisect import bisect_right

from convcalc.diagnostics import Span


class SourceText:
    r"""A text and what findings call it; never changed.

    >>> SourceText("a.yaml", "input: 8x8\nlayers: []\n").span(11, 17)
    Span(line=2, column=1, end_line=2, end_column=7)
    """

    __slots__ = ("_latest", "_starts", "content", "path")

    def __init__(self, path: str, content: str) -> None:
        self.path = path
        self.content = content
        self._starts: list[int] | None = None
        self._latest = 0, ""

    def __repr__(self) -> str:
        return f"SourceText({self.path!r}, {len(self.content):,} characters)"

    @property
    def starts(self) -> list[int]:
        """Where each line starts."""
        if self._starts is None:
            starts, at = [0], 0
            for text in self.content.splitlines(keepends=True):
                at += len(text)
                if text[-1] in "\r\n":
                    starts.append(at)
            self._starts = starts
        return self._starts

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, from 1, of a character."""
        starts = self.starts
        line = bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1

    def line_of(self, start: int) -> int:
        """The line, from 1, of a character."""
        return bisect_right(self.starts, start)

    def offset(self, line: int, column: int) -> int:
        """The character at a line and column."""
        return self.starts[line - 1] + column - 1

    def line(self, number: int) -> str:
        """Text of line `number`, from 1, without its end."""
        if self._latest[0] != number:  # a line may be megabytes long and have many findings
            starts = self.starts
            end = starts[number] if number < len(starts) else len(self.content)
            self._latest = number, self.content[starts[number - 1] : end].rstrip("\r\n")
        return self._latest[1]

    def first_line(self, start: int, end: int) -> int:
        """The end of a stretch, or of its first line where it has several."""
        line_end = self.content.find("\n", start)
        return min(end, line_end if line_end > start else end)

    def span(self, start: int, end: int) -> Span:
        """The stretch from one offset up to another; at least one character, on one line."""
        line, column = self.position(min(start, len(self.content)))
        end_line, end_column = self.position(min(max(end, start + 1), len(self.content)))
        if (end_line, end_column) <= (line, column):
            end_line, end_column = line, column + 1
        return Span(line, column, end_line, end_column)

    place = span
