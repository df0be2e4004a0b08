"""Points over two figures: where they stand, and what is said of them."""

import pytest

from convcalc.pictures.scatter import DOT, HIGH, MOST, WIDE, Dot, Side, letters, scene
from convcalc.pictures.scene import Box, Part, Path, Scene, everything

SIDES = Side("MACs", lambda value: f"{value:g}"), Side("memory", lambda value: f"{value:g}")
DOTS = [
    Dot(0, 100, front=True, title="a"),
    Dot(50, 50, front=True, title="b"),
    Dot(100, 0, front=True, title="c"),
    Dot(100, 100, front=False, title="d"),
]


def drawn(dots: list[Dot]) -> Scene:
    return scene("Net: MACs and memory", *SIDES, dots, ["Front of macs, memory."])


def points(made: Scene) -> list[tuple[float, float]]:
    circles = [each for each in everything(made.items) if isinstance(each, Box) and each.radius]
    return [(box.x + DOT / 2, box.y + DOT / 2) for box in circles if box.width == DOT]


def test_points_stand_where_their_figures_are() -> None:
    places = points(drawn(DOTS))  # those on the front are drawn over the others
    left, top = places[1]

    assert places == [
        (left + WIDE, top),
        (left, top),
        (left + WIDE / 2, top + HIGH / 2),
        (left + WIDE, top + HIGH),
    ]


def test_the_front_is_joined_by_a_line_in_the_order_of_the_first_figure() -> None:
    made = drawn([DOTS[2], DOTS[3], DOTS[0], DOTS[1]])
    (line,) = [path for path in made.paths if path.role == "followed line"]

    assert list(line.points) == sorted(points(made)[1:])


@pytest.mark.parametrize(
    ("most", "joined"),
    [
        ((False, False), [(0, 5), (2, 2), (5, 0)]),
        ((True, False), [(5, 0)]),  # the most of the first and the least of the second
        ((False, True), [(0, 5), (4, 6), (5, 7)]),
        ((True, True), [(5, 7)]),
    ],
)
def test_the_line_joins_what_is_on_the_front_of_both_figures_alone(
    most: tuple[bool, bool], joined: list[tuple[float, float]]
) -> None:
    places = [(0, 5), (1, 5), (2, 2), (4, 6), (5, 0), (5, 7), (3, 3)]
    dots = [Dot(x, y, front=True, title="") for x, y in places]
    dots.append(Dot(0, 0, front=False, title=""))  # among the best, and on no front
    side, other = SIDES
    made = scene("Net", side._replace(most=most[0]), other._replace(most=most[1]), dots, [])
    stood = dict(zip(points(made)[1:], places, strict=True))
    lines = [path.points for path in made.paths if path.role == "followed line"]

    assert [[stood[point] for point in line] for line in lines] == (
        [joined] if len(joined) > 1 else []
    )


def test_all_is_inside_and_every_point_says_what_it_is() -> None:
    made = drawn(DOTS)
    titles = [each.title for each in everything(made.items) if isinstance(each, Part)]

    assert titles == ["d", "a", "b", "c"]
    for box in everything(made.items):
        if isinstance(box, Box):
            assert 0 <= box.x <= box.x + box.width <= made.width
            assert 0 <= box.y <= box.y + box.height <= made.height
    assert isinstance(made.to_svg(), str)
    texts = {label.text for label in made.labels}
    assert {"MACs", "memory", "0", "20", "100", "on the front", "among the best"} <= texts


@pytest.mark.parametrize("value", [0, 7, -3, 1e9])
def test_one_point_and_equal_ones_have_a_place(value: float) -> None:
    made = drawn([Dot(value, value, front=True, title=str(each)) for each in range(2)])

    assert len(points(made)) == 2
    assert not [path for path in made.paths if isinstance(path, Path) and path.role == "skip"]


@pytest.mark.parametrize(
    "values", [(2**60, 2**60), (2**60, 2**60 + 1), (10**16, 10**16), (0, 0), (-(2**70), -(2**70))]
)
def test_figures_that_floats_tell_not_apart_have_places_inside(values: tuple[int, int]) -> None:
    made = drawn([Dot(value, value, front=True, title="") for value in values])

    assert len(points(made)) == 2
    assert all(0 <= x <= made.width and 0 <= y <= made.height for x, y in points(made))


def test_of_very_many_points_some_are_drawn_and_that_is_said() -> None:
    made = drawn([Dot(each, each, front=True, title="") for each in range(3 * MOST)])

    assert len(points(made)) == MOST
    assert "Of 6,000 points one in 3 is drawn." in made.description


def test_the_same_in_letters() -> None:
    assert letters(*SIDES, DOTS, wide=11, high=3) == [
        "memory",
        "100 │■         □",
        "    │     ■",
        "  0 │          ■",
        "    └───────────",
        "     0       100  MACs",
    ]
