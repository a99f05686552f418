"""A model that somebody else trained, from its file to CVAT's JSON, in both runtimes."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from builder.built import BuiltFunction
from builder.plan import VARIANTS, VariantName

MANIFEST = """
name: nudenet
type: detector
model: {model}
labels: metadata
preprocess:
  - letterbox: 320
  - normalize
postprocess:
  - yolo
  - nms: 0.45
  - rectangle
variants:
  gpu: {{allow_cpu_fallback: true}}
"""


def _iou(one: list[float], other: list[float]) -> float:
    """Intersection over union of two boxes x1 y1 x2 y2."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0) * max(height, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared / (sum(areas) - shared)


@pytest.fixture(scope="module")
def functions(nudenet: Path, build_from: Callable[[str], Path]) -> dict[VariantName, BuiltFunction]:
    folder = build_from(MANIFEST.format(model=nudenet))
    return {variant: BuiltFunction(folder, variant) for variant in VARIANTS}


@pytest.fixture(scope="module")
def astronaut() -> bytes:
    _, png = cv2.imencode(".png", data.astronaut()[:, :, ::-1])
    return png.tobytes()


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_face_is_found(
    functions: dict[VariantName, BuiltFunction], astronaut: bytes, variant: VariantName
) -> None:
    reply = functions[variant](astronaut)
    assert reply.status == 200
    (face,) = reply.body
    assert face["label"] == "FACE_FEMALE"
    assert face["type"] == "rectangle"
    # Where a person sees the face, and what the model's authors' own code says of it.
    assert _iou(face["points"], [173, 83, 274, 180]) > 0.97
    assert face["confidence"] == pytest.approx(0.81, abs=0.01)


def test_runtimes_agree_on_every_confident_detection(
    functions: dict[VariantName, BuiltFunction],
) -> None:
    compared = 0
    for name in ("astronaut", "cat", "coffee", "rocket"):
        image = np.ascontiguousarray(getattr(data, name)()[:, :, ::-1])
        for width, height in ((512, 512), (333, 500), (640, 360)):
            _, png = cv2.imencode(".png", cv2.resize(image, (width, height)))
            replies = {
                variant: [
                    item
                    for item in functions[variant](png.tobytes(), threshold=0.05).body
                    if item["confidence"] > 0.1
                ]
                for variant in VARIANTS
            }
            assert len(replies["cpu"]) == len(replies["gpu"])
            for one, other in zip(replies["cpu"], replies["gpu"], strict=True):
                assert one["label"] == other["label"]
                assert _iou(one["points"], other["points"]) > 0.99
                assert one["confidence"] == pytest.approx(other["confidence"], abs=0.01)
                compared += 1
    assert compared >= 3
