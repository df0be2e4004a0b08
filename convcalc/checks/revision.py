"""A spec as it was at a git revision, and as it is in the working tree."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from typing import NamedTuple

from convcalc.exchange import format_of
from convcalc.findings import Findings
from convcalc.spec.bundled import find_bundled
from convcalc.spec.nodes import Map
from convcalc.spec.source import MAX_BYTES, Opened, compose, open_spec
from convcalc.spec.text import SourceText

SECONDS = 60
"""Longest that git may take."""


class RevisionError(ValueError):
    """Why a spec cannot be had as it was at a revision."""


class Revisions(NamedTuple):
    """What is compared: a revision with the working tree, or with another one."""

    old: str
    """The earlier one, as git takes it."""
    new: str | None
    """The later one; None is the working tree."""


def revisions(text: str) -> Revisions:
    """The revisions that a text names, `main` or `v1..v2`. Raises `RevisionError` for three dots.

    >>> revisions("main"), revisions("v1..")
    (Revisions(old='main', new=None), Revisions(old='v1', new='HEAD'))
    """
    first, dots, last = text.partition("..")
    if last.startswith("."):
        message = f"{text!r} has three dots: two revisions are written {first}..{last[1:]}"
        raise RevisionError(message)
    return Revisions(first or "HEAD", (last or "HEAD") if dots else None)


def sides(spec: str, between: Revisions) -> tuple[Opened | None, Opened | None]:
    """A spec before and after, None where the file or the member of a family is missing.

    Not both are None: raises `RevisionError` where there is neither, or git cannot say.
    """
    old = at_revision(spec, between.old)
    new = _now(spec) if between.new is None else at_revision(spec, between.new)
    if old is None and new is None:
        message = f"git cannot show {spec} at {between.old}: there is no such file"
        raise RevisionError(message)
    there = [side is not None and not _lacks_member(side) for side in (old, new)]
    if not any(there):  # which is a finding in the one that there is
        return old or new, new or old
    return (old if there[0] else None), (new if there[1] else None)


def _lacks_member(opened: Opened) -> bool:
    """Whether a family can be read and has not the member that is asked for."""
    root = compose(opened.text, Findings(opened.text)) if opened.preset else None
    if not isinstance(root, Map):
        return False
    presets = root.entries.get("presets")
    return not isinstance(presets, Map) or opened.preset not in presets.entries


def _now(spec: str) -> Opened | None:
    """A spec as it is in the working tree; None where there is none."""
    file, sign, _ = spec.rpartition("#") if not os.path.lexists(spec) else (spec, "", "")
    if not os.path.lexists(file if sign else spec):
        return None
    return open_spec(spec, find_bundled)


def at_revision(spec: str, revision: str) -> Opened | None:
    """A spec as it was at a git revision, None where there was none.

    Raises `RevisionError` where git cannot say.
    """
    file, sign, preset = spec.rpartition("#") if not os.path.lexists(spec) else (spec, "", "")
    file = file if sign or not preset else spec
    return file_at_revision(file, revision, preset if sign else "")


def file_at_revision(file: str, revision: str, preset: str = "") -> Opened | None:
    """A file as it was at a git revision, whatever signs its name has; None where there was none.

    Raises `RevisionError` where git cannot say.
    """
    if revision.startswith("-"):
        message = f"{revision!r} is no revision"
        raise RevisionError(message)
    if file == "-" or "\n" in f"{revision}{file}":
        message = f"{file!r} is no file that git keeps: name a file with --git"
        raise RevisionError(message)
    if os.path.isdir(file):
        specs = os.path.join(file, "*.yaml")
        message = f"{file} is a folder: name the specs in it, such as {specs}"
        raise RevisionError(message)
    data = _blob(file, revision)
    if data is None:
        return None
    shown = f"{file}#{preset}@{revision}" if preset else f"{file}@{revision}"
    if format_of(data[:MAX_BYTES]) is not None and len(data) <= MAX_BYTES:
        return Opened(shown, SourceText(shown, ""), preset, head=data)
    written = SourceText(shown, data[: MAX_BYTES + 1].decode("utf-8-sig", "replace"))
    return Opened(shown, written, preset)


def refuse_unknown(revision: str) -> None:
    """Raise `RevisionError` where the working folder's repository has no such revision."""
    problem = _unknown("", revision)
    if problem:
        message = f"git cannot show what was at {revision}: {problem}"
        raise RevisionError(message)


