"""The plan of an arena as a file: JSON for programs, or a header for C."""

import json
import re
from collections import Counter
from typing import Any

from convcalc.analysis.memory.arena_search import Searched
from convcalc.analysis.memory.banks import Banked
from convcalc.analysis.memory.layout import offsets_of
from convcalc.analysis.memory.static_plan import ArenaReport
from convcalc.formats.diagnostics import printable

SCHEMA = 1
"""Changes only when a field of the JSON changes its meaning or goes."""


def render_json(arena: ArenaReport, searched: Searched | None, banked: Banked | None) -> str:
    """Every buffer with its place, by bank where there are banks."""
    offsets, plan = offsets_of(arena, searched)
    buffers: list[dict[str, Any]] = []
    for number, buffer in enumerate(arena.buffers):
        value = {**buffer._asdict(), "offset": offsets[number]}
        if banked is not None:
            place = banked.places[number]
            value["bank"] = None if place is None else banked.banks[place[0]].name
            value["offset"] = None if place is None else place[1]
        buffers.append(value)
    value = {
        "schema": SCHEMA,
        "name": arena.name,
        "runtime": arena.runtime.title,
        "kernels": arena.runtime.kernels,
        "version": arena.runtime.version,
        "alignment": arena.runtime.alignment,
        "dtype": arena.dtype,
        "exact": arena.exact,
        "plan": "by bank" if banked is not None else plan,
        "size": _size(arena, offsets),
        "tail_estimate": arena.tail,
        "banks": None
        if banked is None
        else [
            {"name": bank.name, "bytes": bank.bytes, "used": used}
            for bank, used in zip(banked.banks, banked.used, strict=True)
        ],
        "buffers": buffers,
        "operators": [each._asdict() for each in arena.operators],
    }
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def _size(arena: ArenaReport, offsets: list[int]) -> int:
    both = zip(arena.buffers, offsets, strict=True)
    return max(offset + buffer.bytes for buffer, offset in both)


def render_c(arena: ArenaReport, searched: Searched | None, banked: Banked | None) -> str:
    """A header of names for offsets and bytes, and all offsets of maps in the file's order."""
    offsets, plan = offsets_of(arena, searched)
    banks: list[int | None] = [None] * len(offsets)
    if banked is not None:
        plan = "by bank"
        banks = [None if place is None else place[0] for place in banked.places]
        offsets = [-1 if place is None else place[1] for place in banked.places]
    head = _identifier(arena.name)
    lines = [
        f"/* The arena of {_comment(arena.name)}, {arena.dtype}, planned by convcalc ({plan}).",
        f" * {arena.runtime.title}, {arena.runtime.kernels}: {arena.runtime.version}.",
    ]
    if not arena.exact:
        lines.append(" * Some layers have no rule: the figures are no promise.")
    lines += [
        " * Offsets are in bytes from the beginning of the arena; operators count from 1. */",
        f"#ifndef {head}_ARENA_H",
        f"#define {head}_ARENA_H",
        "",
        "#include <stdint.h>",
        "",
        f"#define {head}_ARENA_ALIGNMENT {arena.runtime.alignment}",
    ]
    if banked is None:
        lines.append(f"#define {head}_ARENA_HEAD {_size(arena, offsets)}")
    else:
        for bank, used in zip(banked.banks, banked.used, strict=True):
            lines.append(f"#define {head}_BANK_{_identifier(bank.name)}_BYTES {used}")
    lines.append("")
    seen: Counter[str] = Counter()
    for buffer, offset, number in zip(arena.buffers, offsets, banks, strict=True):
        name = f"{head}_{_identifier(buffer.name)}"
        seen[name] += 1
        if seen[name] > 1:
            name += f"__{seen[name]}"
        where = ""
        if banked is not None:
            where = (
                " in no bank" if number is None else f" in {_comment(banked.banks[number].name)}"
            )
        lines.append(
            f"/* {_comment(buffer.name)}{where}: from operator {buffer.first} to {buffer.last} */"
        )
        if offset >= 0:
            lines.append(f"#define {name}_OFFSET {offset}")
        lines.append(f"#define {name}_BYTES {buffer.bytes}")
    maps = sum(not buffer.scratch for buffer in arena.buffers)
    if banked is None:
        numbers = ", ".join(map(str, offsets[:maps]))
        lines += [
            "",
            "/* The maps' offsets: the inputs, then each operator's output. */",
            f"static const int32_t {head.lower()}_arena_offsets[{maps}] = {{{numbers}}};",
        ]
    return "\n".join([*lines, "", f"#endif /* {head}_ARENA_H */", ""])


def _identifier(text: str) -> str:
    """A text as a name of C, in capitals.

    >>> _identifier("LeNet-5"), _identifier("3 axes")
    ('LENET_5', '_3_AXES')
    """
    name = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_").upper() or "NETWORK"
    return f"_{name}" if name[0].isdigit() else name


def _comment(text: str) -> str:
    """A text that ends no comment of C."""
    return printable(text).replace("*/", "* /").replace("/*", "/ *")
