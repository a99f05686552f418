import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from builder.datasets.annotation import Keypoints, Polygons, Rectangle
from builder.datasets.registry import open_dataset
from builder.diagnostics.errors import DatasetError
from tests.builder.datasets.conftest import WriteFiles

YAML = "path: .\ntrain: images/train\nval: images/val\nnames:\n  0: cat\n  1: dog\n"
SIZE = (200, 100)
LABELS = "labels/val/a.txt"
IMAGES: dict[str, str | bytes | tuple[int, int]] = {
    "images/val/a.jpg": SIZE,
    "images/val/b.png": SIZE,
}


def write(write_files: WriteFiles, rows: str, yaml: str = YAML) -> Path:
    return write_files({"data.yaml": yaml, LABELS: rows, **IMAGES})


def test_boxes_are_in_pixels_of_their_image(write_files: WriteFiles) -> None:
    folder = write(write_files, "1 0.5 0.5 0.25 0.5\n\n0 0.1 0.1 0.1 0.1 7\n")
    for path in (folder, folder / "data.yaml"):
        with open_dataset(path) as dataset:
            assert dataset.format == "YOLO, val"
            assert dataset.labels == ("cat", "dog")
            a, b = dataset
    assert (a.name, a.file) == ("images/val/a.jpg", folder / "images/val/a.jpg")
    dog, cat = a.annotations
    assert (dog.label, dog.shape, dog.track) == ("dog", Rectangle(75, 25, 125, 75), None)
    assert (cat.label, cat.track) == ("cat", 7)
    assert isinstance(cat.shape, Rectangle)
    assert dataclasses.astuple(cat.shape) == pytest.approx((10, 5, 30, 15, 0))
    assert b.annotations == ()


def test_polygons_and_boxes_may_be_in_one_dataset(write_files: WriteFiles) -> None:
    rows = "0 0 0 0.5 0 0.5 0.5\n1 0.5 0.5 0.25 0.5\n0 0 0 0.5 0 0.5 0.5 0 0.5 3"
    with open_dataset(write(write_files, rows)) as dataset:
        triangle, box, square = dataset[0].annotations
    assert triangle.shape == Polygons(((0, 0, 100, 0, 100, 50),))
    assert box.shape == Rectangle(75, 25, 125, 75)
    assert square.shape == Polygons(((0, 0, 100, 0, 100, 50, 0, 50),))
    assert square.track == 3


def test_rows_of_four_points_alone_are_oriented_boxes(write_files: WriteFiles) -> None:
    # A square with the corners above, right, below and left of its center (100, 50).
    rows = "1 0.5 0.1 0.7 0.5 0.5 0.9 0.3 0.5"
    with open_dataset(write(write_files, rows)) as dataset:
        (square,) = dataset[0].annotations
    assert isinstance(square.shape, Rectangle)
    assert square.shape.rotation % 90 == pytest.approx(45)
    box = square.shape
    side = 40 * 2**0.5
    assert (box.x1, box.y1, box.x2, box.y2) == pytest.approx(
        (100 - side / 2, 50 - side / 2, 100 + side / 2, 50 + side / 2), abs=1e-3
    )


@pytest.mark.parametrize("rotation", [0, 10, 45, 80])
def test_oriented_boxes_are_rotated_clockwise(write_files: WriteFiles, rotation: float) -> None:
    angle = np.radians(rotation)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners = np.array([[-40, -10], [40, -10], [40, 10], [-40, 10]]) @ turn + (100, 50)
    numbers = " ".join(f"{number:.6f}" for number in (corners / SIZE).ravel())
    with open_dataset(write(write_files, f"0 {numbers}")) as dataset:
        box = dataset[0].annotations[0].shape
    assert isinstance(box, Rectangle)
    center = np.array([box.x1 + box.x2, box.y1 + box.y2]) / 2
    angle = np.radians(box.rotation)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    half = np.array([box.x2 - box.x1, box.y2 - box.y1]) / 2
    found = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half @ turn + center
    distances = np.linalg.norm(corners[:, None] - found[None], axis=2)
    assert distances.min(1) == pytest.approx(0, abs=0.01)


def test_keypoints_have_a_box_and_a_visibility(write_files: WriteFiles) -> None:
    yaml = YAML + "kpt_shape: [2, 3]\n"
    rows = "0 0.5 0.5 0.25 0.5 0.5 0.5 2 0 0 0\n0 0.5 0.5 0.25 0.5 0.5 0.5 1 0.1 0.2 2 9"
    with open_dataset(write(write_files, rows, yaml)) as dataset:
        first, second = dataset[0].annotations
    assert isinstance(first.shape, Keypoints)
    assert first.shape.points.tolist() == [[100, 50], [0, 0]]
    assert first.shape.visibility.tolist() == [2, 0]
    assert first.shape.box == (75, 25, 125, 75)
    assert isinstance(second.shape, Keypoints)
    assert second.track == 9
    assert second.shape.points.tolist() == [[100, 50], [20, 20]]


def test_the_size_is_that_of_the_upright_image(write_files: WriteFiles) -> None:
    folder = write(write_files, "0 0.5 0.5 0.25 0.5")
    file = folder / "images/val/a.jpg"
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    data = file.read_bytes()
    file.write_bytes(data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2) + exif + data[2:])
    image = cv2.imread(str(file))
    assert image is not None
    assert image.shape[:2] == (200, 100)
    with open_dataset(folder) as dataset:
        assert dataset[0].annotations[0].shape == Rectangle(37.5, 50, 62.5, 150)


