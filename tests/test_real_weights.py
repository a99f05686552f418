"""A model that somebody else trained, from its file to CVAT's JSON, in both runtimes."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from builder.manifest.variants import VARIANTS, VariantName
from builder.run.process import FunctionProcess
from tests.overlap import iou

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


@pytest.fixture(scope="module")
def functions(
    nudenet: Path, build_from: Callable[[str], Path]
) -> dict[VariantName, FunctionProcess]:
    folder = build_from(MANIFEST.format(model=nudenet))
    return {variant: FunctionProcess(folder, variant) for variant in VARIANTS}


@pytest.fixture(scope="module")
def astronaut() -> bytes:
    _, png = cv2.imencode(".png", data.astronaut()[:, :, ::-1])
    return png.tobytes()


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_face_is_found(
    functions: dict[VariantName, FunctionProcess], astronaut: bytes, variant: VariantName
) -> None:
    reply = functions[variant](astronaut)
    assert reply.status == 200
    (face,) = reply.body
    assert face["label"] == "FACE_FEMALE"
    assert face["type"] == "rectangle"
    # Where a person sees the face, and what the model's authors' own code says of it.
    assert iou(face["points"], [173, 83, 274, 180]) > 0.97
    assert face["confidence"] == pytest.approx(0.81, abs=0.01)


def test_runtimes_agree_on_every_confident_detection(
    functions: dict[VariantName, FunctionProcess],
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
                assert iou(one["points"], other["points"]) > 0.99
                assert one["confidence"] == pytest.approx(other["confidence"], abs=0.01)
                compared += 1
    assert compared >= 3
