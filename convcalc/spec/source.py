"""Text with places: a spec's bytes become located YAML nodes, within limits, whatever they are.

Nodes are composed from libyaml's events with a stack of our own, because PyYAML's composer recurses
in C: 100,000 nested brackets end the interpreter. Anchors, aliases, merge keys and tags are
refused; blocks do what they do, and an alias bomb has nothing to grow from.
"""

import os
import re
import stat
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.collector import without_collection
from convcalc.diagnostics import Diagnostic
from convcalc.findings import Findings
from convcalc.methods import above
from convcalc.spec.nodes import MAX_DEPTH, List, Map, Node, ScalarNode
from convcalc.spec.text import SourceText

if TYPE_CHECKING:
    import yaml

    from convcalc.spec.bundled import Bundled

MAX_BYTES = 16 * 2**20
"""Largest text read."""
MAX_NODES = 1_500_000
"""Most values in one text."""
MAX_TAGGED = 60
SILENCE_SECONDS = 5.0
"""How long a pipe given as a path may stay silent."""
PIPE_SECONDS = 30.0
"""How long a pipe given as a path may take in all."""
_NO_YAML = "name a YAML file; `convcalc import` makes one of an ONNX file"
_NO_TEXT = b"\x08"
"""What an ONNX file begins with, one without weights may be text for the rest; and no YAML does."""
_BRACKET_OR_TEXT = r"""[\[\]{}]|"(?:[^"\\]|\\.)*"|'[^']*'|(?<!\S)\#.*"""
"""A bracket of a list or mapping, or what may hold brackets that are none."""


