"""Skeletons: COCO's object keypoint similarity (OKS)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from builder.datasets.annotation import Annotation, Keypoints, LabeledImage, Shape
from builder.diagnostics.errors import DatasetError
from builder.diagnostics.problem import Problem
from builder.evaluation.comparison import Form
from builder.evaluation.detection import DetectionMeasure
from builder.evaluation.measure import Measure, Task
from builder.evaluation.overlap import box_ious, coco_masks, oks
from builder.evaluation.shapes import bounds_of
from builder.families.coco_keypoints import COCO
from runtimes.arrays import Array, Size

NAME = "keypoints"
"""See Kind."""

TYPE = "detector"
"""See Kind."""

SIGMAS = dict(
    zip(
        COCO,
        (
            *(0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062),
            *(0.107, 0.107, 0.087, 0.087, 0.089, 0.089),
        ),
        strict=True,
    )
)
"""COCO's sigma of each keypoint: https://cocodataset.org/#keypoints-eval."""

SIGMA = 0.05
"""Sigma of all other keypoints."""

_AREA_SHARE = 0.53
"""Area of a person as a part of the bounding box, for annotations without an area; from the
evaluation of CrowdPose."""

LABELS: frozenset[str] = frozenset({"skeleton"})
"""See Kind."""

NEEDS = "skeletons or keypoints"
"""See Kind."""


def compares(annotation: Annotation) -> bool:
    """See Kind."""
    return isinstance(annotation.shape, Keypoints)


def fits(task: Task, first: Sequence[LabeledImage]) -> bool:
    """See Kind: skeletons on both sides."""
    return "skeleton" in task.types() and any(
        compares(it) for image in first for it in image.annotations
    )


