from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from builder.datasets.annotation import (
    Annotation,
    Ellipse,
    Keypoints,
    LabeledImage,
    Mask,
    Polygons,
    Rectangle,
    Shape,
    Tag,
)
from builder.evaluation.label_map import label_map
from builder.evaluation.measure import Sample, Task
from builder.evaluation.report.pictures import match_picture, picture_of, track_picture
from tests.builder.evaluation.made import MadeDataset

SPEC: list[dict[str, Any]] = [
    {"name": "cat", "type": "any"},
    {"name": "dog", "type": "skeleton", "sublabels": [{"name": "a"}, {"name": "b"}], "svg": ""},
]


def task() -> Task:
    dataset = MadeDataset([])
    return Task(SPEC, {}, 0.5, dataset, label_map(dataset.labels, SPEC, (), Path("made")))


def image_of(folder: Path, *annotations: Annotation, side: int = 200) -> LabeledImage:
    file = folder / "x.png"
    cv2.imwrite(str(file), np.full((side, 2 * side, 3), 128, np.uint8))
    return LabeledImage("x.png", file, annotations)


def changed(jpeg: bytes) -> Any:
    """Where a picture differs from gray, (H, W) bool."""
    pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    return np.abs(pixels.astype(int) - 128).max(axis=2) > 40


def item(score: float, label: str = "cat") -> dict[str, Any]:
    points = [100, 100, 140, 140]
    return {"label": label, "type": "rectangle", "points": points, "confidence": score}


def test_detections_below_the_threshold_and_of_other_labels_are_not_drawn(tmp_path: Path) -> None:
    image = image_of(tmp_path, Annotation("bird", Rectangle(0, 0, 50, 50)))
    drawn = picture_of(image, [item(0.4), item(0.9, "fish")], "note", task())

    assert (drawn.name, drawn.note) == ("x.png", "note")
    assert not changed(drawn.truth).any()
    assert not changed(drawn.found).any()
    drawn = picture_of(image, [item(0.5)], "note", task())

    assert changed(drawn.found)[98:103, 110:130].any()


POINTS = np.array([[110.0, 110.0], [130.0, 130.0]])


@pytest.mark.parametrize(
    ("label", "shape"),
    [
        ("cat", Rectangle(100, 100, 140, 140, 20)),
        ("cat", Polygons(((100, 100, 140, 100, 120, 140), (100, 100, 110, 100, 100, 120)))),
        ("cat", Ellipse(120, 120, 20, 10, 30)),
        ("cat", Mask(np.ones((40, 40), bool), 100, 100)),
        ("dog", Keypoints(("a", "b"), POINTS, np.array([2, 2]))),
        ("dog", Keypoints((), POINTS, np.array([2, 0]))),
        ("dog", Keypoints(("x", "y"), POINTS, np.array([2, 2]))),
        ("cat", Tag()),
    ],
)
@pytest.mark.parametrize("side", [200, 1000])
def test_every_shape_is_drawn_at_its_place(
    label: str, shape: Shape, side: int, tmp_path: Path
) -> None:
    image = image_of(tmp_path, Annotation(label, shape), side=side)
    drawn = picture_of(image, [], "", task())

    seen = changed(drawn.truth)
    assert max(seen.shape) <= 560
    scale = seen.shape[1] / (2 * side)
    if isinstance(shape, Tag):
        assert seen[:30].any()
    else:
        low, high = int(95 * scale), int(145 * scale) + 1
        assert seen[low:high, low:high].any()


def test_masks_and_skeletons_of_replies_are_scaled(tmp_path: Path) -> None:
    image = image_of(tmp_path, side=1000)
    mask = {
        "label": "cat",
        "type": "mask",
        "confidence": 0.9,
        "mask": [1] * 100 * 200 + [1000, 500, 1199, 599],
    }
    elements = [
        {"label": name, "points": [300.0, 300.0 + 50 * place], "outside": False}
        for place, name in enumerate("ab")
    ]
    skeleton = {"label": "dog", "type": "skeleton", "confidence": 0.9, "elements": elements}
    drawn = picture_of(image, [mask, skeleton], "", task())

    seen = changed(drawn.found)
    assert seen[145:163, 290:330].mean() > 0.5
    assert seen[80:90, 80:90].any()


def test_an_image_that_is_gone_has_no_picture(tmp_path: Path) -> None:
    image = image_of(tmp_path)
    image.file.unlink()
    with pytest.raises(FileNotFoundError):
        picture_of(image, [], "", task())


def test_a_track_is_drawn_in_the_frame_with_the_smallest_overlap(tmp_path: Path) -> None:
    frames = []
    for number in range(3):
        (tmp_path / str(number)).mkdir()
        box = Annotation("cat", Rectangle(100, 100, 140, 140))
        frame = image_of(tmp_path / str(number), *([box] if number else []))
        frames.append(replace(frame, name=f"{number}.png"))
    sample = Sample("cat 1", tuple(frames))
    # The first frame has no box, so that nothing is wrong in it.
    drawn = track_picture(sample, [None, [100, 100, 140, 140], [110, 100, 150, 140]], "note")
    assert (drawn.name, drawn.note) == ("cat 1, 2.png", "note")
    assert changed(drawn.truth)[105:135, 138:142].any()
    assert not changed(drawn.truth)[105:135, 146:154].any()
    assert changed(drawn.found)[105:135, 146:154].any()
    lost = track_picture(sample, [None, None, [110, 100, 150, 140]], "")
    assert lost.name == "cat 1, 1.png"
    assert not changed(lost.found).any()


def test_a_match_shows_the_boxes_of_the_query_and_of_the_entry(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    query = image_of(
        tmp_path,
        Annotation("cat", Rectangle(0, 0, 5, 5)),
        Annotation("cat", Rectangle(100.4, 20, 130.2, 90)),
    )
    entry = image_of(tmp_path / "other", Annotation("cat", Tag()))
    drawn = match_picture((query, 1), (entry, 0), "note")
    sizes = [
        cv2.imdecode(np.frombuffer(it, np.uint8), cv2.IMREAD_COLOR).shape[:2]  # type: ignore[union-attr]
        for it in (drawn.truth, drawn.found)
    ]
    assert sizes == [(70, 31), (200, 400)]
