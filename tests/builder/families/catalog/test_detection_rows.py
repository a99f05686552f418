import numpy as np
import pytest

from builder.families.catalog.detection_rows import DETECTION_ROWS
from builder.families.catalog.yolo_end2end import YOLO_END2END
from runtimes.arrays import Array
from tests.builder.families.made import IMAGE, Shape, evidence, matches

SIZED: dict[str, Shape] = {**IMAGE, "im_shape": (1, 2), "scale_factor": (1, 2)}
INTEGERS = dict.fromkeys(("n", "n.tmp_2", "labels"), "int32")
ROW = np.array([[1, 0.5, 2, 3, 20, 30]], np.float32)


@pytest.mark.parametrize(
    ("outputs", "inputs", "blank", "found"),
    [
        ({"rows": (None, 6)}, SIZED, {}, ("PaddleDetection", "STRUCTURE")),
        ({"rows": (None, 6), "n": (1,)}, SIZED, {}, ("PaddleDetection", "STRUCTURE")),
        ({"rows": (1, 300, 6), "n": (1,)}, SIZED, {}, ("PaddleDetection", "STRUCTURE")),
        ({"rows": (None, 10)}, SIZED, {}, ("PaddleDetection", "STRUCTURE")),
        ({"r.tmp_0": (None, 6), "n.tmp_2": (1,)}, IMAGE, {}, ("PaddleDetection", "EVIDENCE")),
        ({"rows": (None, 6)}, IMAGE, {"rows": ROW}, ("PaddleDetection", "EVIDENCE")),
        ({"a_flat_predictions": (None, 7)}, IMAGE, {}, ("YOLO-NAS with flat rows", "EVIDENCE")),
        ({"dets": (1, 9, 6), "labels": (1, 9)}, IMAGE, {}, ("MMRotate", "EVIDENCE")),
        ({"a": (1, 9, 6), "labels": (1, 9)}, IMAGE, {}, ("MMRotate", "SHAPE")),
    ],
)
def test_rows_are_recognized(
    outputs: dict[str, Shape],
    inputs: dict[str, Shape],
    blank: dict[str, Array],
    found: tuple[str, str],
) -> None:
    model = evidence(outputs, inputs, dtypes=INTEGERS, blank=blank)
    (match,) = matches(DETECTION_ROWS, model)
    name, strength = found
    assert name in match.name
    assert match.strength.name == strength


@pytest.mark.parametrize(
    ("outputs", "inputs", "blank"),
    [
        ({"rows": (None, 6)}, IMAGE, {}),
        ({"rows": (1, 6)}, IMAGE, {"rows": ROW}),
        ({"y.tmp_0": (1, 10)}, IMAGE, {}),
        ({"rows": (None, 6)}, SIZED, {"rows": ROW + 0.5}),
        ({"rows": (None, 6)}, IMAGE, {"rows": ROW[:, ::-1]}),
        ({"rows": (None, 6), "masks": (None, 28, 28)}, SIZED, {}),
        ({"rows": (None, 7)}, IMAGE, {"rows": np.array([[0, 1, 2, 3, 4, 1, 0.5]])}),
    ],
)
def test_other_rows_are_not(
    outputs: dict[str, Shape], inputs: dict[str, Shape], blank: dict[str, Array]
) -> None:
    model = evidence(outputs, inputs, dtypes=INTEGERS, blank=blank)
    assert matches(DETECTION_ROWS, model) == []


def test_flat_rows_are_not_those_of_yolov7() -> None:
    rows = np.array([[0, 1, 2, 30, 40, 0.5, 1], [0, 1, 2, 30, 40, 0.5, 2]], np.float32)
    flat = evidence({"y": (None, 7)}, blank={"y": rows})
    assert matches(YOLO_END2END, flat) == []
    (match,) = matches(DETECTION_ROWS, flat)
    assert match.postprocess[0].fields["columns"][-2:] == ["score", "class"]
