"""Top-down pose estimation: the keypoints of one person, hand or animal per image."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.outputs import take
from runtimes.errors import BadModel, Fault
from runtimes.instances import Instances
from runtimes.signature import Signature, Tensor
from runtimes.step import Capability, Decoder, Fraction, Positive
from runtimes.view import View


def one_pose(points: Array, visible: float, threshold: float) -> Instances:
    """Return keypoints as one instance, or no instance if its score is too low.

    The score is the mean confidence of the keypoints. The box encloses the keypoints with a
    confidence above `visible`, or all of them if there are none. It is at least one pixel wide and
    high, so that a single keypoint also has a box.

    Args:
        points: (K, 3) x, y in pixels of the model's input, and confidence.
        visible: 0..1.
        threshold: the score that the instance must exceed.
    """
    points = points.astype(np.float64)
    points[:, 2] = points[:, 2].clip(0, 1)
    # In single precision, like the model's values, so that a value equal to a limit is not above
    # it.
    shown = points[:, 2].astype(np.float32) > visible
    boxed = points[shown] if shown.any() else points
    least, most = boxed[:, :2].min(axis=0), boxed[:, :2].max(axis=0)
    box = np.concatenate([least, np.maximum(most, least + 1)])
    score = points[:, 2].mean(keepdims=True)
    found = Instances.of(box[None], score, np.zeros(1, np.int64), keypoints=points[None])
    return found.take(found.scores.astype(np.float32) > threshold)


@dataclass(frozen=True, slots=True)
class Heatmap(Decoder):
    """One heatmap per keypoint of one person, [1, keypoints, h, w]: HRNet, ViTPose.

    The image should show one person. The result is one instance of class 0.

    Example:
        - heatmap: {visible: 0.3}
    """

    output: str | None = None
    """Name of the output. Default: the only output with four axes."""
    visible: Fraction = 0.3
    """Confidence above which a keypoint is included in the instance's box."""

    provides: ClassVar[frozenset[Capability]] = frozenset({"keypoints"})

    def bind(self, signature: Signature, classes: Classes) -> "Heatmap":
        """See Decoder.bind."""
        tensor = signature.output(self.output, rank=(4,), role="[1, keypoints, height, width]")
        if len(tensor.shape) != 4 or tensor.shape[0] not in (1, None):
            raise BadModel(
                f"the output {tensor} does not hold the heatmaps of one image",
                where="output",
                allowed="[1, keypoints, height, width]",
                fault=Fault.OUTPUT_LAYOUT,
            )
        classes.check(1, f"{tensor}: one person")
        return replace(self, output=tensor.name)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder. A keypoint is the heatmap's maximum, shifted to its higher neighbor.

        The shift is a quarter of a cell, as in Newell, Yang and Deng, "Stacked Hourglass Networks
        for Human Pose Estimation", 2016. Cell i, shifted by s, is at (i + s) * input size / heatmap
        size in the model's input, as in mmpose's MSRAHeatmap: cell 0 is at 0, not at half a cell.
        """
        values = take(outputs, self.output)
        if values.ndim != 4 or values.shape[0] != 1 or not values.size:
            raise BadModel(
                f"`{self.name()}` decodes [1, keypoints, height, width], got {list(values.shape)}",
                where="output",
            )
        maps = values[0].astype(np.float32)
        count, height, width = maps.shape
        flat = maps.reshape(count, -1)
        best = flat.argmax(axis=1)
        rows, columns = np.divmod(best, width)
        points = np.empty((count, 3))
        points[:, 0] = (columns + _quarter(maps[np.arange(count), rows], columns)) / width
        points[:, 1] = (rows + _quarter(maps[np.arange(count), :, columns], rows)) / height
        points[:, :2] *= view.input[::-1]
        points[:, 2] = flat[np.arange(count), best]
        return one_pose(points, self.visible, threshold)


def _quarter(lines: Array, peaks: Array) -> Array:
    """Return the shift from each line's peak to its higher neighbor; 0 at a line's ends.

    Args:
        lines: (K, n).
        peaks: (K,) indexes of the peaks.

    Returns:
        (K,) -0.25, 0 or 0.25.
    """
    numbers, last = np.arange(len(lines)), lines.shape[1] - 1
    before, after = np.maximum(peaks - 1, 0), np.minimum(peaks + 1, last)
    right, left = lines[numbers, after], lines[numbers, before]
    shift = 0.25 * (right > left) - 0.25 * (right < left)
    return np.where((peaks > 0) & (peaks < last), shift, 0.0)


@dataclass(frozen=True, slots=True)
class Simcc(Decoder):
    """RTMPose and other SimCC models: scores along x and along y for each keypoint of one person.

    The outputs are [1, keypoints, width * split] and [1, keypoints, height * split]. The image
    should show one person. The result is one instance of class 0.

    Example:
        - simcc: {x: simcc_x, y: simcc_y}
    """

    x: str | None = None
    """Name of the output along x. Default: `simcc_x`, otherwise the first of two outputs with three
    axes."""
    y: str | None = None
    """Name of the output along y. Default: `simcc_y`, otherwise the second of two outputs with
    three axes."""
    split: Positive = 2.0
    """Number of bins per pixel of the model's input."""
    visible: Fraction = 0.3
    """Confidence above which a keypoint is included in the instance's box."""

    provides: ClassVar[frozenset[Capability]] = frozenset({"keypoints"})

    def bind(self, signature: Signature, classes: Classes) -> "Simcc":
        """See Decoder.bind."""
        x, y = self._named(signature, "x"), self._named(signature, "y")
        if x is None or y is None:
            rows = [tensor for tensor in signature.outputs if len(tensor.shape) == 3]
            if len(rows) != 2:
                listing = ", ".join(str(tensor) for tensor in signature.outputs)
                raise BadModel(
                    f"{len(rows)} outputs have 3 axes; SimCC has one along x and one along y",
                    where="x",
                    found=listing,
                    allowed="two outputs [1, keypoints, bins]",
                    hint="name them: `x: NAME` and `y: NAME`",
                    fault=Fault.OUTPUT_MISSING,
                )
            one, other = rows
            x = x or (other if y is one else one)
            y = y or (other if x is one else one)
        keypoints = {tensor.shape[1] for tensor in (x, y)} - {None}
        if x.name == y.name or len(keypoints) > 1 or len(x.shape) != 3 or len(y.shape) != 3:
            raise BadModel(
                f"{x} and {y} are not the scores along x and along y of the same keypoints",
                where="x",
                allowed="two outputs [1, keypoints, bins]",
                fault=Fault.OUTPUT_LAYOUT,
            )
        classes.check(1, f"{x}, {y}: one person")
        return replace(self, x=x.name, y=y.name)

    def _named(self, signature: Signature, axis: str) -> Tensor | None:
        """Return the output along an axis, by the manifest's name or the usual one, or None."""
        name = self.x if axis == "x" else self.y
        if name is not None:
            return signature.output(name, rank=(3,), role=f"the bins along {axis}")
        usual = [tensor for tensor in signature.outputs if tensor.name == f"simcc_{axis}"]
        return usual[0] if usual else None

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder. A keypoint's confidence is the lower of its maxima along x and along y.

        Source: Li et al., "SimCC: a Simple Coordinate Classification Perspective for Human Pose
        Estimation", 2022. Bin i is at i / split, as in mmpose.
        """
        bins = [take(outputs, self.x), take(outputs, self.y)]
        height, width = view.input
        for values, side, key in zip(bins, (width, height), ("x", "y"), strict=True):
            wanted = round(side * self.split)
            if values.ndim != 3 or values.shape[0] != 1 or values.shape[2] != wanted:
                raise BadModel(
                    f"`{self.name()}` decodes [1, keypoints, {wanted}] along {key}, "
                    f"got {list(values.shape)}",
                    where=key,
                    hint=f"{wanted} is the input's {side} pixels times a split of {self.split:g}",
                )
        if bins[0].shape[1] != bins[1].shape[1]:
            raise BadModel(
                f"the outputs have {bins[0].shape[1]} keypoints along x and {bins[1].shape[1]} "
                "along y",
                where="x",
            )
        if not bins[0].size:
            raise BadModel("the outputs have no keypoints", where="x")
        places = np.stack([values[0].argmax(axis=1) for values in bins], axis=1) / self.split
        scores = np.minimum(*(values[0].max(axis=1) for values in bins))
        return one_pose(np.column_stack([places, scores]), self.visible, threshold)
