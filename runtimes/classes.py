"""Checks that the manifest's labels match the model's classes and keypoints."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from runtimes.arrays import Array
from runtimes.errors import BadModel, Fault


@dataclass(frozen=True, slots=True)
class Classes:
    """The number of classes that the manifest's labels imply.

    Attributes:
        least: the highest class ID among the labels plus one.
        exact: whether the labels are all classes: true for a plain list of names, false for labels
            with an explicit `id`.
        zero: the name of class 0; None if no label has this class.
    """

    least: int
    exact: bool
    zero: str | None = None

    def check(self, found: int, tensor: str) -> None:
        """Compare with the number of classes of the model.

        Args:
            found: the number of classes of the model.
            tensor: the output that it was read from, for messages.

        Raises:
            BadModel: the counts differ, or a label's class ID is not a class of the model.
        """
        if found == self.least or (not self.exact and self.least <= found):
            return
        background = (
            "remove the background label, if there is one: the model has no such class; or "
            if self.exact and self.least == found + 1
            else ""
        )
        labels = f"{self.least} labels" if self.exact else f"a label with id {self.least - 1}"
        raise BadModel(
            f"the model has {found} classes, the manifest {labels}",
            found=tensor,
            allowed=f"{found} labels" if self.exact else f"ids 0 to {found - 1}",
            hint=f"{background}list every class in the model's order, or give each wanted label "
            "an `id`: its class ID in the model, from 0",
            fault=Fault.CLASS_COUNT,
        )


@dataclass(frozen=True, slots=True)
class Joints:
    """One skeleton label and its keypoints.

    Attributes:
        classes: the class IDs of the instances that have this skeleton.
        label: the label that it is drawn under; empty for the instance's own label.
        points: a sublabel's name -> the keypoint's ID in the model.
        total: the number of the model's keypoints according to the labels; None if the labels name
            only some of them.
    """

    classes: tuple[int, ...]
    label: str
    points: Mapping[str, int]
    total: int | None

    def check(self, found: int) -> None:
        """Compare with the `found` keypoints of the model.

        Raises:
            BadModel: the counts differ, or a sublabel's ID is not a keypoint of the model.
        """
        least = 1 + max(self.points.values())
        if found == self.total or (self.total is None and least <= found):
            return
        named = f"name {self.total}" if self.total else f"a keypoint with id {least - 1}"
        raise BadModel(
            f"the model has {found} keypoints, the labels {named}",
            found=", ".join(self.points),
            allowed=f"{found} sublabels" if self.total else f"ids 0 to {found - 1}",
            hint="list every keypoint in the model's order, or give each wanted sublabel an "
            "`id`: its keypoint ID in the model, from 0",
            fault=Fault.KEYPOINT_COUNT,
        )


def check_whole(classes: Array, scores: Array) -> None:
    """Check that class IDs are whole numbers; fractions are another column of the output.

    Args:
        classes: (N,) of any numeric type.
        scores: (N,). Rows without a positive score are padding, and may hold anything.

    Raises:
        BadModel: a class ID is a fraction.
    """
    if classes.dtype.kind != "f":
        return
    with np.errstate(invalid="ignore"):
        found = classes[(scores > 0) & np.isfinite(classes) & (classes != np.rint(classes))]
    if len(found):
        raise BadModel(
            "the class IDs are not whole numbers",
            found=", ".join(f"{value:.4g}" for value in found[:3].tolist()),
            allowed="whole numbers from 0",
            hint="check that the decoder matches the model: the values may be scores or "
            "coordinates",
            fault=Fault.CLASS_VALUES,
        )
