from typing import Any

import numpy as np
import pytest

from builder.run import draw as drawing
from builder.run.captions import Caption
from builder.run.draw import color_of, draw


def item(points: list[float], label: str = "cat") -> dict[str, Any]:
    return {"label": label, "type": "rectangle", "points": points, "confidence": 0.5}


def spec(*names: str) -> list[dict[str, Any]]:
    """Labels as a function's `spec` annotation lists them."""
    return [{"id": number, "name": name, "type": "any"} for number, name in enumerate(names)]


def blank(height: int = 200, width: int = 300, value: int = 128) -> Any:
    return np.full((height, width, 3), value, np.uint8)


def test_a_picture_without_items_is_a_copy() -> None:
    image = blank()
    canvas = draw(image, [], spec("cat"))
    np.testing.assert_array_equal(canvas, image)
    assert not np.shares_memory(canvas, image)


def test_the_image_is_not_changed() -> None:
    image = blank()
    draw(image, [item([100, 80, 200, 160])], spec("cat"))
    np.testing.assert_array_equal(image, blank())


@pytest.mark.parametrize("place", [(80, 190), (160, 150), (120, 100), (120, 200)])
def test_every_edge_has_the_labels_color(place: tuple[int, int]) -> None:
    # Row and column on the top edge, past the caption, then bottom, left and right.
    canvas = draw(blank(), [item([100, 80, 200, 160])], spec("cat"))
    assert tuple(canvas[place].tolist()) == color_of(0)


@pytest.mark.parametrize("place", [(120, 150), (90, 110), (150, 190), (190, 290), (120, 50)])
def test_pixels_inside_and_outside_a_box_are_unchanged(place: tuple[int, int]) -> None:
    canvas = draw(blank(), [item([100, 80, 200, 160])], spec("cat"))
    assert tuple(canvas[place].tolist()) == (128, 128, 128)


@pytest.mark.parametrize("place", [(-1, 0), (0, -1), (1, 0), (0, 1)])
def test_lines_have_a_dark_rim(place: tuple[int, int]) -> None:
    canvas = draw(blank(), [item([100, 80, 200, 160])], spec("cat"))
    # From the middle of the bottom and of the right edge outwards and inwards.
    row, column = (160, 150) if place[0] else (120, 200)
    strip = [canvas[row + place[0] * step, column + place[1] * step].max() for step in range(5)]
    assert min(strip) < 64


def test_a_caption_is_above_its_box() -> None:
    canvas = draw(blank(), [item([100, 80, 200, 160])], spec("cat"))
    above = (canvas[50:76, 100:120] != 128).any(axis=2)
    assert above.any()


@pytest.mark.parametrize(
    "points",
    [
        [0, 0, 300, 200],
        [-50, -50, 400, 300],
        [290, 190, 300, 200],
        [0, 0, 1, 1],
        [299.6, 199.6, 300, 200],
        [10, 10, 10, 10],
        [-30000, -30000, 30000, 30000],
    ],
)
def test_a_box_at_any_place_keeps_size_and_type(points: list[float]) -> None:
    canvas = draw(blank(), [item(points)], spec("cat"))
    assert canvas.shape == (200, 300, 3)
    assert canvas.dtype == np.uint8
    assert (canvas != 128).any()


@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 300), (300, 5), (16, 16)])
def test_an_image_smaller_than_its_caption(height: int, width: int) -> None:
    image = blank(height, width)
    canvas = draw(image, [item([0, 0, width, height], "a very long name " * 4)], spec())
    assert canvas.shape == (height, width, 3)
    np.testing.assert_array_equal(image, blank(height, width))


def test_pixels_around_a_view_of_an_image_are_unchanged() -> None:
    whole = blank(400, 600)
    view = whole[100:300, 150:450]
    draw(view, [item([0, 0, 300, 200])], spec("cat"))
    assert (whole == 128).all()


def test_the_best_item_is_on_top() -> None:
    best, worst = item([100, 80, 200, 160], "dog"), item([100, 80, 200, 160], "cat")
    canvas = draw(blank(), [best, worst], spec("cat", "dog"))
    assert tuple(canvas[160, 150].tolist()) == color_of(1)


@pytest.mark.parametrize("label", ["cat", "Кошка", "γάτα", "猫", "é", "\U0001f600", ""])
def test_any_label_can_be_written(label: str) -> None:
    canvas = draw(blank(), [item([100, 80, 200, 160], label)], spec(label))
    assert tuple(canvas[160, 150].tolist()) == color_of(0)


def test_labels_have_distinct_colors() -> None:
    colors = [np.array(color_of(number), int) for number in range(8)]
    for place, one in enumerate(colors):
        assert all(np.abs(one - other).max() > 40 for other in colors[:place])


def test_an_unknown_label_has_its_own_color() -> None:
    canvas = draw(blank(), [item([100, 80, 200, 160], "other")], spec("cat", "dog"))
    assert tuple(canvas[160, 150].tolist()) == color_of(2)


def test_captions_have_the_attributes(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []

    def write(_: Any, captions: list[Caption]) -> None:
        written.extend(caption.text for caption in captions)

    monkeypatch.setattr(drawing, "write", write)
    box: list[float] = [10, 80, 200, 160]
    for attributes in (
        [{"name": "age", "value": "31"}, {"name": "sex", "value": "female"}],
        [{"name": "text", "value": "Exit"}],
        [{"name": "text", "value": "x" * 100}],
        [],
    ):
        draw(blank(), [{**item(box, "text"), "attributes": attributes}], spec("text"))
    assert written == [
        "text 0.50 · age: 31, sex: female",
        "text 0.50 · Exit",
        "text 0.50 · " + "x" * 59 + "…",
        "text 0.50",
    ]
