"""pycocotools as the reference for the figures of detectors."""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from runtimes.arrays import Array


@dataclass(frozen=True)
class Reference:
    """What COCOeval computes.

    Attributes:
        precision: (thresholds, 101, labels, areas), -1 where nothing counts.
        recall: (thresholds, labels, areas).
        areas: names of the areas.
    """

    precision: Array
    recall: Array
    areas: tuple[str, ...]

    def mean(self, area: str = "all", threshold: slice | int = slice(None)) -> float | None:
        """Mean average precision; None where nothing counts."""
        values = self.precision[threshold, ..., self.areas.index(area)]
        defined = values[values > -1]
        return float(defined.mean()) if len(defined) else None


def coco_eval(
    iou_type: str,
    images: int,
    truths: Sequence[dict[str, Any]],
    found: Sequence[dict[str, Any]],
    labels: int,
    *,
    side: int = 400,
    sigmas: Sequence[float] | None = None,
) -> Reference:
    """Run COCOeval.

    Args:
        iou_type: bbox, segm or keypoints.
        images: number of images; their IDs start at 1, as those of labels.
        truths: annotations without `id`.
        found: detections.
        labels: number of labels.
        side: width and height of all images.
        sigmas: for keypoints; COCO's by default.
    """
    dataset = {
        "images": [{"id": it + 1, "width": side, "height": side} for it in range(images)],
        "categories": [{"id": it + 1, "name": str(it)} for it in range(labels)],
        "annotations": [{"iscrowd": 0, **it, "id": number + 1} for number, it in enumerate(truths)],
        "info": {},
    }
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = dataset
        truth.createIndex()
        detections = truth.loadRes(list(found)) if found else COCO()
        evaluation = COCOeval(truth, detections, iou_type)
        if sigmas is not None:
            evaluation.params.kpt_oks_sigmas = np.array(sigmas)
        evaluation.evaluate()
        evaluation.accumulate()
    areas = tuple(evaluation.params.areaRngLbl)
    result = evaluation.eval
    return Reference(result["precision"][..., -1], result["recall"][..., -1], areas)
