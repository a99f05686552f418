"""The annotations of a labeled image.

All coordinates are in pixels of the image, where the center of the first pixel is (0.5, 0.5), as in
CVAT.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from runtimes.arrays import Array


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A rectangle.

    Attributes:
        x1, y1, x2, y2: left, top, right and bottom edge before the rotation.
        rotation: clockwise, in degrees, about the center.
    """

    x1: float
    y1: float
    x2: float
    y2: float
    rotation: float = 0.0


@dataclass(frozen=True, slots=True)
class Polygons:
    """The union of one or more polygons.

    Attributes:
        rings: each x1, y1, x2, y2, ... with at least three points.
    """

    rings: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Ellipse:
    """An ellipse.

    Attributes:
        cx, cy: the center.
        rx, ry: half the width and half the height before the rotation.
        rotation: clockwise, in degrees, about the center.
    """

    cx: float
    cy: float
    rx: float
    ry: float
    rotation: float = 0.0


@dataclass(frozen=True, slots=True)
class Mask:
    """A mask.

    Attributes:
        bitmap: (h, w) bool; it covers a part of the image.
        left, top: position of the bitmap's first pixel in the image.
    """

    bitmap: Array
    left: int
    top: int


@dataclass(frozen=True, slots=True)
class Keypoints:
    """The keypoints of a skeleton.

    Attributes:
        names: K names, unique; an empty tuple if the format has none.
        points: (K, 2) x y.
        visibility: (K,) as in COCO: 0 is not labeled, 1 is occluded, 2 is visible.
        box: x1, y1, x2, y2, if the format has a bounding box beside the keypoints.
    """

    names: tuple[str, ...]
    points: Array
    visibility: Array
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Tag:
    """A label of the whole image."""


Shape: TypeAlias = Rectangle | Polygons | Ellipse | Mask | Keypoints | Tag


@dataclass(frozen=True, slots=True)
class Annotation:
    """A labeled object of an image.

    Attributes:
        label: name of the label.
        shape: where the object is.
        crowd: the shape covers a group of objects (COCO's `iscrowd`). Detections inside are neither
            right nor wrong.
        area: in pixels; None if the format has none. COCO's sizes depend on it.
        track: number of the object's track in a video; None outside tracks.
        attributes: name -> value, as texts.
    """

    label: str
    shape: Shape
    crowd: bool = False
    area: float | None = None
    track: int | None = None
    attributes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class LabeledImage:
    """An image file and its annotations.

    Attributes:
        name: as the dataset calls it, unique in the dataset; usually a path relative to its images.
        file: the image file.
        annotations: in the order of the dataset.
        ignored: regions in which detections are neither right nor wrong, whatever their label.
        fault: why the file cannot be used, if the annotations depend on its size, such as those of
            YOLO, and it cannot be read; they are then missing. Empty otherwise.
    """

    name: str
    file: Path
    annotations: tuple[Annotation, ...]
    ignored: tuple[Shape, ...] = ()
    fault: str = ""