def start(task: Task) -> Measure:
    """See Kind."""
    coco_masks()
    return DetectionMeasure(task, Skeletons(task))


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A skeleton to compare.

    Attributes:
        label: the function's label; empty for an ignored region.
        points: (K, 2) x y, in the order of the label's keypoints.
        labeled: (K,) bool; no point is labeled in an ignored region.
        area: the scale of OKS, in pixels.
        box: x1, y1, x2, y2.
    """

    label: str
    points: Array
    labeled: Array
    area: float
    box: tuple[float, float, float, float]


class Skeletons:
    """See Comparison. Keypoints are matched by name; without names, by their order."""

    limit = 20
    needs_size = False

    def __init__(self, task: Task) -> None:
        self._names = {
            str(label["name"]): tuple(str(it["name"]) for it in label.get("sublabels", ()))
            for label in task.labels
            if label.get("type") == "skeleton"
        }
        self._sigma = task.sigma
        self._sigmas = {label: self._sigmas_of(names) for label, names in self._names.items()}
        self._compared = task.label_map.names
        self._file = task.dataset.path
        self._unknown: dict[str, None] = {}
        self._by_box = 0

    def truth(self, shape: Shape, label: str, area: float | None, size: Size) -> Form | None:
        """See Comparison.

        Raises:
            DatasetError: no keypoint of the annotation belongs to one of the function.
        """
        box = bounds_of(shape)
        if not label:
            none = np.zeros((0, 2))
            region = None if box is None else Skeleton("", none, none[:, 0] > 0, 0.0, box)
            return None if region is None else Form(region, 0.0, ignored=True)
        if not isinstance(shape, Keypoints) or label not in self._names:
            return None
        points, labeled = self._aligned(shape, label)
        if box is None:
            box = (0.0, 0.0, 0.0, 0.0)
        if area is None:
            self._by_box += 1
            area = (box[2] - box[0]) * (box[3] - box[1]) * _AREA_SHARE
        figure = Skeleton(label, points, labeled, area, box)
        return Form(figure, area, ignored=not labeled.any())

    def found(self, item: Mapping[str, Any], size: Size) -> Form | None:
        """See Comparison. As in COCO, a detection's area is that of the box around its points."""
        label = str(item["label"])
        if item["type"] != "skeleton" or label not in self._names:
            return None
        places = {it["label"]: it["points"] for it in reversed(item["elements"])}
        points = np.array([places[name] for name in self._names[label]], np.float64)
        (x1, y1), (x2, y2) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        area = (x2 - x1) * (y2 - y1)
        every = np.ones(len(points), bool)
        return Form(Skeleton(label, points, every, area, (x1, y1, x2, y2)), area)

    def overlaps(self, found: Sequence[Skeleton], truth: Sequence[Skeleton], crowd: Array) -> Array:
        """See Comparison. Skeletons of different labels have an OKS of 0."""
        similar = np.zeros((len(found), len(truth)))
        for column, other in enumerate(truth):
            if not other.label:
                boxes = np.array([it.box for it in found]), np.array([other.box])
                similar[:, column] = box_ious(*boxes, np.array([True]))[:, 0]
                continue
            rows = [row for row, it in enumerate(found) if it.label == other.label]
            if rows:
                points = np.stack([found[row].points for row in rows])
                similar[rows, column] = self._oks(points, other)
        return similar

    def notes(self) -> tuple[str, ...]:
        """See Comparison."""
        others = sorted(
            {
                name
                for label in self._compared
                for name, sigma in zip(
                    self._names.get(label, ()), self._sigmas.get(label, ()), strict=True
                )
                if sigma != SIGMAS.get(name.lower())
            }
        )
        sigma = SIGMA if self._sigma is None else self._sigma
        return (
            *((f"OKS with a sigma of {sigma:g} for {', '.join(others)}",) if others else ()),
            *(
                ("keypoints that the function does not have: " + ", ".join(self._unknown),)
                if self._unknown
                else ()
            ),
            *(
                (
                    f"{self._by_box} annotations have no area; OKS uses {_AREA_SHARE:g} times the "
                    "area of the box around the keypoints",
                )
                if self._by_box
                else ()
            ),
        )

    def _sigmas_of(self, names: Sequence[str]) -> Array:
        """Return the sigmas of a label's keypoints: COCO's, if all of them are COCO's."""
        if self._sigma is None and all(name.lower() in SIGMAS for name in names):
            return np.array([SIGMAS[name.lower()] for name in names])
        return np.full(len(names), SIGMA if self._sigma is None else self._sigma)

    def _aligned(self, shape: Keypoints, label: str) -> tuple[Array, Array]:
        """Return an annotation's points in the order of the function's keypoints, (K, 2) and (K,).

        Raises:
            DatasetError: no keypoint belongs to one of the function.
        """
        names = self._names[label]
        theirs = shape.names or (names if len(shape.points) == len(names) else ())
        places = {name: place for place, name in enumerate(theirs)}
        common = [place for place, name in enumerate(names) if name in places]
        if not common:
            raise DatasetError(
                Problem(
                    f"the keypoints of '{label}' are not those of the function",
                    file=self._file,
                    found=", ".join(shape.names) or f"{len(shape.points)} keypoints without names",
                    allowed=", ".join(names),
                )
            )
        self._unknown |= dict.fromkeys(name for name in theirs if name not in names)
        points, labeled = np.zeros((len(names), 2)), np.zeros(len(names), bool)
        origin = [places[names[place]] for place in common]
        points[common] = shape.points[origin]
        labeled[common] = shape.visibility[origin] > 0
        return points, labeled

    def _oks(self, points: Array, truth: Skeleton) -> Array:
        """Return the OKS of detections, (D, K, 2), with an annotation, (D,)."""
        sigmas = self._sigmas[truth.label]
        if truth.labeled.any():
            return oks(points, truth.points, truth.labeled, truth.area, sigmas)
        # COCO: the distance to a box of three times the annotation's width and height.
        x1, y1, x2, y2 = truth.box
        low = np.array([2 * x1 - x2, 2 * y1 - y2])
        high = np.array([2 * x2 - x1, 2 * y2 - y1])
        nearest = np.clip(points, low, high)
        every = np.ones(len(sigmas), bool)
        return oks(points - nearest, np.zeros_like(truth.points), every, truth.area, sigmas)
