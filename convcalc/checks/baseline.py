"""Findings that were there before: how many of each code a file may have, and no places.

Line numbers are no part of it, because they change with every edit above. Where a file has more of
a code than the baseline allows, all of them are shown: which of them is new cannot be told.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from convcalc.checks.codes import ALWAYS
from convcalc.diagnostics import Diagnostic, Span

SCHEMA = 1
Looked = Callable[[str], bool]
"""Whether a code was looked for in a file."""


class BaselineError(ValueError):
    """A baseline that cannot be used."""


class Baseline(NamedTuple):
    """Counts of known findings."""

    path: str
    """The file that it was read from; files are relative to its folder."""
    text: str
    """The whole file, in which findings about its entries have their place."""
    files: Mapping[str, Mapping[str, int]]
    """File, relative to the baseline's folder and with `/`, → code → count."""


def key(path: str, baseline: str) -> str:
    """A checked file as the baseline names it.

    >>> key("configs/a.yaml", "ci/baseline.json")
    '../configs/a.yaml'
    """
    if path == "-":
        return path
    try:
        shown = os.path.relpath(path, os.path.dirname(baseline) or ".")
    except ValueError:  # another drive
        shown = path
    return shown.replace(os.sep, "/")


def read_baseline(path: str) -> Baseline:
    """The baseline in a file; `BaselineError` where there is none."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
        value = json.loads(text)
        if value["schema"] != SCHEMA:
            message = f"{path}: this is schema {value['schema']!r}, and {SCHEMA} is known"
            raise BaselineError(message)
        files = {
            str(file): {str(code): _count(path, count) for code, count in counts.items()}
            for file, counts in value["files"].items()
        }
    except FileNotFoundError:
        message = f"{path}: there is no such baseline; --update-baseline writes it"
        raise BaselineError(message) from None
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror or error}"
        raise BaselineError(message) from None
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        message = f"{path}: no baseline, which --update-baseline writes: {error}"
        raise BaselineError(message) from None
    except UnicodeDecodeError as error:
        message = f"{path}: no JSON, which is UTF-8 text: {error.reason}"
        raise BaselineError(message) from None
    except ValueError as error:
        message = f"{path}: no baseline, which --update-baseline writes"
        if isinstance(error, json.JSONDecodeError):
            message = f"{path}: no JSON at line {error.lineno}, column {error.colno}"
            message += "; --update-baseline writes a baseline"
        raise BaselineError(str(error) if isinstance(error, BaselineError) else message) from None
    return Baseline(path, text, files)


def _count(path: str, value: object) -> int:
    if type(value) is not int or value < 0:
        message = f"{path}: {json.dumps(value)[:40]} is no count; --update-baseline writes them"
        raise BaselineError(message)
    return value


def unknown(
    baseline: Baseline, diagnostics: Sequence[Diagnostic], files: Mapping[str, Looked]
) -> list[Diagnostic]:
    """The findings beyond the baseline, and findings about entries that are no longer needed.

    An entry of a code that was not looked for in its file may well be needed.
    """
    counts = Counter((key(item.path, baseline.path), item.code) for item in diagnostics)
    kept = [
        item
        for item in diagnostics
        if item.code in ALWAYS
        or counts[file := key(item.path, baseline.path), item.code]
        > baseline.files.get(file, {}).get(item.code, 0)
    ]
    checked = {key(file, baseline.path): looked for file, looked in files.items()}
    for file, codes in baseline.files.items():
        if file not in checked:
            continue
        for code, allowed in codes.items():
            has = counts[file, code]
            if has < allowed and checked[file](code):
                kept.append(_stale(baseline, file, code, allowed, has))
    return kept


def updated(
    path: str,
    diagnostics: Iterable[Diagnostic],
    files: Mapping[str, Looked],
    before: Baseline | None,
) -> str:
    """The text of a baseline with these findings; what was not looked for stays as it was."""
    checked = {key(file, path): looked for file, looked in files.items()}
    kept: dict[str, dict[str, int]] = {}
    for item in diagnostics:
        if item.code not in ALWAYS:
            codes = kept.setdefault(key(item.path, path), {})
            codes[item.code] = codes.get(item.code, 0) + 1
    for file, known in (before.files if before else {}).items():
        if file not in checked and not Path(os.path.dirname(path), file).exists():
            continue
        for code, count in known.items():
            if file not in checked or not checked[file](code):
                codes = kept.setdefault(file, {})
                codes[code] = max(codes.get(code, 0), count)
    value = {
        "schema": SCHEMA,
        "files": {file: dict(sorted(kept[file].items())) for file in sorted(kept)},
    }
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _stale(baseline: Baseline, file: str, code: str, allowed: int, has: int) -> Diagnostic:
    lines = baseline.text.splitlines()
    names = (json.dumps(file), json.dumps(file, ensure_ascii=False))
    number = next((at for at, line in enumerate(lines) if any(x in line for x in names)), 0)
    number = next((at for at in range(number, len(lines)) if f'"{code}"' in lines[at]), number)
    line = lines[number] if lines else ""
    column = max(line.find(f'"{code}"'), 0) + 1
    return Diagnostic(
        code="CC903",
        severity="warning",
        message=f"the baseline allows {allowed:,} × {code} in {file}, and there "
        f"{'is' if has == 1 else 'are'} {has:,}",
        help="run with --update-baseline",
        path=baseline.path,
        place=Span(number + 1, column, number + 1, column + len(code) + 2),
        source_line=line,
    )
