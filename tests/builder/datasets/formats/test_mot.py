from pathlib import Path

import pytest

from builder.datasets.annotation import Rectangle
from builder.datasets.registry import open_dataset
from builder.diagnostics.errors import DatasetError
from tests.builder.datasets.conftest import WriteFiles

SIZE = (64, 48)
# 2 before 1: the rows of MOTChallenge are ordered by tracks
ROWS = "2,7,1,2,3,4,1,1,0.5\n1,7,5,6,7,8,1,1,1\n1,8,0,0,9,9,0,2,1\n"


def write(write_files: WriteFiles, rows: str, folder: str = "") -> Path:
    frames = {f"{folder}img1/{number:06}.jpg": SIZE for number in (1, 2, 3)}
    return write_files({f"{folder}gt/gt.txt": rows, **frames})


@pytest.mark.parametrize("folder", ["", "MOT17-02/"])
def test_rows_are_in_their_frames(write_files: WriteFiles, folder: str) -> None:
    with open_dataset(write(write_files, ROWS, folder)) as dataset:
        assert dataset.labels[:3] == ("pedestrian", "person on vehicle", "car")
        first, second, third = dataset
    assert first.name == f"{folder}img1/000001.jpg"
    (walker,) = first.annotations
    assert (walker.label, walker.track, walker.shape) == ("pedestrian", 7, Rectangle(5, 6, 12, 14))
    assert first.ignored == (Rectangle(0, 0, 9, 9),)
    assert second.annotations[0].attributes == {"visibility": "0.5"}
    assert third.annotations == ()


def test_frames_may_have_other_names_and_be_elsewhere(write_files: WriteFiles) -> None:
    folder = write_files(
        {
            "export/gt/gt.txt": ROWS,
            "export/gt/labels.txt": "cat\ndog\n",
            **{f"frames/frame_{number:06}.PNG": SIZE for number in (0, 1)},
        }
    )
    with pytest.raises(DatasetError, match="the sequence has no images"):
        open_dataset(folder / "export")
    with open_dataset(folder / "export", folder / "frames") as dataset:
        assert dataset.labels == ("cat", "dog")
        assert [image.file.name for image in dataset] == ["frame_000000.PNG", "frame_000001.PNG"]
        assert [len(image.annotations) for image in dataset] == [1, 1]


def test_rows_of_pedestrians_alone_have_no_class(write_files: WriteFiles) -> None:
    with open_dataset(write(write_files, "1,1,5,6,7,8,1,-1,-1,-1\n1,2,5,6,7,8\n")) as dataset:
        assert [it.label for it in dataset[0].annotations] == ["pedestrian"] * 2


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1,1,2,3,4", "gt.txt:2:1: has 5 numbers"),
        ("1,1,2,3,4,x", "is not a finite number"),
        ("1,1,2,3,-4,5", "has a negative size"),
        ("1.5,1,2,3,4,5", "is not a valid integer"),
        ("1,1e30,2,3,4,5", "is not a valid integer"),
        ("1,1,2,3,4,5,1,13,1", "unknown class ID"),
        ("1,1,2,3,4,5,1,0,1", "unknown class ID"),
        ("4,1,2,3,4,5,1,1,1", "frame 4 has annotations and no image"),
    ],
)
def test_an_invalid_row_is_refused(write_files: WriteFiles, row: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        open_dataset(write(write_files, f"1,1,2,3,4,5,1,1,1\n{row}\n"))
