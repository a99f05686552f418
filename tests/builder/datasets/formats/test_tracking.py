from pathlib import Path

import pytest

from builder.datasets.annotation import Rectangle
from builder.datasets.registry import open_dataset
from builder.diagnostics.errors import DatasetError
from tests.builder.datasets.conftest import WriteFiles

SIZE = (64, 48)


def frames(folder: str, *names: str) -> dict[str, tuple[int, int]]:
    return {f"{folder}{name}": SIZE for name in names}


@pytest.mark.parametrize(
    ("truth", "folder", "rows"),
    [
        ("groundtruth_rect.txt", "img/", "1,2,3,4\n5,6,7,8\n"),  # OTB
        ("groundtruth_rect.txt", "img/", "1\t2\t3\t4\n5\t6\t7\t8\n"),
        ("groundtruth.txt", "", "1.0,2.0,3.0,4.0\r\n5.0,6.0,7.0,8.0\r\n"),  # GOT-10k
    ],
)
@pytest.mark.parametrize("sequence", ["", "Basketball/", "cat/cat-1/"])
def test_each_frame_has_its_box(
    write_files: WriteFiles, truth: str, folder: str, rows: str, sequence: str
) -> None:
    images = frames(f"{sequence}{folder}", "0003.jpg", "0004.jpg")
    with open_dataset(write_files({f"{sequence}{truth}": rows, **images})) as dataset:
        assert (dataset.format, dataset.labels) == ("Tracking", ("object",))
        first, second = dataset
    assert first.name == f"{sequence}{folder}0003.jpg"
    assert first.annotations[0].shape == Rectangle(1, 2, 4, 6)
    assert first.annotations[0].track == 0
    assert second.annotations[0].shape == Rectangle(5, 6, 12, 14)


def test_frames_are_in_the_order_of_their_numbers(write_files: WriteFiles) -> None:
    images = frames("img/", "10.jpg", "9.jpg")
    folder = write_files({"groundtruth_rect.txt": "9,0,1,1\n10,0,1,1\n", **images})
    with open_dataset(folder) as dataset:
        for image in dataset:
            box = image.annotations[0].shape
            assert isinstance(box, Rectangle)
            assert image.file.stem == str(int(box.x1))


def test_an_absent_object_has_no_box(write_files: WriteFiles) -> None:
    folder = write_files(
        {
            "groundtruth.txt": "1,2,3,4\n0,0,0,0\nNaN,NaN,NaN,NaN\n1,2,3,4\n1,2,3,4\n",
            "out_of_view.txt": "0,0,0,1,0",
            "full_occlusion.txt": "0,0,0,0,1",
            **frames("img/", *(f"{number}.jpg" for number in range(1, 6))),
        }
    )
    with open_dataset(folder) as dataset:
        assert [len(image.annotations) for image in dataset] == [1, 0, 0, 0, 0]


def test_sequences_are_told_apart_by_their_tracks(write_files: WriteFiles) -> None:
    files: dict[str, str | tuple[int, int]] = {}
    for name in ("a", "b"):
        files |= {f"{name}/groundtruth.txt": "1,2,3,4\n", f"{name}/00000001.jpg": SIZE}
    with open_dataset(write_files(files)) as dataset:
        assert [(image.name, image.annotations[0].track) for image in dataset] == [
            ("a/00000001.jpg", 0),
            ("b/00000001.jpg", 1),
        ]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("1,2,3,4\n", "has 1 boxes for 2 frames"),
        ("1,2,3,4\n1,2,3\n", "groundtruth.txt:2:1: has 3 numbers"),
        ("1,2,3,4\n1,2,3,nan\n", "groundtruth.txt:2:1.*is not a finite number"),
        ("1,2,3,4\n1,2,3,4,5,6,7,8\n", "has 8 numbers"),
    ],
)
def test_invalid_boxes_are_refused(write_files: WriteFiles, rows: str, message: str) -> None:
    folder: Path = write_files({"groundtruth.txt": rows, **frames("img/", "1.jpg", "2.jpg")})
    with pytest.raises(DatasetError, match=message):
        open_dataset(folder)
