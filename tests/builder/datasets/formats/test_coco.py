import copy
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as official

from builder.datasets.annotation import Keypoints, Mask, Polygons, Rectangle
from builder.datasets.registry import open_dataset
from builder.diagnostics.errors import DatasetError
from runtimes.arrays import Array
from tests.builder.datasets.conftest import WriteFiles

BITMAP = np.zeros((48, 64), bool)
BITMAP[10:20, 5:30] = True
BITMAP[12, 7] = False


def compressed(bitmap: Array) -> dict[str, Any]:
    rle = official.encode(np.asfortranarray(bitmap.astype(np.uint8)))
    return {"size": rle["size"], "counts": rle["counts"].decode()}


def uncompressed(bitmap: Array) -> dict[str, Any]:
    flat = [0, *bitmap.T.ravel().astype(int).tolist()]
    changes = [index for index in range(1, len(flat)) if flat[index] != flat[index - 1]]
    ends = [1, *changes, len(flat)]
    counts = [end - start for start, end in itertools.pairwise(ends)]
    return {"size": list(bitmap.shape), "counts": counts}


DATA: dict[str, Any] = {
    "info": {"version": 1},
    "annotations": [
        {"id": 1, "image_id": 12, "category_id": 5, "bbox": [1.5, 2, 10, 20], "iscrowd": 0,
         "segmentation": [], "area": 200.5, "attributes": {"occluded": False, "color": "red"}},
        {"id": 2, "image_id": 3, "category_id": 5, "bbox": [1, 2, 3, 4], "area": 3,
         "segmentation": [[1, 2, 4, 2, 4, 6], [10, 10, 12, 10, 12, 12, 10, 12]]},
        {"id": 3, "image_id": 12, "category_id": 5, "bbox": [5, 10, 25, 10], "iscrowd": 1,
         "segmentation": compressed(BITMAP), "area": 249},
        {"id": 4, "image_id": 12, "category_id": 5, "bbox": [5, 10, 25, 10], "ignore": 1,
         "segmentation": uncompressed(BITMAP), "area": 249},
        {"id": 5, "image_id": 12, "category_id": 1, "bbox": [0, 0, 9, 9], "area": 81,
         "keypoints": [1, 2, 2, 3.5, 4, 1, 0, 0, 0], "num_keypoints": 2},
    ],
    "images": [
        {"id": 12, "file_name": "b.jpg", "width": 64, "height": 48},
        {"id": 3, "file_name": "a.jpg", "width": 64, "height": 48},
        {"id": 4, "file_name": "c.jpg", "width": 64, "height": 48},
    ],
    "categories": [
        {"id": 5, "name": "cat", "supercategory": "animal"},
        {"id": 1, "name": "person", "keypoints": ["nose", "hand", "foot"], "skeleton": [[1, 2]]},
    ],
}  # fmt: skip
SIZE = (64, 48)
CVAT = "annotations/instances_default.json"


def write(write_files: WriteFiles, data: Any = DATA, name: str = CVAT) -> Path:
    images = {f"images/default/{letter}.jpg": SIZE for letter in "abc"}
    return write_files({name: json.dumps(data), **images})


def full(mask: Mask) -> Array:
    bitmap = np.zeros_like(BITMAP)
    height, width = mask.bitmap.shape
    bitmap[mask.top : mask.top + height, mask.left : mask.left + width] = mask.bitmap
    return bitmap


def test_annotations_in_any_order_are_read_with_their_images(write_files: WriteFiles) -> None:
    with open_dataset(write(write_files)) as dataset:
        assert dataset.format == "COCO, default"
        assert dataset.labels == ("cat", "person")
        b, a, c = dataset
    assert (b.name, a.name, c.name) == ("b.jpg", "a.jpg", "c.jpg")
    assert c.annotations == ()
    box, crowd, person = b.annotations
    assert box.shape == Rectangle(1.5, 2, 11.5, 22)
    assert (box.label, box.area, box.crowd) == ("cat", 200.5, False)
    assert box.attributes == {"occluded": "False", "color": "red"}
    assert crowd.crowd
    assert isinstance(crowd.shape, Mask)
    assert np.array_equal(full(crowd.shape), BITMAP)
    assert crowd.shape.bitmap.shape == (10, 25)
    (ignored,) = b.ignored
    assert isinstance(ignored, Mask)
    assert np.array_equal(full(ignored), BITMAP)
    assert isinstance(person.shape, Keypoints)
    assert person.shape.names == ("nose", "hand", "foot")
    assert person.shape.points.tolist() == [[1, 2], [3.5, 4], [0, 0]]
    assert person.shape.visibility.tolist() == [2, 1, 0]
    assert person.shape.box == (0, 0, 9, 9)
    (polygons,) = a.annotations
    assert polygons.shape == Polygons(((1, 2, 4, 2, 4, 6), (10, 10, 12, 10, 12, 12, 10, 12)))


@pytest.mark.parametrize(
    ("name", "folder", "opened"),
    [
        (CVAT, "images/default", ""),
        (CVAT, "images", CVAT),
        ("annotations/instances_val2017.json", "val2017", ""),
        ("valid/_annotations.coco.json", "valid", ""),
        ("_annotations.coco.json", "", ""),
        ("anything.json", "images", "anything.json"),
    ],
)
def test_images_are_found_in_known_layouts(
    write_files: WriteFiles, name: str, folder: str, opened: str
) -> None:
    images = {f"{folder}/{letter}.jpg".lstrip("/"): SIZE for letter in "abc"}
    root = write_files({name: json.dumps(DATA), **images})
    with open_dataset(root / opened) as dataset:
        assert [image.file for image in dataset] == [root / folder / f"{it}.jpg" for it in "bac"]


