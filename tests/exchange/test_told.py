"""What reading a file knows of its layers is what expanding the spec of it says."""

from pathlib import Path
from typing import Any

import pytest
from draws import Draw
from imported_findings import zoo
from tabled import tabled

from convcalc.exchange import imported
from convcalc.exchange.wiring import Wiring
from convcalc.shape import Shape
from convcalc.spec.bundled import find_bundled
from convcalc.spec.fold.same import Said, network_said
from convcalc.spec.source import open_spec
from convcalc.spec.tree import Spec
from convcalc.spec.ways import Layers

pytest.importorskip("onnx")

DATA = sorted((Path(__file__).parents[1] / "data" / "onnx").glob("*.onnx"))
OF_OTHERS = 5
"""Files with layers that are made of others, which are expanded: arrays that are layers, and what
undoes a pool."""
EVERY = 4
"""Of so many files one is read with every run of the tests."""


def expanded(spec: Spec) -> Said | None:
    """What expanding a spec says, but for the layers themselves, which none of a file are asked."""
    said = network_said(spec)
    return None if said is None else said._replace(layers=Layers((), ()))


def agrees(path: Path) -> bool:
    """Whether a file's layers are known; they are what expanding says then."""
    made = imported(open_spec(str(path), find_bundled))
    assert made is not None
    if made.spec is None or made.said is None:
        return False
    known = made.said()
    if known is not None:
        assert known == expanded(made.spec), path.name
    return known is not None


@pytest.mark.parametrize("every", [EVERY, pytest.param(1, marks=pytest.mark.thorough)])
def test_of_the_files_of_exporters(every: int) -> None:
    files = DATA[::every]

    assert sum(map(agrees, files)) >= len(files) - OF_OTHERS


@pytest.mark.thorough
def test_of_bundled_networks(tmp_path: Path) -> None:
    names = ("googlenet", "mobilenet_v2", "segnet", "siamese", "two_stream", "unet", "wavenet")
    others = {each.network for each in zoo(tmp_path, names) if not agrees(each.path)}

    assert others == {"zoo/segnet"}  # whose pools are undone


NAMES = ("", "conv1", "relu2", "add_1", "input", "a", "/a/Conv", "b.conv", "b{0}")


def drawn(seed: int) -> tuple[Spec, Said | None]:
    """A network of layers that read any before them, some with the weights of another."""
    draw = Draw(f"told {seed}")
    wiring = Wiring()
    for number in range(draw.choice((1, 1, 2))):
        wiring.input(Shape(4, (8, 8)), f"input{number}")
    convs: list[int] = []
    for _ in range(draw.randint(1, 12)):
        last = len(wiring.made) - 1
        read = draw.choice((last, last, draw.randint(0, last)))
        origin = draw.choice(NAMES)
        kind = draw.choice(("conv", "relu", "add", "concat", "batchnorm"))
        if kind == "conv":
            shared = draw.choice((None, *convs)) if convs else None
            field = {"filters": 4, "kernel": 3, "padding": draw.choice((1, ((1, 1), (1, 1))))}
            if wiring.shape(read).channels == 4:
                convs.append(wiring.add(kind, field, (read,), origin, shared=shared))
        elif kind in ("add", "concat"):
            other = draw.randint(0, last)
            if kind == "concat" or wiring.shape(other) == wiring.shape(read):
                wiring.add(kind, {}, (read, other), origin)
        else:
            wiring.add(kind, {}, (read,), origin)
    last = len(wiring.made) - 1
    ends = sorted({last, draw.choice((last, draw.randint(0, last)))})
    written = wiring.written(ends)
    shapes = [made.shape for made in wiring.made if made.kind == "input"]
    several = dict(zip(written.inputs.values(), shapes, strict=False))
    entries: dict[str, Any] = {
        "input": several or shapes[0],
        "rounding": "floor",
        "layers": [*written.items],
    }
    if written.outputs:
        entries["outputs"] = [*written.outputs]
    return Spec(**entries), written.said()


@tabled("seed", range(60))
def test_of_networks_that_are_drawn(seed: int) -> None:
    spec, known = drawn(seed)

    assert known is not None
    assert known == expanded(spec)
