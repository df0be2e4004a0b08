"""Why a change makes no difference: what `survivors.md` has."""

from collections.abc import Mapping

from benchmarks.mutation.changes import ROOT

REASONS = ROOT / "benchmarks" / "mutation" / "survivors.md"


def reasons() -> Mapping[tuple[str, str, str], str]:
    """Why a change makes no difference, by file and both lines: the rows of survivors.md."""
    if not REASONS.exists():
        return {}
    known = {}
    blocks = REASONS.read_text(encoding="utf-8").split("\n### ")[1:]
    for block in blocks:
        path, _, rest = block.partition("\n")
        lines = rest.splitlines()
        old = next(line[2:].strip() for line in lines if line.startswith("- "))
        new = next(line[2:].strip() for line in lines if line.startswith("+ "))
        text = rest.rsplit("```", 1)[1].strip()
        known[path.strip("` "), old, new] = " ".join(text.split())
    return known
