import numpy as np

from runtimes.decoders.yolo_end2end import YoloEnd2end
from tests.runtimes.decoders.candidates import VIEW, rows_of


def test_end2end_rows_are_decoded_unchanged() -> None:
    output = np.array(
        [
            [
                [10, 20, 30, 40, 0.9, 2],
                [50, 60, 70, 80, 0.25, 0],  # at the threshold, not above it
                [1, 2, 3, 4, 0.5, 1],
                [0, 0, 0, 0, 0, 0],
                [0, 0, 0, 0, 0, 0],
            ]
        ]
    )
    found = YoloEnd2end(output="output0")({"output0": output}, VIEW, 0.25)
    assert rows_of(found) == [((10, 20, 30, 40), 0.9, 2), ((1, 2, 3, 4), 0.5, 1)]


def test_end2end_drops_padding_even_at_threshold_zero() -> None:
    output = np.zeros((1, 300, 6))
    output[0, 0] = [10, 20, 30, 40, 0.01, 2]
    found = YoloEnd2end(output="output0")({"output0": output}, VIEW, 0.0)
    assert rows_of(found) == [((10, 20, 30, 40), 0.01, 2)]


def test_end2end_ignores_columns_after_the_sixth() -> None:
    output = np.full((1, 1, 38), 99.0)
    output[0, 0, :6] = [10, 20, 30, 40, 0.5, 3]
    found = YoloEnd2end(output="output0")({"output0": output}, VIEW, 0.25)
    assert rows_of(found) == [((10, 20, 30, 40), 0.5, 3)]


def test_end2end_of_v7_has_image_first_and_class_before_score() -> None:
    output = np.array([[0, 10, 20, 30, 40, 5, 0.75], [0, 1, 2, 3, 4, 6, 0.25]])
    found = YoloEnd2end(output="output0")({"output0": output}, VIEW, 0.25)
    assert rows_of(found) == [((10, 20, 30, 40), 0.75, 5)]
