"""What PyTorch said once, for those who test without it: `data/torch_*.json`.

Tests named `*_against_torch` write these files anew with `CONVCALC_UPDATE=1`, and compare them with
the PyTorch that is there; tests without PyTorch compare convcalc with the files.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from paths import DATA

from convcalc.layers import UNPOOL, Layer, Plan, layer_class
from convcalc.layers.base import Undone
from convcalc.shape import Shape
from convcalc.window import Window

VALUES = DATA / "torch_values.json"
MEMORY = DATA / "torch_memory.json"
OTHERS = ("optimizers", "half precision", "checkpoints")
"""What is recorded beside kinds: an optimizer's step, mixed precision, segments that run again."""
BATCH = 2
PERIOD = 1009


def write(path: Path, cases: Mapping[str, Sequence[Any]]) -> None:
    """Lists of rows by name, a row a line."""
    lines = [
        f"{json.dumps(name)}: [\n" + ",\n".join(map(json.dumps, rows)) + "\n]"
        for name, rows in cases.items()
    ]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def values() -> Iterator[tuple[str, Any]]:
    """Kinds with their recorded layers."""
    for name, rows in json.loads(VALUES.read_text(encoding="utf-8")).items():
        for row in rows:
            yield name.partition(" ")[0], row


def networks() -> dict[str, list[Any]]:
    """By kind of layer, small networks, and the bytes that they take."""
    rows: dict[str, list[Any]] = json.loads(MEMORY.read_text(encoding="utf-8"))
    return {kind: of_kind for kind, of_kind in rows.items() if kind not in OTHERS}


def memory(what: str) -> list[Any]:
    """Small networks, and the bytes that one of `OTHERS` takes."""
    rows: list[Any] = json.loads(MEMORY.read_text(encoding="utf-8"))[what]
    return rows


def layer(kind: str, row: Any) -> tuple[Layer, list[Shape], Plan]:
    """A recorded layer, its inputs, and its plan for them."""
    fields = {name: _tuples(value) for name, value in row["fields"].items()}
    if kind == UNPOOL:
        name, windows = fields["indices"]
        fields["indices"] = Undone(name, tuple(Window(*each) for each in windows))
    made = layer_class(kind)(**fields)
    shapes = [Shape(channels, tuple(spatial)) for channels, *spatial in row["inputs"]]
    return made, shapes, made.plan(shapes)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def numbers(shape: Sequence[int], which: int) -> Any:
    """Values from −3 to 3 without a pattern; made of integers, so equal on every machine."""
    place = np.arange(np.prod(shape, dtype=int)) + 31 * which
    return ((place * place * 17 + place * 411) % PERIOD / PERIOD * 6 - 3).reshape(tuple(shape))


def inputs(shapes: Sequence[Shape], plan: Plan) -> tuple[dict[str, Any], list[Any]]:
    """The weights of a layer, and a batch of two for each of its inputs."""
    weights = {
        weight.name: numbers(weight.shape, position + 1)
        for position, weight in enumerate(plan.weights)
    }
    if "running_var" in weights:
        weights["running_var"] = np.abs(weights["running_var"]) + 0.5
    xs = [numbers((BATCH, *shape.axes), 50 + position) for position, shape in enumerate(shapes)]
    return weights, xs


def looked_up(layer: Layer, xs: Sequence[Any]) -> list[Any]:
    """The arrays, those that a layer looks up as numbers that its table has, in their type."""
    rows = getattr(layer, "entries", 0)
    return [np.floor(np.abs(x) * 7) % rows for x in xs] if rows else [*xs]


def summary(y: Any) -> list[float]:
    """A few numbers that change with every value of an array and with its place."""
    flat = np.asarray(y, dtype=float).reshape(-1)
    ramp = np.arange(flat.size)
    return [
        float(flat.sum()),
        float(np.abs(flat).sum()),
        float((flat * (ramp % 89 + 1)).sum() / 90),
        float((flat * (ramp % 7 + 1)).sum() / 8),
    ]
