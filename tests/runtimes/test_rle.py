import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.arrays import Array
from runtimes.rle import decode, encode

bitmaps = st.integers(1, 9).flatmap(
    lambda width: st.lists(
        st.lists(st.integers(0, 1), min_size=width, max_size=width), min_size=1, max_size=9
    )
)


def counted(rows: list[list[int]]) -> list[int]:
    """Run lengths, by a loop over the pixels of the rows, starting with zeros."""
    counts = []
    value, count = 0, 0
    for row in rows:
        for pixel in row:
            if pixel != value:
                counts.append(count)
                value, count = pixel, 0
            count += 1
    return [*counts, count]


@given(bitmaps, st.integers(0, 5000), st.integers(0, 5000))
def test_runs_match_a_loop(rows: list[list[int]], left: int, top: int) -> None:
    right, bottom = left + len(rows[0]) - 1, top + len(rows) - 1
    found = encode(np.array(rows, np.uint8), left, top)
    assert found == [*counted(rows), left, top, right, bottom]


@given(bitmaps, st.integers(0, 5000), st.integers(0, 5000))
def test_decode_is_the_inverse_of_encode(rows: list[list[int]], left: int, top: int) -> None:
    bitmap, found_left, found_top = decode(encode(np.array(rows, np.uint8), left, top))
    assert bitmap.tolist() == rows
    assert (found_left, found_top) == (left, top)
    assert bitmap.dtype == np.uint8


def test_a_block_is_encoded_as_cvats_sdk_documents_it() -> None:
    # A picture of 4 rows and 5 columns, of which rows 1 and 2 and columns 2 and 3 are set.
    picture = np.zeros((4, 5), np.uint8)
    picture[1:3, 2:4] = 1
    assert encode(picture[1:3, 2:4], 2, 1) == [0, 4, 2, 1, 3, 2]


@pytest.mark.parametrize(
    ("rows", "points"),
    [
        ([[1]], [0, 1, 7, 9, 7, 9]),
        ([[0]], [1, 7, 9, 7, 9]),
        ([[0, 1]], [1, 1, 7, 9, 8, 9]),
        ([[1, 0]], [0, 1, 1, 7, 9, 8, 9]),
        ([[1], [0], [1]], [0, 1, 1, 1, 7, 9, 7, 11]),
        # Along the rows, so the run goes on from the end of one to the start of the next.
        ([[0, 1, 1], [1, 0, 0]], [1, 3, 2, 7, 9, 9, 10]),
        ([[0, 0], [0, 0]], [4, 7, 9, 8, 10]),
    ],
)
def test_encoding_by_hand(rows: list[list[int]], points: list[int]) -> None:
    assert encode(np.array(rows, np.uint8), 7, 9) == points


@pytest.mark.parametrize(
    "bitmap",
    [
        np.array([[True, False], [True, True]]),
        np.array([[255, 0], [255, 255]], np.uint8),
        np.array([[3, 0], [1, 2]], np.int64),
        np.array([[1, 9, 0], [9, 9, 9], [1, 9, 1]], np.uint8)[::2, ::2],
        np.array([[1, 1], [0, 1]], np.uint8).T,
    ],
    ids=["bool", "255", "several values", "view", "transposed"],
)
def test_nonzero_pixels_belong_to_the_mask(bitmap: Array) -> None:
    assert encode(bitmap, 0, 0) == [0, 1, 1, 2, 0, 0, 1, 1]


def test_runs_are_plain_numbers() -> None:
    assert {type(number) for number in encode(np.eye(3, dtype=np.uint8), 0, 0)} == {int}


@pytest.mark.parametrize(
    "points",
    [
        [0, 3, 0, 0, 1, 1],
        [0, 5, 0, 0, 1, 1],
        [0, 5, -1, 0, 0, 1, 1],
        [-1, 5, 0, 0, 1, 1],
        [0, 4, 2, 0, 1, 1],
        [0, 0, 0, 0, -1, 0],
        [0, 0, 0, 0, 0, -1],
        [1, 3, 3, 0, 0],
        [0, 0, 1, 1],
    ],
    ids=[
        "too few",
        "too many",
        "a negative run",
        "a negative first run",
        "another box",
        "no width",
        "no height",
        "inverted",
        "no runs",
    ],
)
def test_runs_that_do_not_fill_the_box_are_refused(points: list[int]) -> None:
    with pytest.raises(ValueError, match=r"do not fill a box of -?\d+x-?\d+"):
        decode(points)


def test_the_message_has_the_pixel_counts() -> None:
    with pytest.raises(ValueError, match="runs of 7 pixels do not fill a box of 3x2"):
        decode([0, 7, 10, 20, 12, 21])


@pytest.mark.parametrize("points", [[], [1], [0, 0, 1]])
def test_run_lengths_without_a_box_are_refused(points: list[int]) -> None:
    with pytest.raises(ValueError, match="not enough values"):
        decode(points)