def test_the_validation_part_of_several_is_read(write_files: WriteFiles) -> None:
    names = [f"annotations/{it}.json" for it in ("instances_train2017", "instances_val2017")]
    images = {f"{part}2017/{it}.jpg": SIZE for part in ("train", "val") for it in "abc"}
    root = write_files({**dict.fromkeys(names, json.dumps(DATA)), **images})
    with open_dataset(root) as dataset:
        assert dataset.format == "COCO, val2017"
        assert dataset[0].file.parent.name == "val2017"
    (root / "annotations/person_keypoints_val2017.json").write_text(json.dumps(DATA))
    with pytest.raises(DatasetError, match="has several parts"):
        open_dataset(root)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("annotations", 0, "bbox"), [1, 2, 3], r"annotations\[0\].bbox: has 3 numbers"),
        (("annotations", 0, "bbox"), [1, 2, None, 3], r"\[0\].bbox\[2\]: is not a finite number"),
        (("annotations", 0, "bbox"), [1, 2, -1, 3], "has a negative size"),
        (("annotations", 0, "bbox"), None, r"annotations\[0\]: has no `bbox`"),
        (("annotations", 1, "segmentation"), [[1, 2, 3, 4]], "is not a polygon"),
        (("annotations", 1, "segmentation"), [1, 2, 3, 4, 5, 6], "is not a list of polygons"),
        (("annotations", 2, "segmentation", "size"), [48, 63], "is not the size of the image"),
        (("annotations", 3, "segmentation", "counts"), [3, 3070], "has 3073 pixels for a mask"),
        (("annotations", 2, "segmentation", "counts"), "~~", "is not RLE of the COCO API"),
        (("annotations", 3, "segmentation", "counts"), [-1, 3073], "run of invalid length"),
        (("annotations", 4, "keypoints"), [1, 2, 2], "keypoints: has 3 numbers"),
        (("annotations", 4, "keypoints"), [1, 2, 7] * 3, "has an invalid visibility"),
        (("annotations", 0, "category_id"), 2, "category_id: unknown category"),
        (("annotations", 0, "image_id"), 2, "an annotation is of an unknown image"),
        (("images", 0, "id"), 3, "two images have the same ID"),
        (("images", 0, "file_name"), "a.jpg", "has the name of another image"),
        (("images", 0, "file_name"), "x/a.jpg", "two images have the same file"),
        (("images", 0, "file_name"), "../a.jpg", "is the path of an image outside the dataset"),
        (("categories", 0, "id"), 1, "is the ID of another category"),
        (("categories", 0, "name"), "", "name: is not a text"),
        (("categories", 0, "name"), "\x1b[2J", "name: is not the name of a label"),
        (("annotations", 0, "id"), 2**70, "is not valid JSON|cannot be read"),
        (("images", 0, "file_name"), "\ud800.jpg", "image not found"),
        (("images", 0, "id"), [], "an annotation is of an unknown image"),
        (("images",), [], "has no images"),
    ],
)
def test_an_invalid_value_is_reported_with_its_path(
    write_files: WriteFiles, path: tuple[str | int, ...], value: Any, message: str
) -> None:
    data: Any = copy.deepcopy(DATA)
    part = data
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    if path == ("images",):
        data["annotations"] = []
    folder = write(write_files, data)
    with pytest.raises(DatasetError, match=message), open_dataset(folder) as dataset:
        list(dataset)


@pytest.mark.parametrize("change", [lambda it: it[:900], lambda it: it.replace("200.5", "NaN")])
def test_invalid_json_is_refused(write_files: WriteFiles, change: Any) -> None:
    folder = write(write_files)
    (folder / CVAT).write_text(change(json.dumps(DATA)))
    with pytest.raises(DatasetError, match="is not valid JSON"):
        open_dataset(folder / CVAT)


def test_a_mask_that_would_fill_the_memory_is_refused(write_files: WriteFiles) -> None:
    data = copy.deepcopy(DATA)
    del data["images"][0]["width"]
    data["annotations"][2]["segmentation"]["size"] = [9**9, 9**9]
    with (
        open_dataset(write(write_files, data)) as dataset,
        pytest.raises(DatasetError, match="is a mask of"),
    ):
        dataset[0]


def test_random_masks_are_those_of_the_coco_api(write_files: WriteFiles) -> None:
    generator = np.random.default_rng(0)
    bitmaps = [generator.random((48, 64)) < part for part in (0, 0.02, 0.5, 1)]
    data = {
        "categories": DATA["categories"],
        "images": DATA["images"][:1],
        "annotations": [
            {"id": number, "image_id": 12, "category_id": 5, "segmentation": encode(bitmap)}
            for number, bitmap in enumerate(bitmaps)
            for encode in (compressed, uncompressed)
        ],
    }
    with open_dataset(write(write_files, data)) as dataset:
        annotations = dataset[0].annotations
    for number, found in enumerate(annotations):
        assert isinstance(found.shape, Mask)
        assert np.array_equal(full(found.shape), bitmaps[number // 2])
