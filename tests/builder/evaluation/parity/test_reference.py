import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from builder.evaluation.measure import Unanswered
from builder.evaluation.parity.pictures import File, Picture, files_of, pictures
from builder.evaluation.parity.reference import Reference
from tests.builder.conftest import failure, png

STAR = {
    "name": "star",
    "type": "skeleton",
    "sublabels": [{"name": "top", "type": "points"}, {"name": "left", "type": "points"}],
}
LABELS: list[dict[str, Any]] = [
    {"name": "cat", "type": "rectangle"},
    {"name": "blob", "type": "mask"},
    {"name": "night", "type": "tag"},
    {"name": "thing", "type": "any"},
    {"name": "road", "type": "polyline"},
    STAR,
]


def write(folder: Path, *detections: dict[str, Any], **changes: Any) -> Path:
    """A reference with the answers for a.png, an image of 4x3 pixels."""
    answers = {"width": 4, "height": 3, "detections": detections}
    content = {"version": 1, "images": {"a.png": answers}, **changes}
    file = folder / "reference.json"
    file.write_text(json.dumps(content))
    return file


def picture(folder: Path, width: int = 4, height: int = 3) -> Picture:
    """The image."""
    (folder / "a.png").write_bytes(png(width, height))
    (found,) = pictures(files_of([folder / "a.png"]))
    return found


def items(folder: Path, *detections: dict[str, Any]) -> list[Any]:
    """The items for detections in the image."""
    return Reference(write(folder, *detections), LABELS)(picture(folder))


def test_each_label_gets_the_shape_that_it_has_in_the_function(tmp_path: Path) -> None:
    everything = {
        "confidence": 0.5,
        "box": [0, 1, 2, 3],
        "mask": [5, 2, 5],
        "keypoints": [[1, 2, 0.9], [3, 0, 0.1]],
        "attributes": {"color": "red"},
    }
    names = ["cat", "blob", "night", "star", "thing"]
    found = items(tmp_path, *({"label": name, **everything} for name in names))
    assert [it.form for it in found] == ["box", "region", "tag", "skeleton", "box"]
    assert {it.confidence for it in found} == {0.5}
    assert found[0].attributes == {"color": "red"}
    cat, blob, _, star, _ = found
    assert cat.points.tolist() == [[0, 1], [2, 1], [2, 3], [0, 3]]
    # Rows of 4 pixels: the fifth and sixth pixel are the second and third of the second row.
    assert (blob.region.left, blob.region.top) == (1, 1)
    assert blob.region.bitmap.tolist() == [[True, True]]
    # In the order of the names, left before top; a confidence below one half is not visible.
    assert star.points.tolist() == [[3, 0], [1, 2]]
    assert star.visible.tolist() == [False, True]


def test_a_rotated_box_turns_clockwise(tmp_path: Path) -> None:
    (found,) = items(tmp_path, {"label": "cat", "rotated_box": [2, 1, 4, 2, 90]})
    assert found.rotated
    assert found.points.round(9).tolist() == [[3, -1], [3, 3], [1, 3], [1, -1]]
    # OpenCV's rotated rectangles turn clockwise as well.
    expected = cv2.boxPoints(((2, 1), (4, 2), 90))
    assert {tuple(it) for it in found.points.round(3).tolist()} == {
        tuple(it) for it in np.round(expected, 3).tolist()
    }


def test_a_box_is_clipped_to_the_image_as_functions_do(tmp_path: Path) -> None:
    (found,) = items(tmp_path, {"label": "cat", "box": [-2, -1, 9, 2]})
    assert found.bounds() == (0, 0, 4, 2)


def test_polygons_are_their_pixels(tmp_path: Path) -> None:
    rings = [[0, 0, 1, 0, 1, 1, 0, 1], [2, 1, 4, 1, 4, 3, 2, 3]]
    (found,) = items(tmp_path, {"label": "blob", "polygons": rings})
    assert found.region.bitmap.tolist() == [
        [True, False, False, False],
        [False, False, True, True],
        [False, False, True, True],
    ]


def test_images_are_found_by_path_by_place_in_the_folder_or_by_name(tmp_path: Path) -> None:
    inside = tmp_path / "images" / "day"
    inside.mkdir(parents=True)
    (inside / "a.png").write_bytes(png(4, 3))
    file = File(inside / "a.png", tmp_path / "images")
    answers = {"width": 4, "height": 3, "detections": []}
    for name in (str(inside / "a.png"), "day/a.png", "a.png"):
        reference = Reference(write(tmp_path, images={name: answers, "b.png": answers}), LABELS)
        assert reference.has(file)
        (read,) = pictures([file])
        assert reference(read) == []
        assert reference.unused == ["b.png"]
    assert not Reference(write(tmp_path, images={"b.png": answers}), LABELS).has(file)


def test_an_image_of_another_size_has_no_answer(tmp_path: Path) -> None:
    reference = Reference(write(tmp_path), LABELS)
    with pytest.raises(Unanswered, match="8x3 pixels, its reference 4x3"):
        reference(picture(tmp_path, width=8))


@pytest.mark.parametrize(
    ("detection", "expected"),
    [
        ({"label": "dog"}, "no such label\n  found:   dog"),
        ({"label": "cat"}, "the label 'cat' is a rectangle, and the object lacks it"),
        ({"label": "blob", "box": [0, 0, 1, 1]}, "mask or polygons"),
        ({"label": "star", "keypoints": [[1, 2]]}, "1 keypoints"),
        ({"label": "road", "box": [0, 0, 1, 1]}, "polyline cannot be compared"),
        ({"label": "blob", "mask": [5, 2]}, "have 7 pixels, the image has 12"),
        ({"label": "blob", "mask": [13, -1]}, "detections[0].mask[1]"),
        ({"label": "cat", "box": [0, 1, 2]}, "detections[0].box"),
        ({"label": "cat", "box": [0, 1, 2, "3"]}, "detections[0].box[3]"),
        ({"label": "cat", "bbox": [0, 1, 2, 3]}, "detections[0].bbox"),
        ({"label": "cat", "confidence": 93}, "detections[0].confidence"),
        ({"label": "star", "keypoints": [[1, 2, 2]]}, "detections[0].keypoints[0]"),
        ({"confidence": 0.5}, "detections[0].label"),
        ({"label": "blob", "polygons": [[0, 0, 1, 0, 1, 1, 2]]}, "detections[0].polygons[0]"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(
    tmp_path: Path, detection: dict[str, Any], expected: str
) -> None:
    assert expected in str(failure(lambda: items(tmp_path, detection)))
