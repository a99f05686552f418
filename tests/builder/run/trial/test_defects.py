from typing import Any

import numpy as np
import pytest

from builder.run.trial.defects import (
    Defect,
    detector_defect,
    interactor_defect,
    reid_defect,
    tracker_defect,
)
from runtimes.arrays import Array

GOOD = np.array([[10, 10, 60, 40], [30, 20, 90, 80], [5, 50, 25, 100], [70, 60, 120, 90]], float)


def detector(
    boxes: Array = GOOD, scores: object = 0.5, classes: object = 0, **more: Any
) -> Defect | None:
    """What is found of a detector with three classes and an input of 100 x 128."""
    return detector_defect({"scene": detector_arrays(boxes, scores, classes, **more)}, lambda: 3)


def detector_arrays(
    boxes: Array = GOOD, scores: object = 0.5, classes: object = 0, **more: Any
) -> dict[str, Array]:
    """What a detector finds."""
    count = len(boxes)
    return {
        "image": np.array([100, 128]),
        "input": np.array([100, 128]),
        "boxes": np.array(boxes, float),
        "scores": np.broadcast_to(np.array(scores, float), count),
        "classes": np.broadcast_to(np.array(classes), count),
        **more,
    }


def code(defect: Defect | None) -> str:
    return defect.rule.code if defect else ""


def test_credible_instances_pass() -> None:
    assert detector(scores=[0, 1, 1.0001, 1e-9], classes=[0, 1, 2, 2]) is None


def test_no_instance_at_all_passes() -> None:
    assert detector(np.zeros((0, 4))) is None


@pytest.mark.parametrize("scores", [[0.5, 0.5, 1.02, 0.1], [0.5, 0.5, -0.02, 0.1], [7] * 4])
def test_scores_outside_of_the_range_are_refused(scores: list[float]) -> None:
    defect = detector(scores=scores)
    assert code(defect) == "score-range"
    assert defect
    text = f"scores from {min(scores):g} to {max(scores):g} in the picture `scene`"
    assert defect.found == text


def test_padding_rows_of_minus_one_are_no_detections() -> None:
    boxes = np.concatenate([GOOD, np.full((2, 4), -1.0)])
    assert detector(boxes, [0.5] * 4 + [-1, -1], [0] * 4 + [-1, -1]) is None


@pytest.mark.parametrize("class_id", [3, 90, -1])
def test_class_ids_that_the_model_does_not_have_are_refused(class_id: int) -> None:
    defect = detector(classes=[0, 1, class_id, 2])
    assert code(defect) == "class-values"
    assert defect
    assert (defect.found, defect.allowed) == (str(class_id), "0 to 2")


def test_class_ids_of_rows_without_a_score_do_not_matter() -> None:
    assert detector(scores=[0.5, 0.5, 0.5, 0], classes=[0, 1, 2, 99]) is None


@pytest.mark.parametrize(
    ("boxes", "words"),
    [
        (GOOD / 128, "smaller than a pixel"),
        (GOOD * 128, "outside"),
        (GOOD + 300, "outside"),
        (GOOD - 300, "outside"),
        # Corners read as center and size, and the other way round.
        (np.hstack([GOOD[:, :2] - GOOD[:, 2:] / 2, GOOD[:, :2] + GOOD[:, 2:] / 2]), "leave"),
        (np.hstack([(GOOD[:, :2] + GOOD[:, 2:]) / 2, GOOD[:, 2:] - GOOD[:, :2]]), "negative"),
    ],
)
def test_boxes_in_another_unit_or_order_are_refused(boxes: Array, words: str) -> None:
    defect = detector(boxes)
    assert code(defect) == "box-values"
    assert defect
    assert words in defect.what
    assert defect.hint


def test_one_good_box_among_empty_ones_passes() -> None:
    assert detector(np.concatenate([GOOD[:1], np.zeros((50, 4))])) is None


def test_boxes_that_are_clipped_to_nothing_pass() -> None:
    nothing = np.array([[0, 4e-14, 2e-15, 7e-15], [9, 9, 9 - 1e-6, 9]])
    assert detector(np.concatenate([GOOD[:1], nothing])) is None
    assert detector(nothing) is None


def test_boxes_with_a_score_of_nearly_zero_are_not_checked() -> None:
    assert detector(GOOD / 128, scores=1e-5) is None
    assert code(detector(GOOD / 128, scores=1e-3)) == "box-values"


def test_the_box_of_a_single_keypoint_passes_and_a_whole_image_in_0_to_1_does_not() -> None:
    assert detector(np.array([[20.0, 30, 21, 31]] * 4)) is None
    assert code(detector(np.array([[0.0, 0, 1, 1], [0.2, 0.3, 0.5, 0.5]]))) == "box-values"


def test_a_few_boxes_may_leave_the_image() -> None:
    boxes = np.concatenate([GOOD, [[-30, 10, 40, 40], [500, 10, 600, 40]]])
    assert detector(boxes) is None


def test_only_confident_boxes_must_end_within_the_image() -> None:
    boxes = np.concatenate([GOOD, GOOD * [1, 1, 3, 3]])
    assert detector(boxes, [0.8] * 4 + [0.1] * 4) is None
    assert code(detector(boxes, [0.8] * 4 + [0.7] * 4)) == "box-values"


def test_candidates_beyond_the_best_hundred_are_not_checked() -> None:
    boxes = np.concatenate([np.tile(GOOD, (25, 1)), np.full((900, 4), 0.5)])
    scores = np.concatenate([np.full(100, 0.5), np.full(900, 0.1)])
    assert detector(boxes, scores) is None


