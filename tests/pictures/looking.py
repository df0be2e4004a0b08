"""What holds of every picture that is set in rows of boxes and texts."""

from itertools import pairwise

from convcalc.pictures import font
from convcalc.pictures.scene import Box, Label, Part, Scene, everything


def looks_right(scene: Scene) -> None:
    """No two cells of a row and no two texts overlap, all is inside, and texts fit their boxes."""
    on_maps = {
        each
        for part in everything(scene.items)
        if isinstance(part, Part) and isinstance(part.items[0], Box) and part.items[0].role == "map"
        for each in part.items[1:]
        if isinstance(each, Box)
    }
    boxes = [each for each in everything(scene.items) if isinstance(each, Box)]
    rows: dict[float, list[Box]] = {}
    for box in boxes:
        assert box.x >= 0
        assert box.x + box.width <= scene.width + 0.01
        assert box.y + box.height <= scene.height
        if box not in on_maps:
            rows.setdefault(box.y, []).append(box)
    for row in rows.values():
        row.sort()
        for one, next_one in pairwise(row):
            assert one.x + one.width <= next_one.x + 0.01, (one, next_one)
    texts = [_extent(label) for label in scene.labels]
    for left, top, right, bottom in texts:
        assert min(left, top) >= 0
        assert right <= scene.width + 0.01
        assert bottom <= scene.height
    for place, (left, top, right, bottom) in enumerate(texts):
        for other in texts[place + 1 :]:
            apart = other[0] >= right or other[2] <= left or other[1] >= bottom or other[3] <= top
            assert apart, (scene.labels[place], other)
    for part in everything(scene.items):
        if isinstance(part, Part) and len(part.items) >= 2:
            cell = part.items[0]
            for label in part.items:
                if isinstance(cell, Box) and isinstance(label, Label):
                    room = cell.height if label.turned else cell.width
                    assert font.width(label.text, label.size) <= room


def _extent(label: Label) -> tuple[float, float, float, float]:
    wide = font.width(label.text, label.size, bold=label.bold)
    if label.turned:
        top = label.y - {"start": wide, "middle": wide / 2, "end": 0}[label.anchor]
        return label.x - label.size * font.CAP_HEIGHT, top, label.x, top + wide
    left = label.x - {"start": 0, "middle": wide / 2, "end": wide}[label.anchor]
    return left, label.y - label.size * font.CAP_HEIGHT, left + wide, label.y
