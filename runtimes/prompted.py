"""Models that turn an image's features, points and boxes into masks: what SAM's kind share."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import cv2
import numpy as np

from runtimes.arrays import Array
from runtimes.errors import BadModel
from runtimes.geometry import Geometry
from runtimes.instances import Instances
from runtimes.masks import FrameMasks
from runtimes.prompts import Prompts
from runtimes.segmenter import Run, Segmenter
from runtimes.signature import Signature, Tensor
from runtimes.step import Count
from runtimes.view import View

_POSITIVE, _NEGATIVE, _FIRST, _SECOND, _PADDING = 1, 0, 2, 3, -1
"""SAM's labels of points, of the two corners of a box, and of a point that is none."""

_BLANK = (1, 1, 256, 256)
"""The sizes of an earlier mask, where the graph leaves them open."""


@dataclass(frozen=True, slots=True)
class Prompted(Segmenter):
    """What the segmenters of SAM's kind share: the tensors, the labels, the choice of a mask.

    Attributes:
        pads: whether a point that is none has to go with points that have no box.
        square: whether masks cover the square that the input is padded to, by the encoder where
            preprocessing does not.
    """

    masks: Literal["best", "all"] = "best"
    """Which of the masks that the model proposes for an object to offer: the `best` by its own
    scores, or `all` above the threshold. The newer CVATs let people choose."""
    level: float = 0.0
    """The value above which a pixel belongs to the mask: 0 for logits, 0.5 for probabilities."""
    points: str | None = None
    """The input that takes the points. Default: by its usual name."""
    labels: str | None = None
    """The input that takes their labels. Default: by its usual name."""
    size: str | None = None
    """The input that takes the image's size. Default: `orig_im_size` where it is."""
    features: dict[str, str] | None = None
    """Inputs of the decoder, and the encoder's output that goes into each. Default: by equal names;
    what is left over on both sides belongs together."""
    zeros: dict[str, tuple[Count, ...]] | None = None
    """Inputs that are given zeros, and their shapes. Default: those that take an earlier mask and
    say whether there is one."""
    output: str | None = None
    """The output with the masks. Default: by its usual name."""
    scores: str | None = None
    """The output with their scores. Default: by its usual name."""

    pads: ClassVar[bool] = False
    square: ClassVar[bool] = False
    names: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "points": ("point_coords", "batched_point_coords", "input_points"),
        "labels": ("point_labels", "batched_point_labels", "input_labels"),
        "size": ("orig_im_size", "original_image_size"),
        "zeros": ("mask_input", "has_mask_input", "input_masks", "has_input_masks"),
        "output": ("low_res_masks", "masks", "output_masks", "pred_masks"),
        "scores": ("iou_predictions", "iou_scores"),
    }
    """The usual names of each role's tensors, the first that is there counts."""

    def bind(self, model: Signature, encoder: Signature | None) -> "Prompted":
        """See Segmenter.bind."""
        inputs = {tensor.name: tensor for tensor in model.inputs}
        outputs = {tensor.name: tensor for tensor in model.outputs}
        points = self._named("points", inputs)
        labels = self._named("labels", inputs)
        for tensor in (points, labels):
            _check_points(tensor)
        size = self._optional("size", inputs)
        zeros = self.zeros
        if zeros is None:
            zeros = {name: _shape(inputs[name]) for name in self.names["zeros"] if name in inputs}
        taken = {points.name, labels.name, size, *zeros}
        left = [tensor for tensor in model.inputs if tensor.name not in taken]
        features = self.features
        if features is None:
            features = _paired(left, encoder)
        unknown = [str(tensor) for tensor in left if tensor.name not in features]
        missing = [name for name in (*features, *zeros) if name not in inputs]
        if unknown or missing:
            raise BadModel(
                f"`{self.name()}` does not know what to give to {', '.join(unknown)}"
                if unknown
                else f"the model has no input called '{missing[0]}'",
                where="features",
                found=", ".join(str(tensor) for tensor in model.inputs),
                hint="write `features: {INPUT: OUTPUT OF THE ENCODER}` or `zeros: {INPUT: SHAPE}`",
            )
        if encoder is not None:
            _check_given(features, encoder)
        return replace(
            self,
            points=points.name,
            labels=labels.name,
            size=size,
            features=features,
            zeros=zeros,
            output=self._named("output", outputs).name,
            scores=self._named("scores", outputs).name,
        )

    def image_input(self) -> str:
        """See Segmenter.image_input."""
        return next(iter(self.features or {}), "")

    def _optional(self, role: str, tensors: Mapping[str, Tensor]) -> str | None:
        """The name of a role's tensor, if the model has one.

        Raises:
            BadModel: the manifest names one that the model does not have.
        """
        given = getattr(self, role)
        if given is None:
            return next((name for name in self.names[role] if name in tensors), None)
        if given not in tensors:
            raise BadModel(
                f"the model has no tensor called '{given}'",
                where=role,
                found=given,
                allowed=", ".join(map(str, tensors.values())),
            )
        return str(given)

    def _named(self, role: str, tensors: Mapping[str, Tensor]) -> Tensor:
        """A role's tensor.

        Raises:
            BadModel: the model has none.
        """
        name = self._optional(role, tensors)
        if name is None:
            raise BadModel(
                f"`{self.name()}` needs {role}, and nothing in the model is called as usual",
                where=role,
                found=", ".join(map(str, tensors.values())),
                allowed=", ".join(self.names[role]),
                hint=f"name it: `{role}: NAME`",
            )
        return tensors[name]

    def __call__(
        self, run: Run, features: Mapping[str, Array], view: View, prompts: Prompts
    ) -> Instances:
        """See Segmenter."""
        fixed = self._fixed(features, view)
        grids, scores, numbers = [], [], []
        for number, prompt in enumerate(prompts.objects()):
            coords, labels = _tokens(prompt, view.geometry, self.pads)
            feeds = {**fixed, self.points or "": coords, self.labels or "": labels}
            outputs = run(feeds)
            found, sure = self._read(outputs)
            rows = self._chosen(found, sure, len(labels))
            # Of several boxes' masks only those that count outlive the next run.
            grids.append(found[rows].astype(np.float32))
            scores.append(sure[rows].astype(np.float64))
            numbers.append(np.full(len(rows), number))
        return self._instances(
            np.concatenate(grids), np.concatenate(scores), np.concatenate(numbers), view
        )

    def _fixed(self, features: Mapping[str, Array], view: View) -> dict[str, Array]:
        """The inputs that do not depend on the prompts.

        The size that is asked for is that of the image as the model saw it: masks as large as the
        image would cost much, and are sampled later where they are.
        """
        fixed = {name: features[source] for name, source in (self.features or {}).items()}
        for name, shape in (self.zeros or {}).items():
            fixed[name] = np.zeros(shape, np.float32)
        if self.size is not None:
            fixed[self.size] = np.array(_seen(view), np.float32)
        return fixed

    def _read(self, outputs: Mapping[str, Array]) -> tuple[Array, Array]:
        """Masks, (K, h, w), and their scores, (K,).

        Raises:
            BadModel: the outputs are no such arrays.
        """
        for name in (self.output, self.scores):
            if name not in outputs:
                raise BadModel(f"the model gave no output '{name}'", found=", ".join(outputs))
        grids, scores = outputs[self.output or ""], outputs[self.scores or ""].reshape(-1)
        if grids.ndim < 3 or int(np.prod(grids.shape[:-2])) != len(scores) or not grids.size:
            raise BadModel(
                f"`{self.name()}` reads masks [1, k, h, w] and k scores, got "
                f"{list(grids.shape)} and {len(scores)} scores",
                where="output",
            )
        return grids.reshape(-1, *grids.shape[-2:]), scores

    def _chosen(self, grids: Array, scores: Array, count: int) -> Array:
        """The numbers of the masks to offer, none of them empty.

        Where a model gives four, the first is meant for prompts that leave no doubt and the others
        for those that do: one point, or a box alone. As in SamOnnxModel.select_masks of SAM's
        authors, which counts the padding too.
        """
        rows = np.arange(len(grids))
        if len(grids) == 4:
            rows = rows[:1] if count > 2 else rows[1:]
        rows = rows[(grids[rows] > self.level).any(axis=(1, 2))]
        if self.masks == "best" and len(rows):
            rows = rows[[int(np.nan_to_num(scores[rows], nan=-np.inf).argmax())]]
        return np.asarray(rows)

    def _instances(self, grids: Array, scores: Array, numbers: Array, view: View) -> Instances:
        """Instances in pixels of the image; grids: (N, h, w) float32, none of them empty."""
        if self.size is not None and grids.shape[1:] == _seen(view):
            # Made at the size that was asked for, they leave out the padding.
            masks = FrameMasks.over(grids, self.level, view.image)
        else:
            side = max(view.input)
            covered = (side, side) if self.square else view.input
            masks = FrameMasks.over(grids, self.level, covered).to_image(view.geometry)
        extents = [cv2.boundingRect((grid > self.level).astype(np.uint8)) for grid in grids]
        x, y, width, height = np.array(extents, np.float64).reshape(-1, 4).T
        cells = np.stack([x, y, x + width, y + height], axis=1)
        boxes = masks.to_grid.inverse.boxes(cells)
        # Scores are predictions of an overlap, and may come out a little above 1.
        return Instances.of(boxes, scores.clip(0, 1), numbers, masks=masks)


