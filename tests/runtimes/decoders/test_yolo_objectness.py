import numpy as np

from runtimes.decoders.yolo_objectness import YoloObjectness
from tests.grids import grid
from tests.runtimes.decoders.candidates import VIEW, candidates, looped, rows_of


@grid(
    ("seed", range(5)),
    ("classes", [1, 2, 7]),
    ("threshold", [0.0, 0.25, 0.5, 0.875, 1.0]),
)
def test_yolo_objectness_matches_a_loop(seed: int, classes: int, threshold: float) -> None:
    boxes, scores, sure = candidates(np.random.default_rng(seed), 40, classes)
    output = np.concatenate([boxes, sure[:, None], scores], axis=1)[None]
    found = YoloObjectness(output="output0")({"output0": output}, VIEW, threshold)
    assert sorted(rows_of(found)) == sorted(looped(boxes, scores, sure, threshold))


def test_yolo_objectness_by_hand() -> None:
    output = np.array([[[100, 50, 40, 20, 0.5, 0.25, 0.75], [10, 10, 4, 2, 0.25, 1, 1]]])
    found = YoloObjectness(output="output0")({"output0": output}, VIEW, 0.25)
    assert rows_of(found) == [((80, 40, 120, 60), 0.375, 1)]
