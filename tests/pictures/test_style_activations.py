"""Activations: pixels that follow from values by hand, and a picture in which nothing overlaps."""

from itertools import combinations
from struct import unpack
from zlib import decompress

import numpy as np
import pytest

import convcalc
from convcalc.diagnostics import ArgumentError
from convcalc.forward.pixels import MOST, pixels
from convcalc.pictures.bitmap import SIGNATURE, png
from convcalc.pictures.font import width
from convcalc.pictures.scene import Label, Raster, Scene, everything

NETWORK = """
name: Tiny
input: 2x3x1
layers:
  - {conv: {filters: 3, kernel: 1, bias: false}, name: scaled}
  - flatten
  - {linear: {features: 2, bias: false}, name: sums}
"""
# Each filter multiplies by one number, and each sum is over six values: 2·(0 … 5) and −1·(0 … 5).
X = np.arange(6, dtype=np.float32).reshape(1, 1, 2, 3)
WEIGHTS = {
    "scaled.weight": np.array([2, -1, 0], np.float32).reshape(3, 1, 1, 1),
    "sums.weight": np.repeat(np.eye(3, dtype=np.float32)[:2], 6, axis=1),
}


def _tiny(**options: object) -> Scene:
    return convcalc.draw(convcalc.loads(NETWORK), "activations", x=X, weights=WEIGHTS, **options)


def _rasters(scene: Scene, key: str) -> list[Raster]:
    return [each for each in everything(scene.parts[key].items) if isinstance(each, Raster)]


def _levels(raster: Raster) -> list[list[int]]:
    """The levels of a grey PNG, read by the format's own rules (ISO/IEC 15948)."""
    data = raster.png
    assert data[:8] == SIGNATURE
    width, height, depth, kind = unpack(">IIBB", data[16:26])
    assert (depth, kind) == (8, 0)
    start = data.index(b"IDAT")
    (long,) = unpack(">I", data[start - 4 : start])
    lines = decompress(data[start + 4 : start + 4 + long])
    rows = [lines[at : at + width + 1] for at in range(0, len(lines), width + 1)]
    assert len(rows) == height
    assert not any(row[0] for row in rows), "a row that is filtered"
    return [list(row[1:]) for row in rows]


def test_values_from_the_smallest_to_the_largest_are_black_to_white() -> None:
    grid = pixels(np.array([[0, 1], [2, 4]]))
    assert list(grid.data) == [0, 64, 128, 255]  # 255·(0, ¼, ½, 1), rounded
    assert (grid.low, grid.high, grid.finite) == (0, 4, True)


def test_values_that_are_all_alike_are_black() -> None:
    assert set(pixels(np.full((3, 3), 7.0)).data) == {0}


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_black_and_said(odd: float) -> None:
    grid = pixels(np.array([[odd, 1, 3]]))
    assert list(grid.data) == [0, 0, 255]
    assert not grid.finite
    assert list(pixels(np.array([[odd]])).data) == [0]


def test_neighbours_of_a_large_map_are_averaged() -> None:
    pairs = np.arange(2 * MOST, dtype=float).reshape(1, -1)  # means ½, 2½, …
    grid = pixels(pairs)
    assert (grid.width, grid.height, grid.low, grid.high) == (MOST, 1, 0.5, 2 * MOST - 1.5)


def test_colours_have_one_scale_and_stand_pixel_by_pixel() -> None:
    image = np.array([[[0, 5]], [[10, 0]], [[0, 10]]])  # red, green, blue of two pixels
    assert list(pixels(image).data) == [0, 255, 0, 128, 0, 255]


def test_a_map_shows_what_a_layer_makes_of_the_input() -> None:
    scene = _tiny()
    rising = [[0, 51, 102], [153, 204, 255]]  # 255·(0 … 5)/5
    falling = [[255 - level for level in row] for row in rising]
    levels = [_levels(each) for each in _rasters(scene, "scaled")]
    assert levels == [rising, falling, [[0] * 3] * 2]
    assert "−5 to 0" in _rasters(scene, "scaled")[1].about


def test_the_largest_values_of_the_output_are_named_in_order() -> None:
    labels = [
        each.text for each in everything(_tiny().parts["sums"].items) if isinstance(each, Label)
    ]
    assert labels[2:] == ["0", "30", "1", "−15"]  # 2·15 and −15


def test_how_many_channels_are_shown_is_said() -> None:
    scene = _tiny(maps=2)
    assert len(_rasters(scene, "scaled")) == 2
    assert "2 of 3" in [label.text for label in scene.labels]


def test_layers_can_be_chosen() -> None:
    assert [*_tiny(layers="s*").parts] == ["scaled", "sums"]
    with pytest.raises(ArgumentError, match="no layer matches 'conv9'"):
        _tiny(layers="conv9")


def test_what_is_random_is_said_and_the_same_each_time() -> None:
    network = convcalc.loads(NETWORK)
    one, other = (convcalc.draw(network, "activations", seed=3).to_svg() for _ in range(2))
    assert one == other
    assert "Random weights and input, from seed 3." in one
    assert "Random" not in _tiny().to_svg()


@pytest.mark.parametrize("spec", ["lenet5", "dcnn", "cifar_convnetjs"])
def test_maps_and_texts_are_apart(spec: str) -> None:
    scene = convcalc.draw(spec, "activations")
    spans = [
        (each.x, each.y, each.x + each.width, each.y + each.height)
        for each in everything(scene.items)
        if isinstance(each, Raster)
    ]
    assert max(span[2] for span in spans) <= scene.width
    assert max(span[3] for span in spans) <= scene.height
    for label in scene.labels:
        left = label.x - {"start": 0, "middle": 0.5, "end": 1}[label.anchor] * _wide(label)
        spans.append((left, label.y - label.size * 0.7, left + _wide(label), label.y))
    for one, other in combinations(spans, 2):
        across = min(one[2], other[2]) - max(one[0], other[0])
        down = min(one[3], other[3]) - max(one[1], other[1])
        assert min(across, down) <= 1e-6, (one, other)


def _wide(label: Label) -> float:
    return width(label.text, label.size, bold=label.bold)


def test_png_files_are_ones_that_a_library_of_images_reads() -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow reads PNG")
    from io import BytesIO

    data = bytes(range(24))
    for colours, mode, size in ((1, "L", (6, 4)), (3, "RGB", (4, 2))):
        read = image.open(BytesIO(png(*size, colours, data)))
        assert (read.mode, read.size, read.tobytes()) == (mode, size, data)