def _seen(view: View) -> tuple[int, int]:
    """Height and width of the image as the model saw it, without the padding."""
    return (
        max(1, round(view.image[0] * view.geometry.scale_y)),
        max(1, round(view.image[1] * view.geometry.scale_x)),
    )


def _tokens(prompts: Prompts, geometry: Geometry, pads: bool) -> tuple[Array, Array]:
    """(n, 2) coordinates in pixels of the model's input, and (n,) labels."""
    corners = prompts.boxes.reshape(-1, 2)
    parts = [prompts.positive, prompts.negative, corners]
    labels = [_POSITIVE] * len(parts[0]) + [_NEGATIVE] * len(parts[1])
    labels += [_FIRST, _SECOND] * len(prompts.boxes)
    coords = geometry.points(np.concatenate(parts))
    if pads and not len(corners):
        coords, labels = np.concatenate([coords, np.zeros((1, 2))]), [*labels, _PADDING]
    return coords.astype(np.float32), np.array(labels, np.float32)


def _check_points(tensor: Tensor) -> None:
    """Stop where an input takes a fixed number of points.

    Raises:
        BadModel: it does.
    """
    # Either [..., points, 2] or [..., points].
    last = tensor.shape[-1] if tensor.shape else 1
    count = tensor.shape[-2] if last == 2 and len(tensor.shape) > 2 else last
    if count is not None:
        raise BadModel(
            f"the input {tensor} takes exactly {count} points",
            allowed="any number of points",
            hint="export the model again with an open axis for the points",
        )


