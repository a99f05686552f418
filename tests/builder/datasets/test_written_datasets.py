"""The same dataset in several formats, written by Datumaro; see written/README.md."""

import dataclasses
import random
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO

from builder.datasets.annotation import Annotation, Keypoints, Mask, Polygons, Rectangle, Tag
from builder.datasets.registry import open_dataset
from builder.diagnostics.errors import DatasetError
from runtimes.arrays import Array

WRITTEN = Path(__file__).parent / "written"
BOXES: dict[str, list[tuple[str, tuple[float, ...]]]] = {
    "a": [("cat", (1.5, 2, 11.5, 22)), ("dog", (30, 5, 50.25, 15))],
    "b": [],
    "c": [("dog", (0, 0, 64, 48))],
}
MASK = np.zeros((48, 64), bool)
MASK[10:20, 5:30] = True
MASK[12, 7] = False


TOKENS = (
    "null",
    "-1",
    "1e999",
    "NaN",
    "{}",
    "[]",
    '""',
    "\0",
    "\x80",
    "9" * 30,
    "../",
    "0.5",
    ";",
    "",
)


def boxes(annotations: tuple[Annotation, ...]) -> list[tuple[str, tuple[float, ...]]]:
    found = []
    for it in annotations:
        assert isinstance(it.shape, Rectangle)
        found.append((it.label, dataclasses.astuple(it.shape)[:4]))
    return found


def full(mask: object) -> Array:
    assert isinstance(mask, Mask)
    bitmap = np.zeros_like(MASK)
    height, width = mask.bitmap.shape
    bitmap[mask.top : mask.top + height, mask.left : mask.left + width] = mask.bitmap
    return bitmap


@pytest.mark.parametrize(
    ("path", "format_"),
    [
        ("coco", "COCO, val"),
        ("cvat/val.xml", "CVAT for images"),
        ("yolo", "YOLO, val"),
        ("mot", "MOT"),
    ],
)
def test_boxes_are_the_same_in_every_format(path: str, format_: str) -> None:
    with open_dataset(WRITTEN / path) as dataset:
        assert dataset.format == format_
        assert dataset.labels == ("cat", "dog", "person")
        assert len(dataset) == 3
        for image, (name, expected) in zip(dataset, BOXES.items(), strict=True):
            assert image.file.is_file()
            if path != "mot":
                assert image.file.stem == name
            found = boxes(image.annotations)
            assert [label for label, _ in found] == [label for label, _ in expected]
            for (_, box), (_, right) in zip(found, expected, strict=True):
                assert box == pytest.approx(right, abs=1e-3)


def test_tracks_are_read() -> None:
    with open_dataset(WRITTEN / "mot") as dataset:
        assert [[it.track for it in image.annotations] for image in dataset] == [[1, 2], [], [1]]


def test_coco_is_as_pycocotools_reads_it(capsys: pytest.CaptureFixture[str]) -> None:
    official = COCO(str(WRITTEN / "coco/annotations/instances_val.json"))
    with open_dataset(WRITTEN / "coco") as dataset:
        for image in dataset:
            (number,) = [it["id"] for it in official.imgs.values() if it["file_name"] == image.name]
            expected = official.imgToAnns[number]
            assert [it.area for it in image.annotations] == [it["area"] for it in expected]
            for (label, (x1, y1, x2, y2)), it in zip(
                boxes(image.annotations), expected, strict=True
            ):
                assert label == official.cats[it["category_id"]]["name"]
                assert [x1, y1, x2 - x1, y2 - y1] == it["bbox"]


