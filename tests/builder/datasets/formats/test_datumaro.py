import copy
import json
from pathlib import Path
from typing import Any

import pytest

from builder.datasets.annotation import Ellipse, Keypoints, Rectangle
from builder.datasets.registry import open_dataset
from builder.diagnostics.errors import DatasetError
from tests.builder.datasets.conftest import WriteFiles

# As CVAT exports a task with tracks, rotated boxes and skeletons.
DATA: dict[str, Any] = {
    "info": {},
    "categories": {
        "label": {
            "labels": [
                {"name": "car", "parent": "", "attributes": []},
                {"name": "person", "parent": "", "attributes": []},
                {"name": "nose", "parent": "person", "attributes": []},
                {"name": "hand", "parent": "person", "attributes": []},
            ],
            "attributes": ["occluded"],
        },
        "points": {"items": [{"label_id": 1, "labels": ["nose", "hand"], "joints": [[1, 2]]}]},
    },
    "items": [
        {
            "id": "a/1",
            "annotations": [
                {"id": 0, "type": "bbox", "label_id": 0, "bbox": [1, 2, 3, 4],
                 "attributes": {"rotation": 30.0, "track_id": 4, "occluded": False}},
                {"id": 0, "type": "bbox", "label_id": 0, "bbox": [1, 2, 3, 4],
                 "attributes": {"outside": True}},
                {"id": 0, "type": "skeleton", "label_id": 1, "elements": [
                    {"type": "points", "label_id": 3, "points": [5, 6], "visibility": [1]},
                    {"type": "points", "label_id": 2, "points": [7, 8], "visibility": [0]}]},
                {"id": 0, "type": "ellipse", "label_id": 0, "points": [1, 2, 5, 8]},
                {"id": 0, "type": "polyline", "label_id": 0, "points": [1, 2, 5, 8]},
            ],
            "image": {"path": "a/1.jpg", "size": [48, 64]},
        },
        {"id": "a/2", "annotations": [], "media": {"path": ""}},
    ],
}  # fmt: skip
FILE = "annotations/default.json"


def write(write_files: WriteFiles, data: Any) -> Path:
    images = {f"images/default/a/{number}.jpg": (64, 48) for number in (1, 2)}
    return write_files({FILE: json.dumps(data), **images})


def test_cvats_export_is_read(write_files: WriteFiles) -> None:
    folder = write(write_files, DATA)
    for path in (folder, folder / FILE):
        with open_dataset(path) as dataset:
            assert dataset.format == "Datumaro, default"
            assert dataset.labels == ("car", "person")
            first, second = dataset
    assert (second.name, second.file.name, second.annotations) == ("a/2", "2.jpg", ())
    box, person, ellipse = first.annotations
    assert (box.shape, box.track) == (Rectangle(1, 2, 4, 6, 30), 4)
    assert isinstance(person.shape, Keypoints)
    assert person.shape.names == ("nose", "hand")
    assert person.shape.points.tolist() == [[7, 8], [5, 6]]
    assert person.shape.visibility.tolist() == [0, 1]
    assert ellipse.shape == Ellipse(3, 5, 2, 3)


@pytest.mark.parametrize(
    ("number", "key", "value", "message"),
    [
        (0, "label_id", 9, r"items\[0\].annotations\[0\].label_id: unknown label"),
        (0, "label_id", None, r"annotations\[0\]: has no `label_id`"),
        (0, "bbox", [1, 2, 3], "bbox: has 3 numbers"),
        (0, "bbox", [1, 2, -3, 4], "bbox: has a negative size"),
        (0, "type", "polygon", "has no `points`"),
        (2, "elements", [{"type": "points", "label_id": 0, "points": [1, 2]}], "not a keypoint of"),
    ],
)
def test_an_invalid_annotation_is_reported_with_its_path(
    write_files: WriteFiles, number: int, key: str, value: Any, message: str
) -> None:
    data = copy.deepcopy(DATA)
    data["items"][0]["annotations"][number][key] = value
    with (
        open_dataset(write(write_files, data)) as dataset,
        pytest.raises(DatasetError, match=message),
    ):
        list(dataset)
