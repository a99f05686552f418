"""Saved answers of a reference implementation as a side of a comparison."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import cos, radians, sin
from pathlib import Path
from typing import Any

import numpy as np

from builder.diagnostics.errors import DatasetError
from builder.diagnostics.path import Path_
from builder.diagnostics.problem import Problem
from builder.diagnostics.text import did_you_mean
from builder.evaluation.measure import Unanswered
from builder.evaluation.parity.item import Item
from builder.evaluation.parity.pictures import File, Picture
from builder.evaluation.parity.reference_file import Detection, read
from builder.evaluation.parity.side import size_of
from builder.evaluation.region import Region
from runtimes.arrays import Array, Size

_VISIBLE = 0.5
"""Least confidence of a visible keypoint, as the step `skeleton` has by default."""


class Reference:
    """The saved answers for images, as a side of a comparison.

    Attributes:
        name: the side's name.
        description: what the file says about the reference implementation.
        threshold: the confidence threshold of the answers; None if the file has none.
        unused: names of images in the file that no picture has asked for.
    """

    def __init__(self, file: Path, labels: Sequence[Mapping[str, Any]]) -> None:
        """Read a file.

        Args:
            file: the JSON file.
            labels: the labels of the function that it is compared with, as its `spec` annotation
                lists them.

        Raises:
            CommandLineError: the file cannot be read.
            DatasetError: its content is invalid, or a label is not the function's.
        """
        self._file = file
        self._read = read(file)
        self._spec = {str(label["name"]): label for label in labels}
        self._check_labels()
        self._used: set[str] = set()
        self.name = "reference"
        self.description = f"reference: {self._read.reference}"
        self.threshold = self._read.threshold

    @property
    def unused(self) -> list[str]:
        """See the class."""
        return [name for name in self._read.images if name not in self._used]

    def has(self, file: File) -> bool:
        """Return whether there is an answer for an image; see _key."""
        return self._key(file) is not None

    def __call__(self, picture: Picture) -> list[Item]:
        """Return the answers for an image.

        Raises:
            Unanswered: the image cannot be decoded, or has another size.
            DatasetError: an object lacks what its label needs.
        """
        key = self._key(picture.files[0])
        assert key is not None
        self._used.add(key)
        answers = self._read.images[key]
        height, width = size = size_of(picture.data[0])
        if size != (answers.height, answers.width):
            raise Unanswered(
                f"the image has {width}x{height} pixels, its reference "
                f"{answers.width}x{answers.height}"
            )
        return [
            self._item(detection, size, ("images", key, "detections", number))
            for number, detection in enumerate(answers.detections)
        ]

    def _key(self, file: File) -> str | None:
        """Return the name of an image in the reference.

        It is the path on the command line, the path relative to the folder on the command line, or
        the file's name alone.
        """
        names = (str(file.path), file.name, file.path.name)
        return next((it for it in names if it in self._read.images), None)

    def _check_labels(self) -> None:
        """Check that the function has each label.

        Raises:
            DatasetError: it has not.
        """
        for name, answers in self._read.images.items():
            for number, found in enumerate(answers.detections):
                if found.label not in self._spec:
                    path = ("images", name, "detections", number, "label")
                    raise DatasetError(
                        Problem(
                            "the function has no such label",
                            file=self._file,
                            path=path,
                            found=found.label,
                            allowed=", ".join(self._spec),
                            hint=did_you_mean(found.label, self._spec),
                        )
                    )

    def _item(self, found: Detection, size: Size, path: Path_) -> Item:
        """Return a detection as an item of the type that its label has in the function.

        Raises:
            DatasetError: the detection lacks what the type needs.
        """
        label = self._spec[found.label]
        declared = str(label.get("type", "any"))
        for shape_type in [declared] if declared != "any" else _ANY:
            item = _as_type(found, shape_type, size)
            if item is not None:
                if item.visible is not None:
                    return self._in_order(item, label, path)
                return item
        needed = _NEEDED.get(declared)
        what = f"the label '{found.label}' is a {declared}, and the object lacks it"
        if needed is None:
            what = f"objects of the type {declared} cannot be compared with a reference"
        raise DatasetError(Problem(what, file=self._file, path=path, allowed=needed or ""))

    def _in_order(self, item: Item, label: Mapping[str, Any], path: Path_) -> Item:
        """Return a skeleton with its keypoints sorted by name, as in the items of replies.

        Raises:
            DatasetError: the label has another number of keypoints.
        """
        names = [str(it["name"]) for it in label.get("sublabels", [])]
        if len(names) != len(item.points):
            raise DatasetError(
                Problem(
                    f"the label '{item.label}' has {len(names)} keypoints",
                    file=self._file,
                    path=(*path, "keypoints"),
                    found=f"{len(item.points)} keypoints",
                    allowed=", ".join(names),
                )
            )
        order = sorted(range(len(names)), key=names.__getitem__)
        assert item.visible is not None
        return replace(item, points=item.points[order], visible=item.visible[order])


_ANY = ("rectangle", "mask", "skeleton", "tag")
"""The types that are tried for a label of any type."""

_NEEDED = {
    "rectangle": "box or rotated_box",
    "ellipse": "box or rotated_box",
    "mask": "mask or polygons",
    "polygon": "mask or polygons",
    "skeleton": "keypoints",
}
"""Label type -> the keys that a detection needs one of."""


def _as_type(found: Detection, shape_type: str, size: Size) -> Item | None:
    """Return a detection as an item of a type, or None if it lacks what the type needs."""
    tag = Item(found.label, "tag", "tag", found.confidence, attributes=found.attributes)
    if shape_type == "tag":
        return tag
    if shape_type in ("rectangle", "ellipse"):
        if found.rotated_box is None and found.box is None:
            return None
        rotated = found.rotated_box is not None and bool(found.rotated_box[4] % 360)
        return replace(
            tag, form="box", type=shape_type, points=_corners(found, size), rotated=rotated
        )
    if shape_type in ("mask", "polygon"):
        region = _region(found, size)
        if region is None:
            return None
        return replace(tag, form="region", type=shape_type, region=region)
    if shape_type == "skeleton" and found.keypoints is not None:
        points = np.array([point[:2] for point in found.keypoints])
        visible = np.array([len(it) < 3 or it[-1] >= _VISIBLE for it in found.keypoints], bool)
        return replace(tag, form="skeleton", type="skeleton", points=points, visible=visible)
    return None


def _corners(found: Detection, size: Size) -> Array:
    """Return the corners of a box, (4, 2), clockwise from the top left before its rotation.

    A box without a rotation is clipped to the image, as functions do.
    """
    if found.rotated_box is None:
        assert found.box is not None
        rows, columns = size
        x1, y1, x2, y2 = np.clip(found.box, 0, (columns, rows, columns, rows)).tolist()
        return np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]])
    cx, cy, width, height, degrees = found.rotated_box
    along = np.array([cos(radians(degrees)), sin(radians(degrees))]) * width / 2
    across = np.array([-sin(radians(degrees)), cos(radians(degrees))]) * height / 2
    ends = np.array([-along - across, along - across, along + across, across - along])
    return np.asarray(ends + np.array([cx, cy]))


def _region(found: Detection, size: Size) -> Region | None:
    """Return the pixels of a mask or of polygons; None without either."""
    if found.mask is not None:
        values = np.repeat(np.arange(len(found.mask)) % 2 == 1, found.mask)
        return _tight(values.reshape(size))
    if found.polygons is None:
        return None
    return Region.inside([np.array(ring).reshape(-1, 2) for ring in found.polygons], size)


def _tight(bitmap: Array) -> Region:
    """Return the pixels of a bitmap without the empty border."""
    rows, columns = np.flatnonzero(bitmap.any(axis=1)), np.flatnonzero(bitmap.any(axis=0))
    if not len(rows):
        return Region(np.zeros((0, 0), bool), 0, 0)
    top, left = int(rows[0]), int(columns[0])
    return Region(bitmap[top : rows[-1] + 1, left : columns[-1] + 1], left, top)