def test_datumaros_shapes_are_read() -> None:
    with open_dataset(WRITTEN / "datumaro") as dataset:
        assert dataset.format == "Datumaro, val"
        assert dataset.labels == ("cat", "dog", "person")
        a, b = dataset
    assert (a.name, a.file) == ("a", WRITTEN / "datumaro/images/val/a.jpg")
    assert b.annotations == ()
    box, polygon, mask, points, person, tag = a.annotations
    assert (box.label, box.shape) == ("cat", Rectangle(1.5, 2, 11.5, 22))
    assert box.attributes == {"occluded": "True", "color": "red"}
    assert (polygon.label, polygon.shape) == ("dog", Polygons(((1, 2, 30, 2.5, 4, 20),)))
    assert np.array_equal(full(mask.shape), MASK)
    assert isinstance(points.shape, Keypoints)
    assert points.shape.names == ("nose", "hand")
    assert points.shape.points.tolist() == [[1, 2], [3.5, 4]]
    assert points.shape.visibility.tolist() == [2, 1]
    assert (person.label, person.shape) == ("person", Rectangle(1, 1, 10, 10))
    assert (tag.label, tag.shape) == ("dog", Tag())


def test_keypoints_of_coco_are_read() -> None:
    with open_dataset(WRITTEN / "keypoints") as dataset:
        (person,) = dataset[0].annotations
    assert isinstance(person.shape, Keypoints)
    assert person.shape.names == ("nose", "hand")
    assert person.shape.points.tolist() == [[1, 2], [3.5, 4]]
    assert person.shape.visibility.tolist() == [2, 1]
    assert person.shape.box == (1, 1, 10, 10)


@pytest.mark.parametrize("folder", ["voc", "voc_plain"])
def test_masks_are_read_as_objects(folder: str) -> None:
    with open_dataset(WRITTEN / folder) as dataset:
        assert dataset.format == "Segmentation mask, val"
        assert dataset.labels == ("cat", "dog", "person")
        a, b = dataset
    assert b.annotations == ()
    found = {(it.label, full(it.shape).tobytes()) for it in a.annotations}
    assert found == {
        ("cat", MASK.tobytes()),
        ("cat", np.roll(MASK, 25, 1).tobytes()),
        ("dog", np.roll(MASK, 20, 0).tobytes()),
    }


def test_identities_are_read() -> None:
    with open_dataset(WRITTEN / "market") as dataset:
        assert dataset.format == "Market-1501, test"
        assert dataset.labels == ("person",)
        gallery, query = (image.annotations[0] for image in dataset)
    assert gallery.attributes == {"identity": "0002", "camera": "2", "query": "false"}
    assert query.attributes == {"identity": "0002", "camera": "1", "query": "true"}


def test_folders_are_labels() -> None:
    with open_dataset(WRITTEN / "imagenet") as dataset:
        assert dataset.labels == ("cat", "dog")
        assert [(image.name, image.annotations) for image in dataset] == [
            ("cat/a.jpg", (Annotation("cat", Tag()),)),
            ("dog/b.jpg", (Annotation("dog", Tag()),)),
        ]


@pytest.mark.parametrize("seed", range(4))
def test_damaged_datasets_are_read_or_refused(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    texts = (".json", ".xml", ".txt", ".data", ".names")
    files = [file for file in sorted(WRITTEN.rglob("*")) if file.suffix in texts]
    for number in range(40):
        file = draw.choice(files).relative_to(WRITTEN)
        folder = tmp_path / str(number)
        shutil.copytree(WRITTEN / file.parts[0], folder / file.parts[0])
        data = (folder / file).read_text("latin-1")
        parts = list(re.finditer(r'"[^"]*"|-?[\d.]+|\[[^\[\]]*\]|\w+|\W', data))
        if not parts:
            continue
        part = draw.choice(parts)
        data = data[: part.start()] + draw.choice(TOKENS) + data[part.end() :]
        (folder / file).write_text(data, "latin-1")
        path = folder / ("cvat/val.xml" if file.parts[0] == "cvat" else file.parts[0])
        try:
            with open_dataset(path) as dataset:
                list(dataset)
        except DatasetError as error:
            (problem,) = error.problems
            assert problem.what
            assert problem.file is not None
