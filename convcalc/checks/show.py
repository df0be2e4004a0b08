"""The settings of a run as TOML, for `--show-config`."""

import json
import os
from collections.abc import Iterable, Sequence

from convcalc.checks.codes import Selection
from convcalc.checks.configuration import Configurations
from convcalc.checks.formats import DEFAULT_FORMAT
from convcalc.checks.globs import Globs, relative
from convcalc.checks.settings import Limit, Settings
from convcalc.spec.promises import MemoryTerms, Quantity


def shown(configurations: Configurations, files: Iterable[str]) -> str:
    """The settings as `convcalc.toml` files would hold them, with where they come from.

    Those of the working folder come first, then those of `files` that have others.
    """
    run = configurations.run
    return "\n".join(
        _shown(one._replace(fail_on=run.fail_on, strict=run.strict, format=run.format))
        for one in configurations.used(files)
    )


def _shown(settings: Settings) -> str:
    lines = [f"# from {settings.path or 'no configuration file'} and the command line"]
    lines += _selection(settings.selection)
    root = os.path.abspath(os.path.dirname(settings.path or ""))
    lines += _list("exclude", [glob for one in settings.exclude for glob in _globs(one, root)])
    if settings.force_exclude:
        lines.append("force-exclude = true")
    lines.append(f"fail-on = {_text(settings.fail_on)}")
    lines.append(f"strict = {str(settings.strict).lower()}")
    lines.append(f"format = {_text(settings.format or DEFAULT_FORMAT)}")
    if settings.baseline:
        lines.append(f"baseline = {_text(relative(settings.baseline, root))}")
    lines += _budget("budget", settings.budget)
    for override in settings.overrides:
        lines += ["", "[[overrides]]", *_list("files", override.files.globs)]
        lines += _selection(override.selection)
        lines += _budget("overrides.budget", override.budget)
    return "\n".join(lines) + "\n"


def _globs(globs: Globs, root: str) -> list[str]:
    """Globs as they are written in a folder that may be another than their own."""
    below = relative(globs.root, root)
    if below == ".":
        return [*globs.globs]
    return [f"{below}/{glob if '/' in glob else '**/' + glob}" for glob in globs.globs]


def _selection(selection: Selection) -> list[str]:
    lines = []
    for name, codes in zip(("select", "extend-select", "ignore"), selection, strict=True):
        lines += _list(name, codes)
    return lines


def _list(name: str, values: Sequence[str]) -> list[str]:
    return [f"{name} = [{', '.join(map(_text, values))}]"] if values else []


def _budget(table: str, budget: Sequence[Limit]) -> list[str]:
    if not budget:
        return []
    lines = ["", f"[{table}]"]
    memory = []
    for promise, origin, _ in budget:
        wanted = promise.wanted
        if isinstance(wanted, MemoryTerms):
            memory.append(
                f"{{limit = {_text(wanted.quantity.text)}, batch = {wanted.batch}, training = "
                f"{str(wanted.training).lower()}"
                + (f", optimizer = {_text(wanted.optimizer)}" if wanted.training else "")
                + (f", checkpoint = {_text(wanted.checkpoint)}" if wanted.checkpoint else "")
                + "}"
            )
        elif isinstance(wanted, Quantity):
            lines.append(f"{promise.name} = {_text(wanted.text)}  # {origin}")
    if memory:
        lines.append(f"memory = [{', '.join(memory)}]")
    return lines


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