def test_nan_in_an_output_of_the_decoder_is_refused() -> None:
    defect = detector(**{"nan output0": np.array([12, 3400])})
    assert code(defect) == "not-finite"
    assert defect
    assert defect.found == "scene: 12 of 3400 values are NaN"
    assert detector(**{"nan output0": np.array([0, 3400])}) is None


@pytest.mark.parametrize(
    ("points", "refused"), [(1.0, False), (1 / 128, True), (100.0, True), (-100.0, True)]
)
def test_keypoints_in_another_unit_are_refused(points: float, refused: bool) -> None:
    keypoints = np.tile([[[40.0, 60, 1], [70, 20, 1]]], (4, 1, 1))
    keypoints[..., :2] *= points
    assert (code(detector(keypoints=keypoints)) == "box-values") == refused


@pytest.mark.parametrize(
    ("grid", "refused"), [((25, 32), False), ((26, 32), False), ((32, 25), True), ((25, 50), True)]
)
def test_masks_of_another_aspect_ratio_are_refused(grid: tuple[int, int], refused: bool) -> None:
    assert (code(detector(grid=np.array(grid))) == "mask-size") == refused


def one(**arrays: object) -> dict[str, dict[str, Array]]:
    return {"scene": {name: np.array(it, float) for name, it in arrays.items()}}


@pytest.mark.parametrize(
    ("scores", "expected"),
    [([0.9, 1.03], ""), ([8.0], "score-range"), ([np.nan], "not-finite"), ([], "")],
)
def test_an_interactors_scores_are_checked(scores: list[float], expected: str) -> None:
    areas = np.linspace(10, 20, len(scores) or 1)
    assert code(interactor_defect(one(scores=scores, areas=areas, image=[100, 128]))) == expected


@pytest.mark.parametrize(
    ("areas", "expected"),
    [
        ([[0, 0], [0]], "mask-values"),
        ([[], []], "mask-values"),
        ([[0, 3], [0]], ""),
        ([[12800, 12800], [12800]], "mask-values"),
        ([[12800, 12800], [12700]], ""),
        ([[12800]], ""),  # one mask may be of the whole picture
    ],
)
def test_an_interactors_masks_are_neither_all_empty_nor_all_whole(
    areas: list[list[float]], expected: str
) -> None:
    examinations = {
        str(number): {
            "image": np.array([100, 128]),
            "areas": np.array(it, float),
            "scores": np.full(len(it), 0.5),
        }
        for number, it in enumerate(areas)
    }
    assert code(interactor_defect(examinations)) == expected


@pytest.mark.parametrize(("grid", "refused"), [((25, 32), False), ((32, 32), True)])
def test_an_interactors_masks_have_the_aspect_ratio_of_the_input(
    grid: tuple[int, int], refused: bool
) -> None:
    found = one(scores=[0.5], areas=[9], image=[100, 128], grid=grid, input=[200, 256])
    assert code(interactor_defect(found)) == ("mask-size" if refused else "")


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([[10, 20, 0.5], [90, 50, 0.1]], ""),
        ([[-30, 20, 0.5], [150, 50, 0.1]], ""),  # near the crop
        ([[0.1, 0.2, 0.5], [0.9, 0.5, 0.1]], "box-values"),
        ([[2000, 20, 0.5], [900, -500, 0.1]], "box-values"),
        ([[10, np.nan, 0.5], [90, 50, 0.1]], "not-finite"),
    ],
)
def test_keypoints_of_a_second_model_are_in_or_near_the_crop(
    points: list[list[float]], expected: str
) -> None:
    found = detector(**{"points of second.onnx": np.array(points)})
    assert code(found) == expected
    assert found is None or "of second.onnx" in found.what


@pytest.mark.parametrize(
    ("number", "expected"),
    [(35, ""), (-20, ""), (149, ""), (151, "attribute-values"), (np.inf, "not-finite")],
)
def test_numbers_of_a_second_model_are_in_the_attributes_range(
    number: float, expected: str
) -> None:
    found = detector(**{"number age of second.onnx": np.array([number, 0, 100])})
    assert code(found) == expected
    assert found is None or "age of second.onnx" in found.what


def test_each_picture_may_have_another_number_of_instances() -> None:
    examinations = {
        "one": detector_arrays(),
        "other": detector_arrays(GOOD[:2]),
        "blank": detector_arrays(np.zeros((0, 4))),
    }
    assert detector_defect(examinations, lambda: 3) is None


def test_a_number_may_leave_the_range_in_some_pictures() -> None:
    key = "number age of second.onnx"
    examinations = {
        name: {**detector_arrays(), key: np.array([number, 0, 100])}
        for name, number in (("one", 500), ("other", 50))
    }
    assert detector_defect(examinations, lambda: 3) is None


@pytest.mark.parametrize(
    ("box", "score", "expected"),
    [
        ((10, 10, 50, 40), 0.7, ""),
        ((10, 10, 50, 40), 3.0, "score-range"),
        ((10, 10, np.nan, 40), 0.7, "not-finite"),
        ((0.1, 0.1, 0.5, 0.4), 0.7, "box-values"),
        ((900, 10, 950, 40), 0.7, "box-values"),
        ((900, 10, 900, 10), 0.7, ""),
    ],
)
def test_a_trackers_box_and_score_are_checked(
    box: tuple[float, ...], score: float, expected: str
) -> None:
    examinations = one(boxes=[box], scores=[score], image=[100, 128])
    assert code(tracker_defect(examinations)) == expected


@pytest.mark.parametrize(
    ("vectors", "expected"),
    [
        ([[1, 2], [1, 3]], ""),
        ([[1, 2], [1, 2]], "same-vectors"),
        ([[1, 2], [1, np.inf]], "not-finite"),
    ],
)
def test_a_reid_functions_vectors_are_checked(vectors: object, expected: str) -> None:
    assert code(reid_defect(one(vectors=vectors))) == expected