def test_roboflows_paths_are_found(write_files: WriteFiles) -> None:
    yaml = "train: ../train/images\nval: ../valid/images\nnc: 1\nnames: ['cat']\n"
    folder = write_files(
        {
            "data.yaml": yaml,
            "valid/images/a.jpg": SIZE,
            "valid/labels/a.txt": "0 0.5 0.5 0.25 0.5",
        }
    )
    with open_dataset(folder) as dataset:
        assert dataset[0].annotations[0].shape == Rectangle(75, 25, 125, 75)


def test_cvats_ultralytics_export_lists_its_images(write_files: WriteFiles) -> None:
    folder = write_files(
        {
            "data.yaml": "path: ./\ntrain: train.txt\nnames:\n  0: cat\n",
            "train.txt": "data/images/train/b.jpg\ndata/images/train/a.jpg\n",
            "images/train/a.jpg": SIZE,
            "images/train/b.jpg": SIZE,
            "labels/train/a.txt": "0 0.5 0.5 0.25 0.5",
        }
    )
    with open_dataset(folder) as dataset:
        assert dataset.format == "YOLO, train"
        a, b = dataset
    assert (len(a.annotations), len(b.annotations)) == (1, 0)
    (folder / "images/train").rename(folder.parent / "elsewhere")
    with open_dataset(folder, folder.parent / "elsewhere") as dataset:
        assert [len(image.annotations) for image in dataset] == [1, 0]


def test_roboflows_labels_are_found_without_the_images(write_files: WriteFiles) -> None:
    folder = write_files(
        {
            "data.yaml": "val: ../valid/images\nnames: [cat]\n",
            "other/a.jpg": SIZE,
            "valid/labels/a.txt": "0 0.5 0.5 0.25 0.5",
        }
    )
    with open_dataset(folder, folder / "other") as dataset:
        assert dataset[0].annotations[0].shape == Rectangle(75, 25, 125, 75)


def test_an_export_without_images_takes_them_from_elsewhere(write_files: WriteFiles) -> None:
    folder = write(write_files, "0 0.5 0.5 0.25 0.5")
    (folder / "images/val").rename(folder.parent / "elsewhere")
    (folder / "images").rmdir()
    with pytest.raises(DatasetError, match="not found in the dataset"):
        open_dataset(folder)
    with open_dataset(folder, folder.parent / "elsewhere") as dataset:
        assert [len(image.annotations) for image in dataset] == [1, 0]


def test_cvats_yolo_export_has_labels_beside_images(write_files: WriteFiles) -> None:
    folder = write_files(
        {
            "obj.data": "classes = 1\ntrain = data/train.txt\nnames = data/obj.names\n",
            "obj.names": "cat\n",
            "train.txt": "data/obj_train_data/a.jpg\n",
            "obj_train_data/a.jpg": SIZE,
            "obj_train_data/a.txt": "0 0.5 0.5 0.25 0.5",
        }
    )
    with open_dataset(folder) as dataset:
        assert dataset.labels == ("cat",)
        assert dataset[0].annotations[0].shape == Rectangle(75, 25, 125, 75)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("0 0.5 0.5 0.25", "has 3 numbers after the class ID"),
        ("2 0.5 0.5 0.25 0.5", "unknown class ID"),
        ("cat 0.5 0.5 0.25 0.5", "is not a valid integer"),
        ("0 0.5 nan 0.25 0.5", "is not a finite number"),
        ("0 0.5 0.5 -0.25 0.5", "has a negative size"),
        ("0 100 50 25 50", "are not divided by the image's size"),
        ("0 0.5 0.5 0.25 0.5 0.9", "is not a valid integer"),
    ],
)
def test_an_invalid_row_is_reported_with_its_line(
    write_files: WriteFiles, rows: str, message: str
) -> None:
    folder = write(write_files, f"0 0.5 0.5 0.25 0.5\n{rows}\n")
    with open_dataset(folder) as dataset, pytest.raises(DatasetError, match=message) as caught:
        dataset[0]
    (problem,) = caught.value.problems
    assert (problem.file, problem.line) == (folder / LABELS, 2)


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("names: [cat]\n", "names no images"),
        ("names: [cat]\nval: images/nothing\n", "not found in the dataset"),
        ("names: [cat]\nval: /etc\n", "not found in the dataset"),
        ("names: [cat]\nval: images/val\nkpt_shape: [17, 4]\n", "is not a shape of keypoints"),
        ("names: {x: cat}\nval: images/val\n", "is not a valid integer"),
        ("names: [cat\n", "data.yaml:"),
    ],
)
def test_an_invalid_description_is_refused(
    write_files: WriteFiles, yaml: str, message: str
) -> None:
    with pytest.raises(DatasetError, match=message):
        open_dataset(write(write_files, "", yaml))


def test_an_image_that_cannot_be_read_has_a_fault_and_no_annotations(
    write_files: WriteFiles,
) -> None:
    folder = write(write_files, "0 0.5 0.5 0.25 0.5")
    (folder / "images/val/a.jpg").write_bytes(b"\xff\xd8\xff\xc0")
    with open_dataset(folder) as dataset:
        assert dataset[0].fault == "is not a readable image"
        assert dataset[0].annotations == ()
        assert [it.fault for it in dataset][1:] == [""] * (len(dataset) - 1)
