"""What the manifest's labels say of a model's classes and keypoints, for steps to compare."""

from collections.abc import Mapping
from dataclasses import dataclass

from runtimes.errors import BadModel, Fault


@dataclass(frozen=True, slots=True)
class Classes:
    """How many classes the manifest's labels speak of.

    Attributes:
        least: one more than the highest class number among the labels.
        exact: whether the labels claim to be all of them (a plain list of names does, labels with
            an explicit `id` do not).
    """

    least: int
    exact: bool

    def check(self, found: int, tensor: str) -> None:
        """Compare with the `found` classes that the model has according to `tensor`.

        Raises:
            BadModel: the numbers differ, or labels name classes that the model does not have.
        """
        if found == self.least or (not self.exact and self.least <= found):
            return
        background = (
            "leave the label of the background out, if one is: the model has none; or "
            if self.exact and self.least == found + 1
            else ""
        )
        labels = f"{self.least} labels" if self.exact else f"a label with id {self.least - 1}"
        raise BadModel(
            f"the model has {found} classes, the manifest {labels}",
            found=tensor,
            allowed=f"{found} labels" if self.exact else f"ids 0 to {found - 1}",
            hint=f"{background}list every class in the model's order, or give the labels that you "
            "want an `id`: the model's class number, from 0",
            fault=Fault.CLASS_COUNT,
        )


@dataclass(frozen=True, slots=True)
class Joints:
    """One skeleton that some of a model's keypoints make.

    Attributes:
        classes: the class numbers of the instances that have it.
        label: the label that it is drawn under; empty: the instance's own.
        points: a sublabel's name -> the keypoint's number.
        total: how many keypoints the labels say that the model gives; None: they name some of them.
    """

    classes: tuple[int, ...]
    label: str
    points: Mapping[str, int]
    total: int | None

    def check(self, found: int) -> None:
        """Compare with the `found` keypoints that the model gives.

        Raises:
            BadModel: the numbers differ, or sublabels name keypoints that the model does not have.
        """
        least = 1 + max(self.points.values())
        if found == self.total or (self.total is None and least <= found):
            return
        named = f"name {self.total}" if self.total else f"a keypoint with id {least - 1}"
        raise BadModel(
            f"the model gives {found} keypoints, the labels {named}",
            found=", ".join(self.points),
            allowed=f"{found} sublabels" if self.total else f"ids 0 to {found - 1}",
            hint="list every keypoint in the model's order, or give the sublabels that you want an "
            "`id`: the model's number of the keypoint, from 0",
            fault=Fault.KEYPOINT_COUNT,
        )
