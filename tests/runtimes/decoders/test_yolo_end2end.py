import numpy as np
import pytest

from runtimes.classes import Classes
from runtimes.decoders.yolo_end2end import YoloEnd2end, YoloEnd2endObb, YoloEnd2endSegment
from runtimes.errors import BadModel
from tests.runtimes.decoders.candidates import VIEW, rows_of, signature


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


@pytest.mark.parametrize("kind", [YoloEnd2endSegment, YoloEnd2endObb])
@pytest.mark.parametrize(
    "shape", [(7,), (1,), (1, 7), (300, 7), (2, 300, 7), (1, 300, 8), (1, 1, 300, 7)]
)
def test_rows_of_another_shape_are_refused(
    kind: type[YoloEnd2endSegment | YoloEnd2endObb], shape: tuple[int, ...]
) -> None:
    outputs = {"o": np.zeros(shape, np.float32), "m": np.zeros((1, 1, 8, 8), np.float32)}
    step = YoloEnd2endObb("o") if kind is YoloEnd2endObb else YoloEnd2endSegment("o", "m")
    with pytest.raises(BadModel) as caught:
        step(outputs, VIEW, 0.25)
    assert f"decodes [1, rows, 7], got {list(shape)}" in caught.value.what


@pytest.mark.parametrize("count", [1, 4, 5, 12, 80])
def test_as_many_rows_as_a_raw_head_of_the_labels_are_refused(count: int) -> None:
    labels = Classes(count, exact=True)
    with pytest.raises(BadModel, match="holds raw candidates") as caught:
        YoloEnd2end().bind(signature((1, 4 + count, 8400)), labels)
    assert "`yolo`," in caught.value.hint
    # As many detections, of six values.
    final = (1, 4 + count, 6)
    if count > 1:
        assert YoloEnd2end().bind(signature(final), labels) == YoloEnd2end("output0")
