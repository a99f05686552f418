"""`evaluate` and `parity` for every family of detectors, on made data.

The models of the zoo find one known object in every image. The truth is that object, so every
figure is at its maximum, and the variants agree.
"""

import json
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np
import pytest

from builder.evaluation import evaluate
from builder.evaluation.parity import comparison
from builder.manifest.variants import VARIANTS, VariantName
from tests.builder.cli.invoke import invoke
from tests.local_function import LocalFunction
from tests.test_evaluations import write_cvat
from tests.test_recognition import built
from tests.zoo import BOX, ENTRIES
from tests.zoo.entry import Entry
from tests.zoo.faces import MARKS

pytestmark = pytest.mark.slow

Point = tuple[int, int]
Figures = dict[str, Any]

KEYPOINTS: dict[str, list[Point]] = {
    "yolov8_pose": 17 * [(20, 10)],
    "end2end_pose": 17 * [(20, 10)],
    "yolov7_pose": 17 * [(20, 10)],
    "yolov5_face": [(20, 10), (24, 10), (22, 12), (20, 14), (24, 14)],
    "yunet": [*MARKS],
    "scrfd": [*MARKS],
    "retinaface": [*MARKS],
    "blazeface": [*MARKS, MARKS[-1]],
    "hrnet": 17 * [(24, 16)],
    "rtmpose": 17 * [(20, 30)],
    "movenet": 17 * [(16, 32)],
    "movenet_multi": 17 * [(16, 32)],
    "rtmo": 17 * [(20, 12)],
    "face_landmarks": [(16, 8), (48, 24), *66 * [(32, 16)]],
}
"""Model -> the keypoints that it finds, in its own order."""


class InProcess(LocalFunction):
    """A function in the test process, in place of a FunctionProcess; see LocalFunction."""

    log: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __init__(self, folder: Path, variant: VariantName, **_: bool) -> None:
        super().__init__(folder, variant)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def wait_until_started(self) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def _in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "FunctionProcess", InProcess)
    monkeypatch.setattr(comparison, "FunctionProcess", InProcess)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("zoo")


def dataset(folder: Path, name: str, function: Path, moved: float = 0) -> Path:
    """Two gray images with the object that a model finds, or with the object moved down."""
    entry = ENTRIES[name]
    images = folder / "images"
    images.mkdir(parents=True)
    for number, gray in enumerate((77, 140)):
        cv2.imwrite(str(images / f"{number}.png"), np.full((*entry.size, 3), gray, np.uint8))
    labels = LocalFunction(function, "cpu").labels
    if entry.found[1] == "tag":
        label = labels[0]["name"] if moved else entry.found[0]
        tag = f'<tag label="{label}" source="manual"></tag>'
        body = "".join(
            f'<image id="{it}" name="{it}.png" width="64" height="64">{tag}</image>'
            for it in range(2)
        )
        return write_cvat(folder, [it["name"] for it in labels], body)
    height, width = entry.size
    categories = [
        {
            "id": number,
            "name": label["name"],
            "keypoints": [it["name"] for it in label.get("sublabels", ())],
        }
        for number, label in enumerate(labels, 1)
    ]
    (category,) = (it["id"] for it in categories if it["name"] == entry.found[0])
    annotation = shape(name, entry, moved)
    file = folder / "instances.json"
    coco = {
        "images": [
            {"id": it, "file_name": f"{it}.png", "width": width, "height": height}
            for it in range(2)
        ],
        "categories": categories,
        "annotations": [
            {"id": 1 + it, "image_id": it, "category_id": category, "iscrowd": 0, **annotation}
            for it in range(2)
        ],
    }
    file.write_text(json.dumps(coco))
    return file


def shape(name: str, entry: Entry, moved: float) -> dict[str, Any]:
    """The known object as COCO writes it."""
    _, kind, (x1, y1, x2, y2) = entry.found
    if kind == "skeleton":
        # The points alone may have no extent; the object around them is as large as BOX.
        x1, y1, x2, y2 = BOX
    elif kind == "mask":
        # The last column and row belong to a mask.
        x2, y2 = x2 + 1, y2 + 1
    y1, y2 = y1 + moved, y2 + moved
    found: dict[str, Any] = {"bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1)}
    if kind == "skeleton":
        points = KEYPOINTS[name]
        found["keypoints"] = [value for x, y in points for value in (x, y + moved, 2)]
        found["num_keypoints"] = len(points)
    elif kind in ("mask", "polygon"):
        found["segmentation"] = [[x1, y1, x2, y1, x2, y2, x1, y2]]
    return found


def figures(function: Path, data: Path, store: Path) -> list[Figures]:
    """The figures of both variants."""
    variants = [word for variant in VARIANTS for word in ("--variant", variant)]
    options: list[str | Path] = [*variants, "--json", "--store", store]
    if data.is_file():
        options += ["--images", data.parent / "images"]
    status, out, err = invoke("evaluate", function, data, *options)
    assert status == 0, out + err
    return [json.loads(line) for line in out.splitlines()]


MEASURES = {
    "rectangle": ("boxes", "map50_95"),
    "polygon": ("masks", "map50_95"),
    "mask": ("masks", "map50_95"),
    "skeleton": ("keypoints", "map50_95"),
    "tag": ("tags", "map"),
}
"""Type of a shape -> the measure that `evaluate` chooses, and its strictest figure."""


@pytest.mark.parametrize("name", ENTRIES)
def test_an_evaluation_finds_the_known_object(folder: Path, tmp_path: Path, name: str) -> None:
    function = built(folder, name)
    measure, metric = MEASURES[ENTRIES[name].found[1]]
    for moved, value in ((0, 1), (24, 0)):
        data = dataset(tmp_path / str(moved), name, function, moved)
        found = figures(function, data, tmp_path)
        expected = [(variant, measure, value) for variant in VARIANTS]
        assert [(it["variant"], it["measure"], it[metric]) for it in found] == expected


@pytest.mark.parametrize("name", ENTRIES)
def test_the_variants_agree(folder: Path, tmp_path: Path, name: str) -> None:
    function = built(folder, name)
    dataset(tmp_path / "data", name, function)
    status, out, err = invoke("parity", function, tmp_path / "data" / "images", "--json")
    assert status == 0, out + err
    found = json.loads(out)
    assert (found["images"], found["items"], found["pairs"]) == (2, [2, 2], 2)
    assert (found["within"], found["unmatched"]) == (True, [])
