"""The one place that writes: text for programs as UTF-8, text for people as the terminal can show.

A stream that cannot show a sign gets another one in its place, which stands for the same: an error
handler of both streams does that, so it holds for click's messages as well.
"""

import codecs
import os
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import click

if TYPE_CHECKING:  # `--help` does without
    from convcalc.diagnostics import Diagnostic
    from convcalc.formats import Format

_ESCAPED = "backslashreplace"
"""What is no Unicode, in the name of a file, is an escape for programs, valid in JSON, too."""
_VERBATIM = "surrogateescape"
"""It stays byte for byte what it was."""

SIGNS = {
    "×": "x",
    "÷": "/",
    "·": "*",
    "⋅": "*",
    "∗": "*",
    "−": "-",
    "–": "-",
    "—": "-",
    "∕": "/",
    "⁄": "/",
    "±": "+/-",
    "√": "sqrt",
    "⌊": "floor(",
    "⌋": ")",
    "⌈": "ceil(",
    "⌉": ")",
    "²": "^2",
    "³": "^3",
    "∂": "d",
    "≠": "!=",
    "≈": "~",
    "≤": "<=",
    "≥": ">=",
    "→": "->",
    "←": "<-",
    "↑": "^",
    "…": "...",
    "‘": "'",
    "’": "'",
    "′": "'",
    "“": '"',
    "”": '"',
    "✓": "ok",
    "✗": "FAILED",
    # The picture of `memory --timeline`: full, half full, and what is there all the time.
    "█": "#",
    "▇": "#",
    "▆": "=",
    "▅": "=",
    "▄": "-",
    "▃": "-",
    "▂": "_",
    "▁": "_",
    "░": ":",
    "▒": "%",
    "▓": "@",
    "▼": "v",
    "│": "|",
    "└": "+",
    "┴": "+",
    "─": "-",
    # Taps of windows in a drawing.
    "■": "#",
    "□": "=",
    # Ends of bars.
    "▉": "#",
    "▊": "#",
    "▋": "=",
    "▌": "=",
    "▍": "-",
    "▎": "-",
    "▏": "-",
    "\ufffd": "?",
}
"""What is written for a sign that a stream cannot encode; other characters become escapes."""

_HANDLER = "convcalc.signs"


def _in_signs(error: UnicodeError) -> tuple[str, int]:
    """Write characters that a stream cannot encode in others, as an error handler of codecs."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(
        SIGNS.get(character) or character.encode("ascii", "backslashreplace").decode("ascii")
        for character in missing
    ), error.end


codecs.register_error(_HANDLER, _in_signs)

_ASCII = "convcalc_ascii"


def _ascii(name: str) -> codecs.CodecInfo | None:
    """ASCII by a name of our own: click writes UTF-8 to a stream that is known to be ASCII."""
    if name != _ASCII:
        return None
    known = codecs.lookup("ascii")
    return codecs.CodecInfo(
        known.encode,
        known.decode,
        incrementalencoder=known.incrementalencoder,
        incrementaldecoder=known.incrementaldecoder,
        streamreader=known.streamreader,
        streamwriter=known.streamwriter,
        name=_ASCII,
    )


codecs.register(_ascii)


def prepare() -> None:
    """Have both streams take any text; those closed by whoever started us take it to nowhere."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123
        elif hasattr(stream, "reconfigure"):
            encoding = _ASCII if codecs.lookup(stream.encoding).name == "ascii" else None
            stream.reconfigure(encoding=encoding, errors=_HANDLER)


def write(text: str, *, machine: bool = False) -> None:
    """Write to standard output, in UTF-8 for a `machine`; end quietly when nobody reads on."""
    _write(text, _ESCAPED if machine else None)


def write_verbatim(text: str) -> None:
    """Write what must stay byte for byte what it was, for xargs and patch."""
    _write(text, _VERBATIM)


def write_made(made: str | bytes) -> None:
    """Write to standard output what a file would hold: text for a program, or bytes."""
    _write(made, _ESCAPED)