def _check_given(features: Mapping[str, str], encoder: Signature) -> None:
    """Stop where the encoder does not give what is to be passed on.

    Raises:
        BadModel: it does not.
    """
    given = {tensor.name for tensor in encoder.outputs}
    for source in features.values():
        if source not in given:
            raise BadModel(
                f"the encoder has no output called '{source}'",
                where="features",
                found=source,
                allowed=", ".join(map(str, encoder.outputs)),
            )


def _shape(tensor: Tensor) -> tuple[int, ...]:
    """The shape of an input that is given zeros."""
    return tuple(
        known if known is not None else _BLANK[axis]
        for axis, known in enumerate(tensor.shape[: len(_BLANK)])
    )


def _paired(left: list[Tensor], encoder: Signature | None) -> dict[str, str]:
    """Inputs of the decoder, and the encoder's outputs of the same name.

    If one input and one output are left over, they belong together, whatever they are called. An
    only model's image goes in under its own name.
    """
    if encoder is None:
        return {tensor.name: tensor.name for tensor in left[:1]}
    given = {tensor.name for tensor in encoder.outputs}
    pairs = {tensor.name: tensor.name for tensor in left if tensor.name in given}
    inputs = [tensor.name for tensor in left if tensor.name not in pairs]
    outputs = [tensor.name for tensor in encoder.outputs if tensor.name not in pairs]
    if len(inputs) == len(outputs) == 1:
        pairs[inputs[0]] = outputs[0]
    return pairs