class Moves(NamedTuple):
    """Files that are no longer where they were at a revision."""

    renamed: dict[str, str]
    """Where a file is → where it was."""
    gone: tuple[str, ...]
    """Files that are nowhere now, by the paths that they had."""


def moves(paths: Sequence[str], revision: str) -> Moves:
    """What became of the files that were at, in or matched by PATHs of the command line.

    A file that is called otherwise now is one that is much like it. All paths are relative to the
    working folder; PATHs outside of its repository are passed over. Raises `RevisionError` where
    git cannot say.
    """
    refuse_unknown(revision)
    up = os.fsdecode(_git("", ["rev-parse", "--show-cdup"], b"").rstrip(b"\n"))
    root = os.path.join(os.path.abspath(up or os.curdir), "")
    named = [
        f":({'literal' if os.path.lexists(path) else 'glob'}){path}"
        for path in paths
        if os.path.lexists(path) or any(sign in path for sign in "*?[")
        if os.path.join(os.path.abspath(path), "").startswith(root)
    ]
    if not named:
        return Moves({}, ())
    how = ["--name-status", "-z", "--no-relative", "--find-renames", "--diff-filter=DR"]
    how += ["--no-ext-diff", "--no-textconv", "--ignore-submodules"]
    answer = os.fsdecode(_git("", ["diff", *how, revision, "--", *named], b""))
    fields = iter(answer.split("\0")[:-1])
    renamed: dict[str, str] = {}
    gone: list[str] = []
    for status in fields:
        path = os.path.relpath(os.path.join(up, next(fields)))
        if status.startswith("R"):
            renamed[os.path.relpath(os.path.join(up, next(fields)))] = path
        elif not os.path.lexists(path):  # else it is only no longer followed
            gone.append(path)
    return Moves(renamed, tuple(gone))


def _blob(file: str, revision: str) -> bytes | None:
    """The bytes of a file at a revision; None where there is no such file."""
    folder, name = os.path.split(file)
    while folder and not os.path.isdir(folder):  # it may be gone since
        folder, part = os.path.split(folder)
        name = f"{part}/{name}"
    text = f"{revision}:./{name}\n".encode("utf-8", "surrogateescape")
    answer = _git(folder, ["cat-file", "--batch", "--follow-symlinks"], text)
    head, _, content = answer.partition(b"\n")
    blob = re.fullmatch(rb"[0-9a-f]+ blob (\d+)", head)
    if blob is not None:
        return content[: int(blob[1])]
    problem = _unknown(folder, revision)
    if not problem and head.endswith(b" missing"):
        return None
    message = f"git cannot show {file} at {revision}: {problem or 'it is no file there'}"
    raise RevisionError(message)  # a link, a folder


def _unknown(folder: str, revision: str) -> str:
    """Why there is no such revision in the repository of a folder; empty where there is."""
    if revision.startswith("-"):
        return "that is no revision"
    commit = ["rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"]
    if _git(folder, commit, b"", fails=True):
        return ""
    if _git(folder, ["rev-parse", "--is-shallow-repository"], b"") != b"true\n":
        return "there is no such revision"
    return (
        "there is no such revision in this shallow clone; fetch the history: "
        "`git fetch --unshallow`, or `fetch-depth: 0` for actions/checkout"
    )


def _git(folder: str, arguments: Sequence[str], text: bytes, *, fails: bool = False) -> bytes:
    """What git prints; where it may fail, nothing then."""
    git = shutil.which("git")
    if git is None:
        message = "--git needs git, and there is none"
        raise RevisionError(message)
    try:
        result = subprocess.run(  # noqa: S603 (arguments, never a shell)
            [git, "-C", folder or ".", *arguments],
            input=text,
            capture_output=True,
            check=False,
            timeout=SECONDS,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        message = f"git cannot be run: {error}"
        raise RevisionError(message) from None
    if result.returncode:
        if fails:
            return b""
        reason = result.stderr.decode("utf-8", "replace").strip().removeprefix("fatal: ")
        message = f"git cannot look into {folder or 'this folder'}: {reason}"
        raise RevisionError(message)
    return result.stdout