def _write(text: str | bytes, errors: str | None) -> None:
    """Write UTF-8, with this handler of errors; None is as the stream can show it."""
    try:
        buffer = getattr(sys.stdout, "buffer", None)
        if isinstance(text, str) and (buffer is None or errors is None):
            sys.stdout.write(text)
        else:
            sys.stdout.flush()
            sys.stdout.buffer.write(
                text if isinstance(text, bytes) else text.encode("utf-8", errors or "strict")
            )
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 (until the process ends)
        raise click.exceptions.Exit(0) from None
    except OSError as error:
        click.echo(f"convcalc: cannot write: {error.strerror or error}", err=True)
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 (what is left goes nowhere)
        raise click.exceptions.Exit(2) from None


def write_all(texts: Sequence[str], chosen: "Format") -> None:
    """Write several answers as one output of the form that the format has."""
    if chosen.form == "values" and len(texts) > 1:
        text = "[" + ",\n".join(text.rstrip("\n") for text in texts) + "]\n"
    else:
        text = ("" if chosen.form == "rows" else "\n").join(texts)
    write(text, machine=chosen.machine)


class Output(NamedTuple):
    """How a command answers: the format that was chosen, and the end that all commands have."""

    name: str
    """The name of the format, which is that of its module in the package."""
    format: "Format"
    """What is known of it without its module."""
    package: str = ""
    """The package of the formats, each a module with `render`; empty where the command has none."""

    @property
    def renderer(self) -> Any:
        """The module that makes text in this format. Raises `ValueError` where there is none."""
        if not self.package:
            message = f"no module renders {self.name}: name its package as output_options' second"
            raise ValueError(message)
        return import_module(f"{self.package}.{self.name}")

    def within(self, part: str) -> Any:
        """The module of the same name in a package of the formats' package."""
        return import_module(f"{self.package}.{part}.{self.name}")

    def end(
        self,
        texts: Sequence[str],
        findings: "Iterable[Diagnostic]" = (),
        *,
        notes: Sequence[str] = (),
        failed: bool = False,
        code: int = 1,
    ) -> NoReturn:
        """Write the answers, then notes and findings on standard error, and end.

        The exit code is that of the findings, and `code` where they are harmless and it `failed`.
        """
        listed = [*findings]
        write_all(texts, self.format)
        for note in notes:
            click.echo(note, err=True)
        write_findings(listed, below=bool(texts))
        worst = 0
        if listed:
            from convcalc.diagnostics import exit_code

            worst = exit_code(listed)
        sys.exit(worst or (code if failed else 0))


def write_file(path: str, text: str | bytes, *, over: bool = True) -> None:
    """Write a file that programs read, `over` one that is there or not.

    Raises `click.UsageError` where that cannot be.
    """
    opened = False
    try:
        with open(path, "wb" if over else "xb") as file:  # noqa: PTH123 (pathlib would be imported for this alone)
            opened = True
            file.write(text if isinstance(text, bytes) else text.encode("utf-8", _ESCAPED))
    except FileExistsError:
        message = f"{path} is there already: --force writes over it"
        raise click.UsageError(message) from None
    except (OSError, ValueError) as error:
        if opened:
            _without_half(path)
        reason = getattr(error, "strerror", None) or error
        message = f"{path}: cannot be written: {reason}"
        raise click.UsageError(message) from None


def _without_half(path: str) -> None:
    """Take away a file that was not written to its end; what is no file, as a device, stays."""
    from contextlib import suppress
    from pathlib import Path

    with suppress(OSError):
        if Path(path).is_file() and not Path(path).is_symlink():
            Path(path).unlink()


def write_findings(diagnostics: "Iterable[Diagnostic]", *, below: bool = False) -> None:
    """Write findings to standard error, apart from what stands above them on one screen."""
    listed = list(diagnostics)
    if not listed:
        return
    from convcalc.formats.diagnostics import render

    if below and sys.stdout.isatty() and sys.stderr.isatty():
        click.echo(err=True)
    colored = colors(sys.stderr)
    # click would take colours out again where no terminal is, even those that were asked for.
    click.echo(render(listed, color=colored), err=True, nl=False, color=colored)


def colors(stream: Any) -> bool:
    """Whether to colour what goes to a stream (https://no-color.org)."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return bool(stream.isatty()) and os.environ.get("TERM") != "dumb"
