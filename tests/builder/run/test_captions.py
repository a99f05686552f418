import numpy as np
import pytest

from builder.run.captions import Caption, letter_size, write
from runtimes.arrays import Array

RED, BLUE = (0, 0, 255), (255, 0, 0)


def written(*captions: Caption, height: int = 200, width: int = 300) -> Array:
    canvas = np.full((height, width, 3), 128, np.uint8)
    write(canvas, list(captions))
    return canvas


def box_of(canvas: Array, color: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """x1 y1 x2 y2 around the pixels of a color."""
    ys, xs = np.nonzero((canvas == color).all(axis=2))
    return int(xs.min()), int(ys.min()), int(xs.max()), int(ys.max())


def test_a_caption_is_above_its_point() -> None:
    left, top, _, bottom = box_of(written(Caption("cat", 40, 100, RED)), RED)
    assert 40 <= left <= 42
    assert bottom <= 100
    assert 100 - top <= 2 * letter_size(np.zeros((200, 300, 3)))


def test_a_caption_at_the_upper_edge_is_below_its_point() -> None:
    _, top, _, _ = box_of(written(Caption("cat", 40, 3, RED)), RED)
    assert top >= 3


@pytest.mark.parametrize("top", [0, 10, 100, 195])
def test_captions_at_one_point_do_not_overlap(top: int) -> None:
    alone = box_of(written(Caption("cat", 40, top, RED)), RED)
    both = written(Caption("cat", 40, top, RED), Caption("dog", 40, top, BLUE))
    assert box_of(both, RED) == alone
    _, upper, _, lower = box_of(both, BLUE)
    assert upper > alone[3] or lower < alone[1]


def test_captions_side_by_side_are_not_moved() -> None:
    both = written(Caption("a", 10, 100, RED), Caption("b", 200, 100, BLUE))
    assert box_of(both, RED)[1] == box_of(both, BLUE)[1]


def test_the_first_caption_is_on_top_if_there_is_no_room() -> None:
    alone = written(Caption("aa", 0, 0, RED), height=19, width=40)
    many = written(
        *[Caption("aa", 0, 0, RED)], *[Caption("aa", 0, 0, BLUE)] * 9, height=19, width=40
    )
    assert box_of(many, RED) == box_of(alone, RED)


@pytest.mark.parametrize("size", [(1, 1), (5, 300), (300, 5), (16, 16)])
@pytest.mark.parametrize("place", [(-900, -900), (0, 0), (9000, 9000)])
def test_any_size_and_place_can_be_written_at(
    size: tuple[int, int], place: tuple[int, int]
) -> None:
    canvas = written(Caption("long " * 9, *place, RED), height=size[0], width=size[1])
    assert canvas.shape == (*size, 3)