class RefusedError(Exception):
    """Input that cannot be worked on at all."""

    def __init__(
        self,
        code: str,
        message: str,
        help: str | None = None,  # noqa: A002 (the word of Problem and Diagnostic)
        node: Node | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = help
        self.node = node


class Opened(NamedTuple):
    """A SPEC that was looked for."""

    name: str
    """The SPEC as it was named."""
    text: SourceText
    """Its text, without a preset's name in its path; empty where it cannot be read."""
    preset: str = ""
    """The member of a family that is meant; empty for the spec as it is written."""
    problems: tuple[Diagnostic, ...] = ()
    """Why it cannot be read."""
    head: bytes = b""
    """What it begins with, where that is no text, and so may be a network from elsewhere."""
    file: str = ""
    """The file that it is; empty for standard input."""

    @property
    def more(self) -> bool:
        """Whether there may be more bytes than `head` has."""
        return len(self.head) > MAX_BYTES

    def foreign(self, given: object = None) -> Any:
        """What it says as a network from elsewhere, `given` the extents that it leaves open.

        None where it is none that is known.
        """
        return above("Opened.foreign", self, given)

    def called(self, name: str) -> "Opened":
        """The same under another name."""
        problems = tuple(found._replace(path=name) for found in self.problems)
        text = SourceText(name, self.text.content)
        return self._replace(name=name, text=text, problems=problems)


@without_collection
def compose(text: SourceText, findings: Findings) -> Node | None:
    """The text as located nodes; None, and a finding, when it is no YAML or is refused."""
    import yaml  # which files from elsewhere need not

    try:
        return _Composer(text, findings).compose()
    except RefusedError as error:
        refuse(findings, error)
    except yaml.MarkedYAMLError as error:
        _report_syntax(text, findings, error)
    except yaml.YAMLError as error:  # characters that YAML does not allow
        position = getattr(error, "position", 0)
        reason = getattr(error, "reason", None) or str(error)
        findings.report("CC105", f"not YAML: {reason}", position, position + 1)
    return None


def refuse(findings: Findings, error: RefusedError) -> None:
    """Add the finding of input that cannot be worked on."""
    start, end = (error.node.start, error.node.end) if error.node else (0, 0)
    findings.report(error.code, error.message, start, end, error.help)


def _report_syntax(text: SourceText, findings: Findings, error: "yaml.MarkedYAMLError") -> None:
    """The finding of a text that is no YAML, as the slip that made it so."""
    from convcalc.diagnostics import respell
    from convcalc.spec.slips import slip_of

    slip = slip_of(text, error)
    fix = respell(slip.right, slip.help) if slip.right is not None and slip.sure else None
    message = slip.message if slip.message.startswith("this is ") else f"not YAML: {slip.message}"
    findings.report("CC105", message, slip.start, slip.end, slip.help, fix=fix)


class _Frame:
    """A list or mapping that is still open."""

    __slots__ = ("entries", "items", "key", "key_places", "key_starts", "start")

    def __init__(self, start: int, *, mapping: bool) -> None:
        self.start = start
        self.items: list[Node] | None = None if mapping else []
        self.entries: dict[str, Node] = {}
        self.key_starts: list[int] = []
        self.key: Any = None
        """The event of a key whose value has not come yet."""
        self.key_places: dict[str, int] | None = None
        """Where each key stands, once one is given twice."""


class _Composer:
    """Turns events into nodes, one at a time, without recursion."""

    def __init__(self, text: SourceText, findings: Findings) -> None:
        self._text = text
        self._findings = findings
        self._next: Callable[[], yaml.Event] = parser_of(text.content).get_event
        self._words: dict[str, str] = {}
        """Every text that was read, so that equal ones are one."""

    def compose(self) -> Node | None:
        """The root node; raises `RefusedError` for what is beyond a limit, and YAML's errors."""
        import yaml

        outer: list[_Frame] = []
        frame: Any = None  # the innermost `_Frame` that is open
        event: Any = None  # the last that was read; the first, of the stream, is no text's
        root: Node | None = None
        count = 0
        following, scalar = self._next, self._scalar
        while True:
            try:
                event = following()
            except yaml.MarkedYAMLError as error:
                depth = len(outer) + (frame is not None)
                self._refuse_depth_before(error, depth, event.end_mark.index)
                raise
            kind = event.__class__
            if kind is yaml.ScalarEvent:
                if event.anchor is not None or event.tag is not None:
                    self._refuse_anchor_or_tag(event)
                if frame is not None and frame.items is None and frame.key is None:
                    frame.key = event
                    count += 1
                    if count > MAX_NODES:
                        raise _too_many(scalar(event))
                    continue
                node: Node = scalar(event)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                if event.anchor is not None or event.tag is not None:
                    self._refuse_anchor_or_tag(event)
                if frame is not None:
                    if len(outer) + 1 >= MAX_DEPTH:
                        raise self._too_deep(event.start_mark.index)
                    if frame.items is None and frame.key is None:
                        raise self._key_not_a_word(event)
                    outer.append(frame)
                frame = _Frame(event.start_mark.index, mapping=kind is yaml.MappingStartEvent)
                continue
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                end = event.end_mark.index
                if frame.items is not None:
                    node = List.at(tuple(frame.items), frame.start, end)
                else:
                    node = Map.at(frame.entries, tuple(frame.key_starts), frame.start, end)
                frame = outer.pop() if outer else None
            elif kind is yaml.AliasEvent:
                raise self._refused_alias(event)
            elif kind is yaml.DocumentStartEvent and root is not None:
                at = event.start_mark.index
                self._findings.report(
                    "CC105",
                    "a second document starts here, and a spec is one document",
                    at,
                    at + 3,
                    "put it into a file of its own",
                )
                return root
            elif kind is yaml.StreamEndEvent:
                return root
            else:
                continue
            count += 1
            if count > MAX_NODES:
                raise _too_many(node)
            if frame is None:
                root = node
            elif frame.items is not None:
                frame.items.append(node)
            else:
                self._add(frame, node)

    def _scalar(self, event: Any) -> ScalarNode:
        """What a scalar's event says."""
        text = event.value
        start = event.start_mark.index
        length = event.end_mark.index - start
        text = self._words.setdefault(text, text)
        return tuple.__new__(ScalarNode, (text, start, length, not event.style))

    def _refuse_depth_before(self, error: "yaml.MarkedYAMLError", depth: int, start: int) -> None:
        """Refuse brackets that nest too deep between the last event and what is no YAML.

        The scanner reads up to 1,024 characters ahead, and some versions of libyaml have a limit
        of their own on what is open there.
        """
        end = error.problem_mark.index if error.problem_mark else start
        for match in re.compile(_BRACKET_OR_TEXT).finditer(self._text.content, start, end):
            if match[0] in "[{":
                depth += 1
                if depth > MAX_DEPTH:
                    raise self._too_deep(match.start()) from None
            elif match[0] in "]}":
                depth -= 1

    def _add(self, frame: _Frame, value: Node) -> None:
        """A value behind the key that the mapping has last."""
        key, frame.key = frame.key, None
        name = self._words.setdefault(key.value, key.value)
        if name == "<<" and not key.style:
            raise RefusedError(
                "CC104",
                "merge keys are not used in specs",
                "write the shared layers once under `blocks:`, shared fields under `defaults:`",
                self._scalar(key),
            )
        start = key.start_mark.index
        if name in frame.entries:
            if frame.key_places is None:
                frame.key_places = dict(zip(frame.entries, frame.key_starts, strict=True))
            first, end = frame.key_places[name], key.end_mark.index
            self._findings.report(
                "CC106",
                f"key `{_shortened(name)}` is given twice",
                start,
                end,
                "keep one of them",
                related=((self._text.span(first, first + end - start), "first here"),),
            )
            return
        frame.entries[name] = value
        frame.key_starts.append(start)
        if frame.key_places is not None:
            frame.key_places[name] = start

    def _refuse_anchor_or_tag(self, event: Any) -> None:
        at = event.start_mark.index
        if event.anchor is not None:
            raise RefusedError(
                "CC104",
                f"anchors are not used in specs: &{_shortened(event.anchor)}",
                "write the shared layers once under `blocks:` and call the block",
                ScalarNode("", at, 1 + len(event.anchor)),
            )
        tag = str(event.tag)
        raise RefusedError(
            "CC104",
            f"tags are not used in specs: {_shortened(tag)}",
            "leave it out: fields know what they hold",
            ScalarNode("", at, 1),
        )

    def _refused_alias(self, event: Any) -> RefusedError:
        at = event.start_mark.index
        return RefusedError(
            "CC104",
            f"aliases are not used in specs: *{_shortened(str(getattr(event, 'anchor', '')))}",
            "write the shared layers once under `blocks:` and call the block",
            ScalarNode("", at, event.end_mark.index - at),
        )

    def _too_deep(self, at: int) -> RefusedError:
        return RefusedError(
            "CC103",
            f"nested more than {MAX_DEPTH} deep",
            "move inner layers into `blocks:`",
            ScalarNode("", at, 1),
        )

    def _key_not_a_word(self, event: Any) -> RefusedError:
        at = event.start_mark.index
        return RefusedError(
            "CC104",
            "a list or mapping cannot be a key",
            "write `name: value`; put quotes around text that starts with [ or {",
            ScalarNode("", at, 1),
        )


def _too_many(node: Node) -> RefusedError:
    return RefusedError(
        "CC103",
        f"more than {MAX_NODES:,} values in one spec",
        "say it with `repeat` and `blocks`",
        node,
    )


def parser_of(text: str) -> Any:
    """What gives the events of a text, one at a time, by `get_event`."""
    try:
        parser: Any = import_module("yaml.cyaml").CParser
    except ImportError:  # PyYAML was built without libyaml
        from yaml import SafeLoader as parser  # noqa: N813 (either is called so here)
    return parser(text)


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_TAGGED else text[: MAX_TAGGED - 1] + "…"


def open_spec(spec: str, bundled: "Callable[[str], Bundled | None]") -> Opened:
    """Read a SPEC: `-` is standard input, then a file, then a bundled architecture.

    `family.yaml#resnet50` is the preset `resnet50` of a file, unless a file has this very name.
    """
    shown, preset, path, data = "<text>" if "\n" in spec else spec, "", "", b""
    try:
        if spec == "-":
            data = _read_standard_input()
        else:
            path, preset, shown = _located(spec, bundled)
            data = _read_path(path)
        return Opened(spec, SourceText(shown, _decoded(data)), preset)
    except RefusedError as error:
        empty = SourceText(shown, "")
        findings = Findings(empty)
        refuse(findings, error)
        return Opened(spec, empty, preset, findings.diagnostics, data, path)


def _read_standard_input() -> bytes:
    if sys.stdin is None:  # closed by whoever started us
        raise RefusedError("CC101", "is closed", "pipe a spec into it")
    return sys.stdin.buffer.read(MAX_BYTES + 1)


def _located(spec: str, bundled: "Callable[[str], Bundled | None]") -> tuple[str, str, str]:
    """The file that a SPEC means, the preset in it, and what findings call it."""
    if _exists(spec):
        return spec, "", spec
    file, sign, preset = spec.rpartition("#")
    if sign and preset and _exists(file):
        return file, preset, file
    architecture = bundled(spec)
    if architecture is None:
        raise _missing(spec)
    return architecture.path, architecture.preset, spec


def _exists(path: str) -> bool:
    try:
        return os.path.lexists(path)
    except ValueError:  # a NUL character
        return False


def _read_path(path: str) -> bytes:
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise RefusedError(
                "CC101", "is a directory, and a spec is a file", "name the files in it"
            )
        if stat.S_ISREG(mode):
            with open(path, "rb") as file:
                return file.read(MAX_BYTES + 1)
        return _read_pipe(path)
    except OSError as error:
        raise RefusedError(
            "CC101", f"cannot be read: {error.strerror or error}", "check the path and its rights"
        ) from None


def _missing(spec: str) -> RefusedError:
    if "\n" in spec:
        return RefusedError(
            "CC101",
            "is the text of a spec, where a file or a name belongs",
            "pipe it into `convcalc … -`; in Python, `convcalc.loads` reads a text",
        )
    from convcalc.diagnostics import closest
    from convcalc.spec.bundled import bundled_names

    near = closest(spec.removesuffix(".yaml"), bundled_names())
    advice = f"did you mean the bundled `{near}`? " if near else ""
    return RefusedError(
        "CC101",
        "is neither a file nor a bundled architecture",
        advice + "give a path, `-` for standard input, or a name that `convcalc list` shows",
    )


def _read_pipe(path: str) -> bytes:
    """Read what is no regular file, without waiting forever for what never comes or ends."""
    import select

    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        deadline = time.monotonic() + PIPE_SECONDS
        chunks: list[bytes] = []
        size = 0
        while size <= MAX_BYTES:
            wait = min(SILENCE_SECONDS, deadline - time.monotonic())
            if wait <= 0 or not poll.poll(wait * 1000):
                raise RefusedError(
                    "CC101",
                    f"is no regular file, and nothing came from it for {SILENCE_SECONDS:.0f} s"
                    if wait > 0
                    else f"is no regular file, and did not end within {PIPE_SECONDS:.0f} s",
                    "pipe a slow program into `convcalc … -` instead",
                )
            chunk = os.read(descriptor, 2**20)
            if not chunk:
                break
            chunks.append(chunk)
            size += len(chunk)
        return b"".join(chunks)
    finally:
        os.close(descriptor)


def _decoded(data: bytes) -> str:
    encoded = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    if encoded or b"\0" in data[:4096] or data.startswith(_NO_TEXT):
        raise RefusedError(
            "CC102",
            "is UTF-16, and a spec is UTF-8" if encoded else "is binary, and a spec is text",
            "save it as UTF-8" if encoded else _NO_YAML,
        )
    if len(data) > MAX_BYTES:
        raise RefusedError(
            "CC103",
            f"is larger than {MAX_BYTES // 2**20} MiB",
            "say it with `repeat` and `blocks`",
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = len(data[data.rfind(b"\n", 0, error.start) + 1 : error.start].decode()) + 1
        raise RefusedError(
            "CC102",
            f"is not UTF-8: byte 0x{data[error.start]:02x} at line {line}, column {column}",
            "save it as UTF-8",
        ) from None
    if "\0" in text:
        raise RefusedError("CC102", "is binary, and a spec is text", _NO_YAML)
    return text
