"""Pictures of every shape type: which pixels are colored and which are not."""

from typing import Any

import numpy as np
import pytest

from builder.manifest.skeleton_svg import svg
from builder.run.draw import color_of, draw, edges_of, ring_of
from runtimes.arrays import Array

SPEC: list[dict[str, Any]] = [
    {"name": "thing", "type": "any"},
    {
        "name": "pose",
        "type": "skeleton",
        "sublabels": [{"name": "a"}, {"name": "b"}, {"name": "c"}],
        "svg": svg(["a", "b", "c"], [(0, 0), (50, 50), (100, 100)], [("a", "b"), ("b", "c")]),
    },
]


def drawn(item: dict[str, Any]) -> Array:
    """A black picture, 300 high and 400 wide, with one item."""
    return draw(np.zeros((300, 400, 3), np.uint8), [{"confidence": 0.5, **item}], SPEC)


def is_colored(picture: Array, x: float, y: float, label: int = 0) -> bool:
    """Whether a pixel has the label's color, maybe mixed with the black below."""
    pixel = picture[round(y), round(x)].astype(int)
    return bool(pixel.max() > 40 and pixel.argmax() == np.array(color_of(label)).argmax())


def test_a_mask_colors_its_own_pixels() -> None:
    pixels = [1] * 40 * 30
    picture = drawn({"label": "thing", "type": "mask", "mask": [*pixels, 100, 150, 139, 179]})
    assert is_colored(picture, 120, 165)
    assert not picture[220:, :].any()
    assert not picture[:, :80].any()


def test_a_polygon_is_filled() -> None:
    points = [100, 100, 200, 100, 200, 200, 100, 200]
    picture = drawn({"label": "thing", "type": "polygon", "points": points})
    assert is_colored(picture, 150, 150)
    assert not picture[220:, :].any()


def test_a_polyline_is_neither_filled_nor_closed() -> None:
    points = [100, 100, 200, 100, 200, 200, 100, 200]
    picture = drawn({"label": "thing", "type": "polyline", "points": points})
    assert is_colored(picture, 200, 150)
    assert not picture[150, 120:180].any()
    assert not picture[150, 90:110].any()


@pytest.mark.parametrize("shape_type", ["rectangle", "ellipse"])
def test_a_rotated_shape(shape_type: str) -> None:
    # 160 wide and 40 high around (200, 150); rotated by 90 degrees it is 40 wide and 160 high.
    points = [120, 130, 280, 170] if shape_type == "rectangle" else [200, 150, 280, 130]
    ring = ring_of({"type": shape_type, "points": points, "rotation": 90})
    assert ring.min(axis=0) == pytest.approx([180, 70], abs=0.1)
    assert ring.max(axis=0) == pytest.approx([220, 230], abs=0.1)


def test_rotation_is_clockwise_on_the_screen() -> None:
    ring = ring_of({"type": "rectangle", "points": [0, 0, 40, 20], "rotation": 30})
    # The upper left corner is (-20, -10) from the center (20, 10); by hand, 30 degrees clockwise:
    cos, sin = 3**0.5 / 2, 0.5
    expected = [20 + -20 * cos - -10 * sin, 10 + -20 * sin + -10 * cos]
    assert ring[0] == pytest.approx(expected)


def test_a_skeleton_shows_visible_points_and_their_edges() -> None:
    elements = [
        {"label": "a", "type": "points", "points": [100, 100], "outside": False},
        {"label": "b", "type": "points", "points": [200, 100], "outside": False},
        {"label": "c", "type": "points", "points": [200, 250], "outside": True},
    ]
    picture = drawn({"label": "pose", "type": "skeleton", "elements": elements})
    assert is_colored(picture, 100, 100, 1)
    assert is_colored(picture, 150, 100, 1)
    assert not picture[180:, :].any()


def test_points_are_dots() -> None:
    picture = drawn({"label": "thing", "type": "points", "points": [100, 200, 300, 200]})
    assert is_colored(picture, 100, 200)
    assert is_colored(picture, 300, 200)
    assert not picture[200, 150:250].any()


def test_each_tag_has_its_own_line_with_the_best_on_top() -> None:
    tags = [{"label": name, "type": "tag", "confidence": 0.5} for name in ("thing", "pose")]
    picture = draw(np.zeros((300, 400, 3), np.uint8), tags, SPEC)
    rows = picture[:, 2:4].reshape(300, -1).max(axis=1).nonzero()[0]
    assert is_colored(picture, 3, 4, 0)
    assert is_colored(picture, 3, int(rows.max()) - 4, 1)


@pytest.mark.parametrize("text", ["", "<line", "no drawing", "<circle/>"])
def test_text_that_is_not_svg_has_no_edges(text: str) -> None:
    assert edges_of(text) == []
