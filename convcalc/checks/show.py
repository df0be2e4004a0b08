"""The settings of a run as TOML, for `--show-config`."""

import json
from collections.abc import Sequence

from convcalc.checks.codes import Selection
from convcalc.checks.settings import Limit, Settings
from convcalc.spec.promises import MemoryTerms, Quantity


def shown(settings: Settings) -> str:
    """The settings as a `convcalc.toml` would hold them, with where they come from."""
    lines = [f"# from {settings.path or 'no configuration file'} and the command line"]
    lines += _selection(settings.selection)
    lines += _list("exclude", settings.exclude)
    lines.append(f"fail-on = {_text(settings.fail_on)}")
    lines.append(f"strict = {str(settings.strict).lower()}")
    lines.append(f"format = {_text(settings.format or 'text')}")
    if settings.baseline:
        lines.append(f"baseline = {_text(settings.baseline)}")
    lines += _budget("budget", settings.budget)
    for override in settings.overrides:
        lines += ["", "[[overrides]]", *_list("files", override.files)]
        lines += _selection(override.selection)
        lines += _budget("overrides.budget", override.budget)
    return "\n".join(lines) + "\n"


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
                f"{str(wanted.training).lower()}, optimizer = {_text(wanted.optimizer)}}}"
            )
        elif isinstance(wanted, Quantity):
            lines.append(f"{promise.name} = {_text(wanted.text)}  # {origin}")
    if memory:
        lines.append(f"memory = [{', '.join(memory)}]")
    return lines


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
